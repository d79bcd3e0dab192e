"""How many requests an account may send, and how many wrong credentials anybody may show, in a time.

The counting is done by the package ``limits`` (the extra ``throttle``), in the memory of each process, or for all
processes together in Redis.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network
from typing import Any, Final, TypeVar

from .accounts import Account, parse_rate
from .credentials import Credentials, IPAddress
from .observer import printable
from .protocol.errors import Throttled

try:
    from limits import RateLimitItem
    from limits.errors import ConfigurationError, StorageError
    from limits.storage import Storage, storage_from_string
    from limits.strategies import SlidingWindowCounterRateLimiter
except ModuleNotFoundError as error:
    message = "mm7_wsgi.throttle needs one more package: pip install 'mm7_wsgi[throttle]'"
    raise ModuleNotFoundError(message, name=error.name) from error

__all__ = ["Throttle"]

_log = logging.getLogger("mm7_wsgi")

_Counted = TypeVar("_Counted")

#: Seconds for which credentials that were right make their account and address known to each other.
_KNOWN_FOR: Final = 7 * 24 * 60 * 60
#: Seconds for which one who is known, and not held up, is not looked up again, and how many of them are remembered.
_TRUSTED_FOR: Final = 1.0
_TRUSTED_MOST: Final = 10_000
#: Seconds for which nothing is counted after the storage could not be reached.
_REST: Final = 5.0
# Nothing is worth that a peer waits longer for it.
_REDIS: Final[dict[str, Any]] = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}


class Throttle:
    """Holds up those who send too many requests, or too many wrong credentials.

    ::

        throttle = Throttle("redis://localhost:6379/0")
        application = MM7Middleware(application, Inbox(), accounts="mm7-accounts.toml", throttle=throttle)

    Whoever is held up is answered 4006 with ``Retry-After``, before the body is read. The body of an account that is
    over its rate is then dropped, as ``Limits.discard`` says; else no worker waits.

    ``storage``
        Where the counters are, as the package ``limits`` names it: ``memory://`` (each process counts for itself, so
        with four workers four times as many are let through) or ``redis://…``. ``options`` are handed to it. While it
        cannot be reached nobody is held up, and the log says so.
    ``failures``
        How many wrong credentials one address may show, and how many may be shown for one account, for instance
        ``"10/minute"`` or ``"10/minute;100/hour"``; None counts none. An IPv6 network of 64 bits is one address. An
        address that has shown none itself can always try, whatever others do with the account.
    ``known_failures``
        How many wrong ones for an account from an address that has shown the right ones within the last week. It is
        held up by nothing else: neither by who guesses at its account, nor by who shares its address.

    The requests of an account are held to its :attr:`.Account.rate`. Raises ``ValueError`` or ``TypeError`` for what
    ``limits`` cannot read or use.
    """

    def __init__(
        self,
        storage: str = "memory://",
        *,
        failures: str | None = "10/minute",
        known_failures: str = "100/minute",
        **options: Any,
    ) -> None:
        self._failures = () if failures is None else parse_rate(failures, "failures")
        self._known_failures = parse_rate(known_failures, "known_failures")
        self._storage = storage
        self._options = options
        self._state = self._fresh()

    # -- wrong credentials

    def check(self, shown: Iterable[Credentials]) -> None:
        """Raises :class:`.Throttled` where the one who shows these has shown too many wrong ones."""
        self._count_each(self._check, shown)

    def failed(self, shown: Iterable[Credentials]) -> None:
        """Counts credentials that were wrong."""
        self._count_each(self._fail, shown)

    def succeeded(self, shown: Iterable[Credentials]) -> None:
        """Remembers where credentials came from that were right."""
        self._count_each(_succeed, shown)

    def _check(self, counters: _Counters, guess: _Guess) -> None:
        if counters.trusts(guess):
            return
        known = counters.knows(guess)
        if known:
            waits = [counters.wait(item, "known", guess.both) for item in self._known_failures]
        else:
            waits = [counters.wait(item, "address", guess.address) for item in self._failures if guess.address]
            # Who has shown nothing wrong yet is not held up by what others have.
            if not guess.address or any(counters.has_any(item, "address", guess.address) for item in self._failures):
                waits += [counters.wait(item, "account", guess.account) for item in self._failures]
        wait = max(waits, default=0)
        if wait:
            raise Throttled(details=f"too many wrong credentials; again in {wait} s", retry_after=wait)
        if known:
            counters.trust(guess)

    def _fail(self, counters: _Counters, guess: _Guess) -> None:
        counters.distrust(guess)
        if counters.knows(guess):
            for item in self._known_failures:
                counters.hit(item, "known", guess.both)
            return
        for item in self._failures:
            counters.hit(item, "account", guess.account)
            if guess.address:
                counters.hit(item, "address", guess.address)

    # -- requests

    def admit(self, account: Account) -> None:
        """Counts a request of ``account``. Raises :class:`.Throttled` where it is one more than its rate allows."""
        self._count(_admit, account)

    # -- the counters

    def _count_each(self, work: Callable[[_Counters, _Guess], None], shown: Iterable[Credentials]) -> None:
        if self._failures:
            for guess in _guesses(shown):
                self._count(work, guess)

    def _count(self, work: Callable[[_Counters, _Counted], None], counted: _Counted) -> None:
        """Do it with the counters of this process. While the storage cannot be reached nobody is held up."""
        if self._state.pid != os.getpid():
            self._state = self._fresh()
        counters = self._state
        if time.monotonic() < counters.rests_until:
            return
        try:
            work(counters, counted)
        except (StorageError, OSError) as error:
            counters.rests_until = time.monotonic() + _REST
            cause = error.__cause__ or error
            _log.error(
                "the counters cannot be reached, so nobody is held up for %d s: %s",
                _REST,
                printable(f"{type(cause).__name__}: {cause}"),
                extra={"event": "throttle"},
            )

    def _fresh(self) -> _Counters:
        """Counters of this process: neither a connection nor a lock of the parent's."""
        scheme = self._storage.partition(":")[0]
        options = {**_REDIS, **self._options} if scheme.startswith(("redis", "valkey")) else self._options
        try:
            storage = storage_from_string(self._storage, wrap_exceptions=True, **options)
            if not isinstance(storage, Storage):
                raise ConfigurationError("it is asynchronous")
            return _Counters(os.getpid(), storage, SlidingWindowCounterRateLimiter(storage))
        except (ConfigurationError, NotImplementedError, TypeError, ValueError) as error:
            # Not shown whole: a password may stand in it.
            reason = str(error).replace(self._storage, f"{scheme}:…")
        raise ValueError(f"storage: {scheme}:… cannot count: {reason}")


