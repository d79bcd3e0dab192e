"""Names of character sets, as they come from a peer."""

from __future__ import annotations

import codecs
from functools import lru_cache

# Codecs of Python that are no character sets. Of these, punycode takes a time that grows with the square of its input.
_NOT_FOR_PEERS = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "oem"})


@lru_cache(maxsize=128)
def codec(name: str) -> str | None:
    """Python's name for the character set ``name``; None where there is none.

    >>> codec("UTF8"), codec("utf:8"), codec("ks_c_5601-1987"), codec("latin-42")
    ('utf-8', 'utf-8', 'euc_kr', None)
    """
    try:
        info = codecs.lookup(name.strip())
    except (LookupError, ValueError):
        return None
    known = info.name.replace("_", "-") not in _NOT_FOR_PEERS and getattr(info, "_is_text_encoding", True)
    return info.name if known else None


def decode_text(octets: bytes, charset: str | None) -> str:
    """``octets`` as text: by their byte order mark, else by ``charset``, else as UTF-8.

    Never raises: an octet that is not of the character set becomes U+FFFD.
    """
    if octets.startswith(codecs.BOM_UTF8):
        return octets[3:].decode("utf-8", "replace")
    if octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return octets.decode("utf-16", "replace")
    return octets.decode((charset and codec(charset)) or "utf-8", "replace")
