"""A logger class that keeps passwords out of gunicorn's logs.

::

    gunicorn --logger-class mm7_wsgi.hosts.gunicorn.Logger --access-logfile access.log shop:application

or, in ``gunicorn.conf.py``, ``logger_class = "mm7_wsgi.hosts.gunicorn.Logger"``. Any ``access_log_format`` will do.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any, Final

from gunicorn import glogging

from ..credentials import whole_path
from ..masking import MaskingFilter, masked, masked_path, masked_text
from ..redaction import redacted

__all__ = ["Logger"]

_MASK: Final = "***"
# What of the line of a request stands in an access log, beside what its headers and its environ say.
_OF_THE_PEER: Final = ("a", "f", "q", "u")
# "Invalid HTTP Version: 'cret HTTP/1.1'": a piece of a line that was cut where a blank was.
_UNREAD: Final = re.compile("(Invalid request from ip=[^'\"]*).*", re.DOTALL)


class Logger(glogging.Logger):
    """gunicorn's own, with masked URIs and without credentials, in the access log and in the error log.

    What repeats a credential that the request shows (a query, a header of a proxy, the user) is masked as a whole. Of a
    request that gunicorn cannot read, it is said what is wrong with it, and not what it was. What the application
    writes to ``wsgi.errors`` or to the standard streams is written as it is.
    """

    def setup(self, cfg: Any) -> None:
        """As gunicorn's, which calls it again when its configuration is read again."""
        super().setup(cfg)
        self.error_log.addFilter(_FILTER)
        self.access_log.addFilter(_FILTER)

    def atoms(self, resp: Any, req: Any, environ: MutableMapping[str, Any], request_time: timedelta) -> Any:
        """What an access log can hold of a request."""
        atoms: dict[str, Any] = {**super().atoms(resp, req, environ, request_time)}
        whole = whole_path(environ)
        tail = whole.rfind("/", 0, whole.index("=")) if "=" in whole else -1
        theirs = {
            name: value
            for name, value in atoms.items()
            if isinstance(value, str) and (name in _OF_THE_PEER or name.endswith(("}e", "}i")))
        }
        clean = redacted({**environ, **theirs}, tail if tail >= 0 else None)
        for name, value in theirs.items():
            atoms[name] = masked_text(value) if name in clean and "authorization" not in name else _MASK
        # These have the secret where it belongs, so that what is before it can stay.
        atoms["U"] = atoms["{path_info}e"] = path = masked_path(environ.get("PATH_INFO", ""))
        if path.endswith(f"={_MASK}") and environ.get("QUERY_STRING"):
            atoms["q"] = atoms["{query_string}e"] = _MASK
        raw, mark, _ = masked(environ.get("RAW_URI", "")).partition("?")
        raw += f"?{atoms['q']}" if mark else ""
        atoms["{raw_uri}e"] = raw
        atoms["r"] = f"{environ['REQUEST_METHOD']} {raw} {environ['SERVER_PROTOCOL']}"
        return atoms


class _Filter(MaskingFilter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Also of what gunicorn could not read."""
        if isinstance(record.msg, str):
            record.msg = _UNREAD.sub(rf"\1{_MASK}", record.msg)
        return super().filter(record)


_FILTER: Final = _Filter()
