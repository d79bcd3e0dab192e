"""What a request shows of who sends it: ``/mm7/account=password``, ``Authorization: Basic``, or just its address.

Nothing is judged here but form. Whose the credentials are is the business of :mod:`mm7_wsgi.accounts`.

The positions called ``index`` are in ``SCRIPT_NAME + PATH_INFO``. Hosts cut that path in different places (a dispatcher
shifts all of ``/mm7``, a view none of it), and only the sum is the same for all of them. What follows ``index`` and a
slash is the tail, ``account=password``.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain
from typing import Any, Literal, NoReturn, TypeAlias
from urllib.parse import quote, quote_plus, unquote

from .protocol.errors import Unauthorized

__all__ = ["Credentials", "IPAddress", "find_credentials", "find_tail", "owned", "redacted", "secrets_in"]

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
    #: ``REMOTE_ADDR``, an IPv4-mapped address as the IPv4 one; None where the server shows none (a Unix socket).
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
    whole = _whole_path(environ)
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


def _whole_path(environ: Mapping[str, Any]) -> str:
    return _string(environ, "SCRIPT_NAME") + _string(environ, "PATH_INFO")


def _string(environ: Mapping[str, Any], key: str) -> str:
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
    address = _parse_address(_string(environ, "REMOTE_ADDR"))
    in_uri = None if index is None else _from_uri(environ, index)
    in_header = _from_authorization(_string(environ, "HTTP_AUTHORIZATION"))
    found = []
    if in_uri is not None:
        found.append(Credentials("uri", *in_uri, address, environ))
    if in_header is not None:
        found.append(Credentials("basic", *in_header, address, environ))
    return tuple(found) or (Credentials("address", None, None, address, environ),)


# Servers disagree on the name: gunicorn says RAW_URI, waitress, uWSGI and mod_wsgi say REQUEST_URI, some say neither.
_RAW_KEYS = ("RAW_URI", "REQUEST_URI")
_ABSOLUTE_FORM = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?:(?P<user>[^/?]*)@)?(?P<host>[^/?]*)")
#: What no name and no secret that is presented or configured can hold.
UNPRESENTABLE = re.compile("[\0\r\n]")


def _from_uri(environ: Mapping[str, Any], index: int) -> tuple[str, str] | None:
    whole = _whole_path(environ)
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
    return _checked(_text(name), _text(secret))


def _raw_tail(environ: Mapping[str, Any], whole: str, index: int) -> str | None:
    """The tail as it was sent, if a raw URI is there, has escapes, and means the same path as the decoded one."""
    for key in _RAW_KEYS:
        raw = _string(environ, key)
        if "%" in raw:
            _, path, _ = _split_uri(raw)
            # The same path: a rewriting front leaves the raw URI as it was, and that is then another request's tail.
            if path.startswith(whole[: index + 1]) and unquote(path, "latin-1") == whole:
                return path[index + 1 :]
    return None


def _split_uri(raw: str) -> tuple[str, str, str]:
    """``scheme://host`` without user information, the path, and the query with its question mark."""
    origin = ""
    if match := _ABSOLUTE_FORM.match(raw):
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
    octets = _decode_base64(value[match.end() :].rstrip(" \t"))
    name, colon, secret = octets.partition(":")
    if not colon or UNPRESENTABLE.search(octets):
        raise Unauthorized
    return (name, secret) if octets.isascii() else (_text(name), _text(secret))


def _decode_base64(token: str) -> str:
    """The octets, as latin-1. Padding may be missing; anything outside the alphabet may not be there."""
    match = _BASE64.fullmatch(token)
    # One digit over four is six bits: not an octet.
    if match is None or len(match[1]) % 4 == 1:
        raise Unauthorized
    # More padding than is missing does no harm.
    return binascii.a2b_base64(match[1] + "==").decode("latin-1")


def _text(octets: str) -> str:
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


# What others may see

# Where the host's framework is around us it keeps the path, or its own request with the path in its repr, under these.
_VIEWS_OF_THE_PATH = frozenset(
    {
        "PATH_TRANSLATED",
        "bottle.request",
        "bottle.request.urlparts",
        "webob.adhoc_attrs",
        "werkzeug.request",
        "wsgiorg.routing_args",
    }
)


