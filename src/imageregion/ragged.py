"""Ragged arrays: many regions of one image as flat arrays, without an object per region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, IntArray, as_floats, read_only
from imageregion.errors import GeometryError
from imageregion.shapes import FillRule
from imageregion.spans import Spans

__all__ = ["EllipseArray", "PolygonArray", "RaggedSpans"]


@dataclass(frozen=True, slots=True, eq=False)
class RaggedSpans:
    """The pixels of many regions on one image; regions may overlap.

    Parameters
    ----------
    row, start, stop, weight : ndarray, shape (N,)
        Runs as in `Spans`, sorted within each region.
    offsets : ndarray of int64, shape (regions + 1,)
        Region i owns the runs ``offsets[i]`` up to but not including ``offsets[i + 1]``.
    shape : tuple of int
        (rows, columns).
    """

    row: IntArray
    start: IntArray
    stop: IntArray
    weight: FloatArray
    offsets: IntArray
    shape: tuple[int, int]

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self.offsets) - 1

    def __getitem__(self, region: int) -> Spans:
        """Return the spans of one region."""
        if not -len(self) <= region < len(self):
            raise IndexError(f"region: expected below {len(self)}, got {region}")
        first = region % len(self)
        one = slice(self.offsets[first], self.offsets[first + 1])
        return Spans(
            self.row[one], self.start[one], self.stop[one], self.weight[one], self.shape
        )

    def __iter__(self) -> Iterator[Spans]:
        """Yield the spans of every region."""
        return (self[region] for region in range(len(self)))
