"""Contained resources in other versions of FHIR: Endpoints, what is left out, and references."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fhir.resources.endpoint import Endpoint
from fhir.resources.imagingselection import ImagingSelection
from fhir.resources.R4B.basic import Basic
from fhir.resources.R4B.endpoint import Endpoint as EndpointR4B
from fhir.resources.STU3.endpoint import Endpoint as EndpointSTU3
from hypothesis import given
from hypothesis import strategies as st

from imageregion.fhir.cross_version import contained_to_r4b, from_basic, to_basic
from imageregion.fhir.cross_version.endpoints import (
    absent,
    endpoint_to_r4,
    endpoint_to_r5,
    endpoint_to_stu3,
)
from imageregion.fhir.document import read_selection
from imageregion.fhir.manifest import from_selections
from imageregion.fhir.sound import sound_resource
from imageregion.fhir.writing import write

Make = Callable[..., dict[str, Any]]

SYSTEM = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
RS = {"system": SYSTEM, "code": "dicom-wado-rs"}
BARE = {"resourceType": "Endpoint", "id": "w", "status": "active", "address": "https://s.org/rs"}
R5 = BARE | {"connectionType": [{"coding": [RS]}], "payload": [{"type": [{"text": "x"}]}]}
R4 = BARE | {"connectionType": RS, "payloadType": [{"text": "x"}]}
STU3 = R4 | {"connectionType": RS | {"system": "http://hl7.org/fhir/endpoint-connection-type"}}
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Doe"}]}
DEVICE = {"resourceType": "Device", "id": "d", "displayName": "CT 1"}  # an element of R5
LEFT_OUT = {"display": "a contained resource, left out"}


def local_names(value: Any) -> Iterator[str]:
    """All that references of the form "#id" name."""
    if isinstance(value, dict):
        if str(value.get("reference")).startswith("#"):
            yield value["reference"][1:]
        for one in value.values():
            yield from local_names(one)
    elif isinstance(value, list):
        for one in value:
            yield from local_names(one)


def is_tied(resource: dict[str, Any]) -> bool:
    """Invariants ref-1 and dom-3: what is referred to is contained, and the other way round."""
    return set(local_names(resource)) == {one["id"] for one in resource.get("contained", [])}


@pytest.mark.parametrize(
    ("other", "to_other", "model"),
    [(R4, endpoint_to_r4, EndpointR4B), (STU3, endpoint_to_stu3, EndpointSTU3)],
)
def test_an_endpoint_there_and_back(other: dict[str, Any], to_other: Any, model: Any) -> None:
    made, lost = to_other(R5)
    assert (made, lost) == (other, [])
    assert endpoint_to_r5(made) == R5
    assert endpoint_to_r5(R5) == R5
    assert endpoint_to_r4(R4) == (R4, [])
    model.model_validate(copy.deepcopy(made))
    Endpoint.model_validate(copy.deepcopy(R5))


def test_an_endpoint_without_payload_says_that_its_type_is_absent() -> None:
    bare = {name: value for name, value in R5.items() if name != "payload"}
    made, lost = endpoint_to_r4(bare)
    assert (made["payloadType"], lost) == ([absent()], [])
    EndpointR4B.model_validate(copy.deepcopy(made))
    assert endpoint_to_r5(made) == bare


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"connectionType": [{"coding": [RS, RS | {"code": "dicom-qido-rs"}]}]}, "connectionType"),
        ({"connectionType": [{"coding": [RS], "text": "WADO"}]}, "connectionType"),
        ({"connectionType": [{"text": "WADO"}]}, "connectionType"),
        ({"payload": [{"mimeType": ["a/b"]}, {"mimeType": ["a/c"]}]}, "payload"),
        ({"payload": [{"id": "1", "type": [{"text": "x"}]}]}, "payload"),
        ({"description": "x"}, "description"),
        ({"environmentType": [{"text": "test"}]}, "environmentType"),
    ],
)
def test_what_an_endpoint_loses_is_listed(changes: dict[str, Any], lost: str) -> None:
    for to_other, model in ((endpoint_to_r4, EndpointR4B), (endpoint_to_stu3, EndpointSTU3)):
        made, names = to_other(R5 | changes)
        assert names == [lost]
        model.model_validate(copy.deepcopy(made))


junk = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["coding", "code", "text", "type", "mimeType", "reference", "id"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
elements = st.sampled_from(
    ["connectionType", "payload", "payloadType", "payloadMimeType", "id", "status", "description"]
)


@given(st.lists(junk | st.dictionaries(elements, junk).map(lambda d: R5 | d), max_size=3))
def test_malformed_contained_resources_do_no_harm(contained: list[Any]) -> None:
    selection = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "Cyst"},
        "contained": contained,
        "endpoint": [{"reference": "#w"}],
    }
    made, _ = contained_to_r4b(selection)
    Basic.model_validate(json.loads(json.dumps(to_basic(made))))
    sound, _ = sound_resource(selection)
    ImagingSelection.model_validate(json.loads(json.dumps(sound)))
    assert set(local_names(sound)) <= {one.get("id") for one in sound.get("contained", [])}


def test_a_basic_contains_endpoints_of_r4(make: Make) -> None:
    selection = make(("point", [3, 4]), contained=[R5], endpoint=[{"reference": "#w"}])
    before = copy.deepcopy(selection)
    basic = to_basic(selection)
    assert basic["contained"] == [R4]
    Basic.model_validate(copy.deepcopy(basic))
    assert from_basic(basic) == selection == before
    assert contained_to_r4b(selection)[1] == ()
    described = selection | {"contained": [R5 | {"description": "x"}]}
    _, (loss,) = contained_to_r4b(described)
    assert (loss.severity, loss.path) == ("warning", "ImagingSelection.contained[0].description")


def test_a_manifest_becomes_a_valid_basic() -> None:
    instance = {"uid": "urn:oid:1.2.3.4", "sopClass": "urn:oid:1.2.840.10008.5.1.4.1.1.2"}
    manifest = {
        "resourceType": "ImagingManifest",
        "patient": {"reference": "Patient/1"},
        "contained": [STU3],
        "study": [
            {
                "uid": "urn:oid:1.2",
                "endpoint": [{"reference": "#w"}],
                "series": [{"uid": "urn:oid:1.2.3", "instance": [instance]}],
            }
        ],
    }
    selection = read_selection(manifest)
    assert selection.normalized is not None
    basic = to_basic(write(selection.normalized, "r5").resource)
    assert basic["contained"] == [R4]
    Basic.model_validate(copy.deepcopy(basic))


def test_what_r4b_has_not_is_left_out_with_what_refers_to_it(make: Make) -> None:
    maker = {"resourceType": "Organization", "id": "o", "name": "Maker"}
    selection = make(
        ("point", [3, 4]),
        contained=[PATIENT, DEVICE | {"owner": {"reference": "#o"}}, maker],
        subject={"reference": "#p"},
        performer=[
            {"actor": {"reference": "#d"}},
            {"actor": {"reference": "#d", "display": "CT"}},
            {"actor": {"reference": "#d", "type": "Device"}},
        ],
    )
    made, losses = contained_to_r4b(selection)
    assert made["contained"] == [PATIENT]
    assert [one["actor"] for one in made["performer"]] == [
        LEFT_OUT,
        {"display": "CT"},
        {"type": "Device", **LEFT_OUT},  # ref-2: a type alone refers to nothing
    ]
    assert is_tied(made)
    assert [(one.code, one.path) for one in losses] == [
        ("lost", "ImagingSelection.contained[1]"),
        ("lost", "ImagingSelection.contained[2]"),
    ]
    assert all(one.message.startswith("left out") for one in losses)
    basic = to_basic(selection)
    Basic.model_validate(copy.deepcopy(basic))
    assert is_tied(basic)
    alone = make(contained=[DEVICE], performer=[{"actor": {"reference": "#d"}}])
    assert "contained" not in to_basic(alone)


@pytest.mark.parametrize("given", [R4, STU3])
def test_an_endpoint_of_r4_in_a_selection_of_r5_is_lifted(
    make: Make, given: dict[str, Any]
) -> None:
    """As IHE IMR mixes them."""
    selection = make(("point", [3, 4]), contained=[given], endpoint=[{"reference": "#w"}])
    sound, issues = sound_resource(selection)
    assert sound == selection | {"contained": [R5]}
    (issue,) = issues
    assert (issue.severity, issue.code) == ("information", "respelled")
    assert issue.path == "ImagingSelection.contained[0]"


def test_a_malformed_contained_resource_leaves_no_dangling_reference(make: Make) -> None:
    bad = R5 | {"status": 5, "managingOrganization": {"reference": "#o"}}
    owner = {"resourceType": "Organization", "id": "o", "name": "Owner"}
    wrong = {"resourceType": "Patient", "id": "q", "name": [5], "foo": 1}
    selection = make(
        ("point", [3, 4]),
        contained=[bad, owner, PATIENT, wrong],
        endpoint=[{"reference": "#w"}, {"reference": "Endpoint/1"}],
        subject={"reference": "#p"},
        focus=[{"reference": "#q", "identifier": {"value": "7"}}],
    )
    sound, issues = sound_resource(selection)
    ImagingSelection.model_validate(copy.deepcopy(sound))
    assert sound["contained"] == [PATIENT]
    assert sound["endpoint"] == [LEFT_OUT, {"reference": "Endpoint/1"}]
    assert sound["focus"] == [{"identifier": {"value": "7"}}]
    assert is_tied(sound)
    assert {one.path for one in issues if "left out" in one.message} == {
        f"ImagingSelection.contained[{number}]" for number in (0, 1, 3)
    }
    named = {one.path for one in issues}
    assert {"ImagingSelection.endpoint[0].reference", "ImagingSelection.focus[0].reference"} < named
    assert not any("contained[2]" in path for path in named)
    region = read_selection(sound).regions[0]
    assert region.path == "ImagingSelection.instance[0].imageRegion2D[0]"


def test_when_nothing_can_be_kept_no_reference_dangles(make: Make) -> None:
    sound, issues = sound_resource(make(contained=7, subject={"reference": "#p"}))
    assert sound["subject"] == LEFT_OUT
    assert "ImagingSelection.subject.reference" in {one.path for one in issues}


def test_a_manifest_has_no_reference_to_what_it_lost(make: Make) -> None:
    owned = R5 | {"managingOrganization": {"reference": "#o"}}
    owner = {"resourceType": "Organization", "id": "o"}
    manifest, _ = from_selections([make(contained=[owned, owner], endpoint=[{"reference": "#w"}])])
    assert manifest["contained"][0]["managingOrganization"] == LEFT_OUT
    assert is_tied(manifest)


def test_a_value_that_is_absent_is_an_extension_without_value(make: Make) -> None:
    """Which fhir.resources accepts, other than ``_valueId`` without ``valueId``."""
    note = {"id": "n", **absent()}
    region = {
        "_regionType": absent("error"),
        "coordinate": [1, None],
        "_coordinate": [None, absent("error")],
    }
    selection = make(instance={"imageRegion2D": [region]})
    del selection["instance"][0]["uid"]
    selection["instance"][0]["_uid"] = note
    basic = to_basic(selection)
    (instance,) = [one for one in basic["extension"] if one["url"].endswith(".instance")]
    assert instance["extension"][0] == {"url": "uid", **note}
    Basic.model_validate(copy.deepcopy(basic))
    assert from_basic(basic) == selection
    early = copy.deepcopy(basic)
    for one in early["extension"]:
        if one["url"].endswith(".instance"):
            one["extension"][0] = {"url": "uid", "_valueId": note}
    assert from_basic(early) == selection


def test_3d_regions_without_instance_are_a_valid_basic() -> None:
    selection = read_selection(
        {
            "resourceType": "ImagingSelection",
            "status": "available",
            "code": {"text": "Cyst"},
            "seriesUid": "1.2.3",
            "frameOfReferenceUid": "1.2.9",
            "imageRegion3D": [{"regionType": "point", "coordinate": [1, 2, 3]}],
        }
    )
    assert selection.normalized is not None
    resource = write(selection.normalized, "r5").resource
    assert "_uid" in resource["instance"][0]
    basic = to_basic(resource)
    Basic.model_validate(copy.deepcopy(basic))
    assert from_basic(basic) == resource
