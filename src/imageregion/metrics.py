"""Measures of a shape itself, from its geometry and never from counting pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import shapely

from imageregion._arrays import FloatArray
from imageregion.boolean import as_drawn, combine, resolve
from imageregion.errors import GeometryError
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape

__all__ = ["ShapeMetrics", "combined_area", "shape_metrics"]

_FEW_CORNERS = 32  # of a hull, all of which are compared with all
_FARTHEST = 1e75  # products of three lengths stay far within float64


@dataclass(frozen=True, slots=True)
class ShapeMetrics:
    """What can be measured of one shape, in its own unit (pixels or mm).

    Parameters
    ----------
    area, perimeter : float, optional
        Of polygons, by their fill rule (the perimeter counts every ring as drawn), and ellipses.
    length : float, optional
        Of open lines.
    volume : float, optional
        Of ellipsoids.
    max_diameter : float, optional
        Largest distance between two points of a polygon (between its vertices) or an ellipse.
    equivalent_diameter : float, optional
        Diameter of the circle of the same area.
    circularity : float, optional
        4 pi area / perimeter^2: 1 for a circle, less for everything else.
    centroid : tuple of float
        Centre of the area, of the line by length, of the points, or of the volume.
    self_crossing : bool
        Whether the rings of a polygon cross or touch themselves or each other, so that the area
        depends on the fill rule.
    """

    area: float | None = None
    perimeter: float | None = None
    length: float | None = None
    volume: float | None = None
    max_diameter: float | None = None
    equivalent_diameter: float | None = None
    circularity: float | None = None
    centroid: tuple[float, ...] = ()
    self_crossing: bool = False


def shape_metrics(shape: Shape) -> ShapeMetrics:
    """Measure a shape.

    Parameters
    ----------
    shape : Shape
        2-D or 3-D. A 3-D polygon is measured in the plane that fits its vertices best.

    Returns
    -------
    ShapeMetrics
        Lengths in the unit of the coordinates, areas and volumes in its powers. Nothing of a shape
        that reaches beyond 1e75, whose volume may leave the range of float64.

    Raises
    ------
    GeometryError
        On anything but a shape.

    Examples
    --------
    >>> square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    >>> hole = [[3, 3], [7, 3], [7, 7], [3, 7]]
    >>> shape_metrics(Polygon([square, hole])).area
    84.0
    """
    if not isinstance(shape, Shape):
        raise GeometryError(f"shape_metrics: expected a shape, got {type(shape).__name__}")
    if _reach(shape) > _FARTHEST:
        return ShapeMetrics()
    match shape:
        case Points():
            return ShapeMetrics(centroid=_floats(shape.coords.mean(axis=0)))
        case Polyline():
            return _polyline(shape)
        case Polygon():
            return _polygon(shape)
        case Ellipse():
            return _ellipse(shape)
        case Ellipsoid():
            volume = 4 / 3 * np.pi * abs(float(np.linalg.det(shape.axes)))
            return ShapeMetrics(volume=volume, centroid=_floats(shape.center))


def combined_area(shapes: Sequence[Polygon | Ellipse]) -> float | None:
    """Area covered by an odd number of shapes of one plane, in their unit squared.

    Shapes that do not meet add up exactly. Where an ellipse meets another shape its outline is
    taken as vertices no further than 1e-4 of the unit from the curve. None when a shape crosses
    itself too often for its area to be known, or reaches beyond 1e75.

    Examples
    --------
    >>> combined_area([Ellipse.circle((0, 0), 2), Ellipse.circle((9, 0), 1)]) / np.pi
    5.0
    """
    if max(map(_reach, shapes)) > _FARTHEST:
        return None
    corners = np.concatenate([_corners(shape) for shape in shapes])
    middle, basis = corners.mean(axis=0), _basis(corners)
    middle = middle if len(middle) == 3 else np.round(middle)
    flat = [shape.transform(basis.T, -basis.T @ middle) for shape in shapes]
    boxes = shapely.box(*np.array([np.concatenate(shape.bounds) for shape in flat]).T)
    meet = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    if not (meet[0] != meet[1]).any():
        areas = [shape_metrics(shape).area for shape in shapes]
        return None if None in areas else float(sum(a for a in areas if a is not None))
    try:
        odd = combine(flat, "xor")
    except GeometryError:
        return None
    return 0.0 if odd is None else float(resolve(odd).area)


def _reach(shape: Shape) -> float:
    """Largest number that describes a shape."""
    match shape:
        case Points() | Polyline():
            parts: tuple[FloatArray, ...] = (shape.coords,)
        case Polygon():
            parts = shape.rings
        case Ellipse() | Ellipsoid():
            parts = (shape.center, shape.axes)
    return max(float(np.abs(part).max()) for part in parts)


def _corners(shape: Polygon | Ellipse) -> FloatArray:
    if isinstance(shape, Polygon):
        return np.concatenate(shape.rings)
    return np.concatenate([shape.center + shape.axes.T, shape.center - shape.axes.T])


def _floats(values: FloatArray) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def _ring_length(ring: FloatArray) -> float:
    return float(np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1).sum())


def _polyline(shape: Polyline) -> ShapeMetrics:
    steps = np.linalg.norm(np.diff(shape.coords, axis=0), axis=1)
    length = float(steps.sum())
    middles = (shape.coords[1:] + shape.coords[:-1]) / 2
    centroid = steps @ middles / length if length else shape.coords[0]
    return ShapeMetrics(length=length, centroid=_floats(centroid))


def _ellipse(shape: Ellipse) -> ShapeMetrics:
    a, b = np.linalg.svd(shape.axes, compute_uv=False)
    area, perimeter = float(np.pi * a * b), _ellipse_perimeter(float(a), float(b))
    return ShapeMetrics(
        area=area,
        perimeter=perimeter,
        max_diameter=2 * float(a),
        equivalent_diameter=_equivalent_diameter(area),
        circularity=_circularity(area, perimeter),
        centroid=_floats(shape.center),
    )


def _equivalent_diameter(area: float | None) -> float | None:
    return None if area is None else 2 * math.sqrt(area / math.pi)


def _circularity(area: float | None, perimeter: float) -> float | None:
    return 4 * math.pi * area / perimeter**2 if area and perimeter else None


def _ellipse_perimeter(a: float, b: float) -> float:
    """4 a E(1 - b^2/a^2) by the arithmetic-geometric mean (Gauss; DLMF 19.8.6)."""
    mean, geometric, weight, total = a, b, 0.5, (a * a + b * b) / 2
    while abs(mean - geometric) > 1e-15 * mean:
        difference = (mean - geometric) / 2
        mean, geometric = (mean + geometric) / 2, float(np.sqrt(mean * geometric))
        weight *= 2
        total -= weight * difference * difference
    return float(2 * np.pi * total / mean)


def _polygon(shape: Polygon) -> ShapeMetrics:
    corners = np.concatenate(shape.rings)
    mean = corners.mean(axis=0)
    middle = mean if shape.dimension == 3 else np.round(mean)  # whole pixels keep pixels exact
    basis = _basis(corners)
    flat = Polygon([(ring - middle) @ basis for ring in shape.rings], shape.fill_rule)
    area = as_drawn(flat)
    crossing = area is None
    if area is None:
        with suppress(GeometryError):  # crosses itself too often for its area to be known
            area = resolve(flat)
    centre = mean
    if area is not None and not area.is_empty:
        centre = middle + basis @ (area.centroid.x, area.centroid.y)
    covered = None if area is None else float(area.area)
    perimeter = sum(_ring_length(ring) for ring in shape.rings)
    return ShapeMetrics(
        area=covered,
        perimeter=perimeter,
        equivalent_diameter=_equivalent_diameter(covered),
        circularity=_circularity(covered, perimeter),
        max_diameter=_max_diameter(np.concatenate(flat.rings)),
        centroid=_floats(centre),
        self_crossing=crossing,
    )


def _max_diameter(points: FloatArray) -> float:
    """Largest distance between two points, by rotating calipers around their convex hull.

    The two points face each other across the hull: for every side, the corner where the outline
    has turned by half a circle is one of them (Shamos 1978). Its neighbours make up for rounding.
    """
    hull = shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(points)))
    if len(hull) > _FEW_CORNERS:
        hull = hull[:-1] if shapely.is_ccw(shapely.linearrings(hull)) else hull[:0:-1]
        step = np.roll(hull, -1, axis=0) - hull
        heading = np.maximum.accumulate(np.unwrap(np.arctan2(step[:, 1], step[:, 0])))
        turned = np.concatenate([heading, heading + 2 * np.pi])
        facing = np.searchsorted(turned, heading + np.pi)
        corner = np.arange(len(hull))
        pairs = [(corner + near, facing + far) for near in (0, 1) for far in (-1, 0, 1)]
        apart = [hull[i % len(hull)] - hull[j % len(hull)] for i, j in pairs]
    else:
        apart = [hull[:, None] - hull]
    return math.sqrt(max(float((gap**2).sum(axis=-1).max()) for gap in apart))


def _basis(points: FloatArray) -> FloatArray:
    """Orthonormal columns that span the plane of the points; shape (2, 2) or (3, 2)."""
    if points.shape[1] == 2:
        return np.eye(2)
    return np.asarray(np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][:2].T)
