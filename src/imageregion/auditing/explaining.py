"""Explaining: which mistakes reproduce the wrong numbers of a region, the likeliest first.

A mistake explains a number when it reproduces it to the digits stated, and such a hit is not to be
expected by chance (see `chance`). One change goes before two, then come, in this order: more
wrong numbers of the region explained at once; fewer right ones contradicted; the simpler mistake (a
slip of convention before another quantity, region or frame); how exactly the number is reproduced.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from imageregion.auditing.agreement import agrees, is_near, reproduces, tolerance
from imageregion.auditing.chance import Doubt, Hit
from imageregion.auditing.claims import Claim
from imageregion.auditing.findings import Explanation
from imageregion.auditing.hypothesis import Assumption
from imageregion.auditing.quantities import quantity_name
from imageregion.auditing.subjects import Numbers
from imageregion.auditing.units import converted, other_units, read_unit
from imageregion.errors import ImageRegionError

__all__ = ["Try", "World", "explain", "tries_of", "worlds_of"]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Everything measured of a region under one assumption.

    Parameters
    ----------
    name, sentence, level
        As of the `Assumption`.
    numbers : Numbers
    """

    name: str
    sentence: str
    level: int
    numbers: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """What one number would be under one hypothesis, in the unit that is stated."""

    name: str
    sentence: str
    level: int
    value: float
    world: World | None = None


@dataclass(slots=True)
class _Case:
    """A wrong number, what it should be, and everything tried on it."""

    claim: Claim
    truth: float | None
    tries: list[Try]
    step: float
    hits: list[Try] = field(default_factory=list)

    def hit(self, level: int) -> Hit:
        """Return how easily it is hit by anything tried up to a level."""
        tried = [one.value for one in self.tries if one.level <= level]
        anchor = self.truth if self.truth is not None else 0.0  # 0 where that is not known
        return Hit.of(self.claim.number, anchor, tried, self.step)


def worlds_of(assumed: Iterable[Assumption], pixels: bool) -> Iterator[World]:
    """Measure under every assumption; those that cannot be measured reproduce nothing."""
    for one in assumed:
        if one.needs_pixels and not pixels:
            continue
        numbers = _made(one, pixels)
        if numbers:
            yield World(one.name, one.sentence, one.level, numbers)


def _made(one: Assumption, pixels: bool) -> Numbers:
    """Measure under an assumption; without pixels where they are not to be had."""
    for wanted in (True, False) if pixels and not one.needs_pixels else (pixels,):
        try:
            return one.make(wanted)
        except ImageRegionError:
            continue
    return {}


def tries_of(claim: Claim, numbers: Numbers, more: Numbers, worlds: Sequence[World]) -> list[Try]:
    """Return what a number would be under every hypothesis.

    Parameters
    ----------
    claim : Claim
    numbers : Numbers
        What we measure.
    more : Numbers
        Other quantities of the same region.
    worlds : sequence of World
        Measured under other assumptions.
    """
    truth = claim.value_in(numbers)
    found = list(_reported(claim, numbers, truth))
    found += [one for world in worlds for one in _in_world(claim, world)]
    found += list(_quantities(claim, more))
    units = _units(claim, numbers)
    doubled = [
        Try(f"{name}+{one.name}", f"{words}, and {one.sentence}", 2, one.value * factor, one.world)
        for one in found
        if one.level < 2 and not one.name.startswith(("unit:", "sign", "quantity:"))
        for name, words, factor in units
    ]
    return [
        one
        for one in [*found, *doubled]
        if math.isfinite(one.value) and not _is_right(claim, truth, one.value)
    ]


def _is_right(claim: Claim, truth: float | None, value: float) -> bool:
    """Whether a hypothesis says the same as no hypothesis."""
    return (
        truth is not None
        and is_near(claim.number, truth, value)
        and not reproduces(claim.number, value)
    )


def _reported(claim: Claim, numbers: Numbers, truth: float | None) -> Iterator[Try]:
    """Yield what may have gone wrong after the number was right."""
    if truth is None:
        ours = claim.found_in(numbers)
        if ours is not None:
            sentence = f"the unit were {read_unit(ours[1]).name}, not {claim.number.unit}"
            yield Try(f"unit:{read_unit(ours[1]).name}", sentence, 0, ours[0])
        return
    for name, sentence, factor in _units(claim, numbers):
        yield Try(name, sentence, 0, truth * factor)
    yield Try("sign", "its sign were lost or changed", 0, -truth)


def _units(claim: Claim, numbers: Numbers) -> list[tuple[str, str, float]]:
    ours = claim.found_in(numbers)
    unit = ours[1] if ours else claim.number.unit
    found = []
    for name, factor in other_units(claim.unit, unit).items():
        short = name.rstrip("23") if read_unit(name).power else name
        stated = f"not {claim.number.unit}" if claim.number.unit else "which is not said"
        found.append((f"unit:{short}", f"it were given in {name}, {stated}", factor))
    return found


