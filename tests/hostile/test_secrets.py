"""Known secrets are sent every way there is, and looked for in all that comes out.

What is ours to keep a secret out of: every record of the log, the answer, ``wsgi.errors``, the standard streams,
warnings, the text of an exception that we raise, and whatever the handler can reach from its request by names that do
not begin with an underscore. There are no metrics; the fields of the records are what others make metrics of.

What is not: the local variables of the frames around the handler, in which the server's environ stands, as it stands in
the server's own; the words with which a host refuses (``MM7Error``), which go to the peer as they are; and
``Account.secret`` of an account that the host gave us with its secret in it. ``Credentials`` are handed to a resolver
because of the secret, so they hold it, and only show it where they are asked by name.
"""

from __future__ import annotations

import base64
import builtins
import contextlib
import copy
import dataclasses
import functools
import io
import json
import logging
import os
import pickle
import re
import socket
import subprocess
import sys
import traceback
import types
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.security import generate_password_hash

import mm7_wsgi
from mm7_wsgi import (
    Account,
    AccountTable,
    Credentials,
    MM7Endpoint,
    MM7Error,
    MM7Middleware,
    MM7Request,
    Plain,
    ServiceUnavailable,
)

#: Each is in nothing else that goes in or comes out. Some have two encodings.
SECRETS = {
    "plain": "s3cr3t-Zebra",
    "slashes": "ze/bra//Zebra",
    "signs": "ze=bra=&Zebra?;:#,@",
    "blanks": "ze bra+Zebra",
    "quotes": "ze'bra\"Zebra'",
    "one quote": "ze'braZebra",
    "backslashes": r"ze\bra\\Zebra\n",
    "escapes": "100%zebra%25%41Zebra",
    "letters": "z\u00e9bra\u00ffZebra",
    "others": "z\u20acbra\u4e2d\U0001f993Zebra",
    "controls": "ze\tbra\x1b[2J\x7f\x01Zebra",
    "lines": "zebra\x85Zebra\u2028zebrA",
    "hash": "scrypt:zebra",
}
OCTETS = [
    *(pytest.param(secret, secret.encode(), id=name) for name, secret in SECRETS.items()),
    *(pytest.param(SECRETS[name], SECRETS[name].encode("latin-1"), id=f"{name} in latin-1") for name in ("letters",)),
]


def some(*others: int) -> Iterator[tuple[str, str, bytes]]:
    """Every fourth secret, others for others: each meets each way and each outcome, if not both at once."""
    for place, secret in enumerate(OCTETS):
        if not (place + sum(others)) % 4:
            yield str(secret.id), *secret.values


# -- how it goes in


def escaped(octets: bytes, *, every: int = 1, lower: bool = False) -> str:
    """Octets as a URI has them, each ``every``-th letter escaped without need."""
    pieces = []
    for place, octet in enumerate(octets):
        letter = chr(octet)
        needless = octet < 128 and letter.isalnum() and (not every or place % every)
        pieces.append(letter if needless else f"%{octet:02x}" if lower else f"%{octet:02X}")
    return "".join(pieces)


def token(octets: bytes) -> str:
    return base64.b64encode(b"acme:" + octets).decode()


def path(octets: bytes) -> str:
    return "/mm7/acme=" + octets.decode("latin-1")


