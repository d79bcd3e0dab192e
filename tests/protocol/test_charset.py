"""Character sets by the names that peers give them; no name and no octets can do harm."""

from __future__ import annotations

import codecs
import encodings.aliases
import pkgutil
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol.charset import _fill, codec, decode_text, find_uncovered, text_deviations
from mm7_wsgi.protocol.likelihood import byte_order

INSTALLED = sorted({module.name for module in pkgutil.iter_modules(encodings.__path__)} - {"aliases"})
NOT_FOR_PEERS = [
    "base64",
    "hex",
    "rot13",
    "zlib",
    "bz2",
    "uu",
    "quopri",
    "idna",
    "punycode",
    "undefined",
    "mbcs",
    "oem",
]
NOT_FOR_PEERS += ["unicode_escape", "unicode-escape", "raw_unicode_escape", "raw-unicode-escape"]


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("utf-8", "utf-8"),
        ("UTF8", "utf-8"),
        (" utf-8 ", "utf-8"),
        ("us-ascii", "cp1252"),
        ("ISO-8859-1", "cp1252"),
        ("cesu-8", "cesu-8"),
        ("utf-8\0", None),
        ("106", "utf-8"),
        ("0106", None),
        ("4", "cp1252"),
        ("113", "gb18030"),
        ("1000", "utf-16-be"),
        ("ucs-2", "utf-16-be"),
        ("ISO-10646-UCS-2", "utf-16-be"),
        ("unicodeFFFE", "utf-16-be"),
        ("unicode", "utf-16"),
        ("x-user-defined", None),
        ("ks_c_5601-1987", "cp949"),
        ("ksc5601", "cp949"),
        ("euc-kr", "cp949"),
        ("GB2312", "gb18030"),
        ("utf-16", "utf-16"),
        ("utf:8", "utf-8"),
        ("", None),
        ("no such", None),
        ("a\0b", None),
        ("é", None),
        ("\ud800", None),
        ("x" * 5000, None),
        ("../utf_8", None),
    ],
)
def test_a_name_is_known_or_none(name: str, known: str | None) -> None:
    assert codec(name) == known


#: The labels of the WHATWG Encoding Standard (4.2), by what Python calls the encoding that they stand for. Left out are
#: UTF-16 without a byte order, for which RFC 2781 counts, and the encodings that are there to refuse.
WHATWG = {
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc_jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "cp949": (
        "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949"
    ),
    "gb18030": "chinese csgb2312 csiso58gb231280 gb18030 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "cp866": "866 cp866 csibm866 ibm866",
    "iso2022_jp_ext": "csiso2022jp iso-2022-jp",
    "iso8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso8859-16": "iso-8859-16",
    "iso8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2",
    "iso8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso8859-6": (
        "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e "
        "iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987"
    ),
    "iso8859-7": (
        "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7 "
        "iso_8859-7:1987 sun_eu_greek"
    ),
    "iso8859-8": (
        "csiso88598e csiso88598i csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-8859-8-i iso-ir-138 "
        "iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 logical visual"
    ),
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "mac-roman": "csmacintosh mac macintosh x-mac-roman",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "utf-16-be": "unicodefffe utf-16be",
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "cp1250": "cp1250 windows-1250 x-cp1250",
    "cp1251": "cp1251 windows-1251 x-cp1251",
    "cp1252": (
        "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 "
        "iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252"
    ),
    "cp1253": "cp1253 windows-1253 x-cp1253",
    "cp1254": (
        "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 "
        "windows-1254 x-cp1254"
    ),
    "cp1255": "cp1255 windows-1255 x-cp1255",
    "cp1256": "cp1256 windows-1256 x-cp1256",
    "cp1257": "cp1257 windows-1257 x-cp1257",
    "cp1258": "cp1258 windows-1258 x-cp1258",
    "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
}


@pytest.mark.parametrize(
    ("charset", "label"), [(name, label) for name, labels in WHATWG.items() for label in labels.split()]
)
def test_a_label_means_what_the_encoding_standard_says(charset: str, label: str) -> None:
    assert codec(label) == codec(label.upper()) == charset


@pytest.mark.parametrize("length", [10, 8000])
def test_names_that_nobody_knows_are_not_kept(length: int) -> None:
    names = [str(number).rjust(length, "x") for number in range(2000)]  # Python's own registry keeps each for ever
    codec("x")
    tracemalloc.start()
    try:
        for name in names:
            assert codec(name) is None
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 50_000


def test_every_alias_that_python_has_is_asked_for() -> None:
    for alias, module in encodings.aliases.aliases.items():
        if alias == alias.lower():  # "csHPRoman8" is never found, since names are looked up in lower case
            for name in (alias, alias.upper(), alias.replace("_", "-"), f" {alias} "):
                assert codec(name) == codec(module)


