"""Accepted means on the disk: a handler that stores messages, and what workers take them from."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Generator, Iterable, Iterator
from datetime import timedelta
from secrets import token_bytes
from typing import Any, Final

import sqlalchemy as sa

from ..protocol.errors import UnsupportedOperation
from ..protocol.messages import REQUESTS, Response
from ..request import MM7Request, WrittenAnswer
from . import identity
from .database import Database, DatabaseUnavailable
from .delivery import Delivery
from .store import MessageStore
from .transactions import DAY, Found, Reuse, TransactionTable

__all__ = ["Spool"]

_ATTEMPTS: Final = 25
_BACKOFF: Final = (30.0, 3600.0)
_CLAIMED_AT_ONCE: Final = 10


class Spool:
    """A handler that accepts messages by storing them, and hands them to workers.

    ::

        spool = Spool("sqlite:///mm7.db")
        application = MM7Middleware(application, spool, accounts=…)

    Message, answer and what it is known by are written in one transaction; when that is on the disk, the peer is told
    1000. The same message again gets the same answer, as with a :class:`TransactionLog`, and is stored once. A handler
    that wants to look at messages first ends with ``return spool(request)``.

    A worker, in another process or on another machine::

        for delivery in spool.deliveries():
            forward(delivery.request)
            delivery.done()

    ``url``
        The database: ``sqlite:///mm7.db`` or the path alone, ``postgresql://user@host/name``. Any number of processes
        may use it; SQLite has to be on a disk of the machine that they all run on. ``options`` are those of
        ``sqlalchemy.create_engine``.
    ``operations``
        What it accepts, as the methods of a handler are named: ``("submit",)``. All else is answered 4003.
    ``window``, ``reuse``
        As those of :class:`TransactionLog`.
    ``attempts``
        How often a message is handed out before it is a dead letter.
    ``backoff``
        Seconds until it is handed out a second time, and at most, when a worker says only that it failed. They double
        in between.

    While the database cannot be used, requests are answered 4006, and nothing is accepted. Raises ``ValueError`` for
    settings that cannot work.
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        *,
        operations: Iterable[str] | None = None,
        window: float | timedelta = DAY,
        reuse: Reuse = "accept",
        attempts: int = _ATTEMPTS,
        backoff: tuple[float, float] = _BACKOFF,
        **options: Any,
    ) -> None:
        known = {request.operation for request in REQUESTS.values()}
        if isinstance(operations, str):
            operations = (operations,)
        self._operations = known if operations is None else set(operations)
        if unknown := self._operations - known:
            raise ValueError(f"operations are of {', '.join(sorted(known))}; {', '.join(sorted(unknown))} is none")
        self._database = Database(url, **options)
        self._transactions = TransactionTable("spool", window, reuse)
        #: The messages that were accepted and are not done, for who looks after them.
        self.messages = MessageStore(self._database, attempts, backoff)

    def __repr__(self) -> str:
        return f"<Spool {self.name}>"

    @property
    def name(self) -> str:
        """The URL of the database, without a password."""
        return self._database.name

    @property
    def is_there(self) -> bool:
        """Whether there is a file, where SQLite has one: else the first use makes it."""
        return self._database.is_there

    def has_tables(self) -> bool:
        """Whether its tables are in the database. Makes and changes nothing there.

        Raises :class:`DatabaseUnavailable`.
        """
        return self._database.has_tables()

    def close(self) -> None:
        """Close the connections of this process. It opens new ones when it is used again."""
        self._database.close()

    def forget_expired(self) -> Iterator[int]:
        """Forget the transactions whose window has ended, also those of a :class:`TransactionLog` in the same database.

        Yields how many, some at a time. Requests that come do the same, so this is for when none come any more. Raises
        :class:`DatabaseUnavailable`.
        """
        return self._transactions.forget_expired(self._database)

    # -- to accept

    def __call__(self, request: MM7Request, response: Response | None = None) -> WrittenAnswer:
        """Store ``request``; returns its answer, or the one that the same request got before.

        ``response`` is by default ``request.success()``.

        Raises :class:`DatabaseUnavailable` (4006) where it cannot be stored, :class:`~mm7_wsgi.ClientError` (2000) for
        a TransactionID that was another message's, where that is refused, :class:`~mm7_wsgi.ContentError` (2004) where
        a part cannot be decoded, since nobody could be told that later, and :class:`~mm7_wsgi.UnsupportedOperation`
        (4003).
        """
        if request.message.operation not in self._operations:
            raise UnsupportedOperation(details=f"{request.message.element_name} is not served here")
        raw = request.raw
        if raw is None:
            raise ValueError("this request did not come through an endpoint")
        answer = request.write(response or request.success())
        entry = self._transactions.entry(request)
        now = self._database.now()
        values = {
            "received": now,
            # Not that of the transaction, which is forgotten after its window, and then another message may have it.
            "key": identity.key(entry.key, request.message_id),
            "message_id": answer.message_id or request.message_id,
            "account": entry.account,
            "transaction_id": entry.transaction_id,
            "operation": entry.operation,
            "remote_addr": request.remote_addr,
            "content_type": raw.content_type.encode("latin-1"),
        }

        def store(connection: sa.Connection) -> Found | None:
            found = self._transactions.insert(connection, entry, now, now + self._transactions.window, answer)
            if found is None:
                self.messages.insert(connection, values, raw)
            return found

        found = self._database.write(store, octets=raw.size)
        return answer if found is None else self._transactions.judge(found)

    # -- to work off

    def claim(self, limit: int = 1, lease: float = 60.0) -> Generator[Delivery, None, None]:
        """Up to ``limit`` messages that are due, the oldest first, one after the other; ends when there are no more.

        Each is held for ``lease`` seconds from when it is handed over: longer than the work on it takes. Whoever leaves
        early gives back what was not handed over yet. Raises :class:`DatabaseUnavailable`.
        """
        if limit < 1 or lease <= 0:
            raise ValueError("limit has to be a positive whole number, and lease seconds")
        token = token_bytes(16)
        held = self.messages.take(limit, lease, token)
        handed = None
        try:
            while held:
                handed = Delivery(self.messages, held.pop(0), token)
                # Those before it may have taken their time.
                is_late = handed.stored.due.timestamp() - self._database.now() < lease / 2
                if not is_late or self.messages.extend(handed.stored, token, lease):
                    yield handed
                handed.close()
        finally:
            if handed is not None:
                handed.close()
            if held:
                self.messages.give_back(held, token)

    def deliveries(
        self, lease: float = 60.0, *, poll: float = 1.0, stop: threading.Event | None = None
    ) -> Iterator[Delivery]:
        """All messages as they become due, for ever, or until ``stop`` is set.

        When there are none it looks again every ``poll`` seconds, and so it does while the database cannot be used.
        """
        stop = stop or threading.Event()
        while not stop.is_set():
            found = False
            try:
                with contextlib.closing(self.claim(_CLAIMED_AT_ONCE, lease)) as claimed:
                    for delivery in claimed:
                        found = True
                        yield delivery
                        if stop.is_set():
                            return
            except DatabaseUnavailable:
                found = False
            if not found:
                stop.wait(poll)
