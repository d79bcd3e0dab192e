"""nginx, as docs/nginx.conf sets it up, in front of gunicorn with one worker that serves one request at a time."""

from __future__ import annotations

import os
import runpy
import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LIVE = runpy.run_path(str(HERE.parent / "live.py"))
WIRE = runpy.run_path(str(HERE / "wire.py"))
SITE = HERE.parents[1] / "docs" / "nginx.conf"
until = LIVE["until"]
post, chunked, message, digest, PATH = (WIRE[name] for name in ("post", "chunked", "message", "digest", "PATH"))

PATHS, HOST = WIRE["PATHS"], WIRE["HOST"]

MEGABYTE = 1024 * 1024
#: Octets of body that ``served.py`` and docs/nginx.conf allow.
LIMIT = 16 * MEGABYTE
TE = "Transfer-Encoding: chunked"
EXPECT = "Expect: 100-continue"


@pytest.fixture(scope="module")
def gunicorn(require: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    require("nginx")
    require("gunicorn")
    folder = tmp_path_factory.mktemp("gunicorn")
    shutil.copy(HERE / "served.py", folder)
    with LIVE["gunicorn"](folder, "served:behind_proxy", "--worker-class", "sync") as running:
        yield running


@pytest.fixture(scope="module")
def nginx(require: Any, gunicorn: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("nginx")
    with LIVE["nginx"](require("nginx"), folder, site(folder, gunicorn.port)) as running:
        yield running


def site(folder: Path, port: int) -> str:
    """docs/nginx.conf with addresses and places of this test."""
    text = SITE.read_text()
    for written, wanted in {
        "listen 80;": "listen 127.0.0.1:{port};",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{port};",
        "/var/log/nginx/mm7.log": f"{folder}/access",
        "/var/log/nginx/mm7-error.log": f"{folder}/error",
    }.items():
        assert text.count(written) == 1
        text = text.replace(written, wanted)
    return text


@pytest.fixture(autouse=True)
def _watched(gunicorn: Any, nginx: Any) -> Iterator[None]:
    """After each test the next request is served, nobody has failed, and no secret is in a log of nginx."""
    gunicorn.forget()
    yield
    gunicorn.forget()
    assert accepted(nginx, post("after"))
    assert transactions(gunicorn) == ["after"]
    assert "Traceback" not in gunicorn.log
    for name in ("access", "error", "log"):
        assert "s3cret" not in (nginx.folder / name).read_text(errors="replace")


def ask(server: Any, octets: bytes) -> Any:
    """The one answer to what is sent. nginx gives up a request whose client sends no more, so nothing is ended here."""
    with server.connect() as client:
        client.send(octets)
        return client.answer()


def accepted(server: Any, octets: bytes) -> bool:
    answer = ask(server, octets)
    return (answer.status, answer.code) == (200, 1000)


def transactions(server: Any) -> list[str]:
    """Those that the callback got."""
    return [call["transaction"] for call in server.calls]


def test_one_worker_serves_others_while_many_uploads_stall(nginx: Any, gunicorn: Any) -> None:
    request = post("slow", os.urandom(2 * MEGABYTE), EXPECT)
    stalled = []
    try:
        for _ in range(40):
            client = nginx.connect()
            stalled.append(client)
            client.send(request[:MEGABYTE])
            assert client.answer().status == 100  # so nginx is at the body
        for place in range(MEGABYTE, MEGABYTE + 5):
            stalled[0].send(request[place : place + 1])
            assert accepted(nginx, post("other"))
        stalled[0].send(request[MEGABYTE + 5 :])
        assert stalled[0].answer().code == 1000
    finally:
        for client in stalled:
            client.close()
    assert transactions(gunicorn) == ["other"] * 5 + ["slow"]


def test_one_worker_serves_others_while_many_heads_stall(nginx: Any, gunicorn: Any) -> None:
    request = post("slow")
    stalled = [nginx.connect() for _ in range(40)]
    try:
        for place in range(5):
            for client in stalled:
                client.send(request[place : place + 1])
            # It came later than those, and connections are taken in order: so nginx has them.
            assert accepted(nginx, post("other"))
        stalled[0].send(request[5:])
        assert stalled[0].answer().code == 1000
    finally:
        for client in stalled:
            client.close()
    assert transactions(gunicorn) == ["other"] * 5 + ["slow"]


def test_an_upload_that_breaks_off_never_gets_to_the_application(nginx: Any, gunicorn: Any) -> None:
    request = post("outer", bytes(2 * MEGABYTE))
    for sent in (10, 200, 1000, MEGABYTE, len(request) - 1):
        with nginx.connect() as client:
            client.send(request[:sent])
            assert client.answers() == []
    assert gunicorn.calls == []


def test_a_chunked_message_has_a_length_when_it_gets_to_the_application(nginx: Any, gunicorn: Any) -> None:
    _, body = message("outer")
    assert accepted(nginx, post(lengths=(TE,), body=chunked(body[:7], body[7:])))
    assert transactions(gunicorn) == ["outer"]


def test_nginx_allows_what_mm7_allows_and_no_more(nginx: Any, gunicorn: Any) -> None:
    """It refuses before anything is sent."""
    more = LIMIT - len(message("outer", b"")[1])
    assert accepted(nginx, post("outer", bytes(more)))
    for size in (LIMIT + 1, 10 * 10**9):
        assert ask(nginx, post(lengths=(f"Content-Length: {size}",), body=b"")).status == 413
    assert transactions(gunicorn) == ["outer"]


def test_a_chunked_body_without_end_is_refused_by_nginx(nginx: Any, gunicorn: Any) -> None:
    chunk = b"10000\r\n%s\r\n" % bytes(65536)
    with nginx.connect() as client:
        client.send(post(lengths=(TE,), body=b""))
        sender = threading.Thread(target=lambda: send_until_it_ends(client, chunk, 64 * MEGABYTE))
        sender.start()
        answer = client.answer()
        client.tear()
        sender.join()
    assert answer.status == 413
    assert gunicorn.calls == []


def send_until_it_ends(client: Any, piece: bytes, most: int) -> None:
    with suppress(OSError):
        for _ in range(most // len(piece)):
            client.send(piece)


def assert_one_reading(nginx: Any, gunicorn: Any, octets: bytes) -> None:
    """One answer, of whoever gives it. What follows on the connection is served as itself, or no more."""
    with nginx.connect() as client:
        client.send(octets)
        answer = client.answer()
        assert answer.status in (200, 400, 401, 411, 413, 500, 501)
        with suppress(ConnectionError):  # nginx ended it
            client.send(post("next", b"hello", "Connection: close"))
            answers = list(iter(client.answer, None))
            assert [(later.status, later.transaction[1]) for later in answers] in ([], [(200, "next")])
    assert transactions(gunicorn) in ([], ["outer"], ["next"], ["outer", "next"])
    assert ("outer" in transactions(gunicorn)) == (answer.status == 200)


@pytest.mark.parametrize("lines", WIRE["LENGTHS"].values(), ids=WIRE["LENGTHS"])
def test_a_length_has_one_reading(nginx: Any, gunicorn: Any, lines: tuple[str, ...]) -> None:
    assert_one_reading(nginx, gunicorn, post(lengths=lines))


@pytest.mark.parametrize("sent", WIRE["SMUGGLING"].values(), ids=WIRE["SMUGGLING"])
def test_a_request_has_one_reading(nginx: Any, gunicorn: Any, sent: bytes) -> None:
    assert_one_reading(nginx, gunicorn, sent)


def test_line_feeds_alone_have_one_reading(nginx: Any, gunicorn: Any) -> None:
    assert_one_reading(nginx, gunicorn, post(line_end="\n"))


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_requests_that_come_at_once_are_answered_in_their_order(nginx: Any, gunicorn: Any, version: str) -> None:
    names = [f"number-{number}" for number in range(10)]
    more = ("Connection: keep-alive",)
    with nginx.connect() as client:
        client.send(b"".join(post(name, name.encode(), *more, version=version) for name in names))
        answers = [client.answer() for _ in names]
    assert [answer.transaction[1] for answer in answers] == names
    assert [call["digest"] for call in gunicorn.calls] == [digest(name.encode()) for name in names]


def test_a_request_in_the_content_of_a_message_is_content(nginx: Any, gunicorn: Any) -> None:
    content = post("smuggled").replace(b"outer", b"inner") * 1000
    assert accepted(nginx, post("outer", content))
    assert [call["digest"] for call in gunicorn.calls] == [digest(content)]


@pytest.mark.parametrize("size", [10_000, 12 * MEGABYTE, 20 * MEGABYTE])
@pytest.mark.parametrize(
    ("status", "how"),
    [(401, {"path": "/mm7/acme=wrong"}), (415, {"lengths": ("Content-Length: {n}", "Content-Encoding: gzip")})],
    ids=["wrong password", "encoded"],
)
def test_a_body_that_is_not_read_is_not_taken_for_requests(
    nginx: Any, gunicorn: Any, status: int, how: dict[str, Any], size: int
) -> None:
    smuggled = post("smuggled")
    request = post(body=smuggled * (size // len(smuggled)), **how)
    with nginx.connect() as client:
        sender = threading.Thread(target=lambda: send_until_it_ends(client, request, len(request)))
        sender.start()
        with suppress(ConnectionError):
            found = client.answer().status
            if size > LIMIT:
                assert found == 413
            elif size > MEGABYTE:  # nginx may look for no answer where it could not send all
                assert found in (status, 502)
            else:
                assert found == status
        client.tear()
        sender.join()
    assert gunicorn.calls == []


def outcome(answer: Any) -> Any:
    """What became of a request that is not for MM7, or has no right credentials."""
    return HOST if (answer.status, answer["Content-Type"]) == (200, "text/plain") else answer.status


@pytest.mark.parametrize("path", PATHS, ids=lambda path: repr(path[:50]))
def test_no_path_leads_around_the_credentials(nginx: Any, gunicorn: Any, path: bytes) -> None:
    assert outcome(ask(nginx, post(path=path))) in PATHS[path]
    assert gunicorn.calls == []


def test_what_a_peer_says_of_its_address_is_not_believed(nginx: Any, gunicorn: Any) -> None:
    claim = "X-Forwarded-For: 192.0.2.7"
    assert accepted(gunicorn, post("outer", b"", claim, path="/mm7"))  # of the proxy it would be
    gunicorn.forget()
    for claims in ((claim,), (claim, claim), (claim.replace("-", "_"),), (f"{claim}, 192.0.2.7",)):
        assert ask(nginx, post("outer", b"", *claims, path="/mm7")).status == 401
    assert gunicorn.calls == []


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (b"/mm7/acme=s3cret", "/mm7/acme=***"),
        (b"/mm7/acme%3ds3cret", "/mm7/acme=***"),
        (b"/mm7/acme%3Ds3cret", "/mm7/acme=***"),
        (b"/%6dm7/acme=s3cret", "/%6dm7/acme=***"),
        (b"/mm7/acme=wrong=s3cret", "/mm7/acme=***"),
        (b"/mm7?acme=s3cret", "/mm7?acme=***"),
        (b"//mm7/acme=s3cret", "//mm7/acme=***"),
        (b"http://mms.example/mm7/acme=s3cret", "/mm7/acme=***"),
        (b"/mm7x", "/mm7x"),
    ],
    ids=lambda value: repr(value),
)
def test_the_access_log_has_the_account_and_no_password(nginx: Any, path: bytes, shown: str) -> None:
    ask(nginx, post(path=path))
    until(lambda: f'"POST {shown} HTTP/1.1"' in (nginx.folder / "access").read_text().rstrip("\n").rpartition("\n")[2])


def test_no_password_is_logged_where_the_application_is_gone(require: Any, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("gone")
    program = require("nginx")
    shutil.copy(HERE / "served.py", folder)
    with LIVE["gunicorn"](folder, "served:application") as gunicorn:
        folder = tmp_path_factory.mktemp("left")
        with LIVE["nginx"](program, folder, site(folder, gunicorn.port)) as nginx:
            gunicorn.process.terminate()
            gunicorn.process.wait(LIVE["TIMEOUT"])
            assert ask(nginx, post()).status == 502
    assert '"POST /mm7/acme=*** HTTP/1.1" 502 ' in (folder / "access").read_text()
    for name in ("access", "error", "log"):
        assert "s3cret" not in (folder / name).read_text()
