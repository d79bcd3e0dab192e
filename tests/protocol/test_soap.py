"""Envelopes: octets to elements, in any character set, guarded; and elements to octets."""

from __future__ import annotations

import codecs
import contextlib
import gc
import os
import re
import runpy
from collections.abc import Callable, Hashable
from pathlib import Path
from xml.dom import minidom
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol.deviations import Deviations
from mm7_wsgi.protocol.errors import (
    MM7Error,
    MustUnderstand,
    TransactionIDError,
    UnsupportedVersion,
    ValidationError,
    VersionMismatch,
)
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.messages import (
    CancelRsp,
    Fault,
    RSErrorRsp,
    Status,
    read_answer,
    read_fault,
    read_response,
    write_fault,
    write_message,
)
from mm7_wsgi.protocol.soap import (
    MM7,
    MM7_NAMESPACES,
    SOAP,
    Element,
    Envelope,
    Node,
    Transaction,
    Writer,
    attributes_of,
    check_answer,
    check_envelope,
    child_of,
    divide_envelope,
    element_of,
    has_text,
    is_mm7,
    parse_xml,
    split_name,
    text_of,
    tidy,
    to_utf8,
    write_envelope,
)

TABLE = runpy.run_path(str(Path(__file__).with_name("schema_table.py")))
LIMITS = Limits()
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
NEXT = "http://schemas.xmlsoap.org/soap/actor/next"


def parse_node(xml: str | bytes, limits: Limits = LIMITS) -> Node:
    return parse_xml(xml.encode("utf-8", "surrogatepass") if isinstance(xml, str) else xml, limits)


def parse(xml: str | bytes, limits: Limits = LIMITS) -> Element:
    return element_of(parse_node(xml, limits))


def local(node: Node) -> str:
    return split_name(node.tag)[0]


def refusal_of(xml: str | bytes, limits: Limits = LIMITS) -> str:
    """Why a document is refused with 4004."""
    with pytest.raises(ValidationError) as refusal:
        parse_node(xml, limits)
    assert refusal.value.code == 4004
    assert refusal.value.details is not None
    return refusal.value.details


# -- character sets

# Each document holds this text, or as much of it as its character set can.
GERMAN, KOREAN, JAPANESE, CHINESE = "Gr\u00fc\u00dfe", "\ud55c\uad6d\uc5b4", "\u65e5\u672c\u8a9e", "\u4e2d\u6587"


def octets(text: str, charset: str, declared: str | None = None, *, bom: bytes = b"") -> bytes:
    declaration = "" if declared is None else f'<?xml version="1.0" encoding="{declared}"?>'
    return bom + f"{declaration}<a>{text}</a>".encode(charset)


@pytest.mark.parametrize(
    ("document", "charset", "text", "contradicted"),
    [
        pytest.param(octets("abc", "ascii"), None, "abc", 0, id="ASCII that claims nothing"),
        pytest.param(octets("abc", "ascii"), "us-ascii", "abc", 0, id="ASCII that says so"),
        pytest.param(octets("abc", "ascii", "utf-8"), "utf-8", "abc", 0, id="ASCII under UTF-8"),
        pytest.param(octets("abc", "ascii", "euc-kr"), "iso-8859-1", "abc", 0, id="ASCII under two supersets of it"),
        pytest.param(octets("abc", "ascii"), "iso-2022-jp", "abc", 0, id="ASCII under ISO-2022-JP"),
        pytest.param(octets("x" * 64 + "+AGE-", "ascii"), "utf-7", "x" * 64 + "+AGE-", 1, id="ASCII labelled UTF-7"),
        pytest.param(octets("x" * 64 + "~{VP~}", "ascii"), "hz", "x" * 64 + "~{VP~}", 1, id="ASCII labelled HZ"),
        pytest.param(octets("abc", "ascii", "utf-16"), None, "abc", 1, id="ASCII declared UTF-16"),
        pytest.param(octets("abc", "ascii"), "utf-16", "abc", 1, id="ASCII labelled UTF-16"),
        pytest.param(octets("abc", "ascii", "utf-16"), "utf-16le", "abc", 2, id="ASCII with two false claims"),
        pytest.param(octets("abc", "ascii"), "cp037", "abc", 1, id="ASCII labelled EBCDIC"),
        pytest.param(octets(GERMAN, "utf-8"), None, GERMAN, 0, id="UTF-8 that claims nothing"),
        pytest.param(octets(GERMAN, "utf-8", "UTF-8"), "utf8", GERMAN, 0, id="UTF-8 by other names"),
        pytest.param(octets(GERMAN, "utf-8", "utf-8"), " UTF-8 ", GERMAN, 0, id="UTF-8 with blanks around its name"),
        pytest.param(octets(GERMAN, "utf-8", "utf-8", bom=codecs.BOM_UTF8), None, GERMAN, 0, id="UTF-8 with BOM"),
        pytest.param(octets(GERMAN, "utf-8", bom=codecs.BOM_UTF8), "utf-8", GERMAN, 0, id="UTF-8 with BOM, labelled"),
        pytest.param(octets(GERMAN, "utf-8", bom=codecs.BOM_UTF8), "utf-8-sig", GERMAN, 0, id="BOM in the label"),
        pytest.param(
            octets(GERMAN, "utf-8", "iso-8859-1", bom=codecs.BOM_UTF8), None, GERMAN, 1, id="BOM against declaration"
        ),
        pytest.param(octets(GERMAN, "utf-8", "utf-16"), "utf-8", GERMAN, 1, id="UTF-8 declared UTF-16"),
        pytest.param(octets(CHINESE, "utf-8", "GB2312"), "utf-8", CHINESE, 1, id="UTF-8 declared GB2312"),
        pytest.param(octets(KOREAN, "utf-8", "euc-kr"), "euc-kr", KOREAN, 1, id="UTF-8 that says EUC-KR twice"),
        pytest.param(octets(GERMAN, "utf-8"), "iso-8859-1", GERMAN, 1, id="UTF-8 labelled Latin-1"),
        pytest.param(octets("x" * 64 + GERMAN, "utf-8"), "iso-8859-1", "x" * 64 + GERMAN, 1, id="UTF-8 seen late"),
        pytest.param(octets(GERMAN, "utf-8"), "us-ascii", GERMAN, 1, id="UTF-8 labelled ASCII"),
        pytest.param(octets(GERMAN, "utf-8"), "utf:8", GERMAN, 0, id="UTF-8 with a colon in its name"),
        pytest.param(octets(GERMAN, "utf-8"), "x-unknown", GERMAN, 1, id="UTF-8 under an unknown name"),
        pytest.param(octets(GERMAN, "utf-8"), "punycode", GERMAN, 1, id="UTF-8 labelled punycode"),
        pytest.param(octets("abc", "ascii"), "punycode", "abc", 1, id="ASCII labelled punycode"),
        pytest.param(octets("abc", "ascii"), "base64", "abc", 1, id="a codec that is no character set"),
        pytest.param(octets("abc", "ascii"), "utf-8\0", "abc", 1, id="a name with NUL"),
        pytest.param(octets(GERMAN, "utf-16"), None, GERMAN, 0, id="UTF-16 with BOM that claims nothing"),
        pytest.param(octets(GERMAN, "utf-16", "utf-16"), "utf-16", GERMAN, 0, id="UTF-16 with BOM"),
        pytest.param(
            octets(GERMAN, "utf-16-be", "utf-16", bom=codecs.BOM_UTF16_BE),
            "utf-16",
            GERMAN,
            0,
            id="big-endian with BOM",
        ),
        pytest.param(
            octets(GERMAN, "utf-16-le", bom=codecs.BOM_UTF16_LE), "utf-8", GERMAN, 1, id="UTF-16 with BOM under UTF-8"
        ),
        pytest.param(octets(GERMAN, "utf-16-le"), "utf-16le", GERMAN, 0, id="little-endian without BOM"),
        pytest.param(octets(GERMAN, "utf-16-be"), "utf-16be", GERMAN, 0, id="big-endian without BOM"),
        pytest.param(octets(GERMAN, "utf-16-le"), None, GERMAN, 0, id="little-endian without BOM that claims nothing"),
        pytest.param(octets(GERMAN, "utf-16-be", "utf-16"), None, GERMAN, 0, id="big-endian without BOM, declared"),
        pytest.param(octets(GERMAN, "utf-16-be"), "utf-8", GERMAN, 1, id="big-endian without BOM under UTF-8"),
        pytest.param(octets("abc", "utf-16-le"), None, "abc", 0, id="ASCII as little-endian without BOM"),
        pytest.param(octets("abc", "utf-16-be", "utf-8"), "utf-8", "abc", 1, id="ASCII as big-endian under UTF-8"),
        pytest.param(
            octets(GERMAN, "utf-16-le", "utf-8", bom=codecs.BOM_UTF16_LE), None, GERMAN, 1, id="UTF-16 declared UTF-8"
        ),
        pytest.param(
            octets(GERMAN, "utf-16-be", "utf-8", bom=codecs.BOM_UTF16_BE),
            "utf-16",
            GERMAN,
            1,
            id="big-endian declared UTF-8",
        ),
        pytest.param(octets(GERMAN, "utf-16-le", "euc-kr"), None, GERMAN, 1, id="little-endian declared EUC-KR"),
        pytest.param(octets(GERMAN, "utf-16-be", "utf-16le"), None, GERMAN, 1, id="big-endian declared little-endian"),
        pytest.param(octets(GERMAN, "utf-16-be", "utf-16"), "utf-16", GERMAN, 0, id="big-endian without BOM, labelled"),
        pytest.param(
            octets(GERMAN, "utf-16-le", "UTF-16LE", bom=codecs.BOM_UTF16_LE),
            "utf-16le",
            GERMAN,
            0,
            id="little-endian with BOM by its whole name",
        ),
        pytest.param(
            octets(GERMAN, "utf-16-be", "utf-16be", bom=codecs.BOM_UTF16_BE),
            None,
            GERMAN,
            0,
            id="big-endian with BOM by its whole name",
        ),
        pytest.param(
            octets(GERMAN, "utf-16-le", "utf-16be", bom=codecs.BOM_UTF16_LE),
            None,
            GERMAN,
            1,
            id="little-endian with BOM declared big-endian",
        ),
        pytest.param(octets(KOREAN, "utf-16", "utf-16"), "euc-kr", KOREAN, 1, id="UTF-16 with BOM under EUC-KR"),
        pytest.param(
            octets(GERMAN, "utf-8", "utf-16", bom=codecs.BOM_UTF8), None, GERMAN, 1, id="UTF-8 with BOM declared UTF-16"
        ),
        pytest.param(octets(GERMAN, "utf-8", "utf-16"), "utf-16", GERMAN, 1, id="UTF-8 that says UTF-16 twice"),
        pytest.param(octets(KOREAN, "utf-8"), "ks_c_5601-1987", KOREAN, 1, id="UTF-8 labelled KS C 5601"),
        pytest.param(
            octets(KOREAN, "utf-8", "euc-kr"), "ks_c_5601-1987", KOREAN, 2, id="UTF-8 that says Korean by two names"
        ),
        pytest.param(octets(KOREAN, "utf-8", "utf-8"), "euc-kr", KOREAN, 1, id="UTF-8 declared, labelled EUC-KR"),
        pytest.param(octets(CHINESE, "gb2312", "GB2312"), None, CHINESE, 0, id="GB2312 declared"),
        pytest.param(octets(CHINESE, "gb2312", "GB2312"), "gb2312", CHINESE, 0, id="GB2312 that says so twice"),
        pytest.param(octets(CHINESE, "utf-8", "gb2312"), None, CHINESE, 1, id="UTF-8 declared GB2312 alone"),
        pytest.param(octets(CHINESE, "utf-8", "utf-8"), "GB2312", CHINESE, 1, id="UTF-8 labelled GB2312"),
        pytest.param(octets(KOREAN, "euc-kr"), "ks_c_5601-1987", KOREAN, 0, id="EUC-KR labelled by its other name"),
        pytest.param(octets(KOREAN, "euc-kr", "euc-kr"), "euc-kr", KOREAN, 0, id="EUC-KR that says so twice"),
        pytest.param(octets(KOREAN, "euc-kr", "ks_c_5601-1987"), None, KOREAN, 0, id="EUC-KR by its other name"),
        pytest.param(octets(KOREAN, "euc-kr", "ksc5601"), "euc-kr", KOREAN, 0, id="EUC-KR by two names"),
        pytest.param(octets(KOREAN, "euc-kr", "euc-kr"), "utf-8", KOREAN, 1, id="EUC-KR under UTF-8, declared"),
        pytest.param(octets(KOREAN, "euc-kr", "utf-8"), "euc-kr", KOREAN, 1, id="EUC-KR declared UTF-8, labelled"),
        pytest.param(octets(JAPANESE, "iso-2022-jp", "iso-2022-jp"), None, JAPANESE, 0, id="ISO-2022-JP declared"),
        pytest.param(octets(JAPANESE, "iso-2022-jp"), "iso-2022-jp", JAPANESE, 0, id="ISO-2022-JP labelled"),
        pytest.param(
            octets("x" * 64 + JAPANESE, "iso-2022-jp", "us-ascii"),
            "iso-2022-jp",
            "x" * 64 + JAPANESE,
            1,
            id="ISO-2022-JP declared ASCII",
        ),
        pytest.param(octets(CHINESE, "gb2312", "GB2312"), "utf-8", CHINESE, 1, id="GB2312 under UTF-8, declared"),
        pytest.param(octets(GERMAN, "latin-1", "iso-8859-1"), None, GERMAN, 0, id="Latin-1 declared"),
        pytest.param(octets(GERMAN, "latin-1", "utf-8"), "iso-8859-1", GERMAN, 1, id="Latin-1 labelled"),
    ],
)
def test_the_soap_part_is_read_by_its_octets_first_and_its_claims_then(
    document: bytes, charset: str | None, text: str, contradicted: int
) -> None:
    deviations = Deviations()

    root = parse(to_utf8(document, charset, deviations))

    assert root.text == text
    assert [deviation.name for deviation in deviations] == ["charset-contradicted"] * contradicted


