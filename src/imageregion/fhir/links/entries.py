"""Entries: the resources of a document one by one, with their numbers as they were written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imageregion.errors import FhirError, ImageRegionError, InputError, Issue
from imageregion.fhir.text.plain import MAX_DEPTH
from imageregion.fhir.text.sources import read_records
from imageregion.fhir.text.xml_reading import is_xml, parse_xml

__all__ = ["Entry", "WrittenFloat", "read_entries"]

_MOST_BYTES = 2**25
"""Longer documents, 32 MiB, are not read a second time for the digits of their numbers."""

_Placed = tuple[Any, Any, str, str]
"""A value, the same as it was written, the fullUrl, and the place."""


class WrittenFloat(float):
    """A number of a JSON or XML text that still knows its digits.

    Examples
    --------
    >>> number = WrittenFloat("2.50")
    >>> number + 1, number.text
    (3.5, '2.50')
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One resource of a document.

    Parameters
    ----------
    resource : mapping
    written : mapping
        The same; numbers with a decimal point are `WrittenFloat` where the text was at hand.
    url : str
        ``Bundle.entry.fullUrl``, empty where not stated.
    place : str
        Where it stands, e.g. ``Bundle.entry[2].resource``.
    container : Entry, optional
        The resource that contains it.
    """

    resource: Mapping[str, Any]
    written: Mapping[str, Any]
    url: str = ""
    place: str = ""
    container: Entry | None = None

    @property
    def kind(self) -> str:
        """Resource type."""
        kind = self.resource.get("resourceType")
        return kind if isinstance(kind, str) else ""

    @property
    def id(self) -> str:
        """Logical id, empty where there is none."""
        found = self.resource.get("id")
        return found if isinstance(found, str) else ""

    @property
    def name(self) -> str:
        """Type and id, or else the place."""
        return f"{self.kind}/{self.id}" if self.id else self.place or self.kind


def read_entries(source: Any) -> tuple[tuple[Entry, ...], tuple[Issue, ...]]:
    """Read every resource of a document, contained ones after the one that contains them.

    Parameters
    ----------
    source : str, Path, bytes, mapping, list or fhir.resources model
        As for `read_records`: a Bundle, a list or lines of resources, or a single one.

    Returns
    -------
    entries : tuple of Entry
    issues : tuple of Issue
        Lines, items and entries that cannot be read or are no resource.

    Raises
    ------
    InputError
        When the document cannot be read.
    FhirError
        When it holds no resource, or a Bundle contains itself.

    Examples
    --------
    >>> report = {"resourceType": "DiagnosticReport", "id": "a"}
    >>> entries, _ = read_entries({"resourceType": "Bundle", "entry": [{"resource": report}]})
    >>> [entry.name for entry in entries]
    ['DiagnosticReport/a']
    """
    entries: list[Entry] = []
    issues: list[Issue] = []
    records = list(read_records(source))
    for record, same in zip(records, _all_written(source, len(records)), strict=True):
        value, name = record.value, record.name
        if isinstance(value, ImageRegionError):
            issues.append(Issue("error", "unreadable", name, str(value)))
            continue
        for resource, written, url, place in _resources(value, same):
            where = f"{name}: {place}" if name and len(records) > 1 and place else place or name
            if not isinstance(resource, Mapping):
                issues.append(Issue("error", "unreadable", where, _no_resource(resource)))
            elif not isinstance(resource.get("resourceType"), str):
                told = "expected a resource, found an object without resourceType"
                issues.append(Issue("error", "unreadable", where, told))
            else:
                entry = Entry(resource, written, url, where if len(records) > 1 else place)
                entries.append(entry)
                entries += _contained(entry)
    if not any(entry.kind for entry in entries) and not issues:
        name = str(source) if isinstance(source, Path) else "document"
        raise FhirError(name, "expected a Bundle or a list of resources, found no resource")
    return tuple(entries), tuple(issues)


def _contained(container: Entry) -> Iterator[Entry]:
    inner = container.resource.get("contained")
    if not isinstance(inner, list):
        return
    for index, resource in enumerate(inner):
        if isinstance(resource, Mapping):
            place = f"{container.place or container.kind}.contained[{index}]"
            written = _at(_at(container.written, "contained"), index)
            yield Entry(resource, written or resource, "", place, container)


def _resources(value: Any, written: Any) -> Iterator[_Placed]:
    pending: list[tuple[Any, Any, str, str, frozenset[int]]] = [
        (value, written, "", "", frozenset())
    ]
    while pending:
        value, written, url, place, above = pending.pop()
        inner: list[_Placed]
        if isinstance(value, list):
            inner = [(v, _at(written, i), "", f"{place}[{i}]") for i, v in enumerate(value)]
        elif isinstance(value, Mapping) and value.get("resourceType") == "Bundle":
            inner = _bundled(value, written, f"{place}: Bundle" if place else "Bundle")
        else:
            yield value, written if isinstance(written, Mapping) else value, url, place
            continue
        if id(value) in above or len(above) > MAX_DEPTH:
            raise FhirError(f"{place:.200}" or "Bundle", "Bundles or lists nested without end")
        pending += [(*item, above | {id(value)}) for item in reversed(inner)]


def _bundled(bundle: Mapping[str, Any], written: Any, place: str) -> list[_Placed]:
    entries = bundle.get("entry")
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise FhirError("Bundle.entry", "expected a list")
    found: list[_Placed] = []
    exact = _at(written, "entry")
    for index, entry in enumerate(entries):
        where = f"{place}.entry[{index}]"
        if not isinstance(entry, Mapping):
            found.append((_Wrong(_no_resource(entry, "an entry")), None, "", where))
        elif "resource" in entry:  # without one it says what was deleted, or is a response
            resource, url = entry["resource"], entry.get("fullUrl")
            if not isinstance(resource, Mapping):
                resource = _Wrong(_no_resource(resource))
            same = _at(_at(exact, index), "resource")
            found.append((resource, same, url if isinstance(url, str) else "", f"{where}.resource"))
    return found


class _Wrong(str):
    """What is wrong with something that stands in the place of a resource."""

    __slots__ = ()


def _no_resource(value: Any, expected: str = "a resource") -> str:
    if isinstance(value, _Wrong):
        return str(value)
    words = {str: "a text", list: "a list", bool: "true or false", type(None): "null"}
    return f"expected {expected}, found {words.get(type(value), 'a number')}"


def _at(value: Any, key: str | int) -> Any:
    """Return an element of a value that has the form of another one, None where it has not."""
    try:
        return value[key]
    except (KeyError, IndexError, TypeError):
        return None


def _all_written(source: Any, count: int) -> list[Any]:
    """Return each record of a source so that numbers keep their digits; None where it cannot be.

    Only text has digits; parsed values have numbers.
    """
    if isinstance(source, list) and len(source) == count:
        return [_as_written(item) for item in source]
    if count == 1:
        return [_as_written(source)]
    content = _content(source)
    lines = [] if content is None else [line for line in content.split(b"\n") if line.strip()]
    return [_parsed(line) for line in lines] if len(lines) == count else [None] * count


def _as_written(source: Any) -> Any:
    content = _content(source)
    return None if content is None else _parsed(content)


def _parsed(content: bytes) -> Any:
    if len(content) > _MOST_BYTES:
        return None
    if is_xml(content):
        try:
            return parse_xml(content, "", WrittenFloat)
        except InputError:
            return None
    if content.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(content, parse_float=WrittenFloat, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _integer(text: str) -> int | float:
    return int(text) if len(text) < 19 else float(text)


def _content(source: Any) -> bytes | None:
    if isinstance(source, bytes | bytearray):
        content = bytes(source)
    elif isinstance(source, str) and source.lstrip("\ufeff \t\r\n")[:1] in ("{", "[", "<"):
        content = source.encode("utf-8", "surrogatepass")
    elif isinstance(source, str | Path):
        try:
            with Path(source).open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except (OSError, ValueError):
            return None
    else:
        return None
    return content.removeprefix(b"\xef\xbb\xbf")
