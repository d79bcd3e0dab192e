"""Names that differ from the schema's: in capitals, in one letter, or by standing in the place of another."""

from __future__ import annotations

import dataclasses
import re
import runpy
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi.protocol.deviations import Deviations
from mm7_wsgi.protocol.errors import AddressError, MM7Error, ValidationError
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.messages import (
    REQUESTS,
    RESPONSES,
    Content,
    Fault,
    Message,
    RSErrorRsp,
    Status,
    VASPErrorRsp,
    read_answer,
    read_request,
    write_message,
)
from mm7_wsgi.protocol.soap import Element, parse_xml, split_name
from mm7_wsgi.protocol.values import Address, AddressKind, DeliveryStatus, ReadStatus

TABLE = runpy.run_path(str(Path(__file__).with_name("schema_table.py")))
MESSAGES = TABLE["MESSAGES"]
NAMESPACE = TABLE["NAMESPACE"]
CLASSES: dict[str, type[Message]] = {**REQUESTS, **RESPONSES}
LIMITS = Limits()
NAME = re.compile(r"(?<=<)(/?)([A-Za-z0-9]+)|(?<= )([A-Za-z]+)(?==\")")


def document(name: str, inside: str) -> str:
    return f'<m:{name} xmlns:m="{NAMESPACE}" xmlns="{NAMESPACE}">{inside}</m:{name}>'


def filled(row: Any) -> str:
    return "".join(form.format(row.name) for form in row.sample.forms)


def rows(name: str, *but: str) -> str:
    """A message with all that has to be there, but for some elements."""
    return "".join(filled(row) for row in MESSAGES[name] if row.cardinality == "1" and row.name not in but)


def read(xml: str, *, strict: bool = False) -> tuple[Any, list[tuple[str, str]]]:
    deviations = Deviations(strict=strict)
    root = parse_xml(xml.encode(), LIMITS)
    is_request = split_name(root.tag)[0].lower().endswith("req")
    message = (read_request if is_request else read_answer)(root, LIMITS, deviations)
    return message, [(told.name, told.where) for told in deviations]


def names(found: list[tuple[str, str]]) -> list[str]:
    return [name for name, _ in found]


# -- capitals


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase], ids=["lower", "upper", "swapped"])
@pytest.mark.parametrize("name", MESSAGES)
def test_a_name_in_other_capitals_is_that_name_on_every_level(name: str, change: Callable[[str], str]) -> None:
    table = [row for row in MESSAGES[name] if row.field != "extensions"]
    inside = "".join(filled(row) for row in table)
    changed = NAME.sub(lambda found: (found[1] or "") + change(found[2] or found[3]), inside)

    message, found = read(document(change(name), changed))

    assert message == CLASSES[name](**{row.field: row.sample.value for row in table})
    assert set(names(found)) - {"error-unwrapped"} == {"element-renamed"}
    assert ("element-renamed", f"{change(name)} for {name}") in found
    with pytest.raises(
        ValidationError, match="stands in Body" if "error-unwrapped" in names(found) else "in other capitals"
    ):
        read(document(name, changed), strict=True)


@pytest.mark.parametrize("name", MESSAGES)
def test_one_name_in_other_capitals_changes_nothing_else(name: str) -> None:
    table = [row for row in MESSAGES[name] if row.field != "extensions"]
    regular, _ = read(document(name, "".join(map(filled, table))))

    for odd in table:
        inside = "".join(
            "".join(form.format(row.name.lower() if row is odd else row.name) for form in row.sample.forms)
            for row in table
        )
        message, found = read(document(name, inside))

        assert message == regular
        told = [where for kind, where in found if kind == "element-renamed"]
        assert told == ([f"{name}/{odd.name.lower()} for {odd.name}"] if odd.name != odd.name.lower() else [])


@pytest.mark.parametrize("exact_first", [True, False])
def test_of_two_capitals_the_name_of_the_schema_counts(exact_first: bool) -> None:
    exact, other = "<StatusText>right</StatusText>", "<statusText>other</statusText>"
    both = exact + other if exact_first else other + exact

    message, found = read(document("DeliveryReportReq", rows("DeliveryReportReq") + both))

    assert message.status_text == "right"
    assert found == [
        ("element-renamed", "DeliveryReportReq/statusText for StatusText"),
        ("element-repeated", "DeliveryReportReq/statusText"),
    ]


def test_of_two_attributes_the_name_of_the_schema_counts() -> None:
    content = '<Content HREF="no" href="cid:a" allowadaptations="false" ALLOWADAPTATIONS="true"/>'

    message, found = read(document("SubmitReq", rows("SubmitReq") + content))

    assert message.content == Content(href="cid:a", allow_adaptations=False)
    assert found == [("element-renamed", "SubmitReq/Content/@allowadaptations for allowAdaptations")]


