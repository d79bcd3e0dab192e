"""Requests that come again, recognised: a peer that had no answer sends the same message once more."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_bytes
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ..accounts import REUSES, Reuse
from ..protocol.errors import ClientError, ServiceUnavailable
from ..protocol.messages import Response
from ..request import MM7Request, WrittenAnswer
from . import identity, processes
from .database import Database, DatabaseUnavailable, Prepared
from .tables import transactions

__all__ = ["Entry", "Reuse", "TransactionLog", "TransactionTable"]

_log = logging.getLogger("mm7_wsgi")

DAY: Final = 24 * 60 * 60.0
# Those that are to be forgotten are looked for so often at most, in seconds, and so many at least.
_PURGE_EVERY: Final = 1.0
_PURGE_AT_LEAST: Final = 20
# Rows that are forgotten in one transaction, where somebody asks for it.
_AT_ONCE: Final = 200
# Seconds between two looks at what somebody else is doing.
_LOOK: Final = 0.05


class TransactionLog:
    """Makes acceptance idempotent, whatever the handler is.

    ::

        log = TransactionLog("sqlite:///mm7.db")
        application = MM7Middleware(application, Inbox(), accounts=…, transactions=log)

    A request is known again by its account, TransactionID and operation, and by what it says. When it was accepted
    before, it is answered as it was then, octet for octet, and the handler is not called. What was refused is not
    remembered, and may come again.

    ``url``
        The database: ``sqlite:///mm7.db`` or the path alone, ``postgresql://user@host/name``. Any number of processes
        may share it. ``options`` are those of ``sqlalchemy.create_engine``.
    ``window``
        Seconds, or a ``timedelta``, for which an answer is kept.
    ``reuse``
        What another message under the same TransactionID is: ``"accept"`` it as a message of its own, since some peers
        send one request for each recipient under one TransactionID, and others begin to count again; or ``"refuse"`` it
        (2000). An account may have its own (:attr:`.Account.reuse`).
    ``wait``
        Seconds that a request waits while the same is being handled; after that it is answered 4006, with a
        ``Retry-After`` that says how long the claim of the first still holds.
    ``lease``
        Seconds after which a handler is not believed to be at work any more: longer than it ever takes. A process that
        was killed in the middle holds its request no longer than it lives, as far as this machine can tell (Linux, the
        same container): then the next attempt is handled at once. Otherwise the claim holds until the lease ends.

    While the database cannot be used, requests are answered 4006. Raises ``ValueError`` for settings that cannot work.
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        *,
        window: float | timedelta = DAY,
        reuse: Reuse = "accept",
        wait: float = 2.0,
        lease: float = 60.0,
        **options: Any,
    ) -> None:
        if wait < 0 or lease <= 0:
            raise ValueError("wait and lease have to be seconds")
        self._database = Database(url, **options)
        self._table = TransactionTable("log", window, reuse)
        self._wait = wait
        self._lease = lease

    def __repr__(self) -> str:
        return f"<TransactionLog {self._database.name}>"

    def once(
        self, request: MM7Request, handle: Callable[[MM7Request], Response | WrittenAnswer]
    ) -> Response | WrittenAnswer:
        """What ``handle`` answers, or the answer that the same request got before.

        Raises what ``handle`` raises; :class:`~mm7_wsgi.ClientError` for a TransactionID of another message where that
        is refused, :class:`~mm7_wsgi.ServiceUnavailable` while the same is being handled, and where the database cannot
        be used.
        """
        database, table = self._database, self._table
        entry = table.entry(request, owner=token_bytes(processes.TOKEN) + processes.identify())
        deadline = time.monotonic() + self._wait
        while True:
            now = database.now()
            # Other processes must see the claim. It need not survive a power failure, as the handler does not either.
            found = database.write(
                lambda connection: table.insert(connection, entry, now, now + self._lease),  # noqa: B023
                synced=False,
            )
            if found is None:
                break
            if not found.is_running:
                return table.judge(found)
            if time.monotonic() >= deadline:
                held = max(1, math.ceil(found.expires - now))
                raise ServiceUnavailable(details="the same message is being handled", retry_after=held)
            time.sleep(_LOOK)
        try:
            outcome = handle(request)
            answer = outcome if isinstance(outcome, WrittenAnswer) else request.write(outcome)
        except BaseException:
            self._end(request, lambda connection: table.delete(connection, entry), synced=False)
            raise
        if is_acceptance(answer):
            # Also to ask what time it is may need the database.
            self._end(
                request, lambda connection: table.settle(connection, entry, answer, database.now() + table.window)
            )
        else:
            self._end(request, lambda connection: table.delete(connection, entry), synced=False)
        return answer

    def _end(self, request: MM7Request, work: Callable[[sa.Connection], None], *, synced: bool = True) -> None:
        """Write down what the handler has done. It is done, and so is answered as it is, whatever becomes of this."""
        try:
            self._database.write(work, synced=synced)
        except DatabaseUnavailable:
            _log.error("what became of %r is not on record; if it comes again, it is handled again", request)

    def close(self) -> None:
        """Close the connections of this process."""
        self._database.close()


