"""Where things live: what import-linter's contract in setup.cfg cannot say.

The modules are read, not imported, so that what these tests find does not depend on what happens to be installed.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator
from pathlib import Path

import pytest

import mm7_wsgi

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(mm7_wsgi.__file__).parent

# The request's secrets stand in environ: the fewer modules look into it, the fewer can let them out.
MAY_READ_ENVIRON = {"middleware", "endpoint", "body", "credentials", "redaction"}

# The protocol is bytes and objects: the same in a server, in a sender and in a test.
NOT_IN_PROTOCOL = {
    "_typeshed.wsgi",
    "asyncio",
    "gunicorn",
    "http.client",
    "http.server",
    "select",
    "selectors",
    "socket",
    "socketserver",
    "ssl",
    "time",
    "urllib.request",
    "werkzeug",
    "wsgiref",
}
# Its Headers are a list of pairs with the look of a mapping, as much a client's as a server's.
BUT_IN_PROTOCOL = "werkzeug.datastructures"
CLOCK_METHODS = {"now", "today", "utcnow"}

FRAMEWORKS = {"flask", "gunicorn", "paste", "prometheus_client", "pyramid", "webob"}


def modules() -> list[str]:
    """The package's modules, as dotted names below it; a package's own module is called after the package."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def path_of(module: str) -> Path:
    """The file that holds a module."""
    below = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    return below / "__init__.py" if below.is_dir() else below.with_suffix(".py")


def tree_of(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


def imported(module: str, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module imports, absolute, with its line; ``from a import b`` gives ``a.b``."""
    names = ["mm7_wsgi", *module.split(".")] if module else ["mm7_wsgi"]
    package = names if path_of(module).name == "__init__.py" else names[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            if node.module:
                base = [*base, node.module]
            for alias in node.names:
                yield ".".join([*base, alias.name]), node.lineno


def within(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages or stands in one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def reads_of_environ(tree: ast.AST) -> Iterator[int]:
    """The lines that look into something called environ: ``environ[...]``, ``environ.get(...)``, ``... in environ``."""

    def is_environ(node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id == "environ"
        return isinstance(node, ast.Attribute) and node.attr == "environ"

    for node in ast.walk(tree):
        if (isinstance(node, (ast.Subscript, ast.Attribute)) and is_environ(node.value)) or (
            isinstance(node, ast.Compare) and any(is_environ(operand) for operand in node.comparators)
        ):
            yield node.lineno


def calls_of_clocks(tree: ast.AST) -> Iterator[int]:
    """The lines that ask what time it is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCK_METHODS:
            yield node.lineno


PROTOCOL = [module for module in modules() if within(module, "protocol")]
HOSTS = [module for module in modules() if within(module, "hosts")]
ELSEWHERE = [module for module in modules() if not within(module, "hosts")]
# What all hosts need, and no framework.
SETTINGS = "mm7_wsgi.hosts.settings"


@pytest.mark.parametrize("module", sorted(set(ELSEWHERE) - MAY_READ_ENVIRON))
def test_environ_is_read_in_few_modules_only(module: str) -> None:
    assert list(reads_of_environ(tree_of(module))) == []


@pytest.mark.parametrize("module", PROTOCOL)
def test_the_protocol_knows_no_wsgi_no_socket_and_no_clock(module: str) -> None:
    tree = tree_of(module)
    names = [found for found in imported(module, tree) if not within(found[0], BUT_IN_PROTOCOL)]
    assert [found for found in names if within(found[0], *NOT_IN_PROTOCOL)] == []
    assert list(calls_of_clocks(tree)) == []


@pytest.mark.parametrize("module", ELSEWHERE)
def test_no_module_imports_a_host_or_its_framework(module: str) -> None:
    hosts = [found for found in imported(module, tree_of(module)) if within(found[0], "mm7_wsgi.hosts", *FRAMEWORKS)]
    assert hosts == []


@pytest.mark.parametrize("module", HOSTS)
def test_no_host_imports_another(module: str) -> None:
    hosts = [found for found in imported(module, tree_of(module)) if within(found[0], "mm7_wsgi.hosts")]
    assert [found for found in hosts if not within(found[0], SETTINGS)] == []


def test_the_layers_contract_names_every_module() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    layers = settings["importlinter:contract:layers"]["layers"].split()
    packages = {module for module in modules() if path_of(module).name == "__init__.py"}
    assert sorted(layers) == sorted(f"mm7_wsgi.{module}" for module in set(modules()) - packages)


@pytest.mark.parametrize(
    "line",
    [
        "environ['PATH_INFO']",
        "environ.get('PATH_INFO')",
        "self.environ.pop('x')",
        "'x' in environ",
        "for x in environ.items(): pass",
    ],
)
def test_the_guard_sees_a_read_of_environ(line: str) -> None:
    assert list(reads_of_environ(ast.parse(line))) == [1]


@pytest.mark.parametrize("line", ["credentials.environ", "f(environ)", "environ = {}", "environment['x']"])
def test_the_guard_lets_environ_be_passed_on(line: str) -> None:
    assert list(reads_of_environ(ast.parse(line))) == []


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("import time", ["time"]),
        ("from werkzeug.wsgi import get_input_stream", ["werkzeug.wsgi.get_input_stream"]),
        ("from . import soap", ["mm7_wsgi.protocol.soap"]),
        ("from ..hosts import flask", ["mm7_wsgi.hosts.flask"]),
        ("from ..hosts.flask import mount", ["mm7_wsgi.hosts.flask.mount"]),
    ],
)
def test_the_guard_sees_an_import(line: str, names: list[str]) -> None:
    assert [name for name, _ in imported("protocol.status", ast.parse(line))] == names
