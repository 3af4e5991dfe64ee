"""What an ImagingSelection says that an ImagingManifest cannot, element by element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.errors import Issue, Severity
from imageregion.fhir.manifest.reading import AUTHORED
from imageregion.fhir.normalized import Normalized, Place, fhirpath, original_place
from imageregion.fhir.text.plain import brief

__all__ = ["Losses"]

_HANDLED = frozenset(
    {"resourceType", "status", "studyUid", "seriesUid", "instance", "subject", "identifier"}
    | {"issued", "_issued", "performer", "code", "derivedFrom", "endpoint", "contained"}
    | {"extension", "modifierExtension", "imageRegion3D"}
)
_FORMAL = frozenset({"id", "meta", "text", "language", "implicitRules"})
_URIS = "urn:ietf:rfc:3986"
_REGIONS = ("imageRegion2D", "imageRegion3D")


class Losses:
    """Issues under way, with FHIRPaths of the original of each selection."""

    def __init__(self) -> None:
        self.found: list[Issue] = []
        self._places: Mapping[Place, Place] = {}
        self._name = ""

    def turn_to(self, normalized: Normalized, name: str) -> None:
        """Say which selection the next losses are of; `name` is empty when it is the only one."""
        self._places, self._name = normalized.places, name

    def add(self, place: Place, message: str, severity: Severity = "warning") -> None:
        """Note a loss; of the whole selection as error, of the form alone as information."""
        path = fhirpath(original_place(place, self._places))
        prefix = f"{self._name}: " if self._name else ""
        code = {"error": "left-out", "warning": "lost", "information": "respelled"}[severity]
        self.found.append(Issue(severity, code, path, f"{prefix}{message}"))

    def list_rest(self, resource: Mapping[str, Any]) -> None:
        """Note every element that an ImagingManifest has no place for."""
        for name in resource:
            if name in _FORMAL:
                self.add((name,), "of the selection itself; a manifest has its own", "information")
            elif name not in _HANDLED:
                self.add((name,), "has no place in an ImagingManifest")
        self._list_parts(resource)
        self._list_regions(resource, ())
        instances = resource.get("instance")
        for index, instance in enumerate(instances if isinstance(instances, list) else ()):
            if isinstance(instance, Mapping):
                self._list_instance(instance, ("instance", index))

    def _list_parts(self, resource: Mapping[str, Any]) -> None:
        """Note parts of elements that survive otherwise."""
        code, issued = resource.get("code"), resource.get("_issued")
        for name in code if isinstance(code, Mapping) else ():
            if name not in ("text", "coding"):
                self.add(("code", name), "of the code, a manifest has the words alone")
        extensions = issued.get("extension") if isinstance(issued, Mapping) else None
        for one in extensions if isinstance(extensions, list) else ():
            if not (isinstance(one, Mapping) and one.get("url") == AUTHORED):
                self.add(("issued",), "its extensions have no place in an ImagingManifest")
                break

    def _list_class(self, coding: Any, place: Place) -> None:
        for name in coding if isinstance(coding, Mapping) else ():
            if name != "code" and (name, coding[name]) != ("system", _URIS):
                message = f"has no place in an ImagingManifest: {brief(coding[name])}"
                self.add((*place, name), message)

    def _list_instance(self, instance: Mapping[str, Any], place: Place) -> None:
        for name in instance:
            if name not in ("uid", "sopClass", "extension", *_REGIONS):
                message = f"has no place in an ImagingManifest: {brief(instance[name])}"
                self.add((*place, name), message)
        self._list_class(instance.get("sopClass"), (*place, "sopClass"))
        self._list_regions(instance, place)

    def _list_regions(self, element: Mapping[str, Any], place: Place) -> None:
        for name in _REGIONS:
            regions = element.get(name)
            for index, region in enumerate(regions if isinstance(regions, list) else ()):
                kind = region.get("regionType") if isinstance(region, Mapping) else None
                message = f"the region, {brief(kind)}: a manifest names whole instances alone"
                self.add((*place, name, index), message)
