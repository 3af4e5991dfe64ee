"""Share: how much of a 3-D shape lies in the space that the planes of a stack own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.clipping import clipped
from imageregion.plane import Plane
from imageregion.shapes import Ellipsoid, Points, Polyline, Shape
from imageregion.stack import Stack

__all__ = ["share_between", "share_of"]


def share_between(shape: Shape, planes: Sequence[Plane], thickness: float | None = None) -> float:
    """Return the share of a 3-D shape that lies in the slabs of a stack, from 0 to 1.

    Of the number of points, the length of a line, or the volume of an ellipsoid; flat shapes lie in
    one plane and count as 1.

    Examples
    --------
    >>> planes = [Plane((4, 4), [0, 0, z], [[1, 0], [0, 1], [0, 0]]) for z in (0, 2)]
    >>> share_between(Ellipsoid([0, 0, 3], np.eye(3) * 2), planes)
    0.5
    """
    return share_of(shape, Stack(planes, thickness))


def share_of(shape: Shape, stack: Stack) -> float:
    """Return the share of a 3-D shape that lies in the slabs of a stack; see `share_between`."""
    normal = stack.normal
    low, high = _owned(stack)
    match shape:
        case Ellipsoid():
            reach = float(np.linalg.norm(shape.axes.T @ normal))
            edges = np.clip((np.array([low, high]) - shape.center @ normal) / reach, -1, 1)
            below = (2 + 3 * edges - edges**3) / 4  # volume of the unit ball below a height
            return float(np.clip((below[1] - below[0]).sum(), 0, 1))
        case Points():
            low[0], high[-1] = low[0] - stack.rounding, high[-1] + stack.rounding
            heights = (shape.coords @ normal)[:, None]
            return float(((heights >= low) & (heights <= high)).any(axis=1).mean())
        case Polyline():
            low[0], high[-1] = low[0] - stack.rounding, high[-1] + stack.rounding
            whole = _length([shape.coords])
            heights = shape.coords @ normal
            pieces = [
                piece
                for bottom, top in zip(low.tolist(), high.tolist(), strict=True)
                for piece in clipped(shape.coords, heights, bottom, top)
            ]
            return float(min(_length(pieces) / whole, 1.0)) if whole else 1.0
    return 1.0


def _owned(stack: Stack) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest position of each stretch that the planes own without a gap."""
    position, owned = stack.positions[stack.first], stack.owned[stack.first]
    low, high = position - owned[:, 0], position + owned[:, 1]
    apart = np.flatnonzero(stack.missing)
    return low[np.append(0, apart + 1)], high[np.append(apart, len(high) - 1)]


def _length(pieces: Sequence[FloatArray]) -> float:
    """Length of several lines together."""
    if not pieces:
        return 0.0
    steps = np.linalg.norm(np.diff(np.concatenate(pieces), axis=0), axis=1)
    steps[np.cumsum([len(piece) for piece in pieces[:-1]], dtype=np.int64) - 1] = 0.0
    return float(steps.sum())
