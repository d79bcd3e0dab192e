"""Messages that follow the rules, as different as the rules allow, each made from a seed and with what is in it.

MIME: RFC 2045, 2046, 2231, 2387 and 2392, without encoded words (RFC 2047). XML 1.0 with namespaces, SOAP 1.1, and the
MM7 schema with its elements in their order; which these are comes from ``schema_table.py``. Nothing is written with the
code of the package, which would forgive itself its own mistakes.

Left out, since nobody can hold them or since they are refused on purpose: dates beyond the years 1 to 9999, durations
of more digits than nine, processing instructions and document types (SOAP 1.1, 3), comments in Content-Type.
"""

from __future__ import annotations

import base64
import random
import re
import runpy
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

TABLE = runpy.run_path(str(Path(__file__).parents[1] / "protocol" / "schema_table.py"))
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "http://www.w3.org/XML/1998/namespace"

#: What Rel-6 added: in a message of Rel-5 it would be against the schema.
REL_6_OPERATIONS = ("extendedCancelReq", "extendedReplaceReq")
REL_6_ELEMENTS = (
    "Extension",
    "ChargedPartyID",
    "DeliveryCondition",
    "ApplicID",
    "ReplyApplicID",
    "AuxApplicInfo",
    "ContentClass",
    "DRMContent",
    "MMStatusExtension",
    "UACapabilities",
    "Previouslysentby",
    "Previouslysentdateandtime",
    "SenderSPI",
    "RecipientSPI",
)

#: What a message may have, and how often it does where it could.
FEATURES = {
    # the whole
    "bare envelope": 0.1,
    "start": 0.6,
    "start-info": 0.1,
    "SOAP part not the first": 0.3,
    "SOAP part without Content-ID": 0.5,
    "attachments": 0.5,
    "attachments of an operation without content": 0.2,
    # multiparts
    "multipart inside": 0.3,
    "preamble": 0.3,
    "empty preamble": 0.2,
    "epilogue": 0.3,
    "line end behind the close": 0.5,
    "boundary of 70": 0.1,
    "boundary of one": 0.05,
    "boundary that ends in hyphens": 0.05,
    "boundary that begins the outer one": 0.1,
    "content close to the boundary": 0.2,
    "delimiter behind a bare return": 0.05,
    "part without headers": 0.02,
    "part without an empty line": 0.03,
    "message inside": 0.02,
    # headers
    "header folded": 0.3,
    "header folded with a tab": 0.1,
    "header folded at once": 0.05,
    "header with many blanks": 0.1,
    "header name with a dot": 0.005,
    "blanks around the equals sign": 0.05,
    "quoted though a token": 0.3,
    "quoted pair": 0.1,
    "quoted pair in the boundary": 0.01,
    "quoted string folded": 0.05,
    "RFC 2231 charset": 0.2,
    "RFC 2231 pieces": 0.1,
    "RFC 2231 pieces in disorder": 0.3,
    "RFC 2231 name with a hyphen": 0.02,
    "Content-Location": 0.2,
    "Content-Disposition": 0.4,
    "Content-Description": 0.2,
    "Content-Length": 0.1,
    "comment in MIME-Version": 0.1,
    "header of the sender": 0.2,
    "file name": 0.4,
    "empty file name": 0.03,
    "file name with blanks around": 0.02,
    "escape in an href": 0.2,
    "href to a Content-Location": 0.2,
    # encodings
    "base64 in lines of odd length": 0.3,
    "base64 without a last line end": 0.5,
    "quoted-printable of what needs none": 0.3,
    "byte order mark in UTF-8": 0.1,
    "text without charset": 0.2,
    "text that is UTF-8 by chance": 0.3,
    "long lines": 0.1,
    # XML
    "XML declaration": 0.8,
    "declaration in single quotes": 0.3,
    "standalone": 0.1,
    "byte order mark": 0.1,
    "charset parameter": 0.7,
    "indented": 0.4,
    "comment": 0.1,
    "comment in a text": 0.03,
    "CDATA": 0.05,
    "character reference": 0.1,
    "line ends as CRLF": 0.2,
    "attribute in single quotes": 0.3,
    "attribute with a line break": 0.05,
    "blanks in a tag": 0.1,
    "start and end tag of an empty element": 0.3,
    "namespace declared again": 0.05,
    "namespace with another prefix": 0.05,
    "namespaces declared outside": 0.4,
    "default namespace": 0.4,
    "other header block": 0.1,
    "header block to be understood by another": 0.3,
    "element behind the Body": 0.03,
    "encodingStyle": 0.1,
    "schemaLocation": 0.1,
    # values
    "optional element": 0.5,
    "all elements": 0.05,
    "blanks around a token": 0.05,
    "blanks around a value": 0.05,
    "empty text": 0.05,
    "text of several lines": 0.05,
    "fraction of a second": 0.2,
    "fraction beyond the microsecond": 0.1,
    "24 hours": 0.05,
    "negative duration": 0.1,
    "number with a sign": 0.1,
    "number with zeros before it": 0.1,
    "many addresses": 0.03,
}
#: What a message has one of.
CHOICES: dict[str, Sequence[str]] = {
    "operation": tuple(TABLE["REQUESTS"]),
    "namespace": TABLE["NAMESPACES"],
    "multipart": ("mixed", "related", "alternative", "parallel", "digest", "signed", "x-vendor.parts"),
    "transfer encoding": ("", "7bit", "8bit", "binary", "base64", "quoted-printable"),
    "charset": (
        "us-ascii",
        "utf-8",
        "iso-8859-1",
        "iso-8859-15",
        "windows-1252",
        "koi8-r",
        "windows-1251",
        "utf-16",
        "utf-16be",
        "utf-16le",
        "iso-2022-jp",
        "shift_jis",
        "euc-jp",
        "gb2312",
        "gbk",
        "gb18030",
        "big5",
        "euc-kr",
    ),
    "XML encoding": ("utf-8", "utf-8", "utf-8", "us-ascii", "iso-8859-1", "utf-16", "utf-16le", "utf-16be"),
    "media type": (
        "text/plain",
        "text/html",
        "application/smil",
        "image/jpeg",
        "image/gif",
        "audio/amr",
        "video/3gpp",
        "application/octet-stream",
        "application/vnd.vendor+x!#$&^_.1",
    ),
}
BOUNDARY_CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=? "
_ATEXT = "abcXYZ019!#$%&'*+-/=?^_`{|}~"

_WORDS = (
    "Wetter",
    "Größe",
    "déjà vu",
    "привет",
    "안녕하세요",
    "天气预报",
    "こんにちは",
    "波浪〜線・中点―",
    "\U0001f326\ufe0f",
    "שלום",
    "a & b",
    "x < y > z",
    '"quoted"',
    "it's",
    "]]>",
    "&amp;",
    "%41",
    "tab\there",
    "no\xa0break",
    "e\u0301",
    "\ue000\ufffd",
    "a\u2028b",
    "1",
    "x" * 300,
)


