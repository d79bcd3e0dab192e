"""Transactions whose window has ended, when nothing comes any more by which they would be forgotten."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi.spool import Spool, TransactionLog
from mm7_wsgi.testing import submit

kit = runpy.run_path(str(Path(__file__).with_name("kit.py")))


@pytest.fixture
def clock() -> Any:
    return kit["Clock"]()


@pytest.fixture
def spool(place: str, clock: Any) -> Iterator[Spool]:
    with closing(Spool(place, clock=clock, window=60)) as made:
        yield made


@pytest.fixture
def look(place: str) -> Any:
    return kit["Look"](place)


def test_they_are_forgotten_when_somebody_asks(
    spool: Spool, look: Any, place: str, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mm7_wsgi.spool.transactions._AT_ONCE", 2)
    client = kit["peer"](spool)
    with closing(TransactionLog(place, clock=clock, window=600)) as log:
        # The oldest has the longest time, and is in nobody's way.
        assert kit["peer"](lambda request: None, transactions=log).submit(transaction_id="log").accepted
    for number in range(5):
        assert client.submit(transaction_id=f"t-{number}").accepted
    assert list(spool.forget_expired()) == []
    clock.now += 61
    assert list(spool.forget_expired()) == [2, 2, 1]
    assert look("SELECT transaction_id FROM mm7_transactions") == [("log",)]
    # The messages themselves are not done yet.
    assert spool.messages.counts()["waiting"] == 5


def test_one_that_has_come_again_meanwhile_is_kept(spool: Spool, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client, message = kit["peer"](spool), submit(transaction_id="t-0")
    first = client.send(message)
    clock.now += 61
    write, answers = spool._database.write, []

    def after_another(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(spool._database, "write", write)
        answers.append(client.send(message))
        return write(*arguments, **options)

    monkeypatch.setattr(spool._database, "write", after_another)
    assert list(spool.forget_expired()) == [0]
    assert answers[0].message_id != first.message_id
    assert client.send(message).body == answers[0].body
