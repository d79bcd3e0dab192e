"""Where others read a message that follows the rules otherwise than the package, by name, and who is right.

Each has a message as small as can be that shows it, and says how exactly the two readings differ, so that it excuses
this and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import unquote
from importlib.metadata import version
from typing import Any, NamedTuple


class _Word:
    """Equal to nothing but itself."""

    def __init__(self, word: str) -> None:
        self._word = word

    def __repr__(self) -> str:
        return self._word


#: What a reader says of a thing that is not there.
NOTHING = _Word("nothing")
#: In the place of what a reader was not asked.
UNTOLD = _Word("untold")


class Untrimmed(str):
    """Text of an element that is an identifier, with the white space around it."""


class Difference(NamedTuple):
    """One thing that two readers say different things of."""

    #: What it is: ``header``, ``parameter``, ``text`` …
    item: str
    #: For a person: which message part or element.
    where: str
    ours: Any
    #: What ``email`` or ``lxml`` says.
    theirs: Any
    #: What the generator says.
    made: Any = UNTOLD
    #: The name of the header, the parameter or the field.
    name: str = ""
    #: The header as it was sent, folds and all; of ``text``, the octets.
    raw: Any = None
    #: Of ``text``, the charset that its label says.
    charset: str | None = None
    #: Of ``file name``, what the parameter is to them.
    parameter: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether all who were asked agree."""
        return all(opinion is UNTOLD or opinion == self.ours for opinion in (self.theirs, self.made))

    def __str__(self) -> str:
        made = "" if self.made is UNTOLD else f"\n  generator {self.made!r}"
        raw = "" if self.raw is None else f"\n  written   {self.raw!r}"
        named = f" {self.name}" if self.name else ""
        return f"{self.where}: {self.item}{named}\n  mm7_wsgi  {self.ours!r}\n  the other {self.theirs!r}{made}{raw}"


class Disagreement(NamedTuple):
    """One known disagreement."""

    name: str
    #: Who reads otherwise than the rule has it.
    of: str
    summary: str
    #: The rule, and why we read as we do.
    reason: str
    #: Content-Type and body.
    message: tuple[str, bytes]
    #: What the two say of that message.
    item: str
    ours: Any
    theirs: Any
    #: The difference with this disagreement out of the way; None for one that it does not explain.
    mended: Callable[[Difference], Difference | None]
    #: Whether a later Python than some that this is tested with reads it as we do.
    is_mended_later: bool = False


def _part(*lines: bytes, octets: bytes = b"x") -> tuple[str, bytes]:
    """A CancelReq, for which any part may stand beside the envelope, and a part with these header lines."""
    headers = b"".join(line + b"\r\n" for line in lines)
    return _package(headers + b"\r\n" + octets)


def _package(part: bytes, envelope: bytes | None = None) -> tuple[str, bytes]:
    envelope = envelope or _envelope()
    body = b"--outer\r\nContent-Type: text/xml\r\n\r\n%s\r\n--outer\r\n%s\r\n--outer--\r\n" % (envelope, part)
    return 'multipart/related; boundary=outer; type="text/xml"', body


def _envelope(message_id: bytes = b"1") -> bytes:
    return (
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><TransactionID xmlns="'
        b'http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4" s:mustUnderstand="1">t'
        b'</TransactionID></s:Header><s:Body><CancelReq xmlns="'
        b'http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"><MM7Version>6.8.0</MM7Version>'
        b"<SenderIdentification/><MessageID>%s</MessageID></CancelReq></s:Body></s:Envelope>" % message_id
    )


_PARAMETERS = ("parameter", "file name", "charset")


# What the parser of multipart takes for one blank: a fold and the first blank behind it, in 2.0.0 all blanks behind it.
_FOLD = re.compile(r"\r\n[ \t]+" if version("multipart") == "2.0.0" else r"\r\n[ \t]")


def _fold_with_tab(difference: Difference) -> Difference | None:
    if difference.item != "header" or difference.ours != _FOLD.sub(" ", difference.raw).strip():
        return None
    return difference._replace(ours=_unfolded(difference.raw))


def _unfolded(value: str) -> str:
    return value.replace("\r\n", "").strip()


