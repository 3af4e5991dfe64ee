"""A Bundle always validates, whatever the selection holds; what had to go is named."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fhir.resources.bundle import Bundle

from imageregion.errors import ImageRegionError, InputError
from imageregion.fhir.document import read_selection
from imageregion.fhir.observations import observations
from imageregion.fhir.sound import sound_resource
from imageregion.measurement import Measurement, Method, RegionResult

Make = Callable[..., dict[str, Any]]
METHOD = Method("center", "evenodd", "center", "HU", "0.1.0")
ABSENT = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "error",
        }
    ]
}
POINT = {"regionType": "point", "coordinate": [3, 4]}
PATIENT = {"resourceType": "Patient", "id": "p"}


def bundle_of(resource: dict[str, Any]) -> dict[str, Any]:
    """The Bundle of a selection whose regions all have a mean of 1."""
    selection = read_selection(resource)
    results = [
        RegionResult(region, (), (Measurement(region.path, "mean", 1.0, "1", METHOD),))
        for region in selection.regions
    ]
    bundle = observations(selection, results)
    Bundle.model_validate(json.loads(json.dumps(bundle, allow_nan=False)))
    return bundle


def issues_of(bundle: dict[str, Any]) -> list[tuple[str, str]]:
    outcome = bundle.get("issues", {"issue": []})
    return [(issue["expression"][0], issue["diagnostics"]) for issue in outcome["issue"]]


REGION = "ImagingSelection.instance[0].imageRegion2D[0]"


@pytest.mark.parametrize(
    ("bad", "expected", "path", "message"),
    [
        (
            {"regionType": "point", "coordinate": [3, "x"]},
            {"regionType": "point", "coordinate": [3, None], "_coordinate": [None, ABSENT]},
            f"{REGION}.coordinate[1]",
            "replaced by data-absent-reason error: expected a number, got 'x'",
        ),
        (
            "x",
            {"_regionType": ABSENT, "coordinate": [None], "_coordinate": [ABSENT]},
            REGION,
            "replaced by data-absent-reason error: expected an object, got 'x'",
        ),
        (
            {**POINT, "id": 5},
            POINT,
            f"{REGION}.id",
            "removed: Input should be a valid string, got 5",
        ),
        ({**POINT, "foo": [1]}, POINT, f"{REGION}.foo", "removed: not an element of FHIR R5"),
        (
            {**POINT, "regionType": 5},
            {"_regionType": ABSENT, "coordinate": [3, 4]},
            f"{REGION}.regionType",
            "replaced by data-absent-reason error: Input should be a valid string, got 5",
        ),
        (
            {"regionType": "point"},
            {"regionType": "point", "coordinate": [None], "_coordinate": [ABSENT]},
            f"{REGION}.coordinate",
            "replaced by data-absent-reason error: expected a list of numbers, got nothing",
        ),
    ],
)
def test_a_malformed_region_keeps_its_place(
    make: Make, bad: Any, expected: Any, path: str, message: str
) -> None:
    resource = make(instance={"imageRegion2D": [bad, POINT]})
    bundle = bundle_of(resource)
    regions = bundle["entry"][0]["resource"]["instance"][0]["imageRegion2D"]
    assert regions == [expected, POINT]
    assert issues_of(bundle) == [(path, message)]
    last = bundle["entry"][-1]["resource"]["derivedFrom"][0]["extension"][0]["valueString"]
    assert last == "ImagingSelection.instance[0].imageRegion2D[1]"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"id": 5}, "ImagingSelection.id"),
        ({"id": "a b"}, "ImagingSelection.id"),
        ({"text": {}}, "ImagingSelection.text.div"),
        ({"foo": {"bar": 1}}, "ImagingSelection.foo"),
        ({"contained": ["x", PATIENT]}, "ImagingSelection.contained[0]"),
        ({"contained": [{"resourceType": "Nope"}, PATIENT]}, "ImagingSelection.contained[0]"),
        ({"contained": {}}, "ImagingSelection.contained"),
        ({"instance": ["x", {"uid": "1.2"}]}, "ImagingSelection.instance[0]"),
        (
            {"instance": [{"uid": "1.2", "subset": ["1", 2]}]},
            "ImagingSelection.instance[0].subset[1]",
        ),
        ({"instance": [{"uid": 5}, {"uid": "1.2"}]}, "ImagingSelection.instance[0].uid"),
        (
            {"instance": [{"uid": "1.2", "sopClass": "x"}, {"uid": "1.2"}]},
            "ImagingSelection.instance[0].sopClass",
        ),
        (
            {"instance": [{"uid": "1.2", "imageRegion2D": {}}, {"uid": "1.2"}]},
            "ImagingSelection.instance[0].imageRegion2D",
        ),
    ],
)
def test_other_malformed_elements_are_named(make: Make, changes: dict[str, Any], path: str) -> None:
    resource = {**make(), **changes}
    bundle = bundle_of(resource)
    assert path in [where for where, _ in issues_of(bundle)]
    kept = bundle["entry"][0]["resource"]
    assert len(kept.get("instance", [])) == len(resource["instance"])
    if "contained" in kept:
        assert kept["contained"] == [PATIENT]


def test_codes_and_uids_are_written_as_fhir_wants_them(make: Make) -> None:
    resource = make((" Point ", [3, 4]), status="AVAILABLE ", studyUid="urn:oid:1.2")
    bundle = bundle_of(resource)
    kept = bundle["entry"][0]["resource"]
    assert (kept["status"], kept["studyUid"]) == ("available", "1.2")
    assert kept["instance"][0]["imageRegion2D"][0]["regionType"] == "point"
    assert "issues" not in bundle


def test_a_sound_selection_is_carried_as_it_is(make: Make) -> None:
    resource = make(("point", [3, 4.5]), contained=[PATIENT], extension=ABSENT["extension"])
    sound, issues = sound_resource(resource)
    assert (sound, issues) == (resource, ())


@pytest.mark.parametrize(
    "change", [{"code": {"text": "a\ud800"}}, {"foo": ["\udfff"]}, {"b\ud900": 1}]
)
def test_text_that_is_no_unicode_is_refused_with_its_place(
    make: Make, change: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=r"expected Unicode text, got .*ud"):
        read_selection(make(("point", [3, 4]), **change))


JUNK: list[Any] = [
    *(None, True, 0, -1, 1e308, 1e-300, float("nan"), 10**30, "", " ", "x", "a b", "1.2"),
    *([], {}, [[]], [{}], {"a": 1}, [1, 2], ["0"], ["1", 2], [None], {"coding": [None]}),
    *(ABSENT, [ABSENT], {"extension": [{}]}, {"resourceType": "Patient"}, {"resourceType": "No"}),
]
KEYS = [
    *("extension", "modifierExtension", "id", "_id", "foo", "_uid", "_subset", "subset"),
    *("_regionType", "_coordinate", "coordinate", "regionType", "imageRegion3D", "contained"),
    *("sopClass", "number", "text", "meta", "fhir_comments", "resource_type", "_status"),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def mutate(document: dict[str, Any], rng: random.Random) -> None:
    *above, last = rng.choice(list(places(document)))
    owner: Any = document
    for key in above:
        owner = owner[key]
    if rng.random() < 0.5:
        owner[last] = copy.deepcopy(rng.choice(JUNK))
    elif isinstance(owner, dict):
        owner[rng.choice(KEYS)] = copy.deepcopy(rng.choice(JUNK))


@pytest.mark.parametrize("seed", range(6))
def test_any_accepted_selection_gives_a_valid_bundle(seed: int, make: Make) -> None:
    rng = random.Random(seed)
    base = make(("point", [3, 4]), ("polyline", [1, 1, 5, 5]), text={"status": "empty", "div": "x"})
    base["instance"].append({"uid": "1.2.4", "subset": ["1", "2"], "sopClass": {"code": "1.2"}})
    accepted = 0
    for _ in range(60):
        document = copy.deepcopy(base)
        for _ in range(rng.randint(1, 4)):
            mutate(document, rng)
        try:
            read_selection(document)
        except ImageRegionError:
            continue
        accepted += 1
        bundle_of(document)
    assert accepted > 10
