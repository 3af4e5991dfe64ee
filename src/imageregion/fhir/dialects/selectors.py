"""Selectors: what an instance is limited to, from the strings of the early versions to numbers."""

from __future__ import annotations

from typing import Any

from imageregion.fhir.dialects.draft import Draft
from imageregion.fhir.normalized import Place
from imageregion.fhir.targets import clean_uid

__all__ = ["put_selectors"]

_LISTS = {
    "frameList": "frameNumber",
    "segmentList": "segmentNumber",
    "roiList": "regionOfInterest",
    "observationUid": "subset",
}
"""Selectors of the early versions, and those of later ones that mean the same."""


def put_selectors(draft: Draft) -> None:
    """Give selectors of the early versions the names and types of R5 and R6.

    What is no number stays text, and is found where the selection is read. Two selectors for one
    element are refused with an error issue.
    """
    for i, instance in draft.instances():
        for old, new in _LISTS.items():
            if instance.get(old) is not None:
                _put(draft, instance, ("instance", i), old, new)


def _put(draft: Draft, instance: dict[str, Any], place: Place, old: str, new: str) -> None:
    if instance.get(new) is not None:
        draft.refuse(place, f"expected {old} or {new}, got both")
        return
    value = instance.pop(old)
    if new == "subset":
        items = value if isinstance(value, list) else [value]
        instance[new] = [clean_uid(item) if isinstance(item, str) else item for item in items]
    else:
        instance[new] = _numbers(value)
    draft.move((*place, new), (*place, old))


def _numbers(value: Any) -> Any:
    """Split ``"1,2,3"``, alone or the item of a list."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str):
        return value if isinstance(value, list) else [value]
    parts = [part.strip() for part in value.split(",")]
    return [
        int(part) if part.isascii() and part.isdigit() and len(part) < 10 else part
        for part in parts
    ]
