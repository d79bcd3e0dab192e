"""How a class says what it is in XML: one declaration per field, read and written from it.

A class under :func:`declared` lists its attributes and elements with :func:`attribute`, :func:`element` and
:func:`content`, in the order of the schema. Each names the XML name and a codec for the value; a default makes it
optional. :func:`read` and :func:`write` do the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NamedTuple, Protocol, TypeVar, cast

from .deviations import Deviations
from .errors import AddressError
from .limits import Limits
from .soap import Element, is_mm7, tidy
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
)

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Callable[[Any], Any]:
        """Nothing, at run time."""
        return lambda decorator: decorator


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

    __slots__ = ("deviations", "extensions", "limits", "moved", "namespace", "path", "recipients")

    def __init__(self, limits: Limits, deviations: Deviations, namespace: str | None) -> None:
        self.limits = limits
        self.deviations = deviations
        self.namespace = namespace
        self.path: list[str] = []
        self.extensions: list[Element] = []
        #: Elements that stood elsewhere, by identity: where they are now says nothing of their order.
        self.moved: set[int] = set()
        self.recipients = 0

    def at(self, *names: str) -> str:
        """The place for a person: ``SubmitReq/Recipients/To``."""
        return "/".join([*self.path, *names])

    def is_ours(self, element: Element) -> bool:
        """Whether an element is to be matched by its name: it is in a namespace of MM7, or in none.

        Who leaves the namespace out leaves it out everywhere, so it is told once for all elements beside each other.
        """
        namespace = element.namespace
        if namespace == self.namespace:
            return True
        if namespace is None:
            self.deviations.note("namespace-missing", self.at("*"))
            return True
        if not is_mm7(tidy(namespace)):
            return False
        self.deviations.note("namespace-mixed", self.at("*"))
        return True

    def unknown(self, element: Element) -> None:
        """Keep an element that has no field. ``Extension`` is the schema's own place for them."""
        self.extensions.append(element)
        if element.name != "Extension":
            self.deviations.note("element-unknown", self.at(element.name[:80]))


class Codec(Protocol[T]):
    """How a value is read from an element, and written into one that is still empty."""

    def read(self, element: Element, reader: Reader) -> T:
        """The value; raises :class:`WrongForm`."""

    def write(self, value: T, element: Element) -> None:
        """Fill ``element``, whose children get its namespace and prefix."""


class TextCodec(Generic[T]):
    """A codec for a value that is text, so that it serves attributes too."""

    def parse(self, text: str, reader: Reader) -> T:
        """The value of ``text``; raises :class:`WrongForm`."""
        raise NotImplementedError

    def format(self, value: T) -> str:
        """The text of ``value``."""
        return str(value)

    def read(self, element: Element, reader: Reader) -> T:
        """The value of the element's text."""
        if element.children:
            raise WrongForm("it holds elements where text is wanted")
        return self.parse(element.text, reader)

    def write(self, value: T, element: Element) -> None:
        """Set the element's text."""
        element.text = self.format(value)


class _String(TextCodec[str]):
    def parse(self, text: str, reader: Reader) -> str:
        return text


class _Token(TextCodec[str]):
    def parse(self, text: str, reader: Reader) -> str:
        return text.strip()


class _Identifier(TextCodec[str]):
    def parse(self, text: str, reader: Reader) -> str:
        if identifier := text.strip():
            return identifier
        raise WrongForm("it is empty")


class _Boolean(TextCodec[bool]):
    _VALUES: ClassVar = {"true": True, "1": True, "false": False, "0": False}

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
    def parse(self, text: str, reader: Reader) -> int:
        digits = text.strip().removeprefix("+")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 19 and int(digits)):
            raise WrongForm(f"{digits[:40]!r} is no positive integer")
        return int(digits)


class _Code(_PositiveInteger):
    def parse(self, text: str, reader: Reader) -> StatusCode | int:
        return known_status(super().parse(text, reader))

    def format(self, value: int) -> str:
        return str(int(value))


