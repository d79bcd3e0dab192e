"""Whose the credentials are: what hosts give for accounts, and who is let in."""

from __future__ import annotations

import os
import runpy
import sys
import types
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi.account_file import AccountFile
from mm7_wsgi.account_table import AccountTable
from mm7_wsgi.accounts import Account
from mm7_wsgi.credentials import Credentials, find_credentials
from mm7_wsgi.protocol.errors import MM7Error, ServiceUnavailable, Unauthorized
from mm7_wsgi.resolvers import Resolver, as_resolver, identify

KNOWN = runpy.run_path(str(Path(__file__).with_name("known.py")))
SECRET, PBKDF2, MIXED, hashed, name_of = (KNOWN[name] for name in ("SECRET", "PBKDF2", "MIXED", "hashed", "name_of"))
by_name, by_address, checks = (KNOWN[name] for name in ("by_name", "by_address", "checks"))
basic = runpy.run_path(str(Path(__file__).with_name("environs.py")))["basic"]


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


@pytest.mark.parametrize("make", [str, Path, os.path.relpath], ids=["string", "path", "relative"])
def test_as_resolver_reads_account_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    """A path is an account file: a string by its end, all others whatever they are called."""
    monkeypatch.chdir(tmp_path)
    for name in ("package.toml", "mm7 accounts.toml", "accounts") if make is Path else ("package.toml", "a b.toml"):
        path = tmp_path / name
        path.touch(0o600)
        path.write_text('[accounts.acme]\nsecret = "s3cret"\n')
        resolver = as_resolver(make(path))
        assert isinstance(resolver, AccountFile)
        assert name_of(resolver.resolve(by_name("acme", SECRET))) == "acme"


def test_as_resolver_account_files_that_are_wrong(tmp_path: Path) -> None:
    """They are a ValueError that names the file."""
    with pytest.raises(ValueError, match=r"missing\.toml: the file cannot be read"):
        as_resolver(str(tmp_path / "missing.toml"))
    with pytest.raises(ValueError, match="partners: the file cannot be read"):
        as_resolver(tmp_path / "partners")


def test_as_resolver_takes_a_colon_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is called toml in a module is no file, and a dotted name may lead to the path of one."""
    partners = types.ModuleType("mm7_partners")
    partners.__dict__.update(toml={"acme": SECRET}, path=Path("missing.toml"))
    monkeypatch.setitem(sys.modules, "mm7_partners", partners)
    assert isinstance(as_resolver("mm7_partners:toml"), AccountTable)
    with pytest.raises(ValueError, match=r"missing\.toml: the file cannot be read"):
        as_resolver("mm7_partners:path")
    with pytest.raises(ValueError, match=r"mm7_partners\.toml: the file cannot be read"):
        as_resolver("mm7_partners.toml")


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
    assert str(refusal.value).endswith(f"the dotted name of one, or a path, not {kind}")


@pytest.mark.parametrize(
    "name", ["mm7_partners:missing", "mm7_partners.missing", "mm7_nowhere:x", "mm7_nowhere", "mm7_nowhere..x"]
)
@pytest.mark.usefixtures("partners")
def test_as_resolver_names_that_lead_nowhere(name: str) -> None:
    """A dotted name that cannot be imported is a ValueError that shows it."""
    with pytest.raises(ValueError, match=f"'{name}' cannot be imported"):
        as_resolver(name)


@pytest.mark.parametrize(
    "text", ["", "acme=s3cret", "acme:s3cret,other:0ther", "acme s3cret", "s3cret!", "a:s3cret:b", "s3cret.toml "]
)
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

    with pytest.raises(TypeError, match=r"test_resolvers\.\S*partners gave back") as refusal:
        identify(as_resolver(partners), (by_name("acme", SECRET),))
    assert SECRET not in str(refusal.value)


def test_identify_names_resolvers_that_are_objects() -> None:
    """An object is named by its class, since its repr may show what it holds."""

    class Broken(Directory):
        def resolve(self, credentials: Credentials) -> Any:
            return 7

    with pytest.raises(TypeError, match=r"test_resolvers\.\S*Broken gave back int"):
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
