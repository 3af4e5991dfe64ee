"""Frames of one DICOM object: from its header to `Frame` values, pixels left for later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydicom.uid import DeflatedExplicitVRLittleEndian

from imageregion.dicom.files.headers import Header, integer, items, text
from imageregion.dicom.multiframe import Fields, grouped_fields
from imageregion.dicom.pixel_data.formats import frame_count, is_lossy
from imageregion.dicom.pixel_data.pixels import PixelCache, Pixels, Refusal, pixels_of
from imageregion.dicom.placement.calibration import spacing_of
from imageregion.dicom.placement.dimensions import dimensions_of, vectors_of
from imageregion.dicom.placement.groups import has_groups
from imageregion.dicom.placement.places import (
    dose_planes,
    nuclear_planes,
    plane_of,
    thickness_of,
    usual_distance,
)
from imageregion.dicom.real_values.values import values_of
from imageregion.dicom.slides import slides
from imageregion.errors import DicomError, Issue
from imageregion.frame import Frame
from imageregion.plane import Plane

__all__ = ["frames_of", "is_image"]

_MAX_FRAMES = 200_000
_MAX_GROUPED = 50_000  # frames with functional groups, each of which takes time to understand
_SEGMENTATIONS = {
    "1.2.840.10008.5.1.4.1.1.66.4",  # Segmentation
    "1.2.840.10008.5.1.4.1.1.66.7",  # Label Map Segmentation
}


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

    Images that cannot be measured come back as frames whose pixels raise a `DicomError` with the
    reason; so do single frames of a multi-frame image.

    Raises
    ------
    DicomError
        When the header is too damaged to know the frames.
    """
    reason = _refused(header)
    if not reason and slides.is_tiled(header):
        return slides.slide_frames(header, cache)
    count = frame_count(header, _MAX_GROUPED if has_groups(header) else _MAX_FRAMES)
    common = _common(header)
    if reason:
        refusal = Refusal(header.uid, reason)
        frames = tuple(Frame(refusal, number=n + 1, **common) for n in range(count))
        return frames, (Issue("information", "unsupported", header.uid, reason),)
    try:
        pixels = pixels_of(header, cache)
    except DicomError as error:
        if _is_short(header, count):
            raise
        reason = error.message
    if has_groups(header):
        fields, issues = grouped_fields(header, count)
    else:
        fields, issues = _classic_fields(header, count)
    if reason:
        fields = [{**found, "refusal": reason} for found in fields]
        issues = (*issues, Issue("warning", "no-pixels", header.uid, reason))
        return _frames(header, None, fields, common), issues
    return _frames(header, pixels, fields, common), issues


def _frames(
    header: Header, pixels: Pixels | None, fields: Sequence[Fields], common: Fields
) -> tuple[Frame, ...]:
    """Put the frames together; those refused, or all where there are no pixels, tell why."""
    frames = []
    for index, found in enumerate(fields):
        refusal = found.pop("refusal", "")
        if refusal or pixels is None:
            frames.append(Frame(Refusal(header.uid, refusal), number=index + 1, **common, **found))
            continue
        load, channels = pixels.loader(index), pixels.channels
        frames.append(Frame(load, number=index + 1, channels=channels, **common, **found))
    return tuple(frames)


def _common(header: Header) -> dict[str, Any]:
    """Return the fields that all frames of an object share."""
    dataset = header.dataset
    rows = integer(dataset, "Rows", header.uid)
    columns = integer(dataset, "Columns", header.uid)
    if rows < 1 or columns < 1:
        raise DicomError(header.uid, f"Rows, Columns: expected at least 1, got {rows}, {columns}")
    return {
        "shape": (rows, columns),
        "study": text(dataset, "StudyInstanceUID"),
        "series": text(dataset, "SeriesInstanceUID"),
        "instance": header.uid,
        "frame_of_reference": text(dataset, "FrameOfReferenceUID"),
        "modality": text(dataset, "Modality"),
        "lossy": is_lossy(header),
    }


def _refused(header: Header) -> str:
    """Say why the pixels of an image are no measured values; empty where they are."""
    if header.sop_class in _SEGMENTATIONS or text(header.dataset, "Modality") == "SEG":
        return "Segmentation: its pixels say what is part of a segment, they are no measured values"
    return ""


def _is_short(header: Header, count: int) -> bool:
    """Tell whether there are fewer bytes of pixel data than frames promise in any encoding."""
    available = header.pixel_bytes
    if count == 1 or available is None or not header.is_native:
        return False
    rows, columns = (integer(header.dataset, word, header.uid) for word in ("Rows", "Columns"))
    return 8 * available < rows * columns * count


def _classic_fields(header: Header, count: int) -> tuple[list[Fields], tuple[Issue, ...]]:
    """Return the fields of frames that have no functional groups."""
    planes, reason = _classic_planes(header, count)
    issues = [Issue("warning", "no-plane", header.uid, reason)] if reason else []
    if header.kind.startswith(("Enhanced ", "Legacy Converted")):
        message = "there are no functional groups, which would say where its frames lie"
        issues.append(Issue("warning", "functional-groups", header.uid, message))
    first = next((plane for plane in planes if plane is not None), None)
    calibration = spacing_of(header, first)
    shared: Fields = {
        "spacing": calibration.spacing,
        "ultrasound": calibration.ultrasound,
        "thickness": thickness_of(header) or usual_distance(planes),
    }
    try:
        shared |= values_of(header)
    except DicomError as error:
        shared["refusal"] = error.message
        issues.append(Issue("warning", "no-pixels", header.uid, error.message))
    dimensions = dimensions_of(header)
    vectors = vectors_of(header, count) if text(header.dataset, "Modality") == "NM" else None
    fields = []
    for index, plane in enumerate(planes):
        more = vectors[index] if vectors else ()
        fields.append({**shared, "plane": plane, "dimensions": dimensions + more})
    return fields, (*calibration.issues, *issues)


def _classic_planes(header: Header, count: int) -> tuple[Sequence[Plane | None], str]:
    """Return the planes of frames, and why there are none where there should be.

    The frames of other multi-frame images are time points or views, not slices.
    """
    modality = text(header.dataset, "Modality")
    if modality == "RTDOSE":
        return dose_planes(header, count)
    if modality == "NM":
        return nuclear_planes(header, count)
    if count > 1:
        return [None] * count, ""
    plane, reason = plane_of(header)
    return [plane], reason
