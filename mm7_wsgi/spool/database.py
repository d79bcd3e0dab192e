"""A database that keeps what it has said to keep: SQLite or PostgreSQL, through SQLAlchemy Core.

What is written here is on the disk before :meth:`Database.write` returns, unless its caller says that it need not be.
Both databases have settings under which that is not so, and say nothing; they are set in :mod:`.sqlite` and
:mod:`.postgresql`, or looked at.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any, Final, TypeVar

from ..observer import printable
from ..protocol.errors import ServiceUnavailable

try:
    import sqlalchemy as sa
    from sqlalchemy import exc
except ModuleNotFoundError as error:
    message = "mm7_wsgi.spool needs one more package: pip install 'mm7_wsgi[spool]'"
    raise ModuleNotFoundError(message, name=error.name) from error

from . import postgresql, sqlite
from .tables import SCHEMA_VERSION, metadata, schema

__all__ = ["Database", "DatabaseUnavailable", "Prepared", "SchemaError"]

_log = logging.getLogger("mm7_wsgi")

T = TypeVar("T")

_ENGINES: Final[dict[str, type[sqlite.Engine] | type[postgresql.Engine]]] = {
    "sqlite": sqlite.Engine,
    "postgresql": postgresql.Engine,
}


class DatabaseUnavailable(ServiceUnavailable):
    """4006: the database cannot be used now: it is locked, full, read-only, gone. Nothing was accepted.

    ``reason`` is for whoever looks after it, and not for the peer.
    """

    def __init__(self, reason: str = "") -> None:
        super().__init__(details="the message cannot be stored now")
        self.reason = reason


class SchemaError(Exception):
    """The tables in the database are of another version of this package, and were left alone."""


class Database:
    """One database, by its URL or, for SQLite, the path of its file.

    It is opened at the first use, by each process for itself: so it can be made before a server forks, and used by any
    number of threads. ``options`` are those of ``sqlalchemy.create_engine``. The ``clock`` gives seconds since 1970.

    Raises ``ValueError`` for a URL that is neither, and for SQLite in memory; ``ModuleNotFoundError`` where the driver
    is missing.
    """

    def __init__(self, url: str | os.PathLike[str], *, clock: Callable[[], float] = time.time, **options: Any) -> None:
        self.url = _readable_url(url)
        self._clock = clock
        self._options = options
        try:
            self._driver: Any = self.url.get_dialect().import_dbapi()
        except exc.NoSuchModuleError:
            raise ValueError(f"SQLAlchemy knows no {self.url.drivername[:80]}") from None
        # One for each process that used it. Those of a parent are kept, because to drop them would close what is the
        # parent's still.
        self._engines: dict[int, sqlite.Engine | postgresql.Engine] = {}
        self._trouble: str | None = None

    def __repr__(self) -> str:
        return f"<Database {self.name}>"

    @property
    def name(self) -> str:
        """The URL, to be shown: without a password, wherever in it that is."""
        secret = [name for name in self.url.query if "password" in name.lower()]
        return printable(self.url.difference_update_query(secret).render_as_string(hide_password=True))

    def write(self, work: Callable[[sa.Connection], T], *, octets: int = 0, synced: bool = True) -> T:
        """Do ``work`` in a transaction, and return what it returns when that is on the disk.

        Without ``synced``, all other processes see it then, and it survives when this process is killed. A power
        failure may lose it, until a later transaction is synced.

        With SQLite, ``work`` of several threads that wait is committed together, and may be done once more where that
        fails; so it is to have no effect but in the database. ``octets`` is how much it writes, roughly.

        Raises :class:`DatabaseUnavailable`, :class:`SchemaError`, and what ``work`` raises.
        """
        try:
            result = self._engine().write(work, octets, synced=synced)
        except Exception as error:
            self._tell(error)
            raise
        if self._trouble is not None:
            self._trouble = None
            _log.warning("the database %s can be used again", self.name, extra={"event": "spool"})
        return result

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads. Raises :class:`DatabaseUnavailable`, :class:`SchemaError`."""
        with self._told(), self._engine().read() as connection:
            yield connection

    def now(self) -> float:
        """Seconds since 1970, by the clock that all who use this database have in common.

        Raises :class:`DatabaseUnavailable`, :class:`SchemaError`.
        """
        try:
            return self._clock() + self._engine().clock_ahead()
        except Exception as error:
            self._tell(error)
            raise

    @property
    def is_there(self) -> bool:
        """Whether there is a file, where it is one: else the first use makes it."""
        return self.url.get_backend_name() != "sqlite" or os.path.exists(str(self.url.database))

    def has_tables(self) -> bool:
        """Whether the tables are there, of whatever version. Makes and changes nothing.

        Raises :class:`DatabaseUnavailable`.
        """
        if not self.is_there:
            return False
        with self._told(), self._engine().look() as connection:
            return sa.inspect(connection).has_table(schema.name)

    def close(self) -> None:
        """Close the connections of this process. It opens new ones when it is used again."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.close()

    def _engine(self) -> sqlite.Engine | postgresql.Engine:
        """What this process uses."""
        pid = os.getpid()
        engine = self._engines.get(pid)
        if engine is None:
            make = _ENGINES[self.url.get_backend_name()]
            engine = self._engines.setdefault(pid, make(self.url, self._options, self._make_tables))
        return engine

    def _make_tables(self, connection: sa.Connection) -> None:
        """Make the tables where there are none; raises :class:`SchemaError` where they are others."""
        if not sa.inspect(connection).has_table(schema.name):
            metadata.create_all(connection)
            connection.execute(sa.insert(schema), {"version": SCHEMA_VERSION})
        found = connection.scalar(sa.select(schema.c.version))
        if found != SCHEMA_VERSION:
            raise SchemaError(
                f"{self.name} has tables of version {found}; this mm7_wsgi knows version {SCHEMA_VERSION}"
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raise trouble with the database as what it is for the peer."""
        try:
            yield
        except Exception as error:
            self._tell(error)
            raise

    def _tell(self, error: Exception) -> None:
        """Raise what trouble with the database is for the peer, and log it when it begins; nothing for other errors."""
        driver = self._driver
        if isinstance(error, (exc.IntegrityError, exc.DataError, driver.IntegrityError, driver.DataError)):
            return  # that is what was to be written
        if isinstance(error, (exc.DBAPIError, exc.TimeoutError, driver.Error, OSError)):
            self._engine().forget()  # the tables may be gone with it
            text = printable(str(getattr(error, "orig", None) or error).strip().partition("\n")[0])
            if text != self._trouble:
                self._trouble = text
                _log.error("the database %s cannot be used: %s", self.name, text, extra={"event": "spool"})
            raise DatabaseUnavailable(text) from error


