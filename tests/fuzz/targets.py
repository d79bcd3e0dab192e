"""What is fuzzed, and what has to hold for every input: pure Python, for the fuzzer, for pytest and for a person.

A target is a function of octets that asserts invariants; whatever it raises is a finding. Its octets are readable:

* ``request``: an HTTP request. Without a request line, one to an account that exists; without a Content-Length and a
  Transfer-Encoding, the length is the true one.
* ``framing`` and ``soap``: headers, an empty line and a body; all is body where there are no headers.
* ``headers``: one header value.
* ``credentials``: lines of ``KEY: value``, the keys of an environ.

Limits are small, so that a small input reaches them. Run as a script, it takes files through a target by name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import logging
import os
import re
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from mm7_wsgi import Account, Dialect, Element, Limits, MM7Error, MM7Middleware, MM7Request, Part, redaction
from mm7_wsgi import body as body_module
from mm7_wsgi.credentials import UNPRESENTABLE, find_credentials, find_tail, owned, split_uri
from mm7_wsgi.digest import Digest
from mm7_wsgi.protocol import headers as headers_module
from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.charset import codec, decode_text
from mm7_wsgi.protocol.deviations import CATALOGUE, Deviations
from mm7_wsgi.protocol.errors import ContentError, Unauthorized
from mm7_wsgi.protocol.headers import (
    bare_id,
    content_id,
    is_bracketed,
    parse_content_type,
    parse_href,
    readable,
)
from mm7_wsgi.protocol.messages import (
    Fault,
    Message,
    read_answer,
    read_request,
    write_fault,
    write_message,
)
from mm7_wsgi.protocol.mime import delimiter_line, describe, read_parts
from mm7_wsgi.protocol.package import Package, check_content_type
from mm7_wsgi.protocol.reframe import named_boundary
from mm7_wsgi.protocol.soap import (
    MM7,
    SOAP,
    Transaction,
    check_answer,
    check_envelope,
    divide_envelope,
    is_mm7,
    parse_xml,
    split_name,
    tidy,
    to_utf8,
    write_envelope,
)
from mm7_wsgi.redaction import redacted, secrets_in
from mm7_wsgi.resolvers import as_resolver, identify

LIMITS = Limits(
    body=128 * 1024,
    envelope=32 * 1024,
    elements=300,
    depth=14,
    attributes=8,
    namespace=120,
    parts=12,
    mime_depth=4,
    header_line=400,
    headers=12,
    recipients=20,
    discard=0,  # what is dropped after an answer is no part of its judgement
)
SECRET = "s3cret"
ACCOUNTS: dict[str, Any] = {
    "acme": SECRET,
    "news": "pa/ss=w\u00f6rd",
    "192.0.2.7": None,
    "plain": Account("plain", SECRET, dialect=Dialect(fault_http_status=200, prefix="", namespace=MM7)),
    "old": Account("old", SECRET, dialect=Dialect(prefix="env", mm7_version="5.3.0"), addresses=["192.0.2.0/24"]),
}

# Control characters, what ends a line for somebody, and halves of characters.
CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
FIELD_VALUE = re.compile("[\x21-\x7e\xa0-\xff]([\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?")  # RFC 9110, 5.5
STATUS = re.compile("[1-5][0-9]{2} [\x20-\x7e]+")
FAULT_CODES = {"Client", "Server", "Client.TransactionID", "MustUnderstand", "VersionMismatch"}
#: What an answer that echoes its request can have irregular, since the request has.
ECHOED = {"transaction-missing", "namespace-foreign", "namespace-mixed", "namespace-missing", "version-unlisted"}


@contextlib.contextmanager
def nothing_left_open() -> Iterator[None]:
    """Whatever is opened inside is closed at the end: the lowest free descriptor is the same as before."""
    before = _lowest_free()
    yield
    assert _lowest_free() == before, "a file was left open"


def in_a_file(number: int) -> bool:
    """Whether an input of that size or sum is tried with a file as well: that costs more than all the rest."""
    return number % 8 == 1


def _lowest_free() -> int:
    descriptor = os.open(os.devnull, os.O_RDONLY)
    os.close(descriptor)
    return descriptor


# -- headers


def check_headers(octets: bytes) -> None:
    """A header value, as the latin-1 that servers make of it and as the UTF-8 that it may be."""
    written = octets.decode("latin-1")
    text = readable(written)
    assert text in (written, octets.decode("utf-8", "replace"))
    for value in {written, text}:
        _check_header(value)


def _check_header(value: str) -> None:
    parsed = parse_content_type(value)
    fast, general = headers_module._parse(value), headers_module._parse_any(value)
    assert parsed == fast == general, f"the fast way reads {fast}, the general way {general}"
    assert parsed.value == parsed.value.strip().lower()
    assert parsed.is_multipart == parsed.value.startswith("multipart/")
    assert all(name == name.lower() for name in parsed.parameters)
    assert parsed.ambiguous <= parsed.parameters.keys()
    assert bool(parsed.boundary) == bool(parsed.parameters.get("boundary"))
    bare = content_id(value)
    # An escaped bracket is borne once on either side, since nobody writes two.
    is_escaped_again = "&lt;" in bare or "&gt;" in bare
    assert content_id(bare) == bare or is_escaped_again, "content_id is not idempotent"
    assert not is_bracketed(value) or (content_id(value) and len(value.strip()) > 2)
    assert bare_id(bare_id(value)) == bare_id(unquote(value).casefold())
    reference = parse_href(value)
    assert reference.text == value.strip()
    assert reference.locations[0] in reference.text
    assert not reference.is_cid or reference.text[:3].lower() == "cid"
    if value.strip():
        assert parse_href(f"cid:{value}").locations[0] == value.strip()
    for charset in (value, parsed.parameters.get("charset"), None):
        text = decode_text(value.encode("latin-1", "ignore"), charset)
        assert text == decode_text(value.encode("latin-1", "ignore"), charset)
        assert charset is None or codec(charset) == codec(charset)
    with contextlib.suppress(MM7Error):
        assert check_content_type(value, LIMITS).value == parse_content_type(readable(value)).value


# -- framing

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\r\n]*)\r?\n")
_FOLD = re.compile(rb"[ \t]+([^\r\n]+)\r?\n")


def split_entity(octets: bytes) -> tuple[list[tuple[str, str]], bytes]:
    """The headers, unfolded and as latin-1, and the body; all is body where there is no head."""
    headers: list[tuple[bytes, bytes]] = []
    place = 0
    while not octets.startswith((b"\r\n", b"\n"), place):
        line = octets[place : octets.find(b"\n", place) + 1]
        if (field := _FIELD.fullmatch(line)) is not None:
            headers.append((field[1], field[2]))
        elif headers and (fold := _FOLD.fullmatch(line)) is not None:
            headers[-1] = (headers[-1][0], b"%s %s" % (headers[-1][1], fold[1]))
        else:
            return [], octets
        place += len(line)
    if not headers:
        return [], octets
    body = octets[octets.index(b"\n", place) + 1 :]
    return [(name.decode("latin-1"), value.strip(b" \t").decode("latin-1")) for name, value in headers], body


def _content_type_of(headers: list[tuple[str, str]]) -> str | None:
    return next((value for name, value in headers if name.lower() == "content-type"), None)


def check_framing(octets: bytes) -> None:
    """A multipart, divided by the tolerant reader and by the strict one, from memory and from a file."""
    headers, body = split_entity(octets)
    header = _content_type_of(headers) or "multipart/related"
    try:
        content_type = check_content_type(header, LIMITS)
    except MM7Error:
        return
    with nothing_left_open():
        with Buffer(body) as buffer:
            tolerant = _divided(content_type, buffer, strict=False)
            strict = _divided(content_type, buffer, strict=True)
            named = named_boundary(buffer)
            assert named is None or named in body
        if body and in_a_file(zlib.crc32(body)):
            step = 1 + len(body) // 40
            with Buffer(in_memory=0, expected=len(body), watched=delimiter_line(content_type.boundary)) as buffer:
                for offset in range(0, len(body), step):
                    buffer.write(body[offset : offset + step])
                filed = _divided(content_type, buffer.finish(), strict=False)
            assert filed == tolerant, "from a file it is read otherwise than from memory"
    if strict.parts is not None:
        assert strict == tolerant, "strict and tolerant read it otherwise"
        assert not tolerant.deviations
    elif tolerant.parts is not None:
        assert tolerant.deviations, f"tolerant has no name for what strict refuses: {strict.refusal}"


@dataclasses.dataclass(frozen=True)
class Divided:
    """What came of a multipart: its parts as values, or the refusal."""

    parts: Any = None
    deviations: tuple[str, ...] = ()
    refusal: str | None = None


def _divided(content_type: Any, buffer: Buffer, *, strict: bool) -> Divided:
    deviations = Deviations(strict=strict)
    try:
        parts, made, _ = read_parts(content_type, buffer, LIMITS, deviations)
    except MM7Error as refusal:
        return Divided(refusal=str(refusal))
    try:
        assert sum(map(_count, parts)) <= LIMITS.parts
        check_parts(parts, buffer, 0, buffer.size)
        noted = tuple(map(str, deviations))
        assert all(deviation.name in CATALOGUE for deviation in deviations)
        return Divided(tuple(map(shape_of, parts)), noted)
    finally:
        for other in made:
            other.close()
        for part in leaves(parts):
            if made and part._buffer in made and part.size:
                _expect(ValueError, lambda part=part: part.data)


def _expect(error: type[Exception], call: Callable[[], Any]) -> None:
    try:
        call()
    except error:
        return
    raise AssertionError(f"there was no {error.__name__}")


def _count(part: Part) -> int:
    return 1 + sum(map(_count, part.parts))


def leaves(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield from part.leaves()


def check_parts(parts: tuple[Part, ...], buffer: Buffer, start: int, end: int, depth: int = 1) -> None:
    """The parts of one level lie inside of it, in order, and none in another."""
    assert depth <= LIMITS.mime_depth
    place = start
    for part in parts:
        assert part._buffer is buffer
        assert place <= part._start <= part._end <= end, "a part lies outside, or in another"
        place = part._end
        if part.parts:
            inside = part.parts[0]._buffer
            if inside is buffer:
                check_parts(part.parts, buffer, part._start, part._end, depth + 1)
            else:
                check_parts(part.parts, inside, 0, inside.size, depth + 1)
        check_part(part)


def check_part(part: Part) -> None:
    """One part says of itself what can be, and gives the same octets in whatever way."""
    assert len(part._headers) <= LIMITS.headers
    # The parser counts the line, and a fold is a blank.
    assert all(len(name) + len(value) <= LIMITS.header_line for name, value in part._headers)
    assert not any("\r" in value or "\n" in value for _, value in part._headers)
    assert [name for name, _ in part.headers] == [name for name, _ in part._headers]
    assert part.content_type == part.content_type.lower()
    described = (repr(part), describe(part), part.filename, part.charset, part.content_location, part.has_odd_id)
    assert described[0].startswith("<Part ")
    assert part.is_multipart or not part.parts
    assert part.is_multipart or list(part.leaves()) == [part]
    whole = _octets_of(lambda: part.data)
    assert _octets_of(lambda: _in_pieces(part, 1 + part.size // 3)) == whole, "open() and data differ"
    if in_a_file(part.size):
        assert _octets_of(lambda: _saved(part)) == whole, "save() and data differ"
    if isinstance(whole, bytes):
        assert part.is_multipart or len(whole) <= part.size
        assert isinstance(part.text, str)


def _octets_of(read: Callable[[], bytes]) -> bytes | str:
    try:
        return read()
    except ContentError as refusal:
        # Which character is named first depends on where a piece ends.
        return re.sub("holds b.*", "holds", refusal.details or "")


def _in_pieces(part: Part, size: int) -> bytes:
    with part.open() as stream:
        return b"".join(iter(lambda: stream.read(size), b""))


def _saved(part: Part) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part"
        try:
            part.save(path)
        except ContentError:
            assert not path.exists(), "half a file was left behind"
            raise
        return path.read_bytes()


def shape_of(part: Part) -> Any:
    """A part as a value, with all that a host can ask of it."""
    return (
        tuple(part._headers),
        part._start,
        part._end,
        part.content_id,
        part.filename,
        _octets_of(lambda: part.data),
        tuple(map(shape_of, part.parts)),
    )


# -- SOAP


def check_soap(octets: bytes) -> None:
    """An envelope: what is read of it, written and read again is the same."""
    headers, body = split_entity(octets)
    content_type = parse_content_type(readable(_content_type_of(headers) or "text/xml"))
    charset = content_type.parameters.get("charset")
    for as_answer in (False, True):
        tolerant = _understood(body, charset, as_answer=as_answer, strict=False)
        strict = _understood(body, charset, as_answer=as_answer, strict=True)
        if strict is not None:
            assert tolerant is not None
            assert strict == tolerant, "strict and tolerant read it otherwise"
            assert not tolerant.deviations
        if tolerant is not None:
            assert strict is not None or tolerant.deviations, "what strict refuses has no name"
            check_written(tolerant, ("", "mm7", "env")[len(body) % 3], as_answer=as_answer)


@dataclasses.dataclass(frozen=True)
class Understood:
    """An envelope as it was read."""

    transaction_id: str | None
    message: Any
    deviations: tuple[str, ...]
    namespace: str | None


def _understood(octets: bytes, charset: str | None, *, as_answer: bool, strict: bool) -> Understood | None:
    deviations = Deviations(strict=strict)
    try:
        root = parse_xml(to_utf8(octets, charset, deviations), LIMITS)
        envelope = divide_envelope(root, deviations)
        message: Any
        if as_answer:
            operation = check_answer(envelope, deviations)
            message = read_answer(operation, LIMITS, deviations)
        else:
            operation = check_envelope(envelope, deviations)
            message = read_request(operation, LIMITS, deviations)
    except MM7Error:
        return None
    namespace = tidy(split_name(operation.tag)[1])
    if namespace is None or not is_mm7(namespace):
        namespace = MM7
    return Understood(envelope.transaction_id, message, tuple(map(str, deviations)), namespace)


def check_written(understood: Understood, prefix: str, *, as_answer: bool) -> None:
    """What was read can be written; and the standard library and our reader read that as the same."""
    written = _written(understood, prefix)
    ElementTree.fromstring(written)
    again = _understood(written, "utf-8", as_answer=as_answer, strict=False)
    assert again is not None, f"what was written is refused: {written!r}"
    if understood.transaction_id is not None:
        assert again.transaction_id == understood.transaction_id
    assert _bare(again.message) == _bare(understood.message)
    assert _written(again, prefix) == written, "once more it is written otherwise"


def _bare(message: Any) -> Any:
    """Without the elements that the schema does not have, since some stood where they meant something else.

    Details that hold elements are one themselves, in the namespace of the message, which is written without blanks.
    """
    if isinstance(message, Fault):
        return dataclasses.replace(message, error=None if message.error is None else _bare(message.error))
    status = getattr(message, "status", None)
    if status is not None and isinstance(status.details, Element):
        details = status.details
        details = Element("Details", attributes=details.attributes, text=details.text, children=details.children)
        message = dataclasses.replace(message, status=dataclasses.replace(status, details=details))
    return dataclasses.replace(message, extensions=())


def _written(understood: Understood, prefix: str) -> bytes:
    message: Message | Fault = understood.message
    write = write_fault if isinstance(message, Fault) else write_message
    transaction = None if understood.transaction_id is None else Transaction(understood.transaction_id, MM7)
    return write_envelope(write(message, understood.namespace, prefix), transaction, prefix)  # type: ignore[arg-type]


# -- credentials

_RESOLVER = as_resolver(ACCOUNTS)
_DIGEST = Digest()
_PATH = "/mm7"
_SHOWN = re.compile(r"(?m)^([A-Za-z_.]{1,40}):[ \t]?(.*?)\r?$")


def check_credentials(octets: bytes) -> None:
    """What a request shows of who sends it, from the keys of an environ."""
    environ: dict[str, Any] = {"wsgi.errors": None}
    environ.update((key, value) for key, value in _SHOWN.findall(octets.decode("latin-1")) if value is not None)
    whole = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    index = find_tail(environ, _PATH)
    if index is not None:
        assert whole[:index].endswith(_PATH)
        assert whole[index:][:1] in ("", "/")
    is_ours = owned(environ.get("PATH_INFO", ""), _PATH)
    if is_ours and not environ.get("SCRIPT_NAME"):
        assert index == len(_PATH)
    places = {None, index}
    if is_ours:
        places.add(len(environ.get("SCRIPT_NAME", "")) + len(_PATH))
    for place in places:
        _check_shown(environ, whole, place)


def _check_shown(environ: dict[str, Any], whole: str, index: int | None) -> None:
    before = dict(environ)
    spellings = secrets_in(environ, index)
    assert "" not in spellings
    assert list(spellings) == sorted(spellings, key=lambda text: (-len(text), text))
    clean = redacted(environ, index)
    assert clean.keys() <= environ.keys()
    assert not [key for key in clean if key.endswith("AUTHORIZATION")]
    if index is not None:
        for key in {"SCRIPT_NAME", "PATH_INFO"} & environ.keys():
            begins = (environ[key], whole, "".join(split_uri(environ[key])), "".join(split_uri(whole)))
            assert any(text.startswith(clean[key]) for text in begins)
        ours = whole[:index]
        path = clean.get("SCRIPT_NAME", "") + clean.get("PATH_INFO", "")
        assert path in (ours, "") or "@" in ours  # user information in an absolute form is left out
        tail = whole[index + 1 :]
        is_telling = len(tail) >= 4 or "=" in tail  # else it is part of too many words to be told from them
        for key, value in clean.items():
            if isinstance(value, str) and is_telling and "/" + tail in value:
                assert key in redaction._KEPT, f"{key} repeats the tail"
    with contextlib.suppress(Unauthorized):
        for credentials in find_credentials(environ, index, digest=_DIGEST):
            assert (credentials.source == "digest") == (credentials.digest is not None)
            assert credentials.digest is None or _RESOLVER.resolve(credentials) is None, "nobody knows a right response"
            assert credentials.digest is None or not credentials.digest.fresh
    try:
        shown = find_credentials(environ, index)
    except Unauthorized:
        return
    finally:
        assert environ == before
    assert 1 <= len(shown) <= 2
    for credentials in shown:
        assert credentials.source in ("uri", "basic", "address")
        if credentials.source == "address":
            assert credentials.name is None
            assert credentials.secret is None
            continue
        assert credentials.name is not None
        assert credentials.secret is not None
        assert not UNPRESENTABLE.search(credentials.name + credentials.secret)
        secret = credentials.secret
        if secret:
            assert secret in spellings, "a secret is not among what is taken out of a traceback"
            if len(secret) > 3:
                assert secret not in repr(credentials).replace(repr(credentials.name), "")
                _check_redacted(environ, clean, whole, index, secret)
    with contextlib.suppress(Unauthorized):
        account = identify(_RESOLVER, shown)
        assert account.name in ACCOUNTS
        assert account.name == shown[0].name or shown[0].source == "address"


def _check_redacted(
    environ: Mapping[str, Any], clean: Mapping[str, Any], whole: str, index: int | None, secret: str
) -> None:
    """The secret is nowhere in what the handler sees, but where it stands by chance, for all that can be known."""
    for key in ("SCRIPT_NAME", "PATH_INFO"):
        assert secret not in clean.get(key, "") or index is None or secret in whole[:index]
    for key in ("RAW_URI", "REQUEST_URI"):
        if index is not None and secret in clean.get(key, ""):
            # The host's name and the query are the peer's own, and the path is the one before the tail.
            assert secret in unquote(whole[:index]) or secret in environ[key].partition("?")[2] or "://" in environ[key]


# -- whole requests


class Legacy:
    """The wrapped application: it keeps what it was given."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.got.append(environ)
        start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "9")])
        return [b"not here\n"]