def test_an_attribute_in_other_capitals_may_be_in_the_namespace_of_its_element_and_in_no_other() -> None:
    content = '<Content xmlns:v="urn:v" v:allowadaptations="false" m:HREF="cid:a"/>'

    message, found = read(document("SubmitReq", rows("SubmitReq") + content))

    assert message.content == Content(href="cid:a")
    assert names(found) == ["attribute-qualified", "element-renamed"]


def test_a_name_in_other_capitals_in_a_vendors_namespace_is_the_vendors() -> None:
    vendors = '<v:subject xmlns:v="urn:v">x</v:subject>'

    message, found = read(document("SubmitReq", rows("SubmitReq") + vendors))

    assert message.subject is None
    assert message.extensions == (Element("subject", "urn:v", text="x"),)
    assert names(found) == ["element-unknown"]


def test_what_belongs_elsewhere_may_be_in_other_capitals_too() -> None:
    message, found = read(
        document("CancelReq", rows("CancelReq", "SenderIdentification") + "<VaspID>p</VaspID><vasId>s</vasId>")
    )
    around = "<senderidentification><VASPid>p</VASPid></senderidentification>"
    delivered, told = read(document("DeliverReq", rows("DeliverReq") + around))

    assert (message.sender_identification.vasp_id, message.sender_identification.vas_id) == ("p", "s")
    assert set(names(found)) == {"element-misplaced", "element-renamed"}
    assert delivered.vasp_id == "p"
    assert set(names(told)) == {"element-misplaced", "element-renamed"}


def test_a_holder_in_other_capitals_takes_in_what_stands_beside_it() -> None:
    beside = "<VASID>s</VASID><senderIdentification><VASPID>p</VASPID></senderIdentification>"

    message, _ = read(document("CancelReq", rows("CancelReq", "SenderIdentification") + beside))

    assert (message.sender_identification.vasp_id, message.sender_identification.vas_id) == ("p", "s")


def test_what_stood_deeper_is_not_written_back_in_other_capitals_where_it_would_mean_something_else() -> None:
    head = rows("SubmitReq", "SenderIdentification")
    deep = "<SenderIdentification><servicecode>deep</servicecode></SenderIdentification>"

    message, _ = read(document("SubmitReq", head + deep))
    again, _ = read(write_message(message, NAMESPACE))

    assert [kept.name for kept in message.extensions] == ["servicecode"]
    assert again.service_code is None


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        (
            "<faultCode>e:Client</faultCode><faultString>no</faultString><Detail>{0}</Detail>",
            Fault(
                faultcode="Client",
                faultstring="no",
                error=RSErrorRsp(mm7_version="6.8.0", status=Status(status_code=2003, status_text="no")),
            ),
        ),
        (
            "<FaultCode>no</FaultCode><faultcode>Server</faultcode>",
            Fault(faultcode="Server", faultstring=""),
        ),
    ],
)
def test_what_is_in_a_fault_may_be_in_other_capitals(inside: str, fault: Fault) -> None:
    error = document(
        "RSErrorRsp",
        "<MM7Version>6.8.0</MM7Version><Status><StatusCode>2003</StatusCode><StatusText>no</StatusText></Status>",
    )
    xml = f'<e:Fault xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">{inside.format(error)}</e:Fault>'

    read_fault, found = read(xml)

    assert read_fault == fault
    assert set(names(found)) <= {"element-renamed"}
    assert len(found) == (3 if fault.error else 0)


# -- slips


@pytest.mark.parametrize(
    ("name", "inside", "words"),
    [
        (
            "CancelReq",
            rows("CancelReq", "MessageID") + "<MesageID>1</MesageID>",
            "CancelReq: MessageID is missing; is 'MesageID' meant?",
        ),
        (
            "DeliveryReportReq",
            rows("DeliveryReportReq", "MMStatus") + "<X/><MMStaus>Read</MMStaus>",
            "DeliveryReportReq: MMStatus is missing; is 'MMStaus' meant?",
        ),
        (
            "CancelReq",
            rows("CancelReq", "MessageID") + '<MessageID xmlns="urn:v">1</MessageID>',
            "CancelReq: MessageID is missing; there is one in another namespace",
        ),
        ("CancelReq", rows("CancelReq", "MessageID") + "<X-Code>1</X-Code>", "CancelReq: MessageID is missing"),
        (
            "SubmitReq",
            rows("SubmitReq") + '<Content hreff="cid:a"/>',
            None,  # it is optional, and what is in it is told as a deviation
        ),
        (
            "SubmitReq",
            rows("SubmitReq", "Recipients") + "<Subjectt>x</Subjectt>",
            "SubmitReq/Recipients holds no To, Cc or Bcc with an address",
        ),
        (
            "SubmitReq",
            rows("SubmitReq", "Recipients") + "<Recipents/>",
            "SubmitReq/Recipients holds no To, Cc or Bcc with an address; is 'Recipents' meant?",
        ),
    ],
)
def test_a_refusal_for_a_missing_element_names_one_that_may_be_meant(name: str, inside: str, words: str | None) -> None:
    if words is None:
        _, found = read(document(name, inside))
        assert found == [("value-form", "SubmitReq/Content: href is missing; is 'hreff' meant?")]
        return
    with pytest.raises(MM7Error) as refusal:
        read(document(name, inside))
    assert refusal.value.details == words


