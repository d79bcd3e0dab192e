"""The status codes and their texts."""

from __future__ import annotations

import pytest

from mm7_wsgi.protocol.status import StatusCode, known_status, status_class, status_text

# The table of the specification, with its wording.
TEXTS = {
    1000: "Success",
    1100: "Partial success",
    2000: "Client error",
    2001: "Operation restricted",
    2002: "Address Error",
    2003: "Address Not Found",
    2004: "Multimedia content refused",
    2005: "Message ID Not found",
    2006: "LinkedID not found",
    2007: "Message format corrupt",
    2008: "Application ID not found",
    2009: "Reply Application ID not found",
    3000: "Server Error",
    3001: "Not Possible",
    3002: "Message rejected",
    3003: "Multiple addresses not supported",
    3004: "Application Addressing not supported",
    4000: "General service error",
    4001: "Improper identification",
    4002: "Unsupported version",
    4003: "Unsupported operation",
    4004: "Validation error",
    4005: "Service error",
    4006: "Service unavailable",
    4007: "Service denied",
    4008: "Application denied",
}


def test_the_codes_and_texts_are_those_of_the_specification() -> None:
    assert {int(code): code.text for code in StatusCode} == TEXTS


@pytest.mark.parametrize("code", TEXTS)
def test_a_listed_code_is_known_and_has_its_own_text(code: int) -> None:
    known = known_status(code)

    assert isinstance(known, StatusCode)
    assert known == code
    assert status_text(code) == TEXTS[code]


@pytest.mark.parametrize("code", [1001, 2150, 2503, 2999, 3005, 3510, 4009, 5000, 6102, 9999])
def test_a_vendors_code_stays_the_number_that_it_is(code: int) -> None:
    known = known_status(code)

    assert known == code
    assert not isinstance(known, StatusCode)


@pytest.mark.parametrize(
    ("code", "general"),
    [
        (1000, 1000),
        (1001, 1000),
        (1999, 1000),
        (2003, 2000),
        (2503, 2000),
        (3005, 3000),
        (3999, 3000),
        (4008, 4000),
        (4999, 4000),
        (5000, 3000),
        (6102, 3000),
        (9999, 3000),
        (999, 3000),
        (1, 3000),
    ],
)
def test_a_code_is_treated_as_the_general_one_of_its_class_and_outside_the_classes_as_3000(
    code: int, general: int
) -> None:
    assert status_class(code) == general
    assert isinstance(status_class(code), StatusCode)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1001, "Success"),
        (2503, "Client error"),
        (3510, "Server Error"),
        (4500, "General service error"),
        (6102, "Server Error"),
    ],
)
def test_an_unlisted_code_has_the_text_of_its_class(code: int, text: str) -> None:
    assert status_text(code) == text
