"""Requests as octets: good ones, and those that two readers could take for two different things.

Test modules load this with ``runpy``.
"""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path

_MAKE = runpy.run_path(str(Path(__file__).parents[1] / "conftest.py"))
PATH = "/mm7/acme=s3cret"


def message(transaction: str, content: bytes = b"hello") -> tuple[str, bytes]:
    """Content-Type and body of a SubmitReq with one part."""
    part = _MAKE["_part"](content, "Content-Type: application/octet-stream")
    content_type, body = _MAKE["_package"](_MAKE["_soap"](transaction=transaction), part)
    return content_type, body


def digest(content: bytes) -> str:
    """As the callback of ``served.py`` gives it."""
    return hashlib.sha256(content).hexdigest()


def post(
    transaction: str = "outer",
    content: bytes = b"hello",
    *more: str,
    path: str | bytes = PATH,
    lengths: tuple[str, ...] | None = None,
    body: bytes | None = None,
    version: str = "HTTP/1.1",
    line_end: str = "\r\n",
) -> bytes:
    """A request. ``lengths`` are lines in place of the Content-Length, ``more`` are further lines of the head.

    "{n}" in either is the length of the message; ``body`` stands in the place of the message. Lines are written in
    latin-1, so that any octet can be in them.
    """
    content_type, made = message(transaction, content)
    body = made if body is None else body
    lines = ["Host: mms.example", f"Content-Type: {content_type}", 'SOAPAction: ""']
    lines += ["Content-Length: {n}"] if lengths is None else lengths
    head = line_end.join([*lines, *more, "", ""]).replace("{n}", str(len(body))).encode("latin-1")
    target = path.encode() if isinstance(path, str) else path
    return b"POST %s %s%s%s%s" % (target, version.encode(), line_end.encode(), head, body)


