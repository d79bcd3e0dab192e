"""What a peer may put where an identifier, a name or a header is expected, so that a log or an answer says its words.

Whatever it is, the head of the answer has none of it, the answer can be read and echoes what was sent, and a record of
the log is one line of printable characters. The traceback of a failure has more lines, all of them indented.
"""

from __future__ import annotations

import base64
import io
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mm7_wsgi import Account, MM7Endpoint, MM7Request, RSErrorRsp
from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.headers import parse_content_type
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.messages import Fault
from mm7_wsgi.protocol.package import Package

FORGED = "ERROR:mm7_wsgi:forged"
HOSTILE = {
    "LF": f"a\n{FORGED}",
    "CR": f"a\r{FORGED}",
    "CRLF and a header": "a\r\nX-Forged: 1\r\n\r\n<forged/>",
    "NUL": f"a\0{FORGED}",
    "ESC": f"a\x1b[2J\x1b[31m{FORGED}\x1b]0;title\x07",
    "DEL and BS": f"a\x7f\x08\x08{FORGED}",
    "C1": f"a\x85{FORGED}\x9b31m",
    "line separator": f"a\u2028{FORGED}\u2029",
    "bidi": f"a\u202e{FORGED}\u2066\u200f",
    "not characters": f"a\ufffe{FORGED}\uffff",
    "markup": f"a]]></TransactionID>\"'&{FORGED}<!--",
    "formats": "%s%(message)s%n{0}{message}${x}%d",
    "long": "a" * 20_000,
    "long lines": f"a\n{FORGED}" * 500,
}
#: What XML 1.0 can hold (2.2).
LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
LONGEST_RECORD = 2000


def as_text(value: str) -> str:
    """Text of XML: what need not stand there as it is, is a reference. What it cannot hold at all stands there raw."""
    return "".join(
        character if character in "\0\x07\x08\x1b\ufffe\uffff" else f"&#{ord(character)};" for character in value
    )


def as_attribute(value: str) -> str:
    return f'"{as_text(value)}"'


def header(value: str) -> str:
    """A value as WSGI hands it over, which has line ends in it only behind a server that lets them through."""
    return value.encode().decode("latin-1")