@pytest.mark.parametrize("name", NOT_FOR_PEERS)
def test_what_is_no_character_set_of_a_peer_is_not_known(name: str) -> None:
    assert codec(name) is None
    assert decode_text(b"\\x41 QQ==", name) == "\\x41 QQ=="


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"plain", None, "plain"),
        ("smör".encode(), None, "smör"),
        ("smör".encode("latin-1"), "latin-1", "smör"),
        ("smör".encode("latin-1"), None, "sm\ufffdr"),
        ("smör".encode("latin-1"), "latin-42", "sm\ufffdr"),
        ("한".encode("euc-kr"), "KS_C_5601-1987", "한"),
        ("smör".encode("utf-16-be"), "utf-16-be", "smör"),
        # The octets are believed, not the name.
        ("smör".encode(), "latin-1", "smör"),
        ("한글".encode(), "euc-kr", "한글"),
        ("똠".encode("cp949"), "ks_c_5601-1987", "똠"),
        ("镕".encode("gbk"), "GB2312", "镕"),
        ("中文".encode(), "GB2312", "中文"),
        ("中文".encode("gb2312"), "GB2312", "中文"),
        (b"plain", "utf-16", "plain"),
        (b"plain", "GB2312", "plain"),
        # Seven bits that stand for more.
        ("日本".encode("iso-2022-jp"), "iso-2022-jp", "日本"),
        ("中文".encode("hz"), "hz-gb-2312", "中文"),
        ("a€b".encode("utf-7"), "utf-7", "a€b"),
        # The declaration of XML speaks where nothing else does.
        (
            '<?xml version="1.0" encoding="euc-kr"?>\n<a>한</a>'.encode("euc-kr"),
            None,
            '<?xml version="1.0" encoding="euc-kr"?>\n<a>한</a>',
        ),
        (
            '<?xml version="1.0" encoding="euc-kr"?>\n<a>한</a>'.encode("euc-kr"),
            "utf-8",
            '<?xml version="1.0" encoding="euc-kr"?>\n<a>한</a>',
        ),
        (
            '<?xml version="1.0" encoding="utf-16"?><a>ö</a>'.encode(),
            None,
            '<?xml version="1.0" encoding="utf-16"?><a>ö</a>',
        ),
        ("<a>ö</a>".encode("utf-16-le"), None, "<a>ö</a>"),
        ("<a>ö</a>".encode("utf-16-be"), "utf-8", "<a>ö</a>"),
        # A byte order mark wins over the name.
        (codecs.BOM_UTF8 + "smör".encode(), "latin-1", "smör"),
        (codecs.BOM_UTF16_LE + "smör".encode("utf-16-le"), "latin-1", "smör"),
        (codecs.BOM_UTF16_BE + "smör".encode("utf-16-be"), None, "smör"),
        (codecs.BOM_UTF16_BE + b"\0a\0", None, "a\ufffd"),
        # A label means the wider character set that Windows made of it.
        (b"\x93Offer\x94 \x96 only \x805", "iso-8859-1", "\u201cOffer\u201d \u2013 only \u20ac5"),
        (b"\x805", "us-ascii", "\u20ac5"),
        (b"\x805", "latin1", "\u20ac5"),
        (b"\x80\xfd", "latin5", "\u20ac\u0131"),
        (b"\x80\xa1", "TIS-620", "\u20ac\u0e01"),
        (b"\x80\xa1", "iso-8859-11", "\u20ac\u0e01"),
        (b"\x88\x62", "big5", "\xca\u0304"),
        (b"\xf9\xd6\xa4\xa4", "big5-hkscs", "\u7881\u4e2d"),
        (b"\xa3\xe1\x87\x6a", "Big5", "\u20ac\u3df4"),
        (b"\xa1\x45\xa2\x47", "big5", "\u2027\uffe1"),
        (b"\xc6\xcf", "big5", "\u5ef4"),
        # Kana of ETEN, as the standard has them, and of the tables of Unicode.
        (b"\xc6\xe7\xc6\xea\xa4\xa4", "big5", "\u3041\u3044\u4e2d"),
        ("\u3053\u3093\u306b\u3061\u306f \u4e2d".encode("big5"), "big5", "\u3053\u3093\u306b\u3061\u306f \u4e2d"),
        (b"\xc6\xa1\xa4\xa4\xc6\xa2\xa4\xa4\xc6\xa3", "big5", "\u2460\u4e2d\u2461\u4e2d\u2462"),
        (b"\xc6\xbe\xa4\xa4", "big5-hkscs", "\u2179\u4e2d"),
        (b"5 \x80 \xd6\xd0", "gb2312", "5 \u20ac \u4e2d"),
        (b"\xad\xa1\xa5\xa2", "euc-jp", "\u2460\u30a2"),
        (b"\x1b$B-!\x1b(B", "iso-2022-jp", "\u2460"),
        (b"\x1b(I1\x1b(B", "iso-2022-jp", "\uff71"),
        (b"\x87\x40", "shift_jis", "\u2460"),
        # What Windows left free is a control character, and never a character lost.
        (b"\xe9\x81\x8d\x8f\x90\x9d", "windows-1252", "\xe9\x81\x8d\x8f\x90\x9d"),
        (b"\xe0\x98", "windows-1251", "\u0430\x98"),
        (b"\x81\xff", "windows-874", "\x81\ufffd"),
        (b"\x80\xff \xd6\xd0", "gbk", "\u20ac\ufffd \u4e2d"),
        (b"\xa3\xe1\xff", "big5", "\u20ac\ufffd"),
        (b"\xad\xff\xad\xa1", "euc-jp", "\ufffd\ufffd\u2460"),
        (b"\xad", "euc-jp", "\ufffd"),
        (b"\xaf\xa1", "euc-jp", "\ufffd\ufffd"),
        # UTF-16 without a byte order mark.
        ("Hello \u60a8\u597d".encode("utf-16-be"), "utf-16", "Hello \u60a8\u597d"),
        ("Hello \u60a8\u597d".encode("utf-16-be"), "1000", "Hello \u60a8\u597d"),
        ("Hello \u60a8\u597d".encode("utf-16-le"), "utf-16", "Hello \u60a8\u597d"),
        ("Hello".encode("utf-16-le"), "iso-10646-ucs-2", "Hello"),
        ("Hello".encode("utf-16-le"), "utf-16be", "Hello"),
        ("\u60a8\u597d".encode("utf-16-be"), "utf-16", "\u60a8\u597d"),
        ("\u60a8\u597d".encode("utf-16-le"), "utf-16", "\u60a8\u597d"),
        (b"\0a\0b\0", "utf-16", "ab\ufffd"),
        (b"a\0b\0c", "utf-16", "ab\ufffd"),
        # Bytes of ASCII that are Chinese in UTF-16, and those that are not.
        ("\u4e2d\u5c71".encode("utf-16-be"), "utf-16", "\u4e2d\u5c71"),
        ("\u4f60".encode("utf-16-be"), "ucs-2", "\u4f60"),
        (b"OK", "utf-16", "OK"),
        (b"Hello!", "utf-16", "Hello!"),
        # Pairs of East Asia that are UTF-8 by chance, and UTF-8 under such a label.
        ("\u56fe\u7247".encode("gbk"), "gb2312", "\u56fe\u7247"),
        ("\u56fe\u7247".encode("gbk"), "utf-8", "\u037c\u01ac"),
        ("\xe9t\xe9".encode(), "gb2312", "\xe9t\xe9"),
        ("\u043f\u0440\u0438".encode(), "gb2312", "\u043f\u0440\u0438"),
        # Two surrogates of three bytes, and one alone.
        (b"a\xed\xa0\xbc\xed\xbe\x89", "utf-8", "a\U0001f389"),
        (b"\xc3\xa9\xed\xa0\xbc\xed\xbe\x89", "cesu-8", "\xe9\U0001f389"),
        (b"\xed\xa0\xbc\xed\xbe\x89\xed\xa0\xbc", None, "\ufffd" * 9),
        (b"", "utf-8", ""),
        (b"", "", ""),
    ],
)
def test_text_is_read_by_its_octets_then_by_its_name(octets: bytes, charset: str | None, text: str) -> None:
    assert decode_text(octets, charset) == text


