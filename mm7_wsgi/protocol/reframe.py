"""Irregular multipart framing, read as its sender meant it.

Where the parser refuses a multipart, or would misread it, this module looks for the delimiter lines and the headers of
the parts by itself, with rules that bear more. What it finds is written anew as RFC 2046 has it, and the same parser
judges the result: see :mod:`.mime`. Only delimiters and headers are written anew; what the parts hold stays where it is
and as it is.

Strategy: first the delimiter, which is what the boundary parameter says, else what the body itself says in its first
line of hyphens and its last. Then the lines that are that delimiter, alone but for blanks. Then, between two of them,
the headers: lines that begin with a name and a colon, and lines that go on with one before; the first empty line ends
them, and so does a line that can be neither. Whatever could be read in two ways is refused with the reason.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from enum import Enum
from itertools import islice
from typing import Final, NamedTuple, TypeAlias

from .buffer import Buffer
from .errors import LimitExceeded
from .headers import ContentType, parse_content_type, readable
from .limits import Limits

#: Called for each thing that was mended: its name in the catalogue, and the number of the part; 0 for the whole.
Note: TypeAlias = Callable[[str, int], None]


class FramingError(Exception):
    """The framing cannot be read; the reason is the message."""


# What is wrong with framing whoever finds it: here, in :mod:`.mime`, or the parser.
NO_DELIMITER: Final = "no line begins with the delimiter that the boundary parameter gives"
GOES_ON: Final = "a line begins with the delimiter and goes on"
BEHIND_THE_CLOSE: Final = "there is a delimiter behind the close delimiter"
INSIDE: Final = "a line inside a part begins with the delimiter"
BLANK_LINE: Final = "a line of the part headers holds nothing but blanks"
INDENTED: Final = "the first line of the part headers is indented"


class Ending(Enum):
    """What a multipart ends with."""

    #: Its close delimiter, which may lack the second hyphen.
    CLOSED = "closed"
    #: A delimiter, and no part after it.
    DELIMITER = "delimiter"
    #: Its last part.
    PART = "part"
    #: Its last part, which is whole: the Content-Length is short by what is missing of the close delimiter.
    WHOLE_PART = "whole part"
    #: Its last part, which lacks bytes: the Content-Length is short by more than the close delimiter.
    CUT_PART = "cut part"


class HeadersExceeded(LimitExceeded):
    """The headers of a part are too many or too long, if they are headers: another reading may find fewer."""


class Section(NamedTuple):
    """One part as its sender meant it."""

    #: Unfolded, in their order.
    headers: list[tuple[bytes, bytes]]
    #: Where its octets are.
    start: int
    end: int
    #: Octets of its headers as they were sent.
    header_octets: int

    def written(self) -> bytes:
        """The headers, and the empty line behind them, as the parser takes them all."""
        return b"".join(b"%s: %s\r\n" % (_stand_in(name), value) for name, value in self.headers) + b"\r\n"

    def restored(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """What the parser made of :meth:`written`, with the names that it was not shown."""
        return [
            (name.decode("latin-1").title(), value) for (name, _), (_, value) in zip(self.headers, headers, strict=True)
        ]


_NAME_TAKEN: Final = re.compile(rb"[A-Za-z0-9_-]+")


def _stand_in(name: bytes) -> bytes:
    """A name that the parser takes, and judges no value by; as long, since the parser judges the length of the line."""
    return name if _NAME_TAKEN.fullmatch(name) and name.lower() != b"content-length" else b"X" * len(name)


def boundary_of(content_type: ContentType) -> bytes:
    """The boundary parameter; empty where there is none. Raises :class:`FramingError` for one that cannot be."""
    if "boundary" in content_type.ambiguous:
        raise FramingError("the Content-Type has two different boundary parameters")
    boundary = content_type.boundary
    if b"\n" in boundary or b"\r" in boundary:
        raise FramingError("the boundary parameter holds a line break")
    return boundary


def parts_exceeded(limits: Limits) -> LimitExceeded:
    """The refusal of too many parts."""
    return LimitExceeded(details=f"the message has more than {limits.parts} parts (parts)")


def headers_exceeded(whose: str, octets: int, limits: Limits) -> HeadersExceeded:
    """The refusal of headers that are too long together."""
    times = octets // limits.header_line
    return HeadersExceeded(
        details=f"the headers of {whose} are longer than {octets} octets ({times} times header_line)"
    )


def reframe(buffer: Buffer, start: int, end: int, boundary: bytes, limits: Limits, note: Note) -> _Reframer:
    """The parts of the multipart between ``start`` and ``end``, which is at the beginning of a line.

    ``boundary`` is what the Content-Type says; it may be empty, or wrong. To iterate raises :class:`FramingError` where
    there is no reading, or more than one, and :class:`LimitExceeded` for headers without end.
    """
    return _Reframer(buffer, start, end, limits, note, boundary)


def begins_with_mark(buffer: Buffer, start: int, end: int) -> bool:
    """Whether the first line would begin with two hyphens but for a byte order mark: it is no preamble for that."""
    return buffer.read(start, min(start + 5, end)) == BOM_UTF8 + b"--"


def named_boundary(buffer: Buffer) -> bytes | None:
    """The boundary that a body gives by itself, in its first line that can be a delimiter; None where it gives none."""
    named = _Reframer(buffer, 0, buffer.size, Limits(), lambda name, number: None).named_by_body()
    return None if named is None else named.removeprefix(b"--")


class _Delimiter(NamedTuple):
    """A line that begins with the delimiter."""

    place: int
    #: The line, as far as it matters.
    line: bytes
    #: What stands behind the delimiter where nothing else does: nothing, or what closes it. None where it goes on.
    tail: bytes | None = None
    blanks: bytes = b""
    line_break: bytes = b""
    #: Behind its line break.
    end: int = 0


# A hyphen at the very end is half of two, cut off by a wrong length. Dashes come from word processors: en and em, in
# UTF-8 and in the character set of Windows.
_TAIL: Final = re.compile(rb"(--|-\Z|(?:\xe2\x80[\x93\x94]|[\x96\x97]){1,2})?([ \t]*)(\r*\n|\r*\Z)")
_BREAKS: Final = (b"\r\n", b"")
_BREAKS_BEHIND_THE_CLOSE: Final = (*_BREAKS, b"\n", b"\r")
# The longest delimiter line that is looked at, without its boundary.
_LINE_MOST: Final = 256
# Lines that look like a close delimiter and are none, before it is given up.
_LOOKS_MOST: Final = 1000
# Lines of hyphens alone, before a line that may be a delimiter.
_RULERS_MOST: Final = 20

_HEADER: Final = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~/-]+)[ \t]*:[ \t]*(.*)")
_PARAMETER: Final = re.compile(rb";?[ \t]*[A-Za-z0-9_*.-]+[ \t]*=")
# The headers that have a meaning in a part (RFC 2045, 3), and those of a sender's own.
_OF_A_PART: Final = re.compile(rb"(?:content|mime|x)[-.]", re.IGNORECASE)
_LENGTH: Final = re.compile(rb"0|[1-9][0-9]*")

# A preamble that is no part: blank lines, header lines, blank lines.
_PREAMBLE: Final = re.compile(
    rb"\s*(?:(?!--)[A-Za-z0-9!#$%&'*+.^_`|~-]+[ \t]*:[^\r\n]*\r?\n(?:[ \t]+[^\r\n]+\r?\n)*)*(?:[ \t]*\r?\n)*"
)
# The one that Axis writes, with the line that its Content-Length is short by.
_DATE: Final = re.compile(rb"(Date:[^\r\n]*\r\n)\r\n", re.IGNORECASE)
# Bytes of it that are looked through.
_PREAMBLE_MOST: Final = 1024

_WHITE: Final = b" \t\r\n"
# White space that is looked through, where only that may be.
_WHITE_MOST: Final = 64


class _Reframer:
    """One multipart; iterate over its parts."""

    def __init__(self, buffer: Buffer, start: int, end: int, limits: Limits, note: Note, boundary: bytes = b"") -> None:
        self._buffer = buffer
        self._start = start
        self._end = end
        self._boundary = boundary
        self._limits = limits
        self._note = note
        self._number = 0
        #: What it ends with, once all parts have been seen.
        self.ending = Ending.CLOSED
        if begins_with_mark(buffer, start, end):
            self._start += len(BOM_UTF8)
            note("byte-order-mark", 0)

    def __iter__(self) -> Iterator[Section]:
        return self.sections(self._boundary)

    def sections(self, boundary: bytes) -> Iterator[Section]:
        opener, other_close = self._find_opener(boundary)
        if opener == b"--":
            raise FramingError("the Content-Type has no boundary parameter, and the body does not name one plainly")
        headers: int | None = None  # where those of the part in hand begin
        alike: list[_Delimiter] = []
        for delimiter in self._lines(opener, other_close):
            if not self._is_whole(delimiter):
                if headers is None:
                    raise FramingError(GOES_ON)
                if len(alike) == 2 * self._limits.parts:  # those of parts inside; no part has more than two
                    raise parts_exceeded(self._limits)
                alike.append(delimiter)
                continue
            end = self._break_before(delimiter.place)
            if headers is not None:
                if headers == delimiter.place:
                    raise FramingError("a delimiter follows directly on a delimiter")
                yield self._section(headers, end, alike)
                alike.clear()
            elif delimiter.tail:
                self._check_empty(end)
            self._judge(delimiter)
            headers = delimiter.end
            if delimiter.tail:
                self._check_epilogue(headers, opener)
                return
        if headers is None:
            raise FramingError(NO_DELIMITER)
        inline = self._find_inline_close(headers, opener)
        if inline is not None:
            self._note("close-inline", 0)
            yield self._section(headers, inline, alike)
            return
        self._note("close-missing", 0)
        self.ending = Ending.DELIMITER
        if not self._is_end(headers):
            self.ending, end = self._find_end(opener)
            if self.ending is not Ending.WHOLE_PART:
                self._check_cut(opener)
            yield self._section(headers, end, alike, closed=False)
        elif not self._number:
            raise FramingError("there is nothing behind the first delimiter")

    # -- delimiters

    def _find_opener(self, boundary: bytes) -> tuple[bytes, _Delimiter | None]:
        """The delimiter as the body has it, and its close delimiter where that is written in another way."""
        given = b"--" + boundary
        first = next(self._delimiters(given), None) if boundary else None
        if first is not None and first.tail == b"":
            return given, None
        named = self.named_by_body()
        if named is None or named == given:
            return given, None
        core = named.lstrip(b"-")
        if boundary and core == boundary.lstrip(b"-"):
            self._note("delimiter-hyphens", 0)
            closes = map(self._close, (given, b"--" + core))
            return named, next((close for close in closes if close is not None), None)
        # What is before a delimiter that is not the one that was asked for may be a part, too.
        if boundary and not self._is_first(named):
            return given, None
        if self._close(named) is None and not (boundary and self._begins_parts(named)):
            return given, None
        self._note("boundary-wrong" if boundary else "boundary-missing", 0)
        return named, None

    def _is_first(self, opener: bytes) -> bool:
        """Return whether nothing stands before the first ``opener`` but header lines, and blank lines around them.

        Axis writes the headers of the message there when a program calls ``saveChanges()``.
        """
        head = self._buffer.read(self._start, min(self._start + _PREAMBLE_MOST + len(opener), self._end))
        return _PREAMBLE.sub(b"", head, count=1).startswith(opener)

    def _begins_parts(self, opener: bytes) -> bool:
        """Return whether ``opener`` is there twice at least, and header lines follow it each time."""
        found = 0
        for delimiter in islice(self._delimiters(opener), _LOOKS_MOST):
            line = self._buffer.read(delimiter.end, min(delimiter.end + _LINE_MOST, self._end)).partition(b"\n")[0]
            if delimiter.tail != b"" or not _HEADER.fullmatch(line.rstrip(b"\r")):
                return False
            found += 1
        return found > 1

    def named_by_body(self) -> bytes | None:
        """The first line that begins with two hyphens and goes on with more than those."""
        for line in islice(self._delimiters(b"--"), _RULERS_MOST):
            named = self._buffer.read(line.place, min(line.place + _LINE_MOST, self._end)).partition(b"\n")[0]
            if named.strip(b"- \t\r"):
                return named.rstrip(_WHITE) if len(named) < _LINE_MOST else None
        return None

    def _close(self, opener: bytes) -> _Delimiter | None:
        """The line that is the close delimiter of ``opener``."""
        for delimiter in islice(self._delimiters(opener + b"--"), _LOOKS_MOST):
            if delimiter.tail == b"":
                return delimiter._replace(tail=b"--")
        return None

    def _lines(self, opener: bytes, other_close: _Delimiter | None) -> Iterator[_Delimiter]:
        for delimiter in self._delimiters(opener):
            if other_close is not None and delimiter.place > other_close.place:
                break
            yield delimiter
        if other_close is not None:
            yield other_close

    def _delimiters(self, opener: bytes, start: int | None = None) -> Iterator[_Delimiter]:
        """The lines that begin with ``opener``."""
        start = self._start if start is None else start
        if self._buffer.read(start, min(start + len(opener), self._end)) == opener:
            yield self._delimiter(start, opener)
        for place in self._buffer.places(b"\n" + opener, start, self._end):
            yield self._delimiter(place + 1, opener)

    def _delimiter(self, place: int, opener: bytes) -> _Delimiter:
        behind = place + len(opener)
        edge = min(behind + _LINE_MOST, self._end)
        rest = self._buffer.read(behind, edge)
        match = _TAIL.match(rest)
        if match is None or (not match[3].endswith(b"\n") and edge < self._end):
            return _Delimiter(place, opener + rest)
        return _Delimiter(place, opener, match[1] or b"", match[2], match[3], behind + match.end())

    def _is_whole(self, delimiter: _Delimiter) -> bool:
        """Whether it is a delimiter and nothing else; a dash, or one hyphen, is the end of one only where all ends."""
        tail = delimiter.tail
        return tail is not None and (tail in (b"", b"--") or self._is_end(delimiter.end))

    def _is_end(self, place: int) -> bool:
        """Whether nothing comes any more, but for a few blanks."""
        return self._is_white(place, self._end)

    def _is_white(self, start: int, end: int) -> bool:
        """Whether there is nothing, or a little white space."""
        return end - start < _WHITE_MOST and not self._buffer.read(start, end).strip(_WHITE)

    def _judge(self, delimiter: _Delimiter) -> None:
        if delimiter.blanks:
            self._note("delimiter-blanks", 0)
        if delimiter.tail == b"-":
            self._note("close-missing", 0)
        elif delimiter.tail not in (b"", b"--"):
            self._note("close-dash", 0)
        # What follows the close delimiter is the epilogue, so a bare line feed there is regular.
        if delimiter.line_break not in (_BREAKS_BEHIND_THE_CLOSE if delimiter.tail else _BREAKS):
            self._note("line-ends", 0)

    def _break_before(self, place: int) -> int:
        """Where the line break before ``place`` begins, which belongs to the delimiter (RFC 2046, 5.1.1)."""
        before = self._buffer.read(max(place - 2, self._start), place)
        if before.endswith(b"\r\n"):
            return place - 2
        if before:
            self._note("line-ends", 0)
            return place - 1
        return place

    def _check_empty(self, end: int) -> None:
        """Where the close delimiter comes first, nothing that may be a part comes before it."""
        if not self._is_white(self._start, end):
            raise FramingError("the close delimiter comes first, and there is text before it")
        self._note("multipart-empty", 0)

    def _check_epilogue(self, start: int, opener: bytes) -> None:
        """No delimiter comes behind the close delimiter, but for itself once more."""
        for number, delimiter in enumerate(self._delimiters(opener, start)):
            if not delimiter.tail or not self._is_white(start, delimiter.place) or number == self._limits.mime_depth:
                raise FramingError(BEHIND_THE_CLOSE)
            self._note("close-repeated", 0)
            start = delimiter.end

    def _find_inline_close(self, start: int, opener: bytes) -> int | None:
        """Where the close delimiter is at the very end, and not at the beginning of a line."""
        close = opener + b"--"
        last = self._buffer.read(max(start, self._end - len(close) - _WHITE_MOST - _LINE_MOST), self._end)
        place = len(last.rstrip(_WHITE)) - len(close)
        if place < 0 or not last.startswith(close, place):
            return None
        if not last[:place].rpartition(b"\n")[2].strip(b"- \t"):  # what is before it may belong to it, or to the part
            raise FramingError("the close delimiter is not at the beginning of a line")
        return self._end - len(last) + place

    def _find_end(self, opener: bytes) -> tuple[Ending, int]:
        """Return whether the last part is whole where no delimiter follows it, and where it ends.

        Axis 1.4 counts a message before it puts a Date header and an empty line before the first delimiter, and then
        counts the empty line alone. So its Content-Length is short by the header line. That may be as long as the close
        delimiter, or leave the beginning of it, or take bytes of the part.
        """
        first = next(self._delimiters(opener)).place
        preamble = _DATE.fullmatch(self._buffer.read(self._start, min(first, self._start + _PREAMBLE_MOST)))
        if preamble is None:
            return Ending.PART, self._end
        close = b"\r\n" + opener + b"--\r\n"
        left = len(close) - len(preamble[1])
        if left < 0:
            return Ending.CUT_PART, self._end
        if self._buffer.read(self._end - left, self._end) != close[:left]:
            return Ending.PART, self._end
        return Ending.WHOLE_PART, self._end - left

    def _check_cut(self, opener: bytes) -> None:
        """Where the close delimiter is missing, the end is not the beginning of a delimiter: what else is missing?"""
        _, feed, last = self._buffer.read(max(self._start, self._end - len(opener)), self._end).rpartition(b"\n")
        if feed and len(last) > 1 and opener.startswith(last):
            raise FramingError("the body ends in the middle of a delimiter")

    # -- headers

    def _section(self, start: int, end: int, alike: list[_Delimiter], *, closed: bool = True) -> Section:
        self._number += 1
        headers, body = self._read_headers(start, end, closed=closed)
        section = Section(headers, body, end, body - start)
        if alike:
            inside = _boundary_of(headers).lstrip(b"-")
            if not inside or not all(
                line.place >= body and line.line.lstrip(b"-").startswith(inside) for line in alike
            ):
                raise FramingError("a line inside a part begins with the delimiter and goes on")
            self._note("boundary-prefix", self._number)
        lengths = [value for name, value in headers if name.lower() == b"content-length"]
        if len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            self._note("part-length", self._number)
        if not all(_NAME_TAKEN.fullmatch(name) for name, _ in headers):
            self._note("header-name", self._number)
        return section

    def _read_headers(self, start: int, end: int, *, closed: bool) -> tuple[list[tuple[bytes, bytes]], int]:
        """The headers that begin at ``start``, and where they end; ``closed`` by a delimiter, if by nothing else."""
        most = self._limits.header_block
        block = self._buffer.read(start, min(start + most + 1, end))
        headers: list[tuple[bytes, bytes]] = []
        last = b""
        place = 0
        while place < len(block):
            feed = block.find(b"\n", place)
            behind = feed + 1 if feed >= 0 else len(block)
            written = block[place:behind]
            line = written.rstrip(b"\r\n")
            is_markup = line.startswith(b"<")
            if len(block) > most and feed < 0 and not is_markup:
                break
            if not line.strip(b" \t"):
                if line:
                    if _ends_as_headers(block, behind):
                        raise FramingError(BLANK_LINE)
                    self._note("headers-end-blank", self._number)
                self._judge_line(written, line)
                return headers, start + behind
            if not self._add_header(headers, line):
                if not is_markup:
                    if _ends_as_headers(block, behind):
                        raise FramingError(
                            "a line of the part headers has no colon, and may be the first line of the part"
                        )
                    _check_last(headers, last, closed=closed)
                self._note("headers-unended", self._number)
                return headers, start + place
            self._judge_line(written, line)
            last = line
            place = behind
        if len(block) > most:
            raise headers_exceeded("a part", most, self._limits)
        # What ends in a line break has an empty line behind it, which is that of the delimiter.
        if not closed or block[-1:] not in b"\n":
            _check_last(headers, last, closed=closed)
        self._note("part-bodyless", self._number)
        return headers, end

    def _add_header(self, headers: list[tuple[bytes, bytes]], line: bytes) -> bool:
        """Add what a line says to the headers; False where it can be none of them."""
        if line.startswith(b"<"):
            return False
        if b"\r" in line:
            raise FramingError("a line of the part headers holds a bare carriage return")
        header = _HEADER.fullmatch(line)
        if header is None and not _continues(headers, line):
            return False
        if header is not None:
            headers.append((header[1], header[2]))
            return True
        if not headers:
            raise FramingError(INDENTED)
        name, value = headers[-1]
        if line[:1] in b" \t":
            line = line[1:]
        else:
            self._note("header-unindented", self._number)
        headers[-1] = (name, b"%s %s" % (value, line))  # as the parser unfolds
        return True

    def _judge_line(self, written: bytes, line: bytes) -> None:
        if written[len(line) :] not in (b"\r\n", b""):
            self._note("line-ends", 0)


def _check_last(headers: list[tuple[bytes, bytes]], last: bytes, *, closed: bool) -> None:
    """Where no empty line follows the headers, all of them have to be some, and not the beginning of a text."""
    if not closed:
        raise FramingError("the body ends among the headers of a part")
    is_part_of_one = not last.startswith((b" ", b"\t")) or _PARAMETER.match(last.lstrip())
    if not is_part_of_one or not all(_OF_A_PART.match(name) for name, _ in headers):
        raise FramingError("no empty line follows the part headers, and the last of them may be text")


def _continues(headers: list[tuple[bytes, bytes]], line: bytes) -> bool:
    """Whether a line goes on with the header before it: it is indented, or a parameter behind a semicolon."""
    if line[:1] in b" \t":
        return True
    begun = bool(headers) and (line.startswith(b";") or headers[-1][1].rstrip().endswith(b";"))
    return begun and _PARAMETER.match(line) is not None


def _ends_as_headers(block: bytes, place: int) -> bool:
    """Whether headers may go on from ``place`` to the next empty line.

    They may where every line could be one of them or belong to one, and where any line is one that parts are known for.
    """
    if block.startswith(b"<", place):
        return False
    all_can = True
    any_must = False
    while (feed := block.find(b"\n", place)) >= 0:
        line = block[place:feed].rstrip(b"\r")
        if not line:
            return all_can or any_must
        header = _HEADER.fullmatch(line)
        all_can = all_can and (header is not None or line[:1] in b" \t")
        any_must = any_must or (header is not None and _OF_A_PART.match(line) is not None)
        place = feed + 1
    return False


def _boundary_of(headers: list[tuple[bytes, bytes]]) -> bytes:
    for name, value in headers:
        if name.lower() == b"content-type":
            return boundary_of(parse_content_type(readable(value.decode("latin-1"))))
    return b""
