"""Who may send: dialects and accounts."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import runpy
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from werkzeug.security import generate_password_hash

from mm7_wsgi.accounts import Account, Dialect, Plain

KNOWN = runpy.run_path(str(Path(__file__).with_name("known.py")))
SECRET, SCRYPT, PBKDF2 = KNOWN["SECRET"], KNOWN["SCRYPT"], KNOWN["PBKDF2"]


# Dialect


def test_dialect_default_echoes() -> None:
    """By default nothing is fixed but the HTTP status, which is SOAP's."""
    assert Dialect() == Dialect(fault_http_status=500, prefix=None, namespace=None, mm7_version=None)


def test_dialect_is_a_value() -> None:
    """A dialect is frozen and hashable, and its fields have to be named."""
    dialect = Dialect(prefix="mm7")
    assert hash(dialect) == hash(Dialect(prefix="mm7"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        dialect.prefix = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Dialect(500)  # type: ignore[misc]


@pytest.mark.parametrize(
    "values",
    [
        {"fault_http_status": 200},
        {"fault_http_status": 400},
        {"fault_http_status": 599},
        {"prefix": ""},
        {"prefix": "mm7"},
        {"prefix": "_a-b.c9"},
        {"prefix": "\u00e9"},
        {"namespace": "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"},
        {"mm7_version": "6.8.0"},
    ],
)
def test_dialect_accepts(values: dict[str, Any]) -> None:
    """What an answer can hold is accepted as it is."""
    assert {name: getattr(Dialect(**values), name) for name in values} == values


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"fault_http_status": 201}, ValueError),
        ({"fault_http_status": 399}, ValueError),
        ({"fault_http_status": 600}, ValueError),
        ({"fault_http_status": True}, TypeError),
        ({"fault_http_status": "200"}, TypeError),
        ({"prefix": "xml"}, ValueError),
        ({"prefix": "XmLns"}, ValueError),
        ({"prefix": "a:b"}, ValueError),
        ({"prefix": "1a"}, ValueError),
        ({"prefix": "a b"}, ValueError),
        ({"prefix": "a\n"}, ValueError),
        ({"prefix": "a\u00b2"}, ValueError),
        ({"prefix": 7}, TypeError),
        ({"namespace": ""}, ValueError),
        ({"namespace": " "}, ValueError),
        ({"namespace": "a\nb"}, ValueError),
        ({"namespace": "http://www.w3.org/XML/1998/namespace"}, ValueError),
        ({"namespace": " http://www.w3.org/2000/xmlns/ "}, ValueError),
        ({"namespace": b"a"}, TypeError),
        ({"mm7_version": ""}, ValueError),
        ({"mm7_version": "6.8.0\n"}, ValueError),
        ({"mm7_version": "\ud800"}, ValueError),
        ({"mm7_version": 6.8}, TypeError),
    ],
)
def test_dialect_refuses(values: dict[str, Any], error: type[Exception]) -> None:
    """What would make an answer unreadable is an error that names the field, and shows what is wrong with it."""
    ((name, value),) = values.items()
    with pytest.raises(error, match=f"Dialect.{name} ") as refusal:
        Dialect(**values)
    assert (f"not {type(value).__name__}" if error is TypeError else f"not {value!r}") in str(refusal.value)


# XML 1.0 (5th edition), productions 4 and 4a, without the colon.
NAME_START = [
    ("A", "Z"),
    ("_", "_"),
    ("a", "z"),
    ("\xc0", "\xd6"),
    ("\xd8", "\xf6"),
    ("\xf8", "\u02ff"),
    ("\u0370", "\u037d"),
    ("\u037f", "\u1fff"),
    ("\u200c", "\u200d"),
    ("\u2070", "\u218f"),
    ("\u2c00", "\u2fef"),
    ("\u3001", "\ud7ff"),
    ("\uf900", "\ufdcf"),
    ("\ufdf0", "\ufffd"),
    ("\U00010000", "\U000effff"),
]
NAME = [*NAME_START, ("-", "."), ("0", "9"), ("\xb7", "\xb7"), ("\u0300", "\u036f"), ("\u203f", "\u2040")]


def is_prefix(text: str) -> bool:
    try:
        return Dialect(prefix=text).prefix == text
    except ValueError:
        return False


