"""From regionType and coordinates to a shape: the rules of FHIR R5 for every region code.

Closure: a 2-D polyline or interpolated curve is an area only when its first point equals its last,
as float32 (what DICOM stores) or within 1e-6 px; a 3-D polygon must be closed, as float32 or within
1e-4 mm.

Axes: the ends of the axes of an ellipse or ellipsoid may be off by 0.01 (px or mm) or 0.1 % of the
longest semi-axis, whichever is more. That is how far their midpoints may lie apart, and how far an
end may lie from where a right angle would put it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.errors import GeometryError, Issue, Severity
from imageregion.fhir.coordinates import RegionError, read_coordinates
from imageregion.fhir.text.plain import brief
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape
from imageregion.spline import interpolate

__all__ = ["Geometry", "read_geometry"]

CLOSED_PIXELS = 1e-6
CLOSED_MM = 1e-4
AXIS_TOLERANCE = 0.01  # px or mm
AXIS_RATIO = 1e-3  # of the longest semi-axis
PLANE_TOLERANCE = 0.01  # mm
PLANE_RATIO = 1e-4  # of the largest extent
LINE_RATIO = 1e-6  # thinner than this part of its length, an outline is a line
SPLINE_TOLERANCE = 1e-4  # px
_FEW = 256  # points, which are looked at before all of many are


@dataclass(frozen=True, slots=True)
class Geometry:
    """What one region element draws.

    Parameters
    ----------
    shape : Shape
    type : str
        The region code in lower case.
    notes : tuple of str
        Choices that belong to every number made from the shape.
    issues : tuple of Issue
        Warnings and information; errors are raised.
    """

    shape: Shape
    type: str
    notes: tuple[str, ...]
    issues: tuple[Issue, ...]


@dataclass(slots=True)
class _Element:
    """A region element under way: where it stands and what was found so far."""

    path: str
    unit: str
    place: str  # of the coordinates
    notes: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def add(self, severity: Severity, code: str, message: str, path: str = "") -> None:
        self.issues.append(Issue(severity, code, path or self.path, message))

    def refuse(self, code: str, message: str) -> RegionError:
        return RegionError(code, self.place, message)


@dataclass(frozen=True, slots=True)
class _Rule:
    """How many points a code takes, what they are, and how they become a shape."""

    least: int
    exact: bool
    points: str
    build: Callable[[FloatArray, _Element], Shape]

    def expected(self, dimension: int) -> str:
        count = f"{self.least * dimension} numbers ({self.points})"
        return count if self.exact else f"at least {count}"


def read_geometry(
    element: dict[str, Any], path: str, dimension: Literal[2, 3], origin: str = ""
) -> Geometry:
    """Read one ``imageRegion2D`` or ``imageRegion3D`` element.

    Parameters
    ----------
    element : dict
        With ``regionType`` and ``coordinate``, as in R5 or R6; in 2-D also ``polygon``, an area by
        its name, as in early versions.
    path : str
        FHIRPath of the element.
    dimension : {2, 3}
    origin : str
        FHIRPath of the coordinates, where they are not called ``coordinate``.

    Returns
    -------
    Geometry
        In pixels (column, row), or mm (x, y, z).

    Raises
    ------
    RegionError
        When the element describes no shape; the message starts with the FHIRPath.

    Examples
    --------
    >>> square = {"regionType": "polyline", "coordinate": [1, 1, 5, 1, 5, 5, 1, 5, 1, 1]}
    >>> read_geometry(square, "ImagingSelection.instance[0].imageRegion2D[0]", 2).shape.rings[0][2]
    array([5., 5.])
    """
    place = origin or f"{path}.coordinate"
    state = _Element(path, "px" if dimension == 2 else "mm", place)
    code = _read_code(element.get("regionType"), state, dimension)
    rule = _RULES[dimension][code]
    expected = rule.expected(dimension)
    coords = read_coordinates(element.get("coordinate"), place, dimension, expected)
    if len(coords) < rule.least or (rule.exact and len(coords) > rule.least):
        raise state.refuse("coordinate-count", f"expected {expected}, got {coords.size}")
    try:
        shape = rule.build(coords, state)
    except GeometryError as error:
        raise state.refuse("geometry", str(error)) from None
    if dimension == 2:
        _look_at_pixels(shape, coords, state)
    return Geometry(shape, code, tuple(state.notes), tuple(state.issues))


def _read_code(value: object, state: _Element, dimension: Literal[2, 3]) -> str:
    path = f"{state.path}.regionType"
    allowed = ", ".join(_RULES[dimension])
    if not isinstance(value, str):
        raise RegionError("region-type", path, f"expected one of {allowed}, got {brief(value)}")
    code = value.strip().lower()
    if code not in _RULES[dimension]:
        hint = _ELSEWHERE.get((dimension, code), "")
        raise RegionError(
            "region-type", path, f"expected one of {allowed}, got {brief(value)}{hint}"
        )
    if code != value:
        state.add("information", "code-case", f"{brief(value)} read as {code!r}", path)
    return code


def _points(coords: FloatArray, _: _Element) -> Shape:
    return Points(coords)


def _line(coords: FloatArray, state: _Element) -> Shape:
    _check_extent(coords, state)
    return Polyline(coords)


def _check_extent(coords: FloatArray, state: _Element) -> None:
    if _distinct(coords) < 2:
        raise state.refuse("no-extent", "expected at least 2 distinct points, all are the same")


def _outline(coords: FloatArray, state: _Element) -> Shape:
    _check_extent(coords, state)
    ring = _ring(coords, CLOSED_PIXELS, state)
    return Polyline(coords) if ring is None else Polygon([ring])


def _area(coords: FloatArray, state: _Element) -> Shape:
    """Return the area of a 2-D polygon, which is one by its name, closed or not."""
    is_closed = _is_closed(coords, CLOSED_PIXELS)
    ring = coords[:-1] if is_closed else coords
    if _distinct(ring) < 3:
        raise state.refuse("no-area", "expected at least 3 distinct points")
    if _is_line(ring):
        raise state.refuse("no-area", "expected points that span an area, all lie on one line")
    if not is_closed:
        note = "closed, as a polygon is, by a straight line from the last vertex to the first"
        state.notes.append(note)
        state.add("information", "implicitly-closed", note)
    return Polygon([ring])


def _interpolated(coords: FloatArray, state: _Element) -> Shape:
    _check_extent(coords, state)
    ring = _ring(coords, CLOSED_PIXELS, state)
    ends = "natural" if ring is None else "periodic"
    state.notes.append(
        f"C2 cubic spline over chord length, {ends} ends, flattened to {SPLINE_TOLERANCE:.4f} px"
    )
    if ring is None:
        return Polyline(interpolate(coords, tolerance=SPLINE_TOLERANCE))
    closed = np.concatenate([ring, ring[:1]])
    return Polygon([interpolate(closed, tolerance=SPLINE_TOLERANCE)])


def _circle(coords: FloatArray, state: _Element) -> Shape:
    radius = float(np.linalg.norm(coords[1] - coords[0]))
    if not radius > 0:
        raise state.refuse("no-extent", "expected a point on the circle, got the centre again")
    return Ellipse.circle(coords[0], radius)


def _ellipse(coords: FloatArray, state: _Element) -> Shape:
    axes, tolerance = _axes(coords, state)
    major, minor = np.linalg.norm(axes, axis=0)
    if minor - major > tolerance:
        state.add(
            "warning",
            "axes-order",
            f"the first axis should be the major one, but is {2 * major:.6g} {state.unit} long "
            f"and the second {2 * minor:.6g}; used as given",
            state.place,
        )
    return Ellipse(coords.mean(axis=0), axes)


def _ellipsoid(coords: FloatArray, state: _Element) -> Shape:
    axes, _ = _axes(coords, state)
    return Ellipsoid(coords.mean(axis=0), axes)


def _axes(coords: FloatArray, state: _Element) -> tuple[FloatArray, float]:
    """Return semi-axes as columns and the tolerance, once they meet and are perpendicular."""
    axes = (coords[1::2] - coords[::2]).T / 2
    middles = (coords[1::2] + coords[::2]) / 2
    lengths = np.linalg.norm(axes, axis=0)
    tolerance = max(AXIS_TOLERANCE, AXIS_RATIO * float(lengths.max()))
    if not lengths.min() > 0:
        number = int(np.argmin(lengths)) + 1
        raise state.refuse("no-extent", f"expected axes with a length, axis {number} has none")
    apart = float(np.linalg.norm(middles[:, None] - middles[None], axis=2).max())
    if apart > tolerance:
        raise state.refuse(
            "axes-midpoint",
            f"expected axes with one midpoint, got midpoints {apart:.6g} {state.unit} apart "
            f"(tolerance {tolerance:.6g})",
        )
    lean = np.abs(axes.T @ axes) / np.maximum(lengths[:, None], lengths)
    np.fill_diagonal(lean, 0)
    if lean.max() > tolerance:
        raise state.refuse(
            "axes-angle",
            f"expected perpendicular axes, got an axis end {lean.max():.6g} {state.unit} off the "
            f"right angle (tolerance {tolerance:.6g})",
        )
    return axes, tolerance


def _ring(coords: FloatArray, tolerance: float, state: _Element) -> FloatArray | None:
    """Return the vertices of a closed 2-D outline once, or None for a line; say why."""
    if not _is_closed(coords, tolerance):
        gap = float(np.linalg.norm(coords[-1] - coords[0]))
        state.add(
            "warning",
            "unclosed",
            f"the first and last points lie {gap:.6g} px apart, so this is a line and has no area; "
            "pass close=True (--close) to close it",
        )
        return None
    ring = coords[:-1]
    if _distinct(ring) < 3:
        state.add("warning", "no-area", "closed, but of fewer than 3 distinct points: a line")
        return None
    if _is_line(ring):
        state.add("warning", "no-area", "closed, but all points lie on one line: it has no area")
    return ring


def _polygon(coords: FloatArray, state: _Element) -> Shape:
    if not _is_closed(coords, CLOSED_MM):
        gap = float(np.linalg.norm(coords[-1] - coords[0]))
        raise state.refuse(
            "unclosed", f"expected the last point to repeat the first, got {gap:.6g} mm between"
        )
    ring = coords[:-1]
    distinct = _distinct(ring)
    if distinct < 3:
        raise state.refuse("no-area", f"expected at least 3 distinct points, got {distinct}")
    size = float(np.ptp(ring, axis=0).max())
    residual, thinness = _flatness(ring)
    if thinness <= LINE_RATIO:
        raise state.refuse("no-area", "expected points that span an area, all lie on one line")
    tolerance = max(PLANE_TOLERANCE, PLANE_RATIO * size)
    if residual > tolerance:
        raise state.refuse(
            "not-planar",
            f"expected points in one plane, got one {residual:.6g} mm off the best plane "
            f"(tolerance {tolerance:.6g})",
        )
    return Polygon([ring])


def _is_closed(coords: FloatArray, tolerance: float) -> bool:
    first, last = coords[0], coords[-1]
    same = np.array_equal(first.astype(np.float32), last.astype(np.float32))
    return len(coords) > 2 and (same or float(np.linalg.norm(last - first)) <= tolerance)


def _distinct(ring: FloatArray) -> int:
    """Count distinct points up to 3: enough to tell an area from a line, without sorting."""
    if len(ring) > _FEW:
        count = _distinct(ring[:: -(-len(ring) // _FEW)])
        if count == 3:
            return count
    others = ring[(ring != ring[0]).any(axis=1)]
    if not len(others):
        return 1
    return 3 if (others != others[0]).any() else 2


def _is_line(ring: FloatArray) -> bool:
    """Whether 2-D points lie on one line.

    Some of them show that they do not: more points never make the width of all of them less, and
    their length is at most that of the box times the root of their number.
    """
    if len(ring) > _FEW:
        some = ring[:: -(-len(ring) // _FEW)]
        width = float(np.linalg.svd(some - some.mean(axis=0), compute_uv=False)[1])
        box = math.hypot(*(float(np.ptp(column)) for column in ring.T))
        if width > LINE_RATIO * box * math.sqrt(len(ring)):
            return False
    return _flatness(ring)[1] <= LINE_RATIO


def _flatness(ring: FloatArray) -> tuple[float, float]:
    """Return the largest distance from the best plane, and width over length within it."""
    centered = ring - ring.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centered, full_matrices=False)
    residual = float(np.abs(centered @ directions[2]).max()) if ring.shape[1] == 3 else 0.0
    return residual, float(sizes[1] / sizes[0])


def _look_at_pixels(shape: Shape, coords: FloatArray, state: _Element) -> None:
    """Note what is odd about a 2-D region even before the image is known."""
    if (coords < 0).any():
        column, row = coords[(coords < 0).any(axis=1)][0]
        state.add(
            "warning",
            "outside-image",
            f"({column:g}, {row:g}) lies outside: coordinates of an image start at 0",
            state.place,
        )
    if max(float(np.ptp(column)) for column in coords.T) >= 1:
        return  # and no shape is smaller than what it is drawn by
    low, high = shape.bounds
    width, height = high - low
    if isinstance(shape, Points) or max(width, height) >= 1:
        return
    normalised = bool(((coords >= 0) & (coords <= 1)).all())
    state.add(
        "information",
        "sub-pixel",
        f"smaller than one pixel: {width:.4g} px wide, {height:.4g} px high"
        + ("; the coordinates look normalised to 0..1, but count pixels" if normalised else ""),
    )


_ELLIPSE_POINTS = "both ends of the major axis, both ends of the minor axis"
_RULES: dict[int, dict[str, _Rule]] = {
    2: {
        "point": _Rule(1, True, "one point", _points),
        "polyline": _Rule(2, False, "2 points", _outline),
        "interpolated": _Rule(2, False, "2 points", _interpolated),
        "circle": _Rule(2, True, "centre, point on the circle", _circle),
        "ellipse": _Rule(4, True, _ELLIPSE_POINTS, _ellipse),
        "multipoint": _Rule(1, False, "1 point", _points),  # of R6 and early versions
        "polygon": _Rule(3, False, "3 points", _area),  # of early versions
    },
    3: {
        "point": _Rule(1, True, "one point", _points),
        "multipoint": _Rule(1, False, "1 point", _points),
        "polyline": _Rule(2, False, "2 points", _line),
        "polygon": _Rule(4, False, "3 points and the first again", _polygon),
        "ellipse": _Rule(4, True, _ELLIPSE_POINTS, _ellipse),
        "ellipsoid": _Rule(6, True, "both ends of each of three axes", _ellipsoid),
    },
}
_ELSEWHERE = {
    (2, "ellipsoid"): " (a code of imageRegion3D)",
    (3, "interpolated"): " (a code of imageRegion2D)",
    (3, "circle"): " (a code of imageRegion2D; in 3-D a circle is an ellipse with equal axes)",
    (2, "unknown"): ": the region is stated to be one that cannot be computed",
    (3, "unknown"): ": the region is stated to be one that cannot be computed",
}
"""Codes that exist in the other dimension or another version."""
