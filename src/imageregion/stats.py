"""Statistics of the pixels under spans, from the distribution of their values.

A `Statistics` holds every distinct value and how many pixels have it. That is a sufficient
statistic: it adds exactly over frames, gives every first-order statistic, and stored values are
mapped to real values one distinct value at a time, not pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, IntArray, as_floats, read_only
from imageregion.errors import GeometryError
from imageregion.spans import Spans

__all__ = ["Statistics", "summarize"]


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """The distribution of pixel values in a region.

    With distinct values x_i on n_i pixels each and N = sum n_i:

    ========  =====================================================================
    count     N
    sum       sum n_i x_i
    mean      sum / N
    variance  sum n_i (x_i - mean)^2 / N  (population; IBSI ECT3)
    std       sqrt(variance)
    min, max  lowest and highest x_i
    quantile  linear interpolation between order statistics at (N - 1) q
    ========  =====================================================================

    Every statistic of an empty region but count and sum is None.

    Parameters
    ----------
    values : array_like, shape (N,)
        Distinct finite values, ascending.
    counts : array_like of int, shape (N,)
        Pixels per value, at least 1.
    excluded : int
        Pixels of the region left out because they are padding or not a number.

    Examples
    --------
    >>> left, right = Statistics.of([1, 1, 4]), Statistics.of([2])
    >>> (left + right).mean, (left + right).median
    (2.0, 1.5)
    """

    values: FloatArray
    counts: IntArray
    excluded: int = 0

    def __init__(self, values: ArrayLike, counts: ArrayLike, excluded: int = 0) -> None:
        distinct = as_floats(values, (None,), "Statistics values")
        pixels = np.array(counts, dtype=np.int64)
        if pixels.shape != distinct.shape or (pixels < 1).any():
            raise GeometryError("Statistics counts: expected one count >= 1 per value")
        if (np.diff(distinct) <= 0).any():
            raise GeometryError("Statistics values: expected distinct values, ascending")
        object.__setattr__(self, "values", distinct)
        object.__setattr__(self, "counts", read_only(pixels))
        object.__setattr__(self, "excluded", int(excluded))

    @classmethod
    def of(cls, values: ArrayLike, excluded: int = 0) -> Statistics:
        """Summarize plain values; those that are not finite are left out and counted."""
        array = np.asarray(values, dtype=np.float64).reshape(-1)
        finite = array[np.isfinite(array)]
        distinct, counts = np.unique(finite, return_counts=True)
        return cls(distinct, counts, excluded + len(array) - len(finite))

    def __add__(self, other: Statistics) -> Statistics:
        """Statistics of both sets of pixels together, exactly."""
        values = np.concatenate([self.values, other.values])
        counts = np.concatenate([self.counts, other.counts])
        return _merged(values, counts, self.excluded + other.excluded)

    @property
    def count(self) -> int:
        """Number of pixels that have a value."""
        return int(self.counts.sum())

    @property
    def sum(self) -> float:
        """Sum of all values; 0 for an empty region."""
        return float((self.values * self.counts).sum())

    @property
    def mean(self) -> float | None:
        """Arithmetic mean (IBSI Q4LE)."""
        if not self.count:
            return None
        return float(np.clip(self.sum / self.count, self.values[0], self.values[-1]))

    @property
    def variance(self) -> float | None:
        """Population variance (IBSI ECT3)."""
        mean = self.mean
        if mean is None:
            return None
        return float(((self.values - mean) ** 2 * self.counts).sum() / self.count)

    @property
    def std(self) -> float | None:
        """Population standard deviation."""
        variance = self.variance
        return None if variance is None else float(np.sqrt(variance))

    @property
    def min(self) -> float | None:
        """Lowest value (IBSI 1GSF)."""
        return float(self.values[0]) if self.count else None

    @property
    def max(self) -> float | None:
        """Highest value (IBSI 84IY)."""
        return float(self.values[-1]) if self.count else None

    @property
    def median(self) -> float | None:
        """Middle value, or the mean of the two middle values (IBSI Y12H)."""
        return self.quantile(0.5)

    def quantile(self, q: float) -> float | None:
        """Return the value below which a share `q` of the pixels lies.

        Parameters
        ----------
        q : float
            Between 0 and 1. Linear interpolation between the order statistics around
            ``(count - 1) * q``, as ``numpy.quantile(..., method="linear")``.

        Raises
        ------
        GeometryError
            When `q` is not between 0 and 1.
        """
        if not 0 <= q <= 1:
            raise GeometryError(f"quantile: expected 0 <= q <= 1, got {q}")
        if not self.count:
            return None
        position = (self.count - 1) * q
        below = int(np.floor(position))
        upto = np.cumsum(self.counts)
        low, high = self.values[np.searchsorted(upto, [below, below + (position > below)], "right")]
        return float(low + (high - low) * (position - below))


def summarize(
    spans: Spans,
    pixels: NDArray[Any],
    *,
    value_map: Callable[[NDArray[Any]], FloatArray] | None = None,
    is_padding: Callable[[NDArray[Any]], NDArray[np.bool_]] | None = None,
) -> Statistics:
    """Summarize the pixel values under spans.

    Parameters
    ----------
    spans : Spans
        Of whole pixels.
    pixels : ndarray of numbers, the shape of the spans
        Real values; NaN and infinities are left out and counted. Or stored values, together with:
    value_map : callable, optional
        From an array of stored values to real values.
    is_padding : callable, optional
        From an array of stored values to booleans; padding is left out and counted.

    Raises
    ------
    GeometryError
        When the shapes differ or spans carry partial weights.

    Examples
    --------
    >>> spans = Spans([0, 1], [0, 1], [2, 2], [1, 1], (2, 2))
    >>> summarize(spans, np.array([[1.0, 2.0], [9.0, 6.0]])).mean
    3.0
    """
    array = np.asarray(pixels)
    if array.shape != spans.shape or array.dtype.kind not in "iuf":
        raise GeometryError(
            f"pixels: expected numbers of shape {spans.shape}, got dtype {array.dtype} of shape "
            f"{array.shape}"
        )
    if not spans.is_whole:
        raise GeometryError("spans: expected whole pixels, got partial weights")
    stored, counts = _distribution(_under(spans, array))
    kept = np.ones(len(stored), dtype=np.bool_) if is_padding is None else ~is_padding(stored)
    values = np.asarray(stored if value_map is None else value_map(stored), dtype=np.float64)
    kept &= np.isfinite(values)
    return _merged(values[kept], counts[kept], int(counts[~kept].sum()))


def _under(spans: Spans, array: NDArray[Any]) -> NDArray[Any]:
    from imageregion._kernels.runs import gather

    flat = array.reshape(-1, array.shape[-1])
    native = np.ascontiguousarray(flat, dtype=flat.dtype.newbyteorder("="))
    return np.asarray(gather(native, spans.row, spans.start, spans.stop))


def _distribution(values: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    """Distinct values, ascending, and how often each occurs."""
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2 and len(values):
        low = int(values.min())
        counts = np.bincount(values.astype(np.int64) - low)
        present = np.flatnonzero(counts)
        return present + low, counts[present]
    return np.unique(values, return_counts=True)


def _merged(values: FloatArray, counts: IntArray, excluded: int) -> Statistics:
    """Statistics from values in any order, equal ones joined."""
    distinct, place = np.unique(values, return_inverse=True)
    joined = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(joined, place, counts)
    return Statistics(distinct, joined, excluded)