def is_acceptance(answer: WrittenAnswer) -> bool:
    """Whether an answer is a promise: 1000, 1100."""
    return 1000 <= answer.code < 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request as the table knows it."""

    request: MM7Request = field(repr=False)
    #: What no two rows have: the names, and with ``reuse="accept"`` the fingerprint.
    key: bytes
    #: What would be the key with the other ``reuse``, as another process or an earlier version may have it.
    other_key: bytes
    reuse: Reuse
    account: str
    transaction_id: str
    operation: str
    fingerprint: bytes
    owner: bytes | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in the table already."""

    #: Whether it is the same message, or another one under its TransactionID.
    is_same: bool
    owner: bytes | None
    expires: float
    answer: bytes | None
    code: int | None
    message_id: str | None

    @property
    def is_running(self) -> bool:
        """Whether somebody handles it still."""
        return self.owner is not None


class TransactionTable:
    """The table of transactions, as both :class:`TransactionLog` and the spool use it, in transactions of theirs.

    What they put there is told apart by their ``kind``, so that one can stand around the other.
    """

    def __init__(self, kind: str, window: float | timedelta, reuse: Reuse) -> None:
        self._kind = kind
        self.window = window.total_seconds() if isinstance(window, timedelta) else float(window)
        if self.window <= 0:
            raise ValueError("window has to be seconds, or a timedelta")
        if reuse not in REUSES:
            raise ValueError(f'reuse has to be "accept" or "refuse", not {reuse!r}')
        self._reuse = reuse
        self._purged = 0.0
        self._inserted = 0

    def entry(self, request: MM7Request, owner: bytes | None = None) -> Entry:
        """What ``request`` is known by. This reads the whole of it.

        Where somebody else handles it, it is for him to say whether a part that cannot be decoded is one too many;
        else that raises :class:`~mm7_wsgi.ContentError` (2004).
        """
        message, found = request.message, identity.fingerprint(request, lenient=owner is not None)
        names = (request.account.name, request.transaction_id, message.element_name)
        keys = identity.key(self._kind, *names, found), identity.key(self._kind, *names)
        reuse = request.account.reuse or self._reuse
        return Entry(request, *(keys if reuse == "accept" else keys[::-1]), reuse, *names, found, owner)

    def insert(
        self,
        connection: sa.Connection,
        entry: Entry,
        now: float,
        expires: float,
        answer: WrittenAnswer | None = None,
    ) -> Found | None:
        """Put ``entry`` there; returns what stands there in its place, and then nothing was written.

        The unique key decides. Who comes second waits for the transaction of who came first. What was written with the
        other ``reuse`` is looked for too, so a setting may be changed while peers repeat what they sent before.
        """
        row = _row(entry, entry.owner, expires, answer)
        statement, values = _INSERT_UNLESS, {**row, "other_key": entry.other_key, "now": now}
        while not statement.run(connection, values).rowcount:
            found = self._find(connection, entry, now)
            if found is not None:
                return found
            statement, values = _INSERT, row  # what stands under the other key is another message
        self._inserted += 1
        if now - self._purged >= _PURGE_EVERY:
            # More than came, so that the table does not grow.
            connection.execute(_PURGE, {"now": now, "most": 2 * self._inserted + _PURGE_AT_LEAST})
            self._purged, self._inserted = now, 0
        return None

    def _find(self, connection: sa.Connection, entry: Entry, now: float) -> Found | None:
        """Return what stands in the place of ``entry``. What does not count any more is deleted."""
        rows = {row.key: row for row in connection.execute(_FIND, {"key": entry.key, "other_key": entry.other_key})}
        # The key that holds the fingerprint comes first: another message may have the names alone.
        both = (entry.key, entry.other_key)
        for row in filter(None, map(rows.get, both if entry.reuse == "accept" else both[::-1])):
            if row.expires <= now:
                connection.execute(_DELETE_EXPIRED, {"the_key": row.key, "now": now})
            elif row.owner is not None and processes.is_gone(row.owner):
                connection.execute(_DELETE, {"the_key": row.key, "the_owner": row.owner})
            else:
                is_same = identity.is_same(row.fingerprint, entry.request, entry.fingerprint)
                if is_same or row.key == entry.key:
                    return Found(is_same, row.owner, row.expires, row.answer, row.code, row.message_id)
        return None

    def judge(self, found: Found) -> WrittenAnswer:
        """The answer that was given before; raises :class:`~mm7_wsgi.ClientError` where that was to another message."""
        if not found.is_same:
            raise ClientError(details="the TransactionID was used before, for another message")
        assert found.answer is not None and found.code is not None  # noqa: PT018 - nobody handles it any more
        return WrittenAnswer(found.answer, found.code, found.message_id, repeated=True)

    def settle(self, connection: sa.Connection, entry: Entry, answer: WrittenAnswer, expires: float) -> None:
        """Keep the answer, unless somebody has taken it over meanwhile."""
        held = {"the_key": entry.key, "the_owner": entry.owner}
        if not _SETTLE.run(connection, {**held, "expires": expires, **_answer(answer)}).rowcount:
            _INSERT.run(connection, _row(entry, None, expires, answer))  # it took longer than its lease, and was purged

    def delete(self, connection: sa.Connection, entry: Entry) -> None:
        """Forget it, if nobody has taken it over."""
        connection.execute(_DELETE, {"the_key": entry.key, "the_owner": entry.owner})

    def forget_expired(self, database: Database) -> Iterator[int]:
        """Forget all whose time has come; yields how many, some at a time.

        Those that come do that too, for as many as they are: this is for when none come any more. They are looked for
        without a lock, so that nobody waits.
        """
        now, last = database.now(), 0
        while True:
            with database.read() as connection:
                ids = list(connection.scalars(_EXPIRED, {"last": last, "now": now, "most": _AT_ONCE}))
            if not ids:
                return
            last = ids[-1]
            wanted = {"ids": ids, "now": now}
            yield database.write(lambda connection: connection.execute(_DELETE_THESE, wanted).rowcount)  # noqa: B023


