"""Peers that do not give up: what durability.py and spool.py send by, over real sockets."""

from __future__ import annotations

import hashlib
import random
import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_MESSAGE: Final = Path(__file__).resolve().parents[1] / "examples" / "messages" / "submit"
_TRANSACTION: Final = b"vas-20300102-0001"
_BOUNDARY: Final = b"NextPart_000_0028_01DC7B2A.84698430"
#: Seconds until a server has to answer.
PATIENCE: Final = 30.0
#: Seconds until a message is sent again that could not be accepted now.
_PAUSE: Final = 0.02
#: How often, of all messages: sent with so little patience that the answer comes too late; sent by several at once;
#: sent once more after it was accepted.
_IMPATIENT: Final = 0.01
_AT_ONCE: Final = 0.02
_AGAIN: Final = 0.1
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *([0-9]+)\r\n")
_CLOSING: Final = re.compile(rb"(?i)\r\nconnection: *close\r\n")
_ACCEPTED: Final = re.compile(rb"<(?:\w+:)?StatusCode>1000</.*<(?:\w+:)?MessageID>([^<]+)</", re.DOTALL)
_UNAVAILABLE: Final = re.compile(rb"<(?:\w+:)?StatusCode>4006</")


class Message:
    """The SubmitReq of the examples, under any TransactionID and, as one that is made anew has it, any boundary."""

    def __init__(self) -> None:
        lines = _MESSAGE.with_suffix(".headers").read_bytes().splitlines()
        self._body = _MESSAGE.with_suffix(".body").read_bytes()
        if self._body.count(_TRANSACTION) != 1 or _BOUNDARY not in self._body:
            raise ValueError("the message of the examples is another one now")
        start = (b"POST /mm7/acme=s3cret HTTP/1.1", b"Host: 127.0.0.1", *lines)
        self._head = b"".join(line + b"\r\n" for line in start)

    def body(self, transaction: str, making: int = 0) -> bytes:
        """The octets of it; ``making`` says which boundary it has."""
        body = self._body.replace(_TRANSACTION, transaction.encode())
        return body.replace(_BOUNDARY, self._boundary(making)) if making else body

    def request(self, transaction: str, making: int = 0) -> bytes:
        """A whole HTTP request."""
        body = self.body(transaction, making)
        head = self._head.replace(_BOUNDARY, self._boundary(making)) if making else self._head
        return b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)

    def is_it(self, transaction: str, body: bytes) -> bool:
        """Whether these are the octets of it, with whatever boundary."""
        return re.sub(re.escape(_BOUNDARY) + rb"\.[0-9]+", _BOUNDARY, body) == self.body(transaction)

    @staticmethod
    def _boundary(making: int) -> bytes:
        return b"%b.%d" % (_BOUNDARY, making)


