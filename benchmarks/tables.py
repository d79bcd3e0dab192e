"""What the benchmarks write: Markdown tables as docs/performance.md has them, and JSON with all that was measured."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

_PACKAGES: Final = ("mm7_wsgi", "multipart", "defusedxml", "werkzeug")
#: Whether mm7_wsgi finds pybase64, unless it is kept from it.
_FAST: Final = find_spec("pybase64") is not None


def markdown(headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A table of Markdown whose columns are aligned: the first ``left`` of them to the left, all others to the right.

    It ends in a line feed. A row has as many cells as there are headers; ``ValueError`` otherwise.
    """
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(3, *map(len, column)) for column in columns]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |\n"

    ruler = ["-" * width if index < left else "-" * (width - 1) + ":" for index, width in enumerate(widths)]
    return line(headers) + line(ruler) + "".join(map(line, rows))


def spread(values: Sequence[float], digits: int = 2) -> str:
    """The median of ``values``, and in brackets the least and the greatest where there are several."""
    middle = f"{median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def verdict(value: float, *, least: float | None = None, most: float | None = None) -> str:
    """A cell with the bar that is set for ``value``, and whether it is reached; empty where none is set."""
    bar = most if least is None else least
    if bar is None:
        return ""
    reached = value <= bar if least is None else value >= bar
    return f"{bar:g} {'reached' if reached else 'MISSED'}"


def describe_machine(*, fast: bool = _FAST) -> dict[str, Any]:
    """What the figures were measured with; ``fast`` says that pybase64 was used."""
    packages = (*_PACKAGES, "pybase64") if fast else _PACKAGES
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "processors": os.cpu_count(),
        "packages": {package: _version(package) for package in packages},
    }


def describe(machine: Mapping[str, Any]) -> str:
    """One line for above a table, from what :func:`describe_machine` says."""
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    processors = f"{machine['processors']} processors ({machine['processor']})"
    return f"{machine['python']}, {packages}; {machine['platform']}, {processors}."


def write_json(path: str | Path, title: str, figures: Mapping[str, Any], *, fast: bool = _FAST) -> None:
    """Write ``figures``, all that was measured, with the title of the benchmark, the time and the machine."""
    written = {
        "title": title,
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "what": describe_machine(fast=fast),
        "figures": figures,
    }
    Path(path).write_text(json.dumps(written, indent=1) + "\n", encoding="utf-8")


def _version(package: str) -> str | None:
    # Not by importing it: whoever asks may still have to say whether pybase64 can be imported.
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Its name; Linux has it in one place only, and not on all machines."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
