"""Draft: a resource on its way from its dialect to the one form for all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imageregion.errors import FhirError, Issue, Severity
from imageregion.fhir.normalized import Dialect, Place, fhirpath, original_place

__all__ = ["Draft"]

_PROPOSAL = "ImagingReference"
_OID_DIALECTS = ("imaging-reference", "r5-draft", "r5-snapshot1")


class Draft:
    """A resource that is being rewritten, and where its elements stood.

    Parameters
    ----------
    original : dict
        Plain JSON; not changed. What is rewritten is copied first.
    dialect : Dialect

    Attributes
    ----------
    resource : dict
    places : dict of Place to Place
        As in `Normalized`.
    issues : list of Issue
    """

    def __init__(self, original: dict[str, Any], dialect: Dialect) -> None:
        self.resource = dict(original)
        self.dialect = dialect
        kind = original.get("resourceType")
        self.places: dict[Place, Place] = {(): (kind,)} if kind == _PROPOSAL else {}
        self.issues: list[Issue] = []

    @property
    def has_oids(self) -> bool:
        """Whether UIDs of the dialect are written with ``urn:oid:``, codes in upper case, and a
        status is unknown to it.
        """
        return self.dialect in _OID_DIALECTS

    def path(self, place: Place) -> str:
        """Return the FHIRPath in the original of an element of the draft."""
        return fhirpath(original_place(place, self.places))

    def note(self, severity: Severity, code: str, place: Place, message: str) -> None:
        """Add an issue with an element of the draft."""
        self.issues.append(Issue(severity, code, self.path(place), message))

    def refuse(self, place: Place, message: str) -> None:
        """Note that a region or instance says two things at once; it will not be read."""
        self.note("error", "contradiction", place, message)

    def contradiction(self, place: Place, message: str) -> FhirError:
        """Return the error for a resource that says two things at once."""
        return FhirError(self.path(place), message)

    def move(self, place: Place, origin: Place) -> None:
        """Note that an element of the draft stood elsewhere; `origin` is a place of the draft."""
        found = original_place(origin, self.places)
        if found != place:
            self.places[place] = found

    def instances(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield those instances that are objects, with their indices."""
        instances = self.resource.get("instance")
        for i, instance in enumerate(instances if isinstance(instances, list) else []):
            if isinstance(instance, dict):
                yield i, instance
