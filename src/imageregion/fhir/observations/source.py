"""Source: the selection as the R5 resource that Observations point at, and its regions in there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.selection import Selection
from imageregion.fhir.sound import sound_resource
from imageregion.fhir.text.plain import as_json, plain
from imageregion.fhir.writing import write

__all__ = ["Source", "element_at", "read_source", "with_contained"]

_STEP = re.compile(r"\.([A-Za-z0-9]+)(?:\[(\d{1,9})\])?")
_WHOLE = "ImagingSelection"


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
    """

    resource: dict[str, Any]
    digest: str
    paths: Mapping[str, tuple[str, ...]]
    issues: tuple[Issue, ...]

    def places(self, path: str) -> tuple[str, ...]:
        """Return the FHIRPaths in `resource` of what stood at a FHIRPath; empty if it is lost."""
        if path in ("", _WHOLE):
            return (_WHOLE,)
        known = self.paths.get(path)
        if known is None:
            known = (path,)
        return tuple(one for one in known if element_at(self.resource, one) is not None)


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
    return Source(written.resource, digest, written.paths, tuple(written.losses))


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
