"""Pyramid with the endpoint included: real tweens, real transactions, and what can go wrong with them."""

from __future__ import annotations

import logging
import pkgutil
import runpy
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import Account, Dialect, MessageRejected, MM7Request, SubmitRsp
from mm7_wsgi.protocol.messages import Status

pytest.importorskip("pyramid")
transaction: Any = pytest.importorskip("transaction")
from pyramid.config import Configurator  # noqa: E402
from pyramid.exceptions import ConfigurationConflictError, ConfigurationError  # noqa: E402
from pyramid.httpexceptions import HTTPForbidden  # noqa: E402
from pyramid.request import Request  # noqa: E402
from pyramid.response import Response  # noqa: E402
from pyramid.threadlocal import get_current_request  # noqa: E402

ANSWERED = runpy.run_path(str(Path(__file__).parents[1] / "environs.py"))["answered"]
ACCOUNTS = {
    "acme": "s3cret",
    "calm": Account("calm", "s3cret", dialect=Dialect(fault_http_status=200)),
}


class Store:
    """A store in a transaction, as a data manager. It can be told at which step to fail."""

    def __init__(self, failing: str = "", error: type[Exception] = OSError) -> None:
        self.transaction_manager: Any = None
        self.kept: list[str] = []
        self.steps: list[str] = []
        self.notes: list[str] = []
        self.failing = failing
        self.error = error

    def keep(self, manager: Any, what: str) -> None:
        self.notes.append(str(manager.get().description))
        self.waiting = what
        manager.get().join(self)

    def _step(self, name: str, *_: object) -> None:
        self.steps.append(name)
        if name == self.failing:
            raise self.error("s3cret: the disk is full")

    def tpc_begin(self, _: object) -> None:
        self._step("begin")

    def commit(self, _: object) -> None:
        self._step("commit")

    def tpc_vote(self, _: object) -> None:
        self._step("vote")

    def tpc_finish(self, _: object) -> None:
        self._step("finish")
        self.kept.append(self.waiting)

    def tpc_abort(self, _: object) -> None:
        self.steps.append("tpc_abort")

    def abort(self, _: object) -> None:
        self.steps.append("abort")

    def sortKey(self) -> str:
        return "store"


@pytest.fixture
def make_app() -> Callable[..., Any]:
    """An application whose handler is the first argument, with settings and what is to be done to its config."""

    def make_app(
        handler: Any, more: Callable[[Any], object] | None = None, *, tm: bool = True, **settings: object
    ) -> Any:
        named = {name.replace("__", "."): value for name, value in settings.items()}
        config = Configurator(settings={"mm7.accounts": ACCOUNTS, "tm.manager_hook": _explicit, **named})
        config.include("mm7_wsgi.hosts.pyramid")
        if tm:
            config.include("pyramid_tm")
        if handler is not None:
            config.add_mm7_endpoint(handler)
        if more is not None:
            more(config)
        config.add_route("rest", "/*rest")
        config.add_view(lambda request: Response("the host at " + request.path), route_name="rest")
        return config.make_wsgi_app()

    return make_app


def _explicit(request: Any) -> Any:
    import pyramid_tm

    return pyramid_tm.explicit_manager(request)


def page(error: Exception, request: Any) -> Any:
    """The error page of an application."""
    return Response(f"<html>{error}</html>", status=500)


def with_page(config: Any) -> None:
    config.add_exception_view(page, context=Exception)


# -- what a handler finds


def test_the_handler_runs_in_a_view_and_in_the_transaction(ask: Any, mm7: Any, make_app: Any) -> None:
    store = Store()
    seen: list[Any] = []

    def handler(request: MM7Request) -> None:
        host: Any = request.host_request
        seen.extend(
            [
                isinstance(host, Request),
                host is get_current_request(),
                host.matched_route.name,
                host.path,
                host.tm is not None,
            ]
        )
        store.keep(host.tm, request.account.name)
        assert store.kept == []

    assert ask(make_app(handler), mm7.request()).code == 1000
    assert seen == [True, True, "mm7", "/mm7", True]
    assert store.kept == ["acme"]
    assert get_current_request() is None


