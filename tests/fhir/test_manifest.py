"""STU3 ImagingManifest to ImagingSelections and back: what survives, and what is listed as lost."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from fhir.resources.imagingselection import ImagingSelection
from fhir.resources.STU3.imagingmanifest import ImagingManifest
from hypothesis import given
from hypothesis import strategies as st

from imageregion.errors import FhirError, ImageRegionError, InputError, Issue
from imageregion.fhir.document import read_selection
from imageregion.fhir.manifest import from_selections, read_pieces, to_selections
from imageregion.fhir.normalized import original_place
from imageregion.fhir.studies import read_study
from imageregion.fhir.studies.effective import MAX_ENDPOINTS

CT, SC = "urn:oid:1.2.840.10008.5.1.4.1.1.2", "urn:oid:1.2.840.10008.5.1.4.1.1.7"
SYSTEM = "http://hl7.org/fhir/endpoint-connection-type"


def endpoint(name: str, kind: str) -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "id": name,
        "status": "active",
        "connectionType": {"system": SYSTEM, "code": kind},
        "payloadType": [{"text": "DICOM"}],
        "payloadMimeType": ["application/dicom"],
        "address": f"https://{name}.example.org",
    }


def manifest_of(**changes: Any) -> dict[str, Any]:
    """One study: a series of a screenshot with an endpoint of its own, and one of two CT images."""
    found = {
        "resourceType": "ImagingManifest",
        "identifier": {"value": "urn:oid:1.9"},
        "patient": {"reference": "Patient/1"},
        "authoringTime": "2014-11-20T11:01:20-08:00",
        "author": {"reference": "Practitioner/2"},
        "description": "to share",
        "study": [
            {
                "uid": "urn:oid:1.2",
                "imagingStudy": {"reference": "ImagingStudy/3"},
                "endpoint": [{"reference": "Endpoint/view"}, {"reference": "Endpoint/rs"}],
                "series": [
                    {
                        "uid": "urn:oid:1.2.3",
                        "endpoint": [{"reference": "Endpoint/own"}],
                        "instance": [{"uid": "urn:oid:1.2.3.1", "sopClass": SC}],
                    },
                    {
                        "uid": "urn:oid:1.2.4",
                        "instance": [
                            {"uid": "urn:oid:1.2.4.1", "sopClass": CT},
                            {"uid": "urn:oid:1.2.4.2", "sopClass": CT},
                        ],
                    },
                ],
            }
        ],
        **changes,
    }
    return {key: value for key, value in found.items() if value is not ...}


SHELF = [
    endpoint("view", "ihe-iid"),
    endpoint("rs", "dicom-wado-rs"),
    endpoint("own", "dicom-wado-rs"),
]


def codes(issues: tuple[Issue, ...], *severities: str) -> list[str]:
    return [one.code for one in issues if not severities or one.severity in severities]


def names(selection: dict[str, Any]) -> list[str]:
    return [one["reference"] for one in selection.get("endpoint", [])]


# --- to selections ----------------------------------------------------------------------------


def test_each_series_becomes_a_selection_that_fhir_accepts() -> None:
    (first, issues), (second, others) = to_selections(manifest_of(), endpoints=SHELF)
    assert first["studyUid"] == second["studyUid"] == "1.2"
    assert (first["seriesUid"], second["seriesUid"]) == ("1.2.3", "1.2.4")
    assert first["instance"] == [
        {"uid": "1.2.3.1", "sopClass": {"system": "urn:ietf:rfc:3986", "code": SC}}
    ]
    assert [one["uid"] for one in second["instance"]] == ["1.2.4.1", "1.2.4.2"]
    for selection in (first, second):
        ImagingSelection.model_validate(copy.deepcopy(selection))
        assert selection["identifier"] == [{"value": "urn:oid:1.9"}]
        assert selection["status"] == "available"
        assert selection["subject"] == {"reference": "Patient/1"}
        assert selection["issued"] == "2014-11-20T11:01:20-08:00"
        (performer,) = selection["performer"]
        assert performer["actor"] == {"reference": "Practitioner/2"}
        assert performer["function"]["coding"][0]["code"] == "AUT"
        assert selection["code"]["text"] == "to share"
        assert selection["code"]["coding"][0]["code"] == "113030"
        (derived,) = selection["derivedFrom"]
        assert derived["reference"] == "ImagingStudy/3"
        assert derived["identifier"] == {"system": "urn:dicom:uid", "value": "urn:oid:1.2"}
    assert codes(issues) == ["endpoint-overridden"]
    assert others == ()


def test_endpoints_of_a_series_override_those_of_the_study_by_type() -> None:
    (first, _), (second, _) = to_selections(manifest_of(), endpoints=SHELF)
    assert names(first) == ["Endpoint/own", "Endpoint/view"]
    assert names(second) == ["Endpoint/view", "Endpoint/rs"]


def test_endpoints_whose_type_is_not_known_are_kept_and_that_is_said() -> None:
    (first, issues), (second, others) = to_selections(manifest_of())
    assert names(first) == ["Endpoint/own", "Endpoint/view", "Endpoint/rs"]
    assert codes(issues) == ["endpoint-unresolved"] * 2
    assert names(second) == ["Endpoint/view", "Endpoint/rs"]
    assert others == ()


def test_contained_endpoints_go_along_in_the_form_of_r5() -> None:
    inside = [endpoint("view", "ihe-iid"), endpoint("rs", "dicom-wado-rs")]
    manifest = manifest_of(contained=inside)
    manifest["study"][0]["endpoint"] = [{"reference": "#rs"}]
    manifest["study"][0]["series"][0]["endpoint"] = [{"reference": "#view"}]
    (first, _), (second, _) = to_selections(manifest)
    assert [one["id"] for one in first["contained"]] == ["view", "rs"]
    assert [one["id"] for one in second["contained"]] == ["rs"]
    for selection in (first, second):
        ImagingSelection.model_validate(copy.deepcopy(selection))
    back, _ = from_selections([first, second])
    ImagingManifest.model_validate(copy.deepcopy(back))
    assert back["contained"] == inside


@pytest.mark.parametrize("time", ["2014", "2014-11", "2014-11-20", "2014-11-20T11:01:20"])
def test_a_time_that_is_no_instant_is_kept_and_never_completed(time: str) -> None:
    (first, issues), _ = to_selections(manifest_of(authoringTime=time), endpoints=SHELF)
    assert "issued" not in first
    assert first["_issued"]["extension"][0]["valueDateTime"] == time
    assert "partial-time" in codes(issues, "warning")
    back, _ = from_selections([first])
    assert back["authoringTime"] == time


def test_a_series_without_usable_instances_is_left_out_not_widened() -> None:
    manifest = manifest_of()
    manifest["study"][0]["series"][0]["instance"] = [{"uid": "?"}]
    ((only, issues),) = to_selections(manifest, endpoints=SHELF)
    assert only["seriesUid"] == "1.2.4"
    assert codes(issues, "error") == ["invalid-uid", "no-instance"]
    manifest["study"][0]["series"][1]["instance"] = []
    with pytest.raises(FhirError, match=r"no series can be used: .*mean the whole series"):
        to_selections(manifest)


def test_places_tell_where_elements_stood() -> None:
    manifest = manifest_of()
    manifest["study"][0]["series"][1]["instance"].insert(0, {"uid": "?"})
    piece = read_pieces(manifest)[1]
    assert piece.resource["instance"][0]["uid"] == "1.2.4.1"
    place = original_place(("instance", 0, "uid"), piece.places)
    assert place == ("study", 0, "series", 1, "instance", 1, "uid")


def test_what_is_not_carried_over_is_listed() -> None:
    manifest = manifest_of(id="m", language="en", colour="red", patient=...)
    manifest["study"][0]["note"] = "x"
    manifest["study"][0]["series"][1]["instance"][0]["weight"] = 1
    del manifest["study"][0]["series"][1]["instance"][0]["sopClass"]
    (_, issues), (_, others) = to_selections(manifest, endpoints=SHELF)
    assert {one.path for one in issues if one.code == "not-carried-over"} == {
        "ImagingManifest.id",
        "ImagingManifest.language",
        "ImagingManifest.colour",
        "ImagingManifest.study[0].note",
    }
    assert "patient" in codes(issues, "warning")
    assert codes(others, "warning") == ["sop-class", "not-carried-over"]


@pytest.mark.parametrize(
    "manifest",
    [
        *({"resourceType": "Bundle"}, {}, [], "x", None),
        {"resourceType": "ImagingManifest"},
        {"resourceType": "ImagingManifest", "study": [{"series": [5]}, 5]},
    ],
)
def test_other_things_are_refused(manifest: Any) -> None:
    with pytest.raises(ImageRegionError):
        to_selections(manifest)


def test_many_endpoints_are_bounded() -> None:
    manifest = manifest_of()
    manifest["study"][0]["endpoint"] = [{"reference": f"Endpoint/{n}"} for n in range(150)]
    (first, issues), _ = to_selections(manifest)
    assert len(first["endpoint"]) == MAX_ENDPOINTS + 1
    assert "too-many-endpoints" in codes(issues, "error")


# --- from selections --------------------------------------------------------------------------


def selection_of(**changes: Any) -> dict[str, Any]:
    found = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "Cyst"},
        "subject": {"reference": "Patient/1", "type": "Patient"},
        "studyUid": "1.2",
        "seriesUid": "1.2.3",
        "instance": [{"uid": "1.2.3.4", "sopClass": {"code": CT}}],
        **changes,
    }
    return {key: value for key, value in found.items() if value is not ...}


def test_everything_that_does_not_survive_is_listed_with_its_path() -> None:
    regions = [
        {"regionType": "point", "coordinate": [1, 2]},
        {"regionType": "circle", "coordinate": [1, 2, 3, 4]},
    ]
    selection = selection_of(
        status="unknown",
        frameOfReferenceUid="1.9",
        bodySite={"concept": {"text": "Liver"}},
        code={"coding": [{"code": "111030", "display": "Image Region"}]},
        instance=[
            {
                "uid": "1.2.3.4",
                "sopClass": {"code": CT},
                "number": 3,
                "subset": ["1"],
                "imageRegion2D": regions,
            }
        ],
    )
    manifest, losses = from_selections([selection])
    ImagingManifest.model_validate(copy.deepcopy(manifest))
    assert manifest["description"] == "Image Region"
    assert {one.path for one in losses if one.severity == "warning"} == {
        f"ImagingSelection.{rest}"
        for rest in (
            *("status", "frameOfReferenceUid", "bodySite", "code", "instance[0].number"),
            *("instance[0].subset", "instance[0].imageRegion2D[0]", "instance[0].imageRegion2D[1]"),
        )
    }
    assert not [one for one in losses if one.severity == "error"]


def test_paths_of_losses_are_those_of_the_original_document() -> None:
    resource = selection_of(
        frameOfReferenceUid="1.9",
        imageRegion3D=[{"regionType": "point", "coordinate": [1, 2, 3]}],
        instance=[{"uid": "1.2.3.4", "sopClass": CT}],
    )
    selection = read_selection(resource)
    manifest, losses = from_selections([selection])
    assert manifest["study"][0]["series"][0]["instance"][0]["sopClass"] == CT
    assert "ImagingSelection.imageRegion3D[0]" in {one.path for one in losses}


def test_selections_of_one_series_are_put_together() -> None:
    more = [{"uid": "1.2.3.4"}, {"uid": "1.2.3.5", "sopClass": {"code": CT}}]
    first, second = selection_of(id="a"), selection_of(id="b", instance=more, code={"text": "Node"})
    manifest, losses = from_selections([first, second])
    ((series,),) = [study["series"] for study in manifest["study"]]
    assert [one["uid"] for one in series["instance"]] == ["urn:oid:1.2.3.4", "urn:oid:1.2.3.5"]
    assert "description" not in manifest
    assert [one.path for one in losses if one.severity == "warning"] == ["ImagingSelection.code"]
    assert any(one.message.startswith("b: ") for one in losses)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "entered-in-error"}, "the selection was withdrawn"),
        ({"studyUid": ...}, "no studyUid"),
        ({"seriesUid": ...}, "no seriesUid"),
        ({"instance": ...}, "the whole series is selected"),
        ({"instance": [{}]}, "the instance has no UID"),
    ],
)
def test_what_has_no_place_is_left_out_with_the_reason(
    changes: dict[str, Any], reason: str
) -> None:
    manifest, losses = from_selections([selection_of(**changes), selection_of()])
    assert len(manifest["study"]) == 1
    assert any(reason in one.message for one in losses if one.severity == "error")
    with pytest.raises(FhirError, match=reason):
        from_selections([selection_of(**changes)])


def test_the_instances_of_a_whole_series_come_from_the_study() -> None:
    study = read_study(
        {
            "resourceType": "ImagingStudy",
            "uid": "urn:oid:1.2",
            "series": [{"uid": "urn:oid:1.2.3", "instance": [{"uid": "urn:oid:1.7"}]}],
        }
    )
    manifest, _ = from_selections([selection_of(instance=...)], studies=[study])
    assert manifest["study"][0]["series"][0]["instance"][0]["uid"] == "urn:oid:1.7"


def test_the_study_uid_may_come_from_the_study_it_is_derived_from() -> None:
    derived = [{"identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.8"}}]
    manifest, losses = from_selections([selection_of(studyUid=..., derivedFrom=derived)])
    assert manifest["study"][0]["uid"] == "urn:oid:1.8"
    assert "ImagingSelection.derivedFrom" in {one.path for one in losses}


def test_patients_must_agree_and_a_missing_one_is_stated_to_be_missing() -> None:
    with pytest.raises(FhirError, match="expected selections of one patient"):
        from_selections([selection_of(), selection_of(subject={"reference": "Patient/9"})])
    manifest, _ = from_selections([selection_of(subject=...)])
    ImagingManifest.model_validate(copy.deepcopy(manifest))
    assert manifest["patient"]["extension"][0]["valueCode"] == "unknown"
    manifest, losses = from_selections([selection_of(subject={"reference": "Device/1"})])
    assert "reference" not in manifest["patient"]
    assert "ImagingSelection.subject" in {one.path for one in losses}


def test_a_missing_sop_class_is_stated_to_be_missing() -> None:
    manifest, losses = from_selections([selection_of(instance=[{"uid": "1.2.3.4"}])])
    ImagingManifest.model_validate(copy.deepcopy(manifest))
    assert "_sopClass" in manifest["study"][0]["series"][0]["instance"][0]
    assert "ImagingSelection.instance[0].sopClass" in {one.path for one in losses}


def test_performers_other_than_the_author_are_lost() -> None:
    author = {"coding": [{"code": "AUT"}]}
    author["coding"][0]["system"] = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
    performers: list[dict[str, Any]] = [
        {"actor": {"reference": "Practitioner/1"}},
        {"function": author, "actor": {"reference": "Device/2"}},
    ]
    manifest, losses = from_selections([selection_of(performer=performers)])
    assert manifest["author"] == {"reference": "Device/2"}
    assert "ImagingSelection.performer[0]" in {one.path for one in losses}
    team = [{"actor": {"reference": "CareTeam/1"}}]
    manifest, losses = from_selections([selection_of(performer=team)])
    assert "author" not in manifest
    assert "ImagingSelection.performer[0]" in {one.path for one in losses}


def test_contained_resources_other_than_endpoints_leave_no_dangling_reference() -> None:
    person = {"resourceType": "Patient", "id": "p"}
    manifest, losses = from_selections(
        [selection_of(contained=[person], subject={"reference": "#p", "display": "Doe"})]
    )
    ImagingManifest.model_validate(copy.deepcopy(manifest))
    assert manifest["patient"] == {"display": "Doe"}
    assert "ImagingSelection.contained[0]" in {one.path for one in losses}


def test_other_endpoints_of_the_same_id_are_contained_under_another() -> None:
    def holding(kind: str, series: str) -> dict[str, Any]:
        own = {"resourceType": "Endpoint", "id": "e", "status": "active", "address": "https://a"}
        own["connectionType"] = [{"coding": [{"code": kind}]}]  # type: ignore[assignment]
        return selection_of(contained=[own], endpoint=[{"reference": "#e"}], seriesUid=series)

    manifest, _ = from_selections([holding("ihe-iid", "1.1"), holding("dicom-wado-rs", "1.3")])
    assert [one["id"] for one in manifest["contained"]] == ["e", "e-2"]
    listed = [one["endpoint"] for one in manifest["study"][0]["series"]]
    assert listed == [[{"reference": "#e"}], [{"reference": "#e-2"}]]


def test_other_things_make_no_manifest() -> None:
    with pytest.raises(InputError):
        from_selections([5])  # type: ignore[list-item]
    with pytest.raises(FhirError, match="no selection"):
        from_selections([])


# --- round trips ------------------------------------------------------------------------------

_uids = st.integers(1, 10**6).map(lambda number: f"urn:oid:1.2.{number}")
_text = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9)
_reference = st.builds(lambda name: {"reference": f"Endpoint/{name}"}, st.sampled_from("abcdef"))
_references = st.lists(_reference, max_size=3, unique_by=lambda one: one["reference"])
_times = st.sampled_from(
    ["2014", "2014-11", "2014-11-20", "2014-11-20T11:01:20-08:00", "2014-11-20T11:01:20.250Z"]
)


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """Manifests in the form that is written: the endpoints of all series alike, or each its own."""
    numbers = iter(draw(st.lists(_uids, min_size=12, max_size=12, unique=True)))
    found: dict[str, Any] = {"resourceType": "ImagingManifest"}
    if draw(st.booleans()):
        found["identifier"] = {"system": "urn:dicom:uid", "value": next(numbers)}
    found["patient"] = {"reference": "Patient/1"}
    if draw(st.booleans()):
        found["authoringTime"] = draw(_times)
    if draw(st.booleans()):
        found["author"] = {"reference": "Device/1", "display": draw(_text)}
    if draw(st.booleans()):
        found["description"] = draw(_text)
    found["study"] = []
    for _ in range(draw(st.integers(1, 2))):
        study: dict[str, Any] = {"uid": next(numbers)}
        if draw(st.booleans()):
            study["imagingStudy"] = {"reference": "ImagingStudy/9"}
        study["series"] = []
        for _ in range(draw(st.integers(1, 2))):
            series: dict[str, Any] = {"uid": next(numbers)}
            endpoints = draw(_references)
            if endpoints:
                series["endpoint"] = endpoints
            series["instance"] = [
                {"sopClass": draw(st.sampled_from([CT, SC])), "uid": next(numbers)}
            ]
            study["series"].append(series)
        found["study"].append(study)
    return found


def effective(manifest: dict[str, Any]) -> dict[str, list[str]]:
    """Endpoints of each series, when none is at hand: its own, then those of the study."""
    return {
        series["uid"]: [
            one["reference"] for one in [*series.get("endpoint", []), *study.get("endpoint", [])]
        ]
        for study in manifest["study"]
        for series in study["series"]
    }


@given(manifests())
def test_a_manifest_comes_back_from_its_selections(manifest: dict[str, Any]) -> None:
    before = json.dumps(manifest)
    selections = [selection for selection, _ in to_selections(manifest)]
    back, losses = from_selections(selections)
    assert json.dumps(manifest) == before
    assert not [one for one in losses if one.severity != "information"]
    assert effective(back) == effective(manifest)
    bare = copy.deepcopy([manifest, back])
    for one in bare:
        for study in one["study"]:
            for element in (study, *study["series"]):
                element.pop("endpoint", None)
    assert bare[0] == bare[1]


@given(manifests())
def test_selections_come_back_from_their_manifest_unchanged(manifest: dict[str, Any]) -> None:
    selections = [selection for selection, _ in to_selections(manifest)]
    again, _ = from_selections(selections)
    assert [selection for selection, _ in to_selections(again)] == selections


@given(manifests())
def test_what_is_written_is_valid(manifest: dict[str, Any]) -> None:
    ImagingManifest.model_validate(copy.deepcopy(manifest))
    selections = [selection for selection, _ in to_selections(manifest)]
    for selection in selections:
        ImagingSelection.model_validate(copy.deepcopy(selection))
    ImagingManifest.model_validate(copy.deepcopy(from_selections(selections)[0]))


def test_one_endpoint_at_hand_is_not_enough_to_tell_what_another_overrides() -> None:
    manifest = manifest_of()
    manifest["study"][0]["series"][0]["endpoint"].append({"reference": "Endpoint/elsewhere"})
    (first, issues), _ = to_selections(manifest, endpoints=SHELF)
    assert names(first) == ["Endpoint/own", "Endpoint/elsewhere", "Endpoint/view"]
    assert codes(issues) == ["endpoint-unresolved", "endpoint-overridden"]
