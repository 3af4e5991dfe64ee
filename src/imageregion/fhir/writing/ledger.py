"""Ledger: what became of every element while a resource is written in another form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.normalized import Place, original_place
from imageregion.fhir.reading.validation import fhirpath

__all__ = ["ORIGINS", "REGION_LISTS", "Ledger", "bare", "origins", "take_origins"]

ORIGINS = "\0origins"
"""Key of instances and regions under way: the FHIRPaths they had in the original."""

REGION_LISTS = ("imageRegion2D", "imageRegion3D")


class Ledger:
    """Issues found while writing, with the paths of the original.

    Parameters
    ----------
    places : mapping of Place to Place
        As in `Normalized`.
    form : str
        Name of the form that is written, for messages.
    """

    def __init__(self, places: Mapping[Place, Place], form: str = "this form") -> None:
        self._places = places
        self.form = form
        self.losses: list[Issue] = []

    def path(self, place: Place) -> str:
        """Return the FHIRPath that an element of the normalized form has in the original."""
        return fhirpath(original_place(place, self._places))

    def lost(self, path: str, code: str, message: str) -> None:
        """Note that meaning is lost, or kept in an extension only."""
        self.losses.append(Issue("warning", code, path, message))

    def respelled(self, path: str, code: str, message: str) -> None:
        """Note that the same is said in another way."""
        self.losses.append(Issue("information", code, path, message))

    def mark(self, draft: dict[str, Any]) -> None:
        """Write into every instance and region where it stood in the original."""
        for name in REGION_LISTS[1:]:
            for j, region in enumerate(draft.get(name) or []):
                region[ORIGINS] = [self.path((name, j))]
        for i, instance in enumerate(draft.get("instance") or []):
            instance[ORIGINS] = [self.path(("instance", i))]
            for name in REGION_LISTS:
                for j, region in enumerate(instance.get(name) or []):
                    region[ORIGINS] = [self.path(("instance", i, name, j))]


def origins(element: Mapping[str, Any]) -> list[str]:
    """Return the paths that an element under way had in the original."""
    found: list[str] = element.get(ORIGINS, [])
    return found


def bare(element: Mapping[str, Any]) -> dict[str, Any]:
    """Return an element without the note of where it stood."""
    return {key: value for key, value in element.items() if key != ORIGINS}


def take_origins(resource: dict[str, Any], root: str) -> dict[str, tuple[str, ...]]:
    """Take out the notes of where elements stood; return where each path has gone."""
    gone: dict[str, list[str]] = {}
    for path, element in _marked(resource, root):
        for origin in element.pop(ORIGINS, []):
            gone.setdefault(origin, []).append(path)
    return {origin: tuple(paths) for origin, paths in gone.items()}


def _marked(resource: dict[str, Any], root: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for j, region in enumerate(resource.get("imageRegion3D") or []):
        yield f"{root}.imageRegion3D[{j}]", region
    if isinstance(resource.get("imageRegion"), dict):
        yield f"{root}.imageRegion", resource["imageRegion"]
    for i, instance in enumerate(resource.get("instance") or []):
        yield f"{root}.instance[{i}]", instance
        for name in REGION_LISTS:
            for j, region in enumerate(instance.get(name) or []):
                yield f"{root}.instance[{i}].{name}[{j}]", region
