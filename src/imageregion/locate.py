"""Locate: the frames a region lies on, and its shape in the pixels of each; no pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from imageregion.errors import GeometryError, ImageRegionError, PlacementError
from imageregion.frame import Frame
from imageregion.project import parallel_groups, place, share_between, slabs
from imageregion.region import Region
from imageregion.shapes import Shape

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["Located", "Part", "locate", "outside_image", "owned_thickness"]


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
    """

    frame: Frame
    shape: Shape | None
    distance: float | None = None


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


def outside_image(shape: Shape, frame: Frame) -> Literal["", "partly", "wholly"]:
    """Tell from its bounds whether a shape in pixels leaves the frame."""
    low, high = shape.bounds
    rows, columns = frame.shape
    if (high < 0).any() or low[0] > columns or low[1] > rows:
        return "wholly"
    return "" if (low >= 0).all() and high[0] <= columns and high[1] <= rows else "partly"


def owned_thickness(frames: list[Frame], images: Images) -> list[float] | None:
    """Return the millimetres each frame owns along the normal, None where they are no stack."""
    first = frames[0]
    if any(frame.plane is None for frame in frames) or not first.frame_of_reference:
        return None
    series = images.stacks(first.frame_of_reference, first.series)[first.series]
    for stack in _stacks(series):
        keys = [(frame.instance, frame.number) for frame in stack]
        if all((frame.instance, frame.number) in keys for frame in frames):
            planes = [frame.plane for frame in stack if frame.plane is not None]
            owned = slabs(planes, first.thickness).sum(axis=1)
            found = [float(owned[keys.index((f.instance, f.number))]) for f in frames]
            return found if all(found) else None
    return None


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
    parts = tuple(Part(stack[p.index], p.shape, p.distance) for p in placements)
    return Located(parts, share_between(shape, planes, stack[0].thickness))
