"""Outside: how much of a shape lies off the image."""

from __future__ import annotations

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.errors import GeometryError
from imageregion.metrics import shape_metrics
from imageregion.raster import rasterize, segment_lengths, weighed_line
from imageregion.shapes import Ellipse, Points, Polygon, Polyline, Shape

__all__ = ["inside_and_whole", "leaves_image", "outside_fraction"]


def outside_fraction(shape: Shape, image_shape: tuple[int, int]) -> float | None:
    """Return the fraction of a shape in pixels that lies outside an image.

    Parameters
    ----------
    shape : Shape
        2-D, in pixels, (column, row).
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
        For 3-D shapes, and as `rasterize`.

    Examples
    --------
    >>> outside_fraction(Polygon([[-2, 0], [6, 0], [6, 4], [-2, 4]]), (10, 10))
    0.25
    """
    inside, whole = inside_and_whole(shape, image_shape)
    return min(max(1.0 - inside / whole, 0.0), 1.0) if whole else None


def inside_and_whole(
    shape: Shape, image_shape: tuple[int, int], lengths: FloatArray | None = None
) -> tuple[float, float]:
    """Return the extent of a shape inside the image, and all of it; 0 where it is not known.

    `lengths` are those of the segments of a line, where they are not those in pixels.
    """
    match shape:
        case Points(dimension=2):
            column, row = shape.coords.T
            rows, columns = image_shape
            inside = (column >= 0) & (row >= 0) & (column < columns) & (row < rows)
            return float(np.count_nonzero(inside)), float(len(shape.coords))
        case Polyline(dimension=2):
            if lengths is None:
                lengths = segment_lengths(shape.coords, (1.0, 1.0))
            return weighed_line(shape.coords, image_shape, lengths).area, float(lengths.sum())
        case Polygon(dimension=2) | Ellipse(dimension=2):
            whole = shape_metrics(shape).area
            return (rasterize(shape, image_shape, "exact").area, whole) if whole else (0.0, 0.0)
        case _:
            what = f"{getattr(shape, 'dimension', 'no')}-D {type(shape).__name__}"
            raise GeometryError(f"shape: expected a 2-D shape in pixels, got {what}")


def leaves_image(shape: Shape, image_shape: tuple[int, int]) -> bool:
    """Tell from its bounds whether a shape in pixels reaches beyond the image.

    Areas may reach to its right and lower edge; points and lines there are outside.
    """
    low, high = shape.bounds
    end = np.array(image_shape[::-1])
    beyond = high >= end if isinstance(shape, Points | Polyline) else high > end
    return bool((low < 0).any() or beyond.any())
