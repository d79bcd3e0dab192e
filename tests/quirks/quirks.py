"""The quirks of the field: what peers send at the edge of the rules and beyond, each as a small whole message.

Every message is made from a regular one by changing what the quirk is about and nothing else, so a test can say that
it is read as the regular one is. Those by which ``mm7_wsgi.testing`` shows each deviation are among them
(:func:`shown`). :data:`QUIRKS` is the table; ``test_quirks.py`` holds the package to it, and
``make_docs.py`` makes ``docs/quirks.md`` from it.

Nobody is meant: the hosts end in .example, and the telephone numbers are of the range that is kept free for fiction.
"""

from __future__ import annotations

import base64
import codecs
import dataclasses
import quopri
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import cycle
from typing import Any, NamedTuple

from mm7_wsgi import testing
from mm7_wsgi.protocol.messages import (
    CancelReq,
    Content,
    DeliverReq,
    DeliverRsp,
    DeliveryReportReq,
    Fault,
    ReadReplyReq,
    Recipients,
    ReplaceReq,
    ReplyCharging,
    RSErrorRsp,
    SenderIdentification,
    Status,
    SubmitReq,
    SubmitRsp,
)
from mm7_wsgi.protocol.soap import Element
from mm7_wsgi.protocol.status import StatusCode
from mm7_wsgi.protocol.values import (
    Address,
    AddressKind,
    DeliveryStatus,
    Duration,
    MessageClass,
    Priority,
    ReadStatus,
)

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SCHEMA = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
MM7 = SCHEMA + "REL-6-MM7-1-4"
OTHER_MM7 = SCHEMA + "REL-5-MM7-1-2"

# -- what an entry is made of


@dataclasses.dataclass(frozen=True)
class Message(testing.Message):
    """An HTTP message, with what else is unusual in the environ."""

    environ: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def sent(self, **environ: Any) -> Message:
        """The message with these keys in the environ; one whose value is None is left out there."""
        return dataclasses.replace(self, environ={**self.environ, **environ})


def shown(name: str, operation: str = "submit") -> Message:
    """The message by which the package itself shows an irregularity to its users."""
    message = testing.irregular(name, operation)
    return Message(message.content_type, message.body)


class Piece(NamedTuple):
    """A part as it must be read: headers, decoded bytes, their text where it is text, the parts inside, its name."""

    headers: tuple[tuple[str, str], ...] = ()
    #: Of a multipart none, for its framing is what is different from quirk to quirk.
    data: bytes = b""
    text: str | None = None
    parts: tuple[Piece, ...] = ()
    filename: str | None = None


class Parse(NamedTuple):
    """What a message has to be read as."""

    transaction_id: str | None
    message: Any
    content: Piece | None = None
    attachments: tuple[Piece, ...] = ()

    def but(self, **fields: Any) -> Parse:
        """The same with other values in the message."""
        return self._replace(message=dataclasses.replace(self.message, **fields))


class Quirk(NamedTuple):
    """One entry of the table."""

    #: What peers do, in plain words, for a cell of a Markdown table.
    title: str
    #: ``accepted``, ``mended`` or ``refused``.
    verdict: str
    #: All of these are read, or refused, alike.
    messages: tuple[Message, ...]
    why: str
    known_from: str = ""
    #: The names of all its deviations.
    deviations: frozenset[str] = frozenset()
    #: What it is read as.
    parse: Parse | None = None
    #: The answer: the status code of MM7, or the faultcode of a fault that has none; and the HTTP status.
    fault: int | str = 0
    http_status: int = 500
    #: The details of the fault, with three dots (U+2026) for anything.
    words: str = ""
    #: Whether it is framing inside the content, which a strict endpoint refuses with 2004.
    inner: bool = False
    #: Whether it is an answer to a request: it does not come to the endpoint.
    is_answer: bool = False


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def accepted(title: str, message: Message | list[Message], why: str, *, known: str = "", parse: Parse) -> Quirk:
    """Read without a deviation, by a strict endpoint too."""
    return Quirk(title, "accepted", _several(message), why, known, parse=parse)


def mended(
    title: str,
    deviations: str,
    message: Message | list[Message],
    why: str,
    *,
    known: str = "",
    parse: Parse,
    inner: bool = False,
) -> Quirk:
    """Read with these deviations."""
    return Quirk(title, "mended", _several(message), why, known, frozenset(deviations.split()), parse, inner=inner)


def refused(
    title: str,
    fault: int | str,
    words: str,
    message: Message | list[Message],
    why: str,
    *,
    known: str = "",
    http_status: int = 500,
) -> Quirk:
    """Not read by any endpoint."""
    return Quirk(title, "refused", _several(message), why, known, fault=fault, words=words, http_status=http_status)


def answer(quirk: Quirk) -> Quirk:
    """The same, for an answer to a request."""
    return quirk._replace(title=f"In an answer: {quirk.title}", is_answer=True)


def _several(message: Message | list[Message]) -> tuple[Message, ...]:
    return tuple(message) if isinstance(message, list) else (message,)


# -- the regular messages


def envelope(operation: str, *, transaction: str = "tid-4711") -> str:
    return f"""\
<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="{SOAP}">
<env:Header>
<mm7:TransactionID xmlns:mm7="{MM7}" env:mustUnderstand="1">{transaction}</mm7:TransactionID>
</env:Header>
<env:Body>
{operation}</env:Body>
</env:Envelope>
"""


SUBMIT_XML = envelope(f"""\
<mm7:SubmitReq xmlns:mm7="{MM7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:SenderIdentification>
<mm7:VASPID>acme</mm7:VASPID>
<mm7:VASID>news</mm7:VASID>
<mm7:SenderAddress><mm7:ShortCode>72550</mm7:ShortCode></mm7:SenderAddress>
</mm7:SenderIdentification>
<mm7:Recipients>
<mm7:To><mm7:Number>+12025550101</mm7:Number></mm7:To>
<mm7:Cc><mm7:RFC2822Address>reader@news.example</mm7:RFC2822Address></mm7:Cc>
</mm7:Recipients>
<mm7:MessageClass>Informational</mm7:MessageClass>
<mm7:TimeStamp>2030-01-02T09:30:47Z</mm7:TimeStamp>
<mm7:DeliveryReport>true</mm7:DeliveryReport>
<mm7:Priority>Normal</mm7:Priority>
<mm7:Subject>\u4e2d\u6587 \u0394</mm7:Subject>
<mm7:Content href="cid:content@acme.example"/>
</mm7:SubmitReq>
""")
SMIL = crlf('<smil><body><par><img src="dot.gif"/><text src="text.txt"/></par></body></smil>\n')
TEXT = crlf("Gr\u00fc\u00dfe aus \u4e2d\u6587.\nEnde.\n")
#: With all that framing is made of.
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\r\n--mm7_\r\n\r\n\n\r--\x1b,;\xfe\xff"

ROOT_HEADERS = ('Content-Type: text/xml; charset="utf-8"', "Content-ID: <soap@acme.example>")
STORY_HEADERS = (
    'Content-Type: multipart/related; type="application/smil"; start="<show.smil>"; boundary="mm7_story"',
    "Content-ID: <content@acme.example>",
)
SMIL_HEADERS = ('Content-Type: application/smil; charset="utf-8"', "Content-ID: <show.smil>")
TEXT_HEADERS = (
    'Content-Type: text/plain; charset="utf-8"',
    "Content-ID: <text>",
    "Content-Location: text.txt",
)
GIF_HEADERS = ("Content-Type: image/gif", "Content-ID: <dot>", "Content-Location: dot.gif")

#: The regular message line by line: what kind of line end follows, and what it holds.
LINES: list[tuple[str, bytes]] = []


def _add(delimiter: str, headers: Iterable[str] = (), octets: bytes | None = None) -> None:
    LINES.append(("delimiter", delimiter.encode()))
    LINES.extend(("header", line.encode()) for line in headers)
    if headers:
        LINES.append(("header", b""))
    if octets is not None:
        LINES.append(("data", octets))


_add("--mm7_outer", ROOT_HEADERS, crlf(SUBMIT_XML))
_add("--mm7_outer", STORY_HEADERS)
_add("--mm7_story", SMIL_HEADERS, SMIL)
_add("--mm7_story", TEXT_HEADERS, TEXT)
_add("--mm7_story", GIF_HEADERS, GIF)
_add("--mm7_story--")
_add("--mm7_outer--")

SUBMIT_TYPE = 'multipart/related; boundary="mm7_outer"; type="text/xml"; start="<soap@acme.example>"'


def with_ends(delimiter: bytes = b"\r\n", header: bytes = b"\r\n", data: bytes = b"\r\n") -> Message:
    """The regular message with these behind delimiters, behind the lines of headers, and behind what a part holds."""
    ends = {"delimiter": delimiter, "header": header, "data": data}
    return Message(SUBMIT_TYPE, b"".join(octets + ends[kind] for kind, octets in LINES))


def with_mixed_ends(*ends: bytes) -> Message:
    """The regular message with these at the ends of its lines by turns."""
    return Message(SUBMIT_TYPE, b"".join(octets + end for (_, octets), end in zip(LINES, cycle(ends), strict=False)))


SUBMIT = with_ends()
#: Its content.
STORY_PART = SUBMIT.body.split(b"--mm7_outer")[2].removeprefix(b"\r\n").removesuffix(b"\r\n")


def headers(*lines: str) -> tuple[tuple[str, str], ...]:
    """Header lines as they are read: names in title case."""
    return tuple((name.title(), value) for name, _, value in (line.partition(": ") for line in lines))


SMIL_PIECE = Piece(headers(*SMIL_HEADERS), SMIL)
TEXT_PIECE = Piece(headers(*TEXT_HEADERS), TEXT, TEXT.decode())
GIF_PIECE = Piece(headers(*GIF_HEADERS), GIF)


def story(
    smil: Piece = SMIL_PIECE,
    text: Piece = TEXT_PIECE,
    gif: Piece = GIF_PIECE,
    *more: Piece,
    head: Sequence[str] = STORY_HEADERS,
) -> Piece:
    """The content of the regular message with other parts or headers."""
    return Piece(headers(*head), parts=(smil, text, gif, *more))


SUBMITTED = Parse(
    "tid-4711",
    SubmitReq(
        mm7_version="6.8.0",
        sender_identification=SenderIdentification(
            vasp_id="acme", vas_id="news", sender_address=Address("72550", AddressKind.SHORT_CODE)
        ),
        recipients=Recipients(to=(Address("+12025550101"),), cc=(Address("reader@news.example", AddressKind.RFC2822),)),
        message_class=MessageClass.INFORMATIONAL,
        time_stamp=datetime(2030, 1, 2, 9, 30, 47, tzinfo=timezone.utc),
        delivery_report=True,
        priority=Priority.NORMAL,
        subject="\u4e2d\u6587 \u0394",
        content=Content(href="cid:content@acme.example"),
    ),
    story(),
)


def submitted(piece: Piece | None = None, *attachments: Piece, **fields: Any) -> Parse:
    """The regular message with other content, other parts beside it, other values."""
    return SUBMITTED.but(**fields)._replace(content=piece or SUBMITTED.content, attachments=attachments)


def part(lines: Iterable[str], octets: bytes) -> bytes:
    return b"".join(line.encode() + b"\r\n" for line in lines) + b"\r\n" + octets


def multipart(*parts: bytes, boundary: bytes = b"mm7_outer") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in parts) + b"--" + boundary + b"--\r\n"


def package(*parts: bytes, xml: str = SUBMIT_XML, content_type: str = SUBMIT_TYPE) -> Message:
    """An envelope with these parts."""
    return Message(content_type, multipart(part(ROOT_HEADERS, crlf(xml)), *parts))


PICTURE_HEADERS = ("Content-Type: image/gif", "Content-ID: <content@acme.example>")
PICTURE = Piece(headers(*PICTURE_HEADERS), GIF)
#: The same message with a picture for its content.
SUBMIT_PICTURE = package(part(PICTURE_HEADERS, GIF))


def submitted_picture(*lines: str, **fields: Any) -> Parse:
    """The message with the picture, which has these headers."""
    return submitted(Piece(headers(*(lines or PICTURE_HEADERS)), GIF), **fields)


def text_part(octets: bytes, *lines: str) -> Message:
    """The regular message with another text in it, and other headers there."""
    return SUBMIT.swap(part(TEXT_HEADERS, TEXT), part(lines or TEXT_HEADERS, octets))


def dot(octets: bytes, *lines: bytes) -> Message:
    """The regular message with another picture in it, and other headers there."""
    written = b"".join(line + b"\r\n" for line in lines) + b"\r\n" + octets if lines else part(GIF_HEADERS, octets)
    return SUBMIT.swap(part(GIF_HEADERS, GIF), written)


def submitted_dot(octets: bytes, *lines: str, filename: str | None = None) -> Parse:
    return submitted(story(gif=Piece(headers(*(lines or GIF_HEADERS)), octets, filename=filename)))


def named(header: str, filename: str, octets: bytes | None = None) -> tuple[Message, Parse]:
    """The regular message whose picture has a header that names it, as these bytes; and what it is read as."""
    lines = [GIF_HEADERS[0], header, *GIF_HEADERS[1:]]
    if header.startswith("Content-Type"):
        del lines[0]
    written = [octets if line is header and octets is not None else line.encode() for line in lines]
    return dot(GIF, *written), submitted_dot(GIF, *lines, filename=filename)


def submitted_text(octets: bytes, text: str, *lines: str) -> Parse:
    return submitted(story(text=Piece(headers(*(lines or TEXT_HEADERS)), octets, text)))


#: The message with a text for its content, all of it in ASCII.
ASCII_XML = SUBMIT_XML.replace("\u4e2d\u6587 \u0394", "Moon")
ASCII_HEADERS = ("Content-Type: text/plain", "Content-ID: <content@acme.example>")
ASCII_NOTE = package(part(ASCII_HEADERS, b"Bring the keys."), xml=ASCII_XML)


DATE = "Date: Mon, 30 Nov 2026 21:29:33 +0000 (UTC)\r\n\r\n"


def axis(left: int, *, saved: bool = False) -> Message:
    """The message with the picture as Axis sends it: its Content-Length is short by the Date header.

    ``left`` bytes are left of the close delimiter, or so many are missing of the picture. Where a program calls
    ``saveChanges()``, the Content-Type gives another boundary.
    """
    missing = len(DATE) - len("\r\n")
    boundary = "mm7_" + "o" * (missing + left - len("\r\n--mm7_--\r\n"))
    whole = SUBMIT_PICTURE.body.replace(b"mm7_outer", boundary.encode())
    message = Message(SUBMIT_TYPE.replace("mm7_outer", boundary), DATE.encode() + whole[:-missing])
    return message.retyped(boundary, "mm7_other") if saved else message


def ascii_note(text: str) -> Parse:
    return submitted(Piece(headers(*ASCII_HEADERS), text.encode(), text), subject="Moon")


#: The message with the picture in base64, which ends in padding.
PADDED_HEADERS = (*PICTURE_HEADERS, "Content-Transfer-Encoding: base64")
PADDED_PICTURE = package(part(PADDED_HEADERS, base64.encodebytes(GIF).strip()))


def text_message(text: str, charset: str = "utf-8") -> Message:
    """The message with a text in that character set for its content, cut off where its characters are counted."""
    lines = (f"Content-Type: text/plain; charset={charset}", "Content-ID: <content@acme.example>")
    whole = multipart(part(ROOT_HEADERS, crlf(ASCII_XML)), part(lines, text.encode(charset)))
    return Message(SUBMIT_TYPE, whole[: len(whole.decode(charset))])


def bare(xml: str, content_type: str = 'text/xml; charset="utf-8"') -> Message:
    """A message without content."""
    return Message(content_type, crlf(xml))


CANCEL = bare(
    envelope(f"""\
<mm7:CancelReq xmlns:mm7="{MM7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:SenderIdentification>
<mm7:VASPID>acme</mm7:VASPID>
<mm7:VASID>news</mm7:VASID>
</mm7:SenderIdentification>
<mm7:MessageID>m-0815</mm7:MessageID>
</mm7:CancelReq>
""")
)
CANCELLED = Parse(
    "tid-4711",
    CancelReq(
        mm7_version="6.8.0",
        sender_identification=SenderIdentification(vasp_id="acme", vas_id="news"),
        message_id="m-0815",
    ),
)

REPLACE_XML = envelope(f"""\
<mm7:ReplaceReq xmlns:mm7="{MM7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:SenderIdentification>
<mm7:VASPID>acme</mm7:VASPID>
<mm7:VASID>news</mm7:VASID>
</mm7:SenderIdentification>
<mm7:MessageID>m-0815</mm7:MessageID>
<mm7:Content href="cid:content@acme.example"/>
</mm7:ReplaceReq>
""")
REPLACE = package(part(PICTURE_HEADERS, GIF), xml=REPLACE_XML)
REPLACED = Parse(
    "tid-4711",
    ReplaceReq(
        mm7_version="6.8.0",
        sender_identification=SenderIdentification(vasp_id="acme", vas_id="news"),
        message_id="m-0815",
        content=Content(href="cid:content@acme.example"),
    ),
    PICTURE,
)

DELIVER_XML = envelope(f"""\
<mm7:DeliverReq xmlns:mm7="{MM7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:MMSRelayServerID>mmsc.operator.example</mm7:MMSRelayServerID>
<mm7:VASPID>acme</mm7:VASPID>
<mm7:VASID>news</mm7:VASID>
<mm7:LinkedID>m-0815</mm7:LinkedID>
<mm7:Sender><mm7:Number>+12025550101</mm7:Number></mm7:Sender>
<mm7:TimeStamp>2030-01-02T09:30:47Z</mm7:TimeStamp>
<mm7:Subject>Moon</mm7:Subject>
<mm7:Content href="cid:content@acme.example"/>
</mm7:DeliverReq>
""")
DELIVER = package(part(PICTURE_HEADERS, GIF), xml=DELIVER_XML)
DELIVERED = Parse(
    "tid-4711",
    DeliverReq(
        mm7_version="6.8.0",
        mms_relay_server_id="mmsc.operator.example",
        vasp_id="acme",
        vas_id="news",
        linked_id="m-0815",
        sender=Address("+12025550101"),
        time_stamp=datetime(2030, 1, 2, 9, 30, 47, tzinfo=timezone.utc),
        subject="Moon",
        content=Content(href="cid:content@acme.example"),
    ),
    PICTURE,
)

REPORT = bare(
    envelope(f"""\
<mm7:DeliveryReportReq xmlns:mm7="{MM7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:MMSRelayServerID>mmsc.operator.example</mm7:MMSRelayServerID>
<mm7:MessageID>m-0815</mm7:MessageID>
<mm7:Recipient><mm7:Number>+12025550101</mm7:Number></mm7:Recipient>
<mm7:Sender><mm7:ShortCode>72550</mm7:ShortCode></mm7:Sender>
<mm7:Date>2030-01-02T09:30:47Z</mm7:Date>
<mm7:MMStatus>Retrieved</mm7:MMStatus>
</mm7:DeliveryReportReq>
""")
)
REPORTED = Parse(
    "tid-4711",
    DeliveryReportReq(
        mm7_version="6.8.0",
        mms_relay_server_id="mmsc.operator.example",
        message_id="m-0815",
        recipient=Address("+12025550101"),
        sender=Address("72550", AddressKind.SHORT_CODE),
        date=datetime(2030, 1, 2, 9, 30, 47, tzinfo=timezone.utc),
        mm_status=DeliveryStatus.RETRIEVED,
    ),
)

SUBMIT_RSP = bare(
    envelope(f"""\
<mm7:SubmitRsp xmlns:mm7="{MM7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:Status>
<mm7:StatusCode>1000</mm7:StatusCode>
<mm7:StatusText>Success</mm7:StatusText>
</mm7:Status>
<mm7:MessageID>m-0815</mm7:MessageID>
</mm7:SubmitRsp>
""")
)
SUBMIT_ANSWERED = Parse(
    "tid-4711",
    SubmitRsp(
        mm7_version="6.8.0",
        status=Status(status_code=StatusCode.SUCCESS, status_text="Success"),
        message_id="m-0815",
    ),
)

