"""The operations: what is read from XML, and what is written, held against the table of the schema."""

from __future__ import annotations

import dataclasses
import re
import runpy
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol import codecs, schema
from mm7_wsgi.protocol.deviations import Deviations
from mm7_wsgi.protocol.errors import (
    AddressError,
    MessageFormatCorrupt,
    MM7Error,
    UnsupportedOperation,
    UnsupportedVersion,
    ValidationError,
)
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.messages import (
    REQUESTS,
    RESPONSES,
    AdditionalInformation,
    CancelReq,
    CancelRsp,
    Content,
    DeliverReq,
    DeliverRsp,
    DeliveryReportReq,
    ExtraData,
    Fault,
    Message,
    PreviousDateTime,
    Recipients,
    ReplyCharging,
    Request,
    Response,
    RSErrorRsp,
    SenderIdentification,
    Status,
    SubmitReq,
    SubmitRsp,
    UACapabilities,
    UserAgent,
    VASPErrorRsp,
    read_answer,
    read_fault,
    read_request,
    read_response,
    write_fault,
    write_message,
)
from mm7_wsgi.protocol.soap import SOAP, Element, Node, element_of, parse_xml, split_name, write_envelope
from mm7_wsgi.protocol.status import StatusCode
from mm7_wsgi.protocol.values import (
    Address,
    AddressCoding,
    AddressKind,
    DeliveryStatus,
    Duration,
    Priority,
)

TABLE = runpy.run_path(str(Path(__file__).with_name("schema_table.py")))
MESSAGES = TABLE["MESSAGES"]
NAMESPACE = TABLE["NAMESPACE"]
CLASSES: dict[str, type[Message]] = {**REQUESTS, **RESPONSES}
UTC = timezone.utc
LIMITS = Limits()

# -- making and reading XML

Found = list[tuple[str, str]]


def filled(row: Any) -> str:
    """The sample of a row as XML."""
    return "".join(form.format(row.name) for form in row.sample.forms)


def document(name: str, inside: str, namespace: str = NAMESPACE) -> str:
    return f'<{name} xmlns="{namespace}">{inside}</{name}>'


def mandatory(name: str) -> str:
    return "".join(filled(row) for row in MESSAGES[name] if row.cardinality == "1")


def parsed(xml: str) -> Node:
    return parse_xml(xml.encode("utf-8"), LIMITS)


def read_element(root: Node, *, strict: bool = False, limits: Limits = LIMITS) -> tuple[Any, Found]:
    deviations = Deviations(strict=strict)
    read_message: Callable[[Node, Limits, Deviations], Message] = (
        read_request if split_name(root.tag)[0] in TABLE["REQUESTS"] else read_response
    )
    message = read_message(root, limits, deviations)
    return message, [(deviation.name, deviation.where) for deviation in deviations]


def read(xml: str, *, strict: bool = False, limits: Limits = LIMITS) -> tuple[Any, Found]:
    return read_element(parsed(xml), strict=strict, limits=limits)


def submit(*, recipients: str = "<To><Number>1</Number></To>", more: str = "") -> str:
    """A SubmitReq of those recipients."""
    return document(
        "SubmitReq",
        "<MM7Version>6.8.0</MM7Version><SenderIdentification/>" + f"<Recipients>{recipients}</Recipients>{more}",
    )


def names(found: Found) -> list[str]:
    return [name for name, _ in found]


def written(message: Message, prefix: str = "") -> str:
    return write_message(message, NAMESPACE, prefix)


def local(element: ElementTree.Element) -> str:
    namespace, _, name = element.tag.rpartition("}")
    assert namespace == "{" + NAMESPACE, f"{element.tag} is not qualified"
    return name


def once_each(elements: Iterator[ElementTree.Element]) -> list[str]:
    """The names of elements, those that are repeated once."""
    found: list[str] = []
    for element in elements:
        if not found or found[-1] != local(element):
            found.append(local(element))
    return found


def is_subsequence(some: list[str], all_of_them: tuple[str, ...]) -> bool:
    rest = iter(all_of_them)
    return all(name in rest for name in some)


def assert_conforms(xml: str, name: str) -> None:
    """That a message is as the table says: names, order, namespaces, attributes."""
    root = ElementTree.fromstring(xml)
    assert local(root) == name
    assert is_subsequence(once_each(iter(root)), tuple(row.name for row in MESSAGES[name]))
    for child in root:
        for element in [child, *child.iterfind(".//*")] if local(child) != "Extension" else []:
            allowed = TABLE["ATTRIBUTES"].get(local(element), ())
            assert set(element.keys()) <= set(allowed), f"{local(element)} has {element.keys()}"
            if local(element) in TABLE["INSIDE"]:
                assert is_subsequence(once_each(iter(element)), TABLE["INSIDE"][local(element)])


def rows(cardinalities: str = "1?*") -> list[Any]:
    """Every row of every message whose cardinality is one of those."""
    return [
        pytest.param(name, row, id=f"{name}-{row.name}")
        for name, table in MESSAGES.items()
        for row in table
        if row.cardinality in cardinalities
    ]


def wrong_forms(cardinalities: str, *, missing: bool = False) -> list[Any]:
    """Every wrong form of those rows; or those that are as good as missing, where senders may leave the element out."""
    return [
        pytest.param(name, row, form.format(row.name), id=f"{name}-{form.format(row.name)}")
        for name, table in MESSAGES.items()
        for row in table
        if row.cardinality in cardinalities
        for form in row.sample.wrong
        if (row.lack == "element-missing" and not re.sub("<[^<>]*>", "", form).strip() and "><" not in form) is missing
    ]


def default_of(message_class: type[Message], field: str) -> Any:
    return next(f.default for f in dataclasses.fields(message_class) if f.name == field)  # type: ignore[arg-type]


# -- the table and the package


def test_the_package_has_the_operations_of_the_table() -> None:
    assert set(REQUESTS) == set(TABLE["REQUESTS"])
    assert set(RESPONSES) == set(TABLE["RESPONSES"])
    for name, message_class in CLASSES.items():
        assert message_class.element_name == name
        assert message_class.__name__ == name[0].upper() + name[1:]
        assert issubclass(message_class, Request if name in REQUESTS else Response)


@pytest.mark.parametrize("name", TABLE["ANSWERS"])
def test_a_request_knows_its_response_and_who_sends_it(name: str) -> None:
    response, sender = TABLE["ANSWERS"][name]

    assert REQUESTS[name].response is RESPONSES[response]
    assert REQUESTS[name].from_vasp == (sender == "VASP")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_has_a_field_for_every_element_and_no_other_but_extensions(name: str) -> None:
    fields = {field.name for field in dataclasses.fields(CLASSES[name])}  # type: ignore[arg-type]

    assert fields == {row.field for row in MESSAGES[name]} | {"extensions"}


# -- reading


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_with_every_element_is_read_whole_and_keeps_to_the_rules(name: str) -> None:
    expected = CLASSES[name](**{row.field: row.sample.value for row in MESSAGES[name]})

    message, found = read(document(name, "".join(map(filled, MESSAGES[name]))), strict=True)

    assert message == expected
    assert found == []
    for row in MESSAGES[name]:
        assert type(getattr(message, row.field)) is type(row.sample.value)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_with_nothing_optional_has_none_or_empty_there(name: str) -> None:
    message, found = read(document(name, mandatory(name)), strict=True)

    assert found == []
    for row in MESSAGES[name]:
        if row.cardinality != "1":
            value = getattr(message, row.field)
            assert value is None or value == () or value == Recipients()


@pytest.mark.parametrize(("name", "row"), rows("?*"))
def test_an_optional_element_fills_its_own_field_and_no_other(name: str, row: Any) -> None:
    without, _ = read(document(name, mandatory(name)))
    inside = "".join(filled(other) for other in MESSAGES[name] if other.cardinality == "1" or other is row)

    message, found = read(document(name, inside))

    assert message == dataclasses.replace(without, **{row.field: row.sample.value})
    assert found == []


@pytest.mark.parametrize(("name", "row"), rows("1"))
def test_a_mandatory_element_left_out_is_named(name: str, row: Any) -> None:
    xml = document(name, "".join(filled(other) for other in MESSAGES[name] if other is not row))

    if row.lack.isdigit():
        with pytest.raises(MM7Error) as refusal:
            read(xml)
        assert refusal.value.code == int(row.lack)
        assert refusal.value.details is not None
        assert name in refusal.value.details
        assert row.name in refusal.value.details
    else:
        message, found = read(xml)
        assert found == [(row.lack, f"{name}/{row.name}")]
        assert getattr(message, row.field) == row.lacking


@pytest.mark.parametrize(("name", "row", "empty"), wrong_forms("1", missing=True))
def test_an_empty_element_that_may_be_missing_says_no_more_than_a_missing_one(name: str, row: Any, empty: str) -> None:
    without = document(name, "".join(filled(other) for other in MESSAGES[name] if other is not row))
    inside = "".join(empty if other is row else filled(other) for other in MESSAGES[name])
    in_order = document(name, inside)
    turned = document(name, "<Extension/>" + inside)

    message, found = read(in_order)
    again, found_again = read(turned)

    assert message == read(without)[0]
    assert found == [("element-missing", f"{name}/{row.name}")]
    assert dataclasses.replace(again, extensions=()) == dataclasses.replace(message, extensions=())
    assert set(names(found_again)) <= {"element-missing", "element-unknown"}
    assert found[0] in found_again
    with pytest.raises(ValidationError, match=row.name):
        read(in_order, strict=True)


@pytest.mark.parametrize(("name", "row"), [case for case in rows("1") if case.values[1].lack == "element-missing"])
def test_what_is_missing_is_not_written_as_an_empty_value(name: str, row: Any) -> None:
    message, found = read(document(name, "".join(filled(other) for other in MESSAGES[name] if other is not row)))

    again, told = read(written(message))

    assert again == message
    assert names(told) == ([] if row.field == "sender_identification" else names(found))
    assert (f"<{row.name}" in written(message)) is (row.field == "sender_identification")


@pytest.mark.parametrize(("name", "row", "wrong"), wrong_forms("1"))
def test_a_mandatory_element_of_wrong_form_is_2007_and_named(name: str, row: Any, wrong: str) -> None:
    inside = "".join(wrong if other is row else filled(other) for other in MESSAGES[name])

    with pytest.raises(MessageFormatCorrupt) as refusal:
        read(document(name, inside))

    assert refusal.value.code == 2007
    assert (refusal.value.details or "").startswith(f"{name}/{row.name}")


@pytest.mark.parametrize(("name", "row", "wrong"), wrong_forms("?*"))
def test_an_optional_element_of_wrong_form_is_none_and_a_deviation(name: str, row: Any, wrong: str) -> None:
    without, _ = read(document(name, mandatory(name)))
    inside = "".join(
        wrong if other is row else filled(other) for other in MESSAGES[name] if other.cardinality == "1" or other is row
    )

    message, found = read(document(name, inside))

    assert dataclasses.replace(message, extensions=()) == without
    (where,) = [where for kind, where in found if kind == "value-form"]
    assert where.startswith(f"{name}/{row.name}")
    assert {kind for kind, _ in found} <= {"value-form", "element-unknown"}
    with pytest.raises(MM7Error):
        read(document(name, inside), strict=True)


@pytest.mark.parametrize(
    ("element", "field", "value", "deviations"),
    [
        # attributes and elements inside elements: the optional ones may lack, or be of wrong form
        ('<Content href=" cid:a "/>', "content", Content(href="cid:a"), []),
        ('<Content href="a" allowAdaptations="TRUE"/>', "content", Content(href="a"), ["value-case"]),
        (
            '<Content href="a" allowAdaptations="0"/>',
            "content",
            Content(href="a", allow_adaptations=False),
            [],
        ),
        ('<Content href="a" allowAdaptations="no"/>', "content", Content(href="a"), ["value-form"]),
        (
            '<Content href="a" allowAdaptions="false"/>',
            "content",
            Content(href="a", allow_adaptations=False),
            ["element-renamed"],
        ),
        (
            '<Content href="a" allowAdaptions="false" allowAdaptations="true"/>',
            "content",
            Content(href="a"),
            [],
        ),
        ('<Content href="a">\n  </Content>', "content", Content(href="a"), []),
        ("<ReplyCharging/>", "reply_charging", ReplyCharging(), []),
        ("<ReplyCharging>No value</ReplyCharging>", "reply_charging", ReplyCharging(), ["text-stray"]),
        (
            "<ReplyCharging><replyChargingSize> 7 </replyChargingSize></ReplyCharging>",
            "reply_charging",
            ReplyCharging(reply_charging_size=7),
            ["element-misplaced"],
        ),
        (
            "<ReplyCharging><ReplyDeadline>P3D</ReplyDeadline><ReplyChargingSize>7</ReplyChargingSize></ReplyCharging>",
            "reply_charging",
            ReplyCharging(reply_charging_size=7, reply_deadline=Duration(0, timedelta(days=3))),
            ["element-misplaced", "element-misplaced"],
        ),
        (
            '<ReplyCharging replyChargingSize="7"><replyChargingSize>8</replyChargingSize></ReplyCharging>',
            "reply_charging",
            ReplyCharging(reply_charging_size=7),
            ["element-misplaced", "element-repeated"],
        ),
        (
            "<ReplyCharging><replyChargingSize>many</replyChargingSize><other/></ReplyCharging>",
            "reply_charging",
            ReplyCharging(),
            ["element-misplaced", "value-form", "element-unknown"],
        ),
        (
            '<ReplyCharging replyDeadline="2026-05-05T00:00:00Z"/>',
            "reply_charging",
            ReplyCharging(reply_deadline=datetime(2026, 5, 5, tzinfo=UTC)),
            [],
        ),
        (
            '<ReplyCharging replyChargingSize="0" replyDeadline="P3D"/>',
            "reply_charging",
            ReplyCharging(reply_deadline=Duration(0, timedelta(days=3))),
            ["value-form"],
        ),
        (
            '<ReplyCharging replyChargingSize="+7" replyDeadline="soon"/>',
            "reply_charging",
            ReplyCharging(reply_charging_size=7),
            ["value-form"],
        ),
        ("<DeliveryCondition/>", "delivery_condition", (), []),
        ("<DeliveryCondition><DC> 7 </DC></DeliveryCondition>", "delivery_condition", (7,), []),
        (
            "<DeliveryCondition><DC>7</DC><AC>8</AC></DeliveryCondition>",
            "delivery_condition",
            (7,),
            ["element-unknown"],
        ),
        ("<MessageExtraData/>", "message_extra_data", (), []),
        (
            "<MessageExtraData><element><key> k </key><value>a  b</value></element></MessageExtraData>",
            "message_extra_data",
            (ExtraData(key=" k ", value="a  b"),),
            [],
        ),
        (
            "<MessageExtraData><element><value>v</value><key>k</key></element></MessageExtraData>",
            "message_extra_data",
            (ExtraData(key="k", value="v"),),
            ["element-order"],
        ),
        (
            '<AdditionalInformation/><AdditionalInformation href="b"/>',
            "additional_information",
            (AdditionalInformation(href="b"),),
            ["value-form"],
        ),
        ("<Subject>  as it\n is </Subject>", "subject", "  as it\n is ", []),
        ("<Subject/>", "subject", "", []),
        ("<ServiceCode>\n gold \t</ServiceCode>", "service_code", "gold", []),
        ("<LinkedID/>", "linked_id", "", []),
        ("<Subject>a<!-- comment -->b<![CDATA[<c>]]>&amp;&#65;</Subject>", "subject", "ab<c>&A", []),
    ],
)
def test_what_a_submitted_message_has_in_one_element(
    element: str, field: str, value: object, deviations: list[str]
) -> None:
    message, found = read(submit(more=element))

    assert getattr(message, field) == value
    assert names(found) == deviations


