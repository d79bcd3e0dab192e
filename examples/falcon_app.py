"""MM7 in a Falcon application, in both ways; take one of them.

Run it from the folder above, and send it a message from another terminal, one way or the other:

    gunicorn --chdir examples falcon_app:application

    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/inside/mm7/acme=s3cret
"""

from __future__ import annotations

import re
from typing import Any

import falcon
from werkzeug import Response

from mm7_wsgi import MM7Endpoint, MM7Handler, MM7Middleware, MM7Request, SubmitReq

ACCOUNTS = {"acme": "s3cret"}


class Inbox(MM7Handler):
    """Takes everything."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Raise an error of MM7, or return: then the message is accepted."""
        print(request.account.name, "submits", repr(message.subject), flush=True)


class Index:
    """The rest of the application."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer a browser."""
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "This is Falcon.\n"


app = falcon.App()
app.add_route("/", Index())

# One way: a sink hands the request to the endpoint, inside of Falcon and its middleware.
endpoint = MM7Endpoint(Inbox(), accounts=ACCOUNTS)


def mm7(req: falcon.Request, resp: falcon.Response, **_: Any) -> None:
    """The answer of the endpoint as that of Falcon."""
    answer = Response.from_app(endpoint, req.env)
    resp.status = answer.status
    resp.data = answer.get_data()
    resp.set_headers(list(answer.headers))


# Without its end the expression would take /inside/mm7x too.
app.add_sink(mm7, re.compile(r"/inside/mm7(?:/|\Z)"))

# The other way: the middleware stands before Falcon, which never sees these requests.
application = MM7Middleware(app, Inbox(), accounts=ACCOUNTS)  # type: ignore[arg-type]
