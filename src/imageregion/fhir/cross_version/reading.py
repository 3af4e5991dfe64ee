"""From a Basic of R4 or R4B to the ImagingSelection of R5 that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.errors import FhirError
from imageregion.fhir.basic_elements import ELEMENTS, SAME, Element
from imageregion.fhir.cross_version.endpoints import endpoint_to_r5
from imageregion.fhir.cross_version.naming import (
    DATATYPE,
    EXTENSION,
    element_name,
    is_profile,
    is_selection,
    is_type,
    objects,
)
from imageregion.fhir.text.plain import plain

__all__ = ["from_basic"]


def from_basic(basic: Mapping[str, Any]) -> dict[str, Any]:
    """Read the ImagingSelection of FHIR R5 that a Basic of R4 or R4B stands for.

    Parameters
    ----------
    basic : mapping
        JSON as `to_basic` and HL7's package write it, or drafts of that. Extensions that are none
        of its own stay extensions. A contained Endpoint of R4 gets the form of R5; other contained
        resources stay as they are.

    Raises
    ------
    FhirError
        When it stands for no ImagingSelection, or an element that occurs once does so twice.

    Examples
    --------
    >>> from_basic({"resourceType": "Basic", "code": {"text": "Cyst"}, "extension": [
    ...     {"url": EXTENSION, "extension": [{"url": "seriesUid", "valueId": "1.2.3"}]}]})
    {'resourceType': 'ImagingSelection', 'code': {'text': 'Cyst'}, 'seriesUid': '1.2.3'}
    """
    if not is_selection(basic):
        raise FhirError("Basic", "expected the cross-version extensions of an ImagingSelection")
    selection: dict[str, Any] = {"resourceType": "ImagingSelection"}
    for name in SAME:
        for key in (name, f"_{name}"):
            if key in basic and name not in ("extension", "modifierExtension"):
                selection[key] = plain(basic[key])
    if isinstance(selection.get("contained"), list):
        selection["contained"] = [_contained(one) for one in selection["contained"]]
    _without_profile(selection)
    code = plain(basic.get("code"))
    if isinstance(code, dict):  # of drafts, which had no extension for it
        codings = code.get("coding")
        kept = [c for c in codings if not is_type(c)] if isinstance(codings, list) else []
        code = {**{k: v for k, v in code.items() if k != "coding"}}
        code |= {"coding": kept} if kept else {}
        selection |= {"code": code} if code else {}
    read: dict[str, list[Mapping[str, Any]]] = {}
    for kind in ("extension", "modifierExtension"):
        others = _sorted(basic.get(kind), read)
        if others:
            selection[kind] = others
    if "code" in read:
        selection.pop("code", None)
    for name, extensions in read.items():
        _read(selection, name, ELEMENTS[name], extensions, "ImagingSelection")
    return selection


def _contained(resource: Any) -> Any:
    is_endpoint = isinstance(resource, dict) and resource.get("resourceType") == "Endpoint"
    return endpoint_to_r5(resource) if is_endpoint else resource


def _without_profile(selection: dict[str, Any]) -> None:
    meta = selection.get("meta")
    if not isinstance(meta, dict) or not isinstance(meta.get("profile"), list):
        return
    kept = [one for one in meta["profile"] if not is_profile(one)]
    if kept:
        meta["profile"] = kept
    else:
        del meta["profile"]
        if not meta:
            del selection["meta"]


def _sorted(extensions: Any, read: dict[str, list[Mapping[str, Any]]]) -> list[Any]:
    """Put extensions under the elements they stand for; return the others."""
    others = []
    for extension in extensions if isinstance(extensions, list) else []:
        url = extension.get("url") if isinstance(extension, Mapping) else None
        name = element_name(url)
        if name == "":
            for part in objects(extension.get("extension")):
                inner = str(part.get("url")).rpartition(".")[2]
                if inner in ELEMENTS:
                    read.setdefault(inner, []).append(part)
        elif name in ELEMENTS:
            read.setdefault(str(name), []).append(extension)
        else:
            others.append(plain(extension))
    return others


def _read(
    owner: dict[str, Any],
    name: str,
    element: Element,
    extensions: list[Mapping[str, Any]],
    path: str,
) -> None:
    """Read all extensions that stand for one element into its owner."""
    if not element.repeats and len(extensions) > 1:
        raise FhirError(f"{path}.{name}", f"expected one, got {len(extensions)}")
    values: list[Any] = []
    notes: list[Any] = []
    for i, extension in enumerate(extensions):
        if element.parts is not None:
            values.append(_object(extension, element, f"{path}.{name}[{i}]"))
            notes.append(None)
        else:
            value, note = _simple(extension)
            values.append(value)
            notes.append(note)
    if any(value is not None for value in values):
        owner[name] = values if element.repeats else values[0]
    if any(note is not None for note in notes):
        owner[f"_{name}"] = notes if element.repeats else notes[0]


def _simple(extension: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the value of an extension, and what is said of it or of why there is none."""
    value = next((extension[key] for key in extension if key.startswith("value")), None)
    note = next((extension[key] for key in extension if key.startswith("_value")), None)
    if value is None and note is None and objects(extension.get("extension")):
        note = {key: extension[key] for key in ("id", "extension") if key in extension}
    return plain(value), plain(note)


def _object(extension: Mapping[str, Any], element: Element, path: str) -> dict[str, Any]:
    parts = element.parts or {}
    found: dict[str, list[Mapping[str, Any]]] = {}
    value: dict[str, Any] = {"id": extension["id"]} if "id" in extension else {}
    for inner in objects(extension.get("extension")):
        url = str(inner.get("url"))
        name = url.rpartition(".")[2] if url.startswith(EXTENSION) else url
        if name in parts:
            found.setdefault(name, []).append(inner)
        elif url not in (DATATYPE, "_datatype"):
            value.setdefault("extension", []).append(plain(inner))
    for name, some in found.items():
        _read(value, name, parts[name], some, path)
    return value
