"""What a request shows of who sends it: ``/mm7/account=password``, ``Authorization: Basic``, or just its address.

Nothing is judged here but form. Whose the credentials are is the business of :mod:`mm7_wsgi.resolvers`, and what others
may see of them that of :mod:`mm7_wsgi.redaction`.

The positions called ``index`` are in ``SCRIPT_NAME + PATH_INFO``. Hosts cut that path in different places (a dispatcher
shifts all of ``/mm7``, a view none of it), and only the sum is the same for all of them. What follows ``index`` and a
slash is the tail, ``account=password``.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import unquote

from .protocol.errors import Unauthorized

__all__ = [
    "ABSOLUTE_FORM",
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

    #: ``"uri"`` and ``"basic"`` come with a name and a secret, ``"address"`` with neither.
    source: Literal["uri", "basic", "address"]
    #: The account as the peer names it, decoded.
    name: str | None
    #: The password, decoded.
    secret: str | None = field(repr=False)
    #: ``REMOTE_ADDR`` without a port, an IPv4-mapped address as the IPv4 one; None where it holds no address (a Unix
    #: socket).
    address: IPAddress | None
    #: The whole WSGI environ, secrets included, for resolvers that look at a bearer token or a client certificate.
    environ: Mapping[str, Any] = field(repr=False, compare=False)

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


def find_credentials(environ: Mapping[str, Any], index: int | None) -> tuple[Credentials, ...]:
    """What the request shows, one for each place: the URI first, then Basic; where both are silent, the address alone.

    ``index`` is where the path ends (:func:`find_tail`); with None the URI is not looked at. A header of another scheme
    (Bearer, Digest) counts as none. Raises :class:`~mm7_wsgi.protocol.errors.Unauthorized` for what is there and
    malformed, so that it never passes for credentials that are absent.
    """
    address = address_of(environ)
    in_uri = None if index is None else _from_uri(environ, index)
    in_header = _from_authorization(string_of(environ, "HTTP_AUTHORIZATION"))
    found = []
    if in_uri is not None:
        found.append(Credentials("uri", *in_uri, address, environ))
    if in_header is not None:
        found.append(Credentials("basic", *in_header, address, environ))
    return tuple(found) or (Credentials("address", None, None, address, environ),)


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
