"""How many messages a second are accepted into a spool, beside a bare insert of the same octets on the same disk.

    python -m benchmarks.spool [--passes 5] [--seconds 1] [--only a,v] [--postgresql URL] [--json FILE] [--quick]

The bare way is the standard library's sqlite3: one row with the body, one transaction for each, a write-ahead log and
synchronous=FULL, in one thread. The spool is called through the whole endpoint, in process: credentials, multipart,
SOAP, fingerprint, and then the transaction. It is measured with one process and with so many as there are processors,
of one thread and of four threads each. What one thread can reach at most is made of what reading and the bare way take.

Then the message of the examples goes over HTTP to gunicorn, whose clients take of the same processors what they need:
that is no measure of the spool, and has no bar.

All of this is measured in each pass, one after the other, in a folder of the current directory. The figure is the
median of the passes, with least and greatest in brackets; the ratio is made within each pass.

Then there is the memory that a process needs to accept a message, measured as memory.py says.
"""

from __future__ import annotations

import argparse
import atexit
import importlib.util
import itertools
import multiprocessing
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from secrets import token_hex
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from mm7_wsgi import MM7Endpoint
from mm7_wsgi.spool import Spool, TransactionLog

from .databases import databases
from .durability import Load, Server
from .memory import measurable, peaks
from .messages import MESSAGES, SMALLER, Message, _base64, _submit
from .peers import Message as PeersMessage
from .peers import Peer
from .requests import ACCOUNTS, LIMITS, environ_of, visit
from .tables import describe, describe_machine, markdown, spread, verdict, write_json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_TITLE: Final = "The spool"
_TRANSACTION: Final = b"TransactionID"
#: The messages, by their letter: 5 KB to 16 MB, the largest that is taken by default.
_MESSAGES: Final[Mapping[str, Callable[[], Message]]] = {
    **{letter: MESSAGES[letter] for letter in "abcd"},
    "v": lambda: _submit("16 MB base64", picture=_base64(16_000_000)),
}
_QUICK_MESSAGES: Final = {letter: SMALLER[letter] for letter in "abcd"}
#: Of these it is said what memory they take to be accepted.
_LARGE: Final = ("c", "d", "v")
_THREADS: Final = 4
#: The most that one thread can do that reads a message and then inserts it, were all else for nothing.
_BOUND: Final = "parsed, then bare"
_SERVED: Final = "the message of the examples, over HTTP"
#: What accepting has to reach of the bare inserts, in one thread and in several.
BAR: Final = 0.5
#: MB above idle that accepting may take, however large the message is.
MEMORY_BAR: Final = 8


class Numbered:
    """A message, each time under a TransactionID of its own."""

    def __init__(self, message: Message) -> None:
        begin = message.body.index(b">", message.body.index(_TRANSACTION)) + 1
        end = message.body.index(b"<", begin)
        self._before, self._after = message.body[:begin], message.body[end:]
        self.content_type = message.content_type
        self._prefix = token_hex(4)
        self._numbers = itertools.count()

    def body(self) -> bytes:
        """The next."""
        own = f"{self._prefix}-{os.getpid()}-{next(self._numbers)}"
        return b"%b%b%b" % (self._before, own.encode(), self._after)


class Input:
    """What a server hands over as ``wsgi.input``."""

    def __init__(self, octets: bytes) -> None:
        self._octets, self._place = octets, 0

    def read(self, size: int) -> bytes:
        """The next octets."""
        piece = self._octets[self._place : self._place + size]
        self._place += len(piece)
        return piece


def sender(app: WSGIApplication, message: Numbered) -> Callable[[], None]:
    """Sends one after the other; each has to be accepted."""

    def start(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], object]:
        assert status == "200 OK", status
        return print

    def send() -> None:
        body = message.body()
        environ = environ_of(message.content_type, len(body))
        environ["wsgi.input"] = Input(body)
        for _ in app(environ, start):
            pass

    return send


