"""Changes the code in many small ways, one at a time, and says which of the changes no test notices.

    pip install -e '.[mutation]'
    python tests/mutation/run.py                         all modules
    python tests/mutation/run.py headers accounts        these

Each module is judged by its own tests alone. A mutant that survives has to be explained in ``survivors/``; explained.py
says how. The exit status is 1 where one survives without an explanation, where an explanation fits no survivor, where
no test reaches a mutant, or where the run itself goes wrong. What is ended by a time limit counts as killed. Nothing is
written but into a temporary directory.

mutmut makes the mutants of functions: of those of the module and of its classes. It leaves out, and left_out.py makes
by the same operators, those of

* what is not in a function: constants, regular expressions, the fields of classes, the decorators of classes;
* functions that have a decorator (properties, cached functions) other than one ``staticmethod`` or ``classmethod``.

No mutants are made of

* calls of ``len`` and ``isinstance``, with all that is in them, and the methods ``__getattribute__``, ``__setattr__``
  and ``__new__``, where mutmut makes the mutants;
* the texts of f-strings, and strings in triple quotes, but for regular expressions;
* annotations and type aliases, imports, ``__all__``, and what stands under an ``if`` or a ``try`` outside of functions;
* defaults of parameters that are more than a name, a number or a string.

And its operators know of no statement that is missing, no condition that is always true (but in ``a if b else c``), no
other exception, and no result that is lost: what is found here is a lower bound.

mutmut has each mutant tested in a fork of a process that has imported the tests and not run them. Where a test has run
before, what it left in a cache would hide the mutants of what filled the cache.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import left_out
from explained import MODULES, ROOT, Change, Module, changed, survivors

#: What the tests of the modules need of a checkout.
COPIED = ("mm7_wsgi", "tests", "setup.cfg", "pyproject.toml")

#: The examples of Hypothesis are the same in each run, and none is remembered from another mutant.
PYTEST = ["--hypothesis-profile=ci", "-p", "no:cacheprovider"]

CONFIGURATION = """
[mutmut]
source_paths = mm7_wsgi/
only_mutate = {source}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args =
    {arguments}
