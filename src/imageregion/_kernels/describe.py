"""Statistics of distributions: sums, moments and quantiles of distinct values with weights.

One order of operations for one region and for many, so that both give the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["describe", "describe_integers", "quantiles"]

_SEQUENCE = 0x077CB531  # de Bruijn: five bits of it tell by how much it was shifted
_WORD = (1 << 32) - 1


@kernel
def describe(values: Any, counts: Any, weights: Any, offsets: Any, levels: Any, table: Any) -> None:
    """Describe regions that own the distinct values offsets[i]:offsets[i + 1], ascending.

    Fills a row of `table` per region: weight, sum, mean, variance, std, lowest, highest, and the
    quantiles at `levels`; nan where there are no values, or beyond the range of float64.
    """
    most = 0
    for i in range(len(offsets) - 1):
        most = max(most, offsets[i + 1] - offsets[i])
    upto = np.empty(most, dtype=np.float64)
    for i in range(len(offsets) - 1):
        first = offsets[i]
        last = offsets[i + 1]
        _moments(values[first:last], weights[first:last], table[i])
        _levels(
            values[first:last],
            counts[first:last],
            weights[first:last],
            upto,
            levels,
            table[i, 7:],
        )


@kernel
def describe_integers(
    flat: Any,
    columns: Any,
    row: Any,
    start: Any,
    stop: Any,
    weight: Any,
    offsets: Any,
    lowest: Any,
    size: Any,
    slope: Any,
    intercept: Any,
    low: Any,
    high: Any,
    levels: Any,
    count: Any,
    table: Any,
    excluded: Any,
) -> Any:
    """Describe regions of integers at once, without writing down their distributions.

    Region i owns runs offsets[i]:offsets[i + 1]; all integers are from `lowest` up to
    `lowest` + `size`. Real values are slope * x + intercept; x from `low` to `high` are padding.
    Fills `count`, `table` (as `describe`) and `excluded` per region. Returns whether every x has
    a real value of its own; if not, nothing of this holds.
    """
    regions = len(offsets) - 1
    most = 0
    partial = False
    for i in range(regions):
        pixels = 0
        for r in range(offsets[i], offsets[i + 1]):
            pixels += stop[r] - start[r]
            partial |= weight[r] != 1.0
        most = max(most, pixels)
    held = np.empty(most, dtype=np.int32)
    values = np.empty(min(most, size), dtype=np.float64)
    counts = np.empty(len(values), dtype=np.int64)
    weights = np.empty(len(values), dtype=np.float64)
    upto = np.empty(len(values), dtype=np.float64)
    whole = np.zeros(size, dtype=np.int64)
    used = np.zeros((size >> 5) + 1, dtype=np.int64)
    cut = np.zeros(size if partial else 0, dtype=np.int64)
    shares = np.zeros(size if partial else 0, dtype=np.float64)
    bit = np.empty(32, dtype=np.int64)
    for k in range(32):
        bit[((_SEQUENCE << k) & _WORD) >> 27] = k
    base = np.int64(lowest)
    for i in range(regions):
        pixels = 0
        for r in range(offsets[i], offsets[i + 1]):  # far away memory first, all at once
            first = row[r] * columns + start[r]
            length = stop[r] - start[r]
            if length == 1:  # many pixels on a boundary; a loop costs more
                held[pixels] = np.int64(flat[first]) - base
            else:
                for k in range(length):
                    held[pixels + k] = np.int64(flat[first + k]) - base
            pixels += length
        least = np.int64(size)
        greatest = np.int64(-1)
        at = 0
        for r in range(offsets[i], offsets[i + 1]):
            w = weight[r]
            for _ in range(stop[r] - start[r]):
                d = np.int64(held[at])
                at += 1
                used[np.uint64(d >> 5)] |= 1 << (d & 31)
                least = min(least, d)
                greatest = max(greatest, d)
                if w == 1.0:
                    whole[np.uint64(d)] += 1
                else:
                    cut[np.uint64(d)] += 1
                    shares[np.uint64(d)] += w
        n = 0
        kept = 0
        for word in range(least >> 5, (greatest >> 5) + 1):
            bits = used[word]
            used[word] = 0
            while bits:
                lone = bits & -bits
                bits ^= lone
                d = (word << 5) + bit[((lone * _SEQUENCE) & _WORD) >> 27]
                values[n] = np.float64(base + d) * slope + intercept
                counts[n] = whole[d]
                weights[n] = whole[d]
                whole[d] = 0
                if partial:
                    counts[n] += cut[d]
                    weights[n] += shares[d]
                    cut[d] = 0
                    shares[d] = 0.0
                if not low <= base + d <= high:
                    kept += counts[n]
                    n += 1
        if slope < 0.0:
            for k in range(n >> 1):
                values[k], values[n - 1 - k] = values[n - 1 - k], values[k]
                counts[k], counts[n - 1 - k] = counts[n - 1 - k], counts[k]
                weights[k], weights[n - 1 - k] = weights[n - 1 - k], weights[k]
        for k in range(n):
            if not np.isfinite(values[k]) or (k > 0 and values[k] <= values[k - 1]):
                return False
        count[i] = kept
        excluded[i] = pixels - kept
        _moments(values[:n], weights[:n], table[i])
        _levels(values[:n], counts[:n], weights[:n], upto, levels, table[i, 7:])
    return True


@kernel
def quantiles(values: Any, counts: Any, weights: Any, levels: Any) -> Any:
    """Return the quantiles of distinct values, ascending, at `levels`; as `describe` does."""
    found = np.empty(len(levels), dtype=np.float64)
    _levels(values, counts, weights, np.empty(len(values), dtype=np.float64), levels, found)
    return found


@kernel
def _moments(values: Any, weights: Any, found: Any) -> None:
    n = len(values)
    found[0] = 0.0
    found[1] = 0.0
    if n == 0:
        found[2:7] = np.nan
        return
    weight = 0.0
    total = 0.0
    lost = 0.0  # what rounding took from the sum (Knuth, TAOCP 2, 4.2.2, theorem B)
    for first in range(0, n, 128):
        part = 0.0
        for k in range(first, min(first + 128, n)):
            part += weights[k]
            x = weights[k] * values[k]
            further = total + x
            back = further - total
            lost += (total - (further - back)) + (x - back)
            total = further
        weight += part
    total += lost
    mean = total / weight
    if not np.isfinite(mean):  # the sum overflows
        total = np.nan
        mean = 0.0
        for k in range(n):
            mean += weights[k] / weight * values[k]
    mean = min(max(mean, values[0]), values[n - 1])
    squares = 0.0
    for first in range(0, n, 128):
        part = 0.0
        for k in range(first, min(first + 128, n)):
            d = values[k] - mean
            part += weights[k] * (d * d)
        squares += part
    variance = squares / weight
    if not np.isfinite(variance):
        variance = np.nan
    found[0] = weight
    found[1] = total
    found[2] = mean
    found[3] = variance
    found[4] = np.sqrt(variance)
    found[5] = values[0]
    found[6] = values[n - 1]


@kernel
def _levels(values: Any, counts: Any, weights: Any, upto: Any, levels: Any, found: Any) -> None:
    n = len(values)
    if n == 0:
        found[:] = np.nan
        return
    weight = 0.0
    whole = True
    for k in range(n):
        weight += weights[k]
        upto[k] = weight
        whole &= weights[k] == counts[k]
    ends = upto[:n]
    for q in range(len(levels)):
        if whole:
            found[q] = _between(values, ends, (weight - 1.0) * levels[q])
        else:
            found[q] = _averaged(values, ends, levels[q])


@kernel
def _first_above(upto: Any, position: Any) -> Any:
    """Index of the first above `position`, or the last; without branches that depend on data."""
    low = 0
    size = len(upto)
    while size > 1:
        half = size >> 1
        low += half * (upto[low + half - 1] <= position)
        size -= half
    return low


@kernel
def _between(values: Any, upto: Any, position: Any) -> Any:
    """Interpolate between the pixels at floor(position) and the next; whole pixels only."""
    below = np.floor(position)
    share = position - below
    i = _first_above(upto, below)
    low = values[i]
    if share == 0.0 or upto[i] > below + 1.0:
        return low
    high = values[i + 1]
    if share < 0.5:
        return low + (high - low) * share
    return high - (high - low) * (1.0 - share)


@kernel
def _averaged(values: Any, upto: Any, level: Any) -> Any:
    """Average the values over one pixel's weight from (total - 1) * level on."""
    n = len(values)
    total = upto[n - 1]
    width = min(total, 1.0)
    first = (total - width) * level
    last = min(first + width, total)
    i = _first_above(upto, first)
    mean = 0.0
    low = values[i]
    at = first
    while i < n - 1 and upto[i] < last:
        mean += values[i] * ((upto[i] - at) / width)
        at = upto[i]
        i += 1
    mean += values[i] * (max(last - at, 0.0) / width)
    return min(max(mean, low), values[i])
