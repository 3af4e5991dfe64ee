"""Links: for every Observation the regions, images and reports that its numbers belong to."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from imageregion.errors import Issue
from imageregion.fhir.links.stated import StatedNumber
from imageregion.fhir.selection import Selection
from imageregion.region import Region

__all__ = ["Basis", "Link", "LinkedRegion", "Links"]

Basis = Literal["region-path", "only-region", "ambiguous", "none"]
"""What tells which region was measured: "region-path" (our extension names it), "only-region" (the
selection has no other), "ambiguous" (any of several), "none" (none is known)."""


@dataclass(frozen=True, slots=True, eq=False)
class LinkedRegion:
    """One region, and the selection it belongs to.

    Parameters
    ----------
    selection : Selection
    region : Region or None
        None stands for all regions of the selection taken as one.
    """

    selection: Selection
    region: Region | None

    @property
    def path(self) -> str:
        """FHIRPath of the region within its selection."""
        return self.region.path if self.region is not None else "ImagingSelection"

    def to_dict(self) -> dict[str, Any]:
        """Return the record that JSON prints."""
        region = self.region
        target = region.target if region is not None else None
        return {
            "selection": self.selection.name,
            "path": self.path,
            "type": region.type if region is not None else "combined",
            "label": (region.label if region is not None else "") or None,
            "instance": (target.instance if target else "") or None,
            "frames": list(target.frames) if target else [],
        }

    def __str__(self) -> str:
        label = self.region.label if self.region is not None else "all regions as one"
        return label or self.path


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One Observation, and what its numbers were measured on.

    Parameters
    ----------
    observation : str
        Type and id, or else the place in the document.
    place : str
        Where it stands in the document.
    title : str
        Its code in words.
    status : str
    numbers : tuple of StatedNumber
    regions : tuple of LinkedRegion
        One, none, or where `basis` is "ambiguous" all that may be meant.
    basis : {"region-path", "only-region", "ambiguous", "none"}
        See `Basis`.
    via : str
        What led to the selection: "derivedFrom", "derivedFrom of Observation/group", "focus", ...;
        empty where nothing did.
    instances : tuple of str
        SOP Instance UIDs of the images whose pixels were measured; where the Observation does not
        say, those that 2-D regions are drawn on.
    frame : int or None
        Number of the one frame that was measured, where it is said.
    groups, reports : tuple of str
        Observations that have it as member, and DiagnosticReports it belongs to.
    rule, method : str
        Which pixels count by our code, and the method in words; empty where not stated.
    withdrawn : tuple of str
        Which are entered-in-error of the Observation, its selections and the Observations on the
        way to them: its numbers cannot be relied on.
    issues : tuple of Issue
        What dangles (errors) or is not said clearly (warnings).
    """

    observation: str
    place: str
    title: str
    status: str
    numbers: tuple[StatedNumber, ...]
    regions: tuple[LinkedRegion, ...] = ()
    basis: Basis = "none"
    via: str = ""
    instances: tuple[str, ...] = ()
    frame: int | None = None
    groups: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    rule: str = ""
    method: str = ""
    withdrawn: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()

    @property
    def is_dangling(self) -> bool:
        """Whether something it refers to is not there, or it refers to no region."""
        return any(i.severity == "error" and i.code != "wrong-type" for i in self.issues)

    def to_dict(self) -> dict[str, Any]:
        """Return the record that JSON prints."""
        return {
            "observation": self.observation,
            "place": self.place,
            "title": self.title,
            "status": self.status or None,
            "numbers": [number.to_dict() for number in self.numbers],
            "regions": [region.to_dict() for region in self.regions],
            "basis": self.basis,
            "via": self.via or None,
            "instances": list(self.instances),
            "frame": self.frame,
            "groups": list(self.groups),
            "reports": list(self.reports),
            "rule": self.rule or None,
            "method": self.method or None,
            "withdrawn": list(self.withdrawn),
            "issues": [issue.to_dict() for issue in self.issues],
        }

    def __str__(self) -> str:
        where = ", ".join(map(str, self.regions[:3])) or "no region"
        more = f" and {len(self.regions) - 3} more" if len(self.regions) > 3 else ""
        doubt = "one of " if self.basis == "ambiguous" else ""
        count = len(self.numbers)
        text = f"{self.observation}: {count} number{'s' * (count != 1)} of {doubt}{where}{more}"
        return "\n".join([text, *(f"  {issue}" for issue in self.issues)])


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """What every Observation of a document measures.

    Parameters
    ----------
    links : tuple of Link
        One for each Observation, in the order of the document.
    issues : tuple of Issue
        What is about the document or other resources.
    """

    links: tuple[Link, ...]
    issues: tuple[Issue, ...] = ()

    @property
    def dangling(self) -> tuple[Link, ...]:
        """Observations that refer to something that is not there, or to no region."""
        return tuple(link for link in self.links if link.is_dangling)

    @property
    def selections(self) -> tuple[Selection, ...]:
        """The selections that Observations lead to, each once, in the order of the links."""
        found = (linked.selection for link in self.links for linked in link.regions)
        return tuple({id(selection): selection for selection in found}.values())

    @property
    def complete(self) -> bool:
        """Whether nothing dangles, and everything could be read."""
        issues = (*self.issues, *(issue for link in self.links for issue in link.issues))
        return all(issue.severity != "error" for issue in issues)

    def to_dict(self) -> dict[str, Any]:
        """Return the record that ``--format json`` prints."""
        return {
            "observations": [link.to_dict() for link in self.links],
            "issues": [issue.to_dict() for issue in self.issues],
        }

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False, ensure_ascii=False)

    def __str__(self) -> str:
        """Return how many there are, then one line for each Observation."""
        counts = Counter(link.basis for link in self.links)
        numbers = sum(len(link.numbers) for link in self.links)
        linked = counts["region-path"] + counts["only-region"]
        head = (
            f"Observations: {len(self.links)}, with {numbers} numbers; of one region: {linked}, "
            f"ambiguous: {counts['ambiguous']}, of none: {counts['none']}, "
            f"dangling: {len(self.dangling)}"
        )
        return "\n".join([head, *map(str, self.links), *map(str, self.issues)])
