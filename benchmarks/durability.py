"""Whether what was accepted is there, and once: gunicorn under load, whose processes are killed at random.

    python -m benchmarks.durability [DATABASE] [--kills 1000] [--accepted 100000] [--servers 20] [--consume]
                                    [--workers 4] [--threads 1] [--clients 2] [--connections 8] [--folder .]
                                    [--application benchmarks.durable:application] [--progress] [--json FILE]

DATABASE is the URL of a server of PostgreSQL, on which a database is made and removed again; without it, there is a
file of SQLite, removed too.

Clients send messages as peers do: one without a whole answer, with a lost connection or with 4006 is sent again under
the same TransactionID, at times with another boundary, until it is accepted. Of some the answer is not waited for, some
are sent over several connections at once, and one in ten is sent once more after it was accepted: the answers have to
be the same to the last octet, and so has the one that is on record. Meanwhile ``kill -9`` meets a worker at random
moments, until both numbers are reached. With --servers, so many times in the whole it meets the master instead, alone
or with all of its workers, and gunicorn is started again.

At the end the database is read, with SQL and as a worker does it. Exit status 1 says that something was accepted and is
not there, is there twice or with other octets, was answered in two ways, or was answered what nobody expects.

With --consume, two processes take messages from the spool all the time, and are killed too. Each message then has to
have been handed out in the end, and none after it was done; how many were handed out twice is counted.

Needs gunicorn, and a system that has /proc.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType
from typing import Any, Final

import sqlalchemy as sa

from mm7_wsgi.spool import Spool
from mm7_wsgi.spool.tables import messages, transactions

from .databases import databases
from .peers import PATIENCE, Message, Peer, Report
from .tables import describe, describe_machine, markdown, write_json

_TITLE: Final = "Durability"
_ROOT: Final = Path(__file__).resolve().parents[1]
#: Seconds between two kills: at least, and what comes to it on average.
_PAUSE: Final = (0.01, 0.1)
#: How many times faster the kills may come than they would if they were spread over all that is to be accepted.
_HASTE: Final = 1.5
#: Seconds in which something has to be accepted.
_STANDSTILL: Final = 2 * PATIENCE
#: Seconds that a message is a consumer's.
_LEASE: Final = 5.0
_CONSUMERS: Final = 2
#: Messages that are read whole, of those that are handed out at the end: one in so many.
_READ: Final = 20


# -- what runs


class Server:
    """gunicorn with an application that finds its database in MM7_SPOOL, at a port that is free."""

    def __init__(self, application: str, url: str, *, workers: int = 4, threads: int = 1) -> None:
        # It stays open here: what comes while no server is there waits for the next one.
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self._folder = tempfile.TemporaryDirectory()
        kind = ["--worker-class", "gthread", "--threads", str(threads)] if threads > 1 else ["--worker-class", "sync"]
        self._command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{self._listener.fileno()}", "--preload"]
        self._command += ["--workers", str(workers), *kind, "--log-level", "critical", "--chdir", str(_ROOT)]
        self._command += ["--backlog", "512", application]
        # Newer ones make a socket there to be controlled by, or else in the home of whoever runs them.
        self._environment = {**os.environ, "MM7_SPOOL": url, "XDG_RUNTIME_DIR": self._folder.name}
        self._processes: list[subprocess.Popen[bytes]] = []
        self.start()

    def start(self) -> None:
        """Have it run."""
        self._processes.append(
            subprocess.Popen(
                self._command,
                cwd=_ROOT,
                env=self._environment,
                pass_fds=[self._listener.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    def kill_worker(self, chance: random.Random) -> bool:
        """Kill one of its workers, be its master there or not, and say whether there was one."""
        if self._processes[-1].poll() is not None:
            raise RuntimeError("gunicorn has ended by itself")
        workers = self.workers()
        if workers:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(workers), signal.SIGKILL)
                return True
        return False

    def workers(self, masters: Collection[int] | None = None) -> list[int]:
        """Those that run; ``masters`` has whose they are, be they gone or not: all without it."""
        if masters is None:
            masters = [process.pid for process in self._processes]
        # By now another program may have the number of a master that is gone; nobody else has this socket.
        return [each for each in alive(masters) if has_open(each, self._listener.fileno())]

    def kill(self, *, whole: bool) -> None:
        """Kill the master, with its workers or without, and start another.

        Workers without a master go on for as long as somebody waits to be served.
        """
        if whole:
            os.killpg(self._processes[-1].pid, signal.SIGKILL)
        else:
            self._processes[-1].kill()
        self._processes[-1].wait()
        self.start()

    def close(self) -> None:
        """End it, and all that is left of earlier ones."""
        *earlier, process = self._processes
        masters = {one.pid for one in earlier}
        for worker in self.workers(masters):
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._listener.close()
        self._folder.cleanup()


def alive(leaders: Collection[int]) -> list[int]:
    """The processes that run in the sessions of these: one that was killed stays in the list until it is noticed."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in leaders:
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:
                state, _, _, session = file.read().rpartition(b") ")[2].split()[:4]
                if int(session) in leaders and state != b"Z":
                    found.append(int(name))
    return found


