"""Labels: where to put text so that it hides no region and no other text.

The canvas is seen as a grid of cells of 4 px. Every position of a label is weighed at once, by
sums over the cells it would hide and by its distance from the region it names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray

__all__ = ["CELL", "Board", "Placement"]

CELL = 4  # canvas px

_TINT, _LINE, _TAKEN = 1.0, 4.0, 1e6  # what a cell costs when a label hides it
_WEIGHT = 1000.0  # px of distance that hiding one tinted cell is worth
_AWAY = 16.0  # px of distance that leaving the image is worth
_LEADER = 12.0  # px from which on a line ties the label to its region


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a label goes.

    Parameters
    ----------
    top, left : int
        First px of the label on the canvas.
    hidden : float
        0 when it hides nothing; 1 for each cell of fill, 4 for each cell of outline.
    distance : float
        Canvas px from the region it names.
    anchor : tuple of float, optional
        Where on the region a leader line (x, y) ends; None when the label is close.
    """

    top: int
    left: int
    hidden: float
    distance: float
    anchor: tuple[float, float] | None


class Board:
    """What is already on a canvas.

    Parameters
    ----------
    shape : tuple of int
        (height, width) of the canvas, px.
    image : tuple of int
        (top, left, bottom, right) of the image on it; labels rather stay inside.

    Examples
    --------
    >>> board = Board((100, 200), (0, 0, 100, 200))
    >>> near = board.add_line(np.array([50]), np.array([100]))
    >>> board.find((16, 40), near).hidden
    0.0
    """

    def __init__(self, shape: tuple[int, int], image: tuple[int, int, int, int]) -> None:
        self.shape = (shape[0] // CELL, shape[1] // CELL)
        self.cost = np.zeros(self.shape)
        self.image = image

    def add_line(self, y: NDArray[Any], x: NDArray[Any]) -> NDArray[np.bool_]:
        """Note px that belong to an outline; returns the cells they lie in."""
        return self._add(y, x, _LINE)

    def add_tint(self, y: NDArray[Any], x: NDArray[Any]) -> NDArray[np.bool_]:
        """Note px that belong to a fill; returns the cells they lie in."""
        return self._add(y, x, _TINT)

    def add_box(self, top: int, left: int, height: int, width: int) -> None:
        """Note a box that no label may hide."""
        rows = slice(max(top, 0) // CELL, -(-(top + height) // CELL))
        self.cost[rows, max(left, 0) // CELL : -(-(left + width) // CELL)] = _TAKEN

    def _add(self, y: NDArray[Any], x: NDArray[Any], cost: float) -> NDArray[np.bool_]:
        cells = np.zeros(self.shape, dtype=np.bool_)
        row, column = np.asarray(y) // CELL, np.asarray(x) // CELL
        known = (row < self.shape[0]) & (column < self.shape[1])
        cells[row[known], column[known]] = True
        self.cost[cells] = np.maximum(self.cost[cells], cost)
        return cells

    def find(self, size: tuple[int, int], near: NDArray[np.bool_]) -> Placement | None:
        """Find the best place for a label of (height, width) px that names the cells `near`.

        Returns None when it would have to hide another label or leave the canvas.
        """
        cells = (-(-size[0] // CELL), -(-size[1] // CELL))
        if cells[0] > self.shape[0] or cells[1] > self.shape[1] or not near.any():
            return None
        hidden = _box_sums(self.cost, cells)
        distance = _distances(near, cells)
        top, left = (CELL * np.arange(n) for n in hidden.shape)
        away = ((top < self.image[0]) | (top + size[0] > self.image[2]))[:, None] | (
            (left < self.image[1]) | (left + size[1] > self.image[3])
        )
        total = hidden * _WEIGHT + distance + away * _AWAY + self._taste(near, cells)
        row, column = np.unravel_index(int(np.argmin(total)), total.shape)
        if hidden[row, column] >= _TAKEN:
            return None
        apart = float(distance[row, column])
        box = (int(row), int(column), *cells)
        anchor = _nearest(near, box) if apart > _LEADER else None
        return Placement(
            int(row) * CELL, int(column) * CELL, float(hidden[row, column]), apart, anchor
        )

    def _taste(self, near: NDArray[np.bool_], cells: tuple[int, int]) -> FloatArray:
        """Prefer, among equals, places centred above the region, then beside it."""
        row, column = np.nonzero(near)
        middle = (column.min() + column.max() + 1 - cells[1]) / 2
        shape = (self.shape[0] - cells[0] + 1, self.shape[1] - cells[1] + 1)
        aside = np.abs(np.arange(shape[1]) - middle)[None, :] * 0.02
        below = (np.arange(shape[0]) - row.min())[:, None] * 0.03
        return np.asarray(aside + np.maximum(below, -aside.max()))


def _box_sums(values: FloatArray, size: tuple[int, int]) -> FloatArray:
    """Sum of every box of `size` that fits; shape (rows - height + 1, columns - width + 1)."""
    total = np.pad(values, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    height, width = size
    sums = total[height:, width:] - total[:-height, width:] - total[height:, :-width]
    return np.asarray(sums + total[:-height, :-width])


def _distances(near: NDArray[np.bool_], size: tuple[int, int]) -> FloatArray:
    """Px between every box of `size` and the nearest cell of `near`, seen from nine of its cells.

    Measured between cell centres, less one cell: 0 for a box that touches the region.
    """
    from scipy.ndimage import distance_transform_edt

    apart = np.asarray(distance_transform_edt(~near), dtype=np.float64) * CELL
    rows, columns = near.shape[0] - size[0] + 1, near.shape[1] - size[1] + 1
    parts = [
        apart[y : y + rows, x : x + columns]
        for y in sorted({0, (size[0] - 1) // 2, size[0] - 1})
        for x in sorted({0, (size[1] - 1) // 2, size[1] - 1})
    ]
    return np.asarray(np.maximum(np.minimum.reduce(parts) - CELL, 0.0))


def _nearest(near: NDArray[np.bool_], box: tuple[int, int, int, int]) -> tuple[float, float]:
    """Canvas px (x, y) of the cell of `near` that is nearest to a box of cells."""
    row, column = np.nonzero(near)
    top, left, height, width = box
    dy = row - np.clip(row, top, top + height - 1)
    dx = column - np.clip(column, left, left + width - 1)
    lean = 0.01 * np.abs(column - left - width / 2)
    i = int(np.argmin(np.hypot(dx, dy) + lean))
    return (float(column[i]) + 0.5) * CELL, (float(row[i]) + 0.5) * CELL
