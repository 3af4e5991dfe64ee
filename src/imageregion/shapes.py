"""Shapes: what a region looks like, in pixels of an image (2-D) or millimetres of a patient (3-D).

The number of coordinates is the space. Two coordinates are (column, row) in pixels with the origin
at the outer corner of the first pixel, so that its centre is (0.5, 0.5) (DICOM PS3.3 C.18.6, FHIR
``imageRegion2D``). Three are (x, y, z) in millimetres of the patient, x to the left, y to the back,
z to the head (DICOM LPS, PS3.3 C.18.9, FHIR ``imageRegion3D``). There is no third space.

Every shape stays a shape of its own kind under an affine map: ellipses and ellipsoids are stored as
a centre and conjugate semi-axis vectors, so a circle on 2.0 x 0.5 mm pixels becomes the right
ellipse in the patient without a special case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from imageregion._arrays import FloatArray, as_floats
from imageregion.errors import GeometryError

__all__ = [
    "Ellipse",
    "Ellipsoid",
    "FillRule",
    "Points",
    "Polygon",
    "Polyline",
    "Shape",
    "check_fill_rule",
]

FillRule = Literal["evenodd", "nonzero"]
"""How overlapping or self-crossing rings fill a polygon: where the number of times they wind around
a point is odd, or where it is not zero."""

_FILL_RULES = get_args(FillRule)


def check_fill_rule(fill_rule: str) -> None:
    """Raise GeometryError for a fill rule that does not exist."""
    if fill_rule not in _FILL_RULES:
        raise GeometryError(f"fill_rule: expected one of {_FILL_RULES}, got {fill_rule!r}")


def _coordinates(value: ArrayLike, what: str, minimum: int) -> FloatArray:
    shape = _shape(value)
    dimension = shape[1] if len(shape) == 2 and shape[1] in (2, 3) else 2
    coords = as_floats(value, (None, dimension), what)
    if len(coords) < minimum:
        raise GeometryError(f"{what}: expected at least {minimum} points, got {len(coords)}")
    return coords


def _shape(value: ArrayLike) -> tuple[int, ...]:
    """Shape of an array, empty for what makes none."""
    try:
        return np.shape(value)
    except ValueError:
        return ()


def _check_map(matrix: FloatArray, offset: FloatArray, dimension: int) -> None:
    if matrix.ndim != 2 or matrix.shape != (len(offset), dimension):
        raise GeometryError(
            f"affine map: expected a matrix of shape ({len(offset)}, {dimension}), "
            f"got {matrix.shape}"
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Vertices:
    """What points and lines have in common: coordinates and nothing else."""

    coords: FloatArray

    @property
    def dimension(self) -> int:
        """2 for pixels, 3 for millimetres."""
        return int(self.coords.shape[1])

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest coordinate along each axis."""
        return self.coords.min(axis=0), self.coords.max(axis=0)

    def transform(self, matrix: FloatArray, offset: FloatArray) -> Self:
        """Map every point p to ``matrix @ p + offset``."""
        _check_map(matrix, offset, self.dimension)
        return type(self)(self.coords @ matrix.T + offset)


@dataclass(frozen=True, slots=True, eq=False)
class Points(_Vertices):
    """One or more single locations.

    Parameters
    ----------
    coords : array_like, shape (N, 2) in pixels or (N, 3) in mm
        N >= 1.

    Raises
    ------
    GeometryError
        On a wrong shape or numbers that are not finite.

    Examples
    --------
    >>> Points([[3.5, 7.5]]).dimension
    2
    """

    def __init__(self, coords: ArrayLike) -> None:
        object.__setattr__(self, "coords", _coordinates(coords, "Points", 1))


