"""SOAP 1.1 envelopes: octets to elements, and elements to octets.

The reading goes through ``defusedxml``: no document type, no entity, nothing fetched. What ``defusedxml`` leaves open
is closed here: depth, numbers, processing instructions, and the length of namespace names, of which expat builds a
copy for every distinct element.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Final, NamedTuple
from xml.parsers.expat import ExpatError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from .charset import codec, declared, decoded, find_charset
from .deviations import Deviations
from .errors import MustUnderstand, TransactionIDError, UnsupportedVersion, ValidationError, VersionMismatch
from .limits import Limits

#: The namespace of SOAP 1.1.
SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
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
        return (
            self.name == other.name
            and self.namespace == other.namespace
            and self.text == other.text
            and self.attributes == other.attributes
            and self.children == other.children
        )

    __hash__ = None  # type: ignore[assignment]


class _Builder:
    """Builds elements from expat's events and counts what a sender can make grow."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._elements = 0
        self._declared = 0  # namespaces since the last start tag, all by the next one
        self._names: dict[str, tuple[str, str | None, str]] = {}
        self._document = Element("")
        self._open = [self._document]
        self._pieces: list[str] = []
        self._mixed: dict[int, list[str]] = {}  # by depth
        self.data = self._pieces.append  # a method of C: expat calls it without a Python frame between

    @property
    def root(self) -> Element:
        return self._document.children[0]

    def on_start(self, written: str, attributes: dict[str, str]) -> None:
        parents = self._open
        parent = parents[-1]
        if self._pieces:
            self._keep_text()
        try:
            name, namespace, prefix = self._names[written]
        except KeyError:
            name, namespace, prefix = self._names[written] = _split(written)
        self._declared = 0
        self._elements += 1
        if self._elements > self._limits.elements:
            raise _too_much("elements", f"more than {self._limits.elements} elements")
        if len(parents) > self._limits.depth:
            raise _too_much("depth", f"elements more than {self._limits.depth} levels deep")
        element = Element(name, namespace, prefix=prefix)
        if attributes:
            if len(attributes) > self._limits.attributes:
                raise _too_much("attributes", f"an element with more than {self._limits.attributes} attributes")
            element._attributes = {_clark(key): value for key, value in attributes.items()}
        parent.children.append(element)
        parents.append(element)

    def on_end(self, written: str) -> None:
        element = self._open[-1]
        if element.children:
            if self._pieces:
                self._keep_text()
            if len(self._open) in self._mixed:
                element.text = "".join(self._mixed.pop(len(self._open)))
        elif self._pieces:
            element.text = "".join(self._pieces)
            self._pieces.clear()
        self._open.pop()

    def _keep_text(self) -> None:
        """Keep text that has elements beside it, unless it only indents them."""
        text = "".join(self._pieces)
        self._pieces.clear()
        if not text.isspace():
            self._mixed.setdefault(len(self._open), []).append(text)

    def on_namespace(self, prefix: str | None, uri: str | None) -> None:
        # It would end the namespace in the names that expat gives.
        if uri and "}" in uri:  # pragma: no cover - expat from 2.4.5 refuses it before us
            raise ValidationError(details="the SOAP part has a namespace name with a brace in it")
        if uri and len(uri) > self._limits.namespace:
            raise _too_much("namespace", f"a namespace name of more than {self._limits.namespace} characters")
        self._declared += 1
        if self._declared > self._limits.attributes:
            raise _too_much("attributes", f"an element that declares more than {self._limits.attributes} namespaces")

    def on_instruction(self, target: str, data: str) -> None:
        raise ValidationError(details=f"the SOAP part holds the processing instruction {target[:40]!r} (SOAP 1.1, 3)")


def _split(written: str) -> tuple[str, str | None, str]:
    """expat's ``uri}name}prefix``, ``uri}name`` or ``name`` as name, namespace, prefix."""
    pieces = written.rsplit("}", 2)
    if len(pieces) == 1:
        return written, None, ""
    return pieces[1], pieces[0], pieces[2] if len(pieces) == 3 else ""


