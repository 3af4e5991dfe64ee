"""From pixels to canvas px: whole blocks when enlarging, exact area means when reducing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray
from imageregion._pixel import CENTER

__all__ = ["block_coverage", "resample"]


def resample(values: NDArray[Any], size: tuple[int, int]) -> FloatArray:
    """Show an array of shape (rows, columns) on a canvas of `size` (height, width).

    An enlarged pixel becomes the canvas px whose centres it contains; a reduced canvas px becomes
    the mean of the area it covers.

    Examples
    --------
    >>> resample(np.array([[0, 4, 8, 12]]), (2, 2)).tolist()
    [[2.0, 10.0], [2.0, 10.0]]
    """
    rows, columns = values.shape
    tall = _along(np.asarray(values, dtype=np.float64), rows, (0, size[0]), size[0] / rows)
    return np.ascontiguousarray(_along(tall.T, columns, (0, size[1]), size[1] / columns).T)


def block_coverage(
    weight: FloatArray, corner: tuple[int, int], scale: tuple[float, float], size: tuple[int, int]
) -> tuple[FloatArray, int, int]:
    """Show the weights of some pixels of an image on its canvas.

    Parameters
    ----------
    weight : ndarray, shape (rows, columns)
        Of the pixels from `corner` (row, column) on; all other pixels have weight 0.
    corner : tuple of int
    scale : tuple of float
        Canvas px per row and per column.
    size : tuple of int
        (height, width) of the image on the canvas.

    Returns
    -------
    tuple
        Coverage of the touched part of the canvas, shape (height, width), and the row and column
        of its first px.
    """
    spans = []
    for first, count, step, most in zip(corner, weight.shape, scale, size, strict=True):
        begin = min(max(int(np.floor(first * step + 1e-9)), 0), most)
        end = min(max(int(np.ceil((first + count) * step - 1e-9)), begin), most)
        spans.append((begin, end))
    tall = _along(weight, weight.shape[0], spans[0], scale[0], corner[0])
    wide = _along(tall.T, weight.shape[1], spans[1], scale[1], corner[1]).T
    return np.ascontiguousarray(wide), spans[0][0], spans[1][0]


def _along(
    values: FloatArray, count: int, span: tuple[int, int], step: float, first: int = 0
) -> FloatArray:
    """Resample the leading axis for canvas px span[0] <= k < span[1]; `first` is its first pixel.

    Beyond the array values are 0.
    """
    if step >= 1:
        index = np.floor((np.arange(*span) + CENTER) / step).astype(np.int64) - first
        known = (index >= 0) & (index < count)
        result: FloatArray = values[np.clip(index, 0, count - 1)]
        if not known.all():
            result[~known] = 0.0
        return result
    edge = np.clip(np.arange(span[0], span[1] + 1) / step - first, 0.0, count)
    whole = np.minimum(np.floor(edge).astype(np.int64), count - 1)
    total = np.add.reduceat(values, whole, axis=0)[:-1]
    total[whole[1:] == whole[:-1]] = 0.0
    total += np.diff((edge - whole)[:, np.newaxis] * values[whole], axis=0)
    total *= step
    return np.asarray(total)