class Broken(Exception):
    """What the handler raises where it is to break."""


class Handler:
    """Reads all of a request, and does what the transaction's name says, by a sum of its octets."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.message_ids: list[str] = []

    def __call__(self, request: MM7Request) -> Any:
        parts = [*request.attachments, *([] if request.content is None else [request.content])]
        for part in parts:
            check_part(part)
        assert len(list(request.leaves())) == len(list(leaves(parts)))
        environ = dict(request.environ)
        assert not [key for key in environ if key.endswith("AUTHORIZATION")]
        environ = {key: value for key, value in environ.items() if isinstance(value, str)}
        self.got.append((request.message, request.transaction_id, request.account.name, list(map(shape_of, parts))))
        self.message_ids.append(request.message_id)
        assert repr(request).startswith("<MM7Request ")
        values = [getattr(request.message, field.name) for field in dataclasses.fields(request.message)]
        texts = [str(value) for value in values if isinstance(value, str)]
        text = f"{' '.join(texts)} {request.transaction_id}"
        choice = zlib.crc32(request.transaction_id.encode()) % 16
        if choice == 0:
            return request.failure(2000 + len(text) % 8000, text, details=text[::-1])
        if choice == 1:
            raise request.failure(4006, details=text)
        if choice == 2:
            raise Broken(text, environ, request)
        if choice == 3:
            raise Broken(f"{text}\n{environ}") from KeyError(text)
        if choice == 4:
            return "no answer at all"
        if choice == 5 and not request.message.response.bare_status:
            return request.partial(details=text)
        if choice == 6 and "message_id" in request.message.response.layout.fields:
            return request.success(message_id=text)
        return None


class Log(logging.Handler):
    """Keeps what the package logs, and judges it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.failed: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        self.lines.append(line)
        event = record.event  # type: ignore[attr-defined]
        if event == "error":
            self.failed.append(line)
        else:
            assert "\n" not in line

    @contextlib.contextmanager
    def listening(self) -> Iterator[Log]:
        logger = logging.getLogger("mm7_wsgi")
        level, propagates = logger.level, logger.propagate
        self.lines.clear()
        self.failed.clear()
        logger.addHandler(self)
        logger.setLevel(logging.INFO)
        logger.propagate = False
        try:
            yield self
        finally:
            logger.propagate = propagates
            logger.setLevel(level)
            logger.removeHandler(self)


