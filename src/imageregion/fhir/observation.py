"""Results as FHIR R5: a Bundle with the ImagingSelection and one Observation per measured region.

Every Observation points back at the region it measures, and says how. Names used below
`imageregion.codes.NAMESPACE` (they are names, not web pages):

``StructureDefinition/region-path`` (extension on ``Observation.derivedFrom``, valueString)
    FHIRPath of the region element within the ImagingSelection that ``derivedFrom`` points at.
``StructureDefinition/measured-instance`` (extension on ``Observation``, valueIdentifier, repeats)
    SOP Instance UID of an image whose pixels were measured, system ``urn:dicom:uid``.
``StructureDefinition/rule-interval`` (extension on ``Observation.component``, valueRange)
    Interval of the value over the rules and over shifts of the region by half a pixel.
``CodeSystem/measurement``
    What no standard has a code for: ``region`` (all measurements of one region), ``count``,
    ``excluded``, ``p10``, ``p25``, ``p75``, ``p90``, ``counted-area``, ``counted-volume``,
    ``outside-fraction``, ``outside-range``, features of first order and means by estimator.
``CodeSystem/method``
    Which pixels count, in ``Observation.method``: ``center``, ``touched`` or ``exact``. The coding
    version is the version of this library, the text says everything that went into the number.

All ids are UUIDs made from the contents, so the same input gives the same Bundle.
"""

from __future__ import annotations

import hashlib
import math
import uuid
from collections.abc import Sequence
from typing import Any

from imageregion.codes import (
    GEOMETRY,
    NAMESPACE,
    PIXEL_COUNTS,
    UCUM,
    Coded,
    code_of,
    quantity_of,
)
from imageregion.errors import Issue
from imageregion.fhir.plain import as_json, plain
from imageregion.fhir.selection import Selection
from imageregion.fhir.sound import sound_resource
from imageregion.measurement import Measurement, RegionResult

__all__ = ["observations"]

_REGION_PATH = f"{NAMESPACE}/StructureDefinition/region-path"
_MEASURED_INSTANCE = f"{NAMESPACE}/StructureDefinition/measured-instance"
_MEASURED_FRAME = f"{NAMESPACE}/StructureDefinition/measured-frame"
_METHOD = f"{NAMESPACE}/CodeSystem/method"
_REGION = Coded(f"{NAMESPACE}/CodeSystem/measurement", "region", "Measurements of image region")
_CATEGORY = Coded(
    "http://terminology.hl7.org/CodeSystem/observation-category", "imaging", "Imaging"
)
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_STATUS = {"available": "final", "entered-in-error": "entered-in-error"}
_INTERVAL = f"{NAMESPACE}/StructureDefinition/rule-interval"


def observations(selection: Selection, results: Sequence[RegionResult]) -> dict[str, Any]:
    """Write measurements as a FHIR R5 Bundle of type collection.

    Parameters
    ----------
    selection : Selection
        What was measured; its resource is carried along as it was read, as far as it is valid
        (see `sound_resource`).
    results : sequence of RegionResult

    Returns
    -------
    dict
        JSON of the Bundle: the ImagingSelection, then one Observation per result, in order. It is
        always valid; ``issues`` holds an OperationOutcome that names whatever of the selection had
        to be replaced or removed.

    Raises
    ------
    InputError
        On text that is no Unicode.

    Examples
    --------
    >>> from imageregion.fhir.document import read_selection
    >>> from imageregion.measurement import Measurement, Method
    >>> selection = read_selection({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "circle", "coordinate": [8, 8, 11, 8]}]}]})
    >>> region = selection.regions[0]
    >>> method = Method("center", "evenodd", "center", "HU", "0.1.0")
    >>> mean = Measurement(region.path, "mean", 12.5, "[hnsf'U]", method)
    >>> result = RegionResult(region, (), (mean,), unit="[hnsf'U]", modality="CT")
    >>> observation = observations(selection, [result])["entry"][1]["resource"]
    >>> observation["code"]["text"], observation["component"][0]["valueQuantity"]["value"]
    ('X-Ray Attenuation of image region', 12.5)
    """
    content = as_json(selection.resource, ordered=True)
    source = str(_uuid("ImagingSelection", hashlib.sha256(content).hexdigest()))
    sound, issues = sound_resource(selection.resource)
    entries = [{"fullUrl": f"urn:uuid:{source}", "resource": sound}]
    seen: set[uuid.UUID] = set()
    for result in results:
        identity = _identity(source, result, seen)
        resource = _observation(selection, sound, source, str(identity), result)
        entries.append({"fullUrl": f"urn:uuid:{identity}", "resource": resource})
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return {**bundle, "issues": _outcome(issues)} if issues else bundle


