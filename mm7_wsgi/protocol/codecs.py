"""How the values of elements and attributes are read and written, each by a codec.

A codec reads what senders are known to write instead of what the schema has, and notes it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from difflib import SequenceMatcher, get_close_matches
from enum import Enum
from functools import partial
from itertools import repeat
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar, Final, Generic, TypeVar

from .deviations import Deviations
from .errors import AddressError
from .limits import Limits
from .soap import (
    Element,
    Node,
    Writer,
    attributes_of,
    element_of,
    escape_attribute,
    escape_text,
    has_text,
    is_mm7,
    split_name,
    tag_of,
    text_of,
    tidy,
)
from .status import StatusCode, known_status
from .values import (
    Address,
    AddressCoding,
    AddressKind,
    Duration,
    format_date_time,
    is_version,
    parse_date_time,
    parse_loose_date_time,
    plain_date_time,
)

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class WrongForm(Exception):
    """A value cannot be read; the message says why. Whoever declares the element decides what that means."""

    #: The place for a person, once it is known.
    where: str = ""


class Missing(WrongForm):
    """A mandatory element or attribute is not there."""


class Reader:
    """One reading of one message: where it stands, what deviated, and what it has no field for."""

    __slots__ = (
        "_compared",
        "deviations",
        "extensions",
        "guards_recipients",
        "limits",
        "moved",
        "namespace",
        "path",
        "recipients",
    )

    def __init__(
        self, limits: Limits, deviations: Deviations, operation: Node, *, guards_recipients: bool = False
    ) -> None:
        self.limits = limits
        self.deviations = deviations
        #: Whether it can have recipients, so that one in a wrong place must not be passed over.
        self.guards_recipients = guards_recipients
        self._compared: dict[str, bool] = {}
        name, self.namespace, _ = split_name(operation.tag)
        self.path = [name]
        self.extensions: list[Element] = []
        #: Elements that stood elsewhere, by identity: where they are now says nothing of their order.
        self.moved: dict[int, Node] = {}
        self.recipients = 0

    def at(self, *names: str) -> str:
        """The place for a person: ``SubmitReq/Recipients/To``."""
        return "/".join([*self.path, *names])

    def is_ours(self, namespace: str | None) -> bool:
        """Whether an element in ``namespace`` is to be matched by its name: that is one of MM7, or none.

        Who leaves the namespace out leaves it out everywhere, so it is told once for all elements beside each other.
        """
        if namespace == self.namespace:
            return True
        if namespace is None:
            self.deviations.note("namespace-missing", self.at("*"))
            return True
        if not is_mm7(tidy(namespace)):
            return False
        self.deviations.note("namespace-mixed", self.at("*"))
        return True

    def unknown(self, node: Node) -> None:
        """Keep an element that has no field. ``Extension`` is the schema's own place for them.

        Raises :class:`AddressError` for one that is called as recipients are, and is in the wrong place.
        """
        element = element_of(node)
        if element.name != "Extension":
            self.check_no_recipients(node)
            self.deviations.note("element-unknown", self.at(element.name[:80]))
        self.extensions.append(element)

    def check_no_recipients(self, node: Node) -> None:
        """Raise :class:`AddressError` where an element that is not read has recipients in it.

        In a vendor's own, only its own name is looked at. Nothing is where the message can have no recipients.
        """
        if not self.guards_recipients:
            return
        namespace = split_name(node.tag)[1]
        is_vendors = namespace is not None and not is_mm7(tidy(namespace))
        waiting = [node]
        while waiting:  # deep as the limits allow, so without recursion
            inside = waiting.pop()
            name = split_name(inside.tag)[0]
            if name.lower() in _RECIPIENTS or self._is_misspelt(name):
                if may_hold_address(inside):
                    place = self.at(name[:80])
                    raise AddressError(details=f"{place}: it may hold recipients, and they have no place here")
            elif not is_vendors:
                waiting += inside

    def _is_misspelt(self, name: str) -> bool:
        """Whether ``name`` is nearly ``Recipients``."""
        if not _LIKE_RECIPIENTS.fullmatch(name):
            return False
        near = self._compared.get(name)
        if near is None:
            # A message with many such names means no good, and each comparison takes its time.
            if len(self._compared) >= _COMPARISONS:
                return True
            near = self._compared[name] = SequenceMatcher(None, name.lower(), "recipients").ratio() >= _NEAR
        return near


#: What holds recipients, or those that they stand in, in lower case.
_RECIPIENTS: Final = frozenset({"recipient", "recipients", "to", "cc", "bcc"})
_LIKE_RECIPIENTS: Final = re.compile("re[aceinpt]{4,9}s?", re.IGNORECASE)
_COMPARISONS: Final = 32
#: How near two names are, of 1, where one is taken for a slip of the other.
_NEAR: Final = 0.8
_LONGEST_NAME: Final = 40


def meant_by(name: str, names: Sequence[str]) -> str:
    """The end of a sentence about ``name`` that is missing: whether one of ``names`` is a slip of it."""
    others = {each.lower(): each for each in names if len(each) <= _LONGEST_NAME}
    near = get_close_matches(name.lower(), others, 1, _NEAR)
    if not near:
        return ""
    if others[near[0]] == name:
        return "; there is one in another namespace"
    return f"; is {others[near[0]]!r} meant?"


def is_empty(node: Node) -> bool:
    """Whether an element says nothing: no text, no elements, and no attributes of its own."""
    return not len(node) and not (node.text or "").strip() and not _own_attributes(node)


def may_hold_address(node: Node) -> bool:
    """Whether there is any text in an element, or in an attribute, however deep: it may be an address."""
    return any(has_text(inside) or _own_attributes(inside) for inside in node.iter())


def _own_attributes(node: Node) -> bool:
    """Whether there are attributes with a value; those in a namespace are of XML, SOAP or a schema language."""
    return any("}" not in name and value.strip() for name, value in node.items())


def check_no_recipient(node: Node, reader: Reader) -> None:
    """Raise :class:`AddressError` for an unknown element among recipients that may be one of them."""
    if may_hold_address(node):
        name = split_name(node.tag)[0]
        raise AddressError(details=f"{reader.at(name[:80])}: it may be a recipient, and cannot be read as one")


def note_text(node: Node, reader: Reader) -> None:
    """Note the text that stands in ``node`` where only elements can be."""
    if has_text(node):
        reader.deviations.note("text-stray", f"{reader.at()}: {text_of(node).strip()[:40]}")


class Codec(Generic[T]):
    """How a value is read from an element, and written as one."""

    def read(self, node: Node, reader: Reader) -> T:
        """The value; raises :class:`WrongForm`."""
        raise NotImplementedError

    def content(self, value: T, writer: Writer) -> str:
        """What stands in the element, written."""
        raise NotImplementedError

    def write(self, value: T, name: str, writer: Writer) -> str:
        """The whole element, written."""
        return writer.element(name, self.content(value, writer))


class TextCodec(Codec[T]):
    """A codec for a value that is text, so that it serves attributes too."""

    #: The value of text that is written as the schema has it; None for any other, which :meth:`parse` judges.
    at_sight: Callable[[str], T | None]

    def parse(self, text: str, reader: Reader) -> T:
        """The value of ``text``; raises :class:`WrongForm`."""
        raise NotImplementedError

    def format(self, value: T) -> str:
        """The text of ``value``."""
        return str(value)

    def read(self, node: Node, reader: Reader) -> T:
        """The value of the element's text."""
        if len(node):
            raise WrongForm("it holds elements where text is wanted")
        return self.parse(node.text or "", reader)

    def content(self, value: T, writer: Writer) -> str:
        """The text, escaped."""
        return escape_text(self.format(value))


