"""A measurement group per region and an Observation per number: the HL7 guide DICOM SR.

Source: "DICOM SR to FHIR Resource Mapping" 1.0.0, profiles imaging-measurement-group and
imaging-measurement; DICOM PS3.16 TID 1410, 1411 and 1419. Their ConceptMaps have no place for
121401 Derivation, so that mean and maximum would have one code; here each has its own
(`codes.measured_code`), and an extension says quantity and derivation apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from imageregion.codes import (
    DCM,
    GEOMETRY,
    PIXEL_COUNTS,
    Coded,
    code_of,
    measured_code,
    quantity_of,
)
from imageregion.errors import Issue
from imageregion.fhir.measured_codes import DERIVATION
from imageregion.fhir.observations.context import Context
from imageregion.fhir.observations.linked import (
    GUIDE,
    device,
    diagnostic_report,
    finding_site,
    is_patient,
    measured_study,
    study_reference,
    study_resource,
    tracking,
    uid_of,
)
from imageregion.fhir.observations.parts import (
    IMAGING,
    NOT_PERFORMED,
    REGION_PATH,
    STATUS,
    absent_reason,
    body_site,
    concept,
    failure,
    interval,
    made_uuid,
    method_of,
    notes_of,
    pixels_of,
    quantity,
    reading,
    subject_of,
)
from imageregion.fhir.observations.regions import drawn_study, image_region
from imageregion.fhir.observations.single import REGION
from imageregion.fhir.observations.source import Source, with_contained
from imageregion.fhir.selection import Selection
from imageregion.measurement import Measurement, RegionResult

__all__ = ["group_entries"]

_GROUP = Coded(DCM, "125007", "Measurement Group")
_OBSERVATION_UID = Coded(
    "http://hl7.org/fhir/uv/dicom-sr/CodeSystem/dicom-identifier-type",
    "observation-uid",
    "Observation UID",
)
_POPULATION = "standard deviation divides by the number of pixels"


def group_entries(
    selection: Selection,
    source: Source,
    results: Sequence[RegionResult],
    context: Context,
    issues: Sequence[Issue] = (),
) -> tuple[list[dict[str, Any]], list[Issue]]:
    """Return the entries of a Bundle, and what its profiles require and is not known.

    Studies come first; then for every result its ImagingSelection, finding site and device where
    they are new, its group, and the members of that; last a DiagnosticReport of all groups.
    """
    writer = _Writer(selection, source, context)
    writer.write_studies(results)
    for result in results:
        writer.write(result, failure(result, issues))
    writer.write_report()
    if not writer.has_patient:
        writer.require("subject", "a Patient; give one where the selection names none")
    return list(writer.entries.values()), list(dict.fromkeys(writer.issues))


class _Writer:
    """Entries by fullUrl, in order; what several results share is there once."""

    def __init__(self, selection: Selection, source: Source, context: Context) -> None:
        self.selection = selection
        self.source = source
        self.context = context
        self.entries: dict[str, dict[str, Any]] = {}
        self.issues: list[Issue] = []
        self.status = STATUS.get(selection.status, "unknown")
        self.found = subject_of(source.resource, context.subject)
        self.has_patient = is_patient(self.found.get("subject"), source.resource)
        self.studies: dict[str, str] = {}
        self.groups: dict[str, dict[str, Any] | None] = {}
        self.seen: dict[tuple[str, ...], int] = {}

    def add(self, resource: dict[str, Any], identity: str = "") -> str:
        """Add a resource; return its fullUrl."""
        url = f"urn:uuid:{identity or resource['id']}"
        self.entries.setdefault(url, {"fullUrl": url, "resource": resource})
        return url

    def require(self, element: str, what: str, path: str = "ImagingSelection") -> None:
        """Report something that profiles require and nobody has said."""
        message = f"the profiles of DICOM SR require {what}; what lacks it claims no profile"
        self.issues.append(Issue("warning", "required-element", f"{path}.{element}", message))

    def write_studies(self, results: Sequence[RegionResult]) -> None:
        """Write a resource for every study that is known, where it is known of whom."""
        by_study: dict[str, list[RegionResult]] = {}
        for result in results:
            by_study.setdefault(measured_study(self.source, result), []).append(result)
            by_study.setdefault(drawn_study(self.source, result), [])
        for uid, some in by_study.items():
            reference = study_reference(self.source, uid, "")
            if uid and self.has_patient and not (reference or {}).get("reference"):
                resource = study_resource(self.source, uid, self.found["subject"], some)
                self.studies[uid] = self.add(resource)

    def study(self, uid: str) -> dict[str, Any] | None:
        """Return a reference to a study, None where it is unknown."""
        return study_reference(self.source, uid, self.studies.get(uid, ""))

    def write(self, result: RegionResult, why: str) -> None:
        """Write everything about one result; `why` is why it was not measured."""
        source, path = self.source, result.region.path or "ImagingSelection"
        study = self.study(measured_study(source, result))
        drawn = self.study(drawn_study(source, result))
        if study is None:
            self.require("studyUid", "the ImagingStudy")
        identity, selected, places = image_region(source, result, self.found.get("subject"), drawn)
        is_3d = any("imageRegion3D" in place for place in places)
        if is_3d and not selected.get("frameOfReferenceUid"):
            self.require("frameOfReferenceUid", "a frame of reference of 3D regions")
        derived = {
            "extension": [{"url": REGION_PATH, "valueString": place} for place in places],
            "reference": self.add(selected, identity),
            "type": "ImagingSelection",
        }
        shared = {**self._shared(result, study), "derivedFrom": [derived]}
        parts = reading(result)
        self.seen[parts] = self.seen.get(parts, -1) + 1
        key = ("MeasurementGroup", source.digest, *parts, str(self.seen[parts]))
        group = self._observation(key, "imaging-measurement-group", shared)
        members = self._members(result, key, shared, path)
        group["extension"] = pixels_of(result)
        group["identifier"] += tracking(source, result)
        group |= {"category": [concept(_GROUP)], "code": concept(REGION)}
        group |= {"note": notes_of(self.selection, result, why)}
        if members:
            group["hasMember"] = [
                {"reference": f"urn:uuid:{member['id']}", "type": "Observation"}
                for member in members
            ]
        else:
            group["dataAbsentReason"] = concept(NOT_PERFORMED, why)
        for observation in (group, *members):
            kept = {name: value for name, value in observation.items() if value != []}
            self.add(with_contained(kept, source.resource))
        self.groups[f"urn:uuid:{group['id']}"] = study

    def write_report(self) -> None:
        """Write the DiagnosticReport of all groups, where there are any."""
        if not self.groups:
            return
        studies = [study for study in self.groups.values() if study is not None]
        distinct = [study for i, study in enumerate(studies) if study not in studies[:i]]
        shared = {"status": self.status, "issued": self.context.issued}
        shared |= {name: one for name, one in self.found.items() if name == "subject"}
        self.add(diagnostic_report(self.source, list(self.groups), distinct, shared))

    def _shared(self, result: RegionResult, study: dict[str, Any] | None) -> dict[str, Any]:
        """Return what a group and its members have in common."""
        site = body_site(self.source.resource)
        if self.has_patient and "bodySite" in site:
            resource = finding_site(self.source, result, self.found["subject"])
            if resource is not None:
                url = self.add(resource)
                site = {"bodyStructure": {"reference": url, "type": "BodyStructure"}}
        shared: dict[str, Any] = {
            **({"partOf": [study]} if study else {}),
            "status": self.status,
            **self.found,
            "issued": self.context.issued,
            **site,
        }
        if result.measurements:
            method = result.measurements[0].method
            url = self.add(device(method.version))
            shared |= method_of(method) | {"device": {"reference": url, "type": "Device"}}
        return shared

    def _observation(
        self, key: tuple[str, ...], profile: str, shared: dict[str, Any]
    ) -> dict[str, Any]:
        identity = made_uuid(*key)
        observation: dict[str, Any] = {"resourceType": "Observation", "id": str(identity)}
        if self.has_patient and "partOf" in shared and "device" in shared:
            observation["meta"] = {"profile": [f"{GUIDE}/{profile}"]}
        observation["identifier"] = [
            {
                "type": concept(_OBSERVATION_UID),
                "system": "urn:dicom:uid",
                "value": f"urn:oid:{uid_of(identity)}",
            }
        ]
        return observation | shared

    def _members(
        self, result: RegionResult, key: tuple[str, ...], shared: dict[str, Any], path: str
    ) -> list[dict[str, Any]]:
        """Write an Observation for every number; a profile that requires one leaves out others."""
        members = []
        absent: dict[str, list[str]] = {}
        for measurement in result.measurements:
            reason = absent_reason(result, measurement)
            if reason is not None or measurement.value is None:
                why = reason.display if reason else "Unknown"
                absent.setdefault(why, []).append(measurement.code)
                continue
            number = ("Measurement", *key[1:], measurement.code, measurement.channel)
            member = self._observation(number, "imaging-measurement", shared)
            member |= _measured(result, measurement, measurement.value)
            if measurement.code == "std":
                member |= method_of(measurement.method, _POPULATION)
            members.append(member)
        for why, codes in absent.items():
            message = f"no number for {', '.join(dict.fromkeys(codes))}: {why}"
            self.issues.append(Issue("information", "no-value", path, message))
        return members


def _measured(result: RegionResult, measurement: Measurement, value: float) -> dict[str, Any]:
    """Return code and value of one number, and its derivation."""
    name, channel = measurement.code, measurement.channel
    found = quantity_of(result.modality, result.unit)
    extensions = interval(measurement)
    if name not in GEOMETRY and name not in PIXEL_COUNTS:
        inner: list[dict[str, Any]] = []
        if found is not None:
            inner.append({"url": "quantity", "valueCoding": found._asdict()})
        inner.append({"url": "derivation", "valueCoding": code_of(name)._asdict()})
        if channel:
            inner.append({"url": "channel", "valueString": channel})
        extensions = [{"url": DERIVATION, "extension": inner}, *extensions]
    coded = measured_code(name, found, channel)
    return {
        "extension": extensions,
        "category": [concept(IMAGING)],
        "code": concept(coded),
        "valueQuantity": quantity(name, value, measurement.unit),
    }
