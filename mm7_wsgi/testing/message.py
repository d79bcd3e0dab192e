"""Messages as a peer sends them, written by the declarations that they are read by.

What is made here keeps to the specification to the letter, so that an endpoint reads it without a deviation, a strict
one too. Whatever is to be otherwise is changed in the octets, by :meth:`Message.swap` and those beside it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import count
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import quote

from werkzeug.datastructures import Headers

from ..protocol.headers import content_id, parse_content_type, parse_href
from ..protocol.messages import (
    CancelReq,
    Content,
    DeliverReq,
    DeliveryReportReq,
    ExtendedCancelReq,
    ExtendedReplaceReq,
    ReadReplyReq,
    Recipients,
    ReplaceReq,
    Request,
    SenderIdentification,
    SubmitReq,
    write_message,
)
from ..protocol.soap import MM7, Transaction, write_envelope
from ..protocol.values import Address, AddressKind, DeliveryStatus, ReadStatus

M = TypeVar("M", bound="Message")

#: A part: its Content-Type, what it holds, and its other headers. A ``str`` is written in UTF-8; ``bytes`` are sent as
#: they are, so with a Content-Transfer-Encoding they have to be encoded already.
PartLike: TypeAlias = tuple[str, bytes | str] | tuple[str, bytes | str, Mapping[str, str]]
#: An address: one with an ``@`` is an ``RFC2822Address``, any other text a ``Number``.
AddressLike: TypeAlias = str | Address


def _no_action() -> Mapping[str, str]:
    return {"SOAPAction": '""'}


@dataclass(frozen=True)
class Message:
    """A request on its way: the HTTP headers that count, and the body.

    The methods give changed copies, for what a peer does otherwise. They raise ``ValueError`` where there is not what
    they are to change, so that no test passes because its change was none.
    """

    content_type: str
    body: bytes
    #: What is in the body; None where nobody has said.
    transaction_id: str | None = None
    #: Further HTTP headers.
    headers: Mapping[str, str] = field(default_factory=_no_action)

    def swap(self: M, old: str | bytes, new: str | bytes, *, times: int = 1) -> M:
        """The message with ``new`` for ``old`` in its body, where that is ``times`` times."""
        before, after = _octets(old), _octets(new)
        if self.body.count(before) != times:
            raise ValueError(f"{old!r} is {self.body.count(before)} times in the body, not {times} times")
        return dataclasses.replace(self, body=self.body.replace(before, after))

    def under(self: M, content_type: str) -> M:
        """The message under another Content-Type; beyond ASCII it is in UTF-8, which an environ has as latin-1."""
        return dataclasses.replace(self, content_type=content_type.encode().decode("latin-1"))

    def retyped(self: M, old: str, new: str) -> M:
        """The message with ``new`` for ``old`` in its Content-Type, where that is once."""
        if self.content_type.count(old) != 1:
            raise ValueError(f"{old!r} is {self.content_type.count(old)} times in the Content-Type, not once")
        return self.under(self.content_type.replace(old, new))

    def cut(self: M, end: str | bytes) -> M:
        """The message up to the last ``end``, which is all that is left behind."""
        before, found, _ = self.body.rpartition(_octets(end))
        if not found:
            raise ValueError(f"{end!r} is not in the body")
        return dataclasses.replace(self, body=before + found)

    def then(self: M, more: str | bytes) -> M:
        """The message with something behind it."""
        return dataclasses.replace(self, body=self.body + _octets(more))

    def after(self: M, more: str | bytes) -> M:
        """The message with something before it."""
        return dataclasses.replace(self, body=_octets(more) + self.body)

    def operation(self: M, change: Callable[[str], str]) -> M:
        """The message with the inside of its SOAP Body changed; SOAP has the prefix ``env`` there."""
        before, opening, rest = self.body.partition(b"<env:Body>")
        inside, closing, behind = rest.partition(b"</env:Body>")
        if not closing:
            raise ValueError("there is no env:Body in the body")
        return dataclasses.replace(self, body=before + opening + change(inside.decode()).encode() + closing + behind)


def _octets(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


# -- from an operation to a message


_XML: Final = 'text/xml; charset="utf-8"'
_ROOT_ID: Final = "<soap@mm7.example>"
_CONTENT_ID: Final = "<content@mm7.example>"
_CRLF: Final = b"\r\n"
#: What need not be escaped in an href (RFC 2392) though it is no letter, digit, or one of ``-._~``.
_IN_ID: Final = "@!$&'()*+,;=:/"
_numbers: Final[Iterator[int]] = count(1)


def build(
    request: Request,
    parts: Sequence[PartLike] = (),
    *,
    transaction_id: str | None = None,
    namespace: str = MM7,
    prefix: str = "mm7",
) -> Message:
    """The message that ``request`` is on the wire.

    ``parts``
        The content. One part is the content itself; several are in a multipart that is: ``multipart/related`` if one of
        them is SMIL, else ``multipart/mixed``. ``request.content`` is set to name it, unless it does already: then the
        content is given that name.
    ``transaction_id``
        By default one that was not used before in this process.
    ``namespace``, ``prefix``
        Those of MM7: a release of the schema, and how its elements are written; ``""`` is the default namespace.

    Raises ``ValueError`` for what cannot be by the schema: parts where the operation has none, a content that is named
    and not there, or has to be there and is not.
    """
    content: Content | None = getattr(request, "content", None)
    if parts and not request.carries_content:
        raise ValueError(f"a {request.element_name} has no content, so it has no parts")
    if not parts and (content is not None or request.requires_content):
        raise ValueError(f"this {request.element_name} has to have content, so it needs parts")
    if transaction_id is None:
        transaction_id = f"transaction-{next(_numbers)}"
    held = _content(parts) if parts else None
    if held is not None:
        headers, _ = held
        if content is None:
            id = content_id(headers.get("Content-ID", _CONTENT_ID))
            content = Content(href=f"cid:{quote(id, safe=_IN_ID)}")
            request = dataclasses.replace(request, content=content)  # type: ignore[type-var]
        _call(headers, content.href)
    xml = write_envelope(write_message(request, namespace, prefix), Transaction(transaction_id, namespace), prefix)
    if held is None:
        return Message(_XML, xml, transaction_id)
    root, rest = _part(Headers({"Content-Type": _XML, "Content-ID": _ROOT_ID}), xml), _part(*held)
    boundary = _boundary("mm7_outer", root, rest)
    return Message(
        f'multipart/related; boundary="{boundary}"; type="text/xml"; start="{_ROOT_ID}"',
        _multipart(boundary, [root, rest]),
        transaction_id,
    )


def _call(headers: Headers, href: str) -> None:
    """Give a part the name that ``href`` asks for."""
    reference = parse_href(href)
    if reference.is_cid:
        headers["Content-ID"] = f"<{reference.content_ids[0]}>"
    else:
        headers["Content-Location"] = href


def _content(parts: Sequence[PartLike]) -> tuple[Headers, bytes]:
    """The headers and the octets of the content."""
    pieces = [_piece(*part) for part in parts]
    if len(pieces) == 1:
        return pieces[0]
    kind = "multipart/mixed"
    for headers, _ in pieces:
        if parse_content_type(headers["Content-Type"]).value == "application/smil":
            start = headers.setdefault("Content-ID", "<smil>")
            kind = f'multipart/related; type="application/smil"; start="{start}"'
            break
    written = [_part(*piece) for piece in pieces]
    boundary = _boundary("mm7_story", *written)
    octets = _multipart(boundary, written).removesuffix(_CRLF)
    return Headers({"Content-Type": f'{kind}; boundary="{boundary}"'}), octets


def _piece(content_type: str, held: bytes | str, more: Mapping[str, str] | None = None) -> tuple[Headers, bytes]:
    if isinstance(held, str) and "charset" not in parse_content_type(content_type).parameters:
        content_type += '; charset="utf-8"'
    headers = Headers({"Content-Type": content_type})
    headers.update(more or {})
    return headers, _octets(held)


def _part(headers: Headers, octets: bytes) -> bytes:
    return b"".join(_octets(f"{name}: {value}") + _CRLF for name, value in headers) + _CRLF + octets


def _multipart(boundary: str, parts: Iterable[bytes]) -> bytes:
    delimiter = b"--" + boundary.encode()
    return b"".join(delimiter + _CRLF + part + _CRLF for part in parts) + delimiter + b"--\r\n"


def _boundary(wanted: str, *parts: bytes) -> str:
    """One that is in none of the parts."""
    numbered = (f"{wanted}_{number}" for number in count(1))
    boundary = wanted
    while any(f"--{boundary}".encode() in part for part in parts):
        boundary = next(numbered)
    return boundary


# -- one builder for each operation


_VERSION: Final = "6.8.0"
_WHEN: Final = datetime(2030, 1, 2, 9, 30, 47, tzinfo=timezone.utc)
_SUBSCRIBER: Final = Address("+12025550101")
_SERVICE: Final = Address("72550", AddressKind.SHORT_CODE)
_IDENTIFICATION: Final = SenderIdentification(vasp_id="vasp", vas_id="service", sender_address=_SERVICE)
#: The content where nothing else is said.
HELLO: Final[tuple[PartLike, ...]] = (("text/plain", "Hello"),)
#: What is written where nothing else is said; :func:`_request` adds the version.
_DEFAULTS: Final[Mapping[type[Request], Mapping[str, Any]]] = {
    SubmitReq: {"sender_identification": _IDENTIFICATION, "recipients": Recipients(to=(_SUBSCRIBER,))},
    DeliverReq: {"sender": _SUBSCRIBER, "recipients": Recipients(to=(_SERVICE,))},
    CancelReq: {"sender_identification": _IDENTIFICATION, "message_id": "message-1"},
    ReplaceReq: {"sender_identification": _IDENTIFICATION, "message_id": "message-1"},
    ExtendedCancelReq: {"sender_identification": _IDENTIFICATION, "cancel_id": "cancel-1"},
    ExtendedReplaceReq: {"replace_id": "replace-1"},
    DeliveryReportReq: {
        "message_id": "message-1",
        "recipient": _SUBSCRIBER,
        "sender": _SERVICE,
        "date": _WHEN,
        "mm_status": DeliveryStatus.RETRIEVED,
    },
    ReadReplyReq: {
        "message_id": "message-1",
        "recipient": _SUBSCRIBER,
        "sender": _SERVICE,
        "time_stamp": _WHEN,
        "mm_status": ReadStatus.READ,
    },
}
#: The request of each operation, by the name of the method of :class:`~mm7_wsgi.MM7Handler`.
OPERATIONS: Final[Mapping[str, type[Request]]] = {kind.operation: kind for kind in _DEFAULTS}


def submit(*, parts: Sequence[PartLike] = HELLO, transaction_id: str | None = None, **fields: Any) -> Message:
    """A ``SubmitReq``.

    ``fields`` are those of the class; beside them ``to``, ``cc`` and ``bcc`` take one address or several in place of
    ``recipients``, and ``vasp_id``, ``vas_id`` and ``sender_address`` stand for what ``sender_identification`` holds.
    All that is mandatory has a default; the content too: ``parts=()`` leaves it out. See :func:`build`.

    Raises ``TypeError`` for a field that there is not.
    """
    return _built(SubmitReq, parts, transaction_id, fields)


def deliver(*, parts: Sequence[PartLike] = HELLO, transaction_id: str | None = None, **fields: Any) -> Message:
    """A ``DeliverReq``; ``sender`` can be text. Otherwise as :func:`submit`."""
    return _built(DeliverReq, parts, transaction_id, fields)


def cancel(*, transaction_id: str | None = None, **fields: Any) -> Message:
    """A ``CancelReq``, as :func:`submit`."""
    return _built(CancelReq, (), transaction_id, fields)


def replace(*, parts: Sequence[PartLike] = HELLO, transaction_id: str | None = None, **fields: Any) -> Message:
    """A ``ReplaceReq``, as :func:`submit`; it has to have content."""
    return _built(ReplaceReq, parts, transaction_id, fields)


def extended_cancel(*, transaction_id: str | None = None, **fields: Any) -> Message:
    """An ``ExtendedCancelReq``, as :func:`submit`."""
    return _built(ExtendedCancelReq, (), transaction_id, fields)


def extended_replace(*, parts: Sequence[PartLike] = HELLO, transaction_id: str | None = None, **fields: Any) -> Message:
    """An ``ExtendedReplaceReq``, as :func:`submit`; it has to have content."""
    return _built(ExtendedReplaceReq, parts, transaction_id, fields)


def delivery_report(*, transaction_id: str | None = None, **fields: Any) -> Message:
    """A ``DeliveryReportReq``; ``recipient`` and ``sender`` can be text. Otherwise as :func:`submit`."""
    return _built(DeliveryReportReq, (), transaction_id, fields)


def read_reply(*, transaction_id: str | None = None, **fields: Any) -> Message:
    """A ``ReadReplyReq``; ``recipient`` and ``sender`` can be text. Otherwise as :func:`submit`."""
    return _built(ReadReplyReq, (), transaction_id, fields)


def _built(
    kind: type[Request], parts: Sequence[PartLike], transaction_id: str | None, fields: Mapping[str, Any]
) -> Message:
    return build(_request(kind, fields), parts, transaction_id=transaction_id)


def _request(kind: type[Request], given: Mapping[str, Any]) -> Request:
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]
    fields = dict(given)
    if "recipients" in known:
        groups: dict[str, Any] = {name: _addresses(fields.pop(name)) for name in ("to", "cc", "bcc") if name in fields}
        if groups:
            _only_once(kind, "recipients", fields, groups)
            fields["recipients"] = Recipients(**groups)
    if "sender_identification" in known:
        names = ("vasp_id", "vas_id", "sender_address")
        sender: dict[str, Any] = {name: fields.pop(name) for name in names if name in fields}
        if sender:
            _only_once(kind, "sender_identification", fields, sender)
            if "sender_address" in sender:
                sender["sender_address"] = _address(sender["sender_address"])
            fields["sender_identification"] = dataclasses.replace(_IDENTIFICATION, **sender)
    for name in ("sender", "recipient"):
        if name in fields:
            fields[name] = _address(fields[name])
    if unknown := [name for name in fields if name not in known]:
        raise TypeError(f"{kind.__name__} has no {unknown[0]}; it has {', '.join(known)}")
    return kind(**{"mm7_version": _VERSION, **_DEFAULTS[kind], **fields})


def _only_once(kind: type[Request], name: str, fields: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
    if name in fields:
        raise TypeError(f"{kind.__name__} is given {name} and {next(iter(parts))}, which stands in it")


def _addresses(given: AddressLike | Iterable[AddressLike]) -> tuple[Address, ...]:
    return (_address(given),) if isinstance(given, (str, Address)) else tuple(map(_address, given))


def _address(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    return Address(given, AddressKind.RFC2822 if "@" in given else AddressKind.NUMBER)
