"""Irregular framing: what it is read as, what it is called, and what could be read in two ways and is refused."""

from __future__ import annotations

import random
import re
import runpy
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol import buffer as buffer_module
from mm7_wsgi.protocol import mime as mime_module
from mm7_wsgi.protocol.buffer import IN_MEMORY, SLICE, Buffer
from mm7_wsgi.protocol.deviations import AREAS, Deviations
from mm7_wsgi.protocol.errors import ContentError, LimitExceeded, ValidationError
from mm7_wsgi.protocol.headers import parse_content_type
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.mime import Part, read_parts
from mm7_wsgi.protocol.reframe import boundary_of, named_boundary, reframe

FLAWED = runpy.run_path(str(Path(__file__).parents[1] / "flawed.py"))
MIXED = "multipart/mixed; boundary=b"
#: A part as it can be compared: its headers, and its octets or the parts inside.
Shape = tuple[list[tuple[str, str]], Any]


def shape_of(part: Part) -> Shape:
    return list(part.headers), [shape_of(inside) for inside in part.parts] if part.is_multipart else part.data


@contextmanager
def slices(size: int) -> Iterator[None]:
    with mock.patch.object(mime_module, "SLICE", size), mock.patch.object(buffer_module, "SLICE", size):
        yield


def read(
    body: bytes,
    header: str = MIXED,
    *,
    limits: Limits = Limits(),  # noqa: B008 - it cannot be changed
    in_memory: int = IN_MEMORY,
    strict: bool = False,
) -> tuple[list[Shape], dict[str, list[str]]]:
    """The parts, and the places of each deviation."""
    deviations = Deviations(strict=strict)
    with Buffer(in_memory=in_memory) as buffer:
        buffer.write(body)
        parts, made, _ = read_parts(parse_content_type(header), buffer.finish(), limits, deviations)
        shapes = [shape_of(part) for part in parts]
        for other in made:
            other.close()
    places: dict[str, list[str]] = {}
    for name, where in ((deviation.name, deviation.where) for deviation in deviations):
        places.setdefault(name, []).append(where)
    return shapes, places


def joined(boundary: bytes, *parts: bytes) -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--"


def plain(*bodies: bytes) -> bytes:
    """A multipart with the boundary ``b`` of parts without headers."""
    return joined(b"b", *(b"\r\n" + body for body in bodies))


def holding(multipart_body: bytes, boundary: bytes, headers: bytes = b"") -> bytes:
    return b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n' + headers + b"\r\n" + multipart_body


def inner(boundary: str, *parts: Shape) -> Shape:
    return [("Content-Type", f'multipart/mixed; boundary="{boundary}"')], list(parts)


TYPE = ("Content-Type", "text/plain")
X: Shape = ([], b"x")
Y: Shape = ([], b"y")
HEADED: Shape = ([("X-A", "1")], b"x")

