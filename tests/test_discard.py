"""What is left of a body after an early answer: read and dropped for a known account, and never for a stranger."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mm7_wsgi import Account, Limits, MM7Endpoint
from mm7_wsgi.protocol.buffer import IN_MEMORY
from mm7_wsgi.throttle import Throttle

MEGABYTE = 1024 * 1024
#: Above ``Limits.body``, and below ``Limits.discard``.
SIZE = 20 * MEGABYTE


class Clock:
    """Stands still but for what the input takes."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("mm7_wsgi.body.monotonic", clock)
    return clock


class Upload:
    """A ``wsgi.input`` that gives ``size`` bytes, each read in so many seconds of a clock, and then ends."""

    def __init__(
        self, size: int, clock: Clock | None = None, seconds: Callable[[int], float] = lambda size: 0.0
    ) -> None:
        self.left = size
        self.taken = 0
        self.reads: list[int] = []
        self._clock = clock
        self._seconds = seconds

    def read(self, size: int, /) -> bytes:
        assert size > 0
        self.reads.append(size)
        if self._clock is not None:
            self._clock.now += self._seconds(size)
        piece = bytes(min(size, self.left))
        self.left -= len(piece)
        self.taken += len(piece)
        return piece


def accept(request: object) -> None:
    """Take everything."""


def endpoint(account: dict[str, Any] | None = None, **settings: Any) -> MM7Endpoint:
    return MM7Endpoint(accept, accounts={"acme": Account("acme", "s3cret", **account or {})}, **settings)


def begin(app: Any, environ: dict[str, Any]) -> tuple[int, Iterator[bytes]]:
    """The status, and the body of the answer, of which nothing was asked for yet."""
    statuses: list[str] = []
    iterable = app(environ, lambda status, headers, exc_info=None: statuses.append(status))
    return int(statuses[0][:3]), iter(iterable)


@pytest.fixture
def request_of(make_environ: Any) -> Callable[..., dict[str, Any]]:
    """Makes the environ of a request whose body is ``upload``: ``request_of(upload, CONTENT_TYPE="text/html")``."""

    def request_of(upload: Any, **more: Any) -> dict[str, Any]:
        size = str(upload.left) if isinstance(upload, Upload) else "100"
        defaults = {"CONTENT_TYPE": "text/xml", "CONTENT_LENGTH": size, "wsgi.input": upload}
        environ: dict[str, Any] = make_environ(b"", defaults | more)
        return environ

    return request_of