@dataclass(frozen=True, slots=True, eq=False)
class Polyline(_Vertices):
    """An open line through ordered vertices; it has a length and no area.

    Parameters
    ----------
    coords : array_like, shape (N, 2) in pixels or (N, 3) in mm
        N >= 2.

    Raises
    ------
    GeometryError
        On a wrong shape or numbers that are not finite.

    Examples
    --------
    >>> Polyline([[0, 0, 0], [3, 4, 0]]).dimension
    3
    """

    def __init__(self, coords: ArrayLike) -> None:
        object.__setattr__(self, "coords", _coordinates(coords, "Polyline", 2))


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """An area bounded by one or more rings.

    Filled even-odd, a ring inside a ring is a hole whatever its direction. Filled nonzero, it is a
    hole only when it runs the other way round.

    Parameters
    ----------
    rings : one ring, or an iterable of rings, each array_like of shape (N, 2) or (N, 3)
        N >= 3. The first vertex need not be repeated at the end; a repeated one is dropped.
    fill_rule : {"evenodd", "nonzero"}
        A point is inside when the rings wind around it an odd number of times, or any number of
        times but zero.

    Raises
    ------
    GeometryError
        On a wrong shape, fewer than three vertices, mixed dimensions or numbers that are not
        finite.

    Examples
    --------
    >>> square = [[0, 0], [10, 0], [10, 10], [0, 10]]
    >>> hole = [[3, 3], [7, 3], [7, 7], [3, 7]]
    >>> len(Polygon([square, hole]).rings)
    2
    """

    rings: tuple[FloatArray, ...]
    fill_rule: FillRule = "evenodd"

    def __init__(
        self, rings: ArrayLike | Iterable[ArrayLike], fill_rule: FillRule = "evenodd"
    ) -> None:
        check_fill_rule(fill_rule)
        parts = _rings(rings)
        if not parts:
            raise GeometryError("Polygon: expected at least one ring, got none")
        if len({ring.shape[1] for ring in parts}) > 1:
            raise GeometryError("Polygon: expected rings of one dimension, got 2-D and 3-D rings")
        object.__setattr__(self, "rings", parts)
        object.__setattr__(self, "fill_rule", fill_rule)

    @property
    def dimension(self) -> int:
        """2 for pixels, 3 for millimetres."""
        return int(self.rings[0].shape[1])

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest coordinate along each axis."""
        lows, highs = zip(*((r.min(axis=0), r.max(axis=0)) for r in self.rings), strict=True)
        return np.min(lows, axis=0), np.max(highs, axis=0)

    def transform(self, matrix: FloatArray, offset: FloatArray) -> Polygon:
        """Map every vertex p to ``matrix @ p + offset``."""
        _check_map(matrix, offset, self.dimension)
        return Polygon([ring @ matrix.T + offset for ring in self.rings], self.fill_rule)


def _rings(value: ArrayLike | Iterable[ArrayLike]) -> tuple[FloatArray, ...]:
    if isinstance(value, np.ndarray) and value.ndim == 2:
        return (_ring(value),)
    try:
        items: list[ArrayLike] = list(value)  # type: ignore[arg-type]
    except TypeError:
        raise GeometryError(
            f"Polygon: expected rings of shape (N, 2) or (N, 3), got {type(value).__name__}"
        ) from None
    try:
        single = len(items) > 0 and all(np.ndim(item) == 1 for item in items)
        given = np.asarray(items) if single else None
    except ValueError as error:
        raise GeometryError(f"Polygon: expected rings of shape (N, 2) or (N, 3): {error}") from None
    return tuple(_ring(item) for item in items) if given is None else (_ring(given),)


def _ring(value: ArrayLike) -> FloatArray:
    coords = _coordinates(value, "Polygon ring", 3)
    if len(coords) > 3 and coords[0].tolist() == coords[-1].tolist():
        coords = coords[:-1]
    return coords


@dataclass(frozen=True, slots=True, eq=False)
class Ellipse:
    """The set ``center + axes @ u`` with ``|u| <= 1``: a flat, filled ellipse.

    Parameters
    ----------
    center : array_like, shape (2,) in pixels or (3,) in mm
    axes : array_like, shape (2, 2) or (3, 2)
        Columns are conjugate semi-axis vectors. They need not be perpendicular: an affine map of
        perpendicular semi-axes still describes the mapped ellipse exactly.

    Raises
    ------
    GeometryError
        On a wrong shape, numbers that are not finite, or axes that span no area.

    Examples
    --------
    >>> Ellipse.circle((10.0, 10.0), 3.0).axes.tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """

    center: FloatArray
    axes: FloatArray

    def __init__(self, center: ArrayLike, axes: ArrayLike) -> None:
        dimension = 3 if _shape(center) == (3,) else 2
        object.__setattr__(self, "center", as_floats(center, (dimension,), "Ellipse center"))
        object.__setattr__(self, "axes", as_floats(axes, (dimension, 2), "Ellipse axes"))
        _require_extent(self.axes, "Ellipse")

    @classmethod
    def circle(cls, center: ArrayLike, radius: float) -> Ellipse:
        """Make a circle in the pixel plane from its centre (column, row) and radius in pixels.

        Raises
        ------
        GeometryError
            On numbers that are not finite, or a radius that is not above 0.
        """
        reach = as_floats(radius, (), "circle radius")
        if not reach > 0:
            raise GeometryError(f"circle radius: expected above 0 to span an area, got {radius}")
        return cls(center, np.eye(2) * reach)

    @property
    def dimension(self) -> int:
        """2 for pixels, 3 for millimetres."""
        return len(self.center)

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest coordinate along each axis."""
        reach = np.sqrt((self.axes**2).sum(axis=1))
        return self.center - reach, self.center + reach

    def transform(self, matrix: FloatArray, offset: FloatArray) -> Ellipse:
        """Map the ellipse by ``p -> matrix @ p + offset``."""
        _check_map(matrix, offset, self.dimension)
        return Ellipse(matrix @ self.center + offset, matrix @ self.axes)

    def outline(self, tolerance: float = 1e-4) -> FloatArray:
        """Return vertices on the ellipse whose chords stay within `tolerance` of the curve.

        Parameters
        ----------
        tolerance : float
            Largest distance between chord and curve, in the unit of the shape.

        Returns
        -------
        ndarray of float64, shape (N, dimension)
            N >= 8 vertices, the first not repeated.
        """
        longest = float(np.linalg.svd(self.axes, compute_uv=False)[0])
        count = max(8, int(np.ceil(np.pi / np.sqrt(2 * min(1.0, tolerance / longest)))))
        angle = 2 * np.pi * np.arange(count) / count
        return self.center + np.stack([np.cos(angle), np.sin(angle)], axis=1) @ self.axes.T


