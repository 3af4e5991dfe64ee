"""Sizing: in which unit a shape on an image is measured, and how large it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, cast

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.metrics import ShapeMetrics, shape_metrics
from imageregion.plane import Plane
from imageregion.raster import rasterize, segment_lengths
from imageregion.shapes import Points, Shape
from imageregion.spacing import Spacing, SpacingSource, UltrasoundRegion

__all__ = ["SIZE_POWERS", "Scale", "Values", "common_scale", "scale_of", "shape_sizes"]

Values = dict[str, tuple[float | None, str]]
"""Measurement code -> (value, UCUM unit)."""

_S = TypeVar("_S", bound=Shape)

SIZE_POWERS = {
    "area": "2",
    "perimeter": "",
    "length": "",
    "volume": "3",
    "max_diameter": "",
    "equivalent_diameter": "",
}
"""Measurements of a shape that are lengths (""), areas ("2") or volumes ("3")."""

_NOT_SQUARE = 0.01  # relative difference of the distances between rows and columns
_TOUCH = 1e-9  # pixels; what lies along the border of a region meets it by rounding alone
_SAME = 1e-6  # relative; deltas of one scanner are written as float64, sometimes via float32


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit in which shapes on one image are measured, and the size of a pixel in it.

    Parameters
    ----------
    unit : {"mm", "{pixels}"}
        UCUM; "{pixels}" is the distance between two columns.
    rows, columns : float
        Distance between neighbouring rows, and between neighbouring columns, in that unit.
    source : str, optional
        Where the size of pixels, or at least their proportion, is known from: `Spacing.source`.
    flags : tuple of str
        What a reader should know: "estimated-spacing", "detector-spacing" (mm, but not sure to be
        those of the body), "uncalibrated", "outside-calibration", "no-spacing" (no mm).
    plane : Plane, optional
        Measured in the patient, through this plane.

    Examples
    --------
    A circle on pixels that are not square is an ellipse:

    >>> from imageregion.shapes import Ellipse
    >>> scale = Scale("mm", 2.0, 0.5, "calibrated")
    >>> circle = scale.measured(Ellipse.circle((10, 10), 4))
    >>> circle.axes.tolist(), scale.pixel_area
    ([[2.0, 0.0], [0.0, 8.0]], 1.0)
    """

    unit: Literal["mm", "{pixels}"] = "{pixels}"
    rows: float = 1.0
    columns: float = 1.0
    source: SpacingSource | None = None
    flags: tuple[str, ...] = ()
    plane: Plane | None = None

    @property
    def pixel_area(self) -> float:
        """Area of a pixel."""
        return self.rows * self.columns if self.plane is None else self.plane.pixel_area

    @property
    def is_anisotropic(self) -> bool:
        """Whether pixels are longer than wide, or the other way round, by more than 1 %."""
        longer, shorter = max(self.rows, self.columns), min(self.rows, self.columns)
        return longer > shorter * (1 + _NOT_SQUARE)

    def power(self, exponent: str) -> str:
        """Return the unit of a length (""), area ("2") or volume ("3")."""
        return self.unit + exponent if self.unit == "mm" else self.unit

    def measured(self, shape: _S) -> _S:
        """Return a shape in pixels as it is in this unit: in the patient where there is a plane."""
        if shape.dimension == 3:
            return shape
        if self.plane is not None:
            return self.plane.to_patient(shape)
        if self.rows == self.columns == 1:
            return shape
        return cast("_S", shape.transform(np.diag([self.columns, self.rows]), np.zeros(2)))

    def lengths(self, coords: FloatArray) -> FloatArray:
        """Return the lengths of the segments of a line, given as (column, row) in pixels."""
        if self.plane is None:
            return segment_lengths(coords, (self.rows, self.columns))
        steps = np.diff(coords, axis=0) @ self.plane.axes.T
        return np.asarray(np.linalg.norm(steps, axis=1), dtype=np.float64)


