"""Statistics against numpy, and their promises: exact merging, nothing silently included."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from imageregion import Frame, GeometryError, LinearMap, Spans, Statistics, TableMap, summarize
from imageregion.ragged import RaggedSpans
from imageregion.statistics.estimators import estimate_mean
from imageregion.statistics.first_order import FEATURES
from imageregion.statistics.summary import moments, summarize_many

FloatArray = NDArray[np.float64]

images = arrays(np.int16, (6, 9), elements=st.integers(-2000, 4000))
masks = arrays(np.bool_, (6, 9))
# Multiples of 1/64: cumulative weights are exact, so that no tie is decided by rounding.
coverages = arrays(np.float64, (6, 9), elements=st.integers(0, 64).map(lambda n: n / 64))
# Sums of at most 54 values below 4e3 are exact; a division and a root add one rounding each.
EXACT = 1e-12
FOUR = Statistics.of([1, 2, 3, 10])
LEVELS = (0, 0.1, 0.25, 1 / 3, 0.5, 0.75, 0.9, 1)


def covering(coverage: FloatArray) -> Spans:
    """Spans of a run per covered pixel: what weights go where can be read off."""
    row, start = np.nonzero(coverage)
    return Spans(row, start, start + 1, coverage[row, start], coverage.shape)


@given(images, masks.filter(np.any))
def test_agrees_with_numpy(image: NDArray[np.int16], mask: NDArray[np.bool_]) -> None:
    stats = summarize(Spans.from_mask(mask), image)
    values = image[mask].astype(float)
    assert stats.count == len(values)
    assert stats.excluded == 0
    assert stats.weight == len(values)
    assert stats.sum == values.sum()
    assert stats.mean == pytest.approx(values.mean(), rel=EXACT, abs=EXACT)
    assert stats.std == pytest.approx(values.std(), rel=1e-9, abs=1e-9)
    assert (stats.min, stats.max) == (values.min(), values.max())


@given(images, masks.filter(np.any), st.floats(0, 1))
def test_quantiles_of_whole_pixels_are_those_of_numpy_bit_for_bit(
    image: NDArray[np.int16], mask: NDArray[np.bool_], level: float
) -> None:
    stats = summarize(Spans.from_mask(mask), image)
    values = image[mask].astype(float)
    for q in (*LEVELS, level):
        assert stats.quantile(q) == np.quantile(values, q)
        assert stats.quantile(q, "inverted_cdf") == np.quantile(values, q, method="inverted_cdf")


def slow_quantile(values: FloatArray, weights: FloatArray, q: float) -> float:
    """Mean of the step function over one pixel's weight, by its definition."""
    order = np.argsort(values)
    ends = np.cumsum(weights[order])
    width = min(1.0, ends[-1])
    first = (ends[-1] - width) * q
    begins = ends - weights[order]
    overlap = np.clip(np.minimum(ends, first + width) - np.maximum(begins, first), 0, None)
    return float((values[order] * overlap).sum() / width)


@given(images, coverages.filter(np.any))
def test_partial_pixels_count_by_their_weight(
    image: NDArray[np.int16], coverage: FloatArray
) -> None:
    stats = summarize(covering(coverage), image)
    values, weights = image[coverage > 0].astype(float), coverage[coverage > 0]
    mean = np.average(values, weights=weights)
    variance = np.average((values - mean) ** 2, weights=weights)
    assert stats.count == len(values)
    assert stats.weight == weights.sum()
    assert stats.sum == pytest.approx((values * weights).sum(), rel=EXACT, abs=1e-9)
    assert stats.mean == pytest.approx(mean, rel=1e-9, abs=1e-9)
    assert stats.variance == pytest.approx(variance, rel=1e-9, abs=1e-6)
    assert (stats.min, stats.max) == (values.min(), values.max())
    for q in LEVELS:
        # Values of up to 4e3 times shares of 64ths, divided by less than one pixel.
        assert stats.quantile(q) == pytest.approx(
            slow_quantile(values, weights, q), rel=1e-9, abs=1e-9
        )
        theirs = np.quantile(values, q, weights=weights, method="inverted_cdf")
        assert stats.quantile(q, "inverted_cdf") == theirs or not (weights < 1).any()


