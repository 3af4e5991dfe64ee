"""What an Observation of R4 or R5 is derived from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.fhir.cross_version.naming import objects

__all__ = ["DERIVED_FROM", "derived_from"]

DERIVED_FROM = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Observation.derivedFrom"
"""Extension on ``Observation.derivedFrom`` of R4 and R4B, whose value is a reference that only R5
allows there."""


def derived_from(observation: Mapping[str, Any]) -> list[Any]:
    """Return the references of ``Observation.derivedFrom``, also those that R4 has in extensions.

    The extension is looked for on the references, where its definition has it, and on the
    Observation itself, where some guides put it.

    Examples
    --------
    >>> derived_from({"extension": [{"url": DERIVED_FROM, "valueReference": {"reference": "#a"}}]})
    [{'reference': '#a'}]
    """
    found: list[Any] = []
    for reference in objects(observation.get("derivedFrom")):
        inner = _referenced(reference)
        found += inner
        if not inner or "reference" in reference or "identifier" in reference:
            found.append(reference)
    return found + _referenced(observation)


def _referenced(element: Mapping[str, Any]) -> list[Any]:
    return [
        extension["valueReference"]
        for extension in objects(element.get("extension"))
        if extension.get("url") == DERIVED_FROM and "valueReference" in extension
    ]
