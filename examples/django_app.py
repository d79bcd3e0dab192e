"""MM7 in front of Django, in what is otherwise a project's wsgi.py.

Run it from the folder above, and send it a message from another terminal:

    gunicorn --chdir examples django_app:application

    curl http://127.0.0.1:8000/
    cd examples/messages
    curl -H @submit.headers --data-binary @submit.body http://127.0.0.1:8000/mm7/acme=s3cret

A view would be in the way of Django: its CSRF check refuses who is no browser, APPEND_SLASH redirects what has to be
sent again then, and DATA_UPLOAD_MAX_MEMORY_SIZE stops at 2.5 MB. In front, the middleware needs nothing of that.
"""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

from mm7_wsgi import MM7Handler, MM7Middleware, MM7Request, SubmitReq


def index(request: HttpRequest) -> HttpResponse:
    """The rest of the project."""
    return HttpResponse("This is Django.\n", content_type="text/plain")


urlpatterns = [path("", index)]
# A project has these in its settings.py, and names that in DJANGO_SETTINGS_MODULE.
if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])


class Inbox(MM7Handler):
    """Runs when Django is set up, so it can use models, in transaction.atomic() if you like."""

    def submit(self, request: MM7Request, message: SubmitReq) -> None:
        """Raise an error of MM7, or return: then the message is accepted."""
        print(request.account.name, "submits", repr(message.subject), flush=True)


application = MM7Middleware(get_wsgi_application(), Inbox(), accounts={"acme": "s3cret"})
