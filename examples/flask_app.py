"""MM7 in a Flask application, in both ways; take one of them.

Run it from the folder above, and send it a message from another terminal, one way or the other:

    gunicorn --chdir examples flask_app:app

    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/outside/mm7/acme=s3cret
"""

from __future__ import annotations

from flask import Flask, has_app_context, request
from werkzeug import Response

from mm7_wsgi import AddressNotFound, MM7Endpoint, MM7Handler, MM7Middleware, MM7Request, SubmitReq

ACCOUNTS = {"acme": "s3cret"}
SUBSCRIBERS = {"+12025550101", "+12025550102"}

app = Flask(__name__)


@app.get("/")
def index() -> str:
    """The rest of the application."""
    return "This is Flask.\n"


class Inbox(MM7Handler):
    """Takes messages for the subscribers that it knows."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Raise an error of MM7, or return: then the message is accepted."""
        for address in message.recipients.to:
            if not address.display_only and address.value not in SUBSCRIBERS:
                raise AddressNotFound(details=address.value)
        print(f"{message.subject!r}, accepted {'inside' if has_app_context() else 'outside'} Flask", flush=True)


# One way: a view hands the request to the endpoint. The handler runs inside Flask, where current_app and g are.
endpoint = MM7Endpoint(Inbox(), accounts=ACCOUNTS)

# The endpoint itself answers what is no POST. Slashes are not to be merged: they may belong to the password.
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


@app.route("/mm7", methods=METHODS, strict_slashes=False)
@app.route("/mm7/<path:rest>", methods=METHODS, merge_slashes=False)
def mm7(rest: str = "") -> Response:
    """What the path holds is for the endpoint to read."""
    return Response.from_app(endpoint, request.environ)


# The other way: the middleware stands before Flask, which never sees these requests. No hook, limit or error page of
# the application gets in their way. A handler that needs the application opens its context: with app.app_context().
outside = MM7Middleware(app.wsgi_app, Inbox(), accounts=ACCOUNTS, path="/outside/mm7")
app.wsgi_app = outside  # type: ignore[method-assign]
