"""What the README shows of the command line is what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_shows_what_inspect_prints() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
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
