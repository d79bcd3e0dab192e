"""The benchmarks: whether what they compare is the same work, and whether they run. Never what the clock says."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
from datetime import datetime
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import pytest

from mm7_wsgi import CancelReq, Duration, MM7Request, SubmitReq

ROOT = Path(__file__).resolve().parents[1]
LETTERS = ("a", "b", "c", "d", "e", "q", "f1", "f10", "x")
OURS = ("lazy", "eager", "open")
NAIVE = ("naive lazy", "naive eager")


# -- the same work


def ours_of(requests: ModuleType, message: Any) -> tuple[Any, list[Any], bytes]:
    """What a host of the endpoint gets: the operation, its decoded leaves, and the answer."""
    got: list[Any] = []

    def handler(request: MM7Request) -> None:
        assert request.deviations == ()
        got.append(request.message)
        got.append([(part.content_type, part.content_id, part.data) for part in request.leaves()])

    answer = requests.sender(requests.ours(handler), message)()
    return got[0], got[1], answer


def naive_of(requests: ModuleType, message: Any) -> tuple[Any, list[Any], bytes]:
    """What a handler of the naive way gets."""
    naive = requests.naive
    got: list[Any] = []

    def handler(found: Any) -> None:
        got.append(found)
        got.append(
            [
                (leaf.get_content_type(), leaf["Content-ID"].strip("<>"), leaf.get_payload(decode=True))
                for leaf in naive._leaves(found)
            ]
        )

    answer = requests.sender(naive.application(requests.ACCOUNTS, handler), message)()
    return got[0], got[1], answer


def common(message: SubmitReq | CancelReq) -> dict[str, Any]:
    """The fields of one of our operations, under the names and in the forms that the naive way has."""
    fields = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
    sender = fields.pop("sender_identification")
    recipients = fields.pop("recipients")
    fields |= {"vasp_id": sender.vasp_id, "vas_id": sender.vas_id, "sender_address": sender.sender_address}
    fields |= {"to": recipients.to, "cc": recipients.cc, "bcc": recipients.bcc}
    assert fields.pop("extensions") == ()
    if isinstance(message, SubmitReq):
        content = fields.pop("content")
        fields |= {"href": content.href, "allow_adaptations": content.allow_adaptations}
    return {name: simple(value) for name, value in fields.items()}


def simple(value: Any) -> Any:
    """A value as the naive way has it: text where we have an enumeration or a duration, lists where we have tuples."""
    if isinstance(value, Enum | Duration):
        return str(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # an Address
        return [simple(each) for each in value]
    return [simple(each) for each in value] if isinstance(value, tuple) else value


def plain(value: Any) -> Any:
    """A value of the naive way, its addresses without their class."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        return [getattr(value, field.name) for field in dataclasses.fields(value)]
    return value


def elements(answer: bytes) -> list[tuple[str, str, dict[str, str]]]:
    """An answer, element by element; the MessageID is another in each."""
    return [
        (element.tag, "" if element.tag.endswith("}MessageID") else element.text or "", element.attrib)
        for element in ElementTree.fromstring(answer).iter()
    ]


def test_the_messages_are_those_that_are_tested(load_benchmark: Any) -> None:
    messages = load_benchmark("messages")
    assert tuple(messages.MESSAGES) == tuple(messages.SMALLER) == LETTERS


@pytest.mark.parametrize("letter", LETTERS)
def test_both_ways_get_the_same_out_of_a_message(load_benchmark: Any, letter: str) -> None:
    requests = load_benchmark("requests")
    message = load_benchmark("messages").SMALLER[letter]()
    ours, our_leaves, our_answer = ours_of(requests, message)
    naive, naive_leaves, naive_answer = naive_of(requests, message)
    expected = {field.name: plain(getattr(naive, field.name)) for field in dataclasses.fields(naive)}
    expected.pop("parts", None)
    assert common(ours) == expected
    # Not in one comparison: nobody could read what an assertion would print of megabytes.
    assert [leaf[:2] for leaf in our_leaves] == [leaf[:2] for leaf in naive_leaves]
    assert all(one == other for (*_, one), (*_, other) in zip(our_leaves, naive_leaves, strict=True))
    assert elements(our_answer) == elements(naive_answer)


