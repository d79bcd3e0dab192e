"""The way of a request to its answer: the table of answers, the order of judgement, the callback, the log."""

from __future__ import annotations

import base64
import logging
import os
import re
import tempfile
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix

from mm7_wsgi import (
    Account,
    Address,
    AddressKind,
    AddressNotFound,
    CancelRsp,
    ContentError,
    Credentials,
    Dialect,
    Limits,
    MM7Endpoint,
    MM7Error,
    MM7Request,
    RSErrorRsp,
    ServiceUnavailable,
    Status,
    StatusCode,
)
from mm7_wsgi.protocol.deviations import CATALOGUE
from mm7_wsgi.protocol.errors import (
    MethodNotAllowed,
    OperationRestricted,
    Throttled,
    TransactionIDError,
    Unauthorized,
    VersionMismatch,
)

REL_6 = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
REL_5 = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
ACCOUNTS = {"acme": "s3cret"}
CALLS_BACK = ("SubmitReq", "DeliverReq", "CancelReq", "ReplaceReq")

on_linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc/self/fd")


class Recorder:
    """A handler that keeps what it was called with, and does what it is told."""

    def __init__(self, outcome: Any = None) -> None:
        self.requests: list[MM7Request] = []
        self._outcome = outcome

    def __call__(self, request: MM7Request) -> Any:
        self.requests.append(request)
        outcome = self._outcome(request) if callable(self._outcome) else self._outcome
        if isinstance(outcome, BaseException) and not isinstance(outcome, MM7Error):
            raise outcome
        return outcome


def raising(error: Callable[[MM7Request], BaseException]) -> Recorder:
    def fail(request: MM7Request) -> Any:
        raise error(request)

    return Recorder(fail)


def endpoint(handler: Any = None, **settings: Any) -> MM7Endpoint:
    return MM7Endpoint(handler or Recorder(), **{"accounts": ACCOUNTS, **settings})


def speaking(**dialect: Any) -> dict[str, Account]:
    return {"acme": Account("acme", "s3cret", dialect=Dialect(**dialect))}


# -- who is asking


@pytest.mark.parametrize(
    ("forwarded", "account"),
    [
        ("203.0.113.9:51234", "203.0.113.9"),
        ("203.0.113.9", "203.0.113.9"),
        ("[2001:db8::7]:51234", "2001:db8::/64"),
        ("[2001:db8::7]", "2001:db8::/64"),
        ("203.0.113.10:51234", None),
        ("203.0.113.9:x", None),
    ],
)
def test_a_gateway_may_write_the_port_behind_the_address(
    ask: Any, mm7: Any, forwarded: str, account: str | None
) -> None:
    """As some do in X-Forwarded-For, of which ProxyFix makes REMOTE_ADDR; it is no part of who is asking."""
    handler = Recorder()
    app = ProxyFix(endpoint(handler, accounts={"203.0.113.9": None, "2001:db8::/64": None}), x_for=1)
    answer = ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_X_FORWARDED_FOR": forwarded}))
    assert answer.status == (401 if account is None else 200)
    assert [request.account.name for request in handler.requests] == ([account] if account else [])


def test_an_account_may_send_from_its_address_with_any_port(ask: Any, mm7: Any) -> None:
    accounts = {"acme": Account("acme", "s3cret", addresses=["203.0.113.0/24"])}
    for remote, status in (("203.0.113.9:51234", 200), ("192.0.2.7:51234", 401)):
        assert ask(endpoint(accounts=accounts), mm7.request(environ={"REMOTE_ADDR": remote})).status == status


# -- success


@pytest.mark.parametrize("operation", ["SubmitReq", "DeliverReq", "CancelReq", "ReplaceReq", "extendedCancelReq",
                                       "extendedReplaceReq", "DeliveryReportReq", "ReadReplyReq"])  # fmt: skip
@pytest.mark.parametrize(("partial", "code", "text"), [(False, 1000, "Success"), (True, 1100, "Partial success")])
def test_an_accepted_operation_is_answered_by_its_own_response(
    ask: Any, mm7: Any, operation: str, partial: bool, code: int, text: str
) -> None:
    handler = Recorder(lambda request: request.partial() if partial else None)
    answer = ask(endpoint(handler), mm7.request(operation))
    (request,) = handler.requests
    assert (answer.status, answer.name) == (200, mm7.answered_by[operation][0])
    assert answer.code == code
    assert answer.transaction == (REL_6, "tid-1", "1")
    assert (answer.namespace, answer.version) == (REL_6, "6.8.0")
    has_no_text = operation in ("extendedCancelReq", "extendedReplaceReq")
    assert answer.text == (None if has_no_text else text)
    has_id = operation in ("SubmitReq", "extendedReplaceReq")
    assert answer.message_id == (request.message_id if has_id else None)
    assert sorted(name for name, _ in answer.headers) == ["Content-Length", "Content-Type"]


def test_the_handler_finds_what_a_framework_makes_of_the_request(call: Any, mm7: Any) -> None:
    handler = Recorder()
    app = endpoint(handler)
    theirs = object()
    call(lambda environ, start_response: app.answer(environ, start_response, len("/mm7"), theirs), mm7.request())
    call(app, mm7.request())
    assert [request.host_request for request in handler.requests] == [theirs, None]


def test_the_message_id_of_every_request_is_another(ask: Any, mm7: Any) -> None:
    handler = Recorder()
    app = endpoint(handler)
    found = {ask(app, mm7.request()).message_id for _ in range(20)}
    assert found == {request.message_id for request in handler.requests}
    assert len(found) == 20


def test_what_the_host_answers_is_what_is_written(ask: Any, mm7: Any) -> None:
    submit = Recorder(lambda request: request.success(message_id='a<b>"&', details="first of two"))
    answer = ask(endpoint(submit), mm7.request())
    assert (answer.code, answer.message_id, answer.details) == (1000, 'a<b>"&', "first of two")
    deliver = Recorder(lambda request: request.partial(service_code="news", details="one left"))
    answer = ask(endpoint(deliver), mm7.request("DeliverReq"))
    assert (answer.code, answer.details) == (1100, "one left")
    assert answer.response.findtext("{*}ServiceCode") == "news"


# -- refusals: the table of answers. Each row is a request that breaks one rule.


class Row(NamedTuple):
    """A request, and what is answered. An ``http`` of None is the account's ``fault_http_status``.

    A ``fault_http_status`` of 200 stands above any ``http`` but 401 and 405.
    """

    name: str
    environ: Callable[[Any], dict[str, Any]]
    http: int | None
    faultcode: str
    code: int | None = 4004
    text: str | None = "Validation error"
    detail: str | None = "RSErrorRsp"
    #: Whether the envelope was read as far as to its TransactionID.
    echoes: bool = True
    #: A word of Details: the element, header or limit at fault.
    names: str = ""
    #: Settings of the endpoint.
    settings: dict[str, Any] = {}  # noqa: RUF012


class Refused(Row):
    """Before the envelope was read."""

    def __new__(cls, *values: Any, **more: Any) -> Refused:
        return super().__new__(cls, *values, **{"echoes": False, **more})


def limits(**most: int) -> dict[str, Any]:
    return {"limits": Limits(**most)}


def packed(mm7: Any, *parts: bytes, **options: Any) -> dict[str, Any]:
    content_type, body = mm7.package(mm7.soap(), *parts, **options)
    return mm7.request(environ={}) | mm7_environ(mm7, content_type, body)


def mm7_environ(mm7: Any, content_type: str, body: bytes, **more: Any) -> dict[str, Any]:
    environ: dict[str, Any] = mm7.request()
    environ["wsgi.input"] = type(environ["wsgi.input"])(body)
    return environ | {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))} | more


def bare(body: bytes, **more: Any) -> Callable[[Any], dict[str, Any]]:
    return lambda mm7: mm7_environ(mm7, "text/xml", body, **more)


def soap(name: str = "SubmitReq", /, **envelope: Any) -> Callable[[Any], dict[str, Any]]:
    return lambda mm7: mm7.request(name, **envelope)


def with_headers(**headers: Any) -> Callable[[Any], dict[str, Any]]:
    def build(mm7: Any) -> dict[str, Any]:
        environ = mm7.request(environ=headers)
        return {key: value for key, value in environ.items() if value is not None}

    return build


def nested(levels: int) -> Callable[[Any], dict[str, Any]]:
    def build(mm7: Any) -> dict[str, Any]:
        part = mm7.part(b"x", "Content-Type: text/plain")
        for level in range(levels - 1):
            inside = mm7.multipart(part, boundary=f"level{level}")
            part = mm7.part(inside, f"Content-Type: multipart/mixed; boundary=level{level}")
        return packed(mm7, part)

    return build


HEAD = "<{p}MM7Version>6.8.0</{p}MM7Version><{p}SenderIdentification/>"
TO = "<{p}Recipients><{p}To><{p}Number>1</{p}Number></{p}To></{p}Recipients>"
REPORT = "<{p}MM7Version>6.8.0</{p}MM7Version><{p}MessageID>m</{p}MessageID>"
UNAUTHORIZED = {"http": 401, "faultcode": "Client", "code": 4001, "text": "Improper identification"}
TOO_LARGE = {"http": 413, "faultcode": "Client", "code": 2004, "text": "Multimedia content refused"}
SOAP_FAULT = {"code": None, "text": None, "detail": None}