def test_what_a_document_of_ascii_says_of_itself_is_not_all_that_is_asked() -> None:
    """Such a head is what nearly all have, so that the rest is looked at least."""
    document = b'<?xml version="1.0" encoding="UTF-8"?><a>x</a>'
    deviations = Deviations()

    assert to_utf8(document, "utf-16", deviations) == document
    assert [str(deviation.where) for deviation in deviations] == ["the SOAP part says 'utf-16' and is utf-8"]


def test_a_claim_is_told_and_a_long_one_in_part() -> None:
    deviations = Deviations()

    to_utf8(b"<a/>", "x" * 60, deviations)

    assert [deviation.where for deviation in deviations] == [f"the SOAP part says {'x' * 40!r} and is utf-8"]


PARTY = "Party \U0001f389"
CESU = b"Party \xed\xa0\xbc\xed\xbe\x89"


@pytest.mark.parametrize(
    ("document", "charset", "text", "found"),
    [
        pytest.param(b"<a>\x805 \x96</a>", "iso-8859-1", "\u20ac5 \u2013", ["charset-wider"], id="euro under Latin-1"),
        pytest.param(b"<a>\x805</a>", "us-ascii", "\u20ac5", ["charset-wider"], id="euro under ASCII"),
        pytest.param(
            b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\x80</a>', None, "\u20ac", ["charset-wider"], id="declared"
        ),
        pytest.param(b"<a>\x805</a>", "windows-1252", "\u20ac5", [], id="euro under windows-1252"),
        pytest.param(b"<a>\x81</a>", "windows-1252", "\x81", ["charset-wider"], id="a byte that Windows left free"),
        pytest.param(b"<a>\x80</a>", "iso-8859-9", "\u20ac", ["charset-wider"], id="euro under Latin-5"),
        pytest.param(b"<a>\x88\x62</a>", "big5", "\xca\u0304", ["charset-wider"], id="HKSCS under Big5"),
        pytest.param(b"<a>\xa3\xe1\xa4\xa4</a>", "big5", "\u20ac\u4e2d", [], id="euro under Big5"),
        pytest.param(octets(KOREAN, "utf-16-be"), "ucs-2", KOREAN, [], id="UCS-2"),
        pytest.param(octets(KOREAN, "utf-16-be"), "1000", KOREAN, [], id="UCS-2 by its number"),
        pytest.param(
            octets(KOREAN, "utf-16-le"), "ucs-2", KOREAN, ["charset-contradicted"], id="little-endian under UCS-2"
        ),
        pytest.param(octets("\u56fe\u7247", "gbk"), "gbk", "\u56fe\u7247", [], id="GBK that is UTF-8 by chance"),
        pytest.param(b"<a>" + CESU + b"</a>", "utf-8", PARTY, ["surrogate-pair"], id="CESU-8 under UTF-8"),
        pytest.param(b"<a>" + CESU + b"</a>", None, PARTY, ["surrogate-pair"], id="CESU-8 that claims nothing"),
        pytest.param(
            b'<?xml version="1.0" encoding="utf-8"?><a>' + CESU + b"</a>",
            "iso-8859-1",
            PARTY,
            ["charset-contradicted", "surrogate-pair"],
            id="CESU-8 under Latin-1",
        ),
        pytest.param(
            b"<a><![CDATA[" + CESU + b"]]></a>", "utf-8", PARTY, ["surrogate-pair"], id="CESU-8 in a CDATA section"
        ),
    ],
)
def test_the_soap_part_is_read_in_what_its_label_means(
    document: bytes, charset: str | None, text: str, found: list[str]
) -> None:
    deviations = Deviations()

    root = parse(to_utf8(document, charset, deviations))

    assert root.text == text
    assert [deviation.name for deviation in deviations] == found


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("<a>&#xD83C;&#xDF89;</a>", "\U0001f389"),
        ("<a>&#55356;&#57225;</a>", "\U0001f389"),
        ("<a>&#xd83c;&#57225;&#0055356;&#x0DF89;</a>", "\U0001f389\U0001f389"),
        ("<a>&#65;&#xD83C;&#xDF89;&#66;</a>", "A\U0001f389B"),
        ("<a>&#xD800;&#xDC00;&#55296;&#56320;</a>", "\U00010000\U00010000"),
        ("<a>&#xDBFF;&#xDFFF;&#56319;&#57343;</a>", "\U0010ffff\U0010ffff"),
        ("<a><![CDATA[&#xD83C;&#xDF89;]]>&#xD83C;&#xDF89;</a>", "&#xD83C;&#xDF89;\U0001f389"),
        ("<a><!-- &#xD83C;&#xDF89; -->&#xD83C;&#xDF89;<!-- ]]> <![CDATA[ --></a>", "\U0001f389"),
        ("<a>&amp;#xD83C;&#xD83C;&#xDF89;</a>", "&#xD83C;\U0001f389"),
    ],
)
def test_references_to_two_surrogates_are_one_character(document: str, text: str) -> None:
    deviations = Deviations()

    assert parse_xml(document.encode(), LIMITS, deviations).text == text
    assert [deviation.name for deviation in deviations] == ["surrogate-pair"]
    with pytest.raises(ValidationError, match="written as two surrogates"):
        parse_xml(document.encode(), LIMITS, Deviations(strict=True))


def test_references_to_two_surrogates_are_one_character_in_an_attribute() -> None:
    root = parse_xml(b"<a b='&#xD83C;&#xDF89;' c='&#x44;'/>", LIMITS, Deviations())

    assert root.attrib == {"b": "\U0001f389", "c": "D"}


@pytest.mark.parametrize("number", range(0x10000, 0x110000, 0x10000 + 0x3FF * 7))
@pytest.mark.parametrize("write", ["&#x%X;&#x%x;", "&#%d;&#x0%X;", "&#x%x;&#%d;"])
def test_references_to_any_two_surrogates_are_their_character(number: int, write: str) -> None:
    pair = (0xD800 + (number - 0x10000 >> 10), 0xDC00 + (number & 0x3FF))

    assert parse_xml(f"<a>{write % pair}</a>".encode(), LIMITS, Deviations()).text == chr(number)


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ("<a>&#xD83C;</a>", (1, 3)),
        ("<a>&#xDF89;&#xD83C;</a>", (1, 3)),
        ("<a>&#xD83C; &#xDF89;</a>", (1, 3)),
        ("<a>&#xD83C;\n&#xDF89;</a>", (1, 3)),
        ("<a>&#xD83C;&#xDF89;&#xD83C;</a>", (1, 19)),
        ("<a>&#xD83C;&#xDF89;\n &#xDF89;</a>", (2, 1)),
        ("<a>&#xD83C;<!-- -->&#xDF89;</a>", (1, 3)),
        ("<a>&#xD83C;&#xE000;</a>", (1, 3)),
        ("<a>&#xD7FF;&#xDC00;</a>", (1, 11)),
        ("<a>&#56320;&#57343;</a>", (1, 3)),
        ("<a>&#55295;&#57343;</a>", (1, 11)),
        ("<a>&#56319;&#57344;</a>", (1, 3)),
        ("<a>&#0;&#xD83C;&#xDF89;</a>", (1, 3)),
        # What else is wrong is told where it stands in what was sent.
        ("<a>&#xD83C;&#xDF89;</b>", (1, 21)),
        ("<a>&#xD83C;&#xDF89;<![CDATA[", (1, 28)),
        ("<a>&#xD83C;&#xDF89;\n  &none;</a>", (2, 2)),
    ],
)
def test_a_surrogate_alone_is_refused_and_the_place_is_that_of_what_was_sent(
    document: str, place: tuple[int, int]
) -> None:
    with pytest.raises(ValidationError, match="line {}, column {}$".format(*place)):
        parse_xml(document.encode(), LIMITS, Deviations())


@pytest.mark.parametrize(
    "lone", [b"\xed\xa0\xbc", b"\xed\xbe\x89", b"\xed\xbe\x89\xed\xa0\xbc", CESU + b"\xed\xa0\xbc"]
)
def test_a_surrogate_alone_is_no_utf_8(lone: bytes) -> None:
    with pytest.raises(ValidationError, match="not in the character set utf-8"):
        to_utf8(b"<a>" + lone + b"</a>", "utf-8", Deviations())