def has_open(process: int, file: int) -> bool:
    """Whether a process has open what is ``file`` here."""
    own, folder = os.fstat(file), f"/proc/{process}/fd"
    with suppress(OSError):  # it is gone
        for name in os.listdir(folder):
            with suppress(OSError):  # closed meanwhile
                if os.path.samestat(own, os.stat(f"{folder}/{name}")):
                    return True
    return False


@contextmanager
def storing(server: str | None, folder: str | None = None) -> Iterator[str]:
    """The URL of a database that is empty, and gone afterwards: a file in ``folder``, or one of a server's."""
    with databases(server, folder) as make:
        yield make()


def run_client(number: int, port: int, connections: int, plain: bool, stop: Event, accepted: Any, reports: Any) -> None:
    """Send messages over so many connections until it is told to stop, and report."""
    peers = [Peer(f"{number}-{each}", port) for each in range(connections)]

    def run(peer: Peer) -> None:
        with closing(peer):
            while not stop.is_set():
                peer.send_next(plain=plain)
                with accepted.get_lock():
                    accepted.value += 1

    threads = [threading.Thread(target=run, args=[peer]) for peer in peers]
    for thread in threads:
        thread.start()
    report = Report()
    for thread, peer in zip(threads, peers, strict=True):
        thread.join()
        report.add(peer.report)
    reports.put(report)


class Load:
    """Clients, in processes of their own. ``with Load(…) as load``; ``load.end()`` gives what they have seen."""

    def __init__(self, port: int, *, clients: int, connections: int, plain: bool = False) -> None:
        context = multiprocessing.get_context("fork")
        self._stop, self._accepted, self._reports = context.Event(), context.Value("q", 0), context.Queue()
        arguments = (port, connections, plain, self._stop, self._accepted, self._reports)
        self._processes = [context.Process(target=run_client, args=(each, *arguments)) for each in range(clients)]

    def __enter__(self) -> Load:
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()

    @property
    def accepted(self) -> int:
        """How many messages were accepted so far."""
        return int(self._accepted.value)

    def end(self) -> Report:
        """Have them finish what they have begun."""
        self._stop.set()
        report = Report()
        for _ in self._processes:
            report.add(self._reports.get(timeout=4 * PATIENCE))
        return report


def run_consumer(url: str, path: str) -> None:
    """Take messages, and write down each when it is handed out, and when it was done."""
    spool = Spool(url)
    with open(path, "ab", buffering=0) as file:
        for delivery in spool.deliveries(_LEASE, poll=0.05):
            names = f"{delivery.transaction_id} {delivery.message_id}"
            file.write(f"{time.monotonic()} out {names}\n".encode())
            try:
                delivery.done()
            except Exception:  # its lease is lost, or the database is: it comes again
                continue
            file.write(f"{time.monotonic()} done {names}\n".encode())


