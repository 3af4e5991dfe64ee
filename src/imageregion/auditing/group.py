"""Groups: what is stated of one region, audited together, because one mistake spoils many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from imageregion.auditing.chance import Doubt, Family
from imageregion.auditing.choices import stated_settings
from imageregion.auditing.claims import Claim
from imageregion.auditing.explaining import World, explain, tries_of, worlds_of
from imageregion.auditing.findings import AuditedNumber, Explanation, Reason
from imageregion.auditing.measuring_again import MOST_VERTICES, Measured, Measurer
from imageregion.auditing.quantities import quantity_name, sample_numbers
from imageregion.auditing.steps import steps_of
from imageregion.auditing.subjects import Numbers
from imageregion.fhir.links.values import LinkedRegion
from imageregion.settings import Settings

__all__ = ["Group", "Judged", "audited_group", "judge", "refused"]

_MOST_REGIONS = 50
_DEVIATIONS = ("std", "variance", "coefficient_of_variation")
_SAMPLE = "the standard deviation had n - 1 in place of n"

_Explained = dict[int, tuple[tuple[Explanation, ...], tuple[Explanation, ...]]]


@dataclass(slots=True)
class Group:
    """What is stated of one region measured in one way.

    Parameters
    ----------
    region : LinkedRegion
    measured : Measured
        The region on its images.
    claims : list of Claim
    """

    region: LinkedRegion
    measured: Measured
    claims: list[Claim]


def refused(claim: Claim, reason: Reason, message: str) -> AuditedNumber:
    """Return what is said of a number that cannot be audited."""
    region = claim.link.regions[0] if len(claim.link.regions) == 1 else None
    return AuditedNumber(
        claim.link,
        claim.number,
        "not-audited",
        region=region.path if region else "",
        selection=region.selection.name if region else "",
        reason=reason,
        message=message,
    )


@dataclass(slots=True)
class Judged:
    """The numbers of a group, told apart by whether they match.

    Parameters
    ----------
    group : Group
    numbers : Numbers
        What we measure.
    right, wrong : list of Claim
        Those that match, and those that a mistake is sought for.
    findings : list
        Place and finding of all but the wrong ones.
    """

    group: Group
    numbers: Numbers
    right: list[Claim] = field(default_factory=list)
    wrong: list[Claim] = field(default_factory=list)
    findings: list[tuple[int, AuditedNumber]] = field(default_factory=list)


def judge(group: Group, measurer: Measurer) -> Judged:
    """Measure a group again, and compare."""
    numbers, reason = measurer.numbers(_complete(group))
    found = Judged(group, numbers)
    for claim in group.claims:
        match = claim.matching(numbers)
        if match is not None:
            found.right.append(claim)
            found.findings.append((claim.order, _match(claim, group, *match)))
        elif reason and claim.found_in(numbers) is None:
            finding = _placed(refused(claim, "not-measured", reason), group)
            found.findings.append((claim.order, finding))
        else:
            found.wrong.append(claim)
    return found


def audited_group(
    judged: Judged, measurer: Measurer, regions: Sequence[LinkedRegion], family: Family
) -> Iterator[tuple[int, AuditedNumber]]:
    """Yield what is said of every number of a region, and its place.

    Parameters
    ----------
    judged : Judged
    measurer : Measurer
    regions : sequence of LinkedRegion
        All regions of the document.
    family : Family
        How many numbers of the document do not match.
    """
    yield from judged.findings
    if not judged.wrong:
        return
    found = _explained(judged, measurer, regions, family)
    for claim in judged.wrong:
        yield claim.order, _finding(claim, judged.group, judged.numbers, *found[claim.order])


def _complete(group: Group) -> Measured:
    """Return the region with everything that one of its numbers asks for."""
    settings = group.measured.subject.settings
    for claim in group.claims:
        asked = stated_settings(claim.link)
        if asked.features == "first-order":
            settings = replace(settings, features="first-order")
        if asked.estimators:
            settings = replace(settings, estimators=True)
    return group.measured.with_settings(settings)


def _explained(
    judged: Judged, measurer: Measurer, regions: Sequence[LinkedRegion], family: Family
) -> _Explained:
    """Try one change, and two where one does not do."""
    group, numbers, wrong = judged.group, judged.numbers, judged.wrong
    measured = _complete(group)
    pixels = not all(claim.is_of_shape for claim in group.claims)
    few = measured.is_large
    full = numbers if few else measurer.numbers(measured.full())[0] or numbers
    more = full | measured.more(full)
    deviates = any(name in _DEVIATIONS for claim in wrong for name in claim.names)
    worlds = [] if few else list(worlds_of(measured.assumptions(), pixels))
    if deviates:
        worlds.insert(0, World("deviation:sample", _SAMPLE, 0, sample_numbers(full)))
    worlds += _other_regions(group, measured.subject.settings, measurer, regions)
    tries = {claim.order: tries_of(claim, numbers, more, worlds) for claim in wrong}
    doubt = Doubt(family, numbers, steps_of(measured.subject))
    found = explain(wrong, judged.right, doubt, tries, 1)
    left = [claim for claim in wrong if not found[claim.order][0]]
    if not left or few:
        return found
    doubled = list(worlds_of(measured.double_assumptions(), pixels))
    if deviates:
        doubled += [_sampled(world) for world in worlds[1:]]
    for claim in left:
        tries[claim.order] += tries_of(claim, numbers, {}, doubled)
    return found | explain(left, judged.right, doubt, tries, 2)


def _sampled(world: World) -> World:
    sentence = f"{world.sentence}, and {_SAMPLE}"
    return World(f"{world.name}+deviation:sample", sentence, 2, sample_numbers(world.numbers))


def _other_regions(
    group: Group, settings: Settings, measurer: Measurer, regions: Sequence[LinkedRegion]
) -> Iterator[World]:
    """Measure other regions of the document, those of the same selection first."""
    mine = group.region.selection
    others = [one for one in regions if (one.selection, one.path) != (mine, group.region.path)]
    others.sort(key=lambda one: one.selection is not mine)
    if group.region.region is not None and 1 < len(mine.regions) <= _MOST_REGIONS:
        others.insert(0, LinkedRegion(mine, None))
    for other in others[:_MOST_REGIONS]:
        found = measurer.find(other, settings)
        for measured in () if isinstance(found, str) else found[:2]:
            if measured.is_large:
                continue
            numbers, _ = measurer.numbers(measured)
            place = (
                other.path if other.selection is mine else f"{other.selection.name}:{other.path}"
            )
            if other.region is None:
                yield World("region:combined", "all regions were taken as one", 1, numbers)
            else:
                sentence = f"it belonged to another region, {other}"
                yield World(f"region:{place}", sentence, 1, numbers)


def _match(claim: Claim, group: Group, name: str, value: float) -> AuditedNumber:
    message = ""
    if name != claim.number.name:
        message = f"as {quantity_name(name)}"
    elif not claim.number.unit:
        message = "no unit is stated"
    return AuditedNumber(
        claim.link,
        claim.number,
        "matches",
        group.region.path,
        group.region.selection.name,
        value,
        message=message,
    )


def _placed(finding: AuditedNumber, group: Group) -> AuditedNumber:
    return replace(finding, region=group.region.path, selection=group.region.selection.name)


def _finding(
    claim: Claim,
    group: Group,
    numbers: Numbers,
    believed: tuple[Explanation, ...],
    possible: tuple[Explanation, ...],
) -> AuditedNumber:
    truth = claim.value_in(numbers)
    finding = AuditedNumber(
        claim.link,
        claim.number,
        "unexplained",
        recomputed=truth,
        message=_ours(claim, truth),
    )
    finding = _placed(finding, group)
    if believed:
        return replace(finding, status="explained", explanations=believed)
    if possible:
        return replace(finding, status="ambiguous", possible=possible)
    if truth is not None:
        return replace(finding, message=f"{finding.message}; {_tried(group)}")
    found = claim.found_in(numbers)
    if found is not None:
        message = f"it is stated in {claim.number.unit}, and known only in {found[1]}"
        return _placed(refused(claim, "other-unit", message), group)
    kind = group.region.region.type if group.region.region is not None else "whole"
    message = f"a region of type {kind} has no {quantity_name(claim.number.name)}"
    return _placed(refused(claim, "not-such-a-region", message), group)


def _ours(claim: Claim, truth: float | None) -> str:
    unit = claim.number.unit
    return "" if truth is None else f"we measure {truth:.6g}{f' {unit}' if unit else ''}"


def _tried(group: Group) -> str:
    tried = "nothing tried gives this number"
    if group.measured.is_large:
        tried += f", and of more than {MOST_VERTICES} vertices little was tried"
    return tried
