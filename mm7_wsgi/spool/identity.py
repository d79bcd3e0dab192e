"""By what a request is known again: its key, and a fingerprint of what it says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from ..protocol.errors import ContentError
from ..protocol.messages import DeliveryReportReq
from ..protocol.mime import Part
from ..protocol.soap import Node, split_name, text_of
from ..request import MM7Request

__all__ = ["fingerprint", "is_same", "key"]

#: The rule that fingerprints are made by, their first byte.
_RULE: Final = b"\x02"
#: The rule before it: a TimeStamp counts where a relay has sent it, and so does the Date of a report.
_FORMER_RULE: Final = b"\x01"


def key(*names: str | bytes) -> bytes:
    """32 octets for these names together: account, TransactionID, operation …"""
    return hashlib.sha256(ascii(names).encode()).digest()


def fingerprint(request: MM7Request, *, lenient: bool = False, rule: bytes = _RULE) -> bytes:
    """33 octets for what ``request`` says: the same for the same message, however it is framed and written.

    A peer that tries again may make the message anew. So boundaries, prefixes, transfer encodings and the ids by which
    the envelope refers to the content say nothing here. Neither does the TimeStamp, nor the Date of a delivery report:
    many peers write the time of the attempt there, and two reports with nothing but another time say one thing.

    Raises :class:`~mm7_wsgi.ContentError` (2004) where a part cannot be decoded, and ``lenient`` takes it as it was
    sent; ``ValueError`` for a request that was not read by an endpoint.
    """
    element = request._element
    if element is None:
        raise ValueError("this request did not come through an endpoint")
    parts = request.attachments if request.content is None else (request.content, *request.attachments)
    said = (
        _said_in(element, _times_of(request, rule)),
        request.content is not None,
        [_said_by(part, lenient, outermost=True) for part in parts],
    )
    # As Python writes it, nothing can be taken for anything else, and in ASCII it is the same in every version of it.
    return rule + hashlib.sha256(ascii(said).encode()).digest()


def is_same(stored: bytes, request: MM7Request, found: bytes) -> bool:
    """Return whether ``stored`` is a fingerprint of ``request``, whose own is ``found``.

    A fingerprint of the former rule, from before an upgrade, is compared by that rule. One of a rule that is not known,
    from before a downgrade, is of another message: to take one message for another would lose it.
    """
    if stored[:1] == _FORMER_RULE:
        found = fingerprint(request, lenient=True, rule=_FORMER_RULE)
    return stored == found


def _times_of(request: MM7Request, rule: bytes) -> Callable[[str], bool]:
    """Return what says of the name of an element whether it is a time that says nothing."""
    message = request.message
    if rule == _FORMER_RULE:
        return lambda name: message.from_vasp and name == "TimeStamp"
    names = ("timestamp", "date") if isinstance(message, DeliveryReportReq) else ("timestamp",)
    return lambda name: name.lower() in names  # some write Timestamp


def _said_in(element: Node, is_time: Callable[[str], bool]) -> list[object]:
    found: list[object] = []
    times = {id(child) for child in element if is_time(_local(child))}
    for node in element.iter():
        if id(node) in times:
            continue
        name = _local(node)
        found += (name, text_of(node).strip(), len(node))
        if node.attrib:
            pairs = [(split_name(key)[0], value) for key, value in node.items()]
            found.append(sorted([pair for pair in pairs if name != "Content" or pair[0] != "href"]))
    return found


def _local(node: Node) -> str:
    return split_name(node.tag)[0]


def _said_by(part: Part, lenient: bool, *, outermost: bool = False) -> tuple[object, ...]:
    inside = [_said_by(one, lenient) for one in part.parts] if part.is_multipart else _digest(part, lenient)
    content_id = None if outermost else part.content_id
    return part.content_type, part.charset, part.filename, part.content_location, content_id, inside


def _digest(part: Part, lenient: bool) -> bytes:
    found = hashlib.sha256()
    try:
        # Where a part that cannot be decoded is a handler's affair, the handler comes next, and may read the data.
        part.feed(found.update, keep=lenient)
    except ContentError:
        if not lenient:
            raise
        found = hashlib.sha256()
        for octets in part.sent():
            found.update(octets)
    return found.digest()
