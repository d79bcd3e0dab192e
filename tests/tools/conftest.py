"""What the tests of the command line build on: recordings as files, and the command line in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mm7_wsgi import Limits
from mm7_wsgi.tools.cli import cli
from mm7_wsgi.tools.inspection import Inspection, inspect
from mm7_wsgi.tools.recording import Recording, read_recording


def _http(content_type: str | None, body: bytes, *headers: str, line: str = "POST /mm7 HTTP/1.1") -> bytes:
    """A whole message as it travels; ``line`` can be a status line."""
    lines = [line, "Host: mms.example", *headers]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if not any(header.lower().startswith(("content-length:", "transfer-encoding:")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


@pytest.fixture
def record() -> Any:
    """Reads octets as a recording, which is closed with the test: ``record(octets)``."""
    made: list[Recording] = []

    def record(octets: bytes, limits: Limits | None = None) -> Recording:
        made.append(read_recording(io.BytesIO(octets), limits or Limits()))
        return made[-1]

    yield record
    for recording in made:
        recording.close()


@pytest.fixture
def look(record: Callable[..., Recording]) -> Callable[..., Inspection]:
    """Inspects octets: ``look(octets, strict=True)``."""

    def look(octets: bytes, *, limits: Limits | None = None, **settings: Any) -> Inspection:
        limits = limits or Limits()
        return inspect(record(octets, limits), file="it", limits=limits, **settings)

    return look


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``inspect`` on octets, one file for each, named a, b …: ``run(octets, "--json")``."""

    def run(*arguments: bytes | str, stdin: bytes | None = None, width: int = 80) -> Result:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", str(width))
        words = []
        for argument in arguments:
            if isinstance(argument, bytes):
                name = "abcdefgh"[sum(isinstance(word, Path) for word in words)]
                words.append(Path(name))
                Path(name).write_bytes(argument)
            else:
                words.append(argument)
        result = CliRunner().invoke(cli, ["inspect", *map(str, words)], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def kit(mm7: SimpleNamespace) -> SimpleNamespace:
    """Messages, and the recordings of them."""

    def submit(*parts: bytes, more: str = "", **settings: Any) -> bytes:
        """A SubmitReq with a text, or with ``parts``, as it travels."""
        xml = mm7.soap(more=f'{more}<{{p}}Content href="cid:content"/>', **settings)
        parts = parts or (mm7.part(b"hello", "Content-Type: text/plain", "Content-ID: <content>"),)
        return _http(*mm7.package(xml, *parts))

    def response(name: str = "SubmitRsp", inner: str | None = None, **settings: Any) -> bytes:
        status = "<{p}Status><{p}StatusCode>1000</{p}StatusCode><{p}StatusText>Success</{p}StatusText></{p}Status>"
        held = "<{p}MM7Version>{version}</{p}MM7Version>" + status
        if name == "SubmitRsp":
            held += "<{p}MessageID>m-1</{p}MessageID>"
        return mm7.soap(name, inner=held if inner is None else inner, **settings)

    def fault(**settings: Any) -> bytes:
        """A Fault that a RSErrorRsp says more of."""
        before, start, rest = response("RSErrorRsp", **settings).partition(b"<mm7:RSErrorRsp")
        inside, end, behind = rest.partition(b"</s:Body>")
        head = b"<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring><detail>"
        return before + head + start + inside + b"</detail></s:Fault>" + end + behind

    return SimpleNamespace(http=_http, submit=submit, response=response, fault=fault, lines=_json_lines, **vars(mm7))


def _json_lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]
