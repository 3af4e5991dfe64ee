"""How large the pixels of an image are, in the patient or without it."""

from __future__ import annotations

from dataclasses import dataclass

from imageregion.dicom.headers import Header
from imageregion.errors import Issue
from imageregion.plane import Plane
from imageregion.spacing import Spacing, UltrasoundRegion

__all__ = ["Calibration", "spacing_of"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What an image says about the size of its pixels."""

    spacing: Spacing | None = None
    ultrasound: tuple[UltrasoundRegion, ...] = ()
    issues: tuple[Issue, ...] = ()


def spacing_of(header: Header, plane: Plane | None) -> Calibration:
    """Find the size of pixels: that of the plane, or what else the header knows."""
    if plane is not None:
        return Calibration(Spacing(*plane.spacing, source="patient"))
    return Calibration()
