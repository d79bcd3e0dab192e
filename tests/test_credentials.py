"""What a request shows, and what of it others may see. The environs are raw: werkzeug's builder mends odd paths."""

from __future__ import annotations

import base64
import copy
import dataclasses
import pickle
import re
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest

from mm7_wsgi import credentials as module
from mm7_wsgi.credentials import Credentials, IPAddress, find_credentials, find_tail, owned, redacted, secrets_in
from mm7_wsgi.protocol.errors import Unauthorized

SECRET = "s3cret"


def environ_of(path_info: str, script_name: str = "", **more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": script_name,
        "PATH_INFO": path_info,
        "REMOTE_ADDR": "192.0.2.7",
    } | more


def basic(userpass: str | bytes, scheme: str = "Basic ") -> str:
    octets = userpass.encode() if isinstance(userpass, str) else userpass
    return scheme + base64.b64encode(octets).decode()


def shown(environ: dict[str, Any], index: int | None = 4) -> list[tuple[str, str | None, str | None]]:
    return [(found.source, found.name, found.secret) for found in find_credentials(environ, index)]


# Where the path is


@pytest.mark.parametrize(
    ("script_name", "path_info", "index"),
    [
        ("", "/mm7", 4),
        ("", "/mm7/", 4),
        ("", "/mm7/acme=s3cret", 4),
        ("/mm7", "", 4),
        ("/mm7", "/acme=s3cret", 4),
        ("/mm7/acme=s3cret", "", 4),
        ("/api", "/mm7/acme=s3cret", 8),
        ("/api/mm7", "/", 8),
        ("", "//mm7/acme=s3cret", 5),
        ("", "/mm7x/mm7/acme=s3cret", 9),
        ("/mm7x", "", None),
        ("", "/xmm7/acme=s3cret", None),
        ("", "/mm7x", None),
        ("", "/MM7", None),
        ("", "/acme=/mm7/s3cret", 10),
        ("", "/mm7/acme=/mm7/s3cret", 4),
        ("", "/mm7x/mm7/acme=/mm7/s3cret", 9),
        ("", "", None),
    ],
)
def test_find_tail(script_name: str, path_info: str, index: int | None) -> None:
    """The path is found at the first segment border, wherever the host cut SCRIPT_NAME and PATH_INFO."""
    assert find_tail(environ_of(path_info, script_name), "/mm7") == index


def test_find_tail_without_paths() -> None:
    """PEP 3333 lets a server leave out what is empty."""
    assert find_tail({}, "/mm7") is None


def test_find_tail_of_several_segments() -> None:
    """A path of several segments is found like one."""
    assert find_tail(environ_of("/x/mm7/a=b", "/api/mm7"), "/x/mm7") == len("/api/mm7/x/mm7")


@pytest.mark.parametrize(
    ("path_info", "ours"),
    [
        ("/mm7", True),
        ("/mm7/", True),
        ("/mm7/acme=s3cret", True),
        ("/mm7/acme=s3/cret", True),
        ("/mm7/=", True),
        ("/mm7/other", False),
        ("/mm7/a/b=c", False),
        ("/mm7//a=b", False),
        ("/mm7//", False),
        ("/mm7x", False),
        ("/mm7=a", False),
        ("/mm7x/a=b", False),
        ("/xmm7/a=b", False),
        ("//mm7", False),
        ("/MM7", False),
        ("http://host/mm7/a=b", False),
        ("/", False),
        ("", False),
    ],
)
def test_owned(path_info: str, ours: bool) -> None:
    """The middleware owns the path, the path with a slash, and the path with credentials, and nothing else."""
    assert owned(path_info, "/mm7") is ours


# The URI


