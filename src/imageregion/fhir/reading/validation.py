"""What fhir.resources says about a resource, apart from its coordinates.

The coordinates are replaced by a placeholder first: fhir.resources turns each into a Decimal, which
costs forty times as much as reading it and checks nothing that matters here. Region codes and
coordinates are checked by `geometry` instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fhir.resources.imagingselection import ImagingSelection
from pydantic import ValidationError

from imageregion.errors import FhirError
from imageregion.fhir.normalized import Place, fhirpath, original_place
from imageregion.fhir.text.plain import brief

__all__ = ["Finding", "Place", "Sketch", "fhirpath", "validate", "validate_all"]

MAX_VALUES = 50_000
"""Most values beside coordinates that are validated; each may have its finding."""

_ROUNDS = 16  # of taking out unknown elements; each may uncover others


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that fhir.resources does not accept.

    Parameters
    ----------
    place : tuple of str and int
        Keys and indices from the resource to the element.
    is_unknown : bool
        The element is not part of R5, rather than being malformed.
    message : str
    """

    place: Place
    is_unknown: bool
    message: str

    @property
    def path(self) -> str:
        """FHIRPath of the element."""
        return fhirpath(self.place)


def validate(resource: dict[str, Any]) -> list[Finding]:
    """Validate an ImagingSelection against FHIR R5 with fhir.resources.

    Parameters
    ----------
    resource : dict
        A copy that may be changed, and is: unknown elements are taken out, since they keep
        fhir.resources from checking what stands beside them.

    Returns
    -------
    list of Finding
        Unknown elements first. Empty when the resource is valid.

    Examples
    --------
    >>> draft = {"resourceType": "ImagingSelection", "status": "unknown", "colour": "red"}
    >>> for finding in validate(draft):
    ...     print(finding.path, "-", finding.message)
    ImagingSelection.colour - not an element of FHIR R5
    ImagingSelection.code - required, but missing
    """
    unknown: list[Finding] = []
    for _ in range(_ROUNDS):
        findings = list(_findings(resource))
        strangers = [finding for finding in findings if finding.is_unknown]
        if not strangers:
            return unknown + findings
        unknown += strangers
        if not all(_take_out(resource, finding.place) for finding in strangers):
            return unknown + [finding for finding in findings if not finding.is_unknown]
    return [*unknown, Finding((), False, "unknown elements in too many levels")]


@dataclass(slots=True)
class Sketch:
    """A draft of an ImagingSelection to be validated, and what its elements stand for.

    Parameters
    ----------
    resource : dict
        Will be changed.
    places : dict of Place to Place
        From elements of the draft to those of the resource that is meant, where these differ.
    """

    resource: dict[str, Any]
    places: dict[Place, Place] = field(default_factory=dict)


def validate_all(sketches: Iterable[Sketch]) -> list[Finding]:
    """Validate drafts; the findings are with the elements of the resource that is meant.

    Raises
    ------
    FhirError
        When they are so large that validating them would take too much time and memory.

    Examples
    --------
    >>> draft = {"resourceType": "ImagingSelection", "status": "unknown", "code": {},
    ...          "category": ["x"]}
    >>> [finding.path for finding in validate_all([Sketch(draft, {("category", 0): ("kind",)})])]
    ['ImagingSelection.kind']
    """
    sketches = list(sketches)
    count = sum(_count(sketch.resource) for sketch in sketches)
    if count > MAX_VALUES:
        raise FhirError(
            "ImagingSelection",
            f"expected at most {MAX_VALUES} values beside coordinates, got {count}",
        )
    return [
        replace(finding, place=original_place(finding.place, sketch.places))
        for sketch in sketches
        for finding in validate(sketch.resource)
    ]


def _count(value: Any) -> int:
    """Count the values in a tree."""
    count, pending = 0, [value]
    while pending and count <= MAX_VALUES:
        item = pending.pop()
        if isinstance(item, dict):
            count += len(item)
            pending += item.values()
        elif isinstance(item, list):
            count += len(item)
            pending += item if len(item) <= MAX_VALUES else []
    return count


def _findings(resource: dict[str, Any]) -> Iterator[Finding]:
    try:
        ImagingSelection.model_validate(resource)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_context=False):
            place = tuple(step for step in detail["loc"] if step != "root")
            is_unknown = detail["type"] == "extra_forbidden"
            yield Finding(
                place, is_unknown, _message(detail["type"], detail["msg"], detail["input"])
            )
    except Exception as error:  # a fault inside fhir.resources must not reach the user
        yield Finding((), False, f"fhir.resources cannot read it: {type(error).__name__}: {error}")


def _message(kind: str, message: str, given: object) -> str:
    if kind == "extra_forbidden":
        return "not an element of FHIR R5"
    if kind.endswith(".missing") or kind == "missing":
        return "required, but missing"
    if kind == "json_invalid":
        return f"expected an object, got {brief(given)}"
    message = " ".join(message.removeprefix("Value error, ").split())
    if len(message) > 160:
        message = message[:160] + "..."
    return f"{message}, got {brief(given)}"


def _take_out(resource: dict[str, Any], place: Place) -> bool:
    """Delete an element; False when there is none at that place."""
    parent: Any = resource
    try:
        for step in place[:-1]:
            parent = parent[step]
        del parent[place[-1]]
    except (KeyError, IndexError, TypeError):
        return False
    return True
