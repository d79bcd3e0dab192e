"""Databases for the tests of the spool: SQLite in a file, and a fresh one of PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex

import pytest
import sqlalchemy as sa


@pytest.fixture
def postgresql(require: Callable[[str], str]) -> Iterator[str]:
    """The URL of a database of PostgreSQL that nobody else has, on the server that MM7_TEST_POSTGRESQL names."""
    server = sa.make_url(require("postgresql")).set(drivername="postgresql+psycopg")
    name = f"mm7_{token_hex(8)}"
    # No pool, so that nothing is open while the tests run.
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there can be one: what a kill leaves is the same there, and there it comes sooner."""
    memory = "/dev/shm"
    made = Path(tempfile.mkdtemp(prefix="mm7_", dir=memory if os.access(memory, os.W_OK) else None))
    yield made
    shutil.rmtree(made)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{request.getfixturevalue('folder') / 'mm7.db'}"
