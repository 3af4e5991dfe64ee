"""Bundles of ours against the profiles of others: HL7 dicom-sr, IHE IRA, European imaging.

Which rules are checked is written in `tests.profiles`. The European profiles are published as FSH
only; `eu_findings` holds them by hand.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from tests.profiles import Check, Definitions, base_findings, entries, findings

import imageregion as ir
from imageregion.demo import demo_image, demo_selection
from imageregion.fhir.cross_version import derived_from, from_basic

SR = "http://hl7.org/fhir/uv/dicom-sr/StructureDefinition"
IRA = "https://profiles.ihe.net/RAD/IRA/StructureDefinition"
CORE = "http://hl7.org/fhir/StructureDefinition"
NOW = "2026-01-31T12:00:00Z"


@pytest.fixture(scope="module")
def guides(shared_data: Path) -> Definitions:
    folder = shared_data / "fhir"
    places = [folder / "dicom-sr/profiles", folder / "ihe-ira/profiles", folder / "related-r5"]
    for place in places:
        if not place.is_dir():
            pytest.skip(f"{place} is absent from the real data")
    return Definitions(*places)


@pytest.fixture(scope="module")
def examples(shared_data: Path) -> dict[str, dict[str, Any]]:
    """Resources that the guides publish, by reference."""
    found = {}
    for name in ("dicom-sr", "ihe-ira"):
        for file in sorted((shared_data / "fhir" / name).glob("*.json")):
            resource = json.loads(file.read_text("utf-8"))
            found[f"{resource['resourceType']}/{resource['id']}"] = resource
    return found


@pytest.fixture(scope="module")
def report() -> ir.Report:
    """A region of every type, 2D and 3D, on a real CT slice, and all of them as one."""
    resource = json.loads(demo_selection())
    resource["bodySite"] = {"concept": {"text": "Thoracic vertebra"}}
    return ir.measure(resource, demo_image(), combine=True)


def eu_findings(selection: Mapping[str, Any]) -> Iterator[str]:
    """ImagingSelectionEuImaging (hl7-eu/imaging-r5, im-imagingselection.fsh at 17616e5)."""
    subject = str((selection.get("subject") or {}).get("reference", "Patient/"))
    if "Patient/" not in subject:
        yield "subject: expected a Patient"
    studies = [
        one
        for one in selection.get("derivedFrom", [])
        if one.get("type") == "ImagingStudy" or "ImagingStudy/" in one.get("reference", "")
    ]
    if len(studies) != 1:
        yield f"derivedFrom:study: expected 1..1, got {len(studies)}"


def of_type(bundle: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def profiles_of(resource: Mapping[str, Any]) -> list[str]:
    return [str(url) for url in resource.get("meta", {}).get("profile", [])]


def test_published_examples_conform_to_the_profiles_they_claim(
    guides: Definitions, examples: dict[str, dict[str, Any]]
) -> None:
    """The validator agrees with the publishers' own, on 31 resources."""
    claims = [(one, url) for one in examples.values() for url in profiles_of(one)]
    assert len(claims) == 31
    check = Check(guides, examples)
    for resource, url in claims:
        assert check.findings(resource, url) == [], resource["id"]


def test_a_group_of_every_region_conforms(guides: Definitions, report: ir.Report) -> None:
    bundle = report.to_observations("dicom-sr", issued=NOW)
    check = Check(guides, entries(bundle))
    claimed: dict[str, int] = {}
    for resource in (entry["resource"] for entry in bundle["entry"]):
        assert base_findings(resource) == []
        for url in profiles_of(resource):
            assert check.findings(resource, url) == []
            claimed[url.rpartition("/")[2]] = claimed.get(url.rpartition("/")[2], 0) + 1
    regions = {"2d": 0, "3d": 0}
    for region in report.selection.regions:
        regions["2d" if "2D" in region.path else "3d"] += 1
    assert report.combined is not None
    measured = sum(bool(result.slices) for result in (*report.results, report.combined))
    assert regions["2d"] > 2
    assert regions["3d"] > 2
    assert claimed.pop("imaging-measurement") > 10 * measured
    assert claimed == {
        "image-region-2d": regions["2d"],
        "image-region-3d": regions["3d"],
        "imaging-measurement-group": measured,
        "algorithm-identification": 1,
        "dicom-sr-finding-site": measured,
    }


