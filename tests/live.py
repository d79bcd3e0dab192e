"""Real servers on 127.0.0.1, and clients that say to them what no library would.

Test modules load this with ``runpy``, since those that pytest imports by their path cannot import each other.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import re
import runpy
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.client import HTTPConnection, HTTPResponse, parse_headers
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import mm7_wsgi

Answer: Any = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["Answer"]

#: Seconds until something that waits for a server gives up.
TIMEOUT = 60


class Server:
    """What serves at a port of 127.0.0.1. ``calls`` are the lines that its callbacks have left so far."""

    def __init__(self, folder: Path, port: int, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.port = port
        self.process = process

    @property
    def log(self) -> str:
        """All that the server has written."""
        return (self.folder / "log").read_text(errors="replace")

    @property
    def calls(self) -> list[dict[str, Any]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def forget(self) -> None:
        (self.folder / "calls").unlink(missing_ok=True)

    def url(self, path: str = "/mm7/acme=s3cret") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def send(
        self, path: str, body: Any = None, headers: dict[str, str] | None = None, method: str = "POST", **more: Any
    ) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT)
        try:
            connection.request(method, path, body, headers or {}, **more)
            response = connection.getresponse()
            return response, response.read()
        finally:
            connection.close()

    def send_octets(self, *pieces: bytes) -> bytes:
        """Send, end the sending, and read what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), TIMEOUT) as client:
            for piece in pieces:
                client.sendall(piece)
            with suppress(OSError):  # the server may have ended it before
                client.shutdown(socket.SHUT_WR)
            received = b""
            while piece := client.recv(65536):
                received += piece
            return received

    def connect(self) -> Client:
        return Client(self.port)


class Client:
    """One connection, on which anything can be sent at any time, and the answers to it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self._received = self._socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._received.close()
        self._socket.close()

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def tear(self) -> None:
        """End the connection in both directions; what is being sent by another thread fails."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Send no more. What was sent before is still answered."""
        with suppress(OSError):  # the server may have ended it before
            self._socket.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """End the connection as a machine does that knows nothing of it."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def is_taken(self) -> bool:
        """Whether the server has read all that was sent, as /proc shows it; elsewhere always."""
        table = Path("/proc/net/tcp")
        if not table.exists():
            return True
        (_, here), (_, there) = self._socket.getsockname(), self._socket.getpeername()
        for line in table.read_text().splitlines()[1:]:
            _, local, remote, _, queues, *_ = line.split()
            if (local.endswith(f":{there:04X}"), remote.endswith(f":{here:04X}")) == (True, True):
                return int(queues.partition(":")[2], 16) == 0
        return False

    def is_answered(self, seconds: float) -> bool:
        """Whether something comes within that time. Nothing is read of it."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def answer(self) -> Any:
        """The next answer, an ``Answer``; None where the connection ended instead."""
        line = self._received.readline()
        if not line:
            return None
        found = re.fullmatch(rb"HTTP/1\.[01] ([0-9]{3}) [^\r\n]+\r\n", line)
        assert found, f"this is no status line: {line!r}"
        headers = parse_headers(self._received).items()
        length = [value for name, value in headers if name.lower() == "content-length"]
        status = int(found[1])
        if status == 100:
            return Answer(status, headers, b"")
        body = self._received.read(int(length[0]) if length else -1)
        assert not length or len(body) == int(length[0]), "the answer broke off"
        return Answer(status, headers, body)

    def answers(self) -> list[Any]:
        """Send no more; all the answers until the connection ends."""
        self.end()
        return list(iter(self.answer, None))


class Worker:
    """A process, as /proc shows it from outside."""

    def __init__(self, number: int) -> None:
        self._folder = Path("/proc") / str(number)

    @property
    def open_files(self) -> list[str]:
        """Files and sockets, each as often as it is open."""
        found = []
        for path in (self._folder / "fd").iterdir():
            try:
                name = os.readlink(path)
            except FileNotFoundError:
                continue
            found.append("a socket" if name.startswith("socket:") else name)
        return sorted(found)

    @property
    def peak(self) -> int:
        """The most octets of memory that it had since its peak was forgotten."""
        found = re.search(r"^VmHWM:\s+([0-9]+) kB$", (self._folder / "status").read_text(), re.MULTILINE)
        assert found
        return int(found[1]) * 1024

    def forget_peak(self) -> None:
        (self._folder / "clear_refs").write_text("5")