@pytest.mark.parametrize("filling", [b"<![CDATA[", b"<!--", b"&#xD83C;", b"&#", b"&#x000000"])
def test_a_document_that_is_full_of_what_never_ends_is_refused_before_the_night_is_over(filling: bytes) -> None:
    document = b"<a>&#xD83C;&#xDF89;" + filling * (1_000_000 // len(filling))

    with pytest.raises(ValidationError, match="not well-formed XML"):
        parse_xml(document, LIMITS, Deviations())


@pytest.mark.parametrize(
    ("document", "charset"),
    [
        pytest.param(octets(GERMAN, "latin-1"), None, id="Latin-1 that claims nothing"),
        pytest.param(octets(GERMAN, "latin-1"), "utf-8", id="Latin-1 labelled UTF-8"),
        pytest.param(octets(GERMAN, "latin-1"), "x-unknown", id="an unknown name alone"),
        pytest.param(octets(GERMAN, "latin-1"), "punycode", id="a codec that is no character set alone"),
        pytest.param(octets(GERMAN, "latin-1", "unicode_escape"), "raw_unicode_escape", id="escapes of Python's"),
        pytest.param(octets(JAPANESE, "iso-2022-jp"), "utf-8", id="ISO-2022-JP labelled UTF-8"),
        pytest.param(b"<a>\xff\xfe</a>", "euc-kr", id="octets that EUC-KR does not have"),
        pytest.param(b"\xff\xfe<\0a\0/\0>", None, id="half a character of UTF-16"),
        pytest.param("<a>\ud800</a>".encode("utf-16-le", "surrogatepass"), None, id="half a surrogate pair"),
        pytest.param(b"<a>\0</a>", None, id="NUL"),
        pytest.param(b"<a>\0</a>", "utf-7", id="NUL under UTF-7"),
        pytest.param(b"<a>\x1b+2AA-</a>", "utf-7", id="half a surrogate pair in UTF-7"),
        pytest.param(b"<a>\x1b</a>", "iso-8859-1", id="a control character of Latin-1"),
    ],
)
def test_octets_that_no_claim_explains_are_4004(document: bytes, charset: str | None) -> None:
    with pytest.raises(ValidationError) as refusal:
        parse(to_utf8(document, charset, Deviations()))

    assert refusal.value.code == 4004
    assert (refusal.value.details or "").encode("utf-8")


@pytest.mark.parametrize(("charset", "told"), [(None, "utf-8"), ("X" * 60, "x" * 40)])
def test_a_name_that_did_not_explain_the_octets_is_told_and_a_long_one_in_part(charset: str | None, told: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        to_utf8(b"<a>\xff</a>", charset, Deviations())

    assert refusal.value.details == f"the octets of the SOAP part are not in the character set {told}"


def test_the_names_that_did_not_explain_the_octets_are_told() -> None:
    with pytest.raises(ValidationError, match="not in the character set euc-kr or utf-8"):
        to_utf8(octets("\u20ac", "cp1252", "utf-8"), "euc-kr", Deviations())


def test_a_false_claim_is_a_refusal_where_reading_is_strict() -> None:
    document = octets(KOREAN, "utf-8", "euc-kr")

    assert to_utf8(octets(KOREAN, "utf-8", "utf-8"), "utf-8", Deviations(strict=True))
    with pytest.raises(ValidationError, match="character set that it claims"):
        to_utf8(document, None, Deviations(strict=True))


@pytest.mark.parametrize(
    ("document", "late"),
    [
        (b'\r\n\t <?xml version="1.0"?><a/>', True),
        (b'\n<?xml version="1.0" encoding="euc-kr"?><a>' + KOREAN.encode("euc-kr") + b"</a>", True),
        (b"\r\n <a/>", False),
        (b'<?xml version="1.0"?>\n<a/>\r\n', False),
    ],
)
def test_white_space_before_the_xml_declaration_is_borne_and_told(document: bytes, late: bool) -> None:
    deviations = Deviations()

    root = parse(to_utf8(document, None, deviations))

    assert root.name == "a"
    assert [(deviation.name, deviation.where) for deviation in deviations] == [("xml-late", "the SOAP part")] * late


# -- XML


def test_a_document_is_read_into_elements() -> None:
    root = parse(
        '<a xmlns="urn:x" xmlns:p="urn:p" b="1" p:c="&lt;2&#10;" xml:lang="ko">one<!-- no --> &amp; <![CDATA[<two>]]>'
        '<p:d/><e xmlns="">\n <f/> \n<f/></e>three</a>'
    )

    assert root == Element(
        "a",
        "urn:x",
        attributes={"b": "1", "{urn:p}c": "<2\n", "{http://www.w3.org/XML/1998/namespace}lang": "ko"},
        text="one & <two>three",
        children=[Element("d", "urn:p"), Element("e", None, children=[Element("f"), Element("f")])],
    )
    assert [child.prefix for child in [root, *root.children]] == ["", "p", ""]
    node = parse_node('<a xmlns="urn:x" b="1"><d/><p:e xmlns:p="urn:p"/><e/></a>')
    assert child_of(node, "e") is node[1]
    assert child_of(node, "f") is None
    assert root.find("e") is root.children[1]
    assert root.find("f") is None
    assert repr(root.children[0]) == "<Element d in urn:p>"
    assert repr(root.children[1]) == "<Element e>"


@pytest.mark.parametrize(
    "other",
    [
        Element("b", "urn:x", text="t"),
        Element("a", None, text="t"),
        Element("a", "urn:x", text="u"),
        Element("a", "urn:x", text="t", attributes={"k": "v"}),
        Element("a", "urn:x", text="t", children=[Element("c")]),
        "a",
    ],
    ids=["name", "namespace", "text", "attributes", "children", "no element"],
)
def test_elements_that_differ_are_not_equal(other: object) -> None:
    assert Element("a", "urn:x", text="t") != other
    assert Element("a", "urn:x", text="t") == Element("a", "urn:x", text="t", prefix="other", attributes={})


def test_an_element_can_change_and_so_has_no_hash() -> None:
    assert not isinstance(Element("a"), Hashable)
    with pytest.raises(TypeError):
        hash(Element("a"))


@pytest.mark.parametrize(
    "declarations",
    [
        "<!DOCTYPE a>",
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">',
        '<!DOCTYPE a PUBLIC "-//x" "file:///etc/passwd">',
        '<!DOCTYPE a [<!ENTITY e "x">]>',
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a [<!ENTITY % e SYSTEM "http://127.0.0.1:9/e"> %e;]>',
        '<!DOCTYPE a [<!ENTITY e "eeeeeeeeee"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">]>',
        '<!DOCTYPE a [<!ATTLIST a b CDATA "c">]>',
        "<!DOCTYPE a [<!ELEMENT a ANY>]>",
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "utf-16"])
def test_a_document_type_is_refused_whatever_it_declares(declarations: str, charset: str) -> None:
    document = to_utf8(f"{declarations}<a>&e;</a>".encode(charset), None, Deviations())

    assert "document type declaration" in refusal_of(document)


@pytest.mark.parametrize("place", ["{0}<a/>", "<a>{0}</a>", "<a/>{0}"])
def test_a_processing_instruction_is_refused_and_the_xml_declaration_is_none(place: str) -> None:
    assert parse(b'<?xml version="1.0" encoding="utf-8" standalone="yes"?><a/>').name == "a"
    details = refusal_of(place.format('<?xml-stylesheet href="a.xsl"?>'))

    assert "processing instruction 'xml-stylesheet'" in details


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b" ",
        b"no XML",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a/>text",
        b"<a",
        b"<a b='1' b='2'/>",
        b"<a b=1/>",
        b"<p:a/>",
        b"<a p:b='1'/>",
        b"<soap-env::a xmlns:soap-env='urn:x'/>",
        b"<a xmlns:p=''/>",
        b"<a xmlns:xml='urn:x'/>",
        b"<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='1' q:b='2'/>",
        b"<a>&undefined;</a>",
        b"<a b='&undefined;'/>",
        b"<a>& b</a>",
        b"<a>&#0;</a>",
        b"<a>&#xD800;</a>",
        b"<a>\x01</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a>\xff</a>",
        b"<a>]]></a>",
        b"<a><!-- -- --></a>",
        b"<a/><?xml version='1.0'?>",
        b"<a xmlns='urn:a}b'/>",
        b"<a xmlns:p='urn:a}b' p:c=''/>",
        b"\xef\xbb\xbf",
    ],
)
def test_what_is_not_well_formed_is_4004_in_the_parsers_words(document: bytes) -> None:
    details = refusal_of(document)

    assert "well-formed" in details or "brace" in details


def nested(depth: int) -> str:
    return "<a>" * depth + "</a>" * depth


def crowd(elements: int) -> str:
    return "<a>" + "<b/>" * (elements - 1) + "</a>"


def attributed(attributes: int) -> str:
    return "<a" + "".join(f' b{number}="1"' for number in range(attributes)) + "/>"


def declaring(namespaces: int) -> str:
    return "<a><b" + "".join(f' xmlns:n{number}="urn:n"' for number in range(namespaces)) + "/></a>"


def qualified(attributes: int) -> str:
    names = [f" p:b{number}='1'" for number in range(attributes)]
    elements = [f"<b d='1'{''.join(names[start : start + 50])}/>" for start in range(0, attributes, 50)]
    return f"<a xmlns:p='urn:p' c='1'>{''.join(elements)}</a>"


def named(octets: int) -> str:
    return f'<a xmlns="{"n" * octets}"/>'


def named_with_prefix(octets: int) -> str:
    return f'<a><b xmlns:p="{"n" * octets}"/></a>'


def named_beyond_ascii(octets: int) -> str:
    return f'<a xmlns="{"n" * (octets % 4)}{chr(0x1F600) * (octets // 4)}"/>'


@pytest.mark.parametrize(
    ("make", "most", "limit"),
    [
        (nested, 32, "depth"),
        (crowd, 50_000, "elements"),
        (qualified, 50_000, "elements"),
        (attributed, 64, "attributes"),
        (declaring, 64, "attributes"),
        (named, 256, "namespace"),
        (named_with_prefix, 256, "namespace"),
        (named_beyond_ascii, 256, "namespace"),
    ],
)
def test_a_document_may_go_to_the_limit_and_not_beyond(make: Callable[[int], str], most: int, limit: str) -> None:
    assert getattr(LIMITS, limit) == most
    assert parse(make(most)).name == "a"
    refusal = refusal_of(make(most + 1))
    assert f"more than {most} " in refusal
    assert refusal.endswith(f"({limit})")


@pytest.mark.parametrize(
    ("make", "limit"),
    [
        (nested, "depth"),
        (crowd, "elements"),
        (qualified, "elements"),
        (attributed, "attributes"),
        (declaring, "attributes"),
        (named, "namespace"),
    ],
)
def test_the_limits_of_a_document_can_be_set(make: Callable[[int], str], limit: str) -> None:
    limits = Limits(**{limit: 5})

    assert parse(make(5), limits).name == "a"
    assert refusal_of(make(6), limits).endswith(f"({limit})")


@pytest.mark.parametrize(
    ("attributes", "refused"),
    [
        ("", False),
        (" p:e='1'", True),
        (" xml:lang='ko'", True),
        (" e='p:e=' f='1'", False),
        (" xmlns:q='urn:q' xmlns='urn:x'", False),
        ("><!-- p:e='1' p:f='1' --><![CDATA[<x p:e='1' p:f='1'/>]]>p:e='1'</b><b", False),
    ],
)
def test_only_attributes_in_a_namespace_are_counted_for_all_elements_together(attributes: str, refused: bool) -> None:
    xml = f"<a xmlns:p='urn:p' p:b='1' c='1'><b p:c='1' p:d='1'{attributes}/></a>"
    limits = Limits(elements=3)

    if refused:
        assert refusal_of(xml, limits) == "the SOAP part has more than 3 attributes in a namespace (elements)"
    else:
        assert local(parse_node(xml, limits)) == "a"


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("<!DOCTYPE a [<!ENTITY e '====='>]><a b='&e;'/>", "document type declaration"),
        (
            "<!DOCTYPE a [<!ATTLIST a p:b CDATA '=' p:c CDATA '=' p:d CDATA '=' p:e CDATA '='>]><a/>",
            "document type declaration",
        ),
        ("<a b='=====' b='='/>", "duplicate attribute"),
        ("<a b='====='><b p:c='1' p:d='1' p:e='1'/>", "unbound prefix"),
        ("<a xmlns:p='urn:p' b='====='><b p:c='1'/><b p:c='1' p:d='1' p:e='1'/>", "more than 3 attributes"),
        (
            "<?xml version='1.0' encoding='utf-16'?><a xmlns:p='urn:p' p:b='1' p:c='1' p:d='1' p:e='1'/>",
            "more than 3 attributes",
        ),
    ],
)
def test_where_attributes_are_counted_first_a_document_is_refused_for_what_comes_first(
    document: str, words: str
) -> None:
    assert words in refusal_of(document, Limits(elements=3))


def test_attributes_are_counted_for_each_element_alone() -> None:
    element = attributed(64)

    assert len(parse(f"<x>{element}{element}</x>").children) == 2
    assert len(parse("<x>" + declaring(64) * 2 + "</x>").children) == 2


