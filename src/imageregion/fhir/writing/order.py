"""The order of elements in each form, which XML requires and JSON readers like."""

from __future__ import annotations

from typing import Any

__all__ = ["ordered"]

_BASE = (
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
    "extension",
    "modifierExtension",
    "identifier",
)
_R5 = (
    *("status", "subject", "issued", "performer", "basedOn", "category", "code", "studyUid"),
    *("derivedFrom", "endpoint", "seriesUid", "seriesNumber", "frameOfReferenceUid"),
    *("bodySite", "focus", "instance"),
)
_R6 = (
    *("status", "category", "code", "subject", "issued", "performer", "basedOn", "derivedFrom"),
    *("studyUid", "seriesUid", "seriesNumber", "modality", "frameOfReferenceUid", "bodySite"),
    *("focus", "endpoint", "instance", "imageRegion3D"),
)
_SNAPSHOT1 = (
    *("basedOn", "subject", "issued", "performer", "code", "studyUid", "derivedFrom", "endpoint"),
    *("seriesUid", "frameOfReferenceUid", "bodySite", "instance", "imageRegion"),
)
_FORMS = {"r5": _BASE + _R5, "r6": _BASE + _R6, "r5-snapshot1": _BASE + _SNAPSHOT1}
_PARTS = (
    *("id", "extension", "modifierExtension", "uid", "number", "sopClass", "subset"),
    *("frameNumber", "referencedContentItemIdentifier", "segmentNumber", "regionOfInterest"),
    *("waveFormChannel", "frameList", "observationUid", "segmentList", "roiList"),
    *("regionType", "coordinateType", "coordinate", "coordinates"),
    *("imageRegion2D", "imageRegion3D"),
)


def ordered(resource: dict[str, Any], form: str) -> dict[str, Any]:
    """Return an ImagingSelection with its elements in the order of a form.

    Examples
    --------
    >>> list(ordered({"instance": [], "code": {}, "status": "unknown"}, "r6"))
    ['status', 'code', 'instance']
    """
    whole = _in_order(resource, _FORMS[form])
    for name in ("instance", "imageRegion3D"):
        if isinstance(whole.get(name), list):
            whole[name] = [_part(part) for part in whole[name]]
    if isinstance(whole.get("imageRegion"), dict):
        whole["imageRegion"] = _part(whole["imageRegion"])
    return whole


def _part(element: dict[str, Any]) -> dict[str, Any]:
    part = _in_order(element, _PARTS)
    for name in ("imageRegion2D", "imageRegion3D"):
        if isinstance(part.get(name), list):
            part[name] = [_in_order(region, _PARTS) for region in part[name]]
    return part


def _in_order(element: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    places = {name: place for place, name in enumerate(names)}
    return dict(
        sorted(element.items(), key=lambda pair: places.get(pair[0].removeprefix("_"), len(places)))
    )