def test_of_many_unknown_elements_few_are_compared_with_the_missing_one() -> None:
    unknown = "".join(f"<MesageI{number}>1</MesageI{number}>" for number in range(20_000))
    long = f"<MessageID{'x' * 5_000}>1</MessageID{'x' * 5_000}>"

    with pytest.raises(ValidationError) as refusal:
        read(document("CancelReq", rows("CancelReq", "MessageID") + long + unknown))

    assert len(refusal.value.details or "") < 120


# -- what stands in the place of another


@pytest.mark.parametrize(
    ("code", "status", "deviations"),
    [
        ("1000", "1000", ["element-renamed", "value-unlisted"]),
        ("Retrieved", DeliveryStatus.RETRIEVED, ["element-renamed"]),
        ("rejected", DeliveryStatus.REJECTED, ["element-renamed", "value-case"]),
        ("System Rejected", "System Rejected", ["element-renamed", "value-unlisted"]),
    ],
)
def test_a_status_code_may_stand_in_the_place_of_the_status_of_a_report(
    code: str, status: str, deviations: list[str]
) -> None:
    xml = document("DeliveryReportReq", rows("DeliveryReportReq", "MMStatus") + f"<StatusCode>{code}</StatusCode>")

    message, found = read(xml)

    assert message.mm_status == status
    assert type(message.mm_status) is type(status)
    assert names(found) == deviations
    assert message.extensions == ()
    assert read(write_message(message, NAMESPACE))[0] == message
    with pytest.raises(MM7Error):
        read(xml, strict=True)


def test_a_status_code_in_a_read_reply_is_read_alike() -> None:
    message, _ = read(document("ReadReplyReq", rows("ReadReplyReq", "MMStatus") + "<StatusCode>Read</StatusCode>"))

    assert message.mm_status is ReadStatus.READ


@pytest.mark.parametrize("code_first", [True, False])
def test_a_status_code_beside_the_status_of_a_report_is_kept_and_says_nothing(code_first: bool) -> None:
    inside, code = rows("DeliveryReportReq"), "<StatusCode>2000</StatusCode>"

    message, found = read(document("DeliveryReportReq", code + inside if code_first else inside + code))

    assert message.mm_status is DeliveryStatus.DELIVERY_CONDITION_NOT_MET
    assert message.extensions == (Element("StatusCode", NAMESPACE, text="2000"),)
    assert names(found) == ["element-unknown"]
    assert read(write_message(message, NAMESPACE))[0] == message


@pytest.mark.parametrize("code", ["<StatusCode/>", "<StatusCode><x/></StatusCode>"])
def test_a_report_without_any_status_is_refused(code: str) -> None:
    with pytest.raises(MM7Error, match=r"StatusCode|MMStatus"):
        read(document("DeliveryReportReq", rows("DeliveryReportReq", "MMStatus") + code))


def test_the_date_of_a_read_reply_may_stand_in_the_place_of_its_time_stamp() -> None:
    inside = rows("ReadReplyReq", "TimeStamp") + "<Date>2026-05-05T10:00:00Z</Date>"

    message, found = read(document("ReadReplyReq", inside))

    assert message.time_stamp == datetime(2026, 5, 5, 10, tzinfo=timezone.utc)
    assert names(found) == ["element-renamed"]


def test_a_sender_address_may_stand_in_the_place_of_the_sender_of_a_delivered_message() -> None:
    inside = rows("DeliverReq", "Sender") + "<SenderAddress><Number>+12025550101</Number></SenderAddress>"

    message, found = read(document("DeliverReq", inside))
    both, told = read(document("DeliverReq", inside + filled(MESSAGES["DeliverReq"][6])))

    assert message.sender == Address("+12025550101")
    assert found == [("element-renamed", "DeliverReq/SenderAddress for Sender")]
    assert both.sender == Address("97254265781@omms.com", AddressKind.RFC2822)
    assert [kept.name for kept in both.extensions] == ["SenderAddress"]
    assert names(told) == ["element-unknown"]


def test_a_delivered_message_from_nobody_is_refused() -> None:
    with pytest.raises(ValidationError, match="DeliverReq: Sender is missing"):
        read(document("DeliverReq", rows("DeliverReq", "Sender")))


