"""What can be answered instead of success.

Each class carries its own answer, so whoever raises one need not know how a fault is written, and whoever writes it
need not know why. A host raises or returns any of the left column; the right column is raised by the package alone, but
for ``Unauthorized``, which a resolver raises to challenge in its own way::

    MM7Error                                  any code, also a vendor's: MM7Error(2503, "one recipient at a time")
    |-- ClientError                     2000
    |   |-- OperationRestricted         2001
    |   |-- AddressError                2002
    |   |-- AddressNotFound             2003
    |   |-- ContentError                2004  |-- LimitExceeded (HTTP 413)
    |   |-- MessageIDNotFound           2005
    |   |-- LinkedIDNotFound            2006
    |   |-- MessageFormatCorrupt        2007
    |   |-- ApplicationIDNotFound       2008
    |   `-- ReplyApplicationIDNotFound  2009
    |-- ServerError                     3000
    |   |-- NotPossible                 3001
    |   |-- MessageRejected             3002
    |   |-- MultipleAddressesNotSupported      3003
    |   `-- ApplicationAddressingNotSupported  3004
    |-- GeneralServiceError             4000
    |   |-- ImproperIdentification      4001  |-- Unauthorized (HTTP 401) |-- StaleNonce
    |   |-- UnsupportedVersion          4002
    |   |-- UnsupportedOperation        4003  |-- MethodNotAllowed (HTTP 405)
    |   |-- ValidationError             4004  |-- LengthRequired (411), BadRequest (400), UnsupportedMediaType (415)
    |   |-- ServiceError                4005
    |   |-- ServiceUnavailable          4006  |-- Throttled
    |   |-- ServiceDenied               4007
    |   `-- ApplicationDenied           4008
    `-- EnvelopeError                         no status: what SOAP itself calls wrong
        |-- VersionMismatch
        |-- MustUnderstand
        `-- TransactionIDError

A mistake in how the package is set up is none of these: that is a ``TypeError`` or ``ValueError`` where it is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import ClassVar

from .status import StatusCode, known_status, status_text

__all__ = [
    "AddressError",
    "AddressNotFound",
    "ApplicationAddressingNotSupported",
    "ApplicationDenied",
    "ApplicationIDNotFound",
    "BadRequest",
    "ClientError",
    "ContentError",
    "EnvelopeError",
    "GeneralServiceError",
    "ImproperIdentification",
    "LengthRequired",
    "LimitExceeded",
    "LinkedIDNotFound",
    "MM7Error",
    "MessageFormatCorrupt",
    "MessageIDNotFound",
    "MessageRejected",
    "MethodNotAllowed",
    "MultipleAddressesNotSupported",
    "MustUnderstand",
    "NotPossible",
    "OperationRestricted",
    "ReplyApplicationIDNotFound",
    "ServerError",
    "ServiceDenied",
    "ServiceError",
    "ServiceUnavailable",
    "StaleNonce",
    "StatusError",
    "Throttled",
    "TransactionIDError",
    "Unauthorized",
    "UnsupportedMediaType",
    "UnsupportedOperation",
    "UnsupportedVersion",
    "ValidationError",
    "VersionMismatch",
]

# Codes of the service class that are the server's doing, not the client's (TS 23.140 table of status codes).
_SERVER_SIDE = frozenset({4000, 4005, 4006})
_TEMPORARY = frozenset({3000, 4006})
_HEADER_VALUE = re.compile("[!-~](?:[ -~]*[!-~])?")


class MM7Error(Exception):
    """A refusal, with what becomes ``StatusCode``, ``StatusText`` and ``Details`` of the answer.

    ``code`` is from 2000 to 9999 (``ValueError`` otherwise): a :class:`StatusCode`, or a number of the host's own.
    ``text`` is by default the specification's for that code.
    """

    #: The HTTP status of the answer; None leaves it to the account's ``Dialect.fault_http_status``. A dialect of 200
    #: stands above any but 401 and 405, unless the refusal is temporary.
    http_status: ClassVar[int | None] = None
    #: Seconds until the peer should try again, as the answer's ``Retry-After`` (RFC 9110, 10.2.3).
    retry_after: int | None = None

    def __init__(self, code: int, text: str | None = None, *, details: str | None = None) -> None:
        if not 2000 <= code <= 9999:
            raise ValueError(f"{code} is no status code for a refusal: those are 2000 to 9999")
        self.code: StatusCode | int = known_status(code)
        self.text = status_text(code) if text is None else text
        self.details = details
        super().__init__(int(self.code), self.text)

    def __str__(self) -> str:
        words = f"{int(self.code)} {self.text}"
        return f"{words}: {self.details}" if self.details else words

    @property
    def temporary(self) -> bool:
        """Whether the peer should send the same again later."""
        return self.code in _TEMPORARY

    @property
    def faultcode(self) -> str:
        """The local part of the SOAP faultcode: ``Server`` where the fault is on our side, else ``Client``."""
        return "Server" if self.code // 1000 == 3 or self.code in _SERVER_SIDE else "Client"


class StatusError(MM7Error):
    """A refusal whose code is its class's own; the base of all those with a code."""

    status_code: ClassVar[StatusCode]

    def __init__(self, text: str | None = None, *, details: str | None = None) -> None:
        super().__init__(self.status_code, text, details=details)
        self.args = (self.text,)  # what pickle makes it from again


