"""The order of frames: by place in the patient, never by InstanceNumber."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.frame import Frame

__all__ = ["in_order"]

_SAME_DIRECTION = 1e-3  # normals of slices of one stack differ by rounding only


def in_order(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    """Sort frames by study and series; within a series by orientation, then position.

    Frames without a plane follow, by SOP Instance UID, frame number and dimensions.
    """
    series: dict[tuple[str, str], list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: frame.key):
        series[frame.study, frame.series].append(frame)
    return tuple(frame for key in sorted(series) for frame in _in_series(series[key]))


def _in_series(frames: list[Frame]) -> list[Frame]:
    groups: list[tuple[FloatArray, list[tuple[float, Frame]]]] = []
    unplaced: list[Frame] = []
    for frame in frames:
        if frame.plane is None:
            unplaced.append(frame)
            continue
        normal, origin = frame.plane.normal, frame.plane.origin
        for direction, members in groups:
            if np.abs(direction - normal).max() < _SAME_DIRECTION:
                members.append((float(direction @ origin), frame))
                break
        else:
            groups.append((normal, [(float(normal @ origin), frame)]))
    groups.sort(key=lambda group: tuple(group[0].tolist()))
    placed = [
        frame for _, members in groups for _, frame in sorted(members, key=lambda item: item[0])
    ]
    return placed + unplaced
