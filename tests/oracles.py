"""Slow and obvious: by exactly how much a pixel is covered, in rational numbers and by shapely."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Edge = tuple[Fraction, Fraction, Fraction, Fraction, int]


def edges_of(rings: Sequence[Floats]) -> list[Edge]:
    """Edges (x0, y0, x1, y1, direction) with y0 < y1; level edges bound no area."""
    edges = []
    for ring in rings:
        points = [(Fraction(float(x)), Fraction(float(y))) for x, y in ring]
        for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
            if ay < by:
                edges.append((ax, ay, bx, by, 1))
            elif by < ay:
                edges.append((bx, by, ax, ay, -1))
    return edges


def at(edge: Edge, y: Fraction) -> Fraction:
    x0, y0, x1, y1, _ = edge
    return x0 + (y - y0) * (x1 - x0) / (y1 - y0)


def crossing(a: Edge, b: Edge) -> Fraction | None:
    """Height at which two edges cross properly or touch; None where they never do or coincide."""
    low, high = max(a[1], b[1]), min(a[3], b[3])
    if low >= high:
        return None
    before, after = at(a, low) - at(b, low), at(a, high) - at(b, high)
    if before * after >= 0:
        return None
    return low + (high - low) * before / (before - after)


def exact_coverage(
    rings: Sequence[Floats], rows: int, columns: int, fill_rule: str = "evenodd"
) -> Floats:
    """Share of every pixel that is filled, in rational arithmetic from beginning to end.

    The image is cut at the heights of all vertices, crossings, rows, and places where an edge
    passes from one column to the next. Between two such heights nothing happens but straight lines
    side by side within columns, so that widths half way are mean widths.
    """
    edges = edges_of(rings)
    heights = {Fraction(row) for row in range(rows + 1)}
    for i, edge in enumerate(edges):
        heights |= {edge[1], edge[3]}
        heights |= {h for other in edges[:i] if (h := crossing(edge, other)) is not None}
        if edge[0] != edge[2]:
            slope = (edge[3] - edge[1]) / (edge[2] - edge[0])
            places = (edge[1] + (column - edge[0]) * slope for column in range(columns + 1))
            heights |= {h for h in places if edge[1] < h < edge[3]}
    covered = [[Fraction(0)] * columns for _ in range(rows)]
    for low, high in pairwise(sorted(h for h in heights if 0 <= h <= rows)):
        middle = (low + high) / 2
        met = sorted((at(e, middle), e[4]) for e in edges if e[1] < middle < e[3])
        winding = 0
        for (left, direction), (right, _) in pairwise(met):
            winding += direction
            if winding % 2 if fill_rule == "evenodd" else winding:
                a, b = max(left, Fraction(0)), min(right, Fraction(columns))
                for column in range(int(a), columns):
                    inside = min(b, Fraction(column + 1)) - max(a, Fraction(column))
                    if inside <= 0:
                        break
                    covered[int(middle)][column] += inside * (high - low)
    return np.array([[float(share) for share in line] for line in covered]).reshape(rows, columns)


def faces(rings: Sequence[Floats], fill_rule: str) -> shapely.Geometry:
    """Filled part of the plane: faces of the arrangement whose winding number says so."""
    lines = [shapely.LineString([*ring, ring[0]]) for ring in rings]
    cells = shapely.polygonize([shapely.union_all(lines)])
    filled = []
    for cell in shapely.get_parts(cells):
        x, y = shapely.point_on_surface(cell).coords[0]
        winding = sum(turns_around(x, y, ring) for ring in rings)
        if winding % 2 if fill_rule == "evenodd" else winding:
            filled.append(cell)
    return shapely.union_all(filled)


def turns_around(x: float, y: float, ring: Floats) -> int:
    a, b = ring, np.roll(ring, -1, axis=0)
    down = (a[:, 1] <= y) & (y < b[:, 1])
    up = (b[:, 1] <= y) & (y < a[:, 1])
    side = (b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])
    return int((down & (side > 0)).sum()) - int((up & (side < 0)).sum())


def clipped_coverage(
    rings: Sequence[Floats], rows: int, columns: int, fill_rule: str = "evenodd"
) -> Floats:
    """Share of every pixel that is filled, by shapely, one pixel at a time."""
    shape = faces(rings, fill_rule)
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    pixels = shapely.box(x, y, x + 1, y + 1)
    return np.asarray(shapely.area(shapely.intersection(pixels, shape)), dtype=np.float64)
