"""A process is killed before every line of what it does, one after the other: nothing accepted is lost, nor twice.

Each time a child is forked that does one thing and kills itself at the next line; then its peer tries again, as peers
do. Every line is tried with SQLite the first time that it is run, with PostgreSQL every third; each time it is run,
and with both, where MM7_TEST_THOROUGH is set.
"""

from __future__ import annotations

import os
import random
import runpy
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MM7Request
from mm7_wsgi.spool import Delivery, Spool, TransactionLog
from mm7_wsgi.spool.tables import PIECE
from mm7_wsgi.testing import submit

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
BEGIN, Clock, Failpoint, Look, THOROUGH = (KIT[name] for name in ("BEGIN", "Clock", "Failpoint", "Look", "THOROUGH"))
fork, peer = KIT["fork"], KIT["peer"]
#: More lines than anything here has.
ENOUGH = 2000


def steps(place: str) -> Iterator[int]:
    """The lines at which to be killed."""
    yield from range(1, ENOUGH, 1 if THOROUGH or place.startswith("sqlite") else 3)


def killed_at(
    step: int,
    work: Callable[[Callable[[Any], None]], None],
    begins: str | None = None,
    ready: Callable[[], object] | None = None,
) -> Any:
    """A child that was killed at that line of its work, or had done it before it came there.

    What makes it ``ready`` is done before, and lines count from the call of the function that ``begins`` names.
    """

    def until_killed(tell: Callable[[Any], None]) -> None:
        if ready is not None:
            ready()
        Failpoint(step, begins=begins).start()
        work(tell)

    child = fork(until_killed)
    assert child.wait() in (0, signal.SIGKILL)
    return child


@pytest.fixture
def look(place: str) -> Any:
    return Look(place)


PARTS = {
    "small": (("text/plain", "Hello"),),
    "in pieces": (("video/3gpp", bytes(random.Random(7).randbytes(PIECE + 70_000))),),
}


@pytest.mark.parametrize("size", PARTS)
def test_a_process_that_is_killed_while_it_stores_has_stored_once_or_not_at_all(
    place: str, look: Any, size: str
) -> None:
    spool = Spool(place)
    client = peer(spool)
    client.submit(transaction_id="first")
    spool.close()
    lines = completed = 0
    # What is before is the same for both.
    begins = "_call" if size == "small" else "store"
    for step in steps(place):
        message = submit(transaction_id=f"t-{step}", parts=PARTS[size])
        child = killed_at(step, lambda tell, message=message: tell(client.send(message).body), begins)
        answers = [client.send(message) for _ in range(2)]
        assert [(answer.http_status, answer.status_code) for answer in answers] == [(200, 1000)] * 2
        assert answers[0].body == answers[1].body
        assert all(told == answers[0].body for told in child.told)
        stored = list(spool.claim(10))
        assert [delivery.transaction_id for delivery in stored[-1:]] == [message.transaction_id]
        assert len(stored) == (2 if step == 1 else 1)
        assert stored[-1].message_id == answers[0].message_id
        with stored[-1].open() as stream:
            assert stream.read() == message.body
        for delivery in stored:
            delivery.done()
        lines += 1
        if not os.WIFSIGNALED(child.status):
            completed += 1
            break
    assert completed == 1
    assert lines > 10
    assert look.stored() == []
    assert look("SELECT count(*) FROM mm7_pieces") == [(0,)]
    spool.close()


