"""MM7 in a Flask application, by its extension.

Run it from the folder above, and send it a message from another terminal:

    gunicorn --chdir examples --logger-class mm7_wsgi.hosts.gunicorn.Logger flask_app:app

    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret
"""

from __future__ import annotations

from flask import Flask, current_app

from mm7_wsgi import AddressNotFound, MM7Handler, MM7Request, SubmitReq
from mm7_wsgi.hosts.flask import MM7

app = Flask(__name__)
app.config["SUBSCRIBERS"] = {"+12025550101", "+12025550102"}
app.config["MM7_ACCOUNTS"] = {"acme": "s3cret"}
app.config["MM7_LIMITS_BODY"] = 4_000_000


@app.get("/")
def index() -> str:
    """The rest of the application."""
    return "This is Flask.\n"


class Inbox(MM7Handler):
    """Takes messages for the subscribers that the application knows."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Raise an error of MM7, or return: then the message is accepted."""
        for address in message.recipients.to:
            if not address.display_only and address.value not in current_app.config["SUBSCRIBERS"]:
                raise AddressNotFound(details=address.value)
        print(f"{message.subject!r}, accepted inside of {current_app.name}", flush=True)


# With an application factory: mm7 = MM7(Inbox()) beside the other extensions, and mm7.init_app(app) where those are.
MM7(Inbox(), app)
