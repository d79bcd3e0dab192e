"""Who sends too much, and who guesses, is held up; and nobody else."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import Account, Dialect, MM7Endpoint, MM7Middleware, MM7Request
from mm7_wsgi.throttle import Throttle

LIVE = runpy.run_path(str(Path(__file__).with_name("live.py")))
until = LIVE["until"]
WRONG = "/mm7/acme=wrong"
RIGHT = "/mm7/acme=s3cret"
HOME, ELSEWHERE, ANYWHERE = "192.0.2.7", "198.51.100.1", "203.0.113.9"
ACCOUNTS = {"acme": "s3cret", "other": "0ther"}


def accept(request: MM7Request) -> None:
    return None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets seconds pass for the counters: ``clock(60)``. It begins with a minute, where windows begin too."""
    now = [1_000_000 * 60.0]
    monkeypatch.setattr("time.time", lambda: now[0])

    def clock(seconds: float) -> None:
        now[0] += seconds

    return clock


class Peers:
    """Asks an endpoint from different addresses, and gives the code of each answer."""

    def __init__(self, ask: Any, mm7: Any, endpoint: Any) -> None:
        self._ask, self._mm7, self._endpoint = ask, mm7, endpoint

    def answer(self, path: str, address: str | None = HOME, **environ: Any) -> Any:
        request = self._mm7.request(environ={"PATH_INFO": path, **environ})
        request.pop("REMOTE_ADDR", None)
        if address is not None:
            request["REMOTE_ADDR"] = address
        return self._ask(self._endpoint, request)

    def __call__(self, path: str, address: str | None = HOME, times: int = 1) -> list[int]:
        return [self.answer(path, address).code for _ in range(times)]


@pytest.fixture
def peers(ask: Any, mm7: Any) -> Callable[..., Peers]:
    def peers(throttle: Throttle | None = None, accounts: Any = ACCOUNTS, **settings: Any) -> Peers:
        return Peers(ask, mm7, MM7Endpoint(accept, accounts=accounts, throttle=throttle, **settings))

    return peers


# -- rates


@pytest.mark.usefixtures("clock")
def test_what_is_over_the_rate_is_answered_4006_and_retry_after(peers: Any) -> None:
    ask = peers(Throttle(), {"acme": Account("acme", "s3cret", rate="3/minute"), "other": "0ther"})
    assert ask(RIGHT, times=3) == [1000] * 3
    answer = ask.answer(RIGHT)
    assert (answer.status, answer.code, answer.faultcode, answer.detail) == (500, 4006, "Server", "RSErrorRsp")
    assert answer.details == f"more than 3 per 1 minute; again in {answer['Retry-After']} s"
    assert 1 <= int(answer["Retry-After"]) <= 60
    # Another account has a rate of its own, or none.
    assert ask("/mm7/other=0ther", times=9) == [1000] * 9


def test_after_that_time_it_is_taken_again(peers: Any, clock: Any) -> None:
    ask = peers(Throttle(), {"acme": Account("acme", "s3cret", rate="3/minute")})
    assert ask(RIGHT, times=5) == [1000] * 3 + [4006] * 2
    clock(60 + int(ask.answer(RIGHT)["Retry-After"]))
    assert ask(RIGHT)[0] == 1000


@pytest.mark.usefixtures("clock")
def test_each_of_several_rates_is_kept(peers: Any, clock: Any) -> None:
    ask = peers(Throttle(), {"acme": Account("acme", "s3cret", rate="2/second;3/hour")})
    assert ask(RIGHT, times=3) == [1000, 1000, 4006]
    clock(2)
    assert ask(RIGHT, times=2) == [1000, 4006]
    assert "3 per 1 hour" in ask.answer(RIGHT).details


@pytest.mark.usefixtures("clock")
def test_a_rate_is_kept_without_a_throttle_too(peers: Any) -> None:
    ask = peers(None, {"acme": Account("acme", "s3cret", rate="1/minute")})
    assert ask(RIGHT, times=2) == [1000, 4006]
    # But guesses are not counted.
    assert ask(WRONG, times=20) == [4001] * 20
    assert ask(WRONG, ELSEWHERE, times=20) == [4001] * 20


