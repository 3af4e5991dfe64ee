"""Lines: geometry to antialiased alpha, centred on the geometry to a fraction of a canvas px.

Every segment becomes a capsule, the set of points within half a line width of it. All capsules
are filled in one call on a supersampled canvas, joined, and averaged to canvas px. So lines may
cross, repeat or shrink to a point, and the cost grows with their length alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray, IntArray
from imageregion.overlay.layout import CanvasMap
from imageregion.shapes import Ellipse, Points, Polygon, Polyline, Shape
from imageregion.spans import Spans

__all__ = ["Patch", "canvas_segments", "stroke"]

_FAR = 1e150  # canvas px; products of two such lengths are still numbers
_STEP = 0.2  # px: vertices closer along the line than this are one
_FINE = 0.02  # px between an ellipse and the chords drawn for it
_CAP = 8  # vertices of each round end
_SHARPEST = 8  # supersampling along both axes
_ROWS = 1 << 21  # capsule rows that are still supersampled
_CHUNK = 1 << 22  # capsule rows filled at once
_NO_LIMIT = 1 << 62  # crossings; the rows are bounded before
_MANY = 200  # points; more of them get smaller markers


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Alpha of a part of the canvas whose first px is (top, left)."""

    alpha: NDArray[np.float32]
    top: int
    left: int


