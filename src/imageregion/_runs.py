"""Runs as plain arrays: found in images, checked, put in order, joined, cropped, moved.

A run is (row, start, stop): columns start up to but not including stop of one row, where `row`
counts over all leading axes of the image. Arrays in, arrays out.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, IntArray
from imageregion.errors import GeometryError

__all__ = [
    "Runs",
    "WeightedRuns",
    "as_integers",
    "as_shape",
    "check_order",
    "check_runs",
    "crop_runs",
    "join_runs",
    "label_runs",
    "mask_runs",
    "order_runs",
    "shift_runs",
]

Runs: TypeAlias = tuple[IntArray, IntArray, IntArray]
"""Row, start and stop of runs."""

WeightedRuns: TypeAlias = tuple[IntArray, IntArray, IntArray, FloatArray]
"""Row, start, stop and weight of runs."""

_MOST_PIXELS = 1 << 61  # places of pixels, and of row ends between them, still count in int64


def as_integers(value: ArrayLike, what: str) -> IntArray:
    """Copy `value` into a flat int64 array; anything but whole numbers is refused."""
    try:
        array: NDArray[Any] = np.array(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise GeometryError(f"{what}: expected integers: {error}") from None
    if array.dtype.kind not in "iu" and array.size:
        raise GeometryError(f"{what}: expected integers, got dtype {array.dtype}")
    return array.astype(np.int64, copy=False).reshape(-1)


def as_shape(value: Sequence[int], what: str) -> tuple[int, ...]:
    """Return the shape of an image, (..., rows, columns), as plain integers."""
    try:
        shape = tuple(operator.index(n) for n in value)
    except TypeError:
        shape = ()
    if len(shape) < 2 or min(shape) < 0:
        raise GeometryError(f"{what}: expected a shape (..., rows, columns), got {str(value)[:60]}")
    if math.prod(shape) > _MOST_PIXELS:
        raise GeometryError(f"{what}: expected at most 2**61 pixels, got shape {str(shape)[:60]}")
    return shape


def check_runs(row: IntArray, start: IntArray, stop: IntArray, shape: tuple[int, ...]) -> None:
    """Raise GeometryError unless every run lies inside the image and covers a pixel."""
    if not len(row) == len(start) == len(stop):
        raise GeometryError("Spans: expected row, start, stop and weight of one length")
    if not len(row):
        return
    rows, columns = math.prod(shape[:-1]), shape[-1]
    if row.min() < 0 or row.max() >= rows or start.min() < 0 or stop.max() > columns:
        raise GeometryError(f"Spans: expected runs inside an image of shape {shape}")
    if (start >= stop).any():
        raise GeometryError("Spans: expected start < stop in every run")


def check_order(row: IntArray, start: IntArray, stop: IntArray, weight: FloatArray) -> None:
    """Raise GeometryError unless runs are sorted, disjoint and count for something."""
    if len(weight) != len(row):
        raise GeometryError("Spans: expected row, start, stop and weight of one length")
    later = (row[1:] > row[:-1]) | ((row[1:] == row[:-1]) & (start[1:] >= stop[:-1]))
    if not later.all():
        raise GeometryError("Spans: expected runs sorted by row and start, without overlap")
    if not (weight > 0).all():
        raise GeometryError("Spans: expected weights above 0")


def join_runs(row: IntArray, start: IntArray, stop: IntArray, weight: FloatArray) -> WeightedRuns:
    """Join sorted, disjoint runs that touch in one row and have the same weight."""
    apart = (row[1:] != row[:-1]) | (start[1:] != stop[:-1]) | (weight[1:] != weight[:-1])
    if apart.all():
        return row, start, stop, weight
    first, last = np.append(True, apart), np.append(apart, True)
    return row[first], start[first], stop[last], weight[first]


def order_runs(row: IntArray, start: IntArray, stop: IntArray, columns: int) -> Runs:
    """Sort runs that come in any order, and join those that overlap or touch."""
    pitch = columns + 1  # one unused column ends every row, so that runs never join across rows
    begin = row * pitch + start
    order = np.argsort(begin, kind="stable")
    begin, reach = begin[order], np.maximum.accumulate((row * pitch + stop)[order])
    apart = begin[1:] > reach[:-1]
    begin = begin[np.append(True, apart)[: len(begin)]]
    end = reach[np.append(apart, True)[: len(reach)]]
    row = begin // pitch
    return row, begin - row * pitch, end - row * pitch


def mask_runs(mask: NDArray[np.bool_]) -> Runs:
    """Find the runs of a mask of shape (rows, columns)."""
    rows, columns = mask.shape
    if not mask.size:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    change = np.empty((rows, columns + 1), dtype=np.bool_)
    change[:, 0], change[:, columns] = mask[:, 0], mask[:, columns - 1]
    np.not_equal(mask[:, 1:], mask[:, :-1], out=change[:, 1:columns])
    place = np.flatnonzero(change)
    begin, end = place[::2], place[1::2]
    row = begin // (columns + 1)
    return row, begin - row * (columns + 1), end - row * (columns + 1)


def label_runs(image: NDArray[Any]) -> tuple[Runs, NDArray[Any]]:
    """Find the runs of equal values of an image of shape (rows, columns), and their values."""
    rows, columns = image.shape
    first = np.ones((rows, columns), dtype=np.bool_)
    np.not_equal(image[:, 1:], image[:, :-1], out=first[:, 1:])
    place = np.flatnonzero(first)
    row = place // max(columns, 1)
    start = place - row * columns
    stop = np.append(start[1:], columns)[: len(start)]
    stop = np.where(stop == 0, columns, stop)
    return (row, start, stop), image[row, start]


def crop_runs(
    runs: WeightedRuns, shape: tuple[int, ...], window: Sequence[tuple[int, int]]
) -> WeightedRuns:
    """Keep what lies in a window of (first, stop) per axis, counted from the window's corner."""
    row, start, stop, weight = runs
    (*leading, (left, right)) = window
    start, stop = np.maximum(start, left) - left, np.minimum(stop, right) - left
    keep = start < stop
    place = np.zeros(len(row), dtype=np.int64)
    for index, (first, last) in zip(_unravel(row, shape[:-1]), leading, strict=True):
        keep &= (first <= index) & (index < last)
        place = place * (last - first) + index - first
    return place[keep], start[keep], stop[keep], weight[keep]


def shift_runs(runs: WeightedRuns, shape: tuple[int, ...], steps: Sequence[int]) -> WeightedRuns:
    """Move runs by whole pixels along each axis and drop what leaves the image."""
    row, start, stop, weight = runs
    *leading, right = (max(-n, min(n, step)) for n, step in zip(shape, steps, strict=True))
    start, stop = np.maximum(start + right, 0), np.minimum(stop + right, shape[-1])
    keep = start < stop
    place = np.zeros(len(row), dtype=np.int64)
    for index, step, length in zip(_unravel(row, shape[:-1]), leading, shape, strict=False):
        keep &= (index + step >= 0) & (index + step < length)
        place = place * length + index + step
    return place[keep], start[keep], stop[keep], weight[keep]


def _unravel(row: IntArray, leading: tuple[int, ...]) -> list[IntArray]:
    """Return the index along each leading axis."""
    indices = []
    for length in reversed(leading[1:]):
        indices.append(row % max(length, 1))
        row = row // max(length, 1)
    return [row, *reversed(indices)]
