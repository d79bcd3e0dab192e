"""What paste.ini names: an old service, and who takes its messages.

Run it from the folder above, and send it a message from another terminal:

    cd examples
    gunicorn --logger-class mm7_wsgi.hosts.gunicorn.Logger --paste paste.ini

    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mm7_wsgi import MM7Handler, MM7Request, SubmitReq

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ACCOUNTS = {"acme": "s3cret"}


class Inbox(MM7Handler):
    """Says what came."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Accept."""
        print(f"{request.account.name} submits {message.subject!r}", flush=True)


def make_app(global_conf: dict[str, str]) -> WSGIApplication:
    """The service that was there before."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"old service at {environ['PATH_INFO']}\n".encode("latin-1", "replace")]

    return application