#: The URI: what the server decoded, what it kept as it was sent, and what others made of it.
IN_URI: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "the path": lambda o: {"PATH_INFO": path(o)},
    "SCRIPT_NAME": lambda o: {"SCRIPT_NAME": path(o), "PATH_INFO": ""},
    "split": lambda o: {"SCRIPT_NAME": path(o)[:13], "PATH_INFO": path(o)[13:]},
    "a mount": lambda o: {"SCRIPT_NAME": "/api", "PATH_INFO": path(o), "REQUEST_URI": f"/api/mm7/acme={escaped(o)}"},
    "escaped in whole": lambda o: {"PATH_INFO": path(o), "RAW_URI": f"/mm7/acme={escaped(o)}?x=1"},
    "escaped in part": lambda o: {"PATH_INFO": path(o), "RAW_URI": f"/mm7/acme={escaped(o, every=3, lower=True)}"},
    "escaped where needed": lambda o: {"PATH_INFO": path(o), "REQUEST_URI": f"/mm7/acme={escaped(o, every=0)}"},
    "a rewritten URI": lambda o: {"PATH_INFO": path(o), "REQUEST_URI": f"/old/acme={escaped(o, every=2)}"},
    "escaped twice": lambda o: {"PATH_INFO": path(o), "RAW_URI": f"/x/acme={quote(escaped(o))}"},
    "absolute form": lambda o: {
        "PATH_INFO": path(o),
        "RAW_URI": f"http://acme:{escaped(o)}@gw.example/mm7/acme={escaped(o, every=2)}",
    },
    "absolute form passed on": lambda o: {
        "PATH_INFO": f"http://acme:{escaped(o)}@gw.example{path(o)}",
        "REQUEST_URI": f"http://acme:{escaped(o)}@gw.example/mm7/acme={escaped(o)}",
    },
    "copies": lambda o: {
        "PATH_INFO": path(o),
        "RAW_URI": f"/mm7/acme={escaped(o, every=0)}?again={escaped(o)}",
        "QUERY_STRING": f"again={escaped(o)}&plus={quote_plus(o)}",
        "PATH_TRANSLATED": "/var/www" + path(o),
        "REDIRECT_URL": path(o),
        "REDIRECT_QUERY_STRING": f"password={escaped(o)}",
        "SCRIPT_URI": "http://gw.example" + path(o),
        "UNENCODED_URL": f"/mm7/acme={escaped(o)}",
        "HTTP_REFERER": f"http://gw.example/mm7/acme={escaped(o, every=2)}",
        "HTTP_X_ORIGINAL_URI": f"/mm7/acme={quote(escaped(o))}",
        "HTTP_X_ORIGINAL_URL": f"http://acme:{escaped(o)}@gw.example/",
        "HTTP_X_FORWARDED_URI": f"/mm7/acme={quote(quote(escaped(o)))}",
        "HTTP_X_FORWARDED_PATH": path(o),
        "HTTP_X_FORWARDED_PREFIX": path(o)[:5] + path(o)[5:],
        "HTTP_X_PASSWORD": o.decode("latin-1"),
        "HTTP_COOKIE": f"a=b; password={escaped(o)}",
        "HTTP_X_TOKEN": token(o),
        "wsgiorg.routing_args": ((), {"tail": path(o)}),
        "asgi.scope": {"path": path(o), "raw_path": f"/mm7/acme={escaped(o)}".encode(), "headers": [(b"a", o)]},
    },
}
#: Basic, as clients write it.
IN_BASIC: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "Basic": lambda o: {"HTTP_AUTHORIZATION": f"Basic {token(o)}"},
    "Basic without padding": lambda o: {"HTTP_AUTHORIZATION": f"Basic {token(o).rstrip('=')}"},
    "Basic behind a tab": lambda o: {"HTTP_AUTHORIZATION": f" basic\t{token(o)}\t"},
    "Basic behind blanks": lambda o: {"HTTP_AUTHORIZATION": f"BASIC    {token(o)}  "},
    "Basic with copies": lambda o: {
        "HTTP_AUTHORIZATION": f"Basic {token(o)}",
        "HTTP_PROXY_AUTHORIZATION": f"Basic {token(o)}",
        "REDIRECT_HTTP_AUTHORIZATION": f"Basic {token(o)}",
        "HTTP_X_FORWARDED_AUTHORIZATION": f"Basic {token(o)}",
        "HTTP_X_AUTH": f"basic {token(o).rstrip('=')}",
        "HTTP_X_AUTH_TOKEN": token(o),
        "HTTP_X_CREDENTIALS": "acme:" + o.decode("latin-1"),
        "asgi.scope": {"headers": [(b"authorization", f"Basic {token(o)}".encode())]},
        "RAW_URI": f"http://acme:{escaped(o)}@gw.example/mm7",
        "QUERY_STRING": f"p={quote(o, safe='')}",
    },
    "both places": lambda o: {"PATH_INFO": path(o), "HTTP_AUTHORIZATION": f"Basic {token(o)}"},
}
#: What shows a secret, and lets nobody in by itself.
IN_VAIN: dict[str, Callable[[bytes], dict[str, Any]]] = {
    "without an account": lambda o: {"PATH_INFO": "/mm7/" + o.decode("latin-1").replace("=", "").replace("/", "")},
    "Basic without a colon": lambda o: {
        "HTTP_AUTHORIZATION": "Basic " + base64.b64encode(o.replace(b":", b"")).decode()
    },
    "Basic that is no base64": lambda o: {"HTTP_AUTHORIZATION": f"Basic !{token(o)}"},
    "Basic in clear": lambda o: {"HTTP_AUTHORIZATION": "Basic acme:" + o.decode("latin-1")},
    "Basic twice": lambda o: {"HTTP_AUTHORIZATION": f"Basic {token(o)}, Basic {token(o)}"},
    "Basic with a line end": lambda o: {"HTTP_AUTHORIZATION": f"Basic {token(o + b'%c' % 10)}"},
    "Basic, very long": lambda o: {"HTTP_AUTHORIZATION": f"Basic {token(o * 500)}"},
    "another account in the URI": lambda o: {
        "PATH_INFO": path(o).replace("acme", "other"),
        "HTTP_AUTHORIZATION": f"Basic {token(o)}",
    },
    "another secret in the URI": lambda o: {
        "PATH_INFO": path(b"x" + o),
        "HTTP_AUTHORIZATION": f"Basic {token(o)}",
    },
    "Bearer": lambda o: {"HTTP_AUTHORIZATION": "Bearer " + quote(o, safe="")},
    "Digest": lambda o: {"HTTP_AUTHORIZATION": f'Digest username="acme", response="{quote(o, safe="")}"'},
    "Proxy-Authorization": lambda o: {"HTTP_PROXY_AUTHORIZATION": f"Basic {token(o)}"},
}
WAYS = {**IN_URI, **IN_BASIC, **IN_VAIN}


