"""The catalogue of what is read against the rules, and the document that is made from it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mm7_wsgi.protocol.deviations import AREAS, CATALOGUE, Deviation, Deviations
from mm7_wsgi.protocol.errors import StatusError

DOCS = Path(__file__).parents[1] / "docs"
EVERY_NAME = pytest.mark.parametrize("name", CATALOGUE)


def test_no_name_is_in_two_areas() -> None:
    assert sum(map(len, AREAS.values())) == len(CATALOGUE)


def test_the_catalogue_cannot_be_changed() -> None:
    for mapping in (AREAS, CATALOGUE):
        with pytest.raises(TypeError):
            mapping["new"] = None  # type: ignore[index]


@EVERY_NAME
def test_a_name_is_words_in_small_letters_joined_by_hyphens(name: str) -> None:
    assert re.fullmatch("[a-z]+(-[a-z]+)+", name)


@EVERY_NAME
def test_a_summary_is_one_line_of_plain_words_without_a_full_stop(name: str) -> None:
    summary = CATALOGUE[name].summary
    assert summary == " ".join(summary.split())
    assert len(summary) <= 120
    assert summary[0].islower() or summary.startswith(("TransactionID ", "MM7Version ")), "small letters, but for names"
    assert not summary.endswith((".", ",", ";"))
    assert not re.search("[`*_<>|]", summary), "it is plain words"


@EVERY_NAME
def test_an_entry_names_a_rule_a_peer_and_a_refusal(name: str) -> None:
    irregularity = CATALOGUE[name]
    assert re.match("(RFC [0-9]{4}|TS 23.140|SOAP|XML 1.0|NowSMS)", irregularity.clause)
    for text in (irregularity.clause, irregularity.known_from):
        assert text == " ".join(text.split())
        assert not text.endswith(".")
    assert len(irregularity.known_from) > 2
    assert issubclass(irregularity.refusal, StatusError)
    assert irregularity.verdict in ("read", "refused")
    assert not irregularity.read_if or irregularity.verdict == "refused"
    assert not irregularity.read_if.endswith(".")
    assert irregularity.refusal.status_code // 1000 in (2, 4), "the fault is the client's"


def test_summaries_are_told_apart() -> None:
    assert len({irregularity.summary for irregularity in CATALOGUE.values()}) == len(CATALOGUE)


@EVERY_NAME
def test_a_deviation_says_its_name_what_it_is_and_where(name: str) -> None:
    assert str(Deviation(name, "SubmitReq/To")) == f"{name}: {CATALOGUE[name].summary} (SubmitReq/To)"


@EVERY_NAME
def test_a_strict_reader_refuses_with_the_place_the_summary_and_the_rule(name: str) -> None:
    irregularity = CATALOGUE[name]
    with pytest.raises(irregularity.refusal) as caught:
        Deviations(strict=True).note(name, "here")
    assert caught.value.details == f"here: {irregularity.summary} ({irregularity.clause})"


@EVERY_NAME
def test_a_strict_reader_reads_what_it_is_told_to_tolerate(name: str) -> None:
    deviations = Deviations(strict=True, tolerated={name})
    deviations.note(name, "here")
    assert [deviation.name for deviation in deviations] == [name]
    other = next(each for each in CATALOGUE if each != name)
    with pytest.raises(CATALOGUE[other].refusal):
        deviations.note(other, "there")


def test_the_same_in_the_same_place_counts_once_and_the_order_stays() -> None:
    deviations = Deviations()
    for where in ("b", "a", "b"):
        deviations.note("value-case", where)
    assert [deviation.where for deviation in deviations] == ["b", "a"]


def test_a_hostile_message_cannot_fill_the_memory_with_deviations() -> None:
    deviations = Deviations()
    for number in range(1000):
        deviations.note("value-case", str(number))
    assert len(list(deviations)) == 100
    assert deviations.is_cut


def test_however_many_places_there_are_every_name_is_told() -> None:
    deviations = Deviations()
    for number in range(100):
        deviations.note("value-case", str(number))
    deviations.note("value-case", "0")
    assert not deviations.is_cut
    for name in CATALOGUE:
        deviations.note(name, "first")
        deviations.note(name, "second")
    assert {deviation.name for deviation in deviations} == set(CATALOGUE)
    assert len(list(deviations)) == 100 + len(CATALOGUE) - 1
    assert deviations.is_cut


def test_a_name_that_is_not_in_the_catalogue_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        Deviations().note("no-such-name", "here")


@pytest.mark.skipif(not DOCS.is_dir(), reason="there is no docs/ beside these tests")
def test_the_document_is_what_the_catalogue_says() -> None:
    script = DOCS / "make_deviations.py"
    done = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
