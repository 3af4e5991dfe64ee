"""Outlines: from the pixels of a region back to its shape."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray
from imageregion._pixel import CENTER
from imageregion.errors import GeometryError
from imageregion.shapes import Polygon
from imageregion.spans import Spans

__all__ = ["Connectivity", "contour", "outline"]

Connectivity = Literal[4, 8]
"""Which pixels are neighbours: those that share an edge (4), or also those that share only a
corner (8)."""


def outline(region: Spans | ArrayLike, connectivity: Connectivity = 4) -> Polygon | None:
    """Trace a region along the edges of its pixels, without loss.

    Parameters
    ----------
    region : Spans or array_like of bool, shape (rows, columns)
        Whole pixels.
    connectivity : {4, 8}
        Whether rings run around pixels that share only a corner one by one (4), or from one to the
        other (8). There is one ring with the region inside for each part of the region that hangs
        together this way, and one for each hole. The area is the same either way.

    Returns
    -------
    Polygon or None
        Vertices are corners of pixels, in pixels as (column, row), no three in a row on one line.
        Rings with the region inside have a positive area by the shoelace formula, holes a negative
        one, so that both fill rules fill the same. Rasterized on the same image by any rule it
        gives the region again. None for a region without pixels.

    Raises
    ------
    GeometryError
        On partial weights, volumes, arrays that are not boolean, or another connectivity.

    Notes
    -----
    Linear in the number of runs. Rings touch themselves or each other where pixels share only a
    corner; `imageregion.to_shapely` makes valid geometry of that.

    Examples
    --------
    >>> outline([[False, True, True], [True, True, True]]).rings[0].astype(int).tolist()
    [[1, 0], [3, 0], [3, 2], [0, 2], [0, 1], [1, 1]]
    """
    from imageregion._kernels.edges import horizontal_edges, link_rings

    if connectivity not in (4, 8):
        raise GeometryError(f"connectivity: expected 4 or 8, got {connectivity!r}")
    spans = _flat(region if isinstance(region, Spans) else Spans.from_mask(region), "outline")
    if not spans.is_whole:
        raise GeometryError(
            "outline: expected whole pixels, got partial weights; use imageregion.contour"
        )
    if not spans.count:
        return None
    edges = horizontal_edges(spans.row, spans.start, spans.stop)
    xy, offsets = link_rings(*edges, spans.shape[1], connectivity == 8)
    return Polygon(np.split(xy, offsets[1:-1]))


def contour(
    region: Spans | ArrayLike, level: float = 0.5, connectivity: Connectivity = 4
) -> Polygon | None:
    """Trace a smooth line where the weight of a region passes a level between pixel centres.

    Parameters
    ----------
    region : Spans or array_like, shape (rows, columns)
        Spans, a mask, or the weight of every pixel. Outside the image the weight is 0, so that
        every ring closes.
    level : float
        Above 0.
    connectivity : {4, 8}
        Whether pixels above the level that share only a corner stay apart (4) or are joined (8).

    Returns
    -------
    Polygon or None
        In pixels as (column, row); the centre of the first pixel is (0.5, 0.5). None where no
        pixel lies above the level.

    Raises
    ------
    GeometryError
        On volumes, weights or a level that are no finite numbers, or a level of 0 and below.

    Notes
    -----
    Marching squares with linear interpolation (Lorensen and Cline 1987, doi:10.1145/37401.37422),
    by `skimage.measure.find_contours`. The outline of a mask cuts its corners: the area of a single
    pixel is 0.5. From exact coverage the line lies closer to the shape it came from.

    Examples
    --------
    >>> sorted(contour([[False, True, False]]).rings[0].tolist())
    [[1.0, 0.5], [1.5, 0.0], [1.5, 1.0], [2.0, 0.5]]
    """
    if connectivity not in (4, 8):
        raise GeometryError(f"connectivity: expected 4 or 8, got {connectivity!r}")
    if not (np.ndim(level) == 0 and np.isfinite(level) and level > 0):
        raise GeometryError(f"level: expected a finite number above 0, got {level!r}")
    found = _weights(region)
    if found is None:
        return None
    weights, corner = found
    measure: Any = import_module("skimage.measure")
    lines = measure.find_contours(
        np.pad(weights, 1), level, fully_connected="high" if connectivity == 8 else "low"
    )
    # A padded index is one more than the pixel, and a pixel's centre is half a pixel further on.
    rings = [_ring(line[:, ::-1] + (corner - CENTER)) for line in lines]
    rings = [ring for ring in rings if len(ring) >= 3]
    return Polygon(rings) if rings else None


def _weights(region: Spans | ArrayLike) -> tuple[FloatArray, FloatArray] | None:
    """Return the weights in the smallest window that holds the region, and its (column, row)."""
    if isinstance(region, Spans):
        rows_columns = _flat(region, "contour").box
        if rows_columns is None:
            return None
        image = region.crop(*rows_columns).to_coverage()
    else:
        array = np.asarray(region)
        if array.ndim != 2 or array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise GeometryError(
                f"contour: expected finite numbers of shape (rows, columns), got dtype "
                f"{array.dtype} of shape {array.shape}"
            )
        used = [np.flatnonzero(array.any(axis=axis)) for axis in (1, 0)]
        if not len(used[0]):
            return None
        rows_columns = tuple(slice(int(at[0]), int(at[-1]) + 1) for at in used)
        image = array[rows_columns].astype(np.float64)
    return image, np.array([rows_columns[1].start, rows_columns[0].start], dtype=np.float64)


def _ring(line: FloatArray) -> FloatArray:
    """Drop vertices that repeat the one before; the first is the one after the last."""
    changes: NDArray[np.bool_] = (line != np.roll(line, 1, axis=0)).any(axis=1)
    return line[changes]


def _flat(spans: Spans, what: str) -> Spans:
    if len(spans.shape) != 2:
        raise GeometryError(
            f"{what}: expected an image of shape (rows, columns), got {spans.shape}; take one "
            "plane at a time"
        )
    return spans