class Stream:
    """A ``wsgi.input`` that hands over as many octets at a time as it is told, and never more than there are."""

    def __init__(self, octets: bytes, most: int, length: int | None) -> None:
        self._stream = io.BytesIO(octets)
        self._most = most
        self._left = length
        self.reads = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "it was not said how much may be read"
        if self._left is not None:
            assert size <= self._left, "more was asked for than was announced"
        self.reads += 1
        piece = self._stream.read(min(size, self._most))
        if self._left is not None:
            self._left -= len(piece)
        return piece


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a client would have got, and what happened meanwhile."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    got: tuple[Any, ...]
    reads: int
    lines: tuple[str, ...]


_REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) (/[^\s]*|[a-z]+://[^\s]*|\*) HTTP/1\.[01]\r?\n")
_LINE = b"POST /mm7/acme=s3cret HTTP/1.1\r\n"
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")


def environ_of(octets: bytes) -> tuple[dict[str, Any], bytes]:
    """The environ that a server makes of a request, without its streams; and its body."""
    line = _REQUEST_LINE.match(octets)
    if line is None:
        octets = _LINE + octets
        line = _REQUEST_LINE.match(octets)
        assert line is not None
    method, target = line[1].decode("latin-1"), line[2].decode("latin-1")
    rest = octets[line.end() :]
    if rest.startswith((b"\r\n", b"\n")):  # no headers
        headers, body = [], rest.partition(b"\n")[2]
    else:
        headers, body = split_entity(rest)
    path, _, query = re.sub("^[a-z]+://[^/?]*", "", target).partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": _ESCAPE.sub(lambda match: chr(int(match[1], 16)), path),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_NAME": "mms.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        if not TOKEN.fullmatch(name) or "_" in name or "\0" in value:  # the server refuses it, or passes it over
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ and key != "HTTP_AUTHORIZATION" else value
    if "CONTENT_LENGTH" not in environ:
        if "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input_terminated"] = True
        else:
            environ["CONTENT_LENGTH"] = str(len(body))
    return environ, body


