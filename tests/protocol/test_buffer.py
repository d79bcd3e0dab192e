"""A body in memory and in a file: the same answers from both, and nothing left open by either."""

from __future__ import annotations

import errno
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol import buffer as module
from mm7_wsgi.protocol.buffer import IN_MEMORY, Buffer
from mm7_wsgi.protocol.errors import ServiceUnavailable

DESCRIPTORS = Path("/proc/self/fd")
BOTH = pytest.mark.parametrize("in_memory", [IN_MEMORY, 0], ids=["in memory", "in a file"])


def opened() -> int:
    """How many files this process has open."""
    return len(os.listdir(DESCRIPTORS))


def filled(octets: bytes, in_memory: int = IN_MEMORY, at_once: int = 1000, watched: bytes = b"") -> Buffer:
    buffer = Buffer(in_memory=in_memory, watched=watched)
    for offset in range(0, len(octets), at_once):
        buffer.write(octets[offset : offset + at_once])
    return buffer.finish()


@pytest.fixture
def nothing_left_open() -> Iterator[None]:
    """What a test opens it closes."""
    if not DESCRIPTORS.exists():
        pytest.skip("this system does not tell what is open")
    before = opened()
    yield
    assert opened() == before


@BOTH
@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 70_000])
@pytest.mark.usefixtures("nothing_left_open")
def test_what_was_written_is_read(in_memory: int, size: int) -> None:
    octets = os.urandom(size)
    with filled(octets, in_memory) as buffer:
        assert buffer.size == size
        assert buffer.read(0, size) == octets
        assert buffer.read(size // 3, size // 2) == octets[size // 3 : size // 2]
        assert buffer.read(size, size + 10) == b""


@pytest.mark.usefixtures("nothing_left_open")
def test_octets_that_are_there_already_need_no_writing() -> None:
    with Buffer(b"octets") as buffer:
        assert buffer.size == 6
        assert buffer.read(1, 3) == b"ct"
        assert buffer.find(b"t", 0, 6) == 2


@pytest.mark.parametrize(("size", "files"), [(9, 0), (10, 0), (11, 2)])
@pytest.mark.usefixtures("nothing_left_open")
def test_a_file_is_used_for_one_octet_more_than_may_stay_in_memory(size: int, files: int) -> None:
    before = opened()
    with filled(b"x" * size, in_memory=10, at_once=4):
        assert opened() - before == files  # the file, and the map of it


def test_the_file_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with filled(b"x" * 5000, in_memory=0):
        assert list(tmp_path.iterdir()) == []


@BOTH
def test_what_was_handed_over_may_be_written_over_at_once(in_memory: int) -> None:
    shared = bytearray(4)
    buffer = Buffer(in_memory=in_memory)
    for octets in (b"abcd", b"efgh", b"ij"):
        shared[: len(octets)] = octets
        buffer.write(memoryview(shared)[: len(octets)])
    with buffer.finish():
        assert buffer.read(0, 10) == b"abcdefghij"


@BOTH
@given(
    octets=st.text("ab\n-", max_size=80).map(str.encode),
    wanted=st.text("ab\n-", min_size=1, max_size=6).map(str.encode),
    start=st.integers(0, 90),
    end=st.integers(0, 90),
    slice_size=st.integers(1, 20),
)
@settings(deadline=None, max_examples=150)
def test_find_finds_what_bytes_find(
    in_memory: int, octets: bytes, wanted: bytes, start: int, end: int, slice_size: int
) -> None:
    with mock.patch.object(module, "SLICE", slice_size), filled(octets, in_memory) as buffer:
        expected = octets.find(wanted, start, min(end, len(octets)))
        assert buffer.find(wanted, start, min(end, len(octets))) == expected


@BOTH
@given(
    st.binary(max_size=60) | st.text("ab-", max_size=60).map(str.encode),
    st.text("ab-", min_size=1, max_size=4).map(str.encode),
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(1, 7),
)
@settings(deadline=None, max_examples=200)
def test_places_are_all_that_find_finds_one_behind_the_other(
    in_memory: int, octets: bytes, wanted: bytes, start: int, end: int, slice_size: int
) -> None:
    end = min(end, len(octets))
    expected = []
    place = octets.find(wanted, start, end)
    while place >= 0:
        expected.append(place)
        place = octets.find(wanted, place + len(wanted), end)
    with mock.patch.object(module, "SLICE", slice_size), filled(octets, in_memory) as buffer:
        assert list(buffer.places(wanted, start, end)) == expected


@given(
    st.lists(st.sampled_from([b"\n--b", b"\n", b"-", b"b", b"\n--", b"x"]), max_size=40).map(b"".join),
    st.integers(1, 12),
    st.sampled_from([0, 3, 10, 1000]),
    st.sampled_from([b"\n--b", b"\nb", b"\n"]),
    st.sampled_from([0, 1, 2, 100]),
    st.integers(0, 60),
    st.integers(0, 200),
)
@settings(deadline=None, max_examples=500)
def test_what_was_watched_for_is_found_in_the_same_places(
    octets: bytes, at_once: int, in_memory: int, watched: bytes, most: int, start: int, end: int
) -> None:
    end = min(end, len(octets))
    with mock.patch.object(module, "_PLACES", most), filled(octets, in_memory, at_once, watched) as buffer:
        for wanted in (watched, b"\n--b", b"--"):
            with filled(octets, in_memory, at_once) as other:
                assert list(buffer.places(wanted, start, end)) == list(other.places(wanted, start, end))


def test_what_was_watched_for_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    watching = filled(b"a\n--b" * 100, in_memory=0, at_once=7, watched=b"\n--b")
    with watching as buffer, monkeypatch.context() as patched:
        patched.setattr(module, "_find_all", None)
        assert list(buffer.places(b"\n--b", 0, buffer.size)) == list(range(1, 500, 5))
    crowd = b"\n--b" * (module._PLACES + 2)
    with filled(crowd, in_memory=0, at_once=len(crowd), watched=b"\n--b") as buffer:
        assert buffer._watch is None


@BOTH
@pytest.mark.parametrize("wanted", [b"wanted", b"-anted", b"wan-ed", b"wante-"])
@pytest.mark.parametrize("before", [b".", b"-"])
@pytest.mark.parametrize("shift", range(-6, 3))
def test_what_lies_across_the_edge_of_a_slice_is_found(
    shift: int, before: bytes, wanted: bytes, in_memory: int
) -> None:
    place = module.SLICE + shift
    with filled(before * place + wanted + b"." * 10, in_memory, at_once=100_000) as buffer:
        assert buffer.find(wanted, 0, buffer.size) == place
        assert buffer.find(wanted, 0, place + 5) == -1


@BOTH
@pytest.mark.usefixtures("nothing_left_open")
def test_after_the_end_the_octets_are_gone_and_the_error_says_what_to_do(in_memory: int) -> None:
    buffer = filled(b"octets", in_memory)
    buffer.close()
    buffer.close()
    with pytest.raises(ValueError, match=r"Part\.save\(path\)"):
        buffer.read(0, 1)
    with pytest.raises(ValueError, match=r"Part\.save\(path\)"):
        buffer.find(b"o", 0, 6)


@pytest.mark.usefixtures("nothing_left_open")
@pytest.mark.parametrize("in_memory", [10, 0])
def test_all_octets_can_be_sliced_until_it_is_closed(in_memory: int) -> None:
    buffer = Buffer(in_memory=in_memory)
    buffer.write(b"abc")
    buffer.finish()
    assert buffer.octets[1:3] == b"bc"
    buffer.close()
    with pytest.raises(ValueError, match="gone"):
        _ = buffer.octets


def test_what_is_closed_before_it_is_finished_is_closed_as_well() -> None:
    buffer = Buffer(in_memory=2)
    buffer.write(b"abc")
    buffer.close()


def opening(target: io.RawIOBase) -> Callable[..., io.RawIOBase]:
    return lambda *arguments, **named: target


def test_a_file_that_takes_little_at_a_time_gets_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Reluctant(io.FileIO):
        def write(self, octets: bytes | memoryview, /) -> int:  # type: ignore[override]
            return super().write(memoryview(octets)[:7])

    monkeypatch.setattr(tempfile, "TemporaryFile", opening(Reluctant(tmp_path / "file", "w+")))
    octets = os.urandom(100)
    with filled(octets, in_memory=20, at_once=15) as buffer:
        assert buffer.read(0, 200) == octets


needs_fallocate = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="room cannot be reserved here")


