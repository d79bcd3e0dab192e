"""What is said to be stored is on the disk, whatever the settings of a database were before."""

from __future__ import annotations

import importlib
import logging
import os
import runpy
import sqlite3
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mm7_wsgi.spool import DatabaseUnavailable, SchemaError
from mm7_wsgi.spool.database import Database
from mm7_wsgi.spool.tables import messages, metadata, pieces, schema

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
fork = KIT["fork"]
MEGABYTE = 1024 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mm7.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    made = Database(path)
    yield made
    made.close()


def version(connection: sa.Connection) -> Any:
    return connection.scalar(sa.select(schema.c.version))


@pytest.mark.parametrize("form", ["{path}", "sqlite:///{path}", "sqlite+pysqlite:///{path}"])
def test_sqlite_is_said_by_a_path_or_a_url(path: Path, form: str) -> None:
    database = Database(form.format(path=path))
    assert database.write(version) == 1
    database.close()
    assert path.exists()


def test_a_path_is_where_it_was_when_the_database_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    database = Database("sqlite:///mm7.db")
    monkeypatch.chdir(tmp_path / "elsewhere")
    database.write(version)
    database.close()
    assert (tmp_path / "mm7.db").exists()
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgresql://host/name", "postgresql+psycopg"),
        ("postgres://host/name", "postgresql+psycopg"),
        ("postgresql+psycopg://host/name", "postgresql+psycopg"),
    ],
)
def test_postgresql_is_said_by_its_url(url: str, driver: str) -> None:
    assert Database(url).url.drivername == driver


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite://", "SQLite has to be in a file, as sqlite:///mm7.db says it"),
        ("sqlite:///:memory:", "SQLite has to be in a file"),
        ("sqlite:///file:x?uri=true", "SQLite has to be in a file"),
        ("mysql://user:hunter2@host/name", "the database has to be SQLite or PostgreSQL, not mysql"),
        ("://", "this is no URL of a database; sqlite:///mm7.db is one"),
        ("postgresql://user:an@d:hunter2@host/name", "this is no URL of a database; sqlite:///mm7.db is one"),
    ],
)
def test_what_keeps_nothing_is_no_database(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}") as raised:
        Database(url)
    assert "hunter2" not in str(raised.value)


def test_a_driver_that_is_missing_is_missed_at_once() -> None:
    with pytest.raises(ModuleNotFoundError):
        Database("postgresql+pg8000://host/name")


def test_a_password_is_not_shown() -> None:
    database = Database("postgresql://user:hunter2@host/name")
    assert repr(database) == "<Database postgresql+psycopg://user:***@host/name>"


def test_nothing_is_opened_before_it_is_used(path: Path) -> None:
    Database(path)
    assert not path.exists()


def test_what_is_used_by_one_process_is_opened_anew_by_another(database: Database) -> None:
    database.write(version)
    ours = dict(database._engines)
    child = os.fork()
    if not child:  # pragma: no cover - measured nowhere
        good = database.write(version) == 1 and len(database._engines) == 2
        os._exit(0 if good else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert database._engines == ours
    assert database.write(version) == 1


def test_a_commit_is_synced_and_the_log_is_written_ahead(database: Database) -> None:
    def look(connection: sa.Connection) -> list[Any]:
        return [connection.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "fullfsync")]

    assert database.write(look) == ["wal", 2, 1]
    with database.read() as connection:
        assert look(connection) == ["wal", 2, 1]


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    def look_beside(connection: sa.Connection) -> Any:
        connection.execute(sa.update(schema), {"version": 1})
        with database.read() as other:
            return version(other)

    assert database.write(look_beside) == 1


def test_without_a_log_that_is_written_ahead_it_is_not_used(database: Database) -> None:
    database.write(version)
    (engine,) = database._engines.values()
    connection = sqlite3.connect(":memory:")
    with pytest.raises(OSError, match="it cannot have a write-ahead log, only memory"):
        engine._connect(connection, None)  # type: ignore[union-attr]
    connection.close()


