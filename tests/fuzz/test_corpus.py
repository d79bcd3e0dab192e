"""The corpus, taken through the targets; and that the targets, and the fuzzer around them, can find something."""

from __future__ import annotations

import builtins
import hashlib
import importlib.util
import json
import logging
import runpy
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MM7Error, endpoint, observer, redaction
from mm7_wsgi.protocol import codecs, deviations, headers, mime, package, reframe, soap

HERE = Path(__file__).parent
TARGETS: dict[str, Callable[[bytes], None]] = runpy.run_path(str(HERE / "targets.py"))["TARGETS"]
FUZZ = runpy.run_path(str(HERE / "fuzz.py"))
NAMES = sorted(TARGETS)
MESSAGES = list(FUZZ["messages"]())


def corpus(target: str) -> Iterator[tuple[str, bytes]]:
    """The corpus of a target, and what it is given of the golden and the example messages."""
    for path in sorted((HERE / "corpus" / target).iterdir()):
        yield path.name, path.read_bytes()
    for number, message in enumerate(MESSAGES):
        yield f"message {number}", FUZZ["seed_of"](target, message)


@contextmanager
def told(words: str) -> Iterator[None]:
    """Whatever is raised inside is said to be of that."""
    try:
        yield
    except Exception as error:
        raise AssertionError(words) from error


# -- the corpus


@pytest.mark.parametrize("target", NAMES)
def test_what_the_fuzzer_found_holds(target: str) -> None:
    for name, octets in corpus(target):
        with told(f"{target} breaks on {name}"):
            TARGETS[target](octets)


def test_every_target_has_a_corpus_and_nothing_else_has() -> None:
    assert sorted(path.name for path in (HERE / "corpus").iterdir()) == NAMES
    assert FUZZ["targets"]() == tuple(TARGETS)
    assert FUZZ["LONGEST"].keys() == TARGETS.keys()
    assert len(MESSAGES) >= 20


def test_the_corpus_is_small_and_named_by_its_contents() -> None:
    sizes = 0
    for target in NAMES:
        files = list((HERE / "corpus" / target).iterdir())
        assert 10 < len(files) <= 200
        for path in files:
            octets = path.read_bytes()
            assert path.name.removeprefix("crash-") == hashlib.sha1(octets).hexdigest()
            assert len(octets) <= FUZZ["LONGEST"][target]
            sizes += len(octets)
    assert sizes < 1024 * 1024


# -- that the targets can fail


def the_message(transaction_id: str) -> bytes:
    """A request with a part, whose transaction has that name."""
    envelope = (
        f'<e:Envelope xmlns:e="{soap.SOAP}"><e:Header><TransactionID xmlns="{soap.MM7}" e:mustUnderstand="1">'
        f'{transaction_id}</TransactionID></e:Header><e:Body><ReplaceReq xmlns="{soap.MM7}">'
        "<MM7Version>6.8.0</MM7Version><SenderIdentification/><MessageID>m &lt; 1</MessageID>"
        '<Content href="cid:c"/></ReplaceReq></e:Body></e:Envelope>'
    )
    parts = (
        f"--b\r\nContent-Type: text/xml\r\nContent-ID: <s>\r\n\r\n{envelope}\r\n"
        "--b\r\nContent-Type: text/plain\r\nContent-ID: <c>\r\n\r\nhello\r\n--b--\r\n"
    )
    return (
        "POST /mm7/acme=s3cret HTTP/1.1\r\nContent-Type: multipart/related; boundary=b; start=<s>\r\n\r\n" + parts
    ).encode()


def accepted(is_wanted: Callable[[int], bool], *, without: bytes = b"") -> bytes:
    """A request that the handler accepts, by the sum of its transaction's name, and with such a sum of its body."""
    for number in range(1000):
        request = the_message(f"t-{number}").replace(without, b"")
        if zlib.crc32(b"t-%d" % number) % 16 == 7 and is_wanted(zlib.crc32(request.partition(b"\r\n\r\n")[2])):
            return request
    raise AssertionError("there is none")


