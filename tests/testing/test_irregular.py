"""One message for each irregularity: an endpoint notes that one and no other, and a strict one refuses it."""

from __future__ import annotations

from typing import Any

import pytest

from mm7_wsgi import MM7Endpoint, MM7Request
from mm7_wsgi.protocol.deviations import CATALOGUE
from mm7_wsgi.testing import irregular, irregularities
from mm7_wsgi.testing.irregular import PARTS, REGULAR, regular

#: What only an answer can show.
OF_ANSWERS = {"transaction-missing", "error-unwrapped", "status-code-zero"}
EVERY_ONE = pytest.mark.parametrize(
    ("operation", "name"), [(operation, name) for operation in REGULAR for name in irregularities(operation)]
)


class Recorder:
    """A handler that reads every part, and keeps what it got of the last message."""

    def __init__(self) -> None:
        self.found: Any = None

    def __call__(self, request: MM7Request) -> None:
        leaves = [part.data for part in request.leaves()]
        self.found = request.message.operation, [deviation.name for deviation in request.deviations], leaves


@pytest.fixture
def send(ask: Any, make_environ: Any) -> Any:
    """Sends a message to an endpoint: the answer, and what the handler got."""

    def send(message: Any, *, strict: bool = False) -> tuple[Any, Any]:
        handler = Recorder()
        endpoint = MM7Endpoint(handler, accounts={"acme": "s3cret"}, strict=strict)
        return ask(endpoint, make_environ(message.body, CONTENT_TYPE=message.content_type)), handler.found

    return send


@pytest.mark.parametrize("operation", REGULAR)
def test_what_they_are_made_from_is_regular(send: Any, operation: str) -> None:
    answer, found = send(regular(operation), strict=True)
    assert answer.code == 1000
    held = [part[1] for part in PARTS] if operation != "cancel" else []
    assert found == (operation, [], [part.encode() if isinstance(part, str) else part for part in held])


@EVERY_ONE
def test_an_irregular_message_is_accepted_and_shows_that_irregularity_alone(
    send: Any, operation: str, name: str
) -> None:
    answer, (found, deviations, _) = send(irregular(name, operation))
    assert answer.code == 1000, answer.details
    assert (found, set(deviations)) == (operation, {name})


@EVERY_ONE
def test_an_irregular_message_is_refused_by_a_strict_endpoint(send: Any, operation: str, name: str) -> None:
    answer, found = send(irregular(name, operation), strict=True)
    assert (answer.name, found) == ("Fault", None)
    assert answer.code in (2004, 4004, CATALOGUE[name].refusal.status_code)


def test_every_irregularity_of_a_request_has_a_message() -> None:
    assert set(irregularities()) == set(CATALOGUE) - OF_ANSWERS
    assert list(irregularities()) == [name for name in CATALOGUE if name in irregularities()]
    assert irregularities("submit") == irregularities("deliver") == irregularities()
    assert irregularities("cancel") == ("element-missing",)


def test_the_operation_is_the_first_that_can_show_it() -> None:
    assert irregular("line-ends") == irregular("line-ends", "submit")
    assert irregular("element-missing") == irregular("element-missing", "submit")


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="no irregularity is called 'bare-lf'; there are line-ends, delimiter-blanks"):
        irregular("bare-lf")
    with pytest.raises(ValueError, match="no irregularity is called 'error-unwrapped'"):
        irregular("error-unwrapped")
    with pytest.raises(ValueError, match="no irregularity of cancel is called 'line-ends'; there are element-missing"):
        irregular("line-ends", "cancel")
    with pytest.raises(ValueError, match="operation is one of submit, deliver, cancel, not 'replace'"):
        irregularities("replace")
