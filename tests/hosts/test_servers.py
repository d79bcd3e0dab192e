"""The table of cases by servers: each server for itself, over real sockets, in every case; see docs/hosts.md."""

from __future__ import annotations

import base64
import json
import os
import runpy
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LIVE = runpy.run_path(str(HERE.parent / "live.py"))
WIRE = runpy.run_path(str(HERE.parent / "hostile" / "wire.py"))
CASES = runpy.run_path(str(HERE / "cases.py"))["TO_SERVERS"]
post, chunked, message, digest = (WIRE[name] for name in ("post", "chunked", "message", "digest"))
until = LIVE["until"]

MEGABYTE = 1024 * 1024
#: Octets of body that are allowed.
LIMIT = 16 * MEGABYTE
#: Seconds after which a server that has done nothing is taken to wait for more; see ``patience``.
PATIENCE = 1.0
#: How many requests each server can work on at once, those that serve one at a time left aside.
THREADS = 4
CLOSE = "Connection: close"
CHUNKED = "/chunked/acme=s3cret"
TE = "Transfer-Encoding: chunked"
CONTENT = bytes(range(256)) * 40
BASIC = "Authorization: Basic " + base64.b64encode(b"acme:s3cret").decode()

Start = Callable[[Callable[[str], str], Path], AbstractContextManager[Any]]


def gunicorn(*options: str) -> Start:
    def start(require: Callable[[str], str], folder: Path) -> AbstractContextManager[Any]:
        require("gunicorn")
        started: AbstractContextManager[Any] = LIVE["gunicorn"](folder, "served:application", *options)
        return started

    return start


def gevent(require: Callable[[str], str], folder: Path) -> AbstractContextManager[Any]:
    require("gevent")
    return gunicorn("--worker-class", "gevent")(require, folder)


def plain(name: str, *needs: str, application: str = "served:application") -> Start:
    def start(require: Callable[[str], str], folder: Path) -> AbstractContextManager[Any]:
        for need in needs:
            require(need)
        started: AbstractContextManager[Any] = LIVE[name](folder, application)
        return started

    return start


def uwsgi(require: Callable[[str], str], folder: Path) -> AbstractContextManager[Any]:
    started: AbstractContextManager[Any] = LIVE["uwsgi"](require("uwsgi"), folder, "served:application")
    return started


class BehindNginx(LIVE["Server"]):  # type: ignore[misc]
    """gunicorn, to whom nginx passes on what is sent. What is logged is what nginx logs of the requests."""

    @property
    def log(self) -> str:
        return (self.folder / "nginx" / "access").read_text()


@contextmanager
def nginx(require: Callable[[str], str], folder: Path) -> Iterator[Any]:
    """With docs/nginx.conf, as the tests of the proxy have it."""
    site = runpy.run_path(str(HERE.parent / "hostile" / "test_proxy.py"))["site"]
    program = require("nginx")
    require("gunicorn")
    inside = folder / "nginx"
    inside.mkdir()
    with (
        LIVE["gunicorn"](folder, "served:behind_proxy", "--worker-class", "sync") as gunicorn,
        LIVE["nginx"](program, inside, site(inside, gunicorn.port)) as front,
    ):
        yield BehindNginx(folder, front.port, front.process)


SERVERS: dict[str, Start] = {
    "gunicorn-sync": gunicorn("--worker-class", "sync"),
    "gunicorn-gthread": gunicorn("--worker-class", "gthread", "--threads", str(THREADS)),
    "gunicorn-gevent": gevent,
    "nginx-gunicorn-sync": nginx,
    "waitress": plain("waitress", "waitress"),
    "uwsgi": uwsgi,
    "cheroot": plain("cheroot", "cheroot"),
    "granian": plain("granian", "granian"),
    "uvicorn-a2wsgi": plain("uvicorn", "uvicorn", "a2wsgi", application="served_asgi:application"),
    "werkzeug": plain("werkzeug"),
    "wsgiref": plain("wsgiref"),
}


