"""The plugin, in a pytest of its own; and the README's tests, which need it."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from mm7_wsgi.testing import MM7Client

README = Path(__file__).resolve().parents[2] / "README.md"

USES = """\
def test_it(mm7_client):
    assert mm7_client(lambda environ, start_response: start_response("200 OK", [("Content-Type", "a/b")]) and [b"x"],
                      validate=False).cancel().body == b"x"
"""
NEVER_ASKS = """\
import sys

def test_it():
    assert "_mm7_wsgi_pytest" in sys.modules
    assert not [name for name in sys.modules if name.partition(".")[0] in ("mm7_wsgi", "werkzeug", "multipart")]
"""


def run(folder: Path, test: str, *options: str) -> str:
    """What pytest says of a file with that in it, in a process of its own."""
    folder.joinpath("test_it.py").write_text(test, encoding="utf-8")
    # Without plugins of others, which may import what they like; the configuration of this checkout is not theirs.
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-W",
        "error",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        *options,
    ]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), "test_it.py"],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def test_the_fixture_is_the_client(mm7_client: type[MM7Client]) -> None:
    assert mm7_client is MM7Client


def test_the_plugin_is_found_by_its_entry_point(tmp_path: Path) -> None:
    found = [(point.name, point.value) for point in distribution("mm7_wsgi").entry_points if point.group == "pytest11"]
    assert found == [("mm7_wsgi", "_mm7_wsgi_pytest")], "install the package again"
    assert "1 passed" in run(tmp_path, USES)


def test_the_plugin_is_left_out_by_its_name(tmp_path: Path) -> None:
    said = run(tmp_path, USES, "-p", "no:mm7_wsgi")
    assert "fixture 'mm7_client' not found" in said
    assert "1 error" in said


def test_who_does_not_ask_for_the_fixture_does_not_pay_for_it(tmp_path: Path) -> None:
    assert "1 passed" in run(tmp_path, NEVER_ASKS)


@pytest.mark.skipif(not README.is_file(), reason="there is no README beside these tests")
def test_the_tests_of_the_readme_pass(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    [last] = [number for number, block in enumerate(blocks) if "mm7_client" in block]
    said = run(tmp_path, "\n\n".join(blocks[: last + 1]))
    assert re.search(r"^6[0-9] passed in ", said, re.MULTILINE), said
