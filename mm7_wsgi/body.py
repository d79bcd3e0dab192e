"""The HTTP body, whole: from ``wsgi.input`` to a buffer, counted and limited."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from werkzeug.wsgi import LimitedStream

from .protocol.buffer import IN_MEMORY, Buffer
from .protocol.errors import BadRequest, LengthRequired, LimitExceeded, UnsupportedMediaType
from .protocol.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: What a Content-Length can be: digits, and no more of them than a number of 64 bits has.
CONTENT_LENGTH: Final = re.compile("[0-9]{1,19}")
_AT_ONCE: Final = 256 * 1024


class _Input(LimitedStream):
    """The server's stream: never read beyond what was announced, and never mistaken for whole when it is not."""

    def on_disconnect(self, error: Exception | None = None) -> None:
        """The client is gone, or the server says that its request is broken."""
        raise BadRequest(details=f"the body ended after {self.tell()} of {self.limit} octets") from error


class _EndlessInput(_Input):
    """A stream whose end the server marks. Its length is only known when it has been read."""

    def on_disconnect(self, error: Exception | None = None) -> None:
        """The end, unless the server raised."""
        if error is not None:
            raise BadRequest(details=f"the body broke off after {self.tell()} octets") from error


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
        if allow_chunked and environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated"):
            return None
        raise LengthRequired(details="the request has no Content-Length")
    if not CONTENT_LENGTH.fullmatch(written):
        raise BadRequest(details=f"the Content-Length {written[:40]!r} is no number")
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise BadRequest(details="the request has a Content-Length and a Transfer-Encoding")
    length = int(written)
    if length > limits.body:
        raise _body_exceeded(limits)
    return length


def read_body(environ: WSGIEnvironment, length: int | None, limits: Limits) -> Buffer:
    """Read the body, whose ``length`` is None when it is chunked.

    Up to 1 MB stays in memory; more goes to an unlinked temporary file. The caller closes the buffer.

    Raises :class:`BadRequest` (400) where the client went away before its end, :class:`LimitExceeded` (413) for a
    chunked body that is too large, :class:`ServiceUnavailable` (4006) where there is no room for it.
    """
    source: Any = environ["wsgi.input"]
    if length is None:
        # One octet more than is allowed: a body that is as long as is allowed ends before it.
        stream: _Input = _EndlessInput(source, limits.body + 1, is_max=True)
    else:
        stream = _Input(source, length)
    buffer = Buffer()
    try:
        if length is not None and length <= IN_MEMORY:
            while buffer.size < length:
                buffer.write(stream.read(length - buffer.size))
        else:
            # Never asked for more than is left: werkzeug up to 3.1.3 at least mixes up the octets of a stream that
            # then gives less (a bytearray of the rest is put in the place of what was read).
            piece = memoryview(bytearray(_AT_ONCE))
            while left := stream.limit - stream.tell():
                count = stream.readinto(piece[:left])  # type: ignore[arg-type]
                if not count:
                    break
                buffer.write(piece[:count])
            if buffer.size > limits.body:
                raise _body_exceeded(limits)
        return buffer.finish()
    except BaseException:
        buffer.close()
        raise


def _body_exceeded(limits: Limits) -> LimitExceeded:
    return LimitExceeded(details=f"the body is larger than {limits.body} octets (body)")
