"""Regions: from ``imageRegion`` of the early versions to ``imageRegion2D`` and ``imageRegion3D``.

- The proposal has one in an instance, whose coordinates are a ``2dCoordinateList`` or a
  ``3dCoordinateList``.
- The draft has one in an instance with ``coordinates`` and ``coordinateType`` 2D or 3D; snapshot 1
  has it in the resource. There a 2-D region lies on every instance that is listed.
- The ballot of R5 has several with ``coordinate``: 2-D in an instance, 3-D in the resource.
"""

from __future__ import annotations

from typing import Any, Literal

from imageregion.fhir.dialects.draft import Draft
from imageregion.fhir.normalized import Place
from imageregion.fhir.text.plain import brief

__all__ = ["put_regions"]

_LISTS: dict[str, Literal[2, 3] | None] = {
    "coordinate": None,
    "coordinates": None,
    "2dCoordinateList": 2,
    "2DCoordinateList": 2,
    "3dCoordinateList": 3,
    "3DCoordinateList": 3,
}
"""Elements that hold coordinates, and the dimension that the name says."""
_TYPES: dict[str, Literal[2, 3]] = {"2d": 2, "3d": 3}


def put_regions(draft: Draft) -> None:
    """Turn every region of a draft into `imageRegion2D` or `imageRegion3D`.

    Raises
    ------
    FhirError
        When the resource has regions in two forms. A single region or instance that says two
        things at once keeps its place and has an error issue.
    """
    for name in ("imageRegion2D", "imageRegion3D"):
        for i, instance in draft.instances():
            _tidy(draft, instance, ("instance", i, name))
    _tidy(draft, draft.resource, ("imageRegion3D",))
    for i, instance in draft.instances():
        _put_into_instance(draft, instance, ("instance", i))
    _put_into_resource(draft)


def _put_into_instance(draft: Draft, instance: dict[str, Any], place: Place) -> None:
    others = [name for name in ("imageRegion2D", "imageRegion3D") if instance.get(name) is not None]
    if others and instance.get("imageRegion") is not None:
        draft.refuse(place, f"expected imageRegion or {others[0]}, got both")
        return
    for origin, region in _taken(instance, place):
        read, dimension, source = _read(draft, region, origin, 2)
        name = f"imageRegion{dimension}D"
        instance[name] = [*instance.get(name, []), read]
        _move(draft, (*place, name, len(instance[name]) - 1), origin, source)


def _put_into_resource(draft: Draft) -> None:
    resource = draft.resource
    if resource.get("imageRegion") is None:
        return
    if resource.get("imageRegion3D") is not None:
        message = "expected imageRegion or imageRegion3D, got both"
        raise draft.contradiction(("imageRegion",), message)
    instances = list(draft.instances())
    for origin, region in _taken(resource, ()):
        read, dimension, source = _read(draft, region, origin, 3)
        if dimension == 2 and instances:
            for i, instance in instances:
                _share(draft, instance, i, read)
                count = len(instance["imageRegion2D"])
                _move(draft, ("instance", i, "imageRegion2D", count - 1), origin, source)
            continue
        if dimension == 2:
            draft.refuse(origin, "expected instance beside a region in 2-D, to say on which images")
        resource["imageRegion3D"] = [*resource.get("imageRegion3D", []), read]
        _move(draft, ("imageRegion3D", len(resource["imageRegion3D"]) - 1), origin, source)


def _share(draft: Draft, instance: dict[str, Any], index: int, region: Any) -> None:
    """Give an instance a 2-D region of the resource; one that has its own would have two."""
    regions = instance.get("imageRegion2D", [])
    own = ("instance", index, "imageRegion2D", 0) not in draft.places
    if (regions and own) or not isinstance(regions, list) or instance.get("imageRegion3D"):
        message = f"expected regions in the resource or in instance[{index}], got both"
        raise draft.contradiction(("imageRegion",), message)
    instance["imageRegion2D"] = [*regions, dict(region)]


def _taken(element: dict[str, Any], place: Place) -> list[tuple[Place, Any]]:
    """Take `imageRegion` out of an element; return its regions and where they stood."""
    value = element.pop("imageRegion", None)
    origin = (*place, "imageRegion")
    if isinstance(value, list):
        if not value:
            element["imageRegion3D" if not place else "imageRegion2D"] = []
        return [((*origin, j), region) for j, region in enumerate(value)]
    return [] if value is None else [(origin, value)]


def _read(
    draft: Draft, region: Any, origin: Place, dimension: Literal[2, 3]
) -> tuple[Any, Literal[2, 3], str]:
    """Return a region as of R5, its dimension, and the name its coordinates had."""
    if not isinstance(region, dict):
        return region, dimension, "coordinate"
    names = [name for name in _LISTS if region.get(name) is not None]
    said = {dimension_of for name in names if (dimension_of := _LISTS[name]) is not None}
    given = region.get("coordinateType")
    if given is not None:
        kind = _TYPES.get(given.strip().lower()) if isinstance(given, str) else None
        if kind is None:
            draft.refuse(origin, f"expected coordinateType 2D or 3D, got {brief(given)}")
        else:
            said.add(kind)
    if len(names) > 1:
        draft.refuse(origin, f"expected coordinates once, got {names[0]} and {names[1]}")
    elif len(said) > 1:
        draft.refuse(origin, f"coordinateType {brief(given)} contradicts {names[0]}")
    elif given is None and names == ["coordinates"]:
        draft.refuse(origin, "expected coordinateType beside coordinates, got none: 2-D or 3-D?")
    source = names[0] if len(names) == 1 else "coordinate"
    read = _lowered(draft, region, origin)
    if source != "coordinate" or given is not None:
        gone = (source, f"_{source}", "coordinateType")
        read = {key: value for key, value in read.items() if key not in gone}
        for mark in ("", "_"):
            if mark + source in region:
                read[f"{mark}coordinate"] = region[mark + source]
    return read, next(iter(said), dimension) if len(said) == 1 else dimension, source


def _lowered(draft: Draft, region: dict[str, Any], origin: Place) -> dict[str, Any]:
    """Return a region with its code in lower case; only early versions have upper case."""
    code = region.get("regionType")
    if not isinstance(code, str) or code == code.strip().lower():
        return region
    lower = code.strip().lower()
    if not draft.has_oids:
        message = f"{brief(code)} read as {brief(lower)}"
        draft.note("information", "code-case", (*origin, "regionType"), message)
    return {**region, "regionType": lower}


def _tidy(draft: Draft, element: dict[str, Any], place: Place) -> None:
    """Tidy the regions that have their place already."""
    name = str(place[-1])
    regions = element.get(name)
    if not isinstance(regions, list):
        return
    own: Literal[2, 3] = 2 if name == "imageRegion2D" else 3
    read = []
    for j, region in enumerate(regions):
        item, dimension, source = _read(draft, region, (*place, j), own)
        if dimension != own:
            draft.refuse((*place, j), f"expected coordinates in {own}-D, got them in {dimension}-D")
        read.append(item)
        if source != "coordinate":
            draft.move((*place, j, "coordinate"), (*place, j, source))
    element[name] = read


def _move(draft: Draft, place: Place, origin: Place, source: str) -> None:
    draft.move(place, origin)
    if source != "coordinate":
        draft.move((*place, "coordinate"), (*origin, source))
