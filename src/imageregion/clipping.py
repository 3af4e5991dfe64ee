"""Clipping: the pieces of a line between two heights."""

from __future__ import annotations

import numpy as np

from imageregion._arrays import FloatArray

__all__ = ["clipped"]


def clipped(coords: FloatArray, away: FloatArray, low: float, high: float) -> list[FloatArray]:
    """Cut a line where its height leaves low < away <= high; pieces of at least two vertices.

    Examples
    --------
    >>> line = np.array([[0.0, 0, 0], [0, 0, 4]])
    >>> [piece.tolist() for piece in clipped(line, line[:, 2], 1.0, 2.0)]
    [[[0.0, 0.0, 1.0], [0.0, 0.0, 2.0]]]
    """
    step, rise = np.diff(coords, axis=0), np.diff(away)
    level = rise == 0
    slope = np.where(level, 1.0, rise)
    ends = np.sort([(low - away[:-1]) / slope, (high - away[:-1]) / slope], axis=0)
    enter, leave = np.clip(ends, 0.0, 1.0)
    inside = (away[:-1] > low) & (away[:-1] <= high)
    enter[level], leave[level] = 0.0, inside[level]
    kept = np.flatnonzero(enter < leave)
    starts = coords[:-1] + enter[:, None] * step
    stops = coords[:-1] + leave[:, None] * step
    breaks = np.flatnonzero((np.diff(kept) > 1) | (enter[kept[1:]] > 0)) + 1
    runs = [run for run in np.split(kept, breaks) if len(run)]
    return [np.concatenate([starts[run[:1]], stops[run]]) for run in runs]