@pytest.mark.parametrize("most", [1, 2, 50])
@pytest.mark.parametrize(
    "beside",
    ["", "</b><b>", "<!-- no -->", "<!-- << <c> << -->", "<![CDATA[<<<<]]>", "<![CDATA[<c/>]]><!--<-->", "&lt;&lt;"],
)
def test_elements_are_counted_exactly_whatever_else_has_a_bracket(beside: str, most: int) -> None:
    def crowded(elements: int) -> str:
        within = "" if beside.startswith("</") else beside
        return f"<a>{within}" + f"<b>{within}</b>" * (elements - 1) + "</a>"

    limits = Limits(elements=most)

    assert crowded(most).count("<") > most
    assert len(parse_node(crowded(most), limits)) == most - 1
    assert refusal_of(crowded(most + 1), limits) == f"the SOAP part has more than {most} elements (elements)"


def test_a_document_with_as_many_brackets_as_elements_may_have_as_many() -> None:
    assert len(list(parse_node("<a><b/></a>", Limits(elements=3)).iter())) == 2
    assert len(list(parse_node("<a><b/></a>", Limits(elements=2)).iter())) == 2
    assert refusal_of("<a><b/></a>", Limits(elements=1)).endswith("(elements)")
    assert local(parse_node("<a/>", Limits(elements=1))) == "a"


def test_what_is_counted_is_read_as_what_is_not() -> None:
    xml = '<a xmlns="urn:x">one<p:b xmlns:p="urn:p" p:c="d">two</p:b><!-- < -->three<b xmlns=""/></a>'

    counted = parse(xml, Limits(elements=3))

    assert counted == parse(xml)
    assert counted.children[0].prefix == "p"
    assert counted.text == "onethree"


def test_elements_in_excess_are_refused_before_what_stands_behind_them() -> None:
    assert refusal_of("<a><b/><c/><d", Limits(elements=2)).endswith("(elements)")
    assert "well-formed" in refusal_of("<a><b/><c", Limits(elements=2))


def closing_itself(depth: int) -> str:
    return "<a>" * (depth - 1) + "<a/>" + "</a>" * (depth - 1)


def deep_and_late(depth: int) -> str:
    return "<a>" + "<b/>" * 3 + "<b>x</b>" * (depth > 2) + nested(depth - 1) + "</a>"


def deep_and_early(depth: int) -> str:
    return "<a>" + nested(depth - 1) + "<b/>" * 3 + "</a>"


def late_on_every_level(depth: int) -> str:
    return "<a><b/>x" * depth + "</a>" * depth


@pytest.mark.parametrize("most", [1, 2, 3, 4, 32])
@pytest.mark.parametrize(
    ("make", "more"),
    [(nested, 0), (closing_itself, 0), (deep_and_late, 0), (deep_and_early, 0), (late_on_every_level, 1)],
)
def test_a_document_may_be_as_deep_as_the_limit_says_wherever_it_is_deepest(
    make: Callable[[int], str], more: int, most: int
) -> None:
    limits = Limits(depth=most)
    flat = {deep_and_late: 2, deep_and_early: 2, late_on_every_level: 2}.get(make, 1)

    if most >= flat:
        assert local(parse_node(make(most - more), limits)) == "a"
    assert refusal_of(make(most - more + 1), limits) == (
        f"the SOAP part has elements more than {most} levels deep (depth)"
    )


def test_a_document_of_a_hundred_thousand_levels_is_refused_or_read_as_the_limit_says() -> None:
    deep = nested(100_000)

    assert refusal_of(deep, Limits(elements=100_000)).endswith("(depth)")
    assert refusal_of(deep, Limits(elements=100_000, depth=99_999)).endswith("(depth)")
    assert len(parse_node(deep, Limits(elements=100_000, depth=100_000))) == 1
    assert refusal_of(deep, Limits(elements=99_999, depth=100_000)).endswith("(elements)")
    assert refusal_of(deep).endswith("(elements)")


def attributes_of_number(number: int, prefix: str = "") -> str:
    return "".join(f' {prefix}b{place}="="' for place in range(number))


def namespaces_of_number(number: int, of: str = "") -> str:
    return "".join(f' xmlns:{of}n{place}="urn:n{place}"' for place in range(number))


@pytest.mark.parametrize(
    ("form", "count"),
    [
        ("<a{attributes}/>", 1),
        ("<a{attributes}></a>", 1),
        ("<x>a=b=c=d<!-- = = --><y/><a{attributes}/></x>", 3),
        ("<x><a{attributes}/><a{attributes}/><a{attributes}/></x>", 4),
        ("<x><y c='1'><a{attributes}/></y></x>", 3),
        ("<a{attributes}{namespaces}/>", 1),
        ("<a{attributes}{namespaces}><b{attributes}{namespaces}/></a>", 2),
        ('<x xmlns:p="urn:p"><a{qualified}/></x>', 2),
        ("<a{namespaces}/>", 1),
        ("<x><a{namespaces}></a><a{namespaces}/></x>", 3),
        ("<a{namespaces}><a{namespaces}><a{namespaces}/></a></a>", 3),
        ("<a{namespaces}><a{others}/></a>", 2),
        ('<a{fewer} xmlns="urn:x"/>', 1),
        ('<x xmlns="urn:x"><a{fewer} xmlns=""/></x>', 2),
    ],
)
@pytest.mark.parametrize("most", [2, 64])
def test_attributes_and_namespaces_are_counted_exactly_and_for_each_element_alone(
    form: str, count: int, most: int
) -> None:
    def made(number: int) -> str:
        return form.format(
            attributes=attributes_of_number(number),
            qualified=attributes_of_number(number, "p:"),
            namespaces=namespaces_of_number(number),
            others=namespaces_of_number(number, "o"),
            fewer=namespaces_of_number(number - 1),
        )

    limits = Limits(attributes=most)

    assert len(list(parse_node(made(most), limits).iter())) == count
    assert refusal_of(made(most + 1), limits) in (
        f"the SOAP part has an element with more than {most} attributes (attributes)",
        f"the SOAP part has an element that declares more than {most} namespaces (attributes)",
    )


def test_one_element_of_many_may_be_the_one_with_too_much() -> None:
    several = "<x>" + "<a b='1' xmlns:c='urn:c'/>" * 200 + "{0}" + "<a b='1' xmlns:c='urn:c'/>" * 200 + "</x>"

    assert len(parse_node(several.format(""))) == 400
    assert len(parse_node(several.format(attributed(64) + declaring(64)))) == 402
    assert "64 attributes" in refusal_of(several.format(attributed(65)))
    assert "64 namespaces" in refusal_of(several.format(declaring(65)))


@st.composite
def documents(draw: st.DrawFn, depth: int = 1) -> str:
    head = "".join(
        [
            "<a",
            attributes_of_number(draw(st.integers(0, 3))),
            namespaces_of_number(draw(st.integers(0, 3))),
        ]
    )
    pieces = draw(
        st.lists(
            st.sampled_from(["x", "&lt;", "<!-- < = -->", "<![CDATA[<=]]>"])
            | (st.just("<b/>") if depth > 4 else documents(depth + 1)),
            max_size=3,
        )
    )
    return f"{head}/>" if not pieces and draw(st.booleans()) else f"{head}>{''.join(pieces)}</a>"


@given(documents())
@settings(deadline=None, max_examples=200)
def test_the_limits_are_exact_for_any_document(xml: str) -> None:
    root = ElementTree.fromstring(xml)

    def depth_of(element: ElementTree.Element) -> int:
        return 1 + max(map(depth_of, element), default=0)

    sizes = {
        "elements": len(list(root.iter())),
        "depth": depth_of(root),
        "attributes": max(
            (max(tag.count(" b"), tag.count(" xmlns")) for tag in re.findall("<a[^>]*>", xml)),
            default=0,
        ),
    }

    assert parse_node(xml, Limits(**{limit: size or 1 for limit, size in sizes.items()})) is not None
    for limit, size in sizes.items():
        if size > 1:
            assert refusal_of(xml, Limits(**{limit: size - 1})).endswith(f"({limit})")


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("<a/>", ""),
        ("<a></a>", ""),
        ("<a>x</a>", "x"),
        ("<a> \n </a>", " \n "),
        ("<a> x </a>", " x "),
        ("<a><b/></a>", ""),
        ("<a>x<b/></a>", "x"),
        ("<a><b/>x</a>", "x"),
        ("<a><b/>x<b/></a>", "x"),
        ("<a>x<b/>y<b/>z</a>", "xyz"),
        ("<a> x <b/> y <b/> z </a>", " x  y  z "),
        ("<a> \n <b/>\t<b/>\r\n</a>", ""),
        ("<a> <b/>x<b/> </a>", "x"),
        ("<a>x<b/> <b/>y</a>", "xy"),
        ("<a><b>inside</b></a>", ""),
        ("<a>x<b>inside</b> <b/>y</a>", "xy"),
        ("<a>x<!-- no -->y</a>", "xy"),
        ("<a> <!-- no --> </a>", "  "),
        ("<a> <!-- no -->x<b/></a>", " x"),
        ("<a><b/> <!-- no --> <b/></a>", ""),
        ("<a><b/> <!-- no -->x <b/></a>", " x "),
        ("<a><![CDATA[ ]]></a>", " "),
        ("<a><![CDATA[ ]]><b/></a>", ""),
        ("<a> <![CDATA[<x>]]> <b/> </a>", " <x> "),
        ("<a>x<![CDATA[]]>y<b/></a>", "xy"),
        ("<a>&#32;<b/>&#10;</a>", ""),
        ("<a>&lt;<b/>&amp;</a>", "<&"),
        ("<a>\u00a0<b/>\u3000</a>", ""),
        ("<a>\ud55c<b/>\U0001f600</a>", "\ud55c\U0001f600"),
        ("<a>" + "x<b/>" * 10_000 + "</a>", "x" * 10_000),
    ],
)
def test_text_is_what_stands_directly_inside_without_what_only_indents(xml: str, text: str) -> None:
    node = parse_node(xml)

    assert text_of(node) == text
    assert has_text(node) is bool(text.strip())
    assert text_of(parse_node(f"<x>tail{xml}tail</x>")[0]) == text
    assert element_of(node).text == text
    assert element_of(parse_node(f"<x>tail{xml}tail</x>")).children[0].text == text


def test_attributes_are_told_by_their_own_namespaces() -> None:
    xml = (
        '<x xmlns="urn:x" xmlns:p="urn:p"><a/><a b="1" c="2"/><a p:b="1" b="2" xml:lang="ko"/>'
        '<a xmlns:q="urn:p" q:b="}{"/></x>'
    )

    assert [dict(attributes_of(node)) for node in parse_node(xml)] == [
        {},
        {"b": "1", "c": "2"},
        {"{urn:p}b": "1", "b": "2", f"{{{XML_NAMESPACE}}}lang": "ko"},
        {"{urn:p}b": "}{"},
    ]


def test_an_element_for_the_host_is_its_own_and_not_the_parsers() -> None:
    node = parse_node("<a b='1'><c d='2'/></a>")
    element = element_of(node)

    element.attributes["b"] = "changed"
    element.children[0].attributes.clear()
    element.children.clear()

    assert element_of(node) == Element("a", attributes={"b": "1"}, children=[Element("c", attributes={"d": "2"})])
    bare = element_of(parse_node("<a/>"))
    assert not bare.has_attributes
    bare.attributes["b"] = "given"
    assert bare == Element("a", attributes={"b": "given"})