def bare(path: str, message: Numbered) -> Callable[[], None]:
    """Inserts one after the other, with nothing around it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, body BLOB)")
    bodies = [message.body()]

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO message (body) VALUES (?)", bodies)
        connection.execute("COMMIT")

    return insert


def bare_postgresql(url: str, message: Numbered) -> Callable[[], None]:
    """The same by psycopg."""
    import psycopg

    connection = psycopg.connect(sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False))
    connection.execute("CREATE TABLE message (id bigserial PRIMARY KEY, body bytea)")
    connection.commit()
    bodies = [message.body()]

    def insert() -> None:
        connection.execute("INSERT INTO message (body) VALUES (%s)", bodies)
        connection.commit()

    return insert


def rate(call: Callable[[], None], seconds: float) -> float:
    """Calls a second, in this thread."""
    call()
    count, begun = 0, time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds or not count:
        call()
        count += 1
    return float(count / passed)


def rate_of_many(make: Callable[[], Callable[[], None]], processes: int, threads: int, seconds: float) -> float:
    """Calls a second of several processes with several threads each; ``make`` is called in each process."""
    context = multiprocessing.get_context("fork")
    barrier, rates = context.Barrier(processes), context.Queue()

    def run() -> None:
        call = make()
        call()
        barrier.wait()
        counts: list[int] = []
        end = time.perf_counter() + seconds

        def work() -> None:
            count = 0
            while time.perf_counter() < end or not count:
                call()
                count += 1
            counts.append(count)

        begun = time.perf_counter()
        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        rates.put(sum(counts) / (time.perf_counter() - begun))

    started = [context.Process(target=run) for _ in range(processes)]
    for process in started:
        process.start()
    found = [rates.get() for _ in started]
    for process in started:
        process.join()
    return float(sum(found))


def _number(number: int, what: str, plural: str = "s") -> str:
    return f"{number} {what}{plural if number > 1 else ''}"


def worked_off(url: str) -> float:
    """Messages a second that one worker takes and is done with, until there are no more."""
    spool = Spool(url)
    count, begun = 0, time.perf_counter()
    while claimed := list(spool.claim(10)):
        for delivery in claimed:
            delivery.done()
        count += len(claimed)
    passed = time.perf_counter() - begun
    spool.close()
    return count / passed


def measure(message: Numbered, server: str | None, seconds: float) -> dict[str, float]:
    """One pass: messages a second, by the way that they are stored."""
    processors = os.cpu_count() or 1

    def endpoint(url: str) -> Callable[[], None]:
        return sender(MM7Endpoint(Spool(url), accounts=ACCOUNTS, limits=LIMITS), message)

    with databases(server) as make:
        url = make()
        insert = bare_postgresql(url, message) if server else bare(str(sa.make_url(url).database), message)
        found = {"bare": rate(insert, seconds)}
        found["parsed and not stored"] = rate(
            sender(MM7Endpoint(visit, accounts=ACCOUNTS, limits=LIMITS), message), seconds
        )
        found[_BOUND] = 1 / (1 / found["bare"] + 1 / found["parsed and not stored"])
        url = make()
        found["spool, one thread"] = rate(endpoint(url), seconds)
        found["one worker: taken and done"] = worked_off(url)
        for processes, threads in ((1, _THREADS), (processors, 1), (processors, _THREADS)):
            url = make()
            made = rate_of_many(lambda url=url: endpoint(url), processes, threads, seconds)  # type: ignore[misc]
            found[f"spool, {_number(processes, 'process', 'es')} of {_number(threads, 'thread')}"] = made
        log = MM7Endpoint(visit, accounts=ACCOUNTS, limits=LIMITS, transactions=TransactionLog(make()))
        found["log of transactions, one thread"] = rate(sender(log, message), seconds)
    return found


def measure_served(server: str | None, seconds: float) -> dict[str, float]:
    """One pass with the message of the examples: messages a second, inserted and accepted by gunicorn."""
    message = Numbered(Message(_SERVED, "multipart/related", PeersMessage().body("0-0")))
    with databases(server) as make:
        url = make()
        insert = bare_postgresql(url, message) if server else bare(str(sa.make_url(url).database), message)
        found = {"bare": rate(insert, seconds)}
        for name, workers, threads in (("4 workers", 4, 1), (f"2 workers of {_THREADS} threads", 2, _THREADS)):
            with closing(Server("benchmarks.durable:application", make(), workers=workers, threads=threads)) as served:
                with closing(Peer("first", served.port)) as first:
                    first.submit("first")  # it is there
                with Load(served.port, clients=2, connections=4, plain=True) as load:
                    before, begun = load.accepted, time.perf_counter()
                    time.sleep(seconds)
                    found[f"gunicorn, {name}"] = (load.accepted - before) / (time.perf_counter() - begun)
                    load.end()
    return found


def is_servable() -> bool:
    """Whether gunicorn is there, and can be."""
    return os.name == "posix" and importlib.util.find_spec("gunicorn") is not None


def spooling() -> WSGIApplication:
    """What memory.py measures: an endpoint with a spool of its own, in MM7_SPOOL where that is the URL of one.

    Other contents under the same TransactionID are another message there.
    """
    url = os.environ.get("MM7_SPOOL")
    if url is None:
        folder = tempfile.TemporaryDirectory(dir=".")
        atexit.register(folder.cleanup)
        url = f"sqlite:///{folder.name}/mm7.db"
    return MM7Endpoint(Spool(url, reuse="accept"), accounts=ACCOUNTS, limits=LIMITS)


def memory_of(
    made: Mapping[str, Callable[[], Message]], letters: Iterable[str], server: str | None, children: int
) -> dict[str, float]:
    """MB above idle that a process needs to accept a message."""
    found = {}
    for letter in letters:
        with databases(server) as make:
            if server is not None:
                os.environ["MM7_SPOOL"] = make()
            try:
                (peak,) = peaks(made, [(letter, "spool")], children=children, fast=True)
            finally:
                os.environ.pop("MM7_SPOOL", None)
            found[letter] = peak.megabytes
    return found


def table(title: str, runs: Sequence[Mapping[str, float]], *, judged: bool) -> str:
    """What was found for one message, pass by pass."""
    rows = []
    for name in runs[0]:
        ratios = [run[name] / run["bare"] for run in runs]
        least = BAR if judged and name.startswith("spool") else None
        cells = [f"{median(run[name] for run in runs):,.0f}", spread(ratios), verdict(median(ratios), least=least)]
        rows.append([name, *cells])
    return markdown([title, "messages a second", "times bare", "at least"], rows)


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmark with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spool", description="What it costs to store messages.")
    parser.add_argument("--passes", type=int, default=5, help="of which the median counts (default: 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each figure (default: 1)")
    parser.add_argument("--only", metavar="LETTERS", help="only these messages, such as a,v")
    parser.add_argument("--postgresql", metavar="URL", help="measure it there, in databases that are made and removed")
    parser.add_argument("--quick", action="store_true", help="whether it works, and not how fast")
    parser.add_argument("--json", metavar="FILE", help="write all that was measured to this file")
    given = parser.parse_args(arguments)
    made = _QUICK_MESSAGES if given.quick else _MESSAGES
    letters = list(made) if given.only is None else given.only.split(",")
    if unknown := set(letters) - made.keys():
        parser.error(f"there is no message {', '.join(sorted(unknown))}, but {', '.join(made)}")
    if given.quick:
        given.passes, given.seconds = 1, 0.05
    passes: Mapping[str, list[dict[str, float]]] = {letter: [] for letter in letters}
    served: list[dict[str, float]] = []
    for _ in range(given.passes):
        for letter in letters:
            passes[letter].append(measure(Numbered(made[letter]()), given.postgresql, given.seconds))
        if is_servable():
            served.append(measure_served(given.postgresql, given.seconds))
    print(f"Measured on {describe(describe_machine())}\n")
    for letter in letters:
        print(table(made[letter]().title, passes[letter], judged=not given.quick))
    if served:
        print(table(_SERVED, served, judged=False))
    figures: dict[str, Any] = {"passes": passes, "served": served}
    if measurable():
        large = [letter for letter in letters if letter in _LARGE]
        found = memory_of(made, large, given.postgresql, 1 if given.quick else 3)
        figures["memory"] = found
        rows = [
            [made[letter]().title, f"{found[letter]:,.2f}", verdict(found[letter], most=MEMORY_BAR)] for letter in found
        ]
        print(markdown(["accepted", "MB above idle", "at most"], rows), end="")
    if given.json is not None:
        write_json(given.json, _TITLE, figures)


if __name__ == "__main__":
    main()
