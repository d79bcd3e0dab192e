"""SOAP 1.1 envelopes: octets to elements, and elements to octets.

The reading goes through ``defusedxml``: no document type, no entity, nothing fetched. What ``defusedxml`` leaves open
is closed here: depth, numbers, processing instructions, and the length of namespace names, of which expat builds a
copy for every distinct element and attribute.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import chain, count
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple, NoReturn, TypeAlias
from xml.etree import ElementTree
from xml.parsers.expat import ExpatError, ParserCreate, errors

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from .charset import CESU_8, IN_ASCII, codec, declared, decoded, find_charset, find_uncovered
from .deviations import Deviations
from .errors import MustUnderstand, TransactionIDError, UnsupportedVersion, ValidationError, VersionMismatch
from .limits import Limits

#: The namespace of SOAP 1.1.
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
#: The namespaces that no answer can declare (Namespaces in XML 1.0, 3).
RESERVED: Final = (_XML, "http://www.w3.org/2000/xmlns/")
_NEXT_ACTOR: Final = "http://schemas.xmlsoap.org/soap/actor/next"

_SCHEMA: Final = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
#: The namespaces of the MM7 schemas that 3GPP published.
MM7_NAMESPACES: Final = frozenset(
    _SCHEMA + release
    for release in (
        *(f"REL-5-MM7-1-{number}" for number in range(6)),
        *(f"REL-6-MM7-1-{number}" for number in range(5)),
    )
)
#: The last of them, and what we speak before a peer has spoken.
MM7: Final = _SCHEMA + "REL-6-MM7-1-4"


def is_mm7(namespace: str | None) -> bool:
    """Whether a namespace is meant for MM7: any that has ``mm7`` in it, in any capitals."""
    return namespace is not None and (namespace == MM7 or "mm7" in namespace.lower())


class Element:
    """An XML element as it was received: what MM7 has no field for is handed to the host as this.

    ``name`` is the local name, ``namespace`` a URI or None. ``text`` is the character data directly inside, joined,
    without the white space that only indents elements. Names of ``attributes`` in a namespace are written
    ``{uri}name``.
    """

    __slots__ = ("_attributes", "children", "name", "namespace", "prefix", "text")

    def __init__(
        self,
        name: str,
        namespace: str | None = None,
        *,
        prefix: str = "",
        attributes: dict[str, str] | None = None,
        text: str = "",
        children: list[Element] | None = None,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.prefix = prefix
        self._attributes = attributes
        self.text = text
        self.children: list[Element] = [] if children is None else children

    @property
    def has_attributes(self) -> bool:
        """Whether there are any attributes."""
        return bool(self._attributes)

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes, without namespace declarations."""
        if self._attributes is None:
            self._attributes = {}
        return self._attributes

    def find(self, name: str) -> Element | None:
        """The first child of that local name, in whatever namespace."""
        for child in self.children:
            if child.name == name:
                return child
        return None

    def __repr__(self) -> str:
        return f"<Element {self.name} in {self.namespace}>" if self.namespace else f"<Element {self.name}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        pairs = [(self, other)]
        while pairs:  # deep as the limits allow, so without recursion
            one, another = pairs.pop()
            if (
                one.name != another.name
                or one.namespace != another.namespace
                or one.text != another.text
                or one.attributes != another.attributes
                or len(one.children) != len(another.children)
            ):
                return False
            pairs += zip(one.children, another.children, strict=True)
        return True

    __hash__ = None  # type: ignore[assignment]


#: An element as it was read: its ``tag`` is a name as expat writes it, and :func:`split_name` takes that apart.
Node: TypeAlias = ElementTree.Element


class _Names(dict[str, tuple[str, "str | None", str]]):
    """Names as expat writes them, taken apart once: those of MM7 come again with every message."""

    def __missing__(self, written: str) -> tuple[str, str | None, str]:
        pieces = written.rsplit("}", 2)
        name = (
            (written, None, "") if len(pieces) == 1 else (pieces[1], pieces[0], pieces[2] if len(pieces) == 3 else "")
        )
        if len(written) <= LONGEST_KEPT:  # as all of MM7 are; a longer one is nothing to keep for a stranger
            # Threads may come between: what one forgets, it or another takes apart again.
            if len(self) >= _KEPT:
                self.clear()
            self[written] = name
        return name


