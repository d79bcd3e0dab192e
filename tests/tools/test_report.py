"""What a person reads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from mm7_wsgi.protocol.deviations import CATALOGUE
from mm7_wsgi.tools.report import one_line, report, shown, summary


@pytest.fixture
def read(look: Any) -> Any:
    """The report on octets: ``read(octets, width=120, verbose=True, strict=True)``."""

    def read(octets: bytes, *, width: int = 80, verbose: bool = False, **settings: Any) -> str:
        console = Console(width=width, highlight=False, markup=False, emoji=False)
        return report(look(octets, **settings), console, verbose=verbose)

    return read


UNLISTED = CATALOGUE["version-unlisted"]
EMPTY_LINE = b"\r\n\r\n"


def section(text: str, title: str) -> list[str]:
    """The lines of one section, without its title."""
    (found,) = [part for part in text.split("\n\n") if part.startswith(f"{title}\n")]
    return [line.removeprefix("  ") for line in found.splitlines()[1:]]


# -- the whole


def test_a_message_that_is_accepted(read: Any, kit: SimpleNamespace) -> None:
    headers = (
        "Content-Type: text/plain; charset=utf-8",
        'Content-Disposition: x; filename="a.txt"',
        "Content-ID: <content>",
    )
    message = kit.submit(kit.part("Grüße".encode(), *headers), version="6.7.0")
    size = f"{len(message) - message.index(EMPTY_LINE) - 4:,}"
    soap = len(kit.soap(more='<{p}Content href="cid:content"/>'))
    assert (
        read(message)
        == f"""\
it
ACCEPTED, with 1 irregularity
  SubmitReq, transaction tid-1: answered with HTTP 200, SubmitRsp, 1000 Success

Irregular, and read all the same
  version-unlisted  {UNLISTED.summary}
                    rule   {UNLISTED.clause}
                    where  SubmitReq/MM7Version: 6.7.0

SubmitReq
  TransactionID         tid-1
  namespace             http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/s
                        chema/REL-6-MM7-1-4
  MM7Version            6.7.0
  SenderIdentification
  Recipients
    To                  +12025550101  (Number)
  Content
    @href               cid:content

The body
  {size} octets of multipart/related; boundary="outer"; type="text/xml";
  start="<soap>"
  ├── SOAP part: text/xml, id soap, {soap} octets
  └── content: text/plain in utf-8, id content, "a.txt", 7 octets
      Grüße"""
    )


def test_a_message_that_is_refused(read: Any, kit: SimpleNamespace) -> None:
    xml = kit.soap(more='<{p}Content href="cid:x"/>', version="1.0")
    assert read(b"POST / HTTP/1.1\nContent-Type: text/xml\nContent-Length: 9999\n\n" + xml).startswith(f"""\
it
REFUSED, with 1 irregularity besides
  2004 Multimedia content refused: Content/@href names 'cid:x', and there is no
  part beside the SOAP part
  SubmitReq, transaction tid-1: answered with HTTP 500, a Fault with the
  faultcode Client

The recording
  The Content-Length says 9,999 bytes, and {len(xml)} are there. Those were read.

Irregular as well, though no reason to refuse it
  version-unlisted  {UNLISTED.summary}
                    rule   {UNLISTED.clause}
                    where  SubmitReq/MM7Version: 1.0

SubmitReq
  TransactionID         tid-1
""")


def test_broken_xml_is_shown_where_it_breaks(read: Any, kit: SimpleNamespace) -> None:
    text = read(kit.http("text/xml", "<a>\n<ü>\x85界</b>".encode()))
    assert text.startswith("""\
it
REFUSED
  4004 Validation error: the SOAP part is not well-formed XML: mismatched tag:
  line 2, column 7
    <ü>\\x85界</b>
               ^
  answered with HTTP 500, a Fault with the faultcode Client