ROWS = [
    # method
    *[
        Refused(f"method {method}", with_headers(REQUEST_METHOD=method), 405, "Client", 4003, "Unsupported operation")
        for method in ("GET", "OPTIONS", "PUT", "DELETE", "PATCH")
    ],
    Refused(
        "a GET without credentials",
        with_headers(REQUEST_METHOD="GET", PATH_INFO="/mm7"),
        405,
        "Client",
        4003,
        "Unsupported operation",
    ),
    # credentials
    Refused("no credentials", with_headers(PATH_INFO="/mm7"), **UNAUTHORIZED),
    Refused("unknown account", with_headers(PATH_INFO="/mm7/nobody=s3cret"), **UNAUTHORIZED),
    Refused("wrong password", with_headers(PATH_INFO="/mm7/acme=wrong"), **UNAUTHORIZED),
    Refused("a tail without =", with_headers(PATH_INFO="/mm7/acme"), **UNAUTHORIZED),
    Refused("Basic without a colon", with_headers(HTTP_AUTHORIZATION="Basic YWNtZQ=="), **UNAUTHORIZED),
    Refused("Basic in bad base64", with_headers(HTTP_AUTHORIZATION="Basic %%%"), **UNAUTHORIZED),
    # type
    *[
        Refused(f"type {written!r}", with_headers(CONTENT_TYPE=written), 415, "Client", names="Content-Type")
        for written in (None, "", "text/html", "application/x-www-form-urlencoded", "application/vnd.wap.mms-message")
    ],
    Refused(
        "Content-Encoding gzip", with_headers(HTTP_CONTENT_ENCODING="gzip"), 415, "Client", names="Content-Encoding"
    ),
    # length
    Refused("no Content-Length", with_headers(CONTENT_LENGTH=None), 411, "Client", names="Content-Length"),
    Refused("empty Content-Length", with_headers(CONTENT_LENGTH=""), 411, "Client", names="Content-Length"),
    Refused(
        "chunked",
        with_headers(CONTENT_LENGTH=None, HTTP_TRANSFER_ENCODING="chunked"),
        411,
        "Client",
        names="Content-Length",
    ),
    *[
        Refused(f"Content-Length {written!r}", with_headers(CONTENT_LENGTH=written), 400, "Client", names="Content-Len")
        for written in ("abc", "+5", "-5", "5, 6", "0x10", "1_0", " 5", "5 ", "\uff15", "1" * 20, "1e3")
    ],
    Refused(
        "Content-Length and Transfer-Encoding",
        with_headers(HTTP_TRANSFER_ENCODING="chunked"),
        400,
        "Client",
        names="Transfer-Encoding",
    ),
    Refused("a body that is cut off", with_headers(CONTENT_LENGTH="99999"), 400, "Client", names="of 99999 octets"),
    # limits of the multipart
    Refused("limit body", soap(), **TOO_LARGE, names="(body)", settings=limits(body=100)),
    Refused("limit envelope", soap(), **TOO_LARGE, names="(envelope)", settings=limits(envelope=100)),
    Refused("limit envelope, packed", packed, **TOO_LARGE, names="(envelope)", settings=limits(envelope=100)),
    Refused(
        "limit parts",
        lambda mm7: packed(mm7, *[mm7.part(b"x", "Content-Type: text/plain")] * 3),
        **TOO_LARGE,
        names="(parts)",
        settings=limits(parts=3),
    ),
    Refused("limit mime_depth", nested(4), **TOO_LARGE, names="(mime_depth)", settings=limits(mime_depth=3)),
    Refused(
        "limit header_line in a part",
        lambda mm7: packed(mm7, mm7.part(b"x", "X-Long: " + 300 * "x")),
        **TOO_LARGE,
        names="(header_line)",
        settings=limits(header_line=250),
    ),
    Refused(
        "limit header_line in HTTP",
        with_headers(CONTENT_TYPE="text/xml; x=" + 300 * "x"),
        **TOO_LARGE,
        names="(header_line)",
        settings=limits(header_line=250),
    ),
    Refused(
        "limit headers",
        lambda mm7: packed(mm7, mm7.part(b"x", *[f"X-{number}: x" for number in range(9)])),
        **TOO_LARGE,
        names="(headers)",
        settings=limits(headers=8),
    ),
    # framing
    Refused(
        "no delimiter",
        lambda mm7: mm7_environ(mm7, "multipart/related; boundary=x", b"hello"),
        None,
        "Client",
        names="multipart",
    ),
    Refused(
        "no boundary",
        lambda mm7: mm7_environ(mm7, "multipart/related", b"hello\r\n"),
        None,
        "Client",
        names="boundary",
    ),
    Refused(
        "a delimiter that goes on",
        lambda mm7: mm7_environ(mm7, "multipart/related; boundary=x", b"--x\r\n\r\nhello\r\n--xy\r\n--x--"),
        None,
        "Client",
        names="delimiter",
    ),
    Refused(
        "no close delimiter, to a strict endpoint",
        lambda mm7: mm7_environ(mm7, "multipart/related; boundary=x", b"--x\r\n\r\nhello"),
        None,
        "Client",
        names="close delimiter",
        settings={"strict": True},
    ),
    Refused(
        "an inner multipart without delimiters",
        lambda mm7: packed(mm7, mm7.part(b"x", "Content-Type: multipart/mixed; boundary=y", "Content-ID: <inner>")),
        None,
        "Client",
        2004,
        "Multimedia content refused",
        names="<inner>",
    ),
    # limits of the envelope
    Refused("limit elements", soap(), None, "Client", names="(elements)", settings=limits(elements=5)),
    Refused("limit depth", soap(), None, "Client", names="(depth)", settings=limits(depth=4)),
    Refused(
        "limit attributes",
        soap(more='<x a="" b="" c="" d="" e=""/>'),
        None,
        "Client",
        names="(attributes)",
        settings=limits(attributes=4),
    ),
    Refused("limit namespace", soap(), None, "Client", names="(namespace)", settings=limits(namespace=30)),
    Row(
        "limit recipients",
        soap(inner=HEAD + "<{p}Recipients><{p}To>" + "<{p}Number>1</{p}Number>" * 4 + "</{p}To></{p}Recipients>"),
        None,
        "Client",
        2002,
        "Address Error",
        names="(recipients)",
        settings=limits(recipients=3),
    ),
    # the envelope
    Refused("an empty body", bare(b""), None, "Client", names="well-formed"),
    Refused("not well-formed", bare(b"<a><b></a>"), None, "Client", names="well-formed"),
    Refused("a document type", bare(b"<!DOCTYPE a><a/>"), None, "Client", names="document type"),
    Refused("a processing instruction", bare(b"<?a b?><a/>"), None, "Client", names="processing instruction"),
    Refused("no envelope", bare(b"<a/>"), None, "Client", names="Envelope"),
    Refused("SOAP 1.2", soap(soap=SOAP_12), 500, "VersionMismatch", **SOAP_FAULT),
    Refused("no TransactionID", soap(transaction=None), None, "Client.TransactionID", **SOAP_FAULT),
    Refused("empty TransactionID", soap(transaction=" \r\n"), None, "Client.TransactionID", **SOAP_FAULT),
    Refused(
        "two TransactionIDs",
        soap(blocks='<TransactionID xmlns="urn:mm7">a</TransactionID>'),
        None,
        "Client.TransactionID",
        **SOAP_FAULT,
    ),
    Row(
        "an unknown block with mustUnderstand",
        soap(blocks='<w:Security xmlns:w="urn:w" s:mustUnderstand="1"/>'),
        500,
        "MustUnderstand",
        **SOAP_FAULT,
    ),
    Refused(
        "an unknown block with mustUnderstand, no TransactionID",
        soap(blocks='<w:Security xmlns:w="urn:w" s:mustUnderstand="1"/>', transaction=None),
        500,
        "MustUnderstand",
        **SOAP_FAULT,
    ),
    # the operation
    Row(
        "two operations",
        lambda mm7: bare(mm7.soap().replace(b"</s:Body>", b"<a/></s:Body>"))(mm7),
        None,
        "Client",
        names="Body",
    ),
    Row(
        "unknown operation",
        soap("QueryStatusReq"),
        None,
        "Client",
        4003,
        "Unsupported operation",
        names="QueryStatusReq",
    ),
    Row("a response", soap("SubmitRsp"), None, "Client", 4003, "Unsupported operation", names="SubmitRsp"),
    Row("no recipients", soap(inner=HEAD), None, "Client", 2002, "Address Error", names="Recipients"),
    Row("no MessageID", soap("CancelReq", inner=HEAD), None, "Client", names="MessageID"),
    Row(
        "no Sender of a delivery",
        soap("DeliverReq", inner="<{p}MM7Version>6.8.0</{p}MM7Version>"),
        None,
        "Client",
        detail="VASPErrorRsp",
        names="Sender",
    ),
    Row(
        "a date of wrong form in a report",
        soap(
            "ReadReplyReq",
            inner=REPORT + "<{p}Recipient><{p}Number>1</{p}Number></{p}Recipient>"
            "<{p}Sender><{p}Number>1</{p}Number></{p}Sender><{p}TimeStamp>soon</{p}TimeStamp>"
            "<{p}MMStatus>Read</{p}MMStatus>",
        ),
        None,
        "Client",
        2007,
        "Message format corrupt",
        "VASPErrorRsp",
        names="ReadReplyReq/TimeStamp",
    ),
    Row(
        "an href that names nothing",
        soap(more='<{p}Content href="cid:x"/>'),
        None,
        "Client",
        2004,
        "Multimedia content refused",
        names="Content/@href",
    ),
    Row(
        "no Content where there has to be some",
        soap("ReplaceReq", inner=HEAD + "<{p}MessageID>m</{p}MessageID>"),
        None,
        "Client",
        names="Content",
    ),
]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS])
@pytest.mark.parametrize("fault_http_status", [500, 200, 503], ids=["faults-in-500", "faults-in-200", "faults-in-503"])
def test_a_refusal_is_answered_as_the_table_says(ask: Any, mm7: Any, row: Row, fault_http_status: int) -> None:
    handler = Recorder()
    app = endpoint(handler, accounts=speaking(fault_http_status=fault_http_status), **row.settings)
    environ = row.environ(mm7)
    # The validator does not let a server pass on a length that is none.
    is_sound = re.fullmatch("[0-9]*", environ.get("CONTENT_LENGTH", ""), re.ASCII) is not None
    answer = ask(app, environ, validate=is_sound)
    if fault_http_status == 200 and row.http not in (401, 405):
        assert answer.status == 200
    else:
        assert answer.status == (row.http or fault_http_status)
    assert answer.name == "Fault"
    assert (answer.faultcode, answer.detail) == (row.faultcode, row.detail)
    assert (answer.code, answer.text) == (row.code, row.text)
    assert answer.transaction == ((REL_6, "tid-1", "1") if row.echoes else None)
    if row.detail:
        assert (answer.namespace, answer.version) == (REL_6, "6.8.0")
        assert answer.message_id is None
    assert row.names in (answer.details or "")
    assert answer["WWW-Authenticate"] == ('Basic realm="MM7", charset="UTF-8"' if row.http == 401 else None)
    assert answer["Allow"] == ("POST" if row.http == 405 else None)
    assert handler.requests == []


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ROWS if not row.echoes and row.detail])
def test_before_the_envelope_is_read_the_answer_is_in_the_dialect_of_the_account(ask: Any, mm7: Any, row: Row) -> None:
    app = endpoint(accounts=speaking(namespace=REL_5, mm7_version="5.3.0", prefix="x"), **row.settings)
    environ = row.environ(mm7)
    is_sound = re.fullmatch("[0-9]*", environ.get("CONTENT_LENGTH", ""), re.ASCII) is not None
    answer = ask(app, environ, validate=is_sound)
    if row.http in (401, 405):  # nobody's yet
        assert (answer.namespace, answer.version) == (REL_6, "6.8.0")
        assert b"<RSErrorRsp " in answer.body
    else:
        assert (answer.namespace, answer.version) == (REL_5, "5.3.0")
        assert b"<x:RSErrorRsp " in answer.body
    assert answer.transaction is None


