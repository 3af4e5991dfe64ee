"""Envelope: what stands around and beside the selections of a document, and is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imageregion.errors import Issue

__all__ = ["envelope_losses"]

_MESSAGE = "stands outside the selections: left out"


def envelope_losses(value: Any, place: str, is_read: bool) -> Iterator[tuple[str, Issue]]:
    """Yield what is left out of a Bundle, of an entry, or of a list.

    Parameters
    ----------
    value : Any
        A Bundle, an entry of one, or a resource.
    place : str
        Where it stands, behind the name of its file.
    is_read : bool
        Whether a selection is read from it, or from something in it.

    Examples
    --------
    >>> patient = {"resourceType": "Patient"}
    >>> for name, issue in envelope_losses(patient, "a: Bundle.entry[0]", False):
    ...     print(name, issue)
    a warning Bundle.entry[0]: Patient: stands outside the selections: left out
    """
    name, _, path = place.rpartition(": ")
    if not is_read:
        kind = value.get("resourceType") if isinstance(value, Mapping) else None
        what = f"{kind:.60}" if isinstance(kind, str) else "no resource"
        yield name, Issue("warning", "left-out", path or "document", f"{what}: {_MESSAGE}")
        return
    kept = ("resource",)
    if value.get("resourceType") == "Bundle":
        kept = ("resourceType", "entry", *(("type",) if value.get("type") == "collection" else ()))
    for key in value:
        if key not in kept:
            yield name, Issue("warning", "left-out", f"{path}.{key}", _MESSAGE)