ACCEPTED = accepted(lambda sum: sum % 2 == 0)
UNMARKED = accepted(lambda sum: sum % 2 == 0, without=b' e:mustUnderstand="1"')
FROM_FILE = accepted(lambda sum: sum % 8 == 1)
FRAMED = ACCEPTED.partition(b"\r\n")[2]
MENDED = FRAMED.replace(b"--b\r\n", b"--b \r\n")
ENVELOPE = FRAMED[FRAMED.index(b"<e:") : FRAMED.index(b"</e:Envelope>") + 13]
SHOWN = b"SCRIPT_NAME: \nPATH_INFO: /mm7/acme=s3cret\nRAW_URI: /mm7/acme=s3cret\n"


def raises(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a bug")


def note_only(self: Any, name: str, where: str) -> None:
    self._found[deviations.Deviation(name, where)] = None


def hangs_on(file: Any) -> Any:
    return lambda self: file.append(self._close)


KEPT: list[Any] = []
#: What is broken, what it is broken to, the target and the input that find it, and what they say.
BROKEN: dict[str, tuple[Any, str, Any, str, bytes, str]] = {
    "two ways of reading a header differ": (
        headers, "_parse_any", lambda value: headers._content_type(value, {}, frozenset()),
        "headers", b"multipart/related; boundary=b", "the general way",
    ),
    "a deviation has no name": (
        mime, "reframe", lambda *all, **more: reframe.reframe(*all[:-1], lambda *_: None),
        "framing", MENDED, "no name",
    ),
    "a part reaches into the next": (
        mime, "pairwise", lambda places: [(one, other + 20) for one, other in pairwise(places)],
        "framing", FRAMED, "",
    ),
    "pieces of a part are lost": (
        mime.Part, "sent", lambda self: iter([b"x"]), "framing", FRAMED, "open() and data differ",
    ),
    "a value is written as it is": (codecs, "escape_text", str, "soap", ENVELOPE, "not well-formed"),
    "an element is forgotten when it is written": (
        codecs.Codec, "write", lambda self, value, name, writer: "", "soap", ENVELOPE, "refused",
    ),
    "a secret is not looked for": (
        redaction, "_shown_in_uri", lambda environ, index: iter(()), "credentials", SHOWN, "taken out",
    ),
    "a path is not cut": (
        redaction, "RAW_KEYS", (), "credentials", SHOWN, "",
    ),
    "reading raises": (package, "read_request", raises, "request", ACCEPTED, "the endpoint failed"),
    "framing raises what is no refusal": (mime, "_check_lines", raises, "framing", FRAMED, "a bug"),
    "a body is not given back": (endpoint._Exchange, "close", hangs_on(KEPT), "request", FROM_FILE, "left open"),
    "the head is no head": (
        endpoint._Exchange, "head", lambda self: ("200 OK\r\n", []), "request", ACCEPTED, "the status line",
    ),
    "a header holds what none can": (
        endpoint, "_BASIC_CHALLENGE", "Basic\n", "request", b"POST /mm7/acme=x HTTP/1.1\r\n\r\n", "Basic",
    ),
    "the length is wrong": (
        endpoint._Exchange, "head",
        lambda self: ("200 OK", [("Content-Type", 'text/xml; charset="utf-8"'), ("Content-Length", "1")]),
        "request", ACCEPTED, "",
    ),
    "the answer is no XML": (endpoint, "write_envelope", lambda *_: b"<env:", "request", ACCEPTED, ""),
    "the answer is not as SOAP has it": (soap, "SOAP", "urn:soap", "request", ACCEPTED, ""),
    "a strict endpoint is as tolerant as another": (
        deviations.Deviations, "note", note_only, "request", UNMARKED, "",
    ),
    "the secret is logged": (
        endpoint._Exchange, "report", lambda self: endpoint._log.info(self._environ["PATH_INFO"], extra={"event": "x"}),
        "request", ACCEPTED, "the secret was logged",
    ),
    "what the peer says is logged as it is": (
        observer, "ascii", str, "request", ACCEPTED.replace(b">t-", b">t&#x85;-"), "a log line holds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_target_finds_what_is_broken(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    where, name, broken, target, octets, words = BROKEN[what]
    TARGETS[target](octets)
    headers._parse_again.cache_clear()
    monkeypatch.setattr(where, name, broken, raising=name not in vars(builtins))
    try:
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whatever it is, it is a finding
            TARGETS[target](octets)
    finally:
        for close in [close for closes in KEPT for close in closes]:
            close()
        KEPT.clear()
        headers._parse_again.cache_clear()
    assert not isinstance(caught.value, MM7Error)
    assert words in str(caught.value)


def test_a_target_leaves_the_log_as_it_was() -> None:
    logger = logging.getLogger("mm7_wsgi")
    before = (logger.level, logger.propagate, list(logger.handlers))
    TARGETS["request"](ACCEPTED)
    assert (logger.level, logger.propagate, list(logger.handlers)) == before


# -- the fuzzer around them

STATUS = """\
#3	INITED cov: 120 ft: 300 corp: 3/90b exec/s: 0 rss: 50Mb
#512	NEW    cov: 146 ft: 596 corp: 103/9Kb lim: 1024 exec/s: 256 rss: 60Mb L: 9/90 MS: 1 Custom-
AssertionError: no
artifact_prefix='/x/headers-'; Test unit written to /x/headers-crash-5ce0
stat::number_of_executed_units: 600
stat::average_exec_per_sec:     300
stat::slowest_unit_time_sec:    1
stat::peak_rss_mb:              61
"""


def test_the_figures_are_those_that_libfuzzer_gives() -> None:
    row = FUZZ["row_of"]("headers", 77, STATUS)
    assert (row["executions"], row["edges"], row["features"], row["corpus"]) == (600, 146, 596, 103)
    assert (row["per_second"], row["slowest_s"], row["peak_mb"]) == (300, 1, 61)
    assert (row["crashes"], row["artifacts"]) == (1, ["/x/headers-crash-5ce0"])
    assert "AssertionError: no" in row["said"]
    passed = FUZZ["row_of"]("headers", 0, STATUS)
    assert passed["crashes"] == 0
    assert "| headers | - | 600 | 146 | 596 | 103 | 300 | 0 | 61 |" in FUZZ["table"]([{**passed, "commit": "-"}])


def test_of_two_files_that_reach_the_same_the_small_one_is_kept_and_edges_come_first() -> None:
    control = "4\n2\nlarge\nsmall\nother\nnothing\n" + "".join(
        f"STARTED {number} {size}\nFT {number} {features}\nCOV {number} {edges}\n"
        for number, (size, features, edges) in enumerate(
            [(900, "1 2", "7 8"), (90, "1 2", "7 8"), (400, "1 3", "9"), (10, "1", "7")]
        )
    )
    assert FUZZ["choose"](control) == ["small", "other"]


def test_the_dictionary_is_as_libfuzzer_reads_it(tmp_path: Path) -> None:
    FUZZ["write_dictionary"](tmp_path / "words")
    lines = (tmp_path / "words").read_text("ascii").splitlines()
    assert '"\\x0D\\x0A--"' in lines
    assert '"SubmitReq"' in lines
    assert all(line.startswith('"') and line.endswith('"') and '"' not in line[1:-1] for line in lines)


needs_atheris = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris is not installed: pip install 'mm7_wsgi[fuzz]'"
)


def run_fuzzer(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, HERE / "fuzz.py", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@needs_atheris
@pytest.mark.parametrize("target", NAMES)
def test_the_fuzzer_runs_a_target_and_tells_what_it_did(tmp_path: Path, target: str) -> None:
    done = run_fuzzer(target, "--runs", 200, "--json", tmp_path / "rows", "--artifacts", tmp_path / "broken")
    assert done.returncode == 0, done.stdout + done.stderr
    [row] = json.loads((tmp_path / "rows").read_text())
    assert row["target"] == target
    assert row["executions"] >= 200
    assert row["edges"] > 20
    assert row["crashes"] == 0
    assert f"| {target} | " in done.stdout
    assert list((tmp_path / "broken").iterdir()) == []


def test_all_targets_are_those_of_the_table() -> None:
    assert FUZZ["options_of"](["--all"]).target == tuple(TARGETS)
    with pytest.raises(SystemExit):
        FUZZ["options_of"](["no-such"])


@needs_atheris
def test_the_fuzzer_fails_and_shows_the_input_where_something_breaks(tmp_path: Path) -> None:
    done = run_fuzzer("headers", "--runs", 5000, "--memory", 20, "--artifacts", tmp_path)
    assert done.returncode == 1
    [kept] = tmp_path.iterdir()
    assert f"the input is {kept}:" in done.stdout
    assert "out-of-memory" in done.stdout
