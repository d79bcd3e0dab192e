"""The operations of MM7, as 3GPP TS 23.140 declares them (schema REL-6-MM7-1-4).

Names are the specification's, fields those of its elements in snake case, in the order of the schema. A field that is
None, empty or a default was not there. Reading and writing both follow the declarations here, so a request can be
written and a response read with the same code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from .codecs import (
    ADDRESS,
    ADDRESSES,
    ANYTHING,
    BOOLEAN,
    CODE,
    DATE_OR_DURATION,
    DATE_TIME,
    IDENTIFIER,
    POSITIVE_INTEGER,
    STRING,
    TOKEN,
    VERSION,
    Enumerated,
    Missing,
    OneAddress,
    Reader,
    Several,
    WrongForm,
    is_empty,
    meant_by,
)
from .deviations import Deviations
from .errors import AddressError, MessageFormatCorrupt, UnsupportedOperation, ValidationError
from .limits import Limits
from .schema import Layout, Structure, attribute, content, declared, element, extensions, read, write
from .soap import (
    Element,
    Node,
    Writer,
    child_of,
    escape_text,
    has_text,
    note_namespace,
    soap_prefix,
    split_name,
    text_of,
)
from .status import StatusCode
from .values import (
    Address,
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

M = TypeVar("M", bound="Message")
# Unknown names that are looked at for one that was meant.
_COMPARED = 32

# -- what messages are made of


@declared
class SenderIdentification:
    """Who sends: the provider, its service, and the address that is shown."""

    layout: ClassVar[Layout]

    vasp_id: str | None = element("VASPID", TOKEN, default=None)
    vas_id: str | None = element("VASID", TOKEN, default=None)
    sender_address: Address | None = element(
        "SenderAddress", OneAddress(around="SenderAddress"), default=None, also="Sender"
    )


@declared
class Recipients:
    """To whom, in three groups of addresses."""

    layout: ClassVar[Layout]

    to: tuple[Address, ...] = element(
        "To",
        ADDRESSES,
        default=(),
        occurs="merged",
        strays=tuple(str(kind) for kind in AddressKind),
        takes_unknown=True,
    )
    cc: tuple[Address, ...] = element("Cc", ADDRESSES, default=(), occurs="merged")
    bcc: tuple[Address, ...] = element("Bcc", ADDRESSES, default=(), occurs="merged")

    def __bool__(self) -> bool:
        """Whether there is any recipient."""
        return bool(self.to or self.cc or self.bcc)

    def joined(self, others: Sequence[Recipients]) -> Recipients:
        """These and those of ``others``."""
        everybody = (self, *others)
        to, cc, bcc = (tuple(chain.from_iterable([getattr(each, group) for each in everybody])) for group in _GROUPS)
        return Recipients(to=to, cc=cc, bcc=bcc)


_GROUPS = ("to", "cc", "bcc")
_GROUP_NAMES = ("To", "Cc", "Bcc")


@declared
class ReplyCharging:
    """The sender pays for replies; the element being there is what says so."""

    layout: ClassVar[Layout]
    ordered: ClassVar[bool] = False  # attributes, even where they come as elements

    #: Octets that a reply can have.
    reply_charging_size: int | None = attribute(
        "replyChargingSize", POSITIVE_INTEGER, default=None, strays=("replyChargingSize", "ReplyChargingSize")
    )
    reply_deadline: datetime | Duration | None = attribute(
        "replyDeadline", DATE_OR_DURATION, default=None, strays=("replyDeadline", "ReplyDeadline")
    )


@declared
class Content:
    """A reference to the content part."""

    layout: ClassVar[Layout]

    #: As written: ``cid:`` and a Content-ID, or a Content-Location.
    href: str = attribute("href", TOKEN)
    #: Whether the content can be changed to fit the receiving terminal.
    allow_adaptations: bool = attribute("allowAdaptations", BOOLEAN, default=True, also="allowAdaptions")


@declared
class AdditionalInformation:
    """A reference to a further part."""

    layout: ClassVar[Layout]

    href: str = attribute("href", TOKEN)


@declared
class ExtraData:
    """One pair of MessageExtraData."""

    layout: ClassVar[Layout]

    key: str = element("key", STRING)
    value: str = element("value", STRING)


@declared
class UserAgent:
    """One of those that sent the message before."""

    layout: ClassVar[Layout]

    address: Address = content(ADDRESS)
    sequence: int | None = attribute("sequence", POSITIVE_INTEGER, default=None)


@declared
class PreviousDateTime:
    """When the message was sent before."""

    layout: ClassVar[Layout]

    date_time: datetime = content(DATE_TIME)
    sequence: int | None = attribute("sequence", POSITIVE_INTEGER, default=None)


@declared
class UACapabilities:
    """What the terminal can do."""

    layout: ClassVar[Layout]

    ua_prof: str | None = attribute("UAProf", STRING, default=None)
    time_stamp: datetime | None = attribute("TimeStamp", DATE_TIME, default=None)


@declared
class Status:
    """How it went."""

    layout: ClassVar[Layout]
    ordered: ClassVar[bool] = False  # xs:all

    status_code: StatusCode | int = element("StatusCode", CODE)
    #: Absent in the responses of the extended operations only.
    status_text: str | None = element("StatusText", STRING, default=None)
    details: str | Element | None = element("Details", ANYTHING, default=None)

    @property
    def is_success(self) -> bool:
        """Whether the request was carried out, in whole or in part."""
        return self.status_code // 1000 == 1


_MESSAGE_EXTRA_DATA = Several("element", Structure(ExtraData))
_CONTENT = Structure(Content)
_ADDITIONAL_INFORMATION = Structure(AdditionalInformation)


class _AllRecipients(Structure[Recipients]):
    """Recipients, none of which is passed over: text that stands beside them may be one."""

    def read(self, node: Node, reader: Reader) -> Recipients:
        if has_text(node):
            raise AddressError(details=f"{reader.at()}: it holds text beside its groups of addresses")
        recipients = super().read(node, reader)
        if not len(node) and not is_empty(node):
            raise AddressError(details=f"{reader.at()}: it holds attributes in the place of its groups of addresses")
        return recipients


_RECIPIENTS = _AllRecipients(Recipients)
_RECIPIENT = OneAddress(around="To", recipient=True)
_SENDER_IDENTIFICATION = Structure(SenderIdentification)
_STRAYS_OF_SENDER = ("VASPID", "VASID", "SenderAddress", "Sender")
_STRAYS_OF_STATUS = ("StatusCode", "StatusText", "Details")


class _FullStatus(Structure[Status]):
    """The status of all but the extended responses: it has a text."""

    def read(self, node: Node, reader: Reader) -> Status:
        status = super().read(node, reader)
        if status.status_text is None:
            reader.deviations.note("element-missing", reader.at("StatusText"))
        return status


_STATUS = _FullStatus(Status)
_BARE_STATUS = Structure(Status)


# -- what messages have in common


class Message:
    """Any message of MM7."""

    __slots__ = ()

    layout: ClassVar[Layout]
    #: The name of the element.
    element_name: ClassVar[str]
    #: Whether it is refused for what may be recipients and stands where they have no place.
    guards_recipients: ClassVar[bool] = False

    if TYPE_CHECKING:  # each class declares them in its own order

        @property
        def mm7_version(self) -> str:
            """The version of MM7 that it says it is, as text; empty where it does not say that."""
            ...

        @property
        def extensions(self) -> tuple[Element, ...]:
            """The elements that the schema does not have."""
            ...


class Request(Message):
    """Any request."""

    __slots__ = ()

    guards_recipients: ClassVar[bool] = True
    #: The method of :class:`~mm7_wsgi.MM7Handler` that it goes to.
    operation: ClassVar[str]
    #: What it is answered with.
    response: ClassVar[type[Response]]
    #: Whether a VASP sends it to an R/S; otherwise an R/S sends it to a VASP.
    from_vasp: ClassVar[bool]
    #: Whether there can be content, and whether there has to be.
    carries_content: ClassVar[bool] = False
    requires_content: ClassVar[bool] = False

    def judge(self) -> None:
        """Refuse what no single declaration can say."""


class Response(Message):
    """Any response."""

    __slots__ = ()

    #: Whether its status is a code alone, without StatusText and Details.
    bare_status: ClassVar[bool] = False

    if TYPE_CHECKING:

        @property
        def status(self) -> Status:
            """How it went."""
            ...


@declared
class _VASPRequest(Request):
    """The head of what a VASP sends."""

    from_vasp: ClassVar[bool] = True

    mm7_version: str = element("MM7Version", VERSION, lacking="")
    #: Without any field where the request does not have it: the credentials say who sends.
    sender_identification: SenderIdentification = element(
        "SenderIdentification", _SENDER_IDENTIFICATION, lacking=SenderIdentification(), strays=_STRAYS_OF_SENDER
    )
    extensions: tuple[Element, ...] = extensions(default=())


@declared
class _RelayRequest(Request):
    """The head of what an R/S sends."""

    from_vasp: ClassVar[bool] = False

    mm7_version: str = element("MM7Version", VERSION, lacking="")
    mms_relay_server_id: str | None = element("MMSRelayServerID", TOKEN, default=None, also="MMSReplayServerID")
    extensions: tuple[Element, ...] = extensions(default=())


@declared
class _StatusResponse(Response):
    """The head of a response."""

    mm7_version: str = element("MM7Version", VERSION, lacking="")
    status: Status = element("Status", _STATUS, strays=_STRAYS_OF_STATUS)
    extensions: tuple[Element, ...] = extensions(default=())


# -- responses


@declared
class SubmitRsp(_StatusResponse):
    """The answer to :class:`SubmitReq`."""

    element_name: ClassVar[str] = "SubmitRsp"

    #: Empty in a refusal that is no Fault, as some send it.
    message_id: str = element("MessageID", IDENTIFIER, lacking="")


@declared
class DeliverRsp(_StatusResponse):
    """The answer to :class:`DeliverReq`."""

    element_name: ClassVar[str] = "DeliverRsp"

    service_code: str | None = element("ServiceCode", TOKEN, default=None)


@declared
class CancelRsp(_StatusResponse):
    """The answer to :class:`CancelReq`."""

    element_name: ClassVar[str] = "CancelRsp"


@declared
class ReplaceRsp(_StatusResponse):
    """The answer to :class:`ReplaceReq`."""

    element_name: ClassVar[str] = "ReplaceRsp"


@declared
class DeliveryReportRsp(_StatusResponse):
    """The answer to :class:`DeliveryReportReq`."""

    element_name: ClassVar[str] = "DeliveryReportRsp"


@declared
class ReadReplyRsp(_StatusResponse):
    """The answer to :class:`ReadReplyReq`."""

    element_name: ClassVar[str] = "ReadReplyRsp"


@declared
class ExtendedCancelRsp(Response):
    """The answer to :class:`ExtendedCancelReq`; its status has a code and no text."""

    element_name: ClassVar[str] = "extendedCancelRsp"
    bare_status: ClassVar[bool] = True

    mm7_version: str = element("MM7Version", VERSION, lacking="")
    status: Status = element("Status", _BARE_STATUS, strays=_STRAYS_OF_STATUS)
    extensions: tuple[Element, ...] = extensions(default=())


@declared
class ExtendedReplaceRsp(Response):
    """The answer to :class:`ExtendedReplaceReq`; its status has a code and no text."""

    element_name: ClassVar[str] = "extendedReplaceRsp"
    bare_status: ClassVar[bool] = True

    mm7_version: str = element("MM7Version", VERSION, lacking="")
    message_id: str = element("MessageID", IDENTIFIER)
    status: Status = element("Status", _BARE_STATUS, strays=_STRAYS_OF_STATUS)
    extensions: tuple[Element, ...] = extensions(default=())


@declared
class RSErrorRsp(_StatusResponse):
    """What an R/S answers a VASP instead, inside a Fault."""

    element_name: ClassVar[str] = "RSErrorRsp"


@declared
class VASPErrorRsp(_StatusResponse):
    """What a VASP answers an R/S instead, inside a Fault."""

    element_name: ClassVar[str] = "VASPErrorRsp"


# -- requests from a VASP


@declared
class SubmitReq(_VASPRequest):
    """Send a multimedia message."""

    element_name: ClassVar[str] = "SubmitReq"
    operation: ClassVar[str] = "submit"
    response: ClassVar[type[Response]] = SubmitRsp
    carries_content: ClassVar[bool] = True

    recipients: Recipients = element(
        "Recipients", _RECIPIENTS, default=Recipients(), also="Recipient", strays=_GROUP_NAMES, occurs="joined"
    )
    service_code: str | None = element("ServiceCode", TOKEN, default=None)
    linked_id: str | None = element("LinkedID", TOKEN, default=None)
    message_class: MessageClass | str | None = element("MessageClass", Enumerated(MessageClass), default=None)
    time_stamp: datetime | None = element("TimeStamp", DATE_TIME, default=None)
    reply_charging: ReplyCharging | None = element("ReplyCharging", Structure(ReplyCharging), default=None)
    earliest_delivery_time: datetime | Duration | None = element("EarliestDeliveryTime", DATE_OR_DURATION, default=None)
    expiry_date: datetime | Duration | None = element("ExpiryDate", DATE_OR_DURATION, default=None)
    delivery_report: bool | None = element("DeliveryReport", BOOLEAN, default=None)
    read_reply: bool | None = element("ReadReply", BOOLEAN, default=None)
    priority: Priority | str | None = element("Priority", Enumerated(Priority), default=None)
    subject: str | None = element("Subject", STRING, default=None)
    charged_party: ChargedParty | str | None = element("ChargedParty", Enumerated(ChargedParty), default=None)
    charged_party_id: str | None = element("ChargedPartyID", TOKEN, default=None)
    distribution_indicator: bool | None = element("DistributionIndicator", BOOLEAN, default=None)
    delivery_condition: tuple[int, ...] = element("DeliveryCondition", Several("DC", POSITIVE_INTEGER), default=())
    applic_id: str | None = element("ApplicID", TOKEN, default=None)
    reply_applic_id: str | None = element("ReplyApplicID", TOKEN, default=None)
    aux_applic_info: str | None = element("AuxApplicInfo", STRING, default=None)
    content_class: ContentClass | str | None = element("ContentClass", Enumerated(ContentClass), default=None)
    drm_content: bool | None = element("DRMContent", BOOLEAN, default=None)
    content: Content | None = element("Content", _CONTENT, default=None)
    additional_information: tuple[AdditionalInformation, ...] = element(
        "AdditionalInformation", _ADDITIONAL_INFORMATION, default=(), occurs="repeated"
    )
    message_extra_data: tuple[ExtraData, ...] = element("MessageExtraData", _MESSAGE_EXTRA_DATA, default=())

    def judge(self) -> None:
        """A message is to somebody."""
        if not self.recipients:
            meant = meant_by("Recipients", [extension.name for extension in self.extensions[:_COMPARED]])
            raise AddressError(details=f"SubmitReq/Recipients holds no To, Cc or Bcc with an address{meant}")


@declared
class CancelReq(_VASPRequest):
    """Take a message back that is not delivered yet."""

    element_name: ClassVar[str] = "CancelReq"
    operation: ClassVar[str] = "cancel"
    response: ClassVar[type[Response]] = CancelRsp

    message_id: str = element("MessageID", IDENTIFIER)
    recipients: Recipients = element(
        "Recipients", _RECIPIENTS, default=Recipients(), also="Recipient", strays=_GROUP_NAMES, occurs="joined"
    )
    applic_id: str | None = element("ApplicID", TOKEN, default=None)
    reply_applic_id: str | None = element("ReplyApplicID", TOKEN, default=None)
    aux_applic_info: str | None = element("AuxApplicInfo", STRING, default=None)


@declared
class ReplaceReq(_VASPRequest):
    """Put another message in the place of one that is not delivered yet."""

    element_name: ClassVar[str] = "ReplaceReq"
    operation: ClassVar[str] = "replace"
    response: ClassVar[type[Response]] = ReplaceRsp
    carries_content: ClassVar[bool] = True
    requires_content: ClassVar[bool] = True

    message_id: str = element("MessageID", IDENTIFIER)
    service_code: str | None = element("ServiceCode", TOKEN, default=None)
    time_stamp: datetime | None = element("TimeStamp", DATE_TIME, default=None)
    read_reply: bool | None = element("ReadReply", BOOLEAN, default=None)
    earliest_delivery_time: datetime | Duration | None = element("EarliestDeliveryTime", DATE_OR_DURATION, default=None)
    distribution_indicator: bool | None = element("DistributionIndicator", BOOLEAN, default=None)
    content_class: ContentClass | str | None = element("ContentClass", Enumerated(ContentClass), default=None)
    drm_content: bool | None = element("DRMContent", BOOLEAN, default=None)
    applic_id: str | None = element("ApplicID", TOKEN, default=None)
    reply_applic_id: str | None = element("ReplyApplicID", TOKEN, default=None)
    aux_applic_info: str | None = element("AuxApplicInfo", STRING, default=None)
    content: Content | None = element("Content", _CONTENT, default=None)
    additional_information: tuple[AdditionalInformation, ...] = element(
        "AdditionalInformation", _ADDITIONAL_INFORMATION, default=(), occurs="repeated"
    )
    message_extra_data: tuple[ExtraData, ...] = element("MessageExtraData", _MESSAGE_EXTRA_DATA, default=())


@declared
class ExtendedCancelReq(_VASPRequest):
    """Take back all messages of one CancelID (Rel-6)."""

    element_name: ClassVar[str] = "extendedCancelReq"
    operation: ClassVar[str] = "extended_cancel"
    response: ClassVar[type[Response]] = ExtendedCancelRsp

    cancel_id: str = element("CancelID", IDENTIFIER)


@declared
class ExtendedReplaceReq(Request):
    """Put another message in the place of those of one ReplaceID (Rel-6). It has no SenderIdentification."""

    element_name: ClassVar[str] = "extendedReplaceReq"
    operation: ClassVar[str] = "extended_replace"
    response: ClassVar[type[Response]] = ExtendedReplaceRsp
    from_vasp: ClassVar[bool] = True
    carries_content: ClassVar[bool] = True
    requires_content: ClassVar[bool] = True

    mm7_version: str = element("MM7Version", VERSION, lacking="")
    extensions: tuple[Element, ...] = extensions(default=())
    vasp_id: str | None = element("VASPID", TOKEN, default=None)
    vas_id: str | None = element("VASID", TOKEN, default=None)
    service_code: str | None = element("ServiceCode", TOKEN, default=None)
    replace_id: str | None = element("ReplaceID", TOKEN, default=None)
    time_stamp: datetime | None = element("TimeStamp", DATE_TIME, default=None)
    earliest_delivery_time: datetime | Duration | None = element("EarliestDeliveryTime", DATE_OR_DURATION, default=None)
    expiry_date: datetime | Duration | None = element("ExpiryDate", DATE_OR_DURATION, default=None)
    read_reply: bool | None = element("ReadReply", BOOLEAN, default=None)
    delivery_report: bool | None = element("DeliveryReport", BOOLEAN, default=None)
    content: Content | None = element("Content", _CONTENT, default=None)
    additional_information: tuple[AdditionalInformation, ...] = element(
        "AdditionalInformation", _ADDITIONAL_INFORMATION, default=(), occurs="repeated"
    )
    message_extra_data: tuple[ExtraData, ...] = element("MessageExtraData", _MESSAGE_EXTRA_DATA, default=())


# -- requests from an R/S


@declared
class DeliverReq(_RelayRequest):
    """Hand a multimedia message to a VASP."""

    element_name: ClassVar[str] = "DeliverReq"
    operation: ClassVar[str] = "deliver"
    response: ClassVar[type[Response]] = DeliverRsp
    carries_content: ClassVar[bool] = True

    vasp_id: str | None = element("VASPID", TOKEN, default=None, around="SenderIdentification")
    vas_id: str | None = element("VASID", TOKEN, default=None, around="SenderIdentification")
    linked_id: str | None = element("LinkedID", TOKEN, default=None)
    sender: Address = element("Sender", ADDRESS, instead=("SenderAddress",))
    recipients: Recipients = element(
        "Recipients", _RECIPIENTS, default=Recipients(), also="Recipient", strays=_GROUP_NAMES, occurs="joined"
    )
    previously_sent_by: tuple[UserAgent, ...] = element(
        "Previouslysentby", Several("UserAgent", Structure(UserAgent)), default=()
    )
    previously_sent_date_and_time: tuple[PreviousDateTime, ...] = element(
        "Previouslysentdateandtime", Several("DateTime", Structure(PreviousDateTime)), default=()
    )
    sender_spi: str | None = element("SenderSPI", TOKEN, default=None)
    recipient_spi: str | None = element("RecipientSPI", TOKEN, default=None)
    time_stamp: datetime | None = element("TimeStamp", DATE_TIME, default=None)
    reply_charging_id: str | None = element("ReplyChargingID", TOKEN, default=None)
    priority: Priority | str | None = element("Priority", Enumerated(Priority), default=None)
    subject: str | None = element("Subject", STRING, default=None)
    applic_id: str | None = element("ApplicID", TOKEN, default=None)
    reply_applic_id: str | None = element("ReplyApplicID", TOKEN, default=None)
    aux_applic_info: str | None = element("AuxApplicInfo", STRING, default=None)
    ua_capabilities: UACapabilities | None = element("UACapabilities", Structure(UACapabilities), default=None)
    content: Content | None = element("Content", _CONTENT, default=None)
    additional_information: tuple[AdditionalInformation, ...] = element(
        "AdditionalInformation", _ADDITIONAL_INFORMATION, default=(), occurs="repeated"
    )
    message_extra_data: tuple[ExtraData, ...] = element("MessageExtraData", _MESSAGE_EXTRA_DATA, default=())


@declared
class DeliveryReportReq(_RelayRequest):
    """Say what became of a message that the VASP submitted."""

    element_name: ClassVar[str] = "DeliveryReportReq"
    guards_recipients: ClassVar[bool] = False
    operation: ClassVar[str] = "delivery_report"
    response: ClassVar[type[Response]] = DeliveryReportRsp

    message_id: str = element("MessageID", IDENTIFIER)
    recipient: Address = element("Recipient", _RECIPIENT, also="Recipients", occurs="single")
    #: None where the report does not say it.
    sender: Address | None = element("Sender", ADDRESS, lacking=None)
    #: None where the report does not say it.
    date: datetime | None = element("Date", DATE_TIME, also="TimeStamp", lacking=None)
    #: The text of a status that the schema does not list; also that of a StatusCode in its place.
    mm_status: DeliveryStatus | str = element(
        "MMStatus",
        Enumerated(DeliveryStatus, also={"Unrecognized": DeliveryStatus.UNRECOGNISED}),
        instead=("StatusCode",),
    )
    mm_status_extension: MMStatusExtension | str | None = element(
        "MMStatusExtension", Enumerated(MMStatusExtension), default=None
    )
    status_text: str | None = element("StatusText", STRING, default=None)
    applic_id: str | None = element("ApplicID", TOKEN, default=None)
    reply_applic_id: str | None = element("ReplyApplicID", TOKEN, default=None)
    aux_applic_info: str | None = element("AuxApplicInfo", STRING, default=None)
    ua_capabilities: UACapabilities | None = element("UACapabilities", Structure(UACapabilities), default=None)


@declared
class ReadReplyReq(_RelayRequest):
    """Say that a message was read, or deleted unread."""

    element_name: ClassVar[str] = "ReadReplyReq"
    guards_recipients: ClassVar[bool] = False
    operation: ClassVar[str] = "read_reply"
    response: ClassVar[type[Response]] = ReadReplyRsp

    message_id: str = element("MessageID", IDENTIFIER)
    recipient: Address = element("Recipient", _RECIPIENT, also="Recipients", occurs="single")
    #: None where the report does not say it.
    sender: Address | None = element("Sender", ADDRESS, lacking=None)
    #: None where the report does not say it.
    time_stamp: datetime | None = element("TimeStamp", DATE_TIME, instead=("Date",), lacking=None)
    #: The text of a status that the schema does not list; also that of a StatusCode in its place.
    mm_status: ReadStatus | str = element("MMStatus", Enumerated(ReadStatus), instead=("StatusCode",))
    status_text: str | None = element("StatusText", STRING, default=None)
    applic_id: str | None = element("ApplicID", TOKEN, default=None)
    reply_applic_id: str | None = element("ReplyApplicID", TOKEN, default=None)
    aux_applic_info: str | None = element("AuxApplicInfo", STRING, default=None)


_REQUESTS: tuple[type[Request], ...] = (
    SubmitReq,
    DeliverReq,
    CancelReq,
    ReplaceReq,
    ExtendedCancelReq,
    ExtendedReplaceReq,
    DeliveryReportReq,
    ReadReplyReq,
)
_ERRORS: tuple[type[Response], ...] = (RSErrorRsp, VASPErrorRsp)
#: The requests by the name of their element.
REQUESTS: Mapping[str, type[Request]] = MappingProxyType({request.element_name: request for request in _REQUESTS})
#: The responses by the name of their element.
RESPONSES: Mapping[str, type[Response]] = MappingProxyType(
    {response.element_name: response for response in (*[request.response for request in _REQUESTS], *_ERRORS)}
)
_REQUESTS_LOWERED = {name.lower(): request for name, request in REQUESTS.items()}
_RESPONSES_LOWERED = {
    **{name.lower(): response for name, response in RESPONSES.items()},
    **{f"mm7{error.element_name.lower()}": error for error in _ERRORS},
}


def request_named(name: str) -> type[Request] | None:
    """Return the request that an element of this name is, in whatever capitals; None for what is none."""
    return REQUESTS.get(name) or _REQUESTS_LOWERED.get(name.lower())


def response_named(name: str) -> type[Response] | None:
    """Return the response that an element of this name is, in whatever capitals; None for what is none.

    Some peers call an error ``MM7VASPErrorRsp`` or ``MM7RSErrorRsp``.
    """
    return RESPONSES.get(name) or _RESPONSES_LOWERED.get(name.lower())


def _note_renamed(name: str, message_class: type[Message], deviations: Deviations) -> None:
    if name != message_class.element_name:
        deviations.note("element-renamed", f"{name[:80]} for {message_class.element_name}")


def read_request(operation: Node, limits: Limits, deviations: Deviations) -> Request:
    """The request that an element of Body is.

    Raises :class:`UnsupportedOperation` (4003) for an element that is no request, :class:`ValidationError` (4004) where
    a mandatory element is missing, :class:`MessageFormatCorrupt` (2007) where it is of wrong form, and
    :class:`AddressError` (2002) for recipients.
    """
    name = split_name(operation.tag)[0]
    message_class = request_named(name)
    if message_class is None:
        raise UnsupportedOperation(details=f"{name[:80]} is no request of MM7")
    _note_renamed(name, message_class, deviations)
    request = _read(message_class, operation, limits, deviations)
    request.judge()
    return request


def read_response(operation: Node, limits: Limits, deviations: Deviations) -> Response:
    """The response that an element of Body, or of the detail of a Fault, is. Raises as :func:`read_request`.

    One that does not say its version has ``""`` there.
    """
    name = split_name(operation.tag)[0]
    message_class = response_named(name)
    if message_class is None:
        raise UnsupportedOperation(details=f"{name[:80]} is no response of MM7")
    _note_renamed(name, message_class, deviations)
    return _read(message_class, operation, limits, deviations)


def read_answer(answer: Node, limits: Limits, deviations: Deviations) -> Response | Fault:
    """What the element of Body that answers a request is. Raises as :func:`read_response`."""
    name = split_name(answer.tag)[0]
    if name == "Fault":
        return read_fault(answer, limits, deviations)
    if response_named(name) in _ERRORS:
        deviations.note("error-unwrapped", name)
    return read_response(answer, limits, deviations)


def _read(message_class: type[M], operation: Node, limits: Limits, deviations: Deviations) -> M:
    reader = Reader(limits, deviations, operation, guards_recipients=message_class.guards_recipients)
    try:
        return read(message_class, operation, reader)
    except Missing as error:
        raise ValidationError(details=f"{error.where}: {error}") from None
    except WrongForm as error:
        raise MessageFormatCorrupt(details=f"{error.where}: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A SOAP Fault (SOAP 1.1, 4.4): what is answered instead of a response."""

    #: The local part: ``Client``, ``Server``, ``Client.TransactionID`` …
    faultcode: str
    faultstring: str
    #: What MM7 says in the detail.
    error: RSErrorRsp | VASPErrorRsp | None = None