DELIVER_RSP = bare(
    envelope(f"""\
<mm7:DeliverRsp xmlns:mm7="{MM7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:Status>
<mm7:StatusCode>1000</mm7:StatusCode>
<mm7:StatusText>Success</mm7:StatusText>
</mm7:Status>
<mm7:ServiceCode>news-daily</mm7:ServiceCode>
</mm7:DeliverRsp>
""")
)
DELIVER_ANSWERED = Parse(
    "tid-4711",
    DeliverRsp(
        mm7_version="6.8.0",
        status=Status(status_code=StatusCode.SUCCESS, status_text="Success"),
        service_code="news-daily",
    ),
)

ERROR_XML = f"""\
<mm7:RSErrorRsp xmlns:mm7="{MM7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:Status>
<mm7:StatusCode>2003</mm7:StatusCode>
<mm7:StatusText>Address Not Found</mm7:StatusText>
</mm7:Status>
</mm7:RSErrorRsp>
"""
FAULT = bare(
    envelope(f"""\
<env:Fault>
<faultcode>env:Client</faultcode>
<faultstring>Address Not Found</faultstring>
<detail>
{ERROR_XML}</detail>
</env:Fault>
""")
)
ERROR = RSErrorRsp(
    mm7_version="6.8.0",
    status=Status(status_code=StatusCode.ADDRESS_NOT_FOUND, status_text="Address Not Found"),
)
FAULT_ANSWERED = Parse("tid-4711", Fault(faultcode="Client", faultstring="Address Not Found", error=ERROR))

#: The messages that all others are made from, with what each is read as; the last ones are answers.
REGULAR: dict[str, tuple[Message, Parse]] = {
    "SubmitReq": (SUBMIT, SUBMITTED),
    "SubmitReq of a picture": (SUBMIT_PICTURE, submitted_picture()),
    "DeliverReq": (DELIVER, DELIVERED),
    "CancelReq": (CANCEL, CANCELLED),
    "ReplaceReq": (REPLACE, REPLACED),
    "DeliveryReportReq": (REPORT, REPORTED),
}
REGULAR_ANSWERS: dict[str, tuple[Message, Parse]] = {
    "SubmitRsp": (SUBMIT_RSP, SUBMIT_ANSWERED),
    "DeliverRsp": (DELIVER_RSP, DELIVER_ANSWERED),
    "Fault": (FAULT, FAULT_ANSWERED),
}

CUT_OFF = "the body ends at its Content-Length of … bytes without the close delimiter; it may have been cut off"
UNREADABLE = "the multipart body cannot be read: "
INNER_UNREADABLE = "part <content@acme.example> cannot be read: "


# -- framing


def inner_boundary(boundary: str, delimiter: str | None = None) -> Message:
    """The regular message with another boundary inside; ``delimiter`` where it is not that with two hyphens."""
    written = "--" + boundary if delimiter is None else delimiter
    return SUBMIT.swap('boundary="mm7_story"', f'boundary="{boundary}"').swap("--mm7_story", written, times=4)


def submitted_with_inner(boundary: str) -> Parse:
    """What that is read as."""
    return submitted(story(head=(STORY_HEADERS[0].replace("mm7_story", boundary), STORY_HEADERS[1])))


def outer_boundary(boundary: str, delimiter: str | None = None) -> Message:
    """The regular message with another boundary."""
    written = "--" + boundary if delimiter is None else delimiter
    return SUBMIT.retyped("mm7_outer", boundary).swap("--mm7_outer", written, times=3)


def encoded_story(encoding: str, encode: Callable[[bytes], bytes]) -> Message:
    """The regular message with its content encoded as a whole."""
    before, empty_line, rest = SUBMIT.body.partition(b"Content-ID: <content@acme.example>\r\n")
    inside, delimiter, behind = rest.removeprefix(b"\r\n").rpartition(b"\r\n--mm7_outer--")
    header = f"Content-Transfer-Encoding: {encoding}\r\n\r\n".encode()
    return Message(SUBMIT_TYPE, before + empty_line + header + encode(inside) + delimiter + behind)


def in_quoted_printable(octets: bytes) -> bytes:
    """Every octet escaped, 20 to a line."""
    lines = (octets[place : place + 20] for place in range(0, len(octets), 20))
    return b"=\r\n".join(b"".join(b"=%02X" % octet for octet in line) for line in lines)


def with_trailing(octets: bytes) -> Parse:
    """The regular message whose parts have this at their ends."""
    return submitted(
        story(
            SMIL_PIECE._replace(data=SMIL + octets),
            TEXT_PIECE._replace(data=TEXT + octets, text=(TEXT + octets).decode()),
            GIF_PIECE._replace(data=GIF + octets),
        )
    )


def tower(levels: int) -> bytes:
    """A part of so many multiparts, each in the one before."""
    made = part(PICTURE_HEADERS, GIF)
    for level in range(levels):
        boundary = f"level-{level}-"
        made = part(
            [f'Content-Type: multipart/mixed; boundary="{boundary}"', PICTURE_HEADERS[1]],
            multipart(made, boundary=boundary.encode()),
        )
    return made


