"""What is in a spool, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .report import shown

if TYPE_CHECKING:
    from ..spool.store import State, Stored

__all__ = ["as_line", "counted", "entry", "message_table"]


_NAMES: Final = (
    "message_id", "state", "account", "operation", "transaction_id", "received", "due", "attempts", "size",
    "reason", "remote_addr", "content_type", "key",
)  # fmt: skip


def message_table(messages: Iterable[Stored], console: Console) -> str:
    """A line for each message, as ``console`` would print it."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in (
        "MessageID",
        "state",
        "account",
        "operation",
        "TransactionID",
        "accepted",
        "due",
        "tried",
        "octets",
    ):
        table.add_column(heading, overflow="fold", justify="right" if heading in ("tried", "octets") else "left")
    table.add_column("reason", overflow="fold")
    for message in messages:
        cells = [
            shown(message.message_id),
            message.state,
            shown(message.account),
            message.operation,
            shown(message.transaction_id),
            _moment(message.received),
            "" if message.state == "dead" else _moment(message.due),
            str(message.attempts),
            f"{message.size:,}",
            shown(message.reason or ""),
        ]
        table.add_row(*map(Text, cells))
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def counted(counts: Mapping[State, int]) -> str:
    """How many there are of each state."""
    return ", ".join(f"{count:,} {state}" for state, count in counts.items())


def entry(message: Stored) -> str:
    """All that there is of one message but what it holds, a line each."""
    found = as_line(message)
    return "\n".join(f"{name.replace('_', ' '):16}{shown(str(value), None)}" for name, value in found.items() if value)


def as_line(message: Stored) -> dict[str, Any]:
    """One message as JSON has it; times in ISO 8601."""
    values = {name: getattr(message, name) for name in _NAMES}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _moment(time: datetime) -> str:
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"
