"""Values that need more than one object: uptake of a PET series, and mappings kept elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from imageregion.dicom.reading import Outcome
from imageregion.dicom.real_values.mappings import MAX_MAPPINGS, Unavailable, named, quantity_of
from imageregion.dicom.real_values.mappings import Mapping as ValueMapping
from imageregion.dicom.real_values.units import SUV_UNITS, is_unknown_unit
from imageregion.dicom.suv.suv import PetFacts, Uptake, uptake_of
from imageregion.errors import GeometryError, Issue
from imageregion.frame import Frame
from imageregion.quantities import Quantity, scaled

__all__ = ["assign_values"]

_SUV_NAMES = {unit: name for name, unit in SUV_UNITS.items()}
_DISAGREEMENT = 0.01  # of a computed uptake value and one that was stored as a mapping
_Known = dict[tuple[int, float | None], Quantity | Unavailable]
_References = Mapping[str, Sequence[tuple[frozenset[int], tuple[ValueMapping, ...]]]]


def assign_values(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Issue]]:
    """Add the quantities that one object alone does not tell, and choose the default again.

    Real World Value Mapping objects add theirs to the frames they name (DICOM PS3.3 A.46); PET
    series get their uptake values, the same decision for all their images.

    Parameters
    ----------
    outcomes : sequence of Outcome
        Everything that was opened.

    Returns
    -------
    outcomes : list of Outcome
        The same, in the same order, some with other frames.
    issues : list of Issue
        About series; their path is the Series Instance UID.
    """
    references = _references(outcomes)
    settled = [_with_mappings(outcome, references) for outcome in outcomes]
    issues = [
        Issue("warning", "mapping", outcome.uid, f"the mappings are not used: {found.problem}")
        for outcome in outcomes
        if (found := outcome.evidence) is not None and found.problem and found.pet is None
    ]
    for series, places in _pet_series(settled).items():
        facts = [pet for n in places if (pet := _pet(settled[n])) is not None]
        uptake = uptake_of(facts)
        for n in places:
            settled[n] = _with_uptake(settled[n], uptake)
        issues += _uptake_issues(series, [settled[n] for n in places], uptake)
    return settled, [*issues, *_value_issues(settled)]


def _references(outcomes: Iterable[Outcome]) -> _References:
    """Return the mappings that other objects have for an image, by its SOP Instance UID."""
    found = defaultdict(list)
    for outcome in outcomes:
        for group in outcome.evidence.mappings if outcome.evidence is not None else ():
            for uid, numbers in group.frames:
                found[uid].append((numbers, group.mappings))
    return found


def _with_mappings(outcome: Outcome, references: _References) -> Outcome:
    groups = references.get(outcome.uid)
    if not groups or not outcome.frames:
        return outcome
    known: _Known = {}
    frames = []
    for frame in outcome.frames:
        used = (m for numbers, ms in groups if not numbers or frame.number in numbers for m in ms)
        chosen = list(islice(used, MAX_MAPPINGS))
        found = [_quantity(mapping, frame.highest, known) for mapping in chosen]
        frames.append(_with_mapped(frame, found) if found and frame.quantities else frame)
    return replace(outcome, frames=tuple(frames))


def _quantity(
    mapping: ValueMapping, highest: float | None, known: _Known
) -> Quantity | Unavailable:
    """Make a quantity once for all frames: it may hold a long table."""
    key = (id(mapping), highest)
    if key not in known:
        known[key] = quantity_of(mapping, highest, None)
    return known[key]


def _with_mapped(frame: Frame, found: Sequence[Quantity | Unavailable]) -> Frame:
    """Add real world values, which may need new names to be told apart."""
    own = [quantity for quantity in frame.quantities if quantity.name.startswith("rwv:")]
    mapped, ambiguous = named([*own, *(one for one in found if isinstance(one, Quantity))])
    problems = [one for one in found if not isinstance(one, Quantity)]
    others = [quantity for quantity in frame.quantities if quantity not in own]
    names = {name for name, _ in (*ambiguous, *problems)}
    known = tuple(entry for entry in frame.unavailable if entry[0] not in names)
    changed = replace(
        frame,
        quantities=(*others, *mapped),
        unavailable=(*known, *problems, *ambiguous),
    )
    return _renamed(changed, own)


def _renamed(frame: Frame, own: Sequence[Quantity]) -> Frame:
    """Keep the default of a frame whose name may have changed."""
    for before in own:
        if before.name == frame.value:
            for now in frame.quantities:
                if now.value_map is before.value_map:
                    return replace(frame, value=now.name)
    return frame


def _pet(outcome: Outcome) -> PetFacts | None:
    return None if outcome.evidence is None or not outcome.frames else outcome.evidence.pet


def _pet_series(outcomes: Sequence[Outcome]) -> dict[str, list[int]]:
    places = defaultdict(list)
    for n, outcome in enumerate(outcomes):
        if _pet(outcome) is not None and outcome.evidence is not None:
            places[outcome.evidence.series or outcome.uid].append(n)
    return places


def _with_uptake(outcome: Outcome, uptake: Uptake) -> Outcome:
    facts = _pet(outcome)
    if facts is None:
        return outcome
    frames = tuple(
        _uptake_frame(frame, facts, uptake) if frame.quantities else frame
        for frame in outcome.frames
    )
    return replace(outcome, frames=frames)


def _uptake_frame(frame: Frame, facts: PetFacts, uptake: Uptake) -> Frame:
    reasons = dict(uptake.reasons)
    added = []
    base = _activity(frame, facts)
    for name in uptake.sizes:
        if base is None:
            reasons[name] = f"the image has no values in {facts.unit}"
            continue
        try:
            value_map = scaled(base.value_map, uptake.factor(name, facts))
        except GeometryError:  # a table of numbers too large
            reasons[name] = "its values are too large"
            continue
        added.append(Quantity(name, value_map, SUV_UNITS[name], f"computed from {base.name}"))
    names = {quantity.name for quantity in (*frame.quantities, *added)}
    for quantity in frame.quantities:  # what somebody else computed
        name = _SUV_NAMES.get(quantity.unit, "")
        if name and name not in names and quantity.name.startswith("rwv:"):
            added.append(replace(quantity, name=name))
            names.add(name)
    reasons = {name: reason for name, reason in reasons.items() if name not in names}
    known = tuple(entry for entry in frame.unavailable if entry[0] not in SUV_UNITS)
    frame = replace(
        frame,
        quantities=(*frame.quantities, *added),
        unavailable=(*known, *reasons.items()),
    )
    if facts.suv:
        return frame
    return frame.as_value("suvbw") if "suvbw" in names else _by_activity(frame, base)


def _by_activity(frame: Frame, base: Quantity | None) -> Frame:
    return frame if base is None else frame.as_value(base.name)


def _activity(frame: Frame, facts: PetFacts) -> Quantity | None:
    """Return the values that a factor turns into uptake: rescaled, or by a real world mapping."""
    fitting = [q for q in frame.quantities if q.unit == facts.unit]
    return next((q for q in fitting if q.name == "rescaled"), fitting[0] if fitting else None)


def _uptake_issues(series: str, outcomes: Sequence[Outcome], uptake: Uptake) -> list[Issue]:
    frames = [frame for outcome in outcomes for frame in outcome.frames if frame.quantities]
    if not frames:
        return []
    issues = []
    missing = [frame for frame in frames if not frame.value.startswith("suv")]
    if missing:
        reason = dict(missing[0].unavailable).get("suvbw", "the reason is not known")
        text = f"no uptake values (SUV): {reason}; values are {missing[0].value}"
        issues.append(Issue("warning", "no-suv", series, f"{text} in {missing[0].unit}"))
    elif uptake.note:
        text = f"uptake values (SUV): decay is counted from {uptake.note}, not the series time"
        issues.append(Issue("information", "suv-time", series, text))
    differing = [frame for frame in frames if _differs(frame)]
    if differing:
        text = "uptake values (SUV) as computed differ from those of a real world value mapping"
        issues.append(Issue("warning", "suv-differs", series, f"{text} by more than 1 %"))
    return issues


def _differs(frame: Frame) -> bool:
    """Whether a computed uptake value is not that of a mapping to the same unit."""
    computed = {q.unit: q for q in frame.quantities if q.name in SUV_UNITS}
    for mapped in frame.quantities:
        other = computed.get(mapped.unit)
        if other is None or not mapped.name.startswith("rwv:"):
            continue
        stored = np.array([1000.0 if frame.highest is None else frame.highest // 2])
        one, two = float(mapped.value_map(stored)[0]), float(other.value_map(stored)[0])
        if abs(one - two) > _DISAGREEMENT * abs(two):  # False where there is no real value
            return True
    return False


def _value_issues(outcomes: Iterable[Outcome]) -> list[Issue]:
    """Say once per series what is odd about the values of its images."""
    found: dict[tuple[str, str], Issue] = {}
    for outcome in outcomes:
        for frame in outcome.frames[:1]:
            if is_unknown_unit(frame.unit):
                text = f"values are in {frame.unit}, a code that DICOM does not define"
                issue = Issue("information", "unknown-unit", frame.series, text)
                found.setdefault((frame.series, issue.code), issue)
            if frame.padding is not None and _has_odd_padding(frame):
                text = (
                    f"the padding value {frame.padding[0]:g} is none that the stored bits can "
                    "hold: see whether padding was left out"
                )
                issue = Issue("warning", "padding-value", frame.series, text)
                found.setdefault((frame.series, issue.code), issue)
    return list(found.values())


def _has_odd_padding(frame: Frame) -> bool:
    if frame.padding is None or frame.highest is None:
        return False
    return frame.padding[0] > frame.highest or frame.padding[1] < -frame.highest - 1
