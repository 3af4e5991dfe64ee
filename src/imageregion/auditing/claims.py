"""Claims: the numbers that are stated of one region, next to what we measure of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from imageregion.auditing.agreement import agrees
from imageregion.auditing.subjects import Numbers
from imageregion.auditing.units import Unit, converted, read_unit
from imageregion.codes import GEOMETRY
from imageregion.fhir.links.stated import StatedNumber
from imageregion.fhir.links.values import Link

__all__ = ["Claim"]

_COUNTED = ("counted_area", "counted_volume", "outside_fraction")


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """One number that is stated, and its place in the document.

    Parameters
    ----------
    order : int
    link : Link
    number : StatedNumber
    """

    order: int
    link: Link
    number: StatedNumber

    @property
    def unit(self) -> Unit:
        """What its unit means."""
        return read_unit(self.number.unit)

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be; where our method is stated a code has one meaning, which is ours."""
        return self.number.names[:1] if self.link.rule else self.number.names

    @property
    def is_of_shape(self) -> bool:
        """Whether it is measured without pixels."""
        return all(name in GEOMETRY and name not in _COUNTED for name in self.names)

    def found_in(self, numbers: Numbers) -> tuple[float, str] | None:
        """Return value and unit of the first of its names that there is."""
        for name in self.names:
            if (name, self.number.channel) in numbers:
                return numbers[name, self.number.channel]
        return None

    def value_in(self, numbers: Numbers) -> float | None:
        """Return what it should be, by the first of its names that has a value in its unit."""
        for name in self.names:
            found = numbers.get((name, self.number.channel))
            value = None if found is None else converted(*found, self.unit)
            if value is not None and math.isfinite(value):
                return value
        return None

    def matching(self, numbers: Numbers) -> tuple[str, float] | None:
        """Return the name and value it agrees with, None where there is none.

        A code of others may mean one of several, such as the area of the shape or of its pixels.
        """
        for name in self.names:
            found = numbers.get((name, self.number.channel))
            value = None if found is None else converted(*found, self.unit)
            if value is not None and agrees(self.number, value):
                return name, value
        return None
