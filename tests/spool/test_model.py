"""The spool beside a model of it, under whatever peers, workers, operators and the clock do, in any order.

The model is a few dictionaries. After every step the whole table of messages has to be what it says.
"""

from __future__ import annotations

import runpy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mm7_wsgi.spool import LeaseLost, Spool
from mm7_wsgi.spool.tables import PIECE
from mm7_wsgi.testing import cancel, deliver, submit

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
Clock, Look, THOROUGH, peer = (KIT[name] for name in ("Clock", "Look", "THOROUGH", "peer"))

WINDOW = 500.5
ATTEMPTS = 3
BACKOFF = (20.5, 50.5)
#: The clock shows whole seconds at every step, and what is due later is so at a fraction, so nothing is due just now.
LEASES = st.sampled_from([10.5, 60.5])
MAKERS: Any = {"submit": submit, "deliver": deliver, "cancel": cancel}
CONTENTS: Any = {
    "one": {"parts": (("text/plain", "one"),)},
    "two": {"parts": (("text/plain", "two"),)},
    "large": {"parts": (("video/3gpp", bytes(PIECE + 10)),)},
}


def make(operation: str, transaction_id: str, content: str) -> Any:
    if operation == "cancel":
        return cancel(transaction_id=transaction_id, message_id=content)
    return MAKERS[operation](transaction_id=transaction_id, **CONTENTS[content])


@dataclass
class Kept:
    """One message that was accepted, as the model has it."""

    name: tuple[str, ...]
    body: bytes
    message_id: str
    due: float
    attempts: int = 0
    state: Literal["waiting", "dead"] = "waiting"
    lease: object = None
    received: float = 0.0


@dataclass(eq=False)
class Hand:
    """A delivery, in the hands of a worker."""

    delivery: Any
    kept: Kept
    lease: object
    attempts: int


@dataclass
class Answered:
    """An answer that is remembered."""

    content: str
    octets: bytes
    expires: float


@dataclass
class Model:
    clock: Any = field(default_factory=Clock)
    #: In the order of their arrival.
    kept: list[Kept] = field(default_factory=list)
    answers: dict[tuple[str, ...], Answered] = field(default_factory=dict)
    done: list[Kept] = field(default_factory=list)


