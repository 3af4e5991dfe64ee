"""Elements of an XML document on their way to JSON."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.text.xml_schema import Element, Schema

__all__ = ["Node", "XmlResource", "add_value", "typed"]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 64


class XmlResource(dict[str, Any]):
    """A resource that was read from XML, and what was odd about its form: `issues`."""

    def __init__(self, kind: str) -> None:
        super().__init__(resourceType=kind)
        self.issues: list[Issue] = []


class Node:
    """An element under way."""

    __slots__ = (
        "content",
        "element",
        "id",
        "last",
        "name",
        "places",
        "resources",
        "schema",
        "value",
    )

    def __init__(
        self, name: str, element: Element, schema: Schema, content: dict[str, Any]
    ) -> None:
        self.name = name
        self.element = element
        self.schema = schema
        self.content = content
        self.value: str | None = None
        self.id: str | None = None
        self.resources: list[dict[str, Any]] = []  # that stand in it
        self.last = ""  # child
        self.places: list[int] | None = [-1] * len(schema.orders)  # of that in each order

    def follow(self, child: str) -> bool:
        """Note the next child; False, once, when it follows the others in no version."""
        self.last = child
        if self.places is None:
            return True
        again = child in self.content or f"_{child}" in self.content
        fits = not self.places and not again
        for i, order in enumerate(self.schema.orders):
            place = order.get(child, self.places[i])
            fits_here = not again and place >= self.places[i]
            self.places[i] = place if fits_here else sys.maxsize
            fits = fits or fits_here
        if not fits:
            self.places = None
        return fits


def add_value(into: dict[str, Any], node: Node, value: Any, extras: dict[str, Any] | None) -> None:
    """Put a value under its name, beside those of the same name; `extras` are of a primitive."""
    name, beside = node.name, f"_{node.name}"
    is_first = name not in into and beside not in into
    if is_first and not node.element.is_list:
        if value is not None or not extras:
            into[name] = value
        if extras:
            into[beside] = extras
        return
    values, notes = into.get(name), into.get(beside)
    if not isinstance(values, list):
        values = [] if is_first else [values]
    if not isinstance(notes, list):
        notes = [] if notes is None else [notes]
    if notes or extras:
        notes += [None] * (len(values) - len(notes))
        notes.append(extras or None)
        into[beside] = notes
    values.append(value)
    into[name] = values


def typed(text: str, kind: str, decimal: Callable[[str], float] = float) -> Any:
    """Return the JSON value of a primitive; text that is none of its kind stays text.

    Numbers that are not whole are made by `decimal` from their text.
    """
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "number" and len(text) <= _LONGEST_NUMBER:
        match = _NUMBER.fullmatch(text)
        if match is not None:
            number = decimal(text)
            is_whole = match[1] is None and match[2] is None and len(text) < 19
            return int(text) if is_whole else number if math.isfinite(number) else text
    return text
