"""A process that has used a database forks: parent and children go on, and each loses nothing of what it accepts."""

from __future__ import annotations

import os
import runpy
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mm7_wsgi.spool import Spool
from mm7_wsgi.spool import sqlite as sqlite_module
from mm7_wsgi.testing import submit

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
Look, fork, peer = KIT["Look"], KIT["fork"], KIT["peer"]
LIVE = runpy.run_path(str(Path(__file__).parents[1] / "live.py"))


def test_parent_and_children_go_on(place: str) -> None:
    spool = Spool(place)
    client = peer(spool)
    assert client.submit(transaction_id="0").accepted

    def work(tell: Callable[[Any], None]) -> None:
        for number in range(20):
            answer = client.submit(transaction_id=f"{os.getpid()}-{number}")
            assert answer.accepted
            tell((answer.transaction_id, answer.message_id))
        # As a worker of a server ends: by its own end, and so with what it was given.

    children = [fork(work) for _ in range(3)]
    mine = [client.submit(transaction_id=f"parent-{number}") for number in range(20)]
    assert all(answer.accepted for answer in mine)
    assert [child.wait() for child in children] == [0, 0, 0]
    told = {name: id for child in children for name, id in child.told}
    told |= {answer.transaction_id: answer.message_id for answer in mine}
    found = {row.transaction_id: row.message_id for row in spool.messages.find() if row.transaction_id != "0"}
    assert len(told) == 80
    assert found == told
    spool.close()


def test_a_child_goes_on_when_its_parent_has_closed_what_it_had(place: str) -> None:
    """The last to close SQLite deletes the log; a child whose locks are not its own would go on writing to that."""
    spool = Spool(place)
    client = peer(spool)
    assert client.submit(transaction_id="0").accepted
    go, gone = os.pipe()

    def work(tell: Callable[[Any], None]) -> None:
        os.close(gone)
        for number in range(10):
            assert client.submit(transaction_id=f"{number}").accepted
            tell(number)
            os.read(go, 1)

    with fork(work) as child:
        os.close(go)
        for number in range(10):
            assert child.next() == number
            # Of another process, which finds what it finds.
            with fork(lambda tell: tell(Look(place).stored())) as other:
                assert f"{number}" in other.next()
                other.wait()
            if number % 2:
                client.submit(transaction_id=f"parent-{number}")
            spool.close()
            os.write(gone, b"x")
        os.close(gone)
        assert child.wait() == 0
    assert set(map(str, range(10))) <= set(Look(place).stored())


def test_a_lock_of_a_child_holds_against_its_parent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_module, "_BUSY", 0.02)
    path = folder / "mm7.db"
    spool = Spool(path)
    client = peer(spool)
    assert client.submit(transaction_id="0").accepted

    def hold(tell: Callable[[Any], None]) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            tell("held")
            threading.Event().wait()

    with fork(hold) as child:
        child.next()
        for _ in range(3):
            assert client.submit(transaction_id="1").status_code == 4006
    assert client.submit(transaction_id="1").accepted
    spool.close()


#: Forks while threads write; Python warns of that, and servers do it all the same.
FORKS = """
    import os, sys, threading, warnings
    warnings.simplefilter("ignore", DeprecationWarning)
    from mm7_wsgi import MM7Endpoint
    from mm7_wsgi.spool import Spool
    from mm7_wsgi.testing import MM7Client
    spool = Spool(sys.argv[1])
    client = MM7Client(MM7Endpoint(spool, accounts={"acme": "s3cret"}), "acme", "s3cret")
    ended = threading.Event()
    def write(name):
        for number in range(10_000):
            if ended.is_set():
                break
            answer = client.submit(transaction_id=f"{name}-{number}")
            os.write(1, f"{name}-{number} {answer.status_code:d}\\n".encode())
    threads = [threading.Thread(target=write, args=(f"thread{index}",)) for index in range(3)]
    for thread in threads:
        thread.start()
    for child in range(6):
        pid = os.fork()
        if not pid:
            status = 1
            try:
                for number in range(5):
                    answer = client.submit(transaction_id=f"child{child}-{number}")
                    os.write(1, f"child{child}-{number} {answer.status_code:d}\\n".encode())
                spool.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
    ended.set()
    for thread in threads:
        thread.join()
    spool.close()
"""


