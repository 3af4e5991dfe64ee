"""Several pictures in one, and pictures as PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imageregion.errors import GeometryError, InputError
from imageregion.overlay.margin import draw_text
from imageregion.overlay.resample import resample
from imageregion.overlay.text import fit_text, text_patch

__all__ = ["contact_sheet", "to_png", "write_png"]

_WIDEST = 2400  # px
_GAP = 8  # px between pictures
_DARK = 10
_TEXT = 16  # px
_PALE = (222, 222, 226)


def contact_sheet(
    pictures: Sequence[NDArray[np.uint8]], columns: int | None = None, *, title: str = ""
) -> NDArray[np.uint8]:
    """Tile pictures row by row into one that is at most 2400 px wide.

    Parameters
    ----------
    pictures : sequence of ndarray of uint8, shape (height, width, 3)
        At least one; sizes may differ. Each is reduced to fit its tile, none is enlarged.
    columns : int, optional
        Pictures side by side; by default about as many as there are rows.
    title : str
        Written above them all.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)

    Raises
    ------
    GeometryError
        On no pictures, arrays that are no pictures, or `columns` below 1.

    Examples
    --------
    >>> contact_sheet([np.zeros((20, 30, 3), np.uint8)] * 3).shape
    (64, 84, 3)
    """
    if not pictures:
        raise GeometryError("contact_sheet: expected at least one picture, got none")
    for picture in pictures:
        _check(picture)
    across = math.ceil(math.sqrt(len(pictures))) if columns is None else columns
    if across < 1:
        raise GeometryError(f"columns: expected a positive number, got {columns!r}")
    across = min(across, len(pictures))
    widest = max(1, (_WIDEST - _GAP * (across + 1)) // across)
    tiles = [_shrink(picture, widest) for picture in pictures]
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    down = -(-len(tiles) // across)
    shape = (_GAP + down * (height + _GAP), _GAP + across * (width + _GAP), 3)
    sheet = np.full(shape, _DARK, dtype=np.uint8)
    for i, tile in enumerate(tiles):
        top = _GAP + i // across * (height + _GAP) + (height - tile.shape[0]) // 2
        left = _GAP + i % across * (width + _GAP) + (width - tile.shape[1]) // 2
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return np.concatenate([_headline(title, shape[1]), sheet]) if title.strip() else sheet


def _headline(title: str, width: int) -> NDArray[np.uint8]:
    patch = text_patch(fit_text(title, _TEXT, width - 2 * _GAP), _TEXT)
    strip = np.full((patch.shape[0] + _GAP, width, 3), _DARK, dtype=np.float32)
    draw_text(strip, patch, _GAP, min(_GAP, width - 1), _PALE)
    return np.rint(strip).astype(np.uint8)


def _shrink(picture: NDArray[np.uint8], widest: int) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if width <= widest:
        return picture
    size = (max(1, round(height * widest / width)), widest)
    layers = [resample(picture[:, :, channel], size) for channel in range(3)]
    return np.rint(np.stack(layers, axis=2)).astype(np.uint8)


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture of shape (height, width, 3) as PNG; equal pictures give equal bytes.

    Raises
    ------
    GeometryError
        When the array is no picture.

    Examples
    --------
    >>> to_png(np.zeros((2, 3, 3), np.uint8))[1:4]
    b'PNG'
    """
    from PIL import Image

    _check(picture)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def write_png(picture: NDArray[np.uint8], path: str | PathLike[str]) -> None:
    """Write a picture of shape (height, width, 3) to a PNG file, replacing what is there.

    Raises
    ------
    InputError
        When the name does not end in ``.png``, or the file cannot be written.
    GeometryError
        When the array is no picture.
    """
    place = Path(path)
    if place.suffix.lower() != ".png":
        raise InputError(f"{place}: expected a name that ends in .png, pictures are PNG")
    content = to_png(picture)
    try:
        place.write_bytes(content)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{place}: cannot be written: {reason}") from None


def _check(picture: NDArray[np.uint8]) -> None:
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise GeometryError(
            f"picture: expected uint8 of shape (height, width, 3), got {picture.dtype} of shape "
            f"{picture.shape}"
        )
