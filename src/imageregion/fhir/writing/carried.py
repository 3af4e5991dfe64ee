"""Extensions that carry what a published form has no element for, so that the way back is exact.

All are named below `NAMESPACE`. ``ImagingSelection.<element>`` carries an element of the resource,
of an instance or of a region under its own path; items of a list are carried with their index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from imageregion.codes import NAMESPACE

__all__ = [
    "ABSENT",
    "ADDED",
    "DRAWN",
    "MULTIPOINT",
    "OWNER",
    "PART",
    "absent",
    "add_extension",
    "carried_status",
    "carry",
    "carry_item",
    "extensions",
    "inner",
    "url_of",
    "value_of",
    "without_extensions",
]

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
ADDED = f"{NAMESPACE}/StructureDefinition/added"
"""On an element that the original has not, and the form requires."""
DRAWN = f"{NAMESPACE}/StructureDefinition/region-as-drawn"
"""On a region that was drawn in another way: its region type, and its coordinates if needed."""
MULTIPOINT = f"{NAMESPACE}/StructureDefinition/multipoint"
"""On points that were one region: a name that they share."""
OWNER = f"{NAMESPACE}/StructureDefinition/region-of-instance"
"""On a 3-D region of a resource: index and uid of an instance it was drawn on."""
PART = f"{NAMESPACE}/StructureDefinition/part"
"""On a selection that is one of several made from one."""

_VALUES = {
    "basedOn": "valueReference",
    "bodySite": "valueCodeableReference",
    "category": "valueCodeableConcept",
    "derivedFrom": "valueReference",
    "focus": "valueReference",
    "modality": "valueCodeableConcept",
    "seriesNumber": "valueUnsignedInt",
    "status": "valueCode",
    "subject": "valueReference",
    "number": "valueUnsignedInt",
    "sopClass": "valueCoding",
    "subset": "valueString",
    "regionType": "valueCode",
}
_SELECTED = "valuePositiveInt"


def url_of(name: str) -> str:
    """Return the URL under which an element is carried.

    Examples
    --------
    >>> url_of("modality")
    'https://imageregion.github.io/fhir/StructureDefinition/ImagingSelection.modality'
    """
    return f"{NAMESPACE}/StructureDefinition/ImagingSelection.{name}"


def carry(element: dict[str, Any], name: str, value: Any) -> None:
    """Put an element, or each item of a list, into an extension of what it was part of."""
    for item in value if isinstance(value, list) else [value]:
        entry = {"url": url_of(name), _VALUES.get(name, _SELECTED): item}
        add_extension(element, entry)


def carry_item(element: dict[str, Any], name: str, index: int, value: Any) -> None:
    """Put one item of a list into an extension that says where it stood."""
    inside = [{"url": "index", "valueUnsignedInt": index}, {"url": "value", _VALUES[name]: value}]
    add_extension(element, {"url": url_of(name), "extension": inside})


def add_extension(element: dict[str, Any], extension: dict[str, Any]) -> None:
    """Append an extension; the list of those that were there is not shared."""
    element["extension"] = [*element.get("extension", []), extension]


def absent(reason: str) -> dict[str, Any]:
    """Return the extension that stands for a missing value."""
    return {"url": ABSENT, "valueCode": reason}


def extensions(element: Mapping[str, Any] | None, url: str) -> list[dict[str, Any]]:
    """Return the extensions of one kind; none where there is no element.

    Examples
    --------
    >>> extensions({"extension": [{"url": ADDED, "valueBoolean": True}]}, ADDED)[0]["valueBoolean"]
    True
    """
    found = element.get("extension") if isinstance(element, Mapping) else None
    if not isinstance(found, list):
        return []
    return [item for item in found if isinstance(item, dict) and item.get("url") == url]


def value_of(extension: Mapping[str, Any], name: str = "") -> Any:
    """Return the value of an extension, of the type that carries `name` or else of any type."""
    wanted = _VALUES.get(name, _SELECTED) if name else ""
    for key, value in extension.items():
        if key == wanted or (not name and key.startswith("value")):
            return value
    return None


def inner(extension: Mapping[str, Any], url: str, name: str = "") -> Any:
    """Return the value of the first extension inside another; None where there is none."""
    found = extensions(extension, url)
    return value_of(found[0], name) if found else None


def without_extensions(element: dict[str, Any], urls: Iterable[str]) -> None:
    """Take extensions of some kinds out of an element."""
    given = element.get("extension")
    if not isinstance(given, list):
        return
    gone = set(urls)
    kept = [e for e in given if not (isinstance(e, dict) and e.get("url") in gone)]
    if kept:
        element["extension"] = kept
    elif given:
        del element["extension"]


def carried_status(resource: Mapping[str, Any]) -> str | None:
    """Return the status that a resource of a form without status carries in an extension.

    Examples
    --------
    >>> carried_status({"modifierExtension": [
    ...     {"url": url_of("status"), "valueCode": "entered-in-error"}]})
    'entered-in-error'
    """
    for name in ("modifierExtension", "extension"):
        for extension in extensions({"extension": resource.get(name)}, url_of("status")):
            value = value_of(extension, "status")
            if isinstance(value, str):
                return value
    return None
