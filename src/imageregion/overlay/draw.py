"""Draw regions over a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray
from imageregion.errors import GeometryError
from imageregion.frame import Frame
from imageregion.overlay.captions import Caption, draw_captions
from imageregion.overlay.grey import display_values
from imageregion.overlay.labels import Board
from imageregion.overlay.layout import CanvasMap, canvas_map
from imageregion.overlay.margin import Canvas, Color, blend, draw_margin
from imageregion.overlay.resample import block_coverage, resample
from imageregion.overlay.stroke import canvas_segments, stroke
from imageregion.overlay.view import (
    Box,
    box_around,
    is_too_large,
    reduced_frame,
    reduced_shape,
    reduced_spans,
)
from imageregion.shapes import Ellipse, Shape
from imageregion.spans import Spans

__all__ = ["PALETTE", "OverlayItem", "draw_overlay"]

PALETTE: tuple[Color, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (240, 228, 66),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (0, 114, 178),
)
"""Colours that people with any common colour vision tell apart (Okabe and Ito, without black),
those that stand out most on grey first."""

_LEFT_OUT = "the regions are far apart: the image between them is left out"
_MARGIN = 16.0  # grey of the frame around the image
_TINT = np.float32(0.3)
_LINE, _HALO = 2.0, 4.5  # px
_HALO_ALPHA = np.float32(0.55)
_SEEN = 0.02  # alpha of a line that can be seen
_FAR = 1e150  # pixels; scaled it is still a number


@dataclass(frozen=True, slots=True, eq=False)
class OverlayItem:
    """One region to draw.

    Parameters
    ----------
    shape : Shape, sequence of Shape, or None
        2-D, pixels of the frame; drawn as a line. None draws no line. A region that meets the
        frame in many pieces is one item.
    spans : Spans or None
        The pixels that count, tinted by their weight. None tints nothing.
    label : str
        Written beside the region; empty for none.
    color : tuple of int, optional
        (red, green, blue), 0..255; by default the next one of `PALETTE`.

    Raises
    ------
    GeometryError
        On a 3-D shape or numbers that make no colour.

    Examples
    --------
    >>> from imageregion.shapes import Ellipse
    >>> OverlayItem(Ellipse.circle((8, 8), 3), None, "cyst").label
    'cyst'
    """

    shape: Shape | Sequence[Shape] | None
    spans: Spans | None
    label: str = ""
    color: Color | None = None

    def __post_init__(self) -> None:
        for shape in self.shapes:
            if shape.dimension != 2:
                raise GeometryError(
                    f"OverlayItem: expected a shape in 2-D pixel coordinates, got a "
                    f"{shape.dimension}-D {type(shape).__name__}; place it on the image first"
                )
        color = self.color
        if color is not None and not (len(color) == 3 and all(0 <= c <= 255 for c in color)):
            raise GeometryError(f"color: expected three numbers 0..255, got {color!r}")

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shapes to draw, none to many."""
        if self.shape is None:
            return ()
        return tuple(self.shape) if isinstance(self.shape, Sequence) else (self.shape,)


def draw_overlay(
    frame: Frame,
    items: Sequence[OverlayItem],
    *,
    scale: int | None = None,
    labels: bool = True,
    scale_bar: bool = True,
    title: str = "",
) -> NDArray[np.uint8]:
    """Draw regions over a frame.

    The image stands in a slim dark margin that holds title, orientation letters (when the plane
    is known) and scale bar (when the spacing is known); `canvas_map` tells where each pixel went.
    Pixels of different height and width are shown in their true proportion. The line follows the
    geometry; the tint covers exactly the pixels that count.

    Parameters
    ----------
    frame : Frame
        Of a total pixel matrix the part around the regions is shown.
    items : sequence of OverlayItem
        Drawn in this order, all tints below all lines. Shapes may leave the image.
    scale : int, optional
        Canvas px along the finer side of a pixel; by default small images are enlarged and large
        ones reduced until one can see (see `canvas_map`).
    labels : bool
        Whether to write labels. They keep clear of regions and of one another; among more than 40
        those that find no free place are left out.
    scale_bar : bool
        Whether to draw a scale bar.
    title : str
        Written above the image.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        Red, green, blue.

    Raises
    ------
    GeometryError
        When spans belong to an image of another shape, or `scale` makes no picture.

    Examples
    --------
    >>> from imageregion.shapes import Ellipse
    >>> frame = Frame.from_array(np.zeros((64, 64)))
    >>> draw_overlay(frame, [OverlayItem(Ellipse.circle((32, 32), 20), None, "lesion")]).shape
    (784, 784, 3)
    """
    for item in items:
        if item.spans is not None and item.spans.shape != frame.shape:
            raise GeometryError(
                f"spans: expected pixels of an image of shape {frame.shape}, got {item.spans.shape}"
            )
    if frame.tiles is not None:
        box, factor = box_around(frame, [shape for item in items for shape in item.shapes])
        title = title or (_LEFT_OUT if is_too_large(box) else "")
        frame, items = reduced_frame(frame, box, factor), _reduced(items, box, factor)
    where = canvas_map(frame, scale, scale_bar=scale_bar, title=title)
    canvas = _background(frame, where)
    colors = [item.color or PALETTE[i % len(PALETTE)] for i, item in enumerate(items)]
    image = (where.top, where.left, where.top + where.height, where.left + where.width)
    board = Board(where.shape, image)
    tinted = [
        _draw_tint(canvas, item.spans, color, where, board)
        for item, color in zip(items, colors, strict=True)
    ]
    lines = [_segments(item.shapes, where) for item in items]
    for segments in lines:
        _draw_line(canvas, segments, (0, 0, 0), where, None)
    drawn = [
        _draw_line(canvas, segments, color, where, board)
        for segments, color in zip(lines, colors, strict=True)
    ]
    for box in draw_margin(canvas, frame, where, scale_bar=scale_bar, title=title):
        board.add_box(*box)
    if labels:
        near = [
            line if line is not None else tint for line, tint in zip(drawn, tinted, strict=True)
        ]
        captions = [
            Caption(item.label, color, cells, _middle(item.shapes, where))
            for item, color, cells in zip(items, colors, near, strict=True)
        ]
        draw_captions(canvas, captions, where, board)
    return np.rint(np.clip(canvas, 0, 255)).astype(np.uint8)


