"""Messages changed as no sender would, and as a fuzzer by itself hardly ever does: by lines, parts, elements, headers.

The words in here are the fuzzer's dictionary as well. Whoever wants to see the same changes again gives the same seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from itertools import chain, pairwise

from mm7_wsgi.protocol.codecs import ADDRESSES
from mm7_wsgi.protocol.messages import REQUESTS, RESPONSES
from mm7_wsgi.protocol.soap import MM7_NAMESPACES, SOAP

#: What has a meaning in a header.
HEADER_WORDS: tuple[bytes, ...] = (
    *(b"%s: " % name for name in (b"Content-Type", b"Content-ID", b"Content-Length", b"Content-Location")),
    *(
        b"%s: " % name
        for name in (b"Content-Transfer-Encoding", b"Content-Disposition", b"X-A", b"X.Y", b"MIME-Version")
    ),
    *(b"%s: " % name for name in (b"Authorization", b"Transfer-Encoding", b"Content-Encoding", b"SOAPAction")),
    *(b"multipart/related", b"multipart/mixed", b"text/xml", b"application/xml", b"application/soap+xml"),
    *(b"application/xop+xml", b"text/plain", b"message/rfc822", b"image/gif", b"application/smil"),
    *(b"; boundary=", b"; start=", b"; type=", b"; charset=", b"; name=", b"; filename=", b'boundary="', b'"'),
    *(b"base64", b"quoted-printable", b"7bit", b"8bit", b"binary", b"x-uuencode", b"chunked", b"gzip", b"identity"),
    *(b"utf-8", b"utf-16", b"utf-16le", b"utf-7", b"iso-8859-1", b"iso-2022-jp", b"euc-kr", b"gb2312", b"us-ascii"),
    *(b"filename*=utf-8''%C3%B6", b"name*0=", b"name*1*=", b"boundary*=", b"*0*=utf-8'en'", b"%2F", b"%3D", b"%25"),
    *(b"<soap>", b"cid:", b"&lt;", b"&gt;", b"\\", b"\\\\", b";;", b"=", b"*", b"'", b"''", b"%", b"Basic "),
)
#: What divides lines and parts.
FRAMING_WORDS: tuple[bytes, ...] = (
    *(b"\r\n", b"\n", b"\r", b"\r\r\n", b"\r\n\r\n", b"\n\n", b" \r\n", b"\t", b"\r\n\t", b"\r\n ", b"--", b"---"),
    *(
        b"--\r\n",
        b"\r\n--",
        b"\n--",
        b"\r\n--outer\r\n",
        b"\r\n--outer--\r\n",
        b"\xef\xbb\xbf",
        b"\xe2\x80\x93",
        b"\x96",
    ),
    *(
        b"\0",
        b"\x1b",
        b"\x7f",
        b"\x85",
        b"\xa0",
        b"\xff",
        b"\xfe\xff",
        b"\xff\xfe",
        b"=3D",
        b"=\r\n",
        b"==",
        b"=",
        b"AA==",
    ),
)
#: What an envelope is made of, and what its values are.
XML_WORDS: tuple[bytes, ...] = (
    *(b'<?xml version="1.0" encoding="UTF-8"?>', b'<?xml version="1.0" encoding="utf-16"?>', b"<?xml", b"<?x y?>"),
    *(b"<!DOCTYPE x>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&amp;", b"&#10;", b"&#13;", b"&#xd800;", b"&#x85;"),
    *(b"&#x2028;", b"&x;", b"xmlns=", b"xmlns:m=", b'xmlns=""', b"xml:lang=", b' env:mustUnderstand="1"', b' actor=""'),
    *(b"<env:Envelope", b"<env:Header>", b"<env:Body>", b"</env:Body>", b"<env:Fault>", b"<faultcode>", b"<detail>"),
    *(b"<faultstring>", b"TransactionID", b"Fault", b"Envelope", b"Header", b"Body", b"Extension", b"/>", b"</", b">"),
    SOAP.encode(),
    b"http://www.w3.org/2003/05/soap-envelope",
    *(sorted(namespace.encode() for namespace in MM7_NAMESPACES)),
    *(b"urn:mm7", b"urn:vendor", b"6.8.0", b"5.3.0", b"true", b"false", b"TRUE", b"1", b"0", b"+7", b"1000", b"2007"),
    *(b"2030-01-02T03:04:05Z", b"2030-01-02T24:00:00.5+14:00", b"9999-12-31T24:00:00Z", b"0001-01-01T00:00:00+14:00"),
    *(b"20300102030405Z", b"Wed, 03 Jul 2030 21:02:41 +0900", b"P1Y2M3DT4H5M6.7S", b"-P1D", b"P999999999Y999999999M"),
    *(
        b"P999999999DT999999999H",
        b"PT0S",
        b"+12025550101",
        b"a@b.example",
        b"72550",
        b"high",
        b"Unrecognized",
        b"cid:x",
    ),
)


def _names() -> tuple[bytes, ...]:
    """The elements and attributes of MM7, by their names and the other names that senders are known to use."""
    found: dict[str, None] = {}
    layouts = [message.layout for message in (*REQUESTS.values(), *RESPONSES.values())]
    seen = set()
    while layouts:
        layout = layouts.pop()
        if id(layout) in seen:
            continue
        seen.add(id(layout))
        for each in (*layout.elements, *layout.attributes):
            for name in (each.name, each.also, each.around, *each.strays, *each.instead):
                if name:
                    found[name] = None
            codec = getattr(each.codec, "_codec", each.codec)
            inside = getattr(codec, "_class", None)
            if inside is not None:
                layouts.append(inside.layout)
            if each.codec is ADDRESSES:
                found.update(dict.fromkeys(("Number", "RFC2822Address", "ShortCode", "displayOnly", "addressCoding")))
    return tuple(name.encode() for name in (*REQUESTS, *RESPONSES, *sorted(found), "UserAgent", "DateTime", "DC"))


#: The names of MM7.
NAMES = _names()
WORDS: tuple[bytes, ...] = (*HEADER_WORDS, *FRAMING_WORDS, *XML_WORDS, *NAMES)

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")
_TAGS = re.compile(rb"<[^<>]*>|[^<>]+|[<>]")
_LEAF = re.compile(rb"<([A-Za-z0-9:]+)(?:\s[^<>]*)?>[^<>]*</\1>|<[A-Za-z0-9:]+[^<>]*/>")
_WHOLE = re.compile(rb"<([A-Za-z0-9:]+)(?:\s[^<>]*)?>.{0,4000}?</\1>", re.DOTALL)
_VALUE = re.compile(rb">[^<>]+<|=\"[^\"<>]*\"")
_DELIMITER = re.compile(rb"(?m)^--+[^\s<>]{1,80}")
_HEADER = re.compile(rb"(?m)^[A-Za-z][A-Za-z-]*:[^\r\n]*\r?\n")
_LENGTH = re.compile(rb"(?im)^Content-Length:[^\r\n]*\r?\n", re.IGNORECASE)


def mutated(octets: bytes, chance: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """``octets`` with one change, or a few; pieces of ``others`` may come in."""
    for _ in range(1 + int(chance.expovariate(1))):
        octets = chance.choice(_CHANGES)(octets, chance, others)
    # Else nearly all that is changed would be refused for its length alone.
    return _LENGTH.sub(b"", octets, count=1) if chance.random() < 0.9 else octets


def _shuffled(pieces: list[bytes], chance: random.Random) -> bytes:
    """One of the pieces missing, twice, cut, elsewhere or in the place of another."""
    if not pieces:
        return b""
    here, there = chance.randrange(len(pieces)), chance.randrange(len(pieces))
    how = chance.randrange(5)
    if how == 0:
        del pieces[here]
    elif how == 1:
        pieces.insert(there, pieces[here])
    elif how == 2:
        pieces[here], pieces[there] = pieces[there], pieces[here]
    elif how == 3:
        pieces[here] = pieces[here][: chance.randrange(len(pieces[here]) + 1)]
    else:
        pieces[here] = pieces[there]
    return b"".join(pieces)


def _lines(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    return _shuffled(_LINES.findall(octets), chance)


def _tags(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    return _shuffled(_TAGS.findall(octets), chance)


def _at(octets: bytes, pattern: re.Pattern[bytes], chance: random.Random) -> tuple[int, int]:
    """Where one match of ``pattern`` is; one place anywhere, where there is none."""
    matches = list(pattern.finditer(octets))
    if matches:
        return chance.choice(matches).span()
    place = chance.randrange(len(octets) + 1)
    return place, place


def _elements(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """An element, with all that is in it, is missing, elsewhere, or in another."""
    pattern = chance.choice((_LEAF, _LEAF, _WHOLE))
    start, end = _at(octets, pattern, chance)
    element = octets[start:end]
    if chance.random() < 0.6:
        octets = octets[:start] + octets[end:]
    if chance.random() < 0.6:
        place = _at(octets, _LEAF, chance)[chance.randrange(2)]
        octets = octets[:place] + element + octets[place:]
    return octets


def _parts(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """What lies between two delimiters is missing, twice, or elsewhere."""
    places = [match.start() for match in _DELIMITER.finditer(octets)]
    borders = [0, *places, len(octets)]
    return _shuffled([octets[start:end] for start, end in pairwise(borders)], chance)


def _nest(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """A whole other multipart, or this one, becomes a part."""
    place, end = _at(octets, _DELIMITER, chance)
    inside = chance.choice((octets, *others))[-3000:]
    delimiter = octets[place:end] or b"--x"
    names = _DELIMITER.findall(inside)
    boundary = names[0][2:] if names else b"x"
    part = b"%s\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n%s\r\n" % (delimiter, boundary, inside)
    return octets[:place] + part + octets[place:]


def _header(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """A header more, less, or another in its place."""
    start, end = _at(octets, _HEADER, chance)
    if chance.random() < 0.4:
        word = chance.choice(HEADER_WORDS)
        within = chance.randrange(start, end + 1)
        return octets[:within] + word + octets[within:]
    written = b"%s%s%s%s" % (*chance.choices(HEADER_WORDS, k=3), chance.choice(FRAMING_WORDS[:6]))
    return octets[:start] + written + octets[chance.choice((start, end)) :]


def _delimiters(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Something in a delimiter line, or around it."""
    start, end = _at(octets, _DELIMITER, chance)
    place = chance.choice((start, end, chance.randrange(start, end + 1)))
    cut = place + chance.choice((0, 0, 1, 2))
    return octets[:place] + chance.choice((*FRAMING_WORDS, b"x")) + octets[cut:]


