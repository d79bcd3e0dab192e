"""How a class says what it is in XML: one declaration per field, read and written from it.

A class under :func:`declared` lists its attributes and elements with :func:`attribute`, :func:`element` and
:func:`content`, in the order of the schema. Each names the XML name and a codec for the value; a default makes it
optional. :func:`read` and :func:`write` do the rest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar, cast

from .codecs import (
    Codec,
    Missing,
    Reader,
    TextCodec,
    WrongForm,
    check_no_recipient,
    is_empty,
    meant_by,
    note_text,
    read_attribute,
)
from .errors import AddressError
from .soap import (
    LONGEST_KEPT,
    Element,
    Node,
    Writer,
    attributes_of,
    escape_attribute,
    has_text,
    is_mm7,
    split_name,
    tag_of,
)

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_: object) -> Callable[[Any], Any]:
        """Nothing, at run time."""
        return lambda decorator: decorator


T = TypeVar("T")


class Structure(Codec[T]):
    """An element that holds what a declared class says."""

    def __init__(self, declared_class: type[T]) -> None:
        self._class = declared_class

    def read(self, node: Node, reader: Reader) -> T:
        """An instance of the class."""
        return read(self._class, node, reader)

    def write(self, value: T, name: str, writer: Writer) -> str:
        """The fields of the instance."""
        return write(value, name, writer)


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
    #: Elements that senders are known to put in its place. They count only where it is missing.
    instead: tuple[str, ...] = ()
    #: Whether it takes in every unknown element that stands beside it: each may be a recipient.
    takes_unknown: bool = False
    #: How often it can be there: ``once``, ``repeated`` (each adds a value), ``merged`` (each adds its values). Of one
    #: that can be there once the first counts, unless it is ``joined``: then its ``joined`` method takes the others in.
    #: Of a ``single`` one each must say the same.
    occurs: str = "once"


# The namespace of a message, and the tags of the children of one element.
_Shape: TypeAlias = tuple["str | None", tuple[str, ...]]


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
    #: What senders are known to put in the place of an element, with that one.
    instead: dict[str, Specification]
    #: The element that takes in every unknown one.
    takes_unknown: str | None
    #: All of these names.
    known: frozenset[str]
    #: The same by themselves in lower case.
    lowered: dict[str, str]
    #: Where the vendors' elements go when it is written; None where there is no place for them.
    extensions: int | None
    #: Whether the order of the elements counts.
    ordered: bool
    #: Which of the elements the children are, of shapes that keep to the schema; filled while reading.
    shapes: dict[_Shape, tuple[int, ...]]
    #: The fields of the elements.
    fields: frozenset[str]
    #: The fields that are lists while they are read, and how they occur.
    gathered: tuple[tuple[str, str], ...]
    #: What has to be there.
    mandatory: tuple[Specification, ...]
    #: Reads an element of such a shape; see :func:`_reader_at_sight`.
    read_at_sight: Callable[..., Any] | None = None


def element(
    name: str,
    codec: Codec[Any],
    *,
    default: Any = dataclasses.MISSING,
    lacking: Any = _NOTHING,
    also: str | None = None,  # not "alias": for a type checker, that is the name of the argument
    strays: tuple[str, ...] = (),
    around: str | None = None,
    instead: tuple[str, ...] = (),
    takes_unknown: bool = False,
    occurs: str = "once",
) -> Any:
    """Declare a child element; without ``default`` it is mandatory.

    What senders are known to do otherwise: ``also`` is another name for it, ``strays`` are elements that they put
    beside it instead of inside, ``around`` is an element that they put around it, and ``instead`` are elements that
    they put in its place. ``takes_unknown`` reads every unknown element beside it as if it stood inside.
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
        instead=instead,
        takes_unknown=takes_unknown,
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
    layout = _lay_out(
        found["element"], found["attribute"], found["content"], place_of_extensions, getattr(made, "ordered", True)
    )
    made.layout = (
        layout if layout.content is not None else layout._replace(read_at_sight=_reader_at_sight(made, layout))
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
    by_name = {
        **{name: each for each in elements for name in (each.name, each.also) if name is not None},
        **{name: each for each in attributes for name in each.strays},
    }
    strays = {name: each.name for each in elements for name in each.strays}
    instead = {name: each for each in elements for name in each.instead}
    return Layout(
        elements=tuple(elements),
        attributes=tuple(attributes),
        content=contents[0] if contents else None,
        by_name=by_name,
        strays=strays,
        around={name: _lay_out(inside) for name, inside in around.items()},
        instead=instead,
        takes_unknown=next((each.name for each in elements if each.takes_unknown), None),
        known=frozenset((*instead, *around, *strays, *by_name)),
        lowered={name.lower(): name for name in (*instead, *around, *strays, *by_name)},
        extensions=place_of_extensions,
        ordered=ordered,
        shapes={},
        fields=frozenset(each.field for each in elements),
        gathered=tuple((each.field, each.occurs) for each in elements if each.occurs != "once"),
        mandatory=tuple(each for each in (*elements, *attributes) if each.default is dataclasses.MISSING),
    )


def read(cls: type[T], node: Node, reader: Reader) -> T:
    """An instance of the declared class ``cls`` from ``node``.

    A value of wrong form that is optional becomes its default, with a deviation. :class:`WrongForm` is raised for one
    that is mandatory, and :class:`Missing` where it is not there.
    """
    layout: Layout = cls.layout  # type: ignore[attr-defined]
    if layout.read_at_sight is not None and len(node) <= len(layout.elements):
        tags = tuple(map(tag_of, node))
        places = layout.shapes.get((reader.namespace, tags))
        if places is None:
            places = _places(layout, reader.namespace, tags)
        if places is not None:
            elements: list[Node | None] = [None] * len(layout.elements)
            for place, child in zip(places, node):  # noqa: B905 - as many as there are tags
                elements[place] = child
            value: T | None = layout.read_at_sight(node, reader, *elements)
            if value is not None:
                return value
    return cls(**_Values(layout, reader).read(node))


def _places(layout: Layout, namespace: str | None, tags: tuple[str, ...]) -> tuple[int, ...] | None:
    """Which of the elements of ``layout`` those with ``tags`` are; None where they do not keep to the schema.

    They do where all are known, each is there once, all are in order, and none is missing. The messages of a peer have
    few shapes, so this is remembered.
    """
    by_name = {(namespace, each.name): place for place, each in enumerate(layout.elements) if each.occurs != "repeated"}
    names = [split_name(tag) for tag in tags]
    places = tuple([by_name.get((its_namespace, name), -1) for name, its_namespace, _ in names])
    if -1 in places or list(places) != sorted(set(places)):
        return None
    there = {layout.elements[place].field for place in places}
    if any(each.field not in there for each in layout.mandatory if each.kind == "element"):
        return None
    if all(len(tag) <= LONGEST_KEPT for tag in tags):  # nothing large to keep for a stranger
        # Threads may come between: what one forgets, it or another finds again.
        if len(layout.shapes) >= _SHAPES:
            layout.shapes.clear()
        layout.shapes[namespace, tags] = places
    return places


_SHAPES: Final = 64


def _reader_at_sight(cls: type[T], layout: Layout) -> Callable[..., T | None]:
    """Write the function that reads an instance of ``cls``, as :mod:`dataclasses` writes its ``__init__``.

    Its arguments are the element, the :class:`Reader`, and the children, one for each of the elements of ``layout`` or
    None. It returns None, and has noted nothing, where a text or an attribute is not written as the schema has it. So
    it is straight code for what nearly all messages are, and :class:`_Values` reads all others. Of two declarations,
    one with a codec of text and one with another, it is ::

        def read_at_sight(_node, _reader, vasp_id, sender_address):
            if _has_text(_node): return None
            if vasp_id is not None:
                if len(vasp_id) or not vasp_id.text: return None
                vasp_id = _see_vasp_id(vasp_id.text)
                if vasp_id is None: return None
            _path = _reader.path
            _depth = len(_path)
            _path.append('')
            if sender_address is not None:
                _path[_depth] = 'SenderAddress'
                try: sender_address = _read_sender_address(sender_address, _reader)
                except _WrongForm as _error:
                    sender_address = _bear(_error, _specification_sender_address, _reader, sender_address)
                    del _path[_depth + 1 :]
            _path.pop()
            return _cls(vasp_id=vasp_id, sender_address=sender_address)
    """
    known: dict[str, Any] = {"_cls": cls, "_has_text": has_text, "_WrongForm": WrongForm, "_bear": _bear}
    lines = ["if _has_text(_node): return None"]
    if layout.attributes:
        lines += ["_attributes = _node.attrib", "_left = len(_attributes)"]
    texts = [each for each in layout.elements if isinstance(each.codec, TextCodec)]
    others = [each for each in layout.elements if not isinstance(each.codec, TextCodec)]
    for each in layout.attributes:
        lines += [
            f"{each.field} = _attributes.get({each.name!r})",
            f"if {each.field} is not None:",
            f"    {each.field} = _see_{each.field}({each.field})",
            f"    if {each.field} is None: return None",
            "    _left -= 1",
            *_where_missing(each),
        ]
    if layout.attributes:
        lines.append("if _left: return None")
    for each in texts:
        lines += [
            f"if {each.field} is not None:",
            f"    if len({each.field}) or not {each.field}.text: return None",
            f"    {each.field} = _see_{each.field}({each.field}.text)",
            f"    if {each.field} is None: return None",
            *_where_missing(each),
        ]
    for each in (*layout.attributes, *texts):
        known[f"_see_{each.field}"] = cast("TextCodec[Any]", each.codec).at_sight
    if others:
        lines += ["_path = _reader.path", "_depth = len(_path)", "_path.append('')"]
    for each in others:
        known[f"_read_{each.field}"], known[f"_specification_{each.field}"] = each.codec.read, each
        lines += [
            f"if {each.field} is not None:",
            f"    _path[_depth] = {each.name!r}",
            f"    try: {each.field} = _read_{each.field}({each.field}, _reader)",
            "    except _WrongForm as _error:",
            f"        {each.field} = _bear(_error, _specification_{each.field}, _reader, {each.field})",
            "        del _path[_depth + 1 :]",
            *_where_missing(each),
        ]
    if others:
        lines.append("_path.pop()")
    for each in (*layout.attributes, *layout.elements):
        known[f"_default_{each.field}"] = each.default
    values = [f"{each.field}={each.field}" for each in (*layout.attributes, *layout.elements)]
    if layout.extensions is not None:
        values.append("extensions=tuple(_reader.extensions)")
    lines.append(f"return _cls({', '.join(values)})")
    arguments = ", ".join(["_node", "_reader", *[each.field for each in layout.elements]])
    source = "\n    ".join([f"def read_at_sight({arguments}):", *lines])
    exec(compile(source, f"<what reads {cls.__name__}>", "exec"), known)
    written: Callable[..., T | None] = known["read_at_sight"]
    return written


def _where_missing(each: Specification) -> list[str]:
    """The lines for a value that is not there."""
    if each.default is None:
        return []
    if each.default is not dataclasses.MISSING:
        return [f"else: {each.field} = _default_{each.field}"]
    return ["else: return None"] if each.kind == "attribute" else []  # elements that have to be there are there


class _Values:
    """The values of one element, by field, while it is read.

    What senders do otherwise than the schema has it is found by the declarations: an element with another name
    (``also``) or in other capitals, one that stands beside the element that it belongs in (``strays``), one that stands
    around those that it belongs beside (``around``), one that stands in the place of another (``instead``). What stands
    where it should, under its name, counts before any of these.
    """

    __slots__ = ("_layout", "_reader", "_unknown", "found")

    def __init__(self, layout: Layout, reader: Reader) -> None:
        self._layout = layout
        self._reader = reader
        #: Names that may be misspelt; no more than are worth comparing.
        self._unknown: list[str] = []
        self.found: dict[str, Any] = {}

    def read(self, node: Node) -> dict[str, Any]:
        """The values of ``node``, by field; raises as :func:`read`."""
        layout, reader = self._layout, self._reader
        if layout.attributes and node.keys():
            self._read_attributes(node)
        if layout.content is not None:
            self.found[layout.content.field] = layout.content.codec.read(node, reader)
        else:
            note_text(node, reader)
            self._read_children(node)
        return self._complete()

    def _read_attributes(self, node: Node) -> None:
        reader = self._reader
        attributes, namespace = attributes_of(node), split_name(node.tag)[1]
        for specification in self._layout.attributes:
            written = read_attribute(attributes, namespace, specification.name, specification.also, reader)
            if written is None:
                if specification.default is dataclasses.MISSING:
                    self._unknown += list(attributes)[:_COMPARED]
                continue
            reader.path.append(f"@{specification.name}")
            try:
                self.found[specification.field] = cast("TextCodec[Any]", specification.codec).parse(written, reader)
            except WrongForm as error:
                _bear(error, specification, reader)
            reader.path.pop()

    def _read_children(self, node: Node) -> None:
        layout, reader = self._layout, self._reader
        children, strays = self._set_apart(node) if layout.strays else (node, {})
        renamed: list[tuple[Specification, Node]] = []
        around: list[tuple[Layout, Node]] = []
        instead: list[tuple[Specification, Node]] = []
        last = 0
        for child in children:
            written, namespace, _ = split_name(child.tag)
            name = written if written in layout.known else layout.lowered.get(written.lower())
            if name is None or not reader.is_ours(namespace):
                self._pass_over(child, written)
                continue
            specification = layout.by_name.get(name)
            if specification is None:
                if name in layout.around:
                    around.append((layout.around[name], child))
                elif name in layout.instead:  # pragma: no branch - what stands beside its place was set apart
                    instead.append((layout.instead[name], child))
                continue
            if specification.place >= last:
                last = specification.place
            elif layout.ordered and id(child) not in reader.moved:
                reader.deviations.note("element-order", reader.at(written))
            if specification.kind == "attribute":
                reader.deviations.note("element-misplaced", reader.at(written))
            elif written != specification.name:
                self._note_renamed(written, specification)
                renamed.append((specification, child))
                continue
            if name in strays:
                child = _joined(child, strays.pop(name))
            self._read_child(specification, child, written)
        for specification, child in renamed:
            written = split_name(child.tag)[0]
            if specification.field in self.found and specification.occurs == "once":
                reader.deviations.note("element-repeated", reader.at(written))
                reader.check_no_recipients(child)
                continue
            if specification.name in strays:
                child = _joined(child, strays.pop(specification.name))
            self._read_child(specification, child, written)
        for name, missed in strays.items():
            self._read_child(layout.by_name[name], _joined(Node(name), missed), name)
        for specification, child in instead:
            self._read_instead(specification, child)
        for its_layout, child in around:
            self._read_around(its_layout, child)

    def _read_instead(self, specification: Specification, child: Node) -> None:
        """Read what stands in the place of another, unless that is there."""
        written = split_name(child.tag)[0]
        if specification.field in self.found:
            self._pass_over(child, written)
        else:
            self._note_renamed(written, specification)
            self._read_child(specification, child, written)

    def _note_renamed(self, written: str, specification: Specification) -> None:
        reader = self._reader
        reader.deviations.note("element-renamed", f"{reader.at(written)} for {specification.name}")

    def _pass_over(self, child: Node, written: str) -> None:
        """Keep an element that has no field, unless it may be a recipient; raises :class:`AddressError` for that."""
        if len(self._unknown) < _COMPARED:
            self._unknown.append(written)
        if self._layout.takes_unknown is not None:
            check_no_recipient(child, self._reader)
        self._reader.unknown(child)

    def _complete(self) -> dict[str, Any]:
        """The values of all fields that have one; raises :class:`Missing` for one that has to."""
        layout, reader, found = self._layout, self._reader, self.found
        for field, occurs in layout.gathered:
            values = found.get(field)
            if isinstance(values, list):
                found[field] = values[0].joined(values[1:]) if occurs == "joined" else tuple(values)
        for specification in layout.mandatory:
            if specification.field not in found:
                if specification.lacking is _NOTHING:
                    meant = meant_by(specification.name, self._unknown)
                    raise _placed(Missing(f"{specification.name} is missing{meant}"), reader)
                reader.deviations.note("element-missing", reader.at(specification.name))
                found[specification.field] = specification.lacking
        if layout.extensions is not None:
            found["extensions"] = tuple(reader.extensions)
        return found

    def _set_apart(self, node: Node) -> tuple[Iterable[Node], dict[str, list[Node]]]:
        """The children of ``node`` without its strays, and these by the name of the element that holds them."""
        layout, reader = self._layout, self._reader
        strays: dict[str, list[Node]] = {}
        if layout.by_name.keys() >= {split_name(child.tag)[0] for child in node}:
            return node, strays
        children = []
        for child in node:
            written, namespace, _ = split_name(child.tag)
            name = written if written in layout.known else layout.lowered.get(written.lower())
            holder = layout.strays.get(name) if name is not None else layout.takes_unknown
            if holder is None or written == "Extension" or not reader.is_ours(namespace):
                children.append(child)
            else:
                reader.deviations.note("element-misplaced", reader.at(written[:80]))
                stray = copy(child)
                stray.tail = None  # that is text of the element that it stood in
                strays.setdefault(holder, []).append(stray)
                reader.moved[id(stray)] = stray
        return children, strays

    def _read_child(self, specification: Specification, child: Node, name: str) -> None:
        """Read one child."""
        reader, found = self._reader, self.found
        path = reader.path
        field, occurs = specification.field, specification.occurs
        is_there = field in found
        if is_there and occurs != "repeated":
            reader.deviations.note("element-repeated", reader.at(name))
            if occurs == "once" or (not len(child) and is_empty(child)):
                reader.check_no_recipients(child)
                return
        depth = len(path)
        path.append(name)
        try:
            value = specification.codec.read(child, reader)
        except WrongForm as error:
            if specification.lacking is _NOTHING or not is_empty(child):
                _bear(error, specification, reader, child)
            del path[depth:]
            return
        path.pop()
        if occurs in ("once", "single"):
            if is_there and value != found[field]:
                raise AddressError(details=f"{reader.at(name)}: it names another recipient than the one before")
            found[field] = value
        elif occurs in ("repeated", "joined"):
            found.setdefault(field, []).append(value)
        else:
            found.setdefault(field, []).extend(value)

    def _read_around(self, layout: Layout, node: Node) -> None:
        """Read what belongs beside ``node`` and stands in it, for the fields that have no value yet."""
        reader = self._reader
        name = split_name(node.tag)[0]
        reader.deviations.note("element-misplaced", reader.at(name))
        if name not in self._layout.around:
            reader.deviations.note("element-renamed", f"{reader.at(name)} for {self._layout.lowered[name.lower()]}")
        inside = _Values(layout, reader)
        reader.path.append(name)
        inside._read_children(node)
        for specification in layout.elements:
            if specification.field in inside.found and specification.field in self.found:
                reader.deviations.note("element-repeated", reader.at(specification.name))
        reader.path.pop()
        self.found.update({**inside.found, **self.found})


# How many unknown names are compared with the one that is missing.
_COMPARED: Final = 32


def _bear(error: WrongForm, specification: Specification, reader: Reader, node: Node | None = None) -> Any:
    """Go on without a value of wrong form, unless it is mandatory; returns what stands for it.

    An element that is empty says no more than one that is missing.
    """
    _placed(error, reader)
    if specification.default is dataclasses.MISSING:
        if specification.lacking is _NOTHING or node is None or not is_empty(node):
            raise error
        reader.deviations.note("element-missing", error.where)
        return specification.lacking
    reader.deviations.note("value-form", f"{error.where}: {error}")
    if node is not None and len(node):
        reader.check_no_recipients(node)
    return specification.default


def _joined(node: Node, strays: list[Node]) -> Node:
    """``node`` as if the strays stood in it, behind what does."""
    whole = copy(node)
    whole.extend(strays)
    return whole


def _placed(error: WrongForm, reader: Reader) -> WrongForm:
    error.where = error.where or reader.at()
    return error


def write(value: Any, name: str, writer: Writer, declaration: str = "") -> str:
    """The fields of ``value`` as an element, in the order of the schema; what is at its default is left out.

    So is what was lacking when it was read and has no value: an empty element would be of wrong form.
    """
    layout: Layout = type(value).layout
    attributes = declaration
    for specification in layout.attributes:
        item = getattr(value, specification.field)
        if item != specification.default:
            written = cast("TextCodec[Any]", specification.codec).format(item)
            attributes += f' {specification.name}="{escape_attribute(written)}"'
    pieces = []
    if layout.content is not None:
        pieces.append(layout.content.codec.content(getattr(value, layout.content.field), writer))
    for place, specification in enumerate(layout.elements):
        if place == layout.extensions:
            pieces += _written_extensions(value, layout, writer)
        item = getattr(value, specification.field)
        if item == specification.default or (item == specification.lacking and not item):
            continue
        if specification.occurs == "repeated":
            pieces += [specification.codec.write(one, specification.name, writer) for one in item]
        else:
            pieces.append(specification.codec.write(item, specification.name, writer))
    if layout.extensions == len(layout.elements):
        pieces += _written_extensions(value, layout, writer)
    return writer.element(name, "".join(pieces), attributes)


def _written_extensions(value: Any, layout: Layout, writer: Writer) -> list[str]:
    """The vendors' elements, but for those that stood deeper and would mean something else here."""
    if not value.extensions:
        return []
    known = layout.lowered.keys() - {name.lower() for name in layout.instead}
    return [
        writer.foreign(extension)
        for extension in value.extensions
        if extension.name.lower() not in known or not (extension.namespace is None or is_mm7(extension.namespace))
    ]
