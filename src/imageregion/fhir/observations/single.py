"""One Observation per region, its numbers as components: FHIR R5."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imageregion.codes import MEASUREMENTS, Coded, code_of, quantity_of
from imageregion.errors import Issue
from imageregion.fhir.observations.context import Context
from imageregion.fhir.observations.parts import (
    IMAGING,
    NOT_PERFORMED,
    REGION_PATH,
    STATUS,
    absent_reason,
    body_site,
    concept,
    failure,
    interval,
    made_uuid,
    method_of,
    notes_of,
    pixels_of,
    quantity,
    reading,
    subject_of,
)
from imageregion.fhir.observations.source import Source, with_contained
from imageregion.fhir.selection import Selection
from imageregion.measurement import Measurement, RegionResult

__all__ = ["REGION", "single_entries"]

REGION = Coded(MEASUREMENTS, "region", "Measurements of image region")


def single_entries(
    selection: Selection,
    source: Source,
    results: Sequence[RegionResult],
    context: Context,
    issues: Sequence[Issue] = (),
) -> list[dict[str, Any]]:
    """Return the entries of a Bundle: the selection, then an Observation per result, in order.

    Of a region that could not be measured there is what is known of it, and among `issues` why.
    """
    origin = f"urn:uuid:{made_uuid('ImagingSelection', source.digest)}"
    entries = [{"fullUrl": origin, "resource": source.resource}]
    seen: dict[tuple[str, ...], int] = {}
    for result in results:
        parts = reading(result)
        seen[parts] = seen.get(parts, -1) + 1  # one that comes again is numbered
        identity = made_uuid("Observation", origin[9:], *parts, str(seen[parts]))
        why = failure(result, issues)
        resource = _observation(selection, source, origin, str(identity), result, context, why)
        entries.append({"fullUrl": f"urn:uuid:{identity}", "resource": resource})
    return entries


def _observation(
    selection: Selection,
    source: Source,
    origin: str,
    identity: str,
    result: RegionResult,
    context: Context,
    why: str,
) -> dict[str, Any]:
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "id": identity,
        "extension": pixels_of(result),
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{identity}"}],
        "status": STATUS.get(selection.status, "unknown"),
        "category": [concept(IMAGING)],
        "code": _code(result),
        **subject_of(source.resource, context.subject),
        **({"issued": context.issued} if context.issued else {}),
        **body_site(source.resource),
        **(method_of(result.measurements[0].method) if result.measurements else {}),
        "derivedFrom": [_derived_from(source, origin, result)],
        "note": notes_of(selection, result, why),
        "component": [_component(result, measurement, why) for measurement in result.measurements],
    }
    if not any("valueQuantity" in component for component in observation["component"]):
        observation["dataAbsentReason"] = concept(NOT_PERFORMED, why)
    kept = {key: value for key, value in observation.items() if value != []}
    return with_contained(kept, source.resource)


def _code(result: RegionResult) -> dict[str, Any]:
    found = quantity_of(result.modality, result.unit)
    return concept(found, f"{found.display} of image region") if found else concept(REGION)


def _derived_from(source: Source, origin: str, result: RegionResult) -> dict[str, Any]:
    places = source.places(result.region)
    paths = [{"url": REGION_PATH, "valueString": place} for place in places]
    reference: dict[str, Any] = {"reference": origin, "type": "ImagingSelection"}
    return {"extension": paths, **reference} if paths else reference


def _component(result: RegionResult, measurement: Measurement, why: str) -> dict[str, Any]:
    component: dict[str, Any] = {"code": concept(code_of(measurement.code, measurement.channel))}
    if extensions := interval(measurement):
        component["extension"] = extensions
    reason = absent_reason(result, measurement)
    if reason is None and measurement.value is not None:
        component["valueQuantity"] = quantity(measurement.code, measurement.value, measurement.unit)
    elif reason is not None:
        component["dataAbsentReason"] = concept(reason, why if reason is NOT_PERFORMED else "")
    return component
