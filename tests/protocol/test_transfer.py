"""Transfer encodings undone: whole and in pieces alike, and never shortened without a word."""

from __future__ import annotations

import base64
import contextlib
import io
import quopri
import sys
import tracemalloc
from binascii import a2b_base64
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any
from unittest import mock
from unittest.mock import patch

import pybase64
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol import transfer
from mm7_wsgi.protocol.errors import ContentError
from mm7_wsgi.protocol.transfer import DecodedReader, decode, decoded_pieces

SIZES = st.integers(1, 70)
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
WHITE = b" \t\r\n\v\f"


def cut(octets: bytes, size: int) -> Iterator[bytes]:
    for offset in range(0, len(octets), size):
        yield octets[offset : offset + size]


def outcome(encoding: str, octets: bytes, size: int | None = None) -> bytes | None:
    """What ``octets`` decode to, whole or in pieces of ``size``; None where they are refused."""
    try:
        if size is None:
            return decode(encoding, octets)
        return b"".join(decoded_pieces(encoding, cut(octets, size)))
    except ContentError:
        return None


#: What decodes base64 with and without the extra ``fast``.
DECODERS: list[Callable[[bytes], bytes]] = [a2b_base64, pybase64.b64decode]
#: Octets that are base64 but for some of them.
NEARLY_BASE64 = st.builds(
    lambda octets, width, end, damages: damaged(end.join([*cut(base64.b64encode(octets), width), b""]), damages),
    st.binary(max_size=120),
    st.integers(1, 80),
    st.sampled_from([b"\r\n", b"\n", b"\r", b"", b" \r\n", b"\t"]),
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(0, 2), st.sampled_from([*b"\r\n \t\v\f=A9+/-_!.\0\xff", None]))
    ),
)


def damaged(octets: bytes, damages: list[tuple[int, int, int | None]]) -> bytes:
    for place, length, octet in damages:
        place %= len(octets) + 1
        octets = octets[:place] + (b"" if octet is None else bytes([octet])) + octets[place + length :]
    return octets


def told(octets: bytes, size: int | None) -> bytes | str:
    """What base64 decodes to, or the words of the refusal."""
    try:
        return decode("base64", octets) if size is None else b"".join(decoded_pieces("base64", cut(octets, size)))
    except ContentError as error:
        return error.details or ""


@given(NEARLY_BASE64 | st.binary(max_size=60) | st.text("QUJD=\r\n ", max_size=40).map(str.encode), SIZES)
@settings(deadline=None, max_examples=1000)
def test_base64_is_the_same_with_and_without_the_extra_decoder(octets: bytes, size: int) -> None:
    results = set()
    for decoder in DECODERS:
        with patch.object(transfer, "_decode_laxly", decoder):
            results.add((told(octets, None), told(octets, size)))
    assert len(results) == 1


def test_the_extra_decoder_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded_again() -> Any:
        spec = spec_from_file_location(f"{transfer.__name__}_again", transfer.__file__)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    assert loaded_again()._decode_laxly is pybase64.b64decode
    monkeypatch.setitem(sys.modules, "pybase64", None)
    assert loaded_again()._decode_laxly is a2b_base64


@given(st.binary(max_size=400), st.integers(1, 80), st.sampled_from([b"\r\n", b"\n", b"\r\n\r\n", b"\n\r", b" \r\n"]))
@settings(deadline=None)
def test_white_space_is_counted_where_lines_end_and_never_twice(octets: bytes, width: int, end: bytes) -> None:
    lines = end.join([*cut(base64.b64encode(octets).rstrip(b"="), width), b""])
    for cut_off in (lines, lines.lstrip(b"A"), lines[1:], lines[:-1]):
        for stop in (len(cut_off), len(cut_off) // 2):
            assert transfer._count_white(cut_off, stop) <= sum(cut_off[:stop].count(blank) for blank in b"\r\n \t")
    if end in (b"\r\n", b"\n"):
        assert transfer._count_white(lines, len(lines)) == lines.count(b"\r") + lines.count(b"\n")


@pytest.mark.parametrize("encoding", ["", "7bit", "8bit", "binary"])
def test_an_encoding_that_changes_nothing_changes_nothing(encoding: str) -> None:
    octets = bytes(range(256)) + b"QQ== =41"
    assert decode(encoding, octets) is octets
    assert list(decoded_pieces(encoding, iter([octets, b"more"]))) == [octets, b"more"]


@pytest.mark.parametrize("encoding", ["x-uuencode", "base-64", "utf-8", "BASE64", "quoted_printable"])
def test_an_encoding_that_is_not_known_is_refused_at_once_and_named(encoding: str) -> None:
    with pytest.raises(ContentError, match=encoding):
        decode(encoding, b"")
    with pytest.raises(ContentError, match=encoding):
        decoded_pieces(encoding, iter([b""]))


def test_the_name_of_an_unknown_encoding_is_not_told_at_any_length() -> None:
    with pytest.raises(ContentError) as caught:
        decode("x" * 5000, b"")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"QUJD", b"ABC"),
        (b"QUI=", b"AB"),
        (b"QQ==", b"A"),
        (b"Q Q\t=\r\n=\n", b"A"),
        (b"QUJD\r\nREVG\r\n", b"ABCDEF"),
        (b"Q\vU\fJD", b"ABC"),
        # Padding that is missing, or more than enough.
        (b"QUI", b"AB"),
        (b"QQ", b"A"),
        (b"QQ=", b"A"),
        (b"QQ===", b"A"),
        (b"QUJD==", b"ABC"),
        (b"==", b""),
    ],
)
def test_base64_is_read_with_white_space_and_without_padding(encoded: bytes, decoded: bytes) -> None:
    assert decode("base64", encoded) == decoded
    assert [outcome("base64", encoded, size) for size in (1, 2, 3, 5)] == [decoded] * 4


