"""The HTTP body, whole: from ``wsgi.input`` to a buffer, counted and limited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from .protocol.buffer import IN_MEMORY, Buffer
from .protocol.errors import BadRequest, LengthRequired, LimitExceeded, UnsupportedMediaType
from .protocol.limits import Limits

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, WSGIEnvironment

#: What a Content-Length can be: digits, and no more of them than a number of 64 bits has.
CONTENT_LENGTH: Final = re.compile("[0-9]{1,19}")
_AT_ONCE: Final = 512 * 1024


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


def read_body(environ: WSGIEnvironment, length: int | None, limits: Limits, *, watched: bytes = b"") -> Buffer:
    """Read the body, whose ``length`` is None when it is chunked.

    Up to 1 MB stays in memory; more goes to an unlinked temporary file, where ``watched`` is what will be looked for:
    see :class:`Buffer`. The caller closes the buffer.

    Raises :class:`BadRequest` (400) where the client went away before its end, :class:`LimitExceeded` (413) for a
    chunked body that is too large, :class:`ServiceUnavailable` (4006) where there is no room for it.
    """
    if length is None or length <= IN_MEMORY:
        buffer = Buffer(watched=watched)
    else:  # no need to keep its beginning until it is seen to be large
        buffer = Buffer(in_memory=0, expected=length, watched=watched)
    try:
        for piece in _pieces(environ["wsgi.input"], length, limits):
            buffer.write(piece)
        return buffer.finish()
    except BaseException:
        buffer.close()
        raise


def _pieces(source: InputStream, length: int | None, limits: Limits) -> Iterator[bytes]:
    """What the server hands over: never more is asked for than was announced, and less is never taken for the whole."""
    # Of a chunked body one octet more than is allowed: one that is as long as is allowed ends before it.
    wanted = limits.body + 1 if length is None else length
    at_once = wanted if wanted <= IN_MEMORY else _AT_ONCE
    size = 0
    while size < wanted:
        try:
            piece = source.read(min(at_once, wanted - size))
        except Exception as error:
            # The client is gone, or the server says that its request is broken, for which it may have an exception of
            # its own, as gunicorn has for chunks. What else Python itself raises is our doing or the host's.
            if type(error).__module__ == "builtins" and not isinstance(error, (OSError, ValueError)):
                raise
            raise _broken_off(size, length) from error
        if not piece:
            break
        size += len(piece)
        yield piece
    if length is not None and size < length:
        raise _broken_off(size, length)
    if size > limits.body:
        raise _body_exceeded(limits)


def _broken_off(size: int, length: int | None) -> BadRequest:
    return BadRequest(
        details=f"the body broke off after {size} octets"
        if length is None
        else f"the body ended after {size} of {length} octets"
    )


def _body_exceeded(limits: Limits) -> LimitExceeded:
    return LimitExceeded(details=f"the body is larger than {limits.body} octets (body)")
