"""ImagingStudy of STU3, R4, R4B, R5 and R6: from JSON to a `Study`.

Lenient on form, strict on meaning. Names of the issues found here (`Issue.code`):

====================  ==============================================================================
error
--------------------  ------------------------------------------------------------------------------
study-uid             none, or several that could be it (ist-1, ist-2 of R6)
invalid-uid           no UID; costs the series or instance it names (a SOP class: warning)
invalid-element       not what FHIR has there, and left out
status                a code that FHIR does not have; the study is not loaded
endpoint              an endpoint with no address that can be used
header                a line that cannot stand in the head of a request
warning
--------------------  ------------------------------------------------------------------------------
status                missing
not-loadable          the status says that the images are not to be had
duplicate-uid         a series or instance listed twice
counts                more series or instances listed than there are said to be
modality              a series of a modality that the study does not list
endpoint-unresolved   a reference to an endpoint that is not at hand
endpoint-status       an endpoint that is not active
endpoint-period       an endpoint that is not in use now
connection-type       an endpoint that does not say how to connect
modifier-extension    an extension that may change the meaning, and is not understood
uid-form              a part of a UID that begins with 0
information
--------------------  ------------------------------------------------------------------------------
uid-prefix            ``urn:oid:`` where it does not belong, or missing where it does
address-form          an address that was not the base of a service
other-release         an element of another release of FHIR
not-a-list            one object where FHIR has a list
not-listed            fewer series or instances listed than there are
code-case, code-system, number-form
                      a code, coding or number in another form
====================  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imageregion.errors import FhirError
from imageregion.fhir.studies.effective import combine, endpoints_of
from imageregion.fhir.studies.elements import Notes, items, read_count, read_text, read_uid
from imageregion.fhir.studies.identity import read_status, study_uid
from imageregion.fhir.studies.recognizing import recognize, signs
from imageregion.fhir.studies.references import Library, Shelf, entries
from imageregion.fhir.studies.values import (
    RELEASES,
    InstanceEntry,
    Release,
    SeriesEntry,
    Study,
)
from imageregion.fhir.text.plain import brief
from imageregion.fhir.text.sources import read_document

__all__ = ["read_studies", "read_study"]


@dataclass(frozen=True, slots=True)
class _Context:
    """What reading every part of a study needs."""

    study: Mapping[str, Any]
    release: Release
    library: Library
    notes: Notes


def read_study(source: Any, *, release: Release | None = None, endpoints: Shelf = None) -> Study:
    """Read one ImagingStudy of FHIR STU3, R4, R4B, R5 or R6.

    Parameters
    ----------
    source : str, Path, bytes, dict or fhir.resources model
        A file name, JSON or XML text, or parsed JSON: an ImagingStudy, or a Bundle with one.
    release : {"stu3", "r4", "r5", "r6"}, optional
        What it was written in; recognised by default.
    endpoints : Bundle, list of Endpoint, or mapping of reference to Endpoint, optional
        Where the endpoints are that it refers to, unless they are contained or in the same Bundle.

    Returns
    -------
    Study
        With the series and instances that could be read, and issues for what could not.

    Raises
    ------
    InputError
        When there is no such file, it is too large, or it is no JSON or XML.
    FhirError
        When there is not exactly one ImagingStudy in it.

    Examples
    --------
    >>> study = read_study({
    ...     "resourceType": "ImagingStudy", "status": "available", "subject": {},
    ...     "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}],
    ...     "series": [{"uid": "1.2.3.4", "modality": {"code": "CT"}, "instance": [
    ...         {"uid": "1.2.3.4.5", "sopClass": {"code": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}}]}]})
    >>> study
    Study('1.2.3', available, r4, 1 instance in 1 series)
    >>> study.series[0].instances[0].sop_class
    '1.2.840.10008.5.1.4.1.1.2'
    """
    found = list(_studies(source))
    if len(found) != 1:
        got = f"{len(found)}; use read_studies" if found else "none"
        raise FhirError(found[1][0] if found else "document", f"expected 1 ImagingStudy, got {got}")
    return _read(*found[0], release, endpoints)


def read_studies(
    source: Any, *, release: Release | None = None, endpoints: Shelf = None
) -> tuple[Study, ...]:
    """Read every ImagingStudy of a document; see `read_study`.

    Examples
    --------
    >>> one = {"resource": {"resourceType": "ImagingStudy", "uid": "urn:oid:1.2"}}
    >>> read_studies({"resourceType": "Bundle", "entry": [one, {"resource": {}}]})
    (Study('1.2', unknown, stu3, 0 instances in 0 series),)
    """
    return tuple(_read(*one, release, endpoints) for one in _studies(source))


def _studies(source: Any) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
    """Yield (FHIRPath, ImagingStudy, Bundle it is in) of a document."""
    document, name = read_document(source)
    if not isinstance(document, Mapping):
        raise FhirError(name or "document", f"expected an ImagingStudy, got {brief(document)}")
    kind = document.get("resourceType")
    if kind == "ImagingStudy":
        yield "ImagingStudy", document, None
    elif kind == "Bundle":
        for _, path, resource in entries(document):
            if resource.get("resourceType") == "ImagingStudy":
                yield path, resource, document
    else:
        raise FhirError(name or "resourceType", f"expected an ImagingStudy, got {brief(kind)}")


def _read(
    path: str, study: Mapping[str, Any], bundle: Any, release: Release | None, shelf: Shelf
) -> Study:
    if release is not None and release not in RELEASES:
        raise FhirError(path, f"expected a release of {', '.join(RELEASES)}, got {brief(release)}")
    known, evidence = recognize(study)
    if release is not None:
        known, evidence = release, "asked for"
    notes = Notes()
    context = _Context(study, known, Library(bundle, shelf), notes)
    _check_release(context)
    uid = study_uid(study, known, notes)
    status = read_status(study, known, notes)
    series = tuple(_series(context))
    _check_counts(study, series, notes)
    return Study(
        uid=uid,
        status=status,
        endpoints=endpoints_of(study, study, context.library, "ImagingStudy", notes),
        series=series,
        issues=notes.issues(),
        release=known,
        id=read_text(study, "id", "ImagingStudy", notes),
        evidence=evidence,
    )


def _check_release(context: _Context) -> None:
    """Report elements that speak for another release; STU3 has some of those of R4."""
    allowed = {context.release} | ({"r4"} if context.release == "stu3" else set())
    allowed |= {"r5"} if context.release in ("r6", "stu3") else set()
    for release, evidence in dict(signs(context.study)).items():
        if release not in allowed:
            place, _, rest = evidence.partition(" ")
            message = f"{rest or 'the element'} speaks for {RELEASES[release]}, and is read so"
            context.notes.add("information", "other-release", place, message)
    if context.study.get("modifierExtension"):
        message = "may change the meaning in a way this library does not know"
        context.notes.add(
            "warning", "modifier-extension", "ImagingStudy.modifierExtension", message
        )


def _series(context: _Context) -> Iterator[SeriesEntry]:
    """Yield the series; one that is listed twice is put together."""
    notes = context.notes
    found: dict[str, SeriesEntry] = {}
    for path, element in items(context.study, "series", "ImagingStudy", notes):
        uid = read_uid(element.get("uid"), f"{path}.uid", notes, prefix=context.release == "stu3")
        if not uid:
            continue
        instances = tuple(_instances(context, element, path))
        one = SeriesEntry(
            uid,
            _modality(element.get("modality"), path, notes),
            endpoints_of(element, context.study, context.library, path, notes),
            instances,
            read_count(element, "number", path, notes),
            read_text(element, "description", path, notes),
        )
        _check_listed(element, "numberOfInstances", len(instances), path, notes)
        if uid in found:
            notes.add("warning", "duplicate-uid", f"{path}.uid", f"series {uid} is listed twice")
            one = _together(found[uid], one)
        found[uid] = one
    _check_modalities(context, found.values())
    yield from found.values()


def _instances(context: _Context, series: Mapping[str, Any], path: str) -> Iterator[InstanceEntry]:
    notes, prefix = context.notes, context.release == "stu3"
    known: set[str] = set()
    for place, element in items(series, "instance", path, notes):
        uid = read_uid(element.get("uid"), f"{place}.uid", notes, prefix=prefix)
        if not uid:
            continue
        if uid in known:
            notes.add("warning", "duplicate-uid", f"{place}.uid", f"{uid} is listed twice")
            continue
        known.add(uid)
        yield InstanceEntry(
            uid,
            _sop_class(element.get("sopClass"), f"{place}.sopClass", notes),
            read_count(element, "number", place, notes),
            read_count(element, "numberOfFrames", place, notes, least=1),
        )


def _sop_class(value: object, path: str, notes: Notes) -> str:
    """Return a SOP Class UID: an oid in STU3 and R6, a Coding in R4 and R5."""
    if isinstance(value, Mapping):
        value = value.get("code")
    return "" if value is None else read_uid(value, path, notes, severity="warning")


def _modality(value: object, path: str, notes: Notes) -> str:
    """Return a modality in upper case: a Coding in STU3 and R4, then a CodeableConcept."""
    place = f"{path}.modality"
    concepts = [value] if isinstance(value, Mapping) else []
    for concept in concepts:
        for _, coding in items(concept, "coding", place, notes):
            code = read_text(coding, "code", f"{place}.coding", notes)
            if code:
                return code.upper()
        return read_text(concept, "code", place, notes).upper()
    if isinstance(value, str):
        return value.strip().upper()
    return ""


def _together(first: SeriesEntry, second: SeriesEntry) -> SeriesEntry:
    """Put the two entries of one series together."""
    known = {instance.uid for instance in first.instances}
    added = tuple(one for one in second.instances if one.uid not in known)
    return SeriesEntry(
        first.uid,
        first.modality or second.modality,
        combine(first.endpoints, second.endpoints),
        first.instances + added,
        first.number if first.number is not None else second.number,
        first.description or second.description,
    )


def _check_counts(study: Mapping[str, Any], series: tuple[SeriesEntry, ...], notes: Notes) -> None:
    """Compare what is listed to what there is said to be (ist-3, ist-4 of R6)."""
    _check_listed(study, "numberOfSeries", len(series), "ImagingStudy", notes)
    instances = [instance.uid for one in series for instance in one.instances]
    _check_listed(study, "numberOfInstances", len(instances), "ImagingStudy", notes)
    known: set[str] = set()
    for uid in instances:
        if uid in known:
            message = f"{uid} is listed in two series"
            notes.add("warning", "duplicate-uid", "ImagingStudy.series.instance.uid", message)
        known.add(uid)


def _check_listed(
    element: Mapping[str, Any], name: str, listed: int, path: str, notes: Notes
) -> None:
    stated = read_count(element, name, path, notes)
    if stated is None or stated == listed:
        return
    if listed > stated:
        message = f"{stated} stated, but {listed} listed"
        notes.add("warning", "counts", f"{path}.{name}", message)
    else:
        message = f"{stated} stated, {listed} of them listed"
        notes.add("information", "not-listed", f"{path}.{name}", message)


def _check_modalities(context: _Context, series: Any) -> None:
    """Compare modalities of series to those of the study, where it lists them."""
    name = "modalityList" if context.release == "stu3" else "modality"
    listed = {
        _modality(one, path, context.notes)
        for path, one in items(context.study, name, "ImagingStudy", context.notes)
    }
    for one in series:
        if listed - {""} and one.modality and one.modality not in listed:
            message = f"{one.modality} of series {one.uid} is not among {', '.join(sorted(listed))}"
            context.notes.add("warning", "modality", f"ImagingStudy.{name}", message)
