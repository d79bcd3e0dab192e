"""The command line: what is given to it, and what it gives back."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
import sys
from contextlib import closing
from typing import Any, Final

import click
from rich.console import Console

from .. import __version__
from ..account_toml import read_accounts
from ..accounts import Account
from ..protocol.deviations import CATALOGUE
from ..protocol.limits import Limits
from .account_list import account_list, problem_list
from .dump import as_json
from .inspection import Inspection, inspect
from .passwd import METHODS, ha1s_for, hash_of
from .recording import read_recording
from .report import one_line, report, summary
from .spool import spool_group

_NAME: Final = "python -m mm7_wsgi"


def main() -> None:
    """Run the command line of this process, and exit."""
    # What the endpoint logs of a message is in the report; what it logs of itself has to be seen.
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    # A message can hold any character, and a terminal may know few.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    cli(prog_name=_NAME)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mm7_wsgi")
def cli() -> None:
    """Tools for MM7."""


cli.add_command(spool_group)


def _limits(context: click.Context, parameter: click.Parameter, given: tuple[str, ...]) -> Limits:
    """The limits of an endpoint with those that are given: ``body=50000000``."""
    names = [field.name for field in dataclasses.fields(Limits)]
    changed = {}
    for pair in given:
        name, _, number = pair.partition("=")
        if name not in names or not (number.isascii() and number.isdigit()):
            raise click.BadParameter(f"{pair!r} is no NAME=NUMBER with a name of {', '.join(names)}")
        changed[name] = int(number)
    try:
        return Limits(**changed)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@cli.command("inspect")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
@click.option("--content-type", metavar="TYPE", help="Read it under this Content-Type, whatever the recording says.")
@click.option("--strict", is_flag=True, help="Refuse all that is irregular, as an endpoint with strict=True does.")
@click.option(
    "--tolerate", metavar="NAME", multiple=True, type=click.Choice(list(CATALOGUE)),
    help="Read this deviation, as an account does that tolerates it. Can be given several times.",
)  # fmt: skip
@click.option(
    "limits", "--limit", metavar="NAME=NUMBER", multiple=True, callback=_limits,
    help="Another limit than the default: body=50000000. Can be given several times.",
)  # fmt: skip
@click.option("as_lines", "--json", is_flag=True, help="One JSON object in one line for each file.")
@click.option("-q", "--quiet", is_flag=True, help="One line for each file.")
@click.option("-v", "--verbose", is_flag=True, help="Cut nothing short, and show the answer.")
@click.pass_context
def inspect_files(
    context: click.Context,
    *,
    files: tuple[str, ...],
    content_type: str | None,
    strict: bool,
    tolerate: tuple[str, ...],
    limits: Limits,
    as_lines: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Say what is wrong with recorded messages.

    Whether they would be accepted, why not, and what about them is irregular. A FILE holds one request or response as
    it was recorded: with its HTTP head, or with the headers of the body alone, or just the body; "-" is standard input.
    The verdict is that of an endpoint that takes anybody's credentials and reads every part. Exits with 1 if any file
    is refused.
    """
    if as_lines + quiet + verbose > 1:
        raise click.UsageError("--json, --quiet and --verbose exclude each other.")
    console = Console(highlight=False, markup=False, emoji=False)
    found = []
    for number, file in enumerate(files):
        inspection = _inspect(file, content_type=content_type, strict=strict, tolerate=tolerate, limits=limits)
        found.append(inspection)
        if as_lines:
            print(json.dumps(as_json(inspection)))
        elif quiet:
            print(one_line(inspection))
        else:
            if number:
                console.rule()
            print(report(inspection, console, verbose=verbose))
    if len(found) > 1 and not as_lines:
        print(summary(found))
    if not all(inspection.accepted for inspection in found):
        context.exit(1)


@cli.command("passwd")
@click.option("--method", type=click.Choice(METHODS), default="scrypt", show_default=True, help="How to hash it.")
@click.option(
    "--digest", "account", metavar="ACCOUNT",
    help="Make what HTTP Digest is checked with instead, for this account: a line for each algorithm.",
)  # fmt: skip
def make_hash(*, method: str, account: str | None) -> None:
    """Make a hash of a password, for an account file.

    It asks for the password twice, or reads one line where standard input is no terminal, and prints the hash alone.
    """
    if sys.stdin.isatty():
        password = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True, default="", show_default=False, err=True
        )
    else:
        # As an account file reads a secret of another file: one line end is no part of it.
        line = re.sub(rb"\r?\n\Z", b"", sys.stdin.buffer.readline())
        password = line.decode(errors="surrogateescape")
    try:
        if account is None:
            print(hash_of(password, method))
        else:
            Account(account)
            print(*ha1s_for(account, password), sep="\n")
    except ValueError as error:
        raise click.ClickException(str(error)) from None


@cli.command("accounts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.pass_context
def list_accounts(context: click.Context, *, file: str) -> None:
    """Say what is in an account file.

    The accounts, how each is known, and what its secrets are, though not the secrets; or what is wrong with the file,
    a line for each problem. Exits with 1 if anything is.
    """
    try:
        reading = read_accounts(os.path.abspath(file))
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from None
    if reading.problems:
        print(problem_list(reading, click.format_filename(file)))
        context.exit(1)
    print(account_list(reading, Console(highlight=False, markup=False, emoji=False)))


def _inspect(file: str, *, limits: Limits, **options: Any) -> Inspection:
    try:
        with click.open_file(file, "rb") as stream, closing(read_recording(stream, limits)) as recording:
            name = "standard input" if file == "-" else click.format_filename(file)
            return inspect(recording, file=name, limits=limits, **options)
    except OSError as error:
        raise click.BadParameter(f"{click.format_filename(file)}: {error.strerror}", param_hint="FILE") from None