def test_every_number_is_a_member_and_means_one_region(report: ir.Report) -> None:
    bundle = report.to_observations("dicom-sr", issued=NOW)
    known = entries(bundle)
    groups = [o for o in of_type(bundle, "Observation") if "hasMember" in o]
    results = [*report.results, *([report.combined] if report.combined else [])]
    assert len(groups) == len(results)
    for group, result in zip(groups, results, strict=True):
        members = [known[one["reference"]] for one in group["hasMember"]]
        numbers = [m.value for m in result.measurements if m.value is not None]
        assert [member["valueQuantity"]["value"] for member in members] == numbers
        assert all(member["derivedFrom"] == group["derivedFrom"] for member in members)
        (link,) = group["derivedFrom"]
        selection = known[link["reference"]]
        regions = [
            region
            for instance in selection["instance"]
            for name in ("imageRegion2D", "imageRegion3D")
            for region in instance.get(name, [])
        ]
        assert result.region.type == "combined" or len(regions) == 1
    (diagnosis,) = of_type(bundle, "DiagnosticReport")
    assert [known[one["reference"]] for one in diagnosis["result"]] == groups


def test_no_two_numbers_of_a_region_share_a_coding(report: ir.Report) -> None:
    bundle = report.to_observations("dicom-sr", issued=NOW)
    known = entries(bundle)
    for group in (o for o in of_type(bundle, "Observation") if "hasMember" in o):
        members = [known[one["reference"]] for one in group["hasMember"]]
        codings = [(c["system"], c["code"]) for m in members for c in m["code"]["coding"]]
        assert len(codings) == len(set(codings)) > 10
        assert len({member["code"]["text"] for member in members}) == len(members)


def test_components_conform_to_ira_and_to_european_imaging(
    guides: Definitions, report: ir.Report
) -> None:
    bundle = report.to_observations()
    known = entries(bundle)
    for observation in of_type(bundle, "Observation"):
        assert findings(observation, f"{IRA}/ira-observation", guides, known) == []
        for component in observation["component"]:
            quantity = component.get("valueQuantity", {"system": "", "code": ""})
            assert {"system", "code"} <= quantity.keys()
    (selection,) = of_type(bundle, "ImagingSelection")
    assert findings(selection, f"{CORE}/ImagingSelection", guides, known) == []


def test_regions_taken_apart_conform_to_european_imaging(report: ir.Report) -> None:
    bundle = report.to_observations("dicom-sr", issued=NOW)
    apart = [s for s in of_type(bundle, "ImagingSelection") if f"{SR}/image-region" in str(s)]
    assert len(apart) == len(report.selection.regions)
    assert [finding for selection in apart for finding in eu_findings(selection)] == []


def test_a_selection_that_ira_published_conforms_again(
    guides: Definitions, examples: dict[str, dict[str, Any]]
) -> None:
    """Its status, subject and study go through measuring as they are."""
    import numpy as np

    resource = examples["ImagingSelection/example-ImagingSelectionContent"]
    plane = ir.Plane((4, 4), [0, 0, 0], np.eye(3, 2))
    frame = ir.Frame.from_array(np.ones((4, 4)), plane=plane, instance="1.2.3.4.5.1.1")
    bundle = ir.measure(resource, ir.Images([frame])).to_observations()
    known = entries(bundle)
    (selection,), (observation,) = (
        of_type(bundle, kind) for kind in ("ImagingSelection", "Observation")
    )
    assert findings(selection, f"{IRA}/imagingselectioncontent", guides, known) == []
    assert findings(observation, f"{IRA}/ira-observation", guides, known) == []
    assert list(eu_findings(selection)) == []
    assert observation["status"] == "unknown"


def test_r4b_is_valid_and_points_at_the_regions(report: ir.Report) -> None:
    bundle = report.to_observations("r4b")
    BundleR4B.model_validate(bundle)
    (basic,) = of_type(bundle, "Basic")
    now = report.to_observations()
    assert from_basic(basic) == now["entry"][0]["resource"]
    for r4b, r5 in zip(of_type(bundle, "Observation"), of_type(now, "Observation"), strict=True):
        (link,), (plain,) = derived_from(r4b), r5["derivedFrom"]
        assert link == {**plain, "type": "Basic"}
        assert r4b["component"] == r5["component"]


