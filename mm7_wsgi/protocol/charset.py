"""Names of character sets, as they come from a peer, and text in one of them."""

from __future__ import annotations

import codecs
import encodings.aliases
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import Final, Literal

from .likelihood import AHEAD, WEIGHED, bits, byte_order, is_likelier

# Codecs of Python that are no character sets. Of these, punycode takes a time that grows with the square of its input.
_NOT_FOR_PEERS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "oem"})

#: The name of UTF-8 with each character beyond U+FFFF written as two surrogates of three bytes (Unicode TR 26).
CESU_8: Final = "cesu-8"
#: The two byte orders of UTF-16.
_ORDERS: Final = frozenset({"utf-16-be", "utf-16-le"})

# What is called by the name of a character set is often the wider one that Windows made of it (WHATWG Encoding, 4.2).
_WIDER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ascii": "cp1252",
        "iso8859-1": "cp1252",
        "iso8859-9": "cp1254",
        "iso8859-11": "cp874",
        "tis-620": "cp874",
        "big5": "big5hkscs",
        "cp950": "big5hkscs",
        "gb2312": "gb18030",
        "gbk": "gb18030",
        "euc_kr": "cp949",
        "shift_jis": "cp932",
        "iso2022_jp": "iso2022_jp_ext",
    }
)
#: Those of them that have control characters for the bytes from 0x80 to 0x9F, where Windows has letters and signs.
_WITH_CONTROLS: Final = frozenset({"iso8859-1", "iso8859-9", "iso8859-11", "tis-620"})

# Labels of the WHATWG Encoding Standard (4.2) that Python does not know, as normalize_encoding writes them. UTF-16
# without a byte order goes by RFC 2781 and not by that table.
_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        label: name
        for name, labels in {
            "utf_8": "unicode_1_1_utf_8 unicode11utf8 unicode20utf8 x_unicode20utf8",
            "utf_16": "unicode unicodefeff csutf16",
            "utf_16_be": "unicodefffe ucs_2 iso_10646_ucs_2 csunicode csutf16be",
            "utf_16_le": "csutf16le",
            CESU_8: "cesu_8 cscesu_8 cscesu8",
            "latin_1": "iso88591",
            "iso8859_2": "iso88592",
            "iso8859_3": "iso88593",
            "iso8859_4": "iso88594",
            "iso8859_5": "iso88595",
            "iso8859_6": "iso88596 csiso88596e csiso88596i iso_8859_6_e iso_8859_6_i",
            "iso8859_7": "iso88597 sun_eu_greek",
            "iso8859_8": "iso88598 csiso88598e iso_8859_8_e visual csiso88598i iso_8859_8_i logical",
            "iso8859_9": "iso88599",
            "iso8859_10": "iso885910",
            "iso8859_11": "iso885911",
            "iso8859_13": "iso885913",
            "iso8859_14": "iso885914",
            "iso8859_15": "iso885915 csisolatin9",
            "cp874": "windows_874 dos_874",
            "cp1250": "x_cp1250",
            "cp1251": "x_cp1251",
            "cp1252": "x_cp1252",
            "cp1253": "x_cp1253",
            "cp1254": "x_cp1254",
            "cp1255": "x_cp1255",
            "cp1256": "x_cp1256",
            "cp1257": "x_cp1257",
            "cp1258": "x_cp1258",
            "koi8_r": "koi koi8",
            "koi8_u": "koi8_ru",
            "mac_roman": "mac csmacintosh x_mac_roman",
            "mac_cyrillic": "x_mac_cyrillic x_mac_ukrainian",
            "big5": "cn_big5 x_x_big5",
            "gb2312": "gb_2312 gb_2312_80 csgb2312",
            "gbk": "x_gbk",
            "euc_kr": "cseuckr csksc56011987 iso_ir_149 ks_c_5601_1989 ksc_5601",
            "cp949": "windows_949",
            "euc_jp": "cseucpkdfmtjapanese x_euc_jp",
            "cp932": "windows_31j cswindows31j",
            "shift_jis": "x_sjis",
        }.items()
        for label in labels.split()
    }
)
# Numbers of character sets (IANA's MIBenum), which WAP has in the place of names and gateways write out.
_NUMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        str(number): name
        for number, name in {
            3: "ascii",
            **{number: f"iso8859_{number - 3}" for number in range(4, 14)},
            17: "shift_jis",
            18: "euc_jp",
            36: "euc_kr",
            37: "iso2022_kr",
            38: "euc_kr",
            39: "iso2022_jp",
            57: "gb2312",
            106: "utf_8",
            109: "iso8859_13",
            110: "iso8859_14",
            111: "iso8859_15",
            112: "iso8859_16",
            113: "gbk",
            114: "gb18030",
            1000: "utf_16_be",
            1012: "utf_7",
            1013: "utf_16_be",
            1014: "utf_16_le",
            1015: "utf_16",
            1016: CESU_8,
            2009: "cp850",
            2011: "cp437",
            2024: "cp932",
            2025: "gb2312",
            2026: "big5",
            2027: "mac_roman",
            2084: "koi8_r",
            2085: "hz",
            2086: "cp866",
            2088: "koi8_u",
            2101: "big5hkscs",
            2109: "cp874",
            **{number: f"cp{number - 1000}" for number in range(2250, 2259)},
            2259: "tis_620",
        }.items()
    }
)