@pytest.mark.parametrize("charset", INSTALLED)
def test_every_codec_of_python_decodes_any_octets_or_is_not_known(charset: str) -> None:
    for octets in (bytes(range(256)), b"\xff", b"\x80\x81", b"\x1b$B\x21", b"+AD", b"~{", b"plain\\u12"):
        assert isinstance(decode_text(octets, charset), str)


@given(st.binary(max_size=40), st.sampled_from([*INSTALLED, "", "latin-42"]) | st.text(max_size=20))
@settings(deadline=None, max_examples=200)
def test_no_octets_and_no_name_raise(octets: bytes, charset: str) -> None:
    assert isinstance(decode_text(octets, charset), str)


@pytest.mark.parametrize(
    ("label", "octets", "code"),
    [
        ("iso-8859-1", b"\xe9", None),
        ("iso-8859-1", b"\x80", "0x80"),
        ("us-ascii", b"\xe9", "0xe9"),
        ("windows-1252", b"\x80", None),
        ("windows-1252", b"\x81", "0x81"),
        ("iso-8859-9", b"\xfd", None),
        ("iso-8859-9", b"\x80", "0x80"),
        ("iso-8859-11", b"\x80", "0x80"),
        ("tis-620", b"\xa1", None),
        ("big5", b"\xa4\xa4", None),
        ("big5", b"\xa3\xe1", None),
        ("big5", b"\x88\x62", "0x8862"),
        ("big5-hkscs", b"\x88\x62", None),
        ("gb2312", "\u9555".encode("gbk"), "0xe946"),
        ("gbk", "\u9555".encode("gbk"), None),
        ("gbk", b"\x80", "0x80"),
        ("euc-kr", "\uc4d4".encode("cp949"), "0x9d6f"),
        ("windows-949", "\uc4d4".encode("cp949"), None),
        ("shift_jis", b"\x87\x40", "0x8740"),
        ("windows-31j", b"\x87\x40", None),
        ("euc-jp", b"\xad\xa1", "0xada1"),
        ("no such", b"\xff", None),
    ],
)
def test_a_label_covers_its_own_characters_and_not_those_of_the_wider_one(
    label: str, octets: bytes, code: str | None
) -> None:
    assert find_uncovered(label, b"abc" + octets) == code
    found = text_deviations(octets, label) if label != "no such" else []
    assert found == ([("charset-wider", f"says {label!r} and has {code}")] if code else [])