def _clark(written: str) -> str:
    if "}" not in written:
        return written
    name, namespace, _ = _split(written)
    return f"{{{namespace}}}{name}"


def _too_much(name: str, words: str) -> ValidationError:
    return ValidationError(details=f"the SOAP part has {words} ({name})")


def parse_xml(octets: bytes, limits: Limits) -> Element:
    """Parse a document that is UTF-8, whatever encoding it declares, and return its root.

    Raises :class:`ValidationError` (4004) with the parser's words and place.
    """
    builder = _Builder(limits)
    # Its handlers against document types, entities and external references stay; ours take the place of those that
    # build a tree, which is what makes it as fast as ElementTree in C.
    defused = DefusedXMLParser(target=builder, encoding="utf-8", forbid_dtd=True)
    parser = defused.parser
    # Else the two hold each other until the garbage collector comes by.
    del defused.parser, defused._parser  # type: ignore[attr-defined]
    parser.namespace_prefixes = True
    parser.ordered_attributes = False
    parser.StartElementHandler = builder.on_start
    parser.EndElementHandler = builder.on_end
    parser.CharacterDataHandler = builder.data
    parser.StartNamespaceDeclHandler = builder.on_namespace
    parser.ProcessingInstructionHandler = builder.on_instruction
    try:
        parser.Parse(octets, True)
    except DefusedXmlException:
        raise ValidationError(details="the SOAP part has a document type declaration (SOAP 1.1, 3)") from None
    except (ExpatError, SyntaxError, ValueError, LookupError) as error:
        raise ValidationError(details=f"the SOAP part is not well-formed XML: {error}") from None
    return builder.root


_MARK = "\ufeff"


def to_utf8(octets: bytes, charset: str | None, deviations: Deviations) -> bytes:
    """The SOAP part as UTF-8, judged by its octets first and by what it claims about itself only then.

    A byte order mark; else UTF-8, if the octets are valid UTF-8 without NUL and ESC; else the MIME charset; else the
    encoding of the XML declaration. A claim that contradicts what was found is a deviation.

    Raises :class:`ValidationError` where no reading is left.
    """
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
        if codec(claim) != found and _contradicts(claim, found, octets):
            deviations.note("charset-contradicted", f"the SOAP part says {claim[:40]!r} and is {found}")
    # utf-7 can hold half of a surrogate pair. It is kept as what it is: expat says where it stands.
    return octets if found == "utf-8" else octets.decode(found).encode("utf-8", "surrogatepass")


def _contradicts(claim: str, found: str, octets: bytes) -> bool:
    name = codec(claim)
    if name is None:
        return True
    # It stands for either byte order, though Python's codec without a mark takes that of the machine.
    if name == "utf-16" and found.startswith("utf-16"):
        return False
    if found == "utf-8" and octets.isascii():
        octets = octets[:64]  # enough: either the charset has ASCII in it or it has not
    # By value, for one charset has several names; and without the mark, which utf-16-le reads as a character.
    text = decoded(octets, name)
    return text is None or text.removeprefix(_MARK) != octets.decode(found).removeprefix(_MARK)


class Envelope(NamedTuple):
    """A SOAP envelope, divided but not judged."""

    soap_namespace: str
    #: The blocks of Header.
    blocks: tuple[Element, ...]
    #: Those blocks that are a TransactionID.
    transaction_ids: tuple[Element, ...]
    #: The elements of Body.
    operations: tuple[Element, ...]

    @property
    def transaction_id(self) -> str | None:
        """The TransactionID, white space around it removed; None where it is missing, empty or ambiguous."""
        if len(self.transaction_ids) != 1:
            return None
        return self.transaction_ids[0].text.strip() or None

    @property
    def transaction_namespace(self) -> str | None:
        """The namespace that TransactionID came in, white space removed."""
        return tidy(self.transaction_ids[0].namespace) if self.transaction_ids else None

    @property
    def operation(self) -> Element | None:
        """The element of Body, where there is exactly one."""
        return self.operations[0] if len(self.operations) == 1 else None


