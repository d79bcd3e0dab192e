"""What is MM7's, and what reaches the wrapped application as it came."""

from __future__ import annotations

import copy
from typing import Any
from wsgiref.validate import validator

import pytest

from mm7_wsgi import Limits, MM7Middleware, MM7Request

ACCOUNTS = {"acme": "s3cret"}


class Spy:
    """Hands each request on, and keeps what it was called with."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.environs: list[dict[str, Any]] = []
        self.copies: list[dict[str, Any]] = []
        self.returned: list[Any] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.environs.append(environ)
        self.copies.append({key: value for key, value in environ.items() if key != "wsgi.input"})
        self.returned.append(self.app(environ, start_response))
        return self.returned[-1]


class Pages:
    """The body of the wrapped application's answer, which has to be closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Any:
        yield b"the old "
        yield b"application"

    def close(self) -> None:
        self.closed += 1


def legacy(environ: dict[str, Any], start_response: Any) -> Pages:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Pages()


class Mounted:
    """A middleware between two validators, below ``script_name``; what passed on both of its sides is kept."""

    def __init__(self, script_name: str, **settings: Any) -> None:
        self.script_name = script_name
        self.requests: list[MM7Request] = []
        self.inside = Spy(validator(legacy))
        middleware = MM7Middleware(self.inside, self.requests.append, **{"accounts": ACCOUNTS, **settings})
        self.app = Spy(middleware)


@pytest.fixture(params=["", "/app", "/mm7", "/mm7/acme=s3cret"])
def mounted_at(request: pytest.FixtureRequest) -> Mounted:
    """A middleware that is mounted at different places; some of them look like its own path."""
    return Mounted(request.param)


OWNED = ["/mm7", "/mm7/", "/mm7/acme=s3cret", "/mm7/acme=s3cret/with/slashes", "/mm7/=", "/mm7/acme="]
FOREIGN = [
    "",
    "/",
    "/mm7x",
    "/mm7/other",
    "/mm7/a/b=c",
    "/mm7//a=b",
    "/mm7//",
    "/MM7",
    "//mm7",
    "//mm7/acme=s3cret",
    "/x/mm7",
    "/mm7=acme",
    "/mm",
    "/mm7;a=b",
    "/mm7\xa0/a=b",
]


@pytest.mark.parametrize("path", FOREIGN)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_foreign_request_reaches_the_application_as_it_came(
    call: Any, mm7: Any, streams: Any, mounted_at: Mounted, path: str, method: str
) -> None:
    environ = mm7.request(
        environ={
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": mounted_at.script_name,
            "PATH_INFO": path,
            "RAW_URI": "/anything/acme=s3cret",
            "HTTP_AUTHORIZATION": "Basic YWNtZTpzM2NyZXQ=",
            "wsgi.input": streams.UntouchableInput(),
        }
    )
    answer = call(mounted_at.app, environ)
    assert (answer.status, answer.headers, answer.body) == (
        200,
        [("Content-Type", "text/plain")],
        b"the old application",
    )
    (outside,), (inside,) = mounted_at.app.copies, mounted_at.inside.copies
    assert inside == outside
    assert mounted_at.requests == []


def test_the_application_gets_the_very_environ_and_stream_of_the_server(mm7: Any, streams: Any) -> None:
    mounted = Mounted("")
    mounted.inside.app = legacy
    stream = streams.UntouchableInput()
    environ = mm7.request(environ={"PATH_INFO": "/mm7x", "wsgi.input": stream, "host.own": {"a": [1]}})
    before = copy.deepcopy({key: value for key, value in environ.items() if not key.startswith("wsgi.")})
    list(mounted.app(environ, lambda status, headers: None))
    (inside,) = mounted.inside.environs
    assert inside is environ
    assert inside["wsgi.input"] is stream
    assert {key: value for key, value in inside.items() if not key.startswith("wsgi.")} == before
    assert stream.reads == []


def test_a_request_in_absolute_form_is_foreign(call: Any, mm7: Any, streams: Any) -> None:
    # uWSGI and wsgiref put all of it into PATH_INFO.
    mounted = Mounted("")
    mounted.inside.app = legacy
    environ = mm7.request(
        environ={"PATH_INFO": "http://mms.example/mm7/acme=s3cret", "wsgi.input": streams.UntouchableInput()}
    )
    assert call(mounted.app, environ, validate=False).body == b"the old application"


def test_an_environ_without_path_info_is_foreign(call: Any, mm7: Any) -> None:
    # PEP 3333 lets a server leave it out where it is empty; the validator of Python stumbles over that.
    mounted = Mounted("/mm7")
    mounted.inside.app = legacy
    environ = mm7.request(environ={"SCRIPT_NAME": "/mm7"})
    del environ["PATH_INFO"]
    assert call(mounted.app, environ, validate=False).body == b"the old application"


