"""Renaming: elements of the resource that have another name, type or spelling in some versions."""

from __future__ import annotations

import re
from typing import Any

from imageregion.fhir.dialects.draft import Draft
from imageregion.fhir.normalized import Place
from imageregion.fhir.targets import clean_uid

__all__ = ["rename", "tidy"]

_UIDS = ("studyUid", "seriesUid", "frameOfReferenceUid")
_STATUSES = ("available", "entered-in-error", "inactive", "unknown")
_WITHOUT_STATUS = ("imaging-reference", "r5-draft", "r5-snapshot1", "r5-ballot")
_WITHOUT_CODE = ("imaging-reference", "r5-draft")
_UID = re.compile(r"[0-9.]{1,64}")
_URI = "urn:ietf:rfc:3986"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def rename(draft: Draft) -> None:
    """Give elements the names they have in R5; `instances` may be changed afterwards.

    Raises
    ------
    FhirError
        When an element is given under its old and its new name, and they differ.
    """
    draft.resource["resourceType"] = "ImagingSelection"
    _rename(draft, "instances", "instance")
    _rename(draft, "frameOfReference", "frameOfReferenceUid")
    if draft.dialect == "imaging-reference":
        _rename(draft, "imagingStudy", "derivedFrom")
        _describe(draft)
    instances = draft.resource.get("instance")
    if isinstance(instances, list):
        draft.resource["instance"] = [dict(i) if isinstance(i, dict) else i for i in instances]


def _rename(draft: Draft, old: str, new: str) -> None:
    resource = draft.resource
    for mark in ("", "_"):
        if mark + old not in resource:
            continue
        value = resource.pop(mark + old)
        if value is None:
            continue
        if resource.get(mark + new) is not None and _uid(resource[mark + new]) != _uid(value):
            message = f"expected {old} or {new}, got both, and they differ"
            raise draft.contradiction((old,), message)
        resource[mark + new] = value
        draft.move((mark + new,), (mark + old,))


def _uid(value: Any) -> Any:
    return clean_uid(value) if isinstance(value, str) else value


def _describe(draft: Draft) -> None:
    """Turn the description of the proposal into a code, and its one performer into a list."""
    resource = draft.resource
    description = resource.get("description")
    if description is not None and resource.get("code") is None:
        del resource["description"]
        is_text = isinstance(description, str)
        resource["code"] = {"text": description} if is_text else description
        draft.move(("code", "text") if is_text else ("code",), ("description",))
    performer = resource.get("performer")
    if isinstance(performer, dict) and "actor" not in performer:
        resource["performer"] = [{"actor": performer}]
        draft.move(("performer", 0, "actor"), ("performer",))


def tidy(draft: Draft) -> None:
    """Bring types and spellings of the elements beside the regions into one form."""
    resource = draft.resource
    for name in ("derivedFrom", "performer"):
        if isinstance(resource.get(name), dict):
            resource[name] = [resource[name]]
            draft.move((name, 0), (name,))
    _body_site(draft)
    _status(draft)
    if resource.get("code") is None and draft.dialect in _WITHOUT_CODE:
        resource["code"] = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
        draft.note("information", "no-code", (), "no code, which this version does not ask for")
    for name in _UIDS:
        _clean(draft, resource, (name,))
    for i, instance in draft.instances():
        _clean(draft, instance, ("instance", i, "uid"))
        _sop_class(draft, instance, ("instance", i, "sopClass"))


def _body_site(draft: Draft) -> None:
    site = draft.resource.get("bodySite")
    if isinstance(site, list) and len(site) == 1:
        site = draft.resource["bodySite"] = site[0]
        draft.move(("bodySite",), ("bodySite", 0))
    if not isinstance(site, dict) or "concept" in site or "reference" in site:
        return
    if "coding" in site or "text" in site:
        draft.resource["bodySite"] = {"concept": site}
        draft.move(("bodySite", "concept"), ("bodySite",))
    elif "code" in site or "system" in site or "display" in site:
        draft.resource["bodySite"] = {"concept": {"coding": [site]}}
        draft.move(("bodySite", "concept", "coding", 0), ("bodySite",))


def _status(draft: Draft) -> None:
    given = draft.resource.get("status")
    if given is None and "status" not in draft.resource and draft.dialect in _WITHOUT_STATUS:
        if "_status" not in draft.resource:
            draft.resource["status"] = "unknown"
            message = "no status, which this version has not: read as unknown"
            draft.note("information", "no-status", (), message)
        return
    status = given.strip().lower() if isinstance(given, str) else ""
    if status in _STATUSES and status != given:
        draft.resource["status"] = status
        draft.note("information", "code-case", ("status",), f"{given!r} read as {status!r}")


def _clean(draft: Draft, element: dict[str, Any], place: Place) -> None:
    """Take a prefix and blanks from a UID."""
    name = str(place[-1])
    value = element.get(name)
    if not isinstance(value, str):
        return
    uid = clean_uid(value)
    if uid == value:
        return
    element[name] = uid
    if not (draft.has_oids and value == f"urn:oid:{uid}"):
        draft.note("information", "uid-prefix", place, f"{value!r:.90} read as {uid:.80}")


def _sop_class(draft: Draft, instance: dict[str, Any], place: Place) -> None:
    """Turn the uri of later versions into a Coding."""
    given = instance.get("sopClass")
    if not isinstance(given, str):
        return
    uid = clean_uid(given)
    if not _UID.fullmatch(uid):
        return  # an invalid Coding, which is found later
    instance["sopClass"] = {"system": _URI, "code": f"urn:oid:{uid}"}
    extras = instance.pop("_sopClass", None)
    if isinstance(extras, dict):
        instance["sopClass"] |= {k: v for k, v in extras.items() if k in ("id", "extension")}
    for part in ("code", "system"):
        draft.move((*place, part), place)
