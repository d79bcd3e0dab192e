"""The applications of examples/, each as its server would import it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest

import mm7_wsgi
from mm7_wsgi import RSErrorRsp
from mm7_wsgi.testing import MM7Client

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SERVED = [
    # module, name of the application, path of the endpoint, the message, the operation's response
    ("alone", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("alone", "application", "/mm7/acme=s3cret", "smil", "SubmitRsp"),
    ("alone", "application", "/mm7/acme=s3cret", "deliver", "DeliverRsp"),
    ("alone", "application", "/mm7/acme=s3cret", "delivery-report", "DeliveryReportRsp"),
    ("alone", "application", "/mm7/acme=s3cret", "cancel", "CancelRsp"),
    ("wrap", "application", "/mm7", "deliver", "DeliverRsp"),
    ("wrap", "application", "/mm7/acme=s3cret", "deliver", "DeliverRsp"),
    ("flask_app", "app", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("paste_app", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("pyramid_app", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("django_app", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("falcon_app", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("falcon_app", "application", "/inside/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("bottle_app", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("bottle_app", "application", "/inside/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("dispatcher", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("asgi_app", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
    ("durable", "application", "/mm7/acme=s3cret", "submit", "SubmitRsp"),
]
NEEDS = {
    "flask_app": "flask",
    "paste_app": "paste",
    "pyramid_app": "pyramid",
    "django_app": "django",
    "falcon_app": "falcon",
    "bottle_app": "bottle",
    "asgi_app": "a2wsgi",
    "durable": "sqlalchemy",
}


@pytest.fixture
def load(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, require: Any, tmp_path: Path) -> Any:
    """Imports an example by its file; it is gone again after the test. What is served of it is WSGI, whatever it is."""

    def load(name: str) -> types.ModuleType:
        if name in NEEDS:
            require(NEEDS[name])
        if name == "django_app":  # which sets Django up, once for a process
            from django.conf import settings
            from django.utils.functional import empty

            # monkeypatch would look at what it patches, which these settings do not bear before they are there.
            request.addfinalizer(lambda wrapped=settings._wrapped: setattr(settings, "_wrapped", wrapped))
            settings._wrapped = empty
        if name == "durable":
            monkeypatch.setenv("MM7_SPOOL", str(tmp_path / "mm7.db"))
        specification = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        assert specification is not None
        assert specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        monkeypatch.setitem(sys.modules, name, module)
        specification.loader.exec_module(module)
        if name == "paste_app":
            # What it is in is said by an ini file, as gunicorn reads it in its folder.
            module.application = importlib.import_module("paste.deploy").loadapp(f"config:{EXAMPLES / 'paste.ini'}")  # type: ignore[attr-defined]
        if name == "asgi_app":
            from a2wsgi import ASGIMiddleware

            module.application = ASGIMiddleware(module.application)
        if name == "durable":
            request.addfinalizer(module.spool.close)
        return module

    return load


@pytest.fixture
def message(make_environ: Any) -> Any:
    """The environ of a message of the examples: ``message("submit", "/mm7")``."""

    def message(name: str, path: str, **more: Any) -> dict[str, Any]:
        lines = (EXAMPLES / "messages" / f"{name}.headers").read_text().splitlines()
        headers = dict(line.split(": ", 1) for line in lines)
        body = (EXAMPLES / "messages" / f"{name}.body").read_bytes()
        environ: dict[str, Any] = make_environ(
            body, CONTENT_TYPE=headers["Content-Type"], PATH_INFO=path, REMOTE_ADDR="127.0.0.1", **more
        )
        return environ

    return message


def test_every_application_of_the_examples_is_tested() -> None:
    tested_elsewhere = {"quickstart", "celery_consumer"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {module for module, *_ in SERVED} | tested_elsewhere


@pytest.mark.parametrize(("module", "name", "path", "sent", "response"), SERVED)
def test_an_example_serves_its_message(
    call: Any, load: Any, message: Any, capsys: pytest.CaptureFixture[str],
    module: str, name: str, path: str, sent: str, response: str,
) -> None:  # fmt: skip
    app = load(module)
    answer = call(getattr(app, name), message(sent, path))
    assert (answer.status, answer.name, answer.code) == (200, response, 1000)
    assert answer["Content-Type"] == 'text/xml; charset="utf-8"'
    assert answer["Content-Length"] == str(len(answer.body))
    if module == "durable":
        for delivery in app.spool.claim():
            app.settle(delivery)
    assert capsys.readouterr().out


@pytest.mark.parametrize(("module", "name", "path", "sent", "response"), SERVED)
def test_an_example_lets_nobody_else_in(
    call: Any, load: Any, message: Any, module: str, name: str, path: str, sent: str, response: str
) -> None:
    environ = message(sent, path.partition("=")[0] + "=wrong" if "=" in path else path)
    environ["REMOTE_ADDR"] = "192.0.2.7"
    answer = call(getattr(load(module), name), environ)
    assert (answer.status, answer.code) == (401, 4001)


@pytest.mark.parametrize(
    ("module", "name", "path", "text"),
    [
        ("wrap", "application", "/hello", b"old service at /hello"),
        ("wrap", "application", "/mm7x", b"old service at /mm7x"),
        ("flask_app", "app", "/", b"This is Flask."),
        ("pyramid_app", "application", "/", b"This is Pyramid."),
        ("paste_app", "application", "/hello", b"old service at /hello"),
        ("paste_app", "application", "/mm7x", b"old service at /mm7x"),
        ("django_app", "application", "/", b"This is Django."),
        ("falcon_app", "application", "/", b"This is Falcon."),
        ("bottle_app", "application", "/", b"This is Bottle."),
        ("dispatcher", "application", "/mm7x", b"old service at /mm7x"),
        ("asgi_app", "application", "/mm7x", b"This is ASGI."),
    ],
)
def test_the_rest_of_an_example_is_still_there(
    call: Any, load: Any, make_environ: Any, module: str, name: str, path: str, text: bytes
) -> None:
    environ = make_environ(REQUEST_METHOD="GET", PATH_INFO=path, CONTENT_TYPE="", CONTENT_LENGTH="")
    answer = call(getattr(load(module), name), environ)
    assert answer.status == 200
    assert text in answer.body


@pytest.mark.parametrize(
    ("module", "place"), [("flask_app", ""), ("pyramid_app", ""), ("falcon_app", "/inside"), ("bottle_app", "/inside")]
)
@pytest.mark.parametrize("path", ["/mm7x", "/mm7x/acme=s3cret", "/MM7", "/x/mm7"])
def test_a_mounted_endpoint_takes_nothing_of_its_host(
    call: Any, load: Any, make_environ: Any, module: str, place: str, path: str
) -> None:
    environ = make_environ(REQUEST_METHOD="GET", PATH_INFO=place + path, CONTENT_TYPE="", CONTENT_LENGTH="")
    app = load(module)
    answer = call(app.app if module == "flask_app" else app.application, environ)
    assert answer.status == 404


@pytest.mark.parametrize(
    ("module", "path"),
    [
        ("flask_app", "/mm7"),
        ("flask_app", "/mm7/"),
        ("pyramid_app", "/mm7"),
        ("pyramid_app", "/mm7/"),
        ("django_app", "/mm7"),
        ("falcon_app", "/inside/mm7"),
        ("bottle_app", "/inside/mm7"),
        ("dispatcher", "/mm7"),
        ("asgi_app", "/mm7"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_no_page_of_the_framework_takes_the_place_of_an_answer(
    call: Any, load: Any, make_environ: Any, module: str, path: str, method: str
) -> None:
    app = load(module)
    environ = make_environ(REQUEST_METHOD=method, PATH_INFO=path)
    answer = call(app.app if module == "flask_app" else app.application, environ)
    assert (answer.status, answer["Allow"], answer.code) == (405, "POST", 4003)


def test_the_durable_example_forwards_a_message_once_however_often_it_comes(
    call: Any, load: Any, message: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    app = load("durable")
    answers = [call(app.application, message("submit", "/mm7/acme=s3cret")).body for _ in range(2)]
    deliveries = app.spool.deliveries()
    app.settle(next(deliveries))
    deliveries.close()
    assert answers[0] == answers[1]
    assert capsys.readouterr().out.count("SubmitReq of account acme") == 1
    assert not any(app.spool.messages.counts().values())


@pytest.mark.parametrize(
    ("error", "state", "reason"), [(OSError, "waiting", "away"), (ValueError, "dead", "ValueError: away")]
)
def test_the_durable_example_keeps_what_it_could_not_forward(
    call: Any, load: Any, message: Any, monkeypatch: pytest.MonkeyPatch, error: type[Exception], state: str, reason: str
) -> None:
    def forward(*_: object) -> None:
        raise error("away")

    app = load("durable")
    call(app.application, message("submit", "/mm7/acme=s3cret"))
    monkeypatch.setattr(app, "forward", forward)
    for delivery in app.spool.claim():
        app.settle(delivery)
    (kept,) = app.spool.messages.find()
    assert (kept.state, kept.reason, kept.attempts) == (state, reason, 1)


def test_the_durable_example_gives_no_message_up_because_its_database_was_away(
    call: Any, load: Any, message: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = load("durable")
    unavailable = importlib.import_module("mm7_wsgi.spool").DatabaseUnavailable

    def away(*_: object) -> None:
        raise unavailable

    call(app.application, message("submit", "/mm7/acme=s3cret"))
    monkeypatch.setattr(type(app.spool.messages), "body_of", away)
    for delivery in app.spool.claim():
        with pytest.raises(unavailable):
            app.settle(delivery)
    (kept,) = app.spool.messages.find()
    assert (kept.state, kept.reason) == ("leased", None)


def test_the_durable_example_goes_on_when_its_database_is_there_again(load: Any, tmp_path: Path) -> None:
    app = load("durable")
    client = MM7Client(app.application, "acme", "s3cret")
    names, aside = ["mm7.db", "mm7.db-wal", "mm7.db-shm"], tmp_path / "aside"
    aside.mkdir()
    forwarded: list[str] = []
    waits: list[float] = []

    def forward(request: Any, delivery: Any) -> None:
        forwarded.append(delivery.transaction_id)
        if len(forwarded) == 1:
            for name in filter(lambda name: (tmp_path / name).exists(), names):
                (tmp_path / name).rename(aside / name)
            (tmp_path / "mm7.db").mkdir()  # so that it cannot be made anew

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            if aside.exists():
                (tmp_path / "mm7.db").rmdir()
                for path in aside.iterdir():
                    path.rename(tmp_path / path.name)
                aside.rmdir()
                assert client.submit(transaction_id="t-2").accepted
            else:
                self.set()
            return self.is_set()

    app.forward = forward
    assert client.submit(transaction_id="t-1").accepted
    app.work(Stop())
    assert forwarded == ["t-1", "t-2"]
    # What became of the first could not be written down: it is handed out again when its lease ends.
    assert [(each.transaction_id, each.state) for each in app.spool.messages.find()] == [("t-1", "leased")]


def test_the_durable_example_goes_on_when_it_took_longer_than_its_lease(
    load: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = load("durable")
    client = MM7Client(app.application, "acme", "s3cret")
    taken: list[str] = []

    def forward(request: Any, delivery: Any) -> None:
        taken.append(delivery.transaction_id)
        if len(taken) == 1:  # somebody else has it meanwhile, and is done with it
            delivery._store.done(delivery.stored, delivery._token)
        else:
            stop.set()

    app.forward = forward
    stop = threading.Event()
    for number in (1, 2):
        assert client.submit(transaction_id=f"t-{number}").accepted
    app.work(stop)
    assert taken == ["t-1", "t-2"]
    assert not any(app.spool.messages.counts().values())


def test_flask_refuses_a_subscriber_that_it_does_not_know(load: Any) -> None:
    app = load("flask_app").app
    app.config["SUBSCRIBERS"] = set()
    answer = MM7Client(app, "acme", "s3cret").submit(to="+12025550101")
    assert (answer.http_status, answer.status_code, answer.details) == (500, 2003, "+12025550101")


def test_pyramid_cancels_what_was_submitted_and_refuses_what_was_not(load: Any) -> None:
    client = MM7Client(load("pyramid_app").application, "acme", "s3cret")
    refused = client.cancel(message_id="unknown")
    assert (refused.http_status, refused.status_code, type(refused.message)) == (500, 2005, RSErrorRsp)
    assert client.cancel(message_id=client.submit().message_id).accepted


@pytest.mark.skipif(os.name != "posix", reason="gunicorn needs Unix")
def test_the_quickstart_sends_its_message_and_prints_the_answer(tmp_path: Path) -> None:
    pytest.importorskip("gunicorn")
    pytest.importorskip("sqlalchemy")
    places = [str(Path(mm7_wsgi.__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places)), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "quickstart.py"), "--once", "--port", "0"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for word in ("SubmitReq of account acme", "News for today", "HTTP/1.1 200 OK", "<StatusCode>1000</StatusCode>"):
        assert word in done.stdout
    assert "Traceback" not in done.stderr
