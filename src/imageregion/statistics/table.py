"""Statistics of many regions at once: a table with a row per region."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray, IntArray, as_floats, as_numbers, is_whole
from imageregion.errors import GeometryError
from imageregion.quantities import LinearMap
from imageregion.ragged import RaggedSpans
from imageregion.statistics.pixels import (
    IsPadding,
    MapValues,
    as_stored,
    check_options,
    flat_pixels,
    is_padding_of,
    padding_bounds,
)

__all__ = ["summarize_many"]

_BLOCK = 1 << 18  # pixels of the regions that one thread works on at a time
_TABLE = 1 << 18  # entries of a table to count integers in, so that memory stays bounded
_ENTRIES = 1 << 12  # a table of this size is cheap even for few pixels
_COLUMNS = ("weight", "sum", "mean", "variance", "std", "min", "max")

_Given = tuple[NDArray[Any], int, IntArray, IntArray, IntArray, FloatArray, IntArray]
"""Pixels, columns, runs with their weights, and which of them each region owns."""

_Into = tuple[IntArray, FloatArray, IntArray]
"""Where to write: pixels, numbers and excluded pixels per region."""


def summarize_many(
    regions: RaggedSpans,
    pixels: NDArray[Any],
    *,
    value_map: MapValues | None = None,
    is_padding: IsPadding | None = None,
    quantiles: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9),
    threads: int = 1,
) -> dict[str, NDArray[Any]]:
    """Summarize the pixel values under each of many regions.

    Every number is, bit for bit, that of `summarize` of the region alone. Memory beyond the table
    is bounded: it depends on the number of threads and the largest region only.

    Parameters
    ----------
    regions : RaggedSpans
        N regions; they may overlap, weights may be partial.
    pixels : ndarray of numbers, the shape of the regions
        As for `summarize`.
    value_map, is_padding : optional
        As for `summarize`; functions may get the values of several regions at once, and with
        several threads they are called from several threads.
    quantiles : sequence of float
        Between 0 and 1; by the method "linear" of `Statistics.quantile`.
    threads : int
        At least 1. The result does not depend on it.

    Returns
    -------
    dict of str to ndarray, shape (N,)
        Columns ready for a data frame: "count" (int64), "weight", "sum", "mean", "std", "min",
        "max", a column per quantile ("median" for 0.5, otherwise "p" and the percentage, such as
        "p10" or "p97.5"), and "excluded" (int64). All but count, weight, sum and excluded are nan
        where a region has no pixels; every float is nan where it is beyond the range of float64.

    Raises
    ------
    GeometryError
        When the shapes differ, a quantile is not between 0 and 1, threads are less than 1, or an
        argument is of the wrong type.

    Examples
    --------
    >>> ones = np.ones(2)
    >>> row, start, stop = np.array([0, 1]), np.array([0, 0]), np.array([3, 2])
    >>> regions = RaggedSpans(row, start, stop, ones, np.array([0, 1, 2]), (2, 3))
    >>> table = summarize_many(regions, np.array([[1, 2, 6], [4, 5, 9]]))
    >>> table["count"].tolist(), table["mean"].tolist(), table["median"].tolist()
    ([3, 2], [3.0, 4.5], [2.0, 4.5])
    """
    if not isinstance(regions, RaggedSpans):
        raise GeometryError(f"regions: expected RaggedSpans, got {type(regions).__name__}")
    check_options(value_map, is_padding)
    levels = as_floats(as_numbers(quantiles, "quantiles").reshape(-1), (None,), "quantiles")
    if not ((levels >= 0) & (levels <= 1)).all():
        raise GeometryError(f"quantiles: expected numbers from 0 to 1, got {levels.tolist()}")
    if not is_whole(threads) or threads < 1:
        raise GeometryError(f"threads: expected a whole number, at least 1, got {threads!r}")
    flat = flat_pixels(pixels, regions.shape)
    total = len(regions)
    numbers = np.empty((total, len(_COLUMNS) + len(levels)), dtype=np.float64)
    count = np.empty(total, dtype=np.int64)
    excluded = np.empty(total, dtype=np.int64)

    linear = _linear(value_map) if is_padding is None or isinstance(is_padding, tuple) else None
    integers = flat.dtype.kind in "iu" and flat.dtype != np.uint64

    def work(block: tuple[int, int]) -> None:
        first, last = block
        given = _runs(regions, flat, first, last)
        into = count[first:last], numbers[first:last], excluded[first:last]
        if linear and integers:
            bounds = padding_bounds(is_padding, flat.dtype)  # type: ignore[arg-type]
            if _tallied(given, (*linear, *bounds), levels, into):
                return
        _sorted(given, value_map, is_padding, levels, into)

    blocks = _blocks(regions)
    if threads == 1:
        for block in blocks:
            work(block)
    else:
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, blocks):
                pass
    return _columns(count, numbers, excluded, levels)


def _columns(
    count: IntArray, numbers: FloatArray, excluded: IntArray, levels: FloatArray
) -> dict[str, NDArray[Any]]:
    table: dict[str, NDArray[Any]] = {"count": count}
    for k, name in enumerate(_COLUMNS):
        if name != "variance":
            table[name] = np.ascontiguousarray(numbers[:, k])
    for k, level in enumerate(levels.tolist()):
        name = "median" if level == 0.5 else f"p{level * 100:.10g}"
        table[name] = np.ascontiguousarray(numbers[:, len(_COLUMNS) + k])
    return table | {"excluded": excluded}


def _blocks(regions: RaggedSpans) -> Iterator[tuple[int, int]]:
    """Yield first and last region of blocks of about equal numbers of pixels."""
    upto = np.append(0, np.cumsum(regions.stop - regions.start))[regions.offsets]
    first, total = 0, len(regions)
    while first < total:
        last = int(np.searchsorted(upto, upto[first] + _BLOCK, side="right")) - 1
        last = min(max(last, first + 1), total)
        yield first, last
        first = last


def _linear(value_map: MapValues | None) -> tuple[float, float] | None:
    """Slope and intercept of a map, if it has such."""
    if value_map is None:
        return 1.0, 0.0
    if isinstance(value_map, LinearMap) and value_map.slope != 0:
        return float(value_map.slope), float(value_map.intercept)
    return None


def _runs(regions: RaggedSpans, flat: NDArray[Any], first: int, last: int) -> _Given:
    begin, end = regions.offsets[first], regions.offsets[last]
    offsets = regions.offsets[first : last + 1] - begin
    row, start, stop = (a[begin:end] for a in (regions.row, regions.start, regions.stop))
    return flat, regions.shape[-1], row, start, stop, regions.weight[begin:end], offsets


def _tallied(
    given: _Given, mapping: tuple[float, float, float, float], levels: FloatArray, into: _Into
) -> bool:
    """Describe regions of integers by counting; False when that is not possible."""
    from imageregion._kernels.describe import describe_integers
    from imageregion._kernels.tally import extent

    flat, row = given[0], given[2]
    if not len(row):
        return False
    if flat.dtype.itemsize <= 2:
        low, high = int(np.iinfo(flat.dtype).min), int(np.iinfo(flat.dtype).max)
    else:
        pixels, low, high, _ = (int(x) for x in extent(*given[:-1]))
        if high - low >= min(max(pixels, _ENTRIES), _TABLE):
            return False
    return bool(describe_integers(*given, low, high - low + 1, *mapping, levels, *into))


def _sorted(
    given: _Given,
    value_map: MapValues | None,
    is_padding: IsPadding | None,
    levels: FloatArray,
    into: _Into,
) -> None:
    """Describe regions of any numbers by sorting."""
    from imageregion._kernels.describe import describe
    from imageregion._kernels.ordering import sort_distinct

    count, numbers, excluded = into
    found, counts, weights, ends, not_finite = sort_distinct(*given)
    stored = as_stored(found)
    values, counts, weights, ends, padding = _mapped(
        stored, counts, weights, ends, value_map, is_padding
    )
    describe(values, counts, weights, ends, levels, numbers)
    count[:] = np.diff(np.append(0, np.cumsum(counts))[ends])
    excluded[:] = not_finite + padding


def _mapped(
    stored: NDArray[Any],
    counts: IntArray,
    weights: FloatArray,
    ends: IntArray,
    value_map: MapValues | None,
    is_padding: IsPadding | None,
) -> tuple[FloatArray, IntArray, FloatArray, IntArray, IntArray]:
    """Map stored values to real ones, ascending again within each region, padding left out.

    The last of what is returned is how many pixels of each region were left out.
    """
    values = np.asarray(stored if value_map is None else value_map(stored), dtype=np.float64)
    padding = np.zeros(len(ends) - 1, dtype=np.int64)
    if value_map is None and is_padding is None and stored.dtype.kind == "f":
        return values, counts, weights, ends, padding
    kept = np.isfinite(values) & ~is_padding_of(is_padding, stored)
    if not kept.all():
        left_out = np.append(0, np.cumsum(np.where(kept, 0, counts)))
        padding = np.diff(left_out[ends])
        ends = np.append(0, np.cumsum(kept))[ends]
        values, counts, weights = values[kept], counts[kept], weights[kept]
    if _ascending(values, ends):
        return values, counts, weights, ends, padding
    return (*_joined(values, counts, weights, ends), padding)


def _ascending(values: FloatArray, ends: IntArray) -> bool:
    rises = values[1:] > values[:-1]
    inner = ends[(ends > 0) & (ends < len(values))]
    rises[inner - 1] = True  # where one region follows another
    return bool(rises.all())


def _joined(
    values: FloatArray, counts: IntArray, weights: FloatArray, ends: IntArray
) -> tuple[FloatArray, IntArray, FloatArray, IntArray]:
    """Sort values within each region and join equal ones in the order they came."""
    region = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
    order = np.lexsort((values, region))
    values, region = values[order], region[order]
    new = np.append(True, (values[1:] != values[:-1]) | (region[1:] != region[:-1]))[: len(values)]
    place = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    joined = np.zeros(len(first), dtype=np.int64)
    np.add.at(joined, place, counts[order])
    shares = np.bincount(place, weights[order], len(first)).astype(np.float64, copy=False)
    upto = np.append(0, np.cumsum(new))[ends]
    return values[first], joined, shares, upto
