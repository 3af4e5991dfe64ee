"""Regions whose type a published form does not have: drawn in another way, or only carried.

========================  ==========================================================================
2-D ``polygon``           closed ``polyline``
2-D ``multipoint``        several ``point`` regions
``interpolated``          ``polyline`` along the curve that this library draws
``circle``                ``ellipse`` with equal axes
anything else             no region type, and the reason; the coordinates stay
========================  ==========================================================================

The original type, and its coordinates where they changed, go along in an extension, which counts
on the way back only while the region still is what it was made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from imageregion.fhir.coordinates import RegionError
from imageregion.fhir.reading.geometry import read_geometry
from imageregion.fhir.writing.carried import (
    DRAWN,
    MULTIPOINT,
    absent,
    add_extension,
    extensions,
    inner,
    url_of,
    value_of,
    without_extensions,
)
from imageregion.fhir.writing.ledger import ORIGINS, Ledger, origins
from imageregion.shapes import Polygon, Polyline

__all__ = ["CODES", "redraw", "undraw", "undraw_points"]

_3D = frozenset({"point", "multipoint", "polyline", "polygon", "ellipse", "ellipsoid"})
CODES: dict[str, dict[int, frozenset[str]]] = {
    "r5": {2: frozenset({"point", "polyline", "interpolated", "circle", "ellipse"}), 3: _3D},
    "r6": {
        2: frozenset({"point", "multipoint", "polyline", "circle", "ellipse", "unknown"}),
        3: _3D | {"unknown"},
    },
    "r5-snapshot1": {2: _3D - {"ellipsoid"}, 3: _3D},
}
"""The region types of each form."""

_Numbers = list[Any]
_NEAR = 1e-6  # px; what a decimal may lose on its way through another system


def redraw(
    region: dict[str, Any], dimension: Literal[2, 3], form: str, key: str, ledger: Ledger
) -> list[dict[str, Any]]:
    """Return a region as a form can say it: itself, another drawing of it, or its points.

    `key` is the name that points of one region share.
    """
    code = region.get("regionType")
    if not isinstance(code, str) or code in CODES[form][dimension]:
        return [region]
    path = origins(region)[0]
    if dimension == 2 and code in _DRAWINGS and not region.get("_coordinate"):
        drawn = _drawn(code, region.get("coordinate"))
        if drawn is not None:
            return [_redrawn(region, *drawn, path, ledger)]
    if dimension == 2 and code == "multipoint" and not region.get("_coordinate"):
        points = _pairs(region.get("coordinate"))
        if points:
            return _points(region, points, key, path, ledger)
    ledger.lost(
        f"{path}.regionType",
        "region-type",
        f"{code!r} is no region type of {ledger.form} in {dimension}-D: kept in an extension only",
    )
    left = {k: v for k, v in region.items() if k not in ("regionType", "_regionType")}
    noted = {"extension": [absent("unsupported"), {"url": url_of("regionType"), "valueCode": code}]}
    return [{"_regionType": noted, **left}]


def undraw(region: dict[str, Any]) -> None:
    """Give a region back the type and coordinates it was drawn with."""
    noted = region.get("_regionType")
    for extension in extensions(noted, url_of("regionType")) if "regionType" not in region else []:
        code = value_of(extension, "regionType")
        if isinstance(code, str):
            del region["_regionType"]
            region["regionType"] = code
            return
    for extension in extensions(region, DRAWN):
        code = inner(extension, "regionType", "regionType")
        before = _before(code, extension, region.get("coordinate"))
        after = None if before is None else _drawn(code, before)
        now = region.get("regionType"), region.get("coordinate")
        if after is not None and after[0] == now[0] and _same(after[1], now[1]):
            without_extensions(region, [DRAWN])
            region |= {"regionType": code, "coordinate": before}
            return


def undraw_points(regions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Join the points that were one region."""
    joined: list[dict[str, Any]] = []
    last = None
    for region in regions:
        marks = extensions(region, MULTIPOINT)
        key = value_of(marks[0]) if marks else None
        points = region.get("coordinate")
        if key is None or region.get("regionType") != "point" or not isinstance(points, list):
            last = None
            joined.append(region)
        elif key == last:
            joined[-1]["coordinate"] = [*joined[-1]["coordinate"], *points]
            joined[-1][ORIGINS] = [*origins(joined[-1]), *origins(region)]
        else:
            last = key
            without_extensions(region, [MULTIPOINT])
            joined.append({**region, "regionType": "multipoint"})
    return joined


