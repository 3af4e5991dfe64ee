"""Render: a picture of regions on a frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from imageregion.counting import merged_spans
from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.overlay import OverlayItem, draw_overlay
from imageregion.project import place
from imageregion.raster import Rule, rasterize
from imageregion.region import Region
from imageregion.shapes import Shape

__all__ = ["render"]


def render(
    frame: Frame,
    regions: Region | Shape | Iterable[Region | Shape],
    *,
    rule: Rule = "center",
    scale: int | None = None,
    labels: bool = True,
) -> NDArray[np.uint8]:
    """Draw regions on the frame they lie on: outlines from geometry, tinted the pixels that count.

    Parameters
    ----------
    frame : Frame
    regions : Region or Shape, or an iterable of them
        2-D in pixels of the frame, or 3-D in mm when the frame has a plane. A region that stands
        for the whole image adds nothing to draw.
    rule : {"center", "touched", "exact"}
        Which pixels are tinted; see `rasterize`.
    scale : int, optional
        Screen pixels per image pixel; chosen to suit when None.
    labels : bool
        Write the label of each region beside it.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        RGB.

    Raises
    ------
    PlacementError
        When a 3-D shape does not meet the plane of the frame, or the frame has none.

    Examples
    --------
    >>> frame = Frame.from_array(np.arange(48).reshape(6, 8))
    >>> from imageregion.shapes import Ellipse
    >>> render(frame, Ellipse.circle((4.0, 3.0), 2.0)).shape[2]
    3
    """
    several = [regions] if isinstance(regions, Region | Shape) else list(regions)
    items = [item for region in several for item in _items(frame, region, rule)]
    return draw_overlay(frame, items, scale=scale, labels=labels)


def _items(frame: Frame, region: Region | Shape, rule: Rule) -> list[OverlayItem]:
    label = region.label if isinstance(region, Region) else ""
    shape = region.shape if isinstance(region, Region) else region
    if shape is None:
        return []
    parts = _in_pixels(frame, shape)
    spans = [rasterize(part, frame.shape, rule) for part in parts]
    return [OverlayItem(parts, merged_spans(spans), label)]


def _in_pixels(frame: Frame, shape: Shape) -> list[Shape]:
    if shape.dimension == 2:
        return [shape]
    if frame.plane is None:
        raise PlacementError("a 3-D shape needs a frame with a plane in the patient, got none")
    placed = place(shape, [frame.plane], frame.thickness)
    if not placed:
        raise PlacementError("the shape does not meet the plane of the frame")
    return [placement.shape for placement in placed]
