"""See a message come in and its answer go out: starts gunicorn with alone.py and sends it a message.

    python examples/quickstart.py [--port 8007] [--once]

It needs gunicorn, and mm7_wsgi installed or beside this folder. It serves until Ctrl-C; with --once it ends after the
exchange, with status 0 if the message was accepted.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from types import FrameType
from xml.dom import minidom
from xml.etree import ElementTree

EXAMPLES = Path(__file__).resolve().parent
MESSAGE = EXAMPLES / "messages" / "submit"
TARGET = "/mm7/acme=s3cret"


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description="Start an MM7 server and send it a message.")
    parser.add_argument("--port", type=int, default=8007, help="where to listen; 0: wherever is free (default: 8007)")
    parser.add_argument("--once", action="store_true", help="end after the exchange")
    options = parser.parse_args()
    if importlib.util.find_spec("gunicorn") is None:
        return fail("gunicorn is not installed here: python -m pip install gunicorn")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        return fail(f"cannot listen on port {options.port} ({reason}); choose another one with --port")
    port = listener.getsockname()[1]
    try:
        with serving(listener) as server:
            say(f"--- Sending {os.path.relpath(MESSAGE)} to http://127.0.0.1:{port}{TARGET}\n")
            say("--- The handler in alone.py gets:\n")
            try:
                response, answer = send(port)
            except (OSError, HTTPException) as error:
                return fail(f"no answer from the server: {error}")
            accepted = show(response, answer)
            if options.once:
                return 0 if accepted else 1
            say("\n--- To send it again, from here:\n")
            say(f"curl {curl_arguments()} http://127.0.0.1:{port}{TARGET}")
            say("\nServing until Ctrl-C.\n")
            server.wait()
            return fail("the server has ended")
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130 if options.once else 0


def interrupt(number: int, frame: FrameType | None) -> None:
    """Make the other signals that end a program do what Ctrl-C does."""
    raise KeyboardInterrupt


@contextmanager
def serving(listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    """Gunicorn, on a socket that listens already: a request that comes before gunicorn is ready waits for it."""
    command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--log-level", "warning"]
    command += ["--chdir", str(EXAMPLES), "alone:application"]
    # In a session of its own Ctrl-C does not reach it, so that it ends once and quietly, below.
    with listener:
        server = subprocess.Popen(
            command, cwd=EXAMPLES.parent, pass_fds=[listener.fileno()], start_new_session=True, stdin=subprocess.DEVNULL
        )
    try:
        yield server
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


def send(port: int) -> tuple[HTTPResponse, bytes]:
    """Post the message; returns the answer and its body."""
    headers = dict(line.split(": ", 1) for line in MESSAGE.with_suffix(".headers").read_text().splitlines())
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", TARGET, MESSAGE.with_suffix(".body").read_bytes(), headers)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def show(response: HTTPResponse, answer: bytes) -> bool:
    """Print the answer; returns whether it says that the message was accepted."""
    say("--- The answer, indented for reading:\n")
    say(f"HTTP/1.1 {response.status} {response.reason}")
    say(f"Content-Type: {response.getheader('Content-Type')}\n")
    say(indented(answer))
    return response.status == 200 and ElementTree.fromstring(answer).findtext(".//{*}StatusCode") == "1000"


def indented(xml: bytes) -> str:
    """The same XML, an element to a line."""
    lines = minidom.parseString(xml).toprettyxml(indent="  ", encoding="utf-8").decode().splitlines()
    return "\n".join(line for line in lines if line.strip())


def curl_arguments() -> str:
    """The message as curl takes it, as seen from the current folder."""
    path = os.path.relpath(MESSAGE)
    return f"-H {shlex.quote(f'@{path}.headers')} --data-binary {shlex.quote(f'@{path}.body')}"


def say(text: str) -> None:
    """Print at once: the server writes to the same place."""
    print(text, flush=True)


def fail(text: str) -> int:
    """Say what is wrong; returns the exit status for it."""
    print(f"quickstart: {text}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
