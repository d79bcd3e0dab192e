"""Whose the credentials are: accounts, the table over a mapping, and the resolvers of hosts."""

from __future__ import annotations

import base64
import copy
import dataclasses
import gc
import os
import pickle
import sys
import threading
import types
from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from werkzeug.security import check_password_hash, generate_password_hash

from mm7_wsgi import accounts as module
from mm7_wsgi.accounts import Account, AccountTable, Dialect, Plain, Resolver, as_resolver, identify
from mm7_wsgi.credentials import Credentials, find_credentials
from mm7_wsgi.protocol.errors import MM7Error, ServiceUnavailable, Unauthorized

SECRET = "s3cret"
SCRYPT = "scrypt:128:1:1"
SCRYPT_DEARER = "scrypt:256:1:1"
PBKDF2 = "pbkdf2:sha256:1"


def hashed(secret: str = SECRET, method: str = SCRYPT) -> str:
    return generate_password_hash(secret, method)


def by_name(
    name: str | None, secret: str | None, address: str | None = "192.0.2.7", source: Any = "basic"
) -> Credentials:
    return Credentials(source, name, secret, None if address is None else ip_address(address), {})


def by_address(address: str | None) -> Credentials:
    return by_name(None, None, address, "address")


def name_of(account: Account | None) -> str | None:
    return None if account is None else account.name


class Clock:
    """Monotonic seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The method of each hash that was verified, in order."""
    methods: list[str] = []

    def check(pwhash: str, secret: str) -> bool:
        methods.append(pwhash.partition("$")[0])
        return check_password_hash(pwhash, secret)

    monkeypatch.setattr(module, "check_password_hash", check)
    return methods


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
    assert repr(Account("acme", "a", ["192.0.2.0/24"])) == (
        f"Account(name='acme', addresses=('192.0.2.0/24',), dialect={Dialect()!r})"
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
    ],
)
def test_account_refuses_types(values: dict[str, Any], message: str) -> None:
    """A value of a wrong type is an error that names account and field, and not the value."""
    with pytest.raises(TypeError, match=message) as refusal:
        Account(**{"name": "acme"} | values)
    assert SECRET not in str(refusal.value)


def test_account_refuses_addresses() -> None:
    """A network that is none is an error that names the account and the network."""
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
    ],
)
def test_account_allows(addresses: list[str], address: str | None, allowed: bool) -> None:
    """Addresses restrict: none of them admits all, any of them excludes the unknown."""
    account = Account("acme", SECRET, addresses)
    assert account.allows(None if address is None else ip_address(address)) is allowed


# The table: names and secrets


@pytest.mark.parametrize(
    ("secret", "right", "wrong"),
    [
        (SECRET, [SECRET], ["", "s3cre", "s3crets", "S3CRET", " s3cret"]),
        ("p\u00e4\u20ac", ["p\u00e4\u20ac"], ["p\u00c3\u00a4", "pa"]),
        ("\udce9", ["\udce9"], ["\u00e9"]),
        ([SECRET, "old", "older"], [SECRET, "old", "older"], ["", "olde"]),
        (hashed(), [SECRET], ["", "s3crets"]),
        (hashed(method=PBKDF2), [SECRET], ["", "s3crets"]),
        (hashed("p\u00e4\u20ac"), ["p\u00e4\u20ac"], ["p\u00e4", "\ud800"]),
        ([hashed("new"), "plain", hashed("old", PBKDF2)], ["new", "plain", "old"], ["", "other"]),
        (Plain("scrypt:me"), ["scrypt:me"], ["me", ""]),
        (None, [], ["", "None", SECRET]),
        ([], [], ["", SECRET]),
    ],
    ids=["ascii", "text", "half", "list", "scrypt", "pbkdf2", "hash of text", "mixed", "plain", "none", "empty"],
)
@pytest.mark.parametrize(
    "wrap", [lambda secret: secret, lambda secret: Account("acme", secret)], ids=["bare", "account"]
)
@pytest.mark.parametrize("source", ["uri", "basic"])
def test_table_checks_secrets(
    secret: Any, right: list[str], wrong: list[str], wrap: Callable[[Any], Any], source: str
) -> None:
    """Each secret of an account admits, whole; nothing else does, and no secret means nothing at all."""
    table = AccountTable({"other": "0ther", "acme": wrap(secret)})
    for shown in right:
        assert name_of(table.resolve(by_name("acme", shown, source=source))) == "acme"
    for shown in [*wrong, "0ther"]:
        assert table.resolve(by_name("acme", shown, source=source)) is None


