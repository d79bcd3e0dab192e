"""Messages with what peers do otherwise: one for each name of the catalogue, made from a regular one by one change."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import partial
from typing import Final

from ..protocol.deviations import CATALOGUE
from ..protocol.messages import CancelReq, Content, DeliverReq, Recipients, Request, SenderIdentification, SubmitReq
from ..protocol.soap import MM7, SOAP
from ..protocol.values import Address, AddressKind, MessageClass, Priority
from .message import Message, PartLike, build

# -- the regular messages

_WHEN: Final = datetime(2030, 1, 2, 9, 30, 47, tzinfo=timezone.utc)
_SUBSCRIBER: Final = Address("+12025550101")
_CONTENT: Final = Content(href="cid:content@acme.example")
_SUBJECT: Final = "\u4e2d\u6587 \u0394"
_IDENTIFICATION: Final = SenderIdentification(
    vasp_id="acme", vas_id="news", sender_address=Address("72550", AddressKind.SHORT_CODE)
)
#: What each of the messages is made from, by the name of its operation.
REGULAR: Final[Mapping[str, Request]] = {
    "submit": SubmitReq(
        mm7_version="6.8.0",
        sender_identification=_IDENTIFICATION,
        recipients=Recipients(to=(_SUBSCRIBER,), cc=(Address("reader@news.example", AddressKind.RFC2822),)),
        message_class=MessageClass.INFORMATIONAL,
        time_stamp=_WHEN,
        delivery_report=True,
        priority=Priority.NORMAL,
        subject=_SUBJECT,
        content=_CONTENT,
    ),
    "deliver": DeliverReq(
        mm7_version="6.8.0",
        mms_relay_server_id="mmsc.operator.example",
        vasp_id="acme",
        vas_id="news",
        sender=_SUBSCRIBER,
        recipients=Recipients(to=(_SUBSCRIBER,)),
        time_stamp=_WHEN,
        priority=Priority.NORMAL,
        subject=_SUBJECT,
        content=_CONTENT,
    ),
    "cancel": CancelReq(mm7_version="6.8.0", sender_identification=_IDENTIFICATION, message_id="m-0815"),
}
_TEXT: Final = "Gr\u00fc\u00dfe aus \u4e2d\u6587.\r\nEnde.\r\n"
#: With all that framing is made of.
_GIF: Final = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\r\n--mm7_\r\n\r\n\n\r--\x1b,;\xfe\xff"
#: A slide show: its SMIL, a text and a picture.
PARTS: Final[tuple[PartLike, ...]] = (
    (
        "application/smil",
        '<smil><body><par><img src="dot.gif"/><text src="text.txt"/></par></body></smil>\r\n',
        {"Content-ID": "<show.smil>"},
    ),
    ("text/plain", _TEXT, {"Content-ID": "<text>", "Content-Location": "text.txt"}),
    ("image/gif", _GIF, {"Content-ID": "<dot>", "Content-Location": "dot.gif"}),
)
TRANSACTION_ID: Final = "tid-4711"


def regular(operation: str = "submit") -> Message:
    """The message of that operation (``submit``, ``deliver`` or ``cancel``) that the irregular ones are made from."""
    request = REGULAR[operation]
    return build(request, PARTS if request.carries_content else (), transaction_id=TRANSACTION_ID)


# -- the changes

Change = Callable[[Message], Message]

_ROOT: Final = "Content-ID: <soap@mm7.example>\r\n"
_NAMED: Final = "Content-ID: <content@acme.example>\r\n"
_DOT: Final = "Content-ID: <dot>\r\n"
_OUTER: Final = "--mm7_outer"
_STORY: Final = "--mm7_story"
_HREF: Final = 'href="cid:content@acme.example"'
_TO: Final = "<mm7:To><mm7:Number>+12025550101</mm7:Number></mm7:To>"
_NORMAL: Final = "<mm7:Priority>Normal</mm7:Priority>"
_STAMP: Final = "TimeStamp>2030-01-02T09:30:47Z<"


def _swapped(old: str | bytes, new: str | bytes, times: int = 1) -> Change:
    return lambda message: message.swap(old, new, times=times)


def _retyped(old: str, new: str) -> Change:
    return lambda message: message.retyped(old, new)


def _in_line_feeds(message: Message) -> Message:
    """With bare line feeds in the framing, and nowhere else."""
    delimiter = rb"--mm7_(?:outer|story)"
    body = re.sub(rb"\r\n(?=" + delimiter + rb")", b"\n", message.body)
    body = re.sub(rb"(?m)^(" + delimiter + rb"(?:--)?)\r\n", rb"\1\n", body)
    body = re.sub(rb"(?m)^(Content-[^\r\n]+)\r\n", rb"\1\n", body)
    return Message(
        message.content_type, re.sub(rb"(?m)^(Content-[^\r\n]+\n)\r\n", rb"\1\n", body), message.transaction_id
    )


def _in_base64(message: Message, headers: str, end: str) -> Message:
    """With the part that has these headers in base64."""
    before, found, rest = message.body.partition(headers.encode())
    held, delimiter, behind = rest.removeprefix(b"\r\n").partition(f"\r\n{end}".encode())
    encoded = b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(held)
    return message.swap(message.body, before + found + encoded + delimiter + behind)


def _retexted(charset: str, octets: bytes) -> Change:
    """With another text in the place of the regular one, under this character set."""
    headers = 'text/plain; charset="{}"\r\nContent-ID: <text>'
    old, new = (headers.format(name) for name in ("utf-8", charset))
    return lambda message: message.swap(old, new).swap(_TEXT, octets)


def _without_story(message: Message) -> Message:
    """With a content that has a delimiter and no parts."""
    before, named, rest = message.body.partition(_NAMED.encode())
    _, delimiter, behind = rest.partition(f"\r\n{_STORY}--".encode())
    return message.swap(message.body, before + named + delimiter + behind)


def _root_behind(message: Message) -> Message:
    """With the SOAP part behind the content, and nothing that names it."""
    first, root, content, last = message.body.split(_OUTER.encode())
    turned = message.swap(message.body, _OUTER.encode().join([first, content, root, last]))
    return turned.retyped('; start="<soap@mm7.example>"', "")


def _bare(message: Message) -> Message:
    """Without content, and under the Content-Type of a message that has some."""
    _, head, rest = message.body.partition(b"<?xml")
    xml, _, _ = rest.partition(f"\r\n{_OUTER}".encode())
    return message.swap(message.body, head + xml).swap(f"<mm7:Content {_HREF}/>", "")


def _unqualified(operation: str) -> str:
    return operation.replace("<mm7:", "<").replace("</mm7:", "</")


_CHANGES: Final[Mapping[str, Change]] = {
    # the framing
    "line-ends": _in_line_feeds,
    "delimiter-blanks": _swapped(f"{_OUTER}\r\n", f"{_OUTER} \r\n", 2),
    "byte-order-mark": lambda message: message.after("\ufeff"),
    "delimiter-hyphens": _swapped(_OUTER, f"--{_OUTER}", 3),
    "boundary-missing": _retyped('boundary="mm7_outer"; ', ""),
    "boundary-wrong": _retyped("mm7_outer", "something-else"),
    "boundary-prefix": _swapped("mm7_story", "mm7_outer2", 5),
    "close-missing": lambda message: message.cut(f"{_STORY}--\r\n"),
    "close-inline": _swapped(f"\r\n{_OUTER}--", f"{_OUTER}--"),
    "close-repeated": lambda message: message.then(f"{_OUTER}--\r\n"),
    "close-dash": _swapped(f"{_OUTER}--", f"{_OUTER}\u2014"),
    "part-bodyless": _swapped(f"text.txt\r\n\r\n{_TEXT}\r\n", "text.txt\r\n"),
    "part-length": _swapped(_DOT, f"Content-Length: -1\r\n{_DOT}"),
    "headers-unended": _swapped(f"{_ROOT}\r\n", _ROOT),
    "headers-end-blank": _swapped(f"{_ROOT}\r\n", f"{_ROOT} \r\n"),
    "header-unindented": _swapped('; start="<show.smil>"; ', ';\r\nstart="<show.smil>";\r\n'),
    "header-repeated": _swapped(_DOT, f"Content-Type: image/png\r\n{_DOT}"),
    "header-name": _swapped(_DOT, f"X.Acme.Id: 1\r\n{_DOT}"),
    "multipart-empty": _without_story,
    "multipart-encoded": partial(_in_base64, headers=_NAMED, end=_OUTER),
    # the SOAP part
    "xml-as-multipart": _bare,
    "multipart-as-xml": lambda message: message.under('text/xml; charset="utf-8"; boundary="mm7_outer"'),
    "start-unmatched": _retyped("<soap@mm7.example>", "<mm7-submit>"),
    "soap-part-late": _root_behind,
    "soap-part-type": _swapped("Content-Type: text/xml", "Content-Type: application/xml"),
    "soap-part-encoded": partial(_in_base64, headers=_ROOT, end=_OUTER),
    "charset-contradicted": _swapped('text/xml; charset="utf-8"', 'text/xml; charset="us-ascii"'),
    "xml-late": _swapped("<?xml", "\r\n<?xml"),
    # characters
    "charset-wider": _retexted("iso-8859-1", b"\x93Gr\xfc\xdfe\x94 \x96 \x805\r\n"),
    "byte-order": _retexted("utf-16", _TEXT.encode("utf-16-le")),
    "surrogate-pair": _swapped(f">{_SUBJECT}<", ">&#xD83C;&#xDF89;<"),
    # the data of a part
    "encoding-undeclared": _swapped(_GIF, base64.encodebytes(_GIF)),
    "encoding-contradicted": _swapped(_DOT, f"Content-Transfer-Encoding: base64\r\n{_DOT}"),
    # the content and what names it
    "id-brackets": _swapped("<soap@mm7.example>", "soap@mm7.example"),
    "id-form": _swapped("<content@acme.example>", "<Content@ACME.example>"),
    "id-repeated": _swapped(f"{_OUTER}--", f"{_OUTER}\r\nContent-Type: image/gif\r\n{_NAMED}\r\nGIF89a\r\n{_OUTER}--"),
    "content-unreferenced": _swapped(f"<mm7:Content {_HREF}/>", ""),
    "href-unmatched": _swapped(_HREF, 'href="cid:nothing"'),
    "href-without-cid": _swapped(_HREF, 'href="content@acme.example"'),
    "href-location": _swapped(_NAMED, "Content-Location: content@acme.example\r\n"),
    "href-nested": _swapped(_HREF, 'href="cid:show.smil"'),
    # the envelope
    "soap-namespace": _swapped(f'"{SOAP}"', f'"{SOAP.rstrip("/")}"'),
    "transaction-unmarked": _swapped(' env:mustUnderstand="1"', ""),
    "namespace-missing": lambda message: message.operation(_unqualified),
    "namespace-blanks": _swapped(f'"{MM7}"', f'"{MM7} "', 2),
    "namespace-foreign": _swapped(f'"{MM7}"', '"urn:mm7"', 2),
    "namespace-mixed": _swapped(f'<mm7:TransactionID xmlns:mm7="{MM7}"', f'<mm7:TransactionID xmlns:mm7="{MM7[:-1]}3"'),
    "version-unlisted": _swapped(">6.8.0<", ">6.7.0<"),
    # elements
    "element-order": _swapped(
        f"{_NORMAL}<mm7:Subject>{_SUBJECT}</mm7:Subject>", f"<mm7:Subject>{_SUBJECT}</mm7:Subject>{_NORMAL}"
    ),
    "element-repeated": _swapped("</mm7:Subject>", "</mm7:Subject><mm7:Subject>Again</mm7:Subject>"),
    "element-misplaced": _swapped(_TO, "<mm7:Number>+12025550101</mm7:Number>"),
    "element-unknown": _swapped(_NORMAL, f"<mm7:X-ACME-Code>1</mm7:X-ACME-Code>{_NORMAL}"),
    "attribute-qualified": _swapped("<mm7:Content href", "<mm7:Content mm7:href"),
    "element-missing": _swapped("<mm7:MM7Version>6.8.0</mm7:MM7Version>", ""),
    # values
    "address-untyped": _swapped(_TO, "<mm7:To>+12025550101</mm7:To>"),
    "value-case": _swapped(_NORMAL, _NORMAL.replace("Normal", "normal")),
    "value-form": _swapped(_STAMP, "TimeStamp>soon<"),
    "date-form": _swapped(_STAMP, "TimeStamp>2030-01-02 09:30:47Z<"),
    "date-without-zone": _swapped(_STAMP, "TimeStamp>2030-01-02T09:30:47<"),
}
#: Those that are another change from operation to operation.
_OF_ONE: Final[Mapping[str, Mapping[str, Change]]] = {
    "submit": {
        "element-renamed": _swapped("mm7:SenderAddress>", "mm7:Sender>", 2),
        "text-stray": _swapped(
            "<mm7:DeliveryReport>", "<mm7:ReplyCharging>No value</mm7:ReplyCharging><mm7:DeliveryReport>"
        ),
        "value-unlisted": _swapped(">Informational<", ">137<"),
    },
    "deliver": {
        "element-renamed": _swapped("mm7:MMSRelayServerID>", "mm7:MMSReplayServerID>", 2),
        "text-stray": _swapped(f"<mm7:Content {_HREF}/>", f"<mm7:Content {_HREF}>No value</mm7:Content>"),
        "value-unlisted": _swapped(">Normal<", ">Urgent<"),
    },
    "cancel": {
        "element-missing": lambda message: message.operation(
            lambda inside: re.sub("<mm7:SenderIdentification>.*</mm7:SenderIdentification>", "", inside)
        )
    },
}
_BY_OPERATION: Final[Mapping[str, Mapping[str, Change]]] = {
    "submit": {**_CHANGES, **_OF_ONE["submit"]},
    "deliver": {**_CHANGES, **_OF_ONE["deliver"]},
    "cancel": _OF_ONE["cancel"],
}


def irregularities(operation: str | None = None) -> tuple[str, ...]:
    """The names that :func:`irregular` knows for an operation: ``"submit"``, ``"deliver"`` or ``"cancel"``; or for any.

    They are those of ``docs/deviations.md`` but for three, ``transaction-missing``, ``error-unwrapped`` and
    ``status-code-zero``: these are about answers, which no endpoint gets.
    """
    chosen = _BY_OPERATION.values() if operation is None else [_changes(operation)]
    return tuple([name for name in CATALOGUE if any(name in changes for changes in chosen)])


def irregular(name: str, operation: str | None = None) -> Message:
    """A message that shows the irregularity ``name`` of the catalogue, and no other.

    ``operation`` is by default the first of ``submit``, ``deliver`` and ``cancel`` that can show it. What the message
    says besides is the same for all of one operation, and can be changed by :meth:`Message.swap`. A tolerant endpoint
    reads it and has the name in ``request.deviations``; a strict one refuses it.

    Raises ``ValueError`` for a name that is none, or that this operation cannot show.
    """
    operations = _BY_OPERATION if operation is None else [operation]
    for candidate in operations:
        if change := _changes(candidate).get(name):
            return change(regular(candidate))
    of = "" if operation is None else f" of {operation}"
    raise ValueError(f"no irregularity{of} is called {name!r}; there are {', '.join(irregularities(operation))}")


def _changes(operation: str) -> Mapping[str, Change]:
    if operation not in _BY_OPERATION:
        raise ValueError(f"operation is one of {', '.join(_BY_OPERATION)}, not {operation!r}")
    return _BY_OPERATION[operation]
