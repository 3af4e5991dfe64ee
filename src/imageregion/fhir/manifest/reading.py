"""From an STU3 ImagingManifest to ImagingSelections of R5, one per study and series.

=========================================  ========================================================
ImagingManifest                            ImagingSelection
=========================================  ========================================================
study.uid, study.series.uid                studyUid, seriesUid
study.imagingStudy, study.uid              derivedFrom, with the UID as identifier
study.endpoint, study.series.endpoint      endpoint: those that hold for the series
study.series.instance.uid, .sopClass       instance.uid, .sopClass (Coding)
patient, identifier                        subject, identifier
authoringTime                              issued; a partial one as extension of `issued`
author                                     performer.actor with function author
description                                code.text
(none)                                     status available, code DCM 113030 Manifest
=========================================  ========================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imageregion.errors import FhirError, Issue, Severity
from imageregion.fhir.manifest.targets import Targets
from imageregion.fhir.normalized import Place
from imageregion.fhir.studies.elements import Notes, items, read_uid
from imageregion.fhir.studies.references import Shelf
from imageregion.fhir.text.plain import brief, plain

__all__ = ["AUTHOR", "AUTHORED", "MANIFEST", "Piece", "read_pieces", "to_selections"]

MANIFEST = {
    "system": "http://dicom.nema.org/resources/ontology/DCM",
    "code": "113030",
    "display": "Manifest",
}
"""What an ImagingSelection that stands for a manifest says it is."""

AUTHOR = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "code": "AUT",
    "display": "author (originator)",
}
"""Function of the performer that stands for the author of a manifest."""

AUTHORED = "http://hl7.org/fhir/3.0/StructureDefinition/extension-ImagingManifest.authoringTime"
"""Cross-version extension that holds a time that is no instant."""

_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_ROOT = {"resourceType", "identifier", "patient", "authoringTime", "author", "description", "study"}
_KEPT = {"extension", "modifierExtension", "contained"}
_FORMAL = {"id", "meta", "text", "language", "implicitRules"}
_OID = "urn:oid:"


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One series of a manifest, as an ImagingSelection.

    Parameters
    ----------
    resource : dict
        Of FHIR R5. Pieces of one manifest share parts; do not change them.
    issues : tuple of Issue
        With FHIRPaths of the manifest.
    places : mapping of Place to Place
        Where elements of `resource` stood in the manifest, as in `Normalized`.
    """

    resource: dict[str, Any]
    issues: tuple[Issue, ...]
    places: Mapping[Place, Place]


def to_selections(
    manifest: Mapping[str, Any], *, endpoints: Shelf = None
) -> list[tuple[dict[str, Any], tuple[Issue, ...]]]:
    """Turn an STU3 ImagingManifest into ImagingSelections of R5, one per study and series.

    Parameters
    ----------
    manifest : mapping
        The ImagingManifest as JSON.
    endpoints : Bundle, list of Endpoint, or mapping of reference to Endpoint, optional
        Where its Endpoints are, unless contained. An endpoint of a series overrides one of the
        study with the same connection type; of endpoints that are not at hand the type is not
        known, and all are kept, those of the series first.

    Returns
    -------
    list of (dict, tuple of Issue)
        The resources, and what could not be carried over. A series without one valid instance is
        left out, since an ImagingSelection without instances would mean the whole series.

    Raises
    ------
    FhirError
        When it is no ImagingManifest, or no series of it can be used.
    InputError
        When it holds something other than JSON values, or is nested too deep.

    Examples
    --------
    >>> [(selection, issues)] = to_selections({
    ...     "resourceType": "ImagingManifest", "patient": {"reference": "Patient/1"},
    ...     "study": [{"uid": "urn:oid:1.2", "series": [{"uid": "urn:oid:1.2.3", "instance": [
    ...         {"uid": "urn:oid:1.2.3.4", "sopClass": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}]}]}]})
    >>> selection["seriesUid"], selection["instance"][0]["uid"]
    ('1.2.3', '1.2.3.4')
    """
    return [(one.resource, one.issues) for one in read_pieces(manifest, endpoints=endpoints)]


