"""Spans: which pixels of an image, row by row, from where to where, by how much.

This is the only product of rasterizing. A volume is a tall image: `row` counts over all leading
axes, so that masks, statistics and overlays are each one loop over spans in 2-D and 3-D alike.
Memory grows with the perimeter of a region, not with its area.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, IntArray, as_floats, read_only
from imageregion._runs import (
    Runs,
    WeightedRuns,
    as_integers,
    as_shape,
    check_order,
    check_runs,
    crop_runs,
    join_runs,
    mask_runs,
    order_runs,
    shift_runs,
)
from imageregion.errors import GeometryError

__all__ = ["SetOperation", "Spans", "combine_spans"]

SetOperation = Literal["union", "intersection", "difference", "xor"]
"""What belongs to the result: what lies in any part, in every part, in the first part and no
other, or in an odd number of parts."""


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
        When runs leave the image, overlap, are empty, unsorted or no integers.

    Notes
    -----
    Spans are values: equal when they give every pixel of images of one shape the same weight.
    Whole-pixel spans are sets: ``a | b``, ``a & b``, ``a - b``, ``a ^ b`` and ``~a``.

    Examples
    --------
    >>> a = Spans([0, 1], [1, 0], [3, 4], [1, 1], (2, 4))
    >>> a.to_mask().astype(int).tolist()
    [[0, 1, 1, 0], [1, 1, 1, 1]]
    >>> a.count
    6
    >>> b = Spans.from_mask(a.to_mask())
    >>> a == b, (a - b).count, (~a).count
    (True, 0, 2)
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
        shape = as_shape(shape, "Spans")
        rows, starts, stops = (as_integers(n, "Spans row, start, stop") for n in (row, start, stop))
        weights = as_floats(np.reshape(weight, -1), (None,), "Spans weight")
        check_runs(rows, starts, stops, shape)
        check_order(rows, starts, stops, weights)
        runs = join_runs(rows, starts, stops, weights)
        for name, value in zip(("row", "start", "stop", "weight"), runs, strict=True):
            object.__setattr__(self, name, read_only(value))
        object.__setattr__(self, "shape", shape)

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Spans:
        """Return spans that cover no pixel of an image of `shape`."""
        none = np.zeros(0, dtype=np.int64)
        return cls._of((none, none, none), as_shape(shape, "Spans"))

    @classmethod
    def full(cls, shape: tuple[int, ...]) -> Spans:
        """Return spans that cover every pixel of an image of `shape`."""
        shape = as_shape(shape, "Spans")
        rows = np.arange(math.prod(shape[:-1]) if shape[-1] else 0, dtype=np.int64)
        return cls._of((rows, np.zeros_like(rows), np.full_like(rows, shape[-1])), shape)

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
        tall = array.reshape(math.prod(array.shape[:-1]), array.shape[-1])
        return cls._of(mask_runs(tall), array.shape)

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

        Raises
        ------
        GeometryError
            When a run leaves the image or is empty.

        Examples
        --------
        >>> Spans.from_runs([0, 0], [2, 0], [4, 3], (1, 5)).stop.tolist()
        [4]
        """
        shape = as_shape(shape, "Spans")
        rows, starts, stops = (as_integers(n, "Spans row, start, stop") for n in (row, start, stop))
        check_runs(rows, starts, stops, shape)
        return cls._of(order_runs(rows, starts, stops, shape[-1]), shape)

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
            value.setflags(write=False)
            object.__setattr__(spans, name, value)
        object.__setattr__(spans, "shape", shape)
        return spans

    @classmethod
    def _of(cls, runs: Runs, shape: tuple[int, ...]) -> Spans:
        """Make whole-pixel spans of runs that are known to be right."""
        return cls._trusted(*runs, np.ones(len(runs[0])), shape)

    @property
    def count(self) -> int:
        """Number of pixels touched by any run, whatever its weight."""
        return int(np.add.reduce(self.stop) - np.add.reduce(self.start))

    @property
    def area(self) -> float:
        """Sum of the weights, in pixels."""
        return float(np.add.reduce((self.stop - self.start) * self.weight))

    @property
    def is_whole(self) -> bool:
        """Whether every pixel counts fully."""
        return bool(np.logical_and.reduce(self.weight == 1.0))

    @property
    def box(self) -> tuple[slice, ...] | None:
        """Smallest window that holds every pixel, a slice per axis; None when there is no pixel.

        Examples
        --------
        >>> Spans([2], [3], [5], [1], (9, 9)).box
        (slice(2, 3, None), slice(3, 5, None))
        """
        if not len(self.row):
            return None
        leading = np.unravel_index(self.row, self.shape[:-1])
        slices = [slice(int(index.min()), int(index.max()) + 1) for index in leading]
        return (*slices, slice(int(self.start.min()), int(self.stop.max())))

    def crop(self, *window: slice) -> Spans:
        """Cut out a window, as indexing does with an array of pixels.

        Parameters
        ----------
        *window : slice
            One per axis, (..., rows, columns), of step 1; negative and missing ends as in
            ``array[window]``.

        Returns
        -------
        Spans
            On an image of the shape of the window; weights are kept.

        Raises
        ------
        GeometryError
            On a wrong number of slices or another step.

        Examples
        --------
        >>> spans = Spans([0, 1], [1, 0], [3, 4], [1, 1], (2, 4))
        >>> spans.crop(slice(None), slice(2, None)).to_mask().astype(int).tolist()
        [[1, 0], [1, 1]]
        """
        if len(window) != len(self.shape) or any(w.step not in (None, 1) for w in window):
            raise GeometryError(
                f"crop: expected {len(self.shape)} slices of step 1, got {list(window)}"
            )
        ends = [w.indices(n)[:2] for w, n in zip(window, self.shape, strict=True)]
        ends = [(first, max(first, last)) for first, last in ends]
        shape = tuple(last - first for first, last in ends)
        return Spans._trusted(*crop_runs(self._runs, self.shape, ends), shape)

    def shift(self, *steps: SupportsIndex) -> Spans:
        """Move the region by whole pixels; what leaves the image is dropped.

        Parameters
        ----------
        *steps : int
            Pixels along each axis, (..., rows, columns); positive is down and to the right.

        Raises
        ------
        GeometryError
            On a wrong number of steps, or steps that are no integers.

        Examples
        --------
        >>> Spans([0], [1], [3], [1], (2, 4)).shift(1, 2).to_mask().astype(int).tolist()
        [[0, 0, 0, 0], [0, 0, 0, 1]]
        """
        try:
            moves = [operator.index(step) for step in steps]
        except TypeError:
            moves = []
        if len(moves) != len(self.shape):
            raise GeometryError(f"shift: expected {len(self.shape)} integers, got {list(steps)}")
        return Spans._trusted(*shift_runs(self._runs, self.shape, moves), self.shape)

    def to_mask(self, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Paint a mask: 1 where a pixel belongs to the region, whatever its weight, 0 elsewhere.

        Parameters
        ----------
        out : ndarray of bool or uint8, optional
            A C-contiguous array of `shape` to overwrite and return, to save its allocation.

        Returns
        -------
        ndarray of bool
            Of `shape`, or `out`.

        Raises
        ------
        GeometryError
            When `out` has another shape, type or layout, or is read-only.
        """
        from imageregion._kernels.runs import paint_mask

        mask: NDArray[Any] = np.zeros(self.shape, np.bool_) if out is None else self._cleared(out)
        tall = mask.view(np.uint8).reshape(math.prod(self.shape[:-1]), self.shape[-1])
        paint_mask(tall, self.row, self.start, self.stop)
        return mask

    def to_coverage(self) -> FloatArray:
        """Return a float64 array of `shape` with the weight of each pixel, 0 outside."""
        from imageregion._kernels.runs import paint

        image = np.zeros(self.shape)
        tall = image.reshape(math.prod(self.shape[:-1]), self.shape[-1])
        paint(tall, self.row, self.start, self.stop, self.weight)
        return image

    def _cleared(self, out: NDArray[Any]) -> NDArray[Any]:
        fits = out.shape == self.shape and out.dtype in (np.bool_, np.uint8)
        if not (fits and out.flags.c_contiguous and out.flags.writeable):
            raise GeometryError(
                f"out: expected a writeable C-contiguous array of bool or uint8 of shape "
                f"{self.shape}, got {out.dtype} of shape {out.shape}"
            )
        out.fill(0)
        return out

    @property
    def _runs(self) -> WeightedRuns:
        return self.row, self.start, self.stop, self.weight

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spans):
            return NotImplemented
        if self.shape != other.shape:
            return False
        pairs = zip(join_runs(*self._runs), join_runs(*other._runs), strict=True)
        return all(np.array_equal(mine, its) for mine, its in pairs)

    def __hash__(self) -> int:
        return hash((self.shape, *(field.tobytes() for field in join_runs(*self._runs))))

    def __or__(self, other: Spans) -> Spans:
        return _select(self, other, "union") if isinstance(other, Spans) else NotImplemented

    def __and__(self, other: Spans) -> Spans:
        return _select(self, other, "intersection") if isinstance(other, Spans) else NotImplemented

    def __sub__(self, other: Spans) -> Spans:
        return _select(self, other, "difference") if isinstance(other, Spans) else NotImplemented

    def __xor__(self, other: Spans) -> Spans:
        return _select(self, other, "xor") if isinstance(other, Spans) else NotImplemented

    def __invert__(self) -> Spans:
        return _select(Spans.full(self.shape), self, "difference")

    def __repr__(self) -> str:
        return f"Spans({len(self.row)} runs, {self.count} pixels of {self.shape})"


_WANTED = {  # pixels of the first operand only, of the second only, of both
    "union": (True, True, True),
    "intersection": (False, False, True),
    "difference": (True, False, False),
    "xor": (True, True, False),
}


def combine_spans(parts: Sequence[Spans], operation: SetOperation) -> Spans:
    """Combine whole-pixel spans on one image.

    Parameters
    ----------
    parts : sequence of Spans
        At least one; all of one shape, every weight 1.
    operation : {"union", "intersection", "difference", "xor"}
        A pixel belongs to the result when any, all, only the first, or an odd number of `parts`
        cover it. With two parts this is ``a | b``, ``a & b``, ``a - b`` and ``a ^ b``.

    Raises
    ------
    GeometryError
        On no parts, differing shapes, partial weights or an unknown operation. What partial
        weights of two shapes have in common cannot be known from the weights: combine the shapes
        first, with `imageregion.combine`, and rasterize the result.

    Examples
    --------
    >>> a, b = Spans([0], [0], [3], [1], (1, 5)), Spans([0], [2], [5], [1], (1, 5))
    >>> combine_spans([a, b], "xor").to_mask().astype(int).tolist()
    [[1, 1, 0, 1, 1]]
    """
    if operation not in _WANTED:
        raise GeometryError(f"operation: expected one of {list(_WANTED)}, got {operation!r}")
    if not parts:
        raise GeometryError("combine_spans: expected at least one part, got none")
    if operation == "difference":
        first, *others = parts
        return _select(first, combine_spans(others, "union"), operation) if others else first
    _check_sets(parts, operation)
    layer = list(parts)
    while len(layer) > 1:  # pairs of pairs, so that no run is swept more than log2(parts) times
        pairs = zip(layer[::2], layer[1::2], strict=False)
        layer = [*(_select(a, b, operation) for a, b in pairs), *layer[len(layer) & ~1 :]]
    return layer[0]


def _select(a: Spans, b: Spans, operation: SetOperation) -> Spans:
    from imageregion._kernels.sweep import select

    _check_sets((a, b), operation)
    runs = select(a.row, a.start, a.stop, b.row, b.start, b.stop, *_WANTED[operation])
    return Spans._of(runs, a.shape)


def _check_sets(parts: Sequence[Spans], operation: SetOperation) -> None:
    if any(part.shape != parts[0].shape for part in parts):
        raise GeometryError(
            f"{operation}: expected spans of one image shape, got {[p.shape for p in parts]}"
        )
    if not all(part.is_whole for part in parts):
        raise GeometryError(
            f"{operation}: expected whole pixels, got partial weights; combine the shapes first, "
            f'with imageregion.combine(shapes, "{operation}"), and rasterize the result'
        )
