"""Requests as attackers send them, and broken programs, by class; and what becomes of each.

An attack can be made at any size, so that two sizes show that what it costs does not grow with it. All are made here,
none is recorded. Test modules load this with ``runpy``, since those that pytest imports by their path cannot import
each other; what builds environs and messages is handed in, as ``kit``.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

#: The fixture of that name.
Kit: TypeAlias = Any
#: Makes the environ of a request with about that many octets of what is bad in it.
Maker: TypeAlias = Callable[[Kit, int], dict[str, Any]]

MEGABYTE = 1024 * 1024

# -- what is answered: the HTTP status, and the status code or the faultcode

READ = (200, 1000)
MALFORMED = (400, 4004)
NOT_POST = (405, 4003)
NO_LENGTH = (411, 4004)
TOO_LARGE = (413, 2004)
NOT_MM7 = (415, 4004)
INVALID = (500, 4004)
NO_OPERATION = (500, 4003)
BAD_VALUE = (500, 2007)
BAD_CONTENT = (500, 2004)
BAD_ADDRESS = (500, 2002)
BAD_TRANSACTION = (500, "Client.TransactionID")

# -- how large they are, in octets

#: What is bad does not grow.
ONCE = (0,)
#: A body in memory, and sixteen times as much, in a file.
BODIES = (100_000, 1_600_000)
#: What fits into a SOAP part, and eight times as much, which does as well.
ENVELOPES = (240_000, 1_920_000)

# -- what they may cost, at either size

#: Octets of memory: a body of up to a megabyte is there twice while its pieces are joined.
MEMORY = 5 * MEGABYTE // 2
#: The same for the tree of a SOAP part of 2 MiB, or of as many elements as are allowed.
TREE = 30 * MEGABYTE
#: Calls of functions, those written in C among them. A message of the usual kind takes a thousand.
CALLS = 4_000
#: The same where lines that may be delimiters are looked at, of which ten thousand places are kept at first.
LINES = 100_000
#: The same for eight levels of multiparts.
NESTED = 10_000
#: The same for the header lines of one part: 32 KiB.
HEADERS = 110_000
#: The same for a header value of 8 KiB.
VALUE = 40_000
#: The same for as many elements as are allowed.
ELEMENTS = 200_000


class Attack(NamedTuple):
    """One attack, what is answered, and what it may cost."""

    name: str
    make: Maker
    answer: tuple[int, int | str]
    #: What the fault says, among the rest; and of one that is read, the names of its deviations.
    words: str = ""
    sizes: tuple[int, ...] = ONCE
    memory: int = MEMORY
    calls: int = CALLS
    #: Whether a server that keeps to PEP 3333 can hand it over.
    lawful: bool = True


# -- how they are put together


def filled(pattern: bytes, octets: int) -> bytes:
    """``pattern`` again and again, about ``octets`` of it."""
    return pattern * (octets // len(pattern) + 1)


def head(**overrides: Any) -> Maker:
    """A good message whose request line or headers are not."""
    return lambda kit, size: kit.environ(kit.soap("CancelReq"), overrides)


def long_head(name: str) -> Maker:
    """The same with a value of any length."""
    return lambda kit, size: kit.environ(kit.soap("CancelReq"), {name: "1" * size})


def posted(content_type: str, body: bytes, **overrides: Any) -> Maker:
    """This body."""
    return lambda kit, size: kit.environ(body, {"CONTENT_TYPE": content_type, **overrides})


def posted_again(content_type: str, pattern: bytes) -> Maker:
    """A body of nothing but this."""
    return lambda kit, size: kit.environ(filled(pattern, size), CONTENT_TYPE=content_type)


def package(kit: Kit, *parts: bytes, before: bytes = b"", behind: bytes = b"", xml: bytes = b"") -> dict[str, Any]:
    """A SubmitReq with these parts, named by nothing but their order; the rest stands around the multipart."""
    root = ("Content-Type: text/xml",)
    content_type, body = kit.package(xml or kit.soap(), *parts, root=root, parameters='; type="text/xml"')
    return kit.environ(before + body + behind, CONTENT_TYPE=content_type)


def content(*headers: str, octets: bytes = b"hello") -> Maker:
    """A SubmitReq with this part."""
    return lambda kit, size: package(kit, kit.part(octets, *headers))


def content_again(pattern: bytes, *headers: str, before: bytes = b"") -> Maker:
    """A SubmitReq with a part of nothing but this."""
    return lambda kit, size: package(kit, kit.part(before + filled(pattern, size), *headers))


def preamble(pattern: bytes) -> Maker:
    return lambda kit, size: package(kit, before=filled(pattern, size) + b"\r\n")


def epilogue(pattern: bytes) -> Maker:
    return lambda kit, size: package(kit, behind=filled(pattern, size))


def many_parts(part: bytes) -> Maker:
    return lambda kit, size: package(kit, *[part] * (size // (len(part) + 11) + 1))


def headers_again(pattern: bytes, before: bytes = b"", size: int | None = None) -> Maker:
    """A part whose headers are nothing but this; ``size`` is their length where that is not what grows."""
    return lambda kit, octets: package(
        kit, before + filled(pattern, octets if size is None else size) + b"\r\n\r\nhello"
    )


def type_again(before: str, pattern: str, behind: str = "", size: int | None = None) -> Maker:
    """An HTTP Content-Type that goes on and on."""

    def make(kit: Kit, octets: int) -> dict[str, Any]:
        again = filled(pattern.encode(), octets if size is None else size).decode()
        return kit.environ(kit.soap("CancelReq"), CONTENT_TYPE=before + again + behind)

    return make


def typed(content_type: str) -> Maker:
    """A good multipart of the boundary "outer" whose Content-Type is this."""
    return lambda kit, size: package(kit, kit.part(b"hello")) | {"CONTENT_TYPE": content_type}


def nested(kit: Kit, size: int) -> dict[str, Any]:
    """Multipart in multipart, without end."""
    levels = size // 80
    opened = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (level, level + 1) for level in range(levels)
    )
    closed = b"".join(b"\r\n--b%d--" % level for level in range(levels, -1, -1))
    return package(
        kit, kit.part(opened + b"--b%d\r\n\r\nx" % levels + closed, "Content-Type: multipart/mixed; boundary=b0")
    )


def nested_alike(kit: Kit, size: int) -> dict[str, Any]:
    """The same with one boundary for all levels."""
    opened = filled(b"--outer\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n", size)
    return package(kit, kit.part(opened + b"--outer--", "Content-Type: multipart/mixed; boundary=outer"))


def nested_encoded(kit: Kit, size: int) -> dict[str, Any]:
    """Multipart in base64 in multipart in base64, and so on."""
    part = kit.part(b"x")
    for _ in range(12):
        inside = base64.encodebytes(kit.multipart(part, boundary="b"))
        part = kit.part(inside, "Content-Type: multipart/mixed; boundary=b", _BASE64)
    return package(kit, part)


def headers_of_many(kit: Kit, size: int) -> dict[str, Any]:
    """As many header lines as one part may have, in each of many parts."""
    part = b"A: b\r\n" * 64 + b"\r\n"
    return package(kit, *[part] * (size // len(part) + 1))


def envelope(written: bytes, place: str = "more") -> Maker:
    """A SubmitReq with this in it: behind what the schema has, among the Recipients or in To."""
    return lambda kit, size: kit.environ(_envelope(kit, written, place))


def envelope_again(before: bytes, pattern: bytes, behind: bytes = b"", place: str = "more") -> Maker:
    """The same with a pattern again and again; ``#`` in it is a number, never the same."""

    def make(kit: Kit, size: int) -> dict[str, Any]:
        if b"#" in pattern:
            count = size // (len(pattern) + 4) + 1
            again = b"".join([pattern.replace(b"#", b"%d" % number) for number in range(count)])
        else:
            again = filled(pattern, size)
        return kit.environ(_envelope(kit, before + again + behind, place))

    return make


