"""What it costs to remember messages or to store them: processor time, beside the endpoint alone.

    python -m benchmarks.cost [--passes 3] [--only a,n,d] [--fast] [--json FILE] [--quick]

Three endpoints are called through WSGI in this process, in turns: one whose handler decodes every part (the *bare*
way), the same with a :class:`TransactionLog` around its handler, and one whose handler is a :class:`Spool`. Each
message has a TransactionID of its own, so all of them are new. The databases are SQLite files in a folder of the
current directory, synced as they are in production.

The figures are the processor time of the whole process: all its threads, and the system's work for them, but not the
waiting for the disk. Each turn gives one ratio to the bare way of the same turn, and the figure of a pass is the median
of its turns. Of several passes, each with new databases, it is the median, with least and greatest in brackets. "On
average" is the ratio of the sums of all turns: with large messages only some turns pay for a checkpoint, which moves
the contents of SQLite's log into the database.

pybase64 is used with ``--fast``, and only then, also where it is installed.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from .tables import describe, describe_machine, markdown, spread, verdict, write_json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from .messages import Message
    from .spool import Numbered

_TITLE: Final = "What it costs to remember and to store"
_BARE: Final = "bare"
LOG: Final = "TransactionLog"
SPOOL: Final = "Spool"
#: How many times the bare way each may cost at most.
BARS: Final[Mapping[str, Mapping[str, float]]] = {
    "a": {LOG: 2.2, SPOOL: 2.0},
    "n": {LOG: 1.8, SPOOL: 3.0},
    "d": {LOG: 1.8, SPOOL: 1.8},
}
#: Turns, and messages of each way in a turn.
_TURNS: Final[Mapping[str, tuple[int, int]]] = {"a": (15, 100), "n": (30, 1), "d": (20, 1)}
_QUICK_TURNS: Final[Mapping[str, tuple[int, int]]] = dict.fromkeys(_TURNS, (2, 1))


def _messages(*, quick: bool) -> dict[str, Callable[[], Message]]:
    """How each message is made, by its letter."""
    from .messages import MESSAGES, SMALLER, _binary, _submit

    made = SMALLER if quick else MESSAGES
    octets = 1_500_000 if quick else 5_000_000
    return {
        "a": made["a"],
        "n": lambda: _submit(f"{octets / 1e6:g} MB binary", picture=_binary(octets)),
        "d": made["d"],
    }


def seconds_of(application: WSGIApplication, message: Numbered, count: int) -> float:
    """Seconds of processor time for one message, by ``count`` of them, each with a TransactionID of its own."""
    from .requests import call, environ_of
    from .spool import Input

    requests: list[tuple[Any, Any]] = []
    for _ in range(count):
        body = message.body()
        requests.append((environ_of(message.content_type, len(body)), Input(body)))
    gc.collect()
    begun = time.process_time()
    for environ, source in requests:
        call(application, environ, source)
    return (time.process_time() - begun) / count


def measure(message: Numbered, turns: int, count: int) -> dict[str, list[float]]:
    """One pass: seconds of each way, turn by turn, with new databases."""
    # Not before it is settled whether pybase64 can be imported.
    from mm7_wsgi import MM7Endpoint
    from mm7_wsgi.spool import Spool, TransactionLog

    from .databases import databases
    from .requests import ACCOUNTS, LIMITS, decode

    with databases(None) as make, ExitStack() as stack:
        log = stack.enter_context(closing(TransactionLog(make(), reuse="accept")))
        spool = stack.enter_context(closing(Spool(make(), reuse="accept")))
        ways: dict[str, Callable[[int], float]] = {}
        for name, endpoint in (
            (_BARE, MM7Endpoint(decode, accounts=ACCOUNTS, limits=LIMITS)),
            (LOG, MM7Endpoint(decode, accounts=ACCOUNTS, limits=LIMITS, transactions=log)),
            (SPOOL, MM7Endpoint(spool, accounts=ACCOUNTS, limits=LIMITS)),
        ):
            ways[name] = lambda count, endpoint=endpoint: seconds_of(endpoint, message, count)  # type: ignore[misc]
            for _ in range(3):  # tables are made, and what comes again is known
                ways[name](count)
        found: dict[str, list[float]] = {name: [] for name in ways}
        names = list(ways)
        for _ in range(turns):
            for name in names:
                found[name].append(ways[name](count))
            names.append(names.pop(0))  # another begins each time
    return found


def ratio(found: Mapping[str, Sequence[float]], way: str) -> float:
    """How many times the bare way it costs: the median of the turns of one pass."""
    return median([own / bare for own, bare in zip(found[way], found[_BARE], strict=True)])


def average(found: Mapping[str, Sequence[float]], way: str) -> float:
    """The same of all that was measured in one pass."""
    return sum(found[way]) / sum(found[_BARE])


def row(title: str, passes: Sequence[Mapping[str, Sequence[float]]], bars: Mapping[str, float]) -> list[str]:
    """The cells of one message."""
    cells = [title, f"{median([median(found[_BARE]) for found in passes]) * 1000:.2f}"]
    for way in (LOG, SPOOL):
        ratios = [ratio(found, way) for found in passes]
        averages = [average(found, way) for found in passes]
        cells += [spread(ratios), verdict(median(ratios), most=bars.get(way)), f"{median(averages):.2f}"]
    return cells


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description="What it costs to be remembered.")
    parser.add_argument("--passes", type=int, default=3, help="of which the median counts (default: 3)")
    parser.add_argument("--only", metavar="LETTERS", help="only these messages, such as a,d")
    parser.add_argument("--fast", action="store_true", help="with pybase64; otherwise without, also where it is there")
    parser.add_argument("--quick", action="store_true", help="whether it works, and not what it costs")
    parser.add_argument("--json", metavar="FILE", help="write all that was measured to this file")
    given = parser.parse_args(arguments)
    if given.fast and importlib.util.find_spec("pybase64") is None:
        parser.error("--fast needs pybase64, which is not installed: pip install 'mm7_wsgi[fast]'")
    if not given.fast:
        sys.modules["pybase64"] = None  # type: ignore[assignment]  # as if it were not installed
    from .spool import Numbered

    made = _messages(quick=given.quick)
    letters = list(BARS) if given.only is None else given.only.split(",")
    if unknown := set(letters) - BARS.keys():
        parser.error(f"there is no message {', '.join(sorted(unknown))}, but {', '.join(BARS)}")
    turns = _QUICK_TURNS if given.quick else _TURNS
    passes: dict[str, list[dict[str, list[float]]]] = {letter: [] for letter in letters}
    for _ in range(1 if given.quick else given.passes):
        for letter in letters:
            passes[letter].append(measure(Numbered(made[letter]()), *turns[letter]))
    print(f"Measured on {describe(describe_machine(fast=given.fast))}\n")
    rows = [row(made[letter]().title, passes[letter], {} if given.quick else BARS[letter]) for letter in letters]
    headers = ["message", "bare: ms"]
    for way in (LOG, SPOOL):
        headers += [f"{way}: times bare", "at most", "on average"]
    print(markdown(headers, rows), end="")
    if given.json is not None:
        write_json(given.json, _TITLE, {"passes": passes}, fast=given.fast)


if __name__ == "__main__":
    main()