@given(images, coverages.filter(np.any), st.floats(1e-12, 1e-9))
def test_quantiles_do_not_jump_when_a_pixel_begins_to_count(
    image: NDArray[np.int16], coverage: FloatArray, little: float
) -> None:
    before = summarize(covering(coverage), image)
    after = summarize(covering(np.maximum(coverage, little)), image)
    for q in LEVELS:
        low, high = before.quantile(q), after.quantile(q)
        assert low is not None
        # At most 54 pixels of 1e-9 shift the window, over steps of at most 6e3, of a region of at
        # least 1/64 pixel: 54 * 1e-9 * 6e3 * 64.
        assert high == pytest.approx(low, abs=0.05)


def test_a_region_of_less_than_a_pixel_has_one_value() -> None:
    stats = Statistics([1, 2], [1, 1], weights=[0.25, 0.5])
    assert stats.mean is not None
    for q in LEVELS:
        assert stats.quantile(q) == pytest.approx(stats.mean, rel=EXACT)


def test_weights_of_a_subpixel_shape_are_kept() -> None:
    spans = Spans([0, 1], [0, 1], [1, 2], [3e-12, 1e-12], (2, 2))
    stats = summarize(spans, np.array([[8, 0], [0, 4]]))
    assert stats.weight == pytest.approx(4e-12, rel=EXACT)
    assert stats.mean == pytest.approx(7.0, rel=EXACT)


@given(images, st.data())
def test_parts_add_up_to_the_whole_exactly(image: NDArray[np.int16], data: st.DataObject) -> None:
    owner = data.draw(arrays(np.int8, (6, 9), elements=st.integers(0, 2)))
    parts = [summarize(Spans.from_mask(owner == k), image) for k in range(3)]
    whole = summarize(Spans.full((6, 9)), image)
    for total in ((parts[0] + parts[1]) + parts[2], parts[2] + (parts[1] + parts[0])):
        np.testing.assert_array_equal(total.values, whole.values)
        np.testing.assert_array_equal(total.counts, whole.counts)
        np.testing.assert_array_equal(total.weights, whole.weights)
        assert total.features() == whole.features()


@given(images, coverages, st.data())
def test_partial_parts_add_up(
    image: NDArray[np.int16], coverage: FloatArray, data: st.DataObject
) -> None:
    owner = data.draw(arrays(np.int8, (6, 9), elements=st.integers(0, 1)))
    one, other = (summarize(covering(np.where(owner == k, coverage, 0)), image) for k in range(2))
    whole = summarize(covering(coverage), image)
    for total in (one + other, other + one):
        np.testing.assert_array_equal(total.counts, whole.counts)
        np.testing.assert_array_equal(total.weights, whole.weights)  # 64ths add exactly


@given(images, masks, st.floats(-3, 3).filter(lambda v: abs(v) > 1e-3), st.floats(-1e3, 1e3))
def test_mapping_values_before_or_after_is_the_same(
    image: NDArray[np.int16], mask: NDArray[np.bool_], slope: float, intercept: float
) -> None:
    spans, rescale = Spans.from_mask(mask), LinearMap(slope, intercept)
    late = summarize(spans, image, value_map=rescale)
    early = summarize(spans, rescale(image))
    assert late.count == early.count
    np.testing.assert_allclose(late.values, early.values, rtol=0, atol=0)


def test_padding_and_nan_are_left_out_and_counted() -> None:
    image = np.array([[0, 5, -2000], [7, -2000, 9]], dtype=np.int16)
    frame = Frame.from_array(image, padding=(-2000, -2000), value_map=LinearMap(2, 0))
    spans = Spans.full((2, 3))
    stored = summarize(spans, image, value_map=frame.value_map, is_padding=frame.is_padding)
    as_range = summarize(spans, image, value_map=frame.value_map, is_padding=frame.padding)
    real = summarize(spans, frame.pixels)
    for stats in (stored, as_range, real):
        assert (stats.count, stats.excluded, stats.sum, stats.outside) == (4, 2, 42.0, 0)


def test_infinities_and_what_a_map_makes_of_them_are_left_out() -> None:
    pixels = np.array([[1.0, np.inf], [-np.inf, np.nan]], dtype=np.float32)
    assert summarize(Spans.full((2, 2)), pixels).excluded == 3

    def roots(stored: NDArray[Any]) -> FloatArray:
        return np.where(stored < 0, np.nan, np.sqrt(np.abs(stored)))

    rooted = summarize(Spans.full((1, 3)), np.array([[-1, 4, 9]]), value_map=roots)
    assert (rooted.values.tolist(), rooted.excluded) == ([2.0, 3.0], 1)


