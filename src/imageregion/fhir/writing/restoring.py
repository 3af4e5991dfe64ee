"""The way back: elements that extensions carried, and regions as they were drawn."""

from __future__ import annotations

from typing import Any

from imageregion.fhir.writing.carried import (
    ADDED,
    OWNER,
    carried_status,
    extensions,
    inner,
    url_of,
    value_of,
    without_extensions,
)
from imageregion.fhir.writing.ledger import REGION_LISTS
from imageregion.fhir.writing.regions import undraw, undraw_points
from imageregion.fhir.writing.selectors import SELECTORS

__all__ = ["restore"]

_SINGLE = ("modality", "seriesNumber", "subject")
_LISTS = ("basedOn", "derivedFrom", "category", "focus", "bodySite")


def restore(draft: dict[str, Any]) -> None:
    """Put carried elements back where the form has a place for them.

    What stands there already is newer than what was carried, and stays.
    """
    _restore_status(draft)
    for name in _SINGLE:
        found = extensions(draft, url_of(name))
        if found and name not in draft and value_of(found[0], name) is not None:
            draft[name] = value_of(found[0], name)
            without_extensions(draft, [url_of(name)])
    for name in _LISTS:
        _restore_items(draft, name)
    for performer in draft.get("performer") or []:
        if extensions(performer.get("actor"), ADDED):
            del performer["actor"]
    for instance in draft.get("instance") or []:
        _restore_instance(instance)
    for region in draft.get("imageRegion3D") or []:
        undraw(region)
    _lift(draft)
    _lower(draft)


def _restore_status(draft: dict[str, Any]) -> None:
    status = carried_status(draft)
    if status is None or draft.get("status", "unknown") not in ("unknown", status):
        return
    draft["status"] = status
    without_extensions(draft, [url_of("status")])
    modifiers = {"extension": draft.pop("modifierExtension", [])}
    without_extensions(modifiers, [url_of("status")])
    if modifiers.get("extension"):
        draft["modifierExtension"] = modifiers["extension"]


def _restore_items(draft: dict[str, Any], name: str) -> None:
    """Insert the items of a list where they stood."""
    found = [
        (inner(extension, "index"), inner(extension, "value", name))
        for extension in extensions(draft, url_of(name))
    ]
    if not found or not all(type(i) is int and v is not None for i, v in found):
        return
    given = draft.get(name)
    items = list(given) if isinstance(given, list) else [] if given is None else [given]
    for index, value in sorted(found, key=lambda pair: int(pair[0])):
        if name == "bodySite" and index == 0 and items and items[0] == _one_coding(value):
            items[0] = value
        else:
            items.insert(index, value)
    draft[name] = items[0] if name == "bodySite" and len(items) == 1 else items
    without_extensions(draft, [url_of(name)])


def _one_coding(site: Any) -> dict[str, Any]:
    """Return what is left of a body site that is written as one Coding."""
    concept = site.get("concept") if isinstance(site, dict) else None
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return {"concept": {"coding": codings[:1] if isinstance(codings, list) else []}}


def _restore_instance(instance: dict[str, Any]) -> None:
    carried = extensions(instance, url_of("sopClass"))
    if carried:
        _restore_class(instance, value_of(carried[0], "sopClass"))
    if "number" not in instance and extensions(instance, url_of("number")):
        instance["number"] = value_of(extensions(instance, url_of("number"))[0], "number")
        without_extensions(instance, [url_of("number")])
    _restore_selectors(instance)
    for name in REGION_LISTS:
        for region in instance.get(name) or []:
            undraw(region)
    if instance.get("imageRegion2D"):
        instance["imageRegion2D"] = undraw_points(instance["imageRegion2D"])


def _restore_selectors(instance: dict[str, Any]) -> None:
    """Put carried selectors back, in the place of those that only say that there is one."""
    carried = {
        name: [value_of(extension, name) for extension in extensions(instance, url_of(name))]
        for name in SELECTORS
    }
    carried = {name: values for name, values in carried.items() if values and None not in values}
    if not carried:
        return
    for name in SELECTORS:
        if instance.get(name) == [None]:
            del instance[name]
            instance.pop(f"_{name}", None)
    for name, values in carried.items():
        if name not in instance:
            instance[name] = values
            without_extensions(instance, [url_of(name)])


def _restore_class(instance: dict[str, Any], coding: Any) -> None:
    """Put the Coding of a SOP Class back, while it still is the same class."""
    given = instance.get("sopClass")
    if not isinstance(coding, dict):
        return
    if given is None or _uid(given) == _uid(coding):
        instance["sopClass"] = coding
        without_extensions(instance, [url_of("sopClass")])


def _uid(coding: dict[str, Any]) -> str:
    return str(coding.get("code") or "").strip().lower().removeprefix("urn:oid:")


def _lift(draft: dict[str, Any]) -> None:
    """Move regions of an instance that was added for them to the resource."""
    instances = draft.get("instance") or []
    added = ["uid" not in i and bool(extensions(i.get("_uid"), ADDED)) for i in instances]
    if not any(added):
        return
    kept = [i for i, is_added in zip(instances, added, strict=True) if not is_added]
    lifted = [
        region
        for instance, is_added in zip(instances, added, strict=True)
        for region in (instance.get("imageRegion3D") or [] if is_added else [])
    ]
    draft["imageRegion3D"] = [*(draft.get("imageRegion3D") or []), *lifted]
    if kept:
        draft["instance"] = kept
    else:
        del draft["instance"]


def _lower(draft: dict[str, Any]) -> None:
    """Move regions of the resource back to the instances that they were drawn on."""
    regions = draft.get("imageRegion3D") or []
    owned = [_owners(region, draft.get("instance") or []) for region in regions]
    left = [region for region, owners in zip(regions, owned, strict=True) if not owners]
    for region, owners in zip(regions, owned, strict=True):
        without = dict(region)
        without_extensions(without, [OWNER])
        for instance in owners:
            instance.setdefault("imageRegion3D", []).append(dict(without))
    if left:
        draft["imageRegion3D"] = left
    elif regions:
        del draft["imageRegion3D"]


def _owners(region: dict[str, Any], instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
    owners = []
    for extension in extensions(region, OWNER):
        index, uid = inner(extension, "index"), inner(extension, "uid")
        if type(index) is not int or not 0 <= index < len(instances):
            return []
        if instances[index].get("uid") != uid:
            return []
        owners.append(instances[index])
    return owners
