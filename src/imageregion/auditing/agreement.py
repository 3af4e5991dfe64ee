"""Agreement: when a stated number is ours.

A number agrees when ours, rounded to the digits that are stated, is that number. The digits are
those of the text; a number that comes as float64 without text has the shortest that mean it.
Beyond rounding, sums of floats in another order may differ, by less than `ROUNDING`. Zeros before
the decimal point, and a lone one behind it, may stand for digits that were rounded away ("219000.0"
for 218927, "240.0" for 240.3); they are not counted beyond the first `FEWEST_DIGITS` digits.
"""

from __future__ import annotations

import math
import re

from imageregion.codes import PIXEL_COUNTS
from imageregion.fhir.links.stated import StatedNumber

__all__ = [
    "FEWEST_DIGITS",
    "ROUNDING",
    "agrees",
    "is_near",
    "reproduces",
    "tolerance",
]

ROUNDING = 1e-9
"""Relative; statistics of the same pixels agree to about 1e-12 whatever the order."""

FEWEST_DIGITS = 3
"""Digits at the start of a number that count although they are zeros at its end."""

_WHOLE = re.compile(r"[+-]?0*([1-9][0-9]*?)(0*)(\.0)?")


def tolerance(number: StatedNumber, value: float) -> float:
    """Return how far a value may lie from a stated number: half a unit in its last place.

    Examples
    --------
    >>> round(tolerance(StatedNumber("Observation.value", ("area",), "Area", "12.5"), 12.4), 6)
    0.05
    """
    return max(number.half_unit * (1 + ROUNDING), abs(value) * ROUNDING)


def agrees(number: StatedNumber, value: float | None) -> bool:
    """Tell whether a value in the unit of a stated number is that number.

    With a comparator the value has to be on that side of it, or within its rounding.

    Examples
    --------
    >>> number = StatedNumber("Observation.value", ("area",), "Area", "12.5")
    >>> agrees(number, 12.549), agrees(number, 12.56)
    (True, False)
    """
    stated = number.value
    if stated is None or value is None or not math.isfinite(value):
        return False
    off, near = value - stated, max(tolerance(number, value), _rounded_away(number))
    if number.comparator in ("<", "<="):
        return off <= near
    if number.comparator in (">", ">="):
        return off >= -near
    return abs(off) <= near


def _rounded_away(number: StatedNumber) -> float:
    """Return half a unit in the last place that counts; 0 where there are no zeros to leave out."""
    found = _WHOLE.fullmatch(number.text)
    if found is None or set(number.names) & set(PIXEL_COUNTS):  # counts are exact
        return 0.0
    digits, zeros = len(found[1]) + len(found[2]), len(found[2])
    spare = max(0, min(zeros, digits - FEWEST_DIGITS))
    if found[3] and digits < FEWEST_DIGITS:
        return 0.0
    return 0.5 * 10.0**spare


def reproduces(number: StatedNumber, value: float) -> bool:
    """Tell whether a value is a stated number to every digit, zeros at its end too.

    Examples
    --------
    >>> number = StatedNumber("Observation.value", ("sum",), "Sum", "219000")
    >>> agrees(number, 218927.0), reproduces(number, 218927.0)
    (True, False)
    """
    stated = number.value
    return stated is not None and abs(value - stated) <= tolerance(number, value)


def is_near(number: StatedNumber, one: float, other: float) -> bool:
    """Tell whether two values cannot be told apart in the digits of a stated number."""
    return abs(one - other) <= 2 * tolerance(number, one)
