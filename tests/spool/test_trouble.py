"""A database in trouble: nothing is accepted that is not kept, and it goes on by itself when the trouble is over."""

from __future__ import annotations

import logging
import os
import resource
import runpy
import shutil
import socket
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import sqlalchemy as sa

from mm7_wsgi.spool import Spool, TransactionLog
from mm7_wsgi.spool import postgresql as postgresql_module
from mm7_wsgi.spool import sqlite as sqlite_module
from mm7_wsgi.spool.tables import messages
from mm7_wsgi.testing import MM7Client

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
Look, fork, peer = KIT["Look"], KIT["fork"], KIT["peer"]
LIVE = runpy.run_path(str(Path(__file__).parents[1] / "live.py"))
until = LIVE["until"]


def refused(client: MM7Client, transaction_id: str, **more: Any) -> None:
    """The peer is told to come again."""
    answer = client.submit(transaction_id=transaction_id, **more)
    assert (answer.http_status, answer.status_code) == (500, 4006)
    assert "stored" in str(answer.details)


def accepted(client: MM7Client, transaction_id: str, **more: Any) -> None:
    answer = client.submit(transaction_id=transaction_id, **more)
    assert (answer.http_status, answer.status_code) == (200, 1000)


class Told:
    """What the log says of a database."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def levels(self) -> list[str]:
        return [record.levelname for record in self._caplog.records if getattr(record, "event", None) == "spool"]

    def begins_and_ends_once(self) -> bool:
        return self.levels == ["ERROR", "WARNING"]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    caplog.set_level(logging.WARNING, "mm7_wsgi")
    return Told(caplog)


@pytest.fixture
def path(folder: Path) -> Path:
    return folder / "mm7.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    made = Spool(path)
    yield made
    made.close()


@pytest.fixture
def client(spool: Spool) -> Any:
    return peer(spool)


@pytest.fixture
def look(path: Path) -> Any:
    return Look(f"sqlite:///{path}")


BIG = (("video/3gpp", bytes(700_000)),)


# -- SQLite: no room


class Full(sqlite3.Connection):
    """A database that is full when it has as many pages as ``most``."""

    most = 1_000_000

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        found: sqlite3.Cursor = self.cursor().execute(*arguments)
        return found

    def cursor(self, *arguments: Any) -> Any:
        super().cursor().execute(f"PRAGMA max_page_count = {self.most}")
        return super().cursor(*arguments)


def test_a_database_that_is_full_takes_what_it_has_room_for(
    path: Path, look: Any, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(path, connect_args={"factory": Full})
    client = peer(spool)
    accepted(client, "1")
    monkeypatch.setattr(Full, "most", 20)
    for _ in range(2):
        refused(client, "2", parts=BIG)
        refused(client, "2", parts=(("video/3gpp", bytes(400_000)),))
    assert look.stored() == ["1"]
    assert look("SELECT count(*) FROM mm7_pieces") == [(0,)]
    assert look("SELECT count(*) FROM mm7_transactions") == [(1,)]
    assert told.levels == ["ERROR"]
    monkeypatch.setattr(Full, "most", 1_000_000)
    accepted(client, "2", parts=BIG)
    assert told.begins_and_ends_once()
    assert look.stored() == ["1", "2"]
    spool.close()


def test_where_the_system_lets_no_file_grow_nothing_is_accepted(path: Path, look: Any, client: MM7Client) -> None:
    accepted(client, "0")
    accepted(client, "big", parts=BIG)
    size = max(file.stat().st_size for file in path.parent.iterdir())

    def work(tell: Callable[[Any], None]) -> None:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        codes = {}
        for number in range(1, 12):
            answer = client.submit(transaction_id=f"{number}", parts=(("video/3gpp", bytes(300_000)),))
            codes[f"{number}"] = int(answer.status_code)
        tell(codes)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        accepted(client, "again")
        accepted(client, "11", parts=(("video/3gpp", bytes(300_000)),))

    child = fork(work)
    child.wait()
    (codes,) = child.told
    assert set(codes.values()) in ({1000, 4006}, {4006})
    good = [number for number, code in codes.items() if code == 1000]
    assert sorted(look.stored()) == sorted(["0", "big", *good, "again", *({"11"} - set(good))])
    assert look("PRAGMA integrity_check") == [("ok",)]


@pytest.fixture
def small(folder: Path) -> Iterator[Path]:
    """A file system of 6 MB, where one may be mounted."""
    place = folder / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=6000k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("only root can mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_is_full_is_used_again_when_there_is_room(small: Path, told: Told) -> None:
    path = small / "mm7.db"
    spool = Spool(path)
    client = peer(spool)
    accepted(client, "1")
    filling = small / "filling"
    with filling.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    codes = [int(client.submit(transaction_id=f"full-{number}").status_code) for number in range(20)]
    assert codes[-1] == 4006
    assert set(codes) <= {1000, 4006}
    filling.unlink()
    for number in range(20):
        accepted(client, f"full-{number}")
    assert sorted(Look(f"sqlite:///{path}").stored()) == sorted(["1", *(f"full-{number}" for number in range(20))])
    assert told.levels[0] == "ERROR"
    assert told.levels[-1] == "WARNING"
    spool.close()


# -- SQLite: no right to write


def as_somebody_else(work: Callable[[], None]) -> Any:
    """Do it as a user who may only what the modes of files say."""

    def child(tell: Callable[[Any], None]) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        work()
        tell("all")

    found = fork(child)
    assert found.wait() == 0
    assert found.told == ["all"]


@pytest.mark.parametrize("what", ["the file", "the folder", "both"])
def test_what_may_not_be_written_to_is_not_written_to(path: Path, look: Any, what: str) -> None:
    inner = path.parent / "inner"
    inner.mkdir()
    if os.geteuid() == 0:
        os.chmod(path.parent, 0o777)
        os.chown(inner, 65534, 65534)
    path = inner / "mm7.db"

    def work() -> None:
        spool = Spool(path)
        client = peer(spool)
        accepted(client, "1")
        spool.close()
        if what != "the folder":
            path.chmod(0o444)
        if what != "the file":
            inner.chmod(0o555)
        refused(client, "2")
        refused(client, "2")
        inner.chmod(0o755)
        path.chmod(0o644)
        accepted(client, "2")
        spool.close()

    as_somebody_else(work)
    assert Look(f"sqlite:///{path}").stored() == ["1", "2"]


def test_what_cannot_be_opened_is_not_waited_for(
    path: Path, client: MM7Client, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"no database at all " * 1000)
    monkeypatch.setattr(sqlite_module.time, "sleep", lambda seconds: pytest.fail("it waits"))
    refused(client, "1")
    inner = path.parent / "nowhere" / "mm7.db"
    refused(peer(Spool(inner)), "1")

    def work() -> None:
        refused(peer(Spool(path.parent / "new.db")), "1")

    if os.geteuid() == 0:
        os.chmod(path.parent, 0o755)
        as_somebody_else(work)


# -- SQLite: somebody else has it


def test_a_database_that_is_locked_for_longer_than_is_waited(
    path: Path, look: Any, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "_BUSY", 0.02)
    spool = Spool(path)
    client = peer(spool)
    accepted(client, "1")

    def hold(tell: Callable[[Any], None]) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            tell("held")
            threading.Event().wait()

    with fork(hold) as child:
        child.next()
        for _ in range(3):
            refused(client, "2")
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT transaction_id FROM mm7_messages").fetchall() == [("1",)]
    accepted(client, "2")
    assert told.begins_and_ends_once()
    assert look.stored() == ["1", "2"]
    spool.close()


def test_threads_that_wait_for_a_locked_database_are_all_told_after_one_wait(
    path: Path, look: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "_BUSY", 0.02)
    spool = Spool(path)
    accepted(peer(spool), "0")
    answers: list[Any] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        threads = [
            threading.Thread(target=lambda name=name: answers.append(peer(spool).submit(transaction_id=name)))
            for name in map(str, range(1, 21))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {answer.status_code for answer in answers} == {4006}
    assert len(answers) == 20
    assert look.stored() == ["0"]
    spool.close()


# -- SQLite: the files are not what they were


def delete(path: Path) -> None:
    for file in path.parent.glob("mm7.db*"):
        file.unlink()


def delete_it_alone(path: Path) -> None:
    path.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def replace(path: Path) -> None:
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE other (a)")
    other.rename(path)


def replace_by_an_empty_one(path: Path) -> None:
    other = path.with_name("other.db")
    other.touch()
    other.rename(path)


def replace_by_a_copy(path: Path) -> None:
    """As who restores what was saved."""
    other = path.with_name("other.db")
    with closing(sqlite3.connect(path)) as connection, closing(sqlite3.connect(other)) as copy:
        connection.backup(copy)
    delete(path)
    other.rename(path)


def delete_the_log(path: Path) -> None:
    path.with_name("mm7.db-wal").unlink()


def replace_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name(f"{path.parent.name}_moved"))
    path.parent.mkdir()


CHANGES = [
    delete,
    delete_it_alone,
    rename,
    replace,
    replace_by_an_empty_one,
    replace_by_a_copy,
    delete_the_log,
    replace_the_folder,
]


@pytest.fixture
def inner(folder: Path) -> Path:
    (folder / "inner").mkdir()
    return folder / "inner" / "mm7.db"


@pytest.mark.parametrize("reads", [False, True], ids=["", "after a read"])
@pytest.mark.parametrize("change", CHANGES)
def test_what_is_accepted_is_in_the_file_that_is_there(
    inner: Path, change: Callable[[Path], None], reads: bool
) -> None:
    """However it was exchanged, and whatever connections there were to the one before."""
    spool = Spool(inner)
    client = peer(spool)
    accepted(client, "1")
    if reads:
        list(spool.messages.find())
        with spool._database.read(), spool._database.read():
            accepted(client, "1")
    change(inner)
    codes = {name: client.submit(transaction_id=name).status_code for name in ("2", "3", "4")}
    assert set(codes.values()) <= {1000, 4006}
    assert codes["4"] == 1000
    good = [name for name, code in codes.items() if code == 1000]
    # What another process finds there.
    child = fork(lambda tell: tell(Look(f"sqlite:///{inner}").stored()))
    child.wait()
    assert [name for name in child.told[0] if name != "1"] == good
    assert [delivery.transaction_id for delivery in spool.claim(10) if delivery.transaction_id != "1"] == good
    spool.close()


@pytest.mark.parametrize("change", [change for change in CHANGES if change is not replace_by_a_copy])
def test_a_file_that_is_exchanged_while_a_message_waits_for_it_is_not_written_to(
    inner: Path, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(inner)
    client = peer(spool)
    accepted(client, "1")
    waits = threading.Event()
    sleep = sqlite_module.time.sleep
    monkeypatch.setattr(sqlite_module.time, "sleep", lambda seconds: (waits.set(), sleep(seconds)))
    answers: list[Any] = []
    with closing(sqlite3.connect(inner, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        thread = threading.Thread(target=lambda: answers.append(client.submit(transaction_id="2")))
        thread.start()
        assert waits.wait(30)
        change(inner)
        other.execute("ROLLBACK")
        thread.join()
    (answer,) = answers
    child = fork(lambda tell: tell(Look(f"sqlite:///{inner}").stored() if answer.accepted else ["2"]))
    child.wait()
    assert "2" in child.told[0]
    until(lambda: client.submit(transaction_id="2").accepted)
    assert "2" in Look(f"sqlite:///{inner}").stored()
    spool.close()


def test_a_folder_that_is_gone_is_not_made_again(inner: Path, told: Told) -> None:
    spool = Spool(inner)
    client = peer(spool)
    accepted(client, "1")
    shutil.rmtree(inner.parent)
    refused(client, "2")
    refused(client, "2")
    assert not inner.parent.exists()
    inner.parent.mkdir()
    accepted(client, "2")
    assert told.begins_and_ends_once()
    spool.close()


def test_what_was_in_a_log_that_was_deleted_is_not_lost_while_somebody_has_it_open(path: Path, look: Any) -> None:
    spool = Spool(path)
    client = peer(spool)
    accepted(client, "1")
    delete_the_log(path)
    accepted(client, "2")
    assert look.stored() == ["1", "2"]
    spool.close()


@pytest.mark.parametrize(
    "first", [b"not a database" * 300, b"SQLite format 3\0" + b"\xff" * 4000], ids=["text", "head"]
)
def test_a_file_that_is_no_database_is_left_alone(
    path: Path, client: MM7Client, spool: Spool, told: Told, first: bytes
) -> None:
    path.write_bytes(first)
    refused(client, "1")
    refused(client, "1")
    assert path.read_bytes() == first
    path.unlink()
    accepted(client, "1")
    assert told.begins_and_ends_once()


def test_a_database_that_is_damaged_takes_nothing_until_it_is_mended(
    path: Path, client: MM7Client, spool: Spool, look: Any
) -> None:
    for number in range(30):
        accepted(client, f"{number}")
    spool.close()
    good = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(len(good) - 4096))
    refused(client, "new")
    refused(client, "new")
    spool.close()
    delete(path)
    path.write_bytes(good)
    accepted(client, "new")
    assert look.stored() == [*map(str, range(30)), "new"]


# -- either


def test_the_tables_of_a_later_version_are_left_alone_until_they_are_this_one_again(
    place: str, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(place)
    log = TransactionLog(place)
    calls: list[str] = []
    clients = [peer(spool), peer(lambda request: calls.append(request.transaction_id), transactions=log)]
    for client in clients:
        accepted(client, "1")
    look = Look(place)
    look(sa.text("UPDATE mm7_schema SET version = 2"))
    spool.close()
    log.close()
    for client in clients:
        answer = client.submit(transaction_id="2")
        assert (answer.http_status, answer.status_code) == (500, 3000)
    assert "has tables of version 2; this mm7_wsgi knows version 1" in caplog.text
    assert (look.stored(), calls) == (["1"], ["1"])
    look(sa.text("UPDATE mm7_schema SET version = 1"))
    for client in clients:
        accepted(client, "2")
    assert (look.stored(), calls) == (["1", "2"], ["1", "2"])
    spool.close()
    log.close()


@pytest.mark.parametrize("table", ["mm7_messages", "mm7_transactions"])
def test_a_table_that_is_away_is_not_made_up(place: str, table: str, told: Told) -> None:
    spool = Spool(place)
    client = peer(spool)
    accepted(client, "1")
    look = Look(place)
    look(sa.text(f"ALTER TABLE {table} RENAME TO away"))
    refused(client, "2")
    refused(client, "2")
    look(sa.text(f"ALTER TABLE away RENAME TO {table}"))
    accepted(client, "2")
    assert look.stored() == ["1", "2"]
    assert told.begins_and_ends_once()
    spool.close()


def test_tables_that_are_gone_are_made_again(place: str, told: Told) -> None:
    spool = Spool(place)
    client = peer(spool)
    accepted(client, "1")
    look = Look(place)
    for table in ("mm7_messages", "mm7_transactions", "mm7_pieces", "mm7_schema"):
        look(sa.text(f"DROP TABLE {table}"))
    refused(client, "2")
    accepted(client, "2")
    assert look.stored() == ["2"]
    assert told.begins_and_ends_once()
    spool.close()


def test_trouble_that_comes_and_goes_for_one_kind_of_work_is_told_once(
    place: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers look for messages in a database that takes none."""
    spool = Spool(place)
    client = peer(spool)
    accepted(client, "1")
    (delivery,) = spool.claim()
    delivery.done()
    look = Look(place)
    look(sa.text("ALTER TABLE mm7_transactions RENAME TO away"))
    for _ in range(3):
        refused(client, "2")
        assert list(spool.messages.find()) == []
        assert spool.messages.counts()["waiting"] == 0
    assert told.levels == ["ERROR"]
    look(sa.text("ALTER TABLE away RENAME TO mm7_transactions"))
    accepted(client, "2")
    assert told.begins_and_ends_once()
    spool.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://somebody:hunter2@127.0.0.1:1/x",
        "postgresql://127.0.0.1:1/x?user=somebody&password=hunter2",
        "postgresql://127.0.0.1:1/x?sslmode=disable&sslpassword=hunter2",
        "postgresql://somebody:hunter2@host.invalid/x",
    ],
)
def test_no_secret_of_a_url_comes_into_the_log(url: str, told: Told, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    spool = Spool(url)
    log = TransactionLog(url)
    for client in (peer(spool), peer(lambda request: None, transactions=log)):
        refused(client, "1")
    assert told.levels == ["ERROR", "ERROR"]
    for text in (caplog.text, repr(spool), repr(log), repr(spool._database)):
        assert "hunter2" not in text
    assert "127.0.0.1" in caplog.text or "host.invalid" in caplog.text


# -- PostgreSQL


class Proxy:
    """Stands between a client and a server, and can cut them off from each other."""

    def __init__(self, host: str, port: int) -> None:
        self._there = host, port
        self._listener: socket.socket | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        #: What the client says that makes the connection end before it hears the answer.
        self.last_words: bytes | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Close the door, and cut off who is inside."""
        assert self._listener is not None
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._there)
            self._pairs.append((client, server))
            silent = threading.Event()
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, target, source is client, silent)).start()

    def _carry(self, source: socket.socket, target: socket.socket, asks: bool, silent: threading.Event) -> None:
        with suppress(OSError):
            while octets := source.recv(65536):
                if asks and self.last_words is not None and self.last_words in octets:
                    self.last_words = None
                    silent.set()
                if not asks and silent.is_set():
                    break  # it has done what it was told to, and nobody hears of it
                target.sendall(octets)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        if asks:
            return
        for end in (source, target):
            end.close()


@pytest.fixture
def between(postgresql: str) -> Iterator[Any]:
    url = sa.make_url(postgresql)
    made = Proxy(url.host or "127.0.0.1", url.port or 5432)
    made.url = url.set(host="127.0.0.1", port=made.port).render_as_string(hide_password=False)  # type: ignore[attr-defined]
    yield made
    made.refuse()


def test_a_connection_that_was_cut_while_it_was_not_used_is_not_noticed(between: Any, postgresql: str) -> None:
    spool = Spool(between.url)
    client = peer(spool)
    accepted(client, "1")
    between.cut()
    accepted(client, "2")
    assert Look(postgresql).stored() == ["1", "2"]
    spool.close()


def test_a_server_that_refuses_is_asked_again(between: Any, postgresql: str, told: Told) -> None:
    spool = Spool(between.url)
    client = peer(spool)
    accepted(client, "1")
    between.refuse()
    refused(client, "2")
    refused(client, "2")
    between.open()
    accepted(client, "2")
    assert Look(postgresql).stored() == ["1", "2"]
    assert told.levels[0] == "ERROR"
    assert told.levels[-1] == "WARNING"
    spool.close()


@pytest.mark.parametrize("words", [b"INSERT INTO mm7_transactions", b"INSERT INTO mm7_messages", b"COMMIT\0"])
def test_a_connection_that_is_cut_before_the_server_has_answered_leaves_one_message_or_none(
    between: Any, postgresql: str, words: bytes
) -> None:
    spool = Spool(between.url)
    client = peer(spool)
    accepted(client, "1")
    between.last_words = words
    refused(client, "2")
    assert between.last_words is None
    accepted(client, "2")
    look = Look(postgresql)
    assert look.stored() == ["1", "2"]
    assert client.submit(transaction_id="2").message_id == look(sa.select(messages.c.message_id))[1][0]
    spool.close()


def test_a_log_whose_connection_is_cut_asks_the_handler_no_more_than_it_says(between: Any, postgresql: str) -> None:
    calls: list[str] = []
    log = TransactionLog(between.url, wait=0)
    client = peer(lambda request: calls.append(request.transaction_id), transactions=log)
    accepted(client, "1")
    between.last_words = b"COMMIT\0"
    refused(client, "2")  # it is not known whether it was begun, so it was not
    assert calls == ["1"]
    answer = client.submit(transaction_id="2")
    assert answer.status_code == 4006
    assert answer.headers["Retry-After"]
    assert calls == ["1"]
    log.close()


def backends(look: Any) -> list[int]:
    return [row.pid for row in look("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'")]


def blocked(spool: Spool, client: MM7Client, postgresql: str, then: Callable[[sa.Connection, int], None]) -> Any:
    """The answer to a message whose transaction waits for a lock, and what happens to it then."""
    look = Look(postgresql)
    answers: list[Any] = []
    engine = sa.create_engine(postgresql, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE mm7_messages IN EXCLUSIVE MODE"))
        thread = threading.Thread(target=lambda: answers.append(client.submit(transaction_id="2")))
        thread.start()
        until(lambda: backends(look))
        (pid,) = backends(look)
        then(connection, pid)
        thread.join()
    return answers[0]


@pytest.mark.parametrize("how", ["pg_terminate_backend", "pg_cancel_backend"])
def test_a_backend_that_is_ended_in_the_middle_leaves_nothing_behind(postgresql: str, told: Told, how: str) -> None:
    spool = Spool(postgresql)
    client = peer(spool)
    accepted(client, "1")
    answer = blocked(
        spool, client, postgresql, lambda connection, pid: connection.execute(sa.text(f"SELECT {how}({pid})"))
    )
    assert (answer.http_status, answer.status_code) == (500, 4006)
    look = Look(postgresql)
    assert look.stored() == ["1"]
    assert look("SELECT count(*) FROM mm7_transactions") == [(1,)]
    accepted(client, "2")
    assert look.stored() == ["1", "2"]
    assert told.begins_and_ends_once()
    spool.close()


def test_a_lock_of_somebody_else_is_waited_for_and_then_given_up(
    postgresql: str, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [words.replace("lock_timeout = '5s'", "lock_timeout = '200ms'") for words in postgresql_module._SETTINGS]
    assert settings != list(postgresql_module._SETTINGS)
    monkeypatch.setattr(postgresql_module, "_SETTINGS", settings)
    spool = Spool(postgresql)
    client = peer(spool)
    accepted(client, "1")
    answer = blocked(spool, client, postgresql, lambda connection, pid: None)
    assert (answer.http_status, answer.status_code) == (500, 4006)
    assert Look(postgresql).stored() == ["1"]
    accepted(client, "2")
    assert told.begins_and_ends_once()
    spool.close()


def test_a_role_without_rights_can_accept_nothing_until_it_has_them(postgresql: str, told: Told) -> None:
    role = f"mm7_{token_hex(8)}"
    look = Look(postgresql)
    look(f"CREATE ROLE {role} LOGIN")
    try:
        url = sa.make_url(postgresql).set(username=role).render_as_string(hide_password=False)
        spool = Spool(url)
        client = peer(spool)
        refused(client, "1")
        look(f"GRANT CREATE ON SCHEMA public TO {role}")
        accepted(client, "1")
        look(f"REASSIGN OWNED BY {role} TO CURRENT_USER")
        refused(client, "2")
        look(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        look(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
        accepted(client, "2")
        look(f"REVOKE INSERT ON mm7_messages FROM {role}")
        refused(client, "3")
        look(f"GRANT INSERT ON mm7_messages TO {role}")
        accepted(client, "3")
        assert look.stored() == ["1", "2", "3"]
        assert look("SELECT count(*) FROM mm7_transactions") == [(3,)]
        spool.close()
    finally:
        look(f"DROP OWNED BY {role}")
        look(f"DROP ROLE {role}")


def test_a_database_that_is_dropped_and_made_again_is_used_again(postgresql: str, told: Told) -> None:
    spool = Spool(postgresql)
    client = peer(spool)
    accepted(client, "1")
    name = sa.make_url(postgresql).database
    server = sa.create_engine(
        sa.make_url(postgresql).set(database="template1"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        refused(client, "2")
        refused(client, "2")
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE template0")
    accepted(client, "2")
    assert Look(postgresql).stored() == ["2"]
    assert told.levels[-1] == "WARNING"
    spool.close()
