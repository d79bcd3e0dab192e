"""What was found, for a person: first the verdict and its reason, then what is irregular, then the message itself.

All that a peer wrote goes through :func:`shown`, so that none of it can speak to the terminal, and into ``Text``, which
knows no markup.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final, TypeAlias

from defusedxml.minidom import parseString
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ..protocol.deviations import CATALOGUE, Deviation
from ..protocol.messages import Fault, Response
from ..protocol.schema import Layout
from ..protocol.soap import Element
from ..protocol.values import Address
from .inspection import FoundPart, Inspection, Place

#: Without ``verbose``: the characters of one value, the places of one deviation, the rows of fields, the parts.
_VALUE: Final = 300
_PLACES: Final = 4
_ROWS: Final = 80


def shown(text: str, most: int | None = _VALUE) -> str:
    """``text`` with all that is not printable as an escape, cut after ``most`` characters.

    >>> shown("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    cut = text if most is None else text[:most]
    plain = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in cut
    )
    return plain if len(cut) == len(text) else f"{plain}… ({len(text):,} characters)"


def report(inspection: Inspection, console: Console, *, verbose: bool = False) -> str:
    """The whole report on one file, as ``console`` would print it."""
    sections = [
        _verdict(inspection),
        _notes(inspection),
        _deviations(inspection, verbose=verbose),
        _message(inspection, verbose=verbose),
        _parts(inspection),
        _answer(inspection) if verbose else None,
    ]
    with console.capture() as capture:
        for number, section in enumerate(filter(None, sections)):
            if number:
                console.print()
            console.print(section, soft_wrap=isinstance(section, Text))
    # A table is padded to its width, which is a nuisance in a file.
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def one_line(inspection: Inspection) -> str:
    """The verdict in one line, the file first."""
    words = [_word(inspection)[0].lower(), inspection.operation, _said(inspection), inspection.refusal]
    if names := _by_name(inspection.deviations):
        words.append(f"irregular: {', '.join(names)}")
    return f"{shown(inspection.file, None)}: {'; '.join(shown(word, None) for word in words if word)}"


def summary(inspections: Iterable[Inspection]) -> str:
    """How many of several files are what, in one line."""
    found = list(inspections)
    counts = Counter(_word(inspection)[0].lower() for inspection in found)
    irregular = sum(bool(inspection.deviations) for inspection in found)
    return (
        f"{len(found)} files: {', '.join(f'{counts[word]} {word}' for word in sorted(counts))}; {irregular} irregular"
    )


# -- the verdict


def _word(inspection: Inspection) -> tuple[str, str]:
    """The verdict and its colour. A response is nothing that would be accepted or refused: it is read."""
    if inspection.kind == "request":
        return ("ACCEPTED", "bold green") if inspection.accepted else ("REFUSED", "bold red")
    return ("READABLE", "bold green") if inspection.accepted else ("UNREADABLE", "bold red")


def _verdict(inspection: Inspection) -> RenderableType:
    count = len(_by_name(inspection.deviations))
    headline = Text.assemble(_word(inspection))
    if inspection.strict:
        headline.append(" by strict=True")
    if count:
        headline.append(f", with {count} {'irregularity' if count == 1 else 'irregularities'}", "yellow")
        if not inspection.accepted and not inspection.strict:
            headline.append(" besides", "yellow")
    lines: list[RenderableType] = [Text(shown(inspection.file, None), "bold", overflow="fold"), headline]
    if inspection.refusal is not None:
        lines.append(Padding(Text(shown(inspection.refusal, None), "red"), (0, 0, 0, 2)))
    if inspection.place is not None:
        lines.append(_place(inspection.place))
    return Group(*lines, Padding(Text(_gist(inspection)), (0, 0, 0, 2)))


def _place(place: Place) -> RenderableType:
    """The broken line, and a mark under the place in it."""
    before, behind = (shown(text, None) for text in (place.text[: place.offset], place.text[place.offset :]))
    return Padding(
        Text(f"{before}{behind}\n{' ' * Text(before).cell_len}^", no_wrap=True, overflow="crop"), (0, 0, 0, 4)
    )


