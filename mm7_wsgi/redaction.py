"""What others may see of a request: its environ without the credentials, and its secrets, to be taken out of a text.

What counts is all that the request shows of credentials (:mod:`mm7_wsgi.credentials`), valid or not, and what
frameworks, gateways and tracebacks make of it.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from .credentials import (
    ABSOLUTE_FORM,
    DIGEST,
    RAW_KEYS,
    as_text,
    decode_base64,
    split_uri,
    string_of,
    whole_path,
)
from .digest import proofs_in
from .protocol.errors import Unauthorized

__all__ = ["redacted", "secrets_in"]

# Where the host's framework is around us it keeps the path, or its own request with the path in its repr, under these.
_VIEWS_OF_THE_PATH = frozenset(
    {
        "PATH_TRANSLATED",
        "bottle.request",
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
        *RAW_KEYS,
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
    signs = _signs(_shown(environ, index), environ, index)
    whole = whole_path(environ)
    clean = {
        key: value
        for key, value in environ.items()
        if not key.endswith("AUTHORIZATION")
        and key not in _VIEWS_OF_THE_PATH
        and (key in _KEPT or key.startswith("wsgi.") or not _shows(value, signs))
    }
    split = len(string_of(environ, "SCRIPT_NAME"))
    end = len(whole) if index is None else index
    for key, value in (("SCRIPT_NAME", whole[: min(split, end)]), ("PATH_INFO", whole[split:end])):
        if key in clean:
            clean[key] = "".join(split_uri(value))  # in absolute form, without its user information
    for key in RAW_KEYS:
        if key in clean:
            origin, path, query = split_uri(string_of(environ, key))
            if index is not None:
                # Built anew and not cut: a raw URI that means another path has its secret who knows where.
                _, path, _ = split_uri(
                    quote(whole[:index], safe="/:@!$&'()*+,;=", encoding="latin-1", errors="replace")
                )
            clean[key] = origin + path + ("" if _shows(query, signs) else query)
    return clean


def _signs(shown: set[str], environ: Mapping[str, Any], index: int | None) -> list[str]:
    """What shows in a text without escapes that it repeats a secret."""
    signs = {text for text in shown if len(text) >= _TELLING}
    signs |= {_in_base64(octets) for text in signs for octets in _encoded(text)}
    if index is not None and (name := whole_path(environ)[index + 1 :].partition("=")[0]):
        # Behind the account in a URI there is a secret, whichever.
        signs |= {f"/{octets.decode('latin-1')}=" for octets in _encoded(as_text(name))} | {f"/{name}="}
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
    whole = whole_path(environ)
    if index is None and "=" in whole:  # a path that is not ours, and that a peer may take for ours
        index = whole.rfind("/", 0, whole.index("="))
    shown = _shown(environ, index)
    spellings = {spelling for text in shown for spelling in _spellings(text)}
    # There is no end of ways to escape it, so where the environ repeats it, all of that text has to go.
    signs = _signs(shown, environ, index)
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
    whole = whole_path(environ)
    for path in (whole, *(split_uri(string_of(environ, key))[1] for key in RAW_KEYS)):
        # A raw URI with another prefix was rewritten on its way: there the first "=" has to show where the secret is.
        tail = path[index + 1 :] if path.startswith(whole[: index + 1]) else path.partition("=")[2]
        # With a colon, as a proxy or a resolver writes it that makes Basic of it.
        for spelling in (tail, tail.replace("=", ":", 1), tail.partition("=")[2]):
            decoded = unquote(spelling, "latin-1")
            yield from (spelling, as_text(spelling), decoded, as_text(decoded))


def _shown_in_authorization(environ: Mapping[str, Any]) -> Iterator[str]:
    for key in environ:
        value = string_of(environ, key) if key.endswith("AUTHORIZATION") else ""
        yield value
        token = value.strip(" \t").replace("\t", " ").partition(" ")[2].strip(" ")
        yield from (token, token.rstrip("="))
        if match := DIGEST.match(value):
            yield from proofs_in(value[match.end() :])
        try:
            octets = decode_base64(token)
        except Unauthorized:
            continue
        secret = octets.partition(":")[2]
        yield from (secret, as_text(secret), octets, as_text(octets))


def _shown_as_user(environ: Mapping[str, Any]) -> Iterator[str]:
    # http://account:password@host/mm7: nobody is let in by it, and it may be the right password all the same.
    for value in (whole_path(environ), *(string_of(environ, key) for key in RAW_KEYS)):
        match = ABSOLUTE_FORM.match(value)
        if match and match["user"]:
            for spelling in (match["user"], match["user"].partition(":")[2]):
                decoded = unquote(spelling, "latin-1")
                yield from (spelling, decoded, as_text(decoded))


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
