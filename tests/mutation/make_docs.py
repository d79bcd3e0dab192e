"""Writes into docs/testing.md, between its two marks, what is known of mutants that survive.

python tests/mutation/make_docs.py            writes it
python tests/mutation/make_docs.py --check    says whether what is there is what it would write
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Iterable

from explained import MODULES, ROOT, Change, survivors

DOCUMENT = ROOT / "docs" / "testing.md"
BEGIN = "<!-- survivors: made by tests/mutation/make_docs.py -->"
END = "<!-- /survivors -->"


def written(document: str) -> str:
    """The document, with what stands between the marks written anew."""
    before, begin, rest = document.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{DOCUMENT.name} has no lines {BEGIN} and {END}")
    return "".join([before, begin, *(section(name) for name in MODULES), "\n", end, after])


def section(name: str) -> str:
    """The survivors of a module, grouped by the reasons."""
    groups: dict[str, list[Change]] = {}
    for survivor in survivors(name):
        groups.setdefault(survivor.why, []).append(survivor.change)
    heading = f"\n#### `{MODULES[name].source}`\n"
    if not groups:
        return f"{heading}\nNone.\n"
    return heading + "".join(f"\n{why}\n\n```diff\n{diff(changes)}```\n" for why, changes in groups.items())


def diff(changes: Iterable[Change]) -> str:
    """The changes, each under the name of the place that it is in."""
    return "".join(f"@@ {change.function} @@\n" + "".join(f"{line}\n" for line in change.lines) for change in changes)


if __name__ == "__main__":
    main = runpy.run_path(str(DOCUMENT.with_name("generated.py")))["main"]
    sys.exit(main(DOCUMENT, written(DOCUMENT.read_text(encoding="utf-8"))))
