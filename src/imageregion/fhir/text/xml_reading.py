"""FHIR XML: to the JSON that means the same, without trusting it.

Document types and entities are refused, so that nothing is expanded or fetched; size, depth and
number of elements are bounded. Comments and processing instructions are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from imageregion.errors import InputError, Issue, Severity
from imageregion.fhir.text.plain import MAX_DEPTH
from imageregion.fhir.text.xml_elements import Node, XmlResource, add_value, typed
from imageregion.fhir.text.xml_schema import Element, Schema, schema_of

__all__ = ["XmlResource", "is_xml", "parse_xml"]

MAX_ELEMENTS = 2**18
"""Most elements of one XML document."""

MAX_XML = 2**25
"""Longest XML document, 32 MiB."""

_MOST_ATTRIBUTES = 2**17  # more than four for each element

_FHIR = "http://hl7.org/fhir"
_XHTML = "http://www.w3.org/1999/xhtml"
_XML = "http://www.w3.org/XML/1998/namespace"
_ENCODINGS = ("utf-8", "utf-16", "us-ascii", "iso-8859-1")
_START = re.compile(rb"\s*<|\xff\xfe<\x00|\xfe\xff\x00<")
_MOST_ISSUES = 100
_EXTENSION = Element("complex", is_list=True, schema="Extension")
_NOTHING_KNOWN = Schema({"extension": _EXTENSION, "modifierExtension": _EXTENSION})
_UNKNOWN = Element()


def is_xml(content: bytes) -> bool:
    """Whether a document looks like XML: its first sign is ``<``.

    Examples
    --------
    >>> is_xml(b" <Patient/>"), is_xml(b"{}")
    (True, False)
    """
    return _START.match(content) is not None


def parse_xml(content: bytes, name: str, decimal: Callable[[str], float] = float) -> dict[str, Any]:
    """Parse one FHIR resource or Bundle in XML.

    Parameters
    ----------
    content : bytes
        UTF-8, UTF-16, US-ASCII or ISO 8859-1.
    name : str
        Where it came from, for error messages.
    decimal : callable, optional
        Makes numbers that are not whole from their text, for those who need their digits.

    Returns
    -------
    dict
        As FHIR JSON: elements that repeat are lists, numbers and truth values are such, ids and
        extensions of a primitive stand under its name with an underscore, the narrative is text.
        Elements that FHIR does not have are kept as text or objects. Every resource is an
        `XmlResource`.

    Raises
    ------
    InputError
        When it is not well-formed or not FHIR, has a document type or entities, is longer than
        `MAX_XML`, or has too many or too deeply nested elements.

    Examples
    --------
    >>> parse_xml(b'''<Patient xmlns="http://hl7.org/fhir">
    ...     <active value="true"/><name><given value="Ada"/></name></Patient>''', "text")
    {'resourceType': 'Patient', 'active': True, 'name': [{'given': ['Ada']}]}
    """
    if len(content) > MAX_XML:
        raise InputError(f"{name}: larger than {MAX_XML} bytes, the most that is read")
    tags = content.count(b"<")
    if tags > 2 * MAX_ELEMENTS or content.count(b"=") > 4 * tags + _MOST_ATTRIBUTES:
        raise InputError(f"{name}: more than {MAX_ELEMENTS} elements or as many attributes")
    reader = _Reader(name, decimal)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.XmlDeclHandler = reader.declaration
    parser.StartDoctypeDeclHandler = reader.document_type
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise InputError(
            f"{name}: not XML: {expat.ErrorString(error.code)} "
            f"(line {error.lineno}, column {error.offset + 1})"
        ) from None
    except (ValueError, LookupError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name}: not XML: {error}") from None
    assert reader.root is not None  # noqa: S101  # expat has seen an element
    return reader.root


class _Reader:
    """Handlers of expat that build JSON."""

    def __init__(self, name: str, decimal: Callable[[str], float]) -> None:
        self.name = name
        self._decimal = decimal
        self.root: XmlResource | None = None
        self._stack: list[Node] = []
        self._count = 0
        self._depth = 0  # of elements that are not FHIR: the narrative, and what is passed over
        self._html: list[str] | None = None
        self._tags: list[tuple[str, int]] = []  # open in the narrative, and where

    def declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise InputError(f"{self.name}: not XML: expected UTF-8, got encoding {encoding!r:.40}")

    def document_type(self, *_: object) -> None:
        raise InputError(f"{self.name}: XML with a document type (DTD), which FHIR does not allow")

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise InputError(
                f"{self.name}: more than {MAX_ELEMENTS} elements, the most that is read"
            )
        if self._depth + len(self._stack) > MAX_DEPTH:
            raise InputError(f"{self.name}: XML nested deeper than {MAX_DEPTH} levels")
        namespace, _, name = qualified.rpartition(" ")
        if self._depth:
            self._start_within(name, attributes)
        elif not self._stack:
            self._start_root(namespace, name, attributes)
        elif namespace == _XHTML:
            self._depth, self._html = 1, []
            self._open_html(name, attributes, is_first=True)
        elif namespace not in (_FHIR, ""):
            self._depth = 1
            self._note(
                "warning", "unknown-element", f"{name:.60} of namespace {namespace:.60}: left out"
            )
        else:
            self._start_element(name, attributes)

    def _start_root(self, namespace: str, name: str, attributes: dict[str, str]) -> None:
        if namespace not in (_FHIR, "") or not name[:1].isupper():
            raise InputError(
                f"{self.name}: expected FHIR XML, got element {name:.60} {namespace:.60}"
            )
        self.root = XmlResource(name)
        self._stack.append(Node(name, _UNKNOWN, schema_of(name), self.root))
        if not namespace:
            self._note("information", "namespace", f"no namespace, read as {_FHIR}")
        self._read_attributes(self._stack[-1], attributes)

    def _start_element(self, name: str, attributes: dict[str, str]) -> None:
        parent = self._stack[-1]
        if name[:1].isupper():  # a resource in contained, Bundle.entry.resource, ...
            resource = XmlResource(name)
            parent.resources.append(resource)
            node = Node(name, _UNKNOWN, schema_of(name), resource)
        else:
            if name != parent.last and not parent.follow(name):
                self._note(
                    "information", "element-order", f"{name:.60} stands later than it should"
                )
            element = parent.schema.elements.get(name, _UNKNOWN)
            schema = schema_of(element.schema) if element.schema else _NOTHING_KNOWN
            node = Node(name, element, schema, {})
        self._stack.append(node)
        if attributes:
            self._read_attributes(node, attributes)

    def _read_attributes(self, node: Node, attributes: dict[str, str]) -> None:
        for name, value in attributes.items():
            if name == "value":
                node.value = value
            elif name == "id" and not isinstance(node.content, XmlResource):
                node.id = value
            elif name == "url":
                node.content["url"] = value
            elif " " not in name:  # those of other namespaces say where the schema is
                self._note("warning", "unknown-attribute", f"attribute {name:.60}: left out")

    def end(self, _: str) -> None:
        if self._depth:
            self._end_within()
            return
        node = self._stack.pop()
        if isinstance(node.content, XmlResource):
            return
        into = self._stack[-1].content
        for resource in node.resources:
            add_value(into, node, resource, None)
        if node.resources:
            return
        extras = {"id": node.id, **node.content} if node.id is not None else node.content
        if node.value is not None:
            add_value(into, node, typed(node.value, node.element.kind, self._decimal), extras)
        elif node.element.kind == "complex" or not extras.keys() <= {"id", "extension"}:
            add_value(into, node, extras, None)
        else:
            add_value(into, node, None, extras)

    def text(self, text: str) -> None:
        if self._html is not None:
            self._html.append(escape(text))
        elif not self._depth and not text.isspace():
            self._note("warning", "unknown-text", f"{text.strip()[:60]!r}: left out")

    def _start_within(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._html is not None:
            self._open_html(name, attributes)

    def _open_html(self, name: str, attributes: dict[str, str], *, is_first: bool = False) -> None:
        """Write a start tag of the narrative; the tag names are kept to be closed."""
        assert self._html is not None  # noqa: S101  # the caller has seen to it
        parts = [f' xmlns="{_XHTML}"'] if is_first else []
        for label, value in attributes.items():
            namespace, _, local = label.rpartition(" ")
            if namespace in ("", _XML):
                parts.append(f" {'xml:' if namespace else ''}{local}={quoteattr(value)}")
        self._tags.append((name, len(self._html)))
        self._html.append(f"<{name}{''.join(parts)}>")

    def _end_within(self) -> None:
        self._depth -= 1
        if self._html is None:
            return
        name, place = self._tags.pop()
        if place == len(self._html) - 1:
            self._html[-1] = self._html[-1][:-1] + "/>"
        else:
            self._html.append(f"</{name}>")
        if not self._depth:
            node = Node(name, _UNKNOWN, _NOTHING_KNOWN, {})
            add_value(self._stack[-1].content, node, "".join(self._html), None)
            self._html = None

    def _note(self, severity: Severity, code: str, message: str) -> None:
        owner = next(n.content for n in reversed(self._stack) if isinstance(n.content, XmlResource))
        if len(owner.issues) < _MOST_ISSUES:
            owner.issues.append(Issue(severity, code, self._path(), message))

    def _path(self) -> str:
        """FHIRPath of the innermost element, from the resource that it belongs to."""
        path = ""
        for parent, node in zip([None, *self._stack], self._stack, strict=False):
            if isinstance(node.content, XmlResource):
                path = node.name
            else:
                path += f".{node.name}"
                if node.element.is_list and parent is not None:
                    path += f"[{len(parent.content.get(node.name, []))}]"
        return path