#: Content-Type, body, what it is read as, and what is noted about the whole (0) or a part.
MENDED: dict[str, tuple[str, bytes, list[Shape], set[str]]] = {
    # line ends
    "line feeds only": (MIXED, plain(b"x", b"y").replace(b"\r\n", b"\n"), [X, Y], {"line-ends 0"}),
    "line feeds in the first delimiter": (MIXED, plain(b"x").replace(b"--b\r\n", b"--b\n"), [X], {"line-ends 0"}),
    "a line feed before a later delimiter": (MIXED, b"--b\r\n\r\nx\n--b\r\n\r\ny\r\n--b--", [X, Y], {"line-ends 0"}),
    "a line feed behind a later delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b\n\r\ny\r\n--b--", [X, Y], {"line-ends 0"}),
    "a line feed before the close delimiter": (MIXED, b"--b\r\n\r\nx\n--b--\r\n", [X], {"line-ends 0"}),
    "a line feed in the preamble": (MIXED, b"old\n" + plain(b"x"), [X], {"line-ends 0"}),
    "line feeds, and a preamble that looks like a multipart": (
        MIXED,
        b"--q\nx\n--q--\n" + plain(b"x").replace(b"\r\n", b"\n"),
        [X],
        {"line-ends 0"},
    ),
    "an empty line of a line feed before all": (MIXED, b"\n" + plain(b"x"), [X], {"line-ends 0"}),
    "line feeds among the headers": (
        MIXED,
        joined(b"b", b"X-A: 1\nX-B: 2\n\nx\n"),
        [([("X-A", "1"), ("X-B", "2")], b"x\n")],
        {"line-ends 0"},
    ),
    "a line feed between two headers": (
        MIXED,
        joined(b"b", b"X-A: 1\nX-B: 2\r\n\r\nx"),
        [([("X-A", "1"), ("X-B", "2")], b"x")],
        {"line-ends 0"},
    ),
    "an empty line of a line feed": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n\nx\r\n\r\ny"),
        [([("X-A", "1")], b"x\r\n\r\ny")],
        {"line-ends 0"},
    ),
    "two carriage returns": (
        MIXED,
        plain(b"x", b"y").replace(b"\r\n", b"\r\r\n"),
        [([], b"x\r"), ([], b"y\r")],
        {"line-ends 0"},
    ),
    "a line feed behind the close delimiter, where the epilogue begins": (
        MIXED,
        b"--b \r\n\r\nx\r\n--b--\nepilogue",
        [X],
        {"delimiter-blanks 0"},
    ),
    "a carriage return behind the close delimiter, where all ends": (
        MIXED,
        b"--b \r\n\r\nx\r\n--b--\r",
        [X],
        {"delimiter-blanks 0"},
    ),
    "two carriage returns behind the close delimiter": (MIXED, plain(b"x") + b"\r\r\n", [X], {"line-ends 0"}),
    "a carriage return too many at the end of a header": (
        MIXED,
        joined(b"b", b"X-A: 1\r\r\n\r\nx"),
        [HEADED],
        {"line-ends 0"},
    ),
    "line feeds, and headers longer than a line may be": (
        MIXED,
        joined(b"b", b"X-A: 1\n\n" + b"x" * 40_000),
        [([("X-A", "1")], b"x" * 40_000)],
        {"line-ends 0"},
    ),
    "line feeds in what the parts hold": (
        MIXED,
        plain(b"a\nb\n\nc", b"\n").replace(b"--b\r", b"--b \r"),
        [([], b"a\nb\n\nc"), ([], b"\n")],
        {"delimiter-blanks 0"},
    ),
    # delimiters
    "a blank behind the first delimiter": (MIXED, b"--b \r\n\r\nx\r\n--b--", [X], {"delimiter-blanks 0"}),
    "blanks behind all of them": (
        MIXED,
        b"--b \t\r\n\r\nx\r\n--b\t\r\n\r\ny\r\n--b-- \r\n",
        [X, Y],
        {"delimiter-blanks 0"},
    ),
    "blanks behind the close delimiter": (MIXED, plain(b"x") + b"\t ", [X], {"delimiter-blanks 0"}),
    "no close delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n", [X, ([], b"y\r\n")], {"close-missing 0"}),
    "no close delimiter, and a hyphen at the end": (
        MIXED,
        b"--b\r\n\r\nx\r\n-",
        [([], b"x\r\n-")],
        {"close-missing 0"},
    ),
    "no close delimiter, and no line break": (MIXED, b"--b\r\n\r\nx", [X], {"close-missing 0"}),
    "the last delimiter without its hyphens": (MIXED, b"--b\r\n\r\nx\r\n--b\r\n", [X], {"close-missing 0"}),
    "the last delimiter without its hyphens, cut off": (MIXED, b"--b\r\n\r\nx\r\n--b", [X], {"close-missing 0"}),
    "the last delimiter without its hyphens, cut off in its line break": (
        MIXED,
        b"--b\r\n\r\nx\r\n--b\r\r",
        [X],
        {"close-missing 0", "line-ends 0"},
    ),
    "the last delimiter with one hyphen, cut off": (MIXED, b"--b\r\n\r\nx\r\n--b-", [X], {"close-missing 0"}),
    "no close delimiter inside": (
        MIXED,
        joined(b"b", holding(b"--c\r\n\r\nx", b"c"), b"\r\ny"),
        [inner("c", X), Y],
        {"close-missing the multipart/mixed part"},
    ),
    "the close delimiter twice": (MIXED, plain(b"x") + b"\r\n--b--\r\n\r\n--b--\r\n", [X], {"close-repeated 0"}),
    "the close delimiter twice, and blanks between": (
        MIXED,
        plain(b"x") + b"\r\n \t\r\n--b--\r\n",
        [X],
        {"close-repeated 0"},
    ),
    "an em dash behind the last delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b\xe2\x80\x94\r\n", [X], {"close-dash 0"}),
    "two en dashes of Windows behind it": (MIXED, b"--b\r\n\r\nx\r\n--b\x96\x96", [X], {"close-dash 0"}),
    "two en dashes behind it": (MIXED, b"--b\r\n\r\nx\r\n--b\xe2\x80\x93\xe2\x80\x93\r\n", [X], {"close-dash 0"}),
    "an em dash of Windows behind it": (MIXED, b"--b\r\n\r\nx\r\n--b\x97\r\n", [X], {"close-dash 0"}),
    "the close delimiter at the end of a line": (
        MIXED,
        b"--b\r\nX-A: 1\r\n\r\nx--b--\r\n",
        [HEADED],
        {"close-inline 0"},
    ),
    "the close delimiter at the end of a line, and of all": (
        MIXED,
        plain(b"x", b"y").replace(b"\r\n--b--", b"--b--"),
        [X, Y],
        {"close-inline 0"},
    ),
    "a long close delimiter, far behind the end of the text": (
        "multipart/mixed; boundary=" + "b" * 70,
        b"--%s\r\n\r\nX%s--%s--" % (b"b" * 70, b" " * 200, b"b" * 70),
        [([], b"X" + b" " * 200)],
        {"close-inline 0"},
    ),
    "a close delimiter in the middle of the last part": (
        MIXED,
        b"--b\r\n\r\nx--b--\r\ny",
        [([], b"x--b--\r\ny")],
        {"close-missing 0"},
    ),
    "a byte order mark": (MIXED, b"\xef\xbb\xbf" + plain(b"x", b"y"), [X, Y], {"byte-order-mark 0"}),
    "a byte order mark, and no boundary": (
        "multipart/mixed",
        b"\xef\xbb\xbf" + plain(b"x"),
        [X],
        {"byte-order-mark 0", "boundary-missing 0"},
    ),
    "no boundary parameter, and rulers in the preamble": (
        "multipart/mixed",
        b"-- \r\n-----\r\nold\r\n" + plain(b"x"),
        [X],
        {"boundary-missing 0"},
    ),
    "two carriage returns behind an inner close delimiter": (
        MIXED,
        b"--b\r\n" + holding(joined(b"c", b"\r\nx") + b"\r", b"c") + b"\r\n--b--",
        [inner("c", X)],
        set(),
    ),
    "a parameter that is not indented and begins with its semicolon and a blank": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\n; a=b\r\n; c=d\r\nContent-ID: <x>\r\n\r\nx"),
        [([("Content-Type", "text/plain ; a=b ; c=d"), ("Content-Id", "<x>")], b"x")],
        {"header-unindented 1"},
    ),
    "headers alone, the last of them folded": (
        MIXED,
        b"--b\r\nContent-Type: text/plain;\r\n\tname=x\r\n--b\r\n\r\nx\r\n--b--",
        [([("Content-Type", "text/plain; name=x")], b""), X],
        {"part-bodyless 1"},
    ),
    "more hyphens than the boundary says": (
        "multipart/mixed; boundary=X",
        joined(b"-X", b"\r\nx"),
        [X],
        {"delimiter-hyphens 0"},
    ),
    "more hyphens than the boundary says, but for the close delimiter": (
        MIXED,
        b"----b\r\n\r\nx\r\n----b\r\n\r\ny\r\n--b--\r\nThe end\r\n",
        [X, Y],
        {"delimiter-hyphens 0"},
    ),
    "the hyphens of the delimiter in the boundary": (
        "multipart/mixed; boundary=--b",
        plain(b"x"),
        [X],
        {"delimiter-hyphens 0"},
    ),
    "the hyphens of the delimiter in the boundary, but for the close delimiter": (
        "multipart/mixed; boundary=--b",
        b"--b\r\n\r\nx\r\n----b--",
        [X],
        {"delimiter-hyphens 0"},
    ),
    "fewer hyphens than the boundary says, and fewer still before the close delimiter": (
        "multipart/mixed; boundary=--b",
        b"---b\r\n\r\nx\r\n--b--",
        [X],
        {"delimiter-hyphens 0"},
    ),
    "more hyphens, and no close delimiter": (MIXED, b"----b\r\n\r\nx", [X], {"delimiter-hyphens 0", "close-missing 0"}),
    "no boundary parameter": ("multipart/mixed", plain(b"x"), [X], {"boundary-missing 0"}),
    "no boundary parameter, and a preamble": (
        "multipart/mixed",
        b"old\r\n- \r\n" + plain(b"x"),
        [X],
        {"boundary-missing 0"},
    ),
    "an empty boundary parameter": ('multipart/mixed; boundary=""', plain(b"x"), [X], {"boundary-missing 0"}),
    "another boundary": (MIXED, joined(b"c", b"\r\nx"), [X], {"boundary-wrong 0"}),
    "another boundary, and a long one": (MIXED, joined(b"c" * 70, b"\r\nx"), [X], {"boundary-wrong 0"}),
    "another boundary, and empty lines before it": (
        MIXED,
        b"\r\n\n" + joined(b"c", b"\r\nx"),
        [X],
        {"boundary-wrong 0", "line-ends 0"},
    ),
    "the boundary in other capitals": (MIXED, joined(b"B", b"\r\nx"), [X], {"boundary-wrong 0"}),
    "the beginning of the boundary": (MIXED, joined(b"b c", b"\r\nx"), [X], {"boundary-wrong 0"}),
    "a multipart without parts": (
        MIXED,
        joined(b"b", holding(b"\r\n--c--", b"c")),
        [inner("c")],
        {"multipart-empty the multipart/mixed part"},
    ),
    "a close delimiter alone": (MIXED, b"--b--\r\n", [], {"multipart-empty 0"}),
    "an inner boundary that begins with the outer one": (
        MIXED,
        joined(b"b", holding(joined(b"bc", b"\r\nx", b"\r\ny"), b"bc"), b"\r\ny"),
        [inner("bc", X, Y), Y],
        {"boundary-prefix 1"},
    ),
    "an inner boundary that begins with the outer one, in a part with other headers before": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n" + holding(joined(b"bc", b"\r\nx"), b"bc")),
        [([("X-A", "1"), ("Content-Type", 'multipart/mixed; boundary="bc"')], [X])],
        {"boundary-prefix 1"},
    ),
    "an inner boundary that begins with the outer one, and an outer close delimiter at the end of a line": (
        MIXED,
        b"--b\r\n" + holding(joined(b"bc", b"\r\nx") + b"\r\nThe end", b"bc") + b"--b--",
        [inner("bc", X)],
        {"boundary-prefix 1", "close-inline 0"},
    ),
    "an inner boundary that begins with the outer one, and no outer close delimiter": (
        MIXED,
        b"--b\r\n" + holding(joined(b"bc", b"\r\nx"), b"bc"),
        [inner("bc", X)],
        {"boundary-prefix 1", "close-missing 0"},
    ),
    "an inner boundary that begins with the outer close delimiter": (
        "multipart/mixed; boundary=abc",
        joined(b"abc", holding(b"old\r\n" + joined(b"abc--1", b"\r\nx"), b"abc--1")),
        [inner("abc--1", X)],
        {"boundary-prefix 1"},
    ),
    "an inner close delimiter that begins with the outer delimiter": (
        "multipart/mixed; boundary=b-",
        joined(b"b-", holding(joined(b"b", b"\r\nx"), b"b")),
        [inner("b", X)],
        {"boundary-prefix 1"},
    ),
    "boundaries that begin with hyphens, and the inner one with the outer one": (
        "multipart/mixed; boundary=--X",
        joined(b"--X", holding(joined(b"--Xc", b"\r\nx"), b"--Xc")),
        [inner("--Xc", X)],
        {"boundary-prefix 1"},
    ),
    # parts
    "headers alone": (
        MIXED,
        b"--b\r\nX-A: 1\r\n--b\r\n\r\nx\r\n--b--",
        [([("X-A", "1")], b""), X],
        {"part-bodyless 1"},
    ),
    "headers and their empty line alone": (
        MIXED,
        b"--b\r\nX-A: 1\r\n\r\n--b\r\n\r\nx\r\n--b--",
        [([("X-A", "1")], b""), X],
        {"part-bodyless 1"},
    ),
    "headers of any name and their empty line alone": (
        MIXED,
        b"--b\r\nDate: 1\r\n\r\n--b\r\n\r\nx\r\n--b--",
        [([("Date", "1")], b""), X],
        {"part-bodyless 1"},
    ),
    "headers alone, the last of them folded before a semicolon": (
        MIXED,
        b"--b\r\nContent-Type: text/plain\r\n\t; name=x\r\n--b\r\n\r\nx\r\n--b--",
        [([("Content-Type", "text/plain ; name=x")], b""), X],
        {"part-bodyless 1"},
    ),
    "headers alone, of all kinds that parts have": (
        MIXED,
        b"--b\r\nMIME-Version: 1.0\r\nx.a: 1\r\nX-B: 1\r\nContent-ID: <c>\r\n--b\r\n\r\nx\r\n--b--",
        [([("Mime-Version", "1.0"), ("X.A", "1"), ("X-B", "1"), ("Content-Id", "<c>")], b""), X],
        {"part-bodyless 1", "header-name 1"},
    ),
    "headers alone, last": (
        MIXED,
        b"--b\r\n\r\nx\r\n--b\r\nX-A: 1\r\n--b--",
        [X, ([("X-A", "1")], b"")],
        {"part-bodyless 2"},
    ),
    "an empty line alone": (MIXED, b"--b\r\n\r\n--b\r\n\r\nx\r\n--b--", [([], b""), X], {"part-bodyless 1"}),
    "no headers, and XML": (MIXED, joined(b"b", b"<x>\r\n\r\n</x>"), [([], b"<x>\r\n\r\n</x>")], {"headers-unended 1"}),
    "no headers, and text": (
        MIXED,
        joined(b"b", b"Just text\r\nof two lines"),
        [([], b"Just text\r\nof two lines")],
        {"headers-unended 1"},
    ),
    "no empty line": (
        MIXED,
        joined(b"b", b"X-A: 1\r\nThe text.\r\nMore"),
        [([("X-A", "1")], b"The text.\r\nMore")],
        {"headers-unended 1"},
    ),
    "no empty line, and capitals": (
        MIXED,
        joined(b"b", b"X-A: XX\r\nXX\r\nMore"),
        [([("X-A", "XX")], b"XX\r\nMore")],
        {"headers-unended 1"},
    ),
    "no empty line, and a form feed": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n\x0c\r\nMore"),
        [([("X-A", "1")], b"\x0c\r\nMore")],
        {"headers-unended 1"},
    ),
    "no empty line, and XML with bare carriage returns": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n<x>\r</x>\r"),
        [([("X-A", "1")], b"<x>\r</x>\r")],
        {"headers-unended 1"},
    ),
    "no empty line, and XML with empty lines": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n<x a:b='1'>\r\n\r\n</x>"),
        [([("X-A", "1")], b"<x a:b='1'>\r\n\r\n</x>")],
        {"headers-unended 1"},
    ),
    "no empty line, and XML in one line that is longer than headers may be": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n<" + b"x" * 40_000),
        [([("X-A", "1")], b"<" + b"x" * 40_000)],
        {"headers-unended 1"},
    ),
    "no empty line, and then an empty line behind what cannot be a header": (
        MIXED,
        joined(b"b", b"X-A: 1\r\nfirst\r\nsecond\r\n\r\nthird"),
        [([("X-A", "1")], b"first\r\nsecond\r\n\r\nthird")],
        {"headers-unended 1"},
    ),
    "no empty line, and a text with what looks like a header in it": (
        MIXED,
        joined(b"b", b"X-A: 1\r\nfirst\r\nNote: second\r\nthird\r\n\r\nfourth"),
        [([("X-A", "1")], b"first\r\nNote: second\r\nthird\r\n\r\nfourth")],
        {"headers-unended 1"},
    ),
    "an empty line with blanks, and XML with what looks like a header in it": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n \r\n<x>\r\nContent-ID: y\r\n\r\n</x>"),
        [([("X-A", "1")], b"<x>\r\nContent-ID: y\r\n\r\n</x>")],
        {"headers-end-blank 1"},
    ),
    "an empty line with blanks": (MIXED, joined(b"b", b"X-A: 1\r\n \t\r\nx"), [HEADED], {"headers-end-blank 1"}),
    "an empty line with blanks, before an empty line far away": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n \r\nThe text\r\n\r\nx"),
        [([("X-A", "1")], b"The text\r\n\r\nx")],
        {"headers-end-blank 1"},
    ),
    "an empty line with blanks, before capitals and an empty line": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n \r\nXX\r\n\r\nx"),
        [([("X-A", "1")], b"XX\r\n\r\nx")],
        {"headers-end-blank 1"},
    ),
    "an empty line with blanks, before what looks like a header and no empty line without": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n \r\nNote: x\r\n \r\ny"),
        [([("X-A", "1")], b"Note: x\r\n \r\ny")],
        {"headers-end-blank 1"},
    ),
    "an empty line with blanks, before what is no header for its carriage return": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n \r\n\rNote: x\r\n\r\ny"),
        [([("X-A", "1")], b"\rNote: x\r\n\r\ny")],
        {"headers-end-blank 1"},
    ),
    "a parameter that is not indented": (
        MIXED,
        joined(b"b", b'Content-Type: text/plain;\r\ncharset="utf-8"\r\nX-A: 1\r\n\r\nx'),
        [([("Content-Type", 'text/plain; charset="utf-8"'), ("X-A", "1")], b"x")],
        {"header-unindented 1"},
    ),
    "a parameter that is not indented and begins with its semicolon": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\n;charset=utf-8\r\n\r\nx"),
        [([("Content-Type", "text/plain ;charset=utf-8")], b"x")],
        {"header-unindented 1"},
    ),
    "parameters that are not indented, with all that their names can hold, and blanks around": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain; \r\nX5_*.-z \t=1\r\n; \ty=2\r\n\r\nx"),
        [([("Content-Type", "text/plain;  X5_*.-z \t=1 ; \ty=2")], b"x")],
        {"header-unindented 1"},
    ),
    "a boundary in a line that is not indented": (
        MIXED,
        joined(b"b", b"Content-Type: multipart/mixed;\r\nboundary=c:d\r\n\r\n" + joined(b"c:d", b"\r\nx")),
        [([("Content-Type", "multipart/mixed; boundary=c:d")], [X])],
        {"header-unindented 1"},
    ),
    "a header that ends in a semicolon, and another header": (
        MIXED,
        joined(b"b", b"X-A: 1;\r\nX-B: a=b\n\r\nx"),
        [([("X-A", "1;"), ("X-B", "a=b")], b"x")],
        {"line-ends 0"},
    ),
    "headers folded with TAB": (
        MIXED,
        joined(b"b", b"X-A:\r\n\t1;\r\n \t2\n\nx"),
        [([("X-A", "1; \t2")], b"x")],
        {"line-ends 0"},
    ),
    "a header with a dot in its name": (
        MIXED,
        joined(b"b", b"X.Y: 1\r\n\r\nx"),
        [([("X.Y", "1")], b"x")],
        {"header-name 1"},
    ),
    "headers with one of all the other characters that a name can hold": (
        MIXED,
        joined(b"b", *(b"X%cA: 1\r\n\r\nx" % character for character in b"!#$%&'*+.^`|~/")),
        [([(f"X{character}A", "1")], b"x") for character in "!#$%&'*+.^`|~/"],
        {f"header-name {number}" for number in range(1, 15)},
    ),
    "a header with digits and an underscore in its name, beside something else": (
        MIXED,
        joined(b"b", b"X_A-10: 1\n\r\nx"),
        [([("X_A-10", "1")], b"x")],
        {"line-ends 0"},
    ),
    "blanks around the name of a header": (
        MIXED,
        joined(b"b", b"x-a \t: 1\r\nX.Y:\r\n\r\nx"),
        [([("X-A", "1"), ("X.Y", "")], b"x")],
        {"header-name 1"},
    ),
    "a Content-Length with a sign": (
        MIXED,
        joined(b"b", b"content-length: +1\r\n\r\nxyz"),
        [([("Content-Length", "+1")], b"xyz")],
        {"part-length 1"},
    ),
    "a Content-Length with a zero before it": (
        MIXED,
        joined(b"b", b"Content-Length: 01\r\n\r\nx"),
        [([("Content-Length", "01")], b"x")],
        {"part-length 1"},
    ),
    "two Content-Length": (
        MIXED,
        joined(b"b", b"\r\nx", b"Content-Length: 1\r\nContent-Length: 2\r\n\r\ny"),
        [X, ([("Content-Length", "1"), ("Content-Length", "2")], b"y")],
        {"part-length 2"},
    ),
    "a Content-Length that is right, beside something else": (
        MIXED,
        joined(b"b", b"Content-Length: 1\n\r\nx"),
        [([("Content-Length", "1")], b"x")],
        {"line-ends 0"},
    ),
    "a Content-Length of some digits, and one of nought, beside something else": (
        MIXED,
        joined(b"b", b"Content-Length:\t \t5905\n\r\nx", b"Content-Length: 0\r\n\r\ny"),
        [([("Content-Length", "5905")], b"x"), ([("Content-Length", "0")], b"y")],
        {"line-ends 0"},
    ),
    "latin-1 and UTF-8 in headers": (
        MIXED,
        joined(b"b", b"X-A: \xf6\nX-B: \xc3\xb6\r\n\r\nx"),
        [([("X-A", "ö"), ("X-B", "ö")], b"x")],
        {"line-ends 0"},
    ),
    # levels
    "an outer level that is irregular, and one inside that is not": (
        MIXED,
        b"--b\n" + holding(joined(b"c", b"\r\nx"), b"c") + b"\r\n--b--",
        [inner("c", X)],
        {"line-ends 0"},
    ),
    "a level inside that is irregular, and an outer one that is not": (
        MIXED,
        joined(b"b", holding(b"--c\r\n\r\nx\n--c--", b"c", b"Content-ID: <i>\r\n")),
        [([("Content-Type", 'multipart/mixed; boundary="c"'), ("Content-Id", "<i>")], [X])],
        {"line-ends part <i>"},
    ),
    "the outer delimiter in an inner part, behind a line feed": (
        MIXED,
        joined(b"b", holding(joined(b"c", b"\r\nx\n--b\r\ny"), b"c"), b"\r\ny"),
        [inner("c", ([], b"x\n--b\r\ny")), Y],
        set(),
    ),
}