@pytest.mark.parametrize(
    "dtype",
    ["i1", "u1", "<i2", ">i2", ">u2", "<i4", "<u4", "i8", "u8", "f2", "<f4", ">f8", "g"],
)
def test_every_pixel_type(dtype: str) -> None:
    image = np.arange(12).reshape(3, 4).astype(dtype)
    stats = summarize(Spans([1], [1], [4], [1.0], (3, 4)), image)
    assert (stats.count, stats.mean, stats.max) == (3, 6.0, 7.0)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_the_ends_of_integers(dtype: str) -> None:
    ends = np.array([[np.iinfo(dtype).min, np.iinfo(dtype).max, np.iinfo(dtype).max]], dtype)
    stats = summarize(Spans.full((1, 3)), ends)
    assert stats.values.tolist() == [float(ends[0, 0]), float(ends[0, 1])]
    assert stats.counts.tolist() == [1, 2]


@settings(max_examples=15)
@given(st.data())
@example(None)
def test_every_way_to_find_a_distribution_gives_the_same_bits(data: st.DataObject | None) -> None:
    """Small and large regions, narrow and wide ranges, integers and floats of the same values."""
    seed = 0 if data is None else data.draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    rows, scale = int(rng.choice([2, 20, 50])), int(rng.choice([1, 300]))
    image = rng.integers(-50, 50, (rows, 100)) * scale
    weight = rng.random((rows, 100)) * (rng.random((rows, 100)) < 0.5)
    weight[rng.random((rows, 100)) < 0.3] = 1.0
    spans = covering(weight)
    found = [summarize(spans, image.astype(kind)) for kind in ("i2", "i4", "i8", "f4", "f8", ">f4")]
    order = np.argsort(image[weight > 0], kind="stable")
    for stats in found:
        np.testing.assert_array_equal(stats.values, found[0].values)
        np.testing.assert_array_equal(stats.counts, found[0].counts)
        np.testing.assert_array_equal(stats.weights, found[0].weights)
        assert stats.features() == found[0].features()
    np.testing.assert_array_equal(
        np.repeat(found[0].values, found[0].counts), image[weight > 0][order]
    )


def test_zeros_of_both_signs_are_one_value() -> None:
    stats = summarize(Spans.full((1, 3)), np.array([[0.0, -0.0, 0.0]]))
    assert stats.counts.tolist() == [3]
    assert math.copysign(1, stats.values[0]) == 1


def test_pixels_need_not_be_contiguous() -> None:
    image = np.arange(48).reshape(6, 8)[::2, ::-2]
    stats = summarize(Spans.full((3, 4)), image)
    assert stats.sum == image.sum()


def test_pixels_stay_as_writable_as_they_were() -> None:
    image = np.zeros((2, 2))
    summarize(Spans.full((2, 2)), image)
    image[0, 0] = 1


def test_a_table_maps_stored_values() -> None:
    image = np.array([[0, 1], [2, 3]], dtype=np.uint8)
    stats = summarize(Spans.full((2, 2)), image, value_map=TableMap(0, [5.0, 5.0, -1.0, 5.0]))
    assert stats.values.tolist() == [-1.0, 5.0]
    assert stats.counts.tolist() == [1, 3]


def test_a_map_gets_integers_that_do_not_overflow() -> None:
    image = np.array([[300, -300]], dtype=np.int16)
    for rows in (1, 3000):
        spans = Spans.full((rows, 2))
        stats = summarize(spans, np.tile(image, (rows, 1)), value_map=lambda x: x * 1000)
        assert stats.values.tolist() == [-300_000.0, 300_000.0]


def test_ibsi_digital_phantom() -> None:
    """All intensity-based statistics of the IBSI digital phantom, to the digits it prints."""
    stats = summarize(*phantom())
    assert stats.count == 74
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
        "interquartile_range": 3,
        "range": 5,
        "mean_absolute_deviation": 1.55,
        "robust_mean_absolute_deviation": 1.11,
        "median_absolute_deviation": 1.15,
        "coefficient_of_variation": 0.812,
        "quartile_dispersion": 0.6,
        "energy": 567,
        "root_mean_square": 2.77,
    }
    found = stats.features()
    assert list(found) == list(FEATURES) == list(wanted)
    for name, value in wanted.items():
        digits = len(str(value).partition(".")[2])
        number = found[name]
        assert number is not None
        assert round(number, digits) == value, name
    assert stats.mode == 1


