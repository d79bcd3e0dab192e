"""What is irregular in the contents of parts, noted when the message is read."""

from __future__ import annotations

import base64
import quopri
import random
from contextlib import closing
from typing import Any

import pytest

from mm7_wsgi.protocol import contents
from mm7_wsgi.protocol.buffer import SLICE, Buffer
from mm7_wsgi.protocol.errors import ContentError, ValidationError
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.package import Package, check_content_type
from mm7_wsgi.testing.irregular import regular

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\2\0\0\0\x90\x91h6" + bytes(range(256))
FILES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1" + bytes(100),
    "image/gif": b"GIF89a\1\0\1\0" + bytes(100),
    "audio/amr": b"#!AMR\n" + bytes(100),
    "audio/midi": b"MThd\0\0\0\6\0\1" + bytes(100),
    "audio/wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
    "video/3gpp": b"\0\0\0\x1cftyp3gp5" + bytes(100),
    "application/octet-stream": PNG,
    "application/pdf": b"%PDF-1.4\n" + bytes(100),
    "image/vnd.wap.wbmp": b"\0\0\x10\x10" + random.Random(1).randbytes(500),  # nothing that tells it
}


def read(part: bytes, *, soap: str = "", strict: bool = False) -> Package:
    """The regular message with another part beside its content."""
    message = regular()
    body = message.body.replace(b"--mm7_outer--", b"--mm7_outer\r\n" + part + b"\r\n--mm7_outer--")
    if soap:
        body = body.replace(b'Content-Type: text/xml; charset="utf-8"', soap.encode())
    package = Package(Limits(), strict=strict)
    package.read(check_content_type(message.content_type, Limits()), Buffer(body))
    return package


def found(part: bytes, **how: Any) -> list[tuple[str, str]]:
    with closing(read(part, **how)) as package:
        return [(deviation.name, deviation.where) for deviation in package.deviations]


def with_headers(octets: bytes, *lines: str) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + octets


# -- base64


@pytest.mark.parametrize("content_type", FILES)
@pytest.mark.parametrize("encoding", ["", "7bit", "8bit", "binary"])
@pytest.mark.parametrize("write", [base64.b64encode, base64.encodebytes], ids=["one line", "lines"])
def test_a_file_in_base64_without_saying_so_is_noted_and_stays_as_it_is(
    content_type: str, encoding: str, write: Any
) -> None:
    octets = write(FILES[content_type])
    lines = [f"Content-Type: {content_type}", "Content-ID: <a>"]
    part = with_headers(octets, *lines, *([f"Content-Transfer-Encoding: {encoding}"] if encoding else []))
    with closing(read(part)) as package:
        assert [str(deviation.where) for deviation in package.deviations] == ["part <a>"]
        assert [deviation.name for deviation in package.deviations] == ["encoding-undeclared"]
        assert package.attachments[0].data == octets
    with pytest.raises(ContentError, match="does not say so"):
        read(part, strict=True)


@pytest.mark.parametrize(
    ("content_type", "octets"),
    [
        ("image/png", PNG),
        ("image/png", b""),
        ("image/png", b"\r\n"),
        ("image/png", b"iVBORw0KGgo"),  # too short for a file, and long enough to be known
        ("image/gif", b"GIF89a"),
        ("image/gif", b"AAAA" * 100),
        ("image/gif", b"a text of words"),
        ("image/png", base64.b64encode(PNG) + b"!"),
        ("image/png", base64.b64encode(PNG)[:-1] + b"\xff"),
        ("image/png", base64.b64encode(PNG) + b"\r\n" + base64.b64encode(PNG[:-1])),  # data behind the padding
        ("image/png", base64.b64encode(bytes(3 * SLICE)) + b"\0"),
        ("text/plain", base64.b64encode(PNG)),
        ("text/html", base64.encodebytes(PNG)),
        ("application/smil", b"Ab1" * 100),
        ("application/x-token", b"Ab1" * 100),
        ("message/rfc822", base64.b64encode(PNG)),
    ],
)
def test_what_may_be_something_else_than_base64_is_not_noted(content_type: str, octets: bytes) -> None:
    names = [name for name, _ in found(with_headers(octets, f"Content-Type: {content_type}"))]
    assert names == (["encoding-undeclared"] if octets == b"iVBORw0KGgo" else [])


def test_base64_that_says_so_is_not_noted() -> None:
    assert (
        found(with_headers(base64.b64encode(PNG), "Content-Type: image/png", "Content-Transfer-Encoding: base64")) == []
    )


@pytest.mark.parametrize("octets", [PNG, PNG * 3000, "\u4f60\u597d".encode()], ids=["small", "large", "text"])
def test_binary_that_says_that_it_is_base64_is_noted(octets: bytes) -> None:
    part = with_headers(octets, "Content-Type: image/png", "Content-Transfer-Encoding: base64")
    assert found(part) == [("encoding-contradicted", "the image/png part")]
    with pytest.raises(ContentError, match="is the data itself"):
        read(part, strict=True)


