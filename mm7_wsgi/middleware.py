"""The path, and nothing more: what is MM7's goes to the endpoint, all else to the wrapped application."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .credentials import owned
from .digest import Digest
from .endpoint import Handler, MM7Endpoint, Transactions
from .observer import MM7Observer
from .protocol.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from .throttle import Throttle


class MM7Middleware:
    """Adds MM7 to a WSGI application.

    ::

        application = MM7Middleware(application, Inbox(), accounts={"acme": "s3cret"})

    It owns ``path``, ``path/`` and ``path/account=password`` below the place that it is mounted at. Every other request
    reaches ``app`` with the environ as it came and the input stream unread, and so does ``/mm7x`` and ``/mm7/other``.

    The handler runs outside of ``app``, so without the contexts of its framework; to be inside them, call an
    :class:`MM7Endpoint` from a view. The keywords are those of :class:`MM7Endpoint`.
    """

    def __init__(
        self,
        app: WSGIApplication,
        handler: Handler,
        *,
        accounts: object,
        path: str = "/mm7",
        limits: Limits = Limits(),  # noqa: B008 - frozen
        strict: bool = False,
        allow_chunked: bool = False,
        observer: MM7Observer | None = None,
        throttle: Throttle | None = None,
        transactions: Transactions | None = None,
        schemes: Sequence[str] = ("basic",),
        digest: Digest | None = None,
    ) -> None:
        self.app = app
        self.endpoint = MM7Endpoint(
            handler,
            accounts=accounts,
            path=path,
            limits=limits,
            strict=strict,
            allow_chunked=allow_chunked,
            observer=observer,
            throttle=throttle,
            transactions=transactions,
            schemes=schemes,
            digest=digest,
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer what is MM7's, and hand on the rest."""
        path = self.endpoint.path
        if owned(environ.get("PATH_INFO", ""), path):
            return self.endpoint.answer(environ, start_response, len(environ.get("SCRIPT_NAME", "")) + len(path))
        return self.app(environ, start_response)
