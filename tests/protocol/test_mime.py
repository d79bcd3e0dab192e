"""Framing: what is read, byte for byte, what is refused, and that neither hangs on where the slices are cut."""

from __future__ import annotations

import base64
import os
import quopri
import random
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import Message as Mail
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import multipart
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol import buffer as buffer_module
from mm7_wsgi.protocol import mime as module
from mm7_wsgi.protocol.buffer import IN_MEMORY, SLICE, Buffer
from mm7_wsgi.protocol.deviations import Deviations
from mm7_wsgi.protocol.errors import ContentError, LimitExceeded, MM7Error, ServiceUnavailable, ValidationError
from mm7_wsgi.protocol.headers import parse_content_type
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.mime import Part, describe, read_parts

MIXED = "multipart/mixed; boundary=b"
#: multipart 2.0.0 strips header values and bears a line of blanks among them.
STRIPS_VALUES = version("multipart") == "2.0.0"
#: A part as it can be compared: its headers, and its octets or the parts inside.
Shape = tuple[list[tuple[str, str]], Any]


@contextmanager
def slices(size: int) -> Iterator[None]:
    """The body in slices of another size: a divider of messages must not care."""
    with mock.patch.object(module, "SLICE", size), mock.patch.object(buffer_module, "SLICE", size):
        yield


@contextmanager
def framed(
    body: bytes,
    header: str = MIXED,
    *,
    limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
    in_memory: int = IN_MEMORY,
    strict: bool = False,
) -> Iterator[tuple[Part, ...]]:
    """The parts of ``body``, as long as its octets are there."""
    with Buffer(in_memory=in_memory) as buffer:
        buffer.write(body)
        parts, made, _ = read_parts(parse_content_type(header), buffer.finish(), limits, Deviations(strict=strict))
        yield parts
        for other in made:
            other.close()


def shape_of(part: Part) -> Shape:
    assert part.size >= 0
    return list(part.headers), tuple(map(shape_of, part.parts)) if part.is_multipart else part.data


def shapes(body: bytes, header: str = MIXED, **how: Any) -> list[Shape]:
    with framed(body, header, **how) as parts:
        return [shape_of(part) for part in parts]


def outcome(body: bytes, header: str = MIXED, **how: Any) -> list[Shape] | type[Exception]:
    """The parts, or how they were refused."""
    try:
        return shapes(body, header, **how)
    except MM7Error as error:
        return type(error)


def joined(boundary: bytes, *parts: bytes) -> bytes:
    """A multipart of parts that have their headers already."""
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--"


def plain(*bodies: bytes) -> bytes:
    """A multipart with the boundary ``b`` of parts without headers."""
    return joined(b"b", *(b"\r\n" + body for body in bodies))


def holding(multipart_body: bytes, boundary: bytes | str, headers: bytes = b"") -> bytes:
    """A part whose body is a multipart."""
    octets = boundary.encode() if isinstance(boundary, str) else boundary
    return b'Content-Type: multipart/mixed; boundary="' + octets + b'"\r\n' + headers + b"\r\n" + multipart_body


# -- what is read

TYPE = ("Content-Type", "text/plain")
ACCEPTED = {
    "two parts": (MIXED, plain(b"one", b"two"), [([], b"one"), ([], b"two")]),
    "an empty body": (MIXED, plain(b"", b"x"), [([], b""), ([], b"x")]),
    "headers and an empty body": (MIXED, joined(b"b", b"Content-Type: text/plain\r\n\r\n"), [([TYPE], b"")]),
    "a body of line ends": (MIXED, plain(b"\r\n\r\n"), [([], b"\r\n\r\n")]),
    "a body that ends in a carriage return": (MIXED, plain(b"x\r", b"\r"), [([], b"x\r"), ([], b"\r")]),
    "a body that ends in a line feed": (MIXED, plain(b"x\n", b"\n"), [([], b"x\n"), ([], b"\n")]),
    "bare line feeds in the body": (MIXED, plain(b"a\nb\n\nc"), [([], b"a\nb\n\nc")]),
    "an empty line in the body": (MIXED, plain(b"a\r\n\r\nb"), [([], b"a\r\n\r\nb")]),
    "the beginning of the delimiter in the body": (
        "multipart/mixed; boundary=bound",
        joined(b"bound", b"\r\n\r\n--boun\r\n--bou\n--\r\n-"),
        [([], b"\r\n--boun\r\n--bou\n--\r\n-")],
    ),
    "the delimiter in the middle of a line of the body": (MIXED, plain(b"x--b\r\ny --b--"), [([], b"x--b\r\ny --b--")]),
    "a preamble": (MIXED, b"This is for\r\nold readers.\r\n" + plain(b"x"), [([], b"x")]),
    "a preamble with the delimiter in the middle of a line": (
        MIXED,
        b"see --b\r\n --b--\r\n" + plain(b"x"),
        [([], b"x")],
    ),
    "a preamble of headers": (MIXED, b"Date: today\r\n\r\n" + plain(b"x"), [([], b"x")]),
    "a preamble of an empty line": (MIXED, b"\r\n" + plain(b"x"), [([], b"x")]),
    "a preamble with bare line feeds": (MIXED, b"\n\nold\n\r\n" + plain(b"x"), [([], b"x")]),
    "an epilogue": (MIXED, plain(b"x") + b"\r\nThe end.\r\n--\r\n--a\r\n", [([], b"x")]),
    "the delimiter in the middle of a line of the epilogue": (MIXED, plain(b"x") + b"\r\nx --b\r\n", [([], b"x")]),
    "nothing behind the close delimiter": (MIXED, plain(b"x"), [([], b"x")]),
    "a bare line feed behind the close delimiter": (MIXED, plain(b"x") + b"\n", [([], b"x")]),
    "a folded header": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain;\r\n\tcharset=utf-8;\r\n name=x\r\n\r\nx"),
        [([("Content-Type", "text/plain; charset=utf-8; name=x")], b"x")],
    ),
    "a header folded right behind its colon": (
        MIXED,
        joined(b"b", b"Content-Type:\r\n text/plain\r\n\r\nx"),
        [([TYPE], b"x")],
    ),
    "latin-1 in a header": (MIXED, joined(b"b", b"X-Name: sm\xf6r\r\n\r\nx"), [([("X-Name", "smör")], b"x")]),
    "UTF-8 in a header": (MIXED, joined(b"b", b"X-Name: sm\xc3\xb6r\r\n\r\nx"), [([("X-Name", "smör")], b"x")]),
    "blanks around a value": (MIXED, joined(b"b", b"X-Name: \t a b \t\r\n\r\nx"), [([("X-Name", "a b")], b"x")]),
    "ten headers": (
        MIXED,
        joined(b"b", b"".join(b"X-%d: %d\r\n" % (n, n) for n in range(10)) + b"\r\nx"),
        [([(f"X-{n}", str(n)) for n in range(10)], b"x")],
    ),
    "the same header twice": (
        MIXED,
        joined(b"b", b"X-A: 1\r\nx-a: 2\r\n\r\nx"),
        [([("X-A", "1"), ("X-A", "2")], b"x")],
    ),
    "a Content-Length that is too small": (
        MIXED,
        joined(b"b", b"Content-Length: 1\r\n\r\nxxx"),
        [([("Content-Length", "1")], b"xxx")],
    ),
    "a Content-Length that is too large": (
        MIXED,
        joined(b"b", b"Content-Length: 999\r\n\r\nxxx", b"\r\ny"),
        [([("Content-Length", "999")], b"xxx"), ([], b"y")],
    ),
    "quoted specials in the boundary": (
        'multipart/mixed; boundary="a;b=c \'()+_,-./:=?"',
        joined(b"a;b=c '()+_,-./:=?", b"\r\nx"),
        [([], b"x")],
    ),
    "unquoted specials in the boundary": (
        "multipart/mixed; boundary=----=_Part_1.2",
        joined(b"----=_Part_1.2", b"\r\nx"),
        [([], b"x")],
    ),
    "a boundary that begins with hyphens": (
        "multipart/mixed; boundary=--a",
        joined(b"--a", b"\r\n--a\r\n", b"\r\n-"),
        [([], b"--a\r\n"), ([], b"-")],
    ),
    "a boundary of 70 characters": (
        "multipart/mixed; boundary=" + "x" * 70,
        joined(b"x" * 70, b"\r\n--" + b"x" * 69),
        [([], b"--" + b"x" * 69)],
    ),
    "a boundary of 200 characters": (
        "multipart/mixed; boundary=" + "x" * 200,
        joined(b"x" * 200, b"\r\nx"),
        [([], b"x")],
    ),
    "a boundary in latin-1": ("multipart/mixed; boundary=\xe9\xe8", joined(b"\xe9\xe8", b"\r\nx"), [([], b"x")]),
    "a boundary in nothing but UTF-8": ("multipart/mixed; boundary=名", joined("名".encode(), b"\r\nx"), [([], b"x")]),
    "any octets": (MIXED, plain(bytes(range(256))), [([], bytes(range(256)))]),
    "an inner boundary that the outer one begins with": (
        "multipart/mixed; boundary=abc",
        joined(b"abc", holding(joined(b"ab", b"\r\nx"), b"ab")),
        [([("Content-Type", 'multipart/mixed; boundary="ab"')], (([], b"x"),))],
    ),
    "a multipart with preamble and epilogue in a multipart": (
        MIXED,
        joined(b"b", holding(b"before\r\n" + joined(b"c", b"\r\nx") + b"\r\nbehind", b"c")),
        [([("Content-Type", 'multipart/mixed; boundary="c"')], (([], b"x"),))],
    ),
    "a message in a message stays whole": (
        MIXED,
        joined(b"b", b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n--c\r\n"),
        [([("Content-Type", "message/rfc822")], b"Subject: x\r\n\r\n--c\r\n")],
    ),
}

