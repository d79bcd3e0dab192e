"""A message that was accepted, read again as the callback would have seen it."""

from __future__ import annotations

import sys
from dataclasses import fields

from ..accounts import Account
from ..protocol.buffer import Buffer
from ..protocol.deviations import CATALOGUE
from ..protocol.limits import Limits
from ..protocol.package import Package, check_content_type
from ..request import MM7Request, RawBody

__all__ = ["UNLIMITED", "StoredMessage"]

#: What was allowed is judged when a message is accepted, by limits that may be others by now.
UNLIMITED = Limits(**{field.name: sys.maxsize for field in fields(Limits)})


class StoredMessage:
    """A body and its Content-Type, and the request that they are.

    ``request`` has all that it had when it was accepted but what belongs to the connection: its ``account`` has a name
    only, its ``environ`` is empty and its ``host_request`` None, and it cannot be answered any more. It lives until
    :meth:`close`, which closes ``body`` too.

    Raises an :class:`~mm7_wsgi.MM7Error` where the body cannot be read.
    """

    def __init__(
        self, content_type: str, body: Buffer, *, account: str, message_id: str, remote_addr: str | None = None
    ) -> None:
        self._body = body
        # So are deviations: the account may have tolerated any.
        self._package = Package(UNLIMITED, tolerated=CATALOGUE)
        try:
            message = self._package.read(check_content_type(content_type, UNLIMITED), body)
        except BaseException:
            self.close()
            raise
        envelope = self._package.envelope
        assert envelope is not None and envelope.transaction_id is not None  # noqa: PT018 - the package was read
        self.request = MM7Request(
            message=message,
            account=Account(account),
            transaction_id=envelope.transaction_id,
            element=envelope.operation,
            content=self._package.content,
            attachments=self._package.attachments,
            deviations=tuple(self._package.deviations),
            remote_addr=remote_addr,
            message_id=message_id,
            raw=RawBody(content_type, body),
        )

    def close(self) -> None:
        """Give back the octets."""
        self._package.close()
        self._body.close()
