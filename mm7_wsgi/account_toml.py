"""What an account file says.

It is TOML, with a table for each account, whose keys are the fields of :class:`~mm7_wsgi.Account`::

    [accounts.acme]
    secret = "s3cret"  # or a hash or an HA1 that `python -m mm7_wsgi passwd` makes, or an array of these
    addresses = ["192.0.2.7", "198.51.100.0/24", "203.0.113.*"]
    rate = "10/second"
    reuse = "refuse"  # another message under a TransactionID that was used before; or "accept"
    dialect = { fault_http_status = 200 }
    limits = { body = 50_000_000 }
    strict = true
    tolerate = ["close-missing"]

    [accounts.vault]
    secret = [{ env = "MM7_VAULT_SECRET" }, { file = "secrets/vault" }]

    [accounts.literal]
    secret = { plain = "scrypt:me" }  # no hash, though it looks like one

A file is looked for from the folder of the account file on, and is without the one line end that may close it. What it
or the environment holds may be a hash too. All problems are found at once, and none of them shows a secret.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final, NamedTuple

from .account_table import AccountTable
from .accounts import Account, Dialect, Plain, Reuse, is_ha1, is_hash
from .digest import REALM
from .protocol.limits import Limits

__all__ = ["Reading", "Stamp", "read_accounts", "stamp_of"]

#: Octets of an account file, which is some ten thousand accounts, and of a file with one secret.
LARGEST: Final = 4 * 1024 * 1024
LARGEST_SECRET: Final = 64 * 1024

_DIALECT: Final = tuple(field.name for field in fields(Dialect))
_LIMITS: Final = tuple(field.name for field in fields(Limits))
_OF_TOML: Final = {
    str: "a string",
    int: "an integer",
    float: "a float",
    bool: "a boolean",
    list: "an array",
    dict: "a table",
}
_LINE_END: Final = re.compile(r"\r?\n\Z")


class Stamp(NamedTuple):
    """What tells one state of a file from the next. Times are in nanoseconds; with an error, all else is 0."""

    error: int
    mode: int = 0
    inode: int = 0
    size: int = 0
    modified: int = 0
    changed: int = 0


def stamp_of(path: str) -> Stamp:
    """How the file is now."""
    try:
        status = os.stat(path)
    except OSError as error:
        return Stamp(error.errno or errno.EIO)
    except ValueError:  # a path that holds NUL
        return Stamp(errno.EINVAL)
    return Stamp(0, status.st_mode, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in an account file."""

    #: By their names, in the order of the file; only those that are sound.
    accounts: Mapping[str, Account]
    #: Of each account, what its secrets are: ``"plain"``, ``"scrypt from a file"``.
    secrets: Mapping[str, tuple[str, ...]]
    #: What is wrong, each in one line. Where there is anything, there is no table.
    problems: tuple[str, ...]
    table: AccountTable | None
    #: The account file and those with secrets, by their paths, as they were just before they were read.
    stamps: Mapping[str, Stamp]
    #: Whether a problem can go away although no file changes: no descriptor was left, or a disk did not answer.
    passing: bool
    #: Whether every user of the machine can read secrets that are not hashed, or HA1s.
    exposed: bool


def read_accounts(path: str, *, clock: Callable[[], float] = time.monotonic) -> Reading:
    """Reads the account file at ``path``. ``clock`` is that of the table.

    Raises ``ModuleNotFoundError`` where Python cannot read TOML, before 3.11, and tomli is not installed. All else that
    can be wrong is in ``problems``.
    """
    parse = _parser()
    reader = _Reader(path)
    with reader.noting():
        reader.read(_parsed(reader.text_of(path, LARGEST, "the file"), parse))
    table = None
    with reader.noting():
        table = AccountTable(reader.accounts, clock=clock)
    return Reading(
        accounts=reader.accounts,
        secrets=reader.secrets,
        problems=tuple(reader.problems),
        table=None if reader.problems else table,
        stamps=reader.stamps,
        passing=reader.passing,
        exposed=reader.shows_plain and os.name == "posix" and bool(reader.stamps[path].mode & stat.S_IROTH),
    )


