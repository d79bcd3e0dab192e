"""What is irregular in the contents of parts, noted when the message is read."""

from __future__ import annotations

import base64
import quopri
from contextlib import closing
from typing import Any

import pytest

from mm7_wsgi.protocol import contents
from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.errors import ValidationError
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.package import Package, check_content_type
from mm7_wsgi.testing.irregular import regular


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