def test_an_element_keeps_its_order_its_prefixes_and_its_attributes_on_every_level() -> None:
    root = parse(
        '<p:a xmlns:p="urn:p"><b1><c1 p:k="1"/><c2/></b1><p:b2 k="2">x<q:c3 xmlns:q="urn:p"/>y<p:c4/></p:b2><b3/></p:a>'
    )

    assert [child.name for child in root.children] == ["b1", "b2", "b3"]
    assert [[inner.name for inner in child.children] for child in root.children] == [["c1", "c2"], ["c3", "c4"], []]
    assert [root.prefix, *(child.prefix for child in root.children)] == ["p", "", "p", ""]
    assert [inner.prefix for inner in root.children[1].children] == ["q", "p"]
    assert [inner.namespace for inner in root.children[1].children] == ["urn:p", "urn:p"]
    assert root.children[0].children[0].attributes == {"{urn:p}k": "1"}
    assert root.children[1].attributes == {"k": "2"}
    assert root.children[1].text == "xy"


def test_an_element_may_be_fifty_thousand_levels_deep() -> None:
    levels = 50_000
    limits = Limits(depth=levels + 1, elements=2 * levels)  # with the leaf on the last of them
    opened = "".join(
        f'<p:a xmlns:p="urn:p" p:k="{level}">{level}<b/>' if level % 2 else f"<a>{level}<b/>" for level in range(levels)
    )
    closed = "".join("</p:a>" if level % 2 else "</a>" for level in reversed(range(levels)))

    element = parse(opened + closed, limits)

    for level in range(levels):
        assert element.text == str(level)
        assert (element.name, element.namespace, element.prefix) == (
            ("a", "urn:p", "p") if level % 2 else ("a", None, "")
        )
        assert element.attributes == ({"{urn:p}k": str(level)} if level % 2 else {})
        if level + 1 < levels:
            leaf, element = element.children
            assert leaf == Element("b")
    assert element.children == [Element("b")]


NAMES: dict[str, int] = split_name.__self__  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a", ("a", None, "")),
        ("urn:x}a", ("a", "urn:x", "")),
        ("urn:x}a}p", ("a", "urn:x", "p")),
        (" urn:x \n}a", ("a", " urn:x \n", "")),
        (" }a}p", ("a", " ", "p")),
        ("{urn:x}a", ("a", "{urn:x", "")),
        ("\u00fc", ("\u00fc", None, "")),
        ("urn:\ud55c}\u00fc}\u00df", ("\u00fc", "urn:\ud55c", "\u00df")),
        (f"{MM7}}}SubmitReq}}mm7", ("SubmitReq", MM7, "mm7")),
        (f"{XML_NAMESPACE}}}lang}}xml", ("lang", XML_NAMESPACE, "xml")),
        *((("x" * length), ("x" * length, None, "")) for length in (200, 201, 100_000)),
        *((f"{'u' * length}}}a}}p", ("a", "u" * length, "p")) for length in (195, 196, 197, 256)),
        *((f"u}}a}}{'p' * length}", ("a", "u", "p" * length)) for length in (196, 197, 5_000)),
    ],
)
def test_a_name_is_taken_apart_alike_every_time_and_only_a_short_one_is_kept(
    written: str, name: tuple[str, str | None, str]
) -> None:
    NAMES.clear()

    assert split_name(written) == split_name(written) == name
    assert (written in NAMES) is (len(written) <= 200)


def test_names_are_kept_up_to_a_thousand() -> None:
    for number in range(5_000):
        assert split_name(f"urn:{number % 7}}}n{number}}}p") == (f"n{number}", f"urn:{number % 7}", "p")
        assert len(NAMES) <= 1024
    assert split_name("urn:0}n0}p") == ("n0", "urn:0", "p")


def test_a_document_of_many_names_is_read_right_and_not_kept() -> None:
    xml = "<a>" + "".join(f'<n{number} xmlns="urn:{number % 3}"/>' for number in range(5_000)) + "</a>"

    root = parse(xml)

    assert [child.name for child in root.children] == [f"n{number}" for number in range(5_000)]
    assert [child.namespace for child in root.children] == [f"urn:{number % 3}" for number in range(5_000)]
    assert len(NAMES) <= 1024


def test_the_same_local_name_in_several_namespaces_is_not_mistaken() -> None:
    xml = '<a xmlns:p="urn:1"><p:b/><b/><b xmlns="urn:1"/><p:b xmlns:p="urn:2"/><q:b xmlns:q="urn:1"/></a>'

    for _ in range(2):
        assert [(child.namespace, child.prefix) for child in parse(xml).children] == [
            ("urn:1", "p"),
            (None, ""),
            ("urn:1", ""),
            ("urn:2", "p"),
            ("urn:1", "q"),
        ]


def test_a_child_is_found_by_its_name_alone() -> None:
    node = parse_node('<x><a n="1"/><p:b xmlns:p="urn:p" n="2"/><b n="3"/><c><d/></c></x>')

    assert child_of(node, "a") is node[0]
    assert child_of(node, "b") is node[1]
    assert child_of(node, "d") is None
    assert child_of(node, "p") is None


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "1", None])
@pytest.mark.parametrize("name", ["elements", "depth", "attributes", "namespace", "recipients", "envelope"])
def test_a_limit_is_a_positive_whole_number(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"Limits.{name} has to be a positive whole number"):
        Limits(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "document",
    [
        b"<a b='1'>text<c xmlns='urn:x'>more</c></a>",
        b"<a><b></a>",
        b"<!DOCTYPE a><a/>",
        b"<a><?pi?></a>",
        b"<a>&undefined;</a>",
        b"<a xmlns:p='urn:p' p:b='1'><p:c>x</p:c>y<!-- z --></a>",
        b"<a></a><b/>",
        b"<a><b>",
        b"<a xmlns='urn:a}b'/>",
        b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        b"<?pi?><a/>",
        b"<a>\xff</a>",
        nested(33).encode(),
        attributed(65).encode(),
        declaring(65).encode(),
        named(257).encode(),
        named_with_prefix(257).encode(),
        crowd(201).encode(),
        qualified(201).encode(),
        crowd(200).encode(),
        b"<a>" + b"<b></b>" * 150 + b"</a>",
        b"<a>" + b"<b></b>" * 150,
        b"",
    ],
)
def test_reading_leaves_nothing_to_the_garbage_collector(document: bytes) -> None:
    def read_often() -> None:
        for _ in range(100):
            with contextlib.suppress(MM7Error):
                parse_xml(document, Limits(elements=200))

    read_often()
    gc.collect()
    gc.disable()
    try:
        read_often()
        unreachable = gc.collect()
    finally:
        gc.enable()

    assert unreachable == 0


# -- envelopes


def transaction_xml(text: str = "t-1", namespace: str = MM7, attributes: str = 's:mustUnderstand="1"') -> str:
    return f'<TransactionID xmlns="{namespace}" {attributes}>{text}</TransactionID>'


def envelope_xml(
    body: str = f'<CancelReq xmlns="{MM7}"/>',
    header: str | None = transaction_xml(),
    *,
    soap: str = SOAP_11,
) -> str:
    block = "" if header is None else f"<s:Header>{header}</s:Header>"
    return f'<s:Envelope xmlns:s="{soap}">{block}<s:Body>{body}</s:Body></s:Envelope>'


def divided(xml: str, *, strict: bool = False) -> tuple[Envelope, Deviations]:
    deviations = Deviations(strict=strict)
    return divide_envelope(parse_node(xml), deviations), deviations


def judged(xml: str, *, strict: bool = False) -> tuple[Node, list[str]]:
    """The operation of an envelope, and the deviations of the way there."""
    envelope, deviations = divided(xml, strict=strict)
    return check_envelope(envelope, deviations), [deviation.name for deviation in deviations]


def test_an_envelope_as_the_specification_has_it_has_no_deviation() -> None:
    envelope, deviations = divided(envelope_xml(), strict=True)

    operation = check_envelope(envelope, deviations)

    assert element_of(operation) == Element("CancelReq", MM7)
    assert operation is envelope.operation
    assert envelope.transaction_id == "t-1"
    assert envelope.transaction_namespace == MM7
    assert envelope.soap_namespace == SOAP_11 == SOAP
    assert list(deviations) == []


@pytest.mark.parametrize(
    "soap",
    [
        "http://schemas.xmlsoap.org/soap/envelope",
        "https://schemas.xmlsoap.org/soap/envelope/",
        "https://schemas.xmlsoap.org/soap/envelope",
        "http://schemas.xmlsoap.org/soap/soap-envelope",
        "https://schemas.xmlsoap.org/soap/soap-envelope",
        "http://schemas.xmlsoap.org/soap/Envelope/",
        " http://schemas.xmlsoap.org/soap/envelope/ ",
    ],
)
def test_a_soap_namespace_written_otherwise_is_a_deviation(soap: str) -> None:
    operation, found = judged(envelope_xml(soap=soap))

    assert local(operation) == "CancelReq"
    assert found == ["soap-namespace"]
    with pytest.raises(ValidationError):
        judged(envelope_xml(soap=soap), strict=True)


@pytest.mark.parametrize(
    "soap",
    [
        "http://www.w3.org/2003/05/soap-envelope",
        "http://www.w3.org/2001/12/soap-envelope",
        "http://schemas.xmlsoap.org/soap/envelope/2",
        "urn:other",
        "u" * 256,
    ],
)
def test_an_envelope_of_another_soap_is_a_version_mismatch_whatever_else_is_wrong(soap: str) -> None:
    with pytest.raises(VersionMismatch) as refusal:
        divided(f'<Envelope xmlns="{soap}"/>')

    assert refusal.value.faultcode == "VersionMismatch"
    assert len(refusal.value.text) < 150


@pytest.mark.parametrize(
    ("xml", "words"),
    [
        ("<Envelope><Body/></Envelope>", "in no namespace"),
        (f'<Body xmlns="{SOAP_11}"/>', "'Body', not a SOAP Envelope"),
        (f'<envelope xmlns="{SOAP_11}"><Body/></envelope>', "'envelope', not a SOAP Envelope"),
        (f'<{"x" * 500} xmlns="{SOAP_11}"/>', "not a SOAP Envelope"),
        (f'<Envelope xmlns="{SOAP_11}"/>', "0 Header and 0 Body"),
        (f'<Envelope xmlns="{SOAP_11}"><Header/></Envelope>', "1 Header and 0 Body"),
        (f'<Envelope xmlns="{SOAP_11}"><Header/><Header/><Body/></Envelope>', "2 Header and 1 Body"),
        (f'<Envelope xmlns="{SOAP_11}"><Header/><Body/><Body/></Envelope>', "1 Header and 2 Body"),
    ],
)
def test_what_is_no_whole_envelope_is_4004(xml: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words) as refusal:
        divided(xml)

    assert refusal.value.code == 4004
    assert len(refusal.value.details or "") < 200


@pytest.mark.parametrize(
    ("block", "refused"),
    [
        ('<x xmlns="urn:x" s:mustUnderstand="1"/>', True),
        ('<x xmlns="urn:x" s:mustUnderstand=" true "/>', True),
        ('<x s:mustUnderstand="1"/>', True),
        ('<x xmlns="urn:x" s:mustUnderstand="1" s:actor=""/>', True),
        (f'<x xmlns="urn:x" s:mustUnderstand="1" s:actor="{NEXT}"/>', True),
        (f'<x xmlns="urn:x" s:mustUnderstand="1" s:actor=" {NEXT} "/>', True),
        ('<TransactionID xmlns="urn:x" s:mustUnderstand="1">t-2</TransactionID>', True),
        (f'<Transaction xmlns="{MM7}" s:mustUnderstand="1"/>', True),
        ('<x xmlns="urn:x" s:mustUnderstand="1" s:actor="urn:somebody"/>', False),
        ('<x xmlns="urn:x" s:mustUnderstand="0"/>', False),
        ('<x xmlns="urn:x" s:mustUnderstand=""/>', False),
        ('<x xmlns="urn:x" mustUnderstand="1"/>', False),
        ('<x xmlns="urn:x"/>', False),
        ('<x xmlns="urn:x"><y s:mustUnderstand="1"/></x>', False),
    ],
)
def test_a_header_block_has_to_be_understood_if_it_says_so_and_is_for_us(block: str, refused: bool) -> None:
    xml = envelope_xml(header=transaction_xml() + block)

    if refused:
        with pytest.raises(MustUnderstand) as refusal:
            judged(xml)
        assert refusal.value.faultcode == "MustUnderstand"
    else:
        operation, found = judged(xml)
        assert element_of(operation) == Element("CancelReq", MM7)
        assert found == []


