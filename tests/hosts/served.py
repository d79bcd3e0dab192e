"""What the servers of this table serve. Each callback leaves a line in a file, so that it can be seen from outside.

The server is started in the folder where this file is copied to and where the lines are wanted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from mm7_wsgi import AddressNotFound, MM7Middleware, MM7Request

ACCOUNTS = {"acme": "s3cret", "slash": "pass/word", "percent": "pass%2Fword", "ac/me": "s3cret", "192.0.2.7": None}
CALLS = Path("calls")
#: Holds how many seconds a callback waits for another one that is to run at the same time.
PATIENCE = Path("patience")

# Which requests got as far as the endpoint.
logging.getLogger("mm7_wsgi").addHandler(logging.FileHandler("answered"))
logging.getLogger("mm7_wsgi").setLevel(logging.INFO)


def handler(request: MM7Request) -> None:
    """Read everything, leave a line, and do what the TransactionID says."""
    digest = hashlib.sha256()
    for part in request.leaves():
        with part.open() as stream:
            while piece := stream.read(65536):
                digest.update(piece)
    line = {
        "transaction": request.transaction_id,
        "account": request.account.name,
        "digest": digest.hexdigest(),
        "message_id": request.message_id,
    }
    with CALLS.open("a") as calls:
        calls.write(json.dumps(line) + "\n")
    deed, _, which = request.transaction_id.partition("-")
    if deed == "refused":
        raise AddressNotFound(details="nobody")
    if deed == "pair":
        meet({"one": "pair-other", "other": "pair-one"}[which])


def meet(other: str) -> None:
    """Wait for the callback of another request, and leave a file if it came."""
    end = time.monotonic() + float(PATIENCE.read_text())
    while f'"{other}"' not in CALLS.read_text():
        if time.monotonic() > end:
            return
        time.sleep(0.01)
    Path(f"met-{other}").touch()


def rest(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The application that is wrapped: it says what it got."""
    length = environ.get("CONTENT_LENGTH") or ""
    found = {
        "path": environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
        "octets": len(environ["wsgi.input"].read(int(length))) if length.isdigit() else None,
        "forwarded": environ.get("HTTP_X_FORWARDED_FOR"),
    }
    body = json.dumps(found).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


_application = MM7Middleware(
    MM7Middleware(rest, handler, accounts=ACCOUNTS), handler, path="/chunked", accounts=ACCOUNTS, allow_chunked=True
)


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """What is served. It leaves a sign when the server calls it."""
    Path("called").touch()
    return _application(environ, start_response)


#: For a server whose every request comes from one proxy.
behind_proxy = ProxyFix(application, x_for=1)  # type: ignore[arg-type]
