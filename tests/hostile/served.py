"""What the servers of these tests serve. Each callback leaves a line in a file, so that it can be seen from outside.

The server is started in the folder where this file is copied to and where the lines are wanted.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from mm7_wsgi import Limits, MM7Middleware, MM7Request

LIMITS = Limits()
ACCOUNTS = {"acme": "s3cret", "192.0.2.7": None}

# No file can grow beyond what one body may need. To be answered 413 therefore means that no more was written down.
resource.setrlimit(resource.RLIMIT_FSIZE, (LIMITS.body + 4096, LIMITS.body + 4096))


def hang() -> None:
    """As a callback does that waits for what never comes."""
    threading.Event().wait()


def fail() -> None:
    """As a callback does that has a mistake."""
    raise KeyError("a mistake of the host")


#: What the callback does besides, by the beginning of the TransactionID.
DEEDS: dict[str, Callable[[], object]] = {
    "raises": fail,
    "returns": lambda: "junk",
    "exits": lambda: sys.exit(1),
    "hangs": hang,
}


def handler(request: MM7Request) -> Any:
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
        "pid": os.getpid(),
    }
    with open("calls", "a") as calls:
        calls.write(json.dumps(line) + "\n")
    return DEEDS.get(request.transaction_id.partition("-")[0], lambda: None)()


def rest(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The application that is wrapped: it says which process it is."""
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "8")])
    return [b"%8d" % os.getpid()]


application = MM7Middleware(
    MM7Middleware(
        MM7Middleware(rest, handler, accounts=ACCOUNTS, limits=LIMITS),
        handler,
        path="/hasty",
        accounts=ACCOUNTS,
        limits=replace(LIMITS, discard_seconds=1),
    ),
    handler,
    path="/chunked",
    accounts=ACCOUNTS,
    limits=LIMITS,
    allow_chunked=True,
)
#: For a server whose every request comes from one proxy.
behind_proxy = ProxyFix(application, x_for=1)  # type: ignore[arg-type]