def chunked(*pieces: bytes) -> bytes:
    """A chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


# What must never be served: it stands in each of those below. It has another boundary than what is around it, else that
# could be read as one message with something in front.
_SMUGGLED = post("smuggled").replace(b"outer", b"inner")
_, _MESSAGE = message("outer")
_TE = "Transfer-Encoding: chunked"

#: Content-Lengths that are none; behind the head come all octets of a good message.
LENGTHS = {
    "two that agree": ("Content-Length: {n}", "Content-Length: {n}"),
    "two that differ": ("Content-Length: {n}", "Content-Length: 5"),
    "two that differ, the other first": ("Content-Length: 5", "Content-Length: {n}"),
    "a list": ("Content-Length: {n}, {n}",),
    "a list that differs": ("Content-Length: 5, 6",),
    "negative": ("Content-Length: -5",),
    "with a plus": ("Content-Length: +{n}",),
    "hexadecimal": ("Content-Length: 0x5",),
    "with an underscore": ("Content-Length: 1_0",),
    "with a point": ("Content-Length: {n}.0",),
    "with an exponent": ("Content-Length: 1e3",),
    "with a blank inside": ("Content-Length: 1 2",),
    "with a tab inside": ("Content-Length: 1\t2",),
    "full-width digits": ("Content-Length: \xef\xbc\x95\xef\xbc\x96",),
    "superscript digits": ("Content-Length: \xb2",),
    "20 digits": ("Content-Length: 99999999999999999999",),
    "20 digits with zeros": ("Content-Length: 00000000000000000{n}",),
    "4,400 digits": (f"Content-Length: {'9' * 4400}",),
    "empty": ("Content-Length:",),
    "a blank before the colon": ("Content-Length : {n}",),
    "folded": ("Content-Length:\r\n {n}",),
    "a second one folded in": ("Content-Length: {n}", " Content-Length: 5"),
    "behind a bare line feed": ("X-Other: x\nContent-Length: {n}", "Content-Length: 5"),
    "behind a bare carriage return": ("X-Other: x\rContent-Length: 5",),
    "with a NUL": ("Content-Length: {n}\0",),
}

#: Whole requests with a second one in them, or behind what one of two readers takes for their end.
SMUGGLING = {
    "CL.TE": post(lengths=("Content-Length: {n}", _TE), body=b"0\r\n\r\n" + _SMUGGLED),
    "TE.CL": post(lengths=("Content-Length: 4", _TE), body=chunked(_SMUGGLED)),
    "TE before CL": post(lengths=(_TE, "Content-Length: {n}"), body=b"0\r\n\r\n" + _SMUGGLED),
    **{
        f"TE.TE, {name}": post(lengths=("Content-Length: {n}", *lines), body=b"0\r\n\r\n" + _SMUGGLED)
        for name, lines in {
            "xchunked": ("Transfer-Encoding: xchunked",),
            "more blanks": ("Transfer-Encoding:   chunked",),
            "a tab": ("Transfer-Encoding:\tchunked",),
            "a tab behind": ("Transfer-Encoding: chunked\t",),
            "a vertical tab": ("Transfer-Encoding: \x0bchunked",),
            "a blank before the colon": ("Transfer-Encoding : chunked",),
            "a blank before the name": ("X-Other: x", " Transfer-Encoding: chunked"),
            "chunked, identity": ("Transfer-Encoding: chunked, identity",),
            "identity, chunked": ("Transfer-Encoding: identity, chunked",),
            "chunked twice": ("Transfer-Encoding: chunked, chunked",),
            "two headers": (_TE, "Transfer-Encoding: x"),
            "two headers, the other first": ("Transfer-Encoding: x", _TE),
            "quoted": ('Transfer-Encoding: "chunked"',),
            "in capitals": ("TRANSFER-ENCODING: CHUNKED",),
            "folded": ("Transfer-Encoding:\r\n chunked",),
            "behind a bare line feed": ("X-Other: x\nTransfer-Encoding: chunked",),
            "behind a bare carriage return": ("X-Other: x\rTransfer-Encoding: chunked",),
            "with a NUL": ("Transfer-Encoding: chunked\0",),
            "with a letter of 8 bits": ("Transfer-Encoding: chunked\xa0",),
            "gzip": ("Transfer-Encoding: gzip",),
            "identity": ("Transfer-Encoding: identity",),
            "empty": ("Transfer-Encoding:",),
        }.items()
    },
    "chunked in HTTP/1.0": post(lengths=(_TE,), body=chunked(_MESSAGE) + _SMUGGLED, version="HTTP/1.0"),
    "chunked in HTTP/1.0 that is kept alive": post(
        "outer", b"", "Connection: keep-alive", lengths=(_TE,), body=b"0\r\n\r\n" + _SMUGGLED, version="HTTP/1.0"
    ),
    "two hosts": post("outer", b"", "Host: other.example"),
    "a header without a colon": post("outer", b"", "Transfer-Encoding chunked"),
    "a header without a name": post("outer", b"", ": chunked"),
}

HOST = "the wrapped application"
LOST = "the connection ended"
#: Paths by which nobody gets in, and what becomes of them with one server or another: a status, or one of those above.
PATHS: dict[bytes, set[int | str]] = {
    b"/": {HOST},
    b"/mm7x": {HOST},
    b"/mm7x/acme=s3cret": {HOST},
    b"/MM7/acme=s3cret": {HOST},
    b"//mm7/acme=s3cret": {HOST},
    b"/mm7//acme=s3cret": {HOST},
    b"/mm7/../x": {HOST},
    b"/mm7/%2e%2e/x": {HOST},
    b"/mm7/..%2fx": {HOST},
    b"/x/../mm7/acme=s3cret": {HOST},
    b"/mm7/other/acme=s3cret": {HOST},
    b"/mm7;x/acme=s3cret": {HOST},
    b"/mm7%00/acme=s3cret": {HOST, 400},
    b"/mm7/%00": {HOST, 400},
    b"/mm7/acme": {HOST},
    b"/mm7": {401},
    b"/mm7/": {401},
    b"/mm7?acme=s3cret": {401},
    b"/mm7/?acme=s3cret": {401},
    b"/mm7#acme=s3cret": {401, 400},
    b"/mm7/acme=": {401},
    b"/mm7/=s3cret": {401},
    b"/mm7/acme=wrong": {401},
    b"/mm7/acme=wrong?acme=s3cret": {401},
    b"/mm7/acme=wrong;acme=s3cret": {401},
    b"/mm7/acme=s3cret;params": {401},
    b"/mm7/acme=s3cret/": {401},
    b"/mm7/acme=s3cret/../acme=s3cret": {401},
    b"/mm7/acme=s3cret%20": {401},
    b"/mm7/acme=s3cret%00": {401, 400},
    b"/mm7/acme=s3cret%0d%0a": {401},
    b"/mm7/acme%00=s3cret": {401, 400},
    b"/mm7/ACME=s3cret": {401},
    b"/mm7%2facme=wrong": {401},
    b"/mm7/acme%3dwrong": {401},
    b"/mm7/acme%2f=s3cret": {HOST},
    b"/mm7/acme=%2fs3cret": {401},
    b"/mm7/%ff=%ff": {401},
    b"/mm7/acme=%ff": {401},
    b"/mm7/acme=\xff": {401, 400},
    b"/mm7/acme=\xef\xbd\x93cret": {401, 400},
    b"/mm7/acme=%zz": {401, 400},
    b"/mm7/192.0.2.7=": {401},
    b"http://mms.example/mm7/acme=wrong": {401},
    b"http://acme:s3cret@mms.example/mm7": {401, 400},
    b"http://mms.example//mm7/acme=s3cret": {HOST},
    b"mm7/acme=s3cret": {400, HOST},
    b"*": {400, HOST},
    b"": {400},
    b"/mm7/acme=s3cret HTTP/1.1 HTTP/1.1": {400},
    b"/mm7/acme=" + b"x" * 65536: {400, 414, LOST},
    b"/" + b"x" * 65536: {400, 414, LOST},
}
