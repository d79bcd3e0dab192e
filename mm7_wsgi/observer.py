"""What became of each request, for whoever watches: an observer of the host's, and the line in the log."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

__all__ = ["Event", "MM7Observer", "Outcome", "log_outcome", "loggable", "printable"]

_log = logging.getLogger("mm7_wsgi")

#: What can become of a request.
Event: TypeAlias = Literal["accepted", "duplicate", "refused", "unauthorized", "throttled", "failed"]

# Characters of a peer's name for something.
_LOGGED_LENGTH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one request.

    What the peer has chosen is here as it was read, whatever its length and its characters; in the log it is cut short,
    and control characters are escaped. No secret is in it.
    """

    #: ``"accepted"``, ``"duplicate"``, ``"refused"``, ``"unauthorized"``, ``"throttled"`` or ``"failed"``: which method
    #: is called.
    event: Event
    #: The name of the account; None where none was recognised.
    account: str | None
    #: The element of the operation as the peer names it (``SubmitReq``); None where it was not read.
    operation: str | None
    transaction_id: str | None
    #: The MessageID of the answer.
    message_id: str | None
    #: The StatusCode of the answer: 1000, 2003 …
    status: int
    http_status: int
    #: Octets of the body; None where it was not read.
    bytes: int | None
    #: Parts on all levels of the multipart.
    parts: int
    #: Milliseconds from the call of the endpoint to its answer.
    ms: float
    #: The names of what deviated, each once.
    deviations: tuple[str, ...]
    #: The address of the peer as text, without a port; None where the server gives none.
    remote_addr: str | None
    #: ``REMOTE_ADDR`` as the server gives it, where that is no address (``"unix:"``); else None.
    unparsed_addr: str | None = None
    #: What the handler or the resolver raised, where the event is ``"failed"``. Its frames hold the environ.
    error: Exception | None = field(default=None, repr=False, compare=False)


class MM7Observer:
    """The base of an observer: define a method for each event that you count or report, and leave out the rest.

    ::

        class Alarm(MM7Observer):
            def failed(self, outcome):
                page_somebody(outcome.account, outcome.error)

        application = MM7Middleware(application, Inbox(), accounts=…, observer=Alarm())

    For each request one of them is called, once, when its answer is made and before it is sent: so a slow one keeps the
    peer waiting. What it raises is logged, and changes nothing. It may be called from several threads at once.
    """

    def accepted(self, outcome: Outcome) -> None:
        """The handler has taken the message: 1000 or 1100."""

    def duplicate(self, outcome: Outcome) -> None:
        """The same message was accepted before, and was answered as it was then; the handler was not asked."""

    def refused(self, outcome: Outcome) -> None:
        """The handler or the endpoint has refused it; ``outcome.status`` says why."""

    def unauthorized(self, outcome: Outcome) -> None:
        """The credentials were missing or wrong: 4001 with HTTP 401."""

    def throttled(self, outcome: Outcome) -> None:
        """Too many requests, or too many wrong credentials: 4006 with ``Retry-After``."""

    def failed(self, outcome: Outcome) -> None:
        """The handler, the resolver of accounts or the endpoint itself broke: 3000. A traceback is in the log."""


def log_outcome(outcome: Outcome) -> None:
    """The one line for a request, at INFO, with the fields of ``outcome`` as attributes of the record."""
    if not _log.isEnabledFor(logging.INFO):
        return
    fields: dict[str, Any] = {
        "event": outcome.event,
        "account": loggable(outcome.account),
        "operation": loggable(outcome.operation),
        "transaction_id": loggable(outcome.transaction_id),
        "message_id": loggable(outcome.message_id),
        "status": outcome.status,
        "http_status": outcome.http_status,
        "bytes": outcome.bytes,
        "parts": outcome.parts,
        "ms": outcome.ms,
        "deviations": outcome.deviations,
        "remote_addr": outcome.remote_addr or loggable(outcome.unparsed_addr),
    }
    said = (outcome.operation, outcome.account, outcome.transaction_id)
    _log.info(
        "%s from %s: %s of %s, transaction %s: %d in HTTP %d, %s octets, %.1f ms",
        outcome.event,
        # Quoted where it is no address, so that no text in its place can pass for one.
        outcome.remote_addr or ascii(outcome.unparsed_addr and outcome.unparsed_addr[:_LOGGED_LENGTH]),
        *(ascii(value and value[:_LOGGED_LENGTH]) for value in said),
        *(fields[name] for name in ("status", "http_status", "bytes", "ms")),
        extra=fields,
    )


def loggable(value: str | None) -> str | None:
    """What a peer may have chosen, as a field of a record that may be written as it is: short, and within its line."""
    return None if value is None else printable(value[:_LOGGED_LENGTH])


def printable(text: str) -> str:
    """``text`` with line ends, control characters and the like written as ``repr`` writes them."""
    if text.isprintable():
        return text
    return "".join([character if character.isprintable() else ascii(character)[1:-1] for character in text])
