"""Regions: from the normalized form of an ImagingSelection to `Region`, with the images they mean.

A region in 2-D lies on its instance, and there on the frames that are selected. A region in 3-D
lies in the frame of reference. Which images it is measured on:

- As R5 has it, inside an instance: on that instance where several images share a position (phases,
  echoes), and otherwise wherever it lies in the series.
- As R6 and the early versions have it, in the resource: the same where exactly one instance is
  listed. Beside several instances it lies anywhere in the series: that version binds it to none of
  them. Instances that are no images (a structure set, a report) say where it comes from, and the
  frame of reference alone decides.
- Inside several instances, the same in each: as in the resource beside these instances. It is one
  region, which R5 has no other place for.

Instances listed beside 3-D regions of the resource are what the regions refer to, not images that
are selected as a whole. Without any region, an instance stands for itself, and a resource without
instances for the series.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from imageregion.errors import Issue
from imageregion.fhir.coordinates import RegionError
from imageregion.fhir.normalized import Place
from imageregion.fhir.reading.form import REGIONS, UIDS, Form
from imageregion.fhir.reading.geometry import read_geometry
from imageregion.fhir.reading.space import Copies, Copy, Named, beside
from imageregion.fhir.targets import Selectors, clean_uid, is_image, read_selectors, sop_class
from imageregion.region import Region, Target

__all__ = ["codes_of", "read_regions"]

MAX_ISSUES = 10_000
"""Most issues of one resource."""

_SPACE = "imageRegion3D"  # of the resource
_EARLY = ("imaging-reference", "r5-draft", "r5-snapshot1")


class _TooManyError(Exception):
    """Reading ends here."""


@dataclass(slots=True)
class _Reading:
    """A resource under way: what it says of the whole, and what was found so far."""

    form: Form
    target: Target
    codes: frozenset[str]
    has_space: bool  # regions in 3-D of the resource
    regions: list[Region] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    labels: dict[str, int] = field(default_factory=dict)
    copies: Copies = field(default_factory=Copies)

    def add(self, region: Region, wanted: object = None) -> None:
        """Append a region under a label that no other region of the selection has."""
        self.counts[region.type] += 1
        label = f"{region.type} {self.counts[region.type]}"
        if isinstance(wanted, str) and wanted.strip():
            label = wanted.strip()
        number, unique = self.labels.get(label, 0) + 1, label
        if number > 1:
            unique = f"{label} ({number})"
            while unique in self.labels:
                number += 1
                unique = f"{label} ({number})"
        self.labels[label] = number
        self.labels.setdefault(unique, 1)
        self.regions.append(replace(region, label=unique))

    def refuse(self, error: RegionError) -> None:
        """Note why a region or instance is not read.

        Raises
        ------
        _TooManyError
            When a hostile resource has so many of them that noting them takes the memory.
        """
        if len(self.issues) >= MAX_ISSUES:
            raise _TooManyError
        self.issues.append(Issue("error", error.code, error.path, error.message))

    @property
    def is_early(self) -> bool:
        """Whether the version has polygons in 2-D."""
        return self.form.normalized.dialect in _EARLY

    def is_lost(self, place: Place) -> bool:
        return place in self.form.lost


def read_regions(
    form: Form,
) -> tuple[tuple[Region, ...], tuple[Issue, ...], Mapping[str, str]]:
    """Read the regions of an ImagingSelection, apart from those that `form` has lost.

    Parameters
    ----------
    form : Form
        Of `check_form`.

    Returns
    -------
    regions : tuple of Region
        In the order of the document: by instance, 2-D before 3-D; then those of the resource.
    issues : tuple of Issue
        Why the others cannot be read, and what is worth knowing about these.
    merged : mapping of str to str
        From the FHIRPaths of regions that are the same as an earlier one to that of this one.

    Examples
    --------
    >>> from imageregion.fhir.dialects import normalize
    >>> from imageregion.fhir.reading.form import check_form
    >>> normalized = normalize({"resourceType": "ImagingSelection", "status": "available",
    ...                         "code": {}, "instance": [{"uid": "1.2.3"}]})
    >>> read_regions(check_form(normalized))[0][0].type
    'image'
    """
    resource = form.normalized.resource
    study, series, reference = (_text(resource, name) for name in UIDS)
    target = Target(study=study, series=series, frame_of_reference=reference)
    has_space = resource.get(_SPACE) is not None
    reading = _Reading(form, target, codes_of(resource.get("code")), has_space)
    try:
        if () not in form.lost:
            named = _read_instances(resource.get("instance"), reading)
            _join_copies(named, reading)
            if has_space:
                _read_space(resource[_SPACE], named, reading)
    except _TooManyError:
        message = f"more than {MAX_ISSUES} issues: the regions that follow are not read"
        reading.issues.append(Issue("error", "too-many-issues", form.path(()), message))
    return tuple(reading.regions), tuple(reading.issues), reading.copies.merged


def _read_instances(instances: Any, reading: _Reading) -> list[Named]:
    """Read the regions of instances; return these with what is selected of them."""
    named: list[Named] = []
    if instances is None and not reading.has_space:
        _read_series(reading)
    elif instances == []:
        _refuse_empty(reading.form.path(("instance",)), "the whole series", reading)
    for i, instance in enumerate(instances or []):
        place = ("instance", i)
        selectors = None if reading.is_lost(place) else _read_instance(instance, place, reading)
        named.append((instance, selectors))
    return named


def _read_series(reading: _Reading) -> None:
    if not reading.target.series:
        message = "expected instance, seriesUid or a region in 3-D: nothing is selected"
        reading.issues.append(Issue("error", "no-target", reading.form.path(()), message))
        return
    reading.add(Region(None, reading.target, path=reading.form.path(()), type="image"))


def _refuse_empty(path: str, meaning: str, reading: _Reading) -> None:
    message = f"expected at least one item; to select {meaning}, leave the element out"
    reading.issues.append(Issue("error", "empty-list", path, message))


def _read_instance(instance: dict[str, Any], place: Place, reading: _Reading) -> Selectors | None:
    path = reading.form.path(place)
    for name, _ in REGIONS:
        if instance.get(name) == []:
            _refuse_empty(reading.form.path((*place, name)), "the whole image", reading)
            return None
    try:
        selectors = read_selectors(instance, _pathfinder(place, reading.form), reading.codes)
    except RegionError as error:
        reading.refuse(error)
        return None
    reading.issues += selectors.issues
    target = replace(reading.target, instance=_text(instance, "uid"), frames=selectors.frames)
    notes = (selectors.note,) if selectors.note else ()
    for name, dimension in REGIONS:
        for j, element in enumerate(instance.get(name) or []):
            _read_region(element, (*place, name, j), dimension, target, notes, reading)
    if not reading.has_space and not any(instance.get(name) for name, _ in REGIONS):
        reading.add(Region(None, target, path=path, type="image", notes=notes), instance.get("id"))
    return selectors


def _pathfinder(place: Place, form: Form) -> Callable[..., str]:
    """Return a function from the steps to a part of an element to its FHIRPath."""

    def path(*steps: str | int) -> str:
        if len(steps) > 1 and (*place, steps[0]) in form.normalized.places:
            steps = steps[:1]  # items of what was one string have no path
        return form.path((*place, *steps))

    return path


def _read_region(
    element: Any,
    place: Place,
    dimension: Literal[2, 3],
    target: Target,
    notes: tuple[str, ...],
    reading: _Reading,
) -> None:
    if reading.is_lost(place):
        return
    path = reading.form.path(place)
    try:
        _check_place(place, path, dimension, reading)
        origin = reading.form.path((*place, "coordinate"))
        geometry = read_geometry(element, path, dimension, origin)
    except RegionError as error:
        reading.refuse(error)
        return
    if dimension == 3 and place[0] == "instance":
        copy = Copy(len(reading.regions), path, geometry.notes, [int(place[1])])
        if reading.copies.is_known(geometry.type, element["coordinate"], copy):
            return
    reading.issues += geometry.issues
    if (dimension, geometry.type) == (2, "polygon") and not reading.is_early:
        message = "polygon is no code of imageRegion2D in FHIR R5; read as the area it names"
        reading.issues.append(Issue("warning", "region-type", f"{path}.regionType", message))
    region = Region(
        geometry.shape, target, path=path, type=geometry.type, notes=(*notes, *geometry.notes)
    )
    reading.add(region, element.get("id"))


def _check_place(place: Place, path: str, dimension: int, reading: _Reading) -> None:
    if dimension == 3 and not reading.target.frame_of_reference:
        message = "expected ImagingSelection.frameOfReferenceUid beside regions in 3-D, got none"
        raise RegionError("no-frame-of-reference", path, message)
    if dimension == 2:
        instance = reading.form.normalized.resource["instance"][place[1]]
        if not is_image(sop_class(instance)):
            message = f"expected an image, got an instance of SOP Class {sop_class(instance)}"
            raise RegionError("not-an-image", path, message)


def _read_space(regions: Any, named: list[Named], reading: _Reading) -> None:
    """Read the 3-D regions of the resource."""
    if regions == []:
        _refuse_empty(reading.form.path((_SPACE,)), "whole images", reading)
    if not isinstance(regions, list) or not regions:
        return
    try:
        target, notes = _target_in_space(named, reading)
    except RegionError as error:
        reading.refuse(error)
        return
    for j, element in enumerate(regions):
        _read_region(element, (_SPACE, j), 3, target, notes, reading)


def _target_in_space(named: list[Named], reading: _Reading) -> tuple[Target, tuple[str, ...]]:
    """Return the images that 3-D regions of the resource are for."""
    target = reading.target
    if not named:
        return target, ()
    path = reading.form.path(("instance",))
    if all(found is None for _, found in named):
        message = "expected an instance that can be read beside regions in 3-D, got none"
        raise RegionError("no-target", path, message)
    found = beside(named, target)
    if found.images:
        what = "no images" if found.is_anywhere else f"{len(named)} instances"
        message = f"{what}: the 3-D regions are taken on {found.images}"
        reading.issues.append(Issue("information", "beside-3d", path, message))
    return found.target, found.notes


def _join_copies(named: list[Named], reading: _Reading) -> None:
    """Take regions that stand in several instances as one beside these."""
    for copy in reading.copies.several():
        found = beside([named[i] for i in copy.owners], reading.target)
        region = reading.regions[copy.index]
        notes = (*found.notes, *copy.notes)
        reading.regions[copy.index] = replace(region, target=found.target, notes=notes)
        message = f"the same in {len(copy.owners)} instances: one region, taken on {found.images}"
        reading.issues.append(Issue("information", "same-region", copy.path, message))


def codes_of(concept: object) -> frozenset[str]:
    """Return the codes of a CodeableConcept, whatever their systems.

    Examples
    --------
    >>> codes_of({"coding": [{"code": "121214"}]})
    frozenset({'121214'})
    """
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return frozenset(
        coding["code"]
        for coding in (codings if isinstance(codings, list) else [])
        if isinstance(coding, dict) and isinstance(coding.get("code"), str)
    )


def _text(element: dict[str, Any], name: str) -> str:
    value = element.get(name)
    return clean_uid(value) if isinstance(value, str) else ""
