"""FHIR JSON as XML, element by element in the order given; for tests of the way back."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import quoteattr

__all__ = ["as_xml"]


def as_xml(resource: dict[str, Any]) -> str:
    """Write a resource."""
    kind = resource["resourceType"]
    return f'<{kind} xmlns="http://hl7.org/fhir">{_children(resource)}</{kind}>'


def _children(element: dict[str, Any]) -> str:
    text = ""
    for name, value in element.items():
        plain = name.removeprefix("_")
        if name == "resourceType" or (name != plain and plain in element):
            continue
        values = value if isinstance(value, list) else [value]
        beside = element.get(f"_{plain}") if name == plain else value
        notes = beside if isinstance(beside, list) else [beside]
        values = values if name == plain else [None] * len(notes)
        notes = [*notes, *[None] * (len(values) - len(notes))]
        for item, note in zip(values, notes, strict=True):
            text += _element(plain, item, note or {})
    return text


def _element(name: str, value: Any, note: dict[str, Any]) -> str:
    if isinstance(value, dict) and "resourceType" in value:
        return f"<{name}>{as_xml(value)}</{name}>"
    if name == "div":
        return str(value)
    inner = value if isinstance(value, dict) else note
    attributes = "".join(
        f" {key}={quoteattr(str(inner[key]))}"
        for key in ("id", "url")
        if key in inner and (key == "id" or "extension" in name.lower())
    )
    if value is not None and not isinstance(value, dict):
        written = str(value).lower() if isinstance(value, bool) else str(value)
        attributes += f" value={quoteattr(written)}"
    rest = {k: v for k, v in inner.items() if f" {k}=" not in attributes}
    return f"<{name}{attributes}>{_children(rest)}</{name}>"
