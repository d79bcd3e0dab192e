"""What a message costs: the endpoint in this process, beside the same work done naively and a copy of the body.

    python -m benchmarks.endpoint [--runs 5] [--only a,d,f10] [--quick] [--fast] [--json FILE]

The first table has how often in a second a message is read through the WSGI interface, with Basic authentication and
its answer read, and how many times faster that is than the naive way: *lazy* by a host that looks at every leaf, and
*eager* by one that decodes every leaf. The second has what the middleware adds to a request that is none of its own.
The third has the memory, see memory.py.

A run is a fresh child process. In it each message is read in every way in turn, and another begins in each round, since
who comes after the naive way seems slower than it is. A small message is read for about 4 ms at a time. Garbage is
collected before the clock starts, and as ever while it runs. The best round counts, and of several runs the median;
least and greatest are in brackets.

pybase64 is used with ``--fast``, and only then, also where it is installed. Progress is told on standard error.
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import repeat
from statistics import median
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import memory
from .messages import MESSAGES, SMALLER
from .tables import describe, describe_machine, markdown, spread, verdict, write_json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_TITLE: Final = "The endpoint"
#: How many times faster than the naive way it has to be at least, and how many copies of the body it may cost at most.
BARS: Final[Mapping[str, Mapping[str, float]]] = {
    "a": {"lazy": 2.0, "eager": 2.0},
    "b": {"lazy": 8, "eager": 4.5},
    "c": {"lazy": 18, "eager": 20},
    "d": {"lazy": 20, "eager": 5.5},
    "e": {"lazy": 35, "eager": 28, "copies": 1.6},
    "q": {"lazy": 8, "eager": 5.5},
    "f10": {"lazy": 1.8},
}
#: The same with pybase64, where it makes a difference.
FAST_BARS: Final[Mapping[str, Mapping[str, float]]] = {
    **BARS,
    "b": {**BARS["b"], "eager": 10},
    "d": {**BARS["d"], "eager": 15},
}
#: Microseconds that the middleware may add to a request that is none of its own.
FOREIGN_BAR: Final = 1.0
#: Of these it is said how many copies of the body they cost.
_LARGE: Final = ("d", "e")
#: The memory that is measured for a quick look.
_QUICK_ROWS: Final = (("d", "lazy"), ("d", "naive lazy"), ("f10", "lazy"))


class Pace(NamedTuple):
    """How long is measured: seconds at a time and for all rounds of one message, and how many rounds that may be."""

    at_a_time: float
    together: float
    fewest: int
    most: int


_PACE: Final = Pace(0.02, 5, 5, 60)
_QUICK_PACE: Final = Pace(0.0002, 0, 2, 2)


# -- one run


def one_run(letters: Iterable[str], *, quick: bool) -> dict[str, Any]:
    """Measure in this process: gives the seconds of each way of each message, and of a request that is none of ours."""
    # Not before it is settled whether pybase64 can be imported.
    from .requests import WAYS, sender

    pace = _QUICK_PACE if quick else _PACE
    messages = {}
    for letter in letters:
        message = (SMALLER if quick else MESSAGES)[letter]()
        calls: dict[str, Callable[[], object]] = {
            way: sender(WAYS[way](), message) for way in ("lazy", "naive lazy", "eager", "naive eager")
        }
        calls["copy"] = functools.partial(bytearray, message.body)
        messages[letter] = {"title": message.title, "octets": len(message.body), "seconds": best(calls, pace)}
    return {"messages": messages, "foreign": best(_foreign(), pace)}


def _foreign() -> dict[str, Callable[[], object]]:
    """A request for another path: to an application alone, and to the same behind the middleware."""
    from mm7_wsgi import MM7Middleware

    from .requests import ACCOUNTS, environ_of, visit

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"not ours\n"]

    def start_response(status: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
        return bytes

    environ = {**environ_of("", 0, path="/other"), "REQUEST_METHOD": "GET"}
    wrapped = MM7Middleware(application, visit, accounts=ACCOUNTS)
    return {
        "alone": functools.partial(application, environ, start_response),
        "wrapped": functools.partial(wrapped, environ, start_response),
    }


def best(calls: Mapping[str, Callable[[], object]], pace: Pace) -> dict[str, float]:
    """The seconds that each of ``calls`` takes at best, measured in turn."""
    loops = {name: _loops(call, pace) for name, call in calls.items()}  # this warms them up as well
    found: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    started = time.perf_counter()
    for number in range(pace.most):
        if number >= pace.fewest and time.perf_counter() - started > pace.together:
            break
        for name in names:
            found[name].append(_seconds(calls[name], loops[name]))
        names.append(names.pop(0))
    return {name: min(seconds) for name, seconds in found.items()}


def _loops(call: Callable[[], object], pace: Pace) -> int:
    """How often it has to be called for the time that is measured at a time."""
    count = 1
    while _seconds(call, count) * count < pace.at_a_time:
        count *= 2
    return count


def _seconds(call: Callable[[], object], count: int) -> float:
    """The seconds of one call, by ``count`` of them in a row."""
    gc.collect()
    started = time.perf_counter()
    for _ in repeat(None, count):
        call()
    return (time.perf_counter() - started) / count


# -- what is said of several runs


def ratios(runs: Iterable[Mapping[str, Any]], letter: str, slower: str, faster: str) -> list[float]:
    """How many times the seconds of one way are those of another, run by run."""
    every = [run["messages"][letter]["seconds"] for run in runs]
    return [seconds[slower] / seconds[faster] for seconds in every]


def summary(runs: list[dict[str, Any]], bars: Mapping[str, Mapping[str, float]]) -> str:
    """The table of the messages."""
    headers = ["", "message", "messages/s", "MB/s"]
    headers += ["lazy: times faster", "at least", "eager: times faster", "at least", "copies", "at most"]
    return markdown(headers, [_row(runs, letter, bars.get(letter, {})) for letter in runs[0]["messages"]], left=2)


def _row(runs: list[dict[str, Any]], letter: str, bars: Mapping[str, float]) -> list[str]:
    message = runs[0]["messages"][letter]
    seconds = median(run["messages"][letter]["seconds"]["lazy"] for run in runs)
    cells = [letter, message["title"], _three_digits(1 / seconds), _three_digits(message["octets"] / 1e6 / seconds)]
    for way in ("lazy", "eager"):
        faster = ratios(runs, letter, f"naive {way}", way)
        cells += [spread(faster), verdict(median(faster), least=bars.get(way))]
    copies = ratios(runs, letter, "lazy", "copy")
    cells += [spread(copies) if letter in _LARGE else "", verdict(median(copies), most=bars.get("copies"))]
    return cells


def foreign_summary(runs: list[dict[str, Any]]) -> str:
    """The table of a request that is none of ours."""
    alone, wrapped = ([run["foreign"][name] * 1e6 for run in runs] for name in ("alone", "wrapped"))
    added = [behind - before for before, behind in zip(alone, wrapped, strict=True)]
    headers = ["microseconds", "application alone", "behind the middleware", "added", "at most"]
    cells = [*map(spread, (alone, wrapped, added)), verdict(median(added), most=FOREIGN_BAR)]
    return markdown(headers, [["a request for another path", *cells]])


def _three_digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


# -- the command


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark with the arguments of the command line."""
    given = _parse(arguments)
    if given.one_run:
        if not given.fast:
            sys.modules["pybase64"] = None  # type: ignore[assignment]  # as if it were not installed
        json.dump(one_run(given.only, quick=given.quick), sys.stdout)
        return
    runs = []
    for number in range(given.runs):
        _progress(f"run {number + 1} of {given.runs}")
        runs.append(_in_a_child(given))
    print(f"Measured on {describe(describe_machine(fast=given.fast))}\n")
    # The bars are for the messages in their full size.
    print(summary(runs, {} if given.quick else FAST_BARS if given.fast else BARS))
    print(foreign_summary(runs))
    peaks = _measure_memory(given)
    if given.json is not None:
        options = {"runs": given.runs, "only": given.only, "quick": given.quick, "fast": given.fast}
        figures = {"options": options, "runs": runs, "memory": peaks}
        write_json(given.json, _TITLE, figures, fast=given.fast)


