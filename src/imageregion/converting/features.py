"""GeoJSON features of a selection: regions in pixels, everything else as properties.

RFC 7946 means degrees on the Earth; viewers of images read the same form in pixels, (column, row)
from the outer corner of the first pixel. Regions in mm of a patient have no geometry here: their
coordinates are properties, so that nobody takes mm for pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageregion.convert.interchange import to_geojson
from imageregion.errors import GeometryError, Issue, Severity
from imageregion.fhir.normalized import Normalized, Place, original_place
from imageregion.fhir.reading.validation import fhirpath
from imageregion.fhir.selection import Selection
from imageregion.fhir.targets import clean_uid, sop_class
from imageregion.region import Region
from imageregion.shapes import Ellipse, Polygon

__all__ = ["to_features"]

_SAID = frozenset(
    {
        *("resourceType", "id", "status", "code", "studyUid", "seriesUid", "frameOfReferenceUid"),
        *("instance", "imageRegion3D"),
    }
)
_SELECTORS = (
    *("subset", "segmentNumber", "regionOfInterest", "waveFormChannel"),
    "referencedContentItemIdentifier",
)
_SAID_OF_INSTANCE = frozenset(
    {"uid", "number", "sopClass", "frameNumber", "imageRegion2D", "imageRegion3D", *_SELECTORS}
)
_SAID_OF_REGION = frozenset({"id", "regionType", "coordinate"})
_NO_PLACE = "GeoJSON has no place for it: left out"
_Note = tuple[Severity, str, str]
_WHOLE: _Note = (
    "information",
    "no-geometry",
    "is whole images, which have no geometry: its properties tell which",
)
_DEEP: _Note = (
    "warning",
    "no-geometry",
    "lies in mm of a frame of reference, which GeoJSON does not have: no geometry, its coordinates "
    "are a property",
)
_Elements = dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]]


def to_features(
    selection: Selection, tolerance: float = 1e-4
) -> tuple[list[dict[str, Any]], list[Issue]]:
    """Return one GeoJSON Feature for each region of a selection, and what does not survive.

    Parameters
    ----------
    selection : Selection
        That was read.
    tolerance : float
        How far the polygon that stands for an ellipse may lie from it, pixels.

    Examples
    --------
    >>> from imageregion.fhir.document import read_selection
    >>> features, losses = to_features(read_selection({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "point", "coordinate": [8, 9]}]}]}))
    >>> features[0]["geometry"], features[0]["properties"]["unit"]
    ({'type': 'Point', 'coordinates': [8.0, 9.0]}, 'px')
    """
    normalized = selection.normalized or Normalized({})
    elements = _elements(normalized)
    losses = [issue for issue in selection.issues if issue.severity == "error"]
    losses += _left_out(normalized)
    features = []
    for region in selection.regions:
        element, instance = elements.get((region.path, region.target.instance)) or elements.get(
            (region.path, ""), ({}, {})
        )
        geometry, more, is_exact = _geometry(region, tolerance)
        losses += more
        properties = _properties(selection, region, instance)
        if not is_exact and "coordinate" in element:
            properties["coordinate"] = element["coordinate"]
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    return features, losses


def _geometry(region: Region, tolerance: float) -> tuple[dict[str, Any] | None, list[Issue], bool]:
    """Return a geometry, what is to be said of it, and whether it says all that the region does."""
    shape = region.shape
    geometry = None
    note: _Note | None
    if shape is None or shape.dimension == 3:
        note = _WHOLE if shape is None else _DEEP
    else:
        try:
            geometry = to_geojson(shape, tolerance=tolerance)
            note = _note(region, geometry, tolerance)
        except GeometryError as error:
            note = ("error", "no-geometry", f"has no geometry: {error}")
    if note is None:
        return geometry, [], True
    severity, code, message = note
    return geometry, [Issue(severity, code, region.path, message)], shape is None


def _note(region: Region, geometry: Mapping[str, Any], tolerance: float) -> _Note | None:
    """Tell how a geometry differs from what was drawn."""
    shape = region.shape
    if isinstance(shape, Ellipse):
        message = f"becomes a polygon within {tolerance:g} px; its points are a property"
        return "information", "ellipse", message
    if region.type == "interpolated":
        message = "becomes a line along the spline through its points, which are a property"
        return "warning", "interpolated", message
    if isinstance(shape, Polygon) and _is_cut(geometry, shape):
        return "information", "cut", "is cut into what it covers; its points are a property"
    return None


def _is_cut(geometry: Mapping[str, Any], shape: Polygon) -> bool:
    rings = geometry["coordinates"]
    vertices = [len(ring) + 1 for ring in shape.rings]
    return geometry["type"] != "Polygon" or [len(ring) for ring in rings] != vertices


def _properties(
    selection: Selection, region: Region, instance: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what is known of a region; empty values are left out."""
    target = region.target
    dimension = region.shape.dimension if region.shape is not None else 0
    found = {
        "selection": selection.name,
        "status": selection.status,
        "code": selection.code,
        "path": region.path,
        "label": region.label,
        "type": region.type,
        "unit": {2: "px", 3: "mm"}.get(dimension, ""),
        "study": target.study,
        "series": target.series,
        "instance": target.instance,
        "number": instance.get("number"),
        "sopClass": sop_class(dict(instance)),
        "frames": list(target.frames),
        "frameOfReference": target.frame_of_reference,
        "notes": list(region.notes),
    }
    if not target.frames:
        found |= {name: instance.get(name) for name in _SELECTORS}
    return {name: value for name, value in found.items() if value not in ("", None, [])}