@pytest.mark.parametrize(
    ("tail", "name", "secret"),
    [
        ("acme=s3cret", "acme", "s3cret"),
        ("acme=", "acme", ""),
        ("=s3cret", "", "s3cret"),
        ("acme=a=b==", "acme", "a=b=="),
        ("acme=s3/cr/et", "acme", "s3/cr/et"),
        ("acme=s3cret/", "acme", "s3cret/"),
        ("acme=/mm7/x=y", "acme", "/mm7/x=y"),
        ("acme=a+b;c?d%41", "acme", "a+b;c?d%41"),
        ("ac me=pass word", "ac me", "pass word"),
        ("m\u00c3\u00bcller=p\u00c3\u00a4ss", "m\u00fcller", "p\u00e4ss"),
        ("m\u00fcller=p\u00e4ss", "m\u00fcller", "p\u00e4ss"),
        ("m\u00fcller=p\u00c3\u00a4ss", "m\u00fcller", "p\u00e4ss"),
        ("m\u00fcller=\u20ac", "m\u00fcller", "\u20ac"),
    ],
)
def test_uri_from_decoded_path(tail: str, name: str, secret: str) -> None:
    """The first "=" divides; octets are UTF-8, else latin-1; a server that already made text of them is believed."""
    assert shown(environ_of(f"/mm7/{tail}")) == [("uri", name, secret)]


@pytest.mark.parametrize(
    ("raw", "path_info", "name", "secret"),
    [
        ("/mm7/ac%2Fme=pa%2Fss", "/mm7/ac/me=pa/ss", "ac/me", "pa/ss"),
        ("/mm7/ac%3Dme=a%3Db", "/mm7/ac=me=a=b", "ac=me", "a=b"),
        ("/mm7/acme=100%25", "/mm7/acme=100%", "acme", "100%"),
        ("/mm7/acme=%2541", "/mm7/acme=%41", "acme", "%41"),
        ("/mm7/acme=a+b%20c", "/mm7/acme=a+b c", "acme", "a+b c"),
        ("/mm7/acme=p%C3%A9?x=%2F", "/mm7/acme=p\u00c3\u00a9", "acme", "p\u00e9"),
        ("/mm7/acme=p%E9", "/mm7/acme=p\u00e9", "acme", "p\u00e9"),
        ("/mm7/m%FC=p%E9", "/mm7/m\u00fc=p\u00e9", "m\u00fc", "p\u00e9"),
        ("/mm7/a%2Fb=c=d", "/mm7/a/b=c=d", "a/b", "c=d"),
        ("/mm7/%61c%2Fme=p%C3%A9", "/mm7/ac/me=p\u00c3\u00a9", "ac/me", "p\u00e9"),
        ("http://gw.example:8080/mm7/a%2Fb=c", "/mm7/a/b=c", "a/b", "c"),
        ("HTTPS://user:pw@gw.example/mm7/a%3Db=c", "/mm7/a=b=c", "a=b", "c"),
        ("Zz059+.a-A://gw.example/mm7/a%3Db=c", "/mm7/a=b=c", "a=b", "c"),
        ("x://gw.example/mm7/a%3Db=c", "/mm7/a=b=c", "a=b", "c"),
    ],
)
@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI"])
def test_uri_from_raw_path(key: str, raw: str, path_info: str, name: str, secret: str) -> None:
    """The raw URI tells escaped separators from real ones, under both names, also in absolute form."""
    assert shown(environ_of(path_info, **{key: raw})) == [("uri", name, secret)]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("/mm7/ot%2Fher=x", "another path"),
        ("/m%6D7/a%3Db=c", "another spelling of the prefix"),
        ("/mm7%2Fa%3Db=c", "another spelling of the slash behind it"),
        ("/api/mm7/a%3Db=c", "another prefix"),
        ("/mm7/a%3Db%3Dc", "the dividing sign itself is escaped"),
        ("0x://gw.example/mm7/a%3Db=c", "no scheme"),
        ("/mm7/a=b=c", "nothing escaped"),
        ("", "nothing there"),
        (None, "no string"),
    ],
)
def test_uri_raw_path_that_does_not_serve(raw: str | None, why: str) -> None:
    """A raw URI that means something else, or does not divide, gives way to the decoded path."""
    assert shown(environ_of("/mm7/a=b=c", RAW_URI=raw)) == [("uri", "a", "b=c")], why


def test_uri_second_raw_path_serves() -> None:
    """Where RAW_URI does not fit, REQUEST_URI may."""
    environ = environ_of("/mm7/a=b=c", RAW_URI="/x%20", REQUEST_URI="/mm7/a%3Db=c")
    assert shown(environ) == [("uri", "a=b", "c")]