def _gist(inspection: Inspection) -> str:
    """What it is, and what answers it or what it says."""
    what = []
    if inspection.operation is not None:
        what.append(shown(inspection.operation))
    if inspection.transaction_id is not None:
        what.append(f"transaction {shown(inspection.transaction_id)}")
    if inspection.http_status is not None:
        what.append(f"HTTP {inspection.http_status}")
    said = shown(_said(inspection) or "")
    if (answer := inspection.answer) is not None:
        said = f"answered with HTTP {answer.http_status}"
        if answer.faultcode is not None:
            said += f", a Fault with the faultcode {answer.faultcode}"
        elif answer.operation is not None:
            said += f", {answer.operation}, {_status(answer.status_code, answer.status_text)}"
    return ": ".join(filter(None, [", ".join(what), said]))


def _said(inspection: Inspection) -> str | None:
    """What a response says; None of a request."""
    message = inspection.message
    if isinstance(message, Fault):
        if message.error is None:
            return f"{message.faultcode}, {message.faultstring}"
        message = message.error
    if isinstance(message, Response):
        return _status(message.status.status_code, message.status.status_text)
    return None


def _status(code: int | None, text: str | None) -> str:
    return " ".join(str(word) for word in (code and int(code), text) if word)


def _section(title: str, inside: RenderableType) -> RenderableType:
    return Group(Text(title, "bold"), Padding(inside, (0, 0, 0, 2)))


