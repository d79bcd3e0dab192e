"""What becomes of small messages that were rebuilt from public bug reports and recordings.

``MM7_FIELD`` names the folder with them. What each has to come out as is written down here, from its index: on an
endpoint, and in ``inspect``.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import run_wsgi_app

from mm7_wsgi import Limits, MM7Endpoint, MM7Request
from mm7_wsgi.testing import Answer

FOLDER = os.environ.get("MM7_FIELD")
PNG = 413

if not FOLDER:
    pytest.skip("MM7_FIELD names no folder of messages", allow_module_level=True)


class Recording(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def read(cls, name: str) -> Recording:
        head, _, body = path_of(name).read_bytes().partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return cls(line, headers, body)

    def environ(self, **more: Any) -> dict[str, Any]:
        """The request as a server hands it over: no byte behind its Content-Length, and no chunks."""
        headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.headers.items()}
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": "/mm7",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.url_scheme": "http",
            "wsgi.errors": io.StringIO(),
            "CONTENT_TYPE": headers.pop("HTTP_CONTENT_TYPE"),
            **headers,
        }
        body = self.body
        if "HTTP_CONTENT_LENGTH" in environ:
            environ["CONTENT_LENGTH"] = environ.pop("HTTP_CONTENT_LENGTH")
            body = body[: int(environ["CONTENT_LENGTH"])]
        else:
            body = b"".join(re.findall(rb"[0-9a-f]+\r\n(.*?)\r\n(?=[0-9a-f]+\r\n)", body, re.DOTALL))
            environ["wsgi.input_terminated"] = True
        return {**environ, "wsgi.input": io.BytesIO(body), **more}


def path_of(name: str) -> Path:
    [path] = Path(FOLDER or "").glob(f"{name}-*.http")
    return path


class Kept(NamedTuple):
    """One request as the handler saw it."""

    message: Any
    account: str
    data: list[bytes]
    texts: list[str]
    names: list[str | None]
    deviations: set[str]


class Handler:
    def __init__(self) -> None:
        self.kept: list[Kept] = []

    def __call__(self, request: MM7Request) -> None:
        leaves = list(request.leaves())
        self.kept.append(
            Kept(
                request.message,
                request.account.name,
                [leaf.data for leaf in leaves],
                [leaf.text for leaf in leaves if leaf.content_type.startswith("text/")],
                [leaf.filename for leaf in leaves],
                {deviation.name for deviation in request.deviations},
            )
        )


def send(name: str, environ: dict[str, Any] | None = None, **settings: Any) -> tuple[Answer, list[Kept]]:
    handler = Handler()
    settings = {"accounts": {"acme": "s3cret"}, **settings}
    application = MM7Endpoint(handler, **settings)
    return ask(application, Recording.read(name).environ(**(environ or {}))), handler.kept


def ask(application: Any, environ: dict[str, Any]) -> Answer:
    pieces, status, headers = run_wsgi_app(application, environ, buffered=True)
    return Answer(int(status.partition(" ")[0]), headers, b"".join(pieces))


# -- requests that are read


def sizes(*expected: int) -> Callable[[Kept], None]:
    def check(kept: Kept) -> None:
        assert [len(data) for data in kept.data] == list(expected)

    return check


def has_subject(kept: Kept) -> None:
    assert kept.message.subject == "Party \U0001f389"


def ends_in_emoji(kept: Kept) -> None:
    assert kept.texts[-1].endswith("\U0001f602")


def has_status_text(kept: Kept) -> None:
    assert kept.message.status_text == "Error 4446 - carrier refused [ref: 7]"


def has_status(kept: Kept) -> None:
    assert (kept.message.message_id, kept.message.recipient.value) == ("0817", "13000000002")
    assert kept.message.mm_status is not None


def has_content(kept: Kept) -> None:
    assert kept.data == [b"actual content"]
    assert [address.value for address in kept.message.recipients.to] == ["12025550142"]


def has_names(kept: Kept) -> None:
    assert kept.names == ["IMG 1234.PNG", *["\u56fe\u7247.png"] * 3, None]
    assert kept.texts == ["na\u00efve \u2014 106 is UTF-8"]


def is_noted(kept: Kept) -> None:
    assert kept.deviations == {"encoding-undeclared"}
    assert kept.data[0].startswith(b"iVBOR"), "the data stays as it was sent"


def is_offer(kept: Kept) -> None:
    assert kept.texts == ["\u201cOffer\u201d \u2013 only \u20ac5"]


def is_big_endian(kept: Kept) -> None:
    assert kept.data[0].decode("utf-16-be") == kept.texts[0]
    assert not kept.deviations


READ: dict[str, Callable[[Kept], None]] = {
    "01": sizes(91, PNG, 14),
    "05": sizes(PNG, 62),
    "09": sizes(5),
    "13": has_subject,
    "17": ends_in_emoji,
    "20": has_status_text,
    "24": has_status,
    "27": has_content,
    "31": sizes(86, 9),
    "36": has_names,
    "38": sizes(PNG),
    "39": is_noted,
    "52": is_offer,
    "53": is_big_endian,
}


@pytest.mark.parametrize("name", READ)
def test_a_message_that_has_one_reading_is_read(name: str) -> None:
    answer, kept = send(name)
    assert (answer.http_status, answer.status_code) == (200, 1000), answer.details
    [one] = kept
    READ[name](one)


@pytest.mark.parametrize(
    ("name", "http_status", "words"),
    [
        ("02", 500, "a delimiter stands in the middle of a line"),
        ("06", 500, "the body ends at its Content-Length of 1907 bytes without the close delimiter"),
        ("08", 500, "the body ends at its Content-Length of 924 bytes without the close delimiter"),
        ("32", 500, ""),
        ("42", 411, "chunked"),
    ],
)
def test_a_message_that_is_not_whole_is_refused_with_the_reason(name: str, http_status: int, words: str) -> None:
    answer, kept = send(name)
    assert (answer.http_status, answer.status_code) == (http_status, 4004)
    assert words in (answer.details or "")
    assert not kept


def test_a_chunked_body_is_taken_where_that_is_allowed() -> None:
    answer, [kept] = send("42", allow_chunked=True)
    assert answer.accepted
    assert kept.data == [b"hello"]


def test_two_reports_under_one_transaction_are_two(tmp_path: Path) -> None:
    from mm7_wsgi.spool import Spool, TransactionLog

    for handler, log in (
        (Handler(), TransactionLog(tmp_path / "log.db")),
        (Spool(tmp_path / "spool.db"), None),
    ):
        application = MM7Endpoint(handler, accounts={"acme": "s3cret"}, transactions=log)
        for name in ("57", "58", "58", "57"):
            assert ask(application, Recording.read(name).environ()).accepted
        if isinstance(handler, Handler):
            assert len(handler.kept) == 2
        else:
            assert handler.messages.counts()["waiting"] == 2


def test_the_port_of_an_address_behind_a_proxy_is_taken_off() -> None:
    handler = Handler()
    application = ProxyFix(MM7Endpoint(handler, accounts={"203.0.113.9": None}))
    assert ask(application, Recording.read("59").environ()).accepted
    assert handler.kept[0].account == "203.0.113.9"


# -- what inspect says


@pytest.mark.parametrize("name", [*READ, "57", "58", "59"])
def test_inspect_says_that_it_is_accepted(name: str) -> None:
    assert inspected(name).accepted


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("02", "a delimiter stands in the middle of a line"),
        ("06", "it may have been cut off"),
        ("08", "it may have been cut off"),
        ("32", ""),
    ],
)
def test_inspect_says_why_it_is_refused(name: str, words: str) -> None:
    found = inspected(name)
    assert not found.accepted
    assert words in (found.refusal or "")


@pytest.mark.parametrize(("name", "code"), [("60", 4004), ("62", 6102)])
def test_an_answer_is_readable(name: str, code: int) -> None:
    found = inspected(name)
    assert found.accepted, found.refusal
    message: Any = found.message
    assert (message.error if hasattr(message, "error") else message).status.status_code == code


def inspected(name: str) -> Any:
    from mm7_wsgi.tools.inspection import inspect
    from mm7_wsgi.tools.recording import read_recording

    with path_of(name).open("rb") as stream:
        recording = read_recording(stream, Limits())
    try:
        return inspect(recording, file=name)
    finally:
        recording.close()
