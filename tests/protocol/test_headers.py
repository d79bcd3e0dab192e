"""Header values as peers write them, and the forms that two libraries around us cut short."""

from __future__ import annotations

import base64
import gc
import sys
from email import message_from_string
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mm7_wsgi.protocol import headers
from mm7_wsgi.protocol.headers import (
    bare_id,
    content_id,
    decode_words,
    is_bracketed,
    parse_content_type,
    parse_href,
    readable,
    readable_name,
    uncommented,
)

RELATED = "multipart/related"


@pytest.mark.parametrize(
    ("header", "parameters"),
    [
        ("multipart/related", {}),
        ("multipart/related;", {}),
        ("multipart/related; boundary=abc", {"boundary": "abc"}),
        ("multipart/related;boundary=abc", {"boundary": "abc"}),
        ("multipart/related ; boundary=abc ;", {"boundary": "abc"}),
        ('multipart/related; boundary="abc"', {"boundary": "abc"}),
        ("Multipart/RELATED; Boundary=AbC", {"boundary": "AbC"}),
        ("multipart/related; boundary = abc", {"boundary": "abc"}),
        ('multipart/related; boundary\t=\t"abc"', {"boundary": "abc"}),
        ("multipart/related;\tboundary=abc;\ttype=text/xml", {"boundary": "abc", "type": "text/xml"}),
        ("multipart/related;\r\n\tboundary=abc;\r\n type=text/xml", {"boundary": "abc", "type": "text/xml"}),
        ("multipart/related;;; boundary=abc;; ;x=y", {"boundary": "abc", "x": "y"}),
        # What must be quoted, and is not.
        ("multipart/related; boundary=----=_Part_1", {"boundary": "----=_Part_1"}),
        ("multipart/related; start=<soap@x>; type=text/xml", {"start": "<soap@x>", "type": "text/xml"}),
        ("multipart/related; boundary=with a blank ; x=y", {"boundary": "with a blank", "x": "y"}),
        ('multipart/related; boundary=a"b;c=d', {"boundary": 'a"b', "c": "d"}),
        ("multipart/related; boundary==a", {"boundary": "=a"}),
        # Quoted, with all that can stand in there.
        ('multipart/related; boundary="a;b=c"; x=y', {"boundary": "a;b=c", "x": "y"}),
        (r'multipart/related; boundary="a\"b\\c"', {"boundary": r"a\"b\c".replace(r"\"", '"')}),
        ('multipart/related; boundary=" a "', {"boundary": " a "}),
        ('multipart/related; boundary=""', {"boundary": ""}),
        ("multipart/related; boundary=", {"boundary": ""}),
        ("multipart/related; boundary=; x=y", {"boundary": "", "x": "y"}),
        ('multipart/related; boundary="abc" junk; x=y', {"boundary": "abc", "x": "y"}),
        ('multipart/related; boundary="abc"x=y', {"boundary": "abc"}),
        ('multipart/related; boundary="abc; x=y', {"boundary": "abc; x=y"}),
        ('a/b; name="a\\\nb"', {"name": "a\nb"}),
        ('multipart/related; boundary="abc\\', {"boundary": "abc\\"}),
        # What cannot be read as a parameter is passed over.
        ("multipart/related; junk; boundary=abc", {"boundary": "abc"}),
        ("multipart/related; junk;boundary=abc", {"boundary": "abc"}),
        ("multipart/related; =x; boundary=abc", {"boundary": "abc"}),
        ("multipart/related; two words; boundary=abc", {"boundary": "abc"}),
        # RFC 2231.
        ("a/b; name*0=one; name*1=two", {"name": "onetwo"}),
        ("a/b; name*1=two; name*0=one", {"name": "onetwo"}),
        ('a/b; name*0="one;"; name*1=" two"', {"name": "one; two"}),
        ("a/b; name*=utf-8''sm%C3%B6r", {"name": "smör"}),
        ("a/b; name*=iso-8859-1'sv'sm%F6r", {"name": "smör"}),
        ("a/b; name*0*=utf-8''sm%C3; name*1*=%B6r; name*2=%41", {"name": "smör%41"}),
        ("a/b; name*=no-such-charset''%41", {"name": "A"}),
        ("a/b; name*=%41", {"name": "A"}),
        ("a/b; name*=utf-8''it's", {"name": "it's"}),
        ("a/b; name*999=1", {"name": "1"}),
        ("a/b; name*9999=1", {"name*9999": "1"}),
        ("a/b; name*x=1", {"name*x": "1"}),
        ("a/b; name*99999=1", {"name*99999": "1"}),
    ],
)
def test_parameters_are_read_as_the_sender_meant_them(header: str, parameters: dict[str, str]) -> None:
    found = parse_content_type(header)
    assert found.parameters == parameters
    assert found.value == header.partition(";")[0].strip().lower()
    assert not found.ambiguous