@pytest.mark.parametrize("name", ["DeliveryReportReq", "ReadReplyReq"])
def test_a_report_needs_no_more_than_the_message_its_recipient_and_its_status(name: str) -> None:
    needed = {"MessageID", "Recipient", "MMStatus"}
    missing = [row for row in MESSAGES[name] if row.cardinality == "1" and row.name not in needed]

    message, found = read(document(name, rows(name, *[row.name for row in missing])))

    assert sorted(found) == sorted(("element-missing", f"{name}/{row.name}") for row in missing)
    assert {getattr(message, row.field) for row in missing} == {"", None}
    for row_name in needed:
        with pytest.raises(ValidationError, match=f"{row_name} is missing"):
            read(document(name, rows(name, row_name)))


# -- answers


STATUS = "<StatusCode>6102</StatusCode><StatusText>number is ported</StatusText>"


@pytest.mark.parametrize(
    ("written", "error"),
    [
        ("MM7VASPErrorRsp", VASPErrorRsp),
        ("VaspErrorRsp", VASPErrorRsp),
        ("vasperrorrsp", VASPErrorRsp),
        ("mm7VaspErrorRsp", VASPErrorRsp),
        ("MM7RSErrorRsp", RSErrorRsp),
        ("RsErrorRsp", RSErrorRsp),
    ],
)
def test_an_error_is_read_by_the_names_that_peers_have_for_it(
    written: str, error: type[RSErrorRsp | VASPErrorRsp]
) -> None:
    xml = document(written, f"<MM7Version>6.8.0</MM7Version><Status>{STATUS}</Status>")
    expected = error(mm7_version="6.8.0", status=Status(status_code=6102, status_text="number is ported"))

    alone, found = read(xml)
    inside, told = read(f"<Fault><faultcode>Client</faultcode><detail>{xml}</detail></Fault>")

    assert alone == expected
    assert found == [
        ("error-unwrapped", written),
        ("element-renamed", f"{written} for {error.element_name}"),
    ]
    assert inside.error == expected
    assert names(told) == ["element-renamed"]


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("code_first", [True, False])
def test_a_status_may_stand_in_its_response_without_a_status_around_it(name: str, code_first: bool) -> None:
    rest = rows(name, "Status", "MM7Version")
    version = "<MM7Version>6.8.0</MM7Version>"

    message, found = read(document(name, STATUS + version + rest if code_first else version + rest + STATUS))

    assert message.status == Status(status_code=6102, status_text="number is ported")
    assert message.mm7_version == "6.8.0"
    assert message.extensions == ()
    assert set(names(found)) - {"error-unwrapped"} == {"element-misplaced"}
    with pytest.raises(MM7Error):
        read(document(name, version + rest + STATUS), strict=True)


def test_of_a_status_and_what_stands_beside_it_the_inside_counts() -> None:
    inside = "<MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</StatusCode></Status>"

    message, _ = read(document("CancelRsp", inside + STATUS))

    assert message.status == Status(status_code=1000, status_text="number is ported")


def test_a_response_with_no_status_code_anywhere_is_refused() -> None:
    with pytest.raises(ValidationError, match="StatusCode is missing"):
        read(document("CancelRsp", "<MM7Version>6.8.0</MM7Version><StatusText>no</StatusText>"))
    with pytest.raises(ValidationError, match="Status is missing"):
        read(document("CancelRsp", "<MM7Version>6.8.0</MM7Version>"))


@pytest.mark.parametrize(("code", "is_success"), [(100, False), (10000, False), (999, False), (1999, True)])
def test_a_code_of_more_or_fewer_digits_is_read_as_the_number_that_it_is(code: int, is_success: bool) -> None:
    message, found = read(
        document(
            "CancelRsp",
            f"<MM7Version>6.8.0</MM7Version><Status><StatusCode>{code}</StatusCode><StatusText/></Status>",
        )
    )

    assert message.status.status_code == code
    assert message.status.is_success is is_success
    assert found == []


def test_recipients_in_an_answer_do_not_make_it_unreadable() -> None:
    xml = document(
        "SubmitRsp",
        f"<MM7Version>6.8.0</MM7Version><Status>{STATUS}</Status><MessageID>1</MessageID>"
        "<Recipients><To><Number>1</Number></To></Recipients>",
    )

    message, found = read(xml)

    assert [kept.name for kept in message.extensions] == ["Recipients"]
    assert names(found) == ["element-unknown"]
    assert dataclasses.replace(message, extensions=()).status.status_code == 6102


def test_a_request_named_otherwise_is_judged_as_any() -> None:
    with pytest.raises(AddressError, match="SubmitReq/Recipients holds no"):
        read(document("submitReq", rows("SubmitReq", "Recipients")))
