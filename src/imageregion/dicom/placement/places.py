"""Places: where the frames of an image lie in the patient, and why some lie nowhere."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from pydicom import Dataset

from imageregion.dicom.files.headers import Header, integer, items, numbers, text
from imageregion.errors import DicomError, GeometryError, ImageRegionError
from imageregion.plane import Plane

__all__ = [
    "Place",
    "dose_planes",
    "nuclear_planes",
    "plane_of",
    "plausible",
    "thickness_of",
    "usual_distance",
]

_GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
_PROJECTIONS = {"CR", "DX", "IO", "MG", "PX", "RF", "RG", "XA"}  # of images without groups
_ENHANCED_PROJECTIONS = {
    "1.2.840.10008.5.1.4.1.1.12.1.1",  # Enhanced XA
    "1.2.840.10008.5.1.4.1.1.12.2.1",  # Enhanced XRF
    "1.2.840.10008.5.1.4.1.1.13.1.4",  # Breast Projection X-Ray, for presentation
    "1.2.840.10008.5.1.4.1.1.13.1.5",  # and for processing
}
_BENT = {"CURVED_MPR", "VOLUME_RENDER", "SURFACE_RENDER"}
_PLANAR = {"STATIC", "DYNAMIC", "GATED", "WHOLE BODY", "TOMO", "GATED TOMO"}
_NEARLY = 1e-4  # of 1; cosines that are further off are looked at closer
_FINEST, _COARSEST = 1e-7, 1e4  # mm; from electron microscopes to more than any scanner
_FURTHEST = 1e6  # mm
_SAME = 1e-3  # mm; positions are written with a few decimals
_AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_VECTOR_LIMIT = 200_000

Place = tuple[Plane | None, str]
"""A plane, or None and the reason where there should be one."""


def plane_of(header: Header, *, grouped: bool = False) -> Place:
    """Return the plane of a slice (DICOM PS3.3 C.7.6.2.1.1).

    Projections have none, CT localizers among them: their pixels do not lie in one plane. Nor do
    curved and rendered views (C.8.16.2.1.2, C.8.16.2.1.3).

    Parameters
    ----------
    header : Header
        Of a single frame, functional groups flattened.
    grouped : bool
        Whether it is a frame of a multi-frame object with functional groups.
    """
    dataset = header.dataset
    kinds = {str(value).upper() for value in items(dataset, "ImageType")}
    modality = text(dataset, "Modality")
    projection = header.sop_class in _ENHANCED_PROJECTIONS or (
        not grouped and modality in _PROJECTIONS
    )
    if projection or (modality == "CT" and "LOCALIZER" in kinds):
        return None, ""
    if "MOSAIC" in kinds:
        return None, "mosaic: one image holds many slices, its position is not theirs"
    technique = text(dataset, "VolumeBasedCalculationTechnique")
    if text(dataset, "VolumetricProperties") == "DISTORTED" or technique in _BENT:
        return None, f"the pixels do not lie in a plane ({technique or 'DISTORTED'})"
    absent = [word for word in _GEOMETRY if not items(dataset, word)]
    if grouped and 0 < len(absent) < 3:
        return None, f"there is no {' and no '.join(absent)}"
    if absent:
        return None, ""
    try:
        plane = _well_formed(header)
    except GeometryError:
        plane = None
    return plausible((plane, "") if plane is not None else _guarded(dataset))


def plausible(place: Place) -> Place:
    """Refuse a plane whose numbers no image of a body can have: some unit or digit is wrong."""
    plane, reason = place
    if plane is None:
        return None, reason
    if not _FINEST <= min(plane.spacing) <= max(plane.spacing) <= _COARSEST:
        rows, columns = plane.spacing
        return None, f"PixelSpacing: {rows:g}\\{columns:g} mm are no distances between pixels"
    if abs(plane.origin).max() > _FURTHEST:
        return None, f"ImagePositionPatient: expected mm, got {plane.origin.tolist()}"
    return place


def _well_formed(header: Header) -> Plane | None:
    """Return the plane of an image that has everything in order, in a fifth of the time."""
    try:
        origin, cosines, spacing = (numbers(header.dataset, word, header.uid) for word in _GEOMETRY)
        shape = tuple(integer(header.dataset, word, header.uid) for word in ("Rows", "Columns"))
    except DicomError:
        return None
    if (len(origin), len(cosines), len(spacing)) != (3, 6, 2) or min(*spacing, *shape) <= 0:
        return None
    x, y = cosines[:3], cosines[3:]
    lengths = math.hypot(*x), math.hypot(*y)
    lean = x[0] * y[0] + x[1] * y[1] + x[2] * y[2]
    if abs(lengths[0] - 1) + abs(lengths[1] - 1) + abs(lean) > _NEARLY:
        return None
    axes = [
        [a / lengths[0] * spacing[1], b / lengths[1] * spacing[0]]
        for a, b in zip(x, y, strict=True)
    ]
    return Plane((shape[0], shape[1]), origin, axes)


def _guarded(dataset: Dataset) -> Place:
    """Look closer: at the plane of an image that is not quite as it should be, or why not."""
    try:
        return Plane.from_dicom(dataset), ""
    except DicomError as error:
        return None, error.message
    except ImageRegionError as error:
        return None, str(error)
    except (ValueError, TypeError, ArithmeticError) as error:  # pydicom on values it cannot read
        return None, f"position, orientation or spacing cannot be read: {error}"


def thickness_of(header: Header) -> float | None:
    """Return the spacing between slices, or the slice thickness, that an image states, mm."""
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


def dose_planes(header: Header, count: int) -> tuple[list[Plane | None], str]:
    """Return the planes of an RT Dose grid (DICOM PS3.3 C.8.8.3.2).

    The grid frame offset vector has either distances from the first plane along its normal, the
    first of them 0, or z coordinates of transverse planes, the first of them that of the image
    position.

    Returns
    -------
    planes : list of Plane or None
    reason : str
        Why there are none.
    """
    first, reason = plane_of(header)
    if first is None:
        return [None] * count, reason
    try:
        offsets = _dose_offsets(header, first, count)
    except DicomError as error:
        return [None] * count, error.message
    return _all_plausible([_moved(first, offset) for offset in offsets])


def _dose_offsets(header: Header, first: Plane, count: int) -> list[float]:
    """Return the distances of frames from the first, along its normal, mm."""
    keyword, uid = "GridFrameOffsetVector", header.uid
    offsets = np.array(numbers(header.dataset, keyword, uid))
    if count == 1:  # its position is stated, whatever image it may have been taken from
        return [0.0]
    if len(offsets) != count:
        got = f"expected {count} values, one for each frame, got {len(offsets)}"
        raise DicomError(uid, f"{keyword}: {got}")
    steps = np.diff(offsets)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise DicomError(uid, f"{keyword}: expected values that only rise or only fall")
    if abs(offsets[0]) > _SAME:
        cosines = numbers(header.dataset, "ImageOrientationPatient", uid)
        if abs(offsets[0] - first.origin[2]) > _SAME or not np.allclose(cosines, _AXIAL, 0, _SAME):
            raise DicomError(
                uid,
                f"{keyword}: expected to start with 0, or in a transverse image with the z "
                f"coordinate {first.origin[2]:g} of its position, got {offsets[0]:g}",
            )
        offsets -= first.origin[2]
    distances: list[float] = offsets.tolist()
    return distances


def nuclear_planes(header: Header, count: int) -> tuple[list[Plane | None], str]:
    """Return the planes of reconstructed nuclear medicine slices (DICOM PS3.3 C.8.4.15).

    Position and orientation are those of the first slice, in the detector information; further
    slices follow along the normal, at the signed spacing between slices. Planar images have none.

    Returns
    -------
    planes : list of Plane or None
    reason : str
        Why there are none although the image is reconstructed.
    """
    dataset = header.dataset
    kinds = [str(value).upper() for value in items(dataset, "ImageType")]
    kind = kinds[2] if len(kinds) > 2 else ""
    if kind in _PLANAR or (not kind.startswith("RECON") and count > 1):
        return [None] * count, ""
    first, reason = plane_of(_at_detector(header))
    if first is None:
        missing = "there is no position, orientation and pixel spacing of its first slice"
        return [None] * count, reason or (missing if kind.startswith("RECON") else "")
    try:
        slices = _slice_numbers(header, count, gated="GATED" in kind)
        spacing = numbers(dataset, "SpacingBetweenSlices", header.uid)
    except DicomError as error:
        return [None] * count, error.message
    if max(slices) == min(slices) == 1:
        return [first] * count, ""
    if len(spacing) != 1 or spacing[0] == 0:
        return [None] * count, "SpacingBetweenSlices: expected a number other than 0"
    planes = {number: _moved(first, (number - 1) * spacing[0]) for number in set(slices)}
    return _all_plausible([planes[number] for number in slices])


def _at_detector(header: Header) -> Header:
    """Flatten position and orientation of the detector, where all detectors say the same."""
    flat = Dataset()
    for keyword in (*_GEOMETRY, "Rows", "Columns", "SOPInstanceUID"):
        values = items(header.dataset, keyword)
        if values:
            setattr(flat, keyword, values if len(values) > 1 else values[0])
    detectors = items(header.dataset, "DetectorInformationSequence")[:64]
    for keyword in _GEOMETRY[:2]:
        stated = [values for item in detectors if (values := items(item, keyword))]
        if stated and all(values == stated[0] for values in stated):
            setattr(flat, keyword, stated[0])
        elif stated and hasattr(flat, keyword):
            delattr(flat, keyword)
    return Header(flat, header.source, header.name, header.uid, "", header.syntax, "", None)


def _slice_numbers(header: Header, count: int, *, gated: bool) -> list[int]:
    """Return the slice that each frame is of, from 1."""
    vector = numbers(header.dataset, "SliceVector", header.uid)
    if not vector and not gated:
        slices = integer(header.dataset, "NumberOfSlices", header.uid, default=0)
        if count in (1, slices):
            vector = [float(number + 1) for number in range(count)]
    if len(vector) != count:
        raise DicomError(
            header.uid,
            f"SliceVector: expected {count} values, one for each frame, got {len(vector)}",
        )
    if not all(value == int(value) and 1 <= value <= _VECTOR_LIMIT for value in vector):
        raise DicomError(header.uid, "SliceVector: expected whole numbers from 1")
    return [int(value) for value in vector]


def _all_plausible(planes: Sequence[Plane]) -> tuple[list[Plane | None], str]:
    """Return the planes, those of absurd positions as None, and the first reason."""
    places = [plausible((plane, "")) for plane in planes]
    return [plane for plane, _ in places], next((reason for _, reason in places if reason), "")


def _moved(plane: Plane, distance: float) -> Plane:
    return Plane(plane.shape, plane.origin + distance * plane.normal, plane.axes)


def usual_distance(planes: Sequence[Plane | None]) -> float | None:
    """Return the median distance between neighbours of a list of parallel planes, mm."""
    origins = np.array([plane.origin for plane in planes if plane is not None])
    if len(origins) < 2:
        return None
    return float(np.median(np.linalg.norm(np.diff(origins, axis=0), axis=1)))
