"""One TransactionID for several messages, as Mbuni and others send them: each is accepted once, and none is lost."""

from __future__ import annotations

import itertools
import runpy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from mm7_wsgi import Account, MM7Endpoint, MM7Observer, MM7Request, Outcome
from mm7_wsgi.spool import Spool, TransactionLog
from mm7_wsgi.spool.identity import _FORMER_RULE, fingerprint
from mm7_wsgi.spool.tables import transactions
from mm7_wsgi.testing import Message, MM7Client, submit

KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
ACCOUNTS, Look = KIT["ACCOUNTS"], KIT["Look"]

_attempts = itertools.count(1)

RECIPIENTS = (
    "<mm7:Number>+12025550101</mm7:Number>",
    "<mm7:Number>+12025550102</mm7:Number>",
    "<mm7:RFC2822Address>someone@receiver.example</mm7:RFC2822Address>",
)
MBUNI = """\


--{boundary}
Content-Type: text/xml; charset=utf-8
Content-ID: <{soap}>

<?xml version='1.0' encoding='UTF-8'?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/">
<SOAP-ENV:Header>
<mm7:TransactionID xmlns:mm7="{mm7}" SOAP-ENV:mustUnderstand="1">{transaction}</mm7:TransactionID>
</SOAP-ENV:Header>
<SOAP-ENV:Body>
<mm7:SubmitReq xmlns:mm7="{mm7}">
<mm7:MM7Version>6.8.0</mm7:MM7Version>
<mm7:SenderIdentification>
<mm7:VASPID>acme</mm7:VASPID>
<mm7:VASID>sendmms-user</mm7:VASID>
<mm7:SenderAddress><mm7:ShortCode>100</mm7:ShortCode>
</mm7:SenderAddress>
</mm7:SenderIdentification>
<mm7:Recipients>
<mm7:To>
{recipient}
</mm7:To>
</mm7:Recipients>
<mm7:TimeStamp>2030-01-02T10:00:{second:02}Z</mm7:TimeStamp>
<mm7:ExpiryDate>2030-01-09T10:00:00Z</mm7:ExpiryDate>
<mm7:DeliveryReport>true</mm7:DeliveryReport>
<mm7:Subject>{subject}</mm7:Subject>
<mm7:Content href="cid:{content}" allowAdaptations="true"/>
</mm7:SubmitReq>
</SOAP-ENV:Body>
</SOAP-ENV:Envelope>

--{boundary}
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64
Content-ID: <{content}>

SGVsbG8gZnJvbSBtbXNib3ggxb0=

--{boundary}--
"""
REL_6 = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"


def mbuni(recipient: str, transaction: str = "qf3934.9.x202.67", subject: str = "Hello") -> Message:
    """One attempt as mmsbox makes it: boundary, Content-IDs, href and TimeStamp are new each time."""
    attempt = next(_attempts)
    boundary, soap = f"_boundary_{attempt}_1795353548_G_f_bd{attempt}", f"s1795353548.{attempt}.Wg.msg"
    body = MBUNI.format(
        mm7=REL_6,
        boundary=boundary,
        soap=soap,
        content=f"c1795353548.{attempt}.Gq.msg",
        transaction=transaction,
        recipient=recipient,
        second=attempt % 60,
        subject=subject,
    )
    content_type = f'multipart/related; type="text/xml"; start="<{soap}>"; boundary={boundary}'
    return Message(content_type, body.replace("\n", "\r\n").encode())


REPORT = """\
<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>\
<m:TransactionID xmlns:m="{mm7}" e:mustUnderstand="1">{transaction}</m:TransactionID></e:Header><e:Body>\
<DeliveryReportReq xmlns="{mm7}"><MM7Version>5.3.0</MM7Version><MMSRelayServerID>r1</MMSRelayServerID>\
<MessageID>m-77</MessageID><Recipient><Number>{number}</Number></Recipient><Sender><ShortCode>24680</ShortCode></Sender>\
<Date>2030-04-22T16:{minute:02}:00Z</Date><MMStatus>{status}</MMStatus></DeliveryReportReq></e:Body></e:Envelope>"""
REL_5 = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2"


