"""By exactly how much polygons cover each pixel, whatever their rings do.

Edges are cut where they cross pixel borders. In each row the pieces are taken pixel by pixel from
the left: the height they pass, summed with sign, is the winding number that everything further
right in the row has from them, averaged over the height of the row; the area right of them inside
the pixel itself completes the average winding number of that pixel.

Where one chain of pieces passes a pixel without turning back, there are just two winding numbers
in it, and the average tells how much area has which. Any other pixel is cut at the heights of all
vertices and crossings in it; between two such heights pieces only stand side by side, so that the
winding number of every trapezoid between them is known.

Regions, rings and slots as in `fill`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["cover_polygons"]

_NOISE = 2.0**-48
"""Share of the outline inside a pixel, in rows, below which coverage is rounding."""

_MOST_WORK = 2**33
"""Steps spent on pixels in which an outline crosses itself, before it is refused."""

# Bits of `mark`: direction of the path, and where a piece begins and ends.
_DOWN, _UP, _RIGHT, _LEFT = 1, 2, 4, 8
_ENTERS, _LEAVES = 16, 32  # through the left border of the pixel
_BACKWARD = 64  # the edge runs against the order in which its pieces are listed
_ONE_END, _TWO_ENDS = 128, 256  # ends on a border to another pixel
_TURNS = 15


_FARTHEST = 1e15
"""Pixels; beyond it a double no longer tells one pixel from the next."""


@kernel
def _row_range(low: float, high: float, first: int, last: int) -> tuple[int, int]:
    """Rows l in [first, last) that own a height between low and high, both inclusive."""
    begin = math.floor(min(max(low, first), last))
    end = math.floor(min(max(high, first - 1), last - 1)) + 1
    return int(begin), int(max(end, begin))


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
        begin, end = _row_range(low, high, first, last) if low <= high else (first, first)
        top[p] = begin
        base[p + 1] = base[p] + end - begin
    return top, base


@kernel
def _count_pieces(xy: Any, rings: Any, regions: Any, first: int, last: int, columns: int) -> int:
    """Return an upper bound of the number of pieces of all edges within the image."""
    total = 0.0
    for ring in range(regions[0], regions[-1]):
        p = rings[ring + 1] - 1
        for i in range(rings[ring], rings[ring + 1]):
            x0 = math.floor(min(max(xy[p, 0], -1.0), columns))
            x1 = math.floor(min(max(xy[i, 0], -1.0), columns))
            y0 = math.floor(min(max(xy[p, 1], first - 1.0), last))
            y1 = math.floor(min(max(xy[i, 1], first - 1.0), last))
            total += abs(x1 - x0) + abs(y1 - y0) + 1.0
            p = i
    return int(min(total, 1e18))


@kernel
def _cut_edges(
    xy: Any,
    rings: Any,
    regions: Any,
    top: Any,
    base: Any,
    columns: int,
    line: Any,
    slot: Any,
    cell: Any,
    mark: Any,
) -> int:
    """Cut every edge at pixel borders; return the number of pieces.

    Piece i lies in column cell[i] (-1: left of the image) of slot[i] and runs from line[i, :2] to
    line[i, 2:] within its pixel, downwards or level to the right.
    """
    n = 0
    for p in range(len(regions) - 1):
        first, last = top[p], top[p] + base[p + 1] - base[p]
        shift = base[p] - first
        for ring in range(regions[p], regions[p + 1]):
            before = rings[ring + 1] - 1
            for i in range(rings[ring], rings[ring + 1]):
                a, b = before, i
                before = i
                begin, end = _row_range(
                    min(xy[a, 1], xy[b, 1]), max(xy[a, 1], xy[b, 1]), first, last
                )
                if begin >= end or (xy[a, 0] >= columns and xy[b, 0] >= columns):
                    continue
                swap = xy[a, 1] > xy[b, 1] or (xy[a, 1] == xy[b, 1] and xy[a, 0] > xy[b, 0])
                if swap:
                    a, b = b, a
                xa, ya, xb, yb = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1]
                dx, dy = xb - xa, yb - ya
                low, high = min(xa, xb), max(xa, xb)
                turn = (_UP if swap else _DOWN) if dy > 0.0 else 0
                if dx != 0.0:
                    turn |= _RIGHT if (dx > 0.0) != swap else _LEFT
                if swap:
                    turn |= _BACKWARD
                step = 1 if dx > 0.0 else -1
                x0, y0 = xa, ya
                if ya < begin:
                    y0 = float(begin)
                    x0 = min(max(xa + (y0 - ya) * dx / dy, low), high)
                for row in range(begin, end):
                    x1, y1 = xb, yb
                    if yb >= row + 1:
                        y1 = float(row + 1)
                        x1 = min(max(xa + (y1 - ya) * dx / dy, low), high)
                    column = math.floor(min(max(x0, -1.0), columns))
                    goal = math.floor(min(max(x1, -1.0), columns))
                    ends = 1 if ya < row else 0
                    enters = False
                    while column != goal:
                        border = float(column + 1) if step > 0 else float(column)
                        height = min(max(ya + (border - xa) * dy / dx, y0), y1)
                        if column < columns:
                            _set_piece(
                                line, n, x0 - column, y0 - row, border - column, height - row
                            )
                            slot[n], cell[n] = shift + row, column
                            mark[n] = (
                                turn
                                | (_ENTERS if enters and step > 0 else 0)
                                | (_LEAVES if step < 0 else 0)
                                | (ends + 1) * _ONE_END
                            )
                            n += 1
                        x0, y0 = border, height
                        column += step
                        ends, enters = 1, True
                    if column < columns:
                        ends += 1 if yb >= row + 1 else 0
                        _set_piece(line, n, x0 - column, y0 - row, x1 - column, y1 - row)
                        slot[n], cell[n] = shift + row, column
                        mark[n] = turn | (_ENTERS if enters and step > 0 else 0) | ends * _ONE_END
                        n += 1
                    x0, y0 = x1, y1
    return n


@kernel
def _set_piece(line: Any, n: int, x0: float, y0: float, x1: float, y1: float) -> None:
    line[n, 0], line[n, 1], line[n, 2], line[n, 3] = x0, y0, x1, y1


@kernel
def _sort(order: Any, key: Any, begin: int, end: int) -> None:
    """Shell sort of order[begin:end] by key[order[i]] in place."""
    gap = max(1, (end - begin) // 2)
    while gap > 0:
        for i in range(begin + gap, end):
            item = order[i]
            value = key[item]
            j = i
            while j >= begin + gap and key[order[j - gap]] > value:
                order[j] = order[j - gap]
                j -= gap
            order[j] = item
        gap = 1 if gap == 2 else int(gap / 2.2)


@kernel
def _filled(winding: int, nonzero: bool) -> float:
    if nonzero:
        return 1.0 if winding != 0 else 0.0
    return float(winding & 1)


@kernel
def _share(average: float, nonzero: bool) -> float:
    """Share filled where two neighbouring winding numbers have this average."""
    low = math.floor(average)
    here, next_one = _filled(low, nonzero), _filled(low + 1, nonzero)
    return float(here + (average - low) * (next_one - here))


@kernel
def _sorted_unique(values: Any) -> Any:
    values = np.sort(values)
    n = 0
    for value in values:
        if n == 0 or value > values[n - 1]:
            values[n] = value
            n += 1
    return values[:n]


@kernel
def _strip(
    line: Any, mark: Any, active: Any, low: float, high: float, winding: int, nonzero: bool
) -> float:
    """Area filled between two heights where pieces only stand side by side."""
    middle = 0.5 * (low + high)
    count = len(active)
    at = np.empty(count, dtype=np.float64)
    for i in range(count):
        p = active[i]
        t = (middle - line[p, 1]) / (line[p, 3] - line[p, 1])
        at[i] = line[p, 0] + t * (line[p, 2] - line[p, 0])
    area, previous = 0.0, 0.0
    for i in np.argsort(at):
        area += _filled(winding, nonzero) * (at[i] - previous)
        winding += -1 if mark[active[i]] & _BACKWARD else 1
        previous = at[i]
    area += _filled(winding, nonzero) * (1.0 - previous)
    return float(area * (high - low))


@kernel
def _crossings(line: Any, active: Any, low: float, high: float) -> Any:
    """Heights strictly between two heights at which pieces cross; all of them span both."""
    count = len(active)
    at = np.empty((count, 2), dtype=np.float64)
    for i in range(count):
        p = active[i]
        slope = (line[p, 2] - line[p, 0]) / (line[p, 3] - line[p, 1])
        at[i, 0] = line[p, 0] + (low - line[p, 1]) * slope
        at[i, 1] = line[p, 0] + (high - line[p, 1]) * slope
    order = np.argsort(at[:, 0] + at[:, 1])
    apart = True
    for i in range(1, count):
        a, b = order[i - 1], order[i]
        apart = apart and at[a, 0] <= at[b, 0] and at[a, 1] <= at[b, 1]
    if apart:
        return np.empty(0, dtype=np.float64)
    found = 0
    heights = np.empty(count * (count - 1) // 2, dtype=np.float64)
    for i in range(count):
        for j in range(i):
            before, after = at[i, 0] - at[j, 0], at[i, 1] - at[j, 1]
            if (before < 0.0 < after) or (after < 0.0 < before):
                heights[found] = low + (high - low) * (before / (before - after))
                found += 1
    return heights[:found]


@kernel
def _dissect(line: Any, mark: Any, pieces: Any, passed: float, nonzero: bool, work: Any) -> float:
    """Share of a pixel that is filled, from all pieces in it; work[0] counts the steps.

    `passed` is the winding number at the left border, averaged over its height. It changes where
    the path goes through that border, which tells the winding number at its upper end.
    """
    heights = np.empty(4 * len(pieces) + 2, dtype=np.float64)
    heights[0], heights[1] = 0.0, 1.0
    n = 2
    jumps = np.zeros((2 * len(pieces), 2), dtype=np.float64)
    jumped = 0
    begin = passed
    for p in pieces:
        heights[n], heights[n + 1] = line[p, 1], line[p, 3]
        n += 2
        sign = -1.0 if mark[p] & _BACKWARD else 1.0
        if mark[p] & _ENTERS:
            jumps[jumped, 0], jumps[jumped, 1] = line[p, 1], -sign
            jumped += 1
        if mark[p] & _LEAVES:
            jumps[jumped, 0], jumps[jumped, 1] = line[p, 3], sign
            jumped += 1
    for j in range(jumped):
        begin -= jumps[j, 1] * (1.0 - jumps[j, 0])
    corner = round(begin)
    heights = _sorted_unique(heights[:n])
    key = line[:, 1]
    _sort(pieces, key, 0, len(pieces))
    active = np.empty(len(pieces), dtype=np.int64)
    waiting, count, area = 0, 0, 0.0
    for h in range(len(heights) - 1):
        low, high = heights[h], heights[h + 1]
        while waiting < len(pieces) and line[pieces[waiting], 1] <= low:
            active[count] = pieces[waiting]
            count += 1
            waiting += 1
        kept = 0
        for i in range(count):
            if line[active[i], 3] > low:
                active[kept] = active[i]
                kept += 1
        count = kept
        winding = corner
        for j in range(jumped):
            if jumps[j, 0] <= low:
                winding += int(jumps[j, 1])
        crossings = _crossings(line, active[:count], low, high)
        work[0] += (count + jumped) * (1 + len(crossings)) + count * len(crossings)
        if work[0] > _MOST_WORK:
            return 0.0
        if len(crossings):
            cuts = np.empty(len(crossings) + 2, dtype=np.float64)
            cuts[0], cuts[1] = low, high
            cuts[2:] = crossings
            cuts = _sorted_unique(cuts)
            for c in range(len(cuts) - 1):
                area += _strip(line, mark, active[:count], cuts[c], cuts[c + 1], winding, nonzero)
        else:
            area += _strip(line, mark, active[:count], low, high, winding, nonzero)
    return area


@kernel
def cover_polygons(
    xy: Any,
    rings: Any,
    regions: Any,
    first: int,
    last: int,
    columns: int,
    nonzero: bool,
    whole: bool,
    limit: int,
) -> Any:
    """Cover pixels in the rows first <= l < last by the exact share of their area that is inside.

    Returns ``total, row, start, stop, weight, offsets``: a bound of the number of pieces, and runs
    as `fill_polygons`, with `whole` all of weight 1 (touched pixels). Nothing is covered when
    `total` exceeds `limit`; it is -1 when the outline crosses itself too often and -2 when
    coordinates are beyond reach.
    """
    count = len(regions) - 1
    offsets = np.zeros(count + 1, dtype=np.int64)
    top, base = _slots(xy, rings, regions, first, last)
    total = _count_pieces(xy, rings, regions, first, last, columns)
    size = total if total <= limit else 0
    line = np.empty((size, 4), dtype=np.float64)
    slot = np.empty(size, dtype=np.int64)
    cell = np.empty(size, dtype=np.int64)
    mark = np.empty(size, dtype=np.int64)
    row = np.empty(2 * size, dtype=np.int64)
    start = np.empty(2 * size, dtype=np.int64)
    stop = np.empty(2 * size, dtype=np.int64)
    weight = np.empty(2 * size, dtype=np.float64)
    if base[count] < 0 or total > limit:
        return total if base[count] >= 0 else -2, row, start, stop, weight, offsets
    pieces = _cut_edges(xy, rings, regions, top, base, columns, line, slot, cell, mark)
    slots = base[count]
    place = np.zeros(slots + 1, dtype=np.int64)
    for i in range(pieces):
        place[slot[i] + 1] += 1
    for s in range(slots):
        place[s + 1] += place[s]
    used = place[:slots].copy()
    order = np.empty(pieces, dtype=np.int64)
    for i in range(pieces):
        order[used[slot[i]]] = i
        used[slot[i]] += 1
    work = np.zeros(1, dtype=np.int64)
    n = 0
    for p in range(count):
        for s in range(base[p], base[p + 1]):
            _sort(order, cell, place[s], place[s + 1])
            n = _cover_row(
                line, cell, mark, order, place[s], place[s + 1], columns, nonzero, whole,
                top[p] + s - base[p], row, start, stop, weight, n, work,
            )  # fmt: skip
        offsets[p + 1] = n
    if work[0] > _MOST_WORK:
        total = -1
    return total, row[:n].copy(), start[:n].copy(), stop[:n].copy(), weight[:n].copy(), offsets


@kernel
def _cover_row(
    line: Any,
    cell: Any,
    mark: Any,
    order: Any,
    begin: int,
    end: int,
    columns: int,
    nonzero: bool,
    whole: bool,
    at: int,
    row: Any,
    start: Any,
    stop: Any,
    weight: Any,
    n: int,
    work: Any,
) -> int:
    """Emit the runs of one row from its pieces, sorted by column."""
    head = n
    passed = 0.0
    i = begin
    while i < end:
        column = cell[order[i]]
        first = i
        height, area, length = 0.0, 0.0, 0.0
        turns, ends = 0, 0
        while i < end and cell[order[i]] == column:
            p = order[i]
            m = mark[p]
            dy = line[p, 3] - line[p, 1]
            length += dy
            if m & _BACKWARD:
                dy = -dy
            height += dy
            area += dy * (1.0 - 0.5 * (line[p, 0] + line[p, 2]))
            turns |= m & _TURNS
            ends += m // _ONE_END
            i += 1
        if column >= 0:
            simple = ends == 2 and ((turns & 3) != 3 or (turns & 12) != 12)
            if simple:
                covered = _share(passed + area, nonzero)
            else:
                covered = _dissect(line, mark, order[first:i], passed, nonzero, work)
            if covered <= _NOISE * length:
                covered = 0.0
            elif 1.0 - covered <= _NOISE * (length + 1.0):
                covered = 1.0
            if covered > 0.0:
                if whole:
                    covered = 1.0
                if n > head and stop[n - 1] == column and weight[n - 1] == covered:
                    stop[n - 1] = column + 1
                else:
                    row[n], start[n], stop[n], weight[n] = at, column, column + 1, covered
                    n += 1
        passed += height
        until = cell[order[i]] if i < end else columns
        column = max(column + 1, 0)
        if until > column:
            passed = float(round(passed))
            if _filled(int(passed), nonzero) > 0.0:
                if n > head and stop[n - 1] == column and weight[n - 1] == 1.0:
                    stop[n - 1] = until
                else:
                    row[n], start[n], stop[n], weight[n] = at, column, until, 1.0
                    n += 1
    return n
