"""Settings of a host, as they become keywords of an endpoint."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import AccountTable, Digest, Limits, MM7Endpoint, MM7Handler
from mm7_wsgi.hosts.settings import keywords
from mm7_wsgi.testing import MM7Client

ACCOUNTS = {"acme": "s3cret"}


class Inbox(MM7Handler):
    """A handler that takes no arguments."""


class Outbox(MM7Handler):
    """A handler that does."""

    def __init__(self, store: object) -> None:
        self.store = store


@pytest.fixture(autouse=True)
def _shop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module of the host's, to be named in settings."""
    shop = types.ModuleType("shop")
    shop.accounts, shop.Inbox, shop.Outbox, shop.take = ACCOUNTS, Inbox, Outbox, print  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shop", shop)


def read(more: dict[str, object], prefix: str = "mm7.", **options: Any) -> dict[str, Any]:
    """The keywords but for the accounts, which are there."""
    accounts = "MM7_ACCOUNTS" if prefix == "MM7_" else f"{prefix}accounts"
    found = keywords({accounts: "shop:accounts", **more}, prefix, root="/etc/shop", **options)
    assert isinstance(found.pop("accounts"), AccountTable)
    return found


TEXTS = {
    "path": "/mms",
    "strict": "yes",
    "allow_chunked": "off",
    "limits.body": "50_000_000",
    "limits.mime_depth": "3",
    "throttle": "none",
    "transactions": "none",
    "observer": "shop:accounts",
    "schemes": "digest, basic",
}
MEANT = {
    "path": "/mms",
    "strict": True,
    "allow_chunked": False,
    "limits": Limits(body=50_000_000, mime_depth=3),
    "observer": ACCOUNTS,
    "schemes": ["digest", "basic"],
}


def test_text_is_all_that_a_setting_needs() -> None:
    capitals = {f"MM7_{name.replace('.', '_').upper()}": text for name, text in TEXTS.items()}
    assert read(capitals, "MM7_") == MEANT
    assert read({f"mm7.{name}": text for name, text in TEXTS.items()}, "mm7.") == MEANT
    assert read(dict(TEXTS), "") == MEANT


def test_what_others_have_in_the_same_place_is_theirs() -> None:
    assert read({"sqlalchemy.url": "x", "mm7": "x", "MM7_PATH": "/x", 7: "x"}) == {}  # type: ignore[dict-item]


@pytest.mark.parametrize("text", ["true", "Yes", " ON ", "1", 1, True], ids=repr)
def test_a_boolean_can_be_said_in_many_ways(text: object) -> None:
    assert read({"mm7.strict": text}) == {"strict": True}


@pytest.mark.parametrize("text", ["false", "No", "off", "0", 0, False], ids=repr)
def test_and_so_can_its_opposite(text: object) -> None:
    assert read({"mm7.strict": text}) == {"strict": False}


def test_single_limits_stand_above_all_of_them() -> None:
    both = {"mm7.limits.body": "5", "mm7.limits": {"body": "7", "parts": 9}}
    assert read(both)["limits"] == Limits(body=5, parts=9)
    assert read({"mm7.limits": Limits(parts=3), "mm7.limits.body": 5})["limits"] == Limits(body=5, parts=3)
    assert read({"mm7.limits": {"parts": 3}})["limits"] == Limits(parts=3)


@pytest.mark.parametrize("given", ["digest", " digest ", ["digest"], ("digest",)], ids=repr)
def test_schemes_are_a_list_or_words(given: object) -> None:
    settings = {"MM7_SCHEMES": given, "MM7_ACCOUNTS": ACCOUNTS}
    MM7Endpoint(print, **keywords(settings, "MM7_", root="."))
    assert list(read(settings, "MM7_")["schemes"]) == ["digest"]


def test_a_digest_is_made_of_its_arguments() -> None:
    texts = {"secret": "sixteen letters!", "lifetime": "60", "algorithms": "MD5"}
    (digest,) = read({f"MM7_DIGEST_{name.upper()}": text for name, text in texts.items()}, "MM7_").values()
    (same,) = read({f"mm7.digest.{name}": text for name, text in texts.items()}).values()
    assert (digest.lifetime, list(digest.algorithms)) == (60, ["MD5"])
    nonce = digest.challenges()[0].split('nonce="')[1].split('"')[0]
    assert same.is_fresh(nonce)
    assert not Digest().is_fresh(nonce)


def test_a_digest_may_be_there_already() -> None:
    digest = Digest()
    assert read({"mm7.digest": digest}) == {"digest": digest}
    assert read({"mm7.digest.lifetime": 60}, given={"digest": digest}) == {"digest": digest}
    with pytest.raises(ValueError, match=r"^mm7\.digest is set, and so is mm7\.digest\.lifetime, which it has in it$"):
        read({"mm7.digest": digest, "mm7.digest.lifetime": 60})