class _String(TextCodec[str]):
    at_sight = staticmethod(str)

    def parse(self, text: str, reader: Reader) -> str:
        return text


class _Token(TextCodec[str]):
    at_sight = staticmethod(str.strip)

    def parse(self, text: str, reader: Reader) -> str:
        return text.strip()


class _Identifier(TextCodec[str]):
    @staticmethod
    def at_sight(text: str) -> str | None:
        return text.strip() or None

    def parse(self, text: str, reader: Reader) -> str:
        identifier = self.at_sight(text)
        if identifier is None:
            raise WrongForm("it is empty")
        return identifier


class _Boolean(TextCodec[bool]):
    _VALUES: ClassVar = {"true": True, "1": True, "false": False, "0": False}
    at_sight = staticmethod(_VALUES.get)

    def parse(self, text: str, reader: Reader) -> bool:
        written = text.strip()
        value = self._VALUES.get(written)
        if value is None:
            value = self._VALUES.get(written.lower())
            if value is None:
                raise WrongForm(f"{written[:40]!r} is no boolean")
            reader.deviations.note("value-case", f"{reader.at()}: {written}")
        return value

    def format(self, value: bool) -> str:
        return "true" if value else "false"


class _PositiveInteger(TextCodec[int]):
    @staticmethod
    def at_sight(text: str) -> int | None:
        return (int(text) or None) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def parse(self, text: str, reader: Reader) -> int:
        digits = text.strip().removeprefix("+")
        number = _PositiveInteger.at_sight(digits)
        if number is None:
            raise WrongForm(f"{digits[:40]!r} is no positive integer")
        return number


