"""The form of an ImagingSelection: everything about it except regions and coordinates.

`check_form` hands fhir.resources a draft in which lenient readings are already made and coordinates
are placeholders, and sorts what it says by what it costs: a region, an instance, or the resource.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from imageregion.errors import FhirError, Issue, Severity
from imageregion.fhir.plain import brief, plain
from imageregion.fhir.targets import clean_uid
from imageregion.fhir.validation import Finding, Place, fhirpath, validate

__all__ = ["REGIONS", "STATUSES", "UIDS", "Form", "check_form"]

STATUSES = ("available", "entered-in-error", "unknown")
"""The required codes of ``ImagingSelection.status``."""

UIDS = ("studyUid", "seriesUid", "frameOfReferenceUid")
"""Elements of the resource that hold a DICOM UID."""

REGIONS: tuple[tuple[str, Literal[2, 3]], ...] = (("imageRegion2D", 2), ("imageRegion3D", 3))
"""Elements of an instance that hold regions, and the dimension of their coordinates."""

_SELECTORS_ELSEWHERE = frozenset({"imageRegion3D", "imageRegion", "instances"})
_INSTANCE_SELECTORS_ELSEWHERE = frozenset(
    {
        "frameNumber",
        "referencedContentItemIdentifier",
        "segmentNumber",
        "regionOfInterest",
        "waveFormChannel",
        "imageRegion",
        "frameList",
        "segmentList",
        "roiList",
        "observationUid",
    }
)


@dataclass(slots=True)
class Form:
    """What was found out about the form of a resource.

    Parameters
    ----------
    status : str
        One of `STATUSES`.
    issues : list of Issue
    lost : set of tuple
        Places of the regions and instances that cannot be used; () for the resource as a whole.
    """

    status: str = "unknown"
    issues: list[Issue] = field(default_factory=list)
    lost: set[Place] = field(default_factory=set)

    def add(self, severity: Severity, code: str, place: Place, message: str) -> None:
        """Note an issue with the element at `place`."""
        self.issues.append(Issue(severity, code, fhirpath(place), message))

    def lose(self, place: Place, message: str, owner: Place) -> None:
        """Note that a fault at `place` costs the region or instance `owner`."""
        self.add("error", "invalid-element", place, message)
        self.lost.add(owner)


def check_form(original: dict[str, Any]) -> Form:
    """Validate an ImagingSelection against FHIR R5, apart from its coordinates.

    Parameters
    ----------
    original : dict
        Plain JSON; not changed.

    Returns
    -------
    Form

    Raises
    ------
    FhirError
        When a fault concerns the resource as a whole.

    Examples
    --------
    >>> form = check_form({"resourceType": "ImagingSelection", "status": "available", "code": {},
    ...                    "instance": [{"uid": "1.2"}, {"number": 1}]})
    >>> form.lost, form.issues[0].message
    ({('instance', 1)}, 'required, but missing')
    """
    form = Form()
    draft = _draft(original, form)
    form.status = _status(draft, form)
    _sort_findings(validate(draft), form)
    return form


def _draft(original: dict[str, Any], form: Form) -> dict[str, Any]:
    """Make the copy that is validated: clean UIDs, placeholder coordinates, sound containers.

    Contained resources are carried along unread, and left out of it.
    """
    draft = _rest(original, (), ("instance", "contained"), form)
    for name in UIDS:
        _clean(draft, (name,), form)
    instances = original.get("instance")
    if instances is not None and not isinstance(instances, list):
        raise FhirError(fhirpath(("instance",)), f"expected a list, got {brief(instances)}")
    if instances:
        draft["instance"] = [
            _draft_instance(instance, ("instance", i), form) for i, instance in enumerate(instances)
        ]
    return draft


def _draft_instance(instance: object, place: Place, form: Form) -> dict[str, Any]:
    if not isinstance(instance, dict):
        form.lose(place, f"expected an object, got {brief(instance)}", place)
        return {"uid": "0"}
    names = [name for name, _ in REGIONS]
    draft = _rest(instance, place, (*names, "subset"), form)
    _clean(draft, (*place, "uid"), form)
    for name in names:
        regions = instance.get(name)
        if regions is not None and not isinstance(regions, list):
            form.lose((*place, name), f"expected a list, got {brief(regions)}", place)
        elif regions:
            draft[name] = [
                _draft_region(region, (*place, name, i), form) for i, region in enumerate(regions)
            ]
    return draft


def _draft_region(region: object, place: Place, form: Form) -> dict[str, Any]:
    placeholder = {"regionType": "point", "coordinate": [0]}
    if not isinstance(region, dict):
        form.lose(place, f"expected an object, got {brief(region)}", place)
        return placeholder
    return {**_rest(region, place, tuple(placeholder), form), **placeholder}


def _rest(
    element: dict[str, Any], place: Place, without: tuple[str, ...], form: Form
) -> dict[str, Any]:
    """Copy an element without some parts, and without nulls, which fhir.resources lets through."""
    if element.get("modifierExtension"):
        message = "may change the meaning in a way this library does not know"
        form.add("warning", "modifier-extension", (*place, "modifierExtension"), message)
    copy: dict[str, Any] = plain({k: v for k, v in element.items() if k not in without})
    return {key: value for key, value in copy.items() if value is not None}


def _clean(element: dict[str, Any], place: Place, form: Form) -> None:
    name = str(place[-1])
    value = element.get(name)
    if isinstance(value, str) and clean_uid(value) != value:
        element[name] = clean_uid(value)
        form.add("information", "uid-prefix", place, f"{value!r:.90} read as {element[name]:.80}")


def _status(draft: dict[str, Any], form: Form) -> str:
    """Return the status in lower case; an absent one is left to fhir.resources."""
    given = draft.get("status")
    if given is None:
        return "unknown"
    if not isinstance(given, str) or given.strip().lower() not in STATUSES:
        raise FhirError(
            fhirpath(("status",)), f"expected one of {', '.join(STATUSES)}, got {brief(given)}"
        )
    status = given.strip().lower()
    if status != given:
        draft["status"] = status
        form.add("information", "code-case", ("status",), f"{given!r} read as {status!r}")
    if status == "entered-in-error":
        message = "the selection was withdrawn: its status is entered-in-error"
        form.add("warning", "entered-in-error", ("status",), message)
    return status


def _sort_findings(findings: list[Finding], form: Form) -> None:
    """Turn findings into issues, and note which regions and instances they cost."""
    fatal: list[Finding] = []
    for finding in findings:
        place, message = finding.place, finding.message
        owner = _owner(place)
        if finding.is_unknown and _selects(place):
            message += "; it selects something in a draft or later version"
            form.add("error", "later-version", place, message)
            form.lost.add(owner)
        elif finding.is_unknown:
            form.add("warning", "unknown-element", place, f"{message}; kept, not used")
        elif place == ("id",):
            form.add("warning", "invalid-id", place, message)
        elif place[:1] == ("text",):
            form.add("warning", "invalid-narrative", place, message)
        elif owner:
            form.lose(place, message, owner)
        else:
            fatal.append(finding)
    if fatal:
        more = f" (and {len(fatal) - 1} more: {_list(fatal[1:])})" if len(fatal) > 1 else ""
        raise FhirError(fatal[0].path, fatal[0].message + more)


def _owner(place: Place) -> Place:
    """Return the region or instance that an element belongs to, or () for the resource."""
    if place[:1] != ("instance",) or len(place) < 2:
        return ()
    names = tuple(name for name, _ in REGIONS)
    return place[:4] if len(place) > 3 and place[2] in names else place[:2]


def _selects(place: Place) -> bool:
    if len(place) == 1:
        return place[0] in _SELECTORS_ELSEWHERE
    return len(place) == 3 and place[2] in _INSTANCE_SELECTORS_ELSEWHERE


def _list(findings: list[Finding]) -> str:
    shown = "; ".join(f"{finding.path}: {finding.message}" for finding in findings[:3])
    return shown + ("; ..." if len(findings) > 3 else "")