The body
""")


@pytest.mark.parametrize(
    ("message", "strict", "lines"),
    [
        ("response", False, ["READABLE", "  SubmitRsp, transaction tid-1: 1000 Success"]),
        ("response", True, ["READABLE by strict=True", "  SubmitRsp, transaction tid-1: 1000 Success"]),
        ("fault", False, ["READABLE", "  Fault, transaction tid-1: 1000 Success"]),
    ],
)
def test_a_response(read: Any, kit: SimpleNamespace, message: str, strict: bool, lines: list[str]) -> None:
    assert read(getattr(kit, message)(), strict=strict).splitlines()[1:3] == lines


def test_a_response_with_its_http_status(read: Any, kit: SimpleNamespace) -> None:
    text = read(kit.http("text/xml", b"", line="HTTP/1.1 500 Oh"))
    assert text.splitlines()[1:4] == [
        "UNREADABLE",
        "  4004 Validation error: the SOAP part is not well-formed XML: no element found:",
        "  line 1, column 0",
    ]
    assert "\n  HTTP 500\n" in text


def test_a_fault_without_a_detail(read: Any, kit: SimpleNamespace) -> None:
    fault = "<s:Fault><faultcode>s:Server</faultcode><faultstring>down</faultstring></s:Fault>"
    text = read(f'<s:Envelope xmlns:s="{kit.SOAP}"><s:Body>{fault}</s:Body></s:Envelope>'.encode())
    assert text.splitlines()[2] == "  Fault: Server, down"
    assert section(text, "Fault") == ["faultcode    Server", "faultstring  down"]


def test_the_fields_of_a_fault(read: Any, kit: SimpleNamespace) -> None:
    assert section(read(kit.fault(), width=120), "Fault") == [
        "TransactionID   tid-1",
        f"namespace       {kit.REL_6}",
        "faultcode       Client",
        "faultstring     no",
        "RSErrorRsp",
        "  MM7Version    6.8.0",
        "  Status",
        "    StatusCode  1000",
        "    StatusText  Success",
    ]


def test_an_answer_without_a_body(read: Any, kit: SimpleNamespace) -> None:
    text = read(kit.http("text/xml", kit.soap(), line="HEAD /mm7 HTTP/1.1"), verbose=True)
    assert text.splitlines()[1:4] == ["REFUSED", "  HTTP 405", "  SubmitReq, transaction tid-1: answered with HTTP 405"]
    assert "The answer" not in text


def test_what_is_of_no_known_type(read: Any) -> None:
    assert section(read(b"hello"), "The body") == ["5 octets of no Content-Type"]


# -- irregularities


def test_a_deviation_in_many_places(read: Any, kit: SimpleNamespace) -> None:
    message = kit.http("text/xml", kit.soap(more="".join(f"<{{p}}X{number}/>" for number in range(7))))
    places = [f"SubmitReq/X{number}" for number in range(7)]

    def told(**settings: Any) -> list[str]:
        (about,) = [part for part in read(message, **settings).split("\n\n") if part.startswith("Irregular")]
        return [line.split("where ")[-1].strip() for line in about.splitlines()[3:]][1:]

    assert told() == [*places[:4], "and 3 more; --verbose shows them"]
    assert told(verbose=True) == places


def test_strict_gives_every_irregularity_for_a_reason(read: Any, kit: SimpleNamespace) -> None:
    text = read(kit.http("text/xml", kit.soap(version="1.0", more="<{p}X/>")), strict=True)
    assert text.splitlines()[1] == "REFUSED by strict=True, with 2 irregularities"
    assert "\nIrregular, each a reason to refuse it strictly\n" in text


# -- fields


def test_all_kinds_of_values(read: Any, kit: SimpleNamespace) -> None:
    inner = """
        <{p}MM7Version>6.8.0</{p}MM7Version>
        <{p}SenderIdentification><{p}VASPID/></{p}SenderIdentification>
        <{p}Recipients>
            <{p}To><{p}Number displayOnly="true" id="7">1</{p}Number><{p}ShortCode>2</{p}ShortCode></{p}To>
            <{p}Cc><{p}RFC2822Address addressCoding="encrypted">x</{p}RFC2822Address></{p}Cc>
        </{p}Recipients>
        <{p}MessageClass>Personal</{p}MessageClass>
        <{p}TimeStamp>2030-01-02T03:04:05Z</{p}TimeStamp>
        <{p}ReplyCharging replyChargingSize="10"/>
        <{p}ExpiryDate>P1DT2H</{p}ExpiryDate>
        <{p}DeliveryReport>false</{p}DeliveryReport>
        <{p}DeliveryCondition><{p}DC>1</{p}DC><{p}DC>2</{p}DC></{p}DeliveryCondition>
        <{p}MessageExtraData><{p}element><{p}key>k</{p}key><{p}value>v</{p}value></{p}element></{p}MessageExtraData>
        <{p}Tariff class="low">12<{p}Currency>EUR</{p}Currency></{p}Tariff>
    """
    text = read(kit.http("text/xml", kit.soap(inner=inner)), width=120)
    assert section(text, "SubmitReq")[2:] == [
        "MM7Version            6.8.0",
        "SenderIdentification",
        "  VASPID              (empty)",
        "Recipients",
        "  To                  1  (Number, displayOnly, id 7)",
        "  To                  2  (ShortCode)",
        "  Cc                  x  (RFC2822Address, encrypted)",
        "MessageClass          Personal",
        "TimeStamp             2030-01-02T03:04:05+00:00",
        "ReplyCharging",
        "  @replyChargingSize  10",
        "ExpiryDate            P1DT2H",
        "DeliveryReport        false",
        "DeliveryCondition     1",
        "DeliveryCondition     2",
        "MessageExtraData",
        "  key                 k",
        "  value               v",
        "Tariff                12",
        "  @class              low",
        "  Currency            EUR",
    ]


def test_an_element_that_is_a_value_with_attributes(read: Any, kit: SimpleNamespace) -> None:
    sent = (
        '<{p}Previouslysentby><{p}UserAgent sequence="1"><{p}Number>5</{p}Number></{p}UserAgent></{p}Previouslysentby>'
    )
    lines = section(read(kit.http("text/xml", kit.soap("DeliverReq", more=sent))), "DeliverReq")
    assert lines[-2:] == ["Previouslysentby  5  (Number)", "  @sequence       1"]


def test_long_values_and_long_lists_are_cut(read: Any, kit: SimpleNamespace) -> None:
    numbers = "".join(f"<{{p}}To><{{p}}Number>{number}</{{p}}Number></{{p}}To>" for number in range(200))
    head = "<{p}MM7Version>6.8.0</{p}MM7Version><{p}SenderIdentification/>"
    inner = f"{head}<{{p}}Recipients>{numbers}</{{p}}Recipients>"
    message = kit.http("text/xml", kit.soap(inner=inner, more=f"<{{p}}Subject>{'x' * 1000}</{{p}}Subject>"))
    lines = section(read(message), "SubmitReq")
    assert lines[-1] == "…                     and 126 more lines; --verbose shows them"
    assert "199  (Number)" in read(message, verbose=True)
    short = kit.http("text/xml", kit.soap(more=f"<{{p}}Subject>{'x' * 1000}</{{p}}Subject>"))
    assert section(read(short, width=400), "SubmitReq")[-1].endswith(" " + "x" * 300 + "… (1,000 characters)")
    assert section(read(short, width=2000, verbose=True), "SubmitReq")[-1].endswith(" " + "x" * 1000)


# -- parts


def test_the_tree_of_parts(read: Any, kit: SimpleNamespace) -> None:
    headers = ("Content-Type: text/plain", "Content-Transfer-Encoding: base64")
    inner = kit.multipart(
        kit.part(b"aGVsbG8=", *headers), kit.part(b"a*b=", *headers, "Content-Location: x"), boundary="inner"
    )
    text = read(
        kit.submit(
            kit.part(inner, "Content-Type: multipart/mixed; boundary=inner", "Content-ID: <content>"),
            kit.part(b"a", "Content-Type: image/gif", "Content-Transfer-Encoding: 8bit"),
        ),
        width=120,
    )
    assert section(text, "The body")[2:] == [
        f"├── content: multipart/mixed, id content, {len(inner)} octets",
        "│   ├── text/plain, 8 octets in base64, 5 decoded",
        "│   │   hello",
        "│   └── text/plain, location x, 4 octets",
        "│       cannot be decoded: part 'x': the base64 holds b'*', which is none of its characters",
        "└── attachment: image/gif, 1 octets in 8bit",
    ]


# -- the answer


def test_the_answer_is_shown_whole(read: Any, kit: SimpleNamespace) -> None:
    text = read(kit.http("text/xml", kit.soap("DeliverReq")), verbose=True)
    assert section(text, "The answer, HTTP 200") == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<env:Envelope xmlns:env="{kit.SOAP}">',
        "  <env:Header>",
        f'    <mm7:TransactionID xmlns:mm7="{kit.REL_6}" env:mustUnderstand="1">tid-1</mm7:TransactionID>',
        "  </env:Header>",
        "  <env:Body>",
        f'    <mm7:DeliverRsp xmlns:mm7="{kit.REL_6}">',
        "      <mm7:MM7Version>6.8.0</mm7:MM7Version>",
        "      <mm7:Status>",
        "        <mm7:StatusCode>1000</mm7:StatusCode>",
        "        <mm7:StatusText>Success</mm7:StatusText>",
        "      </mm7:Status>",
        "    </mm7:DeliverRsp>",
        "  </env:Body>",
        "</env:Envelope>",
    ]
    assert "The answer" not in read(kit.http("text/xml", kit.soap()))
    assert "The answer" not in read(kit.response(), verbose=True)


# -- what a terminal must not get

HOSTILE = "[red]a\u202eb\x9b31m\u2028:bomb:"
SAFE = "[red]a\\u202eb\\x9b31m\\u2028:bomb:"


@pytest.mark.parametrize("verbose", [False, True])
def test_nothing_that_a_peer_writes_speaks_to_the_terminal(read: Any, kit: SimpleNamespace, verbose: bool) -> None:
    named = f'Content-Type: text/plain; name="{HOSTILE}"; charset=utf-8'
    part = kit.part(f"{HOSTILE}\x1b[31m".encode(), named, "Content-ID: <content>", f"Content-Location: {HOSTILE}")
    text = read(
        kit.submit(
            part, transaction=HOSTILE, version="1\x85",
            more=f'<{{p}}Subject>{HOSTILE}</{{p}}Subject><{{p}}X y="{HOSTILE}">{HOSTILE}</{{p}}X>',
        ),
        verbose=verbose, width=300,
    )  # fmt: skip
    assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []
    assert text.count(SAFE) >= 6
    assert "\\x1b[31m" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ü 界", "plain ü 界"),
        ("a\x1b]0;x\x07", "a\\x1b]0;x\\x07"),
        ("line\r\n\ttab\x7f\xa0", "line\\r\\n\\ttab\\x7f\\xa0"),
        ("half \ud800", "half \\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_all_that_is_not_printable_is_escaped(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_long_text_is_cut_with_a_mark() -> None:
    assert shown("abcdef", 6) == "abcdef"
    assert shown("abcdef", 5) == "abcde… (6 characters)"
    assert shown("a" * 9999, None) == "a" * 9999


def test_nor_do_namespaces_and_the_content_type(read: Any, kit: SimpleNamespace) -> None:
    xml = kit.soap(more='<{p}X xmlns:q="urn:\x9b31m" q:y="1"/>')
    text = read(kit.http("text/xml; x=\x9b31m", xml), width=300)
    assert "\n    @{urn:\\x9b31m}y" in text
    assert text.endswith(f"\n  {len(xml)} octets of text/xml; x=\\x9b31m")
    assert "\x9b" not in text


# -- in one line


def test_a_file_in_one_line(look: Any, kit: SimpleNamespace) -> None:
    lines = [
        one_line(look(octets))
        for octets in (
            kit.soap("CancelReq"),
            kit.soap(version="1.0", more="<{p}X/><{p}Y/>"),
            kit.soap(name="[red]Req"[5:], transaction=None),
            kit.response(),
            b"hello",
        )
    ]
    assert lines == [
        "it: accepted; CancelReq",
        "it: accepted; SubmitReq; irregular: version-unlisted, element-unknown",
        "it: refused; Req; Client.TransactionID: the TransactionID is missing or empty",
        "it: readable; SubmitRsp; 1000 Success",
        "it: refused; 4004 Validation error: there is no Content-Type; MM7 comes as multipart/related or text/xml",
    ]


def test_several_files_in_one_line(look: Any, kit: SimpleNamespace) -> None:
    found = [look(octets) for octets in (kit.soap("CancelReq"), kit.soap(version="1.0"), kit.response(), b"hello")]
    assert summary(found) == "4 files: 2 accepted, 1 readable, 1 refused; 1 irregular"


def test_what_is_the_reason_for_a_refusal_is_not_said_to_be_none(read: Any, kit: SimpleNamespace) -> None:
    content_type, body = kit.package(
        kit.soap(more='<mm7:Content href="cid:content"/>'),
        kit.part("\u4e2d".encode() * 9, "Content-Type: text/plain; charset=utf-8", "Content-ID: <content>"),
    )
    text = read(kit.http(content_type, body[: body.rindex(b"\r\n--outer--") - 3]))
    assert "\nIrregular\n  close-missing " in text
