"""The benchmark that kills servers: whether it would notice what it looks for."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from mm7_wsgi.spool import Spool
from mm7_wsgi.spool.tables import messages

ROOT = Path(__file__).resolve().parents[2]
KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
PROMISES = (
    "accepted and lost",
    "stored twice",
    "stored with other octets",
    "answered in two ways",
    "answered otherwise",
    "accepted and never handed out",
    "handed out after being done",
)

needs_unix = pytest.mark.skipif(os.name != "posix", reason="gunicorn needs Unix")


def run(folder: Path, *arguments: str) -> tuple[int, dict[str, int], str]:
    """Run it as the documentation says: exit status, figures, and what it complains of."""
    path = folder / "figures.json"
    command = [sys.executable, "-W", "error", "-m", "benchmarks.durability", *arguments]
    done = subprocess.run(
        [*command, "--folder", str(folder), "--json", str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert path.exists(), done.stderr
    return done.returncode, json.loads(path.read_text(encoding="utf-8"))["figures"], done.stderr


@needs_unix
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    "more", [("--workers", "2", "--threads", "4"), ("--servers", "4", "--consume")], ids=["threads", "consumed"]
)
def test_nothing_accepted_is_lost_or_taken_twice_where_servers_are_killed(
    require: Any, tmp_path: Path, database: str, more: tuple[str, ...]
) -> None:
    require("gunicorn")
    place = [require("postgresql")] if database == "postgresql" else []
    status, figures, said = run(tmp_path, *place, "--kills", "20", "--accepted", "1000", *more)
    assert (status, said) == (0, "")
    assert [figures[name] for name in PROMISES] == [0] * len(PROMISES)
    assert figures["workers killed"] >= 20
    assert figures["stored"] >= figures["accepted"] >= 1000
    assert figures["answers 1000"] > figures["accepted"]
    assert (figures["servers killed"] >= 4) == ("--servers" in more)
    assert (figures["consumers killed"] > 0) == ("--consume" in more)
    assert list(tmp_path.iterdir()) == [tmp_path / "figures.json"]


@needs_unix
def test_one_that_answers_before_it_commits_is_found_out(require: Any, tmp_path: Path) -> None:
    require("gunicorn")
    (tmp_path / "hasty.py").write_text("""
from mm7_wsgi.spool import sqlite

done, transactions = [], []

def write(self, work, octets, *, synced=True):
    with self._turn:
        if not transactions:
            if not self._is_prepared():
                self._prepare()
            transactions.append(self._lock(synced=True))
        result = work(transactions[0])
        done.append(result)
        if len(done) % 10 == 0:
            self._commit(transactions.pop())
        return result

sqlite.Engine.write = write
from benchmarks.durable import application
""")
    arguments = ("--kills", "5", "--accepted", "200", "--workers", "1", "--application", "hasty:application")
    status, figures, said = run(tmp_path, *arguments)
    assert status == 1
    assert figures["accepted and lost"] > 0
    assert f"accepted and lost: {figures['accepted and lost']}\n" in said


@needs_unix
def test_one_that_forgets_what_it_has_accepted_is_found_out(require: Any, tmp_path: Path) -> None:
    require("gunicorn")
    (tmp_path / "forgetful.py").write_text("""
import os
from mm7_wsgi import MM7Endpoint
from mm7_wsgi.spool import Spool

application = MM7Endpoint(Spool(os.environ["MM7_SPOOL"], window=0.000001), accounts={"acme": "s3cret"})
""")
    arguments = ("--kills", "0", "--accepted", "300", "--application", "forgetful:application")
    status, figures, said = run(tmp_path, *arguments)
    assert status == 1
    assert figures["stored twice"] > 0
    assert figures["answered in two ways"] > 0
    assert "stored twice: " in said


@needs_unix
def test_one_that_refuses_what_it_should_accept_is_found_out(require: Any, tmp_path: Path) -> None:
    require("gunicorn")
    (tmp_path / "fickle.py").write_text("""
import random
from mm7_wsgi import MM7Endpoint
from benchmarks.durable import spool

def handler(request):
    return request.failure(2000) if random.random() < 0.1 else spool(request)

