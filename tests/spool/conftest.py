"""Databases for the tests of the spool: SQLite in a file, and a fresh one of PostgreSQL. Queues of RabbitMQ."""

from __future__ import annotations

import os
import runpy
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

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


@pytest.fixture
def rabbitmq(require: Callable[[str], str]) -> str:
    """The URL of the RabbitMQ that MM7_TEST_RABBITMQ names."""
    require("kombu")
    return require("rabbitmq")


@pytest.fixture
def broker(rabbitmq: str) -> Iterator[Any]:
    """A connection of kombu's to it, for the test's own use."""
    import kombu

    with kombu.Connection(rabbitmq, connect_timeout=10) as connection:
        yield connection


@pytest.fixture
def queue(broker: Any) -> Iterator[str]:
    """The name of a queue that nobody else has. It is not there yet, and gone afterwards."""
    name = f"mm7_wsgi.test.{token_hex(8)}"
    yield name
    with broker.channel() as channel:
        channel.queue_delete(name)


@pytest.fixture
def proxy(rabbitmq: str) -> Iterator[Any]:
    """A way to the broker that can be closed, cut and stopped up; its ``url`` is what to connect to."""
    from kombu.utils.url import url_to_parts

    there = url_to_parts(rabbitmq)
    proxy = runpy.run_path(str(Path(__file__).with_name("proxy.py")))["Proxy"]((there.hostname, there.port or 5672))
    user = f"{there.username or 'guest'}:{there.password or 'guest'}"
    proxy.url = f"amqp://{user}@127.0.0.1:{proxy.port}/{(there.path or '/').replace('/', '%2F')}"
    yield proxy
    proxy.close()
