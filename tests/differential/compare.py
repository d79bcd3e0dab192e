"""Compare what the package reads with what ``email`` and ``lxml`` read, and with what is known to be in a message.

    python tests/differential/compare.py --messages 100000 [--seed N] [--json FILE]

It makes messages that follow the rules, one for each seed from N on, and stops at the first about which the readers do
not agree, with the exit status 1: it prints the seed, the message and the difference. Disagreements that are known are
counted; ``disagreements.py`` has the reason of each.

``email`` reads by ``policy.compat32``: it gives headers as they were sent, so that what it makes of them can be told
from what is written; ``policy.default`` reads each by a grammar of its own, mends what it finds in silence, and takes
several times as long.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import runpy
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import Message as Mail
from email.utils import collapse_rfc2231_value
from enum import Enum
from pathlib import Path
from typing import Any

from lxml import etree

from mm7_wsgi import Address, Duration, MM7Error, Part, Recipients
from mm7_wsgi.protocol.buffer import Buffer
from mm7_wsgi.protocol.deviations import Deviations
from mm7_wsgi.protocol.headers import ContentType, parse_content_type
from mm7_wsgi.protocol.limits import Limits
from mm7_wsgi.protocol.package import Package, check_content_type
from mm7_wsgi.protocol.soap import Element, Node, attributes_of, parse_xml, split_name, text_of, to_utf8

_HERE = Path(__file__).parent
_GENERATE = runpy.run_path(str(_HERE / "generate.py"))
_KNOWN = runpy.run_path(str(_HERE / "disagreements.py"))
make: Any = _GENERATE["make"]
TABLE: dict[str, Any] = _GENERATE["TABLE"]
DISAGREEMENTS: tuple[Any, ...] = _KNOWN["DISAGREEMENTS"]
Difference: Any = _KNOWN["Difference"]
Untrimmed: Any = _KNOWN["Untrimmed"]
NOTHING: Any = _KNOWN["NOTHING"]
UNTOLD: Any = _KNOWN["UNTOLD"]
Tag: Any = _GENERATE["Tag"]

_LIMITS = Limits()
#: How many known disagreements one value may show at once.
_AT_ONCE = 4


class Comparison:
    """Compares messages, one after the other, and counts."""

    def __init__(self, disagreements: Sequence[Any] = DISAGREEMENTS) -> None:
        self._disagreements = disagreements
        #: Messages, parts, elements and values that were compared.
        self.figures: Counter[str] = Counter()
        #: How often a known disagreement explained a difference, by its name.
        self.excused: Counter[str] = Counter()
        self._differences: list[Any] = []

    def compare(self, content_type: str, body: bytes, made: Any = None) -> list[Any]:
        """The differences between the readers that no known disagreement explains.

        ``made`` is the message as the generator knows it, for a third opinion.
        """
        self._differences = []
        self.figures["messages"] += 1
        mail = _mail(content_type, body)
        lenient = self._read(content_type, body, made)
        if lenient is None:
            return self._differences
        outer = check_content_type(content_type, _LIMITS)
        piece = None if made is None else made.root
        self._whole(outer, mail, piece)
        if outer.is_multipart:
            self._parts("the body", lenient.parts, body, outer.boundary, mail, piece)
            octets, charset = lenient.root.data, lenient.root.charset
        else:
            octets, charset = body, outer.parameters.get("charset")
            self._check("data", "the body", body, mail.get_payload(decode=True), UNTOLD if made is None else piece.data)
        self._document(lenient, octets, charset, made)
        self._places(lenient, made)
        lenient.close()
        return self._differences

    # -- the judging

    def _check(self, item: str, where: str, ours: Any, theirs: Any, made: Any = UNTOLD, **more: Any) -> bool:
        """Compare the opinions on one thing; False where they differ in a way that nothing explains."""
        self.figures["values"] += 1
        if (theirs is UNTOLD or ours == theirs) and (made is UNTOLD or ours == made):
            return True
        difference = Difference(item, where, ours, theirs, made, **more)
        names = self._explain(difference)
        if names is None:
            self._differences.append(difference)
            return False
        self.excused.update(names)
        return True

    def _explain(self, difference: Any) -> tuple[str, ...] | None:
        """The known disagreements that together explain a difference, as few as can be."""
        waiting: list[tuple[Any, tuple[str, ...]]] = [(difference, ())]
        for _ in range(_AT_ONCE):
            further = []
            for each, names in waiting:
                for known in self._disagreements:
                    mended = None if known.name in names else known.mended(each)
                    if mended is None or mended == each:
                        continue
                    if mended.is_settled:
                        return (*names, known.name)
                    further.append((mended, (*names, known.name)))
            waiting = further
        return None

    # -- our reading

    def _read(self, content_type: str, body: bytes, made: Any) -> Package | None:
        """Read by the package, strictly and not: with the same result, unless a deviation is told."""
        lenient, error = _package(content_type, body, strict=False)
        if lenient is None:
            self._check("verdict", "the whole", str(error), "accepted")
            return None
        told = frozenset(deviation.name for deviation in lenient.deviations)
        self._check("deviations", "the whole", told, frozenset(), UNTOLD if made is None else made.borne)
        strict, error = _package(content_type, body, strict=True)
        if strict is None:
            if not told:
                self._check("strict verdict", "the whole", str(error), "accepted")
        else:
            self._check("strict reading", "the whole", _shape(strict), _shape(lenient))
            strict.close()
        return lenient

    # -- MIME

    def _whole(self, outer: ContentType, mail: Mail, piece: Any) -> None:
        where = "the HTTP Content-Type"
        self._check(
            "content type", where, outer.value, mail.get_content_type(), _of(piece, "content_type"), raw=_raw(mail)
        )
        self._parameters(where, dict(outer.parameters), mail, piece)

    def _parts(
        self, where: str, ours: tuple[Part, ...], octets: bytes, boundary: bytes, mail: Mail | None, piece: Any
    ) -> None:
        theirs = _parts_of(mail)
        known = [None] * len(ours) if piece is None else list(piece.parts)
        if not self._check("structure", where, len(ours), UNTOLD, UNTOLD if piece is None else len(known)):
            return
        if mail is not None and not self._has_boundary(where, boundary.decode(), mail):
            mail, theirs = None, []
        if mail is not None:
            # Where it sees a delimiter that is none, it has nothing to say of what is inside.
            behind_return = b"\r--" + boundary
            is_bare = behind_return in octets
            raw = behind_return if is_bare else None
            if not self._check("structure", where, len(ours), len(theirs), raw=raw):
                return
            if is_bare:
                theirs = []
        mails = theirs if len(theirs) == len(ours) else [None] * len(ours)
        for number, (part, its_mail, its_piece) in enumerate(zip(ours, mails, known, strict=True), 1):
            self._part(f"{where}, part {number}", part, its_mail, its_piece)

    def _has_boundary(self, where: str, boundary: str, mail: Mail) -> bool:
        """Whether it looks for the right delimiter; else it has nothing to say of what is inside."""
        theirs = mail.get_boundary()
        self._check("boundary", where, boundary, theirs, raw=_raw(mail))
        return boundary == theirs

    def _part(self, where: str, part: Part, mail: Mail | None, piece: Any) -> None:
        self.figures["parts"] += 1
        self._headers(where, part, mail, piece)
        told = _told(mail)
        raw = None if mail is None else _raw(mail)
        for item, ours, name in (
            ("content type", part.content_type, "content_type"),
            ("content id", part.content_id, "content_id"),
            ("content location", part.content_location, "content_location"),
            ("transfer encoding", part.transfer_encoding, "transfer_encoding"),
        ):
            self._check(item, where, ours, told[name], _of(piece, name), raw=raw)
        written = part.headers.get("Content-Type", "")
        self._parameters(where, dict(parse_content_type(written).parameters), mail, piece)
        made_charset = UNTOLD if piece is None else piece.parameters.get("charset", "").lower() or None
        self._check("charset", where, part.charset, told["charset"], made_charset, raw=raw)
        both = None if mail is None else "\n".join(filter(None, (mail.get("Content-Disposition"), raw)))
        self._check(
            "file name",
            where,
            part.filename,
            told["filename"],
            _of(piece, "filename"),
            raw=both,
            parameter=None if mail is None else _name_of(mail),
        )
        if part.is_multipart:
            boundary = parse_content_type(written).boundary
            self._parts(where, part.parts, part.data, boundary, mail, piece)
        else:
            self._content(where, part, mail, piece)

    def _headers(self, where: str, part: Part, mail: Mail | None, piece: Any) -> None:
        ours = [(name.lower(), value.strip()) for name, value in part.headers]
        if mail is None:
            # It had to say where a fold was that a tab was behind.
            made = UNTOLD if piece is None else [(name, value.split()) for name, value in piece.headers]
            self._check("headers", where, [(name, value.split()) for name, value in ours], UNTOLD, made)
            return
        theirs = [(name.lower(), value) for name, value in mail.items()]
        made = UNTOLD if piece is None else [name for name, _ in piece.headers]
        if self._check("header names", where, [name for name, _ in ours], [name for name, _ in theirs], made):
            for number, ((name, value), (_, written)) in enumerate(zip(ours, theirs, strict=True)):
                known = UNTOLD if piece is None else piece.headers[number][1]
                self._check("header", where, value, _unfolded(written), known, name=name, raw=written)

    def _parameters(self, where: str, ours: dict[str, str], mail: Mail | None, piece: Any) -> None:
        theirs = None
        if mail is not None:
            found = mail.get_params([("", "")])
            theirs = {name: _whole(value) for name, value in found[1:]}
        made = None if piece is None else piece.parameters
        raw = None if mail is None else _raw(mail)
        for name in dict.fromkeys([*ours, *(theirs or ()), *(made or ())]):
            self._check(
                "parameter",
                where,
                ours.get(name, NOTHING),
                UNTOLD if theirs is None else theirs.get(name, NOTHING),
                UNTOLD if made is None else made.get(name, NOTHING),
                name=name,
                raw=raw,
            )

    def _content(self, where: str, part: Part, mail: Mail | None, piece: Any) -> None:
        data = part.data
        with part.open() as stream:
            self._check("stream", where, stream.read(), data)
        theirs: Any = UNTOLD
        if mail is not None:
            inside = len(_parts_of(mail))
            self._check("parts", where, 0, inside, name=part.content_type)
            if not inside:
                theirs = mail.get_payload(decode=True)
        raw = None if mail is None else mail.get("Content-Transfer-Encoding")
        self._check("data", where, data, theirs, _of(piece, "data"), raw=raw)
        if theirs != data:  # told already; of other octets it would say another text
            theirs = UNTOLD
        is_text = part.content_type.startswith("text/") if piece is None else piece.text is not None
        if is_text:
            # It may have misread the label, which has been told.
            is_labelled = mail is not None and mail.get_content_charset() == part.charset
            text = UNTOLD
            if is_labelled and theirs is not UNTOLD:
                text = theirs.decode(part.charset or "us-ascii", "replace")
            self._check("text", where, part.text, text, _of(piece, "text"), raw=data, charset=part.charset)

    # -- XML

    def _document(self, package: Package, octets: bytes, charset: str | None, made: Any) -> None:
        root = parse_xml(to_utf8(octets, charset, Deviations()), _LIMITS)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, encoding=charset)
        try:
            theirs = etree.fromstring(octets, parser)
        except etree.XMLSyntaxError as error:
            self._check("well-formed", "the document", "it is", str(error))
            return
        self._elements(list(root.iter()), [each for each in theirs.iter() if isinstance(each.tag, str)], made)
        header, body = (theirs.find(f"{{{_GENERATE['SOAP']}}}{name}") for name in ("Header", "Body"))
        [block] = [each for each in header if _local(each) == "TransactionID"]
        envelope, request = package.envelope, package.request
        assert envelope is not None
        assert request is not None
        transaction_id = Untrimmed("".join(_pieces(block)))
        known = UNTOLD if made is None else made.transaction_id
        self._check("value", "the header", envelope.transaction_id, transaction_id, known, name="TransactionID")
        [operation] = [each for each in body if isinstance(each.tag, str)]
        self._check("operation", "the body", request.element_name, _local(operation), _of(made, "operation"))
        namespace = etree.QName(operation).namespace
        self._check("namespace", "the header", envelope.transaction_namespace, namespace, _of(made, "namespace"))
        self._values(request, operation, made)

    def _elements(self, ours: list[Node], theirs: list[Any], made: Any) -> None:
        known = None if made is None else list(_walk(made.envelope))
        number = UNTOLD if known is None else len(known)
        if not self._check("number of elements", "the document", len(ours), len(theirs), number):
            return
        self.figures["elements"] += len(ours)
        for place, (node, element) in enumerate(zip(ours, theirs, strict=True)):
            name, namespace, prefix = split_name(node.tag)
            where = f"the element {name}"
            tag = None if known is None else known[place]
            its_name = UNTOLD if tag is None else (tag.name, tag.namespace)
            qualified = etree.QName(element)
            self._check("name", where, (name, namespace), (qualified.localname, qualified.namespace), its_name)
            self._check("prefix", where, prefix, element.prefix or "")
            attributes = dict(attributes_of(node))
            self._check("attributes", where, attributes, dict(element.attrib), _of(tag, "attributes"))
            pieces = [node.text or "", *[child.tail or "" for child in node]]
            self._check("text of an element", where, pieces, _pieces(element))
            self._check("text of an element", where, text_of(node), UNTOLD, UNTOLD if tag is None else tag.text)

    def _values(self, request: Any, operation: Any, made: Any) -> None:
        ours = _plain_fields(request)
        theirs = _LXML.operation(operation, request.element_name)
        known = None if made is None else {name: _plain(value) for name, value in made.values.items()}
        where = request.element_name
        for name in dict.fromkeys([*ours, *theirs, *(known or ())]):
            self._check(
                "value",
                where,
                ours.get(name, NOTHING),
                theirs.get(name, NOTHING),
                UNTOLD if known is None else _settled(known.get(name, NOTHING)),
                name=name,
            )

    def _places(self, package: Package, made: Any) -> None:
        """Which part is the SOAP part, and which the content: only the generator knows that besides us."""
        if made is None:
            return
        places = {id(part): place for place, part in enumerate(package.parts)}
        self._check("SOAP part", "the whole", places.get(id(package.root)), UNTOLD, made.soap_part)
        self._check("content", "the whole", places.get(id(package.content)), UNTOLD, made.content)
        others = [place for place in range(len(package.parts)) if place not in (made.soap_part, made.content)]
        self._check("attachments", "the whole", [places[id(part)] for part in package.attachments], UNTOLD, others)


def _package(content_type: str, body: bytes, *, strict: bool) -> tuple[Package | None, MM7Error | None]:
    package = Package(_LIMITS, strict=strict)
    try:
        package.read(check_content_type(content_type, _LIMITS), Buffer(body))
    except MM7Error as error:
        package.close()
        return None, error
    return package, None


def _shape(package: Package) -> Any:
    """All that was read, to compare two readings of our own."""

    def of(part: Part) -> Any:
        return list(part.headers), part.data, [of(inside) for inside in part.parts]

    return package.request, package.envelope.transaction_id if package.envelope else None, list(map(of, package.parts))


def _of(known: Any, name: str) -> Any:
    return UNTOLD if known is None else getattr(known, name)


# -- what email says


def _mail(content_type: str, body: bytes) -> Mail:
    return message_from_bytes(b"Content-Type: %s\r\n\r\n%s" % (content_type.encode(), body), policy=policy.compat32)


def _parts_of(mail: Mail | None) -> list[Any]:
    return list(mail.get_payload()) if mail is not None and mail.is_multipart() else []


def _raw(mail: Mail) -> str | None:
    return mail.get("Content-Type")


def _unfolded(value: str) -> str:
    return re.sub(r"\r\n(?=[ \t])", "", value).strip()


def _told(mail: Mail | None) -> dict[str, Any]:
    names = ("content_type", "content_id", "content_location", "transfer_encoding", "charset", "filename")
    if mail is None:
        return dict.fromkeys(names, UNTOLD)
    id, location = mail.get("Content-ID"), mail.get("Content-Location")
    return {
        "content_type": mail.get_content_type(),
        "content_id": None if id is None else _unfolded(id)[1:-1],
        "content_location": None if location is None else _unfolded(location),
        "transfer_encoding": _unfolded(mail.get("Content-Transfer-Encoding", "")).lower(),
        "charset": mail.get_content_charset(),
        "filename": mail.get_filename(),
    }


def _whole(value: Any) -> Any:
    """A parameter that was in pieces or in a charset of its own; to any other, the function would do too much."""
    return collapse_rfc2231_value(value) if isinstance(value, tuple) else value


def _name_of(mail: Mail) -> str | None:
    """The parameter that ``get_filename()`` makes a file name of."""
    named = mail.get_param("filename", header="content-disposition")
    return _whole(mail.get_param("name") if named is None else named)


# -- what lxml says


def _local(element: Any) -> str | None:
    return etree.QName(element).localname if isinstance(element.tag, str) else None


def _pieces(element: Any) -> list[str]:
    """The character data before, between and behind the elements inside; comments do not divide it."""
    pieces = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            pieces.append(child.tail or "")
        else:
            pieces[-1] += child.tail or ""
    return pieces


class _Values:
    """Reads the values of an operation from elements of lxml, by the schema and by code of its own."""

    def operation(self, element: Any, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        namespace = etree.QName(element).namespace
        for row in TABLE["REQUESTS"][name]:
            values = [self._value(row.sample.kind, child) for child in element.findall(f"{{{namespace}}}{row.name}")]
            if values:
                found[row.field] = values if row.cardinality == "*" else values[0]
        return {field: value for field, value in found.items() if value != []}

    def _value(self, kind: str, element: Any) -> Any:
        if kind in _ENUMERATIONS:
            return self._text(element)
        return getattr(self, "_" + kind.lower().replace(" ", "_"))(element)

    def _text(self, element: Any) -> str:
        return "".join(_pieces(element))

    _string = _version = _text

    def _token(self, element: Any) -> Any:
        return Untrimmed(self._text(element))

    _identifier = _token

    def _boolean(self, element: Any) -> bool:
        return _boolean(self._text(element))

    def _date(self, element: Any) -> str:
        return _date(self._text(element))

    def _date_or_duration(self, element: Any) -> Any:
        return _date_or_duration(self._text(element))

    def _children(self, element: Any, name: str | None = None) -> list[Any]:
        return [child for child in element if isinstance(child.tag, str) and name in (None, _local(child))]

    def _typed(self, element: Any) -> Any:
        coding, id = element.get("addressCoding"), element.get("id")
        return (
            "address",
            _local(element),
            self._token(element),
            _boolean(element.get("displayOnly", "false")),
            coding,
            None if id is None else Untrimmed(id),
        )

    def _address(self, element: Any) -> Any:
        [child] = self._children(element)
        return self._typed(child)

    def _senderidentification(self, element: Any) -> Any:
        readers = {"VASPID": self._token, "VASID": self._token, "SenderAddress": self._address}
        fields = {"VASPID": "vasp_id", "VASID": "vas_id", "SenderAddress": "sender_address"}
        named = [(_local(child) or "", child) for child in self._children(element)]
        return {fields[name]: readers[name](child) for name, child in named}

    def _recipients(self, element: Any) -> Any:
        return {
            (_local(group) or "").lower(): [self._typed(child) for child in self._children(group)]
            for group in self._children(element)
        }

    def _replycharging(self, element: Any) -> Any:
        found: dict[str, Any] = {}
        if "replyChargingSize" in element.attrib:
            found["reply_charging_size"] = int(element.get("replyChargingSize"))
        if "replyDeadline" in element.attrib:
            found["reply_deadline"] = _date_or_duration(element.get("replyDeadline"))
        return found

    def _deliverycondition(self, element: Any) -> list[int]:
        return [int(self._text(child)) for child in self._children(element, "DC")]

    def _content(self, element: Any) -> Any:
        allowed = _boolean(element.get("allowAdaptations", "true"))
        return {"href": Untrimmed(element.get("href")), "allow_adaptations": allowed}

    def _additionalinformation(self, element: Any) -> Any:
        return {"href": Untrimmed(element.get("href"))}

    def _messageextradata(self, element: Any) -> Any:
        return [
            {name: self._text(*self._children(pair, name)) for name in ("key", "value")}
            for pair in self._children(element, "element")
        ]

    def _sequenced(self, element: Any, field: str, value: Any) -> dict[str, Any]:
        found = {field: value}
        if "sequence" in element.attrib:
            found["sequence"] = int(element.get("sequence"))
        return found

    def _previouslysentby(self, element: Any) -> Any:
        return [self._sequenced(child, "address", self._address(child)) for child in self._children(element)]

    def _previouslysentdateandtime(self, element: Any) -> Any:
        return [self._sequenced(child, "date_time", self._date(child)) for child in self._children(element)]

    def _uacapabilities(self, element: Any) -> Any:
        found: dict[str, Any] = {}
        if "UAProf" in element.attrib:
            found["ua_prof"] = element.get("UAProf")
        if "TimeStamp" in element.attrib:
            found["time_stamp"] = _date(element.get("TimeStamp"))
        return found

    def _extension(self, element: Any) -> Any:
        pieces = _pieces(element)
        text = pieces[0] if len(pieces) == 1 else "".join(piece for piece in pieces if piece.strip())
        qualified = etree.QName(element)
        inside = [self._extension(child) for child in self._children(element)]
        return ("element", qualified.localname, qualified.namespace, dict(element.attrib), text, inside)


_LXML = _Values()
_ENUMERATIONS = {enumeration.__name__ for enumeration in TABLE["ENUMERATIONS"]}
_WHITE = " \t\r\n"


def _boolean(text: str) -> bool:
    return {"true": True, "1": True, "false": False, "0": False}[text.strip(_WHITE)]


def _date(text: str) -> str:
    """An ``xs:dateTime``, by ``datetime.strptime`` and a hand for what it does not know."""
    text = text.strip(_WHITE)
    stem, zone = (text[:-1], "+00:00") if text.endswith("Z") else (text[:-6], text[-6:])
    stem, _, fraction = stem.partition(".")
    is_midnight = stem.endswith("T24:00:00")
    moment = datetime.strptime(stem.replace("T24:", "T00:"), "%Y-%m-%dT%H:%M:%S")
    moment += timedelta(days=is_midnight, microseconds=int((fraction + "000000")[:6]))
    sign = -1 if zone[0] == "-" else 1
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
    return moment.replace(tzinfo=timezone(sign * offset)).isoformat()


def _date_or_duration(text: str) -> Any:
    """An ``xs:duration`` is read unit by unit."""
    text = text.strip(_WHITE)
    if "P" not in text:
        return _date(text)
    date, _, time_ = text.partition("P")[2].partition("T")
    months, delta = 0, timedelta()
    for number, unit in re.findall(r"([0-9.]+)([YMD])", date):
        if unit == "D":
            delta += timedelta(days=int(number))
        else:
            months += int(number) * (12 if unit == "Y" else 1)
    for number, unit in re.findall(r"([0-9.]+)([HMS])", time_):
        whole, _, fraction = number.partition(".")
        seconds = int(whole) * {"H": 3600, "M": 60, "S": 1}[unit]
        delta += timedelta(seconds=seconds, microseconds=int((fraction + "000000")[:6]))
    sign = -1 if text.startswith("-") else 1
    return ("duration", sign * months, sign * delta)


# -- values without the classes that hold them


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Duration):
        return ("duration", value.months, value.delta)
    if isinstance(value, Address):
        kind, coding = _plain(value.kind), _plain(value.address_coding)
        return ("address", kind, value.value, value.display_only, coding, value.id)
    if isinstance(value, (Element, Tag)):
        inside = [_plain(child) for child in value.children]
        return ("element", value.name, value.namespace, dict(value.attributes), value.text, inside)
    if dataclasses.is_dataclass(value):
        return _plain_fields(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list) or type(value) is tuple:
        made = [_plain(each) for each in value]
        return tuple(made) if made and made[0] in ("address", "duration") else made
    return value


def _plain_fields(value: Any) -> dict[str, Any]:
    """The fields that are there: one that is None, empty or without recipients was not."""
    found = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: _plain(each) for name, each in found.items() if each not in (None, (), Recipients())}


def _settled(value: Any) -> Any:
    """An element that is there and holds nothing is as good as none, where its field is a tuple."""
    return NOTHING if value == [] else value


def _walk(tag: Any) -> Iterator[Any]:
    yield tag
    for child in tag.children:
        yield from _walk(child)


# -- the command


def _show(seed: int, message: Any, differences: list[Any]) -> None:
    print(f"\nseed {seed}: {len(differences)} differences\n")
    print(f"Content-Type: {message.content_type}\n")
    sys.stdout.flush()
    sys.stdout.buffer.write(message.body + b"\n\n")
    for difference in differences:
        print(difference)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description="Compare readings of generated messages that follow the rules.")
    parser.add_argument("--messages", type=int, default=1000, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first (%(default)s)")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    options = parser.parse_args(arguments)
    comparison = Comparison()
    begun = time.monotonic()
    differences: list[Any] = []
    for number, seed in enumerate(range(options.seed, options.seed + options.messages), 1):
        message = make(seed)
        try:
            differences = comparison.compare(message.content_type, message.body, message)
        except Exception:
            differences = [traceback.format_exc()]
        if differences:
            _show(seed, message, differences)
            break
        if number % max(1, options.messages // 100) == 0:
            print(f"{number} of {options.messages} messages, {time.monotonic() - begun:.0f} s", flush=True)
            _write(options.json, _figures(comparison, options.seed, begun, differences))
    figures = _figures(comparison, options.seed, begun, differences)
    _write(options.json, figures)
    print(figures)
    return 1 if differences else 0


def _figures(comparison: Comparison, seed: int, begun: float, differences: list[Any]) -> str:
    figures = {
        "seed": seed,
        "seconds": round(time.monotonic() - begun, 1),
        "python": sys.version.split()[0],
        "lxml": etree.__version__,
        **comparison.figures,
        "excused": dict(sorted(comparison.excused.items())),
        "disagreed": bool(differences),
    }
    return json.dumps(figures, indent=2)


def _write(file: Path | None, figures: str) -> None:
    """What is known so far, so that a run that is cut short is not lost."""
    if file is not None:
        file.write_text(figures + "\n")


if __name__ == "__main__":
    sys.exit(main())