EVERY_WAY = pytest.mark.parametrize(
    ("in_memory", "size"),
    [(IN_MEMORY, SLICE), (0, SLICE), (IN_MEMORY, 1), (0, 1), (0, 2), (0, 3), (0, 7), (0, 64)],
    ids=lambda value: str(value),
)


@EVERY_WAY
@pytest.mark.parametrize("case", ACCEPTED)
def test_regular_framing_is_read_byte_for_byte(case: str, in_memory: int, size: int) -> None:
    header, body, expected = ACCEPTED[case]
    with slices(size):
        assert shapes(body, header, in_memory=in_memory) == expected


@pytest.mark.parametrize("case", ACCEPTED)
def test_the_same_framing_is_read_inside_of_another(case: str) -> None:
    header, body, expected = ACCEPTED[case]
    part = b"Content-Type: " + header.encode() + b"\r\n\r\n" + body
    [(_, found)] = shapes(joined(b"the outer one", part), 'multipart/mixed; boundary="the outer one"')
    if case != "a boundary in latin-1":  # in UTF-8 here: then the delimiter is to be in UTF-8 too
        assert list(found) == expected


# -- what is refused

LF_ONLY = "a line ends in a bare line feed"
GOES_ON = "a line begins with the delimiter and goes on"
CLOSE_GOES_ON = "a line begins with the close delimiter and goes on"
BEHIND = "there is a delimiter behind the close delimiter"
UNCLOSED = "the close delimiter is missing"
NO_DELIMITER = "no line begins with the delimiter"
INSIDE = "a line inside a part begins with the delimiter"
BARE = "a line of the part headers ends in a bare line feed"
NO_PARTS = "it has no parts"
NO_COLON = "a line of the part headers has no colon"
#: The last is a part of the reason, or two of them where the slices decide which of two faults is met first.
REFUSED = {
    "an empty body": (MIXED, b"", NO_DELIMITER),
    "a close delimiter alone": (MIXED, b"--b--", NO_PARTS),
    "no delimiter at all": (MIXED, b"hello\r\n", NO_DELIMITER),
    "another delimiter": (MIXED, joined(b"c", b"\r\nx"), NO_DELIMITER),
    "the delimiter in other capitals": (MIXED, joined(b"B", b"\r\nx"), NO_DELIMITER),
    "no boundary parameter": ("multipart/mixed", plain(b"x"), "has no boundary parameter"),
    "an empty boundary": ('multipart/mixed; boundary=""', plain(b"x"), "has no boundary parameter"),
    "two boundaries": ("multipart/mixed; boundary=b; boundary=c", plain(b"x"), "two different boundary parameters"),
    "line feeds only": (MIXED, plain(b"x", b"y").replace(b"\r\n", b"\n"), LF_ONLY),
    "line feeds only, with a preamble": (MIXED, b"old\n" + plain(b"x").replace(b"\r\n", b"\n"), LF_ONLY),
    "a bare line feed before the first delimiter": (MIXED, b"\n" + plain(b"x"), LF_ONLY),
    "blanks behind the first delimiter": (MIXED, plain(b"x").replace(b"--b\r", b"--b \r", 1), GOES_ON),
    "blanks behind a later delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b\t\r\n\r\ny\r\n--b--", GOES_ON),
    "text behind the first delimiter": (MIXED, b"--bc\r\n\r\nx\r\n--b--", GOES_ON),
    "text behind a later delimiter": (MIXED, b"--b\r\n\r\nx\r\n--bc\r\n\r\ny\r\n--b--", GOES_ON),
    "one hyphen behind a delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b-\r\n", GOES_ON),
    "a bare line feed behind a later delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b\n\r\ny\r\n--b--", LF_ONLY),
    "a bare carriage return behind a later delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b\r\r\n\r\ny\r\n--b--", GOES_ON),
    "blanks behind the close delimiter": (MIXED, plain(b"x") + b" \t\r\n", CLOSE_GOES_ON),
    "a close delimiter that goes on": (MIXED, plain(b"x") + b"c\r\n", CLOSE_GOES_ON),
    "a close delimiter with a third hyphen": (MIXED, plain(b"x") + b"-\r\n", CLOSE_GOES_ON),
    "a close delimiter that goes on behind blanks": (MIXED, plain(b"x") + b"  \tc\r\n", CLOSE_GOES_ON),
    "a close delimiter that goes on behind many blanks": (MIXED, plain(b"x") + b" " * 2 * SLICE + b"c", CLOSE_GOES_ON),
    "a delimiter behind the close delimiter": (MIXED, plain(b"x") + b"\r\n--b\r\n\r\ny\r\n--b--", BEHIND),
    "a delimiter behind the close delimiter, after a bare line feed": (MIXED, plain(b"x") + b"\n--b--", BEHIND),
    "a delimiter late in the epilogue": (MIXED, plain(b"x") + b"\r\n" + b"x" * 2 * SLICE + b"\r\n--bc", BEHIND),
    "a close delimiter that comes first": (MIXED, b"--b--\r\n--b\r\n\r\nx\r\n--b--", NO_PARTS),
    "no close delimiter": (MIXED, b"--b\r\n\r\nx\r\n", UNCLOSED),
    "no close delimiter, and the last delimiter cut off": (MIXED, b"--b\r\n\r\nx\r\n--b", UNCLOSED),
    "half a close delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b-", UNCLOSED),
    "the first delimiter and nothing else": (MIXED, b"--b", UNCLOSED),
    "the first delimiter line and nothing else": (MIXED, b"--b\r\n", UNCLOSED),
    "an end among the headers": (MIXED, b"--b\r\nX-A: 1\r\n", UNCLOSED),
    "a part of headers alone": (MIXED, b"--b\r\nX-A: 1\r\n\r\n--b\r\n\r\nx\r\n--b--", NO_COLON),
    "a part of headers alone, without its empty line": (MIXED, b"--b\r\nX-A: 1\r\n--b\r\n\r\nx\r\n--b--", NO_COLON),
    "a part of nothing": (MIXED, b"--b\r\n--b--\r\n", NO_COLON),
    "a part of an empty line": (MIXED, b"--b\r\n\r\n--b\r\n\r\nx\r\n--b--", NO_COLON),
    "a delimiter that passes for a header": (
        'multipart/mixed; boundary="b:c"',
        b"--b:c\r\n--b:c\r\n\r\nx\r\n--b:c--",
        NO_COLON,
    ),
    "a delimiter after a bare line feed": (MIXED, b"--b\r\n\r\nx\n--b\r\n\r\ny\r\n--b--", INSIDE),
    "the close delimiter after a bare line feed": (MIXED, b"--b\r\n\r\nx\n--b--\r\n--b--", INSIDE),
    "a longer line that begins with the delimiter, after a bare line feed": (MIXED, plain(b"x\n--bcd"), INSIDE),
    "a bare line feed between headers": (MIXED, joined(b"b", b"X-A: 1\nX-B: 2\r\n\r\nx"), BARE),
    "a bare carriage return between headers": (MIXED, joined(b"b", b"X-A: 1\rX-B: 2\r\n\r\nx"), BARE),
    "a carriage return too many at the end of a header": (MIXED, joined(b"b", b"X-A: 1\r\r\n\r\nx"), BARE),
    "an empty line of a bare line feed": (MIXED, joined(b"b", b"X-A: 1\r\n\nx"), f"{NO_COLON}|{BARE}"),
    "an empty line of a bare line feed, before what passes for a header": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n\nhttp://x/\r\n\r\ny"),
        BARE,
    ),
    "headers that end in bare line feeds": (MIXED, joined(b"b", b"X-A: 1\n\nbody\r\n\r\nmore"), BARE),
    "headers that end in bare line feeds, and no other empty line": (
        MIXED,
        joined(b"b", b"X-A: 1\n\nx") + b"\r\n",
        f"{NO_COLON}|{BARE}",
    ),
    "a bare line feed in place of the empty line": (MIXED, joined(b"b", b"\nx: y\r\n\r\nz"), BARE),
    "a line of blanks among the headers": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n \t\r\nX-B: 2\r\n\r\nx"),
        "nothing but blanks",
    ),
    "a line of blanks in place of the empty line": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n \r\nx"),
        f"nothing but blanks|{NO_COLON}",
    ),
    "no empty line": (MIXED, joined(b"b", b"X-A: 1\r\nbody"), NO_COLON),
    "a first header that is indented": (MIXED, joined(b"b", b" X-A: 1\r\n\r\nx"), "is indented"),
    "a header without a name": (MIXED, joined(b"b", b": 1\r\n\r\nx"), "holds a character that no name can hold"),
    "a header with a dot in its name": (MIXED, joined(b"b", b"X.Y: 1\r\n\r\nx"), "a character that no name can hold"),
    "two Content-Length": (MIXED, joined(b"b", b"Content-Length: 1\r\n" * 2 + b"\r\nx"), "two Content-Length headers"),
    "a Content-Length with a sign": (MIXED, joined(b"b", b"Content-Length: +1\r\n\r\nx"), "Content-Length header of a"),
    "an inner boundary that begins with the outer one": (
        MIXED,
        joined(b"b", holding(joined(b"bc", b"\r\nx"), b"bc")),
        GOES_ON,
    ),
    "an inner boundary that looks like the outer one's close delimiter": (
        "multipart/mixed; boundary=abc",
        joined(b"abc", holding(b"old\r\n" + joined(b"abc--1", b"\r\nx"), b"abc--1")),
        CLOSE_GOES_ON,
    ),
    "an inner boundary that is the outer one's close delimiter": (
        "multipart/mixed; boundary=abc",
        joined(b"abc", holding(b"old\r\n" + joined(b"abc--", b"\r\nx"), b"abc--")),
        BEHIND,
    ),
    "an inner boundary that begins with the outer one, without a preamble": (
        "multipart/mixed; boundary=abc",
        joined(b"abc", holding(joined(b"abc--1", b"\r\nx"), b"abc--1")),
        CLOSE_GOES_ON,
    ),
    "an inner close delimiter that begins with the outer delimiter": (
        "multipart/mixed; boundary=b-",
        joined(b"b-", holding(joined(b"b", b"\r\nx"), b"b")),
        GOES_ON,
    ),
    "an inner close delimiter that is the outer delimiter": (
        "multipart/mixed; boundary=b--",
        joined(b"b--", holding(joined(b"b", b"\r\nx"), b"b")) + b"\r\n",
        NO_COLON,
    ),
    "the delimiter in the preamble of an inner multipart": (
        MIXED,
        joined(b"b", holding(b"\n--b\r\n" + joined(b"c", b"\r\nx"), b"c")),
        INSIDE,
    ),
    "the delimiter in the epilogue of an inner multipart": (
        MIXED,
        joined(b"b", holding(joined(b"c", b"\r\nx") + b"\n--b", b"c")),
        INSIDE,
    ),
}


