"""Locate: the frames a region lies on, and its shape in the pixels of each; no pixel is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.errors import GeometryError, ImageRegionError, Issue, PlacementError
from imageregion.frame import Frame
from imageregion.project import Placement, place_on
from imageregion.region import Region
from imageregion.shapes import Shape
from imageregion.share import share_of
from imageregion.stack import pixel_size
from imageregion.volume import Volume

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
    dimensions : tuple of (str, str)
        What tells these frames from those of the other stacks that the region lies on; see
        `Frame.dimensions`.
    """

    parts: tuple[Part, ...]
    share: float = 1.0
    dimensions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Space:
    """The space that frames own along the normal of their stack.

    Parameters
    ----------
    thickness : tuple of float
        Of each frame, mm.
    missing : bool
        Whether slices are missing between the first and the last of them.
    skipped : bool
        Whether there are other slices between the first and the last of them.
    """

    thickness: tuple[float, ...]
    missing: bool
    skipped: bool = False


def locate(region: Region, images: Images, *, only: str = "") -> tuple[Located, ...]:
    """Find the frames a region lies on.

    Parameters
    ----------
    region : Region
        2-D regions are found by SOP Instance UID and frame number, 3-D regions by frame of
        reference, and by series when one is named. Where a 3-D region could lie on several images
        at one position (time points, echoes, b-values, ...), those that its target names by
        instance and frame number are taken, or else all.
    images : Images
    only : str
        SOP Instance UID; a 3-D region is looked for on the frames of this instance alone.

    Returns
    -------
    tuple of Located
        One per frame for 2-D regions; one per stack of parallel planes, and of each time point,
        echo, ..., for 3-D regions; one for the whole series when no instance is named, of slides
        one per level.

    Raises
    ------
    PlacementError, DicomError
        When an image is missing, ambiguous, or none of them meets the region.
    """
    if region.shape is not None and region.shape.dimension == 3:
        return _told_apart(_in_patient(region, region.shape, images, only))
    frames = images.find(region.target)
    matrices = any(frame.tiles is not None for frame in frames)  # levels are no stack
    if region.shape is None and not region.target.instance and not matrices:
        return (Located(tuple(Part(frame, None) for frame in frames)),)
    return _told_apart(tuple(Located((Part(frame, region.shape),)) for frame in frames))


def _told_apart(found: tuple[Located, ...]) -> tuple[Located, ...]:
    """Name the dimensions that are one within every stack and not the same in all of them."""
    if len(found) < 2:
        return found
    known = [
        [dict(part.frame.dimensions) for part in located.parts if part.frame.dimensions]
        for located in found
    ]
    shared = [
        {k: v for k, v in (each[0].items() if each else ()) if all(e.get(k) == v for e in each)}
        for each in known
    ]
    differing = {
        keyword: None
        for entries in shared
        for keyword, value in entries.items()
        if any(other.get(keyword) != value for other in shared)
    }
    return tuple(
        replace(located, dimensions=tuple((k, mine[k]) for k in differing if k in mine))
        for located, mine in zip(found, shared, strict=True)
    )


def owned_space(frames: Sequence[Frame], images: Images) -> Space | None:
    """Return the space each frame owns in its series.

    None where the frames are no stack: without planes, of several orientations, or at one position.
    """
    first = frames[0]
    if any(frame.plane is None for frame in frames) or not first.frame_of_reference:
        return None
    groups = images.volumes_in(first.frame_of_reference, first.series)[first.series]
    for volume in (part for parts in groups for part in parts):
        used = [volume.index(frame) for frame in frames]
        known = [index for index in used if index is not None]
        if len(known) == len(used):
            return _space(volume, known)
    return None


def _space(volume: Volume, used: list[int]) -> Space | None:
    stack = volume.stack
    number = stack.number[used]
    owned = stack.owned[used].sum(axis=1)
    if len(set(number.tolist())) < len(used) or not owned.all():
        return None
    between = stack.missing[number.min() : number.max()]
    skipped = bool((np.diff(np.sort(number)) > 1).any())
    return Space(tuple(float(value) for value in owned), bool(between.any()), skipped)