def _points(
    region: dict[str, Any], points: list[_Numbers], key: str, path: str, ledger: Ledger
) -> list[dict[str, Any]]:
    ledger.lost(
        path,
        "multipoint",
        f"becomes {len(points)} regions of type point; that they are one is kept in an extension "
        "only",
    )
    mark = {"url": MULTIPOINT, "valueString": key}
    first = {**region, "regionType": "point", "coordinate": points[0]}
    add_extension(first, mark)
    others = [
        {"extension": [mark], "regionType": "point", "coordinate": point, ORIGINS: origins(region)}
        for point in points[1:]
    ]
    return [first, *others]


def _redrawn(
    region: dict[str, Any], code: str, coordinates: _Numbers, path: str, ledger: Ledger
) -> dict[str, Any]:
    before = region["regionType"]
    _, note = _DRAWINGS[before]
    report = ledger.respelled if before in ("polygon", "circle") else ledger.lost
    report(path, before, note)
    inside: list[dict[str, Any]] = [{"url": "regionType", "valueCode": before}]
    if before == "polygon":
        inside.append({"url": "closed", "valueBoolean": coordinates == region["coordinate"]})
    else:
        values = region["coordinate"]
        inside += [{"url": "coordinate", "valueDecimal": value} for value in values]
    redrawn = {**region, "regionType": code, "coordinate": coordinates}
    add_extension(redrawn, {"url": DRAWN, "extension": inside})
    return redrawn


def _before(code: Any, extension: dict[str, Any], now: Any) -> _Numbers | None:
    """Return the coordinates that a region was drawn with."""
    if code == "polygon":
        if not isinstance(now, list):
            return None
        return now if inner(extension, "closed") is not False else now[:-2]
    found = extensions(extension, "coordinate")
    return [item.get("valueDecimal") for item in found]


def _drawn(code: Any, coordinates: Any) -> tuple[str, _Numbers] | None:
    """Draw a region in another way; None where its coordinates make no shape."""
    points = _pairs(coordinates)
    if not points or code not in _DRAWINGS:
        return None
    return _DRAWINGS[code][0](coordinates)


def _polygon(coordinates: _Numbers) -> tuple[str, _Numbers] | None:
    if len(coordinates) < 6:
        return None
    is_closed = coordinates[:2] == coordinates[-2:] and len(coordinates) > 6
    return "polyline", coordinates if is_closed else [*coordinates, *coordinates[:2]]


def _interpolated(coordinates: _Numbers) -> tuple[str, _Numbers] | None:
    element = {"regionType": "interpolated", "coordinate": coordinates}
    try:
        shape = read_geometry(element, "ImagingSelection", 2).shape
    except RegionError:
        return None
    if isinstance(shape, Polygon):
        ring = shape.rings[0]
        return "polyline", [float(v) for v in np.concatenate([ring, ring[:1]]).ravel()]
    if isinstance(shape, Polyline):
        return "polyline", [float(v) for v in shape.coords.ravel()]
    return None


def _circle(coordinates: _Numbers) -> tuple[str, _Numbers] | None:
    if len(coordinates) != 4:
        return None
    x, y, across, down = coordinates
    radius = float(np.hypot(across - x, down - y))
    if not 0 < radius < np.inf:
        return None
    return "ellipse", [x - radius, y, x + radius, y, x, y - radius, x, y + radius]


_Drawing = Callable[[_Numbers], tuple[str, _Numbers] | None]
_DRAWINGS: dict[str, tuple[_Drawing, str]] = {
    "polygon": (_polygon, "becomes a polyline that ends where it starts"),
    "interpolated": (
        _interpolated,
        "becomes a polyline along the cubic spline through its points, within 0.0001 px; the "
        "points are kept in an extension only",
    ),
    "circle": (_circle, "becomes an ellipse with equal axes"),
}


def _pairs(coordinates: Any) -> list[_Numbers]:
    """Return numbers two by two; nothing where they are no finite numbers in pairs."""
    if not isinstance(coordinates, list) or len(coordinates) % 2:
        return []
    if not {int, float}.issuperset(map(type, coordinates)):
        return []
    return [coordinates[i : i + 2] for i in range(0, len(coordinates), 2)]


def _same(one: _Numbers, other: Any) -> bool:
    if not isinstance(other, list) or len(one) != len(other) or not _pairs(other):
        return False
    return bool(np.allclose(one, other, rtol=0, atol=_NEAR))
