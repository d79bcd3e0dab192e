"""The version of an answer to a request that does not say its own, and what else is answered to what is incomplete."""

from __future__ import annotations

import io
from typing import Any

import pytest

from mm7_wsgi import Account, Dialect, MM7Endpoint, MM7Observer, MM7Request, Outcome, StatusCode
from mm7_wsgi.protocol.messages import DeliveryReportRsp, Response, Status, SubmitRsp

SCHEMA = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
NO_VERSION = "<{p}SenderIdentification/><{p}Recipients><{p}To><{p}Number>1</{p}Number></{p}To></{p}Recipients>"
NOBODY = "<{p}SenderIdentification/>"


def version_of(answer: Any) -> str | None:
    for element in answer.root.iter():
        if element.tag.rpartition("}")[2] == "MM7Version":
            return str(element.text)
    return None


def endpoint(handler: Any = None, dialect: Dialect | None = None) -> MM7Endpoint:
    account = Account("acme", dialect=dialect or Dialect())
    return MM7Endpoint(handler or (lambda request: None), accounts=lambda credentials: account)


@pytest.mark.parametrize(
    ("namespace", "version"),
    [(f"{SCHEMA}REL-5-MM7-1-0", "5.3.0"), (f"{SCHEMA}REL-6-MM7-1-4", "6.8.0"), ("urn:mm7", "6.8.0")],
)
@pytest.mark.parametrize("inner", [NO_VERSION, "<{p}MM7Version/>" + NO_VERSION, NOBODY])
def test_an_answer_has_the_newest_version_of_the_namespace_where_the_request_has_none(
    ask: Any, mm7: Any, namespace: str, version: str, inner: str
) -> None:
    answer = ask(endpoint(), mm7.request(inner=inner, namespace=namespace))

    assert answer.code == (2002 if inner == NOBODY else 1000)
    assert version_of(answer) == version


@pytest.mark.parametrize("inner", [NO_VERSION, NOBODY])
def test_the_version_and_the_namespace_of_the_dialect_come_first(ask: Any, mm7: Any, inner: str) -> None:
    request = mm7.request(inner=inner)

    assert version_of(ask(endpoint(dialect=Dialect(mm7_version="5.5.0")), request)) == "5.5.0"
    assert version_of(ask(endpoint(dialect=Dialect(namespace=f"{SCHEMA}REL-6-MM7-1-0")), request)) == "6.3.0"


def test_the_handler_sees_that_there_was_no_version(ask: Any, mm7: Any) -> None:
    seen: list[MM7Request] = []

    answer = ask(endpoint(seen.append), mm7.request(inner=NO_VERSION))

    assert answer.code == 1000
    assert seen[0].message.mm7_version == ""
    assert [(told.name, told.where) for told in seen[0].deviations] == [("element-missing", "SubmitReq/MM7Version")]


@pytest.mark.parametrize("by", ["success", "hand", "write"])
def test_a_response_without_a_version_gets_one_however_it_was_made(ask: Any, mm7: Any, by: str) -> None:
    def handler(request: MM7Request) -> Any:
        if by == "hand":
            status = Status(status_code=StatusCode.SUCCESS, status_text="Success")
            return SubmitRsp(mm7_version=request.message.mm7_version, status=status, message_id="1")
        response: Response = request.success(message_id="1")
        return request.write(response) if by == "write" else response

    answer = ask(endpoint(handler), mm7.request(inner=NO_VERSION, namespace=f"{SCHEMA}REL-5-MM7-1-5"))

    assert (answer.code, version_of(answer)) == (1000, "5.10.0")


def test_a_request_named_in_other_capitals_is_counted_by_its_name(ask: Any, mm7: Any) -> None:
    seen: list[Any] = []

    class Observer(MM7Observer):
        def accepted(self, outcome: Outcome) -> None:
            seen.append(outcome)

    account = Account("acme")
    app = MM7Endpoint(lambda request: None, accounts=lambda credentials: account, observer=Observer())
    request = mm7.request("DeliveryReportReq")
    body = request["wsgi.input"].read().replace(b"DeliveryReportReq", b"deliveryreportreq")

    answer = ask(app, mm7.request("DeliveryReportReq") | carrying(body))

    assert answer.name == DeliveryReportRsp.element_name
    assert [outcome.operation for outcome in seen] == ["DeliveryReportReq"]
    assert seen[0].deviations == ("element-renamed",)
    refused = body.replace(b"MessageID", b"MsgRef")
    assert b"VASPErrorRsp" in ask(app, mm7.request("DeliveryReportReq") | carrying(refused)).body


def carrying(body: bytes) -> dict[str, Any]:
    """The keys of an environ with another body."""
    return {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
