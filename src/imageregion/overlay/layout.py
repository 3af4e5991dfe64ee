"""Where everything goes: how pixels map to the canvas, and which margins surround them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from imageregion._arrays import FloatArray, as_floats
from imageregion.errors import GeometryError
from imageregion.frame import Frame
from imageregion.overlay.text import text_width
from imageregion.plane import Plane

__all__ = [
    "CanvasMap",
    "ScaleBar",
    "canvas_map",
    "has_letters",
    "orientation_letters",
    "scale_bar_of",
]

_SEEN = 768  # px: smaller images are enlarged until their longest side reaches this
_LONGEST = 2000  # px: larger images are reduced until no side exceeds this
_BIGGEST_PIXEL = 96  # px: tiny images are not enlarged further
_NARROWEST = 320  # px: pictures of narrow images get wider margins instead
_MOST = 1 << 27  # px of a picture that a caller can ask for by `scale`
_PAD = 8  # px of plain margin
_COSINE = 0.26  # about 75 degrees: a direction leaning less to an axis does not name it


@dataclass(frozen=True, slots=True)
class CanvasMap:
    """How pixel coordinates of a frame become canvas coordinates of its picture.

    Both count from outer corners: canvas = (left + sx * column, top + sy * row).

    Parameters
    ----------
    sx, sy : float
        Canvas px per column and per row.
    left, top : int
        Canvas position of the outer corner of the first pixel.
    width, height : int
        Size of the image on the canvas; the rest is margin.
    shape : tuple of int
        (rows, columns) of the whole picture.
    text_size : int
        Size of letters in the margin, px.

    Examples
    --------
    >>> CanvasMap(6.0, 6.0, 8, 8, 60, 60, (76, 76), 12).to_canvas([[0.5, 2.0]]).tolist()
    [[11.0, 20.0]]
    """

    sx: float
    sy: float
    left: int
    top: int
    width: int
    height: int
    shape: tuple[int, int]
    text_size: int

    def to_canvas(self, points: ArrayLike) -> FloatArray:
        """Map points (column, row) of shape (N, 2) to canvas px (x, y)."""
        pixels = as_floats(points, (None, 2), "points")
        return np.asarray(pixels * (self.sx, self.sy) + (self.left, self.top))


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A length to compare with: `length` mm are `pixels` canvas px long."""

    length: float
    pixels: float
    text: str


def canvas_map(
    frame: Frame, scale: int | None = None, *, scale_bar: bool = True, title: str = ""
) -> CanvasMap:
    """Tell how `draw_overlay` with the same arguments maps pixels to the canvas.

    Parameters
    ----------
    frame : Frame
        Its shape, spacing and plane matter, not its pixels.
    scale : int, optional
        Canvas px along the finer side of a pixel. By default images are enlarged by a whole
        number until their longest side is 768 px or more, and reduced, by averaging, below 2000.
        Pixels of different height and width keep their true proportion.
    scale_bar, title
        As for `draw_overlay`; they need room in the margin.

    Raises
    ------
    GeometryError
        When `scale` is no positive integer or the picture would exceed 2**27 px.

    Examples
    --------
    >>> where = canvas_map(Frame.from_array(np.zeros((128, 100))))
    >>> where.sx, where.width, where.height
    (6.0, 600, 768)
    """
    width, height = _image_size(frame, scale)
    size = min(24, max(12, round(max(width, height) / 52)))
    band = size + 10
    left = right = top = bottom = _PAD
    if frame.plane is not None and has_letters(frame):
        letters = orientation_letters(frame.plane)
        left = right = max(text_width(letters[i], size) for i in (0, 2)) + _PAD
        top = bottom = band
    spare = max(0, _NARROWEST - left - width - right)
    left, right = left + spare // 2, right + spare - spare // 2
    bar = scale_bar_of(frame, width / frame.shape[1]) if scale_bar else None
    if bar is not None:
        bottom = band
        reach = bar.pixels + text_width(bar.text, size) + 2 * _PAD
        if frame.plane is not None and reach > width / 2 - text_width("HHH", size) / 2:
            bottom = 2 * band
    if title.strip():
        top += band if frame.plane is not None else band - _PAD
    return CanvasMap(
        width / frame.shape[1],
        height / frame.shape[0],
        left,
        top,
        width,
        height,
        (top + height + bottom, left + width + right),
        size,
    )


