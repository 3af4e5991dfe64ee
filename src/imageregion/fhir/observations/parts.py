"""Parts that Observations of every form have: concepts, ids, quantities, and why there is none."""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Sequence
from typing import Any

from imageregion.codes import GEOMETRY, NAMESPACE, PIXEL_COUNTS, UCUM, Coded
from imageregion.errors import Issue
from imageregion.fhir.selection import Selection
from imageregion.fhir.targets import reference_type
from imageregion.fhir.text.plain import plain
from imageregion.measurement import Measurement, Method, RegionResult

__all__ = [
    "IMAGING",
    "MEASURED_FRAME",
    "MEASURED_INSTANCE",
    "NOT_PERFORMED",
    "REGION_PATH",
    "STATUS",
    "absent_reason",
    "body_site",
    "concept",
    "failure",
    "interval",
    "made_uuid",
    "method_of",
    "notes_of",
    "outcome",
    "pixels_of",
    "quantity",
    "reading",
    "subject_of",
]

REGION_PATH = f"{NAMESPACE}/StructureDefinition/region-path"
MEASURED_INSTANCE = f"{NAMESPACE}/StructureDefinition/measured-instance"
MEASURED_FRAME = f"{NAMESPACE}/StructureDefinition/measured-frame"
IMAGING = Coded("http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging")
STATUS = {"available": "final", "entered-in-error": "entered-in-error"}
_METHOD = f"{NAMESPACE}/CodeSystem/method"
_INTERVAL = f"{NAMESPACE}/StructureDefinition/rule-interval"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_NOT_MEASURED = "not-measured"  # flag of a result
NOT_PERFORMED = Coded(_ABSENT, "not-performed", "Not Performed")
_TYPES = {
    "required-element": "required",
    "no-value": "incomplete",
    "replaced": "invalid",
    "removed": "invalid",
}


def concept(coded: Coded, text: str = "") -> dict[str, Any]:
    """Return a CodeableConcept of one coding."""
    return {"coding": [coded._asdict()], "text": text or coded.display}


def made_uuid(*parts: str) -> uuid.UUID:
    """Make a UUID that the same parts always give."""
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{NAMESPACE}/{parts[0]}/{digest}")


def reading(result: RegionResult) -> tuple[str, ...]:
    """Return what tells a result from all others: region, images and method."""
    method = str(result.measurements[0].method) if result.measurements else ""
    frames = [
        "#".join([part.frame.instance, str(part.frame.number), *sum(part.frame.dimensions, ())])
        for part in result.slices
    ]
    return (result.region.path, result.series, method, *frames)


def quantity(name: str, value: float, unit: str) -> dict[str, Any]:
    """Return a Quantity in UCUM; numbers of pixels are whole."""
    number = int(value) if name in PIXEL_COUNTS else float(value)
    return {"value": number, "unit": unit, "system": UCUM, "code": unit}


def interval(measurement: Measurement) -> list[dict[str, Any]]:
    """Return the extension rule-interval where a measurement has one."""
    ends = {"low": measurement.low, "high": measurement.high}
    if None in ends.values():
        return []
    limits = {
        name: quantity("", value, measurement.unit)
        for name, value in ends.items()
        if value is not None
    }
    return [{"url": _INTERVAL, "valueRange": limits}]


def absent_reason(result: RegionResult, measurement: Measurement) -> Coded | None:
    """Say why there is no value: not finite, not defined for no pixels, ...; None where it is one.

    Sizes of a region on no image at hand count pixels of unknown size and proportion: they are no
    values, since on its image they would be others.
    """
    value = measurement.value
    if _is_nowhere(result) or (value is None and _NOT_MEASURED in result.flags):
        return NOT_PERFORMED
    if value is not None:
        return _no_number(value)
    if measurement.code not in GEOMETRY and not result.get("count"):
        return Coded(_ABSENT, "not-applicable", "Not Applicable")
    return Coded(_ABSENT, "unknown", "Unknown")