@pytest.mark.parametrize(
    ("value", "bare"),
    [
        ("base64", "base64"),
        ("base64 (x)", "base64 "),
        ("(x)base64(y)", "base64"),
        ("a (b (c) d) e", "a  e"),
        (r"a (\)) b", "a  b"),
        (r"a (\\) b", "a  b"),
        (r"a\(b) c", "a\\ c"),
        ("a) b", "a) b"),
        ("a (b", "a "),
        ("(" * 8000, ""),
    ],
)
def test_comments_are_no_part_of_a_token(value: str, bare: str) -> None:
    assert uncommented(value) == bare


def test_comments_are_no_part_of_media_type_and_charset_and_may_be_part_of_a_name() -> None:
    found = parse_content_type('Text/XML (envelope); charset=us-ascii (plain text); name=photo (1).jpg; type="a (b)"')
    assert found.value == "text/xml"
    assert found.parameters == {"charset": "us-ascii", "name": "photo (1).jpg", "type": "a (b)"}
    assert parse_content_type("(x) multipart/mixed; boundary=b (c)").boundary == b"b (c)"
    assert parse_content_type("multipart/mixed (x); boundary=b").is_multipart


@pytest.mark.parametrize(
    ("header", "first", "ambiguous"),
    [
        ("a/b; boundary=x; boundary=x", "x", set()),
        ("a/b; boundary=x; boundary=y", "x", {"boundary"}),
        ('a/b; boundary=x; BOUNDARY="y"', "x", {"boundary"}),
        ('a/b; boundary="x"; boundary=x', "x", set()),
        ("a/b; boundary=x; boundary*=utf-8''y", "x", {"boundary"}),
        ("a/b; boundary=x; boundary*0=x", "x", set()),
        ("a/b; boundary*0=x; boundary*0=x", "x", set()),
        ("a/b; boundary*0=x; boundary*0=y", "x", {"boundary"}),
        ("a/b; boundary=x; type=1; type=2", "x", {"type"}),
    ],
)
def test_of_a_parameter_that_is_there_twice_the_first_counts_and_a_contradiction_is_told(
    header: str, first: str, ambiguous: set[str]
) -> None:
    found = parse_content_type(header)
    assert found.parameters["boundary"] == first
    assert found.ambiguous == ambiguous


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/related; boundary=abc", b"abc"),
        ("multipart/related; x=y", b""),
        ("multipart/related; boundary=gr\xfc\xdfe", b"gr\xfc\xdfe"),
        ("multipart/related; boundary=名前", "名前".encode()),
        ("multipart/related; boundary=\ud800", b"\xed\xa0\x80"),
    ],
)
def test_the_boundary_is_octets(header: str, boundary: bytes) -> None:
    """Those that were read as latin-1; and where it was not read so, those of UTF-8."""
    assert parse_content_type(header).boundary == boundary


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("text/plain; charset=utf-8", True),
        (f"text/plain; name={'a' * 183}", True),
        (f"text/plain; name={'a' * 184}", False),
        ("multipart/related; Boundary=a", False),
    ],
)
def test_what_a_peer_repeats_is_read_once_and_nothing_long_is_kept(header: str, kept: bool) -> None:
    assert (parse_content_type(header) is parse_content_type(header)) is kept


def test_what_nobody_repeats_is_forgotten() -> None:
    first = parse_content_type("text/plain; charset=utf-8")
    for number in range(1000):
        parse_content_type(f"text/plain; x={number}")
    assert parse_content_type("text/plain; charset=utf-8") is not first


