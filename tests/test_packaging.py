"""What is shipped and what is promised: the metadata, the public names, the README."""

from __future__ import annotations

import ast
import configparser
import contextlib
import inspect
import re
import sys
import types
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

import mm7_wsgi
from mm7_wsgi.testing import MM7Client

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PACKAGE = Path(mm7_wsgi.__file__).parent

DEPENDENCIES = {"defusedxml": ">=0.7.1", "multipart": ">=2.0,<3", "werkzeug": ">=3.0"}


def setup_cfg() -> configparser.ConfigParser:
    """The checkout's setup.cfg."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    return settings


def runtime_requirements(lines: list[str]) -> dict[str, str]:
    """Name and specifier of each requirement that no extra asks for, in the spelling that `packaging` gives them."""
    requirements = [Requirement(line) for line in lines]
    return {
        requirement.name: str(requirement.specifier)
        for requirement in requirements
        if "extra" not in str(requirement.marker or "")
    }


def python_blocks() -> list[tuple[int, str]]:
    """The README's python blocks, each with the number of its first line."""
    text = README.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, match.start(1)) + 1, match[1])
        for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


# --- the version -----------------------------------------------------------------------------------------------------


def test_version_is_a_literal() -> None:
    # setuptools reads a literal without importing the package, so without its dependencies.
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == "__version__"
    ]
    assert [ast.literal_eval(value) for value in values] == [mm7_wsgi.__version__]
    assert setup_cfg()["metadata"]["version"] == "attr: mm7_wsgi.__version__"


def test_version_is_the_top_entry_of_the_changelog() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.findall(r"^## (\S+) - (\S+)$", changelog, re.MULTILINE)
    version, date = entries[0]
    assert version == mm7_wsgi.__version__
    assert date == "unreleased" or re.fullmatch(r"\d{4}-\d\d-\d\d", date)


def test_version_is_the_installed_one() -> None:
    assert distribution("mm7_wsgi").version == mm7_wsgi.__version__, "install the package again"


# --- what is installed with it ---------------------------------------------------------------------------------------


def test_exactly_three_packages_are_required() -> None:
    expected = runtime_requirements([name + specifier for name, specifier in DEPENDENCIES.items()])
    assert runtime_requirements(setup_cfg()["options"]["install_requires"].strip().splitlines()) == expected
    assert runtime_requirements(distribution("mm7_wsgi").requires or []) == expected


def test_classifiers_name_no_license() -> None:
    # The build fails where a classifier stands beside license_expression.
    metadata = distribution("mm7_wsgi").metadata
    assert metadata["License-Expression"] == "MIT"
    assert not [line for line in metadata.get_all("Classifier", []) if line.startswith("License ::")]


def test_type_information_is_shipped() -> None:
    assert (PACKAGE / "py.typed").is_file()


# --- the public names ------------------------------------------------------------------------------------------------


def test_public_names_are_those_of_all() -> None:
    names = {
        name
        for name, value in vars(mm7_wsgi).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and type(value).__module__ != "__future__"
    }
    assert {name for name in mm7_wsgi.__all__ if not name.startswith("__")} == names
    assert len(set(mm7_wsgi.__all__)) == len(mm7_wsgi.__all__)


@pytest.mark.parametrize("name", [name for name in mm7_wsgi.__all__ if not name.startswith("__")])
def test_every_public_name_is_documented(name: str) -> None:
    value = getattr(mm7_wsgi, name)
    doc = inspect.cleandoc(vars(value).get("__doc__") or "")
    # A dataclass without a docstring is given its signature for one.
    assert doc
    assert not doc.startswith(f"{name}(")


# --- the README ------------------------------------------------------------------------------------------------------


def test_python_blocks_of_the_readme_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the top, as someone would who reads it so: a block may use what those before it defined."""
    reader = types.ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", reader)
    monkeypatch.chdir(tmp_path)
    blocks = python_blocks()
    assert blocks
    for line, code in blocks:
        # The empty lines make the traceback show the README's own line numbers.
        exec(compile("\n" * (line - 1) + code, str(README), "exec", dont_inherit=True), vars(reader))


def test_the_worker_of_the_readme_does_with_each_message_what_it_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, require: Any
) -> None:
    require("sqlalchemy")
    monkeypatch.chdir(tmp_path)
    reader: Any = types.ModuleType("readme")
    monkeypatch.setitem(sys.modules, "readme", reader)
    reader.application = lambda environ, start_response: []
    [block] = [code for _, code in python_blocks() if "def work()" in code]
    exec(block, vars(reader))
    spool, outcomes = reader.spool, [None, OSError("away"), ValueError("no such thing"), SystemExit()]
    client = MM7Client(reader.application, "acme", "s3cret")
    for number in range(4):
        assert client.submit(transaction_id=f"t-{number}").accepted

    def forward(request: mm7_wsgi.MM7Request) -> None:
        outcome = outcomes[int(request.transaction_id[2:])]
        if outcome is not None:
            raise outcome

    reader.forward = forward
    with contextlib.closing(spool):
        with pytest.raises(SystemExit):
            reader.work()
        left = [(message.transaction_id, message.state, message.reason) for message in spool.messages.find()]
    assert left == [
        ("t-1", "waiting", "away"),
        ("t-2", "dead", "no such thing"),
        ("t-3", "leased", None),  # whose worker was ended
    ]
