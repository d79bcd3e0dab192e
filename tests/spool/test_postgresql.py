"""PostgreSQL is told to keep what it has committed, and is not waited for without an end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from mm7_wsgi import MM7Endpoint
from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.spool import DatabaseUnavailable, Spool
from mm7_wsgi.spool.database import Database
from mm7_wsgi.spool.tables import PIECE, schema
from mm7_wsgi.testing import MM7Client


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    made = Database(postgresql)
    yield made
    made.close()


def setting(name: str) -> Any:
    return lambda connection: connection.scalar(sa.text(f"SHOW {name}"))


def run(url: str, statement: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("there", "here"), [("off", "on"), ("on", "on"), ("remote_apply", "remote_apply"), ("local", "local")]
)
def test_a_commit_is_on_the_disk_whatever_the_database_says(database: Database, there: str, here: str) -> None:
    url = database.url.render_as_string(hide_password=False)
    run(url, f"ALTER DATABASE {database.url.database} SET synchronous_commit = {there}")
    assert database.write(setting("synchronous_commit")) == here


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lock_timeout", "5s"),
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("transaction_isolation", "read committed"),
    ],
)
def test_nothing_is_waited_for_without_an_end(database: Database, name: str, value: str) -> None:
    assert database.write(setting(name)) == value
    with database.read() as connection:
        assert setting(name)(connection) == value


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_a_database_may_have_an_encoding_of_its_own(postgresql: str, encoding: str) -> None:
    name = f"{sa.make_url(postgresql).database}_other"
    run(postgresql, f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    spool = Spool(sa.make_url(postgresql).set(database=name).render_as_string(hide_password=False))
    try:
        client = MM7Client(MM7Endpoint(spool, accounts={"acme": "s3cret"}), "acme", "s3cret")
        answers = [client.submit(transaction_id="größer") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [1000, 1000]
        assert answers[0].body == answers[1].body
        assert [delivery.request.transaction_id for delivery in spool.claim(2)] == ["größer"]
    finally:
        spool.close()
        run(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_server_that_does_not_sync_is_named(
    postgresql: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def show_off(*arguments: Any) -> tuple[str, Any]:
        _, _, statement, parameters, *_ = arguments
        return ("SELECT 'off'" if statement == "SHOW fsync" else statement), parameters

    database = Database(postgresql)
    # What the server is started with cannot be another for one connection, so its answer is.
    sa.event.listen(database._engine()._engine, "before_cursor_execute", show_off, retval=True)
    database.write(setting("lock_timeout"))
    database.close()
    assert "has fsync = off: what it has committed is lost with the power" in caplog.text
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_its_clock_is_the_one_that_counts(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = 5000.0
    database = Database(postgresql, clock=lambda: time.time() + ahead)
    before = time.time()
    with monkeypatch.context() as patch:
        now = time.time
        patch.setattr(
            "mm7_wsgi.spool.postgresql.time", type("Clock", (), {"time": staticmethod(lambda: now() + ahead)})
        )
        assert before - 1 <= database.now() <= time.time() + 1
    database.close()


def test_a_lock_is_waited_for_and_then_given_up(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("mm7_wsgi.spool.postgresql._SETTINGS", ("SET lock_timeout = '20ms'",))
    held, done = threading.Event(), threading.Event()

    def hold(connection: sa.Connection) -> None:
        connection.execute(sa.update(schema), {"version": 1})
        held.set()
        assert done.wait(30)

    thread = threading.Thread(target=database.write, args=[hold])
    thread.start()
    assert held.wait(30)
    with pytest.raises(DatabaseUnavailable):
        database.write(lambda connection: connection.execute(sa.update(schema), {"version": 1}))
    done.set()
    thread.join(30)
    assert "lock timeout" in caplog.text


def test_what_it_refuses_to_hold_is_not_taken_for_trouble_with_it(database: Database) -> None:
    with pytest.raises(sa.exc.DataError):
        database.write(lambda connection: connection.execute(sa.insert(schema), {"version": 1 << 40}))
    assert database.write(setting("lock_timeout")) == "5s"


def test_a_connection_that_was_cut_is_replaced(database: Database, postgresql: str) -> None:
    pid = database.write(lambda connection: connection.scalar(sa.text("SELECT pg_backend_pid()")))
    run(postgresql, f"SELECT pg_terminate_backend({pid}, 5000)")
    assert database.write(setting("lock_timeout")) == "5s"


def test_options_of_the_host_stand_in_the_place_of_ours(postgresql: str) -> None:
    database = Database(postgresql, connect_args={"connect_timeout": 3})
    assert database.write(setting("lock_timeout")) == "5s"
    database.close()


def test_accounts_and_ids_of_any_characters_and_length_are_stored(postgresql: str) -> None:
    spool = Spool(postgresql)
    client = MM7Client(MM7Endpoint(spool, accounts={"açme €": "s3cret"}), "açme €", "s3cret", via="basic")
    long = "тест-€-" + "x" * 20_000
    answers = [client.submit(transaction_id=long).body for _ in range(2)]
    assert answers[0] == answers[1]
    assert [delivery.transaction_id for delivery in spool.claim(10)] == [long]
    spool.close()


def test_to_look_whether_the_tables_are_there_makes_none(database: Database) -> None:
    assert not database.has_tables()
    assert not database.has_tables()
    database.write(lambda connection: None)
    assert database.has_tables()


def test_a_message_that_is_done_between_two_of_its_pieces_is_not_there_any_more(
    postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Spool(postgresql)) as spool:
        client = MM7Client(MM7Endpoint(spool, accounts={"acme": "s3cret"}), "acme", "s3cret")
        client.submit(parts=[("video/3gpp", b"x" * 3 * PIECE)])
        (message,) = spool.messages.find()
        write = Buffer.write

        def write_and_remove(buffer: Buffer, octets: bytes) -> None:
            write(buffer, octets)
            list(spool.messages.remove([message]))

        monkeypatch.setattr(Buffer, "write", write_and_remove)
        with pytest.raises(LookupError, match="is not in the spool any more"):
            spool.messages.body_of(message)
