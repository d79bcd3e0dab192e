"""What others may see of a request, and what its secrets look like. The environs are raw, as servers make them."""

from __future__ import annotations

import base64
import copy
import re
import runpy
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest

from mm7_wsgi.credentials import find_tail
from mm7_wsgi.redaction import redacted, secrets_in

SECRET = "s3cret"


ENVIRONS = runpy.run_path(str(Path(__file__).with_name("environs.py")))
environ_of, basic = ENVIRONS["environ_of"], ENVIRONS["basic"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            environ_of("/mm7/acme=s3cret", RAW_URI="/mm7/acme=s3%63ret?a=b", REQUEST_URI="/mm7/acme=s3cret"),
            {"SCRIPT_NAME": "", "PATH_INFO": "/mm7", "RAW_URI": "/mm7?a=b", "REQUEST_URI": "/mm7"},
        ),
        (
            environ_of("/acme=s3cret", "/api/mm7", RAW_URI="http://u:s3cret@gw.example:81/api/mm7/acme=s3cret?"),
            {"SCRIPT_NAME": "/api/mm7", "PATH_INFO": "", "RAW_URI": "http://gw.example:81/api/mm7?"},
        ),
        (
            environ_of("", "/mm7/acme=s3cret", RAW_URI="/rewritten/acme=s3cret"),
            {"SCRIPT_NAME": "/mm7", "PATH_INFO": "", "RAW_URI": "/mm7"},
        ),
        (
            environ_of("cret", "/mm7/acme=s3", PATH_TRANSLATED="/var/www/mm7/acme=s3cret"),
            {"SCRIPT_NAME": "/mm7", "PATH_INFO": ""},
        ),
        (
            environ_of("/mm7/acme=s3cret", "/\u00c3\u00bc", RAW_URI="/%C3%BC/mm7/acme=s3cret"),
            {"SCRIPT_NAME": "/\u00c3\u00bc", "PATH_INFO": "/mm7", "RAW_URI": "/%C3%BC/mm7"},
        ),
        (
            environ_of(
                "/mm7/acme=s3cret", "/\u20ac:@!$&'()*+,;= ", RAW_URI="/%E2%82%AC:@!$&'()*+,;=%20/mm7/acme=s3cret"
            ),
            {
                "SCRIPT_NAME": "/\u20ac:@!$&'()*+,;= ",
                "PATH_INFO": "/mm7",
                "RAW_URI": "/%3F:@!$&'()*+,;=%20/mm7",
            },
        ),
        (environ_of("/mm7", RAW_URI="/mm7?x=y"), {"SCRIPT_NAME": "", "PATH_INFO": "/mm7", "RAW_URI": "/mm7?x=y"}),
        ({"PATH_INFO": "/mm7/acme=s3cret"}, {"PATH_INFO": "/mm7"}),
        ({"SCRIPT_NAME": "/mm7/acme=s3cret"}, {"SCRIPT_NAME": "/mm7"}),
    ],
)
def test_redacted_paths(environ: dict[str, Any], expected: dict[str, str]) -> None:
    """The paths end where the tail began; query, host and mount stay; the environ itself is not touched."""
    before = copy.copy(environ)
    clean = redacted(environ, find_tail(environ, "/mm7"))
    assert {key: clean[key] for key in clean if key not in ("REQUEST_METHOD", "REMOTE_ADDR")} == expected
    assert SECRET not in repr(clean)
    assert environ == before


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("http://gw.example/mm7/acme=s3@cret", "http://gw.example/mm7"),
        ("http://user:s3cret@gw.example/mm7/acme=s3@cret", "http://gw.example/mm7"),
        ("http://@gw.example/mm7/acme=s3@cret", "http://gw.example/mm7"),
        ("http://gw.example?x@y", "http://gw.example/mm7?x@y"),
        ("x:///mm7/acme=s3@cret", "x:///mm7"),
    ],
)
def test_redacted_absolute_uri(raw: str, clean: str) -> None:
    """Only what stands before the host is user information, and the host ends where the path or the query begins."""
    assert redacted(environ_of("/mm7/acme=s3@cret", RAW_URI=raw), 4)["RAW_URI"] == clean


@pytest.mark.parametrize(
    "key", ["HTTP_AUTHORIZATION", "REDIRECT_HTTP_AUTHORIZATION", "HTTP_PROXY_AUTHORIZATION", "X-HTTP_AUTHORIZATION"]
)
@pytest.mark.parametrize("index", [4, None])
def test_redacted_authorization(key: str, index: int | None) -> None:
    """Every kind of Authorization is absent, also where the path was not found."""
    assert redacted(environ_of("/mm7", **{key: basic("acme:s3cret")}), index) == environ_of("/mm7")


