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
from imageregion._pixel import CENTER

__all__ = ["cover_ellipses", "fill_ellipses"]

_NOISE = 2.0**-48
"""Share of the outline inside a pixel, in rows, below which coverage is rounding."""


_TAIL = 429 / 17408 + 0.04 * 6435 / 311296


@kernel
def _root(reach: float, offset: float) -> float:
    """sqrt(reach^2 - offset^2), 0 beyond, without cancellation."""
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
        first[p] = math.ceil(min(max(centers[p, 1] - reach - CENTER, 0.0), rows))
        last[p] = math.ceil(min(max(centers[p, 1] + reach - CENTER, 0.0), rows))
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
            dy = line + CENTER - centers[p, 1]
            room = s22 - dy * dy
            if room <= 0.0:
                continue
            middle = centers[p, 0] + lean * dy
            half = widen * math.sqrt(room)
            begin = math.ceil(min(max(middle - half - CENTER, 0.0), columns))
            end = math.ceil(min(max(middle + half - CENTER, 0.0), columns))
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
    cells: Any,
    at: int,
    column: int,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    side: float,
    ia: float,
    ib: float,
    ic: float,
    id_: float,
    size: float,
) -> None:
    """Add the arc from (x0, y0) to (x1, y1), within one pixel, to what is known of that pixel.

    cells[at] has (height passed, area right of the outline, length of outline in rows); column -1
    stands for everything left of the image. The inverse axes are (ia, ib, ic, id_), |det axes| is
    `size`.
    """
    dy = y1 - y0
    cells[at, 0] += side * dy
    cells[at, 2] += dy
    if column >= 0:
        dx = x1 - x0
        u = ia * dx + ib * dy
        v = ic * dx + id_ * dy
        h = 0.5 * math.sqrt(u * u + v * v)
        area = side * dy * (1.0 - (0.5 * (x0 + x1) - column))
        cells[at, 1] += area + size * _sliver(h)


@kernel
def _walk(
    cells: Any,
    origin: int,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    side: float,
    lower: float,
    columns: int,
    cx: float,
    cy: float,
    wide: float,
    lean: float,
    widen: float,
    ia: float,
    ib: float,
    ic: float,
    id_: float,
    size: float,
) -> tuple[int, int]:
    """Add an arc that runs down and only left or only right; return the columns it meets."""
    k0 = math.floor(min(max(x0, -1.0), columns))
    k1 = math.floor(min(max(x1, -1.0), columns))
    step = 1 if k1 > k0 else -1
    x, y, column = x0, y0, k0
    while column != k1:
        border = float(column + 1) if step > 0 else float(column)
        dx = border - cx
        height = cy + lean * dx + lower * widen * _root(wide, dx)
        height = min(max(height, y), y1)
        if column < columns:
            _add_piece(
                cells, column - origin, column, x, y, border, height, side, ia, ib, ic, id_, size
            )
        x, y = border, height
        column += step
    if column < columns:
        _add_piece(cells, column - origin, column, x, y, x1, y1, side, ia, ib, ic, id_, size)
    return min(k0, k1), max(k0, k1)


