"""Other quantities: everything else that one region measures, which a number may be instead."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from imageregion.auditing.subjects import Numbers, Subject
from imageregion.codes import code_of
from imageregion.errors import ImageRegionError
from imageregion.shapes import Ellipse, Ellipsoid, Polyline, Shape
from imageregion.sizing import scale_of

__all__ = ["more_numbers", "quantity_name", "sample_numbers"]

_WORDS = {
    "radius": "radius",
    "half_max_diameter": "half the largest diameter",
    "long_axis": "longest axis",
    "short_axis": "shortest axis",
    "width": "width, along the rows,",
    "height": "height, along the columns,",
    "distance": "straight distance between its ends",
    "box_area": "area of its bounding box",
    "middle": "middle between minimum and maximum",
}


def quantity_name(code: str) -> str:
    """Return what a number is, in words within a sentence.

    Examples
    --------
    >>> quantity_name("perimeter"), quantity_name("radius")
    ('perimeter', 'radius')
    """
    if code in _WORDS:
        return _WORDS[code]
    display = code_of(code).display
    return display if display[1:2].isdigit() else display[:1].lower() + display[1:]


def sample_numbers(numbers: Numbers) -> Numbers:
    """Return what has n - 1 in place of n in it, for every channel.

    Examples
    --------
    >>> counted = {("count", ""): (5.0, "{pixels}"), ("std", ""): (2.0, "1")}
    >>> round(sample_numbers(counted)["std", ""][0], 6)
    2.236068
    """
    found: Numbers = {}
    for (code, channel), (value, unit) in numbers.items():
        power = {"std": 0.5, "coefficient_of_variation": 0.5, "variance": 1.0}.get(code)
        count = (numbers.get(("count", channel)) or numbers.get(("count", "")) or (0.0, ""))[0]
        if power is not None and count > 1:
            found[code, channel] = (value * (count / (count - 1)) ** power, unit)
    return found


def more_numbers(subject: Subject, numbers: Numbers) -> Numbers:
    """Return simple measures of a region beyond those that are reported."""
    found: Numbers = {}
    for (code, channel), (value, unit) in numbers.items():
        if code == "equivalent_diameter":
            found["radius", ""] = (value / 2, unit)
        elif code == "max_diameter":
            found["half_max_diameter", ""] = (value / 2, unit)
        elif code == "min" and ("max", channel) in numbers:
            found["middle", channel] = ((value + numbers["max", channel][0]) / 2, unit)
    found |= {(code, ""): size for code, size in _extents(subject)}
    return found


def _extents(subject: Subject) -> Iterator[tuple[str, tuple[float, str]]]:
    part = subject.located.parts[0]
    shape = part.shape if len(subject.located.parts) == 1 else subject.region.shape
    if shape is None:
        return
    try:
        scale = scale_of(shape, part.frame, subject.settings.uncalibrated)
        measured: Shape = scale.measured(shape)
    except ImageRegionError:
        return
    unit = "mm" if shape.dimension == 3 else scale.unit
    if isinstance(measured, Ellipse | Ellipsoid):
        lengths = 2 * np.linalg.svd(measured.axes, compute_uv=False)
        yield "long_axis", (float(lengths[0]), unit)
        yield "short_axis", (float(lengths[-1]), unit)
    if isinstance(measured, Polyline):
        yield "distance", (math.dist(measured.coords[0], measured.coords[-1]), unit)
    elif shape.dimension == 2:
        low, high = shape.bounds
        width, height = (high - low) * (scale.columns, scale.rows)
        yield "width", (float(width), unit)
        yield "height", (float(height), unit)