application = MM7Endpoint(handler, accounts={"acme": "s3cret"})
""")
    arguments = ("--kills", "0", "--accepted", "100", "--application", "fickle:application")
    status, figures, said = run(tmp_path, *arguments)
    assert status == 1
    assert figures["answered otherwise"] > 0
    assert "an answer that nobody expects: b'HTTP/1.1 500 " in said


# -- what is killed


@needs_unix
def test_workers_whose_master_was_killed_are_killed_too(require: Any, load_benchmark: Any, tmp_path: Path) -> None:
    require("gunicorn")
    durability, peers = load_benchmark("durability"), load_benchmark("peers")
    server = durability.Server("benchmarks.durable:application", f"sqlite:///{tmp_path}/mm7.db", workers=1)
    with closing(server), closing(peers.Peer("first", server.port)) as peer:
        peer.submit("first")
        (orphan,) = server.workers()
        os.kill(orphan, signal.SIGSTOP)  # one that has nothing to do would go by itself
        server.kill(whole=False)
        assert server.kill_worker(SimpleNamespace(choice=lambda found: found[found.index(orphan)]))
        while orphan in server.workers():
            time.sleep(0.01)
        peer.submit("second")
        assert server.workers()
    assert server.workers() == []


def test_a_process_in_the_session_of_another_program_is_left_alone(load_benchmark: Any) -> None:
    durability = load_benchmark("durability")
    command = [sys.executable, "-c", "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as other, socket.socket() as own:
        while not (found := durability.alive([other.pid])):
            assert other.poll() is None
        assert not durability.has_open(found[0], own.fileno())
        assert durability.has_open(os.getpid(), own.fileno())
        assert other.stdin is not None
        other.stdin.close()


# -- what is made of what was found


class Found:
    """Two messages in a spool, what their peer was told, and what the benchmark makes of it."""

    def __init__(self, url: str, durability: Any, peers: Any) -> None:
        self.report = peers.Report()
        self._url = url
        self._judge = durability.judge
        self.look = KIT["Look"](url)
        message = peers.Message()
        content_type = message.request("0-0").partition(b"Content-Type: ")[2].partition(b"\r\n")[0].decode()
        with closing(Spool(url)) as spool:
            for transaction in ("0-0", "0-1"):
                answer = KIT["peer"](spool).send((content_type, message.body(transaction)))
                assert answer.accepted
                self.report.accepted[transaction] = (answer.message_id, hashlib.sha256(answer.body).digest())

    def event(self, time: float, what: str, transaction: str, message_id: str | None = None) -> list[str]:
        """What a consumer has written down."""
        return [str(time), what, transaction, message_id or self.report.accepted[transaction][0]]

    def judge(self, *events: list[str]) -> dict[str, int]:
        """The figures of which promises are made, where they are not 0."""
        figures = self._judge(self._url, self.report, events)
        assert figures["accepted"] == len(self.report.accepted)
        return {name: figures[name] for name in PROMISES if figures[name]}


@pytest.fixture
def found(place: str, load_benchmark: Any) -> Found:
    return Found(place, load_benchmark("durability"), load_benchmark("peers"))


def test_the_promises_are_those_that_end_with_1(load_benchmark: Any) -> None:
    assert load_benchmark("durability").PROMISES == PROMISES


def test_nothing_is_found_where_all_is_as_it_was_told(found: Found) -> None:
    assert found.judge() == {}


def test_a_message_that_is_not_there_is_lost(found: Found) -> None:
    found.look("DELETE FROM mm7_messages WHERE transaction_id = '0-1'")
    assert found.judge() == {"accepted and lost": 1, "accepted and never handed out": 1}


def test_a_message_that_a_consumer_had_is_not_lost(found: Found) -> None:
    found.look("DELETE FROM mm7_messages WHERE transaction_id = '0-1'")
    assert found.judge(found.event(1, "out", "0-1"), found.event(2, "done", "0-1")) == {}


def test_a_message_under_another_id_than_was_answered_is_lost(found: Found) -> None:
    found.look("UPDATE mm7_messages SET message_id = 'other' WHERE transaction_id = '0-1'")
    assert found.judge()["accepted and lost"] == 1


def test_a_message_that_is_there_in_two_rows_is_stored_twice(found: Found) -> None:
    columns = "state, due, attempts, key, message_id, account, transaction_id, operation, received, size"
    columns += ", content_type, body"
    found.look(f"INSERT INTO mm7_messages ({columns}) SELECT {columns} FROM mm7_messages WHERE transaction_id = '0-1'")
    assert found.judge() == {"stored twice": 1}


def test_a_message_that_was_handed_out_under_two_ids_is_stored_twice(found: Found) -> None:
    assert found.judge(found.event(1, "out", "0-1", "other"))["stored twice"] == 1


def test_other_octets_are_noticed(found: Found) -> None:
    found.look(sa.update(messages).where(messages.c.transaction_id == "0-1").values(body=b"other"))
    assert found.judge() == {"stored with other octets": 1}


def test_an_answer_that_is_not_the_one_on_record_is_noticed(found: Found) -> None:
    found.report.accepted["0-0"] = (found.report.accepted["0-0"][0], b"other")
    found.report.differing.add("0-1")
    assert found.judge() == {"answered in two ways": 2}


def test_a_message_that_is_a_dead_letter_was_not_handed_out(found: Found) -> None:
    found.look("UPDATE mm7_messages SET state = 'dead' WHERE transaction_id = '0-1'")
    assert found.judge() == {"accepted and never handed out": 1}


def test_a_message_that_comes_again_after_it_was_done_is_noticed(found: Found) -> None:
    events = [found.event(1, "out", "0-1"), found.event(2, "done", "0-1"), found.event(3, "out", "0-1")]
    found.look("DELETE FROM mm7_messages WHERE transaction_id = '0-1'")
    assert found.judge(*events) == {"handed out after being done": 1}
    assert found.judge(*events[:2], found.event(1, "out", "0-0"), found.event(2, "out", "0-0")) == {}


def test_a_message_is_known_with_any_boundary_and_by_nothing_else(load_benchmark: Any) -> None:
    message = load_benchmark("peers").Message()
    assert len({message.body("0-1", making) for making in range(3)}) == 3
    assert all(message.is_it("0-1", message.body("0-1", making)) for making in range(3))
    assert not message.is_it("0-1", message.body("0-2"))
    assert not message.is_it("0-1", message.body("0-1")[:-1])
