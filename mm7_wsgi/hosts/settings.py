"""The keywords of an endpoint, made of the settings that a host keeps: an ini file, ``app.config``, an environment.

::

    keywords({"mm7.accounts": "shop.partners:accounts", "mm7.limits.body": "50_000_000"}, "mm7.", root="/etc/shop")

The names are those of :class:`~mm7_wsgi.MM7Endpoint`, behind the prefix of the host and, where that is in capitals, in
capitals: ``mm7.limits.body`` and ``MM7_LIMITS_BODY`` are one setting. Every value may be text.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import os
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from ..accounts import REUSES
from ..digest import Digest
from ..endpoint import MM7Endpoint
from ..protocol.limits import MAY_BE_ZERO, Limits
from ..resolvers import as_resolver

__all__ = ["keywords"]

_OF_DIGEST: Final = ("secret", "lifetime", "algorithms")
_LIMITS: Final = tuple(field.name for field in dataclasses.fields(Limits))
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_NONE: Final = ("", "none", "no", "off", "false")
_DOTTED: Final = re.compile(r"[\w.]+(?::[\w.]+)?")


def keywords(
    settings: Mapping[str, object],
    prefix: str,
    *,
    root: str | os.PathLike[str],
    given: Mapping[str, Any] | None = None,
    handler: bool = False,
) -> dict[str, Any]:
    """What ``MM7Endpoint`` is to be called with, as ``settings`` say it under names that begin with ``prefix``.

    ``accounts``
        The dotted name of accounts, an account file (``mm7-accounts.toml``, below ``root`` where it is relative), or
        whatever an endpoint takes.
    ``path``
        As the endpoint's.
    ``strict``, ``allow_chunked``
        true or false, yes or no, on or off, 1 or 0.
    ``limits``, ``limits.body`` …
        A :class:`~mm7_wsgi.Limits` or a mapping of its names to numbers, and single ones of them, which stand above it.
    ``throttle``
        A ``Throttle``, or the URL that one is made of; ``none`` for none.
    ``transactions``
        A ``TransactionLog``, or the URL that one is made of; ``none`` for none.
    ``transactions.reuse``
        ``accept`` or ``refuse``, as the ``reuse`` of the log that is made of a URL.
    ``schemes``
        The names of schemes, with commas or blanks between them: ``basic, digest``.
    ``digest``, ``digest.secret``, ``digest.lifetime``, ``digest.algorithms``
        A :class:`~mm7_wsgi.Digest`, or the arguments of one.
    ``observer``
        An observer, or the dotted name of one; a class is called without arguments.
    ``handler``
        The same of a handler, where ``handler`` is true.

    What is ``given`` in code is handed back as it is, and its settings are not read. Raises ``ValueError`` or
    ``TypeError`` that names the setting as it is written, also for one that begins with ``prefix`` and is none of
    these, and where there are no accounts. No value is shown that may be a secret.
    """
    given = given or {}
    log = _log_options(settings, prefix) if "transactions" not in given else {}
    read: dict[str, Any] = {
        "accounts": lambda key, value: _accounts(key, value, root),
        "path": _path,
        "strict": _boolean,
        "allow_chunked": _boolean,
        "limits": _limits,
        **{f"limits.{name}": functools.partial(_number, name) for name in _LIMITS},
        "throttle": lambda key, value: _made_of_url(key, value, "mm7_wsgi.throttle:Throttle"),
        "transactions": lambda key, value: _made_of_url(key, value, "mm7_wsgi.spool:TransactionLog", **log),
        "transactions.reuse": lambda key, value: None,  # it is in log already
        "schemes": _schemes,
        "digest": lambda key, value: value,
        "digest.secret": _secret,
        "digest.lifetime": _seconds,
        "digest.algorithms": _algorithms,
        "observer": _object,
    } | ({"handler": _object} if handler else {})
    names = {_written(name, prefix): name for name in read}
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if not isinstance(key, str) or not key.startswith(prefix):
            continue
        if key not in names:
            raise ValueError(_unknown(key, prefix, list(names)))
        name = names[key]
        if name.partition(".")[0] not in given:
            made = read[name](key, value)
            if made is not None:
                found[name] = made
    single = {name: found.pop(f"limits.{name}") for name in _LIMITS if f"limits.{name}" in found}
    if single:
        found["limits"] = dataclasses.replace(found.get("limits", Limits()), **single)
    arguments: dict[str, Any] = {name: found.pop(f"digest.{name}") for name in _OF_DIGEST if f"digest.{name}" in found}
    if arguments:
        if "digest" in found:
            both = ", ".join(_written(f"digest.{name}", prefix) for name in arguments)
            raise ValueError(f"{_written('digest', prefix)} is set, and so is {both}, which it has in it")
        found["digest"] = Digest(**arguments)
    result = {**found, **given}
    if "accounts" not in result:
        raise ValueError(f"{_written('accounts', prefix)} is missing: it says who may send")
    return result


def _written(name: str, prefix: str) -> str:
    """``limits.body`` as this host writes it."""
    return prefix + (name.replace(".", "_").upper() if prefix.isupper() else name)


def _unknown(key: str, prefix: str, names: list[str]) -> str:
    bare = {name[len(prefix) :]: name for name in names}  # else the prefix alone would make them alike
    near = [bare[name] for name in difflib.get_close_matches(key[len(prefix) :], bare, 1)]
    few = [name for name in names if not name.startswith(_written("limits.", prefix))]
    return f"{key} is no setting of mm7_wsgi; {_proposed(near, few)}"


def _proposed(near: Sequence[str], names: Iterable[str]) -> str:
    return f"{near[0]} is one" if near else f"they are {', '.join(names)}"


def _accounts(key: str, value: object, root: str | os.PathLike[str]) -> object:
    if isinstance(value, (str, os.PathLike)):
        path = os.fspath(value)
        if isinstance(path, str) and path.endswith(".toml"):
            return os.path.join(root, path)  # the file is read by the endpoint, whose errors name it
    return _judged(key, as_resolver, value)


def _path(key: str, value: object) -> str:
    text = _text(key, value)
    _judged(key, lambda path: MM7Endpoint(_nobody, accounts={}, path=path), text)
    return text


def _nobody(request: object) -> None:
    raise NotImplementedError


def _boolean(key: str, value: object) -> bool:
    found = _BOOLEANS.get(str(value).strip().lower()) if isinstance(value, (str, int)) else None
    if found is None:
        raise ValueError(f"{key} has to be true or false (or yes, no, on, off, 1, 0), not {value!r}")
    return found


def _limits(key: str, value: object) -> Limits:
    if isinstance(value, Limits):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"{key} has to be a Limits or a mapping of its names to numbers, not {type(value).__name__}")
    numbers = {}
    for name, number in value.items():
        if name not in _LIMITS:
            near = difflib.get_close_matches(str(name), _LIMITS, 1)
            raise ValueError(f"{key}: {name} is no limit; {_proposed(near, _LIMITS)}")
        numbers[name] = _number(name, f"{key}: {name}", number)
    return Limits(**numbers)


def _schemes(key: str, value: object) -> object:
    schemes = _listed(value)
    _judged(key, lambda given: MM7Endpoint(_nobody, accounts={}, schemes=given), schemes)
    return schemes


def _algorithms(key: str, value: object) -> object:
    algorithms = _listed(value)
    _judged(key, lambda given: Digest(algorithms=given), algorithms)
    return algorithms


def _listed(value: object) -> object:
    """Text with commas or blanks between its words, as a list of them."""
    return re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value


def _secret(key: str, value: object) -> object:
    _judged(key, lambda given: Digest(secret=given), value)
    return value


def _seconds(key: str, value: object) -> object:
    try:
        seconds: Any = float(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"{key} has to be a number of seconds, not {value!r}") from None
    _judged(key, lambda given: Digest(lifetime=given), seconds)
    return seconds


def _number(name: str, key: str, value: object) -> int:
    """The limit ``name``, as the setting ``key`` gives it."""
    try:
        number = int(value) if isinstance(value, str) else value
        made: int = getattr(Limits(**{name: number}), name)  # type: ignore[arg-type]
    except ValueError:
        kind = "a whole number, 0 or more" if name in MAY_BE_ZERO else "a positive whole number"
        raise ValueError(f"{key} has to be {kind}, not {value!r}") from None
    return made


def _log_options(settings: Mapping[str, object], prefix: str) -> dict[str, Any]:
    """Return what a log is made with beside its URL."""
    key, of = _written("transactions.reuse", prefix), _written("transactions", prefix)
    if key not in settings:
        return {}
    reuse = _text(key, settings[key])
    if reuse not in REUSES:
        raise ValueError(f"{key} has to be {' or '.join(REUSES)}, not {reuse!r}")
    url = settings.get(of)
    if not isinstance(url, str) or url.strip().lower() in _NONE:
        raise ValueError(f"{key} is for a log that is made of a URL, and {of} is none")
    return {"reuse": reuse}


def _made_of_url(key: str, value: object, what: str, **options: Any) -> object:
    if value is None or (isinstance(value, str) and value.strip().lower() in _NONE):
        return None
    if not isinstance(value, str):
        return value
    # Imported where it is asked for, since it needs more packages.
    make = pkgutil.resolve_name(what)
    return _judged(key, lambda url: make(url, **options), value.strip())


def _object(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    name = value.strip()
    if not _DOTTED.fullmatch(name):
        raise ValueError(f"{key} has to be a dotted name, as package.module:name")
    try:
        found = pkgutil.resolve_name(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise ValueError(f"{key}: {name!r} cannot be imported: {error}") from error
    return _judged(key, lambda made: made(), found) if isinstance(found, type) else found


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{key} has to be text, not {type(value).__name__}")
    return value.strip()


def _judged(key: str, judge: Callable[[Any], Any], value: object) -> Any:
    """What ``judge`` makes of ``value``; its error begins with the name of the setting."""
    try:
        return judge(value)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{key}: {error}") from error
