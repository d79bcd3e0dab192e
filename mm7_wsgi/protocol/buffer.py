"""A whole body, in memory while it is small and in a file without a name when it is not."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
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

    Writing raises :class:`ServiceUnavailable` (4006) where there is no room. Reading after :meth:`close` raises
    ``ValueError``.
    """

    __slots__ = ("_chunks", "_file", "_in_memory", "_octets", "size")

    def __init__(self, octets: bytes | None = None, *, in_memory: int = IN_MEMORY) -> None:
        self._octets: bytes | mmap.mmap | None = octets
        self._file: IO[bytes] | None = None
        self._chunks: list[bytes] = []
        self._in_memory = in_memory
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
                for earlier in self._chunks:
                    _write_all(self._file, earlier)
                self._chunks.clear()
            _write_all(self._file, chunk)
        except OSError as error:
            raise ServiceUnavailable(details="there is no room for the message") from error

    def finish(self) -> Buffer:
        """End the writing and begin the reading."""
        if self._file is None:
            chunks, self._chunks = self._chunks, []
            self._octets = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            return self
        try:
            self._octets = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
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
        if self._octets is None:
            raise ValueError(_GONE)
        return self._octets[start:end]

    def find(self, wanted: bytes, start: int, end: int) -> int:
        """The lowest offset of ``wanted`` that lies whole between ``start`` and ``end``, or -1."""
        octets = self._octets
        if isinstance(octets, bytes):
            return octets.find(wanted, start, end)
        # bytes.find is several times faster than mmap.find, and a slice stays in the cache while it is searched.
        overlap = len(wanted) - 1
        for offset in range(start, end, SLICE):
            found = self.read(offset, min(offset + SLICE + overlap, end)).find(wanted)
            if found >= 0:
                return offset + found
        return -1

    def places(self, wanted: bytes, start: int, end: int) -> Iterator[int]:
        """The offsets of ``wanted`` between ``start`` and ``end``, in their order; none lies in another."""
        octets = self._octets
        if isinstance(octets, bytes):
            found = octets.find(wanted, start, end)
            while found >= 0:
                yield found
                found = octets.find(wanted, found + len(wanted), end)
            return
        overlap = len(wanted) - 1
        free = start  # what is before belongs to the one that was found last
        for offset in range(start, end, SLICE):
            piece = self.read(offset, min(offset + SLICE + overlap, end))
            found = piece.find(wanted, max(0, free - offset))
            while found >= 0:
                yield offset + found
                free = offset + found + len(wanted)
                found = piece.find(wanted, found + len(wanted))

    def close(self) -> None:
        """Forget the octets, and give the temporary file back. Closing twice does no harm."""
        if isinstance(self._octets, mmap.mmap):
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


def _write_all(file: IO[bytes], octets: bytes | memoryview) -> None:
    """Write all of ``octets``: an unbuffered file may take only some of them, for instance when the disk fills up."""
    written = file.write(octets)
    while written < len(octets):
        octets = memoryview(octets)[written:]
        written = file.write(octets)
