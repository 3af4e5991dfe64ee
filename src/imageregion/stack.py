"""Stacks: parallel image planes in order, and the space each of them owns.

Along the normal a plane owns half the way to each neighbour (its slab); the first and the last own
as much outwards as inwards. Spacing is taken as it is, never averaged. A gap of more than 1.5 times
the usual spacing counts as missing slices: the planes beside it own only half a usual spacing into
it, so that nothing drawn on a missing slice lands on another, and no volume grows across the gap.

The usual spacing is the median gap. Where even that is more than twice the spacing or slice
thickness that the images state, as among key images picked from a series, the planes are no
neighbours at all and the stated value takes its place; but four or more evenly spaced planes are a
series of thin slices with gaps, and keep their spacing.

Images that share a position (time points, echoes, b-values, optical paths, levels of a pyramid) are
no stack but several, one beside the other: `alternatives` tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray, IntArray, read_only
from imageregion.plane import Plane

__all__ = [
    "ROUNDING",
    "Stack",
    "alternatives",
    "missing_between",
    "parallel_groups",
    "pixel_size",
    "positions",
    "same_position",
    "slabs",
]

_PARALLEL = 1e-3  # sine of the angle up to which planes belong to one stack
_MISSING = 1.5  # times the usual spacing
_SAME_RATIO = 0.02  # of the stated thickness
ROUNDING = 0.01  # mm; coordinates and positions are written with few digits
_ROUNDING_SHARE = 0.02  # of the smallest gap: focal planes are micrometres apart
_MOST_ORIENTATIONS = 256  # so that damaged files do not take time by the square of their frames
_STACKED = 0.5  # of the stacks must hold several planes, else their keyword is no dimension
_MOST_KEYWORDS = 6  # combinations of more are not tried, all are taken together


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Parallel planes with what follows from their order, computed once for many regions.

    Parameters
    ----------
    planes : sequence of Plane
        Parallel, sorted along the normal of the first.
    thickness : float, optional
        Spacing or slice thickness stated by the images, mm.
    usual : float, optional
        Usual spacing, mm, where it is known from elsewhere: of a time point that lacks slices from
        the others. Evenly spaced planes keep their own.

    Attributes
    ----------
    normal : ndarray, shape (3,)
        Of the first plane, or its opposite: positions ascend along it.
    positions : ndarray, shape (N,)
        Of each plane along `normal`, mm.
    number : ndarray of int64, shape (N,)
        See `same_position`.
    usual : float
        Usual gap between positions, mm; 0 where nothing is known.
    first : ndarray of int64, shape (M,)
        Index of the first plane of each position.
    gaps : ndarray, shape (M - 1,)
        Between neighbouring positions, mm.
    owned : ndarray, shape (N, 2)
        See `slabs`.
    missing : ndarray of bool, shape (M - 1,)
        See `missing_between`.
    rounding : float
        By how much coordinates and positions may be off because they are written with few digits,
        mm: 0.01, or 2 % of the smallest gap, whichever is smaller.

    Examples
    --------
    >>> planes = [Plane((4, 4), [0, 0, z], [[1, 0], [0, 1], [0, 0]]) for z in (0, 2, 2, 5)]
    >>> Stack(planes).gaps.tolist()
    [2.0, 3.0]
    """

    planes: tuple[Plane, ...]
    thickness: float | None
    normal: FloatArray
    positions: FloatArray
    number: IntArray
    usual: float
    first: IntArray
    gaps: FloatArray
    owned: FloatArray
    missing: NDArray[np.bool_]
    rounding: float

    def __init__(
        self,
        planes: Sequence[Plane],
        thickness: float | None = None,
        usual: float | None = None,
    ) -> None:
        position, normal = positions(planes), planes[0].normal
        if position[-1] < position[0]:
            position, normal = -position, read_only(-normal)
        number = _numbered(position, thickness)
        first = np.flatnonzero(np.diff(number, prepend=-1))
        gaps = np.diff(position[first])
        usual = _usual(gaps, thickness, usual)
        missing = gaps > _MISSING * usual
        object.__setattr__(self, "planes", tuple(planes))
        object.__setattr__(self, "thickness", thickness)
        object.__setattr__(self, "normal", normal)
        object.__setattr__(self, "positions", read_only(position))
        object.__setattr__(self, "number", read_only(number))
        object.__setattr__(self, "usual", usual)
        object.__setattr__(self, "first", read_only(first))
        object.__setattr__(self, "gaps", read_only(gaps))
        object.__setattr__(self, "missing", read_only(missing))
        near = _ROUNDING_SHARE * float(gaps.min()) if len(gaps) else ROUNDING
        object.__setattr__(self, "rounding", min(ROUNDING, near))
        if len(gaps):
            half = np.where(missing, usual, gaps) / 2
            owned = np.stack([np.append(half[:1], half), np.append(half, half[-1:])], axis=1)
        else:
            owned = np.full((1, 2), usual / 2)
        object.__setattr__(self, "owned", read_only(owned[number]))


