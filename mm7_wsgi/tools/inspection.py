"""What there is to say of one recording: what it is, whether it would be accepted, and what is irregular in it.

The message is read twice. A lenient reading of its own finds all that can be shown, also of a message that is refused;
an :class:`~mm7_wsgi.MM7Endpoint` that takes anybody gives the verdict, so that it cannot be another than a server's.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Literal

from werkzeug.test import run_wsgi_app

from ..accounts import Account
from ..body import announced_length
from ..endpoint import MM7Endpoint
from ..protocol.buffer import SLICE, Buffer
from ..protocol.charset import begins_as_xml, decode_text
from ..protocol.deviations import CATALOGUE, Deviation, Deviations
from ..protocol.errors import ContentError, EnvelopeError, MM7Error, UnsupportedMediaType
from ..protocol.headers import parse_content_type, readable
from ..protocol.limits import Limits
from ..protocol.messages import Fault, Message, response_named
from ..protocol.mime import Part, describe
from ..protocol.package import Package, check_content_type
from ..protocol.reframe import named_boundary
from ..protocol.soap import SOAP, Node, child_of, split_name, text_of, to_utf8
from ..protocol.transfer import DecodedReader
from ..request import MM7Request
from .recording import Recording

#: Octets of a text that are decoded for its beginning, and the characters of it that are kept.
_BEGINNING: Final = 1024
_SHOWN: Final = 100
#: Characters of a broken line that are kept, and of those the ones before the place where it breaks.
_LINE: Final = 70
_BEFORE: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPart:
    """One part of the message."""

    content_type: str
    charset: str | None
    content_id: str | None
    content_location: str | None
    filename: str | None
    transfer_encoding: str
    #: Octets as they were sent.
    size: int
    #: Octets without the transfer encoding; None for a multipart, and where they cannot be decoded.
    decoded_size: int | None
    #: Why they cannot be decoded.
    error: str | None
    #: What the part is for, on the outermost level.
    role: Literal["soap", "content", "attachment"] | None
    #: How a text begins; None for what is no text.
    beginning: str | None
    parts: tuple[FoundPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the SOAP part the XML is broken."""

    #: As the parser counts them: lines from 1, columns from 0.
    line: int
    column: int
    #: The line, or what is around the place where it is long.
    text: str
    #: Where in ``text`` the place is, counted from 0.
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an endpoint answers when its handler reads every part and accepts."""

    http_status: int
    #: ``SubmitRsp``, ``Fault`` …; None for an answer without a body.
    operation: str | None
    status_code: int | None
    status_text: str | None
    faultcode: str | None
    faultstring: str | None
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """All that was found."""

    file: str
    kind: Literal["request", "response"]
    strict: bool
    #: Whether an endpoint accepts the request; of a response, whether it can be read.
    accepted: bool
    #: Why not, in the words of the fault.
    refusal: str | None
    #: Where, if it is the XML that is broken.
    place: Place | None
    #: Of the recorded response.
    http_status: int | None
    #: The Content-Type that it was read under.
    content_type: str
    #: Octets of the body.
    size: int
    #: The name of the element in the SOAP Body.
    operation: str | None
    transaction_id: str | None
    mm7_version: str | None
    namespace: str | None
    #: None where it could not be read that far.
    message: Message | Fault | None
    parts: tuple[FoundPart, ...]
    deviations: tuple[Deviation, ...]
    notes: tuple[str, ...]
    #: None for a response.
    answer: Answer | None


def inspect(
    recording: Recording,
    *,
    file: str,
    content_type: str | None = None,
    strict: bool = False,
    tolerate: Sequence[str] = (),
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Inspection:
    """Say what a recording is.

    ``content_type`` stands in the place of the one that was recorded. ``strict`` and ``tolerate`` are those of an
    :class:`~mm7_wsgi.Account`.
    """
    notes = list(recording.notes)
    likely = _likely_type(recording.body)
    header = recording.headers.get("content-type", "") if content_type is None else content_type
    if not recording.has_head and content_type is None and likely is not None:
        header = likely
        notes.append(f"The recording has no Content-Type. It was read as {likely}.")
    with closing(_read(recording, header, limits)) as reading:
        answer = None
        if reading.kind == "request":
            account = Account("anybody", strict=strict, tolerate=tolerate)
            answer = _ask(recording, header, account=account, limits=limits)
            refusal = _words_of_answer(answer)
        else:
            with closing(_Reading(recording, header, limits, "response", strict=strict, tolerated=tolerate)) as judged:
                refusal = _words_of_error(judged.error)
        if isinstance(reading.error, UnsupportedMediaType) and likely is not None and header != likely:
            notes.append(f"By its body it could be {likely}: --content-type shows what there is to say of it as that.")
        if recording.whole is not None:
            notes += _notes_on_loss(recording.whole, header, limits, reading)
        if reading.package.deviations.is_cut:
            notes.append("It is irregular in more places than are told here; every kind is.")
        envelope = reading.package.envelope
        operation = None if envelope is None else envelope.operation
        mm7 = _mm7_element(operation)
        version = None if mm7 is None else child_of(mm7, "MM7Version")
        return Inspection(
            file=file,
            kind=reading.kind,
            strict=strict,
            accepted=refusal is None,
            refusal=refusal,
            place=reading.find_place(refusal),
            http_status=recording.http_status,
            content_type=readable(header),
            size=recording.size,
            operation=None if operation is None else split_name(operation.tag)[0],
            transaction_id=None if envelope is None else envelope.transaction_id,
            mm7_version=None if version is None else text_of(version).strip(),
            namespace=None if mm7 is None else split_name(mm7.tag)[1],
            message=reading.message,
            parts=tuple(reading.describe(part) for part in reading.package.parts),
            deviations=tuple(reading.package.deviations),
            notes=tuple(notes + _notes_on_lines(recording, reading)),
            answer=answer,
        )


def _likely_type(body: Buffer) -> str | None:
    """The Content-Type that a body has the look of. The boundary is that of its first delimiter."""
    if begins_as_xml(body.read(0, SLICE)):
        return "text/xml"
    boundary = named_boundary(body)
    if boundary is None:
        return None
    quoted = re.sub(r'(["\\])', r"\\\1", boundary.decode("latin-1"))
    return f'multipart/related; boundary="{quoted}"'


def _mm7_element(operation: Node | None) -> Node | None:
    """The element of MM7: the operation, or what is in the detail of a Fault."""
    if operation is None or split_name(operation.tag)[1] != SOAP:
        return operation
    detail = child_of(operation, "detail")
    return detail[0] if detail is not None and len(detail) else None


def _notes_on_lines(recording: Recording, reading: _Reading) -> list[str]:
    """Whether line ends that are told as irregular can be the recording's own doing."""
    body = recording.body
    announced = recording.headers.get("content-length", "")
    told = any(deviation.name == "line-ends" for deviation in reading.package.deviations)
    if not told or announced == str(recording.size) or body.find(b"\r", 0, body.size) >= 0:
        return []
    lines = sum(body.read(offset, offset + SLICE).count(b"\n") for offset in range(0, body.size, SLICE))
    if announced == str(recording.size + lines):
        return [
            "With a CR at the end of each line, the body is as long as its Content-Length says: the recording has lost "
            "them, and what is said of line ends is not the sender's doing."
        ]
    return [
        "There is no CR in the body. A recording that was saved as text has lost them; what is said of line ends is "
        "then not the sender's doing."
    ]