@EVERY_WAY
@pytest.mark.parametrize("case", REFUSED)
def test_irregular_framing_is_refused_with_the_reason_by_a_strict_reader(case: str, in_memory: int, size: int) -> None:
    header, body, reason = REFUSED[case]
    if len(body) > SLICE and size < 64:
        size *= 1000
    with slices(size), pytest.raises(ValidationError) as caught:
        shapes(body, header, in_memory=in_memory, strict=True)
    assert type(caught.value) is ValidationError
    assert re.fullmatch(rf"the multipart body cannot be read: .*({reason}).*", caught.value.details or "")


@pytest.mark.parametrize("case", REFUSED)
def test_the_same_framing_is_refused_inside_of_another_and_the_part_is_named(case: str) -> None:
    header, body, reason = REFUSED[case]
    part = b"Content-ID: <inner>\r\nContent-Type: " + header.encode() + b"\r\n\r\n" + body
    with pytest.raises(ContentError) as caught:
        shapes(joined(b"the outer one", part), 'multipart/mixed; boundary="the outer one"', strict=True)
    assert type(caught.value) is ContentError
    assert re.match(rf"part <inner> cannot be read: .*({reason})", caught.value.details or "")


def test_a_boundary_with_a_line_break_is_refused() -> None:
    for boundary in ("b\r\nc", "b\nc", "b\rc"):
        with pytest.raises(ValidationError, match="holds a line break"):
            shapes(plain(b"x"), f'multipart/mixed; boundary="{boundary}"')


def test_an_inner_multipart_with_the_outer_boundary_is_refused() -> None:
    for strict, kind in ((False, ContentError), (True, ValidationError)):
        with pytest.raises(MM7Error, match=f"delimiter|{NO_COLON}") as caught:
            shapes(b"--b\r\n" + holding(joined(b"b", b"\r\nx"), b"b"), strict=strict)
        assert type(caught.value) is kind
    with pytest.raises(ValidationError, match=BEHIND):
        shapes(joined(b"b", holding(b"\r\n" + joined(b"b", b"\r\nx"), b"b")), strict=True)


@pytest.mark.parametrize("strict", [False, True])
def test_more_lines_like_a_delimiter_than_there_may_be_parts_are_refused(strict: bool) -> None:
    data = b"x" + b"\n--b\ny" * 5
    body = joined(b"b", holding(joined(b"c", b"\r\n" + data), b"c"))
    [(_, [(_, read)])] = shapes(body, strict=strict, limits=Limits(parts=5))
    assert read == data
    with pytest.raises(LimitExceeded, match="more than 4 parts"):
        shapes(body, strict=strict, limits=Limits(parts=4))


def test_an_inner_multipart_that_is_closed_by_the_outer_delimiter_is_refused() -> None:
    with pytest.raises(ContentError, match=UNCLOSED):
        shapes(joined(b"b", holding(b"--c\r\n\r\nx", b"c")), strict=True)


def test_data_of_a_closed_inner_multipart_may_look_like_the_outer_delimiter() -> None:
    [(_, [(_, data)])] = shapes(joined(b"b", holding(joined(b"c", b"\r\nx\n--b\ny"), b"c")))
    assert data == b"x\n--b\ny"


# -- limits


def tower(levels: int) -> bytes:
    """A multipart of so many levels; the outermost has the boundary ``b``."""
    inner = b"b" if levels == 1 else b"innermost"
    body = joined(inner, b"\r\ndata")
    for level in range(levels - 1, 0, -1):
        outer = b"b" if level == 1 else b"%dlevel" % level
        body, inner = joined(outer, holding(body, inner)), outer
    return body


@pytest.mark.parametrize("mime_depth", [1, 2, 3, 8, 20])
def test_multipart_may_be_nested_as_deep_as_the_limit_and_no_deeper(mime_depth: int) -> None:
    limits = Limits(mime_depth=mime_depth)
    found = shapes(tower(mime_depth), limits=limits)
    for _ in range(mime_depth - 1):
        [(_, found)] = found
    [(_, data)] = found
    assert data == b"data"
    with pytest.raises(LimitExceeded, match=rf"more than {mime_depth} levels deep \(mime_depth\)"):
        shapes(tower(mime_depth + 1), limits=limits)


def test_the_levels_by_default_are_eight() -> None:
    assert shapes(tower(8))
    with pytest.raises(LimitExceeded, match="mime_depth"):
        shapes(tower(9))


def wide(*, first: int, inside: int, last: int) -> bytes:
    """A multipart with ``first`` parts, one more that has ``inside`` parts, and ``last`` parts."""
    inner = joined(b"c", *[b"\r\nx"] * inside)
    return joined(b"b", *[b"\r\nx"] * first, holding(inner, b"c"), *[b"\r\nx"] * last)


