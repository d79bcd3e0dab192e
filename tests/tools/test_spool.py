"""The commands that look after a spool."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from secrets import token_hex
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from mm7_wsgi import Account, MM7Endpoint
from mm7_wsgi.testing import MM7Client, submit
from mm7_wsgi.tools.cli import cli
from mm7_wsgi.tools.spool import spool_group

sa: Any = pytest.importorskip("sqlalchemy")
from mm7_wsgi.spool import Spool  # noqa: E402
from mm7_wsgi.spool.tables import PIECE, schema, transactions  # noqa: E402


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mm7.db"


@pytest.fixture
def spool(path: Path) -> Iterator[Any]:
    """Five messages: two dead letters, one put off, one that waits, and one in the hands of a worker."""
    made = Spool(path)
    client = MM7Client(MM7Endpoint(made, accounts={"acme": "s3cret"}), "acme", "s3cret")
    for number in range(4):
        client.submit(transaction_id=f"t-{number}", to="+12025550101", parts=[("text/plain", f"hello {number}")])
    for delivery in made.claim(2):
        delivery.fail("no\nsuch recipient")
    for delivery in made.claim(1):
        delivery.retry(1000, "later")
    client.submit(transaction_id="t-4", parts=[("video/3gpp", b"x" * 2 * PIECE)])
    next(made.claim(1))
    yield made
    made.close()


@pytest.fixture
def run(path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command on the spool: ``run("list", "--json")``."""
    monkeypatch.setenv("MM7_SPOOL", f"sqlite:///{path}")
    monkeypatch.setenv("COLUMNS", "220")

    def run(*arguments: str, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(cli, ["spool", *arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def ids(spool: Spool, **asked: Any) -> dict[str, str]:
    """MessageIDs by TransactionID."""
    return {each.transaction_id: each.message_id for each in spool.messages.find(**asked)}


def test_a_list_has_a_line_for_each_message_and_how_many_there_are(spool: Spool, run: Any) -> None:
    result = run("list")
    assert (result.exit_code, result.stderr) == (0, "")
    head, *lines, counts = result.stdout.splitlines()
    assert head.split()[:4] == ["MessageID", "state", "account", "operation"]
    assert [line.split()[4] for line in lines] == [f"t-{number}" for number in range(5)]
    assert [line.split()[1] for line in lines] == ["dead", "dead", "waiting", "leased", "waiting"]
    assert lines[0].endswith(r"no\nsuch recipient")
    assert counts == "2 waiting, 1 leased, 2 dead"


def test_a_list_of_nothing_says_how_many_there_are(spool: Spool, run: Any) -> None:
    assert run("list", "--account", "other").stdout == "2 waiting, 1 leased, 2 dead\n"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (["--state", "dead"], [0, 1]),
        (["--state", "leased"], [3]),
        (["--state", "waiting"], [2, 4]),
        (["--account", "acme"], [0, 1, 2, 3, 4]),
        (["--account", "other"], []),
        (["--older-than", "1h"], []),
        (["--older-than", "0s"], [0, 1, 2, 3, 4]),
    ],
)
def test_a_list_is_of_those_that_are_asked_for(spool: Spool, run: Any, filters: list[str], found: list[int]) -> None:
    lines = [json.loads(line) for line in run("list", "--json", *filters).stdout.splitlines()]
    assert [line["transaction_id"] for line in lines] == [f"t-{number}" for number in found]


def test_a_program_gets_one_object_for_each_message(spool: Spool, run: Any) -> None:
    first = json.loads(run("list", "--json").stdout.splitlines()[0])
    assert first["message_id"] == ids(spool)["t-0"]
    assert (first["state"], first["reason"], first["attempts"]) == ("dead", "no\nsuch recipient", 1)
    assert (first["account"], first["operation"], first["remote_addr"]) == ("acme", "SubmitReq", "127.0.0.1")
    assert datetime.fromisoformat(first["received"]) > datetime.now(timezone.utc) - timedelta(hours=1)
    assert first["content_type"].startswith("multipart/related")


@pytest.mark.parametrize("age", ["1", "h", "1w", "-1h", "1.5h", " 1h"])
def test_an_age_has_a_unit(spool: Spool, run: Any, age: str) -> None:
    result = run("list", "--older-than", age)
    assert result.exit_code == 2
    assert f"{age!r} is no time such as 90s, 10m, 2h or 7d" in result.stderr


def test_an_age_is_not_before_all_time(spool: Spool, run: Any) -> None:
    assert "'999999999d' is too long ago" in run("list", "--older-than", "999999999d").stderr


def test_one_message_is_shown_with_what_it_holds(spool: Spool, run: Any) -> None:
    result = run("show", ids(spool)["t-0"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "transaction id  t-0\n" in result.stdout
    assert r"reason          no\nsuch recipient" in result.stdout
    assert "+12025550101  (Number)" in result.stdout
    assert "hello 0" in result.stdout


def test_a_message_is_shown_as_accepted_whatever_its_account_tolerates(spool: Spool, run: Any) -> None:
    account = Account("acme", "s3cret", tolerate=["close-missing"])
    message = submit(parts=[("text/plain; charset=utf-8", "Gr\u00fc\u00dfe")], transaction_id="t-cut").cut("Gr\u00fc")
    assert MM7Client(MM7Endpoint(spool, accounts={"acme": account}), "acme", "s3cret").send(message).accepted
    shown = run("show", ids(spool)["t-cut"]).stdout
    assert "ACCEPTED" in shown
    assert "close-missing" in shown


def test_a_message_that_is_not_there_is_said_not_to_be(spool: Spool, run: Any) -> None:
    for command in (["show", "x\n"], ["retry", "x\n"], ["purge", "--yes", "x\n", ids(spool)["t-0"]]):
        result = run(*command)
        assert (result.exit_code, result.stderr.splitlines()[-1]) == (1, r"Error: there is no message x\n")
    assert len(ids(spool)) == 5


def test_messages_are_exported_as_they_came(spool: Spool, run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    result = run("export", "--to", str(folder))
    assert (result.exit_code, result.stderr) == (0, "")
    written = result.stdout.splitlines()
    assert len(written) == 5
    for message, name in zip(spool.messages.find(), written, strict=True):
        head, _, body = Path(name).read_bytes().partition(b"\r\n\r\n")
        with spool.messages.body_of(message) as stored:
            assert body == stored.read(0, stored.size)
        assert head.splitlines()[1:] == [
            b"Content-Type: " + message.content_type.encode(), b"Content-Length: %d" % len(body)
        ]  # fmt: skip
    again = CliRunner().invoke(cli, ["inspect", "--quiet", *written])
    assert again.exit_code == 0
    assert again.stdout.count("accepted; SubmitReq") == 5


def test_a_file_that_is_there_is_left_as_it_is(spool: Spool, run: Any, tmp_path: Path) -> None:
    message = ids(spool)["t-0"]
    first = run("export", "--to", str(tmp_path), message).stdout.strip()
    Path(first).write_text("mine")
    result = run("export", "--to", str(tmp_path), message)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"{first} is there already\n"
    assert Path(first).read_text() == "mine"


def test_what_is_done_while_it_is_exported_leaves_no_file(
    spool: Spool, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise LookupError

    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.setattr("mm7_wsgi.spool.store.MessageStore.body_of", gone)
    assert run("export", "--to", str(folder)).exit_code == 1
    assert list(folder.iterdir()) == []


def test_a_name_that_the_host_has_chosen_is_no_path(path: Path, run: Any, tmp_path: Path) -> None:
    with_path = Spool(path)
    client = MM7Client(
        MM7Endpoint(
            lambda request: with_path(request, request.success(message_id="../../up")), accounts={"acme": "s3cret"}
        ),
        "acme",
        "s3cret",
    )
    client.submit()
    with_path.close()
    assert run("export", "--to", str(tmp_path)).stdout == f"{tmp_path}/1-______up.http\n"


def test_dead_letters_are_handed_out_again(spool: Spool, run: Any) -> None:
    result = run("retry", "--state", "dead")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "2 messages to be handed out again\n", "")
    assert {delivery.transaction_id: delivery.attempts for delivery in spool.claim(10)} == {
        "t-0": 1,
        "t-1": 1,
        "t-4": 1,
    }


def test_messages_are_removed_by_name_without_a_question(spool: Spool, run: Any) -> None:
    result = run("purge", "--yes", ids(spool)["t-1"])
    assert (result.exit_code, result.stdout) == (0, "1 message removed\n")
    assert list(ids(spool)) == ["t-0", "t-2", "t-3", "t-4"]


@pytest.mark.parametrize(("answer", "left"), [("y", ["t-3"]), ("n", ["t-0", "t-1", "t-2", "t-3", "t-4"])])
def test_it_asks_before_it_removes(spool: Spool, run: Any, path: Path, answer: str, left: list[str]) -> None:
    result = run("purge", "--all", stdin=f"{answer}\n")
    assert f"Remove 5 messages of sqlite:///{path}? [y/N]" in result.stderr
    assert list(ids(spool)) == left


def test_what_a_worker_has_is_left_alone(spool: Spool, run: Any) -> None:
    result = run("purge", "--all", "--yes")
    assert (result.exit_code, result.stdout) == (0, "4 messages removed\n")
    assert result.stderr == "1 message left alone: a worker has them, or has just had them\n"


def test_transactions_whose_window_has_ended_are_forgotten_too(spool: Spool, run: Any) -> None:
    def set_back(connection: Any, count: int) -> None:
        some = sa.select(transactions.c.id).limit(count)
        connection.execute(sa.update(transactions).where(transactions.c.id.in_(some)), {"expires": 0.0})

    for count, words in ((2, "2 expired transactions forgotten"), (1, "1 expired transaction forgotten")):
        spool._database.write(lambda connection: set_back(connection, count))  # noqa: B023
        assert run("purge", "--account", "other", "--yes").stdout == f"0 messages removed\n{words}\n"
    assert run("purge", "--account", "other", "--yes").stdout == "0 messages removed\n"
    assert len(ids(spool)) == 5


@pytest.mark.parametrize("command", ["retry", "purge"])
@pytest.mark.parametrize("filters", [[], ["--all", "--state", "dead"]])
def test_it_has_to_be_said_which(spool: Spool, run: Any, command: str, filters: list[str]) -> None:
    result = run(command, *filters)
    assert result.exit_code == 2
    assert "Say which: MESSAGE_ID..., --state, --account, --older-than, or else --all." in result.stderr
    assert len(ids(spool)) == 5


def test_to_look_at_a_spool_does_not_make_one(run: Any, path: Path) -> None:
    result = run("list")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2, f"Error: Invalid value for --database: there is no sqlite:///{path}"
    )  # fmt: skip
    assert not path.exists()


def test_a_database_has_to_be_one(run: Any) -> None:
    result = run("list", "--database", "mysql://user:hunter2@host/name")
    assert result.exit_code == 2
    assert "the database has to be SQLite or PostgreSQL, not mysql" in result.stderr
    assert "hunter2" not in result.stderr


def test_a_database_that_cannot_be_used_is_named_with_the_reason(run: Any, path: Path) -> None:
    path.mkdir()
    result = run("list")
    assert (result.exit_code, result.stderr) == (
        1, f"Error: sqlite:///{path} cannot be used: unable to open database file\n"
    )  # fmt: skip


def test_a_file_that_is_no_database_is_said_to_be_none(run: Any, path: Path) -> None:
    path.write_text("hello " * 100)
    result = run("list")
    assert (result.exit_code, result.stderr) == (
        1, f"Error: sqlite:///{path} cannot be used: file is not a database\n"
    )  # fmt: skip


def test_tables_of_another_version_are_left_alone(spool: Spool, run: Any, path: Path) -> None:
    spool._database.write(lambda connection: connection.execute(sa.update(schema), {"version": 7}))
    result = run("list")
    assert (result.exit_code, result.stderr) == (
        1, f"Error: sqlite:///{path} has tables of version 7; this mm7_wsgi knows version 1\n"
    )  # fmt: skip


def test_without_sqlalchemy_it_says_what_to_install(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("mm7_wsgi.spool")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    result = run("list")
    assert (result.exit_code, result.stderr) == (
        1, "Error: mm7_wsgi.spool needs one more package: pip install 'mm7_wsgi[spool]'\n"
    )  # fmt: skip


def test_the_database_has_to_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MM7_SPOOL", raising=False)
    result = CliRunner().invoke(cli, ["spool", "list"])
    assert result.exit_code == 2
    assert "Missing option '-d' / '--database'" in result.stderr
    assert "MM7_SPOOL" in result.stderr


def test_messages_are_relayed_once(spool: Spool, run: Any, require: Any) -> None:
    url = require("rabbitmq")
    queue = f"mm7_{token_hex(8)}"
    from kombu.connection import Connection

    with Connection(url) as connection:
        try:
            result = run("relay", url, "--queue", queue, "--once")
            assert (result.exit_code, result.stdout, result.stderr) == (0, "1 message relayed\n", "")
            (message,) = [connection.default_channel.basic_get(queue)]
            assert message.headers["transaction_id"] == "t-4"
        finally:
            connection.default_channel.queue_delete(queue)
    assert "t-4" not in ids(spool)


def test_a_broker_that_is_away_is_said_to_be(spool: Spool, run: Any, require: Any) -> None:
    require("kombu")
    result = run("relay", "amqp://user:hunter2@127.0.0.1:1//", "--once")
    assert (result.exit_code, result.stdout) == (1, "0 messages relayed\n")
    assert "Error: the broker cannot be used: " in result.stderr
    assert "hunter2" not in result.stderr


def test_a_broker_has_to_be_one(spool: Spool, run: Any, require: Any) -> None:
    require("kombu")
    result = run("relay", "redis://user:hunter2@host")
    assert result.exit_code == 2
    assert "Error: Invalid value for BROKER: the broker has to be RabbitMQ" in result.stderr
    assert "hunter2" not in result.stderr


def test_without_kombu_it_says_what_to_install(spool: Spool, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mm7_wsgi.spool.relay", "mm7_wsgi.spool.broker"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "kombu.connection", None)
    result = run("relay", "amqp://host//")
    assert (result.exit_code, result.stderr) == (
        1, "Error: mm7_wsgi.spool.relay needs one more package: pip install 'mm7_wsgi[rabbitmq]'\n"
    )  # fmt: skip


def test_it_relays_until_it_is_ended(
    spool: Spool, run: Any, require: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It logs trouble meanwhile, since nobody else would say so."""
    require("kombu")
    handlers: dict[int, Any] = {}
    waits: list[float] = []

    class Stop(threading.Event):
        def wait(self, seconds: float | None = None) -> bool:
            waits.append(seconds or 0.0)
            if len(waits) == 3:
                handlers[signal.SIGTERM](signal.SIGTERM, None)
            return False

    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    # By name it would be looked for in a package that another test may have imported anew.
    tool = sys.modules[spool_group.commands["relay"].callback.__module__]  # type: ignore[union-attr]
    monkeypatch.setattr(tool, "threading", SimpleNamespace(Event=Stop))
    result = run("relay", "amqp://user:hunter2@127.0.0.1:1//")
    assert (result.exit_code, len(waits), set(handlers)) == (0, 3, {signal.SIGINT, signal.SIGTERM})
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "hunter2" not in caplog.text


def test_an_account_without_a_name_is_not_every_account(spool: Spool, run: Any) -> None:
    """As a variable of a shell that is not set gives it."""
    result = run("purge", "--account", "", "--state", "dead", "--yes")
    assert (result.exit_code, result.stdout) == (0, "0 messages removed\n")
    assert len(ids(spool)) == 5


def test_no_more_is_removed_than_the_question_was_about(
    spool: Spool, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confirm(*_: Any, **__: Any) -> None:
        MM7Client(MM7Endpoint(spool, accounts={"acme": "s3cret"}), "acme", "s3cret").submit(transaction_id="new")

    monkeypatch.setattr(click, "confirm", confirm)
    result = run("purge", "--all")
    assert result.stdout == "4 messages removed\n"
    assert list(ids(spool)) == ["t-3", "new"]


def test_what_is_retried_while_dead_letters_are_removed_is_kept(spool: Spool) -> None:
    dead = list(spool.messages.find(state="dead"))
    assert len(list(spool.messages.retry_now(dead[:1]))) == 1
    assert [message.transaction_id for message in spool.messages.remove(dead)] == ["t-1"]
    assert list(ids(spool)) == ["t-0", "t-2", "t-3", "t-4"]


def test_a_message_that_is_not_what_is_asked_for_is_said_to_be_left_out(spool: Spool, run: Any) -> None:
    result = run("retry", "--state", "dead", ids(spool)["t-2"])
    assert (result.exit_code, result.stderr) == (
        1, f"Error: it is there, but is not what else is asked for: message {ids(spool)['t-2']}\n"
    )  # fmt: skip


def test_what_is_exported_is_counted_once(spool: Spool, run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """A message that is accepted meanwhile is exported by the next one."""
    body_of = type(spool.messages).body_of
    client = MM7Client(MM7Endpoint(spool, accounts={"acme": "s3cret"}), "acme", "s3cret")

    def accept(*arguments: Any) -> Any:
        client.submit(transaction_id=f"new-{token_hex(8)}")
        return body_of(*arguments)

    monkeypatch.setattr(type(spool.messages), "body_of", accept)
    result = run("export", "--state", "dead", "--to", str(tmp_path))
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)
    result = run("export", "--state", "waiting", "--to", str(tmp_path))
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 4)  # two of them came with the first


def test_a_disk_that_is_full_is_said_to_be_and_leaves_no_half_file(spool: Spool, run: Any, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    (size,) = [message.size for message in spool.messages.find() if message.transaction_id == "t-4"]
    folder = tmp_path / "out"
    folder.mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, before[1]))
    try:
        result = run("export", "--to", str(folder), ids(spool)["t-4"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: {folder}")
    assert result.stderr.endswith(": File too large\n")
    assert list(folder.iterdir()) == []


def test_what_is_interrupted_leaves_no_half_file(
    spool: Spool, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(message: Any, body: Any, file: Any) -> None:
        file.write(b"POST /mm7")
        raise KeyboardInterrupt

    tool = sys.modules[spool_group.commands["export"].callback.__module__]  # type: ignore[union-attr]
    monkeypatch.setattr(tool, "_write_http", interrupt)
    folder = tmp_path / "out"
    folder.mkdir()
    assert run("export", "--to", str(folder)).exit_code == 1
    assert list(folder.iterdir()) == []


def test_a_message_that_is_done_before_it_is_shown_is_said_to_be(
    spool: Spool, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body_of = type(spool.messages).body_of

    def done(store: Any, message: Any) -> Any:
        assert list(store.remove([message]))
        return body_of(store, message)

    monkeypatch.setattr(type(spool.messages), "body_of", done)
    message = ids(spool)["t-0"]
    result = run("show", message)
    assert (result.exit_code, result.stderr) == (1, f"Error: {message} is not in the spool any more\n")


def test_names_of_files_go_where_they_are_sent_while_a_bar_is_shown(spool: Spool, path: Path, tmp_path: Path) -> None:
    """Where standard error is a terminal, and standard output is not one."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mm7_wsgi", "spool", "export", "-d", str(path), "--to", str(tmp_path)]
    with os.fdopen(ours, "rb"), os.fdopen(theirs, "wb") as terminal:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, timeout=60)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 5)


def test_to_look_at_another_database_does_not_change_it(run: Any, path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    result = run("list")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (
        2, f"Error: Invalid value for --database: there is no spool in sqlite:///{path}"
    )  # fmt: skip
    assert path.read_bytes() == before


def test_a_driver_that_there_is_not_is_named(run: Any) -> None:
    result = run("list", "--database", "postgresql+nothing://user:hunter2@host/name")
    assert result.exit_code == 2
    assert "SQLAlchemy knows no postgresql+nothing" in result.stderr
    assert "hunter2" not in result.stderr


def test_a_password_in_the_query_is_not_shown(run: Any) -> None:
    pytest.importorskip("psycopg")
    result = run("list", "--database", "postgresql://user@127.0.0.1:1/name?password=hunter2&application_name=a")
    assert result.exit_code == 1
    assert "Error: postgresql+psycopg://user@127.0.0.1:1/name?application_name=a cannot be used: " in result.stderr
    assert "hunter2" not in result.stderr