def _framing() -> list[Quirk]:
    text_head = part(TEXT_HEADERS, b"").decode()
    text_lines = text_head.removesuffix("\r\n")
    no_text = submitted(story(text=TEXT_PIECE._replace(data=b"", text="")))
    return [
        # line ends
        mended(
            "Lines of the framing end in a bare line feed, all of them",
            "line-ends",
            shown("line-ends"),
            "A delimiter is still alone on its line. What the parts hold keeps its line ends.",
            known="instantcom, vectorcore, Korean clients, as recorded",
            parse=SUBMITTED,
        ),
        mended(
            "Only the lines of delimiters, or only those of headers, end in a bare line feed",
            "line-ends",
            [with_ends(delimiter=b"\n"), with_ends(header=b"\n"), with_ends(data=b"\n")],
            "Every line end is judged by itself.",
            parse=SUBMITTED,
        ),
        mended(
            "Bare line feeds and CRLF by turns",
            "line-ends",
            [with_mixed_ends(b"\r\n", b"\n"), with_mixed_ends(b"\n", b"\r\n"), with_mixed_ends(b"\n", b"\n", b"\r\n")],
            "Every line end is judged by itself.",
            parse=SUBMITTED,
        ),
        mended(
            "Two carriage returns before each line feed of the framing",
            "line-ends",
            with_ends(b"\r\r\n", b"\r\r\n"),
            "CRLF went through a conversion of line ends once more.",
            parse=SUBMITTED,
        ),
        mended(
            "Two carriage returns before the line feed that ends a part as well",
            "line-ends",
            with_ends(b"\r\r\n", b"\r\r\n", b"\r\r\n"),
            "The line break before a delimiter is its last CRLF; the carriage return before that stays in the part.",
            parse=with_trailing(b"\r"),
        ),
        mended(
            "Much of it at once, as recordings have it",
            "line-ends delimiter-blanks close-missing headers-end-blank header-unindented boundary-missing",
            with_ends(b"\n", b"\n", b"\n")
            .retyped('boundary="mm7_outer"; ', "")
            .after("This is a multi-part message in MIME format.\n")
            .swap("--mm7_outer\n", "--mm7_outer \n", times=2)
            .swap("<soap@acme.example>\n\n<?xml", "<soap@acme.example>\n \n<?xml")
            .swap('; start="<show.smil>"; ', ';\nstart="<show.smil>";\n\t')
            .swap("\n--mm7_story--", ""),
            "Each is judged by itself.",
            known="Korean clients",
            parse=SUBMITTED,
        ),
        refused(
            "A message whose line breaks were lost",
            4004,
            UNREADABLE + "a line begins with the delimiter and goes on",
            Message(SUBMIT_TYPE, SUBMIT.body.replace(b"\r\n", b"")),
            "Where the headers end and the parts begin, nobody knows.",
            known="China Unicom's simulators",
        ),
        refused(
            "A bare carriage return in the headers of a part",
            4004,
            UNREADABLE + "a line of the part headers holds a bare carriage return",
            SUBMIT.swap("\r\nContent-ID: <soap@acme.example>", "\rContent-ID: <soap@acme.example>"),
            "It may end a line, or be a part of the value.",
        ),
        # blanks
        mended(
            "Blanks or a TAB behind a delimiter",
            "delimiter-blanks",
            [
                shown("delimiter-blanks"),
                SUBMIT.swap("--mm7_outer\r\n", "--mm7_outer\t\r\n", times=2),
                SUBMIT.swap("--mm7_outer\r\n", "--mm7_outer  \t \r\n", times=2).swap(
                    "--mm7_outer--", "--mm7_outer-- \t"
                ),
            ],
            "RFC 2046 tells receivers to bear what gateways add.",
            known="the examples of TS 23.140 as instantcom has them",
            parse=SUBMITTED,
        ),
        mended(
            "Blanks or a TAB behind a delimiter inside the content",
            "delimiter-blanks",
            [
                SUBMIT.swap("--mm7_story\r\n", "--mm7_story  \r\n", times=3),
                SUBMIT.swap("--mm7_story\r\n", "--mm7_story\t\r\n", times=3),
            ],
            "RFC 2046 tells receivers to bear what gateways add.",
            parse=SUBMITTED,
            inner=True,
        ),
        mended(
            "Blanks or a TAB behind the close delimiter alone",
            "delimiter-blanks",
            [SUBMIT.swap("--mm7_outer--", "--mm7_outer--  "), SUBMIT.swap("--mm7_outer--", "--mm7_outer--\t")],
            "RFC 2046 tells receivers to bear what gateways add.",
            parse=SUBMITTED,
        ),
        # before and behind
        accepted(
            "Text before the first delimiter",
            [
                SUBMIT.after("This is a multi-part message in MIME format.\r\n"),
                SUBMIT.after("This is a multi-part\nmessage in MIME format.\n\r\n"),
            ],
            "RFC 2046 allows a preamble, which nobody reads.",
            known="SOAP::Lite, China Mobile",
            parse=SUBMITTED,
        ),
        accepted(
            "A MIME header and an empty line before the first delimiter",
            SUBMIT.after("Date: Wed, 02 Jan 2030 09:30:47 GMT\r\nMime-Version: 1.0\r\n\r\n"),
            "It is a preamble like any other.",
            known="Axis",
            parse=SUBMITTED,
        ),
        accepted(
            "An empty line before the first delimiter",
            [SUBMIT.after("\r\n"), SUBMIT.after("\r\n\r\n")],
            "It is a preamble like any other.",
            known="mbuni",
            parse=SUBMITTED,
        ),
        mended(
            "A bare line feed before the first delimiter",
            "line-ends",
            [SUBMIT.after("\n"), SUBMIT.after("Date: today\n\n")],
            "The delimiter is still at the beginning of a line.",
            parse=SUBMITTED,
        ),
        accepted(
            "Text before the first delimiter that names the boundary in mid-line",
            [
                SUBMIT.after("The boundary is --mm7_outer here.\r\n"),
                SUBMIT.after(" --mm7_outer\r\nboundary=mm7_outer\r\n"),
            ],
            "A delimiter is at the beginning of a line, so this is none.",
            parse=SUBMITTED,
        ),
        accepted(
            "Text in the lines behind the close delimiter",
            [SUBMIT.then("The end.\r\n"), SUBMIT.then("\r\n\r\n"), SUBMIT.then("see --mm7_outer\r\n")],
            "RFC 2046 allows an epilogue, which nobody reads.",
            parse=SUBMITTED,
        ),
        mended(
            "No line break before the close delimiter at the end",
            "close-inline",
            [
                shown("close-inline"),
                SUBMIT.swap("\r\n--mm7_outer--\r\n", "--mm7_outer--"),
            ],
            "Nothing comes behind it, so it can mean nothing else.",
            parse=SUBMITTED,
        ),
        mended(
            "Two Content-Type, or two Content-Transfer-Encoding, in one part that say different things",
            "header-repeated",
            shown("header-repeated"),
            "The first counts, as in all readers that are known.",
            parse=submitted(
                story(
                    gif=GIF_PIECE._replace(headers=headers(GIF_HEADERS[0], "Content-Type: image/png", *GIF_HEADERS[1:]))
                )
            ),
        ),
        mended(
            "A byte order mark before the first delimiter",
            "byte-order-mark",
            shown("byte-order-mark"),
            "It is not seen, and counts for nothing.",
            parse=SUBMITTED,
        ),
        refused(
            "Text in the line of the close delimiter",
            4004,
            UNREADABLE + "a line inside a part begins with the delimiter and goes on",
            SUBMIT.swap("--mm7_outer--\r\n", "--mm7_outer-- The end.\r\n"),
            "It may be the end, or a line of the content that begins alike.",
        ),
        refused(
            "A line inside a part that begins with the delimiter and goes on",
            4004,
            UNREADABLE + "a line inside a part begins with the delimiter and goes on",
            [
                SUBMIT.swap("--mm7_outer\r\nContent-Type: multipart", "--mm7_outer1\r\nContent-Type: multipart"),
                SUBMIT.swap(TEXT, b"first\r\n--mm7_outer x\r\nlast"),
            ],
            "It may be a delimiter, or a line of the part.",
        ),
        refused(
            "A first line that begins with the delimiter and goes on",
            4004,
            UNREADABLE + "a line begins with the delimiter and goes on",
            SUBMIT.swap("--mm7_outer\r\nContent-Type: text", "--mm7_outer Content-Type: text"),
            "It may be a delimiter, or a line of the preamble.",
        ),
        # the close delimiter
        mended(
            "No close delimiter at the end, and the multipart in the content is closed",
            "close-missing",
            [shown("close-missing"), SUBMIT.cut("--mm7_story--")],
            "The content closes itself, so nothing of it is missing.",
            known="Axis 2",
            parse=SUBMITTED,
        ),
        mended(
            "No close delimiter inside the content",
            "close-missing",
            SUBMIT.swap("\r\n--mm7_story--", ""),
            "The last part goes to the delimiter around it.",
            known="LG Telecom, Axis 2",
            parse=SUBMITTED,
            inner=True,
        ),
        mended(
            "No close delimiter after a binary part",
            "close-missing",
            SUBMIT_PICTURE.cut(GIF),
            "No sender counts a body in characters that is no text, so its Content-Length shows the end.",
            parse=submitted_picture(),
        ),
        mended(
            "No close delimiter, and all of the body is ASCII",
            "close-missing",
            ASCII_NOTE.cut("Bring the keys."),
            "A body in ASCII has as many characters as bytes, so its Content-Length shows the end.",
            parse=ascii_note("Bring the keys."),
        ),
        mended(
            "A Content-Length that is short by the Date header before the first delimiter, and leaves nothing or the "
            "beginning of the close delimiter",
            "close-missing",
            [axis(0), axis(1), axis(2), axis(3)],
            "The header tells how many bytes are missing. They are of the close delimiter alone; what is left of it is "
            "none of the part's.",
            known="Axis 1.4",
            parse=submitted_picture(),
        ),
        refused(
            "The same, where the header is longer than the close delimiter",
            4004,
            CUT_OFF,
            [axis(-1), axis(-8), axis(-8, saved=True)],
            "The end of the last part is missing.",
            known="Axis 1.4, in some time zones and from the tenth of a month on",
        ),
        mended(
            "No close delimiter after base64 that ends in padding",
            "close-missing",
            [PADDED_PICTURE.cut("/v8="), PADDED_PICTURE.cut("/v8=\r\n")],
            "Padding ends base64, so nothing of it is missing.",
            parse=submitted_picture(*PADDED_HEADERS),
        ),
        refused(
            "No close delimiter after base64 without padding",
            4004,
            CUT_OFF,
            [PADDED_PICTURE.cut(after) for after in ("/v8", "/v", "R0lG")],
            "Base64 without padding does not show where it ends, and may have been cut off.",
            known="China Mobile's client, whose Content-Length counts characters",
        ),
        refused(
            "A Content-Length in characters, which cuts off the end of a text in UTF-8 or in its own character set",
            4004,
            CUT_OFF,
            [
                text_message("\u4e2d\u6587" * 40),
                text_message("\u0391" * 40 + " 48291"),
                text_message("\u4e2d\u6587" * 40, "gb18030"),
            ],
            "The close delimiter goes first, and the end of the last part with it.",
            known="China Mobile's client and other SOAP clients",
        ),
        refused(
            "No close delimiter, neither inside nor outside",
            4004,
            CUT_OFF,
            [SUBMIT.cut(GIF), SUBMIT.cut(GIF).then("\r\n"), SUBMIT.cut(TEXT), SUBMIT.cut(TEXT[:9])],
            "Senders are known to lose the last close delimiter. Where two are missing, parts may be missing, too.",
            known="LG Telecom",
        ),
        mended(
            "A close delimiter cut to one hyphen by a wrong Content-Length",
            "close-missing",
            SUBMIT.cut("--mm7_outer-"),
            "All that is missing is a hyphen.",
            parse=SUBMITTED,
        ),
        mended(
            "A last delimiter without the two hyphens that close",
            "close-missing",
            [SUBMIT.cut("--mm7_outer"), SUBMIT.swap("--mm7_outer--\r\n", "--mm7_outer\r\n")],
            "Nothing comes behind it, so no part begins there.",
            parse=SUBMITTED,
        ),
        mended(
            "A last delimiter inside the content without the two hyphens that close",
            "close-missing",
            SUBMIT.swap("--mm7_story--\r\n", "--mm7_story\r\n"),
            "Nothing comes behind it but the delimiter around it, so no part begins there.",
            parse=SUBMITTED,
            inner=True,
        ),
        mended(
            "The close delimiter inside the content twice",
            "close-repeated",
            SUBMIT.swap("--mm7_story--\r\n", "--mm7_story--\r\n--mm7_story--\r\n"),
            "Nothing is between the two.",
            parse=SUBMITTED,
            inner=True,
        ),
        mended(
            "The close delimiter twice",
            "close-repeated",
            [shown("close-repeated"), SUBMIT.then("\r\n--mm7_outer--")],
            "Nothing is between the two.",
            parse=SUBMITTED,
        ),
        mended(
            "A dash for the two hyphens that close",
            "close-dash",
            [shown("close-dash"), SUBMIT.swap(b"--mm7_outer--", b"--mm7_outer\x97")],
            "A word processor made one of two. Only the end of the message can be meant.",
            known="KTF",
            parse=SUBMITTED,
        ),
        refused(
            "A delimiter behind the close delimiter",
            4004,
            UNREADABLE + "there is a delimiter behind the close delimiter",
            [
                SUBMIT.then(multipart(part(TEXT_HEADERS, TEXT))),
                SUBMIT.then("The end.\r\n--mm7_outer--\r\n"),
                SUBMIT.swap(
                    "--mm7_outer\r\nContent-Type: multipart",
                    "--mm7_outer--\r\n\r\n--mm7_outer\r\nContent-Type: multipart",
                ),
            ],
            "The message may end at the first close delimiter, or there may be parts behind it.",
        ),
        refused(
            "Text, and then the close delimiter, and nothing else",
            4004,
            UNREADABLE + "the close delimiter comes first, and there is text before it",
            Message(SUBMIT_TYPE, crlf(SUBMIT_XML) + b"--mm7_outer--\r\n"),
            "The text may be a preamble, or a part whose delimiter is missing.",
        ),
        # what a part is made of
        mended(
            "A part that ends with its headers, without an empty line",
            "part-bodyless",
            shown("part-bodyless"),
            "It is empty.",
            parse=no_text,
            inner=True,
        ),
        mended(
            "A part that ends with its headers and one empty line",
            "part-bodyless",
            SUBMIT.swap(text_head + TEXT.decode(), text_lines),
            "It is empty: the empty line is the line break that belongs to the delimiter.",
            parse=no_text,
            inner=True,
        ),
        accepted(
            "A part without headers",
            SUBMIT.swap(text_head, "\r\n"),
            "RFC 2046 allows it: the part is text.",
            parse=submitted(story(text=TEXT_PIECE._replace(headers=()))),
        ),
        mended(
            "A SOAP part without headers, but with the empty line",
            "soap-part-type",
            SUBMIT.swap(part(ROOT_HEADERS, b""), "\r\n").retyped('; start="<soap@acme.example>"', ""),
            "The first part is the SOAP part, whatever it says it is.",
            parse=SUBMITTED,
        ),
        mended(
            "A SOAP part without headers and without the empty line",
            "headers-unended soap-part-type",
            SUBMIT.swap(part(ROOT_HEADERS, b""), "").retyped('; start="<soap@acme.example>"', ""),
            "A line that begins with `<` is no header.",
            parse=SUBMITTED,
        ),
        mended(
            "No empty line between the headers and the XML",
            "headers-unended",
            shown("headers-unended"),
            "A line that begins with `<` is no header.",
            known="KTF, Skycore, China Mobile",
            parse=SUBMITTED,
        ),
        mended(
            "No empty line between the headers and a text",
            "headers-unended",
            SUBMIT.swap(b"text.txt\r\n\r\nGr", b"text.txt\r\nGr"),
            "The first line without a name and a colon is no header, and no empty line follows.",
            parse=SUBMITTED,
            inner=True,
        ),
        refused(
            "No empty line between the headers and a text that begins like a header, or is indented",
            2004,
            INNER_UNREADABLE + "\u2026",
            [
                SUBMIT.swap(b"text.txt\r\n\r\nGr", b"text.txt\r\nNote: Gr"),
                SUBMIT.swap(b"text.txt\r\n\r\nGr", b"text.txt\r\n Gr"),
            ],
            "The line may be a header, or the first line of the text.",
        ),
        refused(
            "A line without a colon among the headers, and an empty line behind",
            4004,
            UNREADABLE + "a line of the part headers has no colon, and may be the first line of the part",
            SUBMIT.swap("\r\nContent-ID: <soap@acme.example>", "\r\nhello\r\nContent-ID: <soap@acme.example>"),
            "The part may begin at that line, or at the empty one.",
        ),
        mended(
            "A blank in the empty line behind the headers",
            "headers-end-blank",
            [
                shown("headers-end-blank"),
                SUBMIT.swap("<soap@acme.example>\r\n\r\n<?xml", "<soap@acme.example>\r\n\t \r\n<?xml"),
            ],
            "What follows can be no header.",
            known="Optus",
            parse=SUBMITTED,
        ),
        refused(
            "A line of blanks among the headers",
            4004,
            UNREADABLE + "a line of the part headers holds nothing but blanks",
            SUBMIT.swap("\r\nContent-ID: <soap@acme.example>", "\r\n \r\nContent-ID: <soap@acme.example>"),
            "It may go on with the header before it, or end the headers.",
        ),
        accepted(
            "A header folded with a TAB or a blank",
            [
                SUBMIT.swap('; start="<show.smil>"; ', ';\r\n\tstart="<show.smil>";\r\n\t'),
                SUBMIT.swap('; start="<show.smil>"; ', ';\r\n start="<show.smil>";\r\n '),
            ],
            "RFC 5322 allows both.",
            known="Axis",
            parse=SUBMITTED,
        ),
        mended(
            "A header that goes on in a line that is not indented, behind a semicolon",
            "header-unindented",
            shown("header-unindented"),
            "Behind a semicolon, a parameter is meant.",
            known="SKT",
            parse=SUBMITTED,
        ),
        mended(
            "A header that goes on in a line that is not indented and begins with a semicolon",
            "header-unindented",
            SUBMIT.swap('; start="<show.smil>"; ', '\r\n; start="<show.smil>"\r\n; '),
            "No header begins with a semicolon, and behind it a parameter is meant.",
            parse=submitted(story(head=(re.sub("; (?=start|boundary)", " ; ", STORY_HEADERS[0]), STORY_HEADERS[1]))),
        ),
        refused(
            "A first header that is indented",
            4004,
            UNREADABLE + "the first line of the part headers is indented",
            SUBMIT.swap("--mm7_outer\r\nContent-Type: text/xml", "--mm7_outer\r\n Content-Type: text/xml"),
            "It goes on with a header that is not there.",
        ),
        accepted(
            "Names of headers in small letters or in capitals",
            [
                SUBMIT.swap("Content-Type", "content-type", times=5).swap("Content-ID", "content-id", times=5),
                SUBMIT.swap("Content-Type", "CONTENT-TYPE", times=5).swap("Content-ID", "CONTENT-ID", times=5),
            ],
            "Names of headers have no case.",
            known="Axis",
            parse=SUBMITTED,
        ),
        mended(
            "A dot, or another character, in the name of a header",
            "header-name",
            [
                shown("header-name"),
                SUBMIT.swap("\r\nContent-ID: <dot>", "\r\nX.Acme.Id : 1\r\nContent-ID: <dot>"),
            ],
            "RFC 5322 allows it; the parser for forms does not. The header is kept.",
            parse=submitted(
                story(gif=GIF_PIECE._replace(headers=headers(GIF_HEADERS[0], "X.Acme.Id: 1", *GIF_HEADERS[1:])))
            ),
            inner=True,
        ),
        accepted(
            "A blank before the colon of a header",
            SUBMIT.swap("Content-ID: <content@", "Content-ID : <content@"),
            "RFC 5322 tells receivers to bear it.",
            parse=SUBMITTED,
        ),
        accepted(
            "A Content-Length of a part that is wrong",
            [
                SUBMIT.swap("\r\nContent-ID: <dot>", "\r\nContent-Length: 3\r\nContent-ID: <dot>"),
            ],
            "RFC 2046 frames by delimiters alone.",
            parse=submitted(
                story(gif=GIF_PIECE._replace(headers=headers(GIF_HEADERS[0], "Content-Length: 3", *GIF_HEADERS[1:])))
            ),
        ),
        mended(
            "A Content-Length of a part that is no number",
            "part-length",
            shown("part-length"),
            "RFC 2046 frames by delimiters alone.",
            parse=submitted(
                story(gif=GIF_PIECE._replace(headers=headers(GIF_HEADERS[0], "Content-Length: -1", *GIF_HEADERS[1:])))
            ),
            inner=True,
        ),
        mended(
            "A Content-Length of a part that is there twice",
            "part-length",
            SUBMIT.swap("\r\nContent-ID: <dot>", "\r\nContent-Length: 3\r\nContent-Length: 4\r\nContent-ID: <dot>"),
            "RFC 2046 frames by delimiters alone.",
            parse=submitted(
                story(
                    gif=GIF_PIECE._replace(
                        headers=headers(GIF_HEADERS[0], "Content-Length: 3", "Content-Length: 4", *GIF_HEADERS[1:])
                    )
                )
            ),
            inner=True,
        ),
        # the boundary
        mended(
            "No boundary parameter, or an empty one",
            "boundary-missing",
            [shown("boundary-missing"), SUBMIT.retyped('"mm7_outer"', '""')],
            "The first delimiter names it, and the close delimiter at the end says that it does.",
            parse=SUBMITTED,
        ),
        mended(
            "No boundary parameter inside the content",
            "boundary-missing",
            SUBMIT.swap('; boundary="mm7_story"', ""),
            "The first delimiter names it, and the close delimiter at the end says that it does.",
            parse=submitted(story(head=(STORY_HEADERS[0].removesuffix('; boundary="mm7_story"'), STORY_HEADERS[1]))),
            inner=True,
        ),
        mended(
            "A boundary parameter that is not the boundary of the body",
            "boundary-wrong",
            [
                shown("boundary-wrong"),
                SUBMIT.retyped('"mm7_outer"', "'mm7_outer'"),
                SUBMIT.retyped('"mm7_outer"', '"mm7_outer'),
                SUBMIT.retyped('"mm7_outer"', '" mm7_outer "'),
            ],
            "The first delimiter names it, and the close delimiter at the end says that it does.",
            parse=SUBMITTED,
        ),
        mended(
            "A boundary parameter that is not the boundary of the body, which has header lines before the first "
            "delimiter and no close delimiter",
            "boundary-wrong close-missing",
            [
                axis(0, saved=True),
                axis(2, saved=True),
                axis(0, saved=True).swap(DATE, "\r\n"),
                axis(0, saved=True).swap(DATE, "X-Acme: 1,\r\n 2\r\nMIME-Version: 1.0\r\n\r\n"),
            ],
            "Header lines are no part. The delimiter is there before each part, and headers follow it.",
            known="Axis 1.4, in programs that call saveChanges()",
            parse=submitted_picture(),
        ),
        refused(
            "The same with a text before the first delimiter, or a line of text after one",
            4004,
            UNREADABLE + "no line begins with the delimiter that the boundary parameter gives",
            [
                axis(0, saved=True).swap(DATE, "A text.\r\n\r\n"),
                axis(0, saved=True).swap(DATE, DATE + "A: text.\r\n\r\n"),
                axis(0, saved=True).swap("Content-Type: image/gif\r\n", "An image\r\nContent-Type: image/gif\r\n"),
            ],
            "The text may be a part, and the delimiter a line of it.",
        ),
        mended(
            "A boundary parameter in other capitals",
            "boundary-wrong",
            SUBMIT.retyped("mm7_outer", "MM7_Outer"),
            "Boundaries differ in capitals, so it is a wrong one. The first delimiter names the right one.",
            parse=SUBMITTED,
        ),
        mended(
            "The two hyphens of the delimiter in the boundary parameter",
            "delimiter-hyphens",
            SUBMIT.retyped("mm7_outer", "--mm7_outer"),
            "But for hyphens, the delimiters are what the parameter says.",
            parse=SUBMITTED,
        ),
        mended(
            "Delimiters with more hyphens than two",
            "delimiter-hyphens",
            [
                shown("delimiter-hyphens"),
                SUBMIT.swap("--mm7_outer\r\n", "----mm7_outer\r\n", times=2),
            ],
            "But for hyphens, the delimiters are what the parameter says.",
            known="China Mobile",
            parse=SUBMITTED,
        ),
        mended(
            "Delimiters inside the content with more hyphens than two",
            "delimiter-hyphens",
            [
                SUBMIT.swap("--mm7_story", "----mm7_story", times=4),
                SUBMIT.swap("--mm7_story\r\n", "----mm7_story\r\n", times=3),
            ],
            "But for hyphens, the delimiters are what the parameter says.",
            known="China Mobile",
            parse=SUBMITTED,
            inner=True,
        ),
        accepted(
            "A boundary that begins with hyphens",
            [outer_boundary("--acme"), outer_boundary("----=_Part_1.2")],
            "Two more are before it in the delimiters.",
            known="China Mobile",
            parse=SUBMITTED,
        ),
        accepted(
            "A boundary with blanks, `=`, a colon or other special characters",
            [outer_boundary("acme outer part"), outer_boundary("==acme:outer=="), outer_boundary("a'(b)+c,/?")],
            "RFC 2046 allows them in quotes.",
            known="instantcom",
            parse=SUBMITTED,
        ),
        accepted(
            "A boundary with `=`, a colon or a slash, without quotes",
            [
                outer_boundary("==acme:outer==").retyped('"==acme:outer=="', "==acme:outer=="),
                outer_boundary("acme/outer").retyped('"acme/outer"', "acme/outer"),
            ],
            "The parameter goes to the next semicolon.",
            known="mbuni",
            parse=SUBMITTED,
        ),
        accepted(
            "A boundary of more than 70 characters, or in UTF-8",
            [outer_boundary("x" * 200), outer_boundary("\u4e2d\u6587")],
            "It is compared octet by octet, so nothing else can be meant.",
            parse=SUBMITTED,
        ),
        mended(
            "An inner boundary that begins with the outer one",
            "boundary-prefix",
            shown("boundary-prefix"),
            "A delimiter is alone on its line, and the Content-Type of the content says whose the longer lines are.",
            parse=submitted_with_inner("mm7_outer2"),
        ),
        mended(
            "An inner boundary that begins with the outer one and hyphens",
            "boundary-prefix",
            inner_boundary("mm7_outer--1"),
            "A delimiter is alone on its line, and so is a close delimiter.",
            parse=submitted_with_inner("mm7_outer--1"),
        ),
        accepted(
            "An outer boundary that begins with the inner one",
            outer_boundary("mm7_story2"),
            "Each part ends where the delimiter around it is.",
            parse=SUBMITTED,
        ),
        refused(
            "The same boundary inside and outside",
            2004,
            INNER_UNREADABLE + "no line begins with the delimiter that the boundary parameter gives",
            inner_boundary("mm7_outer"),
            "The first delimiter inside may be one of those outside.",
        ),
        refused(
            "Two different boundary parameters",
            4004,
            UNREADABLE + "the Content-Type has two different boundary parameters",
            SUBMIT.retyped('boundary="mm7_outer"', 'boundary="mm7_outer"; boundary="mm7_story"'),
            "Either may be meant; a proxy before us may take the other one.",
        ),
        refused(
            "No boundary parameter, and no close delimiter either",
            4004,
            UNREADABLE + "the Content-Type has no boundary parameter, and the body does not name one plainly",
            SUBMIT.retyped('boundary="mm7_outer"; ', "").cut("--mm7_story--\r\n"),
            "A line that begins with hyphens may be text; the close delimiter is what says that it is none.",
        ),
        refused(
            "No delimiter at all",
            4004,
            UNREADABLE + "no line begins with the delimiter that the boundary parameter gives",
            [Message(SUBMIT_TYPE, b"hello\r\n"), Message(SUBMIT_TYPE, b"")],
            "There is nothing to read.",
        ),
        refused(
            "Two delimiters in succession",
            4004,
            UNREADABLE + "a delimiter follows directly on a delimiter",
            SUBMIT.swap("--mm7_outer\r\nContent-Type: text", "--mm7_outer\r\n--mm7_outer\r\nContent-Type: text"),
            "A part may be missing between them, or one delimiter is too many.",
        ),
        # what is cut off
        refused(
            "A body that ends in the middle of a delimiter",
            4004,
            UNREADABLE + "the body ends in the middle of a delimiter",
            [SUBMIT.cut("\r\n--mm7_out"), SUBMIT.cut("\r\n--mm7_outer\r\nContent-Type: multipart").cut("--mm7_out")],
            "Nobody knows what else is missing.",
        ),
        refused(
            "A body that ends among the headers of a part",
            4004,
            UNREADABLE + "the body ends among the headers of a part",
            [SUBMIT.cut("Content-Type: multipart/related"), SUBMIT.cut("Content-ID: <content@acme.example>\r\n")],
            "Nobody knows what else is missing.",
        ),
        refused(
            "A body that ends behind the first delimiter",
            4004,
            UNREADABLE + "there is nothing behind the first delimiter",
            Message(SUBMIT_TYPE, b"--mm7_outer\r\n"),
            "There is nothing to read.",
        ),
        # multipart and not
        mended(
            "An empty multipart for the content",
            "multipart-empty",
            [
                shown("multipart-empty"),
                Message(
                    SUBMIT_TYPE,
                    multipart(part(ROOT_HEADERS, crlf(SUBMIT_XML)), part(STORY_HEADERS, b"\r\n--mm7_story--")),
                ),
            ],
            "What was in it was taken out on the way.",
            parse=submitted(Piece(headers(*STORY_HEADERS))),
            inner=True,
        ),
        refused(
            "An empty multipart for the whole",
            4004,
            "the multipart body has no parts",
            Message(SUBMIT_TYPE, b"--mm7_outer--\r\n"),
            "There is no envelope.",
        ),
        mended(
            "A content multipart that is base64 as a whole",
            "multipart-encoded",
            shown("multipart-encoded"),
            "RFC 2045 forbids it, and only one thing can be meant.",
            parse=submitted(story(head=(*STORY_HEADERS, "Content-Transfer-Encoding: base64"))),
        ),
        mended(
            "A content multipart that is quoted-printable as a whole",
            "multipart-encoded",
            encoded_story("quoted-printable", in_quoted_printable),
            "RFC 2045 forbids it, and only one thing can be meant.",
            parse=submitted(story(head=(*STORY_HEADERS, "Content-Transfer-Encoding: quoted-printable"))),
        ),
        refused(
            "A content multipart whose base64 is damaged",
            2004,
            "part <content@acme.example>: the base64 holds b'!', which is none of its characters",
            encoded_story("base64", lambda octets: b"!!" + base64.encodebytes(octets)),
            "What is left after the damage need not be what was sent.",
        ),
        mended(
            "A bare envelope under a multipart Content-Type",
            "xml-as-multipart",
            [shown("xml-as-multipart"), bare(NO_CONTENT_XML, "multipart/related")],
            "The body is XML from its first character on.",
            known="Skycore",
            parse=SUBMITTED.but(content=None)._replace(content=None),
        ),
        mended(
            "A multipart under an XML Content-Type",
            "multipart-as-xml",
            shown("multipart-as-xml"),
            "The body begins with a delimiter, as no XML does.",
            parse=SUBMITTED,
        ),
        mended(
            "A multipart after some lines of text under an XML Content-Type",
            "multipart-as-xml boundary-missing",
            [
                SUBMIT.under('text/xml; charset="UTF-8"').after("This is a multi-part message in MIME format\r\n\r\n"),
                SUBMIT.under("application/xml").after("\r\n\r\n"),
            ],
            "The first delimiter names the boundary, and the close delimiter at the end says that it does.",
            known="China Mobile's client",
            parse=SUBMITTED,
        ),
        mended(
            "A multipart under an XML Content-Type without a boundary parameter",
            "multipart-as-xml boundary-missing",
            SUBMIT.under("text/xml"),
            "The first delimiter names the boundary, and the close delimiter at the end says that it does.",
            parse=SUBMITTED,
        ),
        # limits
        refused(
            "More parts than the limit",
            2004,
            "the message has more than 200 parts (parts)",
            [
                package(*[part(PICTURE_HEADERS, GIF)] * 200),
                Message(SUBMIT_TYPE, package(*[part(PICTURE_HEADERS, b"")] * 200).body.replace(b"\r\n", b"\n")),
            ],
            "All that a peer can make grow is limited; `Limits(parts=…)` changes it.",
            http_status=413,
        ),
        refused(
            "More levels of multipart in multipart than the limit",
            2004,
            "multipart is nested in multipart more than 8 levels deep (mime_depth)",
            package(tower(8)),
            "All that a peer can make grow is limited; `Limits(mime_depth=…)` changes it.",
            http_status=413,
        ),
        refused(
            "More headers in a part than the limit",
            2004,
            "a part has more than 64 headers (headers)",
            package(part([*PICTURE_HEADERS, *["X-Acme: 1"] * 63], GIF)),
            "All that a peer can make grow is limited; `Limits(headers=…)` changes it.",
            http_status=413,
        ),
        refused(
            "A header that is longer than the limit",
            2004,
            "a header line of a part is over 8192 octets (header_line)",
            package(part([*PICTURE_HEADERS, "X-Acme: " + "1" * 8192], GIF)),
            "All that a peer can make grow is limited; `Limits(header_line=…)` changes it.",
            http_status=413,
        ),
    ]


# -- headers and ids


def without_start(message: Message) -> Message:
    return message.retyped('; start="<soap@acme.example>"', "")


def root_id(written: str) -> Message:
    """The regular message whose SOAP part has this Content-ID."""
    return SUBMIT.swap("<soap@acme.example>", written)


def content_id(written: str) -> Message:
    """The message with the picture, whose Content-ID is this."""
    return SUBMIT_PICTURE.swap("Content-ID: <content@acme.example>", f"Content-ID: {written}")


def submitted_content_id(written: str) -> Parse:
    return submitted_picture(PICTURE_HEADERS[0], f"Content-ID: {written}")