def _in_world(claim: Claim, world: World) -> Iterator[Try]:
    for name in claim.names:
        found = world.numbers.get((name, claim.number.channel))
        if found is not None:
            value = converted(*found, claim.unit)
            bare = found[0] if value is None else value
            yield Try(world.name, world.sentence, world.level, bare, world)
            return


def _quantities(claim: Claim, more: Numbers) -> Iterator[Try]:
    """Yield everything else of the region, in the unit of lengths that is stated."""
    unit = claim.unit
    side = unit.factor ** (1 / unit.power) if unit.power else 1.0
    units = [("", "", 1.0)]
    if unit.power and side == 1.0:
        units += [("+unit:cm", ", in cm", 10.0)]
    for (code, channel), (value, ours) in more.items():
        if channel == claim.number.channel and code in claim.names:
            continue
        read = read_unit(ours)
        of = f" of the {channel} channel" if channel != claim.number.channel and channel else ""
        for suffix, words, factor in units:
            if suffix and not read.power:
                continue
            scaled = value / (side * factor) ** read.power if read.power else value
            sentence = f"it were the {quantity_name(code)}{of}{words}"
            name = f"quantity:{code}{f':{channel}' if of else ''}{suffix}"
            yield Try(name, sentence, 2 if suffix else 1, scaled)


def explain(
    claims: Sequence[Claim],
    right: Sequence[Claim],
    doubt: Doubt,
    tries: dict[int, list[Try]],
    level: int,
) -> dict[int, tuple[tuple[Explanation, ...], tuple[Explanation, ...]]]:
    """Rank the mistakes that reproduce wrong numbers of one region.

    Parameters
    ----------
    claims, right : sequence of Claim
        Wrong numbers, and those that match.
    doubt : Doubt
        What we measure, and how likely numbers are reproduced by chance.
    tries : dict
        By `Claim.order` what was tried on each wrong number.
    level : int
        Up to which hypotheses are looked at.

    Returns
    -------
    dict
        By `Claim.order`: explanations that count, and those that may be chance.
    """
    cases = [
        _Case(one, one.value_in(doubt.numbers), tries[one.order], doubt.step(one)) for one in claims
    ]
    by_name: dict[str, list[_Case]] = {}
    for case in cases:
        if case.claim.number.comparator:
            continue  # a bound has no digits to reproduce
        for one in case.tries:
            hit = one.level <= level and reproduces(case.claim.number, one.value)
            if hit and all(one.name != other.name for other in case.hits):
                case.hits.append(one)
                by_name.setdefault(one.name, []).append(case)
    found = {}
    for case in cases:
        ranked = []
        for place, one in enumerate(case.hits):
            same = [other.hit(one.level) for other in by_name[one.name]]
            chance, sure = doubt.judged(case.hit(one.level), same, len(cases))
            told = _explanation(case, one, by_name[one.name], right, place)
            ranked.append((told[0], replace(told[1], chance=chance), sure))
        ranked.sort(key=lambda each: each[0])
        believed = tuple(one for _, one, sure in ranked if sure)
        possible = () if believed else tuple(one for _, one, _ in ranked)
        found[case.claim.order] = (believed, possible)
    return found


def _explanation(
    case: _Case, one: Try, cases: Sequence[_Case], right: Sequence[Claim], place: int
) -> tuple[tuple[float, ...], Explanation]:
    number = case.claim.number
    contradicts = 0
    if one.world is not None:
        wrong = (_contradicts(claim, one.world) for claim in right)
        contradicts = sum(wrong)
    residual = (number.value or 0.0) - one.value
    changes = 2 if one.level == 2 else 1
    exactness = abs(residual) / tolerance(number, one.value)
    rank = (changes, -len(cases), contradicts, one.level, place, exactness)
    return rank, Explanation(
        name=one.name,
        sentence=_sentence(case, one),
        value=one.value,
        residual=residual,
        changes=changes,
        explains=len(cases),
        contradicts=contradicts,
    )


def _contradicts(claim: Claim, world: World) -> bool:
    value = claim.value_in(world.numbers)
    return value is not None and not agrees(claim.number, value)


def _sentence(case: _Case, one: Try) -> str:
    number = case.claim.number
    instead = "" if case.truth is None else f" instead of {_short(case.truth, number.half_unit)}"
    return f"as if {one.sentence}: {_short(one.value, number.half_unit)}{instead}"


def _short(value: float, half_unit: float) -> str:
    """Write a number with the digits that are stated, at most six significant ones."""
    short = f"{value:.6g}"
    if 1e-6 < half_unit <= 0.5 and abs(value) < 1e15:
        decimals = len(f"{2 * half_unit:.7f}".rstrip("0").partition(".")[2])
        full = f"{value:.{decimals}f}"
        return full if len(full.lstrip("-0.").replace(".", "")) <= 7 else short
    return short
