"""What only a real server and real sockets can show: gunicorn by itself, with each kind of worker.

After every test its worker is looked at from outside: it has served one more message, and has kept neither memory nor
files; see ``_watched``.
"""

from __future__ import annotations

import os
import runpy
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LIVE = runpy.run_path(str(HERE.parent / "live.py"))
WIRE = runpy.run_path(str(HERE / "wire.py"))
Worker, until = LIVE["Worker"], LIVE["until"]
post, chunked, message, digest, PATH = (WIRE[name] for name in ("post", "chunked", "message", "digest", "PATH"))
PATHS, HOST, LOST = WIRE["PATHS"], WIRE["HOST"], WIRE["LOST"]

THREADS = 4
MEGABYTE = 1024 * 1024
#: Octets of body that ``served.py`` allows.
LIMIT = 16 * MEGABYTE
#: Octets of memory that a worker may take in a test, whatever it is sent.
MEMORY = 16 * MEGABYTE
PROC = Path("/proc/self/clear_refs").exists()
CHUNKED = "/chunked/acme=s3cret"
TE = "Transfer-Encoding: chunked"
EXPECT = "Expect: 100-continue"


@pytest.fixture(scope="module", params=["sync", "gthread", "gevent"])
def kind(request: pytest.FixtureRequest, require: Any) -> str:
    """The worker class."""
    require("gunicorn")
    if request.param == "gevent":
        require("gevent")
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with served(tmp_path_factory.mktemp(kind), kind) as server:
        assert accepted(server, post("first"))  # what is imported late is there now
        yield server


def served(folder: Path, kind: str, *options: str) -> Any:
    shutil.copy(HERE / "served.py", folder)
    threads = THREADS if kind == "gthread" else 1
    return LIVE["gunicorn"](folder, "served:application", "--worker-class", kind, "--threads", str(threads), *options)


@pytest.fixture
def _watched(server: Any) -> Iterator[None]:
    """After the test, the worker is the same, and as it was."""
    number = worker_of(server)
    worker = Worker(number)
    logged = len(server.log)
    server.forget()
    if PROC:
        until(lambda: worker.open_files.count("a socket") == 1)  # that which listens
        files = worker.open_files
        worker.forget_peak()
        before = worker.peak
    yield
    server.forget()
    assert accepted(server, post("after"))
    assert [(call["transaction"], call["pid"]) for call in server.calls] == [("after", number)]
    assert "Traceback" not in server.log[logged:]
    if PROC:
        until(lambda: worker.open_files == files)
        assert worker.peak - before < MEMORY


watched = pytest.mark.usefixtures("_watched")


def worker_of(server: Any) -> int:
    """The number of the process that answers."""
    return int(server.send("/", method="GET")[1])


def ask(server: Any, octets: bytes) -> Any:
    """The one answer to what is sent."""
    with server.connect() as client:
        client.send(octets)
        (answer,) = client.answers()
    return answer


def accepted(server: Any, octets: bytes) -> bool:
    answer = ask(server, octets)
    return (answer.status, answer.code) == (200, 1000)


def transactions(server: Any) -> list[str]:
    """Those that the callback got."""
    return [call["transaction"] for call in server.calls]


def refusal(answer: Any) -> tuple[int, int, str]:
    """Of an answer of MM7: its HTTP status, its code, and its details."""
    assert answer["Content-Type"] == 'text/xml; charset="utf-8"'
    assert answer.name == "Fault"
    return answer.status, answer.code, answer.details


# -- lengths


@watched
@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_ten_gigabytes_are_refused_before_one_octet_of_them_is_sent(server: Any, connection: str) -> None:
    with server.connect() as client:
        client.send(
            post("outer", b"", f"Connection: {connection}", lengths=(f"Content-Length: {10 * 10**9}",), body=b"")
        )
        answer = client.answer()
    assert refusal(answer) == (413, 2004, f"the body is larger than {LIMIT} octets (body)")
    assert server.calls == []