@pytest.mark.parametrize(
    ("header", "transaction_id"),
    [
        (transaction_xml(), "t-1"),
        (transaction_xml("\n   t-1\t\n"), "t-1"),
        (transaction_xml('t 1 &lt;&amp;&gt;"'), 't 1 <&>"'),
        (transaction_xml("<![CDATA[<&>]]>"), "<&>"),
        (transaction_xml(attributes='s:mustUnderstand="1" s:actor="urn:other" s:encodingStyle=""'), "t-1"),
        (transaction_xml(attributes='s:mustUnderstand=" 1 "'), "t-1"),
        ('<x xmlns="urn:x"/>' + transaction_xml(), "t-1"),
        ('<TransactionID xmlns="urn:x">no</TransactionID>' + transaction_xml(), "t-1"),
        (None, None),
        ("", None),
        ("t-1", None),
        (f'<TransactionID xmlns="{MM7}"/>', None),
        (f'<TransactionID xmlns="{MM7}"> \n </TransactionID>', None),
        (f'<TransactionID xmlns="{MM7}"><x>t-1</x></TransactionID>', None),
        (f'<Transaction xmlns="{MM7}">t-1</Transaction>', None),
        ('<transactionID xmlns="urn:x"/>', None),
        (f'<transactionID xmlns="{MM7}">no</transactionID>' + transaction_xml(), "t-1"),
        (f'<transactionID xmlns="{MM7}">t-1</transactionID>' * 2, None),
        ("<xml:transactionID>t-1</xml:transactionID>", None),
        ('<TransactionID xmlns="urn:x"/>', None),
        ('<TransactionID xmlns="urn:x">t-1</TransactionID><TransactionID xmlns="urn:y">t-1</TransactionID>', None),
        ("<xml:TransactionID>t-1</xml:TransactionID>", None),
        ('<TransactionID xmlns="http://www.w3.org/XML/1998/ namespace">t-1</TransactionID>', None),
        ('<TransactionID xmlns=" http://www.w3.org/2000/xmlns/">t-1</TransactionID>', None),
        ("<xml:TransactionID>no</xml:TransactionID>" + transaction_xml(), "t-1"),
        (f'<x xmlns="{MM7}"><TransactionID>t-1</TransactionID></x>', None),
        (f'<TransactionID xmlns="{MM7}">t-1</TransactionID>' * 2, None),
        (f'<TransactionID xmlns="{MM7}">t-1</TransactionID><TransactionID>t-2</TransactionID>', None),
        (f'<TransactionID xmlns="{MM7}"/><TransactionID xmlns="{MM7}">t-1</TransactionID>', None),
    ],
)
def test_there_is_one_transaction_id_or_a_fault_of_its_own(header: str | None, transaction_id: str | None) -> None:
    xml = envelope_xml(header=header)

    assert divided(xml)[0].transaction_id == transaction_id
    if transaction_id is None:
        count = len(divided(xml)[0].transaction_ids)
        words = "more than one TransactionID" if count > 1 else "TransactionID is missing or empty"
        with pytest.raises(TransactionIDError, match=words) as refusal:
            judged(xml)
        assert refusal.value.faultcode == "Client.TransactionID"
    else:
        assert local(judged(xml, strict=True)[0]) == "CancelReq"


@pytest.mark.parametrize("name", ["TransactionId", "transactionID", "transactionid", "TRANSACTIONID"])
def test_a_transaction_id_may_be_in_other_capitals(name: str) -> None:
    block = transaction_xml().replace("TransactionID", name)

    envelope, deviations = divided(envelope_xml(header=block))

    assert envelope.transaction_id == "t-1"
    assert [(told.name, told.where) for told in deviations] == [("element-renamed", f"{name} for TransactionID")]
    assert local(judged(envelope_xml(header=block))[0]) == "CancelReq"
    with pytest.raises(ValidationError, match=f"{name} for TransactionID"):
        judged(envelope_xml(header=block), strict=True)


@pytest.mark.parametrize(
    ("transaction", "operation", "deviations"),
    [
        *((namespace, namespace, []) for namespace in TABLE["NAMESPACES"]),
        (TABLE["NAMESPACES"][0], MM7, ["namespace-mixed"]),
        (f" {MM7} ", MM7, ["namespace-blanks"]),
        (MM7, MM7.replace("23_series", "23_&#10;series"), ["namespace-blanks"]),
        (MM7.replace("MM7", "M M7"), MM7, ["namespace-blanks"]),
        ("", MM7, ["namespace-missing"]),
        (MM7, "", ["namespace-missing"]),
        ("", "", ["namespace-missing", "namespace-missing"]),
        (SOAP_11, MM7, ["namespace-foreign", "namespace-mixed"]),
        ("urn:x", MM7, ["namespace-foreign", "namespace-mixed"]),
        (" ", MM7, ["namespace-foreign"]),
        ("urn:x", "", ["namespace-foreign", "namespace-missing"]),
        ("urn:mm7", "urn:mm7", ["namespace-foreign", "namespace-foreign"]),
        (
            "urn:xml-MM7Header",
            "urn:MM7Submit.Req",
            ["namespace-foreign", "namespace-foreign", "namespace-mixed"],
        ),
        (MM7, f"{MM7}.xsd", ["namespace-foreign", "namespace-mixed"]),
        (MM7, TABLE["BASE"] + "REL-6-MM7-6-7", ["namespace-foreign", "namespace-mixed"]),
        (MM7, MM7.upper(), ["namespace-foreign", "namespace-mixed"]),
    ],
)
def test_any_namespace_that_is_meant_for_mm7_is_read(transaction: str, operation: str, deviations: list[str]) -> None:
    xml = envelope_xml(f'<CancelReq xmlns="{operation}"/>', transaction_xml(namespace=transaction))

    element, found = judged(xml)

    assert local(element) == "CancelReq"
    assert divided(xml)[0].transaction_id == "t-1"
    assert sorted(found) == deviations
    if deviations:
        with pytest.raises(MM7Error):
            judged(xml, strict=True)


@pytest.mark.parametrize("namespace", ["urn:other", "http://www.3gpp.org/", SOAP_11, "mm 6", "m" * 256])
def test_an_operation_in_a_namespace_that_is_not_mm7s_is_4002(namespace: str) -> None:
    with pytest.raises(UnsupportedVersion) as refusal:
        judged(envelope_xml(f'<NoSuchReq xmlns="{namespace}"/>'))

    assert refusal.value.code == 4002
    assert len(refusal.value.details or "") < 200


@pytest.mark.parametrize("check", [check_envelope, check_answer])
@pytest.mark.parametrize(
    "attributes",
    [
        "",
        's:mustUnderstand="0"',
        's:mustUnderstand=""',
        's:mustUnderstand="TRUE"',
        'mustUnderstand="1"',
        'xmlns:x="urn:x" x:mustUnderstand="1"',
    ],
)
def test_a_transaction_id_that_may_be_ignored_is_read_and_told(
    check: Callable[[Envelope, Deviations], Node], attributes: str
) -> None:
    xml = envelope_xml(header=transaction_xml(attributes=attributes))
    envelope, deviations = divided(xml)

    assert local(check(envelope, deviations)) == "CancelReq"
    assert envelope.transaction_id == "t-1"
    assert [(deviation.name, deviation.where) for deviation in deviations] == [
        ("transaction-unmarked", "TransactionID")
    ]
    with pytest.raises(ValidationError, match="TransactionID does not say mustUnderstand"):
        check(envelope, Deviations(strict=True))


@pytest.mark.parametrize("namespace", [SOAP_11, "urn:x"])
@pytest.mark.parametrize("attributes", ["", 's:mustUnderstand="1"'])
def test_a_transaction_id_in_a_foreign_namespace_is_understood_where_it_is_the_only_one(
    namespace: str, attributes: str
) -> None:
    foreign = transaction_xml("t-2", namespace, attributes)
    envelope, deviations = divided(envelope_xml(header=foreign))

    assert local(check_envelope(envelope, deviations)) == "CancelReq"
    assert (envelope.transaction_id, envelope.transaction_namespace) == ("t-2", namespace)
    assert ("namespace-foreign", f"TransactionID: {namespace}") in [(told.name, told.where) for told in deviations]
    with pytest.raises(MM7Error):
        check_envelope(envelope, Deviations(strict=True))
    beside_ours, _ = divided(envelope_xml(header=foreign + transaction_xml("t-1")))
    assert beside_ours.transaction_id == "t-1"


def test_of_two_foreign_transaction_ids_neither_is_understood() -> None:
    two = transaction_xml(namespace="urn:x") + transaction_xml(namespace="urn:y")

    with pytest.raises(MustUnderstand):
        judged(envelope_xml(header=two))


def test_a_header_of_many_transaction_ids_is_judged_in_one_go() -> None:
    blocks = "<TransactionID>t</TransactionID>" * 60_000
    root = parse_node(envelope_xml(header=blocks), Limits(elements=100_000))

    with pytest.raises(TransactionIDError, match="more than one"):
        check_envelope(divide_envelope(root, Deviations()), Deviations())


def answered(xml: str, *, strict: bool = False) -> tuple[Node, list[str]]:
    """The answer in an envelope, and the deviations of the way there."""
    envelope, deviations = divided(xml, strict=strict)
    return check_answer(envelope, deviations), [deviation.name for deviation in deviations]


RESPONSE = f'<CancelRsp xmlns="{MM7}"/>'


@pytest.mark.parametrize(
    ("body", "name", "deviations"),
    [
        (RESPONSE, "CancelRsp", []),
        (f'<RSErrorRsp xmlns="{MM7}"/>', "RSErrorRsp", []),
        ("<s:Fault/>", "Fault", []),
        ("<Fault/>", "Fault", ["soap-namespace"]),
        (f'<Fault xmlns="{MM7}"/>', "Fault", ["soap-namespace"]),
        ("<CancelRsp/>", "CancelRsp", ["namespace-missing"]),
        ('<CancelRsp xmlns="urn:mm7"/>', "CancelRsp", ["namespace-foreign", "namespace-mixed"]),
    ],
)
@pytest.mark.parametrize(
    ("header", "missing"),
    [
        (transaction_xml(), []),
        (transaction_xml(" \n"), ["transaction-missing"]),
        ("", ["transaction-missing"]),
        ("t-1", ["transaction-missing"]),
        (None, ["transaction-missing"]),
    ],
)
def test_an_answer_may_lack_the_transaction_id_and_be_a_fault(
    body: str, name: str, deviations: list[str], header: str | None, missing: list[str]
) -> None:
    xml = envelope_xml(body, header)
    if header == "" and name == "Fault":
        missing = []  # it may have been refused before the TransactionID was read

    answer, found = answered(xml)

    assert local(answer) == name
    if header is None or "TransactionID" not in header:
        deviations = [told for told in deviations if told != "namespace-mixed"]
    assert sorted(found) == sorted(missing + deviations)
    if found:
        with pytest.raises(MM7Error):
            answered(xml, strict=True)
    else:
        again, told = answered(xml, strict=True)
        assert element_of(again) == element_of(answer)
        assert told == []


@pytest.mark.parametrize(
    ("body", "header", "error"),
    [
        (RESPONSE, '<x xmlns="urn:x" s:mustUnderstand="1"/>', MustUnderstand),
        (RESPONSE, transaction_xml() * 2, TransactionIDError),
        ("", None, ValidationError),
        (RESPONSE * 2, None, ValidationError),
        ('<CancelRsp xmlns="urn:x"/>', None, UnsupportedVersion),
    ],
)
def test_what_is_no_answer_is_refused(body: str, header: str | None, error: type[MM7Error]) -> None:
    with pytest.raises(error):
        answered(envelope_xml(body, header))


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("\n  ", []),
        ("<!-- none -->", []),
        ("t-1", ["transaction-missing"]),
        ('<x xmlns="urn:x"/>', ["transaction-missing"]),
        (None, ["transaction-missing"]),
    ],
)
def test_a_fault_is_regular_without_a_transaction_id_where_its_header_is_empty(
    header: str | None, names: list[str]
) -> None:
    _, found = answered(envelope_xml("<s:Fault/>", header))

    assert found == names


