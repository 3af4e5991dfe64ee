"""Spacing: how large pixels are, and where that is known from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Spacing", "SpacingSource", "UltrasoundRegion"]

SpacingSource = Literal[
    "patient", "slide", "calibrated", "ultrasound", "estimated", "detector", "aspect"
]
"""From most to least trustworthy. "patient", "calibrated", "ultrasound" and "estimated" are
millimetres in the body, "slide" on the glass; "detector" are millimetres at the detector, where the
body is magnified; "aspect" is only the ratio of the two."""


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distances between pixel centres, and where they come from.

    Parameters
    ----------
    rows : float
        Distance between neighbouring rows, mm (first value of DICOM PixelSpacing).
    columns : float
        Distance between neighbouring columns, mm (second value of DICOM PixelSpacing).
    source : {"patient", "calibrated", "ultrasound", "estimated", "detector", "aspect"}
        "patient": PixelSpacing of a slice through the patient.
        "calibrated": PixelSpacing of a projection or photograph, corrected for magnification or
        set by an object of known size (DICOM PS3.3 10.7.1).
        "ultrasound": Physical Delta X and Y of an ultrasound region (C.8.5.5).
        "estimated": spacing at the detector divided by an estimated magnification.
        "detector": at the detector or film, or nobody knows where: the body may be smaller.
        "aspect": no distances; the unit is the distance between two columns (Pixel Aspect Ratio).

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
        In pixel coordinates, from outer corner to outer corner: the last column of pixels that
        DICOM counts from 0 and includes is ``right - 1``.
    spacing : Spacing, optional
        None where the axes are no lengths (Doppler, M-mode).
    name : str
        For messages.
    high_priority : bool
        Goes before others where regions overlap (bit 0 of Region Flags is 0, C.8.5.5.1.3).

    Examples
    --------
    >>> region = UltrasoundRegion(120, 60, 800, 519, Spacing(0.25, 0.25, "ultrasound"))
    >>> region.shape, region.holds((130.0, 60.0), (800.0, 519.0))
    ((459, 680), True)
    """

    left: int
    top: int
    right: int
    bottom: int
    spacing: Spacing | None
    name: str = ""
    high_priority: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return self.bottom - self.top, self.right - self.left

    @property
    def size(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    def holds(self, low: tuple[float, float], high: tuple[float, float]) -> bool:
        """Tell whether a box from `low` to `high`, both (column, row), lies wholly inside."""
        return bool(
            self.left <= low[0]
            and high[0] <= self.right
            and self.top <= low[1]
            and high[1] <= self.bottom
        )

    def __str__(self) -> str:
        """Name and place, for messages."""
        place = f"columns {self.left} to {self.right}, rows {self.top} to {self.bottom}"
        return f"{self.name or 'region'} ({place})"
