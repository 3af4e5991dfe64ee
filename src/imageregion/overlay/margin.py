"""What surrounds an image: orientation letters, scale bar and title."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imageregion.frame import Frame
from imageregion.overlay.layout import CanvasMap, has_letters, orientation_letters, scale_bar_of
from imageregion.overlay.text import TextPatch, fit_text, text_patch

__all__ = ["Box", "Canvas", "blend", "draw_margin", "draw_text"]

Canvas = NDArray[np.float32]
"""A picture being drawn, shape (height, width, 3), values 0..255."""

Box = tuple[int, int, int, int]
"""(top, left, height, width) on the canvas, px."""

Color = tuple[int, int, int]

_BLACK: Color = (0, 0, 0)
_PALE: Color = (222, 222, 226)
_GAP = 4


def blend(canvas: Canvas, alpha: NDArray[np.float32], top: int, left: int, color: Color) -> None:
    """Lay a colour over the part of `canvas` from (top, left) on, as much as `alpha` says."""
    height, width = canvas.shape[:2]
    rows = slice(max(top, 0), min(top + alpha.shape[0], height))
    columns = slice(max(left, 0), min(left + alpha.shape[1], width))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    part = alpha[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    view = canvas[rows, columns]
    view += (np.asarray(color, dtype=np.float32) - view) * part[:, :, np.newaxis]


def draw_text(canvas: Canvas, patch: TextPatch, top: int, left: int, color: Color) -> None:
    """Write text in `color` with a dark rim."""
    blend(canvas, patch.halo * np.float32(0.8), top, left, _BLACK)
    blend(canvas, patch.core, top, left, color)


def draw_margin(
    canvas: Canvas, frame: Frame, where: CanvasMap, *, scale_bar: bool, title: str
) -> list[Box]:
    """Draw title, orientation letters and scale bar; returns the boxes they fill."""
    boxes = []
    if title.strip():
        line = fit_text(title, where.text_size, where.shape[1] - 4 * _GAP)
        left = max(2 * _GAP, min(where.left, where.shape[1] - _width(line, where) - 2 * _GAP))
        boxes.append(_write(canvas, line, _GAP, left, where.text_size))
    if frame.plane is not None and has_letters(frame):
        boxes += _draw_letters(canvas, orientation_letters(frame.plane), where)
    if scale_bar:
        boxes += _draw_bar(canvas, frame, where)
    return boxes


def _width(line: str, where: CanvasMap) -> int:
    return text_patch(line, where.text_size).shape[1]


def _write(canvas: Canvas, line: str, top: int, left: int, size: int) -> Box:
    patch = text_patch(line, size)
    draw_text(canvas, patch, top, left, _PALE)
    return (top, left, *patch.shape)


def _draw_letters(
    canvas: Canvas, letters: tuple[str, str, str, str], where: CanvasMap
) -> list[Box]:
    """Write each name just outside the middle of its edge."""
    middle_x, middle_y = where.left + where.width / 2, where.top + where.height / 2
    right, bottom = where.left + where.width, where.top + where.height
    boxes = []
    for side, name in enumerate(letters):
        height, width = text_patch(name, where.text_size).shape
        top = (middle_y - height / 2, where.top - _GAP - height, None, bottom + _GAP)[side]
        left = (where.left - _GAP - width, None, right + _GAP, None)[side]
        at = (
            round(middle_y - height / 2 if top is None else top),
            round(middle_x - width / 2 if left is None else left),
        )
        boxes.append(_write(canvas, name, *at, where.text_size))
    return boxes


def _draw_bar(canvas: Canvas, frame: Frame, where: CanvasMap) -> list[Box]:
    """Draw the bar at the lower left, below the image, its length beside it."""
    bar = scale_bar_of(frame, where.sx)
    if bar is None:
        return []
    patch = text_patch(bar.text, where.text_size)
    length = max(1, round(bar.pixels))
    middle = where.shape[0] - where.text_size // 2 - 5
    canvas[middle - 1 : middle + 1, where.left : where.left + length] = _PALE
    for end in (where.left, where.left + length - 2):
        canvas[middle - 5 : middle + 5, max(end, where.left) : where.left + length][:, :2] = _PALE
    left = where.left + length + _GAP
    draw_text(canvas, patch, middle - patch.shape[0] // 2, left, _PALE)
    return [
        (middle - patch.shape[0] // 2, where.left, patch.shape[0], left - where.left),
        (middle - patch.shape[0] // 2, left, *patch.shape),
    ]