def parallel_groups(planes: Sequence[Plane]) -> tuple[tuple[int, ...], ...]:
    """Group planes into stacks of one orientation, each sorted by position along its normal.

    No more than 256 orientations are looked for; planes of further ones are groups of their own.

    Examples
    --------
    >>> across = [[1, 0], [0, 1], [0, 0]]
    >>> a, b = Plane((4, 4), [0, 0, 5], across), Plane((4, 4), [0, 0, 1], across)
    >>> parallel_groups([a, b])
    ((1, 0),)
    """
    normals = _normals(planes)
    origins = np.array([plane.origin for plane in planes]).reshape(-1, 3)
    left = np.ones(len(planes), dtype=np.bool_)
    groups: list[tuple[int, ...]] = []
    while left.any() and len(groups) < _MOST_ORIENTATIONS:
        normal = normals[np.argmax(left)]
        mine = left & (np.linalg.norm(np.cross(normals, normal), axis=1) < _PARALLEL)
        left &= ~mine
        group = np.flatnonzero(mine)
        order = np.argsort(origins[group] @ normal, kind="stable")
        groups.append(tuple(group[order].tolist()))
    return (*groups, *((index,) for index in np.flatnonzero(left).tolist()))


def _normals(planes: Sequence[Plane]) -> FloatArray:
    """Unit normals of many planes at once, shape (N, 3)."""
    axes = np.array([plane.axes for plane in planes]).reshape(-1, 3, 2)
    cross = np.cross(axes[:, :, 0], axes[:, :, 1])
    return np.asarray(cross / np.linalg.norm(cross, axis=1)[:, None])


def positions(planes: Sequence[Plane]) -> FloatArray:
    """Return the position of each plane along the normal of the first, mm."""
    return np.asarray(np.array([plane.origin for plane in planes]) @ planes[0].normal)


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
    return _numbered(positions(planes), thickness)


def _numbered(position: FloatArray, thickness: float | None) -> IntArray:
    near = _SAME_RATIO * thickness if thickness else ROUNDING
    apart = np.diff(position) > near
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
    return Stack(planes, thickness).owned


def missing_between(planes: Sequence[Plane], thickness: float | None = None) -> NDArray[np.bool_]:
    """Tell where slices are missing: between position i and i + 1 of a stack.

    Examples
    --------
    >>> planes = [Plane((4, 4), [0, 0, z], [[1, 0], [0, 1], [0, 0]]) for z in (0, 2, 5, 30, 32)]
    >>> missing_between(planes).tolist()
    [False, False, True, False]
    """
    return Stack(planes, thickness).missing


def _usual(gaps: FloatArray, thickness: float | None, known: float | None) -> float:
    """Return the usual gap between positions; of a single one what the images state."""
    if not len(gaps):
        return known or thickness or 0.0
    usual = float(np.median(gaps))
    if len(gaps) >= 3 and float(gaps.max()) <= _MISSING * float(gaps.min()):
        return usual
    if known is not None:
        return known
    return thickness if thickness and usual > 2 * thickness else usual