@pytest.mark.parametrize("octets", [b"QUJD\xe9", b"!!!", base64.b64encode(PNG)[:-8] + b"\xa0"])
def test_damaged_base64_is_neither_noted_nor_read(octets: bytes) -> None:
    part = with_headers(octets, "Content-Type: image/png", "Content-Transfer-Encoding: base64")
    with closing(read(part)) as package:
        assert list(package.deviations) == []
        with pytest.raises(ContentError):
            _ = package.attachments[0].data


# -- text

EURO = "\u201cOffer\u201d \u2013 only \u20ac5"


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("8bit", bytes), ("base64", base64.encodebytes), ("quoted-printable", quopri.encodestring)],
)
@pytest.mark.parametrize(
    ("charset", "octets", "names", "text"),
    [
        ("iso-8859-1", EURO.encode("cp1252"), ["charset-wider"], EURO),
        ("us-ascii", EURO.encode("cp1252"), ["charset-wider"], EURO),
        ("windows-1252", EURO.encode("cp1252"), [], EURO),
        ("iso-8859-1", b"sm\xf6r", [], "sm\xf6r"),
        ("iso-8859-1", b"smor", [], "smor"),
        ("utf-8", EURO.encode(), [], EURO),
        ("utf-16", EURO.encode("utf-16-be"), [], EURO),
        ("utf-16", EURO.encode("utf-16-le"), ["byte-order"], EURO),
        ("utf-16", "Hello".encode("utf-16-le"), ["byte-order"], "Hello"),
        ("utf-16le", EURO.encode("utf-16-le"), [], EURO),
        ("utf-8", b"a\xed\xa0\xbc\xed\xbe\x89", ["surrogate-pair"], "a\U0001f389"),
        ("utf-8", "\ud55c\uad6d".encode(), [], "\ud55c\uad6d"),
        ("utf-8", b"a\xed\xa0\xbc", [], "a\ufffd\ufffd\ufffd"),
    ],
)
def test_a_text_is_judged_under_any_transfer_encoding(
    encoding: str, encode: Any, charset: str, octets: bytes, names: list[str], text: str
) -> None:
    part = with_headers(
        encode(octets), f"Content-Type: text/plain; charset={charset}", f"Content-Transfer-Encoding: {encoding}"
    )
    with closing(read(part)) as package:
        assert [deviation.name for deviation in package.deviations] == names
        assert package.attachments[0].text == text
    if names:
        with pytest.raises(ValidationError):
            read(part, strict=True)


def test_a_text_that_cannot_be_decoded_is_told_where_it_is_asked_for() -> None:
    part = with_headers(b"!", "Content-Type: text/plain; charset=latin1", "Content-Transfer-Encoding: base64")
    assert found(part) == []


def test_so_much_text_is_judged_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    part = with_headers(b"\x80" * 50, "Content-Type: text/plain; charset=latin1")
    with closing(read(part)) as package:
        texts = sum(
            leaf.size
            for one in package.parts
            for leaf in one.leaves()
            if leaf is not package.root and (leaf.charset or leaf.content_type.startswith("text/"))
        )
    monkeypatch.setattr(contents, "TEXT_JUDGED", texts)
    assert found(part) == [("charset-wider", "the text/plain part says 'latin1' and has 0x80")]
    monkeypatch.setattr(contents, "TEXT_JUDGED", texts - 1)
    assert found(part) == []


# -- names of files


@pytest.mark.parametrize(
    ("soap", "octets", "name"),
    [
        ("Content-Type: text/xml; charset=GBK", "\u9555\u8a9e".encode("gbk"), "\u9555\u8a9e"),
        ("Content-Type: text/xml; charset=euc-kr", "\uc0ac\uc9c4".encode("euc-kr"), "\uc0ac\uc9c4"),
        ("Content-Type: text/xml; charset=big5", "\u7167\u7247".encode("big5"), "\u7167\u7247"),
        ("Content-Type: text/xml; charset=iso-8859-1", b"\x80", "\u20ac"),
        ("Content-Type: text/xml; charset=euc-kr", "\uc0ac\uc9c4".encode(), "\uc0ac\uc9c4"),
        ('Content-Type: text/xml; charset="utf-8"', "\u4e2d\u56fd".encode("gbk"), "\u4e2d\u56fd"),
    ],
)
def test_the_name_of_a_file_is_in_the_character_set_of_the_soap_part(soap: str, octets: bytes, name: str) -> None:
    part = b'Content-Type: image/gif; name="' + octets + b'.gif"\r\n\r\nGIF89a\x01'
    with closing(read(part, soap=soap)) as package:
        assert package.attachments[0].filename == f"{name}.gif"
    disposition = b'Content-Disposition: attachment; filename="' + octets + b'.gif"\r\n\r\nGIF89a\x01'
    with closing(read(disposition, soap=soap)) as package:
        assert package.attachments[0].filename == f"{name}.gif"
