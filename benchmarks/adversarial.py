"""Requests that are made to cost as much as they can: what a hostile sender, or one with a bug, may send.

Each is made at any size, so that two sizes show how the cost grows, and in several framings, since what is framed
irregularly takes another way through the endpoint. The limits are raised where the default ones would end the reading
early: then the work is really done. Where that early end is what counts, they are the default ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from mm7_wsgi import Limits, MM7Request

from .messages import NAMESPACE
from .requests import decode, stream, visit


class Framing(Enum):
    """How the multiparts are written, on all levels."""

    REGULAR = "regular"
    #: Bare line feeds around delimiters and headers, and blanks behind delimiters: irregular from the first line on.
    IRREGULAR = "irregular"
    #: Regular until the very end, where the close delimiter is missing: all is read twice.
    UNCLOSED = "unclosed"


class Part(NamedTuple):
    """One part: its header lines, each with its CRLF, and what it holds."""

    headers: bytes
    octets: bytes


class Hostile(NamedTuple):
    """One request: its Content-Type, its body and how many parts that has on all levels."""

    content_type: str
    body: bytes
    parts: int


#: Makes a request of about that many octets.
Maker: TypeAlias = Callable[[int, Framing], Hostile]

#: Nothing of what is sent here is too much, but for the levels of multiparts: for each, all inside is read once more.
RAISED: Final = Limits(
    body=2**30,
    envelope=2**30,
    elements=2**30,
    depth=2**30,
    attributes=2**30,
    parts=2**30,
    header_line=2**24,
    headers=2**30,
    recipients=2**30,
)
DEFAULT: Final = Limits()


def read_text(request: MM7Request) -> None:
    """Read every leaf as text."""
    for part in request.leaves():
        part.text  # noqa: B018 - decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One kind of request."""

    name: str
    make: Maker
    limits: Limits = RAISED
    #: What is done with the message, if it is accepted.
    handler: Callable[[MM7Request], None] = visit
    framings: tuple[Framing, ...] = (Framing.REGULAR, Framing.IRREGULAR)


# -- multiparts

# As long as peers write them, and as short as an attacker would.
_BOUNDARY: Final = b"----=_NextPart_000_0028_01DC7B2A.84698430"
_SHORT: Final = b"b"

_CONTENT_ID: Final = b"Content-ID: <content@news.example>\r\n"
_PICTURE: Final = b"Content-Type: image/jpeg\r\n"
_PLAIN: Final = b'Content-Type: text/plain; charset="utf-8"\r\n'


def _multipart(parts: Sequence[Part], boundary: bytes, framing: Framing) -> bytes:
    line_break, blanks = (b"\n", b" \t ") if framing is Framing.IRREGULAR else (b"\r\n", b"")
    delimiter = b"--" + boundary + blanks + line_break
    pieces = []
    for headers, octets in parts:
        pieces += [delimiter, headers.replace(b"\r\n", line_break), line_break, octets, line_break]
    if framing is not Framing.UNCLOSED:
        pieces += [b"--", boundary, b"--", blanks, line_break]
    return b"".join(pieces)


def _request(
    parts: Sequence[Part], framing: Framing, *, boundary: bytes = _BOUNDARY, named: bool = True, inside: int = 0
) -> Hostile:
    """A request of these parts, which hold as many further ones as ``inside`` says."""
    written = f'boundary="{boundary.decode()}"; ' if named else ""
    return Hostile(
        f'multipart/related; {written}type="text/xml"; start="<soap@news.example>"',
        _multipart(parts, boundary, framing),
        len(parts) + inside,
    )


