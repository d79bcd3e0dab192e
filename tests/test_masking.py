"""What logs show of passwords in URIs: records as servers and frameworks make them."""

from __future__ import annotations

import gc
import io
import logging
import re
import runpy
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.serving import WSGIRequestHandler, make_server

from mm7_wsgi import MM7Endpoint
from mm7_wsgi.masking import MaskingFilter, masked, masked_path

LIVE = runpy.run_path(str(Path(__file__).with_name("live.py")))


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("/mm7/acme=s3cret", "/mm7/acme=***"),
        ("/mm7/acme=s3cret?x=1", "/mm7/acme=***"),
        ("/mm7/acme=s3?cret", "/mm7/acme=***"),
        ("/mm7/acme=s3=c/ret", "/mm7/acme=***"),
        ("/mm7/acme%3ds3cret", "/mm7/acme=***"),
        ("/mm7/acme%253Ds3cret", "/mm7/acme=***"),
        ("http://host/mm7/acme=s3cret", "http://host/mm7/acme=***"),
        ("http://acme:s3cret@host/mm7", "http://***@host/mm7"),
        ("/login?next=/mm7/acme=s3cret", "/login?next=/mm7/acme=***"),
        ("/search?q=1&p=2", "/search?q=1&p=2"),
        ("/a?b?c", "/a?b?c"),
        ("/mm7", "/mm7"),
        ("*", "*"),
        ("", ""),
    ],
)
def test_what_follows_the_first_equals_sign_of_a_path_is_masked(uri: str, shown: str) -> None:
    assert masked(uri) == shown
    assert log(uri) == shown


def test_in_a_decoded_path_a_question_mark_is_nothing_else() -> None:
    assert masked_path("/mm7/a?b=s3cret") == "/mm7/a?b=***"
    assert masked_path("/mm7?x") == "/mm7?x"


@given(st.text("ab/=%3dD25?&# @:", min_size=1))
@example("?/=")
def test_a_path_with_an_account_never_shows_what_is_behind_it(rest: str) -> None:
    assert masked(f"/mm7/acme=Zebra{rest}Zebra") == "/mm7/acme=***"
    assert "Zebra" not in log(f'"POST /mm7/acme=Zebra{rest}Zebra HTTP/1.1" 200')
    if " " not in rest:
        assert "Zebra" not in log(f"failed at /mm7/acme=Zebra{rest}Zebra (why)")


def log(message: str, *arguments: object, **more: Any) -> str:
    """A record as it is written, in the usual form."""
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.addFilter(MaskingFilter())
    logger = logging.Logger("tried")
    logger.addHandler(handler)
    logger.error(message, *arguments, **more)
    return output.getvalue().removesuffix("\n")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('127.0.0.1 - - [1/Jan/2030] "POST /mm7/acme=s3cret HTTP/1.1" 200 -', None),
        ('127.0.0.1 - - [1/Jan/2030] "POST /mm7/acme=s3 cr et HTTP/1.1" 200 -', None),
        ('"GET /a?b=c HTTP/1.1" 200 "http://host/mm7/acme=s3cret" "curl/8.0"', None),
        ("\x1b[31mPOST /mm7/acme=s3cret HTTP/1.1\x1b[0m", "\x1b[31mPOST /mm7/acme=*** HTTP/1.1\x1b[0m"),
        ("Not Found: /mm7/acme=s3cret", "Not Found: /mm7/acme=***"),
        ('{"path": "/mm7/acme=s3cret", "status": 200}', '{"path": "/mm7/acme=***", "status": 200}'),
        ("upstream: http://127.0.0.1:80/mm7/acme=s3cret, host", "upstream: http://127.0.0.1:80/mm7/acme=***, host"),
        ("for http://acme:s3cret@host/ and /x", "for http://***@host/ and /x"),
        ("Authorization: Basic czNjcmV0", "Authorization: ***"),
        ('Authorization: Digest username="acme", nonce="1", response="s3cs3c", qop=auth', "Authorization: ***"),
        ("X: 1, 'HTTP_AUTHORIZATION': 'Digest username=\"a\", response=\"s3c\"'}", "X: 1, 'HTTP_AUTHORIZATION': '***"),
        ("{'HTTP_AUTHORIZATION': 'Basic czNjcmV0', 'X': 'y'}", "{'HTTP_AUTHORIZATION': '***', 'X': 'y'}"),
        ("(b'authorization', b'Basic czNjcmV0')", "(b'authorization', b'***')"),
        ("Content-Type is text/xml;charset=utf-8, x=y", "Content-Type is text/xml;charset=utf-8, x=y"),
        ("took 5 ms, a=b, /usr/lib/x.py", "took 5 ms, a=b, /usr/lib/x.py"),
    ],
)
def test_a_line_of_a_log_loses_the_secret_and_nothing_else(line: str, shown: str | None) -> None:
    assert log(line) == (shown or re.sub('(acme=)s3.*?(?=[" ]HTTP| HTTP|" ")', r"\1***", line))
    assert "s3c" not in log("%s", line)


