"""A real server, real sockets, and the messages of the examples as curl sends them."""

from __future__ import annotations

import os
import runpy
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

LIVE = runpy.run_path(str(Path(__file__).with_name("live.py")))
TIMEOUT = LIVE["TIMEOUT"]
MESSAGES = Path(__file__).resolve().parents[1] / "examples" / "messages"
NAMES = sorted(path.stem for path in MESSAGES.glob("*.body"))

# What is served: each callback leaves a line in the file "calls", so that what happened can be seen from outside.
APPLICATION = '''
import json, os, pathlib
from mm7_wsgi import Limits, MM7Middleware

HERE = pathlib.Path(__file__).parent

def unlinked():
    """How many files without a name this process has open."""
    found = 0
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        try:
            found += "(deleted)" in os.readlink("/proc/self/fd/" + number)
        except FileNotFoundError:
            pass
    return found

def handler(request):
    size = 0
    for part in request.leaves():
        with part.open() as stream:
            while piece := stream.read(65536):
                size += len(piece)
    line = {
        "operation": request.message.element_name,
        "transaction": request.transaction_id,
        "octets": size,
        "unlinked": unlinked(),
    }
    with open(HERE / "calls", "a") as calls:
        calls.write(json.dumps(line) + "\\n")

def rest(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % unlinked()]

application = MM7Middleware(rest, handler, accounts={"acme": "s3cret"}, limits=Limits(body=32 * 1024 * 1024))
'''


@pytest.fixture(scope="module", params=["sync", "gthread"])
def server(request: pytest.FixtureRequest, require: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    require("gunicorn")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "served.py").write_text(APPLICATION)
    options = ["--worker-class", request.param, "--threads", "2" if request.param == "gthread" else "1"]
    with LIVE["gunicorn"](folder, "served:application", *options) as running:
        yield running
    assert "Traceback" not in running.log


@pytest.fixture(autouse=True)
def _from_the_beginning(server: Any) -> None:
    server.forget()


def code_in(answer: bytes) -> str | None:
    return ElementTree.fromstring(answer).findtext(".//{*}StatusCode")


def example(name: str = "submit") -> tuple[dict[str, str], bytes]:
    lines = (MESSAGES / f"{name}.headers").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines), (MESSAGES / f"{name}.body").read_bytes()


def raw(body: bytes, length: int | None = None, path: str = "/mm7/acme=s3cret") -> bytes:
    headers, _ = example()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{head}Content-Length: {len(body) if length is None else length}\r\n\r\n".encode() + body


def test_there_are_messages_to_send() -> None:
    assert {"submit", "smil", "deliver", "delivery-report", "cancel"} <= set(NAMES)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("name", NAMES)
def test_curl_sends_each_example_and_is_answered_1000(server: Any, name: str) -> None:
    command = ["curl", "--silent", "--show-error", "--max-time", str(TIMEOUT), "--noproxy", "*"]
    command += ["-H", f"@{name}.headers", "--data-binary", f"@{name}.body", "-w", "\n%{http_code} %{content_type}"]
    done = subprocess.run([*command, server.url()], cwd=MESSAGES, capture_output=True, timeout=2 * TIMEOUT, check=True)
    answer, _, facts = done.stdout.rpartition(b"\n")
    assert facts == b'200 text/xml; charset="utf-8"'
    assert code_in(answer) == "1000"
    assert len(server.calls) == 1


def test_a_wrong_password_is_answered_401_with_a_challenge(server: Any) -> None:
    headers, body = example()
    response, answer = server.send("/mm7/acme=wrong", body, headers)
    assert (response.status, code_in(answer)) == (401, "4001")
    assert str(response.getheader("WWW-Authenticate")).startswith("Basic ")
    assert server.calls == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_another_method_is_answered_405(server: Any, method: str) -> None:
    response, answer = server.send("/mm7", method=method)
    assert (response.status, response.getheader("Allow")) == (405, "POST")
    assert (answer == b"") == (method == "HEAD")
    assert int(str(response.getheader("Content-Length"))) > 0


def test_a_chunked_body_is_answered_411(server: Any) -> None:
    headers, body = example()
    response, answer = server.send("/mm7/acme=s3cret", iter([body]), headers, encode_chunked=True)
    assert (response.status, code_in(answer)) == (411, "4004")
    assert server.calls == []


def test_the_password_may_be_escaped_and_the_rest_is_the_applications(server: Any) -> None:
    headers, body = example()
    response, answer = server.send("/mm7/acme=s3cre%74", body, headers)
    assert (response.status, code_in(answer)) == (200, "1000")
    for path in ("/mm7x", "/mm7/other", "//mm7/acme=s3cret"):
        response, answer = server.send(path, body, headers)
        assert (response.status, response.getheader("Content-Type")) == (200, "text/plain")
    assert len(server.calls) == 1


def test_a_body_that_is_cut_off_is_not_handed_over_and_the_server_lives_on(server: Any) -> None:
    headers, body = example()
    for cut in (0, 1, len(body) // 2, body.rindex(b"\r\n--"), len(body) - 1):
        answer = server.send_octets(raw(body[:cut], len(body)))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert code_in(answer.partition(b"\r\n\r\n")[2]) == "4004"
    # One that goes without waiting for an answer.
    with socket.create_connection(("127.0.0.1", server.port), TIMEOUT) as client:
        client.sendall(raw(body[:50], len(body)))
    assert server.calls == []
    response, answer = server.send("/mm7/acme=s3cret", body, headers)
    assert (response.status, code_in(answer)) == (200, "1000")
    assert len(server.calls) == 1


def test_a_body_in_small_pieces_is_read_whole(server: Any) -> None:
    _, body = example("smil")
    headers, _ = example("smil")
    head = "POST /mm7/acme=s3cret HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    answer = server.send_octets(*(request[start : start + 97] for start in range(0, len(request), 97)))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert code_in(answer.partition(b"\r\n\r\n")[2]) == "1000"


def test_twenty_megabytes_go_through_a_file_that_is_gone_afterwards(server: Any) -> None:
    headers, body = example()
    (_, before) = server.send("/", method="GET")
    boundary = headers["Content-Type"].partition('boundary="')[2].partition('"')[0].encode()
    media = b"\r\n--" + boundary + b"\r\nContent-Type: video/3gpp\r\n\r\n" + bytes(20 * 1024 * 1024)
    whole = body.replace(b"\r\n--" + boundary + b"--", media + b"\r\n--" + boundary + b"--")
    assert len(whole) > 20 * 1024 * 1024
    response, answer = server.send("/mm7/acme=s3cret", whole, headers)
    assert (response.status, code_in(answer)) == (200, "1000")
    (call,) = server.calls
    assert call["octets"] > 20 * 1024 * 1024
    if os.path.isdir("/proc/self/fd"):
        assert call["unlinked"] > int(before)
    (_, after) = server.send("/", method="GET")
    assert after == before
