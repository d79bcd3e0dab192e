"""Header values as peers write them: parameters, Content-ID, references.

Neither ``werkzeug.http.parse_options_header`` nor ``multipart.parse_options_header`` can serve here: both end an
unquoted value at the first character that RFC 2045 wants quoted, so ``boundary=----=_Part_1`` becomes ``----``
without a word.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64, a2b_qp
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote, unquote_to_bytes

from .charset import codec, decode_text, decoded, find_charset, is_pairs_of, join_surrogates
from .likelihood import AHEAD, is_likelier

# Matched at one place after the other, never searched for, so that no header costs more than its length.
_BLANKS = re.compile(r"[;\s]*")
_NAME = re.compile(r"([^\s=;]+)\s*=\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_UNQUOTED = re.compile(r"[^;]*")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class ContentType(NamedTuple):
    """A Content-Type (RFC 2045, 5.1), or any other header of that form."""

    #: What stands before the first semicolon, in lower case: ``multipart/related``.
    value: str
    #: Names in lower case. Of a parameter that is there twice, the first.
    parameters: Mapping[str, str]
    #: Names of parameters that are there twice with different values.
    ambiguous: frozenset[str]
    #: Whether the body is divided into parts.
    is_multipart: bool
    #: The ``boundary`` parameter as it stands in the body; empty where there is none.
    boundary: bytes


def _content_type(value: str, parameters: dict[str, str], ambiguous: frozenset[str]) -> ContentType:
    value = uncommented(value).strip().lower()
    if "(" in parameters.get("charset", ""):
        parameters["charset"] = uncommented(parameters["charset"]).strip()
    boundary = parameters.get("boundary", "")
    try:
        octets = boundary.encode("latin-1")
    except UnicodeError:
        octets = boundary.encode("utf-8", "surrogatepass")
    return ContentType(value, MappingProxyType(parameters), ambiguous, value.startswith("multipart/"), octets)


def parse_content_type(header: str) -> ContentType:
    """Read a header value with parameters, quoted or not, folded or not, with RFC 2231 continuations and encodings.

    Nothing raises here: what cannot be read as a parameter is passed over.

    >>> parse_content_type('Multipart/Related;\\tboundary=----=_Part_1; start=<a@b>').parameters
    {'boundary': '----=_Part_1', 'start': '<a@b>'}
    """
    # Peers repeat themselves. A boundary is new each time, and a long header is nothing to keep for a stranger.
    return _parse(header) if len(header) > _SHORT or "oundary" in header else _parse_again(header)


def _parse(header: str) -> ContentType:
    if len(header) <= _PLAIN_LENGTH and _PLAIN.fullmatch(header):
        value, _, rest = header.partition(";")
        found = _PLAIN_PARAMETER.findall(rest)
        parameters = {name.lower(): quoted or plain for name, quoted, plain in found}
        if len(parameters) == len(found):
            return _content_type(value, parameters, _NONE)
    return _parse_any(header)


# What most are: nothing escaped, nothing in pieces, nothing left open. Matched against short ones only, so that blanks
# without end cost nothing.
_PLAIN = re.compile(r'[^;]*(?:;\s*[^\s=;*"]+=(?:"[^"\\]*"|[^\s;"]+)\s*)*(?:;\s*)?')
_PLAIN_PARAMETER = re.compile(r'([^\s=;*"]+)=(?:"([^"\\]*)"|([^\s;"]+))')
_PLAIN_LENGTH = 400
_NONE: frozenset[str] = frozenset()


def _parse_any(header: str) -> ContentType:
    value, semicolon, rest = header.partition(";")
    parameters: dict[str, str] = {}
    ambiguous = set()
    if semicolon:
        for name, parameter in _joined(_parameters(rest)):
            if parameters.setdefault(name, parameter) != parameter:
                ambiguous.add(name)
    return _content_type(value, parameters, frozenset(ambiguous))


_SHORT = 200
_parse_again = lru_cache(maxsize=256)(_parse)


def _parameters(rest: str) -> list[tuple[str, str]]:
    """The parameters of ``rest`` in their order, names in lower case."""
    found = []
    place, end = 0, len(rest)
    while place < end:
        place = _behind(_BLANKS, rest, place)
        if match := _NAME.match(rest, place):
            name, place = match[1].lower(), match.end()
            if quoted := _QUOTED.match(rest, place):
                found.append((name, _ESCAPED.sub(r"\1", quoted[1])))
                place = quoted.end()
            elif rest.startswith('"', place):  # never closed: all that is left is the value
                found.append((name, rest[place + 1 :].strip()))
                break
            else:
                begin, place = place, _behind(_UNQUOTED, rest, place)
                found.append((name, rest[begin:place].strip()))
        place = _behind(_UNQUOTED, rest, place)  # the next semicolon
    return found


def _behind(pattern: re.Pattern[str], text: str, place: int) -> int:
    """Where what ``pattern`` matches at ``place`` ends."""
    match = pattern.match(text, place)
    return match.end() if match else place


def _joined(parameters: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Undo RFC 2231: ``name*0``, ``name*1*`` … are pieces of one value, ``name*`` is ``charset'language'%41``."""
    if not any("*" in name for name, _ in parameters):
        return parameters
    plain = []
    again = []  # pieces that are there twice: behind the first, a contradiction is seen
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for written, value in parameters:
        name, star, tail = written.partition("*")
        digits = tail.rstrip("*")
        if star and (not digits or (digits.isascii() and digits.isdigit() and len(digits) < 4)):
            number, piece = int(digits or 0), (not tail or tail.endswith("*"), value)
            if pieces.setdefault(name, {}).setdefault(number, piece) != piece:
                again.append((name, value))
        else:
            plain.append((written, value))
    for name, numbered in pieces.items():
        octets = bytearray()
        charset = "utf-8"
        for number in sorted(numbered):
            encoded, value = numbered[number]
            if encoded and number == 0 and value.count("'") >= 2:
                charset, _, value = value.split("'", 2)
            piece_octets = value.encode("utf-8", "surrogatepass")
            octets += unquote_to_bytes(piece_octets) if encoded else piece_octets
        plain.append((name, decode_text(bytes(octets), charset)))
    return plain + again


