"""Receive MM7 (multimedia messages as SOAP with attachments, 3GPP TS 23.140) in any WSGI application.

::

    from mm7_wsgi import MM7Handler, MM7Middleware

    class Inbox(MM7Handler):
        def submit(self, request, message):
            for part in request.leaves():
                archive(request.account.name, message.recipients, part.content_type, part.data)

    application = MM7Middleware(application, Inbox(), accounts={"acme": "s3cret"})
"""

from .account_file import AccountFile, AccountFileError
from .account_table import AccountTable
from .accounts import Account, Dialect, Plain
from .credentials import Credentials
from .digest import Digest
from .endpoint import MM7Endpoint
from .handler import MM7Handler
from .middleware import MM7Middleware
from .observer import MM7Observer, Outcome
from .protocol.deviations import Deviation
from .protocol.errors import (
    AddressError,
    AddressNotFound,
    ApplicationAddressingNotSupported,
    ApplicationDenied,
    ApplicationIDNotFound,
    ClientError,
    ContentError,
    GeneralServiceError,
    ImproperIdentification,
    LinkedIDNotFound,
    MessageFormatCorrupt,
    MessageIDNotFound,
    MessageRejected,
    MM7Error,
    MultipleAddressesNotSupported,
    NotPossible,
    OperationRestricted,
    ReplyApplicationIDNotFound,
    ServerError,
    ServiceDenied,
    ServiceError,
    ServiceUnavailable,
    Unauthorized,
    UnsupportedOperation,
    UnsupportedVersion,
    ValidationError,
)
from .protocol.limits import Limits
from .protocol.messages import (
    AdditionalInformation,
    CancelReq,
    CancelRsp,
    Content,
    DeliverReq,
    DeliverRsp,
    DeliveryReportReq,
    DeliveryReportRsp,
    ExtendedCancelReq,
    ExtendedCancelRsp,
    ExtendedReplaceReq,
    ExtendedReplaceRsp,
    ExtraData,
    PreviousDateTime,
    ReadReplyReq,
    ReadReplyRsp,
    Recipients,
    ReplaceReq,
    ReplaceRsp,
    ReplyCharging,
    RSErrorRsp,
    SenderIdentification,
    Status,
    SubmitReq,
    SubmitRsp,
    UACapabilities,
    UserAgent,
    VASPErrorRsp,
)
from .protocol.mime import Part
from .protocol.soap import Element
from .protocol.status import StatusCode
from .protocol.values import (
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
from .request import MM7Request
from .resolvers import Resolver

__version__ = "0.1.0"

__all__ = [
    "Account",
    "AccountFile",
    "AccountFileError",
    "AccountTable",
    "AdditionalInformation",
    "Address",
    "AddressCoding",
    "AddressError",
    "AddressKind",
    "AddressNotFound",
    "ApplicationAddressingNotSupported",
    "ApplicationDenied",
    "ApplicationIDNotFound",
    "CancelReq",
    "CancelRsp",
    "ChargedParty",
    "ClientError",
    "Content",
    "ContentClass",
    "ContentError",
    "Credentials",
    "DeliverReq",
    "DeliverRsp",
    "DeliveryReportReq",
    "DeliveryReportRsp",
    "DeliveryStatus",
    "Deviation",
    "Dialect",
    "Digest",
    "Duration",
    "Element",
    "ExtendedCancelReq",
    "ExtendedCancelRsp",
    "ExtendedReplaceReq",
    "ExtendedReplaceRsp",
    "ExtraData",
    "GeneralServiceError",
    "ImproperIdentification",
    "Limits",
    "LinkedIDNotFound",
    "MM7Endpoint",
    "MM7Error",
    "MM7Handler",
    "MM7Middleware",
    "MM7Observer",
    "MM7Request",
    "MMStatusExtension",
    "MessageClass",
    "MessageFormatCorrupt",
    "MessageIDNotFound",
    "MessageRejected",
    "MultipleAddressesNotSupported",
    "NotPossible",
    "OperationRestricted",
    "Outcome",
    "Part",
    "Plain",
    "PreviousDateTime",
    "Priority",
    "RSErrorRsp",
    "ReadReplyReq",
    "ReadReplyRsp",
    "ReadStatus",
    "Recipients",
    "ReplaceReq",
    "ReplaceRsp",
    "ReplyApplicationIDNotFound",
    "ReplyCharging",
    "Resolver",
    "SenderIdentification",
    "ServerError",
    "ServiceDenied",
    "ServiceError",
    "ServiceUnavailable",
    "Status",
    "StatusCode",
    "SubmitReq",
    "SubmitRsp",
    "UACapabilities",
    "Unauthorized",
    "UnsupportedOperation",
    "UnsupportedVersion",
    "UserAgent",
    "VASPErrorRsp",
    "ValidationError",
]
