"""From the patient onto image planes: which planes a 3-D shape meets, and as what 2-D shape."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import numpy as np

from imageregion._arrays import FloatArray, IntArray
from imageregion.clipping import clipped
from imageregion.errors import GeometryError, PlacementError
from imageregion.plane import Plane
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape
from imageregion.stack import Stack

__all__ = ["Placement", "cut", "place", "place_on", "settled"]

_Flat = TypeVar("_Flat", bound=Points | Polyline | Polygon | Ellipse)

_DECIMALS = 9  # of pixels; float64 holds patient positions in pixels of slides to 1e-10
_TILT = np.sin(np.radians(1.0))  # a flat shape tilted further does not lie in a plane
_LEAN = 2e-3  # planes of a stack are parallel to the first within half of it


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """The part of a 3-D shape that lies on one plane.

    Parameters
    ----------
    index : int
        Of the plane in the sequence given to `place`.
    shape : Shape
        2-D, in pixels of that plane.
    distance : float
        Largest distance of the part from the plane, mm; 0 for cuts.
    lengths : ndarray, shape (N - 1,), optional
        Of a line: the length of every segment in the patient, mm, which is more than that of its
        image in the plane when it is tilted.
    """

    index: int
    shape: Shape
    distance: float
    lengths: FloatArray | None = None


def cut(ellipsoid: Ellipsoid, plane: Plane) -> Ellipse | None:
    """Cut an ellipsoid with an image plane; the result is exact.

    Parameters
    ----------
    ellipsoid : Ellipsoid
        In patient mm.
    plane : Plane

    Returns
    -------
    Ellipse or None
        In pixels of the plane; None when the plane misses or only touches the ellipsoid.

    Raises
    ------
    GeometryError
        For any other shape; `place` finds the planes that one lies on.

    Notes
    -----
    The map ``p = center + axes @ u`` turns the ellipsoid into the unit ball and the plane into
    ``m . u = d`` with ``m = axes.T @ normal``. The cut of the ball is a disc around ``m d / |m|^2``
    of radius ``sqrt(1 - d^2 / |m|^2)``, and the map takes that disc back to an ellipse.

    Examples
    --------
    >>> plane = Plane((9, 9), [0, 0, 3], [[1, 0], [0, 1], [0, 0]])
    >>> ball = Ellipsoid([4, 4, 0], np.eye(3) * 5)
    >>> ellipse = cut(ball, plane)
    >>> ellipse.center.tolist(), bool(np.allclose(ellipse.axes @ ellipse.axes.T, np.eye(2) * 16))
    ([4.5, 4.5], True)
    """
    if not isinstance(ellipsoid, Ellipsoid):
        raise GeometryError(f"cut: expected an Ellipsoid in mm, got {type(ellipsoid).__name__}")
    normal = plane.normal
    m = ellipsoid.axes.T @ normal
    d = float((plane.origin - ellipsoid.center) @ normal)
    room = 1.0 - d * d / float(m @ m)
    if room <= 1e-24:
        return None
    across = np.linalg.svd(m[None, :])[2][1:].T
    center = ellipsoid.center + ellipsoid.axes @ (m * d / float(m @ m))
    return plane.to_pixel(Ellipse(center, ellipsoid.axes @ across * np.sqrt(room)))


def settled(shape: _Flat) -> _Flat:
    """Round pixel coordinates that were worked out from mm to 1e-9 pixels; ellipses their centre.

    What was drawn along the edges of pixels would else reach into the next ones by rounding alone.

    Examples
    --------
    >>> settled(Points([[4.999999999999, 2.0]])).coords.tolist()
    [[5.0, 2.0]]
    """
    found: Points | Polyline | Polygon | Ellipse
    match shape:
        case Ellipse():
            found = Ellipse(np.round(shape.center, _DECIMALS), shape.axes)
        case Polygon():
            rings = [np.round(ring, _DECIMALS) for ring in shape.rings]
            found = Polygon(rings, shape.fill_rule)
        case Polyline():
            found = Polyline(np.round(shape.coords, _DECIMALS))
        case _:
            found = Points(np.round(shape.coords, _DECIMALS))
    return cast("_Flat", found)


def place(
    shape: Shape, planes: Sequence[Plane], thickness: float | None = None, prefer: int | None = None
) -> tuple[Placement, ...]:
    """Find the planes of a stack that a 3-D shape meets.

    Ellipsoids are cut by every plane they reach. Flat shapes (polygons, ellipses) belong to the
    nearest plane, when they are parallel to it within 1 degree and lie within its slab. Points
    belong to the plane whose slab holds them, lines are divided among the slabs they pass.

    Parameters
    ----------
    shape : Shape
        In patient mm.
    planes : sequence of Plane
        Parallel, sorted along the normal of the first.
    thickness : float, optional
        See `slabs`.
    prefer : int, optional
        Index of the plane to take where several lie at one position.

    Returns
    -------
    tuple of Placement
        In order of the planes; empty when an ellipsoid, points or a line miss all of them.

    Raises
    ------
    PlacementError
        When a flat shape lies in none of the planes, or several planes share a position.
    GeometryError
        For 2-D shapes.
    """
    return place_on(shape, Stack(planes, thickness), () if prefer is None else (prefer,))


def place_on(shape: Shape, stack: Stack, prefer: Collection[int] = ()) -> tuple[Placement, ...]:
    """Find the planes of a stack that a 3-D shape meets; see `place`.

    Parameters
    ----------
    shape : Shape
        In patient mm.
    stack : Stack
    prefer : collection of int
        Indices of planes to take where several lie at one position, if one of them lies there.

    Raises
    ------
    PlacementError, GeometryError
        As `place`.
    """
    if shape.dimension != 3:
        raise GeometryError(f"{type(shape).__name__}: expected 3-D patient coordinates, got 2-D")
    chosen, crowded = _one_per_position(stack, prefer)
    layers = _Layers(stack, chosen)
    match shape:
        case Ellipsoid():
            found = _cuts(shape, layers)
        case Points():
            found = _points(shape, layers)
        case Polyline():
            found = _lines(shape, layers)
        case Polygon() | Ellipse():
            found = [_flat(shape, layers)]
    if crowded and any(part.index in crowded for part in found):
        raise PlacementError(
            "several images of the series lie at one position (time points, echoes or b-values?); "
            "expected one, or a region whose instance.uid names one of them"
        )
    return tuple(replace(part, index=int(chosen[part.index])) for part in found)


class _Layers:
    """One plane of each position of a stack."""

    def __init__(self, stack: Stack, chosen: IntArray) -> None:
        self.normal = stack.normal
        self.chosen: list[int] = chosen.tolist()
        self.planes = stack.planes
        self.positions = stack.positions[chosen]
        self.owned = stack.owned[chosen]
        self.rounding = stack.rounding

    def __len__(self) -> int:
        return len(self.chosen)

    def plane(self, index: int) -> Plane:
        return self.planes[self.chosen[index]]

    def nearest(self, heights: FloatArray) -> IntArray:
        """Index of the nearest layer; half way between two, rounding included, the lower one."""
        middle = (self.positions[1:] + self.positions[:-1] + self.rounding) / 2
        return np.asarray(np.searchsorted(middle, heights, side="left"))

    def between(self, low: float, high: float) -> Iterator[int]:
        """Layers whose space, rounding included, may reach into a range of positions."""
        start = int(self.nearest(np.array([low - self.rounding]))[0])
        stop = int(self.nearest(np.array([high + self.rounding]))[0])
        yield from range(max(start - 1, 0), min(stop + 2, len(self)))


def _one_per_position(stack: Stack, prefer: Collection[int]) -> tuple[IntArray, frozenset[int]]:
    """Take one plane of those at each position; say at which of them the choice was arbitrary."""
    chosen, crowded = stack.first.copy(), set()
    members = np.diff(stack.first, append=len(stack.planes))
    for position in np.flatnonzero(members > 1).tolist():
        here = range(int(chosen[position]), int(chosen[position] + members[position]))
        wanted = [index for index in prefer if index in here]
        if len(wanted) == 1:
            chosen[position] = wanted[0]
        else:
            crowded.add(position)
    return chosen, frozenset(crowded)


def _cuts(shape: Ellipsoid, layers: _Layers) -> list[Placement]:
    middle = float(shape.center @ layers.normal)
    far = max(float(np.linalg.norm(shape.center - layers.plane(i).origin)) for i in (0, -1))
    reach = float(np.linalg.norm(shape.axes, 2)) + _LEAN * far
    pairs = (
        (i, cut(shape, layers.plane(i))) for i in layers.between(middle - reach, middle + reach)
    )
    return [Placement(i, ellipse, 0.0) for i, ellipse in pairs if ellipse is not None]


def _flat(shape: Polygon | Ellipse, layers: _Layers) -> Placement:
    low, high = _extent(shape, layers.normal)
    middle = (low + high) / 2
    nearest = int(layers.nearest(np.array([middle]))[0])
    size = float(np.ptp(np.array(shape.bounds), axis=0).max())
    if high - low > max(layers.rounding, _TILT * size):
        angle = np.degrees(np.arcsin(min(1.0, (high - low) / size)))
        raise PlacementError(
            f"the flat shape is not parallel to the image planes (tilted by about {angle:.1f} "
            "degrees, at most 1 is taken as parallel)"
        )
    position = layers.positions[nearest]
    distance = max(abs(low - position), abs(high - position))
    limit = float(layers.owned[nearest, 0 if middle < position else 1])
    if distance > limit + layers.rounding:
        raise PlacementError(
            f"the flat shape lies {distance:.3f} mm from the nearest image plane; expected at most "
            f"half a slice spacing, {limit:.3f} mm"
        )
    return Placement(nearest, settled(layers.plane(nearest).to_pixel(shape)), float(distance))


def _extent(shape: Polygon | Ellipse, normal: FloatArray) -> tuple[float, float]:
    """Lowest and highest position of a flat shape along the normal."""
    if isinstance(shape, Polygon):
        heights = np.concatenate(shape.rings) @ normal
        return float(heights.min()), float(heights.max())
    middle, reach = float(shape.center @ normal), float(np.linalg.norm(shape.axes.T @ normal))
    return middle - reach, middle + reach


def _points(shape: Points, layers: _Layers) -> list[Placement]:
    heights = shape.coords @ layers.normal
    nearest = layers.nearest(heights)
    away = heights - layers.positions[nearest]
    owned = layers.owned[nearest] + layers.rounding
    inside = (away >= -owned[:, 0]) & (away <= owned[:, 1])
    found = []
    for i in np.unique(nearest[inside]).tolist():
        mine = inside & (nearest == i)
        part = settled(layers.plane(i).to_pixel(Points(shape.coords[mine])))
        found.append(Placement(i, part, float(np.abs(away[mine]).max())))
    return found


def _lines(shape: Polyline, layers: _Layers) -> list[Placement]:
    heights = shape.coords @ layers.normal
    found = []
    for i in layers.between(float(heights.min()), float(heights.max())):
        plane, position = layers.plane(i), float(layers.positions[i])
        low = -float(layers.owned[i, 0]) - (layers.rounding if i == 0 else 0.0)
        high = float(layers.owned[i, 1]) + (layers.rounding if i == len(layers) - 1 else 0.0)
        pieces = clipped(shape.coords, heights - position, low, high)
        if not pieces:
            continue
        ends = np.cumsum([len(piece) for piece in pieces])
        vertices = np.concatenate(pieces)  # all pieces at once: a line may have thousands
        away = np.maximum.reduceat(np.abs(plane.distance(vertices)), [0, *ends[:-1]])
        in_pixels = np.split(np.round(plane.to_pixel(vertices), _DECIMALS), ends[:-1])
        found += [
            Placement(i, Polyline(line), float(distance), _steps(piece))
            for line, distance, piece in zip(in_pixels, away, pieces, strict=True)
        ]
    return found


def _steps(coords: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.norm(np.diff(coords, axis=0), axis=1))