class Machine(RuleBasedStateMachine):
    """One database that two machines use."""

    place: str
    hands = Bundle("hands")

    @initialize(reuse=st.sampled_from(["refuse", "accept"]))
    def begin(self, reuse: Any) -> None:
        self.model = Model()
        self.reuse = reuse
        #: All, since who settles a delivery uses the one that it came from, and opens that again.
        self.opened: list[Spool] = []
        self.spools = [self._open(), self._open()]
        self.spools[0].messages.counts()  # makes the tables
        self.look = Look(self.place)
        self.look.empty()

    def _open(self) -> Spool:
        made = Spool(
            self.place, clock=self.model.clock, window=WINDOW, reuse=self.reuse, attempts=ATTEMPTS, backoff=BACKOFF
        )
        self.opened.append(made)
        return made

    def teardown(self) -> None:
        for spool in getattr(self, "opened", []):
            spool.close()

    def _tick(self, seconds: int = 1) -> float:
        self.model.clock.now += seconds
        return float(self.model.clock.now)

    # -- peers

    @rule(
        which=st.integers(0, 1),
        account=st.sampled_from(["acme", "beta"]),
        operation=st.sampled_from(["submit", "submit", "deliver", "cancel"]),
        tid=st.sampled_from(["1", "2", "3"]),
        content=st.sampled_from(["one", "one", "two", "large"]),
    )
    def send(self, which: int, account: str, operation: str, tid: str, content: str) -> None:
        now = self._tick()
        message = make(operation, tid, content)
        answer = peer(self.spools[which], account).send(message)
        name = (account, tid, operation) + ((content,) if self.reuse == "accept" else ())
        before = self.model.answers.get(name)
        if before is not None and before.expires > now:
            if before.content != content:
                assert answer.status_code == 2000
                return
            assert answer.http_status == 200
            assert answer.body == before.octets
            return
        assert (answer.http_status, answer.status_code) == (200, 1000)
        (row,) = [row for row in self.spools[which].messages.find() if row.received.timestamp() > now - 0.5]
        if answer.message_id is not None:  # a CancelRsp has none
            assert row.message_id == answer.message_id
        assert row.message_id not in [each.message_id for each in [*self.model.kept, *self.model.done]]
        self.model.answers[name] = Answered(content, answer.body, now + WINDOW)
        kept = Kept((account, tid, operation), message.body, row.message_id, due=now, received=now)
        self.model.kept.append(kept)

    # -- workers

    def _due(self, now: float) -> list[Kept]:
        due = [kept for kept in self.model.kept if kept.state == "waiting" and kept.due <= now + 0.2]
        return sorted(due, key=lambda kept: kept.due)

    def _taken(self, now: float, limit: int, lease: float, token: object) -> list[Kept]:
        """What a claim takes, and what it finds to have been handed out often enough."""
        taken: list[Kept] = []
        while not taken and (due := self._due(now)[:limit]):
            for kept in due:
                if kept.attempts >= ATTEMPTS:
                    kept.state, kept.lease = "dead", None
                else:
                    # Nobody has it: who had it has not settled it in its time.
                    kept.attempts, kept.due, kept.lease = kept.attempts + 1, now + lease, token
                    taken.append(kept)
        return sorted(taken, key=lambda kept: kept.received)

    @rule(target=hands, which=st.integers(0, 1), limit=st.integers(1, 4), lease=LEASES)
    def claim(self, which: int, limit: int, lease: float) -> Any:
        now, token = self._tick(), object()
        expected = self._taken(now, limit, lease, token)
        found = list(self.spools[which].claim(limit, lease))
        assert [delivery.message_id for delivery in found] == [kept.message_id for kept in expected]
        made = []
        for delivery, kept in zip(found, expected, strict=True):
            assert (delivery.account, delivery.transaction_id) == kept.name[:2]
            assert delivery.attempts == kept.attempts
            with delivery.open() as stream:
                assert stream.read() == kept.body
            delivery.close()
            made.append(Hand(delivery, kept, token, kept.attempts))
        return multiple(*made)

    @rule(which=st.integers(0, 1), limit=st.integers(2, 4), lease=LEASES)
    def claim_and_leave_after_the_first(self, which: int, limit: int, lease: float) -> None:
        """The first is lost with its worker; the others are given back."""
        now, token = self._tick(), object()
        expected = self._taken(now, limit, lease, token)
        claimed = self.spools[which].claim(limit, lease)
        first = next(claimed, None)
        claimed.close()
        assert (first is None) == (not expected)
        for kept in expected[1:]:
            kept.attempts, kept.due, kept.lease = kept.attempts - 1, kept.received, None

    def _settle(self, hand: Hand, how: Any) -> bool:
        """Whether it had it still."""
        try:
            how(hand.delivery)
        except LeaseLost:
            assert hand.kept.lease is not hand.lease, "it had it still"
            return False
        assert hand.kept.lease is hand.lease, "another has it, or it was settled"
        return True

    @rule(hand=hands)
    def done(self, hand: Hand) -> None:
        self._tick()
        if self._settle(hand, lambda delivery: delivery.done()):
            hand.kept.lease = None
            self.model.kept.remove(hand.kept)
            self.model.done.append(hand.kept)

    @rule(hand=hands, after=st.sampled_from([None, 0.5, 30.5]))
    def retry(self, hand: Hand, after: float | None) -> None:
        now = self._tick()
        if not self._settle(hand, lambda delivery: delivery.retry(after, "not now")):
            return
        hand.kept.lease = None
        if hand.attempts >= ATTEMPTS:
            hand.kept.state = "dead"
        elif after is not None:
            hand.kept.due = now + after
        else:
            (row,) = self.look(f"SELECT due FROM mm7_messages WHERE message_id = '{hand.kept.message_id}'")
            wanted = min(BACKOFF[0] * 2 ** (hand.attempts - 1), BACKOFF[1])
            assert now + 0.79 * wanted < row.due < now + 1.21 * wanted
            hand.kept.due = row.due

    @rule(hand=hands)
    def fail(self, hand: Hand) -> None:
        self._tick()
        if self._settle(hand, lambda delivery: delivery.fail("never")):
            hand.kept.state, hand.kept.lease = "dead", None

    @rule(hand=hands, after=st.sampled_from([0.5, 30.5]))
    def release(self, hand: Hand, after: float) -> None:
        now = self._tick()
        if self._settle(hand, lambda delivery: delivery.release(after)):
            hand.kept.attempts, hand.kept.due, hand.kept.lease = hand.kept.attempts - 1, now + after, None

    @rule(hand=hands, lease=LEASES)
    def extend(self, hand: Hand, lease: float) -> None:
        now = self._tick()
        if self._settle(hand, lambda delivery: delivery.extend(lease)):
            hand.kept.due = now + lease

    # -- operators

    def _is_free(self, kept: Kept, now: float) -> bool:
        return kept.lease is None or kept.due <= now

    @precondition(lambda self: self.model.kept)
    @rule(data=st.data(), which=st.integers(0, 1), removes=st.booleans())
    def look_after(self, data: Any, which: int, removes: bool) -> None:
        now = self._tick()
        chosen = data.draw(st.sampled_from(self.model.kept))
        store = self.spools[which].messages
        asked = store.find(message_ids=[chosen.message_id])
        changed = list(store.remove(asked) if removes else store.retry_now(asked))
        assert [each.message_id for each in changed] == ([chosen.message_id] if self._is_free(chosen, now) else [])
        if not changed:
            return
        chosen.lease = None
        if removes:
            self.model.kept.remove(chosen)
        else:
            chosen.state, chosen.attempts, chosen.due = "waiting", 0, now

    # -- time, and the end of processes

    @rule(seconds=st.sampled_from([5, 11, 40, 61, 300, 501]))
    def wait(self, seconds: int) -> None:
        self._tick(seconds)

    @rule(which=st.integers(0, 1))
    def close_and_open(self, which: int) -> None:
        self.spools[which].close()
        self.spools[which] = self._open()

    # -- what holds always

    @invariant()
    def is_as_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = self.look(
            "SELECT message_id, account, transaction_id, state, attempts, due, lease, size"
            " FROM mm7_messages ORDER BY id"
        )
        found = [
            (
                row.message_id,
                (row.account, row.transaction_id),
                row.state,
                row.attempts,
                row.lease is not None,
                row.size,
            )
            for row in rows
        ]
        assert sorted(found) == sorted(
            (each.message_id, each.name[:2], each.state, each.attempts, each.lease is not None, len(each.body))
            for each in self.model.kept
        )
        due = {row.message_id: row.due for row in rows if row.state == "waiting"}
        for kept in self.model.kept:
            if kept.state == "waiting":
                assert due[kept.message_id] == pytest.approx(kept.due, abs=0.2)
        # Those of large messages, and no others.
        pieces = self.look("SELECT message, count(*) FROM mm7_pieces GROUP BY message")
        assert len(pieces) == sum(row.size > PIECE for row in rows)

    @invariant()
    def one_message_has_one_key(self) -> None:
        if not hasattr(self, "model"):
            return
        repeated = self.look("SELECT key FROM mm7_transactions GROUP BY key HAVING count(*) > 1")
        assert repeated == []


def run(place: str, examples: int, steps: int) -> None:
    class Here(Machine):
        pass

    Here.place = place
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


def test_the_spool_does_what_its_model_does_with_sqlite(folder: Path) -> None:
    run(f"sqlite:///{folder / 'mm7.db'}", *((1000, 80) if THOROUGH else (30, 40)))


def test_the_spool_does_what_its_model_does_with_postgresql(postgresql: str) -> None:
    run(postgresql, *((500, 80) if THOROUGH else (6, 30)))
