"""A peer in the same process: sends messages to a WSGI application, and reads what it answers."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote
from wsgiref.validate import validator

from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from ..protocol.buffer import Buffer
from ..protocol.errors import MM7Error
from ..protocol.limits import Limits
from ..protocol.messages import Fault, Response, Status
from ..protocol.package import Package, check_content_type
from ..protocol.soap import Element
from ..protocol.status import StatusCode
from . import message as builders
from .message import HELLO, Message, PartLike

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Answer:
    """What came back.

    ``http_status``, ``headers`` and ``body`` are there for any answer. All else is read from an answer of MM7, when it
    is first asked for, and raises ``ValueError`` with the HTTP status and the Content-Type for what is none.
    """

    def __init__(self, http_status: int, headers: Headers, body: bytes) -> None:
        self.http_status = http_status
        #: Names in any capitals; ``headers.getlist`` for one that may be there more than once.
        self.headers = headers
        self.body = body
        self._found: tuple[Response | Fault, str | None] | None = None

    @property
    def _read(self) -> tuple[Response | Fault, str | None]:
        # No cached_property: before Python 3.12 all threads share its lock, and a process that was forked while one
        # held it waits for ever.
        if self._found is None:
            self._found = self._read_body()
        return self._found

    def _read_body(self) -> tuple[Response | Fault, str | None]:
        package = Package(Limits())
        try:
            with Buffer(self.body) as buffer:
                found = package.read_answer(check_content_type(self.headers.get("Content-Type", ""), Limits()), buffer)
                assert package.envelope is not None
                return found, package.envelope.transaction_id
        except MM7Error as error:
            raise ValueError(f"{self._outside} is no answer of MM7: {error.details or error.text}") from None
        finally:
            package.close()

    @property
    def _outside(self) -> str:
        return f"HTTP {self.http_status}, {self.headers.get('Content-Type') or 'without a Content-Type'}"

    @property
    def fault(self) -> Fault | None:
        """The SOAP Fault, with ``faultcode``, ``faultstring`` and ``error``; None where there is none."""
        found, _ = self._read
        return found if isinstance(found, Fault) else None

    @property
    def message(self) -> Response | None:
        """The response: ``SubmitRsp`` …, or the ``RSErrorRsp`` or ``VASPErrorRsp`` of a Fault.

        None for a Fault without one, as SOAP itself has it: ``faultcode`` says more.
        """
        found, _ = self._read
        return found.error if isinstance(found, Fault) else found

    @property
    def accepted(self) -> bool:
        """Whether the request was carried out, in whole or in part."""
        return self.fault is None and self._status is not None and self._status.is_success

    @property
    def faultcode(self) -> str | None:
        """``Client``, ``Server``, ``Client.TransactionID`` …, without the prefix; None where there is no Fault."""
        return None if self.fault is None else self.fault.faultcode

    @property
    def _status(self) -> Status | None:
        return None if self.message is None else self.message.status

    @property
    def status_code(self) -> StatusCode | int | None:
        """1000, 2003 …; None where :attr:`message` is."""
        return None if self._status is None else self._status.status_code

    @property
    def status_text(self) -> str | None:
        """What the status code is in words."""
        return None if self._status is None else self._status.status_text

    @property
    def details(self) -> str | Element | None:
        """What the answer says besides."""
        return None if self._status is None else self._status.details

    @property
    def transaction_id(self) -> str | None:
        """The TransactionID that the answer repeats."""
        return self._read[1]

    @property
    def message_id(self) -> str | None:
        """The id that the message was given; None where the response has none."""
        return getattr(self.message, "message_id", None)

    def __repr__(self) -> str:
        try:
            what = type(self.message).__name__ if self.message is not None else f"Fault {self.faultcode}"
        except ValueError:
            return f"<Answer {self._outside}>"
        code = None if self.status_code is None else f"{self.status_code:d}"
        words = [str(word) for word in (what, code, self.status_text, self.details) if word is not None]
        return f"<Answer HTTP {self.http_status}, {' '.join(words)}>"


class MM7Client:
    """Sends to ``app``, any WSGI application, and gives back an :class:`Answer`.

    ``account``, ``secret``
        Who sends.
    ``path``
        Where the endpoint is, with what it is mounted below: ``/api/mm7``.
    ``via``
        How the account is shown: in the URL (``"uri"``), by Basic authentication (``"basic"``), or not at all
        (``"address"``), so that ``remote_addr`` says who it is. By default ``"uri"`` where there is an account.
    ``remote_addr``
        The address that it sends from.
    ``headers``
        Further HTTP headers of every request.
    ``environ``
        Further keys of every environ, as a server would set them: ``SSL_CLIENT_VERIFY`` …
    ``validate``
        Whether ``wsgiref.validate`` watches that the application keeps to PEP 3333 (``AssertionError``).

    The application runs in this thread, so what it raises is raised here. Its answer is read to the end and closed.

    Raises ``ValueError`` for an account that cannot be shown so.
    """

    def __init__(
        self,
        app: WSGIApplication,
        account: str | None = None,
        secret: str | None = None,
        *,
        path: str = "/mm7",
        via: Literal["uri", "basic", "address"] | None = None,
        remote_addr: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
        environ: Mapping[str, Any] | None = None,
        validate: bool = True,
    ) -> None:
        if via is None:
            via = "address" if account is None else "uri"
        if via not in ("uri", "basic", "address"):
            raise ValueError(f"via is 'uri', 'basic' or 'address', not {via!r}")
        if (via == "address") != (account is None) or (account is None) != (secret is None):
            raise ValueError(
                "via='address' shows neither account nor secret"
                if via == "address"
                else f"via={via!r} shows an account and its secret"
            )
        if via == "uri" and set("/=") & set(account or ""):
            raise ValueError(f"the account {account!r} has a slash or an equals sign: it has to use via='basic'")
        self._app = validator(app) if validate else app
        self._path = quote(path)
        self._remote_addr = remote_addr
        self._headers = Headers(headers)
        self._environ = dict(environ or {})
        if account is not None and secret is not None:
            if via == "uri":
                self._path += f"/{quote(account, safe='')}={quote(secret, safe='')}"
            else:
                token = base64.b64encode(f"{account}:{secret}".encode()).decode()
                self._headers.set("Authorization", f"Basic {token}")

    def send(self, message: Message | tuple[str, bytes]) -> Answer:
        """Send a message, or a Content-Type and a body."""
        if not isinstance(message, Message):
            message = Message(*message)
        headers = Headers(message.headers)
        headers.update(self._headers)
        builder = EnvironBuilder(
            path=self._path,
            method="POST",
            data=message.body,
            content_type=message.content_type,
            headers=headers,
            environ_base={"REMOTE_ADDR": self._remote_addr},
            environ_overrides=self._environ,
        )
        pieces, status, given = run_wsgi_app(self._app, builder.get_environ())
        try:
            body = b"".join(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        return Answer(int(status[:3]), given, body)

    def submit(self, *, parts: Sequence[PartLike] = HELLO, transaction_id: str | None = None, **fields: Any) -> Answer:
        """Send what :func:`mm7_wsgi.testing.submit` makes."""
        return self.send(builders.submit(parts=parts, transaction_id=transaction_id, **fields))

    def deliver(self, *, parts: Sequence[PartLike] = HELLO, transaction_id: str | None = None, **fields: Any) -> Answer:
        """Send what :func:`mm7_wsgi.testing.deliver` makes."""
        return self.send(builders.deliver(parts=parts, transaction_id=transaction_id, **fields))

    def cancel(self, *, transaction_id: str | None = None, **fields: Any) -> Answer:
        """Send what :func:`mm7_wsgi.testing.cancel` makes."""
        return self.send(builders.cancel(transaction_id=transaction_id, **fields))

    def replace(self, *, parts: Sequence[PartLike] = HELLO, transaction_id: str | None = None, **fields: Any) -> Answer:
        """Send what :func:`mm7_wsgi.testing.replace` makes."""
        return self.send(builders.replace(parts=parts, transaction_id=transaction_id, **fields))

    def extended_cancel(self, *, transaction_id: str | None = None, **fields: Any) -> Answer:
        """Send what :func:`mm7_wsgi.testing.extended_cancel` makes."""
        return self.send(builders.extended_cancel(transaction_id=transaction_id, **fields))

    def extended_replace(
        self, *, parts: Sequence[PartLike] = HELLO, transaction_id: str | None = None, **fields: Any
    ) -> Answer:
        """Send what :func:`mm7_wsgi.testing.extended_replace` makes."""
        return self.send(builders.extended_replace(parts=parts, transaction_id=transaction_id, **fields))

    def delivery_report(self, *, transaction_id: str | None = None, **fields: Any) -> Answer:
        """Send what :func:`mm7_wsgi.testing.delivery_report` makes."""
        return self.send(builders.delivery_report(transaction_id=transaction_id, **fields))

    def read_reply(self, *, transaction_id: str | None = None, **fields: Any) -> Answer:
        """Send what :func:`mm7_wsgi.testing.read_reply` makes."""
        return self.send(builders.read_reply(transaction_id=transaction_id, **fields))