@pytest.mark.parametrize(
    ("element", "field", "value", "deviations"),
    [
        (
            '<Previouslysentby><UserAgent sequence="x"><Number>1</Number></UserAgent></Previouslysentby>',
            "previously_sent_by",
            (UserAgent(address=Address("1")),),
            ["value-form"],
        ),
        (
            "<Previouslysentby><UserAgent>+4915</UserAgent></Previouslysentby>",
            "previously_sent_by",
            (UserAgent(address=Address("+4915")),),
            ["address-untyped"],
        ),
        (
            '<Previouslysentdateandtime><DateTime sequence="-1">2026-05-05T00:00:00Z</DateTime>'
            "</Previouslysentdateandtime>",
            "previously_sent_date_and_time",
            (PreviousDateTime(date_time=datetime(2026, 5, 5, tzinfo=UTC)),),
            ["value-form"],
        ),
        ("<UACapabilities/>", "ua_capabilities", UACapabilities(), []),
        (
            '<UACapabilities UAProf="x" TimeStamp="now"/>',
            "ua_capabilities",
            UACapabilities(ua_prof="x"),
            ["value-form"],
        ),
        (
            '<UACapabilities TimeStamp="2026-05-05T00:00:00"/>',
            "ua_capabilities",
            UACapabilities(time_stamp=datetime(2026, 5, 5)),
            ["date-without-zone"],
        ),
    ],
)
def test_what_a_delivered_message_has_in_one_element(
    element: str, field: str, value: object, deviations: list[str]
) -> None:
    message, found = read(document("DeliverReq", mandatory("DeliverReq") + element))

    assert getattr(message, field) == value
    assert names(found) == deviations


def test_the_place_of_a_wrong_value_is_told_down_to_the_attribute() -> None:
    more = (
        '<ReplyCharging replyDeadline="soon"/><DeliveryCondition><DC>x</DC></DeliveryCondition>'
        "<MessageExtraData><element><key>k</key></element></MessageExtraData>"
    )

    _, found = read(submit(more=more))

    assert [where.partition(": ")[::2] for _, where in found] == [
        ("SubmitReq/ReplyCharging/@replyDeadline", "'soon': it is no xs:dateTime"),
        ("SubmitReq/DeliveryCondition/DC", "'x' is no positive integer"),
        ("SubmitReq/MessageExtraData/element", "value is missing"),
    ]


@pytest.mark.parametrize("namespace", TABLE["NAMESPACES"])
@pytest.mark.parametrize("name", MESSAGES)
def test_every_namespace_of_3gpp_is_read_alike(name: str, namespace: str) -> None:
    table = [row for row in MESSAGES[name] if row.field != "extensions"]

    message, found = read(document(name, "".join(map(filled, table)), namespace))

    assert message == CLASSES[name](**{row.field: row.sample.value for row in table})
    assert found == []


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize(
    ("head", "deviation"),
    [
        ('xmlns:m="{namespace}"', "namespace-missing"),
        ('xmlns:m="{namespace}" xmlns="{base}REL-5-MM7-1-0"', "namespace-mixed"),
        ('xmlns:m="{namespace}" xmlns="urn:MM7"', "namespace-mixed"),
        ('xmlns:m="{namespace}" xmlns="{base}REL-6-M M7-1-4"', "namespace-mixed"),
    ],
    ids=["none", "another release", "another MM7", "one with a blank"],
)
def test_children_in_no_namespace_or_in_another_of_mm7_are_read_all_the_same(
    name: str, head: str, deviation: str
) -> None:
    table = [row for row in MESSAGES[name] if row.field != "extensions"]
    inside = "".join(map(filled, table))
    declarations = head.format(namespace=NAMESPACE, base=TABLE["BASE"])

    message, found = read(f"<m:{name} {declarations}>{inside}</m:{name}>")

    assert message == CLASSES[name](**{row.field: row.sample.value for row in table})
    assert {kind for kind, _ in found} == {deviation}
    assert found[0] == (deviation, f"{name}/*")
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", MESSAGES)
def test_an_element_of_a_known_name_in_a_vendors_namespace_is_the_vendors(name: str) -> None:
    vendors = '<MM7Version xmlns="urn:vendor">1.0</MM7Version>'

    message, found = read(document(name, vendors + mandatory(name)))

    assert message.mm7_version == "6.8.0"
    assert message.extensions == (Element("MM7Version", "urn:vendor", text="1.0"),)
    assert found == [("element-unknown", f"{name}/MM7Version")]


VENDORS = {
    "beside the others": ("{0}", "SubmitReq", ""),
    "in SenderIdentification": (
        "",
        "SubmitReq/SenderIdentification",
        "<SenderIdentification>{0}</SenderIdentification>",
    ),
}


@pytest.mark.parametrize("place", VENDORS)
@pytest.mark.parametrize(
    "vendors",
    [
        "<X-SKT-BPID>1528801080</X-SKT-BPID>",
        '<x:Colour xmlns:x="urn:vendor" xmlns:y="urn:other" y:hue="7" shade="&lt;&quot;&#10;&gt;">a<x:b/></x:Colour>',
        '<Colour xmlns="">red</Colour>',
    ],
)
def test_a_vendors_element_is_kept_and_written_back(place: str, vendors: str) -> None:
    beside, where, inside = VENDORS[place]
    vendor = element_of(parsed(document("x", vendors))[0])
    if "Sender" not in inside:
        inside += "<SenderIdentification/>"
    if "Recipients" not in inside:
        inside += "<Recipients><To><Number>1</Number></To></Recipients>"
    xml = document("SubmitReq", "<MM7Version>6.8.0</MM7Version>" + inside.format(vendors) + beside.format(vendors))

    message, found = read(xml)
    again, _ = read(written(message))

    assert message.extensions == (vendor,)
    assert found == [("element-unknown", f"{where}/{vendor.name}")]
    assert message.recipients == Recipients(to=(Address("1"),))
    assert again == message


def test_what_stood_deeper_is_not_written_back_where_it_would_mean_something_else() -> None:
    stray = "<ServiceCode>deep</ServiceCode>"
    xml = submit().replace("<SenderIdentification/>", f"<SenderIdentification>{stray}</SenderIdentification>")

    message, _ = read(xml)

    assert [kept.name for kept in message.extensions] == ["ServiceCode"]
    again, _ = read(written(message))
    assert again.service_code is None


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_kept_of_every_message_is_written_back_behind_its_head(name: str) -> None:
    extras = "<v:One xmlns:v='urn:v'>1</v:One><Extension/><Two xmlns='urn:v'><Three/></Two>"

    message, _ = read(document(name, mandatory(name) + extras))
    node = parsed(write_message(message, NAMESPACE))
    root = element_of(node)
    again, _ = read_element(node)

    assert [kept.name for kept in message.extensions] == ["One", "Extension", "Two"]
    assert again == message
    first = next(place for place, child in enumerate(root.children) if child.name == "One")
    head = ("MM7Version", "SenderIdentification", "MMSRelayServerID", "Status")
    if not name.startswith("extended"):
        assert all(child.name in head for child in root.children[:first])
        assert not any(child.name in head for child in root.children[first:])


@pytest.mark.parametrize("place", ["<To>{0}<Number>1</Number></To>", "{0}<To><Number>1</Number></To>"])
@pytest.mark.parametrize(
    ("vendors", "deviations"),
    [
        ("<Extension/>", []),
        ("<Extension> <x> </x> </Extension>", []),
        ("<x:Flag xmlns:x='urn:vendor'/>", ["element-unknown"]),
        ("<x:Flag xmlns:x='urn:vendor' x:set='1'><x:y/></x:Flag>", ["element-unknown"]),
    ],
)
def test_a_vendors_element_among_recipients_that_holds_no_text_is_kept(
    place: str, vendors: str, deviations: list[str]
) -> None:
    message, found = read(submit(recipients=place.format(vendors)))

    assert message.recipients == Recipients(to=(Address("1"),))
    assert message.extensions == (element_of(parsed(document("x", vendors))[0]),)
    assert names(found) == deviations


@pytest.mark.parametrize("name", [name for name in MESSAGES if len(MESSAGES[name]) > 1])
def test_a_message_in_the_wrong_order_is_read_all_the_same(name: str) -> None:
    table = [row for row in MESSAGES[name] if row.cardinality != "*"]

    message, found = read(document(name, "".join(filled(row) for row in reversed(table))))

    assert message == CLASSES[name](**{row.field: row.sample.value for row in table})
    assert found == [("element-order", f"{name}/{row.name}") for row in reversed(table[:-1])]
    with pytest.raises(ValidationError, match="not in the order of the schema"):
        read(document(name, "".join(filled(row) for row in reversed(table))), strict=True)


@pytest.mark.parametrize(("name", "row"), rows("1?"))
def test_an_element_that_is_there_twice_counts_once_unless_it_gathers(name: str, row: Any) -> None:
    once = "".join(filled(other) for other in MESSAGES[name])
    twice = "".join(filled(other) * (2 if other is row else 1) for other in MESSAGES[name])

    message, found = read(document(name, twice))

    first = read(document(name, once))[0]
    if isinstance(row.sample.value, Recipients):
        recipients = row.sample.value.joined([row.sample.value])
        assert len(recipients.to) == 2 * len(row.sample.value.to)
        first = dataclasses.replace(first, recipients=recipients)
    assert message == first
    assert found == [("element-repeated", f"{name}/{row.name}")]


def test_recipients_that_are_there_twice_gather_all_groups() -> None:
    number = "<{0}><Number>{1}</Number></{0}>".format
    again = f"<Recipients/><Recipients>{number('To', 2)}{number('Cc', 3)}{number('Bcc', 4)}</Recipients>"
    message, found = read(submit(recipients=number("Cc", 1), more=again))

    assert message.recipients == Recipients(to=(Address("2"),), cc=(Address("1"), Address("3")), bcc=(Address("4"),))
    assert names(found) == ["element-repeated"]


def test_recipients_that_are_there_ten_thousand_times_are_gathered_in_their_order() -> None:
    one = "<Recipients><To><Number>{0}</Number></To><Cc><Number>c{0}</Number></Cc></Recipients>"
    xml = submit(recipients="", more="".join(map(one.format, range(5_000))))

    message, found = read(xml)
    assert message.recipients == Recipients(
        to=tuple(Address(str(number)) for number in range(5_000)),
        cc=tuple(Address(f"c{number}") for number in range(5_000)),
    )
    assert found == [("element-repeated", "SubmitReq/Recipients")]


def test_recipients_that_are_joined_leave_each_as_it_was() -> None:
    first, second = Recipients(to=(Address("1"),), bcc=(Address("2"),)), Recipients(cc=(Address("3"),))

    assert first.joined([second, Recipients(), first]) == Recipients(
        to=(Address("1"),) * 2, cc=(Address("3"),), bcc=(Address("2"),) * 2
    )
    assert first.joined([]) == first == Recipients(to=(Address("1"),), bcc=(Address("2"),))


def test_text_beside_the_groups_of_recipients_may_be_one_and_is_refused() -> None:
    with pytest.raises(AddressError, match="SubmitReq/Recipients: it holds text beside its groups of addresses"):
        read(submit(recipients="+1<To><Number>2</Number></To>"))


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("stray", "SubmitReq: stray"),
        ('<Content href="cid:a">see below</Content>', "SubmitReq/Content: see below"),
        ("<MessageExtraData>x</MessageExtraData>", "SubmitReq/MessageExtraData: x"),
        ("<Priority>High</Priority> \n ", None),
    ],
)
def test_text_where_only_elements_can_be_is_told(more: str, where: str | None) -> None:
    _, found = read(submit(more=more))

    assert [place for name, place in found if name == "text-stray"] == ([where] if where else [])


