"""Does the cost of a request grow as its size does, whatever a hostile sender makes of it?

    python -m benchmarks.linear [--size MB] [--json FILE] [--only WORDS] [--brief] [--quick]

Each request of :mod:`.adversarial` goes through the endpoint at one size and at twice that size; it takes some minutes.
What counts is the processor time of the whole request, since another program that is busy at the same time does not add
to it, and the least of several turns. The garbage collector is on for the times, as it is on a server. For the ratio it
is off: its passes come in steps, and a step between the two sizes would look like growth. A row that misses a bar
closely is measured again before it is believed. The default size is above what a body may have in memory: were it not,
the larger of the two would go through a file, and the smaller would not.

A row that misses a bar is marked. An exception, or an internal failure (3000), is an error: the command names it, shows
what was logged, and ends with status 1.
"""

from __future__ import annotations

import argparse
import gc
import io
import logging
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from mm7_wsgi import MM7Endpoint

from .adversarial import ATTACKS, DEFAULT, Attack, Framing, Hostile
from .requests import ACCOUNTS, environ_of
from .tables import describe, describe_machine, markdown, write_json

_TITLE: Final = "Growth"
#: The larger size takes no more than this many times as long as the smaller.
RATIO_BAR: Final = 2.3
#: Seconds for each million octets, and for each part.
MEGABYTE_BAR: Final = 0.2
PART_BAR: Final = 10e-6

_SIZE: Final = 1.1
_QUICK_SIZE: Final = 0.005
_TURNS: Final = 3
# Turns, at most, for a row that misses a bar so closely that it may be by chance; and seconds, at most, for any row.
_TURNS_MOST: Final = 8
_CLOSELY: Final = 1.3
_PATIENCE: Final = 2.0
# What a clock that ticks slowly takes for no time at all.
_TICK: Final = 1e-9
# So few parts are not what a request costs.
_PARTS_LEAST: Final = 100

_INTERNAL: Final = "3000"
_CODE: Final = re.compile(rb"<(?:\w+:)?StatusCode>(\d+)<")
_FAULTCODE: Final = re.compile(rb"<faultcode>(?:\w+:)?([\w.]+)<")


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of one request in one framing."""

    name: str
    framing: str
    #: ``raised`` or ``default``.
    limits: str
    #: HTTP status and status code, or the class of an exception.
    answer: str
    #: Whether the answer is an exception, or an internal failure.
    failed: bool
    #: Of each size: octets and parts of the request, and seconds that it took at least.
    octets: tuple[int, int]
    parts: tuple[int, int]
    seconds: tuple[float, float]
    #: The same seconds without the garbage collector.
    seconds_uncollected: tuple[float, float]

    @property
    def ratio(self) -> float:
        """How many times as long the larger size takes."""
        return self.seconds_uncollected[1] / self.seconds_uncollected[0]

    @property
    def per_megabyte(self) -> float:
        """Seconds for each million octets, at the larger size."""
        return self.seconds[1] / self.octets[1] * 1e6

    @property
    def per_part(self) -> float | None:
        """Seconds for each part, at the larger size; None where there are few."""
        return self.seconds[1] / self.parts[1] if self.parts[1] >= _PARTS_LEAST else None

    @property
    def by_bar(self) -> dict[str, float]:
        """How many times as large as it may be: the ratio, and the time at the larger size."""
        most = MEGABYTE_BAR * self.octets[1] / 1e6 + PART_BAR * self.parts[1]
        return {"ratio": self.ratio / RATIO_BAR, "time": self.seconds[1] / most}

    @property
    def missed(self) -> list[str]:
        """The bars that it misses."""
        return [name for name, times in self.by_bar.items() if times > 1]


class _Failures(logging.Handler):
    """Keeps the tracebacks that the endpoint logs, and keeps its warnings from being printed."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, None] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.texts[record.getMessage()] = None


