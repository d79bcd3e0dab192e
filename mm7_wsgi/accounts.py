"""Who may send: an account, its secrets, and how it wants to be answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, get_args

from .credentials import UNPRESENTABLE, IPAddress
from .digest import parse_ha1
from .networks import IPNetwork, network_of
from .protocol.deviations import CATALOGUE
from .protocol.limits import Limits
from .protocol.soap import RESERVED

if TYPE_CHECKING:
    from limits import RateLimitItem

__all__ = ["REUSES", "Account", "Dialect", "Plain", "Reuse", "Secrets", "is_ha1", "is_hash", "secrets_of"]


class Plain(str):
    """A secret that is meant as it stands, also where it looks like a hash or an HA1: ``Plain("scrypt:me")``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Plain(...)"


Secrets: TypeAlias = str | Sequence[str] | None
#: What becomes of another message under a TransactionID that was used before.
Reuse: TypeAlias = Literal["accept", "refuse"]
REUSES: tuple[str, ...] = get_args(Reuse)

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

    #: The HTTP status of a final fault: 500, as SOAP 1.1 has it (6.2), or 200 for peers that send again on anything
    #: else. 200 covers every final fault to a known account: also those that have a status of their own (400, 411, 413,
    #: 415, and 500 of ``VersionMismatch`` and ``MustUnderstand``), but not 401 and 405. A status from 400 to 599 covers
    #: only the faults that have none of their own. What is temporary (3000, 4006) is 500 with any dialect, so that it
    #: is sent again.
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

    Raises ``ValueError`` or ``TypeError`` that names the account, and never a secret; and ``ModuleNotFoundError`` where
    there is a rate, and the package ``limits`` is not installed. Neither ``repr`` nor ``pickle`` gives the secret away.
    """

    #: What the peer calls itself in the URI, in Basic or in Digest. An address or a network (``192.0.2.7``,
    #: ``2001:db8::/64``, ``192.0.2.*``) recognises a peer that shows no credentials by where it comes from.
    name: str
    #: One secret, or several while they are being changed. ``scrypt:…`` and ``pbkdf2:…`` are hashes as
    #: ``werkzeug.security`` makes them, with which no Digest can be checked, and ``digest:…`` is an HA1
    #: (:mod:`mm7_wsgi.digest`); :class:`Plain` says that one is neither. None is matched by nothing.
    secret: Secrets = field(default=None, repr=False)
    #: Addresses and networks that it may send from, written like those; empty for any. They restrict, they never
    #: identify.
    addresses: Sequence[str] = ()
    dialect: Dialect = Dialect()
    #: The names of :class:`~mm7_wsgi.Limits` that are other than the endpoint's for this account, and their values:
    #: ``{"body": 50_000_000}``.
    limits: Mapping[str, int] = field(default_factory=dict, hash=False)
    #: How often it may send, as the package ``limits`` writes it: ``"10/second"``, ``"10/second;1000/hour"``. None:
    #: as often as it likes.
    rate: str | None = None
    #: Whether messages that depart from the specification are refused. None: as the endpoint says.
    strict: bool | None = None
    #: Names of deviations (docs/deviations.md) that are read although they are refused by default, or by ``strict``.
    tolerate: Sequence[str] = ()
    #: What another message under the same TransactionID is, for a :class:`~mm7_wsgi.spool.TransactionLog` or a
    #: :class:`~mm7_wsgi.spool.Spool`: ``"accept"`` it as a message of its own, or ``"refuse"`` it (2000). None: as the
    #: log or the spool says.
    reuse: Reuse | None = None
    _networks: tuple[IPNetwork, ...] = field(init=False, repr=False, compare=False)
    #: The same, parsed.
    rates: tuple[RateLimitItem, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"the name of an account has to be a string, not {type(self.name).__name__}")
        if not self.name or _CONTROL.search(self.name):
            raise ValueError(f"the name of an account has to be text without control characters, not {self.name!r}")
        if not isinstance(self.dialect, Dialect):
            raise TypeError(f"account {self.name!r}: dialect has to be a Dialect, not {type(self.dialect).__name__}")
        if self.secret is not None and not isinstance(self.secret, str):
            object.__setattr__(self, "secret", _strings(self.secret, f"account {self.name!r}: secret"))
        for secret in secrets_of(self):
            _check_secret(self.name, secret)
        addresses = _strings(self.addresses, f"account {self.name!r}: addresses")
        object.__setattr__(self, "addresses", addresses)
        try:
            object.__setattr__(self, "_networks", tuple(map(network_of, addresses)))
        except ValueError as error:
            raise ValueError(f"account {self.name!r}: addresses: {error}") from None
        if self.strict is not None and not isinstance(self.strict, bool):
            raise TypeError(
                f"account {self.name!r}: strict has to be True, False or None, not {type(self.strict).__name__}"
            )
        object.__setattr__(self, "tolerate", _deviations(self.tolerate, f"account {self.name!r}: tolerate"))
        object.__setattr__(self, "limits", MappingProxyType(_checked_limits(self.name, self.limits)))
        rates = () if self.rate is None else parse_rate(self.rate, f"account {self.name!r}: rate")
        object.__setattr__(self, "rates", rates)
        if self.reuse is not None and self.reuse not in REUSES:
            raise ValueError(f'account {self.name!r}: reuse has to be "accept" or "refuse", not {self.reuse!r}')

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


def _checked_limits(account: str, limits: object) -> dict[str, int]:
    if not isinstance(limits, Mapping):
        raise TypeError(f"account {account!r}: limits has to be a mapping, not {type(limits).__name__}")
    names = [limit.name for limit in fields(Limits)]
    for name in limits:
        if name not in names:
            raise ValueError(f"account {account!r}: limits: there is no {name!r}, only {', '.join(names)}")
    try:
        Limits(**limits)
    except ValueError as error:
        raise ValueError(f"account {account!r}: limits: {error}") from None
    return dict(limits)


def parse_rate(rate: object, what: str) -> tuple[RateLimitItem, ...]:
    """How often something may happen, as the package ``limits`` reads it; ``what`` it is, the errors say.

    Raises ``TypeError``, ``ValueError``, and ``ModuleNotFoundError`` where that package is not installed.
    """
    if not isinstance(rate, str):
        raise TypeError(f"{what} has to be a string or None, not {type(rate).__name__}")
    try:
        from limits import parse_many
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{what} needs one more package: pip install 'mm7_wsgi[throttle]'", name=error.name
        ) from None
    try:
        items = tuple(parse_many(rate))
    except ValueError:
        items = ()
    # The package takes none in a second for a rate.
    if not items or any(item.amount < 1 for item in items):
        raise ValueError(
            f"{what} has to be as 10/second, 100 per 5 minutes, or several of these with a semicolon between them, "
            f"not {rate!r}"
        )
    return items


def _deviations(names: object, what: str) -> tuple[str, ...]:
    """Names of the catalogue; raises ``ValueError`` for one that it does not have."""
    listed = _strings(names, what)
    for name in listed:
        if name not in CATALOGUE:
            near = get_close_matches(name, CATALOGUE, 1)
            meant = f"is {near[0]!r} meant?" if near else "docs/deviations.md has all of them"
            raise ValueError(f"{what}: there is no deviation {name!r}; {meant}")
    return listed


def _strings(values: object, what: str) -> tuple[str, ...]:
    # A string is a sequence of strings too, and never the one that was meant.
    if not isinstance(values, Iterable) or isinstance(values, (str, bytes, bytearray, Mapping)):
        raise TypeError(f"{what} has to be a list of strings, not {type(values).__name__}")
    listed = tuple(values)
    for value in listed:
        if not isinstance(value, str):
            raise TypeError(f"{what} has to be a list of strings, and one is {type(value).__name__}")
    return listed


def secrets_of(account: Account) -> Sequence[str]:
    """The secrets of an account, however many there are."""
    secret = account.secret
    if secret is None:
        return ()
    return (secret,) if isinstance(secret, str) else secret


_SCRYPT = re.compile(r"scrypt:([0-9]{1,10}):[1-9][0-9]{0,8}:[1-9][0-9]{0,8}\$[^$]+\$[0-9a-f]{128}")
_PBKDF2 = re.compile(r"pbkdf2:([a-z0-9_]+)(?::[1-9][0-9]{0,8})?\$[^$]+\$([0-9a-f]+)")


def is_hash(secret: str) -> bool:
    """Whether a secret is meant as a hash that werkzeug makes."""
    return secret.startswith(("scrypt:", "pbkdf2:")) and not isinstance(secret, Plain)


def is_ha1(secret: str) -> bool:
    """Return whether a secret is meant as an HA1 (:mod:`mm7_wsgi.digest`)."""
    return secret.startswith("digest:") and not isinstance(secret, Plain)


def _check_secret(account: str, secret: str) -> None:
    if not secret:
        raise ValueError(
            f"account {account!r}: a secret is empty; an account without one has None, and no key for it in a file"
        )
    if UNPRESENTABLE.search(secret):  # a request that holds one is refused before we look
        raise ValueError(
            f"account {account!r}: a secret holds NUL, CR or LF (the end of the line that it was read from?)"
        )
    if is_hash(secret) and not _is_sound_hash(secret):
        raise ValueError(
            f"account {account!r}: a secret begins as a hash does and is malformed; "
            "Plain(…), or plain = in a file, says that it is none"
        )
    if is_ha1(secret):
        try:
            parse_ha1(secret)
        except ValueError as error:
            raise ValueError(
                f"account {account!r}: a secret begins as an HA1 does and is malformed: {error}; "
                "Plain(…), or plain = in a file, says that it is none"
            ) from None


def _is_sound_hash(secret: str) -> bool:
    if match := _SCRYPT.fullmatch(secret):
        cost = int(match[1])
        return cost > 1 and cost & (cost - 1) == 0
    if match := _PBKDF2.fullmatch(secret):
        return match[1] in hashlib.algorithms_guaranteed and len(match[2]) == 2 * hashlib.new(match[1]).digest_size
    return False