@dataclass(frozen=True, slots=True, eq=False)
class Ellipsoid:
    """The set ``center + axes @ u`` with ``|u| <= 1`` in patient millimetres.

    Parameters
    ----------
    center : array_like, shape (3,)
        mm.
    axes : array_like, shape (3, 3)
        Columns are conjugate semi-axis vectors, mm.

    Raises
    ------
    GeometryError
        On a wrong shape, numbers that are not finite, or axes that span no volume.

    Examples
    --------
    >>> Ellipsoid([0, 0, 0], [[3, 0, 0], [0, 4, 0], [0, 0, 5]]).bounds[1].tolist()
    [3.0, 4.0, 5.0]
    """

    center: FloatArray
    axes: FloatArray

    def __init__(self, center: ArrayLike, axes: ArrayLike) -> None:
        object.__setattr__(self, "center", as_floats(center, (3,), "Ellipsoid center"))
        object.__setattr__(self, "axes", as_floats(axes, (3, 3), "Ellipsoid axes"))
        _require_extent(self.axes, "Ellipsoid")

    @property
    def dimension(self) -> int:
        """Always 3: an ellipsoid lives in patient millimetres."""
        return 3

    @property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest coordinate along each axis."""
        reach = np.sqrt((self.axes**2).sum(axis=1))
        return self.center - reach, self.center + reach

    def transform(self, matrix: FloatArray, offset: FloatArray) -> Ellipsoid:
        """Map the ellipsoid by ``p -> matrix @ p + offset``; `matrix` has shape (3, 3).

        Raises
        ------
        GeometryError
            For a map into the pixel plane; use `imageregion.cut` for that.
        """
        _check_map(matrix, offset, 3)
        if len(offset) != 3:
            raise GeometryError("Ellipsoid: has no image in a plane; cut it with the plane instead")
        return Ellipsoid(matrix @ self.center + offset, matrix @ self.axes)


def _require_extent(axes: FloatArray, what: str) -> None:
    lengths = np.linalg.svd(axes, compute_uv=False)
    if not lengths[-1] > 1e-12 * lengths[0]:
        kind = "an area" if axes.shape[1] == 2 else "a volume"
        raise GeometryError(
            f"{what}: expected semi-axes that span {kind}, got principal lengths "
            f"{[float(f'{v:.6g}') for v in lengths]}"
        )


Shape: TypeAlias = Points | Polyline | Polygon | Ellipse | Ellipsoid
"""Any shape."""
