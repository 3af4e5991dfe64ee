"""Which pixels belong to ellipses, and by exactly how much.

An ellipse is ``center + axes @ u`` with ``|u| < 1``. With S = axes @ axes.T it reaches sqrt(S22)
above and below its centre; at height dy its middle is S12 / S22 * dy and its half width
|det axes| / S22 * sqrt(S22 - dy^2); columns work the same way with S11.

Coverage: the outline is cut where it enters and leaves pixels. Between two such points the ellipse
covers what the chord cuts off, plus the sliver between chord and arc. Seen as part of the unit
circle the sliver has half chord h and area asin(h) - h sqrt(1 - h^2), scaled by |det axes|.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["cover_ellipses", "fill_ellipses"]

_NOISE = 2.0**-48
"""Share of the outline inside a pixel, in rows, below which coverage is rounding."""


_TAIL = 429 / 17408 + 0.04 * 6435 / 311296


@kernel
def _root(square: float, offset: float) -> float:
    """sqrt(square - offset^2), 0 beyond, without cancellation."""
    reach = math.sqrt(square)
    return math.sqrt(max((reach - offset) * (reach + offset), 0.0))


@kernel
def fill_ellipses(centers: Any, axes: Any, rows: int, columns: int) -> Any:
    """Fill ellipses by the centre rule; centers (N, 2), axes (N, 2, 2).

    Returns int64 arrays (row, start, stop, offsets): the runs of ellipse p are those from
    offsets[p] up to offsets[p + 1].
    """
    count = len(centers)
    first = np.empty(count, dtype=np.int64)
    last = np.empty(count, dtype=np.int64)
    size = 0
    for p in range(count):
        reach = math.hypot(axes[p, 1, 0], axes[p, 1, 1])
        first[p] = math.ceil(min(max(centers[p, 1] - reach - 0.5, 0.0), rows))
        last[p] = math.ceil(min(max(centers[p, 1] + reach - 0.5, 0.0), rows))
        size += last[p] - first[p]
    row = np.empty(size, dtype=np.int64)
    start = np.empty(size, dtype=np.int64)
    stop = np.empty(size, dtype=np.int64)
    offsets = np.zeros(count + 1, dtype=np.int64)
    n = 0
    for p in range(count):
        a, b, c, d = axes[p, 0, 0], axes[p, 0, 1], axes[p, 1, 0], axes[p, 1, 1]
        s22 = c * c + d * d
        lean, widen = (a * c + b * d) / s22, abs(a * d - b * c) / s22
        for line in range(first[p], last[p]):
            dy = line + 0.5 - centers[p, 1]
            room = s22 - dy * dy
            if room <= 0.0:
                continue
            middle = centers[p, 0] + lean * dy
            half = widen * math.sqrt(room)
            begin = math.ceil(min(max(middle - half - 0.5, 0.0), columns))
            end = math.ceil(min(max(middle + half - 0.5, 0.0), columns))
            if begin < end:
                row[n] = line
                start[n] = begin
                stop[n] = end
                n += 1
        offsets[p + 1] = n
    return row[:n], start[:n], stop[:n], offsets


@kernel
def _sliver(h: float) -> float:
    """Area between a chord of half length h and the unit circle."""
    if h < 0.2:  # power series, without cancellation; right to 1e-14
        q = h * h
        rest = 5 / 72 + q * (35 / 704 + q * (63 / 1664 + q * (77 / 2560 + q * _TAIL)))
        return h * q * (2 / 3 + q * (1 / 5 + q * (3 / 28 + q * rest)))
    h = min(h, 1.0)
    return math.asin(h) - h * math.sqrt(1.0 - h * h)


@kernel
def _add_piece(
    cells: Any, column: int, x0: float, y0: float, x1: float, y1: float, side: float, shape: Any
) -> None:
    """Add the arc from (x0, y0) to (x1, y1), within one pixel, to what the pixels of a row hold.

    `cells` has the columns (height passed, area right of the outline, length of outline in rows);
    its first line stands for everything left of the image. `shape` holds the inverse axes and
    |det axes|.
    """
    dy = y1 - y0
    cells[column + 1, 0] += side * dy
    cells[column + 1, 2] += dy
    if column >= 0:
        dx = x1 - x0
        u = shape[0] * dx + shape[1] * dy
        v = shape[2] * dx + shape[3] * dy
        h = 0.5 * math.sqrt(u * u + v * v)
        area = side * dy * (1.0 - (0.5 * (x0 + x1) - column))
        cells[column + 1, 1] += area + shape[4] * _sliver(h)


@kernel
def _walk(
    cells: Any,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    side: float,
    lower: float,
    columns: int,
    cx: float,
    cy: float,
    s11: float,
    lean: float,
    widen: float,
    shape: Any,
) -> tuple[int, int]:
    """Add an arc that runs down and only left or only right; return the columns it meets."""
    k0 = math.floor(min(max(x0, -1.0), columns))
    k1 = math.floor(min(max(x1, -1.0), columns))
    step = 1 if k1 > k0 else -1
    x, y, column = x0, y0, k0
    while column != k1:
        border = float(column + 1) if step > 0 else float(column)
        dx = border - cx
        height = cy + lean * dx + lower * widen * _root(s11, dx)
        height = min(max(height, y), y1)
        if column < columns:
            _add_piece(cells, column, x, y, border, height, side, shape)
        x, y = border, height
        column += step
    if column < columns:
        _add_piece(cells, column, x, y, x1, y1, side, shape)
    return min(k0, k1), max(k0, k1)


@kernel
def cover_ellipses(
    centers: Any, axes: Any, rows: int, columns: int, whole: bool, limit: int
) -> Any:
    """Cover pixels by the exact share of their area that lies inside.

    Takes centers (N, 2) and axes (N, 2, 2). Returns ``total, row, start, stop, weight, offsets``:
    a bound of the number of runs, and runs, with `whole` all of weight 1 (touched pixels). Nothing
    is covered when `total` exceeds `limit`.
    """
    count = len(centers)
    total = 0
    for p in range(count):
        high = math.hypot(axes[p, 1, 0], axes[p, 1, 1])
        wide = math.hypot(axes[p, 0, 0], axes[p, 0, 1])
        lines = int(min(2 * high + 2, rows) + 1)
        across = int(min(2 * wide + 2, columns) + 1)
        total += 2 * across + 5 * lines + 8
    size = total if total <= limit else 0
    row = np.empty(size, dtype=np.int64)
    start = np.empty(size, dtype=np.int64)
    stop = np.empty(size, dtype=np.int64)
    weight = np.empty(size, dtype=np.float64)
    offsets = np.zeros(count + 1, dtype=np.int64)
    if total > limit:
        return total, row, start, stop, weight, offsets
    cells = np.zeros((columns + 2, 3), dtype=np.float64)
    shape = np.empty(5, dtype=np.float64)
    n = 0
    for p in range(count):
        n = _cover_ellipse(
            centers[p], axes[p], rows, columns, whole, cells, shape, row, start, stop, weight, n
        )
        offsets[p + 1] = n
    return total, row[:n].copy(), start[:n].copy(), stop[:n].copy(), weight[:n].copy(), offsets


@kernel
def _cover_ellipse(
    center: Any,
    axes: Any,
    rows: int,
    columns: int,
    whole: bool,
    cells: Any,
    shape: Any,
    row: Any,
    start: Any,
    stop: Any,
    weight: Any,
    n: int,
) -> int:
    a, b, c, d = axes[0, 0], axes[0, 1], axes[1, 0], axes[1, 1]
    cx, cy = center[0], center[1]
    det = a * d - b * c
    s11, s12, s22 = a * a + b * b, a * c + b * d, c * c + d * d
    high, wide = math.sqrt(s22), math.sqrt(s11)
    lean, widen = s12 / s22, abs(det) / s22
    lean_c, widen_c = s12 / s11, abs(det) / s11
    shape[0], shape[1], shape[2], shape[3] = d / det, -b / det, -c / det, a / det
    shape[4] = abs(det)
    top, bottom = cy - high, cy + high
    first = math.floor(min(max(top, 0.0), rows))
    last = math.floor(min(max(bottom, -1.0), rows - 1.0)) + 1
    for line in range(first, last):
        y0, y1 = max(float(line), top), min(float(line + 1), bottom)
        if y1 <= y0:
            continue
        seen = columns
        left_end, right_begin, right_end = -2, columns + 1, -2
        for branch in range(2):
            side = 1.0 if branch == 0 else -1.0
            turn_x, turn_y = cx - side * wide, cy - side * s12 / wide
            x = cx + lean * (y0 - cy) - side * widen * _root(s22, y0 - cy)
            end_x = cx + lean * (y1 - cy) - side * widen * _root(s22, y1 - cy)
            k0, k1 = columns + 1, -2
            if y0 < turn_y:
                stop_y = min(y1, turn_y)
                stop_x = end_x if y1 <= turn_y else turn_x
                k0, k1 = _walk(
                    cells, x, y0, stop_x, stop_y, side, -1.0, columns,
                    cx, cy, s11, lean_c, widen_c, shape,
                )  # fmt: skip
                x = stop_x
            if y1 > turn_y:
                m0, m1 = _walk(
                    cells, x, max(y0, turn_y), end_x, y1, side, 1.0, columns,
                    cx, cy, s11, lean_c, widen_c, shape,
                )  # fmt: skip
                k0, k1 = min(k0, m0), max(k1, m1)
            if branch == 0:
                seen, left_end = k0, k1
            else:
                right_begin, right_end = k0, k1
        n = _emit(
            cells, line, min(seen, right_begin), left_end, right_begin, right_end,
            columns, whole, row, start, stop, weight, n,
        )  # fmt: skip
    return n


@kernel
def _emit(
    cells: Any,
    line: int,
    begin: int,
    left_end: int,
    right_begin: int,
    right_end: int,
    columns: int,
    whole: bool,
    row: Any,
    start: Any,
    stop: Any,
    weight: Any,
    n: int,
) -> int:
    """Turn what a row holds into runs, and clear it."""
    head = n
    winding = 0.0
    last = min(max(left_end, right_end), columns - 1)
    column = begin
    while column <= last:
        if left_end < column < right_begin:  # nothing but inside up to the right side
            until = min(right_begin, columns)
            covered = 1.0
        else:
            until = column + 1
            line_in = cells[column + 1, 2]
            covered = winding + cells[column + 1, 1]
            winding += cells[column + 1, 0]
            cells[column + 1, 0] = 0.0
            cells[column + 1, 1] = 0.0
            cells[column + 1, 2] = 0.0
            if covered <= _NOISE * line_in:
                covered = 0.0
            elif 1.0 - covered <= _NOISE * (line_in + 1.0):
                covered = 1.0
        if column >= 0 and covered > 0.0:
            share = 1.0 if whole else covered
            if n > head and stop[n - 1] == column and weight[n - 1] == share:
                stop[n - 1] = until
            else:
                row[n], start[n], stop[n], weight[n] = line, column, until, share
                n += 1
        column = until
    if right_begin >= columns and last < columns - 1:  # inside up to the edge of the image
        column = max(last + 1, 0)
        if n > head and stop[n - 1] == column and weight[n - 1] == 1.0:
            stop[n - 1] = columns
        elif column < columns:
            row[n], start[n], stop[n], weight[n] = line, column, columns, 1.0
            n += 1
    return n
