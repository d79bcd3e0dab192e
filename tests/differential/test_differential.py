"""A thousand messages, read by us, by ``email`` and by ``lxml``; and that a comparison finds what differs."""

from __future__ import annotations

import dataclasses
import json
import runpy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from mm7_wsgi import Part
from mm7_wsgi.protocol.soap import Node

HERE = Path(__file__).parent
COMPARE = runpy.run_path(str(HERE / "compare.py"), run_name="compare")
Comparison, make, DISAGREEMENTS, TABLE = (COMPARE[name] for name in ("Comparison", "make", "DISAGREEMENTS", "TABLE"))
GENERATE = COMPARE["_GENERATE"]
#: What the functions of compare.py see, so that a test can change it.
NAMES = Comparison.compare.__globals__
#: The operations take turns, so eight seeds beside each other have all of them.
SEEDS = range(1000)
#: So many at once that no test takes long, even where the machine has others to serve.
BATCHES = tuple(SEEDS[begin : begin + 50] for begin in range(0, len(SEEDS), 50))

made = cache(make)


@cache
def compared(seeds: range) -> tuple[Any, dict[int, list[str]]]:
    """The comparison of these, and what differed, by seed."""
    comparison = Comparison()
    found = {
        message.seed: list(map(str, comparison.compare(message.content_type, message.body, message)))
        for message in map(made, seeds)
    }
    return comparison, {seed: differences for seed, differences in found.items() if differences}


def differences(message: Any, *, told: bool = True) -> list[Any]:
    return Comparison().compare(message.content_type, message.body, message if told else None)


# -- the thousand


