"""Statistics of the pixels under spans, from the distribution of their values.

A `Statistics` holds every distinct value, how many pixels have it, and their weight. That is a
sufficient statistic: it adds over tiles and frames, gives every first-order statistic, and stored
values are mapped to real values one distinct value at a time, not pixel by pixel.

A worked example: a disc covers the upper left pixel of a 2 x 2 image wholly, its neighbours by a
half, and the last pixel by a quarter::

    value   4  2    weight  1    0.5
            2  8            0.5  0.25

W = 1 + 0.5 + 0.5 + 0.25 = 2.25 pixels. The mean is (4 + 0.5 * 2 + 0.5 * 2 + 0.25 * 8) / 2.25 =
8 / 2.25, the variance (1 * (4 - mean)^2 + (0.5 + 0.5) * (2 - mean)^2 + 0.25 * (8 - mean)^2) / 2.25.
Laid side by side by value, 2 covers [0, 1], 4 covers [1, 2] and 8 covers [2, 2.25]; the median is
the mean over [(W - 1) / 2, (W - 1) / 2 + 1] = [0.625, 1.625], which is 0.375 * 2 + 0.625 * 4.

>>> coverage = Spans([0, 0, 1, 1], [0, 1, 0, 1], [1, 2, 1, 2], [1, 0.5, 0.5, 0.25], (2, 2))
>>> stats = summarize(coverage, np.array([[4, 2], [2, 8]]))
>>> stats.values.tolist(), stats.counts.tolist(), stats.weights.tolist()
([2.0, 4.0, 8.0], [2, 1, 1], [1.0, 1.0, 0.25])
>>> stats.count, stats.weight, stats.sum
(4, 2.25, 8.0)
>>> round(stats.mean, 6), round(stats.variance, 6), stats.median
(3.555556, 3.358025, 3.25)
>>> stats.min, stats.max, stats.range, stats.mode
(2.0, 8.0, 6.0, 4.0)
>>> stats.energy, round(stats.root_mean_square, 6), round(stats.coefficient_of_variation, 6)
(36.0, 4.0, 0.515388)

The same pixels, all whole:

>>> stats = summarize(Spans.full((2, 2)), np.array([[4, 2], [2, 8]]))
>>> stats.mean, stats.variance, stats.median, stats.p10, stats.interquartile_range
(4.0, 6.0, 3.0, 2.0, 3.0)
>>> stats.mean_absolute_deviation, stats.median_absolute_deviation
(2.0, 2.0)
>>> histogram = stats.discretize(width=2, lower=2)
>>> histogram.pixels.tolist(), histogram.entropy, histogram.uniformity
([2, 1, 0, 1], 1.5, 0.375)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray, IntArray
from imageregion.errors import GeometryError
from imageregion.quantities import LinearMap
from imageregion.spans import Spans
from imageregion.statistics.distribution import Statistics
from imageregion.statistics.moments import Moments, in_range, mapped, sum_up
from imageregion.statistics.pixels import (
    IsPadding,
    MapValues,
    as_stored,
    check_options,
    flat_pixels,
    is_padding_of,
    pixels_under,
)
from imageregion.statistics.table import summarize_many

__all__ = ["Moments", "Statistics", "moments", "summarize", "summarize_many"]

_PER_PIXEL = 16  # a table may have this many entries per pixel before sorting is cheaper
_TABLE = 1 << 18  # entries of a table, so that memory stays bounded
_COUNTERS = 1 << 32  # pixels a table can count
_FEW = 4096  # pixels up to which our own sort, with less to set up, beats that of numpy


def summarize(
    spans: Spans,
    pixels: NDArray[Any],
    *,
    value_map: MapValues | None = None,
    is_padding: IsPadding | None = None,
) -> Statistics:
    """Summarize the pixel values under spans.

    Parameters
    ----------
    spans : Spans
        Weights may be partial.
    pixels : ndarray of numbers, the shape of the spans
        Real values; NaN and infinities are left out and counted. Or stored values, together with:
    value_map : callable, optional
        From an array of stored values to real values.
    is_padding : tuple of float or callable, optional
        The lowest and highest stored value that is padding, both inclusive, as in `Frame.padding`;
        or a function from an array of stored values to booleans. Padding is left out and counted.

    Raises
    ------
    GeometryError
        When the shapes differ, or an argument is of the wrong type.

    Examples
    --------
    >>> spans = Spans([0, 1], [0, 1], [2, 2], [1, 1], (2, 2))
    >>> summarize(spans, np.array([[1.0, 2.0], [9.0, 6.0]])).mean
    3.0
    """
    _check(spans, value_map, is_padding)
    flat = flat_pixels(pixels, spans.shape)
    stored, counts, weights, excluded = _distribution(spans, flat)
    if value_map is None and is_padding is None and flat.dtype.kind in "iu":
        kept = None
    else:
        kept = ~is_padding_of(is_padding, stored)
    values = np.asarray(stored if value_map is None else value_map(stored), dtype=np.float64)
    if value_map is not None and kept is not None:
        kept &= np.isfinite(values)
    if kept is not None and not kept.all():
        excluded += int(counts[~kept].sum())
        values, counts, weights = values[kept], counts[kept], weights[kept]
    if (values[1:] > values[:-1]).all():
        return Statistics._trusted(values, counts, weights, excluded)
    return Statistics._merged(values, counts, weights, excluded)


def moments(
    spans: Spans,
    pixels: NDArray[Any],
    *,
    value_map: MapValues | None = None,
    is_padding: IsPadding | None = None,
) -> Moments:
    """Sum up the pixel values under spans in one pass, without keeping their distribution.

    Integers of up to 32 bits add up exactly, whatever their number; a `LinearMap` is applied to
    the result. Floats, and integers of 64 bits, are added as float64 about the mean of each block
    of 2048. Memory does not depend on the region.

    Parameters
    ----------
    spans : Spans
        Weights may be partial.
    pixels : ndarray of numbers, the shape of the spans
        Real values; NaN and infinities are left out and counted. Or stored values, together with:
    value_map : LinearMap or callable, optional
        From an array of stored values to real values. Maps other than `LinearMap` cannot be
        applied to moments: the distribution is made first.
    is_padding : tuple of float or callable, optional
        The lowest and highest stored value that is padding, both inclusive, as in `Frame.padding`;
        or a function from an array of stored values to booleans, for which the distribution is
        made first. Padding is left out and counted.

    Raises
    ------
    GeometryError
        When the shapes differ, or an argument is of the wrong type.

    Examples
    --------
    >>> spans = Spans([0, 1], [0, 1], [2, 2], [1, 0.5], (2, 2))
    >>> found = moments(spans, np.array([[1, 2], [9, 6]]))
    >>> found.count, found.weight, found.mean
    (3, 2.5, 2.4)
    """
    _check(spans, value_map, is_padding)
    linear = value_map is None or isinstance(value_map, LinearMap)
    if linear and (is_padding is None or isinstance(is_padding, tuple)):
        found = sum_up(spans, flat_pixels(pixels, spans.shape), is_padding)
        if isinstance(value_map, LinearMap):
            found = mapped(found, value_map)
        if in_range(found):
            return found
    return Moments.of(summarize(spans, pixels, value_map=value_map, is_padding=is_padding))


def _check(spans: Spans, value_map: MapValues | None, is_padding: IsPadding | None) -> None:
    if not isinstance(spans, Spans):
        raise GeometryError(f"spans: expected Spans, got {type(spans).__name__}")
    check_options(value_map, is_padding)


_Distribution = tuple[NDArray[Any], IntArray, FloatArray, int]
"""Distinct stored values, ascending; pixels and weight of each; pixels that are not finite."""


def _distribution(spans: Spans, flat: NDArray[Any]) -> _Distribution:
    """Count in a table where the range allows, else sort; all ways give the same bits."""
    from imageregion._kernels.ordering import sort_distinct
    from imageregion._kernels.tally import extent, tally

    given = flat, spans.shape[-1], spans.row, spans.start, spans.stop, spans.weight
    if flat.dtype.kind in "iu" and flat.dtype != np.uint64 and len(spans.row):
        count, low, high, partial = (int(x) for x in extent(*given))
        if high - low < min(_PER_PIXEL * count, _TABLE) and count < _COUNTERS:
            return (*tally(*given, low, high - low + 1, bool(partial)), 0)
    else:
        count = spans.count
    if count > _FEW:
        return _sorted(spans, flat)
    offsets = np.array([0, len(spans.row)], dtype=np.int64)
    stored, counts, weights, _, excluded = sort_distinct(*given, offsets)
    return as_stored(stored), counts, weights, int(excluded[0])


def _sorted(spans: Spans, flat: NDArray[Any]) -> _Distribution:
    values = pixels_under(spans, flat)
    size = len(values)
    if flat.dtype.kind == "f":
        values = values[np.isfinite(values)]
    values.sort()
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1])[: len(values)])
    stored = as_stored(values[first])
    counts = np.diff(first, append=len(values))
    weights = counts.astype(np.float64)
    partial = spans.weight != 1.0
    if partial.any():
        cut = pixels_under(spans, flat, partial)
        share = np.repeat(spans.weight[partial], (spans.stop - spans.start)[partial])
        finite = np.isfinite(cut)
        place = np.searchsorted(stored, cut[finite])
        shares = np.bincount(place, share[finite], len(stored))
        weights = weights - np.bincount(place, minlength=len(stored)) + shares
    return stored, counts, weights, size - len(values)