PLAIN_HEADERS = "Content-Type: text/plain; charset=utf-8"
CONTENT = '<mm7:Content href="cid:content"/>'


@pytest.mark.parametrize(
    ("settings", "account", "accepts"),
    [
        ({}, {}, True),
        ({"strict": True}, {}, False),
        ({"strict": True}, {"strict": False}, True),
        ({"strict": True}, {"tolerate": ["line-ends"]}, True),
        ({"strict": True}, {"tolerate": ["delimiter-blanks"]}, False),
        ({}, {"strict": True}, False),
        ({}, {"strict": True, "tolerate": ("line-ends",)}, True),
        ({}, {"tolerate": ["delimiter-blanks"]}, True),
    ],
)
def test_an_account_can_be_strict_and_tolerate_by_name(
    ask: Any, mm7: Any, settings: dict[str, Any], account: dict[str, Any], accepts: bool
) -> None:
    part = mm7.part(b"hello", PLAIN_HEADERS, "Content-ID: <content>")
    content_type, body = mm7.package(mm7.soap(more=CONTENT), part)
    served = endpoint(accounts={"acme": Account("acme", "s3cret", **account)}, **settings)
    answer = ask(served, mm7_environ(mm7, content_type, body.replace(b"--outer\r\n", b"--outer\n")))
    assert (answer.code == 1000) == accepts


def test_an_account_can_tolerate_what_is_refused_by_default(ask: Any, mm7: Any) -> None:
    part = mm7.part("Gr\u00fc\u00dfe".encode(), PLAIN_HEADERS, "Content-ID: <content>")
    content_type, body = mm7.package(mm7.soap(more=CONTENT), part)
    cut = body[: body.rindex(b"\r\n--outer--")]
    answers = []
    for account in ({}, {"tolerate": ["close-missing"]}, {"tolerate": ["close-missing"], "strict": True}):
        handler = Recorder()
        served = endpoint(handler, accounts={"acme": Account("acme", "s3cret", **account)})
        answers.append(ask(served, mm7_environ(mm7, content_type, cut)))
        found = [[deviation.name for deviation in request.deviations] for request in handler.requests]
        assert found == ([["close-missing"]] if account else [])
    assert [answer.code for answer in answers] == [4004, 1000, 1000]
    assert answers[0].transaction is not None
    assert answers[0].details == (
        f"the body ends at its Content-Length of {len(cut)} bytes without the close delimiter; it may have been cut off"
    )


@pytest.mark.parametrize("environ", [{}, {"PATH_INFO": "/mm7"}], ids=["right password", "no password"])
def test_a_head_is_answered_without_a_body(ask: Any, mm7: Any, environ: dict[str, str]) -> None:
    answer = ask(endpoint(), mm7.request(environ={"REQUEST_METHOD": "HEAD", **environ}))
    as_get = ask(endpoint(), mm7.request(environ={"REQUEST_METHOD": "GET", **environ}))
    assert (answer.status, answer["Allow"], answer.body) == (405, "POST", b"")
    assert answer["Content-Length"] == str(len(as_get.body))


@pytest.mark.parametrize("transaction", ["", "empty Header"])
def test_a_transaction_id_is_missing_with_or_without_a_header(ask: Any, mm7: Any, transaction: str) -> None:
    xml = mm7.soap(transaction=None)
    if transaction:
        xml = xml.replace(b"<s:Body>", b"<s:Header/><s:Body>")
    answer = ask(endpoint(), bare(xml)(mm7))
    assert (answer.status, answer.faultcode, answer.detail) == (500, "Client.TransactionID", None)


@pytest.mark.parametrize(
    "attributes",
    ["", 's:mustUnderstand="0"', 'mustUnderstand="1"', 's:mustUnderstand="1" s:actor="urn:somebody-else"'],
)
def test_a_block_that_need_not_be_understood_is_passed_over(ask: Any, mm7: Any, attributes: str) -> None:
    answer = ask(endpoint(), mm7.request(blocks=f'<w:Security xmlns:w="urn:w" {attributes}/>'))
    assert (answer.code, answer.transaction) == (1000, (REL_6, "tid-1", "1"))


# -- the echo


@pytest.mark.parametrize("transaction", ['<&>"', "a b", "vas00001-sub", "\u20ac\u00df\u4e2d", "]]>", "'"])
@pytest.mark.parametrize("handler", [None, AddressNotFound()], ids=["accepted", "refused"])
def test_any_transaction_id_comes_back_intact(ask: Any, mm7: Any, transaction: str, handler: Any) -> None:
    escaped = transaction.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    recorder = Recorder(handler)
    answer = ask(endpoint(recorder), mm7.request(transaction=escaped))
    assert answer.transaction == (REL_6, transaction, "1")
    assert recorder.requests[0].transaction_id == transaction


def test_white_space_around_a_transaction_id_is_not_echoed(ask: Any, mm7: Any) -> None:
    assert ask(endpoint(), mm7.request(transaction="\r\n  tid-2\t")).transaction == (REL_6, "tid-2", "1")


ECHOES = [
    # prefix and namespace of the request, its version -> namespace of the answer, how its operation is written
    ({"prefix": "mm7"}, REL_6, "6.8.0", "mm7:{} "),
    ({"prefix": ""}, REL_6, "6.8.0", "{} "),
    ({"prefix": "ns1", "namespace": REL_5, "version": "5.3.0"}, REL_5, "5.3.0", "ns1:{} "),
    ({"prefix": "env"}, REL_6, "6.8.0", "env:{} "),
    ({"prefix": "soapenv"}, REL_6, "6.8.0", "soapenv:{} "),
    ({"namespace": "urn:mm7", "version": "1.6"}, "urn:mm7", "1.6", "mm7:{} "),
    ({"namespace": f"{REL_5}\n  "}, REL_5, "6.8.0", "mm7:{} "),
]


@pytest.mark.parametrize(("envelope", "namespace", "version", "written"), ECHOES, ids=range(len(ECHOES)))
@pytest.mark.parametrize("outcome", [None, AddressNotFound()], ids=["accepted", "refused"])
def test_namespace_prefix_and_version_are_those_of_the_request(
    ask: Any, mm7: Any, outcome: Any, envelope: dict[str, str], namespace: str, version: str, written: str
) -> None:
    answer = ask(endpoint(Recorder(outcome)), mm7.request(**envelope))
    assert (answer.namespace, answer.version) == (namespace, version)
    assert answer.transaction == (namespace, "tid-1", "1")
    assert f"<{written.format('SubmitRsp' if outcome is None else 'RSErrorRsp')}".encode() in answer.body
    assert all(element.tag.startswith(f"{{{namespace}}}") for element in answer.response.iter())


@pytest.mark.parametrize(
    ("prefix", "namespace", "code", "written"),
    [
        # XML keeps this prefix for that namespace, and an answer cannot have it for MM7's.
        ("xml", "http://www.w3.org/XML/1998/namespace", 4002, "<RSErrorRsp "),
        ("p" * 200, REL_6, 1000, f"<{'p' * 200}:SubmitRsp "),
        ("p" * 201, REL_6, 1000, "<SubmitRsp "),
    ],
    ids=["reserved", "longest", "longer"],
)
def test_a_prefix_is_echoed_where_an_answer_can_have_it_and_no_longer_than_two_hundred_characters(
    ask: Any, mm7: Any, prefix: str, namespace: str, code: int, written: str
) -> None:
    block = f'<TransactionID xmlns="{REL_6}" s:mustUnderstand="1">tid-1</TransactionID>'
    answer = ask(endpoint(), mm7.request(prefix=prefix, namespace=namespace, transaction=None, blocks=block))
    assert answer.code == code
    assert answer.namespace == REL_6
    assert answer.transaction == (REL_6, "tid-1", "1")
    assert written.encode() in answer.body


