"""The distribution of pixel values: what a region is summarized as."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from imageregion._arrays import (
    FloatArray,
    IntArray,
    as_counts,
    as_floats,
    as_numbers,
    is_number,
    is_whole,
    read_only,
)
from imageregion.errors import GeometryError
from imageregion.statistics.first_order import FirstOrder
from imageregion.statistics.histogram import Histogram, fixed_number_bins, fixed_size_bins

__all__ = ["Statistics"]


@dataclass(frozen=True, slots=True, eq=False)
class Statistics(FirstOrder):
    """The distribution of pixel values in a region, each pixel with its weight.

    With distinct values x_i on n_i pixels of weight w_i together (w_i = n_i for whole pixels) and
    W = sum w_i:

    ==============================  ==========================================  ====
    count                           sum n_i
    weight                          W
    sum                             sum w_i x_i
    mean                            sum / W                                     Q4LE
    variance                        sum w_i (x_i - mean)^2 / W                  ECT3
    std                             sqrt(variance)
    skewness                        sum w_i ((x_i - mean) / std)^3 / W          KE2A
    kurtosis                        sum w_i ((x_i - mean) / std)^4 / W - 3      IPH6
    min, max                        lowest and highest x_i                      1GSF, 84IY
    range                           max - min                                   2OJQ
    mode                            x_i of the largest w_i
    quantile, p10, ..., median      see `quantile`                              Y12H, QG58, 8DWT
    interquartile_range             p75 - p25                                   SALO
    quartile_dispersion             (p75 - p25) / (p75 + p25)                   9S40
    mean_absolute_deviation         sum w_i abs(x_i - mean) / W                 4FUA
    robust_mean_absolute_deviation  the same of p10 <= x_i <= p90               1128
    median_absolute_deviation       sum w_i abs(x_i - median) / W               N72L
    coefficient_of_variation        std / mean                                  7TET
    energy                          sum w_i x_i^2                               N8CA
    root_mean_square                sqrt(energy / W)                            5ZWQ
    ==============================  ==========================================  ====

    The identifiers are those of IBSI. Where a statistic is not defined it is None: all but count,
    weight and sum of an empty region; skewness and kurtosis of a constant one; quotients by zero;
    the robust deviation when no value lies from p10 to p90, as of two pixels; and what lies beyond
    the range of float64.

    Parameters
    ----------
    values : array_like, shape (N,)
        Distinct finite values, ascending.
    counts : array_like of int, shape (N,)
        Pixels per value, at least 1.
    excluded : int
        Pixels of the region left out because they are padding or not a number.
    weights : array_like, shape (N,), optional
        Weight of these pixels together, above 0; `counts` unless given.
    outside : int
        Pixels of the region left out because their value is outside a range that was asked for.

    Examples
    --------
    >>> left, right = Statistics.of([1, 1, 4]), Statistics.of([2])
    >>> (left + right).mean, (left + right).median
    (2.0, 1.5)
    """

    values: FloatArray
    counts: IntArray
    weights: FloatArray
    excluded: int = 0
    outside: int = 0
    _memo: list[list[float]] = field(default_factory=list, repr=False)

    def __init__(
        self,
        values: ArrayLike,
        counts: ArrayLike,
        excluded: int = 0,
        weights: ArrayLike | None = None,
        outside: int = 0,
    ) -> None:
        distinct = as_floats(values, (None,), "Statistics values")
        pixels = as_counts(counts, "Statistics counts")
        if pixels.shape != distinct.shape or (pixels < 1).any():
            raise GeometryError("Statistics counts: expected one count >= 1 per value")
        if (distinct[1:] <= distinct[:-1]).any():
            raise GeometryError("Statistics values: expected distinct values, ascending")
        shares = as_floats(pixels if weights is None else weights, (None,), "Statistics weights")
        if shares.shape != distinct.shape or (shares <= 0).any():
            raise GeometryError("Statistics weights: expected one weight > 0 per value")
        left_out = _left_out(excluded, "excluded"), _left_out(outside, "outside")
        _fill(self, distinct, pixels, shares, *left_out)

    @classmethod
    def of(cls, values: ArrayLike, excluded: int = 0) -> Statistics:
        """Summarize plain values; those that are not finite are left out and counted.

        Raises
        ------
        GeometryError
            When the values are no numbers, or `excluded` is no whole number, at least 0.
        """
        array = as_numbers(values, "Statistics values").astype(np.float64).reshape(-1)
        finite = array[np.isfinite(array)] + 0.0  # minus zero becomes zero
        distinct, counts = np.unique(finite, return_counts=True)
        weights = counts.astype(np.float64)
        excluded = _left_out(excluded, "excluded") + len(array) - len(finite)
        return cls._trusted(distinct, counts, weights, excluded)

    @classmethod
    def _trusted(
        cls,
        values: FloatArray,
        counts: IntArray,
        weights: FloatArray,
        excluded: int,
        outside: int = 0,
    ) -> Statistics:
        """Make statistics of arrays that are known to be right and that nobody else changes."""
        made = object.__new__(cls)
        _fill(made, values, counts, weights, excluded, outside)
        return made

    @classmethod
    def _merged(
        cls,
        values: FloatArray,
        counts: IntArray,
        weights: FloatArray,
        excluded: int,
        outside: int = 0,
    ) -> Statistics:
        """Make statistics of values in any order, equal ones joined in that order."""
        distinct, place = np.unique(values, return_inverse=True)
        joined = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(joined, place, counts)
        shares = np.bincount(place, weights, len(distinct)).astype(np.float64, copy=False)
        return cls._trusted(distinct, joined, shares, excluded, outside)

    def __add__(self, other: Statistics) -> Statistics:
        """Statistics of both sets of pixels together.

        Values and counts add exactly, and so do the weights of whole pixels: then the order of
        adding does not matter. Weights of partial pixels add up to rounding.
        """
        if not isinstance(other, Statistics):
            return NotImplemented
        values = np.concatenate([self.values, other.values])
        counts = np.concatenate([self.counts, other.counts])
        weights = np.concatenate([self.weights, other.weights])
        outside = self.outside + other.outside
        return Statistics._merged(values, counts, weights, self.excluded + other.excluded, outside)

    def resegmented(self, low: float | None = None, high: float | None = None) -> Statistics:
        """Keep the values from `low` to `high`, both inclusive (IBSI range re-segmentation).

        What is left out is counted in `outside`, apart from padding.

        Parameters
        ----------
        low, high : float, optional
            An end that is None is open.

        Raises
        ------
        GeometryError
            When an end is not a number or `low` is above `high`.

        Examples
        --------
        >>> kept = Statistics.of([-1000, 20, 40, 3000]).resegmented(-500, 400)
        >>> kept.mean, kept.outside
        (30.0, 2)
        """
        lowest, highest = -np.inf if low is None else low, np.inf if high is None else high
        if not (is_number(lowest) and is_number(highest) and lowest <= highest):
            raise GeometryError(f"resegmented: expected low <= high, got {low!r} and {high!r}")
        first, last = self.values.searchsorted(lowest), self.values.searchsorted(highest, "right")
        kept = slice(first, last)
        counts = self.counts[kept]
        outside = self.outside + self.count - int(counts.sum())
        return Statistics._trusted(
            self.values[kept], counts, self.weights[kept], self.excluded, outside
        )

    def without_outliers(self, sigmas: float = 3.0) -> Statistics:
        """Keep the values within mean +- sigmas * std, both inclusive (IBSI outlier filtering).

        Mean and population standard deviation are those of all values. Both are rounded, so the
        limits are widened by 4 units in the last place of the farther one: values on a limit stay.
        What is left out is counted in `outside`, apart from padding.

        Parameters
        ----------
        sigmas : float
            At least 0.

        Raises
        ------
        GeometryError
            When `sigmas` is below 0 or not a number.

        Examples
        --------
        >>> kept = Statistics.of([*[0] * 10, 1000]).without_outliers()
        >>> kept.max, kept.outside
        (0.0, 1)
        """
        if not is_number(sigmas) or not sigmas >= 0:
            raise GeometryError(f"without_outliers: expected sigmas >= 0, got {sigmas!r}")
        mean, std = self.mean, self.std
        if mean is None or not std:
            return self
        reach = float(sigmas) * std
        slack = 4 * math.ulp(min(abs(mean) + reach, sys.float_info.max))
        return self.resegmented(mean - reach - slack, mean + reach + slack)

    def discretize(
        self,
        *,
        width: float | None = None,
        lower: float | None = None,
        upper: float | None = None,
        bins: int | None = None,
    ) -> Histogram:
        """Sort the values into bins of one width.

        Parameters
        ----------
        width, lower : float
            Fixed bin size (IBSI FBS): x is in bin floor((x - lower) / width) + 1. IBSI takes as
            `lower` the lower end of the re-segmentation range, or else the lowest value.
        upper : float, optional
            With `width`: bins reach at least this far, be there pixels or not.
        bins : int
            Fixed bin number (IBSI FBN), instead of `width` and `lower`: x is in bin
            floor(bins * (x - min) / (max - min)) + 1, the maximum in the last. Of one value only,
            there is one bin.

        Raises
        ------
        GeometryError
            Unless either `width` and `lower` or `bins` are given; when a value is below `lower`; on
            more than 2**24 bins.

        Examples
        --------
        >>> Statistics.of([0, 1, 2, 3, 4]).discretize(bins=2).pixels.tolist()
        [2, 3]
        """
        if bins is not None and width is None and lower is None and upper is None:
            place, step = fixed_number_bins(self.values, bins)
            number, first = bins if step else 1, self.min or 0.0
            return self._binned(place, number, first, step, "fixed-number")
        if bins is None and width is not None and lower is not None:
            place, number = fixed_size_bins(self.values, width, lower, upper)
            return self._binned(place, number, lower, width, "fixed-size")
        raise GeometryError("discretize: expected either width and lower, or bins")

    def _binned(
        self, place: IntArray, number: int, lower: float, width: float, binning: Any
    ) -> Histogram:
        pixels = np.zeros(number, dtype=np.int64)
        np.add.at(pixels, place, self.counts)
        weights = np.bincount(place, self.weights, number)
        return Histogram(pixels, weights, lower, width, binning)


def _left_out(pixels: int, what: str) -> int:
    if not is_whole(pixels) or pixels < 0:
        raise GeometryError(f"{what}: expected a whole number of pixels >= 0, got {pixels!r}")
    return int(pixels)


def _fill(
    made: Statistics,
    values: FloatArray,
    counts: IntArray,
    weights: FloatArray,
    excluded: int,
    outside: int,
) -> None:
    put = object.__setattr__
    put(made, "values", read_only(values))
    put(made, "counts", read_only(counts))
    put(made, "weights", read_only(weights))
    put(made, "excluded", excluded)
    put(made, "outside", outside)
    put(made, "_memo", [])