def reserving(number: int | None, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Room that is reserved, which fails with the error ``number`` if that is one."""
    reserved: list[tuple[int, int]] = []

    def posix_fallocate(descriptor: int, start: int, size: int) -> None:
        reserved.append((start, size))
        if number is not None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "posix_fallocate", posix_fallocate)
    return reserved


@needs_fallocate
@pytest.mark.usefixtures("nothing_left_open")
@pytest.mark.parametrize("number", [None, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS])
def test_room_is_reserved_once_where_that_can_be_done(number: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    reserved = reserving(number, monkeypatch)
    with Buffer(in_memory=2, expected=6) as buffer:
        buffer.write(b"ab")
        assert reserved == []
        buffer.write(b"cd")
        buffer.write(b"ef")
        assert reserved == [(0, 6)]
        assert buffer.finish().read(0, 10) == b"abcdef"


@needs_fallocate
@pytest.mark.usefixtures("nothing_left_open")
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO])
def test_where_no_room_is_left_to_reserve_nothing_is_written(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    reserving(number, monkeypatch)
    buffer = Buffer(in_memory=0, expected=6)
    with pytest.raises(ServiceUnavailable, match="no room"):
        buffer.write(b"ab")
    buffer.close()


@pytest.mark.usefixtures("nothing_left_open")
def test_a_system_that_reserves_no_room_writes_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with Buffer(in_memory=0, expected=2) as buffer:
        buffer.write(b"ab")
        assert buffer.finish().read(0, 10) == b"ab"


@pytest.mark.usefixtures("nothing_left_open")
def test_what_was_expected_and_did_not_come_is_not_there() -> None:
    with Buffer(in_memory=0, expected=100) as buffer:
        buffer.write(b"abc")
        assert buffer.finish().read(0, 200) == b"abc"
        assert bytes(buffer.octets) == b"abc"


@pytest.mark.parametrize("room", [0, 10, 25, 99])
def test_a_full_disk_raises_and_the_file_can_be_given_back(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.RawIOBase):
        left = room

        def write(self, octets: bytes | memoryview, /) -> int:  # type: ignore[override]
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken = min(self.left, len(octets))
            self.left -= taken
            return taken

    disk = Full()
    monkeypatch.setattr(tempfile, "TemporaryFile", opening(disk))
    buffer = Buffer(in_memory=20)
    with pytest.raises(ServiceUnavailable, match="no room") as caught:  # noqa: PT012 - which write depends on the room
        for _ in range(10):
            buffer.write(b"0123456789")
    assert isinstance(caught.value.__cause__, OSError)
    buffer.close()
    assert disk.closed


@pytest.mark.parametrize("in_memory", [IN_MEMORY, 0], ids=["in memory", "in a file"])
def test_views_are_the_octets_and_are_released(in_memory: int) -> None:
    with Buffer(in_memory=in_memory) as buffer:
        buffer.write(b"0123456789")
        buffer.finish()
        assert [bytes(view) for view in buffer.views(1, 9, 3)] == [b"123", b"456", b"78"]
        assert list(buffer.views(3, 3, 3)) == []
        views = list(buffer.views(0, 10, 4))
        with pytest.raises(ValueError, match="released"):
            bytes(views[0])


def test_a_view_that_lives_on_does_not_keep_a_file_from_being_closed() -> None:
    buffer = Buffer(in_memory=0)
    buffer.write(b"0123456789")
    view = memoryview(buffer.finish().octets)
    buffer.close()
    assert bytes(view) == b"0123456789"
    with pytest.raises(ValueError, match=r"Part\.save"):
        buffer.read(0, 1)
    view.release()
