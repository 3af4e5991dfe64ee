"""Which pixel centres lie inside a polygon or an ellipse.

Arrays in, arrays out: coordinates are (column, row) with the origin at the outer corner of the
first pixel, so that the centre of pixel (k, l) is (k + 0.5, l + 0.5). A centre exactly on an edge
belongs by the half-open rule (left and top in), so neighbours never share or lose a pixel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["count_crossings", "fill_ellipse", "fill_polygon"]


@kernel
def _rows_between(low: float, high: float, first: int, last: int) -> tuple[int, int]:
    """Rows l in [first, last) with low <= l + 0.5 < high."""
    begin = math.ceil(min(max(low - 0.5, first), last))
    end = math.ceil(min(max(high - 0.5, first), last))
    return int(begin), int(end)


@kernel
def count_crossings(xy: Any, offsets: Any, rows: int) -> Any:
    """Count how often the rings cross the centre line of each row; int64, shape (rows,)."""
    change = np.zeros(rows + 1, dtype=np.int64)
    for ring in range(len(offsets) - 1):
        begin, end = offsets[ring], offsets[ring + 1]
        previous = xy[end - 1, 1]
        for i in range(begin, end):
            current = xy[i, 1]
            first, last = _rows_between(min(previous, current), max(previous, current), 0, rows)
            change[first] += 1
            change[last] -= 1
            previous = current
    return np.cumsum(change)[:rows]


@kernel
def _sort(values: Any, begin: int, end: int) -> None:
    """Shell sort of values[begin:end] in place; rows rarely hold more than a few crossings."""
    gap = (end - begin) // 2
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
def fill_polygon(xy: Any, offsets: Any, crossings: Any, first_row: int, columns: int) -> Any:
    """Fill rings even-odd over the rows first_row <= l < first_row + len(crossings).

    Parameters: vertices (N, 2); ring r is xy[offsets[r]:offsets[r + 1]]; the number of crossings of
    each row in the band. Returns int64 arrays (row, start, stop) of disjoint, sorted, joined runs.
    """
    band = len(crossings)
    place = np.zeros(band + 1, dtype=np.int64)
    for i in range(band):
        place[i + 1] = place[i] + crossings[i]
    cut = np.empty(place[band], dtype=np.int64)
    used = place[:band].copy()
    for ring in range(len(offsets) - 1):
        begin, end = offsets[ring], offsets[ring + 1]
        for i in range(begin, end):
            p = i - 1 if i > begin else end - 1
            a, b = (p, i) if xy[p, 1] <= xy[i, 1] else (i, p)
            x, y = xy[a, 0], xy[a, 1]
            dx, dy = xy[b, 0] - x, xy[b, 1] - y
            top, bottom = _rows_between(y, xy[b, 1], first_row, first_row + band)
            for row in range(top, bottom):
                crossing = x + (row + 0.5 - y) * dx / dy
                k = row - first_row
                cut[used[k]] = math.ceil(min(max(crossing - 0.5, 0.0), columns))
                used[k] += 1
    half = place[band] // 2
    out_row = np.empty(half, dtype=np.int64)
    out_start = np.empty(half, dtype=np.int64)
    out_stop = np.empty(half, dtype=np.int64)
    n = 0
    for k in range(band):
        _sort(cut, place[k], place[k + 1])
        head = n
        for i in range(place[k], place[k + 1] - 1, 2):
            if cut[i] == cut[i + 1]:
                continue
            if n > head and out_stop[n - 1] == cut[i]:
                out_stop[n - 1] = cut[i + 1]
                continue
            out_row[n] = first_row + k
            out_start[n] = cut[i]
            out_stop[n] = cut[i + 1]
            n += 1
    return out_row[:n], out_start[:n], out_stop[:n]


@kernel
def fill_ellipse(center: Any, axes: Any, rows: int, columns: int) -> Any:
    """Fill ``center + axes @ u``, |u| < 1; axes (2, 2). Returns int64 arrays (row, start, stop).

    With S = axes @ axes.T the ellipse reaches sqrt(S22) above and below its centre; the row at
    height dy has its middle at S12 / S22 * dy and half width |det axes| / S22 * sqrt(S22 - dy^2).
    """
    s22 = axes[1, 0] ** 2 + axes[1, 1] ** 2
    lean = (axes[0, 0] * axes[1, 0] + axes[0, 1] * axes[1, 1]) / s22
    widen = abs(axes[0, 0] * axes[1, 1] - axes[0, 1] * axes[1, 0]) / s22
    reach = math.sqrt(s22)
    first, last = _rows_between(center[1] - reach, center[1] + reach, 0, rows)
    size = max(last - first, 0)
    out_row = np.empty(size, dtype=np.int64)
    out_start = np.empty(size, dtype=np.int64)
    out_stop = np.empty(size, dtype=np.int64)
    n = 0
    for row in range(first, last):
        dy = row + 0.5 - center[1]
        room = s22 - dy * dy
        if room <= 0.0:
            continue
        middle = center[0] + lean * dy
        half = widen * math.sqrt(room)
        start = math.ceil(min(max(middle - half - 0.5, 0.0), columns))
        stop = math.ceil(min(max(middle + half - 0.5, 0.0), columns))
        if start < stop:
            out_row[n] = row
            out_start[n] = start
            out_stop[n] = stop
            n += 1
    return out_row[:n], out_start[:n], out_stop[:n]