def test_of_an_element_that_is_there_twice_the_first_counts() -> None:
    message, found = read(submit(more="<Subject>first</Subject><Priority>Low</Priority><Subject>second</Subject>"))

    assert message.subject == "first"
    assert names(found) == ["element-order", "element-repeated"]


def test_an_element_whose_first_value_is_of_wrong_form_is_read_from_the_second() -> None:
    message, found = read(submit(more="<ReadReply>maybe</ReadReply><ReadReply>true</ReadReply>"))

    assert message.read_reply is True
    assert names(found) == ["value-form"]


def test_the_date_of_a_report_may_be_called_time_stamp() -> None:
    xml = document(
        "DeliveryReportReq",
        "".join(filled(row) for row in MESSAGES["DeliveryReportReq"] if row.cardinality == "1").replace(
            "Date>", "TimeStamp>"
        ),
    )

    message, found = read(xml)

    assert message.date == datetime(2026, 5, 5, 10, 0, 0, 414000, tzinfo=UTC)
    assert found == [("element-renamed", "DeliveryReportReq/TimeStamp for Date")]
    assert "<Date>" in written(message)


# -- elements that stand elsewhere than the schema has them

IDENTIFIED = "<SenderIdentification>{0}</SenderIdentification>"


def from_a_vasp(name: str, head: str, rest: str = "") -> str:
    """A request of a VASP with ``head`` in the place of SenderIdentification."""
    inside = "".join(filled(row) for row in MESSAGES[name] if row.cardinality == "1" and "Sender" not in row.name)
    return document(name, inside.replace("</MM7Version>", "</MM7Version>" + head) + rest)


@pytest.mark.parametrize("name", ["SubmitReq", "CancelReq", "ReplaceReq", "extendedCancelReq"])
@pytest.mark.parametrize(
    ("head", "rest", "sender", "deviations"),
    [
        ("<VASPID>p</VASPID>", "", ("p", None, None), ["element-misplaced"]),
        ("", "<VASPID>p</VASPID>", ("p", None, None), ["element-misplaced"]),
        (
            "<VASPID>p</VASPID><VASID>s</VASID><SenderAddress><Number>1</Number></SenderAddress>",
            "",
            ("p", "s", Address("1")),
            ["element-misplaced"] * 3,
        ),
        (
            IDENTIFIED.format("<VASPID>p</VASPID><VASID>s</VASID>") + "<SenderAddress>1065888801</SenderAddress>",
            "",
            ("p", "s", Address("1065888801")),
            ["element-misplaced", "address-untyped"],
        ),
        (
            "<VASPID>outside</VASPID>" + IDENTIFIED.format("<VASPID>p</VASPID>"),
            "<VASID>s</VASID>",
            ("p", "s", None),
            ["element-misplaced", "element-misplaced", "element-repeated"],
        ),
        (IDENTIFIED.format(""), "<VASPID>p</VASPID>", ("p", None, None), ["element-misplaced"]),
        (
            IDENTIFIED.format("<VASPID><x/></VASPID>") + "<VASPID>p</VASPID>",
            "",
            ("p", None, None),
            ["element-misplaced", "value-form"],
        ),
        (
            IDENTIFIED.format("<VASPID>p</VASPID>") * 2 + "<VASID>s</VASID>",
            "",
            ("p", "s", None),
            ["element-misplaced", "element-repeated"],
        ),
        (
            '<VASPID xmlns="">p</VASPID><VASID xmlns="urn:vendor">s</VASID>',
            "",
            ("p", None, None),
            ["namespace-missing", "element-misplaced", "element-unknown", "namespace-missing"],
        ),
        (
            "<Sender><Number>1</Number></Sender>",
            "",
            (None, None, Address("1")),
            ["element-misplaced", "element-renamed"],
        ),
        (
            "<Sender><SenderAddress><Number>1</Number></SenderAddress></Sender>",
            "",
            (None, None, Address("1")),
            ["element-misplaced", "element-renamed", "element-misplaced"],
        ),
        (
            "<Sender><SenderAddress>+4917</SenderAddress><x/></Sender>",
            "",
            (None, None, Address("+4917")),
            ["element-misplaced", "element-renamed", "element-misplaced", "address-untyped", "element-unknown"],
        ),
        (
            "<Sender><Number>1</Number><SenderAddress><Number>2</Number></SenderAddress></Sender>",
            "",
            (None, None, Address("1")),
            ["element-misplaced", "element-renamed", "element-misplaced", "element-repeated"],
        ),
        (
            "<Sender><SenderAddress><SenderAddress><Number>1</Number></SenderAddress></SenderAddress></Sender>",
            "",
            (None, None, None),
            ["element-misplaced", "element-renamed", "element-misplaced", "element-unknown", "value-form"],
        ),
        (
            '<Sender><SenderAddress xmlns="urn:vendor"><Number>1</Number></SenderAddress></Sender>',
            "",
            (None, None, None),
            ["element-misplaced", "element-renamed", "element-unknown", "value-form"],
        ),
        (
            "<Sender><Number>1</Number></Sender><SenderAddress><Number>2</Number></SenderAddress>",
            "",
            (None, None, Address("2")),
            ["element-misplaced", "element-misplaced", "element-renamed", "element-repeated"],
        ),
        (
            IDENTIFIED.format("<SenderAddress><Number>2</Number></SenderAddress>") + "<Sender>1</Sender>",
            "",
            (None, None, Address("2")),
            ["element-misplaced", "element-renamed", "element-repeated"],
        ),
    ],
)
def test_who_sends_may_stand_beside_the_identification_of_the_sender(
    name: str, head: str, rest: str, sender: tuple[object, ...], deviations: list[str]
) -> None:
    xml = from_a_vasp(name, head, rest)

    message, found = read(xml)

    identification = message.sender_identification
    assert (identification.vasp_id, identification.vas_id, identification.sender_address) == sender
    assert names(found) == deviations
    again, told = read(written(message))
    assert again.sender_identification == identification
    assert "element-misplaced" not in names(told)
    with pytest.raises(MM7Error):
        read(xml, strict=True)


@pytest.mark.parametrize("name", ["SubmitReq", "CancelReq", "ReplaceReq", "extendedCancelReq"])
def test_a_sender_that_stands_elsewhere_is_told_where_it_stands_and_refused_where_reading_is_strict(name: str) -> None:
    _, found = read(from_a_vasp(name, IDENTIFIED.format("") + "<VASPID>p</VASPID>"))

    assert found == [("element-misplaced", f"{name}/VASPID")]
    with pytest.raises(ValidationError, match=f"{name}/VASPID: "):
        read(from_a_vasp(name, IDENTIFIED.format("") + "<VASPID>p</VASPID>"), strict=True)


@pytest.mark.parametrize(
    ("identification", "direct", "ids", "deviations"),
    [
        ("<VASPID>p</VASPID><VASID>s</VASID>", "", ("p", "s"), ["element-misplaced"]),
        ("", "<VASPID>p</VASPID>", ("p", None), ["element-misplaced"]),
        (
            "<VASPID>no</VASPID><VASID>s</VASID>",
            "<VASPID>p</VASPID>",
            ("p", "s"),
            ["element-misplaced", "element-repeated"],
        ),
        ("<VASPID>p</VASPID><VASPID>no</VASPID>", "", ("p", None), ["element-misplaced", "element-repeated"]),
        ('<VASPID xmlns="">p</VASPID>', "", ("p", None), ["element-misplaced", "namespace-missing"]),
        ("<VASPID><x/></VASPID>", "", (None, None), ["element-misplaced", "value-form"]),
        (
            "<VASPID>p</VASPID><SenderAddress>1</SenderAddress>",
            "",
            ("p", None),
            ["element-misplaced", "element-unknown"],
        ),
    ],
)
@pytest.mark.parametrize("identification_first", [True, False])
def test_a_delivered_message_may_have_its_vasp_in_an_identification_of_the_sender(
    identification: str, direct: str, ids: tuple[object, ...], deviations: list[str], identification_first: bool
) -> None:
    around = IDENTIFIED.format(identification)
    pieces = [around, direct] if identification_first else [direct, around]
    sender = "<Sender>10658888</Sender>"
    xml = document("DeliverReq", f"<MM7Version>6.3.0</MM7Version>{pieces[0]}{sender}{pieces[1]}")

    message, found = read(xml)

    assert (message.vasp_id, message.vas_id) == ids
    assert sorted(set(names(found)) - {"address-untyped", "element-order"}) == sorted(deviations)
    assert ("element-misplaced", "DeliverReq/SenderIdentification") in found
    with pytest.raises(MM7Error):
        read(xml, strict=True)


def test_an_identification_of_the_sender_that_is_a_vendors_is_the_vendors_in_a_delivered_message_too() -> None:
    vendors = '<SenderIdentification xmlns="urn:v"><VASPID>p</VASPID></SenderIdentification>'

    message, found = read(document("DeliverReq", mandatory("DeliverReq") + vendors))

    assert message.vasp_id is None
    assert [kept.name for kept in message.extensions] == ["SenderIdentification"]
    assert names(found) == ["element-unknown"]


@pytest.mark.parametrize("name", ["SubmitReq", "DeliverReq", "CancelReq"])
@pytest.mark.parametrize(
    ("inside", "to", "deviations"),
    [
        ("<Number>1</Number>", ["1"], ["element-misplaced"]),
        ("<RFC2822Address>a@b</RFC2822Address>", ["a@b"], ["element-misplaced"]),
        (
            "<ShortCode>1</ShortCode><Number>2</Number><Number>3</Number>",
            ["1", "2", "3"],
            ["element-misplaced", "element-misplaced"],
        ),
        ('<Number displayOnly="true">1</Number>', ["1"], ["element-misplaced"]),
        ("<Number>2</Number><To><Number>1</Number></To>", ["1", "2"], ["element-misplaced"]),
        (
            "<To><Number>1</Number></To><Number>3</Number><To><Number>2</Number></To>",
            ["1", "3", "2"],
            ["element-misplaced", "element-repeated"],
        ),
        ("<To/><Number>1</Number>", ["1"], ["element-misplaced"]),
        ('<Number xmlns="">1</Number>', ["1"], ["namespace-missing", "element-misplaced", "namespace-missing"]),
        ("<number>1</number>", ["1"], ["element-misplaced", "element-renamed"]),
        ("<RFC822Address>a@b</RFC822Address>", ["a@b"], ["element-misplaced", "element-renamed"]),
        ("<Phone>1</Phone>", ["1"], ["element-misplaced", "address-untyped"]),
        ("<Phone>2</Phone><To><Number>1</Number></To>", ["1", "2"], ["element-misplaced", "address-untyped"]),
        ("<Number>2</Number><TO><Number>1</Number></TO>", ["1", "2"], ["element-misplaced", "element-renamed"]),
    ],
)
def test_addresses_beside_to_are_inside_it(name: str, inside: str, to: list[str], deviations: list[str]) -> None:
    head = "".join(filled(row) for row in MESSAGES[name] if row.cardinality == "1" and row.name != "Recipients")
    xml = document(name, f"{head}<Recipients>{inside}</Recipients>")

    message, found = read(xml)

    assert [address.value for address in message.recipients.to] == to
    assert message.recipients.to[0].display_only is ("displayOnly" in inside)
    assert names(found) == deviations
    assert {where for kind, where in found if kind == "element-misplaced"} <= {
        f"{name}/Recipients/{kind}" for kind in (*AddressKind, "number", "RFC822Address", "Phone")
    }
    with pytest.raises(MM7Error):
        read(xml, strict=True)


def test_addresses_beside_to_are_counted_too() -> None:
    limits = Limits(recipients=2)

    message, _ = read(submit(recipients="<Cc><Number>1</Number></Cc><Number>2</Number>"), limits=limits)

    assert message.recipients == Recipients(to=(Address("2"),), cc=(Address("1"),))
    with pytest.raises(AddressError, match="more than 2 recipients"):
        read(submit(recipients="<Cc><Number>1</Number></Cc>" + numbers(2)), limits=limits)


@pytest.mark.parametrize("name", ["DeliveryReportReq", "ReadReplyReq"])
@pytest.mark.parametrize(
    ("recipient", "deviations"),
    [
        ("<Recipients><Number>+15551234</Number></Recipients>", ["element-renamed"]),
        ("<Recipients>+15551234</Recipients>", ["element-renamed", "address-untyped"]),
        ("<Recipients><To><Number>+15551234</Number></To></Recipients>", ["element-renamed", "element-misplaced"]),
        (
            "<Recipients><Number>+15551234</Number><RFC2822Address>+15551234</RFC2822Address></Recipients>",
            ["element-renamed", "element-repeated"],
        ),
        (
            "<Recipients><Number>+15551234</Number></Recipients><Recipient><Number>+15551234</Number></Recipient>",
            ["element-renamed", "element-repeated"],
        ),
        (
            "<Recipients/><Recipient><Number>+15551234</Number></Recipient>",
            ["element-renamed", "element-repeated"],
        ),
    ],
)
def test_the_recipient_of_a_report_may_be_called_recipients(name: str, recipient: str, deviations: list[str]) -> None:
    inside = "".join(
        recipient if row.name == "Recipient" else filled(row) for row in MESSAGES[name] if row.cardinality == "1"
    )

    message, found = read(document(name, inside))

    assert message.recipient == Address("+15551234")
    assert names(found) == deviations
    assert found[0] == ("element-renamed", f"{name}/Recipients for Recipient")
    assert "<Recipient>" in written(message)


@pytest.mark.parametrize("name", ["DeliveryReportReq", "ReadReplyReq"])
def test_a_report_to_nobody_is_refused_whatever_its_recipient_is_called(name: str) -> None:
    inside = "".join(
        "<Recipients/>" if row.name == "Recipient" else filled(row) for row in MESSAGES[name] if row.cardinality == "1"
    )

    with pytest.raises(MessageFormatCorrupt, match=f"{name}/Recipients: it holds no address"):
        read(document(name, inside))