class Consumers:
    """Processes that take messages, and can be killed."""

    def __init__(self, url: str, count: int) -> None:
        self._context = multiprocessing.get_context("fork")
        self._url = url
        self._folder = tempfile.TemporaryDirectory()
        self._paths = [str(Path(self._folder.name, str(number))) for number in range(count)]
        #: What they have written down, in its order: time, out or done, TransactionID and MessageID.
        self.events: list[list[str]] = []
        self._processes: list[BaseProcess] = []
        self.kills = 0

    def __enter__(self) -> Consumers:
        self._processes = [self._start(path) for path in self._paths]
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        lines = [line for path in self._paths if os.path.exists(path) for line in Path(path).read_text().splitlines()]
        self.events = sorted((line.split() for line in lines), key=lambda words: float(words[0]))
        self._folder.cleanup()

    def _start(self, path: str) -> BaseProcess:
        process = self._context.Process(target=run_consumer, args=(self._url, path))
        process.start()
        return process

    def kill(self, chance: random.Random) -> None:
        """Kill one, and start another."""
        if self._processes:
            number = chance.randrange(len(self._processes))
            self._processes[number].kill()
            self._processes[number].join()
            self._processes[number] = self._start(self._paths[number])
            self.kills += 1


# -- running it


def torture(url: str, options: argparse.Namespace) -> tuple[dict[str, int | float], list[bytes]]:
    """Run it; returns the figures, and answers that nobody expects."""
    chance = random.Random()
    kills = Counter[str]()
    with (
        closing(Server(options.application, url, workers=options.workers, threads=options.threads)) as server,
        Consumers(url, _CONSUMERS if options.consume else 0) as consumers,
    ):
        with closing(Peer("first", server.port)) as first:
            first.submit("first")  # it is there
        begun = moved = time.monotonic()
        with Load(server.port, clients=options.clients, connections=options.connections) as load:
            seen = 0
            while kills["worker"] < options.kills or load.accepted < options.accepted:
                least, mean = _PAUSE
                time.sleep(least + chance.expovariate(1 / mean))
                # So many for what was accepted, or a busy machine would do nothing but start processes.
                is_time = sum(kills.values()) <= _HASTE * options.kills * load.accepted / options.accepted
                if is_time and kills["server"] * options.kills < options.servers * kills["worker"]:
                    server.kill(whole=kills["server"] % 2 == 0)
                    kills["server"] += 1
                elif is_time and options.kills:
                    kills["worker"] += server.kill_worker(chance)
                if chance.random() < 0.2:
                    consumers.kill(chance)
                if load.accepted != seen:
                    seen, moved = load.accepted, time.monotonic()
                elif time.monotonic() > moved + _STANDSTILL:
                    raise RuntimeError(f"nothing was accepted for {_STANDSTILL:.0f} s")
                if options.progress:
                    print(f"\r{kills['worker']:,} kills, {seen:,} accepted ", end="", file=sys.stderr, flush=True)
            report = load.end()
        seconds = time.monotonic() - begun
    report.add(first.report)
    return {
        "workers killed": kills["worker"],
        "servers killed": kills["server"],
        "consumers killed": consumers.kills,
        **judge(url, report, consumers.events),
        "seconds": round(seconds, 1),
        "accepted in a second": round(len(report.accepted) / seconds, 1),
    }, report.others


def judge(url: str, report: Report, events: Sequence[Sequence[str]] = ()) -> dict[str, int | float]:
    """Compare what the clients were told with what is in the database, and what was handed out with both."""
    told = report.accepted
    message = Message()
    spoilt = 0
    rows: Counter[str] = Counter()
    ids: dict[str, set[str]] = {}
    recorded: dict[str, list[tuple[str, bytes]]] = {}
    engine = sa.create_engine(url, execution_options={"yield_per": 1000})
    with engine.connect() as connection:
        columns = (messages.c.transaction_id, messages.c.message_id, messages.c.body)
        for transaction, message_id, body in connection.execute(sa.select(*columns)):
            rows[transaction] += 1
            ids.setdefault(transaction, set()).add(message_id)
            spoilt += not message.is_it(transaction, bytes(body))
        known = (transactions.c.transaction_id, transactions.c.message_id, transactions.c.answer)
        for transaction, message_id, answer in connection.execute(sa.select(*known)):
            digest = hashlib.sha256(bytes(answer)).digest()
            recorded.setdefault(transaction, []).append((message_id, digest))
    engine.dispose()

    out: Counter[str] = Counter()
    done: set[str] = set()
    late = 0
    for _, what, transaction, message_id in events:
        ids.setdefault(transaction, set()).add(message_id)
        if what == "done":
            done.add(transaction)
        else:
            out[transaction] += 1
            late += transaction in done
    swept = Counter[str]()
    for transaction, message_id, body in sweep(url):
        swept[transaction] += 1
        late += transaction in done
        ids.setdefault(transaction, set()).add(message_id)
        spoilt += body is not None and not message.is_it(transaction, body)

    lost = [name for name, seen in told.items() if ids.get(name) != {seen[0]} or not (rows[name] or out[name])]
    twice = {name for name in ids if rows[name] > 1 or swept[name] > 1 or len(ids[name]) > 1}
    twice |= {name for name, entries in recorded.items() if len(entries) > 1}
    differing = report.differing | {name for name, seen in told.items() if recorded.get(name) != [seen]}
    handed = out + swept
    return {
        "requests": report.requests,
        "answers 1000": report.answers,
        "answers 4006": report.unavailable,
        "lost connections": report.unanswered,
        "sent and not waited for": report.given_up,
        "sent by several at once": report.at_once,
        "sent again after being accepted": report.again,
        "accepted": len(told),
        "stored": len(ids),
        "stored and never answered": len(ids.keys() - told.keys()),
        "accepted and lost": len(lost),
        "stored twice": len(twice),
        "stored with other octets": spoilt,
        "answered in two ways": len(differing),
        "answered otherwise": len(report.others),
        "accepted and never handed out": len(told.keys() - handed.keys()),
        "handed out after being done": late,
        "handed out twice": sum(count > 1 for count in handed.values()),
    }


