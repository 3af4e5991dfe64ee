"""How large the pixels of an image are, in the patient or without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imageregion.dicom.files.headers import Header, numbers, text
from imageregion.dicom.placement.ultrasound import regions_of
from imageregion.errors import DicomError, Issue
from imageregion.plane import Plane
from imageregion.spacing import Spacing, UltrasoundRegion

__all__ = ["Calibration", "spacing_of"]

_SLICES = frozenset(["CT", "MR", "PT", "NM", "US", "IVUS", "OPT", "IVOCT", "SM", "RTDOSE"])
"""Modalities whose PixelSpacing is in the body without further ado: nothing is projected."""

_ULTRASOUND = frozenset(["US", "IVUS"])
_CALIBRATED = ("GEOMETRY", "FIDUCIAL")
_SAME = 1e-3  # relative; spacings are rounded, and nothing is magnified by less than this
_DIFFERS = 0.01  # relative; plane and ultrasound region tell different sizes
_SMALLEST, _LARGEST = 1e-7, 1e4  # mm; beyond this nobody makes images of patients or slides
_MOST_MAGNIFIED = 20.0  # spot views of mammography reach 2

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What an image says about the size of its pixels.

    Parameters
    ----------
    spacing : Spacing, optional
        Of the whole image; None when nothing is known.
    ultrasound : tuple of UltrasoundRegion
        Parts of the image with a calibration of their own.
    issues : tuple of Issue
        What is not as it should be, or cannot be known.
    """

    spacing: Spacing | None = None
    ultrasound: tuple[UltrasoundRegion, ...] = ()
    issues: tuple[Issue, ...] = ()


def spacing_of(header: Header, plane: Plane | None) -> Calibration:
    """Find the size of pixels: that of the plane, or what else the header knows.

    Parameters
    ----------
    header : Header
        Of one frame; attributes where classic single-frame images have them.
    plane : Plane or None
        Where the frame lies in the patient, when that is known.

    Returns
    -------
    Calibration
        With a plane the spacing is "patient"; ultrasound regions are kept beside it only where
        an ultrasound image gives them another pixel size, which is a warning. Without a plane
        (DICOM PS3.3 10.7.1): PixelSpacing of slices is "patient"; of projections, photographs and
        captures it is "calibrated" when a calibration type says so or when it differs from the
        spacing of the detector or scanner. Else the spacing of the detector divided by a stated
        magnification is "estimated", and without that it is "detector", as is a PixelSpacing with
        nothing to compare it with. PixelAspectRatio alone is "aspect". Regions of ultrasound
        images: C.8.5.5.

    Examples
    --------
    >>> from pydicom import Dataset
    >>> from imageregion.dicom.files.headers import read_dataset
    >>> image = Dataset()
    >>> image.Modality, image.ImagerPixelSpacing = "DX", [0.2, 0.2]
    >>> image.EstimatedRadiographicMagnificationFactor = 1.25
    >>> spacing_of(read_dataset(image, "image"), None).spacing
    Spacing(rows=0.16, columns=0.16, source='estimated')
    """
    regions, issues = regions_of(header)
    if plane is not None and not regions:
        return Calibration(Spacing(*plane.spacing, source="patient"), (), issues)
    reader = _Reader(header)
    reader.issues += issues
    if plane is not None:
        spacing: Spacing | None = Spacing(*plane.spacing, source="patient")
        regions = _beside_plane(reader, regions, plane.spacing)
    elif reader.is_slice and (own := reader.pair("PixelSpacing")) is not None:
        spacing = Spacing(*own, source="patient")
    else:
        spacing = _projected(reader)
    return Calibration(spacing, regions, tuple(dict.fromkeys(reader.issues)))


class _Reader:
    """Reads pairs of distances, and collects what is wrong with them."""

    def __init__(self, header: Header) -> None:
        self.dataset = header.dataset
        self.uid = header.uid or header.name
        self.issues: list[Issue] = []
        self.modality = self.text("Modality")

    @property
    def is_slice(self) -> bool:
        kinds = self.text("ImageType").upper().split("\\")
        return self.modality in _SLICES and not (self.modality == "CT" and "LOCALIZER" in kinds)

    def text(self, keyword: str) -> str:
        try:
            return text(self.dataset, keyword)
        except Exception as error:  # whatever pydicom raises on damaged values
            self.warn(f"{keyword}: cannot be read: {error}")
        return ""

    def warn(self, message: str, code: str = "bad-spacing") -> None:
        self.issues.append(Issue("warning", code, self.uid, message))

    def values(self, keyword: str) -> list[float]:
        try:
            return numbers(self.dataset, keyword, self.uid)
        except DicomError as error:
            self.warn(error.message)
        except Exception as error:  # whatever pydicom raises on damaged values
            self.warn(f"{keyword}: cannot be read: {error}")
        return []

    def pair(self, keyword: str, low: float = _SMALLEST, high: float = _LARGEST) -> Pair | None:
        values = self.values(keyword)
        if not values:
            return None
        if len(values) == 2 and all(low <= value <= high for value in values):
            return values[0], values[1]
        self.warn(
            f"{keyword}: expected two distances from {low:g} to {high:g}, got {_listed(values)}"
        )
        return None

    def one(self, keyword: str) -> float | None:
        values = self.values(keyword)
        return values[0] if len(values) == 1 and values[0] > 0 else None


