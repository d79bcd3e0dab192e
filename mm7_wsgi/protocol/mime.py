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
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, pairwise
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

import multipart
from werkzeug.datastructures import Headers

from .buffer import SLICE, Buffer
from .charset import decode_text
from .deviations import Deviations
from .errors import ContentError, LimitExceeded, ServiceUnavailable, ValidationError
from .headers import (
    ContentType,
    content_id,
    decode_words,
    is_bracketed,
    parse_content_type,
    readable,
    readable_name,
    uncommented,
)
from .limits import Limits
from .reframe import (
    BEHIND_THE_CLOSE,
    BLANK_LINE,
    GOES_ON,
    INDENTED,
    INSIDE,
    NO_DELIMITER,
    Ending,
    FramingError,
    HeadersExceeded,
    Section,
    begins_with_mark,
    boundary_of,
    headers_exceeded,
    parts_exceeded,
    reframe,
)
from .transfer import IDENTITY, IS_FAST, DecodedReader, decode, decoded_pieces, is_binary

#: Where a deviation is that concerns the outermost multipart.
WHOLE: Final = "the body"

#: Bytes that are handed out at a time where they are not copied.
_VIEW: Final = 1024 * 1024

# By these a part is read, so it makes a difference which one counts (RFC 2045, 3).
_ONCE = ("Content-Type", "Content-Transfer-Encoding", "Content-Id")
_DEFAULT_TYPE = parse_content_type("text/plain")  # RFC 2045, 5.2
_DEFAULT_IN_DIGEST = parse_content_type("message/rfc822")  # RFC 2046, 5.1.5


