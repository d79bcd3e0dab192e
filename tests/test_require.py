"""What the tests need besides the package: left out without it, unless it is asked for by name."""

from __future__ import annotations

import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def _without_nginx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)


@pytest.mark.usefixtures("_without_nginx")
@pytest.mark.parametrize("required", ["", "gunicorn", ", gevent,gunicorn"])
def test_a_test_without_what_it_needs_is_skipped(require: Any, monkeypatch: pytest.MonkeyPatch, required: str) -> None:
    monkeypatch.setenv("MM7_REQUIRE", required)
    with pytest.raises(pytest.skip.Exception, match="without nginx: not installed"):
        require("nginx")


@pytest.mark.usefixtures("_without_nginx")
@pytest.mark.parametrize("required", ["nginx", "gunicorn,nginx", "gunicorn, nginx"])
def test_a_test_without_what_has_to_be_there_fails(
    require: Any, monkeypatch: pytest.MonkeyPatch, required: str
) -> None:
    monkeypatch.setenv("MM7_REQUIRE", required)
    with pytest.raises(pytest.fail.Exception, match="without nginx: not installed"):
        require("nginx")


@pytest.mark.parametrize("value", [None, ""])
def test_a_test_without_the_address_of_its_server_is_skipped(
    require: Any, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.setenv("MM7_REQUIRE", "nginx")
    monkeypatch.delenv("MM7_TEST_RABBITMQ", raising=False)
    if value is not None:
        monkeypatch.setenv("MM7_TEST_RABBITMQ", value)
    with pytest.raises(pytest.skip.Exception, match="without rabbitmq: MM7_TEST_RABBITMQ is not set"):
        require("rabbitmq")
    monkeypatch.setenv("MM7_REQUIRE", "nginx,rabbitmq")
    with pytest.raises(pytest.fail.Exception, match="without rabbitmq: MM7_TEST_RABBITMQ is not set"):
        require("rabbitmq")


def test_a_server_that_runs_is_found_by_its_address(require: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MM7_TEST_POSTGRESQL", "postgresql+psycopg://host/name")
    assert require("postgresql") == "postgresql+psycopg://host/name"


def test_what_is_there_is_found(require: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/somewhere/{name}")
    assert require("nginx") == "/somewhere/nginx"


def test_what_has_to_be_there_is_there(require: Any) -> None:
    """Whole files of tests are skipped where they cannot import what they need; then it fails here, by its name."""
    for name in runpy.run_path(str(Path(__file__).with_name("conftest.py")))["_required"]():
        assert require(name)


def test_nothing_can_be_asked_for_that_no_test_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    configure = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["pytest_configure"]
    monkeypatch.setenv("MM7_REQUIRE", "gunicorn,nginx,ngnix")
    with pytest.raises(pytest.UsageError, match="ngnix is none of them"):
        configure()


def test_the_check_requires_all_that_a_test_can_need() -> None:
    checks = Path(__file__).resolve().parents[1] / ".ci"
    needs = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["_NEEDS"]

    def words(script: str, name: str) -> list[str]:
        (found,) = re.findall(rf'^{name}="([^"]*)"$', (checks / script).read_text(), re.MULTILINE)
        return str(found).split()

    assert sorted([*words("run", "MODULES"), *words("run", "SERVICES")]) == sorted(needs)
    assert words("services", "SERVICES") == words("run", "SERVICES")


@pytest.mark.parametrize("name", ["MM7_TEST_POSTGRESQL", "MM7_TEST_RABBITMQ"])
def test_the_check_looks_for_servers_where_it_has_started_them(name: str) -> None:
    checks = Path(__file__).resolve().parents[1] / ".ci"
    run, services = [
        re.findall(rf'^: "(\${{{name}:=[^"]+)"$', (checks / file).read_text(), re.MULTILINE)
        for file in ("run", "services")
    ]
    assert len(run) == 1
    assert run == services
