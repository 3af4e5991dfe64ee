"""Link: from the Observations of a Bundle back to the regions, images and frames they measure.

An Observation leads to ImagingSelections by its ``derivedFrom`` (in FHIR R4 and R4B by the
cross-version extension of that name), or else by that of the group that has it as member, of the
Observations it is derived from, by its ``focus``, or by ``bodyStructure`` and
``BodyStructure.includedStructure.spatialReference``. Within a selection our extension names the
region; without it a selection with one region leaves no doubt, and regions that are drawn go before
whole images. Names of the issues found here
(`Issue.code`):

========================  ==========================================================================
error: dangling
------------------------  --------------------------------------------------------------------------
no-derived-from           numbers that refer to no ImagingSelection in any of these ways
unresolved                a reference to nothing in this document, or to several things in it
selection-unreadable      the ImagingSelection it refers to cannot be read
no-region                 the ImagingSelection it refers to has no region that can be read
no-such-region            the region named is not in the ImagingSelection, or cannot be read
member-cycle              an Observation that is a member of itself
------------------------  --------------------------------------------------------------------------
error: unreadable
------------------------  --------------------------------------------------------------------------
unreadable                a line, item or entry of the document that is no resource
wrong-type                a value, Quantity or component that is of another type than it has to be
------------------------  --------------------------------------------------------------------------
warning
------------------------  --------------------------------------------------------------------------
several-regions           any of several regions may be meant
entered-in-error          the Observation, its selection or a group on the way to it is withdrawn
reference-type            hasMember or result of something that cannot stand there
no-image                  the selection is of a segment, report or other object that is no image
------------------------  --------------------------------------------------------------------------
information
------------------------  --------------------------------------------------------------------------
unknown-version           a reference to a version of a resource that does not say its own
repeated                  a resource that is there twice, equal in everything; it counts once
========================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from imageregion.errors import ImageRegionError, Issue
from imageregion.fhir.document import read_selection
from imageregion.fhir.links.derivations import derivations, may_be_region, region_paths
from imageregion.fhir.links.entries import Entry, read_entries
from imageregion.fhir.links.library import Library, Unresolved, reference_text
from imageregion.fhir.links.membership import Membership, references
from imageregion.fhir.links.named_regions import (
    measurable_regions,
    named_regions,
    without_regions,
)
from imageregion.fhir.links.nearest import Route, nearest_of
from imageregion.fhir.links.stated import concept_text, stated_numbers
from imageregion.fhir.links.stated_images import measured_images, stated_method
from imageregion.fhir.links.values import Basis, Link, LinkedRegion, Links
from imageregion.fhir.links.versions import unknown_version
from imageregion.fhir.links.withdrawn import valid_first, withdrawn
from imageregion.fhir.selection import Selection

__all__ = ["link"]

_DEEPEST = 32
"""Most steps from an Observation over groups and other Observations to its selection."""


def link(source: Any) -> Links:
    """Tell for every Observation of a document which region, image and frame it measures.

    Parameters
    ----------
    source : str, Path, bytes, mapping, list or fhir.resources model
        A Bundle, a list or lines (NDJSON) of resources, as JSON or XML: Observations of FHIR R4 to
        R6, with the ImagingSelections, BodyStructures and DiagnosticReports they belong to.

    Returns
    -------
    Links
        One `Link` for each Observation, in order. Nothing stops at what is wrong with one of them:
        `Links.dangling` are those that refer to something that is not there.

    Raises
    ------
    InputError
        When the document cannot be read.
    FhirError
        When there is no resource in it.

    Examples
    --------
    >>> selection = {"resourceType": "ImagingSelection", "id": "cyst", "status": "available",
    ...     "code": {"text": "Cyst"}, "instance": [{"uid": "1.2.3", "imageRegion2D": [
    ...         {"regionType": "circle", "coordinate": [8, 8, 11, 8]}]}]}
    >>> area = {"resourceType": "Observation", "id": "area", "status": "final",
    ...     "code": {"coding": [{"system": "http://snomed.info/sct", "code": "42798000"}]},
    ...     "derivedFrom": [{"reference": "ImagingSelection/cyst"}],
    ...     "valueQuantity": {"value": 12.5, "unit": "mm2"}}
    >>> found = link([selection, area]).links[0]
    >>> found.basis, found.regions[0].path, found.instances
    ('only-region', 'ImagingSelection.instance[0].imageRegion2D[0]', ('1.2.3',))
    """
    entries, unread = read_entries(source)
    library = Library(entries)
    work = _Work(library, Membership(library))
    links = tuple(work.link(entry) for entry in library.entries if entry.kind == "Observation")
    return Links(links, (*unread, *library.issues, *work.members.issues))


@dataclass(frozen=True, slots=True)
class _Way:
    """One reference that led from an Observation to an ImagingSelection."""

    target: Entry
    paths: tuple[str, ...]
    via: str
    route: Route = ()


@dataclass(slots=True)
class _Work:
    """A document under way; every selection in it is read once."""

    library: Library
    members: Membership
    read: dict[int, Selection | str] = field(default_factory=dict)
    nearest: dict[int, tuple[Route, ...]] | None = None

    def link(self, entry: Entry) -> Link:
        """Follow the references of one Observation."""
        issues = list(self.members.of(entry))
        numbers = stated_numbers(entry)
        ways = self.ways(entry, issues)
        regions, basis = self.regions(entry, ways, issues)
        if not ways and numbers and all(issue.severity != "error" for issue in issues):
            issues.append(
                _dangling("no-derived-from", entry, "its numbers refer to no ImagingSelection")
            )
        for number in numbers:
            if number.unreadable:
                path = _placed(number.path, entry)
                issues.append(Issue("error", "wrong-type", path, number.unreadable))
        over = [one for way in ways for one in (*way.route, way.target)]
        gone = withdrawn([entry, *over], self.selection)
        place = _path(entry)
        issues += [Issue("warning", "entered-in-error", place, told) for told in gone.values()]
        instances, frame = measured_images(entry.resource)
        if not instances:
            instances = _drawn_on(regions)
        rule, method = stated_method(entry.resource)
        status = entry.resource.get("status")
        return Link(
            observation=entry.name,
            place=entry.place,
            title=concept_text(entry.resource.get("code")),
            status=status if isinstance(status, str) else "",
            numbers=numbers,
            regions=regions,
            basis=basis,
            via=ways[0].via if ways else "",
            instances=instances,
            frame=frame,
            groups=self.members.groups(entry),
            reports=self.members.reports(entry),
            rule=rule,
            method=method,
            withdrawn=tuple(gone),
            issues=tuple(dict.fromkeys(issues)),
        )

    def ways(self, entry: Entry, issues: list[Issue]) -> list[_Way]:
        """Find the selections of an Observation, its own or those of the nearest that has some."""
        found, others = self.own(entry, "", issues)
        if found or not (others or self.members.parents(entry)):
            return found
        if self.nearest is None:  # once for all, because chains of Observations may be long
            self.nearest = nearest_of(
                [one for one in self.library.entries if one.kind == "Observation"],
                lambda one: bool(self.own(one, "", [])[0]),
                lambda one: valid_first([*self.members.parents(one), *self.own(one, "", [])[1]]),
                _DEEPEST,
            )
        ways: dict[tuple[int, tuple[str, ...]], _Way] = {}
        for route in self.nearest.get(id(entry), ()):
            near = route[-1]
            for way in self.own(near, f"derivedFrom of {near.name}", [])[0]:
                ways.setdefault((id(way.target), way.paths), replace(way, route=route))
        return list(ways.values())

    def own(self, entry: Entry, via: str, issues: list[Issue]) -> tuple[list[_Way], list[Entry]]:
        """Find the selections that an Observation names, and those it is derived from."""
        found: list[_Way] = []
        others: list[Entry] = []
        for target, paths in self.derived_from(entry, issues):
            if target.kind == "Observation":
                others.append(target)
            elif target.kind in ("ImagingSelection", "Basic", "ImagingManifest"):
                found.append(_Way(target, paths, via or "derivedFrom"))
        found = found or list(self.around(entry, via, issues))
        once: dict[tuple[int, tuple[str, ...]], _Way] = {}
        for way in found:
            once.setdefault((id(way.target), way.paths), way)
        return list(once.values()), others

    def derived_from(
        self, entry: Entry, issues: list[Issue]
    ) -> Iterator[tuple[Entry, tuple[str, ...]]]:
        """Yield what an Observation is derived from, with the region named there."""
        for path, reference in derivations(entry.resource):
            found = self.library.resolve(reference, entry)
            if isinstance(found, Entry):
                issues += unknown_version(_placed(path, entry), reference, found)
                yield found, region_paths(reference)
            elif may_be_region(reference):
                issues.append(_unresolved(path, entry, reference, found))

    def around(self, entry: Entry, via: str, issues: list[Issue]) -> Iterator[_Way]:
        """Find selections that an Observation is about rather than derived from."""
        for name in ("focus", "bodyStructure"):
            for path, reference in references(entry.resource, name):
                found = self.library.resolve(reference, entry)
                if isinstance(found, Unresolved):
                    if "ImagingSelection" in reference_text(reference):
                        issues.append(_unresolved(path, entry, reference, found))
                elif found.kind == "ImagingSelection":
                    issues += unknown_version(_placed(path, entry), reference, found)
                    yield _Way(found, region_paths(reference), via or name)
                elif found.kind == "BodyStructure":
                    yield from self.spatial(found, via or name, entry, issues)

    def spatial(self, body: Entry, via: str, entry: Entry, issues: list[Issue]) -> Iterator[_Way]:
        """Follow ``BodyStructure.includedStructure.spatialReference`` (FHIR R5)."""
        structures = body.resource.get("includedStructure")
        for structure in structures if isinstance(structures, list) else []:
            if not isinstance(structure, Mapping):
                continue
            for _, reference in references(structure, "spatialReference"):
                found = self.library.resolve(reference, body)
                path = "BodyStructure.includedStructure.spatialReference"
                if isinstance(found, Unresolved):
                    issues.append(_unresolved(path, entry, reference, found))
                elif found.kind == "ImagingSelection":
                    issues += unknown_version(_placed(path, entry), reference, found)
                    yield _Way(found, region_paths(reference), f"{via}: {body.name}")

    def regions(
        self, entry: Entry, ways: list[_Way], issues: list[Issue]
    ) -> tuple[tuple[LinkedRegion, ...], Basis]:
        """Find the regions that are meant within the selections."""
        named: list[LinkedRegion] = []
        possible: list[LinkedRegion] = []
        problems: list[Issue] = []
        for way in ways:
            selection = self.selection(way.target)
            if isinstance(selection, str):
                problems.append(_dangling("selection-unreadable", entry, selection))
                continue
            if way.paths:
                found = named_regions(selection, way.paths)
                if isinstance(found, str):
                    problems.append(_dangling("no-such-region", entry, found))
                else:
                    named += found
                continue
            regions, others = measurable_regions(selection)
            possible += [LinkedRegion(selection, region) for region in regions]
            if others and not regions:
                problems.append(Issue("warning", "no-image", _path(entry), others))
            elif not regions:
                problems.append(_dangling("no-region", entry, without_regions(selection)))
        drawn = [one for one in possible if one.region is not None and one.region.shape is not None]
        possible = named or drawn or possible
        if not named and any(problem.code == "no-such-region" for problem in problems):
            possible = []
        if not possible:
            issues += problems
            return (), "none"
        if len(possible) == 1:
            return tuple(possible), "region-path" if named else "only-region"
        message = f"any of {len(possible)} regions may be meant; nothing says which"
        issues.append(Issue("warning", "several-regions", _path(entry), message))
        return tuple(possible), "ambiguous"

    def selection(self, entry: Entry) -> Selection | str:
        """Read a selection, once; where it cannot be read, why not."""
        if id(entry) not in self.read:
            try:
                self.read[id(entry)] = read_selection(_as_r5(entry))
            except ImageRegionError as error:
                self.read[id(entry)] = f"{entry.name} cannot be read: {error}"
        return self.read[id(entry)]


def _drawn_on(regions: tuple[LinkedRegion, ...]) -> tuple[str, ...]:
    """Return the images that 2-D regions are drawn on; those of 3-D regions lie where they lie."""
    drawn = [one.region for one in regions if one.region is not None]
    flat = [region for region in drawn if region.shape is None or region.shape.dimension == 2]
    return tuple(dict.fromkeys(r.target.instance for r in flat if r.target.instance))


def _as_r5(entry: Entry) -> Mapping[str, Any]:
    """Return the selection inside a Basic of FHIR R4; paths are those of the selection."""
    if entry.kind != "Basic":
        return entry.resource
    from imageregion.fhir.cross_version import from_basic

    return from_basic(dict(entry.resource))


def _unresolved(path: str, entry: Entry, reference: Any, reason: Unresolved) -> Issue:
    message = f"{reference_text(reference)}: {reason}"
    return Issue("error", "unresolved", _placed(path, entry), message)


def _placed(path: str, entry: Entry) -> str:
    return f"{entry.place}: {path}" if entry.place else path


def _dangling(code: str, entry: Entry, message: str) -> Issue:
    return Issue("error", code, _path(entry), message)


def _path(entry: Entry) -> str:
    return entry.place or entry.name