def phantom() -> tuple[Spans, NDArray[np.int64]]:
    """Return the ROI and the values of the IBSI digital phantom (standards of IBSI, 5.1)."""
    bracketed = -99
    text = """
        1 4 4 1 1  1 4 6 1 1  4 1 6 4 1  4 4 6 4 1
        1 4 4 1 1  1 1 6 1 1  x 1 3 1 1  4 4 6 1 1
        1 4 4 x x  1 1 1 1 1  1 1 x 1 1  1 1 6 1 1
        1 4 4 x x  1 1 1 1 1  1 1 1 1 1  1 1 6 1 1
    """
    flat = [bracketed if token == "x" else int(token) for token in text.split()]
    volume = np.array(flat).reshape(4, 4, 5)
    return Spans.from_mask(volume != bracketed), volume


@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e3, 1e3)))
def test_features_against_their_formulas(values: FloatArray) -> None:
    stats = Statistics.of(values)
    mean, median = values.mean(), np.median(values)
    low, high = np.quantile(values, [0.1, 0.9])
    middle = values[(values >= low) & (values <= high)]
    close: dict[str, Any] = {"rel": 1e-9, "abs": 1e-9}
    assert stats.mean_absolute_deviation == pytest.approx(np.abs(values - mean).mean(), **close)
    assert stats.median_absolute_deviation == pytest.approx(np.abs(values - median).mean(), **close)
    robust = stats.robust_mean_absolute_deviation
    if len(middle):
        assert robust == pytest.approx(np.abs(middle - middle.mean()).mean(), **close)
    else:
        assert robust is None
    assert stats.energy == pytest.approx((values**2).sum(), **close)
    assert stats.root_mean_square == pytest.approx(np.sqrt((values**2).mean()), **close)
    assert stats.range == pytest.approx(np.ptp(values), **close)


def test_skewness_and_kurtosis_of_known_distributions() -> None:
    """Bernoulli with p = 1/4: skewness (1 - 2p) / sqrt(pq), kurtosis (1 - 6pq) / (pq)."""
    stats = Statistics([0, 1], [300, 100])
    p, q = 0.25, 0.75
    assert stats.skewness == pytest.approx((1 - 2 * p) / math.sqrt(p * q), rel=EXACT)
    assert stats.kurtosis == pytest.approx((1 - 6 * p * q) / (p * q), rel=EXACT)


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value")  # uncompiled
@pytest.mark.parametrize(
    ("values", "undefined"),
    [
        ([], set(FEATURES)),
        ([7.0], {"skewness", "kurtosis"}),
        ([0.1] * 7, {"skewness", "kurtosis"}),
        ([0.0], {"skewness", "kurtosis", "coefficient_of_variation", "quartile_dispersion"}),
        ([-3, -1, 1, 3], {"coefficient_of_variation", "quartile_dispersion"}),
        ([1, 2], {"robust_mean_absolute_deviation"}),
        ([-1e200, 0, 1e200], None),
        ([1e-320, 2e-320], None),
        ([1.7e308, 1.7e308, -1.7e308], None),
        ([1.7e308, 1.6e308], None),
    ],
)
def test_what_is_not_defined_is_none_and_nothing_is_nan(
    values: list[float], undefined: set[str] | None
) -> None:
    stats = Statistics.of(values)
    found = stats.features() | {"mode": stats.mode, "std": stats.std, "sum": stats.sum}
    assert all(x is None or math.isfinite(x) for x in found.values())
    if undefined is not None:
        assert {name for name in FEATURES if found[name] is None} == undefined


def test_an_empty_region_has_no_mean() -> None:
    stats = summarize(Spans.empty((2, 2)), np.zeros((2, 2), dtype=np.int16))
    assert (stats.count, stats.weight, stats.sum) == (0, 0.0, 0.0)
    assert [stats.mean, stats.std, stats.min, stats.max, stats.median, stats.mode] == [None] * 6
    assert stats.quantile(0.3, "inverted_cdf") is None
    assert (stats + stats).count == 0


def test_a_region_of_padding_has_no_mean() -> None:
    stats = summarize(Spans.full((2, 2)), np.zeros((2, 2), dtype=np.int16), is_padding=(-1, 1))
    assert (stats.count, stats.excluded, stats.mean) == (0, 4, None)


def test_a_constant_region_has_no_spread() -> None:
    stats = Statistics.of(np.full(7, 0.1))
    assert stats.std == 0.0
    assert stats.mean == 0.1


