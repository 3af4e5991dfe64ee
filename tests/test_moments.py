"""Moments against exact fractions, and against the statistics of the whole distribution."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imageregion import Frame, GeometryError, LinearMap, Spans, Statistics, TableMap, summarize
from imageregion.statistics.summary import Moments, moments

FloatArray = NDArray[np.float64]

KINDS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">i2", ">f4"]


def scattered(rng: np.random.Generator, rows: int, columns: int, partial: bool) -> Spans:
    """Runs of many lengths with weights, some whole."""
    edges = np.sort(rng.choice(columns + 1, 6, replace=False))
    start, stop = np.tile(edges[::2], rows), np.tile(edges[1::2], rows)
    weight = np.where(rng.random(len(start)) < 0.5, rng.random(len(start)) * 0.99 + 0.01, 1.0)
    row = np.repeat(np.arange(rows), 3)
    return Spans(row, start, stop, weight if partial else np.ones(len(row)), (rows, columns))


def whole_range(rng: np.random.Generator, dtype: np.dtype[Any], size: tuple[int, int]) -> Any:
    if dtype.kind == "f":
        return (rng.normal(size=size) * 1e3 + 1e4).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, size, dtype.newbyteorder("="), endpoint=True).astype(
        dtype
    )


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**32 - 1))
def test_agree_with_the_distribution(kind: str, partial: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 40))
    pixels = whole_range(rng, np.dtype(kind), (rows, 60))
    spans = scattered(rng, rows, 60, partial)
    found, stats = moments(spans, pixels), summarize(spans, pixels)
    assert (found.count, found.excluded) == (stats.count, stats.excluded)
    assert (found.min, found.max) == (stats.min, stats.max)
    # Rounding: up to 2400 sums of terms of one size, and a variance that is not small.
    close: dict[str, Any] = {"rel": 1e-11}
    assert found.weight == pytest.approx(stats.weight, **close)
    scale = max(abs(stats.min or 0), abs(stats.max or 0))
    assert found.mean == pytest.approx(stats.mean, abs=1e-12 * scale)
    assert found.sum == pytest.approx(stats.sum, abs=1e-11 * scale * stats.weight)
    assert found.variance == pytest.approx(stats.variance, abs=1e-11 * scale**2)
    if partial is False and stats.count > 1:
        assert found.std == pytest.approx(stats.std, rel=1e-9)


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4"])
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), span=st.sampled_from([1, 100, 3000, 2**40]))
def test_integers_are_summed_exactly(kind: str, seed: int, span: int) -> None:
    rng = np.random.default_rng(seed)
    info = np.iinfo(kind)
    low = int(rng.integers(info.min, info.max, endpoint=True))
    high = min(low + span, info.max)
    pixels = rng.integers(low, high, (70, 83), kind, endpoint=True)
    spans = scattered(rng, 70, 83, partial=False)
    found = moments(spans, pixels)
    values = [int(x) for x in pixels[spans.to_mask()]]
    mean = Fraction(sum(values), len(values))
    variance = Fraction(sum(x * x for x in values), len(values)) - mean**2
    assert found.sum == float(sum(values))
    assert found.mean == float(mean)
    assert found.variance == pytest.approx(float(variance), rel=1e-15)  # m2 and one division
    assert found.mean == summarize(spans, pixels).mean or abs(sum(values)) >= 2**53


def test_blocks_of_every_fill_are_summed() -> None:
    """Runs that end one short of, on, and one beyond a block of 4096 pixels, and one pixel each."""
    pixels = np.arange(3 * 4096).reshape(3, 4096).astype(np.int16)
    for stops in ([4095, 1, 1], [4096, 4096, 4096], [4096, 1, 4095], [1, 1, 1]):
        spans = Spans([0, 1, 2], [0, 0, 0], stops, [1, 1, 1], (3, 4096))
        values = pixels[spans.to_mask()].astype(np.int64)
        for kind in ("i2", "f4"):
            found = moments(spans, pixels.astype(kind))
            assert found.sum == values.sum()
            assert found.std == pytest.approx(values.std(), rel=1e-12)


@pytest.mark.parametrize("kind", ["i2", "u2", "i4", "f4"])
@pytest.mark.parametrize("partial", [False, True])
def test_padding_is_left_out(kind: str, partial: bool) -> None:
    rng = np.random.default_rng(7)
    pixels = rng.integers(0, 9, (200, 90)).astype(kind)
    spans = scattered(rng, 200, 90, partial)
    for padding in ((3, 5), (3.5, 4.5), (-math.inf, 2), (7, 1e30), (100, 200), (5, 4)):
        frame = Frame.from_array(pixels, padding=padding)
        found = moments(spans, pixels, is_padding=padding)
        stats = summarize(spans, pixels, is_padding=frame.is_padding)
        assert (found.count, found.excluded) == (stats.count, stats.excluded)
        assert found.mean == pytest.approx(stats.mean, rel=1e-12)
        assert found.std == pytest.approx(stats.std, rel=1e-12)
        called = moments(spans, pixels, is_padding=frame.is_padding)
        assert (called.count, called.excluded) == (stats.count, stats.excluded)
    assert moments(spans, pixels, is_padding=(0, 9)) == Moments(excluded=spans.count)
    assert moments(spans, pixels, is_padding=(-1e300, 1e300)).count == 0
    assert summarize(spans, pixels, is_padding=(-1e300, 1e300)).count == 0
    nan = moments(spans, pixels, is_padding=(math.nan, math.nan))
    assert nan.excluded == 0


def test_not_a_number_is_left_out() -> None:
    rng = np.random.default_rng(3)
    pixels = rng.normal(size=(100, 60))
    pixels[rng.random(pixels.shape) < 0.2] = np.nan
    pixels[0, :3] = np.inf, -np.inf, -np.nan
    spans = Spans.full((100, 60))
    found = moments(spans, pixels)
    values = pixels[np.isfinite(pixels)]
    assert (found.count, found.excluded) == (len(values), pixels.size - len(values))
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert (found.min, found.max) == (values.min(), values.max())
    assert moments(spans, np.full((100, 60), np.nan)) == Moments(excluded=6000)


@given(
    st.floats(-3, 3).filter(lambda v: abs(v) > 1e-3), st.floats(-1e3, 1e3), st.sampled_from("if")
)
def test_a_linear_map_is_applied_to_the_result(slope: float, intercept: float, kind: str) -> None:
    rng = np.random.default_rng(5)
    pixels = rng.integers(-1000, 1000, (30, 40)).astype(f"{kind}4")
    spans = scattered(rng, 30, 40, partial=True)
    found = moments(spans, pixels, value_map=LinearMap(slope, intercept), is_padding=(0, 100))
    stats = summarize(spans, pixels, value_map=LinearMap(slope, intercept), is_padding=(0, 100))
    assert (found.count, found.excluded) == (stats.count, stats.excluded)
    assert (found.min, found.max) == (stats.min, stats.max)
    assert found.mean == pytest.approx(stats.mean, rel=1e-9, abs=1e-9)
    assert found.sum == pytest.approx(stats.sum, rel=1e-9, abs=1e-6)
    assert found.std == pytest.approx(stats.std, rel=1e-9)


def test_other_maps_go_through_the_distribution() -> None:
    pixels = np.array([[0, 1], [2, 3]], dtype=np.uint8)
    found = moments(Spans.full((2, 2)), pixels, value_map=TableMap(0, [5.0, 5.0, -1.0, 5.0]))
    assert (found.min, found.max, found.sum, found.mean) == (-1.0, 5.0, 14.0, 3.5)
    constant = moments(Spans.full((2, 2)), pixels, value_map=LinearMap(0.0, 4.0))
    assert (constant.mean, constant.std) == (4.0, 0.0)


@given(st.integers(0, 2**32 - 1))
def test_merging_is_summing_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.normal(100, 3, (30, 20))
    owner = rng.integers(0, 4, 30)  # rows; some part may be empty
    parts = [
        moments(Spans.from_mask(np.repeat((owner == k)[:, None], 20, axis=1)), pixels)
        for k in range(4)
    ]
    whole = moments(Spans.full((30, 20)), pixels)
    for total in (
        parts[0] + parts[1] + (parts[2] + parts[3]),
        parts[3] + (parts[2] + (parts[1] + parts[0])),
    ):
        assert (total.count, total.min, total.max) == (whole.count, whole.min, whole.max)
        assert total.mean == pytest.approx(whole.mean, rel=1e-13)
        assert total.m2 == pytest.approx(whole.m2, rel=1e-12)


def test_large_offsets_do_not_cost_the_spread() -> None:
    values = (1e9 + np.arange(6000) % 1024 / 1024).reshape(60, 100)
    whole = moments(Spans.full((60, 100)), values)
    exact = Statistics.of(values)
    assert whole.variance == pytest.approx(exact.variance, rel=1e-9)
    half = Spans([0, 1], [0, 0], [100, 100], [0.5, 0.25], (60, 100))
    assert moments(half, values).variance == pytest.approx(
        summarize(half, values).variance, rel=1e-9
    )


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value")  # uncompiled
def test_floats_beyond_what_can_be_squared() -> None:
    found = moments(Spans.full((1, 2)), np.array([[-1e200, 1e200]]))
    assert (found.count, found.mean, found.variance, found.std) == (2, 0.0, None, None)
    large = moments(Spans.full((1, 2)), np.array([[1.6e308, 1.7e308]]))
    assert large.sum is None
    assert large.mean == pytest.approx(1.65e308, rel=1e-12)
    both = found + large
    assert (both.count, both.sum, both.m2) == (4, None, None)
    single = moments(Spans.full((1, 2)), np.array([[1e30, 3e30]], dtype=np.float32))
    assert single.std == pytest.approx(1e30, rel=1e-7)  # float32 holds seven digits


def test_nothing_has_no_mean() -> None:
    for pixels in (np.zeros((2, 2)), np.zeros((2, 2), dtype=np.int16)):
        none = moments(Spans.empty((2, 2)), pixels)
        assert none == Moments()
        assert (none.mean, none.std, none.variance) == (None, None, None)
    one = Moments.of(Statistics.of([4.0]))
    assert (one + Moments(excluded=3)).excluded == 3
    assert (Moments() + one) == one
    assert (one.mean, one.std) == (4.0, 0.0)
    assert Moments.of(Statistics.of([])) == Moments()


def test_what_cannot_be_summed_is_said() -> None:
    with pytest.raises(GeometryError, match=r"shape \(2, 2\)"):
        moments(Spans.full((2, 2)), np.zeros((3, 2)))
    with pytest.raises(TypeError):
        Moments() + 1  # type: ignore[operator]
