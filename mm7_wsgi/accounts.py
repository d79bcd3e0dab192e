"""Whose the credentials are.

A host says who may send in whatever form it has at hand: a mapping, a function, an object of its own.
:func:`as_resolver` makes one thing of them, a :class:`Resolver`, and :func:`identify` is the only one to ask it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pkgutil
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NoReturn, Protocol, TypeAlias, runtime_checkable

from werkzeug.security import check_password_hash

from .credentials import UNPRESENTABLE, Credentials, IPAddress
from .protocol.errors import Unauthorized
from .protocol.soap import RESERVED

__all__ = ["Account", "AccountTable", "Dialect", "Plain", "Resolver", "as_resolver", "identify"]

_IPNetwork: TypeAlias = IPv4Network | IPv6Network


class Plain(str):
    """A secret that is meant as it stands, also where it looks like a hash: ``Plain("scrypt:me")``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Plain(...)"


_Secrets: TypeAlias = str | Sequence[str] | None

# Letters and digits of a name in XML 1.0 (5th edition), the colon left out, as Namespaces in XML asks.
_NAME_START = (
    "A-Z_a-z\xc0-\xd6\xd8-\xf6\xf8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff"
    "\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_PREFIX = re.compile(f"(?![Xx][Mm][Ll])[{_NAME_START}][-.0-9\xb7\u0300-\u036f\u203f-\u2040{_NAME_START}]*")
# Control characters, what ends a line, and halves of characters: neither a log line nor an XML document can hold them.
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one account wants to be answered. By default each answer echoes the request.

    Raises ``ValueError`` or ``TypeError`` that names the field.
    """

    #: The HTTP status of a final fault: 500, as SOAP 1.1 has it (6.2), or 200 for peers that else send again.
    fault_http_status: int = 500
    #: The namespace prefix of the operation; ``""`` makes it the default namespace.
    prefix: str | None = None
    #: The namespace of the operation.
    namespace: str | None = None
    #: The text of ``MM7Version``.
    mm7_version: str | None = None

    def __post_init__(self) -> None:
        status = self.fault_http_status
        if isinstance(status, bool) or not isinstance(status, int):
            raise TypeError(f"Dialect.fault_http_status has to be a whole number, not {type(status).__name__}")
        if status != 200 and not 400 <= status <= 599:
            raise ValueError(f"Dialect.fault_http_status has to be 200 or from 400 to 599, not {status}")
        for name in ("prefix", "namespace", "mm7_version"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise TypeError(f"Dialect.{name} has to be a string or None, not {type(value).__name__}")
        if self.prefix and not _PREFIX.fullmatch(self.prefix):
            raise ValueError(f"Dialect.prefix has to be an XML name without colon, not {self.prefix!r}")
        for name in ("namespace", "mm7_version"):
            value = getattr(self, name)
            if value is not None and (not value.strip() or _CONTROL.search(value)):
                raise ValueError(f"Dialect.{name} has to be text without control characters, not {value!r}")
        if self.namespace and self.namespace.strip() in RESERVED:
            raise ValueError(f"Dialect.namespace has to be one that XML leaves to others, not {self.namespace!r}")


@dataclass(frozen=True, slots=True)
class Account:
    """Who sends.

    Raises ``ValueError`` or ``TypeError`` that names the account, and never a secret. Neither ``repr`` nor ``pickle``
    gives the secret away.
    """

    #: What the peer calls itself in the URI or in Basic. An address or a network (``192.0.2.7``, ``2001:db8::/64``)
    #: recognises a peer that shows no credentials by where it comes from.
    name: str
    #: One secret, or several while they are being changed. ``scrypt:…`` and ``pbkdf2:…`` are hashes as
    #: ``werkzeug.security`` makes them; :class:`Plain` says that one is not. None is matched by nothing.
    secret: _Secrets = field(default=None, repr=False)
    #: Addresses and networks that it may send from; empty for any. They restrict, they never identify.
    addresses: Sequence[str] = ()
    dialect: Dialect = Dialect()
    _networks: tuple[_IPNetwork, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"the name of an account has to be a string, not {type(self.name).__name__}")
        if not self.name or _CONTROL.search(self.name):
            raise ValueError(f"the name of an account has to be text without control characters, not {self.name!r}")
        if not isinstance(self.dialect, Dialect):
            raise TypeError(f"account {self.name!r}: dialect has to be a Dialect, not {type(self.dialect).__name__}")
        if self.secret is not None and not isinstance(self.secret, str):
            object.__setattr__(self, "secret", _strings(self.secret, f"account {self.name!r}: secret"))
        for secret in _listed(self.secret):
            _check_secret(self.name, secret)
        addresses = _strings(self.addresses, f"account {self.name!r}: addresses")
        object.__setattr__(self, "addresses", addresses)
        try:
            object.__setattr__(self, "_networks", tuple(map(_network, addresses)))
        except ValueError as error:
            raise ValueError(f"account {self.name!r}: addresses: {error}") from None

    def allows(self, address: IPAddress | None) -> bool:
        """Whether the account may send from ``address``. One that is not known is allowed only where all are."""
        networks = self._networks
        return not networks or (address is not None and any(address in network for network in networks))

    def __copy__(self) -> Account:
        return self

    def __deepcopy__(self, memo: object) -> Account:
        return self

    def __reduce__(self) -> NoReturn:
        # What a host puts into a queue or a cache is read by others, and stays there. The name says all it needs.
        raise TypeError("an Account holds a secret and is not pickled: keep its name")


def _strings(values: object, what: str) -> tuple[str, ...]:
    # A string is a sequence of strings too, and never the one that was meant.
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes, bytearray, Mapping)):
        raise TypeError(f"{what} has to be a list of strings, not {type(values).__name__}")
    listed = tuple(values)
    for value in listed:
        if not isinstance(value, str):
            raise TypeError(f"{what} has to be a list of strings, and one is {type(value).__name__}")
    return listed


def _listed(secret: _Secrets) -> Sequence[str]:
    if secret is None:
        return ()
    return (secret,) if isinstance(secret, str) else secret


def _network(text: str) -> _IPNetwork:
    """Raises ``ValueError``. Host bits may be set. An IPv4-mapped network is the IPv4 one, as addresses are."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network):
        # Of an address with host bits, only what the prefix covers is left: mapped is what is mapped as a whole.
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


_SCRYPT = re.compile(r"scrypt:([0-9]{1,10}):[1-9][0-9]{0,8}:[1-9][0-9]{0,8}\$[^$]+\$[0-9a-f]{128}")
_PBKDF2 = re.compile(r"pbkdf2:([a-z0-9_]+)(?::[1-9][0-9]{0,8})?\$[^$]+\$([0-9a-f]+)")


def _is_hash(secret: str) -> bool:
    return secret.startswith(("scrypt:", "pbkdf2:")) and not isinstance(secret, Plain)


def _check_secret(account: str, secret: str) -> None:
    if not secret:
        raise ValueError(f"account {account!r}: a secret is empty; an account without one has None")
    if UNPRESENTABLE.search(secret):  # a request that holds one is refused before we look
        raise ValueError(
            f"account {account!r}: a secret holds NUL, CR or LF (the end of the line that it was read from?)"
        )
    if _is_hash(secret) and not _is_sound_hash(secret):
        raise ValueError(
            f"account {account!r}: a secret begins as a hash does and is malformed; Plain(…) says it is none"
        )


def _is_sound_hash(secret: str) -> bool:
    if match := _SCRYPT.fullmatch(secret):
        cost = int(match[1])
        return cost > 1 and cost & (cost - 1) == 0
    if match := _PBKDF2.fullmatch(secret):
        return match[1] in hashlib.algorithms_guaranteed and len(match[2]) == 2 * hashlib.new(match[1]).digest_size
    return False


# Resolvers

_DOTTED = re.compile(r"[\w.]+(?::[\w.]*)?")


@runtime_checkable
class Resolver(Protocol):
    """Finds the account that credentials belong to.

    Of ``"uri"`` and ``"basic"`` credentials it has to check the secret, in constant time. It may be called from several
    threads at once.
    """

    def resolve(self, credentials: Credentials) -> Account | None:
        """The account, or None if there is none or the secret is wrong."""
        ...


def as_resolver(accounts: object) -> Resolver:
    """A resolver made of what the host has.

    That is a mapping of names to None, a secret, a list of secrets or an :class:`Account`; an object with ``resolve``;
    a callable; or the dotted name of any of these (``"shop.partners:find_account"``). Raises ``TypeError`` for anything
    else, and ``ValueError`` for a name that leads nowhere or a mapping that is wrong in itself.
    """
    if isinstance(accounts, str):
        if not _DOTTED.fullmatch(accounts):
            # Not shown: it may be what belongs into a mapping.
            raise ValueError("accounts: a string has to be the dotted name of accounts, as package.module:name")
        try:
            found = pkgutil.resolve_name(accounts)
        except (ValueError, ImportError, AttributeError) as error:
            raise ValueError(f"accounts: {accounts!r} cannot be imported: {error}") from error
        if isinstance(found, str):
            raise TypeError(f"accounts: {accounts!r} is a string, where accounts were expected")
        return as_resolver(found)
    # A class would be called, or its method, with the credentials in the place of self.
    if not isinstance(accounts, type):
        if isinstance(accounts, Resolver) and callable(accounts.resolve):
            return accounts
        if isinstance(accounts, Mapping):
            return AccountTable(accounts)
        if callable(accounts):
            return _CallableResolver(accounts)
    # Never the value: it may be a list of secrets.
    raise TypeError(
        "accounts has to be a mapping, a callable, an object with a method resolve, or the dotted name of one, "
        f"not {'the class ' + accounts.__name__ if isinstance(accounts, type) else type(accounts).__name__}"
    )


class _CallableResolver:
    __slots__ = ("resolve",)

    def __init__(self, function: Callable[[Credentials], Account | None]) -> None:
        self.resolve = function


def identify(resolver: Resolver, credentials: tuple[Credentials, ...]) -> Account:
    """The one account that all ``credentials`` belong to, allowed to send from where it does.

    Raises :class:`~mm7_wsgi.protocol.errors.Unauthorized`, with one text for all reasons, and ``TypeError`` for a
    resolver that gives back anything but an :class:`Account` or None. What the resolver itself raises passes through.
    """
    identified: Account | None = None
    for shown in credentials:
        account = resolver.resolve(shown)
        if account is None:
            raise Unauthorized
        if not isinstance(account, Account):
            raise TypeError(f"{_described(resolver)} gave back {type(account).__name__}, not an Account or None")
        if not account.allows(shown.address) or (identified is not None and account.name != identified.name):
            raise Unauthorized
        identified = identified or account
    if identified is None:
        raise Unauthorized
    return identified


def _described(resolver: Resolver) -> str:
    # By name, not by repr, which is the host's and may show what the object holds.
    thing: Any = resolver.resolve if isinstance(resolver, _CallableResolver) else resolver
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}"


