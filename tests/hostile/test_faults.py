"""What breaks around a request: connections, callbacks, the machine; and what strangers leave behind."""

from __future__ import annotations

import gc
import logging
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from mm7_wsgi import Account, MM7Endpoint, MM7Request, Part
from mm7_wsgi.protocol.soap import split_name

MEGABYTE = 1024 * 1024
ACCOUNTS = {"acme": "s3cret"}


@pytest.fixture
def message(mm7: SimpleNamespace) -> tuple[str, bytes]:
    """Content-Type and body of a SubmitReq with a multipart, two parts in it and one beside it."""
    inner = mm7.multipart(
        mm7.part(b"<smil/>", "Content-Type: application/smil"),
        mm7.part(b"hello\r\n\r\nworld", "Content-Type: text/plain"),
        boundary="inner",
    )
    return mm7.package(
        mm7.soap(more='<mm7:Content href="cid:content"/>'),
        mm7.part(inner, 'Content-Type: multipart/mixed; boundary="inner"', "Content-ID: <content>"),
        mm7.part(b"beside", "Content-Type: text/plain"),
    )


class Kept:
    """A handler that keeps what it was called with."""

    def __init__(self) -> None:
        self.calls: list[tuple[set[str], list[bytes]]] = []

    def __call__(self, request: MM7Request) -> None:
        leaves = [part.data for part in request.leaves()]
        self.calls.append(({deviation.name for deviation in request.deviations}, leaves))


# -- messages that are cut off


def test_a_body_that_is_cut_off_anywhere_is_never_handed_over(
    message: tuple[str, bytes], ask: Callable[..., Any], make_environ: Callable[..., Any], streams: SimpleNamespace
) -> None:
    content_type, body = message
    handler = Kept()
    endpoint = MM7Endpoint(handler, accounts=ACCOUNTS)
    for cut in range(len(body)):
        environ = make_environ(body, {"CONTENT_TYPE": content_type, "wsgi.input": streams.Input(body[:cut])})
        answer = ask(endpoint, environ)
        assert (answer.status, answer.code) == (400, 4004)
        assert answer.faultstring.endswith(f"the body ended after {cut} of {len(body)} octets")
    assert handler.calls == []


def test_a_message_that_was_cut_off_before_it_was_sent_is_never_taken_for_a_whole_one(
    message: tuple[str, bytes], ask: Callable[..., Any], make_environ: Callable[..., Any]
) -> None:
    content_type, body = message
    strict, tolerant = Kept(), Kept()
    endpoints = [
        MM7Endpoint(strict, accounts=ACCOUNTS, strict=True),
        MM7Endpoint(tolerant, accounts=ACCOUNTS),
    ]
    ask(endpoints[0], make_environ(body, CONTENT_TYPE=content_type))
    [(_, whole)] = strict.calls
    assert len(whole) == 3
    for cut in range(body.rindex(b"--outer--") + len("--outer--")):
        for endpoint in endpoints:
            ask(endpoint, make_environ(body[:cut], CONTENT_TYPE=content_type))
    assert len(strict.calls) == 1
    assert tolerant.calls
    for deviations, leaves in tolerant.calls:  # peers do leave the close delimiter out, so this has to be borne
        assert deviations & {"close-missing", "close-inline"}
        *before, last = leaves
        assert before == whole[: len(before)]
        assert (whole[len(before)] + b"\r\n-").startswith(last)  # a hyphen alone may be text


# -- callbacks that break


