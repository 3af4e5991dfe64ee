"""Slides: tiled images as one frame for each optical path and focal plane of the whole matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom.tag import BaseTag

from imageregion._arrays import FloatArray
from imageregion.dicom.files.headers import Header, integer, items, numbers, text
from imageregion.dicom.pixel_data.formats import frame_count, is_lossy
from imageregion.dicom.pixel_data.pixels import PixelCache, Pixels, Refusal, pixels_of
from imageregion.dicom.placement.concatenations import Part
from imageregion.dicom.placement.groups import Groups
from imageregion.dicom.placement.places import thickness_of
from imageregion.dicom.real_values.values import highest_of, values_of
from imageregion.dicom.slides.matrices import Slide
from imageregion.dicom.slides.tiling import Layer, like, matrix_of, slide_groups, tile_layers
from imageregion.errors import DicomError, ImageRegionError, Issue
from imageregion.frame import Frame
from imageregion.plane import Plane
from imageregion.spacing import Spacing

__all__ = ["dimensions_of_layers", "is_tiled", "slide_frames"]

_PER_FRAME = BaseTag(0x52009230)
_LARGEST_SLIDE = 300.0  # mm; glass slides for whole organs are about 200 mm long
_COSINE_TOLERANCE = 1e-3  # as written by scanners, with few digits
_MACROS = (
    *("PixelMeasuresSequence", "PixelValueTransformationSequence", "FrameVOILUTSequence"),
    "RealWorldValueMappingSequence",
)


def is_tiled(header: Header) -> bool:
    """Whether the frames of an image are tiles of a total pixel matrix (DICOM PS3.3 C.8.12.14)."""
    return bool(items(header.dataset, "TotalPixelMatrixColumns"))


def slide_frames(header: Header, cache: PixelCache) -> tuple[tuple[Frame, ...], tuple[Issue, ...]]:
    """Make the frames of a tiled image: its total pixel matrix in each path and focal plane.

    Parameters
    ----------
    header : Header
    cache : PixelCache

    Returns
    -------
    tuple of Frame
        With number 0 and `tiles`. The plane is that of the matrix in slide coordinates, mm:
        TotalPixelMatrixOriginSequence is the centre of its first pixel, offsets along z are in
        micrometres (C.8.12.14). OpticalPathIdentifier and ZOffsetInSlideCoordinateSystem (as
        text, micrometres) are dimensions where there are several.
    tuple of Issue

    Raises
    ------
    DicomError
        When the header is too damaged to know the matrix.
    """
    matrix = matrix_of(header)
    common: dict[str, Any] = {
        "shape": matrix,
        "number": 0,
        "study": text(header.dataset, "StudyInstanceUID"),
        "series": text(header.dataset, "SeriesInstanceUID"),
        "instance": header.uid,
        "frame_of_reference": text(header.dataset, "FrameOfReferenceUID"),
        "modality": text(header.dataset, "Modality"),
        "lossy": is_lossy(header),
    }
    issues: tuple[Issue, ...] = ()
    try:
        count = frame_count(header)
        groups = slide_groups(header, count)
        place, issues = _place(header, groups, matrix)
        pixels = pixels_of(header, cache)
        layers = tile_layers(header, groups, pixels.form.shape, count)
        fields = [_fields(header, groups, pixels, layer, place) for layer in layers]
    except DicomError as error:
        issue = Issue("warning", "no-pixels", header.uid, error.message)
        return (Frame(Refusal(header.uid, error.message), **common),), (*issues, issue)
    issues += _implausible(header, fields[0]["spacing"], matrix)
    apart = dimensions_of_layers(layers)
    slide = Slide(
        pixels,
        _part(header),
        matrix,
        layers,
        tuple(
            common | own | {"dimensions": names} for own, names in zip(fields, apart, strict=True)
        ),
    )
    return tuple(slide.matrix(index) for index in range(len(layers))), issues


def dimensions_of_layers(layers: Sequence[Layer]) -> list[tuple[tuple[str, str], ...]]:
    """Tell layers apart by what differs among them."""
    several = len({layer.path for layer in layers}) > 1, len({la.height for la in layers}) > 1
    names = []
    for layer in layers:
        height = ("ZOffsetInSlideCoordinateSystem", f"{round(layer.height * 1000, 6):g}")
        both = ("OpticalPathIdentifier", layer.path), height
        names.append(tuple(name for name, differ in zip(both, several, strict=True) if differ))
    return names


# --- where the matrix lies -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Origin, and direction cosines of a row and a column, of the total pixel matrix."""

    origin: FloatArray
    cosines: FloatArray


