"""A message is known again however it is framed, and no other is taken for it; and every kind of message is kept."""

from __future__ import annotations

import base64
import copy
import dataclasses
import os
import runpy
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import Account, MM7Endpoint, MM7Request, Part
from mm7_wsgi.protocol.soap import Node, split_name
from mm7_wsgi.spool import Spool
from mm7_wsgi.spool.identity import _FORMER_RULE, _RULE, fingerprint, is_same
from mm7_wsgi.testing import build, cancel, deliver, delivery_report, read_reply, submit
from mm7_wsgi.testing import message as builders

TESTS = Path(__file__).parents[1]
KIT = runpy.run_path(str(Path(__file__).with_name("kit.py")))
QUIRKS = runpy.run_path(str(TESTS / "quirks" / "quirks.py"))["QUIRKS"]
GOLDEN = runpy.run_path(str(TESTS / "test_golden.py"))
peer = KIT["peer"]


def of(message: Any) -> bytes:
    """The fingerprint of what is sent."""
    found: list[bytes] = []
    answer = peer(lambda request: found.append(fingerprint(request))).send(message)
    assert answer.accepted, answer
    return found[0]


# -- what says the same


SMIL = '<smil><body><img src="cid:picture"/></body></smil>'
PICTURE = bytes(range(256)) * 3
PARTS: Any = (
    ("application/smil", SMIL, {"Content-ID": "<smil>"}),
    ("text/plain", "Gr\u00fc\u00dfe"),
    ("image/png", PICTURE, {"Content-ID": "<picture>", "Content-Location": "a.png"}),
)
FIELDS: Any = {"transaction_id": "t", "to": ("+12025550101", "a@example.com"), "subject": "Hello"}
STORY = submit(parts=PARTS, **FIELDS)
SINGLE = submit(parts=(("text/plain", "Hello", {"Content-ID": "<content>"}),), **FIELDS)
OTHER = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-3"
DECLARATION = b' xmlns:mm7="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"'


def request_of(message: Any) -> Any:
    found: list[Any] = []
    peer(lambda request: found.append(request.message)).send(message)
    return found[0]


def in_base64(parts: Any) -> Any:
    return tuple(
        (
            kind if isinstance(held, bytes) else f'{kind}; charset="utf-8"',
            base64.encodebytes(held if isinstance(held, bytes) else held.encode()),
            {**(more[0] if more else {}), "Content-Transfer-Encoding": "base64"},
        )
        for kind, held, *more in parts
    )


def declared_outside(message: Any) -> Any:
    opening = b"<env:Envelope "
    assert message.body.count(DECLARATION) == 2
    return dataclasses.replace(
        message, body=message.body.replace(DECLARATION, b"").replace(opening, opening[:-1] + DECLARATION + b" ")
    )


