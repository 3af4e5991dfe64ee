"""Elements: walking the normalized form of a resource whose parts may be of any JSON type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imageregion.errors import Issue, Severity
from imageregion.fhir.normalized import Normalized, Place, fhirpath, original_place

__all__ = ["SELECTORS", "Resource"]

SELECTORS = (
    "frameNumber",
    "referencedContentItemIdentifier",
    "segmentNumber",
    "regionOfInterest",
    "waveFormChannel",
)
"""Elements of an instance that select parts of it, in FHIR R6."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource under check.

    Parameters
    ----------
    normalized : Normalized
    """

    normalized: Normalized

    @property
    def content(self) -> dict[str, Any]:
        """The superset form."""
        return self.normalized.resource

    def has(self, *names: str) -> bool:
        """Whether one of these elements of the resource is there and not empty."""
        return any(_exists(self.content.get(name)) for name in names)

    def instances(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield every instance that is an object."""
        yield from _objects(self.content.get("instance"), ("instance",))

    def regions(self, dimension: int) -> Iterator[tuple[Place, dict[str, Any]]]:
        """Yield every region of a dimension, of instances and of the resource."""
        name = f"imageRegion{dimension}D"
        for place, instance in self.instances():
            yield from _objects(instance.get(name), (*place, name))
        yield from _objects(self.content.get(name), (name,))

    def path(self, place: Place) -> str:
        """Return the FHIRPath of an element in the document it came from."""
        return fhirpath(original_place(place, self.normalized.places))

    def issue(self, severity: Severity, code: str, place: Place, message: str) -> Issue:
        """Make an issue with the element at a place of the superset form."""
        return Issue(severity, code, self.path(place), message)


def _exists(value: object) -> bool:
    return value is not None and value not in ("", [], {})


def _objects(value: object, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    for index, item in enumerate(value if isinstance(value, list) else []):
        if isinstance(item, dict):
            yield (*place, index), item