class Chance(random.Random):
    """What is made is by chance, and what came of it is remembered."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.seen: set[str] = set()

    def does(self, feature: str) -> bool:
        if self.random() < FEATURES[feature]:
            self.seen.add(feature)
            return True
        return False

    def one(self, kind: str) -> str:
        value = self.choice(CHOICES[kind])
        self.seen.add(f"{kind} {value}")
        return value

    def text(self, most: int = 4) -> str:
        return self.choice([" ", "", ", "]).join(self.choice(_WORDS) for _ in range(self.randrange(1, most)))

    def token(self) -> str:
        return self.text(3).strip()

    def name(self, least: int = 1) -> str:
        return "".join(self.choice("abcdefgh0123456789") for _ in range(self.randrange(least, least + 8)))


# -- what is said of a message


class Tag(NamedTuple):
    """An element: ``text`` is the character data directly inside, without what only indents."""

    name: str
    namespace: str | None
    #: In Clark's notation.
    attributes: Mapping[str, str] = MappingProxyType({})
    text: str = ""
    children: tuple[Tag, ...] = ()


class Piece(NamedTuple):
    """A part, or the whole with its HTTP Content-Type as the only header."""

    #: Names in lower case, values unfolded, without white space around.
    headers: list[tuple[str, str]]
    content_type: str
    parameters: dict[str, str]
    content_id: str | None = None
    content_location: str | None = None
    filename: str | None = None
    transfer_encoding: str = ""
    #: Of a leaf.
    data: bytes = b""
    #: Of a leaf that is text.
    text: str | None = None
    parts: tuple[Piece, ...] = ()


class Message(NamedTuple):
    """A message, and what is in it."""

    seed: int
    content_type: str
    body: bytes
    operation: str
    namespace: str
    transaction_id: str
    root: Piece
    #: Which part is the SOAP part; None for a bare envelope.
    soap_part: int | None
    #: Which part ``Content/@href`` names.
    content: int | None
    envelope: Tag
    #: By the field that they fill.
    values: dict[str, Any]
    #: Elements and attributes of MM7, each as ``SubmitReq/Recipients/To``.
    elements: frozenset[str]
    features: frozenset[str]
    #: The deviations that are told although it follows the rules, by name.
    borne: frozenset[str]


# -- XML


class _XML:
    """Writes elements. Where characters are beyond ``limit``, they are written as references."""

    PREFIXES = ("mm7", "m", "s", "soap-env", "env", "ns1", "_x", "a.b", "größe")

    def __init__(self, chance: Chance, limit: int) -> None:
        self.chance = chance
        self.limit = limit
        self.line_end = "\r\n" if chance.does("line ends as CRLF") else "\n"
        self.prefixes = [name for name in self.PREFIXES if all(ord(letter) <= limit for letter in name)]

    def element(self, tag: Tag, scope: dict[str, str], depth: int = 0, also: str | None = None) -> str:
        """``also`` is a namespace that the element declares for those inside."""
        chance = self.chance
        scope = dict(scope)
        declared: dict[str, str] = {}
        prefix = self._prefix(tag.namespace, scope, declared)
        if also is not None:
            self._prefix(also, scope, declared)
        written = [self._attribute(name, value, scope, declared, prefix) for name, value in tag.attributes.items()]
        if chance.does("namespace declared again") and tag.namespace and prefix not in declared:
            declared[prefix] = tag.namespace
        written += [
            self._pair("xmlns:" + name if name else "xmlns", self._quoted(uri)) for name, uri in declared.items()
        ]
        chance.shuffle(written)
        name = f"{prefix}:{tag.name}" if prefix else tag.name
        many = chance.does("blanks in a tag")
        opened = f"<{name}" + "".join((chance.choice(["  ", "\n\t"]) if many else " ") + each for each in written)
        blank = " " if many else ""
        if not tag.text and not tag.children and not chance.does("start and end tag of an empty element"):
            return f"{opened}{blank}/>"
        inside = self.text(tag.text)
        if tag.children:
            is_indented = not tag.text and chance.does("indented")
            indent = self.line_end + "  " * depth if is_indented else ""
            for child in tag.children:
                inside += indent + ("  " if indent else "") + self.element(child, scope, depth + 1)
                if not tag.text and chance.does("comment"):
                    inside += self.comment()
            inside += indent
        return f"{opened}{blank}>{inside}</{name}{blank}>"

    def comment(self) -> str:
        return f"<!--{self.chance.choice(['', ' <not> & read ', ' - x', '<mm7:To/>'])}-->"

    def _prefix(
        self, namespace: str | None, scope: dict[str, str], declared: dict[str, str], *, attribute: bool = False
    ) -> str:
        """A prefix that stands for ``namespace``; declared where there is none, or by chance."""
        chance = self.chance
        if namespace is None:
            if scope.get(""):
                scope[""] = declared[""] = ""
            return ""
        if namespace == XML:
            return "xml"
        known = [prefix for prefix, uri in scope.items() if uri == namespace and (prefix or not attribute)]
        if known and not (not attribute and chance.does("namespace with another prefix")):
            return chance.choice(known)
        if not attribute and "" not in declared and chance.does("default namespace"):
            prefix = ""
        else:
            # An attribute may need another prefix than its element; one that was declared here stays.
            prefix = chance.choice([name for name in self.prefixes if name not in declared and name not in scope])
        scope[prefix] = declared[prefix] = namespace
        return prefix

    def _attribute(self, name: str, value: str, scope: dict[str, str], declared: dict[str, str], of: str) -> str:
        if name.startswith("{"):
            namespace, _, name = name[1:].partition("}")
            name = f"{self._prefix(namespace, scope, declared, attribute=True)}:{name}"
        return self._pair(name, self._quoted(value))

    def _pair(self, name: str, quoted: str) -> str:
        return f"{name} = {quoted}" if self.chance.random() < 0.05 else f"{name}={quoted}"

    def _quoted(self, value: str) -> str:
        sign = "'" if self.chance.does("attribute in single quotes") else '"'
        value = value.replace("&", "&amp;").replace("<", "&lt;")
        value = value.replace(sign, "&quot;" if sign == '"' else "&apos;")
        value = value.replace("\r", "&#13;").replace("\n", "&#xA;").replace("\t", "&#9;")
        if " " in value and self.chance.does("attribute with a line break"):
            value = value.replace(" ", self.chance.choice(["\n", "\t", self.line_end]), 1)  # a blank, when it is read
        return f"{sign}{self._limited(value)}{sign}"

    def _limited(self, written: str) -> str:
        return "".join(letter if ord(letter) <= self.limit else f"&#{ord(letter)};" for letter in written)

    def text(self, text: str) -> str:
        chance = self.chance
        if not text:
            return ""
        if chance.does("comment in a text"):
            cut = chance.randrange(len(text) + 1)
            return self._escaped(text[:cut]) + self.comment() + self._escaped(text[cut:])
        # Nothing can be written as a reference in there.
        is_plain = "]]>" not in text and "\r" not in text and all(ord(letter) <= self.limit for letter in text)
        if is_plain and chance.does("CDATA"):
            begin, end = sorted((chance.randrange(len(text) + 1), chance.randrange(len(text) + 1)))
            return self._escaped(text[:begin]) + f"<![CDATA[{text[begin:end]}]]>" + self._escaped(text[end:])
        return self._escaped(text)

    def _escaped(self, text: str) -> str:
        chance = self.chance
        if text and chance.does("character reference"):
            at = chance.randrange(len(text))
            code = ord(text[at])
            reference = chance.choice([f"&#{code};", f"&#x{code:x};", f"&#x{code:X};", f"&#x000{code:X};"])
            return self._escaped_plainly(text[:at]) + reference + self._escaped_plainly(text[at + 1 :])
        return self._escaped_plainly(text)

    def _escaped_plainly(self, text: str) -> str:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")
        if self.chance.random() < 0.3:
            text = text.replace('"', "&quot;").replace("'", "&apos;")
        return self._limited(text.replace("\n", self.line_end))


# -- the values of MM7


class _Values:
    """Makes the elements of one operation, and what they stand for."""

    def __init__(self, chance: Chance, operation: str, namespace: str) -> None:
        self.chance = chance
        self.operation = operation
        self.namespace = namespace
        self.is_rel_6 = "REL-6" in namespace
        self.elements: set[str] = set()
        self.ids = 0
        self.has_all = chance.does("all elements")

    def make(self, hrefs: Sequence[str]) -> tuple[Tag, dict[str, Any]]:
        """``hrefs`` are that of Content, where there is one, and those of AdditionalInformation."""
        children: list[Tag] = []
        values: dict[str, Any] = {}
        for row in TABLE["REQUESTS"][self.operation]:
            if row.name == "Content":
                if hrefs:
                    self._add(children, values, row, lambda name: self._content(name, hrefs[0]))
            elif row.name == "AdditionalInformation":
                for href in hrefs[1:]:
                    self._add(children, values, row, lambda name, href=href: self._information(name, href))
            elif row.name in REL_6_ELEMENTS and not self.is_rel_6:
                continue
            elif row.cardinality == "1" or self.has_all or self.chance.does("optional element"):
                many = self.chance.randrange(1, 3) if row.cardinality == "*" else 1
                for _ in range(many):
                    self._add(children, values, row, self._maker(row))
        return self._tag(self.operation, children=children), values

    def _add(self, children: list[Tag], values: dict[str, Any], row: Any, make: Callable[[str], Any]) -> None:
        tag, value = make(row.name)
        children.append(tag)
        self._note(f"{self.operation}", tag)
        if row.cardinality == "*":
            values.setdefault(row.field, []).append(value)
        else:
            values[row.field] = value

    def _note(self, path: str, tag: Tag) -> None:
        path = f"{path}/{tag.name}"
        self.elements.add(path)
        self.elements |= {f"{path}/@{name}" for name in tag.attributes if not name.startswith("{")}
        if tag.name != "Extension":
            for child in tag.children:
                self._note(path, child)

    def _tag(self, name: str, text: str = "", *, children: Sequence[Tag] = (), **attributes: str) -> Tag:
        return Tag(name, self.namespace, attributes, text, tuple(children))

    def _maker(self, row: Any) -> Callable[[str], tuple[Tag, Any]]:
        kind = row.sample.kind
        for enumeration, texts in TABLE["ENUMERATIONS"].items():
            if enumeration.__name__ == kind:
                return lambda name: self._plain(name, self.chance.choice(texts))
        texts = {
            "string": self._string,
            "token": self._token,
            "identifier": self._token,
            "version": self._version,
            "boolean": self._boolean,
            "date": self._date,
            "date or duration": self._date_or_duration,
        }
        if kind in texts:
            return lambda name: self._of(name, *texts[kind]())
        makers: dict[str, Callable[[str], tuple[Tag, Any]]] = {
            "address": self._one_address,
            "SenderIdentification": self._sender_identification,
            "Recipients": self._recipients,
            "ReplyCharging": self._reply_charging,
            "DeliveryCondition": self._delivery_condition,
            "MessageExtraData": self._extra_data,
            "Previouslysentby": self._sent_by,
            "Previouslysentdateandtime": self._sent_at,
            "UACapabilities": self._capabilities,
            "Extension": self._extension,
        }
        return makers[kind]

    def _of(self, name: str, text: str, value: Any) -> tuple[Tag, Any]:
        return self._tag(name, text), value

    def _plain(self, name: str, text: str) -> tuple[Tag, Any]:
        return self._tag(name, text), text

    # Each gives the text that is written, and the value that it stands for.

    def _string(self) -> tuple[str, str]:
        if self.chance.does("empty text"):
            return "", ""
        text = self.chance.text()
        if self.chance.does("text of several lines"):
            text = f" {text}\n\n\r {text}\n"
        return text, text

    def _token(self) -> tuple[str, str]:
        token = self.chance.token()
        if self.chance.does("blanks around a token"):
            return f"\n  {token}\t", token
        return token, token

    def _padded(self, text: str) -> str:
        """White space around a value whose type collapses it (XML Schema part 2, 4.3.6)."""
        return self.chance.choice([" {}", "\n\t{}\n", "{}  "]).format(text) if self._pads() else text

    def _pads(self) -> bool:
        return self.chance.does("blanks around a value")

    def _version(self) -> tuple[str, str]:
        release = "" if self.is_rel_6 else "5."
        version = self.chance.choice([each for each in TABLE["VERSIONS"] if each.startswith(release)])
        return version, version

    def _boolean(self) -> tuple[str, bool]:
        text = self.chance.choice(["true", "false", "1", "0"])
        return self._padded(text), text in ("true", "1")

    def _number(self) -> tuple[str, int]:
        number = self.chance.choice([1, 2, 17, 30720, self.chance.randrange(1, 10**9)])
        text = str(number)
        if self.chance.does("number with zeros before it"):
            text = "000" + text
        if self.chance.does("number with a sign"):
            text = "+" + text
        return self._padded(text), number

    def _date(self) -> tuple[str, str]:
        chance = self.chance
        moment = datetime(chance.choice([1, 1970, 2000, 2024, 2030, 9998]), 1, 1) + timedelta(
            seconds=chance.randrange(365 * 86400)
        )
        minutes = chance.choice([0, 0, 60, 540, 345, 840, -840, -330, 1])
        zone = "Z" if not minutes and chance.random() < 0.7 else _zone(minutes, chance)
        fraction = ""
        written = moment
        if chance.does("24 hours"):
            written = moment.replace(hour=0, minute=0, second=0)
            moment = written + timedelta(days=1)
        elif chance.does("fraction of a second"):
            digits = f"{chance.randrange(10**6):06}"[: chance.randrange(1, 7)]
            moment = moment.replace(microsecond=int(digits.ljust(6, "0")))
            if len(digits) == 6 and chance.does("fraction beyond the microsecond"):
                digits += "987654321"[: chance.randrange(1, 10)]
            fraction = "." + digits
        hour = "24" if moment != written and not fraction else f"{written:%H}"
        text = f"{written.year:04}-{written:%m-%d}T{hour}:{written:%M:%S}{fraction}{zone}"
        return self._padded(text), moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat()

    def _duration(self) -> tuple[str, tuple[str, int, timedelta]]:
        chance = self.chance
        counts = {unit: chance.randrange(400) for unit in "YMDHNS" if chance.random() < 0.4} or {"D": 0}
        date = "".join(f"{counts[unit]}{unit}" for unit in "YMD" if unit in counts)
        time = "".join(f"{counts[unit]}{'M' if unit == 'N' else unit}" for unit in "HN" if unit in counts)
        micro = 0
        if "S" in counts:
            fraction = ""
            if chance.does("fraction of a second"):
                micro = chance.randrange(1, 10**6)
                fraction = f".{micro:06}"
                if chance.does("fraction beyond the microsecond"):
                    fraction += "123"
            time += f"{counts['S']}{fraction}S"
        sign = -1 if chance.does("negative duration") else 1
        months = counts.get("Y", 0) * 12 + counts.get("M", 0)
        seconds = counts.get("H", 0) * 3600 + counts.get("N", 0) * 60 + counts.get("S", 0)
        delta = timedelta(days=counts.get("D", 0), seconds=seconds, microseconds=micro)
        text = f"{'-' if sign < 0 else ''}P{date}{'T' + time if time else ''}"
        return self._padded(text), ("duration", sign * months, sign * delta)

    def _date_or_duration(self) -> tuple[str, Any]:
        return self._date() if self.chance.random() < 0.5 else self._duration()

    # Each gives an element, and the value that it stands for.

    def _address(self) -> tuple[Tag, Any]:
        chance = self.chance
        kind = chance.choice(["Number", "RFC2822Address", "ShortCode"])
        value = {
            "Number": f"+{chance.randrange(10**11)}" + chance.choice(["", "", "/TYPE=PLMN"]),
            "RFC2822Address": f"{chance.choice(['a.b', 'größe', '<x & y>', chance.name()])}@example.com",
            "ShortCode": str(chance.randrange(10**6)),
        }[kind]
        text = f" {value}\n" if chance.does("blanks around a token") else value
        attributes: dict[str, str] = {}
        is_shown, coding, id = False, None, None
        if chance.random() < 0.2:
            attributes["displayOnly"], is_shown = self._boolean()
        if self.is_rel_6:
            if chance.random() < 0.2:
                attributes["addressCoding"] = coding = chance.choice(["encrypted", "obfuscated"])
            if chance.random() < 0.2:
                self.ids += 1
                id = f"id-{self.ids}"
                attributes["id"] = self._padded(id)
        return self._tag(kind, text, **attributes), ("address", kind, value, is_shown, coding, id)

    def _one_address(self, name: str) -> tuple[Tag, Any]:
        tag, value = self._address()
        return self._tag(name, children=[tag]), value

    def _addresses(self, name: str) -> tuple[Tag, Any]:
        many = 20 if self.chance.does("many addresses") else self.chance.randrange(1, 4)
        made = [self._address() for _ in range(many)]
        return self._tag(name, children=[tag for tag, _ in made]), [value for _, value in made]

    def _sender_identification(self, name: str) -> tuple[Tag, Any]:
        children, values = [], {}
        for inside, field in (("VASPID", "vasp_id"), ("VASID", "vas_id")):
            if self.has_all or self.chance.random() < 0.6:
                text, values[field] = self._token()
                children.append(self._tag(inside, text))
        if self.has_all or self.chance.random() < 0.5:
            tag, values["sender_address"] = self._one_address("SenderAddress")
            children.append(tag)
        return self._tag(name, children=children), values

    def _recipients(self, name: str) -> tuple[Tag, Any]:
        groups = [group for group in ("To", "Cc", "Bcc") if self.has_all or self.chance.random() < 0.6]
        children, values = [], {}
        for group in groups or [self.chance.choice(["To", "Cc", "Bcc"])]:
            tag, values[group.lower()] = self._addresses(group)
            children.append(tag)
        return self._tag(name, children=children), values

    def _reply_charging(self, name: str) -> tuple[Tag, Any]:
        attributes, values = {}, {}
        if self.chance.random() < 0.6:
            attributes["replyChargingSize"], values["reply_charging_size"] = self._number()
        if self.chance.random() < 0.6:
            attributes["replyDeadline"], values["reply_deadline"] = self._date_or_duration()
        return self._tag(name, **attributes), values

    def _delivery_condition(self, name: str) -> tuple[Tag, Any]:
        made = [self._number() for _ in range(self.chance.randrange(4))]
        return self._tag(name, children=[self._tag("DC", text) for text, _ in made]), [value for _, value in made]

    def _extra_data(self, name: str) -> tuple[Tag, Any]:
        children, values = [], []
        for _ in range(self.chance.randrange(1, 4)):
            (key, its), (value, stands_for) = self._string(), self._string()
            children.append(self._tag("element", children=[self._tag("key", key), self._tag("value", value)]))
            values.append({"key": its, "value": stands_for})
        return self._tag(name, children=children), values

    def _sent_by(self, name: str) -> tuple[Tag, Any]:
        return self._several(name, "UserAgent", "address", self._one_address)

    def _sent_at(self, name: str) -> tuple[Tag, Any]:
        return self._several(name, "DateTime", "date_time", lambda inside: self._of(inside, *self._date()))

    def _several(self, name: str, inside: str, field: str, make: Callable[[str], tuple[Tag, Any]]) -> tuple[Tag, Any]:
        children, values = [], []
        for _ in range(self.chance.randrange(1, 3)):
            tag, value = make(inside)
            item = {field: value}
            if self.chance.random() < 0.5:
                text, item["sequence"] = self._number()
                tag = tag._replace(attributes={"sequence": text})
            children.append(tag)
            values.append(item)
        return self._tag(name, children=children), values

    def _capabilities(self, name: str) -> tuple[Tag, Any]:
        attributes, values = {}, {}
        if self.chance.random() < 0.7:
            attributes["UAProf"] = values["ua_prof"] = f"http://example.com/{self.chance.text(3)}"
        if self.chance.random() < 0.7:
            attributes["TimeStamp"], values["time_stamp"] = self._date()
        return self._tag(name, **attributes), values

    def _content(self, name: str, href: str) -> tuple[Tag, Any]:
        attributes = {"href": href}
        values: dict[str, Any] = {"href": href, "allow_adaptations": True}
        if self.chance.random() < 0.4:
            attributes["allowAdaptations"], values["allow_adaptations"] = self._boolean()
        return self._tag(name, **attributes), values

    def _information(self, name: str, href: str) -> tuple[Tag, Any]:
        return self._tag(name, href=href), {"href": href}

    def _extension(self, name: str) -> tuple[Tag, Any]:
        chance = self.chance
        text = chance.token() if chance.random() < 0.5 else ""
        children = [self._foreign(chance.randrange(3)) for _ in range(chance.randrange(3))]
        tag = Tag(name, self.namespace, self._any_attributes(), text, tuple(children))
        return tag, tag

    def _foreign(self, depth: int) -> Tag:
        chance = self.chance
        children = tuple(self._foreign(depth - 1) for _ in range(chance.randrange(3))) if depth else ()
        namespace = chance.choice(["urn:vendor", "urn:vendor:2", None, self.namespace, "http://ex.com/a?b=c&d"])
        text = chance.token() if chance.random() < 0.5 else ""
        return Tag(chance.choice(["Colour", "x", "To", "_1"]), namespace, self._any_attributes(), text, children)

    def _any_attributes(self) -> dict[str, str]:
        names = ["hue", "{urn:vendor}hue", "{urn:other}x", f"{{{XML}}}lang", "id"]
        return {name: self.chance.text() for name in names if self.chance.random() < 0.15}


def _zone(minutes: int, chance: Chance) -> str:
    sign = "-" if minutes < 0 or (not minutes and chance.random() < 0.5) else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


# -- MIME

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z{}]+")


def _cased(chance: Chance, name: str) -> str:
    return chance.choice([name, name, name.lower(), name.upper(), name.title(), name.swapcase()])


class _Header:
    """One header as it is written, and what is read in it."""

    def __init__(self, chance: Chance, name: str, value: str) -> None:
        space = " "
        # Content-Length is HTTP's, which folds nothing any more; and a line of nothing but blanks is no fold.
        if value and name != "Content-Length" and chance.does("header folded at once"):
            space = "\r\n "
        elif chance.does("header with many blanks"):
            space = chance.choice(["", "   ", "\t"])
        self.written = f"{_cased(chance, name)}:{space}{value}\r\n"
        self.read = name.lower(), value.replace("\r\n", "").strip()


class _Mime:
    """Makes parts and multiparts."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.ids = 0
        #: Whether the parts that are being made are in a digest.
        self.in_digest = False
        #: The deviations that are told of what is allowed.
        self.borne: set[str] = set()

    def content_id(self) -> str:
        self.ids += 1
        local = "".join(self.chance.choice(_ATEXT) for _ in range(self.chance.randrange(1, 8)))
        return f"{local}.{self.ids}" + self.chance.choice(["", "@example.com", "@x"])

    def parameters(self, found: dict[str, str], *, fold: bool = True) -> str:
        """Parameters behind their media type, or the like."""
        chance = self.chance
        written: list[str] = []
        for name, value in found.items():
            written += self._parameter(name, value, fold=fold)
        if not any("*1" in each for each in written) or chance.does("RFC 2231 pieces in disorder"):
            chance.shuffle(written)
        text = ""
        for each in written:
            text += chance.choice([";", "; ", "; ", " ; "]) if not fold else self._separator()
            text += each
        return text

    def _separator(self) -> str:
        chance = self.chance
        if chance.does("header folded"):
            return chance.choice([";\r\n ", ";\r\n   ", "\r\n ; "])
        if chance.does("header folded with a tab"):
            return ";\r\n\t"
        return chance.choice([";", "; ", "; "])

    def _parameter(self, name: str, value: str, *, fold: bool) -> list[str]:
        chance = self.chance
        shown = _cased(chance, name)
        equals = " = " if chance.does("blanks around the equals sign") else "="
        is_free = name in ("filename", "name") or name.startswith("x-")
        if not value.isascii() or "\n" in value:
            return self._extended(shown, value, equals)
        if is_free and len(value) > 3:
            if chance.does("RFC 2231 pieces"):
                cut = chance.randrange(1, len(value))
                pieces = [value[:cut], value[cut:]]
                return [f"{shown}*{n}{equals}{self._quoted(piece, fold=False)}" for n, piece in enumerate(pieces)]
            if chance.does("RFC 2231 charset"):
                return self._extended(shown, value, equals)
        if _TOKEN.fullmatch(value) and not chance.does("quoted though a token"):
            return [f"{shown}{equals}{value}"]
        pair = "quoted pair in the boundary" if name == "boundary" else "quoted pair"
        return [f"{shown}{equals}{self._quoted(value, fold=fold and is_free, pair=pair)}"]

    def _extended(self, name: str, value: str, equals: str) -> list[str]:
        chance = self.chance
        charset = "utf-8"
        if chance.random() < 0.3:
            other = chance.choice(["iso-8859-1", "euc-kr", "koi8-r"])
            if _is_only(value, other):
                charset = other
        octets = quote(value.encode(charset), safe=chance.choice(["", "!#$&+-.^_`|~"]))
        octets = octets if chance.random() < 0.8 else re.sub("%..", lambda found: found[0].lower(), octets)
        head = f"{_cased(chance, charset)}'{chance.choice(['', 'en', 'de-AT'])}'"
        if chance.does("RFC 2231 pieces"):
            # Cut where no escape is cut in two; one that needs no escape may be written without.
            cuts = [place for place in range(1, len(octets)) if "%" not in octets[max(0, place - 2) : place]]
            if cuts:
                cut = chance.choice(cuts)
                pieces = [f"{name}*0*{equals}{head}{octets[:cut]}"]
                rest = octets[cut:]
                if "%" not in rest and chance.random() < 0.5:
                    return [*pieces, f"{name}*1{equals}{self._quoted(rest, fold=False)}"]
                return [*pieces, f"{name}*1*{equals}{rest}"]
        chance.seen.add("RFC 2231 charset")
        return [f"{name}*{equals}{head}{octets}"]

    def _quoted(self, value: str, *, fold: bool, pair: str = "quoted pair") -> str:
        chance = self.chance
        written = value.replace("\\", "\\\\").replace('"', '\\"')
        if value and chance.does(pair):
            at = chance.randrange(len(value))
            before, after = (each.replace("\\", "\\\\").replace('"', '\\"') for each in (value[:at], value[at + 1 :]))
            written = f"{before}\\{value[at]}{after}"
        if fold and " " in value.strip() and "\\ " not in written and chance.does("quoted string folded"):
            at = written.index(" ", 1)
            written = written[:at] + "\r\n" + written[at:]
        return f'"{written}"'

    def boundary(self, around: Sequence[str]) -> str:
        chance = self.chance
        length = chance.randrange(10, 40)
        if chance.does("boundary of 70"):
            length = 70
        elif chance.does("boundary of one"):
            length = 1
        elif around and chance.does("boundary that begins the outer one") and len(around[-1]) > 3:
            return around[-1][: chance.randrange(3, len(around[-1]))].rstrip()
        boundary = "".join(chance.choice(BOUNDARY_CHARACTERS) for _ in range(length))
        if chance.does("boundary that ends in hyphens"):
            boundary = boundary[:-2] + "--"
        return boundary[:-1] + "x" if boundary.endswith(" ") else boundary

    # -- leaves

    def _near(self, around: Sequence[str], *, binary: bool) -> bytes:
        """Octets that come close to the delimiters, and are none."""
        chance = self.chance
        boundary = chance.choice(around)
        lines = [f"--{boundary[:-1]}", f" --{boundary}", f"-- {boundary}", f"x--{boundary}--", f"-{boundary}", "--"]
        lines.append(f"--{boundary.swapcase()}")
        chance.shuffle(lines)
        octets = "\r\n".join(lines[:3]).encode()
        if binary and chance.does("delimiter behind a bare return"):
            octets += f"\r--{boundary}\r\n".encode()
        return octets

    def _octets(self, around: Sequence[str]) -> bytes:
        chance = self.chance
        octets = chance.randbytes(chance.choice([0, 1, 2, 3, 10, 57, 58, 200, 200, 1000, chance.randrange(5000)]))
        if around and chance.does("content close to the boundary"):
            octets += b"\r\n" + self._near(around, binary=True)
        return octets + chance.choice([b"", b"", b"\r", b"\n", b"\r\n", b"\r\n\r\n"])

    def _text(self, charset: str, around: Sequence[str]) -> str:
        """Lines of text that the charset has."""
        chance = self.chance
        lines = [chance.text() for _ in range(chance.randrange(5))]
        text = "\r\n".join(lines)
        if chance.does("long lines"):
            text += "y" * 900
        if around and chance.does("content close to the boundary"):
            text += "\r\n" + self._near(around, binary=False).decode()
        text = text.encode(charset, "ignore").decode(charset)
        return text + chance.choice(["", "", "\r\n", "\r\n\r\n"])

    def leaf(self, around: Sequence[str], id: str | None, location: str | None) -> tuple[Piece, bytes]:
        chance = self.chance
        if id is None and location is None and not self.in_digest and chance.does("part without headers"):
            octets = chance.text().encode("ascii", "ignore")
            return Piece([], "text/plain", {}, data=octets, text=octets.decode()), b"\r\n" + octets
        media_type = chance.one("media type") if not self.in_digest else "message/rfc822"
        parameters: dict[str, str] = {}
        text = None
        if media_type.startswith("text/") or media_type == "application/smil":
            charset = chance.one("charset")
            if chance.does("text without charset"):
                charset = "us-ascii"
            else:
                parameters["charset"] = _cased(chance, charset)
            text = self._text(charset, around)
            if charset == "gb2312" and chance.does("text that is UTF-8 by chance"):
                text = "模"
            octets = text.encode(charset)
            if charset == "utf-8" and chance.does("byte order mark in UTF-8"):
                octets = b"\xef\xbb\xbf" + octets
        elif self.in_digest or chance.does("message inside"):
            media_type = "message/rfc822"
            octets = b"Subject: inside\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
        else:
            octets = self._octets(around)
        encoding = chance.one("transfer encoding")
        if not _can(encoding, octets):
            encoding = "" if media_type == "message/rfc822" else chance.choice(["base64", "quoted-printable", "binary"])
        encoded = self._encoded(encoding, octets, is_text=text is not None)
        return self._part(media_type, parameters, encoding, id, location, octets, encoded, text)

    def _encoded(self, encoding: str, octets: bytes, *, is_text: bool) -> bytes:
        chance = self.chance
        if encoding == "base64":
            packed = base64.b64encode(octets)
            width = chance.randrange(1, 77) if chance.does("base64 in lines of odd length") else 76
            lines = [packed[place : place + width] for place in range(0, len(packed), width)]
            return b"\r\n".join(lines) + (b"" if chance.does("base64 without a last line end") else b"\r\n")
        if encoding == "quoted-printable":
            keeps_lines = is_text and octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")
            return _quoted_printable(octets, chance, keeps_lines=keeps_lines)
        return octets

    def _part(
        self,
        media_type: str,
        parameters: dict[str, str],
        encoding: str,
        id: str | None,
        location: str | None,
        octets: bytes,
        encoded: bytes,
        text: str | None,
    ) -> tuple[Piece, bytes]:
        chance = self.chance
        headers: list[_Header] = []
        filename = None
        if chance.does("file name"):
            filename = parameters["name"] = self._filename()
        if chance.does("RFC 2231 name with a hyphen"):
            parameters["x-vendor-name"] = "größe " + chance.name()
        default = "message/rfc822" if self.in_digest else "text/plain"  # RFC 2046, 5.1.5
        if not (media_type == default and not parameters and chance.random() < 0.5):
            headers.append(_Header(chance, "Content-Type", _cased(chance, media_type) + self.parameters(parameters)))
        if chance.does("Content-Disposition"):
            found = {}
            if chance.does("file name"):
                filename = found["filename"] = self._filename()
            kind = chance.choice(["inline", "attachment"])
            headers.append(_Header(chance, "Content-Disposition", kind + self.parameters(found)))
        if encoding:
            headers.append(_Header(chance, "Content-Transfer-Encoding", _cased(chance, encoding)))
        headers += self._others(id, location, len(encoded))
        chance.shuffle(headers)
        piece = Piece(
            [header.read for header in headers],
            media_type,
            parameters,
            id,
            location,
            filename,
            encoding,
            octets,
            text,
        )
        block = "".join(header.written for header in headers).encode()
        if not encoded and block and chance.does("part without an empty line"):
            self.borne.add("part-bodyless")
            return piece._replace(data=b"", text=None if text is None else ""), block
        return piece, block + b"\r\n" + encoded

    def _others(self, id: str | None, location: str | None, length: int) -> list[_Header]:
        chance = self.chance
        headers = []
        if id is not None:
            headers.append(_Header(chance, "Content-ID", f"<{id}>"))
        if location is not None:
            headers.append(_Header(chance, "Content-Location", location))
        if chance.does("Content-Description"):
            value = " ".join(chance.name() for _ in range(chance.randrange(1, 4)))
            if chance.does("header folded with a tab"):
                value += "\r\n\tand more; of it"
            headers.append(_Header(chance, "Content-Description", value))
        if chance.does("Content-Length"):
            headers.append(_Header(chance, "Content-Length", str(length)))
        if chance.does("comment in MIME-Version"):
            headers.append(_Header(chance, "MIME-Version", "1.0 (made by (nobody))"))
        if chance.does("header of the sender"):
            headers.append(_Header(chance, f"X-{chance.name()}", chance.choice(["", "a: b", "x\r\n  y", "=?no?="])))
        if chance.does("header name with a dot"):
            headers.append(_Header(chance, "X.Y", "1"))
            self.borne.add("header-name")
        return headers

    def _filename(self) -> str:
        chance = self.chance
        if chance.does("empty file name"):
            return ""
        name = chance.choice(
            [
                chance.name() + ".jpg",
                "my picture.jpg",
                "a;b=c.txt",
                'the "best".gif',
                "C:\\temp\\x.amr",
                "Größe.txt",
                "사진.jpg",
                "it's 100%.txt",
                "привет.smil",
                "ends in \\",
                "<x>",
                "(1).png",
            ]
        )
        return f" {name} " if chance.does("file name with blanks around") else name

    # -- multiparts

    def multipart(
        self,
        subtype: str,
        inside: Sequence[Callable[[Sequence[str]], tuple[Piece, bytes]]],
        around: Sequence[str],
        more: dict[str, str],
    ) -> tuple[tuple[Piece, ...], dict[str, str], bytes]:
        """The parts, the parameters and the octets of a multipart of what ``inside`` makes."""
        chance = self.chance
        boundary = self.boundary(around)
        made = [make((*around, boundary)) for make in inside]
        preamble = epilogue = ""
        if chance.does("preamble"):
            preamble = chance.choice(["For old readers\r\n", "X-A: 1\r\n\r\n--", "<xml/>\r\n", "see -- here"]) + "\r\n"
        elif chance.does("empty preamble"):
            preamble = "\r\n"
        if chance.does("epilogue"):
            epilogue = chance.choice(["\r\nThe end", "\r\n\r\n", "\r\n--x\r\n"])
        elif chance.does("line end behind the close"):
            epilogue = "\r\n"
        whole = b"\r\n".join([preamble.encode(), *(octets for _, octets in made), epilogue.encode()])
        while not self._is_apart(boundary, whole, around):
            boundary = chance.name(4) + self.boundary(())[:60].rstrip() + "x"
        chance.seen.update(f"boundary character {letter}" for letter in boundary)
        opener = f"--{boundary}".encode()
        octets = preamble.encode() + b"".join(opener + b"\r\n" + part + b"\r\n" for _, part in made)
        octets += opener + b"--" + epilogue.encode()
        return tuple(piece for piece, _ in made), {"boundary": boundary, **more}, octets

    def _is_apart(self, boundary: str, whole: bytes, around: Sequence[str]) -> bool:
        """Whether no line of what is inside begins with the delimiter, nor the delimiter with one around it."""
        if f"\n--{boundary}".encode() in b"\n" + whole:
            return False
        return not any(boundary.startswith(outer) for outer in around)

    def multipart_part(
        self, around: Sequence[str], id: str | None, location: str | None, depth: int
    ) -> tuple[Piece, bytes]:
        chance = self.chance
        subtype = chance.one("multipart")
        more = {"type": "application/smil"} if subtype == "related" else {}

        def inside(around: Sequence[str]) -> tuple[Piece, bytes]:
            return self.any_part(around, None if chance.random() < 0.5 else self.content_id(), None, depth - 1)

        makers = [inside] * chance.randrange(1, 4)
        around_it, self.in_digest = self.in_digest, subtype == "digest"
        parts, parameters, octets = self.multipart(subtype, makers, around, more)
        self.in_digest = around_it
        media_type = _cased(chance, f"multipart/{subtype}")
        headers = [_Header(chance, "Content-Type", media_type + self.parameters(parameters))]
        encoding = chance.choice(["", "", "binary"])
        if encoding:
            headers.append(_Header(chance, "Content-Transfer-Encoding", _cased(chance, encoding)))
        headers += self._others(id, location, len(octets))
        chance.shuffle(headers)
        piece = Piece(
            [header.read for header in headers],
            f"multipart/{subtype}",
            parameters,
            id,
            location,
            transfer_encoding=encoding,
            parts=parts,
        )
        return piece, "".join(header.written for header in headers).encode() + b"\r\n" + octets

    def any_part(self, around: Sequence[str], id: str | None, location: str | None, depth: int) -> tuple[Piece, bytes]:
        if depth and self.chance.does("multipart inside"):
            return self.multipart_part(around, id, location, depth)
        return self.leaf(around, id, location)

    def soap_part(self, octets: bytes, charset: str | None, id: str | None) -> tuple[Piece, bytes]:
        chance = self.chance
        parameters = {"charset": _cased(chance, charset)} if charset else {}
        encodings = [name for name in ("", "7bit", "8bit", "binary") if _can(name, octets)]
        headers = [_Header(chance, "Content-Type", _cased(chance, "text/xml") + self.parameters(parameters))]
        encoding = chance.choice(encodings)
        if encoding:
            headers.append(_Header(chance, "Content-Transfer-Encoding", _cased(chance, encoding)))
        headers += self._others(id, None, len(octets))
        chance.shuffle(headers)
        read = [header.read for header in headers]
        piece = Piece(read, "text/xml", parameters, id, transfer_encoding=encoding, data=octets)
        return piece, "".join(header.written for header in headers).encode() + b"\r\n" + octets


