"""What a message costs under a real server: gunicorn with the endpoint, with the naive way, and with next to nothing.

    python -m benchmarks.servers [--seconds 3] [--passes 5] [--json FILE] [--quick]

Three servers run at once, each with one worker of the kind sync: the endpoint with a host that looks at every leaf, the
naive way with the same, and an application that reads the body and gives the same answer without looking. What the last
one takes is the price of gunicorn, of the sockets and of this client, so it is taken off the others: the share is what
the endpoint adds, divided by what the naive way adds.

A pass has three fresh servers. One client sends them a burst of requests each, in turn, and another begins in each
round. The time of a request is that of its burst, divided; of all bursts of a pass the median counts: the best would be
one without a garbage collection, which is a part of what the naive way and we cost. Of the passes the table has the
median, with least and greatest in brackets.

Needs gunicorn, and a system that has it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from types import FrameType
from typing import IO, TYPE_CHECKING, Final

from . import naive
from .messages import MESSAGES, Message
from .requests import ACCOUNTS, environ_of, ours, sender, visit
from .tables import describe, describe_machine, markdown, spread, verdict, write_json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TITLE: Final = "The servers"
_ROOT: Final = Path(__file__).resolve().parents[1]
#: What each server runs.
SERVERS: Final[Mapping[str, str]] = {
    "ours": "the endpoint",
    "naive": "the naive way",
    "reading": "reading the body",
}
#: The share of the naive way's costs that ours may be, by message.
BARS: Final[Mapping[str, float]] = {"a": 0.6, "c": 0.08}
#: Requests in one burst.
_BURSTS: Final[Mapping[str, int]] = {"a": 40, "c": 8}
#: Seconds until a server has to be there, to answer, and to be gone.
_PATIENCE: Final = 30


def application(kind: str) -> WSGIApplication:
    """What gunicorn is told to run; ``kind`` is a key of :data:`SERVERS`."""
    return _APPLICATIONS[kind]()


def _reading() -> WSGIApplication:
    """An application that reads the body and answers what the endpoint once answered, whatever was sent."""
    answer = sender(ours(visit), MESSAGES["a"]())()

    def read(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [("Content-Type", 'text/xml; charset="utf-8"'), ("Content-Length", str(len(answer)))])
        return [answer]

    return read


_APPLICATIONS: Final[Mapping[str, Callable[[], WSGIApplication]]] = {
    "ours": lambda: ours(visit),
    "naive": lambda: naive.application(ACCOUNTS, naive.visit),
    "reading": _reading,
}


# -- the servers


@contextmanager
def serving(kind: str) -> Iterator[int]:
    """A server that is ready, as long as the block runs; gives its port.

    Raises ``RuntimeError`` with what gunicorn said where it does not start.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        # It listens before gunicorn is there, so nobody else can take the port; a request that comes early waits.
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
            server = _start(kind, listener.fileno(), folder, log)
        try:
            _wait(port, kind, log)
            yield port
        finally:
            _stop(server)


def _start(kind: str, listener: int, folder: str, log: IO[bytes]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener}", "--workers", "1"]
    command += ["--worker-class", "sync", "--log-level", "warning", "--chdir", str(_ROOT)]
    command += [f"benchmarks.servers:application({kind!r})"]
    return subprocess.Popen(
        command,
        cwd=_ROOT,
        # Newer ones make a socket there to be controlled by, or else in the home of whoever runs them.
        env={**os.environ, "XDG_RUNTIME_DIR": folder},
        pass_fds=[listener],
        start_new_session=True,  # Ctrl-C does not reach it, so that it is ended once, and by us
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )


def _wait(port: int, kind: str, log: IO[bytes]) -> None:
    """Wait until the server answers; raises ``RuntimeError`` where it does not come."""
    try:
        send(port, request_of(MESSAGES["a"]()))
    except (OSError, RuntimeError) as error:
        log.seek(0)
        said = log.read().decode(errors="replace")
        raise RuntimeError(f"gunicorn does not serve {kind!r}: {error}\n{said}") from None


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)  # its worker too: both are alone in their session
        server.wait()


# -- the client