def test_it_needs_no_transactions(ask: Any, mm7: Any, make_app: Any) -> None:
    outcomes = iter([None, MessageRejected()])
    app = make_app(lambda request: next(outcomes), tm=False)
    assert ask(app, mm7.request()).code == 1000
    assert ask(app, mm7.request()).code == MessageRejected().code


def test_no_permission_and_no_token_is_asked_for(ask: Any, mm7: Any, make_app: Any) -> None:
    class NobodyAllowed:
        def identity(self, request: object) -> None: ...
        def authenticated_userid(self, request: object) -> None: ...
        def permits(self, request: object, context: object, permission: object) -> bool:
            return False

    def more(config: Any) -> None:
        config.set_default_csrf_options(require_csrf=True)
        config.set_security_policy(NobodyAllowed())
        config.set_default_permission("view")

    assert ask(make_app(lambda request: None, more), mm7.request()).code == 1000


def test_pyramid_meets_neither_credentials_nor_body(ask: Any, mm7: Any, make_app: Any) -> None:
    store = Store()
    met: list[Any] = []
    kept = {"theirs": 1}

    def handler(request: MM7Request) -> None:
        host: Any = request.host_request
        store.keep(host.tm, "x")
        met.append({key: value for key, value in host.environ.items() if not key.startswith("wsgi.")})
        met.append((host.url, host.body, dict(host.headers), host.matchdict))

    environ = mm7.request(
        "SubmitReq",
        {
            "webob.adhoc_attrs": kept,
            "RAW_URI": "/mm7/acme=s3cret",
            "HTTP_AUTHORIZATION": "Basic YWNtZTpzM2NyZXQ=",
            "HTTP_X_URI": "s3cret",
        },
    )
    assert ask(make_app(handler), environ).code == 1000
    assert "s3cret" not in repr(met)
    assert "YWNtZTpzM2NyZXQ" not in repr(met)
    assert met[1][1] == b""
    assert kept == met[0]["webob.adhoc_attrs"] == {"theirs": 1}  # of those who use WebOb around us
    assert store.notes == ["/mm7"]


@pytest.mark.parametrize("password", ["s3cr\xc3\xa9t", "s3cr\xe9t", "s3/cr//et", "s3="])
def test_a_password_need_not_be_what_pyramid_calls_a_path(ask: Any, mm7: Any, make_app: Any, password: str) -> None:
    text = password.encode("latin-1")
    try:
        secret = text.decode()
    except UnicodeDecodeError:
        secret = password
    app = make_app(lambda request: None, mm7__accounts={"acme": secret})
    assert ask(app, mm7.request("SubmitReq", {"PATH_INFO": f"/mm7/acme={password}"})).code == 1000
    answer = ask(app, mm7.request("SubmitReq", {"PATH_INFO": f"/mm7/acme={password}\n"}))
    assert (answer.status, answer.code) == (401, 4001)


# -- which paths


@pytest.mark.parametrize("path", ["/mm7x", "//mm7", "/mm7/other", "/MM7", "/mm7/other/acme=s3cret", "/x/mm7"])
def test_all_other_paths_are_the_hosts(call: Any, make_app: Any, make_environ: Any, path: str) -> None:
    app = make_app(lambda request: None)
    environ = make_environ(PATH_INFO=path, REQUEST_METHOD="GET", CONTENT_TYPE="", CONTENT_LENGTH="")
    answer = call(app, environ)
    assert (answer.status, answer.body) == (200, f"the host at {path}".encode())


@pytest.mark.parametrize("path", ["/mm7", "/mm7/", "/mm7/acme=s3cret"])
def test_the_endpoint_answers_what_is_no_post(ask: Any, make_app: Any, make_environ: Any, path: str) -> None:
    app = make_app(lambda request: None, with_page)
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        assert ask(app, make_environ(PATH_INFO=path, REQUEST_METHOD=method)).status == 405


