"""What the README shows of the command line is what it prints."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mm7_wsgi import MM7Endpoint
from mm7_wsgi.testing import MM7Client
from mm7_wsgi.tools.cli import cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_readme_shows_what_inspect_prints(readme: str) -> None:
    [(command, printed)] = re.findall(r"^```console\n\$ python (.*)\n((?:.*\n)*?)```$", readme, re.MULTILINE)
    found = subprocess.run(
        [sys.executable, *command.split()],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert found.stdout == printed
    assert found.returncode == 1


def test_a_spool_is_looked_after_as_the_readme_says(
    readme: str, require: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line by line, in a folder with a spool in which there is one dead letter."""
    require("sqlalchemy")
    [block] = re.findall(r"^```sh\nexport MM7_SPOOL=(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    url, *lines = block.splitlines()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MM7_SPOOL", url)
    with closing(importlib.import_module("mm7_wsgi.spool").Spool(url)) as spool:
        client = MM7Client(MM7Endpoint(spool, accounts={"acme": "s3cret"}), "acme", "s3cret")
        message_id = client.submit(transaction_id="t-1", parts=[("text/plain", "hello")]).message_id
        for delivery in spool.claim():
            delivery.fail("no such recipient")
    said: dict[str, str] = {}
    for line in lines:
        python, dash_m, package, group, command, *rest = shlex.split(line.replace("MESSAGE_ID", str(message_id)), True)
        assert (python, dash_m, package, group) == ("python", "-m", "mm7_wsgi", "spool")
        # It would go on for ever, and use a broker that may be others'.
        result = CliRunner().invoke(cli, [group, command, *(["--help"] if command == "relay" else rest)])
        assert (result.exit_code, result.stderr) == (0, ""), line
        said[command] = result.stdout
    assert list(said) == ["list", "show", "export", "retry", "purge", "relay"]
    assert "no such recipient" in said["list"]
    assert "hello" in said["show"]
    (exported,) = tmp_path.glob("*.http")
    assert said["export"] == f"{exported.name}\n"
    assert said["retry"] == "1 message to be handed out again\n"
    assert said["purge"] == "0 messages removed\n"
    assert all(re.search(rf"\b{name}\b", said["relay"]) for name in ("BROKER", "MM7_BROKER"))