def _is_only(text: str, charset: str) -> bool:
    """Whether ``charset`` has the text, and its octets cannot be UTF-8 as well."""
    try:
        octets = text.encode(charset)
    except ValueError:
        return False
    try:
        octets.decode()
    except ValueError:
        return True
    return octets.isascii()


def _can(encoding: str, octets: bytes) -> bool:
    """Whether octets can be sent so. Over HTTP, what is not labelled can be anything (RFC 2616, 19.4.5)."""
    if encoding in ("7bit", "8bit"):
        is_text = b"\0" not in octets and octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")
        is_short = max(map(len, octets.split(b"\r\n"))) <= 998
        return is_text and is_short and (encoding == "8bit" or octets.isascii())
    return True


def _quoted_printable(octets: bytes, chance: Chance, *, keeps_lines: bool) -> bytes:
    """RFC 2045, 6.7; with ``keeps_lines``, line ends stay what they are."""
    needless = 0.2 if chance.does("quoted-printable of what needs none") else 0.0
    lines = octets.split(b"\r\n") if keeps_lines else [octets]
    written = []
    for line in lines:
        width = chance.randrange(10, 77)
        rows, row = [], ""
        for place, octet in enumerate(line):
            is_last = place == len(line) - 1
            is_plain = (33 <= octet <= 126 and octet != 61) or (octet in b" \t" and not is_last)
            if is_plain and needless and chance.random() < needless:
                is_plain = False
            item = chr(octet) if is_plain else f"={octet:02X}"
            if len(row) + len(item) > width - 1:  # room for the soft break
                rows.append(row + "=")
                row = ""
            row += item
        written.append("\r\n".join([*rows, row]).encode())
    return b"\r\n".join(written)


