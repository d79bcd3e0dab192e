"""The extension of Flask, in real applications."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MessageRejected, MM7Middleware, MM7Request

ANSWERED = runpy.run_path(str(Path(__file__).parents[1] / "environs.py"))["answered"]
flask = pytest.importorskip("flask")
MM7 = pytest.importorskip("mm7_wsgi.hosts.flask").MM7


@pytest.fixture
def make_app() -> Callable[..., Any]:
    """An application with the settings of one, and more."""

    def make_app(name: str = "shop", **settings: object) -> Any:
        app = flask.Flask(name)
        app.config.update({"MM7_ACCOUNTS": {"acme": "s3cret"}, **settings})
        app.add_url_rule("/", view_func=lambda: "the shop")
        return app

    return make_app


def test_the_handler_runs_inside_of_the_application(ask: Any, mm7: Any, make_app: Any) -> None:
    app = make_app()
    seen: list[object] = []
    ended: list[object] = []
    app.teardown_appcontext(ended.append)

    def handler(request: MM7Request) -> None:
        flask.g.account = request.account.name
        seen.extend([flask.current_app.name, flask.g.account, flask.has_request_context()])

    MM7(handler, app)
    assert ask(app, mm7.request()).code == 1000
    assert seen == ["shop", "acme", False]
    assert ended == [None]
    assert not flask.has_app_context()


@pytest.mark.parametrize("returned", [False, True])
def test_what_ends_with_the_context_hears_of_a_refusal(ask: Any, mm7: Any, make_app: Any, returned: bool) -> None:
    app = make_app()
    ended: list[object] = []
    app.teardown_appcontext(ended.append)
    refusal = MessageRejected(details="not today")

    def handler(request: MM7Request) -> MessageRejected:
        if returned:
            return refusal
        raise refusal

    MM7(handler, app)
    answer = ask(app, mm7.request())
    assert (answer.status, answer.code, answer.details) == (500, int(refusal.code), "not today")
    assert ended == [refusal]


def test_a_session_that_cannot_end_well_leaves_the_message_with_the_peer(ask: Any, mm7: Any, make_app: Any) -> None:
    app = make_app()

    @app.teardown_appcontext
    def commit(error: BaseException | None) -> None:
        raise OSError("the database is gone")

    MM7(lambda request: None, app)
    answer = ask(app, mm7.request())
    assert (answer.status, answer.code) == (500, 3000)


def test_nothing_of_the_application_is_in_the_way(
    ask: Any, call: Any, mm7: Any, make_environ: Any, make_app: Any
) -> None:
    app = make_app(MAX_CONTENT_LENGTH=10)
    met: list[str] = []

    @app.before_request
    def meet() -> None:
        met.append(flask.request.path)

    app.register_error_handler(404, lambda error: ("the shop's own page", 404))
    MM7(lambda request: None, app)
    for path in ("/mm7/acme=s3cret", "/mm7/acme=s3//cret", "/mm7", "/mm7/"):
        answer = ask(app, mm7.request("SubmitReq", {"PATH_INFO": path}))
        assert answer.code == (1000 if path == "/mm7/acme=s3cret" else 4001)
    assert ask(app, make_environ(REQUEST_METHOD="GET")).status == 405
    assert met == []
    for path in ("/mm7x", "//mm7", "/mm7/other", "/MM7"):
        answer = call(app, make_environ(PATH_INFO=path, REQUEST_METHOD="GET", CONTENT_TYPE="", CONTENT_LENGTH=""))
        assert (answer.status, answer.body) == (404, b"the shop's own page")
    assert len(met) == 4


def test_settings_are_those_of_the_configuration(ask: Any, mm7: Any, make_app: Any) -> None:
    app = make_app(MM7_PATH="/mms", MM7_LIMITS_BODY="100", MM7_STRICT="yes")
    MM7(lambda request: None, app)
    assert ask(app, mm7.request("SubmitReq", {"PATH_INFO": "/mms/acme=s3cret"})).status == 413
    assert app.test_client().get("/mm7").status_code == 404


def test_settings_can_come_from_the_environment(
    ask: Any, mm7: Any, make_app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_MM7_PATH", "/mms")
    monkeypatch.setenv("FLASK_MM7_STRICT", "1")
    monkeypatch.setenv("FLASK_MM7_LIMITS_BODY", "100")
    app = make_app()
    app.config.from_prefixed_env()
    MM7(lambda request: None, app)
    assert ask(app, mm7.request("SubmitReq", {"PATH_INFO": "/mms/acme=s3cret"})).status == 413


@pytest.mark.parametrize("way", ["configuration", "environment"])
def test_a_log_of_transactions_is_around_the_context(
    ask: Any, mm7: Any, make_app: Any, logs: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """What could not end well is asked for again, and what did is not."""
    url = f"sqlite:///{tmp_path}/mm7.db"
    monkeypatch.setenv("FLASK_MM7_TRANSACTIONS", url)
    app = make_app() if way == "environment" else make_app(MM7_TRANSACTIONS=url)
    if way == "environment":
        app.config.from_prefixed_env()
    served: list[str] = []

    @app.teardown_appcontext
    def commit(error: BaseException | None) -> None:
        if len(served) == 1:
            raise OSError("the database is gone")

    MM7(lambda request: served.append(request.account.name), app)
    answers = [ask(app, mm7.request()) for _ in range(3)]
    assert [answer.code for answer in answers] == [3000, 1000, 1000]
    assert answers[1].body == answers[2].body
    assert served == ["acme", "acme"]
    assert len(logs) == 1


def test_a_setting_that_cannot_work_is_named(make_app: Any) -> None:
    with pytest.raises(ValueError, match="MM7_ACCOUNT is no setting of mm7_wsgi; MM7_ACCOUNTS is one"):
        MM7(print, make_app(MM7_ACCOUNT={"acme": "s3cret"}))
    with pytest.raises(TypeError, match="handler has to be a function or an instance of MM7Handler, not dict"):
        MM7({"acme": "s3cret"}, make_app())


def test_one_extension_serves_several_applications(ask: Any, mm7: Any, make_app: Any) -> None:
    served: list[str] = []
    extension = MM7(lambda request: served.append(flask.current_app.name))
    apps = [make_app("one"), make_app("two", MM7_PATH="/mms")]
    for app in apps:
        extension.init_app(app)
        assert isinstance(app.extensions["mm7_wsgi"], MM7Middleware)
    assert ask(apps[1], mm7.request("SubmitReq", {"PATH_INFO": "/mms/acme=s3cret"})).code == 1000
    assert ask(apps[0], mm7.request()).code == 1000
    assert served == ["two", "one"]


def test_an_application_gets_it_once(make_app: Any) -> None:
    app = make_app()
    extension = MM7(print, app)
    for again in (extension.init_app, lambda app: MM7(print, app)):
        with pytest.raises(RuntimeError, match="the application 'shop' has MM7 already"):
            again(app)


def test_the_test_client_of_flask_reaches_it(mm7: Any, make_app: Any) -> None:
    app = make_app()
    MM7(lambda request: None, app)
    client = app.test_client()
    answer = client.post("/mm7/acme=s3cret", data=mm7.soap("DeliverReq"), content_type="text/xml")
    assert answer.status_code == 200
    assert b"<StatusCode>1000</StatusCode>" in answer.data or b"StatusCode>1000<" in answer.data
    assert client.get("/").text == "the shop"


def test_digest_is_accepted_where_it_is_set(ask: Any, mm7: Any, make_app: Any) -> None:
    app = make_app(MM7_SCHEMES="digest", MM7_DIGEST_SECRET="the key of all workers", MM7_DIGEST_ALGORITHMS="MD5")
    MM7(lambda request: None, app)
    answer = ask(app, mm7.request(environ={"PATH_INFO": "/mm7"}))
    assert answer["WWW-Authenticate"].startswith("Digest ")
    for secret, status in (("s3cret", 200), ("wrong", 401)):
        header = ANSWERED(answer["WWW-Authenticate"], "acme", secret)
        environ = {"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header}
        assert ask(app, mm7.request(environ=environ)).status == status
