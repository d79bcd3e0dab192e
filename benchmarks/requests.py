"""WSGI requests, and what is called with them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, Final

from mm7_wsgi import Limits, MM7Endpoint, MM7Request

from . import naive
from .messages import SECRET, USER, Message

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ACCOUNTS: Final = {USER: SECRET}
#: All the messages fit.
LIMITS: Final = Limits(body=64 * 1024 * 1024)
_AUTHORIZATION: Final = "Basic " + base64.b64encode(f"{USER}:{SECRET}".encode()).decode()


def visit(request: MM7Request) -> None:
    """Look at every leaf: the lazy host."""
    for part in request.leaves():
        part.content_type  # noqa: B018 - looked at


def decode(request: MM7Request) -> None:
    """Decode every leaf: the eager host."""
    for part in request.leaves():
        part.data  # noqa: B018 - decoded


def stream(request: MM7Request) -> None:
    """Decode every leaf piece by piece."""
    for part in request.leaves():
        with part.open() as source:
            while source.read(64 * 1024):
                pass


def ours(handler: Callable[[MM7Request], None]) -> WSGIApplication:
    """The endpoint."""
    return MM7Endpoint(handler, accounts=ACCOUNTS, limits=LIMITS)


#: The ways that a message is read, by name.
WAYS: Final[dict[str, Callable[[], WSGIApplication]]] = {
    "lazy": lambda: ours(visit),
    "eager": lambda: ours(decode),
    "open": lambda: ours(stream),
    "naive lazy": lambda: naive.application(ACCOUNTS, naive.visit),
    "naive eager": lambda: naive.application(ACCOUNTS, naive.decode),
}


def environ_of(content_type: str, length: int, *, path: str = "/mm7") -> WSGIEnvironment:
    """The environ of a POST, all but ``wsgi.input``."""
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(length),
        "HTTP_AUTHORIZATION": _AUTHORIZATION,
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_SOAPACTION": '""',
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def call(application: WSGIApplication, environ: WSGIEnvironment, source: IO[bytes]) -> bytes:
    """Send one request, and read its answer; raises ``RuntimeError`` unless it is 200 and 1000."""
    status = ""

    def start_response(line: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[[bytes], object]:
        nonlocal status
        status = line
        return lambda octets: None

    answer = application({**environ, "wsgi.input": source}, start_response)
    octets = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    if status != "200 OK" or b"<StatusCode>1000</StatusCode>" not in octets.replace(b"mm7:", b""):
        raise RuntimeError(f"{status}: {octets!r}")
    return octets


def sender(application: WSGIApplication, message: Message) -> Callable[[], bytes]:
    """A function that sends ``message`` once."""
    environ = environ_of(message.content_type, len(message.body))
    return lambda: call(application, environ, io.BytesIO(message.body))