@pytest.mark.parametrize(
    ("letter", "operation", "leaves", "recipients"),
    [("a", SubmitReq, 2, 2), ("d", SubmitReq, 3, 2), ("f10", SubmitReq, 2, 10_000), ("x", CancelReq, 0, 0)],
)
def test_a_message_is_what_its_title_says(
    load_benchmark: Any, letter: str, operation: type[Any], leaves: int, recipients: int
) -> None:
    ours, our_leaves, _ = ours_of(load_benchmark("requests"), load_benchmark("messages").SMALLER[letter]())
    assert type(ours) is operation
    assert len(our_leaves) == leaves
    assert len(ours.recipients.to + ours.recipients.cc) == recipients
    if operation is SubmitReq:
        assert isinstance(ours.time_stamp, datetime)
        assert str(ours.expiry_date) == "P90D"


@pytest.mark.parametrize("way", [*OURS, *NAIVE])
def test_every_way_answers_every_message(load_benchmark: Any, way: str) -> None:
    requests = load_benchmark("requests")
    assert set(requests.WAYS) == {*OURS, *NAIVE}
    application = requests.WAYS[way]()
    for letter in ("a", "b", "c", "q", "x"):
        message = load_benchmark("messages").MESSAGES[letter]()
        assert b"1000" in requests.sender(application, message)()


@pytest.mark.parametrize("way", [*OURS, *NAIVE])
def test_a_refusal_is_no_figure(load_benchmark: Any, way: str) -> None:
    requests = load_benchmark("requests")
    message = load_benchmark("messages").MESSAGES["x"]()
    environ = requests.environ_of(message.content_type, len(message.body)) | {"HTTP_AUTHORIZATION": "Basic eDp5"}
    with pytest.raises(RuntimeError, match="401"):
        requests.call(requests.WAYS[way](), environ, io.BytesIO(message.body))


# -- the tables


def test_the_columns_of_a_table_are_aligned(load_benchmark: Any) -> None:
    assert load_benchmark("tables").markdown(["", "much"], [["one", "1.00"], ["another", "12,345.00"]]) == (
        "|         |      much |\n| ------- | --------: |\n| one     |      1.00 |\n| another | 12,345.00 |\n"
    )
    with pytest.raises(ValueError, match="argument"):
        load_benchmark("tables").markdown(["", "much"], [["one"]])


def test_of_several_runs_the_table_has_the_median_and_the_outermost(load_benchmark: Any) -> None:
    tables = load_benchmark("tables")
    assert tables.spread([2.0]) == "2.00"
    assert tables.spread([3.0, 1.0, 2.0]) == "2.00 (1.00-3.00)"
    assert tables.verdict(2.0, least=2) == tables.verdict(1.9, most=2) == "2 reached"
    assert tables.verdict(1.9, least=2) == tables.verdict(2.1, most=2) == "2 MISSED"
    assert tables.verdict(2.0) == ""


# -- the command


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as the documentation says."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.endpoint", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_quick_run_prints_all_messages_and_writes_their_figures(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    done = run("--quick", "--json", str(path))
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line[:1] == "|"]
    timed = {row[0]: row for row in rows if len(row) == 10}
    assert tuple(letter for letter in timed if letter and letter.isalnum()) == LETTERS
    assert all(float(timed[letter][2].replace(",", "")) > 0 for letter in LETTERS)
    assert "a request for another path" in done.stdout

    written = json.loads(path.read_text(encoding="utf-8"))
    assert {"python", "platform", "processors", "packages"} <= set(written["what"])
    assert set(written["what"]["packages"]) == {"mm7_wsgi", "multipart", "defusedxml", "werkzeug"}
    (only,) = written["figures"]["runs"]
    assert tuple(only["messages"]) == LETTERS
    for message in only["messages"].values():
        assert set(message["seconds"]) == {"lazy", "eager", "naive lazy", "naive eager", "copy"}
        assert min(message["seconds"].values()) > 0
    assert set(only["foreign"]) == {"alone", "wrapped"}
    if not sys.platform.startswith("linux"):
        assert written["figures"]["memory"] is None
        return
    measured = {(peak["letter"], peak["way"]) for peak in written["figures"]["memory"]}
    assert measured == {("d", "lazy"), ("d", "naive lazy"), ("f10", "lazy")}
    for child in (child for peak in written["figures"]["memory"] for child in peak["children"]):
        assert child["highest"] >= child["idle"] > 0
    assert "MB above idle" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "a,zz"], "there is no message 'zz'"),
        (["--runs", "0"], "--runs has to be 1 at least"),
        (["--fast"], "--fast needs pybase64"),
    ],
)
def test_what_cannot_be_measured_is_said_so(
    load_benchmark: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: Any, said: str
) -> None:
    monkeypatch.setitem(sys.modules, "pybase64", None)
    with pytest.raises(SystemExit, match="2"):
        load_benchmark("endpoint").main(arguments)
    assert said in capsys.readouterr().err
