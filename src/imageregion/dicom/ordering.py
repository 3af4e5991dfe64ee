"""The order of frames: by place in the patient, never by InstanceNumber."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from imageregion.frame import Frame
from imageregion.stack import parallel_groups

__all__ = ["in_order"]


def in_order(frames: Iterable[Frame]) -> tuple[Frame, ...]:
    """Sort frames by study and series; within a series by orientation, then position.

    Frames without a plane follow, by SOP Instance UID, frame number and dimensions.
    """
    series: dict[tuple[str, str], list[Frame]] = defaultdict(list)
    for frame in sorted(frames, key=lambda frame: frame.key):
        series[frame.study, frame.series].append(frame)
    return tuple(frame for key in sorted(series) for frame in _in_series(series[key]))


def _in_series(frames: list[Frame]) -> list[Frame]:
    placed = [(frame, frame.plane) for frame in frames if frame.plane is not None]
    unplaced = [frame for frame in frames if frame.plane is None]
    groups = [
        [placed[i] for i in group] for group in parallel_groups([plane for _, plane in placed])
    ]
    groups.sort(key=lambda group: tuple(group[0][1].normal.tolist()))
    return [frame for group in groups for frame, _ in group] + unplaced