@pytest.mark.usefixtures("clock")
def test_what_is_over_the_rate_is_not_read(ask: Any, mm7: Any, streams: Any) -> None:
    limits = {"discard": 0}
    endpoint = MM7Endpoint(accept, accounts={"acme": Account("acme", "s3cret", rate="1/minute", limits=limits)})
    assert ask(endpoint, mm7.request()).code == 1000
    assert ask(endpoint, mm7.request(environ={"wsgi.input": streams.UntouchableInput()})).code == 4006


@pytest.mark.usefixtures("clock")
def test_it_stays_500_in_any_dialect_so_that_it_is_sent_again(peers: Any) -> None:
    dialect = Dialect(fault_http_status=200, prefix="vas")
    ask = peers(Throttle(), {"acme": Account("acme", "s3cret", rate="1/minute", dialect=dialect)})
    ask(RIGHT)
    answer = ask.answer(RIGHT)
    assert (answer.status, answer.code) == (500, 4006)
    assert b"vas:RSErrorRsp" in answer.body


# -- guesses from one address


@pytest.mark.usefixtures("clock")
def test_a_new_port_is_no_new_address(peers: Any) -> None:
    """A gateway may write the port of each connection into X-Forwarded-For: a guesser has as many as it likes."""
    ask = peers(Throttle(failures="3/minute"), ACCOUNTS)
    tried = [ask(f"/mm7/nobody{port}=x", f"192.0.2.7:{port}")[0] for port in range(5)]
    assert tried == [4001] * 3 + [4006] * 2
    assert ask("/mm7/nobody=x", "[2001:db8::7]:1") == [4001]


# -- limits of an account


def test_an_account_can_have_limits_of_its_own(ask: Any, mm7: Any) -> None:
    request = mm7.request()
    small = Account("acme", "s3cret", limits={"body": int(request["CONTENT_LENGTH"]) - 1})
    endpoint = MM7Endpoint(accept, accounts={"acme": small, "other": "0ther"})
    answer = ask(endpoint, request)
    assert (answer.status, answer.code) == (413, 2004)
    assert ask(endpoint, mm7.request(environ={"PATH_INFO": "/mm7/other=0ther"})).code == 1000


def test_limits_of_an_account_reach_into_the_message(ask: Any, mm7: Any) -> None:
    endpoint = MM7Endpoint(accept, accounts={"acme": Account("acme", "s3cret", limits={"depth": 3})})
    answer = ask(endpoint, mm7.request())
    assert (answer.code, "depth" in answer.details) == (4004, True)


# -- guesses


