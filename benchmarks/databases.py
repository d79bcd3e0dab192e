"""Empty databases for what is measured, gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import sqlalchemy as sa


@contextmanager
def databases(server: str | None, folder: str | None = None) -> Iterator[Callable[[], str]]:
    """Makes an empty database each time, and gives its URL: a file in ``folder``, or one of a server's."""
    if server is None:
        with tempfile.TemporaryDirectory(dir=folder or ".") as own:
            yield lambda: f"sqlite:///{Path(own).resolve()}/{token_hex(4)}.db"
        return
    place = sa.make_url(server).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(place, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    made: list[str] = []

    def make() -> str:
        made.append(f"mm7_benchmark_{token_hex(4)}")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {made[-1]}")
        return place.set(database=made[-1]).render_as_string(hide_password=False)

    try:
        yield make
    finally:
        with engine.connect() as connection:
            for name in made:
                connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