WAYS = pytest.mark.parametrize(
    ("in_memory", "size"),
    [(IN_MEMORY, SLICE), (0, SLICE), (IN_MEMORY, 1), (0, 1), (0, 2), (0, 3), (0, 7), (0, 64)],
    ids=str,
)


def noted(places: dict[str, list[str]], whole: str = "the body") -> set[str]:
    """``name 0`` for what is noted about the whole, ``name 1`` for its first part, else ``name PLACE``."""
    told = set()
    for name, found in places.items():
        for where in found:
            part = re.fullmatch(rf"part (\d+) of {re.escape(whole)}", where)
            told.add(f"{name} {part[1] if part else '0' if where == whole else where}")
    return told


@WAYS
@pytest.mark.parametrize("case", MENDED)
def test_irregular_framing_is_read_and_named(case: str, in_memory: int, size: int) -> None:
    header, body, expected, deviations = MENDED[case]
    if len(body) > SLICE // 2 and size < 64:
        size *= 1000
    with slices(size):
        shapes, places = read(body, header, in_memory=in_memory)
    assert shapes == expected
    assert noted(places) == deviations


@pytest.mark.parametrize("case", MENDED)
def test_the_same_is_read_inside_of_another_multipart(case: str) -> None:
    header, body, expected, deviations = MENDED[case]
    part = b"Content-ID: <whole>\r\nContent-Type: " + header.encode() + b"\r\n\r\n" + body
    shapes, places = read(joined(b"the outer one", part), 'multipart/mixed; boundary="the outer one"')
    assert shapes == [([("Content-Id", "<whole>"), ("Content-Type", header)], expected)]
    assert noted(places, "part <whole>") == deviations


