"""Marks: what tells one published form of an ImagingSelection from another.

A mark is something seen in a resource: an element, or the form of one. Each belongs to some
dialects. Marks of elements are binding: a resource that has one is not of any other dialect, unless
it mixes several. The others only help to choose, since people write them in any version.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imageregion.fhir.normalized import Dialect

__all__ = ["Mark", "find_marks"]

_EARLY: tuple[Dialect, ...] = ("imaging-reference", "r5-draft", "r5-snapshot1")
_LATE: tuple[Dialect, ...] = ("r6-ballot2", "r6")


@dataclass(frozen=True, slots=True)
class Mark:
    """Something seen in a resource that only some dialects have.

    Parameters
    ----------
    path : str
        FHIRPath of the first place where it was seen.
    dialects : tuple of Dialect
        Those that have it.
    is_binding : bool
    what : str
        In words, where the path does not say it.
    is_value : bool
        A value of an element that all have, which yields to elements that only others have.
    """

    path: str
    dialects: tuple[Dialect, ...]
    is_binding: bool = True
    what: str = ""
    is_value: bool = False

    def __str__(self) -> str:
        return f"{self.path} {self.what}".rstrip()


_OF_RESOURCE: dict[str, tuple[Dialect, ...]] = {
    "instances": ("r5-draft",),
    "frameOfReference": ("r5-draft",),
    "imageRegion3D": _LATE,
    "modality": ("r6",),
}
_OF_INSTANCE: dict[str, tuple[Dialect, ...]] = {
    "frameList": ("r5-draft", "r5-snapshot1"),
    "segmentList": ("r5-draft", "r5-snapshot1"),
    "roiList": ("r5-draft", "r5-snapshot1"),
    "observationUid": _EARLY,
    "subset": ("r5-ballot", "r5", "r6-ballot2"),
    "imageRegion2D": ("r5", *_LATE),
    "imageRegion3D": ("r5",),
    "frameNumber": ("imaging-reference", "r6"),
    "referencedContentItemIdentifier": ("r6",),
    "segmentNumber": ("r6",),
    "regionOfInterest": ("r6",),
    "waveFormChannel": ("r6",),
}
_CODES: dict[tuple[str, str], tuple[Dialect, ...]] = {
    ("imageRegion2D", "interpolated"): ("r5", "r6-ballot2"),
    ("imageRegion2D", "multipoint"): _LATE,
    ("imageRegion2D", "unknown"): ("r6",),
    ("imageRegion3D", "unknown"): ("r6",),
}


def find_marks(resource: dict[str, Any]) -> list[Mark]:
    """Return the marks of a resource, each once, at its first place.

    Parameters
    ----------
    resource : dict
        Plain JSON; wrong types are passed over.

    Examples
    --------
    >>> [str(mark) for mark in find_marks({"instances": [{"uid": "1.2", "frameList": "1,2"}]})]
    ['ImagingSelection.instances', 'ImagingSelection.instances[0].frameList']
    """
    found: dict[object, Mark] = {}
    for key, mark in _resource_marks(resource):
        found.setdefault(key, mark)
    for name in ("instance", "instances"):
        instances = resource.get(name)
        for i, instance in enumerate(instances if isinstance(instances, list) else []):
            if isinstance(instance, dict):
                for key, mark in _instance_marks(instance, f"ImagingSelection.{name}[{i}]"):
                    found.setdefault(key, mark)
    return list(found.values())


_Found = Iterator[tuple[object, Mark]]


def _resource_marks(resource: dict[str, Any]) -> _Found:
    if resource.get("resourceType") == "ImagingReference":
        yield "type", Mark("ImagingReference", ("imaging-reference",))
    for name, dialects in _OF_RESOURCE.items():
        if resource.get(name) is not None:
            yield name, Mark(f"ImagingSelection.{name}", dialects)
    for region, path in _regions(resource, "imageRegion", "ImagingSelection"):
        is_early = "coordinates" in region or "coordinateType" in region
        yield "region", Mark(path, ("r5-snapshot1",) if is_early else ("r5-ballot",))
    yield from _code_marks(resource, "imageRegion3D", "ImagingSelection")
    yield from _form_marks(resource)


def _form_marks(resource: dict[str, Any]) -> _Found:
    status = resource.get("status")
    if status == "inactive":
        yield "inactive", Mark("ImagingSelection.status", _LATE, what="inactive", is_value=True)
    elif status is None and "_status" not in resource and _has_oid(resource):
        what = "with urn:oid: and no status"
        yield "oid", Mark("ImagingSelection.studyUid", _EARLY, is_binding=False, what=what)
    if isinstance(resource.get("derivedFrom"), dict):
        yield "derived", Mark("ImagingSelection.derivedFrom", _LATE, False, "not a list")
    site = resource.get("bodySite")
    if isinstance(site, list):
        yield "site", Mark("ImagingSelection.bodySite", _LATE, False, "a list")
    elif isinstance(site, dict) and ("code" in site or "system" in site):
        yield "site", Mark("ImagingSelection.bodySite", ("r5-draft", "r5-snapshot1"), False)


def _has_oid(resource: dict[str, Any]) -> bool:
    uids = [resource.get(name) for name in ("studyUid", "seriesUid")]
    return any(isinstance(uid, str) and uid.startswith("urn:oid:") for uid in uids)


def _instance_marks(instance: dict[str, Any], path: str) -> _Found:
    for name, dialects in _OF_INSTANCE.items():
        if instance.get(name) is not None:
            yield f"instance.{name}", Mark(f"{path}.{name}", dialects)
    for region, place in _regions(instance, "imageRegion", path):
        if any(name[1:] == "dCoordinateList" for name in region):
            yield "lists", Mark(place, ("imaging-reference",), what="with a coordinate list")
        elif "coordinates" in region or "coordinateType" in region:
            yield "coordinates", Mark(place, ("r5-draft",), what="with coordinates")
        elif "coordinate" in region:
            yield "coordinate", Mark(place, ("r5-ballot",), what="with coordinate")
    for name in ("imageRegion2D", "imageRegion3D"):
        yield from _code_marks(instance, name, path)
    given = instance.get("sopClass")
    if isinstance(given, str):
        yield "class", Mark(f"{path}.sopClass", ("imaging-reference", *_LATE), False, "a uri")


def _code_marks(element: dict[str, Any], name: str, path: str) -> _Found:
    for region, place in _regions(element, name, path):
        code = region.get("regionType")
        dialects = _CODES.get((name, code.strip().lower())) if isinstance(code, str) else None
        if dialects:
            yield (name, dialects), Mark(f"{place}.regionType", dialects, what=str(code)[:20])


def _regions(element: dict[str, Any], name: str, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the regions under a name, one or a list of them, with their paths."""
    value = element.get(name)
    if isinstance(value, dict):
        yield value, f"{path}.{name}"
    elif isinstance(value, list):
        for i, item in enumerate(value):
            if isinstance(item, dict):
                yield item, f"{path}.{name}[{i}]"
