"""What is found in a recording, and that the verdict is the endpoint's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from mm7_wsgi import Limits, SubmitReq, SubmitRsp
from mm7_wsgi.protocol.messages import Fault
from mm7_wsgi.tools.inspection import FoundPart, Place

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = sorted(ROOT.glob("tests/golden/*/request.http"))
EXAMPLES = sorted(ROOT.glob("examples/messages/*.headers"))


def names(found: Any) -> list[str]:
    return [deviation.name for deviation in found.deviations]


# -- requests


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parent.name)
def test_the_golden_requests_are_found_as_they_are_expected(look: Any, path: Path) -> None:
    expected = json.loads((path.parent / "expected.json").read_text(encoding="utf-8"))
    found = look(path.read_bytes())
    answer = ElementTree.parse(path.parent / "answer.xml")
    code = answer.findtext(".//{*}StatusCode")
    assert found.answer.status_code == (None if code is None else int(code))
    assert found.accepted == (expected is not None)
    if expected is not None:
        assert (found.operation, found.transaction_id) == (expected["operation"], expected["transaction_id"])
        content = [part for part in found.parts if part.role == "content"]
        assert [part.size for part in content] == ([expected["content"]["size"]] if expected.get("content") else [])
        assert sum(part.role == "attachment" for part in found.parts) == len(expected["attachments"])


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_regular(look: Any, path: Path) -> None:
    octets = path.read_bytes() + b"\n" + path.with_suffix(".body").read_bytes()
    found = look(octets, strict=True)
    assert (found.accepted, found.refusal, found.deviations, found.notes) == (True, None, (), ())


def test_a_request_is_found_with_all_that_it_holds(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.submit())
    assert (found.kind, found.accepted, found.refusal, found.place) == ("request", True, None, None)
    assert (found.operation, found.transaction_id, found.mm7_version) == ("SubmitReq", "tid-1", "6.8.0")
    assert (found.namespace, found.notes, found.http_status) == (kit.REL_6, (), None)
    assert isinstance(found.message, SubmitReq)
    assert found.content_type.startswith("multipart/related; boundary=")
    assert [part.role for part in found.parts] == ["soap", "content"]
    assert found.answer.http_status == 200
    assert (found.answer.operation, found.answer.status_code, found.answer.status_text) == (
        "SubmitRsp",
        1000,
        "Success",
    )
    assert (found.answer.faultcode, found.answer.faultstring) == (None, None)
    assert found.answer.body.startswith("<?xml")


@pytest.mark.parametrize(
    ("settings", "words", "http_status", "code", "faultcode"),
    [
        (
            {"inner": "<{p}MM7Version>6.8.0</{p}MM7Version><{p}SenderIdentification/>"},
            "2002 Address Error: SubmitReq/Recipients holds no To, Cc or Bcc with an address",
            500,
            2002,
            "Client",
        ),
        (
            {"transaction": None},
            "Client.TransactionID: the TransactionID is missing or empty",
            500,
            None,
            "Client.TransactionID",
        ),
        ({"name": "StartReq"}, "4003 Unsupported operation: StartReq is no request of MM7", 500, 4003, "Client"),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_fault(
    look: Any, kit: SimpleNamespace, settings: dict[str, Any], words: str, http_status: int, code: int, faultcode: str
) -> None:
    found = look(kit.http("text/xml", kit.soap(**settings)))
    assert (found.accepted, found.refusal) == (False, words)
    assert (found.answer.http_status, found.answer.operation) == (http_status, "Fault")
    assert (found.answer.status_code, found.answer.faultcode) == (code, faultcode)
    assert found.answer.faultstring is not None
    assert found.answer.faultstring in words


def test_what_was_read_of_a_refused_request_is_shown(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.http("text/xml", kit.soap(more='<{p}Content href="cid:x"/>', version="1.0")))
    assert found.refusal == (
        "2004 Multimedia content refused: Content/@href names 'cid:x', and there is no part beside the SOAP part"
    )
    assert isinstance(found.message, SubmitReq)
    assert (found.mm7_version, names(found)) == ("1.0", ["version-unlisted"])


@pytest.mark.parametrize(
    ("headers", "content_type", "line", "http_status"),
    [
        ((), "text/html", "POST / HTTP/1.1", 415),
        ((), None, "POST / HTTP/1.1", 415),
        (("Content-Encoding: gzip",), "text/xml", "POST / HTTP/1.1", 415),
        (("Content-Length: 9999", "Transfer-Encoding: identity"), "text/xml", "POST / HTTP/1.1", 400),
        ((), "text/xml", "PUT / HTTP/1.1", 405),
    ],
)
def test_http_is_judged_as_the_endpoint_does(
    look: Any, kit: SimpleNamespace, headers: tuple[str, ...], content_type: str, line: str, http_status: int
) -> None:
    found = look(kit.http(content_type, kit.soap(), *headers, line=line))
    assert (found.accepted, found.answer.http_status) == (False, http_status)
    assert (found.operation is None) == (http_status == 415)


def test_an_answer_to_head_has_no_body(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.http("text/xml", kit.soap(), line="HEAD /mm7 HTTP/1.1"))
    assert (found.accepted, found.refusal) == (False, "HTTP 405")
    assert (found.answer.body, found.answer.operation, found.answer.status_code) == ("", None, None)


@pytest.mark.parametrize("authorization", ["Basic YWNtZTpzM2NyZXQ=", "Basic ???", "Bearer x"])
def test_any_credentials_are_taken(look: Any, kit: SimpleNamespace, authorization: str) -> None:
    message = kit.http("text/xml", kit.soap(), f"Authorization: {authorization}", line="POST /mm7/a=b HTTP/1.1")
    found = look(message)
    assert found.accepted
    assert len(found.notes) == 2
    for text in ("YWNt", "a=b", "???"):
        assert text not in repr(found)


def test_strict_refuses_and_still_shows_all(look: Any, kit: SimpleNamespace) -> None:
    message = kit.http("text/xml", kit.soap(version="1.0", more="<{p}Colour/>"))
    lenient, strict = look(message), look(message, strict=True)
    assert (lenient.accepted, lenient.strict, strict.accepted, strict.strict) == (True, False, False, True)
    assert strict.refusal is not None
    assert strict.refusal.startswith("4002 Unsupported version: SubmitReq/MM7Version: 1.0")
    assert names(strict) == names(lenient) == ["version-unlisted", "element-unknown"]


def test_the_limits_are_those_that_are_given(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.submit(), limits=Limits(body=100))
    assert found.refusal == "2004 Multimedia content refused: the body is larger than 100 octets (body)"
    assert (found.answer.http_status, found.message, found.parts) == (413, None, ())
    assert found.size > 101
    assert not look(kit.submit(), limits=Limits(parts=1)).accepted


def test_a_long_namespace_comes_back_and_is_read(look: Any, kit: SimpleNamespace) -> None:
    long = "urn:mm7:" + "x" * 5000
    found = look(kit.http("text/xml", kit.soap(namespace=long)), limits=Limits(namespace=6000))
    assert (found.accepted, found.namespace) == (True, long)


# -- parts


def test_parts_are_told_with_their_sizes_on_all_levels(look: Any, kit: SimpleNamespace) -> None:
    inner = kit.multipart(
        kit.part(b"R3LDvMOfZQ==\r\n", 'Content-Type: text/plain; charset=UTF-8; name="a.txt"', "Content-ID: <t>",
                 "Content-Transfer-Encoding: BASE64"),
        kit.part(b"\0" * 5000, "Content-Type: image/gif", "Content-Location: b.gif"),
        boundary="inner",
    )  # fmt: skip
    found = look(
        kit.submit(
            kit.part(inner, "Content-Type: multipart/mixed; boundary=inner", "Content-ID: <content>"),
            kit.part(b"x" * 200, "Content-Type: text/plain"),
        )
    )
    soap, content, attachment = found.parts
    assert (soap.role, soap.content_id, soap.beginning, soap.decoded_size) == ("soap", "soap", None, soap.size)
    assert (content.role, content.decoded_size, content.beginning) == ("content", None, None)
    assert content.parts == (
        FoundPart(
            content_type="text/plain", charset="utf-8", content_id="t", content_location=None, filename="a.txt",
            transfer_encoding="base64", size=14, decoded_size=7, error=None, role=None, beginning="Grüße", parts=(),
        ),
        FoundPart(
            content_type="image/gif", charset=None, content_id=None, content_location="b.gif", filename=None,
            transfer_encoding="", size=5000, decoded_size=5000, error=None, role=None, beginning=None, parts=(),
        ),
    )  # fmt: skip
    assert (attachment.role, attachment.beginning) == ("attachment", "x" * 100 + "…")


def test_a_part_that_cannot_be_decoded_is_a_refusal(look: Any, kit: SimpleNamespace) -> None:
    headers = ("Content-Type: image/gif", "Content-ID: <content>", "Content-Transfer-Encoding: base64")
    found = look(kit.submit(kit.part(b"R0l*", *headers)))
    (_, content) = found.parts
    assert (content.decoded_size, content.error) == (
        None,
        "part <content>: the base64 holds b'*', which is none of its characters",
    )
    assert found.refusal == f"2004 Multimedia content refused: {content.error}"


def test_parts_of_what_was_not_read_further_have_no_role(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.http(*kit.package(b"<a>", kit.part(b"hello", "Content-Type: text/plain"))))
    assert [part.role for part in found.parts] == ["soap", None]


# -- where the XML is broken


@pytest.mark.parametrize("packed", [True, False])
def test_the_place_where_the_xml_is_broken(look: Any, kit: SimpleNamespace, packed: bool) -> None:
    xml = " \r\n<a>\r\n<é><b" + " " * 100 + "<c></a>"
    octets = xml.encode("latin-1") if packed else xml.encode()
    packages = (
        kit.package(octets, root=("Content-Type: text/xml; charset=latin-1",)) if packed else ("text/xml", octets)
    )
    found = look(kit.http(*packages))
    assert found.refusal is not None
    assert found.refusal.endswith(
        "the SOAP part is not well-formed XML: not well-formed (invalid token): line 2, column 105"
    )
    assert found.place == Place(line=2, column=105, text=" " * 40 + "<c></a>", offset=40)


def test_another_refusal_has_no_place(look: Any, kit: SimpleNamespace) -> None:
    # Strict says first that the framing is wrong; the broken XML would mislead there.
    content_type, body = kit.package(b"<a>")
    message = kit.http(content_type, body.replace(b"--outer\r\n", b"--outer \r\n"))
    assert look(message).place == Place(line=1, column=3, text="<a>", offset=3)
    assert look(message, strict=True).place is None


# -- bodies without a head


@pytest.mark.parametrize("lead", ["", "\ufeff", "\r\n "])
def test_a_bare_envelope_is_text_xml(look: Any, kit: SimpleNamespace, lead: str) -> None:
    found = look(lead.encode() + kit.soap("CancelReq"))
    assert (found.accepted, found.operation, found.content_type) == (True, "CancelReq", "text/xml")
    assert found.notes == ("The recording has no Content-Type. It was read as text/xml.",)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be"])
def test_a_bare_envelope_in_utf_16(look: Any, kit: SimpleNamespace, codec: str) -> None:
    xml = kit.soap("CancelReq").decode().replace("UTF-8", "UTF-16")
    assert look(xml.encode(codec)).operation == "CancelReq"


@pytest.mark.parametrize("boundary", ["b", "==x y==", 'with"quote\\', "\xfc"])
@pytest.mark.parametrize("lead", [b"", b"\r\n", b"A multipart message.\r\n\r\n", b"-----\r\n"])
def test_the_boundary_of_a_bare_multipart_is_that_of_its_first_line(
    look: Any, kit: SimpleNamespace, boundary: str, lead: bytes
) -> None:
    body = kit.package(kit.soap("CancelReq"), boundary="b")[1]
    found = look(lead + body.replace(b"--b", b"--" + boundary.encode("latin-1")))
    assert (found.accepted, names(found)) == (True, [])
    assert found.notes == (f"The recording has no Content-Type. It was read as {found.content_type}.",)
    if boundary == "b":
        assert found.content_type == 'multipart/related; boundary="b"'


def test_a_head_without_content_type_is_believed(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.http(None, kit.soap()))
    assert found.answer.http_status == 415
    assert found.notes == (
        "By its body it could be text/xml: --content-type shows what there is to say of it as that.",
    )
    assert look(kit.http("text/html", b"hello")).notes == ()
    assert look(kit.http("text/html", kit.soap()), content_type="text/xml").accepted


def test_a_body_of_no_known_look_is_left_alone(look: Any) -> None:
    found = look(b"hello")
    assert (found.content_type, found.notes, found.answer.http_status) == ("", (), 415)
    assert look(b"").answer.http_status == 415


def test_a_content_type_that_is_given_stands_in_the_place_of_all_others(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.soap("CancelReq"), content_type="application/xml; charset=utf-8")
    assert (found.accepted, found.content_type, found.notes) == (True, "application/xml; charset=utf-8", ())


def test_more_irregular_places_than_are_told_are_told_as_such(look: Any, kit: SimpleNamespace) -> None:
    vendors = "".join(f"<Vendor{number}/>" for number in range(101))
    found = look(kit.http("text/xml", kit.soap("CancelReq", more=vendors)))
    assert len(found.deviations) == 100
    assert found.notes == ("It is irregular in more places than are told here; every kind is.",)
    found = look(kit.http("text/xml", kit.soap("CancelReq", more=vendors.replace("<Vendor100/>", ""))))
    assert (len(found.deviations), found.notes) == (100, ())


# -- line ends


def test_line_ends_that_a_recorder_changed(look: Any, kit: SimpleNamespace) -> None:
    message = kit.submit()
    found = look(message.replace(b"\r\n", b"\n"))
    assert (found.accepted, names(found)) == (True, ["line-ends"])
    assert found.notes[-1] == (
        "With a CR at the end of each line, the body is as long as its Content-Length says: the recording has lost "
        "them, and what is said of line ends is not the sender's doing."
    )


def test_line_ends_that_nobody_knows_of(look: Any, kit: SimpleNamespace) -> None:
    (_, body) = kit.package(kit.soap("CancelReq"))
    found = look(body.replace(b"\r\n", b"\n"))
    assert found.notes[-1] == (
        "There is no CR in the body. A recording that was saved as text has lost them; what is said of line ends is "
        "then not the sender's doing."
    )


def test_line_ends_that_are_the_senders(look: Any, kit: SimpleNamespace) -> None:
    content_type, body = kit.package(kit.soap("CancelReq"))
    bare = look(kit.http(content_type, body.replace(b"\r\n", b"\n")))
    assert (names(bare), bare.notes) == (["line-ends"], ())
    mixed = look(body.replace(b"outer\r\n", b"outer\n"))
    assert "line-ends" in names(mixed)
    assert len(mixed.notes) == 1  # on its Content-Type


def test_line_ends_of_an_envelope_do_not_count(look: Any, kit: SimpleNamespace) -> None:
    assert len(look(kit.soap("CancelReq").replace(b"\r\n", b"\n")).notes) == 1  # on its Content-Type


# -- responses


def test_a_response_by_its_status_line(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.http("text/xml", kit.response(), line="HTTP/1.1 200 OK"))
    assert (found.kind, found.accepted, found.http_status, found.answer) == ("response", True, 200, None)
    assert (found.operation, found.mm7_version, found.namespace) == ("SubmitRsp", "6.8.0", kit.REL_6)
    assert isinstance(found.message, SubmitRsp)


def test_a_response_by_its_operation(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.response())
    assert (found.kind, found.accepted, found.http_status, found.operation) == ("response", True, None, "SubmitRsp")
    assert look(kit.http("text/xml", kit.response())).kind == "request"  # by its request line


@pytest.mark.parametrize(("transaction", "expected"), [("tid-1", []), (None, ["transaction-missing"])])
def test_a_fault(look: Any, kit: SimpleNamespace, transaction: str | None, expected: list[str]) -> None:
    found = look(kit.fault(transaction=transaction))
    assert (found.kind, found.accepted, found.operation) == ("response", True, "Fault")
    assert (found.mm7_version, found.namespace, names(found)) == ("6.8.0", kit.REL_6, expected)
    assert isinstance(found.message, Fault)


@pytest.mark.parametrize("body", [b"<", b"<a/>", b"\xff"])
@pytest.mark.parametrize("content_type", ["text/xml", "image/png", "multipart/related; boundary=b"])
def test_our_own_fault_without_a_transaction_id_is_regular(
    look: Any, kit: SimpleNamespace, content_type: str, body: bytes
) -> None:
    refused = look(kit.http(content_type, body))
    assert (refused.accepted, refused.transaction_id) == (False, None)

    found = look(kit.http("text/xml", refused.answer.body.encode(), line="HTTP/1.1 500 x"), strict=True)

    assert (found.kind, found.accepted, found.operation, names(found)) == ("response", True, "Fault", [])


@pytest.mark.parametrize("detail", ["", "<detail/>"])
def test_a_fault_that_says_nothing_of_mm7(look: Any, kit: SimpleNamespace, detail: str) -> None:
    xml = (
        f'<s:Envelope xmlns:s="{kit.SOAP}"><s:Body><s:Fault><faultcode>s:Server</faultcode>'
        f"<faultstring>down</faultstring>{detail}</s:Fault></s:Body></s:Envelope>"
    )
    found = look(xml.encode())
    assert (found.operation, found.mm7_version, found.namespace, found.accepted) == ("Fault", None, None, True)


def test_a_response_that_cannot_be_read(look: Any, kit: SimpleNamespace) -> None:
    found = look(kit.http("text/html", b"<p>Bad gateway</p>", line="HTTP/1.1 502 Bad Gateway"))
    assert (found.kind, found.accepted, found.http_status, found.answer) == ("response", False, 502, None)
    assert found.refusal is not None
    assert found.refusal.startswith("4004 Validation error: the Content-Type is 'text/html'")
    newer = kit.response(soap="http://www.w3.org/2003/05/soap-envelope")
    found = look(kit.http("text/xml", newer, line="HTTP/1.1 200 OK"))
    assert found.refusal is not None
    assert found.refusal.startswith("VersionMismatch: the Envelope is not of SOAP 1.1")


def test_a_response_that_is_read_strictly(look: Any, kit: SimpleNamespace) -> None:
    message = kit.response(transaction=None)
    assert (look(message).accepted, look(message, strict=True).accepted) == (True, False)
    assert look(kit.response(), strict=True).accepted
    assert names(look(message, strict=True)) == ["transaction-missing"]


# -- recordings of others


@pytest.mark.skipif("MM7_CAPTURES" not in os.environ, reason="MM7_CAPTURES names no folder of recorded messages")
def test_recorded_messages_are_what_their_index_says(look: Any) -> None:
    folder = Path(os.environ["MM7_CAPTURES"])
    for line in (folder / "INDEX.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        name, _, _, _, outer, expected = line.split("\t")[:6]
        octets = (folder / name).read_bytes()
        found = look(octets)
        assert found.accepted == {"accept": True, "response": True, "refuse": False}.get(expected, found.accepted), name
        assert (found.kind == "response") == (expected == "response"), name
        if outer.startswith("multipart/"):
            assert look(octets, content_type=outer).refusal == found.refusal, name


# -- bodies that their Content-Length cuts off


@pytest.mark.parametrize(
    ("encoding", "octets", "left", "note"),
    [
        ((), "\u4e2d\u6587".encode() * 9, 20, "part <content> loses 34 of its 54 bytes."),
        (("Content-Transfer-Encoding: base64",), b"YWJj" * 9, 8, "part <content> loses 21 of its 27 bytes."),
    ],
)
def test_a_body_is_read_up_to_its_content_length(
    look: Any, kit: SimpleNamespace, encoding: tuple[str, ...], octets: bytes, left: int, note: str
) -> None:
    """And what the server does not see is told."""
    headers = ("Content-Type: text/plain; charset=utf-8", "Content-ID: <content>", *encoding)
    content_type, body = kit.package(kit.soap(more='<mm7:Content href="cid:content"/>'), kit.part(octets, *headers))
    length = body.index(octets) + left
    found = look(kit.http(content_type, body, f"Content-Length: {length}"))
    assert found.refusal is not None
    assert found.refusal.endswith(
        f"the body ends at its Content-Length of {length} bytes without the close delimiter; it may have been cut off"
    )
    assert found.size == length
    assert found.notes == (
        f"The Content-Length says {length:,} bytes, and {len(body):,} are there. A server reads the first {length:,}, "
        "and so they were read.",
        f"By that, {note}",
    )
    tolerant = look(kit.http(content_type, body, f"Content-Length: {length}"), tolerate=["close-missing"])
    assert tolerant.accepted
    assert names(tolerant) == ["close-missing"]


def test_a_part_that_is_lost_altogether_is_told(look: Any, kit: SimpleNamespace) -> None:
    content_type, body = kit.package(
        kit.soap(more='<mm7:Content href="cid:content"/>'),
        kit.part(b"one", "Content-Type: text/plain", "Content-ID: <content>"),
        kit.part(b"two", "Content-Type: text/plain", "Content-ID: <other>"),
    )
    length = body.index(b"\r\n--outer\r\n", body.index(b"one"))
    found = look(kit.http(content_type, body, f"Content-Length: {length}"))
    assert found.notes[-1] == "By that, part <other> is lost, all 3 bytes of it."