def href(written: str, message: Message = SUBMIT_PICTURE) -> Message:
    """A message whose Content has this href."""
    return message.swap('href="cid:content@acme.example"', f'href="{written}"')


def submitted_href(written: str, *pieces: Piece) -> Parse:
    """What that is read as: the picture, or the first of these parts, is the content."""
    return submitted(*(pieces or [PICTURE]), content=Content(href=written))


CONTENT_ELEMENT = '<mm7:Content href="cid:content@acme.example"/>\n'
NO_CONTENT_XML = SUBMIT_XML.replace(CONTENT_ELEMENT, "")
NOTE_HEADERS = ("Content-Type: text/plain", "Content-ID: <note>")
NOTE = Piece(headers(*NOTE_HEADERS), b"a note", "a note")
NAMELESS = ("Content-Type: image/gif",)
LOCATED = ("Content-Type: image/gif", "Content-Location: moon.gif")


def _ids() -> list[Quirk]:
    picture, note, soap = (
        part(PICTURE_HEADERS, GIF),
        part(NOTE_HEADERS, b"a note"),
        part(ROOT_HEADERS, crlf(SUBMIT_XML)),
    )
    return [
        # the parameters of the Content-Type
        accepted(
            "No `type` parameter, another one, or one on the inner multipart alone",
            [
                SUBMIT.retyped('; type="text/xml"', ""),
                SUBMIT.retyped('type="text/xml"', 'type="application/xml"'),
                SUBMIT.retyped('type="text/xml"', 'type="application/xop+xml"'),
            ],
            "The start parameter says which part is the SOAP part, and the part says what it is.",
            known="Fibernetics",
            parse=SUBMITTED,
        ),
        accepted(
            "`Type=` and `Start=` in capitals, blanks around the equals sign, a TAB between parameters",
            [
                SUBMIT.under('Multipart/Related; Type="text/xml"; Start="<soap@acme.example>"; BOUNDARY="mm7_outer"'),
                SUBMIT.retyped("; start=", ";\tstart = "),
                SUBMIT.retyped("; start=", ";start="),
            ],
            "Names of parameters have no case, and white space between them counts for nothing.",
            known="Nokia, Axis",
            parse=SUBMITTED,
        ),
        accepted(
            "No `start` parameter",
            [without_start(SUBMIT), without_start(SUBMIT).swap("Content-ID: <soap@acme.example>\r\n", "")],
            "Then the first part is the SOAP part (RFC 2387).",
            parse=SUBMITTED,
        ),
        accepted(
            "A SOAP part that is not the first, and is named by `start`",
            Message(SUBMIT_TYPE, multipart(picture, soap)),
            "RFC 2387 allows it.",
            parse=submitted_picture(),
        ),
        mended(
            "A SOAP part that is not the first, and no `start` parameter",
            "soap-part-late",
            shown("soap-part-late"),
            "The first part is no XML, and this one says that it is.",
            parse=SUBMITTED,
        ),
        mended(
            "A `start` parameter that names no part",
            "start-unmatched",
            shown("start-unmatched"),
            "The first part is the envelope all the same.",
            known="the example of TS 23.140 itself",
            parse=SUBMITTED,
        ),
        mended(
            "A `start` parameter without angle brackets",
            "id-brackets",
            [
                SUBMIT.retyped('"<soap@acme.example>"', '"soap@acme.example"'),
                SUBMIT.retyped('"<soap@acme.example>"', "soap@acme.example"),
            ],
            "Nothing else can be meant.",
            known="Skycore",
            parse=SUBMITTED,
        ),
        mended(
            "A SOAP part with another media type than `text/xml`",
            "soap-part-type",
            [
                shown("soap-part-type"),
                SUBMIT.swap("Content-Type: text/xml", "Content-Type: application/xop+xml"),
                SUBMIT.swap('Content-Type: text/xml; charset="utf-8"\r\n', ""),
            ],
            "`start` names it.",
            known="Fibernetics",
            parse=SUBMITTED,
        ),
        mended(
            "A SOAP part in base64 or quoted-printable",
            "soap-part-encoded",
            [
                shown("soap-part-encoded"),
                Message(SUBMIT_TYPE, multipart(encoded_part("Quoted-Printable", quopri.encodestring), STORY_PART)),
            ],
            "It is decoded as any part is.",
            known="mail libraries used as SOAP clients",
            parse=SUBMITTED,
        ),
        accepted(
            "A Content-Transfer-Encoding that changes nothing, in any capitals",
            [
                root_id("<soap@acme.example>\r\nContent-Transfer-Encoding: 8bit"),
                root_id("<soap@acme.example>\r\nContent-Transfer-Encoding: BINARY"),
                root_id("<soap@acme.example>\r\nContent-Transfer-Encoding: 7bit"),
            ],
            "The octets are as they are.",
            parse=SUBMITTED,
        ),
        accepted(
            "A picture in base64, in capitals, on one line, or without padding",
            [
                package(part([*PICTURE_HEADERS, "Content-Transfer-Encoding: BASE64"], octets))
                for octets in (
                    base64.b64encode(GIF),
                    base64.encodebytes(GIF),
                    base64.encodebytes(GIF).replace(b"\n", b"\r\n\r\n"),
                    base64.b64encode(GIF).rstrip(b"="),
                )
            ],
            "No octet is in doubt.",
            parse=submitted_picture(*PICTURE_HEADERS, "Content-Transfer-Encoding: BASE64"),
        ),
        mended(
            "A picture that is said to be base64 and is sent as it is",
            "encoding-contradicted",
            [
                shown("encoding-contradicted"),
                shown("encoding-contradicted").swap(
                    "Content-Transfer-Encoding: base64", "content-transfer-encoding: base64"
                ),
            ],
            "A picture is not written in the characters of base64.",
            known="instantcom before 2017",
            parse=submitted_dot(GIF, GIF_HEADERS[0], "Content-Transfer-Encoding: base64", *GIF_HEADERS[1:]),
        ),
        mended(
            "A picture in base64 without saying so",
            "encoding-undeclared",
            shown("encoding-undeclared"),
            "It is for the host to say what it takes it for: `Part.data` stays as it was sent.",
            parse=submitted_dot(base64.encodebytes(GIF)),
        ),
        # Content-ID
        mended(
            "A Content-ID without angle brackets, with two pairs, with one bracket, in quotes or in `&lt;`",
            "id-brackets",
            [
                shown("id-brackets"),
                root_id("<<soap@acme.example>>"),
                root_id("<soap@acme.example"),
                root_id('"soap@acme.example"'),
                root_id("&lt;soap@acme.example>"),
            ],
            "What is between them is the id.",
            known="xmmc, OpenMarket, Axis clients, Skycore",
            parse=SUBMITTED,
        ),
        *(
            mended(
                f"The Content-ID of the content {how}",
                "id-brackets",
                content_id(written),
                "What is between them is the id.",
                known="xmmc, OpenMarket, SKT",
                parse=submitted_content_id(written),
            )
            for how, written in (
                ("without angle brackets", "content@acme.example"),
                ("in two pairs of angle brackets", "<<content@acme.example>>"),
            )
        ),
        accepted(
            "A Content-ID that begins with a slash",
            href("cid:/content", content_id("</content>")),
            "It is an id like any other.",
            parse=submitted_picture(PICTURE_HEADERS[0], "Content-ID: </content>", content=Content(href="cid:/content")),
        ),
        accepted(
            "A Content-ID that is a `urn:uuid:`",
            href("cid:urn:uuid:30A1", content_id("<urn:uuid:30A1>")),
            "It is an id like any other.",
            known="Axis2",
            parse=submitted_picture(
                PICTURE_HEADERS[0], "Content-ID: <urn:uuid:30A1>", content=Content(href="cid:urn:uuid:30A1")
            ),
        ),
        accepted(
            "A Content-ID with percent-escapes, asked for letter by letter as it is written",
            href("cid:content%40acme.example", content_id("<content%40acme.example>")),
            "RFC 2392 would escape it once more; no other part has a name that is like it.",
            parse=submitted_picture(
                PICTURE_HEADERS[0],
                "Content-ID: <content%40acme.example>",
                content=Content(href="cid:content%40acme.example"),
            ),
        ),
        accepted(
            "Two Content-ID that differ in their escapes alone",
            href(
                "cid:content%40acme.example",
                package(part((PICTURE_HEADERS[0], "Content-ID: <content%40acme.example>"), b"another"), picture),
            ),
            "RFC 2392 says which one is meant: that whose id is the href with its escapes decoded.",
            parse=submitted_href(
                "cid:content%40acme.example",
                PICTURE,
                Piece(headers(PICTURE_HEADERS[0], "Content-ID: <content%40acme.example>"), b"another"),
            ),
        ),
        mended(
            "A Content-ID in other capitals than the href asks for",
            "id-form",
            shown("id-form"),
            "No other part has a name that is like it.",
            parse=submitted(story(head=(STORY_HEADERS[0], "Content-ID: <Content@ACME.example>"))),
        ),
        mended(
            "A `start` parameter in other capitals than the Content-ID",
            "id-form",
            SUBMIT.retyped("<soap@acme.example>", "<SOAP@acme.example>"),
            "No other part has a name that is like it.",
            parse=SUBMITTED,
        ),
        mended(
            "A Content-ID with percent-escapes that the href does not have",
            "id-form",
            content_id("<content%40acme.example>"),
            "No other part has a name that is like it.",
            parse=submitted_content_id("<content%40acme.example>"),
        ),
        mended(
            "Several parts with the Content-ID that is asked for",
            "id-repeated",
            shown("id-repeated"),
            "The first one counts, the others are attachments.",
            parse=submitted(None, Piece(headers(*PICTURE_HEADERS), b"GIF89a")),
        ),
        mended(
            "An empty Content-ID on the content",
            "id-brackets href-unmatched",
            content_id("<>"),
            "An id of nothing is no name; there is no other part.",
            parse=submitted_content_id("<>"),
        ),
        # href
        accepted(
            "An href with percent-escapes, as RFC 2392 has them",
            href("cid:content%40acme.example"),
            "The escapes are decoded.",
            parse=submitted_href("cid:content%40acme.example"),
        ),
        accepted(
            "`CID:` in capitals",
            href("CID:content@acme.example"),
            "Schemes have no case.",
            parse=submitted_href("CID:content@acme.example"),
        ),
        mended(
            "An href with the Content-ID, but without `cid:`",
            "href-without-cid",
            shown("href-without-cid"),
            "The id is that of a part.",
            known="mbuni's clients",
            parse=submitted_href("content@acme.example", story()),
        ),
        mended(
            "A blank for the colon of `cid:`",
            "href-without-cid",
            href("cid content@acme.example"),
            "The id is that of a part.",
            known="LG Telecom",
            parse=submitted_href("cid content@acme.example"),
        ),
        mended(
            "`cid:` and the Content-ID in its angle brackets",
            "id-brackets",
            href("cid:&lt;content@acme.example&gt;"),
            "What is between them is the id.",
            known="SKT",
            parse=submitted_href("cid:<content@acme.example>"),
        ),
        accepted(
            "An href that is a Content-Location",
            href("moon.gif", package(part(LOCATED, GIF))),
            "An href is any URI.",
            known="instantcom",
            parse=submitted_href("moon.gif", Piece(headers(*LOCATED), GIF)),
        ),
        mended(
            "`cid:` and a Content-Location",
            "href-location",
            shown("href-location"),
            "No part has it for its Content-ID, and one has it for its Content-Location.",
            parse=submitted(story(head=(STORY_HEADERS[0], "Content-Location: content@acme.example"))),
        ),
        mended(
            "An href that names a part inside the content",
            "href-nested",
            shown("href-nested"),
            "The content is the part that holds it: nothing of it is lost.",
            known="Korean clients",
            parse=submitted_href("cid:show.smil", story()),
        ),
        mended(
            "An href that names no part",
            "href-unmatched",
            shown("href-unmatched"),
            "The first part beside the SOAP part is the content.",
            known="the example of TS 23.140 itself",
            parse=submitted_href("cid:nothing", story()),
        ),
        refused(
            "An href, and no part beside the SOAP part",
            2004,
            "Content/@href names 'cid:content@acme.example', and there is no part beside the SOAP part",
            [package(), bare(SUBMIT_XML)],
            "The content was lost on the way.",
        ),
        mended(
            "A Content element without an href",
            "value-form content-unreferenced",
            SUBMIT_PICTURE.swap(' href="cid:content@acme.example"', ""),
            "The element says nothing. The first part beside the SOAP part is the content.",
            parse=submitted_picture(content=None),
        ),
        mended(
            "A Content element with an empty href",
            "content-unreferenced",
            href(""),
            "It names nothing. The first part beside the SOAP part is the content.",
            parse=submitted_href(""),
        ),
        # what is the content
        mended(
            "No Content element, and a content part",
            "content-unreferenced",
            shown("content-unreferenced"),
            "The first part beside the SOAP part is the content.",
            known="China Mobile, KTF",
            parse=submitted(content=None),
        ),
        mended(
            "No Content element, and several parts",
            "content-unreferenced",
            package(picture, note, xml=NO_CONTENT_XML),
            "The first part beside the SOAP part is the content, the others are attachments.",
            parse=submitted(PICTURE, NOTE, content=None),
        ),
        accepted(
            "No Content element, no `start` and no Content-ID: the first part is the envelope, the second the content",
            Message(
                'multipart/related; boundary="mm7_outer"',
                multipart(part(["Content-Type: text/xml"], crlf(NO_CONTENT_XML)), part(NAMELESS, GIF)),
            ),
            "NowSMS documents it so.",
            known="NowSMS",
            parse=submitted_picture(*NAMELESS, content=None),
        ),
        accepted(
            "Several parts at the top, one of them named by the href",
            [package(picture, note), package(note, picture)],
            "The others are attachments.",
            parse=submitted(PICTURE, NOTE),
        ),
        accepted(
            "A content part that is no multipart",
            SUBMIT_PICTURE,
            "Nothing asks for a multipart.",
            parse=submitted_picture(),
        ),
        *(
            accepted(
                f"A content of `{kind}`",
                SUBMIT.swap('multipart/related; type="application/smil"; start="<show.smil>"', kind),
                "All kinds of multipart are divided alike.",
                parse=submitted(story(head=(f'Content-Type: {kind}; boundary="mm7_story"', STORY_HEADERS[1]))),
            )
            for kind in ("multipart/mixed", "multipart/alternative")
        ),
        accepted(
            "An inner `start` that names no SMIL, or an inner `type` of text/xml",
            SUBMIT.swap('type="application/smil"; start="<show.smil>"', 'type="text/xml"; start="<nothing>"'),
            "What is inside the content is the host's to read.",
            parse=submitted(
                story(
                    head=(
                        'Content-Type: multipart/related; type="text/xml"; start="<nothing>"; boundary="mm7_story"',
                        STORY_HEADERS[1],
                    )
                )
            ),
        ),
        accepted(
            "A DeliverReq without Content and without a part",
            bare(DELIVER_XML.replace(CONTENT_ELEMENT, "")),
            "The message may be in its Subject alone.",
            parse=DELIVERED.but(content=None)._replace(content=None),
        ),
        refused(
            "A ReplaceReq without Content and without a part",
            4004,
            "ReplaceReq: Content is missing",
            bare(REPLACE_XML.replace(CONTENT_ELEMENT, "")),
            "There is nothing to replace the message with.",
        ),
        refused(
            "A SOAP part that is a multipart itself",
            4004,
            "the SOAP part is a multipart itself",
            Message(SUBMIT_TYPE.replace("soap@", "content@"), SUBMIT.body),
            "Which part of it is the envelope, nobody says.",
        ),
    ]


def encoded_part(encoding: str, encode: Callable[[bytes], bytes]) -> bytes:
    """The SOAP part in a transfer encoding."""
    return part([*ROOT_HEADERS, f"Content-Transfer-Encoding: {encoding}"], encode(crlf(SUBMIT_XML)))


# -- characters


def in_charset(encoding: str, declared: str | None, label: str | None, *, mark: bytes = b"") -> Message:
    """The regular message, its SOAP part in ``encoding``, with these claims about it."""
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    xml = SUBMIT_XML.replace('<?xml version="1.0" encoding="UTF-8"?>', declaration)
    octets = mark + xml.replace("\n", "\r\n").encode(encoding)
    content_type = f"Content-Type: text/xml; charset={label}" if label else "Content-Type: text/xml"
    return Message(SUBMIT_TYPE, multipart(part([content_type, ROOT_HEADERS[1]], octets), STORY_PART))


KOREAN = "\uc548\ub155\ud558\uc138\uc694, \u4e2d\u6587\n"
CHINESE = "\u4f60\u597d\uff0c\u4e16\u754c\n"