@pytest.mark.parametrize("name", ["DeliverReq", "DeliveryReportReq", "ReadReplyReq"])
def test_the_relay_server_may_be_misspelt(name: str) -> None:
    xml = document(
        name, mandatory(name).replace("</MM7Version>", "</MM7Version><MMSReplayServerID>r</MMSReplayServerID>")
    )

    message, found = read(xml)

    assert message.mms_relay_server_id == "r"
    assert found == [("element-renamed", f"{name}/MMSReplayServerID for MMSRelayServerID")]


def test_what_stood_deeper_is_not_written_back_where_it_would_be_somebody_elses() -> None:
    strays = "<VASPID>p</VASPID><Sender>1</Sender>"
    submitted, _ = read(submit(more=f"<DeliveryCondition>{strays}</DeliveryCondition>"))
    around = IDENTIFIED.format("<VASPID>p</VASPID>")
    delivered, _ = read(
        document("DeliverReq", mandatory("DeliverReq") + f"<Previouslysentby>{around}</Previouslysentby>")
    )

    assert len(submitted.extensions) == 2
    assert len(delivered.extensions) == 1
    assert read(written(submitted))[0].sender_identification == SenderIdentification()
    assert read(written(delivered))[0].vasp_id is None


def test_strays_by_the_ten_thousand_are_read_in_one_go() -> None:
    xml = from_a_vasp("SubmitReq", "<VASPID>p</VASPID>" * 20_000, "<Sender>1</Sender>" * 20_000)
    root = parsed(xml)

    message, _ = read_element(root)

    assert message.sender_identification.vasp_id == "p"


def test_strays_in_turns_are_read_in_one_go_too() -> None:
    xml = from_a_vasp("SubmitReq", "<VASID>s</VASID><VASPID>p</VASPID>" * 40_000)
    root = parse_xml(xml.encode(), Limits(elements=100_000))

    message, found = read_element(root)
    assert message.sender_identification == SenderIdentification(vasp_id="p", vas_id="s")
    assert set(names(found)) == {"element-misplaced", "element-repeated"}


def test_attributes_of_soap_and_of_the_schema_language_say_nothing() -> None:
    attributes = (
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        's:mustUnderstand="1" s:encodingStyle="" s:actor=""'
    )
    xml = submit(more='<ReadReply s:actor="">true</ReadReply><Subject xsi:type="xsd:string">x</Subject>')

    message, found = read(xml.replace("<SubmitReq", f"<SubmitReq {attributes}"), strict=True)

    assert (message.subject, message.read_reply) == ("x", True)
    assert found == []


def test_an_attribute_may_be_in_the_namespace_of_its_element_and_in_no_other() -> None:
    prefixed = submit(
        recipients=f'<To xmlns:m="{NAMESPACE}"><Number m:displayOnly="true" m:id="a">1</Number></To>',
        more=f'<Content xmlns:m="{NAMESPACE}" xmlns:v="urn:vendor" m:href="cid:x" v:allowAdaptations="false"/>',
    )

    message, found = read(prefixed)

    assert message.recipients.to == (Address("1", display_only=True, id="a"),)
    assert message.content == Content(href="cid:x")
    assert found == [
        ("attribute-qualified", f"SubmitReq/{place}")
        for place in ("Recipients/To/Number/@displayOnly", "Recipients/To/Number/@id", "Content/@href")
    ]


@pytest.mark.parametrize("date_first", [True, False])
def test_of_time_stamp_and_date_the_one_with_the_right_name_counts(date_first: bool) -> None:
    date, other = "<Date>2026-05-05T10:00:00Z</Date>", "<TimeStamp>2020-01-01T00:00:00Z</TimeStamp>"
    inside = mandatory("DeliveryReportReq")
    right = inside[inside.index("<Date>") : inside.index("</Date>") + len("</Date>")]

    message, found = read(
        document("DeliveryReportReq", inside.replace(right, date + other if date_first else other + date))
    )

    assert message.date == datetime(2026, 5, 5, 10, tzinfo=UTC)
    assert ("element-renamed", "DeliveryReportReq/TimeStamp for Date") in found


@pytest.mark.parametrize("name", ["SubmitReq", "DeliverReq", "ReadReplyReq"])
def test_date_is_no_other_name_for_time_stamp(name: str) -> None:
    xml = document(name, mandatory(name) + "<Date>2026-05-05T10:00:00Z</Date>")

    message, found = read(xml)

    assert found == [("element-unknown", f"{name}/Date")]
    assert [kept.name for kept in message.extensions] == ["Date"]


# -- addresses


@pytest.mark.parametrize(
    ("xml", "address", "deviations"),
    [
        ("<Number>+491511</Number>", Address("+491511", AddressKind.NUMBER), []),
        ("<Number>\n +491511\t</Number>", Address("+491511", AddressKind.NUMBER), []),
        ("<Number>+1555/TYPE=PLMN</Number>", Address("+1555/TYPE=PLMN", AddressKind.NUMBER), []),
        ("<RFC2822Address>a@b.example</RFC2822Address>", Address("a@b.example", AddressKind.RFC2822), []),
        ("<ShortCode>4444</ShortCode>", Address("4444", AddressKind.SHORT_CODE), []),
        ('<Number displayOnly="true">1</Number>', Address("1", display_only=True), []),
        ('<Number displayOnly="1">1</Number>', Address("1", display_only=True), []),
        ('<Number displayOnly="false">1</Number>', Address("1"), []),
        ('<Number displayOnly="True">1</Number>', Address("1", display_only=True), ["value-case"]),
        ('<Number displayOnly="maybe">1</Number>', Address("1"), ["value-form"]),
        ('<Number displayonly="true">1</Number>', Address("1", display_only=True), ["element-renamed"]),
        ('<Number displayOnly="false" displayonly="true">1</Number>', Address("1"), []),
        (
            '<Number addressCoding="encrypted">1</Number>',
            Address("1", address_coding=AddressCoding.ENCRYPTED),
            [],
        ),
        (
            '<Number addressCoding="Obfuscated">1</Number>',
            Address("1", address_coding=AddressCoding.OBFUSCATED),
            ["value-case"],
        ),
        ('<Number addressCoding="rot13">1</Number>', Address("1", address_coding="rot13"), ["value-unlisted"]),
        ('<Number addressCoding="">1</Number>', Address("1"), ["value-form"]),
        ('<Number id=" n1 ">1</Number>', Address("1", id="n1"), []),
        ('<Number other="x" v:id="y" xmlns:v="urn:v">1</Number>', Address("1"), []),
        ("+491511", Address("+491511", AddressKind.NUMBER), ["address-untyped"]),
        (" \n 01056610926 ", Address("01056610926", AddressKind.NUMBER), ["address-untyped"]),
        ("1234567", Address("1234567", AddressKind.NUMBER), ["address-untyped"]),
        ("123456", Address("123456", AddressKind.SHORT_CODE), ["address-untyped"]),
        ("+12345", Address("+12345", AddressKind.NUMBER), ["address-untyped"]),
        ("a@b.example", Address("a@b.example", AddressKind.RFC2822), ["address-untyped"]),
    ],
)
def test_an_address_is_read_the_same_alone_and_among_others(xml: str, address: Address, deviations: list[str]) -> None:
    submitted, found = read(submit(recipients=f"<To>{xml}</To>"))
    delivered, found_alone = read(document("DeliverReq", f"<MM7Version>6.8.0</MM7Version><Sender>{xml}</Sender>"))

    assert submitted.recipients.to == (address,)
    assert delivered.sender == address
    assert names(found) == names(found_alone) == deviations
    assert type(delivered.sender.address_coding) is type(address.address_coding)


def test_addresses_of_mixed_kinds_keep_their_order() -> None:
    message, _ = read(
        submit(
            recipients="<Cc><ShortCode>1</ShortCode><Number>2</Number><RFC2822Address>3@x</RFC2822Address>"
            "<Number>4</Number><ShortCode>1</ShortCode></Cc>"
        )
    )

    assert [str(address) for address in message.recipients.cc] == ["1", "2", "3@x", "4", "1"]
    assert [address.kind for address in message.recipients.cc] == [
        AddressKind.SHORT_CODE,
        AddressKind.NUMBER,
        AddressKind.RFC2822,
        AddressKind.NUMBER,
        AddressKind.SHORT_CODE,
    ]


def test_where_one_address_is_wanted_the_first_of_two_counts() -> None:
    message, found = read(
        document(
            "DeliverReq",
            "<MM7Version>6.8.0</MM7Version><Sender><Number>1</Number><ShortCode>2</ShortCode></Sender>",
        )
    )

    assert message.sender == Address("1")
    assert found == [("element-repeated", "DeliverReq/Sender/ShortCode")]


@pytest.mark.parametrize(
    "recipients",
    [
        "",
        "<To/>",
        "<To> </To>",
        "<To/><Cc/><Bcc/>",
        "<Number/>",
        "<To>1</To><Number>2</Number>",
        "<To><Extension>1</Extension></To>",
        "<To><Phone/></To>",
        "<To><Number/></To>",
        "<To><Number>1</Number><Number> </Number></To>",
        "<To><Number>1<b>2</b>3</Number></To>",
        "<Bcc><RFC2822Address/></Bcc>",
    ],
)
def test_a_message_to_nobody_or_to_an_empty_address_is_2002(recipients: str) -> None:
    with pytest.raises(AddressError) as refusal:
        read(submit(recipients=recipients))

    assert refusal.value.code == 2002
    assert (refusal.value.details or "").startswith("SubmitReq/Recipients")


def test_text_beside_the_recipients_may_be_one_of_them_and_is_2002() -> None:
    with pytest.raises(AddressError) as caught:
        read(submit(recipients="<To>+4917<Number>1</Number></To>"))

    assert caught.value.details == "SubmitReq/Recipients/To: it holds text beside its addresses"


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("<Number/>", "Number is empty"),
        ("<Number>1<x/></Number>", "Number holds elements where text is wanted"),
        ("me<Number>1</Number>", "it holds text beside its addresses"),
        ("", "it holds no address"),
    ],
)
def test_one_address_of_wrong_form_is_judged_as_any_other_value(inside: str, why: str) -> None:
    head = "<MM7Version>6.8.0</MM7Version>"
    optional = f"<SenderIdentification><SenderAddress>{inside}</SenderAddress></SenderIdentification>"
    to = "<Recipients><To><Number>1</Number></To></Recipients>"

    message, found = read(document("SubmitReq", f"{head}{optional}{to}"))

    assert message.sender_identification.sender_address is None
    assert found == [("value-form", f"SubmitReq/SenderIdentification/SenderAddress: {why}")]
    with pytest.raises(MessageFormatCorrupt) as caught:
        read(document("DeliverReq", f"{head}<Sender>{inside}</Sender>"))
    assert caught.value.details == f"DeliverReq/Sender: {why}"


@pytest.mark.parametrize("group", ["To", "Cc", "Bcc"])
def test_one_group_of_recipients_is_enough(group: str) -> None:
    message, found = read(submit(recipients=f"<{group}><Number>1</Number></{group}>"), strict=True)

    assert getattr(message.recipients, group.lower()) == (Address("1"),)
    assert found == []


def test_an_empty_group_beside_another_is_a_deviation() -> None:
    message, found = read(submit(recipients="<To/><Cc><Number>1</Number></Cc>"))

    assert message.recipients == Recipients(cc=(Address("1"),))
    assert found == [("value-form", "SubmitReq/Recipients/To: it holds no address")]


@pytest.mark.parametrize("name", ["CancelReq", "DeliverReq"])
def test_recipients_that_are_not_mandatory_may_be_empty(name: str) -> None:
    message, _ = read(document(name, mandatory(name) + "<Recipients/>"))

    assert message.recipients == Recipients()
    assert not message.recipients


def numbers(count: int) -> str:
    return "<Number>1</Number>" * count


@pytest.mark.parametrize(
    "groups",
    [
        [("To", 10_000)],
        [("To", 4_000), ("Cc", 3_000), ("Bcc", 3_000)],
        [("Bcc", 9_999), ("Bcc", 1)],
    ],
    ids=str,
)
def test_ten_thousand_recipients_are_the_most(groups: list[tuple[str, int]]) -> None:
    at_most = "".join(f"<{group}>{numbers(count)}</{group}>" for group, count in groups)
    one_more = at_most.replace("<Number>1</Number>", numbers(2), 1)

    message, _ = read(submit(recipients=at_most))

    recipients = message.recipients
    assert len(recipients.to) + len(recipients.cc) + len(recipients.bcc) == 10_000
    with pytest.raises(AddressError, match="more than 10000 recipients") as refusal:
        read(submit(recipients=one_more))
    assert refusal.value.code == 2002


def test_the_limit_of_recipients_can_be_set_and_the_sender_is_none_of_them() -> None:
    limits = Limits(recipients=2)
    inside = (
        "<MM7Version>6.8.0</MM7Version><Sender><Number>1</Number></Sender><Recipients>{0}</Recipients>"
        "<Previouslysentby><UserAgent><Number>1</Number></UserAgent></Previouslysentby>"
    )

    message, _ = read(document("DeliverReq", inside.format(f"<To>{numbers(2)}</To>")), limits=limits)

    assert len(message.recipients.to) == 2
    with pytest.raises(AddressError):
        read(document("DeliverReq", inside.format(f"<To>{numbers(2)}</To><Cc>{numbers(1)}</Cc>")), limits=limits)


