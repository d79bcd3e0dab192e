"""Accounts that are known, and the credentials that peers show for them, for the tests of accounts and resolvers.

Test modules load this with ``runpy``, since those that pytest imports by their path cannot import each other.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from werkzeug.security import check_password_hash, generate_password_hash

from mm7_wsgi import account_table
from mm7_wsgi.accounts import Account
from mm7_wsgi.credentials import Credentials

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

    monkeypatch.setattr(account_table, "check_password_hash", check)
    return methods


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