class _Code(_PositiveInteger):
    # Some peers write 0 where they mean that all went well, others where they have not set it.
    @staticmethod
    def at_sight(text: str) -> StatusCode | int | None:
        number = _PositiveInteger.at_sight(text)
        return None if number is None else known_status(number)

    def parse(self, text: str, reader: Reader) -> StatusCode | int:
        written = text.strip()
        if written and not written.strip("0") and len(written) < 19:
            reader.deviations.note("status-code-zero", f"{reader.at()}: {written}")
            return 0
        return known_status(super().parse(text, reader))

    def format(self, value: int) -> str:
        return str(int(value))


class _DateTime(TextCodec[datetime]):
    at_sight = staticmethod(plain_date_time)

    def parse(self, text: str, reader: Reader) -> datetime:
        written = text.strip()
        try:
            moment = parse_date_time(written)
        except ValueError as error:
            moment = self._parse_loosely(written, error, reader)
        if moment.tzinfo is None:
            reader.deviations.note("date-without-zone", f"{reader.at()}: {written}")
        return moment

    def _parse_loosely(self, written: str, why: ValueError, reader: Reader) -> datetime:
        try:
            moment = parse_loose_date_time(written)
        except ValueError:
            raise WrongForm(f"{written[:40]!r}: {why}") from None
        reader.deviations.note("date-form", f"{reader.at()}: {written}")
        return moment

    def format(self, value: datetime) -> str:
        return format_date_time(value)


class _DateOrDuration(TextCodec[datetime | Duration]):
    @staticmethod
    def at_sight(text: str) -> datetime | Duration | None:
        if not text.startswith("P"):
            return plain_date_time(text)
        try:
            return Duration.parse(text)
        except ValueError:
            return None

    def parse(self, text: str, reader: Reader) -> datetime | Duration:
        written = text.strip()
        if not written.lstrip("-").startswith("P"):
            return DATE_TIME.parse(text, reader)
        try:
            return Duration.parse(written)
        except ValueError as error:
            raise WrongForm(f"{written[:40]!r}: {error}") from None

    def format(self, value: datetime | Duration) -> str:
        return str(value) if isinstance(value, Duration) else format_date_time(value)


class Enumerated(TextCodec[E | str], Generic[E]):
    """A value of an enumeration; one that is none of its is kept as its text.

    ``also`` has other spellings that senders are known to use.
    """

    def __init__(self, enumeration: type[E], *, also: Mapping[str, E] = MappingProxyType({})) -> None:
        self._exact: dict[str, E] = {str(member.value): member for member in enumeration}
        self._lowered = {text.lower(): member for text, member in (*self._exact.items(), *also.items())}
        self.at_sight = self._exact.get

    def parse(self, text: str, reader: Reader) -> E | str:
        """The member, or the text."""
        written = text.strip()
        member = self._exact.get(written)
        if member is not None:
            return member
        if not written:
            raise WrongForm("it is empty")
        member = self._lowered.get(written.lower())
        reader.deviations.note("value-unlisted" if member is None else "value-case", f"{reader.at()}: {written[:40]}")
        return written if member is None else member