@pytest.mark.parametrize(
    "fault",
    [
        ZeroDivisionError(),
        MemoryError(),
        RecursionError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
        OSError(28),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_callback_that_breaks_costs_no_later_request(
    fault: Exception, message: tuple[str, bytes], ask: Callable[..., Any], make_environ: Callable[..., Any]
) -> None:
    faults = [fault]
    kept: list[Part] = []

    def handler(request: MM7Request) -> None:
        kept.extend(request.leaves())
        if faults:
            raise faults.pop()

    endpoint = MM7Endpoint(handler, accounts=ACCOUNTS)
    content_type, body = message
    first = ask(endpoint, make_environ(body, CONTENT_TYPE=content_type))
    assert (first.status, first.code, first.message_id) == (500, 3000, None)
    second = ask(endpoint, make_environ(body, CONTENT_TYPE=content_type))
    assert (second.status, second.code) == (200, 1000)
    for part in kept:
        with pytest.raises(ValueError, match="save"):
            part.data  # noqa: B018 - read


def test_recursion_without_end_in_a_callback_is_a_failure_like_any_other(
    message: tuple[str, bytes], ask: Callable[..., Any], make_environ: Callable[..., Any]
) -> None:
    def handler(request: MM7Request) -> None:
        handler(request)

    content_type, body = message
    answer = ask(MM7Endpoint(handler, accounts=ACCOUNTS), make_environ(body, CONTENT_TYPE=content_type))
    assert (answer.status, answer.code) == (500, 3000)


def test_hostile_and_honest_requests_do_not_meet_in_threads(
    kit: SimpleNamespace, ask: Callable[..., Any], mm7: SimpleNamespace
) -> None:
    handled: dict[str, bytes] = {}
    answers: dict[str, Any] = {}

    def handler(request: MM7Request) -> None:
        [part] = request.leaves()
        handled[request.transaction_id] = part.data

    endpoint = MM7Endpoint(handler, accounts=ACCOUNTS)
    doors = threading.Barrier(16)

    def send(sender: int) -> None:
        doors.wait()
        for number in range(8):
            name = f"{sender}-{number}"
            if sender % 4 == 3:
                answers[name] = ask(endpoint, kit.environ(b"--b" * 200_000, CONTENT_TYPE="multipart/related"))
            else:
                content_type, body = mm7.package(
                    mm7.soap(transaction=name, more='<mm7:Content href="cid:c"/>'),
                    mm7.part(name.encode() * 100_000, "Content-ID: <c>"),
                )
                answers[name] = ask(endpoint, kit.environ(body, CONTENT_TYPE=content_type))

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 128
    for name, answer in answers.items():
        if name.startswith(("3-", "7-", "11-", "15-")):
            assert (answer.status, answer.code) == (500, 4004)
        else:
            assert (answer.status, answer.transaction[1]) == (200, name)
            assert handled[name] == name.encode() * 100_000


# -- a machine that has no more


@contextmanager
def limited(kind: str, most: int) -> Iterator[None]:
    """The process may have no more than that; afterwards as much as before."""
    resource = pytest.importorskip("resource")
    number = getattr(resource, f"RLIMIT_{kind}")
    before = resource.getrlimit(number)
    resource.setrlimit(number, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(number, before)


@pytest.mark.parametrize("lack", ["room for files", "numbers for files", "a folder for files"])
def test_a_machine_that_has_no_more_asks_the_peer_to_come_again_and_recovers(
    lack: str, ask: Callable[..., Any], kit: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Kept()
    endpoint = MM7Endpoint(handler, accounts=ACCOUNTS)
    content_type, body = kit.package(kit.soap(), kit.part(bytes(2 * MEGABYTE), "Content-ID: <c>"))

    def send() -> tuple[int, int | None]:
        answer = ask(endpoint, kit.environ(body, CONTENT_TYPE=content_type))
        return answer.status, answer.code

    assert send() == (200, 1000)
    if lack == "room for files":
        with limited("FSIZE", MEGABYTE):  # Python ignores the signal, so that the write fails
            assert send() == (500, 4006)
    elif lack == "numbers for files":
        next_one = os.dup(0)
        os.close(next_one)
        with limited("NOFILE", next_one):
            assert send() == (500, 4006)
    else:
        with monkeypatch.context() as patch:
            patch.setattr("tempfile.tempdir", "/nowhere/at/all")
            assert send() == (500, 4006)
    assert send() == (200, 1000)
    assert len(handler.calls) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_an_endpoint_that_was_made_before_a_fork_serves_on_both_sides(
    message: tuple[str, bytes], ask: Callable[..., Any], make_environ: Callable[..., Any]
) -> None:
    content_type, body = message
    endpoint = MM7Endpoint(Kept(), accounts={"acme": Account("acme", "s3cret")})

    def send() -> tuple[int, str]:
        answer = ask(endpoint, make_environ(body, CONTENT_TYPE=content_type))
        return answer.code, answer.message_id

    send()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover - in another process
        try:
            os.write(writing, repr(send()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        there = pipe.read().decode()
    os.waitpid(child, 0)
    here = repr(send())
    assert there.startswith("(1000, ")
    assert here.startswith("(1000, ")
    assert there != here  # MessageIDs do not repeat


# -- what strangers leave behind


def test_nothing_is_kept_of_what_strangers_send(
    ask: Callable[..., Any], mm7: SimpleNamespace, kit: SimpleNamespace
) -> None:
    """Names, labels and values that never come again, in every place that a peer can write to."""

    def send(number: int) -> None:
        short, long = f"n{number}", f"{number}".rjust(3000, "n")
        xml = mm7.soap(
            transaction=long,
            version=f"6.{number}.0",
            prefix=short,
            namespace=f"urn:mm7:{number}",
            more=f'<{short} {short}="1"/><x:y xmlns:x="urn:{number}"/><{{p}}TimeStamp>{long}</{{p}}TimeStamp>'
            f'<{{p}}Priority>{long}</{{p}}Priority><{{p}}Content href="cid:{long}"/>',
        )
        part = mm7.part(
            b"\xff",
            f"Content-Type: text/{short}; charset={long}; name={long}",
            f"Content-ID: <{long}>",
            f"Content-Location: {long}",
            f"{short}: {long}",
            f"Content-Disposition: {short}; filename*={short}''{long}",
        )
        content_type, body = mm7.package(xml, part, boundary=f"b{number}")
        content_type += f"; charset={long}; a{short}={long}"
        answer = ask(
            endpoint,
            kit.environ(body, CONTENT_TYPE=content_type, HTTP_SOAPACTION=long, REMOTE_ADDR=f"192.0.2.{number % 256}"),
        )
        assert answer.code == 1000
        refused = ask(endpoint, kit.environ(xml, PATH_INFO=f"/mm7/{short}={long}"))
        assert refused.status == 401

    def handler(request: MM7Request) -> None:
        for part in request.leaves():
            part.text, part.filename, part.headers  # noqa: B018 - read

    endpoint = MM7Endpoint(handler, accounts=ACCOUNTS)
    for number in range(1000, 1400):  # what is kept on purpose is bounded, and is full then
        send(number)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(1400, 1700):
            send(number)
        # Names are forgotten all at once, when there are many; how many there are now depends on the tests before.
        names = len(split_name.__self__)  # type: ignore[attr-defined]
        split_name.__self__.clear()  # type: ignore[attr-defined]
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # What is kept is exchanged for as much of the like, which was not counted when it came.
    assert kept < 150_000
    assert names <= 1024


def test_what_strangers_send_is_logged_once(
    ask: Callable[..., Any], mm7: SimpleNamespace, kit: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    endpoint = MM7Endpoint(lambda request: None, accounts=ACCOUNTS)
    for number in range(200):
        ask(endpoint, kit.environ(mm7.soap(more=f"<x{number}/>" * 100)))
    assert len(caplog.records) == 1
    assert len(caplog.text) < 1000