def _grid() -> Table:
    """Two columns without lines: a long name or value goes on below itself."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(max_width=36, overflow="fold")
    grid.add_column(overflow="fold")
    return grid


def _notes(inspection: Inspection) -> RenderableType | None:
    if not inspection.notes:
        return None
    return _section("The recording", Group(*(Text(shown(note, None)) for note in inspection.notes)))


# -- what is irregular


def _by_name(deviations: Iterable[Deviation]) -> dict[str, list[str]]:
    """The places of each deviation."""
    places: dict[str, list[str]] = {}
    for deviation in deviations:
        places.setdefault(deviation.name, []).append(deviation.where)
    return places


def _deviations(inspection: Inspection, *, verbose: bool) -> RenderableType | None:
    found = _by_name(inspection.deviations)
    if not found:
        return None
    if inspection.strict:
        title = "Irregular, each a reason to refuse it strictly"
    elif inspection.accepted:
        title = "Irregular, and read all the same"
    elif any(CATALOGUE[name].verdict == "refused" for name in found):
        title = "Irregular"
    else:
        title = "Irregular as well, though no reason to refuse it"
    table = _grid()
    for name, places in found.items():
        irregularity = CATALOGUE[name]
        about = Table.grid(padding=(0, 2, 0, 0))
        about.add_row("rule", Text(irregularity.clause, "dim"))
        most = len(places) if verbose else _PLACES
        for number, place in enumerate(places[:most]):
            about.add_row("" if number else "where", Text(shown(place), overflow="fold"))
        if len(places) > most:
            about.add_row("", f"and {len(places) - most} more; --verbose shows them")
        table.add_row(Text(name, "yellow"), Group(irregularity.summary, about))
    return _section(title, table)


# -- the message

_Row: TypeAlias = tuple[int, str, str]  # how deep, the name, the value


def _message(inspection: Inspection, *, verbose: bool) -> RenderableType | None:
    rows: list[_Row] = []
    if inspection.transaction_id is not None:
        rows.append((0, "TransactionID", inspection.transaction_id))
    if inspection.namespace is not None:
        rows.append((0, "namespace", inspection.namespace))
    message = inspection.message
    if isinstance(message, Fault):
        rows += [(0, "faultcode", message.faultcode), (0, "faultstring", message.faultstring)]
        if message.error is not None:
            rows += _rows(message.error.element_name, message.error, 0)
    elif message is not None:
        rows += _fields(message, 0)
    if not rows:
        return None
    most = len(rows) if verbose else _ROWS
    table = _grid()
    for depth, name, value in rows[:most]:
        table.add_row(Text("  " * depth + shown(name), "cyan"), Text(shown(value, None if verbose else _VALUE)))
    if len(rows) > most:
        table.add_row("…", f"and {len(rows) - most:,} more lines; --verbose shows them")
    return _section(shown(inspection.operation or "Envelope"), table)


def _fields(value: Any, depth: int) -> Iterator[_Row]:
    """The attributes and elements of a declared class that were there, by the names of the specification."""
    layout: Layout = value.layout
    for specification in layout.attributes:
        item = getattr(value, specification.field)
        if item != specification.default:
            yield from _rows(f"@{specification.name}", item, depth)
    for specification in layout.elements:
        item = getattr(value, specification.field)
        if item != specification.default:
            yield from _rows(specification.name, item, depth)
    for element in getattr(value, "extensions", ()):
        yield from _rows(element.name, element, depth)


def _rows(name: str, value: Any, depth: int) -> Iterator[_Row]:
    """One element with all that is in it."""
    if isinstance(value, tuple) and not isinstance(value, Address):
        for item in value:
            yield from _rows(name, item, depth)
    elif isinstance(value, Element):
        yield depth, value.name, value.text.strip()
        for key, attribute in value.attributes.items():
            yield depth + 1, f"@{key}", attribute
        for child in value.children:
            yield from _rows(child.name, child, depth + 1)
    elif hasattr(value, "layout"):
        layout: Layout = value.layout
        yield depth, name, "" if layout.content is None else _text(getattr(value, layout.content.field))
        yield from _fields(value, depth + 1)
    else:
        yield depth, name, _text(value)


def _text(value: Any) -> str:
    """A value that is no structure."""
    if isinstance(value, Address):
        about = [str(value.kind)]
        if value.display_only:
            about.append("displayOnly")
        about += [str(word) for word in (value.address_coding, value.id and f"id {value.id}") if word]
        return f"{value.value}  ({', '.join(about)})"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int):  # a StatusCode among them
        return str(int(value))
    return str(value) or "(empty)"


# -- the parts


def _parts(inspection: Inspection) -> RenderableType:
    about = f"{inspection.size:,} octets of {shown(inspection.content_type) or 'no Content-Type'}"
    tree = Tree(Text(about, overflow="fold"))
    for part in inspection.parts:
        _branch(tree, part)
    return _section("The body", tree)


def _branch(tree: Tree, part: FoundPart) -> None:
    line = Text(overflow="fold")
    if part.role is not None:
        line.append({"soap": "SOAP part", "content": "content", "attachment": "attachment"}[part.role], "bold")
        line.append(": ")
    words = [part.content_type if part.charset is None else f"{part.content_type} in {part.charset}"]
    if part.content_id is not None:
        words.append(f"id {part.content_id}")  # as it is compared; there may be no brackets around it
    if part.content_location is not None:
        words.append(f"location {part.content_location}")
    if part.filename is not None:
        words.append(f'"{part.filename}"')
    size = f"{part.size:,} octets"
    if part.transfer_encoding and part.decoded_size is not None:
        size += f" in {part.transfer_encoding}"
        if part.decoded_size != part.size:
            size += f", {part.decoded_size:,} decoded"
    line.append(", ".join([*map(shown, words), shown(size)]))
    if part.error is not None:
        line.append(f"\ncannot be decoded: {shown(part.error)}", "red")
    if part.beginning:
        line.append(f"\n{shown(part.beginning)}", "dim")
    branch = tree.add(line)
    for inside in part.parts:
        _branch(branch, inside)


# -- the answer


def _answer(inspection: Inspection) -> Text | None:
    """The XML of the answer, of which no line is broken: it may be copied."""
    answer = inspection.answer
    if answer is None or not answer.body:
        return None
    xml: str = parseString(answer.body).toprettyxml(indent="  ", encoding="UTF-8").decode()
    lines = [f"The answer, HTTP {answer.http_status}", *(f"  {shown(line, None)}" for line in xml.splitlines())]
    return Text("\n".join(lines))