@pytest.mark.parametrize(
    ("script_name", "path_info"), [("/api/mm7", "/a/b=c"), ("/api", "/mm7/a/b=c"), ("/api/mm7/a", "/b=c")]
)
def test_uri_under_a_mount(script_name: str, path_info: str) -> None:
    """The raw URI is compared with the whole path, so mounts do not matter."""
    environ = environ_of(path_info, script_name, REQUEST_URI="/api/mm7/a%2Fb=c")
    assert shown(environ, find_tail(environ, "/mm7")) == [("uri", "a/b", "c")]


@pytest.mark.parametrize("tail", ["other", "a/b=c", "/a=b", "/", "ac%3Dme"])
def test_uri_tail_without_pair(tail: str) -> None:
    """A tail whose first segment has no "=" is malformed credentials, not absent ones."""
    with pytest.raises(Unauthorized):
        find_credentials(environ_of(f"/mm7/{tail}", HTTP_AUTHORIZATION=basic("acme:s3cret")), 4)


@pytest.mark.parametrize("bad", ["\0", "\r", "\n"])
@pytest.mark.parametrize("template", ["ac{}me=s3cret", "acme=s3{}cret"])
def test_uri_refuses_control_characters(template: str, bad: str) -> None:
    """NUL, CR and LF are refused in the account and in the password."""
    with pytest.raises(Unauthorized):
        find_credentials(environ_of("/mm7/" + template.format(bad)), 4)


@pytest.mark.parametrize("path_info", ["/mm7", "/mm7/"])
def test_address_alone(path_info: str) -> None:
    """Without a tail and a header there is the address alone."""
    environ = environ_of(path_info)
    (found,) = find_credentials(environ, 4)
    assert found == Credentials("address", None, None, ip_address("192.0.2.7"), environ)
    assert found.environ is environ


def test_no_index_no_uri() -> None:
    """Where the path does not stand, the URI shows nothing."""
    assert shown(environ_of("/elsewhere/acme=s3cret"), None) == [("address", None, None)]


# Authorization


@pytest.mark.parametrize(
    ("value", "name", "secret"),
    [
        (basic("acme:s3cret"), "acme", "s3cret"),
        (basic("acme:s3cret", "basic "), "acme", "s3cret"),
        (basic("acme:s3cret", "BASIC    "), "acme", "s3cret"),
        (basic("acme:s3cret", "Basic\t"), "acme", "s3cret"),
        (basic("acme:s3cret", "  bAsIc \t ") + " \t", "acme", "s3cret"),
        (basic("acme:s3cret", "\tBasic "), "acme", "s3cret"),
        (basic("acme:s3cre").rstrip("="), "acme", "s3cre"),
        (basic("acme:s3cr").rstrip("="), "acme", "s3cr"),
        (basic("acme:s3cr").rstrip("=") + "=", "acme", "s3cr"),
        (basic("acme:a:b:"), "acme", "a:b:"),
        (basic("acme:W"), "acme", "W"),
        (basic("acmes:>>>"), "acmes", ">>>"),
        (basic("acme:"), "acme", ""),
        (basic(":s3cret"), "", "s3cret"),
        (basic("m\u00fcller:p\u00e4\u20ac"), "m\u00fcller", "p\u00e4\u20ac"),
        (basic("m\u00fcller:p\u00e4".encode("latin-1")), "m\u00fcller", "p\u00e4"),
        (basic(b"acme:\xff\xfe>?"), "acme", "\u00ff\u00fe>?"),
    ],
)
def test_basic(value: str, name: str, secret: str) -> None:
    """Basic is read in any case, with any blanks, without its padding, as UTF-8 or latin-1, up to the first colon."""
    assert shown(environ_of("/mm7", HTTP_AUTHORIZATION=value)) == [("basic", name, secret)]


@pytest.mark.parametrize(
    "value",
    [
        "Basic",
        "Basic ",
        "Basic ====",
        "Basic !!!!",
        "Basic YWNtZTpzM2NyZXQ===",
        "Basic YWNtZ TpzM2NyZXQ=",
        "Basic YWNtZTpzM2NyZXQ=, Basic YWNtZTpzM2NyZXQ=",
        "Basic YWNtZTpzM2NyZXQA=A",
        "Basic YWNtZ",
        "Basic YW-_ZTpz",
        "Basic YWNtZTpzM2NyZXQ=\n",
        "Basic YWNtZTpzM2NyZXQ=\u00a0",
        "Basic p\u00e4ss",
        basic("no colon"),
        basic("ac\0me:s3cret"),
        basic("acme:s3\rcret"),
        basic("acme:s3cret\n"),
    ],
)
def test_basic_malformed(value: str) -> None:
    """Malformed Basic is refused, never taken for no credentials."""
    with pytest.raises(Unauthorized) as refusal:
        find_credentials(environ_of("/mm7", HTTP_AUTHORIZATION=value), 4)
    assert refusal.value.__context__ is None


