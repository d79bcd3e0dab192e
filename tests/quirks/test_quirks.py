"""Each quirk of the field, from the octets to what the handler gets: the table is in ``quirks.py``."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MM7Endpoint, MM7Error, MM7Request, Part
from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.deviations import AREAS, CATALOGUE
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.package import Package, check_content_type
from mm7_wsgi.testing import irregularities

TABLE = runpy.run_path(str(Path(__file__).with_name("quirks.py")))
Parse, Piece = TABLE["Parse"], TABLE["Piece"]
QUIRKS = [quirk for area in TABLE["QUIRKS"].values() for quirk in area]
DOCUMENT = Path(__file__).parents[2] / "docs" / "quirks.md"
#: Names whose irregularity is found by the parser itself where it is strict.
FRAMING = AREAS["The framing"].keys() - {"multipart-encoded", "header-repeated"}


def cases(verdict: str, *, is_answer: bool = False) -> Any:
    """Every message of that verdict with its quirk."""
    return pytest.mark.parametrize(
        ("quirk", "message"),
        [
            pytest.param(quirk, message, id=f"{quirk.title}{f' ({number})' if number > 1 else ''}")
            for quirk in QUIRKS
            if quirk.verdict == verdict and quirk.is_answer == is_answer
            for number, message in enumerate(quirk.messages, 1)
        ],
    )


class Recorder:
    """A handler that takes everything, reads every part, and keeps what it got."""

    def __init__(self) -> None:
        self.found: list[tuple[Any, set[str]]] = []

    def __call__(self, request: MM7Request) -> None:
        parse = Parse(
            request.transaction_id,
            request.message,
            None if request.content is None else piece(request.content),
            tuple(map(piece, request.attachments)),
        )
        self.found.append((parse, {deviation.name for deviation in request.deviations}))


def piece(part: Part) -> Any:
    if part.is_multipart:
        return Piece(tuple(part.headers), parts=tuple(map(piece, part.parts)))
    text = part.text if part.content_type.startswith("text/") else None
    return Piece(tuple(part.headers), part.data, text, filename=part.filename)


@pytest.fixture
def send(ask: Any, make_environ: Any) -> Any:
    """Sends a message to an endpoint: the answer, and all that the handler got."""

    def send(message: Any, *, strict: bool = False) -> tuple[Any, list[tuple[Any, set[str]]]]:
        handler = Recorder()
        endpoint = MM7Endpoint(handler, accounts={"acme": "s3cret"}, strict=strict)
        environ = make_environ(message.body, {"CONTENT_TYPE": message.content_type, **message.environ})
        return ask(endpoint, environ), handler.found

    return send


def read_answer(message: Any, *, strict: bool = False) -> tuple[Any, set[str]]:
    """What an answer to a request is read as, and its deviations; raises its refusal."""
    package = Package(Limits(), strict=strict)
    with Buffer(message.body) as buffer:
        found = package.read_answer(check_content_type(message.content_type, Limits()), buffer)
    package.close()
    parse = Parse(package.envelope.transaction_id, found)
    return parse, {deviation.name for deviation in package.deviations}


def is_said(words: str, details: str) -> bool:
    """Whether the details are these words, in which three dots stand for anything."""
    return re.fullmatch(".*".join(map(re.escape, words.split("\u2026"))), details) is not None


def is_same(found: Any, expected: Any) -> None:
    assert found == expected
    assert repr(found) == repr(expected)  # tells a member of an enumeration from its text


# -- the table itself


def test_every_deviation_of_the_catalogue_has_a_message() -> None:
    assert {name for quirk in QUIRKS for name in quirk.deviations} == set(CATALOGUE)


@pytest.mark.parametrize("name", irregularities())
def test_the_message_that_hosts_get_for_a_deviation_is_in_the_table(name: str) -> None:
    message = TABLE["shown"](name)
    [quirk] = [quirk for quirk in QUIRKS if message in quirk.messages]
    assert quirk.deviations == {name}


def test_every_quirk_has_a_title_of_its_own_a_reason_and_a_message() -> None:
    titles = [quirk.title for quirk in QUIRKS]
    assert len(set(titles)) == len(titles)
    for quirk in QUIRKS:
        assert quirk.messages, quirk.title
        assert quirk.why.endswith("."), quirk.title
        assert not quirk.title.endswith("."), quirk.title
        assert bool(quirk.deviations) == (quirk.verdict == "mended"), quirk.title
        assert bool(quirk.fault) == (quirk.verdict == "refused"), quirk.title


@pytest.mark.parametrize("name", TABLE["REGULAR"])
def test_the_messages_that_all_are_made_from_are_regular(send: Any, name: str) -> None:
    message, expected = TABLE["REGULAR"][name]
    answer, found = send(message, strict=True)
    assert (answer.status, answer.code) == (200, 1000)
    [(parse, deviations)] = found
    is_same(parse, expected)
    assert deviations == set()


@pytest.mark.parametrize("name", TABLE["REGULAR_ANSWERS"])
def test_the_answers_that_all_are_made_from_are_regular(name: str) -> None:
    message, expected = TABLE["REGULAR_ANSWERS"][name]
    parse, deviations = read_answer(message, strict=True)
    is_same(parse, expected)
    assert deviations == set()


# -- requests


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
@cases("accepted")
def test_what_the_rules_allow_is_read_without_a_deviation(send: Any, quirk: Any, message: Any, strict: bool) -> None:
    answer, found = send(message, strict=strict)
    assert (answer.status, answer.code) == (200, 1000), answer.details or answer.faultstring
    [(parse, deviations)] = found
    assert deviations == set()
    is_same(parse, quirk.parse)


@cases("mended")
def test_what_is_irregular_is_read_as_it_was_meant_and_named(send: Any, quirk: Any, message: Any) -> None:
    answer, found = send(message)
    assert (answer.status, answer.code) == (200, 1000), answer.details or answer.faultstring
    [(parse, deviations)] = found
    assert deviations == quirk.deviations
    is_same(parse, quirk.parse)


@cases("mended")
def test_what_is_irregular_is_refused_by_a_strict_endpoint(send: Any, quirk: Any, message: Any) -> None:
    answer, found = send(message, strict=True)
    assert found == []
    assert answer.status == 500
    if quirk.deviations & FRAMING and "multipart-as-xml" not in quirk.deviations:
        assert answer.code == (2004 if quirk.inner else 4004)
        assert "cannot be read: " in answer.details
    else:
        summaries = {CATALOGUE[name].summary: CATALOGUE[name].refusal.status_code for name in quirk.deviations}
        [code] = [code for summary, code in summaries.items() if summary in answer.details]
        assert answer.code == code


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
@cases("refused")
def test_what_cannot_be_known_is_refused_with_the_reason(send: Any, quirk: Any, message: Any, strict: bool) -> None:
    answer, found = send(message, strict=strict)
    assert found == []
    if strict:  # may find another reason first
        assert answer.name == "Fault"
        return
    assert answer.status == quirk.http_status
    if isinstance(quirk.fault, str):
        assert (answer.faultcode, answer.detail) == (quirk.fault, None)
        assert is_said(quirk.words, answer.faultstring)
    else:
        assert answer.code == quirk.fault
        assert is_said(quirk.words, answer.details or answer.text)


# -- answers to requests


@pytest.mark.parametrize("strict", [False, True], ids=["tolerant", "strict"])
@cases("accepted", is_answer=True)
def test_an_answer_that_the_rules_allow_is_read_without_a_deviation(quirk: Any, message: Any, strict: bool) -> None:
    parse, deviations = read_answer(message, strict=strict)
    assert deviations == set()
    is_same(parse, quirk.parse)


@cases("mended", is_answer=True)
def test_an_answer_that_is_irregular_is_read_and_named_and_refused_if_strict(quirk: Any, message: Any) -> None:
    parse, deviations = read_answer(message)
    assert deviations == quirk.deviations
    is_same(parse, quirk.parse)
    with pytest.raises(MM7Error) as caught:
        read_answer(message, strict=True)
    assert caught.value.code in {CATALOGUE[name].refusal.status_code for name in quirk.deviations}


@cases("refused", is_answer=True)
def test_an_answer_that_cannot_be_read_is_refused_with_the_reason(quirk: Any, message: Any) -> None:
    with pytest.raises(MM7Error) as caught:
        read_answer(message)
    assert caught.value.code == quirk.fault
    assert is_said(quirk.words, caught.value.details)


# -- the document


@pytest.mark.skipif(not DOCUMENT.parent.is_dir(), reason="there is no docs/ beside these tests")
def test_the_document_is_what_the_table_says() -> None:
    script = Path(__file__).with_name("make_docs.py")
    done = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