def read_fault(fault: Node, limits: Limits, deviations: Deviations) -> Fault:
    """The Fault that an element of Body is. Raises as :func:`read_response` for what is in its detail."""
    code, string, detail = (_child_of_fault(fault, name, deviations) for name in ("faultcode", "faultstring", "detail"))
    error = None
    for child in () if detail is None else detail:
        if response_named(split_name(child.tag)[0]) in _ERRORS:
            note_namespace(child, deviations)
            error = cast("RSErrorRsp | VASPErrorRsp", read_response(child, limits, deviations))
            break
    return Fault(
        faultcode="" if code is None else text_of(code).strip().rpartition(":")[2],
        faultstring="" if string is None else text_of(string).strip(),
        error=error,
    )


def _child_of_fault(fault: Node, name: str, deviations: Deviations) -> Node | None:
    """The first child of that local name; without one, the first that has it in other capitals."""
    found = child_of(fault, name)
    if found is None:
        for child in fault:
            written = split_name(child.tag)[0]
            if written.lower() == name:
                deviations.note("element-renamed", f"Fault/{written} for {name}")
                return child
    return found


def write_fault(fault: Fault, namespace: str | None, prefix: str = "") -> str:
    """``fault`` as XML; ``namespace`` and ``prefix`` are those of MM7, for its detail."""
    soap = soap_prefix(prefix)
    detail = "" if fault.error is None else f"<detail>{write_message(fault.error, namespace, prefix)}</detail>"
    return (
        f"<{soap}:Fault><faultcode>{soap}:{escape_text(fault.faultcode)}</faultcode>"
        f"<faultstring>{escape_text(fault.faultstring)}</faultstring>{detail}</{soap}:Fault>"
    )


def write_message(message: Message, namespace: str | None, prefix: str = "") -> str:
    """``message`` as XML, all of it in ``namespace`` and with ``prefix``."""
    writer = Writer(namespace, prefix)
    return write(message, message.element_name, writer, writer.declaration)
