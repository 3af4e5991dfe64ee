"""Which pixels a line passes through: those that contain one of its points.

Pixel (k, l) owns k <= column < k + 1 and l <= row < l + 1, so every point has one pixel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["count_visits", "measure_lines", "trace_lines"]


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
    for row in range(rows):
        change[row + 1] += change[row]
    return change[:rows]


@kernel
def trace_lines(xy: Any, visits: Any, first_row: int, columns: int) -> Any:
    """Trace a polyline (N, 2) over the rows first_row <= l < first_row + len(visits).

    Returns int64 arrays (row, start, stop), one run per segment and row, unsorted; they may
    overlap.
    """
    total = 0
    for number in visits:
        total += number
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


@kernel
def measure_lines(xy: Any, rows: int, columns: int, lengths: Any, size: int) -> Any:
    """Cut the segments of a polyline (N, 2) at pixel borders and measure the pieces in the image.

    `lengths` holds the length of every segment (N - 1,); `size` bounds the number of pieces.
    Returns (pixel, length): row * columns + column, in order along the line, and the length of each
    piece.
    """
    pixel = np.empty(size, dtype=np.int64)
    length = np.empty(size, dtype=np.float64)
    n = 0
    for i in range(1, len(xy)):
        xa, ya = xy[i - 1, 0], xy[i - 1, 1]
        dx, dy = xy[i, 0] - xa, xy[i, 1] - ya
        whole = lengths[i - 1]
        begin, end = 0.0, 1.0  # the part of the segment inside the image
        for delta, origin, reach in ((dx, xa, columns), (dy, ya, rows)):
            if delta != 0.0:
                t0, t1 = -origin / delta, (reach - origin) / delta
                begin, end = max(begin, min(t0, t1)), min(end, max(t0, t1))
            elif origin < 0.0 or origin >= reach:
                end = -1.0
        if begin >= end:
            continue
        k = math.floor(min(max(xa + begin * dx, 0.0), columns))
        row = math.floor(min(max(ya + begin * dy, 0.0), rows))
        k -= 1 if dx < 0.0 and k >= columns else 0
        row -= 1 if dy < 0.0 and row >= rows else 0
        t = begin
        while t < end and 0 <= k < columns and 0 <= row < rows:
            across, down = math.inf, math.inf
            if dx != 0.0:
                across = ((k + 1 if dx > 0.0 else k) - xa) / dx
            if dy != 0.0:
                down = ((row + 1 if dy > 0.0 else row) - ya) / dy
            until = min(across, down, end)
            if until > t and n < size:
                pixel[n], length[n] = row * columns + k, (until - t) * whole
                n += 1
            t = max(t, until)
            if until == across:
                k += 1 if dx > 0.0 else -1
            if until == down:
                row += 1 if dy > 0.0 else -1
            if until == end:
                break
    return pixel[:n], length[:n]