def _measure_memory(given: argparse.Namespace) -> list[dict[str, Any]] | None:
    """Measure and print the memory of the messages that were asked for; None where it cannot be measured."""
    if not memory.measurable():
        print("The memory is not measured: this system does not have /proc/PID/status with RssAnon.")
        return None
    rows = [row for row in (_QUICK_ROWS if given.quick else memory.ROWS) if row[0] in given.only]
    if not rows:
        return []
    _progress("memory")
    few = 1 if given.quick else 3
    messages = SMALLER if given.quick else MESSAGES
    peaks = list(memory.peaks(messages, rows, children=few, times=few, fast=given.fast))
    print(memory.report(peaks), end="")
    return [{**peak._asdict(), "children": [child._asdict() for child in peak.children]} for peak in peaks]


def _in_a_child(given: argparse.Namespace) -> dict[str, Any]:
    """One run, in a fresh interpreter."""
    flags = [flag for flag, is_given in (("--quick", given.quick), ("--fast", given.fast)) if is_given]
    command = [sys.executable, "-m", "benchmarks.endpoint", "--one-run", "--only", ",".join(given.only), *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _progress(what: str) -> None:
    print(f"{what} ...", file=sys.stderr, flush=True)


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.endpoint", description="Measures what a message costs, in time and in memory."
    )
    parser.add_argument("--runs", type=int, default=5, help="runs, each in a process of its own (default: 5)")
    parser.add_argument(
        "--only", type=_letters, default=list(MESSAGES), metavar="LETTERS", help="only these messages, such as a,d,f10"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short run with smaller messages, to see that it works"
    )
    parser.add_argument("--fast", action="store_true", help="with pybase64; otherwise without, also where it is there")
    parser.add_argument("--json", metavar="FILE", help="write all that was measured to this file")
    parser.add_argument("--one-run", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.runs < 1:
        parser.error("--runs has to be 1 at least")
    if given.quick:
        given.runs = 1
    if given.fast and importlib.util.find_spec("pybase64") is None:
        parser.error("--fast needs pybase64, which is not installed: pip install 'mm7_wsgi[fast]'")
    return given


def _letters(text: str) -> list[str]:
    letters = text.split(",")
    for letter in letters:
        if letter not in MESSAGES:
            raise argparse.ArgumentTypeError(f"there is no message {letter!r}, but {', '.join(MESSAGES)}")
    return letters


if __name__ == "__main__":
    main()
