"""What a request shows, and what of it others may see. The environs are raw: werkzeug's builder mends odd paths."""

from __future__ import annotations

import dataclasses
import pickle
import runpy
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import credentials as module
from mm7_wsgi.credentials import (
    Credentials,
    IPAddress,
    find_credentials,
    find_tail,
    owned,
    split_uri,
    string_of,
)
from mm7_wsgi.protocol.errors import Unauthorized

SECRET = "s3cret"


ENVIRONS = runpy.run_path(str(Path(__file__).with_name("environs.py")))
environ_of, basic = ENVIRONS["environ_of"], ENVIRONS["basic"]


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
        # cheroot leaves a slash escaped, and nothing else; then what is escaped twice looks alike.
        ("/mm7/acme=p%C3%A9%2fs", "/mm7/acme=p\u00c3\u00a9%2Fs", "acme", "p\u00e9/s"),
        ("/mm7/acme=pa%252Fss", "/mm7/acme=pa%2Fss", "acme", "pa%2Fss"),
        ("/mm7/acme=pa%2Fs%252Fs", "/mm7/acme=pa%2Fs%2Fs", "acme", "pa/s%2Fs"),
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


@pytest.mark.parametrize(
    ("raw", "pieces"),
    [
        ("/mm7", ("", "/mm7", "")),
        ("/mm7?x", ("", "/mm7", "?x")),
        ("http://gw/mm7/a=b?x?y", ("http://gw", "/mm7/a=b", "?x?y")),
        ("http://acme:s3cret@gw/mm7", ("http://gw", "/mm7", "")),
        ("http://@gw/mm7", ("http://gw", "/mm7", "")),
        ("http://gw/mm7/a@b=c", ("http://gw", "/mm7/a@b=c", "")),
        ("http://gw?a@b", ("http://gw", "", "?a@b")),
        ("http:///mm7", ("http://", "/mm7", "")),
    ],
)
def test_split_uri(raw: str, pieces: tuple[str, str, str]) -> None:
    """The origin loses its user information; what is no part of it does not."""
    assert split_uri(raw) == pieces


@pytest.mark.parametrize("value", [None, 7, b"x"])
def test_string_of_what_is_none(value: Any) -> None:
    """What is missing, or no string, is read as empty."""
    assert string_of({"key": value}, "key") == string_of({}, "key") == ""
    assert string_of({"key": "x"}, "key") == "x"


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
        ("192.0.2.7:5060", "192.0.2.7"),
        ("192.0.2.7:0", "192.0.2.7"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:51234", "2001:db8::1"),
        ("[::ffff:192.0.2.7]:51234", "192.0.2.7"),
        ("[fe80::1%eth0]:51234", "fe80::1"),
        ("2001:db8::1:5123", "2001:db8::1:5123"),
        ("::ffff:192.0.2.7:5060", None),
        ("2001:db8::1:51234", None),
        ("[192.0.2.7]:5060", None),
        ("[2001:db8::1", None),
        ("[2001:db8::1]:", None),
        ("[2001:db8::1]5060", None),
        ("192.0.2.7:", None),
        ("192.0.2.7:http", None),
        ("192.0.2.7:123456", None),
        ("192.0.2.7:5060:1", None),
        ("192.0.2.7:5060, 198.51.100.1", None),
        ("unix:", None),
        ("192.0.2.7/24", None),
        ("010.0.0.1", None),
    ],
)
def test_remote_address(remote_addr: str | None, address: str | None) -> None:
    """REMOTE_ADDR is an address, unmapped and without zone and port, or none."""
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
    for port in range(3):
        find_credentials(environ_of("/mm7", REMOTE_ADDR=f"198.51.100.99:{port}"), 4)
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


# Credentials themselves


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
