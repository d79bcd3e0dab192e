"""Writes down what becomes of each case with each host, with the versions that it was seen with.

python tests/hosts/record.py

It runs the tests of the table without comparing, keeps what they saw in results.json, and makes the documents of it.
What is not installed keeps what was seen of it last. Read the difference before you commit it: a cell that has changed
is news.
"""

from __future__ import annotations

import json
import os
import platform
import re
import runpy
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cases import FRAMEWORKS, SERVERS, Host

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
TESTS = [str(HERE / "test_servers.py"), str(HERE / "test_frameworks.py")]


def main() -> int:
    """Returns the exit status: that of the tests, where one of them failed for itself."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "found.json"
        command = [sys.executable, "-m", "pytest", "-q", *TESTS]
        status = subprocess.run(command, env={**os.environ, "MM7_RECORD": str(place)}, check=False).returncode
        if status:
            return status
        found = json.loads(place.read_text(encoding="utf-8"))
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    hosts = FRAMEWORKS | SERVERS
    versions = {**known.get("versions", {}), **{name: versions_of(hosts[name]) for name in found}}
    cells = {**known.get("cells", {}), **found}
    results = {"versions": ordered(versions), "cells": ordered(cells)}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    sys.argv[1:] = []
    return int(runpy.run_path(str(HERE / "make_docs.py"))["main"]())


def ordered(kept: Mapping[str, Any]) -> dict[str, Any]:
    """As the documents have the hosts, and none that is gone."""
    return {name: kept[name] for name in FRAMEWORKS | SERVERS if name in kept}


def versions_of(host: Host) -> str:
    """Of what a host is made of; of Python, where it comes with that."""
    return ", ".join(f"{name} {version_of(name)}" for name in host.made_of) or f"Python {platform.python_version()}"


def version_of(name: str) -> str:
    """Of a distribution, or of nginx."""
    if name != "nginx":
        return version(name)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    told = subprocess.run(["nginx", "-v"], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True)
    found = re.search(r"nginx/(\S+)", told.stderr)
    assert found
    return found[1]


if __name__ == "__main__":
    sys.exit(main())
