"""What the host is handed, and what it can answer."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from secrets import token_hex
from typing import Any

from .accounts import Account
from .protocol.buffer import SLICE, Buffer
from .protocol.deviations import Deviation
from .protocol.errors import MM7Error
from .protocol.messages import Request, Response, Status
from .protocol.mime import Part
from .protocol.soap import Node
from .protocol.status import StatusCode
from .protocol.transfer import DecodedReader


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """An answer as it goes out, so that it can be kept, and sent again byte for byte.

    A handler that keeps answers by itself returns the one that it has kept, with ``repeated=True``: the peer has sent
    the same message before.
    """

    #: The HTTP body. Its HTTP status is 200.
    octets: bytes
    #: The StatusCode in it.
    code: int
    #: The MessageID in it; None where the operation's response has none.
    message_id: str | None = None
    repeated: bool = False


class RawBody:
    """The body of a request as it came, for who keeps it whole. It lives as long as the callback runs."""

    __slots__ = ("_buffer", "content_type")

    def __init__(self, content_type: str, buffer: Buffer) -> None:
        #: The Content-Type header as the server hands it over (PEP 3333: octets as latin-1).
        self.content_type = content_type
        self._buffer = buffer

    def __repr__(self) -> str:
        return f"<RawBody {self.content_type[:80]!r}, {self.size} octets>"

    @property
    def size(self) -> int:
        """Octets."""
        return self._buffer.size

    def open(self) -> io.BufferedReader:
        """A stream of the octets that takes constant memory however many there are."""
        return io.BufferedReader(DecodedReader(self.pieces(SLICE)), SLICE)

    def pieces(self, size: int) -> Iterator[bytes]:
        """The octets, ``size`` at a time."""
        for offset in range(0, self.size, size):
            yield self._buffer.read(offset, min(offset + size, self.size))

    def _views(self, size: int) -> Iterator[memoryview]:
        """Yield the same without a copy; use each before you ask for the next."""
        return self._buffer.views(0, self.size, size)


class MM7Request:
    """One whole, valid, authenticated request.

    It lives as long as the callback runs: after that, the octets of its parts are gone (:meth:`Part.save` keeps them).
    """

    __slots__ = (
        "_element",
        "_environ",
        "_make_environ",
        "_write",
        "account",
        "attachments",
        "content",
        "deviations",
        "host_request",
        "message",
        "message_id",
        "raw",
        "remote_addr",
        "transaction_id",
    )

    def __init__(
        self,
        *,
        message: Request,
        account: Account,
        transaction_id: str,
        element: Node | None = None,
        content: Part | None = None,
        attachments: tuple[Part, ...] = (),
        deviations: tuple[Deviation, ...] = (),
        remote_addr: str | None = None,
        environ: Callable[[], Mapping[str, Any]] = dict,
        host_request: Any = None,
        message_id: str | None = None,
        raw: RawBody | None = None,
        write: Callable[[Response], WrittenAnswer] | None = None,
    ) -> None:
        #: The operation: a ``SubmitReq``, ``DeliverReq`` …
        self.message = message
        #: Who sends.
        self.account = account
        #: The sender's name for this exchange; it comes again when the sender tries again.
        self.transaction_id = transaction_id
        #: A fresh unique id, which the answer gives as MessageID unless the host gives another.
        self.message_id = message_id or token_hex(16)
        self._element = element
        #: The part that ``Content/@href`` names, often a multipart; None where there is none.
        self.content = content
        #: The parts beside it.
        self.attachments = attachments
        #: What about this message was against the rules and was read all the same.
        self.deviations = deviations
        #: The address of the peer as text, without a port; None where the server gives none, or a text that is none.
        self.remote_addr = remote_addr
        #: What the framework makes of the same request, where it called the endpoint itself: Pyramid's request. Unlike
        #: :attr:`environ` it may hold the credentials still.
        self.host_request = host_request
        #: The whole body as it came.
        self.raw = raw
        self._write = write
        self._make_environ = environ
        self._environ: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<MM7Request {self.message.element_name} {self.transaction_id!r} from {self.account.name!r}>"

    @property
    def environ(self) -> Mapping[str, Any]:
        """A copy of the WSGI environ without credentials. What a framework put there may hold them still."""
        if self._environ is None:
            self._environ = self._make_environ()
        return self._environ

    def leaves(self) -> Iterator[Part]:
        """Every part that is no multipart: those of the content, in their order, then those of the attachments."""
        parts = self.attachments if self.content is None else (self.content, *self.attachments)
        return chain.from_iterable([part.leaves() for part in parts])

    def success(
        self, *, message_id: str | None = None, details: str | None = None, service_code: str | None = None
    ) -> Response:
        """The response for "done": 1000.

        ``message_id`` stands in place of :attr:`message_id`, where the response has one; ``service_code`` is for a
        ``DeliverRsp``. Raises ``ValueError`` for what this operation's response has no element for, and for an empty
        ``message_id``.
        """
        return self._response(StatusCode.SUCCESS, message_id, details, service_code)

    def partial(
        self, *, message_id: str | None = None, details: str | None = None, service_code: str | None = None
    ) -> Response:
        """The response for "done in part": 1100. ``details`` can name the rest. Otherwise as :meth:`success`."""
        return self._response(StatusCode.PARTIAL_SUCCESS, message_id, details, service_code)

    def write(self, response: Response) -> WrittenAnswer:
        """The octets that answer with ``response``, for a handler that stores them together with the message.

        It may return them in the place of the response. Raises ``ValueError`` where nobody waits for an answer.
        """
        if self._write is None:
            raise ValueError("this request was answered when it was accepted")
        return self._write(response)

    def failure(self, code: int, text: str | None = None, details: str | None = None) -> MM7Error:
        """A refusal, to be returned or raised; ``code`` is a :class:`StatusCode` or a number of the host's own."""
        return MM7Error(code, text, details=details)

    def _response(
        self, code: StatusCode, message_id: str | None, details: str | None, service_code: str | None
    ) -> Response:
        response = self.message.response
        fields = response.layout.fields
        values: dict[str, Any] = {}
        if message_id is not None:
            values["message_id"] = message_id
        if service_code is not None:
            values["service_code"] = service_code
        unknown = [name for name in values if name not in fields]
        if response.bare_status and details is not None:
            unknown.append("details")
        if unknown:
            raise ValueError(f"a {response.element_name} has no place for {unknown[0]}")
        if message_id is not None and not message_id.strip():
            raise ValueError("message_id is empty; the peer could not name the message")
        if "message_id" in fields:
            values.setdefault("message_id", self.message_id)
        status = Status(status_code=code, status_text=None if response.bare_status else code.text, details=details)
        version = self.account.dialect.mm7_version or self.message.mm7_version
        return response(mm7_version=version, status=status, **values)  # type: ignore[call-arg]