def _characters() -> list[Quirk]:
    outside = 'text/xml; charset="gb2312"'
    return [
        accepted(
            "UTF-8 with a byte order mark",
            [
                in_charset("utf-8", "UTF-8", "utf-8", mark=codecs.BOM_UTF8),
                in_charset("utf-8", None, None, mark=codecs.BOM_UTF8),
            ],
            "A byte order mark goes before all else (RFC 7303).",
            parse=SUBMITTED,
        ),
        accepted(
            "UTF-16 with a byte order mark, and said to be UTF-16",
            [
                in_charset("utf-16-le", "utf-16", "utf-16", mark=codecs.BOM_UTF16_LE),
                in_charset("utf-16-be", "UTF-16", "UTF-16", mark=codecs.BOM_UTF16_BE),
                in_charset("utf-16-be", "utf-16", None, mark=codecs.BOM_UTF16_BE),
                in_charset("utf-16-le", None, None, mark=codecs.BOM_UTF16_LE),
            ],
            "It is what it says.",
            parse=SUBMITTED,
        ),
        accepted(
            "UTF-16 without a byte order mark, and said to be UTF-16",
            [in_charset("utf-16-le", "utf-16", "utf-16"), in_charset("utf-16-be", "utf-16", "utf-16")],
            "The first characters show the order of the octets (XML 1.0, appendix F).",
            parse=SUBMITTED,
        ),
        mended(
            "UTF-16, and said to be UTF-8",
            "charset-contradicted",
            in_charset("utf-16-le", "utf-16", "utf-8", mark=codecs.BOM_UTF16_LE),
            "The byte order mark shows it.",
            parse=SUBMITTED,
        ),
        mended(
            'UTF-8 with `encoding="utf-16"` in its XML declaration',
            "charset-contradicted",
            [in_charset("utf-8", "utf-16", "utf-8"), in_charset("utf-8", "utf-16", None)],
            "Octets that are valid UTF-8 with other characters than ASCII are nothing else by chance.",
            known="Vibes",
            parse=SUBMITTED,
        ),
        mended(
            "UTF-8 with GB2312 in its XML declaration",
            "charset-contradicted",
            [in_charset("utf-8", "GB2312", "utf-8"), in_charset("utf-8", "gb2312", None)],
            "Octets that are valid UTF-8 with other characters than ASCII are nothing else by chance.",
            known="China Unicom's simulators",
            parse=SUBMITTED,
        ),
        mended(
            "UTF-8 labelled euc-kr, ks_c_5601-1987 or ksc5601",
            "charset-contradicted",
            [
                in_charset("utf-8", "UTF-8", "euc-kr"),
                in_charset("utf-8", "euc-kr", "euc-kr"),
                in_charset("utf-8", "ks_c_5601-1987", "ks_c_5601-1987"),
                in_charset("utf-8", "UTF-8", "ksc5601"),
            ],
            "Octets that are valid UTF-8 with other characters than ASCII are nothing else by chance.",
            known="SKT, KTF, LG Telecom",
            parse=SUBMITTED,
        ),
        accepted(
            "euc-kr or ks_c_5601-1987, and said to be so",
            [
                in_charset("euc-kr", "euc-kr", "euc-kr"),
                in_charset("euc-kr", "euc-kr", None),
                in_charset("euc-kr", None, "euc-kr"),
                in_charset("euc-kr", "ks_c_5601-1987", "ks_c_5601-1987"),
            ],
            "It is what it says.",
            known="SKT, KTF, LG Telecom",
            parse=SUBMITTED,
        ),
        accepted(
            "GB2312 or GBK, and said to be so",
            [in_charset("gb2312", "GB2312", "gb2312"), in_charset("gbk", "GBK", None)],
            "It is what it says.",
            parse=SUBMITTED,
        ),
        mended(
            "GB2312 labelled utf-8 by its MIME header, not by its XML declaration",
            "charset-contradicted",
            in_charset("gb2312", "GB2312", "utf-8"),
            "The octets are not UTF-8, and they are GB2312.",
            parse=SUBMITTED,
        ),
        mended(
            "UTF-8 labelled us-ascii or iso-8859-1",
            "charset-contradicted",
            [shown("charset-contradicted"), in_charset("utf-8", "UTF-8", "iso-8859-1")],
            "Octets that are valid UTF-8 with other characters than ASCII are nothing else by chance.",
            parse=SUBMITTED,
        ),
        mended(
            "A message without content in UTF-8, under an HTTP Content-Type that says euc-kr",
            "charset-contradicted",
            value("m-0815", "\uc548\ub155", CANCEL).under("text/xml; charset=euc-kr"),
            "Octets that are valid UTF-8 with other characters than ASCII are nothing else by chance.",
            known="SKT, KTF, LG Telecom",
            parse=CANCELLED.but(message_id="\uc548\ub155"),
        ),
        accepted(
            "No character set at all",
            in_charset("utf-8", None, None),
            "XML is UTF-8 where nothing else is said.",
            parse=SUBMITTED,
        ),
        refused(
            "Octets in none of the character sets that they claim",
            4004,
            "the octets of the SOAP part are not in the character set utf-8",
            [in_charset("gb2312", "UTF-8", "utf-8"), in_charset("euc-kr", "UTF-8", "utf-8")],
            "Many character sets would do, each with other characters.",
        ),
        refused(
            "A NUL in UTF-8",
            4004,
            "the SOAP part is not well-formed XML: not well-formed (invalid token): \u2026",
            SUBMIT_PICTURE.swap("<env:Body>", "\0<env:Body>"),
            "XML has no such character.",
        ),
        accepted(
            "A character set by another name or with another sign in it: `utf8`, `utf:8`",
            [in_charset("utf-8", "UTF8", "utf8"), in_charset("utf-8", "UTF-8", '"utf:8"')],
            "The octets are UTF-8, and nothing else can be meant.",
            known="the example of TS 23.140 itself",
            parse=SUBMITTED,
        ),
        mended(
            "A character set that nobody knows",
            "charset-contradicted",
            [in_charset("utf-8", "UTF-8", "x-unknown"), in_charset("utf-8", "x-unknown", None)],
            "The octets are UTF-8.",
            parse=SUBMITTED,
        ),
        accepted(
            "Nothing but ASCII under a character set that has ASCII in it",
            [
                CANCEL.under('text/xml; charset="euc-kr"'),
                CANCEL.under(outside).swap('"UTF-8"', '"GB2312"'),
                CANCEL.under("text/xml; charset=iso-8859-1"),
            ],
            "It is that as well.",
            parse=CANCELLED,
        ),
        mended(
            "White space before the XML declaration",
            "xml-late",
            [shown("xml-late"), SUBMIT.swap("<?xml", " \n<?xml")],
            "XML 1.0 forbids it, and it says nothing.",
            parse=SUBMITTED,
        ),
        accepted(
            "White space before an envelope without an XML declaration",
            CANCEL.swap('<?xml version="1.0" encoding="UTF-8"?>', ""),
            "XML 1.0 allows it.",
            parse=CANCELLED,
        ),
        # text parts
        *(
            accepted(
                f"A text part in UTF-8, labelled {label}",
                text_part(octets, f"Content-Type: text/plain; charset={label}"),
                "`Part.text` judges by the octets first; `Part.data` is as it was sent. A part is decoded when it is "
                "asked for, so this is no deviation of the request.",
                known=known,
                parse=submitted_text(octets, octets.decode(), f"Content-Type: text/plain; charset={label}"),
            )
            for label, known, octets in (
                ("euc-kr", "SKT, KTF, LG Telecom", KOREAN.encode()),
                ("ks_c_5601-1987", "SKT, KTF, LG Telecom", KOREAN.encode()),
                ("GB2312", "China Unicom's simulators", CHINESE.encode()),
                ("utf-16", "Vibes", CHINESE.encode()),
                ("x-unknown", "", CHINESE.encode()),
            )
        ),
        accepted(
            "A text part in euc-kr, and labelled so",
            text_part(KOREAN.encode("euc-kr"), "Content-Type: text/plain; charset=euc-kr"),
            "It is what it says.",
            known="SKT, KTF, LG Telecom",
            parse=submitted_text(KOREAN.encode("euc-kr"), KOREAN, "Content-Type: text/plain; charset=euc-kr"),
        ),
        mended(
            "A text part labelled ks_c_5601-1987, with characters of Windows' code page 949",
            "charset-wider",
            text_part("\uc4d4\n".encode("cp949"), "Content-Type: text/plain; charset=ks_c_5601-1987"),
            "Windows calls it so, and the characters of the label are the same in both.",
            known="SKT, KTF, LG Telecom",
            parse=submitted_text(
                "\uc4d4\n".encode("cp949"), "\uc4d4\n", "Content-Type: text/plain; charset=ks_c_5601-1987"
            ),
        ),
        mended(
            "A text part labelled iso-8859-1, with the quotation marks and the euro of windows-1252",
            "charset-wider",
            shown("charset-wider"),
            "Everybody reads these labels as windows-1252 (WHATWG Encoding, 4.2); nobody sends control characters.",
            known="senders on Windows",
            parse=submitted_text(
                b"\x93Gr\xfc\xdfe\x94 \x96 \x805\r\n",
                "\u201cGr\xfc\xdfe\u201d \u2013 \u20ac5\r\n",
                'Content-Type: text/plain; charset="iso-8859-1"',
                *TEXT_HEADERS[1:],
            ),
        ),
        *(
            mended(
                f"A text part labelled {label}, with characters that only {wider} has",
                "charset-wider",
                text_part(octets, f"Content-Type: text/plain; charset={label}"),
                "The label means that (WHATWG Encoding, 4.2).",
                parse=submitted_text(octets, text, f"Content-Type: text/plain; charset={label}"),
            )
            for label, wider, octets, text in (
                ("us-ascii", "windows-1252", b"\x805", "\u20ac5"),
                ("iso-8859-9", "windows-1254", b"\x80\xfd", "\u20ac\u0131"),
                ("iso-8859-11", "windows-874", b"\x80\xa1", "\u20ac\u0e01"),
                ("big5", "Big5 with the supplement of Hong Kong", b"\xf9\xd6\x88\x62", "\u7881\xca\u0304"),
                ("gb2312", "GBK", "\u9555".encode("gbk"), "\u9555"),
                ("windows-1252", "the Encoding Standard", b"\xe9\x81", "\xe9\x81"),
            )
        ),
        *(
            accepted(
                f"A text part in UTF-16, big-endian and without a byte order mark, labelled {label}",
                text_part(CHINESE.encode("utf-16-be"), f"Content-Type: text/plain; charset={label}"),
                "Without a mark it is big-endian (RFC 2781, 4.3).",
                parse=submitted_text(
                    CHINESE.encode("utf-16-be"), CHINESE, f"Content-Type: text/plain; charset={label}"
                ),
            )
            for label in ("utf-16", "utf-16be", "iso-10646-ucs-2", "ucs-2", "1000")
        ),
        mended(
            "A text part in UTF-16, little-endian and without a byte order mark",
            "byte-order",
            shown("byte-order"),
            "Only in that order it is text.",
            known="senders on Windows",
            parse=submitted_text(
                TEXT.decode().encode("utf-16-le"),
                TEXT.decode(),
                'Content-Type: text/plain; charset="utf-16"',
                *TEXT_HEADERS[1:],
            ),
        ),
        mended(
            "A character beyond U+FFFF as references to two surrogates, in hexadecimal, in decimal or both",
            "surrogate-pair",
            [
                shown("surrogate-pair"),
                *(
                    shown("surrogate-pair").swap("&#xD83C;&#xDF89;", written)
                    for written in ("&#55356;&#57225;", "&#xd83c;&#57225;", "&#55356;&#x0df89;")
                ),
                SUBMIT.swap(f">{SUBMITTED.message.subject}<".encode(), b">\xed\xa0\xbc\xed\xbe\x89<"),
            ],
            "The two are one character, and nothing else. So are its six bytes of CESU-8 in UTF-8.",
            known="clients in Java",
            parse=submitted(subject="\U0001f389"),
        ),
        mended(
            "A text part in UTF-8 with a character beyond U+FFFF in six bytes (CESU-8)",
            "surrogate-pair",
            text_part(b"Party \xed\xa0\xbc\xed\xbe\x89", *TEXT_HEADERS),
            "The two are one character, and nothing else.",
            known="clients in Java",
            parse=submitted_text(b"Party \xed\xa0\xbc\xed\xbe\x89", "Party \U0001f389"),
        ),
        *(
            refused(
                f"A reference to one half of a character beyond U+FFFF: {what}",
                4004,
                "the SOAP part is not well-formed XML: reference to invalid character number: line\u2026, column\u2026",
                shown("surrogate-pair").swap("&#xD83C;&#xDF89;", written),
                "What the other half was, nobody knows.",
            )
            for what, written in (
                ("the first", "&#xD83C;"),
                ("the second", "&#xDF89;"),
                ("the second first", "&#xDF89;&#xD83C;"),
                ("two, and one more", "&#xD83C;&#xDF89;&#xD83C;"),
            )
        ),
        refused(
            "Half a character beyond U+FFFF in three bytes",
            4004,
            "the octets of the SOAP part are not in the character set utf-8",
            SUBMIT.swap(f">{SUBMITTED.message.subject}<".encode(), b">\xed\xa0\xbc<"),
            "What the other half was, nobody knows.",
        ),
        # names of files
        *(
            accepted(title, message, why, known=known, parse=parse)
            for title, why, known, (message, parse) in (
                (
                    "A file name in encoded words, in quotes",
                    "RFC 2047 forbids it there, and nothing else is called so.",
                    "mail libraries",
                    named('Content-Type: image/gif; name="=?UTF-8?B?5Zu+54mHLmdpZg==?="', "\u56fe\u7247.gif"),
                ),
                (
                    "A file name in several encoded words, without quotes",
                    "White space between them is none of the name, and a character may be in two of them.",
                    "mail libraries",
                    named(
                        "Content-Disposition: attachment; filename==?utf-8?Q?=E5=9B=BE=E7=89?= =?utf-8?q?=87=2Egif?=",
                        "\u56fe\u7247.gif",
                    ),
                ),
                (
                    "A file name in GBK, of which two characters are UTF-8 by chance",
                    "As UTF-8 it would be of letters that nobody uses.",
                    "China Mobile's client",
                    named(
                        'Content-Type: image/gif; name="\u037c\u01ac.gif"',
                        "\u56fe\u7247.gif",
                        b'Content-Type: image/gif; name="\xcd\xbc\xc6\xac.gif"',
                    ),
                ),
                (
                    "A file name in GBK beside a SOAP part in UTF-8",
                    "It is no UTF-8, and in windows-1252 it would be of signs.",
                    "China Mobile's client",
                    named(
                        'Content-Type: image/gif; name="\xd6\xd0\xb9\xfa.gif"',
                        "\u4e2d\u56fd.gif",
                        b'Content-Type: image/gif; name="\xd6\xd0\xb9\xfa.gif"',
                    ),
                ),
                (
                    "A file name in windows-1252",
                    "It is no UTF-8, and in GBK it would be of rare characters.",
                    "senders on Windows",
                    named(
                        'Content-Type: image/gif; name="Gr\xf6\xdfe.gif"',
                        "Gr\xf6\xdfe.gif",
                        b'Content-Type: image/gif; name="Gr\xf6\xdfe.gif"',
                    ),
                ),
            )
        ),
        accepted(
            "A text part in GB2312, and labelled so",
            text_part(CHINESE.encode("gb2312"), 'Content-Type: text/plain; charset="GB2312"'),
            "It is what it says.",
            parse=submitted_text(CHINESE.encode("gb2312"), CHINESE, 'Content-Type: text/plain; charset="GB2312"'),
        ),
        accepted(
            "A text part in UTF-16 with a byte order mark, under any label",
            text_part(codecs.BOM_UTF16_LE + CHINESE.encode("utf-16-le"), "Content-Type: text/plain; charset=utf-8"),
            "The byte order mark shows it, and is no part of the text.",
            parse=submitted_text(
                codecs.BOM_UTF16_LE + CHINESE.encode("utf-16-le"), CHINESE, "Content-Type: text/plain; charset=utf-8"
            ),
        ),
        accepted(
            "A text part in UTF-8 with a byte order mark, under any label or none",
            text_part(codecs.BOM_UTF8 + CHINESE.encode(), "Content-Type: text/plain"),
            "The byte order mark is no part of the text.",
            parse=submitted_text(codecs.BOM_UTF8 + CHINESE.encode(), CHINESE, "Content-Type: text/plain"),
        ),
        accepted(
            "A text part whose octets are in no character set that is known of it",
            text_part(b"a\xff\xfeb", "Content-Type: text/plain; charset=utf-8"),
            "`Part.text` has U+FFFD for each of them and never raises; `Part.data` has them.",
            parse=submitted_text(b"a\xff\xfeb", "a\ufffd\ufffdb", "Content-Type: text/plain; charset=utf-8"),
        ),
        accepted(
            "XML for a part whose declaration, and not its label, is right",
            text_part(
                f'<?xml version="1.0" encoding="gb2312"?><p>{CHINESE}</p>'.encode("gb2312"), "Content-Type: text/xml"
            ),
            "The declaration is asked where the label does not fit.",
            parse=submitted_text(
                f'<?xml version="1.0" encoding="gb2312"?><p>{CHINESE}</p>'.encode("gb2312"),
                f'<?xml version="1.0" encoding="gb2312"?><p>{CHINESE}</p>',
                "Content-Type: text/xml",
            ),
        ),
    ]


# -- the envelope


TRANSACTION = f'<mm7:TransactionID xmlns:mm7="{MM7}" env:mustUnderstand="1">tid-4711</mm7:TransactionID>'


def transaction(written: str) -> Message:
    """The regular message with this for its header block."""
    return SUBMIT.swap(TRANSACTION, written)


def marked(attributes: str) -> Message:
    """The regular message whose TransactionID has these attributes for mustUnderstand."""
    return SUBMIT.swap(' env:mustUnderstand="1"', attributes)


def soap_namespace(namespace: str) -> Message:
    return SUBMIT.swap(f'"{SOAP}"', f'"{namespace}"')


def mm7_namespace(namespace: str) -> Message:
    """The regular message, all of it in another namespace of MM7."""
    return SUBMIT.swap(f'"{MM7}"', f'"{namespace}"', times=2)


def operation_namespace(namespace: str) -> Message:
    """The regular message with its operation alone in another namespace."""
    return SUBMIT.swap(f'<mm7:SubmitReq xmlns:mm7="{MM7}"', f'<mm7:SubmitReq xmlns:mm7="{namespace}"')


def version(text: str) -> Message:
    return SUBMIT.swap("<mm7:MM7Version>6.8.0<", f"<mm7:MM7Version>{text}<")


def without_prefixes(operation: str) -> str:
    """An operation all of whose elements are in no namespace; the declaration stays, as China Mobile has it."""
    return operation.replace("<mm7:", "<").replace("</mm7:", "</")


def unqualified_children(operation: str) -> str:
    """The same, but for the operation itself."""
    return re.sub(r"(</?)mm7:(?!\w+Req\b)", r"\1", operation)


def in_body(xml: str) -> Message:
    """A message with this in Body."""
    return bare(envelope(xml))


