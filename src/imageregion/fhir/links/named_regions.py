"""The regions of a selection that an Observation names, or why there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from imageregion.fhir.links.values import LinkedRegion
from imageregion.fhir.selection import Selection
from imageregion.fhir.targets import clean_uid, sop_class
from imageregion.region import Region
from imageregion.shapes import Points

__all__ = ["measurable_regions", "named_regions", "without_regions"]

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_OBJECTS = {
    "66": "segmentation",
    "67": "real world value map",
    "88": "structured report",
    "11": "presentation state",
    "481.3": "structure set",
}
"""SOP classes, by their place below `_STORAGE`, whose instances are no images that are measured."""


def measurable_regions(selection: Selection) -> tuple[tuple[Region, ...], str]:
    """Return the regions of a selection that are on images, and in words what else it selects.

    A selection of a whole segmentation, report or structure set, or of segments, items or ROIs in
    it, is read like one of a whole image; no pixel of it is an image's.

    Examples
    --------
    >>> from imageregion.fhir.document import read_selection
    >>> selection = read_selection({
    ...     "resourceType": "ImagingSelection", "id": "liver", "status": "available",
    ...     "code": {"text": "Segment"}, "instance": [{"uid": "1.2.3", "subset": ["1"],
    ...     "sopClass": {"code": "1.2.840.10008.5.1.4.1.1.66.4"}}]})
    >>> measurable_regions(selection)
    ((), 'liver (Segment) selects a segmentation, and no region of an image')
    """
    kinds = _kinds(selection)
    regions = tuple(
        region
        for region in selection.regions
        if region.shape is not None or region.target.instance not in kinds
    )
    left = {kinds[r.target.instance] for r in selection.regions if r.target.instance in kinds}
    if not left or len(regions) == len(selection.regions):
        return regions, ""
    code = f" ({selection.code})" if selection.code else ""
    what = " and a ".join(sorted(left))
    return regions, f"{selection.name}{code} selects a {what}, and no region of an image"


def _kinds(selection: Selection) -> dict[str, str]:
    """Return the instances that are no images, and what they are."""
    resource = selection.normalized.resource if selection.normalized else selection.resource
    instances = resource.get("instance")
    found = {}
    for instance in instances if isinstance(instances, list) else []:
        if isinstance(instance, dict) and isinstance(instance.get("uid"), str):
            rest = sop_class(instance).removeprefix(_STORAGE)
            for place, name in _OBJECTS.items():
                if rest == place or rest.startswith(f"{place}."):
                    found[clean_uid(instance["uid"])] = name
    return found


def named_regions(selection: Selection, paths: tuple[str, ...]) -> list[LinkedRegion] | str:
    """Return the region that FHIRPaths name, several where they make no one, or why there is none.

    Points are one region; all regions of the selection are the selection taken as one.

    Parameters
    ----------
    selection : Selection
    paths : tuple of str
        FHIRPaths within the selection, at least one.

    Examples
    --------
    >>> from imageregion.fhir.document import read_selection
    >>> selection = read_selection({
    ...     "resourceType": "ImagingSelection", "id": "cyst", "status": "available",
    ...     "code": {"text": "Cyst"}, "instance": [{"uid": "1.2.3"}]})
    >>> named_regions(selection, ("ImagingSelection.instance[1]",))
    'there is no ImagingSelection.instance[1] in cyst'
    """
    by_path = {region.path: region for region in selection.regions}
    paths = tuple(dict.fromkeys(selection.merged.get(path, path) for path in paths))
    regions = [by_path[path] for path in paths if path in by_path]
    missing = next((path for path in paths if path not in by_path), "")
    if missing == "ImagingSelection" and selection.regions:
        return [LinkedRegion(selection, None)]
    if missing:
        return _absent(selection, missing)
    coords = [region.shape.coords for region in regions if isinstance(region.shape, Points)]
    if len(coords) == len(regions) > 1:
        shape, path = Points(np.concatenate(coords)), " | ".join(paths)
        joined = replace(regions[0], shape=shape, path=path, type="multipoint")
        return [LinkedRegion(selection, joined)]
    if len(regions) == len(selection.regions) > 1:
        return [LinkedRegion(selection, None)]
    return [LinkedRegion(selection, region) for region in regions]


def _absent(selection: Selection, path: str) -> str:
    for issue in selection.errors:
        if issue.path == path or issue.path.startswith((f"{path}.", f"{path}[")):
            return f"{path} of {selection.name} cannot be read: {issue.message}"
    return f"there is no {path:.200} in {selection.name or 'the selection'}"


def without_regions(selection: Selection) -> str:
    """Say why a selection has no region."""
    for issue in selection.errors:
        return f"{selection.name} has no region that can be read: {issue.path}: {issue.message}"
    code = f" ({selection.code})" if selection.code else ""
    return f"{selection.name}{code} has no region"