def sender(attack: Attack, hostile: Hostile) -> Callable[[bool], tuple[float, str]]:
    """A function that sends a request, collecting garbage or not; it gives the seconds, and the answer in short."""
    endpoint = MM7Endpoint(attack.handler, accounts=ACCOUNTS, limits=attack.limits)
    environ = environ_of(hostile.content_type, len(hostile.body))
    status = ""

    def start_response(line: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
        nonlocal status
        status = line.partition(" ")[0]
        return lambda octets: None

    def send(collecting: bool) -> tuple[float, str]:
        request = {**environ, "wsgi.input": io.BytesIO(hostile.body)}
        gc.collect()
        if not collecting:
            gc.disable()
        answer = ""
        begun = time.process_time()
        try:
            octets = b"".join(endpoint(request, start_response))
        except Exception as error:
            octets, answer = b"", type(error).__name__
        took = time.process_time() - begun
        gc.enable()
        return max(took, _TICK), answer or f"{status} {_code_in(octets)}"

    return send


def _code_in(octets: bytes) -> str:
    found = _CODE.search(octets) or _FAULTCODE.search(octets)
    return found[1].decode() if found else "?"


def measure(attack: Attack, framing: Framing, octets: int, turns: int, turns_most: int) -> Row:
    """Send the request of ``octets`` and the one of twice as many by turns."""
    hostiles = attack.make(octets, framing), attack.make(2 * octets, framing)
    senders = [sender(attack, hostile) for hostile in hostiles]
    begun = time.perf_counter()
    best = {collecting: [float("inf")] * 2 for collecting in (True, False)}
    answers: dict[str, None] = {}
    number = 0
    while True:
        for collecting, seconds in best.items():
            for index, send in enumerate(senders):
                took, answer = send(collecting)
                seconds[index] = min(seconds[index], took)
                answers[answer] = None
        number += 1
        row = Row(
            name=attack.name,
            framing=framing.value,
            limits="default" if attack.limits is DEFAULT else "raised",
            answer=", then ".join(answers),
            failed=any(answer.endswith(_INTERNAL) or not answer[0].isdigit() for answer in answers),
            octets=(len(hostiles[0].body), len(hostiles[1].body)),
            parts=(hostiles[0].parts, hostiles[1].parts),
            seconds=(best[True][0], best[True][1]),
            seconds_uncollected=(best[False][0], best[False][1]),
        )
        enough = turns_most if 1 < max(row.by_bar.values()) < _CLOSELY else turns
        if row.failed or number >= enough or time.perf_counter() - begun > _PATIENCE:
            return row


def _cells(row: Row, *, judged: bool) -> list[str]:
    per_part = "" if row.per_part is None else f"{row.per_part * 1e6:.1f}"
    return [
        row.name,
        row.framing,
        row.limits,
        row.answer,
        f"{row.octets[1] / 1e6:.2f}",
        f"{row.parts[1]:,}",
        *(f"{seconds * 1e3:.1f}" for seconds in row.seconds),
        f"{row.ratio:.2f}",
        f"{row.per_megabyte:.3f}",
        per_part,
        "FAILED" if row.failed else " ".join(row.missed) if judged else "",
    ]


def table(rows: Sequence[Row], *, judged: bool = True) -> str:
    """The rows as Markdown; with ``judged``, the bars that were missed are named."""
    headers = ["request", "framing", "limits", "answer", "MB", "parts", "ms for half of it", "ms", "ratio"]
    return markdown(
        [*headers, "s per MB", "microseconds per part", "missed"], [_cells(row, judged=judged) for row in rows], left=4
    )


def dearest(rows: Sequence[Row]) -> list[Row]:
    """Of each request, the framing in which it comes nearest to a bar, or exceeds it most."""
    kept: dict[tuple[str, str], Row] = {}
    for row in rows:
        other = kept.setdefault((row.name, row.limits), row)
        if max(row.by_bar.values()) > max(other.by_bar.values()):
            kept[row.name, row.limits] = row
    return list(kept.values())


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.linear", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=float, metavar="MB", help=f"the smaller of the two sizes (default: {_SIZE})")
    parser.add_argument("--json", metavar="FILE", help="write there all that was measured")
    parser.add_argument("--only", metavar="WORDS", default="", help="only the requests with these words in their name")
    parser.add_argument("--brief", action="store_true", help="print of each request only its dearest framing")
    parser.add_argument("--quick", action="store_true", help="small and once: to see that it works")
    options = parser.parse_args(arguments)
    size = options.size or (_QUICK_SIZE if options.quick else _SIZE)
    turns, turns_most = (1, 1) if options.quick else (_TURNS, _TURNS_MOST)
    if options.quick:
        gc.freeze()  # most of the time would go by in looking through what is there already
    failures = _Failures()
    logger = logging.getLogger("mm7_wsgi")
    logger.addHandler(failures)
    try:
        rows = [
            measure(attack, framing, round(size * 1e6), turns, turns_most)
            for attack in ATTACKS
            if options.only in attack.name
            for framing in attack.framings
        ]
    finally:
        logger.removeHandler(failures)
        gc.unfreeze()
    if not rows:
        parser.error(f"there is no request with {options.only!r} in its name")
    print(f"Measured on {describe(describe_machine())}\n")
    print(table(dearest(rows) if options.brief else rows, judged=not options.quick))
    together = f"{MEGABYTE_BAR} s for each MB and {PART_BAR * 1e6:g} microseconds for each part"
    print(f"Bars: a ratio of {RATIO_BAR}; a time of {together} together.")
    if options.json:
        extra = ("ratio", "per_megabyte", "per_part", "missed")
        figures = [{**asdict(row), **{name: getattr(row, name) for name in extra}} for row in rows]
        bars = {"ratio": RATIO_BAR, "seconds per MB": MEGABYTE_BAR, "seconds per part": PART_BAR}
        chosen = {"size": size, "only": options.only, "quick": options.quick}
        write_json(options.json, _TITLE, {"options": chosen, "bars": bars, "rows": figures})
    failed = [row for row in rows if row.failed]
    for text in failures.texts:
        print(text, file=sys.stderr)
    for row in failed:
        print(f"FAILED: {row.name}, {row.framing}, {row.limits} limits: {row.answer}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