def _envelope() -> list[Quirk]:
    unknown_block = f'{TRANSACTION}<acme:Trace xmlns:acme="urn:acme"{{}}>1</acme:Trace>'
    return [
        # SOAP
        mended(
            "The SOAP namespace without its last slash, with https, with blanks or in other capitals",
            "soap-namespace",
            [
                shown("soap-namespace"),
                soap_namespace(SOAP.replace("http:", "https:")),
                soap_namespace(SOAP + " "),
                soap_namespace(SOAP.replace("xmlsoap", "XMLSOAP")),
            ],
            "SOAP 1.2 and all others are named in quite another way.",
            known="KTF, Optus",
            parse=SUBMITTED,
        ),
        mended(
            "The SOAP namespace of the first examples of 3GPP, `…/soap/soap-envelope`",
            "soap-namespace",
            [soap_namespace("http://schemas.xmlsoap.org/soap/soap-envelope")],
            "SOAP 1.2 and all others are named in quite another way.",
            known="the examples of TS 23.140 5.x",
            parse=SUBMITTED,
        ),
        refused(
            "An Envelope in no namespace",
            4004,
            "the Envelope is in no namespace (SOAP 1.1, 4)",
            bare(
                re.sub(r"(</?)env:", r"\1", envelope("<CancelReq/>"))
                .replace(f' xmlns:env="{SOAP}"', "", 1)
                .replace(' env:mustUnderstand="1"', "")
            ),
            "It may be of any SOAP, or of none.",
        ),
        refused(
            "SOAP 1.2",
            "VersionMismatch",
            "the Envelope is not of SOAP 1.1 but of http://www.w3.org/2003/05/soap-envelope",
            soap_namespace("http://www.w3.org/2003/05/soap-envelope"),
            "MM7 is SOAP 1.1; SOAP says what to answer.",
        ),
        refused(
            "An operation without an envelope",
            4004,
            "the SOAP part is 'CancelReq', not a SOAP Envelope",
            bare(f'<CancelReq xmlns="{MM7}"/>'),
            "There is no TransactionID, which every answer has to repeat.",
        ),
        refused(
            "Two elements in Body, or none",
            4004,
            "the SOAP Body has \u2026 elements; one is wanted",
            [
                CANCEL.operation(lambda inside: inside + inside),
                CANCEL.operation(lambda inside: ""),
            ],
            "One request has one answer.",
        ),
        refused(
            "A SOAP part that begins with something else than XML",
            4004,
            "the SOAP part is not well-formed XML\u2026; it begins with '\u2026', not with '<'\u2026",
            [
                bare("Content-Type: text/xml\n\n" + SUBMIT_XML),
                SUBMIT.swap(f"{ROOT_HEADERS[1]}\r\n\r\n", f"{ROOT_HEADERS[1]}\r\n\r\nContent-Length: 7\r\n\r\n"),
                SUBMIT.swap(f"\r\n\r\n{SMIL.decode()}", "").swap(crlf(SUBMIT_XML) + b"\r\n", GIF + b"\r\n"),
            ],
            "Framing that went wrong shows here first, so the refusal says what stands there.",
        ),
        refused(
            "XML that is not well-formed: an unbound prefix, `soap-env::`, `;` between attributes, a wrong closing tag",
            4004,
            "the SOAP part is not well-formed XML: \u2026",
            [
                SUBMIT.swap(f' xmlns:mm7="{MM7}"', "", times=2),
                SUBMIT.swap("<env:Body>", "<env::Body>"),
                SUBMIT.swap(' env:mustUnderstand="1"', '; env:mustUnderstand="1"'),
                SUBMIT.swap("</mm7:TimeStamp>", "</mm7:Date>"),
                bare(""),
            ],
            "XML has no rules for mending it, so every reader would guess otherwise.",
            known="Skycore's, Telstra's and Optus' documents, TS 23.140 5.x",
        ),
        refused(
            "A document type declaration",
            4004,
            "the SOAP part has a document type declaration (SOAP 1.1, 3)",
            CANCEL.swap("<env:Envelope", "<!DOCTYPE x><env:Envelope"),
            "SOAP forbids it, and it is how XML is turned against its reader.",
        ),
        refused(
            "A processing instruction",
            4004,
            "the SOAP part holds the processing instruction 'php' (SOAP 1.1, 3)",
            CANCEL.swap("<env:Header>", "<?php x?><env:Header>"),
            "SOAP forbids it.",
        ),
        refused(
            "More elements than the limit",
            4004,
            "the SOAP part has more than 50000 elements (elements)",
            CANCEL.operation(lambda inside: "<x>" + "<y/>" * 50_000 + "</x>"),
            "All that a peer can make grow is limited; `Limits(elements=…)` changes it.",
        ),
        refused(
            "Elements that are nested deeper than the limit",
            4004,
            "the SOAP part has elements more than 32 levels deep (depth)",
            CANCEL.operation(lambda inside: "<x>" * 40 + "</x>" * 40),
            "All that a peer can make grow is limited; `Limits(depth=…)` changes it.",
        ),
        accepted(
            "No XML declaration, comments, CDATA",
            [
                SUBMIT.swap('<?xml version="1.0" encoding="UTF-8"?>\r\n', ""),
                SUBMIT.swap("<env:Body>", "<!-- of our gateway --><env:Body>"),
                SUBMIT.swap("<mm7:VASPID>acme<", "<mm7:VASPID><![CDATA[acme]]><"),
            ],
            "XML allows it.",
            parse=SUBMITTED,
        ),
        accepted(
            "Prefixes that are made anew, or the default namespace",
            [
                SUBMIT.swap(b"mm7:", b"mm7p6a0:", times=SUBMIT.body.count(b"mm7:")).swap(
                    "xmlns:mm7=", "xmlns:mm7p6a0=", times=2
                ),
                SUBMIT.operation(lambda inside: without_prefixes(inside).replace("xmlns:mm7=", "xmlns=")),
                SUBMIT.swap(b"env:", b"soap-env:", times=SUBMIT.body.count(b"env:")).swap(
                    "xmlns:env=", "xmlns:soap-env="
                ),
            ],
            "A prefix means nothing by itself. The answer repeats that of the operation.",
            known="Nokia",
            parse=SUBMITTED,
        ),
        accepted(
            "An `encodingStyle`, or an empty `actor`, on TransactionID or Envelope; `xsi:type` on elements",
            [
                marked(' env:mustUnderstand="1" env:actor="" env:encodingStyle=""'),
                SUBMIT.swap(
                    "<env:Envelope ", f'<env:Envelope env:encodingStyle="{SOAP.replace("envelope", "encoding")}" '
                ),
                SUBMIT.swap(
                    "<mm7:VASPID>",
                    '<mm7:VASPID xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
                    'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xsi:type="xsd:string">',
                ),
            ],
            "SOAP 1.1 and XML Schema allow it.",
            known="Axis, Nokia",
            parse=SUBMITTED,
        ),
        accepted(
            "`mustUnderstand` on the operation",
            SUBMIT.swap("<mm7:SubmitReq ", '<mm7:SubmitReq env:mustUnderstand="1" '),
            "SOAP 1.1 gives it a meaning in Header only.",
            known="China Mobile",
            parse=SUBMITTED,
        ),
        accepted(
            "Header blocks of others",
            [
                transaction(unknown_block.format("")),
                transaction(unknown_block.format(' env:mustUnderstand="0"')),
                transaction(unknown_block.format(' env:mustUnderstand="1" env:actor="urn:someone-else"')),
            ],
            "What is not marked for us need not be understood (SOAP 1.1, 4.2.3).",
            parse=SUBMITTED,
        ),
        refused(
            "A header block of others that has to be understood",
            "MustUnderstand",
            "the header block 'Trace' has to be understood and is not",
            transaction(unknown_block.format(' env:mustUnderstand="1"')),
            "SOAP 1.1, 4.2.3 says what to answer.",
        ),
        # TransactionID
        mended(
            'A TransactionID without mustUnderstand, with it in no namespace, or with `"0"`',
            "transaction-unmarked",
            [shown("transaction-unmarked"), marked(' mustUnderstand="1"'), marked(' env:mustUnderstand="0"')],
            "We understand it in any case.",
            known="China Mobile",
            parse=SUBMITTED,
        ),
        accepted(
            "A TransactionID with white space around it",
            [
                SUBMIT.swap(">tid-4711<", ">\r\n  tid-4711\t\r\n<"),
                SUBMIT.swap(">tid-4711<", "> tid-4711 <"),
            ],
            "The answer has it without; no peer is known to compare the white space.",
            known="the example of TS 23.140 itself, Korean clients",
            parse=SUBMITTED,
        ),
        mended(
            "A TransactionID in no namespace",
            "namespace-missing",
            transaction('<TransactionID env:mustUnderstand="1">tid-4711</TransactionID>'),
            "No other block has that name.",
            parse=SUBMITTED,
        ),
        mended(
            "A TransactionID in another MM7 namespace than the operation",
            "namespace-mixed",
            shown("namespace-mixed"),
            "Names are the same in all of them. The answer has each in its own.",
            known="Momentum",
            parse=SUBMITTED,
        ),
        mended(
            "A TransactionID in a namespace that is none of MM7's",
            "namespace-foreign namespace-mixed",
            [
                transaction(TRANSACTION.replace(MM7, "urn:acme")),
                transaction(TRANSACTION.replace(MM7, "urn:xml-MM7Header")),
            ],
            "It is the only block of that name.",
            known="Vodafone's servers before the standard",
            parse=SUBMITTED,
        ),
        refused(
            "No TransactionID, an empty one, or text in Header without an element",
            "Client.TransactionID",
            "the TransactionID is missing or empty",
            [
                transaction(""),
                SUBMIT.swap(">tid-4711<", "> \r\n <"),
                transaction("tid-4711"),
                SUBMIT.swap(f"<env:Header>\r\n{TRANSACTION}\r\n</env:Header>\r\n", ""),
            ],
            "The answer would name no request; the specification says what to answer.",
            known="Celcom",
        ),
        refused(
            "Two TransactionID",
            "Client.TransactionID",
            "there is more than one TransactionID",
            transaction(TRANSACTION + TRANSACTION.replace("tid-4711", "tid-4712")),
            "Either may be meant.",
        ),
        accepted(
            "One TransactionID for several messages: one for each recipient, or any within one second",
            [
                SUBMIT.swap("+12025550101", "+12025550102"),
                SUBMIT.swap("+12025550101", "+12025550102")
                .swap("mm7_outer", "_boundary_552542310_1795353548", times=3)
                .retyped("mm7_outer", "_boundary_552542310_1795353548"),
            ],
            "A `TransactionLog` or a `Spool` accepts each as a message of its own, unless `reuse` is `refuse`. The "
            "same again, with another boundary, other references to its parts and another TimeStamp, is a repeat.",
            known="Mbuni",
            parse=submitted(
                recipients=Recipients(
                    to=(Address("+12025550102"),), cc=(Address("reader@news.example", AddressKind.RFC2822),)
                )
            ),
        ),
        accepted(
            "Reports under the TransactionID of the submission",
            REPORT,
            "Each that says something else is a report of its own. One that differs in its Date alone is a repeat.",
            known="Vibes, Telstra's client, vectorcore",
            parse=REPORTED,
        ),
        # namespaces
        mended(
            "White space in the name of the MM7 namespace: behind it, before it, a line break in it",
            "namespace-blanks",
            [
                shown("namespace-blanks"),
                mm7_namespace("\r\n" + MM7),
                mm7_namespace(MM7.replace("23_series/", "23_series/\r\n")),
            ],
            "No name of a namespace has any. The answer has it without.",
            known="China Unicom's simulators, Skycore",
            parse=SUBMITTED,
        ),
        mended(
            "A namespace that names MM7 but is none of 3GPP's",
            "namespace-foreign",
            [
                mm7_namespace(SCHEMA + "REL-6-MM7-6-7"),
                mm7_namespace(MM7 + ".xsd"),
                mm7_namespace(MM7.replace("http:", "https:")),
                shown("namespace-foreign"),
                mm7_namespace("urn:MM7Submit.Req"),
            ],
            "It says that MM7 is meant; names are the same in all of them.",
            known="TS 23.140's annex, Momentum, Fibernetics, Vodafone's servers before the standard",
            parse=SUBMITTED,
        ),
        refused(
            "A namespace that does not name MM7",
            4002,
            "SubmitReq is in urn:acme, which is no namespace of MM7",
            operation_namespace("urn:acme"),
            "It may be anything.",
        ),
        mended(
            "An operation, and all that is in it, in no namespace",
            "namespace-missing",
            [
                shown("namespace-missing"),
                SUBMIT.operation(lambda inside: without_prefixes(inside).replace(f' xmlns:mm7="{MM7}"', "")),
            ],
            "Their names are MM7's.",
            known="China Mobile, Skycore",
            parse=SUBMITTED,
        ),
        mended(
            "An operation in its namespace, and what is in it in none",
            "namespace-missing",
            SUBMIT.operation(unqualified_children),
            "Their names are MM7's.",
            known="vectorcore, Skycore",
            parse=SUBMITTED,
        ),
        mended(
            "An operation whose children are in another MM7 namespace",
            "namespace-mixed",
            SUBMIT.swap("<mm7:Priority>", f'<mm7:Priority xmlns:mm7="{OTHER_MM7}">'),
            "Names are the same in all of them.",
            parse=SUBMITTED,
        ),
        accepted(
            "Any MM7Version of the schema under any of its namespaces",
            [
                version("5.3.0"),
                version("5.3.0").swap(f'"{MM7}"', f'"{SCHEMA}REL-5-MM7-1-0"', times=2),
                version("5.3.0").swap(f'"{MM7}"', f'"{SCHEMA}REL-6-MM7-1-0"', times=2),
            ],
            "The one does not follow from the other.",
            known="Vibes, Skycore",
            parse=SUBMITTED.but(mm7_version="5.3.0"),
        ),
        mended(
            "An MM7Version that the schema does not list, but the specification uses",
            "version-unlisted",
            shown("version-unlisted"),
            "The version changes nothing in how we read. The answer repeats it.",
            known="the examples of TS 23.140, instantcom",
            parse=SUBMITTED.but(mm7_version="6.7.0"),
        ),
        mended(
            "The version of the peer's own interface in MM7Version",
            "version-unlisted",
            version("1.6"),
            "The version changes nothing in how we read. The answer repeats it.",
            known="KTF",
            parse=SUBMITTED.but(mm7_version="1.6"),
        ),
        # operations
        refused(
            "An operation that MM7 does not have, or of an extension",
            4003,
            "\u2026 is no request of MM7",
            [
                SUBMIT.swap("mm7:SubmitReq", "mm7:SubmitRequest", times=2),
                in_body(f'<q:QueryStatusReq xmlns:q="{MM7}"/>'),
                in_body('<o:GetDeviceProfileReq xmlns:o="http://www.openwave.com/mms/mm7_extensions/1-0"/>'),
                CANCEL.swap("mm7:CancelReq", "mm7:CancelRsp", times=2),
            ],
            "There is nothing to hand to the application.",
            known="Liberty, Openwave",
        ),
        # answers
        answer(
            mended(
                "the error element in Body by itself, not in the detail of a Fault",
                "error-unwrapped",
                in_body(ERROR_XML),
                "It says the same.",
                known="KTF, SKT",
                parse=Parse("tid-4711", ERROR),
            )
        ),
        answer(
            accepted(
                "a Fault with an empty Header",
                [
                    FAULT.swap(f"{TRANSACTION}\r\n", ""),
                    FAULT.swap(f"<env:Header>\r\n{TRANSACTION}\r\n</env:Header>", "<env:Header/>"),
                ],
                "The request may have been refused before its TransactionID was read.",
                parse=FAULT_ANSWERED._replace(transaction_id=None),
            )
        ),
        answer(
            mended(
                "no Header in a Fault, no TransactionID or an empty one, or text in Header without an element",
                "transaction-missing",
                [
                    FAULT.swap(f"<env:Header>\r\n{TRANSACTION}\r\n</env:Header>\r\n", ""),
                    FAULT.swap(">tid-4711<", "><"),
                    FAULT.swap(TRANSACTION, "tid-4711"),
                ],
                "It came on the connection of the request.",
                known="vectorcore, Axis, KTF, Celcom",
                parse=FAULT_ANSWERED._replace(transaction_id=None),
            )
        ),
        answer(
            accepted(
                "a faultcode with any prefix or none",
                [
                    FAULT.swap("env:Client", "soapenv:Client"),
                    FAULT.swap("env:Client", "Client"),
                ],
                "What counts is behind it.",
                parse=FAULT_ANSWERED,
            )
        ),
        answer(
            accepted(
                "faultcode and faultstring in the namespace of SOAP",
                FAULT.swap("faultcode>", "env:faultcode>", times=2).swap("faultstring>", "env:faultstring>", times=2),
                "They are known by their names.",
                parse=FAULT_ANSWERED,
            )
        ),
        answer(
            accepted(
                "a Fault without detail, or with an empty one",
                [
                    FAULT.swap(crlf(f"<detail>\n{ERROR_XML}</detail>\n"), ""),
                    FAULT.swap(crlf(f"<detail>\n{ERROR_XML}</detail>"), "<detail/>"),
                ],
                "SOAP 1.1 allows it. There is no status code, then.",
                known="vectorcore",
                parse=FAULT_ANSWERED.but(error=None),
            )
        ),
        answer(
            accepted(
                "a Fault inside a multipart",
                Message(SUBMIT_TYPE, multipart(part(ROOT_HEADERS, FAULT.body))),
                "SOAP Messages with Attachments allows it.",
                parse=FAULT_ANSWERED,
            )
        ),
        answer(
            mended(
                "all in no namespace",
                "namespace-missing",
                SUBMIT_RSP.operation(without_prefixes),
                "The names are MM7's.",
                known="Skycore",
                parse=SUBMIT_ANSWERED,
            )
        ),
        answer(
            accepted(
                "a SubmitRsp to a DeliverReq",
                SUBMIT_RSP,
                "It says whether it was done.",
                known="Celcom",
                parse=SUBMIT_ANSWERED,
            )
        ),
        answer(
            refused(
                "MM7Version, Status and MessageID in Body by themselves",
                4004,
                "the SOAP Body has 3 elements; one is wanted",
                SUBMIT_RSP.operation(
                    lambda inside: (
                        re.sub(r"</?mm7:SubmitRsp[^>]*>", "", inside).replace("<mm7:", "<").replace("</mm7:", "</")
                    )
                ),
                "Which response it is, nobody says.",
                known="an example of TS 23.140 5.x",
            )
        ),
        answer(
            refused(
                "nothing at all",
                4004,
                "the SOAP part is not well-formed XML: no element found: line 1, column 0",
                bare(""),
                "Whether it was done, nobody says.",
            )
        ),
    ]


# -- elements


SENDER_ADDRESS = "<mm7:SenderAddress><mm7:ShortCode>72550</mm7:ShortCode></mm7:SenderAddress>"
VERSION_ELEMENT = "<mm7:MM7Version>6.8.0</mm7:MM7Version>"
SUBJECT_ELEMENT = "<mm7:Subject>\u4e2d\u6587 \u0394</mm7:Subject>"
PRIORITY_ELEMENT = "<mm7:Priority>Normal</mm7:Priority>"
DATE_ELEMENT = "<mm7:Date>2030-01-02T09:30:47Z</mm7:Date>"
RECIPIENT_ELEMENT = "<mm7:Recipient><mm7:Number>+12025550101</mm7:Number></mm7:Recipient>"
TO_ELEMENT = "<mm7:To><mm7:Number>+12025550101</mm7:Number></mm7:To>"
CC_ELEMENT = "<mm7:Cc><mm7:RFC2822Address>reader@news.example</mm7:RFC2822Address></mm7:Cc>"
IDS_ELEMENTS = "<mm7:VASPID>acme</mm7:VASPID>\r\n<mm7:VASID>news</mm7:VASID>\r\n"
IDENTIFICATION_START = f"<mm7:SenderIdentification>\r\n{IDS_ELEMENTS}"
REPORT_SENDER = "<mm7:Sender><mm7:ShortCode>72550</mm7:ShortCode></mm7:Sender>"
IDENTIFICATION = f"<mm7:SenderIdentification>\r\n{IDS_ELEMENTS}</mm7:SenderIdentification>\r\n"


def vectorcore(name: str, inside: str) -> Message:
    """A request in the manner of vectorcore: only the outermost element has a namespace."""
    return bare(
        f"""\
<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="{SOAP}" xmlns:mm7="{SCHEMA}REL-5-MM7-1-0"><soapenv:Header>\
<mm7:TransactionID soapenv:mustUnderstand="1">tid-4711</mm7:TransactionID></soapenv:Header><soapenv:Body>\
<mm7:{name}><MM7Version>5.3.0</MM7Version>{inside}</mm7:{name}></soapenv:Body></soapenv:Envelope>""",
        "text/xml; charset=utf-8",
    )


VECTORCORE_DELIVER = Message(
    "multipart/related; boundary=3f9c1f0a7d5b4e8c9a6b",
    multipart(
        part(
            ["Content-Type: text/xml; charset=utf-8"],
            vectorcore(
                "DeliverReq",
                "<MessageID>m-0815</MessageID><SenderAddress><Number>+12025550101</Number></SenderAddress>"
                "<Recipients><To><Number>72550</Number></To></Recipients><Subject>Moon</Subject>"
                '<Content href="cid:message-content"></Content>',
            ).body,
        ),
        part(["Content-Type: image/gif", "Content-Id: <message-content>"], GIF),
        boundary=b"3f9c1f0a7d5b4e8c9a6b",
    ),
)


def more(xml: str, message: Message = SUBMIT, before: str = PRIORITY_ELEMENT) -> Message:
    """A message with this before one of its elements."""
    return message.swap(before, xml + before)