@pytest.mark.parametrize(
    ("octets", "label", "found"),
    [
        ("a\u4e2d\u6587".encode("utf-16-be"), "utf-16", []),
        ("a\u4e2d\u6587".encode("utf-16-le"), "utf-16", ["byte-order"]),
        ("a\u4e2d\u6587".encode("utf-16-le"), "utf-16le", []),
        ("a\u4e2d\u6587".encode("utf-16-be"), "utf-16le", ["byte-order"]),
        ("a\u4e2d\u6587".encode("utf-16"), "utf-16", []),
        (b"\xed\xa0\xbc\xed\xbe\x89", "utf-8", ["surrogate-pair"]),
        (b"\xed\xa0\xbc\xed\xbe\x89", None, ["surrogate-pair"]),
        (b"\xed\xa0\xbc\xed\xbe\x89", "cesu-8", []),
        ("\xe9".encode(), "iso-8859-1", []),
        (b"\xff", "utf-8", []),
        (b"plain", "utf-16", []),
    ],
)
def test_the_deviations_of_a_text(octets: bytes, label: str | None, found: list[str]) -> None:
    assert [name for name, _ in text_deviations(octets, label)] == found


#: Texts of every script that is sent, of three characters and more.
TEXTS = [
    "Hello",
    "OK!",
    "12:30",
    "Gr\xfc\xdfe",
    "\u041f\u0440\u0438\u0432\u0435\u0442",
    "\u0393\u03b5\u03b9\u03ac",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u0645\u0631\u062d\u0628\u0627",
    "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u4f60\u597d\uff0c\u4e16\u754c",
    "\u6211\u7231\u4f60",
    "\u660e\u5929\u89c1\u3002",
    "\u7e41\u9ad4\u4e2d\u6587",
    "\u3053\u3093\u306b\u3061\u306f",
    "\u65e5\u672c\u8a9e",
    "\uc548\ub155\ud558\uc138\uc694",
    "Party \U0001f389",
    "\U0001f389\U0001f602\U0001f44d",
    "\u4f18\u60e0\u4ef7 \u20ac5",
]


@pytest.mark.parametrize("order", ["utf-16-be", "utf-16-le"])
@pytest.mark.parametrize("default", ["utf-16-be", "utf-16-le"])
@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=40), st.sampled_from(["", " ", "\r\n", "\u3000"]))
@settings(deadline=None, max_examples=100)
def test_the_byte_order_is_that_in_which_there_is_text(
    default: str, order: str, texts: list[str], between: str
) -> None:
    assert byte_order(between.join(texts).encode(order), default) == order


@pytest.mark.parametrize("text", ["\u4f60", "\u6700", "\u4e00", "\u6700\u5f00"])
@pytest.mark.parametrize("default", ["utf-16-be", "utf-16-le"])
def test_a_chinese_character_or_two_that_could_be_either_are_in_the_default_order(default: str, text: str) -> None:
    assert byte_order(text.encode(default), default) == default


def test_the_order_of_what_one_of_them_cannot_be_is_the_other_however_late_that_shows() -> None:
    text = "\u4e00" * 500  # in the other order it is "NNN"
    assert byte_order((text + "\u00d8").encode("utf-16-le"), "utf-16-be") == "utf-16-le"
    assert byte_order(("\u4e00" + "\u00d8").encode("utf-16-be"), "utf-16-be") == "utf-16-be"


def test_a_codec_that_lacks_nothing_is_not_filled_in() -> None:
    error = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no character")
    with pytest.raises(UnicodeDecodeError) as caught:
        _fill(error)
    assert caught.value is error
