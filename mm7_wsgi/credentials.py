"""What a request shows of who sends it: ``/mm7/account=password``, ``Authorization``, or just its address.

Nothing is judged here but form. Whose the credentials are is the business of :mod:`mm7_wsgi.resolvers`, and what others
may see of them that of :mod:`mm7_wsgi.redaction`.

The positions called ``index`` are in ``SCRIPT_NAME + PATH_INFO``. Hosts cut that path in different places (a dispatcher
shifts all of ``/mm7``, a view none of it), and only the sum is the same for all of them. What follows ``index`` and a
slash is the tail, ``account=password``.
"""

from __future__ import annotations

import binascii
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import unquote

from .digest import Digest, DigestResponse, ha1s_of, parse_ha1, read_response
from .protocol.errors import Unauthorized

__all__ = [
    "ABSOLUTE_FORM",
    "DIGEST",
    "RAW_KEYS",
    "UNPRESENTABLE",
    "Credentials",
    "IPAddress",
    "address_of",
    "as_text",
    "decode_base64",
    "find_credentials",
    "find_tail",
    "owned",
    "split_uri",
    "string_of",
    "whole_path",
]

IPAddress: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request shows in one place. A resolver turns it into an account, or into None.

    Neither ``repr`` nor ``pickle`` gives the secret away.
    """

    #: ``"uri"`` and ``"basic"`` come with a name and a secret, ``"digest"`` with a name and a :attr:`digest`, and
    #: ``"address"`` with none of them.
    source: Literal["uri", "basic", "digest", "address"]
    #: The account as the peer names it, decoded.
    name: str | None
    #: The password, decoded. With Digest it is not sent: :meth:`matches` compares.
    secret: str | None = field(repr=False)
    #: ``REMOTE_ADDR`` without a port, an IPv4-mapped address as the IPv4 one; None where it holds no address (a Unix
    #: socket).
    address: IPAddress | None
    #: The whole WSGI environ, secrets included, for resolvers that look at a bearer token or a client certificate.
    environ: Mapping[str, Any] = field(repr=False, compare=False)
    #: What ``"digest"`` credentials show in the place of a secret.
    digest: DigestResponse | None = field(default=None, repr=False)

    def matches(self, secret: str) -> bool:
        """Return whether the peer has shown that it knows ``secret``, a password in plain text.

        Compares in constant time. It serves URI, Basic and Digest credentials alike; an address matches nothing.
        """
        if self.name is None:
            return False
        if self.digest is not None:
            digest = self.digest
            # No any(): it would stop at the first match.
            return bool(sum([digest.matches(ha1) for ha1 in ha1s_of(digest.algorithm, self.name, secret)]))
        if self.secret is None:
            return False
        return hmac.compare_digest(self.secret.encode(errors="surrogatepass"), secret.encode(errors="surrogatepass"))

    def matches_ha1(self, stored: str) -> bool:
        """Return whether the peer has shown that it knows the secret of ``stored``, as ``digest:SHA-256:MM7:…``.

        Otherwise as :meth:`matches`. A Digest response of another algorithm matches nothing. Raises ``ValueError`` for
        what is no HA1.
        """
        algorithm, _, ha1 = parse_ha1(stored)
        if self.name is None:
            return False
        if self.digest is not None:
            return self.digest.algorithm == algorithm and self.digest.matches(ha1)
        if self.secret is None:
            return False
        return bool(sum([hmac.compare_digest(ha1, known) for known in ha1s_of(algorithm, self.name, self.secret)]))

    def __reduce__(self) -> NoReturn:
        # What goes into a queue or a cache is read by others, and stays there.
        raise TypeError("Credentials hold a secret and are not pickled")


# Where the path is


def find_tail(environ: Mapping[str, Any], path: str) -> int | None:
    """The index just behind ``path``, where it first stands as whole segments; None if it stands nowhere.

    >>> find_tail({"SCRIPT_NAME": "/api", "PATH_INFO": "/mm7/acme=s3cret"}, "/mm7")
    8
    """
    whole = whole_path(environ)
    start = whole.find(path)
    while start >= 0:
        end = start + len(path)
        if end == len(whole) or whole[end] == "/":
            return end
        start = whole.find(path, start + 1)
    return None


def owned(path_info: str, path: str) -> bool:
    """Whether ``path_info`` is ``path``, ``path/`` or ``path/account=password``; all else is the host's."""
    if not path_info.startswith(path):
        return False
    rest = path_info[len(path) :]
    return rest in ("", "/") or (rest[0] == "/" and _is_pair(rest[1:]))