@watched
@pytest.mark.parametrize("missing", [1, 2, 100, 5 * MEGABYTE])
def test_a_body_that_ends_too_early_is_answered_400(server: Any, missing: int) -> None:
    """Small ones from memory, large ones from a file."""
    request = post("outer", bytes(6 * MEGABYTE) if missing > 100 else b"")
    size = len(request.partition(b"\r\n\r\n")[2])
    answer = ask(server, request[:-missing])
    assert refusal(answer) == (400, 4004, f"the body ended after {size - missing} of {size} octets")
    assert server.calls == []


@watched
def test_who_goes_away_in_the_middle_leaves_nothing(server: Any) -> None:
    request = post("outer", bytes(6 * MEGABYTE))
    for sent in (10, 200, 400, 2 * MEGABYTE, len(request) - 1):
        with server.connect() as client:
            client.send(request[:sent])
    for sent in (200, 2 * MEGABYTE):  # or is torn away
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(request[:sent])
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert accepted(server, post("whole"))
    assert transactions(server) == ["whole"]


@watched
@pytest.mark.parametrize("lines", WIRE["LENGTHS"].values(), ids=WIRE["LENGTHS"])
def test_a_length_that_is_none_gets_one_refusal(server: Any, lines: tuple[str, ...]) -> None:
    assert_refused_alone(server, post(lengths=lines))


@watched
def test_blanks_around_a_length_are_no_part_of_it(server: Any) -> None:
    assert accepted(server, post(lengths=("Content-Length: \t {n} \t",)))
    assert transactions(server) == ["outer"]


def assert_refused_alone(server: Any, octets: bytes) -> None:
    """One refusal; what follows on the connection is served as itself, or no more."""
    with server.connect() as client:
        client.send(octets)
        answer = client.answer()
        assert answer.status in (400, 413, 431, 501)
        with suppress(ConnectionError):  # the server ended it
            client.send(post("next"))
            answers = client.answers()
            assert [(later.status, later.transaction[1]) for later in answers] in ([], [(200, "next")])
    assert set(transactions(server)) <= {"next"}


# -- chunked bodies


@watched
def test_a_chunked_body_is_taken_where_that_is_allowed(server: Any) -> None:
    _, body = message("outer")
    good = chunked(body[:7], body[7:])
    answers = {
        "in two chunks": good,
        "with extensions": good.replace(b"7\r\n", b'7;name;other=value;third="a ; b"\r\n', 1),
        "with trailers": good[:-2] + b"X-Digest: 1\r\nX-Other: 2\r\n\r\n",
        "with a size in capitals and zeros": b"000%X\r\n%s\r\n0\r\n\r\n" % (len(body), body),
    }
    for number, (name, sent) in enumerate(answers.items(), 1):
        assert accepted(server, post(path=CHUNKED, lengths=(TE,), body=sent)), name
        assert transactions(server) == ["outer"] * number


@watched
def test_a_chunked_body_is_answered_411_where_it_is_not_allowed(server: Any) -> None:
    _, body = message("outer")
    answer = ask(server, post(lengths=(TE, "Connection: close"), body=chunked(body)))
    assert refusal(answer) == (
        411,
        4004,
        "the body comes with Transfer-Encoding: chunked; chunked bodies are not taken, send a Content-Length",
    )
    assert server.calls == []


