"""Every attack, at two sizes: what is answered, what is left behind, and what it costs."""

from __future__ import annotations

import re
import runpy
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

HERE = Path(__file__).parent
TABLE = runpy.run_path(str(HERE / "attacks.py"))
CLASSES = TABLE["CLASSES"]
ATTACKS = [
    pytest.param(attack, id=f"{name}: {attack.name}".encode("unicode_escape").decode())
    for name, attacks in CLASSES.items()
    for attack in attacks
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_answered_and_costs_no_more_for_being_larger(
    attack: Any, watch: Callable[..., Any], kit: SimpleNamespace, canary: socket.socket
) -> None:
    for size in attack.sizes:
        watched = watch(attack.make(kit, size), lawful=attack.lawful)
        answer = watched.answer
        code = answer.code if answer.code is not None else answer.faultcode
        assert (answer.status, code) == attack.answer, answer.faultstring
        assert len(answer.body) < 2000
        if attack.answer == TABLE["READ"]:
            assert watched.handled == [set(attack.words.split())]
        elif attack.answer == TABLE["BAD_CONTENT"]:
            assert len(watched.handled) == 1  # the handler came upon it
        else:
            assert watched.handled == []
            assert attack.words in answer.faultstring
        assert watched.outside == []
        assert watched.memory <= attack.memory
        assert watched.calls <= attack.calls
    with pytest.raises(BlockingIOError):
        canary.accept()


def test_the_classes_are_those_that_are_promised() -> None:
    promised = (HERE.parents[1] / "SECURITY.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| .+ \| .+ \| (test_\S+\.py(?:, test_\S+\.py)*) \|$", promised, re.MULTILINE)
    assert {name for name, files in rows if files == "test_attacks.py"} == CLASSES.keys()
    for file in {file for _, files in rows for file in files.split(", ")}:
        assert (HERE / file).exists() or (HERE.parent / file).exists()