def until(condition: Callable[[], object]) -> None:
    """Wait for what a server does on its own, of which nobody is told."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


@contextmanager
def gunicorn(folder: Path, application: str, *options: str) -> Iterator[Server]:
    """gunicorn in ``folder``, with ``application`` as it names one.

    Without ``--keep-alive`` a gevent worker drops whoever has not sent a whole head in two seconds.
    """
    listener = _listener()
    command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--chdir", str(folder)]
    command += ["--worker-tmp-dir", str(folder), "--graceful-timeout", str(TIMEOUT // 2)]
    command += ["--keep-alive", str(TIMEOUT // 2), *options, application]
    # Newer ones make a socket there to be controlled by, or else in the home of whoever runs them, one for all.
    with TemporaryDirectory() as short, _started(folder, listener, command, XDG_RUNTIME_DIR=short) as server:
        yield server


@contextmanager
def _served_by(name: str, folder: Path, application: str) -> Iterator[Server]:
    listener = _listener()
    command = [sys.executable, str(Path(__file__).parent / "hosts" / "serve.py"), name]
    with _started(folder, listener, [*command, str(listener.fileno()), application]) as server:
        yield server


waitress = partial(_served_by, "waitress")
cheroot = partial(_served_by, "cheroot")
wsgiref = partial(_served_by, "wsgiref")
werkzeug = partial(_served_by, "werkzeug")  # the development server


@contextmanager
def uwsgi(program: str, folder: Path, application: str) -> Iterator[Server]:
    """uWSGI, which speaks HTTP itself, with one process of four threads."""
    listener = _listener()
    command = [program, "--http-socket", f"fd://{listener.fileno()}", "--module", application, "--need-app"]
    command += ["--single-interpreter", "--threads", "4", "--master", "--die-on-term"]
    command += ["--socket-timeout", str(TIMEOUT)]  # it gives up a body after four seconds without any of it
    with _started(folder, listener, command) as server:
        yield server


@contextmanager
def uvicorn(folder: Path, application: str) -> Iterator[Server]:
    """uvicorn, with an application of ASGI."""
    listener = _listener()
    command = [sys.executable, "-m", "uvicorn", "--fd", str(listener.fileno()), application]
    with _started(folder, listener, command) as server:
        yield server


@contextmanager
def granian(folder: Path, application: str) -> Iterator[Server]:
    """granian, for WSGI. It takes no socket, so it gets a port that is kept for it, as it does for its own workers."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    keeper.bind(("127.0.0.1", 0))
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(keeper.getsockname()[1])]
    command += ["--blocking-threads", "4", application]
    with keeper, _started(folder, keeper.dup(), command) as server:
        yield server


@contextmanager
def nginx(program: str, folder: Path, site: str) -> Iterator[Server]:
    """nginx in ``folder``, with ``site`` inside of its http block, where {port} is the one to listen at."""
    listener = _listener()
    lines = ["daemon off;", "worker_processes 1;", "pid nginx.pid;", "error_log stderr warn;"]
    if os.geteuid() == 0:  # else the worker becomes another user, who cannot write here
        lines += [f"user {pwd.getpwuid(0).pw_name} {grp.getgrgid(0).gr_name};"]
    lines += ["events { }", "http {"]
    lines += [f"{kind}_temp_path temporary;" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")]
    lines += [site.replace("{port}", str(listener.getsockname()[1])), "}"]
    (folder / "nginx.conf").write_text("\n".join(lines))
    command = [program, "-p", f"{folder}/", "-c", f"{folder}/nginx.conf"]
    # This is how an nginx hands its sockets to the one that replaces it.
    with _started(folder, listener, command, NGINX=f"{listener.fileno()};") as server:
        yield server


def _listener() -> socket.socket:
    """A socket that listens already: what is sent before the server is ready waits for it."""
    return socket.create_server(("127.0.0.1", 0), backlog=256)


@contextmanager
def _started(folder: Path, listener: socket.socket, command: list[str], **environment: str) -> Iterator[Server]:
    """A server in ``folder`` that is handed ``listener``; it has answered one request."""
    places = [str(folder), str(Path(mm7_wsgi.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    environment |= {"PYTHONPATH": os.pathsep.join(filter(None, places)), "PYTHONDONTWRITEBYTECODE": "1"}
    with listener, (folder / "log").open("wb") as output:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    server = Server(folder, port, process)
    try:
        assert _first_answer(server).status == 200
        yield server
    finally:
        process.terminate()
        try:
            process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _first_answer(server: Server) -> HTTPResponse:
    """To a request that waits in the socket for a server that is not ready, or is sent until one listens."""
    end = time.monotonic() + TIMEOUT
    while True:
        try:
            response, _ = server.send("/", method="GET")
            return response
        except OSError as error:
            is_early = isinstance(error, ConnectionRefusedError) and server.process.poll() is None
            if not is_early or time.monotonic() > end:
                pytest.fail(f"{server.process.args!r} did not start: {error}\n{server.log}")
        time.sleep(0.01)
