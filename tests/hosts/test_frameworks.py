"""The table of cases by frameworks: MM7 in each of them, in every case, under wsgiref.validate; see docs/hosts.md."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import runpy
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from mm7_wsgi import AddressNotFound, MM7Request

HERE = Path(__file__).parent
BUILT = runpy.run_path(str(HERE / "frameworks.py"))
CASES = runpy.run_path(str(HERE / "cases.py"))["TO_FRAMEWORKS"]
ACCOUNTS = {"acme": "s3cret", "slash": "pass/word", "percent": "pass%2Fword", "ac/me": "s3cret"}
BASIC = {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"acme:s3cret").decode()}
CONTENT = bytes(range(256)) * 40
LIMIT = 16 * 1024 * 1024
TIMEOUT = 30
#: The ways, and what each needs besides the package.
FRAMEWORKS = {
    "function-wrap": None,
    "dispatcher": None,
    "flask-extension": "flask",
    "flask-wrap": "flask",
    "flask-view": "flask",
    "pyramid-include": "pyramid",
    "pyramid-wrap": "pyramid",
    "paste-filter": "paste",
    "django-wrap": "django",
    "falcon-wrap": "falcon",
    "falcon-sink": "falcon",
    "bottle-wrap": "bottle",
    "bottle-mount": "bottle",
}


class Recorder:
    """A handler that keeps what it got: transactions and digests."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._barrier = threading.Barrier(2, timeout=TIMEOUT)

    def __call__(self, request: MM7Request) -> None:
        (part,) = request.leaves()
        self.calls.append((request.transaction_id, hashlib.sha256(part.data).hexdigest()))
        if request.transaction_id == "refused":
            raise AddressNotFound(details="nobody")
        if request.transaction_id.startswith("pair-"):
            self._barrier.wait()


class Case:
    """One framework in one case."""

    def __init__(self, host: str, call: Any, make_environ: Any, mm7: Any) -> None:
        self._host = host
        self._call = call
        self._make_environ = make_environ
        self._mm7 = mm7
        self.handler = Recorder()
        self.content = CONTENT
        self.app = self.built()

    def built(self, *, allow_chunked: bool = False) -> Any:
        build = BUILT[self._host.replace("-", "_")]
        return build(self.handler, accounts=ACCOUNTS, allow_chunked=allow_chunked)

    def environ(self, target: str, body: bytes | None = None, **more: Any) -> dict[str, Any]:
        """As gunicorn makes it, of a message."""
        content_type, made = self.message()
        environ: dict[str, Any] = self._make_environ(
            made if body is None else body,
            CONTENT_TYPE=content_type,
            PATH_INFO=unquote(target, "latin-1"),
            RAW_URI=target,
            HTTP_HOST="mms.example",
            **more,
        )
        return environ

    def message(self, transaction: str = "outer") -> tuple[str, bytes]:
        part = self._mm7.part(self.content, "Content-Type: application/octet-stream")
        content_type, body = self._mm7.package(self._mm7.soap(transaction=transaction), part)
        return content_type, body

    def ask(self, target: str = "/mm7/acme=s3cret", body: bytes | None = None, **more: Any) -> str:
        return self.outcome(self.environ(target, body, **more))

    def outcome(self, environ: dict[str, Any], *, validate: bool = True) -> str:
        """In one word, as test_servers.py has them."""
        answer = self._call(self.app, environ, validate=validate)
        if answer["Content-Type"] != 'text/xml; charset="utf-8"':
            return "host" if environ["PATH_INFO"] == "/hello" or answer.status == 404 else f"the host's {answer.status}"
        if answer.status == 200:
            assert answer.code == 1000
            return "accepted"
        return str(answer.code) if answer.status == 500 else str(answer.status)


class Broken(io.BytesIO):
    """The input of a client that goes away."""

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if not found:
            raise ConnectionResetError
        return found

    def readline(self, size: int | None = -1) -> bytes:
        raise AssertionError("only read() is told how much it may take")


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("host", FRAMEWORKS)
def test_a_cell_is_what_it_was(
    call: Any, make_environ: Any, mm7: Any, require: Any, table: Any, host: str, case: str
) -> None:
    """Whatever it is: only what was answered 1000 got to the handler, and as it was sent."""
    need = FRAMEWORKS[host]
    if need:
        require(need)
    tried = Case(host, call, make_environ, mm7)
    found = SENT[case](tried)
    if found in ("accepted", "2003"):
        transaction = "refused" if found == "2003" else "outer"
        assert tried.handler.calls == [(transaction, hashlib.sha256(tried.content).hexdigest())]
    elif case != "pair":
        assert tried.handler.calls == []
    table.check(host, case, found)


#: Those that take in the whole answer before they pass it on.
BUFFERING = ("falcon-sink",)


