"""The client: what it sends to an application, and what it says of the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from mm7_wsgi import (
    Account,
    Dialect,
    MM7Endpoint,
    MM7Error,
    MM7Middleware,
    MM7Request,
    RSErrorRsp,
    SubmitRsp,
    VASPErrorRsp,
)
from mm7_wsgi.testing import Answer, Message, MM7Client, build, cancel, irregular, message, submit

ACCOUNTS = {"acme": "s3cret", "caf\u00e9 & co": "p/?#=%41\u00df", "a/b": "s3cret", "192.0.2.7": None}


class Inbox:
    """A handler that keeps its requests, and answers with what it was given."""

    def __init__(self, answer: Callable[[MM7Request], Any] = lambda request: None) -> None:
        self.requests: list[MM7Request] = []
        self._answer = answer

    def __call__(self, request: MM7Request) -> Any:
        self.requests.append(request)
        return self._answer(request)


def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/html")])
    return [b"<p>not ", b"here</p>"]


def client_of(handler: Any, account: str | None = "acme", secret: str | None = "s3cret", **settings: Any) -> MM7Client:
    return MM7Client(MM7Endpoint(handler, accounts=ACCOUNTS), account, secret, **settings)


# -- what is sent


@pytest.mark.parametrize("operation", message.OPERATIONS)
def test_there_is_a_method_for_every_operation(operation: str) -> None:
    inbox = Inbox()
    answer = getattr(client_of(inbox), operation)(transaction_id="t-1", extensions=())
    assert (answer.accepted, answer.status_code, answer.transaction_id) == (True, 1000, "t-1")
    assert inbox.requests[0].message.operation == operation


@pytest.mark.parametrize("operation", ["submit", "deliver", "replace", "extended_replace"])
def test_parts_are_sent_with_every_operation_that_has_some(operation: str) -> None:
    inbox = Inbox(lambda request: request.failure(2500, "".join(part.text for part in request.leaves())))
    answer = getattr(client_of(inbox), operation)(parts=[("text/plain", "some")])
    assert (answer.status_code, answer.status_text) == (2500, "some")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "acme"),
        ({"via": "uri"}, "acme"),
        ({"via": "basic"}, "acme"),
        ({"account": "caf\u00e9 & co", "secret": "p/?#=%41\u00df"}, "caf\u00e9 & co"),
        ({"account": "caf\u00e9 & co", "secret": "p/?#=%41\u00df", "via": "basic"}, "caf\u00e9 & co"),
        ({"account": "a/b", "via": "basic"}, "a/b"),
        ({"account": None, "secret": None, "remote_addr": "192.0.2.7"}, "192.0.2.7"),
        ({"account": None, "secret": None, "remote_addr": "192.0.2.7", "via": "address"}, "192.0.2.7"),
    ],
)
def test_the_account_is_shown_in_each_way(settings: dict[str, Any], name: str) -> None:
    inbox = Inbox()
    assert client_of(inbox, **settings).cancel().accepted
    assert inbox.requests[0].account.name == name


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"via": "digest"}, "via is 'uri', 'basic' or 'address', not 'digest'"),
        ({"via": "address"}, "via='address' shows neither account nor secret"),
        ({"account": None, "secret": None, "via": "basic"}, "via='basic' shows an account and its secret"),
        ({"secret": None}, "via='uri' shows an account and its secret"),
        ({"account": None}, "via='address' shows neither account nor secret"),
        ({"account": "a/b"}, "the account 'a/b' has a slash or an equals sign: it has to use via='basic'"),
        ({"account": "a=b"}, "the account 'a=b' has a slash or an equals sign"),
    ],
)
def test_an_account_that_cannot_be_shown_so_is_a_mistake(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        client_of(Inbox(), **settings)
    assert "s3cret" not in str(caught.value)


def test_wrong_credentials_are_answered_as_to_anybody() -> None:
    answer = client_of(Inbox(), secret="wrong").submit()
    assert (answer.http_status, answer.status_code, answer.accepted) == (401, 4001, False)
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_headers_and_environ_reach_the_application() -> None:
    inbox = Inbox()
    client = client_of(
        inbox, headers={"X-Trace": "1"}, environ={"SSL_CLIENT_VERIFY": "SUCCESS"}, remote_addr="192.0.2.1"
    )
    client.send(Message("text/xml", cancel().body, headers={"X-Trace": "0", "X-Other": "2"}))
    client.cancel()
    first, second = (request.environ for request in inbox.requests)
    assert (first["HTTP_X_TRACE"], first["HTTP_X_OTHER"], second["HTTP_SOAPACTION"]) == ("1", "2", '""')
    assert (second["HTTP_X_TRACE"], second["SSL_CLIENT_VERIFY"]) == ("1", "SUCCESS")
    assert inbox.requests[0].remote_addr == "192.0.2.1"


def test_another_path_is_served() -> None:
    inbox = Inbox()
    app = MM7Middleware(page, inbox, accounts=ACCOUNTS, path="/api/mm7")
    assert MM7Client(app, "acme", "s3cret", path="/api/mm7").submit().accepted
    assert MM7Client(app, "acme", "s3cret").submit().http_status == 404


def test_anything_can_be_sent() -> None:
    client = client_of(Inbox())
    written = submit()
    assert client.send(written).transaction_id == written.transaction_id
    assert client.send((written.content_type, written.body)).accepted
    assert client.send(irregular("line-ends")).accepted
    assert client.send(("text/xml", b"hello")).status_code == 4004
    assert client.send(("application/x-www-form-urlencoded", b"a=b")).http_status == 415


# -- the answer


def test_what_is_accepted_has_its_response_and_no_fault() -> None:
    answer = client_of(Inbox(lambda request: request.partial(message_id="42", details="one of two"))).submit()
    assert (answer.http_status, answer.accepted, answer.status_code) == (200, True, 1100)
    assert (answer.status_text, answer.details, answer.message_id) == ("Partial success", "one of two", "42")
    assert (answer.fault, answer.faultcode) == (None, None)
    assert isinstance(answer.message, SubmitRsp)
    assert repr(answer) == "<Answer HTTP 200, SubmitRsp 1100 Partial success one of two>"


@pytest.mark.parametrize(("operation", "error"), [("submit", RSErrorRsp), ("deliver", VASPErrorRsp)])
@pytest.mark.parametrize("http_status", [200, 500])
def test_what_is_refused_has_a_fault(operation: str, error: type, http_status: int) -> None:
    accounts = {"acme": Account("acme", "s3cret", dialect=Dialect(fault_http_status=http_status))}
    refusal = MM7Error(2503, "one at a time", details="two")
    app = MM7Endpoint(lambda request: refusal, accounts=accounts)
    answer = getattr(MM7Client(app, "acme", "s3cret"), operation)()
    assert (answer.http_status, answer.accepted) == (http_status, False)
    assert (answer.status_code, answer.status_text, answer.details) == (2503, "one at a time", "two")
    assert (answer.faultcode, answer.message_id) == ("Client", None)
    assert answer.fault.faultstring == "one at a time: two"
    assert type(answer.message) is error
    assert repr(answer) == f"<Answer HTTP {http_status}, {error.__name__} 2503 one at a time two>"


def test_a_fault_of_soap_itself_has_no_status() -> None:
    answer = client_of(Inbox()).send(cancel(transaction_id=" "))
    assert (answer.http_status, answer.accepted, answer.faultcode) == (500, False, "Client.TransactionID")
    assert (answer.message, answer.status_code, answer.status_text, answer.details) == (None,) * 4
    assert (answer.transaction_id, answer.message_id) == (None, None)
    assert repr(answer) == "<Answer HTTP 500, Fault Client.TransactionID>"


def test_a_refusal_that_is_no_fault_is_not_accepted() -> None:
    body = client_of(Inbox()).submit().body.replace(b">1000<", b">2000<")
    assert not Answer(200, Headers({"Content-Type": "text/xml"}), body).accepted


@pytest.mark.parametrize("name", ["accepted", "status_code", "message", "fault", "transaction_id", "message_id"])
def test_an_answer_that_is_not_of_mm7_says_what_it_is_when_it_is_asked(name: str) -> None:
    answer = MM7Client(page).submit()
    assert (answer.http_status, answer.body, answer.headers["content-type"]) == (404, b"<p>not here</p>", "text/html")
    assert repr(answer) == "<Answer HTTP 404, text/html>"
    with pytest.raises(ValueError, match="HTTP 404, text/html is no answer of MM7: the Content-Type is 'text/html'"):
        getattr(answer, name)


def test_an_answer_without_anything_says_so() -> None:
    answer = Answer(204, Headers(), b"")
    with pytest.raises(
        ValueError, match="HTTP 204, without a Content-Type is no answer of MM7: there is no Content-Type"
    ):
        _ = answer.accepted
    with pytest.raises(ValueError, match="no answer of MM7: the SOAP part is not well-formed"):
        _ = Answer(200, Headers({"Content-Type": "text/xml"}), b"").accepted


# -- the application


class Pieces:
    """What an application returns, piece by piece, and whether it was closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self.closed += 1