@pytest.mark.parametrize(
    ("encoded", "reason"),
    [
        (b"QQ==QUJD", "after the padding"),
        (b"QQ==\r\nQUJD", "after the padding"),
        (b"Q=UJD", "after the padding"),
        (b"=QUJD", "after the padding"),
        (b"QQ==!", "after the padding"),
        (b"Q", "middle of an octet"),
        (b"QUJDR", "middle of an octet"),
        (b"Q===", "middle of an octet"),
        (b"QUJ!", "'!'"),
        (b"QUJD!", "'!'"),
        (b"!QUJD", "'!'"),
        (b"QU!JD", "'!'"),
        (b"QUJD!QUJD", "'!'"),
        (b"QUJD!==", "'!'"),
        (b"QUJD!!!!", "'!'"),
        (b"QUJD\0", r"'\\x00'"),
        (b"QUJD-_==", "'-'"),
        (b"QUJD\xe9", r"'\\xe9'"),
        (b"begin 644 a.gif", "none of its characters"),
    ],
)
def test_base64_that_would_lose_data_is_refused_with_the_reason(encoded: bytes, reason: str) -> None:
    with pytest.raises(ContentError, match=reason):
        decode("base64", encoded)
    assert [outcome("base64", encoded, size) for size in (1, 2, 3, 4, 5)] == [None] * 5


@given(st.binary(max_size=200), st.data())
@settings(deadline=None, max_examples=150)
def test_base64_in_any_lines_and_pieces_gives_the_original(octets: bytes, data: st.DataObject) -> None:
    encoded = bytearray(base64.b64encode(octets))
    for place in sorted(data.draw(st.lists(st.integers(0, len(encoded)), max_size=8)), reverse=True):
        encoded[place:place] = data.draw(st.sampled_from([b"\r\n", b"\n", b" ", b"\t", b"\v\f"]))
    assert decode("base64", bytes(encoded)) == octets
    assert outcome("base64", bytes(encoded), data.draw(SIZES)) == octets


@given(st.binary(max_size=600), st.sampled_from([4, 60, 76]), st.sampled_from([b"\r\n", b"\n"]), st.integers(1, 300))
@settings(deadline=None)
def test_lines_of_base64_are_the_same_in_any_pieces(octets: bytes, width: int, end: bytes, size: int) -> None:
    lined = end.join([*cut(base64.b64encode(octets), width), b""])
    with mock.patch.object(transfer, "_decode_lines", wraps=transfer._decode_lines) as decoded:
        assert outcome("base64", lined, size) == octets
    if size > 2 * width + 4 and len(lined) > 2 * size and b"=" not in lined[:size]:
        assert decoded.called


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("junk", [b"\v", b"\f", b"!", b"\v\v\v\v", b"!!!!", b"\v!\f!", b"    ", b"\r", b"-_", b"\0"])
def test_a_line_of_base64_with_junk_is_read_as_it_is_as_a_whole(
    decoder: Any, junk: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "_decode_laxly", decoder)
    lined = base64.encodebytes(bytes(range(200)))
    for place in range(0, len(lined), 3):
        for dropped in range(5):  # so that what is counted may be whole groups again
            damaged = lined[:place] + junk + lined[place + dropped :]
            for size in (40, 100, 1000):
                assert told(damaged, size) == told(damaged, None)


@given(
    st.binary(max_size=60).map(base64.b64encode),
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 255)), min_size=1, max_size=4),
    SIZES,
)
@settings(deadline=None, max_examples=300)
def test_base64_with_junk_in_it_is_never_shortened(encoded: bytes, junk: list[tuple[int, int]], size: int) -> None:
    octets = bytearray(encoded)
    for place, octet in junk:
        octets[place % (len(octets) + 1) : place % (len(octets) + 1)] = bytes([octet])
    significant = bytes(octets).translate(None, WHITE)
    before, _, behind = significant.partition(b"=")
    is_sound = not before.translate(None, ALPHABET) and len(before) % 4 != 1 and not behind.strip(b"=")
    found = outcome("base64", bytes(octets))
    assert found == (base64.b64decode(before + b"=" * (-len(before) % 4), validate=True) if is_sound else None)
    assert outcome("base64", bytes(octets), size) == found


