"""Frames of one DICOM object: from its header to `Frame` values, pixels left for later."""

from __future__ import annotations

from typing import Any

from pydicom.uid import DeflatedExplicitVRLittleEndian

from imageregion.dicom.calibration import spacing_of
from imageregion.dicom.headers import Header, integer, items, numbers, text
from imageregion.dicom.pixels import PixelCache, PixelLoader, Refusal, Samples
from imageregion.dicom.values import values_of
from imageregion.errors import DicomError, ImageRegionError, Issue
from imageregion.frame import Frame
from imageregion.plane import Plane

__all__ = ["frames_of", "is_image"]

_MAX_FRAMES = 200_000
_MAX_FRAME_BYTES = 256 * 2**20  # beyond this a compressed frame must look plausible
_MAX_RATIO = 1000
_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_PROJECTIONS = {"CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA"}


def is_image(header: Header) -> bool:
    """Tell images from other DICOM objects: structure sets, reports, plans, directories."""
    dataset = header.dataset
    return bool(
        items(dataset, "Rows")
        or items(dataset, "Columns")
        or (header.pixel_bytes and header.syntax != DeflatedExplicitVRLittleEndian)
        or "Image Storage" in header.kind
    )


def frames_of(header: Header, cache: PixelCache) -> tuple[tuple[Frame, ...], tuple[Issue, ...]]:
    """Make the frames of one image, and say what is not as it should be.

    Images that this version cannot measure come back as frames without plane whose pixels raise
    a `DicomError` with the reason.

    Raises
    ------
    DicomError
        When the header is too damaged to know the frames.
    """
    shape, count = _shape(header), _frame_count(header)
    common: dict[str, Any] = {
        "shape": shape,
        "study": text(header.dataset, "StudyInstanceUID"),
        "series": text(header.dataset, "SeriesInstanceUID"),
        "instance": header.uid,
        "frame_of_reference": text(header.dataset, "FrameOfReferenceUID"),
        "modality": text(header.dataset, "Modality"),
    }
    reason = _unsupported(header, count)
    if reason:
        refusal = Refusal(header.uid, reason)
        frames = tuple(Frame(refusal, number=n + 1, **common) for n in range(count))
        return frames, (Issue("information", "unsupported", header.uid, reason),)
    plane, issues = _plane(header, count)
    calibration = spacing_of(header, plane)
    issues = (*issues, *calibration.issues)
    common |= {
        "plane": plane,
        "spacing": calibration.spacing,
        "ultrasound": calibration.ultrasound,
        "thickness": _thickness(header),
    }
    try:
        _check_pixel_bytes(header, shape)
        samples = _samples(header)
        common |= values_of(header)
    except DicomError as error:
        refusal = Refusal(header.uid, error.message)
        frames = tuple(Frame(refusal, number=n + 1, **common) for n in range(count))
        return frames, (*issues, Issue("warning", "no-pixels", header.uid, error.message))
    source, uid, syntax = header.source, header.uid, header.syntax
    return tuple(
        Frame(PixelLoader(source, uid, syntax, n, shape, samples, cache), number=n + 1, **common)
        for n in range(count)
    ), issues


def _shape(header: Header) -> tuple[int, int]:
    rows = integer(header.dataset, "Rows", header.uid)
    columns = integer(header.dataset, "Columns", header.uid)
    if rows < 1 or columns < 1:
        raise DicomError(header.uid, f"Rows, Columns: expected at least 1, got {rows}, {columns}")
    return rows, columns


def _frame_count(header: Header) -> int:
    """Return the number of frames after checking that the object can hold them."""
    count = integer(header.dataset, "NumberOfFrames", header.uid, default=1) or 1
    if count < 1:
        raise DicomError(header.uid, f"NumberOfFrames: expected at least 1, got {count}")
    if count == 1:
        return 1
    if count > _MAX_FRAMES:
        raise DicomError(header.uid, f"NumberOfFrames: {count} is more than {_MAX_FRAMES}")
    available = header.pixel_bytes
    if available:
        whole = int(count * _frame_bytes(header, _shape(header)))
        least = whole if header.is_native else 8 * count
        if available < least:
            raise DicomError(
                header.uid,
                f"the pixel data is truncated: {count} frames need at least {least} bytes, "
                f"there are {available}",
            )
    return count


