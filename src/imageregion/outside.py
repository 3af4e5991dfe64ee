"""Outside: how much of a shape lies off the image."""

from __future__ import annotations

import numpy as np

from imageregion.metrics import shape_metrics
from imageregion.raster import rasterize
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape

__all__ = ["inside_and_whole", "outside_fraction"]


def outside_fraction(shape: Shape, image_shape: tuple[int, int]) -> float | None:
    """Return the fraction of a shape in pixels that lies outside an image.

    Parameters
    ----------
    shape : Shape
        In pixels, (column, row).
    image_shape : tuple of int
        (rows, columns).

    Returns
    -------
    float or None
        Between 0 and 1: of the area of polygons and ellipses, by their fill rule, of the length of
        lines, of the number of points. None for a shape without extent, or whose area is not known
        (see `shape_metrics`).

    Raises
    ------
    GeometryError
        As `rasterize`.

    Examples
    --------
    >>> outside_fraction(Polygon([[-2, 0], [6, 0], [6, 4], [-2, 4]]), (10, 10))
    0.25
    """
    inside, whole = inside_and_whole(shape, image_shape)
    if not whole:
        return None
    return min(max(1.0 - inside / whole, 0.0), 1.0)


def inside_and_whole(shape: Shape, image_shape: tuple[int, int]) -> tuple[float, float]:
    """Return the extent of a shape inside the image, and all of it; 0 where it is not known."""
    match shape:
        case Points():
            column, row = shape.coords.T
            rows, columns = image_shape
            inside = (column >= 0) & (row >= 0) & (column < columns) & (row < rows)
            return float(np.count_nonzero(inside)), float(len(shape.coords))
        case Ellipsoid():
            return 0.0, 0.0
        case Polygon() | Ellipse():
            whole = shape_metrics(shape).area
        case Polyline():
            whole = shape_metrics(shape).length
    if not whole:
        return 0.0, 0.0
    return rasterize(shape, image_shape, "exact").area, whole
