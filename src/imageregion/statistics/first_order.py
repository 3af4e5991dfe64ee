"""First-order features of a distribution: everything that does not ask where a pixel lies.

Definitions and identifiers are those of the Image Biomarker Standardisation Initiative (IBSI,
reference manual, sections 3.3 "Intensity-based statistical features" and 3.4 "Intensity histogram
features"). Moments are those of the population: they are divided by the weight, not by one less.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np

from imageregion._arrays import FloatArray, IntArray, is_number
from imageregion.errors import GeometryError

__all__ = ["FEATURES", "FirstOrder", "QuantileMethod"]

QuantileMethod = Literal["linear", "inverted_cdf"]
"""How a quantile is read from a distribution; the names are those of ``numpy.quantile``."""

FEATURES: dict[str, str] = {
    "mean": "Q4LE",
    "variance": "ECT3",
    "skewness": "KE2A",
    "kurtosis": "IPH6",
    "median": "Y12H",
    "min": "1GSF",
    "p10": "QG58",
    "p90": "8DWT",
    "max": "84IY",
    "interquartile_range": "SALO",
    "range": "2OJQ",
    "mean_absolute_deviation": "4FUA",
    "robust_mean_absolute_deviation": "1128",
    "median_absolute_deviation": "N72L",
    "coefficient_of_variation": "7TET",
    "quartile_dispersion": "9S40",
    "energy": "N8CA",
    "root_mean_square": "5ZWQ",
}
"""Name of each intensity-based statistical feature -> its IBSI identifier."""


class FirstOrder:
    """Features of distinct values, ascending, with the pixels and the weight of each.

    Every feature is None where it is not defined, and where it lies beyond the range of float64;
    it is never NaN or infinite. Of no pixels all are None but the count, weight and sum.
    """

    __slots__ = ()

    values: FloatArray
    counts: IntArray
    weights: FloatArray
    _memo: list[list[float]]

    def _described(self) -> list[float]:
        """Weight, sum, mean, variance, std, lowest and highest value; nan for what is None."""
        if not self._memo:
            from imageregion._kernels.describe import describe

            found = np.empty((1, 7), dtype=np.float64)
            ends = np.array([0, len(self.values)], dtype=np.int64)
            describe(self.values, self.counts, self.weights, ends, _NO_LEVELS, found)
            self._memo.append(found[0].tolist())
        return self._memo[0]

    @property
    def count(self) -> int:
        """Number of pixels that have a value."""
        return int(self.counts.sum())

    @property
    def weight(self) -> float:
        """Sum of the weights, in pixels; the count when every pixel is whole."""
        return self._described()[0]

    @property
    def sum(self) -> float | None:
        """Sum of all values, each times its weight; 0 for an empty region."""
        return _number(self._described()[1])

    @property
    def mean(self) -> float | None:
        """Arithmetic mean, W^-1 sum w x (IBSI Q4LE)."""
        return _number(self._described()[2])

    @property
    def variance(self) -> float | None:
        """Population variance, W^-1 sum w (x - mean)^2 (IBSI ECT3)."""
        return _number(self._described()[3])

    @property
    def std(self) -> float | None:
        """Population standard deviation, the root of the variance."""
        return _number(self._described()[4])

    @property
    def min(self) -> float | None:
        """Lowest value (IBSI 1GSF)."""
        return float(self.values[0]) if len(self.values) else None

    @property
    def max(self) -> float | None:
        """Highest value (IBSI 84IY)."""
        return float(self.values[-1]) if len(self.values) else None

    @property
    def range(self) -> float | None:
        """Highest minus lowest value (IBSI 2OJQ)."""
        return _difference(self.max, self.min)

    @property
    def mode(self) -> float | None:
        """The value with the largest weight (IBSI AMMC for a histogram).

        Of several, the one closest to the mean; of two equally close, the lower.
        """
        mean = self.mean
        if mean is None:
            return None
        often = self.values[self.weights == self.weights.max()]
        return float(often[np.argmin(np.abs(often - mean))])

    @property
    def skewness(self) -> float | None:
        """Third standardized moment, W^-1 sum w ((x - mean) / std)^3 (IBSI KE2A).

        None when all values are the same.
        """
        return self._standardized(3)

    @property
    def kurtosis(self) -> float | None:
        """Fourth standardized moment minus 3, the excess over a normal distribution (IBSI IPH6).

        None when all values are the same.
        """
        fourth = self._standardized(4)
        return None if fourth is None else fourth - 3.0

    @property
    def median(self) -> float | None:
        """The quantile at 0.5 (IBSI Y12H): of whole pixels the middle value or mean of two."""
        return self.quantile(0.5)

    @property
    def p10(self) -> float | None:
        """The quantile at 0.1 (IBSI QG58)."""
        return self.quantile(0.1)

    @property
    def p25(self) -> float | None:
        """The quantile at 0.25."""
        return self.quantile(0.25)

    @property
    def p75(self) -> float | None:
        """The quantile at 0.75."""
        return self.quantile(0.75)

    @property
    def p90(self) -> float | None:
        """The quantile at 0.9 (IBSI 8DWT)."""
        return self.quantile(0.9)

    @property
    def interquartile_range(self) -> float | None:
        """Quantile at 0.75 minus that at 0.25 (IBSI SALO)."""
        return _difference(self.p75, self.p25)

    @property
    def mean_absolute_deviation(self) -> float | None:
        """Mean distance from the mean, W^-1 sum w |x - mean| (IBSI 4FUA)."""
        return self._mean_distance(self.mean)

    @property
    def robust_mean_absolute_deviation(self) -> float | None:
        """Mean absolute deviation of the values from p10 to p90, both inclusive (IBSI 1128).

        The mean is that of these values, too. None when no value lies there, as of two pixels.
        """
        low, high = self.p10, self.p90
        if low is None or high is None:
            return None
        kept = (self.values >= low) & (self.values <= high)
        if not kept.any():
            return None
        values, shares = self.values[kept], self.weights[kept] / self.weights[kept].sum()
        mean = float((values * shares).sum())
        with np.errstate(over="ignore"):
            return _number((np.abs(values - mean) * shares).sum())

    @property
    def median_absolute_deviation(self) -> float | None:
        """Mean distance from the median, W^-1 sum w |x - median| (IBSI N72L)."""
        return self._mean_distance(self.median)

    @property
    def coefficient_of_variation(self) -> float | None:
        """Standard deviation over mean (IBSI 7TET); None for a mean of 0."""
        return _ratio(self.std, self.mean)

    @property
    def quartile_dispersion(self) -> float | None:
        """Quartile coefficient of dispersion, (p75 - p25) / (p75 + p25) (IBSI 9S40).

        None when the quartiles add up to 0.
        """
        low, high = self.p25, self.p75
        if low is None or high is None:
            return None
        return _ratio(high - low, high + low)

    @property
    def energy(self) -> float | None:
        """Sum of squares, sum w x^2 (IBSI N8CA); None for no pixels."""
        if not len(self.values):
            return None
        with np.errstate(over="ignore"):
            return _number((self.values**2 * self.weights).sum())

    @property
    def root_mean_square(self) -> float | None:
        """Root of the mean square, sqrt(W^-1 sum w x^2) (IBSI 5ZWQ)."""
        if not len(self.values):
            return None
        scale = float(np.abs(self.values).max()) or 1.0
        return _number(scale * math.sqrt(((self.values / scale) ** 2 * self._shares()).sum()))

    def quantile(self, q: float, method: QuantileMethod = "linear") -> float | None:
        """Return the value below which a share `q` of the weight lies.

        Parameters
        ----------
        q : float
            Between 0 and 1.
        method : {"linear", "inverted_cdf"}
            "linear", of N whole pixels: linear interpolation between the order statistics around
            (N - 1) q, exactly as ``numpy.quantile``. It generalizes to partial pixels as the mean
            of the values over one pixel's weight: lay the pixels side by side, ascending, each as
            wide as its weight, W in all; the quantile is the mean over [(W - 1) q, (W - 1) q + 1].
            For whole pixels that is the interpolation; a pixel of little weight has little
            influence, so the quantile does not jump when a shape begins to touch a pixel. A region
            of less than one pixel's weight has one value at every q, its mean.

            "inverted_cdf": the lowest value such that at least a share `q` of the weight lies at or
            below it; of whole pixels exactly as ``numpy.quantile``, of partial pixels as
            ``numpy.quantile(..., weights=...)``.

        Raises
        ------
        GeometryError
            When `q` is not between 0 and 1, or the method is unknown.

        Examples
        --------
        >>> from imageregion import Statistics
        >>> stats = Statistics.of([1, 2, 3, 10])
        >>> stats.quantile(0.5), stats.quantile(0.5, "inverted_cdf")
        (2.5, 2.0)
        """
        if not is_number(q) or not 0 <= q <= 1:
            raise GeometryError(f"quantile: expected 0 <= q <= 1, got {q!r}")
        if method not in get_args(QuantileMethod):
            raise GeometryError(
                f"method: expected one of {list(get_args(QuantileMethod))}, got {method!r}"
            )
        if not len(self.values):
            return None
        if method == "inverted_cdf":
            return self._inverted_cdf(q)
        from imageregion._kernels.describe import quantiles

        levels = np.array([q], dtype=np.float64)
        return _number(quantiles(self.values, self.counts, self.weights, levels)[0])

    def features(self) -> dict[str, float | None]:
        """Return all features that IBSI calls intensity-based statistics, by name, in its order.

        Examples
        --------
        >>> from imageregion import Statistics
        >>> Statistics.of([1, 2, 2, 3]).features()["interquartile_range"]
        0.5
        """
        return {name: getattr(self, name) for name in FEATURES}

    def _shares(self) -> FloatArray:
        """Weights that add up to 1."""
        return np.asarray(self.weights / self.weight)

    def _inverted_cdf(self, q: float) -> float:
        upto = np.cumsum(self.weights)
        if (self.weights == self.counts).all():
            position = max(math.ceil(upto[-1] * q - 1.0), 0)
            place = np.searchsorted(upto, position, side="right")
        else:
            place = np.searchsorted(upto / upto[-1], q, side="left")
        return float(self.values[min(int(place), len(self.values) - 1)])

    def _standardized(self, power: int) -> float | None:
        mean, std = self.mean, self.std
        if mean is None or not std:
            return None
        with np.errstate(over="ignore"):
            return _number((((self.values - mean) / std) ** power * self._shares()).sum())

    def _mean_distance(self, center: float | None) -> float | None:
        if center is None:
            return None
        with np.errstate(over="ignore"):
            return _number((np.abs(self.values - center) * self._shares()).sum())


_NO_LEVELS = np.empty(0, dtype=np.float64)


def _number(value: Any) -> float | None:
    """Return a Python float, or None for what is not finite."""
    return float(value) if math.isfinite(value) else None


def _difference(high: float | None, low: float | None) -> float | None:
    return None if high is None or low is None else _number(high - low)


def _ratio(above: float | None, below: float | None) -> float | None:
    if above is None or not below:
        return None
    return _number(above / below)
