"""One message in the hands of a worker."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

from ..protocol.buffer import Buffer
from ..request import MM7Request, RawBody
from .store import MessageStore, Stored
from .stored import StoredMessage

__all__ = ["Delivery", "LeaseLost"]


class LeaseLost(Exception):
    """The lease of a delivery ran out, and another worker has the message, or has settled it."""


class Delivery:
    """One message, handed to a worker until its lease ends.

    The worker says what became of it: :meth:`done`, :meth:`retry`, :meth:`fail`, or :meth:`release`. One that says
    nothing, because it was killed, loses it when the lease ends, and the message is handed out again. So a message may
    be handed out more than once, with the same :attr:`key`, and to one at a time.

    What says what became of it raises :class:`LeaseLost` where the lease has ended and another worker has it, and
    :class:`DatabaseUnavailable` where that could not be written down.
    """

    def __init__(self, store: MessageStore, stored: Stored, token: bytes) -> None:
        self._store = store
        self._token = token
        self._body: Buffer | None = None
        self._message: StoredMessage | None = None
        #: What the spool has on it.
        self.stored = stored

    def __repr__(self) -> str:
        stored = self.stored
        return (
            f"<Delivery {stored.operation} {stored.transaction_id!r} from {stored.account!r}, attempt {self.attempts}>"
        )

    @property
    def key(self) -> str:
        """The same each time that this message is handed out: what a consumer drops duplicates by."""
        return self.stored.key

    @property
    def message_id(self) -> str:
        """The MessageID that was answered."""
        return self.stored.message_id

    @property
    def account(self) -> str:
        """The name of the account that sent it."""
        return self.stored.account

    @property
    def transaction_id(self) -> str:
        """The sender's name for the exchange."""
        return self.stored.transaction_id

    @property
    def operation(self) -> str:
        """The element of the operation: ``SubmitReq`` …"""
        return self.stored.operation

    @property
    def received(self) -> datetime:
        """When it was accepted."""
        return self.stored.received

    @property
    def attempts(self) -> int:
        """How often it was handed out, this time included."""
        return self.stored.attempts

    @property
    def size(self) -> int:
        """Octets of the body."""
        return self.stored.size

    @property
    def content_type(self) -> str:
        """The Content-Type header as it came."""
        return self.stored.content_type

    @property
    def request(self) -> MM7Request:
        """The request as the callback would have seen it; read from the database when it is first asked for.

        Its parts live until the delivery is settled or the next one is asked for. Raises an
        :class:`~mm7_wsgi.MM7Error` where this version of the package cannot read what an earlier one has accepted.
        """
        if self._message is None:
            stored = self.stored
            body, self._body = self._read(), None
            self._message = StoredMessage(
                stored.content_type,
                body,
                account=stored.account,
                message_id=stored.message_id,
                remote_addr=stored.remote_addr,
            )
        return self._message.request

    def open(self) -> io.BufferedReader:
        """A stream of the body as it came, whatever is in it. It lives as long as the parts of :attr:`request` do."""
        raw = None if self._message is None else self._message.request.raw
        return (raw or RawBody(self.content_type, self._read())).open()

    def _read(self) -> Buffer:
        if self._body is None:
            self._body = self._store.body_of(self.stored)
        return self._body

    def done(self) -> None:
        """It is where it was to go; the spool forgets it."""
        self._settle(self._store.done)

    def retry(self, after: float | None = None, reason: str | None = None) -> None:
        """Hand it out again in ``after`` seconds; by default in so many as its attempts make it.

        The last attempt makes it a dead letter, with the ``reason``.
        """
        self._settle(lambda stored, token: self._store.retry(stored, token, after, reason))

    def fail(self, reason: str) -> None:
        """Hand it out no more: it is a dead letter, kept until somebody looks at it."""
        self._settle(lambda stored, token: self._store.fail(stored, token, reason))

    def release(self, after: float = 0.0) -> None:
        """Put it back as if it had not been handed out: the way onward is closed, and it is not the message's fault."""
        self._settle(lambda stored, token: self._store.release(stored, token, after))

    def extend(self, lease: float) -> None:
        """Keep it for ``lease`` seconds from now."""
        self._judge(self._store.extend(self.stored, self._token, lease))

    def close(self) -> None:
        """Give back what was read of it. The lease goes on."""
        if self._body is not None:
            self._body.close()
            self._body = None
        if self._message is not None:
            self._message.close()
            self._message = None

    def _settle(self, how: Callable[[Stored, bytes], bool]) -> None:
        self.close()
        self._judge(how(self.stored, self._token))

    def _judge(self, was_held: bool) -> None:
        if not was_held:
            raise LeaseLost(f"{self!r} is in other hands")
