"""Steps: how far apart the values lie that a statistic of pixels can take at all."""

from __future__ import annotations

from imageregion.auditing.claims import Claim
from imageregion.auditing.subjects import Numbers, Subject
from imageregion.auditing.units import converted
from imageregion.auditing.wholes import Whole

__all__ = ["Step", "step_of", "steps_of"]

Step = tuple[float, float, str]
"""Distance between neighbouring pixel values, one of the values, and their unit."""

_ORDERED = (
    "min",
    "max",
    "median",
    "mode",
    "p10",
    "p25",
    "p75",
    "p90",
    "range",
    "interquartile_range",
    "sum",
)
"""Statistics that are pixel values, or a few of them added up."""

_COUNTED = ("counted_area", "counted_volume")


def steps_of(subject: Subject | Whole) -> tuple[Step, ...]:
    """Return the steps of whole stored values, and of every quantity made from them."""
    found = [(1.0, 0.0, "")]
    if isinstance(subject, Subject):
        frame = subject.frame
        for value_map, unit in (
            (frame.value_map, frame.unit),
            *((quantity.value_map, quantity.unit) for quantity in frame.quantities),
        ):
            slope = abs(getattr(value_map, "slope", 0.0) or 0.0)
            if slope:
                found.append((slope, float(getattr(value_map, "intercept", 0.0)), unit))
    return tuple(found)


def step_of(claim: Claim, numbers: Numbers, steps: tuple[Step, ...]) -> float:
    """Return how far apart the values lie that a number can take, 0 where it can be anything.

    It is seen at the number itself: 226.00 may well be a stored value, 226.37 is none.

    Parameters
    ----------
    claim : Claim
    numbers : Numbers
        What we measure.
    steps : tuple of Step
        Of the pixel values.
    """
    number = claim.number
    if number.name == "count":
        candidates = [(1.0, 0.0)]
    elif number.name in _COUNTED:
        count = numbers.get(("count", number.channel), (0.0, ""))[0]
        counted, unit = numbers.get((number.name, number.channel), (0.0, ""))
        size = converted(counted / count, unit, claim.unit) if count else None
        candidates = [(size, 0.0)] if size else []
    elif number.name in _ORDERED:
        candidates = [
            (step / part, zero)
            for distance, origin, unit in steps
            for step in (converted(distance, unit, claim.unit) or distance,)
            for zero in (converted(origin, unit, claim.unit) or origin,)
            for part in (1, 2)  # the middle of two values for the median
        ]
    else:
        return 0.0
    value = number.value or 0.0
    return max(
        (step for step, zero in candidates if _fits(value - zero, step, number.half_unit)),
        default=0.0,
    )


def _fits(value: float, step: float, tolerance: float) -> bool:
    return step > 0 and abs(value - step * round(value / step)) <= tolerance * (1 + 1e-9)