def whole_path(environ: Mapping[str, Any]) -> str:
    """``SCRIPT_NAME`` and ``PATH_INFO``."""
    return string_of(environ, "SCRIPT_NAME") + string_of(environ, "PATH_INFO")


def string_of(environ: Mapping[str, Any], key: str) -> str:
    """The value of ``key``; empty where it is missing, or no string."""
    value = environ.get(key)
    return value if isinstance(value, str) else ""


def _is_pair(tail: str) -> bool:
    # Slashes may be in the password, so only those behind the "=" belong to the tail.
    return "=" in tail.partition("/")[0]


# What is shown


def find_credentials(
    environ: Mapping[str, Any], index: int | None, *, basic: bool = True, digest: Digest | None = None
) -> tuple[Credentials, ...]:
    """What the request shows, one for each place: the URI, then the header; where both are silent, the address alone.

    ``index`` is where the path ends (:func:`find_tail`); with None the URI is not looked at. ``basic`` says whether
    Basic is accepted, and ``digest`` how nonces are judged; with None, a Digest header counts as none, as one of
    another scheme (Bearer) does. Raises :class:`~mm7_wsgi.protocol.errors.Unauthorized` for what is there and
    malformed, and for Basic where that is not accepted, so that it never passes for credentials that are absent.
    """
    address = address_of(environ)
    in_uri = None if index is None else _from_uri(environ, index)
    written = string_of(environ, "HTTP_AUTHORIZATION")
    in_header = _from_authorization(written)
    found = []
    if in_uri is not None:
        found.append(Credentials("uri", *in_uri, address, environ))
    if in_header is not None:
        if not basic:
            raise Unauthorized
        found.append(Credentials("basic", *in_header, address, environ))
    elif digest is not None and (match := DIGEST.match(written)):
        name, response = read_response(
            written[match.end() :], string_of(environ, "REQUEST_METHOD"), lambda uri: _is_uri_of(environ, uri), digest
        )
        found.append(Credentials("digest", _checked(as_text(name), "")[0], None, address, environ, response))
    return tuple(found) or (Credentials("address", None, None, address, environ),)


#: The scheme of Digest and what stands between it and its parameters.
DIGEST = re.compile(r"[ \t]*digest(?:[ \t]+|$)", re.IGNORECASE)
_DEFAULT_PORT = re.compile(r":(?:80|443)?\Z")


def _is_uri_of(environ: Mapping[str, Any], uri: str) -> bool:
    """Whether ``uri`` is that of the request, as the server received it or as the host's middleware has it.

    A response to another URI must not serve for this one (RFC 7616, 3.4.6). In absolute form, the host has to be the
    request's too.
    """
    origin, path, query = split_uri(uri)
    if origin:
        host = _DEFAULT_PORT.sub("", origin.partition("://")[2]).lower()
        if host != _DEFAULT_PORT.sub("", string_of(environ, "HTTP_HOST")).lower():
            return False
    if any((path, query) == split_uri(string_of(environ, key))[1:] for key in RAW_KEYS if environ.get(key)):
        return True
    written = string_of(environ, "QUERY_STRING")
    return query.removeprefix("?") == written and whole_path(environ) in _decoded(path)


# Servers disagree on the name: gunicorn says RAW_URI, waitress, uWSGI and mod_wsgi say REQUEST_URI, some say neither.
RAW_KEYS = ("RAW_URI", "REQUEST_URI")
ABSOLUTE_FORM = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?:(?P<user>[^/?]*)@)?(?P<host>[^/?]*)")
_ESCAPED_SLASH = re.compile("%2F", re.IGNORECASE)
#: What no name and no secret that is presented or configured can hold.
UNPRESENTABLE = re.compile("[\0\r\n]")


def _from_uri(environ: Mapping[str, Any], index: int) -> tuple[str, str] | None:
    whole = whole_path(environ)
    tail = whole[index + 1 :]
    if not tail:
        return None
    raw_tail = _raw_tail(environ, whole, index)
    # "%3D" and "%2F" in the account can only be told from "=" and "/" in the raw form. A peer that escapes the "="
    # itself leaves no "=" there: then the decoded path has to do, as it does behind a server without a raw form.
    if raw_tail is not None and _is_pair(raw_tail):
        name, _, secret = raw_tail.partition("=")
        name, secret = unquote(name, "latin-1"), unquote(secret, "latin-1")
    elif _is_pair(tail):
        name, _, secret = tail.partition("=")
    else:
        raise Unauthorized
    return _checked(as_text(name), as_text(secret))