@pytest.mark.parametrize(("first", "last"), NAME, ids=[f"{ord(first):x}" for first, _ in NAME])
def test_dialect_prefix_is_a_name_of_xml(first: str, last: str) -> None:
    """What may begin a prefix, and what may follow, begins and ends where XML says."""
    for code in (ord(first) - 1, ord(first), (ord(first) + ord(last)) // 2, ord(last), ord(last) + 1):
        character = chr(code)
        assert is_prefix(character) is any(begin <= character <= end for begin, end in NAME_START), ascii(character)
        assert is_prefix(f"a{character}a") is any(begin <= character <= end for begin, end in NAME), ascii(character)


@pytest.mark.parametrize(
    ("prefix", "sound"), [("XML", False), ("xMl-a", False), ("xm", True), ("xmk", True), ("axml", True), ("Xa", True)]
)
def test_dialect_prefix_is_none_that_xml_keeps_for_itself(prefix: str, sound: bool) -> None:
    """All that begin with the three letters are."""
    assert is_prefix(prefix) is sound


# Account


def test_account_is_a_value() -> None:
    """An account is frozen, comparable and hashable, with lists made tuples."""
    account = Account("acme", ["a", Plain("b")], ["192.0.2.0/24"])
    assert account == Account("acme", ("a", "b"), ("192.0.2.0/24",))
    assert hash(account) == hash(Account("acme", ("a", "b"), ("192.0.2.0/24",)))
    assert (account.secret, account.addresses, account.dialect) == (("a", "b"), ("192.0.2.0/24",), Dialect())
    assert Account("acme", "a").secret == "a"
    assert (account.limits, account.rate, account.rates) == ({}, None, ())
    assert repr(Account("acme", "a", ["192.0.2.0/24"])) == (
        f"Account(name='acme', addresses=('192.0.2.0/24',), dialect={Dialect()!r}, "
        "limits=mappingproxy({}), rate=None, strict=None, tolerate=(), reuse=None)"
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        account.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("secret", [SECRET, Plain(SECRET), [SECRET, "old"]], ids=["bare", "plain", "list"])
def test_account_hides_the_secret(secret: Any) -> None:
    """Neither repr, str, format nor pickle gives the secret away."""
    account = Account("acme", secret)
    assert SECRET not in f"{account!r} {account!s} {account}"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled") as refusal:
            pickle.dumps(account, protocol)
        assert SECRET not in str(refusal.value)


def test_account_is_its_own_copy() -> None:
    """A configuration that is copied, also deeply, holds the same accounts."""
    account = Account("acme", SECRET)
    assert copy.copy(account) is account
    assert copy.deepcopy({"accounts": [account]})["accounts"][0] is account
    assert dataclasses.replace(account, name="other") == Account("other", SECRET)


def test_plain_hides_itself() -> None:
    """The repr of a plain secret does not show it, and it is a string otherwise."""
    assert repr(Plain(SECRET)) == "Plain(...)"
    assert Plain(SECRET) == SECRET


@pytest.mark.parametrize("name", ["ac me", "~", "\xa0", "\u2027", "\u202a", "\ud7ff", "\ue000", "\ufffd", "\U0010ffff"])
def test_account_takes_names(name: str) -> None:
    """What a line of the log and an XML document can hold can be a name."""
    assert Account(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        *["", "ac\nme", "ac\0me", "\x1f", "\x7f", "\x85", "\x9f", "\u2028", "\u2029"],
        *["\ud800", "\udce9", "\udfff", "\ufffe", "\uffff"],
    ],
)
def test_account_refuses_names(name: str) -> None:
    """A name that could end a line of the log is none."""
    with pytest.raises(ValueError, match="name of an account"):
        Account(name)


SCRYPT_HEX, SHA256_HEX = "0" * 128, "0" * 64


@pytest.mark.parametrize(
    "secret",
    [
        "scrypt:",
        f"scrypt:{SECRET}",
        f"scrypt:128:1:1${SECRET}",
        f"scrypt:128:1:1${SECRET}${SCRYPT_HEX[1:]}",
        f"scrypt:128:1:1${SECRET}${'F' * 128}",
        f"scrypt:128:1:1$${SCRYPT_HEX}",
        f"scrypt:128:1${SECRET}${SCRYPT_HEX}",
        f"scrypt:128:1:0${SECRET}${SCRYPT_HEX}",
        f"scrypt:127:1:1${SECRET}${SCRYPT_HEX}",
        f"scrypt:1:1:1${SECRET}${SCRYPT_HEX}",
        f"scrypt:0:1:1${SECRET}${SCRYPT_HEX}",
        f"scrypt:1_28:1:1${SECRET}${SCRYPT_HEX}",
        f"scrypt:17179869184:1:1${SECRET}${SCRYPT_HEX}",
        f"scrypt::1:1${SECRET}${SCRYPT_HEX}",
        f"scrypt:128:01:1${SECRET}${SCRYPT_HEX}",
        f"scrypt:128:1:01${SECRET}${SCRYPT_HEX}",
        f"scrypt:128:1000000000:1${SECRET}${SCRYPT_HEX}",
        f"scrypt:128:1:1000000000${SECRET}${SCRYPT_HEX}",
        f"scrypt:128:1:1$s${SECRET}${SCRYPT_HEX}",
        f"scrypt:128:1:1${SECRET}${SCRYPT_HEX}0",
        f"scrypt:128:1:1${SECRET}${'g' * 128}",
        f"pbkdf2:sha256:0${SECRET}${SHA256_HEX}",
        f"pbkdf2:sha256:x${SECRET}${SHA256_HEX}",
        f"pbkdf2:sha256:01${SECRET}${SHA256_HEX}",
        f"pbkdf2:sha256:1000000000${SECRET}${SHA256_HEX}",
        f"pbkdf2:sha256:${SECRET}${SHA256_HEX}",
        f"pbkdf2::1${SECRET}${SHA256_HEX}",
        f"pbkdf2:sha256:1$${SHA256_HEX}",
        f"pbkdf2:sha256:1$s${SECRET}${SHA256_HEX}",
        f"pbkdf2:sha256:1${SECRET}${'g' * 64}",
        f"pbkdf2:sha256:1${SECRET}${'F' * 64}",
        f"pbkdf2:sha256:1:1${SECRET}${SHA256_HEX}",
        f"pbkdf2:sha512:1${SECRET}${SHA256_HEX}",
        f"pbkdf2:md99:1${SECRET}${SHA256_HEX}",
        f"pbkdf2:shake_256:1${SECRET}${SHA256_HEX}",
        f"pbkdf2:shake_256:1${SECRET}$",
        f"pbkdf2:sha256:1${SECRET}",
        "",
        f"{SECRET}\n",
        f"{SECRET}\r",
        f"\0{SECRET}",
    ],
)
@pytest.mark.parametrize("wrap", [str, lambda secret: ["good", secret]])
def test_account_refuses_secrets(secret: str, wrap: Callable[[str], Any]) -> None:
    """A secret that nothing can match is an error that names the account, and not the secret."""
    with pytest.raises(ValueError, match="account 'acme': a secret ") as refusal:
        Account("acme", wrap(secret))
    assert SECRET not in repr(refusal.value)
    assert refusal.value.__context__ is None


@pytest.mark.parametrize(
    "pwhash",
    [
        f"scrypt:4294967296:1:1$s${'0123456789abcdef' * 8}",
        f"scrypt:16:987654321:987654321$a:b c/\u00e9${SCRYPT_HEX}",
        f"scrypt:16:10:20$s${SCRYPT_HEX}",
        f"pbkdf2:sha256$s${'0123456789abcdef' * 4}",
        f"pbkdf2:sha256:123456789$a:b c/\u00e9${SHA256_HEX}",
        f"pbkdf2:sha256:10$s${SHA256_HEX}",
        f"pbkdf2:sha3_256:9$s${SHA256_HEX}",
        f"pbkdf2:blake2s:1$s${SHA256_HEX}",
    ],
)
def test_account_takes_hashes_of_any_cost(pwhash: str) -> None:
    """How dear a hash may be is the host's to say, and what this machine cannot compute admits nobody."""
    assert Account("acme", pwhash).secret == pwhash


@pytest.mark.parametrize("method", ["scrypt", SCRYPT, PBKDF2, "pbkdf2:sha512:3", "pbkdf2:sha1:1"])
def test_account_takes_hashes_of_werkzeug(method: str) -> None:
    """Whatever werkzeug makes is a sound hash."""
    pwhash = generate_password_hash(SECRET, method)
    assert Account("acme", pwhash).secret == pwhash


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": 7}, "name of an account .* not int"),
        ({"secret": b"s3cret"}, "account 'acme': secret .* not bytes"),
        ({"secret": 53}, "account 'acme': secret .* not int"),
        ({"secret": {"s3cret": 1}}, "account 'acme': secret .* not dict"),
        ({"secret": ["s3cret", None]}, "account 'acme': secret .* one is NoneType"),
        ({"secret": [b"s3cret"]}, "account 'acme': secret .* one is bytes"),
        ({"addresses": "192.0.2.7"}, "account 'acme': addresses .* not str"),
        ({"addresses": None}, "account 'acme': addresses .* not NoneType"),
        ({"addresses": [3221225991]}, "account 'acme': addresses .* one is int"),
        ({"dialect": None}, "account 'acme': dialect .* not NoneType"),
        ({"dialect": "plain"}, "account 'acme': dialect .* not str"),
        ({"limits": 7}, "account 'acme': limits has to be a mapping, not int"),
        ({"limits": None}, "account 'acme': limits .* not NoneType"),
        ({"limits": [("body", 7)]}, "account 'acme': limits .* not list"),
        ({"rate": 10}, "account 'acme': rate has to be a string or None, not int"),
    ],
)
def test_account_refuses_types(values: dict[str, Any], message: str) -> None:
    """A value of a wrong type is an error that names account and field, and not the value."""
    with pytest.raises(TypeError, match=message) as refusal:
        Account(**{"name": "acme"} | values)
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize("reuse", ["maybe", "Accept", "", True, ["accept"]])
def test_account_refuses_another_reuse(reuse: Any) -> None:
    """It is an error that names the account and the choices."""
    with pytest.raises(ValueError, match=r"^account 'acme': reuse has to be \"accept\" or \"refuse\", not ") as refusal:
        Account("acme", SECRET, reuse=reuse)
    assert repr(reuse) in str(refusal.value)
    assert SECRET not in str(refusal.value)