@pytest.mark.parametrize("method", [SCRYPT, PBKDF2])
def test_table_takes_no_hash_for_the_secret(method: str) -> None:
    """Who has read the hash cannot send with it; forced plain, it is a secret like any other."""
    pwhash = hashed(method=method)
    assert AccountTable({"acme": pwhash}).resolve(by_name("acme", pwhash)) is None
    assert name_of(AccountTable({"acme": Plain(pwhash)}).resolve(by_name("acme", pwhash))) == "acme"
    assert AccountTable({"acme": Plain(pwhash)}).resolve(by_name("acme", SECRET)) is None


@pytest.mark.parametrize(
    ("name", "secret"), [(None, SECRET), ("acme", None), ("Acme", SECRET), ("", SECRET), ("nobody", "")]
)
def test_table_knows_no_other_names(name: str | None, secret: str | None) -> None:
    """Names match exactly, and half a pair matches nothing."""
    assert AccountTable({"acme": SECRET}).resolve(by_name(name, secret)) is None


def test_table_gives_back_the_account() -> None:
    """An account of the host's comes back as itself; one made of a bare secret does not keep it."""
    account = Account("acme", SECRET)
    table = AccountTable({"acme": account, "bare": SECRET})
    assert table.resolve(by_name("acme", SECRET)) is account
    assert table.resolve(by_name("bare", SECRET)) == Account("bare")


def test_table_keeps_no_plain_secret() -> None:
    """Nothing that the table holds shows a plain secret, down to the last attribute."""
    table = AccountTable({"acme": SECRET, "rotating": ["0ld", Plain(SECRET)], "hashed": hashed(), "192.0.2.7": SECRET})
    assert table.resolve(by_name("acme", SECRET))
    assert table.resolve(by_name("hashed", SECRET))
    held = list(everything_in(table))
    assert "acme" in held
    for value in held:
        assert not (isinstance(value, str) and SECRET in value)
        assert not (isinstance(value, bytes) and SECRET.encode() in value)


def everything_in(thing: Any) -> Iterator[Any]:
    yield thing
    if isinstance(thing, dict):
        children = [*thing.keys(), *thing.values()]
    elif isinstance(thing, (list, tuple)):
        children = list(thing)
    elif type(thing).__module__ == module.__name__:
        names = [name for cls in type(thing).__mro__ for name in getattr(cls, "__slots__", ())]
        children = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, name) for name in names)]
    else:
        children = []
    for child in children:
        yield from everything_in(child)


def test_table_keys_differ() -> None:
    """Two tables digest the same secret differently, so what leaks from one process says nothing about another."""
    marks = [
        {value for value in everything_in(AccountTable({"acme": SECRET})) if isinstance(value, bytes)} for _ in "ab"
    ]
    assert not marks[0] & marks[1]


@pytest.mark.parametrize(
    ("accounts", "error", "message"),
    [
        ({"acme": Account("other", SECRET)}, ValueError, "key 'acme' holds the account 'other'"),
        ({"acme": b"s3cret"}, TypeError, "account 'acme'"),
        ({"acme": f"scrypt:{SECRET}"}, ValueError, "account 'acme'"),
        ({7: SECRET}, TypeError, "name of an account"),
        ({"": SECRET}, ValueError, "name of an account"),
        ({"192.0.2.1/24": None, "192.0.2.0/24": None}, ValueError, "'192.0.2.1/24' and '192.0.2.0/24'"),
        ({"192.0.2.7": None, "::ffff:192.0.2.7": None}, ValueError, "same network"),
    ],
)
def test_table_refuses(accounts: Any, error: type[Exception], message: str) -> None:
    """A mapping that is wrong in itself is an error where it is made, without a secret in it."""
    with pytest.raises(error, match=message) as refusal:
        AccountTable(accounts)
    assert SECRET not in repr(refusal.value)


