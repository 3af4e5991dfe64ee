"""Agreement: when a stated number is ours, and how likely it could be by chance.

A number agrees when ours, rounded to the digits that are stated, is that number. The digits are
those of the text; a number that comes as float64 without text has the shortest that mean it.
Beyond rounding, sums of floats in another order may differ, by less than `ROUNDING`. Zeros before
the decimal point, and a lone one behind it, may stand for digits that were rounded away ("219000.0"
for 218927, "240.0" for 240.3); they are not counted beyond the first `FEWEST_DIGITS` digits.

A hypothesis that reproduces a wrong number to its digits may still do so by chance: among many
hypotheses tried one will hit nearly anything that has few digits. Had the number come from
elsewhere, it could as well be any other at about the same distance from the true value: uniform
over an interval around it that is as wide as that distance. Where `k` different values that the
hypotheses tried give lie in that interval, of width `d`, and a number states its half unit `h`,

    expected number of chance hits = k * 2 h / d

and an explanation counts only when that is below `MOST_CHANCE_HITS`. Where one hypothesis
reproduces several wrong numbers of a region, every further number multiplies this by its own
`2 h / d`. Hypotheses are tried in order of simplicity, and each is judged against all that are not
less simple than it is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from imageregion.fhir.links.stated import StatedNumber

__all__ = [
    "FEWEST_DIGITS",
    "MOST_CHANCE_HITS",
    "ROUNDING",
    "agrees",
    "ease",
    "expected_hits",
    "is_near",
    "joint_hits",
    "reproduces",
    "tolerance",
]

ROUNDING = 1e-9
"""Relative; statistics of the same pixels agree to about 1e-12 whatever the order."""

MOST_CHANCE_HITS = 0.01
"""Expected number of chance hits among the hypotheses tried, below which one is believed."""

FEWEST_DIGITS = 3
"""Digits at the start of a number that count although they are zeros at its end."""

_WHOLE = re.compile(r"[+-]?0*([1-9][0-9]*?)(0*)(\.0)?")
_MOST_INDEPENDENT = 3  # numbers of one region that count together; the rest follows from these


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
    if found is None:
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


def expected_hits(number: StatedNumber, truth: float, tried: Iterable[float]) -> float:
    """Return how many of the values tried would hit a wrong number by chance; see above.

    Parameters
    ----------
    number : StatedNumber
    truth : float
        What we measure, in its unit.
    tried : iterable of float
        What the hypotheses give, in its unit.

    Examples
    --------
    >>> number = StatedNumber("Observation.value", ("area",), "Area", "37.33")
    >>> round(expected_hits(number, 41.33, [37.33, 38.0, 38.001, 55.0]), 6)
    0.005
    """
    stated = number.value or 0.0
    width = abs(stated - truth)
    if not width or not math.isfinite(width):
        return 1.0
    near = sorted(value for value in tried if abs(value - stated) <= width / 2)
    different, last = 0, -math.inf
    for value in near:
        if value - last > 2 * tolerance(number, value):
            different, last = different + 1, value
    return different * ease(number, truth)


def ease(number: StatedNumber, truth: float) -> float:
    """Return the chance that a value nearby is the stated number, at most 1."""
    stated = number.value or 0.0
    width = abs(stated - truth)
    return min(1.0, 2 * tolerance(number, stated) / width) if width else 1.0


def joint_hits(hits: Sequence[float], eases: Sequence[float]) -> float:
    """Return the expected number of chance hits of a hypothesis on several numbers at once.

    Parameters
    ----------
    hits : sequence of float
        `expected_hits` of each number.
    eases : sequence of float
        `ease` of each number.

    Examples
    --------
    >>> round(joint_hits([0.05, 0.02], [0.01, 0.02]), 6)
    0.001
    """
    different = max(hit / one for hit, one in zip(hits, eases, strict=True))
    found = float(different)
    for one in sorted(eases)[:_MOST_INDEPENDENT]:
        found *= one
    return found