def shown(way: str, octets: bytes) -> dict[str, Any]:
    return {"PATH_INFO": "/mm7", **WAYS[way](octets)}


# -- how it may come out


@functools.lru_cache(maxsize=64)
def spellings(octets: bytes) -> tuple[str, ...]:
    """What to look for: the secret in clear, as text and as octets, in ``repr``, in a URL, in base64."""
    try:
        decoded = octets.decode()
    except UnicodeDecodeError:
        decoded = octets.decode("latin-1")
    clear = {decoded, octets.decode("latin-1")}
    found = set(clear)
    for text in clear:
        encoded = {octets, text.encode()}
        found |= {base64.b64encode(each).decode().rstrip("=") for each in encoded}
        found |= {base64.b64encode(b"acme:" + each).decode().rstrip("=") for each in encoded}
        for each in encoded:
            for quoted in (quote(each, safe=""), quote(each), quote_plus(each), escaped(each), escaped(each, every=3)):
                found |= {quoted, quoted.lower(), re.sub("%..", lambda escape: escape[0].lower(), quoted)}
        for _ in range(2):
            found |= {repr(each)[1:-1] for each in found} | {ascii(each)[1:-1] for each in found}
            found |= {repr("\"'" + each)[4:-1] for each in found}
            found |= {repr(each.encode())[2:-1] for each in found}
        found |= {json.dumps(each)[1:-1] for each in clear if each.isascii()}
    return tuple(sorted(found, key=len))


def shows(text: str, octets: bytes) -> bool:
    """Whether the secret is in it, however it is spelled."""
    return any(spelling in text for spelling in spellings(octets))


class Watch(logging.Handler):
    """Everything that is written anywhere while it is entered."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []
        self.more: list[tuple[str, Any]] = []
        self.errors = io.StringIO()
        self._output = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def __enter__(self) -> Watch:
        root = logging.getLogger()
        self._levels = {log: log.level for log in (root, logging.getLogger("mm7_wsgi"))}
        for log in self._levels:
            log.setLevel(logging.DEBUG)
        root.addHandler(self)
        self._stack = contextlib.ExitStack()
        self._warnings = self._stack.enter_context(warnings.catch_warnings(record=True))
        warnings.simplefilter("always")
        self._stack.enter_context(contextlib.redirect_stdout(self._output))
        self._stack.enter_context(contextlib.redirect_stderr(self._output))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        logging.getLogger().removeHandler(self)
        for log, level in self._levels.items():
            log.setLevel(level)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each text with the place where it came out."""
        yield "wsgi.errors", self.errors.getvalue()
        yield "a standard stream", self._output.getvalue()
        for warning in self._warnings:
            yield "a warning", str(warning.message)
        for record in self.records:
            yield "a record, formatted", logging.Formatter("%(asctime)s %(name)s %(message)s").format(record)
            for name, value in vars(record).items():
                yield from ((f"record.{name}", str(value)), (f"record.{name}", repr(value)))
        for where, value in self.more:
            yield where, value if isinstance(value, str) else value.decode("latin-1")

    def answered(self, answer: Any) -> Any:
        self.more += [("the answer", answer.body), ("the answer", f"{answer.status} {answer.headers!r}")]
        self.more += [("the answer", text) for header in answer.headers for text in header]
        self.more += [("the answer", text) for text in answer.root.itertext()] if answer.body else []
        return answer

    def hits(self, octets: bytes) -> set[str]:
        """The places where the secret came out."""
        found: dict[str, set[str]] = {}
        for where, text in self.texts():
            found.setdefault(where, set()).add(text)
        return {where for where, texts in found.items() if shows("\n".join(texts), octets)}


def faces(value: Any) -> Iterator[str]:
    """What an object shows of itself when it is printed, dumped or copied."""
    yield from (repr(value), str(value), f"{value}", f"{value!a}", json.dumps([value], default=str))
    for dump in (pickle.dumps, copy.copy, copy.deepcopy, vars, dataclasses.asdict):
        try:
            yield repr(dump(value))  # type: ignore[operator]
        except Exception as error:  # noqa: PERF203
            yield from (repr(error), str(error), "".join(traceback.format_exception(error)))


