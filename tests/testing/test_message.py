"""What the builders make: messages that keep to the specification, to the letter."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mm7_wsgi import (
    Address,
    AddressCoding,
    AddressKind,
    CancelReq,
    Content,
    Duration,
    MM7Endpoint,
    MM7Request,
    Part,
    Recipients,
    SenderIdentification,
    SubmitReq,
)
from mm7_wsgi.protocol.messages import REQUESTS, Request
from mm7_wsgi.testing import Message, build, cancel, deliver, delivery_report, read_reply, submit
from mm7_wsgi.testing import message as builders

REL_5 = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2"


@pytest.fixture
def read(ask: Any, make_environ: Any) -> Any:
    """What the handler of a strict endpoint gets of a message: the request, its content and its leaves."""

    def read(message: Message) -> tuple[MM7Request, Any, list[tuple[str, bytes]]]:
        got = []

        def handler(request: MM7Request) -> None:
            assert request.deviations == ()
            leaves = [(part.content_type, part.data) for part in request.leaves()]
            got.append((request, request.content and as_parts(request.content), leaves))

        endpoint = MM7Endpoint(handler, accounts={"acme": "s3cret"}, strict=True)
        answer = ask(endpoint, make_environ(message.body, CONTENT_TYPE=message.content_type))
        assert (answer.status, answer.code) == (200, 1000), answer.details
        assert answer.transaction[1] == message.transaction_id
        [found] = got
        return found

    return read


def as_parts(part: Part) -> Any:
    """A part as nested tuples."""
    inside = [as_parts(each) for each in part.parts] if part.is_multipart else part.data
    return part.content_type, part.content_id, part.content_location, inside


# -- any message

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
DATES = st.datetimes(timezones=st.integers(-14 * 60, 14 * 60).map(lambda offset: timezone(timedelta(minutes=offset))))
ADDRESSES = st.builds(
    Address, TEXT, st.sampled_from(AddressKind), st.booleans(), st.none() | st.sampled_from(AddressCoding), TEXT
)
DURATIONS = st.builds(Duration, st.integers(0, 99), st.timedeltas(timedelta(), timedelta(days=999)))
VERSIONS = st.sampled_from(("5.3.0", "6.8.0"))
#: What a value of each type can be.
KINDS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    bool: st.booleans(),
    int: st.integers(1, 10**18 - 1),
    datetime: DATES,
    Duration: DURATIONS,
    Address: ADDRESSES,
    Recipients: st.builds(Recipients, to=st.lists(ADDRESSES, min_size=1).map(tuple), cc=st.just(()), bcc=st.just(())),
    type(None): st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a field that is declared so, but for what no schema lists."""
    if kind in KINDS:
        return KINDS[kind]
    options = list(typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        return st.lists(values(options[0]), max_size=3).map(tuple)
    if options:
        if any(issubclass(option, Enum) for option in options):
            options.remove(str)
        return st.one_of(map(values, options))
    return st.sampled_from(kind) if issubclass(kind, Enum) else instances(kind)


def instances(kind: type[Any]) -> st.SearchStrategy[Any]:
    """Any instance of a declared class, but for what is no schema's and for the name of the content."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind) if field.name not in ("extensions", "content")]
    fields = {name: VERSIONS if name == "mm7_version" else values(hints[name]) for name in names}
    for field in dataclasses.fields(kind):  # None may be read where a report leaves it out; the schema wants it
        if field.name in fields and field.default is dataclasses.MISSING:
            fields[field.name] = fields[field.name].filter(lambda value: value is not None)
    return st.builds(kind, **fields)


#: All that framing is made of, in any order.
OCTETS = st.lists(
    st.sampled_from((b"\r", b"\n", b"\r\n", b"--", b"--mm7_outer", b"--mm7_story", b"--mm7_outer_1", b" ", b":", b"<"))
    | st.binary(max_size=8)
).map(b"".join)
PARTS = st.lists(st.tuples(st.sampled_from(("image/gif", "application/octet-stream", "application/smil")), OCTETS))


@pytest.mark.parametrize("kind", REQUESTS.values())
def test_any_request_is_read_as_it_was_built_by_a_strict_endpoint(read: Any, kind: type[Request]) -> None:
    parts_of = PARTS if kind.carries_content else st.just([])

    @given(instances(kind), parts_of, st.sampled_from(("", "mm7", "env")), st.sampled_from((REL_5, builders.MM7)), TEXT)
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def check(
        request: Request, parts: Sequence[tuple[str, bytes]], prefix: str, namespace: str, transaction_id: str
    ) -> None:
        if kind.requires_content and not parts:
            parts = [("image/gif", b"")]
        message = build(request, parts, transaction_id=transaction_id, prefix=prefix, namespace=namespace)
        got, _, leaves = read(message)
        if parts:
            request = dataclasses.replace(request, content=Content(href="cid:content@mm7.example"))  # type: ignore[type-var]
        assert got.message == request
        assert got.transaction_id == message.transaction_id == transaction_id
        assert leaves == parts
        assert got.attachments == ()

    check()


# -- the content


def test_one_part_is_the_content_itself(read: Any) -> None:
    _, content, _ = read(submit(parts=[("image/jpeg", b"\xff\xd8")]))
    assert content == ("image/jpeg", "content@mm7.example", None, b"\xff\xd8")


def test_several_parts_are_in_a_multipart(read: Any) -> None:
    _, (kind, id, _, parts), _ = read(submit(parts=[("image/jpeg", b"1"), ("text/plain", "Gr\u00fc\u00dfe")]))
    assert (kind, id) == ("multipart/mixed", "content@mm7.example")
    assert parts == [("image/jpeg", None, None, b"1"), ("text/plain", None, None, "Gr\u00fc\u00dfe".encode())]


@pytest.mark.parametrize(("headers", "id"), [({}, "smil"), ({"content-id": "<show>"}, "show")])
def test_parts_with_smil_among_them_are_a_slide_show(read: Any, headers: dict[str, str], id: str) -> None:
    message = submit(
        parts=[("image/gif", b"GIF", {"Content-Location": "a.gif"}), ("application/smil", "<smil/>", headers)]
    )
    _, (kind, _, _, parts), _ = read(message)
    assert kind == "multipart/related"
    assert parts == [("image/gif", None, "a.gif", b"GIF"), ("application/smil", id, None, b"<smil/>")]
    assert f'type="application/smil"; start="<{id}>"'.encode() in message.body


@pytest.mark.parametrize(
    ("href", "id", "location"),
    [("cid:a%20b@c", "a b@c", None), ("cid:picture", "picture", None), ("picture.gif", None, "picture.gif")],
)
def test_a_content_that_is_named_gets_that_name(read: Any, href: str, id: str | None, location: str | None) -> None:
    reference = Content(href=href, allow_adaptations=False)
    request, content, _ = read(submit(content=reference, parts=[("image/gif", b"GIF")]))
    assert content == ("image/gif", id, location, b"GIF")
    assert request.message.content == reference


def test_a_single_part_that_has_a_name_keeps_it(read: Any) -> None:
    request, content, _ = read(submit(parts=[("image/gif", b"GIF", {"Content-ID": "<a b%@c>"})]))
    assert content == ("image/gif", "a b%@c", None, b"GIF")
    assert request.message.content == Content(href="cid:a%20b%25@c")


def test_text_says_that_it_is_utf_8_unless_it_says_something_else(read: Any) -> None:
    assert b'Content-Type: text/plain; charset="utf-8"\r\n' in submit(parts=[("text/plain", "\u0394")]).body
    assert b"Content-Type: text/plain; charset=utf-8\r\n" in submit(parts=[("text/plain; charset=utf-8", "x")]).body
    assert b"Content-Type: text/plain\r\n" in submit(parts=[("text/plain", b"x")]).body


def test_a_message_without_content_is_a_bare_envelope(read: Any) -> None:
    message = submit(parts=())
    assert message.content_type == 'text/xml; charset="utf-8"'
    request, content, _ = read(message)
    assert (request.message.content, content) == (None, None)


def test_what_the_schema_cannot_hold_is_refused() -> None:
    identified = SenderIdentification()
    with pytest.raises(ValueError, match="a CancelReq has no content, so it has no parts"):
        build(CancelReq(mm7_version="6.8.0", sender_identification=identified, message_id="1"), [("image/gif", b"")])
    with pytest.raises(ValueError, match="this ReplaceReq has to have content"):
        builders.replace(parts=())
    with pytest.raises(ValueError, match="this SubmitReq has to have content"):
        build(SubmitReq(mm7_version="6.8.0", sender_identification=identified, content=Content(href="cid:x")))
    with pytest.raises(ValueError, match="newline"):
        submit(parts=[("image/gif", b"", {"Content-ID": "<a>\r\nX: y"})])


# -- one for each operation


@pytest.mark.parametrize("operation", builders.OPERATIONS)
def test_every_operation_has_a_message_when_nothing_is_said(read: Any, operation: str) -> None:
    request, _, leaves = read(getattr(builders, operation)())
    assert request.message.operation == operation
    assert leaves == ([("text/plain", b"Hello")] if request.message.carries_content else [])


def test_every_operation_has_a_builder() -> None:
    assert set(builders.OPERATIONS.values()) == set(REQUESTS.values())


def test_no_two_messages_have_the_same_transaction() -> None:
    assert submit().transaction_id != cancel().transaction_id
    assert submit(transaction_id="t-1").transaction_id == "t-1"


def test_recipients_are_given_as_text_or_as_addresses(read: Any) -> None:
    short = Address("72550", AddressKind.SHORT_CODE)
    request, _, _ = read(submit(to="+12025550101", cc=["reader@news.example", short], bcc=short, subject="Hello"))
    assert request.message.subject == "Hello"
    assert request.message.recipients == Recipients(
        to=(Address("+12025550101"),), cc=(Address("reader@news.example", AddressKind.RFC2822), short), bcc=(short,)
    )
    request, _, _ = read(deliver(recipients=Recipients(cc=(short,))))
    assert request.message.recipients == Recipients(cc=(short,))


def test_what_identifies_the_sender_is_given_piece_by_piece_or_whole(read: Any) -> None:
    whole = submit().body
    request, _, _ = read(submit(vasp_id="acme", sender_address="+12025550199"))
    assert b"<mm7:VASPID>vasp</mm7:VASPID>" in whole
    assert request.message.sender_identification == SenderIdentification(
        vasp_id="acme", vas_id="service", sender_address=Address("+12025550199")
    )
    request, _, _ = read(cancel(vas_id=None))
    assert request.message.sender_identification.vas_id is None
    request, _, _ = read(deliver(vasp_id="acme"))
    assert request.message.vasp_id == "acme"


def test_sender_and_recipient_are_given_as_text(read: Any) -> None:
    for builder in (delivery_report, read_reply):
        request, _, _ = read(builder(sender="a@b.example", recipient="+12025550102"))
        assert request.message.sender == Address("a@b.example", AddressKind.RFC2822)
        assert request.message.recipient == Address("+12025550102")
    request, _, _ = read(deliver(sender="+12025550103"))
    assert request.message.sender == Address("+12025550103")


def test_a_field_that_there_is_not_is_named_with_those_that_there_are() -> None:
    with pytest.raises(TypeError, match=r"CancelReq has no subjct; it has mm7_version, .*message_id"):
        cancel(subjct="x")
    with pytest.raises(TypeError, match="DeliveryReportReq has no to; it has"):
        delivery_report(to="+12025550101")
    with pytest.raises(TypeError, match="SubmitReq is given recipients and to, which stands in it"):
        submit(to="+12025550101", recipients=Recipients())
    with pytest.raises(TypeError, match="SubmitReq is given sender_identification and vasp_id"):
        submit(vasp_id="acme", sender_identification=SenderIdentification())


# -- changes


def test_a_message_is_changed_by_copies() -> None:
    message = Message("text/xml", b"<a>1</a><a>2</a>", "t")
    assert message.swap("<a>", b"<b>", times=2).body == b"<b>1</a><b>2</a>"
    assert message.cut("</a>") == message
    assert message.cut(b"<a>").body == b"<a>1</a><a>"
    assert message.then("\u0394").after(b"-").body == b"-<a>1</a><a>2</a>\xce\x94"
    assert message.retyped("xml", "plain").content_type == "text/plain"
    assert message.under("text/\u0394").content_type == "text/\xce\x94"
    assert message.body == b"<a>1</a><a>2</a>"
    assert message.then("").transaction_id == "t"


def test_the_inside_of_the_soap_body_is_changed_as_text() -> None:
    changed = cancel(message_id="\u0394").operation(lambda inside: inside.replace("\u0394", inside[:14]))
    assert b"<mm7:MessageID><mm7:CancelReq</mm7:MessageID>" in changed.body


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda message: message.swap("x", "y"), "'x' is 0 times in the body, not 1 times"),
        (lambda message: message.swap("a", "b"), "'a' is 2 times in the body, not 1 times"),
        (lambda message: message.retyped("t", "x"), "'t' is 3 times in the Content-Type, not once"),
        (lambda message: message.cut("x"), "'x' is not in the body"),
        (lambda message: message.operation(str), "there is no env:Body in the body"),
    ],
)
def test_a_change_that_finds_nothing_to_change_is_a_mistake(change: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        change(Message("text/html", b"aa"))
