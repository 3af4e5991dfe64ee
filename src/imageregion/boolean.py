"""Boolean operations of areas: what two or more shapes of one image cover together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

import numpy as np
import shapely
from numpy.typing import NDArray

from imageregion._arrays import FloatArray, is_number
from imageregion.errors import GeometryError
from imageregion.shapes import Ellipse, Polygon, Shape
from imageregion.spans import SetOperation

__all__ = ["as_drawn", "combine", "oriented_rings", "resolve"]

_FARTHEST = 1e15  # pixels; beyond it a double no longer tells one pixel from the next
_MOST_VERTICES = 1 << 20  # of an ellipse
_MOST_EDGES = 300_000  # of rings that cross
_MOST_CROSSINGS = 1e5


def combine(
    shapes: Sequence[Shape], operation: SetOperation, *, tolerance: float = 1e-4
) -> Polygon | None:
    """Combine areas exactly, before any pixel is asked.

    Parameters
    ----------
    shapes : sequence of Polygon or Ellipse
        At least one, in pixels as (column, row). Each is taken by its own fill rule.
    operation : {"union", "intersection", "difference", "xor"}
        What belongs to the result: what lies in any shape, in every shape, in the first and no
        other, or in an odd number of them.
    tolerance : float
        Ellipses become polygons on their outline whose edges stay within this distance of it, in
        pixels.

    Returns
    -------
    Polygon or None
        Valid rings that do not cross, so that both fill rules fill the same: those around an area
        have a positive area by the shoelace formula, those around holes a negative one. None where
        nothing is left that has an area.

    Raises
    ------
    GeometryError
        On no shapes, anything but areas, 3-D shapes, coordinates beyond 1e15 pixels, an unknown
        operation, a tolerance that is not above 0 or asks for more than 2**20 vertices, or a shape
        that crosses itself too often to tell its parts (over 300,000 edges, or some 100,000
        crossings).

    Notes
    -----
    All edges are cut where they cross, and each face between them belongs or not by how often the
    rings of each shape wind around it. Vertices of the shapes are kept as they are, crossings are
    rounded to float64. Only where edges all but coincide, so that this rounding tangles them, all
    vertices are rounded too, to a power of two below 2e-12 of the largest coordinate.

    Examples
    --------
    >>> a = Polygon([[0, 0], [4, 0], [4, 4], [0, 4]])
    >>> b = Polygon([[1, 1], [3, 1], [3, 3], [1, 3]])
    >>> sorted(combine([a, b], "intersection").rings[0].tolist())
    [[1.0, 1.0], [1.0, 3.0], [3.0, 1.0], [3.0, 3.0]]
    >>> len(combine([a, b], "xor").rings), combine([b, a], "difference")
    (2, None)
    """
    if operation not in get_args(SetOperation):
        raise GeometryError(
            f"operation: expected one of {list(get_args(SetOperation))}, got {operation!r}"
        )
    try:
        given = tuple(shapes)
    except TypeError:
        raise GeometryError(
            f"combine: expected a sequence of shapes, got {type(shapes).__name__}"
        ) from None
    if not given:
        raise GeometryError("combine: expected at least one shape, got none")
    area = _combined([_polygon(shape, tolerance) for shape in given], operation)
    rings = [ring for part in area.geoms for ring in oriented_rings(part)]
    return Polygon(rings) if rings else None


def resolve(shape: Shape, *, tolerance: float = 1e-4) -> shapely.MultiPolygon:
    """Turn an area into valid geometry that covers the same points.

    Parameters
    ----------
    shape : Polygon or Ellipse
        2-D. Rings may cross or repeat themselves and each other; the fill rule of the polygon says
        what is inside.
    tolerance : float
        As for `combine`.

    Returns
    -------
    shapely.MultiPolygon
        Valid; empty where the rings enclose no area.

    Raises
    ------
    GeometryError
        As `combine` does.

    Examples
    --------
    >>> bow_tie = Polygon([[0, 0], [8, 8], [8, 0], [0, 8]])
    >>> resolve(bow_tie).area
    32.0
    """
    polygon = _polygon(shape, tolerance)
    drawn = as_drawn(polygon)
    return _combined([polygon], "union") if drawn is None else drawn


def oriented_rings(part: shapely.Polygon) -> list[FloatArray]:
    """Return the rings of a shapely polygon without the repeated vertex, the outer one first.

    Its area is positive by the shoelace formula, that of the others, the holes, negative. The first
    vertex stays the first.
    """
    rings = shapely.get_rings(part)
    turns = shapely.is_ccw(rings)
    turns[1:] = ~turns[1:]
    coords = [np.asarray(shapely.get_coordinates(ring)[:-1]) for ring in rings]
    return [
        xy if right else np.append(xy[:1], xy[:0:-1], axis=0)
        for xy, right in zip(coords, turns, strict=True)
    ]


def _polygon(shape: Shape, tolerance: float) -> Polygon:
    """Check a shape; an ellipse becomes the polygon on its outline."""
    if not isinstance(shape, Shape):
        raise GeometryError(f"expected a Polygon or an Ellipse, got {type(shape).__name__}")
    if not is_number(tolerance) or not tolerance > 0:
        raise GeometryError(f"tolerance: expected above 0 pixels, got {tolerance!r}")
    if shape.dimension != 2:
        raise GeometryError(
            f"{type(shape).__name__}: expected 2-D pixel coordinates, got {shape.dimension}-D; "
            "place it on an image plane first"
        )
    if not isinstance(shape, Polygon | Ellipse):
        raise GeometryError(
            f"{type(shape).__name__}: expected an area, a Polygon or an Ellipse; a point or a line "
            "has none"
        )
    if np.abs(shape.bounds).max() > _FARTHEST:
        raise GeometryError(f"{type(shape).__name__}: expected coordinates within 1e15 pixels")
    if isinstance(shape, Polygon):
        return shape
    longest = float(np.linalg.svd(shape.axes, compute_uv=False)[0])
    finest = longest * np.pi**2 / 2 / _MOST_VERTICES**2
    if not (np.isfinite(tolerance) and tolerance > finest):
        raise GeometryError(f"tolerance: expected above {finest:.3g} pixels, got {tolerance!r}")
    return Polygon(shape.outline(tolerance))


def as_drawn(polygon: Polygon) -> shapely.MultiPolygon | None:
    """Return the rings as they are, when they are apart or holes of the first; else None."""
    outer, *inner = polygon.rings
    apart = shapely.MultiPolygon([shapely.Polygon(ring) for ring in polygon.rings])
    if shapely.is_valid(apart):
        return apart
    with_holes = shapely.Polygon(outer, inner)
    if not inner or not shapely.is_valid(with_holes):
        return None
    if polygon.fill_rule == "nonzero":
        turns = shapely.is_ccw(shapely.get_rings(with_holes))
        holes = [ring for ring, turn in zip(inner, turns[1:], strict=True) if turn != turns[0]]
        with_holes = shapely.Polygon(outer, holes)
    return shapely.MultiPolygon([with_holes])


def _combined(polygons: Sequence[Polygon], operation: SetOperation) -> shapely.MultiPolygon:
    """Cut the plane along all rings, and keep the pieces that are wanted.

    Where edges all but coincide, the rounding of crossings can tangle them so that a piece is lost.
    That shows in the areas; then all is done again on a grid, where rounding is safe.
    """
    rings = [ring for polygon in polygons for ring in polygon.rings]
    edges, crossings = sum(map(len, rings)), _expected_crossings(rings)
    if edges > _MOST_EDGES or crossings > _MOST_CROSSINGS:
        raise GeometryError(
            f"Polygon: rings cross too often to tell their parts: {edges} edges and some "
            f"{crossings:.0f} crossings, expected at most {_MOST_EDGES} and {_MOST_CROSSINGS:.0f}"
        )
    reach = float(max(np.abs(ring).max() for ring in rings))
    for grid in (None, _grid(reach)):
        lines = shapely.union_all([shapely.LinearRing(ring) for ring in rings], grid_size=grid)
        faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
        inside = _wanted(faces, polygons, operation, reach)
        if inside is None:
            continue
        try:
            return shapely.MultiPolygon(_polygons(shapely.coverage_union_all(faces[inside])))
        except shapely.GEOSException:  # pieces overlap
            continue
    raise GeometryError("Polygon: edges that all but coincide could not be told apart")


def _wanted(
    faces: Any, polygons: Sequence[Polygon], operation: SetOperation, reach: float
) -> NDArray[np.bool_] | None:
    """Tell which pieces belong to the result; None when the pieces do not add up."""
    from imageregion._kernels.winding import winding_numbers

    points, areas = shapely.get_coordinates(shapely.point_on_surface(faces)), shapely.area(faces)
    wanted = np.zeros(len(faces), dtype=np.bool_)
    for number, polygon in enumerate(polygons):
        xy, offsets = np.concatenate(polygon.rings), np.cumsum([0, *map(len, polygon.rings)])
        turns = winding_numbers(points, xy, offsets)
        # Rounding moves an edge by some 1e-12 of the coordinates, and sums of areas by less.
        slack = 1e-12 * (4 * reach * _length(polygon.rings) + float(np.prod(np.ptp(xy, axis=0))))
        if abs(turns @ areas - sum(map(_shoelace, polygon.rings))) > slack:
            return None
        inside = turns % 2 == 1 if polygon.fill_rule == "evenodd" else turns != 0
        wanted = inside if number == 0 else _STEPS[operation](wanted, inside)
    return wanted


_STEPS: dict[SetOperation, Callable[[Any, Any], Any]] = {
    "union": np.logical_or,
    "intersection": np.logical_and,
    "difference": np.greater,
    "xor": np.logical_xor,
}


def _grid(reach: float) -> float:
    """Power of two, so that whole pixels and their simple fractions stay where they are."""
    return float(2.0 ** (np.frexp(reach)[1] - 40))


def _shoelace(ring: FloatArray) -> float:
    x, y = (ring - ring[0]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _length(rings: Sequence[FloatArray]) -> float:
    return sum(float(np.hypot(*(ring - np.roll(ring, 1, axis=0)).T).sum()) for ring in rings)


def _expected_crossings(rings: Sequence[FloatArray]) -> float:
    """Crossings of lines of this length thrown at random on the bounding box: L^2 / (pi A).

    Never more than the pairs of edges.
    """
    xy = np.concatenate(rings)
    box = float(np.prod(np.ptp(xy, axis=0)))
    pairs = len(xy) * (len(xy) - 1) / 2
    return min(_length(rings) ** 2 / (np.pi * box), pairs) if box > 0 else 0.0


def _polygons(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    """Return the parts that have an area."""
    if isinstance(geometry, shapely.Polygon):
        return [] if geometry.is_empty else [geometry]
    if isinstance(geometry, shapely.MultiPolygon | shapely.GeometryCollection):
        return [polygon for part in geometry.geoms for polygon in _polygons(part)]
    return []