# -- whole messages


def _envelope(chance: Chance, operation: Tag, namespace: str, transaction_id: str) -> Tag:
    marked = {f"{{{SOAP}}}mustUnderstand": "1"}
    text = f"\n {transaction_id} \n" if chance.does("blanks around a token") else transaction_id
    blocks = [Tag("TransactionID", namespace, marked, text)]
    if chance.does("other header block"):
        attributes = {}
        if chance.does("header block to be understood by another"):
            attributes = {f"{{{SOAP}}}mustUnderstand": "1", f"{{{SOAP}}}actor": "urn:somebody"}
        blocks.append(Tag("Trace", "urn:trace", attributes, "", (Tag("Hop", "urn:trace", {}, "1"),)))
        chance.shuffle(blocks)
    inside = [Tag("Header", SOAP, {}, "", tuple(blocks)), Tag("Body", SOAP, {}, "", (operation,))]
    if chance.does("element behind the Body"):
        inside.append(Tag("Trailer", "urn:trailer", {}, "x"))
    attributes = {}
    if chance.does("encodingStyle"):
        attributes[f"{{{SOAP}}}encodingStyle"] = "http://schemas.xmlsoap.org/soap/encoding/"
    if chance.does("schemaLocation"):
        attributes[f"{{{XSI}}}schemaLocation"] = f"{SOAP} {SOAP} {namespace} mm7.xsd"
    return Tag("Envelope", SOAP, attributes, "", tuple(inside))


