"""Which part is the SOAP part, which is the content, and which are attachments; by hand-made envelopes."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.errors import (
    ContentError,
    LimitExceeded,
    MM7Error,
    UnsupportedMediaType,
    ValidationError,
)
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.messages import CancelReq, DeliverReq, ReplaceReq, SubmitReq
from mm7_wsgi.protocol.mime import Part
from mm7_wsgi.protocol.package import Package, check_content_type

MM7 = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
RECIPIENTS = "<Recipients><To><Number>1</Number></To></Recipients>"
INSIDE = {
    "SubmitReq": "<MM7Version>6.8.0</MM7Version><SenderIdentification/>" + RECIPIENTS + "{}",
    "DeliverReq": "<MM7Version>6.8.0</MM7Version><Sender><Number>1</Number></Sender>{}",
    "ReplaceReq": "<MM7Version>6.8.0</MM7Version><SenderIdentification/><MessageID>1</MessageID>{}",
    "extendedReplaceReq": "<MM7Version>6.8.0</MM7Version><ReplaceID>1</ReplaceID>{}",
    "CancelReq": "<MM7Version>6.8.0</MM7Version><SenderIdentification/><MessageID>1</MessageID>",
}


def envelope(operation: str = "SubmitReq", href: str | None = None) -> bytes:
    """A SOAP part; ``href`` None leaves Content out."""
    content = "" if href is None else f'<Content href="{href}"/>'
    return (
        '<?xml version="1.0"?>'
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">'
        f'<e:Header><TransactionID xmlns="{MM7}" e:mustUnderstand="1">t</TransactionID></e:Header>'
        f'<e:Body><{operation} xmlns="{MM7}">{INSIDE[operation].format(content)}</{operation}></e:Body></e:Envelope>'
    ).encode()


def part(body: bytes | str, **headers: str) -> bytes:
    """A part; ``id`` stands for Content-ID, ``at`` for Content-Location, ``type`` and ``encoding`` for theirs."""
    names = {"id": "Content-ID", "at": "Content-Location", "type": "Content-Type"}
    written = "".join(f"{names.get(key, 'Content-Transfer-Encoding')}: {value}\r\n" for key, value in headers.items())
    return written.encode() + b"\r\n" + (body.encode() if isinstance(body, str) else body)


def soap(operation: str = "SubmitReq", href: str | None = None, **headers: str) -> bytes:
    return part(envelope(operation, href), **({"type": "text/xml"} | headers))


def mixed(*parts: bytes, **headers: str) -> bytes:
    """A part that is a multipart."""
    return part(joined("inner", parts), type='multipart/mixed; boundary="inner"', **headers)


def joined(boundary: str, parts: Sequence[bytes]) -> bytes:
    line = f"--{boundary}".encode()
    return b"".join(line + b"\r\n" + octets + b"\r\n" for octets in parts) + line + b"--\r\n"


def read(
    *parts: bytes,
    parameters: str = "",
    strict: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - immutable
) -> Package:
    """Read a multipart of ``parts``; ``parameters`` are those of its Content-Type besides the boundary."""
    package = Package(limits, strict=strict)
    package.read(
        check_content_type(f'multipart/related; boundary="outer"{parameters}', limits), Buffer(joined("outer", parts))
    )
    return package


def told(found: Part | None) -> bytes | None:
    """What a part is recognised by here: its data; of a multipart, the data of its first part."""
    while found is not None and found.is_multipart:
        found = found.parts[0]
    return None if found is None else found.data


def names(package: Package) -> list[str]:
    return [deviation.name for deviation in package.deviations]


class Case(NamedTuple):
    """Parts and parameters, and what is to be found in them."""

    parts: tuple[bytes, ...]
    content: bytes | None
    attachments: tuple[bytes, ...] = ()
    deviations: tuple[str, ...] = ()
    parameters: str = ""


CASES = {
    "no content at all": Case((soap(),), None),
    "an href with cid": Case((soap(href="cid:a"), part("A", id="<a>")), b"A"),
    "an href with CID in capitals": Case((soap(href="CID:a"), part("A", id="<a>")), b"A"),
    "a Content-ID without brackets": Case((soap(href="cid:a"), part("A", id="a")), b"A", (), ("id-brackets",)),
    "a Content-ID in two pairs of brackets": Case(
        (soap(href="cid:a"), part("A", id="<<a>>")), b"A", (), ("id-brackets",)
    ),
    "a Content-ID with half a pair of brackets": Case(
        (soap(href="cid:a"), part("A", id="a>")), b"A", (), ("id-brackets",)
    ),
    "a Content-ID in quotes": Case((soap(href="cid:a"), part("A", id='"<a>"')), b"A", (), ("id-brackets",)),
    "a Content-ID with brackets of HTML": Case(
        (soap(href="cid:a"), part("A", id="&lt;a&gt;")), b"A", (), ("id-brackets",)
    ),
    "a Content-ID in other capitals": Case((soap(href="cid:a@B"), part("A", id="<A@b>")), b"A", (), ("id-form",)),
    "a Content-ID whose escapes are not in the href": Case(
        (soap(href="cid:a@b"), part("A", id="<a%40b>")), b"A", (), ("id-form",)
    ),
    "a Content-ID without brackets that nobody asks for": Case(
        (soap(href="cid:a"), part("A", id="<a>"), part("B", id="b")), b"A", (b"B",)
    ),
    "an href with brackets": Case((soap(href="cid:&lt;a&gt;"), part("A", id="<a>")), b"A", (), ("id-brackets",)),
    "two names that differ in their escapes alone": Case(
        (soap(href="cid:a%40b"), part("1", id="<a%40b>"), part("2", id="<a@b>")), b"2", (b"1",)
    ),
    "an href with blanks": Case((soap(href=" cid:a "), part("A", id=" <a> ")), b"A"),
    "an href with escapes": Case((soap(href="cid:a%40b"), part("A", id="<a@b>")), b"A"),
    "an href whose escapes stand in the Content-ID as well": Case(
        (soap(href="cid:a%40b"), part("A", id="<a%40b>")), b"A"
    ),
    "an href without cid": Case((soap(href="a"), part("A", id="<a>")), b"A", (), ("href-without-cid",)),
    "an href that is a Content-Location": Case((soap(href="a.gif"), part("A", at="a.gif")), b"A"),
    "an href that is a Content-Location with the scheme cid": Case(
        (soap(href="cid:a.gif"), part("B", id="<b>"), part("A", at="cid:a.gif")), b"A", (b"B",)
    ),
    "a Content-ID goes before a Content-Location": Case(
        (soap(href="a"), part("location", at="a"), part("id", id="<a>")), b"id", (b"location",), ("href-without-cid",)
    ),
    "the named part among several": Case(
        (soap(href="cid:b"), part("A", id="<a>"), part("B", id="<b>"), part("C", id="<c>")), b"B", (b"A", b"C")
    ),
    "the first of two parts with that name": Case(
        (soap(href="cid:a"), part("1", id="<a>"), part("2", id="<a>")), b"1", (b"2",), ("id-repeated",)
    ),
    "no part for the empty name": Case(
        (soap(href="cid:"), part("1"), part("2", id="<>")), b"1", (b"2",), ("href-unmatched",)
    ),
    "Content-ID is told by its capitals": Case(
        (soap(href="cid:A"), part("small", id="<a>"), part("large", id="<A>")), b"large", (b"small",)
    ),
    "an href that names nothing": Case(
        (soap(href="cid:x"), part("A", id="<a>"), part("B", id="<b>")), b"A", (b"B",), ("href-unmatched",)
    ),
    "an href with a blank for the colon": Case(
        (soap(href="cid a"), part("B"), part("A", id="<a>")), b"A", (b"B",), ("href-without-cid",)
    ),
    "a Content-Location with the scheme cid": Case(
        (soap(href="cid:a%20b.gif"), part("B"), part("A", at="a b.gif")), b"A", (b"B",), ("href-location",)
    ),
    "a Content-Location goes before a part inside": Case(
        (soap(href="cid:a"), mixed(part("in", id="<a>")), part("A", at="a")), b"A", (b"in",), ("href-location",)
    ),
    "an href that names the SOAP part": Case(
        (soap(href="cid:s", id="<s>"), part("A", id="<a>")), b"A", (), ("href-unmatched",)
    ),
    "an href that names a part inside": Case(
        (soap(href="cid:a"), part("B", id="<b>"), mixed(part("A", id="<a>"))), b"A", (b"B",), ("href-nested",)
    ),
    "an href that is the location of a part deep inside": Case(
        (
            soap(href="a.gif"),
            part("B"),
            mixed(part("I"), part(joined("d", [part("A", at="a.gif")]), type="multipart/x; boundary=d")),
        ),
        b"I",
        (b"B",),
        ("href-nested",),
    ),
    "a part on the first level goes before one inside": Case(
        (soap(href="cid:a"), mixed(part("in", id="<a>")), part("out", id="<a>")), b"out", (b"in",)
    ),
    "a multipart by its own name": Case((soap(href="cid:a"), mixed(part("in"), id="<a>")), b"in"),
    # No Content element.
    "no Content, and nothing has a name": Case((soap(), part("A"), part("B")), b"A", (b"B",)),
    "no Content, and a part has a name": Case((soap(), part("A", id="<a>")), b"A", (), ("content-unreferenced",)),
    "no Content, and the SOAP part has a name": Case((soap(id="<s>"), part("A")), b"A", (), ("content-unreferenced",)),
    "no Content, and there is a start": Case(
        (soap(), part("A")), b"A", (), ("start-unmatched", "content-unreferenced"), "; start=<x>"
    ),
    "no Content, and several parts": Case(
        (soap(), part("A", id="<a>"), part("B")), b"A", (b"B",), ("content-unreferenced",)
    ),
    # The SOAP part.
    "start names a later part": Case(
        (part("A", id="<a>"), soap(href="cid:a", id="<s>")), b"A", (), (), '; start="<s>"'
    ),
    "start without brackets": Case(
        (part("A", id="<a>"), soap(href="cid:a", id="<s>")), b"A", (), ("id-brackets",), "; start=s"
    ),
    "the part that start names without brackets": Case(
        (part("A", id="<a>"), soap(href="cid:a", id="s")), b"A", (), ("id-brackets",), "; start=<s>"
    ),
    "start in other capitals": Case(
        (part("A", id="<a>"), soap(href="cid:a", id="<s>")), b"A", (), ("id-form",), "; start=<S>"
    ),
    "the SOAP part behind the content": Case((part("A", id="<a>"), soap(href="cid:a")), b"A", (), ("soap-part-late",)),
    "the SOAP part behind content in base64": Case(
        (part("QUJD", encoding="base64", id="<a>"), soap(href="cid:a")), b"ABC", (), ("soap-part-late",)
    ),
    "the SOAP part without a type, and content that is XML": Case(
        (part(envelope(href="cid:a")), part("<a/>", type="text/xml", id="<a>")), b"<a/>", (), ("soap-part-type",)
    ),
    "start names the first of two parts": Case(
        (part("A"), soap(href="cid:a", id="<s>"), part("<x/>", id="<s>")),
        b"A",
        (b"<x/>",),
        ("id-repeated", "href-unmatched"),
        "; start=<s>",
    ),
    "start names nothing": Case(
        (soap(href="cid:a", id="<s>"), part("A", id="<a>")), b"A", (), ("start-unmatched",), "; start=x"
    ),
    "an empty start": Case((soap(href="cid:a"), part("A", id="<a>")), b"A", (), (), '; start=""'),
    "start names a part inside, and so nothing": Case(
        (soap(href="cid:a"), mixed(part("A", id="<s>"), id="<a>")), b"A", (), ("start-unmatched",), "; start=s"
    ),
    "a SOAP part of another type": Case((soap(type="application/xml"),), None, (), ("soap-part-type",)),
    "a SOAP part without a type": Case((part(envelope()),), None, (), ("soap-part-type",)),
    "a SOAP part in base64": Case(
        (part(base64.encodebytes(envelope()), type="text/xml", encoding="base64"),), None, (), ("soap-part-encoded",)
    ),
    "a SOAP part in quoted-printable": Case(
        (part(envelope().replace(b"=", b"=3D"), type="text/xml", encoding="Quoted-Printable"),),
        None,
        (),
        ("soap-part-encoded",),
    ),
    "a SOAP part in 8bit": Case((part(envelope(), type="text/xml", encoding="8bit"),), None),
    "a SOAP part of an odd charset": Case(
        (soap(type='text/xml; charset="no such"'),), None, (), ("charset-contradicted",)
    ),
    # Other operations.
    "a message that is delivered without content": Case((soap("DeliverReq"),), None),
    "a message that is delivered with content": Case((soap("DeliverReq", "cid:a"), part("A", id="<a>")), b"A"),
    "a replacement": Case((soap("ReplaceReq", "cid:a"), part("A", id="<a>")), b"A"),
    "an operation that carries no content": Case(
        (soap("CancelReq"), part("A", id="<a>"), part("B")), None, (b"A", b"B")
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_content_and_the_attachments_are_found(case: str) -> None:
    parts, content, attachments, deviations, parameters = CASES[case]
    package = read(*parts, parameters=parameters)
    assert told(package.content) == content
    assert tuple(map(told, package.attachments)) == attachments
    assert names(package) == list(deviations)


@pytest.mark.parametrize("case", [case for case, (*_, deviations, _) in CASES.items() if not deviations])
def test_what_is_regular_is_read_by_a_strict_reader_too(case: str) -> None:
    parts, content, _, _, parameters = CASES[case]
    assert told(read(*parts, parameters=parameters, strict=True).content) == content


@pytest.mark.parametrize("case", [case for case, (*_, deviations, _) in CASES.items() if deviations])
def test_what_is_irregular_is_refused_by_a_strict_reader(case: str) -> None:
    parts, *_, deviations, parameters = CASES[case]
    about_content = ("content-unreferenced", "href-unmatched", "href-nested", "href-without-cid", "href-location")
    about_content += ("id-form", "id-repeated")
    with pytest.raises(MM7Error) as caught:
        read(*parts, parameters=parameters, strict=True)
    assert type(caught.value) is (ContentError if deviations[0] in about_content else ValidationError)


def test_a_first_part_that_cannot_be_decoded_is_not_the_soap_part() -> None:
    package = read(part("QUJD", encoding="gzip", id="<b>"), soap(href="cid:a"), part("A", id="<a>"))
    assert told(package.content) == b"A"
    assert names(package) == ["soap-part-late"]


def test_the_content_of_a_nested_href_is_the_part_on_the_first_level() -> None:
    package = read(soap(href="cid:a"), mixed(part("1"), part("2", id="<a>"), id="<all>"))
    assert package.content is not None
    assert package.content.content_id == "all"
    assert [leaf.data for leaf in package.content.leaves()] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("parts", "parameters", "kind", "words"),
    [
        ((), "", ValidationError, "has no parts"),
        ((soap(href="cid:a"),), "", ContentError, "names 'cid:a', and there is no part beside the SOAP part"),
        ((soap("DeliverReq", "cid:a"),), "", ContentError, "there is no part"),
        ((soap("ReplaceReq", "cid:a"),), "", ContentError, "there is no part"),
        ((soap("extendedReplaceReq", "cid:a"),), "", ContentError, "there is no part"),
        ((soap("ReplaceReq"),), "", ValidationError, "ReplaceReq: Content is missing"),
        ((soap("extendedReplaceReq"),), "", ValidationError, "extendedReplaceReq: Content is missing"),
        ((mixed(soap()), part("A")), "", ValidationError, "the SOAP part is a multipart itself"),
        ((soap(), mixed(part("A"), id="<s>")), "; start=s", ValidationError, "the SOAP part is a multipart itself"),
        ((part("A"), part("B")), "", ValidationError, "not well-formed"),
        ((soap(id="<a>"),), "; start=<a>; start=<b>", ValidationError, "two different start parameters"),
        ((part("A"), soap(id="<s>"), part("C", id="<c>")), "; start=<c>", ValidationError, "not well-formed"),
        ((part("!!!", type="text/xml", encoding="base64"),), "", ValidationError, "none of its characters"),
        ((part(envelope(), type="text/xml", encoding="gzip"),), "", ValidationError, "'gzip' is not known"),
    ],
)
def test_a_message_without_its_soap_part_or_its_content_is_refused(
    parts: tuple[bytes, ...], parameters: str, kind: type[MM7Error], words: str
) -> None:
    with pytest.raises(MM7Error, match=words) as caught:
        read(*parts, parameters=parameters)
    assert type(caught.value) is kind


@pytest.mark.parametrize("over", [0, 1])
def test_the_soap_part_may_be_as_large_as_its_limit(over: int) -> None:
    limits = Limits(envelope=len(envelope()) - over)
    bare = Package(limits)
    if over:
        with pytest.raises(LimitExceeded, match=r"\(envelope\)"):
            read(soap(), limits=limits)
        with pytest.raises(LimitExceeded, match=r"\(envelope\)"):
            bare.read(check_content_type("text/xml", limits), Buffer(envelope()))
    else:
        assert isinstance(read(soap(), part("A" * 10_000), limits=limits).request, SubmitReq)
        assert isinstance(bare.read(check_content_type("text/xml", limits), Buffer(envelope())), SubmitReq)


@pytest.mark.parametrize("header", ["text/xml", 'Text/XML; charset="utf-8"', "application/xml", "application/soap+xml"])
def test_a_bare_envelope_is_a_request_without_parts(header: str) -> None:
    package = Package(Limits(), strict=True)
    request = package.read(check_content_type(header, Limits()), Buffer(envelope("CancelReq")))
    assert isinstance(request, CancelReq)
    assert package.request is request
    assert package.content is None
    assert package.attachments == ()


def test_a_bare_envelope_under_the_type_of_a_multipart_is_read() -> None:
    for header in ("multipart/related", "multipart/related; boundary=b; charset=utf-8"):
        for before in (b"", b"\xef\xbb\xbf", b"\r\n"):
            package = Package(Limits())
            request = package.read(check_content_type(header, Limits()), Buffer(before + envelope("CancelReq")))
            assert isinstance(request, CancelReq)
            assert names(package)[0] == "xml-as-multipart"
    utf_16 = envelope("CancelReq").decode().encode("utf-16")
    assert isinstance(Package(Limits()).read(check_content_type(header, Limits()), Buffer(utf_16)), CancelReq)
    with pytest.raises(ValidationError, match="bare envelope"):
        Package(Limits(), strict=True).read(check_content_type(header, Limits()), Buffer(envelope("CancelReq")))


def test_a_preamble_that_looks_like_xml_does_not_make_a_multipart_a_bare_envelope() -> None:
    package = Package(Limits())
    body = b"<!-- a multipart -->\r\n" + joined("b", [soap("CancelReq")])
    assert isinstance(package.read(check_content_type("multipart/x; boundary=b", Limits()), Buffer(body)), CancelReq)
    assert names(package) == []


def test_a_multipart_under_the_type_of_xml_is_read() -> None:
    package = Package(Limits())
    body = joined("b", [soap(href="cid:a"), part("A", id="<a>")])
    assert isinstance(package.read(check_content_type("text/xml", Limits()), Buffer(body)), SubmitReq)
    assert told(package.content) == b"A"
    assert names(package) == ["multipart-as-xml", "boundary-missing"]
    with pytest.raises(ValidationError, match="the body is a multipart"):
        Package(Limits(), strict=True).read(check_content_type("text/xml", Limits()), Buffer(body))


def test_a_bare_envelope_that_names_content_is_refused() -> None:
    with pytest.raises(ContentError, match="there is no part beside"):
        Package(Limits()).read(check_content_type("text/xml", Limits()), Buffer(envelope(href="cid:a")))


def test_the_operation_is_read_from_the_part_that_start_names() -> None:
    parts = (soap("DeliverReq", id="<d>"), soap("ReplaceReq", "cid:d", id="<r>"))
    assert isinstance(read(*parts).request, DeliverReq)
    assert isinstance(read(*parts, parameters="; start=r").request, ReplaceReq)


def test_a_refusal_leaves_what_was_read_before_it() -> None:
    package = Package(Limits())
    with pytest.raises(ContentError):
        package.read(check_content_type("multipart/x; boundary=b", Limits()), Buffer(joined("b", [soap(href="cid:a")])))
    assert package.envelope is not None
    assert package.envelope.transaction_id == "t"
    assert isinstance(package.request, SubmitReq)
    assert package.content is None


def test_what_was_made_for_the_reading_is_given_back_by_close() -> None:
    inner = part(
        base64.encodebytes(joined("i", [part("A")])).replace(b"\n", b"\r\n"),
        type="multipart/mixed; boundary=i",
        encoding="base64",
        id="<a>",
    )
    package = read(soap(href="cid:a"), inner)
    assert package.content is not None
    [leaf] = package.content.leaves()
    assert leaf.data == b"A"
    package.close()
    with pytest.raises(ValueError, match=r"Part\.save"):
        _ = leaf.data
    package.close()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("", "there is no Content-Type"),
        ("; boundary=b", "there is no Content-Type"),
        ("text/plain", "'text/plain'"),
        ("application/x-www-form-urlencoded", "'application/x-www-form-urlencoded'"),
        ("text/xmlx", "'text/xmlx'"),
        ("multipart", "'multipart'"),
        ("x" * 5000, "'xxxx"),
    ],
)
def test_any_other_type_is_refused_before_the_body_is_read(header: str, words: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=words) as caught:
        check_content_type(header, Limits())
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("over", [0, 1])
def test_the_content_type_may_be_as_long_as_a_header_line(over: int) -> None:
    header = "multipart/related; boundary=b"
    limits = Limits(header_line=len(header) - over)
    if over:
        with pytest.raises(LimitExceeded, match=r"\(header_line\)"):
            check_content_type(header, limits)
    else:
        assert check_content_type(header, limits).parameters == {"boundary": "b"}


WHOLE = joined("outer", [soap(href="cid:a", id="<s>"), mixed(part("A", id="<a>")), part("QUJD", encoding="base64")])
DAMAGES = st.tuples(
    st.integers(0, len(WHOLE)),
    st.integers(0, 40),
    st.binary(max_size=4)
    | st.sampled_from([b"--outer", b"\r\n", b"\n", b"<", b"&#0;", b"<!DOCTYPE x>", b"\xff\xfe", b"cid:"]),
)


@given(
    st.lists(DAMAGES, max_size=4),
    st.sampled_from(['multipart/related; boundary="outer"; start=s', "multipart/x; boundary=inner", "text/xml"])
    | st.text(st.characters(max_codepoint=255), max_size=40).map("multipart/x; boundary=outer".__add__)
    | st.text(st.characters(max_codepoint=255), max_size=40),
    st.booleans(),
)
@settings(deadline=None, max_examples=500)
def test_a_damaged_message_is_read_or_refused_and_nothing_else(
    damages: list[tuple[int, int, bytes]], header: str, strict: bool
) -> None:
    body = WHOLE
    for place, length, octets in damages:
        body = body[:place] + octets + body[place + length :]
    package = Package(Limits(), strict=strict)
    with closing(package), suppress(MM7Error):
        request = package.read(check_content_type(header, Limits()), Buffer(body))
        assert request is package.request
        assert package.content not in package.attachments
