"""Sweeps over two sets of runs on one image, side by side; linear in the number of runs.

Runs are int64 arrays (row, start, stop), sorted, disjoint and joined.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["select", "shared_weight"]


_BEYOND = np.iinfo(np.int64).max


@kernel
def select(
    row_a: Any,
    start_a: Any,
    stop_a: Any,
    row_b: Any,
    start_b: Any,
    stop_b: Any,
    only_a: bool,
    only_b: bool,
    both: bool,
) -> Any:
    """Find the pixels that lie in `a` only, in `b` only, or in both, as wanted.

    Returns int64 arrays (row, start, stop), sorted, disjoint, joined.
    """
    size_a, size_b = len(row_a), len(row_b)
    row = np.empty(size_a + size_b, dtype=np.int64)
    start = np.empty(size_a + size_b, dtype=np.int64)
    stop = np.empty(size_a + size_b, dtype=np.int64)
    i = j = n = 0
    while i < size_a or j < size_b:
        if j == size_b or (i < size_a and row_a[i] < row_b[j]):
            if only_a:
                row[n], start[n], stop[n] = row_a[i], start_a[i], stop_a[i]
                n += 1
            i += 1
            continue
        if i == size_a or row_b[j] < row_a[i]:
            if only_b:
                row[n], start[n], stop[n] = row_b[j], start_b[j], stop_b[j]
                n += 1
            j += 1
            continue
        line = row_a[i]
        next_a, next_b = start_a[i], start_b[j]
        in_a = in_b = was = False
        while next_a != _BEYOND or next_b != _BEYOND:
            place = min(next_a, next_b)
            while next_a == place:
                in_a = not in_a
                if in_a:
                    next_a = stop_a[i]
                else:
                    i += 1
                    next_a = start_a[i] if i < size_a and row_a[i] == line else _BEYOND
            while next_b == place:
                in_b = not in_b
                if in_b:
                    next_b = stop_b[j]
                else:
                    j += 1
                    next_b = start_b[j] if j < size_b and row_b[j] == line else _BEYOND
            now = (in_a and in_b and both) or (in_a != in_b and (only_a if in_a else only_b))
            if now and not was:
                row[n], start[n] = line, place
            elif was and not now:
                stop[n] = place
                n += 1
            was = now
    return row[:n], start[:n], stop[:n]


@kernel
def shared_weight(
    row_a: Any,
    start_a: Any,
    stop_a: Any,
    weight_a: Any,
    row_b: Any,
    start_b: Any,
    stop_b: Any,
    weight_b: Any,
) -> float:
    """Sum over all pixels of the smaller of the two weights."""
    total = 0.0
    i = j = 0
    while i < len(row_a) and j < len(row_b):
        if row_a[i] != row_b[j]:
            if row_a[i] < row_b[j]:
                i += 1
            else:
                j += 1
            continue
        overlap = min(stop_a[i], stop_b[j]) - max(start_a[i], start_b[j])
        if overlap > 0:
            total += overlap * min(weight_a[i], weight_b[j])
        if stop_a[i] <= stop_b[j]:
            i += 1
        else:
            j += 1
    return total
