"""The part of an image that shows a region: its bounds and a margin, in whole pixels."""

from __future__ import annotations

import math

from imageregion.errors import InputError, PlacementError
from imageregion.fhir.urls.parameters import Box
from imageregion.shapes import Shape

__all__ = ["box_around"]


def box_around(
    shape: Shape, image_shape: tuple[int, int], *, margin: float = 0.25, least: int = 32
) -> Box:
    """Return the pixels that show a 2-D shape with a margin, within the image.

    Parameters
    ----------
    shape : Shape
        In pixels.
    image_shape : tuple of int
        (rows, columns).
    margin : float
        On each side, as a share of the longer side of the bounds.
    least : int
        Sides are at least so many pixels long, where the image has them.

    Raises
    ------
    PlacementError
        When the bounds do not touch the image.
    InputError
        On a 3-D shape, a size or margin that is none.

    Examples
    --------
    >>> from imageregion.shapes import Ellipse
    >>> box_around(Ellipse.circle((100, 50), 20), (256, 512))
    Box(left=70, top=20, width=60, height=60)
    """
    if shape.dimension != 2:
        raise InputError("expected a shape in pixels; cut a shape in mm by the plane of an image")
    rows, columns = image_shape
    if rows < 1 or columns < 1:
        raise InputError(f"image size: expected (rows, columns) from 1, got {image_shape}")
    if not (math.isfinite(margin) and 0 <= margin <= 100):
        raise InputError(f"margin: expected a share of the size from 0 to 100, got {margin}")
    low, high = (tuple(float(value) for value in bound) for bound in shape.bounds)
    if low[0] > columns or low[1] > rows or high[0] < 0 or high[1] < 0:
        raise PlacementError(
            f"the region does not lie on the image of {columns} x {rows} pixels: columns "
            f"{low[0]:g} to {high[0]:g}, rows {low[1]:g} to {high[1]:g}"
        )
    pad = margin * max(high[0] - low[0], high[1] - low[1])
    left, width = _extent(low[0] - pad, high[0] + pad, columns, least)
    top, height = _extent(low[1] - pad, high[1] + pad, rows, least)
    return Box(left, top, width, height)


def _extent(low: float, high: float, size: int, least: int) -> tuple[int, int]:
    """Return (first pixel, number of pixels) of the part of an interval within 0 to `size`."""
    low, high = min(max(low, 0.0), size), max(min(high, float(size)), 0.0)
    lacking = min(least, size) - (high - low)
    if lacking > 0:
        low = min(max(low - lacking / 2, 0.0), size - (high - low + lacking))
        high = low + min(least, size)
    first = min(math.floor(low), size - 1)
    return first, max(min(math.ceil(high), size) - first, 1)
