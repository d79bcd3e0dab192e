"""Arbitrary octets, headers and messages, for the invariants that are fuzzed: see ``targets.py``."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

HERE = Path(__file__).parent
TARGETS: dict[str, Callable[[bytes], None]] = runpy.run_path(str(HERE / "targets.py"))["TARGETS"]
FUZZ = runpy.run_path(str(HERE / "fuzz.py"))
MUTATIONS = runpy.run_path(str(HERE / "mutations.py"))
FLAWED = runpy.run_path(str(HERE.parent / "flawed.py"))
MESSAGES = list(FUZZ["messages"]())
FLAWS = (*FLAWED["FRAMING"], *FLAWED["MESSAGE"])

WORDS = st.sampled_from(MUTATIONS["WORDS"])
# Quotes, escapes, what divides parameters and pieces of them, what is not ASCII, and what no header can hold.
HEADER_CHARACTERS = "\"\\;=*'%<>&,()@: \t\r\n\0\x1b\x7f\x85\xa0\xe4\xf6\u20ac\uac00\U0001f326aAbB019/-_."
HEADER_TEXT = st.lists(
    st.one_of(st.text(HEADER_CHARACTERS, max_size=12), st.sampled_from(MUTATIONS["HEADER_WORDS"]).map(bytes.decode))
).map("".join)
#: As it comes from a server, octet by octet; some of it is UTF-8, and some is not.
HEADER = st.one_of(HEADER_TEXT.map(str.encode), st.lists(st.one_of(WORDS, st.binary(max_size=8))).map(b"".join))


def in_one_line(header: bytes) -> bytes:
    return header.translate(None, b"\r\n")


def a_request(headers: list[tuple[bytes, bytes]], body: bytes) -> bytes:
    lines = [b"POST /mm7/acme=s3cret HTTP/1.1\r\n"]
    lines += [b"%s: %s\r\n" % (name, in_one_line(value)) for name, value in headers]
    return b"".join(lines) + b"\r\n" + body


NAMES = st.sampled_from(
    [
        b"Content-Type",
        b"Content-Type",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Content-Encoding",
        b"Authorization",
        b"Host",
        b"SOAPAction",
        b"X-Original-URI",
    ]
)
TYPES = st.sampled_from([b"text/xml", b"text/xml; charset=utf-16", b"multipart/related; boundary=b", b"multipart/x"])
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(WORDS, st.sampled_from([b"--b\r\n", b"\r\n--b\r\n", b"\r\n--b--"]), st.binary(max_size=6))).map(
        b"".join
    ),
)


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_target_holds_for_arbitrary_octets(target: str) -> None:
    @given(st.one_of(st.binary(), BODIES))
    @settings(deadline=None, max_examples=150)
    def check(octets: bytes) -> None:
        TARGETS[target](octets)

    check()


@given(st.lists(st.tuples(NAMES, st.one_of(HEADER, TYPES)), max_size=5), BODIES)
@settings(deadline=None, max_examples=200)
def test_any_octets_with_any_headers_are_answered(headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    TARGETS["request"](a_request(headers, body))


@given(TYPES, BODIES)
@settings(deadline=None, max_examples=300)
def test_any_body_of_a_type_that_is_read_is_answered(content_type: bytes, body: bytes) -> None:
    TARGETS["request"](a_request([(b"Content-Type", content_type)], body))
    TARGETS["framing"](b"Content-Type: %s\r\n\r\n%s" % (content_type, body))


@given(HEADER)
@settings(deadline=None, max_examples=300)
def test_any_header_is_read_the_same_in_every_way(header: bytes) -> None:
    TARGETS["headers"](header)


@given(st.binary(max_size=12).map(lambda octets: octets.replace(b"\r", b"")), HEADER, HEADER)
@settings(deadline=None, max_examples=300)
def test_any_credentials_are_kept_out_of_sight(secret: bytes, path: bytes, authorization: bytes) -> None:
    keys = (b"PATH_INFO: /mm7/acme=%s" % secret, b"RAW_URI: /mm7/%s" % in_one_line(path))
    shown = (*keys, b"HTTP_AUTHORIZATION: Basic %s" % in_one_line(authorization))
    TARGETS["credentials"](b"\n".join(shown))


@given(st.integers(0, 2**32), st.frozensets(st.sampled_from(FLAWS), max_size=4))
@settings(deadline=None, max_examples=200)
def test_any_change_to_a_written_message_is_answered(seed: int, flaws: frozenset[str]) -> None:
    chance = random.Random(seed)
    letter = FLAWED["a_letter"](chance, flaws)
    header, body = FLAWED["LetterWriter"](flaws, seed).message(letter)
    entity = MUTATIONS["mutated"](f"Content-Type: {header}\r\n\r\n".encode() + body, chance, MESSAGES)
    TARGETS["request"](entity)
    TARGETS["framing"](entity)


@given(st.integers(0, 2**32), st.sampled_from(MESSAGES))
@settings(deadline=None, max_examples=250)
def test_any_change_to_a_golden_message_is_answered(seed: int, message: bytes) -> None:
    message = MUTATIONS["mutated"](message, random.Random(seed), MESSAGES)
    TARGETS["request"](message)
    for target in ("framing", "soap", "headers"):
        TARGETS[target](FUZZ["seed_of"](target, message))


@given(st.integers(0, 2**32), st.sampled_from(MESSAGES), st.integers(1, 8))
@settings(deadline=None, max_examples=300)
def test_any_change_to_an_envelope_leaves_one_that_is_written_as_it_is_read(
    seed: int, message: bytes, times: int
) -> None:
    chance = random.Random(seed)
    envelope = FUZZ["seed_of"]("soap", message)
    for _ in range(times):
        envelope = MUTATIONS["mutated"](envelope, chance, MESSAGES)
        TARGETS["soap"](envelope)