class _DateTime(TextCodec[datetime]):
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
    _LISTED = frozenset(["5.3.0", "5.5.0", "5.6.0", "5.8.0", "5.10.0", "6.3.0", "6.4.0", "6.5.0", "6.6.0", "6.8.0"])

    def parse(self, text: str, reader: Reader) -> str:
        version = text.strip()
        if not is_version(version):
            raise WrongForm(f"{version[:40]!r} is no version")
        if version not in self._LISTED:
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


class _Anything:
    """Any content: its text, or the element itself where there are elements in it."""

    def read(self, element: Element, reader: Reader) -> str | Element:
        return element if element.children else element.text.strip()

    def write(self, value: str | Element, element: Element) -> None:
        if isinstance(value, Element):
            element.text, element.children = value.text, list(value.children)
            element.attributes.update(value.attributes)
        else:
            element.text = value


ANYTHING: Final = _Anything()


def read_attribute(element: Element, name: str, also: str | None, reader: Reader) -> str | None:
    """An attribute of MM7, which is in no namespace; some senders put it in that of its element.

    Where it is not there, ``also`` is another name that senders are known to use.
    """
    written = element.attributes.get(name)
    if written is None and element.namespace is not None:
        written = element.attributes.get(f"{{{element.namespace}}}{name}")
        if written is not None:
            reader.deviations.note("attribute-qualified", reader.at(f"@{name}"))
    if written is None and also is not None:
        written = element.attributes.get(also)
        if written is not None:
            reader.deviations.note("element-renamed", f"{reader.at(f'@{also}')} for {name}")
    return written


_KINDS: Final = {str(kind.value): kind for kind in AddressKind}
_ADDRESS_ATTRIBUTES: Final[tuple[tuple[str, str | None, TextCodec[Any]], ...]] = (
    ("displayOnly", "displayonly", BOOLEAN),
    ("addressCoding", None, Enumerated(AddressCoding)),
    ("id", None, TOKEN),
)


def _read_addresses(element: Element, reader: Reader, around: str | None = None) -> list[Address]:
    """The addresses inside ``element``, of mixed kinds, in their order; its text, where it has nothing else.

    Those inside an element named ``around`` are among them.
    """
    addresses: list[Address] = []
    namespace = reader.namespace
    for child in element.children:
        kind = _KINDS.get(child.name)
        if kind is None or (child.namespace != namespace and not reader.is_ours(child)):
            if child.name == around and reader.is_ours(child):
                reader.deviations.note("element-misplaced", reader.at(child.name))
                reader.path.append(child.name)
                addresses += _read_addresses(child, reader)
                reader.path.pop()
            else:
                reader.unknown(child)
            continue
        value = child.text.strip()
        if not value:
            raise WrongForm(f"{child.name} is empty")
        if child.children:  # its text would be another address
            raise WrongForm(f"{child.name} holds elements where text is wanted")
        if child.has_attributes:
            addresses.append(_address_with_attributes(value, kind, child, reader))
        else:
            addresses.append(Address(value, kind))
    text = element.text.strip()
    if text and addresses:
        raise WrongForm("it holds text beside its addresses")
    if text:
        reader.deviations.note("address-untyped", f"{reader.at()}: {text[:40]}")
        addresses.append(_untyped_address(text))
    return addresses


def _address_with_attributes(value: str, kind: AddressKind, element: Element, reader: Reader) -> Address:
    reader.path.append(element.name)
    found: dict[str, Any] = {}
    for name, also, codec in _ADDRESS_ATTRIBUTES:
        written = read_attribute(element, name, also, reader)
        if written is not None:
            reader.path.append(f"@{name}")
            try:
                found[name] = codec.parse(written, reader)
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


