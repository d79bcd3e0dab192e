"""A claim of a process that is gone is taken over at once, and never one of a process that is at work."""

from __future__ import annotations

import builtins
import os
import runpy
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MM7Request
from mm7_wsgi.spool import TransactionLog, processes
from mm7_wsgi.testing import submit

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
LIVE = runpy.run_path(str(Path(__file__).parents[1] / "live.py"))
Look, fork, peer = KIT["Look"], KIT["fork"], KIT["peer"]
TOKEN = bytes(range(16))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says when a process began")


# -- names of processes


@pytest.fixture
def child() -> Iterator[Any]:
    """A process at work; ``owner`` is what it claims with."""

    def work(tell: Callable[[Any], None]) -> None:
        tell(processes.identify())
        signal.pause()

    with fork(work) as child:
        child.owner = TOKEN + child.next()
        yield child


def test_a_process_has_one_name_and_a_child_another(child: Any) -> None:
    mine = processes.identify()
    assert len(mine) == 28
    assert mine == processes.identify()
    assert mine[:16] == child.owner[16:32]
    assert mine[16:] != child.owner[32:]


def test_a_process_that_is_at_work_is_not_gone(child: Any) -> None:
    assert not processes.is_gone(child.owner)
    assert not processes.is_gone(TOKEN + processes.identify())
    os.kill(child.pid, signal.SIGSTOP)
    assert not processes.is_gone(child.owner)
    os.kill(child.pid, signal.SIGCONT)


def test_a_process_that_was_killed_is_gone_before_and_after_its_parent_has_asked(child: Any) -> None:
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays as a zombie
    assert processes.is_gone(child.owner)
    child.wait()
    assert processes.is_gone(child.owner)


def test_a_child_knows_of_its_parent(child: Any) -> None:
    """Also a child that was forked after its parent had got its name."""
    owners = [TOKEN + processes.identify(), child.owner]
    with fork(lambda tell: tell([processes.is_gone(owner) for owner in owners])) as other:
        assert other.next() == [False, False]
        other.wait()


def test_a_pid_that_was_given_out_again_is_another_process(child: Any) -> None:
    start = int.from_bytes(child.owner[-8:], "big")
    for other in (start - 1, start + 1):
        assert processes.is_gone(child.owner[:-8] + other.to_bytes(8, "big"))


@pytest.mark.parametrize("owner", [b"", b"\0", TOKEN, TOKEN + bytes(27), TOKEN + bytes(29), bytes(300)])
def test_who_has_no_name_may_be_at_work(owner: bytes) -> None:
    assert not processes.is_gone(owner)


def test_a_process_of_another_place_may_be_at_work(child: Any) -> None:
    owner = child.owner[:16] + bytes(16) + child.owner[32:]
    child.kill()
    assert processes.is_gone(child.owner)
    assert not processes.is_gone(owner)


def test_a_process_of_another_user_is_asked_for_too(child: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, number: int) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", kill)
        assert not processes.is_gone(child.owner)
        assert processes.is_gone(child.owner[:-1] + bytes([child.owner[-1] ^ 1]))


