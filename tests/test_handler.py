"""One method per operation, and names that were meant to be one."""

from __future__ import annotations

from typing import Any

import pytest

from mm7_wsgi import MM7Endpoint, MM7Handler, MM7Request
from mm7_wsgi.testing import MM7Client

OPERATIONS = {
    "SubmitReq": "submit",
    "DeliverReq": "deliver",
    "CancelReq": "cancel",
    "ReplaceReq": "replace",
    "extendedCancelReq": "extended_cancel",
    "extendedReplaceReq": "extended_replace",
    "DeliveryReportReq": "delivery_report",
    "ReadReplyReq": "read_reply",
}


def handler_with(**members: Any) -> MM7Handler:
    return type("Inbox", (MM7Handler,), members)()


def endpoint(handler: Any) -> MM7Endpoint:
    return MM7Endpoint(handler, accounts={"acme": "s3cret"})


def client(handler: Any) -> MM7Client:
    return MM7Client(endpoint(handler), "acme", "s3cret")


@pytest.mark.parametrize(("element", "name"), OPERATIONS.items())
def test_each_operation_goes_to_the_method_of_its_name(ask: Any, mm7: Any, element: str, name: str) -> None:
    called: list[tuple[str, Any, Any]] = []

    def method_of(operation: str) -> Any:
        def method(self: Any, request: MM7Request, message: Any) -> None:
            called.append((operation, request.message, message))

        return method

    inbox = handler_with(**{operation: method_of(operation) for operation in OPERATIONS.values()})
    answer = ask(endpoint(inbox), mm7.request(element))
    assert (answer.status, answer.code) == (200, 1000)
    ((operation, held, message),) = called
    assert operation == name
    assert message is held
    assert message.element_name == element


@pytest.mark.parametrize("element", OPERATIONS)
def test_an_operation_without_a_method_is_answered_4003(ask: Any, mm7: Any, element: str) -> None:
    others = {name: lambda *_: None for operation, name in OPERATIONS.items() if operation != element}
    answer = ask(endpoint(handler_with(**others)), mm7.request(element))
    assert (answer.status, answer.code, answer.text) == (500, 4003, "Unsupported operation")
    assert answer.detail == mm7.answered_by[element][1]
    assert answer.transaction[1] == "tid-1"
    assert element in answer.details


def test_an_operation_can_be_taken_away_by_a_subclass() -> None:
    class Outbox(MM7Handler):
        def submit(self, request: MM7Request, message: Any) -> None:
            pass

    class Closed(Outbox):
        submit = None  # type: ignore[assignment]

    assert client(Outbox()).submit().accepted
    assert client(Closed()).submit().status_code == 4003


def test_what_a_method_returns_or_raises_is_the_answer() -> None:
    inbox = handler_with(
        submit=lambda self, request, message: request.success(message_id="own"),
        cancel=lambda self, request, message: request.failure(2005),
        replace=lambda self, request, message: {}["broken"],
    )
    assert client(inbox).submit().message_id == "own"
    assert client(inbox).cancel().status_code == 2005
    assert client(inbox).replace().status_code == 3000


def test_a_plain_callable_gets_all_eight_operations() -> None:
    names: list[str] = []
    peer = client(lambda request: names.append(request.message.operation))
    for name in OPERATIONS.values():
        assert getattr(peer, name)().accepted
    assert names == list(OPERATIONS.values())


MISSES = [
    ("on_submit", "submit"),
    ("handle_deliver", "deliver"),
    ("do_cancel", "cancel"),
    ("Submit", "submit"),
    ("submits", "submit"),
    ("sumbit", "submit"),
    ("submitt", "submit"),
    ("submt", "submit"),
    ("submit_req", "submit"),
    ("on_submit_request", "submit"),
    ("delivery_reports", "delivery_report"),
    ("deliveryreport", "delivery_report"),
    ("deliveryReport", "delivery_report"),
    ("readreply", "read_reply"),
    ("on_read_reply", "read_reply"),
    ("extendedcancel", "extended_cancel"),
    ("extended_replaces", "extended_replace"),
    ("cancle", "cancel"),
    ("SubmitReq", "submit"),
    ("submitReq", "submit"),
    ("onSubmit", "submit"),
    ("onDeliveryReport", "delivery_report"),
    ("extendedCancelReq", "extended_cancel"),
    ("on_delivery", "deliver"),
]


@pytest.mark.parametrize(("name", "meant"), MISSES)
def test_a_name_that_misses_an_operation_narrowly_is_an_error_that_names_it(name: str, meant: str) -> None:
    with pytest.raises(TypeError, match=f"Inbox.{name} .*{meant!r}"):
        handler_with(**{name: lambda self, request, message: None})
    with pytest.raises(TypeError, match=name):
        handler_with(**{name: staticmethod(lambda request, message: None)})


@pytest.mark.parametrize(
    "name",
    ["resubmit", "delivered", "cancel_all", "cancelled", "replaced", "submit_later", "store", "report", "deliver_to",
     "read", "reply", "submission", "on_error", "_submit", "_on_submit", "__enter__"],
)  # fmt: skip
def test_a_name_of_the_hosts_own_is_the_hosts(ask: Any, mm7: Any, name: str) -> None:
    called: list[Any] = []
    inbox = handler_with(**{name: lambda self, *_: called.append(name), "submit": lambda *_: None})
    assert ask(endpoint(inbox), mm7.request()).code == 1000
    assert called == []


def test_a_value_that_cannot_be_called_may_have_any_name() -> None:
    assert handler_with(on_submit="a queue", delivery_reports=[]).delivery_reports == []  # type: ignore[attr-defined]


def test_a_subclass_is_judged_when_it_is_made_and_keeps_its_keywords() -> None:
    class Queued:
        def __init_subclass__(cls, queue: str = "", **keywords: Any) -> None:
            super().__init_subclass__(**keywords)
            cls.queue = queue  # type: ignore[attr-defined]

    class Base(MM7Handler, Queued, queue="in"):
        pass

    assert Base.queue == "in"  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match=r"Broken\.on_submit"):

        class Broken(Base):
            def on_submit(self) -> None:
                pass
