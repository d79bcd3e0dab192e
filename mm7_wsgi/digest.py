"""HTTP Digest (RFC 7616): the challenge, the response to it, and what is stored in the place of a secret.

Nothing is kept of a challenge. Its nonce holds the time, signed with a key, so that each process that has the same key
accepts the nonces of the others. A nonce can be used any number of times until it expires.

HA1 is the hash of ``name:realm:secret``, which is all that Digest needs of a secret. It is stored as
``digest:MD5:MM7:…`` or ``digest:SHA-256:MM7:…``, with the hash in hexadecimal digits.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from werkzeug.datastructures import Authorization, WWWAuthenticate

from .protocol.errors import Unauthorized

__all__ = [
    "ALGORITHMS",
    "REALM",
    "Digest",
    "DigestResponse",
    "StoredHA1",
    "ha1s_of",
    "parse_ha1",
    "proofs_in",
    "read_response",
    "write_ha1",
]

#: The realm of every challenge (RFC 7616, 3.3). An HA1 is bound to it.
REALM: Final = "MM7"
#: The algorithms of the challenges, the stronger first (RFC 7616, 3.7), and their names in Python.
ALGORITHMS: Final = {"SHA-256": "sha256", "MD5": "md5"}

_SECONDS: Final = 300.0
_KEY_LENGTH: Final = 16
# In a nonce: microseconds, random bytes, and the signature of both. Together they fill base64 without padding.
_TIME, _RANDOM, _SIGNATURE = 8, 9, 16
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{44}")


def _hash(algorithm: str, data: bytes) -> bytes:
    # HTTP's choice, not ours: also where a machine allows MD5 for no other purpose.
    return hashlib.new(ALGORITHMS[algorithm], data, usedforsecurity=False).digest()


# The challenge


class Digest:
    """How an endpoint challenges by HTTP Digest.

    ``secret``
        What nonces are signed with: text or bytes, of at least 16. Every process that serves the same peers needs the
        same. By default it is made of the boot id of the machine (Linux), so that all workers of one machine share it;
        other users of the machine can read that. On other systems it is random, and workers share it only where the
        endpoint is made before they are forked.
    ``lifetime``
        Seconds for which a nonce is accepted. After that, a response that is otherwise right is answered with
        ``stale=true``, and the client repeats it with a new nonce. Clocks of several machines may differ by as much.
    ``algorithms``
        ``"SHA-256"`` and ``"MD5"``, in the order of the challenges. For clients that know MD5 alone and read the first
        challenge only: ``("MD5",)``.

    Raises ``ValueError`` or ``TypeError`` that names the argument, and never the secret.
    """

    __slots__ = ("_clock", "_key", "algorithms", "lifetime")

    def __init__(
        self,
        *,
        secret: str | bytes | None = None,
        lifetime: float = _SECONDS,
        algorithms: Sequence[str] = tuple(ALGORITHMS),
        clock: Callable[[], float] = time.time,
    ) -> None:
        if secret is not None and not isinstance(secret, (str, bytes)):
            raise TypeError(f"secret has to be text or bytes, not {type(secret).__name__}")
        if isinstance(lifetime, bool) or not isinstance(lifetime, (int, float)):
            raise TypeError(f"lifetime has to be a number of seconds, not {type(lifetime).__name__}")
        if not 0 < lifetime < float("inf"):
            raise ValueError(f"lifetime has to be a positive number of seconds, not {lifetime}")
        known = f"has to be a list with {' or '.join(map(repr, ALGORITHMS))} or both"
        if isinstance(algorithms, (str, bytes)) or not isinstance(algorithms, Iterable):
            raise TypeError(f"algorithms {known}, not {type(algorithms).__name__}")
        listed = tuple(algorithms)
        if not listed or len(set(listed)) != len(listed) or not set(listed) <= ALGORITHMS.keys():
            raise ValueError(f"algorithms {known}, each of them once, not {listed!r}")
        data = secret.encode(errors="surrogatepass") if isinstance(secret, str) else secret
        if data is None:
            data = _boot_id() or secrets.token_bytes(32)
        elif len(data) < _KEY_LENGTH:
            # A nonce shows its signature to everybody, who may then guess at the key.
            raise ValueError(f"secret has to have at least {_KEY_LENGTH} characters")
        self._key = hmac.digest(data, b"mm7_wsgi digest nonce", "sha256")
        self._clock = clock
        #: Seconds.
        self.lifetime = lifetime
        #: Their names, in the order of the challenges.
        self.algorithms = listed

    def __repr__(self) -> str:
        return f"<Digest, nonces of {self.lifetime:g} s>"

    def challenges(self, *, stale: bool = False) -> list[str]:
        """Return the values of ``WWW-Authenticate``: one for each algorithm, with one new nonce."""
        nonce = self._make_nonce()
        opaque = hmac.digest(self._key, b"opaque", "sha256").hex()[:32]
        values: list[str] = []
        for algorithm in self.algorithms:
            parameters: dict[str, str | None] = {
                "realm": REALM,
                "qop": "auth",
                "algorithm": algorithm,
                "nonce": nonce,
                "opaque": opaque,
                "charset": "UTF-8",
                "userhash": "false",
            }
            if stale:
                parameters["stale"] = "true"
            values.append(WWWAuthenticate("digest", parameters).to_header())
        return values

    def is_fresh(self, nonce: str) -> bool:
        """Return whether ``nonce`` is signed with this key, and has not expired."""
        if not _NONCE.fullmatch(nonce):
            return False
        data = base64.urlsafe_b64decode(nonce)
        body, signature = data[:-_SIGNATURE], data[-_SIGNATURE:]
        if not hmac.compare_digest(self._sign(body), signature):
            return False
        # It may come from a machine whose clock is ahead.
        return abs(self._clock() - int.from_bytes(body[:_TIME], "big") / 1e6) <= self.lifetime

    def _make_nonce(self) -> str:
        body = int(self._clock() * 1e6).to_bytes(_TIME, "big") + secrets.token_bytes(_RANDOM)
        return base64.urlsafe_b64encode(body + self._sign(body)).decode()

    def _sign(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:_SIGNATURE]


def _boot_id() -> bytes | None:
    """What tells this boot of this machine from all others, on Linux; else None."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_bytes()
    except OSError:
        return None


