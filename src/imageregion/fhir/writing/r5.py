"""FHIR R5 5.0.0: one body site, subsets of text, regions of both kinds in the instances."""

from __future__ import annotations

from typing import Any

from imageregion.fhir.reading.form import STATUSES
from imageregion.fhir.writing.carried import ADDED, absent
from imageregion.fhir.writing.elements import carry_elements, carry_status, keep_first
from imageregion.fhir.writing.ledger import REGION_LISTS, Ledger, origins
from imageregion.fhir.writing.regions import redraw
from imageregion.fhir.writing.selectors import as_subset

__all__ = ["to_r5"]


def to_r5(draft: dict[str, Any], ledger: Ledger) -> list[dict[str, Any]]:
    """Turn a draft into one resource of R5."""
    carry_status(draft, STATUSES, ledger)
    carry_elements(draft, ("modality",), ledger)
    keep_first(draft, "bodySite", ledger)
    _place_regions(draft, ledger)
    for i, instance in enumerate(draft.get("instance") or []):
        path = (origins(instance) or [ledger.path(("instance", i))])[0]
        as_subset(instance, draft.get("code"), path, ledger)
        for dimension, name in enumerate(REGION_LISTS, start=2):
            if instance.get(name):
                instance[name] = [
                    drawn
                    for j, region in enumerate(instance[name])
                    for drawn in redraw(
                        region, 2 if dimension == 2 else 3, "r5", f"{i}.{j}", ledger
                    )
                ]
    return [draft]


def _place_regions(draft: dict[str, Any], ledger: Ledger) -> None:
    """Move 3-D regions of the resource into its instances; without any, into one of no name."""
    regions = draft.pop("imageRegion3D", None)
    if not regions:
        return
    instances = draft.get("instance") or []
    if not instances:
        added = {"url": ADDED, "valueBoolean": True}
        instances = [{"_uid": {"extension": [absent("unknown"), added]}}]
        draft["instance"] = instances
    for region in regions:
        where = "the instance" if len(instances) == 1 else f"each of {len(instances)} instances"
        where = where if draft["instance"][0].get("uid") else "an instance without uid"
        ledger.respelled(
            origins(region)[0], "region-of-resource", f"stands in {where} in {ledger.form}"
        )
    for instance in instances:
        own = instance.get("imageRegion3D", [])
        instance["imageRegion3D"] = [*own, *(dict(region) for region in regions)]
