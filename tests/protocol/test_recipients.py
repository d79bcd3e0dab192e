"""No recipient is dropped: each way of writing one is read, or the message is refused."""

from __future__ import annotations

from itertools import islice, product

import pytest

from mm7_wsgi.protocol.deviations import Deviations
from mm7_wsgi.protocol.errors import AddressError, MM7Error
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.messages import CancelReq, DeliverReq, SubmitReq, read_request
from mm7_wsgi.protocol.soap import MM7, parse_xml

LOST = "+12025550199"
HEADS = {
    "SubmitReq": "<SenderIdentification/>",
    "DeliverReq": "<Sender><Number>+12025550100</Number></Sender>",
    "CancelReq": "<SenderIdentification/><MessageID>1</MessageID>",
}
#: What stands in Recipients beside a To with another address.
IN_RECIPIENTS = {
    "Cc": "<Cc><Number>{0}</Number></Cc>",
    "CC": "<CC><Number>{0}</Number></CC>",
    "BCC": "<BCC><Number>{0}</Number></BCC>",
    "to": "<to><number>{0}</number></to>",
    "To again": "<To><Number>{0}</Number></To>",
    "a number": "<Number>{0}</Number>",
    "an address in other capitals": "<shortcode>{0}</shortcode>",
    "instantcom's name in Cc": "<Cc><RFC822Address>{0}</RFC822Address></Cc>",
    "an unknown name": "<Phone>{0}</Phone>",
    "Recipient": "<Recipient>{0}</Recipient>",
    "Recipient around an address": "<Recipient><Number>{0}</Number></Recipient>",
    "a misspelt group": "<Tos><Number>{0}</Number></Tos>",
    "Recipients": "<Recipients><To><Number>{0}</Number></To></Recipients>",
    "SenderAddress": "<SenderAddress><Number>{0}</Number></SenderAddress>",
    "text": "{0}",
    "CDATA": "<![CDATA[{0}]]>",
    "an Extension": "<Extension>{0}</Extension>",
    "an Extension around an address": "<Extension><Number>{0}</Number></Extension>",
    "an Extension with an attribute": '<Extension to="{0}"/>',
    "an attribute of an unknown name": '<Phone number="{0}"/>',
    "an attribute of To": '<To number="{0}"/>',
    "an attribute of an empty group": '<Cc number="{0}"></Cc>',
    "a vendor's To": '<To xmlns="urn:v"><Number>{0}</Number></To>',
    "a vendor's number": '<Number xmlns="urn:v">{0}</Number>',
    "a vendor's element": '<v:X xmlns:v="urn:v"><v:Y>{0}</v:Y></v:X>',
    "a group in no namespace": '<Cc xmlns=""><Number>{0}</Number></Cc>',
    "a group in another namespace of MM7": '<Cc xmlns="urn:mm7"><Number>{0}</Number></Cc>',
}
#: What stands in a To beside another address.
IN_TO = {
    "Number": "<Number>{0}</Number>",
    "number": "<number>{0}</number>",
    "a number in CDATA, with a comment": "<Number><!-- x --><![CDATA[{0}]]></Number>",
    "RFC822Address": "<RFC822Address>{0}</RFC822Address>",
    "an unknown name": "<MSISDN>{0}</MSISDN>",
    "an unknown name around an address": "<Phone><Number>{0}</Number></Phone>",
    "an unknown name and an attribute": '<MSISDN value="{0}"/>',
    "a number and an attribute": '<Number value="{0}"/>',
    "text": "{0}",
    "text after it": "<!-- -->{0}",
    "To": "<To><Number>{0}</Number></To>",
    "To with a text": "<To>{0}</To>",
    "Cc": "<Cc><Number>{0}</Number></Cc>",
    "Recipient": "<Recipient>{0}</Recipient>",
    "a number with an element": "<Number><b>{0}</b></Number>",
    "a number before an element": "<Number>{0}<b/></Number>",
    "a vendor's number": '<Number xmlns="urn:v">{0}</Number>',
    "a vendor's element": '<v:Phone xmlns:v="urn:v">{0}</v:Phone>',
    "a vendor's attribute": '<v:Phone xmlns:v="urn:v" number="{0}"/>',
    "an Extension": "<Extension>{0}</Extension>",
    "an extension": "<extension>{0}</extension>",
    "an Extension, deep": "<Extension><x><y>{0}</y></x></Extension>",
    "a number in no namespace": '<Number xmlns="">{0}</Number>',
}
#: What stands beside Recipients.
BESIDE = {
    "Recipients again": "<Recipients><To><Number>{0}</Number></To></Recipients>",
    "recipients": "<recipients><To><Number>{0}</Number></To></recipients>",
    "Recipients with a number": "<Recipients><Number>{0}</Number></Recipients>",
    "Recipient": "<Recipient><Number>{0}</Number></Recipient>",
    "Recipient with a group": "<Recipient><Cc><Number>{0}</Number></Cc></Recipient>",
    "Recipient with an unknown name": "<Recipient><Phone>{0}</Phone></Recipient>",
    "To": "<To><Number>{0}</Number></To>",
    "TO": "<TO>{0}</TO>",
    "Cc": "<Cc><Number>{0}</Number></Cc>",
    "Bcc": "<bcc><Number>{0}</Number></bcc>",
    "a misspelt name": "<Recipents><To><Number>{0}</Number></To></Recipents>",
    "another misspelt name": "<Reciepients><To>{0}</To></Reciepients>",
    "in an unknown element": "<Envelope><Recipients><To>{0}</To></Recipients></Envelope>",
    "in SenderIdentification": "<SenderIdentification><Recipients><To>{0}</To></Recipients></SenderIdentification>",
    "in ReplyCharging": "<ReplyCharging><To><Number>{0}</Number></To></ReplyCharging>",
    "in a text": "<ServiceCode><Recipients><To><Number>{0}</Number></To></Recipients></ServiceCode>",
    "in an element that is there twice": "<ServiceCode/><ServiceCode><To>{0}</To></ServiceCode>",
    "in one in both capitals": "<ServiceCode/><servicecode><To>{0}</To></servicecode>",
    "a vendor's Recipients": '<v:Recipients xmlns:v="urn:v"><v:To>{0}</v:To></v:Recipients>',
    "an attribute": '<Recipients to="{0}"/>',
    "an attribute in other capitals": '<RECIPIENTS to="{0}"/>',
}
WAYS = {
    **{
        f"in Recipients: {name}": f"<Recipients><To><Number>1</Number></To>{way}</Recipients>"
        for name, way in IN_RECIPIENTS.items()
    },
    **{
        f"first in Recipients: {name}": f"<Recipients>{way}<To><Number>1</Number></To></Recipients>"
        for name, way in IN_RECIPIENTS.items()
    },
    **{f"in To: {name}": f"<Recipients><To><Number>1</Number>{way}</To></Recipients>" for name, way in IN_TO.items()},
    **{
        f"alone in a group: {name}": f"<Recipients><To><Number>1</Number></To><Bcc>{way}</Bcc></Recipients>"
        for name, way in IN_TO.items()
    },
    **{f"beside: {name}": f"<Recipients><To><Number>1</Number></To></Recipients>{way}" for name, way in BESIDE.items()},
    **{f"before: {name}": f"{way}<Recipients><To><Number>1</Number></To></Recipients>" for name, way in BESIDE.items()},
}