def test_a_route_prefix_is_before_the_path(ask: Any, call: Any, mm7: Any, make_environ: Any) -> None:
    config = Configurator(settings={"mm7.accounts": ACCOUNTS, "mm7.path": "/in/mm7"})
    config.include("mm7_wsgi.hosts.pyramid")
    config.include(lambda config: config.add_mm7_endpoint(lambda request: None), route_prefix="/api/")
    app = config.make_wsgi_app()
    assert ask(app, mm7.request("SubmitReq", {"PATH_INFO": "/api/in/mm7/acme=s3cret"})).code == 1000
    at_root = {"PATH_INFO": "/api/in/mm7/acme=s3cret", "SCRIPT_NAME": "/shop"}
    assert ask(app, mm7.request("SubmitReq", at_root)).code == 1000
    assert call(app, make_environ(PATH_INFO="/in/mm7", REQUEST_METHOD="GET")).status == 404


def test_a_subrequest_that_leaves_the_tweens_out_finds_no_endpoint(call: Any, make_app: Any, make_environ: Any) -> None:
    def more(config: Any) -> None:
        config.add_route("inner", "/inner")
        config.add_view(lambda request: request.invoke_subrequest(Request.blank("/mm7")), route_name="inner")

    app = make_app(lambda request: None, more)
    environ = make_environ(PATH_INFO="/inner", REQUEST_METHOD="GET", CONTENT_TYPE="", CONTENT_LENGTH="")
    assert call(app, environ).status == 404


# -- transactions


def test_a_refusal_aborts_the_transaction(ask: Any, mm7: Any, make_app: Any) -> None:
    code = int(MessageRejected().code)
    for account, status in (("acme", 500), ("calm", 200)):
        for way in ("raised", "returned", "written"):
            store = Store()

            def handler(request: MM7Request, store: Store = store, way: str = way) -> Any:
                store.keep(request.host_request.tm, "x")
                if way == "written":
                    return SubmitRsp(mm7_version="6.8.0", status=Status(status_code=2000), message_id="m")
                if way == "raised":
                    raise MessageRejected
                return MessageRejected()

            answer = ask(make_app(handler), mm7.request("SubmitReq", {"PATH_INFO": f"/mm7/{account}=s3cret"}))
            assert (answer.status, answer.code) == ((200, 2000) if way == "written" else (status, code))
            assert store.kept == []
            assert "commit" not in store.steps


def test_partial_success_is_committed(ask: Any, mm7: Any, make_app: Any) -> None:
    store = Store()

    def handler(request: MM7Request) -> Any:
        store.keep(request.host_request.tm, "x")
        return request.partial()

    assert ask(make_app(handler), mm7.request()).code == 1100
    assert store.kept == ["x"]


def test_what_a_handler_must_not_return_is_not_committed(ask: Any, mm7: Any, make_app: Any) -> None:
    store = Store()

    def handler(request: MM7Request) -> Any:
        store.keep(request.host_request.tm, "x")
        return "junk"

    assert ask(make_app(handler), mm7.request()).code == 3000
    assert store.kept == []


@pytest.mark.parametrize("pages", [False, True])
@pytest.mark.parametrize("step", ["begin", "commit", "vote"])
def test_nothing_is_accepted_that_cannot_be_committed(
    ask: Any, mm7: Any, make_app: Any, caplog: pytest.LogCaptureFixture, step: str, pages: bool
) -> None:
    store = Store(step)
    app = make_app(lambda request: store.keep(request.host_request.tm, "x"), with_page if pages else None)
    with caplog.at_level(logging.INFO, "mm7_wsgi"):
        answer = ask(app, mm7.request())
    assert (answer.status, answer.code, answer.transaction[1]) == (500, 3000, "tid-1")
    assert store.kept == []
    assert "the disk is full" in caplog.text
    assert ": 3000 in HTTP 500" in caplog.text
    assert "s3cret" not in "".join(record.getMessage() for record in caplog.records if record.name == "mm7_wsgi")