def readable(value: str) -> str:
    """A header value that was read octet by octet (latin-1), as the UTF-8 that it may be."""
    if value.isascii():
        return value
    try:
        return join_surrogates(value.encode("latin-1")).decode("utf-8")
    except UnicodeError:
        return value


def readable_name(value: str, charset: str | None) -> str:
    """As :func:`readable`, for a header that names a file: where it is no UTF-8, it is in another character set.

    That is ``charset``, as :func:`.charset.codec` names it, where the value is in that; else GBK, where that is the
    likelier text; else windows-1252. A few characters of GBK can be UTF-8 by chance.
    """
    if value.isascii():
        return value
    try:
        octets = value.encode("latin-1")
    except UnicodeError:
        return value
    found = find_charset(octets, [charset] if charset else [])
    if found == "utf-8":
        found = "gb18030" if is_pairs_of("gb18030", octets, by=AHEAD) else found
    elif found is None and decoded(octets, "gb18030") is not None and is_likelier(octets, "gb18030", "cp1252"):
        found = "gb18030"
    return decoded(octets, found or "cp1252") or value


# Peers write white space into the words, and parentheses are no comments in a name.
_WORD = re.compile(r"=\?([^?*\s]{1,64})(?:\*[^?\s]{0,64})?\?([BbQq])\?([^?]*)\?=")


def decode_words(value: str) -> str:
    """Return ``value`` with its encoded words decoded (RFC 2047). A word that cannot be decoded stays as it is.

    Characters that are cut in two by the end of a word are joined where the next word is of the same character set.

    >>> decode_words("=?utf-8?B?5Zu+?= =?utf-8?Q?=E7=89=87=2Epng?=")
    '\u56fe\u7247.png'
    """
    if "=?" not in value:
        return value
    pieces: list[str | tuple[str, bytes]] = []
    place = 0
    for word in _WORD.finditer(value):
        octets = _octets_of(word)
        if octets is None:
            continue
        between = value[place : word.start()]
        place = word.end()
        before = pieces[-1] if pieces else ""
        if isinstance(before, tuple) and (not between or between.isspace()):
            if before[0] == word[1].lower():
                pieces[-1] = (before[0], before[1] + octets)
                continue
        elif between:
            pieces.append(between)
        pieces.append((word[1].lower(), octets))
    pieces.append(value[place:])
    return "".join([piece if isinstance(piece, str) else decode_text(piece[1], piece[0]) for piece in pieces])


