"""What the spool has comes out of RabbitMQ, whatever becomes of the broker in between."""

from __future__ import annotations

import hashlib
import importlib
import logging
import queue as queues
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mm7_wsgi import Limits, MM7Endpoint, ServiceUnavailable, SubmitReq
from mm7_wsgi.spool import DatabaseUnavailable, Spool
from mm7_wsgi.spool.tables import messages
from mm7_wsgi.testing import MM7Client, submit

pytest.importorskip("kombu")

from kombu import Consumer, Exchange, Queue
from kombu.entity import TRANSIENT_DELIVERY_MODE

from mm7_wsgi.spool.relay import Relay
from mm7_wsgi.spool.relayed import read_message

# How long to wait for what is certain to come.
SECONDS = 30


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path / "mm7.db", attempts=2)
    yield spool
    spool.close()


@pytest.fixture
def client(spool: Spool) -> MM7Client:
    return MM7Client(MM7Endpoint(spool, accounts={"acme": "s3cret"}), "acme", "s3cret")


@pytest.fixture
def make(spool: Spool, queue: str) -> Iterator[Callable[..., Relay]]:
    """Makes relays that lose no time."""
    made: list[Relay] = []

    def make(url: str, **options: Any) -> Relay:
        quick = {"queue": queue, "poll": 0.02, "backoff": (0.02, 0.1)}
        made.append(Relay(spool, url, **{**quick, **options}))
        return made[-1]

    yield make
    for relay in made:
        relay.close()


@pytest.fixture
def relay(make: Callable[..., Relay], rabbitmq: str) -> Relay:
    return make(rabbitmq)


@pytest.fixture
def far(make: Callable[..., Relay], proxy: Any) -> Relay:
    """A relay that has to go through the proxy, and waits only a little for the broker."""
    return make(proxy.url, confirm_timeout=0.5)


@pytest.fixture
def log() -> Iterator[Callable[[], str]]:
    """The next thing that is logged, when it is."""
    said: queues.SimpleQueue[str] = queues.SimpleQueue()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.put(f"{record.levelname}: {record.getMessage()}")

    handler = Handler()
    logger = logging.getLogger("mm7_wsgi")
    logger.addHandler(handler)
    yield lambda: said.get(timeout=SECONDS)
    logger.removeHandler(handler)
    assert said.empty(), said.get()


@contextmanager
def running(relay: Relay) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(SECONDS)
    assert not thread.is_alive()


def take(broker: Any, queue: str, count: int) -> list[Any]:
    """So many messages from the queue, which is to hold no more."""
    found: list[Any] = []
    with broker.channel() as channel:
        asked = Queue(queue, channel=channel, no_declare=True)
        with Consumer(channel, [asked], on_message=found.append, auto_declare=False, prefetch_count=count + 1):
            while len(found) < count:
                broker.drain_events(timeout=SECONDS)
            for message in found:
                message.ack()
        assert channel.queue_declare(queue, passive=True).message_count == 0
    return found


def declare(broker: Any, queue: str, **arguments: Any) -> None:
    with broker.channel() as channel:
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum", **arguments})


def keys(found: list[Any]) -> list[str]:
    return [message.headers["key"] for message in found]


def is_empty(spool: Spool) -> bool:
    return not any(spool.messages.counts().values())


def only(spool: Spool) -> Any:
    (found,) = spool.messages.find()
    return found


# -- what comes out


def test_a_message_comes_out_as_it_came_in(
    client: MM7Client, spool: Spool, relay: Relay, broker: Any, queue: str
) -> None:
    picture = bytes(range(256))
    sent = submit(to="+12025550101", subject="Grüße", parts=[("image/gif", picture), ("text/plain", "hello")])
    answer = client.send(sent)
    stored = only(spool)
    assert relay.run_once() == 1
    assert is_empty(spool)
    (message,) = take(broker, queue, 1)
    assert message.body == message.payload == sent.body
    assert (message.content_type, message.content_encoding) == (sent.content_type, "binary")
    assert (message.properties["delivery_mode"], message.properties["message_id"]) == (2, answer.message_id)
    assert message.headers == {
        "key": stored.key,
        "content_type": sent.content_type,
        "message_id": answer.message_id,
        "account": "acme",
        "operation": "SubmitReq",
        "received": stored.received.isoformat(),
        "transaction_id": answer.transaction_id,
        "remote_addr": "127.0.0.1",
    }
    with closing(read_message(message.body, message.content_type, message.headers)) as read:
        request = read.request
        assert isinstance(request.message, SubmitReq)
        assert (request.message.subject, request.account.name) == ("Grüße", "acme")
        assert (request.message_id, request.transaction_id) == (answer.message_id, answer.transaction_id)
        assert request.remote_addr == "127.0.0.1"
        assert [part.data for part in request.leaves()] == [picture, b"hello"]


