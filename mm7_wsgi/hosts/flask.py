"""MM7 as an extension of Flask.

::

    from mm7_wsgi.hosts.flask import MM7

    app = Flask(__name__)
    app.config["MM7_ACCOUNTS"] = "mm7-accounts.toml"  # beside the application
    MM7(Inbox(), app)

The settings are those of an endpoint (:func:`mm7_wsgi.hosts.settings.keywords`), under names as ``MM7_PATH`` and
``MM7_LIMITS_BODY``. ``app.config.from_prefixed_env()`` takes them from the environment: ``FLASK_MM7_STRICT=true``.
"""

from __future__ import annotations

from typing import Any

from flask import Flask

from ..endpoint import Handler
from ..middleware import MM7Middleware
from ..protocol.errors import MM7Error
from ..request import MM7Request
from .settings import keywords

__all__ = ["MM7"]


class MM7:
    """Adds MM7 to Flask applications: to ``app`` at once, to others by :meth:`init_app`.

    It stands before the application, so none of its hooks, limits, redirections and error pages are in the way of a
    message. The handler runs inside of an application context: ``current_app`` and ``g`` are there, ``request`` is not.
    A function of ``teardown_appcontext`` is handed what the handler raised, a refusal too; if it raises itself, the
    message counts as not accepted, and the peer is asked to send again.
    """

    def __init__(self, handler: Handler, app: Flask | None = None) -> None:
        self._handler = handler
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Serve MM7 before ``app``, as its settings ``MM7_…`` say now.

        ``app.extensions["mm7_wsgi"]`` is then the middleware. Raises ``RuntimeError`` where there is one already, and
        ``ValueError`` or ``TypeError`` that names the setting for one that cannot work.
        """
        if "mm7_wsgi" in app.extensions:
            raise RuntimeError(f"the application {app.name!r} has MM7 already; init_app is called once for each")
        handler = self._handler
        if not callable(handler) or isinstance(handler, type):
            MM7Middleware(app, handler, accounts={})  # says what is wrong with it

        def inside(request: MM7Request) -> Any:
            with app.app_context():
                outcome = handler(request)
                if isinstance(outcome, MM7Error):
                    raise outcome  # those who end a session at the end of the context have to hear of it
                return outcome

        settings = keywords(app.config, "MM7_", root=app.root_path)
        wrapped = MM7Middleware(app.wsgi_app, inside, **settings)
        app.wsgi_app = wrapped  # type: ignore[method-assign]
        app.extensions["mm7_wsgi"] = wrapped
