"""Locate: the frames a region lies on, and its shape in the pixels of each; no pixel is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageregion._arrays import FloatArray
from imageregion.errors import GeometryError, ImageRegionError, Issue, PlacementError
from imageregion.frame import Frame
from imageregion.project import place, share_between
from imageregion.region import Region
from imageregion.shapes import Shape
from imageregion.stack import missing_between, parallel_groups, same_position, slabs

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = [
    "Located",
    "Part",
    "Space",
    "instance_issues",
    "locate",
    "owned_space",
]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A region on one frame.

    Parameters
    ----------
    frame : Frame
    shape : Shape or None
        In pixels of the frame; None stands for all of it.
    distance : float, optional
        How far a 3-D shape lies from the plane of the frame, mm.
    lengths : ndarray, optional
        Of the segments of a 3-D line in the patient, mm.
    """

    frame: Frame
    shape: Shape | None
    distance: float | None = None
    lengths: FloatArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """A region on the frames of one stack, in order along its normal.

    Parameters
    ----------
    parts : tuple of Part
    share : float
        Share of a 3-D shape that lies between the first and the last plane.
    """

    parts: tuple[Part, ...]
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Space:
    """The space that frames own along the normal of their stack.

    Parameters
    ----------
    thickness : tuple of float
        Of each frame, mm.
    missing : bool
        Whether slices are missing between the first and the last of them.
    """

    thickness: tuple[float, ...]
    missing: bool


def locate(region: Region, images: Images) -> tuple[Located, ...]:
    """Find the frames a region lies on.

    Parameters
    ----------
    region : Region
        2-D regions are found by SOP Instance UID and frame number, 3-D regions by frame of
        reference, and by series when one is named.
    images : Images

    Returns
    -------
    tuple of Located
        One per frame for 2-D regions, one per stack of parallel planes for 3-D regions, one for
        the whole series when no instance is named.

    Raises
    ------
    PlacementError, DicomError
        When an image is missing, ambiguous, or none of them meets the region.
    """
    if region.shape is not None and region.shape.dimension == 3:
        return _in_patient(region, region.shape, images)
    frames = images.find(region.target)
    if region.shape is None and not region.target.instance:
        return (Located(tuple(Part(frame, None) for frame in frames)),)
    return tuple(Located((Part(frame, region.shape),)) for frame in frames)


def owned_space(frames: Sequence[Frame], images: Images) -> Space | None:
    """Return the space each frame owns in its series.

    None where the frames are no stack: without planes, of several orientations, or at one position.
    """
    first = frames[0]
    if any(frame.plane is None for frame in frames) or not first.frame_of_reference:
        return None
    series = images.stacks(first.frame_of_reference, first.series)[first.series]
    for stack in _stacks(series):
        place = {(frame.instance, frame.number): i for i, frame in enumerate(stack)}
        if all((frame.instance, frame.number) in place for frame in frames):
            used = [place[frame.instance, frame.number] for frame in frames]
            return _space(stack, used)
    return None


def _space(stack: list[Frame], used: list[int]) -> Space | None:
    planes = [frame.plane for frame in stack if frame.plane is not None]
    stated = stack[0].thickness
    number = same_position(planes, stated)[used]
    owned = slabs(planes, stated).sum(axis=1)[used]
    if len(set(number.tolist())) < len(used) or not owned.all():
        return None
    between = missing_between(planes, stated)[number.min() : number.max()]
    return Space(tuple(float(value) for value in owned), bool(between.any()))


def instance_issues(region: Region, found: Sequence[Located], images: Images) -> list[Issue]:
    """Warn when a 3-D region lies on other images than the instance it is written under."""
    named = region.target.instance
    if region.shape is None or region.shape.dimension == 2 or not named:
        return []
    used = {part.frame.instance for located in found for part in located.parts}
    if named in used or not any(frame.instance == named for frame in images.frames):
        return []
    where = next(iter(used)) if len(used) == 1 else f"{len(used)} others"
    message = f"written under instance {named}, but it lies on {where}; measured where it lies"
    return [Issue("warning", "other-instance", region.path, message)]


def _stacks(frames: tuple[Frame, ...]) -> list[list[Frame]]:
    placed = [frame for frame in frames if frame.plane is not None]
    groups = parallel_groups([frame.plane for frame in placed if frame.plane is not None])
    return [[placed[i] for i in group] for group in groups]


def _in_patient(region: Region, shape: Shape, images: Images) -> tuple[Located, ...]:
    target = region.target
    found: list[Located] = []
    reasons: list[ImageRegionError] = []
    count = 0
    for frames in images.stacks(target.frame_of_reference, target.series).values():
        for stack in _stacks(frames):
            count += len(stack)
            try:
                located = _on_stack(shape, stack, target.instance)
            except (PlacementError, GeometryError) as reason:
                reasons.append(reason)
                continue
            if located.parts:
                found.append(located)
    if not found and reasons:
        raise reasons[0]
    if not found:
        raise PlacementError(f"the region meets none of the {count} image planes")
    return tuple(found)


def _on_stack(shape: Shape, stack: list[Frame], instance: str) -> Located:
    planes = [frame.plane for frame in stack if frame.plane is not None]
    named = [i for i, frame in enumerate(stack) if instance and frame.instance == instance]
    prefer = named[0] if len(named) == 1 else None
    placements = place(shape, planes, stack[0].thickness, prefer)
    parts = tuple(Part(stack[p.index], p.shape, p.distance, p.lengths) for p in placements)
    return Located(parts, share_between(shape, planes, stack[0].thickness))
