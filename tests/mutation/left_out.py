"""The mutants that mutmut does not make: of what is not in a function, and of functions with a decorator.

mutmut gives every mutant of a function a function of its own beside it, which cannot be done with the rest of a module.
Here each mutant is the whole module, changed in one place. What is changed, and into what, is up to mutmut's operators
here too; but a regular expression loses one piece after the other, and its repetitions begin or end one later.
"""

from __future__ import annotations

import ast
import difflib
import importlib.abc
import importlib.util
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import hypothesis
import libcst as cst
import pytest
import werkzeug.security
from mutmut.mutation.mutators import mutation_operators, operator_string

#: What the tests import and takes long. It is here already when they run, since they run in forks of this process.
IMPORTED = (hypothesis, werkzeug.security)
#: A piece of a regular expression, as it stands in the source of its literal.
PIECE = re.compile(
    r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)|\{(\d+)(?:(,)(\d*))?\}|\[\^|\(\?(?:<?[=!:]|P<\w+>)|.", re.DOTALL
)

#: The exit status of a run that did not come to an end, beside those of pytest.
NOT_RUN = 100


class Mutant(NamedTuple):
    """A mutant that is a whole module: the place that is changed, the diff, and the module."""

    place: str
    diff: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """All of them, those that Python cannot compile left out."""
    module = cst.parse_module(source)
    patterns = _patterns(source)
    seen = {source}
    place_in_source = sum(len(module.code_for_node(line)) for line in module.header)
    for statement in module.body:
        code = module.code_for_node(statement)
        before, after = source[:place_in_source], source[place_in_source + len(code) :]
        place_in_source += len(code)
        for place, part in _parts(statement, ""):
            for node in _nodes(part):
                for mutated in _mutated(node, is_pattern=place in patterns):
                    text = module.code_for_node(statement.deep_replace(node, mutated))
                    whole = before + text + after
                    # One of two equal characters is left out twice.
                    if whole not in seen and _compiles(whole):
                        seen.add(whole)
                        yield Mutant(place, _diff(code, text), whole)


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _parts(node: cst.CSTNode, outer: str) -> Iterator[tuple[str, cst.CSTNode]]:
    """What of a statement is to be mutated, and the names of the places."""
    if isinstance(node, cst.FunctionDef):
        if not _is_mutated_by_mutmut(node, outer):
            yield outer + node.name.value, node
    elif isinstance(node, cst.ClassDef):
        for part in (*node.decorators, *node.bases, *node.keywords):
            yield outer + node.name.value, part
        for statement in node.body.body:
            yield from _parts(statement, f"{outer}{node.name.value}.")
    elif isinstance(node, cst.SimpleStatementLine):
        for small in node.body:
            if isinstance(small, (cst.Assign, cst.AnnAssign)) and not _is_of_typing(small):
                target = small.targets[0].target if isinstance(small, cst.Assign) else small.target
                if isinstance(target, cst.Name) and target.value != "__all__":
                    yield outer + target.value, small


def _is_mutated_by_mutmut(function: cst.FunctionDef, outer: str) -> bool:
    decorators = [d.decorator.value if isinstance(d.decorator, cst.Name) else "" for d in function.decorators]
    return outer.count(".") < 2 and decorators in ([], ["staticmethod"], ["classmethod"])


def _is_of_typing(node: cst.Assign | cst.AnnAssign) -> bool:
    if isinstance(node, cst.Assign):
        return False
    annotation = node.annotation.annotation
    return node.value is None or (isinstance(annotation, cst.Name) and annotation.value == "TypeAlias")


def _nodes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if not isinstance(node, cst.Annotation):
        yield node
        for child in node.children:
            yield from _nodes(child)


def _mutated(node: cst.CSTNode, *, is_pattern: bool) -> Iterator[cst.CSTNode]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind) and not (is_pattern and operator is operator_string):
            yield from operator(node)
    if is_pattern and isinstance(node, cst.SimpleString):
        begin = len(node.prefix) + len(node.quote)
        for text in _without_a_piece(node.value[begin : -len(node.quote)]):
            yield node.with_changes(value=node.value[:begin] + text + node.quote)
    elif is_pattern and isinstance(node, cst.FormattedStringText):
        for text in _without_a_piece(node.value):
            yield node.with_changes(value=text)


def _without_a_piece(pattern: str) -> Iterator[str]:
    for piece in PIECE.finditer(pattern):
        before, after = pattern[: piece.start()], pattern[piece.end() :]
        yield before + after
        if piece[0] in "*+":
            yield before + ("+" if piece[0] == "*" else "*") + after
        elif piece[0] == "[^":
            yield f"{before}[{after}"
        elif piece[1]:
            least, comma, most = int(piece[1]), piece[2] or "", piece[3] or ""
            yield f"{before}{{{least + 1}{comma}{most}}}{after}"
            if most:
                yield f"{before}{{{least}{comma}{int(most) + 1}}}{after}"


def _patterns(source: str) -> set[str]:
    """The names that regular expressions are assigned to, or pieces of them."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value and "re.compile(" in ast.unparse(node.value):
            names = (child.id for child in ast.walk(node) if isinstance(child, ast.Name))
            found.update(name for name in names if name != "re")
    return found


def _diff(source: str, mutated: str) -> str:
    return "\n".join(difflib.unified_diff(source.splitlines(), mutated.splitlines(), lineterm="", n=0))


# -- testing them


def tested(
    mutants: Iterable[Mutant], module: str, folder: Path, arguments: list[str], *, seconds: int, children: int
) -> Iterator[tuple[Mutant, int]]:
    """Runs pytest with ``arguments`` in ``folder``, for ``children`` mutants at a time: each mutant, and how it exited.

    ``module`` is the dotted name of what is mutated. A run that takes more processor time than ``seconds`` is ended by
    the signal SIGXCPU; one that waits for ever is ended by the limit that pyproject.toml sets for a test.
    """
    running: dict[int, Mutant] = {}
    try:
        for mutant in mutants:
            if len(running) == children:
                yield _next(running)
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                _test(mutant, module, folder, arguments, seconds)
            running[pid] = mutant
        while running:
            yield _next(running)
    finally:
        for pid in running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _next(running: dict[int, Mutant]) -> tuple[Mutant, int]:
    pid, status = os.wait()
    return running.pop(pid), os.waitstatus_to_exitcode(status)


def _test(mutant: Mutant, module: str, folder: Path, arguments: list[str], seconds: int) -> NoReturn:
    code = NOT_RUN
    try:
        spent = int(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, spent + seconds + 1))
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        os.chdir(folder)
        sys.path.insert(0, str(folder))
        sys.meta_path.insert(0, _Finder(module, mutant.source))
        code = int(pytest.main([*arguments, "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]))
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module, whose source it has."""

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._source = source

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self._name else None

    def get_source(self, name: str) -> str:
        return self._source
