"""Multi-frame objects with functional groups: place, size and values of each frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from imageregion.dicom.files.headers import Header
from imageregion.dicom.placement.calibration import Calibration, spacing_of
from imageregion.dicom.placement.dimensions import DIMENSION_MACROS, dimensions_of, index_names
from imageregion.dicom.placement.groups import Groups
from imageregion.dicom.placement.places import Place, plane_of, plausible, thickness_of
from imageregion.dicom.real_values.values import values_of
from imageregion.errors import DicomError, Issue
from imageregion.plane import Plane

__all__ = ["grouped_fields"]

_FRAME_TYPES = (
    *("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence"),
    *("ParametricMapFrameTypeSequence", "XRay3DFrameTypeSequence"),
    *("XAXRFFrameCharacteristicsSequence", "USImageDescriptionSequence"),
    *("PhotoacousticImageFrameTypeSequence", "IntravascularOCTFrameTypeSequence"),
)
_PLACE = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
_SIZE = (
    *("PixelMeasuresSequence", "FramePixelDataPropertiesSequence", "XRayGeometrySequence"),
    "ProjectionPixelCalibrationSequence",
)
_VALUES = (
    *("PixelValueTransformationSequence", "RealWorldValueMappingSequence", "FrameVOILUTSequence"),
    "FramePixelDataPropertiesSequence",
)
_MOST_ISSUES = 20

Fields = dict[str, Any]
"""Fields of a `Frame`; "refusal" says why its pixels must not be used."""

_T = TypeVar("_T")


def grouped_fields(header: Header, count: int) -> tuple[list[Fields], tuple[Issue, ...]]:
    """Return what the functional groups say about each frame.

    What frames share is worked out once. A frame whose groups are malformed goes without a plane,
    or without pixels, and the reason is an issue.
    """
    try:
        groups = Groups(header, count)
    except DicomError as error:
        found = Issue("error", "functional-groups", header.uid, error.message)
        return [{"refusal": error.message} for _ in range(count)], (found,)
    frames = _Frames(header, groups, count)
    fields = [frames.fields(index) for index in range(count)]
    return fields, (*groups.issues, *frames.issues)


class _Frames:
    """Works out the fields of frames, and remembers what equal groups came to."""

    def __init__(self, header: Header, groups: Groups, count: int) -> None:
        self._header, self._groups, self._count = header, groups, count
        self._names = index_names(header)
        self._known: dict[Any, Any] = {}
        self._others: dict[Issue, None] = {}
        self._findings: dict[tuple[str, str], list[int]] = {}

    def fields(self, index: int) -> Fields:
        """Return the fields of the frame at `index`."""
        found: Fields = {}
        plane, reason = self._place(index)
        if reason:
            self._findings.setdefault(("no-plane", reason), []).append(index + 1)
        found["plane"] = plane
        found |= self._size(index, plane)
        try:
            found |= self._once(values_of, self._groups.header(index, *_VALUES, *_FRAME_TYPES))
        except DicomError as error:
            found["refusal"] = error.message
            self._findings.setdefault(("no-pixels", error.message), []).append(index + 1)
        try:
            header = self._groups.header(index, *DIMENSION_MACROS, *_FRAME_TYPES)
        except DicomError as error:
            self._findings.setdefault(("no-dimensions", error.message), []).append(index + 1)
        else:
            found["dimensions"] = self._once(self._dimensions, header)
        return found

    @property
    def issues(self) -> tuple[Issue, ...]:
        """Everything found, frames with the same finding named together."""
        uid, found = self._header.uid, list(self._others)
        for (code, reason), frames in list(self._findings.items())[:_MOST_ISSUES]:
            where = "" if len(frames) == self._count else f"{_named(frames)}: "
            found.append(Issue("warning", code, uid, where + reason))
        left = len(self._findings) - _MOST_ISSUES
        if left > 0:
            found.append(Issue("warning", "no-plane", uid, f"and {left} more findings like these"))
        return tuple(found)

    def _place(self, index: int) -> Place:
        """Return the plane of a frame; frames that differ in position only share the rest."""
        try:
            rest = self._groups.header(index, *_PLACE[1:], *_FRAME_TYPES)
            first: Plane | None = self._known.get(("plane", rest))
            if first is not None:
                position = self._groups.numbers(index, _PLACE[0], "ImagePositionPatient")
                if len(position) == 3:
                    return plausible((Plane(first.shape, position, first.axes), ""))
            header = self._groups.header(index, *_PLACE, *_FRAME_TYPES)
        except DicomError as error:
            return None, error.message
        place = plane_of(header, grouped=True)
        if place[0] is not None:
            self._known["plane", rest] = place[0]
        return place

    def _size(self, index: int, plane: Any) -> Fields:
        try:
            header = self._groups.header(index, *_SIZE, *_FRAME_TYPES)
        except DicomError:  # said with the plane
            return {}
        key = ("size", header, plane is None)
        if key not in self._known:
            calibration: Calibration = spacing_of(header, plane)
            self._others |= dict.fromkeys(calibration.issues)
            self._known[key] = {
                "spacing": calibration.spacing,
                "ultrasound": calibration.ultrasound,
                "thickness": thickness_of(header),
            }
        size: Fields = self._known[key]
        return size

    def _dimensions(self, header: Header) -> Any:
        return dimensions_of(header, self._names)

    def _once(self, derive: Callable[[Header], _T], header: Header) -> _T:
        """Derive something from a header, or tell what came of it before."""
        key = (derive.__name__, header)
        if key not in self._known:
            try:
                self._known[key] = derive(header)
            except DicomError as error:
                self._known[key] = error
        result: _T | DicomError = self._known[key]
        if isinstance(result, DicomError):
            raise result
        return result


def _named(numbers: Sequence[int]) -> str:
    """Name frames with their runs.

    Examples
    --------
    >>> _named([1, 2, 3, 7])
    'frames 1-3, 7'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    shown = ["-".join(map(str, run)) for run in runs[:8]]
    more = ", ..." if len(runs) > 8 else ""
    return f"{'frame' if len(numbers) == 1 else 'frames'} {', '.join(shown)}{more}"