def _value(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Another value for an element or an attribute."""
    start, end = _at(octets, _VALUE, chance)
    first, last = octets[start:end].find(b'"') + 1 or 1, 1
    return octets[: start + first] + chance.choice(XML_WORDS) + octets[max(start + first, end - last) :]


def _word(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    place = chance.randrange(len(octets) + 1)
    cut = place + chance.choice((0, 0, 1, 8))
    return octets[:place] + chance.choice(WORDS) + octets[cut:]


def _rename(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """One name of MM7 for another."""
    there = [name for name in NAMES if name in octets]
    if not there:
        return octets
    return octets.replace(chance.choice(there), chance.choice(NAMES), chance.choice((1, 2, -1)))


def _octet(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    if not octets:
        return octets
    place = chance.randrange(len(octets))
    return octets[:place] + bytes([octets[place] ^ 1 << chance.randrange(8)]) + octets[place + 1 :]


def _cut(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    start, end = sorted((chance.randrange(len(octets) + 1), chance.randrange(len(octets) + 1)))
    return octets[:start] + octets[end:] if chance.random() < 0.7 else octets[:end]


def _splice(octets: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """Up to a line of this, and from a line on of another."""
    mine = _LINES.findall(octets)
    theirs = _LINES.findall(chance.choice(others)) if others else mine
    start = chance.randrange(len(theirs) + 1)
    return b"".join(chain(mine[: chance.randrange(len(mine) + 1)], theirs[start:]))


_Change = Callable[[bytes, random.Random, Sequence[bytes]], bytes]
_CHANGES: tuple[_Change, ...] = (
    _lines,
    _lines,
    _tags,
    _elements,
    _elements,
    _elements,
    _parts,
    _parts,
    _nest,
    _header,
    _header,
    _delimiters,
    _delimiters,
    _value,
    _value,
    _word,
    _rename,
    _octet,
    _cut,
    _splice,
)