# Python keeps every name that it was asked for and does not know, as long as the process lives. So it is only asked for
# those that it knows.
_NAMES = frozenset(
    name.replace(".", "_")
    for name in (*encodings.aliases.aliases, *(module.name for module in pkgutil.iter_modules(encodings.__path__)))
)
_NAME_MOST = 64


def codec(name: str) -> str | None:
    """Python's name for the character set that is meant by the label ``name``; None where there is none.

    Labels mean what the WHATWG Encoding Standard (4.2) says, so ``iso-8859-1`` is windows-1252. Numbers are IANA's.

    >>> codec("UTF8"), codec("utf:8"), codec("ks_c_5601-1987"), codec("latin-42")
    ('utf-8', 'utf-8', 'cp949', None)
    >>> codec("iso-8859-1"), codec("106")
    ('cp1252', 'utf-8')
    """
    narrow = _named(name)
    return None if narrow is None else _WIDER.get(narrow, narrow)


def _named(name: str) -> str | None:
    """The character set that a label names, before anybody made it wider."""
    name = name.strip()
    return _codec(name) if len(name) <= _NAME_MOST else None


@lru_cache(maxsize=128)
def _codec(name: str) -> str | None:
    if not (name.isascii() and name.isprintable()):
        return None
    label = encodings.normalize_encoding(name).lower().replace(".", "_")
    meant = _NUMBERS.get(label) or _LABELS.get(label)
    if meant == CESU_8:
        return CESU_8
    if meant is None and label not in _NAMES:
        return None
    try:
        info = codecs.lookup(meant or name)
    except LookupError:  # a module beside the codecs
        return None
    known = info.name.replace("_", "-") not in _NOT_FOR_PEERS and getattr(info, "_is_text_encoding", True)
    return info.name if known else None