def _fold_in_quotes(difference: Difference) -> Difference | None:
    if difference.item not in _PARAMETERS or not isinstance(difference.theirs, str):
        return None
    return difference._replace(theirs=difference.theirs.replace("\r\n", ""))


def _blanks_of_file_name(difference: Difference) -> Difference | None:
    whole = difference.parameter
    if difference.item != "file name" or whole is None or difference.theirs != whole.strip():
        return None
    return difference._replace(theirs=whole)


def _file_name_unquoted_again(difference: Difference) -> Difference | None:
    whole = difference.parameter
    if difference.item != "file name" or whole is None or unquote(whole) == whole:
        return None
    if difference.theirs != unquote(whole).strip():
        return None
    return difference._replace(theirs=whole)


_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def _quoted_pair(difference: Difference) -> Difference | None:
    if difference.item not in (*_PARAMETERS, "boundary") or not isinstance(difference.theirs, str):
        return None
    raw, theirs = difference.raw or "", difference.theirs
    # Which of the backslashes stood for themselves, only the one who has the raw header knows.
    for value in re.findall(r'"((?:[^"\\]|\\.)*)"', raw.lower() if difference.item == "charset" else raw, re.DOTALL):
        if not all(pair in '\\"' for pair in _QUOTED_PAIR.findall(value)):
            kept = value.replace("\\\\", "\\").replace('\\"', '"')
            theirs = theirs.replace(kept, _QUOTED_PAIR.sub(r"\1", value))
    return difference._replace(theirs=theirs)


def _backslash_at_end(difference: Difference) -> Difference | None:
    if difference.item not in (*_PARAMETERS, "content type") or '\\\\"' not in (difference.raw or ""):
        return None
    return difference._replace(theirs=difference.ours)


def _hyphen_in_name(difference: Difference) -> Difference | None:
    name = difference.name
    if difference.item != "parameter" or "-" not in name:
        return None
    is_piece = "*" in name and difference.ours is NOTHING
    is_whole = difference.theirs is NOTHING and f"{name}*" in (difference.raw or "").lower()
    return difference._replace(theirs=difference.ours) if is_piece or is_whole else None


def _bare_return(difference: Difference) -> Difference | None:
    if difference.item != "structure" or difference.raw is None:
        return None
    return difference._replace(theirs=difference.ours)


def _folded_encoding(difference: Difference) -> Difference | None:
    if difference.item != "data" or not (difference.raw or "").startswith("\r\n"):
        return None
    return difference._replace(theirs=difference.ours)


def _message_inside(difference: Difference) -> Difference | None:
    is_message = difference.item == "parts" and difference.name.startswith("message/")
    return difference._replace(theirs=difference.ours) if is_message else None


def _octets_before_label(difference: Difference) -> Difference | None:
    return _labelled(difference, "utf-8") if difference.charset != "utf-8" else None


# WHATWG Encoding, 4.2
_WIDER = {"shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc-kr": "cp949"}


def _wider_charset(difference: Difference) -> Difference | None:
    wider = _WIDER.get(difference.charset or "")
    return None if wider is None else _labelled(difference, wider)


def _labelled(difference: Difference, believed: str) -> Difference | None:
    """``difference`` with the text that the label says, where ours is that of another charset."""
    if difference.item != "text" or difference.charset is None:
        return None
    try:
        text = difference.raw.decode(believed).removeprefix("\ufeff")
    except ValueError:
        return None
    return difference._replace(ours=difference.raw.decode(difference.charset)) if difference.ours == text else None


def _byte_order_mark(difference: Difference) -> Difference | None:
    if difference.item != "text" or not isinstance(difference.theirs, str):
        return None
    return difference._replace(theirs=difference.theirs.removeprefix("\ufeff"))


def _strict(deviation: str) -> Callable[[Difference], Difference | None]:
    def mended(difference: Difference) -> Difference | None:
        if difference.item != "deviations":
            return None
        left = difference.ours - {deviation}
        return difference._replace(ours=left, made=_without(difference.made, deviation))

    return mended


def _without(names: Any, name: str) -> Any:
    return names if names is UNTOLD else names - {name}