def stroke(segments: FloatArray, width: float, where: CanvasMap) -> Patch | None:
    """Draw line segments with round ends and joins.

    Parameters
    ----------
    segments : ndarray, shape (N, 2, 2)
        Both ends (x, y) of each, canvas px, from `canvas_segments`.
    width : float
        Canvas px.
    where : CanvasMap
        Lines are drawn on the image and `width` px around it.

    Returns
    -------
    Patch or None
        None when nothing is on the canvas.
    """
    margin = int(np.ceil(width))
    corner, size = np.array([where.left, where.top]), np.array([where.width, where.height])
    low = np.maximum(corner - margin, 0)
    high = np.minimum(corner + size + margin, where.shape[::-1])
    inside = _clip(segments, low - width, high + width)
    if not len(inside):
        return None
    ends = inside.reshape(-1, 2)
    low = np.maximum(low, np.floor(ends.min(axis=0) - width / 2)).astype(np.int64)
    high = np.minimum(high, np.ceil(ends.max(axis=0) + width / 2)).astype(np.int64)
    if not (low < high).all():
        return None
    shape = (int(high[1] - low[1]), int(high[0] - low[0]))
    rows = np.abs(inside[:, 1, 1] - inside[:, 0, 1]).sum() + len(inside) * (width + 1)
    sharp = int(np.clip(_ROWS // max(rows, 1), 1, _SHARPEST))
    spans = _cover((inside - low) * sharp, width / 2 * sharp, (shape[0] * sharp, shape[1] * sharp))
    return Patch(_average(spans, sharp, shape), int(low[1]), int(low[0]))


def canvas_segments(shape: Shape, where: CanvasMap) -> FloatArray:
    """Return what is drawn for a 2-D shape as segments of shape (N, 2, 2), canvas px."""
    if isinstance(shape, Points):
        return _markers(_place(shape.coords, where))
    if isinstance(shape, Polyline):
        return _chain(_place(shape.coords, where), closed=False)
    if isinstance(shape, Polygon):
        return np.concatenate([_chain(_place(r, where), closed=True) for r in shape.rings])
    assert isinstance(shape, Ellipse)  # noqa: S101  (an Ellipsoid is never 2-D)
    longest = float(np.abs(shape.axes).max())
    tolerance = max(_FINE / max(where.sx, where.sy), longest * 1e-9)
    return _chain(_place(shape.outline(tolerance), where), closed=True)


def _place(coords: FloatArray, where: CanvasMap) -> FloatArray:
    near = np.clip(coords, -_FAR, _FAR) * (where.sx, where.sy) + (where.left, where.top)
    return np.asarray(np.clip(near, -_FAR, _FAR))


def _chain(vertices: FloatArray, closed: bool) -> FloatArray:
    steps = np.minimum(np.hypot(*np.diff(vertices, axis=0).T), 1.0)
    bucket = np.floor(np.concatenate([[0.0], np.cumsum(steps)]) / _STEP)
    keep = np.diff(bucket, prepend=-1.0) > 0
    keep[-1] = True
    kept = vertices[keep]
    ends = np.roll(kept, -1, axis=0) if closed else kept[1:]
    begins = kept if closed else kept[:-1]
    return np.stack([begins, ends], axis=1) if len(ends) else np.stack([kept, kept], axis=1)


def _markers(centers: FloatArray) -> FloatArray:
    """Draw a ring with four ticks around each point, or a small cross where points are many."""
    if len(centers) > _MANY:
        centers = np.unique(np.rint(np.clip(centers, -1e9, 1e9) * 4), axis=0) / 4
        arms = np.array([[[-3, 0], [3, 0]], [[0, -3], [0, 3]]], dtype=np.float64)
    else:
        angle = np.linspace(0, 2 * np.pi, 33)
        ring = 6.0 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        ticks = [[[s * 6, 0], [s * 11, 0]] for s in (-1, 1)]
        ticks += [[[0, s * 6], [0, s * 11]] for s in (-1, 1)]
        arms = np.concatenate([np.stack([ring[:-1], ring[1:]], axis=1), ticks])
    return np.asarray((centers[:, None, None, :] + arms).reshape(-1, 2, 2))


def _clip(segments: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Keep the part of each segment that lies in a box (Liang and Barsky)."""
    begin, step = segments[:, 0], segments[:, 1] - segments[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (low - begin) / step, (high - begin) / step
    still = step == 0
    outside = still & ((begin < low) | (begin > high))
    enter = np.where(still, 0.0, np.minimum(first, second)).max(axis=1).clip(0.0)
    leave = np.where(still, 1.0, np.maximum(first, second)).min(axis=1).clip(max=1.0)
    keep = (enter <= leave) & ~outside.any(axis=1)
    begin, step, enter, leave = begin[keep], step[keep], enter[keep, None], leave[keep, None]
    ends = np.where(leave == 1.0, segments[keep, 1], begin + leave * step)
    parts = np.stack([begin + enter * step, ends], axis=1)
    return np.asarray(np.clip(parts, low, high))


def _cover(segments: FloatArray, radius: float, shape: tuple[int, int]) -> Spans:
    """Return the px of an image of `shape` whose centre is within `radius` of a segment."""
    low, high = segments[:, :, 1].min(axis=1) - radius, segments[:, :, 1].max(axis=1) + radius
    total = np.cumsum(np.ceil(high - low).astype(np.int64) + 1)
    if total[-1] <= _CHUNK:
        return Spans.from_runs(*_fill(segments, radius, shape), shape)
    pitch = shape[1] + 1
    depth = np.zeros(shape[0] * pitch, dtype=np.int64)
    cuts = np.searchsorted(total, np.arange(_CHUNK, total[-1] + _CHUNK, _CHUNK), side="left") + 1
    first = 0
    for cut in np.unique(np.minimum(cuts, len(segments))):
        row, start, stop = _fill(segments[first : int(cut)], radius, shape)
        depth += np.bincount(row * pitch + start, minlength=len(depth))
        depth -= np.bincount(row * pitch + stop, minlength=len(depth))
        first = int(cut)
    return Spans.from_mask(np.cumsum(depth).reshape(shape[0], pitch)[:, :-1] > 0)


def _fill(
    segments: FloatArray, radius: float, shape: tuple[int, int]
) -> tuple[IntArray, IntArray, IntArray]:
    """Fill each capsule as a region of its own; runs of different ones may overlap."""
    from imageregion._kernels.fill import fill_polygons

    capsules = _capsules(segments, radius)
    flat = np.ascontiguousarray(capsules.reshape(-1, 2))
    rings = np.arange(len(capsules) + 1) * capsules.shape[1]
    regions = np.arange(len(capsules) + 1)
    _, row, start, stop, _ = fill_polygons(
        flat, rings, regions, 0, shape[0], shape[1], False, _NO_LIMIT
    )
    return row, start, stop


def _capsules(segments: FloatArray, radius: float) -> FloatArray:
    """Outline the points within `radius` of each segment; shape (N, 2 * _CAP, 2)."""
    step = segments[:, 1] - segments[:, 0]
    heading = np.arctan2(step[:, 1], step[:, 0])[:, np.newaxis]
    turn = np.linspace(-np.pi / 2, np.pi / 2, _CAP)
    angle = np.concatenate([heading + turn, heading + np.pi + turn], axis=1)
    arc = radius * np.stack([np.cos(angle), np.sin(angle)], axis=2)
    return np.asarray(np.repeat(segments[:, ::-1], _CAP, axis=1) + arc)


def _average(spans: Spans, sharp: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Average disjoint runs on a supersampled canvas to px, exactly along the rows."""
    pitch = shape[1] + 2
    change = np.zeros(shape[0] * pitch)
    for edges, sign in ((spans.start, 1.0), (spans.stop, -1.0)):
        px, rest = np.divmod(edges, sharp)
        position = spans.row // sharp * pitch + px
        part = rest / sharp
        change += np.bincount(position, sign * (1.0 - part), minlength=len(change))
        change += np.bincount(position + 1, sign * part, minlength=len(change))
    alpha = np.cumsum(change.reshape(shape[0], pitch), axis=1)[:, : shape[1]] / sharp
    return np.clip(alpha, 0.0, 1.0).astype(np.float32)
