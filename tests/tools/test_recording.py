"""A file is taken apart into its head and its body, whatever it was recorded with."""

from __future__ import annotations

import io
from typing import Any

import pytest

from mm7_wsgi import Limits
from mm7_wsgi.tools.recording import Recording, read_recording

BODY = b"<a>\r\n</a>"
HEAD = b"POST /mm7 HTTP/1.1\r\nContent-Type: text/xml\r\nContent-Length: 9\r\n\r\n"


def body(recording: Recording) -> bytes:
    return recording.body.read(0, recording.body.size)


# -- the head


@pytest.mark.parametrize(
    "octets", [HEAD + BODY, HEAD.replace(b"\r\n", b"\n") + BODY, b"\xef\xbb\xbf\r\n" + HEAD + BODY]
)
def test_a_request_line_headers_and_a_body(record: Any, octets: bytes) -> None:
    recording = record(octets)
    assert (recording.method, recording.http_status) == ("POST", None)
    assert recording.headers == {"content-type": "text/xml", "content-length": "9"}
    assert (body(recording), recording.size, recording.notes) == (BODY, 9, [])
    assert recording.has_head


def test_a_status_line_headers_and_a_body(record: Any) -> None:
    recording = record(b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/xml\r\n\r\n" + BODY)
    assert (recording.method, recording.http_status, body(recording)) == (None, 500, BODY)


def test_what_follows_100_continue_is_the_response(record: Any) -> None:
    recording = record(b"HTTP/1.1 100 Continue\r\nContent-Type: a/b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + BODY)
    assert (recording.http_status, recording.headers, body(recording)) == (200, {}, BODY)


def test_the_headers_of_the_body_alone(record: Any) -> None:
    recording = record(b"MIME-Version: 1.0\nContent-Type: text/xml\n\n" + BODY)
    assert (recording.method, recording.headers, body(recording)) == (None, {"content-type": "text/xml"}, BODY)
    assert recording.has_head


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        BODY,
        b"\r\n" + BODY,
        b"Note: no type\r\n\r\n" + BODY,
        b"--b\r\nContent-Type: text/xml\r\n\r\n" + BODY,
        b"\n\n",
    ],
)
def test_all_else_is_a_body(record: Any, octets: bytes) -> None:
    recording = record(octets)
    assert (recording.has_head, body(recording), recording.size) == (False, octets, len(octets))
    assert recording.notes == []


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (b"Content-Type:text/xml", "text/xml"),
        (b"content-type : text/xml \t", "text/xml"),
        (b"CONTENT-TYPE: multipart/related;\r\n\tboundary=b;\r\n  start=s", "multipart/related; boundary=b; start=s"),
        (b"Content-Type:\r\n text/xml", "text/xml"),
        (b"X-Other: 1\r\n folded\r\nContent-Type: text/xml", "text/xml"),
        (b"Content-Type: text/xml; charset=\xfc", "text/xml; charset=\xfc"),
    ],
)
def test_a_header_is_read_as_it_was_written(record: Any, written: bytes, value: str) -> None:
    recording = record(b"POST /mm7 HTTP/1.1\r\nContent-Length: 9\r\n" + written + b"\r\n\r\n" + BODY)
    assert recording.headers["content-type"] == value
    assert body(recording) == BODY
    assert [note for note in recording.notes if "second line" in note] == (
        ["A header goes on in a second line, which HTTP no longer knows (RFC 9112, 5.2): servers refuse it."]
        if b"multipart" in written or b":\r\n" in written
        else []
    )


def test_a_head_without_end_is_all_there_is(record: Any) -> None:
    recording = record(HEAD.rstrip())
    assert (recording.method, body(recording)) == ("POST", b"")
    assert recording.headers["content-type"] == "text/xml"


@pytest.mark.parametrize("octets", [BODY, b"--b\r\n\r\nx\r\n--b--"])
def test_a_body_that_follows_without_an_empty_line(record: Any, octets: bytes) -> None:
    recording = record(HEAD[:-2].replace(b"Content-Length: 9", b"Content-Length: %d" % len(octets)) + octets)
    assert body(recording) == octets
    assert recording.notes[0] == "There is no empty line between the headers and the body."