@kernel
def cover_ellipses(
    centers: Any, axes: Any, rows: int, columns: int, whole: bool, limit: int
) -> Any:
    """Cover pixels by the exact share of their area that lies inside.

    All of it is one loop on purpose: a call that takes arrays costs as much as several pixels.
    Takes centers (N, 2) and axes (N, 2, 2). Returns ``total, row, start, stop, weight, offsets``:
    a bound of the number of runs, and runs, with `whole` all of weight 1 (touched pixels). Nothing
    is covered when `total` exceeds `limit`.
    """
    count = len(centers)
    total = widest = 0
    for p in range(count):
        high = math.hypot(axes[p, 1, 0], axes[p, 1, 1])
        wide = math.hypot(axes[p, 0, 0], axes[p, 0, 1])
        lines = int(min(2 * high + 2, rows) + 1)
        across = int(min(2 * wide + 2, columns) + 1)
        total += 2 * across + 5 * lines + 8
        widest = max(widest, across)
    size = total if total <= limit else 0
    row = np.empty(size, dtype=np.int64)
    start = np.empty(size, dtype=np.int64)
    stop = np.empty(size, dtype=np.int64)
    weight = np.empty(size, dtype=np.float64)
    offsets = np.zeros(count + 1, dtype=np.int64)
    if total > limit:
        return total, row, start, stop, weight, offsets
    cells = np.zeros((widest + 4, 3), dtype=np.float64)
    n = 0
    for p in range(count):
        a, b, c, d = axes[p, 0, 0], axes[p, 0, 1], axes[p, 1, 0], axes[p, 1, 1]
        cx, cy = centers[p, 0], centers[p, 1]
        det = a * d - b * c
        s11, s12, s22 = a * a + b * b, a * c + b * d, c * c + d * d
        high, wide = math.sqrt(s22), math.sqrt(s11)
        lean, widen = s12 / s22, abs(det) / s22
        lean_c, widen_c = s12 / s11, abs(det) / s11
        ia, ib, ic, id_, space = d / det, -b / det, -c / det, a / det, abs(det)
        top, bottom = cy - high, cy + high
        first = math.floor(min(max(top, 0.0), rows))
        last = math.floor(min(max(bottom, -1.0), rows - 1.0)) + 1
        origin = math.floor(min(max(cx - wide - 1.0, -1.0), columns))  # column of cells[0]
        for line in range(first, last):
            y0, y1 = max(float(line), top), min(float(line + 1), bottom)
            if y1 <= y0:
                continue
            root0, root1 = _root(high, y0 - cy), _root(high, y1 - cy)
            seen = columns
            left_end, right_begin, right_end = -2, columns + 1, -2
            for branch in range(2):
                side = 1.0 if branch == 0 else -1.0
                turn_x, turn_y = cx - side * wide, cy - side * s12 / wide
                x = cx + lean * (y0 - cy) - side * widen * root0
                end_x = cx + lean * (y1 - cy) - side * widen * root1
                k0, k1 = columns + 1, -2
                if y0 < turn_y:
                    stop_y = min(y1, turn_y)
                    stop_x = end_x if y1 <= turn_y else turn_x
                    k0, k1 = _walk(
                        cells, origin, x, y0, stop_x, stop_y, side, -1.0, columns, cx, cy,
                        wide, lean_c, widen_c, ia, ib, ic, id_, space,
                    )  # fmt: skip
                    x = stop_x
                if y1 > turn_y:
                    m0, m1 = _walk(
                        cells, origin, x, max(y0, turn_y), end_x, y1, side, 1.0, columns, cx, cy,
                        wide, lean_c, widen_c, ia, ib, ic, id_, space,
                    )  # fmt: skip
                    k0, k1 = min(k0, m0), max(k1, m1)
                if branch == 0:
                    seen, left_end = k0, k1
                else:
                    right_begin, right_end = k0, k1
            # turn what the row holds into runs, and clear it
            head = n
            winding = 0.0
            column = min(seen, right_begin)
            end = min(max(left_end, right_end), columns - 1)
            while column <= end:
                if left_end < column < right_begin:  # nothing but inside up to the right side
                    until = min(right_begin, columns)
                    covered = 1.0
                else:
                    until = column + 1
                    at = column - origin
                    passed = cells[at, 2]
                    covered = winding + cells[at, 1]
                    winding += cells[at, 0]
                    cells[at, 0] = 0.0
                    cells[at, 1] = 0.0
                    cells[at, 2] = 0.0
                    if covered <= _NOISE * passed:
                        covered = 0.0
                    elif 1.0 - covered <= _NOISE * (passed + 1.0):
                        covered = 1.0
                if column >= 0 and covered > 0.0:
                    share = 1.0 if whole else covered
                    if n > head and stop[n - 1] == column and weight[n - 1] == share:
                        stop[n - 1] = until
                    else:
                        row[n], start[n], stop[n], weight[n] = line, column, until, share
                        n += 1
                column = until
            if right_begin >= columns and end < columns - 1:  # inside up to the edge of the image
                column = max(end + 1, 0)
                if n > head and stop[n - 1] == column and weight[n - 1] == 1.0:
                    stop[n - 1] = columns
                elif column < columns:
                    row[n], start[n], stop[n], weight[n] = line, column, columns, 1.0
                    n += 1
        offsets[p + 1] = n
    if 2 * n < size:  # give back what is not used; copying costs as much as finding it
        return total, row[:n].copy(), start[:n].copy(), stop[:n].copy(), weight[:n].copy(), offsets
    return total, row[:n], start[:n], stop[:n], weight[:n], offsets
