"""Observations by the guide DICOM SR: what is said, what is missing, and what never is made up."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from hypothesis import given
from hypothesis import strategies as st

import imageregion as ir
from imageregion.errors import InputError
from imageregion.fhir.measured_codes import name_of
from imageregion.fhir.observations import FORMS, observations
from imageregion.measurement import Measurement, Method, RegionResult

Make = Callable[..., dict[str, Any]]
NOW = "2026-01-31T12:00:00Z"
PATIENT = {"reference": "Patient/1"}
GUIDE = "http://hl7.org/fhir/uv/dicom-sr/StructureDefinition"


def frame(**changes: Any) -> ir.Frame:
    plane = ir.Plane((16, 16), [0, 0, 0], np.eye(3, 2))
    known = {"instance": "1.2.3.4", "series": "1.2.3", "frame_of_reference": "1.2.9"}
    values = np.arange(256.0).reshape(16, 16)
    return ir.Frame.from_array(values, plane=plane, **{**known, **changes})


def measured(resource: dict[str, Any], **changes: Any) -> ir.Report:
    return ir.measure(resource, ir.Images([frame(**changes)]))


def of_type(bundle: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def group_of(bundle: Mapping[str, Any]) -> dict[str, Any]:
    (group,) = (o for o in of_type(bundle, "Observation") if "hasMember" in o)
    return group


def messages(bundle: Mapping[str, Any]) -> dict[str, str]:
    return {
        issue["expression"][0]: issue["diagnostics"]
        for issue in bundle.get("issues", {}).get("issue", [])
    }


def test_group_members_study_device_and_report(make: Make) -> None:
    report = measured(make(("circle", [8, 8, 11, 8]), subject=PATIENT))
    bundle = report.to_observations("dicom-sr", issued=NOW)
    Bundle.model_validate(json.loads(json.dumps(bundle, allow_nan=False)))
    assert "issues" not in bundle
    group = group_of(bundle)
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    study = by_url[group["partOf"][0]["reference"]]
    assert study["identifier"] == [{"system": "urn:dicom:uid", "value": "urn:oid:1.2"}]
    assert study["subject"] == PATIENT
    device = by_url[group["device"]["reference"]]
    assert device["displayName"] == "imageregion"
    assert device["version"] == [{"value": ir.__version__}]
    kinds = [one["type"]["coding"][0]["code"] for one in group["identifier"]]
    assert kinds == ["observation-uid", "112039", "112040"]
    assert group["identifier"][1]["value"] == "circle 1"
    for one in (group["identifier"][0], group["identifier"][2]):
        assert one["system"] == "urn:dicom:uid"
        assert len(one["value"].removeprefix("urn:oid:")) <= 64
    members = [by_url[one["reference"]] for one in group["hasMember"]]
    result = report.results[0]
    for member in members:
        name = name_of(member["code"], member.get("extension"))
        assert name is not None
        assert member["valueQuantity"]["value"] == result.get(*name)
        assert member["issued"] == NOW
        assert member["subject"] == PATIENT
    std = next(m for m in members if name_of(m["code"]) == ("std", ""))
    assert "divides by the number of pixels" in std["method"]["text"]


def test_every_channel_has_codes_of_its_own(make: Make) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (16, 16, 3)).astype(np.uint8)
    image = ir.Frame.from_array(
        pixels, instance="1.2.3.4", series="1.2.3", channels=("red", "green", "blue")
    )
    selection = make(("circle", [8, 8, 11, 8]), subject=PATIENT)
    report = ir.measure(selection, ir.Images([image]))
    bundle = report.to_observations("dicom-sr", issued=NOW)
    members = [o for o in of_type(bundle, "Observation") if "hasMember" not in o]
    codings = [(c["system"], c["code"]) for m in members for c in m["code"]["coding"]]
    assert len(codings) == len(set(codings))
    names = {name_of(m["code"], m.get("extension")) for m in members}
    assert {("mean", "red"), ("mean", "green"), ("max", "blue"), ("area", "")} <= names
    assert {name_of(m["code"]) for m in members} == names


def test_the_same_input_gives_the_same_bundle(make: Make) -> None:
    resource = make(("circle", [8, 8, 11, 8]), subject=PATIENT)
    once, again = (
        measured(copy.deepcopy(resource)).to_observations("dicom-sr", issued=NOW) for _ in "ab"
    )
    assert once == again
    later = measured(resource).to_observations("dicom-sr", issued="2027-01-31T12:00:00Z")
    assert [e["fullUrl"] for e in later["entry"]] == [e["fullUrl"] for e in once["entry"]]
    other = measured(make(("circle", [8, 8, 12, 8]), subject=PATIENT))
    urls = {e["fullUrl"] for e in other.to_observations("dicom-sr", issued=NOW)["entry"]}
    shared = urls & {e["fullUrl"] for e in once["entry"]}
    assert len(shared) == 1  # the device


def test_issued_is_the_present_only_where_it_must_be(make: Make) -> None:
    report = measured(make(("point", [3, 4]), subject=PATIENT))
    before = datetime.now(UTC) - timedelta(seconds=1)
    said = group_of(report.to_observations("dicom-sr"))["issued"]
    assert before <= datetime.fromisoformat(said) <= datetime.now(UTC)
    for form in ("r5", "r4b"):
        assert "issued" not in of_type(report.to_observations(form), "Observation")[0]
        one = of_type(report.to_observations(form, issued=NOW), "Observation")[0]
        assert one["issued"] == NOW
    zone = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert group_of(report.to_observations("dicom-sr", issued=zone))["issued"] == NOW


@pytest.mark.parametrize(
    "issued",
    ["2026-01-31", "2026-01-31T12:00:00", "2026-13-31T12:00:00Z", "now", datetime(2026, 1, 31), 5],
)
def test_what_is_no_instant_is_refused(make: Make, issued: Any) -> None:
    report = measured(make(("point", [3, 4])))
    for form in FORMS:
        with pytest.raises(InputError, match="issued: expected an instant with time zone"):
            report.to_observations(form, issued=issued)


def test_the_patient_of_the_caller(make: Make) -> None:
    report = measured(make(("point", [3, 4])))
    token = "http://hospital|4711"
    identifier = {
        "type": "Patient",
        "identifier": {"system": "http://hospital", "value": "4711"},
    }
    for given_subject, expected in ((token, identifier), ("Patient/1", PATIENT), (PATIENT,) * 2):
        bundle = report.to_observations("dicom-sr", issued=NOW, subject=given_subject)
        assert "issues" not in bundle
        for kind in ("ImagingSelection", "ImagingStudy", "Observation", "DiagnosticReport"):
            assert {json.dumps(r["subject"]) for r in of_type(bundle, kind)} == {
                json.dumps(expected)
            }
        plain = report.to_observations(subject=given_subject)
        assert of_type(plain, "Observation")[0]["subject"] == expected
        assert "subject" not in of_type(plain, "ImagingSelection")[0]


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "x",
        "Patient 1",
        "a|",
        {"display": "Ann"},
        {},
        5,
        {"reference": 5},
        {"reference": "a", "x": 1},
    ],
)
def test_what_is_no_reference_is_refused(make: Make, subject: Any) -> None:
    with pytest.raises(InputError, match="subject: expected"):
        measured(make(("point", [3, 4]))).to_observations(subject=subject)


def test_the_patient_is_never_another_one(make: Make) -> None:
    report = measured(make(("point", [3, 4]), subject=PATIENT))
    assert report.to_observations(subject="Patient/1") == report.to_observations()
    for form in FORMS:
        with pytest.raises(InputError, match="the selection is about 'Patient/1'"):
            report.to_observations(form, subject="Patient/2")


@pytest.mark.parametrize("subject", [..., {"reference": "Device/1"}, {"reference": "Specimen/1"}])
def test_without_a_patient_nothing_claims_to_have_one(make: Make, subject: Any) -> None:
    report = measured(make(("circle", [8, 8, 11, 8]), subject=subject))
    bundle = report.to_observations("dicom-sr", issued=NOW)
    Bundle.model_validate(bundle)
    assert list(messages(bundle)) == ["ImagingSelection.subject"]
    claims = [
        url
        for e in bundle["entry"]
        for url in e["resource"].get("meta", {"profile": []})["profile"]
    ]
    assert claims == [f"{GUIDE}/algorithm-identification"]
    assert not of_type(bundle, "Patient")
    assert not of_type(bundle, "ImagingStudy")
    assert group_of(bundle)["partOf"][0]["identifier"]["value"] == "urn:oid:1.2"


def test_without_a_study_no_profile_of_observations_is_claimed(make: Make) -> None:
    resource = make(("circle", [8, 8, 11, 8]), subject=PATIENT, studyUid=...)
    bundle = measured(resource).to_observations("dicom-sr", issued=NOW)
    assert list(messages(bundle)) == ["ImagingSelection.studyUid"]
    assert "partOf" not in group_of(bundle)
    assert "meta" not in group_of(bundle)
    (selection,) = of_type(bundle, "ImagingSelection")
    assert selection["meta"]["profile"] == [f"{GUIDE}/image-region-2d"]
    known = measured(resource, study="1.7").to_observations("dicom-sr", issued=NOW)
    assert group_of(known)["partOf"][0]["identifier"]["value"] == "urn:oid:1.7"
    assert "issues" not in known


def test_a_study_that_the_selection_names_is_kept(make: Make) -> None:
    named = [{"reference": "ImagingStudy/7"}, {"reference": "DocumentReference/1"}]
    resource = make(("circle", [8, 8, 11, 8]), subject=PATIENT, derivedFrom=named)
    bundle = measured(resource).to_observations("dicom-sr", issued=NOW)
    assert not of_type(bundle, "ImagingStudy")
    assert group_of(bundle)["partOf"][0]["reference"] == "ImagingStudy/7"
    (selection,) = of_type(bundle, "ImagingSelection")
    assert [one["reference"] for one in selection["derivedFrom"]] == [
        "ImagingStudy/7",
        "DocumentReference/1",
    ]


def test_of_several_studies_none_is_picked(make: Make) -> None:
    named = [{"reference": "ImagingStudy/7"}, {"reference": "ImagingStudy/8"}]
    resource = make(("circle", [8, 8, 11, 8]), subject=PATIENT, derivedFrom=named)
    bundle = measured(resource).to_observations("dicom-sr", issued=NOW)
    (selection,) = of_type(bundle, "ImagingSelection")
    assert selection["derivedFrom"] == named
    assert "meta" not in selection
    (study,) = of_type(bundle, "ImagingStudy")
    assert group_of(bundle)["partOf"][0]["reference"] == f"urn:uuid:{study['id']}"


def test_a_region_measured_on_images_of_another_study(make: Make) -> None:
    """Both studies are named: the Observation is part of one, the region is on the other."""
    resource = make(("point", [3, 4, 0]), dimension=3, subject=PATIENT)
    images = ir.Images(
        [frame(), frame(instance="1.7.7.7", series="1.7.7", study="1.7", modality="PT")]
    )
    report = ir.measure(resource, images, on="1.7.7")
    assert report.results[0].instances == ("1.7.7.7",)
    bundle = report.to_observations("dicom-sr", issued=NOW)
    Bundle.model_validate(bundle)
    study = {
        r["identifier"][0]["value"]: f"urn:uuid:{r['id']}" for r in of_type(bundle, "ImagingStudy")
    }
    assert study.keys() == {"urn:oid:1.2", "urn:oid:1.7"}
    assert group_of(bundle)["partOf"][0]["reference"] == study["urn:oid:1.7"]
    (selection,) = of_type(bundle, "ImagingSelection")
    assert selection["derivedFrom"][0]["reference"] == study["urn:oid:1.2"]
    assert selection["studyUid"] == "1.2"


def test_a_specimen_stays_the_subject_of_its_region(make: Make) -> None:
    specimen = {"reference": "Specimen/1"}
    report = measured(make(("circle", [8, 8, 11, 8]), subject=specimen))
    bundle = report.to_observations("dicom-sr", issued=NOW, subject="Patient/1")
    (selection,) = of_type(bundle, "ImagingSelection")
    assert selection["subject"] == specimen
    assert "meta" not in selection
    group = group_of(bundle)
    assert (group["specimen"], group["subject"]) == (specimen, PATIENT)
    assert group["meta"]["profile"] == [f"{GUIDE}/imaging-measurement-group"]


def test_contained_resources_go_where_they_are_referred_to(make: Make) -> None:
    inside = [
        {"resourceType": "Patient", "id": "p", "managingOrganization": {"reference": "#o"}},
        {"resourceType": "Organization", "id": "o", "name": "Hospital"},
    ]
    subject = {"reference": "#p"}
    report = measured(make(("circle", [8, 8, 11, 8]), subject=subject, contained=inside))
    for form, validate in (("r5", Bundle), ("dicom-sr", Bundle), ("r4b", BundleR4B)):
        bundle = report.to_observations(form, issued=NOW)  # type: ignore[arg-type]
        validate.model_validate(json.loads(json.dumps(bundle)))
        assert "issues" not in bundle
        for observation in of_type(bundle, "Observation"):
            assert observation["subject"] == subject
            assert [one["id"] for one in observation["contained"]] == ["p", "o"]
        for device in of_type(bundle, "Device"):
            assert "contained" not in device


def test_what_is_no_number_is_left_out_and_named(make: Make) -> None:
    selection = ir.read_selection(make(("circle", [8, 8, 11, 8]), subject=PATIENT))
    region = selection.regions[0]
    method = Method("center", "evenodd", "center", "HU", "0.1.0")
    values = {"count": 0.0, "mean": None, "std": None, "area": 7.5, "sum": math.inf}
    numbers = tuple(Measurement(region.path, c, v, "1", method) for c, v in values.items())
    result = RegionResult(region, (), numbers)
    bundle = observations(selection, [result], "dicom-sr", issued=NOW)
    members = [o for o in of_type(bundle, "Observation") if "hasMember" not in o]
    assert [name_of(m["code"]) for m in members] == [("count", ""), ("area", "")]
    found = [issue["diagnostics"] for issue in bundle["issues"]["issue"]]
    assert found == [
        "no number for mean, std: Not Applicable",
        "no number for sum: Positive Infinity (PINF)",
    ]
    nothing = observations(selection, [RegionResult(region, (), ())], "dicom-sr", issued=NOW)
    Bundle.model_validate(nothing)
    (group,) = of_type(nothing, "Observation")
    assert group["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    assert "meta" not in group  # no device


def test_a_finding_site_has_the_tracking_identifiers(make: Make) -> None:
    site = {"concept": {"text": "Liver"}}
    resource = make(("circle", [8, 8, 11, 8]), ("point", [3, 4]), subject=PATIENT, bodySite=site)
    bundle = measured(resource).to_observations("dicom-sr", issued=NOW)
    sites = of_type(bundle, "BodyStructure")
    groups = [o for o in of_type(bundle, "Observation") if "hasMember" in o]
    assert [s["identifier"] for s in sites] == [g["identifier"][1:] for g in groups]
    assert [f"urn:uuid:{s['id']}" for s in sites] == [
        g["bodyStructure"]["reference"] for g in groups
    ]
    assert all("bodySite" not in group for group in groups)
    resource["subject"] = {"reference": "Group/1"}
    bundle = measured(resource).to_observations("dicom-sr", issued=NOW)
    assert not of_type(bundle, "BodyStructure")
    assert of_type(bundle, "Observation")[0]["bodySite"] == {"text": "Liver"}


def test_a_region_taken_out_keeps_what_belongs_to_it(make: Make) -> None:
    resource = make(
        ("point", [3, 4]),
        ("circle", [8, 8, 11, 8]),
        subject=PATIENT,
        identifier=[{"system": "urn:x", "value": "7"}],
        instance={"subset": ["1"], "number": 5},
        meta={"security": [{"code": "R"}], "profile": ["http://example.org/p"]},
        extension=[{"url": "http://example.org/e", "valueString": "x"}],
        text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    )
    bundle = measured(resource).to_observations("dicom-sr", issued=NOW)
    _, selection = of_type(bundle, "ImagingSelection")
    instance = {k: v for k, v in resource["instance"][0].items() if k != "imageRegion2D"}
    region = resource["instance"][0]["imageRegion2D"][1]
    assert selection["instance"] == [{**instance, "imageRegion2D": [region]}]
    assert selection["meta"] == {
        "security": [{"code": "R"}],
        "profile": [f"{GUIDE}/image-region-2d"],
    }
    origin, kept = selection["extension"]
    assert kept == resource["extension"][0]
    parts = {part["url"]: part for part in origin["extension"]}
    assert parts["path"]["valueString"] == "ImagingSelection.instance[0].imageRegion2D[1]"
    assert parts["identifier"]["valueIdentifier"] == {"system": "urn:x", "value": "7"}
    assert parts["code"]["valueCodeableConcept"] == resource["code"]
    assert not {"text", "identifier"} & selection.keys()


def test_whole_images_are_no_image_regions(make: Make) -> None:
    report = measured(make(subject=PATIENT))
    bundle = report.to_observations("dicom-sr", issued=NOW)
    Bundle.model_validate(bundle)
    (selection,) = of_type(bundle, "ImagingSelection")
    assert selection["code"] == {"text": "Test"}
    assert "meta" not in selection
    assert selection["instance"] == [{"uid": "1.2.3.4"}]
    assert group_of(bundle)["meta"]["profile"] == [f"{GUIDE}/imaging-measurement-group"]


def test_regions_of_another_dialect_are_found_in_the_resource_that_is_sent(make: Make) -> None:
    """A multipoint of R6 is several points of R5, and what follows it has another place there."""
    resource = make(("multipoint", [1, 1, 2, 2]), ("circle", [8, 8, 11, 8]), subject=PATIENT)
    resource["instance"][0]["sopClass"] = "urn:oid:1.2.840.10008.5.1.4.1.1.2"
    report = measured(resource)
    assert [region.type for region in report.selection.regions] == ["multipoint", "circle"]
    bundle = report.to_observations()
    Bundle.model_validate(bundle)
    source, points, circle = (entry["resource"] for entry in bundle["entry"])
    paths = [e["valueString"] for e in points["derivedFrom"][0]["extension"]]
    found = [source["instance"][0]["imageRegion2D"][int(path[-2])] for path in paths]
    assert [one["coordinate"] for one in found] == [[1, 1], [2, 2]]
    (path,) = (e["valueString"] for e in circle["derivedFrom"][0]["extension"])
    assert path == "ImagingSelection.instance[0].imageRegion2D[2]"
    apart = report.to_observations("dicom-sr", issued=NOW)
    Bundle.model_validate(apart)
    said = report.to_observations("r4b")
    BundleR4B.model_validate(said)
    assert [issue["details"]["text"] for issue in said["entry"][-1]["resource"]["issue"]] == [
        issue["details"]["text"] for issue in bundle["issues"]["issue"]
    ]
    selection = of_type(apart, "ImagingSelection")[0]
    assert [len(instance["imageRegion2D"]) for instance in selection["instance"]] == [1, 1]


def test_an_unknown_form_is_refused(make: Make) -> None:
    report = measured(make(("point", [3, 4])))
    with pytest.raises(InputError, match="form: expected one of r5, dicom-sr, r4b, got 'r3'"):
        report.to_observations("r3")  # type: ignore[arg-type]


@given(st.data())
def test_malformed_parts_of_a_selection_never_make_an_invalid_bundle(data: st.DataObject) -> None:
    junk = st.sampled_from([None, 5, "x", [], {}, [None], [5], {"reference": 5}, {"text": 5}])
    names = ("bodySite", "derivedFrom", "contained", "identifier", "meta", "extension", "subject")
    resource: dict[str, Any] = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "x"},
        "instance": [
            {
                "uid": "1.2.3.4",
                "imageRegion2D": [
                    {"regionType": "circle", "coordinate": [8, 8, 11, 8], "id": data.draw(junk)}
                ],
                "sopClass": data.draw(junk),
            }
        ],
    }
    for name in names:
        if data.draw(st.booleans()):
            resource[name] = data.draw(junk)
    try:
        report = measured(resource)
    except ir.ImageRegionError:
        return
    Bundle.model_validate(report.to_observations("dicom-sr", issued=NOW))