# The table: addresses


NETWORKS = {
    "0.0.0.0/0": None,
    "192.0.2.0/24": None,
    "192.0.2.7/31": None,
    "192.0.2.7": SECRET,
    "198.51.100.0/24": None,
    "::/0": None,
    "2001:db8::/32": None,
    "2001:db8::7": hashed(),
    "fe80::1%eth0": None,
    "::ffff:203.0.113.0/120": None,
    "acme": SECRET,
}


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.6", "192.0.2.7/31"),
        ("192.0.2.8", "192.0.2.0/24"),
        ("198.51.100.255", "198.51.100.0/24"),
        ("198.51.101.0", "0.0.0.0/0"),
        ("203.0.113.9", "::ffff:203.0.113.0/120"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:db8::8", "2001:db8::/32"),
        ("fe80::1", "fe80::1%eth0"),
        ("2001:db9::", "::/0"),
        (None, None),
    ],
)
def test_table_recognises_addresses(address: str | None, name: str | None) -> None:
    """The narrowest network that is an account's name says whose a bare request is, with or without a secret."""
    assert name_of(AccountTable(NETWORKS).resolve(by_address(address))) == name


def test_table_recognises_addresses_in_few_steps() -> None:
    """Looking for an address takes a step for each length of networks, however many of them there are."""

    def steps(accounts: int) -> int:
        table = AccountTable({f"192.0.2.{number}": None for number in range(accounts)})
        called = 0

        def count(frame: Any, event: str, argument: Any) -> None:
            nonlocal called
            called += event == "c_call"

        before = sys.getprofile()
        gc.disable()  # Hypothesis calls functions of its own when garbage is collected
        sys.setprofile(count)
        try:
            table.resolve(by_address("198.51.100.1"))
        finally:
            sys.setprofile(before)
            gc.enable()
        return called

    assert steps(100) == steps(1)


@pytest.mark.parametrize("address", ["192.0.2.8", "2001:db8::7", "::c000:207"])
def test_table_recognises_no_other_address(address: str) -> None:
    """An address that no name covers is nobody's, also one of the other version with the same bits."""
    assert AccountTable({"192.0.2.7": None, "acme": None}).resolve(by_address(address)) is None


def test_table_never_identifies_by_restriction() -> None:
    """``addresses`` says where an account may send from, not who sends from there."""
    assert AccountTable({"acme": Account("acme", None, ["192.0.2.7"])}).resolve(by_address("192.0.2.7")) is None


def test_table_checks_an_address_account_that_shows_a_secret() -> None:
    """An account named by an address can show its secret from anywhere, and has to show the right one from home."""
    table = AccountTable({"192.0.2.7": SECRET, "192.0.2.8": None})
    assert name_of(table.resolve(by_name("192.0.2.7", SECRET, "203.0.113.1"))) == "192.0.2.7"
    assert table.resolve(by_name("192.0.2.7", "wrong", "192.0.2.7")) is None
    assert table.resolve(by_name("192.0.2.8", "", "192.0.2.8")) is None


# The table: what a refusal costs


MIXED = {
    "plain": SECRET,
    "none": None,
    "scrypt": hashed(),
    "dearer": hashed(method=SCRYPT_DEARER),
    "pbkdf2": hashed(method=PBKDF2),
    "rotating": [hashed(), hashed("old"), "plain"],
    "restricted": Account("restricted", hashed(), ["198.51.100.1"]),
    "restricted plain": Account("restricted plain", SECRET, ["198.51.100.1"]),
}


@pytest.mark.parametrize("name", [*MIXED, "nobody", ""])
@pytest.mark.parametrize("secret", ["wrong", "", "\ud800"])
def test_refusals_cost_the_same(name: str, secret: str, checks: list[str]) -> None:
    """A refusal verifies the same number of hashes by the same methods, whoever was named."""
    assert AccountTable(MIXED).resolve(by_name(name, secret)) is None
    assert Counter(checks) == {SCRYPT: 2, SCRYPT_DEARER: 1, PBKDF2: 1}


