"""Run lengths: bit for bit what pycocotools writes, and nothing broken gets in."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from imageregion import GeometryError, Spans
from imageregion.convert.runlengths import from_coco, from_labels, to_coco, to_labels

Mask = NDArray[np.bool_]
masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12))


def test_a_golden_case() -> None:
    """Down the columns: 1 outside, 2 inside, 1 outside, 2 inside."""
    mask = np.array([[0, 0], [1, 1], [1, 1]], dtype=bool)
    spans = Spans.from_mask(mask)
    assert to_coco(spans, compressed=False) == {"size": [3, 2], "counts": [1, 2, 1, 2]}
    assert to_coco(spans) == {"size": [3, 2], "counts": "1210"}  # the fourth is 2 - 2
    assert from_coco({"size": [3, 2], "counts": "1210"}) == spans


@given(masks)
def test_round_trip(mask: Mask) -> None:
    spans = Spans.from_mask(mask)
    for compressed in (True, False):
        assert from_coco(to_coco(spans, compressed=compressed)) == spans
    counts = to_coco(spans, compressed=False)["counts"]
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(mask.shape, order="F")
    np.testing.assert_array_equal(flat, mask)
    assert min(counts[1:], default=1) > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # raised inside pycocotools
@given(masks)
def test_the_same_text_as_pycocotools(mask: Mask) -> None:
    oracle = pytest.importorskip("pycocotools.mask")
    theirs = oracle.encode(np.asfortranarray(mask.astype(np.uint8)))
    mine = to_coco(Spans.from_mask(mask))
    assert mine["counts"].encode() == theirs["counts"]
    assert mine["size"] == theirs["size"]
    np.testing.assert_array_equal(oracle.decode(mine), mask)
    assert from_coco(theirs) == Spans.from_mask(mask)


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=9).filter(sum))
def test_long_runs_and_idle_ones(counts: list[int]) -> None:
    """Counts of 0 are allowed: they join their neighbours."""
    oracle = pytest.importorskip("pycocotools.mask")
    size = [sum(counts), 1]
    spans = from_coco({"size": size, "counts": counts})
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    np.testing.assert_array_equal(spans.to_mask()[:, 0], flat)
    text = oracle.frPyObjects({"size": size, "counts": counts}, *size)["counts"]
    assert from_coco({"size": size, "counts": text}) == spans
    shortest = oracle.encode(np.asfortranarray(flat[:, None].astype(np.uint8)))["counts"]
    assert to_coco(spans)["counts"].encode() == shortest


def test_images_without_pixels() -> None:
    for shape in ((0, 0), (0, 4), (4, 0)):
        empty = Spans.empty(shape)
        assert to_coco(empty, compressed=False)["counts"] == [0]
        assert from_coco(to_coco(empty)) == empty


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([1, 2], "sum of 6 pixels, got 3"),
        ([1, 9], "from 0 to 6, got 9 at 1"),
        ([7, -1], "from 0 to 6"),
        ([], "sum of 6 pixels, got 0"),
        ([1.5, 4.5], "a list of integers"),
        ([[1], [2, 3]], "a list of integers"),
        ([2**80], "a list of integers"),
        ([2**63, 6], "expected"),
        ([True, False], "a list of integers"),
        (None, "a list of integers"),
        ("", "sum of 6 pixels, got 0"),
        ("1", "sum of 6 pixels, got 1"),
        ("O", "from 0 to 6, got -1"),
        ("1ü", "expected ASCII text"),
        ("1 5", "ASCII 48 to 111, got 32 at 1"),
        (b"1\xff", "ASCII 48 to 111, got 255 at 1"),
        ("1P", "breaks off"),
        ("o" * 50 + "0", "at most 10 characters"),
        ("o" * 9 + "3", "below 2\\*\\*40"),
    ],
)
def test_broken_counts_are_refused(counts: Any, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        from_coco({"size": [2, 3], "counts": counts})


@pytest.mark.parametrize(
    "size",
    [[2], [2, 3, 4], [-2, 3], [2.0, 3], "23", None, [2**20 + 1, 1], [2**90, 2**90], [[2], [3]]],
)
def test_broken_sizes_are_refused(size: Any) -> None:
    with pytest.raises(GeometryError, match="COCO size: expected"):
        from_coco({"size": size, "counts": [6]})


@pytest.mark.parametrize("given", [{}, {"size": [1, 1]}, None, [1, 2], "text"])
def test_no_run_lengths_at_all(given: Any) -> None:
    with pytest.raises(GeometryError, match="expected a mapping with size and counts"):
        from_coco(given)


def test_few_counts_cannot_ask_for_much_memory() -> None:
    """Every other column full: from a thousand counts a run for half the pixels of the image."""
    side = 1 << 20
    tracemalloc.start()
    with pytest.raises(GeometryError, match="at most 67108864 runs"):
        from_coco({"size": [side, 1024], "counts": np.full(1024, side)})
    few = 1 << 16
    assert from_coco({"size": [few, few], "counts": [0, few * few]}).count == few * few
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


@given(st.binary(max_size=12) | st.text(max_size=12))
def test_any_text_is_read_or_refused(counts: bytes | str) -> None:
    try:
        spans = from_coco({"size": [3, 4], "counts": counts})
    except GeometryError:
        return
    assert from_coco(to_coco(spans)) == spans


def test_what_run_lengths_cannot_hold() -> None:
    with pytest.raises(GeometryError, match="partial weights"):
        to_coco(Spans([0], [0], [1], [0.5], (1, 1)))
    with pytest.raises(GeometryError, match="COCO size"):
        to_coco(Spans.empty((2, 3, 4)))


# Label images ------------------------------------------------------------------------------------

labelled = arrays(np.int16, (3, 4, 5), elements=st.integers(-2, 3))


@given(labelled, st.integers(-1, 1))
def test_labels_agree_with_masks(image: NDArray[np.int16], background: int) -> None:
    regions = from_labels(image, background=background)
    assert list(regions) == sorted(set(image.reshape(-1).tolist()) - {background})
    for label, spans in regions.items():
        assert spans == Spans.from_mask(image == label)


@given(labelled)
def test_labels_round_trip(image: NDArray[np.int16]) -> None:
    if image.any():
        np.testing.assert_array_equal(to_labels(from_labels(image)), image)


@given(st.lists(arrays(np.bool_, (3, 5)), min_size=1, max_size=4))
def test_the_last_label_wins(parts: list[Mask]) -> None:
    wanted = np.zeros((3, 5), dtype=np.int64)
    for label, mask in enumerate(parts, start=1):
        wanted[mask] = label
    np.testing.assert_array_equal(to_labels([Spans.from_mask(m) for m in parts]), wanted)


def test_labels_of_all_kinds() -> None:
    image = np.array([[0, 2**63 + 5]], dtype=np.uint64)
    assert list(from_labels(image)) == [2**63 + 5]
    assert list(from_labels(image, background=-1)) == [0, 2**63 + 5]
    assert from_labels(np.zeros((0, 4), dtype=int)) == {}
    assert from_labels(np.zeros((4, 0), dtype=int)) == {}
    row = Spans.full((1, 2))
    assert to_labels({-3: row}).tolist() == [[-3, -3]]


def test_broken_labels_are_refused() -> None:
    for image in (np.zeros((2, 2)), np.zeros((2, 2), dtype=bool), np.zeros(4, dtype=int)):
        with pytest.raises(GeometryError, match="label image: expected integers"):
            from_labels(image)
    spans = Spans.full((2, 2))
    for label in (0, 2**63, 0.5):
        with pytest.raises(GeometryError, match="expected integers other than 0"):
            to_labels({label: spans})  # type: ignore[dict-item]
    for regions in ([], [spans, Spans.full((2, 3))]):
        with pytest.raises(GeometryError, match="expected spans of one image"):
            to_labels(regions)
