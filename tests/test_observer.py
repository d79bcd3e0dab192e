"""What an observer and the log are told of each request."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from mm7_wsgi import Account, AddressNotFound, MM7Endpoint, MM7Middleware, MM7Observer, MM7Request, Outcome
from mm7_wsgi.protocol.errors import Throttled

ACCOUNTS = {"acme": "s3cret"}


class Recorder(MM7Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Outcome]] = []

    def accepted(self, outcome: Outcome) -> None:
        self.told.append(("accepted", outcome))

    def refused(self, outcome: Outcome) -> None:
        self.told.append(("refused", outcome))

    def unauthorized(self, outcome: Outcome) -> None:
        self.told.append(("unauthorized", outcome))

    def throttled(self, outcome: Outcome) -> None:
        self.told.append(("throttled", outcome))

    def failed(self, outcome: Outcome) -> None:
        self.told.append(("failed", outcome))


def accept(request: MM7Request) -> None:
    return None


def refuse(request: MM7Request) -> None:
    raise AddressNotFound


def hold_up(request: MM7Request) -> None:
    raise Throttled(retry_after=3)


def fail(request: MM7Request) -> None:
    raise KeyError("a mistake of the host")


def nobody_knows(credentials: Any) -> Account | None:
    raise LookupError("the database is gone")


CASES: dict[str, tuple[Any, Any, dict[str, Any], str, int, int]] = {
    "an accepted message": (accept, ACCOUNTS, {}, "accepted", 1000, 200),
    "a message accepted in part": (lambda request: request.partial(), ACCOUNTS, {}, "accepted", 1100, 200),
    "a refusal of the handler": (refuse, ACCOUNTS, {}, "refused", 2003, 500),
    "a refusal that says later": (lambda request: request.failure(4006), ACCOUNTS, {}, "refused", 4006, 500),
    "a method that is none": (accept, ACCOUNTS, {"REQUEST_METHOD": "PUT"}, "refused", 4003, 405),
    "a wrong password": (accept, ACCOUNTS, {"PATH_INFO": "/mm7/acme=wrong"}, "unauthorized", 4001, 401),
    "no password": (accept, ACCOUNTS, {"PATH_INFO": "/mm7"}, "unauthorized", 4001, 401),
    "one request too many": (hold_up, ACCOUNTS, {}, "throttled", 4006, 500),
    "a handler that breaks": (fail, ACCOUNTS, {}, "failed", 3000, 500),
    "a handler that returns junk": (lambda request: "ok", ACCOUNTS, {}, "failed", 3000, 500),
    "a resolver that breaks": (accept, nobody_knows, {}, "failed", 3000, 500),
}


@pytest.mark.parametrize("case", CASES)
def test_each_request_is_told_once_to_the_method_of_its_event(
    ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    handler, accounts, environ, event, status, http_status = CASES[case]
    caplog.set_level(logging.INFO, "mm7_wsgi")
    observer = Recorder()
    answer = ask(MM7Endpoint(handler, accounts=accounts, observer=observer), mm7.request(environ=environ))
    assert (answer.code, answer.status) == (status, http_status)
    ((method, outcome),) = observer.told
    assert (method, outcome.event, outcome.status, outcome.http_status) == (event, event, status, http_status)
    (record,) = [record for record in caplog.records if record.levelno == logging.INFO]
    fields = (
        "event account operation transaction_id message_id status http_status bytes parts ms deviations remote_addr"
    )
    for name in fields.split():
        assert getattr(record, name) == getattr(outcome, name), name


def test_an_outcome_says_what_is_known(ask: Any, mm7: Any) -> None:
    observer = Recorder()
    endpoint = MM7Endpoint(accept, accounts=ACCOUNTS, observer=observer)
    content_type, body = mm7.package(
        mm7.soap(version="1.0", transaction="t\n1", more='<{p}Content href="cid:m"/>'),
        mm7.part(
            mm7.multipart(mm7.part(b"a"), mm7.part(b"b"), boundary="inner"),
            "Content-Type: multipart/mixed; boundary=inner",
            "Content-ID: <m>",
        ),
    )
    answer = ask(endpoint, mm7.request(environ={"CONTENT_TYPE": content_type}) | _body(mm7, content_type, body))
    ((_, outcome),) = observer.told
    assert (outcome.account, outcome.operation, outcome.transaction_id) == ("acme", "SubmitReq", "t\n1")
    assert outcome.message_id == answer.message_id
    assert (outcome.bytes, outcome.parts) == (len(body), 4)
    assert outcome.deviations == ("version-unlisted",)
    assert outcome.remote_addr == "192.0.2.7"
    assert outcome.error is None
    assert outcome.ms > 0


def _body(mm7: Any, content_type: str, body: bytes) -> dict[str, Any]:
    template = mm7.request()
    return {
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": type(template["wsgi.input"])(body),
    }


def test_a_failure_brings_its_exception(ask: Any, mm7: Any) -> None:
    observer = Recorder()
    ask(MM7Endpoint(fail, accounts=ACCOUNTS, observer=observer), mm7.request())
    ((_, outcome),) = observer.told
    assert isinstance(outcome.error, KeyError)
    assert "mistake" not in repr(outcome)


def test_an_observer_need_not_look_at_everything(ask: Any, mm7: Any) -> None:
    for case in CASES.values():
        handler, accounts, environ, *_, status, _ = case
        endpoint = MM7Endpoint(handler, accounts=accounts, observer=MM7Observer())
        assert ask(endpoint, mm7.request(environ=environ)).code == status


def test_an_observer_that_fails_changes_nothing_and_is_logged(
    ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(MM7Observer):
        def accepted(self, outcome: Outcome) -> None:
            raise RuntimeError("no room for /mm7/acme=s3cret\nforged")

    endpoint = MM7Endpoint(accept, accounts=ACCOUNTS, observer=Broken())
    assert ask(endpoint, mm7.request()).code == 1000
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    first, *lines = record.getMessage().split("\n")
    assert first == "the observer failed"
    assert "RuntimeError" in record.getMessage()
    assert "s3cret" not in record.getMessage()
    assert all(line.startswith("  ") for line in lines)


def test_what_the_operating_system_asks_of_an_observer_is_not_swallowed(call: Any, mm7: Any) -> None:
    class Leaving(MM7Observer):
        def accepted(self, outcome: Outcome) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        call(MM7Endpoint(accept, accounts=ACCOUNTS, observer=Leaving()), mm7.request(), validate=False)


@pytest.mark.parametrize("wrong", [Recorder, object(), print, {"accepted": print}, "s3cret"])
def test_an_observer_is_an_instance_of_its_class(wrong: Any) -> None:
    with pytest.raises(TypeError, match="observer has to be an instance of MM7Observer, not ") as refusal:
        MM7Endpoint(accept, accounts=ACCOUNTS, observer=wrong)
    assert "s3cret" not in str(refusal.value)


def test_the_middleware_hands_it_on(ask: Any, mm7: Any) -> None:
    observer = Recorder()
    ask(MM7Middleware(lambda *_: [], accept, accounts=ACCOUNTS, observer=observer), mm7.request())
    assert [name for name, _ in observer.told] == ["accepted"]


def test_a_record_can_be_written_as_json(ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mm7_wsgi")
    ask(MM7Endpoint(accept, accounts=ACCOUNTS), mm7.request(version="1.0", transaction="a&#10;b\u202e"))
    (record,) = [record for record in caplog.records if record.levelno == logging.INFO]
    written = json.loads(json.dumps({name: getattr(record, name) for name in ("transaction_id", "deviations", "ms")}))
    assert written["transaction_id"] == r"a\nb\u202e"
    assert written["deviations"] == ["version-unlisted"]


def test_nothing_is_gathered_where_nobody_looks(
    ask: Any, mm7: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mm7_wsgi.endpoint.Outcome", None)
    caplog.set_level(logging.WARNING, "mm7_wsgi")
    assert ask(MM7Endpoint(accept, accounts=ACCOUNTS), mm7.request()).code == 1000


# -- where a request comes from


@pytest.mark.parametrize(
    ("given", "address", "unparsed", "logged"),
    [
        ("192.0.2.7", "192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7:51234", "192.0.2.7", None, "192.0.2.7"),
        ("[2001:db8::7]:51234", "2001:db8::7", None, "2001:db8::7"),
        ("", None, None, "None"),
        ("unix:", None, "unix:", "'unix:'"),
        ("None", None, "None", "'None'"),
        ("192.0.2.7, 198.51.100.1", None, "192.0.2.7, 198.51.100.1", "'192.0.2.7, 198.51.100.1'"),
        ("x\x1b[2J\n", None, "x\x1b[2J\n", r"'x\x1b[2J\n'"),
        ("x" * 1000, None, "x" * 1000, "'" + "x" * 200 + "'"),
    ],
)
def test_the_log_shows_where_a_request_comes_from(
    ask: Any, mm7: Any, caplog: pytest.LogCaptureFixture,
    given: str, address: str | None, unparsed: str | None, logged: str,
) -> None:  # fmt: skip
    """An address stands without its port; a text that is none is quoted, escaped and cut, and no handler takes it."""
    caplog.set_level(logging.INFO, "mm7_wsgi")
    observer, requests = Recorder(), []
    ask(MM7Endpoint(requests.append, accounts=ACCOUNTS, observer=observer), mm7.request(environ={"REMOTE_ADDR": given}))
    ((_, outcome),) = observer.told
    assert (outcome.remote_addr, outcome.unparsed_addr, requests[0].remote_addr) == (address, unparsed, address)
    (record,) = caplog.records
    assert record.getMessage().startswith(f"accepted from {logged}: ")
    shown = getattr(record, "remote_addr")  # noqa: B009 - a field that was added
    assert shown == (None if logged == "None" else logged.strip("'"))
