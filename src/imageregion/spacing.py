"""Spacing: how large pixels are, and where that is known from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Spacing", "UltrasoundRegion"]

SpacingSource = Literal["patient", "calibrated", "ultrasound", "estimated", "detector", "aspect"]
"""From most to least trustworthy. "patient", "calibrated", "ultrasound" and "estimated" are
millimetres in the body; "detector" are millimetres at the detector, where the body is magnified;
"aspect" is only the ratio of the two."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """Millimetres between pixel centres, and where they come from.

    Parameters
    ----------
    rows : float
        Distance between neighbouring rows, mm (first value of DICOM PixelSpacing).
    columns : float
        Distance between neighbouring columns, mm (second value of DICOM PixelSpacing).
    source : {"patient", "detector", "calibrated", "estimated", "ultrasound"}
        "patient": the image has a plane in the patient.

    Examples
    --------
    >>> Spacing(2.0, 0.5, "patient").columns
    0.5
    """

    rows: float
    columns: float
    source: SpacingSource


@dataclass(frozen=True, slots=True)
class UltrasoundRegion:
    """Part of an ultrasound image with a calibration of its own (DICOM PS3.3 C.8.5.5).

    Parameters
    ----------
    left, top, right, bottom : int
        In pixel coordinates, from outer corner to outer corner.
    spacing : Spacing, optional
        None where the axes are no lengths (Doppler, M-mode).
    name : str
        For messages.
    high_priority : bool
        Goes before others where regions overlap.
    """

    left: int
    top: int
    right: int
    bottom: int
    spacing: Spacing | None
    name: str = ""
    high_priority: bool = True