def _background(frame: Frame, where: CanvasMap) -> Canvas:
    canvas = np.full((*where.shape, 3), _MARGIN, dtype=np.float32)
    shades = np.atleast_3d(display_values(frame))
    rows = slice(where.top, where.top + where.height)
    for channel in range(3):
        shade = shades[:, :, min(channel, shades.shape[2] - 1)]
        grey = resample(shade, (where.height, where.width))
        canvas[rows, where.left : where.left + where.width, channel] = grey
    return canvas


def _reduced(items: Sequence[OverlayItem], box: Box, factor: int) -> list[OverlayItem]:
    """Move regions onto the part of a total pixel matrix that is shown."""
    return [
        replace(
            item,
            shape=[reduced_shape(shape, box, factor) for shape in item.shapes],
            spans=None if item.spans is None else reduced_spans(item.spans, box, factor),
        )
        for item in items
    ]


def _draw_tint(
    canvas: Canvas, spans: Spans | None, color: Color, where: CanvasMap, board: Board
) -> NDArray[np.bool_] | None:
    """Tint the px of every pixel that counts, by its weight; returns the cells they lie in."""
    if spans is None or not len(spans.row):
        return None
    top, left = int(spans.row.min()), int(spans.start.min())
    size = (int(spans.row.max()) + 1 - top, int(spans.stop.max()) - left)
    weight = spans.weight / max(1.0, float(spans.weight.max()))  # lengths may be above 1
    part = Spans(spans.row - top, spans.start - left, spans.stop - left, weight, size)
    coverage, y, x = block_coverage(
        part.to_coverage(), (top, left), (where.sy, where.sx), (where.height, where.width)
    )
    y, x = y + where.top, x + where.left
    blend(canvas, coverage.astype(np.float32) * _TINT, y, x, color)
    rows, columns = np.nonzero(coverage)
    return board.add_tint(rows + y, columns + x)


def _segments(shapes: Sequence[Shape], where: CanvasMap) -> FloatArray | None:
    parts = [canvas_segments(shape, where) for shape in shapes]
    return np.concatenate(parts) if parts else None


def _draw_line(
    canvas: Canvas,
    segments: FloatArray | None,
    color: Color,
    where: CanvasMap,
    board: Board | None,
) -> NDArray[np.bool_] | None:
    """Draw a line, or without `board` its dark rim; returns the cells the line lies in."""
    if segments is None:
        return None
    patch = stroke(segments, _HALO if board is None else _LINE, where)
    if patch is None:
        return None
    if board is None:
        blend(canvas, patch.alpha * _HALO_ALPHA, patch.top, patch.left, color)
        return None
    blend(canvas, patch.alpha, patch.top, patch.left, color)
    rows, columns = np.nonzero(patch.alpha > _SEEN)
    return board.add_line(rows + patch.top, columns + patch.left)


def _middle(shapes: Sequence[Shape], where: CanvasMap) -> tuple[float, float] | None:
    """Middle (x, y) of shapes on the canvas, moved into the image."""
    if not shapes:
        return None
    ends = [(s.center, s.center) if isinstance(s, Ellipse) else s.bounds for s in shapes]
    low, high = np.min([low for low, _ in ends], axis=0), np.max([high for _, high in ends], axis=0)
    middle = np.clip(low, -_FAR, _FAR) / 2 + np.clip(high, -_FAR, _FAR) / 2
    x, y = middle * (where.sx, where.sy)
    return (
        where.left + float(np.clip(x, 0, where.width - 1)),
        where.top + float(np.clip(y, 0, where.height - 1)),
    )