def _notes_on_loss(whole: Buffer, header: str, limits: Limits, reading: _Reading) -> list[str]:
    """Say which parts are shortened or lost where the body ends at its Content-Length."""
    package = Package(limits, tolerated=CATALOGUE)
    try:
        with contextlib.suppress(MM7Error):  # the framing comes first, and that is all that is asked for
            package.read(check_content_type(header, limits), whole)
        before = [leaf for part in package.parts for leaf in part.leaves()]
        after = [leaf for part in reading.package.parts for leaf in part.leaves()]
        notes = []
        for number, leaf in enumerate(before):
            size = _size_of(leaf)
            left = _size_of(after[number]) if number < len(after) else None
            if left is None:
                notes.append(f"By that, {describe(leaf)} is lost, all {size:,} bytes of it.")
            elif left < size:
                notes.append(f"By that, {describe(leaf)} loses {size - left:,} of its {size:,} bytes.")
        return notes
    finally:
        package.close()


def _size_of(part: Part) -> int:
    """The bytes of a part, decoded where they can be."""
    decoded, _, _ = _measure(part)
    return part.size if decoded is None else decoded


# -- the lenient reading


def _is_answer(name: str) -> bool:
    """Return whether an element of this name answers a request."""
    return name == "Fault" or response_named(name) is not None


