"""What is accepted is stored once, and handed to workers until one of them says that it is done."""

from __future__ import annotations

import re
import runpy
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mm7_wsgi import (
    Account,
    AddressNotFound,
    Limits,
    MM7Endpoint,
    MM7Handler,
    MM7Middleware,
    MM7Request,
    SubmitReq,
    ValidationError,
)
from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.errors import UnsupportedMediaType
from mm7_wsgi.spool import DatabaseUnavailable, LeaseLost, Spool, Stored, StoredMessage, TransactionLog
from mm7_wsgi.spool.identity import fingerprint
from mm7_wsgi.spool.tables import PIECE, messages
from mm7_wsgi.testing import Message, MM7Client, submit

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
BEGIN, Clock = KIT["BEGIN"], KIT["Clock"]


@pytest.fixture
def clock() -> Any:
    return Clock()


@pytest.fixture
def make(tmp_path: Path, clock: Any) -> Iterator[Any]:
    made: list[Any] = []

    def make(**options: Any) -> Spool:
        made.append(Spool(tmp_path / "mm7.db", clock=clock, **options))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


@pytest.fixture
def spool(make: Any) -> Any:
    return make()


def peer(handler: Any, **options: Any) -> MM7Client:
    return MM7Client(MM7Endpoint(handler, accounts={"acme": "s3cret"}, **options), "acme", "s3cret")


@pytest.fixture
def client(spool: Spool) -> MM7Client:
    return peer(spool)


def claimed(spool: Spool, **options: Any) -> list[str]:
    return [delivery.transaction_id for delivery in spool.claim(10, **options)]


# -- accepting


def test_a_message_is_handed_out_as_it_came(client: MM7Client, spool: Spool) -> None:
    picture = bytes(range(256))
    sent = submit(to="+12025550101", subject="Grüße", parts=[("image/gif", picture), ("text/plain", "hello")])
    answer = client.send(sent)
    (delivery,) = spool.claim()
    request = delivery.request
    assert isinstance(request.message, SubmitReq)
    assert (request.account.name, request.message.subject) == ("acme", "Grüße")
    assert [address.value for address in request.message.recipients.to] == ["+12025550101"]
    assert [part.content_type for part in request.leaves()] == ["image/gif", "text/plain"]
    assert next(request.leaves()).data == picture
    assert request.transaction_id == delivery.transaction_id == answer.transaction_id
    assert request.message_id == delivery.message_id == answer.message_id
    assert (request.remote_addr, dict(request.environ), request.host_request) == ("127.0.0.1", {}, None)
    assert (delivery.operation, delivery.account, delivery.attempts) == ("SubmitReq", "acme", 1)
    assert delivery.received == datetime.fromtimestamp(BEGIN, timezone.utc)
    assert (delivery.content_type, delivery.size) == (sent.content_type, len(sent.body))
    assert repr(delivery) == f"<Delivery SubmitReq '{answer.transaction_id}' from 'acme', attempt 1>"
    with delivery.open() as stream:
        assert stream.read() == sent.body


@pytest.mark.parametrize("size", [0, 1, PIECE - 2000, PIECE, 2 * PIECE, 3 * PIECE + 1])
def test_a_message_of_any_size_comes_back_whole(client: MM7Client, spool: Spool, size: int) -> None:
    octets = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    assert client.submit(parts=[("application/octet-stream", octets)]).accepted
    (delivery,) = spool.claim()
    assert [part.data for part in delivery.request.leaves()] == [octets]
    delivery.done()
    assert not any(spool.messages.counts().values())
    with spool._database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM mm7_pieces").scalar() == 0


def test_the_body_of_a_delivery_can_be_had_without_reading_what_is_in_it(client: MM7Client, spool: Spool) -> None:
    sent = submit()
    client.send(sent)
    spool._database.write(lambda connection: connection.execute(update(messages).values(content_type=b"text/plain")))
    (delivery,) = spool.claim()
    with pytest.raises(UnsupportedMediaType):
        delivery.request  # noqa: B018
    for _ in range(2):
        with delivery.open() as stream:
            assert stream.read() == sent.body
    delivery.done()


