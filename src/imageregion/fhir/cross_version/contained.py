"""Contained resources in another version of FHIR, and references to those that are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.cross_version.endpoints import endpoint_to_r4
from imageregion.fhir.normalized import Place
from imageregion.fhir.text.plain import brief, plain

__all__ = [
    "LEFT_OUT",
    "UNREFERENCED",
    "contained_to_r4b",
    "local_references",
    "orphans",
    "without_references",
]

UNREFERENCED = "only what is left out, too, refers to it"
LEFT_OUT = "a contained resource, left out"
"""What a reference shows when what it refers to is no longer contained."""

_ENOUGH = ("identifier", "display", "_display", "extension")  # a reference says something with one


def contained_to_r4b(resource: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Return a resource of R5 whose contained resources are valid in R4B, and what is lost.

    An Endpoint is written in the form of R4. Any other contained resource stays when
    fhir.resources accepts it as one of R4B; else it is left out, with those that only it refers to,
    and references to it show `LEFT_OUT` unless they have an identifier or text of their own.

    Parameters
    ----------
    resource : mapping
        Of any type; not changed. What is not contained stays as it is.

    Returns
    -------
    resource : dict
    losses : tuple of Issue
        Warnings with the code "lost" and FHIRPaths of `resource`.

    Examples
    --------
    >>> device = {"resourceType": "Device", "id": "d", "displayName": "CT"}
    >>> written, losses = contained_to_r4b({"resourceType": "ImagingSelection",
    ...     "contained": [device], "performer": [{"actor": {"reference": "#d"}}]})
    >>> written["performer"], losses[0].path
    ([{'actor': {'display': 'a contained resource, left out'}}], 'ImagingSelection.contained[0]')
    """
    given = resource.get("contained")
    if not isinstance(given, list):
        return dict(resource), ()
    root, losses = str(resource.get("resourceType")), list[Issue]()
    kept: dict[int, Any] = {}
    for number, one in enumerate(given):
        path = f"{root}.contained[{number}]"
        made, lost = _lowered(one)
        refused = _refused(made)
        for name in () if refused else lost:
            losses.append(Issue("warning", "lost", f"{path}.{name}", "not in an Endpoint of R4B"))
        if refused:
            message = f"left out, not valid in R4B: {refused}"
            losses.append(Issue("warning", "lost", path, message))
        else:
            kept[number] = made
    for number in orphans(resource, given, kept):
        path = f"{root}.contained[{number}]"
        losses.append(Issue("warning", "lost", path, f"left out: {UNREFERENCED}"))
        del kept[number]
    rest: dict[str, Any] = {k: v for k, v in resource.items() if k != "contained"}
    whole = {**rest, "contained": list(kept.values())} if kept else rest
    if len(kept) == len(given):
        return whole, tuple(losses)
    ids = {f"#{one.get('id')}" for one in kept.values()}
    gone = {f"#{one.get('id')}" for one in given if isinstance(one, Mapping)} - ids
    return without_references(whole, gone.__contains__), tuple(losses)


def _lowered(resource: Any) -> tuple[Any, list[str]]:
    if isinstance(resource, Mapping) and resource.get("resourceType") == "Endpoint":
        return endpoint_to_r4(resource)
    return resource, []


def _refused(resource: Any) -> str:
    """Say why fhir.resources does not accept a contained resource of R4B; empty if it does."""
    from fhir.resources.R4B.basic import Basic
    from pydantic import ValidationError

    if not isinstance(resource, Mapping):
        return f"expected a resource, got {brief(resource)}"
    holder = {"resourceType": "Basic", "code": {"text": "x"}, "contained": [plain(resource)]}
    try:
        Basic.model_validate(holder)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"][2:] if step != "root")
        kind = resource.get("resourceType")
        return f"{kind!s:.60}{f', {place:.100}' if place else ''}: {first['msg']:.160}"
    except Exception as error:  # a fault inside fhir.resources must not reach the user
        return f"fhir.resources cannot read it: {type(error).__name__}"
    return ""


def orphans(resource: Mapping[str, Any], given: list[Any], kept: Mapping[int, Any]) -> list[int]:
    """Return which contained resources only others that are left out refer to (dom-3).

    Parameters
    ----------
    resource : mapping
        What contains them.
    given : list
        All contained resources.
    kept : mapping of int to dict
        Those that are not left out, by their indices in `given`.

    Examples
    --------
    >>> given = [{"id": "e", "managingOrganization": {"reference": "#o"}}, {"id": "o"}]
    >>> orphans({"endpoint": [{"reference": "#e"}]}, given, {1: given[1]})
    [1]
    """
    outer = _names({key: one for key, one in resource.items() if key != "contained"})
    inner = [_names(one) for one in given]
    found: list[int] = []
    while True:
        left = [number for number in kept if number not in found]
        known = outer.union(*(inner[number] for number in left))
        before = outer.union(*inner)
        more = [
            number
            for number in left
            if (name := f"#{kept[number].get('id')}") in before
            and name not in known
            and "#" not in inner[number]
        ]
        if not more:
            return sorted(found)
        found += more


def _names(value: Any) -> set[str]:
    return {name for _, name in local_references(value)}


def local_references(value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yield (place, reference) of what points at something contained, "#" alone included.

    Examples
    --------
    >>> list(local_references({"subject": {"reference": "#p"}, "focus": [{"reference": "A/1"}]}))
    [(('subject', 'reference'), '#p')]
    """
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from local_references(one, (*place, index))
    elif isinstance(value, Mapping):
        text = value.get("reference")
        if isinstance(text, str) and text.startswith("#"):
            yield (*place, "reference"), text
        for name, one in value.items():
            if name != "coordinate":
                yield from local_references(one, (*place, name))


def without_references(value: Any, is_gone: Callable[[str], bool]) -> Any:
    """Return a JSON value whose references to what is gone keep what says the same without.

    Parameters
    ----------
    value : JSON value
        Not changed; parts that stay are shared.
    is_gone : callable
        Whether what a reference like "#p" points at is gone.

    Examples
    --------
    >>> without_references([{"reference": "#p"}, {"reference": "#q", "display": "Doe"}],
    ...                    lambda name: True)
    [{'display': 'a contained resource, left out'}, {'display': 'Doe'}]
    """
    if isinstance(value, list):
        return [without_references(one, is_gone) for one in value]
    if not isinstance(value, Mapping):
        return value
    text = value.get("reference")
    rest = {
        key: one if key == "coordinate" else without_references(one, is_gone)
        for key, one in value.items()
    }
    if not (isinstance(text, str) and text.startswith("#") and is_gone(text)):
        return rest
    del rest["reference"]
    rest.pop("_reference", None)
    return rest if any(rest.get(name) for name in _ENOUGH) else {**rest, "display": LEFT_OUT}