_BROKEN = re.compile("the SOAP part is not well-formed XML: .*: line ([0-9]+), column ([0-9]+)")


def _read(recording: Recording, header: str, limits: Limits) -> _Reading:
    """Read the message as what it is. Without a head, its operation says that."""
    if recording.http_status is not None:
        return _Reading(recording, header, limits, "response")
    reading = _Reading(recording, header, limits, "request")
    envelope = reading.package.envelope
    operation = None if envelope is None else envelope.operation
    if recording.method is None and operation is not None and _is_answer(split_name(operation.tag)[0]):
        reading.close()
        return _Reading(recording, header, limits, "response")
    return reading


class _Reading:
    """The message as far as it can be read."""

    def __init__(
        self,
        recording: Recording,
        header: str,
        limits: Limits,
        kind: Literal["request", "response"],
        *,
        strict: bool = False,
        tolerated: Collection[str] = CATALOGUE,
    ) -> None:
        self._body = recording.body
        self._header = header
        self.kind: Literal["request", "response"] = kind
        self.package = Package(limits, strict=strict, tolerated=tolerated)
        self.message: Message | Fault | None = None
        self.error: MM7Error | None = None
        try:
            content_type = check_content_type(header, limits)
            announced_length(_environ(recording, header), limits, allow_chunked=False)
            if kind == "response":
                self.message = self.package.read_answer(content_type, self._body)
            else:
                self.message = self.package.read(content_type, self._body)
        except MM7Error as error:
            self.error = error
            self.message = self.package.request

    def close(self) -> None:
        """Give back what was made for the reading; the recording stays open."""
        self.package.close()

    def find_place(self, refusal: str | None) -> Place | None:
        """The place that a refusal for broken XML names."""
        details = "" if self.error is None else self.error.details or ""
        broken = _BROKEN.fullmatch(details)
        if broken is None or refusal is None or not refusal.endswith(details):
            return None
        root = self.package.root
        if root is None:
            octets, charset = (
                self._body.read(0, self._body.size),
                parse_content_type(self._header).parameters.get("charset"),
            )
        else:
            octets, charset = root.data, root.charset
        line, column = int(broken[1]), int(broken[2])
        written = re.split(rb"\r\n|\r|\n", to_utf8(octets, charset, Deviations()))[line - 1].decode("utf-8", "replace")
        start = max(0, column - _BEFORE)
        return Place(line=line, column=column, text=written[start : start + _LINE], offset=column - start)

    def describe(self, part: Part) -> FoundPart:
        """What there is to say of a part, and of those inside."""
        package = self.package
        role: Literal["soap", "content", "attachment"] | None = None
        if part is package.root:
            role = "soap"
        elif part is package.content:
            role = "content"
        elif self.message is not None and part in package.attachments:
            role = "attachment"
        decoded_size, error, beginning = (None, None, None) if part.is_multipart else _measure(part)
        return FoundPart(
            content_type=part.content_type,
            charset=part.charset,
            content_id=part.content_id,
            content_location=part.content_location,
            filename=part.filename,
            transfer_encoding=part.transfer_encoding,
            size=part.size,
            decoded_size=decoded_size,
            error=error,
            role=role,
            beginning=None if role == "soap" else beginning,
            parts=tuple(self.describe(inside) for inside in part.parts),
        )