@pytest.mark.parametrize(
    "namespace",
    [
        "http://www.w3.org/XML/1998/namespace ",
        "http://www.w3.org/XML/ 1998/namespace",
        "http://www.w3.org/2000/xmlns/&#10;",
    ],
)
def test_a_transaction_id_in_a_namespace_that_no_answer_can_have_is_none(ask: Any, mm7: Any, namespace: str) -> None:
    block = f'<TransactionID xmlns="{namespace}">tid-1</TransactionID>'
    answer = ask(endpoint(), mm7.request(transaction=None, blocks=block))
    assert answer.faultcode == "Client.TransactionID"
    assert answer.transaction is None


def test_a_transaction_id_in_another_namespace_is_echoed_there(ask: Any, mm7: Any) -> None:
    answer = ask(endpoint(), mm7.request(transaction_namespace=REL_5))
    assert answer.transaction == (REL_5, "tid-1", "1")
    assert answer.namespace == REL_6


def test_an_operation_in_no_namespace_is_answered_in_that_of_the_transaction_id(ask: Any, mm7: Any) -> None:
    answer = ask(endpoint(), mm7.request(prefix="", namespace=None, transaction_namespace=REL_5))
    assert answer.transaction == (REL_5, "tid-1", "1")
    assert answer.namespace == REL_5
    assert b"<SubmitRsp " in answer.body


def test_a_request_in_no_namespace_at_all_is_answered_in_the_last_one(ask: Any, mm7: Any) -> None:
    answer = ask(endpoint(), mm7.request(prefix="", namespace=None, transaction_namespace=None))
    assert answer.transaction == (None, "tid-1", "1")
    assert answer.namespace == REL_6


def test_a_foreign_namespace_is_refused_before_the_name_and_not_echoed(ask: Any, mm7: Any) -> None:
    answer = ask(endpoint(), mm7.request("Nonsense", namespace="urn:other", transaction_namespace=REL_5))
    assert (answer.status, answer.code, answer.text) == (500, 4002, "Unsupported version")
    assert answer.namespace == REL_5
    assert answer.transaction == (REL_5, "tid-1", "1")


# -- dialects


@pytest.mark.parametrize("outcome", [None, AddressNotFound()], ids=["accepted", "refused"])
@pytest.mark.parametrize(
    ("dialect", "namespace", "version", "written"),
    [
        ({"prefix": ""}, REL_6, "6.8.0", "<{} xmlns="),
        ({"prefix": "x"}, REL_6, "6.8.0", "<x:{} xmlns:x="),
        ({"prefix": "env"}, REL_6, "6.8.0", "<env:{} xmlns:env="),
        ({"namespace": REL_5}, REL_5, "6.8.0", "<mm7:{} xmlns:mm7="),
        ({"namespace": "urn:own"}, "urn:own", "6.8.0", "<mm7:{} xmlns:mm7="),
        ({"mm7_version": "5.3.0"}, REL_6, "5.3.0", "<mm7:{} xmlns:mm7="),
    ],
    ids=["prefix-none", "prefix-x", "prefix-env", "namespace", "namespace-own", "version"],
)
def test_a_dialect_overrides_the_echo(
    ask: Any, mm7: Any, dialect: dict[str, str], namespace: str, version: str, written: str, outcome: Any
) -> None:
    answer = ask(endpoint(Recorder(outcome), accounts=speaking(**dialect)), mm7.request())
    assert (answer.namespace, answer.version) == (namespace, version)
    assert answer.transaction == (namespace, "tid-1", "1")
    assert written.format("SubmitRsp" if outcome is None else "RSErrorRsp").encode() in answer.body
    assert all(element.tag.startswith(f"{{{namespace}}}") for element in answer.response.iter())


@pytest.mark.parametrize("fault_http_status", [200, 400, 599])
def test_final_faults_have_the_status_of_the_dialect_and_temporary_ones_500(
    ask: Any, mm7: Any, fault_http_status: int
) -> None:
    def ask_with(outcome: Any) -> tuple[int, int, str]:
        app = endpoint(Recorder(outcome), accounts=speaking(fault_http_status=fault_http_status))
        answer = ask(app, mm7.request())
        return answer.status, answer.code, answer.faultcode

    assert ask_with(None) == (200, 1000, None)
    assert ask_with(AddressNotFound()) == (fault_http_status, 2003, "Client")
    assert ask_with(MM7Error(4005)) == (fault_http_status, 4005, "Server")
    assert ask_with(MM7Error(3000)) == (500, 3000, "Server")
    assert ask_with(ServiceUnavailable()) == (500, 4006, "Server")
    assert ask_with(RuntimeError("broken")) == (500, 3000, "Server")


class Refused403(OperationRestricted):
    http_status = 403


class Later503(ServiceUnavailable):
    http_status = 503


def test_faults_in_200_stand_above_the_status_of_what_is_final_and_can_be_altered(ask: Any, mm7: Any) -> None:
    def statuses(refusal: MM7Error) -> list[int]:
        return [
            ask(endpoint(Recorder(refusal), accounts=speaking(fault_http_status=status)), mm7.request()).status
            for status in (200, 500, 503)
        ]

    assert statuses(Refused403()) == [200, 403, 403]
    assert statuses(VersionMismatch("it is SOAP 1.2")) == [200, 500, 500]
    assert statuses(TransactionIDError("it is missing")) == [200, 500, 503]
    assert statuses(Unauthorized()) == [401, 401, 401]
    assert statuses(MethodNotAllowed()) == [405, 405, 405]
    assert statuses(Later503()) == [503, 503, 503]
    assert statuses(Throttled(retry_after=7)) == [500, 500, 500]


def test_a_stranger_is_answered_as_without_a_dialect(ask: Any, make_environ: Any) -> None:
    app = endpoint(accounts=speaking(fault_http_status=200))

    assert ask(app, make_environ(PATH_INFO="/mm7/acme=wrong")).status == 401
    assert ask(app, make_environ(PATH_INFO="/mm7", REQUEST_METHOD="GET")).status == 405


# -- the order of judgement: each request breaks its own rule and all those behind it


def test_credentials_are_judged_before_one_octet_of_the_body_is_read(ask: Any, make_environ: Any, streams: Any) -> None:
    for path in ("/mm7", "/mm7/acme=wrong", "/mm7/nobody=x", "/mm7/acme"):
        environ = make_environ(PATH_INFO=path, CONTENT_LENGTH="100", **{"wsgi.input": streams.UntouchableInput()})
        assert ask(endpoint(), environ).status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 405),
        ({"REQUEST_METHOD": "POST"}, 401),
        ({"PATH_INFO": "/mm7/acme=s3cret"}, 415),
        ({"CONTENT_TYPE": "text/xml"}, 411),
        ({"CONTENT_LENGTH": "x"}, 400),
        ({"CONTENT_LENGTH": "9999999"}, 413),
    ],
)
def test_the_headers_are_judged_in_order_and_the_body_is_not_read_before(
    ask: Any, make_environ: Any, streams: Any, headers: dict[str, str], status: int
) -> None:
    order = ["REQUEST_METHOD", "PATH_INFO", "CONTENT_TYPE", "CONTENT_LENGTH"]
    right = {"REQUEST_METHOD": "POST", "PATH_INFO": "/mm7/acme=s3cret", "CONTENT_TYPE": "text/xml"}
    wrong = {"REQUEST_METHOD": "GET", "PATH_INFO": "/mm7", "CONTENT_TYPE": "text/html", "CONTENT_LENGTH": None}
    mended = order[: order.index(next(iter(headers))) + 1] if headers else []
    chosen = {key: right.get(key, wrong[key]) if key in mended else wrong[key] for key in order} | headers
    environ = make_environ(b"", chosen, **{"wsgi.input": streams.UntouchableInput()})
    assert ask(endpoint(limits=Limits(body=100, discard=0)), environ, validate=False).status == status


def test_every_401_says_the_same(ask: Any, mm7: Any) -> None:
    accounts = {"acme": Account("acme", "s3cret", addresses=["198.51.100.0/24"]), "open": "sesame", "quiet": None}
    app = endpoint(accounts=accounts)
    basic = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"acme:s3cret").decode()}
    environs: list[dict[str, str]] = [
        {"PATH_INFO": "/mm7"},
        {"PATH_INFO": "/mm7/open"},
        {"PATH_INFO": "/mm7/open=wrong"},
        {"PATH_INFO": "/mm7/quiet="},
        {"PATH_INFO": "/mm7/nobody=sesame"},
        {"PATH_INFO": "/mm7/acme=s3cret"},  # from another address
        {"PATH_INFO": "/mm7", **basic},
        {"PATH_INFO": "/mm7/open=sesame", **basic},  # two accounts
        {"PATH_INFO": "/mm7/open=sesame", "HTTP_AUTHORIZATION": "Basic !"},
    ]
    answers = [ask(app, mm7.request(environ=environ)) for environ in environs]
    assert {answer.status for answer in answers} == {401}
    assert len({answer.body for answer in answers}) == 1
    assert len({tuple(answer.headers) for answer in answers}) == 1


def test_basic_and_an_address_identify_as_the_uri_does(ask: Any, mm7: Any) -> None:
    handler = Recorder()
    app = endpoint(handler, accounts={"acme": "s3cret", "192.0.2.7": None})
    token = base64.b64encode(b"acme:s3cret").decode()
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": f"Basic {token}"})).status == 200
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7"})).status == 200
    assert [request.account.name for request in handler.requests] == ["acme", "192.0.2.7"]


# -- the body