@pytest.mark.parametrize("name", ["restricted", "restricted plain"])
def test_refusals_of_the_right_secret_cost_the_same(name: str, checks: list[str]) -> None:
    """From where an account may not send, the right secret takes as long as a wrong one, also when verified of late."""
    table = AccountTable(MIXED)
    assert name_of(table.resolve(by_name(name, SECRET, "198.51.100.1"))) == name
    checks.clear()
    for address in ("192.0.2.7", None):
        assert table.resolve(by_name(name, SECRET, address)) is None
    assert Counter(checks) == {SCRYPT: 4, SCRYPT_DEARER: 2, PBKDF2: 2}


def test_refusals_cost_no_hash_without_hashes(checks: list[str]) -> None:
    """A table of plain secrets verifies no hash, and plain secrets are right without one."""
    table = AccountTable({"acme": SECRET})
    assert table.resolve(by_name("nobody", SECRET)) is None
    assert table.resolve(by_name("acme", "wrong")) is None
    assert AccountTable(MIXED).resolve(by_name("plain", SECRET))
    assert checks == []


def test_dummies_are_whole_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dummy is computed like any hash, with the secret that was presented."""
    computed = []
    monkeypatch.setattr(module, "check_password_hash", lambda pwhash, secret: computed.append((pwhash, secret)))
    AccountTable({"acme": hashed()}).resolve(by_name("nobody", "guess"))
    ((dummy, secret),) = computed
    assert secret == "guess"
    assert dummy.count("$") == 2
    assert check_password_hash(dummy, secret) is False


def test_check_that_raises_is_a_failed_check() -> None:
    """A hash that this machine cannot compute admits nobody and breaks nothing, and the next one is tried."""
    table = AccountTable({"acme": [f"scrypt:2:1:1$salt${SCRYPT_HEX}", hashed()]})
    assert table.resolve(by_name("acme", "wrong")) is None
    assert name_of(table.resolve(by_name("acme", SECRET))) == "acme"


# The table: memory of verified hashes


def test_memory_lasts_a_minute(checks: list[str]) -> None:
    """A verified hash is believed for sixty seconds, and using it does not prolong that."""
    clock = Clock()
    table = AccountTable({"acme": hashed()}, clock=clock)
    counts = []
    for seconds in (0, 30, 29.9, 0.1, 0):
        clock.now += seconds
        assert table.resolve(by_name("acme", SECRET))
        counts.append(len(checks))
    assert counts == [1, 1, 1, 2, 2]


def test_memory_of_what_was_never_verified() -> None:
    """Nothing is remembered of it, however young the machine's clock is."""
    clock = Clock()
    clock.now = 0.5
    assert not module._RecentlyVerified(clock).holds(b"never")


def test_memory_is_of_the_secret(checks: list[str]) -> None:
    """What is remembered admits that secret for that hash, and a failure is not remembered."""
    table = AccountTable({"acme": hashed(), "other": hashed("0ther")}, clock=Clock())
    assert table.resolve(by_name("acme", SECRET))
    assert table.resolve(by_name("other", SECRET)) is None
    for _ in range(2):
        assert table.resolve(by_name("acme", "wrong")) is None
    assert len(checks) == 4


def test_memory_of_a_rotated_hash(checks: list[str]) -> None:
    """The last of several hashes is remembered as well as the first."""
    table = AccountTable({"acme": [hashed("new"), hashed("old")]}, clock=Clock())
    for _ in range(3):
        assert table.resolve(by_name("acme", "old"))
    assert len(checks) == 2


def marks_in(table: AccountTable) -> dict[bytes, float]:
    _, _, marks = table._verified._state
    return marks


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch, checks: list[str]) -> None:
    """At most 1024 are remembered (here 3): the oldest gives way, and what has expired goes first."""
    assert module._RecentlyVerified.MARKS == 1024
    monkeypatch.setattr(module._RecentlyVerified, "MARKS", 3)
    clock = Clock()
    table = AccountTable({str(number): hashed() for number in range(5)}, clock=clock)
    for number in range(4):
        assert table.resolve(by_name(str(number), SECRET))
        assert len(marks_in(table)) <= 3
    checks.clear()
    assert table.resolve(by_name("3", SECRET))
    assert checks == []
    assert table.resolve(by_name("0", SECRET))
    assert len(checks) == 1
    clock.now += 60
    assert table.resolve(by_name("4", SECRET))
    assert len(marks_in(table)) == 1


