"""Character sets by the names that peers give them; no name and no octets can do harm."""

from __future__ import annotations

import codecs
import encodings.aliases
import pkgutil
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol.charset import codec, decode_text

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
        ("us-ascii", "ascii"),
        ("ISO-8859-1", "iso8859-1"),
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