@pytest.mark.parametrize(
    ("first", "inside", "last"), [(0, 0, 0), (0, 9, 0), (9, 0, 0), (0, 0, 9), (3, 3, 3), (4, 1, 4), (1, 7, 1)]
)
def test_parts_of_all_levels_count_together(first: int, inside: int, last: int) -> None:
    number = first + inside + last + 1
    body = wide(first=first, inside=inside, last=last)
    assert len(shapes(body, limits=Limits(parts=number))) == first + last + 1
    if number > 1:
        with pytest.raises(LimitExceeded, match=rf"more than {number - 1} parts \(parts\)"):
            shapes(body, limits=Limits(parts=number - 1))


def test_parts_of_an_encoded_multipart_count_with_the_others() -> None:
    inner = base64.b64encode(plain(b"1", b"2"))
    body = joined(b"o", b"\r\nx", holding(inner, b"b", b"Content-Transfer-Encoding: base64\r\n"))
    header = "multipart/mixed; boundary=o"
    assert len(shapes(body, header, limits=Limits(parts=4))) == 2
    with pytest.raises(LimitExceeded, match="more than 3 parts"):
        shapes(body, header, limits=Limits(parts=3))


@pytest.mark.parametrize("over", [0, 1])
@pytest.mark.parametrize("folds", [0, 1, 5])
def test_a_header_line_may_be_as_long_as_the_limit_unfolded(over: int, folds: int) -> None:
    line = b"X-Long: " + b"a b" * 200
    limits = Limits(header_line=len(line) - over)
    body = joined(b"b", line.replace(b" b", b"\r\n\tb", folds) + b"\r\n\r\nx")
    if over:
        with pytest.raises(LimitExceeded, match=rf"over {len(line) - 1} octets \(header_line\)"):
            shapes(body, limits=limits)
    else:
        assert shapes(body, limits=limits) == [([("X-Long", "a b" * 200)], b"x")]


def test_a_header_line_that_never_ends_is_refused_for_its_length() -> None:
    with pytest.raises(LimitExceeded, match="header_line"):
        shapes(b"--b\r\nX-Long: " + b"a" * 3 * SLICE)


def test_a_part_may_have_as_many_headers_as_the_limit_and_every_part_as_many() -> None:
    def body(number: int) -> bytes:
        headers = b"".join(b"X-%d: y\r\n" % index for index in range(number))
        return joined(b"b", headers + b"\r\nx", headers + b"\r\nx")

    assert [len(headers) for headers, _ in shapes(body(64))] == [64, 64]
    with pytest.raises(LimitExceeded, match=r"more than 64 headers \(headers\)"):
        shapes(body(65))
    with pytest.raises(LimitExceeded, match="more than 3 headers"):
        shapes(body(4), limits=Limits(headers=3))


def block(size: int, line: int) -> bytes:
    """A header block of ``size`` octets, its empty line included, of lines of no more than ``line``."""
    lines = []
    left = size - 2
    while left:
        taken = line if left - line >= 8 or left == line else left if left <= line else left - 8
        lines.append(b"X-A: ".ljust(taken - 2, b"a") + b"\r\n")
        left -= taken
    assert len(b"".join(lines)) == size - 2
    return b"".join(lines) + b"\r\n"


@pytest.mark.parametrize("shift", [0, 1, 30_000, 65_000])
def test_the_headers_of_a_part_have_a_budget_of_four_full_lines(shift: int) -> None:
    most = 4 * Limits().header_line
    before = b"--b\r\n\r\n" + b"y" * shift + b"\r\n"
    assert shapes(before + joined(b"b", block(most, 4000) + b"x"))[1][1] == b"x"
    with pytest.raises(LimitExceeded, match=r"longer than 32768 octets \(4 times header_line\)"):
        shapes(before + joined(b"b", block(most + 1, 4000) + b"x"))


def test_the_headers_of_all_parts_have_a_budget_together() -> None:
    limits = Limits(header_line=1000)
    parts = [block(4000, 1000)] * 15
    assert len(shapes(joined(b"b", *parts, block(4000, 1000)), limits=limits)) == 16
    with pytest.raises(LimitExceeded, match=r"all parts are longer than 64000 octets \(64 times header_line\)"):
        shapes(joined(b"b", *parts, block(4000, 1000), b"\r\n"), limits=limits)
    inner = b"Content-Type: multipart/mixed; boundary=c\r\n\r\n" + joined(b"c", *parts)
    with pytest.raises(LimitExceeded, match="all parts"):
        shapes(joined(b"b", inner, block(4000, 1000)), limits=limits)


def test_a_stream_that_could_not_be_decoded_never_looks_as_if_it_had_ended() -> None:
    with framed(joined(b"b", b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 50_000 + b"!")) as (part,):
        stream = part.open()
        for _ in range(3):
            with pytest.raises(ContentError):
                stream.read()


def test_headers_that_never_end_are_refused_before_all_of_them_are_read() -> None:
    reads: list[int] = []

    class Watched(Buffer):
        __slots__ = ()

        def read(self, start: int, end: int) -> bytes:
            reads.append(end - start)
            return super().read(start, end)

    headers = b"--b\r\n" + b"X-A: b\r\n" * 500_000
    limits = Limits(headers=10**6)
    for body, strict, kind in (
        (headers + b"\r\nx\r\n--b--", True, LimitExceeded),
        (headers + b"\r\nx\r\n--b--", False, LimitExceeded),
        (headers, False, LimitExceeded),
        (headers, True, ValidationError),
    ):
        with pytest.raises(kind, match=UNCLOSED if kind is ValidationError else "4 times header_line"):
            read_parts(parse_content_type(MIXED), Watched(body), limits, Deviations(strict=strict))
    assert max(reads) <= SLICE


# -- encoded as a whole


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("base64", base64.encodebytes), ("BASE64", base64.b64encode), ("quoted-printable", quopri.encodestring)],
)
def test_a_multipart_that_is_encoded_as_a_whole_is_read_with_a_deviation(encoding: str, encode: Any) -> None:
    inner = plain(b"one\r\n", holding(joined(b"c", b"\r\ntwo"), b"c")[2:])
    inner = joined(b"i", b"Content-ID: <one>\r\n\r\none", holding(joined(b"c", b"\r\ntwo"), b"c"))
    encoded = encode(inner).replace(b"\n", b"\r\n") if encoding != "quoted-printable" else encode(inner)
    part = holding(encoded, b"i", b"Content-ID: <all>\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n")
    body = joined(b"b", part, b"\r\nbehind")
    buffer = Buffer(body)
    deviations = Deviations()
    parts, made, _ = read_parts(parse_content_type(MIXED), buffer, Limits(), deviations)
    assert [(deviation.name, deviation.where) for deviation in deviations] == [("multipart-encoded", "part <all>")]
    assert [leaf.data for part in parts for leaf in part.leaves()] == [b"one", b"two", b"behind"]
    assert parts[0].data == encoded  # of a multipart, as it was sent
    assert parts[0].open().read() == encoded
    assert len(made) == 1
    made[0].close()
    with pytest.raises(ValueError, match="save"):
        _ = parts[0].parts[0].data
    with pytest.raises(ContentError, match="part <all>: a multipart part is base64 or quoted-printable as a whole"):
        shapes(body, strict=True)


@pytest.mark.parametrize("encoding", ["", "7bit", "8bit", "Binary", " binary;"])
def test_a_multipart_in_an_encoding_that_changes_nothing_is_regular(encoding: str) -> None:
    headers = b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n"
    assert len(shapes(joined(b"b", holding(joined(b"c", b"\r\nx"), b"c", headers)), strict=True)[0][1]) == 1


@pytest.mark.parametrize(
    ("encoding", "octets", "reason"),
    [
        ("base64", b"!!!!", "none of its characters"),
        ("base64", base64.b64encode(b"no delimiter"), NO_DELIMITER),
        ("quoted-printable", b"--c\r\n\r\nx\r\n--c", UNCLOSED),
        ("x-other", b"--c--", "is not known"),
    ],
)
def test_an_encoded_multipart_that_cannot_be_read_is_refused_and_leaves_nothing_open(
    encoding: str, octets: bytes, reason: str
) -> None:
    headers = b"Content-ID: <all>\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n"
    made: list[Buffer] = []

    class Counted(Buffer):
        __slots__ = ("is_closed",)

        def __init__(self) -> None:
            super().__init__(in_memory=0)
            self.is_closed = False
            made.append(self)

        def close(self) -> None:
            self.is_closed = True
            super().close()

    body = Buffer(joined(b"b", holding(octets, b"c", headers)))
    with mock.patch.object(module, "Buffer", Counted), pytest.raises(ContentError, match=f"part <all>.*{reason}"):
        read_parts(parse_content_type(MIXED), body, Limits(), Deviations(strict=True))
    assert all(buffer.is_closed for buffer in made)
    assert len(made) == 1


