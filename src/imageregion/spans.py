"""Spans: which pixels of an image, row by row, from where to where, by how much.

This is the only product of rasterizing. A volume is a tall image: `row` counts over all leading
axes, so that masks, statistics and overlays are each one loop over spans in 2-D and 3-D alike.
Memory grows with the perimeter of a region, not with its area.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, IntArray, as_floats, read_only
from imageregion.errors import GeometryError

__all__ = ["Spans", "combine_spans"]

_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Pixels of an image as runs along its rows, sorted, disjoint, equal neighbours joined.

    Parameters
    ----------
    row, start, stop : array_like of int, shape (N,)
        Run i covers columns ``start[i]`` up to but not including ``stop[i]`` of row ``row[i]``,
        all counted from 0.
    weight : array_like of float, shape (N,)
        By how much each pixel belongs to the region, above 0: of an area, the share of the pixel
        that is covered, in (0, 1]; of a line, its length inside the pixel.
    shape : tuple of int
        Shape of the image: (rows, columns), or (planes, rows, columns) where `row` counts over
        planes and rows together.

    Raises
    ------
    GeometryError
        When runs leave the image, overlap, are empty or unsorted.

    Examples
    --------
    >>> spans = Spans([0, 1], [1, 0], [3, 4], [1, 1], (2, 4))
    >>> spans.to_mask().astype(int).tolist()
    [[0, 1, 1, 0], [1, 1, 1, 1]]
    >>> spans.count
    6
    """

    row: IntArray
    start: IntArray
    stop: IntArray
    weight: FloatArray
    shape: tuple[int, ...]

    def __init__(
        self,
        row: ArrayLike,
        start: ArrayLike,
        stop: ArrayLike,
        weight: ArrayLike,
        shape: tuple[int, ...],
    ) -> None:
        for name, value in (("row", row), ("start", start), ("stop", stop)):
            array = np.array(value, dtype=np.int64).reshape(-1)
            object.__setattr__(self, name, read_only(array))
        object.__setattr__(self, "weight", as_floats(weight, (None,), "Spans weight"))
        object.__setattr__(self, "shape", tuple(int(n) for n in shape))
        _check(self)

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Spans:
        """Return spans that cover no pixel of an image of `shape`."""
        return cls._whole([], [], [], shape)

    @classmethod
    def full(cls, shape: tuple[int, ...]) -> Spans:
        """Return spans that cover every pixel of an image of `shape`."""
        rows = int(np.prod(shape[:-1]))
        return cls._whole(np.arange(rows), np.zeros(rows), np.full(rows, shape[-1]), shape)

    @classmethod
    def from_mask(cls, mask: ArrayLike) -> Spans:
        """Make spans from a boolean array whose last axis runs along the rows of an image.

        Examples
        --------
        >>> Spans.from_mask([[False, True, True]]).start.tolist()
        [1]
        """
        array = np.asarray(mask)
        if array.dtype != np.bool_ or array.ndim < 2:
            raise GeometryError(
                f"mask: expected booleans of shape (..., rows, columns), got dtype {array.dtype} "
                f"of shape {array.shape}"
            )
        flat = array.reshape(-1, array.shape[-1])
        edge = np.diff(np.pad(flat, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        row, start = np.nonzero(edge == 1)
        stop = np.nonzero(edge == -1)[1]
        return cls._whole(row, start, stop, array.shape)

    @classmethod
    def from_runs(
        cls, row: ArrayLike, start: ArrayLike, stop: ArrayLike, shape: tuple[int, ...]
    ) -> Spans:
        """Make spans of weight 1 from runs in any order that may overlap or touch.

        Parameters
        ----------
        row, start, stop : array_like of int, shape (N,)
            Inside the image, ``start < stop``.
        shape : tuple of int
            (..., rows, columns).

        Examples
        --------
        >>> Spans.from_runs([0, 0], [2, 0], [4, 3], (1, 5)).stop.tolist()
        [4]
        """
        runs = np.array([row, start, stop], dtype=np.int64).reshape(3, -1)
        return _where(runs, shape, wanted=lambda depth: depth > 0)

    @classmethod
    def _trusted(
        cls,
        row: IntArray,
        start: IntArray,
        stop: IntArray,
        weight: FloatArray,
        shape: tuple[int, ...],
    ) -> Spans:
        """Make spans of arrays that are known to be right and that nobody else will change."""
        spans = object.__new__(cls)
        for name, value in zip(cls.__slots__, (row, start, stop, weight), strict=False):
            value.flags.writeable = False
            object.__setattr__(spans, name, value)
        object.__setattr__(spans, "shape", shape)
        return spans

    @classmethod
    def _whole(
        cls, row: ArrayLike, start: ArrayLike, stop: ArrayLike, shape: tuple[int, ...]
    ) -> Spans:
        return cls(
            np.asarray(row, dtype=np.int64),
            np.asarray(start, dtype=np.int64),
            np.asarray(stop, dtype=np.int64),
            np.ones(np.size(row)),
            shape,
        )

    @property
    def count(self) -> int:
        """Number of pixels touched by any run, whatever its weight."""
        return int((self.stop - self.start).sum())

    @property
    def area(self) -> float:
        """Sum of the weights, in pixels."""
        return float(((self.stop - self.start) * self.weight).sum())

    @property
    def is_whole(self) -> bool:
        """Whether every pixel counts fully."""
        return bool((self.weight == 1.0).all())

    def to_mask(self) -> NDArray[np.bool_]:
        """Return a boolean array of `shape`, True where a pixel belongs to the region."""
        return self._painted(np.zeros(self.shape, dtype=np.bool_), np.ones(len(self.row), np.bool_))

    def to_coverage(self) -> FloatArray:
        """Return a float64 array of `shape` with the weight of each pixel, 0 outside."""
        return self._painted(np.zeros(self.shape), self.weight)

    def _painted(self, image: NDArray[_Scalar], values: NDArray[_Scalar]) -> NDArray[_Scalar]:
        from imageregion._kernels.runs import paint

        paint(image.reshape(-1, self.shape[-1]), self.row, self.start, self.stop, values)
        return image

    def __repr__(self) -> str:
        return f"Spans({len(self.row)} runs, {self.count} pixels of {self.shape})"


def combine_spans(
    parts: Sequence[Spans], operation: Literal["union", "xor", "intersection"]
) -> Spans:
    """Combine whole-pixel spans on one image.

    Parameters
    ----------
    parts : sequence of Spans
        At least one; all of one shape, every weight 1.
    operation : {"union", "xor", "intersection"}
        A pixel belongs to the result when any, an odd number, or all of `parts` cover it.

    Raises
    ------
    GeometryError
        On no parts, differing shapes, or partial weights.

    Examples
    --------
    >>> a, b = Spans([0], [0], [3], [1], (1, 5)), Spans([0], [2], [5], [1], (1, 5))
    >>> combine_spans([a, b], "xor").to_mask().astype(int).tolist()
    [[1, 1, 0, 1, 1]]
    """
    if not parts or len({part.shape for part in parts}) != 1:
        raise GeometryError(
            f"combine_spans: expected spans of one image shape, got {[p.shape for p in parts]}"
        )
    if not all(part.is_whole for part in parts):
        raise GeometryError("combine_spans: expected whole pixels, got partial weights")
    wanted = {
        "union": lambda depth: depth > 0,
        "xor": lambda depth: depth % 2 == 1,
        "intersection": lambda depth: depth == len(parts),
    }
    runs = np.concatenate([[part.row, part.start, part.stop] for part in parts], axis=1)
    return _where(runs, parts[0].shape, wanted[operation])


def _where(
    runs: IntArray, shape: tuple[int, ...], wanted: Callable[[IntArray], NDArray[np.bool_]]
) -> Spans:
    """Sweep over runs in any order and keep the pixels whose number of covering runs is wanted.

    `runs` has shape (3, N): row, start, stop.
    """
    row, start, stop = runs
    pitch = shape[-1] + 1  # one unused column ends every row, so that runs never join across rows
    position = np.concatenate([row * pitch + start, row * pitch + stop])
    order = np.argsort(position, kind="stable")
    place = position[order]
    depth = np.cumsum(np.where(order < len(row), 1, -1))
    settled = np.diff(place, append=-1) != 0
    place, inside = place[settled], wanted(depth[settled]).astype(np.int8)
    change = np.diff(inside, prepend=0)
    begin, end = place[change == 1], place[change == -1]
    return Spans._whole(begin // pitch, begin % pitch, end - begin // pitch * pitch, shape)


def _check(spans: Spans) -> None:
    row, start, stop = spans.row, spans.start, spans.stop
    if not len(row) == len(start) == len(stop) == len(spans.weight):
        raise GeometryError("Spans: expected row, start, stop and weight of one length")
    if len(spans.shape) < 2 or min(spans.shape) < 0:
        raise GeometryError(f"Spans: expected shape (..., rows, columns), got {spans.shape}")
    rows, columns = int(np.prod(spans.shape[:-1])), spans.shape[-1]
    if not len(row):
        return
    if row.min() < 0 or row.max() >= rows or start.min() < 0 or stop.max() > columns:
        raise GeometryError(f"Spans: expected runs inside an image of shape {spans.shape}")
    if (start >= stop).any():
        raise GeometryError("Spans: expected start < stop in every run")
    later = (row[1:] > row[:-1]) | ((row[1:] == row[:-1]) & (start[1:] >= stop[:-1]))
    if not later.all():
        raise GeometryError("Spans: expected runs sorted by row and start, without overlap")
    if not (spans.weight > 0).all():
        raise GeometryError("Spans: expected weights above 0")
