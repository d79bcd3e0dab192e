"""The way from the spool to a queue of RabbitMQ (the extra ``rabbitmq``), on which no message is lost.

What comes out of the queue is read by :func:`.relayed.read_message`.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Final

from ..protocol.errors import ServiceUnavailable
from .broker import Broker, BrokerUnavailable, MessageRefused
from .delivery import Delivery, LeaseLost
from .relayed import headers_of, properties_of
from .spool import Spool
from .store import pause

__all__ = ["Relay"]

_log = logging.getLogger("mm7_wsgi")

_CLAIMED_AT_ONCE: Final = 10
_BACKOFF: Final = (0.5, 30.0)


class Relay:
    """Takes messages from a :class:`Spool` and puts them into a queue of RabbitMQ, each at least once.

    ::

        relay = Relay(Spool("sqlite:///mm7.db"), "amqp://user:password@host/vhost")
        relay.run()

    The spool forgets a message when the broker has confirmed that it keeps it: with a quorum queue, that it is on the
    disks of most of its nodes. Where the confirmation is lost, the message is sent again, with the same key, which a
    consumer drops duplicates by (:mod:`mm7_wsgi.spool.relayed` says how a message looks in the queue). Their order is
    that in which they were accepted, as long as nothing goes wrong.

    Trouble of the broker is not held against a message: it is down, restarts, hangs, has no route, its queue or its
    disk is full. The message goes back to the spool, and its attempt does not count. That is logged when it begins and
    when it ends. A message that the broker refuses for itself, because it is larger than the broker's
    ``max_message_size``, becomes a dead letter.

    ``url``
        ``amqp://`` or ``amqps://``. Several brokers of a cluster stand with ";" between them, each with its port, since
        kombu gives to one without that of the first.
    ``queue``
        Its name. With ``declare`` it is made, as a quorum queue, where it is not there; one that is there is taken as
        it is. With an ``exchange``, which has to be there, it is bound to that.
    ``exchange``, ``routing_key``
        Where messages are published: by default straight to the queue. ``routing_key`` is by default the queue's name.
    ``confirm_timeout``
        Seconds in which the broker has to answer. After that it is taken to hang.
    ``lease``
        Seconds for which a message is held while it is sent; when the relay is killed, another one has it after that.
    ``poll``
        Seconds between two looks into the spool when nothing was due.
    ``backoff``
        Seconds until the broker is tried again, at first and at most. They double in between.

    Any number of relays can work on one spool, each in a process or thread of its own. A body is in memory while it is
    sent. Raises ``ValueError`` for settings that cannot work.
    """

    def __init__(
        self,
        spool: Spool,
        url: str,
        *,
        queue: str = "mm7",
        exchange: str = "",
        routing_key: str | None = None,
        declare: bool = True,
        confirm_timeout: float = 5.0,
        lease: float = 60.0,
        poll: float = 1.0,
        backoff: tuple[float, float] = _BACKOFF,
    ) -> None:
        if not all(each.startswith(("amqp://", "amqps://")) for each in url.split(";")):
            raise ValueError("the broker has to be RabbitMQ: amqp://user:password@host/vhost")
        if not 0 < confirm_timeout <= lease / 2:
            raise ValueError("confirm_timeout has to be seconds, and lease at least twice as long")
        if poll <= 0 or not 0 < backoff[0] <= backoff[1]:
            raise ValueError("poll has to be seconds, and backoff two numbers of them, the smaller first")
        self._spool = spool
        self._lease = lease
        self._poll = poll
        self._backoff = backoff
        self._broker = Broker(
            url,
            queue=queue,
            exchange=exchange,
            routing_key=queue if routing_key is None else routing_key,
            declare=declare,
            seconds=confirm_timeout,
        )
        self._tries = 0
        self._refused_last = False
        #: What is the matter with the broker, as far as is known; None while it takes messages.
        self.trouble: str | None = None

    def __repr__(self) -> str:
        return f"<Relay from {self._spool!r} to {self._broker.name}>"

    def run(self, stop: threading.Event | None = None) -> None:
        """Relay messages as they become due, for ever, or until ``stop`` is set.

        It goes on by itself after trouble with the broker or with the database.
        """
        stop = stop or threading.Event()
        try:
            while not stop.is_set():
                try:
                    relayed, is_open = self._relay(stop)
                except ServiceUnavailable:  # the spool has logged it
                    relayed, is_open = 0, True
                if not is_open:
                    stop.wait(self._delay())
                elif not relayed:
                    stop.wait(self._poll)
        finally:
            self.close()

    def run_once(self) -> int:
        """Relay what is due; returns how many messages the broker has confirmed.

        It ends early when there is trouble with the broker: :attr:`trouble` says what. Raises
        :class:`DatabaseUnavailable`.
        """
        return self._relay(threading.Event())[0]

    def close(self) -> None:
        """Close the connection to the broker. It is opened again when it is needed."""
        self._broker.close()

    def _relay(self, stop: threading.Event) -> tuple[int, bool]:
        """Relay what is due; returns how many that were, and whether the broker was there to the end."""
        count = 0
        try:
            # Before anything is claimed: while it is down, messages are left alone.
            self._open()
            while not stop.is_set():
                with contextlib.closing(self._spool.claim(_CLAIMED_AT_ONCE, self._lease)) as claimed:
                    is_empty = True
                    for delivery in claimed:
                        is_empty = False
                        count += self._relay_one(delivery)
                        if stop.is_set():
                            break
                if is_empty:
                    break
        except BrokerUnavailable:
            return count, False
        return count, True

    def _open(self) -> None:
        try:
            self._broker.open()
        except BrokerUnavailable as error:
            self._is_in_trouble(str(error))
            raise
        # That it can be reached says nothing about a queue that was full the last time.
        if not self._refused_last:
            self._is_well()

    def _relay_one(self, delivery: Delivery) -> bool:
        """Whether the broker has it now."""
        try:
            with delivery.open() as stream:
                body = stream.read()
        except LookupError:  # somebody has removed it
            return False
        try:
            self._broker.publish(body, headers_of(delivery.stored), properties_of(delivery.stored))
        except MessageRefused as error:
            _bury(delivery, f"the broker refuses it: {error}")
            return False
        except BrokerUnavailable as error:
            self._refused_last = True
            self._is_in_trouble(str(error))
            # Those behind it come before it then, should it be this one that the broker cannot take.
            with contextlib.suppress(LeaseLost, ServiceUnavailable):
                delivery.release(after=self._backoff[0])
            raise
        self._is_well()
        with contextlib.suppress(LeaseLost):  # another relay has it, and sends it too
            delivery.done()
        return True

    def _delay(self) -> float:
        self._tries += 1
        return pause(self._backoff, self._tries)

    def _is_in_trouble(self, text: str) -> None:
        if text != self.trouble:
            self.trouble = text
            _log.error("the broker %s cannot be used: %s", self._broker.name, text, extra={"event": "relay"})

    def _is_well(self) -> None:
        self._tries = 0
        self._refused_last = False
        if self.trouble is not None:
            self.trouble = None
            _log.warning("the broker %s can be used again", self._broker.name, extra={"event": "relay"})


def _bury(delivery: Delivery, reason: str) -> None:
    with contextlib.suppress(LeaseLost):
        delivery.fail(reason)
        _log.error("the message %s is a dead letter: %s", delivery.message_id, reason, extra={"event": "relay"})
