"""Stacks: parallel image planes in order, and the space each of them owns.

Along the normal a plane owns half the way to each neighbour (its slab); the first and the last own
as much outwards as inwards. Spacing is taken as it is, never averaged. A gap of more than 1.5 times
the usual spacing counts as missing slices: the planes beside it own only half a usual spacing into
it, so that nothing drawn on a missing slice lands on another, and no volume grows across the gap.

The usual spacing is the median gap. Where even that is more than twice the spacing or slice
thickness that the images state, as among key images picked from a series, the planes are no
neighbours at all and the stated value takes its place; but four or more evenly spaced planes are a
series of thin slices with gaps, and keep their spacing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray, IntArray
from imageregion.plane import Plane

__all__ = ["missing_between", "parallel_groups", "positions", "same_position", "slabs"]

_PARALLEL = 1e-3  # sine of the angle up to which planes belong to one stack
_MISSING = 1.5  # times the usual spacing
_SAME_RATIO = 0.02  # of the stated thickness
_SAME = 0.01  # mm, where none is stated


def parallel_groups(planes: Sequence[Plane]) -> tuple[tuple[int, ...], ...]:
    """Group planes into stacks of one orientation, each sorted by position along its normal.

    Examples
    --------
    >>> across = [[1, 0], [0, 1], [0, 0]]
    >>> a, b = Plane((4, 4), [0, 0, 5], across), Plane((4, 4), [0, 0, 1], across)
    >>> parallel_groups([a, b])
    ((1, 0),)
    """
    groups: list[list[int]] = []
    for index, plane in enumerate(planes):
        for group in groups:
            if np.linalg.norm(np.cross(planes[group[0]].normal, plane.normal)) < _PARALLEL:
                group.append(index)
                break
        else:
            groups.append([index])
    ordered = []
    for group in groups:
        place = positions([planes[i] for i in group])
        ordered.append(tuple(group[i] for i in np.argsort(place, kind="stable")))
    return tuple(ordered)


def positions(planes: Sequence[Plane]) -> FloatArray:
    """Return the position of each plane along the normal of the first, mm."""
    normal = planes[0].normal
    return np.array([plane.origin @ normal for plane in planes])


def same_position(planes: Sequence[Plane], thickness: float | None = None) -> IntArray:
    """Number the positions of a stack; images of one position (echoes, time points) share one.

    Parameters
    ----------
    planes : sequence of Plane
        Parallel, sorted along the normal of the first.
    thickness : float, optional
        Spacing or slice thickness stated by the images, mm. Planes closer than 2 % of it, or than
        0.01 mm where none is stated, are at one position.

    Returns
    -------
    ndarray of int64, shape (N,)
        Ascending from 0.
    """
    near = _SAME_RATIO * thickness if thickness else _SAME
    apart = np.diff(positions(planes)) > near
    return np.concatenate([[0], np.cumsum(apart)]).astype(np.int64)


def slabs(planes: Sequence[Plane], thickness: float | None = None) -> FloatArray:
    """Return the space each plane of a stack owns along the normal.

    Parameters
    ----------
    planes : sequence of Plane
        Parallel, sorted along the normal of the first.
    thickness : float, optional
        Spacing or slice thickness stated by the images, mm.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        Millimetres owned below and above each plane; 0 where nothing is known. Planes at one
        position own the same.

    Examples
    --------
    >>> planes = [Plane((4, 4), [0, 0, z], [[1, 0], [0, 1], [0, 0]]) for z in (0, 2, 5, 30, 32)]
    >>> slabs(planes).tolist()
    [[1.0, 1.0], [1.0, 1.5], [1.5, 1.25], [1.25, 1.0], [1.0, 1.0]]
    """
    number = same_position(planes, thickness)
    gaps, usual = _gaps(planes, thickness)
    if not len(gaps):
        return np.full((len(planes), 2), (thickness or 0.0) / 2)
    half = np.where(gaps > _MISSING * usual, usual, gaps) / 2
    owned = np.stack([np.append(half[:1], half), np.append(half, half[-1:])], axis=1)
    return np.asarray(owned[number])


def missing_between(planes: Sequence[Plane], thickness: float | None = None) -> NDArray[np.bool_]:
    """Tell where slices are missing: between position i and i + 1 of a stack.

    Examples
    --------
    >>> planes = [Plane((4, 4), [0, 0, z], [[1, 0], [0, 1], [0, 0]]) for z in (0, 2, 5, 30, 32)]
    >>> missing_between(planes).tolist()
    [False, False, True, False]
    """
    gaps, usual = _gaps(planes, thickness)
    return np.asarray(gaps > _MISSING * usual)


def _gaps(planes: Sequence[Plane], thickness: float | None) -> tuple[FloatArray, float]:
    """Return the gaps between positions, and the usual spacing."""
    number = same_position(planes, thickness)
    first = np.flatnonzero(np.diff(number, prepend=-1))
    gaps = np.diff(positions(planes)[first])
    usual = float(np.median(gaps)) if len(gaps) else 0.0
    even = len(gaps) >= 3 and float(gaps.max()) <= _MISSING * float(gaps.min())
    if thickness and usual > 2 * thickness and not even:
        usual = thickness
    return gaps, usual