def test_account_refuses_addresses() -> None:
    """A network that is none, or has a wildcard in its middle, is an error that names the account and the network."""
    with pytest.raises(ValueError, match=r"account 'acme': addresses: '192\.\*\.2\.7': a \* stands"):
        Account("acme", SECRET, ["192.*.2.7"])
    with pytest.raises(ValueError, match=r"account 'acme': addresses: '192\.0\.2\.256'") as refusal:
        Account("acme", SECRET, ["192.0.2.1", "192.0.2.256"])
    assert SECRET not in repr(refusal.value)


@pytest.mark.parametrize(
    ("addresses", "address", "allowed"),
    [
        ([], "192.0.2.7", True),
        ([], None, True),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.7"], "192.0.2.8", False),
        (["192.0.2.7"], None, False),
        (["192.0.2.9/24"], "192.0.2.7", True),
        (["192.0.2.0/255.255.255.0"], "192.0.2.7", True),
        (["198.51.100.0/24", "192.0.2.0/24"], "192.0.2.7", True),
        (["::ffff:192.0.2.0/120"], "192.0.2.7", True),
        (["::ffff:192.0.2.7"], "192.0.2.7", True),
        (["::ffff:0:0/96"], "192.0.2.7", True),
        (["::ffff:192.0.2.7/95"], "192.0.2.7", False),
        (["::/0"], "192.0.2.7", False),
        (["::/96"], "::1", True),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["192.0.2.*"], "192.0.2.255", True),
        (["192.0.2.*"], "192.0.3.0", False),
        (["192.0.2.*", "10.*"], "10.255.0.1", True),
    ],
)
def test_account_allows(addresses: list[str], address: str | None, allowed: bool) -> None:
    """Addresses restrict: none of them admits all, any of them excludes the unknown."""
    account = Account("acme", SECRET, addresses)
    assert account.allows(None if address is None else ip_address(address)) is allowed


