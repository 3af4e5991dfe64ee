"""Detection: which published form of an ImagingSelection a resource is in, and why."""

from __future__ import annotations

from typing import Any

from imageregion.errors import FhirError, InputError, Issue
from imageregion.fhir.dialects.marks import Mark, find_marks
from imageregion.fhir.normalized import DIALECTS, Dialect

__all__ = ["Detected", "detect"]

Detected = tuple[Dialect, str, tuple[Issue, ...]]
"""The dialect, what it was recognised by in words, and what is mixed in."""

_PREFERRED: tuple[Dialect, ...] = (
    "r5",
    "r6",
    "r6-ballot2",
    "r5-ballot",
    "r5-snapshot1",
    "r5-draft",
    "imaging-reference",
)
"""Where several fit, the first: they mean the same then."""
_BY_TYPE: dict[str, Dialect] = {"Basic": "r4-basic", "ImagingManifest": "manifest"}


def detect(resource: dict[str, Any], asked: Dialect | None = None) -> Detected:
    """Tell the dialect of an ImagingSelection by the elements it has.

    Parameters
    ----------
    resource : dict
        Plain JSON.
    asked : Dialect, optional
        The dialect that the caller says it is in.

    Returns
    -------
    Detected
        What several dialects share is R5 5.0.0 where that has it, and otherwise the latest.

    Raises
    ------
    FhirError
        When an element is not of the dialect asked for.
    InputError
        When there is no such dialect.

    Examples
    --------
    >>> detect({"resourceType": "ImagingSelection", "instance": [{"uid": "1", "frameNumber": [2]}]})
    ('r6', 'ImagingSelection.instance[0].frameNumber', ())
    """
    if asked is not None and asked not in DIALECTS:
        raise InputError(f"expected a dialect out of {', '.join(DIALECTS)}, got {asked!r:.60}")
    kind = resource.get("resourceType")
    by_type = _BY_TYPE.get(kind) if isinstance(kind, str) else None
    if asked is not None and (by_type or asked in _BY_TYPE.values()) and asked != by_type:
        got = DIALECTS[by_type] if by_type else f"resourceType {kind!s:.60}"
        raise FhirError(f"{kind!s:.60}", f"expected {DIALECTS[asked]}, as asked for, got {got}")
    if by_type:
        return by_type, f"resourceType {kind}", ()
    marks = find_marks(resource)
    if asked is not None:
        _contradict(asked, marks)
        return asked, "asked for", ()
    return _chosen(marks)


def _contradict(asked: Dialect, marks: list[Mark]) -> None:
    for mark in marks:
        if mark.is_binding and asked not in mark.dialects:
            versions = " or ".join(DIALECTS[dialect] for dialect in mark.dialects)
            what = f"{mark.what} " if mark.what else ""
            message = f"expected {DIALECTS[asked]}, as asked for, but {what}is of {versions}"
            raise FhirError(mark.path, message)


def _chosen(marks: list[Mark]) -> Detected:
    """Return the dialect with the most marks; of several the first with the most elements."""
    if not marks:
        return "r5", "nothing that is not of FHIR 5.0.0", ()
    counts = {
        d: (
            sum(d in mark.dialects for mark in marks),
            sum(d in mark.dialects for mark in marks if not mark.is_value),
        )
        for d in _PREFERRED
    }
    dialect = max(_PREFERRED, key=lambda d: counts[d])
    own = [mark for mark in marks if dialect in mark.dialects]
    telling = [mark for mark in own if "r5" not in mark.dialects] or own
    evidence = ", ".join(str(mark) for mark in telling[:3])
    others = [mark for mark in marks if dialect not in mark.dialects]
    issues = tuple(
        Issue(
            "information",
            "mixed-dialects",
            mark.path,
            f"{f'{mark.what}: ' if mark.what else ''}of {DIALECTS[mark.dialects[-1]]}, "
            f"beside elements of {DIALECTS[dialect]}",
        )
        for mark in others
    )
    return dialect, evidence, issues