def test_messages_come_out_in_the_order_of_their_arrival(
    client: MM7Client, relay: Relay, broker: Any, queue: str
) -> None:
    ids = [f"t-{number}" for number in range(25)]
    for name in ids:
        client.submit(transaction_id=name)
    assert relay.run_once() == 25
    assert relay.run_once() == 0
    assert [message.headers["transaction_id"] for message in take(broker, queue, 25)] == ids


def test_a_message_of_16_mb_comes_out_whole(client: MM7Client, relay: Relay, broker: Any, queue: str) -> None:
    octets = b"0123456789abcdef" * (1024 * 1024 - 1024)
    sent = submit(parts=[("video/mp4", octets)])
    assert client.send(sent).accepted
    assert relay.run_once() == 1
    (message,) = take(broker, queue, 1)
    assert hashlib.sha256(message.body).digest() == hashlib.sha256(sent.body).digest()
    with closing(read_message(message.body, message.content_type, message.headers)) as read:
        (part,) = read.request.leaves()
        assert part.size == len(octets)


def test_what_is_too_long_for_a_property_is_in_the_headers_or_in_the_body(
    spool: Spool, relay: Relay, broker: Any, queue: str
) -> None:
    def accept(request: Any) -> Any:
        return spool(request, request.success(message_id="m" * 300))

    sent = submit(transaction_id="t" * 5000)
    long_type = f'{sent.content_type}; x="{"y" * 300}"'
    endpoint = MM7Endpoint(accept, accounts={"acme": "s3cret"})
    client = MM7Client(endpoint, "acme", "s3cret", environ={"CONTENT_TYPE": long_type})
    assert client.send(sent).accepted
    assert relay.run_once() == 1
    (message,) = take(broker, queue, 1)
    assert message.content_type == "multipart/related"
    assert message.headers["content_type"] == long_type
    assert "message_id" not in message.properties
    assert "transaction_id" not in message.headers
    with closing(read_message(message.body, message.content_type, message.headers)) as read:
        assert (read.request.message_id, read.request.transaction_id) == ("m" * 300, "t" * 5000)


def test_a_peer_without_an_address_has_none(spool: Spool, relay: Relay, broker: Any, queue: str) -> None:
    endpoint = MM7Endpoint(spool, accounts={"acme": "s3cret"})
    sent = submit()

    def server(environ: Any, start_response: Any) -> Any:
        return endpoint({name: value for name, value in environ.items() if name != "REMOTE_ADDR"}, start_response)

    assert MM7Client(server, "acme", "s3cret").send(sent).accepted
    assert relay.run_once() == 1
    (message,) = take(broker, queue, 1)
    assert "remote_addr" not in message.headers
    with closing(read_message(message.body, message.content_type, message.headers)) as read:
        assert read.request.remote_addr is None


@pytest.mark.parametrize("wrong", [{"key": None}, {"account": 7}, {"message_id": b"m"}, {"content_type": None}])
def test_what_no_relay_has_sent_is_no_message(wrong: dict[str, Any]) -> None:
    headers = {"key": "k", "account": "acme", "message_id": "m", "content_type": "text/xml", **wrong}
    (name,) = wrong
    with pytest.raises(ValueError, match=f"^this is no message of a relay: it has no {name}$"):
        read_message(b"", None, headers)


# -- where it goes


def test_the_queue_that_is_made_is_a_quorum_queue(relay: Relay, broker: Any, queue: str) -> None:
    assert relay.run_once() == 0
    declare(broker, queue)  # it would be refused if the queue was any other


def test_a_queue_that_is_there_is_taken_as_it_is(client: MM7Client, relay: Relay, broker: Any, queue: str) -> None:
    with broker.channel() as channel:
        channel.queue_declare(queue, durable=True, auto_delete=False, arguments={"x-max-length": 7})
    client.submit()
    assert relay.run_once() == 1
    assert len(take(broker, queue, 1)) == 1


@pytest.mark.parametrize("key", [None, "mms"])
def test_messages_can_go_through_an_exchange(
    client: MM7Client, make: Callable[..., Relay], rabbitmq: str, broker: Any, queue: str, key: str | None
) -> None:
    client.submit()
    with broker.channel() as channel:
        exchange = Exchange(f"{queue}.exchange", "direct", channel=channel, delivery_mode=TRANSIENT_DELIVERY_MODE)
        exchange.declare()
        try:
            assert make(rabbitmq, exchange=exchange.name, routing_key=key).run_once() == 1
        finally:
            exchange.delete()
    (message,) = take(broker, queue, 1)
    assert message.delivery_info["routing_key"] == key or queue


