"""The commands that measure hostile requests and real servers: whether they run. Never what the clock says."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mm7_wsgi import MM7Request

ROOT = Path(__file__).resolve().parents[1]

needs_gunicorn = pytest.mark.skipif(os.name != "posix", reason="gunicorn needs Unix")


def run(command: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command as the documentation says."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", f"benchmarks.{command}", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def rows_of(printed: str) -> list[list[str]]:
    """The cells of the one table, without its head."""
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]


# -- what can be added


def test_what_can_be_added_is_compared_with_nothing(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    done = run("additions", "--quick", "--runs", "2", "--json", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    first, *others = rows_of(done.stdout)
    assert (first[0], first[2]) == ("nothing", "1.00 (1.00-1.00)")
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    assert len(figures["runs"]) == 2
    assert [first[0], *[row[0] for row in others]] == list(figures["runs"][0])
    assert min(figures["runs"][1].values()) > 0


# -- the steps of one request


def test_the_steps_of_a_request_are_told_with_their_share(load_benchmark: Any, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    done = run("stages", "--only", "a,x", "--requests", "20", "--json", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    steps = [step.strip() for step in load_benchmark("stages").STEPS]
    assert [row[0].removeprefix("- of it ") for row in rows_of(done.stdout)] == [*steps, "all"]
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    assert figures.keys() == {"a", "x"}
    assert min(figures["a"].values()) > 0
    # A message without parts goes through all but the multipart.
    assert [step.strip() for step, seconds in figures["x"].items() if not seconds] == [
        "multipart",
        "by the package multipart",
        "looking for delimiters",
    ]


def test_the_steps_of_a_message_that_is_none_of_ours_cannot_be_told() -> None:
    done = run("stages", "--only", "a,z")
    assert done.returncode == 2
    assert "there is no message 'z'" in done.stderr


# -- hostile requests


def test_a_quick_run_sends_all_hostile_requests(load_benchmark: Any, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    done = run("linear", "--quick", "--json", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    attacks = load_benchmark("adversarial").ATTACKS
    sent = [(attack.name, framing.value) for attack in attacks for framing in attack.framings]
    assert [(row[0], row[1]) for row in rows_of(done.stdout)] == sent
    rows = json.loads(path.read_text(encoding="utf-8"))["figures"]["rows"]
    assert [(row["name"], row["framing"]) for row in rows] == sent
    for row in rows:
        assert min(*row["seconds"], *row["seconds_uncollected"]) > 0
        assert not row["failed"]


def test_every_hostile_request_is_another_and_comes_irregular_too(load_benchmark: Any) -> None:
    adversarial = load_benchmark("adversarial")
    names = [(attack.name, attack.limits == adversarial.DEFAULT) for attack in adversarial.ATTACKS]
    assert len(set(names)) == len(names)
    for attack in adversarial.ATTACKS:
        assert {"regular", "irregular"} <= {framing.value for framing in attack.framings}


def test_a_hostile_request_has_about_the_size_that_is_asked_for(load_benchmark: Any) -> None:
    for attack in load_benchmark("adversarial").ATTACKS:
        for framing in attack.framings:
            small, large = (len(attack.make(octets, framing).body) for octets in (100_000, 200_000))
            assert 0.3 < small / 100_000 < 2.1, attack.name  # up to two octets for one of UTF-16
            assert 1.9 < large / small < 2.1, attack.name


def test_an_internal_failure_is_named_and_ends_with_1(load_benchmark: Any, monkeypatch: Any, capsys: Any) -> None:
    linear, adversarial = load_benchmark("linear"), load_benchmark("adversarial")

    def broken(request: MM7Request) -> None:
        raise LookupError("a bug")

    attack = adversarial.Attack(name="a message to a broken host", make=adversarial.ATTACKS[0].make, handler=broken)
    monkeypatch.setattr(linear, "ATTACKS", (adversarial.ATTACKS[0], attack))
    assert linear.main(["--quick", "--size", "0.001"]) == 1
    printed = capsys.readouterr()
    assert "FAILED: a message to a broken host, regular, raised limits: 500 3000\n" in printed.err
    assert "LookupError: a bug" in printed.err
    assert adversarial.ATTACKS[0].name not in printed.err
    assert [row[-1] for row in rows_of(printed.out)][-2:] == ["FAILED", "FAILED"]


def test_an_exception_out_of_the_endpoint_is_named_and_ends_with_1(
    load_benchmark: Any, monkeypatch: Any, capsys: Any
) -> None:
    linear = load_benchmark("linear")

    def endpoint(*_: Any, **__: Any) -> Any:
        def application(environ: Any, start_response: Any) -> Any:
            raise RecursionError

        return application

    monkeypatch.setattr(linear, "MM7Endpoint", endpoint)
    assert linear.main(["--quick", "--size", "0.001", "--only", "payload of CRLF"]) == 1
    assert "FAILED: payload of CRLF, irregular, raised limits: RecursionError\n" in capsys.readouterr().err


def test_in_brief_each_request_is_told_in_its_dearest_framing(load_benchmark: Any, capsys: Any) -> None:
    linear = load_benchmark("linear")

    def row(name: str, framing: str, seconds: float, limits: str = "raised") -> Any:
        return linear.Row(
            name=name, framing=framing, limits=limits, answer="200 1000", failed=False,
            octets=(1_000_000, 2_000_000), parts=(1, 1),
            seconds=(seconds / 2, seconds), seconds_uncollected=(seconds / 2, seconds),
        )  # fmt: skip

    rows = [
        row("a", "regular", 1),
        row("a", "irregular", 3),
        row("a", "unclosed", 2),
        row("a", "regular", 1, "default"),
    ]
    assert linear.dearest([*rows, row("b", "regular", 1)]) == [rows[1], rows[3], row("b", "regular", 1)]
    frozen = gc.get_freeze_count()
    assert linear.main(["--quick", "--size", "0.001", "--only", "payload of CRLF", "--brief"]) == 0
    assert gc.get_freeze_count() == frozen
    assert [row[0] for row in rows_of(capsys.readouterr().out)] == [
        "payload of CRLF",
        "payload of CRLF and two hyphens",
    ]


def test_a_bar_that_is_missed_is_marked(load_benchmark: Any) -> None:
    linear = load_benchmark("linear")

    def missed(before: float, behind: float, parts: int = 2) -> list[str]:
        row = linear.Row(
            name="a", framing="regular", limits="raised", answer="200 1000", failed=False,
            octets=(1_000_000, 2_000_000), parts=(parts // 2, parts),
            seconds=(before, behind), seconds_uncollected=(before, behind),
        )  # fmt: skip
        assert linear.table([row]).splitlines()[2].split("|")[-2].strip() == " ".join(row.missed)
        return list(row.missed)

    assert missed(0.1, 0.2) == []
    assert missed(0.1, 0.24) == ["ratio"]
    assert missed(0.25, 0.5) == ["time"]
    assert missed(0.25, 0.5, parts=20_000) == []
    assert missed(0.1, 0.5) == ["ratio", "time"]


def test_words_that_no_request_has_are_said_so(load_benchmark: Any, capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        load_benchmark("linear").main(["--only", "no such request"])
    assert "there is no request with 'no such request' in its name" in capsys.readouterr().err


# -- servers


@needs_gunicorn
def test_a_quick_run_asks_all_servers_and_leaves_none_behind(tmp_path: Path) -> None:
    pytest.importorskip("gunicorn")
    path = tmp_path / "figures.json"
    mark = uuid4().hex
    done = run("servers", "--quick", "--json", str(path), MM7_TEST_RUN=mark)
    assert done.returncode == 0, done.stderr
    assert processes_with(mark) == []
    rows = rows_of(done.stdout)
    servers = ["the endpoint", "the naive way", "reading the body"]
    assert [(row[0], row[2]) for row in rows] == [(letter, server) for letter in "ac" for server in servers]
    assert all(float(row[3].replace(",", "")) > 0 for row in rows)
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    (measured,) = figures["seconds"]
    for letter in "ac":
        assert set(measured[letter]) == {"ours", "naive", "reading"}
        assert min(measured[letter].values()) > 0
        assert len(figures["shares"][letter]) == 1


def processes_with(mark: str) -> list[int]:
    """The processes that have ``mark`` in their environment, where the system shows it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is somebody else's
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


