"""Where the time of one request goes.

    python -m benchmarks.stages [--only a,b] [--requests N] [--json FILE]

The functions that a request goes through one after the other are timed while requests go through the endpoint, each
time with what it costs in the middle of all the others: by itself, in a loop, each looks a third cheaper. What is left
is the clock and what stands between the functions.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from mm7_wsgi import MM7Endpoint, endpoint
from mm7_wsgi.protocol import mime, package

from .messages import MESSAGES
from .requests import WAYS, sender
from .tables import describe, describe_machine, markdown, write_json

#: Each step, and the functions that do it; one that begins with a blank is a part of the step above it.
STEPS: Final[dict[str, list[tuple[Any, str]]]] = {
    "credentials and account": [(endpoint, "find_credentials"), (endpoint, "identify")],
    "Content-Type": [(endpoint, "check_content_type")],
    "body": [(endpoint, "read_body")],
    "multipart": [(package, "read_parts")],
    " by the package multipart": [(mime._Framer, "_parse")],
    " looking for delimiters": [(mime._Framer, "_find_delimiters")],
    "which part is which": [(package.Package, name) for name in ("_is_multipart", "_find_root", "_find_content")],
    "XML": [(package, "to_utf8"), (package, "parse_xml")],
    "envelope": [(package, "divide_envelope"), (package, "check_envelope")],
    "fields": [(package, "read_request")],
    "callback and response": [(endpoint._Exchange, "_call")],
    "answer": [(endpoint, "write_message"), (endpoint, "write_envelope")],
}
_ALL: Final = "all"


@contextmanager
def timed(steps: dict[str, list[tuple[Any, str]]], spent: dict[str, float]) -> Iterator[None]:
    """Add up in ``spent`` the seconds that the functions of each step take."""

    def timing(step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            begun = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[step] += time.perf_counter() - begun

        return call

    with ExitStack() as patches:
        for step, functions in steps.items():
            for owner, name in functions:
                patches.enter_context(patch.object(owner, name, timing(step, getattr(owner, name))))
        yield


def measure(letter: str, requests: int) -> dict[str, float]:
    """The median seconds of each step of a message that a lazy host is given, and of all together."""
    send = sender(WAYS["lazy"](), MESSAGES[letter]())
    spent = dict.fromkeys([*STEPS, _ALL], 0.0)
    found: dict[str, list[float]] = {step: [] for step in spent}
    with timed({**STEPS, _ALL: [(MM7Endpoint, "__call__")]}, spent):
        for number in range(requests + requests // 10):
            spent.update(dict.fromkeys(spent, 0.0))
            send()
            for step, seconds in spent.items() if number >= requests // 10 else ():  # the first warm up
                found[step].append(seconds)
    return {step: median(seconds) for step, seconds in found.items()}


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark with the arguments of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.stages", description="Where the time of a request goes."
    )
    parser.add_argument("--only", default="a,c,f10", help="the messages (default: a,c,f10)")
    parser.add_argument("--requests", type=int, default=300, help="of each (default: 300)")
    parser.add_argument("--json", metavar="FILE", help="write all that was measured to this file")
    given = parser.parse_args(arguments)
    letters = given.only.split(",")
    if unknown := [letter for letter in letters if letter not in MESSAGES]:
        parser.error(f"there is no message {unknown[0]!r}, but {', '.join(MESSAGES)}")
    figures = {letter: measure(letter, given.requests) for letter in letters}
    print(f"Measured on {describe(describe_machine())}\n")
    print(summary(figures), end="")
    if given.json is not None:
        write_json(given.json, "Steps", figures)


def summary(figures: dict[str, dict[str, float]]) -> str:
    """The table: microseconds of each step, and its share."""
    headers = ["microseconds", *[cell for letter in figures for cell in (letter, "share")]]
    rows = []
    for step in STEPS:
        cells = [(seconds[step], seconds[step] / seconds[_ALL]) for seconds in figures.values()]
        name = f"- of it{step}" if step.startswith(" ") else step
        rows.append([name, *[cell for time, share in cells for cell in (f"{time * 1e6:,.1f}", f"{share:.0%}")]])
    rows.append([_ALL, *[cell for each in figures.values() for cell in (f"{each[_ALL] * 1e6:,.1f}", "")]])
    return markdown(headers, rows)


if __name__ == "__main__":
    main()