def _beside_plane(
    reader: _Reader, regions: tuple[UltrasoundRegion, ...], spacing: Pair
) -> tuple[UltrasoundRegion, ...]:
    """Return the regions when an ultrasound image gives them another pixel size than its plane."""
    for region in regions:
        if reader.modality not in _ULTRASOUND or region.spacing is None:
            continue
        own = region.spacing.rows, region.spacing.columns
        if not _same(own, spacing, _DIFFERS):
            reader.warn(
                f"pixels of {region} are {_listed(own)} mm, those of the plane in the patient "
                f"{_listed(spacing)} mm; the region goes first",
                "spacing-differs",
            )
            return regions
    return ()


def _projected(reader: _Reader) -> Spacing | None:
    """Return the spacing of an image that is no slice (DICOM PS3.3 10.7.1.1)."""
    own = reader.pair("PixelSpacing")
    plates = [reader.pair("ImagerPixelSpacing"), reader.pair("NominalScannedPixelSpacing")]
    known = [plate for plate in plates if plate is not None]
    if own is not None and _is_calibrated(reader, own, known):
        return Spacing(*own, source="calibrated")
    centre = reader.pair("ObjectPixelSpacingInCenterOfBeam")
    if centre is not None:  # from distances that are assumed, C.8.19.6.9.2
        return Spacing(*centre, source="estimated")
    if known:
        factor = _magnification(reader)
        if factor is not None:
            return Spacing(known[0][0] / factor, known[0][1] / factor, "estimated")
        return Spacing(*known[0], source="detector")
    if own is not None:
        message = (
            "PixelSpacing: the image does not say whether it is in the body or at the detector "
            "(DICOM PS3.3 10.7.1.1); taken as at the detector"
        )
        reader.issues.append(Issue("information", "unknown-calibration", reader.uid, message))
        return Spacing(*own, source="detector")
    ratio = reader.pair("PixelAspectRatio", 1, 1e6)
    return None if ratio is None else Spacing(ratio[0] / ratio[1], 1.0, "aspect")


def _is_calibrated(reader: _Reader, own: Pair, known: Sequence[Pair]) -> bool:
    kind = reader.text("PixelSpacingCalibrationType").upper()
    if kind in _CALIBRATED:
        return True
    if kind:
        reader.warn(
            f"PixelSpacingCalibrationType: expected one of {list(_CALIBRATED)}, got {kind[:32]!r}",
        )
    if not known or any(_same(own, plate) for plate in known):
        return False
    if own[0] > known[0][0] or own[1] > known[0][1]:
        reader.warn(
            f"PixelSpacing {_listed(own)} is larger than {_listed(known[0])} at the detector, as "
            "if the body were made smaller; the image may have been resampled",
            "spacing-differs",
        )
    return True


def _magnification(reader: _Reader) -> float | None:
    """Return how much larger the body is at the detector (0018,1114 is SID over SOD).

    The stated factor goes first, then the distances from the source: to the detector over to the
    patient. Equal distances are not taken for a factor of 1: they come from forms filled in
    without measuring.
    """
    stated = reader.one("EstimatedRadiographicMagnificationFactor")
    if stated is not None:
        if 1 <= stated <= _MOST_MAGNIFIED:
            return stated
        reader.warn(
            "EstimatedRadiographicMagnificationFactor: expected 1 to "
            f"{_MOST_MAGNIFIED:g}, got {stated:g}",
        )
        return None
    detector = reader.one("DistanceSourceToDetector")
    patient = reader.one("DistanceSourceToPatient")
    if detector is None or patient is None or patient == detector:
        return None
    if 1 < detector / patient <= _MOST_MAGNIFIED:
        return detector / patient
    reader.warn(
        f"DistanceSourceToDetector {detector:g} and DistanceSourceToPatient {patient:g}: expected "
        "the patient between source and detector",
    )
    return None


def _same(one: Sequence[float], other: Sequence[float], tolerance: float = _SAME) -> bool:
    return all(abs(a - b) <= tolerance * b for a, b in zip(one, other, strict=True))


def _listed(values: Sequence[float]) -> str:
    return "\\".join(f"{value:g}" for value in values[:4])