# What stands among plain addresses, the address that it is, and the deviations or why all of them are refused.
ODDITIES: dict[str, tuple[str, Address | None, list[str] | str]] = {
    "nothing odd": ("", None, []),
    "an attribute": ('<Number displayOnly="true" id="i">x</Number>', Address("x", display_only=True, id="i"), []),
    "an attribute of wrong form": ('<Number displayOnly="perhaps">x</Number>', Address("x"), ["value-form"]),
    "a qualified attribute": (
        f'<Number xmlns:m="{NAMESPACE}" m:id="i">x</Number>',
        Address("x", id="i"),
        ["attribute-qualified"],
    ),
    "an attribute of a vendor": ('<Number xmlns:v="urn:v" v:id="i">x</Number>', Address("x"), []),
    "a short code": ("<ShortCode>x</ShortCode>", Address("x", AddressKind.SHORT_CODE), []),
    "a mail address": ("<RFC2822Address>x@y</RFC2822Address>", Address("x@y", AddressKind.RFC2822), []),
    "blanks around it": ("<Number>\n x </Number>", Address("x"), []),
    "a comment in it": ("<Number>x<!-- no -->y</Number>", Address("xy"), []),
    "empty": ("<Number/>", None, "Number is empty"),
    "white space alone": ("<RFC2822Address> \n </RFC2822Address>", None, "RFC2822Address is empty"),
    "an element behind its text": ("<Number>x<b/></Number>", None, "Number holds elements where text is wanted"),
    "an element before its text": ("<Number><b/>x</Number>", None, "Number holds elements where text is wanted"),
    "an element instead of text": ("<ShortCode><b>x</b></ShortCode>", None, "ShortCode is empty"),
    "other capitals": ('<NUMBER displayonly="1">x</NUMBER>', Address("x", display_only=True), ["element-renamed"] * 2),
    "the name of instantcom": (
        "<RFC822Address>x@y</RFC822Address>",
        Address("x@y", AddressKind.RFC2822),
        ["element-renamed"],
    ),
    "an unknown name": ("<Phone>x</Phone>", Address("x"), ["address-untyped"]),
    "an unknown name of a mail address": (
        "<Mail id='i'>x@y</Mail>",
        Address("x@y", AddressKind.RFC2822, id="i"),
        ["address-untyped"],
    ),
    "an unknown name of a short code": ("<X>4711</X>", Address("4711", AddressKind.SHORT_CODE), ["address-untyped"]),
    "an unknown name in no namespace": (
        '<Phone xmlns="">x</Phone>',
        Address("x"),
        ["namespace-missing", "address-untyped"],
    ),
    "an unknown name without a text": ("<Phone/>", None, "Phone is empty"),
    "an unknown name with an attribute alone": ('<Phone number="x"/>', None, "Phone is empty"),
    "an empty Extension": ("<Extension/>", None, []),
    "a To": ("<To><Number>x</Number></To>", None, "To is empty"),
    "a To of mixed content": ("<To>x<Number>y</Number></To>", None, "To holds elements where text is wanted"),
    "an Extension": ("<Extension>x</Extension>", None, "/Extension"),
    "an Extension with elements": ("<Extension><Number>x</Number></Extension>", None, "/Extension"),
    "an Extension with an attribute": ('<Extension number="x"/>', None, "/Extension"),
    "no namespace": ('<Number xmlns="">x</Number>', Address("x"), ["namespace-missing"]),
    "another namespace of MM7": ('<Number xmlns="urn:mm7">x</Number>', Address("x"), ["namespace-mixed"]),
    "a vendor's namespace": ('<Number xmlns="urn:v">x</Number>', None, "/Number"),
    "a vendor's namespace, and nothing in it": ('<Number xmlns="urn:v"/>', None, ["element-unknown"]),
    "another prefix": (f'<m:Number xmlns:m="{NAMESPACE}">x</m:Number>', Address("x"), []),
    "text": ("stray", None, "it holds text beside its addresses"),
    "a comment": ("<!-- x -->", None, []),
}