class _Addresses:
    """The addresses of To, Cc or Bcc. One that cannot be read is 2002: to pass over it would lose a recipient."""

    def read(self, element: Element, reader: Reader) -> tuple[Address, ...]:
        reader.recipients += len(element.children)
        if reader.recipients > reader.limits.recipients:
            raise AddressError(details=f"there are more than {reader.limits.recipients} recipients (recipients)")
        try:
            addresses = _read_addresses(element, reader)
        except WrongForm as error:
            raise AddressError(details=f"{reader.at()}: {error}") from None
        if not addresses:
            raise WrongForm("it holds no address")
        return tuple(addresses)

    def write(self, value: tuple[Address, ...], element: Element) -> None:
        for address in value:
            attributes = {}
            if address.display_only:
                attributes["displayOnly"] = "true"
            if address.address_coding is not None:
                attributes["addressCoding"] = str(address.address_coding)
            if address.id is not None:
                attributes["id"] = address.id
            element.children.append(
                Element(
                    address.kind.value,
                    element.namespace,
                    prefix=element.prefix,
                    attributes=attributes or None,
                    text=address.value,
                )
            )


class OneAddress:
    """The one address of Sender, SenderAddress, Recipient or UserAgent.

    ``around`` is the name of an element that senders are known to put around it.
    """

    def __init__(self, *, around: str | None = None) -> None:
        self._around = around

    def read(self, element: Element, reader: Reader) -> Address:
        """The address, of several the first."""
        addresses = _read_addresses(element, reader, self._around)
        if not addresses:
            raise WrongForm("it holds no address")
        if len(addresses) > 1:
            reader.deviations.note("element-repeated", reader.at(str(addresses[1].kind)))
        return addresses[0]

    def write(self, value: Address, element: Element) -> None:
        """The address as the only child."""
        ADDRESSES.write((value,), element)


ADDRESSES: Final = _Addresses()
ADDRESS: Final = OneAddress()


class Several(Generic[T]):
    """An element that holds elements of one name."""

    def __init__(self, name: str, codec: Codec[T]) -> None:
        self._name = name
        self._codec = codec

    def read(self, element: Element, reader: Reader) -> tuple[T, ...]:
        """The values, in their order."""
        _note_text(element, reader)
        values = []
        for child in element.children:
            if child.name == self._name and reader.is_ours(child):
                reader.path.append(child.name)
                values.append(self._codec.read(child, reader))
                reader.path.pop()
            else:
                reader.unknown(child)
        return tuple(values)

    def write(self, value: tuple[T, ...], element: Element) -> None:
        """One child for each value."""
        for item in value:
            child = Element(self._name, element.namespace, prefix=element.prefix)
            self._codec.write(item, child)
            element.children.append(child)


class Structure(Generic[T]):
    """An element that holds what a declared class says."""

    def __init__(self, declared_class: type[T]) -> None:
        self._class = declared_class

    def read(self, element: Element, reader: Reader) -> T:
        """An instance of the class."""
        return read(self._class, element, reader)

    def write(self, value: T, element: Element) -> None:
        """The fields of the instance."""
        write(value, element)


_NOTHING: Final = object()


class Specification(NamedTuple):
    """One declaration."""

    field: str
    name: str
    codec: Codec[Any]
    #: What stands for a value that is not there; ``MISSING`` where it has to be.
    default: Any
    #: Where it stands in the order of the schema.
    place: int
    #: ``element``, ``attribute`` or ``content``.
    kind: str
    #: What a missing value is read as although it is mandatory: senders are known to leave it out.
    lacking: Any = _NOTHING
    #: Another name that senders are known to use.
    also: str | None = None
    #: Elements that senders are known to put beside it instead of inside; for an attribute, in its place.
    strays: tuple[str, ...] = ()
    #: An element that senders are known to put around it.
    around: str | None = None
    #: How often it can be there: ``once``, ``repeated`` (each adds a value), ``merged`` (each adds its values). Of one
    #: that can be there once the first counts, unless it is ``joined``: then its ``joined`` method takes the others in.
    occurs: str = "once"


