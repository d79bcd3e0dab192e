"""What each thing adds to a small message that a host can add to an endpoint.

    python -m benchmarks.additions [--runs 5] [--redis redis://127.0.0.1:6379/0] [--quick] [--json FILE]

The message is read by a host that looks at every leaf, as in ``endpoint.py``: by an endpoint with nothing added, and by
one each with the line in the log written to nowhere, with an observer that counts for Prometheus, with an account file,
with wrong credentials counted, and with a rate besides; the last two also in Redis where one is given. The figure is
the time of the endpoint with the addition, divided by that of the one without. Of several runs in one process, each
measured in turn, it is the median; least and greatest are in brackets.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry

from mm7_wsgi import Account, MM7Endpoint
from mm7_wsgi.hosts.prometheus import PrometheusObserver
from mm7_wsgi.throttle import Throttle

from .endpoint import _PACE, _QUICK_PACE, Pace, best
from .messages import MESSAGES, SECRET, USER
from .requests import ACCOUNTS, LIMITS, sender, visit
from .tables import describe, describe_machine, markdown, spread, write_json

#: More than are ever sent here.
_RATE: Final = "1000000/second"


def endpoints(folder: Path, redis: str | None) -> dict[str, MM7Endpoint]:
    """What is measured, by name; the first is what the others are compared with."""

    def with_rate(storage: str) -> dict[str, Any]:
        return {"accounts": {USER: Account(USER, SECRET, rate=_RATE)}, "throttle": Throttle(storage)}

    file = folder / "accounts.toml"
    file.touch(mode=0o600)
    file.write_text(f"[accounts.{USER}]\nsecret = {SECRET!r}\n", encoding="utf-8")
    added: dict[str, dict[str, Any]] = {
        "nothing": {},
        "the line in the log": {},
        "an observer for Prometheus": {"observer": PrometheusObserver(CollectorRegistry())},
        "an account file": {"accounts": str(file)},
        "wrong credentials counted in memory": {"throttle": Throttle()},
        "and a rate": with_rate("memory://"),
    }
    if redis is not None:
        added["wrong credentials counted in Redis"] = {"throttle": Throttle(redis)}
        added["and a rate, in Redis"] = with_rate(redis)
    return {
        name: MM7Endpoint(visit, **{"accounts": ACCOUNTS, "limits": LIMITS, **settings})
        for name, settings in added.items()
    }


@contextmanager
def logging_to_nowhere() -> Iterator[None]:
    """The records are made and written, and nobody keeps them."""

    class Nowhere(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            self.format(record)

    logger, handler = logging.getLogger("mm7_wsgi"), Nowhere()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.level, logger.propagate = before


def measure(pace: Pace, redis: str | None) -> dict[str, float]:
    """The seconds of a request, by what is added."""
    with tempfile.TemporaryDirectory() as folder:
        calls: dict[str, Callable[[], object]] = {
            name: sender(endpoint, MESSAGES["a"]()) for name, endpoint in endpoints(Path(folder), redis).items()
        }
        logged = calls["the line in the log"]

        def call_logged() -> None:
            with logging_to_nowhere():
                logged()

        return best({**calls, "the line in the log": call_logged}, pace)


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.additions", description="What additions cost.")
    parser.add_argument("--runs", type=int, default=5, help="of which the median counts (default: 5)")
    parser.add_argument("--redis", metavar="URL", help="count in this Redis too")
    parser.add_argument("--quick", action="store_true", help="whether it works, and not how fast")
    parser.add_argument("--json", metavar="FILE", help="write all that was measured to this file")
    given = parser.parse_args(arguments)
    runs = [measure(_QUICK_PACE if given.quick else _PACE, given.redis) for _ in range(given.runs)]
    print(f"Measured on {describe(describe_machine())}\n")
    rows = [
        [name, f"{min(run[name] for run in runs) * 1e6:,.0f}", spread([run[name] / run["nothing"] for run in runs])]
        for name in runs[0]
    ]
    print(markdown(["added", "microseconds at best", "times nothing"], rows), end="")
    if given.json is not None:
        write_json(given.json, "Additions", {"runs": runs})


if __name__ == "__main__":
    main()