@pytest.mark.parametrize("pages", [False, True])
def test_what_the_handler_raises_aborts_and_is_no_page(ask: Any, mm7: Any, make_app: Any, pages: bool) -> None:
    store = Store()

    def handler(request: MM7Request) -> None:
        store.keep(request.host_request.tm, "x")
        raise HTTPForbidden if pages else KeyError("s3cret")

    answer = ask(make_app(handler, with_page if pages else None), mm7.request())
    assert (answer.status, answer.code) == (500, 3000)
    assert store.kept == []


@pytest.mark.parametrize("how", ["doomed", "vetoed"])
def test_what_is_not_committed_for_another_reason_is_not_accepted(
    ask: Any, mm7: Any, make_app: Any, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    store = Store()

    def handler(request: MM7Request) -> None:
        store.keep(request.host_request.tm, "x")
        if how == "doomed":
            request.host_request.tm.doom()

    veto = {"tm__commit_veto": lambda request, response: True} if how == "vetoed" else {}
    assert ask(make_app(handler, **veto), mm7.request()).code == 3000
    assert store.kept == []
    assert "the handler accepted, and its transaction was not committed" in caplog.text


def test_a_transaction_that_has_failed_before_a_refusal_is_no_reason_for_another(
    ask: Any, mm7: Any, make_app: Any
) -> None:
    def handler(request: MM7Request) -> None:
        store = Store("commit")
        store.keep(request.host_request.tm, "x")
        with pytest.raises(TypeError):
            request.host_request.tm.savepoint()  # of which this store knows nothing: the transaction has failed
        raise MessageRejected

    assert ask(make_app(handler), mm7.request()).code == MessageRejected().code


def test_what_answers_in_the_place_of_the_view_is_a_failure(
    ask: Any, mm7: Any, make_app: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: Any = types.ModuleType("closed")
    closed.tween_factory = lambda handler, registry: lambda request: Response("closed", status=503)
    monkeypatch.setitem(sys.modules, "closed", closed)
    called: list[object] = []
    app = make_app(
        called.append,
        lambda config: config.add_tween("closed.tween_factory", under="mm7_wsgi.hosts.pyramid.tween_factory"),
    )
    answer = ask(app, mm7.request())
    assert (answer.status, answer.code, called) == (500, 3000, [])
    assert "503 Service Unavailable was answered in its place" in caplog.text


# -- trying again


def test_a_message_is_tried_again_as_a_whole(ask: Any, mm7: Any, make_app: Any) -> None:
    pytest.importorskip("pyramid_retry")
    stores = [Store("commit", transaction.interfaces.TransientError), Store()]
    attempts = iter(stores)
    app = make_app(
        lambda request: next(attempts).keep(request.host_request.tm, str(len(list(request.leaves())))),
        lambda config: config.include("pyramid_retry"),
        retry__attempts=3,
    )
    assert ask(app, mm7.request("ReplaceReq"), validate=False).code == 1000
    assert [store.kept for store in stores] == [[], ["1"]]


def test_and_where_it_fails_every_time_the_peer_is_asked_to_send_again(ask: Any, mm7: Any, make_app: Any) -> None:
    pytest.importorskip("pyramid_retry")
    called: list[object] = []

    def handler(request: MM7Request) -> None:
        called.append(request)
        raise transaction.interfaces.TransientError

    app = make_app(handler, lambda config: config.include("pyramid_retry"), retry__attempts=3)
    assert ask(app, mm7.request(), validate=False).code == 3000
    assert len(called) == 3


# -- configuration


def test_the_settings_can_be_all_there_is(ask: Any, mm7: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shop: Any = types.ModuleType("shop")
    shop.handler = lambda request: None
    monkeypatch.setitem(sys.modules, "shop", shop)
    settings = {
        "pyramid.includes": "pyramid_tm mm7_wsgi.hosts.pyramid",
        "mm7.handler": "shop:handler",
        "mm7.path": "/mms",
        "mm7.accounts": ACCOUNTS,
        "mm7.limits.body": "100",
    }
    app = Configurator(settings=settings).make_wsgi_app()
    assert ask(app, mm7.request("SubmitReq", {"PATH_INFO": "/mms/acme=s3cret"})).status == 413


def test_digest_is_accepted_where_it_is_set_and_pyramid_meets_nothing_of_it(ask: Any, mm7: Any, make_app: Any) -> None:
    met: list[Any] = []

    def handler(request: MM7Request) -> None:
        met.append(dict(request.host_request.environ))
        met.append(dict(request.host_request.headers))

    app = make_app(handler, mm7__schemes="basic, digest")
    answer = ask(app, mm7.request(environ={"PATH_INFO": "/mm7"}))
    found = [value for name, value in answer.headers if name == "WWW-Authenticate"]
    assert [value.split()[0] for value in found] == ["Basic", "Digest", "Digest"]
    for secret, status in (("s3cret", 200), ("wrong", 401)):
        header = ANSWERED(found[1], "acme", secret)
        assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header})).status == status
    assert len(met) == 2
    assert "0a4f113b" not in repr(met)


