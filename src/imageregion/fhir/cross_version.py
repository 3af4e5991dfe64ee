"""ImagingSelection in FHIR R4 and R4B: a Basic with the cross-version extensions of HL7.

Source: HL7 package hl7.fhir.uv.xver-r5.r4 (and -r5.r4b) 0.1.0, "Extensions for Using Data Elements
from FHIR R5 in FHIR R4". What Basic has, stands there: meta, text, contained, identifier, subject.
Every other element is an extension ``extension-ImagingSelection.<element>``, the ones below it have
relative URLs (``uid``, ``coordinate``); status, which changes the meaning of the rest, is a
modifier extension. Earlier drafts of the package held everything in one extension
``extension-ImagingSelection``, with relative or with full URLs inside; these are read, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.errors import FhirError
from imageregion.fhir.basic_elements import ELEMENTS, SAME, Element
from imageregion.fhir.text.plain import brief, plain

__all__ = [
    "DERIVED_FROM",
    "EXTENSION",
    "PROFILE",
    "derived_from",
    "from_basic",
    "is_selection",
    "to_basic",
]

EXTENSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ImagingSelection"
PROFILE = "http://hl7.org/fhir/5.0/StructureDefinition/profile-ImagingSelection"
DERIVED_FROM = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.derivedFrom"
"""Extension on ``Observation.derivedFrom`` of R4 and R4B, whose value is a reference that only R5
allows there."""
_TYPES = "http://hl7.org/fhir/fhir-types"
_DATATYPE = "http://hl7.org/fhir/StructureDefinition/_datatype"


_CODE = {"coding": [{"system": _TYPES, "code": "ImagingSelection", "display": "ImagingSelection"}]}


def to_basic(selection: Mapping[str, Any]) -> dict[str, Any]:
    """Write an ImagingSelection of FHIR R5 as a Basic of R4 or R4B; nothing is lost.

    Parameters
    ----------
    selection : mapping
        JSON of a valid R5 resource (`fhir.writing.write`).

    Returns
    -------
    dict
        For which ``from_basic(to_basic(selection)) == selection``.

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
    basic["code"] = plain(_CODE)
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
        {
            "url": url,
            **({} if value is None else {f"value{element.type}": plain(value)}),
            **({} if note is None else {f"_value{element.type}": plain(note)}),
        }
        for value, note in zip(values, notes, strict=True)
    ]


def _complex(value: Any, element: Element, url: str, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise FhirError(path, f"expected an object, got {brief(value)}")
    parts = element.parts or {}
    unknown = {key.removeprefix("_") for key in value} - {"id", "extension", *parts}
    if unknown:
        raise FhirError(f"{path}.{min(unknown)}", "expected only what an extension can hold")
    inner = [{"url": _DATATYPE, "valueString": element.type}] if element.type else []
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


def is_selection(resource: Any) -> bool:
    """Whether a resource is a Basic that stands for an ImagingSelection.

    Examples
    --------
    >>> is_selection({"resourceType": "Basic", "extension": [{"url": EXTENSION + ".studyUid"}]})
    True
    """
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "Basic":
        return False
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, Mapping) else None
    if isinstance(profiles, list) and any(_is_profile(one) for one in profiles):
        return True
    code = resource.get("code")
    codings = code.get("coding") if isinstance(code, Mapping) else None
    if any(map(_is_type, codings if isinstance(codings, list) else [])):
        return True
    return any(
        _element_name(extension.get("url")) is not None
        for kind in ("extension", "modifierExtension")
        for extension in _objects(resource.get(kind))
    )


def _is_profile(value: Any) -> bool:
    return isinstance(value, str) and value.partition("|")[0] == PROFILE


def _is_type(coding: Any) -> bool:
    return isinstance(coding, Mapping) and coding.get("code") == "ImagingSelection"


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _element_name(url: Any) -> str | None:
    """Return the element that a URL of an extension stands for; "" for the resource itself."""
    if not isinstance(url, str) or not url.startswith(EXTENSION):
        return None
    rest = url[len(EXTENSION) :].partition("|")[0]
    return rest[1:] if rest.startswith(".") else None if rest else ""


def from_basic(basic: Mapping[str, Any]) -> dict[str, Any]:
    """Read the ImagingSelection of FHIR R5 that a Basic of R4 or R4B stands for.

    Parameters
    ----------
    basic : mapping
        JSON as `to_basic` and HL7's package write it, or drafts of that. Extensions that are none
        of its own stay extensions.

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
    _without_profile(selection)
    code = plain(basic.get("code"))
    if isinstance(code, dict):  # of drafts, which had no extension for it
        codings = code.get("coding")
        kept = [c for c in codings if not _is_type(c)] if isinstance(codings, list) else []
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


def _without_profile(selection: dict[str, Any]) -> None:
    meta = selection.get("meta")
    if not isinstance(meta, dict) or not isinstance(meta.get("profile"), list):
        return
    kept = [one for one in meta["profile"] if not _is_profile(one)]
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
        name = _element_name(url)
        if name == "":
            for part in _objects(extension.get("extension")):
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
            keys = [key for key in extension if key.startswith("value")]
            values.append(plain(extension[keys[0]]) if keys else None)
            keys = [key for key in extension if key.startswith("_value")]
            notes.append(plain(extension[keys[0]]) if keys else None)
    if any(value is not None for value in values):
        owner[name] = values if element.repeats else values[0]
    if any(note is not None for note in notes):
        owner[f"_{name}"] = notes if element.repeats else notes[0]


def _object(extension: Mapping[str, Any], element: Element, path: str) -> dict[str, Any]:
    parts = element.parts or {}
    found: dict[str, list[Mapping[str, Any]]] = {}
    value: dict[str, Any] = {"id": extension["id"]} if "id" in extension else {}
    for inner in _objects(extension.get("extension")):
        url = str(inner.get("url"))
        name = url.rpartition(".")[2] if url.startswith(EXTENSION) else url
        if name in parts:
            found.setdefault(name, []).append(inner)
        elif url not in (_DATATYPE, "_datatype"):
            value.setdefault("extension", []).append(plain(inner))
    for name, some in found.items():
        _read(value, name, parts[name], some, path)
    return value


def derived_from(observation: Mapping[str, Any]) -> list[Any]:
    """Return the references of ``Observation.derivedFrom``, also those that R4 has in extensions.

    The extension is looked for on the references, where its definition has it, and on the
    Observation itself, where some guides put it.

    Examples
    --------
    >>> derived_from({"extension": [{"url": DERIVED_FROM, "valueReference": {"reference": "#a"}}]})
    [{'reference': '#a'}]
    """
    found: list[Any] = []
    for reference in _objects(observation.get("derivedFrom")):
        inner = _referenced(reference)
        found += inner
        if not inner or "reference" in reference or "identifier" in reference:
            found.append(reference)
    return found + _referenced(observation)


def _referenced(element: Mapping[str, Any]) -> list[Any]:
    return [
        extension["valueReference"]
        for extension in _objects(element.get("extension"))
        if extension.get("url") == DERIVED_FROM and "valueReference" in extension
    ]