@pytest.mark.parametrize(
    "case", [case for case, (*_, deviations) in MENDED.items() if deviations and "longer than" not in case]
)
def test_a_strict_reader_refuses_it(case: str) -> None:
    header, body, _, deviations = MENDED[case]
    inside = not any(deviation[-1].isdigit() for deviation in deviations)
    with pytest.raises((ValidationError, ContentError)) as caught:
        read(body, header, strict=True)
    assert type(caught.value) is (ContentError if inside else ValidationError)
    assert "cannot be read: " in (caught.value.details or "")


@pytest.mark.parametrize(
    "case",
    [
        case
        for case, (*_, deviations) in MENDED.items()
        if deviations and all(found[-1].isdigit() for found in deviations)
    ],
)
def test_what_is_mended_is_noted_by_the_number_of_the_part_and_by_0_for_the_whole(case: str) -> None:
    header, body, expected, deviations = MENDED[case]
    found: list[tuple[str, int]] = []
    boundary = boundary_of(parse_content_type(header))
    sections = list(reframe(Buffer(body), 0, len(body), boundary, Limits(), lambda *noted: found.append(noted)))
    assert len(sections) == len(expected)
    assert {f"{name} {number}" for name, number in found} == deviations


def test_a_strict_reader_says_where_a_line_may_be_a_delimiter() -> None:
    with pytest.raises(ValidationError) as caught:
        read(plain(b"x\n--b"), strict=True)
    assert (caught.value.details or "").endswith(": a line inside a part begins with the delimiter")


