"""Withdrawn: resources that say of themselves that they are entered-in-error."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from imageregion.fhir.links.entries import Entry
from imageregion.fhir.selection import Selection

__all__ = ["valid_first", "withdrawn"]


def withdrawn(entries: Iterable[Entry], read: Callable[[Entry], Selection | str]) -> dict[str, str]:
    """Return which resources are entered-in-error, by name, and a sentence about each.

    Parameters
    ----------
    entries : iterable of Entry
        Observations, and ImagingSelections or the Basic of FHIR R4 that stands for one.
    read : callable
        Reads a selection, for the status inside a Basic.

    Examples
    --------
    >>> entry = Entry({"resourceType": "Observation", "id": "a", "status": "entered-in-error"}, {})
    >>> withdrawn([entry], lambda one: "")
    {'Observation/a': 'Observation/a is entered-in-error, so this is not to be relied on'}
    """
    return {
        entry.name: f"{entry.name} is entered-in-error, so this is not to be relied on"
        for entry in entries
        if _is_withdrawn(entry) or (entry.kind == "Basic" and _status(read(entry)) == _ERROR)
    }


def valid_first(entries: Iterable[Entry]) -> list[Entry]:
    """Return the same in order, those that are entered-in-error behind the others.

    Examples
    --------
    >>> wrong = Entry({"resourceType": "Observation", "id": "a", "status": "entered-in-error"}, {})
    >>> right = Entry({"resourceType": "Observation", "id": "b", "status": "final"}, {})
    >>> [entry.id for entry in valid_first([wrong, right])]
    ['b', 'a']
    """
    return sorted(entries, key=_is_withdrawn)


_ERROR = "entered-in-error"


def _is_withdrawn(entry: Entry) -> bool:
    return entry.resource.get("status") == _ERROR


def _status(selection: Selection | str) -> str:
    return "" if isinstance(selection, str) else selection.status