@pytest.mark.parametrize(
    ("encoded", "decoded"),
    [
        (b"", b""),
        (b"plain", b"plain"),
        (b"=41=6a=6A", b"Ajj"),
        (b"soft=\r\nbreak", b"softbreak"),
        (b"soft=\nbreak", b"softbreak"),
        (b"a=3D=3Db", b"a==b"),
        (b"the end=", b"the end"),
        (b"tr \r\n", b"tr \r\n"),
        (b"under_score", b"under_score"),
        # An escape that is none stays as it is, and all that is behind it as well.
        (b"=ZZ", b"=ZZ"),
        (b"=4", b"=4"),
        (b"=4\r\n", b"=4\r\n"),
        (b"a= \r\nb", b"a= \r\nb"),
        (b"a==b", b"a==b"),
        (b"a==41", b"a=A"),
        (b"=====41", b"====A"),
        (b"a=\rb c\nd", b"a=\rb c\nd"),
        (b"a=\r\r\nb", b"a=\r\r\nb"),
        (b"a==\r\nb", b"a=b"),
        (b"a=\r", b"a=\r"),
    ],
)
def test_quoted_printable_is_read_and_what_is_no_escape_stays(encoded: bytes, decoded: bytes) -> None:
    assert decode("quoted-printable", encoded) == decoded
    assert [outcome("quoted-printable", encoded, size) for size in (1, 2, 3, 4, 5, 6)] == [decoded] * 6


# quopri takes one CRLF for a sign that all line feeds are meant as such.
@given(st.binary(max_size=200).filter(lambda octets: b"\r\n" not in octets), SIZES)
@settings(deadline=None, max_examples=150)
def test_quoted_printable_in_any_pieces_gives_the_original(octets: bytes, size: int) -> None:
    encoded = quopri.encodestring(octets).replace(b"\n", b"\r\n")
    assert decode("quoted-printable", encoded) == octets.replace(b"\n", b"\r\n")
    assert outcome("quoted-printable", encoded, size) == octets.replace(b"\n", b"\r\n")


@pytest.mark.parametrize("pattern", [b"=", b"==41", b"=\r", b"=\r\n", b"=4", b"x=\r="])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_what_is_decoded_as_a_whole_takes_a_few_times_its_memory(encoding: str, pattern: bytes) -> None:
    encoded = pattern * (1_000_000 // len(pattern))
    tracemalloc.start()
    try:
        with contextlib.suppress(ContentError):
            decode(encoding, encoded)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 11_000_000


@given(st.text("=4A1z \r\n", max_size=60).map(str.encode), st.integers(3, 20))
@settings(deadline=None)
def test_quoted_printable_that_is_decoded_slice_by_slice_is_what_it_is_at_once(encoded: bytes, size: int) -> None:
    with patch.object(transfer, "_AT_ONCE", size):
        sliced = decode("quoted-printable", encoded)
    assert sliced == decode("quoted-printable", encoded)


@given(st.text("=4A1z \r\n", max_size=60).map(str.encode), SIZES)
@settings(deadline=None, max_examples=400)
def test_quoted_printable_in_pieces_is_what_it_is_as_a_whole(encoded: bytes, size: int) -> None:
    whole = decode("quoted-printable", encoded)
    assert outcome("quoted-printable", encoded, size) == whole
    # Only an escape and a soft line break make it shorter, each by no more than its own length.
    assert len(whole) >= len(encoded) - 3 * encoded.count(b"=")


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_no_piece_is_larger_than_two_of_those_that_came_in(encoding: str) -> None:
    for filling in (b"QUJD", b"=", b"=3D", b"QUJDQUJD\r\n"):
        pieces = decoded_pieces(encoding, cut(filling * 1000, 100))
        try:
            assert max(map(len, pieces), default=0) <= 200
        except ContentError:
            assert (encoding, filling[:1]) == ("base64", b"=")


@given(st.lists(st.binary(max_size=10), max_size=10), st.lists(st.integers(1, 20), min_size=1, max_size=5))
@settings(deadline=None, max_examples=100)
def test_a_reader_gives_all_the_pieces_in_any_helpings(pieces: list[bytes], helpings: list[int]) -> None:
    reader = DecodedReader(iter(pieces))
    assert reader.readable()
    assert not reader.writable()
    read = bytearray()
    number = 0
    while helping := reader.read(helpings[number % len(helpings)]):
        read += helping
        number += 1
    assert bytes(read) == b"".join(pieces)
    assert reader.read(1) == b""


def test_a_reader_raises_what_the_pieces_raise() -> None:
    reader = io.BufferedReader(DecodedReader(decoded_pieces("base64", iter([b"QUJD", b"!"]))))
    assert reader.read1() == b"ABC"
    with pytest.raises(ContentError, match="'!'"):
        reader.read(1)
