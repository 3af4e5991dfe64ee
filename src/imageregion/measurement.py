"""Measurement: one number, what it measures, in which unit, and how it was made.

`RegionResult` gathers everything known about one region on the images of one series, and knows
the flat record that is printed as JSON and CSV.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from imageregion._arrays import FloatArray
from imageregion.codes import PIXEL_COUNTS, STATISTICS
from imageregion.frame import Frame
from imageregion.region import Region
from imageregion.shapes import Shape
from imageregion.sizing import SIZE_POWERS, Scale
from imageregion.spacing import SpacingSource
from imageregion.spans import Spans

__all__ = ["Measurement", "Method", "RegionResult", "Slice"]

_PIXELS = Scale()


@dataclass(frozen=True, slots=True)
class Method:
    """How a number was made; carried with every number.

    Parameters
    ----------
    rule : str
        Which pixels count: "center", "touched" or "exact".
    fill_rule : str
        How rings fill: "evenodd" or "nonzero".
    estimator : str
        How pixels enter the statistics: "center" and "touched" count each pixel once, "weighted"
        by its coverage (by the length of the line inside it).
    value_map : str
        How stored values became real values.
    version : str
        Version of this library.
    notes : tuple of str
        Choices specific to the region, e.g. the kind of spline.
    """

    rule: str
    fill_rule: str
    estimator: str
    value_map: str
    version: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [
            f"imageregion {self.version}",
            f"rule={self.rule}",
            f"fill={self.fill_rule}",
            f"estimator={self.estimator}",
            f"values={self.value_map}",
            *self.notes,
        ]
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number.

    Parameters
    ----------
    region : str
        FHIRPath of the region.
    code : str
        A key of `codes.DERIVATIONS` or `codes.GEOMETRY`: "mean", "area", ...
    value : float or None
        None where the value does not exist.
    unit : str
        UCUM.
    method : Method
    low, high : float, optional
        Interval of the value over the rules and over shifts by half a pixel, when asked for.
    channel : str
        Of a colour image, the channel whose values were counted; empty for everything else.
    """

    region: str
    code: str
    value: float | None
    unit: str
    method: Method
    low: float | None = None
    high: float | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """The part of a region on one frame.

    Parameters
    ----------
    frame : Frame
    shape : Shape or None
        The region in pixels of that frame; None stands for the whole frame.
    spans : Spans
        The pixels that belong to it.
    distance : float, optional
        How far a 3-D shape lies from the plane of the frame, mm.
    lengths : ndarray, optional
        Of the segments of a line: of a 3-D line in the patient, of others in the unit of `scale`.
    scale : Scale
        The unit in which the shape is measured on this frame.
    """

    frame: Frame
    shape: Shape | None
    spans: Spans
    distance: float | None = None
    lengths: FloatArray | None = None
    scale: Scale = _PIXELS


@dataclass(frozen=True, slots=True, eq=False)
class RegionResult:
    """All that was measured of one region on one series.

    Parameters
    ----------
    region : Region
    slices : tuple of Slice
        The frames it lies on, in order along the normal of the series.
    measurements : tuple of Measurement
    centroid : tuple of float, optional
        Of the shape: (x, y, z) mm where the plane is known, else (column, row) pixels.
    unit : str
        UCUM unit of the pixel values; empty when there are none.
    modality : str
    flags : tuple of str
        Stable names of what a reader should know, e.g. "unclosed", "no-spacing".
    spacing : str, optional
        Where the size of pixels is known from (`Spacing.source`); None where it is not. Sizes in
        pixels, too, may have their proportion from it.
    dimensions : tuple of (str, str)
        What tells this result from others of the region: time point, echo, optical path, ...; the
        DICOM keyword and its value.
    """

    region: Region
    slices: tuple[Slice, ...]
    measurements: tuple[Measurement, ...]
    centroid: tuple[float, ...] | None = None
    unit: str = "1"
    modality: str = ""
    flags: tuple[str, ...] = ()
    spacing: SpacingSource | None = None
    dimensions: tuple[tuple[str, str], ...] = ()

    @property
    def series(self) -> str:
        """Series Instance UID of the images, empty where unknown."""
        return self.slices[0].frame.series if self.slices else self.region.target.series

    @property
    def instances(self) -> tuple[str, ...]:
        """SOP Instance UIDs of the images in order, each once."""
        return tuple(dict.fromkeys(part.frame.instance for part in self.slices))

    @property
    def distance(self) -> float | None:
        """Largest distance of a 3-D shape from the planes it was measured on, mm."""
        distances = [part.distance for part in self.slices if part.distance is not None]
        return max(distances, default=None)

    @property
    def channels(self) -> tuple[str, ...]:
        """Channels of a colour image that have statistics of their own; empty for others."""
        return tuple(dict.fromkeys(m.channel for m in self.measurements if m.channel))

    def get(self, code: str, channel: str = "") -> float | None:
        """Return the value of one measurement, None where it does not exist."""
        for measurement in self.measurements:
            if (measurement.code, measurement.channel) == (code, channel):
                return measurement.value
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return the flat record that JSON and CSV print; missing values are None, never NaN."""
        one = self.slices[0].frame if len(self.slices) == 1 else None
        target = self.region.target
        record: dict[str, Any] = {
            "region": self.region.path,
            "label": self.region.label,
            "type": self.region.type,
            "series": self.series or None,
            "instance": (one.instance if one else None if self.slices else target.instance) or None,
            "frame": (one.number if one else None) or None,
            "images": len(self.slices),
            "rule": next((m.method.rule for m in self.measurements), None),
            "value": self.slices[0].frame.value if self.slices else None,
            "unit": self.unit or None,
            "spacing": self.spacing,
            "dimensions": dict(self.dimensions),
            "channels": list(self.channels),
        }
        record |= dict.fromkeys((*STATISTICS, "outside_fraction", "circularity"))
        record |= {f"{code}_mm{power}": None for code, power in _POWERS.items()}
        record |= {f"{code}_px{power}": None for code, power in _POWERS.items() if power != "3"}
        for measurement in self.measurements:
            key = _key(measurement)
            record[key] = _plain(measurement.code, measurement.value)
            if measurement.low is not None:
                record[f"{key}_low"] = _plain(measurement.code, measurement.low)
                record[f"{key}_high"] = _plain(measurement.code, measurement.high)
        in_patient = self.centroid is not None and len(self.centroid) == 3
        record["centroid_mm"] = list(self.centroid) if self.centroid and in_patient else None
        record["centroid_px"] = list(self.centroid) if self.centroid and not in_patient else None
        record["distance_mm"] = self.distance
        record["flags"] = list(self.flags)
        record["method"] = str(self.measurements[0].method) if self.measurements else None
        return record


_POWERS = {**SIZE_POWERS, "counted_area": "2", "counted_volume": "3"}


def _key(measurement: Measurement) -> str:
    if measurement.channel:
        return f"{measurement.code}_{measurement.channel}"
    if measurement.code not in _POWERS:
        return measurement.code
    unit = "mm" if measurement.unit.startswith("mm") else "px"
    return f"{measurement.code}_{unit}{_POWERS[measurement.code]}"


def _plain(code: str, value: float | None) -> float | int | None:
    if value is None or not math.isfinite(value):
        return None
    return int(value) if code in PIXEL_COUNTS else float(value)