def test_a_process_that_is_hidden_may_be_at_work(child: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As hidepid=2 of /proc hides those of other users."""
    processes.identify()
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", _failing(f"/proc/{child.pid}/stat"))
        assert not processes.is_gone(child.owner)


def _failing(path: str) -> Any:
    def fail(name: Any, *arguments: Any, **options: Any) -> Any:
        if name == path:
            raise FileNotFoundError
        return opened(name, *arguments, **options)

    opened = builtins.open
    return fail


def test_a_first_thread_that_has_ended_before_others_is_not_the_end(
    child: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    """It is shown as a zombie, whose process has threads still."""
    place = f"/proc/{child.pid}/stat"
    before, _, after = Path(place).read_text().rpartition(")")
    fields = after.split()
    opened = builtins.open
    made = tmp_path / "stat"
    monkeypatch.setattr(
        builtins, "open", lambda name, *more, **options: opened(made if name == place else name, *more, **options)
    )
    for state, threads, gone in (("Z", "1", True), ("Z", "2", False), ("X", "0", True), ("S", "1", False)):
        made.write_text(f"{before}) {' '.join([state, *fields[1:17], threads, *fields[18:]])}")
        assert processes.is_gone(child.owner) is gone


@pytest.fixture
def nameless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found in the test is not known after it."""
    monkeypatch.setattr(processes, "_names", {})


@pytest.mark.parametrize("missing", ["/proc/self/stat", "/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"])
@pytest.mark.usefixtures("nameless")
def test_a_process_has_no_name_without_its_proc(child: Any, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    read = os.readlink

    def readlink(path: Any) -> str:
        if path == missing:
            raise FileNotFoundError
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(builtins, "open", _failing(missing))
        patch.setattr(os, "readlink", readlink)
        assert processes.identify() == b""
        child.kill()
        assert not processes.is_gone(child.owner)


@pytest.mark.usefixtures("nameless")
def test_a_process_has_no_name_in_the_proc_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: 1_000_000_007)
        assert processes.identify() == b""


@pytest.mark.usefixtures("nameless")
def test_a_process_has_no_name_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "darwin")
        assert processes.identify() == b""


@pytest.mark.usefixtures("nameless")
def test_a_linux_without_a_namespace_of_time_has_one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = processes.identify()
    read = os.readlink

    def readlink(path: Any) -> str:
        if path == "/proc/self/ns/time":
            raise FileNotFoundError
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(processes, "_names", {})
        patch.setattr(os, "readlink", readlink)
        other = processes.identify()
    assert other[:16] != mine[:16]
    assert other[16:] == mine[16:]


# -- claims of a log


@pytest.fixture
def log(place: str) -> Iterator[TransactionLog]:
    log = TransactionLog(place, wait=0)
    yield log
    log.close()


@pytest.fixture
def at_work(log: TransactionLog, tmp_path: Path) -> Iterator[Any]:
    """A process that handles the message ``same`` until it is killed; ``calls`` says which processes were called."""
    calls = tmp_path / "calls"

    def handle(request: MM7Request) -> None:
        with calls.open("a") as file:
            file.write(f"{os.getpid()}\n")

    def work(tell: Callable[[Any], None]) -> None:
        def wait(request: MM7Request) -> None:
            handle(request)
            tell("begun")
            signal.pause()

        peer(wait, transactions=log).submit(transaction_id="same")

    client = peer(handle, transactions=log)
    assert client.submit(transaction_id="first").accepted  # makes the tables
    calls.unlink()
    with fork(work) as child:
        assert child.next() == "begun"
        child.client = client
        child.calls = lambda: [int(line) for line in calls.read_text().splitlines()]
        yield child


def test_one_that_was_killed_in_its_handler_is_handled_again_at_once(at_work: Any) -> None:
    os.kill(at_work.pid, signal.SIGKILL)
    os.waitid(os.P_PID, at_work.pid, os.WEXITED | os.WNOWAIT)
    first = at_work.client.submit(transaction_id="same")
    assert first.accepted
    assert at_work.client.submit(transaction_id="same").body == first.body
    assert at_work.calls() == [at_work.pid, os.getpid()]


def test_one_that_is_at_work_is_left_alone(at_work: Any, place: str) -> None:
    answers = [at_work.client.submit(transaction_id="same")]
    with fork(lambda tell: tell(at_work.client.submit(transaction_id="same"))) as other:
        answers.append(other.next())
        other.wait()
    for answer in answers:
        assert (answer.status_code, answer.details) == (4006, "the same message is being handled")
        assert 50 <= int(answer.headers["Retry-After"]) <= 60
    assert at_work.calls() == [at_work.pid]
    ((owner,),) = Look(place)("SELECT owner FROM mm7_transactions WHERE transaction_id = 'same'")
    assert len(bytes(owner)) == 44


