"""FHIR XML: a resource of JSON as the XML that means the same (FHIR R5, 2.1.6.1)."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from imageregion.errors import FhirError, InputError
from imageregion.fhir.text.plain import MAX_DEPTH, brief
from imageregion.fhir.text.xml_schema import Schema, schema_of
from imageregion.fhir.writing.order import ordered

__all__ = ["to_xml"]

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_FHIR = "http://hl7.org/fhir"
_XHTML = "http://www.w3.org/1999/xhtml"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTED = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
_EXTENSIONS = ("extension", "modifierExtension")


def to_xml(resource: dict[str, Any]) -> bytes:
    r"""Write a FHIR resource or Bundle as XML.

    Parameters
    ----------
    resource : dict
        FHIR JSON of any version. Elements are put into the order of its schema; those that it does
        not have come last.

    Returns
    -------
    bytes
        UTF-8, indented, with a declaration; ends with a line break.

    Raises
    ------
    FhirError
        When it has no resourceType, holds values or names that XML has no notation for, or a
        narrative that is no XHTML; the message starts with the FHIRPath.
    InputError
        When it is nested too deep.

    Examples
    --------
    >>> print(to_xml({"resourceType": "ImagingSelection", "code": {"text": "Cyst"},
    ...               "status": "available"}).decode())
    <?xml version="1.0" encoding="UTF-8"?>
    <ImagingSelection xmlns="http://hl7.org/fhir">
      <status value="available"/>
      <code>
        <text value="Cyst"/>
      </code>
    </ImagingSelection>
    <BLANKLINE>
    """
    kind = _kind(resource, "resource")
    lines = _Lines()
    lines.resource(resource, kind, kind, 0)
    return (_HEAD + "\n".join(lines.text) + "\n").encode()


def _kind(resource: Any, path: str) -> str:
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(kind, str) or not _NAME.fullmatch(kind):
        raise FhirError(path, f"expected a resource with resourceType, got {brief(kind)}")
    return kind


class _Lines:
    """XML under way, line by line."""

    def __init__(self) -> None:
        self.text: list[str] = []

    def resource(self, resource: dict[str, Any], kind: str, path: str, depth: int) -> None:
        schema = schema_of(kind)
        if kind == "ImagingSelection":
            resource = ordered(resource, _form(resource))
        else:
            resource = _sorted(resource, schema)
        inner = {key: value for key, value in resource.items() if key != "resourceType"}
        opening = f'{kind} xmlns="{_FHIR}"' if not depth else kind
        self._wrap(kind, opening, inner, schema, path, depth)

    def _wrap(
        self,
        name: str,
        opening: str,
        inner: dict[str, Any],
        schema: Schema,
        path: str,
        depth: int,
    ) -> None:
        """Write an element with children, or empty."""
        if depth > MAX_DEPTH:
            raise InputError(f"{path:.200}: nested deeper than {MAX_DEPTH} levels")
        self.text.append(f"{'  ' * depth}<{opening}>")
        before = len(self.text)
        written = set()
        for key in inner:
            label = key.removeprefix("_")
            if label not in written:
                written.add(label)
                self._values(label, inner, schema, f"{path}.{label}", depth + 1)
        if len(self.text) == before:
            self.text[-1] = f"{'  ' * depth}<{opening}/>"
        else:
            self.text.append(f"{'  ' * depth}</{name}>")

    def _values(
        self, name: str, inner: dict[str, Any], schema: Schema, path: str, depth: int
    ) -> None:
        """Write an element as often as it occurs, with what stands beside its values."""
        if not _NAME.fullmatch(name.removeprefix("2d").removeprefix("3d")):
            raise FhirError(f"{path:.200}", "is no name of an element")
        value, beside = inner.get(name), inner.get(f"_{name}")
        if not isinstance(value, list) and not isinstance(beside, list):
            if value is not None or beside is not None:
                self._value(name, value, beside, schema, path, depth)
            return
        values = value if isinstance(value, list) else []
        notes = beside if isinstance(beside, list) else []
        for index in range(max(len(values), len(notes))):
            item = values[index] if index < len(values) else None
            note = notes[index] if index < len(notes) else None
            self._value(name, item, note, schema, f"{path}[{index}]", depth)

    def _value(
        self, name: str, value: Any, beside: Any, schema: Schema, path: str, depth: int
    ) -> None:
        if isinstance(value, dict):
            self._object(name, value, schema, path, depth)
        elif isinstance(value, list):
            raise FhirError(path, "a list within a list, which FHIR does not have")
        elif name == "div" and isinstance(value, str):
            self.text.append("  " * depth + _narrative(value, path))
        elif not beside and value is not None:
            self.text.append(f'{"  " * depth}<{name} value="{_quoted(value, path)}"/>')
        else:
            opening = name
            note = dict(beside) if isinstance(beside, dict) else {}
            if "id" in note:
                opening += f' id="{_quoted(note.pop("id"), path)}"'
            if value is not None:
                opening += f' value="{_quoted(value, path)}"'
            self._wrap(name, opening, note, schema_of("Element"), path, depth)

    def _object(
        self, name: str, value: dict[str, Any], schema: Schema, path: str, depth: int
    ) -> None:
        if "resourceType" in value:
            self.text.append(f"{'  ' * depth}<{name}>")
            self.resource(value, _kind(value, path), path, depth + 1)
            self.text.append(f"{'  ' * depth}</{name}>")
            return
        element = schema.elements.get(name)
        own = schema_of("Extension" if name in _EXTENSIONS else element.schema if element else "")
        attributes = ("id", "url") if name in _EXTENSIONS else ("id",)
        opening = name
        for attribute in attributes:
            if value.get(attribute) is not None:
                opening += f' {attribute}="{_quoted(value[attribute], path)}"'
        inner = {key: item for key, item in value.items() if key not in attributes}
        self._wrap(name, opening, _sorted(inner, own), own, path, depth)


def _form(resource: dict[str, Any]) -> str:
    """Tell which order of elements an ImagingSelection has."""
    if "imageRegion" in resource:
        return "r5-snapshot1"
    instances = resource.get("instance")
    classes = [i.get("sopClass") for i in instances or [] if isinstance(i, dict)]
    is_later = "imageRegion3D" in resource or "modality" in resource
    is_single = isinstance(resource.get("derivedFrom"), dict)
    return "r6" if is_later or is_single or any(isinstance(c, str) for c in classes) else "r5"


def _sorted(element: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Put elements into the first order that has them all, or most of them."""
    names = [key.removeprefix("_") for key in element]
    orders = sorted(schema.orders, key=lambda order: -sum(name in order for name in names))
    if not orders:
        return element
    place = orders[0]
    pairs = sorted(element.items(), key=lambda p: place.get(p[0].removeprefix("_"), len(place)))
    return dict(pairs)


def _quoted(value: Any, path: str) -> str:
    """Return a primitive as the text of an attribute."""
    if type(value) is float and math.isfinite(value):
        return repr(value)
    if isinstance(value, str):
        if _FORBIDDEN.search(value):
            raise FhirError(f"{path:.200}", f"XML has no notation for a sign in {brief(value)}")
        return escape(value, _QUOTED)
    if isinstance(value, bool | int | float):
        try:
            return json.dumps(value, allow_nan=False)
        except ValueError:
            pass
    raise FhirError(f"{path:.200}", f"expected text, number or truth value, got {brief(value)}")


def _narrative(text: str, path: str) -> str:
    """Return the XHTML of a narrative, once it is well-formed and nothing but elements."""

    def refuse(*_: object) -> None:
        raise FhirError(path, "XHTML with a document type (DTD), which FHIR does not allow")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    html = text.strip()
    if html.startswith("<?xml"):
        html = html[html.find("?>") + 2 :].strip()
    if html.startswith("<div>"):
        html = f'<div xmlns="{_XHTML}">' + html[5:]
    try:
        parser.Parse(html.encode("utf-8"), True)
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise FhirError(path, f"no well-formed XHTML: {error}") from None
    return html
