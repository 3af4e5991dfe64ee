"""Missing: why a region lies on no image, as one of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imageregion.errors import ImageRegionError, Issue, PlacementError
from imageregion.region import Region, Target

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["why_not_located"]

_PRESENT = ("several", "not parallel")
"""In messages of `locate` about regions that do meet images, but cannot be measured there."""


def why_not_located(region: Region, images: Images, error: ImageRegionError) -> Issue:
    """Turn the error of `locate` into an issue whose code tells the reason.

    Parameters
    ----------
    region : Region
    images : Images
    error : ImageRegionError
        What `locate` raised.
    """
    solid = region.shape is not None and region.shape.dimension == 3
    code = _why_solid(region, images, error) if solid else _why_flat(region.target, images)
    message = str(error)
    if code == "frame-missing":
        message = _missing_frames(region.target, images) or message
    return Issue("error", code, region.path, message)


def _why_flat(target: Target, images: Images) -> str:
    if target.instance:
        if target.instance in images.others:
            return "not-located"
        return "frame-missing" if images.of_instance(target.instance) else "instance-missing"
    return "not-located" if target.series in images.series else "instance-missing"


def _missing_frames(target: Target, images: Images) -> str:
    """Name every frame that is not there, not only the first."""
    found = images.of_instance(target.instance)
    tiles = found[0].tiles
    if tiles is not None:
        return ""
    present = {frame.number for frame in found}
    missing = [str(number) for number in target.frames if number not in present]
    if not missing:
        return ""
    more = f" and {len(missing) - 10} more" if len(missing) > 10 else ""
    plural = "s" * (len(present) != 1)
    return (
        f"image {target.instance} has {len(present)} frame{plural}, "
        f"there is no frame {', '.join(missing[:10])}{more}"
    )


def _why_solid(region: Region, images: Images, error: ImageRegionError) -> str:
    target = region.target
    try:
        images.stacks(target.frame_of_reference, target.series)
    except PlacementError:
        if target.series and not images.of_series(target.series):
            return "instance-missing"
        known = {frame.frame_of_reference for frame in images.frames}
        if target.series:
            known = {frame.frame_of_reference for frame in images.of_series(target.series)}
        return "not-located" if target.frame_of_reference in known else "wrong-frame-of-reference"
    is_away = isinstance(error, PlacementError) and not any(w in str(error) for w in _PRESENT)
    return "off-planes" if is_away else "not-located"
