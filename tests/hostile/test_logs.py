"""What is in the logs of real servers when passwords stood in the URI, in Basic, and elsewhere."""

from __future__ import annotations

import runpy
import textwrap
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LIVE = runpy.run_path(str(HERE.parent / "live.py"))
WIRE = runpy.run_path(str(HERE / "wire.py"))
post = WIRE["post"]

SERVED = """
    import os
    from mm7_wsgi import MM7Middleware

    def application(environ, start_response):
        if "boom" in environ["PATH_INFO"]:
            raise KeyError("s3cret", environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"the rest"]

    def handler(request):
        if request.transaction_id == "raises":
            raise KeyError("s3cret")

    application = MM7Middleware(application, handler, accounts={"acme": "s3cret", "slash": "a/s3cret"})
"""
FORMAT = (
    "r=%(r)s U=%(U)s q=%(q)s f=%(f)s u=%(u)s raw=%({raw_uri}e)s path=%({path_info}e)s uri=%({request_uri}e)s "
    "env=%({http_authorization}e)s header=%({authorization}i)s original=%({x-original-uri}i)s status=%(s)s"
)
CONFIGURATION = f"""
logger_class = "mm7_wsgi.hosts.gunicorn.Logger"
accesslog = "access"
errorlog = "error"
loglevel = "debug"
access_log_format = {FORMAT!r}
"""
BASIC = "Authorization: Basic YWNtZTpzM2NyZXQ="
WRONG_BASIC = "Authorization: Basic YWNtZTp4czNjcmV0"
#: Each with the status that it is answered with; None where that is the server's to say.
REQUESTS: dict[str, tuple[bytes, int | None]] = {
    "right": (post(), 200),
    "wrong": (post(path="/mm7/acme=xs3cret"), 401),
    "unknown": (post(path="/mm7/nobody=s3cret"), 401),
    "escaped": (post(path="/mm7/acme=%733cret"), 200),
    "escaped sign": (post(path="/mm7/acme%3Ds3cret"), 200),
    "escaped slash": (post(path="/mm7/slash=a%2Fs3cret"), 200),
    "escaped twice": (post(path="/mm7/acme%253ds3cret"), 200),  # the host's
    "no account": (post(path="/mm7/=s3cret"), 401),
    "query": (post(path="/mm7/acme=s3cret?s3cret"), 200),
    "query of the password": (post(path="/mm7/acme=x?s3cret"), 401),
    "octets": (post(path=b"/mm7/acme=\xe9\xff\x01s3cret"), None),
    "quotation marks": (post(path="/mm7/acme='\"s3cret"), 401),
    "tab": (post(path=b"/mm7/acme=x\ts3cret"), None),
    "blank": (post(path="/mm7/acme=x s3cret"), None),
    "absolute form": (post(path="http://acme:s3cret@mms.example/mm7/acme=s3cret"), None),
    "Basic": (post("outer", b"hello", BASIC, path="/mm7"), 200),
    "wrong Basic": (post("outer", b"hello", WRONG_BASIC, path="/mm7"), 401),
    "both": (post("outer", b"hello", BASIC), 200),
    "headers of proxies": (
        post("outer", b"hello", "X-Original-URI: /mm7/acme=s3cret", "Referer: http://h/mm7/acme=s3cret"),
        200,
    ),
    "body cut off": (post(lengths=("Content-Length: 9999",)), None),
    "broken header": (post("outer", b"hello", "no header: s3cret"), None),
    "a handler that raises": (post("raises"), 500),
    "an application that raises": (post(path="/boom/acme=s3cret"), 500),
    "another protocol": (post(version="HTTP/7.x"), None),
}


def send_all(server: Any) -> None:
    """Each of them, on a connection of its own."""
    for name, (octets, status) in REQUESTS.items():
        received = server.send_octets(octets)
        if status is not None:
            assert received.startswith(b"HTTP/1.1 %d " % status), (name, received[:200])


def shown(folder: Path) -> dict[str, str]:
    """The logs, and of each what it shows of a secret."""
    return {
        name: "\n".join(line for line in text.splitlines() if "3cret" in line or "YWNtZTp" in line)
        for name in ("access", "error", "log")
        if (text := (folder / name).read_text(errors="replace"))
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logged.py").write_text(textwrap.dedent(SERVED))
    return tmp_path


@pytest.mark.parametrize("worker", ["sync", "gthread"])
@pytest.mark.parametrize("way", ["options", "configuration"])
def test_gunicorn_logs_no_secret(require: Any, folder: Path, worker: str, way: str) -> None:
    require("gunicorn")
    if way == "configuration":
        (folder / "gunicorn.conf.py").write_text(CONFIGURATION)
        options = ["--config", "gunicorn.conf.py"]
    else:
        options = ["--logger-class", "mm7_wsgi.hosts.gunicorn.Logger", "--log-level", "debug"]
        options += ["--access-logfile", "access", "--error-logfile", "error"]
    with LIVE["gunicorn"](folder, "logged:application", "--worker-class", worker, *options) as server:
        send_all(server)
    assert set(shown(folder).values()) == {""}
    access, error = (folder / "access").read_text(), (folder / "error").read_text()
    assert "POST /mm7/acme=*** HTTP/1.1" in access
    assert access.count("\n") >= len([status for _, status in REQUESTS.values() if status])
    assert "[DEBUG] POST /mm7/acme=***" in error
    assert "KeyError: " in error
    assert "Invalid request from ip=127.0.0.1: Invalid HTTP Version: ***" in error
    if way == "configuration":
        assert "r=POST /mm7/acme=*** HTTP/1.1 U=/mm7/acme=*** q= f=- u=- raw=/mm7/acme=*** path=/mm7/acme=***" in access
        assert "r=POST /mm7 HTTP/1.1 U=/mm7 q= f=- u=acme raw=/mm7 path=/mm7 uri=- env=*** header=***" in access