class Layout(NamedTuple):
    """What a declared class looks like in XML."""

    elements: tuple[Specification, ...]
    attributes: tuple[Specification, ...]
    content: Specification | None
    #: The elements by name, and by the other names that senders are known to use; with the strays of attributes.
    by_name: dict[str, Specification]
    #: What senders are known to put beside the element that holds it, with the name of that one.
    strays: dict[str, str]
    #: What senders are known to put around elements of this class, with the layout of those.
    around: dict[str, Layout]
    #: Where the vendors' elements go when it is written; None where there is no place for them.
    extensions: int | None
    #: Whether the order of the elements counts.
    ordered: bool


def element(
    name: str,
    codec: Codec[Any],
    *,
    default: Any = dataclasses.MISSING,
    lacking: Any = _NOTHING,
    also: str | None = None,  # not "alias": for a type checker, that is the name of the argument
    strays: tuple[str, ...] = (),
    around: str | None = None,
    occurs: str = "once",
) -> Any:
    """Declare a child element; without ``default`` it is mandatory.

    What senders are known to do otherwise: ``also`` is another name for it, ``strays`` are elements that they put
    beside it instead of inside, and ``around`` is an element that they put around it.
    """
    return _field(
        "element",
        default,
        name=name,
        codec=codec,
        lacking=lacking,
        also=also,
        strays=strays,
        around=around,
        occurs=occurs,
    )


def attribute(
    name: str,
    codec: TextCodec[Any],
    *,
    default: Any = dataclasses.MISSING,
    also: str | None = None,
    strays: tuple[str, ...] = (),
) -> Any:
    """Declare an attribute; without ``default`` it is mandatory.

    What senders are known to do otherwise: ``also`` is another name for it, and ``strays`` are child elements that they
    put in its place.
    """
    return _field("attribute", default, name=name, codec=codec, also=also, strays=strays)


def content(codec: Codec[Any], *, default: Any = dataclasses.MISSING) -> Any:
    """Declare what the element itself holds, beside its attributes."""
    return _field("content", default, name="", codec=codec)


def extensions(*, default: tuple[Element, ...]) -> Any:
    """Declare the field, and the place, of elements that the schema does not have."""
    return dataclasses.field(default=default, metadata={"kind": "extensions"})


def _field(kind: str, default: Any, **declared: Any) -> Any:
    return dataclasses.field(default=default, metadata={"kind": kind, "declared": declared})