def _document(chance: Chance, envelope: Tag, namespace: str) -> tuple[bytes, str | None]:
    """The octets of a document, and the charset that its label has."""
    encoding = chance.one("XML encoding")
    limit = {"us-ascii": 0x7F, "iso-8859-1": 0xFF}.get(encoding, 0x10FFFF)
    writer = _XML(chance, limit)
    also = namespace if chance.does("namespaces declared outside") else None  # else where it is first needed
    written = writer.element(envelope, {}, also=also)
    if chance.does("comment"):
        written = writer.comment() + writer.line_end + written
    if chance.does("comment"):
        written += writer.line_end + writer.comment() + writer.line_end
    has_label = chance.does("charset parameter")
    has_declaration = chance.does("XML declaration") or (not has_label and limit == 0xFF)
    if has_declaration:
        sign = "'" if chance.does("declaration in single quotes") else '"'
        named = f" encoding={sign}{_cased(chance, encoding)}{sign}"
        if encoding == "utf-8" and chance.random() < 0.2:
            named = ""
        standalone = f" standalone={sign}yes{sign}" if chance.does("standalone") else ""
        written = f"<?xml version={sign}1.0{sign}{named}{standalone} ?>{chance.choice(['', writer.line_end])}" + written
    octets = written.encode(encoding)
    if not _is_only(written, encoding) and encoding == "iso-8859-1":
        # By chance its octets are UTF-8 too, as which they would be read: that has a test of its own.
        return _document(chance, envelope, namespace)
    if encoding == "utf-8" and chance.does("byte order mark"):
        octets = b"\xef\xbb\xbf" + octets
    if encoding in ("utf-16le", "utf-16be"):
        has_label = True  # else a mark would have to say which
    return octets, encoding if has_label else None


