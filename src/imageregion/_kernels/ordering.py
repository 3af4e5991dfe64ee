"""Distributions of numbers of any kind: sorted, equal ones joined.

The weight of a value is its number of whole pixels plus the weights of its partial pixels, added in
the order of the runs. Every way to find a distribution keeps to that, so all give the same bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["sort_distinct"]

_CHUNK = 32  # values ranked against each other before merging starts


@kernel
def sort_distinct(
    flat: Any, columns: Any, row: Any, start: Any, stop: Any, weight: Any, offsets: Any
) -> Any:
    """Sort the pixels of each region; region i owns runs offsets[i]:offsets[i + 1].

    Returns distinct values, pixels of each, weight of each, where each region begins among them
    (regions + 1), and how many pixels of each region were left out for being not finite.
    """
    regions = len(offsets) - 1
    most = 0
    total = 0
    for i in range(regions):
        pixels = 0
        for r in range(offsets[i], offsets[i + 1]):
            pixels += stop[r] - start[r]
        most = max(most, pixels)
        total += pixels
    stored = np.empty(total, dtype=flat.dtype)
    counts = np.empty(total, dtype=np.int64)
    weights = np.empty(total, dtype=np.float64)
    begins = np.zeros(regions + 1, dtype=np.int64)
    excluded = np.zeros(regions, dtype=np.int64)
    keys = np.empty(most + 1, dtype=flat.dtype)
    spare = np.empty(most + 1, dtype=flat.dtype)
    shares = np.empty(most, dtype=np.float64)
    at = 0
    for i in range(regions):
        n = 0
        pixels = 0
        partial = False
        for r in range(offsets[i], offsets[i + 1]):
            first = row[r] * columns + start[r]
            last = row[r] * columns + stop[r]
            for k in range(first, last):
                keys[n] = flat[k] + 0  # minus zero becomes zero
                n += np.isfinite(flat[k])
            pixels += last - first
            partial |= weight[r] != 1.0
        excluded[i] = pixels - n
        _sort(keys, spare, n)
        begin = at
        for k in range(n):
            if k == 0 or keys[k] != keys[k - 1]:
                stored[at] = keys[k]
                counts[at] = 0
                at += 1
            counts[at - 1] += 1
        for k in range(begin, at):
            weights[k] = counts[k]
        if partial:
            shares[: at - begin] = 0.0
            for r in range(offsets[i], offsets[i + 1]):
                if weight[r] == 1.0:
                    continue
                for k in range(row[r] * columns + start[r], row[r] * columns + stop[r]):
                    if np.isfinite(flat[k]):
                        place = _place(stored, begin, at, flat[k])
                        shares[place - begin] += weight[r]
                        weights[place] -= 1.0
            for k in range(begin, at):
                weights[k] += shares[k - begin]
        begins[i + 1] = at
    return stored[:at], counts[:at], weights[:at], begins, excluded


@kernel
def _place(stored: Any, first: Any, last: Any, x: Any) -> Any:
    """Index of x in stored[first:last], where it is; without branches that depend on data."""
    size = last - first
    while size > 1:
        half = size >> 1
        first += half * (stored[first + half] <= x)
        size -= half
    return first


@kernel
def _sort(keys: Any, spare: Any, n: Any) -> None:
    """Sort keys[:n]: chunks by rank, which needs no branches, then merged; `spare` is as long."""
    seen = np.empty(_CHUNK, dtype=np.int64)
    for first in range(0, n, _CHUNK):
        size = min(_CHUNK, n - first)
        chunk = keys[first : first + size]
        seen[:] = 0
        for i in range(size):
            x = chunk[i]
            rank = np.int32(0)
            for j in range(size):
                rank = np.int32(rank + np.int32(chunk[j] < x))
            spare[first + rank + seen[rank]] = x
            seen[rank] += 1
    source = spare
    target = keys
    width = _CHUNK
    while width < n:
        for first in range(0, n, 2 * width):
            middle = min(first + width, n)
            _merge(source, target, first, middle, min(middle + width, n))
        source, target = target, source
        width *= 2
    passes = 0
    width = _CHUNK
    while width < n:
        passes += 1
        width *= 2
    if passes % 2 == 0:
        for k in range(n):
            keys[k] = spare[k]


@kernel
def _merge(source: Any, target: Any, first: Any, middle: Any, last: Any) -> None:
    i = first
    j = middle
    k = first
    while i < middle and j < last:
        left = source[i]
        right = source[j]
        later = right < left
        target[k] = right if later else left
        j += later
        i += not later
        k += 1
    while i < middle:
        target[k] = source[i]
        i += 1
        k += 1
    while j < last:
        target[k] = source[j]
        j += 1
        k += 1