@needs_gunicorn
def test_a_server_that_does_not_start_says_why(load_benchmark: Any) -> None:
    pytest.importorskip("gunicorn")
    with pytest.raises(RuntimeError, match=r"(?s)gunicorn does not serve 'nothing'.*KeyError"):
        load_benchmark("servers").serving("nothing").__enter__()


@needs_gunicorn
def test_a_server_that_was_used_is_gone(load_benchmark: Any) -> None:
    pytest.importorskip("gunicorn")
    servers = load_benchmark("servers")
    request = servers.request_of(load_benchmark("messages").MESSAGES["x"]())
    with servers.serving("ours") as port:
        servers.send(port, request)
    with pytest.raises(ConnectionRefusedError):
        servers.send(port, request)


@pytest.mark.parametrize("letter", ["a", "c"])
def test_all_servers_answer_alike(load_benchmark: Any, letter: str) -> None:
    servers, requests = load_benchmark("servers"), load_benchmark("requests")
    message = load_benchmark("messages").MESSAGES[letter]()
    answers = [requests.sender(servers.application(kind), message)() for kind in servers.SERVERS]
    ours, naive, reading = answers
    assert len(ours) == len(reading) > 0
    assert ours.partition(b"<MessageID>")[0] == reading.partition(b"<MessageID>")[0]
    assert abs(len(naive) - len(ours)) < 5


