"""Regions of ultrasound images that have a calibration of their own (DICOM PS3.3 C.8.5.5)."""

from __future__ import annotations

from typing import Any

from pydicom import Dataset

from imageregion.dicom.files.headers import Header, integer, items, numbers
from imageregion.errors import DicomError, Issue
from imageregion.spacing import Spacing, UltrasoundRegion

__all__ = ["regions_of"]

_MOST = 256  # regions of one image; screens show a handful
_CENTIMETRES = 3  # Physical Units X and Y Direction, C.8.5.5.1.15
_MM_PER_CM = 10.0
_SMALLEST, _LARGEST = 1e-6, 1e3  # mm per pixel
_LOW_PRIORITY = 1  # bit 0 of Region Flags, C.8.5.5.1.3
_FORMATS = {0: "other", 1: "2D", 2: "M-mode", 3: "spectral", 4: "waveform", 5: "graphics"}
_NEVER_LENGTHS = (2, 3, 4)  # time runs along at least one axis, C.8.5.5.1.1


def regions_of(header: Header) -> tuple[tuple[UltrasoundRegion, ...], tuple[Issue, ...]]:
    """Read SequenceOfUltrasoundRegions.

    Minimum and maximum are columns and rows counted from 0, the maximum included (C.8.5.5.1.14);
    they become the outer corners of these pixels. Deltas are cm per pixel where the unit is 3, and
    may be negative, which says in which direction the axis runs.

    Returns
    -------
    regions : tuple of UltrasoundRegion
        In the order of the sequence. One without lengths along both axes has no spacing.
    issues : tuple of Issue
        Regions left out, cut at the border of the image, or without a usable calibration.

    Examples
    --------
    >>> from imageregion.dicom.files.headers import read_dataset
    >>> image, region = Dataset(), Dataset()
    >>> image.Rows, image.Columns, image.SequenceOfUltrasoundRegions = 480, 640, [region]
    >>> region.RegionLocationMinX0, region.RegionLocationMinY0 = 100, 50
    >>> region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 599, 449
    >>> region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    >>> region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, -0.03
    >>> (found,), _ = regions_of(read_dataset(image, "image"))
    >>> found.right, found.bottom, found.spacing
    (600, 450, Spacing(rows=0.3, columns=0.2, source='ultrasound'))
    """
    uid = header.uid or header.name
    try:
        found = items(header.dataset, "SequenceOfUltrasoundRegions")
        if len(found) > _MOST:
            raise DicomError(uid, f"expected at most {_MOST} regions, got {len(found)}")
        size = _size(header.dataset, uid) if found else (0, 0)
    except Exception as error:
        message = f"SequenceOfUltrasoundRegions: {_reason(error)}"
        return (), (Issue("warning", "bad-ultrasound-region", uid, message),)
    regions: list[UltrasoundRegion] = []
    issues: list[Issue] = []
    for number, item in enumerate(found, 1):
        where = f"SequenceOfUltrasoundRegions[{number}]"
        try:
            region, remark = _region(item, number, size, uid)
            regions.append(region)
        except Exception as error:
            remark = f"{_reason(error)}; the region is left out"
        if remark:
            issues.append(Issue("warning", "bad-ultrasound-region", uid, f"{where}: {remark}"))
    return tuple(regions), tuple(issues)


def _reason(error: Exception) -> str:
    """Say what is wrong: one of our errors, or whatever pydicom raises on damaged values."""
    return error.message if isinstance(error, DicomError) else f"cannot be read: {error}"


def _size(dataset: Dataset, uid: str) -> tuple[int, int]:
    return integer(dataset, "Rows", uid), integer(dataset, "Columns", uid)


def _region(
    item: Any, number: int, size: tuple[int, int], uid: str
) -> tuple[UltrasoundRegion, str]:
    if not isinstance(item, Dataset):
        raise DicomError(uid, f"expected an item, got {type(item).__name__}")
    left, top = _place(item, "Min", 0, uid)
    right, bottom = (end + 1 for end in _place(item, "Max", 1, uid))
    rows, columns = size
    if not (0 <= left < min(right, columns) and 0 <= top < min(bottom, rows)):
        raise DicomError(
            uid,
            f"expected a place within {columns} columns and {rows} rows, got columns {left} to "
            f"{right - 1} and rows {top} to {bottom - 1}",
        )
    remark = ""
    if right > columns or bottom > rows:
        remark = f"reaches to {right}, {bottom}, beyond {columns} columns and {rows} rows; cut"
        right, bottom = min(right, columns), min(bottom, rows)
    form = integer(item, "RegionSpatialFormat", uid, default=0)
    spacing, reason = _spacing(item, form, uid)
    region = UltrasoundRegion(
        left,
        top,
        right,
        bottom,
        spacing,
        f"{_FORMATS.get(form, 'other')} region {number}",
        not integer(item, "RegionFlags", uid, default=0) & _LOW_PRIORITY,
    )
    return region, "; ".join(part for part in (remark, reason) if part)


def _place(item: Dataset, end: str, index: int, uid: str) -> tuple[int, int]:
    x, y = (integer(item, f"RegionLocation{end}{axis}{index}", uid) for axis in "XY")
    return x, y


def _spacing(item: Dataset, form: int, uid: str) -> tuple[Spacing | None, str]:
    """Return the spacing of a region; None where its axes are no lengths, with what is wrong."""
    try:
        units = [integer(item, f"PhysicalUnits{axis}Direction", uid) for axis in "XY"]
        if units != [_CENTIMETRES, _CENTIMETRES]:
            return None, ""
        if form in _NEVER_LENGTHS:
            return None, f"a {_FORMATS[form]} region cannot have cm along both axes"
        deltas = [value for axis in "XY" for value in numbers(item, f"PhysicalDelta{axis}", uid)]
    except Exception as error:
        return None, _reason(error)
    lengths = [abs(delta) * _MM_PER_CM for delta in deltas]
    if len(lengths) != 2 or not all(_SMALLEST <= length <= _LARGEST for length in lengths):
        got = "\\".join(f"{delta:g}" for delta in deltas[:4]) or "nothing"
        return None, f"PhysicalDeltaX, PhysicalDeltaY: expected two lengths in cm, got {got}"
    return Spacing(lengths[1], lengths[0], "ultrasound"), ""
