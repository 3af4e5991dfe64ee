"""Image region: the part of a selection that is one region, as a resource of its own.

Source: HL7 guide "DICOM SR to FHIR Resource Mapping" 1.0.0, profiles image-region-2d and
image-region-3d; of R5, where a 3-D region stands in an instance. A resource names its profile in
``meta.profile`` only where it has everything that this requires.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from imageregion.codes import DCM, NAMESPACE, Coded
from imageregion.fhir.observations.linked import GUIDE, is_patient, is_study, measured_study
from imageregion.fhir.observations.parts import concept, made_uuid
from imageregion.fhir.observations.source import (
    Source,
    distinct,
    element_at,
    with_contained,
)
from imageregion.fhir.text.plain import plain
from imageregion.measurement import RegionResult

__all__ = ["drawn_study", "image_region"]

_SOURCE_REGION = f"{NAMESPACE}/StructureDefinition/source-region"
_IMAGE_REGION = Coded(DCM, "111030", "Image Region")
_REGION = re.compile(r"ImagingSelection\.instance\[(\d{1,9})\](?:\.(imageRegion[23]D)\[\d{1,9}\])?")
_KEPT = (
    "modifierExtension",
    "implicitRules",
    "language",
    "issued",
    "performer",
    "basedOn",
    "category",
    "endpoint",
    "seriesUid",
    "seriesNumber",
    "frameOfReferenceUid",
    "bodySite",
    "focus",
)
"""What a part of a selection has in common with the whole; not its identifier and narrative."""


def drawn_study(source: Source, result: RegionResult) -> str:
    """Return the Study Instance UID of the images a region was drawn on, "" where unknown.

    It may have been measured on others.
    """
    target = result.region.target
    stated = target.study or str(source.resource.get("studyUid") or "")
    is_same = bool(target.series) and target.series == result.series
    return stated or (measured_study(source, result) if is_same else "")


def image_region(
    source: Source,
    result: RegionResult,
    subject: dict[str, Any] | None,
    study: dict[str, Any] | None,
) -> tuple[str, dict[str, Any], tuple[str, ...]]:
    """Return the part of the selection that is one region, as a resource of its own.

    Returns
    -------
    identity : str
        UUID of the entry.
    resource : dict
        An ImagingSelection; all of it where the result is of all regions, or the region is lost.
    places : tuple of str
        FHIRPaths of the region in there.
    """
    original = source.resource
    found = [_REGION.fullmatch(place) for place in source.copies(result.region)]
    parts = [(int(match[1]), match[0], match[2]) for match in found if match]
    if not parts:
        whole = {**({"subject": subject} if subject else {}), **original}
        identity = made_uuid("ImagingSelection", source.digest, str(subject))
        return str(identity), whole, ("ImagingSelection",)
    instances, places = [], []
    for number, (index, place, name) in enumerate(parts):
        instance = plain(element_at(original, f"ImagingSelection.instance[{index}]"))
        instance.pop("imageRegion2D", None)
        instance.pop("imageRegion3D", None)
        here = f"ImagingSelection.instance[{number}]"
        if name:
            instance[name] = [plain(element_at(original, place))]
            here += f".{name}[0]"
        instances.append(instance)
        places.append(here)
    names = {name for _, _, name in parts}
    resource = _part(source, result, names in ({"imageRegion2D"}, {"imageRegion3D"}))
    resource["subject"] = plain(original.get("subject")) or subject
    resource["derivedFrom"] = _origins(original, study)
    resource |= {"instance": instances}
    profile = _profile(names, {**original, **resource})
    resource["meta"] |= {"profile": [profile]} if profile else {}
    kept = {key: value for key, value in resource.items() if value not in (None, [], {})}
    return resource["id"], with_contained(kept, original), distinct(places)


def _part(source: Source, result: RegionResult, is_region: bool) -> dict[str, Any]:
    original = source.resource
    code = plain(original.get("code"))
    text = result.region.label or (code or {}).get("text") or _IMAGE_REGION.display
    inner = [{"url": "path", "valueString": result.region.path}]
    inner += [
        {"url": "identifier", "valueIdentifier": plain(one)}
        for one in original.get("identifier") or []
    ]
    if is_region and code:
        inner.append({"url": "code", "valueCodeableConcept": code})
    names = [name for name in _KEPT for name in (name, f"_{name}") if name in original]
    meta = original.get("meta", {})
    return {
        "resourceType": "ImagingSelection",
        "id": str(made_uuid("ImageRegion", source.digest, *source.named(result.region))),
        "meta": {k: plain(v) for k, v in meta.items() if k in ("security", "tag")},
        "extension": [
            {"url": _SOURCE_REGION, "extension": inner},
            *plain(original.get("extension", [])),
        ],
        "status": original.get("status", "unknown"),
        "code": concept(_IMAGE_REGION, text) if is_region else code,
        "studyUid": drawn_study(source, result) or None,
        **{name: plain(original[name]) for name in names},
    }


def _origins(original: Mapping[str, Any], study: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return what the part is derived from; of several studies none is picked."""
    own = plain(original.get("derivedFrom") or [])
    others = [one for one in own if not is_study(one)]
    if len(own) - len(others) > 1:
        return list(own)
    return [*([study] if study else []), *others]


def _profile(names: set[str | None], resource: Mapping[str, Any]) -> str:
    """Return the profile of which the resource has everything, "" if there is none."""
    studies = [one for one in resource["derivedFrom"] if is_study(one)]
    if len(studies) > 1 or not is_patient(resource.get("subject"), resource):
        return ""
    if names == {"imageRegion2D"}:
        return f"{GUIDE}/image-region-2d"
    if names == {"imageRegion3D"} and resource.get("frameOfReferenceUid"):
        return f"{GUIDE}/image-region-3d"
    return ""
