"""What ``served.py`` serves, for a server of ASGI."""

from __future__ import annotations

from a2wsgi import WSGIMiddleware
from served import application as served

application = WSGIMiddleware(served)  # type: ignore[arg-type]
