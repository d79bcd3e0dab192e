"""Every attack, at two sizes: what is answered, what is left behind, and what it costs."""

from __future__ import annotations

import runpy
import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

TABLE = runpy.run_path(str(Path(__file__).with_name("attacks.py")))
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