def report(status: str, number: str = "12025550142", transaction: str = "submit-1") -> Message:
    """One attempt as Vibes or vectorcore make it: under the TransactionID of the submission, with a Date of its own."""
    body = REPORT.format(mm7=REL_5, transaction=transaction, number=number, status=status, minute=next(_attempts) % 60)
    return Message('text/xml; charset="utf-8"', body.encode())


class Peer(MM7Client):
    """A peer of ``endpoint``, which keeps what it accepts; ``accepted`` says what that was."""

    accepted: Callable[[], list[str]]
    endpoint: MM7Endpoint


class Duplicates(MM7Observer):
    """Counts the duplicates."""

    count = 0

    def duplicate(self, outcome: Outcome) -> None:
        self.count += 1


@pytest.fixture(params=["log", "spool"])
def make_peer(request: pytest.FixtureRequest, place: str) -> Iterator[Any]:
    opened: list[Any] = []
    handled: list[str] = []

    def handle(message: MM7Request) -> None:
        assert message.content is None or message.content.text.startswith("Hello")
        handled.append(message.transaction_id)

    def make_peer(accounts: Any = ACCOUNTS, observer: MM7Observer | None = None, **options: Any) -> Peer:
        if request.param == "spool":
            spool = Spool(place, **options)
            endpoint = MM7Endpoint(spool, accounts=accounts, observer=observer)
            accepted: Callable[[], list[str]] = Look(place).stored
            opened.append(spool)
        else:
            log = TransactionLog(place, wait=0, **options)
            endpoint = MM7Endpoint(handle, accounts=accounts, transactions=log, observer=observer)
            accepted = handled.copy
            opened.append(log)
        made = Peer(endpoint, "acme", ACCOUNTS["acme"])
        made.accepted, made.endpoint = accepted, endpoint
        return made

    yield make_peer
    for kept in opened:
        kept.close()


# -- one request for each recipient


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_three_recipients_are_three_messages_and_each_lost_answer_is_one_repeat(make_peer: Any, lost: int) -> None:
    duplicates = Duplicates()
    client = make_peer(observer=duplicates)
    first = [client.send(mbuni(recipient)) for recipient in RECIPIENTS]
    assert [answer.status_code for answer in first] == [1000] * 3
    assert len({answer.message_id for answer in first}) == 3
    again = [client.send(mbuni(recipient)) for recipient in RECIPIENTS[:lost]]
    assert [answer.body for answer in again] == [answer.body for answer in first[:lost]]
    assert duplicates.count == lost
    assert client.accepted() == ["qf3934.9.x202.67"] * 3


def test_each_is_repeated_as_often_as_it_takes(make_peer: Any) -> None:
    client = make_peer()
    answers = {recipient: {client.send(mbuni(recipient)).body for _ in range(4)} for recipient in RECIPIENTS}
    assert [len(octets) for octets in answers.values()] == [1, 1, 1]
    assert len(set.union(*answers.values())) == 3
    assert len(client.accepted()) == 3


def test_the_same_recipients_in_one_request_are_one_more_message(make_peer: Any) -> None:
    client = make_peer()
    for recipients in (*RECIPIENTS, "\n".join(RECIPIENTS)) * 2:
        assert client.send(mbuni(recipients)).accepted
    assert len(client.accepted()) == 4


def test_ids_that_collide_within_a_second_are_messages_of_their_own(make_peer: Any) -> None:
    client = make_peer()
    messages = [("+1", "Hello"), ("+1", "Good bye"), ("+2", "Hello")]
    for number, subject in messages * 2:
        recipient = f"<mm7:Number>{number}</mm7:Number>"
        assert client.send(mbuni(recipient, "20300102100000", subject)).accepted
    assert client.accepted() == ["20300102100000"] * 3


