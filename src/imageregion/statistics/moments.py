"""Moments: count, mean, spread and range of pixels, summed up in one pass.

`Statistics` keeps the whole distribution and answers every question; `Moments` keeps a handful of
numbers and is several times faster. Where both answer, they agree up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from imageregion.quantities import LinearMap
from imageregion.spans import Spans
from imageregion.statistics.distribution import Statistics
from imageregion.statistics.pixels import padding_bounds

__all__ = ["Moments", "in_range", "mapped", "sum_up"]


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean, spread and range of pixel values, each pixel with its weight.

    With values x_i of weight w_i (1 for whole pixels), W = sum w_i:

    ========  ============================================
    count     number of pixels that have a value
    weight    W
    sum       sum w_i x_i
    mean      sum / W
    m2        sum w_i (x_i - mean)^2
    variance  m2 / W  (population; IBSI ECT3)
    std       sqrt(variance)
    min, max  lowest and highest x_i
    ========  ============================================

    `mean`, `variance`, `std`, `min` and `max` of no pixels are None; so is what lies beyond the
    range of float64.

    Parameters
    ----------
    count : int
    weight : float
    sum : float, optional
    mean : float, optional
    m2 : float, optional
    min, max : float, optional
    excluded : int
        Pixels of the region left out because they are padding or not a number.

    Examples
    --------
    >>> import numpy as np
    >>> from imageregion.statistics.summary import moments
    >>> left = moments(Spans.full((1, 3)), np.array([[1, 1, 4]]))
    >>> right = moments(Spans.full((1, 1)), np.array([[2]]))
    >>> (left + right).mean, (left + right).variance
    (2.0, 1.5)
    """

    count: int = 0
    weight: float = 0.0
    sum: float | None = 0.0
    mean: float | None = None
    m2: float | None = None
    min: float | None = None
    max: float | None = None
    excluded: int = 0

    @classmethod
    def of(cls, statistics: Statistics) -> Moments:
        """Return the moments of a distribution.

        Examples
        --------
        >>> Moments.of(Statistics.of([1, 3])).mean
        2.0
        """
        variance = statistics.variance
        return cls(
            statistics.count,
            statistics.weight,
            statistics.sum,
            statistics.mean,
            None if variance is None else _finite(variance * statistics.weight),
            statistics.min,
            statistics.max,
            statistics.excluded,
        )

    def __add__(self, other: Moments) -> Moments:
        """Moments of both sets of pixels together; the order matters only for the last digits.

        Source: Chan, Golub, LeVeque, Am. Stat. 37 (1983), 242.
        """
        if not isinstance(other, Moments):
            return NotImplemented
        excluded = self.excluded + other.excluded
        if not (self.count and other.count):
            some = self if self.count else other
            return _with_excluded(some, excluded)
        lows, highs = (self.min, other.min), (self.max, other.max)
        low, high = min(x for x in lows if x is not None), max(x for x in highs if x is not None)
        weight = self.weight + other.weight
        total = _added(self.sum, other.sum)
        mean = m2 = None
        if self.mean is not None and other.mean is not None:
            step, share = other.mean - self.mean, other.weight / weight
            mean = _finite(min(max(self.mean + step * share, low), high))
            between = _finite(step * step * self.weight * share) if abs(step) < 1e154 else None
            m2 = _added(_added(self.m2, other.m2), between)
        count = self.count + other.count
        return Moments(count, weight, total, mean, m2, low, high, excluded)

    @property
    def variance(self) -> float | None:
        """Population variance (IBSI ECT3)."""
        return None if self.m2 is None else self.m2 / self.weight

    @property
    def std(self) -> float | None:
        """Population standard deviation."""
        return None if self.m2 is None else math.sqrt(self.m2 / self.weight)


def sum_up(spans: Spans, flat: NDArray[Any], padding: tuple[float, float] | None) -> Moments:
    """Sum up stored values under spans; `flat` as from `flat_pixels`."""
    from imageregion._kernels.moments import float_moments, integer_moments, partial_moments

    low, high = padding_bounds(padding, flat.dtype)
    given = flat, spans.shape[-1], spans.row, spans.start, spans.stop, spans.weight
    if flat.dtype.kind == "f" or flat.dtype.itemsize > 4:
        bounds = float(low), float(high)
        n, total, mean, m2, lowest, highest, excluded, partial = float_moments(*given, *bounds)
        found = Moments(n, float(n), total, mean, m2, lowest, highest, excluded)
    else:
        exact = (int(x) for x in integer_moments(*given, low, high))
        n, total, upper, lower, lowest, highest, excluded, partial = exact
        m2 = (n * ((upper << 32) + lower) - total * total) / max(n, 1)
        ends = float(lowest), float(highest)
        found = Moments(n, float(n), float(total), total / max(n, 1), m2, *ends, excluded)
    if not n:
        found = Moments(excluded=excluded)
    if partial:
        n, weight, total, mean, m2, lowest, highest, excluded = partial_moments(
            *given, float(low), float(high)
        )
        rest = Moments(n, weight, total, mean, m2, lowest, highest, excluded)
        found += rest if n else Moments(excluded=excluded)
    return found


def mapped(stored: Moments, linear: LinearMap) -> Moments:
    """Moments of slope * x + intercept."""
    slope, intercept = linear.slope, linear.intercept
    total, mean, m2, lowest, highest = stored.sum, stored.mean, stored.m2, stored.min, stored.max
    if slope == 1.0 and intercept == 0.0:
        return stored
    if total is None or mean is None or m2 is None or lowest is None or highest is None:
        return stored
    low, high = sorted((lowest * slope + intercept, highest * slope + intercept))
    return Moments(
        stored.count,
        stored.weight,
        total * slope + intercept * stored.weight,
        min(max(mean * slope + intercept, low), high),
        m2 * slope * slope,
        low,
        high,
        stored.excluded,
    )


def in_range(found: Moments) -> bool:
    """Whether no sum has left the range of float64 on the way."""
    numbers = (found.sum, found.mean, found.m2, found.min, found.max)
    return not found.count or all(x is not None and math.isfinite(x) for x in numbers)


def _with_excluded(found: Moments, excluded: int) -> Moments:
    return Moments(
        found.count,
        found.weight,
        found.sum,
        found.mean,
        found.m2,
        found.min,
        found.max,
        excluded,
    )


def _added(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else _finite(a + b)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
