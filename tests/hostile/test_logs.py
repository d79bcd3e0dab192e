"""What is in the logs of real servers when passwords stood in the URI, in Basic, and elsewhere."""

from __future__ import annotations

import grp
import os
import pwd
import runpy
import socket
import subprocess
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LIVE = runpy.run_path(str(HERE.parent / "live.py"))
WIRE = runpy.run_path(str(HERE / "wire.py"))
post, until = WIRE["post"], LIVE["until"]

SERVED = """
    from werkzeug.middleware.proxy_fix import ProxyFix
    from mm7_wsgi import MM7Middleware

    def application(environ, start_response):
        if "boom" in environ["PATH_INFO"]:
            raise KeyError("s3cret", environ["PATH_INFO"])
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"the rest"]

    def handler(request):
        if request.transaction_id == "raises":
            raise KeyError("s3cret")

    accounts = {"acme": "s3cret", "slash": "a/s3cret", "two": "a//s3cret", "192.0.2.7": None}
    application = MM7Middleware(application, handler, accounts=accounts)
    behind_proxy = ProxyFix(application, x_for=1, x_proto=1)
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
    "two slashes": (post(path="/mm7/two=a//s3cret"), 200),
    "escaped twice": (post(path="/mm7/acme%253ds3cret"), 200),  # the host's
    "no escape": (post(path="/mm7/acme=%ZZs3cret"), None),
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
        if (folder / name).exists() and (text := (folder / name).read_text(errors="replace"))
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


# -- Apache, as docs/apache.conf sets it up, before gunicorn

SITE = HERE.parents[1] / "docs" / "apache.conf"
MODULES = ["mpm_event", "alias", "authz_core", "headers", "proxy", "proxy_http", "reqtimeout", "setenvif"]


def site(folder: Path, port: int, behind: int) -> str:
    """docs/apache.conf with addresses and places of this test."""
    text = SITE.read_text()
    for written, wanted in {
        "<VirtualHost *:80>": f"<VirtualHost 127.0.0.1:{port}>",
        "http://127.0.0.1:8000/": f"http://127.0.0.1:{behind}/",
        "/var/log/apache2/mm7.log": f"{folder}/access",
        "/var/log/apache2/mm7-error.log": f"{folder}/error",
    }.items():
        assert text.count(written) == 1
        text = text.replace(written, wanted)
    return text


@contextmanager
def apache(program: str, folder: Path, behind: int) -> Iterator[Any]:
    """Apache in ``folder``, before what serves at the port ``behind``."""
    # Bound, and so nobody else's; as long as nobody listens at it, Apache can.
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        lines = [f"ServerRoot {folder}", "DefaultRuntimeDir .", "PidFile pid", "ServerName mms.example"]
        lines += [f"Listen 127.0.0.1:{port}", "ErrorLog log", "StartServers 1"]
        lines += [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in MODULES]
        if os.geteuid() == 0:  # its children do not run as root
            nobody = pwd.getpwnam("nobody")
            lines += [f"User {nobody.pw_name}", f"Group {grp.getgrgid(nobody.pw_gid).gr_name}"]
        (folder / "httpd.conf").write_text("\n".join([*lines, site(folder, port, behind)]))
        command = [program, "-d", str(folder), "-f", "httpd.conf", "-D", "FOREGROUND"]
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, start_new_session=True)
        try:
            until(lambda: process.poll() is not None or listens(port))
            assert process.poll() is None, (folder / "output").read_text()
            yield LIVE["Server"](folder, port, process)
        finally:
            process.terminate()
            process.wait(LIVE["TIMEOUT"])


def listens(port: int) -> bool:
    with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def test_apache_passes_requests_on_and_logs_no_secret(require: Any, folder: Path) -> None:
    require("gunicorn")
    program = require("apache2")
    (folder / "apache").mkdir()
    with (
        LIVE["gunicorn"](folder, "logged:behind_proxy") as behind,
        apache(program, folder / "apache", behind.port) as server,
    ):
        send_all(server)
        # What the peer says of its address is not believed.
        for line in ("X-Forwarded-For: 192.0.2.7", "Forwarded: for=192.0.2.7", "X_Forwarded_For: 192.0.2.7"):
            assert server.send_octets(post("outer", b"hello", line, path="/mm7")).startswith(b"HTTP/1.1 401 ")
        # The longer one is not much longer: where Apache still sends when gunicorn refuses, it may answer 502.
        for content, status in ((b"short", b"200"), (bytes(20_000), b"411")):
            _, body = WIRE["message"]("outer", content)
            chunked = post(lengths=("Transfer-Encoding: chunked",), body=WIRE["chunked"](body[:7], body[7:]))
            assert server.send_octets(chunked).startswith(b"HTTP/1.1 %s " % status)
        with server.connect() as client:  # which sends no more than the head
            client.send(post(lengths=("Content-Length: 16777217",), body=b""))
            assert client.answer().status == 413
        behind.process.terminate()
        behind.process.wait(LIVE["TIMEOUT"])
        assert server.send_octets(post()).startswith(b"HTTP/1.1 503 ")
    assert set(shown(folder / "apache").values()) == {""}
    access = (folder / "apache" / "access").read_text()
    assert '"POST /mm7/acme=*** HTTP/1.1" 200 ' in access
    assert '"POST /mm7/slash=*** HTTP/1.1" 200 ' in access
    assert '"POST /mm7/acme=*** HTTP/1.1" 503 ' in access
