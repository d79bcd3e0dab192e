"""MM7 in each framework, in each of the ways that README and the examples show.

Whatever a framework has that could get in the way of a message is turned on: limits on bodies, checks against forged
forms, paths that are redirected. Each has a view at /hello, which says how much it got.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from mm7_wsgi import MM7Endpoint, MM7Middleware

#: Octets of body that the frameworks allow, where they can limit it: less than any message has.
MOST = 100

Application = Callable[..., Any]
Handler = Callable[[Any], Any]


def _function(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """An application that was written before there were frameworks."""
    is_there = environ["PATH_INFO"] == "/hello"
    octets = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK" if is_there else "404 Not Found", [("Content-Type", "text/plain")])
    return [b"%d" % len(octets)]


def function_wrap(handler: Handler, **settings: Any) -> Application:
    return MM7Middleware(_function, handler, **settings)


def dispatcher(handler: Handler, **settings: Any) -> Application:
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    return DispatcherMiddleware(_function, {"/mm7": MM7Endpoint(handler, **settings)})


def _flask() -> Any:
    from flask import Flask, request

    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MOST
    app.post("/hello")(lambda: str(len(request.get_data())))
    return app


def flask_wrap(handler: Handler, **settings: Any) -> Application:
    app = _flask()
    app.wsgi_app = MM7Middleware(app.wsgi_app, handler, **settings)
    wrapped: Application = app
    return wrapped


def flask_view(handler: Handler, **settings: Any) -> Application:
    from flask import request
    from werkzeug import Response

    app = _flask()
    endpoint = MM7Endpoint(handler, **settings)

    def mm7(rest: str = "") -> Response:
        return Response.from_app(endpoint, request.environ)

    app.add_url_rule("/mm7", view_func=mm7, methods=["GET", "POST"], strict_slashes=False)
    app.add_url_rule("/mm7/<path:rest>", view_func=mm7, methods=["GET", "POST"], merge_slashes=False)
    viewed: Application = app
    return viewed


def flask_extension(handler: Handler, **settings: Any) -> Application:
    from mm7_wsgi.hosts.flask import MM7

    app = _flask()
    app.config.update({f"MM7_{name.upper()}": value for name, value in settings.items()})
    MM7(handler, app)
    extended: Application = app
    return extended


def pyramid_wrap(handler: Handler, **settings: Any) -> Application:
    return MM7Middleware(_pyramid().make_wsgi_app(), handler, **settings)


def _pyramid() -> Any:
    from pyramid.config import Configurator
    from pyramid.response import Response

    config = Configurator(package="mm7_wsgi")  # which else it takes from the caller
    config.set_default_csrf_options(require_csrf=True)
    config.add_route("hello", "/hello")
    config.add_view(lambda request: Response(str(len(request.body))), route_name="hello", require_csrf=False)
    return config


def pyramid_include(handler: Handler, **settings: Any) -> Application:
    config = _pyramid()
    config.include("mm7_wsgi.hosts.pyramid")
    config.add_mm7_endpoint(handler, **settings)
    made: Application = config.make_wsgi_app()
    return made


def paste_filter(handler: Handler, **settings: Any) -> Application:
    from paste.deploy import loadapp

    # An ini file has names for things, so they have to be in a module.
    module = ModuleType("mm7_paste")
    vars(module).update(settings, handler=handler, host=lambda global_conf: _function)
    lines = ["[app:main]", "paste.app_factory = mm7_paste:host", "filter-with = mm7"]
    lines += ["[filter:mm7]", "use = egg:mm7_wsgi", "handler = mm7_paste:handler", "accounts = mm7_paste:accounts"]
    lines += [f"allow_chunked = {settings['allow_chunked']}"]
    sys.modules["mm7_paste"] = module
    try:
        with TemporaryDirectory() as folder:
            (Path(folder) / "mm7.ini").write_text("\n".join(lines))
            made: Application = loadapp(f"config:{folder}/mm7.ini")
    finally:
        del sys.modules["mm7_paste"]
    return made


def django_wrap(handler: Handler, **settings: Any) -> Application:
    from django.conf import settings as django_settings

    if not django_settings.configured:
        django_settings.configure()
    from django.core.handlers.wsgi import WSGIHandler
    from django.test.utils import override_settings

    checks = ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
    with override_settings(MIDDLEWARE=checks):
        app = WSGIHandler()

    def inside(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        with override_settings(
            ROOT_URLCONF=_django_urls(), ALLOWED_HOSTS=["*"], APPEND_SLASH=True, DATA_UPLOAD_MAX_MEMORY_SIZE=MOST
        ):
            return app(environ, start_response)

    return MM7Middleware(inside, handler, **settings)


def _django_urls() -> Any:
    from django.http import HttpResponse
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt

    urls = ModuleType("mm7_django")
    hello = csrf_exempt(lambda request: HttpResponse(str(len(request.body)), content_type="text/plain"))
    vars(urls)["urlpatterns"] = [path("hello", hello)]
    return urls


def _falcon() -> Any:
    import falcon

    class Hello:
        def on_post(self, req: Any, resp: Any) -> None:
            resp.content_type = falcon.MEDIA_TEXT
            resp.text = str(len(req.bounded_stream.read()))

    app = falcon.App()
    app.add_route("/hello", Hello())
    return app


def falcon_wrap(handler: Handler, **settings: Any) -> Application:
    return MM7Middleware(_falcon(), handler, **settings)


def falcon_sink(handler: Handler, **settings: Any) -> Application:
    from werkzeug import Response

    endpoint = MM7Endpoint(handler, **settings)

    def mm7(req: Any, resp: Any, **_: Any) -> None:
        answer = Response.from_app(endpoint, req.env)
        resp.status = answer.status
        resp.data = answer.get_data()
        resp.set_headers(list(answer.headers))

    app = _falcon()
    app.add_sink(mm7, re.compile(r"/mm7(?:/|\Z)"))
    sunk: Application = app
    return sunk


def _bottle() -> Any:
    from bottle import Bottle, request

    app = Bottle()
    app.post("/hello", callback=lambda: str(len(request.body.read())))
    return app


def bottle_wrap(handler: Handler, **settings: Any) -> Application:
    return MM7Middleware(_bottle(), handler, **settings)


def bottle_mount(handler: Handler, **settings: Any) -> Application:
    app = _bottle()
    app.mount("/mm7", MM7Endpoint(handler, **settings))
    mounted: Application = app
    return mounted