def _frame_bytes(header: Header, shape: tuple[int, int]) -> float:
    """Return the bytes of one uncompressed frame; bit-packed frames may end within a byte."""
    word = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(header.pixel_keyword)
    bits = word or integer(header.dataset, "BitsAllocated", header.uid, default=8)
    samples = integer(header.dataset, "SamplesPerPixel", header.uid, default=1)
    if text(header.dataset, "PhotometricInterpretation") == "YBR_FULL_422":
        samples = 2  # two pixels share their colour
    return shape[0] * shape[1] * samples * bits / 8


def _check_pixel_bytes(header: Header, shape: tuple[int, int]) -> None:
    """Refuse pixels that cannot be there before anything is allocated for them."""
    available, needed = header.pixel_bytes, _frame_bytes(header, shape)
    if available == 0:
        raise DicomError(header.uid, "there is no pixel data")
    if available is None:
        return
    if header.is_native and available < int(needed):
        raise DicomError(
            header.uid,
            f"the pixel data is truncated: {shape[0]} x {shape[1]} pixels need {int(needed)} "
            f"bytes, there are {available}",
        )
    if needed > _MAX_FRAME_BYTES and needed > _MAX_RATIO * available:
        raise DicomError(
            header.uid,
            f"Rows, Columns: {shape[0]} x {shape[1]} pixels cannot come from {available} bytes",
        )


def _unsupported(header: Header, count: int) -> str:
    """Say why an image cannot be measured by this version; empty when it can."""
    dataset = header.dataset
    if "Segmentation" in header.kind:
        return f"{header.kind} objects are not supported yet"
    if "Whole Slide" in header.kind:
        return "whole slide images are not supported yet"
    groups = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
    if header.kind.startswith("Enhanced ") or any(word in dataset for word in groups):
        return "enhanced multi-frame images are not supported yet"
    if text(dataset, "Modality") == "RTDOSE" and count > 1:
        return "RT doses with several frames are not supported yet"
    colour = text(dataset, "PhotometricInterpretation")
    if integer(dataset, "SamplesPerPixel", header.uid, default=1) > 1 or (
        colour and not colour.startswith("MONOCHROME")
    ):
        name = colour or "several samples per pixel"
        return f"colour image ({name}): statistics of colour images are not supported"
    return ""


def _plane(header: Header, count: int) -> tuple[Plane | None, tuple[Issue, ...]]:
    """Return the plane of a single-frame slice; None with a reason where the header is wrong.

    Projections have none, CT localizers among them: their pixels do not lie in one plane.
    """
    dataset = header.dataset
    if count > 1 or text(dataset, "Modality") in _PROJECTIONS:
        return None, ()
    kinds = {str(value).upper() for value in items(dataset, "ImageType")}
    if "MOSAIC" in kinds:
        reason = "mosaic: one image holds many slices, its position is not theirs"
        return None, (Issue("warning", "no-plane", header.uid, reason),)
    if text(dataset, "Modality") == "CT" and "LOCALIZER" in kinds:
        return None, ()
    try:
        if not all(items(dataset, word) for word in _GEOMETRY):
            return None, ()
        return Plane.from_dicom(dataset), ()
    except DicomError as error:
        reason = error.message
    except ImageRegionError as error:
        reason = str(error)
    except (ValueError, TypeError, ArithmeticError) as error:  # pydicom on values it cannot read
        reason = f"position, orientation or spacing cannot be read: {error}"
    return None, (Issue("warning", "no-plane", header.uid, reason),)


def _thickness(header: Header) -> float | None:
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        try:
            values = numbers(header.dataset, keyword, header.uid)
        except DicomError:
            continue
        if values and keyword == "SpacingBetweenSlices":  # negative when slices are stacked down
            values[0] = abs(values[0])
        if values and values[0] > 0:
            return values[0]
    return None


def _samples(header: Header) -> Samples | None:
    if header.pixel_keyword != "PixelData":
        return None
    stored = integer(header.dataset, "BitsStored", header.uid)
    high = integer(header.dataset, "HighBit", header.uid, default=stored - 1)
    return Samples(stored, high)