@dataclass
class Report:
    """What peers have seen."""

    #: MessageID and digest of the whole answer, by TransactionID.
    accepted: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    #: TransactionIDs that were answered in two ways.
    differing: set[str] = field(default_factory=set)
    requests: int = 0
    #: Whole answers of 1000.
    answers: int = 0
    #: Requests whose answer did not come, or not whole.
    unanswered: int = 0
    #: Requests whose answer was not waited for.
    given_up: int = 0
    #: Answers of 4006.
    unavailable: int = 0
    #: Messages that were sent again although they were accepted, and that were sent by several at once.
    again: int = 0
    at_once: int = 0
    #: What was answered otherwise.
    others: list[bytes] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take over what another peer has seen; their TransactionIDs are not the same."""
        self.accepted |= other.accepted
        self.differing |= other.differing
        self.others += other.others
        for name in ("requests", "answers", "unanswered", "given_up", "unavailable", "again", "at_once"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Peer:
    """One that sends messages, each again until it is accepted, and writes down what it was told."""

    def __init__(self, name: str, port: int) -> None:
        self.report = Report()
        self._name = name
        self._address = ("127.0.0.1", port)
        self._chance = random.Random(name)
        self._message = Message()
        self._connection: socket.socket | None = None
        self._sent = 0

    def send_next(self, *, plain: bool = False) -> None:
        """Send another message, and sometimes an earlier one; ``plain`` sends each once."""
        transaction = f"{self._name}-{self._sent}"
        self._sent += 1
        if plain:
            self.submit(transaction)
            return
        if self._chance.random() < _AT_ONCE:
            self._submit_at_once(transaction, self._chance.randint(2, 4))
        elif self._chance.random() < _IMPATIENT:
            self._give_up_on(transaction)
        self.submit(transaction)
        if self._chance.random() < _AGAIN:
            # Mostly the same: it was accepted a moment ago.
            number = self._sent - 1 if self._chance.random() < 0.5 else self._chance.randrange(self._sent)
            self.report.again += 1
            self.submit(f"{self._name}-{number}", self._making())

    def submit(self, transaction: str, making: int = 0) -> None:
        """Send it until it is accepted."""
        while not self._note(transaction, self._exchange(self._message.request(transaction, making))):
            making = self._making()

    def close(self) -> None:
        """Send nothing more."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _making(self) -> int:
        """Peers make a message anew, or do not."""
        return self._chance.choice((0, 0, 0, 1, 2))

    def _submit_at_once(self, transaction: str, count: int) -> None:
        """Send it over several connections before anything is read from one of them."""
        self.report.at_once += 1
        connections = []
        for _ in range(count):
            with suppress(OSError):
                connections.append(self._connect())
                connections[-1].sendall(self._message.request(transaction, self._making()))
        for connection in connections:
            with connection:
                self._note(transaction, self._answer(connection)[0])

    def _give_up_on(self, transaction: str) -> None:
        """Send it, and wait no longer than it may take the server to begin."""
        self.report.requests += 1
        self.report.given_up += 1
        with suppress(OSError), self._connect() as connection:
            connection.sendall(self._message.request(transaction))
            time.sleep(self._chance.random() * 0.01)

    def _note(self, transaction: str, answer: bytes | None) -> bool:
        """Write down what came; returns whether it is accepted now."""
        report = self.report
        report.requests += 1
        if answer is None:
            report.unanswered += 1
            return False
        head, _, body = answer.partition(b"\r\n\r\n")
        found = _ACCEPTED.search(body) if head.startswith(b"HTTP/1.1 200 ") else None
        if found is None:
            if head.startswith(b"HTTP/1.1 500 ") and _UNAVAILABLE.search(body):
                report.unavailable += 1
            else:
                report.others.append(answer[:4000])
            time.sleep(_PAUSE)
            return False
        report.answers += 1
        seen = (found[1].decode(), hashlib.sha256(body).digest())
        if report.accepted.setdefault(transaction, seen) != seen:
            report.differing.add(transaction)
        return True

    def _exchange(self, request: bytes) -> bytes | None:
        """The whole answer; None where it did not come."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.sendall(request)
        except OSError:
            self.close()
            return None
        answer, goes_on = self._answer(self._connection)
        if not goes_on:
            self.close()
        return answer

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, PATIENCE)
        # Else the end of a request may wait until its beginning is acknowledged.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    @staticmethod
    def _answer(connection: socket.socket) -> tuple[bytes | None, bool]:
        """One answer if it comes whole, and whether the connection goes on behind it."""
        octets = b""
        try:
            while True:
                head, end, body = octets.partition(b"\r\n\r\n")
                if end and (found := _LENGTH.search(head + b"\r\n")) and len(body) >= int(found[1]):
                    if len(body) > int(found[1]):
                        return None, False  # whatever this is, it is no answer
                    return octets, _CLOSING.search(head + b"\r\n") is None
                more = connection.recv(65536)
                if not more:
                    return None, False
                octets += more
        except OSError:
            return None, False