# What a WSGI application builds on; what is in them is none of the peer's choosing, or has rules of its own.
_KEPT = frozenset(
    {
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "PATH_INFO",
        "REMOTE_ADDR",
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        *_RAW_KEYS,
    }
)
# A secret that is shorter is part of too many words to be told from them.
_TELLING = 4


def redacted(environ: Mapping[str, Any], index: int | None) -> dict[str, Any]:
    """A copy without credentials: the paths end at ``index``, and every kind of Authorization is absent.

    What repeats a secret of at least four characters, or the account with a password in a URI, is left out, whatever
    it is called (``REDIRECT_URL``, ``X-Original-URI``, a query), escaped or not, also in lists and mappings. Objects
    are not looked into.
    """
    signs = _signs(environ, index)
    whole = _whole_path(environ)
    clean = {
        key: value
        for key, value in environ.items()
        if not key.endswith("AUTHORIZATION")
        and key not in _VIEWS_OF_THE_PATH
        and (key in _KEPT or key.startswith("wsgi.") or not _shows(value, signs))
    }
    split = len(_string(environ, "SCRIPT_NAME"))
    end = len(whole) if index is None else index
    for key, value in (("SCRIPT_NAME", whole[: min(split, end)]), ("PATH_INFO", whole[split:end])):
        if key in clean:
            clean[key] = _without_user(value)
    for key in _RAW_KEYS:
        if key in clean:
            origin, path, query = _split_uri(_string(environ, key))
            if index is not None:
                # Built anew and not cut: a raw URI that means another path has its secret who knows where.
                _, path, _ = _split_uri(
                    quote(whole[:index], safe="/:@!$&'()*+,;=", encoding="latin-1", errors="replace")
                )
            clean[key] = origin + path + ("" if _shows(query, signs) else query)
    return clean


def _without_user(text: str) -> str:
    match = _ABSOLUTE_FORM.match(text)
    return text if match is None else match["scheme"] + match["host"] + text[match.end() :]


def _signs(environ: Mapping[str, Any], index: int | None) -> list[str]:
    """What shows in a text without escapes that it repeats a secret."""
    signs = {text for text in _shown(environ, index) if len(text) >= _TELLING}
    signs |= {_in_base64(octets) for text in signs for octets in _encoded(text)}
    if index is not None and (name := _whole_path(environ)[index + 1 :].partition("=")[0]):
        # Behind the account in a URI there is a secret, whichever.
        signs |= {f"/{octets.decode('latin-1')}=" for octets in _encoded(_text(name))} | {f"/{name}="}
    return list(signs)


def _shows(value: object, signs: list[str]) -> bool:
    return any(sign in text for written in _texts(value) for text in _unescaped(written) for sign in signs)