#: Characters of a name that is kept for the next message.
LONGEST_KEPT: Final = 200
_KEPT: Final = 1024
#: The local name, the namespace and the prefix of ``uri}name}prefix``, ``uri}name`` or ``name``.
split_name: Final[Callable[[str], tuple[str, str | None, str]]] = _Names().__getitem__


#: The name as expat writes it.
tag_of: Final[Callable[[Node], str]] = attrgetter("tag")


def text_of(node: Node) -> str:
    """The character data directly inside, joined, without the white space that only indents elements."""
    if not len(node):
        return node.text or ""
    pieces = filter(None, [node.text, *map(_tail, node)])
    return "".join([piece for piece in pieces if not piece.isspace()])


def has_text(node: Node) -> bool:
    """Whether there is any character data directly inside, but for white space."""
    return bool("".join(filter(None, (node.text, *map(_tail, node)))).strip())


_tail: Final = attrgetter("tail")


def attributes_of(node: Node) -> Mapping[str, str]:
    """The attributes; a name in a namespace is written ``{uri}name``."""
    if not node.keys():
        return _NO_ATTRIBUTES
    if "}" not in "".join(node.keys()):
        return node.attrib
    return {_clark(name): value for name, value in node.attrib.items()}


_NO_ATTRIBUTES: Final[Mapping[str, str]] = MappingProxyType({})


def _clark(written: str) -> str:
    if "}" not in written:
        return written
    name, namespace, _ = split_name(written)
    return f"{{{namespace}}}{name}"


def child_of(node: Node, name: str) -> Node | None:
    """The first child of that local name, in whatever namespace."""
    for child in node:
        if split_name(child.tag)[0] == name:
            return child
    return None


def element_of(node: Node) -> Element:
    """``node`` and all that is in it, for the host."""
    whole = _alone(node)
    waiting = [(node, whole)]
    while waiting:  # deep as the limits allow, so without recursion
        parent, element = waiting.pop()
        for child in parent:
            inside = _alone(child)
            element.children.append(inside)
            if len(child):
                waiting.append((child, inside))
    return whole


def _alone(node: Node) -> Element:
    name, namespace, prefix = split_name(node.tag)
    attributes = dict(attributes_of(node)) if node.keys() else None
    return Element(name, namespace, prefix=prefix, attributes=attributes, text=text_of(node))


def _counting(start: Callable[[str, dict[str, str]], object], limits: Limits) -> Callable[[str, dict[str, str]], None]:
    """``start``, called for as many elements as are allowed."""
    left = limits.elements

    def on_start(written: str, attributes: dict[str, str]) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _too_much("elements", f"more than {limits.elements} elements")
        start(written, attributes)

    return on_start


def _refuse_instruction(target: str, data: str) -> None:
    raise ValidationError(details=f"the SOAP part holds the processing instruction {target[:40]!r} (SOAP 1.1, 3)")


def _check_depth(root: Node, limits: Limits) -> None:
    level = [root]
    for _ in range(limits.depth):
        level = list(chain.from_iterable([node for node in level if len(node)]))
        if not level:
            return
    raise _too_much("depth", f"elements more than {limits.depth} levels deep")


def _check_attributes(root: Node, declarations: list[int], limits: Limits) -> None:
    """Judge the attributes that one element has, and the namespaces that one declares."""
    most = limits.attributes
    if any(len(node.keys()) > most for node in root.iter()):
        raise _too_much("attributes", f"an element with more than {most} attributes")
    if max(Counter(declarations).values(), default=0) > most:
        raise _too_much("attributes", f"an element that declares more than {most} namespaces")


def _check_qualified(octets: bytes, limits: Limits) -> None:
    """Judge how many attributes of all elements are in a namespace, before its name is put to each of theirs.

    expat does that for all of one element before it tells anybody, so they are counted as they are written.
    """
    left = limits.elements

    def on_start(_: str, attributes: list[str]) -> None:
        nonlocal left
        left -= sum(":" in name and not name.startswith("xmlns:") for name in attributes[::2])
        if left < 0:
            raise _too_much("elements", f"more than {limits.elements} attributes in a namespace")

    parser = ParserCreate("utf-8")
    parser.ordered_attributes = True
    parser.StartElementHandler = on_start
    parser.StartDoctypeDeclHandler = _refuse_document_type
    with suppress(ExpatError):  # which the whole parser says better
        parser.Parse(octets, True)