def _blanks_around(difference: Difference) -> Difference | None:
    if difference.item != "value":
        return None
    return difference._replace(theirs=_trimmed(difference.theirs))


def _trimmed(value: Any) -> Any:
    if isinstance(value, Untrimmed):
        return value.strip(" \t\r\n")
    if isinstance(value, dict):
        return {key: _trimmed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_trimmed(each) for each in value]
    return tuple(map(_trimmed, value)) if type(value) is tuple else value


DISAGREEMENTS = (
    Disagreement(
        name="fold-with-tab",
        of="mm7_wsgi",
        summary="a header that goes on behind a tab has a blank there",
        reason="RFC 5322, 2.2.3 takes away the line end alone, so a tab would stay. The parser of multipart writes one "
        "blank for the fold. Between words the two are the same white space.",
        message=_part(b"Content-Description: a\r\n\tb"),
        item="header",
        ours="a b",
        theirs="a\tb",
        mended=_fold_with_tab,
    ),
    Disagreement(
        name="fold-in-quotes",
        of="email",
        summary="a parameter keeps the line end of a fold inside of its quotes",
        reason="RFC 5322, 2.2.3: a header is unfolded before it is looked into.",
        message=_part(b'Content-Type: text/plain; name="a\r\n b"'),
        item="parameter",
        ours="a b",
        theirs="a\r\n b",
        mended=_fold_in_quotes,
    ),
    Disagreement(
        name="blanks-of-file-name",
        of="email",
        summary="get_filename() takes blanks away that stand inside of the quotes",
        reason="RFC 2045, 5.1 and RFC 822, 3.3: a quoted string is what stands between the quotes.",
        message=_part(b'Content-Disposition: inline; filename=" a "'),
        item="file name",
        ours=" a ",
        theirs="a",
        mended=_blanks_of_file_name,
    ),
    Disagreement(
        name="file-name-unquoted-again",
        of="email",
        summary="get_filename() takes away what looks like quotes or angle brackets inside of the quotes",
        reason="RFC 822, 3.3: a quoted string is unquoted once.",
        message=_part(b'Content-Disposition: inline; filename="<a>"'),
        item="file name",
        ours="<a>",
        theirs="a",
        mended=_file_name_unquoted_again,
    ),
    Disagreement(
        name="quoted-pair",
        of="email",
        summary="a backslash stays before what is neither a quote nor a backslash",
        reason="RFC 822, 3.3 (quoted-pair): a backslash may stand before any character, and is none of the value.",
        message=_part(b'Content-Type: text/plain; name="\\a"'),
        item="parameter",
        ours="a",
        theirs="\\a",
        mended=_quoted_pair,
    ),
    Disagreement(
        name="backslash-at-end",
        of="email",
        summary="a quoted string that ends in a backslash, written as two, does not end for it",
        reason="RFC 822, 3.3 (quoted-pair): the first of the two quotes the second, and the quote behind them ends it.",
        message=_part(b'Content-Type: text/plain; name="a\\\\"; charset=utf-8'),
        item="parameter",
        ours="a\\",
        theirs='"a\\\\"; charset=utf-8',
        mended=_backslash_at_end,
    ),
    Disagreement(
        name="hyphen-in-name",
        of="email",
        summary="RFC 2231 is not undone for a parameter with a hyphen in its name",
        reason="RFC 2231, 7: the name is any of attribute-char, of which the hyphen is one.",
        message=_part(b"Content-Type: text/plain; x-a*=utf-8''%41"),
        item="parameter",
        ours="A",
        theirs=NOTHING,
        mended=_hyphen_in_name,
    ),
    Disagreement(
        name="bare-return",
        of="email",
        summary="a bare carriage return in binary content ends a line, so what is behind it can be a delimiter",
        reason="RFC 2046, 5.1.1: a delimiter stands behind CRLF; a carriage return alone is content (RFC 2045, 2.9).",
        message=_part(b"Content-Transfer-Encoding: binary", octets=b"\r--outer\r\n"),
        item="structure",
        ours=2,
        theirs=3,
        mended=_bare_return,
    ),
    Disagreement(
        name="folded-encoding",
        of="email",
        summary="a Content-Transfer-Encoding in the line behind its name is not known to it",
        reason="RFC 5322, 2.2.3: a header is unfolded before it is looked into.",
        message=_part(b"Content-Transfer-Encoding:\r\n base64", octets=b"eA=="),
        item="data",
        ours=b"x",
        theirs=b"eA==",
        mended=_folded_encoding,
        is_mended_later=True,
    ),
    Disagreement(
        name="message-inside",
        of="email",
        summary="a part of type message/rfc822 is taken apart as well",
        reason="Both may be: RFC 2046, 5.2.1. A host wants the file that was sent.",
        message=_part(b"Content-Type: message/rfc822", octets=b"Subject: s\r\n\r\nx"),
        item="parts",
        ours=0,
        theirs=1,
        mended=_message_inside,
    ),
    Disagreement(
        name="octets-before-label",
        of="mm7_wsgi",
        summary="text that is valid UTF-8 is read as UTF-8, whatever its label says",
        reason="By RFC 2046, 4.1.2 the label says it. Peers label what they did not convert, and other text is valid "
        "UTF-8 by chance only where it is a few characters, such as the one of this message. Where those are likelier "
        "text under their label, it is believed.",
        message=_part(b"Content-Type: text/plain; charset=gb2312", octets=b"\xc4\xa3"),
        item="text",
        ours="ģ",
        theirs="模",
        mended=_octets_before_label,
    ),
    Disagreement(
        name="wider-charset",
        of="email",
        summary="Shift_JIS and GB 2312 are read as their first edition, and not as cp932 and GB 18030",
        reason="WHATWG Encoding, 4.2: what is called by these names is written with the wider tables. A few "
        "characters, such as the wave dash, differ.",
        message=_part(b"Content-Type: text/plain; charset=shift_jis", octets=b"\x81\x60\x82\xa0"),
        item="text",
        ours="\uff5e\u3042",
        theirs="\u301c\u3042",
        mended=_wider_charset,
    ),
    Disagreement(
        name="byte-order-mark",
        of="email",
        summary="a byte order mark before UTF-8 is a character of the text",
        reason="Unicode 23.8 and RFC 3629, 6: at the beginning it is a signature, and no part of the text.",
        message=_part(b"Content-Type: text/plain; charset=utf-8", octets=b"\xef\xbb\xbfx"),
        item="text",
        ours="x",
        theirs="\ufeffx",
        mended=_byte_order_mark,
    ),
    Disagreement(
        name="header-name",
        of="mm7_wsgi",
        summary="a header whose name holds a dot is a deviation, which a strict endpoint refuses",
        reason="RFC 5322, 2.2 has all printable characters but the colon in a name. The parser of multipart has "
        "letters, digits, hyphens and underscores, as all names in use have. Where the endpoint is not strict, the "
        "header is read, and that is told.",
        message=_part(b"X.Y: 1"),
        item="deviations",
        ours=frozenset({"header-name"}),
        theirs=frozenset(),
        mended=_strict("header-name"),
    ),
    Disagreement(
        name="part-bodyless",
        of="mm7_wsgi",
        summary="a part that has headers and no empty line is a deviation, which a strict endpoint refuses",
        reason="The grammar of RFC 2046, 5.1.1 has it (the empty line belongs to the body, which is optional), and the "
        "parser of multipart would read the next part as its content. Where the endpoint is not strict, it is read as "
        "empty, and that is told.",
        message=_package(b"Content-Type: text/plain\r\n"),
        item="deviations",
        ours=frozenset({"part-bodyless"}),
        theirs=frozenset(),
        mended=_strict("part-bodyless"),
    ),
    Disagreement(
        name="blanks-around",
        of="mm7_wsgi",
        summary="white space around identifiers, addresses and references is no part of them",
        reason="Their types are xs:string, which keeps white space (XML Schema part 2, 4.3.6), yet nobody means it: "
        "the example of TS 23.140 itself indents its TransactionID.",
        message=_package(b"\r\nx", _envelope(b" 1\n")),
        item="value",
        ours="1",
        theirs=" 1\n",
        mended=_blanks_around,
    ),
)