def test_there_is_a_case_for_every_deviation_of_the_framing() -> None:
    named = {deviation.partition(" ")[0] for *_, deviations in MENDED.values() for deviation in deviations}
    assert named == set(AREAS["The framing"]) - {"multipart-encoded", "header-repeated"}


@pytest.mark.parametrize("name", ["Content-Type", "Content-Transfer-Encoding", "Content-ID"])
@pytest.mark.parametrize("end", ["\r\n", "\n"], ids=["regular", "irregular"])
def test_a_header_that_is_there_twice_and_says_two_things_is_told(name: str, end: str) -> None:
    values = ("image/gif", "text/plain") if name == "Content-Type" else ("7bit", "8bit")
    body = joined(b"b", f"{name}: {values[0]}{end}{name.lower()}: {values[1]}{end}{end}x".encode())
    [(headers, data)], places = read(body)
    assert headers == [(name.title(), values[0]), (name.title(), values[1])]
    assert data == b"x"
    [where] = places.pop("header-repeated")
    assert where.startswith(f"{name.title()} of ")
    assert set(places) == ({"line-ends"} if end == "\n" else set())
    with pytest.raises(ValidationError):
        read(body, strict=True)


def test_a_header_that_is_there_twice_and_says_the_same_is_none() -> None:
    lines = b"Content-ID: <a>\r\nContent-ID: <a> \r\nX-A: 1\r\nX-A: 2\r\n"
    assert read(joined(b"b", lines + b"\r\nx"))[1] == {}


