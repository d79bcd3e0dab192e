"""What can be answered instead of success."""

from __future__ import annotations

import copy
import pickle

import pytest

from mm7_wsgi.protocol import errors
from mm7_wsgi.protocol.errors import (
    AddressError,
    BadRequest,
    ClientError,
    ContentError,
    EnvelopeError,
    GeneralServiceError,
    ImproperIdentification,
    LengthRequired,
    LimitExceeded,
    MessageFormatCorrupt,
    MethodNotAllowed,
    MM7Error,
    MustUnderstand,
    ServerError,
    StatusError,
    TransactionIDError,
    Unauthorized,
    UnsupportedMediaType,
    UnsupportedOperation,
    UnsupportedVersion,
    ValidationError,
    VersionMismatch,
)
from mm7_wsgi.protocol.status import StatusCode

# name: code, local part of the faultcode, HTTP status (None: the account's), whether to send again
REFUSALS = {
    "ClientError": (2000, "Client", None, False),
    "OperationRestricted": (2001, "Client", None, False),
    "AddressError": (2002, "Client", None, False),
    "AddressNotFound": (2003, "Client", None, False),
    "ContentError": (2004, "Client", None, False),
    "LimitExceeded": (2004, "Client", 413, False),
    "MessageIDNotFound": (2005, "Client", None, False),
    "LinkedIDNotFound": (2006, "Client", None, False),
    "MessageFormatCorrupt": (2007, "Client", None, False),
    "ApplicationIDNotFound": (2008, "Client", None, False),
    "ReplyApplicationIDNotFound": (2009, "Client", None, False),
    "ServerError": (3000, "Server", None, True),
    "NotPossible": (3001, "Server", None, False),
    "MessageRejected": (3002, "Server", None, False),
    "MultipleAddressesNotSupported": (3003, "Server", None, False),
    "ApplicationAddressingNotSupported": (3004, "Server", None, False),
    "GeneralServiceError": (4000, "Server", None, False),
    "ImproperIdentification": (4001, "Client", None, False),
    "Unauthorized": (4001, "Client", 401, False),
    "StaleNonce": (4001, "Client", 401, False),
    "UnsupportedVersion": (4002, "Client", None, False),
    "UnsupportedOperation": (4003, "Client", None, False),
    "MethodNotAllowed": (4003, "Client", 405, False),
    "ValidationError": (4004, "Client", None, False),
    "BadRequest": (4004, "Client", 400, False),
    "LengthRequired": (4004, "Client", 411, False),
    "UnsupportedMediaType": (4004, "Client", 415, False),
    "ServiceError": (4005, "Server", None, False),
    "ServiceUnavailable": (4006, "Server", None, True),
    "Throttled": (4006, "Server", None, True),
    "ServiceDenied": (4007, "Client", None, False),
    "ApplicationDenied": (4008, "Client", None, False),
}
ENVELOPE_REFUSALS = {
    "VersionMismatch": ("VersionMismatch", 500),
    "MustUnderstand": ("MustUnderstand", 500),
    "TransactionIDError": ("Client.TransactionID", None),
}


def test_the_tables_of_this_test_leave_no_refusal_out() -> None:
    bases = {"MM7Error", "StatusError", "EnvelopeError"}

    assert {*REFUSALS, *ENVELOPE_REFUSALS, *bases} == set(errors.__all__)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_carries_its_own_answer(name: str) -> None:
    code, faultcode, http_status, temporary = REFUSALS[name]
    refusal: StatusError = getattr(errors, name)()

    assert (refusal.code, refusal.faultcode, refusal.http_status, refusal.temporary) == (
        code,
        faultcode,
        http_status,
        temporary,
    )
    assert isinstance(refusal.code, StatusCode)
    assert refusal.text == StatusCode(code).text
    assert refusal.details is None