def test_the_server_is_not_asked_for_more_than_was_announced(ask: Any, mm7: Any, streams: Any) -> None:
    # wsgiref and the server of werkzeug block there for ever.
    xml = mm7.soap()
    stream = streams.Input(xml + b"the next request")
    environ = mm7.request(environ={"wsgi.input": stream})
    assert ask(endpoint(), environ).code == 1000
    assert sum(stream.reads) <= len(xml)


class InvalidChunkSize(Exception):
    """As a server may have one of its own."""


@pytest.mark.parametrize(
    "error", [OSError("reset by peer"), ConnectionResetError(), ValueError("chunk"), InvalidChunkSize(), EOFError()]
)
def test_a_server_that_fails_while_reading_hands_nothing_over(
    ask: Any, mm7: Any, streams: Any, error: Exception
) -> None:
    handler = Recorder()
    stream = streams.BrokenInput(mm7.soap()[:50], error)
    answer = ask(endpoint(handler), mm7.request(environ={"wsgi.input": stream}))
    # What no server is known to raise is taken for a fault of our own.
    assert (answer.status, answer.code) == ((500, 3000) if isinstance(error, EOFError) else (400, 4004))
    assert handler.requests == []


def test_a_message_that_is_cut_off_behind_a_whole_part_is_not_handed_over(ask: Any, mm7: Any) -> None:
    handler = Recorder()
    content_type, body = mm7.package(mm7.soap(), mm7.part(b"hello", "Content-Type: text/plain"))
    for cut in (body.rindex(b"--outer--"), len(body) - 2, 1, 0):
        environ = mm7_environ(mm7, content_type, body[:cut], CONTENT_LENGTH=str(len(body)))
        answer = ask(endpoint(handler), environ)
        assert (answer.status, answer.code) == (400, 4004)
    assert handler.requests == []


def test_chunked_bodies_are_taken_where_they_are_allowed(ask: Any, mm7: Any) -> None:
    handler = Recorder()
    chunked = {"CONTENT_LENGTH": None, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}

    def ask_with(**settings: Any) -> tuple[int, int]:
        environ = {key: value for key, value in mm7.request(environ=chunked).items() if value is not None}
        answer = ask(endpoint(handler, **settings), environ)
        return answer.status, answer.code

    size = len(mm7.soap())
    assert ask_with(allow_chunked=True) == (200, 1000)
    assert ask_with(allow_chunked=True, limits=Limits(body=size)) == (200, 1000)
    assert ask_with(allow_chunked=True, limits=Limits(body=size - 1)) == (413, 2004)
    assert ask_with() == (411, 4004)
    chunked["wsgi.input_terminated"] = False
    assert ask_with(allow_chunked=True) == (411, 4004)
    assert len(handler.requests) == 2


def test_a_chunked_body_that_broke_off_unseen_is_not_handed_over(ask: Any, mm7: Any) -> None:
    """Some servers end ``wsgi.input`` where the client has gone, as if that were the end. Nothing but a close delimiter
    shows that it was."""
    inner = mm7.multipart(mm7.part(b"hello", "Content-Type: text/plain"), boundary="inner")
    content_type, body = mm7.package(mm7.soap(), mm7.part(inner, "Content-Type: multipart/mixed; boundary=inner"))
    handler = Recorder()
    served = endpoint(handler, allow_chunked=True)
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}

    def ask_with(octets: bytes, content_type: str) -> tuple[int, int]:
        environ = mm7_environ(mm7, content_type, octets, **chunked)
        del environ["CONTENT_LENGTH"]
        answer = ask(served, environ)
        return answer.status, answer.code

    for cut in range(len(body) - len("\r\n")):
        assert ask_with(body[:cut], content_type)[1] != 1000
    for envelope in (mm7.soap(), mm7.soap().replace(b"<mm7:", b"\n<mm7:")):
        for cut in range(len(envelope)):
            assert ask_with(envelope[:cut], "text/xml")[1] != 1000
    assert ask_with(body[: body.index(b"hello") + 3], content_type) == (400, 4004)
    assert handler.requests == []
    for whole in (body[:-2], body.replace(b"--inner--\r\n", b"")):  # what is missing inside is shown by what is around
        assert ask_with(whole, content_type) == (200, 1000)