@dataclass_transform(
    kw_only_default=True, frozen_default=True, field_specifiers=(element, attribute, content, extensions)
)
def declared(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen dataclass with keyword arguments, and work out its :class:`Layout`."""
    made: Any = dataclasses.dataclass(frozen=True, slots=True, kw_only=True)(cls)
    found: dict[str, list[Specification]] = {"element": [], "attribute": [], "content": []}
    place_of_extensions = None
    for place, field in enumerate(dataclasses.fields(made)):
        kind = field.metadata["kind"]
        if kind == "extensions":
            place_of_extensions = len(found["element"])
            continue
        found[kind].append(
            Specification(field.name, default=field.default, place=place, kind=kind, **field.metadata["declared"])
        )
    made.layout = _lay_out(
        found["element"], found["attribute"], found["content"], place_of_extensions, getattr(made, "ordered", True)
    )
    return cast("type[T]", made)


def _lay_out(
    elements: Sequence[Specification],
    attributes: Sequence[Specification] = (),
    contents: Sequence[Specification] = (),
    place_of_extensions: int | None = None,
    ordered: bool = True,
) -> Layout:
    around: dict[str, list[Specification]] = {}
    for specification in elements:
        if specification.around is not None:
            around.setdefault(specification.around, []).append(specification._replace(around=None))
    return Layout(
        elements=tuple(elements),
        attributes=tuple(attributes),
        content=contents[0] if contents else None,
        by_name={
            **{name: each for each in elements for name in (each.name, each.also) if name is not None},
            **{name: each for each in attributes for name in each.strays},
        },
        strays={name: each.name for each in elements for name in each.strays},
        around={name: _lay_out(inside) for name, inside in around.items()},
        extensions=place_of_extensions,
        ordered=ordered,
    )


def read(cls: type[T], element: Element, reader: Reader) -> T:
    """An instance of the declared class ``cls`` from ``element``.

    A value of wrong form that is optional becomes its default, with a deviation. :class:`WrongForm` is raised for one
    that is mandatory, and :class:`Missing` where it is not there.
    """
    layout: Layout = cls.layout  # type: ignore[attr-defined]
    values = _Values(layout, reader)
    if element.has_attributes:
        values.read_attributes(element)
    if layout.content is not None:
        values.found[layout.content.field] = layout.content.codec.read(element, reader)
    else:
        _note_text(element, reader)
        values.read_children(element)
    return cls(**values.complete())


class _Values:
    """The values of one element, by field, while it is read.

    What senders do otherwise than the schema has it is found by the declarations: an element with another name
    (``also``), one that stands beside the element that it belongs in (``strays``), one that stands around those that it
    belongs beside (``around``). What stands where it should counts before any of these.
    """

    __slots__ = ("_layout", "_reader", "found")

    def __init__(self, layout: Layout, reader: Reader) -> None:
        self._layout = layout
        self._reader = reader
        self.found: dict[str, Any] = {}

    def read_attributes(self, element: Element) -> None:
        """Read the attributes of ``element``."""
        for specification in self._layout.attributes:
            written = read_attribute(element, specification.name, specification.also, self._reader)
            if written is not None:
                codec = cast("TextCodec[Any]", specification.codec)
                self._take(specification, codec.parse, written, f"@{specification.name}")

    def read_children(self, element: Element) -> None:
        """Read the children of ``element``."""
        layout, reader = self._layout, self._reader
        children, strays = self._set_apart(element) if layout.strays else (element.children, {})
        renamed: list[tuple[Specification, Element]] = []
        around: list[Element] = []
        last = 0
        for child in children:
            specification = layout.by_name.get(child.name)
            if specification is None or not reader.is_ours(child):
                if child.name in layout.around and reader.is_ours(child):
                    around.append(child)
                else:
                    reader.unknown(child)
                continue
            if specification.place >= last:
                last = specification.place
            elif layout.ordered and id(child) not in reader.moved:
                reader.deviations.note("element-order", reader.at(child.name))
            if specification.kind == "attribute":
                reader.deviations.note("element-misplaced", reader.at(child.name))
            elif child.name != specification.name:
                reader.deviations.note("element-renamed", f"{reader.at(child.name)} for {specification.name}")
                renamed.append((specification, child))
                continue
            self._read_child(specification, child, strays)
        for name in list(strays):
            self._read_child(layout.by_name[name], Element(name), strays)
        for specification, child in renamed:
            if specification.field in self.found:
                reader.deviations.note("element-repeated", reader.at(child.name))
            else:
                self._read_child(specification, child, strays)
        for child in around:
            self._read_around(child)

    def complete(self) -> dict[str, Any]:
        """The values of all fields that have one; raises :class:`Missing` for one that has to."""
        layout, reader, found = self._layout, self._reader, self.found
        for specification in layout.elements:
            if specification.occurs in ("repeated", "merged") and specification.field in found:
                found[specification.field] = tuple(found[specification.field])
        for specification in (*layout.elements, *layout.attributes):
            if specification.default is dataclasses.MISSING and specification.field not in found:
                if specification.lacking is _NOTHING:
                    raise _placed(Missing(f"{specification.name} is missing"), reader)
                reader.deviations.note("element-missing", reader.at(specification.name))
                found[specification.field] = specification.lacking
        if layout.extensions is not None:
            found["extensions"] = tuple(reader.extensions)
        return found

    def _set_apart(self, element: Element) -> tuple[list[Element], dict[str, list[Element]]]:
        """The children of ``element`` without its strays, and these by the name of the element that holds them."""
        layout, reader = self._layout, self._reader
        strays: dict[str, list[Element]] = {}
        if layout.strays.keys().isdisjoint([child.name for child in element.children]):
            return element.children, strays
        children = []
        for child in element.children:
            holder = layout.strays.get(child.name)
            if holder is None or not reader.is_ours(child):
                children.append(child)
            else:
                reader.deviations.note("element-misplaced", reader.at(child.name))
                strays.setdefault(holder, []).append(child)
                reader.moved.add(id(child))
        return children, strays

    def _read_child(self, specification: Specification, child: Element, strays: dict[str, list[Element]]) -> None:
        """Read one child, with the strays that belong in it; they are taken from ``strays``."""
        if specification.occurs != "repeated" and specification.field in self.found:
            self._reader.deviations.note("element-repeated", self._reader.at(child.name))
            if specification.occurs == "once":
                return
        if child.name in strays:
            child = _joined(child, strays.pop(child.name))
        self._take(specification, specification.codec.read, child, child.name)

    def _read_around(self, element: Element) -> None:
        """Read what belongs beside ``element`` and stands in it, for the fields that have no value yet."""
        reader = self._reader
        reader.deviations.note("element-misplaced", reader.at(element.name))
        layout = self._layout.around[element.name]
        inside = _Values(layout, reader)
        reader.path.append(element.name)
        inside.read_children(element)
        for specification in layout.elements:
            if specification.field in inside.found and specification.field in self.found:
                reader.deviations.note("element-repeated", reader.at(specification.name))
        reader.path.pop()
        self.found.update({**inside.found, **self.found})

    def _take(
        self, specification: Specification, read_value: Callable[[Any, Reader], Any], written: Any, name: str
    ) -> None:
        """Read one value."""
        reader, found, field = self._reader, self.found, specification.field
        depth = len(reader.path)
        reader.path.append(name)
        try:
            value = read_value(written, reader)
        except WrongForm as error:
            _placed(error, reader)
            if specification.default is dataclasses.MISSING:
                raise
            reader.deviations.note("value-form", f"{error.where}: {error}")
            del reader.path[depth:]
            return
        reader.path.pop()
        if specification.occurs == "once":
            found[field] = value
        elif specification.occurs == "joined":
            found[field] = found[field].joined(value) if field in found else value
        elif specification.occurs == "repeated":
            found.setdefault(field, []).append(value)
        else:
            found.setdefault(field, []).extend(value)


def _joined(element: Element, strays: list[Element]) -> Element:
    """``element`` as if the strays stood in it, behind what does."""
    return Element(
        element.name,
        element.namespace,
        prefix=element.prefix,
        attributes=element.attributes,
        text=element.text,
        children=[*element.children, *strays],
    )


def _note_text(element: Element, reader: Reader) -> None:
    text = element.text and element.text.strip()
    if text:
        reader.deviations.note("text-stray", f"{reader.at()}: {text[:40]}")


def _placed(error: WrongForm, reader: Reader) -> WrongForm:
    error.where = error.where or reader.at()
    return error


def write(value: Any, element: Element) -> None:
    """Fill ``element`` with the fields of ``value``, in the order of the schema; what is at its default is left out."""
    layout: Layout = type(value).layout
    for specification in layout.attributes:
        item = getattr(value, specification.field)
        if item != specification.default:
            element.attributes[specification.name] = specification.codec.format(item)  # type: ignore[attr-defined]
    if layout.content is not None:
        layout.content.codec.write(getattr(value, layout.content.field), element)
    for place, specification in enumerate(layout.elements):
        if place == layout.extensions:
            element.children.extend(_written_extensions(value, layout))
        item = getattr(value, specification.field)
        if item == specification.default:
            continue
        for one in item if specification.occurs == "repeated" else (item,):
            child = Element(specification.name, element.namespace, prefix=element.prefix)
            specification.codec.write(one, child)
            element.children.append(child)
    if layout.extensions == len(layout.elements):
        element.children.extend(_written_extensions(value, layout))


def _written_extensions(value: Any, layout: Layout) -> list[Element]:
    """The vendors' elements, but for those that stood deeper and would mean something else here."""
    known = {*layout.by_name, *layout.strays, *layout.around}
    return [
        extension
        for extension in value.extensions
        if extension.name not in known or not (extension.namespace is None or is_mm7(extension.namespace))
    ]
