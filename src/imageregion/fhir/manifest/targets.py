"""What a manifest refers to: the endpoints that hold for a series, and contained resources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.fhir.cross_version.endpoints import endpoint_to_r5
from imageregion.fhir.studies.effective import endpoint_references, endpoints_of
from imageregion.fhir.studies.elements import Notes, items
from imageregion.fhir.studies.references import Library, Shelf

__all__ = ["Targets"]


class Targets:
    """The resources that a manifest refers to.

    Parameters
    ----------
    manifest : mapping
    shelf : Shelf
        Where its Endpoints are, unless contained.
    """

    def __init__(self, manifest: Mapping[str, Any], shelf: Shelf) -> None:
        self._manifest = manifest
        self._library = Library(shelf)
        self._types: dict[str, frozenset[str]] = {}
        self._contained: dict[str, dict[str, Any]] = {}
        for _, one in items(manifest, "contained", "ImagingManifest", Notes()):
            if isinstance(one.get("id"), str):
                is_endpoint = one.get("resourceType") == "Endpoint"
                self._contained[one["id"]] = endpoint_to_r5(one) if is_endpoint else dict(one)

    def contained(self, references: list[Any]) -> list[dict[str, Any]]:
        """Return the contained resources that references point at, those of Endpoints as R5."""
        texts = [one.get("reference") for one in references if isinstance(one, Mapping)]
        names = [text[1:] for text in texts if isinstance(text, str) and text.startswith("#")]
        return [self._contained[name] for name in dict.fromkeys(names) if name in self._contained]

    def endpoints(
        self,
        study: Mapping[str, Any],
        series: Mapping[str, Any],
        paths: tuple[str, str],
        notes: Notes,
    ) -> list[dict[str, Any]]:
        """Return references to the endpoints of a series, and to those of its study that hold.

        An endpoint of the series overrides those of the study with the same connection type. What
        is not at hand has no type that is known: it is kept, and an issue says so.
        """
        found = {_key(one): one for _, one in endpoint_references(series, paths[1], notes)}
        own = [self._connection_types(one) for one in found.values()]
        taken = frozenset[str]().union(*own)
        for place, reference in endpoint_references(study, paths[0], notes):
            types = self._connection_types(reference)
            if _key(reference) in found:
                continue
            if types and types <= taken:
                message = f"overridden by an endpoint of {paths[1]} of type {', '.join(types)}"
                notes.add("information", "endpoint-overridden", place, message)
                continue
            if own and not (types and all(own)):
                message = "kept: whether the series overrides it cannot be told from what is here"
                notes.add("information", "endpoint-unresolved", place, message)
            found[_key(reference)] = reference
        return [dict(reference) for reference in found.values()]

    def _connection_types(self, reference: Mapping[str, Any]) -> frozenset[str]:
        """Return the connection types of an endpoint, none where it is not at hand."""
        key = _key(reference)
        if key not in self._types:
            element = {"endpoint": [reference]}
            found = endpoints_of(element, self._manifest, self._library, "ImagingManifest", Notes())
            self._types[key] = frozenset(kind for one in found for kind in one.connection_types)
        return self._types[key]


def _key(reference: Mapping[str, Any]) -> str:
    """Return what tells a reference from others: its text, or all of it."""
    text = reference.get("reference")
    return text if isinstance(text, str) else repr(reference)[:1000]
