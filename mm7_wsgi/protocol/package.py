"""The SOAP message package: the SOAP part, and the parts that go with it (W3C note SOAP Messages with Attachments).

This is where framing, envelope and operation come together: from a body and its Content-Type to a request and its
content.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from .buffer import Buffer
from .charset import begins_as_xml
from .contents import content_deviations
from .deviations import Deviation, Deviations
from .errors import BadRequest, ContentError, LimitExceeded, UnsupportedMediaType, ValidationError
from .headers import ContentType, Reference, bare_id, content_id, is_bracketed, parse_content_type, parse_href, readable
from .limits import Limits
from .messages import Content, Fault, Request, Response, read_answer, read_request
from .mime import WHOLE, Part, describe, read_parts
from .reframe import Ending, named_boundary
from .soap import Envelope, charset_of_names, check_answer, check_envelope, divide_envelope, parse_xml, to_utf8
from .transfer import IDENTITY
from .truncation import may_be_cut_off

#: The media types of a bare envelope.
XML_TYPES: Final = frozenset({"text/xml", "application/xml", "application/soap+xml"})
_SOAP_TYPES: Final = XML_TYPES | {"application/xop+xml"}


def check_content_type(header: str, limits: Limits) -> ContentType:
    """Read the Content-Type of a body before the body is read.

    Raises :class:`UnsupportedMediaType` (HTTP 415) for what is neither multipart nor XML, :class:`LimitExceeded` for a
    header that is too long.
    """
    if len(header) > limits.header_line:
        raise LimitExceeded(details=f"the Content-Type is longer than {limits.header_line} octets (header_line)")
    content_type = parse_content_type(readable(header))
    if content_type.is_multipart or content_type.value in XML_TYPES:
        return content_type
    written = content_type.value[:80]
    raise UnsupportedMediaType(
        details=f"the Content-Type is {written!r}; MM7 comes as multipart/related or text/xml"
        if written
        else "there is no Content-Type; MM7 comes as multipart/related or text/xml"
    )


class Package:
    """One message as far as it has been read: a refusal on the way finds here what its answer is to echo.

    ``strict`` refuses every irregularity but those that ``tolerated`` names. These are read also where the catalogue
    refuses them.
    """

    def __init__(self, limits: Limits, *, strict: bool = False, tolerated: Collection[str] = ()) -> None:
        self._limits = limits
        self._made: list[Buffer] = []
        self._ending = Ending.CLOSED
        self._is_counted = True
        self.deviations = Deviations(strict=strict, tolerated=tolerated)
        #: The parts of the outermost level; empty for a bare envelope.
        self.parts: tuple[Part, ...] = ()
        #: The SOAP part among them.
        self.root: Part | None = None
        self.envelope: Envelope | None = None
        self.request: Request | None = None
        #: The part that ``Content/@href`` names.
        self.content: Part | None = None
        #: The parts that are neither that nor the SOAP part; the content among them until it is found.
        self.attachments: tuple[Part, ...] = ()

    def read(self, content_type: ContentType, buffer: Buffer, *, is_counted: bool = True) -> Request:
        """Read the whole body of a request; ``is_counted`` says whether a Content-Length gave its end.

        Raises an :class:`~mm7_wsgi.MM7Error` that says what is wrong: :class:`LimitExceeded`, :class:`ValidationError`,
        :class:`ContentError`, :class:`BadRequest` for one that is not counted and shows no end, and those of
        :func:`.soap.check_envelope` and :func:`.messages.read_request`.
        """
        self._is_counted = is_counted
        envelope = self._open(content_type, buffer)
        if not is_counted and Deviation("close-missing", WHOLE) in self.deviations:
            raise self._cut_off(buffer)
        self.request = read_request(check_envelope(envelope, self.deviations), self._limits, self.deviations)
        if self.request.carries_content:
            self.content = self._find_content(self.request, self.attachments)
        if self.content is not None:
            if not _href(self.request) and not _is_positional(content_type, self.parts):
                self.deviations.note("content-unreferenced", describe(self.content))
            self._check_id(self.content)
            self.attachments = tuple(part for part in self.attachments if part is not self.content)
        self._check_end(buffer, carries_content=self.request.carries_content)
        return self.request

    def read_answer(self, content_type: ContentType, buffer: Buffer) -> Response | Fault:
        """Read the whole body of a response.

        Raises as :meth:`read`, and those of :func:`.soap.check_answer` and :func:`.messages.read_answer`.
        """
        envelope = self._open(content_type, buffer)
        answer = read_answer(check_answer(envelope, self.deviations), self._limits, self.deviations)
        self._check_end(buffer, carries_content=False)
        return answer

    def close(self) -> None:
        """Give back what was made for the reading, besides the body itself."""
        for buffer in self._made:
            buffer.close()

    def _open(self, content_type: ContentType, buffer: Buffer) -> Envelope:
        """Divide the body, and the envelope."""
        if self._is_multipart(content_type, buffer):
            self.parts, self._made, self._ending = read_parts(content_type, buffer, self._limits, self.deviations)
            if "start" in content_type.ambiguous:
                raise ValidationError(details="the Content-Type has two different start parameters")
            self.root = root = self._find_root(content_type.parameters.get("start"))
            self.attachments = tuple(part for part in self.parts if part is not root)
            for name, where in content_deviations(self.parts, root):
                self.deviations.note(name, where)
            octets, charset = self._soap_part(root), root.charset
            self._say_names_are_in(charset_of_names(octets, charset))
        else:
            if buffer.size > self._limits.envelope:
                raise _envelope_exceeded(self._limits)
            octets, charset = buffer.read(0, buffer.size), content_type.parameters.get("charset")
        document = octets
        try:
            document = to_utf8(octets, charset, self.deviations)
            root_element = parse_xml(document, self._limits, self.deviations)
        except ValidationError as error:
            raise self._explained(error, document, content_type.boundary, buffer) from None
        self.envelope = divide_envelope(root_element, self.deviations)
        return self.envelope

    def _explained(self, error: ValidationError, document: bytes, boundary: bytes, buffer: Buffer) -> ValidationError:
        """Return the refusal of a SOAP part that cannot be read, with the reason that lies before the XML."""
        if self._ending in (Ending.PART, Ending.CUT_PART) and self.root is self.parts[-1]:
            return self._cut_off(buffer)
        head = document[:_HEAD].lstrip()
        if not head or begins_as_xml(head):
            return error
        begins = head[:_BEGINNING].decode("latin-1")
        words = error.details or ""
        reason = words if words.startswith(_NOT_WELL_FORMED) else _NOT_WELL_FORMED.rstrip(":")
        reason += f"; it begins with {begins!a}, not with '<'"
        if self.root is not None and boundary:
            place = _place_in_line(buffer, b"--" + boundary)
            if place >= 0:
                reason += f"; a delimiter stands in the middle of a line, at byte {place} of the body"
        return ValidationError(details=reason)

    def _check_end(self, buffer: Buffer, *, carries_content: bool) -> None:
        """Refuse a multipart that may lack more than its close delimiter."""
        if self._ending is Ending.CLOSED or self.deviations.tolerates("close-missing"):
            return
        ending: Ending = self._ending
        if ending is not Ending.DELIMITER and self.root is self.parts[-1]:
            # XML that is well-formed is whole. A content part after it may be gone altogether.
            ending = Ending.DELIMITER if carries_content else Ending.CLOSED
        if may_be_cut_off(self.parts, ending, buffer):
            raise self._cut_off(buffer)

    def _cut_off(self, buffer: Buffer) -> ValidationError:
        """Return the refusal of a body that may not be all there."""
        if not self._is_counted:
            # Some servers end the input where the client has gone, as if that were the end of the last chunk.
            return BadRequest(details="the body is chunked and has no close delimiter; it may have been cut off")
        return ValidationError(
            details=f"the body ends at its Content-Length of {buffer.size} bytes without the close delimiter; "
            "it may have been cut off"
        )

    def _say_names_are_in(self, charset: str | None) -> None:
        """Tell the parts in which character set names of files may be, where it is none of Unicode."""
        if charset is not None:
            for part in self.parts:
                for leaf in part.leaves():
                    leaf._names_in = charset

    def _is_multipart(self, content_type: ContentType, buffer: Buffer) -> bool:
        """Whether the body is a multipart, by its Content-Type or by itself."""
        head = buffer.read(0, _HEAD)
        if content_type.is_multipart:
            if not begins_as_xml(head):
                return True
            boundary = content_type.boundary
            if boundary and buffer.find(b"--" + boundary, 0, buffer.size) >= 0:
                return True  # the preamble begins as XML does
            self.deviations.note("xml-as-multipart", f"Content-Type: {content_type.value[:80]}")
            return False
        if begins_as_xml(head) or not (head.lstrip().startswith(b"--") or _has_preamble(content_type, buffer)):
            return False
        self.deviations.note("multipart-as-xml", f"Content-Type: {content_type.value[:80]}")
        return True

    def _find_root(self, start: str | None) -> Part:
        """The part that ``start`` names, else the first (RFC 2387, 3.2)."""
        if not self.parts:
            raise ValidationError(details="the multipart body has no parts")
        root = None
        if start:
            root = self._find_by_id(self.parts, (content_id(start),), f"start={start[:80]}")
            if root is None:
                self.deviations.note("start-unmatched", f"start={start[:80]}")
            elif not is_bracketed(start):
                self.deviations.note("id-brackets", f"start={start[:80]}")
        root = root or self._find_envelope()
        self._check_id(root)
        return root

    def _find_envelope(self) -> Part:
        """The first part; where that is no XML, the first one that is said to be."""
        first, *others = self.parts
        if others and first.content_type not in _SOAP_TYPES and not _begins_as_xml(first):
            for part in others:
                if part.content_type in _SOAP_TYPES:
                    self.deviations.note("soap-part-late", describe(part))
                    return part
        return first

    def _check_id(self, part: Part) -> None:
        if part.has_odd_id:
            self.deviations.note("id-brackets", f"Content-ID: {part.headers['Content-ID'][:80]}")

    def _find_by_id(self, parts: tuple[Part, ...], wanted: tuple[str, ...], where: str) -> Part | None:
        """The first part whose Content-ID is one of ``wanted``, or else one of them in other capitals or escapes."""
        found: list[Part] = []
        for one in filter(None, wanted):
            found = found or [part for part in parts if part.content_id == one]
        if not found and any(wanted):
            bare = {bare_id(one) for one in wanted if one}
            known = [(part, part.content_id) for part in parts]
            found = [part for part, id in known if id and bare_id(id) in bare]
            if found:
                self.deviations.note("id-form", where)
        if len(found) > 1:
            self.deviations.note("id-repeated", where)
        return found[0] if found else None

    def _soap_part(self, root: Part) -> bytes:
        if root.size > self._limits.envelope:
            raise _envelope_exceeded(self._limits)
        if root.is_multipart:
            raise ValidationError(details="the SOAP part is a multipart itself")
        if root.content_type != "text/xml":
            self.deviations.note("soap-part-type", f"it is {root.content_type[:80]}")
        if root.transfer_encoding not in IDENTITY:
            self.deviations.note("soap-part-encoded", f"it is {root.transfer_encoding[:40]}")
        try:
            return root.data
        except ContentError as error:
            raise ValidationError(details=error.details) from None

    def _find_content(self, request: Request, others: tuple[Part, ...]) -> Part | None:
        href = _href(request)
        if not href:
            if request.requires_content and not others:
                raise ValidationError(details=f"{request.element_name}: Content is missing")
            return others[0] if others else None
        where = f"Content/@href: {href[:80]}"
        reference = parse_href(href)
        named = self._find_by_id(others, reference.content_ids, where)
        if named is not None:
            if not reference.is_cid:
                self.deviations.note("href-without-cid", where)
            if "<" in reference.locations[0]:
                self.deviations.note("id-brackets", where)
            return named
        for part in others:
            if part.content_location == reference.text:
                return part
        for name, asks_for in (("href-location", _is_at), ("href-nested", _holds), ("href-unmatched", _is_any)):
            for part in others:
                if asks_for(part, reference):
                    self.deviations.note(name, where)
                    return part
        raise ContentError(details=f"Content/@href names {href[:80]!r}, and there is no part beside the SOAP part")


# How much of a body or a part tells what it is.
_HEAD: Final = 512
_NOT_WELL_FORMED: Final = "the SOAP part is not well-formed XML:"
# Characters of its beginning that a refusal shows.
_BEGINNING: Final = 24


def _place_in_line(buffer: Buffer, delimiter: bytes) -> int:
    """The first offset of ``delimiter`` that is not at the beginning of a line, or -1."""
    place = buffer.find(delimiter, 1, buffer.size)
    while place >= 0 and buffer.read(place - 1, place) in (b"\n", b"-"):
        place = buffer.find(delimiter, place + len(delimiter), buffer.size)
    return place


def _has_preamble(content_type: ContentType, buffer: Buffer) -> bool:
    """Return whether a body under the type of XML is a multipart after some lines of text.

    A delimiter begins a line, and closes the body again or is that of the Content-Type.
    """
    named = named_boundary(buffer)
    if named is None:
        return False
    delimiter = b"\n--" + named
    return named == content_type.boundary or buffer.find(delimiter + b"--", 0, buffer.size) >= 0


def _begins_as_xml(part: Part) -> bool:
    try:
        with part.open() as stream:
            return begins_as_xml(stream.read(_HEAD))
    except ContentError:
        return False


def _href(request: Request) -> str:
    content: Content | None = request.content  # type: ignore[attr-defined]
    return "" if content is None else content.href


def _is_positional(content_type: ContentType, parts: tuple[Part, ...]) -> bool:
    """Whether nothing names a part, so that the first is the SOAP part and the second the content, as NowSMS has it."""
    return "start" not in content_type.parameters and all(part.content_id is None for part in parts)


def _is_any(part: Part, reference: Reference) -> bool:
    return True


def _is_at(part: Part, reference: Reference) -> bool:
    return bool(part.content_location) and part.content_location in reference.locations


def _holds(part: Part, reference: Reference) -> bool:
    return any(
        inside.content_id in reference.content_ids
        or inside.content_location == reference.text
        or _holds(inside, reference)
        for inside in part.parts
    )


def _envelope_exceeded(limits: Limits) -> LimitExceeded:
    return LimitExceeded(details=f"the SOAP part is larger than {limits.envelope} octets (envelope)")