@pytest.fixture(scope="module")
def server(host: str, require: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp(host)
    for name in ("served.py", "served_asgi.py"):
        shutil.copy(HERE / name, folder)
    with SERVERS[host](require, folder) as running:
        yield running
        # What it says when it is stopped is its own affair.
        assert "Traceback" not in (folder / "log").read_text(errors="replace")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("host", SERVERS, scope="module")
def test_a_cell_is_what_it_was(server: Any, table: Any, host: str, case: str) -> None:
    """Whatever it is: only what was answered 1000 got to the handler, as it was sent, and the next one is served."""
    server.forget()
    server.known = lambda case: table.known(host, case)
    found = SENT[case](server)
    contents = [(call["transaction"], call["digest"]) for call in server.calls]
    if found in ("accepted", "2003"):
        assert contents == [(transaction_of(found), digest(SIZES.get(case, CONTENT)))]
    elif case not in ("pair", "stalled", "log"):
        assert contents == []
    assert ask(server, post("after", CONTENT, CLOSE)) == "accepted"
    table.check(host, case, found)


def transaction_of(found: str) -> str:
    return "refused-1" if found == "2003" else "outer"


# -- what comes back


def ask(server: Any, octets: bytes, *, end: bool = False) -> str:
    """What became of a request. With ``end`` no more is sent, which some take for the end of all."""
    with server.connect() as client:
        client.send(octets)
        if end:
            client.end()
        return received(client)


def patience(server: Any, case: str, *without: str) -> float:
    """Seconds to wait for what a server may do, or not.

    As long as it takes, where the table says that it does it: the machine may be busy. Some time, where the table says
    that the case ends ``without`` it, or does not know.
    """
    return PATIENCE if server.known(case) in (None, *without) else LIVE["TIMEOUT"] / 2


def received(client: Any) -> str:
    try:
        return outcome(client.answer())
    except ConnectionError:
        return "no answer"


def outcome(answer: Any) -> str:
    """In one word: ours by its code or HTTP status, that of the application, or the server's own."""
    if answer is None:
        return "no answer"
    kind = answer["Content-Type"]
    if kind == "application/json":
        return "host"
    if kind != 'text/xml; charset="utf-8"':
        return f"the server's {answer.status}"
    if answer.status == 200:
        assert answer.code == 1000
        return "accepted"
    return str(answer.code) if answer.status == 500 else str(answer.status)


# -- the cases

SENT: dict[str, Callable[[Any], str]] = {}
BIG = os.urandom(MEGABYTE) * 12
#: What the message holds, where it is not ``CONTENT``.
SIZES = {"big": BIG, "too-short": CONTENT[: len("\r\n--outer--\r\n") - len(CONTENT) // 2]}


def case(sent: Callable[[Any], str]) -> Callable[[Any], str]:
    SENT[sent.__name__.strip("_").replace("_", "-")] = sent
    return sent


def message_to(path: str, *more: str) -> Callable[[Any], str]:
    return lambda server: ask(server, post("outer", CONTENT, CLOSE, *more, path=path))


SENT["uri"] = message_to("/mm7/acme=s3cret")
SENT["basic"] = message_to("/mm7", BASIC)
SENT["password"] = message_to("/mm7/acme=wrong")
SENT["mm7x"] = message_to("/mm7x/acme=s3cret")
SENT["other"] = message_to("/mm7/other", BASIC)
SENT["slash"] = message_to("/mm7/", BASIC)
SENT["double-slash"] = message_to("//mm7/acme=s3cret")
SENT["escaped"] = message_to("/mm7/slash=pass%2Fword")
SENT["escaped-twice"] = message_to("/mm7/percent=pass%252Fword")
SENT["escaped-account"] = message_to("/mm7/ac%2Fme=s3cret")
SENT["absolute"] = message_to("http://mms.example/mm7/acme=s3cret")
SENT["dots"] = message_to("/x/../mm7/acme=s3cret")


@case
def refused(server: Any) -> str:
    return ask(server, post("refused-1", CONTENT, CLOSE))


@case
def get(server: Any) -> str:
    return ask(server, b"GET /mm7 HTTP/1.1\r\nHost: mms.example\r\nConnection: close\r\n\r\n")


@case
def foreign(server: Any) -> str:
    with server.connect() as client:
        client.send(post("outer", CONTENT, CLOSE, path="/hello"))
        answer = client.answer()
    got = json.loads(answer.body)
    assert (got["path"], got["octets"]) == ("/hello", len(message("outer", CONTENT)[1]))
    return outcome(answer)


@case
def truncated(server: Any) -> str:
    return ask(server, half(post("outer", CONTENT, CLOSE)), end=True)


def half(request: bytes) -> bytes:
    """With the whole envelope, and half of the picture."""
    return request[: -len(CONTENT) // 2]


@case
def gone(server: Any) -> str:
    """What would be answered cannot be seen here, but in the log."""
    called, answered = server.folder / "called", server.folder / "answered"
    called.unlink()
    before = len(answered.read_text())
    with server.connect() as client:
        client.send(half(post("outer", CONTENT, CLOSE)))
        is_called = soon(called.exists, patience(server, "gone", "not called"))
        client.reset()
    if not is_called:
        return "not called"
    until(lambda: len(answered.read_text()) > before)
    assert "4004 in HTTP 400" in answered.read_text()[before:]
    return "400"


def soon(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it happens within that time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@case
def negative(server: Any) -> str:
    return ask(server, post("outer", CONTENT, CLOSE, lengths=("Content-Length: -5",)))


@case
def _list(server: Any) -> str:
    return ask(server, post("outer", CONTENT, CLOSE, lengths=("Content-Length: 5, 6",)))


@case
def two_lengths(server: Any) -> str:
    return ask(server, post("outer", CONTENT, CLOSE, lengths=("Content-Length: {n}", "Content-Length: 5")))


@case
def too_short(server: Any) -> str:
    size = len(half(message("outer", CONTENT)[1]))
    return ask(server, post("outer", CONTENT, CLOSE, lengths=(f"Content-Length: {size}",)))


@case
def both(server: Any) -> str:
    _, body = message("outer", CONTENT)
    return ask(server, post("outer", CONTENT, CLOSE, lengths=("Content-Length: {n}", TE), body=chunked(body)))


def in_chunks(path: str) -> bytes:
    _, body = message("outer", CONTENT)
    request: bytes = post("outer", CONTENT, CLOSE, path=path, lengths=(TE,), body=chunked(body[:100], body[100:]))
    return request


@case
def _chunked(server: Any) -> str:
    return ask(server, in_chunks("/mm7/acme=s3cret"))


@case
def chunked_allowed(server: Any) -> str:
    return ask(server, in_chunks(CHUNKED))


@case
def chunked_cut(server: Any) -> str:
    """Both within a chunk and between two."""
    _, body = message("outer", CONTENT)
    cut = half(body)
    between = post("outer", CONTENT, CLOSE, path=CHUNKED, lengths=(TE,), body=b"%x\r\n%s\r\n" % (len(cut), cut))
    within = half(in_chunks(CHUNKED))
    with server.connect() as one, server.connect() as other:
        one.send(between)
        other.send(within)
        for client in (one, other):  # who refuses it unread may do so before it ends
            if not client.is_answered(patience(server, "chunked-cut", "400", "no answer") / 4):
                client.end()
        found = {received(one), received(other)}
    assert len(found) == 1
    return found.pop()


@case
def big(server: Any) -> str:
    return ask(server, post("outer", BIG, CLOSE))


@case
def too_big(server: Any) -> str:
    head = post("outer", b"", CLOSE, lengths=(f"Content-Length: {LIMIT + 1}",), body=b"")
    with server.connect() as client:
        client.send(head)
        if client.is_answered(patience(server, "too-big", "413")):
            return outcome(client.answer()) + " at once"
        with suppress(ConnectionError):
            client.send(bytes(LIMIT + 1))
        return outcome(client.answer())


@case
def pair(server: Any) -> str:
    """Each is answered as itself, whether they were worked on at the same time or not.

    The second comes when the callback of the first is called. granian counts a thread as idle that is just taking a
    request, and starts none for one that comes at that moment.
    """
    contents = {"pair-one": CONTENT + b"1", "pair-other": CONTENT + b"2"}
    (server.folder / "patience").write_text(str(patience(server, "pair", "one by one")))
    for name in contents:
        (server.folder / f"met-{name}").unlink(missing_ok=True)
    answers = {}
    with server.connect() as one, server.connect() as other:
        one.send(post("pair-one", contents["pair-one"], CLOSE))
        until(lambda: server.calls)
        other.send(post("pair-other", contents["pair-other"], CLOSE))
        for name, client in (("pair-one", one), ("pair-other", other)):
            answers[name] = client.answer()
            client.close()  # some wait for that before they serve the next one
    calls = {call["transaction"]: call for call in server.calls}
    assert len(server.calls) == len(calls) == 2
    for name, content in contents.items():
        assert (answers[name].code, answers[name].transaction[1]) == (1000, name)
        assert calls[name]["digest"] == digest(content)
        assert calls[name]["message_id"] == answers[name].message_id
    return "both at once" if all((server.folder / f"met-{name}").exists() for name in contents) else "one by one"


@case
def stalled(server: Any) -> str:
    requests = [post(f"slow-{number}", CONTENT, CLOSE) for number in range(THREADS)]
    # Who works on several at once takes all of them, and is waited for.
    seconds = patience(server, "pair", "one by one") / 2
    clients = [server.connect() for _ in requests]
    with server.connect() as other:
        try:
            for client, request in zip(clients, requests, strict=True):
                client.send(request[:-50])
                soon(client.is_taken, seconds)  # the next one comes later than this one
            other.send(post("outer", CONTENT, CLOSE))
            is_served = other.is_answered(patience(server, "stalled", "the fifth waits"))
            found = "the fifth is served" if is_served else "the fifth waits"
            for client, request in zip(clients, requests, strict=True):
                client.send(request[-50:])
                assert outcome(client.answer()) == "accepted"
                client.close()  # some wait for that before they serve the next one
            assert outcome(other.answer()) == "accepted"
        finally:
            for client in clients:
                client.close()
    names = [call["transaction"] for call in server.calls]
    assert sorted(names) == ["outer", *[f"slow-{number}" for number in range(THREADS)]]
    return found


@case
def underscore(server: Any) -> str:
    """It is never an address that anybody is known by; but the application may see it."""
    claim = "X_Forwarded_For: 192.0.2.7"
    assert ask(server, post("outer", CONTENT, CLOSE, claim, path="/mm7")) == "401"
    with server.connect() as client:
        client.send(post("outer", CONTENT, CLOSE, claim, path="/hello"))
        got = json.loads(client.answer().body)
    return "401; passed on" if got["forwarded"] == "192.0.2.7" else "401"


@case
def log(server: Any) -> str:
    before = len(server.log)
    assert ask(server, post("outer", CONTENT, CLOSE, "User-Agent: the-one")) == "accepted"
    assert ask(server, post("outer", CONTENT, CLOSE)) == "accepted"  # by now most have the line of the first
    return "yes" if soon(lambda: "s3cret" in server.log[before:], patience(server, "log", "no") / 4) else "no"


def test_every_case_is_sent() -> None:
    assert list(CASES) == [name for name in CASES if name in SENT]
    assert set(CASES) == set(SENT)
