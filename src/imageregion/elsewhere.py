"""Elsewhere: regions drawn on one image and measured on others, as on the PET of a PET/CT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imageregion.errors import InputError, PlacementError
from imageregion.frame import Frame
from imageregion.locate import Located, Part, locate
from imageregion.region import Region
from imageregion.transfer import to_patient

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["Destination", "destination", "located_on"]


@dataclass(frozen=True, slots=True)
class Destination:
    """The images to measure on.

    Parameters
    ----------
    series : tuple of str
        Series Instance UIDs, of one frame of reference each.
    instance : str
        SOP Instance UID when only one instance is meant.
    """

    series: tuple[str, ...]
    instance: str = ""

    def holds(self, frame: Frame) -> bool:
        """Tell whether a frame is among them."""
        return frame.series in self.series and self.instance in ("", frame.instance)


def destination(on: str, images: Images) -> Destination:
    """Find the images that a name stands for.

    Parameters
    ----------
    on : str
        SOP Instance UID, Series Instance UID, or DICOM modality, e.g. "PT".
    images : Images

    Raises
    ------
    InputError
        When the images hold no such name, or several series of the modality share a frame of
        reference; the message lists the series.

    Examples
    --------
    >>> import numpy as np
    >>> from imageregion.dicom.images import Images
    >>> frame = Frame.from_array(np.zeros((2, 2)), series="1.2", instance="1.2.3", modality="PT")
    >>> destination("PT", Images([frame]))
    Destination(series=('1.2',), instance='')
    """
    if found := images.of_instance(on):
        return Destination((found[0].series,), on)
    if on and images.of_series(on):
        return Destination((on,))
    named = [uid for uid in images.series if images.of_series(uid)[0].modality == on.upper()]
    if not named or not on:
        raise InputError(
            f"on: expected a SOP Instance UID, a Series Instance UID or a modality of the images, "
            f"got {on!r}; there is {_listed(images.series, images)}"
        )
    placed = [uid for uid in named if any(f.plane is not None for f in images.of_series(uid))]
    by_reference: dict[str, list[str]] = {}
    for uid in placed or named:
        by_reference.setdefault(images.of_series(uid)[0].frame_of_reference, []).append(uid)
    for reference, several in by_reference.items():
        if len(several) > 1:
            raise InputError(
                f"on: expected one series of modality {on} in frame of reference "
                f"{reference or '(none)'}, got {_listed(several, images)}; name the Series "
                "Instance UID"
            )
    return Destination(tuple(uid for several in by_reference.values() for uid in several))


def _listed(series: tuple[str, ...] | list[str], images: Images) -> str:
    names = [f"{uid or '(no UID)'} ({images.of_series(uid)[0].modality or '?'})" for uid in series]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"series {', '.join(names[:10])}{more}"


def located_on(
    region: Region, images: Images, there: Destination
) -> Iterator[tuple[Region, Located]]:
    """Take a region to the images it is to be measured on, and find it there.

    Yields
    ------
    region : Region
        As it is where it was drawn on these images, or lies in the patient; else in the patient,
        with a note of where it was drawn.
    located : Located
        Its frames, found by the rules of `locate`: a flat region lies on the nearest plane, when
        that is parallel and owns the space it is in.

    Raises
    ------
    PlacementError, DicomError
        When it cannot be taken there; across frames of reference the message holds both UIDs.
    """
    if region.shape is not None and region.shape.dimension == 3:
        yield from ((region, found) for found in _in_patient(region, images, there))
        return
    if region.shape is None and not region.target.instance:
        raise PlacementError("a region that stands for a whole series cannot be moved to another")
    moved: list[Frame] = []
    for frame in images.find(region.target):
        if there.holds(frame):
            yield region, Located((Part(frame, region.shape),))
        elif not any(_same_place(frame, other) for other in moved):
            moved.append(frame)
    for frame in moved:
        taken = to_patient(region, frame)
        yield from ((taken, found) for found in _in_patient(taken, images, there))


def _same_place(frame: Frame, other: Frame) -> bool:
    """Tell whether two frames show the same place: time points, echoes, optical paths."""
    one, two = frame.plane, other.plane
    if one is None or two is None:
        return False
    return (
        frame.frame_of_reference == other.frame_of_reference
        and one.origin.tolist() == two.origin.tolist()
        and one.axes.tolist() == two.axes.tolist()
    )


def _in_patient(region: Region, images: Images, there: Destination) -> tuple[Located, ...]:
    reference = region.target.frame_of_reference
    if not reference:
        raise PlacementError("a 3-D region needs a Frame of Reference UID, none is given")
    shared = [
        uid
        for uid in there.series
        if any(frame.frame_of_reference == reference for frame in images.of_series(uid))
    ]
    if not shared:
        others = {f.frame_of_reference for uid in there.series for f in images.of_series(uid)}
        raise PlacementError(
            f"the region has frame of reference {reference}, {_listed(there.series, images)} has "
            f"{', '.join(sorted(uid or '(none)' for uid in others))}; expected one and the same"
        )
    target = replace(region.target, series=shared[0])
    return locate(replace(region, target=target), images, only=there.instance)