def _outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """Write issues as an OperationOutcome."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": issue.severity,
                "code": "invalid",
                "diagnostics": issue.message,
                "expression": [issue.path],
            }
            for issue in issues
        ],
    }


def _uuid(*parts: str) -> uuid.UUID:
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{NAMESPACE}/{parts[0]}/{digest}")


def _identity(source: str, result: RegionResult, seen: set[uuid.UUID]) -> uuid.UUID:
    """Make an id from the region, the images and the method; a repeated one is numbered."""
    method = str(result.measurements[0].method) if result.measurements else ""
    frames = [
        "#".join([part.frame.instance, str(part.frame.number), *sum(part.frame.dimensions, ())])
        for part in result.slices
    ]
    parts = ("Observation", source, result.region.path, result.series, method, *frames)
    number = 0
    while (identity := _uuid(*parts, str(number))) in seen:
        number += 1
    seen.add(identity)
    return identity


def _observation(
    selection: Selection, sound: dict[str, Any], source: str, identity: str, result: RegionResult
) -> dict[str, Any]:
    observation: dict[str, Any] = {
        "resourceType": "Observation",
        "id": identity,
        "extension": [*(_instance(uid) for uid in result.instances if uid), *_frame(result)],
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{identity}"}],
        "status": _STATUS.get(selection.status, "unknown"),
        "category": [_concept(_CATEGORY)],
        "code": _quantity(result),
        **_subject(sound),
        **_body(sound),
        **_method(result),
        "derivedFrom": [_derived_from(source, result)],
        "note": [{"text": text} for text in _notes(selection, result)],
        "component": [_component(result, measurement) for measurement in result.measurements],
    }
    if not result.measurements:
        observation["dataAbsentReason"] = _reason("not-performed", "Not Performed")
    return {key: value for key, value in observation.items() if value != []}


def _concept(coded: Coded, text: str = "") -> dict[str, Any]:
    return {"coding": [coded._asdict()], "text": text or coded.display}


def _quantity(result: RegionResult) -> dict[str, Any]:
    quantity = quantity_of(result.modality, result.unit)
    return (
        _concept(quantity, f"{quantity.display} of image region") if quantity else _concept(_REGION)
    )


def _subject(sound: dict[str, Any]) -> dict[str, Any]:
    """Carry the subject over; what Observation does not allow as subject is its specimen."""
    subject = plain(sound.get("subject"))
    if not isinstance(subject, dict):
        return {}
    kind = subject.get("type") or str(subject.get("reference", "")).split("/")[0]
    return {"specimen" if kind == "Specimen" else "subject": subject}


def _body(sound: dict[str, Any]) -> dict[str, Any]:
    """Carry the body site over, as a concept or as a reference but never both (obs-8)."""
    site = plain(sound.get("bodySite"))
    if not isinstance(site, dict):
        return {}
    if site.get("concept"):
        return {"bodySite": site["concept"]}
    return {"bodyStructure": site["reference"]} if site.get("reference") else {}


def _method(result: RegionResult) -> dict[str, Any]:
    if not result.measurements:
        return {}
    method = result.measurements[0].method
    coding = {"system": _METHOD, "version": method.version, "code": method.rule}
    return {"method": {"coding": [coding], "text": str(method)}}


def _derived_from(source: str, result: RegionResult) -> dict[str, Any]:
    path = {"url": _REGION_PATH, "valueString": result.region.path or "ImagingSelection"}
    return {"extension": [path], "reference": f"urn:uuid:{source}", "type": "ImagingSelection"}


def _instance(uid: str) -> dict[str, Any]:
    value = {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}
    return {"url": _MEASURED_INSTANCE, "valueIdentifier": value}


def _frame(result: RegionResult) -> list[dict[str, Any]]:
    """Say which frame of the instance was measured, when it was one."""
    frames = {part.frame.number for part in result.slices}
    if len(result.slices) != 1 or not min(frames):
        return []
    return [{"url": _MEASURED_FRAME, "valuePositiveInt": frames.pop()}]


def _notes(selection: Selection, result: RegionResult) -> list[str]:
    """Return flags, and what was found about this region while reading it."""
    path = result.region.path
    found = [
        issue.message
        for issue in selection.issues
        if path and (issue.path == path or issue.path.startswith(f"{path}."))
    ]
    label = [f"region: {result.region.label}"] if result.region.label else []
    label += [f"{keyword}: {value}" for keyword, value in result.dimensions]
    return [*label, *(f"flag: {flag}" for flag in result.flags), *found]


def _component(result: RegionResult, measurement: Measurement) -> dict[str, Any]:
    component: dict[str, Any] = {"code": _concept(code_of(measurement.code, measurement.channel))}
    if measurement.low is not None and measurement.high is not None:
        component["extension"] = [_interval(measurement.low, measurement.high, measurement.unit)]
    value = measurement.value
    if value is not None and math.isfinite(value):
        number = int(value) if measurement.code in PIXEL_COUNTS else float(value)
        unit = measurement.unit
        component["valueQuantity"] = {"value": number, "unit": unit, "system": UCUM, "code": unit}
    else:
        component["dataAbsentReason"] = _why(result, measurement)
    return component


def _interval(low: float, high: float, unit: str) -> dict[str, Any]:
    ends = {
        name: {"value": float(value), "unit": unit, "system": UCUM, "code": unit}
        for name, value in (("low", low), ("high", high))
    }
    return {"url": _INTERVAL, "valueRange": ends}


def _why(result: RegionResult, measurement: Measurement) -> dict[str, Any]:
    """Say why a value is absent: not a finite number, not defined for no pixels, or unknown."""
    value = measurement.value
    if value is not None and math.isnan(value):
        return _reason("not-a-number", "Not a Number (NaN)")
    if value is not None:
        return (
            _reason("positive-infinity", "Positive Infinity (PINF)")
            if value > 0
            else _reason("negative-infinity", "Negative Infinity (NINF)")
        )
    if measurement.code not in GEOMETRY and not result.get("count"):
        return _reason("not-applicable", "Not Applicable")
    return _reason("unknown", "Unknown")


def _reason(code: str, display: str) -> dict[str, Any]:
    return _concept(Coded(_ABSENT, code, display))