def _refuse_document_type(*_: object) -> NoReturn:
    raise ValidationError(details="the SOAP part has a document type declaration (SOAP 1.1, 3)") from None


def _too_much(name: str, words: str) -> ValidationError:
    return ValidationError(details=f"the SOAP part has {words} ({name})")


def parse_xml(octets: bytes, limits: Limits, deviations: Deviations | None = None) -> Node:
    """Parse a document that is UTF-8, whatever encoding it declares, and return its root.

    With ``deviations``, two character references to a high and a low surrogate are read as the one character that they
    stand for, and that is noted. One that stands alone is never read.

    Raises :class:`ValidationError` (4004) with the parser's words and place.
    """
    try:
        return _parse(octets, limits)
    except _CharacterReferenceError:
        joined = octets if deviations is None else _join_references(octets)
        if joined == octets:
            raise
    assert deviations is not None
    deviations.note("surrogate-pair", "the SOAP part")
    return _parse(joined, limits)


class _CharacterReferenceError(ValidationError):
    """A reference to what is no character."""


_BAD_REFERENCE = errors.codes[errors.XML_ERROR_BAD_CHAR_REF]
# What holds no references, to its end or that of the document; or a reference to a high surrogate and one to a low one.
_REFERENCES = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)"
    rb"|&#(x0*[Dd][89ABab][0-9A-Fa-f]{2}|0*5(?:529[6-9]|5[3-9][0-9]{2}|6[0-2][0-9]{2}|63[01][0-9]));"
    rb"&#(x0*[Dd][C-Fc-f][0-9A-Fa-f]{2}|0*5(?:63[2-9][0-9]|6[4-9][0-9]{2}|7[0-2][0-9]{2}|73[0-3][0-9]|734[0-3]));",
    re.DOTALL,
)


def _join_references(octets: bytes) -> bytes:
    """Write each pair of references to surrogates as one, just as long: what the parser says of a place stays true."""
    return _REFERENCES.sub(_joined_reference, octets)


def _joined_reference(match: re.Match[bytes]) -> bytes:
    if match[1] is None:
        return match[0]
    high, low = (
        int(b"0" + number if number[:1] == b"x" else number, 16 if number[:1] == b"x" else 10)
        for number in match.groups()
    )
    return b"&#x%s;" % (b"%X" % (0x10000 + (high - 0xD800 << 10) + low - 0xDC00)).zfill(len(match[0]) - 4)


def _parse(octets: bytes, limits: Limits) -> Node:
    signs = octets.count(b"=")
    if signs > limits.elements:
        _check_qualified(octets, limits)
    builder = ElementTree.TreeBuilder()
    defused = DefusedXMLParser(target=builder, encoding="utf-8", forbid_dtd=True)
    parser = defused.parser
    # Else the two hold each other until the garbage collector comes by.
    del defused.parser, defused._parser  # type: ignore[attr-defined]
    parser.namespace_prefixes = True
    parser.ordered_attributes = False
    parser.DefaultHandlerExpand = parser.CommentHandler = None
    parser.ProcessingInstructionHandler = _refuse_instruction
    # Its handlers against document types, entities and external references stay. The others would call the builder by
    # way of Python; it is written in C, and so is expat, so they can do without.
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    # Most documents are acquitted by their signs: each element has a bracket, each around another one two of them, and
    # each attribute a sign of equality.
    brackets = octets.count(b"<")
    if brackets > limits.elements:
        parser.StartElementHandler = _counting(builder.start, limits)
    declarations: list[int] = []  # of each namespace, where its element begins

    def on_namespace(prefix: str | None, uri: str | None) -> None:
        declarations.append(parser.CurrentByteIndex)
        if uri is None:
            return
        if len(uri.encode()) > limits.namespace:
            raise _too_much("namespace", f"a namespace name of more than {limits.namespace} octets")
        # It would end the namespace in the names that expat gives.
        if "}" in uri:  # pragma: no cover - expat from 2.4.5 refuses it before us
            raise ValidationError(details="the SOAP part has a namespace name with a brace in it")

    parser.StartNamespaceDeclHandler = on_namespace
    try:
        parser.Parse(octets, True)
    except DefusedXmlException:
        _refuse_document_type()
    except (ExpatError, SyntaxError, ValueError, LookupError) as error:
        kind = _CharacterReferenceError if getattr(error, "code", 0) == _BAD_REFERENCE else ValidationError
        raise kind(details=f"the SOAP part is not well-formed XML: {error}") from None
    finally:
        parser.StartNamespaceDeclHandler = None  # it holds the parser
    root: Node = builder.close()
    if brackets > 2 * limits.depth:
        _check_depth(root, limits)
    if signs > limits.attributes:
        _check_attributes(root, declarations, limits)
    return root


