"""Discretised intensities: entropy, uniformity, gradients and intensity-volume points.

Definitions and identifiers: IBSI reference manual, sections 2.7 "Intensity discretisation",
3.4 "Intensity histogram features" and 3.5 "Intensity-volume histogram features".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, IntArray, is_number, is_whole, read_only
from imageregion.errors import GeometryError
from imageregion.statistics.first_order import FirstOrder

__all__ = ["Binning", "Histogram", "fixed_number_bins", "fixed_size_bins"]

Binning = Literal["fixed-size", "fixed-number"]
"""How intensities become bins: of one width from a lower bound (IBSI FBS), or a number of bins
from the lowest to the highest value (IBSI FBN)."""

_MOST = 1 << 24  # bins
_HUGE = 1e290  # beyond it, a range times a number of bins may leave float64


@dataclass(frozen=True, slots=True, eq=False)
class Histogram(FirstOrder):
    """Pixels and their weight per bin, and all features of discretised intensities.

    Bins are numbered from 1. As a distribution of bin numbers it has every feature of
    `FirstOrder`: `mean` (IBSI X6K6), `variance` (CH89), `skewness` (88K1), `kurtosis` (C3I7),
    `median` (WIFQ), `min` (1PR8), `p10` (GPMT), `p90` (OZ0C), `max` (3NCY), `mode` (AMMC),
    `interquartile_range` (WR0O), `range` (5Z3W), `mean_absolute_deviation` (D2ZX),
    `robust_mean_absolute_deviation` (WRZB), `median_absolute_deviation` (4RNL),
    `coefficient_of_variation` (CWYJ) and `quartile_dispersion` (SLWD).

    With n_i the weight of bin i of N_g and p_i = n_i / sum n:

    ==========  =================================================================
    entropy     -sum p_i log2 p_i
    uniformity  sum p_i^2
    gradient    n_2 - n_1 at the first bin, n_Ng - n_(Ng-1) at the last, and
                (n_(i+1) - n_(i-1)) / 2 between
    ==========  =================================================================

    Made by `Statistics.discretize`.

    Parameters
    ----------
    pixels : array_like of int, shape (N_g,)
        Pixels per bin; a bin may be empty.
    weight : array_like of float, shape (N_g,)
        Weight per bin, 0 where there are no pixels.
    lower : float
        Lower edge of bin 1.
    width : float
        Width of every bin.
    binning : {"fixed-size", "fixed-number"}

    Examples
    --------
    >>> from imageregion import Statistics
    >>> histogram = Statistics.of([0, 10, 20, 70]).discretize(width=25, lower=0)
    >>> histogram.pixels.tolist(), histogram.uniformity
    ([3, 0, 1], 0.625)
    """

    values: FloatArray = field(repr=False)
    counts: IntArray = field(repr=False)
    weights: FloatArray = field(repr=False)
    pixels: IntArray
    lower: float
    width: float
    binning: Binning
    _bins: FloatArray = field(repr=False)
    _memo: list[list[float]] = field(repr=False)

    def __init__(
        self,
        pixels: ArrayLike,
        weight: ArrayLike,
        lower: float,
        width: float,
        binning: Binning,
    ) -> None:
        count = np.array(pixels, dtype=np.int64)
        bins = np.array(weight, dtype=np.float64)
        if count.ndim != 1 or count.shape != bins.shape or ((count > 0) != (bins > 0)).any():
            raise GeometryError("Histogram: expected a weight above 0 for every bin with pixels")
        present = np.flatnonzero(count)
        for name, value in (
            ("values", read_only(present + 1.0)),
            ("counts", read_only(count[present])),
            ("weights", read_only(bins[present])),
            ("pixels", read_only(count)),
            ("lower", float(lower)),
            ("width", float(width)),
            ("binning", binning),
            ("_bins", read_only(bins)),
            ("_memo", []),
        ):
            object.__setattr__(self, name, value)

    @property
    def levels(self) -> FloatArray:
        """Middle of every bin, in units of the pixels, shape (N_g,)."""
        return np.asarray(self.lower + (np.arange(len(self.pixels)) + 0.5) * self.width)

    @property
    def entropy(self) -> float | None:
        """Spread over the bins in bits, -sum p log2 p (IBSI TLU2)."""
        if not len(self.values):
            return None
        shares = self._shares()
        return abs(float((shares * np.log2(shares)).sum()))

    @property
    def uniformity(self) -> float | None:
        """Sum of squared shares of the bins (IBSI BJ5W)."""
        return float((self._shares() ** 2).sum()) if len(self.values) else None

    @property
    def maximum_gradient(self) -> float | None:
        """Steepest rise of the histogram (IBSI 12CE); None for less than two bins."""
        gradient = self._gradient()
        return float(gradient.max()) if len(gradient) else None

    @property
    def maximum_gradient_bin(self) -> int | None:
        """Number of the bin where it rises most, the first of several (IBSI 8E6O)."""
        gradient = self._gradient()
        return int(gradient.argmax()) + 1 if len(gradient) else None

    @property
    def minimum_gradient(self) -> float | None:
        """Steepest fall of the histogram (IBSI VQB3); None for less than two bins."""
        gradient = self._gradient()
        return float(gradient.min()) if len(gradient) else None

    @property
    def minimum_gradient_bin(self) -> int | None:
        """Number of the bin where it falls most, the first of several (IBSI RHQZ)."""
        gradient = self._gradient()
        return int(gradient.argmin()) + 1 if len(gradient) else None

    def volume_at_intensity_fraction(self, fraction: float) -> float | None:
        """Return the largest share of the weight whose intensity fraction is at least `fraction`.

        The intensity fraction of bin i is (i - 1) / (N_g - 1) (IBSI BC2M). None for less than two
        bins.

        Examples
        --------
        >>> from imageregion import Statistics
        >>> histogram = Statistics.of([1, 2, 3, 5]).discretize(width=1, lower=0.5)
        >>> histogram.volume_at_intensity_fraction(0.5)
        0.5
        """
        _check_fraction(fraction)
        bins = len(self.pixels)
        if bins < 2 or not len(self.values):
            return None
        # Compare i - 1 with fraction * (N_g - 1), free of the rounding of a division.
        first = int(np.searchsorted(np.arange(bins), fraction * (bins - 1)))
        return float(self._volume()[first])

    def intensity_at_volume_fraction(self, fraction: float) -> float | None:
        """Return the lowest level that at most a share `fraction` of the weight reaches.

        In units of the pixels, the middle of a bin (IBSI GBPN). When even the last bin holds more
        than that, it is the level above it, which nothing reaches.

        Examples
        --------
        >>> from imageregion import Statistics
        >>> histogram = Statistics.of([1, 2, 3, 5]).discretize(width=1, lower=0.5)
        >>> histogram.intensity_at_volume_fraction(0.5)
        3.0
        """
        _check_fraction(fraction)
        if not len(self.values):
            return None
        bin_index = int(np.argmax(np.append(self._volume(), 0.0) <= fraction))
        return float(self.lower + (bin_index + 0.5) * self.width)

    def volume_fraction_difference(self, low: float = 0.1, high: float = 0.9) -> float | None:
        """Volume at intensity fraction `low` minus that at `high` (IBSI DDTU)."""
        first = self.volume_at_intensity_fraction(low)
        second = self.volume_at_intensity_fraction(high)
        return None if first is None or second is None else first - second

    def intensity_fraction_difference(self, low: float = 0.1, high: float = 0.9) -> float | None:
        """Intensity at volume fraction `low` minus that at `high` (IBSI CNV2)."""
        first = self.intensity_at_volume_fraction(low)
        second = self.intensity_at_volume_fraction(high)
        return None if first is None or second is None else first - second

    def _volume(self) -> FloatArray:
        """Share of the weight in each bin and those above."""
        upto = np.cumsum(self._bins[::-1])[::-1]
        return np.asarray(upto / upto[0])

    def _gradient(self) -> NDArray[np.float64]:
        if len(self._bins) < 2 or not len(self.values):
            return np.empty(0)
        return np.gradient(self._bins)


def fixed_size_bins(
    values: FloatArray, width: float, lower: float, upper: float | None
) -> tuple[IntArray, int]:
    """Return the bin of each value, from 0, and the number of bins; floor((x - lower) / width)."""
    ends = [lower] if upper is None else [lower, upper]
    numbers = all(map(is_number, [width, *ends]))
    if not (numbers and np.isfinite([width, lower]).all() and width > 0):
        raise GeometryError(f"discretize: expected width > 0, got {width!r} from {ends}")
    if len(values) and values[0] < lower:
        raise GeometryError(
            f"discretize: expected no value below the lower bound {lower}, got {values[0]}; "
            "see Statistics.resegmented"
        )
    last = np.floor((max([ends[-1], *values[-1:].tolist()]) - lower) / width)
    if not last < _MOST:
        raise GeometryError(f"discretize: expected at most {_MOST} bins, got {last + 1:.0f}")
    return np.floor((values - lower) / width).astype(np.int64), int(last) + 1


def fixed_number_bins(values: FloatArray, number: int) -> tuple[IntArray, float]:
    """Return the bin of each value, from 0, and the width; the highest value is in the last bin."""
    if not is_whole(number) or not 1 <= number < _MOST:
        raise GeometryError(f"discretize: expected 1 to {_MOST} bins, whole, got {number!r}")
    if not len(values) or values[0] == values[-1]:
        return np.zeros(len(values), dtype=np.int64), 0.0
    shrink = 1.0 if np.abs(values[[0, -1]]).max() < _HUGE else 2.0**-64
    offset = values * shrink - values[0] * shrink
    place = np.floor(offset * number / offset[-1]).astype(np.int64)
    return np.minimum(place, number - 1), float(offset[-1] / number / shrink)


def _check_fraction(fraction: float) -> None:
    if not is_number(fraction) or not 0 <= fraction <= 1:
        raise GeometryError(f"fraction: expected 0 to 1, got {fraction!r}")
