"""Overlaps: whether tiles of one size share pixels, without looking at every pair of them."""

from __future__ import annotations

import numpy as np

from imageregion._arrays import IntArray

__all__ = ["find_overlap", "raster_order"]


def raster_order(corners: IntArray) -> IntArray:
    """Return the order of tiles from top to bottom, each row from left to right."""
    return np.lexsort((corners[:, 1], corners[:, 0]))


def find_overlap(corners: IntArray, tile: tuple[int, int]) -> tuple[int, int] | None:
    """Return two tiles that share a pixel; None when there are none.

    Each tile is put into the cell of a grid that its first pixel lies in, cells as large as tiles:
    two tiles that overlap lie in the same cell or in cells that touch.

    Examples
    --------
    >>> find_overlap(np.array([[0, 0], [0, 4], [2, 3]]), (3, 4))
    (0, 2)
    """
    if len(corners) < 2:
        return None
    cells = corners // tile
    width = int(cells[:, 1].max()) + 3
    keys = (cells[:, 0] + 1) * width + cells[:, 1] + 1
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(same):
        return _pair(order[same[0]], order[same[0] + 1])
    for step in (1, width - 1, width, width + 1):  # right, and the three below
        place = np.minimum(np.searchsorted(ordered, ordered + step), len(ordered) - 1)
        met = ordered[place] == ordered + step
        distance = np.abs(corners[order[place]] - corners[order])
        found = np.flatnonzero(met & (distance < tile).all(axis=1))
        if len(found):
            return _pair(order[found[0]], order[place[found[0]]])
    return None


def _pair(first: int, second: int) -> tuple[int, int]:
    return min(int(first), int(second)), max(int(first), int(second))
