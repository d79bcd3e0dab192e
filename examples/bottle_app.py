"""MM7 in a Bottle application, in both ways; take one of them.

Run it from the folder above, and send it a message from another terminal, one way or the other:

    gunicorn --chdir examples bottle_app:application

    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/inside/mm7/acme=s3cret
"""

from __future__ import annotations

from bottle import Bottle, response

from mm7_wsgi import MM7Endpoint, MM7Handler, MM7Middleware, MM7Request, SubmitReq

ACCOUNTS = {"acme": "s3cret"}


class Inbox(MM7Handler):
    """Takes everything."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Raise an error of MM7, or return: then the message is accepted."""
        print(request.account.name, "submits", repr(message.subject), flush=True)


def index() -> str:
    """The rest of the application."""
    response.content_type = "text/plain"
    return "This is Bottle.\n"


app = Bottle()
app.route("/", callback=index)
# One way: mounted, inside of Bottle. With a slash at its end the prefix would not take /inside/mm7 itself.
app.mount("/inside/mm7", MM7Endpoint(Inbox(), accounts=ACCOUNTS))
# The other way: the middleware stands before Bottle, which never sees these requests.
application = MM7Middleware(app, Inbox(), accounts=ACCOUNTS)