def _octets_of(word: re.Match[str]) -> bytes | None:
    """What an encoded word holds; None where it cannot be known."""
    try:
        written = word[3].encode("ascii")
        if word[2] in "Qq":
            octets = a2b_qp(written, header=True)
        else:
            packed = b"".join(written.split()).rstrip(b"=")
            if not packed.translate(None, b"+/").isalnum() and packed:
                return None
            octets = a2b_base64(packed + b"=" * (-len(packed) % 4))
    except (UnicodeError, Error):
        return None
    return octets if codec(word[1]) is not None or find_charset(octets, ()) is not None else None


def uncommented(value: str) -> str:
    """The value of a header that is a token, without comments (RFC 822, 3.4.3; RFC 2045, 5.1).

    Not for names of files, which peers write with parentheses and without quotes.

    >>> uncommented("base64 (by (our) encoder)")
    'base64 '
    """
    if "(" not in value:
        return value
    kept = []
    depth = 0
    escaped = False
    for character in value:
        if character == "(" and not escaped:
            depth += 1
        elif character == ")" and not escaped and depth:
            depth -= 1
        elif not depth:
            kept.append(character)
        escaped = depth > 0 and character == "\\" and not escaped
    return "".join(kept)


# Around a Content-ID: what peers write in the place of one pair of angle brackets, or beside it; and quotes.
_AROUND = " \t\r\n<>"


def content_id(header: str) -> str:
    """The normal form of a Content-ID, or of ``start``: without blanks, angle brackets and quotes around it.

    >>> content_id(" <soap@example> "), content_id("soap@example"), content_id("&lt;soap@example>")
    ('soap@example', 'soap@example', 'soap@example')
    """
    bare = _unwrapped(header, _AROUND + '"')
    # One that is left is half of a pair, and the other half may stand at an end: <"a b"@c>
    return _unwrapped(header, _AROUND) if '"' in bare else bare


def _unwrapped(header: str, around: str) -> str:
    bare = header.strip(around)
    return bare.removeprefix("&lt;").removesuffix("&gt;").strip(around) if "&" in bare else bare


def is_bracketed(header: str) -> bool:
    """Whether a Content-ID, or ``start``, is written as it should be: in one pair of angle brackets (RFC 2045, 7)."""
    bare = header.strip()
    is_pair = bare.startswith("<") and bare.endswith(">") and bare.count("<") == bare.count(">") == 1
    return is_pair and content_id(bare) != ""


class Reference(NamedTuple):
    """What an ``href`` asks for."""

    #: As written, without blanks: compared with Content-Location.
    text: str
    #: The Content-ID meant, in its normal form: percent-escapes decoded (RFC 2392), and as they are.
    content_ids: tuple[str, str]
    #: What stands behind the scheme ``cid:``, all of it where there is none; as it is, and percent-escapes decoded.
    locations: tuple[str, str]
    #: Whether the scheme ``cid:`` was there.
    is_cid: bool


_CID = re.compile(r"cid\s*(:|\s)", re.IGNORECASE)
# No header holds an id of more characters, and to decode a megabyte of escapes takes eighty times the memory.
_HREF_MOST = 32 * 1024


def parse_href(href: str) -> Reference:
    """Read the ``href`` of a Content or AdditionalInformation element. One that is too long for an id names none.

    >>> parse_href("cid:a%40b").content_ids
    ('a@b', 'a%40b')
    """
    text = href.strip()
    scheme = _CID.match(text)
    location = text[scheme.end() :].strip() if scheme else text
    is_cid = scheme is not None and scheme[1] == ":"
    if len(location) > _HREF_MOST:
        return Reference(text, ("", ""), ("", ""), is_cid)
    decoded = unquote(location)
    return Reference(text, (content_id(decoded), content_id(location)), (location, decoded), is_cid)


def bare_id(id: str) -> str:
    """A Content-ID without what peers change in it: ids that differ in capitals or percent-escapes alone are one.

    >>> bare_id("A%40b") == bare_id("a@B")
    True
    """
    return unquote(id).casefold()