# The resolver for a mapping


class _Entry:
    """One account as it is checked: plain secrets as digests, hashes, and the dummies that a refusal verifies too."""

    __slots__ = ("account", "digests", "hashes", "padding")

    def __init__(self, account: Account | None, digests: tuple[bytes, ...], hashes: tuple[str, ...]) -> None:
        self.account = account
        self.digests = digests
        self.hashes = hashes
        self.padding: tuple[str, ...] = ()


class AccountTable:
    """The resolver over a mapping of names to None, a secret, a list of secrets, or an :class:`Account`.

    An account given as such is given back as such; one made here of a bare secret does not keep it (its ``secret`` is
    None). Nor does the table: plain secrets are kept as HMACs under a key of its own.

    A refusal costs the same for every reason, so that its duration does not tell who has an account. It verifies, for
    each method of hashing in the table (scrypt or pbkdf2, with parameters), as many hashes as the account with the most
    of them has: those of the account that was named, and dummies for the rest.
    """

    __slots__ = ("_entries", "_key", "_nobody", "_ranges", "_verified")

    def __init__(
        self,
        accounts: Mapping[str, _Secrets | Account],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = secrets.token_bytes(32)
        self._verified = _RecentlyVerified(clock)
        self._entries = {name: self._entry(name, value) for name, value in accounts.items()}
        self._nobody = _Entry(None, (), ())
        _pad([self._nobody, *self._entries.values()])
        self._ranges = _ranges(entry.account for entry in self._entries.values() if entry.account is not None)

    def _entry(self, name: str, value: _Secrets | Account) -> _Entry:
        account = value if isinstance(value, Account) else Account(name, value)
        if account.name != name:
            raise ValueError(f"accounts: the key {name!r} holds the account {account.name!r}")
        listed = _listed(account.secret)
        digests = tuple(self._digest(_octets(secret)) for secret in listed if not _is_hash(secret))
        hashes = tuple(str(secret) for secret in listed if _is_hash(secret))
        return _Entry(value if isinstance(value, Account) else Account(name), digests, hashes)

    def resolve(self, credentials: Credentials) -> Account | None:
        """The account, or None. The secret is checked; an address is judged with ``"address"`` credentials alone."""
        if credentials.source == "address":
            return self._at(credentials.address)
        if credentials.name is None or credentials.secret is None:
            return None
        entry = self._entries.get(credentials.name, self._nobody)
        # From where it may not send, an account is as good as unknown: the right secret takes as long as a wrong one.
        if entry.account is None or not entry.account.allows(credentials.address):
            entry = self._nobody
        return entry.account if self._matches(entry, credentials.secret) else None

    def _matches(self, entry: _Entry, secret: str) -> bool:
        presented = _octets(secret)
        if entry.digests:
            digest = self._digest(presented)
            # No any(): it would stop at the first match.
            if sum([hmac.compare_digest(digest, known) for known in entry.digests]):
                return True
        marks = [self._digest(pwhash.encode() + b"\0" + presented) for pwhash in entry.hashes]
        if any(self._verified.holds(mark) for mark in marks):
            return True
        for pwhash, mark in zip(entry.hashes, marks, strict=True):
            if _verify(pwhash, secret):
                self._verified.add(mark)
                return True
        for dummy in entry.padding:
            _verify(dummy, secret)
        return False

    def _digest(self, octets: bytes) -> bytes:
        return hmac.digest(self._key, octets, "sha256")

    def _at(self, address: IPAddress | None) -> Account | None:
        if address is not None:
            number = int(address)
            for shift, accounts in self._ranges[address.version]:
                account = accounts.get(number >> shift)
                if account is not None:
                    return account
        return None


def _octets(secret: str) -> bytes:
    # A secret from os.environ can hold half characters, and an UnicodeEncodeError would carry it around whole.
    return secret.encode(errors="surrogatepass")


def _verify(pwhash: str, secret: str) -> bool:
    try:
        return check_password_hash(pwhash, secret)
    except Exception:
        # Parameters beyond what OpenSSL gives memory to, a hash that it does not have: no reason to let anyone in, nor
        # to tell that this account is not like the others.
        return False


def _pad(entries: list[_Entry]) -> None:
    """Gives each entry the dummies that make a refusal cost as much as with any other."""
    spent = [Counter(pwhash.partition("$")[0] for pwhash in entry.hashes) for entry in entries]
    owed: Counter[str] = Counter()
    for methods in spent:
        owed |= methods
    for entry, methods in zip(entries, spent, strict=True):
        entry.padding = tuple(f"{method}$no-account-salt$" for method in (owed - methods).elements())


def _ranges(accounts: Iterable[Account]) -> dict[int, list[tuple[int, dict[int, Account]]]]:
    """Accounts named by an address or a network, by IP version, narrowest first: the bits to drop, and what is left."""
    named: dict[_IPNetwork, Account] = {}
    for account in accounts:
        try:
            network = _network(account.name)
        except ValueError:
            continue
        if network in named:
            raise ValueError(f"accounts: {named[network].name!r} and {account.name!r} are the same network")
        named[network] = account
    ranges: dict[int, list[tuple[int, dict[int, Account]]]] = {4: [], 6: []}
    for network, account in sorted(named.items(), key=lambda item: -item[0].prefixlen):
        shift = network.max_prefixlen - network.prefixlen
        of_version = ranges[network.version]
        if not of_version or of_version[-1][0] != shift:
            of_version.append((shift, {}))
        of_version[-1][1][int(network.network_address) >> shift] = account
    return ranges


class _RecentlyVerified:
    """Marks of hashes and secrets that matched within the last minute, so that a busy peer pays scrypt once a minute.

    Marks of what failed are not kept: guessing has to stay dear, and memory would be the guesser's to fill.
    """

    SECONDS = 60.0
    MARKS = 1024

    __slots__ = ("_clock", "_state")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._state = self._fresh()

    @staticmethod
    def _fresh() -> tuple[int, threading.Lock, dict[bytes, float]]:
        return os.getpid(), threading.Lock(), {}

    def _here(self) -> tuple[threading.Lock, dict[bytes, float]]:
        pid, lock, deadlines = self._state
        if pid != os.getpid():
            # Forked while another thread held the lock, it would stay locked for ever.
            pid, lock, deadlines = self._state = self._fresh()
        return lock, deadlines

    def holds(self, mark: bytes) -> bool:
        lock, deadlines = self._here()
        with lock:
            return self._clock() < deadlines.get(mark, 0.0)

    def add(self, mark: bytes) -> None:
        lock, deadlines = self._here()
        with lock:
            now = self._clock()
            # Out and in again: the order of the dict is that of the deadlines.
            deadlines.pop(mark, None)
            while deadlines and (len(deadlines) >= self.MARKS or next(iter(deadlines.values())) <= now):
                del deadlines[next(iter(deadlines))]
            deadlines[mark] = now + self.SECONDS
