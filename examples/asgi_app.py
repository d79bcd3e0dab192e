"""MM7 in an application of ASGI, by way of a2wsgi, which runs the endpoint in threads.

Run it from the folder above, and send it a message from another terminal:

    uvicorn --app-dir examples asgi_app:application

    curl http://127.0.0.1:8000/
    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret

uvicorn's access log shows the password: leave it out (--no-access-log), or let the peer use Basic.
"""

from __future__ import annotations

from typing import Any

from a2wsgi import WSGIMiddleware

from mm7_wsgi import MM7Endpoint, MM7Handler, MM7Request, SubmitReq


class Inbox(MM7Handler):
    """Takes everything. It is no coroutine, and may wait for a database as long as it likes."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Raise an error of MM7, or return: then the message is accepted."""
        print(request.account.name, "submits", repr(message.subject), flush=True)


mm7: Any = WSGIMiddleware(MM7Endpoint(Inbox(), accounts={"acme": "s3cret"}))  # type: ignore[arg-type]


async def application(scope: Any, receive: Any, send: Any) -> None:
    """What is MM7's goes to it."""
    path = scope.get("path", "")
    if scope["type"] == "http" and (path == "/mm7" or path.startswith("/mm7/")):
        await mm7(scope, receive, send)
    elif scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"This is ASGI.\n"})
