"""See a message come in, be stored and answered, and be taken from there: starts gunicorn and a worker with durable.py.

    python examples/quickstart.py [--port 8007] [--once]

It needs gunicorn and SQLAlchemy, and mm7_wsgi installed or beside this folder. It serves until Ctrl-C; with --once it
ends after the exchange, with status 0 if the message was accepted and the worker got it. What it stores it removes.
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
import tempfile
import threading
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
    for package in ("gunicorn", "sqlalchemy"):
        if importlib.util.find_spec(package) is None:
            return fail(f"{package} is not installed here: python -m pip install {package}")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        listener = socket.create_server(("127.0.0.1", options.port))
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else error
        return fail(f"cannot listen on port {options.port} ({reason}); choose another one with --port")
    port = listener.getsockname()[1]
    try:
        with serving(listener) as (server, worker):
            say(f"--- Sending {os.path.relpath(MESSAGE)} to http://127.0.0.1:{port}{TARGET}\n")
            try:
                response, answer = send(port)
            except (OSError, HTTPException) as error:
                return fail(f"no answer from the server: {error}")
            accepted = show(response, answer)
            say("\n--- It is stored. The worker in durable.py gets:\n")
            got = accepted and pass_on(worker)
            if options.once:
                return 0 if got else 1
            say("--- To send it again, from here:\n")
            say(f"curl {curl_arguments()} http://127.0.0.1:{port}{TARGET}")
            say("\nThe answer will be the same, and the worker gets nothing: it is the same message.")
            say("\nServing until Ctrl-C.\n")
            threading.Thread(target=lambda: [pass_on(worker) for _ in iter(worker.poll, 0)], daemon=True).start()
            server.wait()
            return fail("the server has ended")
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130 if options.once else 0


def interrupt(number: int, frame: FrameType | None) -> None:
    """Make the other signals that end a program do what Ctrl-C does."""
    raise KeyboardInterrupt


@contextmanager
def serving(listener: socket.socket) -> Iterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """Gunicorn, on a socket that listens already, and a worker; they share a file that is gone afterwards.

    A request that comes before gunicorn is ready waits for it. In sessions of their own Ctrl-C does not reach them, so
    that they end once and quietly.
    """
    command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--log-level", "warning"]
    command += ["--chdir", str(EXAMPLES), "durable:application"]
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "MM7_SPOOL": os.path.join(folder, "mm7.db")}
        started: list[subprocess.Popen[bytes]] = []
        try:
            with listener:
                started.append(
                    subprocess.Popen(
                        command, cwd=EXAMPLES.parent, env=environment, pass_fds=[listener.fileno()],
                        start_new_session=True, stdin=subprocess.DEVNULL,
                    )
                )  # fmt: skip
            started.append(
                subprocess.Popen(
                    [sys.executable, str(EXAMPLES / "durable.py")], cwd=EXAMPLES.parent, env=environment,
                    start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                )
            )  # fmt: skip
            yield started[0], started[1]
        finally:
            for process in started:
                end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def pass_on(worker: subprocess.Popen[bytes]) -> bool:
    """Print what the worker says of one message, which ends in an empty line; False where it has ended."""
    assert worker.stdout is not None
    for line in worker.stdout:
        say(line.decode().rstrip("\n"))
        if not line.strip():
            return True
    return False


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
