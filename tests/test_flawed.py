"""Whole messages that are made by the rules, and any combination of what peers do against them."""

from __future__ import annotations

import dataclasses
import random
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi import Address, MessageClass, Part, Priority, Recipients, SenderIdentification, SubmitReq
from mm7_wsgi.protocol import mime
from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.deviations import CATALOGUE
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.package import Package, check_content_type

FLAWED = runpy.run_path(str(Path(__file__).with_name("flawed.py")))
FLAWS = (*FLAWED["FRAMING"], *FLAWED["MESSAGE"])


def shape_of(part: Part) -> Any:
    """A part as a node has it; a Content-ID counts without its brackets, which are among the flaws."""
    headers = [(name, value.strip("<>") if name == "Content-Id" else value) for name, value in part.headers]
    return headers, [shape_of(inside) for inside in part.parts] if part.is_multipart else part.data


def expected_shape(node: Any) -> Any:
    headers, inside = node.shape
    headers = [(name, value.strip("<>") if name == "Content-Id" else value) for name, value in headers]
    return headers, [expected_shape(part) for part in node.parts] if node.parts else inside


def expected_message(letter: Any) -> SubmitReq:
    return SubmitReq(
        mm7_version=letter.version,
        sender_identification=SenderIdentification(vasp_id=letter.vasp_id, sender_address=Address(letter.sender)),
        recipients=Recipients(to=tuple(map(Address, letter.to)), cc=tuple(map(Address, letter.cc))),
        message_class=MessageClass(letter.message_class),
        time_stamp=letter.time_stamp,
        delivery_report=letter.delivery_report,
        priority=Priority(letter.priority),
        subject=letter.subject,
    )


@contextmanager
def read(letter: Any, flaws: frozenset[str], seed: int, *, strict: bool = False) -> Iterator[Package]:
    header, body = FLAWED["LetterWriter"](flaws, seed).message(letter)
    # Whether a message without its close delimiter is whole is asked elsewhere.
    package = Package(Limits(), strict=strict, tolerated=() if strict else ("close-missing",))
    package.read(check_content_type(header, Limits()), Buffer(body))
    yield package
    package.close()


def check(package: Package, letter: Any) -> None:
    """Whether the letter came through. What is not its own are its href, and the vendors' elements."""
    assert isinstance(package.request, SubmitReq)
    assert dataclasses.replace(package.request, content=None, extensions=()) == expected_message(letter)
    assert package.envelope is not None
    assert package.envelope.transaction_id == letter.transaction_id
    assert package.content is not None
    assert shape_of(package.content) == expected_shape(letter.content)
    assert [shape_of(part) for part in package.attachments] == [expected_shape(node) for node in letter.attachments]


@given(st.integers(0, 2**32), st.frozensets(st.sampled_from(FLAWS)))
@settings(deadline=None, max_examples=500)
def test_any_combination_of_flaws_gives_the_same_message_as_none(seed: int, flaws: frozenset[str]) -> None:
    letter = FLAWED["a_letter"](random.Random(seed), flaws)
    with read(letter, flaws, seed) as package:
        check(package, letter)
        assert {deviation.name for deviation in package.deviations} <= flaws


@pytest.mark.parametrize("flaw", FLAWS)
def test_each_flaw_is_told_by_its_name_and_no_other(flaw: str) -> None:
    told = set()
    for seed in range(40):
        letter = FLAWED["a_letter"](random.Random(seed), {flaw})
        with read(letter, frozenset({flaw}), seed) as package:
            check(package, letter)
            told |= {deviation.name for deviation in package.deviations}
    assert told == {flaw}
    assert flaw in CATALOGUE


@given(st.integers(0, 2**32))
@settings(deadline=None, max_examples=200)
def test_what_is_written_by_the_rules_has_no_deviations_and_is_not_framed_anew(seed: int) -> None:
    letter = FLAWED["a_letter"](random.Random(seed), frozenset())
    not_framed_anew = mock.patch.object(mime, "reframe", side_effect=AssertionError("it was framed anew"))
    with not_framed_anew, read(letter, frozenset(), seed, strict=True) as package:
        check(package, letter)
        assert list(package.deviations) == []
