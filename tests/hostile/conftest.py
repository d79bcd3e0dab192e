"""What every hostile test watches: the files, the connections, the memory and the work of a request."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType, SimpleNamespace
from typing import Any

import pytest

from mm7_wsgi import MM7Endpoint, MM7Request

# What the interpreter tells of what a program does to the world outside (Python, "Audit events table").
_OUTSIDE = ("open", "socket.", "subprocess.", "os.", "urllib.", "ftplib.", "http.client.", "shutil.", "webbrowser.")
_seen: list[tuple[str, Any]] | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _seen is not None and event.startswith(_OUTSIDE):
        _seen.append((event, arguments[0] if arguments else None))


# A hook cannot be taken away again, so there is one for all tests, which keeps silent between them.
sys.addaudithook(_audit)


@dataclass
class Watched:
    """What one request did."""

    answer: Any = None
    #: The names of the deviations of each request that the handler was called with.
    handled: list[set[str]] = field(default_factory=list)
    #: Octets of memory that Python took at most, above what it had before.
    memory: int = 0
    #: Calls of functions, those written in C among them.
    calls: int = 0
    #: Files opened, processes started, connections made, but for the file without a name of a large body.
    outside: list[tuple[str, Any]] = field(default_factory=list)


def _handler(watched: Watched) -> Callable[[MM7Request], None]:
    def handler(request: MM7Request) -> None:
        watched.handled.append({deviation.name for deviation in request.deviations})
        for part in request.leaves():
            with part.open() as stream:
                while stream.read(65536):
                    pass

    return handler


@pytest.fixture
def watch(ask: Callable[..., Any]) -> Callable[..., Watched]:
    """Sends a request to an endpoint of its own, whose handler reads every part piece by piece: ``watch(environ)``."""

    def watch(environ: dict[str, Any], *, lawful: bool = True) -> Watched:
        global _seen
        watched = Watched()

        def count(frame: FrameType, event: str, argument: Any) -> None:
            watched.calls += event in ("call", "c_call")

        endpoint = MM7Endpoint(_handler(watched), accounts={"acme": "s3cret"})
        folder = tempfile.gettempdir()  # tried out, the first time
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        seen = _seen = []
        sys.setprofile(count)
        try:
            watched.answer = ask(endpoint, environ, validate=lawful)
        finally:
            sys.setprofile(None)
            _seen = None
            watched.memory = tracemalloc.get_traced_memory()[1] - before
            tracemalloc.stop()
        # A codec of Python's is imported when it is asked for the first time.
        python = sysconfig.get_path("stdlib")
        watched.outside = [
            (event, where)
            for event, where in seen
            if event != "open" or (where != folder and not str(where).startswith(python))
        ]
        return watched

    return watch


@pytest.fixture(scope="module")
def canary() -> Iterator[socket.socket]:
    """A server that nobody is to connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def kit(mm7: SimpleNamespace, make_environ: Callable[..., Any], canary: socket.socket) -> SimpleNamespace:
    """What attacks are made with: the builders of messages, of environs, and the address of the canary."""
    return SimpleNamespace(
        **vars(mm7), environ=make_environ, canary=f"http://127.0.0.1:{canary.getsockname()[1]}/canary"
    )


@pytest.fixture(autouse=True)
def _nothing_is_left_open() -> Iterator[None]:
    """A test has as many files and sockets open when it ends as when it began."""
    before = _descriptors()
    yield
    assert _descriptors() == before


def _descriptors() -> list[str]:
    if not os.path.isdir("/proc/self/fd"):
        return []
    names = [f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd")]
    return sorted(os.readlink(name) for name in names if os.path.lexists(name))  # all but the one that listed them