def _filled(pattern: bytes, octets: int) -> bytes:
    """``pattern`` again and again, about that many octets, and once at least."""
    return pattern * max(1, octets // len(pattern))


def _numbered(pattern: str, octets: int) -> bytes:
    """``pattern`` with a number in it, again and again with the next one, about that many octets."""

    def pieces() -> Iterator[str]:
        left = octets
        number = 0
        while left > 0:
            piece = pattern.replace("#", str(number))
            yield piece
            left -= len(piece)
            number += 1

    return "".join(pieces()).encode()


# -- envelopes


def _envelope(
    *,
    elements: bytes = b"",
    recipients: bytes = b"<Recipients><To><Number>+12025550101</Number></To></Recipients>",
    blocks: bytes = b"",
    transaction_id: bytes = b"vas-20300102-0001",
    subject: bytes = b"News for today",
    href: bytes = b"cid:content@news.example",
    operations: bytes = b"",
) -> bytes:
    """An envelope with a SubmitReq; ``elements`` stand behind those of the schema."""
    return (
        b'<?xml version="1.0"?>\r\n<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header>'
        b'<TransactionID xmlns="%(namespace)s" env:mustUnderstand="1">%(transaction_id)s</TransactionID>%(blocks)s'
        b'</env:Header><env:Body><SubmitReq xmlns="%(namespace)s"><MM7Version>6.8.0</MM7Version><SenderIdentification>'
        b"<VASPID>acme</VASPID></SenderIdentification>%(recipients)s<Subject>%(subject)s</Subject>"
        b'<Content href="%(href)s"/>%(elements)s</SubmitReq>%(operations)s</env:Body></env:Envelope>\r\n'
    ) % {
        b"namespace": NAMESPACE.encode(),
        b"transaction_id": transaction_id,
        b"blocks": blocks,
        b"recipients": recipients,
        b"subject": subject,
        b"href": href,
        b"elements": elements,
        b"operations": operations,
    }


def _soap(octets: bytes, charset: bytes = b"utf-8") -> Part:
    return Part(b'Content-Type: text/xml; charset="%s"\r\nContent-ID: <soap@news.example>\r\n' % charset, octets)


def _enveloped(make: Callable[[int], bytes], charset: str = "utf-8", *, others: int = 1) -> Maker:
    """A message whose SOAP part ``make`` makes, and a short content, as often as ``others`` says."""
    content = Part(_CONTENT_ID + _PLAIN, b"News for today")
    more = len(_multipart([content] * (others - 1), _BOUNDARY, Framing.UNCLOSED))

    def made(octets: int, framing: Framing) -> Hostile:
        envelope = make(octets - more).decode().encode(charset)
        return _request([_soap(envelope, charset.encode()), *[content] * others], framing)

    return made


def _elements(pattern: bytes) -> Maker:
    """A message with a pattern behind the elements of the schema, again and again."""
    return _enveloped(lambda octets: _envelope(elements=_filled(pattern, octets)))


def _elements_inside(start: bytes, pattern: bytes, end: bytes) -> Maker:
    """A message with one element more, which holds a pattern again and again."""
    return _enveloped(lambda octets: _envelope(elements=start + _filled(pattern, octets) + end))


def _numbered_elements(pattern: str) -> Maker:
    """The same with a number in the pattern."""
    return _enveloped(lambda octets: _envelope(elements=_numbered(pattern, octets)))


def _subject(pattern: bytes, charset: str = "utf-8") -> Maker:
    """A message with a pattern for its subject, again and again."""
    return _enveloped(lambda octets: _envelope(subject=_filled(pattern, octets)), charset)


def _recipients(pattern: bytes, *, groups: bool = False) -> Maker:
    """A message with a pattern inside To again and again; or with ``groups`` inside Recipients, beside a first To."""
    between = b"<Number>+12025550101</Number></To>" if groups else b""
    end = b"</Recipients>" if groups else b"</To></Recipients>"
    return _enveloped(
        lambda octets: _envelope(recipients=b"<Recipients><To>" + between + _filled(pattern, octets) + end)
    )


def _deep(octets: int) -> bytes:
    levels = max(1, octets // len(b"<a></a>"))
    return _envelope(elements=b"<a>" * levels + b"</a>" * levels)


def _one_element(attribute: str) -> Maker:
    """A message with one element that has an attribute again and again, each with its number."""
    return _enveloped(
        lambda octets: _envelope(elements=b'<x xmlns:p="urn:x"' + _numbered(f" {attribute}", octets) + b"/>")
    )


def _sixty_four(attribute: str) -> Maker:
    """A message with many elements, each with as many attributes as the default limit allows."""
    element = "".join(f" {attribute}".replace("#", str(number)) for number in range(DEFAULT.attributes))
    return _elements_inside(b'<x xmlns:p="urn:x">', f"<y{element}/>".encode(), b"</x>")


# The longest namespace name that the default limit allows.
_LONG_NAMESPACE: Final = b"urn:mm7:".ljust(DEFAULT.namespace, b"x")

# -- parts


def _payload(
    pattern: bytes,
    headers: bytes = _PICTURE,
    *,
    before: bytes = b"",
    behind: bytes = b"",
    boundary: bytes = _BOUNDARY,
    named: bool = True,
) -> Maker:
    """A message whose content is a pattern again and again; ``named``: the Content-Type gives the boundary."""

    def make(octets: int, framing: Framing) -> Hostile:
        content = Part(_CONTENT_ID + headers, before + _filled(pattern, octets) + behind)
        return _request([_soap(_envelope()), content], framing, boundary=boundary, named=named)

    return make


def _preamble(pattern: bytes) -> Maker:
    """A message behind a preamble."""

    def make(octets: int, framing: Framing) -> Hostile:
        whole = _request([_soap(_envelope()), Part(_CONTENT_ID + _PLAIN, b"News for today")], framing)
        return whole._replace(body=_filled(pattern, octets) + b"\r\n" + whole.body)

    return make


def _epilogue(pattern: bytes) -> Maker:
    """A message with an epilogue."""

    def make(octets: int, framing: Framing) -> Hostile:
        whole = _request([_soap(_envelope()), Part(_CONTENT_ID + _PLAIN, b"News for today")], framing)
        return whole._replace(body=whole.body + _filled(pattern, octets))

    return make


def _many(
    part: Part, *, boundary: bytes = _BOUNDARY, inside: int = 0, href: bytes = b"cid:content@news.example"
) -> Maker:
    """A message with a part again and again, which holds as many further ones as ``inside`` says."""
    size = len(_multipart([part], boundary, Framing.UNCLOSED))

    def make(octets: int, framing: Framing) -> Hostile:
        count = max(1, octets // size)
        first = [_soap(_envelope(href=href)), Part(_CONTENT_ID + _PLAIN, b"News for today")]
        return _request([*first, *[part] * count], framing, boundary=boundary, inside=count * inside)

    return make


def _headers(line: bytes, *, lines: int | None = None) -> Maker:
    """A message with a header line again and again: all in one part, or as many as ``lines`` in each of many parts."""
    if lines is not None:
        return _many(Part(line * lines, b""))
    return lambda octets, framing: _payload(b"x", _filled(line, octets))(1, framing)


def _long_header(start: bytes, pattern: bytes, end: bytes = b"", octets: int | None = None) -> Maker:
    """A message with a long header: one, or many parts each with one of that many octets."""
    if octets is not None:
        return _many(Part(start + _filled(pattern, octets) + end + b"\r\n", b""))
    return lambda octets, framing: _payload(b"x", start + _filled(pattern, octets) + end + b"\r\n")(1, framing)


# What one header line can have, with room for its name.
_LINE: Final = DEFAULT.header_line - 100


def _inner_type(boundary: bytes) -> bytes:
    return b'Content-Type: multipart/mixed; boundary="%s"\r\n' % boundary


def _nested(
    levels: int | None,
    pattern: bytes = b"\r\n--",
    *,
    many: Part | None = None,
    innermost: Framing | None = None,
) -> Maker:
    """A message whose content is a multipart in a multipart, and so on.

    In the innermost of ``levels`` there is a pattern again and again, or with ``many`` a part again and again. With
    ``levels`` of None they are as many as fit. ``innermost`` is how the innermost is framed, whatever is around it.
    """

    def make(octets: int, framing: Framing) -> Hostile:
        deep = levels if levels is not None else max(1, octets // 200)
        if many is not None:
            size = len(_multipart([many], _BOUNDARY, Framing.UNCLOSED))
            parts = [many] * max(1, octets // size)
        else:
            parts = [Part(_PICTURE, _filled(pattern, octets if levels is not None else 1))]
        boundaries = [b"----=_Level_%05d_0028_01DC7B2A.84698430" % level for level in range(deep)]
        before, behind = [], []
        for boundary, inner in pairwise(boundaries):
            around = _multipart([Part(_inner_type(inner), b"\0")], boundary, framing)
            start, _, end = around.partition(b"\0")
            before.append(start)
            behind.append(end)
        inside = _multipart(parts, boundaries[-1], innermost or framing)
        content = Part(_CONTENT_ID + _inner_type(boundaries[0]), b"".join([*before, inside, *reversed(behind)]))
        return _request([_soap(_envelope()), content], framing, inside=len(parts) + deep - 1)

    return make


def _prefixed(octets: int, framing: Framing) -> Hostile:
    """Parts in a multipart whose boundary begins with that of the one around it."""
    boundary = _BOUNDARY + b"x"
    part = Part(b"", b"")
    parts = [part] * max(1, octets // len(_multipart([part], boundary, Framing.UNCLOSED)))
    content = Part(_CONTENT_ID + _inner_type(boundary), _multipart(parts, boundary, framing))
    return _request([_soap(_envelope()), content], framing, inside=len(parts))


# In the multipart itself: one level is the body, and this many are inside of it.
_LEVELS: Final = DEFAULT.mime_depth - 1
_TINY: Final = Part(b"", b"")
_DELIMITER: Final = b"\r\n--" + _BOUNDARY
# A boundary of nothing but hyphens, so that a search for it finds its beginning everywhere in hyphens.
_HYPHENS: Final = b"-" * 68

_BASE64: Final = b"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n"
_QUOTED_PRINTABLE: Final = _PLAIN + b"Content-Transfer-Encoding: quoted-printable\r\n"


def _text(charset: str) -> bytes:
    return b"Content-Type: text/plain; charset=%s\r\n" % charset.encode()


# -- the attacks


def _framing() -> Iterator[Attack]:
    payloads = {
        "payload of CR": _payload(b"\r"),
        "payload of LF": _payload(b"\n"),
        "payload of CRLF": _payload(b"\r\n"),
        "payload of CRLF and two hyphens": _payload(b"\r\n--"),
        "look-alikes: delimiters cut short by an octet": _payload(_DELIMITER[:-1]),
        "look-alikes: delimiters with another last octet": _payload(_DELIMITER[:-1] + b"_"),
        "look-alikes: delimiters without a line break before": _payload(_DELIMITER[2:], before=b"x"),
        "look-alikes: delimiters behind a bare CR": _payload(b"\r" + _DELIMITER[2:], before=b"x"),
        "look-alikes: delimiters that go on": _payload(_DELIMITER + b"x"),
        "look-alikes: delimiters and many CR": _payload(_DELIMITER + b"\r" * 300 + b"x"),
        "look-alikes: delimiters and many blanks": _payload(_DELIMITER + b" " * 300 + b"x"),
        "look-alikes: close delimiters that go on, no boundary given": _payload(_DELIMITER + b"--x", named=False),
        "look-alikes: lines of hyphens, boundary of hyphens": _payload(b"\r\n" + _HYPHENS + b"-", boundary=_HYPHENS),
        "look-alikes: nothing but hyphens, boundary of hyphens": _payload(b"-", before=b"x", boundary=_HYPHENS),
        "preamble of look-alikes": _preamble(_DELIMITER[:-1]),
        "preamble of hyphens": _preamble(b"--\r\n"),
        "epilogue of look-alikes": _epilogue(_DELIMITER[:-1]),
        "tiny parts": _many(_TINY),
        "tiny parts, in the shortest boundary": _many(_TINY, boundary=_SHORT),
        "tiny parts with headers": _many(Part(b"A:b\r\nC:d\r\n", b"x")),
        "tiny parts with types and ids": _many(Part(b"Content-Type:a/b;c=d\r\nContent-ID:<e>\r\n", b"x")),
        "tiny parts, and an href that names none": _many(Part(b"Content-ID:<%41>\r\n", b"x"), href=b"cid:%2541"),
        "tiny parts in a boundary that begins with the outer one": _prefixed,
        "multiparts of one tiny part": _many(
            Part(b"Content-Type:multipart/a;boundary=c\r\n", b"--c\r\n\r\n\r\n--c--"), inside=1
        ),
        "multiparts of one tiny part, irregular": _many(
            Part(b"Content-Type:multipart/a;boundary=c\r\n", b"--c \n\n\n--c--"), inside=1
        ),
        "multiparts of one tiny part, in base64": _many(
            Part(
                b"Content-Type:multipart/a;boundary=c\r\nContent-Transfer-Encoding:base64\r\n", b"LS1jDQoNCg0KLS1jLS0="
            ),
            inside=1,
        ),
        "nested to the limit": _nested(_LEVELS),
        "nested to the limit, around tiny parts": _nested(_LEVELS, many=_TINY),
        "nested to the limit, the innermost irregular": _nested(_LEVELS, innermost=Framing.IRREGULAR),
        "nested to the limit, the innermost unclosed": _nested(_LEVELS, innermost=Framing.UNCLOSED),
        "nested to the limit, the innermost unclosed, around tiny parts": _nested(
            _LEVELS, many=_TINY, innermost=Framing.UNCLOSED
        ),
        "headers folded at every other octet": _long_header(b"A:b", b"\r\n c", octets=_LINE * 2),
        "headers that go on unindented": _long_header(b"Content-Type: a/b;", b"\r\nc=d;", octets=_LINE),
        "header lines, 64 in each part": _headers(b"A:b\r\n", lines=DEFAULT.headers),
        "header lines, all in one part": _headers(b"A:b\r\n"),
        "one header": _long_header(b"A:", b"b"),
        "headers of parameters": _long_header(b"Content-Type:a/b", b";c=d", octets=_LINE),
        "headers of numbered parameters": _long_header(b"Content-Type:a/b", b";c*1*=%41", octets=_LINE),
        "headers of semicolons": _long_header(b"Content-Type:a/b", b";", octets=_LINE),
        "headers of a quotation without end": _long_header(b'Content-Type:a/b;c="', b"\\\\", octets=_LINE),
        "headers of blanks": _long_header(b"Content-Type:a/b;c", b" ", b"d", octets=_LINE),
    }
    refused = {
        "tiny parts": _many(_TINY),
        "multiparts of one tiny part, irregular": payloads["multiparts of one tiny part, irregular"],
        "tiny parts in a boundary that begins with the outer one": _prefixed,
        "nested without end": _nested(None),
        "headers folded at every other octet": payloads["headers folded at every other octet"],
        "one header": payloads["one header"],
        "one header, folded at every other octet": _long_header(b"A:b", b"\r\n c"),
        "header lines, 64 in each part": payloads["header lines, 64 in each part"],
        "header lines, all in one part": payloads["header lines, all in one part"],
    }
    for limits, makers in ((RAISED, payloads), (DEFAULT, refused)):
        for name, make in makers.items():
            yield Attack(name=name, make=make, limits=limits, framings=tuple(Framing))


def _envelopes() -> Iterator[Attack]:
    number = b"<Number>+12025550101</Number>"
    makers = {
        "one attribute": _elements_inside(b'<x a="', b"y", b'"/>'),
        "one attribute of entities": _elements_inside(b'<x a="', b"&amp;", b'"/>'),
        "one href of escapes": _enveloped(lambda octets: _envelope(href=b"cid:" + _filled(b"%41", octets))),
        "one text": _subject(b"x"),
        "one text of entities": _subject(b"&amp;"),
        "one text of numbers of characters": _subject(b"&#65;"),
        "one text of CRLF": _subject(b"\r\n"),
        "one text of CDATA sections": _subject(b"<![CDATA[x]]>"),
        "one text with comments in it": _subject(b"x<!---->"),
        "one text of three octets a character": _subject("\uc548".encode()),
        "one text in UTF-16": _subject(b"x", "utf-16"),
        "one text in EUC-KR": _subject("\uc548".encode(), "euc-kr"),
        "one TransactionID of entities": _enveloped(lambda octets: _envelope(transaction_id=_filled(b"&gt;", octets))),
        "one comment": _elements_inside(b"<!--", b"x", b"-->"),
        "comments": _elements(b"<!---->"),
        "text between elements": _elements_inside(b"<x>", b"y<z/>", b"</x>"),
        "elements in elements": _enveloped(_deep),
        "elements in elements, thirty deep again and again": _elements_inside(
            b"<x>", b"<a>" * 25 + b"</a>" * 25, b"</x>"
        ),
        "namespaces, all declared by one element": _one_element('xmlns:n#="urn:#"'),
        "namespaces, 64 declared by each element": _sixty_four('xmlns:n#="urn:#"'),
        "namespaces of MM7, one for each element": _numbered_elements('<n:Subject xmlns:n="mm7:#">x</n:Subject>'),
        "prefixes, one for each element": _numbered_elements('<n#:x xmlns:n#="urn:x"/>'),
        "names of elements": _numbered_elements("<x#/>"),
        "names of elements in a long namespace": _enveloped(
            lambda octets: _envelope(elements=b'<x xmlns="%s">%s</x>' % (_LONG_NAMESPACE, _numbered("<x#/>", octets)))
        ),
        "attributes, all of one element": _one_element('a#=""'),
        "attributes in a namespace, all of one element": _one_element('p:a#=""'),
        "attributes, 64 of each element": _sixty_four('a#=""'),
        "attributes in a namespace, 64 of each element": _sixty_four('p:a#=""'),
        "recipients in one To": _recipients(number),
        "recipients with attributes in one To": _recipients(
            b'<Number displayOnly="TRUE" addressCoding="x" id="y">1</Number>'
        ),
        "recipients in one To each": _recipients(b"<To>" + number + b"</To>", groups=True),
        "recipients in one Recipients each": _enveloped(
            lambda octets: _envelope(recipients=_filled(b"<Recipients><To>" + number + b"</To></Recipients>", octets))
        ),
        "recipients beside To": _recipients(number, groups=True),
        "recipients as text, in one To each": _recipients(b"<To>+12025550101</To>", groups=True),
        "what belongs in SenderIdentification beside it": _elements(b"<VASID>a</VASID><VASPID>b</VASPID>"),
        "SenderAddress beside SenderIdentification": _elements(b"<SenderAddress>72550</SenderAddress>"),
        "elements that the schema does not have": _elements(b"<x/>"),
        "elements that the schema does not have, in Recipients": _recipients(b"<x/>", groups=True),
        "elements that the schema does not have, in To": _recipients(number + b"<x/>"),
        "elements of no namespace": _elements(b'<Subject xmlns="">x</Subject>'),
        "elements that are there again, out of order": _elements(b"<Subject>x</Subject><Priority>Low</Priority>"),
        "MessageExtraData, again and again": _elements(
            b"<MessageExtraData><element><key>a</key><value>b</value></element></MessageExtraData>"
        ),
        "pairs in one MessageExtraData": _elements_inside(
            b"<MessageExtraData>", b"<element><key>a</key><value>b</value></element>", b"</MessageExtraData>"
        ),
        "AdditionalInformation, again and again": _elements(b'<AdditionalInformation href="cid:a"/>'),
        "conditions": _elements_inside(b"<DeliveryCondition>", b"<DC>1</DC>", b"</DeliveryCondition>"),
        "blocks of Header": _enveloped(lambda octets: _envelope(blocks=_filled(b"<x/>", octets))),
        "TransactionIDs": _enveloped(
            lambda octets: _envelope(blocks=_filled(b'<TransactionID xmlns="mm7">a</TransactionID>', octets))
        ),
        "operations": _enveloped(lambda octets: _envelope(operations=_filled(b"<SubmitReq/>", octets))),
        "an envelope that ends too early": _enveloped(
            lambda octets: _envelope(elements=_filled(b"<x/>", octets)).rpartition(b"</SubmitReq>")[0]
        ),
    }
    for name, make in makers.items():
        yield Attack(name=f"SOAP: {name}", make=make)
    refused = (
        "elements in elements",
        "namespaces, all declared by one element",
        "attributes, all of one element",
        "names of elements",
    )
    for name in refused:
        yield Attack(name=f"SOAP: {name}", make=_halved(makers[name]), limits=DEFAULT)
    yield Attack(name="SOAP: recipients in one To", make=_halved(_recipients(b"<Number>1</Number>")), limits=DEFAULT)
    pair = b"<MessageExtraData><element><key>a</key><value>b</value></element></MessageExtraData>"
    most = {
        "one href of escapes, and parts": _enveloped(
            lambda octets: _envelope(href=b"cid:" + _filled(b"%41", octets)), others=DEFAULT.parts - 1
        ),
        "elements that the schema does not have": _elements(_spaced(b"<x/>")),
        "elements that are there again, out of order": _elements(_spaced(b"<Subject/><Priority/>")),
        "namespaces of MM7, one for each element": _numbered_elements('<n:Subject xmlns:n="mm7:#"/>'),
        "MessageExtraData, again and again": _elements(_spaced(pair)),
        "what belongs in SenderIdentification beside it": _elements(_spaced(b"<VASID/><VASPID/>")),
        "blocks of Header": _enveloped(lambda octets: _envelope(blocks=_filled(_spaced(b"<x/>"), octets))),
        "TransactionIDs": _enveloped(lambda octets: _envelope(blocks=_filled(b'<TransactionID xmlns="mm7"/>', octets))),
        "recipients in one Recipients each": _enveloped(
            lambda octets: _envelope(
                recipients=_filled(b"<Recipients><To><Number>1</Number></To></Recipients>".ljust(144), octets)
            )
        ),
    }
    for name, make in most.items():
        yield Attack(name=f"SOAP: {name}, as many as allowed", make=_halved(make), limits=DEFAULT)


def _halved(make: Maker) -> Maker:
    """The same with not quite half as many octets: at the default size, twice that is no more than may be in memory."""
    return lambda octets, framing: make(octets * 9 // 20, framing)


def _spaced(pattern: bytes) -> bytes:
    """Elements with so many blanks between them that not even their tags are more than the default limit of elements.

    A document with more tags may be read in another way, and the step from one to the other would look like growth.
    """
    return pattern.ljust(24 * pattern.count(b"<"))


def _contents() -> Iterator[Attack]:
    encoded = {
        "base64 with white space behind every octet": _payload(b"Q Q\tF\rB\n", _BASE64),
        "base64 of vertical tabs": _payload(b"Q\vQ\fF\vB\f", _BASE64),
        "base64 of nothing but white space": _payload(b" \t\r\n", _BASE64),
        "base64 with junk behind every octet": _payload(b"Q!Q*F\0B\xff", _BASE64),
        "base64 with junk at the end": _payload(b"QUFB", _BASE64, behind=b"!"),
        "base64 of padding": _payload(b"=", _BASE64, before=b"QQ="),
        "base64 with padding again and again": _payload(b"QQ==", _BASE64),
        "quoted-printable of =": _payload(b"=", _QUOTED_PRINTABLE),
        "quoted-printable of = and CR": _payload(b"=\r", _QUOTED_PRINTABLE),
        "quoted-printable of = and CRLF": _payload(b"=\r\n", _QUOTED_PRINTABLE),
        "quoted-printable of = and blanks": _payload(b"= ", _QUOTED_PRINTABLE),
        "quoted-printable of blanks and CRLF": _payload(b"   \r\n", _QUOTED_PRINTABLE),
        "quoted-printable of escapes": _payload(b"=41", _QUOTED_PRINTABLE),
    }
    for way, handler in (("decoded", decode), ("decoded in pieces", stream)):
        for name, make in encoded.items():
            yield Attack(name=f"{name}, {way}", make=make, handler=handler)
    texts = {
        "UTF-8 of octets that it has not": _payload(b"\xff", _PLAIN),
        "UTF-8 cut short": _payload(b"\xf0\x9f\x92", _PLAIN),
        "UTF-8 with a NUL at the end": _payload(b"\xc3\xa9", _PLAIN, behind=b"\0"),
        "UTF-16 of half pairs": _payload(b"\x00\xd8", _text("utf-16"), before=b"\xff\xfe"),
        "UTF-7 of plus signs": _payload(b"+", _text("utf-7")),
        "UTF-7 of half pairs": _payload(b"+2AA-", _text("utf-7")),
        "ISO-2022-JP of escapes": _payload(b"\x1b$B\x1b(B", _text("iso-2022-jp")),
        "ISO-2022-KR of ESC": _payload(b"\x1b", _text("iso-2022-kr")),
        "HZ of openings": _payload(b"~{", _text("hz")),
        "EUC-KR of octets that it has not": _payload(b"\xff", _text("euc-kr")),
        "GB18030 cut short": _payload(b"\x81\x30\x81", _text("gb18030")),
        "a charset that nobody knows": _payload(b"\xff", _text("latin-42")),
        "XML that declares what it is not": _payload(
            b"\xff", _text("utf-8"), before=b'<?xml version="1.0" encoding="shift_jis"?>'
        ),
    }
    for name, make in texts.items():
        yield Attack(name=f"text: {name}", make=make, handler=read_text)


#: All of them: those on the framing, those on the SOAP part, and those on what decodes a part.
ATTACKS: Final = (*_framing(), *_envelopes(), *_contents())