@pytest.mark.parametrize("name", ENVELOPE_REFUSALS)
def test_what_soap_calls_wrong_has_a_faultcode_of_its_own(name: str) -> None:
    faultcode, http_status = ENVELOPE_REFUSALS[name]
    refusal: EnvelopeError = getattr(errors, name)("what is wrong")

    assert (refusal.faultcode, refusal.http_status, refusal.text) == (faultcode, http_status, "what is wrong")
    assert not refusal.temporary
    assert not isinstance(refusal, StatusError)


@pytest.mark.parametrize(
    ("general", "special"),
    [
        (ClientError, [AddressError, ContentError, MessageFormatCorrupt]),
        (ContentError, [LimitExceeded]),
        (ServerError, [errors.NotPossible, errors.MessageRejected]),
        (GeneralServiceError, [ImproperIdentification, UnsupportedVersion, errors.ServiceError]),
        (ImproperIdentification, [Unauthorized]),
        (Unauthorized, [errors.StaleNonce]),
        (UnsupportedOperation, [MethodNotAllowed]),
        (ValidationError, [BadRequest, LengthRequired, UnsupportedMediaType]),
        (EnvelopeError, [VersionMismatch, MustUnderstand, TransactionIDError]),
    ],
)
def test_catching_the_general_refusal_catches_the_special_one(
    general: type[MM7Error], special: list[type[MM7Error]]
) -> None:
    assert all(issubclass(one, general) for one in special)


@pytest.mark.parametrize("name", errors.__all__)
def test_every_refusal_is_an_mm7_error(name: str) -> None:
    assert issubclass(getattr(errors, name), MM7Error)


@pytest.mark.parametrize(
    ("code", "text", "faultcode"),
    [
        (2503, "Client error", "Client"),
        (3510, "Server Error", "Server"),
        (4500, "General service error", "Client"),
        (6102, "Server Error", "Client"),
        (9999, "Server Error", "Client"),
    ],
)
def test_a_vendors_code_is_kept_and_gets_the_text_of_its_class(code: int, text: str, faultcode: str) -> None:
    refusal = MM7Error(code)

    assert (refusal.code, refusal.text, refusal.faultcode) == (code, text, faultcode)
    assert not isinstance(refusal.code, StatusCode)


def test_a_listed_number_becomes_a_status_code() -> None:
    assert isinstance(MM7Error(2003).code, StatusCode)


@pytest.mark.parametrize("code", [-1, 0, 1000, 1100, 1999, 10000])
def test_what_is_no_refusal_cannot_be_one(code: int) -> None:
    with pytest.raises(ValueError, match=f"{code} is no status code for a refusal"):
        MM7Error(code)


def test_a_text_of_the_hosts_own_replaces_that_of_the_specification() -> None:
    assert MM7Error(2503, "one recipient at a time").text == "one recipient at a time"
    assert AddressError("nobody there").text == "nobody there"
    assert AddressError("").text == ""


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (AddressError(), "2002 Address Error"),
        (AddressError(details="SubmitReq/Recipients"), "2002 Address Error: SubmitReq/Recipients"),
        (MM7Error(2503, "one at a time", details="two were given"), "2503 one at a time: two were given"),
        (TransactionIDError("it is missing"), "4004 it is missing"),
    ],
    ids=str,
)
def test_printed_it_says_code_text_and_details(refusal: MM7Error, words: str) -> None:
    assert str(refusal) == words


@pytest.mark.parametrize(
    "duplicate", [copy.copy, lambda refusal: pickle.loads(pickle.dumps(refusal))], ids=["copy", "pickle"]
)
@pytest.mark.parametrize(
    "refusal",
    [
        MM7Error(2503, "one at a time", details="two were given"),
        AddressError("nobody", details="there"),
        Unauthorized(),
        MustUnderstand("a block"),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
def test_a_refusal_survives_the_way_out_of_another_process(refusal: MM7Error, duplicate: object) -> None:
    again = duplicate(refusal)  # type: ignore[operator]

    assert type(again) is type(refusal)
    assert (again.code, again.text, again.details) == (refusal.code, refusal.text, refusal.details)
