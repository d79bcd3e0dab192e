"""The command line, in this process and as one of its own."""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import mm7_wsgi
from mm7_wsgi.protocol.deviations import CATALOGUE
from mm7_wsgi.tools.cli import cli

ROOT = Path(mm7_wsgi.__file__).resolve().parents[1]


# -- in this process


def test_one_file_is_reported(run: Any, kit: SimpleNamespace) -> None:
    result = run(kit.submit())
    assert result.exit_code == 0
    assert result.output.startswith("a\nACCEPTED\n  SubmitReq, transaction tid-1: answered with HTTP 200, ")
    assert "files:" not in result.output


def test_several_files_are_reported_one_after_the_other(run: Any, kit: SimpleNamespace) -> None:
    result = run(kit.submit(), b"hello", width=60)
    first, rule, second = result.output.partition("─" * 60 + "\n")
    assert (result.exit_code, first.startswith("a\nACCEPTED\n"), rule != "") == (1, True, True)
    assert second.startswith("b\nREFUSED\n")
    assert second.endswith("\n2 files: 1 accepted, 1 refused; 0 irregular\n")


def test_quiet_is_a_line_for_each_file(run: Any, kit: SimpleNamespace) -> None:
    result = run("--quiet", kit.soap("CancelReq"), kit.response())
    assert (result.exit_code, result.output) == (
        0,
        "a: accepted; CancelReq\nb: readable; SubmitRsp; 1000 Success\n2 files: 1 accepted, 1 readable; 0 irregular\n",
    )


def test_verbose_shows_the_answer(run: Any, kit: SimpleNamespace) -> None:
    assert "\nThe answer, HTTP 200\n" in run("-v", kit.submit()).output


def test_standard_input(run: Any, kit: SimpleNamespace) -> None:
    assert run("-q", "-", stdin=kit.soap("CancelReq")).output == "standard input: accepted; CancelReq\n"


