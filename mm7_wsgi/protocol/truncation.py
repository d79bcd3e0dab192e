"""Whether a multipart that has no close delimiter is whole.

A sender that sets Content-Length in characters has the last bytes of its message cut off by the server, and the close
delimiter goes first. Other senders lose the close delimiter alone. The bytes tell the two apart: they prove their own
end, or they cannot have been counted in characters.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from .buffer import SLICE, Buffer
from .charset import IN_ASCII, codec
from .mime import Part
from .reframe import Ending

# Bytes of a part that are looked at for padding: more than a line of base64, and white space after it.
_TAIL: Final = 1024
_PADDED: Final = re.compile(rb"[A-Za-z0-9+/\r\n\t ]*=[=\r\n\t ]*")


def may_be_cut_off(parts: tuple[Part, ...], ending: Ending, buffer: Buffer) -> bool:
    """Return whether a multipart body may lack more than its close delimiter.

    ``parts`` are those of the outermost level, and ``ending`` is what that ends with. The end is proven by a multipart
    that is closed, by base64 that ends in padding, or by a preamble that tells how many bytes are missing. Without such
    a proof the body must be one whose bytes nobody counts as characters: all of it is ASCII, or a part of it is no
    text.
    """
    if ending in (Ending.CLOSED, Ending.WHOLE_PART) or not parts:
        return False
    last = parts[-1]
    if ending is not Ending.DELIMITER and (last.is_multipart or last.transfer_encoding == "base64"):
        return not _proves_its_end(last)
    if ending is Ending.CUT_PART:
        return True
    is_text = all(_is_text(leaf) for part in parts for leaf in part.leaves())
    return is_text and not _is_ascii(parts, buffer)


def _proves_its_end(part: Part) -> bool:
    """Return whether a part shows that it is whole, after which nothing comes."""
    if part.transfer_encoding == "base64":
        return _ends_in_padding(part)
    if not part.is_multipart or part.ending is Ending.DELIMITER:
        return False
    # Senders are known to lose one close delimiter. Where two are missing, a part may be, too.
    return part.ending is Ending.CLOSED or (bool(part.parts) and _proves_its_end(part.parts[-1]))


def _ends_in_padding(part: Part) -> bool:
    return _PADDED.fullmatch(part.tail(_TAIL)) is not None


def _is_ascii(parts: tuple[Part, ...], buffer: Buffer) -> bool:
    """Return whether every character of the body is one byte of ASCII."""
    charsets = {codec(leaf.charset) for part in parts for leaf in part.leaves() if leaf.charset}
    return charsets.isdisjoint(IN_ASCII) and all(
        buffer.read(offset, offset + SLICE).isascii() for offset in range(0, buffer.size, SLICE)
    )


def _is_text(leaf: Part) -> bool:
    """Return whether a part, as it was sent, is text in UTF-8 or in its own character set, up to where it ends."""
    label = codec(leaf.charset) if leaf.charset else None
    return _is_in(leaf, "utf-8") or (label is not None and _is_in(leaf, label))


def _is_in(leaf: Part, charset: str) -> bool:
    # Incremental, because the last character may be cut in two.
    decoder = codecs.getincrementaldecoder(charset)()
    try:
        for piece in leaf.sent():
            decoder.decode(piece)
    except ValueError:
        return False
    return True