@pytest.mark.parametrize(
    ("key", "value", "stays"),
    [
        ("REDIRECT_URL", "/mm7/acme=s3/cret", False),
        ("SCRIPT_URI", "https://gw.example/mm7/acme=s3/cret", False),
        ("HTTP_X_ORIGINAL_URI", "/mm7/acme=s3%2Fcret?x", False),
        ("HTTP_X_ORIGINAL_URL", "/mm7/acme=%73%33%2f%63ret", False),
        ("HTTP_X_REWRITE_URL", "/mm7/acme=s3%25252Fcret", False),
        ("HTTP_X_FORWARDED_URI", "/mm7/acme=s3//cret", False),  # another secret, by which the account is not let in
        ("HTTP_REFERER", "https://acme:s3/cret@gw.example/", False),
        ("HTTP_X_PASSWORD", "s3/cret", False),
        ("HTTP_X_TOKEN", basic("acme:s3/cret"), False),
        ("QUERY_STRING", "account=acme&password=s3%2Fcret", False),
        ("asgi.scope", {"raw_path": b"/mm7/acme=s3%2Fcret", "headers": [(b"host", b"gw.example")]}, False),
        ("gateway.event", {"path": {"tail": ["x", ("s3/cret",)]}}, False),
        ("gateway.deep", [[[[["s3/cret"]]]]], True),
        ("gateway.bytes", bytearray(b"s3/cret"), False),
        ("PATH_TRANSLATED", "C:\\mm7\\acme=s3\\cret", False),
        ("bottle.request", object(), False),
        ("bottle.request.urlparts", ("http", "gw.example", "/mm7/acme=s3/cret"), False),
        ("werkzeug.request", object(), False),
        ("wsgiorg.routing_args", ((), {"tail": "acme=s3/cret"}), False),
        ("webob.adhoc_attrs", {"subpath": ("acme=s3", "cret")}, False),
        ("QUERY_STRING", "x=%2F", True),
        ("HTTP_USER_AGENT", "acme/1.0", True),
        ("wsgi.version", (1, 0), True),
        ("wsgi.url_scheme", "s3/cret", True),
        ("CONTENT_TYPE", "s3/cret", True),
    ],
)
def test_redacted_other_keys(key: str, value: Any, stays: bool) -> None:
    """What repeats the path or the password under another key goes too; all else stays as it is."""
    environ = environ_of("/mm7/acme=s3/cret", **{key: value})
    assert redacted(environ, 4) == environ_of("/mm7") | ({key: value} if stays else {})


@pytest.mark.parametrize(
    "copied",
    [
        basic("acme:p\u00e9 \u20ac/"),
        basic("acme:p\u00e9 \u20ac/", "").rstrip("="),
        "p\u00c3\u00a9 \u00e2\u0082\u00ac/",
        "p%C3%A9+%e2%82%ac/",
        "acme:p\u00e9 \u20ac/",
    ],
)
@pytest.mark.parametrize("index", [4, None])
def test_redacted_copies_of_basic(copied: str, index: int | None) -> None:
    """What repeats the header, its token or what is in it, goes too, also where the path was not found."""
    environ = environ_of(
        "/mm7", HTTP_AUTHORIZATION=basic("acme:p\u00e9 \u20ac/"), HTTP_X_COPY=f"x {copied}", HTTP_X="x"
    )
    assert redacted(environ, index) == environ_of("/mm7", HTTP_X="x")


def test_redacted_query_of_a_raw_uri() -> None:
    """A query that repeats the password goes from the raw URI too."""
    environ = environ_of(
        "/mm7/acme=s3cret", RAW_URI="/mm7/acme=s3cret?again=s3%63ret", REQUEST_URI="/mm7/acme=s3cret?x=y"
    )
    assert redacted(environ, 4) == environ_of("/mm7", RAW_URI="/mm7", REQUEST_URI="/mm7?x=y")


def test_redacted_short_secrets() -> None:
    """A secret of less than four characters is looked for behind its account only, since it is in everything."""
    environ = environ_of("/mm7/acme=x", HTTP_X="x", HTTP_X_ORIGINAL_URI="/mm7/acme=x", QUERY_STRING="x=x")
    assert redacted(environ, 4) == environ_of("/mm7", HTTP_X="x", QUERY_STRING="x=x")