def test_a_relative_account_file_is_below_the_root_of_the_host() -> None:
    def accounts(value: object) -> object:
        return keywords({"mm7.accounts": value}, "mm7.", root="/etc/shop")["accounts"]

    assert accounts("mm7-accounts.toml") == "/etc/shop/mm7-accounts.toml"
    assert accounts(Path("conf/mm7.toml")) == "/etc/shop/conf/mm7.toml"
    assert accounts("/srv/mm7.toml") == "/srv/mm7.toml"


def test_a_named_handler_is_made_where_it_is_a_class() -> None:
    assert isinstance(read({"mm7.handler": "shop:Inbox"}, handler=True)["handler"], Inbox)
    assert read({"mm7.handler": "shop:take"}, handler=True)["handler"] is print
    assert read({"mm7.handler": print}, handler=True)["handler"] is print


def test_no_throttle_is_imported_where_none_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mm7_wsgi.throttle", None)
    for text in ("none", "", "Off", None):
        assert read({"mm7.throttle": text}) == {}
    thing = object()
    assert read({"mm7.throttle": thing}) == {"throttle": thing}


def test_a_throttle_is_made_of_its_url(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle = types.ModuleType("mm7_wsgi.throttle")
    throttle.Throttle = lambda url: ("throttle", url)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mm7_wsgi.throttle", throttle)
    assert read({"mm7.throttle": "memory://"}) == {"throttle": ("throttle", "memory://")}


def test_a_log_of_transactions_is_made_of_its_url(tmp_path: Path, require: Any) -> None:
    require("sqlalchemy")
    (log,) = read({"mm7.transactions": f" sqlite:///{tmp_path}/mm7.db "}).values()
    assert repr(log) == f"<TransactionLog sqlite:///{tmp_path}/mm7.db>"
    thing = object()
    assert read({"mm7.transactions": thing}) == {"transactions": thing}
    with pytest.raises(ValueError, match=r"^mm7\.transactions: the database has to be SQLite or PostgreSQL, not mysql"):
        read({"mm7.transactions": "mysql://host/name"})


def test_a_log_of_transactions_is_told_what_becomes_of_another_message(tmp_path: Path, require: Any) -> None:
    require("sqlalchemy")
    url = f"sqlite:///{tmp_path}/mm7.db"
    for prefix, name in (("mm7.", "mm7.transactions"), ("MM7_", "MM7_TRANSACTIONS")):
        reuse = f"{name}.reuse" if prefix == "mm7." else f"{name}_REUSE"
        for written, codes in (
            ({}, [1000, 1000]),
            ({reuse: " refuse "}, [1000, 2000]),
            ({reuse: "accept"}, [1000, 1000]),
        ):
            (log,) = read({**written, name: url}, prefix).values()
            client = MM7Client(MM7Endpoint(print, accounts={"acme": "s3cret"}, transactions=log), "acme", "s3cret")
            found = [client.submit(transaction_id=f"{prefix}{written}", to=to).status_code for to in ("+1", "+2")]
            log.close()
            assert found == codes
        for other in ({}, {name: "none"}, {name: None}, {name: object()}):
            with pytest.raises(ValueError, match=rf"^{reuse} is for a log that is made of a URL, and {name} is none$"):
                read({**other, reuse: "refuse"}, prefix)
        with pytest.raises(ValueError, match=rf"^{reuse} has to be accept or refuse, not 'maybe'$"):
            read({name: url, reuse: "maybe"}, prefix)
        with pytest.raises(TypeError, match=rf"^{reuse} has to be text, not bool$"):
            read({name: url, reuse: True}, prefix)
    thing = object()
    given = {"accounts": ACCOUNTS, "transactions": thing}
    assert keywords({"mm7.transactions.reuse": "maybe"}, "mm7.", root=".", given=given) == given


def test_what_is_given_in_code_stands_above_the_settings() -> None:
    settings = {"mm7.accounts": "nowhere:accounts", "mm7.limits.body": "junk", "mm7.path": "/mms"}
    given = {"accounts": ACCOUNTS, "limits": Limits(body=5)}
    assert keywords(settings, "mm7.", root=".", given=given) == {**given, "path": "/mms"}


def test_the_keywords_are_those_of_an_endpoint() -> None:
    settings = {"accounts": ACCOUNTS, "path": "/mms", "strict": "yes", "allow_chunked": "no", "limits.body": "5"}
    assert MM7Endpoint(print, **keywords(settings, "", root=".")).path == "/mms"


@pytest.mark.parametrize(
    ("prefix", "key", "value", "message"),
    [
        ("mm7.", "mm7.strict", "maybe", "mm7.strict has to be true or false (or yes, no, on, off, 1, 0), not 'maybe'"),
        ("MM7_", "MM7_STRICT", 2, "MM7_STRICT has to be true or false (or yes, no, on, off, 1, 0), not 2"),
        ("", "allow_chunked", None, "allow_chunked has to be true or false (or yes, no, on, off, 1, 0), not None"),
        ("mm7.", "mm7.path", "mm7", "mm7.path: path has to be segments with a slash before each"),
        ("MM7_", "MM7_PATH", 5, "MM7_PATH has to be text, not int"),
        ("mm7.", "mm7.limits.body", "lots", "mm7.limits.body has to be a positive whole number, not 'lots'"),
        ("MM7_", "MM7_LIMITS_BODY", 0, "MM7_LIMITS_BODY has to be a positive whole number, not 0"),
        ("MM7_", "MM7_LIMITS_DISCARD", "-1", "MM7_LIMITS_DISCARD has to be a whole number, 0 or more, not '-1'"),
        ("mm7.", "mm7.limits", "body=5", "mm7.limits has to be a Limits or a mapping of its names to numbers, not str"),
        ("MM7_", "MM7_LIMITS", {"part": 5}, "MM7_LIMITS: part is no limit; parts is one"),
        ("MM7_", "MM7_LIMITS", {"XYZ": 5}, "MM7_LIMITS: XYZ is no limit; they are body, envelope,"),
        ("MM7_", "MM7_LIMITS", {"body": "x"}, "MM7_LIMITS: body has to be a positive whole number, not 'x'"),
        ("mm7.", "mm7.schemes", "basic, bearer", "mm7.schemes: schemes has to be a list with 'basic' or 'digest' or"),
        ("MM7_", "MM7_SCHEMES", "", "MM7_SCHEMES: schemes has to be a list with 'basic' or 'digest' or both, and ''"),
        ("MM7_", "MM7_SCHEMES", 5, "MM7_SCHEMES: schemes has to be a list with 'basic' or 'digest' or both, not int"),
        ("MM7_", "MM7_DIGEST_SECRET", "s3cret", "MM7_DIGEST_SECRET: secret has to have at least 16 characters"),
        ("MM7_", "MM7_DIGEST_SECRET", 123456, "MM7_DIGEST_SECRET: secret has to be text or bytes, not int"),
        ("mm7.", "mm7.digest.lifetime", "soon", "mm7.digest.lifetime has to be a number of seconds, not 'soon'"),
        ("mm7.", "mm7.digest.lifetime", "-1", "mm7.digest.lifetime: lifetime has to be a positive number of seconds"),
        ("mm7.", "mm7.digest.algorithms", "SHA", "mm7.digest.algorithms: algorithms has to be a list with 'SHA-256'"),
        ("mm7.", "mm7.digests", "x", "mm7.digests is no setting of mm7_wsgi; mm7.digest is one"),
        ("mm7.", "mm7.observer", "no where", "mm7.observer has to be a dotted name, as package.module:name"),
        ("mm7.", "mm7.observer", "shop:Nobody", "mm7.observer: 'shop:Nobody' cannot be imported: "),
        ("mm7.", "mm7.observer", "shop:Outbox", "mm7.observer: "),
        ("MM7_", "MM7_ACCOUNTS", ["s3cret"], "MM7_ACCOUNTS: accounts has to be a mapping, a callable"),
        ("mm7.", "mm7.accounts", "acme=s3cret", "mm7.accounts: accounts: a string has to be a dotted name"),
        ("MM7_", "MM7_ACCOUNT", ACCOUNTS, "MM7_ACCOUNT is no setting of mm7_wsgi; MM7_ACCOUNTS is one"),
        ("mm7.", "mm7.limits.boddy", "5", "mm7.limits.boddy is no setting of mm7_wsgi; mm7.limits.body is one"),
        ("mm7.", "mm7.handler", "shop:Inbox", "mm7.handler is no setting of mm7_wsgi; they are mm7.accounts, mm7.path"),
        (
            "",
            "unheard",
            "5",
            "unheard is no setting of mm7_wsgi; they are accounts, path, strict, allow_chunked, ",
        ),
    ],
)
def test_a_setting_that_cannot_work_is_named_as_it_is_written(
    prefix: str, key: str, value: object, message: str
) -> None:
    settings = {("MM7_ACCOUNTS" if prefix == "MM7_" else f"{prefix}accounts"): "shop:accounts", key: value}
    with pytest.raises((TypeError, ValueError)) as caught:
        keywords(settings, prefix, root=".")
    assert str(caught.value).startswith(message)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(("prefix", "name"), [("mm7.", "mm7.accounts"), ("MM7_", "MM7_ACCOUNTS"), ("", "accounts")])
def test_without_accounts_nothing_is_served(prefix: str, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} is missing: it says who may send$"):
        keywords({}, prefix, root=".")
