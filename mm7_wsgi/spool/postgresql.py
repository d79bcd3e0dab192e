"""PostgreSQL, so that what it has committed is on its disk, and locks and lost machines are not waited for for long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

__all__ = ["Engine"]

_log = logging.getLogger("mm7_wsgi")

T = TypeVar("T")

# Any number, the same for all who make the tables.
_LOCK: Final = 0x6D6D37
_SECONDS: Final = 5.0
# Of libpq.
_ARGUMENTS: Final[dict[str, Any]] = {
    "client_encoding": "utf8",  # else it is that of the database, and that may be none
    # Seconds for a connection, and until one is given up at whose other end nobody answers.
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_SETTINGS: Final = (
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '60s'",
    # Else a commit would return before it is on the disk. Where it waits for more than that, it goes on doing so.
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
)


class Engine:
    """One process's way to a database of PostgreSQL."""

    def __init__(self, url: sa.URL, options: dict[str, Any], make_tables: Callable[[sa.Connection], None]) -> None:
        self._make_tables = make_tables
        self._is_ready = False
        self._clock_ahead = 0.0
        self._name = url.set(query={}).render_as_string(hide_password=True)
        arguments = {
            "connect_args": _ARGUMENTS if url.get_driver_name().startswith("psycopg") else {},
            "isolation_level": "READ COMMITTED",
            "pool_pre_ping": True,
            "pool_timeout": _SECONDS,
            **options,
        }
        # hide_parameters, so that nothing that a message holds comes into a log.
        self._engine = sa.create_engine(url, hide_parameters=True, **arguments)
        event.listen(self._engine, "connect", _connect)

    def forget(self) -> None:
        """Look at the tables again before the next use."""
        self._is_ready = False

    def clock_ahead(self) -> float:
        """Seconds by which the clock of the server is ahead of the one here."""
        self._prepare()
        return self._clock_ahead

    def _prepare(self) -> None:
        """Have the tables there, and see what the server promises."""
        if self._is_ready:
            return
        with self._engine.begin() as connection:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            self._make_tables(connection)
            there = connection.scalar(sa.select(sa.func.extract("epoch", sa.func.clock_timestamp())))
            self._clock_ahead = float(there or 0.0) - time.time()
            if connection.scalar(sa.text("SHOW fsync")) != "on":
                words = "%s has fsync = off: what it has committed is lost with the power"
                _log.warning(words, self._name, extra={"event": "spool"})
        self._is_ready = True

    @contextmanager
    def look(self) -> Iterator[sa.Connection]:
        """A connection to a database that may be somebody else's: without making the tables."""
        with self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads."""
        self._prepare()
        with self.look() as connection:
            yield connection

    def write(self, work: Callable[[sa.Connection], T], octets: int, *, synced: bool = True) -> T:
        """Do it in a transaction. The server itself syncs once for several that commit together."""
        self._prepare()
        with self._engine.begin() as connection:
            try:
                if not synced:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                return work(connection)
            except Exception:
                # What the driver raises by itself says nothing to the pool.
                connection.invalidate()
                raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _connect(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    for setting in _SETTINGS:
        cursor.execute(setting)
    cursor.close()
    connection.commit()  # or they would be gone with the first transaction that is rolled back