def read_pieces(manifest: Mapping[str, Any], *, endpoints: Shelf = None) -> tuple[Piece, ...]:
    """Do as `to_selections`, and tell where each element stood."""
    kind = manifest.get("resourceType") if isinstance(manifest, Mapping) else manifest
    if kind != "ImagingManifest":
        raise FhirError("resourceType", f"expected ImagingManifest, got {brief(kind)}")
    whole: dict[str, Any] = plain(manifest)
    notes = Notes()
    common = _common(whole, notes)
    targets = Targets(whole, endpoints)
    pieces: list[Piece] = []
    for study, series, place in _series(whole, notes):
        own = Notes()
        piece = _piece(common, targets, study, series, place, own)
        if piece is None:
            notes.extend(own.issues())
        else:
            pieces.append(piece)
    shared = notes.issues()
    if not pieces:
        why = "; ".join(str(issue) for issue in shared if issue.severity == "error")
        raise FhirError(
            "ImagingManifest.study", f"no series can be used: {why or 'there are none'}"
        )
    first = pieces[0]  # what concerns all of them is said once
    return (Piece(first.resource, (*shared, *first.issues), first.places), *pieces[1:])


def _series(
    manifest: Mapping[str, Any], notes: Notes
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Place]]:
    """Yield (study, series, place of the series)."""
    for path, study in items(manifest, "study", "ImagingManifest", notes):
        _list_rest(study, {"uid", "imagingStudy", "endpoint", "series"}, path, notes)
        for place, series in items(study, "series", path, notes):
            _list_rest(series, {"uid", "endpoint", "instance"}, place, notes)
            numbers = [int(number) for number in re.findall(r"\[([0-9]+)\]", place)]
            yield study, series, ("study", numbers[0], "series", numbers[1])


