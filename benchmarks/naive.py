"""The same work as a Python programmer would do it without us: the standard library, one peer, no checks.

It fills the same fields and writes the same answer. It knows one namespace and one form of everything, has no limits,
counts nothing, and reads whatever the standard library makes of what it is given.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from .messages import NAMESPACE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
_MM7: Final = f"{{{NAMESPACE}}}"


@dataclass(slots=True)
class Address:
    """A sender or recipient."""

    value: str
    kind: str
    display_only: bool
    address_coding: str | None
    id: str | None


@dataclass(slots=True)
class Submit:
    """What a SubmitReq says."""

    mm7_version: str | None
    vasp_id: str | None
    vas_id: str | None
    sender_address: Address | None
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    service_code: str | None
    linked_id: str | None
    message_class: str | None
    time_stamp: datetime | None
    earliest_delivery_time: datetime | str | None
    expiry_date: datetime | str | None
    delivery_report: bool | None
    read_reply: bool | None
    reply_charging: ElementTree.Element | None
    priority: str | None
    subject: str | None
    charged_party: str | None
    charged_party_id: str | None
    distribution_indicator: bool | None
    delivery_condition: list[str | None]
    applic_id: str | None
    reply_applic_id: str | None
    aux_applic_info: str | None
    content_class: str | None
    drm_content: bool | None
    href: str | None
    allow_adaptations: bool
    additional_information: list[str | None]
    message_extra_data: list[tuple[str | None, str | None]]
    #: Every part but the SOAP part.
    parts: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class Cancel:
    """What a CancelReq says."""

    mm7_version: str | None
    vasp_id: str | None
    vas_id: str | None
    sender_address: Address | None
    message_id: str | None
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    applic_id: str | None
    reply_applic_id: str | None
    aux_applic_info: str | None


def _text(element: ElementTree.Element, name: str) -> str | None:
    return element.findtext(_MM7 + name)


def _boolean(text: str | None) -> bool | None:
    return None if text is None else text in ("true", "1")


def _date(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text.replace("Z", "+00:00"))


def _date_or_duration(text: str | None) -> datetime | str | None:
    return text if text is None or text.startswith("P") else _date(text)


def _addresses(element: ElementTree.Element | None) -> list[Address]:
    if element is None:
        return []
    return [
        Address(
            (child.text or "").strip(),
            child.tag.removeprefix(_MM7),
            child.get("displayOnly") in ("true", "1"),
            child.get("addressCoding"),
            child.get("id"),
        )
        for child in element
    ]


def _address(element: ElementTree.Element | None) -> Address | None:
    return next(iter(_addresses(element)), None)


def _read_submit(element: ElementTree.Element) -> Submit:
    content = element.find(_MM7 + "Content")
    return Submit(
        mm7_version=_text(element, "MM7Version"),
        vasp_id=_text(element, f"SenderIdentification/{_MM7}VASPID"),
        vas_id=_text(element, f"SenderIdentification/{_MM7}VASID"),
        sender_address=_address(element.find(f"{_MM7}SenderIdentification/{_MM7}SenderAddress")),
        to=_addresses(element.find(f"{_MM7}Recipients/{_MM7}To")),
        cc=_addresses(element.find(f"{_MM7}Recipients/{_MM7}Cc")),
        bcc=_addresses(element.find(f"{_MM7}Recipients/{_MM7}Bcc")),
        service_code=_text(element, "ServiceCode"),
        linked_id=_text(element, "LinkedID"),
        message_class=_text(element, "MessageClass"),
        time_stamp=_date(_text(element, "TimeStamp")),
        earliest_delivery_time=_date_or_duration(_text(element, "EarliestDeliveryTime")),
        expiry_date=_date_or_duration(_text(element, "ExpiryDate")),
        delivery_report=_boolean(_text(element, "DeliveryReport")),
        read_reply=_boolean(_text(element, "ReadReply")),
        reply_charging=element.find(_MM7 + "ReplyCharging"),
        priority=_text(element, "Priority"),
        subject=_text(element, "Subject"),
        charged_party=_text(element, "ChargedParty"),
        charged_party_id=_text(element, "ChargedPartyID"),
        distribution_indicator=_boolean(_text(element, "DistributionIndicator")),
        delivery_condition=[each.text for each in element.findall(f"{_MM7}DeliveryCondition/{_MM7}DC")],
        applic_id=_text(element, "ApplicID"),
        reply_applic_id=_text(element, "ReplyApplicID"),
        aux_applic_info=_text(element, "AuxApplicInfo"),
        content_class=_text(element, "ContentClass"),
        drm_content=_boolean(_text(element, "DRMContent")),
        href=None if content is None else content.get("href"),
        allow_adaptations=content is None or content.get("allowAdaptations") != "false",
        additional_information=[each.get("href") for each in element.findall(_MM7 + "AdditionalInformation")],
        message_extra_data=[
            (_text(each, "key"), _text(each, "value"))
            for each in element.findall(f"{_MM7}MessageExtraData/{_MM7}element")
        ],
    )


def _read_cancel(element: ElementTree.Element) -> Cancel:
    return Cancel(
        mm7_version=_text(element, "MM7Version"),
        vasp_id=_text(element, f"SenderIdentification/{_MM7}VASPID"),
        vas_id=_text(element, f"SenderIdentification/{_MM7}VASID"),
        sender_address=_address(element.find(f"{_MM7}SenderIdentification/{_MM7}SenderAddress")),
        message_id=_text(element, "MessageID"),
        to=_addresses(element.find(f"{_MM7}Recipients/{_MM7}To")),
        cc=_addresses(element.find(f"{_MM7}Recipients/{_MM7}Cc")),
        bcc=_addresses(element.find(f"{_MM7}Recipients/{_MM7}Bcc")),
        applic_id=_text(element, "ApplicID"),
        reply_applic_id=_text(element, "ReplyApplicID"),
        aux_applic_info=_text(element, "AuxApplicInfo"),
    )


_ANSWER: Final = """\
<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header>\
<TransactionID xmlns="{namespace}" env:mustUnderstand="1">{transaction_id}</TransactionID></env:Header>\
<env:Body><{name} xmlns="{namespace}"><MM7Version>{version}</MM7Version><Status><StatusCode>1000</StatusCode>\
<StatusText>Success</StatusText></Status>{message_id}</{name}></env:Body></env:Envelope>"""


def application(accounts: dict[str, str], handler: Callable[[Submit | Cancel], object]) -> WSGIApplication:
    """An endpoint for the accounts, with their passwords; ``handler`` is called with each message."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        scheme, _, encoded = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        user, _, password = base64.b64decode(encoded).decode().partition(":")
        if scheme != "Basic" or not hmac.compare_digest(accounts.get(user, ""), password):
            start_response("401 Unauthorized", [("WWW-Authenticate", "Basic")])
            return [b""]
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        content_type = environ["CONTENT_TYPE"]
        parts: list[Message] = []
        if content_type.startswith("multipart/"):
            whole: Any = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
            root, *parts = whole.get_payload()
            xml = root.get_payload(decode=True)
        else:
            xml = body
        envelope: Any = ElementTree.fromstring(xml)
        transaction_id = envelope.findtext(f"{_SOAP}Header/{_MM7}TransactionID", "")
        operation = envelope.find(f"{_SOAP}Body")[0]
        message: Submit | Cancel
        if operation.tag == _MM7 + "SubmitReq":
            message = _read_submit(operation)
            message.parts = parts
            name, message_id = "SubmitRsp", f"<MessageID>{uuid4().hex}</MessageID>"
        else:
            message = _read_cancel(operation)
            name, message_id = "CancelRsp", ""
        handler(message)
        octets = _ANSWER.format(
            namespace=NAMESPACE,
            transaction_id=escape(transaction_id),
            name=name,
            version=message.mm7_version,
            message_id=message_id,
        ).encode()
        start_response("200 OK", [("Content-Type", 'text/xml; charset="utf-8"'), ("Content-Length", str(len(octets)))])
        return [octets]

    return answer


def visit(message: Submit | Cancel) -> None:
    """Look at every leaf."""
    for part in _leaves(message):
        part.get_content_type()


def decode(message: Submit | Cancel) -> None:
    """Decode every leaf."""
    for part in _leaves(message):
        part.get_payload(decode=True)


def _leaves(message: Submit | Cancel) -> Iterable[Message]:
    if isinstance(message, Submit):
        for part in message.parts:
            for leaf in part.walk():
                if not leaf.is_multipart():
                    yield leaf
