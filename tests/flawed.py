"""Messages that are made by the rules, and written with flaws that nobody can misread.

A writer is told which flaws to have, by their names in the catalogue of deviations, and has them by chance, wherever
they fit. What it writes is to be read as what it was made from. Test modules load this with ``runpy``, since those that
pytest imports by their path cannot import each other.
"""

from __future__ import annotations

import base64
import random
import re
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
SCHEMA = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
RELEASES = ("REL-5-MM7-1-0", "REL-5-MM7-1-2", "REL-6-MM7-1-4")

#: What a writer of multiparts can do wrong.
FRAMING = (
    "line-ends",
    "delimiter-blanks",
    "delimiter-hyphens",
    "boundary-missing",
    "boundary-wrong",
    "boundary-prefix",
    "close-missing",
    "close-repeated",
    "part-bodyless",
    "part-length",
    "headers-unended",
    "headers-end-blank",
    "header-unindented",
    "header-name",
)
#: What a writer of messages can do wrong besides.
MESSAGE = (
    "start-unmatched",
    "soap-part-type",
    "soap-part-encoded",
    "charset-contradicted",
    "xml-late",
    "id-brackets",
    "id-form",
    "href-without-cid",
    "soap-namespace",
    "transaction-unmarked",
    "namespace-missing",
    "namespace-blanks",
    "namespace-mixed",
    "element-order",
    "element-repeated",
    "element-misplaced",
    "element-unknown",
    "address-untyped",
    "value-case",
    "date-form",
)


class Node(NamedTuple):
    """A part to be written: a multipart where it has parts."""

    headers: list[tuple[str, str]]
    octets: bytes = b""
    parts: tuple[Node, ...] = ()

    @property
    def shape(self) -> tuple[list[tuple[str, str]], Any]:
        """The part as it is to be read: its headers, and its octets or the parts inside."""
        return list(self.headers), [part.shape for part in self.parts] if self.parts else self.octets

    @property
    def boundary(self) -> str:
        [value] = [value for name, value in self.headers if name == "Content-Type"]
        return value.partition("boundary=")[2]


def a_multipart(chance: random.Random, flaws: frozenset[str], boundary: str, depth: int, id: str = "") -> Node:
    """A multipart of random parts, with flaws in what their headers say."""
    parts = []
    for index in range(chance.randrange(1, 4)):
        if depth and chance.random() < 0.4:
            inside = f"{boundary}-{index}" if "boundary-prefix" in flaws else f"{index}x{boundary}"
            parts.append(a_multipart(chance, flaws, inside, depth - 1))
        else:
            parts.append(a_leaf(chance, flaws, f"{boundary}.{index}"))
    headers = [("Content-Id", f"<{id}>")] if id else []
    return Node([*headers, ("Content-Type", f"multipart/mixed; boundary={boundary}")], parts=tuple(parts))


def a_leaf(chance: random.Random, flaws: frozenset[str], id: str) -> Node:
    headers = [("Content-Id", f"<{id}>"), ("Content-Type", "text/plain; charset=utf-8")]
    if "header-name" in flaws and chance.random() < 0.5:
        headers.append(("X.Y", "1"))
    if "part-length" in flaws and chance.random() < 0.5:
        headers.append(("Content-Length", "+7"))
    octets = [b"", b"<x>\r\n\r\n</x>", b"text\nand\r\nmore: of it\r\n\r\n", chance.randbytes(chance.randrange(200))]
    return Node(headers, chance.choice(octets))