def _image_size(frame: Frame, scale: int | None) -> tuple[int, int]:
    """Width and height of the image on the canvas, px."""
    rows, columns = frame.shape
    wide, high = _proportion(frame)
    longest = max(columns * wide, rows * high)
    factor: float
    if scale is not None:
        if isinstance(scale, bool) or not isinstance(scale, int) or scale < 1:
            raise GeometryError(f"scale: expected a positive integer, got {scale!r}")
        factor = scale
        if columns * wide * factor * rows * high * factor > _MOST:
            raise GeometryError(
                f"scale: expected a picture of at most {_MOST} px, got {scale} px for each of "
                f"{rows} x {columns} pixels"
            )
    elif longest > _LONGEST:
        factor = 1 / math.ceil(longest / _LONGEST)
    else:
        factor = min(math.ceil(_SEEN / longest), _BIGGEST_PIXEL)
        factor = max(1, min(factor, int(_LONGEST // longest)))
    width, height = round(columns * wide * factor), round(rows * high * factor)
    return max(1, width), max(1, height)


def _proportion(frame: Frame) -> tuple[float, float]:
    """Width and height of a pixel, the shorter one 1."""
    spacing = frame.spacing
    if spacing is None:
        return 1.0, 1.0
    aspect = spacing.rows / spacing.columns if spacing.columns > 0 else math.nan
    if not 0 < aspect < math.inf or abs(aspect - 1) < 1e-3:
        return 1.0, 1.0
    return (1.0, aspect) if aspect > 1 else (1 / aspect, 1.0)


def has_letters(frame: Frame) -> bool:
    """Whether directions in the patient are known; those of a glass slide are its own."""
    on_slide = frame.spacing is not None and frame.spacing.source == "slide"
    return frame.plane is not None and not on_slide


def orientation_letters(plane: Plane) -> tuple[str, str, str, str]:
    """Name the sides of the patient that the edges of an image lie towards.

    Parameters
    ----------
    plane : Plane

    Returns
    -------
    tuple of str
        Of the left, top, right and bottom edge. L left, R right, A front (anterior), P back
        (posterior), H head, F feet; oblique directions get up to three letters, the nearest axis
        first, as in DICOM PatientOrientation.

    Examples
    --------
    >>> orientation_letters(Plane((2, 2), [0, 0, 0], [[1, 0], [0, 1], [0, 0]]))
    ('R', 'A', 'L', 'P')
    """
    column, row = (plane.axes / np.linalg.norm(plane.axes, axis=0)).T
    return _letters(-column), _letters(-row), _letters(column), _letters(row)


def _letters(direction: FloatArray) -> str:
    order = np.argsort(-np.abs(direction), kind="stable")
    names = ("RL", "AP", "FH")
    return "".join(names[i][int(direction[i] > 0)] for i in order if abs(direction[i]) > _COSINE)


def scale_bar_of(frame: Frame, sx: float) -> ScaleBar | None:
    """Choose a bar of 1, 2 or 5 times a power of ten mm, about a fifth of the image wide.

    Parameters
    ----------
    frame : Frame
    sx : float
        Canvas px per column.

    Returns
    -------
    ScaleBar or None
        None when the spacing is unknown.
    """
    spacing = frame.spacing
    if spacing is None or spacing.source == "aspect" or not 0 < spacing.columns < math.inf:
        return None
    goal = frame.shape[1] * spacing.columns / 5
    power = math.floor(math.log10(goal))
    steps = [factor * 10.0**power for factor in (1, 2, 5, 10)]
    length = min(steps, key=lambda step: abs(math.log(step / goal)))
    text = f"{length:g} mm" if length >= 0.1 else f"{length * 1000:g} \N{MICRO SIGN}m"
    if spacing.source in ("detector", "estimated"):
        text += f" ({spacing.source})"
    return ScaleBar(length, length / spacing.columns * sx, text)
