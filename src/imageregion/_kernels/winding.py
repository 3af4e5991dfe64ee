"""How often rings wind around points."""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["winding_numbers"]

_MOST_BANDS = 1 << 20


@kernel
def _band(y: float, low: float, scale: float, bands: int) -> int:
    return int(min(max((y - low) * scale, 0.0), bands - 1.0))


@kernel
def winding_numbers(points: Any, xy: Any, rings: Any) -> Any:
    """Count for each point (P, 2) how often closed rings wind around it; int64, shape (P,).

    Vertices are (N, 2), within 1e15; ring r is xy[rings[r]:rings[r + 1]]. Edges are sorted into
    horizontal bands, as many as keep most edges in a few, so that a point meets only edges near its
    height.
    """
    count = len(xy)
    other = np.empty(count, dtype=np.int64)
    for ring in range(len(rings) - 1):
        for i in range(rings[ring], rings[ring + 1]):
            other[i] = i - 1 if i > rings[ring] else rings[ring + 1] - 1
    found = np.zeros(len(points), dtype=np.int64)
    if count == 0:
        return found
    low, high, climb = xy[0, 1], xy[0, 1], 0.0
    for i in range(count):
        low, high = min(low, xy[i, 1]), max(high, xy[i, 1])
        climb += abs(xy[i, 1] - xy[other[i], 1])
    if not high > low:
        return found
    bands = int(min(max(3.0 * count * (high - low) / climb, 1.0), _MOST_BANDS))
    scale = bands / max(high - low, 1e-300)
    place = np.zeros(bands + 1, dtype=np.int64)
    for i in range(count):
        a = _band(xy[i, 1], low, scale, bands)
        b = _band(xy[other[i], 1], low, scale, bands)
        for k in range(min(a, b), max(a, b) + 1):
            place[k + 1] += 1
    place = np.cumsum(place)
    edge = np.empty(place[bands], dtype=np.int64)
    used = place[:bands].copy()
    for i in range(count):
        a = _band(xy[i, 1], low, scale, bands)
        b = _band(xy[other[i], 1], low, scale, bands)
        for k in range(min(a, b), max(a, b) + 1):
            edge[used[k]] = i
            used[k] += 1
    for p in range(len(points)):
        x, y = points[p, 0], points[p, 1]
        k = _band(y, low, scale, bands)
        total = 0
        for i in edge[place[k] : place[k + 1]]:
            xa, ya = xy[other[i], 0], xy[other[i], 1]
            xb, yb = xy[i, 0], xy[i, 1]
            if (ya <= y) == (yb <= y):
                continue
            left = (xb - xa) * (y - ya) - (x - xa) * (yb - ya)
            if yb > ya and left > 0.0:
                total += 1
            elif yb < ya and left < 0.0:
                total -= 1
        found[p] = total
    return found