def scale_of(shape: Shape | None, frame: Frame | None, uncalibrated: bool = False) -> Scale:
    """Find the unit for the sizes of a shape.

    The first of these that applies decides: coordinates in the patient; an ultrasound region that
    holds the whole shape; the plane of the image; a calibrated spacing; one estimated from the
    magnification; pixels, in proportion where that is known.

    Parameters
    ----------
    shape : Shape or None
        In pixels of the frame, or in the patient; None stands for the whole frame.
    frame : Frame or None
        None when the image is not at hand.
    uncalibrated : bool
        Measure in mm at the detector where nothing better is known.

    Returns
    -------
    Scale

    Raises
    ------
    PlacementError
        When the shape crosses two ultrasound regions, or lies in two that contradict each other
        (DICOM PS3.3 C.8.5.5.1: a calibration holds within its own region).

    Examples
    --------
    >>> from imageregion.shapes import Polyline
    >>> frame = Frame.from_array([[0]], spacing=Spacing(0.2, 0.2, "detector"))
    >>> scale_of(Polyline([[0, 0], [3, 4]]), frame).unit
    '{pixels}'
    """
    if shape is not None and shape.dimension == 3:
        return Scale("mm") if frame is None else _in_plane(frame.plane)
    if frame is None:
        return Scale()
    if frame.ultrasound:
        holder = _holder(shape, frame)
        if holder is not None and holder.spacing is not None:
            return Scale("mm", holder.spacing.rows, holder.spacing.columns, "ultrasound")
        if holder is not None or frame.plane is None:
            return Scale(flags=("outside-calibration",))
    if frame.plane is not None:
        on_slide = frame.spacing is not None and frame.spacing.source == "slide"
        return replace(_in_plane(frame.plane), source="slide" if on_slide else "patient")
    return _by_spacing(frame.spacing, uncalibrated)


def common_scale(scales: Sequence[Scale]) -> Scale:
    """Return the one unit that several shapes are measured in, so that sizes can be added up.

    Raises
    ------
    PlacementError
        When they are measured differently.

    Examples
    --------
    >>> common_scale([Scale("mm", 2.0, 0.5, "patient"), Scale("mm", 2.0, 0.5, "patient")]).rows
    2.0
    """
    first = scales[0]
    for scale in scales[1:]:
        if (scale.unit, scale.rows, scale.columns) != (first.unit, first.rows, first.columns):
            raise PlacementError(
                "expected regions of one calibration, got pixels of "
                f"{_text(first)} and of {_text(scale)}"
            )
    return first


def shape_sizes(shape: Shape | None, scale: Scale) -> tuple[Values, ShapeMetrics]:
    """Measure a shape from its geometry.

    Parameters
    ----------
    shape : Shape or None
        In pixels, or in the patient.
    scale : Scale

    Returns
    -------
    values : dict
        Measurement code -> (value, UCUM unit), of what the shape has: "area", "perimeter",
        "length", "volume", "max_diameter", "equivalent_diameter", "circularity".
    metrics : ShapeMetrics
        The same, with the centroid: mm where it is in the patient, else in pixels, (column, row).

    Examples
    --------
    >>> from imageregion.shapes import Polyline
    >>> sizes, metrics = shape_sizes(Polyline([[0, 0], [6, 2]]), Scale("mm", 2.0, 0.5))
    >>> sizes, metrics.centroid
    ({'length': (5.0, 'mm')}, (3.0, 1.0))
    """
    if shape is None:
        return {}, ShapeMetrics()
    if shape.dimension == 3:
        scale = Scale("mm")
    metrics = shape_metrics(scale.measured(shape))
    values: Values = {
        code: (getattr(metrics, code), scale.power(exponent))
        for code, exponent in SIZE_POWERS.items()
        if getattr(metrics, code) is not None
    }
    if metrics.circularity is not None:
        values["circularity"] = (metrics.circularity, "1")
    return values, _in_pixels(metrics, scale)