@pytest.mark.parametrize(
    ("name", "copied"),
    [("m\u00c3\u00bcller", "/m%C3%BCller=other"), ("m\u00fcller", "/m%FCller="), ("\udce9", "/\udce9=")],
)
def test_redacted_copies_with_another_secret(name: str, copied: str) -> None:
    """Behind the account in a URI there is a secret, whichever."""
    assert redacted(environ_of(f"/mm7/{name}=s3cret", HTTP_X=copied), 4) == environ_of("/mm7")


@pytest.mark.parametrize("index", [26, None])
def test_redacted_user_information(index: int | None) -> None:
    """A URI in absolute form loses its user information, as the path too, where a server passes it on whole."""
    environ = environ_of(
        "http://acme:s3cret@gw/mm7", RAW_URI="http://acme:s3cret@gw/mm7?x", HTTP_REFERER="//acme:s3cret@gw"
    )
    assert redacted(environ, index) == environ_of("http://gw/mm7", RAW_URI="http://gw/mm7?x")


def test_redacted_other_keys_with_escaped_octets() -> None:
    """What repeats the path is recognised by its octets, as WSGI hands them over."""
    environ = environ_of("/mm7/acme=p\u00c3\u00a9", HTTP_X_ORIGINAL_URI="/mm7/acme=p%C3%A9")
    assert redacted(environ, 4) == environ_of("/mm7")


def test_secrets_in_uri() -> None:
    """A traceback may hold the password as sent, as the server decoded it, and as we did."""
    environ = environ_of("/mm7/acme=p\u00c3\u00a9/1", RAW_URI="/mm7/acme=p%C3%A9%2F1?x=y")
    found = secrets_in(environ, 4)
    assert {"p\u00e9/1", "p\u00c3\u00a9/1", "p%C3%A9%2F1", "acme=p%C3%A9%2F1", "acme=p\u00e9/1"} <= set(found)
    assert found == tuple(sorted(found, key=lambda text: (-len(text), text)))
    assert not {"", "x=y", "acme", "mm7"} & set(found)


def test_secrets_in_authorization() -> None:
    """The header, its token and what it decodes to are all secrets; of another scheme, the header and the token."""
    found = set(secrets_in(environ_of("/mm7", HTTP_AUTHORIZATION=basic("acme:p\u00e9:1", "Basic\t")), 4))
    assert {basic("acme:p\u00e9:1", "Basic\t"), basic("acme:p\u00e9:1", ""), "acme:p\u00e9:1", "p\u00e9:1"} <= found
    found = set(secrets_in(environ_of("/mm7", REDIRECT_HTTP_AUTHORIZATION="Bearer a.b"), 4))
    assert {"Bearer a.b", "a.b"} <= found
    assert "Bearer" not in found


# What the request shows, what of it is the secret, and what else could go for one; nothing in it is in what is around.
STRANGE = 'it\'s "q"\t\\/+%\u00e9\u20ac'


def written(secret: str) -> list[str]:
    octets = secret.encode()
    plain = [
        secret,
        repr(secret),
        ascii(secret),
        repr(octets),
        repr(("?", secret)),
        repr({"'\"": "\"'" + secret}),
        repr(b"\"'" + octets),
        repr(KeyError(f"{secret!r}")),
        repr([repr(octets)]),
        quote(secret),
        quote(secret, safe=""),
        quote(secret, safe="/:@!$&'()*+,;="),
        quote_plus(secret),
        urlencode({"k": secret}),
        base64.b64encode(octets).decode(),
        base64.b64encode(b"acme:" + octets).decode(),
    ]
    return plain + [re.sub("%..", lambda escape: escape[0].lower(), text) for text in plain if "%" in text]


@pytest.mark.parametrize(
    "more",
    [
        {"PATH_INFO": "/mm7/acme=" + STRANGE.encode().decode("latin-1")},
        {"HTTP_AUTHORIZATION": basic(f"acme:{STRANGE}")},
        {"RAW_URI": f"http://acme:{quote(STRANGE, safe='')}@gw.example/mm7"},
        {"PATH_INFO": f"http://acme:{STRANGE.replace('/', '')}@gw.example/mm7"},
    ],
    ids=["uri", "basic", "user", "user in the path"],
)
def test_secrets_in_other_words(more: dict[str, str]) -> None:
    """The spellings include those of repr, in another repr too, of a URL, and of a header, made by whoever failed."""
    secret = STRANGE.replace("/", "") if "gw" in more.get("PATH_INFO", "") else STRANGE
    found = secrets_in(environ_of("/mm7") | more, 4)
    assert found == tuple(sorted(found, key=lambda text: (-len(text), text)))
    for text in written(secret):
        cleaned = text
        for spelling in found:
            cleaned = cleaned.replace(spelling, "***")
        assert "***" in cleaned, text
        assert not re.search("it|s |%|e9|20ac|\u20ac", cleaned), text