process_isolation = forkserver
"""

#: By the exit status of a run of the tests. mutmut says 33 where no test reaches a mutant. All else is trouble: the 255
#: that mutmut takes for a time limit is what it has for a run of pytest that failed as a run.
STATES = {0: "survived", 1: "killed", -signal.SIGSEGV: "killed", -signal.SIGXCPU: "timed out", 33: "unreached"}
#: Of a mutant that is a whole module: pytest says 2 where it cannot be imported.
STATES_OF_MODULES = {0: "survived", 1: "killed", 2: "killed", -signal.SIGSEGV: "killed", -signal.SIGXCPU: "timed out"}

#: A mutant may fill the memory until its time is over; a MemoryError kills it, or the interpreter ends in SIGSEGV.
MEMORY = 2 << 30


class Trouble(Exception):
    """A run went wrong; the text says how."""


@dataclass
class Outcome:
    """What became of the mutants of one module."""

    module: str
    states: Counter[str] = field(default_factory=Counter)
    survived: Counter[Change] = field(default_factory=Counter)
    #: How many there are, by the names of functions.
    unreached: Counter[str] = field(default_factory=Counter)
    #: One text for each mutant.
    unclear: list[str] = field(default_factory=list)
    trouble: str = ""
    seconds: float = 0.0

    def note(self, state: str, function: str, diff: str = "") -> None:
        """A mutant ended in ``state``. Its diff is only needed where it was reached and not killed."""
        known = state in STATES.values()
        self.states[state if known else "unclear"] += 1
        if state == "survived":
            self.survived[Change(function, changed(diff))] += 1
        elif state == "unreached":
            self.unreached[function] += 1
        elif not known:
            self.unclear.append(f"{function}: {state}\n{diff}")

    @property
    def explained(self) -> Counter[Change]:
        return Counter(survivor.change for survivor in survivors(self.module))

    @property
    def unexplained(self) -> list[Change]:
        return list((self.survived - self.explained).elements())

    @property
    def outdated(self) -> list[Change]:
        # After a run that failed there is no telling.
        return [] if self.trouble else list((self.explained - self.survived).elements())

    @property
    def figures(self) -> dict[str, Any]:
        unexplained = len(self.unexplained)
        return {
            "module": self.module,
            "mutants": sum(self.states.values()),
            "killed": self.states["killed"],
            "timed out": self.states["timed out"],
            "explained": self.states["survived"] - unexplained,
            "unexplained": unexplained,
            "unreached": self.states["unreached"],
            "unclear": self.states["unclear"],
            "outdated": len(self.outdated),
            "seconds": round(self.seconds),
        }


def examine(name: str, folder: Path, children: int) -> Outcome:
    """Makes and tests all mutants of a module, in ``folder``."""
    outcome = Outcome(name)
    begun = time.monotonic()
    try:
        for entry in COPIED:
            copy = shutil.copytree if (ROOT / entry).is_dir() else shutil.copy
            copy(ROOT / entry, folder / entry)
        seconds = _time_the_tests(MODULES[name], folder)
        _examine_functions(outcome, MODULES[name], folder, children)
        _examine_the_rest(outcome, MODULES[name], folder, children, seconds)
    except Trouble as trouble:
        outcome.trouble = str(trouble)
    outcome.seconds = time.monotonic() - begun
    return outcome


def _examine_functions(outcome: Outcome, module: Module, folder: Path, children: int) -> None:
    with open(folder / "setup.cfg", "a", encoding="utf-8") as configuration:
        configuration.write(CONFIGURATION.format(**module._asdict(), arguments="\n    ".join(PYTEST)))
    mutmut(folder, "run", "--max-children", str(children))
    meta = folder / "mutants" / f"{module.source}.meta"
    try:
        exits = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    except (OSError, ValueError, KeyError) as error:
        raise Trouble(f"mutmut left no results: {error!r}") from error
    if not exits:
        raise Trouble("mutmut made no mutants")
    for key, code in exits.items():
        state = STATES.get(code, f"exit status {code}")
        diff = mutmut(folder, "show", key) if state not in ("killed", "timed out", "unreached") else ""
        outcome.note(state, _function(key), diff)


def mutmut(folder: Path, *arguments: str) -> str:
    """What a command of mutmut prints. Raises ``Trouble`` where it fails."""
    command = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", *arguments]
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # its forks too, which would go on without it
            raise
    if process.returncode:
        # Its progress is one line of many carriage returns, each with another pattern of Braille.
        lines = [line for line in output.replace("\r", "\n").splitlines() if not "\u2800" <= line[:1] <= "\u28ff"]
        last = "\n".join(lines[-40:])
        raise Trouble(f"mutmut {' '.join(arguments)}: exit status {process.returncode}\n{last}")
    return output


def _function(key: str) -> str:
    """The qualified name of what mutmut calls ``….xǁClassǁmethod__mutmut_1`` or ``….x_function__mutmut_1``."""
    mangled = key.rpartition(".")[2].partition("__mutmut_")[0]
    return ".".join(mangled.split("ǁ")[1:]) if "ǁ" in mangled else mangled.removeprefix("x_")


def _examine_the_rest(outcome: Outcome, module: Module, folder: Path, children: int, seconds: int) -> None:
    mutants = left_out.mutants((folder / module.source).read_text(encoding="utf-8"))
    for mutant, code in left_out.tested(
        mutants, module.name, folder, _arguments(module), seconds=seconds, children=children
    ):
        outcome.note(STATES_OF_MODULES.get(code, f"exit status {code}"), mutant.place, mutant.diff)


def _time_the_tests(module: Module, folder: Path) -> int:
    """How many seconds they may take with a mutant, by how long they take without one. They have to pass there."""
    original = left_out.Mutant("", "", (folder / module.source).read_text(encoding="utf-8"))
    begun = time.monotonic()
    arguments = _arguments(module)
    ((_, code),) = left_out.tested([original], module.name, folder, arguments, seconds=600, children=1)
    if code:
        raise Trouble(f"the tests fail without a mutant: exit status {code} of pytest {' '.join(arguments)}")
    return round((time.monotonic() - begun + 1) * 15)  # as mutmut has it


def _arguments(module: Module) -> list[str]:
    return ["-x", "-q", *PYTEST, module.tests]


# -- what it prints


def report(outcome: Outcome) -> Iterator[str]:
    """The lines on one module."""
    yield " ".join(f"{value:>11}" for value in outcome.figures.values())
    if outcome.trouble:
        yield f"  {outcome.module} was not examined to the end: {outcome.trouble}"
    for what, texts in (
        ("survived, and is not explained", [_text(change) for change in outcome.unexplained]),
        ("is explained, and does not survive", [_text(change) for change in outcome.outdated]),
        ("is reached by no test", [f"{function}, {n} mutants" for function, n in outcome.unreached.items()]),
        ("ended in no way that is known", outcome.unclear),
    ):
        for text in texts:
            yield f"\n  {what}: {text}\n"


def _text(change: Change) -> str:
    return "\n".join([change.function, *change.lines])


def main() -> int:
    """Examines the modules that are named."""
    parser = argparse.ArgumentParser(description="Says which changes of the code no test notices.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; all of them by default")
    parser.add_argument("--children", type=int, default=os.cpu_count() or 1, help="how many mutants to test at once")
    parser.add_argument("--keep", action="store_true", help="leave the temporary directory, and say where it is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures and the changes into FILE, too")
    options = parser.parse_args()
    if unknown := [name for name in options.modules if name not in MODULES]:
        parser.error(f"there is no {', '.join(unknown)}: it has to be of {', '.join(MODULES)}")
    if options.children < 1:
        parser.error("--children has to be 1 at least")
    names = options.modules or list(MODULES)
    try:
        for name in names:
            survivors(name)  # before all else, since a mistake in there would cost the whole run
    except ValueError as error:
        parser.error(str(error))
    for variable in ("MM7_CAPTURES", "PYTEST_ADDOPTS", "PYTHONPATH"):
        os.environ.pop(variable, None)
    with contextlib.suppress(ValueError, OSError):  # not every system has this limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that the directory is removed
    outcomes = []
    work = Path(tempfile.mkdtemp(prefix="mm7-mutation-"))
    try:
        for name in names:
            folder = work / name
            folder.mkdir()
            outcomes.append(examine(name, folder, options.children))
            if len(outcomes) == 1:
                print(" ".join(f"{title:>11}" for title in outcomes[0].figures))
            print("\n".join(report(outcomes[-1])), flush=True)
    finally:
        if options.keep:
            print(f"kept: {work}")
        else:
            shutil.rmtree(work)
    if options.json:
        listed = [
            outcome.figures
            | {"survived": [change._asdict() for change in outcome.survived.elements()], "trouble": outcome.trouble}
            for outcome in outcomes
        ]
        options.json.write_text(json.dumps(listed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    wrong = ("unexplained", "outdated", "unreached", "unclear")
    return int(any(outcome.trouble or any(outcome.figures[key] for key in wrong) for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