@pytest.mark.parametrize("host", FRAMEWORKS)
def test_the_body_is_dropped_after_an_early_answer_to_a_known_account_only(
    call: Any, make_environ: Any, mm7: Any, require: Any, host: str
) -> None:
    need = FRAMEWORKS[host]
    if need:
        require(need)
    tried = Case(host, call, make_environ, mm7)

    def send(target: str) -> tuple[int, int, list[bytes], int]:
        """The status, what was read before the answer, the answer, and what was read in all."""
        started: list[str] = []
        source = io.BytesIO(bytes(LIMIT + 1))
        environ = tried.environ(target, b"", **{"wsgi.input": source, "CONTENT_LENGTH": str(LIMIT + 1)})
        iterable = tried.app(environ, lambda status, headers, exc_info=None: started.append(status))
        try:
            pieces = iter(iterable)
            first = next(pieces)
            before = source.tell()
            return int(started[0][:3]), before, [first, *pieces], source.tell()
        finally:
            if hasattr(iterable, "close"):
                iterable.close()

    status, before, octets, read = send("/mm7/acme=s3cret")
    assert (status, read) == (413, LIMIT + 1)
    assert before == (read if host in BUFFERING else 0)
    assert octets[0].endswith(b"</env:Envelope>")
    assert b"".join(octets) == octets[0]

    status, _, _, read = send("/mm7/acme=wrong")
    assert (status, read) == (401, 0)


def test_every_case_is_sent() -> None:
    assert set(CASES) == set(SENT)


# -- the cases


def refused(case: Case) -> str:
    _, body = case.message("refused")
    return case.ask(body=body)


def foreign(case: Case) -> str:
    answer = case._call(case.app, case.environ("/hello", b"hello"))
    assert (answer.status, answer.body) == (200, b"5")
    return "host"


def truncated(case: Case) -> str:
    _, body = case.message()
    return case.ask(body=body[: -len(CONTENT) // 2], CONTENT_LENGTH=str(len(body)))


def gone(case: Case) -> str:
    _, body = case.message()
    environ = case.environ("/mm7/acme=s3cret")
    return case.outcome(environ | {"wsgi.input": Broken(body[: -len(CONTENT) // 2])})


def length(case: Case, *, written: str) -> str:
    return case.outcome(case.environ("/mm7/acme=s3cret", CONTENT_LENGTH=written), validate=False)


def in_chunks(case: Case, **more: Any) -> str:
    environ = case.environ("/mm7/acme=s3cret", HTTP_TRANSFER_ENCODING="chunked", **more)
    return case.outcome(environ | {"wsgi.input_terminated": True})


def chunked_allowed(case: Case) -> str:
    case.app = case.built(allow_chunked=True)
    return in_chunks(case, CONTENT_LENGTH=None)


def big(case: Case) -> str:
    case.content = os.urandom(1024 * 1024) * 12
    return case.ask()


def pair(case: Case) -> str:
    """Each waits for the other, and is answered as itself."""
    environs = [case.environ("/mm7/acme=s3cret", case.message(name)[1]) for name in ("pair-one", "pair-other")]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda environ: case._call(case.app, environ), environs))
    assert [(answer.code, answer.transaction[1]) for answer in answers] == [(1000, "pair-one"), (1000, "pair-other")]
    assert sorted(name for name, _ in case.handler.calls) == ["pair-one", "pair-other"]
    return "both at once"


def message_to(target: str, **more: Any) -> Callable[[Case], str]:
    return lambda case: case.ask(target, **more)


SENT: dict[str, Callable[[Case], str]] = {
    "uri": message_to("/mm7/acme=s3cret"),
    "basic": message_to("/mm7", **BASIC),
    "refused": refused,
    "password": message_to("/mm7/acme=wrong"),
    "get": message_to("/mm7", REQUEST_METHOD="GET"),
    "foreign": foreign,
    "mm7x": message_to("/mm7x/acme=s3cret"),
    "other": message_to("/mm7/other", **BASIC),
    "slash": message_to("/mm7/", **BASIC),
    "double-slash": message_to("//mm7/acme=s3cret"),
    "escaped": message_to("/mm7/slash=pass%2Fword"),
    "escaped-twice": message_to("/mm7/percent=pass%252Fword"),
    "escaped-account": message_to("/mm7/ac%2Fme=s3cret"),
    "truncated": truncated,
    "gone": gone,
    "negative": partial(length, written="-5"),
    "list": partial(length, written="5, 6"),
    "both": in_chunks,
    "chunked": partial(in_chunks, CONTENT_LENGTH=None),
    "chunked-allowed": chunked_allowed,
    "big": big,
    "too-big": message_to("/mm7/acme=s3cret", CONTENT_LENGTH=str(LIMIT + 1)),
    "pair": pair,
}