GOES_ON = "a line begins with the delimiter and goes on"
GOES_ON_INSIDE = "a line inside a part begins with the delimiter and goes on"
BEHIND = "there is a delimiter behind the close delimiter"
TEXT_BEFORE = "the close delimiter comes first, and there is text before it"
MID_LINE = "the close delimiter is not at the beginning of a line"
NOTHING_BEHIND = "there is nothing behind the first delimiter"
DIRECTLY = "a delimiter follows directly on a delimiter"
CUT = "the body ends in the middle of a delimiter"
CUT_IN_HEADERS = "the body ends among the headers of a part"
NO_DELIMITER = "no line begins with the delimiter that the boundary parameter gives"
UNNAMED = "the Content-Type has no boundary parameter, and the body does not name one plainly"
BREAK_IN_BOUNDARY = "the boundary parameter holds a line break"
NO_COLON = "a line of the part headers has no colon, and may be the first line of the part"
MAY_BE_TEXT = "no empty line follows the part headers, and the last of them may be text"
BLANK_LINE = "a line of the part headers holds nothing but blanks"
CARRIAGE_RETURN = "a line of the part headers holds a bare carriage return"
INDENTED = "the first line of the part headers is indented"
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "nothing": (MIXED, b"", NO_DELIMITER),
    "no delimiter": (MIXED, b"hello\r\n", NO_DELIMITER),
    "carriage returns only": (MIXED, plain(b"x").replace(b"\r\n", b"\r"), GOES_ON),
    "no boundary, and no close delimiter": ("multipart/mixed", b"--b\r\n\r\nx\r\n--b\r\n\r\ny", UNNAMED),
    "no boundary, and rulers in a text": ("multipart/mixed", b"-----\r\nx\r\n-----\r\n-------\r\n", UNNAMED),
    "no boundary, and a signature": ("multipart/mixed", b"Regards\r\n--\r\nA. Sender\r\n", UNNAMED),
    "no boundary, and no delimiter": ("multipart/mixed", b"hello\r\n", UNNAMED),
    "no boundary, and a first line that is too long": ("multipart/mixed", joined(b"b" * 300, b"\r\nx"), UNNAMED),
    "no boundary, and a delimiter that goes on": (
        "multipart/mixed",
        b"--q\r\n\r\nx\r\n--q--z\r\n--q--",
        GOES_ON_INSIDE,
    ),
    "no boundary, and many rulers": ("multipart/mixed", b"-----\r\n" * 99 + plain(b"x"), UNNAMED),
    "more hyphens, and a delimiter behind the close delimiter": (
        MIXED,
        b"----b\r\n\r\nx\r\n--b--\r\n----b\r\n\r\ny\r\n----b--",
        BEHIND,
    ),
    "another boundary, and text before it": (MIXED, b"old\r\n" + joined(b"c", b"\r\nx"), NO_DELIMITER),
    "a hyphen before the close delimiter": (MIXED, b"--b\r\n\r\nx\r\n---b--\r\n", MID_LINE),
    "a blank before the close delimiter": (MIXED, b"--b\r\n\r\nx\r\n --b--", MID_LINE),
    "another boundary, and no close delimiter": (MIXED, b"--c\r\n\r\nx\r\n--c\r\n\r\ny", NO_DELIMITER),
    "two boundaries": (
        "multipart/mixed; boundary=b; boundary=c",
        plain(b"x"),
        "the Content-Type has two different boundary parameters",
    ),
    "a boundary with a line feed": ('multipart/mixed; boundary="b\nc"', plain(b"x"), BREAK_IN_BOUNDARY),
    "a boundary with a carriage return": ('multipart/mixed; boundary="b\rc"', plain(b"x"), BREAK_IN_BOUNDARY),
    "text behind the first delimiter": (MIXED, b"--bc\r\n\r\nx\r\n--b--", GOES_ON),
    "text behind a later delimiter": (MIXED, b"--b\r\n\r\nx\r\n--bc\r\n\r\ny\r\n--b--", GOES_ON_INSIDE),
    "one hyphen behind a delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b-\r\n", GOES_ON_INSIDE),
    "three dashes behind the last delimiter": (MIXED, b"--b\r\n\r\nx\r\n--b\x96\x96\x96", GOES_ON_INSIDE),
    "a dash behind a delimiter that is not the last": (
        MIXED,
        b"--b\r\n\r\nx\r\n--b\xe2\x80\x94\r\n" + b"x" * 99 + b"\r\n--b--",
        GOES_ON_INSIDE,
    ),
    "text behind the close delimiter": (MIXED, plain(b"x") + b"c\r\n", GOES_ON_INSIDE),
    "text far behind the close delimiter": (MIXED, plain(b"x") + b" " * 2 * SLICE + b"c", GOES_ON_INSIDE),
    "an inner delimiter in the headers": (
        MIXED,
        b"--b\r\nContent-Type: multipart/mixed; boundary=bc\r\n--bc\r\n\r\n\r\nx\r\n--bc--\r\n--b--",
        NO_COLON,
    ),
    "a delimiter that goes on in a multipart of another boundary": (
        MIXED,
        joined(b"b", holding(joined(b"c", b"\r\nx\r\n--bd"), b"c")),
        GOES_ON_INSIDE,
    ),
    "a delimiter that goes on in a part that is no multipart": (
        "multipart/mixed; boundary=XXXX",
        joined(b"XXXX", b"X-A: 1\r\n\r\nx\r\n--XXXXc"),
        GOES_ON_INSIDE,
    ),
    "a dash behind a delimiter, in a multipart of a boundary that begins with it": (
        MIXED,
        joined(b"b", holding(joined(b"bc", b"\r\nx\r\n--b\x96\r\ny"), b"bc")),
        GOES_ON_INSIDE,
    ),
    "a delimiter behind the close delimiter": (MIXED, plain(b"x") + b"\r\n--b\r\n\r\ny\r\n--b--", BEHIND),
    "the close delimiter many times": (MIXED, plain(b"x") + b"\r\n--b--" * 9, BEHIND),
    "text between two close delimiters": (MIXED, plain(b"x") + b"\r\ny\r\n--b--", BEHIND),
    "a form feed between two close delimiters": (MIXED, plain(b"x") + b"\r\n\x0c\r\n--b--", BEHIND),
    "text between two close delimiters, behind white space": (
        MIXED,
        plain(b"x") + b"\r\n" + b" " * 99 + b"y\r\n--b--",
        BEHIND,
    ),
    "a delimiter that goes on behind the close delimiter": (MIXED, plain(b"x") + b"\r\n--bc", BEHIND),
    "a delimiter late in the epilogue": (MIXED, plain(b"x") + b"\r\n" + b"x" * 2 * SLICE + b"\r\n--b", BEHIND),
    "a close delimiter that comes first": (MIXED, b"--b--\r\n--b\r\n\r\nx\r\n--b--", BEHIND),
    "text before a close delimiter that comes first": (MIXED, b"text\r\n--b--\r\n", TEXT_BEFORE),
    "much space before a close delimiter that comes first": (
        MIXED,
        b"\r\n" * 40 + b"--b--\r\n",
        TEXT_BEFORE,
    ),
    "the first delimiter and nothing else": (MIXED, b"--b", NOTHING_BEHIND),
    "the first delimiter line and nothing else": (MIXED, b"--b\r\n", NOTHING_BEHIND),
    "a part of nothing": (MIXED, b"--b\r\n--b--\r\n", DIRECTLY),
    "a delimiter twice": (MIXED, b"--b\r\n--b\r\n\r\nx\r\n--b--\r\n", DIRECTLY),
    "an end in the middle of a delimiter": ("multipart/x; boundary=bcd", b"--bcd\r\n\r\nx\r\n--b", CUT),
    "an end behind the hyphens of a delimiter": ("multipart/x; boundary=bcd", b"--bcd\r\n\r\nx\n--", CUT),
    "an end among the headers": (MIXED, b"--b\r\nX-A: 1\r\n", CUT_IN_HEADERS),
    "an end in a header": (MIXED, b"--b\r\n\r\nx\r\n--b\r\nContent-Ty", CUT_IN_HEADERS),
    "blanks among the headers": (MIXED, joined(b"b", b"X-A: 1\r\n \t\r\nX-B: 2\r\n\r\nx"), BLANK_LINE),
    "blanks before the empty line": (MIXED, joined(b"b", b"X-A: 1\r\n \r\n\r\nx"), BLANK_LINE),
    "blanks among headers of any name": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n \r\nDate: 2\r\n more\r\n\r\nx"),
        BLANK_LINE,
    ),
    "no colon in a header": (MIXED, joined(b"b", b"X-A: 1\r\nX-B\r\nX-C: 3\r\n\r\nx"), NO_COLON),
    "no colon in the last header": (MIXED, joined(b"b", b"X-A: 1\r\nX-B\r\n\r\nx"), NO_COLON),
    "no name in a header": (MIXED, joined(b"b", b": 1\r\n\r\nx"), NO_COLON),
    "a header that goes on, unindented, without a semicolon before it": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\ncharset=utf-8\r\n\r\nx"),
        NO_COLON,
    ),
    "a header that goes on, unindented, without the name of a parameter": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain;\r\n=utf-8\r\n\r\nx"),
        NO_COLON,
    ),
    "a header that goes on, unindented, with what is no name of a parameter": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain;\r\nthe text=x\r\n\r\nx"),
        NO_COLON,
    ),
    "a header that goes on, unindented, with two semicolons": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\n;;charset=utf-8\r\n\r\nx"),
        NO_COLON,
    ),
    "a garbled line before one that is folded": (
        MIXED,
        joined(b"b", b"X-A: 1\r\ngarbled\r\n folded\r\nX-B: 2\r\n\r\nx"),
        NO_COLON,
    ),
    "a garbled line before a header of parts": (
        MIXED,
        joined(b"b", b"X-A: 1\r\ngarbled\r\nmore of it\r\nContent-ID: <x>\r\n\r\nx"),
        NO_COLON,
    ),
    "a last header that may be text, and more text": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\nNote: the text\r\nmore"),
        MAY_BE_TEXT,
    ),
    "a last line that may be text, and is indented": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\n the text\r\nmore"),
        MAY_BE_TEXT,
    ),
    "a last line that may be text, and is indented with a TAB": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\n\tthe text\r\nmore"),
        MAY_BE_TEXT,
    ),
    "a last header that may be text": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\nNote: the text"),
        MAY_BE_TEXT,
    ),
    "a last header that may be text, and begins like one of a sender's own": (
        MIXED,
        joined(b"b", b"Content-Type: text/plain\r\nXenon: LUX"),
        MAY_BE_TEXT,
    ),
    "a bare carriage return between headers": (MIXED, joined(b"b", b"X-A: 1\rX-B: 2\r\n\r\nx"), CARRIAGE_RETURN),
    "a bare carriage return in place of the empty line": (
        MIXED,
        joined(b"b", b"X-A: 1\r\n\rThe text"),
        CARRIAGE_RETURN,
    ),
    "a bare carriage return in a folded line": (MIXED, joined(b"b", b"X-A:\r\n 1\r2\r\n\r\nx"), CARRIAGE_RETURN),
    "a first header that is indented": (MIXED, joined(b"b", b" X-A: 1\r\n\r\nx"), INDENTED),
}