def _in_pixels(metrics: ShapeMetrics, scale: Scale) -> ShapeMetrics:
    """Bring a centroid that is not in the patient back to pixels."""
    if len(metrics.centroid) != 2 or scale.rows == scale.columns == 1:
        return metrics
    column, row = metrics.centroid
    return replace(metrics, centroid=(column / scale.columns, row / scale.rows))


def _in_plane(plane: Plane | None) -> Scale:
    if plane is None:
        return Scale("mm", source="patient")
    return Scale("mm", *plane.spacing, source="patient", plane=plane)


def _by_spacing(spacing: Spacing | None, uncalibrated: bool) -> Scale:
    if spacing is None or not (0 < spacing.rows < math.inf and 0 < spacing.columns < math.inf):
        return Scale(flags=("no-spacing",))
    rows, columns, source = spacing.rows, spacing.columns, spacing.source
    if source == "aspect":
        return Scale("{pixels}", rows / columns, 1.0, source, ("no-spacing",))
    if source == "detector" and not uncalibrated:
        return Scale("{pixels}", rows / columns, 1.0, source, ("uncalibrated",))
    flag = {"detector": "detector-spacing", "estimated": "estimated-spacing"}.get(source)
    return Scale("mm", rows, columns, source, (flag,) if flag else ())


def _holder(shape: Shape | None, frame: Frame) -> UltrasoundRegion | None:
    """Return the ultrasound region that a shape belongs to, None where it leaves all of them.

    Regions of high priority go before others, then small ones, which are insets, before large.
    """
    if shape is None:
        return None
    low, high = ((float(end[0]), float(end[1])) for end in shape.bounds)
    ordered = sorted(frame.ultrasound, key=lambda region: (not region.high_priority, region.size))
    around = [region for region in ordered if region.holds(low, high)]
    if isinstance(shape, Points):  # they have no size
        return around[0] if around else None
    if not around:
        _refuse_crossing(shape, ordered)
        return None
    if len(around) > 1:  # a line along a border lies in one of them
        around = [region for region in around if _meets(shape, region)] or around
    holder = around[0]
    for other in ordered[: ordered.index(holder)]:  # the shape is partly in these, or not at all
        if not _agree(other.spacing, holder.spacing) and _meets(shape, other):
            if other.spacing is None:
                return other
            _refuse(other, holder)
    for other in around[1:]:
        same = (other.high_priority, other.size) == (holder.high_priority, holder.size)
        if same and not _agree(other.spacing, holder.spacing):
            _refuse(holder, other)
    return holder


def _refuse_crossing(shape: Shape, regions: Sequence[UltrasoundRegion]) -> None:
    met = [region for region in regions if _meets(shape, region)]
    if len(met) > 1 and any(region.spacing is not None for region in met):
        _refuse(met[0], met[1])


def _refuse(first: UltrasoundRegion, second: UltrasoundRegion) -> None:
    raise PlacementError(
        "the region crosses two ultrasound regions with a calibration of their own, so it has no "
        f"size: {first} and {second}"
    )


def _agree(one: Spacing | None, other: Spacing | None) -> bool:
    """Whether pixels of two regions are of one size."""
    if one is None or other is None:
        return one is other
    pairs = ((one.rows, other.rows), (one.columns, other.columns))
    return all(abs(a - b) <= _SAME * b for a, b in pairs)


def _meets(shape: Shape, region: UltrasoundRegion) -> bool:
    """Whether a shape in pixels has a length or an area in common with a region."""
    low, high = shape.bounds
    if high[0] < region.left or high[1] < region.top:
        return False
    if low[0] > region.right or low[1] > region.bottom:
        return False
    moved = shape.transform(np.eye(2), -np.array([region.left, region.top], dtype=np.float64))
    return bool(rasterize(moved, region.shape, "exact").area > _TOUCH)


def _text(scale: Scale) -> str:
    return f"{scale.rows:g} x {scale.columns:g} {scale.unit}"
