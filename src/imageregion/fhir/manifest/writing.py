"""From ImagingSelections to one STU3 ImagingManifest, with a list of what does not survive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from imageregion.errors import FhirError, InputError, Issue
from imageregion.fhir.cross_version.endpoints import absent
from imageregion.fhir.manifest.contained import Contained
from imageregion.fhir.manifest.grouping import Grouped, oid
from imageregion.fhir.manifest.heading import head_of, objects, reference_of
from imageregion.fhir.manifest.losses import Losses
from imageregion.fhir.normalized import Normalized
from imageregion.fhir.selection import Selection
from imageregion.fhir.studies.effective import MAX_ENDPOINTS
from imageregion.fhir.studies.values import Study
from imageregion.fhir.targets import clean_uid, sop_class
from imageregion.fhir.text.plain import plain

__all__ = ["from_selections"]


def from_selections(
    selections: Iterable[Selection | Normalized | Mapping[str, Any]],
    *,
    studies: Sequence[Study] = (),
) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Put ImagingSelections together in one STU3 ImagingManifest.

    Parameters
    ----------
    selections : iterable of Selection, Normalized or mapping
        Of one patient. Mappings are JSON of R5.
    studies : sequence of Study, optional
        List the instances of selections that name a whole series, which a manifest cannot.

    Returns
    -------
    manifest : dict
        Valid in STU3: UIDs are ``urn:oid:``, required elements that are missing say so in an
        extension data-absent-reason.
    losses : tuple of Issue
        Everything that does not survive, with FHIRPaths of the original: "error" for a selection
        or instance that is left out, "warning" for lost meaning, "information" for the form.

    Raises
    ------
    FhirError
        When nothing is left, or the selections are of several patients.

    Examples
    --------
    >>> manifest, losses = from_selections([{
    ...     "resourceType": "ImagingSelection", "status": "available", "code": {"text": "Cyst"},
    ...     "subject": {"reference": "Patient/1"}, "studyUid": "1.2", "seriesUid": "1.2.3",
    ...     "instance": [{"uid": "1.2.3.4", "sopClass": {"code": "1.2.840.10008.5.1.4.1.1.2"},
    ...         "imageRegion2D": [
    ...         {"regionType": "point", "coordinate": [8, 8]}]}]}])
    >>> manifest["study"][0]["series"][0]["uid"], manifest["description"]
    ('urn:oid:1.2.3', 'Cyst')
    >>> print(losses[0])  # doctest: +NORMALIZE_WHITESPACE
    warning ImagingSelection.instance[0].imageRegion2D[0]: the region, 'point':
    a manifest names whole instances alone
    """
    losses = Losses()
    grouped = Grouped()
    contained = Contained()
    used: list[dict[str, Any]] = []
    given = list(selections)
    for number, one in enumerate(given, start=1):
        normalized, name = _normalized(one)
        label = (name or f"selection {number}") if len(given) > 1 else ""
        losses.turn_to(normalized or Normalized({}), label)
        if normalized is None:
            losses.add((), "the selection cannot be read", "error")
            continue
        resource = normalized.resource
        if _is_usable(resource, losses):
            resource = contained.take(resource, losses)
            if _add(resource, grouped, studies, losses):
                losses.list_rest(resource)
                used.append(resource)
    if not used:
        why = "; ".join(str(issue) for issue in losses.found if issue.severity == "error")
        raise FhirError("ImagingSelection", f"nothing for a manifest: {why or 'no selection'}")
    losses.turn_to(Normalized({}), "")
    head = head_of(used, losses)
    return {
        "resourceType": "ImagingManifest",
        **({"contained": contained.resources} if contained.resources else {}),
        **head,
        "study": grouped.to_list(),
    }, tuple(losses.found)


def _normalized(one: object) -> tuple[Normalized | None, str]:
    if isinstance(one, Selection):
        return one.normalized, one.name
    if isinstance(one, Normalized):
        return one, str(one.resource.get("id") or "")
    if isinstance(one, Mapping):
        return Normalized(plain(one)), str(one.get("id") or "")
    raise InputError(f"expected an ImagingSelection, got {type(one).__name__}")