def test_memory_of_a_hash_verified_twice_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads may verify the same at the same time: its later deadline then also makes it the later to go."""
    monkeypatch.setattr(module._RecentlyVerified, "MARKS", 3)
    clock = Clock()
    memory = module._RecentlyVerified(clock)
    memory.add(b"a")
    clock.now += 30
    memory.add(b"b")
    memory.add(b"a")
    memory.add(b"c")
    memory.add(b"d")
    assert [memory.holds(mark) for mark in (b"a", b"b", b"c", b"d")] == [True, False, True, True]


def test_memory_does_not_outlive_a_fork(monkeypatch: pytest.MonkeyPatch, checks: list[str]) -> None:
    """A child does not wait for a lock that a thread of its parent held when it forked."""
    table = AccountTable({"acme": hashed()}, clock=Clock())
    assert table.resolve(by_name("acme", SECRET))
    _, of_the_parent, _ = table._verified._state
    pid = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: pid)
    for _ in range(2):
        assert table.resolve(by_name("acme", SECRET))
    assert len(checks) == 2
    assert table._verified._state[1] is not of_the_parent


def test_table_in_threads() -> None:
    """Threads that resolve at once each get their own account."""
    table = AccountTable({str(number): hashed(str(number)) for number in range(4)})
    wrong: list[str] = []

    def resolve(name: str) -> None:
        wrong.extend(name for _ in range(50) if name_of(table.resolve(by_name(name, name))) != name)

    threads = [threading.Thread(target=resolve, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Resolvers of hosts


ACME = Account("acme", SECRET)


def find_acme(credentials: Credentials) -> Account | None:
    return ACME if credentials.name == "acme" else None


class Directory:
    def resolve(self, credentials: Credentials) -> Account | None:
        return find_acme(credentials)


class DirectoryWithItems(dict[str, str], Directory):
    """A mapping that resolves for itself."""


@pytest.fixture
def partners(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module of a host, importable as ``mm7_partners``."""
    partners = types.ModuleType("mm7_partners")
    partners.__dict__.update(
        mapping={"acme": SECRET},
        function=find_acme,
        directory=Directory(),
        text="mm7_partners:text",
        number=7,
        cls=Directory,
    )
    monkeypatch.setitem(sys.modules, "mm7_partners", partners)
    return partners


@pytest.mark.parametrize(
    "accounts",
    [
        {"acme": SECRET},
        types.MappingProxyType({"acme": ACME}),
        find_acme,
        lambda credentials: find_acme(credentials),
        Directory(),
        Directory().resolve,
        DirectoryWithItems(other="0ther"),
        AccountTable({"acme": SECRET}),
        "mm7_partners:mapping",
        "mm7_partners.mapping",
        "mm7_partners:function",
        "mm7_partners:directory",
        "mm7_partners:directory.resolve",
    ],
)
@pytest.mark.usefixtures("partners")
def test_as_resolver(accounts: object) -> None:
    """Mappings, callables, objects with resolve, and dotted names of these become resolvers."""
    resolver = as_resolver(accounts)
    assert isinstance(resolver, Resolver)
    assert name_of(resolver.resolve(by_name("acme", SECRET))) == "acme"
    assert resolver.resolve(by_name("nobody", SECRET)) is None


def test_as_resolver_keeps_resolvers() -> None:
    """What resolves already is taken as it is."""
    directory = Directory()
    assert as_resolver(directory) is directory


@pytest.mark.parametrize(
    "accounts",
    [None, 7, [SECRET], [("acme", SECRET)], {SECRET}, SECRET.encode(), Directory, types.SimpleNamespace(resolve=7)],
)
def test_as_resolver_refuses(accounts: object) -> None:
    """Anything else is a TypeError that says what would do, without the value."""
    with pytest.raises(TypeError, match="has to be a mapping, a callable, an object with a method resolve") as refusal:
        as_resolver(accounts)
    assert SECRET not in str(refusal.value)
    kind = "the class Directory" if accounts is Directory else type(accounts).__name__
    assert str(refusal.value).endswith(f"not {kind}")


