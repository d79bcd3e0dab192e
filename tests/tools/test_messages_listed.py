"""The list of the messages of a spool, on terminals of any width and on none."""

from __future__ import annotations

import io
import re
from datetime import datetime, timezone
from typing import Any

import pytest
from rich.console import Console

pytest.importorskip("sqlalchemy")
from mm7_wsgi.spool import Stored
from mm7_wsgi.tools.spool_list import message_table

NOON = datetime(2030, 1, 2, 12, tzinfo=timezone.utc)
IDS = ["e2c6c4ba345f41c581aeb458b45e7024", "0" * 200]


def stored(message_id: str, **more: Any) -> Stored:
    values: dict[str, Any] = {
        "id": 1,
        "state": "waiting",
        "due": NOON,
        "attempts": 0,
        "reason": None,
        "key": "00",
        "message_id": message_id,
        "account": "acme",
        "transaction_id": "t-0",
        "operation": "SubmitReq",
        "remote_addr": "192.0.2.7",
        "received": NOON,
        "size": 1743,
        "content_type": "text/xml",
    }
    return Stored(**{**values, **more})


def on_terminal(width: int, *messages: Stored) -> list[str]:
    console = Console(width=width, force_terminal=True, color_system=None, file=io.StringIO())
    return message_table(messages, console).splitlines()


def test_a_message_has_one_line_where_no_terminal_is_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    messages = [stored(IDS[0], reason="why not " * 12), stored(IDS[1])]
    heading, *lines = message_table(messages, Console(file=io.StringIO())).splitlines()
    assert heading.split()[0] == "MessageID"
    assert [line.split()[0] for line in lines] == IDS
    assert lines[0].endswith("why not why not")


def test_a_message_has_one_line_on_a_terminal_that_is_wide_enough() -> None:
    heading, *lines = on_terminal(165, stored(IDS[0]), stored(IDS[0], state="dead", reason="no recipient", attempts=25))
    assert heading.split() == [
        "MessageID", "state", "account", "operation", "TransactionID", "accepted", "due", "tried", "octets", "reason"
    ]  # fmt: skip
    assert [len(line.split()) for line in lines] == [11, 11]
    assert lines[1].split()[0] == IDS[0]
    assert lines[1].endswith("25   1,743  no recipient")


def test_a_long_reason_is_told_in_several_lines() -> None:
    lines = on_terminal(165, stored(IDS[0], reason="there is much to be said of a recipient who is not there"))
    assert lines[0].split()[-1] == "reason"
    assert len(lines) > 2
    assert max(map(len, lines)) <= 165


@pytest.mark.parametrize("width", [20, 80, 140])
def test_a_message_has_an_entry_on_a_terminal_that_is_too_narrow(width: int) -> None:
    dead = stored(IDS[0], state="dead", reason="no\nrecipient", attempts=1)
    lines = on_terminal(width, dead, stored(IDS[0], account="a\x1b[31m", attempts=2))
    times = [re.sub("[-0-9]{10} [:0-9]{8}", "NOON", line) for line in lines]
    assert times == [
        f"{IDS[0]}  dead",
        "  SubmitReq of acme, transaction t-0",
        "  accepted NOON, tried 1 time, 1,743 octets",
        r"  no\nrecipient",
        f"{IDS[0]}  waiting",
        r"  SubmitReq of a\x1b[31m, transaction t-0",
        "  accepted NOON, due NOON, tried 2 times, 1,743 octets",
    ]