def _common(manifest: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Return what all selections of a manifest say alike."""
    path = "ImagingManifest"
    given = manifest.get("identifier")
    identifiers = [one for one in (given if isinstance(given, list) else [given]) if one]
    identifiers = [one for one in identifiers if isinstance(one, Mapping)]
    common: dict[str, Any] = {"identifier": identifiers} if identifiers else {}
    common["status"] = "available"
    if isinstance(manifest.get("patient"), Mapping):
        common["subject"] = manifest["patient"]
    else:
        notes.add("warning", "patient", f"{path}.patient", "required, but missing")
    common |= _issued(manifest.get("authoringTime"), notes)
    if isinstance(manifest.get("author"), Mapping):
        function = {"coding": [dict(AUTHOR)]}
        common["performer"] = [{"function": function, "actor": manifest["author"]}]
    common["code"] = {"coding": [dict(MANIFEST)]}
    description = manifest.get("description")
    if isinstance(description, str) and description.strip():
        common["code"]["text"] = description
    for name in ("extension", "modifierExtension"):
        if isinstance(manifest.get(name), list):
            common[name] = manifest[name]
    _list_rest(manifest, _ROOT | _KEPT, path, notes)
    return common


def _issued(time: object, notes: Notes) -> dict[str, Any]:
    """Return a dateTime as instant, or kept in an extension when it is only part of one."""
    if time is None:
        return {}
    if isinstance(time, str) and _INSTANT.fullmatch(time):
        return {"issued": time}
    path = "ImagingManifest.authoringTime"
    if not isinstance(time, str) or not re.match(r"[0-9]{4}(-[0-9]{2}){0,2}(T|$)", time):
        notes.add("error", "invalid-element", path, f"expected a time, got {brief(time)}; left out")
        return {}
    message = f"{time:.40} has no time of day with a zone; kept as extension of issued"
    notes.add("warning", "partial-time", path, message)
    return {"_issued": {"extension": [{"url": AUTHORED, "valueDateTime": time}]}}


def _piece(
    common: dict[str, Any],
    targets: Targets,
    study: Mapping[str, Any],
    series: Mapping[str, Any],
    place: Place,
    notes: Notes,
) -> Piece | None:
    """Return one series as ImagingSelection; None, with errors, when it cannot be one."""
    path = f"ImagingManifest.study[{place[1]}]"
    below = f"{path}.series[{place[3]}]"
    study_uid = read_uid(study.get("uid"), f"{path}.uid", notes, prefix=True)
    series_uid = read_uid(series.get("uid"), f"{below}.uid", notes, prefix=True)
    instances = _instances(series, below, notes)
    if not study_uid or not series_uid:
        return None
    if not instances:
        message = "no instance can be used, and none at all would mean the whole series"
        notes.add("error", "no-instance", f"{below}.instance", message)
        return None
    references = targets.endpoints(study, series, (path, below), notes)
    used = [common.get("subject"), *(one["actor"] for one in common.get("performer", ()))]
    contained = targets.contained([*used, study.get("imagingStudy"), *references])
    resource = {
        "resourceType": "ImagingSelection",
        **({"contained": contained} if contained else {}),
        **common,
        "studyUid": study_uid,
        "derivedFrom": [_derived_from(study.get("imagingStudy"), study_uid)],
        **({"endpoint": references} if references else {}),
        "seriesUid": series_uid,
        "instance": list(instances.values()),
    }
    return Piece(resource, notes.issues(), _places(tuple(instances), place))


def _instances(series: Mapping[str, Any], path: str, notes: Notes) -> dict[int, dict[str, Any]]:
    """Return the instances by number; those that cannot be used are left out with an error."""
    found: dict[int, dict[str, Any]] = {}
    for place, element in items(series, "instance", path, notes):
        uid = read_uid(element.get("uid"), f"{place}.uid", notes, prefix=True)
        if not uid:
            continue
        instance: dict[str, Any] = {"uid": uid}
        given = element.get("sopClass")
        if given is None:
            notes.add("warning", "sop-class", f"{place}.sopClass", "required, but missing")
        else:
            sop_class = read_uid(given, f"{place}.sopClass", notes, prefix=True)
            if sop_class:
                code = f"{_OID}{sop_class}"
                instance["sopClass"] = {"system": "urn:ietf:rfc:3986", "code": code}
        if isinstance(element.get("extension"), list):
            instance["extension"] = element["extension"]
        _list_rest(element, {"uid", "sopClass", "extension"}, place, notes)
        found[int(place[place.rindex("[") + 1 : -1])] = instance
    return found


def _derived_from(reference: object, study_uid: str) -> dict[str, Any]:
    identifier = {"system": "urn:dicom:uid", "value": f"{_OID}{study_uid}"}
    if isinstance(reference, Mapping):
        return {"identifier": identifier, **reference}
    return {"type": "ImagingStudy", "identifier": identifier}


def _list_rest(element: Mapping[str, Any], known: set[str], path: str, notes: Notes) -> None:
    """Report elements that are not carried over."""
    for name in element:
        if name not in known:
            severity: Severity = "information" if name in _FORMAL else "warning"
            notes.add(severity, "not-carried-over", f"{path}.{name:.60}", "left out")


def _places(instances: tuple[int, ...], place: Place) -> dict[Place, Place]:
    places: dict[Place, Place] = {
        ("instance", index): (*place, "instance", number) for index, number in enumerate(instances)
    }
    return {
        **places,
        ("studyUid",): (*place[:2], "uid"),
        ("derivedFrom",): (*place[:2], "imagingStudy"),
        ("seriesUid",): (*place, "uid"),
        ("endpoint",): (*place, "endpoint"),
        ("instance",): (*place, "instance"),
        ("subject",): ("patient",),
        ("issued",): ("authoringTime",),
        ("performer",): ("author",),
        ("code",): ("description",),
    }
