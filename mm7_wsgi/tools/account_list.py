"""What is in an account file, for a person: a table of the accounts, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..account_toml import Reading
from ..networks import network_of
from .report import shown

__all__ = ["account_list", "problem_list"]


def account_list(reading: Reading, console: Console) -> str:
    """The accounts, as ``console`` would print them. Of secrets it says what they are, and not more."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("account", "known by", "secrets", "from", "rate"):
        table.add_column(heading, overflow="fold")
    for account in reading.accounts.values():
        kinds = reading.secrets.get(account.name, ())
        cells = [
            shown(account.name, None),
            _known_by(account.name, kinds),
            ", ".join(kinds) or "none",
            ", ".join(account.addresses) or "anywhere",
            account.rate or "any",
        ]
        table.add_row(*map(Text, cells))
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    lines.append(f"{len(reading.accounts)} {'account' if len(reading.accounts) == 1 else 'accounts'}")
    if reading.exposed:
        lines.append("Every user of this machine can read secrets in it that are not hashed: chmod o-r")
    return "\n".join(lines)


def problem_list(reading: Reading, file: str) -> str:
    """What is wrong, a line each, with the file in front."""
    return "\n".join(f"{shown(file, None)}: {shown(problem, None)}" for problem in reading.problems)


def _known_by(name: str, kinds: Sequence[str]) -> str:
    ways = []
    if kinds:
        # Of a hash with a salt, nobody can make what a response to a challenge is checked with.
        digest = any(kind.startswith(("plain", "digest")) for kind in kinds)
        ways.append("URI, Basic or Digest" if digest else "URI or Basic")
    try:
        network = network_of(name)
    except ValueError:
        pass
    else:
        ways.append("its address" if network.num_addresses == 1 else "its network")
    return ", ".join(ways) or "nothing"
