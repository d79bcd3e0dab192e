"""SQLite, so that what it has committed is on the disk, and threads do not wait for each other's syncs."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any, Final, Generic, TypeAlias, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc

__all__ = ["Engine"]

T = TypeVar("T")

#: What says that the database cannot be used, and not that what was to be written is wrong.
_TROUBLE: Final = (sqlite3.OperationalError, exc.OperationalError, exc.TimeoutError, OSError)

#: Seconds that are waited for a lock that somebody else has on the database.
_BUSY: Final = 5.0
#: Seconds until the lock is looked at again: at first, and at last.
_LOOK: Final = 0.00005
_LOOK_AT_LEAST: Final = 0.002
#: Seconds that are waited to begin the log anew.
_SHORTENED: Final = 0.5
#: Octets that the write-ahead log is cut to when it is begun anew: a video leaves it as large as itself.
_LOG_SIZE: Final = 32 * 1024 * 1024
#: Bytes of a page of a new database. Each page costs two system calls in the log and two in a checkpoint, so a large
#: message takes less time where pages are large; a small message changes four pages, and all of each is written.
_PAGE: Final = 16 * 1024
#: Bytes of the log after which SQLite writes what is in it into the database.
_CHECKPOINT: Final = 16 * 1024 * 1024
#: Writes that are committed together at most, and their octets: behind that the next ones begin.
_TOGETHER: Final = 64
_TOGETHER_OCTETS: Final = 4 * 1024 * 1024


class Engine:
    """One process's way to a database of SQLite.

    Nothing of it is open while the process forks: a child that has a connection of its parent's takes locks to be its
    own that it has not, and then two write at the same time.
    """

    def __init__(self, url: sa.URL, options: dict[str, Any], make_tables: Callable[[sa.Connection], None]) -> None:
        self._path = str(url.database)
        self._log_path = f"{self._path}-wal"
        self._make_tables = make_tables
        # The file that has been found to have the tables, and its log.
        self._files: _Files | None = None
        arguments = {"connect_args": {"timeout": _BUSY}, "pool_timeout": _BUSY, **options}
        # hide_parameters, so that nothing that a message holds comes into a log.
        self._engine = sa.create_engine(url, hide_parameters=True, **arguments)
        event.listen(self._engine, "connect", self._connect)
        event.listen(self._engine, "begin", _begin)
        # Threads that write at the same time: who comes first commits for all who wait, and one sync serves them all.
        self._waiting: deque[_Job[Any]] = deque()
        self._turn = threading.Lock()
        # How many read, so that a fork can wait for them; by process, since a child has none of its parent's threads.
        self._readers = threading.Condition(threading.Lock())
        self._reading: Counter[int] = Counter()
        self._writer: sa.Connection | None = None
        self._driver: Any = None
        # Whether a commit of the writer waits until all that is in the log is on the disk.
        self._syncs = True
        # Octets of the log above which it is to be begun anew.
        self._longest = _LOG_SIZE
        _engines.add(self)

    def forget(self) -> None:
        """Look at the tables again before the next use."""
        self._files = None

    def clock_ahead(self) -> float:
        """Its clock is that of this machine."""
        return 0.0

    def _is_prepared(self) -> bool:
        """Whether the file that is there is the one that was found to have the tables.

        To go on with one that was deleted or replaced would be to write into nothing, without an error.
        """
        return self._files is not None and self._files == self._look_at_files()[0]

    def _look_at_files(self) -> tuple[_Files, int]:
        """Which files are there, the database and its log, which stays while anybody is connected; the log's bytes."""
        database, log = _status(self._path), _status(self._log_path)
        return (
            None if database is None else (database.st_dev, database.st_ino),
            None if log is None else (log.st_dev, log.st_ino),
        ), 0 if log is None else log.st_size

    def _prepare(self) -> None:
        """Have the tables there, in the file that is there now."""
        self._close()
        try:
            connection = self._lock(synced=True)  # a process that is new waits as well as those that are at work
            self._make_tables(connection)
            self._files, _ = self._look_at_files()
            self._commit(connection)
        except BaseException:
            self._undo()
            raise

    @contextlib.contextmanager
    def look(self) -> Iterator[sa.Connection]:
        """A connection to a file that may be somebody else's: without the settings that stay in it, or the tables."""
        with sa.create_engine(self._engine.url, poolclass=sa.NullPool).connect() as connection:
            yield connection

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        if not self._is_prepared():
            with self._turn:
                self._prepare()
        pool = self._engine.pool
        with self._counted(), self._engine.connect() as connection:
            connection.execution_options(mm7_reads=True)
            try:
                with connection.begin():
                    yield connection
            finally:
                if self._engine.pool is not pool:  # all were closed meanwhile; nobody else would close this one
                    connection.invalidate()

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        """One more who reads."""
        process = os.getpid()
        with self._readers:
            self._reading[process] += 1
        try:
            yield
        finally:
            with self._readers:
                self._reading[process] -= 1
                self._readers.notify_all()

    def write(self, work: Callable[[sa.Connection], T], octets: int, *, synced: bool = True) -> T:
        """Do it in a transaction, maybe together with others; synced where one of them is to be."""
        job = _Job(work, octets, synced)
        self._waiting.append(job)
        with self._turn:
            while not job.is_settled:
                if not self._waiting:  # who had it with others was ended before it came to it
                    raise OSError("the thread that wrote was ended")
                self._settle()
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[return-value]

    def close(self) -> None:
        """Close all connections."""
        with self._turn:
            self._close()

    def _close(self) -> None:
        self._drop_writer()
        self._engine.dispose()

    def hold(self) -> bool:
        """Let nobody begin to write or read, and close what is open; False where a writer does not come to an end."""
        is_held = self._turn.acquire(timeout=_BUSY)
        if is_held:
            self._readers.acquire()
            self._readers.wait_for(lambda: not self._reading[os.getpid()], _BUSY)
            self._close()
        return is_held

    def let_go(self) -> None:
        """Let them go on."""
        self._readers.release()
        self._turn.release()

    def _take(self, *, synced: bool = True) -> list[_Job[Any]]:
        """Return the next of those who wait, at least one; of those who need a sync, only where there is to be one."""
        jobs = [self._waiting.popleft()]
        octets = jobs[0].octets
        while self._waiting and len(jobs) < _TOGETHER and octets + self._waiting[0].octets <= _TOGETHER_OCTETS:
            if self._waiting[0].synced and not synced:  # it came after the transaction began
                break
            jobs.append(self._waiting.popleft())
            octets += jobs[-1].octets
        return jobs

    def _settle(self, alone: _Job[Any] | None = None) -> None:
        """Do those who wait by the time that nobody else writes, or the one."""
        jobs = [] if alone is None else [alone]
        try:
            try:
                synced = any(job.synced for job in jobs or list(self._waiting))
                if not self._is_prepared():
                    self._prepare()
                connection = self._lock(synced=synced)
                jobs = jobs or self._take(synced=synced)
                results = [job.work(connection) for job in jobs]
                self._commit(connection)
            except BaseException:
                self._undo()
                raise
        except _TROUBLE as error:  # with the database; none would have it better alone
            for job in jobs or self._take():
                job.settle(error=error)
        except Exception as error:
            jobs = jobs or self._take()
            if len(jobs) == 1:
                jobs[0].settle(error=error)
                return
            for job in jobs:  # it may be the fault of one
                self._settle(job)
        except BaseException:  # this thread is being ended, and the others are not
            for job in jobs or self._take():
                job.settle(error=OSError("the thread that wrote was ended"))
            raise
        else:
            for job, result in zip(jobs, results, strict=True):
                job.settle(result)

    def _lock(self, *, synced: bool) -> sa.Connection:
        """Begin to write, by the connection that is kept for it: the pool takes as long as the disk to give one."""
        if self._writer is None:
            self._writer = self._engine.connect()
            self._driver = self._writer.connection.driver_connection
            self._syncs = True
            # SQLite itself would look for a lock again only after milliseconds.
            self._driver.execute("PRAGMA busy_timeout = 0")
        driver = self._driver
        if synced is not self._syncs:
            # A commit without a sync is seen by all other processes and survives a kill, but no power failure. The next
            # one with a sync syncs the whole log.
            driver.execute("PRAGMA synchronous = FULL" if synced else "PRAGMA synchronous = NORMAL")
            self._syncs = synced
        _when_unlocked(lambda: driver.execute("BEGIN IMMEDIATE"))
        return self._writer

    def _commit(self, writer: sa.Connection) -> None:
        """End what :meth:`_lock` began."""
        if writer.in_transaction():
            writer.commit()
        else:  # what was prepared went past SQLAlchemy
            self._driver.execute("COMMIT")
        files, length = self._look_at_files()
        if files != self._files:
            raise OSError("its files were deleted or replaced while it was written to")
        if length > self._longest:
            self._shorten(length)

    def _undo(self) -> None:
        """Give up what :meth:`_lock` began, and the connection with it."""
        if self._writer is not None:
            with contextlib.suppress(sqlite3.Error):
                # To close it releases nothing while a cursor lives, as in the traceback of an error.
                self._driver.rollback()
            self._drop_writer()

    def _shorten(self, length: int) -> None:
        """Have the log begun anew where it has become too long: ``length`` bytes.

        SQLite does that when somebody who begins to write finds it worked off. Where several processes write large
        messages it never is: while one works it off, another writes on, and it grows until the disk is full.
        """
        # What was written is on the disk, whatever becomes of this; and who writes next meets the same trouble.
        with contextlib.suppress(sqlite3.Error):
            pauses = _pauses(_SHORTENED)
            while self._driver.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]:
                if not next(pauses, False):
                    self._longest = length + _LOG_SIZE  # somebody reads for long: not to be waited for at every commit
                    return
            self._longest = _LOG_SIZE

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.invalidate()
            writer.close()

    def _connect(self, connection: Any, record: Any) -> None:
        connection.isolation_level = None  # no transaction but those that are begun by name
        if not os.access(self._path, os.W_OK):  # SQLite would make files beside it that stay as they are
            raise OSError("it may not be written to")
        connection.execute(f"PRAGMA page_size = {_PAGE}")  # of one that is new
        # Where two open it for the first time, it does not wait by itself.
        (mode,) = _when_unlocked(lambda: connection.execute("PRAGMA journal_mode = WAL").fetchone())
        if mode != "wal":
            raise OSError(f"it cannot have a write-ahead log, only {mode}")
        connection.execute("PRAGMA synchronous = FULL")
        (page,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT // page}")
        connection.execute(f"PRAGMA journal_size_limit = {_LOG_SIZE}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: else the disk may keep it in its own memory


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()
_held: list[Engine] = []


def _before_fork() -> None:
    _held.extend([engine for engine in list(_engines) if engine.hold()])


def _after_fork() -> None:
    while _held:
        _held.pop().let_go()


if hasattr(os, "register_at_fork"):  # pragma: no branch - where there is none, nothing forks
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


class _Job(Generic[T]):
    """One thread's work."""

    __slots__ = ("error", "is_settled", "octets", "result", "synced", "work")

    def __init__(self, work: Callable[[sa.Connection], T], octets: int, synced: bool) -> None:
        self.work = work
        self.octets = octets
        self.synced = synced
        self.is_settled = False
        self.result: T | None = None
        self.error: BaseException | None = None

    def settle(self, result: T | None = None, error: BaseException | None = None) -> None:
        """Say what has become of it."""
        self.result, self.error, self.is_settled = result, error, True


def _begin(connection: sa.Connection) -> None:
    # Else two who have read could not both write, and one of them would be told so instead of waiting.
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        reads = connection.get_execution_options().get("mm7_reads")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _when_unlocked(attempt: Callable[[], T]) -> T:
    """What ``attempt`` returns, as soon as nobody has the lock that it needs."""
    pauses = _pauses(_BUSY)
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:  # noqa: PERF203 - it is tried again because of its errors
            if "locked" not in str(error) or not next(pauses, False):
                raise


def _pauses(seconds: float) -> Iterator[bool]:
    """Pauses that become longer, until so many seconds are over."""
    deadline = time.monotonic() + seconds
    pause = _LOOK
    while time.monotonic() < deadline:
        time.sleep(pause)
        yield True
        pause = min(pause * 1.2, _LOOK_AT_LEAST)


_Files: TypeAlias = "tuple[tuple[int, int] | None, tuple[int, int] | None]"


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