# What is stored


class StoredHA1(NamedTuple):
    """The parts of a stored HA1."""

    algorithm: str
    realm: str
    ha1: bytes


_STORED: Final = re.compile(r"digest:(?P<algorithm>[^:]*):(?P<realm>[^:]*):(?P<ha1>[0-9a-fA-F]*)")


def parse_ha1(stored: str) -> StoredHA1:
    """Return the parts of ``digest:ALGORITHM:REALM:HA1``. Raises ``ValueError`` that does not show the HA1."""
    match = _STORED.fullmatch(stored)
    if match is None:
        raise ValueError("an HA1 is written as digest:ALGORITHM:REALM:HA1, with HA1 in hexadecimal digits")
    algorithm, realm, digits = match.groups()
    if algorithm not in ALGORITHMS:
        raise ValueError(f"the algorithm of an HA1 has to be one of {', '.join(ALGORITHMS)}")
    if realm != REALM:
        raise ValueError(f"the realm of an HA1 has to be {REALM}")
    if len(digits) != 2 * hashlib.new(ALGORITHMS[algorithm], usedforsecurity=False).digest_size:
        raise ValueError(f"an HA1 has another number of digits than {algorithm} gives")
    return StoredHA1(algorithm, realm, bytes.fromhex(digits))


def write_ha1(algorithm: str, name: str, secret: str) -> str:
    """Return what is stored for the account ``name``."""
    (ha1, *_) = ha1s_of(algorithm, name, secret)
    return f"digest:{algorithm}:{REALM}:{ha1.hex()}"


