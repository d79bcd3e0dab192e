"""One connection to RabbitMQ, on which a message is published when the broker has said that it has it.

kombu and py-amqp take a message for published when it is in the socket's buffer, unless they are told otherwise in
several places, and most of what they do waits for ever on a broker that hangs. All that has to be said is said here.
"""

from __future__ import annotations

import contextlib
from secrets import token_hex
from typing import Any, Final

from ..observer import printable

try:
    from amqp import Message
    from amqp.exceptions import AMQPError, ContentTooLarge, MessageNacked, NotFound, PreconditionFailed
    from kombu.connection import Connection
    from kombu.exceptions import KombuError
except ModuleNotFoundError as error:
    message = "mm7_wsgi.spool.relay needs one more package: pip install 'mm7_wsgi[rabbitmq]'"
    raise ModuleNotFoundError(message, name=error.name) from error

__all__ = ["Broker", "BrokerUnavailable", "MessageRefused"]

# When a connection breaks in the hands of py-amqp, it may be an AttributeError; kombu says so itself.
_TROUBLE: Final = (AMQPError, KombuError, MessageNacked, OSError, AttributeError)
# What is said of a message that the broker would not take at any other time either: larger than it allows.
_REFUSAL: Final = (ContentTooLarge, PreconditionFailed)


class BrokerUnavailable(Exception):
    """The broker did not take a message, or has not said so; the words say why. It has to be tried again."""


class MessageRefused(Exception):
    """The broker takes messages, but not this one."""


class Broker:
    """RabbitMQ at ``url``, for one thread at a time. Nothing is opened before it is used.

    ``seconds`` is how long it may take to answer; the rest is as with a :class:`.Relay`.
    """

    def __init__(self, url: str, *, queue: str, exchange: str, routing_key: str, declare: bool, seconds: float) -> None:
        self._queue = queue
        self._exchange = exchange
        self._routing_key = routing_key
        self._declare = declare
        self._seconds = seconds
        options = {"confirm_publish": True, "on_blocked": self._block, "on_unblocked": self._unblock}
        self._connection: Any = Connection(url, connect_timeout=seconds, transport_options=options)
        self._channel: Any = None
        self._is_blocked = False

    @property
    def name(self) -> str:
        """The URL, to be shown: without a password."""
        return printable(self._connection.as_uri())

    def open(self) -> None:
        """See that there is a connection, and that the broker answers. Raises :class:`BrokerUnavailable`."""
        if self._channel is not None and not self._is_there():
            self.drop()
        if self._channel is None:
            try:
                self._open()
            except _TROUBLE as error:
                raise self._unavailable(error) from error

    def publish(self, body: bytes, headers: dict[str, str], properties: dict[str, Any]) -> None:
        """Return when the broker has said that it keeps this message.

        Raises :class:`BrokerUnavailable`, where it may keep it all the same, and :class:`MessageRefused`. After either
        the connection is closed: a confirmation that is under way still would be taken for that of the next message.
        """
        if self._channel is None:
            self.open()
        message = Message(body, application_headers=headers, **properties)
        try:
            self._publish(message, self._exchange, self._routing_key, mandatory=True)
        except _REFUSAL as error:
            self.drop()
            raise MessageRefused(_text_of(error)) from error
        except _TROUBLE as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        """Take leave of the broker, unless it does not answer."""
        if self._channel is not None:
            self._channel = None
            with contextlib.suppress(*_TROUBLE):
                self._connection.connection.close()
            self.drop()

    def drop(self) -> None:
        """Close the connection without a word: to close it properly is to wait for an answer."""
        self._channel = None
        with contextlib.suppress(*_TROUBLE):
            self._connection.collect()

    def _is_there(self) -> bool:
        """Whether the broker has not closed the connection since it was used last."""
        try:
            while True:
                self._connection.connection.drain_events(timeout=0)
        except TimeoutError:
            return True
        except _TROUBLE:
            return False

    def _open(self) -> None:
        self._is_blocked = False
        # Each host is tried once; how long to wait for the next time is not kombu's to say.
        self._connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
        # Whatever waits for an answer without a limit of its own, and to open a channel is one such, has this one.
        self._connection.connection.transport.sock.settimeout(self._seconds)
        channel = self._declared() if self._declare else self._connection.channel()
        if not self._exchange:
            # A broker that is short of memory or of disk hears all but publishing, and what it does not hear now it
            # hears later: so with each try there would be one more of the message. This one goes nowhere, and has an
            # octet, since what has none is heard all the same.
            self._channel = channel
            self._publish(Message(b"?"), "", f"mm7_wsgi-{token_hex(16)}", mandatory=False)
        self._channel = channel

    def _declared(self) -> Any:
        """A channel, when there is a queue."""
        channel = self._connection.channel()
        try:
            channel.queue_declare(self._queue, passive=True)
        except NotFound:
            channel = self._connection.channel()  # the broker has closed the other one
            channel.queue_declare(self._queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
        if self._exchange:
            channel.queue_bind(self._queue, self._exchange, self._routing_key)
        return channel

    def _publish(self, message: Any, exchange: str, routing_key: str, *, mandatory: bool) -> None:
        seconds = self._seconds
        self._channel.basic_publish(
            message, exchange, routing_key, mandatory=mandatory, timeout=seconds, confirm_timeout=seconds
        )

    def _unavailable(self, error: BaseException) -> BrokerUnavailable:
        self.drop()
        if isinstance(error, KombuError):
            error = error.__cause__ or error
        if self._is_blocked:
            return BrokerUnavailable("it is short of memory or of disk, and takes no messages")
        if isinstance(error, MessageNacked):
            return BrokerUnavailable("it does not take the message: its queue is full, or has too few nodes")
        if isinstance(error, TimeoutError):
            return BrokerUnavailable(f"no answer in {self._seconds:g} s")
        return BrokerUnavailable(_text_of(error))

    def _block(self, _: str) -> None:
        self._is_blocked = True

    def _unblock(self) -> None:
        self._is_blocked = False


def _text_of(error: BaseException) -> str:
    return printable(str(error).strip().partition("\n")[0]) or type(error).__name__
