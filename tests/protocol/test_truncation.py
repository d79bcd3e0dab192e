"""A multipart without its close delimiter: read where it is whole, refused where its end may have been cut off."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator

import pytest

from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.errors import BadRequest, MM7Error, ValidationError
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.package import Package, check_content_type

TYPE = 'multipart/related; boundary=out; type="text/xml"'
REL_6 = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff\xfe--out\x80\x81\r\n"
ASCII, CHINESE = "Your code is 482913.", "\u60a8\u7684\u9a8c\u8bc1\u7801\u662f 482913\u3002"


def envelope(
    subject: str, charset: str, operation: str = "SubmitReq", content: str = '<Content href="cid:c"/>'
) -> bytes:
    held = {
        "SubmitReq": f"<Recipients><To><Number>1</Number></To></Recipients><Subject>{subject}</Subject>{content}",
        "CancelReq": "<MessageID>1</MessageID>",
    }
    return (
        '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>'
        f'<TransactionID xmlns="{REL_6}" e:mustUnderstand="1">1</TransactionID></e:Header><e:Body>'
        f'<{operation} xmlns="{REL_6}"><MM7Version>6.8.0</MM7Version><SenderIdentification><VASPID>{subject}</VASPID>'
        f"</SenderIdentification>{held[operation]}</{operation}></e:Body></e:Envelope>"
    ).encode(charset)


def part(content_type: str, octets: bytes, *headers: str) -> bytes:
    lines = (f"Content-Type: {content_type}", *headers, "", "")
    return "\r\n".join(lines).encode() + octets


def multipart(boundary: str, *parts: bytes, close: bool = True) -> bytes:
    delimiter = f"--{boundary}".encode()
    body = b"\r\n".join(delimiter + b"\r\n" + each for each in parts)
    return body + b"\r\n" + delimiter + b"--\r\n" if close else body


def flat(text: str, charset: str, last: bytes, *, close: bool = True) -> bytes:
    root = part(f"text/xml; charset={charset}", envelope(text, charset))
    return multipart("out", root, last, close=close)


def nested(text: str, charset: str, *leaves: bytes, close: bool = True) -> bytes:
    story = multipart("in", *leaves)
    return flat(text, charset, part("multipart/related; boundary=in", story, "Content-ID: <c>"), close=close)


def text_part(text: str, charset: str) -> bytes:
    return part(f"text/plain; charset={charset}", text.encode(charset), "Content-ID: <c>")


def encoded(octets: bytes, content_type: str = "text/plain; charset=utf-8") -> bytes:
    headers = ("Content-ID: <c>", "Content-Transfer-Encoding: base64")
    return part(content_type, base64.encodebytes(octets).strip(), *headers)


def leaves_of(body: bytes, tolerated: Collection[str] = (), *, is_counted: bool = True) -> list[bytes]:
    """Read the body, and return the data of its leaves beside the SOAP part."""
    package = Package(Limits(), tolerated=tolerated)
    try:
        package.read(check_content_type(TYPE, Limits()), Buffer(body), is_counted=is_counted)
        return [leaf.data for each in package.parts[1:] for leaf in each.leaves()]
    finally:
        package.close()


def messages() -> Iterator[tuple[str, bool, bytes]]:
    """A name, whether what is before the close delimiter proves its end, and the body."""
    for name, text, charset in (("ASCII", ASCII, "utf-8"), ("UTF-8", CHINESE, "utf-8"), ("GBK", CHINESE, "gbk")):
        for close in (True, False):
            kind = f"{name}, {'closed' if close else 'open'}"
            smil = part("application/smil", b"<smil/>")
            yield f"slides, {kind}", True, nested(text, charset, smil, text_part(text, charset), close=close)
            yield f"slides and picture, {kind}", True, nested(text, charset, part("image/png", PICTURE), close=close)
            yield f"padded base64, {kind}", True, flat(text, charset, encoded(b"abcd" * 20), close=close)
            yield f"base64 without padding, {kind}", False, flat(text, charset, encoded(b"abc" * 30), close=close)
            yield f"padded picture, {kind}", True, flat(text, charset, encoded(PICTURE, "image/png"), close=close)
            if not text.isascii():
                yield f"text, {kind}", False, flat(text, charset, text_part(text * 3, charset), close=close)


@pytest.mark.parametrize(("name", "is_proven", "body"), [pytest.param(*each, id=each[0]) for each in messages()])
def test_no_part_is_shortened_wherever_the_message_is_cut(name: str, is_proven: bool, body: bytes) -> None:
    whole = leaves_of(body, ["close-missing"])
    accepted = []
    for length in range(body.index(b"<e:Body>"), len(body) + 1):
        try:
            found = leaves_of(body[:length])
        except MM7Error:
            continue
        assert found == whole, f"cut after {length} of {len(body)} bytes"
        accepted.append(length)
    last_delimiter = body.rindex(b"\r\n--out--") if "closed" in name else len(body)
    assert is_proven == (last_delimiter in accepted)
    assert "open" in name or len(body) in accepted


@pytest.mark.parametrize("charset", ["utf-8", "gbk", "big5", "euc-kr", "shift_jis"])
@pytest.mark.parametrize("more", range(40))
def test_a_message_counted_in_characters_is_refused_wherever_that_cuts_it(charset: str, more: int) -> None:
    text = "\u4e2d" * (12 + more) + ASCII
    body = flat(text, charset, text_part(text, charset))
    with pytest.raises(MM7Error):
        leaves_of(body[: len(body.decode(charset))])


def test_the_refusal_says_that_the_body_may_have_been_cut_off() -> None:
    body = flat(CHINESE, "utf-8", text_part(CHINESE * 2, "utf-8"))[:-20]
    with pytest.raises(ValidationError) as caught:
        leaves_of(body)
    assert caught.value.details == (
        f"the body ends at its Content-Length of {len(body)} bytes without the close delimiter; "
        "it may have been cut off"
    )


def test_a_part_in_ascii_or_without_text_needs_no_close_delimiter() -> None:
    """Nobody counts such bytes as characters."""
    for text, charset, last, data in (
        (ASCII, "us-ascii", text_part(ASCII, "us-ascii"), ASCII.encode()),
        (CHINESE, "utf-8", part("image/png", PICTURE, "Content-ID: <c>"), PICTURE),
        (CHINESE, "gbk", part("image/png", PICTURE, "Content-ID: <c>"), PICTURE),
    ):
        assert leaves_of(flat(text, charset, last, close=False)) == [data]


@pytest.mark.parametrize("charset", ["iso-2022-jp", "utf-7"])
def test_ascii_bytes_that_stand_for_other_characters_do_not_prove_an_end(charset: str) -> None:
    with pytest.raises(ValidationError, match="may have been cut off"):
        leaves_of(flat(ASCII, "us-ascii", text_part("\u4e2d", charset), close=False))


def test_a_picture_in_binary_does_not_hide_that_a_multipart_is_open() -> None:
    body = nested(CHINESE, "utf-8", text_part(CHINESE, "utf-8"), part("image/png", PICTURE))
    for end in (body.index(PICTURE) + len(PICTURE), body.index(PICTURE) + 9):
        with pytest.raises(ValidationError, match="may have been cut off"):
            leaves_of(body[:end])


@pytest.mark.parametrize("ending", [b"--out", b"--out\r\n", b"--out\r\n\r\n"])
def test_after_a_last_delimiter_another_part_may_have_been_cut_off(ending: bytes) -> None:
    body = flat(CHINESE, "utf-8", text_part(CHINESE, "utf-8"), close=False) + b"\r\n" + ending
    with pytest.raises(ValidationError, match="may have been cut off"):
        leaves_of(body)
    body = flat(ASCII, "us-ascii", text_part(ASCII, "us-ascii"), close=False) + b"\r\n" + ending
    assert leaves_of(body) == [ASCII.encode()]


def test_half_a_close_delimiter_ends_the_last_part() -> None:
    body = flat(CHINESE, "utf-8", text_part(CHINESE, "utf-8"), close=False) + b"\r\n--out-"
    assert leaves_of(body) == [CHINESE.encode()]


def test_a_soap_part_ends_with_its_root_element_unless_content_may_follow() -> None:
    def alone(operation: str) -> bytes:
        root = part("text/xml; charset=utf-8", envelope(CHINESE, "utf-8", operation, content=""))
        return multipart("out", root, close=False)

    assert leaves_of(alone("CancelReq")) == []
    with pytest.raises(ValidationError, match="may have been cut off"):
        leaves_of(alone("SubmitReq"))


def test_a_soap_part_that_was_cut_off_is_refused_for_that() -> None:
    body = multipart("out", part("text/xml; charset=utf-8", envelope(CHINESE, "utf-8")), close=False)
    with pytest.raises(ValidationError) as caught:
        leaves_of(body[:-9])
    assert caught.value.details is not None
    assert caught.value.details.startswith(f"the body ends at its Content-Length of {len(body) - 9} bytes without")


def test_an_account_can_tolerate_that_the_end_is_missing() -> None:
    body = flat(CHINESE, "utf-8", text_part(CHINESE, "utf-8"), close=False)
    assert leaves_of(body, ["close-missing"]) == [CHINESE.encode()]
    assert leaves_of(body[:-3], ["close-missing"]) == [CHINESE.encode()[:-3]]


def test_a_chunked_body_has_no_length_that_could_be_right() -> None:
    body = flat(ASCII, "us-ascii", text_part(ASCII, "us-ascii"), close=False)
    with pytest.raises(BadRequest, match="chunked and has no close delimiter"):
        leaves_of(body, is_counted=False)


DATE = b"Date: Tue, 1 Dec 2026 01:04:06 +0000 (UTC)\r\n"


@pytest.mark.parametrize("left", range(-20, 4))
@pytest.mark.parametrize(
    ("text", "last", "data"),
    [
        (ASCII, text_part(ASCII, "us-ascii"), ASCII.encode()),
        (CHINESE, text_part(CHINESE, "utf-8"), CHINESE.encode()),
        (CHINESE, part("image/png", PICTURE, "Content-ID: <c>"), PICTURE),
        (CHINESE, part("image/png", PICTURE * 2 + b"\r", "Content-ID: <c>"), PICTURE * 2 + b"\r"),
    ],
    ids=["ASCII", "Chinese", "picture", "picture that ends in a carriage return"],
)
def test_a_length_that_is_short_by_a_date_header_is_known_to_the_byte(
    text: str, last: bytes, data: bytes, left: int
) -> None:
    """Axis 1.4 does not count the header that it writes before the first delimiter."""
    boundary = b"o" * (len(DATE) + left - len("\r\n----\r\n"))
    body = flat(text, "utf-8", last).replace(b"--out", b"--" + boundary)
    body = body.replace(b"--" + boundary + b"\x80", b"--out\x80")  # that of the picture
    body = (DATE + b"\r\n" + body)[: len(body) + len("\r\n")]
    package = Package(Limits())
    header = check_content_type(TYPE.replace("=out", f"={boundary.decode()}"), Limits())
    if left < 0:
        with pytest.raises(ValidationError, match="may have been cut off"):
            package.read(header, Buffer(body))
    else:
        package.read(header, Buffer(body))
        assert [leaf.data for leaf in package.parts[1:]] == [data]


def test_a_date_header_that_the_body_does_not_bear_out_tells_nothing() -> None:
    body = DATE + b"\r\n" + flat(ASCII, "utf-8", text_part(ASCII, "utf-8"), close=False)
    boundary = b"o" * 60
    header = check_content_type(TYPE.replace("=out", f"={boundary.decode()}"), Limits())
    package = Package(Limits())
    package.read(header, Buffer(body.replace(b"--out", b"--" + boundary)))
    assert [leaf.data for leaf in package.parts[1:]] == [ASCII.encode()]
