"""What is answered 1000 was synced before: the system calls of a server, as strace has them."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

LIVE = runpy.run_path(str(Path(__file__).resolve().parents[1] / "live.py"))
MESSAGE = Path(__file__).resolve().parents[2] / "examples" / "messages" / "submit"
REQUESTS = 20

APPLICATION = """
from mm7_wsgi import MM7Middleware
from mm7_wsgi.spool import Spool, TransactionLog, sqlite

KEPT = {kept!r}

def connect(self, connection, record, connect=sqlite.Engine._connect):
    connect(self, connection, record)
    if KEPT:
        connection.execute(f"PRAGMA synchronous = {{KEPT}}")

sqlite.Engine._connect = connect

def rest(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]

accounts = {{"acme": "s3cret"}}
spool = MM7Middleware(rest, Spool({database!r}), accounts=accounts)


def handle(request):
    with open({handled!r}, "ab", buffering=0) as file:
        file.write(b"handled")


log = MM7Middleware(rest, handle, accounts=accounts, transactions=TransactionLog({database!r}))
"""


class Trace:
    """What the processes of a server have asked of the system.

    ``answers`` has for each answer of 200, in its order, whether the log of the database was written for it, and
    whether all that was written into it was on the disk. ``steps`` has what was done for each, in its order: the log
    was "written", or "synced", or the message was "handled".
    """

    def __init__(self, text: str, database: Path, handled: Path) -> None:
        self.answers: list[tuple[bool, bool]] = []
        self.steps: list[list[str]] = []
        steps: list[str] = []
        self.folder_synced = False
        log = re.escape(f"{database}-wal")
        written = synced = False
        syncing: dict[str, str] = {}
        for line in text.splitlines():
            process, _, call = line.partition(" ")
            call = call.strip()  # strace aligns
            if re.match(rf"(?:pwrite64|pwritev|write)\(\d+<{log}>", call):
                written, synced = True, False
                if steps[-1:] != ["written"]:
                    steps.append("written")
            elif re.match(rf"write\(\d+<{re.escape(str(handled))}>", call):
                steps.append("handled")
            elif found := re.match(r"(?:fsync|fdatasync)\(\d+<([^>]+)>", call):
                syncing[process] = found[1]
            if syncing.get(process) and call.endswith("= 0"):  # here or, where another process came between, later
                if syncing[process] == f"{database}-wal":
                    synced = True
                    steps.append("synced")
                self.folder_synced = self.folder_synced or syncing[process] == str(database.parent)
                del syncing[process]
            if re.match(r'(?:sendto|sendmsg|write)\(\d+<socket:[^>]+>, "HTTP/1\.1 200 ', call):
                self.answers.append((written, synced))
                self.steps.append(steps)
                written, synced, steps = False, False, []


@pytest.fixture
def trace(require: Any, tmp_path: Path) -> Any:
    """Sends messages to a server and gives what it did: ``trace("spool", "OFF")``."""
    require("gunicorn")
    require("sqlalchemy")
    strace = require("strace")
    database, handled, calls = tmp_path / "data" / "mm7.db", tmp_path / "handled", tmp_path / "calls.txt"

    @contextmanager
    def serving(name: str) -> Iterator[Any]:
        listener = LIVE["_listener"]()
        # The tracer is a process of its own (-D), so that what ends the server ends it too.
        command = [strace, "-D", "--follow-forks", "--seccomp-bpf", "-y", "-q", "-o", str(calls)]
        command += ["-e", "trace=pwrite64,pwritev,write,fsync,fdatasync,sendto,sendmsg"]
        command += [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--chdir", str(tmp_path)]
        with LIVE["_started"](tmp_path, listener, [*command, f"served:{name}"]) as server:
            yield server
        LIVE["until"](lambda: f"{server.process.pid} +++ exited" in re.sub(" +", " ", calls.read_text()))

    def trace(name: str = "spool", kept: str = "") -> Trace:
        database.parent.mkdir()
        (tmp_path / "served.py").write_text(APPLICATION.format(kept=kept, database=str(database), handled=str(handled)))
        headers = dict(line.split(": ", 1) for line in MESSAGE.with_suffix(".headers").read_text().splitlines())
        body = MESSAGE.with_suffix(".body").read_bytes()
        with serving(name) as server:
            for number in range(REQUESTS):
                own = body.replace(b"vas-20300102-0001", b"t-%d" % number)
                response, answer = server.send("/mm7/acme=s3cret", own, headers)
                assert (response.status, b"1000" in answer) == (200, True), server.log
        found = Trace(calls.read_text(), database, handled)
        # Before them it was asked whether it is there.
        found.answers, found.steps = found.answers[-REQUESTS:], found.steps[-REQUESTS:]
        return found

    return trace


#: What is done for a message: a log has others see that it is being handled, which need not be synced.
STEPS = {"spool": ["written", "synced"], "log": ["written", "handled", "written", "synced"]}


@pytest.mark.parametrize("name", STEPS)
def test_every_sync_comes_before_its_answer(trace: Any, name: str) -> None:
    found = trace(name)
    assert found.answers == [(True, True)] * REQUESTS
    assert found.steps[1:] == [STEPS[name]] * (REQUESTS - 1)  # before the first the tables are made
    assert found.folder_synced


@pytest.mark.parametrize("kept", ["NORMAL", "OFF"])
def test_the_trace_shows_where_it_would_not(trace: Any, kept: str) -> None:
    found = trace(kept=kept)
    assert len(found.answers) == REQUESTS
    assert (True, False) in found.answers