# -- a broker in trouble


def test_a_broker_that_is_down_costs_nothing_and_is_tried_until_it_is_back(
    client: MM7Client, spool: Spool, far: Relay, proxy: Any, broker: Any, queue: str, log: Callable[[], str]
) -> None:
    proxy.refuse()
    client.submit()
    for _ in range(3):
        assert far.run_once() == 0
        assert far.trouble == "[Errno 111] Connection refused"
    assert only(spool).attempts == 0
    with running(far):
        proxy.listen()
        assert log() == f"ERROR: the broker {far._broker.name} cannot be used: [Errno 111] Connection refused"
        assert log() == f"WARNING: the broker {far._broker.name} can be used again"
        (message,) = take(broker, queue, 1)
    assert message.headers["message_id"]
    assert is_empty(spool)
    assert far.trouble is None


@pytest.mark.parametrize("how", ["cut", "frozen"])
def test_a_message_whose_confirmation_is_lost_comes_twice_with_one_key(
    client: MM7Client, spool: Spool, far: Relay, proxy: Any, broker: Any, queue: str, how: str, log: Callable[[], str]
) -> None:
    assert far.run_once() == 0
    client.submit(transaction_id="t-1")
    client.submit(transaction_id="t-2")
    first, second = [each.key for each in spool.messages.find()]
    proxy.freeze(only_answers=True)
    with running(far):
        proxy.wait_until_held(answers=True)
        if how == "cut":
            proxy.cut()
            assert "cannot be used" in log()
        else:
            assert log().endswith("cannot be used: no answer in 0.5 s")
        proxy.thaw()
        assert log().endswith("can be used again")
        found = take(broker, queue, 3)
    assert keys(found)[0] == first
    assert sorted(keys(found)) == sorted([first, first, second])
    assert is_empty(spool)


def test_a_broker_that_hangs_holds_nobody_up(
    client: MM7Client, spool: Spool, far: Relay, proxy: Any, log: Callable[[], str]
) -> None:
    assert far.run_once() == 0
    client.submit()
    proxy.freeze()
    for _ in range(2):
        assert far.run_once() == 0
        assert far.trouble == "no answer in 0.5 s"
    far.close()
    assert only(spool).attempts == 0
    proxy.cut()
    proxy.thaw()
    while not far.run_once():  # it is due a moment after it was put back
        assert only(spool).attempts == 0
    assert log().endswith("cannot be used: no answer in 0.5 s")
    assert log().endswith("can be used again")


def test_a_broker_that_hangs_is_left_at_once(far: Relay, proxy: Any) -> None:
    assert far.run_once() == 0
    proxy.freeze()
    far.close()
    far.close()


def test_a_connection_that_was_closed_while_nothing_was_due_is_opened_again(
    client: MM7Client, far: Relay, proxy: Any, log: Callable[[], str]
) -> None:
    assert far.run_once() == 0
    proxy.cut()
    client.submit()
    assert far.run_once() == 1
    assert proxy.count == 2


def test_another_broker_is_used_where_one_is_down(
    client: MM7Client, make: Callable[..., Relay], proxy: Any, broker: Any
) -> None:
    proxy.refuse()
    client.submit()
    with_port = broker.as_uri(include_password=True)
    assert make(f"{proxy.url};{with_port}").run_once() == 1


def test_a_queue_that_is_full_is_waited_for(
    client: MM7Client, spool: Spool, relay: Relay, broker: Any, queue: str, log: Callable[[], str]
) -> None:
    declare(broker, queue, **{"x-max-length": 1, "x-overflow": "reject-publish"})
    for _ in range(4):
        client.submit()
    relayed = relay.run_once()  # the limit is not a sharp one
    assert relayed < 4
    for _ in range(3):
        assert relay.run_once() == 0
    assert {each.attempts for each in spool.messages.find()} == {0}
    found = take(broker, queue, relayed)
    assert log().endswith("cannot be used: it does not take the message: its queue is full, or has too few nodes")
    with running(relay):
        assert log().endswith("can be used again")
    assert relay.trouble is None
    assert set(keys(found)).isdisjoint(each.key for each in spool.messages.find())


