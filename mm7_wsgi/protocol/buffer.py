"""A whole body, in memory while it is small and in a file without a name when it is not."""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import IO, Final

from .errors import ServiceUnavailable

#: Octets up to which a body stays in memory.
IN_MEMORY: Final = 1024 * 1024
#: Octets handed out and searched at a time: large enough to cost little, small enough for the processor's cache.
SLICE: Final = 64 * 1024

_GONE = (
    "the octets of this message are gone: they live as long as the callback runs. "
    "Keep a part with Part.save(path), or take its .data while the callback runs"
)


class Buffer:
    """Octets that are written once, then read at any offset, then closed.

    Up to ``in_memory`` octets are kept as ``bytes``; more go to an unlinked temporary file that is mapped into
    memory, so that a video costs address space and page cache but no memory of the process. Both are read in the same
    way.

    What is ``watched`` is looked for while a file is written, when the octets are in the processor's cache, so that
    :meth:`places` need not read the file again. It must not be able to overlap itself. For as many octets as are
    ``expected``, room in the file is reserved where the system can do that: it is quicker than to find it piece by
    piece, and the lack of it shows at once.

    Writing raises :class:`ServiceUnavailable` (4006) where there is no room. Reading after :meth:`close` raises
    ``ValueError``.
    """

    __slots__ = ("_chunks", "_expected", "_file", "_in_memory", "_kept", "_octets", "_watch", "size")

    def __init__(
        self, octets: bytes | None = None, *, in_memory: int = IN_MEMORY, expected: int = 0, watched: bytes = b""
    ) -> None:
        self._octets: bytes | mmap.mmap | None = octets
        self._file: IO[bytes] | None = None
        self._chunks: list[bytes] = []
        self._in_memory = in_memory
        self._expected = expected
        self._watch = _Watch(watched) if watched else None
        self._kept: list[Buffer] = []
        #: Octets written so far.
        self.size = 0 if octets is None else len(octets)

    def write(self, chunk: bytes | memoryview) -> None:
        """Append ``chunk``."""
        self.size += len(chunk)
        if self._file is None and self.size <= self._in_memory:
            self._chunks.append(bytes(chunk))
            return
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - close() closes it
                _reserve(self._file, self._expected)
                for earlier in self._chunks:
                    self._write(self._file, earlier)
                self._chunks.clear()
            self._write(self._file, chunk)
        except OSError as error:
            raise ServiceUnavailable(details="there is no room for the message") from error

    def _write(self, file: IO[bytes], chunk: bytes | memoryview) -> None:
        if self._watch is not None and not self._watch.look(bytes(chunk)):
            self._watch = None
        _write_all(file, chunk)

    def finish(self) -> Buffer:
        """End the writing and begin the reading."""
        if self._file is None:
            chunks, self._chunks = self._chunks, []
            self._octets = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            return self
        try:
            self._octets = mmap.mmap(self._file.fileno(), self.size, access=mmap.ACCESS_READ)
        except OSError as error:
            raise ServiceUnavailable(details="there is no room for the message") from error
        return self

    @property
    def octets(self) -> bytes | mmap.mmap:
        """All of them, to be sliced."""
        if self._octets is None:
            raise ValueError(_GONE)
        return self._octets

    def read(self, start: int, end: int) -> bytes:
        """The octets from ``start`` to before ``end``."""
        return self.octets[start:end]

    def views(self, start: int, end: int, size: int) -> Iterator[memoryview]:
        """Yield the same without a copy, up to ``size`` bytes at a time; use each before you ask for the next."""
        for offset in range(start, end, size):
            # Every view is released, or the file could not be closed.
            with memoryview(self.octets) as whole, whole[offset : min(offset + size, end)] as view:
                yield view

    def keep(self, expected: int) -> Buffer | None:
        """Return a buffer for about ``expected`` bytes that are made of these ones; it is closed with this buffer.

        All of them together take no more than 1 MB of memory. One that is larger is a file. Returns None for one that
        is too small for a file when that much is kept already.
        """
        is_small = expected <= IN_MEMORY
        if is_small and expected + sum([kept.size for kept in self._kept if kept._file is None]) > IN_MEMORY:
            return None
        self._kept.append(Buffer(in_memory=IN_MEMORY if is_small else 0))
        return self._kept[-1]

    def find(self, wanted: bytes, start: int, end: int) -> int:
        """The lowest offset of ``wanted`` that lies whole between ``start`` and ``end``, or -1."""
        return _find(self.octets, wanted, start, end)

    def places(self, wanted: bytes, start: int, end: int) -> Iterator[int]:
        """The offsets of ``wanted`` between ``start`` and ``end``, in their order; none lies in another."""
        if self._file is not None and self._watch is not None and self._watch.wanted == wanted:
            return iter([place for place in self._watch.places if start <= place <= end - len(wanted)])
        return _find_all(self.octets, wanted, start, end)

    def close(self) -> None:
        """Forget the octets, and give the temporary file back. Closing twice does no harm."""
        while self._kept:
            self._kept.pop().close()
        if isinstance(self._octets, mmap.mmap):
            with suppress(BufferError):  # a view of it lives on, as in the traceback of an error, and closes it later
                self._octets.close()
        self._octets = None
        self._chunks.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Buffer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _find(octets: bytes | mmap.mmap, wanted: bytes, start: int, end: int) -> int:
    """As ``bytes.find``.

    What is looked for in large bodies are delimiters, and base64 holds no hyphen. To look for one octet is more than
    twice as quick as to look for several, so each stretch is asked for a hyphen first.
    """
    before = wanted.find(b"-")  # as many octets stand before its first hyphen
    while before >= 0 and end - start > SLICE:
        edge = start + SLICE
        hyphen = octets.find(b"-", start + before, edge + before)
        if hyphen >= 0:
            found = octets.find(wanted, hyphen - before, min(edge + len(wanted) - 1, end))
            if found >= 0:
                return found
        start = edge
    return octets.find(wanted, start, end)