def test_secrets_in_lines() -> None:
    """A group of exceptions is written with its texts indented, so a secret may be broken where a line can end."""
    assert {"first", "second"} <= set(
        secrets_in(environ_of("/mm7", HTTP_AUTHORIZATION=basic("a:first\x85second\x85x")), 4)
    )


@pytest.mark.parametrize(
    "copied", ["again=%73%33%63ret", "/old/acme=%2573%33cret", "acme:%733cret", basic(b"acme:s3cret")]
)
@pytest.mark.parametrize("key", ["QUERY_STRING", "RAW_URI", "HTTP_X"])
def test_secrets_in_copies(key: str, copied: str) -> None:
    """What else of the environ repeats a secret is one, however it is escaped, since somebody may write it all."""
    assert copied in secrets_in(environ_of("/mm7/acme=s3cret", **{key: copied}), 4)
    found = secrets_in(environ_of("/mm7/acme=s3cret", HTTP_X=("x", {"y": copied}), HTTP_Y="all else"), 4)
    assert copied in found
    assert not {"x", "y", "all else"} & set(found)


def test_secrets_in_latin_1() -> None:
    """Of a password in latin-1 the forms for a URL and in base64 are those of its octets too."""
    found = secrets_in(environ_of("/mm7/acme=p\u00e9ss"), 4)
    assert {
        "p%E9ss",
        "p%C3%A9ss",
        "p%e9ss",
        basic(b"acme:p\xe9ss", "").rstrip("="),
        basic("acme:p\u00e9ss", "").rstrip("="),
    } <= set(found)


def test_secrets_in_what_is_long() -> None:
    """A stranger who sends long secrets does not have them written in every way."""
    found = secrets_in(environ_of("/mm7/acme=" + "\u00e9'/" * 1000), 4)
    assert sum(map(len, found)) < 200_000


@pytest.mark.parametrize(
    ("path", "tail"),
    [
        ("/x/mm6/acme=s3=cret", "acme=s3=cret"),
        ("/acme=s3=cret", "acme=s3=cret"),
        ("acme=s3=cret", "acme=s3=cret"),
        ("/=/s3=cret", "=/s3=cret"),
        ("=/s3=cret", "=/s3=cret"),
    ],
)
def test_secrets_in_a_path_that_is_not_ours(path: str, tail: str) -> None:
    """A peer may have taken it for ours, and sent its password there."""
    assert {tail, tail.partition("=")[2]} <= set(secrets_in(environ_of(path), None))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CONTENT_LENGTH", "12345"),
        ("CONTENT_TYPE", "text/xml"),
        ("REMOTE_ADDR", "192.0.2.7"),
        ("REQUEST_METHOD", "POST"),
        ("SERVER_NAME", "mms.example"),
        ("SERVER_PORT", "8080"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("wsgi.url_scheme", "https"),
    ],
)
def test_redacted_keys_that_every_application_builds_on(key: str, value: str) -> None:
    """They stay, even where somebody has them for a password."""
    assert redacted(environ_of(f"/mm7/acme={value}", **{key: value}), 4)[key] == value


def test_redacted_values() -> None:
    """What is left out: a secret of four characters, in a key of a mapping too, and any other behind the account."""
    for copied in ("abcd", {"abcd": 1}, {"x": {"abcd": 1}}):
        assert "x" not in redacted(environ_of("/mm7/acme=abcd", x=copied), 4)
    assert "x" not in redacted(environ_of("/mm7/acme=s3=cret", x="/old/acme=other"), 4)
    assert "HTTP_AUTHORIZATION" not in redacted(environ_of("/mm7", HTTP_AUTHORIZATION="ab"), 4)
    assert "wsgiorg.routing_args" not in redacted(
        environ_of("/mm7/a=x", **{"wsgiorg.routing_args": ((), {"tail": "a=x"})}), 4
    )


def test_secrets_in_the_form_that_somebody_wrote() -> None:
    """Each spelling is there by itself, to the letter."""
    secret = "it's AB\u00e9\tx"
    found = secrets_in(environ_of("/mm7", HTTP_AUTHORIZATION=basic(f"acme:{secret}".encode("latin-1"))), 4)
    assert {
        r"it's AB\xe9\tx",
        "it's AB\u00e9\\tx",
        "it\\'s AB\u00e9\\tx",
        r"it's AB\xc3\xa9\tx",
        r"it\'s AB\xc3\xa9\tx",
        "it%27s%20AB%C3%A9%09x",
        "it%27s%20AB%c3%a9%09x",
        "it%27s+AB%C3%A9%09x",
    } <= set(found)