def _raw_tail(environ: Mapping[str, Any], whole: str, index: int) -> str | None:
    """The tail as it was sent, if a raw URI is there, has escapes, and means the same path as the decoded one."""
    for key in RAW_KEYS:
        raw = string_of(environ, key)
        if "%" in raw:
            _, path, _ = split_uri(raw)
            # The same path: a rewriting front leaves the raw URI as it was, and that is then another request's tail.
            if path.startswith(whole[: index + 1]) and whole in _decoded(path):
                return path[index + 1 :]
    return None


def _decoded(path: str) -> tuple[str, str]:
    """A raw path as servers decode it: wholly, or as cheroot does, which leaves an escaped slash as it is."""
    return unquote(path, "latin-1"), unquote(_ESCAPED_SLASH.sub("%252F", path), "latin-1")


def split_uri(raw: str) -> tuple[str, str, str]:
    """``scheme://host`` without user information, the path, and the query with its question mark."""
    origin = ""
    if match := ABSOLUTE_FORM.match(raw):
        origin = match["scheme"] + match["host"]
        raw = raw[match.end() :]
    path, mark, query = raw.partition("?")
    return origin, path, mark + query


_BASIC = re.compile(r"[ \t]*basic(?:[ \t]+|$)", re.IGNORECASE)
_BASE64 = re.compile(r"([A-Za-z0-9+/]+)={0,2}")


def _from_authorization(value: str) -> tuple[str, str] | None:
    match = _BASIC.match(value)
    if match is None:
        return None
    octets = decode_base64(value[match.end() :].rstrip(" \t"))
    name, colon, secret = octets.partition(":")
    if not colon or UNPRESENTABLE.search(octets):
        raise Unauthorized
    return (name, secret) if octets.isascii() else (as_text(name), as_text(secret))


def decode_base64(token: str) -> str:
    """The octets, as latin-1. Padding may be missing; anything outside the alphabet may not be there."""
    match = _BASE64.fullmatch(token)
    # One digit over four is six bits: not an octet.
    if match is None or len(match[1]) % 4 == 1:
        raise Unauthorized
    # More padding than is missing does no harm.
    return binascii.a2b_base64(match[1] + "==").decode("latin-1")


def as_text(octets: str) -> str:
    """Octets written as latin-1, which is how WSGI hands them over, as the text they are: UTF-8, else latin-1."""
    if octets.isascii():
        return octets
    try:
        return octets.encode("latin-1").decode()
    except UnicodeError:
        return octets


def _checked(name: str, secret: str) -> tuple[str, str]:
    # No such name or secret can be configured, and logs and the files of others end a line or a string there.
    if UNPRESENTABLE.search(name) or UNPRESENTABLE.search(secret):
        raise Unauthorized
    return name, secret


def address_of(environ: Mapping[str, Any]) -> IPAddress | None:
    """Return ``REMOTE_ADDR`` as an address, an IPv4-mapped one as IPv4; None where it holds no address.

    A port is taken off, as in ``192.0.2.7:51234`` and ``[2001:db8::7]:51234``: gateways write it into
    ``X-Forwarded-For``, and ``ProxyFix`` passes it on. A bare IPv6 address has no port: each colon is its own.
    """
    text = string_of(environ, "REMOTE_ADDR")
    if ":" in text and (match := _WITH_PORT.fullmatch(text)):
        text = match["inside"] or match["dotted"]
    return _parse_address(text)


# In brackets there is an IPv6 address, with or without a port.
_WITH_PORT = re.compile(r"\[(?P<inside>[^\[\]]*:[^\[\]]*)\](?::[0-9]{1,5})?|(?P<dotted>[0-9.]+):[0-9]{1,5}")


# The peers of an endpoint are few, and parsing costs more than all the rest of this module.
@lru_cache(maxsize=256)
def _parse_address(text: str) -> IPAddress | None:
    try:
        # The zone ("%eth0") says by which interface, not who.
        address = ip_address(text.partition("%")[0])
    except ValueError:
        # A Unix socket shows nothing, and ProxyFix whatever was in X-Forwarded-For.
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