@pytest.mark.parametrize(
    "name", ["mm7_partners:missing", "mm7_partners.missing", "mm7_nowhere:x", "mm7_nowhere", "mm7_nowhere..x"]
)
@pytest.mark.usefixtures("partners")
def test_as_resolver_names_that_lead_nowhere(name: str) -> None:
    """A dotted name that cannot be imported is a ValueError that shows it."""
    with pytest.raises(ValueError, match=f"'{name}' cannot be imported"):
        as_resolver(name)


@pytest.mark.parametrize("text", ["", "acme=s3cret", "acme:s3cret,other:0ther", "acme s3cret", "s3cret!", "a:s3cret:b"])
def test_as_resolver_strings_that_are_no_names(text: str) -> None:
    """A string that cannot be a dotted name is a ValueError that does not show it: it may be a secret."""
    with pytest.raises(ValueError, match="dotted name") as refusal:
        as_resolver(text)
    assert SECRET not in repr(refusal.value)
    assert refusal.value.__context__ is None


@pytest.mark.parametrize("name", ["mm7_partners:text", "mm7_partners:number", "mm7_partners:cls"])
@pytest.mark.usefixtures("partners")
def test_as_resolver_names_of_other_things(name: str) -> None:
    """A dotted name that leads to something else is a TypeError, and a name is not followed twice."""
    with pytest.raises(TypeError, match="accounts"):
        as_resolver(name)


# Identification


TABLE = {
    "acme": SECRET,
    "other": "0ther",
    "restricted": Account("restricted", SECRET, ["198.51.100.0/24"]),
    "192.0.2.7": None,
    "203.0.113.0/24": Account("203.0.113.0/24", None, ["203.0.113.7"]),
}


@pytest.mark.parametrize(
    ("credentials", "name"),
    [
        ((by_name("acme", SECRET),), "acme"),
        ((by_name("acme", SECRET, None),), "acme"),
        ((by_name("acme", SECRET, source="uri"), by_name("acme", SECRET)), "acme"),
        ((by_name("restricted", SECRET, "198.51.100.9"),), "restricted"),
        ((by_address("192.0.2.7"),), "192.0.2.7"),
        ((by_address("203.0.113.7"),), "203.0.113.0/24"),
        ((), None),
        ((by_name("acme", "wrong"),), None),
        ((by_name("nobody", SECRET),), None),
        ((by_name("acme", SECRET, source="uri"), by_name("acme", "wrong")), None),
        ((by_name("acme", "wrong", source="uri"), by_name("acme", SECRET)), None),
        ((by_name("acme", SECRET, source="uri"), by_name("other", "0ther")), None),
        ((by_name("restricted", SECRET, "192.0.2.7"),), None),
        ((by_name("restricted", SECRET, None),), None),
        ((by_address("192.0.2.8"),), None),
        ((by_address(None),), None),
        ((by_address("203.0.113.8"),), None),
    ],
)
def test_identify(credentials: tuple[Credentials, ...], name: str | None) -> None:
    """All that is shown has to be right, of one account, and from where it may send; every refusal reads the same."""
    resolver = as_resolver(TABLE)
    if name is not None:
        assert identify(resolver, credentials).name == name
        return
    with pytest.raises(Unauthorized) as refusal:
        identify(resolver, credentials)
    assert str(refusal.value) == str(Unauthorized())


def test_identify_restricts_accounts_of_hosts() -> None:
    """The addresses of an account hold for the resolver of a host too."""
    restricted = Account("acme", None, ["198.51.100.1"])
    resolver = as_resolver(lambda credentials: restricted)
    assert identify(resolver, (by_address("198.51.100.1"),)) is restricted
    with pytest.raises(Unauthorized):
        identify(resolver, (by_address("192.0.2.7"),))


@pytest.mark.parametrize("wrong", [True, "acme", SECRET, ("acme",), {}])
def test_identify_refuses_other_results(wrong: object) -> None:
    """A resolver that gives back anything else is a TypeError that names the resolver, and not the result."""

    def partners(credentials: Credentials) -> Any:
        return wrong

    with pytest.raises(TypeError, match=r"test_accounts\.\S*partners gave back") as refusal:
        identify(as_resolver(partners), (by_name("acme", SECRET),))
    assert SECRET not in str(refusal.value)


