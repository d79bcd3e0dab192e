"""Accounts in a mapping, and whose of them a secret or an address is."""

from __future__ import annotations

import hmac
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from werkzeug.security import check_password_hash

from .accounts import Account, Secrets, is_ha1, is_hash, secrets_of
from .credentials import Credentials, IPAddress
from .digest import ALGORITHMS, DigestResponse, ha1s_of, parse_ha1
from .networks import IPNetwork, has_wildcard, network_of

__all__ = ["AccountTable"]


class _Entry:
    """One account as it is checked: plain secrets as digests, hashes, and the dummies that a refusal verifies too."""

    __slots__ = ("account", "digests", "ha1s", "hashes", "padding")

    def __init__(
        self,
        account: Account | None,
        digests: tuple[bytes, ...],
        hashes: tuple[str, ...],
        ha1s: dict[str, tuple[bytes, ...]],
    ) -> None:
        self.account = account
        self.digests = digests
        self.hashes = hashes
        self.padding: tuple[str, ...] = ()
        #: By their algorithm, masked: those of plain secrets, those that are stored as such, and random ones.
        self.ha1s = ha1s


class AccountTable:
    """The resolver over a mapping of names to None, a secret, a list of secrets, or an :class:`Account`.

    An account given as such is given back as such; one made here of a bare secret does not keep it (its ``secret`` is
    None). Nor does the table: plain secrets are kept as HMACs under a key of its own, and for Digest as HA1s that are
    masked with that key.

    A refusal costs the same for every reason, so that its duration does not tell who has an account. It verifies, for
    each method of hashing in the table (scrypt or pbkdf2, with parameters), as many hashes as the account with the most
    of them has: those of the account that was named, and dummies for the rest. Of a Digest response it compares as many
    HA1s as the account with the most of them has; an account with hashes alone has none, and is refused.
    """

    __slots__ = ("_entries", "_key", "_nobody", "_ranges", "_stores_ha1", "_verified")

    def __init__(
        self,
        accounts: Mapping[str, Secrets | Account],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key = secrets.token_bytes(32)
        self._verified = _RecentlyVerified(clock)
        self._stores_ha1 = False
        self._entries = {name: self._entry(name, value) for name, value in accounts.items()}
        self._nobody = _Entry(None, (), (), dict.fromkeys(ALGORITHMS, ()))
        _pad([self._nobody, *self._entries.values()])
        self._ranges = _ranges(entry.account for entry in self._entries.values() if entry.account is not None)

    def _entry(self, name: str, value: Secrets | Account) -> _Entry:
        account = value if isinstance(value, Account) else Account(name, value)
        if account.name != name:
            raise ValueError(f"accounts: the key {name!r} holds the account {account.name!r}")
        listed = secrets_of(account)
        hashes = tuple(str(secret) for secret in listed if is_hash(secret))
        stored = [parse_ha1(secret) for secret in listed if is_ha1(secret)]
        self._stores_ha1 |= bool(stored)
        plain = [secret for secret in listed if not (is_hash(secret) or is_ha1(secret))]
        digests = tuple(self._digest(_octets(secret)) for secret in plain)
        ha1s = {
            algorithm: tuple(
                self._masked(place, ha1)
                for place, ha1 in enumerate(
                    [
                        *(ha1 for secret in plain for ha1 in ha1s_of(algorithm, name, secret)),
                        *(known.ha1 for known in stored if known.algorithm == algorithm),
                    ]
                )
            )
            for algorithm in ALGORITHMS
        }
        return _Entry(value if isinstance(value, Account) else Account(name), digests, hashes, ha1s)

    def resolve(self, credentials: Credentials) -> Account | None:
        """The account, or None. The secret is checked; an address is judged with ``"address"`` credentials alone."""
        if credentials.source == "address":
            return self._at(credentials.address)
        if credentials.name is None or (credentials.secret is None and credentials.digest is None):
            return None
        entry = self._entries.get(credentials.name, self._nobody)
        # From where it may not send, an account is as good as unknown: the right secret takes as long as a wrong one.
        if entry.account is None or not entry.account.allows(credentials.address):
            entry = self._nobody
        if credentials.digest is not None:
            is_right = self._answers(entry, credentials.digest)
        else:
            assert credentials.secret is not None
            is_right = self._matches(entry, credentials.name, credentials.secret)
        return entry.account if is_right else None

    def _answers(self, entry: _Entry, response: DigestResponse) -> bool:
        """Whether a response to a challenge was made with one of the entry's secrets."""
        known = [self._masked(place, masked) for place, masked in enumerate(entry.ha1s[response.algorithm])]
        # No any(): it would stop at the first match.
        return bool(sum([response.matches(ha1) for ha1 in known]))

    def _matches(self, entry: _Entry, name: str, secret: str) -> bool:
        presented = _octets(secret)
        if entry.digests:
            digest = self._digest(presented)
            # No any(): it would stop at the first match.
            if sum([hmac.compare_digest(digest, known) for known in entry.digests]):
                return True
        if self._stores_ha1 and self._has_ha1(entry, name, secret):
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

    def _has_ha1(self, entry: _Entry, name: str, secret: str) -> bool:
        """Whether the HA1 of what was presented is the entry's."""
        return bool(
            sum(
                [
                    hmac.compare_digest(ha1, self._masked(place, masked))
                    for algorithm in ALGORITHMS
                    for ha1 in ha1s_of(algorithm, name, secret)
                    for place, masked in enumerate(entry.ha1s[algorithm])
                ]
            )
        )

    def _masked(self, place: int, ha1: bytes) -> bytes:
        """An HA1 masked with the key, and a masked one as it was. Nothing that the table holds is one by itself."""
        mask = self._digest(b"\0HA1 %d" % place)[: len(ha1)]  # no secret holds NUL
        return bytes([one ^ other for one, other in zip(ha1, mask, strict=True)])

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
    for algorithm in ALGORITHMS:
        most = max(len(entry.ha1s[algorithm]) for entry in entries)
        size = len(ha1s_of(algorithm, "", "")[0])
        for entry in entries:
            missing = most - len(entry.ha1s[algorithm])
            entry.ha1s[algorithm] += tuple(secrets.token_bytes(size) for _ in range(missing))


def _ranges(accounts: Iterable[Account]) -> dict[int, list[tuple[int, dict[int, Account]]]]:
    """Accounts named by an address or a network, by IP version, narrowest first: the bits to drop, and what is left."""
    named: dict[IPNetwork, Account] = {}
    for account in accounts:
        try:
            network = network_of(account.name)
        except ValueError as error:
            if has_wildcard(account.name):
                raise ValueError(f"accounts: {error}") from None
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