class Site:
    """An application with MM7 in front of it, as it is fuzzed."""

    def __init__(self, *, strict: bool, handler: Handler | None = None) -> None:
        self.legacy = Legacy()
        self.handler = Handler() if handler is None else handler
        self.log = Log()
        self.app = MM7Middleware(
            self.legacy, self.handler, accounts=ACCOUNTS, limits=LIMITS, strict=strict, allow_chunked=not strict
        )

    def ask(self, app: Any, environ: dict[str, Any], body: bytes, *, most: int, in_memory: bool = True) -> Answer:
        """Send one request, and assert what every answer has to be."""
        length = environ.get("CONTENT_LENGTH", "")
        announced = int(length) if re.fullmatch("[0-9]{1,19}", length) else None
        stream = Stream(body, most, announced)
        environ = {**environ, "wsgi.input": stream}
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            started.append((status, headers))

        self.app.endpoint._logged.clear()
        self.handler.got.clear()
        self.handler.message_ids.clear()
        keep = body_module.IN_MEMORY
        body_module.IN_MEMORY = keep if in_memory else 0  # type: ignore[misc]
        try:
            with nothing_left_open(), self.log.listening():
                pieces = app(environ, start_response)
                assert len(started) == 1, "start_response was not called once"
                answered = b"".join(pieces)
        finally:
            body_module.IN_MEMORY = keep  # type: ignore[misc]
        ((status, headers),) = started
        assert STATUS.fullmatch(status), f"the status line {status!r}"
        for name, value in headers:
            assert TOKEN.fullmatch(name)
            assert FIELD_VALUE.fullmatch(value), f"{name}: {value!r}"
        assert len({name.lower() for name, _ in headers}) == len(headers)
        self._judge_log()
        for number, message_id in enumerate(self.handler.message_ids):
            answered = answered.replace(message_id.encode(), b"%032d" % number)
        assert len(self.handler.got) < 2
        lines = tuple(re.sub("[0-9.]+ ms", "", line) for line in self.log.lines if line not in self.log.failed)
        return Answer(int(status[:3]), tuple(headers), answered, tuple(self.handler.got), stream.reads, lines)

    def _judge_log(self) -> None:
        for line in self.log.lines:
            found = CONTROL.search(line.replace("\n", "") if line in self.log.failed else line)
            assert found is None, f"a log line holds {found[0]!r}" if found else ""
        for text in self.log.failed:
            assert text.startswith("the handler failed"), text
            is_meant = "Broken: " in text or "the handler returned str" in text
            assert is_meant, text


