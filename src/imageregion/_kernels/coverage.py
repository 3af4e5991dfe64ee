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

_DRIFT = 2.0**-51
"""Rounding of the winding number that pieces further left leave, per row they pass."""

_APART = 1e-20
"""Product of areas above which two corners surely lie on one side of an edge within a pixel."""

_MOST_WORK = 2**31
"""Steps spent on pixels in which an outline crosses itself, before it is refused."""

_TINY = 1e-300

_SAME = 2.0**-50
"""Columns below which pieces that lie on one another do not cross."""

_FEW = 8
"""Pieces that may cross each other within a strip."""

_ROOM = 64
"""Pieces in one pixel for which room is kept."""

_HALVINGS = 48
"""Halvings of a strip, after which what is left of it does not count."""

# A piece in the order of its row: its column + 1 in the upper half, its index in the lower half.
_COLUMN = 1 << 32
_PIECE = _COLUMN - 1

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
            a, b = (p, i) if xy[p, 1] <= xy[i, 1] else (i, p)
            p = i
            xa, ya, xb, yb = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1]
            if yb < first or ya >= last or (xa >= columns and xb >= columns):
                continue
            x0, x1, y0, y1 = xa, xb, ya, yb
            if ya < first:
                y0 = float(first)
                x0 = xa + (y0 - ya) * (xb - xa) / (yb - ya)
            if yb > last:
                y1 = float(last)
                x1 = xa + (y1 - ya) * (xb - xa) / (yb - ya)
            across = math.floor(min(max(x1, -1.0), columns)) - math.floor(
                min(max(x0, -1.0), columns)
            )
            total += abs(across) + math.floor(y1) - math.floor(y0) + 3.0
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
def _sort_columns(order: Any, begin: int, end: int) -> None:
    """Shell sort of order[begin:end] by column in place."""
    gap = max(1, (end - begin) // 2)
    while gap > 0:
        for i in range(begin + gap, end):
            item = order[i]
            j = i
            while j >= begin + gap and order[j - gap] >> 32 > item >> 32:
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
    """Share filled where two neighbouring winding numbers have this average.

    Counted from the nearer of them, so that the least share of either direction is kept.
    """
    near = math.floor(average + 0.5)
    off = abs(average - near)
    if nonzero:
        beside = near + (1 if average > near else -1)
        return off if near == 0 else 1.0 - off if beside == 0 else 1.0
    return 1.0 - off if near & 1 else off


@kernel
def _room(size: int) -> tuple[Any, Any]:
    """Room for `size` pieces of one pixel, for `_dissect`."""
    return (
        np.empty((14, 2 * size + 2), dtype=np.float64),
        np.empty((5, 2 * size + 2), dtype=np.int64),
    )


@kernel
def _stand(
    local: Any, active: Any, count: int, high: float, last: bool, at: Any
) -> tuple[int, bool]:
    """Put pieces in order from left to right in a strip; return steps spent and whether any cross.

    `at` holds the column of piece p at the upper end of the strip, half way and at the lower end:
    the first is given, the others are found. `last` says that some may end at `high`.
    """
    for i in range(count):
        p = active[i]
        at[2, p] = local[0, p] + (high - local[1, p]) * local[4, p]
        if last and local[3, p] <= high:
            at[2, p] = local[2, p]
        at[1, p] = 0.5 * (at[0, p] + at[2, p])
    moves = 0
    for i in range(1, count):
        p = active[i]
        key = at[1, p]
        j = i
        while j > 0 and at[1, active[j - 1]] > key:
            active[j] = active[j - 1]
            j -= 1
        active[j] = p
        moves += i - j
        if moves > 8 * count:  # not in order from the strip above
            _sort(active, at[1], 0, count)
            moves *= 3
            break
    for i in range(1, count):
        a, b = active[i - 1], active[i]
        if at[0, a] > at[0, b] + _SAME or at[2, a] > at[2, b] + _SAME:
            return moves + 4 * count, True
    return moves + 2 * count, False


@kernel
def _largest_tangle(active: Any, count: int, at: Any, rest: Any) -> int:
    """Size of the largest group of pieces that cross; rest[0, i] is 1 where a group begins."""
    low, high = math.inf, math.inf
    for i in range(count - 1, -1, -1):
        low, high = min(low, at[0, active[i]]), min(high, at[2, active[i]])
        rest[0, i], rest[1, i] = low, high
    low, high = -math.inf, -math.inf
    largest = begin = 0
    for i in range(count):
        begins = low <= rest[0, i] + _SAME and high <= rest[1, i] + _SAME
        rest[0, i] = 1.0 if begins else 0.0
        if begins:
            begin = i
        low, high = max(low, at[0, active[i]]), max(high, at[2, active[i]])
        largest = max(largest, i + 1 - begin)
    return int(largest)


@kernel
def _untangle(
    tangle: Any, at: Any, mark: Any, winding: int, previous: float, nonzero: bool, cuts: Any
) -> tuple[float, float]:
    """Mean width filled from `previous` to the last of a few pieces that cross, and its place."""
    count = len(tangle)
    cuts[0], cuts[1] = 0.0, 1.0
    n = 2
    for i in range(count):
        for j in range(i):
            before = at[0, tangle[i]] - at[0, tangle[j]]
            after = at[2, tangle[i]] - at[2, tangle[j]]
            if (before < 0.0 < after) or (after < 0.0 < before):
                cuts[n] = before / (before - after)
                n += 1
    for i in range(2, n):
        cut, j = cuts[i], i
        while j > 0 and cuts[j - 1] > cut:
            cuts[j] = cuts[j - 1]
            j -= 1
        cuts[j] = cut
    width = last = 0.0
    for c in range(n - 1):
        share = cuts[c + 1] - cuts[c]
        if share <= 0.0:
            continue
        middle = 0.5 * (cuts[c] + cuts[c + 1])
        for i in range(count):
            p = tangle[i]
            at[1, p] = at[0, p] + middle * (at[2, p] - at[0, p])
        _sort(tangle, at[1], 0, count)
        around, place = winding, previous
        for i in range(count):
            p = tangle[i]
            width += share * _filled(around, nonzero) * (at[1, p] - place)
            around += -1 if mark[p] & _BACKWARD else 1
            place = at[1, p]
        last += share * place
    return width, last


@kernel
def _width(
    active: Any,
    count: int,
    at: Any,
    rest: Any,
    mark: Any,
    winding: int,
    nonzero: bool,
    crossed: bool,
    cuts: Any,
) -> float:
    """Mean width filled between two heights, from groups of pieces that stand side by side."""
    width, previous = 0.0, 0.0
    i = 0
    while i < count:
        begin = i
        i += 1
        while crossed and i < count and rest[0, i] == 0.0:
            i += 1
        if i - begin > 1:
            more, previous = _untangle(active[begin:i], at, mark, winding, previous, nonzero, cuts)
            width += more
            for k in range(begin, i):
                winding += -1 if mark[active[k]] & _BACKWARD else 1
            continue
        p = active[begin]
        width += _filled(winding, nonzero) * (at[1, p] - previous)
        previous = at[1, p]
        winding += -1 if mark[p] & _BACKWARD else 1
    return float(width + _filled(winding, nonzero) * (1.0 - previous))


@kernel
def _dissect(
    line: Any,
    mark: Any,
    pieces: Any,
    passed: float,
    nonzero: bool,
    work: Any,
    floats: Any,
    ints: Any,
) -> float:
    """Share of a pixel that is filled, from all pieces in it; work[0] counts the steps.

    `passed` is the winding number at the left border, averaged over its height. It changes where
    the path goes through that border, which tells the winding number at its upper end. Strips in
    which more than a few pieces cross each other are halved until there is no such strip.
    """
    size = len(pieces)
    if size > _ROOM:
        floats, ints = _room(size)
    local, at, rest, jumps = floats[:5], floats[5:8], floats[8:10], floats[10:12]
    heights, cuts, until = floats[12], floats[13], np.empty(_HALVINGS + 1, dtype=np.float64)
    marks, level, waiting, doors, active = ints[0], ints[1], ints[2], ints[3], ints[4]
    heights[0], heights[1] = 0.0, 1.0
    jumped = 0
    begin = passed
    for i in range(size):
        p = pieces[i] & _PIECE
        local[0, i], local[1, i], local[2, i], local[3, i] = line[p]
        local[4, i] = (line[p, 2] - line[p, 0]) / max(line[p, 3] - line[p, 1], _TINY)
        marks[i] = mark[p]
        heights[2 * i + 2], heights[2 * i + 3] = line[p, 1], line[p, 3]
        side = -1.0 if mark[p] & _BACKWARD else 1.0
        if mark[p] & _ENTERS:
            jumps[0, jumped], jumps[1, jumped] = line[p, 1], -side
            jumped += 1
        if mark[p] & _LEAVES:
            jumps[0, jumped], jumps[1, jumped] = line[p, 3], side
            jumped += 1
    for j in range(jumped):
        begin -= jumps[1, j] * (1.0 - jumps[0, j])
    winding = math.floor(begin + 0.5)
    ends = 2 * size + 2
    for i in range(ends):
        level[i] = waiting[i] = doors[i] = i
    _sort(level, heights, 0, ends)
    _sort(waiting, local[1], 0, size)
    _sort(doors, jumps[0], 0, jumped)
    work[0] += 64 + 16 * size
    following = door = count = 0
    area = 0.0
    for h in range(ends - 1):
        low, until[0] = heights[level[h]], heights[level[h + 1]]
        if not low < until[0]:
            continue
        kept = 0
        for i in range(count):
            if local[3, active[i]] > low:
                active[kept] = active[i]
                kept += 1
        count = kept
        while following < size and local[1, waiting[following]] <= low:
            p = waiting[following]
            if local[3, p] > low:
                active[count] = p
                at[0, p] = local[0, p]
                count += 1
            following += 1
        while door < jumped and jumps[0, doors[door]] <= low:
            winding += int(jumps[1, doors[door]])
            door += 1
        depth = 0
        while depth >= 0:
            high = until[depth]
            steps, crossed = _stand(local, active, count, high, depth == 0, at)
            work[0] += steps
            if crossed:
                work[0] += 2 * count
                if _largest_tangle(active, count, at, rest) > _FEW:
                    middle = 0.5 * (low + high)
                    if work[0] > _MOST_WORK:
                        return 0.0
                    if depth < _HALVINGS and low < middle < high:
                        depth += 1
                        until[depth] = middle
                        continue
                    crossed = False  # all in one point
            area += (high - low) * _width(
                active, count, at, rest, marks, winding, nonzero, crossed, cuts
            )
            for i in range(count):
                at[0, active[i]] = at[2, active[i]]
            low = high
            depth -= 1
        if work[0] > _MOST_WORK:
            return 0.0
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
    work: Any,
) -> Any:
    """Cover pixels in the rows first <= l < last by the exact share of their area that is inside.

    Returns ``total, row, start, stop, weight, offsets``: a bound of the number of pieces, and runs
    as `fill_polygons`, with `whole` all of weight 1 (touched pixels). Nothing is covered when
    `total` exceeds `limit`; it is -1 when an outline crosses itself too often and -2 when
    coordinates are beyond reach. work[0] (int64) counts the steps spent on crossings, from band to
    band of a single region.
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
        order[used[slot[i]]] = (cell[i] + 1) * _COLUMN + i
        used[slot[i]] += 1
    n = _cover_rows(
        line, mark, order, place, top, base, columns, nonzero, whole,
        row, start, stop, weight, offsets, work,
    )  # fmt: skip
    if n < 0:
        return -1, row[:0], start[:0], stop[:0], weight[:0], offsets
    if n < size:  # give back what is not used; copying costs as much as finding it
        return total, row[:n].copy(), start[:n].copy(), stop[:n].copy(), weight[:n].copy(), offsets
    return total, row[:n], start[:n], stop[:n], weight[:n], offsets


@kernel
def _is_open_chain(line: Any, order: Any, first: int) -> bool:
    """Whether three pieces meet in two vertices and nowhere else."""
    vertices = 0
    for i in range(3):
        a, b = order[first + i] & _PIECE, order[first + (i + 1) % 3] & _PIECE
        ax, ay, bx, by = line[a]
        cx, cy, dx, dy = line[b]
        if (
            (ax == cx and ay == cy)
            or (ax == dx and ay == dy)
            or (bx == cx and by == cy)
            or (bx == dx and by == dy)
        ):
            vertices += 1
            continue
        c_side = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        d_side = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
        a_side = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
        b_side = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
        apart = c_side * d_side > _APART or a_side * b_side > _APART
        if not apart:
            return False
    return vertices == 2


@kernel
def _cover_rows(
    line: Any,
    mark: Any,
    order: Any,
    place: Any,
    top: Any,
    base: Any,
    columns: int,
    nonzero: bool,
    whole: bool,
    row: Any,
    start: Any,
    stop: Any,
    weight: Any,
    offsets: Any,
    work: Any,
) -> int:
    """Emit the runs of every row, return how many; -1 when an outline crosses itself too often.

    All rows in one call on purpose: a call that takes arrays costs as much as several pixels.
    """
    floats, ints = _room(_ROOM)
    n = 0
    for region in range(len(base) - 1):
        if len(base) > 2:
            work[0] = 0
        for s in range(base[region], base[region + 1]):
            at = top[region] + s - base[region]
            _sort_columns(order, place[s], place[s + 1])
            head = n
            passed, drift = 0.0, 0.0
            i, end = place[s], place[s + 1]
            while i < end:
                column = (order[i] >> 32) - 1
                first = i
                height, area, length = 0.0, 0.0, 0.0
                turns, ends = 0, 0
                while i < end and (order[i] >> 32) - 1 == column:
                    p = order[i] & _PIECE
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
                    simple = ends == 2 and (
                        (turns & 3) != 3
                        or (turns & 12) != 12
                        or i - first < 3  # neighbours on a ring meet in their vertex alone
                        or (i - first == 3 and _is_open_chain(line, order, first))
                    )
                    if simple:
                        covered = _share(passed + area, nonzero)
                    else:
                        covered = _dissect(
                            line, mark, order[first:i], passed, nonzero, work, floats, ints
                        )
                    if covered <= _NOISE * length + _DRIFT * drift:
                        covered = 0.0
                    elif 1.0 - covered <= _NOISE * (length + 1.0) + _DRIFT * drift:
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
                drift += length
                nearest = math.floor(passed + 0.5)
                if abs(passed - nearest) <= _DRIFT * drift:
                    passed, drift = float(nearest), 0.0
                until = (order[i] >> 32) - 1 if i < end else columns
                column = max(column + 1, 0)
                if until > column:
                    passed, drift = float(nearest), 0.0
                    if _filled(int(passed), nonzero) > 0.0:
                        if n > head and stop[n - 1] == column and weight[n - 1] == 1.0:
                            stop[n - 1] = until
                        else:
                            row[n], start[n], stop[n], weight[n] = at, column, until, 1.0
                            n += 1
            if work[0] > _MOST_WORK:
                return -1
        offsets[region + 1] = n
    return n