def test_the_options_reach_the_inspection(run: Any, kit: SimpleNamespace) -> None:
    message = kit.http("text/html", kit.soap("CancelReq", version="1.0"))
    assert run("-q", message).output.startswith("a: refused; 4004 ")
    assert run("-q", "--content-type", "text/xml", message).output.startswith("a: accepted; ")
    strict = run("-q", "--strict", "--content-type", "text/xml", message)
    assert strict.output.startswith("a: refused; CancelReq; 4002 ")
    tolerant = run("-q", "--strict", "--tolerate", "version-unlisted", "--content-type", "text/xml", message)
    assert tolerant.output.startswith("a: accepted; CancelReq; ")
    limited = run("-q", "--content-type", "text/xml", "--limit", "elements=3", "--limit", "depth=9", message)
    assert limited.output.startswith("a: refused; 4004 Validation error: the SOAP part has more than 3 elements")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Missing argument 'FILE...'"),
        (("missing",), "'missing' does not exist"),
        (("/",), "is a directory"),
        (("--limit", "width=3", b""), "'width=3' is no NAME=NUMBER with a name of body, envelope, elements"),
        (("--limit", "body", b""), "'body' is no NAME=NUMBER"),
        (("--limit", "body=-1", b""), "'body=-1' is no NAME=NUMBER"),
        (("--limit", "body=0", b""), "Limits.body has to be a positive whole number, not 0"),
        (("--json", "--quiet", b""), "--json, --quiet and --verbose exclude each other."),
    ],
)
def test_a_usage_error_exits_with_2(run: Any, arguments: tuple[Any, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_a_file_that_breaks_off_exits_with_2(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("mm7_wsgi.tools.cli.read_recording", broken)
    result = run(b"")
    assert (result.exit_code, "Invalid value for FILE: a: Input/output error" in result.output) == (2, True)


def test_a_group_for_the_commands_to_come(run: Any) -> None:
    assert set(cli.commands) == {"accounts", "inspect", "passwd", "spool"}
    assert "Say what is wrong with recorded messages." in run("--help").output


# -- for programs


def test_json_is_an_object_in_a_line_for_each_file(run: Any, kit: SimpleNamespace) -> None:
    result = run("--json", kit.submit(version="1.0"), kit.http("text/xml", b"<a>"), kit.response())
    accepted, refused, response = kit.lines(result)
    assert result.exit_code == 1
    assert list(accepted) == list(refused) == list(response) == [
        "file", "kind", "strict", "accepted", "refusal", "place", "http_status", "content_type", "size", "operation",
        "transaction_id", "mm7_version", "namespace", "fields", "parts", "deviations", "notes", "answer",
    ]  # fmt: skip
    assert (accepted["file"], accepted["kind"], accepted["accepted"]) == ("a", "request", True)
    assert accepted["deviations"] == [
        {
            "name": "version-unlisted",
            "where": "SubmitReq/MM7Version: 1.0",
            "summary": CATALOGUE["version-unlisted"].summary,
            "clause": CATALOGUE["version-unlisted"].clause,
        }
    ]
    assert list(accepted["parts"][1]) == [
        "content_type", "charset", "content_id", "content_location", "filename", "transfer_encoding", "size",
        "decoded_size", "error", "role", "beginning", "parts",
    ]  # fmt: skip
    assert list(accepted["answer"]) == [
        "http_status", "operation", "status_code", "status_text", "faultcode", "faultstring", "body",
    ]  # fmt: skip
    assert refused["place"] == {"line": 1, "column": 3, "text": "<a>", "offset": 3}
    assert (refused["fields"], refused["answer"]["status_code"]) == (None, 4004)
    assert (response["kind"], response["answer"]) == ("response", None)
    assert response["fields"]["status"] == {"status_code": 1000, "status_text": "Success", "details": None}


def test_fields_in_json(run: Any, kit: SimpleNamespace) -> None:
    more = (
        "<{p}MessageClass>Personal</{p}MessageClass><{p}TimeStamp>2030-01-02T03:04:05Z</{p}TimeStamp>"
        "<{p}ExpiryDate>P1DT2H</{p}ExpiryDate><{p}DeliveryReport>true</{p}DeliveryReport>"
        '<{p}Subject>\x9b\u202e</{p}Subject><x:Rate xmlns:x="urn:x" a="b">1<x:Sub/></x:Rate>'
    )
    result = run("--json", kit.http("text/xml", kit.soap(more=more)))
    (found,) = kit.lines(result)
    assert result.stdout.isascii()
    fields = found["fields"]
    assert fields["recipients"]["to"] == [
        {"value": "+12025550101", "kind": "Number", "display_only": False, "address_coding": None, "id": None}
    ]
    assert (fields["message_class"], fields["time_stamp"], fields["expiry_date"], fields["delivery_report"]) == (
        "Personal",
        "2030-01-02T03:04:05+00:00",
        "P1DT2H",
        True,
    )
    assert (fields["subject"], fields["charged_party"]) == ("\x9b\u202e", None)
    assert fields["extensions"] == [
        {
            "name": "Rate",
            "namespace": "urn:x",
            "attributes": {"a": "b"},
            "text": "1",
            "children": [{"name": "Sub", "namespace": "urn:x", "attributes": {}, "text": "", "children": []}],
        }
    ]


# -- as a process of its own


def process(*arguments: str, stdin: bytes = b"", code: str | None = None, **environ: str) -> Any:
    """Runs ``python -m mm7_wsgi``, or ``code`` in its place."""
    how = ["-m", "mm7_wsgi"] if code is None else ["-c", code]
    return subprocess.run(
        [sys.executable, *how, *arguments],
        input=stdin,
        capture_output=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", **environ},
    )


def test_the_module_is_run(kit: SimpleNamespace) -> None:
    done = process("inspect", "-", stdin=kit.submit(), PYTHONIOENCODING="utf-8")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines()[:2] == ["standard input", "ACCEPTED"]
    assert process("inspect", "-q", "-", stdin=b"hello").returncode == 1
    usage = process("inspect")
    assert usage.returncode == 2
    assert usage.stderr.startswith(b"Usage: python -m mm7_wsgi inspect [OPTIONS] FILE...")
    assert process("--version").stdout == f"mm7_wsgi, version {mm7_wsgi.__version__}\n".encode()


def test_deviations_are_in_the_report_alone(kit: SimpleNamespace) -> None:
    done = process("inspect", "--json", "-", stdin=kit.http("text/xml", kit.soap(version="1.0")))
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["deviations"]


def test_a_terminal_that_knows_few_characters(kit: SimpleNamespace) -> None:
    message = kit.submit(more="<{p}Subject>Grüße 界</{p}Subject>")
    done = process("inspect", "-", stdin=message, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Gr\\xfc\\xdfe \\u754c" in done.stdout
    assert b"`-- content: text/plain, id content, 5 octets" in done.stdout


def test_the_package_itself_needs_neither_click_nor_rich() -> None:
    code = "import sys, mm7_wsgi, mm7_wsgi.middleware; sys.exit(any(name in sys.modules for name in ('click', 'rich')))"
    assert process(code=code).returncode == 0


WITHOUT = "import runpy, sys; sys.modules[{!r}] = None; runpy.run_module('mm7_wsgi', run_name='__main__')"


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_one_line_says_what_to_install(missing: str) -> None:
    done = process("inspect", code=WITHOUT.format(missing))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.splitlines() == [b"the command line needs more packages: pip install 'mm7_wsgi[tools]'"]


# -- the same here, where it is measured


def start(monkeypatch: pytest.MonkeyPatch, *arguments: str, without: str | None = None) -> Any:
    """Runs the module in this process; returns the exit status."""
    monkeypatch.setattr(sys, "argv", ["mm7_wsgi", *arguments])
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    if without is not None:
        for name in [name for name in sys.modules if name.startswith(("mm7_wsgi.tools", f"{without}."))]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, without, None)
    # The package has a plugin for pytest, whose own loader then imports all of it, and cannot run a module.
    finders = [finder for finder in sys.meta_path if not hasattr(finder, "mark_rewrite")]
    monkeypatch.setattr(sys, "meta_path", finders)
    with pytest.raises(SystemExit) as done:
        runpy.run_module("mm7_wsgi", run_name="__main__")
    return done.value.code


def test_the_module_runs_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kit: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(kit.submit())
    assert start(monkeypatch, "inspect", "-q", str(tmp_path / "a")) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'a'}: accepted; SubmitReq\n"


def test_the_module_can_be_imported_without_running() -> None:
    assert callable(importlib.import_module("mm7_wsgi.__main__").main)
    del sys.modules["mm7_wsgi.__main__"]  # or runpy would warn of it


def test_the_module_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert start(monkeypatch, without="rich") == 2
    assert capsys.readouterr().err == "the command line needs more packages: pip install 'mm7_wsgi[tools]'\n"


def test_another_package_that_is_missing_is_no_matter_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModuleNotFoundError, match="werkzeug"):
        start(monkeypatch, without="werkzeug.test")
