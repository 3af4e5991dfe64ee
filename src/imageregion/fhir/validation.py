"""What fhir.resources says about a resource, apart from its coordinates.

The coordinates are replaced by a placeholder first: fhir.resources turns each into a Decimal, which
costs forty times as much as reading it and checks nothing that matters here. Region codes and
coordinates are checked by `geometry` instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir.resources.imagingselection import ImagingSelection
from pydantic import ValidationError

from imageregion.fhir.normalized import Place
from imageregion.fhir.plain import brief

__all__ = ["Finding", "Place", "fhirpath", "validate"]


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


def fhirpath(place: Place) -> str:
    """Write the place of an element as a FHIRPath.

    Examples
    --------
    >>> fhirpath(("instance", 0, "uid"))
    'ImagingSelection.instance[0].uid'
    """
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return "ImagingSelection" + "".join(parts)


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
    while True:
        findings = list(_findings(resource))
        strangers = [finding for finding in findings if finding.is_unknown]
        if not strangers:
            return unknown + findings
        unknown += strangers
        if not all(_take_out(resource, finding.place) for finding in strangers):
            return unknown + [finding for finding in findings if not finding.is_unknown]


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
