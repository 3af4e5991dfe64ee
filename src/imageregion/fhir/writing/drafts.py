"""The draft that every writer starts from: sound, marked with its origins, carried parts restored.

`sound_resource` knows R5, so what R5 has not is taken aside while it works.
"""

from __future__ import annotations

import re
from typing import Any

from fhir.resources.codeableconcept import CodeableConcept
from fhir.resources.codeablereference import CodeableReference

from imageregion.errors import Issue
from imageregion.fhir.normalized import Normalized, Place
from imageregion.fhir.reading.form import STATUSES
from imageregion.fhir.sound import sound_resource
from imageregion.fhir.text.plain import brief, plain
from imageregion.fhir.writing.carried import absent
from imageregion.fhir.writing.ledger import Ledger
from imageregion.fhir.writing.restoring import restore
from imageregion.fhir.writing.selectors import TYPED

__all__ = ["draft_of", "place_of"]

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_LARGEST = 2**31 - 1  # positiveInt


def draft_of(normalized: Normalized, form: str = "this form") -> tuple[dict[str, Any], Ledger]:
    """Return a copy of a normalized resource to be rewritten, and the ledger for it.

    Everything in it is of the right type; what was not is in the ledger.
    """
    ledger = Ledger(normalized.places, form)
    draft: dict[str, Any] = plain(normalized.resource)
    aside = _take_aside(draft, ledger)
    draft = _sound(draft, aside.pop("imageRegion3D", None), ledger)
    _put_back(draft, aside)
    ledger.mark(draft)
    restore(draft)
    return draft, ledger


def _take_aside(draft: dict[str, Any], ledger: Ledger) -> dict[str, Any]:
    """Take out what only later versions have, as far as it is of the right type."""
    aside: dict[str, Any] = {}
    regions = draft.pop("imageRegion3D", None)
    if regions:
        aside["imageRegion3D"] = regions
    if draft.get("status") == "inactive":
        aside["status"] = draft["status"]
        draft["status"] = STATUSES[-1]
    elif draft.get("status") is None:
        draft["status"] = STATUSES[-1]
        ledger.respelled(ledger.path(()), "status", "has no status: written as unknown")
    if draft.get("code") is None:
        draft["code"] = {"extension": [absent("unknown")]}
        ledger.respelled(ledger.path(()), "code", "has no code: written as data-absent-reason")
    modality = draft.pop("modality", None)
    if modality is not None and _is_valid(CodeableConcept, modality, ("modality",), ledger):
        aside["modality"] = modality
    sites = draft.get("bodySite")
    if isinstance(sites, list):
        del draft["bodySite"]
        places: list[tuple[Any, Place]] = [(s, ("bodySite", i)) for i, s in enumerate(sites)]
        aside["bodySite"] = [s for s, p in places if _is_valid(CodeableReference, s, p, ledger)]
    instances = draft.get("instance")
    for i, instance in enumerate(instances if isinstance(instances, list) else []):
        if isinstance(instance, dict):
            aside[f"instance {i}"] = _take_selectors(instance, i, ledger)
    return {key: value for key, value in aside.items() if value}


def _take_selectors(instance: dict[str, Any], index: int, ledger: Ledger) -> dict[str, Any]:
    taken: dict[str, Any] = {}
    for name in TYPED:
        numbers, notes = instance.pop(name, None), instance.pop(f"_{name}", None)
        if numbers is None:
            continue
        place = ("instance", index, name)
        is_list = isinstance(numbers, list) and bool(numbers)
        if is_list and all(n is None for n in numbers) and notes:
            taken |= {name: [None], f"_{name}": [{"extension": [absent("unknown")]}]}
            continue
        if notes is not None:
            ledger.lost(ledger.path(place), "removed", "removed: extensions of single numbers")
        if is_list and all(type(n) is int and 0 < n <= _LARGEST for n in numbers):
            taken[name] = numbers
        else:
            message = f"removed: expected numbers from 1, got {brief(numbers)}"
            ledger.lost(ledger.path(place), "removed", message)
    return taken


def _sound(draft: dict[str, Any], regions: Any, ledger: Ledger) -> dict[str, Any]:
    """Make a draft sound; regions of the resource go through as those of one more instance."""
    instances = draft.get("instance")
    count = len(instances) if isinstance(instances, list) else 0
    if regions:
        draft["instance"] = [*(instances or []), {"uid": "0", "imageRegion3D": regions}]
    sound, issues = sound_resource(draft)
    for issue in issues:
        place = place_of(issue.path)
        if regions and place[:2] == ("instance", count):
            place = place[2:]
        path = ledger.path(place)
        ledger.losses.append(Issue(issue.severity, issue.code, path, issue.message))
    if regions:
        extra = sound["instance"].pop(count)
        if extra.get("imageRegion3D"):
            sound["imageRegion3D"] = extra["imageRegion3D"]
        if not sound["instance"]:
            del sound["instance"]
    return sound


def _put_back(draft: dict[str, Any], aside: dict[str, Any]) -> None:
    for key, value in aside.items():
        if key.startswith("instance "):
            draft["instance"][int(key[9:])] |= value
        else:
            draft[key] = value


def place_of(path: str) -> Place:
    """Read the FHIRPath of an element of an ImagingSelection."""
    steps = (match.groups() for match in _STEP.finditer(path))
    return tuple(name if index is None else int(index) for name, index in steps)


def _is_valid(
    model: type[CodeableConcept | CodeableReference], value: Any, place: Place, ledger: Ledger
) -> bool:
    try:
        model.model_validate(value)
    except Exception as error:  # pydantic's, or a fault inside fhir.resources
        first = (str(error).splitlines() or [""])[0]
        ledger.lost(ledger.path(place), "removed", f"removed: not valid: {first:.120}")
        return False
    return True