def _row(entry: Entry, owner: bytes | None, expires: float, answer: WrittenAnswer | None) -> dict[str, Any]:
    return {
        "key": entry.key,
        "account": entry.account,
        "transaction_id": entry.transaction_id,
        "operation": entry.operation,
        "fingerprint": entry.fingerprint,
        "owner": owner,
        "expires": expires,
        **_answer(answer),
    }


def _answer(answer: WrittenAnswer | None) -> dict[str, Any]:
    if answer is None:
        return {"code": None, "message_id": None, "answer": None}
    return {"code": answer.code, "message_id": answer.message_id, "answer": answer.octets}


_c = transactions.c
_is_key = _c.key == sa.bindparam("the_key")
_is_owner = _c.owner == sa.bindparam("the_owner")
_INSERT_OF: Final[dict[str, Callable[..., Any]]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
# Inline, because what asks for the new id does not say how many rows there were.
_INSERT: Final = Prepared(
    lambda name: _INSERT_OF[name](transactions).on_conflict_do_nothing(index_elements=["key"]).inline()
)
_there = transactions.alias("there")
_COLUMNS: Final = [column for column in transactions.columns if column.name != "id"]
# The same, unless there is a row under the other key.
_INSERT_UNLESS: Final = Prepared(
    lambda name: (
        _INSERT_OF[name](transactions)
        .from_select(
            [column.name for column in _COLUMNS],
            sa.select(*[sa.bindparam(column.name, type_=column.type) for column in _COLUMNS]).where(
                ~sa.exists().where(_there.c.key == sa.bindparam("other_key"), _there.c.expires > sa.bindparam("now"))
            ),
        )
        .on_conflict_do_nothing(index_elements=["key"])
    )
)
_FIND: Final = sa.select(
    _c.key, _c.fingerprint, _c.owner, _c.expires, _c.answer, _c.code, _c.message_id
).where(_c.key.in_([sa.bindparam("key"), sa.bindparam("other_key")]))  # fmt: skip
_DELETE_EXPIRED: Final = sa.delete(transactions).where(_is_key, _c.expires <= sa.bindparam("now"))
_DELETE: Final = sa.delete(transactions).where(_is_key, _is_owner)
_SETTLE: Final = Prepared(lambda _: sa.update(transactions).where(_is_key, _is_owner).values(owner=sa.null()))
_oldest = sa.select(_c.id).order_by(_c.id).limit(sa.bindparam("most"))
# What another process is forgetting is left to it, and what is not to be forgotten is not locked.
_PURGE: Final = sa.delete(transactions).where(
    _c.id.in_(
        sa.select(_c.id)
        .where(_c.id.in_(_oldest.scalar_subquery()), _c.expires <= sa.bindparam("now"))
        .with_for_update(skip_locked=True)
    )
)
_EXPIRED: Final = (
    sa.select(_c.id)
    .where(_c.id > sa.bindparam("last"), _c.expires <= sa.bindparam("now"))
    .order_by(_c.id)
    .limit(sa.bindparam("most"))
)
# One may have been taken over since it was found, or is being forgotten by another.
_DELETE_THESE: Final = sa.delete(transactions).where(
    _c.id.in_(
        sa.select(_c.id)
        .where(_c.id.in_(sa.bindparam("ids", expanding=True)), _c.expires <= sa.bindparam("now"))
        .with_for_update(skip_locked=True)
    )
)
