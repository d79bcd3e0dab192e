"""The body, from whatever a server gives to read it with. The environs are raw, the temporary files real."""

from __future__ import annotations

import errno
import io
import mmap
import os
import random
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.body import announced_length, read_body
from mm7_wsgi.protocol.buffer import IN_MEMORY
from mm7_wsgi.protocol.errors import (
    BadRequest,
    LengthRequired,
    LimitExceeded,
    MM7Error,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from mm7_wsgi.protocol.limits import Limits

DESCRIPTORS = Path("/proc/self/fd")
LIMITS = Limits()
#: Octets that do not repeat in a way that a lost or doubled piece could hide in.
OCTETS = random.Random(7).randbytes(3 * IN_MEMORY)
SIZES = [0, 1, 1000, IN_MEMORY - 1, IN_MEMORY, IN_MEMORY + 1, 3 * IN_MEMORY]
#: In memory, and in a file.
SMALL, LARGE = 1000, IN_MEMORY + 100_000


class Stream:
    """What WSGI promises of ``wsgi.input`` and this module uses: ``read`` with one argument.

    It gives ``at_once`` octets at most for each call, ``octets`` in all, and then raises ``error``, if there is one.
    """

    def __init__(self, octets: bytes, at_once: int | None = None, error: BaseException | None = None) -> None:
        self._octets = octets
        self._at_once = at_once
        self._error = error
        self.taken = 0
        self.asked = 0

    def _next(self, size: int) -> bytes:
        assert size > 0, "all of the stream was asked for"
        self.asked = max(self.asked, self.taken + size)
        octets = self._octets[self.taken : self.taken + min(size, self._at_once or size)]
        if not octets and self._error is not None:
            raise self._error
        self.taken += len(octets)
        return octets

    def read(self, size: int, /) -> bytes:
        return self._next(size)


class FillingStream(Stream):
    """A stream that has ``readinto`` as well, as a file or a socket's file has."""

    def readinto(self, target: bytearray | memoryview, /) -> int:
        octets = self._next(len(target))
        target[: len(octets)] = octets
        return len(octets)


STREAMS = pytest.mark.parametrize("kind", [Stream, FillingStream])


@pytest.fixture(autouse=True)
def _nothing_is_left_open() -> Iterator[None]:
    before = os.listdir(DESCRIPTORS) if DESCRIPTORS.exists() else []
    yield
    assert not DESCRIPTORS.exists() or len(os.listdir(DESCRIPTORS)) == len(before)


def body_of(stream: Any, length: int | None, limits: Limits = LIMITS) -> bytes:
    """What is read of ``stream``, from a buffer that is closed again."""
    with read_body({"wsgi.input": stream}, length, limits) as buffer:
        assert buffer.size == len(buffer.read(0, buffer.size + 1))
        return buffer.read(0, buffer.size)


# -- what the headers announce

CHUNKED = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


@pytest.mark.parametrize(
    ("environ", "length"),
    [
        ({"CONTENT_LENGTH": "0"}, 0),
        ({"CONTENT_LENGTH": "1"}, 1),
        ({"CONTENT_LENGTH": "007"}, 7),
        ({"CONTENT_LENGTH": "1000"}, 1000),
        ({"CONTENT_LENGTH": "0" * 15 + "1000"}, 1000),
        ({"CONTENT_LENGTH": "1", "HTTP_CONTENT_ENCODING": ""}, 1),
        ({"CONTENT_LENGTH": "1", "HTTP_CONTENT_ENCODING": " Identity "}, 1),
        ({"CONTENT_LENGTH": "1", "HTTP_TRANSFER_ENCODING": ""}, 1),
        # A server may say that it marks the end of every stream.
        ({"CONTENT_LENGTH": "1", "wsgi.input_terminated": True}, 1),
    ],
)
@pytest.mark.parametrize("allow_chunked", [False, True])
def test_a_content_length_is_the_length(environ: dict[str, Any], length: int, allow_chunked: bool) -> None:
    assert announced_length(environ, Limits(body=1000), allow_chunked=allow_chunked) == length


@pytest.mark.parametrize(
    ("environ", "kind", "words"),
    [
        ({}, LengthRequired, "no Content-Length"),
        ({"CONTENT_LENGTH": ""}, LengthRequired, "no Content-Length"),
        ({"wsgi.input_terminated": True}, LengthRequired, "no Content-Length"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, LengthRequired, "chunked bodies are not taken"),
        ({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": False}, LengthRequired, "chunked bodies are"),
        ({"CONTENT_LENGTH": "abc"}, BadRequest, "'abc' is no number"),
        ({"CONTENT_LENGTH": "-5"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "+5"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "5_0"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": " 5"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "5\n"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "5, 5"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "0x10"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "1.0"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "٣"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "²"}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "1" * 20}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "1" * 5000}, BadRequest, "no number"),
        ({"CONTENT_LENGTH": "5"} | CHUNKED, BadRequest, "a Content-Length and a Transfer-Encoding"),
        ({"CONTENT_LENGTH": "5", "HTTP_TRANSFER_ENCODING": "identity"}, BadRequest, "a Transfer-Encoding"),
        ({"CONTENT_LENGTH": "1001"}, LimitExceeded, r"larger than 1000 octets \(body\)"),
        ({"CONTENT_LENGTH": "9" * 19}, LimitExceeded, r"larger than 1000 octets \(body\)"),
        ({"CONTENT_LENGTH": "5", "HTTP_CONTENT_ENCODING": "gzip"}, UnsupportedMediaType, "'gzip' is not supported"),
        ({"CONTENT_LENGTH": "5", "HTTP_CONTENT_ENCODING": "identity, gzip"}, UnsupportedMediaType, "not supported"),
        ({"HTTP_CONTENT_ENCODING": "x" * 5000}, UnsupportedMediaType, "not supported"),
    ],
)
@pytest.mark.parametrize("allow_chunked", [False, True])
def test_any_other_announcement_is_refused(
    environ: dict[str, Any], kind: type[MM7Error], words: str, allow_chunked: bool
) -> None:
    with pytest.raises(kind, match=words) as caught:
        announced_length(environ, Limits(body=1000), allow_chunked=allow_chunked)
    assert type(caught.value) is kind
    assert len(str(caught.value)) < 200


def test_a_chunked_body_has_no_length_where_it_is_allowed() -> None:
    assert announced_length(dict(CHUNKED), LIMITS, allow_chunked=True) is None
    assert announced_length({"CONTENT_LENGTH": ""} | CHUNKED, LIMITS, allow_chunked=True) is None
    with pytest.raises(LengthRequired):
        announced_length(dict(CHUNKED), LIMITS, allow_chunked=False)


# -- what is read


@STREAMS
@pytest.mark.parametrize("at_once", [None, 4096], ids=["all at once", "in helpings"])
@pytest.mark.parametrize("size", SIZES)
def test_the_whole_body_is_read_and_nothing_behind_it(kind: type[Stream], at_once: int | None, size: int) -> None:
    stream = kind(OCTETS + b"the next request", at_once)
    assert body_of(stream, size) == OCTETS[:size]
    assert stream.taken == size
    assert stream.asked <= size  # some servers block where more is asked for


@pytest.mark.parametrize("size", SIZES)
def test_a_file_may_be_read_from(size: int) -> None:
    stream = io.BytesIO(OCTETS)
    assert body_of(stream, size) == OCTETS[:size]
    assert stream.tell() == size


@given(st.binary(max_size=50), st.integers(1, 60), st.sampled_from([Stream, FillingStream]), st.booleans())
@settings(deadline=None, max_examples=100)
def test_a_body_in_helpings_of_any_size_is_read(
    octets: bytes, at_once: int, kind: type[Stream], is_chunked: bool
) -> None:
    assert body_of(kind(octets, at_once), None if is_chunked else len(octets)) == octets


@pytest.mark.parametrize("size", SIZES)
def test_up_to_a_megabyte_stays_in_memory_and_more_is_in_a_file_without_a_name(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = len(os.listdir(DESCRIPTORS)) if DESCRIPTORS.exists() else 0
    for length in (size, None):
        with read_body({"wsgi.input": Stream(OCTETS[:size])}, length, LIMITS):
            assert list(tmp_path.iterdir()) == []
            if DESCRIPTORS.exists():
                assert (len(os.listdir(DESCRIPTORS)) > before) is (size > IN_MEMORY)


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_large_body_takes_little_memory_while_it_is_read(is_chunked: bool) -> None:
    class Zeros(Stream):
        def _next(self, size: int) -> bytes:
            given = min(size, LIMITS.body - self.taken, 100_000)
            self.taken += given
            return bytes(given)

    tracemalloc.start()
    try:
        with read_body({"wsgi.input": Zeros(b"")}, None if is_chunked else LIMITS.body, LIMITS) as buffer:
            peak = tracemalloc.get_traced_memory()[1]
            assert buffer.size == LIMITS.body
    finally:
        tracemalloc.stop()
    assert peak < 3 * IN_MEMORY


# -- bodies that are not all there


@STREAMS
@pytest.mark.parametrize("length", [SMALL, LARGE])
@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_a_body_that_ends_early_is_refused(kind: type[Stream], length: int, share: float) -> None:
    there = min(int(length * share), length - 1)
    stream = kind(OCTETS[:there], 40_000)
    with pytest.raises(BadRequest, match=f"ended after {there} of {length} octets"):
        body_of(stream, length)


FAILURES = [
    OSError("error during read"),
    ConnectionResetError(errno.ECONNRESET, "reset"),
    BrokenPipeError(errno.EPIPE, "broken"),
    TimeoutError("too slow"),
    ValueError("I/O operation on closed file"),
    UnicodeDecodeError("ascii", b"\xff", 0, 1, "a chunk size of odd characters"),
]


@STREAMS
@pytest.mark.parametrize("length", [SMALL, LARGE, None])
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("there", [0, 500, SMALL - 1])
def test_a_stream_that_breaks_is_the_clients_doing(
    kind: type[Stream], length: int | None, error: Exception, there: int
) -> None:
    with pytest.raises(BadRequest, match=f"after {there} ") as caught:
        body_of(kind(OCTETS[:there], error=error), length)
    assert caught.value.__cause__ is error


@STREAMS
@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("length", [LARGE + 1, None])
def test_a_stream_that_breaks_when_a_file_is_open_leaves_none(
    kind: type[Stream], error: Exception, length: int | None
) -> None:
    with pytest.raises(BadRequest, match=f"after {LARGE} "):
        body_of(kind(OCTETS[:LARGE], error=error), length)


@STREAMS
@pytest.mark.parametrize("error", [RuntimeError("a bug"), SystemExit(1), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("there", [0, LARGE])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_any_other_failure_passes_through_and_leaves_no_file(
    kind: type[Stream], error: BaseException, there: int, is_chunked: bool
) -> None:
    with pytest.raises(type(error)) as caught:
        body_of(kind(OCTETS[:there], error=error), None if is_chunked else there + 1)
    assert caught.value is error


# -- chunked


@STREAMS
@pytest.mark.parametrize("limit", [1, 1000, IN_MEMORY, LARGE])
@pytest.mark.parametrize("at_once", [None, 1000])
def test_a_chunked_body_may_be_as_large_as_the_limit(kind: type[Stream], limit: int, at_once: int | None) -> None:
    limits = Limits(body=limit)
    for size in (0, limit - 1, limit):
        assert body_of(kind(OCTETS[:size], at_once), None, limits) == OCTETS[:size]
    with pytest.raises(LimitExceeded, match=rf"larger than {limit} octets \(body\)"):
        body_of(kind(OCTETS[: limit + 1], at_once), None, limits)


@STREAMS
@pytest.mark.parametrize("limit", [1, 1000, LARGE])
def test_of_a_chunked_body_that_never_ends_one_octet_more_than_the_limit_is_asked_for(
    kind: type[Stream], limit: int
) -> None:
    stream = kind(OCTETS)
    with pytest.raises(LimitExceeded):
        body_of(stream, None, Limits(body=limit))
    assert stream.asked == limit + 1


# -- no room


def limited_file_size(size: int) -> Callable[[], None]:
    """Let no file of this process grow beyond ``size``; what is returned takes that back."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # Python ignores SIGXFSZ: the write raises EFBIG
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 10_000, IN_MEMORY, LARGE - 1])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_where_there_is_no_room_the_peer_is_told_to_come_again(room: int, is_chunked: bool) -> None:
    restore = limited_file_size(room)
    try:
        with pytest.raises(ServiceUnavailable, match="no room for the message") as caught:
            body_of(Stream(OCTETS[:LARGE]), None if is_chunked else LARGE)
    finally:
        restore()
    assert caught.value.temporary
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG


def test_a_small_body_needs_no_room() -> None:
    restore = limited_file_size(0)
    try:
        assert body_of(Stream(OCTETS[:IN_MEMORY]), IN_MEMORY) == OCTETS[:IN_MEMORY]
        assert body_of(Stream(OCTETS[:IN_MEMORY]), None) == OCTETS[:IN_MEMORY]
    finally:
        restore()


class Full(io.RawIOBase):
    """A file on a disk that is full."""

    def write(self, octets: Any, /) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_not_taken_for_a_client_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Full()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: disk)
    with pytest.raises(ServiceUnavailable, match="no room"):
        body_of(Stream(OCTETS[:LARGE]), LARGE)
    assert disk.closed


def test_where_no_temporary_file_can_be_made_the_peer_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(ServiceUnavailable, match="no room"):
        body_of(Stream(OCTETS[:LARGE]), LARGE)


def test_where_the_file_cannot_be_mapped_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused(mmap.mmap):
        def __new__(cls, *arguments: Any, **options: Any) -> Refused:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(mmap, "mmap", Refused)
    with pytest.raises(ServiceUnavailable, match="no room"):
        body_of(Stream(OCTETS[:LARGE]), LARGE)