def read(name: str, inside: str, *, strict: bool = False, head: str = "") -> SubmitReq | DeliverReq | CancelReq:
    xml = f'<{name} xmlns="{MM7}"><MM7Version>6.8.0</MM7Version>{head or HEADS[name]}{inside}</{name}>'
    root = parse_xml(xml.encode(), Limits())
    return read_request(root, Limits(), Deviations(strict=strict))  # type: ignore[return-value]


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("way", WAYS)
def test_a_recipient_is_read_or_the_message_is_refused(name: str, way: str) -> None:
    inside = WAYS[way].format(LOST)
    try:
        message = read(name, inside)
    except AddressError:
        with pytest.raises(MM7Error):
            read(name, inside, strict=True)
        return
    found = message.recipients
    assert sorted(address.value for address in (*found.to, *found.cc, *found.bcc)) == sorted([LOST, "1"])


def test_most_of_what_has_one_reading_is_read() -> None:
    """The rule above would hold for an endpoint that refuses everything."""
    for way in (
        *[f"in Recipients: {name}" for name in list(IN_RECIPIENTS)[:10]],
        *[f"in To: {name}" for name in list(IN_TO)[:5]],
        "in To: To with a text",
        *[f"beside: {name}" for name in list(BESIDE)[:10]],
    ):
        message = read("SubmitReq", WAYS[way].format(LOST))
        assert LOST in {address.value for group in message.recipients.__getstate__() for address in group}, way


@pytest.mark.parametrize("group", ["To", "Cc", "Bcc"])
def test_a_group_in_other_capitals_is_that_group(group: str) -> None:
    message = read("SubmitReq", f"<Recipients><{group.upper()}><Number>1</Number></{group.upper()}></Recipients>")

    assert [address.value for address in getattr(message.recipients, group.lower())] == ["1"]


def test_groups_in_both_capitals_are_gathered() -> None:
    message = read(
        "SubmitReq",
        "<Recipients><TO><Number>1</Number></TO><To><Number>2</Number></To><to><Number>3</Number></to></Recipients>",
    )

    assert sorted(address.value for address in message.recipients.to) == ["1", "2", "3"]