@WAYS
@pytest.mark.parametrize("case", REFUSED)
def test_what_could_be_read_in_two_ways_is_refused_with_the_reason(case: str, in_memory: int, size: int) -> None:
    header, body, reason = REFUSED[case]
    if len(body) > SLICE and size < 64:
        size *= 1000
    with slices(size), pytest.raises(ValidationError) as caught:
        read(body, header, in_memory=in_memory)
    assert type(caught.value) is ValidationError
    assert caught.value.details == f"the multipart body cannot be read: {reason}"


@pytest.mark.parametrize("case", REFUSED)
def test_the_same_is_refused_inside_and_the_part_is_named(case: str) -> None:
    header, body, reason = REFUSED[case]
    if "\r" in header or "\n" in header:  # would be folded there
        return
    part = b"Content-ID: <whole>\r\nContent-Type: " + header.encode() + b"\r\n\r\n" + body
    with pytest.raises(ContentError) as caught:
        read(joined(b"the outer one", part), 'multipart/mixed; boundary="the outer one"')
    assert caught.value.details == f"part <whole> cannot be read: {reason}"


def test_nothing_behind_the_end_of_a_multipart_belongs_to_its_delimiter() -> None:
    body = b"--b\r\n" + holding(b"--x", b"x--b") + b"--b--"
    with pytest.raises(ContentError) as caught:
        read(body)
    assert caught.value.details == f"the multipart/mixed part cannot be read: {NO_DELIMITER}"


# -- a boundary that a body names


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (plain(b"x"), b"b"),
        (b"\xef\xbb\xbf" + plain(b"x"), b"b"),
        (b"-----\r\n-- \t\r\nold\r\n" + plain(b"x"), b"b"),
        (joined(b"--X", b"\r\nx"), b"--X"),
        (b"--b \t\r\nx", b"b"),
        (b"--b\x0c\r\n", b"b\x0c"),
        (b"--b", b"b"),
        (b"--b--", b"b--"),
        (b"--" + b"b" * 200 + b"\r\n", b"b" * 200),
        (b"--" + b"b" * 300 + b"\r\n", None),
        (b"-----\r\n" * 99 + plain(b"x"), None),
        (b"-----\r\n-- \t\r\n", None),
        (b"- b\r\n", None),
        (b"", None),
    ],
)
def test_a_body_names_its_boundary_in_its_first_line_of_hyphens_and_more(body: bytes, boundary: bytes | None) -> None:
    assert named_boundary(Buffer(body)) == boundary


# -- limits


def test_the_limits_hold_for_irregular_framing_too() -> None:
    many = b"".join(b"--b\n\nx\n" for _ in range(5)) + b"--b--"
    assert len(read(many, limits=Limits(parts=5))[0]) == 5
    with pytest.raises(LimitExceeded, match=r"more than 4 parts \(parts\)"):
        read(many, limits=Limits(parts=4))
    long = joined(b"b", b"X-A: " + b"a" * 95 + b"\n\nx")
    assert read(long, limits=Limits(header_line=100))[0] == [([("X-A", "a" * 95)], b"x")]
    with pytest.raises(LimitExceeded, match=r"over 99 octets \(header_line\)"):
        read(long, limits=Limits(header_line=99))
    for named in (b"X." + b"a" * 95 + b": 1\n\nx", b"Content-Length: " + b"1" * 84 + b"\n\nx"):
        assert len(read(joined(b"b", named), limits=Limits(header_line=100))[0]) == 1
        with pytest.raises(LimitExceeded, match=r"over 99 octets \(header_line\)"):
            read(joined(b"b", named), limits=Limits(header_line=99))
    headers = joined(b"b", b"X-A: 1\n" * 3 + b"\nx")
    assert len(read(headers, limits=Limits(headers=3))[0][0][0]) == 3
    with pytest.raises(LimitExceeded, match=r"more than 2 headers \(headers\)"):
        read(headers, limits=Limits(headers=2))


@pytest.mark.parametrize("over", [0, 1])
def test_the_headers_of_a_part_and_of_all_have_a_budget(over: int) -> None:
    limits = Limits(header_line=100)
    lines = b"X-A: " + b"a" * 44 + b"\n"
    block = lines * 8  # 400 octets, the empty line not counted
    body = joined(b"b", block[: 399 - len(lines)] + b"a" * (49 + over) + b"\n\nx")
    assert len(block[: 399 - len(lines)]) + 49 + over + 2 == 400 + over
    if over:
        with pytest.raises(LimitExceeded, match=r"a part are longer than 400 octets \(4 times header_line\)"):
            read(body, limits=limits)
    else:
        read(body, limits=limits)
    parts = [lines * 7 + b"\nx"] * (18 + over)  # 351 octets each
    if over:
        with pytest.raises(LimitExceeded, match=r"all parts are longer than 6400 octets \(64 times header_line\)"):
            read(joined(b"b", *parts), limits=limits)
    else:
        assert len(read(joined(b"b", *parts), limits=limits)[0]) == 18


