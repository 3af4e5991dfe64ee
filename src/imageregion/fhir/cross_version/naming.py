"""How a Basic of R4 or R4B says that it is an ImagingSelection: URLs, profile and code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "DATATYPE",
    "EXTENSION",
    "PROFILE",
    "TYPE",
    "element_name",
    "is_profile",
    "is_selection",
    "is_type",
    "objects",
]

EXTENSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ImagingSelection"
PROFILE = "http://hl7.org/fhir/5.0/StructureDefinition/profile-ImagingSelection"
DATATYPE = "http://hl7.org/fhir/StructureDefinition/_datatype"
_TYPES = "http://hl7.org/fhir/fhir-types"
TYPE = {"system": _TYPES, "code": "ImagingSelection", "display": "ImagingSelection"}
"""Coding of the type that a Basic stands for."""


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
    if isinstance(profiles, list) and any(is_profile(one) for one in profiles):
        return True
    code = resource.get("code")
    codings = code.get("coding") if isinstance(code, Mapping) else None
    if any(map(is_type, codings if isinstance(codings, list) else [])):
        return True
    return any(
        element_name(extension.get("url")) is not None
        for kind in ("extension", "modifierExtension")
        for extension in objects(resource.get(kind))
    )


def is_profile(value: Any) -> bool:
    """Whether a canonical is the profile of HL7 on Basic, of any version."""
    return isinstance(value, str) and value.partition("|")[0] == PROFILE


def is_type(coding: Any) -> bool:
    """Whether a Coding says that a Basic is an ImagingSelection."""
    return isinstance(coding, Mapping) and coding.get("code") == "ImagingSelection"


def objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list; none of anything else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def element_name(url: Any) -> str | None:
    """Return the element that a URL of an extension stands for; "" for the resource itself."""
    if not isinstance(url, str) or not url.startswith(EXTENSION):
        return None
    rest = url[len(EXTENSION) :].partition("|")[0]
    return rest[1:] if rest.startswith(".") else None if rest else ""