def test_identify_names_resolvers_that_are_objects() -> None:
    """An object is named by its class, since its repr may show what it holds."""

    class Broken(Directory):
        def resolve(self, credentials: Credentials) -> Any:
            return 7

    with pytest.raises(TypeError, match=r"test_accounts\.\S*Broken gave back int"):
        identify(as_resolver(Broken()), (by_name("acme", SECRET),))


@pytest.mark.parametrize("error", [ServiceUnavailable("directory is down"), MM7Error(2503), KeyError("x"), OSError()])
def test_identify_passes_errors_through(error: Exception) -> None:
    """What a resolver raises is the endpoint's to answer."""

    def resolve(credentials: Credentials) -> Account:
        raise error

    with pytest.raises(type(error)) as raised:
        identify(as_resolver(resolve), (by_name("acme", SECRET),))
    assert raised.value is error


@pytest.mark.parametrize(
    ("path_info", "more", "name"),
    [
        ("/mm7/acme=s3cret", {}, "acme"),
        ("/mm7", {"HTTP_AUTHORIZATION": "Basic YWNtZTpzM2NyZXQ="}, "acme"),
        ("/mm7/acme=s3cret", {"HTTP_AUTHORIZATION": "Basic YWNtZTpzM2NyZXQ="}, "acme"),
        ("/mm7/", {}, "192.0.2.7"),
        ("/mm7", {"REMOTE_ADDR": "::ffff:192.0.2.7"}, "192.0.2.7"),
        ("/mm7/acme=wrong", {"HTTP_AUTHORIZATION": "Basic YWNtZTpzM2NyZXQ="}, None),
        ("/mm7/acme=wrong", {}, None),
        ("/mm7/192.0.2.7=", {}, None),
        ("/mm7", {"HTTP_AUTHORIZATION": "Basic MTkyLjAuMi43Og=="}, None),
    ],
)
def test_from_environ_to_account(path_info: str, more: dict[str, str], name: str | None) -> None:
    """What is present and wrong never falls through to what would be right."""
    environ = {"PATH_INFO": path_info, "REMOTE_ADDR": "192.0.2.7"} | more
    resolver = as_resolver(TABLE)
    if name is None:
        with pytest.raises(Unauthorized):
            identify(resolver, find_credentials(environ, 4))
    else:
        assert identify(resolver, find_credentials(environ, 4)).name == name


# What strangers try


def basic(userpass: str | bytes) -> str:
    octets = userpass.encode() if isinstance(userpass, str) else userpass
    return "Basic " + base64.b64encode(octets).decode()


def let_in(accounts: Any, path_info: str = "/mm7", authorization: str = "", **more: str) -> str | None:
    """The account that a request gets, from its environ on."""
    environ = {"PATH_INFO": path_info, "HTTP_AUTHORIZATION": authorization, "REMOTE_ADDR": "192.0.2.7"} | more
    try:
        return identify(as_resolver(accounts), find_credentials(environ, 4)).name
    except Unauthorized:
        return None


@pytest.mark.parametrize(
    "make", [str, hashed, lambda secret: hashed(secret, PBKDF2)], ids=["plain", "scrypt", "pbkdf2"]
)
@pytest.mark.parametrize("length", [71, 72, 73, 255, 4096])
def test_long_secrets_are_compared_to_their_end(make: Callable[[str], str], length: int) -> None:
    """No method forgets what is behind 72 octets, as bcrypt does, also where a letter is more than one."""
    for letter in ("x", "\u20ac"):
        secret = letter * (length - 1)
        accounts = AccountTable({"acme": make(secret + "a")})
        assert let_in(accounts, authorization=basic(f"acme:{secret}a")) == "acme"
        assert let_in(accounts, f"/mm7/acme={secret}a") == "acme"
        for wrong in (f"{secret}b", secret, f"{secret}aa"):
            assert let_in(accounts, authorization=basic(f"acme:{wrong}")) is None
            assert let_in(accounts, f"/mm7/acme={wrong}") is None