def test_a_line_that_is_no_header_is_passed_over_and_never_told(record: Any) -> None:
    recording = record(HEAD.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\n folded s3cret\r\ns3cret\r\n") + BODY)
    assert recording.headers["content-type"] == "text/xml"
    assert recording.notes == ["A line among the headers is none. It was passed over."] * 2


def test_of_a_header_that_is_there_twice_the_first_is_read(record: Any) -> None:
    twice = b"Content-Type: text/xml\r\nContent-Type: text/plain\r\n"
    recording = record(HEAD.replace(b"Content-Type: text/xml\r\n", twice) + BODY)
    assert recording.headers["content-type"] == "text/xml"
    assert recording.notes == ["Content-Type is there twice. The first was read; servers differ in which they take."]
    assert record(HEAD.replace(b"Content-L", b"Content-Type: text/xml\r\nContent-L") + BODY).notes == []


# -- credentials

IN_THE_URL = "The URL shows credentials. They are neither checked nor shown here."
SECRETS = [
    (b"POST /mm7/acme=s3cret HTTP/1.1", IN_THE_URL),
    (b"POST /mm7/acme%3Ds3cret", IN_THE_URL),
    (b"POST http://mms.example/acme=s3cret HTTP/1.1", IN_THE_URL),
    (b"POST / HTTP/1.1\r\nAuthorization: Basic YWNtZTpzM2NyZXQ=",
     "It shows Basic credentials. They are neither checked nor shown here."),
    (b"POST / HTTP/1.1\r\nAuthorization: Basic s3cret",
     "Its Basic credentials cannot be decoded: where they are asked for, the answer is 401."),
    (b"POST / HTTP/1.1\r\nAuthorization: Bearer s3cret",
     "It shows credentials that are not Basic. They are neither checked nor shown here."),
]  # fmt: skip


@pytest.mark.parametrize(("line", "note"), SECRETS)
def test_credentials_are_told_of_and_not_kept(record: Any, line: bytes, note: str) -> None:
    recording = record(HEAD.replace(b"POST /mm7 HTTP/1.1", line) + BODY)
    assert recording.notes == [note]
    recording.close()
    assert "s3cret" not in repr(recording)
    assert "YWNt" not in repr(recording)


def test_what_is_in_a_query_is_no_account(record: Any) -> None:
    assert record(HEAD.replace(b"/mm7", b"/mm7?a=b") + BODY).notes == []


# -- the body


@pytest.mark.parametrize(
    ("written", "note"),
    [
        (b"", "There is no Content-Length. To a request without one, the answer is 411."),
        (b"Content-Length: nine", "The Content-Length is no number. To such a request, the answer is 400."),
        (b"Content-Length: 12345", "The Content-Length says 12,345 bytes, and 9 are there. Those were read."),
    ],
)
def test_a_length_that_is_not_that_of_the_body_is_told(record: Any, written: bytes, note: str) -> None:
    recording = record(HEAD.replace(b"Content-Length: 9", written or b"X: y") + BODY)
    assert (recording.notes, body(recording)) == ([note], BODY)


def test_a_response_and_headers_alone_may_be_without_a_length(record: Any) -> None:
    assert record(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n" + BODY).notes == []
    assert record(b"Content-Type: text/xml\r\n\r\n" + BODY).notes == []


CHUNKED = HEAD.replace(b"Content-Length: 9", b"Transfer-Encoding: Chunked")
SENT = "It was sent in chunks. Without allow_chunked=True, the answer to that is 411."


@pytest.mark.parametrize(
    "octets",
    [
        b"4\r\n<a>\r\r\n05 ;x=y\r\n\n</a>\r\n0\r\n\r\n",
        b"4\n<a>\r\n5\n\n</a>\n0\n\n",
        b"9\r\n" + BODY + b"\r\n0\r\nTrailer: 1\r\n\r\n",
    ],
)
def test_chunks_are_joined(record: Any, octets: bytes) -> None:
    recording = record(CHUNKED + octets)
    assert (body(recording), recording.size) == (BODY, 9)
    assert recording.notes == [SENT, "The body was recorded in chunks, which were joined."]


def test_a_large_chunk_is_joined_in_pieces(record: Any) -> None:
    large = bytes(range(256)) * 1024
    recording = record(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large))
    assert body(recording) == large


def test_a_body_whose_chunks_were_joined_before(record: Any) -> None:
    recording = record(CHUNKED + BODY)
    assert body(recording) == BODY
    assert recording.notes == [SENT, "Transfer-Encoding says chunked; the body was recorded without the chunks."]


@pytest.mark.parametrize("octets", [b"4\r\n<a>", b"4\r\n<a>\r\r\n", b"3\r\n<a>\r\r\n0\r\n\r\n", b"4\r\n<a>\r\r\nx\r\n"])
def test_chunks_of_another_length_are_left(record: Any, octets: bytes) -> None:
    recording = record(CHUNKED + octets)
    assert body(recording) == octets
    assert recording.notes == [SENT, "The chunks of the body are not as long as they say, so they were left in it."]


def test_chunks_of_a_response_are_nobodys_business(record: Any) -> None:
    recording = record(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n" + BODY + b"\r\n0\r\n\r\n")
    assert (body(recording), recording.notes) == (BODY, ["The body was recorded in chunks, which were joined."])


def test_a_body_above_the_limit_is_counted_and_not_kept(record: Any) -> None:
    recording = record(b"<" + b"x" * 300_000, Limits(body=100_000))
    assert (recording.size, recording.body.size) == (300_001, 100_001)
    assert record(b"<" + b"x" * 99_999, Limits(body=100_000)).body.size == 100_000


def test_what_a_stream_raises_comes_out() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        read_recording(Broken(), Limits())