SAME: dict[str, tuple[Any, Callable[[], Any]]] = {
    "boundaries": (
        STORY,
        lambda: STORY.swap("mm7_outer", "b", times=3).swap("mm7_story", "c", times=5).retyped("mm7_outer", "b"),
    ),
    "a text before and behind": (STORY, lambda: STORY.after("hear, hear\r\n").then("that is all\r\n")),
    "transfer encodings": (STORY, lambda: submit(parts=in_base64(PARTS), **FIELDS)),
    "a prefix": (STORY, lambda: build(request_of(STORY), PARTS, transaction_id="t", prefix="x")),
    "no prefix": (STORY, lambda: build(request_of(STORY), PARTS, transaction_id="t", prefix="")),
    "another release of the schema": (
        STORY,
        lambda: build(request_of(STORY), PARTS, transaction_id="t", namespace=OTHER),
    ),
    "a namespace declared elsewhere": (STORY, lambda: declared_outside(STORY)),
    "white space between elements": (STORY, lambda: STORY.operation(lambda text: text.replace("><", ">\r\n\t<"))),
    "a comment": (STORY, lambda: STORY.operation(lambda text: text.replace("><", "><!-- so -->\n<", 3))),
    "white space around a value": (STORY, lambda: STORY.swap(">Hello<", ">\r\n Hello <")),
    "characters by their number": (SINGLE, lambda: SINGLE.swap(">Hello<", ">&#72;ello<")),
    "line ends of headers": (SINGLE, lambda: dataclasses.replace(SINGLE, body=SINGLE.body.replace(b"\r\n", b"\n"))),
    "headers in another order": (
        STORY,
        lambda: STORY.swap(
            "Content-ID: <picture>\r\nContent-Location: a.png", "Content-Location: a.png\r\nContent-ID: <picture>"
        ),
    ),
    "names of headers in other letters": (STORY, lambda: STORY.swap("Content-Location:", "CONTENT-location:")),
    "a header that says nothing of the part": (
        STORY,
        lambda: STORY.swap("Content-Location: a.png", "Content-Location: a.png\r\nContent-Description: me"),
    ),
    "a type in other letters": (STORY, lambda: STORY.swap("image/png", "Image/PNG")),
    "the id of the content": (SINGLE, lambda: SINGLE.swap("<content>", "<c-7>").swap("cid:content", "cid:c-7")),
    "the id of the content, with a prefix before href": (
        SINGLE.swap(' href="cid:content"', ' mm7:href="cid:content"'),
        lambda: SINGLE.swap("<content>", "<c-7>").swap(' href="cid:content"', ' mm7:href="cid:c-7"'),
    ),
    "when it was sent": (
        submit(time_stamp=datetime(2030, 1, 2, tzinfo=timezone.utc), **FIELDS),
        lambda: submit(time_stamp=datetime(2030, 1, 3, tzinfo=timezone.utc), **FIELDS),
    ),
    "when the relay sent it": (
        deliver(transaction_id="t", time_stamp=datetime(2030, 1, 2, tzinfo=timezone.utc)),
        lambda: deliver(transaction_id="t", time_stamp=datetime(2030, 1, 3, tzinfo=timezone.utc)),
    ),
    "when it was sent, in other letters": (
        submit(time_stamp=datetime(2030, 1, 2, tzinfo=timezone.utc), **FIELDS).swap(
            "TimeStamp>", "Timestamp>", times=2
        ),
        lambda: submit(time_stamp=datetime(2030, 1, 3, tzinfo=timezone.utc), **FIELDS).swap(
            "TimeStamp>", "Timestamp>", times=2
        ),
    ),
    "the Date of a report": (
        delivery_report(transaction_id="t", date=datetime(2030, 1, 2, tzinfo=timezone.utc)),
        lambda: delivery_report(transaction_id="t", date=datetime(2030, 1, 3, tzinfo=timezone.utc)),
    ),
    "the Date of a report by its other name": (
        delivery_report(transaction_id="t", date=datetime(2030, 1, 2, tzinfo=timezone.utc)).swap(
            "Date>", "TimeStamp>", times=2
        ),
        lambda: delivery_report(transaction_id="t", date=datetime(2030, 1, 3, tzinfo=timezone.utc)).swap(
            "Date>", "TimeStamp>", times=2
        ),
    ),
    "when it was read": (
        read_reply(transaction_id="t", time_stamp=datetime(2030, 1, 2, tzinfo=timezone.utc)),
        lambda: read_reply(transaction_id="t", time_stamp=datetime(2030, 1, 3, tzinfo=timezone.utc)),
    ),
    "the TransactionID, which it is found by": (SINGLE, lambda: SINGLE.swap(">t<", ">u<")),
}


@pytest.mark.parametrize("what", SAME)
def test_a_message_that_is_written_otherwise_is_the_same(what: str) -> None:
    one, make = SAME[what]
    other = make()
    assert (one.content_type, one.body) != (other.content_type, other.body)
    assert of(one) == of(other)


def test_a_message_with_one_part_is_not_one_with_a_multipart_of_one() -> None:
    parts = (("text/plain", "Hello"),)
    boxed = submit(parts=(*parts, ("text/plain", "x")), **FIELDS)
    boxed = boxed.swap('--mm7_story\r\nContent-Type: text/plain; charset="utf-8"\r\n\r\nx\r\n', "")
    assert of(boxed) != of(submit(parts=parts, **FIELDS))