@pytest.mark.parametrize(
    ("header", "is_multipart"),
    [
        ("multipart/related", True),
        ("MULTIPART/x-odd ; boundary=b", True),
        (" multipart/mixed", True),
        ("multipart", False),
        ("multipartx/mixed", False),
        ("text/xml; x=multipart/mixed", False),
        ("", False),
    ],
)
def test_multipart_is_told_by_the_first_half_of_the_type(header: str, is_multipart: bool) -> None:
    assert parse_content_type(header).is_multipart is is_multipart


@pytest.mark.parametrize(
    "header",
    [
        'multipart/related; boundary="NextPart_000_0028"; type="text/xml"; start="<mm7-submit>"',
        "multipart/mixed; boundary=simple",
        'text/plain; charset="utf-8"; name="a b.txt"',
        r'text/plain; name="a \"quoted\" name"',
        "TEXT/XML;\tCharset=UTF-8",
        'text/plain; name="semi;colon"; x=y',
    ],
)
def test_a_regular_header_is_read_as_the_standard_library_reads_it(header: str) -> None:
    message = message_from_string(f"Content-Type: {header}\n\n")
    listed = message.get_params(unquote=True)
    assert listed is not None
    found = parse_content_type(header)
    assert found.value == message.get_content_type()
    assert found.parameters == {name.lower(): value for name, value in listed[1:]}


TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_.+", min_size=1, max_size=12)
BLANKS = st.text(" \t", max_size=3)


@given(
    st.dictionaries(TOKENS.map(str.lower), st.text(st.characters(exclude_categories=["Cs"]), max_size=20), max_size=5),
    st.data(),
)
@settings(deadline=None, max_examples=100)
def test_whatever_is_quoted_by_the_rules_comes_back(parameters: dict[str, str], data: st.DataObject) -> None:
    header = RELATED
    for name, value in parameters.items():
        quoted = value.replace("\\", "\\\\").replace('"', '\\"')
        header += f'{data.draw(BLANKS)};{data.draw(BLANKS)}{name}{data.draw(BLANKS)}={data.draw(BLANKS)}"{quoted}"'
    found = parse_content_type(header)
    assert found.value == RELATED
    assert found.parameters == parameters


@pytest.mark.parametrize(
    "header",
    [
        "text/xml",
        "text/xml;",
        "text/xml; ",
        "text/xml;\t",
        "text/xml; charset=utf-8",
        "text/xml;charset=utf-8;",
        'Text/XML; charset="utf-8" ; x=y ; z=""',
        'text/xml; a=" b;c=\té*"; D0=e*/(f)\'=g',
        'multipart/related;\r\n\tboundary="--a";\r\n\ttype="text/xml";start="<a@b>"',
        ";charset=utf-8",
        f"text/plain; name={'a' * 383}",
    ],
)
def test_what_keeps_to_the_rules_is_read_the_quick_way(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = headers._parse_any(header)
    monkeypatch.delattr(headers, "_parse_any")
    assert headers._parse(header) == read


PIECES = [
    "a/b",
    ";",
    "; ",
    ";;",
    "\t",
    "\r\n ",
    "a",
    "B",
    "=",
    "==",
    '"',
    '""',
    '"c;d"',
    "\\",
    "*",
    "*0",
    "'",
    "é",
    ";a=",
    '; A="',
    "=b",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example('a/b;a="b"c')
@example("a/b;a=b c")
@example("a/b;a=b c=d")
@example('a/b;a="b"c=d')
@example("a/b;a=b;c=d=e")
@example('a/b;a="b;c=d";e=f')
@example("a/b;a*=b")
@example("a/b;=x=y")
@example("a/b;a b=c")
@example('a/b;"a"=b')
@example('a/b;a="b\\"')
@example('a/b;a=b"c"')
@example("a/b;a=b;A=b")
@example('a/b;a="";a=b')
@settings(deadline=None, max_examples=300)
def test_what_is_read_the_quick_way_comes_out_as_by_the_long_one(header: str) -> None:
    assert headers._parse(header) == headers._parse_any(header)


@given(st.text(st.sampled_from("a/;=\"\\*'01% \t\r\n<>é\x00\ud800"), max_size=60) | st.text(max_size=60))
@example("a/b; name*=\ud800; other*0=\ud800")
@settings(deadline=None, max_examples=200)
def test_no_header_raises(header: str) -> None:
    found = parse_content_type(header)
    assert all(isinstance(value, str) for value in found.parameters.values())
    assert found.ambiguous <= set(found.parameters)


def steps(header: str) -> int:
    """How many functions of C are called to parse ``header``: each costs no more than the length of it."""
    called = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal called
        called += event == "c_call"

    before = sys.getprofile()
    gc.disable()  # Hypothesis calls functions of its own when garbage is collected
    sys.setprofile(count)
    try:
        parse_content_type(header)
    finally:
        sys.setprofile(before)
        gc.enable()
    return called


@pytest.mark.parametrize("run", [";", "; ", "\t;", "a ", '"', "\\"])
def test_a_long_run_of_what_is_no_parameter_takes_no_more_steps_than_a_short_one(run: str) -> None:
    assert steps("a/b; " + run * 2000) <= steps("a/b; " + run * 2)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"plain", "plain"),
        ("smör".encode(), "smör"),
        ("smör".encode("latin-1"), "smör"),
        (b"\xe9\xc3\xa9", "\xe9\xc3\xa9"),
        ("名前".encode(), "名前"),
    ],
)
def test_octets_of_a_header_are_utf_8_where_they_can_be_and_else_latin_1(octets: bytes, text: str) -> None:
    assert readable(octets.decode("latin-1")) == text


