"""``python -m mm7_wsgi spool``: looking after the messages that a spool holds."""

from __future__ import annotations

import json
import logging
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.progress import Progress

from ..protocol.buffer import SLICE, Buffer
from ..protocol.deviations import CATALOGUE
from .inspection import inspect
from .recording import read_recording
from .report import report, shown
from .spool_list import as_line, counted, entry, message_table

if TYPE_CHECKING:
    from ..spool import Spool, Stored

__all__ = ["spool_group"]

_UNITS: Final = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
_AGE: Final = re.compile("([0-9]{1,9})([smhd])")
#: What may not be in the name of a file.
_ODD: Final = re.compile("[^A-Za-z0-9_-]")


@click.group("spool")
def spool_group() -> None:
    """Look after the messages that a spool holds.

    The database is said by --database or by the environment variable MM7_SPOOL: sqlite:///mm7.db, the path of a file,
    or postgresql://user@host/name. What a worker has in hand at the moment is left alone.
    """


def _age(context: click.Context, parameter: click.Parameter, given: str | None) -> datetime | None:
    """The time that is so long ago: ``90s``, ``10m``, ``2h``, ``7d``."""
    if given is None:
        return None
    found = _AGE.fullmatch(given)
    if not found:
        raise click.BadParameter(f"{given!r} is no time such as 90s, 10m, 2h or 7d")
    try:
        return datetime.now(timezone.utc) - timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    except OverflowError:
        raise click.BadParameter(f"{given!r} is too long ago") from None


_DATABASE: Final = click.option("-d", "--database", envvar="MM7_SPOOL", required=True, metavar="URL",
                                help="Where the spool is.", show_envvar=True)  # fmt: skip
_FILTERS: Final = (
    click.argument("message_ids", metavar="[MESSAGE_ID]...", nargs=-1),
    click.option("--state", type=click.Choice(("waiting", "leased", "dead")), help="Those in this state."),
    click.option("--account", metavar="NAME", help="Those of this account."),
    click.option(
        "before", "--older-than", metavar="AGE", callback=_age, help="Those accepted before: 90s, 10m, 2h, 7d."
    ),
)


