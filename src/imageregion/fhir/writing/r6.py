"""FHIR R6 from 6.0.0-ballot4: typed selectors, SOP classes as oid, 3-D regions on the resource."""

from __future__ import annotations

from typing import Any

from imageregion.fhir.writing.elements import (
    keep_first,
    name_actors,
    refer_only_to,
    write_class,
)
from imageregion.fhir.writing.ledger import Ledger, origins
from imageregion.fhir.writing.parts import split_spaces
from imageregion.fhir.writing.regions import redraw
from imageregion.fhir.writing.selectors import as_typed

__all__ = ["to_r6"]

_NO_SUBJECT = frozenset({"Location", "Organization"})
_NO_ORDER = frozenset({"AppointmentResponse"})


def to_r6(draft: dict[str, Any], ledger: Ledger) -> list[dict[str, Any]]:
    """Turn a draft into one resource of R6, or two where it has regions of both kinds."""
    refer_only_to(draft, "subject", _NO_SUBJECT, ledger)
    refer_only_to(draft, "basedOn", _NO_ORDER, ledger)
    keep_first(draft, "derivedFrom", ledger)
    name_actors(draft, ledger)
    if isinstance(draft.get("bodySite"), dict):
        draft["bodySite"] = [draft["bodySite"]]
    for instance in draft.get("instance") or []:
        path = origins(instance)[0]
        as_typed(instance, draft.get("code"), path, ledger)
        write_class(instance, path, ledger)
        if instance.get("imageRegion2D"):
            instance["imageRegion2D"] = _redrawn(instance["imageRegion2D"], 2, ledger)
        if instance.get("imageRegion3D"):
            instance["imageRegion3D"] = _redrawn(instance["imageRegion3D"], 3, ledger)
    if draft.get("imageRegion3D"):
        draft["imageRegion3D"] = _redrawn(draft["imageRegion3D"], 3, ledger)
    return split_spaces(draft, ledger)


def _redrawn(regions: list[dict[str, Any]], dimension: int, ledger: Ledger) -> list[dict[str, Any]]:
    return [
        drawn
        for region in regions
        for drawn in redraw(region, 2 if dimension == 2 else 3, "r6", "", ledger)
    ]