_MARK = "\ufeff"
_PLAIN_HEADS = (b'<?xml version="1.0" encoding="UTF-8"?>', b'<?xml version="1.0" encoding="utf-8"?>')


def to_utf8(octets: bytes, charset: str | None, deviations: Deviations) -> bytes:
    """The SOAP part as UTF-8, judged by its octets first and by what it claims about itself only then.

    A byte order mark; else UTF-8, if the octets are valid UTF-8 without NUL and ESC; else the MIME charset; else the
    encoding of the XML declaration. A claim that contradicts what was found is a deviation, and so are bytes that the
    character set claimed does not have, and surrogates that stand for one character.

    Raises :class:`ValidationError` where no reading is left.
    """
    # Most are ASCII and say nothing else, so that there is nothing to find.
    if (
        charset in (None, "utf-8")
        and octets.isascii()
        and b"\0" not in octets
        and b"\x1b" not in octets
        and octets.startswith(_PLAIN_HEADS)
    ):
        return octets
    if octets[:1].isspace():
        octets = octets.lstrip()
        if octets.startswith(b"<?xml"):
            deviations.note("xml-late", "the SOAP part")
    claims = [claim for claim in (charset, declared(octets)) if claim]
    found = find_charset(octets, claims)
    if found is None:
        raise ValidationError(
            details="the octets of the SOAP part are not in the character set "
            + " or ".join(dict.fromkeys(claim.lower()[:40] for claim in claims or ["utf-8"]))
        )
    for claim in claims:
        if codec(claim) == found:
            if code := find_uncovered(claim, octets):
                deviations.note("charset-wider", f"the SOAP part says {claim[:40]!r} and has {code}")
        elif _contradicts(claim, found, octets):
            deviations.note("charset-contradicted", f"the SOAP part says {claim[:40]!r} and is {found}")
    if found == "utf-8":
        return octets
    if found == CESU_8:
        deviations.note("surrogate-pair", "the SOAP part")
    # utf-7 can hold half of a surrogate pair. It is kept as what it is: expat says where it stands.
    return (decoded(octets, found) or "").encode("utf-8", "surrogatepass")


def charset_of_names(octets: bytes, charset: str | None) -> str | None:
    """The character set that a SOAP part claims, where it is none of Unicode: names of files may be in it too."""
    if charset in (None, "utf-8") and octets.startswith(_PLAIN_HEADS):
        return None
    names = [codec(claim) for claim in (charset, declared(octets)) if claim]
    return next((name for name in names if name and name != CESU_8 and not name.startswith("utf")), None)


def _contradicts(claim: str, found: str, octets: bytes) -> bool:
    name = codec(claim)
    if name is None:
        return True
    # It stands for either byte order, though Python's codec without a mark takes that of the machine.
    if name == "utf-16" and found.startswith("utf-16"):
        return False
    if found == CESU_8 and name == "utf-8":  # which has a deviation of its own
        return False
    if found == "utf-8" and octets.isascii() and name not in IN_ASCII:
        octets = octets[:64]  # enough: either the charset has ASCII in it or it has not
    # By value, for one charset has several names; and without the mark, which utf-16-le reads as a character.
    text = decoded(octets, name)
    return text is None or text.removeprefix(_MARK) != (decoded(octets, found) or "").removeprefix(_MARK)


class Envelope(NamedTuple):
    """A SOAP envelope, divided but not judged."""

    soap_namespace: str
    #: The blocks of Header.
    blocks: tuple[Node, ...]
    #: Those blocks that are a TransactionID.
    transaction_ids: tuple[Node, ...]
    #: The elements of Body.
    operations: tuple[Node, ...]
    #: The TransactionID, white space around it removed; None where it is missing, empty or ambiguous.
    transaction_id: str | None
    #: The namespace that TransactionID came in, white space removed.
    transaction_namespace: str | None
    #: Whether there is a Header with nothing in it.
    has_empty_header: bool = False

    @property
    def operation(self) -> Node | None:
        """The element of Body, where there is exactly one."""
        return self.operations[0] if len(self.operations) == 1 else None