def reachable(value: Any, where: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """All text that can be had from ``value`` by names without an underscore in front, by keys and by places."""
    if isinstance(value, (str, bytes, bytearray)):
        yield where, value if isinstance(value, str) else bytes(value).decode("latin-1")
        return
    if id(value) in seen or value is None or isinstance(value, (int, float, type, types.ModuleType)):
        return
    seen.add(id(value))
    yield where, repr(value)
    if isinstance(value, Mapping):
        for key, inside in value.items():
            yield f"a key of {where}", str(key)
            yield from reachable(inside, f"{where}[{key!r}]", seen)
    elif isinstance(value, Iterable) and not isinstance(value, io.IOBase):
        for place, inside in enumerate(value):
            yield from reachable(inside, f"{where}[{place}]", seen)
    if type(value).__module__.partition(".")[0] in ("mm7_wsgi", "werkzeug"):
        for name in dir(value):
            if not name.startswith("_"):
                inside = getattr(value, name)
                if not callable(inside):
                    yield from reachable(inside, f"{where}.{name}", seen)


# -- the search finds


class Shows(NamedTuple):
    """An object that gives its secret away."""

    secret: str


def log_with(**keywords: Any) -> Callable[[str, Watch], None]:
    def log(text: str, watch: Watch) -> None:
        logging.getLogger("anybody").debug("planted", **{name: make(text) for name, make in keywords.items()})

    return log


def log_in_an_exception(text: str, watch: Watch) -> None:
    try:
        raise RuntimeError from LookupError(text)
    except RuntimeError:
        logging.getLogger("mm7_wsgi.inner").exception("planted")


PLANTED: dict[str, Callable[[str, Watch], Any]] = {
    "a message": lambda text, watch: logging.getLogger("mm7_wsgi").debug("planted " + text),
    "the arguments": lambda text, watch: logging.getLogger("mm7_wsgi").info("planted %s", text),
    "hidden arguments": lambda text, watch: logging.getLogger("mm7_wsgi").info("planted %.0s", text),
    "a field": log_with(extra=lambda text: {"uri": f"/{text}"}),
    "a field of a field": log_with(extra=lambda text: {"uri": [{"x": Shows(text)}]}),
    "an exception": log_in_an_exception,
    "wsgi.errors": lambda text, watch: watch.errors.write(text),
    "stdout": lambda text, watch: print(text),
    "stderr": lambda text, watch: print(text, file=sys.stderr),
    "a warning": lambda text, watch: warnings.warn(text, stacklevel=1),
}


@pytest.mark.parametrize("place", PLANTED)
@pytest.mark.parametrize(("secret", "octets"), OCTETS)
def test_the_search_finds_what_is_planted(secret: str, octets: bytes, place: str) -> None:
    in_clear = octets.decode("latin-1")
    written = [
        f"x{secret}x",
        in_clear,
        repr(octets),
        ascii(secret),
        repr({"'\"": "\"'" + secret}),
        repr(repr(secret)),
        quote(octets, safe=""),
        quote_plus(octets),
        escaped(octets, lower=True),
        token(octets),
        f"a{base64.b64encode(octets).decode()}",
    ]
    with Watch() as watch:
        pass
    assert watch.hits(octets) == set()
    for text in written:
        with Watch() as watch:
            PLANTED[place](text, watch)
        assert watch.hits(octets), text
        assert watch.hits(b"another secret") == set()


def test_the_search_finds_what_is_planted_in_an_answer_or_an_object(ask: Any, mm7: Any) -> None:
    octets = SECRETS["quotes"].encode()
    app = MM7Endpoint(lambda request: ServiceUnavailable(details=SECRETS["quotes"]), accounts={"acme": "s3cret"})
    with Watch() as watch:
        watch.answered(ask(app, mm7.request()))
    assert watch.hits(octets) == {"the answer"}
    assert any(shows(text, octets) for text in faces(Shows(SECRETS["quotes"])))
    kept = Account("acme", ["x", SECRETS["quotes"]])
    found = {where for where, text in reachable(kept, "account", set()) if shows(text, octets)}
    assert found == {"account.secret", "account.secret[1]"}


# -- resolvers and handlers, and what becomes of them


def told(credentials: Credentials) -> list[str]:
    """All that a careless resolver could put into words."""
    environ = credentials.environ
    secret = credentials.secret or ""
    return [
        f"no such password: {credentials.secret}",
        f"query failed for {(credentials.name, credentials.secret)!r}",
        f"{credentials.environ}",
        f"{dict(credentials.environ)!r}",
        ascii(dict(environ)),
        f"GET http://directory.example/{quote(secret, safe='')}?{quote_plus(secret)} {quote(secret)}",
        "Authorization: Basic " + base64.b64encode(f"{credentials.name}:{secret}".encode(errors="replace")).decode(),
        f"{environ.get('HTTP_AUTHORIZATION')} {environ.get('PATH_INFO')} {secret.encode(errors='replace')!r}",
    ]


def raised(texts: list[str]) -> Any:
    for text in texts[1:]:
        with contextlib.suppress(LookupError):
            raise LookupError(text)
    raise RuntimeError(texts[0])


def raised_one_from_another(texts: list[str]) -> Any:
    """One cause or context below the other, the last with a key as its text."""
    if len(texts) == 1:
        raise KeyError(texts[0])
    try:
        raised_one_from_another(texts[1:])
    except LookupError as error:
        if len(texts) % 2:
            raise LookupError(texts[0]) from error
        raise LookupError(texts[0])  # noqa: B904 - the context


def raised_with_notes(texts: list[str]) -> Any:
    error = OSError(2, texts[0], texts[1])
    error.__notes__ = texts  # type: ignore[attr-defined] # Python 3.11 writes them
    raise error


def raised_as_group(texts: list[str]) -> Any:
    group = getattr(builtins, "ExceptionGroup", None)
    errors = [ValueError(text) for text in texts]
    if group is None:  # Python 3.10
        raise ValueError(errors)
    raise group(texts[0], [*errors, group(texts[1], errors)])


def raised_with_junk(texts: list[str]) -> Any:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError(texts[0])

    raise Odd(*texts)


FAILS = {
    "raises": raised,
    "raises one from another": raised_one_from_another,
    "raises with notes": raised_with_notes,
    "raises a group": raised_as_group,
    "raises what has no text": raised_with_junk,
}


def rejecting(credentials: Credentials) -> Account:
    try:
        raised(told(credentials))
    except RuntimeError as error:
        raise ServiceUnavailable(details="not now") from error


def failing(fail: Callable[[list[str]], Any]) -> Callable[[Credentials], Account]:
    return lambda credentials: fail(told(credentials))


RESOLVERS: dict[str, Callable[[Credentials], Any]] = {
    "lets everybody in": lambda credentials: Account("acme"),
    "lets nobody in": lambda credentials: None,
    "refuses the address": lambda credentials: Account("acme", None, ["203.0.113.0/24"]),
    "returns the secret": lambda credentials: credentials.secret,
    "returns the credentials": lambda credentials: (credentials, dict(credentials.environ)),
    "returns what it is": lambda credentials: credentials,
    "is not there": rejecting,
    **{name: failing(fail) for name, fail in FAILS.items()},
}


def accept(request: MM7Request) -> None:
    """The plainest of handlers."""


@pytest.mark.parametrize("way", [way for way in WAYS if "long" not in way])  # where a resolver could make more of it
@pytest.mark.parametrize("resolver", RESOLVERS)
def test_no_resolver_lets_a_secret_out(ask: Any, mm7: Any, way: str, resolver: str) -> None:
    app = MM7Endpoint(accept, accounts=RESOLVERS[resolver])
    for name, _, octets in some(list(WAYS).index(way), list(RESOLVERS).index(resolver)):
        with Watch() as watch:
            environ = mm7.request(environ={**shown(way, octets), "wsgi.errors": watch.errors})
            watch.answered(ask(app, environ, validate=False))
        assert watch.hits(octets) == set(), name
        assert [record.levelname for record in watch.records][-1:] == ["INFO"]


def careless(fail: Callable[[list[str]], Any]) -> Callable[[MM7Request, str], Any]:
    """A handler that knows the password from elsewhere, and tells it with all else that it has."""
    return lambda request, secret: fail(
        [
            f"{request!r} {request.account} {secret}",
            f"{request.environ} {secret!r}",
            quote(secret),
            f"{dict(request.environ)!r} {secret.encode()!r}",
            f"{request.message!r} {base64.b64encode(f'acme:{secret}'.encode()).decode()}",
        ]
    )


HANDLERS: dict[str, Callable[[MM7Request, str], Any]] = {
    "accepts": lambda request, secret: None,
    "refuses": lambda request, secret: request.failure(2003, details=f"{request!r} {request.environ}"),
    "returns junk": lambda request, secret: secret,
    "returns itself": lambda request, secret: request,
    "exits": lambda request, secret: sys.exit(0),
    **{name: careless(fail) for name, fail in FAILS.items()},
}


@pytest.mark.parametrize("way", [*IN_URI, *IN_BASIC])
@pytest.mark.parametrize("handler", HANDLERS)
def test_no_handler_lets_a_secret_out(ask: Any, mm7: Any, way: str, handler: str) -> None:
    for name, text, octets in some(list(WAYS).index(way), list(HANDLERS).index(handler)):
        app = MM7Endpoint(
            lambda request: HANDLERS[handler](request, text),  # noqa: B023 - called at once
            accounts={"acme": Plain(text)},
        )
        with Watch() as watch:
            environ = mm7.request(environ={**shown(way, octets), "wsgi.errors": watch.errors})
            if handler == "exits":
                with pytest.raises(SystemExit):
                    app(environ, lambda *arguments: None)
            else:
                assert watch.answered(ask(app, environ, validate=False)).status in (200, 500)
        assert watch.hits(octets) == set(), name


# -- requests that are refused


def as_sent(mm7: Any, streams: Any) -> dict[str, dict[str, Any]]:
    """A request for each way in which it can fail."""
    content_type, body = mm7.package(
        mm7.soap("ReplaceReq"), mm7.part(b"%", "Content-Type: text/plain", "Content-Transfer-Encoding: base64")
    )
    return {
        "accepted": mm7.request(),
        "deviating": mm7.request(version="1.0", more="<unknown/>"),
        "refused by the handler": mm7.request("CancelReq"),
        "bad multipart": {**mm7.request("ReplaceReq"), "wsgi.input": streams.Input(body[:-9] + b"x" * 9)},
        "no part": mm7.request(environ={"CONTENT_TYPE": "multipart/related; boundary=x"}),
        "content that cannot be decoded": {
            **mm7.request("ReplaceReq"),
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": streams.Input(body),
        },
        "not XML": mm7.request(more="<"),
        "cut off": mm7.request(environ={"CONTENT_LENGTH": "9999"}),
        "broken off": mm7.request(environ={"wsgi.input": streams.BrokenInput(b"<", OSError("gone"))}),
        "no length": mm7.request(environ={"CONTENT_LENGTH": None}),
        "bad length": mm7.request(environ={"CONTENT_LENGTH": "-1"}),
        "bad type": mm7.request(environ={"CONTENT_TYPE": "text/html"}),
        "GET": mm7.request(environ={"REQUEST_METHOD": "GET"}),
        "HEAD": mm7.request(environ={"REQUEST_METHOD": "HEAD"}),
    }


def half_served(request: MM7Request) -> Any:
    if request.message.element_name == "CancelReq":
        return request.failure(2005, "not here", f"no {request.message!r} of {request.account.name}")
    for part in request.leaves():
        assert part.data
    return None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_no_refusal_lets_a_secret_out(ask: Any, mm7: Any, streams: Any, way: str, right: bool, strict: bool) -> None:
    for name, text, octets in [*some(list(WAYS).index(way), 2 * right + strict)][:1]:
        app = MM7Endpoint(half_served, accounts={"acme": Plain(text) if right else "another one"}, strict=strict)
        for outcome, environ in as_sent(mm7, streams).items():
            with Watch() as watch:
                environ |= {**shown(way, octets), "wsgi.errors": watch.errors}
                watch.answered(ask(app, environ, validate=False))
            assert watch.hits(octets) == set(), (name, outcome)
            if right and outcome == "accepted" and way not in IN_VAIN:
                assert watch.records[-1].status == (1000)  # type: ignore[attr-defined]


# -- what the host sees


class Directory:
    """A resolver that is an object."""

    def __init__(self, secret: str) -> None:
        self._table = AccountTable({"acme": Plain(secret)})

    def resolve(self, credentials: Credentials) -> Account | None:
        return self._table.resolve(credentials)


def hashed(secret: str) -> str:
    return generate_password_hash(secret, "pbkdf2:sha256:1")


#: How a secret is configured, and where the host then finds it, by its own doing.
CONFIGURED: dict[str, tuple[Callable[[str], Any], set[str]]] = {
    "plain": (lambda secret: {"acme": secret}, set()),
    "Plain": (lambda secret: {"acme": Plain(secret)}, set()),
    "list": (lambda secret: {"acme": ["another one", Plain(secret)]}, set()),
    "hashed": (lambda secret: {"acme": hashed(secret)}, set()),
    "hashed list": (lambda secret: {"acme": [hashed("another one"), hashed(secret)]}, set()),
    "Account": (lambda secret: {"acme": Account("acme", Plain(secret))}, {"request.account.secret"}),
    "hashed Account": (lambda secret: {"acme": Account("acme", hashed(secret))}, set()),
    "mapping": (lambda secret: types.MappingProxyType({"acme": Plain(secret)}), set()),
    "table": (lambda secret: AccountTable({"acme": Plain(secret)}), set()),
    "callable": (lambda secret: Directory(secret).resolve, set()),
    "object": (Directory, set()),
    "dotted name": (lambda secret: "mm7_partners.directory", set()),
}


@pytest.mark.parametrize("way", [*IN_URI, *IN_BASIC])
@pytest.mark.parametrize("configured", CONFIGURED)
def test_the_host_reaches_no_secret_but_its_own(
    ask: Any, mm7: Any, monkeypatch: pytest.MonkeyPatch, way: str, configured: str
) -> None:
    make, own = CONFIGURED[configured]
    partners = types.ModuleType("mm7_partners")
    monkeypatch.setitem(sys.modules, "mm7_partners", partners)
    for name, text, octets in some(list(WAYS).index(way), list(CONFIGURED).index(configured)):
        if text == SECRETS["hash"] and configured == "plain":
            continue  # refused when it is configured
        partners.directory = Directory(text)  # type: ignore[attr-defined]
        found: list[tuple[str, str]] = []

        def handler(request: MM7Request) -> None:
            found.extend(reachable(request, "request", set()))  # noqa: B023 - called at once
            found.extend(("a face", face) for face in faces(request))  # noqa: B023
            found.extend(("a face of the environ", face) for face in faces(dict(request.environ)))  # noqa: B023
            for part in request.leaves():
                found.extend(("a face of a part", face) for face in faces(part))  # noqa: B023

        app = MM7Endpoint(handler, accounts=make(text))
        content_type, body = mm7.package(mm7.soap(version="1.0"), mm7.part(b"hello", "Content-Type: text/plain"))
        with Watch() as watch:
            environ = mm7.request(environ=shown(way, octets))
            environ |= {"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
            assert watch.answered(ask(app, environ, validate=False)).code == 1000, watch.records[-1].getMessage()
        watch.more += [("a face of the endpoint", face) for face in faces(app)]
        watch.more += [("a face of the middleware", face) for face in faces(MM7Middleware(app, accept, accounts={}))]
        watch.more += found
        assert watch.hits(octets) == own, name
        assert {where for where, _ in found} >= {
            "request.account.name",
            "request.environ['PATH_INFO']",
            "a face of a part",
        }
        if "hashed" in configured:
            assert not [where for where, written in found if "pbkdf2" in written and where != "request.account.secret"]


@pytest.mark.parametrize(("secret", "octets"), OCTETS)
def test_what_holds_a_secret_does_not_show_it(secret: str, octets: bytes) -> None:
    environ = {"PATH_INFO": path(octets), "HTTP_AUTHORIZATION": f"Basic {token(octets)}"}
    holders = [
        Account("acme", Plain(secret), ["192.0.2.0/24"]),
        Account("acme", ["x", Plain(secret)]),
        AccountTable({"acme": Plain(secret), "other": Account("other", Plain(secret))}),
        MM7Middleware(accept, accept, accounts={"acme": Plain(secret)}),  # type: ignore[arg-type]
        Credentials("uri", "acme", secret, ip_address("192.0.2.7"), environ),
        Plain(secret),
    ]
    for holder in holders:
        written = [repr(holder), f"{holder!a}", repr([holder]), repr({"x": (holder,)})]
        if not isinstance(holder, Plain):  # a string, and only its repr is another
            written += [str(holder), f"{holder}", json.dumps([holder], default=str)]
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as refusal:
                    pickle.dumps(holder, protocol)
                written += [repr(refusal.value), str(refusal.value)]
        assert not [text for text in written if shows(text, octets)]


def test_exceptions_raised_to_the_handler_hold_no_secret_in_their_frames(ask: Any, mm7: Any) -> None:
    text = SECRETS["quotes"]
    rendered: list[str] = []

    def handler(request: MM7Request) -> None:
        for use in (
            lambda: request.content and request.content.data,
            lambda: request.content and request.content.save("/nowhere/at/all"),
            lambda: request.success(service_code="x"),
            lambda: request.failure(1000),
            lambda: pickle.dumps(request.account),
            lambda: pickle.dumps(request),
            lambda: Account("ac\nme"),
        ):
            with pytest.raises((MM7Error, OSError, ValueError, TypeError, AttributeError)) as raised:
                use()
            # From the package's own frames on: what the handler has in its own is its own.
            for frames in (raised.tb.tb_next, raised.tb.tb_next.tb_next):
                if frames is not None:
                    whole = traceback.TracebackException(raised.type, raised.value, frames, capture_locals=True)
                    rendered.append("".join(whole.format()))

    content_type, body = mm7.package(
        mm7.soap(), mm7.part(b"%", "Content-Type: text/plain", "Content-Transfer-Encoding: base64")
    )
    app = MM7Endpoint(handler, accounts={"acme": Account("acme", text)})
    environ = mm7.request(environ={"CONTENT_TYPE": content_type, "CONTENT_LENGTH": str(len(body))})
    environ |= {"wsgi.input": io.BytesIO(body), **shown("copies", text.encode())}
    assert ask(app, environ, validate=False).code == 1000
    assert len(rendered) >= 7
    assert any("request = <MM7Request" in text or "self = <Part" in text for text in rendered)
    assert not [each for each in rendered if shows(each, text.encode())]


MALFORMED: dict[str, Callable[[str], Any]] = {
    "octets": lambda secret: {"acme": secret.encode()},
    "a number among them": lambda secret: {"acme": [secret, 7]},
    "octets among them": lambda secret: {"acme": [secret.encode()]},
    "a mapping": lambda secret: {"acme": {secret: secret}},
    "a set": lambda secret: {secret},
    "a pair": lambda secret: ("acme", secret),
    "pairs": lambda secret: [("acme", secret)],
    "a line end": lambda secret: {"acme": secret + "\n"},
    "NUL": lambda secret: {"acme": ["x", f"{secret}\0"]},
    "half a hash": lambda secret: {"acme": f"scrypt:{secret}"},
    "a hash of nothing": lambda secret: {"acme": f"pbkdf2:{secret}$x${'0' * 64}"},
    "an empty one beside it": lambda secret: {"acme": [secret, ""]},
    "two names": lambda secret: {"acme": Account("other", Plain(secret))},
    "addresses": lambda secret: {"acme": Account("acme", Plain(secret), ["192.0.2.256"])},
    "address as a string": lambda secret: {"acme": Account("acme", Plain(secret), "192.0.2.7")},  # type: ignore[arg-type]
    "a dialect": lambda secret: {"acme": Account("acme", Plain(secret), dialect={"prefix": secret})},  # type: ignore[arg-type]
    "the same network": lambda secret: {"192.0.2.7": Plain(secret), "192.0.2.7/32": Plain(secret)},
    "no name": lambda secret: {"ac\nme": Plain(secret)},
    "a string": lambda secret: f"acme={secret}",
    "a string of two": lambda secret: f"acme:{secret},other:x",
}


@pytest.mark.parametrize("settings", MALFORMED)
@pytest.mark.parametrize(("secret", "octets"), OCTETS)
def test_settings_that_cannot_work_are_refused_without_the_secret(secret: str, octets: bytes, settings: str) -> None:
    for make in (
        lambda: MM7Endpoint(accept, accounts=MALFORMED[settings](secret)),
        lambda: MM7Endpoint(MALFORMED[settings](secret), accounts={}),  # in the wrong place
    ):
        with pytest.raises((TypeError, ValueError)) as refusal:
            make()
        error: BaseException | None = refusal.value
        rendered = [repr(error), str(error), repr(vars(error)), "".join(traceback.format_exception(refusal.value))]
        while error is not None:
            rendered += [repr(error.args)]
            error = error.__cause__ or error.__context__
        assert not [text for text in rendered if shows(text, octets)]


# -- any secret


@settings(deadline=None, max_examples=100)
@given(
    secret=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\n"), max_size=12),
    way=st.sampled_from([*IN_URI, *IN_BASIC]),
    fail=st.sampled_from(sorted(FAILS)),
    who=st.sampled_from(["resolver", "handler"]),
)
def test_whatever_the_secret_it_does_not_come_out(
    ask: Any, mm7: Any, secret: str, way: str, fail: str, who: str
) -> None:
    secret = f"Zq{secret}9z"  # so that it is in nothing else
    octets = secret.encode()
    seen: list[str] = []

    def handler(request: MM7Request) -> None:
        seen.extend(text for _, text in reachable(request, "request", set()))
        careless(FAILS[fail])(request, secret)

    accounts: Any = failing(FAILS[fail]) if who == "resolver" else {"acme": Plain(secret)}
    with Watch() as watch:
        environ = mm7.request(environ={**shown(way, octets), "wsgi.errors": watch.errors})
        assert watch.answered(ask(MM7Endpoint(handler, accounts=accounts), environ, validate=False)).code == 3000
    assert watch.hits(octets) == set()
    assert not [text for text in seen if shows(text, octets)]


# -- a real server

APPLICATION = """
import logging
from mm7_wsgi import Account, MM7Endpoint

logging.basicConfig(level=logging.DEBUG, format="%(levelname)s:%(name)s:%(message)s")

def resolve(credentials):
    if credentials.name == "broken":
        raise LookupError(f"{credentials.secret} {credentials.environ}")
    return Account("acme") if credentials.name == "acme" else None

def handler(request):
    if request.transaction_id != "fine":
        raise ValueError(f"{request.transaction_id} {request.environ} {SECRET}")

application = MM7Endpoint(handler, accounts=resolve)
"""


@pytest.mark.skipif(os.name != "posix", reason="gunicorn needs Unix")
def test_under_gunicorn_its_access_log_alone_has_the_secret(mm7: Any, tmp_path: Path) -> None:
    pytest.importorskip("gunicorn")
    secret = SECRETS["quotes"] + "\u20ac"
    octets = secret.encode()
    (tmp_path / "served.py").write_text(f"SECRET = {secret!a}\n{APPLICATION}", encoding="utf-8")
    log, access = tmp_path / "log", tmp_path / "access"
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--chdir", str(tmp_path)]
    command += ["--worker-tmp-dir", str(tmp_path), "--access-logfile", str(access), "served:application"]
    places = [str(Path(mm7_wsgi.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places)), "PYTHONDONTWRITEBYTECODE": "1"}
    with listener, log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )

    def send(path: str, transaction: str, *headers: str) -> bytes:
        body = mm7.soap(transaction=transaction)
        head = [f"POST {path} HTTP/1.1", "Host: gw.example", "Connection: close", "Content-Type: text/xml"]
        head += [f"Content-Length: {len(body)}", *headers]
        with socket.create_connection(("127.0.0.1", port), 30) as client:
            client.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)
            return b"".join(iter(lambda: client.recv(65536), b""))

    answers = []
    try:
        for name in ("acme", "broken", "nobody"):
            pair = f"{name}={escaped(octets)}"
            basic = "Authorization: Basic " + base64.b64encode(name.encode() + b":" + octets).decode()
            for transaction in ("fine", "not fine&#10;ERROR:mm7_wsgi:forged"):
                answers.append(send(f"/mm7/{pair}", transaction))
                answers.append(send("/mm7", transaction, basic, f"X-Original-URI: /mm7/{pair}"))
                answers.append(send(f"/mm7/{pair}?x={escaped(octets)}", transaction, basic))
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    written = log.read_text("utf-8")
    assert [answer.split(b" ", 2)[1] for answer in answers] == [b"200"] * 3 + [b"500"] * 9 + [b"401"] * 6
    assert written.count("ERROR:mm7_wsgi:the handler failed") == 3
    assert written.count("ERROR:mm7_wsgi:the endpoint failed") == 6
    assert written.count("\n  ERROR:mm7_wsgi:forged") == 3
    assert "\nERROR:mm7_wsgi:forged" not in written
    assert not shows(written, octets)
    assert not [answer for answer in answers if shows(answer.decode(), octets)]
    # As SECURITY.md says of the URI; and so the search can find.
    assert shows(access.read_text("utf-8"), octets)
