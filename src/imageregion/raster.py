"""Rasterize: from a shape in pixels to the pixels that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import numpy as np

from imageregion._arrays import IntArray
from imageregion.errors import GeometryError
from imageregion.shapes import Ellipse, Points, Polygon, Polyline, Shape
from imageregion.spans import Spans

__all__ = ["Rule", "rasterize"]

Rule = Literal["center"]
"""Which pixels belong to a shape."""

Runs: TypeAlias = tuple[IntArray, IntArray, IntArray]
"""Row, start and stop of runs; sorted and disjoint within a band of rows."""

_FARTHEST = 1e15  # pixels; beyond it a double no longer tells one pixel from the next
_BAND = 1 << 22  # edge crossings worked on at once, so that memory stays bounded
_MOST = 1 << 31  # edge crossings of one shape that are still an outline rather than an attack


def rasterize(shape: Shape, image_shape: tuple[int, int], rule: Rule = "center") -> Spans:
    """Return the pixels of an image that belong to a shape.

    Parameters
    ----------
    shape : Shape
        In pixels, (column, row), origin at the outer corner of the first pixel. It may lie partly
        or wholly outside the image.
    image_shape : tuple of int
        (rows, columns).
    rule : {"center"}
        Areas: a pixel belongs when its centre lies inside; a centre exactly on an edge belongs by
        the half-open rule (left and top in), so regions that share an edge never share or lose a
        pixel. Points: the pixel that contains them. Lines: the pixels that contain one of their
        points. A pixel owns its left and top edge.

    Returns
    -------
    Spans
        Every weight 1.

    Raises
    ------
    GeometryError
        For 3-D shapes, coordinates beyond 1e15 pixels, an unknown rule, or an outline with more
        than 2**31 edge crossings.

    Examples
    --------
    >>> rasterize(Ellipse.circle((2.0, 2.0), 1.6), (4, 4)).to_mask().astype(int).tolist()
    [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]
    """
    if rule not in get_args(Rule):
        raise GeometryError(f"rule: expected one of {list(get_args(Rule))}, got {rule!r}")
    if shape.dimension != 2:
        raise GeometryError(
            f"{type(shape).__name__}: expected 2-D pixel coordinates, got {shape.dimension}-D; "
            "place it on an image plane first"
        )
    low, high = shape.bounds
    if max(abs(low).max(), abs(high).max()) > _FARTHEST:
        raise GeometryError(f"{type(shape).__name__}: expected coordinates within 1e15 pixels")
    if isinstance(shape, Polygon):
        return _polygon(shape, image_shape)
    if isinstance(shape, Ellipse):
        return _ellipse(shape, image_shape)
    if isinstance(shape, Polyline):
        return _polyline(shape, image_shape)
    assert isinstance(shape, Points)  # noqa: S101  (an Ellipsoid is never 2-D)
    return _points(shape, image_shape)


def _polygon(shape: Polygon, image_shape: tuple[int, int]) -> Spans:
    from imageregion._kernels.fill import count_crossings, fill_polygon

    rows, columns = image_shape
    xy = np.concatenate(shape.rings)
    offsets = np.cumsum([0, *map(len, shape.rings)])
    counts = count_crossings(xy, offsets, rows)

    def fill(first: int, last: int) -> Runs:
        return fill_polygon(xy, offsets, counts[first:last], first, columns)  # type: ignore[no-any-return]

    return _banded(counts, fill, image_shape)


def _ellipse(shape: Ellipse, image_shape: tuple[int, int]) -> Spans:
    from imageregion._kernels.fill import fill_ellipse

    row, start, stop = fill_ellipse(shape.center, shape.axes, *image_shape)
    return Spans(row, start, stop, np.ones(len(row)), image_shape)


def _polyline(shape: Polyline, image_shape: tuple[int, int]) -> Spans:
    from imageregion._kernels.trace import count_visits, trace_lines

    rows, columns = image_shape
    xy = shape.coords
    counts = count_visits(xy, rows)

    def trace(first: int, last: int) -> Runs:
        row, start, stop = trace_lines(xy, counts[first:last], first, columns)
        joined = Spans.from_runs(row, start, stop, image_shape)
        return joined.row, joined.start, joined.stop

    return _banded(counts, trace, image_shape)


def _points(shape: Points, image_shape: tuple[int, int]) -> Spans:
    rows, columns = image_shape
    pixel = np.floor(shape.coords)
    inside = ((pixel >= 0) & (pixel < (columns, rows))).all(axis=1)
    column, row = pixel[inside].astype(np.int64).T
    return Spans.from_runs(row, column, column + 1, image_shape)


def _banded(
    counts: IntArray, work: Callable[[int, int], Runs], image_shape: tuple[int, int]
) -> Spans:
    """Run `work` over bands of rows with few enough crossings each, and join what it finds."""
    total = np.concatenate([[0], np.cumsum(counts)])
    if total[-1] > _MOST:
        raise GeometryError(
            f"outline: expected at most {_MOST} crossings of edges and pixel rows, got {total[-1]}"
        )
    bands = []
    first, rows = 0, len(counts)
    while first < rows:
        last = int(np.searchsorted(total, total[first] + _BAND, side="right")) - 1
        last = min(max(last, first + 1), rows)
        bands.append(work(first, last))
        first = last
    row, start, stop = bands[0] if len(bands) == 1 else np.concatenate(bands, axis=1)
    return Spans(row, start, stop, np.ones(len(row)), image_shape)