def test_secrets_in_pieces_of_what_is_shown() -> None:
    """The account goes with the secret, the secret by itself, and the lines of it; padding does not count."""
    assert "acme:s3=cret" in secrets_in(environ_of("/mm7/acme=s3=cret"), 4)
    assert "XabcX" in secrets_in(environ_of("/mm7", HTTP_AUTHORIZATION="Bearer XabcX=="), 4)
    found = secrets_in(environ_of("/mm7", RAW_URI="http://acme:s3:c%E9t@gw/mm7"), 4)
    assert {"s3:c%E9t", "s3:c\u00e9t"} <= set(found)
    found = secrets_in(environ_of("/mm7", HTTP_AUTHORIZATION=basic("a:four\x85second")), 4)
    assert {"four", "second"} <= set(found)
    assert "czNjYWJX" in secrets_in(environ_of("/mm7/acme=s3cabW"), 4)


def test_secrets_in_what_has_none() -> None:
    """What the server says of itself is not taken for a secret, nor is the path as far as it is ours."""
    found = secrets_in(environ_of("/mm7/acme=http", **{"wsgi.url_scheme": "https"}), 4)
    assert not {"https", "/mm7/acme=http"} & set(found)
    assert "/mm7/acme=s3cret" not in secrets_in(environ_of("/x", "/mm7/acme=s3cret"), 4)


@pytest.mark.parametrize("token", ["Xa.b, c=dX", "\u00a0a.b\u00a0"])
def test_secrets_in_authorization_end_at_blanks(token: str) -> None:
    """All behind the scheme is the token, blanks inside it too; only blanks and tabs around it are none of it."""
    assert token in secrets_in(environ_of("/mm7", HTTP_AUTHORIZATION=f" Bearer \t{token}\t "), 4)


@pytest.mark.parametrize(
    ("raw", "spellings"),
    [
        ("/elsewhere/acme=s3%63ret", {"s3%63ret"}),
        ("/mm=s3%63ret", {"s3%63ret"}),
        ("/elsewhere/acme=s3=%63ret", {"s3=%63ret"}),
        ("/elsewhere/acme=p%E9", {"p%E9", "p\u00e9"}),
    ],
)
def test_secrets_in_a_rewritten_uri(raw: str, spellings: set[str]) -> None:
    """In a raw URI that has another prefix the first "=" shows where the secret is."""
    assert spellings <= set(secrets_in(environ_of("/mm7/acme=hidden", REQUEST_URI=raw), 4))


def test_secrets_in_a_uri_of_our_own() -> None:
    """Behind the path everything is secret, however it is spelt, and of that what stands behind the first "="."""
    found = secrets_in(environ_of("/mm7/acme=s3=cret", REQUEST_URI="/mm7/%61cme=s3=%63ret"), 4)
    assert {"s3=cret", "%61cme=s3=%63ret", "s3=%63ret"} <= set(found)


@pytest.mark.parametrize(
    ("environ", "index"),
    [
        ({}, None),
        ({}, 4),
        (environ_of("/mm7"), 4),
        (environ_of("/mm7/"), 4),
        ({"PATH_INFO": None, "HTTP_AUTHORIZATION": None, "RAW_URI": 7}, 4),
        (environ_of("/elsewhere/acme"), None),
    ],
)
def test_secrets_in_nothing(environ: dict[str, Any], index: int | None) -> None:
    """Where nothing is shown there is nothing to take out, and nothing to fail on."""
    assert secrets_in(environ, index) == ()


def test_secrets_in_what_was_refused() -> None:
    """Credentials that were refused as malformed are secrets all the same, and half characters do no harm."""
    found = secrets_in(environ_of("/mm7/not-a-pair", HTTP_AUTHORIZATION="Basic \udce9!"), 4)
    assert {"not-a-pair", "Basic \udce9!", "\udce9!"} <= set(found)


def test_secrets_in_what_names_the_account_in_a_uri() -> None:
    """Behind the account there is a secret, also where it is another than the one that is shown."""
    referer = "http://gw.example/mm7/acme=0ld"
    assert referer in secrets_in(environ_of("/mm7/acme=s3cret", HTTP_REFERER=referer), len("/mm7"))
    assert referer not in secrets_in(environ_of("/mm7/other=s3cret", HTTP_REFERER=referer), len("/mm7"))