def check_answer_of(answer: Answer, environ: Mapping[str, Any]) -> int | None:
    """An answer of MM7 is legal, and is read alike by the standard library and by us; its code, where it has one."""
    headers = {name.lower(): value for name, value in answer.headers}
    assert headers.keys() <= {"content-type", "content-length", "www-authenticate", "allow"}
    assert headers["content-type"] == 'text/xml; charset="utf-8"'
    assert ("www-authenticate" in headers) == (answer.status == 401)
    assert ("allow" in headers) == (answer.status == 405)
    if environ["REQUEST_METHOD"] == "HEAD":
        assert answer.body == b""
        assert answer.status == 405
        return None
    assert headers["content-length"] == str(len(answer.body))
    # xml.etree first: what it cannot read is no XML, whatever we say.
    (operation,) = ElementTree.fromstring(answer.body).findall(f"{{{SOAP}}}Body/*")
    found, deviations = _read_answer(headers["content-type"], answer.body, strict=False)
    assert {deviation.partition(":")[0] for deviation in deviations} <= ECHOED, deviations
    if isinstance(found, Fault):
        assert operation.tag == f"{{{SOAP}}}Fault"
        assert found.faultcode in FAULT_CODES
        assert (operation.findtext("faultstring") or "").strip() == found.faultstring
        assert answer.got or answer.status != 200 or "fault" not in found.faultcode
        if found.error is None:
            assert found.faultcode in FAULT_CODES - {"Client", "Server"}
            assert answer.status in (200, 500)
            return None
        code = int(found.error.status.status_code)
        assert 2000 <= code <= (9999 if answer.got else 4999)
        assert operation.findtext("detail/*/{*}Status/{*}StatusCode") == str(code)
        assert answer.got or code != 3000, "an internal failure"
        return code
    assert answer.status == 200
    assert answer.got, "it was accepted, and the handler was not asked"
    code = int(found.status.status_code)
    assert code in (1000, 1100)
    return code


