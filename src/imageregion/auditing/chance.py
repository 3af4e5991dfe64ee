"""Chance: how many of the mistakes tried would reproduce numbers that come from elsewhere.

A hypothesis that reproduces a wrong number to its digits may do so by chance: among many hypotheses
tried one will hit nearly anything that has few digits. Had the number come from elsewhere, it could
as well be any other at about the same distance from the true value: uniform over an interval around
it that is as wide as that distance. Where `k` different values that the hypotheses tried give lie
in that interval, of width `d`, and a number states its half unit `h`,

    expected number of chance hits = k * 2 h / d

Counts, and statistics that are pixel values, such as the maximum, take only values that lie a step
apart; where that step is larger than `2 h`, it stands in its place, whatever digits are written.

Where one hypothesis reproduces `m` of the `n` wrong numbers of a region, any `m` of them could have
been those, so that

    expected number of chance hits = (n over m) * k * product of 2 h / d

of at most three numbers, and of those of one kind, such as area and equivalent diameter, one.

Every number of a document that does not match has this chance once more. Therefore what is expected
is multiplied by how many such numbers there are (or regions that have some, for hits on several at
once), by two where both ways to believe a hit are open, and an explanation counts only when that is
below `MOST_CHANCE_HITS`: in fewer than one of a hundred documents whose numbers come from elsewhere
is any of them explained. A number that carries fewer than `FEWEST_CARRIED` digits is never believed
alone. Hypotheses are tried in order of simplicity, and each is judged against all that are not less
simple than it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imageregion.auditing.agreement import tolerance
from imageregion.auditing.claims import Claim
from imageregion.auditing.steps import Step, step_of
from imageregion.auditing.subjects import Numbers
from imageregion.codes import GEOMETRY, PIXEL_COUNTS
from imageregion.fhir.links.stated import StatedNumber

__all__ = ["FEWEST_CARRIED", "MOST_CHANCE_HITS", "Doubt", "Family", "Hit", "expected_hits"]

MOST_CHANCE_HITS = 0.01
"""Expected number of chance hits in a document, below which an explanation is believed."""

FEWEST_CARRIED = 4
"""Significant digits that a number has to carry to be explained on its own."""

_MOST_INDEPENDENT = 3  # numbers of one region that count together; the rest follows from these
_KINDS = {
    "mean": ("mean", "sum", "root_mean_square", "energy"),
    "spread": (
        "std",
        "variance",
        "coefficient_of_variation",
        "mean_absolute_deviation",
        "median_absolute_deviation",
        "robust_mean_absolute_deviation",
    ),
    "count": ("counted_area", "counted_volume", "outside_fraction", *PIXEL_COUNTS),
}


@dataclass(frozen=True, slots=True)
class Family:
    """What is judged together.

    Parameters
    ----------
    numbers : int
        Numbers of the document that do not match.
    regions : int
        Regions that have some.
    """

    numbers: int = 1
    regions: int = 1


@dataclass(frozen=True, slots=True)
class Hit:
    """How easily a number is reproduced.

    Parameters
    ----------
    ease : float
        The chance that a value nearby is the number, at most 1.
    different : int
        How many different values nearby were tried.
    digits : int
        How many significant digits it carries.
    kind : str
        What is measured; numbers of one kind follow from each other.
    """

    ease: float
    different: int
    digits: int
    kind: str

    @classmethod
    def of(
        cls, number: StatedNumber, truth: float, tried: Iterable[float], step: float = 0.0
    ) -> Hit:
        """Judge a number.

        Parameters
        ----------
        number : StatedNumber
        truth : float
            What we measure, in its unit.
        tried : iterable of float
            What the hypotheses give, in its unit.
        step : float
            How far apart the values lie that it can take; 0 where it can be anything.
        """
        stated = number.value or 0.0
        unit = max(2 * tolerance(number, stated), step)
        width = abs(stated - truth)
        digits = math.floor(math.log10(abs(stated) / unit) + 1e-9) + 1 if stated else 0
        if not width or not math.isfinite(width):
            return cls(1.0, 1, digits, _kind(number.name))
        different, last = 0, -math.inf
        for value in sorted(value for value in tried if abs(value - stated) <= width / 2):
            if value - last > unit:
                different, last = different + 1, value
        return cls(min(1.0, unit / width), different, digits, _kind(number.name))

    @property
    def expected(self) -> float:
        """How many of the values tried would hit the number by chance."""
        return self.different * self.ease


def _kind(name: str) -> str:
    for kind, names in _KINDS.items():
        if name in names or (
            kind == "mean" and name.startswith("mean_") and "deviation" not in name
        ):
            return kind
    return "size" if name in GEOMETRY else name


def expected_hits(
    number: StatedNumber, truth: float, tried: Iterable[float], step: float = 0.0
) -> float:
    """Return how many of the values tried would hit one wrong number by chance; see above.

    Examples
    --------
    >>> number = StatedNumber("Observation.value", ("area",), "Area", "37.33")
    >>> round(expected_hits(number, 41.33, [37.33, 38.0, 38.001, 55.0]), 6)
    0.005
    """
    return Hit.of(number, truth, tried, step).expected


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """What there is to know of chance about the numbers of one region.

    Parameters
    ----------
    family : Family
    numbers : Numbers
        What we measure.
    steps : tuple of Step
        How far apart pixel values lie.
    """

    family: Family
    numbers: Numbers
    steps: tuple[Step, ...] = ()

    def step(self, claim: Claim) -> float:
        """Return how far apart the values lie that a number can take."""
        return step_of(claim, self.numbers, self.steps)

    def judged(self, alone: Hit, together: Sequence[Hit], count: int) -> tuple[float, bool]:
        """Return the expected number of chance hits in the document, and whether to believe one.

        Parameters
        ----------
        alone : Hit
            Of the number.
        together : sequence of Hit
            Of all numbers of the region that the same hypothesis reproduces.
        count : int
            How many numbers of the region do not match.
        """
        ways = 2 if count > 1 else 1
        single = ways * self.family.numbers * alone.expected
        joint = ways * self.family.regions * _joint(together, count)
        believed = single if alone.digits >= FEWEST_CARRIED else math.inf
        return min(single, joint), min(believed, joint) < MOST_CHANCE_HITS


def _joint(together: Sequence[Hit], count: int) -> float:
    """Return the expected number of chance hits on several numbers, infinite where they are one."""
    easiest: dict[str, float] = {}
    for hit in together:
        easiest[hit.kind] = min(hit.ease, easiest.get(hit.kind, 1.0))
    eases = sorted(easiest.values())[:_MOST_INDEPENDENT]
    if len(eases) < 2:
        return math.inf
    different = max(hit.different for hit in together)
    return different * math.comb(count, len(eases)) * math.prod(eases)