class Part:
    """One part of a multipart message: its headers, and where in the body its octets are.

    A part lives as long as the callback that it was handed to runs; ``ValueError`` after that, for the octets only.
    What a header says (``content_type``, ``filename`` …) comes from the peer and is not to be trusted; a ``filename``
    may hold any path.
    """

    __slots__ = (
        "_buffer",
        "_decoded",
        "_end",
        "_first",
        "_headers",
        "_names_in",
        "_start",
        "_type",
        "ending",
        "is_multipart",
        "parts",
    )

    #: Whether this part is divided into parts.
    is_multipart: bool

    #: The parts inside, when this is a multipart; else empty.
    parts: tuple[Part, ...]

    #: What the parts inside end with, when this is a multipart.
    ending: Ending

    def __init__(
        self, headers: list[tuple[str, str]], buffer: Buffer, start: int, end: int, *, in_digest: bool = False
    ) -> None:
        self._headers = headers
        # Of a header that is there twice, the first; the parser writes their names in title case.
        self._first = first = dict(reversed(headers))
        self._buffer = buffer
        self._start = start
        self._end = end
        #: The character set that names of files may be in beside UTF-8: that of the SOAP part.
        self._names_in: str | None = None
        written = first.get("Content-Type")
        if written:
            self._type = parse_content_type(readable(written))
        else:
            self._type = _DEFAULT_IN_DIGEST if in_digest else _DEFAULT_TYPE
        self.is_multipart = self._type.is_multipart
        self.parts = ()
        self.ending = Ending.CLOSED
        # The data, where it was kept when it was decoded.
        self._decoded: Buffer | None = None

    def __repr__(self) -> str:
        identity = f" {self.content_id}" if self.content_id else ""
        return f"<Part {self.content_type}{identity}, {self.size} octets>"

    def _contradictions(self) -> list[str]:
        """The headers that a part has once, and that are there with several values."""
        values = {name: {value.strip() for other, value in self._headers if other == name} for name in _ONCE}
        return [name for name in _ONCE if len(values[name]) > 1]

    @property
    def headers(self) -> Headers:
        """All headers in their order, found in any capitals: ``part.headers.get("x-wap-id")``. A new copy each time."""
        return Headers([(name, readable(value).rstrip()) for name, value in self._headers])

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters.

        Where none is given, it is ``text/plain`` (RFC 2045, 5.2); in a ``multipart/digest``, ``message/rfc822``.
        """
        return self._type.value

    @property
    def charset(self) -> str | None:
        """The ``charset`` parameter, in lower case."""
        charset = self._type.parameters.get("charset")
        return charset.lower() if charset else None

    @property
    def content_id(self) -> str | None:
        """The Content-ID without its angle brackets."""
        written = self._first.get("Content-Id")
        return None if written is None else content_id(readable(written))

    @property
    def has_odd_id(self) -> bool:
        """Whether there is a Content-ID that is not written as it should be."""
        written = self._first.get("Content-Id")
        return written is not None and not is_bracketed(written)

    @property
    def content_location(self) -> str | None:
        """The Content-Location."""
        written = self._first.get("Content-Location")
        return None if written is None else readable(written).strip()

    @property
    def filename(self) -> str | None:
        """The name that the sender gives it: ``filename`` of Content-Disposition, else ``name`` of Content-Type.

        Encoded words in it are decoded (RFC 2047). Where it is no UTF-8, it is read in the character set of the SOAP
        part; where it is not in that either, as GBK or windows-1252.
        """
        for header, parameter in (("Content-Disposition", "filename"), ("Content-Type", "name")):
            written = self._first.get(header)
            if written is not None:
                name = parse_content_type(readable_name(written, self._names_in)).parameters.get(parameter)
                if name is not None:
                    return decode_words(name)
        return None

    @property
    def transfer_encoding(self) -> str:
        """The Content-Transfer-Encoding in lower case; empty where none is given."""
        written = self._first.get("Content-Transfer-Encoding")
        return "" if written is None else uncommented(written).strip("; \t").lower()

    @property
    def size(self) -> int:
        """Octets as they were sent, before transfer-decoding."""
        return self._end - self._start

    @property
    def data(self) -> bytes:
        """The octets, transfer-decoded; of a multipart, as they were sent.

        Where they are said to be base64 and are none, but binary, they are as they were sent.

        Raises :class:`ContentError` (2004) where they are not in the encoding that the part claims.
        """
        if self._decoded is not None:
            return self._decoded.read(0, self._decoded.size)
        octets = self._buffer.read(self._start, self._end)
        if self.is_multipart or self._is_never_encoded():
            return octets
        try:
            return decode(self.transfer_encoding, octets)
        except ContentError as error:
            raise self._named(error) from None

    @property
    def text(self) -> str:
        """:attr:`data` as text: by its byte order mark, else as UTF-8, else by :attr:`charset`.

        A charset is what the WHATWG Encoding Standard makes of its name: ``iso-8859-1`` is windows-1252, ``gb2312`` is
        GB 18030. UTF-16 without a byte order mark is big-endian, unless only the other order gives text (RFC 2781,
        4.3). An octet that is not of that charset becomes U+FFFD; only the transfer-decoding can raise.
        """
        return decode_text(self.data, self.charset)

    def open(self) -> io.BufferedReader:
        """A stream of :attr:`data` that takes constant memory however large the part is.

        Its ``read`` raises as :attr:`data` does. It ends with the answer, as the part does.
        """
        pieces = self.sent() if self.is_multipart or self._is_never_encoded() else self._decoded_pieces()
        return io.BufferedReader(DecodedReader(pieces), SLICE)

    def _head(self, size: int) -> bytes:
        """The first bytes as they were sent, up to ``size`` of them."""
        return self._buffer.read(self._start, min(self._start + size, self._end))

    def sent(self) -> Iterator[bytes]:
        """The octets as they were sent, before transfer-decoding, piece by piece."""
        for offset in range(self._start, self._end, SLICE):
            yield self._buffer.read(offset, min(offset + SLICE, self._end))

    def tail(self, size: int) -> bytes:
        """Return the last ``size`` bytes as they were sent; all of them where there are fewer."""
        return self._buffer.read(max(self._start, self._end - size), self._end)

    def _is_never_encoded(self) -> bool:
        """Whether it says that it is base64 and is the data itself."""
        return self.transfer_encoding == "base64" and is_binary(self.sent())

    def feed(self, take: Callable[[bytes | memoryview], object], *, keep: bool = False) -> None:
        """Hand :attr:`data` to ``take``, piece by piece; a piece may be gone after ``take`` returns.

        With ``keep``, data that takes long to decode is kept for later reads: up to 1 MB of a message in memory, and a
        part that is larger than 1 MB in a temporary file. Raises as :attr:`data` does.
        """
        if self.is_multipart or self.transfer_encoding in IDENTITY or self._is_never_encoded():
            if self.size <= SLICE:
                take(self._buffer.read(self._start, self._end))
                return
            for view in self._buffer.views(self._start, self._end, _VIEW):
                take(view)
            return
        kept = self._buffer.keep(self.size) if keep and self._is_dear and self._decoded is None else None
        for piece in self._decoded_pieces():
            take(piece)
            if kept is not None:
                with suppress(ServiceUnavailable):  # where there is no room, it is decoded again
                    kept.write(piece)
                    continue
                kept = None
        if kept is not None:
            with suppress(ServiceUnavailable):
                self._decoded = kept.finish()

    @property
    def _is_dear(self) -> bool:
        """Whether it takes longer to decode the part than to keep its data."""
        return not (IS_FAST and self.transfer_encoding == "base64")

    def _decoded_pieces(self) -> Iterator[bytes]:
        kept = self._decoded
        if kept is not None:
            for offset in range(0, kept.size, SLICE):
                yield kept.read(offset, min(offset + SLICE, kept.size))
            return
        try:
            yield from decoded_pieces(self.transfer_encoding, self.sent())
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
            return iter((self,))
        return chain.from_iterable([part.leaves() for part in self.parts])


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


def delimiter_line(boundary: bytes) -> bytes:
    """What a delimiter begins with, and all that might be one: the end of the line before it is a part of it."""
    return b"\n--" + boundary


class Divided(NamedTuple):
    """A whole multipart body, divided into its parts on all levels."""

    #: Those of the outermost level.
    parts: tuple[Part, ...]
    #: The buffers that had to be made besides that of the body, to be closed with it.
    made: list[Buffer]
    #: What the outermost level ends with.
    ending: Ending


def read_parts(content_type: ContentType, buffer: Buffer, limits: Limits, deviations: Deviations) -> Divided:
    """Divide a whole multipart body into its parts, on all levels.

    Raises :class:`LimitExceeded`; :class:`ValidationError` where the outermost framing cannot be read, and
    :class:`ContentError` where one inside cannot.
    """
    framer = _Framer(limits, strict=deviations.strict)
    try:
        level = framer.frame(_Multipart(content_type, buffer, 0, buffer.size, 1))
        for name, where in framer.found:
            deviations.note(name, where)
    except FramingError as error:
        framer.close()
        raise ValidationError(details=f"the multipart body cannot be read: {error}") from None
    except BaseException:
        framer.close()
        raise
    return Divided(level.parts, framer.made, level.ending)


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

    @property
    def is_digest(self) -> bool:
        """Whether its parts are messages where they do not say what they are."""
        return self.content_type.value == "multipart/digest"


class _Level(NamedTuple):
    """One multipart, divided."""

    parts: tuple[Part, ...]
    #: Where its first delimiter begins: what is before is the preamble.
    start: int = 0
    #: Behind the two hyphens of its close delimiter: what follows is the epilogue.
    end: int = 0
    ending: Ending = Ending.CLOSED


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
        self._header_block = limits.header_block
        self._header_blocks = limits.header_blocks
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
        """Divide a multipart that keeps to the rules; with ``throughout``, so must all that is inside."""
        _, buffer, _, _, depth, _ = whole
        boundary = boundary_of(whole.content_type)
        if not boundary:
            raise FramingError("the Content-Type has no boundary parameter")
        delimiters, strays = self._find_delimiters(whole, boundary)
        parts = self._divide(whole, delimiters, boundary)
        irregular = []
        for part in parts:
            if not part.is_multipart:
                continue
            inside = self._try_inside(part, buffer, depth + 1)
            if inside is None:
                irregular.append(part)
            else:  # a whole multipart: what lies between its delimiters has been judged with it
                strays = [place for place in strays if not inside.start <= place < inside.end]
        if strays:
            raise FramingError(INSIDE)
        if irregular and throughout:
            raise FramingError("it holds a multipart that is irregular")
        for part in irregular:
            self._frame_inside(part, buffer, depth + 1)
        return _Level(parts, delimiters[0], delimiters[-1] + len(boundary) + 4)

    def _find_delimiters(self, whole: _Multipart, boundary: bytes) -> tuple[list[int], list[int]]:
        """Where the delimiters begin, the last of them the close delimiter; and where else a line begins like one.

        Else is after a bare line feed, which the parser takes for data.
        """
        _, buffer, start, end, _, _ = whole
        octets = buffer.octets
        line = delimiter_line(boundary)
        length = len(line)
        room = self._limits.parts - self._parts
        found: list[int] = []
        strays: list[int] = []
        places = buffer.places(line, start, end)
        if octets[start : start + length - 1] == line[1:]:
            places = chain((start - 1,), places)
        elif begins_with_mark(buffer, start, end):
            raise FramingError("there is a byte order mark before the first delimiter")
        for place in places:
            begin = place + 1
            if begin != start and (place == start or octets[place - 1 : place] != b"\r"):
                if not found:
                    raise FramingError("a line ends in a bare line feed")
                strays.append(begin)
                if len(strays) > room:  # as many parts, if they were delimiters
                    raise parts_exceeded(self._limits)
                continue
            found.append(begin)
            behind = place + length
            follows = octets[behind : behind + 2]
            if follows == b"\r\n":
                if len(found) > room:
                    raise parts_exceeded(self._limits)
            elif follows == b"--":
                if len(found) == 1:
                    raise FramingError("it has no parts")
                _check_close(octets[behind + 2 : min(behind + 4, end)], places)
                return found, strays
            elif behind + 2 <= end:
                raise FramingError("a line ends in a bare line feed" if follows[:1] == b"\n" else GOES_ON)
        raise FramingError("the close delimiter is missing" if found else NO_DELIMITER)

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
            level = self.frame(whole)
        except FramingError as error:
            raise ContentError(details=f"{describe(part)} cannot be read: {error}") from None
        part.parts, part.ending = level.parts, level.ending

    def _divide(self, whole: _Multipart, delimiters: list[int], boundary: bytes) -> tuple[Part, ...]:
        """The parts of one level.

        The parser is shown the delimiters and the headers, and nothing of what the parts hold: there is no delimiter in
        it, so it would not change what a part is. Refused as irregular, since the parser would not: a bare line feed or
        a line of blanks among the headers (two of them read as one, or the end of them missed), and a part without an
        empty line (the next part, read as its data).
        """
        buffer = whole.buffer
        octets = buffer.octets
        behind = len(boundary) + 4  # a delimiter and CRLF
        shown: list[bytes] = []
        places: list[tuple[int, int]] = []
        for begin, following in pairwise(delimiters):
            headers = begin + behind
            end = following - 2  # before CRLF and the next delimiter
            body = octets.find(b"\r\n\r\n", headers - 2, min(end, headers + self._header_block + 4)) + 4
            if body < 4:
                self._check_headers(min(end - headers, self._header_block + 4))
                raise FramingError(_NO_END)
            self._check_headers(body - headers)
            self._header_octets += body - headers
            shown.append(octets[begin:body])
            places.append((body, end))
        shown.append(b"--%s--" % boundary)
        digest = b"\r\n".join(shown)
        _check_lines(digest)
        segments = self._parse(boundary, digest)
        self._parts += len(places)
        parts = [
            Part(segment.headerlist, buffer, start, end, in_digest=whole.is_digest)
            for segment, (start, end) in zip(segments, places, strict=True)
        ]
        self._note_contradictions(parts)
        return tuple(parts)

    def _parse(self, boundary: bytes, octets: bytes) -> list[multipart.MultipartSegment]:
        """The segments of a multipart of which ``octets`` are the delimiters and the headers."""
        limits = self._limits
        parser = _Parser(
            boundary,
            max_header_size=limits.header_line,
            max_header_count=limits.headers,
            header_charset="latin-1",
        )
        try:
            return [event for event in parser.parse(octets) if isinstance(event, multipart.MultipartSegment)]
        except multipart.ParserLimitReached as error:
            raise _exceeded(error, self._limits) from None
        except multipart.ParserError as error:
            raise FramingError(_reason(error)) from None

    def _note_contradictions(self, parts: list[Part]) -> None:
        for part in parts:
            if len(part._first) < len(part._headers):
                for name in part._contradictions():
                    self.found.append(("header-repeated", f"{name} of {describe(part)}"))

    def _check_headers(self, octets: int) -> None:
        """Judge the size of a header block, which may be read only in part so far."""
        if octets > self._header_block:
            raise headers_exceeded("a part", self._header_block, self._limits)
        if self._header_octets + octets > self._header_blocks:
            raise headers_exceeded("all parts", self._header_blocks, self._limits)

    # -- irregular framing

    def _frame_anew(self, whole: _Multipart) -> _Level:
        """Divide a multipart that does not keep to the rules."""
        parts, ending = self._judge(whole)
        for part in parts:
            if part.is_multipart:
                self._frame_inside(part, whole.buffer, whole.depth + 1)
        return _Level(tuple(parts), ending=ending)

    def _judge(self, whole: _Multipart) -> tuple[list[Part], Ending]:
        """Let the parser judge a multipart as it was framed anew, under a boundary that nobody can have foreseen."""
        content_type, buffer, start, end, _, inside = whole
        name = WHOLE if inside is None else describe(inside)
        noted: set[tuple[str, int]] = set()

        def note(deviation: str, number: int) -> None:
            if (deviation, number) not in noted:
                noted.add((deviation, number))
                self.found.append((deviation, f"part {number} of {name}" if number else name))

        boundary = uuid4().hex.encode()
        shown: list[bytes] = []
        sections: list[Section] = []
        framed = reframe(buffer, start, end, boundary_of(content_type), self._limits, note)
        for section in framed:
            if len(sections) >= self._limits.parts - self._parts:
                raise parts_exceeded(self._limits)
            self._check_headers(section.header_octets)
            self._header_octets += section.header_octets
            sections.append(section)
            shown.append(b"\r\n--%s\r\n%s" % (boundary, section.written()))
        shown.append(b"\r\n--%s--\r\n" % boundary)
        segments = self._parse(boundary, b"".join(shown))
        self._parts += len(sections)
        parts = [
            Part(section.restored(segment.headerlist), buffer, section.start, section.end, in_digest=whole.is_digest)
            for section, segment in zip(sections, segments, strict=True)
        ]
        self._note_contradictions(parts)
        return parts, framed.ending


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


def _check_close(follows: bytes, places: Iterator[int]) -> None:
    """What follows the close delimiter: nothing else on its line, and no delimiter any more."""
    if follows not in (b"", b"\r", b"\r\n") and not follows.startswith(b"\n"):
        raise FramingError("a line begins with the close delimiter and goes on")
    if next(places, None) is not None:
        raise FramingError(BEHIND_THE_CLOSE)


# The parser has one class for all its limits and tells them apart by their words.
_EXCEEDED = {
    "Maximum segment header count exceeded": "a part has more than {0.headers} headers (headers)",
    "Maximum segment header length exceeded": "a header line of a part is over {0.header_line} octets (header_line)",
}


def _exceeded(error: multipart.ParserLimitReached, limits: Limits) -> HeadersExceeded:
    words = str(error)
    return HeadersExceeded(details=_EXCEEDED.get(words, words).format(limits))


_NO_END = "a line of the part headers has no colon, or no empty line follows the part headers"
# The parser speaks to the authors of form handlers; this is for the sender of a message.
_REASONS = {
    "Malformed segment header": _NO_END,
    "Invalid segment header name": "the name of a part header holds a character that no name can hold",
    "Unexpected segment header continuation": INDENTED,
    "Empty segment header continuation": BLANK_LINE,
    "Multiple segment Content-Length headers": "a part has two Content-Length headers",
    "Invalid segment Content-Length header value": "the Content-Length header of a part is no number",
}


def _reason(error: multipart.ParserError) -> str:
    words = str(error)
    return _REASONS.get(words, words)