@watched
@pytest.mark.parametrize("size", [65536, 1024])
def test_a_chunked_body_without_end_is_refused_where_the_limit_is(server: Any, size: int) -> None:
    """Memory is bounded by ``MEMORY``, and the file by what ``served.py`` lets a file have."""
    piece = bytes(size)
    chunk = (b"%x\r\n%s\r\n" % (len(piece), piece)) * (65536 // len(piece))
    with server.connect() as client:
        client.send(post(path=CHUNKED, lengths=(TE,), body=b""))
        sender = threading.Thread(target=lambda: send_until_it_ends(client, chunk, 64 * MEGABYTE))
        sender.start()
        answer = client.answer()
        client.tear()
        sender.join()
    assert refusal(answer) == (413, 2004, f"the body is larger than {LIMIT} octets (body)")
    assert server.calls == []


def send_until_it_ends(client: Any, piece: bytes, most: int) -> None:
    with suppress(OSError):
        for _ in range(most // len(piece)):
            client.send(piece)


@watched
@pytest.mark.parametrize(
    "sent",
    [
        b"xyz\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"1_0\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"\xef\xbc\x95\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5\r\nhelloo\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5;a=\r b\r\nhello\r\n0\r\n\r\n",
        b"5;" + b"x" * 65536 + b"\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nno trailer\r\n\r\n",
        b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n",
        b"5\r\nhello\r\n0\r\n" + b"X-Trailer: x\r\n" * 150_000 + b"\r\n",
        b"f" * 15 + b"\r\nhello",
        b"f" * 5000 + b"\r\nhello",
        b"5\r\nhel",
        b"5\r\nhello",
        b"5\r\nhello\r\n",
        b"5\r\nhello\r\n0",
        b"5\r\nhello\r\n0\r\n",
        b"",
    ],
    ids=lambda sent: repr(sent[:24]),
)
def test_chunks_that_cannot_be_read_are_answered_400(server: Any, sent: bytes) -> None:
    answers = []
    with server.connect() as client, suppress(OSError):
        client.send(post(path=CHUNKED, lengths=(TE,), body=sent))
        answers = client.answers()
    if answers or len(sent) < 60_000:  # where the server has not read all of it, its answer may not come
        status, code, details = refusal(*answers)
        assert (status, code) == (400, 4004)
        assert details in ("the body broke off after 0 octets", "the body broke off after 5 octets")
    assert server.calls == []


# -- slowness


def stalling(kind: str) -> int:
    """How many may stall while others are served."""
    if kind == "sync":
        pytest.skip("a sync worker serves one at a time, so it needs a proxy before it")
    return THREADS - 1 if kind == "gthread" else 40


@watched
def test_others_are_served_while_uploads_stall(server: Any, kind: str) -> None:
    slow = stalling(kind)
    stalled = []
    try:
        for number in range(slow):
            client = server.connect()
            stalled.append(client)
            client.send(post(f"slow-{number}", b"hello", EXPECT)[:-50])
            assert client.answer().status == 100  # so it is with a worker
        for number in range(5):
            stalled[0].send(post("slow-0", b"hello", EXPECT)[-50 + number :][:1])
            assert accepted(server, post("other"))
        stalled[0].send(post("slow-0", b"hello", EXPECT)[-45:])
        for number, client in enumerate(stalled[1:-1], 1):
            client.send(post(f"slow-{number}", b"hello", EXPECT)[-50:])
        for number, client in enumerate(stalled[:-1]):  # and one of them never goes on
            answer = client.answer()
            assert (answer.code, answer.transaction[1]) == (1000, f"slow-{number}")
    finally:
        for client in stalled:
            client.close()
    assert sorted(transactions(server)) == sorted(["other"] * 5 + [f"slow-{number}" for number in range(slow - 1)])


@watched
def test_others_are_served_while_heads_stall(server: Any, kind: str) -> None:
    slow = stalling(kind)
    request = post("slow")
    stalled = [server.connect() for _ in range(slow)]
    try:
        for place in range(5):
            for client in stalled:
                client.send(request[place : place + 1])
            # It came later than those, and connections are taken in order: so they are with a worker.
            assert accepted(server, post("other"))
        stalled[0].send(request[5:])
        assert stalled[0].answer().code == 1000
    finally:
        for client in stalled:
            client.close()
    assert transactions(server) == ["other"] * 5 + ["slow"]


# -- paths


def outcome(answer: Any) -> Any:
    """What became of a request that is not for MM7, or has no right credentials."""
    return HOST if (answer.status, answer["Content-Type"]) == (200, "text/plain") else answer.status


@watched
@pytest.mark.parametrize("path", PATHS, ids=lambda path: repr(path[:50]))
def test_no_path_leads_around_the_credentials(server: Any, path: bytes) -> None:
    try:
        found = outcome(ask(server, post(path=path)))
    except ConnectionError:  # the server has not read all of it, and so not all of its answer comes
        found = LOST
    assert found in PATHS[path]
    assert server.calls == []


@watched
@pytest.mark.parametrize(
    "path", [b"http://mms.example" + PATH.encode(), PATH.encode() + b"?x=1", b"/mm7%2facme=s3cret"]
)
def test_a_path_can_be_written_otherwise(server: Any, path: bytes) -> None:
    assert accepted(server, post(path=path))


@watched
def test_an_address_is_not_believed_of_a_header(server: Any) -> None:
    claims = (
        "X-Forwarded-For: 192.0.2.7",
        "X-Real-IP: 192.0.2.7",
        "Forwarded: for=192.0.2.7",
        "Remote-Addr: 192.0.2.7",
    )
    assert ask(server, post("outer", b"", *claims, path="/mm7")).status == 401
    for claim in claims:
        assert ask(server, post("outer", b"", claim.replace("-", "_"), path="/mm7")).status == 401
    assert server.calls == []


# -- two requests in one


@watched
@pytest.mark.parametrize("sent", WIRE["SMUGGLING"].values(), ids=WIRE["SMUGGLING"])
def test_a_request_that_is_two_for_another_reader_is_refused(server: Any, sent: bytes) -> None:
    assert_refused_alone(server, sent)


@watched
def test_line_feeds_alone_end_no_line_of_the_head(server: Any) -> None:
    assert_refused_alone(server, post(line_end="\n"))


@watched
@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
def test_requests_that_come_at_once_are_answered_in_their_order(server: Any, kind: str, version: str) -> None:
    more = ("Connection: keep-alive",)
    with server.connect() as client:
        client.send(b"".join(post(f"number-{number}", b"x" * number, *more, version=version) for number in range(10)))
        answers = client.answers()
    found = [answer.transaction[1] for answer in answers]
    assert found == [f"number-{number}" for number in range(1 if kind == "sync" else 10)]
    assert transactions(server) == found
    assert {answer.message_id for answer in answers} == {call["message_id"] for call in server.calls}


@watched
def test_a_request_in_the_content_of_a_message_is_content(server: Any) -> None:
    content = post("smuggled").replace(b"outer", b"inner") * 3
    assert accepted(server, post("outer", content))
    (call,) = server.calls
    assert (call["transaction"], call["digest"]) == ("outer", digest(content))


EARLY: dict[str, tuple[int, dict[str, Any]]] = {
    "wrong password": (401, {"path": "/mm7/acme=wrong"}),
    "chunked": (411, {"lengths": (TE,)}),
    "too large": (413, {"lengths": (f"Content-Length: {LIMIT + 1}",)}),
    "encoded": (415, {"lengths": ("Content-Length: {n}", "Content-Encoding: gzip")}),
}


@watched
@pytest.mark.parametrize("size", [10_000, 20 * MEGABYTE])
@pytest.mark.parametrize(("status", "how"), EARLY.values(), ids=EARLY)
def test_a_body_that_is_not_read_is_not_taken_for_requests(
    server: Any, status: int, how: dict[str, Any], size: int
) -> None:
    """The body is nothing but requests. Its sender gets the answer, or sees that the connection has ended."""
    smuggled = post("smuggled")
    body = smuggled * (size // len(smuggled))
    answers = []
    with server.connect() as client:
        request = post(**how, body=chunked(body) if status == 411 else body)
        sender = threading.Thread(target=lambda: send_until_it_ends(client, request, len(request)))
        sender.start()
        with suppress(ConnectionError):
            answers += [client.answer()]
            if size > MEGABYTE:
                client.tear()
            sender.join()
            answers += client.answers()
        client.tear()
        sender.join()
    if status != 413:
        assert [answer.status for answer in answers] in ([], [status])
    assert size > MEGABYTE or answers
    assert server.calls == []


WRITTEN_FIRST: dict[str, tuple[int, dict[str, Any]]] = {
    "too large": (413, {}),
    "chunked": (411, {"lengths": (TE,), "body": chunked(*[bytes(64 * 1024)] * 320)}),
    "encoded": (415, {"lengths": ("Content-Length: {n}", "Content-Encoding: gzip")}),
    "Expect": (413, {"lengths": ("Content-Length: {n}", EXPECT)}),
}


@watched
@pytest.mark.parametrize(("status", "how"), WRITTEN_FIRST.values(), ids=WRITTEN_FIRST)
def test_a_client_that_writes_everything_first_sees_the_answer(
    server: Any, kind: str, status: int, how: dict[str, Any]
) -> None:
    """As SAAJ does, which never saw the 413 of 20 MB. The connection is fit for the next request afterwards."""
    request = post(**{"body": bytes(20 * MEGABYTE), **how})
    expected = [100, status] if EXPECT in how.get("lengths", ()) else [status]
    for _ in range(4):
        with server.connect() as client:
            client.send(request)
            assert [client.answer().status for _ in expected] == expected
            if kind != "sync":
                client.send(post("next"))
                assert client.answer().transaction[1] == "next"
    assert transactions(server) == ["next"] * (0 if kind == "sync" else 4)


@watched
@pytest.mark.parametrize("sent", [0, 1000, MEGABYTE])
def test_a_client_that_stalls_after_an_early_answer_is_shut_out(server: Any, sent: int) -> None:
    """That the worker is the same afterwards says that it was not the timeout of gunicorn that ended it."""
    with server.connect() as client:
        client.send(post(path="/hasty/acme=s3cret", lengths=(f"Content-Length: {LIMIT + 1}",), body=bytes(sent)))
        assert client.answer().status == 413
        assert client.answer() is None
    assert server.calls == []


# -- many at once


@watched
def test_fifty_at_once_each_get_the_answer_to_what_they_sent(server: Any) -> None:
    """Every fifth is up to something. All that are to be answered begin before any is done."""
    content = {number: os.urandom(2000) * (1000 if number % 10 == 7 else 1) for number in range(50)}
    hostile = {
        0: lambda number: post(f"bad-{number}", content[number], path="/mm7/acme=wrong"),
        5: lambda number: post(f"bad-{number}", content[number])[:-9],
        10: lambda number: post(f"bad-{number}", content[number], TE),
        15: lambda number: post(f"bad-{number}", content[number]).replace(b"SubmitReq>", b"SubmitReq<"),
    }
    barrier = threading.Barrier(50, timeout=LIVE["TIMEOUT"])

    def send(number: int) -> Any:
        good = number % 5 != 0
        request = post(f"good-{number}", content[number]) if good else hostile[number % 20](number)
        with server.connect() as client:
            client.send(request[:100])
            barrier.wait()
            client.send(request[100:])
            (answer,) = client.answers()
        return answer

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))
    good = [number for number in range(50) if number % 5]
    assert [(answers[number].code, answers[number].transaction[1]) for number in good] == [
        (1000, f"good-{number}") for number in good
    ]
    assert {answers[number].status for number in range(0, 50, 5)} == {400, 401, 500}
    calls = {call["transaction"]: call for call in server.calls}
    assert len(server.calls) == len(calls) == len(good)
    for number in good:
        call = calls[f"good-{number}"]
        assert call["digest"] == digest(content[number])
        assert call["message_id"] == answers[number].message_id


# -- callbacks that fail


def accepted_if_reached(server: Any, octets: bytes) -> bool:
    """False where the connection was still taken by a worker that ends."""
    try:
        return accepted(server, octets)
    except (ConnectionError, ValueError):  # a reset, or no answer
        return False


@pytest.mark.parametrize(
    ("deed", "reason"),
    [("raises", "KeyError: 'a mistake of the host'"), ("returns", "TypeError: the handler returned str")],
)
def test_a_callback_that_fails_is_answered_3000(server: Any, deed: str, reason: str) -> None:
    server.forget()
    answer = ask(server, post(deed, bytes(2 * MEGABYTE)))
    assert (answer.status, answer.code, answer.faultcode) == (500, 3000, "Server")
    assert transactions(server) == [deed]
    assert reason in server.log
    assert accepted(server, post("next"))
    assert unlinked(worker_of(server)) == 1


def unlinked(number: int) -> int:
    """How many files without a name a worker has; gunicorn has one for itself."""
    return sum(name.endswith("(deleted)") for name in Worker(number).open_files) if PROC else 1


def test_a_callback_that_exits_is_never_answered_1000(server: Any) -> None:
    """gunicorn ends the request or the worker."""
    server.forget()
    with server.connect() as client:
        client.send(post("exits", bytes(2 * MEGABYTE)))
        answers = client.answers()
    assert [answer.status for answer in answers] in ([], [500])
    assert all(b"1000" not in answer.body for answer in answers)
    assert transactions(server) == ["exits"]
    until(lambda: accepted_if_reached(server, post("next")))
    assert unlinked(worker_of(server)) == 1


@pytest.mark.parametrize("kind", ["sync"], indirect=True)
def test_a_callback_that_hangs_is_ended_with_its_worker(kind: str, tmp_path: Path) -> None:
    # Loaded before the fork: the time that a worker takes to start counts as well.
    with served(tmp_path, kind, "--preload", "--timeout", "4") as server:
        number = worker_of(server)
        with server.connect() as client:
            client.send(post("hangs", bytes(2 * MEGABYTE)))
            answers = client.answers()
        assert [answer.status for answer in answers] in ([], [500])
        assert all(b"1000" not in answer.body for answer in answers)
        assert transactions(server) == ["hangs"]
        until(lambda: accepted_if_reached(server, post("next")))
        assert worker_of(server) != number


# -- workers that come and go


def test_workers_that_are_replaced_under_load_lose_nothing(kind: str, tmp_path: Path) -> None:
    """And those that were forked from one process that had loaded everything do not give one MessageID twice."""
    names: list[str] = []
    options = ["--preload", "--workers", "3", "--max-requests", "5", "--max-requests-jitter", "5"]
    with served(tmp_path, kind, *options) as server, ThreadPoolExecutor(6) as pool:
        while len({call["pid"] for call in server.calls}) < 6:
            more = [f"number-{number}" for number in range(len(names), len(names) + 30)]
            answers = list(pool.map(lambda name: ask(server, post(name, b"x" * 5000, "Connection: close")), more))
            assert [(answer.code, answer.transaction[1]) for answer in answers] == [(1000, name) for name in more]
            names += more
            assert len(names) < 10_000, "no worker was replaced"
        assert sorted(transactions(server)) == sorted(names)
        assert len({call["message_id"] for call in server.calls}) == len(names)
        assert "Traceback" not in server.log


def test_an_upload_that_is_under_way_when_the_server_is_stopped_is_finished(kind: str, tmp_path: Path) -> None:
    content = os.urandom(2 * MEGABYTE)
    request = post("outer", content, EXPECT)
    with served(tmp_path, kind) as server:
        with server.connect() as client:
            client.send(request[:MEGABYTE])
            assert client.answer().status == 100  # so it is with a worker
            server.process.terminate()
            until(lambda: "Handling signal: term" in server.log)
            client.send(request[MEGABYTE:])
            (answer,) = client.answers()
        assert (answer.status, answer.code) == (200, 1000)
        assert server.process.wait(LIVE["TIMEOUT"]) == 0
        assert [call["digest"] for call in server.calls] == [digest(content)]
        assert "Traceback" not in server.log