def _elements(normalized: Normalized) -> _Elements:
    """Return regions and the instances they stand in by path in the original and instance.

    A region of the whole resource may stand in several instances; the first also stands for "".
    """
    found: _Elements = {}
    for place, element, instance in _walk(normalized.resource):
        path, uid = fhirpath(original_place(place, normalized.places)), instance.get("uid")
        for key in (clean_uid(uid) if isinstance(uid, str) else "", ""):
            found.setdefault((path, key), (element, instance))
    return found


def _walk(resource: Mapping[str, Any]) -> Iterator[tuple[Place, dict[str, Any], dict[str, Any]]]:
    for j, region in enumerate(_objects(resource.get("imageRegion3D"))):
        yield ("imageRegion3D", j), region, {}
    for i, instance in enumerate(_objects(resource.get("instance"))):
        for name in ("imageRegion2D", "imageRegion3D"):
            for j, region in enumerate(_objects(instance.get(name))):
                yield ("instance", i, name, j), region, instance
        yield ("instance", i), {}, instance


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return a list of objects; an empty one stands for what is none."""
    items = value if isinstance(value, list) else []
    return [item if isinstance(item, dict) else {} for item in items]


def _left_out(normalized: Normalized) -> list[Issue]:
    """List the elements that become neither geometry nor property."""
    resource = normalized.resource
    places: list[Place] = [(name,) for name in resource if name not in _SAID]
    code = resource.get("code") if isinstance(resource.get("code"), dict) else None
    places += [("code", name) for name in code or () if name != "text"]
    for place, element, instance in _walk(resource):
        is_region = place[-2] != "instance"
        inner, said = (element, _SAID_OF_REGION) if is_region else (instance, _SAID_OF_INSTANCE)
        places += [(*place, name) for name in inner if name not in said]
        coding = None if is_region else inner.get("sopClass")
        for name, value in coding.items() if isinstance(coding, dict) else ():
            if name != "code" and (name, value) != ("system", "urn:ietf:rfc:3986"):
                places.append((*place, "sopClass", name))
    return [
        Issue("warning", "left-out", fhirpath(original_place(place, normalized.places)), _NO_PLACE)
        for place in places
    ]
