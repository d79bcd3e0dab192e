"""The modules that are mutated, and what is written down about the mutants that survive.

``survivors/MODULE.toml`` has an entry for each of them::

    [[survivor]]
    function = "AccountTable.resolve"
    change = '''
    - if entry.account is None or not allowed:
    + if entry.account is None and not allowed:
    '''
    why = "The same: no entry that is looked up here has an account of None."

``function`` is the qualified name of the function; of what is not in one, the name that is assigned to (``_BLANKS``),
or the class, for its decorators and bases. ``change`` is the diff of the mutant, without its context; how far the lines
are indented does not matter. A list of such texts stands for as many mutants that survive for one reason. One text is
one mutant: where two survive that change equal lines in the same way, it has to be there twice.

``why`` says in a plain sentence why no test can or should tell the mutant from the original: because no input can, or
because what it changes is promised to be free. What is merely not worth a test gets no entry but a test.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

ROOT = Path(__file__).parents[2]
SURVIVORS = Path(__file__).with_name("survivors")


class Module(NamedTuple):
    """A module that is mutated, and the tests that have to notice; both from the root of the checkout."""

    source: str
    tests: str

    @property
    def name(self) -> str:
        """The name that it is imported by."""
        return self.source.removesuffix(".py").replace("/", ".")


MODULES = {
    "headers": Module("mm7_wsgi/protocol/headers.py", "tests/protocol/test_headers.py"),
    "reframe": Module("mm7_wsgi/protocol/reframe.py", "tests/protocol/test_reframe.py"),
    "soap": Module("mm7_wsgi/protocol/soap.py", "tests/protocol/test_soap.py"),
    "credentials": Module("mm7_wsgi/credentials.py", "tests/test_credentials.py"),
    "redaction": Module("mm7_wsgi/redaction.py", "tests/test_redaction.py"),
    "networks": Module("mm7_wsgi/networks.py", "tests/test_networks.py"),
    "accounts": Module("mm7_wsgi/accounts.py", "tests/test_accounts.py"),
    "account_table": Module("mm7_wsgi/account_table.py", "tests/test_account_table.py"),
    "resolvers": Module("mm7_wsgi/resolvers.py", "tests/test_resolvers.py"),
}


class Change(NamedTuple):
    """What a mutant changes: where, and the lines that go and come, each behind its sign, without indentation."""

    function: str
    lines: tuple[str, ...]


class Survivor(NamedTuple):
    """A mutant that may survive, and why."""

    change: Change
    why: str


def changed(diff: str) -> tuple[str, ...]:
    """The lines of a diff that go or come."""
    lines = [line.strip() for line in diff.splitlines() if not line.startswith(("---", "+++", "@@"))]
    return tuple(f"{line[0]} {line[1:].strip()}" for line in lines if line.startswith(("-", "+")))


def survivors(name: str) -> list[Survivor]:
    """The entries of a module, in their order. Raises ``ValueError`` for one that has not the form above."""
    path = SURVIVORS / f"{name}.toml"
    if not path.is_file():
        return []
    found = []
    entries = tomllib.loads(path.read_text(encoding="utf-8"))
    for number, entry in enumerate(entries.pop("survivor", []), 1):
        changes = entry.get("change")
        listed = changes if isinstance(changes, list) else [changes]
        texts = [entry.get("function"), entry.get("why"), *listed]
        if entry.keys() != {"function", "change", "why"} or not all(isinstance(t, str) and t.strip() for t in texts):
            raise ValueError(f"{path.name}, entry {number}: it has to have texts for function, change and why")
        for text in listed:
            lines = changed(text)
            if len(lines) != len(text.strip().splitlines()) or not any(line[0] == "-" for line in lines):
                raise ValueError(f"{path.name}, entry {number}: a change has to be lines that begin with - or +")
            found.append(Survivor(Change(entry["function"], lines), " ".join(entry["why"].split())))
    if entries:
        raise ValueError(f"{path.name}: there is more in it than [[survivor]]")
    return found


def places(source: str) -> dict[str, set[str]]:
    """The lines of each place that an entry can name, without indentation. A class has those of all that is in it."""
    found: dict[str, set[str]] = {}
    lines = source.splitlines()

    def note(name: str, node: ast.stmt) -> None:
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        found.setdefault(name, set()).update(line.strip() for line in lines[first - 1 : node.end_lineno])

    def walk(statements: list[ast.stmt], outer: str) -> None:
        for node in statements:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                note(outer + node.name, node)
                if isinstance(node, ast.ClassDef):
                    walk(node.body, f"{outer}{node.name}.")
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        note(outer + target.id, node)

    walk(ast.parse(source).body, "")
    return found