def test_an_encoded_multipart_may_hold_the_outer_delimiter() -> None:
    encoded = base64.b64encode(joined(b"b", b"\r\nx"))
    [(_, [(_, data)])] = shapes(joined(b"b", holding(encoded, b"b", b"Content-Transfer-Encoding: base64\r\n")))
    assert data == b"x"


# -- slices


@pytest.mark.parametrize("in_memory", [IN_MEMORY, 0], ids=["in memory", "in a file"])
def test_delimiters_and_headers_may_lie_across_the_edge_of_a_slice(in_memory: int) -> None:
    header = "multipart/mixed; boundary=boundary"
    second = b"Content-Type: text/plain;\r\n name=x\r\nContent-ID: <a>\r\n\r\nsecond\r"
    inner = holding(joined(b"inner", b"X-A: 1\r\n\r\nthird\r\n--boundar"), b"inner")
    expected = [
        ([("Content-Type", "text/plain; name=x"), ("Content-Id", "<a>")], b"second\r"),
        ([("Content-Type", 'multipart/mixed; boundary="inner"')], (([("X-A", "1")], b"third\r\n--boundar"),)),
    ]
    rest = len(joined(b"boundary", second, inner))
    opening = len(b"--boundary\r\n\r\n")
    for size in range(SLICE - opening - rest - 5, SLICE - opening + 5):
        filling = b"." * size
        body = joined(b"boundary", b"\r\n" + filling, second, inner)
        found = shapes(body, header, in_memory=in_memory)
        assert found == [([], filling), *expected]
        if size % 8 == 0:
            with slices(509):
                assert shapes(body, header, in_memory=in_memory) == found


CAN_FOLLOW = [case for case, (header, body, _) in REFUSED.items() if header == MIXED and body[:5] == b"--b\r\n"]


@pytest.mark.parametrize("case", [case for case in CAN_FOLLOW if len(REFUSED[case][1]) < SLICE])
def test_irregular_framing_at_the_edge_of_a_slice_is_refused_as_well(case: str) -> None:
    _, body, _ = REFUSED[case]
    opening = len(b"--b\r\n\r\n\r\n")
    for size in range(SLICE - opening - len(body) - 3, SLICE - opening + 3):
        assert outcome(b"--b\r\n\r\n" + b"." * size + b"\r\n" + body, strict=True) is ValidationError


# -- what a part says


def only(part: bytes, **how: Any) -> Part:
    """The one part of a multipart in memory."""
    buffer = Buffer(joined(b"b", part))
    [found] = read_parts(parse_content_type(MIXED), buffer, Limits(), Deviations())[0]
    return found


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (b"", {"content_type": "text/plain", "charset": None, "content_id": None, "content_location": None}),
        (b"", {"filename": None, "transfer_encoding": "", "is_multipart": False, "parts": ()}),
        (b"Content-Type:\r\n", {"content_type": "text/plain"}),
        (b"CONTENT-TYPE: Image/GIF; Name=a.gif\r\n", {"content_type": "image/gif", "filename": "a.gif"}),
        (b'content-type: text/plain; charset="UTF-8"\r\n', {"charset": "utf-8"}),
        (b"Content-Type: text/plain\r\nContent-Type: image/gif\r\n", {"content_type": "text/plain"}),
        (b"Content-ID: <a@b>\r\n", {"content_id": "a@b"}),
        (b"Content-Id: a@b \r\n", {"content_id": "a@b"}),
        (b"content-id: <sm\xc3\xb6r>\r\n", {"content_id": "smör"}),
        (b"Content-ID:\r\n", {"content_id": ""}),
        (b"Content-Location: pictures/a.gif \r\n", {"content_location": "pictures/a.gif"}),
        (
            b"Content-Disposition: attachment; filename=b.gif\r\nContent-Type: image/gif; name=a\r\n",
            {"filename": "b.gif"},
        ),
        (b"Content-Disposition: attachment\r\nContent-Type: image/gif; name=a.gif\r\n", {"filename": "a.gif"}),
        (b"Content-Disposition: form-data; name=field\r\n", {"filename": None}),
        (b"Content-Disposition: inline; filename*=utf-8''%2E%2E%2Fx\r\n", {"filename": "../x"}),
        (b"Content-Type: image/gif; name*=gbk''%D6%D0.gif\r\n", {"filename": "\u4e2d.gif"}),
        (b'Content-Type: image/gif; name="=?utf-8?B?5Zu+54mHLnBuZw==?="\r\n', {"filename": "\u56fe\u7247.png"}),
        (b"Content-Type: image/gif; name==?utf-8?B?5Zu+54mHLnBuZw==?=\r\n", {"filename": "\u56fe\u7247.png"}),
        (
            b'Content-Disposition: inline;\r\n filename="=?utf-8?Q?=E5=9B?=\r\n\t=?utf-8?Q?=BE.gif?="\r\n',
            {"filename": "\u56fe.gif"},
        ),
        (b'Content-Type: image/gif; name="\xd6\xd0.gif"\r\n', {"filename": "\u4e2d.gif"}),
        (b"Content-Location: =?utf-8?Q?a?=\r\n", {"content_location": "=?utf-8?Q?a?="}),
        (b"Content-Transfer-Encoding: BASE64 ;\r\n", {"transfer_encoding": "base64"}),
        (b"Content-Transfer-Encoding: (by us) base64 (of course)\r\n", {"transfer_encoding": "base64"}),
    ],
)
def test_a_part_tells_what_its_headers_say(headers: bytes, expected: dict[str, Any]) -> None:
    part = only(headers + b"\r\nQUJD")
    assert {name: getattr(part, name) for name in expected} == expected
    assert part.size == 4


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"], ids=["regular", "framed anew"])
def test_what_does_not_say_its_type_is_a_message_in_a_digest_and_text_elsewhere(line_end: bytes) -> None:
    inside = b"Content-Type: multipart/%s; boundary=i\r\n\r\n" + joined(b"i", b"\r\nx", b"Content-Type: a/b\r\n\r\nx")
    body = joined(b"b", inside % b"digest", inside % b"mixed").replace(b"\r\n", line_end)
    with framed(body) as (digest, mixed):
        assert [part.content_type for part in digest.parts] == ["message/rfc822", "a/b"]
        assert [part.content_type for part in mixed.parts] == ["text/plain", "a/b"]
    with framed(joined(b"b", b"\r\nx").replace(b"\r\n", line_end), "Multipart/Digest; boundary=b") as (part,):
        assert part.content_type == "message/rfc822"


def test_headers_are_found_in_any_capitals_and_are_a_copy() -> None:
    part = only(b"X-WAP-Id: 1\r\n\r\nx")
    assert part.headers.get("x-wap-id") == "1"
    part.headers.clear()
    assert len(part.headers) == 1


@pytest.mark.parametrize(
    ("headers", "octets", "text"),
    [
        (b"", "smör".encode(), "smör"),
        (b"Content-Type: text/plain; charset=iso-8859-1\r\n", b"sm\xf6r", "smör"),
        (b"Content-Type: text/plain; charset=nonsense\r\n", b"sm\xf6r", "sm\ufffdr"),
        (b"Content-Transfer-Encoding: quoted-printable\r\n", b"sm=C3=B6r", "smör"),
        (b"Content-Transfer-Encoding: base64\r\n", base64.b64encode("smör".encode()), "smör"),
    ],
)
def test_text_is_decoded_data(headers: bytes, octets: bytes, text: str) -> None:
    assert only(headers + b"\r\n" + octets).text == text


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (b"Content-ID: <a>\r\nContent-Location: b\r\n", "part <a>"),
        (b"Content-Location: b\r\n", "part 'b'"),
        (b"Content-Type: image/gif\r\n", "the image/gif part"),
        (b"", "the text/plain part"),
    ],
)
def test_a_part_is_named_by_what_it_has(headers: bytes, words: str) -> None:
    part = only(headers + b"\r\nx")
    assert describe(part) == words
    assert repr(part) == f"<Part {part.content_type}{' a' if 'a>' in words else ''}, 1 octets>"


