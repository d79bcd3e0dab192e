"""A peer that has no answer sends again, and again, and at the same time: it is accepted once."""

from __future__ import annotations

import os
import runpy
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MM7Request, ServiceUnavailable
from mm7_wsgi.spool import Spool, TransactionLog, processes
from mm7_wsgi.spool import transactions as transactions_module
from mm7_wsgi.testing import submit

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
Clock, Look, fork, peer = KIT["Clock"], KIT["Look"], KIT["fork"], KIT["peer"]
DAY = 24 * 60 * 60
AT_ONCE = 50


@pytest.fixture
def clock() -> Any:
    return Clock()


class Calls:
    """A handler that says in a file that it was called, so that other processes can count."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.then: Callable[[MM7Request], Any] = lambda request: None

    def __call__(self, request: MM7Request) -> Any:
        with self.path.open("ab", buffering=0) as file:
            file.write(b"x")
        return self.then(request)

    @property
    def count(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    return Calls(tmp_path / "calls")


@pytest.fixture(params=["spool", "log"])
def make_client(request: pytest.FixtureRequest, place: str, calls: Calls, clock: Any) -> Iterator[Any]:
    """Makes a peer of an endpoint that recognises what comes again, in both ways; ``count()`` is what it accepted."""
    opened: list[Any] = []

    def make_client(**options: Any) -> Any:
        if request.param == "spool":
            spool = Spool(place, clock=clock, **options)
            made = peer(spool)
            made.count = lambda: len(list(spool.messages.find()))
            opened.append(spool)
        else:
            # It is waited for as long as it takes; here nothing takes long.
            log = TransactionLog(place, clock=clock, wait=60.0, **options)
            made = peer(calls, transactions=log)
            made.count = lambda: calls.count
            opened.append(log)
        return made

    yield make_client
    for kept in opened:
        kept.close()


@pytest.fixture
def client(make_client: Any) -> Any:
    """One with the defaults."""
    return make_client()


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What comes of it in as many threads that begin together."""
    together = threading.Barrier(count)
    results: list[Any] = []

    def run(number: int) -> None:
        together.wait()
        results.append(work(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_same_message_many_times_at_once_is_accepted_once(client: Any) -> None:
    message = submit(transaction_id="same")
    answers = at_once(AT_ONCE, lambda number: client.send(message))
    assert [answer.http_status for answer in answers] == [200] * AT_ONCE
    assert len({answer.body for answer in answers}) == 1
    assert client.count() == 1
    assert client.send(message).body == answers[0].body


def test_many_processes_get_the_same_message_at_once_and_one_accepts_it(client: Any) -> None:
    message = submit(transaction_id="same")
    client.submit(transaction_id="first")
    before = client.count()
    go, gone = os.pipe()

    def work(tell: Callable[[Any], None]) -> None:
        os.close(gone)
        os.read(go, 1)
        for answer in at_once(10, lambda number: client.send(message)):
            tell((answer.http_status, answer.body))

    children = [fork(work) for _ in range(5)]
    os.close(gone)
    os.close(go)
    assert [child.wait() for child in children] == [0] * 5
    told = [each for child in children for each in child.told]
    assert len(told) == AT_ONCE
    assert {status for status, _ in told} == {200}
    assert {octets for _, octets in told} == {client.send(message).body}
    assert client.count() == before + 1


def test_other_messages_under_the_same_id_at_once_are_each_accepted_once(client: Any) -> None:
    messages = [submit(transaction_id="same", subject=f"{number}") for number in range(20)]
    answers = at_once(40, lambda number: (number % 20, client.send(messages[number % 20])))
    assert {answer.http_status for _, answer in answers} == {200}
    assert len({answer.body for _, answer in answers}) == client.count() == 20
    for number, answer in answers:
        assert client.send(messages[number]).body == answer.body
    assert client.count() == 20


def test_other_messages_under_the_same_id_at_once_may_be_refused_but_for_one(make_client: Any) -> None:
    client = make_client(reuse="refuse")
    messages = [submit(transaction_id="same", subject=f"{number}") for number in range(20)]
    answers = at_once(20, lambda number: (number, client.send(messages[number])))
    (winner,) = [number for number, answer in answers if answer.accepted]
    for number, answer in answers:
        if number != winner:
            assert answer.status_code == 2000
    assert client.count() == 1
    for number, answer in answers:
        again = client.send(messages[number])
        assert again.accepted == (number == winner)
        if number == winner:
            assert again.body == answer.body


def test_what_one_process_has_accepted_is_known_to_another(client: Any) -> None:
    message = submit(transaction_id="same")
    with fork(lambda tell: tell(client.send(message).body)) as child:
        first = child.next()
        child.wait()
    assert client.send(message).body == first
    with fork(lambda tell: tell(client.send(message).body)) as child:
        assert child.next() == first
        child.wait()
    assert client.count() == 1


def test_the_same_after_its_window_is_another(client: Any, clock: Any) -> None:
    message = submit(transaction_id="same")
    first = client.send(message)
    clock.now += DAY - 60
    assert client.send(message).body == first.body
    clock.now += 120
    answers = at_once(10, lambda number: client.send(message))
    assert len({answer.body for answer in answers}) == 1
    assert answers[0].message_id != first.message_id
    assert client.count() == 2


def test_many_messages_at_once_are_each_accepted_once(client: Any) -> None:
    """Each twice, from many threads, in another order each time."""
    messages = [submit(transaction_id=f"{number}") for number in range(40)]

    def send(thread: int) -> list[tuple[int, bytes]]:
        order = range(40) if thread % 2 else range(39, -1, -1)
        return [(number, client.send(messages[number]).body) for number in order if number % 4 == thread // 2]

    answers: dict[int, set[bytes]] = {}
    for sent in at_once(8, send):
        for number, octets in sent:
            answers.setdefault(number, set()).add(octets)
    assert all(len(octets) == 1 for octets in answers.values())
    assert len(set.union(*answers.values())) == 40
    assert client.count() == 40


# -- a handler that takes its time


class Slow:
    """A handler that goes on when it is let."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.go = threading.Event()
        self.calls = 0

    def __call__(self, request: MM7Request) -> None:
        self.calls += 1
        self.began.set()
        assert self.go.wait(30)


def test_one_that_is_handled_is_told_to_come_again_and_then_gets_the_answer(place: str) -> None:
    slow = Slow()
    log = TransactionLog(place, wait=0.0)
    client = peer(slow, transactions=log)
    message = submit(transaction_id="slow")
    first: list[Any] = []
    thread = threading.Thread(target=lambda: first.append(client.send(message)))
    thread.start()
    assert slow.began.wait(30)
    for answer in at_once(5, lambda number: client.send(message)):
        assert (answer.http_status, answer.status_code) == (500, 4006)
        assert 50 <= int(answer.headers["Retry-After"]) <= 60
    # Other messages are not held up by it.
    other = TransactionLog(place, wait=0.0)
    assert peer(lambda request: None, transactions=other).submit(transaction_id="other").accepted
    other.close()
    slow.go.set()
    thread.join()
    assert client.send(message).body == first[0].body
    assert slow.calls == 1
    log.close()


def test_one_that_waits_gets_the_answer_when_it_is_there(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    log = TransactionLog(place, wait=60.0)
    client = peer(slow, transactions=log)
    message = submit(transaction_id="slow")
    waits = threading.Semaphore(0)
    sleep = transactions_module.time.sleep
    monkeypatch.setattr(transactions_module.time, "sleep", lambda seconds: (waits.release(), sleep(seconds)))
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(client.send(message))) for _ in range(4)]
    threads[0].start()
    assert slow.began.wait(30)
    for thread in threads[1:]:
        thread.start()
    for _ in range(3):
        assert waits.acquire(timeout=30)
    slow.go.set()
    for thread in threads:
        thread.join()
    assert {answer.http_status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert slow.calls == 1
    log.close()


def test_a_handler_that_is_killed_elsewhere_holds_its_message_until_its_lease_ends(
    place: str, calls: Calls, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = TransactionLog(place, wait=0.0, lease=60.5, clock=clock)
    client = peer(calls, transactions=log)
    message = submit(transaction_id="killed")
    client.submit(transaction_id="first")
    assert calls.count == 1
    calls.then = lambda request: os.kill(os.getpid(), signal.SIGKILL)

    def handle_elsewhere(tell: Callable[[Any], None]) -> None:
        here = processes.identify()
        monkeypatch.setattr(processes, "identify", lambda: bytes(16) + here[16:])
        client.send(message)

    assert fork(handle_elsewhere).wait() == signal.SIGKILL
    assert calls.count == 2
    calls.then = lambda request: None
    clock.now += 59
    answer = client.send(message)
    assert (answer.status_code, answer.headers["Retry-After"]) == (4006, "2")
    assert calls.count == 2
    clock.now += 2
    answers = at_once(10, lambda number: client.send(message))
    assert calls.count == 3
    accepted = {answer.body for answer in answers if answer.accepted}
    assert len(accepted) == 1
    assert {answer.status_code for answer in answers} <= {1000, 4006}
    assert {client.send(message).body} == accepted
    log.close()


def test_a_handler_that_takes_longer_than_its_lease_leaves_one_answer(place: str, clock: Any) -> None:
    """Two have handled it then, for the first was not believed to be at work. From then on there is one answer."""
    slow = Slow()
    log = TransactionLog(place, wait=0.0, lease=60.5, clock=clock)
    client = peer(slow, transactions=log)
    message = submit(transaction_id="slow")
    first: list[Any] = []
    thread = threading.Thread(target=lambda: first.append(client.send(message)))
    thread.start()
    assert slow.began.wait(30)
    clock.now += 61
    quick = peer(lambda request: None, transactions=log)
    second = quick.send(message)
    assert second.accepted
    slow.go.set()
    thread.join()
    assert first[0].accepted
    assert {client.send(message).body, quick.send(message).body} == {second.body}
    assert slow.calls == 1
    log.close()


@pytest.mark.parametrize("how", ["raises", "refuses", "returns a refusal", "is ended"])
def test_a_handler_that_does_not_accept_is_asked_again(place: str, calls: Calls, how: str) -> None:
    log = TransactionLog(place, wait=0.0)
    client = peer(calls, transactions=log)
    message = submit(transaction_id="again")

    def fail(request: MM7Request) -> Any:
        if how == "raises":
            raise RuntimeError("not now")
        if how == "refuses":
            raise ServiceUnavailable
        if how == "is ended":
            raise SystemExit
        return request.failure(4006)

    calls.then = fail
    for _ in range(3):
        if how == "is ended":
            with pytest.raises(SystemExit):
                client.send(message)
        else:
            answer = client.send(message)
            assert (answer.http_status, answer.status_code) == (500, 3000 if how == "raises" else 4006)
        assert Look(place)("SELECT count(*) FROM mm7_transactions") == [(0,)]
    assert calls.count == 3
    calls.then = lambda request: None
    first = client.send(message)
    assert first.accepted
    assert client.send(message).body == first.body
    assert calls.count == 4
    log.close()