def _elements() -> list[Quirk]:
    vendor = Element("X-ACME-Code", MM7, text="1")
    reply_charging = ReplyCharging(reply_charging_size=1024, reply_deadline=Duration(delta=timedelta(days=7)))
    return [
        mended(
            "Elements in another order than the schema's",
            "element-order",
            [
                shown("element-order"),
                SUBMIT.swap(f"{VERSION_ELEMENT}\r\n", "").swap(
                    "<mm7:MessageClass>", f"{VERSION_ELEMENT}<mm7:MessageClass>"
                ),
                SUBMIT.swap(f"{TO_ELEMENT}\r\n{CC_ELEMENT}", f"{CC_ELEMENT}{TO_ELEMENT}"),
            ],
            "An element is known by its name.",
            known="Skycore, KTF, mbuni",
            parse=SUBMITTED,
        ),
        mended(
            "Two SenderAddress",
            "element-repeated",
            SUBMIT.swap(SENDER_ADDRESS, SENDER_ADDRESS + SENDER_ADDRESS.replace("72550", "72551")),
            "The schema has one. The first counts.",
            known="Axis clients",
            parse=SUBMITTED,
        ),
        mended(
            "Another element twice that can be there once",
            "element-repeated",
            shown("element-repeated"),
            "The first counts.",
            parse=SUBMITTED,
        ),
        mended(
            "Two addresses in a SenderAddress",
            "element-repeated",
            SUBMIT.swap("72550</mm7:ShortCode>", "72550</mm7:ShortCode><mm7:Number>+12025550101</mm7:Number>"),
            "The schema has one. The first counts.",
            parse=SUBMITTED,
        ),
        mended(
            "Two Recipients",
            "element-repeated",
            SUBMIT.swap(f"{TO_ELEMENT}\r\n{CC_ELEMENT}", f"{TO_ELEMENT}</mm7:Recipients><mm7:Recipients>{CC_ELEMENT}"),
            "The addresses of both count: else a recipient would be lost.",
            parse=SUBMITTED,
        ),
        mended(
            "Two To, or two Cc",
            "element-repeated",
            SUBMIT.swap(TO_ELEMENT, TO_ELEMENT + TO_ELEMENT.replace("0101", "0102")),
            "The addresses of both count: else a recipient would be lost.",
            parse=submitted(
                recipients=Recipients(
                    to=(Address("+12025550101"), Address("+12025550102")),
                    cc=(Address("reader@news.example", AddressKind.RFC2822),),
                )
            ),
        ),
        mended(
            "Sender for SenderAddress",
            "element-renamed",
            shown("element-renamed"),
            "It is what DeliverReq calls it.",
            known="Fibernetics",
            parse=SUBMITTED,
        ),
        mended(
            "Sender in a SubmitReq, beside SenderIdentification",
            "element-misplaced element-renamed",
            SUBMIT.swap(SENDER_ADDRESS + "\r\n", "").swap(
                "<mm7:Recipients>", SENDER_ADDRESS.replace("SenderAddress", "Sender") + "<mm7:Recipients>"
            ),
            "It is what DeliverReq calls it, where DeliverReq has it.",
            known="Fibernetics",
            parse=SUBMITTED,
        ),
        mended(
            "Sender around SenderAddress",
            "element-misplaced element-renamed",
            SUBMIT.swap(SENDER_ADDRESS, f"<mm7:Sender>{SENDER_ADDRESS}</mm7:Sender>"),
            "There is one address in it.",
            known="Fibernetics",
            parse=SUBMITTED,
        ),
        mended(
            "VASPID and VASID in a CancelReq beside SenderIdentification, or in its place",
            "element-misplaced",
            [
                CANCEL.swap(IDENTIFICATION, IDS_ELEMENTS),
                CANCEL.swap(IDENTIFICATION, f"<mm7:SenderIdentification/>{IDS_ELEMENTS}"),
                CANCEL.swap(IDENTIFICATION, "").swap("</mm7:CancelReq>", f"{IDS_ELEMENTS}</mm7:CancelReq>"),
            ],
            "No other element of the message has these names.",
            known="vectorcore",
            parse=CANCELLED,
        ),
        mended(
            "VASPID and VASID in a ReplaceReq without SenderIdentification",
            "element-misplaced",
            REPLACE.swap(IDENTIFICATION, IDS_ELEMENTS),
            "No other element of the message has these names.",
            known="vectorcore",
            parse=REPLACED,
        ),
        mended(
            "VASPID, VASID and SenderAddress in a SubmitReq without SenderIdentification",
            "element-misplaced",
            SUBMIT.swap("<mm7:SenderIdentification>", "").swap("</mm7:SenderIdentification>", ""),
            "All that it would hold is there.",
            parse=SUBMITTED,
        ),
        mended(
            "SenderIdentification in a DeliverReq, around VASPID and VASID",
            "element-misplaced",
            DELIVER.swap(IDS_ELEMENTS, IDENTIFICATION),
            "It is what SubmitReq has.",
            known="China Unicom's simulators",
            parse=DELIVERED,
        ),
        mended(
            "An element of another operation: ServiceCode in a DeliverReq",
            "element-unknown",
            DELIVER.swap("<mm7:LinkedID>", "<mm7:ServiceCode>news</mm7:ServiceCode><mm7:LinkedID>"),
            "It is kept in `message.extensions`.",
            known="China Unicom's simulators",
            parse=DELIVERED.but(extensions=(Element("ServiceCode", MM7, text="news"),)),
        ),
        mended(
            "A recipient in Recipients by itself, not in To",
            "element-misplaced",
            [
                shown("element-misplaced"),
                SUBMIT.swap(f"{TO_ELEMENT}\r\n{CC_ELEMENT}", f"{CC_ELEMENT}<mm7:Number>+12025550101</mm7:Number>"),
            ],
            "It is read as To.",
            parse=SUBMITTED,
        ),
        mended(
            "Recipients for Recipient in a report",
            "element-renamed",
            REPORT.swap("mm7:Recipient>", "mm7:Recipients>", times=2),
            "A report has one recipient, under either name.",
            known="a codec in C",
            parse=REPORTED,
        ),
        mended(
            "Recipients and To for Recipient in a report",
            "element-renamed element-misplaced",
            REPORT.swap(RECIPIENT_ELEMENT, f"<mm7:Recipients>{TO_ELEMENT}</mm7:Recipients>"),
            "A report has one recipient, under either name.",
            parse=REPORTED,
        ),
        mended(
            "TimeStamp for Date in a delivery report",
            "element-renamed",
            REPORT.swap(DATE_ELEMENT, DATE_ELEMENT.replace("Date>", "TimeStamp>")),
            "It is what the first mapping table and read replies call it.",
            known="China Unicom's simulators",
            parse=REPORTED,
        ),
        mended(
            "A misspelt element: MMSReplayServerID",
            "element-renamed",
            DELIVER.swap("mm7:MMSRelayServerID", "mm7:MMSReplayServerID", times=2),
            "The misspelling is known.",
            known="China Mobile",
            parse=DELIVERED,
        ),
        mended(
            "A misspelt attribute: allowAdaptions",
            "element-renamed",
            SUBMIT.swap("<mm7:Content ", '<mm7:Content allowAdaptions="false" '),
            "The misspelling is known.",
            known="China Mobile",
            parse=submitted(content=Content(href="cid:content@acme.example", allow_adaptations=False)),
        ),
        mended(
            "An attribute in other capitals: displayonly",
            "element-renamed",
            SUBMIT.swap("<mm7:Number>", '<mm7:Number displayonly="true">'),
            "The misspelling is known.",
            known="Skycore's documents",
            parse=submitted(
                recipients=Recipients(
                    to=(Address("+12025550101", display_only=True),),
                    cc=(Address("reader@news.example", AddressKind.RFC2822),),
                )
            ),
        ),
        mended(
            "Children for the attributes of ReplyCharging",
            "element-misplaced",
            more(
                "<mm7:ReplyCharging><mm7:ReplyChargingSize>1024</mm7:ReplyChargingSize>"
                "<mm7:ReplyDeadline>P7D</mm7:ReplyDeadline></mm7:ReplyCharging>",
                before="<mm7:DeliveryReport>",
            ),
            "They have the names of the attributes.",
            known="a codec in C",
            parse=submitted(reply_charging=reply_charging),
        ),
        mended(
            "Text in ReplyCharging, which has to be empty",
            "text-stray",
            shown("text-stray"),
            "That the element is there says all.",
            parse=submitted(reply_charging=ReplyCharging()),
        ),
        mended(
            "An attribute of MM7 with the prefix of its element",
            "attribute-qualified",
            shown("attribute-qualified"),
            "The element has no other attribute of that name.",
            known="xmmc",
            parse=SUBMITTED,
        ),
        mended(
            "A vendor's element in the namespace of MM7",
            "element-unknown",
            shown("element-unknown"),
            "It is kept in `message.extensions`.",
            known="SKT, KTF, China Unicom",
            parse=submitted(extensions=(vendor,)),
        ),
        mended(
            "A vendor's element in a namespace of its own",
            "element-unknown",
            more('<skt:X-SKT-Code xmlns:skt="http://vmg.acme.example/skt-schema.xsd">1</skt:X-SKT-Code>'),
            "It is kept in `message.extensions`.",
            known="SKT",
            parse=submitted(extensions=(Element("X-SKT-Code", "http://vmg.acme.example/skt-schema.xsd", text="1"),)),
        ),
        mended(
            "An element with a name of MM7's in a namespace of others",
            "element-unknown",
            more('<x:Subject xmlns:x="urn:acme">x</x:Subject>'),
            "It is not MM7's. It is kept in `message.extensions`.",
            parse=submitted(extensions=(Element("Subject", "urn:acme", text="x"),)),
        ),
        accepted(
            "Extension, with anything in it",
            more("<mm7:Extension><x:y xmlns:x='urn:x'>1</x:y></mm7:Extension>", before="<mm7:Recipients>"),
            "It is the schema's own place for what it does not know; it is kept in `message.extensions`.",
            parse=submitted(extensions=(Element("Extension", MM7, children=[Element("y", "urn:x", text="1")]),)),
        ),
        mended(
            "No SenderIdentification in a CancelReq",
            "element-missing",
            shown("element-missing", "cancel"),
            "The MessageID says which message is meant, and the credentials say whose it is.",
            known="vectorcore",
            parse=CANCELLED.but(sender_identification=SenderIdentification()),
        ),
        mended(
            "No SenderIdentification in a ReplaceReq",
            "element-missing",
            REPLACE.swap(IDENTIFICATION, ""),
            "The MessageID says which message is meant, and the credentials say whose it is.",
            known="vectorcore",
            parse=REPLACED.but(sender_identification=SenderIdentification()),
        ),
        mended(
            "No SenderIdentification in a SubmitReq",
            "element-missing",
            SUBMIT.swap(f"{IDENTIFICATION_START}{SENDER_ADDRESS}\r\n</mm7:SenderIdentification>\r\n", ""),
            "The credentials say who sends.",
            known="a sender in Python",
            parse=submitted(sender_identification=SenderIdentification()),
        ),
        mended(
            "No MM7Version in a request, or an empty one",
            "element-missing",
            [
                shown("element-missing"),
                SUBMIT.swap(VERSION_ELEMENT, ""),
                SUBMIT.swap(VERSION_ELEMENT, "<mm7:MM7Version/>"),
            ],
            "The answer has the newest version of the namespace.",
            parse=submitted(mm7_version=""),
        ),
        mended(
            "Neither Sender nor Date in a delivery report, or empty ones",
            "element-missing",
            [
                REPORT.swap(DATE_ELEMENT, "").swap(REPORT_SENDER, ""),
                REPORT.swap(DATE_ELEMENT, "<mm7:Date/>").swap(REPORT_SENDER, "<mm7:Sender> </mm7:Sender>"),
            ],
            "It says which message is meant, whose copy, and what became of it.",
            known="vectorcore",
            parse=REPORTED.but(sender=None, date=None),
        ),
        mended(
            "StatusCode in the place of MMStatus in a delivery report",
            "element-renamed value-unlisted",
            REPORT.swap("<mm7:MMStatus>Retrieved</mm7:MMStatus>", "<mm7:StatusCode>1000</mm7:StatusCode>"),
            "It says what became of the message. What a number means is between the two sides, so it is kept as text.",
            known="China Mobile's client",
            parse=REPORTED.but(mm_status="1000"),
        ),
        mended(
            "A delivered message as vectorcore sends it: SenderAddress for Sender, and a MessageID",
            "namespace-missing element-renamed element-unknown",
            VECTORCORE_DELIVER,
            "There is one address that it can be from.",
            known="vectorcore",
            parse=Parse(
                "tid-4711",
                DeliverReq(
                    mm7_version="5.3.0",
                    sender=Address("+12025550101"),
                    recipients=Recipients(to=(Address("72550"),)),
                    subject="Moon",
                    content=Content(href="cid:message-content"),
                    extensions=(Element("MessageID", text="m-0815"),),
                ),
                Piece(headers("Content-Type: image/gif", "Content-Id: <message-content>"), GIF),
            ),
        ),
        mended(
            "A delivery report as vectorcore sends it: without Sender and Date",
            "namespace-missing element-missing",
            vectorcore(
                "DeliveryReportReq",
                "<MessageID>m-0815</MessageID><Recipient><Number>+12025550101</Number></Recipient>"
                "<MMStatus>Retrieved</MMStatus><StatusText>Delivered</StatusText>",
            ),
            "It says which message is meant, whose copy, and what became of it.",
            known="vectorcore",
            parse=Parse(
                "tid-4711",
                DeliveryReportReq(
                    mm7_version="5.3.0",
                    message_id="m-0815",
                    recipient=Address("+12025550101"),
                    sender=None,
                    date=None,
                    mm_status=DeliveryStatus.RETRIEVED,
                    status_text="Delivered",
                ),
            ),
        ),
        mended(
            "A read reply as vectorcore sends it: without Sender and TimeStamp",
            "namespace-missing element-missing",
            vectorcore(
                "ReadReplyReq",
                "<MessageID>m-0815</MessageID><Recipient><Number>+12025550101</Number></Recipient>"
                "<MMStatus>Read</MMStatus>",
            ),
            "It says which message was read, and by whom.",
            known="vectorcore",
            parse=Parse(
                "tid-4711",
                ReadReplyReq(
                    mm7_version="5.3.0",
                    message_id="m-0815",
                    recipient=Address("+12025550101"),
                    sender=None,
                    time_stamp=None,
                    mm_status=ReadStatus.READ,
                ),
            ),
        ),
        mended(
            "A name in other capitals: statusText, MessageId, VaspID, submitReq",
            "element-renamed",
            [
                SUBMIT.swap("mm7:VASPID>", "mm7:VaspID>", times=2),
                SUBMIT.swap("mm7:SubmitReq", "mm7:submitReq", times=2),
                SUBMIT.swap("mm7:Recipients>", "mm7:recipients>", times=2).swap("mm7:Cc>", "mm7:CC>", times=2),
                SUBMIT.swap("mm7:Number>", "mm7:number>", times=2).swap(" href=", " HREF="),
                SUBMIT.swap("mm7:TransactionID", "mm7:TransactionId", times=2),
            ],
            "No two names of the schema differ in their capitals alone. Where the right one is there too, it counts.",
            known="Vibes, with statusText",
            parse=SUBMITTED,
        ),
        mended(
            "RFC822Address for RFC2822Address",
            "element-renamed",
            SUBMIT.swap("mm7:RFC2822Address>", "mm7:RFC822Address>", times=2),
            "It is the older number of the same standard. To pass over it would lose a recipient.",
            known="instantcom",
            parse=SUBMITTED,
        ),
        mended(
            "To or Cc beside Recipients, not in it",
            "element-misplaced",
            [
                SUBMIT.swap(f"{CC_ELEMENT}\r\n</mm7:Recipients>", f"</mm7:Recipients>{CC_ELEMENT}"),
                SUBMIT.swap("<mm7:Recipients>", "").swap("</mm7:Recipients>", ""),
            ],
            "To pass over it would lose a recipient.",
            parse=SUBMITTED,
        ),
        accepted(
            "An empty SenderIdentification, or one without VASPID",
            CANCEL.swap(IDS_ELEMENTS, ""),
            "The schema allows it; the credentials say who sends.",
            parse=CANCELLED.but(sender_identification=SenderIdentification()),
        ),
        refused(
            "Another mandatory element missing",
            4004,
            "\u2026: \u2026 is missing",
            [
                CANCEL.swap("<mm7:MessageID>m-0815</mm7:MessageID>", ""),
                REPORT.swap("<mm7:MessageID>m-0815</mm7:MessageID>", ""),
                REPORT.swap(RECIPIENT_ELEMENT, ""),
                REPORT.swap("<mm7:MMStatus>Retrieved</mm7:MMStatus>", ""),
                DELIVER.swap("<mm7:Sender><mm7:Number>+12025550101</mm7:Number></mm7:Sender>", ""),
            ],
            "What it says cannot be known.",
        ),
        refused(
            "A mandatory element missing, and one there whose name is nearly the same",
            4004,
            "CancelReq: MessageID is missing; is 'MesageID' meant?",
            CANCEL.swap("mm7:MessageID>", "mm7:MesageID>", times=2),
            "What it says can be guessed, not known.",
        ),
        refused(
            "A report of two recipients",
            2002,
            "DeliveryReportReq/\u2026recipient\u2026",
            [
                REPORT.swap(
                    RECIPIENT_ELEMENT,
                    RECIPIENT_ELEMENT.replace("</mm7:Number>", "</mm7:Number><mm7:Number>2</mm7:Number>"),
                ),
                REPORT.swap(RECIPIENT_ELEMENT, RECIPIENT_ELEMENT + RECIPIENT_ELEMENT.replace("0101", "0102")),
            ],
            "A report has one recipient. What became of the other's copy would be lost.",
        ),
        refused(
            "An element among recipients that may be one and cannot be read: with elements in it, or of a vendor",
            2002,
            "SubmitReq/Recipients/\u2026",
            [
                SUBMIT.swap(CC_ELEMENT, f"<mm7:Phone>{CC_ELEMENT}</mm7:Phone>"),
                SUBMIT.swap(CC_ELEMENT, '<x:Number xmlns:x="urn:acme">+12025550102</x:Number>'),
                SUBMIT.swap(CC_ELEMENT, "<mm7:Extension>+12025550102</mm7:Extension>"),
                SUBMIT.swap(CC_ELEMENT, '<mm7:Phone number="+12025550102"/>'),
                SUBMIT.swap(CC_ELEMENT, '<mm7:Cc number="+12025550102"/>'),
            ],
            "To pass over it would lose a recipient.",
        ),
        refused(
            "Recipients where they have no place: in another element, in a ReplaceReq, under a misspelt name",
            2002,
            "\u2026: it may hold recipients, and they have no place here",
            [
                more(f"<mm7:Recipents>{CC_ELEMENT}</mm7:Recipents>"),
                SUBMIT.swap("<mm7:SenderIdentification>", f"<mm7:SenderIdentification>{CC_ELEMENT}"),
                REPLACE.swap("<mm7:Content", f"<mm7:Recipients>{CC_ELEMENT}</mm7:Recipients><mm7:Content"),
            ],
            "To pass over them would lose a recipient, or replace the message for others too.",
        ),
        refused(
            "No recipient",
            2002,
            "SubmitReq/Recipients holds no To, Cc or Bcc with an address",
            [
                SUBMIT.swap(f"{TO_ELEMENT}\r\n{CC_ELEMENT}\r\n", ""),
                SUBMIT.swap(f"<mm7:Recipients>\r\n{TO_ELEMENT}\r\n{CC_ELEMENT}\r\n</mm7:Recipients>", ""),
                SUBMIT.swap(f"{TO_ELEMENT}\r\n{CC_ELEMENT}\r\n", "<mm7:To/>"),
            ],
            "The message is to nobody.",
        ),
        refused(
            "A text in Recipients, beside To",
            2002,
            "SubmitReq/Recipients: it holds text beside its \u2026",
            SUBMIT.swap("<mm7:Recipients>", "<mm7:Recipients>+12025550102"),
            "The text may be another recipient.",
        ),
        refused(
            "More recipients than the limit",
            2002,
            "there are more than 10000 recipients (recipients)",
            SUBMIT.swap(TO_ELEMENT, f"<mm7:To>{'<mm7:Number>1</mm7:Number>' * 10_001}</mm7:To>"),
            "All that a peer can make grow is limited; `Limits(recipients=…)` changes it.",
        ),
        answer(
            mended(
                "Status before MM7Version, or ServiceCode before Status",
                "element-order",
                [
                    DELIVER_RSP.swap(VERSION_ELEMENT + "\r\n", "").swap(
                        "</mm7:Status>", f"</mm7:Status>{VERSION_ELEMENT}"
                    ),
                    DELIVER_RSP.swap("<mm7:ServiceCode>news-daily</mm7:ServiceCode>", "").swap(
                        "<mm7:Status>", "<mm7:ServiceCode>news-daily</mm7:ServiceCode><mm7:Status>"
                    ),
                ],
                "An element is known by its name.",
                known="Korean operators, China Mobile",
                parse=DELIVER_ANSWERED,
            )
        ),
        answer(
            mended(
                "MessageID in a DeliverRsp",
                "element-unknown",
                DELIVER_RSP.swap("<mm7:ServiceCode>", "<mm7:MessageID>m-0815</mm7:MessageID><mm7:ServiceCode>"),
                "It is kept in `extensions`.",
                known="vectorcore",
                parse=DELIVER_ANSWERED.but(extensions=(Element("MessageID", MM7, text="m-0815"),)),
            )
        ),
        answer(
            mended(
                "ApplicID and ReplyApplicID in a SubmitRsp",
                "element-unknown",
                SUBMIT_RSP.swap("</mm7:SubmitRsp>", "<mm7:ApplicID>a</mm7:ApplicID></mm7:SubmitRsp>"),
                "They are kept in `extensions`.",
                parse=SUBMIT_ANSWERED.but(extensions=(Element("ApplicID", MM7, text="a"),)),
            )
        ),
        answer(
            mended(
                "no StatusText",
                "element-missing",
                SUBMIT_RSP.swap("<mm7:StatusText>Success</mm7:StatusText>\r\n", ""),
                "The code says it.",
                parse=SUBMIT_ANSWERED.but(status=Status(status_code=StatusCode.SUCCESS)),
            )
        ),
        answer(
            mended(
                "MM7VASPErrorRsp, VaspErrorRsp or RsErrorRsp for the error in a Fault",
                "element-renamed",
                [
                    FAULT.swap("mm7:RSErrorRsp", "mm7:RsErrorRsp", times=2),
                    FAULT.swap("mm7:RSErrorRsp", "mm7:MM7RSErrorRsp", times=2),
                ],
                "No other response has a name like it.",
                known="China Mobile's client",
                parse=FAULT_ANSWERED,
            )
        ),
        answer(
            mended(
                "StatusCode and StatusText beside Status, not in it",
                "element-misplaced",
                SUBMIT_RSP.swap("<mm7:Status>\r\n", "").swap("</mm7:Status>\r\n", ""),
                "No other element of the response has these names.",
                known="SKT",
                parse=SUBMIT_ANSWERED,
            )
        ),
        answer(
            mended(
                "a StatusCode of 0",
                "status-code-zero",
                SUBMIT_RSP.swap(">1000<", ">0<"),
                "Some mean success, some have not set it. The number is kept, and is no success.",
                parse=SUBMIT_ANSWERED.but(status=Status(status_code=0, status_text="Success")),
            )
        ),
        answer(
            mended(
                "no MM7Version",
                "element-missing",
                SUBMIT_RSP.swap(VERSION_ELEMENT, ""),
                "Whoever sent the request knows it.",
                parse=SUBMIT_ANSWERED.but(mm7_version=""),
            )
        ),
    ]