class Log(logging.Handler):
    """The records, while it is entered."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def __enter__(self) -> Log:
        self._log = logging.getLogger("mm7_wsgi")
        self._level = self._log.level
        self._log.setLevel(logging.DEBUG)
        self._log.addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        self._log.removeHandler(self)
        self._log.setLevel(self._level)


def check_records(records: list[logging.LogRecord]) -> None:
    """Each is one line, and so is each of its fields."""
    assert records
    for record in records:
        assert record.exc_info is record.exc_text is record.stack_info is None
        first, *lines = logging.Formatter("%(message)s").format(record).split("\n")
        assert first.isprintable()
        assert len(first) < LONGEST_RECORD
        if record.event == "error":  # type: ignore[attr-defined]
            assert lines
            assert all(re.fullmatch("  .*", line) and line.isprintable() for line in lines)
        else:
            assert lines == []
            for name, value in vars(record).items():
                if name not in ("args", "msg", "message") and isinstance(value, str):
                    assert value.isprintable(), name
                    assert len(value) < LONGEST_RECORD


def read_back(body: bytes) -> tuple[Package, Any]:
    """The answer, by our own reader."""
    buffer = Buffer()
    buffer.write(body)
    package = Package(Limits())
    return package, package.read_answer(parse_content_type('text/xml; charset="utf-8"'), buffer.finish())


def answered(ask: Any, app: Any, environ: dict[str, Any]) -> Any:
    """Ask, and look at all that every answer and every record has to be."""
    with Log() as log:
        answer = ask(app, environ, validate=False)
    check_records(log.records)
    for name, value in answer.headers:
        assert re.fullmatch("[A-Za-z-]+", name)
        assert re.fullmatch("[ -~]+", value)
        assert "orged" not in value
    if answer.body:
        package, found = read_back(answer.body)
        assert (
            None if answer.transaction is None else answer.transaction[1].strip()
        ) == package.envelope.transaction_id
        assert (type(found) is Fault) == (answer.name == "Fault")
    return answer, log.records


def echo(request: MM7Request) -> None:
    """The plainest of handlers."""


def fail(request: MM7Request) -> None:
    """One that puts what it got into words."""
    raise ValueError(
        f"bad message {request.transaction_id} {request.message} "
        f"{getattr(request.message, 'subject', '')} {request.environ} "
        f"{[(part.content_type, part.content_id, list(part.headers)) for part in request.leaves()]}"
    )


def package(mm7: Any, xml: bytes, *headers: str, root: tuple[str, ...] = ("Content-Type: text/xml",)) -> dict[str, Any]:
    content_type, body = mm7.package(xml, mm7.part(b"hello", *headers), root=root, parameters='; type="text/xml"')
    return {
        **mm7.request(),
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }


def basic(userpass: str) -> str:
    return "Basic " + base64.b64encode(userpass.encode(errors="surrogatepass")).decode()


PLACES: dict[str, Callable[[Any, str], dict[str, Any]]] = {
    "TransactionID": lambda mm7, v: mm7.request(transaction=as_text(v)),
    "MM7Version": lambda mm7, v: mm7.request(version=as_text(v)),
    "MM7Version, short": lambda mm7, v: mm7.request(version=as_text(v[:32])),
    "subject": lambda mm7, v: mm7.request(more=f"<mm7:Subject>{as_text(v)}</mm7:Subject>"),
    "priority": lambda mm7, v: mm7.request(more=f"<mm7:Priority>{as_text(v)}</mm7:Priority>"),
    "date": lambda mm7, v: mm7.request(more=f"<mm7:ExpiryDate>{as_text(v)}</mm7:ExpiryDate>"),
    "boolean": lambda mm7, v: mm7.request(more=f"<mm7:DeliveryReport>{as_text(v)}</mm7:DeliveryReport>"),
    "identification": lambda mm7, v: mm7.request(
        inner="<mm7:MM7Version>6.8.0</mm7:MM7Version><mm7:SenderIdentification>"
        f"<mm7:VASPID>{as_text(v)}</mm7:VASPID></mm7:SenderIdentification>"
        f"<mm7:Recipients><mm7:To>{as_text(v)}<mm7:Number>{as_text(v)}</mm7:Number></mm7:To></mm7:Recipients>"
    ),
    "stray text": lambda mm7, v: mm7.request(more=as_text(v)),
    "an element": lambda mm7, v: mm7.request(more=f"<{v}/>"),
    "a long element": lambda mm7, v: mm7.request(more=f"<mm7:{re.sub('[^a-z]', 'a', v)}/>"),
    "an operation": lambda mm7, v: mm7.request(re.sub("[^a-z]", "a", v), inner=""),
    "an attribute": lambda mm7, v: mm7.request(more=f"<mm7:x {v}='1'/>"),
    "the value of an attribute": lambda mm7, v: mm7.request(more=f"<mm7:Content href={as_attribute(v)}/>"),
    "another one": lambda mm7, v: mm7.request(
        more=f"<mm7:ExpiryDate x={as_attribute(v)}>{as_text(v)}</mm7:ExpiryDate>"
    ),
    "a prefix": lambda mm7, v: mm7.request(prefix=v),
    "a long prefix": lambda mm7, v: mm7.request(prefix=re.sub("[^a-z]", "a", v)),
    "the namespace": lambda mm7, v: mm7.request(namespace="urn:mm7" + as_text(v)),
    "another namespace": lambda mm7, v: mm7.request(namespace=as_text(v)),
    "that of the TransactionID": lambda mm7, v: mm7.request(transaction_namespace="urn:mm7" + as_text(v)),
    "that of SOAP": lambda mm7, v: mm7.request(soap=as_text(v)),
    "a header block": lambda mm7, v: mm7.request(
        blocks=f"<w:{re.sub('[^a-z]', 'a', v)} xmlns:w={as_attribute(v)} s:mustUnderstand='1'/>"
    ),
    "an instruction": lambda mm7, v: mm7.request(more=f"<?{re.sub('[^a-z]', 'a', v)} {v.replace('?>', '')}?>"),
    "an encoding": lambda mm7, v: {
        **mm7.request(),
        "wsgi.input": io.BytesIO(mm7.soap().replace(b"UTF-8", v.encode())[: len(mm7.soap())]),
    },
    "Content-Type": lambda mm7, v: mm7.request(environ={"CONTENT_TYPE": header(v)}),
    "its parameters": lambda mm7, v: mm7.request(environ={"CONTENT_TYPE": f"text/xml; {header(v)}"}),
    "its charset": lambda mm7, v: mm7.request(environ={"CONTENT_TYPE": f'text/xml; charset="{header(v)}"'}),
    "its boundary": lambda mm7, v: mm7.request(environ={"CONTENT_TYPE": f'multipart/related; boundary="{header(v)}"'}),
    "its start": lambda mm7, v: {
        **package(mm7, mm7.soap(), "Content-ID: <a>"),
        "CONTENT_TYPE": f'multipart/related; boundary="outer"; start="<{header(v)}>"',
    },
    "Content-Length": lambda mm7, v: mm7.request(environ={"CONTENT_LENGTH": header(v)}),
    "Content-Encoding": lambda mm7, v: mm7.request(environ={"HTTP_CONTENT_ENCODING": header(v)}),
    "SOAPAction": lambda mm7, v: mm7.request(environ={"HTTP_SOAPACTION": header(v), "HTTP_X": header(v)}),
    "method": lambda mm7, v: mm7.request(environ={"REQUEST_METHOD": header(v)}),
    "path": lambda mm7, v: mm7.request(environ={"PATH_INFO": "/mm7/" + header(v)}),
    "account": lambda mm7, v: mm7.request(environ={"PATH_INFO": f"/mm7/{header(v)}=s3cret"}),
    "password": lambda mm7, v: mm7.request(environ={"PATH_INFO": f"/mm7/acme={header(v)}"}),
    "account in Basic": lambda mm7, v: mm7.request(
        environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": basic(f"{v}:s3cret")}
    ),
    "Authorization": lambda mm7, v: mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header(v)}),
    "address": lambda mm7, v: mm7.request(environ={"REMOTE_ADDR": header(v)}),
    "a part's type": lambda mm7, v: package(mm7, mm7.soap(), f"Content-Type: {v}"),
    "a part's name": lambda mm7, v: package(
        mm7, mm7.soap(), f'Content-Type: text/plain; name="{v}"', "Content-ID: <a>"
    ),
    "a part's id": lambda mm7, v: package(mm7, mm7.soap("ReplaceReq"), f"Content-ID: {v}"),
    "a part's location": lambda mm7, v: package(mm7, mm7.soap(), f"Content-Location: {v}"),
    "a part's encoding": lambda mm7, v: package(mm7, mm7.soap(), f"Content-Transfer-Encoding: {v}"),
    "a part's header": lambda mm7, v: package(mm7, mm7.soap(), f"{v}: x", "X-Y: y"),
    "the root's id": lambda mm7, v: package(mm7, mm7.soap(), root=("Content-Type: text/xml", f"Content-ID: {v}")),
    "the root's type": lambda mm7, v: package(mm7, mm7.soap(), root=(f"Content-Type: {v}",)),
    "the root's encoding": lambda mm7, v: package(
        mm7, mm7.soap(), root=("Content-Type: text/xml", f"Content-Transfer-Encoding: {v}")
    ),
    "href": lambda mm7, v: package(
        mm7,
        mm7.soap("ReplaceReq").replace(b'"cid:content"', as_attribute(f"cid:{v}").encode()),
        "Content-Type: text/plain",
    ),
}
#: What is not read before the account is known, and never given back.
OF_THE_ACCOUNT = ("account", "account in Basic")


@pytest.mark.parametrize("value", [pytest.param(value, id=name) for name, value in HOSTILE.items()])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_what_is_hostile_stays_where_it_is(ask: Any, mm7: Any, place: str, value: str, strict: bool) -> None:
    for handler in (echo, fail):
        app = MM7Endpoint(handler, accounts=lambda credentials: Account("acme"), strict=strict)
        answer, records = answered(ask, app, PLACES[place](mm7, value))
        assert [record.levelname for record in records[-1:]] == ["INFO"]
        if place == "TransactionID" and answer.transaction is not None:
            assert answer.transaction[1] == value.strip()
        if place == "TransactionID" and LEGAL.fullmatch(value):
            assert answer.code == (1000 if handler is echo else 3000)
        if place == "MM7Version, short" and LEGAL.fullmatch(value):
            assert strict or answer.code == (1000 if handler is echo else 3000)
            if answer.code == 1000:
                assert answer.version == value[:32].strip()


@pytest.mark.parametrize("value", [pytest.param(value, id=name) for name, value in HOSTILE.items()])
@pytest.mark.parametrize("place", OF_THE_ACCOUNT)
def test_an_account_of_hostile_name_is_refused_or_written_within_its_line(
    ask: Any, mm7: Any, place: str, value: str
) -> None:
    # A resolver that makes an account of whatever name is shown: only one without control characters is one.
    app = MM7Endpoint(echo, accounts=lambda credentials: Account(credentials.name or "nobody"))
    answer, records = answered(ask, app, PLACES[place](mm7, value))
    assert answer.code in (1000, 3000, 4001)
    assert (answer.code == 1000) == (records[-1].account is not None)
    if answer.code == 1000:
        name = value.partition(":")[0] if "Basic" in place else value
        assert ascii(name[:200]) in records[-1].getMessage()
    answer, records = answered(ask, MM7Endpoint(echo, accounts={"acme": "s3cret"}), PLACES[place](mm7, value))
    assert (answer.code, records[-1].account) == (4001, None)


def as_answered(value: str) -> str:
    """What an answer has of a text that XML cannot hold all of."""
    return re.sub(f"(?!{LEGAL.pattern[:-1]}).", "\ufffd", value, flags=re.DOTALL)


any_text = st.text(st.characters(), max_size=40) | st.sampled_from(sorted(HOSTILE.values()))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=any_text, details=any_text, code=st.sampled_from([2000, 2503, 3000, 4006, 9999]))
@example(text="\ud800", details="]]>\udfff", code=2000)
@example(text="\r\n", details="\r", code=2000)
def test_a_refusal_of_the_host_is_written_as_it_is(ask: Any, mm7: Any, text: str, details: str, code: int) -> None:
    app = MM7Endpoint(lambda request: request.failure(code, text, details), accounts={"acme": "s3cret"})
    answer, _ = answered(ask, app, mm7.request())
    assert (answer.code, answer.text or "", answer.details or "") == (code, as_answered(text), as_answered(details))
    _, fault = read_back(answer.body)
    assert isinstance(fault.error, RSErrorRsp)
    assert fault.error.status.status_code == code


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(message_id=any_text.filter(str.strip), details=any_text, service_code=any_text)
@example(message_id="\ud800", details="\0", service_code="\x1b[0m")
def test_a_response_of_the_host_is_written_as_it_is(
    ask: Any, mm7: Any, message_id: str, details: str, service_code: str
) -> None:
    app = MM7Endpoint(
        lambda request: request.partial(message_id=message_id, details=details), accounts={"acme": "s3cret"}
    )
    answer, records = answered(ask, app, mm7.request())
    assert (answer.code, answer.message_id or "") == (1100, as_answered(message_id))
    assert (answer.details or "") == as_answered(details)
    assert len(records[-1].message_id) <= 10 * 200
    app = MM7Endpoint(lambda request: request.success(service_code=service_code), accounts={"acme": "s3cret"})
    answer, _ = answered(ask, app, mm7.request("DeliverReq"))
    assert (answer.code, answer.response.findtext("{*}ServiceCode") or "") == (1000, as_answered(service_code))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=st.text(st.characters().filter(LEGAL.fullmatch), max_size=60))
@example(value="a\u2028b\u0085\u202e")
@example(value="\u2028")
@example(value=" \r\n\t")
def test_whatever_transaction_id_xml_can_hold_comes_back(ask: Any, mm7: Any, value: str) -> None:
    app = MM7Endpoint(fail, accounts={"acme": "s3cret"})
    answer, records = answered(ask, app, mm7.request(transaction=as_text(value)))
    if value.strip():
        assert (answer.code, answer.transaction[1]) == (3000, value.strip())
        assert ascii(value.strip()[:200]) in records[-1].getMessage()
    else:
        assert (answer.faultcode, answer.transaction) == ("Client.TransactionID", None)


@settings(deadline=None)
@given(texts=st.lists(any_text, min_size=1, max_size=4))
def test_no_exception_forges_a_record(ask: Any, mm7: Any, texts: list[str]) -> None:
    def handler(request: MM7Request) -> None:
        error: Exception = ValueError(*texts)
        for text in texts:
            following = RuntimeError(text)
            following.__cause__ = error
            error = following
        error.__notes__ = texts  # type: ignore[attr-defined] # Python 3.11 writes them
        raise error

    for app in (
        MM7Endpoint(handler, accounts={"acme": "s3cret"}),
        MM7Endpoint(echo, accounts=handler),
    ):
        answer, records = answered(ask, app, mm7.request())
        assert answer.code == 3000
        assert [record.event for record in records] == ["error", "failed"]
