"""The border of a region along pixel edges, from its runs; linear in the number of runs.

Everything starts from the horizontal edges: on the grid line above pixel row y, the columns where
exactly one of the rows y - 1 and y belongs to the region.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["count_edges", "horizontal_edges", "link_rings", "transpose_runs"]

_BEYOND = np.iinfo(np.int64).max


@kernel
def _row_end(row: Any, first: int, line: int) -> int:
    """First run from `first` on that is not in row `line`."""
    while first < len(row) and row[first] == line:
        first += 1
    return first


@kernel
def horizontal_edges(row: Any, start: Any, stop: Any) -> Any:
    """Find the horizontal edges between region and outside; runs sorted, disjoint, joined.

    Returns int64 arrays (line, left, right, side), sorted by line and column: side 1 where the
    region lies below the line, -1 where it lies above.
    """
    most = 2 * len(row)
    line = np.empty(most, dtype=np.int64)
    left = np.empty(most, dtype=np.int64)
    right = np.empty(most, dtype=np.int64)
    side = np.empty(most, dtype=np.int64)
    n = above = split = below = 0  # runs above the line: above to split; below it: split to below
    y = -1
    while split < below or below < len(row):
        y = y + 1 if split < below else row[below]
        above, split = split, below
        below = _row_end(row, split, y)
        i, j = above, split
        next_i = start[i] if i < split else _BEYOND
        next_j = start[j] if j < below else _BEYOND
        in_i = in_j = False
        was = 0
        while next_i != _BEYOND or next_j != _BEYOND:
            place = min(next_i, next_j)
            if next_i == place:
                in_i = not in_i
                i += 0 if in_i else 1
                next_i = stop[i] if in_i else (start[i] if i < split else _BEYOND)
            if next_j == place:
                in_j = not in_j
                j += 0 if in_j else 1
                next_j = stop[j] if in_j else (start[j] if j < below else _BEYOND)
            now = (1 if in_j else 0) - (1 if in_i else 0)
            if now == was:
                continue
            if was != 0:
                right[n] = place
                n += 1
            if now != 0:
                line[n], left[n], side[n] = y, place, now
            was = now
    return line[:n], left[:n], right[:n], side[:n]


@kernel
def count_edges(left: Any, right: Any, columns: int) -> Any:
    """Count the edges left of every column; int64, shape (columns + 1,), the last is the total."""
    change = np.zeros(columns + 2, dtype=np.int64)
    for i in range(len(left)):
        change[left[i] + 1] += 1
        change[right[i] + 1] -= 1
    return np.cumsum(np.cumsum(change[: columns + 1]))


@kernel
def transpose_runs(line: Any, left: Any, right: Any, place: Any) -> Any:
    """Runs down the columns from the horizontal edges and `count_edges`.

    Returns int64 arrays (column, start, stop), sorted by column.
    """
    total = place[-1] // 2
    column = np.empty(total, dtype=np.int64)
    start = np.empty(total, dtype=np.int64)
    stop = np.empty(total, dtype=np.int64)
    used = place.copy()
    for i in range(len(line)):
        for k in range(left[i], right[i]):
            edge = used[k]
            used[k] += 1
            if edge % 2 == 0:
                column[edge // 2] = k
                start[edge // 2] = line[i]
            else:
                stop[edge // 2] = line[i]
    return column, start, stop


@kernel
def _meet(corner: int, column: int, waiting: Any, partner: Any) -> None:
    """Begin a vertical edge at a corner, or end the one that waits in this column there."""
    other = waiting[column]
    if other < 0:
        waiting[column] = corner
    else:
        partner[corner], partner[other] = other, corner
        waiting[column] = -1


@kernel
def link_rings(line: Any, left: Any, right: Any, side: Any, columns: int, joined: bool) -> Any:
    """Link horizontal edges to closed rings with the region on the same side all along.

    Corners 2 i and 2 i + 1 are the left and the right end of edge i. Where two pixels of the region
    meet at a corner only, rings run from one to the other when `joined`, else around each.
    Returns float64 vertices (N, 2) as (column, row), and int64 offsets of the rings. Rings with the
    region inside have a positive area by the shoelace formula, holes a negative one.
    """
    count = len(line)
    waiting = np.full(columns + 1, -1, dtype=np.int64)
    partner = np.empty(2 * count, dtype=np.int64)
    for i in range(count):
        follows = i > 0 and line[i - 1] == line[i] and right[i - 1] == left[i]
        if not follows:
            _meet(2 * i, left[i], waiting, partner)
        if i + 1 < count and line[i + 1] == line[i] and left[i + 1] == right[i]:
            # The edge that ends here first takes the vertical edge from above.
            right_first = (side[i] < 0) != joined
            _meet(2 * i + (1 if right_first else 2), right[i], waiting, partner)
            _meet(2 * i + (2 if right_first else 1), right[i], waiting, partner)
        else:
            _meet(2 * i + 1, right[i], waiting, partner)
    xy = np.empty((2 * count, 2), dtype=np.float64)
    offsets = np.empty(count // 2 + 1, dtype=np.int64)
    offsets[0] = 0
    done = np.zeros(count, dtype=np.bool_)
    n = rings = 0
    for first in range(count):
        i = first
        while not done[i]:
            done[i] = True
            forward = side[i] > 0
            xy[n, 0] = left[i] if forward else right[i]
            xy[n + 1, 0] = right[i] if forward else left[i]
            xy[n, 1] = xy[n + 1, 1] = line[i]
            n += 2
            i = partner[2 * i + (1 if forward else 0)] // 2
        if n > offsets[rings]:
            rings += 1
            offsets[rings] = n
    return xy, offsets[: rings + 1]