# As peers write it, in lower case and without the last slash: with https, and as the first examples of 3GPP had it.
_SOAP_VARIANTS = frozenset(
    scheme + "://schemas.xmlsoap.org/soap/" + path
    for scheme in ("http", "https")
    for path in ("envelope", "soap-envelope")
)


def divide_envelope(root: Node, deviations: Deviations) -> Envelope:
    """Find header blocks, TransactionID and operations.

    Raises :class:`VersionMismatch` for an envelope of another SOAP, :class:`ValidationError` for what is none, or has
    more than one Body.
    """
    name, namespace, _ = split_name(root.tag)
    if name != "Envelope":
        raise ValidationError(details=f"the SOAP part is {name[:80]!r}, not a SOAP Envelope")
    if namespace is None:
        raise ValidationError(details="the Envelope is in no namespace (SOAP 1.1, 4)")
    if namespace != SOAP:
        if namespace.strip().lower().rstrip("/") not in _SOAP_VARIANTS:
            raise VersionMismatch(f"the Envelope is not of SOAP 1.1 but of {namespace[:80]}")
        deviations.note("soap-namespace", f"Envelope: {namespace[:80]}")
    headers: list[Node] = []
    bodies: list[Node] = []
    is_late = False
    for child in root:
        name, its_namespace, _ = split_name(child.tag)
        if its_namespace == namespace:
            if name == "Body":
                bodies.append(child)
            elif name == "Header":
                headers.append(child)
                if bodies:
                    is_late = True
    if len(bodies) != 1 or len(headers) > 1:
        raise ValidationError(details=f"the Envelope has {len(headers)} Header and {len(bodies)} Body elements")
    if is_late:
        deviations.note("element-order", "Envelope/Header")
    blocks = tuple(headers[0]) if headers else ()
    ids = _transaction_ids(blocks, deviations)
    return Envelope(
        soap_namespace=namespace,
        blocks=blocks,
        transaction_ids=ids,
        operations=tuple(bodies[0]),
        transaction_id=text_of(ids[0]).strip() or None if len(ids) == 1 else None,
        transaction_namespace=tidy(split_name(ids[0].tag)[1]) if ids else None,
        has_empty_header=bool(headers) and not blocks and not text_of(headers[0]).strip(),
    )


def _transaction_ids(blocks: tuple[Node, ...], deviations: Deviations) -> tuple[Node, ...]:
    """Those in a namespace of MM7 or in none; without any, the only one in whatever namespace can be answered.

    One whose name is in other capitals counts where none has the right ones.
    """
    named = tuple([block for block in blocks if _is_transaction_id(*split_name(block.tag))])
    if not named:
        named = tuple(
            [
                block
                for block in blocks
                if (written := split_name(block.tag))[0].lower() == "transactionid"
                and _is_transaction_id("TransactionID", *written[1:])
            ]
        )
        if named:
            deviations.note("element-renamed", f"{split_name(named[0].tag)[0]} for TransactionID")
    if len(named) < 2:
        return named
    return tuple([block for block in named if (name := split_name(block.tag)[1]) is None or is_mm7(tidy(name))])


def _is_transaction_id(name: str, namespace: str | None, _: str) -> bool:
    return name == "TransactionID" and tidy(namespace) not in RESERVED


def check_envelope(envelope: Envelope, deviations: Deviations) -> Node:
    """Judge the envelope of a request in the order that SOAP and MM7 give, and return its operation.

    Raises :class:`MustUnderstand`, :class:`TransactionIDError`, :class:`ValidationError` for a Body that has not
    exactly one element, and :class:`UnsupportedVersion` (4002) for one whose namespace is not MM7's.
    """
    _check_blocks(envelope)
    if envelope.transaction_id is None:
        raise TransactionIDError("the TransactionID is missing or empty")
    operation = _one_operation(envelope)
    _check_namespace(operation, deviations)
    _check_transaction(envelope, operation, deviations)
    return operation