def test_large_offsets_do_not_cost_the_spread() -> None:
    """1e9 + k / 1024 for k in 0..1023, each exact; the variance is (n^2 - 1) / 12 / 1024^2."""
    stats = Statistics.of(1e9 + np.arange(1024) / 1024)
    assert stats.variance == pytest.approx((1024**2 - 1) / 12 / 1024**2, rel=EXACT)
    assert stats.mean == 1e9 + 1023 / 2048


def test_float32_values_of_1e30() -> None:
    pixels = np.array([[1e30, 3e30]], dtype=np.float32)
    stats = summarize(Spans.full((1, 2)), pixels)
    assert stats.std == pytest.approx(1e30, rel=1e-7)  # float32 holds seven digits
    assert stats.kurtosis == pytest.approx(-2.0, rel=EXACT)
    assert stats.skewness == pytest.approx(0.0, abs=EXACT)


@pytest.mark.filterwarnings("ignore:overflow encountered", "ignore:invalid value")  # uncompiled
def test_a_mean_of_values_whose_sum_overflows() -> None:
    stats = Statistics.of([1.6e308, 1.7e308])
    assert stats.sum is None
    assert stats.mean == pytest.approx(1.65e308, rel=EXACT)


def test_mode_is_the_one_closest_to_the_mean() -> None:
    assert Statistics.of([1, 1, 8, 8, 9]).mode == 8
    assert Statistics.of([1, 3]).mode == 1
    assert Statistics([5, 6], [3, 1], weights=[0.5, 1.0]).mode == 6


def test_resegmentation_is_inclusive_and_counts_what_it_leaves_out() -> None:
    stats = Statistics([-600, -500, 0, 400, 401], [1, 2, 3, 4, 5], excluded=9)
    kept = stats.resegmented(-500, 400)
    assert (kept.values.tolist(), kept.outside, kept.excluded) == ([-500.0, 0.0, 400.0], 6, 9)
    assert stats.resegmented(low=0).count == 12
    assert stats.resegmented(high=-601).mean is None
    assert stats.resegmented().count == stats.count
    again = kept.resegmented(0)
    assert (again.count, again.outside) == (7, 8)
    assert (kept + again).outside == 14
    with pytest.raises(GeometryError, match="low <= high"):
        stats.resegmented(1, 0)
    with pytest.raises(GeometryError, match="low <= high"):
        stats.resegmented(math.nan)


def test_outliers_are_judged_by_mean_and_spread_before() -> None:
    values = np.array([0.0] * 50 + [1.0] * 50 + [20.0, -30.0])
    stats = Statistics.of(values)
    far = np.abs(values - values.mean()) > 3 * values.std()
    kept = stats.without_outliers()
    assert (kept.count, kept.outside) == ((~far).sum(), far.sum()) == (100, 2)
    assert stats.without_outliers(sigmas=100).outside == 0
    exact = Statistics.of([-1.0, 1.0]).without_outliers(1.0)  # both lie on the bound: inclusive
    assert exact.count == 2
    assert Statistics.of([]).without_outliers().count == 0
    assert Statistics.of([5.0, 5.0]).without_outliers(0).count == 2
    with pytest.raises(GeometryError, match="sigmas >= 0"):
        stats.without_outliers(-1)