def ha1s_of(algorithm: str, name: str, secret: str) -> tuple[bytes, ...]:
    """Return the HA1 of ``name`` and ``secret`` in UTF-8 and, where that is another and possible, in latin-1."""
    text = f"{name}:{REALM}:{secret}"
    return tuple(_hash(algorithm, data) for data in _encodings(text))


def _encodings(text: str) -> Iterator[bytes]:
    # A secret from os.environ can hold half characters, and an UnicodeEncodeError would carry it around whole.
    yield text.encode(errors="surrogatepass")
    if not text.isascii():
        encoded = text.encode("latin-1", errors="ignore")
        if encoded.decode("latin-1") == text:
            yield encoded


# The response


@dataclass(frozen=True, slots=True)
class DigestResponse:
    """The answer of a client to a challenge: it proves that the client knows a secret, and does not show it."""

    algorithm: str
    #: Whether the nonce is one of ours and has not expired.
    fresh: bool
    _response: bytes = field(repr=False)
    # What is hashed after HA1: ":nonce:nc:cnonce:qop:HA2".
    _rest: bytes = field(repr=False)

    def matches(self, ha1: bytes) -> bool:
        """Return whether the response was made with ``ha1``, which is of :attr:`algorithm`. Takes the same time."""
        expected = _hash(self.algorithm, ha1.hex().encode() + self._rest).hex()
        return hmac.compare_digest(expected.encode(), self._response)


_NC: Final = re.compile("[0-9a-zA-Z]{1,16}")


def read_response(value: str, method: str, is_uri: Callable[[str], bool], digest: Digest) -> tuple[str, DigestResponse]:
    """Return the user name, as the octets that came, and the response.

    ``value`` is what follows the scheme in ``Authorization``, and ``is_uri`` says whether a URI is that of the request.
    Raises :class:`.Unauthorized` for what is malformed or was not offered: another realm, ``qop`` other than ``auth``
    or none (RFC 2069), an algorithm with ``-sess``, a hashed user name; and for another URI.
    """
    found = _parameters(value)
    name, uri, nonce, cnonce = (found.get(key) for key in ("username", "uri", "nonce", "cnonce"))
    algorithm = (found.get("algorithm") or "MD5").upper()
    response, nc = found.get("response") or "", found.get("nc") or ""
    if (
        name is None
        or not uri
        or not nonce
        or not cnonce
        or algorithm not in digest.algorithms
        or found.get("realm") != REALM
        or (found.get("qop") or "").lower() != "auth"
        or (found.get("userhash") or "false").lower() != "false"
        or not _NC.fullmatch(nc)
        or not is_uri(uri)
    ):
        raise Unauthorized
    ha2 = _hash(algorithm, f"{method}:{uri}".encode("latin-1", "replace")).hex()
    rest = f":{nonce}:{nc}:{cnonce}:{found['qop']}:{ha2}".encode("latin-1", "replace")
    return name, DigestResponse(algorithm, digest.is_fresh(nonce), response.lower().encode("latin-1", "replace"), rest)


def proofs_in(value: str) -> Iterator[str]:
    """Yield what a response can be repeated with until its nonce expires, for taking it out of logs. Never raises."""
    try:
        found = _parameters(value)
    except Unauthorized:
        return
    for name in ("response", "nonce", "cnonce"):
        proof = found.get(name) or ""
        # One that is shorter is part of too much else, and the response by itself is enough to hide.
        if len(proof) >= _LONG:
            yield proof


# Characters.
_LONG: Final = 8


def _parameters(value: str) -> dict[str, str | None]:
    """The parameters by their names in small letters. Raises :class:`.Unauthorized` where they are not that."""
    try:
        written = Authorization.from_header(f"Digest {value}")
    except IndexError:  # of werkzeug 3.0, where a parameter has no name
        raise Unauthorized from None
    parameters = {} if written is None else written.parameters
    found = {name.lower(): given for name, given in parameters.items()}
    # A name with a blank is the scheme of a second Authorization, which servers join to the first by a comma.
    if len(found) != len(parameters) or any(" " in name or "\t" in name for name in found):
        raise Unauthorized
    return found
