"""What peers do against the rules and is read all the same.

Each irregularity has a name that stays the same from release to release, so that it can be counted, searched and talked
about. A message that keeps to the rules has none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple

from .errors import ContentError, MessageFormatCorrupt, StatusError, UnsupportedVersion, ValidationError


class Irregularity(NamedTuple):
    """One entry of the catalogue."""

    #: What it is, in one line for a person.
    summary: str
    #: The rule it departs from.
    clause: str
    #: Somebody known to send it; "nobody by name" where it is read because it has one reading.
    known_from: str
    #: What a strict endpoint answers.
    refusal: type[StatusError]
    #: What becomes of it where neither the endpoint nor the account says otherwise.
    verdict: Literal["read", "refused"] = "read"
    #: Of one that is refused, when it is read all the same.
    read_if: str = ""


#: The catalogue by what it is about.
AREAS: Mapping[str, Mapping[str, Irregularity]] = MappingProxyType(
    {
        "The framing": {
            "line-ends": Irregularity(
                "lines of the framing do not end in CRLF: in a bare line feed, or in more than one carriage return",
                "RFC 2046, 5.1.1; RFC 5322, 2.1",
                "instantcom, vectorcore and Korean clients, as they were recorded",
                ValidationError,
            ),
            "delimiter-blanks": Irregularity(
                "there are blanks behind a delimiter, as gateways add them",
                "RFC 2046, 5.1.1 (transport-padding)",
                "the examples of TS 23.140 as instantcom has them",
                ValidationError,
            ),
            "byte-order-mark": Irregularity(
                "there is a byte order mark before the first delimiter",
                "RFC 2046, 5.1.1",
                "nobody by name",
                ValidationError,
            ),
            "delimiter-hyphens": Irregularity(
                "the delimiters have other hyphens before the boundary than two",
                "RFC 2046, 5.1.1",
                "China Mobile's client",
                ValidationError,
            ),
            "boundary-missing": Irregularity(
                "there is no boundary parameter; the first delimiter of the body gives it",
                "RFC 2046, 5.1",
                "Skycore, with a bare envelope",
                ValidationError,
            ),
            "boundary-wrong": Irregularity(
                "the boundary parameter is not the one of the body; the first delimiter of the body gives it",
                "RFC 2046, 5.1",
                "nobody by name",
                ValidationError,
            ),
            "boundary-prefix": Irregularity(
                "an inner boundary begins with the outer one",
                "RFC 2046, 5.1.2",
                "nobody by name",
                ValidationError,
            ),
            "close-missing": Irregularity(
                "the close delimiter is missing; the last part goes to the end",
                "RFC 2046, 5.1.1",
                "Axis 1.4 and Axis 2, LG Telecom's client; bodies cut off by a Content-Length in characters",
                ValidationError,
                "refused",
                "it is missing inside the content alone; the body proves its end (a multipart that is closed or base64 "
                "that is padded is last in it, or the Date header before it is as long as what is missing); or it "
                "cannot have been counted in characters (it is all ASCII, or no text)",
            ),
            "close-inline": Irregularity(
                "the close delimiter at the end is not at the beginning of a line",
                "RFC 2046, 5.1.1",
                "nobody by name",
                ValidationError,
            ),
            "close-repeated": Irregularity(
                "the close delimiter is there more than once",
                "RFC 2046, 5.1.1",
                "nobody by name",
                ValidationError,
            ),
            "close-dash": Irregularity(
                "the close delimiter ends in a dash where two hyphens are wanted",
                "RFC 2046, 5.1.1",
                "KTF, whose example went through a word processor",
                ValidationError,
            ),
            "part-bodyless": Irregularity(
                "a part ends with its headers; it is empty",
                "RFC 2046, 5.1.1",
                "nobody by name",
                ValidationError,
            ),
            "part-length": Irregularity(
                "the Content-Length of a part is no number, or is there twice; the delimiters alone count",
                "RFC 2046, 5.1.1",
                "nobody by name",
                ValidationError,
            ),
            "headers-unended": Irregularity(
                "there is no empty line between the headers of a part and its body",
                "RFC 2046, 5.1",
                "KTF, Skycore, China Mobile's client",
                ValidationError,
            ),
            "headers-end-blank": Irregularity(
                "the empty line behind the headers of a part holds blanks",
                "RFC 5322, 2.1",
                "Optus",
                ValidationError,
            ),
            "header-unindented": Irregularity(
                "a header of a part goes on in a line that is not indented",
                "RFC 5322, 2.2.3",
                "SKT's client",
                ValidationError,
            ),
            "header-repeated": Irregularity(
                "a header that a part can have once is there again and says something else; the first counts",
                "RFC 2045, 3",
                "nobody by name",
                ValidationError,
            ),
            "header-name": Irregularity(
                "the name of a part header holds more than letters, digits, hyphens and underscores",
                "RFC 5322, 2.2",
                "nobody by name",
                ValidationError,
            ),
            "multipart-empty": Irregularity(
                "a multipart has no parts",
                "RFC 2046, 5.1.1 (multipart-body)",
                "nobody by name",
                ValidationError,
            ),
            "multipart-encoded": Irregularity(
                "a multipart part is base64 or quoted-printable as a whole",
                "RFC 2045, 6.4",
                "nobody by name",
                ContentError,
            ),
        },
        "The SOAP part": {
            "xml-as-multipart": Irregularity(
                "the Content-Type says multipart, and the body is a bare envelope",
                "RFC 2046, 5.1",
                "Skycore",
                ValidationError,
            ),
            "multipart-as-xml": Irregularity(
                "the Content-Type says XML, and the body is a multipart",
                "SOAP Messages with Attachments, 3",
                "nobody by name",
                ValidationError,
            ),
            "start-unmatched": Irregularity(
                "the start parameter names no part; the first part is read as the SOAP part",
                "RFC 2387, 3.2",
                "the example of TS 23.140 itself",
                ValidationError,
            ),
            "soap-part-late": Irregularity(
                "the SOAP part is not the first, and no start parameter names it",
                "RFC 2387, 3.2",
                "nobody by name",
                ValidationError,
            ),
            "soap-part-type": Irregularity(
                "the SOAP part is not labelled text/xml",
                "SOAP Messages with Attachments, 3",
                "senders of application/xml and of parts without Content-Type",
                ValidationError,
            ),
            "soap-part-encoded": Irregularity(
                "the SOAP part has a Content-Transfer-Encoding that changes its octets",
                "NowSMS, Submitting MM7",
                "mail libraries used as SOAP clients",
                ValidationError,
            ),
            "charset-contradicted": Irregularity(
                "the octets of the SOAP part are not in the character set that it claims",
                "RFC 7303, 3",
                "Vibes, Korean operators",
                ValidationError,
            ),
            "xml-late": Irregularity(
                "there is white space before the XML declaration",
                "XML 1.0, 2.8",
                "nobody by name",
                ValidationError,
            ),
        },
        "The content and what names it": {
            "id-brackets": Irregularity(
                "a Content-ID or the start parameter is not in one pair of angle brackets, or an href is",
                "RFC 2045, 7; RFC 2387, 3.2",
                "xmmc, Axis clients, SKT, Skycore",
                ValidationError,
            ),
            "id-form": Irregularity(
                "a Content-ID is asked for in other capitals, or with other percent-escapes, than it is written",
                "RFC 2392",
                "nobody by name",
                ContentError,
            ),
            "id-repeated": Irregularity(
                "several parts have the Content-ID that is asked for; the first counts",
                "RFC 2045, 7",
                "nobody by name",
                ContentError,
            ),
            "content-unreferenced": Irregularity(
                "there is no Content element, yet there is a content part",
                "TS 23.140, clause 8.7",
                "China Mobile's and KTF's clients",
                ContentError,
            ),
            "href-unmatched": Irregularity(
                "the href of Content names no part; the first part that is not the SOAP part is the content",
                "TS 23.140, clause 8.7; RFC 2392",
                "the example of TS 23.140 itself",
                ContentError,
            ),
            "href-without-cid": Irregularity(
                "the href of Content names a Content-ID without the scheme cid:",
                "RFC 2392",
                "mbuni's clients",
                ContentError,
            ),
            "href-location": Irregularity(
                "the href of Content has the scheme cid: and names a Content-Location",
                "RFC 2392",
                "nobody by name",
                ContentError,
            ),
            "href-nested": Irregularity(
                "the href of Content names a part inside the content",
                "TS 23.140, clause 8.7",
                "Korean clients",
                ContentError,
            ),
        },
        "Characters": {
            "charset-wider": Irregularity(
                "a text has bytes that its label does not cover; it is read in the wider character set that is meant",
                "RFC 2046, 4.1.2",
                "senders on Windows, with the euro sign under iso-8859-1",
                ValidationError,
            ),
            "byte-order": Irregularity(
                "a text in UTF-16 is not in the byte order that its label gives, without a mark the big-endian",
                "RFC 2781, 4.3",
                "senders on Windows",
                ValidationError,
            ),
            "surrogate-pair": Irregularity(
                "a character is written as two surrogates: by references in XML, or by three bytes each in UTF-8",
                "XML 1.0, 4.1; RFC 3629, 3",
                "clients in Java",
                ValidationError,
            ),
        },
        "The data of a part": {
            "encoding-undeclared": Irregularity(
                "a part that is no text is base64 and does not say so; its data stays as it was sent",
                "RFC 2045, 6.1",
                "nobody by name",
                ContentError,
            ),
            "encoding-contradicted": Irregularity(
                "a part says that it is base64 and is the data itself",
                "RFC 2045, 6.8",
                "instantcom before 2017",
                ContentError,
            ),
        },
        "The envelope": {
            "soap-namespace": Irregularity(
                "the SOAP namespace is written otherwise than SOAP 1.1 writes it, or a Fault is not in it",
                "SOAP 1.1, 4",
                "KTF, without the last slash; Optus, with https",
                ValidationError,
            ),
            "transaction-unmarked": Irregularity(
                'TransactionID does not say mustUnderstand="1"',
                "TS 23.140, clause 8.7",
                "China Mobile's client",
                ValidationError,
            ),
            "transaction-missing": Irregularity(
                "a response has no TransactionID, or an empty one; a Fault with an empty Header is regular",
                "TS 23.140, clause 8.7",
                "vectorcore and Axis in faults, KTF in errors",
                ValidationError,
            ),
            "error-unwrapped": Irregularity(
                "an error response stands in Body by itself, not in the detail of a Fault",
                "TS 23.140, clause 8.7",
                "KTF, SKT",
                ValidationError,
            ),
            "namespace-missing": Irregularity(
                "an element of MM7 is in no namespace",
                "TS 23.140, MM7 schema (elementFormDefault)",
                "vectorcore, China Mobile's client, Skycore",
                ValidationError,
            ),
            "namespace-blanks": Irregularity(
                "there is white space in the name of the MM7 namespace",
                "TS 23.140, MM7 schema",
                "China Unicom's simulators, Skycore",
                ValidationError,
            ),
            "namespace-foreign": Irregularity(
                "a namespace in the place of MM7's is none of 3GPP's",
                "TS 23.140, MM7 schema",
                "Fibernetics, Momentum",
                UnsupportedVersion,
            ),
            "namespace-mixed": Irregularity(
                "TransactionID and operation are in different namespaces",
                "TS 23.140, MM7 schema",
                "Momentum",
                ValidationError,
            ),
            "version-unlisted": Irregularity(
                "MM7Version is none of those that the schema lists",
                "TS 23.140, MM7 schema (versionType)",
                "KTF, which puts its own version there",
                UnsupportedVersion,
            ),
        },
        "Elements": {
            "element-order": Irregularity(
                "elements are not in the order of the schema",
                "TS 23.140, MM7 schema (xs:sequence)",
                "Skycore, KTF",
                ValidationError,
            ),
            "element-repeated": Irregularity(
                "an element that can be there once is there again; the first one counts",
                "TS 23.140, MM7 schema (maxOccurs)",
                "Axis clients, with two SenderAddress",
                ValidationError,
            ),
            "element-misplaced": Irregularity(
                "an element stands elsewhere than the schema has it; it is read as if it stood there",
                "TS 23.140, MM7 schema",
                "vectorcore, with VASPID in CancelReq; China Mobile's client, Fibernetics",
                ValidationError,
            ),
            "element-unknown": Irregularity(
                "an element that the schema does not have here; it is kept in message.extensions",
                "TS 23.140, MM7 schema (Extension)",
                "SKT, KTF, China Unicom",
                ValidationError,
            ),
            "element-renamed": Irregularity(
                "an element or attribute is misspelt, in other capitals, or named as another operation has it",
                "TS 23.140, MM7 schema",
                "China Unicom's simulators, with TimeStamp for Date; instantcom, with RFC822Address; vectorcore",
                ValidationError,
            ),
            "element-missing": Irregularity(
                "a mandatory element is missing, or empty, that senders are known to leave out",
                "TS 23.140, MM7 schema (minOccurs)",
                "China Unicom's simulators; vectorcore, with neither Sender nor Date in reports",
                ValidationError,
            ),
            "text-stray": Irregularity(
                "there is text where only elements can be, or nothing; it is passed over",
                "TS 23.140, MM7 schema",
                "clients that write 'No value' into ReplyCharging",
                ValidationError,
            ),
            "attribute-qualified": Irregularity(
                "an attribute of MM7 is in the namespace of its element; the schema has it in none",
                "TS 23.140, MM7 schema (attributeFormDefault)",
                "xmmc",
                ValidationError,
            ),
        },
        "Values": {
            "address-untyped": Irregularity(
                "an address is plain text, or in an unknown element, not in Number, RFC2822Address or ShortCode",
                "TS 23.140, MM7 schema (addressType)",
                "mbuni up to 5.1.0, China Mobile's client",
                MessageFormatCorrupt,
            ),
            "value-case": Irregularity(
                "a boolean or an enumerated value is in other capitals, or another spelling, than the schema's",
                "TS 23.140, MM7 schema",
                "KTF, LG Telecom",
                MessageFormatCorrupt,
            ),
            "value-unlisted": Irregularity(
                "an enumerated value is none of the schema's; it is kept as its text",
                "TS 23.140, MM7 schema",
                "LG Telecom, China Unicom",
                MessageFormatCorrupt,
            ),
            "value-form": Irregularity(
                "an optional element or attribute has a value of wrong form; it is read as None",
                "TS 23.140, MM7 schema",
                "LG Telecom, with 0000 for a boolean",
                MessageFormatCorrupt,
            ),
            "status-code-zero": Irregularity(
                "a StatusCode is 0, which says neither success nor failure; it is read as no success",
                "TS 23.140, MM7 schema (xs:positiveInteger)",
                "nobody by name",
                MessageFormatCorrupt,
            ),
            "date-form": Irregularity(
                "a date is not written as xs:dateTime",
                "TS 23.140, MM7 schema (xs:dateTime)",
                "SKT, with 20240703210241; Korean clients in the form of mail",
                MessageFormatCorrupt,
            ),
            "date-without-zone": Irregularity(
                "a date has no time zone; it is read as a naive datetime",
                "TS 23.140, clause 8.7",
                "China Mobile's client",
                MessageFormatCorrupt,
            ),
        },
    }
)
#: All of it by name.
CATALOGUE: Mapping[str, Irregularity] = MappingProxyType(
    {name: irregularity for area in AREAS.values() for name, irregularity in area.items()}
)

#: A hostile message can deviate in tens of thousands of places; this many are told, and the first of every name.
_MOST = 100


@dataclass(frozen=True, slots=True)
class Deviation:
    """One irregularity of one message: its ``name`` in the catalogue, and ``where`` it stands, in words."""

    name: str
    where: str

    def __str__(self) -> str:
        return f"{self.name}: {CATALOGUE[self.name].summary} ({self.where})"


class Deviations:
    """What a reader collects while it reads one message. With ``strict``, the first one is a refusal instead.

    ``tolerated`` names those that are read whatever the endpoint, or the catalogue, says of them.
    """

    __slots__ = ("_found", "_names", "_strict", "_tolerated", "is_cut")

    def __init__(self, *, strict: bool = False, tolerated: Collection[str] = ()) -> None:
        self._found: dict[Deviation, None] = {}
        self._names: set[str] = set()
        self._strict = strict
        self._tolerated = tolerated
        #: Whether there were more places than are told. Every name is told, with the first of its places at least.
        self.is_cut = False

    @property
    def strict(self) -> bool:
        """Whether every irregularity is refused."""
        return self._strict and not self._tolerated

    def tolerates(self, name: str) -> bool:
        """Return whether the irregularity ``name`` is read whatever the catalogue says of it."""
        return name in self._tolerated

    def note(self, name: str, where: str) -> None:
        """Record the irregularity ``name``; the same in the same place counts once.

        Raises the refusal of the catalogue where the reader is strict.
        """
        if self.is_cut and name in self._names:
            return
        irregularity = CATALOGUE[name]
        if self._strict and name not in self._tolerated:
            raise irregularity.refusal(details=f"{where}: {irregularity.summary} ({irregularity.clause})")
        if len(self._found) < _MOST or name not in self._names:
            self._found[Deviation(name, where)] = None
            self._names.add(name)
        elif Deviation(name, where) not in self._found:
            self.is_cut = True

    def __iter__(self) -> Iterator[Deviation]:
        return iter(self._found)