def test_what_a_record_has_besides_is_masked_too() -> None:
    record = logging.makeLogRecord({"msg": "x", "uri": "/mm7/acme=s3cret", "size": 5, "stack_info": "at /a/b=s3cret"})
    assert MaskingFilter().filter(record)
    assert (record.uri, record.size, record.stack_info) == ("/mm7/acme=***", 5, "at /a/b=***")  # type: ignore[attr-defined]
    assert record.msg == "x"


def test_a_record_with_nothing_to_hide_stays_as_it_is() -> None:
    error = ValueError("x")
    record = logging.makeLogRecord({"msg": "%s of %d", "args": ("/a", 5), "exc_info": (type(error), error, None)})
    assert MaskingFilter().filter(record)
    assert (record.msg, record.args) == ("%s of %d", ("/a", 5))
    assert record.exc_info == (type(error), error, None)


def test_arguments_that_do_not_fit_are_not_shown() -> None:
    assert log("%d", "/mm7/acme=s3cret") == "%d (not with these arguments)"


def test_a_traceback_loses_the_secret_in_every_spelling() -> None:
    def server(environ: dict[str, object]) -> None:
        raise KeyError("s3cr&et", environ["PATH_INFO"], "s3cr%26et", "http://a:b@c/d")

    try:
        server({"PATH_INFO": "/mm7/acme=s3cr&et", "SCRIPT_NAME": ""})
    except KeyError:
        text = log("Error handling request %s", "/mm7/acme=s3cr%26et", exc_info=True)
    assert text.startswith("Error handling request /mm7/acme=***\nTraceback (most recent call last):\n")
    assert "KeyError: (" in text
    assert "s3cr" not in text
    assert "a:b" not in text
    assert log("no exception", exc_info=True) == "no exception\nNoneType: None"


@pytest.mark.parametrize(
    "line",
    [
        "/" * 65536, "://" * 20000, "=" * 65536, "/" + "%25" * 20000, "A " * 30000, "GET /" * 10000, "?/" * 30000,
        "authorization:" * 5000, "authorization:" + " " * 65536, '"' * 65536 + "/=x", "/=" + '"' * 65536 + "x",
        " HTTP/1" * 9000, "GET " * 15000 + "/",
    ],
    ids=lambda line: repr(line[:8]) + str(len(line)),
)  # fmt: skip
def test_a_long_line_is_masked_in_proportion_to_its_length(line: str) -> None:
    def seconds() -> float:
        """Of the processor, but for what looking for garbage among all the tests would take."""
        gc.disable()
        try:
            start = time.process_time()
            log(line)
            return time.process_time() - start
        finally:
            gc.enable()

    assert min(seconds() for _ in range(3)) < 1  # what grows with the square takes ten


def test_the_development_server_of_werkzeug_logs_no_secret() -> None:
    """The recipe of SECURITY.md."""
    import threading

    logger = logging.getLogger("werkzeug")
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    masking = MaskingFilter()

    def application(environ: Any, start_response: Any) -> Any:
        if "boom" in environ["PATH_INFO"]:
            raise KeyError(environ["PATH_INFO"], "s3cret")
        return MM7Endpoint(lambda request: None, accounts={"acme": "s3cret"})(environ, start_response)

    logger.addHandler(handler)
    logger.addFilter(masking)
    logger.setLevel(logging.INFO)
    server = make_server("127.0.0.1", 0, application, request_handler=WSGIRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        running = LIVE["Server"](None, server.server_port, None)
        for path in ("/mm7/acme=s3cret", "/mm7/acme%3Ds3cret?s3cret", "/mm7/acme%253ds3cret", "/mm7/boom=s3cret"):
            running.send(path, b"", {"Content-Type": "text/xml"})
        running.send_octets(b"POST /mm7/acme=s3 s3cret HTTP/1.1\r\n\r\n")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        logger.removeHandler(handler)
        logger.removeFilter(masking)
        logger.setLevel(logging.NOTSET)
    assert output.getvalue().count("/mm7/acme=***") >= 3
    assert "KeyError" in output.getvalue()
    assert "s3cret" not in output.getvalue()