@pytest.mark.parametrize("value", ["", " ", "Bearer abc", "Digest username=acme", "Basicx YTpi", "NotBasic YTpi", None])
def test_other_schemes_are_not_ours(value: str | None) -> None:
    """Another scheme is as good as no header; a resolver of the host's finds it in the environ."""
    environ = environ_of("/mm7", HTTP_AUTHORIZATION=value)
    (found,) = find_credentials(environ, 4)
    assert (found.source, found.environ["HTTP_AUTHORIZATION"]) == ("address", value)


def test_both_places() -> None:
    """Both places are shown, the URI first, also where they disagree, and each with all that a resolver may want."""
    environ = environ_of("/mm7/acme=s3cret", HTTP_AUTHORIZATION=basic("other:0ther"))
    assert shown(environ) == [("uri", "acme", "s3cret"), ("basic", "other", "0ther")]
    for found in find_credentials(environ, 4):
        assert found.address == ip_address("192.0.2.7")
        assert found.environ is environ


# The address


@pytest.mark.parametrize(
    ("remote_addr", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.7%1", "192.0.2.7"),
        ("", None),
        (None, None),
        ("localhost", None),
        ("unknown", None),
        ("192.0.2.7:5060", None),
        ("[2001:db8::1]", None),
        ("192.0.2.7/24", None),
        ("010.0.0.1", None),
    ],
)
def test_remote_address(remote_addr: str | None, address: str | None) -> None:
    """REMOTE_ADDR is an address, unmapped and without zone, or none."""
    (found,) = find_credentials(environ_of("/mm7", REMOTE_ADDR=remote_addr), 4)
    assert found.address == (None if address is None else ip_address(address))


def test_remote_address_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing an address costs more than all the rest, so that of a peer is parsed once."""
    parsed: list[str] = []

    def parse(text: str) -> IPAddress:
        parsed.append(text)
        return ip_address(text)

    module._parse_address.cache_clear()
    monkeypatch.setattr(module, "ip_address", parse)
    for _ in range(3):
        find_credentials(environ_of("/mm7", REMOTE_ADDR="198.51.100.99"), 4)
    assert parsed == ["198.51.100.99"]


def test_remote_addresses_are_forgotten() -> None:
    """Whoever sends from many addresses, or claims to, fills no memory with them."""
    for number in range(1000):
        find_credentials(environ_of("/mm7", REMOTE_ADDR=f"2001:db8::{number:x}"), 4)
    assert module._parse_address.cache_info().currsize < 1000


def test_remote_address_missing() -> None:
    """A server without REMOTE_ADDR shows no address."""
    environ = environ_of("/mm7")
    del environ["REMOTE_ADDR"]
    assert find_credentials(environ, 4)[0].address is None


# What others may see


def test_credentials_hide_the_secret() -> None:
    """Neither repr, str, format nor pickle gives secret or environ away, and equality leaves the environ out."""
    environ = environ_of(f"/mm7/acme={SECRET}")
    (found,) = find_credentials(environ, 4)
    assert f"{found!r} {found!s} {found}".count(SECRET) == 0
    assert "acme" in repr(found)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(found, protocol)
    assert found == dataclasses.replace(found, environ={})
    assert hash(found) == hash(dataclasses.replace(found, environ={}))
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.secret = "other"  # type: ignore[misc]


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
        (environ_of("/elsewhere/acme=s3cret"), None),
    ],
)
def test_secrets_in_nothing(environ: dict[str, Any], index: int | None) -> None:
    """Where nothing is shown there is nothing to take out, and nothing to fail on."""
    assert secrets_in(environ, index) == ()


def test_secrets_in_what_was_refused() -> None:
    """Credentials that were refused as malformed are secrets all the same, and half characters do no harm."""
    found = secrets_in(environ_of("/mm7/not-a-pair", HTTP_AUTHORIZATION="Basic \udce9!"), 4)
    assert {"not-a-pair", "Basic \udce9!", "\udce9!"} <= set(found)