def test_a_fault_without_a_header_is_read_down_to_its_detail() -> None:
    body = (
        "<s:Fault><faultcode>s:Server</faultcode><faultstring>Busy</faultstring>"
        f'<detail><RSErrorRsp xmlns="{MM7}"><Status><StatusText>Busy</StatusText><StatusCode>4006</StatusCode></Status>'
        "<MM7Version>6.8.0</MM7Version></RSErrorRsp></detail></s:Fault>"
    )

    element, found = answered(envelope_xml(body, None))

    assert found == ["transaction-missing"]
    assert read_answer(element, LIMITS, Deviations()) == Fault(
        faultcode="Server",
        faultstring="Busy",
        error=RSErrorRsp(mm7_version="6.8.0", status=Status(status_code=4006, status_text="Busy")),
    )


@pytest.mark.parametrize(
    ("body", "header", "told"),
    [
        (
            '<CancelReq xmlns=""/>',
            transaction_xml(namespace=f" {MM7}"),
            [("namespace-blanks", "TransactionID"), ("namespace-missing", "CancelReq")],
        ),
        (
            '<CancelReq xmlns="urn:mm7"/>',
            transaction_xml(),
            [("namespace-foreign", "CancelReq: urn:mm7"), ("namespace-mixed", "TransactionID and CancelReq")],
        ),
        ("<s:Fault/>", None, [("transaction-missing", "Header")]),
        ("<Fault/>", transaction_xml(), [("soap-namespace", "Fault: none")]),
        ('<Fault xmlns="urn:x"/>', transaction_xml(), [("soap-namespace", "Fault: urn:x")]),
    ],
)
def test_what_is_irregular_in_an_envelope_is_told_with_its_place(
    body: str, header: str | None, told: list[tuple[str, str]]
) -> None:
    envelope, deviations = divided(envelope_xml(body, header))

    check_answer(envelope, deviations)

    assert sorted((deviation.name, deviation.where) for deviation in deviations) == told


LONG = "l" + "o" * 200 + "ng"


@pytest.mark.parametrize(
    ("xml", "error", "most"),
    [
        (f"<a><?{LONG} x?></a>", ValidationError, 40),
        (f'<{LONG} xmlns="{SOAP_11}"/>', ValidationError, 80),
        (f'<Envelope xmlns="{LONG}"/>', VersionMismatch, 80),
        (envelope_xml(header=f'{transaction_xml()}<{LONG} s:mustUnderstand="1"/>'), MustUnderstand, 80),
        (envelope_xml(f'<{LONG} xmlns="urn:x"/>'), UnsupportedVersion, 80),
        (envelope_xml(f'<x xmlns="{LONG}"/>'), UnsupportedVersion, 80),
    ],
)
def test_a_refusal_names_what_it_is_about_and_a_long_name_in_part(xml: str, error: type[MM7Error], most: int) -> None:
    with pytest.raises(error) as refusal:
        judged(xml)

    assert LONG[:most] in str(refusal.value)
    assert LONG[: most + 1] not in str(refusal.value)


def test_an_envelope_in_no_namespace_is_refused_as_such() -> None:
    with pytest.raises(ValidationError) as refusal:
        judged("<Envelope/>")

    assert refusal.value.details == "the Envelope is in no namespace (SOAP 1.1, 4)"


def test_another_spelling_of_the_namespace_of_soap_is_told_and_a_long_one_in_part() -> None:
    spelling = " " * 60 + SOAP_11
    _, deviations = divided(f'<Envelope xmlns="{spelling}"><Body><x/></Body></Envelope>')

    assert [(deviation.name, deviation.where) for deviation in deviations] == [
        ("soap-namespace", f"Envelope: {spelling[:80]}")
    ]


def test_an_empty_header_stands_before_the_body_of_an_answer_without_a_transaction_id() -> None:
    """Peers look into Header for the TransactionID before they read the status."""
    root = ElementTree.fromstring(write_envelope("<a/>", None, "mm7"))

    assert root.text is None
    assert [(child.tag, child.text, len(child)) for child in root] == [
        (f"{{{SOAP_11}}}Header", None, 0),
        (f"{{{SOAP_11}}}Body", None, 1),
    ]


@pytest.mark.parametrize(("namespace", "prefix"), [(MM7, "mm7"), (MM7, ""), (None, "")])
def test_a_writer_says_what_it_writes_in(namespace: str | None, prefix: str) -> None:
    writer = Writer(namespace, prefix)

    assert (writer.namespace, writer.prefix) == (namespace, prefix)
    # What is in the same namespace and has the same prefix needs no declaration of its own.
    assert writer.foreign(Element("a", namespace, prefix=prefix)) == writer.element("a", "")
    assert writer.foreign(Element("a", "urn:x", prefix=prefix)).count("xmlns") == 1
    assert ("xmlns" in writer.foreign(Element("a"))) == (namespace is not None and not prefix)


def test_what_xml_cannot_hold_is_replaced_in_attributes_by_one_character_each() -> None:
    written = Writer(None, "").foreign(Element("a", attributes={"b": "x\0y\x01"}))

    assert written == '<a b="x\ufffdy\ufffd"/>'


@pytest.mark.parametrize(
    ("body", "header", "name"),
    [
        (f"<{LONG}/>", transaction_xml(), "namespace-missing"),
        (f'<{LONG} xmlns="{MM7} "/>', transaction_xml(), "namespace-blanks"),
        (f'<{LONG} xmlns="urn:mm7"/>', transaction_xml(), "namespace-foreign"),
        (f'<{LONG} xmlns="urn:mm7"/>', transaction_xml(), "namespace-mixed"),
        (f'<Rsp xmlns="{LONG}mm7"/>', transaction_xml(), "namespace-foreign"),
        (f'<Fault xmlns="{LONG}"/>', transaction_xml(), "soap-namespace"),
    ],
)
def test_a_deviation_names_what_it_is_about_and_a_long_name_in_part(body: str, header: str, name: str) -> None:
    envelope, deviations = divided(envelope_xml(body, header))

    check_answer(envelope, deviations)

    (where,) = [deviation.where for deviation in deviations if deviation.name == name]
    assert LONG[:80] in where
    assert LONG[:81] not in where


# -- recorded answers, where the recordings are

CAPTURES = os.environ.get("MM7_CAPTURES")


def recorded_answers() -> list[Path]:
    if not CAPTURES:
        return []
    rows = [line.split("\t") for line in (Path(CAPTURES) / "INDEX.tsv").read_text("utf-8").splitlines()]
    expect = rows[0].index("expect")
    return [Path(CAPTURES) / row[0] for row in rows[1:] if row[expect] == "response"]


@pytest.mark.skipif(not CAPTURES, reason="MM7_CAPTURES names no folder of recordings")
@pytest.mark.parametrize("path", recorded_answers(), ids=lambda path: str(path.name))
def test_a_recorded_answer_is_read(path: Path) -> None:
    octets = path.read_bytes()
    octets = octets[re.search(rb"<\?xml|<\w+:Envelope", octets).start() : octets.rindex(b">") + 1]  # type: ignore[union-attr]
    deviations = Deviations()

    envelope = divide_envelope(parse_node(to_utf8(octets, None, deviations)), deviations)
    answer = read_answer(check_answer(envelope, deviations), LIMITS, deviations)

    if isinstance(answer, Fault):
        assert answer.faultcode in ("Client", "Server")
        assert answer.faultstring
    else:
        assert answer.status.status_code == (2150 if answer.element_name == "RSErrorRsp" else 1000)


def test_the_namespaces_of_3gpp_are_those_of_the_specification() -> None:
    assert set(TABLE["NAMESPACES"]) == MM7_NAMESPACES
    assert TABLE["NAMESPACE"] == MM7


@pytest.mark.parametrize(
    ("namespace", "meant"),
    [(MM7, True), ("urn:mm7", True), ("urn:Mm7x", True), ("urn:mm8", False), ("", False), (None, False)],
)
def test_a_namespace_is_meant_for_mm7_if_it_says_so_in_any_capitals(namespace: str | None, meant: bool) -> None:
    assert is_mm7(namespace) is meant


@pytest.mark.parametrize(
    ("namespace", "tidied"), [(None, None), ("", None), (" \n ", None), (" a b\t", "ab"), (MM7, MM7)]
)
def test_a_tidied_namespace_has_no_white_space(namespace: str | None, tidied: str | None) -> None:
    assert tidy(namespace) == tidied


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "0 elements"),
        ("text", "0 elements"),
        (f'<CancelReq xmlns="{MM7}"/><CancelReq xmlns="{MM7}"/>', "2 elements"),
        (f'<CancelReq xmlns="{MM7}"/><x/>', "2 elements"),
    ],
)
def test_body_holds_one_operation(body: str, words: str) -> None:
    with pytest.raises(ValidationError, match=f"SOAP Body has {words}"):
        judged(envelope_xml(body))


ALL_WRONG = {
    "envelope": ("urn:not-soap", VersionMismatch),
    "understanding": ('<x xmlns="urn:x" s:mustUnderstand="1"/>', MustUnderstand),
    "transaction": ("", TransactionIDError),
    "number": (f'<CancelReq xmlns="{MM7}"/>', ValidationError),
    "namespace": ('<NoSuchReq xmlns="urn:other"/>', UnsupportedVersion),
}


@pytest.mark.parametrize("first", range(len(ALL_WRONG)), ids=list(ALL_WRONG))
def test_of_several_faults_the_one_that_comes_first_in_the_envelope_is_told(first: int) -> None:
    wrong = {name for place, name in enumerate(ALL_WRONG) if place >= first}

    def part(name: str, right: str) -> str:
        return ALL_WRONG[name][0] if name in wrong else right

    xml = envelope_xml(
        part("namespace", f'<NoSuchReq xmlns="{MM7}"/>') + part("number", ""),
        part("transaction", transaction_xml()) + part("understanding", ""),
        soap=part("envelope", SOAP_11),
    )

    with pytest.raises(MM7Error) as refusal:
        judged(xml)

    assert type(refusal.value) is list(ALL_WRONG.values())[first][1]


# -- writing

PREFIXES = ["", "mm7", "env", "soapenv", "ns0", "\u00fcbung"]


@pytest.mark.parametrize(
    ("content", "attributes", "xml"),
    [
        ("", "", "<p:a/>"),
        ("", ' b="1"', '<p:a b="1"/>'),
        ("x", "", "<p:a>x</p:a>"),
        ("<p:c/>", ' b="1"', '<p:a b="1"><p:c/></p:a>'),
    ],
)
def test_an_element_of_mm7_is_written_as_short_as_it_can_be(content: str, attributes: str, xml: str) -> None:
    assert Writer(MM7, "p").element("a", content, attributes) == xml


def serialised(element: Element) -> str:
    """An element of any namespace as XML, standing alone."""
    return Writer(None, "").foreign(element)


def written(transaction: Transaction | None, prefix: str = "") -> bytes:
    return write_envelope(serialised(Element("CancelRsp", MM7, prefix=prefix)), transaction, prefix)


def as_xml_holds(text: str) -> str:
    return "".join(
        character
        if character in "\t\n\r"
        or (character >= " " and not "\ud800" <= character <= "\udfff" and character not in "\ufffe\uffff")
        else "\ufffd"
        for character in text
    )