# -- what says something else


OTHER_PARTS: dict[str, Any] = {
    "an octet": (*PARTS[:2], (*PARTS[2][:1], PICTURE[:-1] + b"\0", *PARTS[2][2:])),
    "an octet of a large one": (*PARTS[:2], ("image/png", bytes(600_000) + b"\1", {"Content-ID": "<picture>"})),
    "another octet of a large one": (*PARTS[:2], ("image/png", bytes(600_001), {"Content-ID": "<picture>"})),
    "the words": (PARTS[0], ("text/plain", "Gr\u00fcsse"), PARTS[2]),
    "the order": (PARTS[0], PARTS[2], PARTS[1]),
    "one less": PARTS[:2],
    "one more": (*PARTS, ("text/plain", "")),
    "one twice": (*PARTS, PARTS[1]),
    "the type": (*PARTS[:2], ("image/gif", *PARTS[2][1:])),
    "the charset": (PARTS[0], ("text/plain; charset=iso-8859-1", "Gr\u00fc\u00dfe".encode()), PARTS[2]),
    "a name": (PARTS[0], ("text/plain; name=a.txt", PARTS[1][1]), PARTS[2]),
    "another name": (PARTS[0], ("text/plain; name=b.txt", PARTS[1][1]), PARTS[2]),
    "a place": (*PARTS[:2], (*PARTS[2][:2], {"Content-ID": "<picture>", "Content-Location": "b.png"})),
    "an id inside": (*PARTS[:2], (*PARTS[2][:2], {"Content-ID": "<p>", "Content-Location": "a.png"})),
}


def test_no_two_messages_with_other_parts_are_taken_for_each_other() -> None:
    found = {"": of(STORY), **{name: of(submit(parts=parts, **FIELDS)) for name, parts in OTHER_PARTS.items()}}
    found["without any"] = of(submit(parts=(), **FIELDS))
    found["beside the content"] = of(
        STORY.cut("--mm7_outer").then("\r\nContent-Type: text/plain\r\n\r\nbeside\r\n--mm7_outer--\r\n")
    )
    assert len(set(found.values())) == len(found)


def changes(element: Node) -> Iterator[tuple[str, Node]]:
    """The same tree with one thing in it that is otherwise; each time a copy."""
    count = len(list(element.iter()))

    def copied(index: int) -> tuple[Node, Node]:
        whole = copy.deepcopy(element)
        return whole, list(whole.iter())[index]

    for index in range(count):
        whole, node = copied(index)
        name, _, _ = split_name(node.tag)
        if not len(node):
            node.text = (node.text or "") + "x"
            yield f"the text of {name}", whole
            if (node.text or "x") != "x":
                whole, node = copied(index)
                node.text = ""
                yield f"no text in {name}", whole
        whole, node = copied(index)
        node.tag += "X"
        yield f"the name of {name}", whole
        whole, node = copied(index)
        node.set("more", "x")
        yield f"an attribute of {name}", whole
        for key in node.attrib:
            if key != "more" and (name, split_name(key)[0]) != ("Content", "href"):
                whole, node = copied(index)
                node.set(key, node.get(key, "") + "x")
                yield f"{key} of {name}", whole
                whole, node = copied(index)
                del node.attrib[key]
                yield f"no {key} of {name}", whole
        for place in range(len(node)):
            whole, node = copied(index)
            child = node[place]
            node.remove(child)
            yield f"no {split_name(child.tag)[0]} in {name}", whole
            whole, node = copied(index)
            node.insert(place, copy.deepcopy(node[place]))
            yield f"twice {split_name(child.tag)[0]} in {name}", whole
            if place and element_text(node[place]) != element_text(node[place - 1]):
                whole, node = copied(index)
                node[place], node[place - 1] = node[place - 1], node[place]
                yield f"the order in {name}", whole


def element_text(node: Node) -> Any:
    return node.tag, node.text, dict(node.attrib), [element_text(child) for child in node]


