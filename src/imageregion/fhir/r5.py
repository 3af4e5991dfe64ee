"""FHIR R5 5.0.0 ImagingSelection: from JSON to a `Selection`.

Lenient on form, strict on meaning. A fault inside one region costs that region, inside one instance
that instance, elsewhere the resource. Names of the issues found here (`Issue.code`):

========================  ==========================================================================
error
------------------------  --------------------------------------------------------------------------
invalid-element           fhir.resources refuses an element of the region or instance
later-version             the element selects something in a draft or later version, not in R5
empty-list                an empty list where leaving the element out would mean everything
no-target                 neither instances nor a series are named
no-frame-of-reference     imageRegion3D without frameOfReferenceUid
not-an-image              imageRegion2D on a report, structure set or presentation state
subset                    the subset of an image is no list of frame numbers
region-type               no or unknown region code
coordinate                not a list of finite numbers
coordinate-count          too few or too many numbers
too-many-coordinates      more than `coordinates.MAX_COORDINATES`
no-extent                 radius, axis or line of length zero
axes-midpoint             the axes do not meet in their middles
axes-angle                the axes are not perpendicular
unclosed, no-area         a 3-D polygon that is not closed, or spans no area
not-planar                a 3-D polygon that does not lie in a plane
geometry                  anything else that makes no shape
warning
------------------------  --------------------------------------------------------------------------
entered-in-error          the selection was withdrawn
modifier-extension        an extension that may change the meaning, and is not understood
unknown-element           not an element of R5; kept, not used
repeated-key              a key that the JSON text gives twice; the last value counts
invalid-id                an id with characters that FHIR does not allow
invalid-narrative         fhir.resources refuses the text for people
unclosed, no-area         a 2-D outline that is only a line, or spans no area
axes-order                the major axis is the shorter one
outside-image             negative pixel coordinates
information
------------------------  --------------------------------------------------------------------------
uid-prefix                blanks or ``urn:oid:`` stripped from a UID
code-case                 a code in other than lower case
comma-list                several frame numbers in one item
sub-pixel                 smaller than one pixel in both directions
========================  ==========================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from imageregion.errors import FhirError, Issue
from imageregion.fhir.coordinates import RegionError
from imageregion.fhir.form import REGIONS, UIDS, check_form
from imageregion.fhir.geometry import read_geometry
from imageregion.fhir.normalized import Normalized
from imageregion.fhir.plain import RepeatedKeys, brief, plain
from imageregion.fhir.selection import Selection
from imageregion.fhir.targets import clean_uid, is_image, read_frames, sop_class
from imageregion.fhir.validation import Place, fhirpath
from imageregion.region import Region, Target

__all__ = ["read_resource"]


@dataclass(slots=True)
class _Reading:
    """A resource under way: what it says of the whole, and what was found so far."""

    target: Target
    issues: list[Issue]
    lost: set[Place]
    regions: list[Region] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    labels: set[str] = field(default_factory=set)

    def add(self, region: Region, wanted: object = None) -> None:
        """Append a region under a label that no other region of the selection has."""
        self.counts[region.type] += 1
        label = f"{region.type} {self.counts[region.type]}"
        if isinstance(wanted, str) and wanted.strip():
            label = wanted.strip()
        number, unique = 1, label
        while unique in self.labels:
            number += 1
            unique = f"{label} ({number})"
        self.labels.add(unique)
        self.regions.append(replace(region, label=unique))

    def refuse(self, error: RegionError) -> None:
        self.issues.append(Issue("error", error.code, error.path, error.message))


def read_resource(resource: Mapping[str, Any], source: str = "") -> Selection:
    """Read an ImagingSelection resource of FHIR R5 5.0.0.

    Parameters
    ----------
    resource : mapping
        Parsed JSON; copied, never changed.
    source : str
        Where it came from.

    Returns
    -------
    Selection
        With the regions that can be read, and an issue for each that cannot.

    Raises
    ------
    FhirError
        When the resource as a whole cannot be read.
    InputError
        When it holds something other than JSON values, or is nested too deep.

    Examples
    --------
    >>> selection = read_resource({
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "seriesUid": "1.2",
    ...     "instance": [{"uid": "urn:oid:1.2.3", "imageRegion2D": [
    ...         {"regionType": "point", "coordinate": [8, 8]},
    ...         {"regionType": "circle", "coordinate": [8, 8]}]}],
    ... })
    >>> [region.path for region in selection.regions]
    ['ImagingSelection.instance[0].imageRegion2D[0]']
    >>> for issue in selection.errors:
    ...     print(issue)  # doctest: +NORMALIZE_WHITESPACE
    error ImagingSelection.instance[0].imageRegion2D[1].coordinate:
    expected 4 numbers (centre, point on the circle), got 2
    """
    _require_type(resource)
    original: dict[str, Any] = plain(resource)
    form = check_form(original)
    form.issues[:0] = _repeated_keys(resource, "ImagingSelection")
    study, series, reference = (_text(original, name) for name in UIDS)
    target = Target(study=study, series=series, frame_of_reference=reference)
    reading = _Reading(target, form.issues, form.lost)
    _read_instances(original, reading)
    return Selection(
        id=str(original.get("id") or ""),
        status=form.status,
        code=_words(original["code"]),
        study=study,
        series=series,
        frame_of_reference=reference,
        regions=tuple(reading.regions),
        issues=tuple(reading.issues),
        resource=original,
        source=source,
        normalized=Normalized(original),
    )


def _repeated_keys(value: object, path: str) -> list[Issue]:
    """Report keys that an object of the JSON text gave more than once."""
    if isinstance(value, list):
        return [i for n, item in enumerate(value) for i in _repeated_keys(item, f"{path}[{n}]")]
    if not isinstance(value, RepeatedKeys):
        return []
    issues = [
        Issue("warning", "repeated-key", f"{path}.{key}", "given more than once; the last counts")
        for key in value.repeated
    ]
    for key, item in value.items():
        issues += _repeated_keys(item, f"{path}.{key}")
    return issues


def _require_type(resource: object) -> None:
    if not isinstance(resource, Mapping):
        raise FhirError(
            "ImagingSelection", f"expected a JSON object, got {type(resource).__name__}"
        )
    kind = resource.get("resourceType")
    if kind == "ImagingSelection":
        return
    if not isinstance(kind, str):
        raise FhirError("resourceType", f"expected ImagingSelection, got {brief(kind)}")
    raise FhirError(f"{kind:.60}", f"expected ImagingSelection, got {kind:.60}")


def _read_instances(original: dict[str, Any], reading: _Reading) -> None:
    instances = original.get("instance")
    if instances is None:
        _read_series(reading)
    elif not instances:
        _refuse_empty("ImagingSelection.instance", "the whole series", reading)
    else:
        for i, instance in enumerate(instances):
            if ("instance", i) not in reading.lost:
                _read_instance(instance, fhirpath(("instance", i)), i, reading)


def _read_series(reading: _Reading) -> None:
    if () in reading.lost:
        return
    if not reading.target.series:
        message = "expected instance or seriesUid: nothing is selected"
        reading.issues.append(Issue("error", "no-target", "ImagingSelection", message))
        return
    reading.add(Region(None, reading.target, path="ImagingSelection", type="image"))


def _refuse_empty(path: str, meaning: str, reading: _Reading) -> None:
    message = f"expected at least one item; to select {meaning}, leave the element out"
    reading.issues.append(Issue("error", "empty-list", path, message))


def _read_instance(instance: dict[str, Any], path: str, index: int, reading: _Reading) -> None:
    for name, _ in REGIONS:
        if instance.get(name) == []:
            _refuse_empty(f"{path}.{name}", "the whole image", reading)
            return
    try:
        frames, issues = read_frames(instance, path)
    except RegionError as error:
        reading.refuse(error)
        return
    reading.issues += issues
    target = replace(reading.target, instance=_text(instance, "uid"), frames=frames)
    if not any(instance.get(name) for name, _ in REGIONS):
        reading.add(Region(None, target, path=path, type="image"), instance.get("id"))
        return
    for name, dimension in REGIONS:
        for j, element in enumerate(instance.get(name) or []):
            if ("instance", index, name, j) in reading.lost:
                continue
            try:
                _check_place(instance, f"{path}.{name}[{j}]", dimension, reading.target)
                geometry = read_geometry(element, f"{path}.{name}[{j}]", dimension)
            except RegionError as error:
                reading.refuse(error)
                continue
            reading.issues += geometry.issues
            region = Region(
                geometry.shape,
                target,
                path=f"{path}.{name}[{j}]",
                type=geometry.type,
                notes=geometry.notes,
            )
            reading.add(region, element.get("id"))


def _check_place(instance: dict[str, Any], path: str, dimension: int, whole: Target) -> None:
    if dimension == 3 and not whole.frame_of_reference:
        message = "expected ImagingSelection.frameOfReferenceUid beside regions in 3-D, got none"
        raise RegionError("no-frame-of-reference", path, message)
    if dimension == 2 and not is_image(sop_class(instance)):
        message = f"expected an image, got an instance of SOP Class {sop_class(instance)}"
        raise RegionError("not-an-image", path, message)


def _text(element: dict[str, Any], name: str) -> str:
    value = element.get(name)
    return clean_uid(value) if isinstance(value, str) else ""


def _words(concept: object) -> str:
    """Return a CodeableConcept in words: its text, or the first display or code."""
    if not isinstance(concept, dict):
        return ""
    codings = concept.get("coding")
    choices = [concept.get("text")]
    for coding in codings if isinstance(codings, list) else []:
        choices += [coding.get("display"), coding.get("code")] if isinstance(coding, dict) else []
    return next((choice for choice in choices if isinstance(choice, str) and choice), "")