def test_account_has_limits_of_its_own() -> None:
    """Any of the names of ``Limits``, kept as they were when the account was made; the account stays hashable."""
    limits = {"body": 50_000_000, "parts": 7}
    account = Account("acme", SECRET, limits=limits)
    limits["body"] = 1
    assert account.limits == {"body": 50_000_000, "parts": 7}
    assert account == Account("acme", SECRET, limits={"parts": 7, "body": 50_000_000})
    assert account != Account("acme", SECRET)
    assert hash(account) == hash(dataclasses.replace(account))
    assert dataclasses.replace(account, limits={"parts": 8}).limits == {"parts": 8}
    with pytest.raises(TypeError):
        account.limits["body"] = 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"bodies": 7}, "account 'acme': limits: there is no 'bodies', only body, envelope, .*, discard_seconds$"),
        ({7: 7}, "account 'acme': limits: there is no 7, only body, "),
        ({"header_block": 7}, "account 'acme': limits: there is no 'header_block'"),
        ({"discard": -1}, "account 'acme': limits: Limits.discard has to be a whole number, 0 or more, not -1"),
        ({"parts": 7, "body": 0}, "account 'acme': limits: Limits.body has to be a positive whole number, not 0"),
        ({"body": "7"}, "account 'acme': limits: Limits.body has to be a positive whole number, not '7'"),
    ],
)
def test_account_refuses_limits(limits: Any, message: str) -> None:
    """A limit that there is not, or that cannot be, is an error that names the account and what is allowed."""
    with pytest.raises(ValueError, match=message):
        Account("acme", SECRET, limits=limits)


