"""Normalized: one form for ImagingSelections of all dialects, and where each element came from.

The form is FHIR R5 5.0.0 JSON with what other versions can say besides:

- on the resource: ``modality`` (CodeableConcept), ``imageRegion3D`` (list), ``bodySite`` as a list
  where there are several;
- on an instance: ``frameNumber``, ``segmentNumber``, ``regionOfInterest``, ``waveFormChannel`` and
  ``referencedContentItemIdentifier`` (lists of int) beside ``subset`` (list of str);
- as ``regionType`` of ``imageRegion2D`` also ``multipoint`` and ``polygon``, of both ``unknown``.

UIDs are bare, codes are in lower case, ``sopClass`` is a Coding, ``derivedFrom`` is a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from imageregion.errors import Issue

__all__ = ["DIALECTS", "Dialect", "Normalized", "Place", "fhirpath", "original_place"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Place: TypeAlias = tuple[str | int, ...]
"""Keys and indices from the resource to an element."""

Dialect: TypeAlias = Literal[
    "imaging-reference",
    "r5-draft",
    "r5-snapshot1",
    "r5-ballot",
    "r5",
    "r6-ballot2",
    "r6",
    "r4-basic",
    "manifest",
]

DIALECTS: dict[Dialect, str] = {
    "imaging-reference": "ImagingReference proposal, 2020-2021",
    "r5-draft": "draft of November 2021",
    "r5-snapshot1": "FHIR 5.0.0-snapshot1, December 2021",
    "r5-ballot": "FHIR 5.0.0-ballot, September 2022",
    "r5": "FHIR 5.0.0 (R5)",
    "r6-ballot2": "FHIR 6.0.0-ballot1 to ballot3",
    "r6": "FHIR 6.0.0-ballot4 and later (R6)",
    "r4-basic": "FHIR R4 or R4B, Basic with cross-version extensions",
    "manifest": "FHIR 3.0 (STU3) ImagingManifest",
}
"""Every published form of an ImagingSelection, by the name that ``--dialect`` takes.

FHIRPaths are those of the document, with one exception: those of "r4-basic" are of the
ImagingSelection of R5 that the Basic stands for (``ImagingSelection.instance[0].imageRegion2D[0]``,
which in the Basic itself is an extension within an extension).
"""


@dataclass(frozen=True, slots=True, eq=False)
class Normalized:
    """An ImagingSelection in the form described above.

    Parameters
    ----------
    resource : dict
    dialect : Dialect
        What it was written in.
    evidence : str
        What it was recognised by, in words; "asked for" when the dialect was forced.
    places : mapping of Place to Place
        From elements of `resource` to those of the original, where they stand elsewhere; holds for
        everything below them, too.
    issues : tuple of Issue
        What had to be understood in translation; paths are those of the original.
    """

    resource: dict[str, Any]
    dialect: Dialect = "r5"
    evidence: str = ""
    places: Mapping[Place, Place] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


def original_place(place: Place, places: Mapping[Place, Place]) -> Place:
    """Return where an element stood in the original: the longest known beginning decides.

    The original of ``()`` may be a type of resource, with which the place of an element of a
    resource that is no ImagingSelection begins.

    Examples
    --------
    >>> places = {("instance", 0, "imageRegion2D", 0): ("instances", 0, "imageRegion")}
    >>> original_place(("instance", 0, "imageRegion2D", 0, "coordinate"), places)
    ('instances', 0, 'imageRegion', 'coordinate')
    """
    for length in range(len(place), -1, -1):
        known = places.get(place[:length])
        if known is not None:
            return known + place[length:]
    return place


def fhirpath(place: Place) -> str:
    """Write the place of an element as a FHIRPath.

    Examples
    --------
    >>> fhirpath(("instance", 0, "uid"))
    'ImagingSelection.instance[0].uid'
    >>> fhirpath(("ImagingManifest", "study", 0))
    'ImagingManifest.study[0]'
    >>> fhirpath(("ImagingReference", "instance", 0, "imageRegion", "2dCoordinateList"))
    'ImagingReference.instance[0].imageRegion.`2dCoordinateList`'
    """
    root = "ImagingSelection"
    if place and isinstance(place[0], str) and place[0][:1].isupper():
        root, place = place[0], place[1:]
    steps = (f"[{step}]" if isinstance(step, int) else f".{_identifier(step)}" for step in place)
    return _identifier(root) + "".join(steps)


def _identifier(name: str) -> str:
    """Write a name as FHIRPath does: between backticks unless it is letters, digits and _."""
    is_delimited = len(name) > 2 and name[0] == name[-1] == "`"
    if is_delimited or _PLAIN.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"
