"""What PostgreSQL says is committed was synced before: the system calls of a server of our own, as strace has them."""

from __future__ import annotations

import os
import pwd
import re
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mm7_wsgi.spool import Spool, TransactionLog, postgresql

if sys.platform != "linux":
    pytest.skip("strace is of Linux", allow_module_level=True)

LIVE = runpy.run_path(str(Path(__file__).resolve().parents[1] / "live.py"))
KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
REQUESTS = 20
#: It runs as no other than this one where we are root, since it refuses to run as root.
USER = "postgres"
#: Nothing but what is committed writes into the log.
QUIET = {"autovacuum": "off", "wal_level": "minimal", "max_wal_senders": "0", "wal_sync_method": "fdatasync"}


def commits(text: str) -> list[tuple[bool, bool]]:
    """For each commit that was told to a client, in their order, what became of the log since the one before.

    Whether it was written, and whether all that was written into it was on the disk.
    """
    found = []
    written = synced = False
    syncing: set[str] = set()
    for line in text.splitlines():
        process, _, call = line.partition(" ")
        call = call.strip()  # strace aligns
        if re.match(r"(?:pwrite64|pwritev|write)\(\d+</[^>]*/pg_wal/[0-9A-F]+>", call):
            written, synced = True, False
        elif re.match(r"(?:fsync|fdatasync)\(\d+</[^>]*/pg_wal/[0-9A-F]+>", call):
            syncing.add(process)
        if process in syncing and call.endswith("= 0"):  # here or, where another process came between, later
            synced = True
            syncing.discard(process)
        if re.match(r'(?:sendto|sendmsg|write)\(\d+<[^>]*>, ".*COMMIT\\0Z', call):
            found.append((written, synced))
            written = synced = False
    return found


@pytest.fixture(scope="module")
def cluster(require: Callable[[str], str]) -> Iterator[tuple[Path, Path]]:
    """Where the programs of PostgreSQL are, and a folder in which ``data`` is a new database cluster."""
    require("strace")
    require("postgresql")
    places = [shutil.which("postgres"), *map(str, Path("/usr/lib/postgresql").glob("*/bin/postgres"))]
    programs = [Path(place).parent for place in places if place and Path(place).with_name("initdb").exists()]
    if not programs:
        pytest.skip("the server runs elsewhere, and the programs of PostgreSQL are not here")
    # Not where the other tests are: what is there is for us alone, and the server may be somebody else.
    with tempfile.TemporaryDirectory(prefix="mm7-", dir="/var/tmp") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, USER)
        subprocess.run(
            [
                programs[-1] / "initdb",
                "--no-sync",
                "--encoding=UTF8",
                "--no-locale",
                "--auth=trust",
                f"--username={USER}",
                "-D",
                folder / "data",
            ],
            cwd=folder,
            user=USER if os.geteuid() == 0 else None,
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        yield programs[-1], folder


@pytest.fixture
def trace(cluster: tuple[Path, Path], require: Callable[[str], str]) -> Callable[..., list[tuple[bool, bool]]]:
    """Has messages stored, or logged, and says what was told of their commits: ``trace(fsync="off")``."""
    programs, folder = cluster
    calls, log = folder / "calls.txt", folder / "log"
    url = f"postgresql+psycopg://{USER}@/postgres?host={folder}"

    def trace(*, logged: bool = False, **settings: str) -> list[tuple[bool, bool]]:
        calls.unlink(missing_ok=True)
        # The tracer is a process of its own (-D), so that what ends the server ends it too.
        command = [require("strace"), "-D", "--follow-forks", "--seccomp-bpf", "-y", "-q", "-s", "80", "-o", str(calls)]
        command += ["-e", "trace=pwrite64,pwritev,write,fsync,fdatasync,sendto,sendmsg"]
        if os.geteuid() == 0:
            command += ["--user", pwd.getpwnam(USER).pw_name]
        command += [str(programs / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-h", ""]
        command += [word for name, value in {**QUIET, **settings}.items() for word in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            server = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            LIVE["until"](lambda: server.poll() is not None or is_there(url))
            assert server.poll() is None, log.read_text()
            with closing(TransactionLog(url) if logged else Spool(url)) as kept:
                client = KIT["peer"](lambda request: None, transactions=kept) if logged else KIT["peer"](kept)
                for number in range(REQUESTS + 1):  # before the first one the tables are made
                    assert client.submit(transaction_id=f"{settings} {number}").accepted
        finally:
            server.send_signal(signal.SIGINT)  # it waits for no client then
            server.wait(LIVE["TIMEOUT"])
        LIVE["until"](lambda: f"{server.pid} +++ exited" in re.sub(" +", " ", calls.read_text()))
        return commits(calls.read_text())[-REQUESTS * (2 if logged else 1) :]

    return trace


def is_there(url: str) -> bool:
    """Whether a server answers."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        engine.connect().close()
    except sa.exc.OperationalError:
        return False
    return True


@pytest.mark.parametrize("settings", [{}, {"synchronous_commit": "off"}], ids=["as it is", "told not to wait"])
def test_every_sync_comes_before_its_commit_is_told(trace: Any, settings: dict[str, str]) -> None:
    assert trace(**settings) == [(True, True)] * REQUESTS


def test_a_log_syncs_what_was_answered_and_not_what_is_being_handled(trace: Any) -> None:
    found = trace(logged=True, wal_writer_delay="10s")
    assert found[1::2] == [(True, True)] * REQUESTS
    assert (False, False) in found[::2]


def test_the_trace_shows_where_nobody_waits_for_the_sync(trace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_SETTINGS", postgresql._SETTINGS[:-1])
    # In between, its own process may come to write and sync.
    assert (False, False) in trace(synchronous_commit="off", wal_writer_delay="10s")


def test_the_trace_shows_where_nothing_is_synced(trace: Any) -> None:
    assert trace(fsync="off") == [(True, False)] * REQUESTS