@pytest.mark.parametrize(
    ("rate", "items"),
    [
        ("10/second", [(10, 1)]),
        ("10/second;1000/hour", [(10, 1), (1000, 3600)]),
        ("100 per 5 minutes, 2000/day", [(100, 300), (2000, 86400)]),
        ("1/minute", [(1, 60)]),
    ],
)
def test_account_has_a_rate(rate: str, items: list[tuple[int, int]]) -> None:
    """A rate is kept as it is written, and as what the package ``limits`` makes of it."""
    account = Account("acme", SECRET, rate=rate)
    assert account.rate == rate
    assert [(item.amount, item.get_expiry()) for item in account.rates] == items
    assert account == Account("acme", SECRET, rate=rate)
    assert account != Account("acme", SECRET)


@pytest.mark.parametrize("rate", ["", "fast", "10", "10/", "10/fortnight", "-1/second", "0/second", "5/day;"])
def test_account_refuses_rates(rate: str) -> None:
    """A rate that is none, or of nothing, is an error that names the account and says how one is written."""
    with pytest.raises(ValueError, match="account 'acme': rate has to be as 10/second") as refusal:
        Account("acme", SECRET, rate=rate)
    assert str(refusal.value).endswith(f"not {rate!r}")
    assert refusal.value.__context__ is None


def test_account_without_a_rate_needs_no_more_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a rate needs the package ``limits``, and where it is not installed, the error says what to install."""
    monkeypatch.setitem(sys.modules, "limits", None)
    assert Account("acme", SECRET, limits={"body": 7}).rate is None
    with pytest.raises(ModuleNotFoundError, match=r"account 'acme': rate .* pip install 'mm7_wsgi\[throttle\]'"):
        Account("acme", SECRET, rate="10/second")


# what it may send


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"strict": "no"}, TypeError, "account 'acme': strict has to be True, False or None, not str"),
        ({"strict": 1}, TypeError, "account 'acme': strict has to be True, False or None, not int"),
        ({"tolerate": "close-missing"}, TypeError, "account 'acme': tolerate has to be a list of strings, not str"),
        (
            {"tolerate": ["close-mising"]},
            ValueError,
            "account 'acme': tolerate: there is no deviation 'close-mising'; is 'close-missing' meant?",
        ),
        (
            {"tolerate": ["everything"]},
            ValueError,
            "account 'acme': tolerate: there is no deviation 'everything'; docs/deviations.md has all of them",
        ),
    ],
)
def test_what_an_account_tolerates_is_checked(values: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        Account("acme", **values)
    assert str(caught.value) == words


def test_what_an_account_tolerates_is_made_a_tuple() -> None:
    assert Account("acme", tolerate=["line-ends"]).tolerate == ("line-ends",)
    assert Account("acme", strict=False).strict is False