def test_the_parts_of_a_delivery_end_with_it(client: MM7Client, spool: Spool) -> None:
    client.submit(parts=[("text/plain", b"hello")])
    client.submit(parts=[("text/plain", b"hello")])
    parts = [next(delivery.request.leaves()) for delivery in spool.claim(2)]
    for part in parts:
        with pytest.raises(ValueError, match="the octets of this message are gone"):
            part.data  # noqa: B018


def test_a_stored_request_is_answered_already(client: MM7Client, spool: Spool) -> None:
    client.submit()
    (delivery,) = spool.claim()
    with pytest.raises(ValueError, match="this request was answered when it was accepted"):
        delivery.request.write(delivery.request.success())


def test_the_same_again_gets_the_same_answer_and_is_stored_once(client: MM7Client, spool: Spool) -> None:
    message = submit(transaction_id="t-1")
    answers = [client.send(message).body for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert claimed(spool) == ["t-1"]


def test_the_same_is_known_again_after_it_is_done(client: MM7Client, spool: Spool) -> None:
    message = submit(transaction_id="t-1")
    first = client.send(message)
    next(spool.claim()).done()
    assert client.send(message).body == first.body
    assert claimed(spool) == []


def test_it_is_forgotten_after_its_window(make: Any, clock: Any) -> None:
    spool = make(window=timedelta(hours=1))
    client = peer(spool)
    message = submit(transaction_id="t-1")
    first = client.send(message).message_id
    clock.now += 3599
    assert client.send(message).message_id == first
    clock.now += 1
    assert client.send(message).message_id != first
    assert claimed(spool) == ["t-1", "t-1"]


def test_no_two_messages_have_one_key(make: Any, clock: Any) -> None:
    """Who drops what it has seen the key of would lose the second: peers begin to count again."""
    spool = make(window=60)
    client = peer(spool)
    client.submit(transaction_id="1", subject="today")
    keys = []
    for _ in range(2):
        (delivery,) = spool.claim()
        keys.append(delivery.key)
        delivery.retry(0)
    clock.now += 60
    client.submit(transaction_id="1", subject="tomorrow")
    keys += [delivery.key for delivery in spool.claim(2)]
    assert keys[0] == keys[1] == keys[2]
    assert keys[3] != keys[0]


def test_another_message_under_the_same_id_may_be_refused(make: Any) -> None:
    spool = make(reuse="refuse")
    client = peer(spool)
    client.submit(transaction_id="t-1", to="+12025550101")
    answer = client.submit(transaction_id="t-1", to="+12025550102")
    assert (answer.http_status, answer.status_code) == (500, 2000)
    assert answer.details == "the TransactionID was used before, for another message"
    assert claimed(spool) == ["t-1"]


def test_another_message_under_the_same_id_is_accepted(client: MM7Client, spool: Spool) -> None:
    ids = [client.submit(transaction_id="t-1", to=to).message_id for to in ("+12025550101", "+12025550102") * 2]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2
    assert claimed(spool) == ["t-1", "t-1"]


def test_accounts_and_operations_have_ids_of_their_own(spool: Spool) -> None:
    endpoint = MM7Endpoint(spool, accounts={"acme": "s3cret", "other": "0ther"})
    clients = [MM7Client(endpoint, "acme", "s3cret"), MM7Client(endpoint, "other", "0ther")]
    for client in clients:
        assert client.submit(transaction_id="t-1").accepted
        assert client.cancel(transaction_id="t-1", message_id="m-1").accepted
    assert len({delivery.key for delivery in spool.claim(10)}) == 4


def test_a_response_without_a_message_id_has_one_in_the_spool(client: MM7Client, spool: Spool) -> None:
    assert client.cancel(message_id="m-1").message_id is None
    assert [len(delivery.message_id) for delivery in spool.claim()] == [32]


def test_what_is_not_served_is_refused(make: Any) -> None:
    client = peer(make(operations=("submit", "cancel")))
    assert client.submit().accepted
    answer = client.deliver()
    assert (answer.status_code, answer.details) == (4003, "DeliverReq is not served here")
    assert peer(make(operations="deliver")).deliver().accepted


def test_a_handler_may_look_before_it_stores(spool: Spool) -> None:
    class Inbox(MM7Handler):
        def submit(self, request: MM7Request, message: SubmitReq) -> Any:
            if message.recipients.to[0].value == "+12025550109":
                raise AddressNotFound
            return spool(request, request.partial(message_id="42", details="not all"))

    client = peer(Inbox())
    assert client.submit(to="+12025550109", transaction_id="t-1").status_code == 2003
    answer = client.submit(to="+12025550101", transaction_id="t-1")
    assert (answer.status_code, answer.message_id, answer.details) == (1100, "42", "not all")
    assert client.submit(to="+12025550101", transaction_id="t-1").body == answer.body
    assert [delivery.message_id for delivery in spool.claim(10)] == ["42"]


def test_a_log_may_stand_around_a_spool(spool: Spool, tmp_path: Path) -> None:
    log = TransactionLog(tmp_path / "mm7.db")
    client = peer(spool, transactions=log)
    message = submit(transaction_id="t-1")
    assert client.send(message).body == client.send(message).body
    assert claimed(spool) == ["t-1"]
    log.close()


def test_it_is_a_handler_of_the_middleware_too(spool: Spool) -> None:
    app = MM7Middleware(lambda *_: [], spool, accounts={"acme": "s3cret"})
    assert MM7Client(app, "acme", "s3cret").submit(transaction_id="t-1").accepted
    assert claimed(spool) == ["t-1"]


def test_only_what_came_through_an_endpoint_can_be_stored(client: MM7Client, spool: Spool) -> None:
    client.submit()
    (delivery,) = spool.claim()
    bare = MM7Request(message=delivery.request.message, account=delivery.request.account, transaction_id="t-1")
    with pytest.raises(ValueError, match="this request did not come through an endpoint"):
        spool(bare)
    with pytest.raises(ValueError, match="this request did not come through an endpoint"):
        fingerprint(bare)


def broken(size: int) -> Message:
    """A message of which one part is not in the encoding that it claims."""
    sent = submit(transaction_id="t-1", parts=[("application/octet-stream", b"\0" * size)])
    part = b"Content-Transfer-Encoding: base64\r\n\r\n%s" % (b"!" * size)
    body = re.sub(rb"(?:Content-Transfer-Encoding: [a-z0-9]+\r\n)?\r\n\0+", lambda _: b"\r\n" + part, sent.body)
    return Message(sent.content_type, body.replace(b"\r\n\r\nContent-Transfer", b"\r\nContent-Transfer"))


@pytest.mark.parametrize("size", [100, 300_000])
def test_what_cannot_be_decoded_is_refused_while_there_is_somebody_to_tell(
    client: MM7Client, spool: Spool, size: int
) -> None:
    answer = client.send(broken(size))
    assert (answer.status_code, claimed(spool)) == (2004, [])


@pytest.mark.parametrize("size", [100, 300_000])
def test_what_cannot_be_decoded_is_for_another_handler_to_judge(tmp_path: Path, size: int) -> None:
    handled: list[str] = []
    log = TransactionLog(tmp_path / "log.db")
    client = peer(lambda request: handled.append(request.transaction_id), transactions=log)
    assert client.send(broken(size)).body == client.send(broken(size)).body
    assert client.send(broken(size + 1)).body != client.send(broken(size)).body
    assert handled == ["t-1", "t-1"]
    log.close()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"operations": ["submit", "subm1t"]}, "operations are of cancel, .*; subm1t is none"),
        ({"attempts": 0}, "attempts has to be a positive whole number, not 0"),
        ({"backoff": (60, 30)}, "backoff has to be two numbers of seconds, the smaller first"),
        ({"backoff": (0, 30)}, "backoff has to be two numbers of seconds"),
        ({"window": 0}, "window has to be seconds, or a timedelta"),
        ({"reuse": "maybe"}, "reuse has to be .*, not 'maybe'"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Spool(tmp_path / "mm7.db", **options)


def test_it_says_where_it_is() -> None:
    assert repr(Spool("postgresql://user:hunter2@host/name")) == ("<Spool postgresql+psycopg://user:***@host/name>")


# -- working off


def test_messages_are_handed_out_in_their_order_and_once(client: MM7Client, spool: Spool, clock: Any) -> None:
    for number in range(5):
        clock.now += 1
        client.submit(transaction_id=f"t-{number}")
    assert claimed(spool) == [f"t-{number}" for number in range(5)]
    assert claimed(spool) == []


def test_no_more_are_handed_out_than_were_asked_for(client: MM7Client, spool: Spool) -> None:
    for number in range(5):
        client.submit(transaction_id=f"t-{number}")
    assert [len(list(spool.claim(2))) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("options", [{"limit": 0}, {"lease": 0}])
def test_to_claim_nothing_is_a_mistake(spool: Spool, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="limit has to be a positive whole number, and lease seconds"):
        next(spool.claim(**options))


def test_what_was_not_handed_over_is_given_back(client: MM7Client, spool: Spool) -> None:
    for number in range(3):
        client.submit(transaction_id=f"t-{number}")
    claim = spool.claim(3)
    next(claim)
    claim.close()
    assert claimed(spool) == ["t-1", "t-2"]
    assert [each.attempts for each in spool.messages.find()] == [1, 1, 1]


def test_giving_back_does_not_need_the_database(client: MM7Client, spool: Spool, monkeypatch: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable

    client.submit()
    client.submit()
    claim = spool.claim(2)
    next(claim)
    monkeypatch.setattr(spool._database, "write", fail)
    claim.close()


def test_a_lease_runs_out(client: MM7Client, spool: Spool, clock: Any) -> None:
    client.submit(transaction_id="t-1")
    (delivery,) = spool.claim(lease=60)
    clock.now += 59.9
    assert claimed(spool) == []
    clock.now += 0.1
    (again,) = spool.claim()
    assert (again.key, again.attempts) == (delivery.key, 2)
    for late in (
        delivery.done,
        delivery.retry,
        delivery.release,
        lambda: delivery.fail("x"),
        lambda: delivery.extend(9),
    ):
        with pytest.raises(LeaseLost, match="is in other hands"):
            late()
    again.done()
    with pytest.raises(LeaseLost):
        again.done()


def test_who_is_late_and_still_has_it_may_say_so(client: MM7Client, spool: Spool, clock: Any) -> None:
    client.submit()
    (delivery,) = spool.claim(lease=60)
    clock.now += 1000
    delivery.done()
    assert claimed(spool) == []


def test_a_lease_can_be_made_longer(client: MM7Client, spool: Spool, clock: Any) -> None:
    client.submit()
    (delivery,) = spool.claim(lease=60)
    clock.now += 50
    delivery.extend(60)
    clock.now += 50
    assert claimed(spool) == []
    clock.now += 10
    assert len(claimed(spool)) == 1


def test_the_lease_of_each_begins_when_it_is_handed_over(client: MM7Client, spool: Spool, clock: Any) -> None:
    for number in range(3):
        client.submit(transaction_id=f"t-{number}")
    found = []
    for delivery in spool.claim(3, lease=60):
        clock.now += 40
        found.append(delivery.transaction_id)
        delivery.done()
    assert found == ["t-0", "t-1", "t-2"]


def test_one_that_another_has_taken_meanwhile_is_left_out(client: MM7Client, spool: Spool, clock: Any) -> None:
    for number in range(3):
        client.submit(transaction_id=f"t-{number}")
    claim = spool.claim(3, lease=60)
    next(claim).done()
    clock.now += 61
    other = spool.claim(1)
    assert next(other).transaction_id == "t-1"
    assert [delivery.transaction_id for delivery in claim] == ["t-2"]


def test_a_message_is_put_off(client: MM7Client, spool: Spool, clock: Any) -> None:
    client.submit()
    next(spool.claim()).retry(after=10, reason="later")
    (kept,) = spool.messages.find()
    assert (kept.state, kept.reason, kept.due) == ("waiting", "later", datetime.fromtimestamp(BEGIN + 10, timezone.utc))
    assert claimed(spool) == []
    clock.now += 10
    assert len(claimed(spool)) == 1


def test_it_is_put_off_for_longer_each_time(make: Any, clock: Any) -> None:
    spool = make(backoff=(10, 60))
    peer(spool).submit()
    for expected in (10, 20, 40, 60, 60):
        next(spool.claim()).retry()
        (kept,) = spool.messages.find()
        waits = kept.due.timestamp() - clock.now
        assert expected * 0.8 <= waits <= expected * 1.2
        clock.now += waits + 1


def test_after_its_last_attempt_it_is_a_dead_letter(make: Any, clock: Any) -> None:
    spool = make(attempts=2)
    peer(spool).submit()
    for reason in ("first", "second"):
        next(spool.claim()).retry(after=0, reason=reason)
    (kept,) = spool.messages.find()
    assert (kept.state, kept.reason, kept.attempts) == ("dead", "second", 2)
    clock.now += 10_000
    assert claimed(spool) == []


def test_a_dead_letter_without_a_reason_says_how_often_it_was_tried(make: Any) -> None:
    spool = make(attempts=1)
    peer(spool).submit()
    next(spool.claim()).retry()
    assert [each.reason for each in spool.messages.find()] == ["handed out 1 times"]


def test_one_that_nobody_settles_is_not_handed_out_for_ever(make: Any, clock: Any) -> None:
    spool = make(attempts=2)
    peer(spool).submit()
    for _ in range(2):
        assert len(claimed(spool, lease=60)) == 1
        clock.now += 61
    assert claimed(spool) == []
    (kept,) = spool.messages.find()
    assert (kept.state, kept.reason) == ("dead", "handed out 2 times, and never settled")


def test_those_that_nobody_settled_do_not_stand_in_the_way_of_others(make: Any, clock: Any) -> None:
    spool = make(attempts=1)
    client = peer(spool)
    for number in range(3):
        client.submit(transaction_id=f"spent-{number}")
    assert len(claimed(spool, lease=10)) == 3
    clock.now += 10
    client.submit(transaction_id="new")
    assert [delivery.transaction_id for delivery in spool.claim(1)] == ["new"]
    assert spool.messages.counts() == {"waiting": 0, "leased": 1, "dead": 3}


def test_there_may_be_no_end_of_attempts(make: Any, clock: Any) -> None:
    spool = make(attempts=10**9, backoff=(1, 60))
    peer(spool).submit()
    spool._database.write(lambda connection: connection.exec_driver_sql("UPDATE mm7_messages SET attempts = 5000"))
    (delivery,) = spool.claim()
    delivery.retry()
    clock.now += 73
    assert [each.attempts for each in spool.claim()] == [5002]


def test_one_that_is_given_up_stays_as_a_dead_letter(client: MM7Client, spool: Spool) -> None:
    client.submit()
    next(spool.claim()).fail("no such recipient")
    assert [(each.state, each.reason) for each in spool.messages.find()] == [("dead", "no such recipient")]
    assert claimed(spool) == []


def test_one_that_is_released_has_lost_no_attempt(client: MM7Client, spool: Spool, clock: Any) -> None:
    client.submit()
    next(spool.claim()).release(after=5)
    assert claimed(spool) == []
    clock.now += 5
    assert [delivery.attempts for delivery in spool.claim()] == [1]


def test_what_an_account_tolerates_is_read_by_the_worker_too(spool: Spool) -> None:
    account = Account("acme", "s3cret", tolerate=["close-missing"])
    message = submit(parts=[("text/plain; charset=utf-8", "Gr\u00fc\u00dfe")]).cut("Gr\u00fc\u00df")
    client = MM7Client(MM7Endpoint(spool, accounts={"acme": account}), "acme", "s3cret")
    assert client.send(message).accepted
    [delivery] = spool.claim()
    assert [part.text for part in delivery.request.leaves()] == ["Gr\u00fc\u00df"]
    assert [deviation.name for deviation in delivery.request.deviations] == ["close-missing"]


def test_deliveries_come_as_they_become_due_until_they_are_stopped(
    client: MM7Client, spool: Spool, monkeypatch: Any
) -> None:
    stop = threading.Event()
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            client.submit(transaction_id="t-1")
        else:
            stop.set()

    monkeypatch.setattr(stop, "wait", wait)
    client.submit(transaction_id="t-0")
    found = []
    for delivery in spool.deliveries(poll=7, stop=stop):
        found.append(delivery.transaction_id)
        delivery.done()
    assert (found, waits) == (["t-0", "t-1"], [7, 7])


def test_deliveries_that_are_stopped_give_back_what_they_have(client: MM7Client, spool: Spool) -> None:
    for number in range(3):
        client.submit(transaction_id=f"t-{number}")
    stop = threading.Event()
    for delivery in spool.deliveries(stop=stop):
        delivery.done()
        stop.set()
    assert claimed(spool) == ["t-1", "t-2"]


def test_deliveries_go_on_when_the_database_is_there_again(client: MM7Client, spool: Spool, monkeypatch: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseUnavailable

    stop = threading.Event()
    client.submit(transaction_id="t-0")
    with monkeypatch.context() as patch:
        patch.setattr(spool._database, "write", fail)
        patch.setattr(stop, "wait", lambda _: patch.undo())
        assert next(spool.deliveries(stop=stop)).transaction_id == "t-0"


def test_what_is_gone_is_said_to_be(client: MM7Client, spool: Spool) -> None:
    client.submit()
    (delivery,) = spool.claim()
    delivery.done()
    with pytest.raises(LookupError, match=f"{delivery.message_id} is not in the spool any more"):
        delivery.request  # noqa: B018


# -- looking after it


def test_an_operator_sees_what_there_is(client: MM7Client, spool: Spool, clock: Any) -> None:
    for number in range(4):
        clock.now += 1
        client.submit(transaction_id=f"t-{number}")
    claim = spool.claim(2)
    next(claim).fail("bad")
    next(claim)

    def ids(**asked: Any) -> list[str]:
        return [each.transaction_id for each in spool.messages.find(**asked)]

    assert spool.messages.counts() == {"waiting": 2, "leased": 1, "dead": 1}
    assert (ids(state="dead"), ids(state="leased"), ids(state="waiting")) == (["t-0"], ["t-1"], ["t-2", "t-3"])
    assert (ids(account="acme"), ids(account="other")) == (["t-0", "t-1", "t-2", "t-3"], [])
    third = next(spool.messages.find(state="waiting"))
    assert ids(message_ids=[third.message_id]) == ["t-2"]
    assert ids(before=third.received) == ["t-0", "t-1"]


def test_more_are_found_than_are_looked_at_at_once(client: MM7Client, spool: Spool, monkeypatch: Any) -> None:
    monkeypatch.setattr("mm7_wsgi.spool.store._AT_ONCE", 2)
    for number in range(5):
        client.submit(transaction_id=f"t-{number}")
    assert [each.transaction_id for each in spool.messages.find()] == [f"t-{number}" for number in range(5)]


def test_an_operator_hands_a_dead_letter_out_again(client: MM7Client, spool: Spool) -> None:
    client.submit()
    next(spool.claim()).fail("bad")
    assert len(list(spool.messages.retry_now(spool.messages.find(state="dead")))) == 1
    assert [delivery.attempts for delivery in spool.claim()] == [1]


def test_an_operator_removes_what_nobody_has(client: MM7Client, spool: Spool) -> None:
    client.submit(transaction_id="t-0")
    client.submit(transaction_id="t-1", parts=[("application/octet-stream", b"x" * 2 * PIECE)])
    held = next(spool.claim())
    removed: list[Stored] = list(spool.messages.remove(spool.messages.find()))
    assert [each.transaction_id for each in removed] == ["t-1"]
    assert list(spool.messages.retry_now(spool.messages.find())) == []
    held.done()
    with spool._database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM mm7_pieces").scalar() == 0


# -- reading it again


def test_what_cannot_be_read_raises_and_leaves_nothing_open(tmp_path: Path) -> None:
    body = Buffer(b"<not")
    with pytest.raises(ValidationError):
        StoredMessage("text/xml", body, account="acme", message_id="m-1")
    with pytest.raises(ValueError, match="gone"):
        body.read(0, 1)


def test_a_message_is_read_again_whatever_the_limits_were(spool: Spool) -> None:
    large = Limits(parts=1000)
    assert peer(spool, limits=large).submit(parts=[("text/plain", b"x")] * 300).accepted
    assert len(list(next(spool.claim()).request.leaves())) == 300
