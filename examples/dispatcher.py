"""MM7 beside other applications, each below a path of its own, by werkzeug's dispatcher.

Run it from the folder above, and send it a message from another terminal:

    gunicorn --chdir examples dispatcher:application

    curl http://127.0.0.1:8000/hello
    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from mm7_wsgi import MM7Endpoint, MM7Handler, MM7Request, SubmitReq


def legacy(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """What is not below any of the paths."""
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"This is the old service at {environ['PATH_INFO']}\n".encode()]


class Inbox(MM7Handler):
    """Takes everything."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Raise an error of MM7, or return: then the message is accepted."""
        print(request.account.name, "submits", repr(message.subject), flush=True)


# The endpoint, since it answers all that is below its path: /mm7/other is a wrong password here, and not the host's.
application = DispatcherMiddleware(legacy, {"/mm7": MM7Endpoint(Inbox(), accounts={"acme": "s3cret"})})
