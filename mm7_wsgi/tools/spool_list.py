"""What is in a spool, for a person and for a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .report import shown

if TYPE_CHECKING:
    from ..spool.store import State, Stored

__all__ = ["as_line", "counted", "entry", "message_table"]


_HEADINGS: Final = (
    "MessageID", "state", "account", "operation", "TransactionID", "accepted", "due", "tried", "octets",
    "reason",
)  # fmt: skip
# Columns of the terminal: between two columns of the table, and what a reason is to have at least.
_GAP: Final = 2
_REASON: Final = 20
_NAMES: Final = (
    "message_id", "state", "account", "operation", "transaction_id", "received", "due", "attempts", "size",
    "reason", "remote_addr", "content_type", "key",
)  # fmt: skip


def message_table(messages: Iterable[Stored], console: Console) -> str:
    """A line for each message; on a terminal that is too narrow for that, an entry of some lines.

    A MessageID is in one piece either way, since it is what other commands are given.
    """
    rows = [_cells(message) for message in messages]
    widths = [max(map(cell_len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    *others, reason = widths
    width = sum(others) + _GAP * len(others) + reason
    if console.is_terminal:
        if console.width < width - reason + min(reason, _REASON):
            return "\n".join(map(_stacked, rows))
    else:
        console = Console(width=width, highlight=False, markup=False, emoji=False)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(
            heading,
            no_wrap=heading != "reason",
            overflow="fold",
            justify="right" if heading in ("tried", "octets") else "left",
        )
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _cells(message: Stored) -> list[str]:
    return [
        shown(message.message_id, None),
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


def _stacked(cells: list[str]) -> str:
    message_id, state, account, operation, transaction_id, received, due, attempts, size, reason = cells
    tried = f"tried {attempts} {'time' if attempts == '1' else 'times'}"
    lines = [
        f"{message_id}  {state}",
        f"  {operation} of {account}, transaction {transaction_id}",
        f"  accepted {received}, {f'due {due}, ' if due else ''}{tried}, {size} octets",
        f"  {reason}",
    ]
    return "\n".join(lines if reason else lines[:-1])


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
