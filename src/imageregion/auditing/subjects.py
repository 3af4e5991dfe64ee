"""Subjects: a region on its images under chosen settings, and every number we have for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import read_only
from imageregion.elsewhere import destination, located_on
from imageregion.errors import ImageRegionError, PlacementError
from imageregion.frame import Frame
from imageregion.locate import Located, locate
from imageregion.measurement import RegionResult
from imageregion.region import Region
from imageregion.results import region_result, unmeasured_result
from imageregion.settings import Settings

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["Found", "FrameCache", "Numbers", "Subject", "find_subjects", "numbers_of"]

Numbers: TypeAlias = dict[tuple[str, str], tuple[float, str]]
"""(Measurement code, channel) -> (value, UCUM unit)."""

_MOST_BYTES = 2**28  # decoded pixels that are kept, 256 MiB


class FrameCache:
    """Decoded pixels of the frames used last, so that none is decoded twice in a row."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._kept: dict[object, NDArray[Any]] = {}
        self._most, self._bytes = most_bytes, 0
        self._lock = Lock()  # frames are decoded ahead in threads

    def frame(self, frame: Frame) -> Frame:
        """Return a frame whose pixels are decoded once; a tiled image stays as it is."""
        if frame.tiles is not None or isinstance(frame.load, _KeptLoader):
            return frame
        return replace(frame, load=_KeptLoader(self, frame.key, frame.load))

    def located(self, located: Located) -> Located:
        """Return a located region on such frames."""
        parts = tuple(replace(part, frame=self.frame(part.frame)) for part in located.parts)
        return replace(located, parts=parts)

    def get(self, key: object, load: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return the pixels of a frame, decoded when they are not at hand."""
        with self._lock:
            found = self._kept.pop(key, None)
            if found is not None:
                self._kept[key] = found
                return found
        found = read_only(load())
        with self._lock:
            before = self._kept.pop(key, None)
            self._kept[key] = found
            self._bytes += found.nbytes - (0 if before is None else before.nbytes)
            while self._bytes > self._most and len(self._kept) > 1:
                self._bytes -= self._kept.pop(next(iter(self._kept))).nbytes
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _KeptLoader:
    cache: FrameCache
    key: object
    load: Callable[[], NDArray[Any]]

    @property
    def reason(self) -> str:
        """Why the pixels must not be used, as the loader of the image says; empty else."""
        return str(getattr(self.load, "reason", ""))

    def __call__(self) -> NDArray[Any]:
        return self.cache.get(self.key, self.load)


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A region on the frames of one stack, and how it is to be measured.

    Parameters
    ----------
    region : Region
    located : Located
    images : Images
    settings : Settings
    """

    region: Region
    located: Located
    images: Images
    settings: Settings

    @property
    def frame(self) -> Frame:
        """The first of its frames, with the values that are measured."""
        return self.located.parts[0].frame

    def measured(self) -> RegionResult:
        """Measure it; of an image that cannot be decoded only what the shape says.

        Raises
        ------
        ImageRegionError
            Where it cannot be measured at all.
        """
        return region_result(self.region, self.located, self.images, self.settings)

    def sized(self) -> RegionResult:
        """Measure what the shape says, without pixels."""
        return unmeasured_result(self.region, self.settings, self.located)

    def with_settings(self, **changes: Any) -> Subject:
        """Return the same under other settings."""
        return replace(self, settings=replace(self.settings, **changes))

    def with_frames(self, change: Callable[[Frame], Frame]) -> Subject:
        """Return the same on frames that differ."""
        parts = tuple(replace(p, frame=change(p.frame)) for p in self.located.parts)
        return replace(self, located=replace(self.located, parts=parts))

    def with_region(self, region: Region) -> Subject:
        """Return another region in its place, on the same frames or where it lies in the patient.

        Raises
        ------
        ImageRegionError
            Where the other region lies on no image.
        """
        if region.shape is not None and region.shape.dimension == 3:
            found = locate(region, self.images)
            mine, series = self.located.dimensions, self.located.parts[0].frame.series
            here = [one for one in found if one.parts[0].frame.series == series]
            if not here:
                raise PlacementError(f"the other region lies on no image of series {series}")
            located = next((one for one in here if one.dimensions == mine), here[0])
            cached = [part.frame for part in self.located.parts]
            by_key = {frame.key: frame for frame in cached}
            parts = [replace(p, frame=by_key.get(p.frame.key, p.frame)) for p in located.parts]
            return replace(self, region=region, located=replace(located, parts=tuple(parts)))
        parts = [replace(p, shape=region.shape, lengths=None) for p in self.located.parts]
        return replace(self, region=region, located=replace(self.located, parts=tuple(parts)))


@dataclass(frozen=True, slots=True)
class Found:
    """The subjects that a region may be, or why there is none.

    Parameters
    ----------
    subjects : tuple of Subject
    reason : str
    """

    subjects: tuple[Subject, ...] = ()
    reason: str = ""


def find_subjects(
    region: Region,
    images: Images,
    settings: Settings,
    cache: FrameCache,
    *,
    instances: tuple[str, ...] = (),
    frame: int | None = None,
) -> Found:
    """Find a region on the images that an Observation names, or else on all it lies on.

    Parameters
    ----------
    region : Region
    images : Images
    settings : Settings
    cache : FrameCache
    instances : tuple of str
        SOP Instance UIDs of the images measured.
    frame : int, optional
        Number of the one frame measured.
    """
    try:
        found = _located(region, images, instances)
    except ImageRegionError as error:
        return Found(reason=str(error))
    exact = [one for one in found if _is_on(one[1], instances, frame)]
    return Found(
        tuple(Subject(moved, cache.located(one), images, settings) for moved, one in exact or found)
    )


def _located(
    region: Region, images: Images, instances: tuple[str, ...]
) -> list[tuple[Region, Located]]:
    """Locate a region where it was drawn, or on the other images that were measured."""
    known = [uid for uid in instances if images.of_instance(uid)]
    try:
        here = [(region, one) for one in locate(region, images)]
    except PlacementError:
        if not known:
            raise
        here = []
    used = {part.frame.instance for _, one in here for part in one.parts}
    if here and (not known or used & set(known)):
        return here
    on = known[0] if len(known) == 1 else images.of_instance(known[0])[0].series
    return list(located_on(region, images, destination(on, images)))


def _is_on(located: Located, instances: tuple[str, ...], frame: int | None) -> bool:
    if instances and {part.frame.instance for part in located.parts} != set(instances):
        return False
    return frame is None or [part.frame.number for part in located.parts] == [frame]


def numbers_of(result: RegionResult) -> Numbers:
    """Return the finite numbers of a result.

    Examples
    --------
    >>> numbers_of(RegionResult(Region(None, target=None), (), ()))
    {}
    """
    return {
        (m.code, m.channel): (float(m.value), m.unit)
        for m in result.measurements
        if m.value is not None and np.isfinite(m.value)
    }