# -- reports


def test_what_became_of_a_message_is_known_to_the_last_report(make_peer: Any) -> None:
    """The submission's TransactionID is that of all reports."""
    client = make_peer()
    reports = [
        ("Forwarded", "12025550142"),
        ("Retrieved", "12025550142"),
        ("Forwarded", "12025550143"),
        ("Expired", "12025550143"),
    ]
    first = [client.send(report(*each)) for each in reports]
    assert [answer.status_code for answer in first] == [1000] * 4
    assert len(client.accepted()) == 4
    # Another Date alone is no other report.
    again = [client.send(report(*each)) for each in reports]
    assert [answer.body for answer in again] == [answer.body for answer in first]
    assert client.accepted() == ["submit-1"] * 4


# -- the setting


def test_an_account_has_its_own(make_peer: Any) -> None:
    accounts = [Account("acme", "s3cret", reuse="refuse"), Account("beta", "geheim", reuse="accept"), Account("x", "y")]
    for reuse in ("accept", "refuse"):
        client = make_peer(accounts={account.name: account for account in accounts}, reuse=reuse)
        found = {}
        for account in accounts:
            made = MM7Client(client.endpoint, account.name, account.secret)
            found[account.name] = [
                made.submit(transaction_id=f"{reuse}-1", to=to).status_code for to in ("+1", "+2", "+1")
            ]
        assert found == {
            "acme": [1000, 2000, 1000],
            "beta": [1000, 1000, 1000],
            "x": [1000, 1000 if reuse == "accept" else 2000, 1000],
        }


def test_what_was_accepted_while_others_were_refused_is_known_afterwards(make_peer: Any) -> None:
    one, two, three = (lambda recipient=recipient: mbuni(recipient) for recipient in RECIPIENTS)
    before, after = make_peer(reuse="refuse"), make_peer()
    first = before.send(one())
    assert before.send(two()).status_code == 2000
    assert after.send(one()).body == first.body
    second = after.send(two())
    assert second.accepted
    assert [client.send(two()).body for client in (before, after)] == [second.body] * 2
    assert before.send(three()).status_code == 2000
    assert len(after.accepted()) == 2


def test_what_was_accepted_beside_others_is_known_where_others_are_refused(make_peer: Any) -> None:
    before, after = make_peer(), make_peer(reuse="refuse")
    answers = [before.send(mbuni(recipient)) for recipient in RECIPIENTS[:2]]
    assert [after.send(mbuni(recipient)).body for recipient in RECIPIENTS[:2]] == [answer.body for answer in answers]
    # The first that it sees itself; from then on others are refused.
    third = after.send(mbuni(RECIPIENTS[2]))
    assert third.accepted
    assert after.send(mbuni("<mm7:Number>+3</mm7:Number>")).status_code == 2000
    assert [client.send(mbuni(RECIPIENTS[2])).body for client in (before, after)] == [third.body] * 2
    assert len(after.accepted()) == 3


def test_what_an_earlier_version_accepted_is_known_after_the_upgrade(make_peer: Any, place: str) -> None:
    """By its default there was one message under a TransactionID, and its fingerprint was of another rule."""
    client = make_peer(reuse="refuse")
    first = client.send(mbuni(RECIPIENTS[0]))
    former: list[bytes] = []
    teller = MM7Endpoint(lambda request: former.append(fingerprint(request, rule=_FORMER_RULE)), accounts=ACCOUNTS)
    MM7Client(teller, "acme", "s3cret").send(mbuni(RECIPIENTS[0]))
    Look(place)(sa.update(transactions).values(fingerprint=former[0]))
    upgraded = make_peer()
    for _ in range(2):
        assert upgraded.send(mbuni(RECIPIENTS[0])).body == first.body
        assert upgraded.send(mbuni(RECIPIENTS[1])).accepted
    assert client.send(mbuni(RECIPIENTS[0])).body == first.body
    assert client.send(mbuni(RECIPIENTS[2])).status_code == 2000
    assert len(upgraded.accepted()) == 2