def test_a_file_that_may_not_be_written_to_is_not_opened(database: Database, path: Path, monkeypatch: Any) -> None:
    """For who is not root; test_trouble.py has that. SQLite would leave files beside it that nobody may write to."""
    path.touch()
    monkeypatch.setattr(os, "access", lambda name, mode: (name, mode) != (str(path), os.W_OK))
    with pytest.raises(DatabaseUnavailable):
        database.write(version)
    assert [each.name for each in path.parent.iterdir()] == ["mm7.db"]
    monkeypatch.undo()
    assert database.write(version) == 1


class _Busy:
    """A connection to a file that another is just opening for the first time."""

    OperationalError = sqlite3.OperationalError

    def __init__(self, connection: sqlite3.Connection, times: int) -> None:
        self._connection = connection
        self._times = times

    def execute(self, text: str) -> Any:
        if "journal_mode" in text and self._times:
            self._times -= 1
            raise sqlite3.OperationalError("database is locked")
        return self._connection.execute(text)


def test_two_may_open_it_for_the_first_time_at_once(database: Database, path: Path, monkeypatch: Any) -> None:
    database.write(version)
    (engine,) = database._engines.values()
    connection = sqlite3.connect(path)
    engine._connect(_Busy(connection, 3), None)  # type: ignore[union-attr]
    monkeypatch.setattr("mm7_wsgi.spool.sqlite._BUSY", 0.0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        engine._connect(_Busy(connection, 3), None)  # type: ignore[union-attr]
    connection.close()


def test_a_lock_is_waited_for_and_then_given_up(database: Database, path: Path, monkeypatch: Any) -> None:
    database.write(version)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("mm7_wsgi.spool.sqlite._BUSY", 0.02)
    with pytest.raises(DatabaseUnavailable):
        database.write(version)
    other.execute("ROLLBACK")
    assert database.write(version) == 1
    other.close()


def test_a_process_that_is_new_looks_for_the_lock_as_often_as_those_that_write(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.write(version)
    database.close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            other.execute("ROLLBACK")

    monkeypatch.setattr("mm7_wsgi.spool.sqlite.time.sleep", sleep)
    assert database.write(version) == 1
    assert len(slept) == 3
    assert max(slept) < 0.001
    other.close()


def test_what_is_wrong_inside_is_not_taken_for_trouble_with_the_database(database: Database) -> None:
    def fail(connection: sa.Connection) -> None:
        connection.execute(sa.insert(schema), {"version": 7})
        raise KeyError("ours")

    with pytest.raises(KeyError):
        database.write(fail)
    with pytest.raises(sa.exc.IntegrityError):
        database.write(lambda connection: connection.execute(sa.insert(schema), {"version": None}))
    with database.read() as connection:
        assert connection.scalars(sa.select(schema.c.version)).all() == [1]


def test_tables_of_another_version_are_left_alone(path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.insert(schema), {"version": 2})
    engine.dispose()
    database = Database(path)
    with pytest.raises(SchemaError, match=r"mm7\.db has tables of version 2; this mm7_wsgi knows version 1"):
        database.write(version)
    database.close()


def test_the_log_says_once_that_it_cannot_be_used_and_once_that_it_can(
    database: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = path.parent / "moved"
    database.write(version)
    database.close()
    os.rename(path, folder)
    path.mkdir()
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable, match="the message cannot be stored now"):
            database.write(version)
    path.rmdir()
    os.rename(folder, path)
    assert [database.write(version) for _ in range(2)] == [1, 1]
    assert [(record.levelname, record.event) for record in caplog.records] == [("ERROR", "spool"), ("WARNING", "spool")]
    assert (
        caplog.records[0].getMessage() == f"the database sqlite:///{path} cannot be used: unable to open database file"
    )
    assert caplog.records[1].getMessage() == f"the database sqlite:///{path} can be used again"


def test_to_look_whether_the_tables_are_there_makes_no_file(database: Database, path: Path) -> None:
    assert not database.has_tables()
    assert not path.exists()
    database.write(version)
    assert database.has_tables()


def test_pages_of_a_new_database_are_large_and_those_of_another_stay_as_they_are(path: Path) -> None:
    def settings(connection: sa.Connection) -> tuple[int, int]:
        size, checkpoint = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_size", "wal_autocheckpoint")
        )
        return size, size * checkpoint

    for place, size in ((path, 16 * 1024), (path.with_name("old.db"), 4096)):
        if size == 4096:
            with sqlite3.connect(place) as old:
                old.execute("PRAGMA page_size = 4096")
                old.execute("CREATE TABLE other (a)")
            old.close()
        database = Database(place)
        assert database.write(version) == 1
        assert database.write(settings) == (size, 16 * MEGABYTE)
        with database.read() as connection:
            assert settings(connection) == (size, 16 * MEGABYTE)
        database.close()


def _store_a_megabyte(connection: sa.Connection) -> None:
    number = connection.scalar(sa.select(sa.func.count()).select_from(pieces))
    connection.execute(sa.insert(pieces), {"message": 1, "number": number, "octets": bytes(MEGABYTE)})


def test_the_log_stays_short_while_processes_write_much(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mm7_wsgi.spool.sqlite._LOG_SIZE", 2 * MEGABYTE)
    database.write(version)

    def work(tell: Any) -> None:
        for _ in range(60):
            database.write(_store_a_megabyte)
            tell(Path(f"{path}-wal").stat().st_size)

    children = [fork(work), fork(work)]
    for child in children:
        assert child.wait() == 0
    lengths = [length for child in children for length in child.told]
    assert len(lengths) == 120
    assert max(lengths) < 20 * MEGABYTE


def test_who_reads_for_long_is_not_waited_for_at_every_commit(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mm7_wsgi.spool.sqlite._LOG_SIZE", 2 * MEGABYTE)
    monkeypatch.setattr("mm7_wsgi.spool.sqlite._SHORTENED", 0.002)
    held = _Held(database)
    with database.read() as connection:
        assert version(connection) == 1
        for _ in range(12):
            database.write(_store_a_megabyte)
    tries = [before == "COMMIT" for before, text in pairwise(held.statements) if "wal_checkpoint" in text]
    assert 3 <= sum(tries) <= 6  # of twelve commits
    assert len(tries) > sum(tries)
    for _ in range(3):
        database.write(_store_a_megabyte)
    assert Path(f"{path}-wal").stat().st_size <= 3 * MEGABYTE


def test_a_log_that_cannot_be_made_shorter_is_no_trouble(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mm7_wsgi.spool.sqlite._LOG_SIZE", 0)
    database.write(version)
    (engine,) = database._engines.values()
    asked: list[str] = []

    def refuse(action: int, name: str | None, *_: Any) -> int:
        if action != sqlite3.SQLITE_PRAGMA:
            return sqlite3.SQLITE_OK
        asked.append(str(name))
        return sqlite3.SQLITE_DENY

    engine._driver.set_authorizer(refuse)  # type: ignore[union-attr]
    assert database.write(version) == 1
    assert asked == ["wal_checkpoint"]


@pytest.mark.parametrize("what", ["", "-wal"])
def test_a_file_that_was_deleted_is_not_written_to(database: Database, path: Path, what: str) -> None:
    database.write(version)
    Path(f"{path}{what}").unlink()
    database.write(lambda connection: connection.execute(sa.update(schema), {"version": 1}))
    assert {each.name for each in path.parent.iterdir()} >= {"mm7.db", "mm7.db-wal"}
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT version FROM mm7_schema").fetchall() == [(1,)]
    other.close()
    with database.read() as connection:
        assert version(connection) == 1


def test_a_reader_sees_the_file_that_is_there(database: Database, path: Path) -> None:
    with database.read() as connection:
        version(connection)
    path.unlink()
    database.write(version)
    with database.read() as connection:
        assert connection.scalars(sa.select(schema.c.version)).all() == [1]


def test_who_reads_while_all_is_closed_leaves_nothing_open(database: Database) -> None:
    with database.read() as connection:
        driver: Any = connection.connection.driver_connection
        database.close()
        assert version(connection) == 1
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")


class _Held:
    """A database in which one write is going on, and others wait behind it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        database.write(version)
        (self.engine,) = database._engines.values()
        self.statements: list[str] = []
        self.engine._driver.set_trace_callback(self.statements.append)  # type: ignore[union-attr]
        self.results: dict[int, Any] = {}
        self._go = threading.Event()
        self._threads: list[threading.Thread] = []

    def begin(self, work: Any, octets: int = 0, *, synced: bool = True) -> None:
        """Begin a write in a thread of its own."""
        number = len(self._threads)

        def run() -> None:
            try:
                self.results[number] = self.database.write(work, octets=octets, synced=synced)
            except BaseException as error:
                self.results[number] = error

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()

    def hold(self) -> None:
        """Let one write begin, and not end before :meth:`release`."""
        begun = threading.Event()

        def work(connection: sa.Connection) -> None:
            begun.set()
            self._go.wait(30)

        self.begin(work)
        assert begun.wait(30)

    def wait_for(self, waiting: int) -> None:
        """Wait until so many wait."""
        for _ in range(30_000):
            if len(self.engine._waiting) >= waiting:  # type: ignore[union-attr]
                return
            threading.Event().wait(0.001)
        pytest.fail(f"there are never {waiting} who wait")

    def release(self, waiting: int) -> None:
        """Let all go on, as soon as so many wait."""
        self.wait_for(waiting)
        self.end()

    def end(self) -> None:
        """Let all go on, and wait until they have ended."""
        self._go.set()
        for thread in self._threads:
            thread.join(30)

    @property
    def commits(self) -> int:
        return self.statements.count("COMMIT")

    @property
    def levels(self) -> list[str]:
        """How each commit was synced."""
        found, level = [], "FULL"
        for statement in self.statements:
            if statement.startswith("PRAGMA synchronous = "):
                level = statement.rpartition(" ")[2]
            elif statement == "COMMIT":
                found.append(level)
        return found


def test_threads_that_write_at_once_share_a_commit(database: Database) -> None:
    held = _Held(database)
    held.hold()
    for number in range(10):
        held.begin(lambda connection, number=number: number)
    held.release(10)
    assert [held.results[number] for number in range(11)] == [None, *range(10)]
    assert held.commits == 2


def test_who_comes_while_the_lock_is_waited_for_shares_the_commit(database: Database, path: Path) -> None:
    held = _Held(database)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(4):
        held.begin(lambda connection, number=number: number)
    held.wait_for(4)
    other.execute("ROLLBACK")
    held.end()
    assert [held.results[number] for number in range(4)] == [0, 1, 2, 3]
    assert held.commits == 1
    other.close()


def test_what_others_only_have_to_see_is_not_synced(database: Database, path: Path) -> None:
    held = _Held(database)

    def change(connection: sa.Connection, number: int) -> None:
        connection.execute(sa.update(schema), {"version": number})

    database.write(lambda connection: change(connection, 7), synced=False)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT version FROM mm7_schema").fetchall() == [(7,)]
    other.close()
    database.write(lambda connection: change(connection, 1))
    database.write(lambda connection: change(connection, 1))
    database.write(lambda connection: change(connection, 1), synced=False)
    assert held.levels == ["NORMAL", "FULL", "FULL", "NORMAL"]


@pytest.mark.parametrize("synced", [(True, False), (False, True), (False, False)])
def test_a_shared_commit_is_synced_if_one_needs_it(database: Database, synced: tuple[bool, bool]) -> None:
    held = _Held(database)
    held.hold()
    for each in synced:
        held.begin(version, synced=each)
    held.release(2)
    assert held.levels == ["FULL", "FULL" if any(synced) else "NORMAL"]
    assert [held.results[number] for number in (1, 2)] == [1, 1]


def test_one_that_needs_a_sync_does_not_join_a_transaction_without_one(database: Database, path: Path) -> None:
    held = _Held(database)
    waits = threading.Event()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    # The first attempt shows that it has begun, and how.
    held.engine._driver.set_trace_callback(  # type: ignore[union-attr]
        lambda statement: (held.statements.append(statement), waits.set())
    )
    held.begin(version, synced=False)
    assert waits.wait(30)
    for _ in range(2):
        held.begin(version, synced=True)
    held.begin(version, synced=False)
    held.wait_for(4)
    other.execute("ROLLBACK")
    held.end()
    assert held.levels == ["NORMAL", "FULL"]
    assert [held.results[number] for number in range(4)] == [1, 1, 1, 1]
    other.close()


def test_those_who_write_much_do_not_share_one(database: Database) -> None:
    held = _Held(database)
    held.hold()
    for _ in range(4):
        held.begin(version, octets=3 * 1024 * 1024)
    held.release(4)
    assert held.commits == 5


def test_no_more_than_so_many_share_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mm7_wsgi.spool.sqlite._TOGETHER", 4)
    held = _Held(database)
    held.hold()
    for _ in range(8):
        held.begin(version)
    held.release(8)
    assert held.commits == 3


def test_what_one_does_wrong_is_not_the_fault_of_the_others(database: Database) -> None:
    def fail(connection: sa.Connection) -> None:
        raise KeyError("ours")

    held = _Held(database)
    held.hold()
    for work in (version, fail, version):
        held.begin(work)
    held.release(3)
    assert [held.results[number] for number in (1, 3)] == [1, 1]
    assert isinstance(held.results[2], KeyError)


def test_trouble_with_the_database_is_met_once_for_all(database: Database) -> None:
    tries: list[int] = []

    def fail(connection: sa.Connection) -> None:
        tries.append(1)
        raise sqlite3.OperationalError("database or disk is full")

    held = _Held(database)
    held.hold()
    for work in (version, fail, fail):
        held.begin(work)
    held.release(3)
    assert {type(held.results[number]) for number in (1, 2, 3)} == {DatabaseUnavailable}
    assert tries == [1]


def test_where_the_thread_that_commits_is_ended_the_others_are_told(database: Database) -> None:
    def end(connection: sa.Connection) -> None:
        raise SystemExit

    held = _Held(database)
    held.hold()
    held.begin(end)
    held.begin(end)
    held.release(2)
    assert {type(held.results[number]) for number in (1, 2)} == {SystemExit, DatabaseUnavailable}
    assert database.write(version) == 1


def test_where_it_is_ended_between_two_that_failed_together_the_others_are_told_too(database: Database) -> None:
    calls: list[int] = []

    def work(connection: sa.Connection) -> None:
        calls.append(1)
        if len(calls) == 1:
            raise KeyError("one of them is wrong, so each is done alone")
        raise SystemExit

    held = _Held(database)
    held.hold()
    for _ in range(3):
        held.begin(work)
    held.release(3)
    kinds = sorted(type(held.results[number]).__name__ for number in (1, 2, 3))
    assert kinds == ["DatabaseUnavailable", "DatabaseUnavailable", "SystemExit"]
    assert len(calls) == 2
    assert database.write(version) == 1


def test_without_sqlalchemy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("mm7_wsgi.spool")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs one more package: pip install 'mm7_wsgi\[spool\]'"):
        importlib.import_module("mm7_wsgi.spool")


def test_no_parameter_of_a_statement_comes_into_a_log(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(sa.exc.IntegrityError) as raised:
        database.write(lambda connection: connection.execute(sa.insert(messages), {"account": "hunter2"}))
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in caplog.text
