"""FHIR 5.0.0-snapshot1 of December 2021: one region in a resource, types in upper case."""

from __future__ import annotations

from typing import Any, Literal

from imageregion.fhir.reading.form import UIDS
from imageregion.fhir.writing.carried import carry, carry_item
from imageregion.fhir.writing.elements import carry_elements, carry_status
from imageregion.fhir.writing.ledger import REGION_LISTS, Ledger, origins
from imageregion.fhir.writing.parts import split_regions
from imageregion.fhir.writing.regions import redraw
from imageregion.fhir.writing.selectors import OID, as_lists

__all__ = ["to_snapshot1"]

_FORM = "r5-snapshot1"


def to_snapshot1(draft: dict[str, Any], ledger: Ledger) -> list[dict[str, Any]]:
    """Turn a draft into resources of snapshot 1, one for each region."""
    carry_status(draft, (), ledger)
    carry_elements(draft, ("category", "seriesNumber", "focus", "modality"), ledger)
    _write_site(draft, ledger)
    _prefix(draft, UIDS, "ImagingSelection", ledger)
    for instance in draft.get("instance") or []:
        _write_instance(instance, draft.get("code"), ledger)
    if draft.get("imageRegion3D"):
        draft["imageRegion3D"] = _redrawn(draft["imageRegion3D"], 3, ledger)
    parts = split_regions(draft, ledger)
    for part in parts:
        _place_region(part)
    return parts


def _write_instance(instance: dict[str, Any], code: Any, ledger: Ledger) -> None:
    path = origins(instance)[0]
    as_lists(instance, code, path, ledger)
    _prefix(instance, ("uid",), path, ledger)
    number = instance.pop("number", None)
    if number is not None:
        carry(instance, "number", number)
        message = f"{ledger.form} has no number of an instance: kept in an extension only"
        ledger.lost(f"{path}.number", "number", message)
    for dimension, name in enumerate(REGION_LISTS, start=2):
        if instance.get(name):
            instance[name] = _redrawn(instance[name], dimension, ledger)


def _redrawn(regions: list[dict[str, Any]], dimension: int, ledger: Ledger) -> list[dict[str, Any]]:
    space: Literal[2, 3] = 2 if dimension == 2 else 3
    return [drawn for region in regions for drawn in redraw(region, space, _FORM, "", ledger)]


def _write_site(draft: dict[str, Any], ledger: Ledger) -> None:
    """Write the body site as the one Coding that the form has."""
    given = draft.pop("bodySite", None)
    sites = given if isinstance(given, list) else [] if given is None else [given]
    codings = [(site.get("concept") or {}).get("coding") or [] for site in sites]
    if codings and codings[0]:
        draft["bodySite"] = codings[0][0]
    for index, site in enumerate(sites):
        if index or site != {"concept": {"coding": codings[0][:1]}}:
            carry_item(draft, "bodySite", index, site)
            message = f"{ledger.form} has one Coding: the rest is kept in an extension only"
            place = ("bodySite", index) if isinstance(given, list) else ("bodySite",)
            ledger.lost(ledger.path(place), "bodySite", message)


def _prefix(element: dict[str, Any], names: tuple[str, ...], path: str, ledger: Ledger) -> None:
    """Write UIDs as this form has them, as ``oid``."""
    for name in names:
        uid = element.get(name)
        if isinstance(uid, str) and OID.fullmatch(uid):
            element[name] = f"urn:oid:{uid}"
        elif isinstance(uid, str):
            ledger.lost(
                f"{path}.{name}", "uid", f"{uid:.70} is no UID, which {ledger.form} asks for"
            )


def _place_region(part: dict[str, Any]) -> None:
    """Move the one region of a part to its resource."""
    regions = [(region, "3d") for region in part.pop("imageRegion3D", [])]
    for instance in part.get("instance") or []:
        regions += [(region, "2d") for region in instance.pop("imageRegion2D", [])]
        regions += [(region, "3d") for region in instance.pop("imageRegion3D", [])]
    if not regions:
        return
    region, space = regions[0]
    written = {key: value for key, value in region.items() if key not in _RENAMED}
    for name, new in _RENAMED.items():
        if name in region:
            written[new] = region[name]
    if isinstance(region.get("regionType"), str):
        written["regionType"] = region["regionType"].upper()
    part["imageRegion"] = {**written, "coordinateType": space}


_RENAMED = {"coordinate": "coordinates", "_coordinate": "_coordinates"}
