"""Plausibility in 3-D: whether a region lies between the image planes, by several conventions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.checking.plausibility import AS_WRITTEN, SMALL, Ranking, Reading, in_order
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape
from imageregion.volume import Volume

__all__ = ["rank_solid"]

_ROUNDING = 1e-3  # mm


def rank_solid(shape: Shape, volume: Volume, path: str = "") -> Ranking:
    """Rank the conventions by which a region in 3-D may have been written.

    `Reading.inside` is the fraction of its points (vertices; centre and ends of the axes) between
    the first and the last plane and on their images; width and height are those in pixels.

    Parameters
    ----------
    shape : Shape
        In mm.
    volume : Volume
    path : str
        FHIRPath of the region.

    Examples
    --------
    >>> from imageregion.frame import Frame
    >>> from imageregion.plane import Plane
    >>> planes = [Plane((99, 99), (-250, -250, z), [[1, 0], [0, 1], [0, 0]]) for z in (0, 3, 6)]
    >>> volume = Volume.from_frames(Frame.from_array(np.zeros((99, 99)), plane=p) for p in planes)
    >>> rank_solid(Points([[200, 200, 3], [210, 220, 3]]), volume).readings[0].name
    'ras'
    """
    points = _points(shape)
    readings = [
        _reading(name, sentence, points @ matrix.T + offset, volume)
        for name, sentence, matrix, offset in _candidates(volume)
    ]
    first = volume.frames[0]
    return Ranking(path, first.instance, first.number, in_order(readings))


_Candidate = tuple[str, str, FloatArray, FloatArray]


def _candidates(volume: Volume) -> Iterator[_Candidate]:
    nowhere = np.zeros(3)
    yield AS_WRITTEN, "they are millimetres to the left, back and head (LPS)", np.eye(3), nowhere
    yield (
        "ras",
        "they were millimetres to the right, front and head (RAS), as NIfTI has them",
        np.diag([-1.0, -1.0, 1.0]),
        nowhere,
    )
    yield "centimetres", "they were centimetres", np.eye(3) * 10.0, nowhere
    yield "metres", "they were metres", np.eye(3) * 1000.0, nowhere
    planes = volume.stack.planes
    if len(planes) > 1:
        first, last = planes[0], planes[-1]
        step = (last.origin - first.origin) / (len(planes) - 1)
        matrix = np.column_stack([first.axes, step])
        sentence = "they were indices of column, row and slice, from 0"
        yield "indices", sentence, np.asarray(matrix, dtype=np.float64), first.origin


def _reading(name: str, sentence: str, points: FloatArray, volume: Volume) -> Reading:
    plane = volume.stack.planes[0]
    pixels = plane.to_pixel(points)
    heights = plane.distance(points)
    planes = volume.stack.planes
    ends = [float(plane.distance(other.origin[None])[0]) for other in (planes[0], planes[-1])]
    owned = volume.stack.owned
    low = min(ends) - float(owned[0, 0]) - _ROUNDING
    high = max(ends) + float(owned[-1, 1]) + _ROUNDING
    end = np.array(plane.shape[::-1])
    inside = ((pixels >= 0) & (pixels <= end)).all(axis=1) & (heights >= low) & (heights <= high)
    width, height = (float(v) for v in np.ptp(pixels, axis=0))
    extent = max(width, height, float(np.ptp(heights)) / min(plane.spacing))
    size = 1.0 if len(points) == 1 else min(1.0, extent / SMALL)
    share = float(inside.mean())
    return Reading(name, sentence, share, width, height, None, share * size)


def _points(shape: Shape) -> FloatArray:
    match shape:
        case Points() | Polyline():
            return shape.coords
        case Polygon():
            return np.concatenate(shape.rings)
        case Ellipse() | Ellipsoid():
            ends = [shape.center + shape.axes.T, shape.center - shape.axes.T]
            return np.concatenate([shape.center[None], *ends])
