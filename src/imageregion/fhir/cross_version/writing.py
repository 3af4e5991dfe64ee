"""From an ImagingSelection of R5 to a Basic of R4 or R4B."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.errors import FhirError
from imageregion.fhir.basic_elements import ELEMENTS, SAME, Element
from imageregion.fhir.cross_version.contained import contained_to_r4b
from imageregion.fhir.cross_version.naming import DATATYPE, EXTENSION, PROFILE, TYPE
from imageregion.fhir.text.plain import brief, plain

__all__ = ["to_basic"]


def to_basic(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Write an ImagingSelection of FHIR R5 as a Basic of R4 or R4B.

    Nothing is lost, except what R4B cannot say in a contained resource: `contained_to_r4b` lists
    it. An element that has no value, only an extension that says why, is an extension that has
    that extension and no value.

    Parameters
    ----------
    selection : mapping
        JSON of a valid R5 resource (`fhir.writing.write`).

    Returns
    -------
    dict
        For which ``from_basic(to_basic(selection)) == selection`` where nothing is lost.

    Raises
    ------
    FhirError
        On an element that R5 does not have, and on modifier extensions below the resource, which
        no extension may hold.

    Examples
    --------
    >>> basic = to_basic({"resourceType": "ImagingSelection", "status": "available",
    ...                   "code": {"text": "Cyst"}, "seriesUid": "1.2.3"})
    >>> basic["code"]["coding"][0]["code"], basic["extension"][1]["valueId"]
    ('ImagingSelection', '1.2.3')
    """
    selection, _ = contained_to_r4b(selection)
    basic: dict[str, Any] = {"resourceType": "Basic"}
    for name in SAME:
        for key in (name, f"_{name}"):
            if key in selection:
                basic[key] = plain(selection[key])
    meta = basic.setdefault("meta", {})
    if not isinstance(meta, dict):
        raise FhirError("ImagingSelection.meta", f"expected an object, got {brief(meta)}")
    meta["profile"] = [*_list(meta.get("profile"), "ImagingSelection.meta", "profile"), PROFILE]
    unknown = {key.removeprefix("_") for key in selection} - {*SAME, *ELEMENTS, "resourceType"}
    if unknown:
        name = min(unknown)
        raise FhirError(f"ImagingSelection.{name}", "expected elements of FHIR R5 only")
    basic["code"] = {"coding": [dict(TYPE)]}
    for name, element in ELEMENTS.items():
        found = _written(selection, name, element, f"{EXTENSION}.{name}", "ImagingSelection")
        kind = "modifierExtension" if name == "status" else "extension"
        if found:
            basic[kind] = [*_list(basic.get(kind), "ImagingSelection", kind), *found]
    return basic


def _written(
    owner: Mapping[str, Any], name: str, element: Element, url: str, path: str
) -> list[dict[str, Any]]:
    """Write all values of one element as extensions."""
    values, notes = owner.get(name), owner.get(f"_{name}")
    if not element.repeats:
        values = [values] if name in owner else []
        notes = [notes] if f"_{name}" in owner else []
    values, notes = _list(values, path, name), _list(notes, path, f"_{name}")
    count = max(len(values), len(notes))
    values = [*values, *[None] * (count - len(values))]
    notes = [*notes, *[None] * (count - len(notes))]
    if element.parts is not None:
        return [
            _complex(value, element, url, f"{path}.{name}[{i}]" if element.repeats else path)
            for i, value in enumerate(values)
        ]
    return [
        {"url": url, **_simple(value, note, element.type)}
        for value, note in zip(values, notes, strict=True)
    ]


def _simple(value: Any, note: Any, kind: str) -> dict[str, Any]:
    """Write a value; of one that is missing the extensions (ext-1: extensions or a value)."""
    if value is None and isinstance(note, Mapping) and note.get("extension"):
        return {key: plain(note[key]) for key in ("id", "extension") if key in note}
    return {
        **({} if value is None else {f"value{kind}": plain(value)}),
        **({} if note is None else {f"_value{kind}": plain(note)}),
    }


def _complex(value: Any, element: Element, url: str, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise FhirError(path, f"expected an object, got {brief(value)}")
    parts = element.parts or {}
    unknown = {key.removeprefix("_") for key in value} - {"id", "extension", *parts}
    if unknown:
        raise FhirError(f"{path}.{min(unknown)}", "expected only what an extension can hold")
    inner = [{"url": DATATYPE, "valueString": element.type}] if element.type else []
    for name, part in parts.items():
        inner += _written(value, name, part, name, path)
    inner += plain(_list(value.get("extension"), path, "extension"))
    return {**({"id": value["id"]} if "id" in value else {}), "extension": inner, "url": url}


def _list(value: Any, path: str, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise FhirError(f"{path}.{name}", f"expected a list, got {brief(value)}")
    return value