@pytest.mark.parametrize("seeds", BATCHES, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_email_lxml_and_the_generator_agree_with_us(seeds: range) -> None:
    comparison, found = compared(seeds)
    assert found == {}
    assert comparison.figures["messages"] == len(seeds)
    # So that nothing is passed over in silence: there are more values than parts and elements.
    assert comparison.figures["parts"] > len(seeds)
    assert comparison.figures["elements"] > 12 * len(seeds)
    assert comparison.figures["values"] > 100 * len(seeds)


def test_each_known_disagreement_is_met() -> None:
    met = {name for seeds in BATCHES for name in compared(seeds)[0].excused}
    may_be_mended = {known.name for known in DISAGREEMENTS if known.is_mended_later}
    assert {known.name for known in DISAGREEMENTS} - may_be_mended <= met


def test_all_that_the_generator_can_do_is_done() -> None:
    done = frozenset[str]().union(*(made(seed).features for seed in SEEDS))
    choices = {f"{kind} {value}" for kind, values in GENERATE["CHOICES"].items() for value in values}
    letters = {f"boundary character {letter}" for letter in GENERATE["BOUNDARY_CHARACTERS"]}
    assert done == GENERATE["FEATURES"].keys() | choices | letters


_ADDRESSES = ("Number", "RFC2822Address", "ShortCode")
_HOLD_ADDRESSES = ("To", "Cc", "Bcc", "Sender", "SenderAddress", "Recipient", "UserAgent")


def paths(around: str, name: str) -> Iterator[str]:
    """The element, and all that the schema has in it."""
    path = f"{around}/{name}"
    yield path
    for inside in _ADDRESSES if name in _HOLD_ADDRESSES else TABLE["INSIDE"].get(name, ()):
        yield from paths(path, inside)


def test_every_element_and_attribute_of_the_schema_occurs() -> None:
    found = frozenset[str]().union(*(made(seed).elements for seed in SEEDS))
    elements = {
        path for operation, rows in TABLE["REQUESTS"].items() for row in rows for path in paths(operation, row.name)
    }
    assert {path for path in found if "@" not in path} == elements
    attributes = {f"{name}/@{attribute}" for name, those in TABLE["ATTRIBUTES"].items() for attribute in those}
    # An Extension can have any.
    found_on = {"/".join(path.split("/")[-2:]) for path in found if "@" in path and "/Extension/" not in path}
    assert found_on == attributes


def test_a_seed_gives_the_same_message_again() -> None:
    assert [make(seed) for seed in SEEDS[:40]] == [made(seed) for seed in SEEDS[:40]]


# -- known disagreements


@pytest.mark.parametrize("known", DISAGREEMENTS, ids=lambda known: known.name)
def test_a_known_disagreement_is_still_one(known: Any) -> None:
    comparison = Comparison()
    assert comparison.compare(*known.message) == []
    if known.is_mended_later and not comparison.excused:
        return  # this Python reads it as we do
    assert comparison.excused == {known.name: comparison.excused[known.name]}
    others = [other for other in DISAGREEMENTS if other is not known]
    found = Comparison(others).compare(*known.message)
    assert (known.item, known.ours, known.theirs) in [(each.item, each.ours, each.theirs) for each in found]


@pytest.mark.parametrize("known", DISAGREEMENTS, ids=lambda known: known.name)
def test_a_known_disagreement_excuses_no_other_reading(known: Any) -> None:
    [found, *_] = [
        each
        for each in Comparison(()).compare(*known.message)
        if (each.item, each.theirs) == (known.item, known.theirs)
    ] or [None]
    if found is None:
        assert known.is_mended_later
        return
    wrong = {bytes: b"wrong", int: 7, frozenset: frozenset({"line-ends"})}.get(type(found.ours), "wrong")
    right = found.theirs if known.of == "mm7_wsgi" else found.ours
    comparison = Comparison()
    assert comparison._explain(found._replace(ours=wrong, made=right)) is None
    assert comparison._explain(found._replace(theirs=wrong, made=wrong)) is None


# -- that it can fail


@pytest.mark.parametrize("told", [True, False], ids=["three opinions", "two opinions"])
@pytest.mark.parametrize(
    ("item", "name", "wrong"),
    [
        ("data", "data", lambda value: bytes([value[0] ^ 1]) + value[1:] if value else b"x"),
        ("text", "text", lambda value: value + "x"),
        ("content type", "content_type", lambda value: value.upper()),
        ("content id", "content_id", lambda value: f"{value}x"),
        ("content location", "content_location", lambda value: f"{value}x"),
        ("transfer encoding", "transfer_encoding", lambda value: "8bit" if value == "7bit" else "7bit"),
        ("charset", "charset", lambda value: f"{value}x"),
        ("file name", "filename", lambda value: f"{value}x"),
    ],
)
def test_what_a_part_says_wrongly_is_found(item: str, name: str, wrong: Any, *, told: bool) -> None:
    message = the_message_with(lambda piece: piece.text is not None and piece.data)
    right = getattr(Part, name)
    with mock.patch.object(Part, name, property(lambda part: spoiled(part, right.fget(part), wrong))):
        assert item in {each.item for each in differences(message, told=told)}


def spoiled(part: Part, value: Any, wrong: Any) -> Any:
    """The SOAP part stays right, else there would be nothing to compare."""
    return value if "text/xml" in part.headers.get("Content-Type", "").lower() else wrong(value)


def the_message_with(wanted: Any) -> Any:
    """The first in which there is such a part."""

    def has(piece: Any) -> bool:
        return bool(wanted(piece)) or any(map(has, piece.parts))

    return next(message for message in map(made, SEEDS) if message.soap_part is not None and has(message.root))


def test_an_octet_that_is_other_than_it_was_made_is_found() -> None:
    message = made(0)
    [octets] = [piece.data for piece in message.root.parts if piece.data in message.body and piece.text is not None]
    begin = message.body.index(octets)
    for place in range(begin, begin + len(octets), 9):
        body = bytearray(message.body)
        body[place] ^= 1
        assert "data" in {each.item for each in differences(message._replace(body=bytes(body)))}


@pytest.mark.parametrize("told", [True, False], ids=["three opinions", "two opinions"])
@pytest.mark.parametrize("seed", range(8))
def test_a_value_of_a_message_that_is_read_wrongly_is_found(seed: int, *, told: bool) -> None:
    message = made(seed)
    read = NAMES["_package"]
    lenient, _ = read(message.content_type, message.body, strict=False)
    for field in dataclasses.fields(lenient.request):

        def spoiled(*arguments: Any, name: str = field.name, **how: Any) -> Any:
            package, error = read(*arguments, **how)
            package.request = dataclasses.replace(package.request, **{name: "wrong"})
            return package, error

        with mock.patch.dict(NAMES, _package=spoiled):
            assert [(each.item, each.name) for each in differences(message, told=told)] == [("value", field.name)]


@pytest.mark.parametrize("told", [True, False], ids=["three opinions", "two opinions"])
@pytest.mark.parametrize(
    ("item", "spoil"),
    [
        ("number of elements", lambda node: node.append(Node("x"))),
        ("name", lambda node: setattr(node, "tag", "x")),
        ("attributes", lambda node: node.set("x", "1")),
        ("text of an element", lambda node: setattr(node, "text", "x")),
        ("text of an element", lambda node: setattr(node[0], "tail", "x")),
    ],
    ids=["one more", "name", "attribute", "text", "tail"],
)
def test_an_element_that_is_read_wrongly_is_found(item: str, spoil: Any, *, told: bool) -> None:
    message = made(0)
    parse = NAMES["parse_xml"]

    def spoiled(*arguments: Any) -> Node:
        root = parse(*arguments)
        spoil(root[0])
        return root

    with mock.patch.dict(NAMES, parse_xml=spoiled):
        assert item in {each.item for each in differences(message, told=told)}


def test_a_message_that_is_refused_is_found() -> None:
    message = made(0)
    [found] = differences(message._replace(body=message.body[:-30]))[:1]
    assert (found.item, found.theirs) in [("verdict", "accepted"), ("deviations", frozenset())]


def test_a_strict_reading_that_is_another_is_found() -> None:
    message = made(0)
    read = NAMES["_package"]

    def refusing(content_type: str, body: bytes, *, strict: bool) -> Any:
        return (None, ValueError("no")) if strict else read(content_type, body, strict=strict)

    with mock.patch.dict(NAMES, _package=refusing):
        assert [each.item for each in differences(message)] == ["strict verdict"]
    other = made(8)

    def mixing_up(content_type: str, body: bytes, *, strict: bool) -> Any:
        return read(other.content_type, other.body, strict=True) if strict else read(content_type, body, strict=False)

    with mock.patch.dict(NAMES, _package=mixing_up):
        assert [each.item for each in differences(message)] == ["strict reading"]


# -- the command


def test_the_command_tells_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "figures.json"
    assert COMPARE["main"](["--messages", "20", "--seed", "5", "--json", str(file)]) == 0
    figures = json.loads(file.read_text())
    assert (figures["seed"], figures["messages"], figures["disagreed"]) == (5, 20, False)
    assert figures["values"] > 1000
    shown = capsys.readouterr().out
    assert "20 of 20 messages" in shown
    assert shown.endswith(file.read_text())


def test_the_command_stops_at_a_disagreement_and_shows_it(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    right = Part.data
    wrong = property(lambda part: spoiled(part, right.fget(part), lambda value: b"wrong"))  # type: ignore[attr-defined]
    with mock.patch.object(Part, "data", wrong):
        assert COMPARE["main"](["--messages", "20", "--seed", "5"]) == 1
    shown = capsysbinary.readouterr().out
    assert b"seed 5: " in shown
    assert make(5).body in shown
    assert b": data\n  mm7_wsgi  b'wrong'\n" in shown
    assert b'"disagreed": true' in shown