@pytest.mark.usefixtures("clock")
def test_a_guesser_is_held_up_and_learns_nothing_meanwhile(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    assert ask(WRONG, ANYWHERE, times=5) == [4001] * 3 + [4006] * 2
    answer = ask.answer(WRONG, ANYWHERE)
    assert (answer.status, answer.code, answer["WWW-Authenticate"]) == (500, 4006, None)
    assert answer.details == f"too many wrong credentials; again in {answer['Retry-After']} s"
    assert 1 <= int(answer["Retry-After"]) <= 60
    # The right ones are answered as the wrong ones are, and so is an account that does not exist.
    right, unknown = ask.answer(RIGHT, ANYWHERE), ask.answer("/mm7/nobody=x", ANYWHERE)
    assert right.body == unknown.body == answer.body


def test_after_that_time_the_guesser_may_try_again(peers: Any, clock: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    assert ask(WRONG, ANYWHERE, times=4)[-1] == 4006
    clock(60 + int(ask.answer(WRONG, ANYWHERE)["Retry-After"]))
    assert ask(RIGHT, ANYWHERE) == [1000]


@pytest.mark.usefixtures("clock")
def test_a_carrier_is_not_locked_out_by_who_guesses_at_its_account(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    assert ask(RIGHT, HOME) == [1000]
    for number in range(20):
        ask(WRONG, f"203.0.113.{number}", times=4)
    # Neither where it is known, nor where it has never been.
    assert ask(RIGHT, HOME, times=3) == [1000] * 3
    assert ask(RIGHT, ELSEWHERE, times=3) == [1000] * 3


@pytest.mark.usefixtures("clock")
def test_many_addresses_together_are_held_up_at_one_account(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    codes = [code for number in range(20) for code in ask(WRONG, f"203.0.113.{number}", times=4)]
    # Three are free for the account, then one for each address.
    assert codes.count(4001) == 3 + 19
    assert codes[:4] == [4001, 4001, 4001, 4006]


@pytest.mark.usefixtures("clock")
def test_a_carrier_is_not_locked_out_by_another_account_at_its_address(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    assert ask(RIGHT, HOME) == [1000]
    assert ask("/mm7/other=wrong", HOME, times=5)[-1] == 4006
    assert ask(RIGHT, HOME, times=3) == [1000] * 3
    assert ask("/mm7/other=0ther", HOME) == [4006]


@pytest.mark.usefixtures("clock")
def test_a_known_peer_may_be_wrong_more_often_but_not_without_end(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute", known_failures="6/minute"))
    assert ask(RIGHT, HOME) == [1000]
    assert ask(WRONG, HOME, times=8) == [4001] * 6 + [4006] * 2
    assert ask(RIGHT, HOME) == [4006]
    # That is between the two of them.
    assert ask(RIGHT, ELSEWHERE) == [1000]
    assert ask("/mm7/other=0ther", HOME) == [1000]


def test_a_known_peer_is_forgotten_after_a_week(peers: Any, clock: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    assert ask(RIGHT, HOME) == [1000]
    clock(7 * 24 * 3600 + 1)
    assert ask(WRONG, HOME, times=4)[-1] == 4006


@pytest.mark.usefixtures("clock")
def test_addresses_of_one_ipv6_network_are_one(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    codes = [ask(f"/mm7/guess{number}=x", f"2001:db8::{number}")[0] for number in range(5)]
    assert codes == [4001] * 3 + [4006] * 2
    assert ask(RIGHT, "2001:db8:0:1::1") == [1000]


@pytest.mark.usefixtures("clock")
def test_behind_a_socket_without_addresses_the_account_alone_counts(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    assert ask(RIGHT, None) == [1000]
    assert ask(WRONG, None, times=4) == [4001] * 3 + [4006]
    assert ask("/mm7/other=0ther", None) == [1000]


@pytest.mark.usefixtures("clock")
def test_who_shows_no_secret_guesses_nothing(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    assert ask("/mm7", ANYWHERE, times=9) == [4001] * 9
    assert ask(RIGHT, ANYWHERE) == [1000]


@pytest.mark.usefixtures("clock")
def test_a_guess_by_uri_and_by_basic_is_one(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    both = {"HTTP_AUTHORIZATION": "Basic YWNtZTp3cm9uZw=="}  # acme:wrong
    codes = [ask.answer(WRONG, ANYWHERE, **both).code for _ in range(4)]
    assert codes == [4001] * 3 + [4006]


@pytest.mark.usefixtures("clock")
def test_a_guess_that_is_held_up_costs_no_hash(peers: Any) -> None:
    asked = []

    def resolve(credentials: Any) -> None:
        asked.append(credentials.name)

    ask = peers(Throttle(failures="3/minute"), resolve)
    ask(WRONG, ANYWHERE, times=10)
    assert asked == ["acme"] * 3


@pytest.mark.usefixtures("clock")
def test_a_busy_peer_is_looked_up_once_a_second(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("mm7_wsgi.throttle.time", type("Time", (), {"monotonic": lambda: now[0], "time": time.time}))
    throttle = Throttle(failures="3/minute", known_failures="3/minute")
    looked_up = []
    get = throttle._state.storage.get
    throttle._state.storage.get = lambda key: looked_up.append(key) or get(key)  # type: ignore[assignment,func-returns-value]
    ask = peers(throttle)
    ask(RIGHT, times=2)
    looked_up.clear()
    assert ask(RIGHT, times=5) == [1000] * 5
    assert looked_up == []
    now[0] += 1
    ask(RIGHT, times=5)
    assert sum(key.startswith("mm7/known/") for key in looked_up) == 1
    # What it does wrong is counted all the same.
    assert ask(WRONG, times=4) == [4001] * 3 + [4006]


@pytest.mark.usefixtures("clock")
def test_no_more_peers_are_remembered_than_there_is_room_for(peers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mm7_wsgi.throttle._TRUSTED_MOST", 3)
    throttle = Throttle()
    ask = peers(throttle)
    for number in range(20):
        assert ask(RIGHT, f"192.0.2.{number}", times=2) == [1000, 1000]
        assert len(throttle._state.trusted) <= 3


@pytest.mark.usefixtures("clock")
def test_guessing_without_end_takes_no_memory_without_end(peers: Any) -> None:
    throttle = Throttle(failures="3/minute")
    ask = peers(throttle)
    ask("/mm7/" + "n" * 5000 + "=x", ANYWHERE)
    storage = throttle._state.storage
    before = len(storage.storage)  # type: ignore[attr-defined]
    for number in range(200):
        ask(f"/mm7/name-{number}=x", ANYWHERE)
    assert len(storage.storage) - before < 10  # type: ignore[attr-defined]
    assert max(map(len, storage.storage)) < 100  # type: ignore[attr-defined]


# -- what it is made with


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"failures": "often"}, "failures has to be as 10/second, "),
        ({"failures": ""}, "failures has to be as 10/second, "),
        ({"failures": 10}, "failures has to be a string or None, not int"),
        ({"known_failures": "10"}, "known_failures has to be as 10/second, "),
        ({"storage": "nowhere://me:s3cret@here"}, "storage: nowhere:… cannot count: "),
        ({"storage": "async+memory://"}, "storage: async"),
        ({"storage": "redis://me:s3cret@here:port"}, "storage: redis:… cannot count: "),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_when_it_is_made(settings: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as refusal:
        Throttle(**settings)
    assert words in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("wrong", ["redis://me:s3cret@here", Throttle, object(), 5])
def test_an_endpoint_takes_a_throttle_and_nothing_else(wrong: Any) -> None:
    with pytest.raises(TypeError, match="throttle has to be a Throttle, not ") as refusal:
        MM7Endpoint(accept, accounts=ACCOUNTS, throttle=wrong)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.usefixtures("clock")
def test_the_middleware_hands_it_on(ask: Any, mm7: Any) -> None:
    app = MM7Middleware(lambda *_: [], accept, accounts=ACCOUNTS, throttle=Throttle(failures="1/minute"))
    codes = [ask(app, mm7.request(environ={"PATH_INFO": WRONG})).code for _ in range(2)]
    assert codes == [4001, 4006]


def test_without_the_package_that_counts_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "limits", None)
    monkeypatch.delitem(sys.modules, "mm7_wsgi.throttle")
    with pytest.raises(ModuleNotFoundError, match=r"needs one more package: pip install 'mm7_wsgi\[throttle\]'"):
        importlib.import_module("mm7_wsgi.throttle")


@pytest.mark.usefixtures("clock")
def test_wrong_credentials_need_not_be_counted(peers: Any) -> None:
    ask = peers(Throttle(failures=None), {"acme": Account("acme", "s3cret", rate="2/minute")})
    assert ask(WRONG, times=20) == [4001] * 20
    assert ask(RIGHT, times=3) == [1000, 1000, 4006]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.usefixtures("clock")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_counts_for_itself_also_where_the_parent_was_counting(peers: Any) -> None:
    ask = peers(Throttle(failures="3/minute"))
    ask(WRONG, ANYWHERE, times=4)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, repr(ask(WRONG, ANYWHERE, times=4)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        assert pipe.read() == repr([4001] * 3 + [4006])
    os.waitpid(child, 0)


@pytest.mark.usefixtures("clock")
def test_counters_of_another_process_are_not_used(peers: Any) -> None:
    throttle = Throttle(failures="3/minute")
    ask = peers(throttle)
    assert ask(WRONG, ANYWHERE, times=4)[-1] == 4006
    throttle._state.pid += 1  # what a child finds, seen from the parent, where it can be watched
    assert ask(WRONG, ANYWHERE, times=4) == [4001] * 3 + [4006]


def test_threads_together_get_no_more_than_the_rate(peers: Any) -> None:
    ask = peers(Throttle(), {"acme": Account("acme", "s3cret", rate="20/hour")})
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.extend(ask(RIGHT, times=10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (codes.count(1000), codes.count(4006)) == (20, 60)


# -- Redis


@contextmanager
def redis(program: str, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (folder / "redis.log").open("ab") as log:
        process = subprocess.Popen([*command, "--dir", str(folder)], stdout=log, stderr=log)
    try:
        until(lambda: answers(port))
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(LIVE["TIMEOUT"])


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as client:
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
    except OSError:
        return False


@pytest.fixture
def port() -> Iterator[int]:
    """Bound, and so nobody else's; as long as nobody listens at it, Redis can."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    yield
    gc.collect()  # redis-py closes those of a client that is gone; else they are a warning of a later test


def test_processes_count_together_in_redis(peers: Any, require: Any, tmp_path: Path, port: int) -> None:
    with redis(require("redis-server"), tmp_path, port):
        accounts = {"acme": Account("acme", "s3cret", rate="4/hour"), "other": "0ther"}
        one, two = (peers(Throttle(f"redis://127.0.0.1:{port}/0", failures="3/hour"), accounts) for _ in range(2))
        assert one(RIGHT, times=2) + two(RIGHT, times=3) == [1000] * 4 + [4006]
        assert one("/mm7/other=wrong", ANYWHERE, times=2) + two("/mm7/other=wrong", ANYWHERE, times=2) == [
            4001, 4001, 4001, 4006,
        ]  # fmt: skip
        # What is known of a peer is known to both as well.
        assert one("/mm7/other=0ther", HOME) == [1000]
        assert two("/mm7/other=wrong", HOME, times=5) == [4001] * 5
        assert 1 <= int(one.answer(RIGHT)["Retry-After"]) <= 3600


def test_without_redis_nobody_is_held_up_and_the_log_says_so(
    peers: Any, require: Any, tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    program = require("redis-server")
    now = [1000.0]
    monkeypatch.setattr("mm7_wsgi.throttle.time", type("Time", (), {"monotonic": lambda: now[0], "time": time.time}))
    ask = peers(Throttle(f"redis://:s3cret@127.0.0.1:{port}/0", failures="3/hour"))
    assert ask(WRONG, ANYWHERE, times=6) == [4001] * 6
    assert ask(RIGHT, ANYWHERE, times=6) == [1000] * 6
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.event == "throttle"
    assert record.getMessage().startswith(
        "the counters cannot be reached, so nobody is held up for 5 s: ConnectionError:"
    )
    assert "s3cret" not in record.getMessage()
    # When it is there, and the rest is over, it counts.
    ask = peers(Throttle(f"redis://127.0.0.1:{port}/0", failures="3/hour"))
    assert ask(WRONG, ANYWHERE, times=4) == [4001] * 4
    with redis(program, tmp_path, port):
        now[0] += 5.1
        assert ask(WRONG, ANYWHERE, times=4) == [4001] * 3 + [4006]


def test_a_redis_that_hangs_keeps_nobody_waiting_for_long(
    peers: Any, require: Any, tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("mm7_wsgi.throttle.time", type("Time", (), {"monotonic": lambda: 1000.0, "time": time.time}))
    with redis(require("redis-server"), tmp_path, port) as process:
        ask = peers(Throttle(f"redis://127.0.0.1:{port}/0", failures="3/hour", socket_timeout=0.1))
        assert ask(RIGHT) == [1000]
        process.send_signal(signal.SIGSTOP)
        assert ask(RIGHT, times=50) == [1000] * 50
        (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert "TimeoutError" in record.getMessage()
