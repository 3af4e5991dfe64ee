"""Agreement: against every pair of pixels, and where it is not defined."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from imageregion import GeometryError, Spans
from imageregion.similarity import Agreement, agreement

Mask = NDArray[np.bool_]
masks = arrays(np.bool_, (5, 6))
volumes = arrays(np.bool_, (3, 4, 4))
coverages = arrays(np.float64, (4, 5), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
NONE = Agreement(None, None, None, None, None)


def surface(mask: Mask) -> NDArray[np.int64]:
    """Pixels with a neighbour outside, one by one; shape (pixels, axes)."""
    found = []
    for index in map(tuple, np.argwhere(mask)):
        for axis in range(mask.ndim):
            for way in (-1, 1):
                near = tuple(i + way * (k == axis) for k, i in enumerate(index))
                inside = all(0 <= i < n for i, n in zip(near, mask.shape, strict=True))
                if not inside or not mask[near]:
                    found.append(index)
    return np.array(sorted(set(found)), dtype=np.int64).reshape(-1, mask.ndim)


def by_force(a: Mask, b: Mask, spacing: Any) -> tuple[float, float, float]:
    """All distances between all surface pixels."""
    steps = surface(a)[:, None] * np.array(spacing) - surface(b)[None] * np.array(spacing)
    distance = np.sqrt((steps**2).sum(axis=2))
    there, back = distance.min(axis=1), distance.min(axis=0)
    return (
        max(there.max(), back.max()),
        max(np.quantile(there, 0.95), np.quantile(back, 0.95)),
        np.concatenate([there, back]).mean(),
    )


def check(a: Mask, b: Mask, spacing: tuple[float, ...]) -> None:
    found = agreement(Spans.from_mask(a), Spans.from_mask(b), spacing)
    if not a.any() and not b.any():
        assert found == NONE
        return
    assert found.dice == 2 * (a & b).sum() / (a.sum() + b.sum())
    assert found.jaccard == (a & b).sum() / (a | b).sum()
    distances = (found.hausdorff, found.hausdorff_95, found.mean_surface_distance)
    if not a.any() or not b.any():
        assert distances == (None, None, None)
        return
    # The same sums of squares in another order: a few roundings of float64.
    np.testing.assert_allclose(np.array(distances, float), by_force(a, b, spacing), rtol=1e-12)


@given(masks, masks, st.tuples(*[st.sampled_from([0.5, 1.0, 2.0])] * 2))
def test_images_agree_with_brute_force(a: Mask, b: Mask, spacing: tuple[float, ...]) -> None:
    check(a, b, spacing)


@given(volumes, volumes, st.tuples(*[st.sampled_from([0.5, 1.0, 3.0])] * 3))
def test_volumes_agree_with_brute_force(a: Mask, b: Mask, spacing: tuple[float, ...]) -> None:
    check(a, b, spacing)


@given(masks, masks)
def test_the_order_does_not_matter(a: Mask, b: Mask) -> None:
    left, right = Spans.from_mask(a), Spans.from_mask(b)
    assert agreement(left, right) == agreement(right, left)
    assert agreement(left, right) == agreement(left, right, (1.0, 1.0))
    if a.any():
        assert agreement(left, left) == Agreement(1.0, 1.0, 0.0, 0.0, 0.0)


def test_two_squares_beside_each_other() -> None:
    """3 x 3 squares, one two rows further down: 2 mm between rows make 4 mm."""
    a, b = np.zeros((8, 8), dtype=bool), np.zeros((8, 8), dtype=bool)
    a[1:4, 2:5], b[3:6, 2:5] = True, True
    found = agreement(Spans.from_mask(a), Spans.from_mask(b), spacing=(2.0, 0.5))
    assert found.dice == pytest.approx(6 / 18)
    assert found.jaccard == pytest.approx(3 / 15)
    assert found.hausdorff == 4.0


def weighted(image: NDArray[np.float64]) -> Spans:
    row, column = np.nonzero(image)
    return Spans(row, column, column + 1, image[row, column], image.shape)


@given(coverages, coverages)
def test_weights_count_by_how_much(a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    found = agreement(weighted(a), weighted(b))
    if not a.any() and not b.any():
        assert found == NONE
        return
    # Quarters add up without rounding.
    assert found.dice == 2 * np.minimum(a, b).sum() / (a.sum() + b.sum())
    assert found.jaccard == np.minimum(a, b).sum() / np.maximum(a, b).sum()
    half = agreement(Spans.from_mask(a >= 0.5), Spans.from_mask(b >= 0.5))
    assert found.hausdorff == half.hausdorff
    assert found.mean_surface_distance == half.mean_surface_distance


def test_regions_without_pixels() -> None:
    empty, full = Spans.empty((3, 4)), Spans.full((3, 4))
    assert agreement(empty, empty) == NONE
    assert agreement(empty, full) == Agreement(0.0, 0.0, None, None, None)
    faint = Spans([0], [0], [1], [0.25], (3, 4))
    assert agreement(faint, faint) == Agreement(1.0, 1.0, None, None, None)


def test_what_cannot_be_compared() -> None:
    full = Spans.full((3, 4))
    with pytest.raises(GeometryError, match="spans of one shape"):
        agreement(full, Spans.full((4, 3)))
    for spacing in ((1.0,), (1.0, 1.0, 1.0), (0.0, 1.0), (1.0, -1.0), (np.nan, 1.0), "ab", 2.0):
        with pytest.raises(GeometryError, match="spacing: expected 2 finite numbers above 0"):
            agreement(full, full, spacing)  # type: ignore[arg-type]


def test_only_spans_are_compared() -> None:
    full = Spans.full((2, 2))
    for pair in ((full, None), (None, full)):
        with pytest.raises(GeometryError, match="expected Spans, got NoneType"):
            agreement(*pair)
