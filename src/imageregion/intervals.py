"""Intervals: how far a number moves when the choices behind it do.

A number from pixels depends on which pixels count, and on where the outline was drawn. Both are
tried: the three rules, and nine positions of the region, shifted by half a pixel or not along rows
and columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import numpy as np

from imageregion.counting import Values, count_pixels, counted_extent, pixel_values, rasterized
from imageregion.locate import Space
from imageregion.measurement import Slice
from imageregion.raster import Rule
from imageregion.settings import Settings

__all__ = ["Interval", "intervals", "is_rule_sensitive"]

Interval = tuple[float, float]
"""Lowest and highest value found."""

_BY_WEIGHT = ("sum", "energy")
"""Of lines these are by the pixel or by the length, depending on the rule: not to be compared."""

_SHIFTS = (-0.5, 0.0, 0.5)
_MEAN_SHARE = 0.5  # of the standard deviation
_SIZE_SHARE = 0.2  # of the counted area or volume


def intervals(
    slices: Sequence[Slice],
    settings: Settings,
    unit: str,
    space: Space | None,
    solid: bool,
    areal: bool,
) -> dict[str, Interval]:
    """Return the interval of every pixel statistic and counted size; 27 measurements in all."""
    found: dict[str, list[float]] = {}
    for rule in get_args(Rule):
        for down in _SHIFTS:
            for right in _SHIFTS:
                values = _variant(slices, settings, rule, (right, down), unit, space, solid, areal)
                for code, (value, _) in values.items():
                    if value is not None and (areal or code not in _BY_WEIGHT):
                        found.setdefault(code, []).append(value)
    return {code: (min(values), max(values)) for code, values in found.items()}


def _variant(
    slices: Sequence[Slice],
    settings: Settings,
    rule: Rule,
    shift: tuple[float, float],
    unit: str,
    space: Space | None,
    solid: bool,
    areal: bool,
) -> Values:
    moved = [
        replace(part, shape=part.shape and part.shape.transform(np.eye(2), np.array(shift)))
        for part in slices
    ]
    varied = replace(settings, rule=rule)
    again = rasterized(moved, varied)
    values = pixel_values(count_pixels(again, varied).statistics, unit, varied)
    return values | (counted_extent(again, space, solid) if areal else {})


def is_rule_sensitive(found: dict[str, Interval], std: float | None, size: float | None) -> bool:
    """Tell whether the choice of pixels decides about the numbers.

    It does when the interval of the mean is wider than half the standard deviation of the pixel
    values, or that of the counted area or volume wider than a fifth of its value.
    """
    low, high = found.get("mean", (0.0, 0.0))
    if std is not None and high - low > _MEAN_SHARE * std:
        return True
    low, high = found.get("counted_area") or found.get("counted_volume") or (0.0, 0.0)
    return size is not None and high - low > _SIZE_SHARE * size
