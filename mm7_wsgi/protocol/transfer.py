"""Content-Transfer-Encoding, undone: all at once, or piece by piece in constant memory (RFC 2045, 6)."""

from __future__ import annotations

import io
import re
from binascii import Error, a2b_base64, a2b_qp
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .errors import ContentError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# The same, several times as fast, for those who have it. What either makes of junk is found by counting.
_decode_laxly: Callable[[bytes], bytes]
try:
    import pybase64
except ImportError:
    _decode_laxly = a2b_base64
else:
    _decode_laxly = pybase64.b64decode

IDENTITY = frozenset({"", "7bit", "8bit", "binary"})
_WHITE = b" \t\r\n\v\f"
#: Whether to decode base64 takes no longer than to keep what was decoded.
IS_FAST = _decode_laxly is not a2b_base64

_AT_ONCE = 64 * 1024
_STRAY = re.compile(rb"=(?==|\r(?!\n))")


def decode(encoding: str, octets: bytes) -> bytes:
    """``octets`` without their transfer encoding, whose name is in lower case.

    base64: line ends and other white space do not count, missing padding is borne; data after the padding, a lone
    last character, or a character that is none of base64's is an error, since data would be lost in silence.
    quoted-printable: an escape that is none stays as it is.

    Raises :class:`ContentError` for octets that are not in that encoding, and for an encoding that is not known.
    """
    if encoding in IDENTITY:
        return octets
    if encoding == "base64":
        return _decode_base64(octets)
    if encoding == "quoted-printable":
        return _decode_quoted_printable(octets)
    raise _unknown(encoding)


