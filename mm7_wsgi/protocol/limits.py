"""How much of anything a peer may send."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

# The longest header block of one part, and of all together, in header lines of the greatest length. The parser's
# unfolding costs as much again for every continuation line, so the product of the limits would be too much.
_HEADER_BLOCK: Final = 4
_HEADER_BLOCKS: Final = 64
#: The limits that may be 0, which switches off what they limit.
MAY_BE_ZERO: Final = ("discard", "discard_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All that an outsider can make grow, with its largest allowed value: finite by default, all settable.

    Raises ``ValueError`` for a value that is not a positive whole number; ``discard`` and ``discard_seconds`` may be 0.
    """

    #: Octets of the HTTP body. Above it: HTTP 413.
    body: int = 16 * 1024 * 1024
    #: Octets of the SOAP part. Above it: HTTP 413.
    envelope: int = 2 * 1024 * 1024
    #: Elements in the SOAP part, and again attributes that are in a namespace. Above it: 4004.
    elements: int = 50_000
    #: Depth of elements in the SOAP part; MM7 itself needs 7. Above it: 4004.
    depth: int = 32
    #: Attributes of one element, and again its namespace declarations. Above it: 4004.
    attributes: int = 64
    #: Octets of a namespace name, in UTF-8. expat builds a full name for each distinct element and attribute, so long
    #: ones multiply. Above it: 4004.
    namespace: int = 256
    #: Parts on all levels of the multipart together. Above it: HTTP 413.
    parts: int = 200
    #: Levels of multipart in multipart. Above it: HTTP 413.
    mime_depth: int = 8
    #: Octets of one header line, unfolded, and of the HTTP Content-Type. Above it: HTTP 413.
    header_line: int = 8 * 1024
    #: Header lines of one part. Above it: HTTP 413.
    headers: int = 64
    #: Addresses in To, Cc and Bcc together. Above it: 2002.
    recipients: int = 10_000
    #: Bytes of a body that are read and dropped after an answer that did not need it, so that a client that writes the
    #: whole request first sees the answer; of a known account only. 0 drops none. Above it, the rest is not read.
    discard: int = 32 * 1024 * 1024
    #: Seconds that this takes at most. 0 drops none.
    discard_seconds: int = 5

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            is_number = isinstance(value, int) and not isinstance(value, bool)
            if field.name in MAY_BE_ZERO:
                if not is_number or value < 0:
                    raise ValueError(f"Limits.{field.name} has to be a whole number, 0 or more, not {value!r}")
            elif not is_number or value < 1:
                raise ValueError(f"Limits.{field.name} has to be a positive whole number, not {value!r}")

    @property
    def header_block(self) -> int:
        """Octets of all header lines of one part: four times ``header_line``. Above it: HTTP 413."""
        return _HEADER_BLOCK * self.header_line

    @property
    def header_blocks(self) -> int:
        """Octets of the header lines of all parts together: 64 times ``header_line``. Above it: HTTP 413."""
        return _HEADER_BLOCKS * self.header_line
