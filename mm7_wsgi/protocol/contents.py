"""What is irregular in the contents of parts, found when a message is read. A part is decoded when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from .charset import codec, text_deviations
from .errors import ContentError
from .mime import Part, describe
from .transfer import IDENTITY, begins_as_base64, is_base64, is_binary

#: Bytes of text that are judged in one message, as they were sent. Those of a usual one are a few hundred.
TEXT_JUDGED: Final = 256 * 1024
#: Bytes that are looked at first, in every part that is no text.
_HEAD: Final = 64
# What can never be in the characters of base64 alone.
_BINARY: Final = ("image/", "audio/", "video/", "application/octet-stream")
_NO_DATA: Final = ("text/", "message/", "multipart/")


def content_deviations(parts: tuple[Part, ...], root: Part) -> Iterator[tuple[str, str]]:
    """Yield what is irregular in what parts hold, on all levels: the name of the deviation, and where it is.

    Text in a part beside ``root``, the SOAP part, is judged for :data:`TEXT_JUDGED` bytes together.
    """
    left = TEXT_JUDGED
    for part in parts:
        for leaf in part.leaves() if part.is_multipart else (part,):
            content_type, encoding = leaf.content_type, leaf.transfer_encoding
            if encoding == "base64":
                if is_binary(leaf.sent()):
                    yield "encoding-contradicted", describe(leaf)
            elif encoding in IDENTITY and not content_type.startswith(_NO_DATA):
                for_certain = content_type.startswith(_BINARY)
                if begins_as_base64(leaf._head(_HEAD), for_certain=for_certain) and is_base64(leaf.sent()):
                    yield "encoding-undeclared", describe(leaf)
            if leaf is root:
                continue
            charset = leaf.charset
            if (charset or content_type.startswith("text/")) and leaf.size <= left:
                left -= leaf.size
                for name, words in _in_text(leaf, charset, encoding):
                    yield name, f"{describe(leaf)} {words}".rstrip()


def _in_text(part: Part, charset: str | None, encoding: str) -> list[tuple[str, str]]:
    if encoding in IDENTITY:
        octets = part._head(TEXT_JUDGED)
    elif (
        charset in (None, "utf-8") and encoding == "quoted-printable" and b"=ED" not in part._head(TEXT_JUDGED).upper()
    ):
        return []
    else:
        try:
            octets = part.data
        except ContentError:  # told where it is asked for
            return []
    if octets.isascii():
        return text_deviations(octets, charset) if charset and (codec(charset) or "").startswith("utf-16") else []
    if charset in (None, "utf-8") and b"\xed" not in octets:
        return []
    return text_deviations(octets, charset)
