"""The elements of ImagingSelection of FHIR R5 that are extensions in R4, and their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["ELEMENTS", "SAME", "Element"]


class Element(NamedTuple):
    """Type of an element as a suffix of ``value``, or what is below it; whether it repeats."""

    type: str
    repeats: bool = False
    parts: Mapping[str, Element] | None = None


_REGION = {"regionType": Element("Code"), "coordinate": Element("Decimal", True)}
_INSTANCE = {
    "uid": Element("Id"),
    "number": Element("UnsignedInt"),
    "sopClass": Element("Coding"),
    "subset": Element("String", True),
    "imageRegion2D": Element("", True, _REGION),
    "imageRegion3D": Element("", True, _REGION),
}
_PERFORMER = {"function": Element("CodeableConcept"), "actor": Element("Reference")}
_CODEABLE_REFERENCE = {"concept": Element("CodeableConcept"), "reference": Element("Reference")}
ELEMENTS = {
    "status": Element("Code"),
    "issued": Element("Instant"),
    "performer": Element("", True, _PERFORMER),
    "basedOn": Element("Reference", True),
    "category": Element("CodeableConcept", True),
    "code": Element("CodeableConcept"),
    "studyUid": Element("Id"),
    "derivedFrom": Element("Reference", True),
    "endpoint": Element("Reference", True),
    "seriesUid": Element("Id"),
    "seriesNumber": Element("UnsignedInt"),
    "frameOfReferenceUid": Element("Id"),
    "bodySite": Element("CodeableReference", False, _CODEABLE_REFERENCE),
    "focus": Element("Reference", True),
    "instance": Element("", True, _INSTANCE),
}
"""Everything else."""
SAME = (
    "id",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
    "extension",
    "modifierExtension",
    "identifier",
    "subject",
)
"""What Basic has, too."""
