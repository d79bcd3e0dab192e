"""MM7 in front of an application that knows nothing of it; here that of a VASP, to whom an MMSC delivers.

Run it from the folder above. The first line is answered by the application, the second by MM7:

    gunicorn --chdir examples wrap:application

    curl http://127.0.0.1:8000/hello
    cd examples/messages
    curl -H @deliver.headers --data-binary @deliver.body http://127.0.0.1:8000/mm7

The MMSC shows no password: it is known by the address that it calls from, 127.0.0.1. With /mm7/acme=s3cret in place of
/mm7 the same message comes from the account acme.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mm7_wsgi import DeliverReq, DeliveryReportReq, MM7Handler, MM7Middleware, MM7Request


def legacy(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The application that was there before."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"This is the old service at {environ['PATH_INFO']}\n".encode()]


class Inbox(MM7Handler):
    """What a VASP gets from its MMSC."""

    def deliver(self, request: MM7Request, message: DeliverReq) -> None:
        """A subscriber has sent something: here you would store it. Returning means that it is yours now."""
        for part in request.leaves():
            print(message.sender, "sent", part.filename, part.content_type, len(part.data), "octets", flush=True)

    def delivery_report(self, request: MM7Request, message: DeliveryReportReq) -> None:
        """Something has become of a message that was submitted before."""
        print("message", message.message_id, "is", message.mm_status, flush=True)


# A name that is an address needs no secret. Behind a proxy each request seems to come from that proxy: there, put
# werkzeug's ProxyFix around this, else everybody is 127.0.0.1.
application = MM7Middleware(legacy, Inbox(), accounts={"acme": "s3cret", "127.0.0.1": None})
