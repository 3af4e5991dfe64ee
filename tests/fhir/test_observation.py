"""The Bundle of Observations: valid R5, linked to its regions, without NaN, always the same."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fhir.resources.bundle import Bundle
from hypothesis import given, settings
from hypothesis import strategies as st

from imageregion.codes import DERIVATIONS, GEOMETRY, NAMESPACE
from imageregion.fhir.document import read_selection
from imageregion.fhir.observations import observations
from imageregion.fhir.selection import Selection
from imageregion.measurement import Measurement, Method, RegionResult

Make = Callable[..., dict[str, Any]]
METHOD = Method("center", "evenodd", "center", "rescale 1*x-1024", "0.1.0", ("smooth",))
HU = "[hnsf'U]"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def result(
    selection: Selection, values: Mapping[str, float | None], index: int = 0, **changes: Any
) -> RegionResult:
    region = selection.regions[index]
    units = {
        **dict.fromkeys(DERIVATIONS, HU),
        **dict.fromkeys(GEOMETRY, "mm2"),
        "count": "{pixels}",
    }
    measurements = tuple(
        Measurement(region.path, code, value, units[code], METHOD) for code, value in values.items()
    )
    changes = {"unit": HU, "modality": "CT", **changes}
    return RegionResult(region, (), measurements, **changes)


@pytest.fixture
def selection(make: Make) -> Selection:
    subject = {"reference": "Patient/1", "display": "Ünïcode"}
    resource = make(("point", [3, 4]), ("polyline", [1, 1, 5, 5]), subject=subject)
    return read_selection(resource)


def first(selection: Selection, *results: RegionResult) -> dict[str, Any]:
    bundle = observations(selection, results)
    Bundle.model_validate(json.loads(json.dumps(bundle, allow_nan=False)))
    observation: dict[str, Any] = bundle["entry"][1]["resource"]
    return observation


def test_the_bundle_is_valid_and_linked(selection: Selection) -> None:
    values = {"count": 5.0, "mean": 12.3456789012345, "std": None, "area": 7.5, "p10": math.nan}
    results = [result(selection, values), result(selection, {"count": 0.0, "mean": None}, 1)]
    bundle = observations(selection, results)
    Bundle.model_validate(json.loads(json.dumps(bundle, allow_nan=False)))
    source, one, two = bundle["entry"]
    assert source["resource"] == selection.to_dict()
    assert len({entry["fullUrl"] for entry in bundle["entry"]}) == 3
    for entry, region in ((one, selection.regions[0]), (two, selection.regions[1])):
        observation = entry["resource"]
        assert entry["fullUrl"] == f"urn:uuid:{observation['id']}"
        assert observation["identifier"][0]["value"] == entry["fullUrl"]
        (link,) = observation["derivedFrom"]
        assert link["reference"] == source["fullUrl"]
        url = f"{NAMESPACE}/StructureDefinition/region-path"
        assert link["extension"] == [{"url": url, "valueString": region.path}]
        assert observation["subject"] == {"reference": "Patient/1", "display": "Ünïcode"}
        assert observation["category"][0]["coding"][0]["code"] == "imaging"


def test_components(selection: Selection) -> None:
    values = {"count": 5.0, "mean": 0.1 + 0.2, "area": 7.5}
    count, mean, area = first(selection, result(selection, values))["component"]
    assert count["valueQuantity"]["value"] == 5
    assert isinstance(count["valueQuantity"]["value"], int)
    assert mean["valueQuantity"] == {
        "value": 0.30000000000000004,
        "unit": HU,
        "system": "http://unitsofmeasure.org",
        "code": HU,
    }
    assert mean["code"]["coding"][0]["code"] == "373098007"
    assert area["code"] == {
        "coding": [{"system": "http://snomed.info/sct", "code": "42798000", "display": "Area"}],
        "text": "Area",
    }


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"count": 0.0, "mean": None}, "not-applicable"),
        ({"count": 3.0, "mean": None}, "unknown"),
        ({"count": 3.0, "area": None}, "unknown"),
        ({"count": 3.0, "mean": math.nan}, "not-a-number"),
        ({"count": 3.0, "mean": math.inf}, "positive-infinity"),
        ({"count": 3.0, "mean": -math.inf}, "negative-infinity"),
    ],
)
def test_absent_values_say_why(
    selection: Selection, values: dict[str, float | None], reason: str
) -> None:
    component = first(selection, result(selection, values))["component"][1]
    assert "valueQuantity" not in component
    coding = component["dataAbsentReason"]["coding"][0]
    assert (coding["system"], coding["code"]) == (ABSENT, reason)


def test_code_is_the_quantity_where_there_is_one(selection: Selection) -> None:
    known = first(selection, result(selection, {"mean": 1.0}))["code"]
    assert known["coding"][0]["code"] == "110850"
    assert known["text"] == "X-Ray Attenuation of image region"
    other = first(selection, result(selection, {"mean": 1.0}, unit="1"))["code"]
    assert other["coding"][0]["system"] == f"{NAMESPACE}/CodeSystem/measurement"
    assert other["coding"][0]["code"] == "region"


def test_component_codes_differ_from_the_code(selection: Selection) -> None:
    every: dict[str, float | None] = dict.fromkeys([*DERIVATIONS, *GEOMETRY], 1.0)
    for unit in (HU, "1"):
        observation = first(selection, result(selection, every, unit=unit))
        code = observation["code"]["coding"][0]
        codes = [part["code"]["coding"][0] for part in observation["component"]]
        assert len(codes) == len(every)
        assert (code["system"], code["code"]) not in {(c["system"], c["code"]) for c in codes}


def test_method(selection: Selection) -> None:
    method = first(selection, result(selection, {"mean": 1.0}))["method"]
    assert method["text"] == str(METHOD)
    assert method["coding"] == [
        {"system": f"{NAMESPACE}/CodeSystem/method", "version": "0.1.0", "code": "center"}
    ]


def test_nothing_measured(selection: Selection) -> None:
    observation = first(selection, result(selection, {}))
    assert observation["dataAbsentReason"]["coding"][0]["code"] == "not-performed"
    assert "component" not in observation


@pytest.mark.parametrize(
    ("status", "expected"),
    [("available", "final"), ("entered-in-error", "entered-in-error"), ("unknown", "unknown")],
)
def test_status(make: Make, status: str, expected: str) -> None:
    selection = read_selection(make(("point", [3, 4]), status=status))
    assert first(selection, result(selection, {"mean": 1.0}))["status"] == expected


def test_body_site_or_structure_but_never_both(make: Make) -> None:
    concept, reference = {"text": "Liver"}, {"reference": "BodyStructure/1"}
    for site, name in (
        ({"concept": concept}, "bodySite"),
        ({"reference": reference}, "bodyStructure"),
        ({"concept": concept, "reference": reference}, "bodySite"),
    ):
        selection = read_selection(make(("point", [3, 4]), bodySite=site))
        observation = first(selection, result(selection, {"mean": 1.0}))
        assert {"bodySite", "bodyStructure"} & observation.keys() == {name}


def test_a_specimen_is_no_subject(make: Make) -> None:
    selection = read_selection(make(("point", [3, 4]), subject={"reference": "Specimen/1"}))
    observation = first(selection, result(selection, {"mean": 1.0}))
    assert observation["specimen"] == {"reference": "Specimen/1"}
    assert "subject" not in observation
    anonymous = read_selection(make(("point", [3, 4])))
    assert "subject" not in first(anonymous, result(anonymous, {"mean": 1.0}))


def test_notes(selection: Selection) -> None:
    unclosed = result(selection, {"length": 1.0}, 1, flags=("no-spacing",))
    notes = [note["text"] for note in first(selection, unclosed)["note"]]
    assert notes[:2] == ["region: polyline 1", "flag: no-spacing"]
    assert "has no area" in notes[2]


def test_ids_depend_on_contents_alone(selection: Selection, make: Make) -> None:
    once = observations(selection, [result(selection, {"mean": 1.0})])
    again = observations(read_selection(selection.to_json()), [result(selection, {"mean": 1.0})])
    assert once == again
    other = read_selection(make(("point", [3, 5])))
    changed = observations(other, [result(other, {"mean": 1.0})])
    assert {e["fullUrl"] for e in once["entry"]}.isdisjoint(e["fullUrl"] for e in changed["entry"])
    twice = observations(selection, [result(selection, {"mean": 1.0})] * 2)
    assert len({e["fullUrl"] for e in twice["entry"]}) == 3


@given(
    st.dictionaries(
        st.sampled_from([*DERIVATIONS, *GEOMETRY]).filter(lambda c: c not in ("count", "excluded")),
        st.none() | st.floats(),
    )
)
@settings(deadline=None)
def test_any_values_give_a_valid_bundle(values: dict[str, float | None]) -> None:
    selection = read_selection(
        {
            "resourceType": "ImagingSelection",
            "status": "available",
            "code": {"text": "x"},
            "instance": [
                {"uid": "1.2", "imageRegion2D": [{"regionType": "point", "coordinate": [1, 2]}]}
            ],
        }
    )
    bundle = observations(selection, [result(selection, values)])
    text = json.dumps(bundle, allow_nan=False)
    Bundle.model_validate(bundle)
    assert json.loads(text) == bundle
    for part in bundle["entry"][1]["resource"].get("component", []):
        assert ("valueQuantity" in part) != ("dataAbsentReason" in part)
