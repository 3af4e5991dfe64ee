"""What a measurement group refers to, and what refers to it: study, device, site, report.

Source: HL7 guide "DICOM SR to FHIR Resource Mapping" 1.0.0, profiles
algorithm-identification and dicom-sr-finding-site.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from imageregion.codes import DCM, Coded
from imageregion.fhir.observations.parts import concept, made_uuid
from imageregion.fhir.observations.source import Source, with_contained
from imageregion.fhir.targets import reference_type
from imageregion.fhir.text.plain import plain
from imageregion.measurement import RegionResult

__all__ = [
    "GUIDE",
    "device",
    "diagnostic_report",
    "finding_site",
    "is_patient",
    "is_study",
    "measured_study",
    "study_reference",
    "study_resource",
    "tracking",
    "uid_of",
]

GUIDE = "http://hl7.org/fhir/uv/dicom-sr/StructureDefinition"
_REPORT = Coded(DCM, "126000", "Imaging Measurement Report")
_STUDY = Coded(DCM, "110180", "Study Instance UID")
_TRACKING = Coded(DCM, "112039", "Tracking Identifier")
_TRACKING_UID = Coded(DCM, "112040", "Tracking Unique Identifier")


def uid_of(identity: uuid.UUID) -> str:
    """Return the DICOM UID that is made from a UUID (PS3.5 B.2)."""
    return f"2.25.{identity.int}"


def is_patient(subject: Any, resource: Mapping[str, Any]) -> bool:
    """Whether a reference is to a Patient, as far as it says what it is to."""
    if not isinstance(subject, Mapping):
        return False
    kind, reference = reference_type(subject), str(subject.get("reference", ""))
    if reference.startswith("#"):
        inside = [one for one in resource.get("contained") or [] if isinstance(one, Mapping)]
        here = (str(o.get("resourceType")) for o in inside if f"#{o.get('id')}" == reference)
        kind = next(here, kind)
    return kind == "Patient" or (not kind and reference.startswith("urn:"))


def measured_study(source: Source, result: RegionResult) -> str:
    """Return the Study Instance UID of the images measured, "" where unknown."""
    measured = {part.frame.study for part in result.slices} - {""}
    if len(measured) == 1:
        return measured.pop()
    return result.region.target.study or str(source.resource.get("studyUid") or "")


def study_reference(source: Source, study: str, entry: str) -> dict[str, Any] | None:
    """Return a reference to a study: as the selection has it, or to an entry of the Bundle.

    Parameters
    ----------
    source : Source
    study : str
        UID; empty where unknown.
    entry : str
        fullUrl of the `study_resource`, empty where there is none.
    """
    own = [
        one["reference"]
        for one in source.resource.get("derivedFrom") or []
        if isinstance(one, Mapping) and is_study(one) and isinstance(one.get("reference"), str)
    ]
    same = study in ("", str(source.resource.get("studyUid") or ""))
    reference = own[0] if len(own) == 1 and same else entry
    if not reference and not study:
        return None
    made: dict[str, Any] = {"reference": reference} if reference else {}
    made["type"] = "ImagingStudy"
    if study:
        made["identifier"] = {
            "type": concept(_STUDY),
            "system": "urn:dicom:uid",
            "value": f"urn:oid:{study}",
        }
    return made


def is_study(reference: Mapping[str, Any]) -> bool:
    """Whether a reference says that it is to an ImagingStudy."""
    text = str(reference.get("reference", ""))
    return reference.get("type") == "ImagingStudy" or "ImagingStudy/" in text


def study_resource(
    source: Source, study: str, subject: dict[str, Any], results: list[RegionResult]
) -> dict[str, Any]:
    """Return an ImagingStudy that says no more than which study, of whom, and which series.

    Parameters
    ----------
    source : Source
    study : str
        UID.
    subject : dict
        Reference.
    results : list of RegionResult
        Those measured on images of this study.
    """
    series = {result.series: result.modality for result in results if result.slices}
    resource = {
        "resourceType": "ImagingStudy",
        "id": str(made_uuid("ImagingStudy", source.digest, study, str(subject))),
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{study}"}],
        "status": "available" if series else "unknown",
        "subject": subject,
        "series": [
            {"uid": uid, "modality": {"coding": [{"system": DCM, "code": modality}]}}
            for uid, modality in series.items()
            if uid and modality
        ],
    }
    return with_contained({k: v for k, v in resource.items() if v != []}, source.resource)


def device(version: str) -> dict[str, Any]:
    """Return this library as the Device that measured."""
    return {
        "resourceType": "Device",
        "id": str(made_uuid("Device", version)),
        "meta": {"profile": [f"{GUIDE}/algorithm-identification"]},
        "displayName": "imageregion",
        "version": [{"value": version}],
    }


def diagnostic_report(
    source: Source, groups: list[str], studies: list[dict[str, Any]], shared: dict[str, Any]
) -> dict[str, Any]:
    """Return the DiagnosticReport of all groups (DICOM PS3.16 TID 1500).

    Parameters
    ----------
    source : Source
    groups : list of str
        Their fullUrls.
    studies : list of dict
        References.
    shared : dict
        Status, subject and issued.
    """
    resource = {
        "resourceType": "DiagnosticReport",
        "id": str(made_uuid("DiagnosticReport", source.digest, *groups)),
        "code": concept(_REPORT),
        **shared,
        "study": studies,
        "result": [{"reference": url, "type": "Observation"} for url in groups],
    }
    return with_contained({k: v for k, v in resource.items() if v != []}, source.resource)


def tracking(source: Source, result: RegionResult) -> list[dict[str, Any]]:
    """Return identifiers that follow a region through reports: its name and a UID."""
    region = result.region
    uid = uid_of(made_uuid("Tracking", source.digest, *source.named(region)))
    return [
        {"type": concept(_TRACKING), "value": region.label or region.path or "ImagingSelection"},
        {"type": concept(_TRACKING_UID), "system": "urn:dicom:uid", "value": f"urn:oid:{uid}"},
    ]


def finding_site(
    source: Source, result: RegionResult, subject: dict[str, Any]
) -> dict[str, Any] | None:
    """Return the body site as BodyStructure with tracking identifiers; None where unknown."""
    site = source.resource.get("bodySite")
    structure = site.get("concept") if isinstance(site, Mapping) else None
    if not isinstance(structure, Mapping) or not structure:
        return None
    named = source.named(result.region)
    resource = {
        "resourceType": "BodyStructure",
        "id": str(made_uuid("BodyStructure", source.digest, str(subject), *named)),
        "meta": {"profile": [f"{GUIDE}/dicom-sr-finding-site"]},
        "identifier": tracking(source, result),
        "includedStructure": [{"structure": plain(structure)}],
        "patient": subject,
    }
    return with_contained(resource, source.resource)