def test_a_message_without_a_route_is_kept_until_there_is_one(
    client: MM7Client,
    spool: Spool,
    make: Callable[..., Relay],
    rabbitmq: str,
    broker: Any,
    queue: str,
    log: Callable[[], str],
) -> None:
    relay = make(rabbitmq, declare=False)
    for _ in range(2):
        client.submit()
    # The broker returns a message that has no route, and confirms it all the same: that is not to be taken for a
    # confirmation of the next one.
    for _ in range(4):
        assert relay.run_once() == 0
        assert str(relay.trouble).endswith("NO_ROUTE")
    assert [each.attempts for each in spool.messages.find()] == [0, 0]
    assert log().endswith("NO_ROUTE")
    declare(broker, queue)
    with running(relay):
        assert log().endswith("can be used again")
        take(broker, queue, 2)


def blocked(method: int, reason: bytes = b"") -> bytes:
    """What a broker says that is short of memory: a frame of connection.blocked (60) or .unblocked (61)."""
    method_and_reason = struct.pack(">HH", 10, method) + (bytes([len(reason)]) + reason if reason else b"")
    return struct.pack(">BHI", 1, 0, len(method_and_reason)) + method_and_reason + b"\xce"


def test_a_broker_that_is_short_of_memory_is_said_to_be(
    client: MM7Client, spool: Spool, far: Relay, proxy: Any, log: Callable[[], str]
) -> None:
    assert far.run_once() == 0
    client.submit()
    proxy.say(blocked(60, b"low on memory"))
    proxy.freeze()
    assert far.run_once() == 0
    assert far.trouble == "it is short of memory or of disk, and takes no messages"
    proxy.cut()
    proxy.thaw()
    while not far.run_once():
        assert only(spool).attempts == 0
    assert far.trouble is None
    assert log().endswith("cannot be used: it is short of memory or of disk, and takes no messages")
    assert log().endswith("can be used again")


def test_a_broker_that_was_short_of_memory_is_so_no_more(client: MM7Client, far: Relay, proxy: Any) -> None:
    assert far.run_once() == 0
    client.submit()
    proxy.say(blocked(60, b"low on memory") + blocked(61))
    assert far.run_once() == 1
    client.submit()
    proxy.freeze()
    assert far.run_once() == 0
    assert far.trouble == "no answer in 0.5 s"


def test_a_broker_that_hears_all_but_publishing_has_a_message_once_more_when_it_does(
    client: MM7Client, spool: Spool, far: Relay, proxy: Any, broker: Any, queue: str
) -> None:
    """As one does that is short of memory: what it did not hear is in the sockets still.

    RabbitMQ stops hearing at the octets of a message; to one that has none it says that it has it.
    """
    assert far.run_once() == 0
    client.submit()
    proxy.hold(b"\xce\x03")  # a frame ends, and one of octets begins
    for _ in range(4):
        assert far.run_once() == 0
        assert far.trouble == "no answer in 0.5 s"
    proxy.thaw()
    with running(far):
        assert len(set(keys(take(broker, queue, 2)))) == 1
    assert is_empty(spool)


# -- messages in trouble


def test_a_message_that_the_broker_refuses_is_a_dead_letter_and_the_next_one_is_not(
    spool: Spool, relay: Relay, broker: Any, queue: str, log: Callable[[], str]
) -> None:
    endpoint = MM7Endpoint(spool, accounts={"acme": "s3cret"}, limits=Limits(body=200 * 1024 * 1024))
    client = MM7Client(endpoint, "acme", "s3cret", validate=False)
    too_large = client.send(submit(parts=[("video/mp4", bytes(128 * 1024 * 1024))]))
    good = client.submit()
    assert relay.run_once() == 1
    assert relay.trouble is None
    dead = only(spool)
    assert (dead.message_id, dead.state) == (too_large.message_id, "dead")
    assert dead.reason.startswith("the broker refuses it: Basic.publish: (406) PRECONDITION_FAILED - message size ")
    (message,) = take(broker, queue, 1)
    assert message.headers["message_id"] == good.message_id
    assert log() == f"ERROR: the message {dead.message_id} is a dead letter: {dead.reason}"


def change(spool: Spool, **values: Any) -> None:
    spool._database.write(lambda connection: connection.execute(sa.update(messages).values(**values)))


def test_a_message_is_passed_on_whatever_is_in_it(
    client: MM7Client, spool: Spool, relay: Relay, broker: Any, queue: str
) -> None:
    client.submit()
    change(spool, content_type=b"text/plain")
    assert relay.run_once() == 1
    (message,) = take(broker, queue, 1)
    assert message.headers["content_type"] == "text/plain"


