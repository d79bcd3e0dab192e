"""The messages that were accepted and are not done, in the database: what is handed out, and what becomes of it."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final, Literal, TypeAlias

import sqlalchemy as sa

from ..protocol.buffer import Buffer
from ..request import RawBody
from .database import Database, DatabaseUnavailable, Prepared
from .tables import PIECE, messages, pieces

__all__ = ["MessageStore", "State", "Stored"]

#: What a message can be: due now or later, in the hands of a worker, given up.
State: TypeAlias = Literal["waiting", "leased", "dead"]

# Rows that are read or changed in one transaction.
_AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True)
class Stored:
    """One message of the spool, without what it holds."""

    #: What the database calls it.
    id: int
    state: State
    #: When it is handed out next; while a worker has it, when its lease ends.
    due: datetime
    #: How often it was handed out.
    attempts: int
    #: Why it was put off or given up.
    reason: str | None
    #: The same each time that this message is handed out, and no other's: what a consumer drops duplicates by.
    key: str
    #: The MessageID that was answered; where the response has none, the one that it would have been.
    message_id: str
    account: str
    transaction_id: str
    #: The element of the operation: ``SubmitReq`` …
    operation: str
    #: The address of the peer; None where the server gave none.
    remote_addr: str | None
    #: When it was accepted.
    received: datetime
    #: Octets of the body.
    size: int
    #: The Content-Type header as it came.
    content_type: str


class MessageStore:
    """The table of messages.

    ``attempts`` and ``backoff`` are those of a :class:`.Spool`. What changes a message that a worker has takes the
    token of its lease, and returns False where that was lost.
    """

    def __init__(self, database: Database, attempts: int, backoff: tuple[float, float]) -> None:
        if attempts < 1:
            raise ValueError(f"attempts has to be a positive whole number, not {attempts!r}")
        if not 0 < backoff[0] <= backoff[1]:
            raise ValueError(f"backoff has to be two numbers of seconds, the smaller first, not {backoff!r}")
        self._database = database
        self._attempts = attempts
        self._backoff = backoff

    def insert(self, connection: sa.Connection, values: dict[str, Any], raw: RawBody) -> None:
        """Put a message there, due at once; in the transaction of ``connection``."""
        row = {**values, "state": "waiting", "due": values["received"], "attempts": 0, "size": raw.size}
        if raw.size <= PIECE:
            _INSERT.run(connection, {**row, "body": b"".join(raw.pieces(PIECE))})
            return
        key: Any = connection.execute(sa.insert(messages), row).inserted_primary_key
        for number, octets in enumerate(raw._views(PIECE)):
            _INSERT_PIECE.run(connection, {"message": key[0], "number": number, "octets": octets})

    # -- for workers

    def take(self, limit: int, lease: float, token: bytes) -> list[Stored]:
        """Up to ``limit`` messages that are due, for ``lease`` seconds in the hands of ``token``."""
        now = self._database.now()
        spent = {"most": self._attempts, "reason": f"handed out {self._attempts} times, and never settled"}

        def take(connection: sa.Connection) -> list[Stored]:
            while ids := list(connection.scalars(_DUE, {"now": now, "most": limit})):
                connection.execute(_BURY_SPENT, {"ids": ids, **spent})
                connection.execute(_LEASE, {"ids": ids, "until": now + lease, "token": token})
                rows = connection.execute(_LEASED_BY, {"ids": ids, "token": token})
                if found := [_stored(row, now) for row in rows]:
                    return found
            return []

        return self._database.write(take)

    def body_of(self, message: Stored) -> Buffer:
        """The octets of a message, to be closed. Raises ``LookupError`` where it is not there any more."""
        buffer = Buffer(expected=message.size)
        try:
            with self._database.read() as connection:
                wanted = {"the_id": message.id, "the_key": bytes.fromhex(message.key)}
                row = connection.execute(_BODY, wanted).one_or_none()
                if row is None:
                    raise _gone(message)
                if row.body is not None:
                    buffer.write(row.body)
                for number in range(0 if row.body is not None else -(-message.size // PIECE)):
                    wanted = {"the_message": message.id, "number": number}
                    octets = connection.execute(_PIECE, wanted).scalar_one_or_none()
                    if octets is None:  # PostgreSQL sees between two pieces what others have done
                        raise _gone(message)
                    buffer.write(octets)
            return buffer.finish()
        except BaseException:
            buffer.close()
            raise

    def done(self, message: Stored, token: bytes) -> bool:
        """Forget it."""

        def remove(connection: sa.Connection) -> bool:
            if not connection.execute(_REMOVE_HELD, _held(message, token)).rowcount:
                return False
            if message.size > PIECE:
                connection.execute(_REMOVE_PIECES, {"ids": [message.id]})
            return True

        return self._database.write(remove)

    def retry(self, message: Stored, token: bytes, after: float | None, reason: str | None) -> bool:
        """Hand it out again later; after the last attempt it is a dead letter."""
        if message.attempts >= self._attempts:
            return self.fail(message, token, reason or f"handed out {message.attempts} times")
        if after is None:
            after = pause(self._backoff, message.attempts)
        return self._change(_RETRY, message, token, due=self._database.now() + after, reason=reason)

    def fail(self, message: Stored, token: bytes, reason: str) -> bool:
        """Make it a dead letter."""
        return self._change(_FAIL, message, token, reason=reason)

    def release(self, message: Stored, token: bytes, after: float) -> bool:
        """Put it back as if it had not been handed out."""
        return self._change(_RELEASE, message, token, due=self._database.now() + after)

    def extend(self, message: Stored, token: bytes, lease: float) -> bool:
        """Hold it for ``lease`` seconds from now."""
        return self._change(_EXTEND, message, token, due=self._database.now() + lease)

    def give_back(self, held: list[Stored], token: bytes) -> None:
        """Put back what was taken and not looked at. Where that cannot be done, the leases end by themselves."""

        def give_back(connection: sa.Connection) -> None:
            for message in held:
                connection.execute(_RELEASE, {**_held(message, token), "due": message.received.timestamp()})

        with contextlib.suppress(DatabaseUnavailable):
            self._database.write(give_back)

    def _change(self, statement: sa.Update, message: Stored, token: bytes, **values: Any) -> bool:
        changed = {**_held(message, token), **values}
        return self._database.write(lambda connection: bool(connection.execute(statement, changed).rowcount))

    # -- for operators

    def now(self) -> datetime:
        """The time by the clock that says when a message was accepted."""
        return moment(self._database.now())

    def counts(self) -> dict[State, int]:
        """How many messages there are in each state."""
        now = self._database.now()
        with self._database.read() as connection:
            found = {state: connection.scalar(sa.select(sa.func.count()).where(_is(state, now))) for state in _STATES}
        return {state: count or 0 for state, count in found.items()}

    def count(self, **asked: Any) -> int:
        """How many :meth:`find` would find."""
        with self._database.read() as connection:
            query = sa.select(sa.func.count()).select_from(messages).where(*_asked(self._database.now(), **asked))
            return connection.scalar(query) or 0

    def find(self, **asked: Any) -> Iterator[Stored]:
        """The messages that are all that is asked for, in the order of their arrival.

        ``message_ids``
            Which; an iterable of MessageIDs.
        ``state``, ``account``
            As they are.
        ``before``
            Those that were accepted before that time.

        They are read some at a time, so what changes meanwhile is seen or is not. It ends with the newest that was
        there at the beginning, however fast others come.
        """
        now, last = self._database.now(), 0
        with self._database.read() as connection:
            newest = connection.scalar(sa.select(sa.func.max(_c.id))) or 0
        while True:
            query = sa.select(*_ALL_BUT_BODY).where(_c.id > last, _c.id <= newest, *_asked(now, **asked))
            with self._database.read() as connection:
                rows = connection.execute(query.order_by(_c.id).limit(_AT_ONCE)).all()
            if not rows:
                return
            last = rows[-1].id
            yield from [_stored(row, now) for row in rows]

    def retry_now(self, found: Iterable[Stored]) -> Iterator[Stored]:
        """Hand these out again, from their first attempt; yields those that were not in anybody's hands by then.

        One that has become a dead letter since it was found, or is none any more, is left alone.
        """
        return self._change_each(found, lambda now: _RETRY_NOW.where(_is_free(now)).values(due=now))

    def remove(self, found: Iterable[Stored]) -> Iterator[Stored]:
        """Forget these; yields those that were not in anybody's hands by then.

        One that has become a dead letter since it was found, or is none any more, is left alone.
        """
        return self._change_each(found, lambda now: sa.delete(messages).where(_is_as_found, _is_free(now)))

    def _change_each(
        self, found: Iterable[Stored], change: Callable[[float], sa.Update | sa.Delete]
    ) -> Iterator[Stored]:
        rest = iter(found)
        while some := list(itertools.islice(rest, _AT_ONCE)):
            statement = change(self._database.now())
            yield from self._database.write(lambda connection: _changed(connection, some, statement))  # noqa: B023


def _changed(connection: sa.Connection, some: list[Stored], statement: sa.Update | sa.Delete) -> list[Stored]:
    done = []
    for each in some:
        state = "dead" if each.state == "dead" else "waiting"
        wanted = {"the_id": each.id, "the_key": bytes.fromhex(each.key), "the_state": state}
        if connection.execute(statement, wanted).rowcount:
            done.append(each)
            if statement.is_delete and each.size > PIECE:
                connection.execute(_REMOVE_PIECES, {"ids": [each.id]})
    return done


def pause(backoff: tuple[float, float], tries: int) -> float:
    """Seconds until the next try, behind so many: doubled each time, from the first of ``backoff`` to the second."""
    first, most = backoff
    doublings = min(tries - 1, 64)  # more than a number holds, where there is no end of tries
    # What failed together is not to come again together.
    return min(first * 2.0**doublings, most) * random.uniform(0.8, 1.2)


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc)


def _stored(row: Any, now: float) -> Stored:
    return Stored(
        id=row.id,
        state="leased" if row.lease is not None and row.due > now else row.state,
        due=moment(row.due),
        attempts=row.attempts,
        reason=row.reason,
        key=bytes(row.key).hex(),
        message_id=row.message_id,
        account=row.account,
        transaction_id=row.transaction_id,
        operation=row.operation,
        remote_addr=row.remote_addr,
        received=moment(row.received),
        size=row.size,
        content_type=bytes(row.content_type).decode("latin-1"),
    )


def _gone(message: Stored) -> LookupError:
    return LookupError(f"{message.message_id} is not in the spool any more")


def _held(message: Stored, token: bytes) -> dict[str, Any]:
    return {"the_id": message.id, "token": token}


_STATES: Final[tuple[State, ...]] = ("waiting", "leased", "dead")
_c = messages.c
_ALL_BUT_BODY: Final = [column for column in messages.columns if column.name != "body"]
# Written out, since the index is of those rows alone.
_is_waiting = _c.state == sa.literal_column("'waiting'")
_are_these = _c.id.in_(sa.bindparam("ids", expanding=True))
_is_held = sa.and_(_c.id == sa.bindparam("the_id"), _c.lease == sa.bindparam("token"))
_is_the_one = sa.and_(_c.id == sa.bindparam("the_id"), _c.key == sa.bindparam("the_key"))
_is_as_found = sa.and_(_is_the_one, _c.state == sa.bindparam("the_state"))


def _is_free(now: float) -> sa.ColumnElement[bool]:
    return sa.or_(_c.lease.is_(None), _c.due <= now)


def _is(state: State, now: float) -> sa.ColumnElement[bool]:
    if state == "dead":
        return _c.state == "dead"
    return sa.and_(_is_waiting, _is_free(now) if state == "waiting" else sa.not_(_is_free(now)))


def _asked(
    now: float,
    message_ids: Iterable[str] | None = None,
    state: State | None = None,
    account: str | None = None,
    before: datetime | None = None,
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    if message_ids is not None:
        conditions.append(_c.message_id.in_(list(message_ids)))
    if state is not None:
        conditions.append(_is(state, now))
    if account is not None:
        conditions.append(_c.account == account)
    if before is not None:
        conditions.append(_c.received < before.timestamp())
    return conditions


_INSERT: Final = Prepared(lambda _: sa.insert(messages).inline())
_INSERT_PIECE: Final = Prepared(lambda _: sa.insert(pieces).inline())
_DUE: Final = (
    sa.select(_c.id)
    .where(_is_waiting, _c.due <= sa.bindparam("now"))
    .order_by(_c.due, _c.id)
    .limit(sa.bindparam("most"))
    .with_for_update(skip_locked=True)
)
_BURY_SPENT: Final = (
    sa.update(messages)
    .where(_are_these, _c.attempts >= sa.bindparam("most"))
    .values(state="dead", lease=None, reason=sa.bindparam("reason"))
)
_LEASE: Final = (
    sa.update(messages)
    .where(_are_these, _is_waiting)
    .values(due=sa.bindparam("until"), lease=sa.bindparam("token"), attempts=_c.attempts + 1)
)
_LEASED_BY: Final = (
    sa.select(*_ALL_BUT_BODY).where(_are_these, _c.lease == sa.bindparam("token")).order_by(_c.received, _c.id)
)
_BODY: Final = sa.select(_c.body).where(_is_the_one)
_PIECE: Final = sa.select(pieces.c.octets).where(
    pieces.c.message == sa.bindparam("the_message"), pieces.c.number == sa.bindparam("number")
)
_REMOVE_HELD: Final = sa.delete(messages).where(_is_held)
_REMOVE_PIECES: Final = sa.delete(pieces).where(pieces.c.message.in_(sa.bindparam("ids", expanding=True)))
_EXTEND: Final = sa.update(messages).where(_is_held).values(due=sa.bindparam("due"))
_RETRY: Final = _EXTEND.values(lease=None, reason=sa.bindparam("reason"))
_RELEASE: Final = _EXTEND.values(lease=None, attempts=_c.attempts - 1)
_FAIL: Final = sa.update(messages).where(_is_held).values(state="dead", lease=None, reason=sa.bindparam("reason"))
_RETRY_NOW: Final = sa.update(messages).where(_is_as_found).values(state="waiting", lease=None, attempts=0)
