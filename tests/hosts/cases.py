"""The table: what is sent to whom, in the words of docs/hosts.md, under the names that the tests have for it."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """One row of docs/hosts.md."""

    title: str
    #: What is sent, and what it is to show.
    sent: str


#: What is sent to frameworks, and to servers too.
TO_FRAMEWORKS: dict[str, Case] = {
    "uri": Case("account in the URI", "a message to `/mm7/acme=s3cret`"),
    "basic": Case("account by Basic", "a message to `/mm7` with `Authorization: Basic`"),
    "refused": Case("the handler refuses", "a message for which the handler raises `AddressNotFound`"),
    "password": Case("wrong password", "a message to `/mm7/acme=wrong`"),
    "get": Case("GET", "`GET /mm7`"),
    "foreign": Case("foreign path", "a body to `/hello`, which is the application's"),
    "mm7x": Case("`/mm7x`", "a message to `/mm7x/acme=s3cret`"),
    "other": Case("`/mm7/other`", "a message to a path that shows no account"),
    "slash": Case("`/mm7/`", "a message to `/mm7/` with `Authorization: Basic`"),
    "double-slash": Case("`//mm7`", "a message to `//mm7/acme=s3cret`"),
    "escaped": Case("`%2F` in the password", "a message to `/mm7/slash=pass%2Fword`; the password is `pass/word`"),
    "escaped-twice": Case(
        "`%252F` in the password", "a message to `/mm7/percent=pass%252Fword`; the password is `pass%2Fword`"
    ),
    "escaped-account": Case("`%2F` in the account", "a message to `/mm7/ac%2Fme=s3cret`; the account is `ac/me`"),
    "truncated": Case("body cut short", "half of a message, then no more; the client waits for the answer"),
    "gone": Case("client gone", "half of a message, then a reset of the connection"),
    "negative": Case("length `-5`", "`Content-Length: -5`, and a message"),
    "list": Case("length `5, 6`", "`Content-Length: 5, 6`, and a message"),
    "both": Case("length and chunks", "a chunked message with a Content-Length besides"),
    "chunked": Case("chunked", "a chunked message"),
    "chunked-allowed": Case("chunked, allowed", "a chunked message to an endpoint with `allow_chunked=True`"),
    "big": Case("12 MB", "a message of 12 MB; the limit is 16 MiB"),
    "too-big": Case("too large", "the head of a message above the limit, and the rest only if that is not answered"),
    "pair": Case("two at once", "two messages, whose handlers wait for each other"),
}
TO_SERVERS: dict[str, Case] = {
    **TO_FRAMEWORKS,
    "two-lengths": Case("two lengths", "the Content-Length of a message, then `Content-Length: 5`"),
    "too-short": Case("length too short", "a message, whose Content-Length ends in the middle of its picture"),
    "chunked-cut": Case(
        "chunks cut short", "half of a chunked message to an endpoint with `allow_chunked=True`, then no more"
    ),
    "stalled": Case("four uploads stall", "four messages of which the last octets do not come, then a fifth"),
    "underscore": Case("`X_Forwarded_For`", "that header with the address of an account, from elsewhere"),
    "absolute": Case("absolute URI", "`POST http://mms.example/mm7/acme=s3cret`"),
    "dots": Case("`/x/../mm7`", "a message to `/x/../mm7/acme=s3cret`"),
    "log": Case("password logged", "what the server's log has of `/mm7/acme=s3cret`, as it is set up at first"),
}


class Host(NamedTuple):
    """One column of docs/hosts.md, and one row of the README."""

    title: str
    #: How it is served, or how MM7 is served in it.
    how: str
    #: The distributions whose versions are told.
    made_of: tuple[str, ...] = ()
    #: Where to see how, for frameworks.
    see: str = ""
    #: What follows for who uses it, for servers.
    advice: str = ""


FRAMEWORKS: dict[str, Host] = {
    "function-wrap": Host(
        "WSGI function", "`MM7Middleware` around it; alone, `MM7Endpoint`", (), "examples/wrap.py, examples/alone.py"
    ),
    "dispatcher": Host("werkzeug's dispatcher", '`MM7Endpoint` at `"/mm7"`', ("werkzeug",), "examples/dispatcher.py"),
    "flask-extension": Host(
        "Flask, extension", "`MM7(handler, app)` of `mm7_wsgi.hosts.flask`", ("flask",), "mm7_wsgi/hosts/flask.py"
    ),
    "flask-wrap": Host("Flask, around", "`MM7Middleware` around `app.wsgi_app`", ("flask",), "examples/flask_app.py"),
    "flask-view": Host("Flask, view", "`MM7Endpoint` called by a view", ("flask",), "examples/flask_app.py"),
    "pyramid-include": Host(
        "Pyramid, include",
        '`config.include("mm7_wsgi.hosts.pyramid")`',
        ("pyramid",),
        "examples/pyramid_app.py",
    ),
    "pyramid-wrap": Host(
        "Pyramid, around", "`MM7Middleware` around `config.make_wsgi_app()`", ("pyramid",), "examples/wrap.py"
    ),
    "paste-filter": Host(
        "PasteDeploy", "`use = egg:mm7_wsgi` in an ini file", ("pastedeploy",), "mm7_wsgi/hosts/paste.py"
    ),
    "django-wrap": Host("Django", "`MM7Middleware` in `wsgi.py`", ("django",), "examples/django_app.py"),
    "falcon-wrap": Host("Falcon, around", "`MM7Middleware` around the `App`", ("falcon",), "examples/falcon_app.py"),
    "falcon-sink": Host("Falcon, sink", "`MM7Endpoint` called by a sink", ("falcon",), "examples/falcon_app.py"),
    "bottle-wrap": Host("Bottle, around", "`MM7Middleware` around the `Bottle`", ("bottle",), "examples/bottle_app.py"),
    "bottle-mount": Host("Bottle, mount", '`app.mount("/mm7", MM7Endpoint(…))`', ("bottle",), "examples/bottle_app.py"),
}

SERVERS: dict[str, Host] = {
    "gunicorn-sync": Host(
        "gunicorn, sync",
        "one worker",
        ("gunicorn",),
        advice="Each worker reads one upload at a time, and a slow one keeps all others out: put nginx in front, or "
        "take gevent. A body that ends early is handed over without an error; mm7_wsgi counts, and refuses "
        "it.",
    ),
    "gunicorn-gthread": Host(
        "gunicorn, gthread",
        "one worker of 4 threads",
        ("gunicorn",),
        advice="As sync, with one slow upload for each thread.",
    ),
    "gunicorn-gevent": Host(
        "gunicorn, gevent",
        "one worker",
        ("gunicorn", "gevent"),
        advice="Slow uploads hold up nobody. What the handler calls has to be made for gevent, or it holds up "
        "everybody.",
    ),
    "nginx-gunicorn-sync": Host(
        "nginx and gunicorn, sync",
        "`docs/nginx.conf` before one worker",
        ("nginx", "gunicorn"),
        advice="nginx passes on what is there as a whole, so no slow or broken upload gets to gunicorn, and a "
        "chunked one has a length by then. What is too large it refuses itself, without a word of MM7.",
    ),
    "waitress": Host(
        "waitress",
        "4 threads",
        ("waitress",),
        advice="It collects a body before it calls anybody: slow and broken uploads hold up nobody, and a chunked "
        "one has a length by then. But it also reads a body that will be refused, up to its own "
        "`max_request_body_size` of 1 GB: set that to `Limits.body` and a little more. `//mm7` is `/mm7` "
        "there.",
    ),
    "uwsgi": Host(
        "uWSGI",
        "`--http-socket`, one process of 4 threads",
        ("pyuwsgi",),
        advice="It hands over no chunked body: peers that send those need nginx in front. It hands on lengths as "
        "they are written, and mm7_wsgi refuses those that are none. It makes `/mm7` of `/x/../mm7`: do not "
        "let a path in front of it decide who may come in. It logs the URI: `--disable-logging`, or a "
        "`--log-format` without it.",
    ),
    "cheroot": Host(
        "cheroot",
        "4 threads",
        ("cheroot",),
        advice="As gthread, with one slow upload for each thread. Of two lengths it believes the second. It leaves "
        "`%2F` in a path as it is, so an account with a slash in its name can be in the URI, which nobody "
        "else lets through.",
    ),
    "granian": Host(
        "granian",
        "`--interface wsgi`, 4 blocking threads",
        ("granian",),
        advice="As gthread, with one slow upload for each thread. A body that ends early, chunked or not, is handed "
        "over without an error. mm7_wsgi counts what has a length, and takes a chunked multipart only with "
        "its close delimiter.",
    ),
    "uvicorn-a2wsgi": Host(
        "uvicorn and a2wsgi",
        "`a2wsgi.WSGIMiddleware`",
        ("uvicorn", "a2wsgi"),
        advice="a2wsgi does not say that it marks the end of a chunked body, so none is taken. The "
        "access log shows the URI: `--no-access-log`.",
    ),
    "werkzeug": Host(
        "werkzeug's development server",
        "a thread for each request",
        ("werkzeug",),
        advice="For development. Of two lengths it believes the second. `//mm7` is `/mm7` there. It logs the URI.",
    ),
    "wsgiref": Host(
        "wsgiref",
        "one request at a time",
        (),
        advice="For trying things out. Of two lengths it believes the first. `//mm7` is `/mm7` there. It logs the URI.",
    ),
}