def test_a_value_that_was_never_octets_stays_as_it_is() -> None:
    assert readable("名前") == "名前"


@pytest.mark.parametrize("written", ["<a@b>", "a@b", " <a@b> ", "<a@b", "a@b>", "< a@b >", "\t<a@b>\r\n"])
def test_a_content_id_has_one_normal_form(written: str) -> None:
    assert content_id(written) == "a@b"


@pytest.mark.parametrize(
    "written", ["<<a@b>>", '"<a@b>"', "&lt;a@b>", "&lt;a@b&gt;", "&lt; <a@b>&gt;", "<a@b> >", ">a@b<"]
)
def test_odd_brackets_are_none_of_a_content_id(written: str) -> None:
    assert content_id(written) == "a@b"
    assert not is_bracketed(written)


def test_what_is_inside_stays_as_it_is() -> None:
    assert content_id("/a/b") == "/a/b"
    assert content_id("a<b>c") == "a<b>c"
    assert content_id("<Xa@bX>") == "Xa@bX"
    assert content_id("") == content_id("<>") == ""


def test_the_quotes_of_a_quoted_local_part_belong_to_the_content_id() -> None:
    assert content_id('<"a b"@c>') == '"a b"@c'  # RFC 822, 6.1
    assert content_id('<"a&b"@c>') == '"a&b"@c'
    assert content_id('<a@"b">') == 'a@"b"'
    assert parse_href("cid:%22a%20b%22@c").content_ids[0] == '"a b"@c'


@pytest.mark.parametrize("header", ['<"a b"@c>', '"a', 'a"&gt;', '"&lt;a&gt;"', '&lt;"a b"@c&gt;', 'a"b"'])
def test_the_normal_form_of_a_content_id_is_its_own_normal_form(header: str) -> None:
    assert content_id(content_id(header)) == content_id(header)


def test_a_content_id_should_be_in_one_pair_of_brackets() -> None:
    assert is_bracketed("<a@b>")
    assert is_bracketed(" <a@b>\t")
    assert is_bracketed("<a>")
    assert is_bracketed("<a >")
    assert is_bracketed("< a>")
    for written in ("a@b", "<a@b", "a@b>", "<>", "< \t>", "", "<a><b>"):
        assert not is_bracketed(written), written


@pytest.mark.parametrize(
    ("written", "wanted", "same"),
    [
        ("a@b", "A@B", True),
        ("a%40b", "a@b", True),
        ("a%40b", "A%40B", True),
        ("a", "b", False),
        ("STRASSE", "straße", True),
    ],
)
def test_an_id_can_be_the_same_but_for_its_form(written: str, wanted: str, same: bool) -> None:
    assert (bare_id(written) == bare_id(wanted)) is same


