"""Two objects under one SOP Instance UID: a copy, or two different images that share a name."""

from __future__ import annotations

import filecmp
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imageregion.dicom.reading import Outcome
from imageregion.errors import DicomError, Issue
from imageregion.frame import Frame
from imageregion.plane import Plane
from imageregion.quantities import RealWorldMap, TableMap, ValueMap

__all__ = ["settle_duplicates"]

_COMPARED = (
    *("shape", "unit", "padding", "inverted", "study", "series", "number", "modality"),
    *("frame_of_reference", "thickness", "channels", "dimensions", "spacing", "ultrasound"),
)


def settle_duplicates(
    outcomes: Sequence[Outcome],
) -> tuple[list[Outcome], list[Issue], dict[str, str]]:
    """Keep one of equal images, and none of different images that share a UID.

    Returns
    -------
    kept : list of Outcome
        In their order.
    issues : list of Issue
        "duplicate" (information) and "duplicate-uid" (error).
    refused : dict of str to str
        UID to reason, for the images left out because of a clash.
    """
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[outcome.uid].append(outcome)
    kept: list[Outcome] = []
    issues: list[Issue] = []
    refused: dict[str, str] = {}
    for uid, (first, *others) in groups.items():
        clashes = ((other, why) for other in others if (why := _difference(first, other)))
        clash = next(clashes, None)
        if clash is not None:
            names = f"{first.entry.name} and {clash[0].entry.name}"
            reason = f"{names} have this SOP Instance UID and {clash[1]}"
            refused[uid] = reason
            issues.append(Issue("error", "duplicate-uid", uid, f"{reason}; both are left out"))
            continue
        kept.append(first)
        for other in others:
            message = f"{other.entry.name} is a copy of {first.entry.name}"
            issues.append(Issue("information", "duplicate", uid, message))
    return kept, issues, refused


def _difference(first: Outcome, second: Outcome) -> str:
    """Say in what two objects differ; empty when nothing a measurement depends on does."""
    one, two = first.entry.item, second.entry.item
    if one is two or (isinstance(one, Path) and isinstance(two, Path) and _is_copy(one, two)):
        return ""
    if len(first.frames) != len(second.frames):
        return "different numbers of frames"
    pairs = list(zip(first.frames, second.frames, strict=True))
    if not all(_is_same_header(a, b) for a, b in pairs):
        return "different headers"
    try:
        same = all(_has_same_pixels(a, b) for a, b in pairs)
    except DicomError as error:
        return f"pixels that cannot be compared ({error.message})"
    return "" if same else "different pixels"


def _is_copy(one: Path, two: Path) -> bool:
    try:
        return filecmp.cmp(one, two, shallow=False)
    except OSError:
        return False


def _has_same_pixels(one: Frame, two: Frame) -> bool:
    """Compare stored values; of slides tile by tile."""
    if one.tiles is None or two.tiles is None:
        return one.tiles is two.tiles and np.array_equal(one.stored, two.stored)
    return np.array_equal(one.tiles.corners, two.tiles.corners) and all(
        np.array_equal(one.tiles.load(index), two.tiles.load(index))
        for index in range(len(one.tiles.corners))
    )


def _is_same_header(one: Frame, two: Frame) -> bool:
    return (
        all(getattr(one, name) == getattr(two, name) for name in _COMPARED)
        and _is_same_plane(one.plane, two.plane)
        and _is_same_map(one.value_map, two.value_map)
    )


def _is_same_plane(one: Plane | None, two: Plane | None) -> bool:
    if one is None or two is None:
        return one is two
    return np.array_equal(one.origin, two.origin) and np.array_equal(one.axes, two.axes)


def _is_same_map(one: ValueMap, two: ValueMap) -> bool:
    if isinstance(one, RealWorldMap) and isinstance(two, RealWorldMap):
        ends = (one.first, one.last), (two.first, two.last)
        return ends[0] == ends[1] and _is_same_map(one.inner, two.inner)
    if isinstance(one, TableMap) and isinstance(two, TableMap):
        return one.first == two.first and np.array_equal(one.table, two.table)
    return one == two
