"""Spans: invariants, masks, and whole-pixel set operations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from imageregion import GeometryError, Spans, combine_spans

masks = arrays(np.bool_, (5, 7))


@given(masks)
def test_masks_round_trip(mask: NDArray[np.bool_]) -> None:
    spans = Spans.from_mask(mask)
    np.testing.assert_array_equal(spans.to_mask(), mask)
    assert spans.count == spans.area == mask.sum()


@given(arrays(np.bool_, (3, 4, 6)))
def test_a_volume_is_a_tall_image(mask: NDArray[np.bool_]) -> None:
    spans = Spans.from_mask(mask)
    assert spans.shape == (3, 4, 6)
    np.testing.assert_array_equal(spans.to_mask(), mask)


@given(st.lists(masks, min_size=1, max_size=4))
def test_set_operations_agree_with_numpy(parts: list[NDArray[np.bool_]]) -> None:
    spans = [Spans.from_mask(part) for part in parts]
    stack = np.array(parts)
    np.testing.assert_array_equal(combine_spans(spans, "union").to_mask(), stack.any(axis=0))
    np.testing.assert_array_equal(combine_spans(spans, "xor").to_mask(), stack.sum(axis=0) % 2 == 1)
    np.testing.assert_array_equal(combine_spans(spans, "intersection").to_mask(), stack.all(axis=0))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(1, 7)), max_size=12))
def test_runs_in_any_order_are_joined(runs: list[tuple[int, int, int]]) -> None:
    runs = [(row, a, max(a + 1, b)) for row, a, b in runs]
    mask = np.zeros((5, 7), dtype=bool)
    for row, start, stop in runs:
        mask[row, start:stop] = True
    rows, starts, stops = zip(*runs, strict=True) if runs else ((), (), ())
    spans = Spans.from_runs(rows, starts, stops, (5, 7))
    np.testing.assert_array_equal(spans.to_mask(), mask)
    touching = (spans.row[1:] == spans.row[:-1]) & (spans.start[1:] == spans.stop[:-1])
    assert not touching.any()


def test_full_and_empty() -> None:
    assert Spans.full((3, 4)).count == 12
    assert Spans.empty((3, 4)).count == 0
    assert Spans.full((2, 3, 4)).to_mask().all()


def test_coverage_carries_weights() -> None:
    spans = Spans([0, 0], [0, 2], [2, 3], [0.25, 1.0], (1, 4))
    assert spans.to_coverage().tolist() == [[0.25, 0.25, 1.0, 0.0]]
    assert spans.area == 1.5
    assert not spans.is_whole
    with pytest.raises(GeometryError, match="partial weights"):
        combine_spans([spans], "union")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (([0], [3], [3], [1.0]), "start < stop"),
        (([0], [0], [5], [1.0]), "inside an image"),
        (([2], [0], [1], [1.0]), "inside an image"),
        (([0, 0], [0, 1], [2, 3], [1.0, 1.0]), "without overlap"),
        (([1, 0], [0, 0], [1, 1], [1.0, 1.0]), "sorted"),
        (([0], [0], [1], [0.0]), "weights"),
        (([0], [0], [1], [1.0, 1.0]), "one length"),
    ],
)
def test_broken_spans_are_refused(fields: tuple[list[float], ...], message: str) -> None:
    row, start, stop, weight = fields
    with pytest.raises(GeometryError, match=message):
        Spans(row, start, stop, weight, (2, 4))


def test_masks_must_be_boolean() -> None:
    with pytest.raises(GeometryError, match="expected booleans"):
        Spans.from_mask(np.zeros((2, 2)))
    with pytest.raises(GeometryError, match="one image shape"):
        combine_spans([Spans.empty((2, 2)), Spans.empty((2, 3))], "union")
