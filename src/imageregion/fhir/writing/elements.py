"""Elements of the resource itself that a form does not have, or has fewer of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from imageregion.fhir.targets import reference_type
from imageregion.fhir.writing.carried import (
    ADDED,
    absent,
    carry,
    carry_item,
    url_of,
)
from imageregion.fhir.writing.ledger import Ledger
from imageregion.fhir.writing.selectors import OID

__all__ = [
    "carry_elements",
    "carry_status",
    "keep_first",
    "name_actors",
    "refer_only_to",
    "write_class",
]

_ONLY = "kept in an extension only"


def carry_elements(draft: dict[str, Any], names: Iterable[str], ledger: Ledger) -> None:
    """Carry whole elements that a form does not have."""
    for name in names:
        value = draft.pop(name, None)
        if draft.pop(f"_{name}", None) is not None:
            ledger.lost(ledger.path((name,)), name, f"removed: extensions of {name}")
        if value is None:
            continue
        if isinstance(value, list):
            for index, item in enumerate(value):
                carry_item(draft, name, index, item)
        else:
            carry(draft, name, value)
        ledger.lost(ledger.path((name,)), name, f"{ledger.form} has no {name}: {_ONLY}")


def carry_status(draft: dict[str, Any], known: tuple[str, ...], ledger: Ledger) -> None:
    """Carry a status that a form does not know; with no known one it has no status at all.

    A withdrawn selection must not be taken for a good one: its status becomes a modifierExtension,
    which nobody may ignore.
    """
    status = draft.get("status")
    path = ledger.path(("status",))
    if status in known or status is None:
        return
    if known:
        carry(draft, "status", status)
        draft["status"] = "unknown"
        ledger.lost(path, "status", f"{status} becomes unknown: {_ONLY}")
        return
    del draft["status"]
    if draft.pop("_status", None) is not None:
        ledger.lost(path, "status", "removed: extensions of status")
    if status == "available":
        carry(draft, "status", status)
        ledger.respelled(path, "status", f"{ledger.form} has no status: {_ONLY}")
    elif status != "unknown":
        modifier = {"url": url_of("status"), "valueCode": status}
        draft["modifierExtension"] = [*draft.get("modifierExtension", []), modifier]
        ledger.lost(path, "status", f"{status}: {ledger.form} has no status, {_ONLY}")


def keep_first(draft: dict[str, Any], name: str, ledger: Ledger) -> None:
    """Keep the first of a list that a form allows one of; carry the others."""
    items = draft.get(name)
    if not isinstance(items, list):
        return
    for index, item in enumerate(items[1:], start=1):
        carry_item(draft, name, index, item)
        ledger.lost(ledger.path((name, index)), name, f"{ledger.form} has one {name}: {_ONLY}")
    if items:
        draft[name] = items[0]
    else:
        del draft[name]


def refer_only_to(
    draft: dict[str, Any], name: str, left_out: frozenset[str], ledger: Ledger
) -> None:
    """Carry references to types of resource that a form does not allow there."""
    value = draft.get(name)
    if isinstance(value, dict) and reference_type(value) in left_out:
        del draft[name]
        carry(draft, name, value)
        message = f"must not refer to {reference_type(value)} in {ledger.form}: {_ONLY}"
        ledger.lost(ledger.path((name,)), name, message)
    if not isinstance(value, list):
        return
    kept = []
    for index, item in enumerate(value):
        if reference_type(item) in left_out:
            carry_item(draft, name, index, item)
            message = f"must not refer to {reference_type(item)} in {ledger.form}: {_ONLY}"
            ledger.lost(ledger.path((name, index)), name, message)
        else:
            kept.append(item)
    if kept:
        draft[name] = kept
    else:
        del draft[name]


def name_actors(draft: dict[str, Any], ledger: Ledger) -> None:
    """Give every performer an actor, if only one that is unknown."""
    for index, performer in enumerate(draft.get("performer") or []):
        if performer.get("actor") is None:
            added = {"url": ADDED, "valueBoolean": True}
            performer["actor"] = {"extension": [absent("unknown"), added]}
            path = ledger.path(("performer", index))
            ledger.respelled(path, "performer", "has no actor: written as data-absent-reason")


def write_class(instance: dict[str, Any], path: str, ledger: Ledger) -> None:
    """Turn the Coding of a SOP Class into the ``oid`` that R6 has."""
    coding = instance.get("sopClass")
    if not isinstance(coding, dict):
        return
    code = coding.get("code")
    uid = code.strip().removeprefix("urn:oid:") if isinstance(code, str) else ""
    usual = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{uid}"}
    if not OID.fullmatch(uid):
        del instance["sopClass"]
        carry(instance, "sopClass", coding)
        ledger.lost(f"{path}.sopClass", "sop-class", f"its code is no UID: {_ONLY}")
        return
    instance["sopClass"] = usual["code"]
    if coding != usual:
        carry(instance, "sopClass", coding)
        ledger.respelled(f"{path}.sopClass", "sop-class", f"becomes {usual['code']}")