def make(seed: int) -> Message:
    """The message of a seed."""
    chance = Chance(seed)
    # Each operation in its turn, so that few messages have all.
    operation = CHOICES["operation"][seed % len(CHOICES["operation"])]
    chance.seen.add(f"operation {operation}")
    namespace = chance.one("namespace")
    while operation in REL_6_OPERATIONS and "REL-6" not in namespace:
        namespace = chance.one("namespace")
    values = _Values(chance, operation, namespace)
    mime = _Mime(chance)
    names = {row.name: row for row in TABLE["REQUESTS"][operation]}
    carries = "Content" in names
    is_bare = chance.does("bare envelope") and operation not in ("ReplaceReq", "extendedReplaceReq")
    # The parts beside the SOAP part, each with its Content-ID and its Content-Location.
    others: list[tuple[str | None, str | None]] = []
    hrefs: list[str] = []
    content = None
    if not is_bare and carries and (operation not in ("SubmitReq", "DeliverReq") or chance.random() < 0.9):
        number = 1 + (chance.randrange(1, 3) if chance.does("attachments") else 0)
        for index in range(number):
            id: str | None = mime.content_id()
            location = None
            if chance.does("Content-Location"):
                location = f"{chance.name()}-{index}.{chance.choice(['smil', 'jpg', 'a%20b'])}"
                if chance.does("href to a Content-Location"):
                    others.append((None, location))
                    hrefs.append(location)
                    continue
            escaped = quote(id, safe="@" if chance.does("escape in an href") else "@!$&'*+/=^`{|}~?#")
            others.append((id, location))
            hrefs.append("cid:" + escaped)
        content = 0
        if chance.random() < 0.5:
            hrefs = hrefs[:1]  # the others go unmentioned
        order = list(range(number))
        chance.shuffle(order)
        others = [others[place] for place in order]
        content = order.index(0)
    elif not is_bare and not carries and chance.does("attachments of an operation without content"):
        others.append((mime.content_id(), None))
    tag, found = values.make(hrefs)
    transaction_id = chance.choice([chance.name(), "vas-1 (again)", "größe & co"])
    envelope = _envelope(chance, tag, namespace, transaction_id)
    octets, charset = _document(chance, envelope, namespace)
    facts: dict[str, Any] = {
        "seed": seed,
        "operation": operation,
        "namespace": namespace,
        "transaction_id": transaction_id,
        "envelope": envelope,
        "values": found,
        "elements": frozenset(values.elements),
    }
    if is_bare:
        parameters = {"charset": _cased(chance, charset)} if charset else {}
        header = _cased(chance, "text/xml") + mime.parameters(parameters, fold=False)
        root = Piece([("content-type", header)], "text/xml", parameters, data=octets)
        return Message(
            content_type=header,
            body=octets,
            root=root,
            soap_part=None,
            content=None,
            features=frozenset(chance.seen),
            borne=frozenset(),
            **facts,
        )
    makers: list[Callable[[Sequence[str]], tuple[Piece, bytes]]] = [
        lambda around, id=id, location=location: mime.any_part(around, id, location, 2) for id, location in others
    ]
    more = {"type": "text/xml"}
    soap_id = None
    soap_place = 0
    if chance.does("start"):
        soap_id = mime.content_id()
        more["start"] = f"<{soap_id}>"
        if makers and chance.does("SOAP part not the first"):
            soap_place = chance.randrange(1, len(makers) + 1)
    elif not chance.does("SOAP part without Content-ID"):
        soap_id = mime.content_id()
    if chance.does("start-info"):
        more["start-info"] = "text/xml"
    makers.insert(soap_place, lambda around: mime.soap_part(octets, charset, soap_id))
    parts, parameters, body = mime.multipart("related", makers, (), more)
    header = _cased(chance, "multipart/related") + mime.parameters(parameters, fold=False)
    return Message(
        content_type=header,
        body=body,
        root=Piece([("content-type", header)], "multipart/related", parameters, parts=parts),
        soap_part=soap_place,
        content=None if content is None else content + (content >= soap_place),
        features=frozenset(chance.seen),
        borne=frozenset(mime.borne),
        **facts,
    )