def decoded_pieces(encoding: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """As :func:`decode`, for octets that come in pieces; what comes out is never larger than a piece."""
    if encoding in IDENTITY:
        return pieces
    if encoding == "base64":
        return _base64_pieces(pieces)
    if encoding == "quoted-printable":
        return _quoted_printable_pieces(pieces)
    raise _unknown(encoding)


_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_LINE_ENDS = b"\r\n\t\v\f"
#: Bytes by which base64 is told from something else.
_HEAD = 64


def is_binary(pieces: Iterator[bytes]) -> bool:
    """Return whether what is said to be base64 is the data itself, never encoded.

    It is where the first of ``pieces`` with a byte above 127 has more than a fifth of bytes that are none of base64's.
    In base64 with a little junk there are fewer, and nobody can know what was meant. What begins as base64 is not
    looked at any further.
    """
    for piece in pieces:
        if not piece.isascii():
            written = piece.translate(None, _LINE_ENDS)
            return 5 * len(written.translate(None, _BASE64 + b"=")) > len(written)
        if not piece[:_HEAD].translate(None, _BASE64 + b"=" + _WHITE):
            break
    return False


# How files of the kinds that are sent begin.
_MAGIC = (
    rb"\x89PNG|\xff\xd8\xff|GIF8[79]a|RIFF|II\*\x00|MM\x00\*|#!AMR|MThd|MMMD|ID3|OggS|fLaC|%PDF|PK\x03\x04"
    rb"|\x1aE\xdf\xa3|....ftyp"
)
_BEGINS_AS_FILE = re.compile(_MAGIC, re.DOTALL)
_VARIED = re.compile(rb"(?=.*[A-Z])(?=.*[a-z])(?=.*[0-9+/])", re.DOTALL)


def begins_as_base64(head: bytes, *, for_certain: bool) -> bool:
    """Return whether data that does not say so begins as lines of base64: ``head`` is that of its first 64 bytes.

    What it decodes to must begin as files do. Of what ``for_certain`` is no text, it is enough that there is so much of
    it, with all kinds of characters.
    """
    if head.translate(None, _BASE64 + b"=\r\n"):
        return False
    packed = head.translate(None, b"=\r\n")
    if _BEGINS_AS_FILE.match(_decode_laxly(packed[: len(packed) // 4 * 4])):
        return True
    return for_certain and len(head) == _HEAD and _VARIED.match(packed) is not None


def is_base64(pieces: Iterator[bytes]) -> bool:
    """Return whether data is nothing but base64, to its end."""
    try:
        for _ in _base64_pieces(pieces):
            pass
    except ContentError:
        return False
    return True


def _unknown(encoding: str) -> ContentError:
    return ContentError(details=f"the Content-Transfer-Encoding {encoding[:40]!r} is not known")


def _decode_base64(octets: bytes) -> bytes:
    # A lax decoder drops what it does not know and stops at the first padding, both without a word. So count what is
    # left when white space is taken away: if that much was decoded, nothing else was dropped. Whatever is not as simple
    # as that is left to the strict one.
    end = octets.find(b"=")
    if end < 0:
        end = len(octets)
    elif octets[end:].strip(b"=" + _WHITE):
        raise ContentError(details="there is data after the padding of the base64")
    return _decode_counted(octets, end, end - _count_white(octets, end))


def _decode_counted(octets: bytes, end: int, significant: int) -> bytes:
    """Decode what is before ``end``, of which so many octets are no white space; behind it there is only padding."""
    try:
        decoded = _decode_laxly(octets)
    except Error:
        return _decode_base64_strictly(octets[:end])
    # One more than a multiple of four decodes to as much as the multiple itself, so the one may be what was dropped.
    if len(decoded) == significant * 3 // 4 and significant % 4 != 1:
        return decoded
    return _decode_base64_strictly(octets[:end])


def _count_white(octets: bytes, end: int) -> int:
    """How much of what is before ``end`` is white space; of lines of one length, only what they end in."""
    width = octets.find(b"\n", 0, end) + 1
    if width > 1:
        # Lines of one length, as most are: to look where they end is enough, and quicker than to look everywhere.
        whole = end - end % width
        feeds, returns = octets[width - 1 : whole : width], octets[width - 2 : whole : width]
        if feeds.count(b"\n") == len(feeds) and returns.count(b"\r") == len(returns):
            return len(feeds) + len(returns) + _count_white(octets[whole:end], end - whole)
    return sum([octets.count(blank, 0, end) for blank in (b"\n", b"\r", b" ", b"\t")])


def _decode_base64_strictly(octets: bytes) -> bytes:
    """Decode what is before the padding, or say what is wrong with it."""
    packed = octets.translate(None, _WHITE)
    junk = packed.translate(None, _BASE64)
    if junk:
        raise ContentError(details=f"the base64 holds {junk[:1]!r}, which is none of its characters")
    if len(packed) % 4 == 1:
        raise ContentError(details="the base64 ends in the middle of an octet")
    return a2b_base64(packed + b"==")


def _base64_pieces(pieces: Iterator[bytes]) -> Iterator[bytes]:
    left = b""
    padded = False
    for piece in pieces:
        end = piece.find(b"=")
        if padded or end >= 0:
            if (piece if padded else piece[end:]).strip(b"=" + _WHITE):
                raise ContentError(details="there is data after the padding of the base64")
            piece = b"" if padded else piece[:end]
            padded = True
        piece = left + piece
        lines = 0 if padded else piece.rfind(b"\n") + 1
        decoded = _decode_lines(piece[:lines]) if lines else None
        if decoded is not None:
            yield decoded
            left = piece[lines:]
            continue
        packed = piece.translate(None, _WHITE)
        whole = len(packed) - len(packed) % 4
        left = packed[whole:]
        if whole:
            yield _decode_counted(packed[:whole], whole, whole)
    if left:
        yield _decode_base64_strictly(left)


def _decode_lines(octets: bytes) -> bytes | None:
    """Return what is in lines of whole groups, as most are; None for others, and where anything would be dropped."""
    significant = len(octets) - _count_white(octets, len(octets))
    try:
        decoded = _decode_laxly(octets)
    except Error:
        return None
    return decoded if len(decoded) * 4 == significant * 3 else None


def _decode_quoted_printable(octets: bytes) -> bytes:
    # a2b_qp makes one "=" of two, and drops all from "=\r" to the next line feed, both without a word. Where each
    # return has its line feed there is none of the one, and where no "=" comes out none of the other.
    if octets.count(b"\r") == octets.count(b"\r\n"):
        decoded = a2b_qp(octets)
        if b"=" not in decoded or b"==" not in octets:
            return decoded
    if len(octets) > 2 * _AT_ONCE:  # each place that is written anew takes ninety times its memory
        slices = (octets[start : start + _AT_ONCE] for start in range(0, len(octets), _AT_ONCE))
        return b"".join(_quoted_printable_pieces(slices))
    return a2b_qp(_STRAY.sub(b"=3D", octets))


def _quoted_printable_pieces(pieces: Iterator[bytes]) -> Iterator[bytes]:
    # Cut where no escape is cut in two.
    left = b""
    for piece in pieces:
        octets = left + piece
        cut = octets.rfind(b"=", max(0, len(octets) - 3))
        if cut < 0:
            cut = len(octets)
        left = octets[cut:]
        if cut:
            before = octets[:cut].rstrip(b"=")  # one before the cut has another behind it: it stays as it is
            yield _decode_quoted_printable(before) + b"=" * (cut - len(before))
    if left:
        yield _decode_quoted_printable(left)


class DecodedReader(io.RawIOBase):
    """Pieces as a raw stream; :class:`io.BufferedReader` goes around it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece = memoryview(b"")
        self._error: ContentError | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        """Fill ``target`` with at least one octet; 0 at the end. Raises as :func:`decode`, and then always."""
        if self._error is not None:
            raise self._error
        while not self._piece:
            try:
                piece = next(self._pieces, None)
            except ContentError as error:
                self._error = error  # the next read must not look like the end
                raise
            if piece is None:
                return 0
            self._piece = memoryview(piece)
        room = memoryview(target).cast("B")
        count = min(len(room), len(self._piece))
        room[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count