def test_leaves_are_the_parts_that_are_no_multipart_in_their_order() -> None:
    deep = holding(joined(b"d", b"\r\n2", b"\r\n3"), b"d")
    body = joined(b"b", b"\r\n0", holding(joined(b"c", b"\r\n1", deep, b"\r\n4"), b"c"), holding(b"--e--", b"e"))
    with framed(body) as parts:
        assert [[leaf.data for leaf in part.leaves()] for part in parts] == [[b"0"], [b"1", b"2", b"3", b"4"], []]


# -- the octets of a part


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\2\0\0\0\x90\x91h6"


def read_all_ways(part: Part, path: Path) -> set[bytes | None]:
    """What its data is by each way to it; None where it is refused."""

    def by_piece() -> bytes:
        with part.open() as stream:
            return b"".join(iter(lambda: stream.read(1000), b""))

    def by_file() -> bytes:
        part.save(path)
        return path.read_bytes()

    return {suppressed(lambda: part.data), suppressed(by_piece), suppressed(by_file)}


def suppressed(read: Any) -> bytes | None:
    try:
        return read()  # type: ignore[no-any-return]
    except ContentError:
        return None


@pytest.mark.parametrize(
    "octets",
    [
        PNG,
        PNG * 5000,
        "\u4f60\u597d".encode(),
        "Gr\u00fc\u00dfe aus M\u00fcnchen, bis morgen.".encode(),
        b"Gr\xfc\xdfe aus M\xfcnchen",
        bytes(3 * SLICE) + PNG,  # no byte above 127 for a long time
        b"\0" * (SLICE - 1) + b"\x89\xff\xfe" * SLICE,
    ],
    ids=["a picture", "a large picture", "Chinese", "German", "windows-1252", "late", "at the edge"],
)
def test_what_says_base64_and_is_binary_is_the_data_itself(octets: bytes, tmp_path: Path) -> None:
    part = only(b"Content-Transfer-Encoding: base64\r\n\r\n" + octets)
    assert read_all_ways(part, tmp_path / "saved") == {octets}
    assert b"".join(part.sent()) == octets
    assert part.size == len(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"QUJD\xe9",
        base64.encodebytes(PNG * 20)[:-9] + b"\xa0" + base64.encodebytes(PNG),
        b"\xef\xbb\xbf" + base64.encodebytes(PNG),
        b"QUJD" * SLICE + b"\xff" * 4 * SLICE,  # base64 for as long as it is looked at
        b"%PDF-1.4 of nothing but ASCII",
        b"\0\1\2",
        b"Hello, World!",
    ],
    ids=["short", "one byte", "a mark", "late", "ASCII", "controls", "text"],
)
def test_base64_with_junk_in_it_is_refused_by_each_way(octets: bytes, tmp_path: Path) -> None:
    part = only(b"Content-Transfer-Encoding: base64\r\n\r\n" + octets)
    assert read_all_ways(part, tmp_path / "saved") == {None}


@given(
    st.lists(
        st.sampled_from([b"QUJD", b"QQ==", b"\r\n", b" ", b"\0", b"!", b"\xff", b"\x89PNG", b"\xe4\xbd\xa0", b"word"]),
        max_size=12,
    ).map(b"".join),
    st.integers(1, 20),
)
@settings(deadline=None, max_examples=400)
def test_what_says_base64_is_the_same_in_pieces_and_at_once(octets: bytes, size: int) -> None:
    part = only(b"Content-Transfer-Encoding: base64\r\n\r\n" + octets)
    with mock.patch.object(module, "SLICE", size):
        whole, pieces = suppressed(lambda: part.data), suppressed(lambda: part.open().read())
    assert whole == pieces
    if octets.isascii() and whole is not None:
        assert whole == base64.b64decode(octets.translate(None, b"\r\n =") + b"==")
    elif whole is not None:
        assert whole == octets


@pytest.mark.parametrize("encoding", ["base64", "x-nonsense"])
def test_a_part_that_cannot_be_decoded_is_refused_where_it_is_read_and_named(encoding: str, tmp_path: Path) -> None:
    part = only(b"Content-ID: <a>\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n!!!")
    target = tmp_path / "saved"
    for read in (lambda: part.data, lambda: part.text, lambda: part.open().read(), lambda: part.save(target)):
        with pytest.raises(ContentError, match="part <a>: "):
            read()
    assert part.size == 3
    assert not target.exists()


@pytest.mark.parametrize("in_memory", [IN_MEMORY, 0], ids=["in memory", "in a file"])
def test_after_the_end_a_part_has_headers_and_an_error_that_names_save(in_memory: int, tmp_path: Path) -> None:
    with framed(joined(b"b", b"X-A: 1\r\n\r\nxyz"), in_memory=in_memory) as [part]:
        stream = part.open()
    target = tmp_path / "saved"
    reads = (lambda: part.data, lambda: part.text, stream.read, lambda: part.open().read(), lambda: part.save(target))
    for read in reads:
        with pytest.raises(ValueError, match=r"Part\.save\(path\)"):
            read()
    assert not target.exists()
    assert part.headers["X-A"] == "1"
    assert part.size == 3


@pytest.mark.parametrize("size", [0, 1, SLICE - 1, SLICE, SLICE + 1, 3 * SLICE])
@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("binary", bytes), ("base64", base64.encodebytes), ("quoted-printable", quopri.encodestring)],
)
def test_open_and_save_give_the_data(encoding: str, encode: Any, size: int, tmp_path: Path) -> None:
    octets = random.Random(size).randbytes(size).replace(b"\n", b" ")
    part = only(b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + encode(octets))
    assert part.data == octets
    with part.open() as stream:
        assert stream.read() == octets
    with part.open() as stream:
        assert b"".join(iter(lambda: stream.read(1000), b"")) == octets
    part.save(tmp_path / "saved")
    part.save(str(tmp_path / "again"))
    assert (tmp_path / "saved").read_bytes() == (tmp_path / "again").read_bytes() == octets


def fed(part: Part, **how: Any) -> bytes:
    found: list[bytes] = []
    part.feed(lambda piece: found.append(bytes(piece)), **how)
    return b"".join(found)


ENCODINGS = [("binary", bytes), ("base64", base64.encodebytes), ("quoted-printable", quopri.encodestring)]


