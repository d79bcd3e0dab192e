"""Whether what was accepted is there, and once: gunicorn under load, whose workers are killed at random.

    python -m benchmarks.durability [DATABASE] [--kills 1000] [--accepted 100000] [--workers 4] [--clients 2]
                                    [--consume] [--json FILE]

DATABASE is the URL of a server of PostgreSQL, on which a database is made and removed again; without it, there is a
file of SQLite in the current folder, removed too.

Clients send messages as peers do: one without a whole answer, with a lost connection or with anything but 1000 is sent
again, under the same TransactionID, until it is accepted. Meanwhile ``kill -9`` meets a worker at random moments, until
both numbers are reached. One in ten of the accepted messages is sent once more, and one in fifty is sent by two at the
same time; the answers have to be the same to the last octet.

At the end the database is read. Exit status 1 says that something was accepted and is not there, is there twice or with
other octets, or was answered in two ways.

With --consume, two processes take messages from the spool all the time, and are killed too. Each message then has to
have been handed out, or to be there still; how many were handed out twice is counted.

Needs gunicorn, and a system that has /proc.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import sqlalchemy as sa

from mm7_wsgi.spool import Spool
from mm7_wsgi.spool.tables import messages, transactions

from .tables import describe, describe_machine, markdown, write_json

_TITLE: Final = "Durability"
_ROOT: Final = Path(__file__).resolve().parents[1]
_MESSAGE: Final = _ROOT / "examples" / "messages" / "submit"
_TRANSACTION: Final = b"vas-20300102-0001"
#: Seconds between two kills, on average; there is no less than a tenth of it.
_PAUSE: Final = 0.12
#: Seconds until a server has to answer, and to be gone.
_PATIENCE: Final = 30.0
_ANSWER: Final = re.compile(rb"<(?:\w+:)?StatusCode>1000<.*<(?:\w+:)?MessageID>([^<]+)<", re.DOTALL)


@dataclass
class Report:
    """What a client has seen."""

    #: MessageID and digest of the whole answer, by TransactionID.
    accepted: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    #: TransactionIDs that were answered in two ways.
    differing: set[str] = field(default_factory=set)
    requests: int = 0
    answers: int = 0
    #: Sent again because there was no answer, or another one than 1000.
    resent: int = 0
    #: Sent again although they were accepted.
    repeated: int = 0


class Client:
    """A peer that does not give up."""

    def __init__(self, port: int) -> None:
        self._address = ("127.0.0.1", port)
        head = b"\r\n".join(_MESSAGE.with_suffix(".headers").read_bytes().splitlines())
        body = _MESSAGE.with_suffix(".body").read_bytes()
        assert body.count(_TRANSACTION) == 1
        self._head = b"POST /mm7/acme=s3cret HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%b\r\n" % head
        self._body = body
        self.report = Report()
        self._lock = threading.Lock()

    def octets(self, transaction: str) -> bytes:
        """The body of a message."""
        return self._body.replace(_TRANSACTION, transaction.encode())

    def submit(self, transaction: str) -> None:
        """Send it until it is accepted, and remember the answer."""
        body = self.octets(transaction)
        request = b"%bContent-Length: %d\r\n\r\n%b" % (self._head, len(body), body)
        while True:
            answer = self._exchange(request)
            found = _ANSWER.search(answer) if answer.startswith(b"HTTP/1.1 200 ") else None
            with self._lock:
                self.report.requests += 1
                if found is not None:
                    self._note(transaction, found[1].decode(), answer.partition(b"\r\n\r\n")[2])
                    return
                self.report.resent += 1

    def _note(self, transaction: str, message_id: str, body: bytes) -> None:
        report = self.report
        report.answers += 1
        seen = (message_id, hashlib.sha256(body).digest())
        if report.accepted.setdefault(transaction, seen) != seen:
            report.differing.add(transaction)

    def _exchange(self, request: bytes) -> bytes:
        """The answer as far as it came; nothing where the half of it is missing."""
        answer = b""
        try:
            with socket.create_connection(self._address, _PATIENCE) as connection:
                connection.sendall(request)
                while octets := connection.recv(65536):
                    answer += octets
        except OSError:
            return b""
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)^content-length: (\d+)\r?$", head, re.MULTILINE)
        return answer if length is not None and len(body) == int(length[1]) else b""


def run_client(number: int, port: int, stop: Event, accepted: Any, reports: Any) -> None:
    """Send messages until it is told to stop, and report."""
    client, chance = Client(port), random.Random(number)
    sent = 0
    while not stop.is_set():
        transaction = f"{number}-{sent}"
        sent += 1
        if chance.random() < 0.02:
            both = [threading.Thread(target=client.submit, args=[transaction]) for _ in range(2)]
            for thread in both:
                thread.start()
            for thread in both:
                thread.join()
            client.report.repeated += 1
        else:
            client.submit(transaction)
        if chance.random() < 0.1:
            client.report.repeated += 1
            client.submit(f"{number}-{chance.randrange(max(0, sent - 1000), sent)}")
        with accepted.get_lock():
            accepted.value += 1
    reports.put(client.report)


def run_consumer(url: str, path: str) -> None:
    """Take messages, and write down which, each before it is done."""
    spool = Spool(url)
    with open(path, "ab", buffering=0) as file:
        for delivery in spool.deliveries(lease=5, poll=0.05):
            file.write(f"{delivery.transaction_id}\n".encode())
            with suppress(Exception):  # its lease is lost, or the database is: it comes again
                delivery.done()


@contextmanager
def serving(url: str, workers: int) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """gunicorn, on a port that is free."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--preload"]
        command += ["--workers", str(workers), "--log-level", "critical", "--no-control-socket"]
        command += ["benchmarks.durable:application"]
        server = subprocess.Popen(
            [word for word in command if word], cwd=_ROOT, env={**os.environ, "MM7_SPOOL": url},
            pass_fds=[listener.fileno()], start_new_session=True,
        )  # fmt: skip
    try:
        yield server, port
    finally:
        server.terminate()
        try:
            server.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def children(pid: int) -> list[int]:
    """The processes that one has started."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                if int(file.read().rpartition(b") ")[2].split()[1]) == pid:
                    found.append(int(name))
    return found


@contextmanager
def storing(server: str | None) -> Iterator[str]:
    """The URL of a database that is empty, and gone afterwards."""
    if server is None:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            yield f"sqlite:///{Path(folder).resolve()}/mm7.db"
        return
    place = sa.make_url(server).set(drivername="postgresql+psycopg")
    name = f"mm7_durability_{token_hex(4)}"
    engine = sa.create_engine(place, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield place.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


def torture(url: str, options: argparse.Namespace) -> dict[str, int | float]:
    """Run it; returns the figures."""
    context = multiprocessing.get_context("fork")
    stop, accepted, reports = context.Event(), context.Value("q", 0), context.Queue()
    kills = Counter[str]()
    with tempfile.TemporaryDirectory() as folder, serving(url, options.workers) as (server, port):
        Client(port).submit("first")  # it is there
        clients = [
            context.Process(target=run_client, args=(number, port, stop, accepted, reports))
            for number in range(options.clients)
        ]
        taken = [str(Path(folder, str(number))) for number in range(2 if options.consume else 0)]
        consumers = [context.Process(target=run_consumer, args=(url, path)) for path in taken]
        for process in (*clients, *consumers):
            process.start()
        begun = time.monotonic()
        while kills["worker"] < options.kills or accepted.value < options.accepted:
            time.sleep(_PAUSE * 0.1 + random.expovariate(1 / (_PAUSE * 0.9)))
            victims = children(server.pid)
            if victims and kills["worker"] < options.kills:
                with suppress(ProcessLookupError):  # that of the kill before is still to be seen
                    os.kill(random.choice(victims), signal.SIGKILL)
                    kills["worker"] += 1
            if consumers and random.random() < 0.2:
                number = random.randrange(len(consumers))
                consumers[number].kill()
                consumers[number].join()
                kills["consumer"] += 1
                consumers[number] = context.Process(target=run_consumer, args=(url, taken[number]))
                consumers[number].start()
            if options.progress:
                print(f"\r{kills['worker']:,} kills, {accepted.value:,} accepted ", end="", file=sys.stderr, flush=True)
        stop.set()
        found = [reports.get(timeout=2 * _PATIENCE) for _ in clients]
        seconds = time.monotonic() - begun
        for process in clients:
            process.join()
        for process in consumers:
            process.kill()
            process.join()
        handed = Counter(line for path in taken if os.path.exists(path) for line in Path(path).read_text().split())
    return {**judge(url, found, handed, port), "kills": kills["worker"], "kills of consumers": kills["consumer"]} | {
        "seconds": round(seconds, 1),
        "accepted in a second": round(sum(len(report.accepted) for report in found) / seconds, 1),
    }


def judge(url: str, reports: Sequence[Report], handed: Counter[str], port: int) -> dict[str, int | float]:
    """Compare what the clients were told with what is in the database."""
    client = Client(port)
    told = {transaction: seen for report in reports for transaction, seen in report.accepted.items()}
    stored: Counter[str] = Counter()
    ids: dict[str, str] = {}
    spoilt = 0
    engine = sa.create_engine(sa.make_url(url), execution_options={"yield_per": 1000})
    with engine.connect() as connection:
        columns = (messages.c.transaction_id, messages.c.message_id, messages.c.body)
        for transaction, message_id, body in connection.execute(sa.select(*columns)):
            stored[transaction] += 1
            ids[transaction] = message_id
            spoilt += bytes(body) != client.octets(transaction)
        known = dict(connection.execute(sa.select(transactions.c.transaction_id, transactions.c.message_id)).all())
        rows = connection.scalar(sa.select(sa.func.count()).select_from(transactions)) or 0
    engine.dispose()
    for transaction in handed:
        ids.setdefault(transaction, known.get(transaction, ""))
    lost = [transaction for transaction, (message_id, _) in told.items() if ids.get(transaction) != message_id]
    stored.pop("first", None)
    return {
        "requests": sum(report.requests for report in reports),
        "answers 1000": sum(report.answers for report in reports),
        "sent again without an answer": sum(report.resent for report in reports),
        "sent again on purpose": sum(report.repeated for report in reports),
        "accepted": len(told),
        "stored": len({*stored, *handed} - {"first"}),
        "accepted and lost": len(lost),
        "stored twice": sum(count > 1 for count in stored.values()) + (rows - len(known)),
        "stored with other octets": spoilt,
        "answered in two ways": sum(len(report.differing) for report in reports),
        "stored and never answered": len({*stored, *handed} - {"first"} - told.keys()),
        "handed out": len(handed),
        "handed out twice": sum(count > 1 for count in handed.values()),
    }


#: What has to be 0.
_PROMISES: Final = ("accepted and lost", "stored twice", "stored with other octets", "answered in two ways")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description="Kill servers, and look for what they have accepted.")
    parser.add_argument("database", nargs="?", help="a server of PostgreSQL, by its URL (default: a file of SQLite)")
    parser.add_argument("--kills", type=int, default=1000, help="how many workers to kill (default: 1000)")
    parser.add_argument("--accepted", type=int, default=100_000, help="how many to have accepted (default: 100000)")
    parser.add_argument("--workers", type=int, default=4, help="processes of gunicorn (default: 4)")
    parser.add_argument("--clients", type=int, default=2, help="processes that send (default: 2)")
    parser.add_argument("--consume", action="store_true", help="have messages taken meanwhile")
    parser.add_argument("--progress", action="store_true", help="say how far it is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    with storing(options.database) as url:
        figures = torture(url, options)
    print(f"\nMeasured on {describe(describe_machine())}\n")
    print(markdown(("what", "how many"), [(name, f"{value:,}") for name, value in figures.items()]))
    if options.json:
        write_json(options.json, _TITLE, figures)
    broken = [name for name in _PROMISES if figures[name]]
    for name in broken:
        print(f"{name}: {figures[name]}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
