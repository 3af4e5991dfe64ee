"""The form of an ImagingSelection: everything about it except regions and coordinates.

`check_form` hands fhir.resources drafts in plain R5, in which coordinates are placeholders and what
R5 has not stands where R5 has the like. It sorts what it says by what it costs: a region, an
instance, or the resource. Instances that are seen to be sound are not handed over.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from imageregion.errors import FhirError, Issue, Severity
from imageregion.fhir.normalized import Normalized, Place, fhirpath, original_place
from imageregion.fhir.reading.validation import MAX_VALUES, Finding, Sketch, validate_all
from imageregion.fhir.text.plain import brief, plain

__all__ = ["REGIONS", "STATUSES", "UIDS", "Form", "check_form"]

STATUSES = ("available", "entered-in-error", "unknown")
"""The required codes of ``ImagingSelection.status`` in R5."""

UIDS = ("studyUid", "seriesUid", "frameOfReferenceUid")
"""Elements of the resource that hold a DICOM UID."""

REGIONS: tuple[tuple[str, Literal[2, 3]], ...] = (("imageRegion2D", 2), ("imageRegion3D", 3))
"""Elements of an instance that hold regions, and the dimension of their coordinates."""

_LATER_STATUS = "inactive"  # of R6
_NAMES = tuple(name for name, _ in REGIONS)
_SELECTORS = (
    "subset",
    "frameNumber",
    "referencedContentItemIdentifier",
    "segmentNumber",
    "regionOfInterest",
    "waveFormChannel",
)
_EARLY = ("imageRegion", "instances", "frameList", "segmentList", "roiList", "observationUid")
_SELECTING = frozenset({*_SELECTORS, *_EARLY, *_NAMES, "coordinate", "coordinates"})
"""Elements that limit what is meant; where they stand out of place, it is not known to what."""
_ASIDE = ("instance", "contained", "imageRegion3D", "modality")
_SOUND = {*_NAMES, *_SELECTORS, "uid", "number", "sopClass"}
_SOUND_REGION = {"id", "regionType", "coordinate"}
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_WORD = re.compile(r"\S{1,2048}")
_MOST_ISSUES = 1000
_PLACEHOLDER = {"regionType": "point", "coordinate": [0]}


@dataclass(slots=True)
class Form:
    """What was found out about the form of a resource.

    Parameters
    ----------
    normalized : Normalized
    status : str
        One of `STATUSES`, or "inactive".
    issues : list of Issue
    lost : set of tuple
        Places of the regions and instances that cannot be used; () for the resource as a whole.
    """

    normalized: Normalized
    status: str = "unknown"
    issues: list[Issue] = field(default_factory=list)
    lost: set[Place] = field(default_factory=set)
    _told: Counter[Severity] = field(default_factory=Counter)

    def path(self, place: Place) -> str:
        """Return the FHIRPath in the original of an element of the normalized resource."""
        return fhirpath(original_place(place, self.normalized.places))

    def add(self, severity: Severity, code: str, place: Place, message: str) -> None:
        """Note an issue with the element at `place`; many notes never keep an error from it."""
        self._told[severity] += 1
        if self._told[severity] <= _MOST_ISSUES:
            self.issues.append(Issue(severity, code, self.path(place), message))

    def lose(self, place: Place, message: str, owner: Place) -> None:
        """Note that a fault at `place` costs the region or instance `owner`."""
        self.add("error", "invalid-element", place, message)
        self.lost.add(owner)


def check_form(normalized: Normalized) -> Form:
    """Validate an ImagingSelection, apart from its coordinates and selectors.

    Parameters
    ----------
    normalized : Normalized
        Its resource is not changed.

    Returns
    -------
    Form
        Its issues begin with those of `normalized`; what these refuse is lost.

    Raises
    ------
    FhirError
        When a fault concerns the resource as a whole.

    Examples
    --------
    >>> form = check_form(Normalized({"resourceType": "ImagingSelection", "status": "available",
    ...                               "code": {}, "instance": [{"uid": "1.2"}, {"number": 1}]}))
    >>> form.lost, form.issues[0].message
    ({('instance', 1)}, 'required, but missing')
    """
    form = Form(normalized, issues=list(normalized.issues))
    form.status = _status(normalized.resource, form)
    refused = {issue.path for issue in normalized.issues if issue.severity == "error"}
    sketches = [_main_sketch(normalized.resource, form, refused)]
    sketches += _sketches_of_later(normalized.resource, form, refused)
    _sort_findings(validate_all(sketches), form)
    return form


def _main_sketch(resource: dict[str, Any], form: Form, refused: set[str]) -> Sketch:
    """Draw up what R5 has; contained resources are carried along unread, and left out of it."""
    sites = resource.get("bodySite")
    without = (*_ASIDE, "bodySite") if isinstance(sites, list) else _ASIDE
    draft = _rest(resource, (), without, form)
    if draft.get("status") == _LATER_STATUS:
        draft["status"] = "unknown"
    instances = resource.get("instance")
    if instances is not None and not isinstance(instances, list):
        raise FhirError(form.path(("instance",)), f"expected a list, got {brief(instances)}")
    sketch = Sketch(draft)
    drafts: list[dict[str, Any]] = []
    for i, instance in enumerate(instances or []):
        place: Place = ("instance", i)
        if refused and form.path(place) in refused:
            form.lost.add(place)
        elif not _is_sound(instance) or refused:
            if len(drafts) > MAX_VALUES // 10:
                message = f"more than {len(drafts)} instances with unusual elements"
                raise FhirError(form.path(("instance",)), message)
            sketch.places["instance", len(drafts)] = place
            drafts.append(_draft_instance(instance, place, form, refused))
    if drafts:
        draft["instance"] = drafts
    return sketch


def _is_sound(instance: object) -> bool:
    """Whether an instance and its regions have no elements but valid ones that are usual."""
    if not isinstance(instance, dict) or not instance.keys() <= _SOUND:
        return False
    uid, number, coding = instance.get("uid"), instance.get("number", 0), instance.get("sopClass")
    has_sound_parts = (
        isinstance(uid, str)
        and _ID.fullmatch(uid) is not None
        and type(number) is int
        and 0 <= number < 2**31
        and ("sopClass" not in instance or _is_coding(coding))
    )
    return has_sound_parts and all(
        isinstance(regions, list) and all(map(_is_sound_region, regions))
        for regions in (instance.get(name, []) for name in _NAMES)
    )


def _is_sound_region(region: object) -> bool:
    if not isinstance(region, dict) or not region.keys() <= _SOUND_REGION:
        return False
    return "id" not in region or isinstance(region["id"], str)


def _is_coding(value: object) -> bool:
    if not isinstance(value, dict) or not value or not value.keys() <= {"system", "code"}:
        return False
    return all(isinstance(part, str) and _WORD.fullmatch(part) for part in value.values())


def _draft_instance(
    instance: object, place: Place, form: Form, refused: set[str]
) -> dict[str, Any]:
    if not isinstance(instance, dict):
        form.lose(place, f"expected an object, got {brief(instance)}", place)
        return {"uid": "0"}
    draft = _rest(instance, place, (*_NAMES, *_SELECTORS), form)
    for name in _NAMES:
        drafts = _draft_regions(instance.get(name), (*place, name), place, form, refused)
        if drafts:
            draft[name] = drafts
    return draft


def _draft_regions(
    regions: object, place: Place, owner: Place, form: Form, refused: set[str]
) -> list[dict[str, Any]]:
    if regions is not None and not isinstance(regions, list):
        form.lose(place, f"expected a list, got {brief(regions)}", owner or place)
    if not isinstance(regions, list):
        return []
    return [_draft_region(region, (*place, j), form, refused) for j, region in enumerate(regions)]


def _draft_region(region: object, place: Place, form: Form, refused: set[str]) -> dict[str, Any]:
    if refused and form.path(place) in refused:
        form.lost.add(place)
        return dict(_PLACEHOLDER)
    if not isinstance(region, dict):
        form.lose(place, f"expected an object, got {brief(region)}", place)
        return dict(_PLACEHOLDER)
    return {**_rest(region, place, tuple(_PLACEHOLDER), form), **_PLACEHOLDER}


def _sketches_of_later(resource: dict[str, Any], form: Form, refused: set[str]) -> list[Sketch]:
    """Draw up what R5 has not, under elements of R5 that have the same type."""
    sketches = []
    regions = _draft_regions(resource.get("imageRegion3D"), ("imageRegion3D",), (), form, refused)
    draft: dict[str, Any] = {"resourceType": "ImagingSelection", "status": "unknown", "code": {}}
    if regions:
        sketch = Sketch({**draft, "instance": [{"uid": "0", "imageRegion3D": regions}]})
        sketch.places["instance", 0, "imageRegion3D"] = ("imageRegion3D",)
        sketches.append(sketch)
    modality = resource.get("modality")
    if modality is not None:
        sketch = Sketch({**draft, "category": [plain(modality)]})
        sketches.append(sketch)
        sketch.places["category", 0] = ("modality",)
    sites = resource.get("bodySite")
    for i, site in enumerate(sites if isinstance(sites, list) else []):
        sketch = Sketch({**draft, "bodySite": plain(site)})
        sketch.places["bodySite",] = ("bodySite", i)
        sketches.append(sketch)
    return sketches


def _rest(
    element: dict[str, Any], place: Place, without: tuple[str, ...], form: Form
) -> dict[str, Any]:
    """Copy an element without some parts, and without nulls, which fhir.resources lets through."""
    if element.get("modifierExtension"):
        message = "may change the meaning in a way this library does not know"
        form.add("warning", "modifier-extension", (*place, "modifierExtension"), message)
    copy: dict[str, Any] = plain({k: v for k, v in element.items() if k not in without})
    return {key: value for key, value in copy.items() if value is not None}


def _status(resource: dict[str, Any], form: Form) -> str:
    """Return the status; an absent one is left to fhir.resources."""
    given = resource.get("status")
    if given is None:
        return "unknown"
    if given not in (*STATUSES, _LATER_STATUS):
        wanted = ", ".join(STATUSES)
        raise FhirError(form.path(("status",)), f"expected one of {wanted}, got {brief(given)}")
    if given in ("entered-in-error", _LATER_STATUS):
        state = "no longer in use" if given == _LATER_STATUS else "withdrawn"
        message = f"the selection is {state}: its status is {given}"
        form.add("warning", str(given), ("status",), message)
    return str(given)


def _sort_findings(findings: list[Finding], form: Form) -> None:
    """Turn findings into issues, and note which regions and instances they cost."""
    fatal: list[Finding] = []
    for finding in findings:
        place, message = finding.place, finding.message
        owner = _owner(place)
        if finding.is_unknown and place[-1] in _SELECTING and len(place) == len(owner) + 1:
            message = "it limits what is selected, but FHIR does not have it in this place"
            form.add("error", "misplaced", place, message)
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
        raise _fatal(fatal, form)


def _fatal(findings: list[Finding], form: Form) -> FhirError:
    told = [f"{form.path(finding.place)}: {finding.message}" for finding in findings[1:4]]
    more = "; ".join(told) + ("; ..." if len(findings) > 4 else "")
    first = findings[0]
    message = first.message + (f" (and {len(findings) - 1} more: {more})" if more else "")
    if first.place == ("status",) and first.message.startswith("required"):
        message += "; drafts of FHIR R5 had none: name the dialect, e.g. r5-ballot, to read one"
    return FhirError(form.path(first.place), message)


def _owner(place: Place) -> Place:
    """Return the region or instance that an element belongs to, or () for the resource."""
    if place[:1] == ("imageRegion3D",):
        return place[:2]
    if place[:1] != ("instance",) or len(place) < 2:
        return ()
    return place[:4] if len(place) > 3 and place[2] in _NAMES else place[:2]
