"""Write the labels of regions where they hide nothing, with a leader line when far away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imageregion.overlay.labels import CELL, Board, Placement
from imageregion.overlay.layout import CanvasMap
from imageregion.overlay.margin import Canvas, Color, blend, draw_text
from imageregion.overlay.stroke import stroke
from imageregion.overlay.text import TextPatch, clean_text, fit_text, text_patch

__all__ = ["Caption", "draw_captions", "place_captions"]

_FEW, _CROWD, _MOST = 12, 40, 250  # labels: full size; smaller; only where they hide nothing
_FAR = 160.0  # px between a label and its region in a crowd
_BACK = np.float32(0.5)  # alpha of the dark ground behind a label
_LEADER, _LEADER_RIM = 1.2, 3.2  # px
_LIGHT = 130.0  # luminance 0..255 of the darkest text


@dataclass(frozen=True, slots=True, eq=False)
class Caption:
    """A label to be placed.

    Parameters
    ----------
    text : str
    color : tuple of int
    near : ndarray of bool or None
        Cells of the canvas that the region fills; None when it is not on the canvas.
    outside : tuple of float or None
        Canvas px (x, y) in the image that is nearest to a region outside of it.
    """

    text: str
    color: Color
    near: NDArray[np.bool_] | None
    outside: tuple[float, float] | None


def draw_captions(
    canvas: Canvas, captions: Sequence[Caption], where: CanvasMap, board: Board
) -> None:
    """Place all captions, then draw leader lines and text."""
    placed = place_captions(captions, where, board)
    for caption, patch, place in placed:
        _draw_leader(canvas, caption.color, patch, place, where)
    for caption, patch, place in placed:
        back = np.full(patch.shape, _BACK, dtype=np.float32)
        blend(canvas, back, place.top, place.left, (0, 0, 0))
        draw_text(canvas, patch, place.top, place.left, _readable(caption.color))


def _readable(color: Color) -> Color:
    """Lighten a dark colour until text in it can be read on dark ground."""
    light = 0.2126 * color[0] + 0.7152 * color[1] + 0.0722 * color[2]
    mix = max(0.0, (_LIGHT - light) / (255.0 - light)) if light < 255 else 0.0
    red, green, blue = (round(c + mix * (255 - c)) for c in color)
    return red, green, blue


def place_captions(
    captions: Sequence[Caption], where: CanvasMap, board: Board
) -> list[tuple[Caption, TextPatch, Placement]]:
    """Find a place for each caption in turn; those that find none are left out."""
    wanted = [caption for caption in captions if clean_text(caption.text)]
    size = where.text_size - (len(wanted) > _FEW) - 2 * (len(wanted) > _CROWD)
    size = max(size, 11)
    placed = []
    for caption in wanted[:_MOST]:
        near, text = caption.near, caption.text
        if near is None or not near.any():
            if caption.outside is None:
                continue
            near, text = _cell(board, caption.outside), f"{clean_text(text)} (outside)"
        patch = text_patch(fit_text(text, size, where.shape[1] // 2), size)
        place = board.find(patch.shape, near)
        if place is None:
            continue
        if len(wanted) > _CROWD and (place.hidden > 0 or place.distance > _FAR):
            continue
        board.add_box(place.top, place.left, *patch.shape)
        placed.append((caption, patch, place))
    return placed


def _cell(board: Board, point: tuple[float, float]) -> NDArray[np.bool_]:
    cells = np.zeros(board.shape, dtype=np.bool_)
    row = min(int(point[1]) // CELL, board.shape[0] - 1)
    cells[row, min(int(point[0]) // CELL, board.shape[1] - 1)] = True
    return cells


def _draw_leader(
    canvas: Canvas, color: Color, patch: TextPatch, place: Placement, where: CanvasMap
) -> None:
    """Tie a label to its region by a thin line from the nearest point of its box."""
    if place.anchor is None:
        return
    x, y = place.anchor
    height, width = patch.shape
    start = (
        min(max(x, place.left), place.left + width),
        min(max(y, place.top), place.top + height),
    )
    segment = np.array([[start, (x, y)]])
    for thickness, ink, alpha in ((_LEADER_RIM, (0, 0, 0), 0.5), (_LEADER, color, 1.0)):
        line = stroke(segment, thickness, where)
        if line is not None:
            blend(canvas, line.alpha * np.float32(alpha), line.top, line.left, ink)
