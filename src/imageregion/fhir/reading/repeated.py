"""Keys that an object of a JSON text gives twice: such a text means two things at once.

What they stand in is refused: a region, an instance, and otherwise the resource.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from imageregion.errors import FhirError, Issue
from imageregion.fhir.normalized import Normalized, Place, fhirpath, original_place
from imageregion.fhir.text.plain import RepeatedKeys

__all__ = ["refuse_repeated", "repeated_keys"]

_WHY = "given more than once: what means two things at once is refused"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_REGIONS = ("imageRegion2D", "imageRegion3D")


def repeated_keys(value: object, place: Place = ()) -> Iterator[Place]:
    """Yield the places of keys that an object of a JSON text gives more than once.

    Examples
    --------
    >>> from imageregion.fhir.text.plain import parse_json
    >>> list(repeated_keys(parse_json('{"a": [{"b": 1, "b": 2}]}', "text")))
    [('a', 0, 'b')]
    """
    if isinstance(value, list):
        for number, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from repeated_keys(item, (*place, number))
    elif isinstance(value, RepeatedKeys):
        yield from ((*place, key) for key in value.repeated)
        for key, item in value.items():
            yield from repeated_keys(item, (*place, key))


def refuse_repeated(resource: object, selections: Sequence[Normalized]) -> list[Normalized]:
    """Refuse regions and instances of which the text gives a key more than once.

    Parameters
    ----------
    resource : object
        As it was parsed.
    selections : sequence of Normalized
        What it became; not changed.

    Returns
    -------
    list of Normalized
        With an error issue for each of these, in place of which nothing is left.

    Raises
    ------
    FhirError
        Where the key stands in no region and no instance.

    Examples
    --------
    >>> refuse_repeated({"resourceType": "ImagingSelection"}, [])
    []
    """
    if not isinstance(resource, RepeatedKeys):
        return list(selections)
    owners = [_owners(one) for one in selections]
    costs: list[dict[Place, Place]] = [{} for _ in selections]
    for key in repeated_keys(resource):
        held = [
            max((o for o in known if _holds(o, key)), key=len, default=None) for known in owners
        ]
        if not any(held):
            kind = str(resource.get("resourceType") or "ImagingSelection")[:60]
            raise FhirError(fhirpath((kind, *key)), _WHY)
        for cost, owner in zip(costs, held, strict=True):
            if owner is not None:
                cost.setdefault(owner, key)
    triples = zip(selections, owners, costs, strict=True)
    return [_without(one, known, cost) for one, known, cost in triples]


def _holds(owner: Place, key: Place) -> bool:
    return len(owner) < len(key) and key[: len(owner)] == owner


def _owners(normalized: Normalized) -> dict[Place, list[Place]]:
    """Return the regions and instances by where they stood in the original, without its type."""
    found: dict[Place, list[Place]] = {}
    for place in _elements(normalized.resource):
        origin = original_place(place, normalized.places)
        if origin and str(origin[0])[:1].isupper():
            origin = origin[1:]
        if origin:
            found.setdefault(origin, []).append(place)
    return found


def _elements(resource: dict[str, Any]) -> Iterator[Place]:
    yield from (("imageRegion3D", j) for j, _ in enumerate(_list(resource.get("imageRegion3D"))))
    for i, instance in enumerate(_list(resource.get("instance"))):
        yield "instance", i
        for name in _REGIONS if isinstance(instance, dict) else ():
            yield from (("instance", i, name, j) for j, _ in enumerate(_list(instance.get(name))))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _without(
    normalized: Normalized, owners: dict[Place, list[Place]], cost: dict[Place, Place]
) -> Normalized:
    """Take out what is refused; the original, which may share its parts, stays as it is."""
    resource = dict(normalized.resource)
    issues = list(normalized.issues)
    for owner, key in cost.items():
        for number, place in enumerate(owners[owner]):
            if number == 0:
                path = fhirpath(original_place(place, normalized.places))
                message = f"{fhirpath(('E', *key[len(owner) :])).removeprefix('E.')} {_WHY}"
                issues.append(Issue("error", "repeated-key", path, message))
            _blank(resource, place)
    return replace(normalized, resource=resource, issues=tuple(issues))


def _blank(resource: dict[str, Any], place: Place) -> None:
    """Put an element without content in a place, copying everything above it."""
    parent: Any = resource
    for step in place[:-1]:
        inner = parent[step]
        parent[step] = dict(inner) if isinstance(inner, dict) else list(inner)
        parent = parent[step]
    absent = {"extension": [{"url": _ABSENT, "valueCode": "error"}]}
    if place[-2] == "instance":
        parent[place[-1]] = {"_uid": absent}
    else:
        parent[place[-1]] = {
            "_regionType": absent,
            "coordinate": [None],
            "_coordinate": [absent],
        }
