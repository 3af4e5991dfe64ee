"""What a draft under repair contains: which of it is left, and what refers to the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.cross_version.contained import (
    UNREFERENCED,
    local_references,
    orphans,
    without_references,
)
from imageregion.fhir.cross_version.endpoints import endpoint_to_r5
from imageregion.fhir.normalized import Place, fhirpath

__all__ = ["Containing"]


class Containing:
    """The contained resources of a draft.

    Those that are left out leave no gap: `given` tells where one of the others stood.

    Parameters
    ----------
    draft : dict
        Will be changed: a contained Endpoint of STU3 or R4 gets the form of R5.
    issues : list of Issue
        To be added to.
    """

    def __init__(self, draft: dict[str, Any], issues: list[Issue]) -> None:
        self._draft = draft
        self._issues = issues
        found = draft.get("contained")
        self._given: list[Any] = list(found) if isinstance(found, list) else []
        self._left = list(range(len(self._given)))  # indices of those that are left
        for i, item in enumerate(self._given):
            if isinstance(item, dict) and item.get("resourceType") == "Endpoint":
                draft["contained"][i] = endpoint_to_r5(item)
                if draft["contained"][i] != item:
                    message = "an Endpoint of STU3 or R4, written as one of R5"
                    path = fhirpath(("contained", i))
                    issues.append(Issue("information", "respelled", path, message))

    def given(self, place: Place) -> Place:
        """Return where an element of the draft stood before others were left out."""
        if place[:1] != ("contained",) or len(place) < 2:
            return place
        return ("contained", self._left[int(place[1])], *place[2:])

    def leave_out(self, place: Place, message: str) -> None:
        """Leave out a contained resource because of what is at a place in it; once."""
        if self._draft["contained"][place[1]] is None:
            return
        inner = fhirpath(place[2:]).removeprefix("ImagingSelection").removeprefix(".")
        why = f"{inner}: {message}" if inner else message
        path = fhirpath(self.given(place[:2]))
        self._issues.append(Issue("warning", "removed", path, f"left out: {why}"))
        self._draft["contained"][place[1]] = None

    def sweep(self) -> None:
        """Close the gaps."""
        contained = self._draft.get("contained")
        if not isinstance(contained, list):
            return
        pairs = zip(contained, self._left, strict=False)
        left = [(item, number) for item, number in pairs if item is not None]
        self._draft["contained"] = [item for item, _ in left]
        self._left = [number for _, number in left]
        if not left:
            del self._draft["contained"]

    def tie_up(self) -> dict[str, Any]:
        """Return the draft without references to what is not contained (ref-1).

        What only resources refer to that are left out goes with them (dom-3).
        """
        kept = dict(zip(self._left, self._draft.get("contained") or [], strict=False))
        for number in orphans(self._draft, self._given, kept):
            self.leave_out(("contained", self._left.index(number)), UNREFERENCED)
        self.sweep()
        names = {"#", *(f"#{item.get('id')}" for item in self._draft.get("contained") or [])}
        found = list(self._dangling(names))
        for place in found:
            message = "removed: nothing of this id is contained"
            self._issues.append(Issue("warning", "removed", fhirpath(place), message))
        if not found:
            return self._draft
        draft: dict[str, Any] = without_references(self._draft, lambda name: name not in names)
        return draft

    def _dangling(self, names: set[str]) -> Iterator[Place]:
        for place, name in local_references(self._draft):
            if name not in names:
                yield self.given(place)