def alternatives(
    stack: Stack, dimensions: Sequence[Sequence[tuple[str, str]]]
) -> tuple[tuple[int, ...], ...]:
    """Split a stack whose planes share positions into stacks of one plane per position.

    Planes at one position are told apart by the entries of their dimensions that differ there, and
    by the size of their pixels. Of all combinations of such entries the one is taken that leaves
    the fewest planes beside another, then the one that makes the fewest stacks, then the shortest.

    Parameters
    ----------
    stack : Stack
    dimensions : sequence, of length N, of sequences of (str, str)
        Of each plane: keyword and value, as in `Frame.dimensions`.

    Returns
    -------
    tuple of tuple of int
        Indices of the planes of each stack in order; one stack where no position is shared, or
        where nothing tells the planes apart.

    Examples
    --------
    >>> planes = [Plane((4, 4), [0, 0, z], [[1, 0], [0, 1], [0, 0]]) for z in (0, 0, 3, 3)]
    >>> times = [[("TemporalPositionIndex", t)] for t in "1221"]
    >>> alternatives(Stack(planes), times)
    ((0, 3), (1, 2))
    """
    count = len(stack.planes)
    best: tuple[tuple[int, ...], ...] = (tuple(range(count)),)
    if len(stack.first) == count:
        return best
    least, members = (count - len(stack.first), 1), np.bincount(stack.number)
    for chosen in _subsets(_columns(stack, dimensions)):
        label = _combined(chosen)
        cells = np.unique(label * len(members) + stack.number) // len(members)
        sizes = np.bincount(cells)  # positions of each stack
        if len(members) > 1 and np.mean(sizes > 1) < _STACKED:
            continue  # a number of each image, no dimension
        if (cost := (count - len(cells), len(sizes))) < least:
            order = np.argsort(label, kind="stable")
            groups = np.split(order, np.cumsum(np.bincount(label))[:-1])
            best, least = tuple(sorted(tuple(group.tolist()) for group in groups)), cost
        if least == (0, members.max()):
            break  # nothing makes fewer stacks
    return best


def pixel_size(plane: Plane) -> str:
    """Say how large the pixels of a plane are, to four digits: rows x columns, mm."""
    rows, columns = plane.spacing
    return f"{rows:.4g} x {columns:.4g} mm"


def _columns(stack: Stack, dimensions: Sequence[Sequence[tuple[str, str]]]) -> list[IntArray]:
    """Number the values of every dimension that differs within a position, one array for each."""
    known = [dict(entries) | {"": pixel_size(plane)} for entries, plane in _zip(stack, dimensions)]
    columns: dict[bytes, IntArray] = {}  # some keywords say the same in other words
    for keyword in dict.fromkeys(keyword for entries in known for keyword in entries):
        values: dict[str, int] = {}
        column = np.array([values.setdefault(e.get(keyword, ""), len(values)) for e in known])
        cells = np.unique(stack.number * len(values) + column)
        if len(cells) > len(stack.first):
            columns.setdefault(column.tobytes(), column)
    return list(columns.values())


def _combined(columns: Sequence[IntArray]) -> IntArray:
    """Number the combinations of values of several columns."""
    label = columns[0]
    for column in columns[1:]:
        label = np.unique(label * (int(column.max()) + 1) + column, return_inverse=True)[1]
    return np.asarray(label.reshape(-1), dtype=np.int64)


def _zip(
    stack: Stack, dimensions: Sequence[Sequence[tuple[str, str]]]
) -> Iterator[tuple[Sequence[tuple[str, str]], Plane]]:
    return zip(dimensions, stack.planes, strict=True)


def _subsets(columns: list[IntArray]) -> Iterator[tuple[IntArray, ...]]:
    if len(columns) > _MOST_KEYWORDS:
        yield tuple(columns)
        return
    for size in range(1, len(columns) + 1):
        yield from combinations(columns, size)
