"""Statistics against numpy, and their promises: exact merging, nothing silently included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from imageregion import Frame, GeometryError, LinearMap, Spans, Statistics, TableMap, summarize

images = arrays(np.int16, (6, 9), elements=st.integers(-2000, 4000))
masks = arrays(np.bool_, (6, 9))
# Sums of at most 54 values below 4e3 are exact; a division and a root add one rounding each.
EXACT = 1e-12


@given(images, masks.filter(np.any))
def test_agrees_with_numpy(image: NDArray[np.int16], mask: NDArray[np.bool_]) -> None:
    stats = summarize(Spans.from_mask(mask), image)
    values = image[mask].astype(float)
    assert stats.count == len(values)
    assert stats.excluded == 0
    assert stats.sum == values.sum()
    assert stats.mean == pytest.approx(values.mean(), rel=EXACT, abs=EXACT)
    assert stats.std == pytest.approx(values.std(), rel=1e-9, abs=1e-9)
    assert (stats.min, stats.max) == (values.min(), values.max())
    for q in (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1):
        assert stats.quantile(q) == pytest.approx(np.quantile(values, q), rel=EXACT, abs=1e-9)


@given(images, st.data())
def test_parts_add_up_to_the_whole_exactly(image: NDArray[np.int16], data: st.DataObject) -> None:
    owner = data.draw(arrays(np.int8, (6, 9), elements=st.integers(0, 2)))
    parts = [summarize(Spans.from_mask(owner == k), image) for k in range(3)]
    whole = summarize(Spans.full((6, 9)), image)
    for total in ((parts[0] + parts[1]) + parts[2], parts[2] + (parts[1] + parts[0])):
        np.testing.assert_array_equal(total.values, whole.values)
        np.testing.assert_array_equal(total.counts, whole.counts)


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
    real = summarize(spans, frame.pixels)
    for stats in (stored, real):
        assert (stats.count, stats.excluded, stats.sum) == (4, 2, 42.0)


@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i2", ">u2", "<i4", "<u4", "<f4", ">f8"])
def test_every_pixel_type(dtype: str) -> None:
    image = np.arange(12).reshape(3, 4).astype(dtype)
    stats = summarize(Spans([1], [1], [4], [1.0], (3, 4)), image)
    assert (stats.count, stats.mean, stats.max) == (3, 6.0, 7.0)


def test_pixels_need_not_be_contiguous() -> None:
    image = np.arange(48).reshape(6, 8)[::2, ::-2]
    stats = summarize(Spans.full((3, 4)), image)
    assert stats.sum == image.sum()


def test_a_table_maps_stored_values() -> None:
    image = np.array([[0, 1], [2, 3]], dtype=np.uint8)
    stats = summarize(Spans.full((2, 2)), image, value_map=TableMap(0, [5.0, 5.0, -1.0, 5.0]))
    assert stats.values.tolist() == [-1.0, 5.0]
    assert stats.counts.tolist() == [1, 3]


def test_a_constant_region_has_no_spread() -> None:
    stats = Statistics.of(np.full(7, 0.1))
    assert stats.std == 0.0
    assert stats.mean == 0.1


def test_an_empty_region_has_no_mean() -> None:
    stats = summarize(Spans.empty((2, 2)), np.zeros((2, 2)))
    assert stats.count == 0
    assert [stats.mean, stats.std, stats.min, stats.max, stats.median] == [None] * 5


def test_what_cannot_be_summarized_is_said() -> None:
    spans = Spans([0], [0], [1], [0.5], (2, 2))
    with pytest.raises(GeometryError, match="partial weights"):
        summarize(spans, np.zeros((2, 2)))
    with pytest.raises(GeometryError, match=r"shape \(2, 2\)"):
        summarize(Spans.full((2, 2)), np.zeros((3, 2)))
    with pytest.raises(GeometryError, match="expected numbers"):
        summarize(Spans.full((2, 2)), np.zeros((2, 2), dtype=complex))
    with pytest.raises(GeometryError, match="0 <= q <= 1"):
        Statistics.of([1.0]).quantile(50)


def test_ibsi_digital_phantom() -> None:
    """IBSI reference values of the digital phantom that this version reports (exact consensus)."""
    bracketed = -99
    text = """
        1 4 4 1 1  1 4 6 1 1  4 1 6 4 1  4 4 6 4 1
        1 4 4 1 1  1 1 6 1 1  x 1 3 1 1  4 4 6 1 1
        1 4 4 x x  1 1 1 1 1  1 1 x 1 1  1 1 6 1 1
        1 4 4 x x  1 1 1 1 1  1 1 1 1 1  1 1 6 1 1
    """
    flat = [bracketed if token == "x" else int(token) for token in text.split()]
    volume = np.array(flat).reshape(4, 4, 5)
    stats = summarize(Spans.from_mask(volume != bracketed), volume)
    assert stats.count == 74
    found = [stats.mean, stats.variance, stats.median, stats.min, stats.max]
    assert [round(v, 2) for v in found if v is not None] == [2.15, 3.05, 1, 1, 6]
    assert stats.quantile(0.10) == 1
    assert stats.quantile(0.90) == 4
    upper, lower = stats.quantile(0.75), stats.quantile(0.25)
    assert upper is not None and lower is not None and upper - lower == 3
