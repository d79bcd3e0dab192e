"""Names of character sets, as they come from a peer, and text in one of them."""

from __future__ import annotations

import codecs
import encodings.aliases
import pkgutil
import re
from collections.abc import Sequence
from functools import lru_cache

# Codecs of Python that are no character sets. Of these, punycode takes a time that grows with the square of its input.
_NOT_FOR_PEERS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "oem"})


# What is called by the name of a character set is often the wider one that Windows made of it (WHATWG Encoding, 4.2).
_WIDER = {"euc_kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932"}


# Python keeps every name that it was asked for and does not know, as long as the process lives. So it is only asked for
# those that it knows.
_NAMES = frozenset(
    name.replace(".", "_")
    for name in (*encodings.aliases.aliases, *(module.name for module in pkgutil.iter_modules(encodings.__path__)))
)
_NAME_MOST = 64


def codec(name: str) -> str | None:
    """Python's name for the character set ``name``; None where there is none.

    >>> codec("UTF8"), codec("utf:8"), codec("ks_c_5601-1987"), codec("latin-42")
    ('utf-8', 'utf-8', 'cp949', None)
    """
    name = name.strip()
    return _codec(name) if len(name) <= _NAME_MOST else None


@lru_cache(maxsize=128)
def _codec(name: str) -> str | None:
    if encodings.normalize_encoding(name).lower().replace(".", "_") not in _NAMES:
        return None
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):  # a module beside the codecs; or a name with a NUL
        return None
    known = info.name.replace("_", "-") not in _NOT_FOR_PEERS and getattr(info, "_is_text_encoding", True)
    return _WIDER.get(info.name, info.name) if known else None


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


def decoded(octets: bytes, charset: str) -> str | None:
    """``octets`` as text in a character set that :func:`codec` knows; None where they are not in it."""
    try:
        return octets.decode(charset)
    except ValueError:
        return None


def find_charset(octets: bytes, claims: Sequence[str]) -> str | None:
    """The character set that ``octets`` are in, judged by themselves first and by what is said of them only then.

    A byte order mark; else UTF-8, where they are valid UTF-8 without NUL and ESC; else the first of ``claims`` that
    they are in. None where nothing is left. Peers label what they did not convert, so a label is the weaker witness.
    """
    if octets.startswith(_UTF_16_MARKS):
        candidates = ["utf-16"]
    elif b"\0" not in octets and b"\x1b" not in octets and (octets.isascii() or decoded(octets, "utf-8") is not None):
        return "utf-8"
    else:
        candidates = [name for claim in claims if (name := codec(claim)) is not None]
        if octets.startswith((b"<\0", b"\0<")):  # XML 1.0, appendix F
            candidates.insert(0, "utf-16-le" if octets.startswith(b"<") else "utf-16-be")
    return next((name for name in candidates if decoded(octets, name) is not None), None)


#: They write all characters in those of ASCII, so octets that are ASCII may be in one of them after all.
IN_ASCII = frozenset({"utf-7", "hz", *(f"iso2022_{name}" for name in _ISO_2022)})


def decode_text(octets: bytes, charset: str | None) -> str:
    """``octets`` as text, in the character set that :func:`find_charset` finds.

    ``charset`` is what their label says; where they are XML, their declaration is a claim as well. Octets of
    nothing but ASCII are in their label's only if that hides other characters in them.

    Never raises: an octet that is not of the character set becomes U+FFFD.
    """
    label = codec(charset) if charset else None
    found: str | None
    if octets.isascii() and b"\0" not in octets:
        found = label if label in IN_ASCII else "utf-8"
    elif octets.startswith(_UTF_16_MARKS):
        found = "utf-16"
    else:
        found = find_charset(octets, [claim for claim in (charset, declared(octets)) if claim])
    return octets.decode(found or label or "utf-8", "replace").removeprefix("\ufeff")