# As peers write it, in lower case and without the last slash: with https, and as the first examples of 3GPP had it.
_SOAP_VARIANTS = frozenset(
    scheme + "://schemas.xmlsoap.org/soap/" + path
    for scheme in ("http", "https")
    for path in ("envelope", "soap-envelope")
)


def divide_envelope(root: Element, deviations: Deviations) -> Envelope:
    """Find header blocks, TransactionID and operations.

    Raises :class:`VersionMismatch` for an envelope of another SOAP, :class:`ValidationError` for what is none, or has
    more than one Body.
    """
    if root.name != "Envelope":
        raise ValidationError(details=f"the SOAP part is {root.name[:80]!r}, not a SOAP Envelope")
    if root.namespace is None:
        raise ValidationError(details="the Envelope is in no namespace (SOAP 1.1, 4)")
    if root.namespace != SOAP:
        if root.namespace.strip().lower().rstrip("/") not in _SOAP_VARIANTS:
            raise VersionMismatch(f"the Envelope is not of SOAP 1.1 but of {root.namespace[:80]}")
        deviations.note("soap-namespace", f"Envelope: {root.namespace[:80]}")
    headers, bodies = (
        [child for child in root.children if child.name == name and child.namespace == root.namespace]
        for name in ("Header", "Body")
    )
    if len(bodies) != 1 or len(headers) > 1:
        raise ValidationError(details=f"the Envelope has {len(headers)} Header and {len(bodies)} Body elements")
    if headers and root.children.index(headers[0]) > root.children.index(bodies[0]):
        deviations.note("element-order", "Envelope/Header")
    blocks = tuple(headers[0].children) if headers else ()
    return Envelope(root.namespace, blocks, _transaction_ids(blocks), tuple(bodies[0].children))


def _transaction_ids(blocks: tuple[Element, ...]) -> tuple[Element, ...]:
    """Those in a namespace of MM7 or in none; without any, the only one in whatever namespace."""
    named = tuple(block for block in blocks if block.name == "TransactionID")
    ours = tuple(block for block in named if block.namespace is None or is_mm7(tidy(block.namespace)))
    return ours or (named if len(named) == 1 else ())


def check_envelope(envelope: Envelope, deviations: Deviations) -> Element:
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


def check_answer(envelope: Envelope, deviations: Deviations) -> Element:
    """Judge the envelope of a response, and return its Fault or what is in Body instead.

    Raises as :func:`check_envelope`, but bears that there is no TransactionID: who sent the request knows it.
    """
    _check_blocks(envelope)
    if envelope.transaction_id is None:
        deviations.note("transaction-missing", "Header")
    answer = _one_operation(envelope)
    if answer.name != "Fault":
        _check_namespace(answer, deviations)
    elif answer.namespace != envelope.soap_namespace:
        deviations.note("soap-namespace", f"Fault: {(answer.namespace or 'none')[:80]}")
    _check_transaction(envelope, answer, deviations)
    return answer


def _check_blocks(envelope: Envelope) -> None:
    understood = {id(block) for block in envelope.transaction_ids}
    for block in envelope.blocks:
        if id(block) not in understood and _must_understand(block, envelope.soap_namespace):
            raise MustUnderstand(f"the header block {block.name[:80]!r} has to be understood and is not")
    if len(envelope.transaction_ids) > 1:
        raise TransactionIDError("there is more than one TransactionID")


def _one_operation(envelope: Envelope) -> Element:
    if envelope.operation is None:
        raise ValidationError(details=f"the SOAP Body has {len(envelope.operations)} elements; one is wanted")
    return envelope.operation


def _check_transaction(envelope: Envelope, operation: Element, deviations: Deviations) -> None:
    for block in envelope.transaction_ids:  # one, or none in an answer
        if _mark(block, envelope.soap_namespace) != "1":
            deviations.note("transaction-unmarked", block.name)
        note_namespace(block, deviations)
    namespace = envelope.transaction_namespace
    if namespace and operation.name != "Fault" and tidy(operation.namespace) not in (None, namespace):
        deviations.note("namespace-mixed", f"TransactionID and {operation.name[:80]}")