def encoded(octets: bytes, encoding: str, encode: Any) -> bytes:
    return joined(b"b", b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n" + encode(octets))


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("in_memory", [IN_MEMORY, 0], ids=["in memory", "in a file"])
@pytest.mark.parametrize("size", [0, 1, SLICE + 1, IN_MEMORY + 7])
@pytest.mark.parametrize(("encoding", "encode"), ENCODINGS)
def test_what_is_fed_is_the_data_and_is_there_again(
    encoding: str, encode: Any, size: int, in_memory: int, keep: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "IS_FAST", False)
    octets = random.Random(size).randbytes(size).replace(b"\n", b" ")
    with framed(encoded(octets, encoding, encode), in_memory=in_memory) as [part]:
        assert fed(part, keep=keep) == fed(part) == octets
        if keep and encoding != "binary":  # it is not decoded again
            monkeypatch.setattr(module, "decode", None)
            monkeypatch.setattr(module, "decoded_pieces", None)
        assert part.data == octets
        with part.open() as stream:
            assert stream.read() == octets
        part.save(tmp_path / "saved")
        assert (tmp_path / "saved").read_bytes() == octets
    with pytest.raises(ValueError, match=r"Part\.save\(path\)"):
        part.data  # noqa: B018 - it raises


def test_what_is_decoded_fast_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IS_FAST", True)
    with framed(encoded(b"abc", "base64", base64.encodebytes)) as [part]:
        assert fed(part, keep=True) == b"abc"
        monkeypatch.setattr(module, "decode", lambda *_: b"decoded")
        assert part.data == b"decoded"


def test_no_more_than_a_megabyte_of_data_is_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IS_FAST", False)
    octets = random.Random(7).randbytes(200_000)
    body = joined(b"b", *[b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(octets)] * 20)
    with framed(body, in_memory=0) as parts:
        tracemalloc.start()
        try:
            for part in parts:
                part.feed(len, keep=True)
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert 600_000 < kept < IN_MEMORY + 100_000
        assert [part.data for part in parts] == [octets] * 20


@pytest.mark.parametrize("where", ["write", "finish"])
def test_where_there_is_no_room_to_keep_data_it_is_decoded_again(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IS_FAST", False)
    octets = random.Random(7).randbytes(IN_MEMORY + 70_000)
    with framed(encoded(octets, "base64", base64.encodebytes), in_memory=0) as [part]:

        def fail(*_: Any) -> Any:
            raise ServiceUnavailable

        with monkeypatch.context() as patched:
            patched.setattr(Buffer, where, fail)
            assert fed(part, keep=True) == octets
        assert part.data == octets


def test_data_that_turns_out_to_be_wrong_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IS_FAST", False)
    body = joined(b"b", b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD\r\n" * 30_000 + b"!")
    with framed(body) as [part]:
        for _ in range(2):
            with pytest.raises(ContentError, match="none of its characters"):
                part.feed(len, keep=True)
        with pytest.raises(ContentError, match="none of its characters"):
            part.data  # noqa: B018 - it raises


@pytest.mark.parametrize(
    ("encoding", "line", "decoded"),
    [
        ("base64", b"QUJD" * 19 + b"\r\n", 57),
        ("base64", b"QUJD", 3),
        ("quoted-printable", b"=41=42=43" * 8 + b"=\r\n", 24),
        ("quoted-printable", b"=C3=B6", 2),
        ("binary", b"ABCD", 4),
    ],
)
def test_a_large_part_is_read_and_saved_in_constant_memory(
    encoding: str, line: bytes, decoded: int, tmp_path: Path
) -> None:
    times = 20 * 1024 * 1024 // len(line)
    with Buffer() as buffer:
        buffer.write(b"--b\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n")
        for _ in range(20):
            buffer.write(line * (times // 20))
        buffer.write(b"\r\n--b--")
        [part], *_ = read_parts(parse_content_type(MIXED), buffer.finish(), Limits(), Deviations())
        tracemalloc.start()
        try:
            with part.open() as stream:
                read = 0
                while piece := stream.read(SLICE):
                    read += len(piece)
            part.save(tmp_path / "saved")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert read == (tmp_path / "saved").stat().st_size == times // 20 * 20 * decoded
        assert peak < 700_000


EARLY_JUNK = b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * (SLICE // 4) + b"!!!!"  # behind the first piece
LATE_JUNK = b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * SLICE + b"!!!!"


def test_what_fails_late_leaves_no_file_behind(tmp_path: Path) -> None:
    with pytest.raises(ContentError):
        only(LATE_JUNK).save(tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_file_behind(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    part = only(b"\r\n" + b"x" * 4 * SLICE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * SLICE, before[1]))  # Python ignores SIGXFSZ: EFBIG is left
    try:
        with pytest.raises(OSError, match="File too large"):
            part.save(tmp_path / "saved")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        only(b"\r\nx").save(tmp_path / "nowhere" / "saved")
    with pytest.raises(IsADirectoryError):
        only(b"\r\nx").save(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_fails_does_not_take_a_pipe_away(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(ContentError):
            only(EARLY_JUNK).save(pipe)
        assert pipe.is_fifo()
    finally:
        os.close(reader)


# -- messages made by the rules

BOUNDARIES = st.text("abB01'()+_,-./:=? ", min_size=1, max_size=70).map(str.strip).filter(bool)
VALUES = st.text('abc ;="<>@é/,\\', max_size=20).map(lambda value: " ".join(value.split()))


def scrubbed(octets: bytes, boundaries: Sequence[bytes]) -> bytes:
    """``octets`` in which no line begins with a delimiter of these boundaries."""
    text = b"\n" + octets
    for _ in range(len(text)):
        clean = text
        for boundary in boundaries:
            clean = clean.replace(b"\n--" + boundary, b"\n-+" + boundary)
        if clean == text:
            break
        text = clean
    return text[1:]


@st.composite
def parts_by_the_rules(draw: st.DrawFn, outer: tuple[bytes, ...], depth: int) -> tuple[bytes, Shape]:
    """A part inside of ``outer``, and what it is to be read as."""
    names = draw(st.lists(st.sampled_from(["X-A", "x-b", "X_C", "Content-Description"]), max_size=3))
    headers = [(name.title(), draw(VALUES)) for name in names]
    written = [f"{name}: {value}".encode() for name, value in zip(names, (value for _, value in headers), strict=True)]
    if depth and draw(st.booleans()):
        fresh = BOUNDARIES.map(str.encode).filter(lambda inner: not (inner + b"--").startswith(outer))
        boundary = draw(fresh)
        body, inside = draw(bodies_by_the_rules(boundary, outer, depth - 1))
        value = f'multipart/x; boundary="{boundary.decode()}"'
        headers.append(("Content-Type", value))
        written.append(f"Content-Type: {value}".encode())
        shape: Shape = (headers, tuple(inside))
    else:
        pieces = [st.binary(max_size=20), *map(st.just, [b"\r\n", b"--", b"\r", b"\n", *outer])]
        body = scrubbed(b"".join(draw(st.lists(st.one_of(pieces), max_size=8))), outer)
        shape = (headers, body)
    folded = [
        line.replace(b" ", b"\r\n\t") if draw(st.booleans()) and b"  " not in line + b" " else line for line in written
    ]
    return b"".join(line + b"\r\n" for line in folded) + b"\r\n" + body, shape


@st.composite
def bodies_by_the_rules(
    draw: st.DrawFn, boundary: bytes, outer: tuple[bytes, ...], depth: int
) -> tuple[bytes, list[Shape]]:
    """A multipart body, and what it is to be read as."""
    every = (*outer, boundary)
    made = draw(st.lists(parts_by_the_rules(every, depth), min_size=1, max_size=4))
    around = st.text("ab-+\n ", max_size=30).map(str.encode)
    preamble = draw(st.just(b"") | around.map(lambda text: text.replace(b"-", b"+") + b"\r\n"))
    epilogue = draw(st.just(b"") | around.map(lambda text: b"\r\n" + text.replace(b"-", b"+")))
    return preamble + joined(boundary, *(octets for octets, _ in made)) + epilogue, [shape for _, shape in made]


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, bytes, list[Shape]]:
    boundary = draw(BOUNDARIES)
    body, expected = draw(bodies_by_the_rules(boundary.encode(), (), 2))
    return f'multipart/mixed; boundary="{boundary}"', body, expected


@given(messages(), st.sampled_from([1, 2, 3, 5, 17, 100, SLICE]), st.sampled_from([0, IN_MEMORY]))
@settings(deadline=None, max_examples=200)
def test_a_message_made_by_the_rules_comes_back(
    message: tuple[str, bytes, list[Shape]], size: int, in_memory: int
) -> None:
    header, body, expected = message
    with slices(size):
        assert shapes(body, header, in_memory=in_memory, strict=True) == expected


def mail_shapes(mail: Mail) -> list[Any]:
    return [
        mail_shapes(part) if part.is_multipart() else part.get_payload(decode=True)
        for part in mail.get_payload()
        if isinstance(part, Mail)
    ]


def data_shapes(shape: Sequence[Shape]) -> list[Any]:
    return [data_shapes(inside) if isinstance(inside, tuple) else inside for _, inside in shape]


@pytest.mark.parametrize("seed", range(20))
def test_a_regular_message_is_read_as_the_standard_library_reads_it(seed: int) -> None:
    chance = random.Random(seed)

    def part(depth: int) -> bytes:
        if depth and chance.random() < 0.4:
            boundary = b"level-%d-%d" % (depth, chance.randrange(10**9))
            inner = joined(boundary, *(part(depth - 1) for _ in range(chance.randrange(1, 4))))
            return b"Content-Type: multipart/mixed;\r\n boundary=" + boundary + b"\r\n\r\n" + inner + b"\r\n"
        octets = chance.randbytes(chance.randrange(300))
        encoded, encoding = chance.choice(
            [
                (base64.encodebytes(octets).replace(b"\n", b"\r\n"), b"base64"),
                (quopri.encodestring(octets.replace(b"\n", b"").replace(b"\r", b"")), b"quoted-printable"),
                (b"plain text\r\n\r\nof some lines", b"7bit"),
            ]
        )
        return b"Content-Type: image/gif; name=x\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + encoded

    body = joined(b"b", *(part(3) for _ in range(3)))
    mail = message_from_bytes(b"Content-Type: " + MIXED.encode() + b"\r\n\r\n" + body)
    assert data_shapes(shapes(body)) == mail_shapes(mail)


def read_by_lines(body: bytes, delimiter: bytes) -> list[bytes] | None:
    """The parts with their headers, by a reader that knows lines and nothing else; None where it is not clear."""
    places = [match.start(1) for match in re.finditer(rb"(?:\A|\n)(" + re.escape(delimiter) + rb")", body)]
    parts = []
    behind = None
    for place in places:
        if behind is None and parts:
            return None  # behind the close delimiter
        if behind is not None:
            parts.append(body[behind : place - 2])
        line = re.match(rb"--[ \t\r]*(\n|\Z)|\r\n", body[place + len(delimiter) :])
        if (
            line is None
            or (place and body[place - 2 : place] != b"\r\n")
            or (behind is not None and place < behind + 2)
        ):
            return None
        behind = None if line[0].startswith(b"--") else place + len(delimiter) + 2
        if behind is None and not parts:
            parts.append(b"")  # a close delimiter that comes first
    return parts if places and behind is None else None


def parsed_whole(body: bytes) -> list[tuple[list[tuple[str, str]], bytes]]:
    """What the parser says of all of ``body``, which :mod:`mm7_wsgi.protocol.mime` shows it without its contents."""
    parts: list[tuple[list[tuple[str, str]], bytes]] = []
    parser = module._Parser("b", max_header_size=10_000, max_header_count=100, header_charset="latin-1")
    begin = 0 if body.startswith(b"--b\r\n") else body.index(b"\r\n--b")  # it does not bear every preamble
    for event in parser.parse(body[begin:]):
        if isinstance(event, multipart.MultipartSegment):
            parts.append(([(name, value.rstrip()) for name, value in event.headerlist], b""))
        elif event is not None:
            parts[-1] = (parts[-1][0], parts[-1][1] + event)
    parser.close()
    return parts


SNIPPETS = [
    b"\r",
    b"\n",
    b"\r\n",
    b"-",
    b"--",
    b"--b",
    b"\r\n--b",
    b"\n--b",
    b"--b--",
    b"--b\r\n",
    b" ",
    b"x",
    b":",
    b"b",
]


@given(
    st.lists(
        st.sampled_from([b"\r\nx", b"X-A: 1\r\n\r\nx", b"X-A: 1\r\nX-B: 2\r\n\r\n", b"\r\n\r\nx\r\n"]), max_size=3
    ),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 4), st.sampled_from([b"", *SNIPPETS])), max_size=4),
    st.sampled_from([1, 2, 3, 8]),
)
@settings(deadline=None, max_examples=1000)
def test_a_damaged_message_is_refused_or_read_as_its_lines_say(
    parts: list[bytes], damages: list[tuple[int, int, bytes]], size: int
) -> None:
    body = joined(b"b", *parts) + b"\r\n"
    for place, length, snippet in damages:
        place %= len(body) + 1
        body = body[:place] + snippet + body[place + length :]
    found = outcome(body, strict=True)
    with slices(size):
        assert outcome(body, in_memory=0, strict=True) == found
    if isinstance(found, list) and found:
        assert parsed_whole(body) == found
        expected = read_by_lines(body, b"--b")
        assert expected is not None
        assert [inside for _, inside in found] == [
            part[2:] if part.startswith(b"\r\n") else part.partition(b"\r\n\r\n")[2] for part in expected
        ]


# -- anything


def touch(part: Part) -> None:
    """Ask a part for all it has; it is refused only where it has to be decoded."""
    assert isinstance(repr(part), str)
    assert isinstance(describe(part), str)
    _ = (part.headers, part.content_id, part.content_location, part.filename, part.charset, part.transfer_encoding)
    may_refuse = () if part.transfer_encoding in ("", "7bit", "8bit", "binary") else ContentError
    for read in (lambda: part.data, lambda: part.text, lambda: part.open().read()):
        with suppress(may_refuse):
            read()
    for inside in part.parts:
        touch(inside)


OCTETS = st.lists(
    st.binary(max_size=8)
    | st.sampled_from(
        [*SNIPPETS, b"--c", b"--c--", b"\r\n--c\r\n", b"\r\n\r\n", b'Content-Type: multipart/x; boundary="c"']
    )
    | st.sampled_from([b"Content-Type: multipart/x; boundary=b", b"Content-Transfer-Encoding: base64", b"QUJD", b"=41"])
    | st.sampled_from(
        [b"Content-Transfer-Encoding: quoted-printable", b"Content-ID: <a>", b"\xff", b"=", b"Content-Length: 1"]
    ),
    max_size=30,
).map(b"".join)


@given(
    OCTETS | OCTETS.map(lambda octets: b"--b\r\n" + octets + b"\r\n--b--"),
    st.sampled_from([MIXED, 'multipart/x; boundary="c"', "multipart/x", "text/xml"]) | st.text(max_size=30),
    st.sampled_from([1, 3, SLICE]),
)
@settings(deadline=None, max_examples=500)
def test_any_octets_under_any_type_are_read_or_refused_and_nothing_else(octets: bytes, header: str, size: int) -> None:
    limits = Limits(parts=5, mime_depth=2, header_line=60, headers=3)
    with slices(size), suppress(MM7Error), framed(octets, header, limits=limits) as parts:
        for part in parts:
            touch(part)


# -- the parser underneath


def test_the_parser_has_the_hook_that_this_module_overrides() -> None:
    hook = vars(multipart.PushMultipartParser).get("_create_segment")
    assert callable(hook), "multipart has lost _create_segment: mime.py has to be built on something else"
    assert "_segment_limit" in vars(multipart.PushMultipartParser("b")), "multipart has lost _segment_limit"
    created: list[list[tuple[str, str]]] = []

    class Parser(module._Parser):
        def _create_segment(self, headerlist: list[tuple[str, str]]) -> multipart.MultipartSegment:
            created.append(headerlist)
            return super()._create_segment(headerlist)

    parser = Parser("b", max_header_count=10)
    events = list(parser.parse(joined(b"b", b"Content-ID: <a>\r\nContent-Length: 99\r\n\r\nxyz")))
    assert created == [[("Content-Id", "<a>"), ("Content-Length", "99")]]
    assert events[1:] == [b"xyz", None]
    assert events[0].headerlist is created[0]
    assert events[0].bytes_received == 3


PARSER_WORDS: dict[str, tuple[bytes, dict[str, int]]] = {
    "Maximum segment header count exceeded": (joined(b"b", b"A: 1\r\nB: 2\r\n\r\n"), {"max_header_count": 1}),
    "Maximum segment header length exceeded": (joined(b"b", b"A: 123\r\n\r\n"), {"max_header_size": 5}),
    "Malformed segment header": (joined(b"b", b"A\r\n\r\nx"), {}),
    "Invalid segment header name": (joined(b"b", b"A.B: 1\r\n\r\nx"), {}),
    "Unexpected segment header continuation": (joined(b"b", b" A: 1\r\n\r\nx"), {}),
    "Empty segment header continuation": (joined(b"b", b"A: 1\r\n \r\n\r\nx"), {}),
    "Multiple segment Content-Length headers": (joined(b"b", b"Content-Length: 1\r\n" * 2 + b"\r\nx"), {}),
    "Invalid segment Content-Length header value": (joined(b"b", b"Content-Length: x\r\n\r\nx"), {}),
}


@pytest.mark.skipif(STRIPS_VALUES, reason="this release of multipart reads a Content-Length with a blank")
def test_a_content_length_with_a_blank_is_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        shapes(joined(b"b", b"Content-Length: 1 \r\n\r\nx"), strict=True)
    assert "is no number" in caught.value.details


@pytest.mark.parametrize(
    "words", [words for words in PARSER_WORDS if not (STRIPS_VALUES and words.startswith("Empty"))]
)
def test_the_parser_still_says_what_is_put_into_other_words(words: str) -> None:
    body, options = PARSER_WORDS[words]
    parser = module._Parser("b", **options)
    kind = multipart.ParserLimitReached if words in module._EXCEEDED else multipart.ParserError
    with pytest.raises(kind, match=f"^{re.escape(words)}$"):
        list(parser.parse(body))


def test_all_words_of_the_parser_that_are_replaced_are_among_those() -> None:
    assert PARSER_WORDS.keys() == {*module._EXCEEDED, *module._REASONS}


def test_words_of_the_parser_that_are_new_are_told_as_they_are() -> None:
    assert module._reason(multipart.ParserError("Something new")) == "Something new"
    assert module._exceeded(multipart.ParserLimitReached("More"), Limits()).details == "More"