CHUNKED = {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
EARLY: dict[str, tuple[int, int, dict[str, Any]]] = {
    "larger than the limit": (413, SIZE, {}),
    "of another type": (415, 1000, {"CONTENT_TYPE": "text/html"}),
    "without a type": (415, 1000, {"CONTENT_TYPE": None}),
    "encoded": (415, 1000, {"HTTP_CONTENT_ENCODING": "gzip"}),
    "with a long Content-Type": (413, 1000, {"CONTENT_TYPE": f"text/xml; a={'x' * 9000}"}),
    "chunked": (411, SIZE, CHUNKED),
    "of another type and chunked": (415, SIZE, {"CONTENT_TYPE": "text/html", **CHUNKED}),
}


@pytest.mark.parametrize(("status", "size", "more"), EARLY.values(), ids=EARLY)
def test_the_body_of_a_known_account_is_read_and_dropped_after_the_answer(
    request_of: Any, status: int, size: int, more: dict[str, Any]
) -> None:
    upload = Upload(size)
    found, answer = begin(endpoint(), request_of(upload, **more))

    octets = next(answer)
    assert (found, upload.reads) == (status, [])
    assert octets.endswith(b"</env:Envelope>")
    assert list(answer) == []
    assert (upload.taken, upload.left) == (size, 0)
    if "CONTENT_LENGTH" not in more:
        assert sum(upload.reads) == size, "more was asked for than was announced"


def test_what_is_over_the_rate_is_dropped_too(request_of: Any) -> None:
    app = endpoint({"rate": "1/minute"})
    begin(app, request_of(Upload(10)))
    upload = Upload(10)

    status, answer = begin(app, request_of(upload))

    assert (status, upload.taken) == (500, 0)
    assert b"4006" in b"".join(answer)
    assert upload.taken == 10


def test_a_chunked_body_that_is_allowed_is_read_on_beyond_the_limit(request_of: Any) -> None:
    upload = Upload(SIZE)
    status, answer = begin(endpoint(limits=Limits(body=1000), allow_chunked=True), request_of(upload, **CHUNKED))

    assert (status, upload.taken) == (413, 1001)
    list(answer)
    assert upload.left == 0


def test_a_body_that_found_no_room_is_read_on(request_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    size = 3 * IN_MEMORY
    upload = Upload(size)
    status, answer = begin(endpoint(), request_of(upload, HTTP_EXPECT="100-continue"))

    assert status == 500
    assert 0 < upload.taken < size
    assert b"4006" in b"".join(answer)
    assert (upload.taken, sum(upload.reads)) == (size, size)


STRANGERS = {
    "no credentials": {"PATH_INFO": "/mm7"},
    "a wrong password": {"PATH_INFO": "/mm7/acme=wrong"},
    "an unknown account": {"PATH_INFO": "/mm7/nobody=s3cret"},
    "Basic in bad base64": {"HTTP_AUTHORIZATION": "Basic %%%"},
    "another method": {"REQUEST_METHOD": "PUT"},
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("more", STRANGERS.values(), ids=STRANGERS)
def test_of_a_stranger_not_a_byte_is_read(request_of: Any, streams: Any, more: dict[str, Any], chunked: bool) -> None:
    status, answer = begin(endpoint(), request_of(streams.UntouchableInput(), **(CHUNKED if chunked else {}) | more))

    assert list(answer)
    assert status in (401, 405)


def test_of_a_stranger_who_is_held_up_not_a_byte_is_read(request_of: Any, streams: Any) -> None:
    app = endpoint(throttle=Throttle(failures="1/minute"))
    for _ in range(3):
        status, answer = begin(app, request_of(streams.UntouchableInput(), PATH_INFO="/mm7/acme=wrong"))
        list(answer)
    assert status == 500


UNKNOWN_END: dict[str, tuple[int, dict[str, Any]]] = {
    "no length": (411, {"CONTENT_LENGTH": None}),
    "no number": (400, {"CONTENT_LENGTH": "+5"}),
    "a length and chunks": (400, {**CHUNKED, "CONTENT_LENGTH": "5"}),
    "chunks whose end the server does not mark": (411, {**CHUNKED, "wsgi.input_terminated": None}),
    "of another type, no length": (415, {"CONTENT_LENGTH": None, "CONTENT_TYPE": "text/html"}),
    "the client may wait": (415, {"CONTENT_TYPE": "text/html", "HTTP_EXPECT": "100-Continue"}),
    "the client may wait, chunked": (411, {**CHUNKED, "HTTP_EXPECT": "100-continue"}),
}


@pytest.mark.parametrize(("status", "more"), UNKNOWN_END.values(), ids=UNKNOWN_END)
def test_what_has_no_known_end_or_was_not_sent_is_left_alone(
    request_of: Any, streams: Any, status: int, more: dict[str, Any]
) -> None:
    found, answer = begin(endpoint(), request_of(streams.UntouchableInput(), **more))

    assert list(answer)
    assert found == status


def test_gunicorn_has_said_continue_before(request_of: Any) -> None:
    upload = Upload(SIZE)
    _, answer = begin(endpoint(), request_of(upload, HTTP_EXPECT="100-continue", SERVER_SOFTWARE="gunicorn/27.0.1"))

    list(answer)
    assert upload.left == 0


@pytest.mark.parametrize(
    ("limits", "account", "taken"),
    [
        ({}, {}, 32 * MEGABYTE),
        ({"discard": 1000}, {}, 1000),
        ({"discard": 1000}, {"discard": 2000}, 2000),
        ({}, {"discard": 0}, 0),
        ({"discard": 0}, {}, 0),
        ({"discard_seconds": 0}, {}, 0),
        ({"discard_seconds": 0}, {"discard_seconds": 3}, 32 * MEGABYTE),
    ],
)
@pytest.mark.parametrize("more", [{}, CHUNKED], ids=["length", "chunked"])
def test_no_more_is_dropped_than_the_limit(
    request_of: Any, limits: dict[str, int], account: dict[str, int], taken: int, more: dict[str, Any]
) -> None:
    upload = Upload(64 * MEGABYTE)
    _, answer = begin(endpoint({"limits": account}, limits=Limits(**limits)), request_of(upload, **more))

    list(answer)
    assert (upload.taken, sum(upload.reads)) == (taken, taken)


@pytest.mark.parametrize("seconds", [1, 5])
@pytest.mark.parametrize("rate", [1, 100, 10_000, 1_000_000])
def test_a_slow_client_is_left_when_the_time_is_up(request_of: Any, clock: Clock, rate: int, seconds: int) -> None:
    """The more slowly it comes, the less is asked for at once: at the worst a read too much, of 16 bytes."""
    upload = Upload(SIZE, clock, lambda size: size / rate)
    _, answer = begin(endpoint(limits=Limits(discard_seconds=seconds)), request_of(upload))
    began = clock.now

    list(answer)
    assert seconds <= clock.now - began <= seconds + max(0.5, 16 / rate)
    assert upload.left > 0


def test_a_quick_client_is_asked_for_much_at_once(request_of: Any, clock: Clock) -> None:
    upload = Upload(SIZE, clock, lambda size: size / 1e9)
    _, answer = begin(endpoint(), request_of(upload))

    list(answer)
    assert upload.left == 0
    assert len(upload.reads) < 350
    assert max(upload.reads) == 64 * 1024


class ErrorOfServer(Exception):
    """As a server has one of its own for what a client does."""


@pytest.mark.parametrize("error", [OSError("gone"), ValueError("closed"), ErrorOfServer("a broken chunk")])
def test_a_client_that_goes_away_is_no_error(request_of: Any, streams: Any, error: Exception) -> None:
    _, answer = begin(endpoint(), request_of(streams.BrokenInput(b"12345", error), CONTENT_TYPE="text/html"))

    assert len(list(answer)) == 1


def test_a_mistake_of_the_server_is_shown(request_of: Any, streams: Any) -> None:
    broken = streams.BrokenInput(b"12345", TypeError("a mistake"))
    _, answer = begin(endpoint(), request_of(broken, CONTENT_TYPE="text/html"))

    assert next(answer)
    with pytest.raises(TypeError, match="a mistake"):
        next(answer)


@pytest.mark.parametrize(
    ("more", "status"),
    [({}, 200), (CHUNKED, 200), ({"CONTENT_LENGTH": "99999"}, 400)],
    ids=["length", "chunked", "cut off"],
)
def test_nothing_is_read_after_a_body_that_was_read_or_broke_off(
    mm7: Any, request_of: Any, streams: Any, more: dict[str, Any], status: int
) -> None:
    sent = mm7.request()
    octets = sent["wsgi.input"].read()
    source = streams.Input(octets)
    length = {"CONTENT_LENGTH": str(len(octets))}
    environ = request_of(source, **{"CONTENT_TYPE": sent["CONTENT_TYPE"], **length, **more})

    found, answer = begin(endpoint(allow_chunked=True), environ)
    reads = list(source.reads)

    assert found == status
    list(answer)
    assert source.reads == reads


def test_an_answer_that_the_server_gives_up_reads_nothing(request_of: Any, streams: Any) -> None:
    _, answer = begin(endpoint(), request_of(streams.UntouchableInput(), CONTENT_TYPE="text/html"))

    next(answer)
    answer.close()  # type: ignore[attr-defined]


class Connection:
    """The socket of a client that stalls: a read waits until it is shut."""

    def __init__(self) -> None:
        self.is_shut = threading.Event()
        self.how: list[int] = []

    def shutdown(self, how: int) -> None:
        self.how.append(how)
        self.is_shut.set()

    def read(self, size: int) -> bytes:
        assert self.is_shut.wait(60)
        return b""


@pytest.mark.parametrize("key", ["gunicorn.socket", "werkzeug.socket"])
def test_a_client_that_stalls_is_shut_out_where_the_server_gives_its_socket(request_of: Any, key: str) -> None:
    connection = Connection()
    environ = request_of(connection, CONTENT_TYPE="text/html", SERVER_PROTOCOL="HTTP/1.1", **{key: connection})
    _, answer = begin(endpoint(limits=Limits(discard_seconds=1)), environ)

    list(answer)
    assert len(connection.how) == 1


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/2"])
def test_the_socket_is_left_alone_when_the_body_ends_in_time(request_of: Any, protocol: str) -> None:
    connection = Connection()
    before = threading.active_count()
    environ = request_of(Upload(SIZE), SERVER_PROTOCOL=protocol, **{"gunicorn.socket": connection})
    _, answer = begin(endpoint(), environ)

    list(answer)
    assert (connection.how, threading.active_count()) == ([], before)