class Writer:
    """Writes multiparts, with flaws."""

    def __init__(self, flaws: frozenset[str], seed: int) -> None:
        self.flaws = flaws
        self.chance = random.Random(seed)

    def does(self, flaw: str) -> bool:
        return flaw in self.flaws and self.chance.random() < 0.7

    def multipart(self, node: Node, *, is_open: bool | None = None) -> bytes:
        """``is_open`` says whether the close delimiter is missing; None leaves it to chance."""
        if is_open is None:
            is_open = self.does("close-missing")
        opener = (b"---" if self.does("delimiter-hyphens") else b"--") + node.boundary.encode()
        preambles = [b"", b"\r\n", b"For old readers\r\n", b"X-A: 1\r\n\r\n", b"see -- here\r\n"]
        # Before a delimiter that was not asked for, text may be a part.
        written = self.chance.choice(preambles[:2] if "boundary-wrong" in self.flaws else preambles)
        for part in node.parts[:-1]:
            written += self._delimited(opener, part)
        written += self._delimited(opener, node.parts[-1], is_cut=is_open)
        if is_open:
            return written
        written += opener + b"--" + self._blanks()
        return written + b"\r\n" + opener + b"--\r\n" if self.does("close-repeated") else written

    def _delimited(self, opener: bytes, part: Node, *, is_cut: bool = False) -> bytes:
        """A part between its delimiter and the line break of the next; ``is_cut`` if nothing comes behind it."""
        written = opener + self._blanks() + self._break() + self._part(part, is_cut=is_cut)
        if is_cut:
            return written
        # A carriage return at the end of a part would become one with a bare line feed.
        return written + (b"\n" if self.does("line-ends") and not written.endswith(b"\r") else b"\r\n")

    def _part(self, node: Node, *, is_cut: bool) -> bytes:
        headers = b"".join(self._header(name, value) for name, value in node.headers)
        octets = self.multipart(node) if node.parts else node.octets
        if not octets and not is_cut and self.does("part-bodyless"):
            # Only what cannot be text is known for a header where no empty line follows.
            is_bare = self.chance.random() < 0.5 and all(name.startswith("Content-") for name, _ in node.headers)
            return headers.rstrip(b"\r\n") if is_bare else headers
        if octets.startswith(b"<") and self.does("headers-unended"):
            return headers + octets
        blanks = b" \t" if octets.startswith(b"<") and self.does("headers-end-blank") else b""
        return headers + blanks + self._break() + octets

    def _header(self, name: str, value: str) -> bytes:
        fold = b";\r\n" if self.does("header-unindented") else self.chance.choice([b"; ", b";\r\n\t", b";\r\n "])
        return f"{name}: {value}".encode().replace(b"; ", fold, 1) + self._break()

    def _break(self) -> bytes:
        return self.chance.choice([b"\n", b"\r\r\n"]) if self.does("line-ends") else b"\r\n"

    def _blanks(self) -> bytes:
        return self.chance.choice([b" ", b"\t", b" \t "]) if self.does("delimiter-blanks") else b""


class Letter(NamedTuple):
    """What a SubmitReq says."""

    transaction_id: str
    release: str
    version: str
    vasp_id: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    message_class: str
    time_stamp: datetime
    delivery_report: bool
    priority: str
    subject: str
    content: Node
    attachments: tuple[Node, ...]


def a_letter(chance: random.Random, flaws: frozenset[str]) -> Letter:
    def number() -> str:
        return f"+1202555{chance.randrange(10**4):04}"

    content = (
        a_multipart(chance, flaws, "inner", 1, "content") if chance.random() < 0.7 else a_leaf(chance, flaws, "content")
    )
    return Letter(
        transaction_id=f"tid-{chance.randrange(10**9)}",
        release=chance.choice(RELEASES),
        version=chance.choice(["5.3.0", "6.3.0", "6.8.0"]),
        vasp_id=chance.choice(["acme", "wetter & co", "a<b"]),
        sender=number(),
        to=tuple(number() for _ in range(chance.randrange(1, 4))),
        cc=tuple(number() for _ in range(chance.randrange(3))),
        message_class=chance.choice(["Personal", "Informational", "Auto"]),
        time_stamp=datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc) + timedelta(seconds=chance.randrange(10**8)),
        delivery_report=chance.random() < 0.5,
        priority=chance.choice(["Normal", "High"]),
        subject=chance.choice(["Weather", "Größe", "안녕하세요", "天气预报 \U0001f326", ' "quoted" & <more> ']),
        content=content,
        attachments=tuple(a_leaf(chance, flaws, f"attachment{index}") for index in range(chance.randrange(3))),
    )


