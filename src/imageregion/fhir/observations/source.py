"""Source: the selection as the R5 resource that Observations point at, and its regions in there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.coordinates import RegionError
from imageregion.fhir.reading.regions import codes_of
from imageregion.fhir.selection import Selection
from imageregion.fhir.sound import sound_resource
from imageregion.fhir.targets import read_selectors
from imageregion.fhir.text.plain import as_json, plain
from imageregion.fhir.writing import write
from imageregion.region import Region, Target

__all__ = ["Source", "distinct", "element_at", "read_source", "with_contained"]

_STEP = re.compile(r"\.([A-Za-z0-9]+)(?:\[(\d{1,9})\])?")
_WHOLE = "ImagingSelection"
_INSTANCE = re.compile(r"ImagingSelection\.instance\[\d{1,9}\]")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """An ImagingSelection as R5 resource.

    Parameters
    ----------
    resource : dict
        Valid R5, whatever the selection was read from.
    digest : str
        Of the contents as they were read; ids are made from it.
    paths : mapping of str to tuple of str
        From FHIRPaths in the document to those in `resource`.
    issues : tuple of Issue
        What had to be replaced, removed, or does not survive in R5.
    drawn : mapping of (str, str) to Target
        From path and label of a region to the images it was drawn on.
    """

    resource: dict[str, Any]
    digest: str
    paths: Mapping[str, tuple[str, ...]]
    issues: tuple[Issue, ...]
    drawn: Mapping[tuple[str, str], Target] = field(default_factory=dict)

    def copies(self, region: Region) -> tuple[str, ...]:
        """Return the FHIRPaths in `resource` of everything that is a region; empty if it is lost.

        In 3-D the same stands in several instances, since R5 has no other place for it. Regions in
        2-D of a whole resource have one path: each has those in its own instance.
        """
        path = region.path
        if path in ("", _WHOLE):
            return (_WHOLE,)
        known = self.paths.get(path, (path,))
        found = tuple(one for one in known if element_at(self.resource, one) is not None)
        target = self.drawn.get((path, region.label), region.target)
        if len(found) < 2 or not target.instance:
            return found
        return tuple(one for one in found if self._is_on(one, target)) or found

    def places(self, region: Region) -> tuple[str, ...]:
        """Return the FHIRPaths in `resource` that are read as a region; empty if it is lost."""
        return distinct(self.copies(region))

    def named(self, region: Region) -> tuple[str, ...]:
        """Return what tells a region from all others of the selection; ids are made from it."""
        target = self.drawn.get((region.path, region.label), region.target)
        return (region.path, target.instance, *map(str, target.frames))

    def _is_on(self, path: str, target: Target) -> bool:
        """Whether an element belongs to an instance with the same frames."""
        match = _INSTANCE.match(path)
        instance = element_at(self.resource, match[0]) if match else None
        if not isinstance(instance, dict) or instance.get("uid") != target.instance:
            return False
        try:
            codes = codes_of(self.resource.get("code"))
            return read_selectors(instance, lambda *_: path, codes).frames == target.frames
        except RegionError:
            return False


def read_source(selection: Selection) -> Source:
    """Make the source of Observations from a selection.

    Raises
    ------
    InputError
        On text that is no Unicode.
    """
    digest = hashlib.sha256(as_json(selection.resource, ordered=True)).hexdigest()
    if selection.normalized is None:
        resource, issues = sound_resource(selection.resource)
        return Source(resource, digest, {}, issues)
    written = write(selection.normalized, "r5")
    paths = dict(written.paths)
    for copy, first in selection.merged.items():
        paths[first] = (*paths.get(first, ()), *paths.get(copy, ()))
    drawn = {(region.path, region.label): region.target for region in selection.regions}
    return Source(written.resource, digest, paths, tuple(written.losses), drawn)


def distinct(places: Sequence[str]) -> tuple[str, ...]:
    """Leave out 3-D regions after the first: they are the same one, and read as such.

    Examples
    --------
    >>> distinct(("ImagingSelection.instance[0].imageRegion3D[0]",
    ...           "ImagingSelection.instance[1].imageRegion3D[0]"))
    ('ImagingSelection.instance[0].imageRegion3D[0]',)
    """
    solid = [place for place in places if ".imageRegion3D[" in place]
    return tuple(place for place in places if place not in solid[1:])


def element_at(resource: Any, path: str) -> Any:
    """Return the element at a FHIRPath of names and indices, None where there is none.

    Examples
    --------
    >>> element_at({"instance": [{"uid": "1.2"}]}, "ImagingSelection.instance[0].uid")
    '1.2'
    """
    element = resource
    for name, index in _STEP.findall(path[len(_WHOLE) :] if path.startswith(_WHOLE) else path):
        element = element.get(name) if isinstance(element, Mapping) else None
        if index:
            at = int(index)
            element = element[at] if isinstance(element, list) and at < len(element) else None
    return element


def with_contained(resource: dict[str, Any], origin: Mapping[str, Any]) -> dict[str, Any]:
    """Add the contained resources that a resource refers to from the one that contains them.

    Examples
    --------
    >>> origin = {"contained": [{"resourceType": "Patient", "id": "p"}]}
    >>> with_contained({"subject": {"reference": "#p"}}, origin)["contained"]
    [{'resourceType': 'Patient', 'id': 'p'}]
    """
    known = {
        f"#{one['id']}": one
        for one in origin.get("contained") or []
        if isinstance(one, Mapping) and isinstance(one.get("id"), str)
    }
    wanted: dict[str, Any] = {}
    _collect({k: v for k, v in resource.items() if k != "contained"}, known, wanted)
    if not wanted:
        return resource
    return {**resource, "contained": [plain(one) for one in wanted.values()]}


def _collect(value: Any, known: Mapping[str, Any], wanted: dict[str, Any]) -> None:
    if isinstance(value, Mapping):
        reference = value.get("reference")
        if isinstance(reference, str) and reference in known and reference not in wanted:
            wanted[reference] = known[reference]
            _collect(known[reference], known, wanted)
        for name, item in value.items():
            if name != "coordinate":
                _collect(item, known, wanted)
    elif isinstance(value, list):
        for item in value:
            _collect(item, known, wanted)
