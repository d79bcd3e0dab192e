"""The HTTP body, whole: from ``wsgi.input`` to a buffer, counted and limited; or read and dropped."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from .protocol.buffer import IN_MEMORY, Buffer
from .protocol.errors import BadRequest, LengthRequired, LimitExceeded, UnsupportedMediaType
from .protocol.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, WSGIEnvironment

#: What a Content-Length can be: digits, and no more of them than a number of 64 bits has.
CONTENT_LENGTH: Final = re.compile("[0-9]{1,19}")
_AT_ONCE: Final = 512 * 1024
# Bytes of a body to be dropped that are asked for at once: few where they come slowly, so that the clock is looked at.
_FEW: Final = 16
_MANY: Final = 64 * 1024
# Seconds in which so many bytes come quickly.
_QUICK: Final = 0.02
# Servers that answer ``Expect: 100-continue`` before they call the application, so that the body is on its way.
_CONTINUES_FIRST: Final = ("gunicorn",)
# Where servers give the socket of the connection.
_SOCKETS: Final = ("gunicorn.socket", "werkzeug.socket")


class Progress:
    """How far the body of one request was read."""

    __slots__ = ("is_over", "size")

    def __init__(self) -> None:
        #: Bytes that were read.
        self.size = 0
        #: Whether nothing more can be read: it was read to its end, or it broke off.
        self.is_over = False


def announced_length(environ: WSGIEnvironment, limits: Limits, *, allow_chunked: bool) -> int | None:
    """The length of the body by its headers; None for a chunked one that is allowed.

    Raises :class:`LengthRequired` (411), :class:`BadRequest` (400), :class:`LimitExceeded` (413),
    :class:`UnsupportedMediaType` (415) for a Content-Encoding.
    """
    coding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if coding not in ("", "identity"):
        raise UnsupportedMediaType(details=f"the Content-Encoding {coding[:40]!r} is not supported")
    written = environ.get("CONTENT_LENGTH") or ""
    if not written:
        coding = environ.get("HTTP_TRANSFER_ENCODING")
        if not coding:
            raise LengthRequired(details="the request has no Content-Length")
        if allow_chunked and environ.get("wsgi.input_terminated"):
            return None
        raise LengthRequired(
            details=f"the body comes with Transfer-Encoding: {coding[:40]}; chunked bodies are not taken, "
            "send a Content-Length"
        )
    if not CONTENT_LENGTH.fullmatch(written):
        raise BadRequest(details=f"the Content-Length {written[:40]!r} is no number")
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise BadRequest(details="the request has a Content-Length and a Transfer-Encoding")
    length = int(written)
    if length > limits.body:
        raise _body_exceeded(limits)
    return length


def read_body(
    environ: WSGIEnvironment,
    length: int | None,
    limits: Limits,
    *,
    watched: bytes = b"",
    progress: Progress | None = None,
) -> Buffer:
    """Read the body, whose ``length`` is None when it is chunked.

    Up to 1 MB stays in memory; more goes to an unlinked temporary file, where ``watched`` is what will be looked for:
    see :class:`Buffer`. The caller closes the buffer. ``progress`` is kept up to date, also where this raises.

    Raises :class:`BadRequest` (400) where the client went away before its end, :class:`LimitExceeded` (413) for a
    chunked body that is too large, :class:`ServiceUnavailable` (4006) where there is no room for it.
    """
    if length is None or length <= IN_MEMORY:
        buffer = Buffer(watched=watched)
    else:  # no need to keep its beginning until it is seen to be large
        buffer = Buffer(in_memory=0, expected=length, watched=watched)
    try:
        for piece in _pieces(environ["wsgi.input"], length, limits, progress or Progress()):
            buffer.write(piece)
        return buffer.finish()
    except BaseException:
        buffer.close()
        raise


def unread(environ: WSGIEnvironment, progress: Progress, limits: Limits) -> int:
    """Return how many bytes of the body may be left to drop, at most ``limits.discard``.

    It is 0 where the end of the body cannot be known: without a Content-Length, with one that is no number, with a
    Transfer-Encoding besides, or chunked on a server that does not mark the end. It is 0 too where the client may wait
    for ``100 Continue`` (RFC 9110, 10.1.1): many servers send that at the first read, and it must not come after the
    answer.
    """
    if not limits.discard_seconds:
        return 0
    if not progress.size and _waits_for_continue(environ):
        return 0
    written = environ.get("CONTENT_LENGTH") or ""
    if environ.get("HTTP_TRANSFER_ENCODING"):
        return limits.discard if not written and environ.get("wsgi.input_terminated") else 0
    if not CONTENT_LENGTH.fullmatch(written):
        return 0
    return min(limits.discard, int(written) - progress.size)


def _waits_for_continue(environ: WSGIEnvironment) -> bool:
    """Return whether the client may not have been told to send its body yet."""
    if "100-continue" not in environ.get("HTTP_EXPECT", "").lower():
        return False
    return not environ.get("SERVER_SOFTWARE", "").lower().startswith(_CONTINUES_FIRST)


def discard(environ: WSGIEnvironment, size: int, limits: Limits) -> None:
    """Read ``size`` bytes of the body and drop them, for ``limits.discard_seconds`` at most.

    Where a read waits for the client, only the server can end it. gunicorn and werkzeug's server hand over the socket
    of the connection: it is shut when the time is up. Elsewhere the clock is looked at between reads, and the timeout
    of the server ends the last one.
    """
    source = environ["wsgi.input"]
    at_once = _FEW
    now = monotonic()
    until = now + limits.discard_seconds
    with _shut_after(environ, limits.discard_seconds):
        while size > 0 and now < until:
            try:
                piece = source.read(min(at_once, size))
            except Exception as error:
                if not _is_of_client(error):
                    raise
                break  # the answer is on its way, and no other can be given
            if not piece:
                break
            size -= len(piece)
            before, now = now, monotonic()
            at_once = min(2 * at_once, _MANY) if now - before < _QUICK else _FEW


@contextmanager
def _shut_after(environ: WSGIEnvironment, seconds: int) -> Iterator[None]:
    """Shut the connection after so many seconds, where the server gives its socket and it carries one request."""
    connection: Any = next(filter(None, map(environ.get, _SOCKETS)), None)
    if connection is None or not environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1"):
        yield
        return
    timer = threading.Timer(seconds, _shut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # else it might shut the connection under the next request


def _shut(connection: Any) -> None:
    # In both directions: what is left of the body must not be taken for the next request.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _pieces(source: InputStream, length: int | None, limits: Limits, progress: Progress) -> Iterator[bytes]:
    """What the server hands over: never more is asked for than was announced, and less is never taken for the whole."""
    # Of a chunked body one octet more than is allowed: one that is as long as is allowed ends before it.
    wanted = limits.body + 1 if length is None else length
    at_once = wanted if wanted <= IN_MEMORY else _AT_ONCE
    size = 0
    while size < wanted:
        try:
            piece = source.read(min(at_once, wanted - size))
        except Exception as error:
            progress.is_over = True
            if not _is_of_client(error):
                raise
            raise _broken_off(size, length) from error
        if not piece:
            progress.is_over = True
            break
        progress.size = size = size + len(piece)
        if size == length:
            progress.is_over = True
        yield piece
    if length is not None and size < length:
        raise _broken_off(size, length)
    if size > limits.body:
        raise _body_exceeded(limits)


def _is_of_client(error: Exception) -> bool:
    """Return whether what a server raised for a read says that the client is gone, or that its request is broken.

    For the latter it may have an exception of its own, as gunicorn has for chunks. What else Python itself raises is
    our doing or the host's.
    """
    return type(error).__module__ != "builtins" or isinstance(error, (OSError, ValueError))


def _broken_off(size: int, length: int | None) -> BadRequest:
    return BadRequest(
        details=f"the body broke off after {size} octets"
        if length is None
        else f"the body ended after {size} of {length} octets"
    )


def _body_exceeded(limits: Limits) -> LimitExceeded:
    return LimitExceeded(details=f"the body is larger than {limits.body} octets (body)")
