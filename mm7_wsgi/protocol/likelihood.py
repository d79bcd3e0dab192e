"""How likely a text is, for bytes whose label leaves more than one reading."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

#: Bytes that are weighed: a text shows itself early.
WEIGHED: Final = 256
#: Bits by which a reading must be likelier than the one that the label, or its standard, gives.
AHEAD: Final = 10

# The characters of daily use of each script, by the first byte of their code: level 1 of GB 2312 and of Big5, the kana
# and level 1 of JIS X 0208, the Hangul of KS X 1001.
_DAILY: Final = (
    ("gb2312", b"\xb0", b"\xd7"),
    ("cp950", b"\xa4", b"\xc6"),
    ("euc_jp", b"\xa4", b"\xcf"),
    ("euc_kr", b"\xb0", b"\xc8"),
)
# The letters of the alphabets that are in use, without those of phonetics, of history and of rare languages.
_LETTERS: Final = (
    *((0xC0, 0x17F), (0x1A0, 0x1A1), (0x1AF, 0x1B0), (0x218, 0x21B), (0x386, 0x3CE), (0x401, 0x45F), (0x490, 0x4FF)),
    *((0x531, 0x587), (0x5D0, 0x5EA), (0x621, 0x652), (0x660, 0x6D3), (0x900, 0x97F), (0xE00, 0xE7F), (0x1EA0, 0x1EF9)),
)
_PUNCTUATION: Final = frozenset(
    "\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u20ac\u3000\u3001\u3002\u3008\u3009\u300a\u300b\u300c\u300d\u3010\u3011"
)
_UNLIKELY: Final = 18
_IMPOSSIBLE: Final = 30


def bits(text: str) -> int:
    """Return a rough measure of how unlikely ``text`` is, in bits: that of its characters together."""
    return sum(map(_bits, text))


@lru_cache(maxsize=4096)
def _bits(character: str) -> int:
    category = unicodedata.category(character)
    if character in " \r\n\t" or "a" <= character <= "z":
        return 4
    if character < "\x7f" and category[0] != "C":
        return 6 if character.isalnum() else 10 if character in "\\^_`{|}~" else 8
    if category in ("Cc", "Cn", "Co", "Cs"):
        return _IMPOSSIBLE
    place = ord(character)
    if character in _PUNCTUATION or 0xFF01 <= place <= 0xFF5E:
        return 8
    if category[0] in "LM" and any(first <= place <= last for first, last in _LETTERS):
        return 8
    if 0x2150 <= place <= 0x24FF and category[0] == "N":  # numbers in circles, of Rome …
        return 8
    if 0xA0 <= place <= 0xBF:  # the signs of Latin-1
        return 10
    for encoding, first, last in _DAILY:
        code = character.encode(encoding, "ignore")
        if len(code) == 2 and first <= code[:1] <= last:
            return 10
    return 14 if place > 0xFFFF and category == "So" else _UNLIKELY


def byte_order(octets: bytes, default: str) -> str:
    """Return ``utf-16-be`` or ``utf-16-le`` for UTF-16 without a byte order mark: ``default``, or the other one.

    It is the other one where only that gives text: where the characters of the beginning are likelier in it by far, or
    the whole is not in the default order at all. Characters that are unassigned, for private use, controls or half a
    surrogate pair are as good as impossible, and those of daily use are likelier than all others. So a text of three
    characters is told, and a single Chinese one is read in the default order (RFC 2781, 4.3).
    """
    other = "utf-16-le" if default == "utf-16-be" else "utf-16-be"
    head = octets[: min(WEIGHED, len(octets) - len(octets) % 2)]
    weights = {order: bits(head.decode(order, "surrogatepass")) for order in (default, other)}
    if weights[other] + AHEAD < weights[default]:
        return other
    if len(octets) % 2 == 0 and not _decodes(octets, default) and _decodes(octets, other):
        return other
    return default


def _decodes(octets: bytes, order: str) -> bool:
    try:
        octets.decode(order)
    except UnicodeDecodeError:
        return False
    return True


def is_likelier(octets: bytes, charset: str, than: str, *, by: int = 0) -> bool:
    """Return whether ``octets``, which are in both character sets, are likelier in ``charset``, ``by`` so many bits."""
    head = octets[:WEIGHED]
    return bits(head.decode(charset, "ignore")) + by < bits(head.decode(than, "ignore"))