def _parser() -> Callable[[str], dict[str, Any]]:
    for name in ("tomllib", "tomli"):
        with suppress(ModuleNotFoundError):
            parse: Callable[[str], dict[str, Any]] = import_module(name).loads
            return parse
    raise ModuleNotFoundError(
        "before Python 3.11, an account file needs one more package: pip install 'mm7_wsgi[toml]'", name="tomli"
    )


def _parsed(text: str, parse: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    try:
        return parse(text)
    except RecursionError:
        reason = "too many brackets in each other"
    except ValueError as error:
        reason = str(error)
    # Raised here, since what was caught can hold the whole text.
    raise _Wrong(f"the file is no TOML: {reason}")


class _Wrong(Exception):
    """What is wrong, in one line."""


class _Reader:
    """Goes through one account file and gathers what is there and what is wrong."""

    def __init__(self, path: str) -> None:
        self._folder = os.path.dirname(path)
        self.accounts: dict[str, Account] = {}
        self.secrets: dict[str, tuple[str, ...]] = {}
        self.problems: list[str] = []
        self.stamps: dict[str, Stamp] = {}
        self.passing = False
        self.shows_plain = False

    @contextmanager
    def noting(self, place: str = "") -> Iterator[None]:
        """Makes problems of what is raised inside of it."""
        try:
            yield
        except (_Wrong, ValueError, TypeError, ModuleNotFoundError) as error:
            self.problems.append(f"{place}{error}")

    def text_of(self, path: str, largest: int, what: str) -> str:
        stamp = self.stamps[path] = stamp_of(path)
        if stamp.error:
            raise _Wrong(f"{what} cannot be read: {os.strerror(stamp.error)}")
        if not stat.S_ISREG(stamp.mode):  # a pipe would keep a request waiting for ever
            raise _Wrong(f"{what} is no regular file")
        try:
            with open(path, "rb") as file:
                octets = file.read(largest + 1)
        except OSError as error:
            self.passing = True
            raise _Wrong(f"{what} cannot be read: {error.strerror}") from None
        if len(octets) > largest:
            raise _Wrong(f"{what} is larger than {largest:,} octets")
        with suppress(UnicodeDecodeError):
            return octets.decode("utf-8-sig")  # with the mark that some editors put in front
        raise _Wrong(f"{what} is not UTF-8")

    def read(self, document: dict[str, Any]) -> None:
        self._sound_keys("", document, ("accounts",))
        if "accounts" not in document:
            # So is a file that is just being written anew. Who means that nobody may send writes [accounts].
            raise _Wrong("there are no accounts in it; [accounts.NAME] begins one")
        for name, table in _checked(document["accounts"], dict, "accounts").items():
            with self.noting():
                self._read_account(name, table)

    def _read_account(self, name: str, table: object) -> None:
        Account(name)
        keys = _checked(table, dict, f"account {name!r}")
        before = len(self.problems)
        values: dict[str, Any] = {}
        readers = {
            "secret": self._secrets,
            "addresses": self._addresses,
            "rate": self._rate,
            "reuse": self._reuse,
            "dialect": self._dialect,
            "limits": self._limits,
            "strict": self._strict,
            "tolerate": self._tolerate,
        }
        for key in self._sound_keys(f"account {name!r}: ", keys, tuple(readers)):
            with self.noting():
                values[key] = readers[key](name, keys[key])
        if len(self.problems) == before:
            self.accounts[name] = Account(name, **values)

    # What each key holds. One thing after the other is made an account of, so that no problem hides the next.

    def _secrets(self, name: str, value: object) -> list[str]:
        found, kinds = [], []
        for item in value if isinstance(value, list) else [value]:
            with self.noting():
                secret, source = self._secret(f"account {name!r}: secret", item)
                Account(name, secret)
                found.append(secret)
                kinds.append(kind_of_secret(secret) + source)
                # An HA1 is as good as the secret for who answers a challenge.
                self.shows_plain |= not source and not is_hash(secret)
        self.secrets[name] = tuple(kinds)
        return found

    def _secret(self, place: str, item: object) -> tuple[str, str]:
        """The secret, and in words where it is from, unless it stands in the account file itself."""
        if isinstance(item, str):
            return item, ""
        if not isinstance(item, dict):
            raise _Wrong(f"{place} has to be a string, a table or an array of these, not {_kind(item)}")
        keys = self._sound_keys(f"{place}: ", item, ("plain", "env", "file"))
        if len(item) != 1 or not keys:
            raise _Wrong(f"{place}: such a table has to have one key: plain, env or file")
        (key,) = keys
        text = _checked(item[key], str, f"{place}.{key}")
        if key == "plain":
            return Plain(text), ""
        if key == "env":
            value = os.getenv(text)
            if value is None:
                raise _Wrong(f"{place}: the environment variable {text!r} is not set")
            return value, " from the environment"
        held = self.text_of(os.path.join(self._folder, text), LARGEST_SECRET, f"{place}: the file {text!r}")
        return _LINE_END.sub("", held), " from a file"

    def _addresses(self, name: str, value: object) -> list[str]:
        addresses: list[str] = _checked(value, list, f"account {name!r}: addresses")
        for address in addresses:
            with self.noting():
                Account(name, addresses=[address])
        return addresses

    def _rate(self, name: str, value: object) -> str | None:
        return Account(name, rate=_checked(value, str, f"account {name!r}: rate")).rate

    def _reuse(self, name: str, value: object) -> Reuse | None:
        return Account(name, reuse=_checked(value, str, f"account {name!r}: reuse")).reuse

    def _dialect(self, name: str, value: object) -> Dialect:
        table = _checked(value, dict, f"account {name!r}: dialect")
        sound = {}
        for key in self._sound_keys(f"account {name!r}: dialect: ", table, _DIALECT):
            with self.noting(f"account {name!r}: dialect: "):
                Dialect(**{key: table[key]})
                sound[key] = table[key]
        return Dialect(**sound)

    def _limits(self, name: str, value: object) -> dict[str, int]:
        table: dict[str, int] = _checked(value, dict, f"account {name!r}: limits")
        for key in self._sound_keys(f"account {name!r}: limits: ", table, _LIMITS):
            with self.noting():
                Account(name, limits={key: table[key]})
        return table

    def _strict(self, name: str, value: object) -> bool:
        return bool(_checked(value, bool, f"account {name!r}: strict"))

    def _tolerate(self, name: str, value: object) -> list[str]:
        names: list[str] = _checked(value, list, f"account {name!r}: tolerate")
        for each in names:
            with self.noting():
                Account(name, tolerate=[each])
        return names

    def _sound_keys(self, place: str, table: dict[str, Any], allowed: tuple[str, ...]) -> list[str]:
        """The keys that are allowed. Of each of the others it is noted what may have been meant."""
        for key in table:
            if key not in allowed:
                near = get_close_matches(key, allowed, 1)
                meant = f"is {near[0]} meant? " if near else ""
                self.problems.append(f"{place}there is no key {key!r}; {meant}There can be {', '.join(allowed)}")
        return [key for key in table if key in allowed]


def kind_of_secret(secret: str) -> str:
    """Return ``"plain"``, or the method of a hash: ``"scrypt"``, ``"digest:MD5"``."""
    if is_ha1(secret):
        return secret.rpartition(f":{REALM}:")[0]
    return secret.partition(":")[0] if is_hash(secret) else "plain"


def _checked(value: object, kind: type, place: str) -> Any:
    if not isinstance(value, kind):
        raise _Wrong(f"{place} has to be {_OF_TOML[kind]}, not {_kind(value)}")
    return value


def _kind(value: object) -> str:
    return _OF_TOML.get(type(value), "a date or a time")