def check_answer(envelope: Envelope, deviations: Deviations) -> Node:
    """Judge the envelope of a response, and return its Fault or what is in Body instead.

    Raises as :func:`check_envelope`, but bears that there is no TransactionID: who sent the request knows it. A Fault
    with an empty Header is regular: the request may have been refused before its TransactionID was read.
    """
    _check_blocks(envelope)
    answer = _one_operation(envelope)
    name, namespace, _ = split_name(answer.tag)
    if envelope.transaction_id is None and not (name == "Fault" and envelope.has_empty_header):
        deviations.note("transaction-missing", "Header")
    if name != "Fault":
        _check_namespace(answer, deviations)
    elif namespace != envelope.soap_namespace:
        deviations.note("soap-namespace", f"Fault: {(namespace or 'none')[:80]}")
    _check_transaction(envelope, answer, deviations)
    return answer


def _check_blocks(envelope: Envelope) -> None:
    understood = {id(block) for block in envelope.transaction_ids}
    for block in envelope.blocks:
        if id(block) not in understood and _must_understand(block, envelope.soap_namespace):
            name = split_name(block.tag)[0]
            raise MustUnderstand(f"the header block {name[:80]!r} has to be understood and is not")
    if len(envelope.transaction_ids) > 1:
        raise TransactionIDError("there is more than one TransactionID")


def _one_operation(envelope: Envelope) -> Node:
    if envelope.operation is None:
        raise ValidationError(details=f"the SOAP Body has {len(envelope.operations)} elements; one is wanted")
    return envelope.operation


def _check_transaction(envelope: Envelope, operation: Node, deviations: Deviations) -> None:
    for block in envelope.transaction_ids:  # one, or none in an answer
        if _mark(block, envelope.soap_namespace) != "1":
            deviations.note("transaction-unmarked", split_name(block.tag)[0])
        note_namespace(block, deviations)
    expected = envelope.transaction_namespace
    name, namespace, _ = split_name(operation.tag)
    if expected and name != "Fault" and tidy(namespace) not in (None, expected):
        deviations.note("namespace-mixed", f"TransactionID and {name[:80]}")


def _must_understand(block: Node, soap_namespace: str) -> bool:
    """Whether the block is for us and not to be ignored (SOAP 1.1, 4.2.2 and 4.2.3)."""
    actor = attributes_of(block).get(f"{{{soap_namespace}}}actor", "").strip()
    return _mark(block, soap_namespace) in ("1", "true") and actor in ("", _NEXT_ACTOR)


def _mark(block: Node, soap_namespace: str) -> str:
    """What its mustUnderstand says: ``1`` or ``0`` in SOAP 1.1, ``true`` or ``false`` from those who speak SOAP 1.2."""
    return attributes_of(block).get(f"{{{soap_namespace}}}mustUnderstand", "").strip()


def _check_namespace(element: Node, deviations: Deviations) -> None:
    name, namespace, _ = split_name(element.tag)
    if namespace in MM7_NAMESPACES:
        return
    if namespace is not None and not is_mm7(tidy(namespace)):
        raise UnsupportedVersion(details=f"{name[:80]} is in {namespace[:80]}, which is no namespace of MM7")
    note_namespace(element, deviations)


def note_namespace(element: Node, deviations: Deviations) -> None:
    """Note what is irregular in the namespace of an element that is taken for MM7's."""
    name, namespace, _ = split_name(element.tag)
    if namespace in MM7_NAMESPACES:
        return
    where = name[:80]
    if namespace is None:
        deviations.note("namespace-missing", where)
    elif tidy(namespace) in MM7_NAMESPACES:
        deviations.note("namespace-blanks", where)
    else:
        deviations.note("namespace-foreign", f"{where}: {namespace[:80]}")


def tidy(namespace: str | None) -> str | None:
    """A namespace name without the white space that some peers put in it."""
    if namespace in MM7_NAMESPACES:
        return namespace
    return None if namespace is None else "".join(namespace.split()) or None


# -- writing


_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)


def escape_text(text: str) -> str:
    """``text`` for between tags; a character that XML cannot hold becomes U+FFFD."""
    if text.isprintable() and "&" not in text and "<" not in text and ">" not in text:
        return text
    return _ILLEGAL.sub("\ufffd", text).translate(_TEXT)