def _measure(part: Part) -> tuple[int | None, str | None, str | None]:
    """The size of a decoded part, or why it cannot be decoded; and how it begins, if it is a text."""
    try:
        with part.open() as stream:
            octets = stream.read(_BEGINNING)
            size = len(octets)
            while piece := stream.read(SLICE):
                size += len(piece)
    except ContentError as error:
        return None, error.details, None
    if not part.content_type.startswith("text/"):
        return size, None, None
    text = " ".join(decode_text(octets, part.charset).split())
    return size, None, text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


# -- the verdict


def _environ(recording: Recording, header: str) -> dict[str, Any]:
    """The request as a server hands it on, with the length that the body has, and without credentials."""
    body = recording.body
    pieces = (body.read(offset, offset + SLICE) for offset in range(0, body.size, SLICE))
    return {
        "REQUEST_METHOD": recording.method or "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/mm7",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": header,
        "CONTENT_LENGTH": str(recording.size),
        "HTTP_CONTENT_ENCODING": recording.headers.get("content-encoding", ""),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BufferedReader(DecodedReader(pieces), SLICE),
        "wsgi.errors": io.StringIO(),
    }


def _ask(recording: Recording, header: str, *, account: Account, limits: Limits) -> Answer:
    """What an endpoint answers."""
    endpoint = MM7Endpoint(_read_all, accounts=lambda credentials: account, limits=limits)
    # Beside a Content-Length, a Transfer-Encoding is refused. Alone, its chunks are joined by now.
    coding = recording.headers.get("transfer-encoding", "") if "content-length" in recording.headers else ""
    environ = {**_environ(recording, header), "HTTP_TRANSFER_ENCODING": coding}
    pieces, status, _ = run_wsgi_app(endpoint, environ, buffered=True)
    body = b"".join(pieces)
    package = Package(_OURS)
    message = package.read_answer(parse_content_type("text/xml"), Buffer(body)) if body else None
    package.close()
    fault = message if isinstance(message, Fault) else None
    mm7: Any = message if fault is None else fault.error
    return Answer(
        http_status=int(status.partition(" ")[0]),
        operation=None if message is None else "Fault" if fault else mm7.element_name,
        status_code=None if mm7 is None else int(mm7.status.status_code),
        status_text=None if mm7 is None else mm7.status.status_text,
        faultcode=None if fault is None else fault.faultcode,
        faultstring=None if fault is None else fault.faultstring,
        body=body.decode(),
    )


# An answer holds what the message had for a namespace and a TransactionID, so it can be as large as that.
_OURS: Final = Limits(envelope=2**31, namespace=2**31)


def _read_all(request: MM7Request) -> None:
    """The handler: as any host would, it reads every part, and so finds out whether all can be decoded."""
    for part in request.leaves():
        with part.open() as stream:
            while stream.read(SLICE):
                pass


def _words_of_answer(answer: Answer) -> str | None:
    """Why a request is refused; None where it is not."""
    if answer.operation is None:  # HEAD
        return f"HTTP {answer.http_status}"
    if answer.faultcode is None:
        return None
    return f"{answer.status_code or f'{answer.faultcode}:'} {answer.faultstring}"


def _words_of_error(error: MM7Error | None) -> str | None:
    """The same of a response that cannot be read, in the words that an answer would have."""
    if isinstance(error, EnvelopeError):
        return f"{error.faultcode}: {error.text}"
    return None if error is None else str(error)
