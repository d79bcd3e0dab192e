"""What the logs of others show of a request: their lines without the password of ``/mm7/account=password``.

Servers write the line of every request into a log, and frameworks the path of one that failed. For those that write it
by :mod:`logging`::

    logging.getLogger("werkzeug").addFilter(MaskingFilter())

gunicorn has a logger class for it, :mod:`mm7_wsgi.hosts.gunicorn`.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from typing import Any, Final

from .redaction import secrets_in

__all__ = ["MaskingFilter", "masked", "masked_path", "masked_text"]

_MASK: Final = "***"
# However often it was escaped: each of those who pass it on may escape what is escaped.
_SIGN: Final = re.compile("=|%(?:25)*3d", re.IGNORECASE)
_USER: Final = re.compile(r"(?<=://)[^/?\s]*@")


def masked(uri: str) -> str:
    """``uri``, or a path, with ``***`` in place of all that follows the first equals sign in its path.

    The sign may be escaped. A query behind it goes too, since a password may hold a question mark; other queries stay,
    but for a path with such a sign inside of one. So does user information: nobody should have sent any.

    >>> masked("/mm7/acme=s3cret"), masked("/search?q=1")
    ('/mm7/acme=***', '/search?q=1')
    """
    uri = _USER.sub(f"{_MASK}@", uri)
    start = 0
    while True:
        end = uri.find("?", start)
        match = _SIGN.search(uri, start, len(uri) if end < 0 else end)
        if match:
            return f"{uri[: match.start()]}={_MASK}"
        # In a query, equals signs are in the path of another URI only, as in "?next=/mm7/acme=s3cret".
        start = uri.find("/", end)
        if end < 0 or start < 0:
            return uri


def masked_path(path: str) -> str:
    """The same of a path as ``PATH_INFO`` has it: decoded, so that a question mark in it is a character as others."""
    match = _SIGN.search(path)
    return path if match is None else f"{path[: match.start()]}={_MASK}"


class MaskingFilter(logging.Filter):
    """Masks every URI, path and request line in the records of a logger or a handler, as :func:`masked` does.

    So it does in a traceback, from which it also takes what the request shows of secrets in any other spelling, where a
    frame of it has the request's ``environ`` by that name, as servers have. A record in which something was masked has
    text for its message and its traceback; the objects that they were made of are gone from it.

    A password by itself, in the words of somebody who took it out of its URI, is not found.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask ``record`` in place. It is always to be logged."""
        secrets = _secrets_of(record)
        try:
            message = record.getMessage()
        except Exception:  # logging itself would say so, and with which arguments
            message, record.args = f"{record.msg} (not with these arguments)", None
            record.msg = message
        clean = _clean(message, secrets)
        if clean != message:
            record.msg, record.args = clean, None
        if record.exc_info and record.exc_info[0] and not record.exc_text:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        for name in ("exc_text", "stack_info"):
            text = getattr(record, name)
            if text and (clean := _clean(text, secrets)) != text:
                setattr(record, name, clean)
                record.exc_info = None  # it would be written anew by those who have a form of their own for it
        for name in record.__dict__.keys() - _OWN:
            value = getattr(record, name)
            if isinstance(value, str):
                setattr(record, name, _clean(value, secrets))
        return True


# What every record has; the rest is what somebody added to it.
_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__)


def _secrets_of(record: logging.LogRecord) -> tuple[str, ...]:
    """What the request of the exception that is logged shows: it may be written into the message instead."""
    found: set[str] = set()
    _, _, trace = record.exc_info or sys.exc_info()
    for frame, _ in traceback.walk_tb(trace):
        environ: Any = frame.f_locals.get("environ")
        if isinstance(environ, dict):
            found.update(secrets_in(environ, None))
    return tuple(sorted(found, key=len, reverse=True))


def _clean(text: str, secrets: tuple[str, ...]) -> str:
    text = masked_text(text)
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return text


_PROTOCOL: Final = re.compile("( HTTP/[0-9])")
_METHOD: Final = re.compile(r"(?:(?<![A-Za-z])|(?<=[0-9]m))[A-Z]{3,20} +(?=[^ ]*/)")  # also behind a colour
# Between blanks. Other white space can be in a URI that a server took as it came.
_WORD: Final = re.compile("[^ \r\n]+")
_MEDIA_TYPE: Final = re.compile("[^A-Za-z]?(?:application|audio|image|message|multipart|text|video)/")
# What stands behind a URI rather than in it.
_CLOSING: Final = "\"'])>,;.:"
_AUTHORIZATION: Final = re.compile(
    # What follows Digest has blanks and quotes of its own, so the rest of the line goes with it.
    r"""(authorization["']?(?::|=|,)\ *(?:b(?=["']))?["']?)(?:digest\ [^\r\n]*|(?:(?:basic|bearer)\ +)?[^ "'\r\n]+)""",
    re.IGNORECASE,
)


def masked_text(text: str) -> str:
    """A line of a log, with every URI, path and request line in it masked, and what follows ``Authorization:``."""
    pieces = _PROTOCOL.split(text)
    for place in range(0, len(pieces) - 1, 2):
        # "POST /mm7/acme=s3 cret HTTP/1.1": between the method and the protocol, blanks are the URI's too.
        if match := _METHOD.search(pieces[place]):
            pieces[place] = pieces[place][: match.end()] + masked(pieces[place][match.end() :])
    text = _USER.sub(f"{_MASK}@", "".join(pieces))
    return _AUTHORIZATION.sub(rf"\1{_MASK}", _WORD.sub(lambda match: _masked_word(match[0]), text))


def _masked_word(word: str) -> str:
    slash = word.find("/")
    if slash < 0 or _MEDIA_TYPE.match(word):
        return word
    clean = masked(word[slash:])
    return word if clean == word[slash:] else word[:slash] + clean + word[len(word.rstrip(_CLOSING)) :]