def test_what_the_application_returns_is_passed_through_and_closed_once(mm7: Any) -> None:
    pages = Pages()

    def application(environ: dict[str, Any], start_response: Any) -> Pages:
        start_response("204 No Content", [])
        return pages

    started: list[Any] = []
    middleware = MM7Middleware(application, lambda request: None, accounts=ACCOUNTS)
    returned = middleware(mm7.request(environ={"PATH_INFO": "/x"}), lambda *words: started.append(words))
    assert returned is pages
    assert started == [("204 No Content", [])]
    assert pages.closed == 0
    returned.close()
    assert pages.closed == 1


def test_what_the_application_raises_is_its_own(call: Any, mm7: Any) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        raise LookupError("the host's")

    middleware = MM7Middleware(application, lambda request: None, accounts=ACCOUNTS)
    with pytest.raises(LookupError, match="the host's"):
        call(middleware, mm7.request(environ={"PATH_INFO": "/x"}))


@pytest.mark.parametrize("path", OWNED)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_what_is_owned_never_reaches_the_application(
    ask: Any, mm7: Any, mounted_at: Mounted, path: str, method: str
) -> None:
    environ = mm7.request(environ={"REQUEST_METHOD": method, "SCRIPT_NAME": mounted_at.script_name, "PATH_INFO": path})
    is_known = path == "/mm7/acme=s3cret"
    answer = ask(mounted_at.app, environ)
    assert answer.status == (405 if method == "GET" else 200 if is_known else 401)
    assert mounted_at.inside.environs == []
    assert len(mounted_at.requests) == (method == "POST" and is_known)


def test_the_credentials_stand_behind_the_path_wherever_it_is_mounted(ask: Any, mm7: Any, mounted_at: Mounted) -> None:
    base = mounted_at.script_name
    environ = mm7.request(
        environ={"SCRIPT_NAME": base, "PATH_INFO": "/mm7/acme=s3cret", "RAW_URI": f"{base}/mm7/acme=s3cre%74"}
    )
    assert ask(mounted_at.app, environ).code == 1000
    (request,) = mounted_at.requests
    assert (request.environ["SCRIPT_NAME"], request.environ["PATH_INFO"]) == (base, "/mm7")
    assert request.environ["RAW_URI"] == f"{base}/mm7"
    if not base.endswith("s3cret"):
        assert "s3cret" not in repr(request.environ)


@pytest.mark.parametrize(
    ("path", "own", "foreign"),
    [
        ("/mms/mm7", "/mms/mm7/acme=s3cret", "/mm7/acme=s3cret"),
        ("/in box", "/in box/acme=s3cret", "/in%20box"),
        ("/m.7", "/m.7/acme=s3cret", "/mm7/acme=s3cret"),
        ("/a=b", "/a=b/acme=s3cret", "/a=b=c"),
        ("/récepteur", "/r\xc3\xa9cepteur/acme=s3cret", "/r\xe9cepteur/acme=s3cret"),  # UTF-8, as PEP 3333 has it
    ],
)
def test_the_path_is_the_hosts_to_choose(ask: Any, call: Any, mm7: Any, path: str, own: str, foreign: str) -> None:
    mounted = Mounted("", path=path)
    assert ask(mounted.app, mm7.request(environ={"PATH_INFO": own})).code == 1000
    assert mounted.requests[0].environ["PATH_INFO"] == own.removesuffix("/acme=s3cret")
    assert call(mounted.app, mm7.request(environ={"PATH_INFO": foreign})).body == b"the old application"
    assert len(mounted.requests) == 1


@pytest.mark.parametrize("path", ["", "/", "mm7", "/mm7/", "mm7/", "//mm7", "/mm7//in", "/mm%37", "/mm7?in", "/mm7#in"])
def test_a_path_that_cannot_be_is_refused_at_once(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        Mounted("", path=path)


def test_every_setting_reaches_the_endpoint(ask: Any, mm7: Any) -> None:
    environ = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert ask(Mounted("", limits=Limits(body=10)).app, mm7.request()).status == 413
    assert ask(Mounted("", strict=True).app, mm7.request(version="1.0")).code == 4002
    assert ask(Mounted("").app, mm7.request(version="1.0")).code == 1000
    assert ask(Mounted("", allow_chunked=True).app, mm7.request(environ=environ)).code == 1000
    assert ask(Mounted("").app, mm7.request(environ=environ)).status == 411


def test_a_handler_that_cannot_be_called_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="handler"):
        MM7Middleware(legacy, "handler", accounts=ACCOUNTS)  # type: ignore[arg-type]


def test_a_middleware_can_wrap_another(ask: Any, call: Any, mm7: Any) -> None:
    first: list[MM7Request] = []
    inner = MM7Middleware(legacy, first.append, accounts={"inner": "s3cret"}, path="/mm7/partners")
    outer = Mounted("")
    outer.inside.app = inner
    assert ask(outer.app, mm7.request(environ={"PATH_INFO": "/mm7/acme=s3cret"})).code == 1000
    assert ask(outer.app, mm7.request(environ={"PATH_INFO": "/mm7/partners/inner=s3cret"})).code == 1000
    assert call(outer.app, mm7.request(environ={"PATH_INFO": "/mm7/other"})).body == b"the old application"
    assert (len(outer.requests), len(first)) == (1, 1)