class _Version(TextCodec[str]):
    # versionType of REL-6-MM7-1-4
    _LISTED: ClassVar = {
        version: version
        for version in ("5.3.0", "5.5.0", "5.6.0", "5.8.0", "5.10.0", "6.3.0", "6.4.0", "6.5.0", "6.6.0", "6.8.0")
    }
    at_sight = staticmethod(_LISTED.get)

    def parse(self, text: str, reader: Reader) -> str:
        version = text.strip()
        if version not in self._LISTED:
            if not is_version(version):
                raise WrongForm(f"{version[:40]!r} is no version")
            reader.deviations.note("version-unlisted", f"{reader.at()}: {version}")
        return version


#: Text as it is.
STRING: Final = _String()
#: Text without the white space around it.
TOKEN: Final = _Token()
#: The same, and never empty.
IDENTIFIER: Final = _Identifier()
BOOLEAN: Final = _Boolean()
POSITIVE_INTEGER: Final = _PositiveInteger()
CODE: Final = _Code()
DATE_TIME: Final = _DateTime()
DATE_OR_DURATION: Final = _DateOrDuration()
VERSION: Final = _Version()


class _Anything(Codec[str | Element]):
    """Any content: its text, or the element itself where there are elements in it."""

    def read(self, node: Node, reader: Reader) -> str | Element:
        return element_of(node) if len(node) else (node.text or "").strip()

    def write(self, value: str | Element, name: str, writer: Writer) -> str:
        if not isinstance(value, Element):
            return writer.element(name, escape_text(value))
        element = Element(
            name,
            writer.namespace,
            prefix=writer.prefix,
            attributes=value.attributes,
            text=value.text,
            children=value.children,
        )
        return writer.foreign(element)


ANYTHING: Final = _Anything()


def read_attribute(
    attributes: Mapping[str, str], namespace: str | None, name: str, also: str | None, reader: Reader
) -> str | None:
    """An attribute of MM7, which is in no namespace; some senders put it in that of its element.

    Where it is not there, ``also`` is another name that senders are known to use; and the capitals of either may be
    others.
    """
    written = attributes.get(name)
    if written is None and namespace is not None:
        written = attributes.get(f"{{{namespace}}}{name}")
        if written is not None:
            reader.deviations.note("attribute-qualified", reader.at(f"@{name}"))
    if written is None and also is not None:
        written = attributes.get(also)
        if written is not None:
            reader.deviations.note("element-renamed", f"{reader.at(f'@{also}')} for {name}")
    if written is None and attributes:
        wanted = {each.lower() for each in (name, also) if each is not None}
        for key, value in attributes.items():
            local = key.removeprefix(f"{{{namespace}}}")
            if local.lower() in wanted:
                if local != key:
                    reader.deviations.note("attribute-qualified", reader.at(f"@{local}"))
                reader.deviations.note("element-renamed", f"{reader.at(f'@{local}')} for {name}")
                return value
    return written


_KINDS: Final = {str(kind.value): kind for kind in AddressKind}
#: The kinds by the names that senders are known to use, in lower case.
_KINDS_LOWERED: Final = {
    **{name.lower(): kind for name, kind in _KINDS.items()},
    "rfc822address": AddressKind.RFC2822,  # instantcom
}
_ADDRESS_ATTRIBUTES: Final[tuple[tuple[str, TextCodec[Any]], ...]] = (
    ("displayOnly", BOOLEAN),
    ("addressCoding", Enumerated(AddressCoding)),
    ("id", TOKEN),
)
_SEEN_ATTRIBUTES: Final = tuple([(name, codec.at_sight) for name, codec in _ADDRESS_ATTRIBUTES])


