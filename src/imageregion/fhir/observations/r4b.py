"""Observations in FHIR R4B: what R5 has and R4B has not becomes cross-version extensions of HL7."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.cross_version import DERIVED_FROM, contained_to_r4b, to_basic
from imageregion.fhir.observations.parts import made_uuid, outcome

__all__ = ["r4b_bundle"]

_STRUCTURE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.bodyStructure"


def r4b_bundle(entries: Sequence[dict[str, Any]], issues: Sequence[Issue]) -> dict[str, Any]:
    """Turn the entries of an R5 Bundle, an ImagingSelection and Observations, into one of R4B.

    ``Observation.derivedFrom`` of R4B cannot point at an ImagingSelection, nor at the Basic that
    stands for it: the reference is the value of an extension. A Bundle of R4B has no ``issues``;
    their OperationOutcome is its last entry; it also names what R4B cannot say in contained
    resources.
    """
    written, issues = [], list(issues)
    for entry in entries:
        resource, losses = contained_to_r4b(entry["resource"])
        is_selection = resource["resourceType"] == "ImagingSelection"
        made = to_basic(resource) if is_selection else _observation(resource)
        issues += losses if is_selection else ()  # an Observation contains nothing else
        written.append({"fullUrl": entry["fullUrl"], "resource": made})
    if issues:
        made = outcome(issues)
        url = f"urn:uuid:{made_uuid('OperationOutcome', str(made))}"
        written.append({"fullUrl": url, "resource": made})
    return {"resourceType": "Bundle", "type": "collection", "entry": written}


def _observation(resource: dict[str, Any]) -> dict[str, Any]:
    observation = dict(resource)
    observation["derivedFrom"] = [
        {"extension": [{"url": DERIVED_FROM, "valueReference": {**reference, "type": "Basic"}}]}
        for reference in resource["derivedFrom"]
    ]
    structure = observation.pop("bodyStructure", None)
    if structure is not None:
        extension = {"url": _STRUCTURE, "valueReference": structure}
        observation["extension"] = [*observation.get("extension", []), extension]
    return observation