def _no_number(value: float) -> Coded | None:
    if math.isfinite(value):
        return None
    if math.isnan(value):
        return Coded(_ABSENT, "not-a-number", "Not a Number (NaN)")
    if value > 0:
        return Coded(_ABSENT, "positive-infinity", "Positive Infinity (PINF)")
    return Coded(_ABSENT, "negative-infinity", "Negative Infinity (NINF)")


def _is_nowhere(result: RegionResult) -> bool:
    """Whether a region in pixels lies on no image that says how large these are, or that none does.

    Where an image is known, the result has a spacing, or a flag that says why not.
    """
    shape = result.region.shape
    if _NOT_MEASURED not in result.flags or shape is None or shape.dimension == 3:
        return False
    return result.spacing is None and set(result.flags) <= {_NOT_MEASURED, "unclosed"}


def method_of(method: Method, more: str = "") -> dict[str, Any]:
    """Return ``Observation.method``: which pixels count, and all that went into the number."""
    coding = {"system": _METHOD, "version": method.version, "code": method.rule}
    text = f"{method}; {more}" if more else str(method)
    return {"method": {"coding": [coding], "text": text}}


def pixels_of(result: RegionResult) -> list[dict[str, Any]]:
    """Return extensions that name the images measured, and the frame when it was one."""
    found: list[dict[str, Any]] = [
        {
            "url": MEASURED_INSTANCE,
            "valueIdentifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"},
        }
        for uid in result.instances
        if uid
    ]
    frames = {part.frame.number for part in result.slices}
    if len(result.slices) == 1 and min(frames):
        found.append({"url": MEASURED_FRAME, "valuePositiveInt": frames.pop()})
    return found


def subject_of(resource: dict[str, Any], given: dict[str, Any] | None) -> dict[str, Any]:
    """Carry the subject over; what Observation does not allow as subject is its specimen."""
    subject = plain(resource.get("subject")) or given
    if not isinstance(subject, dict):
        return {}
    if reference_type(subject) == "Specimen":
        return {"specimen": subject} | ({"subject": given} if given else {})
    return {"subject": subject}


def body_site(resource: dict[str, Any]) -> dict[str, Any]:
    """Carry the body site over, as a concept or as a reference but never both (obs-8)."""
    site = plain(resource.get("bodySite"))
    if not isinstance(site, dict):
        return {}
    if site.get("concept"):
        return {"bodySite": site["concept"]}
    return {"bodyStructure": site["reference"]} if site.get("reference") else {}


def failure(result: RegionResult, issues: Sequence[Issue]) -> str:
    """Return why a region was not measured, in words; empty where it was, or nobody said.

    Regions in 2-D of a whole resource have one path, so that all of their reasons are given.
    """
    if _NOT_MEASURED not in result.flags:
        return ""
    path = result.region.path or "ImagingSelection"
    found = [issue for issue in issues if issue.severity == "error" and issue.path == path]
    return "; ".join(dict.fromkeys(issue.message for issue in found))


def notes_of(selection: Selection, result: RegionResult, why: str = "") -> list[dict[str, Any]]:
    """Return as notes the label, flags, and what was found about a region while reading it.

    `why` is why it was not measured.
    """
    path = result.region.path
    found = [why] if why else []
    found += [
        issue.message
        for issue in selection.issues
        if path and (issue.path == path or issue.path.startswith(f"{path}."))
    ]
    label = [f"region: {result.region.label}"] if result.region.label else []
    label += [f"{keyword}: {value}" for keyword, value in result.dimensions]
    if selection.status == "inactive":
        label.append("the selection is inactive: no longer in use")
    texts = [*label, *(f"flag: {flag}" for flag in result.flags), *found]
    return [{"text": text} for text in texts]


def outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """Write issues as an OperationOutcome; other warnings are what R5 has no place for."""
    other = {"error": "processing", "warning": "not-supported", "information": "informational"}
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": issue.severity,
                "code": _TYPES.get(issue.code, other[issue.severity]),
                "details": {"text": issue.code},
                "diagnostics": issue.message,
                "expression": [issue.path],
            }
            for issue in issues
        ],
    }