def request_of(message: Message) -> bytes:
    """A whole HTTP request."""
    environ = environ_of(message.content_type, len(message.body))
    lines = [
        f"POST {environ['PATH_INFO']} HTTP/1.1",
        f"Host: {environ['HTTP_HOST']}",
        f"Authorization: {environ['HTTP_AUTHORIZATION']}",
        f"SOAPAction: {environ['HTTP_SOAPACTION']}",
        f"Content-Type: {environ['CONTENT_TYPE']}",
        f"Content-Length: {environ['CONTENT_LENGTH']}",
        "Connection: close",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + message.body


def send(port: int, request: bytes) -> None:
    """Send one request and read the answer to its end; raises ``RuntimeError`` unless it is 200 and 1000."""
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as client:
        # Else the end of a long request may wait until its beginning is acknowledged.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.sendall(request)
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    if not answer.startswith(b"HTTP/1.1 200 ") or b"<StatusCode>1000</StatusCode>" not in answer:
        raise RuntimeError(f"the server answered {answer[:2000]!r}")


def burst(port: int, request: bytes, count: int) -> float:
    """The seconds of one request, by ``count`` of them in a row."""
    started = time.perf_counter()
    for _ in range(count):
        send(port, request)
    return (time.perf_counter() - started) / count


# -- measuring


def one_pass(seconds: float) -> dict[str, dict[str, list[float]]]:
    """The seconds of a request in each burst, by message and server; each message is sent for ``seconds`` together."""
    found: dict[str, dict[str, list[float]]] = {}
    with ExitStack() as running:
        ports = {kind: running.enter_context(serving(kind)) for kind in SERVERS}
        for letter in BARS:
            request = request_of(MESSAGES[letter]())
            found[letter] = {kind: [] for kind in SERVERS}
            for port in ports.values():
                burst(port, request, 3)  # what is done for the first time takes longer
            order = list(SERVERS)
            started = time.perf_counter()
            while not found[letter]["ours"] or time.perf_counter() - started < seconds:
                for kind in order:
                    found[letter][kind].append(burst(ports[kind], request, _BURSTS[letter]))
                order.append(order.pop(0))
    return found


def share_of(seconds: Mapping[str, float]) -> float:
    """What the endpoint adds to reading the body, divided by what the naive way adds."""
    return (seconds["ours"] - seconds["reading"]) / (seconds["naive"] - seconds["reading"])


def summary(passes: Sequence[Mapping[str, Mapping[str, float]]], *, judged: bool) -> str:
    """The table of what was found, pass by pass: seconds by message and server."""
    headers = ["", "message", "server", "requests/s", "ms for each", "share of the naive way's", "at most"]
    rows = []
    for letter, bar in BARS.items():
        shares = [share_of(measured[letter]) for measured in passes]
        for kind, title in SERVERS.items():
            seconds = [measured[letter][kind] for measured in passes]
            cells = [spread([1 / each for each in seconds], 0), spread([each * 1e3 for each in seconds]), "", ""]
            if kind == "ours":
                cells[2:] = spread(shares, 3), verdict(median(shares), most=bar if judged else None)
            rows.append([letter, MESSAGES[letter]().title, title, *cells])
    return markdown(headers, rows, left=3)


# -- the command


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark with the arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.servers", description="Measures what a message costs under gunicorn."
    )
    parser.add_argument("--seconds", type=float, default=3, help="for each message in each pass (default: 3)")
    parser.add_argument("--passes", type=int, default=5, help="passes, each with servers of its own (default: 5)")
    parser.add_argument("--json", metavar="FILE", help="write all that was measured to this file")
    parser.add_argument("--quick", action="store_true", help="one short pass, to see that it works")
    given = parser.parse_args(arguments)
    if given.passes < 1:
        parser.error("--passes has to be 1 at least")
    if os.name != "posix" or importlib.util.find_spec("gunicorn") is None:
        parser.error("gunicorn is not installed, or this system cannot have it: pip install 'mm7_wsgi[gunicorn]'")
    if given.quick:
        given.seconds, given.passes = 0, 1
    # What ends a program otherwise would leave the servers behind.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    bursts = []
    for number in range(given.passes):
        print(f"pass {number + 1} of {given.passes} ...", file=sys.stderr, flush=True)
        bursts.append(one_pass(given.seconds))
    passes = [
        {letter: {kind: median(every) for kind, every in kinds.items()} for letter, kinds in measured.items()}
        for measured in bursts
    ]
    print(f"Measured on gunicorn {version('gunicorn')}, {describe(describe_machine())}\n")
    print(summary(passes, judged=not given.quick), end="")
    if given.json is not None:
        shares = {letter: [share_of(measured[letter]) for measured in passes] for letter in BARS}
        options = {"seconds": given.seconds, "passes": given.passes, "quick": given.quick}
        figures = {"options": options, "bars": BARS, "seconds": passes, "shares": shares, "bursts": bursts}
        write_json(given.json, _TITLE, figures)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