def test_a_fingerprint_of_a_later_version_is_of_another_message(make_peer: Any, place: str) -> None:
    """To believe that it is the same would lose the second recipient after a downgrade."""
    client = make_peer(reuse="refuse")
    assert client.send(mbuni(RECIPIENTS[0])).accepted
    Look(place)(sa.update(transactions).values(fingerprint=b"\xff" + bytes(32)))
    assert client.send(mbuni(RECIPIENTS[1])).status_code == 2000
    assert make_peer().send(mbuni(RECIPIENTS[1])).accepted


def test_other_recipients_do_not_wait_for_one_that_is_handled(place: str) -> None:
    began, go = threading.Event(), threading.Event()

    def wait(request: MM7Request) -> None:
        began.set()
        assert go.wait(30)

    logs = [TransactionLog(place, wait=0, reuse=reuse) for reuse in ("refuse", "accept")]
    slow, quick = (
        MM7Client(MM7Endpoint(handle, accounts=ACCOUNTS, transactions=log), "acme", "s3cret")
        for handle, log in zip((wait, lambda request: None), logs, strict=True)
    )
    first: list[Any] = []
    thread = threading.Thread(target=lambda: first.append(slow.send(mbuni(RECIPIENTS[0]))))
    thread.start()
    assert began.wait(30)
    assert quick.send(mbuni(RECIPIENTS[0])).status_code == 4006
    assert quick.send(mbuni(RECIPIENTS[1])).accepted
    go.set()
    thread.join()
    assert quick.send(mbuni(RECIPIENTS[0])).body == first[0].body
    for log in logs:
        log.close()


# -- those who look after a spool


def test_a_spool_tells_messages_of_one_transaction_apart(folder: Path) -> None:
    spool = Spool(folder / "mm7.db")
    client = MM7Client(MM7Endpoint(spool, accounts=ACCOUNTS), "acme", "s3cret")
    ids = [client.submit(transaction_id="t", to=to).message_id for to in ("+1", "+2", "+3")]
    rows = list(spool.messages.find())
    assert [row.message_id for row in rows] == ids
    assert {row.transaction_id for row in rows} == {"t"}
    assert len({row.key for row in rows}) == 3
    (second,) = spool.messages.find(message_ids=[ids[1]])
    assert [row.message_id for row in spool.messages.remove([second])] == [ids[1]]
    left = [(delivery.message_id, delivery.key) for delivery in spool.claim(3)]
    assert left == [(row.message_id, row.key) for row in rows if row.message_id != ids[1]]
    assert client.submit(transaction_id="t", to="+2").message_id == ids[1]
    assert [row.message_id for row in spool.messages.find()] == [ids[0], ids[2]]
    spool.close()


def test_messages_that_differ_in_one_recipient_are_others(folder: Path) -> None:
    """Whatever makes the difference: the kind of the address, its place, how often it is there."""
    log = TransactionLog(folder / "mm7.db")
    handled: list[MM7Request] = []
    client = MM7Client(MM7Endpoint(handled.append, accounts=ACCOUNTS, transactions=log), "acme", "s3cret")
    plain = submit(transaction_id="t", to="+12025550101")
    to = "<mm7:To><mm7:Number>+12025550101</mm7:Number></mm7:To>"
    others = [
        to.replace("Number>", "ShortCode>"),
        to.replace("mm7:To>", "mm7:Cc>"),
        to.replace("mm7:To>", "mm7:Bcc>"),
        to.replace("</mm7:To>", "<mm7:Number>+12025550101</mm7:Number></mm7:To>"),
        to.replace("0101", "0102"),
        to.replace("+1", "1"),
    ]
    messages = [plain, *(plain.swap(to, other) for other in others)]
    for message in messages * 2:
        assert client.send(message).accepted
    assert len(handled) == len(messages) == 7
    log.close()
