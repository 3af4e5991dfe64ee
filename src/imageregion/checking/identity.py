"""Identity: UIDs, identifiers, SOP classes and selectors that name something impossible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from imageregion.checking.elements import Resource
from imageregion.checking.sop_classes import (
    SINGLE_FRAME,
    class_issue,
    class_name,
    has_pixels,
)
from imageregion.errors import Issue
from imageregion.fhir.normalized import Place
from imageregion.fhir.targets import clean_uid, sop_class

__all__ = ["identity_issues"]

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_URN = re.compile(r"urn:oid:[0-2](\.(0|[1-9][0-9]*))+")
_UIDS = ("studyUid", "seriesUid", "frameOfReferenceUid")


def identity_issues(resource: Resource) -> list[Issue]:
    """Find names that cannot be right, without looking at images.

    Parameters
    ----------
    resource : Resource

    Examples
    --------
    >>> from imageregion.fhir.normalized import Normalized
    >>> for issue in identity_issues(Resource(Normalized({"studyUid": "1.02"}))):
    ...     print(issue)
    warning ImagingSelection.studyUid: '1.02' is no DICOM UID: a part with a leading zero
    """
    found = [*_uids(resource), *_identifiers(resource), *_study(resource), *_solid(resource)]
    for place, instance in resource.instances():
        found += _instance(resource, place, instance)
    return found


def _uids(resource: Resource) -> Iterator[Issue]:
    values: list[tuple[Place, Any]] = [((name,), resource.content.get(name)) for name in _UIDS]
    values += [((*place, "uid"), one.get("uid")) for place, one in resource.instances()]
    for place, value in values:
        fault = _uid_fault(clean_uid(value)) if isinstance(value, str) else ""
        if fault:
            message = f"{clean_uid(str(value))!r:.80} is no DICOM UID: {fault}"
            yield resource.issue("warning", "uid-form", place, message)


def _uid_fault(uid: str) -> str:
    if len(uid) > 64:
        return f"{len(uid)} characters, at most 64 are allowed"
    if _UID.fullmatch(uid):
        return ""
    if re.search(r"[^0-9.]", uid):
        return "other characters than digits and dots"
    if re.search(r"(^|\.)0[0-9]", uid):
        return "a part with a leading zero"
    return "expected numbers with dots between"


def _identifiers(resource: Resource) -> Iterator[Issue]:
    for place, identifier in _all_identifiers(resource.content):
        value = identifier.get("value")
        if identifier.get("system") != "urn:dicom:uid" or not isinstance(value, str):
            continue
        if not _URN.fullmatch(value):
            message = f"expected urn:oid: and a DICOM UID, got {value!r:.90}"
            yield resource.issue("warning", "identifier-form", (*place, "value"), message)


def _all_identifiers(content: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield the identifiers of the resource, and those of its references."""
    for place, identifier in _listed(content.get("identifier"), ("identifier",)):
        yield place, identifier
    for name in ("derivedFrom", "basedOn", "focus", "endpoint"):
        for place, reference in _listed(content.get(name), (name,)):
            inner = reference.get("identifier")
            if isinstance(inner, dict):
                yield (*place, "identifier"), inner


def _listed(value: object, place: Place) -> list[tuple[Place, dict[str, Any]]]:
    if isinstance(value, dict):
        return [(place, value)]
    items = enumerate(value if isinstance(value, list) else [])
    return [((*place, i), item) for i, item in items if isinstance(item, dict)]


def _study(resource: Resource) -> Iterator[Issue]:
    stated = resource.content.get("studyUid")
    for place, reference in _listed(resource.content.get("derivedFrom"), ("derivedFrom",)):
        identifier = reference.get("identifier")
        if not isinstance(identifier, dict) or not isinstance(stated, str):
            continue
        target = str(reference.get("type") or reference.get("reference") or "ImagingStudy")
        value = identifier.get("value")
        if identifier.get("system") != "urn:dicom:uid" or not isinstance(value, str):
            continue
        if "ImagingStudy" in target and clean_uid(value) != clean_uid(stated):
            uid = clean_uid(stated)
            message = f"identifies study {clean_uid(value):.70}, studyUid is {uid:.70}"
            yield resource.issue("warning", "study-identifier", place, message)


def _solid(resource: Resource) -> Iterator[Issue]:
    places = [place for place, _ in resource.regions(3) if place[0] == "instance"]
    if places and resource.normalized.dialect == "r5":
        message = (
            f"{len(places)} region{'s' * (len(places) != 1)} in 3-D in instances, as FHIR R5 has "
            "it; found by frame of reference, whatever the instance (R6 moves them up)"
        )
        yield resource.issue("information", "region-3d-in-instance", places[0], message)


def _instance(resource: Resource, place: Place, instance: dict[str, Any]) -> Iterator[Issue]:
    uid = sop_class(instance)
    if not uid:
        return
    known = class_issue(uid)
    if known:
        yield resource.issue(known[0], known[1], (*place, "sopClass"), known[2])
        return
    if not has_pixels(uid):
        for j, _ in enumerate(instance.get("imageRegion2D") or []):
            message = f"expected an image, got an instance of {class_name(uid)}"
            yield resource.issue("error", "not-an-image", (*place, "imageRegion2D", j), message)
    yield from _frames(resource, place, instance, uid)


def _frames(
    resource: Resource, place: Place, instance: dict[str, Any], uid: str
) -> Iterator[Issue]:
    name = "frameNumber" if instance.get("frameNumber") else "subset"
    frames = instance.get(name)
    if uid not in SINGLE_FRAME or not isinstance(frames, list):
        return
    others = [str(item) for item in frames if str(item).strip() != "1"]
    if others:
        message = f"expected frame 1 alone of {class_name(uid)}, got {', '.join(others[:5])}"
        yield resource.issue("warning", "single-frame", (*place, name), message)
