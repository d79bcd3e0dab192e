"""Hashes of passwords, as an account file and a mapping of accounts take them."""

from __future__ import annotations

from typing import Final

from werkzeug.security import generate_password_hash

from ..credentials import UNPRESENTABLE

__all__ = ["METHODS", "hash_of"]

#: What werkzeug can make, each with the cost that werkzeug thinks right today.
METHODS: Final = ("scrypt", "pbkdf2")


def hash_of(password: str, method: str) -> str:
    """The hash of a password, with a fresh salt: one word that shows nothing of it.

    Raises ``ValueError`` for a password that is empty, or that no request could present; it does not show it.
    """
    if not password:
        raise ValueError("the password is empty")
    if UNPRESENTABLE.search(password):
        raise ValueError("the password holds NUL, CR or LF, and no request can")
    if not _is_text(password):
        raise ValueError("the password is not UTF-8")
    return generate_password_hash(password, method)


def _is_text(password: str) -> bool:
    try:
        password.encode()
    except UnicodeEncodeError:  # raised again, it would carry the password around
        return False
    return True