@pytest.mark.parametrize(
    ("href", "text", "content_ids", "locations", "is_cid"),
    [
        ("cid:a@b", "cid:a@b", ("a@b", "a@b"), ("a@b", "a@b"), True),
        (" CID:a@b ", "CID:a@b", ("a@b", "a@b"), ("a@b", "a@b"), True),
        ("cid:<a@b>", "cid:<a@b>", ("a@b", "a@b"), ("<a@b>", "<a@b>"), True),
        ("cid:%3Ca%40b%3E", "cid:%3Ca%40b%3E", ("a@b", "%3Ca%40b%3E"), ("%3Ca%40b%3E", "<a@b>"), True),
        ("cid:100%", "cid:100%", ("100%", "100%"), ("100%", "100%"), True),
        ("cid:a%2525", "cid:a%2525", ("a%25", "a%2525"), ("a%2525", "a%25"), True),
        ("cid: a", "cid: a", ("a", "a"), ("a", "a"), True),
        ("a@b", "a@b", ("a@b", "a@b"), ("a@b", "a@b"), False),
        ("<a@b>", "<a@b>", ("a@b", "a@b"), ("<a@b>", "<a@b>"), False),
        (
            "http://x/a%20b",
            "http://x/a%20b",
            ("http://x/a b", "http://x/a%20b"),
            ("http://x/a%20b", "http://x/a b"),
            False,
        ),
        ("cid:", "cid:", ("", ""), ("", ""), True),
        ("cid a@b", "cid a@b", ("a@b", "a@b"), ("a@b", "a@b"), False),
        ("CID\t: a", "CID\t: a", ("a", "a"), ("a", "a"), True),
        ("cidre", "cidre", ("cidre", "cidre"), ("cidre", "cidre"), False),
        ("", "", ("", ""), ("", ""), False),
    ],
)
def test_an_href_gives_the_content_ids_that_it_may_mean(
    href: str, text: str, content_ids: tuple[str, str], locations: tuple[str, str], is_cid: bool
) -> None:
    assert parse_href(href) == (text, content_ids, locations, is_cid)


@pytest.mark.parametrize(("scheme", "is_cid"), [("cid:", True), ("", False)])
def test_an_href_that_no_header_has_room_for_names_nothing(scheme: str, is_cid: bool) -> None:
    longest = scheme + "%41" * 10_922 + "aa"  # 32 KB without the scheme
    assert parse_href(longest).content_ids[0] == "A" * 10_922 + "aa"
    assert parse_href(longest + "a") == (longest + "a", ("", ""), ("", ""), is_cid)


# -- names of files


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("a.gif", "a.gif"),
        ("=?", "=?"),
        ("=?UTF-8?B?5Zu+54mHLnBuZw==?=", "\u56fe\u7247.png"),
        ("=?utf-8?b?5Zu+54mHLnBuZw?=", "\u56fe\u7247.png"),
        ("=?UTF-8*en?Q?=E5=9B=BE_a=2Epng?=", "\u56fe a.png"),
        ("=?GB2312?B?zbzGrC5wbmc=?=", "\u56fe\u7247.png"),
        ("=?gbk?q?=CD=BC=C6=AC.png?=", "\u56fe\u7247.png"),
        ("=?iso-8859-1?Q?5=80.png?=", "5\u20ac.png"),
        ("=?euc-kr?B?u+fB+C5qcGc=?=", "\uc0ac\uc9c4.jpg"),
        # White space between two words is none of the name, and around one it is.
        ("=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
        ("=?utf-8?Q?a?=\t=?iso-8859-1?Q?=E9?=", "a\xe9"),
        ("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
        ("my =?utf-8?Q?a?= file =?utf-8?Q?b?=.gif", "my a file b.gif"),
        # A character that is cut in two by the end of a word.
        ("=?utf-8?B?5Zu+5w==?= =?UTF-8?B?iYc=?=.png", "\u56fe\u7247.png"),
        ("=?utf-8?Q?=E5=9B?= =?utf-8?B?vg==?=", "\u56fe"),
        ("=?utf-8?Q?=E5=9B?= x =?utf-8?B?vg==?=", "\ufffd x \ufffd"),
        # White space in a word, as peers write it.
        ("=?utf-8?Q?a b?=", "a b"),
        ("=?utf-8?B?5Zu+ 54mH?=", "\u56fe\u7247"),
        ("=?utf-8?Q??=", ""),
        ("=?utf-8?B??=", ""),
        # What cannot be decoded stays as it is.
        ("=?utf-8?B?5Zu!?=", "=?utf-8?B?5Zu!?="),
        ("=?utf-8?B?A?=", "=?utf-8?B?A?="),
        ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
        ("=?utf-8?Q?\xe9?=", "=?utf-8?Q?\xe9?="),
        ("=?latin-42?Q?=E9?=", "=?latin-42?Q?=E9?="),
        ("=?latin-42?Q?=C3=A9?=", "\xe9"),
        ("=?utf-8?Q?a", "=?utf-8?Q?a"),
        ("=?utf-8?B?5Zu!?= =?utf-8?Q?b?=", "=?utf-8?B?5Zu!?= b"),
    ],
)
def test_encoded_words_are_decoded(written: str, name: str) -> None:
    assert decode_words(written) == name


