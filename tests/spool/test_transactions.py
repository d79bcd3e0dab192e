"""A request that comes again is answered as it was, and its handler is not called again."""

from __future__ import annotations

import logging
import runpy
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MM7Endpoint, MM7Middleware, MM7Observer, MM7Request, Outcome, ServiceUnavailable
from mm7_wsgi.request import WrittenAnswer
from mm7_wsgi.spool import DatabaseUnavailable, TransactionLog
from mm7_wsgi.spool.database import Database
from mm7_wsgi.testing import MM7Client, submit

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
BEGIN, Clock = KIT["BEGIN"], KIT["Clock"]


class Handler:
    """Counts the requests that it is asked for, and answers with what it is told."""

    def __init__(self, answer: Callable[[MM7Request], Any] = lambda request: None) -> None:
        self.requests: list[str] = []
        self.answer = answer

    def __call__(self, request: MM7Request) -> Any:
        self.requests.append(request.transaction_id)
        return self.answer(request)


@pytest.fixture
def clock() -> Any:
    return Clock()


@pytest.fixture
def make(tmp_path: Path, clock: Any) -> Iterator[Any]:
    made: list[TransactionLog] = []

    def make(handler: Any, **options: Any) -> MM7Client:
        made.append(TransactionLog(tmp_path / "mm7.db", clock=clock, **options))
        return MM7Client(MM7Endpoint(handler, accounts={"acme": "s3cret"}, transactions=made[-1]), "acme", "s3cret")

    yield make
    for log in made:
        log.close()


def rows(path: Path, what: str = "count(*)") -> Any:
    with sqlite3.connect(path / "mm7.db") as connection:
        found = connection.execute(f"SELECT {what} FROM mm7_transactions").fetchall()
    connection.close()
    return found


def test_the_same_again_gets_the_stored_answer_and_the_handler_is_not_called(make: Any) -> None:
    handler = Handler()
    client = make(handler)
    message = submit(transaction_id="t-1")
    answers = [client.send(message) for _ in range(3)]
    assert len({answer.body for answer in answers}) == 1
    assert (answers[0].http_status, answers[0].status_code) == (200, 1000)
    assert handler.requests == ["t-1"]


def test_an_answer_in_part_is_kept_too(make: Any) -> None:
    handler = Handler(lambda request: request.partial(details="not all"))
    client = make(handler)
    assert [client.submit(transaction_id="t-1").details for _ in range(2)] == ["not all", "not all"]
    assert handler.requests == ["t-1"]


def test_what_was_refused_is_asked_for_again(make: Any, tmp_path: Path) -> None:
    def refuse(request: MM7Request) -> Any:
        return request.failure(2003)

    handler = Handler(refuse)
    client = make(handler)
    assert client.submit(transaction_id="t-1").status_code == 2003
    handler.answer = lambda request: None
    assert client.submit(transaction_id="t-1").status_code == 1000
    assert handler.requests == ["t-1", "t-1"]
    assert rows(tmp_path) == [(1,)]


@pytest.mark.parametrize("error", [RuntimeError, ServiceUnavailable])
def test_what_broke_is_asked_for_again(make: Any, tmp_path: Path, error: type[Exception]) -> None:
    def fail(request: MM7Request) -> Any:
        raise error

    handler = Handler(fail)
    client = make(handler)
    assert client.submit(transaction_id="t-1").status_code in (3000, 4006)
    assert rows(tmp_path) == [(0,)]
    handler.answer = lambda request: None
    assert client.submit(transaction_id="t-1").status_code == 1000


def test_what_a_handler_may_not_return_is_not_kept(make: Any, tmp_path: Path) -> None:
    client = make(Handler(lambda request: "done"))
    assert client.submit().status_code == 3000
    assert rows(tmp_path) == [(0,)]


def test_an_answer_that_is_no_promise_is_not_kept(make: Any, tmp_path: Path) -> None:
    client = make(Handler(lambda request: WrittenAnswer(request.write(request.success()).octets, 2000)))
    assert client.submit().http_status == 200
    assert rows(tmp_path) == [(0,)]


def test_another_message_under_the_same_id_is_refused_or_accepted(make: Any) -> None:
    strict, lenient = make(Handler(), reuse="refuse"), make(Handler())
    codes = {client: [client.submit(transaction_id="t-1", to=to).status_code for to in ("+1", "+2")]
             for client in (strict, lenient)}  # fmt: skip
    assert list(codes.values()) == [[1000, 2000], [1000, 1000]]


def test_it_is_forgotten_after_its_window(make: Any, clock: Any, tmp_path: Path) -> None:
    handler = Handler()
    client = make(handler, window=100)
    for _ in range(3):
        client.submit(transaction_id="t-1")
        clock.now += 50
    assert handler.requests == ["t-1", "t-1"]
    clock.now += 1000
    client.submit(transaction_id="t-2")
    assert rows(tmp_path, "transaction_id") == [("t-2",)]


def test_no_more_is_kept_than_comes(make: Any, clock: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("mm7_wsgi.spool.transactions._PURGE_AT_LEAST", 1)
    client = make(Handler(), window=10)
    for number in range(30):
        client.submit(transaction_id=f"t-{number}")
        clock.now += 0.5
    assert rows(tmp_path)[0][0] <= 22


def run(client: MM7Client, message: Any) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(client.send(message)))
    thread.start()
    return thread, answers