def _is_usable(resource: Mapping[str, Any], losses: Losses) -> bool:
    """Whether the status of a selection lets it stand in a manifest, which has none."""
    if resource.get("status") == "entered-in-error":
        losses.add(
            ("status",), "the selection was withdrawn, and a manifest has no status", "error"
        )
        return False
    if resource.get("status") not in (None, "available"):
        losses.add(("status",), f"{resource['status']}: a manifest has no status")
    return True


def _add(
    resource: dict[str, Any], grouped: Grouped, studies: Sequence[Study], losses: Losses
) -> bool:
    """Add the instances of a selection to its study; False, with an error, when it has no place."""
    study, series = (clean_uid(str(resource.get(key) or "")) for key in ("studyUid", "seriesUid"))
    if not study:
        study = _study_of(resource)
        if study:
            losses.add(("derivedFrom",), f"studyUid {study} taken from here", "information")
    if not study or not series:
        missing = "studyUid" if not study else "seriesUid"
        losses.add((), f"no {missing}, and a manifest cannot be without it", "error")
        return False
    instances = _instances(resource, series, studies, losses)
    if not instances:
        return False
    group = grouped.study(study)
    reference = _imaging_study(resource, study, losses)
    if group.imaging_study is None:
        group.imaging_study = reference
    elif reference is not None and reference != group.imaging_study:
        losses.add(("derivedFrom",), "another selection names another ImagingStudy")
    endpoints = [reference_of(one) for one in objects(resource.get("endpoint"))]
    if len(endpoints) > MAX_ENDPOINTS:
        losses.add(("endpoint",), f"more than {MAX_ENDPOINTS}; the rest is left out")
    group.add(series, endpoints[:MAX_ENDPOINTS], instances)
    return True


def _instances(
    resource: Mapping[str, Any], series: str, studies: Sequence[Study], losses: Losses
) -> dict[str, dict[str, Any]]:
    """Return instances by UID; of a whole series those that a study lists."""
    if resource.get("instance") is None:
        entries = [study.find_series(series) for study in studies]
        listed = [one for entry in entries if entry for one in entry.instances]
        if not listed:
            message = "the whole series is selected, and a manifest must list the instances"
            losses.add((), f"{message}; give the ImagingStudy that does", "error")
        return {one.uid: _instance(one.uid, one.sop_class) for one in listed}
    found: dict[str, dict[str, Any]] = {}
    for index, one in enumerate(objects(resource["instance"])):
        uid = clean_uid(str(one.get("uid") or ""))
        if not uid:
            losses.add(("instance", index), "the instance has no UID", "error")
            continue
        if not sop_class(one):
            message = "required in a manifest, but missing"
            losses.add(("instance", index, "sopClass"), message, "information")
        found.setdefault(uid, _instance(uid, sop_class(one), one.get("extension")))
    if not found:
        losses.add(("instance",), "no instance is left", "error")
    return found


def _instance(uid: str, sop: str, extension: object = None) -> dict[str, Any]:
    return {
        **({"extension": extension} if extension else {}),
        **({"sopClass": oid(sop)} if sop else {"_sopClass": absent()}),
        "uid": oid(uid),
    }


def _study_of(resource: Mapping[str, Any]) -> str:
    """Return the one Study Instance UID that ``derivedFrom`` names by identifier."""
    identifiers = [one.get("identifier") for one in objects(resource.get("derivedFrom"))]
    uids = {
        clean_uid(str(one.get("value") or ""))
        for one in identifiers
        if isinstance(one, Mapping) and one.get("system") == "urn:dicom:uid"
    }
    return uids.pop() if len(uids) == 1 else ""


def _imaging_study(
    resource: Mapping[str, Any], study: str, losses: Losses
) -> dict[str, Any] | None:
    """Return the reference to the ImagingStudy; none where it says no more than studyUid."""
    own = {"system": "urn:dicom:uid", "value": oid(study)}
    found: dict[str, Any] | None = None
    for index, one in enumerate(objects(resource.get("derivedFrom"))):
        reference = reference_of(one)
        if reference.get("identifier") == own:
            del reference["identifier"]
        text = str(reference.get("reference") or "")
        is_study = "ImagingStudy/" in text or one.get("type") == "ImagingStudy"
        if not reference:
            continue
        if found is None and (is_study or one.get("identifier") == own):
            found = reference
        else:
            losses.add(("derivedFrom", index), "not the ImagingStudy of the series")
    return found
