"""A multipart body and its parts (RFC 2046), framed by the ``multipart`` package.

All levels are framed and all limits checked before anybody sees a part. What stays for later is the decoding: a part is
an offset into the body until it is asked for its data.

The parser is made for HTML forms and is lenient where that is harmless for forms. Some of its readings would lose or
mix up data in silence, so this module looks for them and refuses: see :meth:`_Framer.frame`.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import multipart
from werkzeug.datastructures import Headers

from .buffer import SLICE, Buffer
from .charset import decode_text
from .deviations import Deviations
from .errors import ContentError, LimitExceeded, ValidationError
from .headers import ContentType, content_id, is_bracketed, parse_content_type, readable
from .limits import Limits
from .reframe import (
    BEHIND_THE_CLOSE,
    BLANK_LINE,
    GOES_ON,
    INDENTED,
    NO_DELIMITER,
    PARTS_EXCEEDED,
    FramingError,
    HeadersExceeded,
    Section,
    begins_with_mark,
    boundary_of,
    headers_exceeded,
    reframe,
)
from .transfer import IDENTITY, DecodedReader, decode, decoded_pieces

# By these a part is read, so it makes a difference which one counts (RFC 2045, 3).
_ONCE = ("Content-Type", "Content-Transfer-Encoding", "Content-Id")
_DEFAULT_TYPE = parse_content_type("text/plain")  # RFC 2045, 5.2


class Part:
    """One part of a multipart message: its headers, and where in the body its octets are.

    A part lives as long as the callback that it was handed to runs; ``ValueError`` after that, for the octets only.
    What a header says (``content_type``, ``filename`` …) comes from the peer and is not to be trusted; a ``filename``
    may hold any path.
    """

    __slots__ = ("_buffer", "_end", "_first", "_headers", "_start", "_type", "parts")

    #: The parts inside, when this is a multipart; else empty.
    parts: tuple[Part, ...]

    def __init__(self, headers: list[tuple[str, str]], buffer: Buffer, start: int, end: int) -> None:
        self._headers = headers
        self._first = dict(reversed(headers))  # of a header that is there twice, the first
        self._buffer = buffer
        self._start = start
        self._end = end
        written = self._header("Content-Type")
        self._type = parse_content_type(readable(written)) if written else _DEFAULT_TYPE
        self.parts = ()

    def __repr__(self) -> str:
        identity = f" {self.content_id}" if self.content_id else ""
        return f"<Part {self.content_type}{identity}, {self.size} octets>"

    def _header(self, name: str) -> str | None:
        """The first header of that name, as it was framed; the parser writes names in title case."""
        return self._first.get(name)

    def _contradictions(self) -> list[str]:
        """The headers that a part has once, and that are there with several values."""
        if len(self._first) == len(self._headers):
            return []
        values = {name: {value.strip() for other, value in self._headers if other == name} for name in _ONCE}
        return [name for name in _ONCE if len(values[name]) > 1]

    @property
    def headers(self) -> Headers:
        """All headers in their order, found in any capitals: ``part.headers.get("x-wap-id")``. A new copy each time."""
        return Headers([(name, readable(value).rstrip()) for name, value in self._headers])

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; ``text/plain`` where none is given (RFC 2045, 5.2)."""
        return self._type.value

    @property
    def charset(self) -> str | None:
        """The ``charset`` parameter, in lower case."""
        charset = self._type.parameters.get("charset")
        return charset.lower() if charset else None

    @property
    def content_id(self) -> str | None:
        """The Content-ID without its angle brackets."""
        written = self._header("Content-Id")
        return None if written is None else content_id(readable(written))

    @property
    def has_odd_id(self) -> bool:
        """Whether there is a Content-ID that is not written as it should be."""
        written = self._header("Content-Id")
        return written is not None and not is_bracketed(written)

    @property
    def content_location(self) -> str | None:
        """The Content-Location."""
        written = self._header("Content-Location")
        return None if written is None else readable(written).strip()

    @property
    def filename(self) -> str | None:
        """The name that the sender gives it: ``filename`` of Content-Disposition, else ``name`` of Content-Type."""
        disposition = self._header("Content-Disposition")
        if disposition is not None:
            filename = parse_content_type(readable(disposition)).parameters.get("filename")
            if filename is not None:
                return filename
        return self._type.parameters.get("name")

    @property
    def is_multipart(self) -> bool:
        """Whether this part is divided into parts."""
        return self._type.is_multipart

    @property
    def transfer_encoding(self) -> str:
        """The Content-Transfer-Encoding in lower case; empty where none is given."""
        written = self._header("Content-Transfer-Encoding")
        return "" if written is None else written.strip("; \t").lower()

    @property
    def size(self) -> int:
        """Octets as they were sent, before transfer-decoding."""
        return self._end - self._start

    @property
    def data(self) -> bytes:
        """The octets, transfer-decoded; of a multipart, as they were sent.

        Raises :class:`ContentError` (2004) where they are not in the encoding that the part claims.
        """
        octets = self._buffer.read(self._start, self._end)
        if self.is_multipart:
            return octets
        try:
            return decode(self.transfer_encoding, octets)
        except ContentError as error:
            raise self._named(error) from None

    @property
    def text(self) -> str:
        """:attr:`data` as text: by its byte order mark, else by :attr:`charset`, else as UTF-8.

        An octet that is not of that charset becomes U+FFFD; only the transfer-decoding can raise.
        """
        return decode_text(self.data, self.charset)

    def open(self) -> io.BufferedReader:
        """A stream of :attr:`data` that takes constant memory however large the part is.

        Its ``read`` raises as :attr:`data` does. It ends with the answer, as the part does.
        """
        pieces = self._pieces() if self.is_multipart else self._decoded_pieces()
        return io.BufferedReader(DecodedReader(pieces), SLICE)

    def _pieces(self) -> Iterator[bytes]:
        for offset in range(self._start, self._end, SLICE):
            yield self._buffer.read(offset, min(offset + SLICE, self._end))

    def _decoded_pieces(self) -> Iterator[bytes]:
        try:
            yield from decoded_pieces(self.transfer_encoding, self._pieces())
        except ContentError as error:
            raise self._named(error) from None

    def _named(self, error: ContentError) -> ContentError:
        return ContentError(details=f"{describe(self)}: {error.details}")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write :attr:`data` to ``path``, in constant memory. Where that fails, no file is left behind.

        Raises :class:`ContentError` as :attr:`data` does, and ``OSError``.
        """
        target = Path(path)
        with self.open() as source:
            file = target.open("wb")
            try:
                with file:
                    while piece := source.read(SLICE):
                        file.write(piece)
            except BaseException:
                if target.is_file():  # a device or a pipe was there before
                    target.unlink()
                raise

    def leaves(self) -> Iterator[Part]:
        """This part, or the parts inside it on all levels, that are no multipart; in their order."""
        if not self.is_multipart:
            yield self
        for part in self.parts:
            yield from part.leaves()


def describe(part: Part) -> str:
    """Words that single out a part in a message to its sender."""
    if part.content_id:
        return f"part <{part.content_id[:80]}>"
    if part.content_location:
        return f"part {part.content_location[:80]!r}"
    return f"the {part.content_type[:80]} part"


class _Segment(multipart.MultipartSegment):
    """A segment as the parser needs it, without what it does for HTML forms."""

    def __init__(self, headerlist: list[tuple[str, str]]) -> None:
        self.headerlist = headerlist
        self.bytes_received = 0
        self.complete = False


class _Parser(multipart.PushMultipartParser):
    """The parser for any kind of multipart, by its hook for subclasses."""

    def _create_segment(self, headerlist: list[tuple[str, str]]) -> multipart.MultipartSegment:
        # A part's own Content-Length is advice at best (RFC 2046 frames by delimiters alone), and is often wrong.
        self._segment_limit = -1
        return _Segment(headerlist)


def read_parts(
    content_type: ContentType, buffer: Buffer, limits: Limits, deviations: Deviations
) -> tuple[tuple[Part, ...], list[Buffer]]:
    """Divide a whole multipart body into its parts, on all levels.

    Returns the parts of the outermost level, and the buffers that had to be made besides ``buffer``, to be closed
    with it. Raises :class:`LimitExceeded`; :class:`ValidationError` where the outermost framing cannot be read, and
    :class:`ContentError` where one inside cannot.
    """
    framer = _Framer(limits, strict=deviations.strict)
    try:
        parts = framer.frame(_Multipart(content_type, buffer, 0, buffer.size, 1)).parts
        for name, where in framer.found:
            deviations.note(name, where)
    except FramingError as error:
        framer.close()
        raise ValidationError(details=f"the multipart body cannot be read: {error}") from None
    except BaseException:
        framer.close()
        raise
    return parts, framer.made


class _Multipart(NamedTuple):
    """One multipart that is to be divided."""

    content_type: ContentType
    buffer: Buffer
    start: int
    end: int
    #: How many multiparts it is in, and itself.
    depth: int
    #: The part that it is; None for the whole body.
    part: Part | None = None


class _Level(NamedTuple):
    """One multipart, divided."""

    parts: tuple[Part, ...]
    #: Where its first delimiter begins: what is before is the preamble.
    start: int = 0
    #: Behind the two hyphens of its close delimiter: what follows is the epilogue.
    end: int = 0


class _Count(NamedTuple):
    """What one message was found to hold so far."""

    parts: int = 0
    header_octets: int = 0
    deviations: int = 0
    buffers: int = 0


class _Framer:
    """Divides one message, on all its levels.

    A multipart is tried as what it should be. Where that fails, what was found in it is forgotten, and it is framed
    anew. A multipart inside is not framed anew before all that is around it has been found regular or been framed
    anew itself; so no octet is read more often than the square of the levels.
    """

    def __init__(self, limits: Limits, *, strict: bool) -> None:
        self._limits = limits
        self._strict = strict
        self._parts = 0
        self._header_octets = 0
        #: What was mended: names and places.
        self.found: list[tuple[str, str]] = []
        #: The buffers that had to be made for it.
        self.made: list[Buffer] = []

    def close(self, *, but: int = 0) -> None:
        """Give the buffers back, all or those that were made behind the first ``but``."""
        while len(self.made) > but:
            self.made.pop().close()

    def _count(self) -> _Count:
        return _Count(self._parts, self._header_octets, len(self.found), len(self.made))

    def _forget(self, count: _Count) -> None:
        """Go back to what was known before a reading that failed."""
        self._parts, self._header_octets = count.parts, count.header_octets
        del self.found[count.deviations :]
        self.close(but=count.buffers)

    def frame(self, whole: _Multipart) -> _Level:
        """Divide a multipart, and what is inside of it; raises :class:`FramingError` where that cannot be done."""
        if whole.depth > self._limits.mime_depth:
            raise LimitExceeded(
                details=f"multipart is nested in multipart more than {self._limits.mime_depth} levels deep (mime_depth)"
            )
        before = self._count()
        try:
            return self._frame_regular(whole)
        except (FramingError, HeadersExceeded):
            if self._strict:
                raise
        self._forget(before)
        return self._frame_anew(whole)

    # -- regular framing

    def _frame_regular(self, whole: _Multipart, *, throughout: bool = False) -> _Level:
        """Divide a multipart that keeps to the rules; with ``throughout``, so must all that is inside.

        The parser says what a part is. Refused as irregular, since the parser would not: a bare line feed or a line
        of blanks among the headers (two of them read as one, or the end of them missed), a line inside a part that
        begins with the delimiter (a part, read as data), and a close delimiter that is only the beginning of a longer
        line, or is not the last (the rest would be dropped).
        """
        _, buffer, start, end, depth, _ = whole
        boundary = boundary_of(whole.content_type)
        if not boundary:
            raise FramingError("the Content-Type has no boundary parameter")
        line = b"\n--" + boundary
        first = start
        if buffer.read(start, start + len(line) - 1) != line[1:]:
            if begins_with_mark(buffer, start, end):
                raise FramingError("there is a byte order mark before the first delimiter")
            first = buffer.find(line, start, end) + 1
            if not first:
                raise FramingError(NO_DELIMITER)
            if buffer.read(max(start, first - 2), first) != b"\r\n":
                raise FramingError("a line ends in a bare line feed")
        placed, close = self._divide(buffer, first, end, boundary)
        if not placed:
            raise FramingError("it has no parts")
        _check_close(buffer, close, end, line)
        irregular = []
        for headers, part in placed:
            inside = self._try_inside(part, buffer, depth + 1) if part.is_multipart else None
            if inside is None:
                searched = [(headers - 1, part._end)]
                if part.is_multipart:
                    irregular.append(part)
            else:  # a whole multipart: what lies between its delimiters has been judged with it
                searched = [(headers - 1, inside.start), (inside.end, part._end)]
            if any(buffer.find(line, *edges) >= 0 for edges in searched):
                raise FramingError("a line inside a part begins with the delimiter")
        if irregular and throughout:
            raise FramingError("it holds a multipart that is irregular")
        for part in irregular:
            self._frame_inside(part, buffer, depth + 1)
        return _Level(tuple(part for _, part in placed), first, close)

    def _try_inside(self, part: Part, buffer: Buffer, depth: int) -> _Level | None:
        """Divide ``part`` if it is regular throughout, and its octets are those of ``buffer``; else None."""
        if part.transfer_encoding not in IDENTITY or depth > self._limits.mime_depth:
            return None
        before = self._count()
        try:
            level = self._frame_regular(_multipart_of(part, buffer, depth), throughout=True)
        except (FramingError, HeadersExceeded):
            self._forget(before)
            return None
        part.parts = level.parts
        return level

    def _frame_inside(self, part: Part, buffer: Buffer, depth: int) -> None:
        """Divide ``part``, whatever it is."""
        try:
            if part.transfer_encoding not in IDENTITY:
                self.found.append(("multipart-encoded", describe(part)))
                buffer = Buffer()
                self.made.append(buffer)
                for piece in part._decoded_pieces():
                    buffer.write(piece)
                whole = _multipart_of(part, buffer.finish(), depth)._replace(start=0, end=buffer.size)
            else:
                whole = _multipart_of(part, buffer, depth)
            part.parts = self.frame(whole).parts
        except FramingError as error:
            raise ContentError(details=f"{describe(part)} cannot be read: {error}") from None

    def _divide(self, buffer: Buffer, first: int, end: int, boundary: bytes) -> tuple[list[tuple[int, Part]], int]:
        """The parts of one level, each with where its headers begin, and the place behind the close delimiter.

        Offsets are ours: a body begins behind the first empty line after its delimiter, and is as long as the parser
        says.
        """
        parser = self._parser(boundary)
        placed: list[tuple[int, Part]] = []
        headers = first + len(boundary) + 4  # behind the delimiter and CRLF, or behind the two hyphens that close
        body = 0
        segment: multipart.MultipartSegment | None = None
        try:
            for offset in range(first, end, SLICE):
                edge = min(offset + SLICE, end)
                for event in parser.parse(buffer.read(offset, edge)):
                    if isinstance(event, bytes):
                        continue
                    if event is not None:
                        segment = event
                        body = buffer.find(b"\r\n\r\n", headers - 2, end) + 4
                        self._check_headers(body - headers)
                        _check_lines(buffer.read(headers, body))
                        self._header_octets += body - headers
                    else:
                        assert segment is not None  # the parser ends no segment that it did not begin
                        part_end = body + segment.bytes_received
                        placed.append((headers, self._part(segment.headerlist, buffer, body, part_end)))
                        headers = part_end + len(boundary) + 6  # CRLF and the delimiter, and what follows it as above
                        segment = None
                if segment is None and headers <= edge:
                    if buffer.read(headers - 2, headers) == b"--":
                        break
                    self._check_headers(edge - headers)
            parser.close()  # type: ignore[no-untyped-call]
        except multipart.ParserLimitReached as error:
            raise _exceeded(error, self._limits) from None
        except multipart.ParserError as error:
            raise FramingError(_reason(error)) from None
        self._parts += len(placed)
        return placed, headers

    def _parser(self, boundary: bytes) -> _Parser:
        limits = self._limits
        return _Parser(
            boundary,
            max_header_size=limits.header_line,
            max_header_count=limits.headers,
            max_segment_count=limits.parts - self._parts,
            header_charset="latin-1",
        )

    def _check_headers(self, octets: int) -> None:
        """Judge the size of a header block, which may be read only in part so far."""
        limits = self._limits
        if octets > limits.header_block:
            raise headers_exceeded("a part", limits.header_block, limits)
        if self._header_octets + octets > limits.header_blocks:
            raise headers_exceeded("all parts", limits.header_blocks, limits)

    def _part(self, headers: list[tuple[str, str]], buffer: Buffer, start: int, end: int) -> Part:
        part = Part(headers, buffer, start, end)
        for name in part._contradictions():
            self.found.append(("header-repeated", f"{name} of {describe(part)}"))
        return part

    # -- irregular framing

    def _frame_anew(self, whole: _Multipart) -> _Level:
        """Divide a multipart that does not keep to the rules."""
        parts = tuple(self._judge(whole))
        for part in parts:
            if part.is_multipart:
                self._frame_inside(part, whole.buffer, whole.depth + 1)
        return _Level(parts)

    def _judge(self, whole: _Multipart) -> Iterator[Part]:
        """Let the parser judge a multipart as it was framed anew, under a boundary that nobody can have foreseen."""
        content_type, buffer, start, end, _, inside = whole
        name = "the body" if inside is None else describe(inside)
        noted: set[tuple[str, int]] = set()

        def note(deviation: str, number: int) -> None:
            if (deviation, number) not in noted:
                noted.add((deviation, number))
                self.found.append((deviation, f"part {number} of {name}" if number else name))

        boundary = uuid4().hex.encode()
        parser = self._parser(boundary)
        sections: list[Section] = []
        segments: list[multipart.MultipartSegment] = []

        def parse(octets: bytes) -> None:
            segments.extend(event for event in parser.parse(octets) if isinstance(event, multipart.MultipartSegment))

        try:
            for section in reframe(buffer, start, end, boundary_of(content_type), self._limits, note):
                self._check_headers(section.header_octets)
                self._header_octets += section.header_octets
                sections.append(section)
                parse(b"\r\n--%s\r\n%s" % (boundary, section.written()))
                for offset in range(section.start, section.end, SLICE):
                    parse(buffer.read(offset, min(offset + SLICE, section.end)))
            parse(b"\r\n--%s--\r\n" % boundary)
        except multipart.ParserLimitReached as error:
            raise _exceeded(error, self._limits) from None
        except multipart.ParserError as error:  # pragma: no cover - what is framed anew is regular
            raise FramingError(_reason(error)) from None
        self._parts += len(sections)
        for section, segment in zip(sections, segments, strict=True):
            assert segment.bytes_received == section.end - section.start
            yield self._part(section.restored(segment.headerlist), buffer, section.start, section.end)


def _multipart_of(part: Part, buffer: Buffer, depth: int) -> _Multipart:
    return _Multipart(part._type, buffer, part._start, part._end, depth, part)


_BLANKS = re.compile(rb"\n[ \t]+\r")


def _check_lines(headers: bytes) -> None:
    ends = headers.count(b"\r\n")
    if headers.count(b"\n") != ends or headers.count(b"\r") != ends:
        raise FramingError("a line of the part headers ends in a bare line feed or carriage return")
    # multipart 2.0.0 takes it for a continuation; it may be meant as the end.
    if _BLANKS.search(headers):  # pragma: no cover - 2.0.1 refuses it before us
        raise FramingError(BLANK_LINE)


def _check_close(buffer: Buffer, close: int, end: int, line: bytes) -> None:
    """What follows the close delimiter: nothing else on its line, and no delimiter any more."""
    behind = buffer.read(close, min(close + 2, end))
    if behind not in (b"", b"\r", b"\r\n") and not behind.startswith(b"\n"):
        raise FramingError("a line begins with the close delimiter and goes on")
    if buffer.find(line, close, end) >= 0:
        raise FramingError(BEHIND_THE_CLOSE)


# The parser has one class for all its limits and tells them apart by their words.
_TOO_MANY_PARTS = "Maximum segment count exceeded"
_EXCEEDED = {
    _TOO_MANY_PARTS: PARTS_EXCEEDED,
    "Maximum segment header count exceeded": "a part has more than {0.headers} headers (headers)",
    "Maximum segment header length exceeded": "a header line of a part is over {0.header_line} octets (header_line)",
}


def _exceeded(error: multipart.ParserLimitReached, limits: Limits) -> LimitExceeded:
    words = str(error)
    refusal = LimitExceeded if words == _TOO_MANY_PARTS else HeadersExceeded
    return refusal(details=_EXCEEDED.get(words, words).format(limits))


# The parser speaks to the authors of form handlers; this is for the sender of a message.
_REASONS = {
    "Unexpected end of multipart stream (parser closed)": "the close delimiter is missing",
    "Invalid line break after first boundary": "a line ends in a bare line feed",
    "Invalid line break in segment header": "a line of the part headers ends in a bare line feed",
    "Unexpected byte after first boundary": GOES_ON,
    "Unexpected bytes after boundary": GOES_ON,
    "Malformed segment header": "a line of the part headers has no colon, or no empty line follows the part headers",
    "Invalid segment header name": "the name of a part header holds a character that no name can hold",
    "Unexpected segment header continuation": INDENTED,
    "Empty segment header continuation": BLANK_LINE,
    "Multiple segment Content-Length headers": "a part has two Content-Length headers",
    "Invalid segment Content-Length header value": "the Content-Length header of a part is no number",
}


def _reason(error: multipart.ParserError) -> str:
    words = str(error)
    return _REASONS.get(words, words)