def test_of_many_that_find_it_gone_one_handles_it(at_work: Any, log: TransactionLog) -> None:
    at_work.kill()
    go, gone = os.pipe()

    def work(tell: Callable[[Any], None]) -> None:
        os.close(gone)
        os.read(go, 1)
        together = threading.Barrier(5)
        answers: list[Any] = []

        def send() -> None:
            together.wait()
            answers.append(at_work.client.submit(transaction_id="same"))

        threads = [threading.Thread(target=send) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        tell([(answer.status_code, answer.body if answer.accepted else b"") for answer in answers])

    children = [fork(work) for _ in range(3)]
    os.close(gone)
    os.close(go)
    assert [child.wait() for child in children] == [0, 0, 0]
    told = [each for child in children for each in child.told[0]]
    assert {code for code, _ in told} <= {1000, 4006}
    assert {body for code, body in told if code == 1000} == {at_work.client.submit(transaction_id="same").body}
    assert len(at_work.calls()) == 2


def test_a_thread_that_is_at_work_is_left_alone_by_the_others(log: TransactionLog) -> None:
    began, go = threading.Event(), threading.Event()
    calls: list[str] = []

    def wait(request: MM7Request) -> None:
        calls.append(request.transaction_id)
        began.set()
        assert go.wait(30)

    client = peer(wait, transactions=log)
    first: list[Any] = []
    thread = threading.Thread(target=lambda: first.append(client.submit(transaction_id="same")))
    thread.start()
    assert began.wait(30)
    assert client.submit(transaction_id="same").status_code == 4006
    go.set()
    thread.join()
    assert first[0].accepted
    assert calls == ["same"]


def test_the_claim_of_an_earlier_version_holds_until_its_lease_ends(at_work: Any, place: str) -> None:
    Look(place)("UPDATE mm7_transactions SET owner = CAST('0123456789abcdef' AS " + _bytes(place) + ")"
                " WHERE transaction_id = 'same'")  # fmt: skip
    at_work.kill()
    assert at_work.client.submit(transaction_id="same").status_code == 4006
    assert at_work.calls() == [at_work.pid]


def _bytes(place: str) -> str:
    return "BLOB" if place.startswith("sqlite") else "BYTEA"


# -- under a server


SERVED = """
    import json, os, signal
    from pathlib import Path

    from mm7_wsgi import MM7Middleware
    from mm7_wsgi.spool import TransactionLog

    def host(environ, start_response):
        start_response("200 OK", [("Content-Length", "0")])
        return []

    def handle(request):
        with open("calls", "a") as file:
            file.write(json.dumps({{"pid": os.getpid()}}) + "\\n")
        if request.transaction_id == "waits" and len(Path("calls").read_text().splitlines()) == 1:
            signal.pause()

    log = TransactionLog({place!r}, wait=0)
    application = MM7Middleware(host, handle, accounts={{"acme": "s3cret"}}, transactions=log)
"""


def test_a_worker_that_is_killed_in_its_handler_holds_nobody_up(
    place: str, tmp_path: Path, require: Callable[[str], str]
) -> None:
    require("gunicorn")
    (tmp_path / "served.py").write_text(textwrap.dedent(SERVED.format(place=place)))
    message = submit(transaction_id="waits")
    headers = {"Content-Type": message.content_type, "SOAPAction": '""'}
    with LIVE["gunicorn"](tmp_path, "served:application", "--workers", "2") as server, server.connect() as first:
        first.send(
            f"POST /mm7/acme=s3cret HTTP/1.1\r\nHost: localhost\r\nContent-Type: {message.content_type}\r\n"
            f'SOAPAction: ""\r\nContent-Length: {len(message.body)}\r\n\r\n'.encode()
            + message.body
        )
        LIVE["until"](lambda: server.calls)
        # While it is at work, nobody else is.
        response, octets = server.send("/mm7/acme=s3cret", message.body, headers)
        assert (response.status, b"4006" in octets) == (500, True)
        assert 40 <= int(response.headers["Retry-After"]) <= 60
        (call,) = server.calls
        os.kill(call["pid"], signal.SIGKILL)
        assert first.answers() == []
        # The peer has no answer, and tries again.
        response, octets = server.send("/mm7/acme=s3cret", message.body, headers)
        assert response.status == 200, octets
        assert server.send("/mm7/acme=s3cret", message.body, headers)[1] == octets
        assert len(server.calls) == 2