class LetterWriter(Writer):
    """Writes whole messages, with flaws."""

    def message(self, letter: Letter) -> tuple[str, bytes]:
        """Content-Type and body."""
        root = self._root(letter)
        start = "<soap>"
        if self.does("start-unmatched"):
            start = "<nothing>"
        elif self.does("id-brackets"):
            start = "soap"
        content = letter.content
        if self.does("id-brackets"):
            content = content._replace(headers=[(name, value.strip("<>")) for name, value in content.headers])
        package = Node(
            [("Content-Type", "multipart/related; boundary=outer")], parts=(root, content, *letter.attachments)
        )
        is_named_by_body = bool(self.flaws & {"boundary-missing", "boundary-wrong"})
        body = self.multipart(package, is_open=False if is_named_by_body else None)
        boundary = "; boundary=outer"
        if is_named_by_body:
            boundary = "" if "boundary-missing" in self.flaws else "; boundary=other"
        return f'multipart/related{boundary}; type="text/xml"; start="{start}"', body

    def _root(self, letter: Letter) -> Node:
        octets = self._envelope(letter).encode()
        media_type, charset = "text/xml", "utf-8"
        encoding = []
        if self.does("soap-part-type"):
            media_type = self.chance.choice(["application/xml", "text/plain", "application/xop+xml"])
        if self.does("charset-contradicted"):
            charset = self.chance.choice(["utf-16", "utf-16le"])
        if self.does("xml-late"):
            octets = b"\r\n" + octets
        if self.does("soap-part-encoded"):
            octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
            encoding = [("Content-Transfer-Encoding", "base64")]
        id = "soap" if self.does("id-brackets") else "<soap>"
        return Node([("Content-Id", id), ("Content-Type", f"{media_type}; charset={charset}"), *encoding], octets)

    def _envelope(self, letter: Letter) -> str:
        namespace = SCHEMA + letter.release
        soap = SOAP
        if self.does("soap-namespace"):
            soap = self.chance.choice([SOAP.rstrip("/"), SOAP.replace("http:", "https:")])
        written = namespace
        if self.does("namespace-blanks"):
            written = self.chance.choice([namespace + " ", namespace.replace("schema/", "schema/\n"), "\t" + namespace])
        transaction = namespace
        if self.does("namespace-mixed"):
            transaction = SCHEMA + self.chance.choice([name for name in RELEASES if name != letter.release])
        mark = "" if self.does("transaction-unmarked") else ' s:mustUnderstand="1"'
        space = self.chance.choice(["", " ", "\n\t"])
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<s:Envelope xmlns:s="{soap}"><s:Header><t:TransactionID xmlns:t="{transaction}"{mark}>'
            f"{space}{letter.transaction_id}{space}</t:TransactionID></s:Header>"
            f'<s:Body><m:SubmitReq xmlns:m="{written}">{self._submission(letter)}</m:SubmitReq></s:Body></s:Envelope>'
        )

    def _submission(self, letter: Letter) -> str:
        sender = letter.sender if self.does("address-untyped") else f"<m:Number>{letter.sender}</m:Number>"
        vasp = f"<m:VASPID>{escaped(letter.vasp_id)}</m:VASPID>"
        is_misplaced = self.does("element-misplaced")
        again = f"<m:SenderAddress>{sender}</m:SenderAddress>" if self.does("element-repeated") else ""
        elements = [
            f"<m:MM7Version>{letter.version}</m:MM7Version>",
            f"<m:SenderIdentification>{'' if is_misplaced else vasp}<m:SenderAddress>{sender}</m:SenderAddress>{again}"
            "</m:SenderIdentification>",
            *([vasp] if is_misplaced else []),
            f"<m:Recipients>{self._addresses('To', letter.to)}{self._addresses('Cc', letter.cc)}</m:Recipients>",
            f"<m:MessageClass>{self._cased(letter.message_class)}</m:MessageClass>",
            f"<m:TimeStamp>{self._date(letter.time_stamp)}</m:TimeStamp>",
            f"<m:DeliveryReport>{self._cased('true' if letter.delivery_report else 'false')}</m:DeliveryReport>",
            f"<m:Priority>{self._cased(letter.priority)}</m:Priority>",
            f"<m:Subject>{escaped(letter.subject)}</m:Subject>",
            f'<m:Content href="{self._href()}"/>',
        ]
        if self.does("element-unknown"):
            elements.insert(self.chance.randrange(len(elements)), '<x:Bpid xmlns:x="urn:vendor">1</x:Bpid>')
        if self.does("element-order"):
            self.chance.shuffle(elements)
        if self.does("element-repeated"):
            [first] = [index for index, element in enumerate(elements) if element.startswith("<m:Priority>")]
            elements.insert(first + 1, "<m:Priority>Low</m:Priority>")
        written = self.chance.choice(["", "\n  "]).join(elements)
        return re.sub("(</?)m:", r"\1", written) if self.does("namespace-missing") else written

    def _addresses(self, group: str, numbers: tuple[str, ...]) -> str:
        inside = "".join(f"<m:Number>{number}</m:Number>" for number in numbers)
        return f"<m:{group}>{inside}</m:{group}>" if numbers else ""

    def _cased(self, value: str) -> str:
        return self.chance.choice([value.upper(), value.swapcase()]) if self.does("value-case") else value

    def _date(self, moment: datetime) -> str:
        if not self.does("date-form"):
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        unpadded = f"{moment.year}-{moment.month}-{moment.day} {moment:%H:%M:%S} +0000"
        mail = f"{moment.day} {moment.month}월 {moment:%Y %H:%M:%S} +0000"
        return self.chance.choice([unpadded, mail, moment.strftime("%Y%m%d%H%M%SZ")])

    def _href(self) -> str:
        id = "CONTENT" if self.does("id-form") else "content"
        scheme = self.chance.choice(["", "cid "]) if self.does("href-without-cid") else "cid:"
        return scheme + id


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
