"""ImagingSelection as Basic of R4 and R4B, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.imagingselection import ImagingSelection
from fhir.resources.R4B.basic import Basic
from hypothesis import given, settings
from hypothesis import strategies as st

from imageregion.errors import FhirError, InputError
from imageregion.fhir.cross_version import (
    DERIVED_FROM,
    EXTENSION,
    PROFILE,
    derived_from,
    from_basic,
    is_selection,
    to_basic,
)
from imageregion.fhir.document import read_selection

Make = Callable[..., dict[str, Any]]

words = st.text("abcXYZ ü-", min_size=1, max_size=8).filter(lambda t: t.strip() == t and t)
uids = st.lists(st.integers(0, 999), min_size=2, max_size=6).map(
    lambda parts: ".".join(map(str, parts))
)
numbers = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
notes = st.builds(
    lambda text: {"extension": [{"url": "http://example.org/note", "valueString": text}]}, words
)
codings = st.fixed_dictionaries(
    {"system": st.just("http://example.org/codes"), "code": uids}, optional={"display": words}
)
concepts = st.fixed_dictionaries(
    {"text": words}, optional={"coding": st.lists(codings, min_size=1)}
)


def references(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"reference": uids.map(lambda uid: f"{kind}/{uid}")}, optional={"display": words}
    )


def regions(kinds: list[str], size: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "regionType": st.sampled_from(kinds),
            "coordinate": st.lists(numbers, min_size=size, max_size=4 * size),
        },
        optional={
            "id": uids,
            "extension": notes.map(lambda note: note["extension"]),
            "_regionType": notes,
        },
    )


instances = st.fixed_dictionaries(
    {"uid": uids},
    optional={
        "id": uids,
        "number": st.integers(0, 999),
        "sopClass": codings,
        "subset": st.lists(words, min_size=1, max_size=3),
        "imageRegion2D": st.lists(regions(["point", "circle"], 2), min_size=1, max_size=2),
        "imageRegion3D": st.lists(regions(["point", "polygon"], 3), min_size=1, max_size=2),
    },
)
selections = st.fixed_dictionaries(
    {
        "resourceType": st.just("ImagingSelection"),
        "status": st.sampled_from(["available", "entered-in-error", "unknown"]),
        "code": concepts,
    },
    optional={
        "id": uids,
        "meta": st.fixed_dictionaries({"versionId": uids}),
        "language": st.just("en"),
        "extension": notes.map(lambda note: note["extension"]),
        "identifier": st.lists(
            st.fixed_dictionaries({"system": st.just("urn:dicom:uid"), "value": uids}), min_size=1
        ),
        "subject": references("Patient"),
        "issued": st.just("2026-01-31T12:00:00Z"),
        "performer": st.lists(
            st.fixed_dictionaries({"actor": references("Device")}, optional={"function": concepts}),
            min_size=1,
            max_size=2,
        ),
        "basedOn": st.lists(references("ServiceRequest"), min_size=1, max_size=2),
        "category": st.lists(concepts, min_size=1, max_size=2),
        "studyUid": uids,
        "_studyUid": notes,
        "derivedFrom": st.lists(references("ImagingStudy"), min_size=1, max_size=2),
        "endpoint": st.lists(references("Endpoint"), min_size=1, max_size=2),
        "seriesUid": uids,
        "seriesNumber": st.integers(0, 99),
        "frameOfReferenceUid": uids,
        "bodySite": st.fixed_dictionaries(
            {"concept": concepts}, optional={"reference": references("BodyStructure")}
        ),
        "focus": st.lists(references("ImagingSelection"), min_size=1, max_size=2),
        "instance": st.lists(instances, min_size=1, max_size=3),
    },
)


@given(selections)
def test_there_and_back_nothing_is_lost(selection: dict[str, Any]) -> None:
    before = json.dumps(selection)
    basic = to_basic(selection)
    assert from_basic(json.loads(json.dumps(basic))) == selection
    assert json.dumps(selection) == before


def without_notes(value: Any) -> Any:
    """Leave out extensions of primitives: fhir.resources has no ``_valueId`` and the like."""
    if isinstance(value, dict):
        return {key: without_notes(item) for key, item in value.items() if key[:1] != "_"}
    return [without_notes(item) for item in value] if isinstance(value, list) else value


@given(selections)
@settings(max_examples=15)  # each takes fhir.resources a while
def test_the_basic_is_valid(selection: dict[str, Any]) -> None:
    ImagingSelection.model_validate(json.loads(json.dumps(selection)))
    basic = to_basic(without_notes(selection))
    Basic.model_validate(json.loads(json.dumps(basic)))
    assert is_selection(basic)
    assert basic["meta"]["profile"][-1] == PROFILE


def test_every_element_is_where_the_package_of_hl7_has_it(make: Make) -> None:
    """Profile profile-ImagingSelection of hl7.fhir.uv.xver-r5.r4 0.1.0."""
    site = {"concept": {"text": "Liver"}}
    basic = to_basic(
        make(("circle", [1, 2, 3, 2]), subject={"reference": "Patient/1"}, bodySite=site)
    )
    assert basic["code"]["coding"][0]["system"] == "http://hl7.org/fhir/fhir-types"
    assert basic["subject"] == {"reference": "Patient/1"}
    assert basic["modifierExtension"] == [{"url": f"{EXTENSION}.status", "valueCode": "available"}]
    found = {one["url"].rpartition(".")[2]: one for one in basic["extension"]}
    assert found["code"]["valueCodeableConcept"] == {"text": "Test"}
    assert found["studyUid"]["valueId"] == "1.2"
    assert found["bodySite"]["extension"] == [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/_datatype",
            "valueString": "CodeableReference",
        },
        {"url": "concept", "valueCodeableConcept": {"text": "Liver"}},
    ]
    uid, region = found["instance"]["extension"]
    assert uid == {"url": "uid", "valueId": "1.2.3.4"}
    assert [one["url"] for one in region["extension"]] == ["regionType", *["coordinate"] * 4]


def nested(full: bool) -> dict[str, Any]:
    """The same in the layout of drafts: everything in one extension."""

    def url(name: str) -> str:
        return f"{EXTENSION}.{name}" if full else name.rpartition(".")[2]

    region = [
        {"url": url("instance.imageRegion2D.regionType"), "valueCode": "point"},
        {"url": url("instance.imageRegion2D.coordinate"), "valueDecimal": 1.5},
        {"url": url("instance.imageRegion2D.coordinate"), "valueDecimal": 2},
    ]
    instance = [
        {"url": url("instance.uid"), "valueId": "1.2.3"},
        {"url": url("instance.imageRegion2D"), "extension": region},
    ]
    parts = [
        {"url": url("status"), "valueCode": "available"},
        {"url": url("instance"), "extension": instance},
    ]
    code = {"coding": [{"system": "http://example.org", "code": "cyst"}], "text": "Cyst"}
    extension = {"url": EXTENSION, "extension": parts}
    return {"resourceType": "Basic", "code": code, "extension": [extension]}


@pytest.mark.parametrize("full", [True, False])
def test_drafts_of_the_package_are_read(full: bool) -> None:
    assert from_basic(nested(full)) == {
        "resourceType": "ImagingSelection",
        "code": {"coding": [{"system": "http://example.org", "code": "cyst"}], "text": "Cyst"},
        "status": "available",
        "instance": [
            {
                "uid": "1.2.3",
                "imageRegion2D": [{"regionType": "point", "coordinate": [1.5, 2]}],
            }
        ],
    }


def test_it_can_be_measured(make: Make) -> None:
    original = make(("circle", [8, 8, 11, 8]))
    selection = read_selection(from_basic(to_basic(original)))
    assert [region.type for region in selection.regions] == ["circle"]


@pytest.mark.parametrize(
    "resource",
    [
        {},
        None,
        [],
        {"resourceType": "Basic"},
        {"resourceType": "Basic", "code": {"coding": [{"code": "consent"}]}},
        {"resourceType": "Patient", "extension": [{"url": f"{EXTENSION}.status"}]},
        {"resourceType": "Basic", "extension": [{"url": f"{EXTENSION}X.status"}]},
    ],
)
def test_what_is_no_selection(resource: Any) -> None:
    assert not is_selection(resource)
    with pytest.raises(FhirError, match="Basic"):
        from_basic(resource)


def test_an_element_given_twice_is_refused() -> None:
    twice = [{"url": f"{EXTENSION}.studyUid", "valueId": uid} for uid in ("1.2", "1.3")]
    with pytest.raises(FhirError, match=r"ImagingSelection\.studyUid: expected one, got 2"):
        from_basic({"resourceType": "Basic", "extension": twice})


@pytest.mark.parametrize(
    ("element", "place"),
    [
        ({"modality": {"text": "CT"}}, r"ImagingSelection\.modality"),
        ({"instance": {"uid": "1.2"}}, r"ImagingSelection\.instance"),
        ({"instance": ["1.2"]}, r"ImagingSelection\.instance\[0\]"),
        (
            {"instance": [{"uid": "1.2", "modifierExtension": [{"url": "x"}]}]},
            r"ImagingSelection\.instance\[0\]\.modifierExtension",
        ),
        ({"meta": []}, r"ImagingSelection\.meta"),
    ],
)
def test_what_a_basic_cannot_say_is_refused(
    make: Make, element: dict[str, Any], place: str
) -> None:
    with pytest.raises(FhirError, match=place):
        to_basic({**make(), **element})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["url", "extension", "code", "coding", "meta", "profile", "valueId", "_valueId"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values, st.lists(st.sampled_from(["status", "instance", "bodySite", "studyUid"])))
def test_malformed_basics_give_an_error_of_ours_or_a_selection(
    value: Any, names: list[str]
) -> None:
    extensions = [{"url": f"{EXTENSION}.{name}", "extension": value} for name in names]
    basic = {"resourceType": "Basic", "code": value, "meta": value, "extension": extensions}
    try:
        found = from_basic(basic)
    except (FhirError, InputError):
        return
    assert found["resourceType"] == "ImagingSelection"


def test_references_of_r4_and_r5() -> None:
    region = {"reference": "Basic/1", "type": "Basic"}
    study = {"reference": "ImagingStudy/1"}
    on_reference = {"extension": [{"url": DERIVED_FROM, "valueReference": region}]}
    assert derived_from({"derivedFrom": [on_reference, study]}) == [region, study]
    on_observation = {"derivedFrom": [study], **on_reference}
    assert derived_from(on_observation) == [study, region]
    assert derived_from({"derivedFrom": "x"}) == []
