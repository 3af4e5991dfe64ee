"""Estimators of the mean at partial volume: their definitions, and the bias each of them has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imageregion import (
    Ellipse,
    GeometryError,
    LinearMap,
    Points,
    Polygon,
    Polyline,
    Spans,
    rasterize,
)
from imageregion.statistics.estimators import Estimator, estimate_mean

FloatArray = NDArray[np.float64]

NAMES: tuple[Estimator, ...] = ("center", "weighted", "core", "unmixed")
LESION, BACKGROUND = 40.0, -800.0


def sampled_coverage(center: FloatArray, radius: float, size: int, fine: int = 32) -> FloatArray:
    """Share of each pixel inside a circle, by fine * fine points per pixel: slow and obvious."""
    at = (np.arange(size * fine) + 0.5) / fine
    inside = (at[:, None] - center[1]) ** 2 + (at - center[0]) ** 2 < radius**2
    return np.asarray(inside.reshape(size, fine, size, fine).mean(axis=(1, 3)))


def test_bias_of_a_small_lesion() -> None:
    """A lesion of +40 in -800, radius 4 pixels, at 200 places between pixels.

    The image has no noise and no blur beyond the pixel itself: every pixel shows the mean of what
    it covers. Known for this experiment: weighted about -69, center about -52, core and unmixed
    about 0.2 (with its noise). The area is sampled here, so coverage is off by up to 1 / 100.
    """
    rng = np.random.default_rng(0)
    error: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(200):
        center = 10 + rng.random(2)
        share = sampled_coverage(center, 4.0, 21)
        pixels = LESION * share + BACKGROUND * (1 - share)
        for name in NAMES:
            found = estimate_mean(Ellipse.circle(center, 4.0), pixels, name)
            assert found is not None
            error[name].append(found - LESION)
    bias = {name: float(np.mean(values)) for name, values in error.items()}
    spread = {name: float(np.std(values)) for name, values in error.items()}
    assert bias["weighted"] == pytest.approx(-69, abs=3)
    assert bias["center"] == pytest.approx(-52, abs=4)
    assert bias["core"] == pytest.approx(0, abs=0.5)
    assert bias["unmixed"] == pytest.approx(0, abs=0.5)
    assert spread["weighted"] < spread["center"]


@given(
    st.floats(8, 12),
    st.floats(8, 12),
    st.floats(0.8, 6),
    st.floats(-1000, 1000),
    st.floats(-1000, 1000),
)
def test_unmixed_finds_the_inside_of_a_mixture_exactly(
    column: float, row: float, radius: float, inside: float, outside: float
) -> None:
    spans = rasterize(Ellipse.circle((column, row), radius), (20, 20), "exact")
    assume(np.ptp(spans.weight) > 0.1)  # a circle of radius 1 may cover four pixels alike
    share = spans.to_coverage()
    pixels = inside * share + outside * (1 - share)
    # The image is made from the very coverage, so only rounding of 1e3 by 1e-16 is left, which a
    # spread of 0.1 enlarges.
    assert estimate_mean(spans, pixels, "unmixed") == pytest.approx(inside, abs=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_unmixed_is_the_least_squares_solution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = np.where(rng.random(30) < 0.3, 1.0, rng.random(30) * 0.98 + 0.01)
    pixels = rng.normal(1e6, 10, (5, 6))
    start = np.tile(np.arange(6), 5)
    spans = Spans(np.repeat(np.arange(5), 6), start, start + 1, weight, (5, 6))
    model = np.stack([weight, 1 - weight], axis=1)
    inside = np.linalg.lstsq(model, pixels.reshape(-1), rcond=None)[0][0]
    assert estimate_mean(spans, pixels, "unmixed") == pytest.approx(inside, abs=1e-5)


def test_the_other_estimators_by_their_definitions() -> None:
    spans = Spans([0, 0, 1], [0, 1, 0], [1, 2, 2], [0.5, 0.25, 1], (2, 2))
    pixels = np.array([[1, 2], [3, 5]], dtype=np.int16)
    weighted = (0.5 * 1 + 0.25 * 2 + 3 + 5) / 2.75
    assert estimate_mean(spans, pixels, "weighted") == pytest.approx(weighted, rel=1e-15)
    assert estimate_mean(spans, pixels, "core") == 4.0
    assert estimate_mean(Spans.full((2, 2)), pixels, "center") == 2.75
    mapped = estimate_mean(
        spans, pixels, "unmixed", value_map=LinearMap(10.0, 1.0), is_padding=(2, 2)
    )
    plain = estimate_mean(spans, np.where(pixels == 2, np.nan, pixels * 10.0 + 1), "unmixed")
    assert mapped == pytest.approx(plain, rel=1e-12)


def test_whole_pixels_are_their_mean_for_every_estimator() -> None:
    pixels = np.array([[1.0, 2.0], [3.0, 6.0]])
    square = Polygon([[[0, 0], [2, 0], [2, 2], [0, 2]]])
    assert [estimate_mean(square, pixels, name) for name in NAMES] == [3.0] * 4


def test_what_is_not_determined_is_none() -> None:
    pixels = np.array([[1.0, 2.0], [np.nan, 6.0]])
    alike = Spans([0], [0], [2], [0.5], (2, 2))
    assert estimate_mean(alike, pixels, "unmixed") is None
    assert estimate_mean(alike, pixels, "core") is None
    assert estimate_mean(alike, pixels, "weighted") == 1.5
    barely = Spans([0, 0], [0, 1], [1, 2], [0.5, 0.5 + 1e-12], (2, 2))
    assert estimate_mean(barely, pixels, "unmixed") is None
    nothing = Ellipse.circle((50.0, 50.0), 3.0)
    assert [estimate_mean(nothing, pixels, name) for name in NAMES] == [None] * 4
    only_nan = Spans([1], [0], [1], [0.5], (2, 2))
    assert [estimate_mean(only_nan, pixels, name) for name in NAMES[1:]] == [None] * 3
    huge = np.array([[1.7e308, -1.7e308]])
    pair = Spans([0, 0], [0, 1], [1, 2], [0.5, 0.25], (1, 2))
    assert estimate_mean(pair, huge, "unmixed") is None


@pytest.mark.parametrize(
    ("region", "name", "message"),
    [
        (Spans.full((2, 2)), "median", "expected one of"),
        (Spans([0], [0], [2], [0.5], (2, 2)), "center", "whole pixels"),
        (Spans([0], [0], [2], [1.4], (2, 2)), "weighted", "weights up to 1.4"),
        (Spans.full((3, 3)), "core", "shape"),
    ],
)
def test_what_cannot_be_estimated_is_said(region: Any, name: Any, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        estimate_mean(region, np.zeros((2, 2)), name)


@pytest.mark.parametrize("name", NAMES)
def test_what_has_no_estimate(name: Estimator) -> None:
    square = Polygon([[0, 0], [2, 0], [2, 2], [0, 2]])
    for shape in ((4,), (2, 4, 4)):
        with pytest.raises(GeometryError, match=r"pixels: expected shape \(rows, columns\)"):
            estimate_mean(square, np.zeros(shape), name)
    for region in (Points([[1, 1]]), Polyline([[0, 0], [2, 2]]), None):
        with pytest.raises(GeometryError, match="expected a Polygon, an Ellipse or Spans"):
            estimate_mean(region, np.zeros((4, 4)), name)  # type: ignore[arg-type]