def _read_addresses(node: Node, reader: Reader, around: str | None = None, *, whole: bool = False) -> list[Address]:
    """The addresses inside ``node``, of mixed kinds, in their order; its text, where it has nothing else.

    Those inside an element named ``around`` are among them. Where they have to be ``whole``, no element is passed over
    that may be one.
    """
    addresses = _many_addresses(node, reader) if len(node) > _MANY else _addresses_at_sight(node, reader)
    if addresses is None:
        addresses = _any_addresses(node, reader, around, whole=whole)
    if has_text(node):
        if addresses:
            raise WrongForm("it holds text beside its addresses")
        text = text_of(node).strip()
        reader.deviations.note("address-untyped", f"{reader.at()}: {text[:40]}")
        addresses.append(_untyped_address(text))
    return addresses


_MANY: Final = 16


def _addresses_at_sight(node: Node, reader: Reader) -> list[Address] | None:
    """As :func:`_any_addresses`; None where one is not written as the schema has it, and nothing was noted."""
    addresses = []
    for child in node:
        name, namespace, _ = split_name(child.tag)
        kind = _KINDS.get(name)
        value = (child.text or "").strip()
        if kind is None or namespace != reader.namespace or not value or len(child):
            return None
        if not child.keys():
            addresses.append(Address(value, kind))
            continue
        attributes = child.attrib
        found: dict[str, Any] = {name: see(attributes[name]) for name, see in _SEEN_ATTRIBUTES if name in attributes}
        if len(found) < len(attributes) or None in found.values():
            return None
        addresses.append(
            Address(value, kind, found.get("displayOnly", False), found.get("addressCoding"), found.get("id"))
        )
    return addresses


def _many_addresses(node: Node, reader: Reader) -> list[Address] | None:
    """As :func:`_addresses_at_sight`, without a line of Python for each of ten thousand, and without attributes."""
    tags = set(map(tag_of, node))
    names = [split_name(tag) for tag in tags]
    if any(map(len, node)) or any(map(Node.keys, node)):
        return None
    if any(namespace != reader.namespace or name not in _KINDS for name, namespace, _ in names):
        return None
    kinds: Iterable[AddressKind] = repeat(_KINDS[names[0][0]])
    if len(tags) > 1:
        kinds = [_KINDS[split_name(child.tag)[0]] for child in node]
    texts = list(map(_text, node))
    if None in texts:
        return None
    values = list(map(str.strip, texts))
    if not all(values):
        return None
    return list(map(_new_address, zip(values, kinds, repeat(False), repeat(None), repeat(None))))


_text: Final = attrgetter("text")


def _any_addresses(node: Node, reader: Reader, around: str | None, *, whole: bool) -> list[Address]:
    addresses: list[Address] = []
    for child in node:
        name, namespace, _ = split_name(child.tag)
        lowered = name.lower()
        kind = _KINDS_LOWERED.get(lowered)
        is_around = around is not None and lowered == around.lower()
        is_one = kind is not None or is_around or (whole and name != "Extension")
        if not is_one or not reader.is_ours(namespace):
            if whole:
                check_no_recipient(child, reader)
            reader.unknown(child)
            continue
        if is_around:
            reader.deviations.note("element-misplaced", reader.at(name))
            if name != around:
                reader.deviations.note("element-renamed", f"{reader.at(name)} for {around}")
            reader.path.append(name)
            addresses += _read_addresses(child, reader, whole=whole)
            reader.path.pop()
            continue
        value = text_of(child).strip()
        if not value:
            raise WrongForm(f"{name[:80]} is empty")
        if len(child):  # its text would be another address
            raise WrongForm(f"{name[:80]} holds elements where text is wanted")
        if kind is None:
            reader.deviations.note("address-untyped", f"{reader.at(name[:80])}: {value[:40]}")
            kind = _untyped_address(value).kind
        elif name not in _KINDS:
            reader.deviations.note("element-renamed", f"{reader.at(name)} for {kind}")
        addresses.append(_address(value, kind, child, reader))
    return addresses


# Without the frame of Python that a named tuple makes itself with.
_new_address: Final = partial(tuple.__new__, Address)


