"""The table that the cells of these tests are compared with, or written into (see record.py); logs of transactions."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).with_name("results.json")


class Table:
    """What became of each case with each host. ``found`` is None where it is compared, and else what was seen."""

    def __init__(self, cells: dict[str, dict[str, str]], *, recording: bool) -> None:
        self._cells = cells
        self.found: dict[str, dict[str, str]] | None = {} if recording else None

    def known(self, host: str, case: str) -> str | None:
        """What it was; None where that is not known, or is written down anew."""
        return None if self.found is not None else self._cells.get(host, {}).get(case)

    def check(self, host: str, case: str, found: str) -> None:
        """Fails where it is not what it was."""
        if self.found is not None:
            self.found.setdefault(host, {})[case] = found
            return
        known = self.known(host, case)
        assert found == known, f"{case} with {host} is {found!r} now; tests/hosts/results.json has {known!r}"


@pytest.fixture(scope="session")
def table() -> Iterator[Table]:
    """``table.check(host, case, found)`` fails where a cell has changed."""
    place = os.environ.get("MM7_RECORD")
    cells = json.loads(RESULTS.read_text(encoding="utf-8"))["cells"] if RESULTS.exists() else {}
    table = Table(cells, recording=place is not None)
    yield table
    if place is not None:
        Path(place).write_text(json.dumps(table.found), encoding="utf-8")


@pytest.fixture
def logs(require: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The logs of transactions that settings have made: nobody else could close them behind the test."""
    require("sqlalchemy")
    spool = importlib.import_module("mm7_wsgi.spool")
    made: list[Any] = []

    class Kept(spool.TransactionLog):  # type: ignore[misc,name-defined]
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            made.append(self)

    monkeypatch.setattr(spool, "TransactionLog", Kept)
    yield made
    for log in made:
        log.close()