def _texts(value: object, depth: int = 4) -> Iterator[str]:
    """The text in a value of a framework's or a gateway's making: a scope, an event, the pieces of a path."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (bytes, bytearray)):
        yield value.decode("latin-1")
    elif depth and isinstance(value, (dict, list, tuple, set, frozenset)):
        for inside in chain(value, value.values()) if isinstance(value, dict) else value:
            yield from _texts(inside, depth - 1)


def _unescaped(text: str) -> Iterator[str]:
    """``text``, and what it is with escapes undone: three times, since those who pass it on escape what is escaped."""
    yield text
    for _ in range(3):
        if "%" not in text:
            break
        text = unquote(text, "latin-1")
        yield text
    if "+" in text:
        yield text.replace("+", " ")


def secrets_in(environ: Mapping[str, Any], index: int | None) -> tuple[str, ...]:
    """Every spelling of the secrets that the request shows, longest first, for taking them out of a traceback.

    Valid or not, they are there. Never raises.
    """
    spellings = {spelling for text in _shown(environ, index) for spelling in _spellings(text)}
    # There is no end of ways to escape it, so where the environ repeats it, all of that text has to go.
    signs = _signs(environ, index)
    for key, value in environ.items():
        if signs and not key.startswith("wsgi.") and key not in ("SCRIPT_NAME", "PATH_INFO"):
            for text in _texts(value):
                if _shows(text, signs):
                    spellings |= _literals(text)
    return tuple(sorted(spellings - {""}, key=lambda text: (-len(text), text)))


def _shown(environ: Mapping[str, Any], index: int | None) -> set[str]:
    """The secrets, and what holds them: as sent, as the server decoded it, and as we did."""
    shown = {*_shown_in_authorization(environ), *_shown_as_user(environ)}
    if index is not None:
        shown.update(_shown_in_uri(environ, index))
    return shown


def _shown_in_uri(environ: Mapping[str, Any], index: int) -> Iterator[str]:
    whole = _whole_path(environ)
    for path in (whole, *(_split_uri(_string(environ, key))[1] for key in _RAW_KEYS)):
        # A raw URI with another prefix was rewritten on its way: there the first "=" has to show where the secret is.
        tail = path[index + 1 :] if path.startswith(whole[: index + 1]) else path.partition("=")[2]
        # With a colon, as a proxy or a resolver writes it that makes Basic of it.
        for spelling in (tail, tail.replace("=", ":", 1), tail.partition("=")[2]):
            decoded = unquote(spelling, "latin-1")
            yield from (spelling, _text(spelling), decoded, _text(decoded))


def _shown_in_authorization(environ: Mapping[str, Any]) -> Iterator[str]:
    for key in environ:
        value = _string(environ, key) if key.endswith("AUTHORIZATION") else ""
        yield value
        token = value.strip(" \t").replace("\t", " ").partition(" ")[2].strip(" ")
        yield from (token, token.rstrip("="))
        try:
            octets = _decode_base64(token)
        except Unauthorized:
            continue
        secret = octets.partition(":")[2]
        yield from (secret, _text(secret), octets, _text(octets))


def _shown_as_user(environ: Mapping[str, Any]) -> Iterator[str]:
    # http://account:password@host/mm7: nobody is let in by it, and it may be the right password all the same.
    for value in (_whole_path(environ), *(_string(environ, key) for key in _RAW_KEYS)):
        match = _ABSOLUTE_FORM.match(value)
        if match and match["user"]:
            for spelling in (match["user"], match["user"].partition(":")[2]):
                decoded = unquote(spelling, "latin-1")
                yield from (spelling, decoded, _text(decoded))


_ESCAPE = re.compile("%[0-9A-F]{2}")
_UNESCAPED = ("", "/", "/:@!$&'()*+,;=")
# Nobody writes more than this in another way, and a stranger could have much written.
_SPELLED = 200


def _spellings(text: str) -> Iterator[str]:
    """``text`` as others write it: as ``repr`` does, also in another ``repr``, and for a URL or a header."""
    literal = _literals(text)
    yield from literal
    if len(text) > _SPELLED:
        return
    for each in literal:
        yield from _literals(each)
    for octets in _encoded(text):
        for quoted in (quote_plus(octets), *(quote(octets, safe) for safe in _UNESCAPED)):
            yield from (quoted, _ESCAPE.sub(lambda escape: escape[0].lower(), quoted))
        yield _in_base64(octets)
    # A group of exceptions is written with its texts indented, and so broken wherever a line can end.
    lines = text.splitlines()
    if len(lines) > 1:
        yield from [line for line in lines if len(line) >= _TELLING]


def _encoded(text: str) -> set[bytes]:
    """The octets of ``text``: as UTF-8, and as those it stands for where WSGI handed it over."""
    try:
        return {text.encode(errors="surrogatepass"), text.encode("latin-1")}
    except UnicodeEncodeError:
        return {text.encode(errors="surrogatepass")}


def _in_base64(octets: bytes) -> str:
    """Without its padding, which not everybody writes."""
    return binascii.b2a_base64(octets, newline=False).decode().rstrip("=")


def _literals(text: str) -> set[str]:
    """``text``, and what ``repr`` makes of it and of its octets, whichever quotes it puts around."""
    octets = text.encode(errors="surrogatepass")
    return {
        text,
        ascii(text)[1:-1],
        repr(text)[1:-1],
        repr("\"'" + text)[4:-1],
        repr(octets)[2:-1],
        repr(b"\"'" + octets)[5:-1],
    }