def _succeed(counters: _Counters, guess: _Guess) -> None:
    if guess.address and not counters.trusts(guess) and not counters.knows(guess):
        counters.know(guess)


def _admit(counters: _Counters, account: Account) -> None:
    name = _digest(account.name)
    if len(account.rates) > 1:  # what one of them refuses is not counted against the others
        for item in account.rates:
            if wait := counters.wait(item, "rate", name):
                raise _too_many(item, wait)
    for item in account.rates:
        if not counters.hit(item, "rate", name):
            raise _too_many(item, counters.wait(item, "rate", name) or 1)


def _too_many(item: RateLimitItem, wait: int) -> Throttled:
    return Throttled(details=f"more than {item}; again in {wait} s", retry_after=wait)


@dataclass(slots=True)
class _Counters:
    """The counters as one process uses them."""

    pid: int
    storage: Storage
    limiter: SlidingWindowCounterRateLimiter
    rests_until: float = 0.0
    trusted: dict[str, float] = field(default_factory=dict)

    def hit(self, item: RateLimitItem, *names: str) -> bool:
        return self.limiter.hit(item, "mm7", *names)

    def wait(self, item: RateLimitItem, *names: str) -> int:
        """Seconds until one more is allowed; 0 if it is now."""
        if self.limiter.test(item, "mm7", *names):
            return 0
        reset = self.limiter.get_window_stats(item, "mm7", *names).reset_time
        return max(1, math.ceil(reset - time.time()))

    def has_any(self, item: RateLimitItem, *names: str) -> bool:
        return self.limiter.get_window_stats(item, "mm7", *names).remaining < item.amount

    def knows(self, guess: _Guess) -> bool:
        """Whether the account was right from this address before."""
        return bool(guess.address and self.storage.get(f"mm7/known/{guess.both}"))

    def know(self, guess: _Guess) -> None:
        self.storage.incr(f"mm7/known/{guess.both}", _KNOWN_FOR)

    # A busy peer is looked up once a second, which in Redis takes longer than to read its message.

    def trusts(self, guess: _Guess) -> bool:
        return time.monotonic() < self.trusted.get(guess.both, 0.0)

    def trust(self, guess: _Guess) -> None:
        if len(self.trusted) >= _TRUSTED_MOST:
            self.trusted.clear()
        self.trusted[guess.both] = time.monotonic() + _TRUSTED_FOR

    def distrust(self, guess: _Guess) -> None:
        self.trusted.pop(guess.both, None)


@dataclass(frozen=True, slots=True)
class _Guess:
    """A name with a secret from somewhere, as keys of counters. A peer chooses the name: it is not one as it stands."""

    account: str
    #: Empty where the server shows none.
    address: str

    @property
    def both(self) -> str:
        return f"{self.account}/{self.address}"


def _guesses(shown: Iterable[Credentials]) -> set[_Guess]:
    """What is guessed at: nothing by who shows no secret."""
    return {
        _Guess(_digest(credentials.name), _where(credentials.address))
        for credentials in shown
        if credentials.name is not None
    }


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]


def _where(address: IPAddress | None) -> str:
    if address is None:
        return ""
    if isinstance(address, IPv6Address):  # a subscriber has that many, and a guesser can use them all
        address = IPv6Network((address, 64), strict=False).network_address
    return str(address)