def app_of(pieces: Any, written: bytes = b"") -> Any:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        if written:
            write(written)
        return pieces

    return app


@pytest.mark.parametrize("validate", [True, False])
def test_the_answer_is_read_to_its_end_and_closed(validate: bool) -> None:
    pieces = Pieces([b"a", b"", b"b"])
    assert MM7Client(app_of(pieces), validate=validate).submit().body == b"ab"
    assert pieces.closed == 1
    pieces = Pieces([b"b"])
    assert MM7Client(app_of(pieces, written=b"a"), validate=validate).submit().body == b"ab"
    assert pieces.closed == 1


def test_the_answer_is_closed_when_it_breaks_off() -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise OSError("gone")

    pieces = Pieces(broken())
    with pytest.raises(OSError, match="gone"):
        MM7Client(app_of(pieces)).submit()
    assert pieces.closed == 1


def test_an_application_that_breaks_pep_3333_is_told_so() -> None:
    app = app_of("text")
    with pytest.raises(AssertionError):
        MM7Client(app).submit()
    assert MM7Client(app_of([b"x"]), validate=False).submit().body == b"x"


def test_an_answer_can_be_read_however_it_is_dressed() -> None:
    request = submit(transaction_id="t")
    for dialect in (Dialect(prefix="mm7"), Dialect(namespace="http://x/REL-5-MM7-1-2", mm7_version="5.3.0")):
        app = MM7Endpoint(Inbox(), accounts={"acme": Account("acme", "s3cret", dialect=dialect)})
        assert MM7Client(app, "acme", "s3cret").send(request).transaction_id == "t"


def test_a_message_of_the_host_s_own_types_is_built_and_sent() -> None:
    inbox = Inbox()
    client_of(inbox).submit(subject="one")
    again = build(inbox.requests[0].message, [("image/gif", b"GIF")])
    assert client_of(inbox).send(again).accepted
    assert inbox.requests[1].message == inbox.requests[0].message