class ClientError(StatusError):
    """2000: the request is invalid."""

    status_code = StatusCode.CLIENT_ERROR


class OperationRestricted(ClientError):
    """2001: the sender has no permission for this command."""

    status_code = StatusCode.OPERATION_RESTRICTED


class AddressError(ClientError):
    """2002: an address is not understood, or not served; of several, at least one."""

    status_code = StatusCode.ADDRESS_ERROR


class AddressNotFound(ClientError):
    """2003: an address is not known here."""

    status_code = StatusCode.ADDRESS_NOT_FOUND


class ContentError(ClientError):
    """2004: the content cannot be read, or its size or media type is refused."""

    status_code = StatusCode.MULTIMEDIA_CONTENT_REFUSED


class MessageIDNotFound(ClientError):
    """2005: the id of an earlier message is not known."""

    status_code = StatusCode.MESSAGE_ID_NOT_FOUND


class LinkedIDNotFound(ClientError):
    """2006: the LinkedID is not known."""

    status_code = StatusCode.LINKED_ID_NOT_FOUND


class MessageFormatCorrupt(ClientError):
    """2007: the value of an element is of wrong form."""

    status_code = StatusCode.MESSAGE_FORMAT_CORRUPT


class ApplicationIDNotFound(ClientError):
    """2008: the ApplicID is not known (Rel-6)."""

    status_code = StatusCode.APPLICATION_ID_NOT_FOUND


class ReplyApplicationIDNotFound(ClientError):
    """2009: the ReplyApplicID is not known (Rel-6)."""

    status_code = StatusCode.REPLY_APPLICATION_ID_NOT_FOUND


class ServerError(StatusError):
    """3000: a valid request could not be carried out; the peer may send it again."""

    status_code = StatusCode.SERVER_ERROR


class NotPossible(ServerError):
    """3001: for instance cancelling what was delivered already."""

    status_code = StatusCode.NOT_POSSIBLE


class MessageRejected(ServerError):
    """3002: the server could not complete the service."""

    status_code = StatusCode.MESSAGE_REJECTED


class MultipleAddressesNotSupported(ServerError):
    """3003: to be sent again, one recipient at a time."""

    status_code = StatusCode.MULTIPLE_ADDRESSES_NOT_SUPPORTED


class ApplicationAddressingNotSupported(ServerError):
    """3004: ApplicID is not supported (Rel-6)."""

    status_code = StatusCode.APPLICATION_ADDRESSING_NOT_SUPPORTED


class GeneralServiceError(StatusError):
    """4000: the service cannot be had."""

    status_code = StatusCode.GENERAL_SERVICE_ERROR


class ImproperIdentification(GeneralServiceError):
    """4001: the identification in the message does not single out a client."""

    status_code = StatusCode.IMPROPER_IDENTIFICATION


class UnsupportedVersion(GeneralServiceError):
    """4002: the version of MM7 is not supported."""

    status_code = StatusCode.UNSUPPORTED_VERSION


class UnsupportedOperation(GeneralServiceError):
    """4003: the operation is not supported."""

    status_code = StatusCode.UNSUPPORTED_OPERATION


class ValidationError(GeneralServiceError):
    """4004: the XML cannot be parsed, or a mandatory element is missing."""

    status_code = StatusCode.VALIDATION_ERROR


class ServiceError(GeneralServiceError):
    """4005: the server failed on this message; it is not to be sent again."""

    status_code = StatusCode.SERVICE_ERROR


