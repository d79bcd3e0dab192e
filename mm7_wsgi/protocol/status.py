"""The status codes of MM7 and the texts that go with them (3GPP TS 23.140, clause 8.7)."""

from __future__ import annotations

from enum import IntEnum


class StatusCode(IntEnum):
    """What a ``StatusCode`` element can hold.

    The thousands digit is the class: 1 success, 2 client error, 3 server error, 4 service error. Codes ending in 500
    to 999 are left to implementations, so a peer may send, and a host may answer, a code that is not listed here: it
    is then a plain ``int``.

    >>> StatusCode(2003).text
    'Address Not Found'
    """

    SUCCESS = 1000
    PARTIAL_SUCCESS = 1100

    CLIENT_ERROR = 2000
    OPERATION_RESTRICTED = 2001
    ADDRESS_ERROR = 2002
    ADDRESS_NOT_FOUND = 2003
    MULTIMEDIA_CONTENT_REFUSED = 2004
    MESSAGE_ID_NOT_FOUND = 2005
    LINKED_ID_NOT_FOUND = 2006
    MESSAGE_FORMAT_CORRUPT = 2007
    APPLICATION_ID_NOT_FOUND = 2008  # Rel-6
    REPLY_APPLICATION_ID_NOT_FOUND = 2009  # Rel-6

    SERVER_ERROR = 3000
    NOT_POSSIBLE = 3001
    MESSAGE_REJECTED = 3002
    MULTIPLE_ADDRESSES_NOT_SUPPORTED = 3003
    APPLICATION_ADDRESSING_NOT_SUPPORTED = 3004  # Rel-6

    GENERAL_SERVICE_ERROR = 4000
    IMPROPER_IDENTIFICATION = 4001
    UNSUPPORTED_VERSION = 4002
    UNSUPPORTED_OPERATION = 4003
    VALIDATION_ERROR = 4004
    SERVICE_ERROR = 4005
    SERVICE_UNAVAILABLE = 4006
    SERVICE_DENIED = 4007
    APPLICATION_DENIED = 4008  # Rel-6

    @property
    def text(self) -> str:
        """The specification's ``StatusText``. Peers word it differently, so it is for people only."""
        return _TEXTS[self]


_TEXTS = {
    StatusCode.SUCCESS: "Success",
    StatusCode.PARTIAL_SUCCESS: "Partial success",
    StatusCode.CLIENT_ERROR: "Client error",
    StatusCode.OPERATION_RESTRICTED: "Operation restricted",
    StatusCode.ADDRESS_ERROR: "Address Error",
    StatusCode.ADDRESS_NOT_FOUND: "Address Not Found",
    StatusCode.MULTIMEDIA_CONTENT_REFUSED: "Multimedia content refused",
    StatusCode.MESSAGE_ID_NOT_FOUND: "Message ID Not found",
    StatusCode.LINKED_ID_NOT_FOUND: "LinkedID not found",
    StatusCode.MESSAGE_FORMAT_CORRUPT: "Message format corrupt",
    StatusCode.APPLICATION_ID_NOT_FOUND: "Application ID not found",
    StatusCode.REPLY_APPLICATION_ID_NOT_FOUND: "Reply Application ID not found",
    StatusCode.SERVER_ERROR: "Server Error",
    StatusCode.NOT_POSSIBLE: "Not Possible",
    StatusCode.MESSAGE_REJECTED: "Message rejected",
    StatusCode.MULTIPLE_ADDRESSES_NOT_SUPPORTED: "Multiple addresses not supported",
    StatusCode.APPLICATION_ADDRESSING_NOT_SUPPORTED: "Application Addressing not supported",
    StatusCode.GENERAL_SERVICE_ERROR: "General service error",
    StatusCode.IMPROPER_IDENTIFICATION: "Improper identification",
    StatusCode.UNSUPPORTED_VERSION: "Unsupported version",
    StatusCode.UNSUPPORTED_OPERATION: "Unsupported operation",
    StatusCode.VALIDATION_ERROR: "Validation error",
    StatusCode.SERVICE_ERROR: "Service error",
    StatusCode.SERVICE_UNAVAILABLE: "Service unavailable",
    StatusCode.SERVICE_DENIED: "Service denied",
    StatusCode.APPLICATION_DENIED: "Application denied",
}
_KNOWN: dict[int, StatusCode] = {int(code): code for code in StatusCode}
_CLASSES = {
    1: StatusCode.SUCCESS,
    2: StatusCode.CLIENT_ERROR,
    3: StatusCode.SERVER_ERROR,
    4: StatusCode.GENERAL_SERVICE_ERROR,
}


def status_class(code: int) -> StatusCode:
    """The general code that an unknown ``code`` is to be treated as: x000 of its class, else 3000."""
    return _CLASSES.get(code // 1000, StatusCode.SERVER_ERROR)


def known_status(code: int) -> StatusCode | int:
    """``code`` as a :class:`StatusCode` where the specification lists it, else as it is."""
    return _KNOWN.get(code, code)


def status_text(code: int) -> str:
    """The specification's text for ``code``; for a code that it does not list, the text of its class."""
    return _KNOWN.get(code, status_class(code)).text
