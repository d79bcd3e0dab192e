"""MM7 in a Pyramid application.

Run it from the folder above, and send it messages from another terminal:

    gunicorn --chdir examples --logger-class mm7_wsgi.hosts.gunicorn.Logger pyramid_app:application

    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret
    curl -H @cancel.headers --data-binary @cancel.body http://127.0.0.1:8000/mm7/acme=s3cret

The second is refused (2005), since the message that it cancels was never submitted here.
"""

from __future__ import annotations

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from mm7_wsgi import CancelReq, MessageIDNotFound, MM7Handler, MM7Request, SubmitReq


class Outbox(MM7Handler):
    """Keeps what was submitted, until it is cancelled."""

    def __init__(self) -> None:
        self.submitted: dict[tuple[str, str], SubmitReq] = {}

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Accept; the answer tells the sender request.message_id, by which it can cancel."""
        self.submitted[request.account.name, request.message_id] = message
        print(f"{message.subject!r} is now {request.message_id}", flush=True)

    def cancel(self, request: MM7Request, message: CancelReq) -> None:
        """Forget the message, or refuse. An account cancels what is its own."""
        if self.submitted.pop((request.account.name, message.message_id), None) is None:
            raise MessageIDNotFound(details=message.message_id)


def index(request: Request) -> Response:
    """The rest of the application."""
    return Response("This is Pyramid.\n", content_type="text/plain")


# With an ini file, three lines of it are enough: pyramid.includes = mm7_wsgi.hosts.pyramid, mm7.handler =
# pyramid_app:Outbox, and mm7.accounts, which can name a file of accounts.
settings = {"mm7.limits.body": "4_000_000"}

with Configurator(settings=settings) as config:  # type: ignore[no-untyped-call]
    config.add_route("index", "/")
    config.add_view(index, route_name="index")
    # With pyramid_tm, the handler is in the transaction of request.host_request.tm, and a refusal aborts it.
    config.include("mm7_wsgi.hosts.pyramid")
    config.add_mm7_endpoint(Outbox(), accounts={"acme": "s3cret"})
    application = config.make_wsgi_app()