def _place(
    header: Header, groups: Groups, matrix: tuple[int, int]
) -> tuple[_Place | None, tuple[Issue, ...]]:
    """Return where the matrix lies on the slide; None with the reason where that is not stated."""
    origins = items(header.dataset, "TotalPixelMatrixOriginSequence")
    cosines = numbers(header.dataset, "ImageOrientationSlide", header.uid)
    origin = [
        value
        for axis in "XY"
        for value in (
            numbers(origins[0], f"{axis}OffsetInSlideCoordinateSystem", header.uid)[:1]
            if origins
            else []
        )
    ]
    reason = ""
    if len(origin) != 2 or len(cosines) != 6:
        reason = "TotalPixelMatrixOriginSequence or ImageOrientationSlide is not stated"
    else:
        axes = np.array(cosines).reshape(2, 3)
        lengths = np.linalg.norm(axes, axis=1)
        lean = float(axes[0] @ axes[1])
        if max(abs(lengths - 1).max(), abs(lean)) > _COSINE_TOLERANCE:
            reason = (
                "ImageOrientationSlide: expected two perpendicular unit vectors, got lengths "
                f"{lengths[0]:.6g} and {lengths[1]:.6g} with scalar product {lean:.6g}"
            )
    if reason:
        return None, (Issue("warning", "no-plane", header.uid, reason),)
    return _Place(np.array([*origin, 0.0]), axes / lengths[:, None]), ()


def _spacing(header: Header) -> Spacing | None:
    """Return the mm between pixels on the slide; None where they are not stated."""
    spacing = numbers(header.dataset, "PixelSpacing", header.uid)
    if len(spacing) != 2 or min(spacing) <= 0:
        return None
    return Spacing(spacing[0], spacing[1], "slide")


def _plane(
    header: Header, place: _Place | None, matrix: tuple[int, int], height: float
) -> Plane | None:
    spacing = _spacing(header)
    if place is None or spacing is None:
        return None
    sides = place.cosines[0] * spacing.columns, place.cosines[1] * spacing.rows
    axes = np.stack(sides, axis=1)
    try:
        return Plane(matrix, place.origin + np.array([0.0, 0.0, height]), axes)
    except ImageRegionError as error:
        raise DicomError(header.uid, str(error)) from None


def _implausible(
    header: Header, spacing: Spacing | None, matrix: tuple[int, int]
) -> tuple[Issue, ...]:
    """Say that no glass slide is as large as this one: its unit may be wrong."""
    if spacing is None:
        return (
            Issue("warning", "no-spacing", header.uid, "PixelSpacing: expected two mm above 0"),
        )
    sides = matrix[0] * spacing.rows, matrix[1] * spacing.columns
    if max(sides) <= _LARGEST_SLIDE:
        return ()
    message = f"PixelSpacing: the slide is {sides[0]:.6g} x {sides[1]:.6g} mm large by it"
    return (Issue("warning", "implausible-spacing", header.uid, message),)


# --- what the pixels of a layer mean -------------------------------------------------------------


def _fields(
    header: Header, groups: Groups, pixels: Pixels, layer: Layer, place: _Place | None
) -> dict[str, Any]:
    """Return the fields that the frames of one layer have in common."""
    classic = _classic(header, groups, layer)
    plane = _plane(classic, place, matrix_of(header), layer.height)
    fields: dict[str, Any] = {
        "plane": plane,
        "spacing": _spacing(classic),
        "channels": pixels.channels,
        "thickness": thickness_of(classic),
    }
    if pixels.channels:
        return fields | {"highest": highest_of(header)}
    return fields | values_of(classic)


def _classic(header: Header, groups: Groups, layer: Layer) -> Header:
    """Return the header with the functional groups of a layer at its top level."""
    flat = groups.header(int(layer.frames[0]), *_MACROS)
    own = _PER_FRAME in header.dataset.keys()  # noqa: SIM118 - does not parse it
    for index in layer.frames if own else ():
        if groups.header(int(index), *_MACROS) is not flat:
            raise DicomError(
                header.uid,
                f"frames {layer.frames[0] + 1} and {index + 1} are tiles of one matrix, but their "
                "pixel spacing or the meaning of their values differs",
            )
    elements = {
        tag: dataset.get_item(tag)
        for dataset in (header.dataset, flat.dataset)
        for tag in dataset.keys()  # noqa: SIM118
    }
    return replace(header, dataset=like(header.dataset, elements))


def _part(header: Header) -> Part:
    uid = text(header.dataset, "ConcatenationUID")
    if not uid:
        return Part("", "", 0)
    offset = integer(header.dataset, "ConcatenationFrameOffsetNumber", header.uid, default=-1)
    return Part(uid, text(header.dataset, "SOPInstanceUIDOfConcatenationSource"), offset)