def _must_understand(block: Element, soap_namespace: str) -> bool:
    """Whether the block is for us and not to be ignored (SOAP 1.1, 4.2.2 and 4.2.3)."""
    actor = block.attributes.get(f"{{{soap_namespace}}}actor", "").strip()
    return _mark(block, soap_namespace) in ("1", "true") and actor in ("", _NEXT_ACTOR)


def _mark(block: Element, soap_namespace: str) -> str:
    """What its mustUnderstand says: ``1`` or ``0`` in SOAP 1.1, ``true`` or ``false`` from those who speak SOAP 1.2."""
    return block.attributes.get(f"{{{soap_namespace}}}mustUnderstand", "").strip()


def _check_namespace(element: Element, deviations: Deviations) -> None:
    namespace = element.namespace
    if namespace is not None and not is_mm7(tidy(namespace)):
        raise UnsupportedVersion(details=f"{element.name[:80]} is in {namespace[:80]}, which is no namespace of MM7")
    note_namespace(element, deviations)


def note_namespace(element: Element, deviations: Deviations) -> None:
    """Note what is irregular in the namespace of an element that is taken for MM7's."""
    namespace = element.namespace
    if namespace in MM7_NAMESPACES:
        return
    where = element.name[:80]
    if namespace is None:
        deviations.note("namespace-missing", where)
    elif tidy(namespace) in MM7_NAMESPACES:
        deviations.note("namespace-blanks", where)
    else:
        deviations.note("namespace-foreign", f"{where}: {namespace[:80]}")


def tidy(namespace: str | None) -> str | None:
    """A namespace name without the white space that some peers put in it."""
    return None if namespace is None else "".join(namespace.split()) or None


# -- writing


# What most values are made of: it stands for itself, in text and in attributes.
_PLAIN = re.compile("[-\\w .,:;/+@()=#?]*", re.ASCII)
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)


def escape_text(text: str) -> str:
    """``text`` for between tags; a character that XML cannot hold becomes U+FFFD."""
    if _PLAIN.fullmatch(text):
        return text
    return _ILLEGAL.sub("\ufffd", text).translate(_TEXT)


def escape_attribute(text: str) -> str:
    """``text`` for between double quotes."""
    if _PLAIN.fullmatch(text):
        return text
    return _ILLEGAL.sub("\ufffd", text).translate(_ATTRIBUTE)


def serialise(element: Element) -> str:
    """``element`` and all that is in it as XML, each namespace declared where it is first needed."""
    pieces: list[str] = []
    _serialise(element, {"": None, "xml": _XML}, pieces)
    return "".join(pieces)


def _serialise(element: Element, scope: dict[str, str | None], pieces: list[str]) -> None:
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
        return
    pieces.append(f">{escape_text(element.text)}")
    for child in element.children:
        _serialise(child, scope, pieces)
    pieces.append(f"</{name}>")


def _declaration(prefix: str, namespace: str | None) -> str:
    return f' xmlns{":" if prefix else ""}{prefix}="{escape_attribute(namespace or "")}"'


class Transaction(NamedTuple):
    """The TransactionID of a message to be written."""

    id: str
    namespace: str | None


def write_envelope(body: Element, transaction: Transaction | None, prefix: str) -> bytes:
    """The whole SOAP part: ``body`` in Body, and the TransactionID, if there is one, with ``prefix``."""
    soap = soap_prefix(prefix)
    envelope = Element("Envelope", SOAP, prefix=soap)
    if transaction is not None:
        block = Element(
            "TransactionID",
            transaction.namespace,
            prefix=prefix,
            attributes={f"{{{SOAP}}}mustUnderstand": "1"},
            text=transaction.id,
        )
        envelope.children.append(Element("Header", SOAP, prefix=soap, children=[block]))
    envelope.children.append(Element("Body", SOAP, prefix=soap, children=[body]))
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + serialise(envelope)).encode("utf-8")


def soap_prefix(prefix: str) -> str:
    """The prefix for SOAP: ``env``, unless MM7 has that."""
    return "soapenv" if prefix == "env" else "env"