_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS = (codecs.BOM_UTF8, *_UTF_16_MARKS)
# The codecs of ISO 2022 that Python has.
_ISO_2022 = ("jp", "jp_1", "jp_2", "jp_2004", "jp_3", "jp_ext", "kr")
_DECLARATION = re.compile(rb"""<\?xml[^>]{1,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")


def declared(octets: bytes) -> str | None:
    """The encoding that an XML declaration at the beginning of ``octets`` gives.

    It is ASCII, whatever else they are; in UTF-16, with a NUL beside each character.
    """
    head = octets[:600].replace(b"\0", b"")
    for mark in _MARKS:
        head = head.removeprefix(mark)
    declaration = _DECLARATION.match(head.lstrip())
    return declaration[1].decode("ascii") if declaration else None


def begins_as_xml(octets: bytes) -> bool:
    """Whether octets begin as XML does, in any of its encodings."""
    return octets.removeprefix(codecs.BOM_UTF8).lstrip().startswith((b"<", b"\0<", *_UTF_16_MARKS))


# -- what Python's codecs lack of the WHATWG Encoding Standard


@cache
def _whole_table(charset: str) -> str:
    """The table of a code page of Windows, with a control character for each byte from 0x80 to 0x9F that it lacks."""
    table: str = import_module(f"encodings.{charset}").decoding_table
    return "".join([chr(place) if table[place] == "\ufffe" and place < 0xA0 else table[place] for place in range(256)])


def _lacking_euro(octets: bytes, place: int) -> tuple[str, int]:
    """The euro sign of code page 936."""
    return ("\u20ac" if octets[place] == 0x80 else ""), 1


_BIG5_LACKING: Final[Mapping[bytes, str]] = MappingProxyType(
    {
        b"\xa3\xe1": "\u20ac",
        b"\xc6\xcf": "\u5ef4",
        b"\xc6\xd3": "\u65e0",
        b"\xc6\xd5": "\u7676",
        b"\xc6\xd7": "\u96b6",
        b"\xc6\xde": "\u3003",
        b"\xc6\xdf": "\u4edd",
    }
)


def _lacking_big5(octets: bytes, place: int) -> tuple[str, int]:
    """The euro sign of code page 950, and a few signs of ETEN."""
    return _BIG5_LACKING.get(octets[place : place + 2], ""), 2


def _lacking_jis(octets: bytes, place: int) -> tuple[str, int]:
    """What vendors put into free rows of JIS X 0208, as code page 932 has it: digits in circles, units …"""
    row, cell = (octet & 0x7F for octet in (octets[place : place + 2] + b"\0\0")[:2])
    if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return "", 1
    lead = (row + 1) // 2 + (0x70 if row <= 0x5E else 0xB0)
    trail = cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20)
    try:
        return bytes((lead, trail)).decode("cp932"), 2
    except UnicodeDecodeError:
        return "", 1


_WINDOWS: Final = frozenset({"cp874", *(f"cp125{number}" for number in range(9))})
# By codec; each gives the text at a place that the codec cannot decode, if there is any, and the length of its code.
_LACKING: Final[Mapping[str, Callable[[bytes, int], tuple[str, int]]]] = MappingProxyType(
    {
        "gb18030": _lacking_euro,
        "big5hkscs": _lacking_big5,
        "euc_jp": _lacking_jis,
        "iso2022_jp_ext": _lacking_jis,
    }
)


def _fill(error: UnicodeError) -> tuple[str, int]:
    """Give the character that a codec lacks; raises ``error`` where there is none."""
    if isinstance(error, UnicodeDecodeError) and (lacking := _LACKING.get(error.encoding)):
        text, length = lacking(error.object, error.start)
        if text:
            return text, error.start + length
    raise error


def _fill_or_replace(error: UnicodeError) -> tuple[str, int]:
    try:
        return _fill(error)
    except UnicodeDecodeError:
        return codecs.replace_errors(error)  # type: ignore[return-value]


codecs.register_error("mm7_wsgi.strict", _fill)
codecs.register_error("mm7_wsgi.replace", _fill_or_replace)
#: Bytes up to which a text gets the characters that its codec lacks. Python is asked for each, which costs time.
_FILLED: Final = 64 * 1024
# Where the supplement of Hong Kong has another character for a code of Big5 than code page 950.
_AS_CODE_PAGE_950 = str.maketrans(
    "\u2022\uff64\u203e\u223c\u2641\u2609\xa5\xa2\xa3", "\u2027\ufe51\xaf\uff5e\u2295\u2299\uffe5\uffe0\uffe1"
)
_PAIR = re.compile(rb"\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])")


def join_surrogates(octets: bytes) -> bytes:
    """CESU-8 as UTF-8: each two surrogates of three bytes are one character of four."""
    return _PAIR.sub(_one_character, octets) if b"\xed" in octets else octets


def _one_character(pair: re.Match[bytes]) -> bytes:
    return pair[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


def decoded(octets: bytes, charset: str) -> str | None:
    """``octets`` as text in a character set that :func:`codec` knows; None where they are not in it."""
    try:
        return _decode(octets, charset)
    except ValueError:
        return None


def _decode(octets: bytes, charset: str, errors: Literal["strict", "replace"] = "strict") -> str:
    if charset in _WINDOWS:
        return codecs.charmap_decode(octets, errors, _whole_table(charset))[0]
    if charset == CESU_8:
        octets, charset = join_surrogates(octets), "utf-8"
    is_filled = charset in _LACKING and len(octets) <= _FILLED
    text = octets.decode(charset, f"mm7_wsgi.{errors}" if is_filled else errors)
    return _likelier_big5(octets, text.translate(_AS_CODE_PAGE_950)) if charset == "big5hkscs" else text


def _likelier_big5(octets: bytes, text: str) -> str:
    """``text``, or what Big5 is by the tables of Unicode where that is likelier: kana have other codes in them."""
    if not _KANA.search(octets):
        return text
    try:
        other = octets.decode("big5")
    except UnicodeDecodeError:
        return text
    differing = [pair for pair in zip(text, other, strict=False) if pair[0] != pair[1]][:WEIGHED]
    ours, others = ("".join(characters) for characters in zip(*differing, strict=True)) if differing else ("", "")
    return other if bits(others) + AHEAD < bits(ours) else text


_KANA = re.compile(rb"[\xc6-\xc8]")


def find_uncovered(label: str, octets: bytes) -> str | None:
    """The first code of ``octets`` that is not in the character set that a label names, only in the wider one it means.

    It is written as a number: ``0x80``.
    """
    narrow = _named(label)
    if narrow is None or narrow == CESU_8:
        return None
    if narrow in _WITH_CONTROLS:
        control = _CONTROLS.search(octets)
        return None if control is None else f"0x{control[0].hex()}"
    try:
        octets.decode(narrow)
    except UnicodeDecodeError as error:
        if narrow == "big5":
            return find_uncovered("cp950", octets)
        length = 2 if _WIDER.get(narrow, narrow) in _PAIRED and octets[error.start] != 0x80 else 1
        return f"0x{octets[error.start : error.start + length].hex()}"
    return None


_CONTROLS = re.compile(rb"[\x80-\x9f]")


# -- what a text is in


def find_charset(octets: bytes, claims: Sequence[str]) -> str | None:
    """The character set that ``octets`` are in, judged by themselves first and by what is said of them only then.

    A byte order mark; else UTF-8, where they are valid UTF-8 without NUL and ESC, or would be if surrogates were
    joined; else the first of ``claims`` that they are in. None where nothing is left. Peers label what they did not
    convert, so a label is the weaker witness, but for a few characters of two bytes each that are UTF-8 by chance
    (:func:`is_pairs_of`). UTF-16 is in the byte order of :func:`.likelihood.byte_order`.
    """
    if octets.startswith(_UTF_16_MARKS):
        candidates = ["utf-16"]
    elif b"\0" not in octets and b"\x1b" not in octets and (utf_8 := _find_utf_8(octets)):
        return next((name for claim in claims if (name := codec(claim)) and is_pairs_of(name, octets)), utf_8)
    else:
        candidates = [_in_order(name, octets) for claim in claims if (name := codec(claim)) is not None]
        if octets.startswith((b"<\0", b"\0<")):  # XML 1.0, appendix F
            candidates.insert(0, "utf-16-le" if octets.startswith(b"<") else "utf-16-be")
    return next((name for name in candidates if decoded(octets, name) is not None), None)


_PAIRED: Final = frozenset({"gb18030", "cp949", "big5hkscs", "cp932", "euc_jp"})
_ASCII: Final = bytes(range(128))


def is_pairs_of(charset: str, octets: bytes, *, by: int = 0) -> bool:
    """Return whether ``octets`` are UTF-8 by chance, and are likelier text in an East Asian ``charset``.

    Only characters of two bytes can be that, and few of them; so "\u56fe\u7247" of GBK is "\u037c\u01ac" in UTF-8. It
    must be likelier ``by`` so many bits.
    """
    if charset not in _PAIRED or octets.isascii():
        return False
    high = octets.translate(None, _ASCII)
    return max(high) < 0xE0 and decoded(octets, charset) is not None and is_likelier(high, charset, "utf-8", by=by)


def _find_utf_8(octets: bytes) -> str | None:
    if octets.isascii() or decoded(octets, "utf-8") is not None:
        return "utf-8"
    return CESU_8 if _PAIR.search(octets) and decoded(octets, CESU_8) is not None else None


def _in_order(charset: str, octets: bytes) -> str:
    """UTF-16 with its byte order, big-endian where nothing says another (RFC 2781, 4.3); else ``charset``."""
    if charset == "utf-16":
        return byte_order(octets, "utf-16-be")
    return byte_order(octets, charset) if charset in _ORDERS else charset


#: They write all characters in those of ASCII, so octets that are ASCII may be in one of them after all.
IN_ASCII = frozenset({"utf-7", "hz", *(f"iso2022_{name}" for name in _ISO_2022)})


def find_text_charset(octets: bytes, charset: str | None) -> str | None:
    """The character set of a text, as :func:`find_charset` finds it.

    ``charset`` is what its label says; where it is XML, its declaration is a claim as well. Bytes of nothing but ASCII
    are in their label's only if that hides other characters in them, or is UTF-16 and makes the likelier text of them.
    """
    label = codec(charset) if charset else None
    if octets.isascii() and b"\0" not in octets:
        if label == "utf-16" or label in _ORDERS:
            order = _in_order(label, octets)
            return order if len(octets) % 2 == 0 and is_likelier(octets, order, "ascii") else "utf-8"
        return label if label in IN_ASCII else "utf-8"
    return find_charset(octets, [claim for claim in (charset, declared(octets)) if claim])


def decode_text(octets: bytes, charset: str | None) -> str:
    """``octets`` as text, in the character set that :func:`find_text_charset` finds for their label.

    Never raises: an octet that is not of the character set becomes U+FFFD.
    """
    found = find_text_charset(octets, charset)
    if found is None:
        label = codec(charset) if charset else None
        found = "utf-16" if octets.startswith(_UTF_16_MARKS) else _in_order(label or "utf-8", octets)
    return _decode(octets, found, "replace").removeprefix("\ufeff")


def text_deviations(octets: bytes, charset: str | None) -> list[tuple[str, str]]:
    """Return the names of what is irregular in the characters of a text under a label, each with what there is to say.

    The words complete a sentence that begins with the text: "says 'iso-8859-1' and has 0x80".
    """
    found = find_text_charset(octets, charset)
    label = codec(charset) if charset else None
    says = f"says {(charset or '')[:40]!r}"
    if found == CESU_8 != label:
        return [("surrogate-pair", "")]
    if found in _ORDERS and not octets.startswith(b"<"):
        expected = label if label in _ORDERS else "utf-16-be"
        return [] if found == expected else [("byte-order", f"{says} and is {found}")]
    if charset and found == label and (code := find_uncovered(charset, octets)):
        return [("charset-wider", f"{says} and has {code}")]
    return []