class Book:
    """A handler that writes down what it is asked for, so that it is there when it returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: MM7Request) -> None:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{request.transaction_id}\n".encode())
        os.fsync(file)
        os.close(file)

    def count(self, transaction_id: str) -> int:
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return lines.count(transaction_id)


def test_a_handler_that_is_killed_is_asked_again_only_where_nobody_can_know_what_it_did(
    place: str, tmp_path: Path
) -> None:
    book = Book(tmp_path / "book")
    log = TransactionLog(place, wait=0)
    client = peer(book, transactions=log)
    client.submit(transaction_id="first")
    log.close()
    found: set[tuple[int, int]] = set()
    for step in steps(place):
        message = submit(transaction_id=f"t-{step}")
        child = killed_at(step, lambda tell, message=message: tell(client.send(message).body), "_call")
        before = book.count(message.transaction_id)
        answers = [client.send(message) for _ in range(2)]
        assert [(answer.http_status, answer.status_code) for answer in answers] == [(200, 1000)] * 2
        assert answers[0].body == answers[1].body
        assert all(told == answers[0].body for told in child.told)
        after = book.count(message.transaction_id)
        # It was asked twice only where it had done it and nobody could write that down.
        assert after in ((before,) if child.told else (max(before, 1), before + 1))
        found.add((before, after))
        if not os.WIFSIGNALED(child.status):
            break
    else:
        pytest.fail("it never came to its end")
    # Killed before the handler, after it, and after all was written down.
    assert found == {(0, 1), (1, 2), (1, 1)}
    log.close()


def done(delivery: Delivery) -> None:
    delivery.done()


def retry(delivery: Delivery) -> None:
    delivery.retry(30.5, "not now")


def fail(delivery: Delivery) -> None:
    delivery.fail("never")


def release(delivery: Delivery) -> None:
    delivery.release(30.5)


def extend(delivery: Delivery) -> None:
    delivery.extend(90.5)


def leave(delivery: Delivery) -> None:
    """The worker is ended in the middle of it, and gives back the others."""


#: Those that are left out are changed by the same lines as the second.
SETTLED = [done, retry, extend, leave, *([fail, release] if THOROUGH else [])]


@pytest.mark.parametrize("settle", SETTLED)
def test_a_worker_that_is_killed_loses_nothing(place: str, look: Any, settle: Callable[[Delivery], None]) -> None:
    clock = Clock()
    spool = Spool(place, clock=clock)
    client = peer(spool)
    body = submit(transaction_id="first")
    client.send(body)

    # To claim is the same for all, so that is tried with the first.
    begins = {done: "take", leave: "give_back"}.get(settle, "_change")

    def work(tell: Callable[[Any], None]) -> None:
        claimed = spool.claim(2, lease=60.5)
        for delivery in claimed:
            tell(delivery.transaction_id)
            with delivery.open() as stream:
                assert stream.read() == body.body
            settle(delivery)
            tell("settled")
            claimed.close()
            break

    for step in steps(place):
        look.empty()
        answer = client.send(body)
        second = client.submit(transaction_id="second")
        spool.close()
        clock.now += 1
        child = killed_at(step, work, begins, ready=spool.messages.counts)
        rows = look("SELECT transaction_id, state, attempts, lease FROM mm7_messages ORDER BY id")
        # The one that was not handed over is there in any case.
        assert [row[0] for row in rows][-1] == "second"
        if len(rows) == 1:
            assert settle is done
            assert child.told[0] == "first"
        if "settled" in child.told:
            assert (len(rows) == 1) == (settle is done)
        clock.now += 61
        if settle is extend:
            clock.now += 31
        again = {delivery.transaction_id: delivery for delivery in spool.claim(10)}
        assert list(again) == [row[0] for row in rows if row[1] != "dead"]
        assert again["second"].message_id == second.message_id
        if "first" in again:
            assert again["first"].message_id == answer.message_id
            assert again["first"].attempts in (1, 2)
            with again["first"].open() as stream:
                assert stream.read() == body.body
        else:
            assert settle in (done, fail)
        # Whatever became of it, the peer is answered as it was.
        assert client.send(body).body == answer.body
        if not os.WIFSIGNALED(child.status):
            assert child.told == ["first", "settled"]
            break
    else:
        pytest.fail("it never came to its end")
    spool.close()


def test_threads_that_commit_together_are_killed_together(place: str, look: Any) -> None:
    spool = Spool(place)
    client = peer(spool)
    client.submit(transaction_id="first")
    spool.close()
    numbers = random.Random(11)
    reported = 0
    tries = 200 if THOROUGH else 12
    for number in range(tries):
        look.empty()
        bodies = [submit(transaction_id=f"{number}-{index}") for index in range(24)]

        def work(tell: Callable[[Any], None], bodies: Any = bodies) -> None:
            together = threading.Barrier(8)

            def send(mine: Any) -> None:
                together.wait()
                for body in mine:
                    tell((body.transaction_id, client.send(body).body))

            threads = [threading.Thread(target=send, args=(bodies[index::8],)) for index in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        child = killed_at(numbers.randrange(1, 3000), work)
        stored = look.stored()
        assert len(stored) == len(set(stored))
        assert {tid for tid, _ in child.told} <= set(stored)
        answers = {body.transaction_id: client.send(body).body for body in bodies}
        assert all(answers[tid] == octets for tid, octets in child.told)
        assert sorted(look.stored()) == sorted(answers)
        spool.close()
        reported += len(child.told)
    assert reported


def test_a_process_that_is_killed_while_it_makes_the_tables_leaves_all_or_none(folder: Path) -> None:
    for step in steps("sqlite"):
        path = folder / f"{step}.db"

        def work(tell: Callable[[Any], None], path: Path = path) -> None:
            spool = Spool(path)
            Failpoint(step).start()  # noqa: B023
            spool.messages.counts()

        child = fork(work)
        assert child.wait() in (0, signal.SIGKILL)
        if path.exists():
            with sqlite3.connect(path) as connection:
                tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
            connection.close()
            assert tables in ((0,), (4,))
        spool = Spool(path)
        assert peer(spool).submit().accepted
        spool.close()
        if not os.WIFSIGNALED(child.status):
            break
    else:
        pytest.fail("it never came to its end")