def test_the_share_is_without_what_reading_the_body_costs(load_benchmark: Any) -> None:
    assert load_benchmark("servers").share_of({"ours": 3.0, "naive": 9.0, "reading": 1.0}) == 0.25


# -- storing


def test_storing_is_compared_with_a_bare_insert(require: Any, load_benchmark: Any, tmp_path: Path) -> None:
    require("sqlalchemy")
    path = tmp_path / "figures.json"
    done = run("spool", "--quick", "--json", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    is_servable = load_benchmark("spool").is_servable()
    assert done.stdout.count("| bare ") == 4 + is_servable
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    assert set(figures["passes"]) == {"a", "b", "c", "d"}
    assert len(figures["served"]) == is_servable
    assert all(min(found.values()) > 0 for (found,) in figures["passes"].values())
    if load_benchmark("memory").measurable():
        assert set(figures["memory"]) == {"c", "d"}


def test_remembering_and_storing_are_compared_with_the_endpoint_alone(
    require: Any, load_benchmark: Any, tmp_path: Path
) -> None:
    require("sqlalchemy")
    path = tmp_path / "figures.json"
    done = run("cost", "--quick", "--json", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    cost = load_benchmark("cost")
    assert [row[0] for row in rows_of(done.stdout)] == ["5 KB, text and SMIL", "1.5 MB binary", "1.5 MB base64"]
    passes = json.loads(path.read_text(encoding="utf-8"))["figures"]["passes"]
    assert set(passes) == set(cost.BARS)
    for (found,) in passes.values():
        assert set(found) == {"bare", cost.LOG, cost.SPOOL}
        assert min(map(min, found.values())) >= 0


def test_what_is_dearer_than_its_bar_is_marked(require: Any, load_benchmark: Any) -> None:
    require("sqlalchemy")
    cost = load_benchmark("cost")
    found = {"bare": [1.0, 2.0, 4.0], cost.LOG: [2.0, 4.0, 12.0], cost.SPOOL: [3.0, 4.0, 8.0]}
    cells = cost.row("a message", [found], {cost.LOG: 1.9, cost.SPOOL: 2.0})
    assert cells == ["a message", "2000.00", "2.00", "1.9 MISSED", "2.57", "2.00", "2 reached", "2.14"]