@pytest.mark.parametrize("over", [0, 1])
def test_headers_alone_have_the_same_budget(over: int) -> None:
    limits = Limits(header_line=100)
    block = (b"X-A: " + b"a" * 44 + b"\n") * 7 + b"X-A: " + b"a" * (45 + over)
    assert len(block) == 400 + over
    body = b"--b\n" + block + b"\n--b--"
    if over:
        with pytest.raises(LimitExceeded, match=r"a part are longer than 400 octets \(4 times header_line\)"):
            read(body, limits=limits)
    else:
        [(headers, data)], places = read(body, limits=limits)
        assert (len(headers), data) == (8, b"")
        assert "part-bodyless" in places


def test_headers_without_an_end_are_refused() -> None:
    with pytest.raises(LimitExceeded, match=r"headers of a part are longer than 32768 octets \(4 times"):
        read(b"--b\n" + b"X-A: b\n" * 10_000, limits=Limits(headers=10**6))
    with pytest.raises(LimitExceeded, match="header_line"):
        read(b"--b\n" + b"a" * 100_000)


def test_delimiters_of_parts_inside_are_counted_where_they_are_found() -> None:
    inside = joined(b"bc", *[b"\r\nx"] * 6)
    body = joined(b"b", holding(inside, b"bc"))
    assert len(read(body, limits=Limits(parts=7))[0][0][1]) == 6
    with pytest.raises(LimitExceeded, match=r"\(parts\)"):
        read(body, limits=Limits(parts=3))


def test_lines_that_begin_with_the_delimiter_are_counted_before_they_are_understood() -> None:
    lines = b"--bx\r\n"
    with pytest.raises(ValidationError, match=GOES_ON_INSIDE):
        read(b"--b\r\n\r\n" + lines * 6 + b"--b--", limits=Limits(parts=3))
    with pytest.raises(LimitExceeded, match=r"more than 3 parts \(parts\)"):
        read(b"--b\r\n\r\n" + lines * 7 + b"--b--", limits=Limits(parts=3))


def test_a_boundary_is_given_up_where_too_many_lines_only_look_like_its_close_delimiter() -> None:
    with pytest.raises(ValidationError) as caught:
        read(b"--q\r\n\r\nx\r\n" + b"--q--z\r\n" * 5000 + b"--q--", "multipart/mixed")
    assert (caught.value.details or "").endswith(UNNAMED)


def test_what_was_counted_in_a_reading_that_failed_is_forgotten() -> None:
    """Else the parts of the regular attempt would count twice."""
    good = holding(joined(b"c", *[b"\r\nx"] * 5), b"c")
    body = joined(b"b", good, good.replace(b"--c--", b"--c-- ")) + b" "
    shapes, places = read(body, limits=Limits(parts=12))
    assert [len(inside) for _, inside in shapes] == [5, 5]
    assert places == {"delimiter-blanks": ["the body", "the multipart/mixed part"]}


def test_a_tower_of_irregular_levels_costs_the_square_of_its_height_and_no_more() -> None:
    def tower(levels: int) -> bytes:
        body = joined(b"innermost", b"\nx")
        inside = b"innermost"
        for level in range(levels):
            boundary = b"%dlevel" % level
            body, inside = joined(boundary, holding(body, inside) + b"\n").replace(b"\r\n--", b"\n--"), boundary
        return body

    reads = [0]

    class Counted(Buffer):
        __slots__ = ()

        def read(self, start: int, end: int) -> bytes:
            reads[0] += end - start
            return super().read(start, end)

    for levels in (3, 7):
        body = tower(levels)
        reads[0] = 0
        header = parse_content_type(f"multipart/mixed; boundary={levels - 1}level")
        parts, *_ = read_parts(header, Counted(body), Limits(), Deviations())
        depth = 0
        while parts[0].is_multipart:
            parts, depth = parts[0].parts, depth + 1
        assert depth == levels
        assert reads[0] < 40 * (levels + 1) * (levels + 1) * (len(body) // (levels + 1))


LARGE = {
    "line feeds": (MIXED, b"--b\n\n%s\n--b--"),
    "no boundary": ("multipart/mixed", b"--b\r\n\r\n%s\r\n--b--"),
    "no close delimiter": (MIXED, b"--b\r\n\r\n%s"),
    "the close delimiter at the end of a line": (MIXED, b"--b\r\n\r\n%s--b--"),
}


@pytest.mark.parametrize("case", LARGE)
def test_a_large_irregular_message_is_read_in_constant_memory(case: str) -> None:
    header, frame = LARGE[case]
    octets = bytes(range(256)) * 4096 * 8
    body = frame % octets
    with Buffer() as buffer:
        for offset in range(0, len(body), SLICE):
            buffer.write(body[offset : offset + SLICE])
        buffer.finish()
        tracemalloc.start()
        try:
            [part], *_ = read_parts(parse_content_type(header), buffer, Limits(), Deviations())
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()
        assert part.size == len(octets)
        assert part.data == octets


# -- multiparts made by the rules, and by their breaking


@given(st.integers(0, 2**32), st.frozensets(st.sampled_from(FLAWED["FRAMING"])))
@settings(deadline=None, max_examples=600)
def test_any_combination_of_flaws_gives_the_same_parts_as_none(seed: int, flaws: frozenset[str]) -> None:
    node = FLAWED["a_multipart"](random.Random(seed), flaws, "bound", 2)
    is_named_by_body = bool(flaws & {"boundary-missing", "boundary-wrong"})
    body = FLAWED["Writer"](flaws, seed).multipart(node, is_open=False if is_named_by_body else None)
    header = "multipart/mixed; boundary=bound"
    if is_named_by_body:
        header = "multipart/mixed" if "boundary-missing" in flaws else "multipart/mixed; boundary=other"
    shapes, places = read(body, header)
    assert shapes == node.shape[1]
    assert set(places) <= flaws


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=200)
def test_what_is_written_by_the_rules_has_no_deviations_and_is_not_framed_anew(seed: int) -> None:
    node = FLAWED["a_multipart"](random.Random(seed), frozenset(), "bound", 2)
    body = FLAWED["Writer"](frozenset(), seed).multipart(node)
    with mock.patch.object(mime_module, "reframe", side_effect=AssertionError("it was framed anew")):
        shapes, places = read(body, "multipart/mixed; boundary=bound")
    assert shapes == node.shape[1]
    assert places == {}