def _filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command what says which messages it is about."""
    for option in reversed((_DATABASE, *_FILTERS)):
        command = option(command)
    return command


def _asked(filters: dict[str, Any]) -> dict[str, Any]:
    """What was said of the messages that are meant."""
    asked = {name: filters.pop(name) for name in ("message_ids", "state", "account", "before")}
    return {name: value for name, value in asked.items() if value is not None and value != ()}


@spool_group.command("list")
@_filtered
@click.option("as_lines", "--json", is_flag=True, help="One JSON object in one line for each message.")
def list_messages(*, database: str, as_lines: bool, **filters: Any) -> None:
    """List messages, the oldest first."""
    asked = _asked(filters)
    with _opened(database) as spool:
        if as_lines:
            for message in spool.messages.find(**asked):
                print(json.dumps(as_line(message)))
            return
        console = Console(highlight=False, markup=False, emoji=False)
        found = list(spool.messages.find(**asked))
        if found:
            print(message_table(found, console))
        print(counted(spool.messages.counts()))


@spool_group.command("show")
@_DATABASE
@click.argument("message_id")
@click.option("-v", "--verbose", is_flag=True, help="Cut nothing short.")
def show_message(*, database: str, message_id: str, verbose: bool) -> None:
    """Show one message: what is known of it, and what it holds, as inspect shows it."""
    with _opened(database) as spool:
        from ..spool.stored import UNLIMITED

        for message in _named(spool, [message_id]):
            try:
                stored = spool.messages.body_of(message)
            except LookupError as error:
                raise click.ClickException(shown(str(error), None)) from None
            print(entry(message))
            with tempfile.TemporaryFile() as file, closing(stored) as body:
                _write_http(message, body, file)
                file.seek(0)
                with closing(read_recording(file, UNLIMITED)) as recording:
                    # It was accepted, whatever its account tolerates.
                    found = inspect(recording, file=message_id, tolerate=tuple(CATALOGUE), limits=UNLIMITED)
                    print(report(found, Console(highlight=False, markup=False, emoji=False), verbose=verbose))


@spool_group.command("export")
@_filtered
@click.option("--to", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True,
              help="The folder that they are written to.")  # fmt: skip
def export_messages(*, database: str, folder: Path, **filters: Any) -> None:
    """Write messages to files, each as it came: an HTTP request that inspect reads.

    A file that is there already is left as it is, and makes the exit status 1.
    """
    asked = _asked(filters)
    with _opened(database) as spool:
        left_out = False
        for message in _progress(_found(spool, asked), spool.messages.count(**asked)):
            path = folder / f"{message.id}-{_ODD.sub('_', message.message_id)[:60]}.http"
            try:
                _export(spool, message, path)
            except FileExistsError:
                click.echo(f"{click.format_filename(path)} is there already", err=True)
                left_out = True
            except LookupError as error:  # it was done meanwhile
                click.echo(shown(str(error), None), err=True)
                left_out = True
            else:
                print(click.format_filename(path))
        if left_out:
            sys.exit(1)


@spool_group.command("retry")
@_filtered
@click.option("--all", "everything", is_flag=True, help="All that there are.")
def retry_messages(*, database: str, everything: bool, **filters: Any) -> None:
    """Hand messages out again at once, dead letters too, as if they had not been tried."""
    asked = _told(filters, everything=everything)
    with _opened(database) as spool:
        total = spool.messages.count(**asked)
        done = sum(1 for _ in _progress(spool.messages.retry_now(_found(spool, asked)), total))
        _say(done, total, "to be handed out again")


@spool_group.command("purge")
@_filtered
@click.option("--all", "everything", is_flag=True, help="All that there are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge_messages(*, database: str, everything: bool, yes: bool, **filters: Any) -> None:
    """Remove messages for good. It says how many, and asks.

    Transactions whose window has ended are forgotten as well: a request that comes again then is a new one either way.
    """
    asked = _told(filters, everything=everything)
    with _opened(database) as spool:
        # What is accepted while the question is thought about is not what it was about.
        asked.setdefault("before", spool.messages.now())
        total = spool.messages.count(**asked)
        if total and not yes:
            click.confirm(f"Remove {_messages(total)} of {spool.name}?", abort=True, err=True)
        done = sum(1 for _ in _progress(spool.messages.remove(_found(spool, asked)), total))
        _say(done, total, "removed")
        if forgotten := sum(spool.forget_expired()):
            print(f"{forgotten:,} expired {'transaction' if forgotten == 1 else 'transactions'} forgotten")


@spool_group.command("relay")
@_DATABASE
@click.argument("broker", envvar="MM7_BROKER")
@click.option("--queue", default="mm7", show_default=True, help="The queue; it is made where it is not there.")
@click.option("--exchange", default="", help="The exchange to publish to, which has to be there.")
@click.option("--routing-key", metavar="KEY", help="By default the name of the queue.")
@click.option("--once", is_flag=True, help="End when nothing is due. Exits with 1 if there was trouble.")
def relay_messages(*, database: str, broker: str, once: bool, **settings: Any) -> None:
    """Put messages into a queue of RabbitMQ as they become due, until it is ended.

    BROKER is amqp://user:password@host/vhost, also by the environment variable MM7_BROKER. Each message is there at
    least once, with a key by which a consumer drops duplicates. Trouble of the broker is logged, and waited out.
    """
    with _opened(database, looks=False) as spool:
        try:
            from ..spool.relay import Relay

            relay = Relay(spool, broker, **settings)
        except ModuleNotFoundError as error:
            raise click.ClickException(str(error)) from None
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="BROKER") from None
        if once:
            print(f"{_messages(relay.run_once())} relayed")
            relay.close()
            if relay.trouble is not None:
                raise click.ClickException(f"the broker cannot be used: {relay.trouble}")
        else:
            stop = threading.Event()
            with _logged():
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, lambda *_: stop.set())
                relay.run(stop)


@contextmanager
def _opened(database: str, *, looks: bool = True) -> Iterator[Spool]:
    """The spool, and what can be wrong with it in words. Who only ``looks`` has to find the tables there."""
    try:
        from ..spool import DatabaseUnavailable, SchemaError, Spool
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from None
    try:
        spool = Spool(database)
    except (ValueError, ModuleNotFoundError) as error:
        raise click.BadParameter(str(error), param_hint="--database") from None
    if not spool.is_there:
        raise click.BadParameter(f"there is no {spool.name}", param_hint="--database")
    # What it would log of trouble is said here, once.
    with closing(spool), _logged(disabled=True):
        try:
            # To look is not to make one, nor to change what may be somebody else's.
            if looks and not spool.has_tables():
                raise click.BadParameter(f"there is no spool in {spool.name}", param_hint="--database")
            yield spool
        except SchemaError as error:
            raise click.ClickException(str(error)) from None
        except DatabaseUnavailable as error:
            raise click.ClickException(f"{spool.name} cannot be used: {error.reason}") from None


@contextmanager
def _logged(*, disabled: bool = False) -> Iterator[None]:
    """Have the package log what it meets, or not."""
    log = logging.getLogger("mm7_wsgi")
    before, level = log.disabled, log.level
    log.disabled = disabled
    log.setLevel(logging.WARNING)  # also that trouble is over
    try:
        yield
    finally:
        log.disabled = before
        log.setLevel(level)


def _told(filters: dict[str, Any], *, everything: bool) -> dict[str, Any]:
    """What was said of the messages that are meant; it has to be something."""
    asked = _asked(filters)
    if bool(asked) == everything:
        raise click.UsageError("Say which: MESSAGE_ID..., --state, --account, --older-than, or else --all.")
    return asked


def _found(spool: Spool, asked: dict[str, Any]) -> Iterator[Stored]:
    """The messages that are meant; those that are meant by name have to be there."""
    names = asked.get("message_ids")
    return _named(spool, names, asked) if names else spool.messages.find(**asked)


def _named(spool: Spool, names: Iterable[str], asked: dict[str, Any] | None = None) -> Iterator[Stored]:
    found = there = list(spool.messages.find(message_ids=names))
    if asked is not None:
        found = list(spool.messages.find(**asked))
    for some, words in (
        (there, "there is no message"),
        (found, "it is there, but is not what else is asked for: message"),
    ):
        if missing := set(names) - {message.message_id for message in some}:
            raise click.ClickException(f"{words} {', '.join(shown(name, None) for name in sorted(missing))}")
    return iter(found)


def _progress(each: Iterable[Stored], total: int) -> Iterator[Stored]:
    """The same, with a bar that grows where somebody is watching."""
    console = Console(stderr=True)
    # What is printed is put above the bar, unless it is not for the terminal.
    with Progress(
        console=console, transient=True, disable=not console.is_terminal, redirect_stdout=sys.stdout.isatty()
    ) as progress:
        yield from progress.track(each, total=total)


def _export(spool: Spool, message: Stored, path: Path) -> None:
    """Write a message to a file, whole or not at all. Raises ``FileExistsError`` and ``LookupError``."""
    with closing(spool.messages.body_of(message)) as body:
        try:
            with path.open("xb") as file:
                _write_http(message, body, file)
        except FileExistsError:
            raise
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise click.ClickException(f"{click.format_filename(path)}: {error.strerror}") from None
            raise


def _write_http(message: Stored, body: Buffer, file: IO[bytes]) -> None:
    """Write a message as the HTTP request that it came in, but for what is not kept of it."""
    head = f"POST /mm7 HTTP/1.1\r\nContent-Type: {message.content_type}\r\nContent-Length: {message.size}\r\n\r\n"
    file.write(head.encode("latin-1"))
    for offset in range(0, body.size, SLICE):
        file.write(body.read(offset, min(offset + SLICE, body.size)))


def _say(done: int, total: int, what: str) -> None:
    print(f"{_messages(done)} {what}")
    if done < total:
        print(f"{_messages(total - done)} left alone: a worker has them, or has just had them", file=sys.stderr)


def _messages(count: int) -> str:
    return f"{count:,} {'message' if count == 1 else 'messages'}"