def test_a_message_that_somebody_has_removed_is_passed_over(
    client: MM7Client, spool: Spool, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        client.submit()
    take_some = spool.messages.take

    def take_and_lose(*arguments: Any) -> Any:
        held = take_some(*arguments)
        spool._database.write(lambda connection: connection.execute(sa.delete(messages).where(messages.c.id == 2)))
        return held

    monkeypatch.setattr(spool.messages, "take", take_and_lose)
    assert relay.run_once() == 2
    assert is_empty(spool)


def test_a_message_that_another_relay_has_by_now_is_left_to_it(
    client: MM7Client, spool: Spool, far: Relay, proxy: Any, broker: Any, queue: str
) -> None:
    assert far.run_once() == 0
    client.submit()
    proxy.freeze(only_answers=True)
    with running(far):
        proxy.wait_until_held(answers=True)
        change(spool, lease=b"another's")
        proxy.thaw()
        take(broker, queue, 1)
    assert only(spool).state == "leased"


def test_a_relay_outlives_trouble_with_the_database(
    client: MM7Client, spool: Spool, relay: Relay, broker: Any, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.submit()
    take_some, failures = spool.messages.take, iter([True, True])

    def take_or_fail(*arguments: Any) -> Any:
        if next(failures, False):
            raise DatabaseUnavailable
        return take_some(*arguments)

    monkeypatch.setattr(spool.messages, "take", take_or_fail)
    with pytest.raises(DatabaseUnavailable):
        relay.run_once()
    with running(relay):
        take(broker, queue, 1)


def test_what_cannot_be_taken_out_for_want_of_room_is_kept(
    client: MM7Client, spool: Spool, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Any) -> Any:
        raise ServiceUnavailable

    client.submit()
    with monkeypatch.context() as patch:
        patch.setattr(spool.messages, "body_of", full)
        with pytest.raises(ServiceUnavailable):
            relay.run_once()
    assert only(spool).state != "dead"


def test_a_relay_that_is_to_stop_sends_one_more_at_most(
    client: MM7Client, spool: Spool, far: Relay, proxy: Any, broker: Any, queue: str
) -> None:
    assert far.run_once() == 0
    for _ in range(5):
        client.submit()
    proxy.freeze(only_answers=True)
    stop = threading.Event()
    thread = threading.Thread(target=far.run, args=(stop,))
    thread.start()
    proxy.wait_until_held(answers=True)
    stop.set()
    proxy.thaw()
    thread.join(SECONDS)
    assert not thread.is_alive()
    assert len(list(spool.messages.find())) == 4
    assert len(take(broker, queue, 1)) == 1


@pytest.mark.parametrize("is_up", [True, False])
def test_a_relay_that_waits_stops_at_once(spool: Spool, proxy: Any, queue: str, is_up: bool) -> None:
    relay = Relay(spool, proxy.url, queue=queue, poll=3600, backoff=(3600, 3600))
    if not is_up:
        proxy.refuse()
    with running(relay):
        pass


# -- settings


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("redis://host", {}, "the broker has to be RabbitMQ: amqp://user:password@host/vhost"),
        ("amqp://host;memory://", {}, "the broker has to be RabbitMQ"),
        ("amqp://host", {"confirm_timeout": 0}, "confirm_timeout has to be seconds, and lease at least twice as long"),
        ("amqp://host", {"lease": 9.9}, "confirm_timeout has to be seconds, and lease at least twice as long"),
        ("amqp://host", {"poll": 0}, "poll has to be seconds, and backoff two numbers of them, the smaller first"),
        ("amqp://host", {"backoff": (2, 1)}, "poll has to be seconds, and backoff two numbers of them"),
        ("amqp://host", {"backoff": (0, 1)}, "poll has to be seconds, and backoff two numbers of them"),
    ],
)
def test_settings_that_cannot_work_are_refused(spool: Spool, url: str, options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}"):
        Relay(spool, url, **options)


def test_a_password_is_not_shown(spool: Spool) -> None:
    relay = Relay(spool, "amqp://user:hunter2@mq.example:5671/mms")
    assert repr(relay) == f"<Relay from {spool!r} to amqp://user:**@mq.example:5671/mms>"


def test_without_kombu_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("relay", "broker"):
        monkeypatch.delitem(sys.modules, f"mm7_wsgi.spool.{name}")
    monkeypatch.setitem(sys.modules, "kombu.connection", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs one more package: pip install 'mm7_wsgi\[rabbitmq\]'"):
        importlib.import_module("mm7_wsgi.spool.relay")
