"""Moments of the pixels under runs in one pass: exact for integers, stable for floats.

Runs are copied piece by piece into a block that stays in the first-level cache, so that the loops
that count are long and free of branches whatever the runs look like. A block is freed of padding
only when its lowest and highest value say that there may be some.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["float_moments", "integer_moments", "partial_moments"]

_BLOCK = 4096  # pixels: 8 KiB of 16-bit numbers
_FLOATS = 2048  # pixels: 16 KiB of float64
_STEP = 32  # pixels copied at a time; the last step of a run may copy what lies beside it
_LANES = 64  # partial sums of floats that run side by side; part of the order of adding
_HALF = (1 << 32) - 1


@kernel
def integer_moments(
    flat: Any, columns: Any, row: Any, start: Any, stop: Any, weight: Any, low: Any, high: Any
) -> Any:
    """Sum the integers under runs of weight 1, exactly; |x| < 2**32 for every pixel.

    `flat` holds the pixels row by row, `columns` per row. Values from `low` to `high` are padding.
    Returns (count, sum, upper and lower part of the sum of squares, lowest, highest, excluded,
    whether there are runs of other weights); the sum of squares is upper * 2**32 + lower.
    """
    block = np.empty(_BLOCK + _STEP, dtype=flat.dtype)
    sums = np.zeros(6, dtype=np.int64)  # count, sum, upper, lower, lowest, highest
    count = 0
    taken = 0
    partial = False
    for i in range(len(row)):
        if weight[i] != 1.0:
            partial = True
            continue
        first = row[i] * columns + start[i]
        last = row[i] * columns + stop[i]
        while first < last:
            piece = min(last - first, _BLOCK - taken)
            _copy(block, taken, flat, first, piece)
            taken += piece
            first += piece
            if taken == _BLOCK:
                count += taken
                _add_integers(block, taken, low, high, sums)
                taken = 0
    if taken:
        count += taken
        _add_integers(block, taken, low, high, sums)
    return sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], count - sums[0], partial


@kernel
def float_moments(
    flat: Any, columns: Any, row: Any, start: Any, stop: Any, weight: Any, low: Any, high: Any
) -> Any:
    """Sum the pixels under runs of weight 1 as float64, block by block about the block's mean.

    As `integer_moments`, but NaN and infinities are left out, too. Returns (count, sum, mean, sum
    of squared deviations from the mean, lowest, highest, excluded, whether there are runs of other
    weights). Source: Chan, Golub, LeVeque, Am. Stat. 37 (1983), 242, for joining blocks.
    """
    block = np.empty(_FLOATS + _STEP, dtype=np.float64)
    sums = np.zeros(7, dtype=np.float64)  # count, sum, mean, squares, lowest, highest, origin
    count = 0
    taken = 0
    partial = False
    for i in range(len(row)):
        if weight[i] != 1.0:
            partial = True
            continue
        first = row[i] * columns + start[i]
        last = row[i] * columns + stop[i]
        while first < last:
            piece = min(last - first, _FLOATS - taken)
            _copy(block, taken, flat, first, piece)
            taken += piece
            first += piece
            if taken == _FLOATS:
                count += taken
                _add_floats(block, taken, low, high, sums)
                taken = 0
    if taken:
        count += taken
        _add_floats(block, taken, low, high, sums)
    kept = np.int64(sums[0])
    mean = min(max(sums[6] + sums[2], sums[4]), sums[5])
    return kept, sums[1], mean, sums[3], sums[4], sums[5], count - kept, partial


@kernel
def partial_moments(
    flat: Any, columns: Any, row: Any, start: Any, stop: Any, weight: Any, low: Any, high: Any
) -> Any:
    """Sum the pixels under runs whose weight is not 1, each times its weight.

    Returns (count, weight, sum, mean, weighted sum of squared deviations, lowest, highest,
    excluded). The mean is found first, in a pass of its own, so that deviations do not cancel.
    """
    count = 0
    excluded = 0
    total = 0.0
    shifted = 0.0
    product = 0.0
    origin = 0.0
    lowest = np.inf
    highest = -np.inf
    for i in range(len(row)):
        w = weight[i]
        if w == 1.0:
            continue
        for k in range(row[i] * columns + start[i], row[i] * columns + stop[i]):
            x = np.float64(flat[k])
            if low <= x <= high or not np.isfinite(x):
                excluded += 1
                continue
            if count == 0:
                origin = x
            count += 1
            total += w
            shifted += w * (x - origin)
            product += w * x
            lowest = min(lowest, x)
            highest = max(highest, x)
    if count == 0:
        return 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, excluded
    mean = min(max(origin + shifted / total, lowest), highest)
    squares = 0.0
    for i in range(len(row)):
        w = weight[i]
        if w == 1.0:
            continue
        for k in range(row[i] * columns + start[i], row[i] * columns + stop[i]):
            x = np.float64(flat[k])
            if low <= x <= high or not np.isfinite(x):
                continue
            squares += w * (x - mean) * (x - mean)
    return count, total, product, mean, squares, lowest, highest, excluded


@kernel
def _copy(block: Any, at: Any, flat: Any, first: Any, piece: Any) -> None:
    """Copy pixels to block[at:at + piece]; what follows them there may be overwritten."""
    rounded = min((piece + _STEP - 1) // _STEP * _STEP, len(flat) - first)
    source = flat[first : first + rounded]
    target = block[at : at + rounded]
    for k in range(rounded):
        target[k] = source[k]


@kernel
def _add_integers(block: Any, taken: Any, low: Any, high: Any, sums: Any) -> None:
    lowest, highest = _range(block[:taken])
    if low <= highest and lowest <= high:
        taken = _compact(block, taken, low, high)
        if taken == 0:
            return
        lowest, highest = _range(block[:taken])
    if sums[0] == 0:
        sums[4] = lowest
        sums[5] = highest
    sums[4] = min(sums[4], lowest)
    sums[5] = max(sums[5], highest)
    sums[0] += taken
    values = block[:taken]
    most = max(highest, -lowest)
    if most < 2**15 and most * most < 2**24:  # 128 squares fit into 31 bits
        safe = (2**31 - 1) // max(most * most, 1)
        for first in range(0, taken, safe):
            _add_narrow(values[first : min(first + safe, taken)], sums)
    elif most < 2**25:  # 4096 squares fit into 63 bits
        total = np.int64(0)
        squares = np.int64(0)
        for k in range(taken):
            x = np.int64(values[k])
            total += x
            squares += x * x
        sums[1] += total
        sums[2] += squares >> 32
        sums[3] += squares & _HALF
    else:
        _add_wide(values, sums)


@kernel
def _range(values: Any) -> Any:
    lowest = values[0]
    highest = values[0]
    for k in range(len(values)):
        lowest = min(lowest, values[k])
        highest = max(highest, values[k])
    return np.int64(lowest), np.int64(highest)


@kernel
def _add_narrow(values: Any, sums: Any) -> None:
    """Sum in 32 bits; every step is narrowed again, for arithmetic widens to 64 bits."""
    total = np.int32(0)
    for k in range(len(values)):
        total = np.int32(total + np.int32(np.int16(values[k])))
    squares = np.int32(0)
    for k in range(len(values)):
        x = np.int32(np.int16(values[k]))
        squares = np.int32(squares + np.int32(x * x))
    sums[1] += total
    sums[2] += np.int64(squares) >> 32
    sums[3] += np.int64(squares) & _HALF


@kernel
def _add_wide(values: Any, sums: Any) -> None:
    """Sum squares of up to 64 bits in two parts."""
    for k in range(len(values)):
        x = np.int64(values[k])
        sums[1] += x
        square = np.uint64(abs(x)) * np.uint64(abs(x))
        sums[2] += np.int64(square >> np.uint64(32))
        sums[3] += np.int64(square & np.uint64(_HALF))


@kernel
def _add_floats(block: Any, taken: Any, low: Any, high: Any, sums: Any) -> None:
    """Add a block; its mean counts from that of the first, so that large offsets cancel."""
    lowest, highest = _float_range(block[:taken])
    if not (lowest > -np.inf and highest < np.inf) or (low <= highest and lowest <= high):
        taken = _compact(block, taken, low, high)
        if taken == 0:
            return
        lowest, highest = _float_range(block[:taken])
    lanes = np.zeros(2 * _LANES)
    full = taken // _LANES * _LANES
    for first in range(0, full, _LANES):
        values = block[first : first + _LANES]
        for j in range(_LANES):
            lanes[j] += values[j]
    for k in range(full, taken):
        lanes[k - full] += block[k]
    total = 0.0
    for j in range(_LANES):
        total += lanes[j]
        lanes[j] = 0.0
    mean = min(max(total / taken, lowest), highest)
    if sums[0] == 0.0:
        sums[6] = mean
    origin = sums[6]
    mean -= origin
    squared = lanes[_LANES:]
    for first in range(0, full, _LANES):
        values = block[first : first + _LANES]
        for j in range(_LANES):
            d = values[j] - origin - mean
            lanes[j] += d
            squared[j] += d * d
    for k in range(full, taken):
        d = block[k] - origin - mean
        lanes[k - full] += d
        squared[k - full] += d * d
    rest = 0.0
    squares = 0.0
    for j in range(_LANES):
        rest += lanes[j]
        squares += squared[j]
    squares = max(squares - rest * rest / taken, 0.0)
    mean += rest / taken
    if sums[0] == 0.0:
        sums[2] = mean
        sums[4] = lowest
        sums[5] = highest
    step = mean - sums[2]
    share = taken / (sums[0] + taken)
    sums[3] += squares + step * step * sums[0] * share
    sums[2] += step * share
    sums[0] += taken
    sums[1] += total
    sums[4] = min(sums[4], lowest)
    sums[5] = max(sums[5], highest)


@kernel
def _compact(block: Any, taken: Any, low: Any, high: Any) -> Any:
    """Drop what is padding or not finite from block[:taken]; returns how much is left."""
    kept = 0
    for k in range(taken):
        x = block[k]
        if np.isfinite(x) and not (x >= low and x <= high):
            block[kept] = x
            kept += 1
    return kept


@kernel
def _float_range(values: Any) -> Any:
    """Lowest and highest float64, found as integers that sort alike; NaN beyond the infinities."""
    bits = values.view(np.int64)
    lowest = np.int64(2**63 - 1)
    highest = np.int64(-(2**63))
    for k in range(len(bits)):
        key = bits[k] ^ ((bits[k] >> 63) & np.int64(2**63 - 1))
        lowest = min(lowest, key)
        highest = max(highest, key)
    ends = np.empty(2, dtype=np.int64)
    ends[0] = lowest ^ ((lowest >> 63) & np.int64(2**63 - 1))
    ends[1] = highest ^ ((highest >> 63) & np.int64(2**63 - 1))
    ordered = ends.view(np.float64)
    return ordered[0], ordered[1]
