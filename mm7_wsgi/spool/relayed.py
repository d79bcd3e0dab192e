"""A message of the spool as it stands in a queue of AMQP, and how a consumer reads it.

The body is that of the HTTP request, octet by octet. Beside it, in the headers:

``key``
    The same each time that this message comes, and no other's: what a consumer drops duplicates by.
``content_type``
    The Content-Type header of the HTTP request. AMQP's own property holds it too, unless it is longer than its 255
    octets: then the property has the media type alone.
``message_id``
    The MessageID that was answered. AMQP's own property holds it too, unless it is longer than 255 octets.
``account``, ``operation``, ``received``
    The name of the account that sent it, the element of the operation (``SubmitReq`` …), and when it was accepted
    (ISO 8601, UTC).
``transaction_id``, ``remote_addr``
    The sender's name for the exchange, and the address of the peer. Each is left out where there is none, and so is a
    TransactionID of more than 4096 octets, since all of these together have to fit into a frame; it stands in the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..protocol.buffer import Buffer
from .store import Stored
from .stored import StoredMessage

__all__ = ["headers_of", "properties_of", "read_message"]

_SHORT: Final = 255
_LONG: Final = 4096


def headers_of(stored: Stored) -> dict[str, str]:
    """The headers beside the body of ``stored``."""
    headers = {
        "key": stored.key,
        "content_type": stored.content_type,
        "message_id": stored.message_id,
        "account": stored.account,
        "operation": stored.operation,
        "received": stored.received.isoformat(),
    }
    if _fits(stored.transaction_id, _LONG):
        headers["transaction_id"] = stored.transaction_id
    if stored.remote_addr is not None:
        headers["remote_addr"] = stored.remote_addr
    return headers


def properties_of(stored: Stored) -> dict[str, Any]:
    """The properties that AMQP has itself: ``delivery_mode``, so that it is on the disk, ``content_type`` and so on."""
    content_type = stored.content_type
    if not _fits(content_type, _SHORT):
        content_type = content_type.partition(";")[0].strip()
    properties = {"content_type": content_type, "content_encoding": "binary", "delivery_mode": 2}
    if _fits(stored.message_id, _SHORT):
        properties["message_id"] = stored.message_id
    return {name: value for name, value in properties.items() if not isinstance(value, str) or _fits(value, _SHORT)}


def read_message(body: bytes, content_type: str | None, headers: Mapping[str, Any]) -> StoredMessage:
    """What a consumer has got from the queue, read as the callback would have seen it.

    ::

        def on_message(message):                                   # a message of kombu
            with closing(read_message(message.body, message.content_type, message.headers)) as stored:
                if is_new(message.headers["key"]):                 # the same message may come twice
                    forward(stored.request)
            message.ack()

    The parts of the request live until the :class:`StoredMessage` is closed. ``content_type`` is AMQP's property; the
    header of that name stands before it.

    Raises ``ValueError`` where the headers are not those of a relay, and an :class:`~mm7_wsgi.MM7Error` where the body
    cannot be read.
    """
    missing = [name for name in ("key", "account", "message_id") if not isinstance(headers.get(name), str)]
    content_type = headers.get("content_type", content_type)
    if missing or not isinstance(content_type, str):
        raise ValueError(f"this is no message of a relay: it has no {', '.join(missing) or 'content_type'}")
    return StoredMessage(
        content_type,
        Buffer(bytes(body)),
        account=headers["account"],
        message_id=headers["message_id"],
        remote_addr=headers.get("remote_addr"),
    )


def _fits(text: str, octets: int) -> bool:
    return len(text.encode()) <= octets
