"""Many regions at once against one at a time: the same numbers, bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import imageregion.statistics.table as table_module
from imageregion import Frame, GeometryError, LinearMap, Spans, TableMap
from imageregion.ragged import RaggedSpans
from imageregion.statistics.summary import summarize, summarize_many

COLUMNS = ["count", "weight", "sum", "mean", "std", "min", "max"]
QUANTILES = ["p10", "p25", "median", "p75", "p90"]


def scattered(rng: np.random.Generator, regions: int, shape: tuple[int, int]) -> RaggedSpans:
    """Regions of no, one and many pixels, whole and partial, that overlap each other."""
    found = []
    for _ in range(regions):
        mask = rng.random(shape) < rng.choice([0.0, 0.02, 0.5])
        spans = Spans.from_mask(mask)
        weight = np.where(rng.random(len(spans.row)) < 0.5, 1.0, rng.random(len(spans.row)) + 0.01)
        if rng.random() < 0.5:
            weight = np.ones(len(spans.row))
        found.append(Spans(spans.row, spans.start, spans.stop, weight, shape))
    return RaggedSpans.of(found)


def same_as_one_by_one(
    table: dict[str, NDArray[Any]], regions: RaggedSpans, pixels: NDArray[Any], **given: Any
) -> None:
    assert list(table) == [*COLUMNS, *QUANTILES, "excluded"]
    for i, spans in enumerate(regions):
        stats = summarize(spans, pixels, **given)
        for name, column in table.items():
            value = getattr(stats, name)
            got = column[i]
            assert math.isnan(got) if value is None else got == value, (i, name, got, value)


KINDS = ["u1", "i2", ">u2", "i4", "u8", "f4", "f8"]
MAPS: list[Callable[[NDArray[Any]], NDArray[np.float64]] | None] = [
    None,
    LinearMap(0.1, -3.7),
    LinearMap(-2.0, 5.0),
    LinearMap(0.0, 5.0),
    LinearMap(1e-17, 1.0),
    TableMap(0, [3.0, 3.0, 1.0, math.pi, 0.1]),
    lambda x: np.where(x == 3, np.nan, x % 3),
]


@pytest.mark.parametrize("kind", KINDS)
@given(
    seed=st.integers(0, 2**32 - 1),
    value_map=st.sampled_from(MAPS),
    padding=st.sampled_from([None, (2, 4), (0, 99)]),
    wide=st.booleans(),
)
def test_each_row_is_the_region_alone(
    kind: str, seed: int, value_map: Any, padding: Any, wide: bool
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 9, (7, 11)) * (100_000 if wide and kind in ("i4", "u8") else 1)
    pixels = pixels.astype(kind)
    if kind == "f4":
        pixels[rng.random(pixels.shape) < 0.1] = np.nan
    regions = scattered(rng, 9, (7, 11))
    given = {"value_map": value_map, "is_padding": padding}
    same_as_one_by_one(summarize_many(regions, pixels, **given), regions, pixels, **given)
    called = {"value_map": value_map, "is_padding": Frame.from_array(pixels).is_padding}
    same_as_one_by_one(summarize_many(regions, pixels, **called), regions, pixels, **called)


def test_full_ranges_and_a_large_region() -> None:
    """Regions from a pixel to all, over all of 16 bits: tables, sorting and merging all take part.

    The large region alone is counted in a table or sorted by numpy, in the crowd it is not.
    """
    rng = np.random.default_rng(11)
    shape = (100, 150)
    weight = rng.random(shape) * (rng.random(shape) < 0.9)
    row, start = np.nonzero(weight)
    large = Spans(row, start, start + 1, weight[row, start], shape)
    small = [Spans([k], [k], [k + n], [1], shape) for k, n in enumerate(range(1, 70))]
    regions = RaggedSpans.of([large, *small, Spans.full(shape)])
    pixels = rng.integers(-(2**15), 2**15, shape).astype(np.int16)
    scaled = pixels.astype(np.int32) * 1000
    for image in (pixels, scaled, pixels.astype(np.float32), rng.normal(size=shape)):
        same_as_one_by_one(summarize_many(regions, image), regions, image)


@pytest.mark.parametrize("kind", ["i2", "f4"])
def test_blocks_and_threads_change_nothing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    regions = scattered(rng, 60, (7, 11))
    pixels = rng.integers(0, 500, (7, 11)).astype(kind)
    once = summarize_many(regions, pixels)
    monkeypatch.setattr(table_module, "_BLOCK", 50)
    for threads in (1, 3):
        again = summarize_many(regions, pixels, threads=threads)
        for name, column in once.items():
            np.testing.assert_array_equal(column, again[name])


def test_a_fault_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "_BLOCK", 10)
    regions = RaggedSpans.of([Spans.full((5, 5))] * 8)

    def fault(stored: NDArray[Any]) -> NDArray[np.float64]:
        raise RuntimeError("no such map")

    with pytest.raises(RuntimeError, match="no such map"):
        summarize_many(regions, np.zeros((5, 5)), value_map=fault, threads=2)


def test_columns() -> None:
    regions = RaggedSpans.of([Spans.full((2, 2)), Spans.empty((2, 2))])
    pixels = np.array([[1, 2], [3, 10]])
    table = summarize_many(regions, pixels, quantiles=(0.5, 0.025, 1))
    assert list(table) == [*COLUMNS, "median", "p2.5", "p100", "excluded"]
    assert table["count"].dtype == table["excluded"].dtype == np.int64
    assert table["count"].tolist() == [4, 0]
    assert table["p100"][0] == 10
    assert [table[name][1] for name in ("weight", "sum", "excluded")] == [0, 0, 0]
    assert all(np.isnan(table[name][1]) for name in ("mean", "std", "min", "max", "p2.5"))
    assert list(summarize_many(regions, pixels, quantiles=()))[-1] == "excluded"


def test_no_regions() -> None:
    none = np.empty(0, dtype=np.int64)
    regions = RaggedSpans(none, none, none, np.empty(0), np.zeros(1, dtype=np.int64), (2, 2))
    for kind in ("i2", "f4"):
        table = summarize_many(regions, np.zeros((2, 2), dtype=kind))
        assert all(len(column) == 0 for column in table.values())


def test_what_cannot_be_summarized_is_said() -> None:
    regions = RaggedSpans.of([Spans.full((2, 2))])
    with pytest.raises(GeometryError, match=r"shape \(2, 2\)"):
        summarize_many(regions, np.zeros((3, 2)))
    with pytest.raises(GeometryError, match="quantiles"):
        summarize_many(regions, np.zeros((2, 2)), quantiles=(0.5, 50))
    with pytest.raises(GeometryError, match="threads"):
        summarize_many(regions, np.zeros((2, 2)), threads=0)