def escape_attribute(text: str) -> str:
    """``text`` for between double quotes."""
    if '"' not in text and text.isprintable() and "&" not in text and "<" not in text and ">" not in text:
        return text
    return _ILLEGAL.sub("\ufffd", text).translate(_ATTRIBUTE)


def _serialise(whole: Element, outside: dict[str, str | None]) -> str:
    """``whole`` and all that is in it as XML, each namespace declared where it is first needed.

    ``outside`` is what the prefixes stand for where it will be put.
    """
    pieces: list[str] = []
    waiting: list[str | tuple[Element, dict[str, str | None]]] = [(whole, outside)]
    while waiting:  # deep as the limits allow, so without recursion
        following = waiting.pop()
        if isinstance(following, str):
            pieces.append(following)
            continue
        element, scope = following
        prefix = element.prefix if element.namespace else ""
        name = f"{prefix}:{element.name}" if prefix else element.name
        pieces.append(f"<{name}")
        if scope.get(prefix) != element.namespace:
            scope = {**scope, prefix: element.namespace}
            pieces.append(_declaration(prefix, element.namespace))
        for key, value in (element.attributes if element.has_attributes else {}).items():
            if key.startswith("{"):
                namespace, _, key = key[1:].rpartition("}")
                bound = next((other for other, uri in scope.items() if other and uri == namespace), None)
                if bound is None:
                    bound = next(free for number in count(len(scope)) if (free := f"ns{number}") not in scope)
                    scope = {**scope, bound: namespace}
                    pieces.append(_declaration(bound, namespace))
                key = f"{bound}:{key}"
            pieces.append(f' {key}="{escape_attribute(value)}"')
        if not element.text and not element.children:
            pieces.append("/>")
            continue
        pieces.append(f">{escape_text(element.text)}")
        waiting.append(f"</{name}>")
        waiting += [(child, scope) for child in reversed(element.children)]
    return "".join(pieces)


def _declaration(prefix: str, namespace: str | None) -> str:
    return f' xmlns{":" if prefix else ""}{prefix}="{escape_attribute(namespace or "")}"'


def _declared(prefix: str, namespace: str | None) -> tuple[str, str]:
    """What stands before a name with ``prefix`` in ``namespace``, and the declaration that it needs."""
    if not namespace:
        return "", ""
    return f"{prefix}:" if prefix else "", _declaration(prefix, namespace)


class Writer:
    """Writes elements that are all in one namespace and have one prefix, and others among them."""

    __slots__ = ("_before", "_scope", "declaration", "namespace", "prefix")

    def __init__(self, namespace: str | None, prefix: str) -> None:
        self.namespace = namespace
        self.prefix = prefix
        #: What the outermost element has to declare.
        self._before, self.declaration = _declared(prefix, namespace)
        self._scope: dict[str, str | None] = {"xml": _XML}
        if namespace:
            self._scope[prefix] = namespace

    def element(self, name: str, content: str, attributes: str = "") -> str:
        """An element whose content and whose attributes, with a blank before each, are written already."""
        name = self._before + name
        return f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes}/>"

    def foreign(self, element: Element) -> str:
        """An element of any namespace."""
        return _serialise(element, self._scope)


class Transaction(NamedTuple):
    """The TransactionID of a message to be written."""

    id: str
    namespace: str | None


def write_envelope(body: str, transaction: Transaction | None, prefix: str) -> bytes:
    """The whole SOAP part: ``body`` in Body, and the TransactionID, if there is one, with ``prefix``.

    Without a TransactionID there is an empty Header: some peers look into it for one before they read the status.
    """
    soap = soap_prefix(prefix)
    header = f"<{soap}:Header/>"
    if transaction is not None:
        before, declaration = _declared(prefix, transaction.namespace)
        header = (
            f'<{soap}:Header><{before}TransactionID{declaration} {soap}:mustUnderstand="1">'
            f"{escape_text(transaction.id)}</{before}TransactionID></{soap}:Header>"
        )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{soap}:Envelope xmlns:{soap}="{SOAP}">{header}'
        f"<{soap}:Body>{body}</{soap}:Body></{soap}:Envelope>"
    ).encode()


def soap_prefix(prefix: str) -> str:
    """The prefix for SOAP: ``env``, unless MM7 has that."""
    return "soapenv" if prefix == "env" else "env"
