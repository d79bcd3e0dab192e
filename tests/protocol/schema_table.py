"""What the MM7 schema REL-6-MM7-1-4 has in each message, written from the specification and not from the package.

One row for each element, in the order of the schema: its name, how often it can be there (``1`` once, ``?`` once or
not at all, ``*`` any number of times), the field it fills, and a sample of its XML with the value that it stands for.
The declarations of the package say the same a second time; the tests hold the two together.

In the XML, ``{0}`` stands for the name of the element, and names are in the MM7 namespace without a prefix.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any, NamedTuple

from mm7_wsgi.protocol.messages import (
    AdditionalInformation,
    Content,
    ExtraData,
    PreviousDateTime,
    Recipients,
    ReplyCharging,
    SenderIdentification,
    Status,
    UACapabilities,
    UserAgent,
)
from mm7_wsgi.protocol.soap import Element
from mm7_wsgi.protocol.status import StatusCode
from mm7_wsgi.protocol.values import (
    Address,
    AddressCoding,
    AddressKind,
    ChargedParty,
    ContentClass,
    DeliveryStatus,
    Duration,
    MessageClass,
    MMStatusExtension,
    Priority,
    ReadStatus,
)

BASE = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
NAMESPACE = BASE + "REL-6-MM7-1-4"
#: Every schema that 3GPP published.
NAMESPACES = tuple(
    BASE + release
    for release in (
        "REL-5-MM7-1-0",
        "REL-5-MM7-1-1",
        "REL-5-MM7-1-2",
        "REL-5-MM7-1-3",
        "REL-5-MM7-1-4",
        "REL-5-MM7-1-5",
        "REL-6-MM7-1-0",
        "REL-6-MM7-1-1",
        "REL-6-MM7-1-2",
        "REL-6-MM7-1-3",
        "REL-6-MM7-1-4",
    )
)
#: The versionType of the schema.
VERSIONS = ("5.3.0", "5.5.0", "5.6.0", "5.8.0", "5.10.0", "6.3.0", "6.4.0", "6.5.0", "6.6.0", "6.8.0")
#: The enumerations of the schema.
ENUMERATIONS: dict[type[Enum], tuple[str, ...]] = {
    MessageClass: ("Personal", "Informational", "Advertisement", "Auto"),
    Priority: ("Normal", "High", "Low"),
    ChargedParty: ("Sender", "Recipient", "Both", "Neither", "ThirdParty"),
    ContentClass: (
        "text",
        "image-basic",
        "image-rich",
        "video-basic",
        "video-rich",
        "megapixel",
        "content-basic",
        "content-rich",
    ),
    DeliveryStatus: (
        "Expired",
        "Retrieved",
        "Rejected",
        "Indeterminate",
        "Forwarded",
        "Unrecognised",
        "Deferred",
        "DeliveryConditionNotMet",
    ),
    ReadStatus: ("Indeterminate", "Read", "Deleted"),
    MMStatusExtension: ("RejectionByMMSRecipient", "RejectionByOtherRS"),
    AddressKind: ("RFC2822Address", "Number", "ShortCode"),
    AddressCoding: ("encrypted", "obfuscated"),
}

UTC = timezone.utc
KOREA = timezone(timedelta(hours=9))


class Sample(NamedTuple):
    """The XML of an element, the value that it stands for, and XML of wrong form."""

    #: A name for the type of the value.
    kind: str
    #: One for each time that the element is there.
    forms: tuple[str, ...]
    value: Any
    wrong: tuple[str, ...]


class Row(NamedTuple):
    """One element of one message."""

    name: str
    cardinality: str
    field: str
    sample: Sample
    #: What a mandatory element left out leads to: a status code, or the name of a deviation.
    lack: str = "4004"
    #: What it is read as then.
    lacking: Any = None


_HOLDS_ELEMENTS = "<{0}>text<inside/></{0}>"


def _text(kind: str, text: str, *wrong: str) -> Sample:
    return Sample(kind, (f"<{{0}}>{text}</{{0}}>",), text, (_HOLDS_ELEMENTS, *wrong))


def string(text: str) -> Sample:
    return _text("string", text)


def token(text: str) -> Sample:
    return _text("token", text)


def identifier(text: str) -> Sample:
    return _text("identifier", text, "<{0}/>", "<{0}> \n </{0}>")


def version(text: str) -> Sample:
    return _text("version", text, "<{0}/>", "<{0}>" + "6" * 33 + "</{0}>")


def boolean(text: str, value: bool) -> Sample:
    wrong = ("<{0}/>", "<{0}>yes</{0}>", "<{0}>0000</{0}>", "<{0}>2</{0}>", _HOLDS_ELEMENTS)
    return Sample("boolean", (f"<{{0}}>{text}</{{0}}>",), value, wrong)


_NO_DATES = (
    "<{0}/>",
    "<{0}>yesterday</{0}>",
    "<{0}>2026-02-30T00:00:00Z</{0}>",
    "<{0}>2026-05-05</{0}>",
    "<{0}>05/06/2026 10:00:00</{0}>",
    _HOLDS_ELEMENTS,
)


def date(text: str, value: datetime) -> Sample:
    return Sample("date", (f"<{{0}}>{text}</{{0}}>",), value, _NO_DATES)


def date_or_duration(text: str, value: datetime | Duration) -> Sample:
    wrong = (*_NO_DATES, "<{0}>P</{0}>", "<{0}>PT</{0}>", "<{0}>P1H</{0}>")
    return Sample("date or duration", (f"<{{0}}>{text}</{{0}}>",), value, wrong)


def one_of(member: Enum) -> Sample:
    wrong = ("<{0}/>", _HOLDS_ELEMENTS)
    return Sample(type(member).__name__, (f"<{{0}}>{member.value}</{{0}}>",), member, wrong)


def address(kind: str, text: str) -> Sample:
    return Sample(
        "address",
        (f"<{{0}}><{kind}>{text}</{kind}></{{0}}>",),
        Address(text, AddressKind(kind)),
        ("<{0}/>", "<{0}> </{0}>", "<{0}><Other><x/></Other></{0}>"),
    )


SENDER_IDENTIFICATION = Sample(
    "SenderIdentification",
    (
        "<{0}><VASPID>the-vasp</VASPID><VASID>the-vas</VASID>"
        "<SenderAddress><ShortCode>1234</ShortCode></SenderAddress></{0}>",
    ),
    SenderIdentification(vasp_id="the-vasp", vas_id="the-vas", sender_address=Address("1234", AddressKind.SHORT_CODE)),
    (),
)
RECIPIENTS = Sample(
    "Recipients",
    (
        "<{0}>"
        '<To><Number>+491511</Number><RFC2822Address displayOnly="true">a@example.com</RFC2822Address>'
        "<ShortCode>777</ShortCode></To>"
        '<Cc><Number displayOnly="false" addressCoding="encrypted" id="n1">f00</Number></Cc>'
        '<Bcc><ShortCode addressCoding="obfuscated">888</ShortCode><Number>999</Number></Bcc>'
        "</{0}>",
    ),
    Recipients(
        to=(
            Address("+491511", AddressKind.NUMBER),
            Address("a@example.com", AddressKind.RFC2822, display_only=True),
            Address("777", AddressKind.SHORT_CODE),
        ),
        cc=(Address("f00", AddressKind.NUMBER, False, AddressCoding.ENCRYPTED, "n1"),),
        bcc=(
            Address("888", AddressKind.SHORT_CODE, address_coding=AddressCoding.OBFUSCATED),
            Address("999", AddressKind.NUMBER),
        ),
    ),
    (),
)
REPLY_CHARGING = Sample(
    "ReplyCharging",
    ('<{0} replyChargingSize="30720" replyDeadline="P3D"/>',),
    ReplyCharging(reply_charging_size=30720, reply_deadline=Duration(0, timedelta(days=3))),
    (),
)
DELIVERY_CONDITION = Sample(
    "DeliveryCondition",
    ("<{0}><DC>1</DC><DC>20</DC></{0}>",),
    (1, 20),
    ("<{0}><DC>0</DC></{0}>", "<{0}><DC>1</DC><DC>one</DC></{0}>"),
)
CONTENT = Sample(
    "Content",
    ('<{0} href="cid:content-1" allowAdaptations="false"/>',),
    Content(href="cid:content-1", allow_adaptations=False),
    ("<{0}/>", '<{0} allowAdaptations="true"/>'),
)
ADDITIONAL_INFORMATION = Sample(
    "AdditionalInformation",
    ('<{0} href="cid:more-1"/>', '<{0} href="cid:more-2"/>'),
    (AdditionalInformation(href="cid:more-1"), AdditionalInformation(href="cid:more-2")),
    ("<{0}/>",),
)
MESSAGE_EXTRA_DATA = Sample(
    "MessageExtraData",
    ("<{0}><element><key>colour</key><value>red</value></element><element><key>size</key><value/></element></{0}>",),
    (ExtraData(key="colour", value="red"), ExtraData(key="size", value="")),
    ("<{0}><element><key>colour</key></element></{0}>", "<{0}><element><value>red</value></element></{0}>"),
)
PREVIOUSLY_SENT_BY = Sample(
    "Previouslysentby",
    (
        '<{0}><UserAgent sequence="1"><Number>+431</Number></UserAgent>'
        "<UserAgent><RFC2822Address>b@example.com</RFC2822Address></UserAgent></{0}>",
    ),
    (
        UserAgent(address=Address("+431", AddressKind.NUMBER), sequence=1),
        UserAgent(address=Address("b@example.com", AddressKind.RFC2822)),
    ),
    ("<{0}><UserAgent/></{0}>",),
)
PREVIOUSLY_SENT_AT = Sample(
    "Previouslysentdateandtime",
    (
        '<{0}><DateTime sequence="2">2026-05-01T00:00:00Z</DateTime>'
        "<DateTime>2026-05-02T09:00:00+09:00</DateTime></{0}>",
    ),
    (
        PreviousDateTime(date_time=datetime(2026, 5, 1, tzinfo=UTC), sequence=2),
        PreviousDateTime(date_time=datetime(2026, 5, 2, 9, tzinfo=KOREA)),
    ),
    ("<{0}><DateTime>P1D</DateTime></{0}>", "<{0}><DateTime/></{0}>"),
)
UA_CAPABILITIES = Sample(
    "UACapabilities",
    ('<{0} UAProf="http://example.com/phone.rdf" TimeStamp="2026-05-04T12:30:00.250Z"/>',),
    UACapabilities(
        ua_prof="http://example.com/phone.rdf", time_stamp=datetime(2026, 5, 4, 12, 30, 0, 250000, tzinfo=UTC)
    ),
    (),
)
STATUS = Sample(
    "Status",
    ("<{0}><StatusCode>1100</StatusCode><StatusText>Partial success</StatusText><Details>one of two</Details></{0}>",),
    Status(status_code=StatusCode.PARTIAL_SUCCESS, status_text="Partial success", details="one of two"),
    ("<{0}><StatusCode>none</StatusCode><StatusText/></{0}>", "<{0}><StatusCode/><StatusText/></{0}>"),
)
BARE_STATUS = Sample(
    "bare Status",
    ("<{0}><StatusCode>1000</StatusCode></{0}>",),
    Status(status_code=StatusCode.SUCCESS),
    ("<{0}><StatusCode>none</StatusCode></{0}>",),
)
EXTENSION = Sample(
    "Extension",
    ("<{0}>anything</{0}>", '<{0}><v:Colour xmlns:v="urn:vendor" hue="7">red</v:Colour></{0}>'),
    (
        Element("Extension", NAMESPACE, text="anything"),
        Element(
            "Extension",
            NAMESPACE,
            children=[Element("Colour", "urn:vendor", attributes={"hue": "7"}, text="red")],
        ),
    ),
    (),
)

_VERSION = Row("MM7Version", "1", "mm7_version", version("6.8.0"), "element-missing", "")
_EXTENSION = Row("Extension", "*", "extensions", EXTENSION)
_APPLICATION = (
    Row("ApplicID", "?", "applic_id", token("applic-7")),
    Row("ReplyApplicID", "?", "reply_applic_id", token("reply-applic-8")),
    Row("AuxApplicInfo", "?", "aux_applic_info", string("for application 7")),
)
_REFERENCES = (
    Row("Content", "?", "content", CONTENT),
    Row("AdditionalInformation", "*", "additional_information", ADDITIONAL_INFORMATION),
    Row("MessageExtraData", "?", "message_extra_data", MESSAGE_EXTRA_DATA),
)


_FROM_VASP = (
    _VERSION,
    Row(
        "SenderIdentification",
        "1",
        "sender_identification",
        SENDER_IDENTIFICATION,
        "element-missing",
        SenderIdentification(),
    ),
    _EXTENSION,
)


_FROM_RELAY = (
    _VERSION,
    Row("MMSRelayServerID", "?", "mms_relay_server_id", token("relay.example.net")),
    _EXTENSION,
)
_RESPONSE = (_VERSION, Row("Status", "1", "status", STATUS), _EXTENSION)

REQUESTS: dict[str, tuple[Row, ...]] = {
    "SubmitReq": (
        *_FROM_VASP,
        Row("Recipients", "1", "recipients", RECIPIENTS, "2002"),
        Row("ServiceCode", "?", "service_code", token("gold-service")),
        Row("LinkedID", "?", "linked_id", token("mms00016666")),
        Row("MessageClass", "?", "message_class", one_of(MessageClass.ADVERTISEMENT)),
        Row("TimeStamp", "?", "time_stamp", date("2026-05-05T10:00:00+09:00", datetime(2026, 5, 5, 10, tzinfo=KOREA))),
        Row("ReplyCharging", "?", "reply_charging", REPLY_CHARGING),
        Row(
            "EarliestDeliveryTime",
            "?",
            "earliest_delivery_time",
            date_or_duration("2026-05-06T10:00:00Z", datetime(2026, 5, 6, 10, tzinfo=UTC)),
        ),
        Row("ExpiryDate", "?", "expiry_date", date_or_duration("P90D", Duration(0, timedelta(days=90)))),
        Row("DeliveryReport", "?", "delivery_report", boolean("true", True)),
        Row("ReadReply", "?", "read_reply", boolean("0", False)),
        Row("Priority", "?", "priority", one_of(Priority.HIGH)),
        Row("Subject", "?", "subject", string("Wetter \u2600 heute")),
        Row("ChargedParty", "?", "charged_party", one_of(ChargedParty.THIRD_PARTY)),
        Row("ChargedPartyID", "?", "charged_party_id", token("payer-9")),
        Row("DistributionIndicator", "?", "distribution_indicator", boolean("false", False)),
        Row("DeliveryCondition", "?", "delivery_condition", DELIVERY_CONDITION),
        *_APPLICATION,
        Row("ContentClass", "?", "content_class", one_of(ContentClass.IMAGE_RICH)),
        Row("DRMContent", "?", "drm_content", boolean("1", True)),
        *_REFERENCES,
    ),
    "DeliverReq": (
        *_FROM_RELAY,
        Row("VASPID", "?", "vasp_id", token("the-vasp")),
        Row("VASID", "?", "vas_id", token("the-vas")),
        Row("LinkedID", "?", "linked_id", token("wthr8391")),
        Row("Sender", "1", "sender", address("RFC2822Address", "97254265781@omms.com")),
        Row("Recipients", "?", "recipients", RECIPIENTS),
        Row("Previouslysentby", "?", "previously_sent_by", PREVIOUSLY_SENT_BY),
        Row("Previouslysentdateandtime", "?", "previously_sent_date_and_time", PREVIOUSLY_SENT_AT),
        Row("SenderSPI", "?", "sender_spi", token("sender-spi")),
        Row("RecipientSPI", "?", "recipient_spi", token("recipient-spi")),
        Row(
            "TimeStamp", "?", "time_stamp", date("2026-04-15T14:35:21Z", datetime(2026, 4, 15, 14, 35, 21, tzinfo=UTC))
        ),
        Row("ReplyChargingID", "?", "reply_charging_id", token("0123456")),
        Row("Priority", "?", "priority", one_of(Priority.LOW)),
        Row("Subject", "?", "subject", string("Weather Forecast")),
        *_APPLICATION,
        Row("UACapabilities", "?", "ua_capabilities", UA_CAPABILITIES),
        *_REFERENCES,
    ),
    "CancelReq": (
        *_FROM_VASP,
        Row("MessageID", "1", "message_id", identifier("041502073667")),
        Row("Recipients", "?", "recipients", RECIPIENTS),
        *_APPLICATION,
    ),
    "ReplaceReq": (
        *_FROM_VASP,
        Row("MessageID", "1", "message_id", identifier("041502073667")),
        Row("ServiceCode", "?", "service_code", token("gold-service")),
        Row("TimeStamp", "?", "time_stamp", date("2026-05-05T10:00:00Z", datetime(2026, 5, 5, 10, tzinfo=UTC))),
        Row("ReadReply", "?", "read_reply", boolean("1", True)),
        Row(
            "EarliestDeliveryTime",
            "?",
            "earliest_delivery_time",
            date_or_duration("P1Y2M", Duration(14)),
        ),
        Row("DistributionIndicator", "?", "distribution_indicator", boolean("false", False)),
        Row("ContentClass", "?", "content_class", one_of(ContentClass.TEXT)),
        Row("DRMContent", "?", "drm_content", boolean("true", True)),
        *_APPLICATION,
        *_REFERENCES,
    ),
    "extendedCancelReq": (*_FROM_VASP, Row("CancelID", "1", "cancel_id", identifier("cancel-5"))),
    "extendedReplaceReq": (
        _VERSION,
        Row("VASPID", "?", "vasp_id", token("the-vasp")),
        Row("VASID", "?", "vas_id", token("the-vas")),
        Row("ServiceCode", "?", "service_code", token("gold-service")),
        Row("ReplaceID", "?", "replace_id", token("replace-6")),
        Row("TimeStamp", "?", "time_stamp", date("2026-05-05T10:00:00Z", datetime(2026, 5, 5, 10, tzinfo=UTC))),
        Row(
            "EarliestDeliveryTime",
            "?",
            "earliest_delivery_time",
            date_or_duration("PT1.5S", Duration(0, timedelta(seconds=1.5))),
        ),
        Row(
            "ExpiryDate",
            "?",
            "expiry_date",
            date_or_duration("2026-06-05T10:00:00Z", datetime(2026, 6, 5, 10, tzinfo=UTC)),
        ),
        Row("ReadReply", "?", "read_reply", boolean("true", True)),
        Row("DeliveryReport", "?", "delivery_report", boolean("false", False)),
        *_REFERENCES,
    ),
    "DeliveryReportReq": (
        *_FROM_RELAY,
        Row("MessageID", "1", "message_id", identifier("tid.mmsc-1@example.net")),
        Row("Recipient", "1", "recipient", address("Number", "+15551234/TYPE=PLMN")),
        Row("Sender", "1", "sender", address("ShortCode", "4444"), "element-missing"),
        Row(
            "Date",
            "1",
            "date",
            date("2026-05-05T10:00:00.414Z", datetime(2026, 5, 5, 10, 0, 0, 414000, tzinfo=UTC)),
            "element-missing",
        ),
        Row("MMStatus", "1", "mm_status", one_of(DeliveryStatus.DELIVERY_CONDITION_NOT_MET)),
        Row("MMStatusExtension", "?", "mm_status_extension", one_of(MMStatusExtension.REJECTION_BY_OTHER_RS)),
        Row("StatusText", "?", "status_text", string("not met")),
        *_APPLICATION,
        Row("UACapabilities", "?", "ua_capabilities", UA_CAPABILITIES),
    ),
    "ReadReplyReq": (
        *_FROM_RELAY,
        Row("MessageID", "1", "message_id", identifier("041502073667")),
        Row("Recipient", "1", "recipient", address("Number", "+15551234")),
        Row("Sender", "1", "sender", address("RFC2822Address", "c@example.com"), "element-missing"),
        Row(
            "TimeStamp",
            "1",
            "time_stamp",
            date("2026-05-05T10:00:00Z", datetime(2026, 5, 5, 10, tzinfo=UTC)),
            "element-missing",
        ),
        Row("MMStatus", "1", "mm_status", one_of(ReadStatus.READ)),
        Row("StatusText", "?", "status_text", string("read")),
        *_APPLICATION,
    ),
}
RESPONSES: dict[str, tuple[Row, ...]] = {
    "SubmitRsp": (*_RESPONSE, Row("MessageID", "1", "message_id", identifier("041502073667"), "element-missing", "")),
    "DeliverRsp": (*_RESPONSE, Row("ServiceCode", "?", "service_code", token("gold-service"))),
    "CancelRsp": _RESPONSE,
    "ReplaceRsp": _RESPONSE,
    "extendedCancelRsp": (_VERSION, Row("Status", "1", "status", BARE_STATUS)),
    "extendedReplaceRsp": (
        _VERSION,
        Row("MessageID", "1", "message_id", identifier("041502073667")),
        Row("Status", "1", "status", BARE_STATUS),
    ),
    "DeliveryReportRsp": _RESPONSE,
    "ReadReplyRsp": _RESPONSE,
    "RSErrorRsp": _RESPONSE,
    "VASPErrorRsp": _RESPONSE,
}
MESSAGES = {**REQUESTS, **RESPONSES}
#: Which response answers which request, and who sends the request.
ANSWERS = {
    "SubmitReq": ("SubmitRsp", "VASP"),
    "DeliverReq": ("DeliverRsp", "R/S"),
    "CancelReq": ("CancelRsp", "VASP"),
    "ReplaceReq": ("ReplaceRsp", "VASP"),
    "extendedCancelReq": ("extendedCancelRsp", "VASP"),
    "extendedReplaceReq": ("extendedReplaceRsp", "VASP"),
    "DeliveryReportReq": ("DeliveryReportRsp", "R/S"),
    "ReadReplyReq": ("ReadReplyRsp", "R/S"),
}

#: The elements inside elements, in their order.
INSIDE = {
    "SenderIdentification": ("VASPID", "VASID", "SenderAddress"),
    "Recipients": ("To", "Cc", "Bcc"),
    "Status": ("StatusCode", "StatusText", "Details"),
    "element": ("key", "value"),
    "Previouslysentby": ("UserAgent",),
    "Previouslysentdateandtime": ("DateTime",),
    "DeliveryCondition": ("DC",),
    "MessageExtraData": ("element",),
}
#: The attributes that an element can have; any other has none. Attributes are in no namespace.
ATTRIBUTES = {
    "Content": ("href", "allowAdaptations"),
    "AdditionalInformation": ("href",),
    "ReplyCharging": ("replyChargingSize", "replyDeadline"),
    "UserAgent": ("sequence",),
    "DateTime": ("sequence",),
    "UACapabilities": ("UAProf", "TimeStamp"),
    "Number": ("displayOnly", "addressCoding", "id"),
    "RFC2822Address": ("displayOnly", "addressCoding", "id"),
    "ShortCode": ("displayOnly", "addressCoding", "id"),
}
