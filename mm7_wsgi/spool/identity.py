"""By what a request is known again: its key, and a fingerprint of what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from ..protocol.errors import ContentError
from ..protocol.messages import Message, Request, write_message
from ..protocol.mime import Part
from ..protocol.soap import MM7
from ..request import MM7Request

__all__ = ["fingerprint", "is_same", "key"]

#: The rule that fingerprints are made by. Those of another rule cannot be compared.
_RULE: Final = b"\x01"


def key(account: str, transaction_id: str, operation: str, *more: bytes) -> bytes:
    """32 octets for an account, a TransactionID and the name of an operation."""
    return _digest([*(each.encode(errors="surrogatepass") for each in (account, transaction_id, operation)), *more])


def fingerprint(request: MM7Request) -> bytes:
    """33 octets for what ``request`` says: the same for the same message, however it is framed and written.

    A peer that tries again may make the message anew. So boundaries, prefixes, transfer encodings and the ids by which
    the envelope refers to the content say nothing here, and neither does the TimeStamp of a provider's request, since
    that is when it was sent.
    """
    parts = request.attachments if request.content is None else (request.content, *request.attachments)
    said = [write_message(_bare(request.message), MM7).encode(errors="surrogatepass")]
    said.append(b"content" if request.content is not None else b"")
    for part in parts:
        _say_part(said, part, outermost=True)
    return _RULE + _digest(said)


def is_same(one: bytes, other: bytes) -> bool:
    """Whether two fingerprints are of the same message. Those of different rules are believed to be."""
    return one == other or one[:1] != other[:1]


def _bare(message: Request) -> Message:
    changes: dict[str, Any] = {}
    content = getattr(message, "content", None)
    if content is not None:
        changes["content"] = replace(content, href="")
    if message.from_vasp and getattr(message, "time_stamp", None) is not None:
        changes["time_stamp"] = None
    bare: Message = replace(message, **changes) if changes else message  # type: ignore[type-var]
    return bare


def _say_part(said: list[bytes], part: Part, *, outermost: bool = False) -> None:
    names = (
        part.content_type,
        part.charset,
        part.filename,
        part.content_location,
        None if outermost else part.content_id,
    )
    said += [(name or "").encode(errors="surrogatepass") for name in names]
    if part.is_multipart:
        said.append(b"%d" % len(part.parts))
        for inside in part.parts:
            _say_part(said, inside)
    else:
        said.append(_digest_of_data(part))


def _digest_of_data(part: Part) -> bytes:
    found = hashlib.sha256()
    try:
        if part.size <= _AT_ONCE:
            found.update(part.data)
        else:
            with part.open() as stream:
                while octets := stream.read(_AT_ONCE):
                    found.update(octets)
    except ContentError:  # it cannot be decoded, so what was sent is all there is
        found = hashlib.sha256()
        for octets in part.sent():
            found.update(octets)
    return found.digest()


_AT_ONCE: Final = 256 * 1024


def _digest(values: Iterable[bytes]) -> bytes:
    """Of all of them, each with its length, so that none can be taken for two."""
    return hashlib.sha256(b"".join([b"%d:%b" % (len(value), value) for value in values])).digest()
