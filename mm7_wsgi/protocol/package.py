"""The SOAP message package: the SOAP part, and the parts that go with it (W3C note SOAP Messages with Attachments).

This is where framing, envelope and operation come together: from a body and its Content-Type to a request and its
content.
"""

from __future__ import annotations

from typing import Final

from .buffer import Buffer
from .deviations import Deviations
from .errors import ContentError, LimitExceeded, UnsupportedMediaType, ValidationError
from .headers import ContentType, Reference, content_id, parse_content_type, parse_href, readable
from .limits import Limits
from .messages import Content, Request, read_request
from .mime import Part, describe, read_parts
from .soap import Envelope, check_envelope, divide_envelope, parse_xml, to_utf8
from .transfer import IDENTITY

#: The media types of a bare envelope.
XML_TYPES: Final = frozenset({"text/xml", "application/xml", "application/soap+xml"})


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
    """One request as far as it has been read: a refusal on the way finds here what its answer is to echo."""

    def __init__(self, limits: Limits, *, strict: bool = False) -> None:
        self._limits = limits
        self._made: list[Buffer] = []
        self.deviations = Deviations(strict=strict)
        self.envelope: Envelope | None = None
        self.request: Request | None = None
        #: The part that ``Content/@href`` names.
        self.content: Part | None = None
        #: The parts that are neither that nor the SOAP part.
        self.attachments: tuple[Part, ...] = ()

    def read(self, content_type: ContentType, buffer: Buffer) -> Request:
        """Read a whole body.

        Raises an :class:`~mm7_wsgi.MM7Error` that says what is wrong: :class:`LimitExceeded`, :class:`ValidationError`,
        :class:`ContentError`, and those of :func:`.soap.check_envelope` and :func:`.messages.read_request`.
        """
        parts: tuple[Part, ...] = ()
        root = None
        if content_type.is_multipart:
            parts, self._made = read_parts(content_type, buffer, self._limits, self.deviations)
            root = self._find_root(parts, content_type.parameters.get("start"))
            octets, charset = self._soap_part(root), root.charset
        else:
            if buffer.size > self._limits.envelope:
                raise _envelope_exceeded(self._limits)
            octets, charset = buffer.read(0, buffer.size), content_type.parameters.get("charset")
        document = parse_xml(to_utf8(octets, charset, self.deviations), self._limits)
        self.envelope = divide_envelope(document, self.deviations)
        operation = check_envelope(self.envelope, self.deviations)
        self.request = read_request(operation, self._limits, self.deviations)
        others = tuple(part for part in parts if part is not root)
        if self.request.carries_content:
            self.content = self._find_content(self.request, others)
            if self.content is not None and not _href(self.request) and not _is_positional(content_type, parts):
                self.deviations.note("content-unreferenced", describe(self.content))
        self.attachments = tuple(part for part in others if part is not self.content)
        return self.request

    def close(self) -> None:
        """Give back what was made for the reading, besides the body itself."""
        for buffer in self._made:
            buffer.close()

    def _find_root(self, parts: tuple[Part, ...], start: str | None) -> Part:
        """The part that ``start`` names, else the first (RFC 2387, 3.2)."""
        if not parts:
            raise ValidationError(details="the multipart body has no parts")
        if start:
            wanted = content_id(start)
            for part in parts:
                if part.content_id == wanted:
                    return part
            self.deviations.note("start-unmatched", f"start={start[:80]}")
        return parts[0]

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
        reference = parse_href(href)
        for part in others:
            if part.content_id in reference.content_ids:
                if not reference.is_cid:
                    self.deviations.note("href-without-cid", f"Content/@href: {href[:80]}")
                return part
        for part in others:
            if part.content_location == reference.text:
                return part
        for part in others:
            if _holds(part, reference):
                self.deviations.note("href-nested", f"Content/@href: {href[:80]}")
                return part
        if not others:
            raise ContentError(details=f"Content/@href names {href[:80]!r}, and there is no part beside the SOAP part")
        self.deviations.note("href-unmatched", f"Content/@href: {href[:80]}")
        return others[0]


def _href(request: Request) -> str:
    content: Content | None = request.content  # type: ignore[attr-defined]
    return "" if content is None else content.href


def _is_positional(content_type: ContentType, parts: tuple[Part, ...]) -> bool:
    """Whether nothing names a part, so that the first is the SOAP part and the second the content, as NowSMS has it."""
    return "start" not in content_type.parameters and all(part.content_id is None for part in parts)


def _holds(part: Part, reference: Reference) -> bool:
    return any(
        inside.content_id in reference.content_ids
        or inside.content_location == reference.text
        or _holds(inside, reference)
        for inside in part.parts
    )


def _envelope_exceeded(limits: Limits) -> LimitExceeded:
    return LimitExceeded(details=f"the SOAP part is larger than {limits.envelope} octets (envelope)")
