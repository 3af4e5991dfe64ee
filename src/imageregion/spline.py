"""The smooth curve through given points: what FHIR ``interpolated`` and DICOM INTERPOLATED draw.

Both standards leave the curve to the implementation and ask only that it passes through every
point. This library draws the cubic spline over chord length with continuous second derivative: the
curve that bends least among those through the points, blind to where a ring starts and to its
direction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from imageregion._arrays import FloatArray, as_floats, read_only
from imageregion.errors import GeometryError

__all__ = ["MAX_VERTICES", "interpolate"]

MAX_VERTICES = 4_194_304
"""Most vertices a flattened curve may have; beyond that a larger tolerance is asked for."""


def interpolate(points: ArrayLike, *, tolerance: float = 1e-4) -> FloatArray:
    """Draw a C2 cubic spline over chord length through `points` and flatten it.

    Parameters
    ----------
    points : array_like, shape (N, 2)
        (column, row) in pixels. When the first equals the last, the curve is a closed ring with
        periodic ends; otherwise it is open with natural ends (no curvature at the ends).
        Consecutive duplicates count once.
    tolerance : float
        Largest distance between a chord and the curve, pixels. A piece of length h between two
        points is cut so that ``h**2 / 8 * max|p''|``, which bounds that distance, stays below.

    Returns
    -------
    ndarray of float64, shape (M, 2), read-only
        Vertices in the order of `points`, all of which are among them. A closed ring does not
        repeat its first vertex. Two distinct points give the straight line between them.

    Raises
    ------
    GeometryError
        On a wrong shape, fewer than two distinct points, a tolerance that is not positive, or a
        curve that needs more than `MAX_VERTICES` vertices.

    Examples
    --------
    >>> interpolate([[0, 0], [3, 4]]).tolist()
    [[0.0, 0.0], [3.0, 4.0]]
    >>> corners = [[4, 0], [8, 4], [4, 8], [0, 4], [4, 0]]
    >>> ring = interpolate(corners)
    >>> len(ring) > 4, bool((ring[0] == ring[-1]).all())
    (True, False)
    """
    given = as_floats(points, (None, 2), "interpolate points")
    if not tolerance > 0:
        raise GeometryError(f"interpolate: expected a positive tolerance, got {tolerance}")
    closed = len(given) > 1 and np.array_equal(given[0], given[-1])
    if not len(given):
        raise GeometryError("interpolate: expected at least 2 distinct points, got 0")
    knots, place = _distinct(given, closed)
    if len(knots) < 2:
        raise GeometryError("interpolate: expected at least 2 distinct points, got 1")
    if len(knots) - closed == 2:
        return read_only(knots[:2].copy())
    vertices = _flatten(knots, place, closed, tolerance)
    return read_only(vertices[:-1] if closed else vertices)


def _distinct(points: FloatArray, closed: bool) -> tuple[FloatArray, FloatArray]:
    """Drop points that do not advance the chord length; return the rest and their chord length."""
    while True:
        place = np.append(0.0, np.cumsum(np.sqrt((np.diff(points, axis=0) ** 2).sum(axis=1))))
        advances = np.append(True, np.diff(place) > 0)
        if advances.all():
            break
        points = points[advances]
    if closed:  # the last of several points equal up to rounding may have gone instead of them
        points = np.concatenate([points[:-1], points[:1]]) if len(points) > 1 else points
    return points, place


def _flatten(knots: FloatArray, place: FloatArray, closed: bool, tolerance: float) -> FloatArray:
    from scipy.interpolate import CubicSpline

    curve = CubicSpline(place, knots, bc_type="periodic" if closed else "natural")
    # The second derivative is linear on each piece, so its largest value is at one of the ends.
    bend = np.sqrt((curve(place, 2) ** 2).sum(axis=1))
    pieces = np.diff(place) * np.sqrt(np.maximum(bend[:-1], bend[1:]) / (8 * tolerance))
    counts = np.maximum(np.ceil(pieces), 1)
    total = float(counts.sum())
    if not total < MAX_VERTICES:
        raise GeometryError(
            f"interpolate: expected a curve of at most {MAX_VERTICES} vertices, tolerance "
            f"{tolerance:g} needs {total:.3g}; use a larger tolerance"
        )
    number = counts.astype(np.int64)
    first = np.concatenate([[0], np.cumsum(number)])
    step = np.arange(first[-1]) - np.repeat(first[:-1], number)
    at = np.repeat(place[:-1], number) + step * np.repeat(np.diff(place) / number, number)
    vertices = np.empty((len(at) + 1, 2))
    vertices[:-1] = curve(at)
    vertices[first] = knots
    return vertices
