"""Versions: references to one version of a resource (``/_history/3``), FHIR R5 references.html."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.errors import Issue
from imageregion.fhir.links.entries import Entry

__all__ = ["unknown_version"]


def unknown_version(path: str, reference: Any, found: Entry) -> tuple[Issue, ...]:
    """Say that a reference asks for a version, where the resource found does not say its own.

    Parameters
    ----------
    path : str
        Where the reference stands.
    reference : Any
        With ``/_history/`` and a version behind it, or without.
    found : Entry
        What it was resolved to; of another version there is nothing.

    Examples
    --------
    >>> found = Entry({"resourceType": "ImagingSelection", "id": "a"}, {})
    >>> reference = {"reference": "ImagingSelection/a/_history/3"}
    >>> print(unknown_version("Observation.derivedFrom[0]", reference, found)[0].message)
    version 3 of ImagingSelection/a is meant; which one this document holds is not said
    """
    text = reference.get("reference") if isinstance(reference, Mapping) else None
    asked = _version(text)
    if not asked:
        return ()
    meta = found.resource.get("meta")
    stated = meta.get("versionId") if isinstance(meta, Mapping) else None
    if (isinstance(stated, str) and stated) or _version(found.url):
        return ()  # it is the one asked for, or the reference would not have been resolved
    message = (
        f"version {asked:.64} of {found.name} is meant; which one this document holds is not said"
    )
    return (Issue("information", "unknown-version", path, message),)


def _version(text: Any) -> str:
    return text.partition("/_history/")[2].strip() if isinstance(text, str) else ""