def instance_issues(region: Region, found: Sequence[Located], images: Images) -> list[Issue]:
    """Warn when a 3-D region lies on other images than the instance it is written under."""
    named = region.target.instance
    if region.shape is None or region.shape.dimension == 2 or not named:
        return []
    used = {part.frame.instance for located in found for part in located.parts}
    if named in used or not images.of_instance(named):
        return []
    where = next(iter(used)) if len(used) == 1 else f"{len(used)} others"
    message = f"written under instance {named}, but it lies on {where}; measured where it lies"
    return [Issue("warning", "other-instance", region.path, message)]


def _in_patient(region: Region, shape: Shape, images: Images, only: str) -> tuple[Located, ...]:
    target = region.target
    found: list[Located] = []
    reasons: list[ImageRegionError] = []
    count = 0
    for groups in images.volumes_in(target.frame_of_reference, target.series).values():
        for group in groups:
            candidates = _candidates(group, region, only)
            count += sum(len(wanted) if only else len(volume) for volume, wanted in candidates)
            here = _on_volumes(shape, candidates, reasons, strict=bool(only))
            _check_levels(here)
            found += [located for _, located in here]
    if not found and reasons:
        raise reasons[0]
    if only and not count:
        raise PlacementError(
            f"image {only} has no plane in frame of reference {target.frame_of_reference}"
        )
    if not found:
        raise PlacementError(f"the region meets none of the {count} image planes")
    return tuple(found)


def _candidates(
    group: Sequence[Volume], region: Region, only: str
) -> list[tuple[Volume, tuple[int, ...]]]:
    """Volumes of one orientation that a region may lie on, each with the frames named in it."""
    target = region.target
    frames = target.frames if only in ("", target.instance) else ()
    named = [(volume, volume.indices(only or target.instance, frames)) for volume in group]
    if only or any(indices for _, indices in named):
        return [(volume, indices) for volume, indices in named if indices]
    return named


def _on_volumes(
    shape: Shape,
    candidates: Sequence[tuple[Volume, tuple[int, ...]]],
    reasons: list[ImageRegionError],
    strict: bool,
) -> list[tuple[Volume, Located]]:
    """Place a shape on each volume, or add why not; of a strict choice only named frames count."""
    found: list[tuple[Volume, Located]] = []
    known: dict[tuple[int, tuple[int, ...]], _Placed | ImageRegionError] = {}
    for volume, wanted in candidates:
        key = id(volume.stack), wanted
        if key not in known:  # time points lie on the same planes
            known[key] = _placed(shape, volume, wanted, strict)
        placed = known[key]
        if isinstance(placed, ImageRegionError):
            reasons.append(placed)
        elif placed[0]:
            parts = tuple(
                Part(volume.frames[p.index], p.shape, p.distance, p.lengths) for p in placed[0]
            )
            found.append((volume, Located(parts, placed[1])))
    return found


_Placed = tuple[tuple[Placement, ...], float]


def _placed(
    shape: Shape, volume: Volume, wanted: tuple[int, ...], strict: bool
) -> _Placed | ImageRegionError:
    try:
        placements = place_on(shape, volume.stack, wanted)
    except (PlacementError, GeometryError) as reason:
        return reason
    if strict:
        placements = tuple(p for p in placements if p.index in wanted)
        if not placements:
            instance = volume.frames[wanted[0]].instance
            return PlacementError(f"the region does not lie on image {instance}")
    return placements, share_of(shape, volume.stack)


def _check_levels(found: Sequence[tuple[Volume, Located]]) -> None:
    """Refuse images at one position that differ by nothing but resolution, as in a pyramid."""
    levels: dict[tuple[tuple[str, str], ...], dict[str, Frame]] = {}
    for volume, located in found:
        size = pixel_size(volume.stack.planes[0])
        levels.setdefault(volume.dimensions, {}).setdefault(size, located.parts[0].frame)
    for same in levels.values():
        if len(same) > 1:
            listed = "; ".join(
                f"{frame.instance}, {frame.shape[0]} x {frame.shape[1]} pixels of {size}"
                for size, frame in same.items()
            )
            raise PlacementError(
                f"images of several pixel sizes lie at one position (levels of a pyramid?): "
                f"{listed}; expected a region whose instance.uid names one of them, or the one to "
                "measure on"
            )
