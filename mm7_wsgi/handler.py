"""A handler with one method per operation."""

from __future__ import annotations

import re
from typing import Any

from .protocol.errors import UnsupportedOperation
from .protocol.messages import REQUESTS
from .request import MM7Request

_OPERATIONS = tuple(request.operation for request in REQUESTS.values())


class MM7Handler:
    """The base of a handler: define a method for each operation that you serve, and leave out the rest.

    ::

        class Inbox(MM7Handler):
            def submit(self, request, message):
                store(message.recipients, [part.data for part in request.leaves()])

    The methods are ``submit``, ``deliver``, ``cancel``, ``replace``, ``extended_cancel``, ``extended_replace``,
    ``delivery_report`` and ``read_reply``, each called with the :class:`MM7Request` and its message. An operation
    without a method is answered 4003, Unsupported operation.

    A public method whose name misses one of these narrowly (``on_submit``, ``delivery_reports``) raises ``TypeError``
    when the class is made: nothing would ever call it.
    """

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for name, value in vars(cls).items():
            if callable(value) and not name.startswith("_") and (meant := _nearly(name)):
                raise TypeError(f"{cls.__qualname__}.{name} would never be called; the operation is {meant!r}")

    def __call__(self, request: MM7Request) -> Any:
        """Hand the request to the method of its operation."""
        operation = request.message.operation
        method = getattr(self, operation, None)
        if method is None:
            raise UnsupportedOperation(details=f"{request.message.element_name} is not served here")
        return method(request, request.message)


_WORD_BORDER = re.compile("(?<=[a-z])(?=[A-Z])")
_AFFIXES = re.compile("^(?:on|handle|do)_|_?(?:req|request|s)$")


def _nearly(name: str) -> str | None:
    """The operation that a method's name was meant to be; None where it is one, or has nothing to do with any."""
    if name in _OPERATIONS:
        return None
    bare = _AFFIXES.sub("", _WORD_BORDER.sub("_", name).lower())
    for operation in _OPERATIONS:
        if bare.replace("_", "") == operation.replace("_", "") or _one_slip(bare, operation):
            return operation
    return None


def _one_slip(written: str, meant: str) -> bool:
    """Whether one letter is wrong, missing or too many, or two are swapped. ``replaced`` is a word of its own."""
    if written.endswith("ed"):
        return False
    shorter = min(len(written), len(meant))
    start = next((place for place in range(shorter) if written[place] != meant[place]), shorter)
    end = next((place for place in range(shorter - start) if written[-1 - place] != meant[-1 - place]), shorter - start)
    left, right = written[start : len(written) - end], meant[start : len(meant) - end]
    return max(len(left), len(right)) == 1 or (len(left) == 2 and left == right[::-1])