class Slow(Handler):
    """Waits in the middle of each request."""

    def __init__(self) -> None:
        super().__init__(self.wait)
        self.begun, self.go = threading.Event(), threading.Event()

    def wait(self, request: MM7Request) -> None:
        self.begun.set()
        assert self.go.wait(30)


def test_one_that_is_still_handled_is_to_come_later(make: Any) -> None:
    slow = Slow()
    client = make(slow, wait=0)
    message = submit(transaction_id="t-1")
    thread, answers = run(client, message)
    assert slow.begun.wait(30)
    answer = client.send(message)
    assert (answer.http_status, answer.status_code, answer.headers["Retry-After"]) == (500, 4006, "60")
    assert answer.details == "the same message is being handled"
    slow.go.set()
    thread.join(30)
    assert client.send(message).body == answers[0].body
    assert slow.requests == ["t-1"]


def test_one_that_is_nearly_handled_is_waited_for(make: Any, monkeypatch: Any) -> None:
    slow = Slow()
    client = make(slow, wait=30)
    message = submit(transaction_id="t-1")
    thread, answers = run(client, message)
    assert slow.begun.wait(30)

    def look(seconds: float) -> None:
        slow.go.set()
        thread.join(30)

    monkeypatch.setattr("mm7_wsgi.spool.transactions.time.sleep", look)
    assert client.send(message).body == answers[0].body
    assert slow.requests == ["t-1"]


def test_one_whose_handler_was_killed_can_come_again_after_its_lease(make: Any, clock: Any, tmp_path: Path) -> None:
    handler = Handler()
    client = make(handler, wait=0, lease=60)
    assert client.submit(transaction_id="t-0").accepted
    with sqlite3.connect(tmp_path / "mm7.db") as connection:
        connection.execute(
            "UPDATE mm7_transactions SET owner = x'00', answer = NULL, code = NULL, expires = ?", [BEGIN + 60]
        )
    connection.close()
    assert client.submit(transaction_id="t-0").status_code == 4006
    clock.now += 60
    assert client.submit(transaction_id="t-0").status_code == 1000
    assert handler.requests == ["t-0", "t-0"]


def test_one_that_took_longer_than_its_lease_is_kept_all_the_same(make: Any, clock: Any, tmp_path: Path) -> None:
    slow = Slow()
    client = make(slow, lease=60)
    message = submit(transaction_id="t-1")
    thread, answers = run(client, message)
    assert slow.begun.wait(30)
    clock.now += 61
    others = make(Handler())
    assert others.submit(transaction_id="t-2").accepted  # and what is past its time is purged
    slow.go.set()
    thread.join(30)
    assert others.send(message).body == answers[0].body


def test_while_the_database_is_away_nothing_is_handled(make: Any, tmp_path: Path) -> None:
    handler = Handler()
    client = make(handler)
    (tmp_path / "mm7.db").mkdir()
    answer = client.submit()
    assert (answer.http_status, answer.status_code, answer.details) == (500, 4006, "the message cannot be stored now")
    assert handler.requests == []
    (tmp_path / "mm7.db").rmdir()
    assert client.submit().accepted


def test_what_was_handled_is_accepted_though_it_cannot_be_written_down(
    make: Any, tmp_path: Path, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable

    def break_it(request: MM7Request) -> None:
        for name in ("write", "now"):
            monkeypatch.setattr(Database, name, fail)

    handler = Handler(break_it)
    assert make(handler).submit(transaction_id="t-1").accepted
    assert "what became of <MM7Request SubmitReq 't-1' from 'acme'> is not on record" in caplog.text


@pytest.mark.parametrize("options", [{"wait": -1}, {"lease": 0}, {"window": -1}, {"reuse": "x"}])
def test_settings_that_cannot_work_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        TransactionLog(tmp_path / "mm7.db", **options)


def test_it_says_where_it_is() -> None:
    log = TransactionLog("postgresql://user:hunter2@host/name")
    assert repr(log) == "<TransactionLog postgresql+psycopg://user:***@host/name>"


def test_an_observer_is_told_of_a_duplicate(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, Outcome]] = []

    class Watcher(MM7Observer):
        def accepted(self, outcome: Outcome) -> None:
            told.append(("accepted", outcome))

        def duplicate(self, outcome: Outcome) -> None:
            told.append(("duplicate", outcome))

    caplog.set_level(logging.INFO, "mm7_wsgi")
    log = TransactionLog(tmp_path / "mm7.db")
    app = MM7Middleware(
        lambda *_: [], lambda request: None, accounts={"acme": "s3cret"}, transactions=log, observer=Watcher()
    )
    client = MM7Client(app, "acme", "s3cret")
    for _ in range(2):
        assert client.submit(transaction_id="t-1").accepted
    log.close()
    assert [name for name, _ in told] == [outcome.event for _, outcome in told] == ["accepted", "duplicate"]
    assert told[0][1].message_id == told[1][1].message_id
    assert (told[1][1].status, told[1][1].http_status) == (1000, 200)
    assert caplog.records[-1].getMessage().startswith("duplicate from 127.0.0.1: 'SubmitReq' of 'acme'")


@pytest.mark.parametrize("transactions", [TransactionLog, "sqlite:///mm7.db", object()])
def test_an_endpoint_takes_nothing_else_for_a_log(transactions: Any) -> None:
    with pytest.raises(TypeError, match="transactions has to be a TransactionLog, not"):
        MM7Endpoint(lambda request: None, accounts={}, transactions=transactions)