def _read_answer(content_type: str, body: bytes, *, strict: bool) -> tuple[Any, tuple[str, ...]]:
    package = Package(Limits(), strict=strict)
    with Buffer(body) as buffer:
        found = package.read_answer(check_content_type(content_type, Limits()), buffer)
    package.close()
    return found, tuple(map(str, package.deviations))


_SITES = {strict: Site(strict=strict) for strict in (False, True)}


def check_request(octets: bytes) -> None:
    """A whole request, through the middleware around an application: tolerant and strict, from memory and file."""
    check_request_at(octets, _SITES[False], _SITES[True])


def check_request_at(octets: bytes, tolerant_site: Site, strict_site: Site) -> None:
    """As :func:`check_request`, of sites of the caller's."""
    environ, body = environ_of(octets)
    path_info = environ["PATH_INFO"]
    app: Any = tolerant_site.app
    if not owned(path_info, app.endpoint.path):
        _check_foreign(tolerant_site, environ, body)
        app = tolerant_site.app.endpoint  # as a view of a framework calls it, below whatever path
    tolerant = tolerant_site.ask(app, environ, body, most=len(body) or 1)
    _check_secrets(environ, body, tolerant_site.log.lines, tolerant.body)
    check_answer_of(tolerant, environ)
    if tolerant.status in (401, 405, 411, 415):
        assert not tolerant.reads, "the body was read before all else was judged"
        return
    if not tolerant.reads:
        return
    # Each input twice, and not thrice: there is another one soon.
    chance = zlib.crc32(body)
    if chance % 2:
        pieces = tolerant_site.ask(app, environ, body, most=1 + len(body) // 5, in_memory=not in_a_file(chance))
        assert dataclasses.replace(pieces, reads=0) == dataclasses.replace(tolerant, reads=0), (
            "in pieces and from a file it is answered otherwise"
        )
        return
    app = strict_site.app if app is tolerant_site.app else strict_site.app.endpoint
    strict = strict_site.ask(app, environ, body, most=len(body) or 1)
    check_answer_of(strict, environ)
    deviates = any(" deviates: " in line for line in tolerant.lines)
    if strict.got:
        assert strict.got == tolerant.got, "strict and tolerant read it otherwise"
        assert strict.body == tolerant.body
        assert not deviates
        if not environ["PATH_INFO"].startswith("/mm7/plain"):  # whose dialect has a namespace of its own
            _read_answer('text/xml; charset="utf-8"', strict.body, strict=True)
    elif tolerant.got and "CONTENT_LENGTH" in environ:
        assert deviates, "what strict refuses has no name"


def _check_foreign(site: Site, environ: dict[str, Any], body: bytes) -> None:
    """What is not MM7's reaches the application as it came."""
    stream = Stream(body, len(body) or 1, None)
    sent = {**environ, "wsgi.input": stream}
    kept = dict(sent)
    site.legacy.got.clear()
    started: list[str] = []
    with nothing_left_open():
        answered = b"".join(site.app(sent, lambda status, headers, exc_info=None: started.append(status)))
    assert (started, answered) == (["404 Not Found"], b"not here\n")
    assert len(site.legacy.got) == 1
    assert site.legacy.got[0] is sent
    assert sent == kept
    assert not stream.reads


def _check_secrets(environ: Mapping[str, Any], body: bytes, lines: Iterable[str], answer: bytes) -> None:
    """The secret that the path or the header shows is in no log line and no answer, unless the message says it too."""
    others = [value for key, value in environ.items() if isinstance(value, str) and key not in _SHOWING]
    # Without a sign of equality before it, it is a word like any other.
    if f"={SECRET}" not in environ["PATH_INFO"] or SECRET.encode() in body.replace(b"\0", b""):
        return
    if any(SECRET in value for value in others) or environ["PATH_INFO"].count(SECRET) > 1:
        return
    assert SECRET.encode() not in answer
    assert not [line for line in lines if SECRET in line], "the secret was logged"


_SHOWING = {"PATH_INFO", "RAW_URI"}


# -- the table

TARGETS: dict[str, Callable[[bytes], None]] = {
    "framing": check_framing,
    "headers": check_headers,
    "soap": check_soap,
    "credentials": check_credentials,
    "request": check_request,
}


def main() -> None:
    """Take files through a target: ``python tests/fuzz/targets.py request FILE …``."""
    target = TARGETS[sys.argv[1]]
    for name in sys.argv[2:]:
        target(Path(name).read_bytes())
        print(f"{name}: passed")


if __name__ == "__main__":
    main()