@pytest.mark.parametrize("make", [str, hashed], ids=["plain", "hashed"])
def test_a_secret_is_the_same_in_utf_8_and_latin_1(make: Callable[[str], str]) -> None:
    """What a peer writes it in is the peer's to choose, in the URI and in Basic."""
    accounts = {"m\u00fcller": make("p\u00e4ss")}
    for octets in ("m\u00fcller:p\u00e4ss".encode(), "m\u00fcller:p\u00e4ss".encode("latin-1")):
        assert let_in(accounts, authorization=basic(octets)) == "m\u00fcller"
        assert let_in(accounts, "/mm7/" + octets.decode("latin-1").replace(":", "=")) == "m\u00fcller"
        assert let_in(accounts, authorization=basic(octets + b"x")) is None


def test_a_colon_in_an_account_is_for_the_uri() -> None:
    """In Basic the first colon ends the account, whoever is configured; a password may have as many as it likes."""
    accounts = {"ac:me": "s3cret", "ac": "me:s3cret:"}
    assert let_in(accounts, "/mm7/ac:me=s3cret") == "ac:me"
    assert let_in(accounts, authorization=basic("ac:me:s3cret:")) == "ac"
    assert let_in(accounts, authorization=basic("ac:me:s3cret")) is None
    assert let_in({"ac:me": "s3cret"}, authorization=basic("ac:me:s3cret")) is None
    assert let_in(accounts, authorization=basic("ac")) is None


@pytest.mark.parametrize("joined", [", ", ",", " , ", " "])
def test_of_two_authorizations_none_is_taken(joined: str) -> None:
    """A server joins two headers by a comma. Which was meant nobody knows, and no address stands in for them."""
    accounts = {"acme": SECRET, "other": SECRET, "192.0.2.7": None}
    right = basic(f"acme:{SECRET}")
    for second in (right, basic(f"other:{SECRET}"), "Bearer x", ""):
        both = f"{right}{joined}{second}"
        assert let_in(accounts, authorization=both) == ("acme" if both.strip() == right else None)
    assert let_in({"acme": SECRET}, authorization=f"Bearer x{joined}{right}") is None


@pytest.mark.parametrize(
    "key",
    ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP", "HTTP_X_REMOTE_ADDR",
     "HTTP_REMOTE_ADDR", "HTTP_TRUE_CLIENT_IP", "HTTP_VIA"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["192.0.2.7", "::ffff:192.0.2.7", "for=192.0.2.7", "203.0.113.9, 192.0.2.7"])
def test_a_forged_address_is_nobodys(key: str, value: str) -> None:
    """Headers say nothing of where a request comes from: neither who it is nor that it may."""
    accounts = {"192.0.2.7": None, "acme": Account("acme", SECRET, ["192.0.2.7"])}
    for remote in ("203.0.113.9", "", "unix:", "::ffff:203.0.113.9"):
        assert let_in(accounts, REMOTE_ADDR=remote, **{key: value}) is None
        assert let_in(accounts, f"/mm7/acme={SECRET}", REMOTE_ADDR=remote, **{key: value}) is None
    for remote in ("192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207"):
        assert let_in(accounts, REMOTE_ADDR=remote, **{key: "203.0.113.9"}) == "192.0.2.7"
        assert let_in(accounts, f"/mm7/acme={SECRET}", REMOTE_ADDR=remote, **{key: "203.0.113.9"}) == "acme"


@pytest.mark.parametrize("first", ["/mm7", f"/mm7/scrypt={SECRET}", "/mm7/scrypt=wrong", "/mm7/nobody=x"])
def test_an_account_does_not_show_in_two_places_either(first: str, checks: list[str]) -> None:
    """Whatever the URI shows, Basic costs the same for an account that is not there and for a wrong password."""
    costs = []
    for userpass in ("nobody:x", "scrypt:wrong", "plain:wrong", "none:x", f"restricted:{SECRET}"):
        table = AccountTable(MIXED)
        checks.clear()
        assert let_in(table, first, basic(userpass)) is None
        costs.append(Counter(checks))
    assert all(cost == costs[0] for cost in costs)
    assert costs[0]