def test_what_cannot_be_summarized_is_said() -> None:
    with pytest.raises(GeometryError, match=r"shape \(2, 2\)"):
        summarize(Spans.full((2, 2)), np.zeros((3, 2)))
    with pytest.raises(GeometryError, match="expected numbers"):
        summarize(Spans.full((2, 2)), np.zeros((2, 2), dtype=complex))
    with pytest.raises(GeometryError, match="0 <= q <= 1"):
        Statistics.of([1.0]).quantile(50)
    with pytest.raises(GeometryError, match="inverted_cdf"):
        Statistics.of([1.0]).quantile(0.5, "hazen")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Statistics([1, 1], [1, 1]), "ascending"),
        (lambda: Statistics([1, 2], [1]), "count"),
        (lambda: Statistics([1, 2], [1, 0]), "count"),
        (lambda: Statistics([1, 2], [1, 1], weights=[1]), "weight"),
        (lambda: Statistics([1, 2], [1, 1], weights=[1, 0]), "weight"),
        (lambda: Statistics([1, math.inf], [1, 1]), "finite"),
        (lambda: Statistics([1, 2], [1.7, 2.2]), "whole numbers, got 1.7"),
        (lambda: Statistics([1, 2], [1, math.nan]), "whole numbers, got nan"),
        (lambda: Statistics([1], [1], excluded=-1), "excluded: expected"),
        (lambda: Statistics([1], [1], outside=-1), "outside: expected"),
        (lambda: Statistics.of([1], -5), "excluded: expected .* got -5"),
        (lambda: Statistics.of("abc"), "Statistics values: expected numbers"),
        (lambda: Statistics.of([[1], [2, 3]]), "Statistics values: expected numbers"),
    ],
)
def test_what_is_no_distribution(make: Callable[[], Statistics], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        make()


def test_statistics_are_values() -> None:
    stats = Statistics([1, 2], [3, 4], 5, [1.5, 2.5], 6)
    assert stats.mean == 1.625
    again = pickle.loads(pickle.dumps(stats))
    assert again.features() == stats.features()
    assert (again.excluded, again.outside) == (5, 6)
    with pytest.raises(ValueError, match="read-only"):
        stats.weights[0] = 1
    with pytest.raises(TypeError):
        stats + 1  # type: ignore[operator]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(1, 10), st.sampled_from([-1.0, 1.0]))
@example(0.1, 0.2, 1, 1.0)
def test_outlier_limits_are_inclusive_though_rounded(
    low: float, apart: float, pairs: int, sign: float
) -> None:
    """Halves at two values lie one standard deviation from the mean: on the limits exactly."""
    pair = sorted([sign * low, sign * (low + apart)])
    kept = Statistics(pair, [pairs, pairs]).without_outliers(1)
    assert (kept.count, kept.outside) == (2 * pairs, 0)


def test_outlier_limits_are_not_wider_than_a_few_roundings() -> None:
    above = 1.0 + 16 * math.ulp(1.0)
    stats = Statistics([-above, -1.0, 1.0, above], [1, 10**15, 10**15, 1])
    assert stats.without_outliers(1).count == 2 * 10**15


@pytest.mark.parametrize("padding", [[0, 1], 3, (0, 1, 2), (0,), ("a", "b")])
def test_padding_is_a_pair_or_a_function(padding: Any) -> None:
    spans, pixels = Spans.full((2, 2)), np.zeros((2, 2))
    regions = RaggedSpans(
        spans.row, spans.start, spans.stop, spans.weight, np.array([0, 2]), (2, 2)
    )
    for measure, region in ((summarize, spans), (moments, spans), (summarize_many, regions)):
        with pytest.raises(GeometryError, match="is_padding: expected a function or a tuple"):
            measure(region, pixels, is_padding=padding)  # type: ignore[arg-type]
    with pytest.raises(GeometryError, match="is_padding: expected a function or a tuple"):
        estimate_mean(spans, pixels, "unmixed", is_padding=padding)


@pytest.mark.parametrize(
    ("misuse", "message"),
    [
        (lambda: summarize(None, np.zeros((2, 2))), "expected Spans, got NoneType"),  # type: ignore[arg-type]
        (lambda: moments(None, np.zeros((2, 2))), "expected Spans, got NoneType"),  # type: ignore[arg-type]
        (
            lambda: summarize(Spans.full((1, 1)), np.zeros((1, 1)), value_map=3),  # type: ignore[arg-type]
            "value_map: expected a function",
        ),
        (
            lambda: summarize_many(Spans.full((2, 2)), np.zeros((2, 2))),  # type: ignore[arg-type]
            "expected RaggedSpans, got Spans",
        ),
        (lambda: FOUR.discretize(bins=2.5), "whole, got 2.5"),  # type: ignore[arg-type]
        (lambda: FOUR.discretize(bins="2"), "whole, got '2'"),  # type: ignore[arg-type]
        (lambda: FOUR.discretize(width="a", lower=0), "width > 0, got 'a'"),  # type: ignore[arg-type]
        (lambda: FOUR.quantile("a"), "0 <= q <= 1, got 'a'"),  # type: ignore[arg-type]
        (lambda: FOUR.resegmented("a"), "low <= high, got 'a'"),  # type: ignore[arg-type]
        (lambda: FOUR.without_outliers("a"), "sigmas >= 0, got 'a'"),  # type: ignore[arg-type]
    ],
)
def test_arguments_of_the_wrong_type(misuse: Callable[[], object], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        misuse()
