"""Whose the credentials are.

A host says who may send in whatever form it has at hand: a mapping, a function, an object of its own.
:func:`as_resolver` makes one thing of them, a :class:`Resolver`, and :func:`identify` is the only one to ask it.
"""

from __future__ import annotations

import os
import pkgutil
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

from .account_file import AccountFile
from .account_table import AccountTable
from .accounts import Account
from .credentials import Credentials
from .protocol.errors import StaleNonce, Unauthorized

__all__ = ["Resolver", "as_resolver", "identify", "kind_of"]

_DOTTED = re.compile(r"[\w.]+(?::[\w.]*)?")


@runtime_checkable
class Resolver(Protocol):
    """Finds the account that credentials belong to.

    Of ``"uri"``, ``"basic"`` and ``"digest"`` credentials it must check the secret, which :meth:`.Credentials.matches`
    does in constant time. It may be called from several threads at once. Raise :class:`~mm7_wsgi.Unauthorized` to
    refuse with challenges of your own.
    """

    def resolve(self, credentials: Credentials) -> Account | None:
        """The account, or None if there is none or the secret is wrong."""
        ...


def as_resolver(accounts: object) -> Resolver:
    """A resolver made of what the host has.

    That is a mapping of names to None, a secret, a list of secrets or an :class:`Account`; the path of an account file
    (a string that ends in ``.toml``, or an ``os.PathLike``); an object with ``resolve``; a callable; or the dotted name
    of any of these but a string (``"shop.partners:find_account"``). Raises ``TypeError`` for anything else, and
    ``ValueError`` for a name that leads nowhere, or a mapping or a file that is wrong in itself.
    """
    if isinstance(accounts, str):
        if accounts.endswith(".toml"):
            return AccountFile(accounts)
        if not _DOTTED.fullmatch(accounts):
            # Not shown: it may be what belongs into a mapping.
            raise ValueError(
                "accounts: a string has to be a dotted name, as package.module:name, or the path of a .toml file"
            )
        try:
            found = pkgutil.resolve_name(accounts)
        except (ValueError, ImportError, AttributeError) as error:
            raise ValueError(f"accounts: {accounts!r} cannot be imported: {error}") from error
        if isinstance(found, str):
            raise TypeError(f"accounts: {accounts!r} is a string, where accounts were expected")
        return as_resolver(found)
    if isinstance(accounts, os.PathLike):  # before all else, since a Path has a method resolve
        return AccountFile(accounts)
    # A class would be called, or its method, with the credentials in the place of self.
    if not isinstance(accounts, type):
        if isinstance(accounts, Resolver) and callable(accounts.resolve):
            return accounts
        if isinstance(accounts, Mapping):
            return AccountTable(accounts)
        if callable(accounts):
            return _CallableResolver(accounts)
    raise TypeError(
        "accounts has to be a mapping, a callable, an object with a method resolve, the dotted name of one, or a path, "
        f"not {kind_of(accounts)}"
    )


def kind_of(value: object) -> str:
    """What stands where something else belongs, for an error. Never its value: that may be secrets."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


class _CallableResolver:
    __slots__ = ("resolve",)

    def __init__(self, function: Callable[[Credentials], Account | None]) -> None:
        self.resolve = function


def identify(resolver: Resolver, credentials: tuple[Credentials, ...]) -> Account:
    """The one account that all ``credentials`` belong to, allowed to send from where it does.

    Raises :class:`~mm7_wsgi.protocol.errors.Unauthorized`, with one text for all reasons; its subclass ``StaleNonce``
    where nothing is wrong but the nonce of a Digest response; and ``TypeError`` for a resolver that gives back anything
    but an :class:`Account` or None. What the resolver itself raises passes through.
    """
    identified: Account | None = None
    for shown in credentials:
        account = resolver.resolve(shown)
        if account is None:
            raise Unauthorized
        if not isinstance(account, Account):
            raise TypeError(f"{_described(resolver)} gave back {type(account).__name__}, not an Account or None")
        if not account.allows(shown.address) or (identified is not None and account.name != identified.name):
            raise Unauthorized
        identified = identified or account
    if identified is None:
        raise Unauthorized
    # Last, so that it tells nothing to those who do not know the secret.
    if any(shown.digest is not None and not shown.digest.fresh for shown in credentials):
        raise StaleNonce
    return identified


def _described(resolver: Resolver) -> str:
    # By name, not by repr, which is the host's and may show what the object holds.
    thing: Any = resolver.resolve if isinstance(resolver, _CallableResolver) else resolver
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}"