def test_a_process_that_forks_while_its_threads_write_loses_nothing(place: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FORKS), place], stdout=subprocess.PIPE, timeout=60, check=True
    )
    said = dict(line.split() for line in ran.stdout.decode().splitlines())
    assert set(said.values()) == {"1000"}
    assert sum(name.startswith("child") for name in said) == 30
    stored = Look(place).stored()
    assert sorted(stored) == sorted(said)
    if place.startswith("sqlite"):
        assert Look(place)("PRAGMA integrity_check") == [("ok",)]


def test_a_fork_does_not_wait_for_ever_for_one_who_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as a handler of signals that forks in the middle of it."""
    monkeypatch.setattr(sqlite_module, "_BUSY", 0.02)
    spool = Spool(folder / "mm7.db")
    forked: list[int] = []

    def work(connection: sa.Connection) -> None:
        with fork(lambda tell: None) as child:
            forked.append(child.wait())

    spool._database.write(work)
    assert forked == [0]
    assert peer(spool).submit().accepted
    spool.close()


@pytest.mark.parametrize("comes_to_an_end", [True, False])
def test_a_fork_waits_for_those_who_read_but_not_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch, comes_to_an_end: bool
) -> None:
    """A child that has the connection of a reader takes locks to be its own that it has not."""
    spool = Spool(folder / "mm7.db")
    client = peer(spool)
    assert client.submit(transaction_id="before").accepted
    (engine,) = spool._database._engines.values()
    wait_for = engine._readers.wait_for  # type: ignore[union-attr]
    reads, go = threading.Event(), threading.Event()
    order: list[str] = []
    found: list[bool] = []

    def wait(is_over: Callable[[], bool], seconds: float) -> bool:
        found.append(is_over())
        if comes_to_an_end:
            go.set()
        return bool(wait_for(is_over, seconds if comes_to_an_end else 0.02))

    monkeypatch.setattr(engine._readers, "wait_for", wait)  # type: ignore[union-attr]

    def read() -> None:
        with spool._database.read():
            reads.set()
            go.wait(30)
            order.append("read")

    def work(tell: Callable[[Any], None]) -> None:
        assert client.submit(transaction_id="child").accepted
        found.clear()
        with fork(lambda tell: tell(client.submit(transaction_id="grandchild").accepted)) as grandchild:
            tell(grandchild.next())
        tell(found)

    reader = threading.Thread(target=read)
    reader.start()
    assert reads.wait(30)
    with fork(work) as child:
        order.append("forked")
        assert child.wait() == 0
    go.set()
    reader.join(30)
    assert found == [False]
    assert order == (["read", "forked"] if comes_to_an_end else ["forked", "read"])
    assert child.told == [True, [True]]  # there is no reader in the child
    assert client.submit(transaction_id="behind").accepted
    assert Look(f"sqlite:///{folder / 'mm7.db'}").stored() == ["before", "child", "grandchild", "behind"]
    spool.close()


SERVED = """
    from mm7_wsgi import MM7Middleware
    from mm7_wsgi.spool import Spool
    from mm7_wsgi.testing import MM7Client

    def host(environ, start_response):
        start_response("200 OK", [("Content-Length", "0")])
        return []

    spool = Spool({place!r})
    application = MM7Middleware(host, spool, accounts={{"acme": "s3cret"}})
    # It is used before the server forks its workers.
    assert MM7Client(application, "acme", "s3cret").submit(transaction_id="preloaded").accepted
"""


def test_a_server_may_load_it_before_it_forks(place: str, tmp_path: Path, require: Callable[[str], str]) -> None:
    require("gunicorn")
    (tmp_path / "served.py").write_text(textwrap.dedent(SERVED.format(place=place)))
    answers: dict[str, bytes] = {}
    options = ("--preload", "--workers", "3", "--threads", "2", "--max-requests", "10")
    with LIVE["gunicorn"](tmp_path, "served:application", *options) as server:

        def send(first: int) -> None:
            for number in range(first, 40, 4):
                message = submit(transaction_id=f"{number}")
                for _ in range(2):
                    response, octets = server.send(
                        "/mm7/acme=s3cret", message.body, {"Content-Type": message.content_type, "SOAPAction": '""'}
                    )
                    assert response.status == 200, octets
                    assert answers.setdefault(f"{number}", octets) == octets

        threads = [threading.Thread(target=send, args=(first,)) for first in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 40
    assert sorted(Look(place).stored()) == sorted(["preloaded", *answers])
