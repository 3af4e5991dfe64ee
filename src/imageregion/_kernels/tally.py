"""Distributions of integers: counted in tables, without sorting.

The weight of a value is its number of whole pixels plus the weights of its partial pixels, added in
the order of the runs. Every way to find a distribution keeps to that, so all give the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["extent", "tally"]


@kernel
def extent(flat: Any, columns: Any, row: Any, start: Any, stop: Any, weight: Any) -> Any:
    """Return (pixels, lowest, highest, whether a weight is not 1) of integers under runs."""
    count = 0
    partial = False
    lowest = np.int64(2**63 - 1)
    highest = np.int64(-(2**63))
    for i in range(len(row)):
        values = flat[row[i] * columns + start[i] : row[i] * columns + stop[i]]
        low = values[0]
        high = values[0]
        for k in range(len(values)):
            low = min(low, values[k])
            high = max(high, values[k])
        lowest = min(lowest, np.int64(low))
        highest = max(highest, np.int64(high))
        count += len(values)
        partial |= weight[i] != 1.0
    return count, lowest, highest, partial


@kernel
def tally(
    flat: Any,
    columns: Any,
    row: Any,
    start: Any,
    stop: Any,
    weight: Any,
    lowest: Any,
    size: Any,
    partial: Any,
) -> Any:
    """Count integers from `lowest` up to `lowest` + `size` under runs in a table.

    Four counters per value take turns, for counting the same value twice in a row has to wait.
    Returns distinct values, pixels of each, and weight of each. Fewer than 2**32 pixels.
    """
    table = np.zeros(4 * size, dtype=np.uint32)
    shares = np.zeros(size if partial else 0, dtype=np.float64)
    cut = np.zeros(size if partial else 0, dtype=np.uint32)
    base = np.int64(lowest)
    for i in range(len(row)):
        first = row[i] * columns + start[i]
        last = row[i] * columns + stop[i]
        if weight[i] != 1.0:
            for k in range(first, last):
                shares[np.uint64(np.int64(flat[k]) - base)] += weight[i]
                cut[np.uint64(np.int64(flat[k]) - base)] += np.uint32(1)
            continue
        values = flat[first:last]
        even = len(values) // 4 * 4
        for k in range(0, even, 4):
            table[np.uint64((np.int64(values[k]) - base) * 4)] += np.uint32(1)
            table[np.uint64((np.int64(values[k + 1]) - base) * 4 + 1)] += np.uint32(1)
            table[np.uint64((np.int64(values[k + 2]) - base) * 4 + 2)] += np.uint32(1)
            table[np.uint64((np.int64(values[k + 3]) - base) * 4 + 3)] += np.uint32(1)
        for k in range(even, len(values)):
            table[np.uint64((np.int64(values[k]) - base) * 4)] += np.uint32(1)
    return _present(table, shares, cut, base)


@kernel
def _present(table: Any, shares: Any, cut: Any, base: Any) -> Any:
    """Collect the values that occur; the four counters of each are added up in place."""
    size = len(table) // 4
    partial = len(cut) > 0
    found = 0
    for k in range(size):
        table[4 * k] += table[4 * k + 1] + table[4 * k + 2] + table[4 * k + 3]
        found += (table[4 * k] > 0) | (partial and cut[k] > 0)
    stored = np.empty(found, dtype=np.int64)
    counts = np.empty(found, dtype=np.int64)
    weights = np.empty(found, dtype=np.float64)
    at = 0
    for k in range(size):
        n = np.int64(table[4 * k])
        share = 0.0
        if partial:
            n += np.int64(cut[k])
            share = shares[k]
        if n > 0:
            stored[at] = base + k
            counts[at] = n
            weights[at] = np.float64(table[4 * k]) + share
            at += 1
    return stored, counts, weights
