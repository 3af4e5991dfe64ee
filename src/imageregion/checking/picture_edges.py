"""Edges of a picture, and how much of an outline lies on them: weak evidence, never more."""

from __future__ import annotations

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.errors import ImageRegionError
from imageregion.frame import Frame
from imageregion.shapes import Ellipse, Polygon, Shape

__all__ = ["Edges"]

MAX_PIXELS = 1 << 22
"""Largest picture that is looked at."""

_SAMPLES = 512  # along an outline
_STRONG = 0.75  # quantile above which a pixel is on an edge: a quarter of all pixels
_SHORT = 16.0  # pixels; outlines shorter than that meet edges by chance


class Edges:
    """Where a picture has its strongest edges.

    Parameters
    ----------
    frame : Frame

    Examples
    --------
    >>> picture = np.zeros((40, 40))
    >>> picture[10:30, 10:30] = 100.0
    >>> edges = Edges(Frame.from_array(picture))
    >>> edges.share(Polygon([[10, 10], [29, 10], [29, 29], [10, 29]]))
    1.0
    >>> edges.share(Polygon([[14, 14], [26, 14], [26, 26], [14, 26]]))
    0.0
    """

    __slots__ = ("_strong",)

    def __init__(self, frame: Frame) -> None:
        self._strong = _strong_edges(frame)

    def share(self, shape: Shape) -> float | None:
        """Return the share of the outline of an area that lies on edges.

        None where the shape is no area, its outline is shorter than 16 pixels, or the picture was
        not looked at: too large, not decodable, or without any edge.
        """
        points = _outline(shape)
        if self._strong is None or points is None:
            return None
        rows, columns = self._strong.shape
        column = np.clip(np.floor(points[:, 0]).astype(np.int64), 0, columns - 1)
        row = np.clip(np.floor(points[:, 1]).astype(np.int64), 0, rows - 1)
        return float(self._strong[row, column].mean())


def _strong_edges(frame: Frame) -> np.ndarray | None:
    rows, columns = frame.shape
    if frame.tiles is not None or rows * columns > MAX_PIXELS or min(rows, columns) < 3:
        return None
    try:
        pixels = frame.pixels
    except ImageRegionError:
        return None
    if pixels.ndim == 3:
        pixels = pixels.mean(axis=2)
    down, across = np.gradient(pixels)
    steepness = np.hypot(down, across)
    known = steepness[np.isfinite(steepness)]
    if not known.size or not known.max() > 0:
        return None
    # In a picture that is mostly flat the quantile is 0: then every slope counts, and no flat part.
    strong: np.ndarray = steepness > np.quantile(known, _STRONG)
    return strong


def _outline(shape: Shape) -> FloatArray | None:
    """Return points at equal distances along the outline of an area."""
    if isinstance(shape, Ellipse) and shape.dimension == 2:
        ring = shape.outline(0.1)
    elif isinstance(shape, Polygon) and shape.dimension == 2:
        ring = shape.rings[0]
    else:
        return None
    closed = np.concatenate([ring, ring[:1]])
    lengths = np.hypot(*np.diff(closed, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    if along[-1] < _SHORT:
        return None
    at = np.linspace(0.0, along[-1], _SAMPLES, endpoint=False)
    return np.stack([np.interp(at, along, closed[:, i]) for i in (0, 1)], axis=1)
