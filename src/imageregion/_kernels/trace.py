"""Which pixels a line passes through: those that contain one of its points.

Pixel (k, l) owns k <= column < k + 1 and l <= row < l + 1, so every point has one pixel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["count_visits", "trace_lines"]


@kernel
def _rows_met(low: float, high: float, first: int, last: int) -> tuple[int, int]:
    """Rows l in [first, last) that own a point with low <= row <= high."""
    begin = math.floor(min(max(low, first), last))
    end = math.floor(min(max(high, first - 1), last - 1)) + 1
    return int(begin), int(end)


@kernel
def count_visits(xy: Any, rows: int) -> Any:
    """Count the segments of a polyline that meet each row; int64, shape (rows,)."""
    change = np.zeros(rows + 1, dtype=np.int64)
    for i in range(1, len(xy)):
        a, b = xy[i - 1, 1], xy[i, 1]
        first, last = _rows_met(min(a, b), max(a, b), 0, rows)
        if first < last:
            change[first] += 1
            change[last] -= 1
    return np.cumsum(change)[:rows]


@kernel
def trace_lines(xy: Any, visits: Any, first_row: int, columns: int) -> Any:
    """Trace a polyline (N, 2) over the rows first_row <= l < first_row + len(visits).

    Returns int64 arrays (row, start, stop), one run per segment and row, unsorted; they may
    overlap.
    """
    total = visits.sum()
    out_row = np.empty(total, dtype=np.int64)
    out_start = np.empty(total, dtype=np.int64)
    out_stop = np.empty(total, dtype=np.int64)
    n = 0
    for i in range(1, len(xy)):
        a, b = (i - 1, i) if xy[i - 1, 1] <= xy[i, 1] else (i, i - 1)
        x, y, end_x, end_y = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1]
        top, bottom = _rows_met(y, end_y, first_row, first_row + len(visits))
        for row in range(top, bottom):
            enter, leave, leaves_open = x, end_x, False
            if y < row:
                enter = x + (row - y) * (end_x - x) / (end_y - y)
            if end_y >= row + 1:
                leave = x + (row + 1 - y) * (end_x - x) / (end_y - y)
                leaves_open = True
            # Where the line leaves through the lower edge, that last point is the next row's.
            if leave >= enter:
                start = math.floor(enter)
                stop = math.ceil(leave) if leaves_open else math.floor(leave) + 1
                stop = max(stop, start + 1)
            else:
                start, stop = math.floor(leave), math.floor(enter) + 1
            start, stop = max(start, 0), min(stop, columns)
            if start < stop:
                out_row[n] = row
                out_start[n] = start
                out_stop[n] = stop
                n += 1
    return out_row[:n], out_start[:n], out_stop[:n]