# -- values


def value(old: str, new: str, message: Message = SUBMIT) -> Message:
    """A message with another text in one of its elements."""
    return message.swap(f">{old}<", f">{new}<")


def time_stamp(text: str) -> Message:
    return value("2030-01-02T09:30:47Z", text)


def expiry(text: str) -> Message:
    return more(f"<mm7:ExpiryDate>{text}</mm7:ExpiryDate>", before="<mm7:DeliveryReport>")


#: The moment of the regular message without a zone, and in another one.
NAIVE = datetime(2030, 1, 2, 9, 30, 47)
IN_KOREA = datetime(2030, 1, 2, 18, 30, 47, tzinfo=timezone(timedelta(hours=9)))


def _values() -> list[Quirk]:
    number = "<mm7:Number>+12025550101</mm7:Number>"
    cc = (Address("reader@news.example", AddressKind.RFC2822),)
    return [
        # addresses
        mended(
            "A text for a SenderAddress, without Number, RFC2822Address or ShortCode",
            "address-untyped",
            SUBMIT.swap("<mm7:ShortCode>72550</mm7:ShortCode>", "72550"),
            "Up to six digits are a short code, as mbuni has it.",
            known="mbuni up to 5.1.0, China Mobile",
            parse=SUBMITTED,
        ),
        mended(
            "A text for the addresses of To and Cc",
            "address-untyped",
            [
                shown("address-untyped"),
                SUBMIT.swap(number, "+12025550101").swap(
                    "<mm7:RFC2822Address>reader@news.example</mm7:RFC2822Address>", "\r\n reader@news.example "
                ),
            ],
            "What has an `@` is an RFC2822Address, what is longer than six digits a Number.",
            known="China Mobile",
            parse=SUBMITTED,
        ),
        mended(
            "A text for the Sender of a DeliverReq, at its end",
            "address-untyped element-order",
            DELIVER.swap(f"<mm7:Sender>{number}</mm7:Sender>\r\n", "").swap(
                "</mm7:DeliverReq>", "<mm7:Sender>+12025550101</mm7:Sender></mm7:DeliverReq>"
            ),
            "Up to six digits are a short code, what has an `@` an RFC2822Address, all else a Number.",
            known="China Unicom's simulators",
            parse=DELIVERED,
        ),
        accepted(
            "A number without `+`, or with `/TYPE=PLMN`",
            value("+12025550101", "12025550101/TYPE=PLMN"),
            "It is kept as it is written: what it means is between the two sides.",
            known="Nokia",
            parse=submitted(recipients=Recipients(to=(Address("12025550101/TYPE=PLMN"),), cc=cc)),
        ),
        accepted(
            "White space around a number",
            value("+12025550101", "\r\n +12025550101\t"),
            "XML Schema collapses it.",
            parse=SUBMITTED,
        ),
        refused(
            "An empty address, or one with elements in it",
            2002,
            "SubmitReq/Recipients/To: Number \u2026",
            [
                SUBMIT.swap(number, "<mm7:Number> </mm7:Number>"),
                SUBMIT.swap(number, f"<mm7:Number>1{number}</mm7:Number>"),
            ],
            "To pass over it would lose a recipient.",
        ),
        refused(
            "A text beside the addresses of To",
            2002,
            "SubmitReq/Recipients/To: it holds text beside its addresses",
            SUBMIT.swap(number, f"+12025550102{number}"),
            "The text may be another recipient.",
        ),
        mended(
            "A recipient in an element of another name, in To or in Recipients",
            "address-untyped",
            SUBMIT.swap(number, "<mm7:MSISDN>+12025550101</mm7:MSISDN>"),
            "Its text says it; to pass over it would lose a recipient.",
            parse=SUBMITTED,
        ),
        # booleans and enumerations
        mended(
            "A boolean in other capitals: True, TRUE",
            "value-case",
            [value("true", "True"), value("true", "TRUE")],
            "Nothing else can be meant.",
            known="the examples of TS 23.140, KTF",
            parse=SUBMITTED,
        ),
        mended(
            "A boolean in other capitals: False",
            "value-case",
            value("true", "False"),
            "Nothing else can be meant.",
            known="KTF",
            parse=submitted(delivery_report=False),
        ),
        accepted(
            "A boolean as 1, or with white space",
            [value("true", "1"), value("true", " true ")],
            "The schema allows it.",
            parse=SUBMITTED,
        ),
        mended(
            "A boolean that is none: `0000`, `yes`",
            "value-form",
            [value("true", "0000"), value("true", "yes"), value("true", "")],
            "An optional value that cannot be read is read as None; the deviation has its text.",
            known="simulators",
            parse=submitted(delivery_report=None),
        ),
        mended(
            "An enumerated value in other capitals",
            "value-case",
            [
                shown("value-case"),
                value("Normal", "NORMAL"),
                value("Informational", "informational"),
            ],
            "Nothing else can be meant.",
            known="LG Telecom, KTF",
            parse=SUBMITTED,
        ),
        mended(
            "An enumerated value that is empty",
            "value-form",
            [value("Normal", ""), value("Normal", " ")],
            "An optional value that cannot be read is read as None.",
            parse=submitted(priority=None),
        ),
        accepted(
            "White space around an enumerated value",
            value("Normal", "\r\n Normal "),
            "XML Schema collapses it.",
            parse=SUBMITTED,
        ),
        mended(
            "An MMStatus spelt in another English: Unrecognized",
            "value-case",
            value("Retrieved", "Unrecognized", REPORT),
            "Nothing else can be meant.",
            parse=REPORTED.but(mm_status=DeliveryStatus.UNRECOGNISED),
        ),
        *(
            mended(
                f"{title}: `{text}`",
                "value-unlisted",
                value("Retrieved", text, REPORT),
                "It is kept as its text; the application may know it.",
                known=known,
                parse=REPORTED.but(mm_status=text),
            )
            for title, text, known in (
                ("A status code for MMStatus", "1000", "China Unicom's simulators"),
                ("An MMStatus of the peer's own", "System Rejected", ""),
                ("Another MMStatus of the peer's own", "Unreachable", ""),
            )
        ),
        mended(
            "A number for MessageClass",
            "value-unlisted",
            shown("value-unlisted"),
            "It is kept as its text; the application may know it.",
            known="LG Telecom",
            parse=submitted(message_class="137"),
        ),
        # dates
        accepted(
            "A date with an offset",
            time_stamp("2030-01-02T18:30:47+09:00"),
            "The schema allows it.",
            parse=submitted(time_stamp=IN_KOREA),
        ),
        accepted(
            "A date with fractions of a second, or with white space around it",
            [time_stamp("2030-01-02T09:30:47.000Z"), time_stamp(" \r\n2030-01-02T09:30:47+00:00 ")],
            "The schema allows it.",
            parse=SUBMITTED,
        ),
        mended(
            "A date without a zone",
            "date-without-zone",
            shown("date-without-zone"),
            "It is read as a naive datetime: which zone is meant, only the two sides know.",
            known="China Mobile",
            parse=submitted(time_stamp=NAIVE),
        ),
        mended(
            "Months, days, hours in one digit; a blank for the `T`; no seconds",
            "date-form",
            [
                time_stamp("2030-1-2T9:30:47Z"),
                shown("date-form"),
                time_stamp("2030-1-02 9:30:47 +00:00"),
            ],
            "The year has four digits and stands first, so there is one order only.",
            parse=SUBMITTED,
        ),
        mended(
            "A date as `yyyyMMddHHmmss`",
            "date-form date-without-zone",
            time_stamp("20300102093047"),
            "There is one order only. Without a zone, it is read as a naive datetime.",
            known="SKT",
            parse=submitted(time_stamp=NAIVE),
        ),
        mended(
            "A date in the form of mail",
            "date-form",
            [
                time_stamp("Wed, 02 Jan 2030 09:30:47 GMT"),
                time_stamp("Wed, 2 Jan 2030 9:30:47 UT"),
                time_stamp("02 Jan 2030 09:30:47 +0000"),
            ],
            "The month has a name, so there is one order only.",
            known="SKT",
            parse=SUBMITTED,
        ),
        mended(
            "A date in the form of mail, with the names of day and month in Korean",
            "date-form",
            time_stamp("\uc218, 02 1\uc6d4 2030 18:30:47 +0900"),
            "In Korean the month is a number and the word for month. The name of the day says nothing new.",
            known="SKT",
            parse=submitted(time_stamp=IN_KOREA),
        ),
        mended(
            "A date that cannot be read, or has two readings, in an optional element",
            "value-form",
            [time_stamp("02/03/2030"), shown("value-form"), time_stamp("2030-02-30T00:00:00Z"), time_stamp("")],
            "It is read as None; the deviation has its text. With two orders of day and month, both may be meant.",
            known="simulators",
            parse=submitted(time_stamp=None),
        ),
        refused(
            "A date with two readings in a mandatory element",
            2007,
            "DeliveryReportReq/Date: '02/03/2030': it is no xs:dateTime",
            value("2030-01-02T09:30:47Z", "02/03/2030", REPORT),
            "The day may be the second or the third.",
        ),
        refused(
            "A mandatory value that is empty",
            2007,
            "\u2026: it is empty",
            [value("m-0815", " ", CANCEL), value("Retrieved", "", REPORT)],
            "What it says cannot be known.",
        ),
        refused(
            "A mandatory value with elements in it",
            2007,
            "CancelReq/MessageID: it holds elements where text is wanted",
            CANCEL.swap(">m-0815<", ">m-<x>0815</x><"),
            "What is text and what is not cannot be known.",
        ),
        refused(
            "An MM7Version of more than 32 characters",
            2007,
            "CancelReq/MM7Version: '\u2026' is no version",
            value("6.8.0", "6.8.0" * 10, CANCEL),
            "Every answer repeats it.",
        ),
        accepted(
            "A duration for an expiry date",
            expiry("P90D"),
            "`Duration.after` counts from the arrival of the message.",
            known="the example of TS 23.140 itself",
            parse=submitted(expiry_date=Duration(delta=timedelta(days=90))),
        ),
        accepted(
            "A duration of months, which have no fixed length",
            expiry("P1M"),
            "`Duration` counts months by themselves.",
            parse=submitted(expiry_date=Duration(months=1)),
        ),
        mended(
            "An expiry date that is neither date nor duration",
            "value-form",
            [expiry("90 days"), expiry("P")],
            "It is read as None; the deviation has its text.",
            parse=SUBMITTED,
        ),
        # other texts
        accepted(
            "A MessageID or LinkedID of any characters",
            value("m-0815", "\r\n mms.01/AB+cd==@mmsc.operator.example ", CANCEL),
            "An id is whatever its maker made it; white space around it does not count.",
            parse=CANCELLED.but(message_id="mms.01/AB+cd==@mmsc.operator.example"),
        ),
        accepted(
            "White space inside Content",
            SUBMIT.swap('example"/>', 'example">\r\n  </mm7:Content>'),
            "It says nothing.",
            known="Nokia",
            parse=SUBMITTED,
        ),
        accepted(
            "White space and line breaks in a Subject",
            value("\u4e2d\u6587 \u0394", " a\r\n b "),
            "It is text, so it stays as XML has it.",
            parse=submitted(subject=" a\n b "),
        ),
        answer(
            accepted(
                "a status code that the specification does not have",
                [value("1000", "2503", SUBMIT_RSP)],
                "Vendors have their own.",
                known="Skycore, KTF, SKT",
                parse=SUBMIT_ANSWERED.but(status=Status(status_code=2503, status_text="Success")),
            )
        ),
        answer(
            accepted(
                "a StatusText in other words",
                value("Success", "OK!", SUBMIT_RSP),
                "Only the code says what happened.",
                parse=SUBMIT_ANSWERED.but(status=Status(status_code=StatusCode.SUCCESS, status_text="OK!")),
            )
        ),
    ]


# -- HTTP


def _http() -> list[Quirk]:
    digest = 'Digest username="acme", realm="MM7", nonce="1", uri="/mm7", response="2"'
    return [
        accepted(
            "No SOAPAction, or any",
            [
                SUBMIT.sent(HTTP_SOAPACTION=None),
                SUBMIT.sent(HTTP_SOAPACTION="Submit"),
                SUBMIT.sent(HTTP_SOAPACTION=f'"{MM7}#SubmitReq"'),
            ],
            "What the envelope holds is what counts.",
            parse=SUBMITTED,
        ),
        accepted(
            "Headers of MIME and of vendors in the head of the request",
            [
                SUBMIT.sent(HTTP_MIME_VERSION="1.0", HTTP_CONTENT_ID="<x>", HTTP_X_ACME_CARRIER_ID="7"),
                SUBMIT.sent(HTTP_CONTENT_TRANSFER_ENCODING="base64"),
                SUBMIT.sent(HTTP_EXPECT="100-continue", SERVER_PROTOCOL="HTTP/1.0", HTTP_CONNECTION="Keep-Alive"),
            ],
            "HTTP has no Content-Transfer-Encoding, and the rest says nothing that we need. The handler finds them all "
            "in `request.environ`.",
            known="Axis, Vibes, Skycore, China Mobile",
            parse=SUBMITTED,
        ),
        accepted(
            "A message without content as `application/xml` or `application/soap+xml`",
            [
                CANCEL.under("application/xml"),
                CANCEL.under("application/soap+xml; charset=utf-8"),
                CANCEL.under("TEXT/XML"),
            ],
            "What the envelope holds is what counts.",
            parse=CANCELLED,
        ),
        accepted(
            "A Content-Type that was folded",
            SUBMIT.retyped("; type=", ";\t type=").retyped("; start=", ";\t\tstart="),
            "What servers make of the fold is white space.",
            known="Axis",
            parse=SUBMITTED,
        ),
        refused(
            "Another Content-Type, or none",
            4004,
            "\u2026; MM7 comes as multipart/related or text/xml",
            [
                CANCEL.under("application/x-www-form-urlencoded"),
                CANCEL.under("text/html"),
                SUBMIT.retyped("multipart/related", "multipart"),
                CANCEL.under("application/vnd.wap.mms-message"),
                CANCEL.sent(CONTENT_TYPE=None),
                CANCEL.sent(CONTENT_TYPE=""),
            ],
            "It is judged before the body is read. EAIF and forms come so.",
            known="EAIF of Nokia",
            http_status=415,
        ),
        refused(
            "A method other than POST",
            4003,
            "MM7 is POST only",
            [CANCEL.sent(REQUEST_METHOD=method) for method in ("GET", "PUT", "DELETE")],
            "Load balancers ask so whether we are there; 405 says yes.",
            http_status=405,
        ),
        refused(
            "No Content-Length",
            4004,
            "the request has no Content-Length",
            CANCEL.sent(CONTENT_LENGTH=None),
            "Without it, a body that was cut off looks like a whole one.",
            http_status=411,
        ),
        refused(
            "A chunked body",
            4004,
            "the body comes with Transfer-Encoding: chunked; chunked bodies are not taken, send a Content-Length",
            CANCEL.sent(CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked"),
            "Without a Content-Length, a body that was cut off looks like a whole one. `allow_chunked=True` takes "
            "those whose end the server marks; a multipart only with its close delimiter, since some servers mark an "
            "end that is none.",
            http_status=411,
        ),
        refused(
            "A Content-Length that is no number",
            4004,
            "the Content-Length '\u2026' is no number",
            [
                CANCEL.sent(CONTENT_LENGTH="+12"),
                CANCEL.sent(CONTENT_LENGTH=" 12"),
                CANCEL.sent(CONTENT_LENGTH="1_2"),
            ],
            "Where the request ends, nobody knows.",
            http_status=400,
        ),
        refused(
            "Content-Length and Transfer-Encoding",
            4004,
            "the request has a Content-Length and a Transfer-Encoding",
            CANCEL.sent(HTTP_TRANSFER_ENCODING="chunked"),
            "A proxy before us may have gone by the other one.",
            http_status=400,
        ),
        refused(
            "A body that is shorter than its Content-Length",
            4004,
            "the body ended after \u2026 of \u2026 octets",
            CANCEL.sent(CONTENT_LENGTH=str(len(CANCEL.body) + 1)),
            "The peer went away; what is missing, nobody knows.",
            http_status=400,
        ),
        refused(
            "A Content-Encoding",
            4004,
            "the Content-Encoding 'gzip' is not supported",
            CANCEL.sent(HTTP_CONTENT_ENCODING="gzip"),
            "MM7 has none.",
            http_status=415,
        ),
        refused(
            "An empty body",
            4004,
            "the SOAP part is not well-formed XML: no element found: line 1, column 0",
            bare(""),
            "There is nothing to read.",
        ),
        refused(
            "A body that is larger than the limit",
            2004,
            "the body is larger than 16777216 octets (body)",
            CANCEL.sent(CONTENT_LENGTH=str(16 * 1024 * 1024 + 1)),
            "All that a peer can make grow is limited; `Limits(body=…)` changes it. The rest is read and dropped "
            "(`Limits.discard`), for peers that write all of it before they look for an answer.",
            known="SAAJ",
            http_status=413,
        ),
        refused(
            "Credentials that are none: Basic with no base64, Digest that was not offered, a wrong password",
            4001,
            "Improper identification",
            [
                CANCEL.sent(PATH_INFO="/mm7", HTTP_AUTHORIZATION="Basic ????"),
                CANCEL.sent(PATH_INFO="/mm7", HTTP_AUTHORIZATION=digest),
                CANCEL.sent(PATH_INFO="/mm7/acme=wrong"),
                CANCEL.sent(PATH_INFO="/mm7"),
            ],
            "They are judged before the body is read, and the answer never says what is wrong with them. "
            '`schemes=("basic", "digest")` offers Digest.',
            known="Skycore's documents, China Unicom and China Mobile (Digest)",
            http_status=401,
        ),
    ]


#: The table.
QUIRKS: dict[str, list[Quirk]] = {
    "Framing": _framing(),
    "Headers and ids": _ids(),
    "Characters": _characters(),
    "Envelope": _envelope(),
    "Elements": _elements(),
    "Values": _values(),
    "HTTP": _http(),
}
