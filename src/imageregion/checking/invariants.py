"""Invariants: isl-1 to isl-11 of FHIR R6, asked of resources of every version."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from imageregion.checking.elements import SELECTORS, Resource
from imageregion.errors import Issue, Severity
from imageregion.fhir.normalized import Place

__all__ = ["invariant_issues"]

_Found = Iterator[tuple[Place, str]]

_R6 = ("r6", "r6-ballot2")
_EVERYWHERE = frozenset({"isl-1", "isl-5", "isl-7", "isl-8"})
"""What R5 requires, too, so that nothing is selected or regions cannot be read."""

_ASKED_FOR = frozenset({"isl-2", "isl-4"})
"""What the text of R5 asks for, though regions are found without."""


def invariant_issues(resource: Resource) -> list[Issue]:
    """Find the invariants that a resource breaks.

    Parameters
    ----------
    resource : Resource

    Returns
    -------
    list of Issue
        Errors in R6, and where other versions require the same; warnings where R5 asks for it in
        words; information where it permits what R6 does not. A manifest breaks none.

    Examples
    --------
    >>> from imageregion.fhir.normalized import Normalized
    >>> for issue in invariant_issues(Resource(Normalized({"seriesUid": "1.2"}, "r6"))):
    ...     print(issue)
    error ImagingSelection.seriesUid: expected studyUid beside seriesUid, got none
    """
    dialect = resource.normalized.dialect
    if dialect == "manifest":
        return []
    issues: list[Issue] = []
    for name, rule in _INVARIANTS.items():
        severity = _severity(name, dialect)
        for place, message in rule(resource):
            known = "" if severity == "error" else f"; this would break {name} in FHIR R6"
            issues.append(resource.issue(severity, name, place, message + known))
    return issues


def _severity(name: str, dialect: str) -> Severity:
    if dialect in _R6 or name in _EVERYWHERE:
        return "error"
    return "warning" if name in _ASKED_FOR else "information"


def _selects(resource: Resource) -> _Found:
    if resource.has("instance") and resource.normalized.dialect not in _R6:
        return  # what is missing there is the series: isl-4
    if not resource.has("seriesUid") and next(resource.regions(3), None) is None:
        yield (), "expected seriesUid or a region in 3-D, got neither"


def _study(resource: Resource) -> _Found:
    if resource.has("seriesUid") and not resource.has("studyUid"):
        yield ("seriesUid",), "expected studyUid beside seriesUid, got none"


def _series_number(resource: Resource) -> _Found:
    if resource.has("seriesNumber") and not resource.has("seriesUid"):
        yield ("seriesNumber",), "expected seriesUid beside seriesNumber, got none"


def _series(resource: Resource) -> _Found:
    if resource.has("instance") and not resource.has("seriesUid"):
        yield ("instance",), "expected seriesUid beside instances, got none"


def _frame_of_reference(resource: Resource) -> _Found:
    if not resource.has("frameOfReferenceUid"):
        for place, _ in resource.regions(3):
            yield place, "expected frameOfReferenceUid beside regions in 3-D, got none"
            return


def _one_space(resource: Resource) -> _Found:
    flat, solid = next(resource.regions(2), None), next(resource.regions(3), None)
    if flat and solid:
        yield flat[0], "expected regions either in 2-D or in 3-D, got both"


def _multiple(dimension: int) -> Callable[[Resource], _Found]:
    def rule(resource: Resource) -> _Found:
        for place, region in resource.regions(dimension):
            coordinates = region.get("coordinate")
            count = len(coordinates) if isinstance(coordinates, list) else 0
            if count % dimension and coordinates != [None]:  # refused as a whole
                what = "(column, row) pairs" if dimension == 2 else "(x, y, z) triplets"
                yield (*place, "coordinate"), f"expected {what}, got {count} numbers"

    return rule


def _modality(resource: Resource) -> _Found:
    if resource.has("modality") and not resource.has("seriesUid"):
        yield ("modality",), "expected seriesUid beside modality, got none"


def _one_selector(resource: Resource) -> _Found:
    for place, instance in resource.instances():
        named = [name for name in SELECTORS if instance.get(name)]
        if len(named) > 1:
            yield place, f"expected one kind of selector, got {', '.join(named)}"


def _channel_pairs(resource: Resource) -> _Found:
    for place, instance in resource.instances():
        channels = instance.get("waveFormChannel")
        if isinstance(channels, list) and len(channels) % 2:
            message = f"expected pairs of multiplex group and channel, got {len(channels)} numbers"
            yield (*place, "waveFormChannel"), message


_INVARIANTS: dict[str, Callable[[Resource], _Found]] = {
    "isl-1": _selects,
    "isl-2": _study,
    "isl-3": _series_number,
    "isl-4": _series,
    "isl-5": _frame_of_reference,
    "isl-6": _one_space,
    "isl-7": _multiple(2),
    "isl-8": _multiple(3),
    "isl-9": _modality,
    "isl-10": _one_selector,
    "isl-11": _channel_pairs,
}
