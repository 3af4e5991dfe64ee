"""Which pixel centres lie inside polygons.

Arrays in, arrays out: coordinates are (column, row) with the origin at the outer corner of the
first pixel, so that the centre of pixel (k, l) is (k + 0.5, l + 0.5). A centre exactly on an edge
belongs by the half-open rule (left and top in), so neighbours never share or lose a pixel.

One region or many: ring r is ``xy[rings[r]:rings[r + 1]]``, region p owns the rings
``regions[p]`` up to ``regions[p + 1]``. Every row of every region is a slot of its own, so one
region and a hundred thousand go through the same arithmetic.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel
from imageregion._pixel import CENTER

__all__ = ["fill_polygons"]


_FARTHEST = 1e15
"""Pixels; beyond it a double no longer tells one pixel from the next."""


@kernel
def _rows_between(low: float, high: float, first: int, last: int) -> tuple[int, int]:
    """Rows l in [first, last) with low <= l + CENTER < high."""
    begin = math.ceil(min(max(low - CENTER, first), last))
    end = math.ceil(min(max(high - CENTER, first), last))
    return int(begin), int(end)


@kernel
def _slots(xy: Any, rings: Any, regions: Any, first: int, last: int) -> tuple[Any, Any]:
    """First row of every region within [first, last), and where its slots begin.

    The last number is -1 when coordinates are beyond reach.
    """
    count = len(regions) - 1
    top = np.empty(count, dtype=np.int64)
    base = np.zeros(count + 1, dtype=np.int64)
    for p in range(count):
        low, high, widest = math.inf, -math.inf, 0.0
        for i in range(rings[regions[p]], rings[regions[p + 1]]):
            low = min(low, xy[i, 1])
            high = max(high, xy[i, 1])
            widest = max(widest, abs(xy[i, 0]))
        if widest > _FARTHEST or low < -_FARTHEST or high > _FARTHEST:
            base[count] = -1
            return top, base
        begin, end = _rows_between(low, high, first, last) if low <= high else (first, first)
        top[p] = begin
        base[p + 1] = base[p] + end - begin
    return top, base


@kernel
def _sort(values: Any, begin: int, end: int) -> None:
    """Shell sort of values[begin:end] in place; rows rarely hold more than a few crossings."""
    gap = max(1, (end - begin) // 2)
    while gap > 0:
        for i in range(begin + gap, end):
            value = values[i]
            j = i
            while j >= begin + gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value
        gap = 1 if gap == 2 else int(gap / 2.2)


@kernel
def _tally(cut: Any, begin: int, end: int, columns: int, nonzero: bool) -> int:
    """Sort cut[begin:end] by counting, for rows with more crossings than columns.

    Crossings of one column that cancel are dropped; returns where the others end.
    """
    change = np.zeros(columns + 1, dtype=np.int64)
    for i in range(begin, end):
        down = cut[i] & 1
        change[cut[i] >> 1] += 2 * down - 1 if nonzero else 1
    n = begin
    for column in range(columns + 1):
        for _ in range(abs(change[column]) if nonzero else change[column] & 1):
            cut[n] = column * 2 + (1 if change[column] > 0 else 0)
            n += 1
    return n


@kernel
def fill_polygons(
    xy: Any,
    rings: Any,
    regions: Any,
    first: int,
    last: int,
    columns: int,
    nonzero: bool,
    limit: int,
) -> Any:
    """Fill polygons over the rows first <= l < last.

    Returns ``total, row, start, stop, offsets``: the number of crossings of edges and rows, runs
    (int64) that are disjoint, sorted and joined within their region, and where the runs of each
    region begin. Nothing is filled when `total` exceeds `limit`; it is -2 when coordinates are
    beyond reach.
    """
    count = len(regions) - 1
    top, base = _slots(xy, rings, regions, first, last)
    if base[count] < 0:
        nothing = np.empty(0, dtype=np.int64)
        return -2, nothing, nothing, nothing, nothing
    slots = base[count]
    place = np.zeros(slots + 2, dtype=np.int64)
    origin = rings[regions[0]]
    spanned = np.empty((rings[regions[count]] - origin, 2), dtype=np.int32)
    for p in range(count):
        begin_row, end_row = top[p], top[p] + base[p + 1] - base[p]
        shift = base[p] - begin_row + 1
        for ring in range(regions[p], regions[p + 1]):
            previous = xy[rings[ring + 1] - 1, 1]
            for i in range(rings[ring], rings[ring + 1]):
                current = xy[i, 1]
                low, high = min(previous, current), max(previous, current)
                begin, end = _rows_between(low, high, begin_row, end_row)
                spanned[i - origin, 0], spanned[i - origin, 1] = begin, end
                if begin < end:
                    place[shift + begin] += 1
                    place[shift + end] -= 1
                previous = current
    # place[s + 1] holds the change of the number of crossings at slot s; two sums make it an offset
    depth = 0
    for s in range(slots):
        depth += place[s + 1]
        place[s + 1] = place[s] + depth
    total = place[slots]
    size = total // 2 if total <= limit else 0
    row = np.empty(size, dtype=np.int64)
    start = np.empty(size, dtype=np.int64)
    stop = np.empty(size, dtype=np.int64)
    offsets = np.zeros(count + 1, dtype=np.int64)
    if total > limit:
        return total, row, start, stop, offsets
    cut = np.empty(total, dtype=np.int64)
    used = place[:slots].copy()
    for p in range(count):
        begin_row, end_row = top[p], top[p] + base[p + 1] - base[p]
        shift = base[p] - begin_row
        for ring in range(regions[p], regions[p + 1]):
            before = rings[ring + 1] - 1
            for i in range(rings[ring], rings[ring + 1]):
                begin, end = spanned[i - origin, 0], spanned[i - origin, 1]
                if begin >= end:
                    before = i
                    continue
                down = xy[before, 1] <= xy[i, 1]
                a, b = (before, i) if down else (i, before)
                before = i
                x, y, bottom = xy[a, 0], xy[a, 1], xy[b, 1]
                dx, dy = xy[b, 0] - x, bottom - y
                for line in range(begin, end):
                    crossing = x + (line + CENTER - y) * dx / dy
                    column = math.ceil(min(max(crossing - CENTER, 0.0), columns))
                    s = shift + line
                    cut[used[s]] = column * 2 + (1 if down else 0)
                    used[s] += 1
    n = 0
    for p in range(count):
        for s in range(base[p], base[p + 1]):
            end = place[s + 1]
            if end - place[s] == 2:
                if cut[end - 2] > cut[end - 1]:
                    cut[end - 2], cut[end - 1] = cut[end - 1], cut[end - 2]
            elif end - place[s] > columns:
                end = _tally(cut, place[s], end, columns, nonzero)
            elif end > place[s]:
                _sort(cut, place[s], end)
            head, winding = n, 0
            for i in range(place[s], end):
                column = cut[i] >> 1
                outside = winding == 0
                if nonzero:
                    winding += 1 if cut[i] & 1 else -1
                else:
                    winding ^= 1
                if outside and n > head and stop[n - 1] == column:
                    n -= 1  # goes on where the last run ended
                elif outside:
                    row[n], start[n] = top[p] + s - base[p], column
                elif winding == 0:
                    stop[n] = column
                    n += 1 if start[n] < column else 0
        offsets[p + 1] = n
    return total, row[:n], start[:n], stop[:n], offsets
