"""Discretised intensities against the IBSI digital phantom and against their definitions."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from imageregion import GeometryError, Statistics
from imageregion.statistics.histogram import Histogram

FloatArray = NDArray[np.float64]

PHANTOM = Statistics([1, 3, 4, 6], [50, 1, 16, 7])
"""Values of the IBSI digital phantom (tests/test_stats.py reads them from its volume)."""


def phantom() -> Histogram:
    """Bins in the middle of which lie the values 1 to 6, so that bin and value are the same."""
    return PHANTOM.discretize(width=1, lower=0.5)


def test_ibsi_intensity_histogram_of_the_digital_phantom() -> None:
    histogram = phantom()
    assert histogram.pixels.tolist() == [50, 0, 1, 16, 0, 7]
    wanted = {
        "mean": 2.15,
        "variance": 3.05,
        "skewness": 1.08,
        "kurtosis": -0.355,
        "median": 1,
        "min": 1,
        "p10": 1,
        "p90": 4,
        "max": 6,
        "mode": 1,
        "interquartile_range": 3,
        "range": 5,
        "mean_absolute_deviation": 1.55,
        "robust_mean_absolute_deviation": 1.11,
        "median_absolute_deviation": 1.15,
        "coefficient_of_variation": 0.812,
        "quartile_dispersion": 0.6,
        "entropy": 1.27,
        "uniformity": 0.512,
        "maximum_gradient": 8,
        "maximum_gradient_bin": 3,
        "minimum_gradient": -50,
        "minimum_gradient_bin": 1,
    }
    for name, value in wanted.items():
        digits = len(str(value).partition(".")[2])
        assert round(getattr(histogram, name), digits) == value, name


def test_ibsi_intensity_volume_histogram_of_the_digital_phantom() -> None:
    histogram = phantom()
    assert histogram.volume_at_intensity_fraction(0.1) == pytest.approx(0.324, abs=5e-4)
    assert histogram.volume_at_intensity_fraction(0.9) == pytest.approx(0.0946, abs=5e-5)
    assert histogram.intensity_at_volume_fraction(0.1) == 5
    assert histogram.intensity_at_volume_fraction(0.9) == 2
    assert histogram.volume_fraction_difference() == pytest.approx(0.23, abs=5e-3)
    assert histogram.intensity_fraction_difference() == 3


@given(arrays(np.float64, st.integers(1, 30), elements=st.integers(-500, 500)), st.integers(1, 40))
def test_fixed_bin_number_against_its_formula(values: FloatArray, bins: int) -> None:
    histogram = Statistics.of(values).discretize(bins=bins)
    low, high = values.min(), values.max()
    if low == high:
        assert histogram.pixels.tolist() == [len(values)]
        return
    wanted = [
        bins if x == high else math.floor(bins * (x - low) / (high - low)) + 1 for x in values
    ]
    np.testing.assert_array_equal(np.repeat(histogram.values, histogram.counts), sorted(wanted))
    assert len(histogram.pixels) == bins
    assert histogram.lower == low
    assert histogram.width * bins == pytest.approx(high - low, rel=1e-12)


@given(arrays(np.float64, st.integers(1, 30), elements=st.integers(-500, 500)), st.integers(1, 99))
def test_fixed_bin_size_against_its_formula(values: FloatArray, width: int) -> None:
    histogram = Statistics.of(values).discretize(width=width, lower=-500)
    wanted = [math.floor((x + 500) / width) + 1 for x in values]
    np.testing.assert_array_equal(np.repeat(histogram.values, histogram.counts), sorted(wanted))
    assert len(histogram.pixels) == max(wanted)
    assert histogram.levels[0] == -500 + width / 2


@given(arrays(np.float64, st.integers(1, 12), elements=st.integers(0, 9)))
def test_entropy_and_uniformity_against_their_formulas(values: FloatArray) -> None:
    histogram = Statistics.of(values).discretize(width=2, lower=0)
    shares = [n / len(values) for n in histogram.pixels.tolist() if n]
    assert histogram.entropy == pytest.approx(-sum(p * math.log2(p) for p in shares), abs=1e-12)
    assert histogram.uniformity == pytest.approx(sum(p * p for p in shares), abs=1e-12)


@given(
    arrays(np.float64, st.integers(1, 12), elements=st.integers(0, 9)),
    st.integers(0, 10).map(lambda n: n / 10),
)
def test_intensity_volume_points_against_their_definitions(
    values: FloatArray, fraction: float
) -> None:
    histogram = Statistics.of(values).discretize(width=1, lower=-0.5, upper=9)
    volume = {i: float((values >= i).mean()) for i in range(11)}
    reached = [v for i, v in volume.items() if i / 9 >= fraction and i < 10]
    assert histogram.volume_at_intensity_fraction(fraction) == pytest.approx(max(reached))
    rare = min(i for i, v in volume.items() if v <= fraction)
    assert histogram.intensity_at_volume_fraction(fraction) == rare


def test_weights_count_instead_of_pixels() -> None:
    stats = Statistics([0, 1, 2], [2, 1, 1], weights=[0.5, 0.25, 0.25])
    histogram = stats.discretize(width=1, lower=0)
    assert histogram.pixels.tolist() == [2, 1, 1]
    assert (histogram.entropy, histogram.weight) == (1.5, 1.0)
    assert histogram.minimum_gradient == -0.25


def test_bins_may_reach_beyond_the_values() -> None:
    histogram = Statistics.of([0.0, 1.0]).discretize(width=1, lower=-2, upper=4)
    assert histogram.pixels.tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert histogram.volume_at_intensity_fraction(1) == 0


def test_one_bin_and_no_pixels() -> None:
    one = Statistics.of([5.0, 5.0]).discretize(bins=32)
    assert (one.entropy, one.uniformity, one.mean, one.mode) == (0, 1, 1, 1)
    assert (one.maximum_gradient, one.minimum_gradient_bin) == (None, None)
    assert (one.volume_at_intensity_fraction(0.5), one.volume_fraction_difference()) == (None, None)
    for none in (
        Statistics.of([]).discretize(bins=32),
        Statistics.of([]).discretize(width=1, lower=0, upper=3),
    ):
        assert (none.entropy, none.uniformity, none.mean, none.weight) == (None, None, None, 0)
        assert none.maximum_gradient is None
        assert none.intensity_at_volume_fraction(0.5) is None
        assert none.intensity_fraction_difference() is None


def test_a_range_beyond_float64_is_binned() -> None:
    histogram = Statistics.of([-1.7e308, 0.0, 1.7e308]).discretize(bins=4)
    assert histogram.pixels.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (PHANTOM.discretize, "either width and lower, or bins"),
        (lambda: PHANTOM.discretize(width=1), "either width and lower, or bins"),
        (lambda: PHANTOM.discretize(width=1, lower=0, bins=3), "either width and lower, or bins"),
        (lambda: PHANTOM.discretize(width=0, lower=0), "width > 0"),
        (lambda: PHANTOM.discretize(width=math.nan, lower=0), "width > 0"),
        (lambda: PHANTOM.discretize(width=1, lower=2), "below the lower bound"),
        (lambda: PHANTOM.discretize(width=1e-9, lower=0), "at most 16777216 bins"),
        (lambda: PHANTOM.discretize(bins=0), "1 to 16777216 bins"),
        (lambda: phantom().volume_at_intensity_fraction(1.5), "fraction"),
        (lambda: phantom().intensity_at_volume_fraction(-1), "fraction"),
        (lambda: Histogram([1, 0], [1.0, 1.0], 0, 1, "fixed-size"), "weight above 0"),
    ],
)
def test_what_cannot_be_discretised_is_said(make: Callable[[], object], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        make()


def test_histograms_are_values() -> None:
    again = pickle.loads(pickle.dumps(phantom()))
    assert again.entropy == phantom().entropy
    assert "pixels=" in repr(again)
