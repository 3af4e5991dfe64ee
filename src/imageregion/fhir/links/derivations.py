"""Derivations: what an Observation says it is derived from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageregion.fhir.links.membership import references

__all__ = ["derivations", "may_be_region", "region_paths"]

_REGION_PATH = "/StructureDefinition/region-path"
_DERIVED_FROM = "/extension-Observation.derivedFrom"


def derivations(resource: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the references of ``derivedFrom``, and those of the cross-version extension."""
    places = [("Observation.extension", resource.get("extension"))]
    for path, reference in references(resource, "derivedFrom"):
        inner = reference.get("extension") if isinstance(reference, Mapping) else None
        places.append((f"{path}.extension", inner))
        if not (isinstance(reference, Mapping) and set(reference) <= {"extension", "id"}):
            yield path, reference
    for path, extensions in places:
        for index, extension in enumerate(extensions if isinstance(extensions, list) else []):
            if isinstance(extension, Mapping) and str(extension.get("url", "")).endswith(
                _DERIVED_FROM
            ):
                yield f"{path}[{index}].value", extension.get("valueReference")


def region_paths(reference: Any) -> tuple[str, ...]:
    """Return the regions that our extension on a reference names, none where it is absent.

    It repeats where one region had to be written as several, such as a multipoint in FHIR R5.
    """
    extensions = reference.get("extension") if isinstance(reference, Mapping) else None
    found = [
        extension.get("valueString")
        for extension in (extensions if isinstance(extensions, list) else [])
        if isinstance(extension, Mapping) and str(extension.get("url", "")).endswith(_REGION_PATH)
    ]
    return tuple(dict.fromkeys(path for path in found if isinstance(path, str)))


def may_be_region(reference: Any) -> bool:
    """Whether a reference that leads nowhere may have meant a selection or an Observation."""
    if not isinstance(reference, Mapping):
        return True
    text, kind = reference.get("reference"), reference.get("type")
    if isinstance(kind, str):
        return kind.rpartition("/")[2] in ("ImagingSelection", "Observation", "Basic")
    if isinstance(text, str) and not text.startswith(("#", "urn:")):
        return any(f"{name}/" in text for name in ("ImagingSelection", "Observation", "Basic"))
    return True
