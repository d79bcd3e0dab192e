"""The table over a mapping: secrets, addresses, what a refusal costs, and what is remembered."""

from __future__ import annotations

import gc
import os
import runpy
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.security import check_password_hash

from mm7_wsgi import account_table as module
from mm7_wsgi.account_table import AccountTable
from mm7_wsgi.accounts import Account, Plain

KNOWN = runpy.run_path(str(Path(__file__).with_name("known.py")))
SECRET, SCRYPT, SCRYPT_DEARER, PBKDF2 = (KNOWN[name] for name in ("SECRET", "SCRYPT", "SCRYPT_DEARER", "PBKDF2"))
MIXED, Clock, hashed, name_of = (KNOWN[name] for name in ("MIXED", "Clock", "hashed", "name_of"))
by_name, by_address, checks = (KNOWN[name] for name in ("by_name", "by_address", "checks"))

SCRYPT_HEX = "0" * 128


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
        (
            {"192.0.2.0/24": None, "192.0.2.*": None},
            ValueError,
            "'192.0.2.0/24' and '192.0.2.\\*' are the same network",
        ),
        ({"192.*.2.7": SECRET}, ValueError, r"accounts: '192\.\*\.2\.7': a \* stands"),
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
    "172.16.*": None,
    "172.16.5.*": None,
    "acme.*": None,
    "*": None,
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
        ("172.16.4.1", "172.16.*"),
        ("172.16.5.1", "172.16.5.*"),
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
