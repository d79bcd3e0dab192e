"""The example of a worker of Celery: what comes twice is worked on once."""

from __future__ import annotations

import os
import queue as queues
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MM7Endpoint
from mm7_wsgi.spool import Spool
from mm7_wsgi.testing import MM7Client

pytest.importorskip("kombu")

from mm7_wsgi.spool.relay import Relay

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples"
SECONDS = 60


class Worker:
    """A worker of the example, and what it says."""

    def __init__(self, environment: dict[str, str]) -> None:
        celery = shutil.which("celery", path=str(Path(sys.executable).parent)) or "celery"
        command = [celery, "--workdir", str(EXAMPLES), "--app", "celery_consumer", "worker", "--pool", "solo"]
        self.process = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle", "--loglevel", "WARNING"],
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._said: queues.SimpleQueue[str | None] = queues.SimpleQueue()
        self._all: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(line)
        self._said.put(None)

    def says(self, words: str) -> str:
        """The next line with these words, when it is there."""
        while True:
            line = self._said.get(timeout=SECONDS)
            assert line is not None, "".join(self._all)
            self._all.append(line)
            if words in line:
                return line

    def end(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(SECONDS)
        self._thread.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "mm7.db")
    yield spool
    spool.close()


@pytest.fixture
def client(spool: Spool) -> MM7Client:
    return MM7Client(MM7Endpoint(spool, accounts={"acme": "s3cret"}), "acme", "s3cret")


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


@pytest.fixture
def start(
    require: Callable[[str], str], rabbitmq: str, broker: Any, queue: str, inbox: Path
) -> Iterator[Callable[..., Worker]]:
    """Starts workers of the example."""
    require("celery")
    started: list[Worker] = []

    def start(url: str = rabbitmq) -> Worker:
        started.append(Worker({"MM7_BROKER": url, "MM7_QUEUE": queue, "MM7_INBOX": str(inbox)}))
        return started[-1]

    yield start
    for worker in started:
        worker.end(signal.SIGTERM)
    with broker.channel() as channel:
        channel.queue_delete(f"{queue}.tasks")
        for name in ("tasks", "events"):
            channel.exchange_delete(f"{queue}.{name}")


def rows(inbox: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(inbox)) as connection:
        return connection.execute(query).fetchall()


def left(broker: Any, queue: str) -> int:
    with broker.channel() as channel:
        return int(channel.queue_declare(queue, passive=True).message_count)


def test_a_worker_gets_what_a_relay_has_sent(
    client: MM7Client,
    spool: Spool,
    start: Callable[[], Worker],
    rabbitmq: str,
    broker: Any,
    queue: str,
    inbox: Path,
) -> None:
    client.submit(subject="one")
    client.submit(subject="two")
    with closing(Relay(spool, rabbitmq, queue=queue)) as relay:
        assert relay.run_once() == 2
    worker = start()
    worker.says("SubmitReq of account acme, subject one")
    worker.says("SubmitReq of account acme, subject two")
    with broker.channel() as channel:  # what no relay has sent, and what cannot be read, holds up nothing
        for headers in (
            {},
            {"key": "strange"},
            {"key": "bad", "account": "a", "message_id": "m", "content_type": "a/b"},
        ):
            channel.basic_publish(channel.prepare_message(b"?", headers=headers), "", queue)
    worker.says("laid aside: this is no message of a relay: it has no key, account, message_id")
    worker.says("laid aside: this is no message of a relay: it has no account, message_id")
    worker.says("laid aside: ")
    worker.end(signal.SIGTERM)
    assert rows(inbox, "SELECT account, subject FROM inbox") == [("acme", "one"), ("acme", "two")]
    without_key, *others = rows(inbox, "SELECT key, body FROM seen WHERE reason IS NOT NULL")
    assert without_key[0].startswith("none")
    assert others == [("strange", b"?"), ("bad", b"?")]
    assert left(broker, queue) == 0


def test_what_a_killed_relay_has_sent_comes_twice_and_is_kept_once(
    client: MM7Client,
    spool: Spool,
    start: Callable[[], Worker],
    rabbitmq: str,
    proxy: Any,
    broker: Any,
    queue: str,
    inbox: Path,
    tmp_path: Path,
) -> None:
    command = [sys.executable, str(HERE / "send.py"), str(tmp_path / "mm7.db"), proxy.url, queue, "2"]
    relay = subprocess.Popen(command)
    try:
        client.submit(subject="first")
        worker = start()
        worker.says("subject first")
        proxy.freeze(only_answers=True)
        client.submit(subject="second")
        worker.says("subject second")  # the broker has it, and the relay does not know
    finally:
        relay.kill()
        relay.wait(SECONDS)
    (unsettled,) = spool.messages.find()
    assert unsettled.attempts == 1
    proxy.thaw()
    with closing(Relay(spool, rabbitmq, queue=queue)) as another:
        stop = threading.Event()
        thread = threading.Thread(target=another.run, args=(stop,))
        thread.start()
        try:
            assert unsettled.key in worker.says("dropped, since it was here before")
        finally:
            stop.set()
            thread.join(SECONDS)
    assert not any(spool.messages.counts().values())
    assert rows(inbox, "SELECT subject FROM inbox") == [("first",), ("second",)]


def test_what_could_not_be_written_down_is_tried_again_and_not_given_back(
    client: MM7Client,
    spool: Spool,
    start: Callable[..., Worker],
    rabbitmq: str,
    proxy: Any,
    broker: Any,
    queue: str,
    inbox: Path,
) -> None:
    inbox.mkdir()
    client.submit(subject="late")
    with closing(Relay(spool, rabbitmq, queue=queue)) as relay:
        assert relay.run_once() == 1
    proxy.hold(struct.pack(">HH", 60, 90))  # what gives it back
    worker = start(proxy.url)
    for _ in range(2):
        worker.says("put off: unable to open database file")
    proxy.cut()
    proxy.thaw()
    for _ in range(2):
        worker.says("put off")  # it has come again, on the new connection
    inbox.rmdir()
    worker.says("subject late")
    worker.end(signal.SIGTERM)
    assert rows(inbox, "SELECT subject FROM inbox") == [("late",)]
    assert left(broker, queue) == 0


def test_what_a_killed_worker_has_not_acknowledged_comes_again_and_is_kept_once(
    client: MM7Client,
    spool: Spool,
    start: Callable[..., Worker],
    rabbitmq: str,
    proxy: Any,
    broker: Any,
    queue: str,
    inbox: Path,
) -> None:
    client.submit(subject="first")
    with closing(Relay(spool, rabbitmq, queue=queue)) as relay:
        assert relay.run_once() == 1
    proxy.hold(struct.pack(">HH", 60, 80))  # an acknowledgement
    killed = start(proxy.url)
    killed.says("subject first")
    proxy.wait_until_held(answers=False)
    killed.end(signal.SIGKILL)
    proxy.cut()
    worker = start()
    worker.says("dropped, since it was here before")
    worker.end(signal.SIGTERM)
    assert rows(inbox, "SELECT subject FROM inbox") == [("first",)]
    assert left(broker, queue) == 0