@pytest.mark.parametrize("name", GOLDEN["NAMES"])
def test_no_change_of_an_element_goes_unseen(name: str, call: Any, make_environ: Any) -> None:
    """Each field of each operation: of every whole message that there is, everything that it says is said otherwise."""
    tried: list[str] = []

    def handler(request: MM7Request) -> None:
        element = request._element
        assert element is not None
        before = fingerprint(request)
        for what, changed in changes(element):
            request._element = changed
            if fingerprint(request) == before:
                # When it was sent says nothing; that it has a time does.
                time = "Date" if request.message.operation == "delivery_report" else "TimeStamp"
                assert what.endswith(time) or f" {time}" in what
                assert not what.startswith((f"no {time}", "twice"))
            tried.append(what)
        request._element = element
        assert fingerprint(request) == before

    environ, body = GOLDEN["split_http"]((GOLDEN["GOLDEN"] / name / "request.http").read_bytes())
    environ |= {"CONTENT_LENGTH": str(len(body))}
    answer = call(MM7Endpoint(handler, accounts=lambda credentials: Account("acme")), make_environ(body, environ))
    assert answer.status in (200, 400, 500)
    assert tried or b"Fault" in answer.body
    if answer.status == 200:
        assert len(tried) > 10


TIMED = [
    name
    for name, kind in builders.OPERATIONS.items()
    if "time_stamp" in {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
]


@pytest.mark.parametrize("operation", TIMED)
def test_a_time_that_a_peer_renews_does_not_count_and_that_it_has_one_does(operation: str) -> None:
    make = getattr(builders, operation)
    one, other = (make(transaction_id="t", time_stamp=datetime(2030, 1, day, tzinfo=timezone.utc)) for day in (2, 3))
    assert of(one) == of(other)
    if operation != "read_reply":  # it must have one
        assert of(make(transaction_id="t", time_stamp=None)) != of(one)


#: Fingerprints are kept for as long as a window is, across versions of the package: a rule that makes others of the
#: same messages needs another number (_RULE), so that none is compared with those of before.
PINNED = {
    "story": (STORY, "023962d27439b37efba58307df34c87ca789653d797a4a1308673fe68805d13a91"),
    "single": (SINGLE, "0284083895dd554dadc0d9abe7381ea0661ed1829d50027c2c260c7eff7061e74e"),
    "deliver": (
        deliver(transaction_id="t", subject="Gr\u00fc\u00dfe"),
        "02c9f3edf7a27261efce4cca5b28e47ab166fde0fc4ea38cdf445c115321c6bafb",
    ),
    "cancel": (cancel(transaction_id="t"), "027217a610f3dc18f2ab94081608cea99764dac1a8380a261346b6d2767d065147"),
}


@pytest.mark.parametrize("name", PINNED)
def test_the_rule_is_what_it_was(name: str) -> None:
    message, expected = PINNED[name]
    assert _RULE == b"\x02"
    assert of(message).hex() == expected


#: Those of the same messages by the rule before, as an older version has stored them.
FORMER = {
    "story": "013962d27439b37efba58307df34c87ca789653d797a4a1308673fe68805d13a91",
    "single": "0184083895dd554dadc0d9abe7381ea0661ed1829d50027c2c260c7eff7061e74e",
    "deliver": "01c9f3edf7a27261efce4cca5b28e47ab166fde0fc4ea38cdf445c115321c6bafb",
    "cancel": "017217a610f3dc18f2ab94081608cea99764dac1a8380a261346b6d2767d065147",
}


@pytest.mark.parametrize("name", PINNED)
def test_what_was_stored_by_the_former_rule_is_compared_by_that(name: str) -> None:
    found: list[list[bool]] = []
    stored = [bytes.fromhex(former) for former in FORMER.values()]

    def handler(request: MM7Request) -> None:
        mine = fingerprint(request)
        found.append([is_same(one, request, mine) for one in (*stored, mine, b"\x03" + mine[1:])])

    assert peer(handler).send(PINNED[name][0]).accepted
    assert found == [[one == name for one in FORMER] + [True, False]]


def test_by_the_former_rule_the_time_of_a_relay_counted() -> None:
    found: list[bytes] = []
    client = peer(lambda request: found.append(fingerprint(request, rule=_FORMER_RULE)))
    for day in (2, 3):
        time = datetime(2030, 1, day, tzinfo=timezone.utc)
        for message in (deliver(transaction_id="t", time_stamp=time), submit(time_stamp=time, **FIELDS)):
            assert client.send(message).accepted
    deliveries, submissions = found[::2], found[1::2]
    assert (len(set(deliveries)), len(set(submissions))) == (2, 1)


# -- what is kept


class Piece(tuple):  # type: ignore[type-arg]
    """A part as it was read: everything that a handler can ask it for."""


def piece(part: Part) -> Any:
    headers = tuple(part.headers)
    if part.is_multipart:
        return Piece((headers, part.content_type, *map(piece, part.parts)))
    said = (part.content_type, part.content_id, part.content_location, part.filename, part.charset)
    return Piece((headers, said, part.data))


def read(request: Any) -> dict[str, Any]:
    return {
        "operation": request.message.operation,
        "message": request.message,
        "transaction_id": request.transaction_id,
        "account": request.account.name,
        "deviations": request.deviations,
        "content": None if request.content is None else piece(request.content),
        "attachments": tuple(map(piece, request.attachments)),
        "leaves": tuple(map(piece, request.leaves())),
        "remote_addr": request.remote_addr,
        "fingerprint": fingerprint(request),
        "raw": b"".join(request.raw.pieces(4096)),
    }


def every_message() -> Iterator[tuple[str, str, bytes, dict[str, Any]]]:
    for area in QUIRKS.values():
        for quirk in area:
            for number, message in enumerate(quirk.messages):
                if not quirk.is_answer and quirk.verdict != "refused":
                    yield f"{quirk.title} ({number})", message.content_type, message.body, dict(message.environ)
    for name in GOLDEN["NAMES"]:
        environ, body = GOLDEN["split_http"]((GOLDEN["GOLDEN"] / name / "request.http").read_bytes())
        yield name, environ["CONTENT_TYPE"], body, {}
    if os.environ.get("MM7_CAPTURES"):
        captures = runpy.run_path(str(TESTS / "test_captures.py"))
        for name in captures["_ACCEPTED"]:
            capture = captures["load_request"](name)
            yield name, capture.content_type, capture.body, dict(capture.environ)


def test_all_that_peers_send_is_kept_as_it_was_read(place: str, call: Any, make_environ: Any) -> None:
    spool = Spool(place, reuse="accept")
    seen: list[Any] = []

    def handler(request: MM7Request) -> Any:
        seen.append(read(request))
        return spool(request)

    endpoint = MM7Endpoint(handler, accounts=lambda credentials: Account("acme"))
    kept = 0
    for name, content_type, body, more in every_message():
        environ = make_environ(body, {**more, "CONTENT_TYPE": content_type})
        seen.clear()
        answer = call(endpoint, environ, validate=False)
        if not seen:
            assert answer.status != 200, name
            continue
        assert answer.status == 200, (name, answer.body)
        kept += 1
        found = list(spool.claim(2))
        if not found:  # the same message as before, in another form
            continue
        (delivery,) = found
        assert read(delivery.request) == seen[0], name
        assert delivery.content_type == content_type.strip() or delivery.content_type == content_type
        with delivery.open() as stream:
            assert stream.read() == body
        delivery.done()
    assert kept > 100
    spool.close()


@pytest.mark.parametrize("what", SAME)
def test_a_spool_answers_the_same_message_in_another_form_as_before(folder: Path, what: str) -> None:
    one, make = SAME[what]
    other = make()
    spool = Spool(folder / "mm7.db")
    client = peer(spool)
    first, second = client.send(one), client.send(other)
    assert first.accepted
    if "TransactionID" in what:
        assert second.message_id != first.message_id
        assert len(list(spool.claim(10))) == 2
    else:
        assert second.body == first.body
        assert len(list(spool.claim(10))) == 1
    spool.close()