def assert_answer(octets: bytes, transaction: Transaction | None, operation: str) -> None:
    """That an answer is a SOAP 1.1 envelope with that TransactionID, for a stranger's parser and for ours."""
    root = ElementTree.fromstring(octets)
    assert root.tag == f"{{{SOAP_11}}}Envelope"
    assert [child.tag for child in root] == [f"{{{SOAP_11}}}Header", f"{{{SOAP_11}}}Body"]
    assert [child.tag for child in root[-1]] == [operation]
    if transaction is None:
        assert (len(root[0]), root[0].text) == (0, None)
    else:
        (block,) = root[0]
        assert block.tag == (f"{{{transaction.namespace}}}TransactionID" if transaction.namespace else "TransactionID")
        assert block.attrib == {f"{{{SOAP_11}}}mustUnderstand": "1"}
        assert block.text == as_xml_holds(transaction.id)
    deviations = Deviations()
    envelope = divide_envelope(parse_node(to_utf8(octets, "utf-8", deviations)), deviations)
    assert envelope.transaction_id == (transaction and as_xml_holds(transaction.id).strip())
    assert envelope.operation is not None
    assert list(deviations) == []


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    "transaction",
    [
        Transaction("t-1", MM7),
        Transaction("t-1", TABLE["NAMESPACES"][0]),
        Transaction("t-1", "urn:mm7?a=\"1\"&b='2'<3>"),
        Transaction("t-1", None),
        None,
    ],
    ids=["MM7", "another release", "markup", "no namespace", "none"],
)
def test_an_answer_has_the_prefix_of_the_request_and_each_namespace_its_own(
    prefix: str, transaction: Transaction | None
) -> None:
    octets = written(transaction, prefix)

    assert_answer(octets, transaction, f"{{{MM7}}}CancelRsp")
    tag = f"<{prefix}:CancelRsp " if prefix else "<CancelRsp "
    assert tag.encode() in octets
    assert octets.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<')
    soap = "soapenv" if prefix == "env" else "env"
    assert f"<{soap}:Envelope ".encode() in octets


@pytest.mark.parametrize(
    "text",
    [
        '<&>"',
        "'\"<![CDATA[x]]>",
        "a\rb\nc\td\r\ne",
        "a\0b\x01c\x1fd",
        "a\ufffe\uffffb",
        "\ud800a\udfff",
        "\x7f\x85\u2028",
        "\ud7ff\ue000\ufffd\U00010000",
        "\U0001f600\U0010ffff",
        "\u65e5\u672c",
        "x" * 100_000,
    ],
    ids=[
        "markup",
        "cdata",
        "line ends",
        "controls",
        "no characters",
        "half characters",
        "separators",
        "edges",
        "astral",
        "kanji",
        "long",
    ],
)
@pytest.mark.parametrize("prefix", ["", "mm7"])
def test_a_transaction_id_is_echoed_but_for_what_xml_cannot_hold(text: str, prefix: str) -> None:
    transaction = Transaction(text, MM7)

    assert_answer(written(transaction, prefix), transaction, f"{{{MM7}}}CancelRsp")


@given(st.text(st.characters(exclude_categories=()), min_size=1), st.sampled_from(PREFIXES))
@settings(deadline=None)
def test_any_transaction_id_can_be_answered(text: str, prefix: str) -> None:
    transaction = Transaction(f"t{text}", MM7)

    assert_answer(written(transaction, prefix), transaction, f"{{{MM7}}}CancelRsp")


def test_an_answer_as_a_whole() -> None:
    response = CancelRsp(mm7_version="6.8.0", status=Status(status_code=1000, status_text="Success"))

    octets = write_envelope(write_message(response, MM7, "mm7"), Transaction("t-1", MM7), "mm7")

    assert octets == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header>'
        b'<mm7:TransactionID xmlns:mm7="' + MM7.encode() + b'" env:mustUnderstand="1">t-1</mm7:TransactionID>'
        b'</env:Header><env:Body><mm7:CancelRsp xmlns:mm7="' + MM7.encode() + b'">'
        b"<mm7:MM7Version>6.8.0</mm7:MM7Version><mm7:Status><mm7:StatusCode>1000</mm7:StatusCode>"
        b"<mm7:StatusText>Success</mm7:StatusText></mm7:Status></mm7:CancelRsp></env:Body></env:Envelope>"
    )


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    "error",
    [
        None,
        RSErrorRsp(mm7_version="6.8.0", status=Status(status_code=2503, status_text="<one> & only", details="\r\n")),
    ],
    ids=["without detail", "with detail"],
)
@pytest.mark.parametrize("transaction", [Transaction("t-1", MM7), None], ids=["TransactionID", "none"])
def test_a_fault_is_soaps_and_its_detail_mm7s(
    prefix: str, error: RSErrorRsp | None, transaction: Transaction | None
) -> None:
    fault = Fault(faultcode="Client", faultstring="Client error: <no> & \ud800", error=error)

    octets = write_envelope(write_fault(fault, MM7, prefix), transaction, prefix)

    assert_answer(octets, transaction, f"{{{SOAP_11}}}Fault")
    written_fault = ElementTree.fromstring(octets)[-1][0]
    assert [child.tag for child in written_fault] == ["faultcode", "faultstring", "detail"][: 2 if error is None else 3]
    assert written_fault[1].text == "Client error: <no> & \ufffd"
    soap, _, code = (written_fault[0].text or "").partition(":")
    assert code == "Client"
    assert f' xmlns:{soap}="{SOAP_11}"'.encode() in octets
    operation = divide_envelope(parse_node(octets), Deviations(strict=True)).operation
    assert operation is not None
    again = read_fault(operation, LIMITS, Deviations(strict=True))
    if error is None:
        assert again.error is None
    else:
        assert [child.tag for child in written_fault[2]] == [f"{{{MM7}}}RSErrorRsp"]
        assert again.error == RSErrorRsp(
            mm7_version="6.8.0", status=Status(status_code=2503, status_text="<one> & only", details="")
        )


def test_a_response_in_no_namespace_has_none_whatever_the_prefix() -> None:
    response = CancelRsp(mm7_version="6.8.0", status=Status(status_code=1000, status_text="Success"))

    octets = write_envelope(write_message(response, None, "mm7"), Transaction("t-1", None), "mm7")

    assert_answer(octets, Transaction("t-1", None), "CancelRsp")
    operation = divide_envelope(parse_node(octets), Deviations()).operation
    assert operation is not None
    assert read_response(operation, LIMITS, Deviations(strict=True)) == response


@pytest.mark.parametrize(
    "element",
    [
        Element("a"),
        Element("a", "urn:a", children=[Element("b"), Element("c", "urn:c"), Element("d", "urn:a")]),
        Element("a", "urn:a", prefix="p", children=[Element("b", "urn:b", prefix="p", children=[Element("c")])]),
        Element("a", None, prefix="p"),
        Element("a", attributes={"k": "<&>\"'\n\t\r x", f"{{{XML_NAMESPACE}}}lang": "de"}),
        Element("a", "urn:a", attributes={"{urn:a}k": "1", "k": "2"}),
        Element("a", "urn:a", prefix="p", attributes={"{urn:a}k": "1"}),
        *(
            Element("a", "urn:a", prefix=f"ns{number}", attributes={"{urn:b}k": "1", "{urn:c}k": "2"})
            for number in range(6)
        ),
        Element(
            "a",
            "urn:a",
            prefix="ns3",
            attributes={"{urn:b}k": "1"},
            children=[Element("b", "urn:b", prefix="ns4", attributes={"{urn:a}k": "1", "{urn:d}k": "2"})],
        ),
        Element("a", text="]]>&lt;\r\n", children=[Element("b", text=" x ")]),
    ],
)
def test_any_element_is_written_so_that_it_reads_back_equal(element: Element) -> None:
    xml = serialised(element)

    assert ElementTree.fromstring(xml) is not None
    assert parse(xml) == element


@pytest.mark.parametrize(
    "element",
    [
        Element("a"),
        Element("a", MM7),
        Element("a", MM7, prefix="mm7"),
        Element("a", MM7, prefix="env", attributes={f"{{{MM7}}}k": "1"}),
        Element("a", "urn:a", prefix="mm7", children=[Element("b", MM7, prefix="mm7"), Element("c", MM7)]),
        Element("a", "urn:a", prefix="env", attributes={f"{{{SOAP_11}}}mustUnderstand": "1", "{urn:b}k": "2"}),
        Element("a", SOAP_11, prefix="env", attributes={f"{{{SOAP_11}}}actor": ""}),
        Element("a", None, children=[Element("b", MM7, children=[Element("c")])]),
        Element("a", "urn:a", attributes={f"{{{MM7}}}k": "1", "k": "2"}, children=[Element("b", None)]),
    ],
)
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("namespace", [MM7, None], ids=["MM7", "none"])
def test_any_element_can_be_written_among_those_of_mm7(element: Element, prefix: str, namespace: str | None) -> None:
    writer = Writer(namespace, prefix)
    body = writer.element("x", writer.element("y", "") + writer.foreign(element) * 2, writer.declaration)

    octets = write_envelope(body, Transaction("t-1", namespace), prefix)

    assert ElementTree.fromstring(octets) is not None
    (operation,) = divide_envelope(parse_node(octets), Deviations(strict=True)).operations
    assert element_of(operation) == Element("x", namespace, children=[Element("y", namespace), element, element])


def chain_of(levels: int, leaf: str) -> Element:
    element = Element(leaf)
    for level in range(levels):
        inside = [Element("b", text=str(level)), element, Element("c")]
        element = Element("a", "urn:p", prefix="p" * (level % 2), text="x", children=inside)
    return element


def test_an_element_of_five_thousand_levels_can_be_written_and_compared() -> None:
    levels = 5_000
    whole = chain_of(levels, "leaf")

    again = parse(serialised(whole), Limits(depth=levels + 1, elements=3 * levels + 1))

    assert (again == whole) is True
    assert (chain_of(levels, "other") == whole) is False


@pytest.mark.parametrize("character", ["&", "<", ">", '"', "'", "]]>", "\r", "\n", "\t"])
def test_a_character_that_xml_gives_a_meaning_is_written_without_it_also_where_it_stands_alone(character: str) -> None:
    element = Element("a", attributes={"k": f"x{character}y"}, text=f"x{character}y")

    xml = serialised(element)

    assert parse(xml) == element
    assert xml.count(">") == 2


def test_an_attribute_in_a_namespace_with_a_brace_is_written_in_that_namespace() -> None:
    xml = serialised(Element("a", attributes={"{urn:}x}k": "1"}))

    root = minidom.parseString(xml).documentElement
    assert root is not None
    assert root.getAttributeNS("urn:}x", "k") == "1"


def test_an_element_that_is_written_is_left_as_it_is() -> None:
    element = Element("a", "urn:a", children=[Element("b")])

    assert serialised(element) == '<a xmlns="urn:a"><b xmlns=""/></a>'
    assert element == Element("a", "urn:a", children=[Element("b")])
    assert not element.has_attributes


def test_a_header_behind_the_body_is_read_and_told() -> None:
    xml = envelope_xml(header=transaction_xml())
    start, end = xml.index("<s:Header>"), xml.index("</s:Header>") + len("</s:Header>")
    header = xml[start:end]
    xml = xml[:start] + xml[end:].replace("</s:Body>", "</s:Body>" + header)

    envelope, found = divided(xml)

    assert envelope.transaction_id == "t-1"
    assert ("element-order", "Envelope/Header") in [(deviation.name, deviation.where) for deviation in found]


def test_what_else_stands_in_an_envelope_is_passed_over() -> None:
    other = f'<x xmlns="urn:x"/><s:Other/><Header/><Body xmlns="{MM7}"/><s:body/><s:Trailer>x</s:Trailer>'
    xml = envelope_xml().replace("<s:Header>", f"{other}<s:Header>").replace("</s:Body>", f"</s:Body>{other}")

    operation, found = judged(xml, strict=True)

    assert element_of(operation) == Element("CancelReq", MM7)
    assert found == []
