"""Spans: invariants, masks, and whole-pixel set operations."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from imageregion import GeometryError, Spans, combine_spans

Mask = NDArray[np.bool_]
masks = arrays(np.bool_, (5, 7))
volumes = arrays(np.bool_, (3, 4, 6))
coverages = arrays(np.float64, (4, 6), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
ends = st.none() | st.integers(-9, 9)
windows = st.builds(slice, ends, ends)


def from_coverage(image: NDArray[np.float64]) -> Spans:
    """Spans with a run for every pixel; the constructor joins them."""
    row, column = np.nonzero(image)
    return Spans(row, column, column + 1, image[row, column], image.shape)


@given(masks)
def test_masks_round_trip(mask: Mask) -> None:
    spans = Spans.from_mask(mask)
    np.testing.assert_array_equal(spans.to_mask(), mask)
    assert spans.count == spans.area == mask.sum()
    assert spans.to_mask().dtype == np.bool_


@given(volumes)
def test_a_volume_is_a_tall_image(mask: Mask) -> None:
    spans = Spans.from_mask(mask)
    assert spans.shape == (3, 4, 6)
    np.testing.assert_array_equal(spans.to_mask(), mask)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (2, 0, 3), (2, 3, 0)])
def test_images_without_pixels(shape: tuple[int, ...]) -> None:
    spans = Spans.from_mask(np.ones(shape, dtype=bool))
    assert spans == Spans.full(shape)
    assert spans.to_mask().shape == spans.to_coverage().shape == shape
    assert ~spans == Spans.empty(shape)
    assert spans.shift(*(1 for _ in shape)).count == 0
    assert Spans.empty(shape).box is None
    assert Spans.empty(shape).crop(*(slice(None) for _ in shape)).shape == shape


@given(masks, st.sampled_from([np.bool_, np.uint8]))
def test_masks_are_painted_into_an_array_at_hand(mask: Mask, dtype: type[Any]) -> None:
    out = np.full((5, 7), 1, dtype=dtype)
    assert Spans.from_mask(mask).to_mask(out=out) is out
    np.testing.assert_array_equal(out, mask)


@pytest.mark.parametrize(
    "out",
    [
        np.zeros((5, 6), dtype=bool),
        np.zeros((5, 7)),
        np.zeros((7, 5), dtype=bool).T,
        np.broadcast_to(np.zeros(7, dtype=bool), (5, 7)),
    ],
)
def test_an_array_that_does_not_fit_is_refused(out: NDArray[Any]) -> None:
    with pytest.raises(GeometryError, match="out: expected a writeable C-contiguous"):
        Spans.full((5, 7)).to_mask(out=out)


@given(coverages)
def test_runs_of_one_pixel_are_joined(image: NDArray[np.float64]) -> None:
    spans = from_coverage(image)
    np.testing.assert_array_equal(spans.to_coverage(), image)
    touch = (spans.row[1:] == spans.row[:-1]) & (spans.start[1:] == spans.stop[:-1])
    assert not (touch & (spans.weight[1:] == spans.weight[:-1])).any()
    assert spans.count == np.count_nonzero(image)
    assert spans.area == image.sum()


@given(st.lists(masks, min_size=1, max_size=5))
def test_set_operations_agree_with_numpy(parts: list[Mask]) -> None:
    spans = [Spans.from_mask(part) for part in parts]
    stack = np.array(parts)
    wanted = {
        "union": stack.any(axis=0),
        "intersection": stack.all(axis=0),
        "difference": stack[0] & ~stack[1:].any(axis=0),
        "xor": stack.sum(axis=0) % 2 == 1,
    }
    for operation, mask in wanted.items():
        assert combine_spans(spans, operation) == Spans.from_mask(mask)  # type: ignore[arg-type]


@given(volumes, volumes)
def test_operators_agree_with_numpy(a: Mask, b: Mask) -> None:
    left, right = Spans.from_mask(a), Spans.from_mask(b)
    for result, mask in (
        (left | right, a | b),
        (left & right, a & b),
        (left - right, a & ~b),
        (left ^ right, a ^ b),
        (~left, ~a),
    ):
        np.testing.assert_array_equal(result.to_mask(), mask)
        expected = Spans.from_mask(mask)  # the same runs, not only the same pixels
        for field in ("row", "start", "stop", "weight"):
            np.testing.assert_array_equal(getattr(result, field), getattr(expected, field))


@given(masks, masks, masks)
def test_set_laws(a: Mask, b: Mask, c: Mask) -> None:
    x, y, z = (Spans.from_mask(mask) for mask in (a, b, c))
    assert ~(x | y) == ~x & ~y
    assert x & (y | z) == (x & y) | (x & z)
    assert x - y == x & ~y
    assert (x ^ y) ^ y == x
    assert ~~x == x


def test_operators_want_spans() -> None:
    spans: Any = Spans.full((2, 2))
    for operation in ("__or__", "__and__", "__sub__", "__xor__", "__eq__"):
        assert getattr(spans, operation)(3) is NotImplemented
    with pytest.raises(TypeError):
        spans | np.ones((2, 2), dtype=bool).tolist()
    assert spans != "spans"


@given(coverages, coverages)
def test_equality_is_by_value(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    left, right = from_coverage(a), from_coverage(b)
    assert (left == right) == np.array_equal(a, b)
    if left == right:
        assert hash(left) == hash(right)
    row, column = np.nonzero(a)
    loose = Spans._trusted(row, column, column + 1, a[row, column], a.shape)
    assert loose == left and hash(loose) == hash(left)
    assert pickle.loads(pickle.dumps(left)) == left


def test_equal_pixels_of_other_images_are_not_equal() -> None:
    assert Spans.empty((2, 3)) != Spans.empty((3, 2))
    assert Spans([0], [0], [1], [1.0], (1, 2)) != Spans([0], [0], [1], [0.5], (1, 2))


@given(coverages, windows, windows)
def test_crop_agrees_with_numpy(image: NDArray[np.float64], rows: slice, columns: slice) -> None:
    cut = from_coverage(image).crop(rows, columns)
    np.testing.assert_array_equal(cut.to_coverage(), image[rows, columns])
    assert cut == from_coverage(image[rows, columns])


@given(volumes, windows, windows, windows)
def test_crop_of_a_volume_agrees_with_numpy(mask: Mask, a: slice, b: slice, c: slice) -> None:
    assert Spans.from_mask(mask).crop(a, b, c) == Spans.from_mask(mask[a, b, c])


@given(volumes, st.tuples(*[st.integers(-7, 7)] * 3))
def test_shift_agrees_with_numpy(mask: Mask, steps: tuple[int, int, int]) -> None:
    wanted = np.zeros_like(mask)
    for index in np.argwhere(mask):
        goal = index + steps
        if (goal >= 0).all() and (goal < mask.shape).all():
            wanted[tuple(goal)] = True
    assert Spans.from_mask(mask).shift(*steps) == Spans.from_mask(wanted)


def test_shift_keeps_weights_and_survives_huge_steps() -> None:
    spans = Spans([0, 0], [0, 2], [2, 3], [0.25, 1.0], (2, 4))
    assert spans.shift(1, 1) == Spans([1, 1], [1, 3], [3, 4], [0.25, 1.0], (2, 4))
    assert spans.shift(np.int64(0), -1).area == 1.25
    assert spans.shift(10**30, -(10**30)) == Spans.empty((2, 4))


@given(volumes)
def test_the_box_is_the_smallest(mask: Mask) -> None:
    spans = Spans.from_mask(mask)
    if not mask.any():
        assert spans.box is None
        return
    assert spans.box is not None
    assert spans.crop(*spans.box).count == spans.count
    where = np.argwhere(mask)
    assert [(s.start, s.stop) for s in spans.box] == [
        (int(low), int(high) + 1)
        for low, high in zip(where.min(axis=0), where.max(axis=0), strict=True)
    ]


def test_windows_and_steps_must_fit() -> None:
    spans = Spans.full((2, 4))
    with pytest.raises(GeometryError, match="expected 2 slices of step 1"):
        spans.crop(slice(None))
    with pytest.raises(GeometryError, match="expected 2 slices of step 1"):
        spans.crop(slice(None), slice(None, None, 2))
    for steps in ((1,), (1, 2, 3), (0.5, 1)):
        with pytest.raises(GeometryError, match="expected 2 integers"):
            spans.shift(*steps)


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
    assert spans.to_mask().tolist() == [[True, True, True, False]]
    assert spans.area == 1.5
    assert not spans.is_whole


def test_partial_weights_point_to_combining_shapes() -> None:
    spans = Spans([0, 0], [0, 2], [2, 3], [0.25, 1.0], (1, 4))
    with pytest.raises(GeometryError, match=r'imageregion\.combine\(shapes, "union"\)'):
        combine_spans([spans], "union")
    with pytest.raises(GeometryError, match=r'imageregion\.combine\(shapes, "difference"\)'):
        spans - Spans.full((1, 4))
    with pytest.raises(GeometryError, match="partial weights"):
        _ = ~spans


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
        (([0], [0, 1], [1], [1.0]), "one length"),
        (([0.5], [0], [1], [1.0]), "expected integers"),
        (([2**70], [0], [1], [1.0]), "expected integers"),
        (([0], [0], [1], [np.inf]), "finite"),
    ],
)
def test_broken_spans_are_refused(fields: tuple[list[float], ...], message: str) -> None:
    row, start, stop, weight = fields
    with pytest.raises(GeometryError, match=message):
        Spans(row, start, stop, weight, (2, 4))


@pytest.mark.parametrize("shape", [(4,), (-1, 4), (2.5, 4), "ab", 7, (2**40, 2**40)])
def test_broken_shapes_are_refused(shape: Any) -> None:
    for make in (Spans.empty, Spans.full, lambda given: Spans.from_runs([], [], [], given)):
        with pytest.raises(GeometryError, match="expected"):
            make(shape)


def test_broken_runs_and_operations_are_refused() -> None:
    for row, start, stop in (([0], [2], [2]), ([9], [0], [1]), ([0], [-1], [1])):
        with pytest.raises(GeometryError, match="expected"):
            Spans.from_runs(row, start, stop, (2, 4))
    with pytest.raises(GeometryError, match="expected at least one part"):
        combine_spans([], "union")
    with pytest.raises(GeometryError, match="operation: expected one of"):
        combine_spans([Spans.full((2, 2))], "minus")  # type: ignore[arg-type]


def test_masks_must_be_boolean() -> None:
    with pytest.raises(GeometryError, match="expected booleans"):
        Spans.from_mask(np.zeros((2, 2)))
    with pytest.raises(GeometryError, match="one image shape"):
        combine_spans([Spans.empty((2, 2)), Spans.empty((2, 3))], "union")
    with pytest.raises(GeometryError, match="one image shape"):
        Spans.empty((2, 2)) | Spans.empty((2, 3))
