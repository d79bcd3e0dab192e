"""What several test files build on: a server for one request, environs as servers make them, and messages.

All of it is handed out by fixtures, since test modules that pytest imports by their path cannot import each other.
Answers are read with the standard library, not with the package, which would forgive itself its own mistakes.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from wsgiref.validate import validator
from xml.etree import ElementTree

import pytest

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SCHEMA = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
REL_6 = SCHEMA + "REL-6-MM7-1-4"
REL_5 = SCHEMA + "REL-5-MM7-1-2"


# -- the server


@dataclass(frozen=True)
class Answer:
    """What a client would have got."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str | None:
        found = [value for header, value in self.headers if header.lower() == name.lower()]
        assert len(found) < 2, f"{name} is there {len(found)} times"
        return found[0] if found else None

    @cached_property
    def root(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    @cached_property
    def operation(self) -> ElementTree.Element:
        """The one element of Body."""
        (body,) = self.root.findall(f"{{{SOAP}}}Body")
        (operation,) = body
        return operation

    @property
    def name(self) -> str:
        """``SubmitRsp``, ``Fault`` …"""
        return self.operation.tag.rpartition("}")[2]

    @property
    def transaction(self) -> tuple[str | None, str, str | None] | None:
        """Namespace, text and mustUnderstand of the TransactionID; None where the Header is empty."""
        (header,) = self.root.findall(f"{{{SOAP}}}Header")
        if not len(header):
            assert self.name == "Fault"
            return None
        (block,) = header
        namespace, _, name = block.tag.rpartition("}")
        assert name == "TransactionID"
        return namespace[1:] or None, block.text or "", block.get(f"{{{SOAP}}}mustUnderstand")

    @property
    def faultcode(self) -> str | None:
        """Without its prefix, which has to be that of SOAP."""
        if self.name != "Fault":
            return None
        prefix, _, code = (self.operation.findtext("faultcode") or "").partition(":")
        assert f'xmlns:{prefix}="{SOAP}"'.encode() in self.body
        return code

    @property
    def faultstring(self) -> str | None:
        return self.operation.findtext("faultstring")

    @property
    def response(self) -> ElementTree.Element | None:
        """The element of MM7: in Body, or in the detail of a Fault."""
        if self.name != "Fault":
            return self.operation
        detail = self.operation.find("detail")
        return None if detail is None else detail[0]

    @property
    def detail(self) -> str | None:
        """The name of what is in the detail of a Fault."""
        return None if self.response is None or self.name != "Fault" else self.response.tag.rpartition("}")[2]

    @property
    def namespace(self) -> str | None:
        return None if self.response is None else self.response.tag.rpartition("}")[0][1:] or None

    def _text(self, path: str) -> str | None:
        return None if self.response is None else self.response.findtext(path)

    @property
    def version(self) -> str | None:
        return self._text("{*}MM7Version")

    @property
    def code(self) -> int | None:
        code = self._text("{*}Status/{*}StatusCode")
        return None if code is None else int(code)

    @property
    def text(self) -> str | None:
        return self._text("{*}Status/{*}StatusText")

    @property
    def details(self) -> str | None:
        return self._text("{*}Status/{*}Details")

    @property
    def message_id(self) -> str | None:
        return self._text("{*}MessageID")


def _call(app: Any, environ: dict[str, Any], *, validate: bool = True) -> Answer:
    """Run one request through ``app`` as a server does. ``validate=False`` is for environs that break PEP 3333."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], Any]:
        started.append((status, headers))
        return written.append

    iterable: Iterable[bytes] = (validator(app) if validate else app)(environ, start_response)
    try:
        written.extend(iterable)
    finally:
        if hasattr(iterable, "close"):
            iterable.close()
    ((status, headers),) = started
    assert re.fullmatch("[0-9]{3} .+", status)
    return Answer(int(status[:3]), headers, b"".join(written))


def _ask(app: Any, environ: dict[str, Any], *, validate: bool = True) -> Answer:
    """As ``call``, for an answer of MM7: what holds for every one of them is asserted here."""
    answer = _call(app, environ, validate=validate)
    assert answer["Content-Type"] == 'text/xml; charset="utf-8"'
    assert {name for name, _ in answer.headers} <= {
        "Content-Type", "Content-Length", "WWW-Authenticate", "Allow", "Retry-After"
    }  # fmt: skip
    if environ["REQUEST_METHOD"] == "HEAD":
        assert answer.body == b""
        return answer
    assert answer["Content-Length"] == str(len(answer.body))
    for word in (b"Traceback", b".py", b"site-packages", b"<html", b"<!DOCTYPE"):
        assert word not in answer.body
    assert answer.name == "Fault" or answer.status == 200
    # The prefix of SOAP, which faultcode uses too, stands for nothing else anywhere.
    (prefix,) = re.findall(rb"<(\w+):Envelope ", answer.body)
    assert set(re.findall(rb'xmlns:%s="([^"]*)"' % prefix, answer.body)) == {SOAP.encode()}
    return answer


class Input:
    """A ``wsgi.input`` that gives ``octets``, at most ``sizes[n]`` of them at the n-th read, and then b""."""

    def __init__(self, octets: bytes, sizes: Iterable[int] = ()) -> None:
        self._stream = io.BytesIO(octets)
        self._sizes = iter(sizes)
        #: How many octets were asked for, read by read.
        self.reads: list[int] = []

    def read(self, size: int = -1) -> bytes:
        self.reads.append(size)
        most = next(self._sizes, None)
        return self._stream.read(size if most is None else min(size, most))

    def readline(self, size: int = -1) -> bytes:
        raise AssertionError("only read() is told how much it may take")

    readlines = __iter__ = readline


class UntouchableInput(Input):
    """A ``wsgi.input`` that must not be read."""

    def __init__(self) -> None:
        super().__init__(b"")

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("the body was read")


class BrokenInput(Input):
    """A ``wsgi.input`` that raises ``error`` when ``octets`` are read."""

    def __init__(self, octets: bytes, error: BaseException) -> None:
        super().__init__(octets)
        self._error = error

    def read(self, size: int = -1) -> bytes:
        found = super().read(size)
        if not found:
            raise self._error
        return found


def _environ(body: bytes = b"", more: Mapping[str, Any] | None = None, /, **overrides: Any) -> dict[str, Any]:
    """An environ for a POST of ``body``; a key whose value is None is left out."""
    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/mm7/acme=s3cret",
        "QUERY_STRING": "",
        "SERVER_NAME": "mms.example",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.7",
        "CONTENT_TYPE": 'text/xml; charset="utf-8"',
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_SOAPACTION": '""',
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": Input(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    environ |= {**(more or {}), **overrides}
    return {key: value for key, value in environ.items() if value is not None}


# -- messages

# The least that each operation has to hold; {p} is where the prefix goes.
_FROM_VASP = "<{p}MM7Version>{version}</{p}MM7Version><{p}SenderIdentification/>"
_FROM_RELAY = "<{p}MM7Version>{version}</{p}MM7Version>"
_REPORT = (
    "<{p}MessageID>m-1</{p}MessageID>"
    "<{p}Recipient><{p}Number>+12025550101</{p}Number></{p}Recipient>"
    "<{p}Sender><{p}ShortCode>72550</{p}ShortCode></{p}Sender>"
)
_OPERATIONS = {
    "SubmitReq": _FROM_VASP + "<{p}Recipients><{p}To><{p}Number>+12025550101</{p}Number></{p}To></{p}Recipients>",
    "DeliverReq": _FROM_RELAY + "<{p}Sender><{p}Number>+12025550101</{p}Number></{p}Sender>",
    "CancelReq": _FROM_VASP + "<{p}MessageID>m-1</{p}MessageID>",
    "ReplaceReq": _FROM_VASP + '<{p}MessageID>m-1</{p}MessageID><{p}Content href="cid:content"/>',
    "extendedCancelReq": _FROM_VASP + "<{p}CancelID>c-1</{p}CancelID>",
    "extendedReplaceReq": '<{p}MM7Version>{version}</{p}MM7Version><{p}Content href="cid:content"/>',
    "DeliveryReportReq": _FROM_RELAY
    + _REPORT
    + "<{p}Date>2030-01-02T03:04:05Z</{p}Date><{p}MMStatus>Retrieved</{p}MMStatus>",
    "ReadReplyReq": _FROM_RELAY
    + _REPORT
    + "<{p}TimeStamp>2030-01-02T03:04:05Z</{p}TimeStamp><{p}MMStatus>Read</{p}MMStatus>",
}
_ANSWERED_BY = {
    "SubmitReq": ("SubmitRsp", "RSErrorRsp"),
    "DeliverReq": ("DeliverRsp", "VASPErrorRsp"),
    "CancelReq": ("CancelRsp", "RSErrorRsp"),
    "ReplaceReq": ("ReplaceRsp", "RSErrorRsp"),
    "extendedCancelReq": ("extendedCancelRsp", "RSErrorRsp"),
    "extendedReplaceReq": ("extendedReplaceRsp", "RSErrorRsp"),
    "DeliveryReportReq": ("DeliveryReportRsp", "VASPErrorRsp"),
    "ReadReplyReq": ("ReadReplyRsp", "VASPErrorRsp"),
}


def _soap(
    name: str = "SubmitReq",
    *,
    inner: str | None = None,
    more: str = "",
    prefix: str = "mm7",
    namespace: str | None = REL_6,
    version: str = "6.8.0",
    transaction: str | None = "tid-1",
    transaction_namespace: str | None = "",
    blocks: str = "",
    soap: str = SOAP,
) -> bytes:
    """An envelope. ``transaction`` is XML text; None leaves the block out, as ``blocks`` adds others.

    ``inner`` stands in the place of what the operation holds, ``more`` behind it; "{p}" in them is the prefix.
    """
    p = f"{prefix}:" if prefix else ""
    declaration = "" if namespace is None else f' xmlns{":" if prefix else ""}{prefix}="{namespace}"'
    held = (_OPERATIONS.get(name, _FROM_VASP) if inner is None else inner) + more
    held = held.replace("{p}", p).replace("{version}", version)
    if transaction is not None:
        other = declaration
        if transaction_namespace != "":
            other = f' xmlns{":" if prefix else ""}{prefix}="{transaction_namespace}"' if transaction_namespace else ""
        tag = f"{p}TransactionID" if other else "TransactionID"
        blocks += f'<{tag}{other} s:mustUnderstand="1">{transaction}</{tag}>'
    header = f"<s:Header>{blocks}</s:Header>" if blocks else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\r\n<s:Envelope xmlns:s="{soap}">{header}'
        f"<s:Body><{p}{name}{declaration}>{held}</{p}{name}></s:Body></s:Envelope>"
    ).encode()


def _part(octets: bytes, *headers: str) -> bytes:
    """A body part: its header lines, an empty line, and its octets."""
    return "".join(f"{line}\r\n" for line in headers).encode() + b"\r\n" + octets


def _multipart(*parts: bytes, boundary: str = "outer") -> bytes:
    return b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts) + f"--{boundary}--\r\n".encode()


def _package(
    xml: bytes,
    *parts: bytes,
    boundary: str = "outer",
    root: tuple[str, ...] = ("Content-Type: text/xml", "Content-ID: <soap>"),
    parameters: str = '; type="text/xml"; start="<soap>"',
) -> tuple[str, bytes]:
    """Content-Type and body of an envelope with further parts."""
    body = _multipart(_part(xml, *root), *parts, boundary=boundary)
    return f'multipart/related; boundary="{boundary}"{parameters}', body


def _request(name: str = "SubmitReq", environ: Mapping[str, Any] | None = None, **envelope: Any) -> dict[str, Any]:
    """An environ for an operation, with content where it has to have some."""
    xml = _soap(name, **envelope)
    if 'href="cid:content"' not in xml.decode():
        return _environ(xml, environ)
    content_type, body = _package(xml, _part(b"hello", "Content-Type: text/plain", "Content-ID: <content>"))
    return _environ(body, {"CONTENT_TYPE": content_type, **(environ or {})})


@pytest.fixture(scope="session")
def call() -> Callable[..., Answer]:
    """Runs any WSGI application under the validator and closes what it returns: ``call(app, environ)``."""
    return _call


@pytest.fixture(scope="session")
def ask() -> Callable[..., Answer]:
    """As ``call``, and asserts what every answer of MM7 has to be: ``ask(endpoint, environ)``."""
    return _ask


@pytest.fixture(scope="session")
def make_environ() -> Callable[..., dict[str, Any]]:
    """Builds raw environs: ``make_environ(body, PATH_INFO="/mm7")``."""
    return _environ


@pytest.fixture(scope="session")
def streams() -> SimpleNamespace:
    """Kinds of ``wsgi.input``."""
    return SimpleNamespace(Input=Input, UntouchableInput=UntouchableInput, BrokenInput=BrokenInput)


@pytest.fixture(scope="session")
def mm7() -> SimpleNamespace:
    """Builds messages."""
    return SimpleNamespace(
        soap=_soap,
        part=_part,
        multipart=_multipart,
        package=_package,
        request=_request,
        operations=tuple(_OPERATIONS),
        answered_by=_ANSWERED_BY,
        REL_5=REL_5,
        REL_6=REL_6,
        SOAP=SOAP,
    )


# -- what the tests need besides the package


def _program(name: str) -> str | None:
    # What came with a wheel is beside Python, and where Debian has servers is on the path of root only.
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]
    return shutil.which(name, path=os.pathsep.join(places))


def _module(name: str) -> str | None:
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # what it would be in is not there
        return None
    except ValueError:  # kombu and celery put something without a spec in their own place when they are imported
        return sys.modules[name].__file__
    return None if found is None else found.origin


def _module_of_unix(name: str) -> str | None:
    return _module(name) if os.name == "posix" else None


def _soap_lite(_: str) -> str | None:
    perl = _program("perl")
    command = ["-MSOAP::Lite", "-MMIME::Entity", "-e", "1"]
    there = perl is not None and not subprocess.run([perl, *command], stderr=subprocess.DEVNULL, check=False).returncode
    return perl if there else None


#: The environment variables that say where a server is that has to be running.
_ADDRESSES = {"postgresql": "MM7_TEST_POSTGRESQL", "rabbitmq": "MM7_TEST_RABBITMQ"}

#: How each is found, by the name that ``require`` and MM7_REQUIRE have for it.
_NEEDS: dict[str, Callable[[str], str | None]] = {
    **dict.fromkeys(("a2wsgi", "bottle", "cheroot", "django", "falcon", "flask", "pyramid"), _module),
    **dict.fromkeys(("prometheus_client", "pyramid_retry", "pyramid_tm", "sqlalchemy", "uvicorn", "waitress"), _module),
    **dict.fromkeys(("celery", "kombu", "requests"), _module),
    "paste": lambda _: _module("paste.deploy"),
    **dict.fromkeys(("gevent", "granian", "gunicorn"), _module_of_unix),
    **dict.fromkeys(("uwsgi", "nginx", "apache2", "redis-server", "strace"), _program),
    "soap-lite": _soap_lite,
    **dict.fromkeys(_ADDRESSES, lambda name: os.environ.get(_ADDRESSES[name]) or None),
}


def _required() -> set[str]:
    return set(filter(None, re.split(r"[,\s]+", os.environ.get("MM7_REQUIRE", ""))))


def pytest_configure() -> None:
    if unknown := _required() - _NEEDS.keys():
        names = ", ".join(_NEEDS)
        raise pytest.UsageError(f"MM7_REQUIRE is a list of {names}; {', '.join(sorted(unknown))} is none of them")


def _require(name: str) -> str:
    found = _NEEDS[name](name)
    if found is None:
        why = f"{_ADDRESSES[name]} is not set" if name in _ADDRESSES else "not installed"
        (pytest.fail if name in _required() else pytest.skip)(f"without {name}: {why}")
    return found


@pytest.fixture(scope="session")
def require() -> Callable[[str], str]:
    """Says where something is that a test needs: ``require("nginx")``. Without it the test is skipped.

    Of a server that has to be running it says the address, which comes from an environment variable.

    The environment variable MM7_REQUIRE is a list of what has to be there, as ``gunicorn,nginx``: without that the test
    fails, so that none is left out unseen.
    """
    return _require


# -- the benchmarks


@pytest.fixture(scope="module")
def load_benchmark() -> Iterator[Callable[[str], ModuleType]]:
    """Imports a module of benchmarks/ by its name; all of them are gone again afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(Path(__file__).resolve().parents[1])])
        yield lambda name: importlib.import_module(f"benchmarks.{name}")
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]
