"""Whole requests, and beside each what it has to be read as and how it has to be answered.

A folder of ``golden/`` holds ``request.http`` (as it travels), ``expected.json`` (the request that the handler gets;
null where it gets none) and ``answer.xml`` (octet by octet, but for the MessageID).
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import Address, Duration, Element, MM7Endpoint, MM7Request, Part

GOLDEN = Path(__file__).parent / "golden"
NAMES = sorted(path.parent.name for path in GOLDEN.glob("*/request.http"))
MASK = "MESSAGE-ID"
ACCOUNTS = {"acme": "s3cret", "news": "pa/ss=w\u00f6rd", "192.0.2.7": None}


def split_http(raw: bytes) -> tuple[dict[str, str], bytes]:
    """The keys that a server makes of a request, and the body."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *headers = head.decode("latin-1").split("\r\n")
    method, target, protocol = line.split(" ")
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": decoded(path),
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_PROTOCOL": protocol,
        "REMOTE_ADDR": "192.0.2.7",
    }
    for header in headers:
        name, _, value = header.partition(":")
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value.strip(" \t")
    return environ, body


def decoded(path: str) -> str:
    head, *escaped = path.split("%")
    return head + "".join(chr(int(piece[:2], 16)) + piece[2:] for piece in escaped)


def dump(value: Any) -> Any:
    """A value of a message as JSON has it; what is at its default is left out."""
    if isinstance(value, Address):
        found = {name: dump(item) for name, item in value._asdict().items() if item not in (None, False)}
        return {str(value.kind): found.pop("value"), **{name: item for name, item in found.items() if name != "kind"}}
    if isinstance(value, (Enum, Duration)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Element):
        found = {"text": value.text, "attributes": value.attributes, "children": dump(tuple(value.children))}
        return {"element": value.name, "namespace": value.namespace, **{name: it for name, it in found.items() if it}}
    if isinstance(value, tuple):
        return [dump(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {
            field.name: dump(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if getattr(value, field.name) != field.default
        }
    return value


def dump_part(part: Part) -> dict[str, Any]:
    facts: dict[str, Any] = {"content_type": part.content_type}
    for name in ("charset", "content_id", "content_location", "filename"):
        if (fact := getattr(part, name)) is not None:
            facts[name] = fact
    facts["size"] = part.size
    if part.is_multipart:
        facts["parts"] = [dump_part(inside) for inside in part.parts]
    elif part.content_type.startswith("text/"):
        facts["text"] = part.text
    else:
        facts["base64"] = base64.b64encode(part.data).decode()
    return facts


def dump_request(request: MM7Request) -> dict[str, Any]:
    return {
        "account": request.account.name,
        "transaction_id": request.transaction_id,
        "operation": request.message.element_name,
        "message": dump(request.message),
        "content": None if request.content is None else dump_part(request.content),
        "attachments": [dump_part(part) for part in request.attachments],
        "deviations": [f"{deviation.name}: {deviation.where}" for deviation in request.deviations],
    }


class Receiver:
    """An endpoint and what its handler got."""

    def __init__(self) -> None:
        self._got: list[tuple[str, dict[str, Any]]] = []
        self.app = MM7Endpoint(self._handle, accounts=ACCOUNTS)

    def _handle(self, request: MM7Request) -> None:
        self._got.append((request.message_id, dump_request(request)))

    def take(self, answer: bytes) -> tuple[dict[str, Any] | None, str]:
        """What the handler got since the last time, and the answer without its MessageID."""
        got, self._got = self._got, []
        assert len(got) < 2
        message_id, dumped = got[0] if got else ("\0", None)
        return dumped, answer.decode().replace(message_id, MASK)


@pytest.fixture(scope="module")
def receiver() -> Receiver:
    return Receiver()


def receive(receiver: Receiver, environ: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Without the validator, whose checks take as long as the reading."""
    started: list[str] = []
    (answer,) = receiver.app(environ, lambda status, headers: started.append(status))
    assert started[0][:3] in ("200", "500")
    return receiver.take(answer)


def expected_of(name: str) -> tuple[dict[str, Any] | None, str]:
    folder = GOLDEN / name
    return json.loads((folder / "expected.json").read_text("utf-8")), (folder / "answer.xml").read_bytes().decode()


def test_there_are_golden_requests() -> None:
    assert len(NAMES) >= 16


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_request_is_read_and_answered_as_it_stands_beside_it(
    ask: Any, make_environ: Any, receiver: Receiver, name: str
) -> None:
    environ, body = split_http((GOLDEN / name / "request.http").read_bytes())
    assert environ["CONTENT_LENGTH"] == str(len(body))
    answer = ask(receiver.app, make_environ(body, environ))
    got, written = receiver.take(answer.body)
    expected, expected_answer = expected_of(name)
    assert got == expected
    assert written == expected_answer
    assert answer.status == (500 if expected is None else 200)


def readings(size: int) -> Iterable[tuple[int, ...]]:
    """The lengths of the reads: octet by octet, and in two at every place."""
    yield (1,) * size
    yield from ((split,) for split in range(1, size))


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_body_is_the_same_however_the_server_hands_it_over(
    make_environ: Any, streams: Any, receiver: Receiver, name: str
) -> None:
    environ, body = split_http((GOLDEN / name / "request.http").read_bytes())
    expected = expected_of(name)
    for sizes in readings(len(body)):
        stream = streams.Input(body, sizes)
        assert receive(receiver, make_environ(body, environ, **{"wsgi.input": stream})) == expected, sizes[:1]
        assert len(stream.reads) == (len(body) if len(sizes) == len(body) else 2)