def _envelope(kit: Kit, written: bytes, place: str) -> bytes:
    at = dict.fromkeys(("recipients", "to", "more"), "") | {place: "<!---->"}
    inner = (
        "<mm7:MM7Version>6.8.0</mm7:MM7Version><mm7:SenderIdentification/>{recipients}"
        "<mm7:Recipients><mm7:To><mm7:Number>+12025550101</mm7:Number>{to}</mm7:To></mm7:Recipients>{more}"
    )
    return kit.soap(inner=inner.format(**at)).replace(b"<!---->", written)


def deep(kit: Kit, size: int) -> dict[str, Any]:
    """Element in element, all closed again."""
    return kit.environ(_envelope(kit, b"<x>" * (size // 7) + b"</x>" * (size // 7), "more"))


def long_prefix(kit: Kit, size: int) -> dict[str, Any]:
    return kit.environ(kit.soap("CancelReq", prefix="p" * size))


def one_name(kit: Kit, size: int) -> dict[str, Any]:
    return kit.environ(_envelope(kit, b"<" + b"x" * size + b"/>", "more"))


def href_and_parts(kit: Kit, size: int) -> dict[str, Any]:
    """An href of escapes, and as many parts as are allowed that it may mean."""
    xml = _envelope(kit, b'<mm7:Content href="cid:' + filled(b"%41", size) + b'"/>', "more")
    return package(kit, *[kit.part(b"x", f"Content-ID: <{number}>") for number in range(199)], xml=xml)


def recoded(charset: str, label: str | None = None, declared: str = "UTF-8") -> Maker:
    """A good message in another character set."""

    def make(kit: Kit, size: int) -> dict[str, Any]:
        xml = kit.soap("CancelReq").decode().replace('encoding="UTF-8"', f'encoding="{declared}"')
        return kit.environ(
            xml.encode(charset), CONTENT_TYPE="text/xml" if label is None else f"text/xml; charset={label}"
        )

    return make


def replaced(old: str, new: str) -> Maker:
    """A good message in which this stands in the place of that."""

    def make(kit: Kit, size: int) -> dict[str, Any]:
        xml = kit.soap("CancelReq").decode()
        assert old in xml
        return kit.environ(xml.replace(old, new.replace("CANARY", kit.canary)).encode())

    return make


def doctype(declaration: str, used: str = "x", charset: str = "utf-8") -> Maker:
    """A good message with a document type declaration; ``used`` stands in an element."""

    def make(kit: Kit, size: int) -> dict[str, Any]:
        xml = kit.soap("CancelReq").decode().replace("m-1", used)
        xml = xml.replace("\r\n", declaration.replace("CANARY", kit.canary), 1)
        return kit.environ(xml.encode(charset), CONTENT_TYPE="text/xml")

    return make


def elsewhere(kit: Kit, size: int) -> dict[str, Any]:
    """A part that says that it is on another server."""
    external = f'Content-Type: message/external-body; access-type=URL; URL="{kit.canary}"'
    return package(kit, kit.part(b"", external, f"Content-Location: {kit.canary}"))


def href_elsewhere(kit: Kit, size: int) -> dict[str, Any]:
    """An href to another server, beside a part."""
    xml = _envelope(kit, f'<mm7:Content href="{kit.canary}"/>'.encode(), "more")
    return package(kit, kit.part(b"x"), xml=xml)


# -- the attacks

_TEXT = "Content-Type: text/plain"
_BASE64 = "Content-Transfer-Encoding: base64"
_QUOTED = "Content-Transfer-Encoding: quoted-printable"
_RELATED = 'multipart/related; type="text/xml"; boundary='
_LAUGHS = "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 11))
_HEADER = "<s:Header>"

#: What each class is about is said in SECURITY.md, under the same name.
CLASSES: dict[str, list[Attack]] = {
    "announced length": [
        Attack("ten gigabytes", head(CONTENT_LENGTH="10000000000"), TOO_LARGE, "(body)"),
        Attack("a number of 64 bits", head(CONTENT_LENGTH="9" * 19), TOO_LARGE, "(body)"),
        Attack("a larger number", head(CONTENT_LENGTH="9" * 20), MALFORMED, "is no number"),
        Attack("digits without end", long_head("CONTENT_LENGTH"), MALFORMED, sizes=BODIES, lawful=False),
        *(
            Attack(f"{written!r}", head(CONTENT_LENGTH=written), MALFORMED, "is no number", lawful=False)
            for written in (
                "-5",
                "+5",
                "5, 6",
                "5,5",
                "0x5",
                "5 ",
                " 5",
                "5\r\n",
                "5_0",
                "1e3",
                "5.0",
                "\uff15",
                "\xb2",
            )
        ),
        Attack("none", head(CONTENT_LENGTH=""), NO_LENGTH, "no Content-Length"),
        Attack("a length and chunks", head(HTTP_TRANSFER_ENCODING="chunked"), MALFORMED, "Transfer-Encoding"),
        Attack("a length and something else", head(HTTP_TRANSFER_ENCODING="xchunked"), MALFORMED, "Transfer-Encoding"),
        Attack("chunks", head(CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked"), NO_LENGTH),
    ],
    "framing": [
        Attack("a preamble", preamble(b"x"), READ, sizes=BODIES),
        Attack("a preamble of hyphens", preamble(b"-"), READ, sizes=BODIES, calls=LINES),
        Attack(
            "a preamble of delimiters that go on", preamble(b"\r\n--outer-"), INVALID, "goes on", BODIES, calls=LINES
        ),
        Attack("an epilogue (python-multipart, CVE-2026-40347)", epilogue(b"x"), READ, sizes=BODIES),
        Attack("an epilogue of line breaks (CVE-2024-53981)", epilogue(b"\r\n"), READ, sizes=BODIES),
        Attack("an epilogue of delimiters", epilogue(b"\r\n--outer"), INVALID, "behind the close", BODIES, calls=LINES),
        Attack("carriage returns", content_again(b"\r", _TEXT), READ, sizes=BODIES),
        Attack("line feeds", content_again(b"\n", _TEXT), READ, sizes=BODIES),
        Attack("hyphens", content_again(b"-", _TEXT), READ, sizes=BODIES),
        Attack(
            "CR and LF, then megabytes (werkzeug, CVE-2023-46136)",
            content_again(b"x", before=b"\r\n"),
            READ,
            "",
            BODIES,
        ),
        Attack("delimiters but for their last octet", content_again(b"\r\n--oute"), READ, sizes=BODIES),
        Attack("delimiters inside of lines", content_again(b"x--outer"), READ, sizes=BODIES),
        Attack("delimiters that go on", content_again(b"\r\n--outer-"), TOO_LARGE, "(parts)", BODIES, calls=LINES),
        Attack("delimiters behind line feeds", content_again(b"\n--outer"), TOO_LARGE, "(parts)", BODIES, calls=LINES),
        Attack("no delimiter", posted_again(_RELATED + "b", b"x"), INVALID, "begins with the delimiter", BODIES),
        Attack("nothing but CR", posted_again(_RELATED + "b", b"\r"), INVALID, "begins with the delimiter", BODIES),
        Attack("nothing but CRLF", posted_again(_RELATED + "b", b"\r\n"), INVALID, "begins with the delimiter", BODIES),
        Attack("nothing but hyphens", posted_again("multipart/related", b"-"), INVALID, "no boundary", BODIES),
        Attack(
            "nothing but two hyphens in a line",
            posted_again("multipart/related", b"--\n"),
            INVALID,
            "no boundary",
            BODIES,
            calls=LINES,
        ),
        Attack("two boundaries", typed(_RELATED + "outer; boundary=b"), INVALID, "two different boundary parameters"),
        Attack("a boundary of two lines", typed(_RELATED + '"outer\r\n--b"'), INVALID, "line break", lawful=False),
        Attack("a long boundary", typed(_RELATED + "b" * 8000), READ, "boundary-wrong"),
        Attack("no part", posted(_RELATED + "b", b"--b--"), INVALID, "no parts"),
        Attack("a part inside with the same delimiter", nested_alike, TOO_LARGE, "(parts)", BODIES, calls=LINES),
    ],
    "numbers of parts and headers": [
        Attack("parts (werkzeug, CVE-2023-25577)", many_parts(b"\r\n"), TOO_LARGE, "(parts)", BODIES, calls=LINES),
        Attack("delimiters", many_parts(b""), TOO_LARGE, "(parts)", BODIES, calls=LINES),
        Attack(
            "header lines (python-multipart, CVE-2026-42561)",
            headers_again(b"A: b\r\n"),
            TOO_LARGE,
            "4 times",
            BODIES,
            calls=HEADERS,
        ),
        Attack("sixty-five header lines", headers_again(b"A: b\r\n", size=6 * 64), TOO_LARGE, "(headers)"),
        Attack("header lines of many parts", headers_of_many, TOO_LARGE, "", (100_000, 1_600_000), calls=HEADERS),
        Attack("one header line", headers_again(b"b", b"A: "), TOO_LARGE, "header_line", BODIES),
        Attack("one header name", headers_again(b"A"), TOO_LARGE, "header_line", BODIES),
        Attack("one folded header", headers_again(b"\r\n c", b"A: b"), TOO_LARGE, "4 times", BODIES, calls=HEADERS),
        Attack("NUL in a header", content("A: \0"), READ),
        Attack("a header beyond ASCII", headers_again(b"\xff", b"A: ", size=2), READ),
        Attack("a header name beyond ASCII", headers_again(b"\xff: b", size=2), INVALID, "no colon"),
        Attack("a line that is no header", headers_again(b": b", size=2), INVALID, "no colon"),
    ],
    "depth of multiparts": [
        Attack("multipart in multipart", nested, TOO_LARGE, "", BODIES, calls=NESTED),
        Attack("nine levels", lambda kit, size: nested(kit, 8 * 80), TOO_LARGE, "(mime_depth)", calls=NESTED),
        Attack("multipart in base64 in multipart in base64", nested_encoded, TOO_LARGE, "(mime_depth)", calls=NESTED),
    ],
    "patterns": [
        Attack("a Content-Type", type_again("text/xml", ";a=b"), TOO_LARGE, "header_line", (10_000, 160_000)),
        *(
            Attack(f"a Content-Type of {pattern!r}", type_again(before, pattern, behind, 8000), READ, calls=VALUE)
            for before, pattern, behind in (
                ("text/xml", ";", ""),
                ("text/xml", " ", ""),
                ("text/xml;", " =", ""),
                ('text/xml;a="', "\\", ""),
                ('text/xml;a="', '\\"', ""),
                ("text/xml;a=", '"', ""),
                ("text/xml;", 'a="";', ""),
                ("text/xml;", "a*1*=%41;", ""),
                ("text/xml;", "a*", "=b"),
                ("text/xml;a*=", "'", ""),
                ("text/xml;a=", "%", ""),
            )
        ),
        *(
            Attack(
                f"a part's Content-Type of {pattern!r}",
                headers_again(pattern, b"Content-Type: text/plain", size=8000),
                READ,
                calls=VALUE,
            )
            for pattern in (b";", b";a", b';a="', b";a*0*=", b"\\", b'"', b"; ")
        ),
        Attack(
            "a Content-ID of brackets",
            headers_again(b"<", b"Content-ID: ", size=8000),
            READ,
            "content-unreferenced id-brackets",
        ),
        Attack(
            "an href of escapes",
            href_and_parts,
            READ,
            "href-unmatched",
            (20_000, 640_000),
            memory=6 * MEGABYTE,
            calls=2 * VALUE,
        ),
        *(
            Attack(
                f"a {element} of {pattern!r}",
                envelope_again(b"<mm7:%s>%s" % (element.encode(), before), pattern, b"x</mm7:%s>" % element.encode()),
                READ,
                deviation,
                ENVELOPES,
                TREE,
            )
            for element, before, pattern, deviation in (
                ("TimeStamp", b"", b"1", "value-form"),
                ("TimeStamp", b"2030-01-02T03:04:05.", b"0", "value-form"),
                ("TimeStamp", b"2030-01-02", b" ", "value-form"),
                ("ExpiryDate", b"P", b"1", "value-form"),
                ("ExpiryDate", b"P", b"1Y", "value-form"),
                ("Priority", b"", b"\xc4\xb0", "value-unlisted"),
                ("DeliveryReport", b"", b"true ", "value-form"),
                ("Subject", b"", b" ", ""),
            )
        ),
        Attack(
            "an integer of digits",
            envelope_again(b"<mm7:DeliveryCondition><mm7:DC>", b"1", b"</mm7:DC></mm7:DeliveryCondition>"),
            READ,
            "value-form",
            ENVELOPES,
            TREE,
        ),
        Attack("a version of digits", replaced("6.8.0", "6." + "8" * 100_000), BAD_VALUE, "MM7Version"),
    ],
    "content and transfer encodings": [
        *(
            Attack(
                f"a Content-Encoding of {coding[:20]!r}",
                head(HTTP_CONTENT_ENCODING=coding),
                NOT_MM7,
                "Content-Encoding",
            )
            for coding in ("gzip", "deflate", "br", "x-gzip", "identity, gzip", "gzip" + "," * 5000)
        ),
        Attack(
            "a bomb", posted("text/xml", gzip.compress(bytes(10 * MEGABYTE)), HTTP_CONTENT_ENCODING="gzip"), NOT_MM7
        ),
        Attack("a bomb without a label", posted("text/xml", gzip.compress(bytes(10 * MEGABYTE))), INVALID),
        Attack(
            "a bomb for a picture", content("Content-Encoding: gzip", octets=gzip.compress(bytes(10 * MEGABYTE))), READ
        ),
        Attack("base64 of padding", content_again(b"=", _TEXT, _BASE64), READ, sizes=BODIES),
        Attack(
            "base64 that ends again and again", content_again(b"QQ==", _TEXT, _BASE64), BAD_CONTENT, "padding", BODIES
        ),
        Attack("base64 of a lone digit", content(_TEXT, _BASE64, octets=b"Q"), BAD_CONTENT, "base64"),
        Attack("base64 of junk", content_again(b"!*", _TEXT, _BASE64), BAD_CONTENT, "base64", BODIES),
        Attack("base64 of line breaks", content_again(b"\r\n", _TEXT, _BASE64), READ, sizes=BODIES),
        Attack("quoted-printable of escapes", content_again(b"=41", _TEXT, _QUOTED), READ, sizes=BODIES),
        Attack("quoted-printable of =", content_again(b"=", _TEXT, _QUOTED), READ, sizes=BODIES),
        Attack("quoted-printable of blanks", content_again(b" ", _TEXT, _QUOTED), READ, sizes=BODIES),
        Attack(
            "a transfer encoding that nobody knows", content("Content-Transfer-Encoding: gzip"), BAD_CONTENT, "gzip"
        ),
    ],
    "document types and entities": [
        *(
            Attack(name, doctype(declaration, used), INVALID, "document type")
            for name, declaration, used in (
                ("an empty one", "<!DOCTYPE x>", "x"),
                ("a file", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', "&e;"),
                ("another server", '<!DOCTYPE x [<!ENTITY e SYSTEM "CANARY">]>', "&e;"),
                ("a parameter entity", '<!DOCTYPE x [<!ENTITY % e SYSTEM "CANARY"> %e;]>', "x"),
                ("an external subset", '<!DOCTYPE x SYSTEM "CANARY">', "x"),
                ("a public one", '<!DOCTYPE x PUBLIC "-//x//y" "CANARY">', "x"),
                ("an entity inside", '<!DOCTYPE x [<!ENTITY e "boom">]>', "&e;"),
                ("an attribute by default", '<!DOCTYPE x [<!ATTLIST MessageID a CDATA "b">]>', "x"),
                ("a notation", '<!DOCTYPE x [<!NOTATION n SYSTEM "CANARY">]>', "x"),
                ("a billion laughs (CWE-776)", f'<!DOCTYPE x [<!ENTITY a0 "ha">{_LAUGHS}]>', "&a10;"),
                ("a long entity, many times", f'<!DOCTYPE x [<!ENTITY e "{"x" * 30_000}">]>', "&e;" * 10_000),
                ("an entity of itself", '<!DOCTYPE x [<!ENTITY e "&e;">]>', "&e;"),
            )
        ),
        *(
            Attack(f"one in {charset}", doctype("<!DOCTYPE x>", charset=charset), INVALID, "document type")
            for charset in ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
        ),
        Attack(
            "one in EBCDIC",
            lambda kit, size: (
                doctype("<!DOCTYPE x>", charset="cp500")(kit, size) | {"CONTENT_TYPE": "text/xml; charset=cp500"}
            ),
            INVALID,
            "document type",
        ),
        Attack("an entity that nobody declared", replaced("m-1", "&e;"), INVALID, "not well-formed"),
        Attack(
            "a stylesheet",
            replaced("<s:Envelope", '<?xml-stylesheet href="CANARY"?><s:Envelope'),
            INVALID,
            "processing instruction",
        ),
        Attack(
            "an XInclude",
            replaced(
                "<mm7:MessageID>m-1",
                '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/><mm7:MessageID>m-1',
            ),
            READ,
            "element-unknown",
        ),
        Attack(
            "the place of a schema",
            replaced(
                "<s:Envelope",
                '<s:Envelope xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="CANARY CANARY"',
            ),
            READ,
        ),
    ],
    "size of the XML": [
        Attack(
            "a text",
            envelope_again(b"<mm7:Subject>", b"x", b"</mm7:Subject>"),
            TOO_LARGE,
            "(envelope)",
            (2_200_000, 8_800_000),
        ),
        Attack(
            "tags that are never closed", envelope_again(b"", b"<x>"), INVALID, "(elements)", ENVELOPES, TREE, ELEMENTS
        ),
        Attack("depth", deep, INVALID, "(depth)", (20_000, 320_000), TREE, ELEMENTS),
        Attack("elements", envelope_again(b"", b"<x/>"), INVALID, "(elements)", ENVELOPES, TREE, ELEMENTS),
        Attack(
            "names of elements",
            envelope_again(b"", b"<x#/>"),
            INVALID,
            "(elements)",
            (500_000, 1_800_000),
            TREE,
            ELEMENTS,
        ),
        Attack(
            "attributes",
            envelope_again(b"<x", b' a#=""', b"/>"),
            INVALID,
            "(attributes)",
            ENVELOPES,
            2 * TREE,
            2 * ELEMENTS,
        ),
        Attack(
            "attributes in a long namespace",
            envelope_again(b'<x xmlns:p="' + b"u" * 256 + b'"', b' p:a#=""', b"/>"),
            INVALID,
            "(elements)",
            (800_000, 1_800_000),
            2 * TREE,
            3 * ELEMENTS,
        ),
        Attack("a prefix", long_prefix, READ, "", (20_000, 120_000), TREE),
        Attack(
            "namespaces",
            envelope_again(b"<x", b' xmlns:a#="urn:#"', b"/>"),
            INVALID,
            "(attributes)",
            (120_000, 960_000),
            TREE,
            ELEMENTS,
        ),
        Attack("one namespace", envelope_again(b'<x xmlns="', b"u", b'"/>'), INVALID, "(namespace)", ENVELOPES, TREE),
        Attack(
            "one namespace of many names",
            envelope_again(b'<x xmlns="' + b"u" * 100_000 + b'">', b"<x#/>", b"</x>"),
            INVALID,
            "(namespace)",
            (50_000, 400_000),
            TREE,
        ),
        Attack(
            "many names in a namespace of long characters",
            envelope_again(b'<x xmlns="' + b"u" + "\U0001f600".encode() * 63 + b'">', b"<x#/>", b"</x>"),
            READ,
            "element-unknown",
            (60_000, 360_000),
            3 * TREE,
            1_200_000,
        ),
        Attack("one name", one_name, READ, "element-unknown", ENVELOPES, TREE),
        Attack("one attribute", envelope_again(b'<x a="', b"y", b'"/>'), READ, "element-unknown", ENVELOPES, TREE),
        Attack("one comment", envelope_again(b"<!--", b"x", b"-->"), READ, "", ENVELOPES, TREE),
        Attack(
            "character references",
            envelope_again(b"<mm7:Subject>", b"&lt;", b"</mm7:Subject>"),
            READ,
            "",
            ENVELOPES,
            TREE,
        ),
        Attack(
            "CDATA sections",
            envelope_again(b"<mm7:Subject>", b"<![CDATA[x]]>", b"</mm7:Subject>"),
            READ,
            "",
            (60_000, 600_000),
            TREE,
        ),
        Attack("blanks", posted_again("text/xml", b" "), INVALID, "not well-formed", BODIES, 2 * MEMORY),
    ],
    "repetition": [
        Attack(
            "recipients",
            envelope_again(b"", b"<mm7:Number>1</mm7:Number>", place="to"),
            BAD_ADDRESS,
            "(recipients)",
            (270_000, 1_080_000),
            TREE,
            ELEMENTS,
        ),
        Attack(
            "Recipients",
            envelope_again(b"", b"<mm7:Recipients><mm7:To/></mm7:Recipients>", place="recipients"),
            READ,
            "element-repeated value-form",
            (60_000, 480_000),
            TREE,
            1_000_000,
        ),
        Attack(
            "an array that is said to be large",
            replaced(
                "<mm7:MessageID>",
                '<mm7:MessageID xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" e:arrayType="x[2147483647]">',
            ),
            READ,
        ),
        Attack("an href to another server", href_elsewhere, READ, "href-unmatched"),
        Attack("a part on another server", elsewhere, READ),
    ],
    "confusion of protocols": [
        Attack("a SOAPAction of another operation", head(HTTP_SOAPACTION='"DeliverReq"'), READ),
        Attack("two operations", replaced("</s:Body>", "<x/></s:Body>"), INVALID),
        Attack("two bodies", replaced("</s:Envelope>", "<s:Body/></s:Envelope>"), INVALID),
        Attack("a Fault beside the operation", replaced("</s:Body>", "<s:Fault/></s:Body>"), INVALID),
        Attack("no envelope", posted("text/xml", b"<x/>"), INVALID),
        Attack("an operation of nobody's", replaced("CancelReq", "DropTables"), NO_OPERATION),
        Attack("an answer as a request", replaced("CancelReq", "CancelRsp"), NO_OPERATION),
        Attack("another namespace", replaced("http://www.3gpp.org/ftp", "urn:x"), READ, "namespace-foreign"),
        Attack(
            "a namespace that is not of MM7",
            lambda kit, size: kit.environ(kit.soap(namespace="urn:x", transaction_namespace=kit.REL_6)),
            (500, 4002),
        ),
        Attack(
            "a block that has to be understood",
            replaced(_HEADER, _HEADER + '<w:S xmlns:w="urn:w" s:mustUnderstand="1"/>'),
            (500, "MustUnderstand"),
        ),
        Attack(
            "SOAP 1.2",
            replaced("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"),
            (500, "VersionMismatch"),
        ),
        Attack(
            "two TransactionIDs",
            replaced(_HEADER, _HEADER + '<TransactionID xmlns="mm7">2</TransactionID>'),
            BAD_TRANSACTION,
        ),
        Attack("no TransactionID", replaced("tid-1", " "), BAD_TRANSACTION),
        Attack("a form", posted("application/x-www-form-urlencoded", b"a=b"), NOT_MM7),
        Attack(
            "a form of parts",
            posted(
                "multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--'
            ),
            INVALID,
        ),
        Attack("JSON", posted("application/json", b"{}"), NOT_MM7),
        Attack("no Content-Type", head(CONTENT_TYPE=None), NOT_MM7),
        Attack("another method", head(REQUEST_METHOD="PUT"), NOT_POST, "POST only"),
        Attack("a method of any length", long_head("REQUEST_METHOD"), NOT_POST, sizes=BODIES, lawful=False),
    ],
    "character sets": [
        *(
            Attack(charset, recoded(charset, declared=charset), READ)
            for charset in ("utf-8", "utf-8-sig", "utf-16", "us-ascii")
        ),
        Attack("EBCDIC", recoded("cp500", "cp500", "cp500"), READ),
        Attack("UTF-32", recoded("utf-32", "utf-32", "utf-32"), INVALID),
        Attack("markup that is hidden in UTF-7", posted("text/xml; charset=utf-7", b"+ADw-x/+AD4-"), INVALID),
        *(
            Attack(f"the label {label[:20]!r}", recoded("utf-8", label), READ, "charset-contradicted")
            for label in ("idna", "punycode", "unicode_escape", "undefined", "rot13", "zlib", "hex", "../x", "x" * 5000)
        ),
        Attack("NUL", posted("text/xml", b"<x>\0</x>"), INVALID),
        Attack("octets of no character set", posted("text/xml", b"<x>\xff</x>"), INVALID),
        Attack("overlong UTF-8", posted("text/xml", b"<x>\xc0\xbc</x>"), INVALID),
        Attack("half a pair in UTF-8", posted("text/xml", b"<x>\xed\xa0\x80</x>"), INVALID),
        Attack("a reference to NUL", replaced("m-1", "&#0;"), INVALID),
        Attack("a reference to half a pair", replaced("m-1", "&#xD800;"), INVALID),
    ],
    "file names": [
        Attack(
            f"{name[:20]!r}",
            content(f'Content-Disposition: attachment; filename="{name}"', f"Content-Location: {name}"),
            READ,
        )
        for name in (
            "../../etc/passwd",
            "/etc/passwd",
            "C:\\\\CON",
            "a\0b",
            "x" * 3000,
            "~root",
            "file:///etc/passwd",
            "|id",
        )
    ],
}