@pytest.mark.parametrize(
    "element",
    ["<Recipients><To><Number>1</Number></To></Recipients>", "<To>1</To>", '<v:Bcc xmlns:v="urn:v">1</v:Bcc>'],
)
@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("ReplaceReq", "<SenderIdentification/><MessageID>1</MessageID>"),
        ("extendedCancelReq", "<SenderIdentification/><CancelID>1</CancelID>"),
        ("extendedReplaceReq", "<ReplaceID>1</ReplaceID>"),
    ],
)
def test_recipients_of_a_request_that_has_none_are_refused(name: str, head: str, element: str) -> None:
    with pytest.raises(AddressError, match="it may hold recipients, and they have no place here"):
        read(name, element, head=head)


def test_what_is_called_as_recipients_are_and_holds_nothing_is_kept() -> None:
    message = read(
        "ReplaceReq", "<Recipients><To/></Recipients>", head="<SenderIdentification/><MessageID>1</MessageID>"
    )

    assert [kept.name for kept in message.extensions] == ["Recipients"]


@pytest.mark.parametrize("element", ["<Receipt>1</Receipt>", "<Reception><Number>1</Number></Reception>", "<X>1</X>"])
def test_another_element_of_a_vendor_is_none_of_the_recipients(element: str) -> None:
    message = read("SubmitReq", f"<Recipients><To><Number>1</Number></To></Recipients>{element}")

    assert len(message.extensions) == 1


@pytest.mark.parametrize("name", ["DeliveryReportReq", "ReadReplyReq"])
@pytest.mark.parametrize(
    "recipient",
    [
        "<Recipient><Number>1</Number><Number>2</Number></Recipient>",
        "<Recipient><Number>1</Number><RFC822Address>a@b.example</RFC822Address></Recipient>",
        "<Recipient><Number>1</Number></Recipient><Recipient><Number>2</Number></Recipient>",
        "<Recipient><Number>1</Number></Recipient><Recipients><Number>2</Number></Recipients>",
        "<Recipients><Number>1</Number></Recipients><Recipient><Number>2</Number></Recipient>",
        "<Recipients><To><Number>1</Number></To><To><Number>2</Number></To></Recipients>",
        "<Recipient><Number>1</Number><Phone>2</Phone></Recipient>",
        "<Recipient><Number>1</Number><v:X xmlns:v='urn:v'>2</v:X></Recipient>",
    ],
)
def test_a_report_is_of_one_recipient(name: str, recipient: str) -> None:
    with pytest.raises(AddressError):
        read(name, recipient + "<MMStatus>Indeterminate</MMStatus>", head="<MessageID>1</MessageID>")


def test_what_may_be_recipients_is_looked_for_in_one_go() -> None:
    deep = "<Recipients>" * 25 + "<x/>" * 20_000 + "</Recipients>" * 25
    odd = "".join(f"<reciep{chr(97 + n % 3)}{'e' * (n % 4)}nt/>" for n in range(20_000))

    message = read("ReplaceReq", f"<Y>1{deep}</Y>{odd}", head="<SenderIdentification/><MessageID>1</MessageID>")

    assert len(message.extensions) == 20_001


def test_the_group_around_the_recipient_of_a_report_may_be_in_other_capitals() -> None:
    recipient = "<Recipient><TO><Number>+12025550101</Number></TO></Recipient>"
    report = read("DeliveryReportReq", f"{recipient}<MMStatus>Expired</MMStatus>", head="<MessageID>1</MessageID>")
    assert report.recipient.value == "+12025550101"


def test_an_empty_sender_of_a_report_is_a_missing_one() -> None:
    recipient = "<Recipient><Number>+12025550101</Number></Recipient>"
    for date in ("", "<Date>2030-01-02T09:30:47Z</Date>"):  # without it, and as the schema has all else
        inside = f"{recipient}<Sender/>{date}<MMStatus>Expired</MMStatus>"
        assert read("DeliveryReportReq", inside, head="<MessageID>1</MessageID>").sender is None


def test_of_many_names_that_are_nearly_recipients_none_is_passed_over_unread() -> None:
    """Some are compared; a message with more of them is refused, since any of the rest may hold one."""
    names = ["".join(letters) for letters in islice(product("eca", repeat=4), 40)]
    odd = [f"<re{name}>1</re{name}>" for name in names]
    head = "<SenderIdentification/><MessageID>1</MessageID>"
    assert len(read("ReplaceReq", "".join(odd[:20]), head=head).extensions) == 20
    with pytest.raises(AddressError):
        read("ReplaceReq", "".join(odd), head=head)