def sweep(url: str) -> Iterator[tuple[str, str, bytes | None]]:
    """Take all that is left, as a worker does: TransactionID, MessageID and, of some, the body as it came."""
    with closing(Spool(url)) as spool:
        number, is_waiting = 0, True
        while is_waiting:
            is_waiting = False
            for delivery in spool.claim(1000, lease=24 * 3600):
                number, is_waiting = number + 1, True
                body = None
                if number % _READ == 0:
                    with delivery.open() as stream:
                        body = stream.read()
                yield delivery.transaction_id, delivery.message_id, body
            # Those of consumers that were killed are free when their leases end.
            soon = time.time() + 2 * _LEASE
            while not is_waiting and any(held.due.timestamp() < soon for held in spool.messages.find(state="leased")):
                time.sleep(_LEASE / 10)
                is_waiting = bool(spool.messages.counts()["waiting"])


#: What has to be 0.
PROMISES: Final = (
    "accepted and lost",
    "stored twice",
    "stored with other octets",
    "answered in two ways",
    "answered otherwise",
    "accepted and never handed out",
    "handed out after being done",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.durability", description="Kills servers, and looks for what they have accepted."
    )
    parser.add_argument("database", nargs="?", help="a server of PostgreSQL, by its URL (default: a file of SQLite)")
    parser.add_argument("--kills", type=int, default=1000, help="how many workers to kill (default: 1000)")
    parser.add_argument("--accepted", type=int, default=100_000, help="how many to have accepted (default: 100000)")
    parser.add_argument("--servers", type=int, default=0, help="how often to kill the master too (default: 0)")
    parser.add_argument("--consume", action="store_true", help="have messages taken meanwhile, by two that are killed")
    parser.add_argument("--workers", type=int, default=4, help="processes of gunicorn (default: 4)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each, of the kind gthread (default: sync)")
    parser.add_argument("--clients", type=int, default=2, help="processes that send (default: 2)")
    parser.add_argument("--connections", type=int, default=8, help="of each of them at a time (default: 8)")
    parser.add_argument("--folder", help="where the file of SQLite is made (default: here)")
    parser.add_argument("--application", default="benchmarks.durable:application", help="another application")
    parser.add_argument("--progress", action="store_true", help="say how far it is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args(arguments)
    if options.accepted < 1:
        parser.error("--accepted has to be 1 at least")
    # What ends a program otherwise would leave the servers behind.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _interrupt)
    with storing(options.database, options.folder) as url:
        figures, others = torture(url, options)
    print(f"\nMeasured on {describe(describe_machine())}\n")
    print(markdown(("what", "how many"), [(name, f"{value:,}") for name, value in figures.items()]))
    if options.json:
        write_json(options.json, _TITLE, figures)
    for answer in others[:3]:
        print(f"an answer that nobody expects: {answer!r}", file=sys.stderr)
    broken = [name for name in PROMISES if figures[name]]
    for name in broken:
        print(f"{name}: {figures[name]}", file=sys.stderr)
    return 1 if broken else 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