@given(st.text(st.sampled_from("=?utf-8BQbq_ =E5*\xe9\ud800"), max_size=60) | st.text(max_size=40))
@settings(deadline=None, max_examples=300)
def test_no_name_raises(name: str) -> None:
    assert isinstance(decode_words(name), str)
    assert isinstance(readable_name(name, "gb18030"), str)
    if "=?" not in name:
        assert decode_words(name) == name


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=4))
@settings(deadline=None, max_examples=200)
def test_words_that_the_standard_library_writes_come_back(texts: list[str]) -> None:
    name = "".join(texts)
    octets = name.encode()
    words = [
        f"=?utf-8?b?{base64.b64encode(octets[place : place + 5]).decode()}?=" for place in range(0, len(octets), 5)
    ]
    assert decode_words(" ".join(words)) == name.removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("octets", "charset", "name"),
    [
        (b"a.png", None, "a.png"),
        ("\u56fe\u7247.png".encode(), None, "\u56fe\u7247.png"),
        ("\u56fe\u7247.png".encode(), "gb18030", "\u56fe\u7247.png"),
        ("\u043f\u0440\u0438.png".encode(), None, "\u043f\u0440\u0438.png"),
        ("\xe9t\xe9 \xa9\xae.png".encode(), None, "\xe9t\xe9 \xa9\xae.png"),
        (b"a\xed\xa0\xbc\xed\xbe\x89.png", None, "a\U0001f389.png"),
        # The character set of the SOAP part.
        (b"\xd6\xd0\xb9\xfa.png", "gb18030", "\u4e2d\u56fd.png"),
        (b"\xbb\xe7\xc1\xf8.jpg", "cp949", "\uc0ac\uc9c4.jpg"),
        (b"\xa4\xa4\xa4\xe5.png", "big5hkscs", "\u4e2d\u6587.png"),
        (b"\xd5\x5c.png", "gb18030", "\u8aa0.png"),  # with a backslash in it
        (b"sm\xf6r.png", "cp1252", "sm\xf6r.png"),
        (b"\xef\xf0\xe8.png", "cp1251", "\u043f\u0440\u0438.png"),
        # Nothing says what it is in.
        (b"\xd6\xd0\xb9\xfa.png", None, "\u4e2d\u56fd.png"),
        (b"\xcd\xbc\xc6\xac.png", None, "\u56fe\u7247.png"),
        (b"sm\xf6r.png", None, "sm\xf6r.png"),
        (b"Gr\xf6\xdfe.png", None, "Gr\xf6\xdfe.png"),
        (b"\x80 5.png", None, "\u20ac 5.png"),
        (b"\xff\xff.png", "cp949", "\xff\xff.png"),
    ],
)
def test_a_name_is_utf_8_or_what_the_soap_part_is_in_or_the_likelier_of_two(
    octets: bytes, charset: str | None, name: str
) -> None:
    assert readable_name(octets.decode("latin-1"), charset) == name


def test_a_name_that_did_not_come_as_bytes_stays_as_it_is() -> None:
    assert readable_name("\u4e2d", None) == "\u4e2d"