class ServiceUnavailable(GeneralServiceError):
    """4006: not now; the peer sends it again later, with ``retry_after`` in so many seconds."""

    status_code = StatusCode.SERVICE_UNAVAILABLE

    def __init__(self, text: str | None = None, *, details: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(text, details=details)
        if retry_after is not None and (isinstance(retry_after, bool) or not isinstance(retry_after, int)):
            raise TypeError(f"retry_after has to be whole seconds, not {type(retry_after).__name__}")
        if retry_after is not None and retry_after < 0:
            raise ValueError(f"retry_after has to be seconds from now, not {retry_after}")
        self.retry_after = retry_after


class ServiceDenied(GeneralServiceError):
    """4007: the client is not entitled to this service."""

    status_code = StatusCode.SERVICE_DENIED


class ApplicationDenied(GeneralServiceError):
    """4008: the application is not entitled to this service (Rel-6)."""

    status_code = StatusCode.APPLICATION_DENIED


class LimitExceeded(ContentError):
    """2004 with HTTP 413: the message is larger than :class:`~mm7_wsgi.Limits` allows."""

    http_status = 413


class Throttled(ServiceUnavailable):
    """4006: too many requests, or too many wrong credentials, in too short a time."""


class Unauthorized(ImproperIdentification):
    """4001 with HTTP 401: the credentials are missing or wrong. The answer never says which.

    ``challenges`` are the values of ``WWW-Authenticate`` (RFC 9110, 11.6.1), in their order: strings, or werkzeug's
    ``WWWAuthenticate``. By default they are those of the endpoint. Raises ``TypeError`` and ``ValueError`` for what
    cannot be headers.
    """

    http_status = 401
    #: Whether the credentials are right but for a nonce that has expired (RFC 7616, 3.3).
    stale: bool = False

    def __init__(
        self, text: str | None = None, *, details: str | None = None, challenges: Iterable[object] | None = None
    ) -> None:
        super().__init__(text, details=details)
        #: None leaves them to the endpoint.
        self.challenges: tuple[str, ...] | None = None
        if challenges is not None:
            if isinstance(challenges, (str, bytes)):
                raise TypeError(f"challenges has to be a list of them, not {type(challenges).__name__}")
            self.challenges = tuple(map(str, challenges))
            if not self.challenges:
                raise ValueError("challenges is empty; an answer with HTTP 401 has at least one (RFC 9110, 15.5.2)")
            if not all(map(_HEADER_VALUE.fullmatch, self.challenges)):
                raise ValueError("challenges: each has to be the value of a header, in printable ASCII")


class StaleNonce(Unauthorized):
    """4001 with HTTP 401 and ``stale=true``: the client repeats the request with a new nonce, without asking its user.

    It is raised for a response that is otherwise right, so it is no wrong guess.
    """

    stale = True


class MethodNotAllowed(UnsupportedOperation):
    """4003 with HTTP 405: MM7 is POST only."""

    http_status = 405


class BadRequest(ValidationError):
    """4004 with HTTP 400: the HTTP request is malformed, or its body is not all there."""

    http_status = 400


class LengthRequired(ValidationError):
    """4004 with HTTP 411: the request has no Content-Length, or its body is chunked."""

    http_status = 411


class UnsupportedMediaType(ValidationError):
    """4004 with HTTP 415: neither multipart nor XML, or a Content-Encoding."""

    http_status = 415


class EnvelopeError(MM7Error):
    """What SOAP 1.1 itself calls wrong. The fault has a faultcode of its own and no detail."""

    soap_faultcode: ClassVar[str]

    def __init__(self, text: str) -> None:
        super().__init__(StatusCode.VALIDATION_ERROR, text)
        self.args = (text,)

    @property
    def faultcode(self) -> str:
        """The local part of the SOAP faultcode."""
        return self.soap_faultcode


class VersionMismatch(EnvelopeError):
    """The envelope is of another version of SOAP (SOAP 1.1, 4.1.2)."""

    soap_faultcode = "VersionMismatch"
    http_status = 500


class MustUnderstand(EnvelopeError):
    """A header block has to be understood and is not (SOAP 1.1, 4.2.3)."""

    soap_faultcode = "MustUnderstand"
    http_status = 500


class TransactionIDError(EnvelopeError):
    """The TransactionID is missing, empty, or there twice (TS 23.140, clause 8.7)."""

    soap_faultcode = "Client.TransactionID"