def _address(value: str, kind: AddressKind, node: Node, reader: Reader) -> Address:
    if not node.keys():
        return Address(value, kind)
    name, namespace, _ = split_name(node.tag)
    attributes = attributes_of(node)
    reader.path.append(name[:80])
    found: dict[str, Any] = {}
    for attribute, codec in _ADDRESS_ATTRIBUTES:
        written = read_attribute(attributes, namespace, attribute, None, reader)
        if written is not None:
            reader.path.append(f"@{attribute}")
            try:
                found[attribute] = codec.parse(written, reader)
            except WrongForm as error:
                reader.deviations.note("value-form", f"{reader.at()}: {error}")
            reader.path.pop()
    reader.path.pop()
    return Address(value, kind, found.get("displayOnly", False), found.get("addressCoding"), found.get("id"))


def _untyped_address(text: str) -> Address:
    if "@" in text:
        return Address(text, AddressKind.RFC2822)
    # A short code has no country code and is short; 6 digits is where mbuni draws the line.
    return Address(text, AddressKind.SHORT_CODE if text.isdigit() and len(text) <= 6 else AddressKind.NUMBER)


class _Addresses(Codec[tuple[Address, ...]]):
    """The addresses of To, Cc or Bcc. One that cannot be read is 2002: to pass over it would lose a recipient."""

    def read(self, node: Node, reader: Reader) -> tuple[Address, ...]:
        reader.recipients += len(node)
        if reader.recipients > reader.limits.recipients:
            raise AddressError(details=f"there are more than {reader.limits.recipients} recipients (recipients)")
        try:
            addresses = _read_addresses(node, reader, whole=True)
        except WrongForm as error:
            raise AddressError(details=f"{reader.at()}: {error}") from None
        if not addresses:
            if node.keys() and not is_empty(node):
                check_no_recipient(node, reader)
            raise WrongForm("it holds no address")
        return tuple(addresses)

    def content(self, value: tuple[Address, ...], writer: Writer) -> str:
        return "".join([_write_address(address, writer) for address in value])


def _write_address(address: Address, writer: Writer) -> str:
    attributes = ""
    if address.display_only:
        attributes += ' displayOnly="true"'
    if address.address_coding is not None:
        attributes += f' addressCoding="{escape_attribute(str(address.address_coding))}"'
    if address.id is not None:
        attributes += f' id="{escape_attribute(address.id)}"'
    return writer.element(address.kind.value, escape_text(address.value), attributes)


class OneAddress(Codec[Address]):
    """The one address of Sender, SenderAddress, Recipient or UserAgent.

    ``around`` is the name of an element that senders are known to put around it. Of several addresses the first counts,
    unless it is a ``recipient``: then another one is refused, with :class:`AddressError`.
    """

    def __init__(self, *, around: str | None = None, recipient: bool = False) -> None:
        self._around = around
        self._recipient = recipient

    def read(self, node: Node, reader: Reader) -> Address:
        """The address."""
        addresses = _read_addresses(node, reader, self._around, whole=self._recipient)
        if not addresses:
            raise WrongForm("it holds no address")
        if len(addresses) > 1:
            if self._recipient and any(address.value != addresses[0].value for address in addresses):
                raise AddressError(details=f"{reader.at()}: it holds more than one recipient")
            reader.deviations.note("element-repeated", reader.at(str(addresses[1].kind)))
        return addresses[0]

    def content(self, value: Address, writer: Writer) -> str:
        """The address as the only child."""
        return _write_address(value, writer)


ADDRESSES: Final = _Addresses()
ADDRESS: Final = OneAddress()


class Several(Codec[tuple[T, ...]]):
    """An element that holds elements of one name."""

    def __init__(self, name: str, codec: Codec[T]) -> None:
        self._name = name
        self._codec = codec

    def read(self, node: Node, reader: Reader) -> tuple[T, ...]:
        """The values, in their order."""
        note_text(node, reader)
        values = []
        for child in node:
            name, namespace, _ = split_name(child.tag)
            if name.lower() == self._name.lower() and reader.is_ours(namespace):
                if name != self._name:
                    reader.deviations.note("element-renamed", f"{reader.at(name)} for {self._name}")
                reader.path.append(name)
                values.append(self._codec.read(child, reader))
                reader.path.pop()
            else:
                reader.unknown(child)
        return tuple(values)

    def content(self, value: tuple[T, ...], writer: Writer) -> str:
        """One child for each value."""
        return "".join([self._codec.write(item, self._name, writer) for item in value])