@pytest.mark.parametrize("count", [3, 16, 17, 40])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_odd_address_is_read_alike_among_few_and_among_many(
    oddity: str, place: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, kept, expected = ODDITIES[oddity]
    at = {"first": 0, "middle": count // 2, "last": count}[place]
    values = [str(number) for number in range(count)]
    plain = [f"<Number>{value}</Number>" for value in values]
    plain.insert(at, odd)
    xml = submit(recipients=f"<To>{' '.join(plain)}</To>")

    outcome = outcome_of(xml)

    if isinstance(expected, str):
        if expected.startswith("/"):
            expected += ": it may be a recipient, and cannot be read as one"
        else:
            expected = f": {expected}"
        assert outcome == (AddressError, 2002, f"SubmitReq/Recipients/To{expected}", [])
    else:
        message, found = outcome
        assert names(found) == expected
        addresses = [Address(value) for value in values]
        addresses[at:at] = [] if kept is None else [kept]
        assert message.recipients.to == tuple(addresses)
        assert [address.kind for address in message.recipients.to] == [address.kind for address in addresses]
        assert all(type(address) is Address for address in message.recipients.to)
    monkeypatch.setattr(codecs, "_many_addresses", lambda node, reader: None)
    assert outcome_of(xml) == outcome


@pytest.mark.parametrize("count", [3, 40])
def test_what_is_odd_about_all_addresses_is_read_alike_among_few_and_among_many(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = [AddressKind.NUMBER, AddressKind.RFC2822, AddressKind.SHORT_CODE]
    written_kinds = [str(kind) for kind in kinds]
    forms = {
        "mixed": lambda number: f"<{written_kinds[number % 3]}>{number}</{written_kinds[number % 3]}>",
        "prefixes": lambda number: f'<p{number}:Number xmlns:p{number}="{NAMESPACE}">{number}</p{number}:Number>',
        "no namespace": lambda number: f'<Number xmlns="">{number}</Number>',
        "another of MM7": lambda number: f'<Number xmlns="urn:mm7">{number}</Number>',
        "attributes": lambda number: f'<Number id="{number}">{number}</Number>',
        "empty": lambda number: "<Number/>",
        "unknown": lambda number: f"<Phone>{number}</Phone>",
    }
    outcomes = {}
    for name, form in forms.items():
        outcomes[name] = outcome_of(submit(recipients=f"<Bcc>{''.join(map(form, range(count)))}</Bcc>"))
    monkeypatch.setattr(codecs, "_many_addresses", lambda node, reader: None)
    for name, form in forms.items():
        assert outcome_of(submit(recipients=f"<Bcc>{''.join(map(form, range(count)))}</Bcc>")) == outcomes[name]

    assert outcomes["mixed"][0].recipients.bcc == tuple(
        Address(str(number), kinds[number % 3]) for number in range(count)
    )
    plain = tuple(Address(str(number)) for number in range(count))
    assert [outcomes[name][0].recipients.bcc for name in ("prefixes", "no namespace", "another of MM7")] == [plain] * 3
    assert [names(outcomes[name][1]) for name in ("prefixes", "no namespace", "another of MM7")] == [
        [],
        ["namespace-missing"],
        ["namespace-mixed"],
    ]
    assert [address.id for address in outcomes["attributes"][0].recipients.bcc] == [address.value for address in plain]
    assert outcomes["empty"] == (AddressError, 2002, "SubmitReq/Recipients/Bcc: Number is empty", [])
    assert outcomes["unknown"][0].recipients.bcc == tuple(
        Address(str(number), AddressKind.SHORT_CODE) for number in range(count)
    )
    assert set(names(outcomes["unknown"][1])) == {"address-untyped"}


@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize(
    ("between", "is_refused"), [("", False), ("\n  ", False), ("<!-- no -->", False), (",", True), (" \u00a0", False)]
)
def test_what_stands_between_addresses_is_judged_alike_among_few_and_among_many(
    count: int, between: str, is_refused: bool
) -> None:
    for group in (
        between + numbers(count),
        between.join(["<Number>1</Number>"] * count),
        numbers(count) + between,
    ):
        outcome = outcome_of(submit(recipients=f"<To>{group}</To>"))
        if is_refused:
            assert outcome == (AddressError, 2002, "SubmitReq/Recipients/To: it holds text beside its addresses", [])
        else:
            assert outcome[0].recipients.to == (Address("1"),) * count
            assert outcome[1] == []


@pytest.mark.parametrize("count", [3, 40])
def test_where_one_address_is_wanted_the_first_counts_among_few_and_among_many(count: int) -> None:
    several = "".join(f"<ShortCode>{number}</ShortCode>" for number in range(count))

    message, found = read(document("DeliverReq", f"<MM7Version>6.8.0</MM7Version><Sender>{several}</Sender>"))

    assert message.sender == Address("0", AddressKind.SHORT_CODE)
    assert found == [("element-repeated", "DeliverReq/Sender/ShortCode")]


def test_repeated_groups_of_recipients_are_gathered_in_their_order() -> None:
    groups = "".join(f"<To><Number>{number}</Number></To>" for number in range(5_000))

    message, found = read(submit(recipients=groups))

    assert [address.value for address in message.recipients.to] == [str(number) for number in range(5_000)]
    assert found == [("element-repeated", "SubmitReq/Recipients/To")]


def test_groups_of_recipients_in_turns_are_gathered_too() -> None:
    message, found = read(
        submit(
            recipients="<Bcc><Number>1</Number></Bcc><To><Number>2</Number></To>"
            "<Bcc><Number>3</Number></Bcc><To>4444444</To>"
        )
    )

    assert message.recipients == Recipients(to=(Address("2"), Address("4444444")), bcc=(Address("1"), Address("3")))
    assert set(names(found)) == {"element-order", "element-repeated", "address-untyped"}


# -- values


@pytest.mark.parametrize(
    ("text", "value", "deviations"),
    [
        ("true", True, []),
        ("false", False, []),
        ("1", True, []),
        ("0", False, []),
        (" true\n", True, []),
        ("True", True, ["value-case"]),
        ("FALSE", False, ["value-case"]),
        ("yes", None, ["value-form"]),
        ("0000", None, ["value-form"]),
        ("", None, ["value-form"]),
    ],
)
def test_a_boolean_is_read_in_any_capitals(text: str, value: bool | None, deviations: list[str]) -> None:
    message, found = read(submit(more=f"<DeliveryReport>{text}</DeliveryReport>"))

    assert message.delivery_report is value
    assert names(found) == deviations


@pytest.mark.parametrize(
    ("text", "value", "deviations"),
    [
        ("High", Priority.HIGH, []),
        ("\n High ", Priority.HIGH, []),
        ("HIGH", Priority.HIGH, ["value-case"]),
        ("high", Priority.HIGH, ["value-case"]),
        ("urgent", "urgent", ["value-unlisted"]),
        (" 137 ", "137", ["value-unlisted"]),
        ("", None, ["value-form"]),
    ],
)
def test_an_enumerated_value_is_read_in_any_capitals_and_kept_when_unlisted(
    text: str, value: str | None, deviations: list[str]
) -> None:
    message, found = read(submit(more=f"<Priority>{text}</Priority>"))

    assert message.priority == value
    assert type(message.priority) is type(value)
    assert names(found) == deviations


@pytest.mark.parametrize(
    ("text", "status", "deviation"),
    [
        ("1000", "1000", "value-unlisted"),
        ("Unreachable", "Unreachable", "value-unlisted"),
        ("System Rejected", "System Rejected", "value-unlisted"),
        ("Unrecognized", DeliveryStatus.UNRECOGNISED, "value-case"),
        ("UNRECOGNIZED", DeliveryStatus.UNRECOGNISED, "value-case"),
        ("RETRIEVED", DeliveryStatus.RETRIEVED, "value-case"),
    ],
)
def test_a_report_keeps_a_status_that_is_none_of_the_schemas(text: str, status: str, deviation: str) -> None:
    inside = "".join(
        f"<MMStatus>{text}</MMStatus>" if row.name == "MMStatus" else filled(row)
        for row in MESSAGES["DeliveryReportReq"]
    )

    message, found = read(document("DeliveryReportReq", inside))

    assert message.mm_status == status
    assert type(message.mm_status) is type(status)
    assert found == [(deviation, f"DeliveryReportReq/MMStatus: {text}")]


@pytest.mark.parametrize(
    ("text", "value", "deviations"),
    [
        *((version, version, []) for version in TABLE["VERSIONS"]),
        (" 6.8.0\n", "6.8.0", []),
        *((version, version, ["version-unlisted"]) for version in ("6.7.0", "5.2.0", "1.0", "1.6", "x" * 32)),
    ],
)
def test_a_version_is_kept_as_it_is_and_told_when_the_schema_does_not_list_it(
    text: str, value: str, deviations: list[str]
) -> None:
    xml = submit().replace("6.8.0", text)

    message, found = read(xml)

    assert message.mm7_version == value
    assert names(found) == deviations
    if deviations:
        with pytest.raises(UnsupportedVersion):
            read(xml, strict=True)


@pytest.mark.parametrize(
    ("text", "value", "deviations"),
    [
        ("2026-05-05T10:00:00", datetime(2026, 5, 5, 10), ["date-without-zone"]),
        ("20260505100000", datetime(2026, 5, 5, 10), ["date-form", "date-without-zone"]),
        (" 2026-5-5 10:00 +0900\n", datetime(2026, 5, 5, 10, tzinfo=TABLE["KOREA"]), ["date-form"]),
        ("Tue, 5 May 2026 10:00:00 GMT", datetime(2026, 5, 5, 10, tzinfo=UTC), ["date-form"]),
        ("05/06/2026 10:00:00", None, ["value-form"]),
        ("2026-05-05", None, ["value-form"]),
        ("1" * 1_000_000, None, ["value-form"]),
        ("\n2026-05-05T10:00:00Z ", datetime(2026, 5, 5, 10, tzinfo=UTC), []),
        ("P1Y2M", Duration(14), []),
        (" -P1D ", Duration(0, timedelta(days=-1)), []),
        ("P999999999DT24H", None, ["value-form"]),
        ("-P999999999DT24H", None, ["value-form"]),
        ("9999-12-31T24:00:00Z", None, ["value-form"]),
        ("0000-01-01T00:00:00Z", None, ["value-form"]),
        ("-P", None, ["value-form"]),
        ("P" * 1000, None, ["value-form"]),
    ],
)
def test_an_expiry_is_a_date_or_a_duration(text: str, value: object, deviations: list[str]) -> None:
    message, found = read(submit(more=f"<ExpiryDate>{text}</ExpiryDate>"))

    assert message.expiry_date == value
    assert type(message.expiry_date) is type(value)
    assert names(found) == deviations


def test_a_date_in_another_form_is_told_as_it_is_written() -> None:
    _, found = read(submit(more="<TimeStamp> 20260505100000 </TimeStamp>"))

    assert found == [
        ("date-form", "SubmitReq/TimeStamp: 20260505100000"),
        ("date-without-zone", "SubmitReq/TimeStamp: 20260505100000"),
    ]


def test_a_date_where_no_duration_may_be_is_no_duration() -> None:
    message, found = read(submit(more="<TimeStamp>P1D</TimeStamp>"))

    assert message.time_stamp is None
    assert names(found) == ["value-form"]


# -- status


def response(status: str, name: str = "CancelRsp") -> str:
    return document(name, f"<MM7Version>6.8.0</MM7Version><Status>{status}</Status>")


@pytest.mark.parametrize(
    ("status", "value"),
    [
        ("<StatusCode>1000</StatusCode><StatusText>ok</StatusText>", Status(status_code=1000, status_text="ok")),
        (
            "<Details>x</Details><StatusText>ok</StatusText><StatusCode>1100</StatusCode>",
            Status(status_code=1100, status_text="ok", details="x"),
        ),
        (
            "<StatusText>no</StatusText><Details/><StatusCode> 2503 </StatusCode>",
            Status(status_code=2503, status_text="no", details=""),
        ),
        (
            "<StatusCode>2000</StatusCode><StatusText/><Details>\n two\n lines </Details>",
            Status(status_code=2000, status_text="", details="two\n lines"),
        ),
        (
            '<StatusCode>2000</StatusCode><StatusText/><Details>a<b xmlns="urn:v" c="d">e</b></Details>',
            Status(
                status_code=2000,
                status_text="",
                details=Element(
                    "Details",
                    NAMESPACE,
                    text="a",
                    children=[Element("b", "urn:v", attributes={"c": "d"}, text="e")],
                ),
            ),
        ),
    ],
)
def test_a_status_is_read_in_any_order_with_details_of_any_kind(status: str, value: Status) -> None:
    message, found = read(response(status), strict=True)

    assert message.status == value
    assert found == []
    again, _ = read(written(message))
    assert again == message
    assert_conforms(re.sub("<Details.*</Details>", "", written(message)), "CancelRsp")


@pytest.mark.parametrize(
    ("code", "kind", "success"),
    [
        (1000, StatusCode, True),
        (1100, StatusCode, True),
        (1001, int, True),
        (2003, StatusCode, False),
        (2503, int, False),
        (3005, int, False),
        (4006, StatusCode, False),
        (6102, int, False),
    ],
)
def test_a_status_code_is_one_of_the_specification_or_a_plain_number(code: int, kind: type, success: bool) -> None:
    message, found = read(response(f"<StatusCode>{code}</StatusCode><StatusText/>"))

    assert message.status.status_code == code
    assert type(message.status.status_code) is kind
    assert message.status.is_success is success
    assert found == []


@pytest.mark.parametrize("code", ["0", " 00\n", "0000"])
def test_a_status_code_of_zero_is_kept_and_is_no_success(code: str) -> None:
    xml = response(f"<StatusCode>{code}</StatusCode><StatusText>ok</StatusText>")

    message, found = read(xml)

    assert message.status == Status(status_code=0, status_text="ok")
    assert message.status.is_success is False
    assert found == [("status-code-zero", f"CancelRsp/Status/StatusCode: {code.strip()}")]
    assert read(written(message))[0] == message
    with pytest.raises(MessageFormatCorrupt, match="StatusCode: 0"):
        read(written(message), strict=True)


@pytest.mark.parametrize("code", ["", "-0", "0" * 19, "-1000", "1000.0", "one", "1" * 19, "\u0661\u0660\u0660\u0660"])
def test_a_status_code_that_is_no_positive_integer_is_2007(code: str) -> None:
    with pytest.raises(MessageFormatCorrupt, match="CancelRsp/Status/StatusCode"):
        read(response(f"<StatusCode>{code}</StatusCode><StatusText/>"))


@pytest.mark.parametrize("name", TABLE["RESPONSES"])
def test_a_status_without_its_code_is_4004(name: str) -> None:
    xml = document(name, mandatory(name))
    xml = re.sub("<StatusCode>.*</StatusCode>", "", xml)

    with pytest.raises(ValidationError, match=f"{name}/Status: StatusCode is missing"):
        read(xml)


@pytest.mark.parametrize("name", TABLE["RESPONSES"])
def test_a_status_without_its_text_is_a_deviation_but_for_the_extended_operations(name: str) -> None:
    xml = re.sub("<StatusText>.*</StatusText>", "", document(name, mandatory(name)))

    message, found = read(xml)

    assert message.status.status_text is None
    is_extended = name.startswith("extended")
    assert found == ([] if is_extended else [("element-missing", f"{name}/Status/StatusText")])


def test_a_vendors_element_in_a_status_is_kept() -> None:
    message, found = read(
        response("<StatusCode>1000</StatusCode><StatusText/><MMSStatusErrorCode>7</MMSStatusErrorCode>")
    )

    assert message.extensions == (Element("MMSStatusErrorCode", NAMESPACE, text="7"),)
    assert found == [("element-unknown", "CancelRsp/Status/MMSStatusErrorCode")]


# -- what is remembered of messages, for the next


def outcome_of(xml: str, *, strict: bool = False) -> Any:
    """The message and the deviations; or the class, code and details of the refusal, and the deviations before it."""
    root = parsed(xml)
    deviations = Deviations(strict=strict)
    is_request = split_name(root.tag)[0] in TABLE["REQUESTS"]
    try:
        message = (read_request if is_request else read_response)(root, LIMITS, deviations)
    except MM7Error as error:
        return type(error), error.code, error.details, [(told.name, told.where) for told in deviations]
    return message, [(told.name, told.where) for told in deviations]


@pytest.fixture
def generally(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Read a message as if nothing could be read at sight or in bulk."""

    def read_generally(xml: str) -> Any:
        with monkeypatch.context() as patched:
            patched.setattr(schema, "_places", lambda layout, namespace, tags: None)
            patched.setattr(codecs, "_many_addresses", lambda node, reader: None)
            patched.setattr(codecs, "_addresses_at_sight", lambda node, reader: None)
            return outcome_of(xml)

    return read_generally


def regular_rows(name: str) -> list[Any]:
    """The rows of a message that can be read at sight: none that can be repeated."""
    return [row for row in MESSAGES[name] if row.cardinality != "*" and row.name != "AdditionalInformation"]


def shapes_of(name: str) -> dict[Any, Any]:
    return CLASSES[name].layout.shapes


@pytest.mark.parametrize("name", MESSAGES)
def test_a_regular_message_is_read_at_sight_as_it_is_otherwise(name: str, generally: Callable[[str], Any]) -> None:
    xml = document(name, "".join(map(filled, regular_rows(name))))
    shapes_of(name).clear()

    first, again = outcome_of(xml), outcome_of(xml)

    assert len(shapes_of(name)) == 1
    assert first == again == generally(xml)
    assert first == (CLASSES[name](**{row.field: row.sample.value for row in regular_rows(name)}), [])
    whole = document(name, "".join(map(filled, MESSAGES[name])))
    assert outcome_of(whole) == generally(whole)


@pytest.mark.parametrize(("name", "row", "wrong"), wrong_forms("1?*"))
def test_a_wrong_value_is_judged_at_sight_as_it_is_otherwise(
    name: str, row: Any, wrong: str, generally: Callable[[str], Any]
) -> None:
    others = [other for other in MESSAGES[name] if other.cardinality != "*" or other is row]
    xml = document(name, "".join(wrong if other is row else filled(other) for other in others))

    assert outcome_of(xml) == outcome_of(xml) == generally(xml)


@pytest.mark.parametrize(("name", "row"), rows("1?"))
def test_what_is_left_out_is_judged_at_sight_as_it_is_otherwise(
    name: str, row: Any, generally: Callable[[str], Any]
) -> None:
    xml = document(name, "".join(filled(other) for other in regular_rows(name) if other is not row))

    assert outcome_of(xml) == outcome_of(xml) == generally(xml)


IRREGULARITIES: dict[str, tuple[Callable[[str], str], set[str], bool]] = {
    "an Extension behind it": (lambda inside: inside + "<Extension>x</Extension>", set(), False),
    "an Extension before it": (lambda inside: "<Extension/>" + inside, set(), False),
    "a vendor's element": (lambda inside: inside + "<v:X xmlns:v='urn:v'/>", {"element-unknown"}, False),
    "the version again": (
        lambda inside: inside + "<MM7Version>9.9.9</MM7Version>",
        {"element-repeated", "element-order"},
        False,
    ),
    "another prefix of one": (
        lambda inside: inside.replace(
            "<MM7Version>6.8.0</MM7Version>", f'<p:MM7Version xmlns:p="{NAMESPACE}">6.8.0</p:MM7Version>'
        ),
        set(),
        True,
    ),
    "one in no namespace": (
        lambda inside: inside.replace("<MM7Version>", '<MM7Version xmlns="">'),
        {"namespace-missing"},
        False,
    ),
    "one in another namespace": (
        lambda inside: inside.replace("<MM7Version>", '<MM7Version xmlns="urn:MM7">'),
        {"namespace-mixed"},
        False,
    ),
    "comments": (lambda inside: f"<!-- -->{inside}<!-- -->", set(), True),
    "white space": (lambda inside: f"\n  {inside}\n", set(), True),
    "text": (lambda inside: f"{inside} stray ", {"text-stray"}, True),
}


@pytest.mark.parametrize("irregularity", IRREGULARITIES)
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_that_is_irregular_in_one_thing_has_the_same_fields(
    name: str, irregularity: str, generally: Callable[[str], Any]
) -> None:
    change, deviations, is_remembered = IRREGULARITIES[irregularity]
    inside = "".join(map(filled, regular_rows(name)))
    regular, _ = outcome_of(document(name, inside))
    shapes_of(name).clear()

    message, found = outcome_of(document(name, change(inside)))

    assert dataclasses.replace(message, extensions=()) == regular
    assert set(names(found)) <= deviations
    assert deviations - {"element-order"} <= set(names(found))
    assert (len(shapes_of(name)) == 1) is is_remembered
    assert (message, found) == generally(document(name, change(inside)))


def test_a_message_is_not_misread_by_what_is_remembered_of_another(generally: Callable[[str], Any]) -> None:
    old = TABLE["NAMESPACES"][0]
    head = "<MM7Version>6.8.0</MM7Version>"
    sender, id_ = "<SenderIdentification><VASPID>p</VASPID></SenderIdentification>", "<MessageID>7</MessageID>"
    code, stamp = "<ServiceCode>c</ServiceCode>", "<TimeStamp>2026-05-05T10:00:00Z</TimeStamp>"
    status = "<Status><StatusCode>1000</StatusCode><StatusText>ok</StatusText></Status>"
    to = "<Recipients><To><Number>1</Number></To></Recipients>"
    documents = [
        document("CancelReq", head + sender + id_),
        document("ReplaceReq", head + sender + id_),
        document("SubmitReq", head + sender + to),
        document("CancelReq", head + sender + id_ + to),
        document("CancelReq", head + sender + id_, old),
        f'<o:CancelReq xmlns:o="{old}" xmlns="{NAMESPACE}">{head}{sender}{id_}</o:CancelReq>',
        f'<o:CancelReq xmlns:o="{NAMESPACE}" xmlns="{old}">{head}{sender}{id_}</o:CancelReq>',
        f"<CancelReq>{head}{sender}{id_}</CancelReq>",
        f'<CancelReq xmlns="">{head}{sender}{id_}</CancelReq>',
        f'<o:CancelReq xmlns:o="{NAMESPACE}">{head}{sender}{id_}</o:CancelReq>',
        f'<CancelReq xmlns="urn:v:mm7">{head}{sender}{id_}</CancelReq>',
        document("CancelReq", sender + head + id_),
        document("CancelReq", head + id_ + sender),
        document("CancelReq", head + sender + id_ + id_.replace("7", "8")),
        document("CancelReq", head + head + sender + id_),
        document("CancelReq", head + sender),
        document("CancelReq", head + id_),
        document("CancelReq", head + "<VASPID>p</VASPID>" + id_),
        document("ReplaceReq", head + sender + id_ + code + stamp),
        document("ReplaceReq", head + sender + id_ + stamp + code),
        document("SubmitReq", head + sender + to + code + stamp),
        document("DeliverReq", head + "<Sender><Number>1</Number></Sender>" + to),
        document("DeliverReq", head + "<Sender><Number>1</Number></Sender>" + to + stamp),
        document("SubmitRsp", head + status + id_),
        document("SubmitRsp", status + head + id_),
        document("SubmitRsp", head + status),
        document("CancelRsp", head + status),
        document("extendedReplaceRsp", head + id_ + status),
        document("extendedReplaceRsp", head + status + id_),
        document("extendedCancelRsp", head + status),
        document("DeliverRsp", head + status + code),
        document("CancelRsp", head + "<Status><StatusText>ok</StatusText><StatusCode>1000</StatusCode></Status>"),
        document("CancelRsp", head + "<Status><StatusCode>1000</StatusCode><StatusCode>2000</StatusCode></Status>"),
        document("ReadReplyRsp", head + status.replace("<StatusText>ok</StatusText>", "<StatusText/><Details/>")),
    ]
    expected = [generally(xml) for xml in documents]

    for start in range(len(documents)):
        for name in MESSAGES:
            shapes_of(name).clear()
        turned = [*range(start, len(documents)), *range(start)]
        assert [outcome_of(documents[number]) for number in turned] == [expected[number] for number in turned]
    assert [outcome_of(xml) for xml in documents] == expected
    assert len({repr(outcome) for outcome in expected}) > len(documents) // 2


def test_what_is_remembered_of_a_namespace_says_nothing_of_another() -> None:
    inside = "<MM7Version>6.8.0</MM7Version><SenderIdentification/><MessageID>7</MessageID>"
    same = outcome_of(document("CancelReq", inside))
    old = TABLE["NAMESPACES"][0]

    message, found = outcome_of(f'<o:CancelReq xmlns:o="{old}" xmlns="{NAMESPACE}">{inside}</o:CancelReq>')

    assert same[1] == []
    assert message == same[0]
    assert found == [("namespace-mixed", "CancelReq/*")]


def test_shapes_are_kept_up_to_their_number() -> None:
    inside = "<{0}:MM7Version>6.8.0</{0}:MM7Version><{0}:SenderIdentification/><{0}:MessageID>7</{0}:MessageID>"
    shapes = shapes_of("CancelReq")

    for number in range(300):
        prefix = f"p{number}"
        xml = f'<CancelReq xmlns="{NAMESPACE}" xmlns:{prefix}="{NAMESPACE}">{inside.format(prefix)}</CancelReq>'
        message, found = read(xml)
        assert (message.message_id, found) == ("7", [])
        assert 0 < len(shapes) <= 64
    shapes.clear()
    insides = [
        "".join(filled(row) for place, row in enumerate(MESSAGES["CancelReq"]) if places >> place & 1)
        for places in range(2 ** len(MESSAGES["CancelReq"]))
    ]
    for inside in insides:
        outcome_of(document("CancelReq", inside))
        assert len(shapes) <= 64


def test_what_does_not_keep_to_the_schema_is_not_remembered() -> None:
    shapes = shapes_of("CancelReq")
    shapes.clear()

    for number in range(100):
        read(document("CancelReq", mandatory("CancelReq") + f"<X{number}/>"))
        read(document("CancelReq", mandatory("CancelReq") + f"<v:X xmlns:v='urn:{number}'/>"))
        read(document("CancelReq", mandatory("CancelReq") + "<Extension/>" * number + "<X/>"))

    assert len(shapes) == 0


def test_children_that_are_too_many_for_the_schema_are_not_looked_up_by_their_tags(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    most = len(CLASSES["CancelReq"].layout.elements)
    asked: list[int] = []
    monkeypatch.setattr(schema, "_places", lambda layout, namespace, tags: asked.append(len(tags)))

    for number in (most, most + 1, 1000):
        # three of them have to be there
        read(document("CancelReq", mandatory("CancelReq") + "<X/>" * (number - 3)))

    assert max(asked) == most


@pytest.mark.parametrize(("excess", "is_kept"), [(0, True), (1, False), (5_000, False)])
def test_a_shape_with_a_long_tag_is_read_and_not_remembered(excess: int, is_kept: bool) -> None:
    # expat's tag is the namespace, the name and the prefix, with a brace between each
    prefix = "p" * (200 - len(NAMESPACE) - len("MM7Version") - 2 + excess)
    shapes = shapes_of("CancelReq")
    shapes.clear()
    rest = "<SenderIdentification/><MessageID>7</MessageID>"
    xml = document("CancelReq", f'<{prefix}:MM7Version xmlns:{prefix}="{NAMESPACE}">6.8.0</{prefix}:MM7Version>{rest}')

    first, again = outcome_of(xml), outcome_of(xml)

    assert first == again == outcome_of(document("CancelReq", "<MM7Version>6.8.0</MM7Version>" + rest))
    assert first[1] == []
    assert any(prefix in tag for _, tags in shapes for tag in tags) is is_kept


def test_a_message_is_read_at_the_limit_of_elements_whatever_brackets_it_has() -> None:
    xml = submit(more="<!-- <a><b> --><Subject><![CDATA[<<<<<<<<<<<<]]></Subject><!-- < -->")
    elements = xml.count("</") + xml.count("/>")

    message, found = read_element(parse_xml(xml.encode(), Limits(elements=elements)))

    assert xml.count("<") > 2 * elements
    assert (message, found) == read(xml)
    assert message.subject == "<" * 12
    with pytest.raises(ValidationError, match=r"\(elements\)"):
        parse_xml(xml.encode(), Limits(elements=elements - 1))


@pytest.mark.parametrize(
    "attributes", ['replyDeadline="x" replyChargingSize="y"', 'replyChargingSize="y" replyDeadline="x"']
)
def test_attributes_of_wrong_form_are_told_each_by_its_name(attributes: str) -> None:
    message, found = read(submit(more=f"<ReplyCharging {attributes}/>"))

    assert message.reply_charging == ReplyCharging()
    assert sorted(where.partition(":")[0] for _, where in found) == [
        "SubmitReq/ReplyCharging/@replyChargingSize",
        "SubmitReq/ReplyCharging/@replyDeadline",
    ]
    assert set(names(found)) == {"value-form"}


# -- what is no message


@pytest.mark.parametrize(
    "name",
    ["QueryStatusReq", "GetDeviceProfileReq", "SubmitRequest", "MM7SubmitReq", "SubmitRsp", "Fault", "x" * 500],
)
def test_what_is_no_request_is_4003(name: str) -> None:
    with pytest.raises(UnsupportedOperation) as refusal:
        read_request(parsed(document(name, "")), LIMITS, Deviations())

    assert refusal.value.code == 4003
    assert name[:80] in (refusal.value.details or "")
    assert len(refusal.value.details or "") < 200


@pytest.mark.parametrize("name", ["SubmitReq", "QueryStatusRsp", "MM7SubmitRsp", "Fault"])
def test_what_is_no_response_is_4003(name: str) -> None:
    with pytest.raises(UnsupportedOperation, match=name):
        read_response(parsed(document(name, "")), LIMITS, Deviations())


def test_deviations_are_told_once_for_each_place_and_a_hundred_at_most() -> None:
    same, found_same = read(submit(more="<X/>" * 500))
    several, found_several = read(submit(more="".join(f"<X{number}/>" for number in range(500))))

    assert found_same == [("element-unknown", "SubmitReq/X")]
    assert found_several == [("element-unknown", f"SubmitReq/X{number}") for number in range(100)]
    assert len(same.extensions) == len(several.extensions) == 500


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (submit(more="<Priority>HIGH</Priority>"), 2007),
        (submit(more="<Priority>urgent</Priority>"), 2007),
        (submit(more="<TimeStamp>2026-05-05T10:00:00</TimeStamp>"), 2007),
        (submit(more="<TimeStamp>today</TimeStamp>"), 2007),
        (submit(more="<TimeStamp>20260505100000Z</TimeStamp>"), 2007),
        (submit(recipients="<Number>1</Number>"), 4004),
        (submit(more="<ReplyCharging><replyDeadline>P1D</replyDeadline></ReplyCharging>"), 4004),
        (submit(more='<Content href="a" allowAdaptions="true"/>'), 4004),
        (submit(recipients="<To>1</To>"), 2007),
        (submit(more="<X/>"), 4004),
        (submit(more="<Subject/><Subject/>"), 4004),
        (submit(more="<Subject/><Priority>Low</Priority>"), 4004),
        (submit(more='<Subject xmlns=""/>'), 4004),
        (submit(more='<Subject xmlns="urn:mm7"/>'), 4004),
        (submit().replace("6.8.0", "6.7.0"), 4002),
        (document("CancelReq", "<MM7Version>6.8.0</MM7Version><MessageID>1</MessageID>"), 4004),
    ],
)
def test_strict_reading_refuses_what_is_otherwise_a_deviation(xml: str, code: int) -> None:
    _, found = read(xml)
    assert found

    with pytest.raises(MM7Error) as refusal:
        read(xml, strict=True)
    assert refusal.value.code == code


# -- writing


@pytest.mark.parametrize("prefix", ["", "mm7", "env"])
@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_written_in_the_order_of_the_schema_and_reads_back_equal(name: str, prefix: str) -> None:
    message = CLASSES[name](**{row.field: row.sample.value for row in MESSAGES[name]})

    xml = written(message, prefix)

    assert_conforms(xml, name)
    assert once_each(iter(ElementTree.fromstring(xml))) == [row.name for row in MESSAGES[name]]
    assert xml.startswith(f"<{prefix}:{name} " if prefix else f"<{name} ")
    again, found = read(xml, strict=True)
    assert again == message
    assert found == []


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_not_there_is_not_written(name: str) -> None:
    message, _ = read(document(name, mandatory(name)))

    root = ElementTree.fromstring(written(message))

    assert once_each(iter(root)) == [row.name for row in MESSAGES[name] if row.cardinality == "1"]


def test_what_is_at_its_default_is_not_written_and_what_is_empty_is() -> None:
    message = SubmitReq(
        mm7_version="6.8.0",
        sender_identification=SenderIdentification(),
        recipients=Recipients(to=(Address("1", display_only=False),)),
        subject="",
        reply_charging=ReplyCharging(),
        read_reply=False,
        content=Content(href="a"),
    )

    assert written(message) == (
        f'<SubmitReq xmlns="{NAMESPACE}"><MM7Version>6.8.0</MM7Version><SenderIdentification/>'
        "<Recipients><To><Number>1</Number></To></Recipients><ReplyCharging/><ReadReply>false</ReadReply>"
        '<Subject/><Content href="a"/></SubmitReq>'
    )


def test_a_response_that_lacks_its_texts_is_written_as_it_is_read() -> None:
    xml = document("SubmitRsp", "<Status><StatusCode>2000</StatusCode></Status>")
    message, found = read(xml)

    assert (message.mm7_version, message.message_id) == ("", "")
    assert written(message) == xml
    assert read(written(message)) == (message, found)


def test_a_sender_that_was_lacking_is_written_as_the_schema_has_it() -> None:
    message, _ = read(document("CancelReq", "<MM7Version>6.8.0</MM7Version><MessageID>m</MessageID>"))

    assert "<SenderIdentification/>" in written(message)


# -- any message


def as_xml_holds(text: str) -> str:
    """``text`` with U+FFFD for what no XML 1.0 document can hold: the one change that writing makes."""
    return "".join(
        character
        if character in "\t\n\r"
        or "\x20" <= character <= "\ud7ff"
        or "\ue000" <= character <= "\ufffd"
        or character > "\uffff"
        else "\ufffd"
        for character in text
    )


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # surrogates and control characters as well
TEXT = ANY_TEXT.map(as_xml_holds)
TOKENS = TEXT.map(str.strip)
IDENTIFIERS = TOKENS.filter(bool)
ZONES = st.none() | st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
DATES = st.datetimes(timezones=ZONES)
DURATIONS = st.builds(
    lambda sign, months, delta: Duration(sign * months, sign * delta),
    st.sampled_from((1, -1)),
    st.integers(0, 10**9),
    st.timedeltas(timedelta(), timedelta(days=999999999)),
)
NUMBERS = st.integers(1, 10**18 - 1)
VERSIONS = st.sampled_from(TABLE["VERSIONS"]) | IDENTIFIERS.filter(lambda text: len(text) <= 32)
ADDRESSES = st.builds(
    Address,
    IDENTIFIERS,
    st.sampled_from(AddressKind),
    st.booleans(),
    st.none() | st.sampled_from(AddressCoding) | IDENTIFIERS,
    st.none() | TOKENS,
)
GROUPS = st.lists(ADDRESSES, max_size=4).map(tuple)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=3).map(tuple)


RECIPIENTS = st.builds(Recipients, to=GROUPS, cc=GROUPS, bcc=GROUPS)
LEAVES = st.builds(
    Element,
    st.sampled_from(("X-SKT-BPID", "Colour", "Extension")),
    st.sampled_from((None, "urn:vendor", "http://example.com/ns?a=1&b='2'")),
    prefix=st.sampled_from(("", "v", "ns3", "ns4", "env")),
    attributes=st.dictionaries(
        st.sampled_from(("a", "{urn:other}a", "{urn:vendor}b", "{http://www.w3.org/XML/1998/namespace}lang")), TEXT
    ),
    text=TEXT,
)
EXTENSIONS = LEAVES | st.builds(
    Element,
    st.just("Extension"),
    st.sampled_from((None, NAMESPACE, "urn:vendor")),
    prefix=st.sampled_from(("", "v", "ns3")),
    children=st.lists(LEAVES, min_size=1, max_size=3),
)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "string": TEXT,
    "token": TOKENS,
    "identifier": IDENTIFIERS,
    "version": VERSIONS,
    "boolean": st.booleans(),
    "date": DATES,
    "date or duration": DATES | DURATIONS,
    "address": ADDRESSES,
    "Recipients": RECIPIENTS,
    "SenderIdentification": st.builds(
        SenderIdentification, vasp_id=optional(TOKENS), vas_id=optional(TOKENS), sender_address=optional(ADDRESSES)
    ),
    "ReplyCharging": st.builds(
        ReplyCharging, reply_charging_size=optional(NUMBERS), reply_deadline=optional(DATES | DURATIONS)
    ),
    "DeliveryCondition": several(NUMBERS),
    "Content": st.builds(Content, href=TOKENS, allow_adaptations=st.booleans()),
    "AdditionalInformation": several(st.builds(AdditionalInformation, href=TOKENS)),
    "MessageExtraData": several(st.builds(ExtraData, key=TEXT, value=TEXT)),
    "Previouslysentby": several(st.builds(UserAgent, address=ADDRESSES, sequence=optional(NUMBERS))),
    "Previouslysentdateandtime": several(st.builds(PreviousDateTime, date_time=DATES, sequence=optional(NUMBERS))),
    "UACapabilities": st.builds(UACapabilities, ua_prof=optional(TEXT), time_stamp=optional(DATES)),
    "Status": st.builds(Status, status_code=NUMBERS, status_text=TEXT, details=optional(TOKENS)),
    "bare Status": st.builds(Status, status_code=NUMBERS),
    "Extension": several(EXTENSIONS),
    **{
        enumeration.__name__: st.sampled_from(enumeration) | IDENTIFIERS.filter(str.isdigit)
        for enumeration in TABLE["ENUMERATIONS"]
    },
}


@st.composite
def messages(draw: st.DrawFn, name: str) -> Message:
    """Any message of that name, with about half of what is optional."""
    values = {}
    for row in MESSAGES[name]:
        if row.cardinality == "1" or draw(st.booleans()):
            values[row.field] = draw(KINDS[row.sample.kind])
    if name == "SubmitReq" and not values["recipients"]:
        values["recipients"] = Recipients(to=(Address("1"),))
    return CLASSES[name](**values)


@pytest.mark.parametrize("name", MESSAGES)
def test_any_message_is_written_as_the_schema_has_it_and_reads_back_equal(name: str) -> None:
    @given(messages(name), st.sampled_from(("", "mm7", "env")))
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def check(message: Message, prefix: str) -> None:
        xml = written(message, prefix)
        again, _ = read(xml)

        assert again == message
        root = ElementTree.fromstring(xml)
        for child in list(root):  # what vendors add is theirs to order
            if not child.tag.startswith("{" + NAMESPACE) or child.tag.endswith("}Extension"):
                root.remove(child)
        assert_conforms(ElementTree.tostring(root, "unicode"), name)

    check()


@given(ANY_TEXT)
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back_but_for_what_xml_cannot_hold(text: str) -> None:
    message = DeliverReq(
        mm7_version="6.8.0",
        sender=Address("1"),
        vasp_id=text,
        subject=text,
        aux_applic_info=text,
        ua_capabilities=UACapabilities(ua_prof=text),
        content=Content(href=text),
        message_extra_data=(ExtraData(key=text, value=text),),
        extensions=(Element("X", "urn:v", attributes={"a": text, "{urn:w}b": text}, text=text),),
    )

    again, _ = read_element(parse_xml(written(message).encode("utf-8"), LIMITS))

    held = as_xml_holds(text)
    assert again.subject == again.aux_applic_info == again.ua_capabilities.ua_prof == held
    assert again.vasp_id == again.content.href == held.strip()
    assert again.message_extra_data == (ExtraData(key=held, value=held),)
    assert again.extensions == (Element("X", "urn:v", attributes={"a": held, "{urn:w}b": held}, text=held),)


# -- faults


def written_fault(fault: Fault, prefix: str = "") -> Node:
    """A fault, written into an envelope that declares what it needs, and parsed again."""
    envelope = parse_xml(write_envelope(write_fault(fault, NAMESPACE, prefix), None, prefix), LIMITS)
    return envelope[1][0]


@pytest.mark.parametrize("prefix", ["", "mm7", "env"])
@pytest.mark.parametrize("error_class", [RSErrorRsp, VASPErrorRsp])
def test_a_fault_with_a_detail_reads_back_equal(error_class: type[RSErrorRsp | VASPErrorRsp], prefix: str) -> None:
    fault = Fault(
        faultcode="Client",
        faultstring="no <such> & such",
        error=error_class(
            mm7_version="6.8.0", status=Status(status_code=4004, status_text="Validation error", details="<x>")
        ),
    )

    node = written_fault(fault, prefix)
    root = element_of(node)

    assert (root.name, root.namespace) == ("Fault", SOAP)
    assert root.prefix == ("soapenv" if prefix == "env" else "env")
    assert [child.name for child in root.children] == ["faultcode", "faultstring", "detail"]
    assert all(child.namespace is None for child in root.children)
    assert [child.name for child in root.children[2].children] == [error_class.element_name]
    assert root.children[0].text == ("soapenv:Client" if prefix == "env" else "env:Client")
    assert [child.prefix for child in root.children[2].children] == [prefix]
    assert [child.namespace for child in root.children[2].children] == [NAMESPACE]
    assert read_fault(node, LIMITS, Deviations(strict=True)) == fault


def test_a_fault_without_a_detail_has_none() -> None:
    fault = Fault(faultcode="Client.TransactionID", faultstring="it is missing")

    node = written_fault(fault)

    assert [child.name for child in element_of(node).children] == ["faultcode", "faultstring"]
    assert read_fault(node, LIMITS, Deviations(strict=True)) == fault


@pytest.mark.parametrize(
    ("inside", "fault"),
    [
        ("<faultcode>Server</faultcode>", Fault(faultcode="Server", faultstring="")),
        ("<faultcode> soap-env::Client </faultcode><detail/>", Fault(faultcode="Client", faultstring="")),
        ("<faultstring> why </faultstring>", Fault(faultcode="", faultstring="why")),
        ("<detail><x/></detail>", Fault(faultcode="", faultstring="")),
        ("", Fault(faultcode="", faultstring="")),
    ],
)
def test_a_fault_is_read_as_far_as_it_goes(inside: str, fault: Fault) -> None:
    xml = f'<e:Fault xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">{inside}</e:Fault>'

    assert read_fault(parsed(xml), LIMITS, Deviations()) == fault


def test_the_detail_of_a_fault_may_lack_the_status_text() -> None:
    error = document("RSErrorRsp", "<MM7Version>6.8.0</MM7Version><Status><StatusCode>2503</StatusCode></Status>")
    deviations = Deviations()

    fault = read_fault(parsed(f"<Fault><detail><other/>{error}</detail></Fault>"), LIMITS, deviations)

    assert fault.error == RSErrorRsp(mm7_version="6.8.0", status=Status(status_code=2503))
    assert [deviation.name for deviation in deviations] == ["element-missing"]


ERROR = "<MM7Version>6.8.0</MM7Version><Status><StatusCode>2007</StatusCode><StatusText>no</StatusText></Status>"
STATUS = Status(status_code=2007, status_text="no")


@pytest.mark.parametrize("name", ["RSErrorRsp", "VASPErrorRsp"])
@pytest.mark.parametrize(
    ("start", "deviations"),
    [
        ('<{0} xmlns="{1}">', []),
        ("<{0}>", ["namespace-missing"]),
        ('<{0} xmlns="urn:mm7">', ["namespace-foreign"]),
        ('<{0} xmlns="http://schemas.xmlsoap.org/soap/envelope/">', ["namespace-foreign"]),
    ],
)
def test_the_error_in_a_fault_is_read_in_whatever_namespace(name: str, start: str, deviations: list[str]) -> None:
    error = f"{start.format(name, NAMESPACE)}{ERROR}</{name}>"
    noted = Deviations()

    fault = read_fault(parsed(f"<Fault><detail>{error}</detail></Fault>"), LIMITS, noted)

    assert fault.error == RESPONSES[name](mm7_version="6.8.0", status=STATUS)  # type: ignore[call-arg]
    assert [deviation.name for deviation in noted] == deviations


def answer(xml: str, *, strict: bool = False) -> tuple[Response | Fault, list[str]]:
    deviations = Deviations(strict=strict)
    return read_answer(parsed(xml), LIMITS, deviations), [deviation.name for deviation in deviations]


SOAP_FAULT = '<e:Fault xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">{0}</e:Fault>'
QUALIFIED_FAULT = '<Fault xmlns="http://schemas.xmlsoap.org/soap/envelope/">{0}</Fault>'
DETAIL = f"<detail>{document('RSErrorRsp', ERROR)}</detail>"


@pytest.mark.parametrize(
    ("xml", "fault", "deviations"),
    [
        (
            SOAP_FAULT.format("<faultcode>e:Client</faultcode><faultstring>bad</faultstring>" + DETAIL),
            Fault(faultcode="Client", faultstring="bad", error=RSErrorRsp(mm7_version="6.8.0", status=STATUS)),
            [],
        ),
        (
            SOAP_FAULT.format(DETAIL + "<faultstring>bad</faultstring><faultcode>Server</faultcode>"),
            Fault(faultcode="Server", faultstring="bad", error=RSErrorRsp(mm7_version="6.8.0", status=STATUS)),
            [],
        ),
        (
            QUALIFIED_FAULT.format("<faultcode>env:Server</faultcode><faultstring>no</faultstring><detail/>"),
            Fault(faultcode="Server", faultstring="no"),
            [],
        ),
        (
            SOAP_FAULT.format("<Code><Value>e:Sender</Value></Code><Reason><Text>bad</Text></Reason>"),
            Fault(faultcode="", faultstring=""),
            [],
        ),
        ("<Fault/>", Fault(faultcode="", faultstring=""), []),
        (
            SOAP_FAULT.format(
                f'<faultcode>Client</faultcode><detail><m:RSErrorRsp xmlns:m="{NAMESPACE}">'
                "<Status><Details>x</Details><StatusCode>2007</StatusCode></Status></m:RSErrorRsp></detail>"
            ),
            Fault(
                faultcode="Client",
                faultstring="",
                error=RSErrorRsp(mm7_version="", status=Status(status_code=2007, details="x")),
            ),
            ["namespace-missing"] * 2 + ["element-missing"] * 2,
        ),
    ],
)
def test_an_answer_may_be_a_fault(xml: str, fault: Fault, deviations: list[str]) -> None:
    read, found = answer(xml)

    assert read == fault
    assert sorted(found) == sorted(deviations)


@pytest.mark.parametrize("name", TABLE["RESPONSES"])
def test_an_answer_may_be_any_response(name: str) -> None:
    xml = document(name, "".join(map(filled, MESSAGES[name])))

    response, found = answer(xml)

    assert response == CLASSES[name](**{row.field: row.sample.value for row in MESSAGES[name]})
    is_error = name in ("RSErrorRsp", "VASPErrorRsp")
    assert found == ["error-unwrapped"] * is_error
    if is_error:
        with pytest.raises(ValidationError, match="stands in Body by itself"):
            answer(xml, strict=True)
    else:
        assert answer(xml, strict=True) == (response, [])


@pytest.mark.parametrize(
    ("name", "inside", "expected", "deviations"),
    [
        # Status first
        (
            "SubmitRsp",
            "<Status><StatusCode>1000</StatusCode><StatusText>OK</StatusText></Status><MM7Version>1.0</MM7Version>"
            "<MessageID> 7 </MessageID>",
            SubmitRsp(mm7_version="1.0", status=Status(status_code=1000, status_text="OK"), message_id="7"),
            {"element-order", "version-unlisted"},
        ),
        # what belongs to another response
        (
            "DeliverRsp",
            "<MM7Version>6.8.0</MM7Version><ServiceCode>g</ServiceCode><Status><StatusCode>1000</StatusCode>"
            "<StatusText>OK</StatusText></Status><MessageID>7</MessageID>",
            DeliverRsp(
                mm7_version="6.8.0",
                status=Status(status_code=1000, status_text="OK"),
                service_code="g",
                extensions=(Element("MessageID", NAMESPACE, text="7"),),
            ),
            {"element-order", "element-unknown"},
        ),
        # no version, no text
        (
            "CancelRsp",
            "<Status><StatusCode>1000</StatusCode></Status>",
            CancelRsp(mm7_version="", status=Status(status_code=1000)),
            {"element-missing"},
        ),
        (
            "extendedCancelRsp",
            "<Status><StatusCode>1000</StatusCode></Status>",
            RESPONSES["extendedCancelRsp"](mm7_version="", status=Status(status_code=1000)),  # type: ignore[call-arg]
            {"element-missing"},
        ),
    ],
)
def test_a_response_is_read_as_real_peers_write_it(
    name: str, inside: str, expected: Response, deviations: set[str]
) -> None:
    xml = document(name, inside)

    response, found = answer(xml)

    assert response == expected
    assert set(found) == deviations
    with pytest.raises(MM7Error):
        answer(xml, strict=True)


def test_what_is_no_answer_is_4003() -> None:
    with pytest.raises(UnsupportedOperation, match="SubmitReq is no response"):
        answer(submit())


def test_a_report_of_an_unknown_kind_in_a_wrong_order_keeps_everything() -> None:
    xml = document(
        "DeliveryReportReq",
        "<MMStatus>Unreachable</MMStatus><MM7Version>6.3.0</MM7Version><MessageID> 1 </MessageID>"
        "<TimeStamp>2026-05-05T10:00:00</TimeStamp><Sender>10658</Sender><Recipient>+8613900000000</Recipient>"
        "<MMSStatusErrorCode>6670</MMSStatusErrorCode>",
    )

    message, found = read(xml)

    assert message == DeliveryReportReq(
        mm7_version="6.3.0",
        message_id="1",
        recipient=Address("+8613900000000"),
        sender=Address("10658", AddressKind.SHORT_CODE),
        date=datetime(2026, 5, 5, 10),
        mm_status="Unreachable",
        extensions=(Element("MMSStatusErrorCode", NAMESPACE, text="6670"),),
    )
    assert set(names(found)) == {
        "element-order",
        "element-renamed",
        "element-unknown",
        "address-untyped",
        "value-unlisted",
        "date-without-zone",
    }


def test_messages_are_told_apart_by_their_kind() -> None:
    status = Status(status_code=1000, status_text="Success")

    assert DeliverRsp(mm7_version="6.8.0", status=status) != RESPONSES["CancelRsp"](mm7_version="6.8.0", status=status)  # type: ignore[call-arg]
    assert CancelReq.operation == "cancel"
    assert [request.operation for request in REQUESTS.values()] == [
        "submit",
        "deliver",
        "cancel",
        "replace",
        "extended_cancel",
        "extended_replace",
        "delivery_report",
        "read_reply",
    ]