def open_files() -> set[str]:
    """The files without a name that this process holds open, or has mapped."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:  # the listing's own
            continue
        if "(deleted)" in target:
            found.add(target)
    with open("/proc/self/maps") as maps:
        found.update(line.split(maxsplit=5)[5].strip() for line in maps if "(deleted)" in line)
    return found


LARGE = 2 * 1024 * 1024


def large(mm7: Any, **more: Any) -> dict[str, Any]:
    content_type, body = mm7.package(
        mm7.soap(more='<{p}Content href="cid:big"/>'), mm7.part(b"x" * LARGE, "Content-ID: <big>")
    )
    return mm7_environ(mm7, content_type, body, **more)


@on_linux
@pytest.mark.parametrize(
    ("handler", "more", "status"),
    [
        (lambda request: None, {}, 200),
        (lambda request: request.failure(2004), {}, 500),
        (lambda request: RuntimeError("broken"), {}, 500),
        (None, {"CONTENT_LENGTH": str(LARGE + 5000)}, 400),
        (None, {"CONTENT_TYPE": "multipart/related; boundary=x"}, 500),
    ],
    ids=["accepted", "refused", "broken", "cut off", "misframed"],
)
def test_the_temporary_file_is_gone_when_the_answer_begins(
    ask: Any, mm7: Any, handler: Any, more: dict[str, str], status: int
) -> None:
    during: list[set[str]] = []

    def spy(request: MM7Request) -> Any:
        during.append(open_files() - before)
        return handler(request)

    before = open_files()
    answer = ask(endpoint(Recorder(spy)), large(mm7, **more))
    assert answer.status == status
    assert open_files() == before
    if handler is not None:
        assert len(during[0]) == 1


@on_linux
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_an_exit_passes_through_behind_the_closing_of_the_body(ask: Any, mm7: Any, error: BaseException) -> None:
    handler = Recorder(error)
    before = open_files()
    with pytest.raises(type(error)):
        ask(endpoint(handler), large(mm7))
    assert open_files() == before
    (request,) = handler.requests
    with pytest.raises(ValueError, match="save"):
        _ = request.content.data


@on_linux
@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()], ids=repr)
def test_an_exit_while_the_body_is_read_passes_through_and_leaves_nothing(
    ask: Any, mm7: Any, streams: Any, error: BaseException
) -> None:
    # A sync worker of gunicorn that is timed out raises SystemExit inside of read().
    before = open_files()
    environ = large(mm7)
    environ["wsgi.input"] = streams.BrokenInput(b"x" * (LARGE - 10), error)
    with pytest.raises(type(error)):
        ask(endpoint(), environ)
    assert open_files() == before


def test_without_room_for_the_body_the_peer_is_asked_to_come_later(
    ask: Any, mm7: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    handler = Recorder()
    answer = ask(endpoint(handler, accounts=speaking(fault_http_status=200)), large(mm7))
    assert (answer.status, answer.code, answer.faultcode) == (500, 4006, "Server")
    assert b"/no/such" not in answer.body
    assert handler.requests == []


# -- the callback


def test_the_callback_gets_the_whole_request(ask: Any, mm7: Any) -> None:
    seen: list[Any] = []

    def handler(request: MM7Request) -> None:
        seen.append([(part.content_id, part.text) for part in request.leaves()])
        seen.append(request.content.open().read())

    content_type, body = mm7.package(
        mm7.soap(more='<{p}Content href="cid:b"/>'),
        mm7.part(b"first", "Content-Type: text/plain", "Content-ID: <a>"),
        mm7.part(b"c2Vjb25k", "Content-Transfer-Encoding: BASE64", "Content-ID: <b>"),
    )
    recorder = Recorder(handler)
    assert ask(endpoint(recorder), mm7_environ(mm7, content_type, body)).code == 1000
    (request,) = recorder.requests
    assert seen == [[("b", "second"), ("a", "first")], b"second"]
    assert request.account.name == "acme"
    assert request.transaction_id == "tid-1"
    assert request.remote_addr == "192.0.2.7"
    assert request.message.recipients.to == (Address("+12025550101", AddressKind.NUMBER),)
    assert [part.content_id for part in request.attachments] == ["a"]
    assert request.deviations == ()


def test_parts_end_with_the_callback_and_say_how_to_keep_them(ask: Any, mm7: Any, tmp_path: Any) -> None:
    handler = Recorder(lambda request: request.content.save(tmp_path / "kept"))
    app = endpoint(handler)
    content_type, body = mm7.package(mm7.soap(), mm7.part(b"hello", "Content-Type: text/plain", "Content-ID: <a>"))
    assert ask(app, mm7_environ(mm7, content_type, body)).code == 1000
    content = handler.requests[0].content
    assert (tmp_path / "kept").read_bytes() == b"hello"
    for use in (lambda: content.data, lambda: content.text, lambda: content.open().read(), lambda: content.save("x")):
        with pytest.raises(ValueError, match=r"Part\.save"):
            use()
    assert (content.content_type, content.content_id, content.size) == ("text/plain", "a", 5)


REFUSALS = [
    (StatusCode.ADDRESS_NOT_FOUND, None, 2003, "Address Not Found", "Client"),
    (2003, None, 2003, "Address Not Found", "Client"),
    (2503, None, 2503, "Client error", "Client"),
    (2503, "one at a time", 2503, "one at a time", "Client"),
    (3001, None, 3001, "Not Possible", "Server"),
    (4000, None, 4000, "General service error", "Server"),
    (4001, None, 4001, "Improper identification", "Client"),
    (4005, None, 4005, "Service error", "Server"),
    (4007, None, 4007, "Service denied", "Client"),
    (6102, "vendor's", 6102, "vendor's", "Client"),
]


@pytest.mark.parametrize(("code", "own", "written", "text", "faultcode"), REFUSALS, ids=range(len(REFUSALS)))
@pytest.mark.parametrize("is_raised", [True, False], ids=["raised", "returned"])
@pytest.mark.parametrize("operation", CALLS_BACK)
def test_a_failure_is_answered_whether_returned_or_raised(
    ask: Any, mm7: Any, operation: str, is_raised: bool, code: int, own: str | None, written: int, text: str,
    faultcode: str
) -> None:  # fmt: skip
    def refuse(request: MM7Request) -> MM7Error:
        return request.failure(code, own, details="<why> & where")

    handler = raising(refuse) if is_raised else Recorder(refuse)
    answer = ask(endpoint(handler), mm7.request(operation))
    assert (answer.status, answer.faultcode) == (500, faultcode)
    assert answer.detail == mm7.answered_by[operation][1]
    assert (answer.code, answer.text, answer.details) == (written, text, "<why> & where")
    assert answer.faultstring == f"{text}: <why> & where"
    assert answer.transaction == (REL_6, "tid-1", "1")
    assert len(handler.requests) == 1


def test_a_raised_class_serves_as_well_as_an_instance(ask: Any, mm7: Any) -> None:
    def handler(request: MM7Request) -> None:
        raise AddressNotFound

    assert ask(endpoint(handler), mm7.request()).code == 2003


def test_content_that_cannot_be_decoded_is_refused_where_it_is_read(ask: Any, mm7: Any) -> None:
    content_type, body = mm7.package(
        mm7.soap(), mm7.part(b"%%%", "Content-Transfer-Encoding: base64", "Content-ID: <a>")
    )
    handler = Recorder(lambda request: request.content.data and None)
    answer = ask(endpoint(handler), mm7_environ(mm7, content_type, body))
    assert (answer.status, answer.code, answer.faultcode) == (500, 2004, "Client")
    assert "part <a>" in answer.details

    def tolerate(request: MM7Request) -> None:
        with pytest.raises(ContentError):
            _ = request.content.data

    assert ask(endpoint(tolerate), mm7_environ(mm7, content_type, body)).code == 1000


def test_a_refusal_can_say_when_to_send_again(ask: Any, mm7: Any) -> None:
    answer = ask(endpoint(raising(lambda request: ServiceUnavailable(details="full", retry_after=30))), mm7.request())
    assert (answer.status, answer.code, answer["Retry-After"]) == (500, 4006, "30")
    answer = ask(endpoint(raising(lambda request: ServiceUnavailable())), mm7.request())
    assert (answer.code, answer["Retry-After"]) == (4006, None)


@pytest.mark.parametrize(("wrong", "error"), [(-1, ValueError), (1.5, TypeError), ("30", TypeError), (True, TypeError)])
def test_it_says_so_in_whole_seconds(wrong: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="retry_after has to be "):
        ServiceUnavailable(retry_after=wrong)


JUNK = {
    "a string": lambda request: "ok",
    "True": lambda request: True,
    "a class": lambda request: AddressNotFound,
    "another operation's response": lambda request: CancelRsp(
        mm7_version="6.8.0", status=Status(status_code=1000, status_text="")
    ),
    "an error response": lambda request: RSErrorRsp(
        mm7_version="6.8.0", status=Status(status_code=2000, status_text="")
    ),
    "an element that the response has not": lambda request: request.success(service_code="x"),
    "an exception": lambda request: RuntimeError("broken"),
    "an exception of Python": lambda request: {}["x"],
    "a success for a failure": lambda request: request.failure(1000),
    "details that are no text": lambda request: AddressNotFound(details=Address("+1", AddressKind.NUMBER)),  # type: ignore[arg-type]
    "a text that is none": lambda request: request.failure(2003, 404),
    "a number in details of a success": lambda request: request.success(details=5),
    "a lone surrogate": lambda request: LookupError("\ud800"),
}


@pytest.mark.parametrize("outcome", [pytest.param(outcome, id=name) for name, outcome in JUNK.items()])
def test_a_broken_callback_is_logged_and_answered_3000(
    ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture, outcome: Any
) -> None:
    handler = Recorder(outcome)
    answer = ask(endpoint(handler), mm7.request())
    assert (answer.status, answer.code, answer.text, answer.faultcode) == (500, 3000, "Server Error", "Server")
    assert (answer.details, answer.faultstring) == (None, "Server Error")
    assert answer.transaction == (REL_6, "tid-1", "1")
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.event == "error"
    assert "Traceback (most recent call last)" in record.getMessage()
    assert len(handler.requests) == 1


def test_the_log_says_what_the_callback_should_have_returned(
    ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ask(endpoint(lambda request: 200), mm7.request("DeliverReq"))
    assert "the handler returned int for a DeliverReq" in caplog.text


def test_a_request_is_handed_over_once_and_by_each_thread_for_itself(ask: Any, mm7: Any) -> None:
    handler = Recorder()
    app = endpoint(handler)
    answers: list[Any] = []

    def send(number: int) -> None:
        answers.append((f"tid-{number}", ask(app, mm7.request(transaction=f"tid-{number}"))))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    by_transaction = {request.transaction_id: request for request in handler.requests}
    assert len(handler.requests) == len(by_transaction) == len(answers) == 16
    for transaction, answer in answers:
        assert answer.transaction[1] == transaction
        assert answer.message_id == by_transaction[transaction].message_id


# -- resolvers


@pytest.mark.parametrize(
    ("resolve", "status", "code"),
    [
        (lambda credentials: None, 401, 4001),
        (lambda credentials: "acme", 500, 3000),
        (lambda credentials: {}["database"], 500, 3000),
    ],
    ids=["nobody", "no account", "broken"],
)
def test_a_resolver_of_the_host_that_fails_lets_nobody_in(
    ask: Any, mm7: Any, streams: Any, resolve: Any, status: int, code: int
) -> None:
    handler = Recorder()
    environ = mm7.request(environ={"wsgi.input": streams.UntouchableInput()})
    answer = ask(endpoint(handler, accounts=resolve), environ)
    assert (answer.status, answer.code) == (status, code)
    assert answer.transaction is None
    assert handler.requests == []


def test_a_resolver_can_say_that_it_is_not_there_now(ask: Any, mm7: Any) -> None:
    def resolve(credentials: Credentials) -> Account:
        raise ServiceUnavailable(details="the directory is down")

    answer = ask(endpoint(accounts=resolve), mm7.request())
    assert (answer.status, answer.code, answer.details) == (500, 4006, "the directory is down")


# -- secrets

PASSWORD = "s3\u00fc/\u20ac=x%"
UTF_8 = PASSWORD.encode()
RAW = "s3%C3%BC%2F%e2%82%ac=x%25"
TOKEN = base64.b64encode(b"acme:" + UTF_8).decode()
SPELLINGS = {
    "decoded": PASSWORD,
    "as WSGI has it": UTF_8.decode("latin-1"),
    "as sent": RAW,
    "repr of octets": repr(UTF_8)[2:-1],
    "token": TOKEN,
    "header": f"Basic {TOKEN}",
    "repr of the decoded": ascii(PASSWORD)[1:-1],
}
SHOWN = {
    "uri": {"PATH_INFO": "/mm7/acme=" + UTF_8.decode("latin-1"), "RAW_URI": f"/mm7/acme={RAW}?x=1"},
    "basic": {"PATH_INFO": "/mm7", "RAW_URI": "/mm7", "HTTP_AUTHORIZATION": f"Basic {TOKEN}"},
}
SHOWS = [("uri", name) for name in ("decoded", "as WSGI has it", "as sent", "repr of octets")] + [
    ("basic", name) for name in ("decoded", "as WSGI has it", "repr of octets", "token", "header")
]


@pytest.mark.parametrize(("place", "spelling"), SHOWS)
@pytest.mark.parametrize("who", ["handler", "resolver"])
def test_no_spelling_of_a_secret_reaches_log_or_answer(
    ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture, place: str, spelling: str, who: str
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = SPELLINGS[spelling]

    def fail(_: Any) -> Any:
        try:
            raise LookupError(f"no such password: {secret}")
        except LookupError as error:
            raise RuntimeError(f"query failed for ({secret!r},)") from error

    app = endpoint(fail) if who == "handler" else endpoint(accounts=fail)
    if who == "handler":
        app = endpoint(fail, accounts={"acme": PASSWORD})
    answer = ask(app, mm7.request(environ=SHOWN[place]))
    assert (answer.status, answer.code) == (500, 3000)
    assert "query failed for" in caplog.text
    assert "no such password: ***" in caplog.text
    for name in SPELLINGS:
        if SPELLINGS[name] in SHOWN[place].values() or name == spelling:
            assert SPELLINGS[name] not in caplog.text
            assert SPELLINGS[name].encode("utf-8") not in answer.body


@pytest.mark.parametrize("place", ["uri", "basic"])
def test_a_wrong_password_is_in_no_log_and_no_answer(
    ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = ask(endpoint(accounts={"acme": "other"}), mm7.request(environ=SHOWN[place]))
    assert answer.status == 401
    for spelling in SPELLINGS.values():
        assert spelling not in caplog.text
        assert spelling.encode() not in answer.body


def strings(value: Any, seen: set[int]) -> list[str]:
    """All text to be found in ``value``."""
    if id(value) in seen:
        return []
    seen.add(id(value))
    if isinstance(value, str):
        return [value]
    if isinstance(value, bytes):
        return [value.decode("latin-1")]
    if isinstance(value, dict):
        return [text for item in value.items() for text in strings(item, seen)]
    if isinstance(value, (list, tuple, set)):
        return [text for item in value for text in strings(item, seen)]
    return [repr(value), *strings(getattr(value, "__dict__", {}), seen)]


@pytest.mark.parametrize("place", ["uri", "basic"])
def test_the_callback_sees_no_secret_and_the_resolver_does(ask: Any, mm7: Any, place: str) -> None:
    seen: list[Credentials] = []

    def resolve(credentials: Credentials) -> Account:
        seen.append(credentials)
        return Account("acme")

    handler = Recorder(lambda request: request.environ and None)
    environ = mm7.request(environ={**SHOWN[place], "QUERY_STRING": "x=1", "REDIRECT_URL": SHOWN[place]["PATH_INFO"]})
    assert ask(endpoint(handler, accounts=resolve), environ).code == 1000
    (request,), (credentials,) = handler.requests, seen
    assert (credentials.source, credentials.name, credentials.secret) == (place, "acme", PASSWORD)
    assert credentials.environ["PATH_INFO"] == SHOWN[place]["PATH_INFO"]
    assert credentials.environ.get("HTTP_AUTHORIZATION") == SHOWN[place].get("HTTP_AUTHORIZATION")
    assert PASSWORD not in repr(credentials)
    for text in strings(dict(request.environ), set()):
        for spelling in SPELLINGS.values():
            assert spelling not in text
    assert "HTTP_AUTHORIZATION" not in request.environ
    assert request.environ["PATH_INFO"] == "/mm7"
    assert request.environ["QUERY_STRING"] == "x=1"
    assert request.environ["RAW_URI"].partition("?")[0] == "/mm7"
    assert request.environ["REMOTE_ADDR"] == "192.0.2.7"


def test_the_environ_of_the_server_is_left_as_it_was(ask: Any, mm7: Any) -> None:
    handler = Recorder(lambda request: dict(request.environ).clear())
    environ = mm7.request()
    before = dict(environ)
    ask(endpoint(handler), environ, validate=False)
    assert environ == before


# -- deviations


def reframed(old: bytes, new: bytes, header: str = 'multipart/related; boundary="outer"; start="<soap>"') -> Any:
    """A message with text and XML parts, in which ``old`` is written as ``new``."""

    def build(mm7: Any) -> dict[str, Any]:
        inside = mm7.multipart(mm7.part(b"text", "Content-Type: text/plain"), boundary="inner")
        _, body = mm7.package(
            mm7.soap(more='<{p}Content href="cid:content"/>'),
            mm7.part(inside, 'Content-Type: multipart/mixed; boundary="inner"', "Content-ID: <content>"),
            mm7.part(b"<x/>", "Content-Type: text/plain"),
            mm7.part(b"", "Content-Type: text/plain"),
        )
        assert old in body
        return mm7_environ(mm7, header, body.replace(old, new))

    return build


#: Those that a strict endpoint refuses before it looks for their names.
FRAMING: dict[str, Callable[[Any], dict[str, Any]]] = {
    "line-ends": reframed(b"--outer\r\n", b"--outer\n"),
    "delimiter-blanks": reframed(b"--outer\r\n", b"--outer \r\n"),
    "delimiter-hyphens": reframed(b"--outer", b"---outer"),
    "boundary-missing": reframed(b"", b"", 'multipart/related; start="<soap>"'),
    "boundary-wrong": reframed(b"", b"", 'multipart/related; boundary=other; start="<soap>"'),
    "boundary-prefix": reframed(b"inner", b"outer1"),
    "close-missing": reframed(b"--outer--\r\n", b""),
    "close-repeated": reframed(b"--outer--\r\n", b"--outer--\r\n--outer--\r\n"),
    "close-dash": reframed(b"--outer--\r\n", b"--outer\xe2\x80\x94\r\n"),
    "part-bodyless": reframed(b"\r\n\r\n\r\n--outer--", b"\r\n--outer--"),
    "part-length": reframed(b"\r\n\r\n<x/>", b"\r\nContent-Length: 4 octets\r\n\r\n<x/>"),
    "headers-unended": reframed(b"\r\n\r\n<x/>", b"\r\n<x/>"),
    "headers-end-blank": reframed(b"\r\n\r\n<x/>", b"\r\n \r\n<x/>"),
    "header-unindented": reframed(b"text/plain\r\n\r\n<x/>", b"text/plain;\r\nname=x\r\n\r\n<x/>"),
    "header-name": reframed(b"\r\n\r\n<x/>", b"\r\nX.Y: z\r\n\r\n<x/>"),
    "byte-order-mark": reframed(b"--outer\r\nContent-Type: text/xml", b"\xef\xbb\xbf--outer\r\nContent-Type: text/xml"),
    "close-inline": reframed(b"\r\n\r\n\r\n--outer--", b"\r\n\r\nx--outer--"),
    "multipart-empty": lambda mm7: packed(
        mm7, mm7.part(b"--inner--", "Content-Type: multipart/mixed; boundary=inner", "Content-ID: <inner>")
    ),
}


def with_part(mm7: Any, octets: bytes, header: str) -> Any:
    """A message whose content is one part with that header."""
    return mm7_environ(
        mm7, *mm7.package(mm7.soap(more='<{p}Content href="cid:a"/>'), mm7.part(octets, header, "Content-ID: <a>"))
    )


DEVIATIONS: dict[str, Callable[[Any], dict[str, Any]]] = {
    **FRAMING,
    "multipart-encoded": lambda mm7: packed(
        mm7,
        mm7.part(
            base64.b64encode(mm7.multipart(mm7.part(b"x", "Content-Type: text/plain"), boundary="inner")),
            "Content-Type: multipart/mixed; boundary=inner",
            "Content-Transfer-Encoding: base64",
            "Content-ID: <a>",
        ),
        parameters="",
    ),
    "header-repeated": lambda mm7: packed(
        mm7, root=("Content-Type: text/xml", "Content-Type: text/plain", "Content-ID: <soap>")
    ),
    "xml-as-multipart": lambda mm7: mm7_environ(mm7, "multipart/related", mm7.soap()),
    "multipart-as-xml": lambda mm7: mm7_environ(mm7, "text/xml", mm7.package(mm7.soap())[1]),
    "soap-part-late": lambda mm7: mm7_environ(
        mm7,
        "multipart/related; boundary=outer",
        mm7.multipart(mm7.part(b"x", "Content-Type: text/plain"), mm7.part(mm7.soap(), "Content-Type: text/xml")),
    ),
    "start-unmatched": lambda mm7: packed(mm7, parameters='; start="<other>"'),
    "soap-part-type": lambda mm7: packed(mm7, root=("Content-Type: application/xml", "Content-ID: <soap>")),
    "soap-part-encoded": lambda mm7: mm7_environ(
        mm7,
        *mm7.package(
            base64.b64encode(mm7.soap()),
            root=("Content-Type: text/xml", "Content-ID: <soap>", "Content-Transfer-Encoding: base64"),
        ),
    ),
    "charset-contradicted": lambda mm7: mm7_environ(
        mm7, "text/xml; charset=euc-kr", mm7.soap(more="<{p}Subject>\uc548\ub155</{p}Subject>")
    ),
    "id-brackets": lambda mm7: packed(mm7, root=("Content-Type: text/xml", "Content-ID: soap")),
    "id-form": lambda mm7: packed(mm7, root=("Content-Type: text/xml", "Content-ID: <SOAP>")),
    "id-repeated": lambda mm7: packed(mm7, mm7.part(b"x", "Content-Type: text/plain", "Content-ID: <soap>")),
    "content-unreferenced": lambda mm7: packed(mm7, mm7.part(b"x", "Content-Type: text/plain", "Content-ID: <a>")),
    "href-unmatched": lambda mm7: mm7_environ(
        mm7, *mm7.package(mm7.soap(more='<{p}Content href="cid:x"/>'), mm7.part(b"x", "Content-Type: text/plain"))
    ),
    "href-without-cid": lambda mm7: mm7_environ(
        mm7, *mm7.package(mm7.soap(more='<{p}Content href="a"/>'), mm7.part(b"x", "Content-ID: <a>"))
    ),
    "href-location": lambda mm7: mm7_environ(
        mm7, *mm7.package(mm7.soap(more='<{p}Content href="cid:a"/>'), mm7.part(b"x", "Content-Location: a"))
    ),
    "href-nested": lambda mm7: mm7_environ(
        mm7,
        *mm7.package(
            mm7.soap(more='<{p}Content href="cid:a"/>'),
            mm7.part(
                mm7.multipart(mm7.part(b"x", "Content-ID: <a>"), boundary="inner"),
                "Content-Type: multipart/mixed; boundary=inner",
            ),
        ),
    ),
    "transaction-unmarked": lambda mm7: mm7_environ(mm7, "text/xml", mm7.soap().replace(b' s:mustUnderstand="1"', b"")),
    "namespace-missing": lambda mm7: mm7.request(
        inner=HEAD + "<Subject>x</Subject>" + TO, prefix="", namespace=None, transaction_namespace=REL_6
    ),
    "soap-namespace": lambda mm7: mm7.request(soap="https://schemas.xmlsoap.org/soap/envelope"),
    "xml-late": lambda mm7: mm7_environ(mm7, "text/xml", b"\r\n" + mm7.soap()),
    "charset-wider": lambda mm7: with_part(mm7, b"\x805", "Content-Type: text/plain; charset=iso-8859-1"),
    "byte-order": lambda mm7: with_part(mm7, "abc".encode("utf-16-le"), "Content-Type: text/plain; charset=utf-16"),
    "surrogate-pair": lambda mm7: mm7.request(more="<{p}Subject>&#xD83C;&#xDF89;</{p}Subject>"),
    "encoding-undeclared": lambda mm7: with_part(mm7, b"R0lGODlhAQABAA==", "Content-Type: image/gif"),
    "encoding-contradicted": lambda mm7: with_part(mm7, b"\x89PNG", "Content-Transfer-Encoding: base64"),
    "namespace-blanks": lambda mm7: mm7.request(namespace=REL_6 + " "),
    "namespace-foreign": lambda mm7: mm7.request(namespace="urn:mm7"),
    "namespace-mixed": lambda mm7: mm7.request(transaction_namespace=REL_5),
    "version-unlisted": lambda mm7: mm7.request(version="1.6"),
    "element-order": lambda mm7: mm7.request(inner=TO + HEAD),
    "element-repeated": lambda mm7: mm7.request(more="<{p}Subject>a</{p}Subject><{p}Subject>b</{p}Subject>"),
    "element-misplaced": lambda mm7: mm7.request(
        "CancelReq",
        inner="<{p}MM7Version>6.8.0</{p}MM7Version><{p}VASPID>acme</{p}VASPID><{p}MessageID>m</{p}MessageID>",
    ),
    "element-unknown": lambda mm7: mm7.request(more="<{p}KisaOrigCode>1</{p}KisaOrigCode>"),
    "element-renamed": lambda mm7: mm7.request(
        "DeliveryReportReq",
        inner=REPORT + "<{p}Recipient><{p}Number>1</{p}Number></{p}Recipient>"
        "<{p}Sender><{p}Number>1</{p}Number></{p}Sender><{p}TimeStamp>2030-01-02T03:04:05Z</{p}TimeStamp>"
        "<{p}MMStatus>Expired</{p}MMStatus>",
    ),
    "element-missing": lambda mm7: mm7.request(
        "CancelReq", inner="<{p}MM7Version>6.8.0</{p}MM7Version><{p}MessageID>m</{p}MessageID>"
    ),
    "text-stray": lambda mm7: mm7.request(more="<{p}ReplyCharging>No value</{p}ReplyCharging>"),
    "attribute-qualified": lambda mm7: mm7_environ(
        mm7, *mm7.package(mm7.soap(more='<{p}Content {p}href="cid: a"/>'), mm7.part(b"x", "Content-ID: <a>"))
    ),
    "address-untyped": lambda mm7: mm7.request(
        inner=HEAD + "<{p}Recipients><{p}To>+12025550101</{p}To></{p}Recipients>"
    ),
    "value-case": lambda mm7: mm7.request(more="<{p}DeliveryReport>True</{p}DeliveryReport>"),
    "value-unlisted": lambda mm7: mm7.request(more="<{p}MessageClass>137</{p}MessageClass>"),
    "value-form": lambda mm7: mm7.request(more="<{p}TimeStamp>soon</{p}TimeStamp>"),
    "date-form": lambda mm7: mm7.request(more="<{p}TimeStamp>20300102030405Z</{p}TimeStamp>"),
    "date-without-zone": lambda mm7: mm7.request(more="<{p}TimeStamp>2030-01-02T03:04:05</{p}TimeStamp>"),
}


#: What only a response can have.
IN_RESPONSES = {"transaction-missing", "error-unwrapped", "status-code-zero"}


def test_there_is_a_message_for_every_deviation_of_the_catalogue() -> None:
    assert set(DEVIATIONS) == set(CATALOGUE) - IN_RESPONSES


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_deviation_is_borne_told_and_logged_once_per_account(
    ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    handler = Recorder()
    app = endpoint(handler, accounts={"acme": "s3cret", "other": "s3cret"})
    for _ in range(2):
        assert ask(app, DEVIATIONS[name](mm7)).code == 1000
    assert name in {deviation.name for deviation in handler.requests[0].deviations}
    logged = [record for record in caplog.records if getattr(record, "event", "") == "deviation"]
    assert {(record.account, record.deviation) for record in logged if record.deviation == name} == {("acme", name)}
    assert len({(record.account, record.deviation) for record in logged}) == len(logged)
    assert ask(app, DEVIATIONS[name](mm7) | {"PATH_INFO": "/mm7/other=s3cret"}).code == 1000
    logged = [record for record in caplog.records if getattr(record, "deviation", "") == name]
    assert [record.account for record in logged] == ["acme", "other"]


def test_what_deviates_in_a_refused_message_is_logged_too(ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture) -> None:
    nobody = "<{p}MM7Version>1.0</{p}MM7Version><{p}SenderIdentification/>"
    assert ask(endpoint(), mm7.request(inner=nobody)).code == 2002
    assert {getattr(record, "deviation", "") for record in caplog.records} == {"version-unlisted"}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_strict_refuses_a_deviation_with_the_status_of_the_catalogue(ask: Any, mm7: Any, name: str) -> None:
    handler = Recorder()
    answer = ask(endpoint(handler, strict=True), DEVIATIONS[name](mm7))
    inside = name == "multipart-empty"
    code = StatusCode.MULTIMEDIA_CONTENT_REFUSED if inside else CATALOGUE[name].refusal.status_code
    assert (answer.status, answer.code) == (500, code)
    assert ("cannot be read: " if name in FRAMING else CATALOGUE[name].summary) in answer.details
    assert handler.requests == []


@pytest.mark.parametrize("operation", ["SubmitReq", "DeliverReq", "CancelReq", "ReplaceReq", "extendedCancelReq",
                                       "extendedReplaceReq", "DeliveryReportReq", "ReadReplyReq"])  # fmt: skip
def test_strict_takes_what_keeps_to_the_rules(ask: Any, mm7: Any, operation: str) -> None:
    handler = Recorder()
    assert ask(endpoint(handler, strict=True), mm7.request(operation)).code == 1000
    assert handler.requests[0].deviations == ()


# -- the log


def test_a_transaction_id_cannot_fill_the_log(ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mm7_wsgi")
    long = "x" * 100_000
    answer = ask(endpoint(), mm7.request(transaction=long))
    assert answer.transaction[1] == long
    (record,) = [record for record in caplog.records if record.levelno == logging.INFO]
    assert len(record.getMessage()) < 500
    assert record.transaction_id == "x" * 200


def test_there_is_one_line_for_each_request(ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mm7_wsgi")
    app = endpoint()
    answer = ask(app, mm7.request(transaction="a&#10;b"))
    ask(app, mm7.request(environ={"PATH_INFO": "/mm7/acme=wrong"}))
    accepted, refused = (record for record in caplog.records if record.levelno == logging.INFO)
    assert (accepted.event, accepted.account, accepted.operation) == ("accepted", "acme", "SubmitReq")
    assert (accepted.status, accepted.http_status, accepted.message_id) == (1000, 200, answer.message_id)
    assert accepted.bytes == len(mm7.soap(transaction="a&#10;b"))
    assert accepted.transaction_id == r"a\nb"
    assert r"transaction 'a\nb'" in accepted.getMessage()
    assert (refused.account, refused.operation, refused.status, refused.http_status) == (None, None, 4001, 401)


FORGED = "ERROR:mm7_wsgi:forged"
HOSTILE = f"a\n{FORGED}\r\x1b[2J\x85\u2028\u202e\ud800\u20acb"


def test_no_line_of_a_traceback_can_pass_for_a_record(ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture) -> None:
    def handler(request: MM7Request) -> None:
        try:
            raise LookupError(HOSTILE)
        except LookupError as error:
            raise RuntimeError(f"bad subject {HOSTILE}") from error

    ask(endpoint(handler), mm7.request())
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    first, *lines = record.getMessage().split("\n")
    assert first == "the handler failed; the peer is asked to send again"
    assert lines[0] == "  Traceback (most recent call last):"
    assert lines.count(f"  {FORGED}" + r"\r\x1b[2J\x85\u2028\u202e\ud800" + "\u20acb") == 2
    assert all(line.startswith("  ") and line.isprintable() for line in lines)


def test_the_fields_of_a_record_stay_within_a_line(ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mm7_wsgi")
    name = "acme\u202e" + "e" * 300
    app = endpoint(lambda request: request.success(message_id=HOSTILE), accounts=lambda credentials: Account(name))
    ask(app, mm7.request(version="1.0", transaction="a\u2028&#13;&#x9b;b"))
    deviation, answered = caplog.records
    assert (deviation.event, answered.event) == ("deviation", "accepted")
    assert deviation.account == answered.account == (r"acme\u202e" + "e" * 195)
    assert answered.transaction_id == r"a\u2028\r\x9bb"
    assert answered.message_id == rf"a\n{FORGED}\r\x1b[2J\x85\u2028\u202e\ud800" + "\u20acb"
    assert len(answered.getMessage()) < 500


# -- settings


@pytest.mark.parametrize("handler", [None, "submit", object(), Recorder])
def test_a_handler_that_cannot_be_called_is_refused_at_once(handler: Any) -> None:
    with pytest.raises(TypeError, match="handler has to be"):
        MM7Endpoint(handler, accounts=ACCOUNTS)


def test_accounts_in_the_place_of_the_handler_are_not_shown() -> None:
    with pytest.raises(TypeError, match="not dict") as refusal:
        MM7Endpoint(ACCOUNTS, accounts=Recorder())  # type: ignore[arg-type]
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("path", ["", "/", "mm7", "/mm7/", "//"])
def test_a_path_that_cannot_be_is_refused_at_once(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        endpoint(path=path)


@pytest.mark.parametrize(
    ("script_name", "path_info"),
    [
        ("", "/api/mm7/acme=s3cret"),
        ("/api", "/mm7/acme=s3cret"),
        ("/api/mm7", "/acme=s3cret"),
        ("/api/mm7/acme=s3cret", ""),
    ],
)
def test_the_endpoint_finds_the_credentials_wherever_it_is_mounted(
    ask: Any, mm7: Any, script_name: str, path_info: str
) -> None:
    handler = Recorder()
    environ = mm7.request(environ={"SCRIPT_NAME": script_name, "PATH_INFO": path_info})
    assert ask(endpoint(handler), environ).code == 1000
    assert handler.requests[0].environ["SCRIPT_NAME"] + handler.requests[0].environ["PATH_INFO"] == "/api/mm7"
