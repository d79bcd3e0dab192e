"""What the host is handed, and the answers that it can make."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mm7_wsgi import Account, Dialect, MM7Endpoint, MM7Error, MM7Request, StatusCode
from mm7_wsgi.request import WrittenAnswer

RESPONSES = {
    "SubmitReq": "SubmitRsp",
    "DeliverReq": "DeliverRsp",
    "CancelReq": "CancelRsp",
    "ReplaceReq": "ReplaceRsp",
    "extendedCancelReq": "extendedCancelRsp",
    "extendedReplaceReq": "extendedReplaceRsp",
    "DeliveryReportReq": "DeliveryReportRsp",
    "ReadReplyReq": "ReadReplyRsp",
}
WITH_MESSAGE_ID = {"SubmitReq", "extendedReplaceReq"}
WITHOUT_TEXT = {"extendedCancelReq", "extendedReplaceReq"}


@pytest.fixture
def receive(ask: Any, mm7: Any) -> Any:
    """Gives the MM7Request of an environ, as it is in the callback: ``receive(operation, look=…)``."""

    def receive(operation: str = "SubmitReq", look: Any = None, account: Account | None = None, **options: Any) -> Any:
        found: list[Any] = []
        account = account or Account("acme", "s3cret")
        app = MM7Endpoint(lambda request: found.append(look(request) if look else request), accounts={"acme": account})
        assert ask(app, mm7.request(operation, **options)).code == 1000
        return found[0]

    return receive


@pytest.mark.parametrize(("operation", "response"), RESPONSES.items())
@pytest.mark.parametrize("way", ["success", "partial"])
def test_success_and_partial_make_the_operations_response(
    receive: Any, operation: str, response: str, way: str
) -> None:
    request: MM7Request = receive(operation)
    made = getattr(request, way)()
    assert made.element_name == response
    code = StatusCode.SUCCESS if way == "success" else StatusCode.PARTIAL_SUCCESS
    assert made.status.status_code is code
    assert made.status.status_text == (None if operation in WITHOUT_TEXT else code.text)
    assert made.status.details is None
    assert made.mm7_version == "6.8.0"
    assert getattr(made, "message_id", None) == (request.message_id if operation in WITH_MESSAGE_ID else None)


@pytest.mark.parametrize("operation", RESPONSES)
@pytest.mark.parametrize("way", ["success", "partial"])
@pytest.mark.parametrize("name", ["message_id", "service_code", "details"])
def test_what_the_response_has_no_element_for_is_an_error_that_names_it(
    receive: Any, operation: str, way: str, name: str
) -> None:
    request: MM7Request = receive(operation)
    has_place = {
        "message_id": operation in WITH_MESSAGE_ID,
        "service_code": operation == "DeliverReq",
        "details": operation not in WITHOUT_TEXT,
    }[name]
    make = getattr(request, way)
    if has_place:
        made = make(**{name: "x"})
        assert (made.status.details if name == "details" else getattr(made, name)) == "x"
    else:
        with pytest.raises(ValueError, match=f"{RESPONSES[operation]}.*{name}"):
            make(**{name: "x"})


def test_the_version_is_that_of_the_dialect_else_of_the_request(receive: Any) -> None:
    assert receive(version="5.3.0").success().mm7_version == "5.3.0"
    account = Account("acme", "s3cret", dialect=Dialect(mm7_version="6.3.0"))
    assert receive(version="5.3.0", account=account).success().mm7_version == "6.3.0"


def test_a_failure_takes_codes_of_the_specification_and_of_others(receive: Any) -> None:
    request: MM7Request = receive()
    known = request.failure(2003, details="+1")
    assert isinstance(known, MM7Error)
    assert (known.code, known.text, known.details) == (StatusCode.ADDRESS_NOT_FOUND, "Address Not Found", "+1")
    vendors = request.failure(2503, "one at a time")
    assert (vendors.code, vendors.text, vendors.details) == (2503, "one at a time", None)
    assert request.failure(3999).text == "Server Error"
    for code in (0, 200, 1000, 1100, 1999, 10000, -2003):
        with pytest.raises(ValueError, match=str(code)):
            request.failure(code)


def test_the_leaves_are_those_of_the_content_then_those_of_the_attachments(ask: Any, mm7: Any) -> None:
    inner = mm7.multipart(
        mm7.part(b"smil", "Content-Type: application/smil", "Content-ID: <smil>"),
        mm7.part(b"text", "Content-Type: text/plain", "Content-ID: <text>"),
        boundary="inner",
    )
    content_type, body = mm7.package(
        mm7.soap(more='<{p}Content href="cid:content"/>'),
        mm7.part(b"first", "Content-Type: text/plain", "Content-ID: <first>"),
        mm7.part(inner, "Content-Type: multipart/related; boundary=inner", "Content-ID: <content>"),
        mm7.part(b"last", "Content-Type: text/plain", "Content-ID: <last>"),
    )
    found: list[Any] = []

    def look(request: MM7Request) -> None:
        found.append((request.content.content_id, request.content.is_multipart))
        found.append([part.content_id for part in request.attachments])
        found.append([(part.content_id, part.data) for part in request.leaves()])

    environ = mm7.request()
    environ |= {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))}
    environ["wsgi.input"] = type(environ["wsgi.input"])(body)
    assert ask(MM7Endpoint(look, accounts={"acme": "s3cret"}), environ).code == 1000
    assert found == [
        ("content", True),
        ["first", "last"],
        [("smil", b"smil"), ("text", b"text"), ("first", b"first"), ("last", b"last")],
    ]


def test_without_parts_there_is_no_content_and_there_are_no_leaves(receive: Any) -> None:
    request: MM7Request = receive("CancelReq")
    assert (request.content, request.attachments, list(request.leaves())) == (None, (), [])


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_message_id_is_an_error_of_the_hosts(receive: Any, empty: str) -> None:
    for respond in (receive().success, receive().partial):
        with pytest.raises(ValueError, match="message_id is empty"):
            respond(message_id=empty)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("", None),
        ("unknown", None),
    ],
)
def test_the_address_is_text_or_none(receive: Any, written: str, address: str | None) -> None:
    assert receive(environ={"REMOTE_ADDR": written}).remote_addr == address


def test_the_repr_says_what_and_who_and_no_secret(receive: Any) -> None:
    request = receive()
    assert repr(request) == "<MM7Request SubmitReq 'tid-1' from 'acme'>"
    assert "s3cret" not in repr(request.account)


def test_the_environ_is_a_copy_without_credentials_and_always_the_same_one(receive: Any) -> None:
    request, first = receive(look=lambda request: (request, request.environ))
    assert request.environ is first
    assert (first["PATH_INFO"], first["REQUEST_METHOD"]) == ("/mm7", "POST")
    assert "s3cret" not in repr(first)


def test_a_request_can_be_made_by_hand_for_a_test_of_the_hosts(receive: Any) -> None:
    message = receive().message
    request = MM7Request(message=message, account=Account("acme"), transaction_id="t")
    assert (request.content, request.attachments, request.deviations) == (None, (), ())
    assert (request.remote_addr, dict(request.environ)) == (None, {})
    assert request.success().message_id == request.message_id
    assert request.message_id != MM7Request(message=message, account=Account("acme"), transaction_id="t").message_id


def test_the_body_is_there_as_it_came(ask: Any, mm7: Any) -> None:
    kept: list[Any] = []

    def keep(request: MM7Request) -> None:
        assert request.raw is not None
        with request.raw.open() as stream:
            kept.extend((stream.read(), request.raw.content_type, list(request.raw.pieces(100)), repr(request.raw)))

    body = mm7.soap()
    assert ask(MM7Endpoint(keep, accounts={"acme": "s3cret"}), mm7.request()).code == 1000
    assert kept[:2] == [body, 'text/xml; charset="utf-8"']
    assert b"".join(kept[2]) == body
    assert {len(piece) for piece in kept[2][:-1]} == {100}
    assert kept[3] == f"<RawBody 'text/xml; charset=\"utf-8\"', {len(body)} octets>"


def test_a_handler_may_answer_with_octets_that_it_has_kept(ask: Any, mm7: Any) -> None:
    kept: list[WrittenAnswer] = []

    def keep(request: MM7Request) -> WrittenAnswer:
        kept.append(request.write(request.success()))
        return replace(kept[0], repeated=len(kept) > 1)

    endpoint = MM7Endpoint(keep, accounts={"acme": "s3cret"})
    answers = [ask(endpoint, mm7.request()).body for _ in range(2)]
    assert answers == [kept[0].octets] * 2
    assert (kept[0].code, kept[0].message_id, kept[0].repeated) == (1000, kept[0].message_id, False)
    assert f"<mm7:MessageID>{kept[0].message_id}</mm7:MessageID>".encode() in answers[0]
