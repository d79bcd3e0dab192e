"""A recorded message: from the octets of a file to its head, if it has one, and its body.

People record with what they have: a proxy, tcpdump, a print in the program, a mail of the other side. So the head may
be whole, or only the headers that belong to the body, or not there at all, and its lines may have lost their CR.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final

from ..body import CONTENT_LENGTH
from ..credentials import find_credentials
from ..protocol.buffer import SLICE, Buffer
from ..protocol.errors import Unauthorized
from ..protocol.limits import Limits

#: The longest head that is looked for; servers take less.
_HEAD: Final = 64 * 1024
_REQUEST_LINE = re.compile(rb"([A-Z]{3,20})[ \t]+((?:[/*]|https?://).*)", re.IGNORECASE)
_STATUS_LINE = re.compile(rb"HTTP/[0-9.]{1,5}[ \t]+([0-9]{3})(?![0-9])")
_HEADER = re.compile(rb"([!#-'*+.0-9A-Z^_`a-z|~-]+)[ \t]*:(.*)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHUNK_LINE: Final = 1024
_LINE_END = re.compile(rb"\r?\n")
# All others stay unread, and so do the secrets in them.
_READ: Final = frozenset({"content-encoding", "content-length", "content-type", "transfer-encoding"})


@dataclass(slots=True, kw_only=True)
class Recording:
    """What was recorded. It holds no credentials: of those, only where they were."""

    #: Of a request line; None where there is none.
    method: str | None = None
    #: Of a status line; None where there is none.
    http_status: int | None = None
    #: The headers that say how the body is to be read, by their names in lower case. Of one that is there twice, the
    #: first.
    headers: dict[str, str] = field(default_factory=dict)
    #: The body, without the chunks that it may have been recorded in; cut behind ``Limits.body`` and one octet, and at
    #: its Content-Length, where a server ends it.
    body: Buffer = field(default_factory=Buffer)
    #: The octets of the body, also of one that was cut behind ``Limits.body``.
    size: int = 0
    #: The body with what comes after its Content-Length; None where nothing does.
    whole: Buffer | None = None
    #: What is to be known of the recording, apart from the message in it.
    notes: list[str] = field(default_factory=list)

    @property
    def has_head(self) -> bool:
        """Whether anything stands before the body."""
        return self.method is not None or self.http_status is not None or bool(self.headers)

    def close(self) -> None:
        """Give the body back."""
        self.body.close()
        if self.whole is not None:
            self.whole.close()


def read_recording(stream: IO[bytes], limits: Limits) -> Recording:
    """Read a recording to its end.

    A head is a request line, a status line, or headers with a Content-Type among them; what begins otherwise is a body.
    Raises ``OSError`` as the stream does.
    """
    recording = Recording()
    try:
        start = stream.read(_HEAD)
        octets = start[_read_head(start, recording) :]
        while octets:
            # One octet more than is allowed shows that there is more; who sends more is refused by the length alone.
            if recording.body.size <= limits.body:
                recording.body.write(octets[: limits.body + 1 - recording.body.size])
            recording.size += len(octets)
            octets = stream.read(SLICE)
        recording.body.finish()
        if "chunked" in recording.headers.get("transfer-encoding", "").lower():
            _undo_chunks(recording)
        else:
            _note_length(recording)
    except BaseException:
        recording.close()
        raise
    return recording


# -- the head


def _lines(octets: bytes, offset: int) -> Iterator[tuple[bytes, int]]:
    """Each line from ``offset`` on, without its end, and where the next one begins."""
    while offset < len(octets):
        end = octets.find(b"\n", offset) + 1 or len(octets)
        yield octets[offset:end].rstrip(b"\r\n"), end
        offset = end


def _read_head(octets: bytes, recording: Recording) -> int:
    """Read the head that ``octets`` begin with; returns where the body begins, 0 where there is no head."""
    offset = len(octets) - len(octets.removeprefix(BOM_UTF8).lstrip())
    line, end = next(_lines(octets, offset), (b"", 0))
    if request := _REQUEST_LINE.match(line):
        recording.method = request[1].decode("ascii")
        # The "=" may be escaped. What is in a query is none of ours.
        if re.search(rb"=|%3d", request[2].partition(b"?")[0], re.IGNORECASE):
            recording.notes.append("The URL shows credentials. They are neither checked nor shown here.")
        end = _read_headers(octets, end, recording)
    elif status := _STATUS_LINE.match(line):
        end = _read_headers(octets, end, recording)
        if status[1].startswith(b"1"):  # 100 Continue, and behind it the response
            recording.headers.clear()
            return end + _read_head(octets[end:], recording)
        recording.http_status = int(status[1])
    elif _HEADER.match(line):
        attempt = Recording()
        end = _read_headers(octets, offset, attempt)
        if "content-type" not in attempt.headers:
            return 0
        recording.headers, recording.notes = attempt.headers, attempt.notes
    else:
        return 0
    return end


def _read_headers(octets: bytes, offset: int, recording: Recording) -> int:
    """Read header lines up to the empty one behind them; returns where the body begins."""
    found: list[tuple[str, str]] = []
    notes = recording.notes
    folded = False
    for line, end in _lines(octets, offset):
        text = line.decode("latin-1").strip()
        if not text:
            offset = end
            break
        if line.startswith((b"<", b"--")):
            notes.append("There is no empty line between the headers and the body.")
            break
        offset = end
        if line[:1] in (b" ", b"\t") and found:
            name, value = found[-1]
            found[-1] = (name, f"{value} {text}".lstrip())
            folded = folded or name in _READ
        elif header := _HEADER.match(line):
            found.append((header[1].decode("ascii").lower(), header[2].decode("latin-1").strip()))
        else:
            notes.append("A line among the headers is none. It was passed over.")
    if folded:
        notes.append(
            "A header goes on in a second line, which HTTP no longer knows (RFC 9112, 5.2): servers refuse it."
        )
    for name, value in found:
        if name == "authorization":
            notes.append(_authorization(value))
        elif name in _READ and recording.headers.setdefault(name, value) != value:
            notes.append(f"{name.title()} is there twice. The first was read; servers differ in which they take.")
    return offset


def _authorization(value: str) -> str:
    """What is to be said of an Authorization header."""
    try:
        (shown,) = find_credentials({"HTTP_AUTHORIZATION": value}, None)
    except Unauthorized:
        return "Its Basic credentials cannot be decoded: where they are asked for, the answer is 401."
    if shown.source == "basic":
        return "It shows Basic credentials. They are neither checked nor shown here."
    return "It shows credentials that are not Basic. They are neither checked nor shown here."


# -- the body


def _note_length(recording: Recording) -> None:
    """Compare the Content-Length with what is there."""
    written = recording.headers.get("content-length")
    if written is None:
        if recording.method is not None:
            recording.notes.append("There is no Content-Length. To a request without one, the answer is 411.")
    elif not CONTENT_LENGTH.fullmatch(written):
        recording.notes.append("The Content-Length is no number. To such a request, the answer is 400.")
    elif int(written) > recording.size:
        recording.notes.append(
            f"The Content-Length says {int(written):,} bytes, and {recording.size:,} are there. Those were read."
        )
    elif int(written) < recording.size:
        recording.notes.append(
            f"The Content-Length says {int(written):,} bytes, and {recording.size:,} are there. A server reads the "
            f"first {int(written):,}, and so they were read."
        )
        _cut(recording, int(written))


def _cut(recording: Recording, length: int) -> None:
    """End the body where a server ends it."""
    whole, body = recording.body, Buffer()
    for offset in range(0, min(length, whole.size), SLICE):
        body.write(whole.read(offset, min(offset + SLICE, length)))
    recording.body, recording.size, recording.whole = body.finish(), length, whole


def _undo_chunks(recording: Recording) -> None:
    """Join the chunks of the body, if the recording has them still."""
    if recording.method is not None and "content-length" not in recording.headers:
        recording.notes.append("It was sent in chunks. Without allow_chunked=True, the answer to that is 411.")
    chunked = recording.body
    if not _CHUNK.match(chunked.read(0, _CHUNK_LINE)):
        recording.notes.append("Transfer-Encoding says chunked; the body was recorded without the chunks.")
        return
    joined = _joined(chunked)
    if joined is None:
        recording.notes.append("The chunks of the body are not as long as they say, so they were left in it.")
        return
    recording.notes.append("The body was recorded in chunks, which were joined.")
    recording.body, recording.size = joined, joined.size
    chunked.close()


def _joined(chunked: Buffer) -> Buffer | None:
    """The octets of a body in chunks (RFC 9112, 7.1); None where they are not as long as they say."""
    joined = Buffer()
    place = 0
    while match := _CHUNK.match(chunked.read(place, place + _CHUNK_LINE)):
        place += match.end()
        end = place + int(match[1], 16)
        if end == place:
            return joined.finish()
        for offset in range(place, min(end, chunked.size), SLICE):
            joined.write(chunked.read(offset, min(offset + SLICE, end)))
        following = _LINE_END.match(chunked.read(end, end + 2))
        if not following:
            break
        place = end + following.end()
    joined.close()
    return None