def _find_all(octets: bytes | mmap.mmap, wanted: bytes, start: int, end: int) -> Iterator[int]:
    """The offsets of ``wanted`` between ``start`` and ``end``, in their order; none lies in another."""
    found = _find(octets, wanted, start, end)
    while found >= 0:
        yield found
        found = _find(octets, wanted, found + len(wanted), end)


class _Watch:
    """Where something is in octets that come piece by piece."""

    __slots__ = ("_looked", "_tail", "places", "wanted")

    def __init__(self, wanted: bytes) -> None:
        self.wanted = wanted
        self.places: list[int] = []
        self._looked = 0
        self._tail = b""  # it may begin in what came last

    def look(self, octets: bytes) -> bool:
        """Look through the next piece; False where there are so many places that they are better looked for later."""
        overlap = len(self.wanted) - 1
        for piece, offset in ((self._tail + octets[:overlap], self._looked - len(self._tail)), (octets, self._looked)):
            room = _PLACES + 1 - len(self.places)
            self.places += [offset + found for found in islice(_find_all(piece, self.wanted, 0, len(piece)), room)]
        self._looked += len(octets)
        self._tail = (self._tail + octets[-overlap:])[-overlap:] if overlap else b""
        return len(self.places) <= _PLACES


_PLACES: Final = 10_000


def _reserve(file: IO[bytes], octets: int) -> None:
    """Reserve room in ``file``; raises ``OSError`` where there is none."""
    if octets and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, octets)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENODEV, errno.ENOSYS, errno.EOPNOTSUPP):  # it cannot do that
                raise


def _write_all(file: IO[bytes], octets: bytes | memoryview) -> None:
    """Write all of ``octets``: an unbuffered file may take only some of them, for instance when the disk fills up."""
    written = file.write(octets)
    while written < len(octets):
        octets = memoryview(octets)[written:]
        written = file.write(octets)
