"""What the table has to hold, whatever is seen: every case with every host, and nothing accepted that was cut short."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TABLE = runpy.run_path(str(HERE / "cases.py"))
RESULTS = json.loads((HERE / "results.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", ["FRAMEWORKS", "SERVERS"])
def test_every_case_was_tried_with_every_host(kind: str) -> None:
    for host in TABLE[kind]:
        assert sorted(RESULTS["cells"][host]) == sorted(TABLE[f"TO_{kind}"])
        assert RESULTS["versions"][host]


def test_nothing_else_is_in_the_table() -> None:
    hosts = [*TABLE["FRAMEWORKS"], *TABLE["SERVERS"]]
    assert list(RESULTS["cells"]) == list(RESULTS["versions"]) == hosts


@pytest.mark.parametrize(
    "case", ["truncated", "gone", "chunked-cut", "negative", "list", "password", "mm7x", "foreign"]
)
def test_what_must_not_be_accepted_was_accepted_nowhere(case: str) -> None:
    found = {host: cells[case] for host, cells in RESULTS["cells"].items() if case in cells}
    assert found
    assert [host for host, outcome in found.items() if "accepted" in outcome] == []


@pytest.mark.parametrize("case", ["uri", "basic", "slash", "escaped", "escaped-twice", "big"])
def test_what_has_to_be_accepted_was_accepted_everywhere(case: str) -> None:
    assert {cells[case] for cells in RESULTS["cells"].values()} == {"accepted"}