def changed(resource: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """Return a copy with other elements; None takes one out."""
    copied = copy.deepcopy(resource) | elements
    return {name: value for name, value in copied.items() if value is not None}


MUTATIONS = [
    ("imaging-measurement", {"subject": None}, "Observation.subject: expected 1..*, got 0"),
    ("imaging-measurement", {"subject": {"reference": "Device/1"}}, "reference to Device"),
    ("imaging-measurement", {"issued": None}, "Observation.issued: expected 1..*, got 0"),
    ("imaging-measurement", {"device": None}, "Observation.device: expected 1..*, got 0"),
    ("imaging-measurement", {"partOf": None}, "Observation.partOf: expected 1..*, got 0"),
    ("imaging-measurement", {"partOf": [{"type": "Procedure"}]}, "imagingStudyRef"),
    ("imaging-measurement", {"valueQuantity": None}, "Observation.value[x]: expected 1..*"),
    ("imaging-measurement", {"valueQuantity": None, "valueString": "1"}, "valueQuantity"),
    ("imaging-measurement", {"bodySite": {"text": "Liver"}}, "obs-8"),
    ("imaging-measurement", {"dataAbsentReason": {"text": "?"}}, "obs-6"),
    ("imaging-measurement-group", {"category": [{"text": "?"}]}, "Observation.category"),
    ("imaging-measurement-group", {"valueString": "1"}, "String is not one of its types"),
    ("image-region-2d", {"instance": None}, "ImagingSelection.instance: expected 1..*"),
    ("image-region-2d", {"instance": [{"uid": "1.2"}]}, "imageInstance: expected 1..*"),
    ("image-region-2d", {"code": {"coding": [{"code": "1"}]}}, "ImagingSelection.code.coding"),
    ("image-region-2d", {"status": "inactive"}, "is not in the value set"),
    ("image-region-3d", {"frameOfReferenceUid": None}, "frameOfReferenceUid: expected 1..1"),
]


@pytest.mark.parametrize(("profile", "elements", "finding"), MUTATIONS)
def test_the_validator_finds_what_is_wrong(
    guides: Definitions, report: ir.Report, profile: str, elements: dict[str, Any], finding: str
) -> None:
    known = entries(report.to_observations("dicom-sr", issued=NOW))
    sound = next(one for one in known.values() if f"{SR}/{profile}" in profiles_of(one))
    found = findings(changed(sound, **elements), f"{SR}/{profile}", guides, known)
    assert any(finding in one for one in found), found


def test_obs_7_and_two_regions_in_one_instance_are_found(
    guides: Definitions, report: ir.Report
) -> None:
    known = entries(report.to_observations("dicom-sr", issued=NOW))
    member = next(o for o in known.values() if f"{SR}/imaging-measurement" in profiles_of(o))
    part = {"code": member["code"], "valueQuantity": member["valueQuantity"]}
    found = findings(changed(member, component=[part]), f"{SR}/imaging-measurement", guides, known)
    assert [one for one in found if "obs-7" in one]
    region = next(o for o in known.values() if f"{SR}/image-region-2d" in profiles_of(o))
    twice = copy.deepcopy(region)
    twice["instance"][0]["imageRegion2D"] *= 2
    found = findings(twice, f"{SR}/image-region-2d", guides, known)
    assert any("imageRegion2D: expected 1..1, got 2" in one for one in found)


def test_a_target_must_conform_to_its_profile(guides: Definitions, report: ir.Report) -> None:
    known = entries(report.to_observations("dicom-sr", issued=NOW))
    member = next(o for o in known.values() if f"{SR}/imaging-measurement" in profiles_of(o))
    url = member["bodyStructure"]["reference"]
    bad = {**known, url: changed(known[url], identifier=known[url]["identifier"] * 2)}
    found = findings(member, f"{SR}/imaging-measurement", guides, bad)
    assert any("conforms to none of its profiles" in one for one in found)


def test_the_known_defect_of_region_in_space(
    guides: Definitions, examples: dict[str, dict[str, Any]]
) -> None:
    """The published pattern has 11.2.840... for the SOP class: only what repeats it conforms."""
    example = examples["ImagingSelection/measurement-report-region-in-space"]
    assert example["instance"][0]["sopClass"]["code"].startswith("11.2.840")
    right = copy.deepcopy(example)
    right["instance"][0]["sopClass"]["code"] = "1.2.840.10008.5.1.4.1.1.481.3"
    found = findings(right, f"{SR}/region-in-space", guides, examples)
    assert len(found) == 1
    assert "ImagingSelection.instance" in found[0]


def test_without_a_patient_no_profile_is_claimed() -> None:
    resource = json.loads(demo_selection())
    del resource["subject"]
    report = ir.measure(resource, demo_image())
    bundle = report.to_observations("dicom-sr", issued=NOW)
    claims = {url for entry in bundle["entry"] for url in profiles_of(entry["resource"])}
    assert claims == {f"{SR}/algorithm-identification"}
    assert "subject" not in json.dumps(bundle["entry"])
    (issue,) = bundle["issues"]["issue"]
    assert issue["expression"] == ["ImagingSelection.subject"]
    assert "require a Patient" in issue["diagnostics"]
    given = report.to_observations("dicom-sr", issued=NOW, subject="Patient/12")
    assert "issues" not in given
    assert len({url for e in given["entry"] for url in profiles_of(e["resource"])}) == 5
