"""The logger class for gunicorn, without gunicorn around it; tests/hostile/test_logs.py has that."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("gunicorn", reason="gunicorn needs Unix")
from gunicorn.config import Config

from mm7_wsgi.hosts.gunicorn import Logger

# All that a user can ask for of what a request shows.
FORMAT = (
    "%(m)s %(s)s r=%(r)s U=%(U)s q=%(q)s f=%(f)s a=%(a)s u=%(u)s raw=%({raw_uri}e)s path=%({path_info}e)s "
    "uri=%({request_uri}e)s auth=%({http_authorization}e)s %({authorization}i)s "
    "x=%({x-original}i)s %({http_x_original}e)s"
)
BASIC = "Basic " + base64.b64encode(b"acme:s3cret").decode()


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Any]:
    """The line of the access log for an environ: ``logged(environ)``."""
    config = Config()
    config.set("accesslog", str(tmp_path / "access"))
    config.set("errorlog", str(tmp_path / "error"))
    config.set("access_log_format", FORMAT)
    logger = Logger(config)

    def logged(environ: dict[str, Any]) -> str:
        environ = {"SCRIPT_NAME": "", "PATH_INFO": "", "QUERY_STRING": "", "RAW_URI": "", **environ}
        environ |= {"REQUEST_METHOD": "POST", "SERVER_PROTOCOL": "HTTP/1.1", "gunicorn.socket": object()}
        headers = [(key[5:].replace("_", "-"), value) for key, value in environ.items() if key.startswith("HTTP_")]
        response = SimpleNamespace(status="200 OK", headers=[], sent=5)
        logger.access(response, SimpleNamespace(headers=headers), environ, timedelta(0))
        return (tmp_path / "access").read_text().splitlines()[-1]

    logged.error = logger.error, tmp_path / "error"  # type: ignore[attr-defined]
    yield logged
    for log in (logger.error_log, logger.access_log):
        for handler in log.handlers[:]:
            log.removeHandler(handler)
            handler.close()
        for masking in log.filters[:]:
            log.removeFilter(masking)
        log.propagate = True
        log.setLevel(logging.NOTSET)


def test_no_place_of_the_access_log_shows_the_secret(logged: Any) -> None:
    line = logged(
        {
            "PATH_INFO": "/mm7/acme=s3cret?x",
            "RAW_URI": "/mm7/acme=s3cret%3Fx?y=s3cret",
            "REQUEST_URI": "/mm7/acme=s3cret%3Fx",
            "QUERY_STRING": "y=s3cret",
            "HTTP_REFERER": "http://host/mm7/acme=s3cret",
            "HTTP_USER_AGENT": "s3cret",
            "HTTP_AUTHORIZATION": BASIC,
            "HTTP_X_ORIGINAL": "/mm7/acme=s3cret",
        }
    )
    assert "s3cret" not in line
    assert "YWNtZ" not in line
    assert line == (
        "POST 200 r=POST /mm7/acme=*** HTTP/1.1 U=/mm7/acme=*** q=*** f=*** a=*** u=acme raw=/mm7/acme=*** "
        "path=/mm7/acme=*** uri=*** auth=*** *** x=*** ***"
    )


def test_basic_alone_hides_what_repeats_it_and_nothing_else(logged: Any) -> None:
    line = logged(
        {"PATH_INFO": "/mm7", "RAW_URI": "/mm7?p=s3cret", "QUERY_STRING": "p=s3cret", "HTTP_AUTHORIZATION": BASIC}
    )
    assert "r=POST /mm7?*** HTTP/1.1 U=/mm7 q=*** " in line
    assert "u=acme" in line
    assert "s3cret" not in line
    user = logged({"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(b"s3cret").decode()})
    assert "u=***" in user


def test_other_requests_are_logged_as_they_are(logged: Any) -> None:
    line = logged(
        {"PATH_INFO": "/search", "RAW_URI": "/search?q=1&p=2", "QUERY_STRING": "q=1&p=2", "HTTP_X_ORIGINAL": "a=b"}
    )
    assert "r=POST /search?q=1&p=2 HTTP/1.1 U=/search q=q=1&p=2 f=- a=- u=-" in line
    assert line.endswith("x=a=b a=b")


@pytest.mark.parametrize("path", ["acme=s3cret", "/mm7/acme%3Ds3cret", "/mm7/acme=s3cret"])
def test_a_path_can_be_anything(logged: Any, path: str) -> None:
    assert "s3cret" not in logged({"PATH_INFO": path, "RAW_URI": path.replace("%", "%25")})


def test_the_error_log_is_masked_too(logged: Any) -> None:
    error, path = logged.error
    error("Error handling request %s", "/mm7/acme=s3cret")
    error("Invalid request from ip=::1: Invalid HTTP Version: 's3cret HTTP/1.1'")
    error(ValueError("/mm7/acme=s3cret"))
    lines = [line.partition("] [ERROR] ")[2] for line in path.read_text().splitlines()]
    assert lines == [
        "Error handling request /mm7/acme=***",
        "Invalid request from ip=::1: Invalid HTTP Version: ***",
        "/mm7/acme=***",
    ]
