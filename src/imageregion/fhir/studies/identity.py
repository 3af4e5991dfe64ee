"""Which study an ImagingStudy is, and whether its images are to be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imageregion.errors import Severity
from imageregion.fhir.studies.elements import Notes, items, read_code, read_text, read_uid
from imageregion.fhir.studies.values import NOT_LOADED, Release
from imageregion.fhir.text.plain import brief

__all__ = ["DICOM_UID", "STUDY_INSTANCE_UID", "read_status", "study_uid"]

DICOM_UID = "urn:dicom:uid"
"""System of identifiers that are DICOM UIDs."""

STUDY_INSTANCE_UID = "110180"
"""DICOM code that tells a Study Instance UID from other identifiers."""

_OID = "urn:ietf:rfc:3986"
_STATUSES = ("registered", "available", "cancelled", "entered-in-error", "unknown", "inactive")


def study_uid(study: Mapping[str, Any], release: Release, notes: Notes) -> str:
    """Return the Study Instance UID: of STU3 ``uid``, from R4 an identifier ``urn:dicom:uid``.

    Empty, with an error, where there is none or where several could be it.

    Examples
    --------
    >>> study_uid({"uid": "urn:oid:1.2.3"}, "stu3", Notes())
    '1.2.3'
    """
    found: dict[str, bool] = {}
    if study.get("uid") is not None:
        uid = read_uid(study["uid"], "ImagingStudy.uid", notes, prefix=release == "stu3")
        found.update({uid: True} if uid else {})
    found.update(_identifiers(study, notes))
    stated = [uid for uid, is_study in found.items() if is_study]
    candidates = stated or list(found)
    path = "ImagingStudy.identifier"
    if len(candidates) == 1:
        if len(found) > 1:
            message = f"{len(found)} DICOM UIDs; {candidates[0]} is stated to be that of the study"
            notes.add("warning", "study-uid", path, message)
        return candidates[0]
    if candidates:
        message = f"expected one Study Instance UID, got {', '.join(candidates[:5])}"
        notes.add("error", "study-uid", path, message)
    else:
        severity: Severity = "error" if study.get("series") else "warning"
        message = "no Study Instance UID: no identifier of system urn:dicom:uid"
        notes.add(severity, "study-uid", path, message)
    return ""


def _identifiers(study: Mapping[str, Any], notes: Notes) -> dict[str, bool]:
    """Return UIDs among the identifiers, and whether each is stated to be of the study."""
    found: dict[str, bool] = {}
    for path, one in items(study, "identifier", "ImagingStudy", notes):
        system = read_text(one, "system", path, notes).lower()
        value = read_text(one, "value", path, notes)
        is_study = _is_study(one, path, notes)
        is_oid = value.lower().startswith("urn:oid:")
        if system == DICOM_UID or (is_study and not system) or (is_study and system == _OID):
            uid = read_uid(value, f"{path}.value", notes, prefix=True)
        elif is_oid and system in ("", _OID):
            message = f"{brief(value)} taken for a DICOM UID, without system {DICOM_UID}"
            notes.add("warning", "identifier-system", f"{path}.system", message)
            uid = read_uid(value, f"{path}.value", notes)
        else:
            continue
        if uid:
            found[uid] = found.get(uid, False) or is_study
    return found


def _is_study(identifier: Mapping[str, Any], path: str, notes: Notes) -> bool:
    kind = identifier.get("type")
    if not isinstance(kind, Mapping):
        return False
    codes = items(kind, "coding", f"{path}.type", notes)
    return any(coding.get("code") == STUDY_INSTANCE_UID for _, coding in codes)


def read_status(study: Mapping[str, Any], release: Release, notes: Notes) -> str:
    """Return the status, "unknown" where there is none, empty where it is no status.

    Examples
    --------
    >>> read_status({"status": "Cancelled"}, "r4", Notes())
    'cancelled'
    """
    path = "ImagingStudy.status"
    given = study.get("status")
    if given is None:
        if release == "stu3":
            return _available(study, notes)
        notes.add("warning", "status", path, "required, but missing; read as unknown")
        return "unknown"
    status = read_code(study, "status", "ImagingStudy", notes)
    if status not in _STATUSES:
        message = f"expected one of {', '.join(_STATUSES)}, got {brief(given)}"
        notes.add("error", "status", path, message)
        return ""
    if status in NOT_LOADED:
        message = f"the study is {status}: {NOT_LOADED[status]}"
        notes.add("warning", "not-loadable", path, message)
    return status


def _available(study: Mapping[str, Any], notes: Notes) -> str:
    """Return the status that STU3's ``availability`` stands for."""
    availability = read_text(study, "availability", "ImagingStudy", notes).upper()
    if availability in ("ONLINE", "NEARLINE"):
        return "available"
    if availability == "UNAVAILABLE":
        message = f"the study is unavailable: {NOT_LOADED['unavailable']}"
        notes.add("warning", "not-loadable", "ImagingStudy.availability", message)
        return "unavailable"
    return "unknown"