def test_keywords_stand_above_settings(ask: Any, mm7: Any, make_app: Any) -> None:
    def more(config: Any) -> None:
        config.add_mm7_endpoint(
            "mm7_wsgi.MM7Handler", name="other", path="/mms", accounts={"bcme": "other"}, allow_chunked=True
        )

    app = make_app(lambda request: None, more)
    assert ask(app, mm7.request()).code == 1000
    assert ask(app, mm7.request("SubmitReq", {"PATH_INFO": "/mms/acme=s3cret"})).status == 401
    assert ask(app, mm7.request("SubmitReq", {"PATH_INFO": "/mms/bcme=other"})).code == 4003


@pytest.mark.parametrize("keywords", [{"path": "/mms"}, {"name": "other"}])
def test_two_endpoints_of_one_name_or_path_are_a_conflict(make_app: Any, keywords: dict[str, str]) -> None:
    with pytest.raises(ConfigurationConflictError):
        make_app(print, lambda config: config.add_mm7_endpoint(print, **keywords))


@pytest.mark.parametrize(
    ("settings", "more", "error", "message"),
    [
        ({"mm7__acounts": "x"}, None, ValueError, r"mm7\.acounts is no setting of mm7_wsgi; mm7\.accounts is one"),
        (
            {},
            lambda config: config.add_mm7_endpoint(name="b"),
            ConfigurationError,
            r"needs a handler, as its argument or",
        ),
        ({}, lambda config: config.add_mm7_endpoint({}, name="b"), TypeError, r"^handler has to be a function or"),
        ({"mm7__path": "/{tenant}/mm7"}, None, ConfigurationError, r"without placeholders, unlike '/{tenant}/mm7'"),
        ({"pyramid.tweens": "pyramid.tweens.excview_tween_factory"}, None, ConfigurationError, "has to name mm7_wsgi"),
    ],
)
def test_what_cannot_work_is_said_at_once(
    make_app: Any, settings: dict[str, str], more: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_app(print, more, **settings)


def test_named_tweens_do_where_ours_is_among_them(ask: Any, mm7: Any, make_app: Any) -> None:
    named = ["mm7_wsgi.hosts.pyramid.tween_factory", "pyramid.tweens.excview_tween_factory"]
    assert ask(make_app(lambda request: None, **{"pyramid.tweens": named}), mm7.request()).code == 1000


def test_a_message_that_comes_again_is_answered_as_it_was_committed(
    ask: Any, mm7: Any, make_app: Any, require: Any, tmp_path: Path
) -> None:
    require("sqlalchemy")
    failing, store = Store("commit"), Store()
    stores = iter([failing, store])

    def handler(request: MM7Request) -> None:
        host: Any = request.host_request
        next(stores).keep(host.tm, "x")

    log = pkgutil.resolve_name("mm7_wsgi.spool:TransactionLog")(tmp_path / "mm7.db")
    app = make_app(handler, mm7__transactions=log)
    answers = [ask(app, mm7.request()) for _ in range(3)]
    # What could not be committed is asked for again, and what was is not.
    assert [answer.code for answer in answers] == [3000, 1000, 1000]
    assert answers[1].body == answers[2].body
    assert store.kept == ["x"]
    log.close()


@pytest.mark.parametrize("how", ["doomed", "vetoed"])
def test_an_answer_that_was_not_committed_is_not_kept(
    ask: Any, mm7: Any, make_app: Any, require: Any, tmp_path: Path, how: str
) -> None:
    require("sqlalchemy")
    stores = [Store(), Store()]
    served: list[Store] = []

    def handler(request: MM7Request) -> None:
        host: Any = request.host_request
        served.append(stores[len(served)])
        served[-1].keep(host.tm, "x")
        if how == "doomed" and len(served) == 1:
            host.tm.doom()

    veto = {"tm__commit_veto": lambda request, response: len(served) == 1} if how == "vetoed" else {}
    log = pkgutil.resolve_name("mm7_wsgi.spool:TransactionLog")(tmp_path / "mm7.db")
    app = make_app(handler, mm7__transactions=log, **veto)
    assert [ask(app, mm7.request()).code for _ in range(3)] == [3000, 1000, 1000]
    assert [store.kept for store in served] == [[], ["x"]]
    log.close()


@pytest.mark.parametrize("status", [1000, 1100])
def test_what_a_handler_has_beside_a_spool_is_committed(
    ask: Any, mm7: Any, make_app: Any, require: Any, tmp_path: Path, status: int
) -> None:
    """The spool has its own transaction, and what the handler writes itself has Pyramid's; also when it comes again."""
    require("sqlalchemy")
    spool = pkgutil.resolve_name("mm7_wsgi.spool:Spool")(tmp_path / "mm7.db")
    stores = [Store(), Store()]
    left = iter(stores)

    def handler(request: MM7Request) -> Any:
        host: Any = request.host_request
        next(left).keep(host.tm, "x")
        return spool(request, None if status == 1000 else request.partial())

    app = make_app(handler)
    answers = [ask(app, mm7.request()) for _ in stores]
    assert [answer.code for answer in answers] == [status, status]
    assert answers[0].body == answers[1].body
    assert [store.kept for store in stores] == [["x"], ["x"]]
    assert sum(spool.messages.counts().values()) == 1
    spool.close()


def test_what_a_spool_has_is_stored_once_when_the_rest_could_not_be_committed(
    ask: Any, mm7: Any, make_app: Any, require: Any, tmp_path: Path
) -> None:
    require("sqlalchemy")
    spool = pkgutil.resolve_name("mm7_wsgi.spool:Spool")(tmp_path / "mm7.db")
    stores = [Store("commit"), Store()]
    left = iter(stores)

    def handler(request: MM7Request) -> Any:
        host: Any = request.host_request
        next(left).keep(host.tm, "x")
        return spool(request)

    app = make_app(handler)
    assert [ask(app, mm7.request()).code for _ in stores] == [3000, 1000]
    assert [store.kept for store in stores] == [[], ["x"]]
    assert sum(spool.messages.counts().values()) == 1
    spool.close()


def test_a_written_answer_that_refuses_aborts_the_transaction(ask: Any, mm7: Any, make_app: Any) -> None:
    store = Store()

    def handler(request: MM7Request) -> Any:
        host: Any = request.host_request
        store.keep(host.tm, "x")
        return request.write(SubmitRsp(mm7_version="6.8.0", status=Status(status_code=2000), message_id="m"))

    assert ask(make_app(handler), mm7.request()).code == 2000
    assert store.kept == []