class Prepared:
    """A statement of SQLAlchemy for those places where to run it through SQLAlchemy would take longer than to do it.

    It is compiled once for each kind of database, and run by the driver.
    """

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._compiled: dict[str, tuple[str, Callable[[dict[str, Any]], Any]]] = {}

    def run(self, connection: sa.Connection, values: dict[str, Any]) -> Any:
        """Run it in the transaction of ``connection``, with ``values`` for the same columns each time.

        Returns the driver's cursor.
        """
        name = connection.dialect.name
        compiled = self._compiled.get(name)
        if compiled is None:
            found = self._make(name).compile(dialect=connection.dialect, column_keys=list(values))
            places = found.positiontup
            compiled = self._compiled[name] = (str(found), dict if places is None else itemgetter(*places))
        text, arrange = compiled
        cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
        cursor.execute(text, arrange(values))
        return cursor


def _readable_url(url: str | os.PathLike[str]) -> sa.URL:
    text = os.fspath(url)
    try:
        found = sa.make_url(text if "://" in text else f"sqlite:///{text}")
    except (exc.ArgumentError, ValueError):  # the latter shows what it took for a port: it may be of a password
        raise ValueError("this is no URL of a database; sqlite:///mm7.db is one") from None
    backend, _, driver = found.drivername.partition("+")
    if backend == "sqlite":
        path = found.database
        if not path or path == ":memory:" or path.startswith("file:"):
            raise ValueError("SQLite has to be in a file, as sqlite:///mm7.db says it")
        return found.set(database=os.path.abspath(path))  # a server may go to another folder before the first use
    if backend not in ("postgresql", "postgres"):
        raise ValueError(f"the database has to be SQLite or PostgreSQL, not {backend[:40]}")
    return found.set(drivername=f"postgresql+{driver or 'psycopg'}")
