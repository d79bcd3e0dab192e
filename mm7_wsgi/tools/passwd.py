"""Hashes of passwords, as an account file and a mapping of accounts take them."""

from __future__ import annotations

from typing import Final

from werkzeug.security import generate_password_hash

from ..credentials import UNPRESENTABLE
from ..digest import ALGORITHMS, write_ha1

__all__ = ["METHODS", "ha1s_for", "hash_of"]

#: What werkzeug can make, each with the cost that werkzeug thinks right today.
METHODS: Final = ("scrypt", "pbkdf2")


def hash_of(password: str, method: str) -> str:
    """The hash of a password, with a fresh salt: one word that shows nothing of it.

    Raises ``ValueError`` for a password that is empty, or that no request could present; it does not show it.
    """
    _check(password)
    return generate_password_hash(password, method)


def ha1s_for(account: str, password: str) -> list[str]:
    """Return the HA1s of ``account`` as an account file takes them, one for each algorithm of Digest.

    Raises ``ValueError`` as :func:`hash_of`.
    """
    _check(password)
    return [write_ha1(algorithm, account, password) for algorithm in ALGORITHMS]


def _check(password: str) -> None:
    if not password:
        raise ValueError("the password is empty")
    if UNPRESENTABLE.search(password):
        raise ValueError("the password holds NUL, CR or LF, and no request can")
    if not _is_text(password):
        raise ValueError("the password is not UTF-8")


def _is_text(password: str) -> bool:
    try:
        password.encode()
    except UnicodeEncodeError:  # raised again, it would carry the password around
        return False
    return True
