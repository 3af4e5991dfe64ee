"""Regions that several instances share: one in 3-D, in 2-D one for each instance."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import imageregion as ir
from imageregion.auditing import audit
from imageregion.fhir.dialects import normalize
from imageregion.fhir.linking import link
from imageregion.fhir.normalized import Dialect
from imageregion.fhir.writing import write

FORMS = ["r5", "dicom-sr", "r4b"]
IDS = {"studyUid": "1.2", "seriesUid": "1.2.3", "frameOfReferenceUid": "1.2.9"}
HEAD = {"resourceType": "ImagingSelection", "code": {"text": "Test"}}
SQUARE = [4, 4, 12, 4, 12, 10, 4, 10]
RING = [3.0, 3.0, 4.0, 12.5, 3.0, 4.0, 12.5, 11.0, 4.0, 3.0, 3.0, 4.0]
BALL = [4, 8, 4, 12, 8, 4, 8, 4, 4, 8, 12, 4, 8, 8, 0, 8, 8, 8]


def images() -> ir.Images:
    """Five slices 2 mm apart, with values that tell them apart."""
    found = []
    for k in range(5):
        plane = ir.Plane((16, 16), [0, 0, 2 * k], np.eye(3, 2))
        values = np.arange(256.0).reshape(16, 16) * (k + 1)
        names = {"instance": f"1.2.3.{k}", "series": "1.2.3", "study": "1.2"}
        found.append(ir.Frame.from_array(values, plane=plane, frame_of_reference="1.2.9", **names))
    return ir.Images(found)


def movie() -> ir.Images:
    values = [np.arange(256.0).reshape(16, 16) * (k + 1) for k in range(3)]
    return ir.Images(
        [
            ir.Frame.from_array(v, instance="1.2.3.0", series="1.2.3", number=number)
            for number, v in enumerate(values, start=1)
        ]
    )


def shared(*instances: dict[str, Any]) -> dict[str, Any]:
    """One 2-D region of a resource of snapshot 1, on several instances."""
    drawn = {"regionType": "POLYGON", "coordinateType": "2d", "coordinates": SQUARE}
    uids = {name: f"urn:oid:{uid}" for name, uid in IDS.items()}
    return {**HEAD, **uids, "imageRegion": drawn, "instance": list(instances)}


ON_SLICES = shared({"uid": "urn:oid:1.2.3.0"}, {"uid": "urn:oid:1.2.3.2"})
ON_FRAMES = shared(
    {"uid": "urn:oid:1.2.3.0", "frameList": "1"}, {"uid": "urn:oid:1.2.3.0", "frameList": "3"}
)


def solid(kind: str, coordinate: Sequence[float]) -> dict[str, Any]:
    return {"regionType": kind, "coordinate": coordinate}


def deep(**changes: Any) -> dict[str, Any]:
    """Two 3-D regions of a resource of R6, beside two instances."""
    regions = [solid("ellipsoid", BALL), solid("polygon", RING)]
    named = [{"uid": "1.2.3.0"}, {"uid": "1.2.3.2"}]
    resource = {**HEAD, **IDS, "status": "available", "instance": named, "imageRegion3D": regions}
    return copy.deepcopy({**resource, **changes})


def as_form(resource: Mapping[str, Any], form: Dialect) -> dict[str, Any]:
    return write(normalize(dict(resource)), form).resource


def numbers(report: ir.Report) -> list[Any]:
    results = [*report.results, *([report.combined] if report.combined else [])]
    return [
        (r.instances, r.flags, [(m.code, m.value, m.unit, m.method) for m in r.measurements])
        for r in results
    ]


def regions_of(bundle: Mapping[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    """Return instance and frames of the regions that Observations lead to, each once."""
    links = link(bundle)
    assert {one.basis for one in links.links} <= {"region-path", "only-region"}
    targets = [one.regions[0].region.target for one in links.links if one.regions[0].region]
    return list(dict.fromkeys((target.instance, target.frames) for target in targets))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("resource", "opened", "expected"),
    [
        (ON_SLICES, images, [("1.2.3.0", ()), ("1.2.3.2", ())]),
        (ON_FRAMES, movie, [("1.2.3.0", (1,)), ("1.2.3.0", (3,))]),
    ],
)
def test_a_shared_region_is_found_on_its_own_instance(
    resource: dict[str, Any], opened: Any, expected: Any, form: Any
) -> None:
    report = ir.measure(resource, opened())
    assert len({result.get("mean") for result in report.results}) == 2
    bundle = report.to_observations(form)
    assert regions_of(bundle) == expected
    found = audit(bundle, opened())
    assert found.counts["matches"] > 20
    assert found.is_clean


@pytest.mark.parametrize("resource", [ON_SLICES, ON_FRAMES])
def test_groups_of_a_shared_region_are_tracked_apart(resource: dict[str, Any]) -> None:
    opened = images() if resource is ON_SLICES else movie()
    site = {"coding": [{"system": "http://snomed.info/sct", "code": "10200004"}]}
    known = {"subject": {"reference": "Patient/1"}, "bodySite": site["coding"][0]}
    bundle = ir.measure({**resource, **known}, opened).to_observations("dicom-sr")
    resources = [entry["resource"] for entry in bundle["entry"]]
    groups = [one for one in resources if "hasMember" in one]
    assert len({one["identifier"][2]["value"] for one in groups}) == len(groups) == 2
    for kind in ("ImagingSelection", "BodyStructure"):
        assert sum(one["resourceType"] == kind for one in resources) == 2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("written", ["r6", "r5"])
def test_bundles_of_a_3d_region_of_several_instances_match(written: Any, form: Any) -> None:
    resource = as_form(deep(), written)
    bundle = ir.measure(resource, images(), combine=True).to_observations(form)
    found = audit(bundle, images())
    assert found.counts["matches"] > 20
    assert found.is_clean
    links = link(bundle)
    assert all(one.basis == "region-path" for one in links.links)
    if form != "dicom-sr":
        paths = [f"ImagingSelection.instance[0].imageRegion3D[{j}]" for j in range(2)]
        assert [one.regions[0].path for one in links.links] == [*paths, "ImagingSelection"]


@pytest.mark.parametrize(
    "instances",
    [
        [{"uid": "1.2.3.0"}, {"uid": "1.2.3.2"}],
        [{"uid": "1.2.3.0"}, {"uid": "1.2.3.2"}, {"uid": "1.2.3.4"}],
        [{"uid": "1.2.3.0"}, {"uid": "1.2.8", "sopClass": "urn:oid:1.2.840.10008.5.1.4.1.1.481.3"}],
        [
            {"uid": uid, "sopClass": "urn:oid:1.2.840.10008.5.1.4.1.1.481.3"}
            for uid in ("1.2.7", "1.2.8")
        ],
    ],
)
def test_there_and_back_the_numbers_are_the_same(instances: list[dict[str, Any]]) -> None:
    first = deep(instance=instances)
    second = as_form(first, "r5")
    third = as_form(second, "r6")
    assert third == first
    reports = [ir.measure(one, images(), combine=True) for one in (first, second, third)]
    assert reports[0].combined is not None
    assert reports[0].combined.get("count")
    assert numbers(reports[0]) == numbers(reports[1]) == numbers(reports[2])


def test_copies_are_one_region_with_the_path_of_the_first() -> None:
    selection = ir.read_selection(as_form(deep(), "r5"))
    assert [region.path for region in selection.regions] == [
        f"ImagingSelection.instance[0].imageRegion3D[{j}]" for j in range(2)
    ]
    assert selection.merged == {
        f"ImagingSelection.instance[1].imageRegion3D[{j}]": region.path
        for j, region in enumerate(selection.regions)
    }
    assert all(region.target.series == "1.2.3" for region in selection.regions)
    assert not any(region.target.instance for region in selection.regions)
    found = [(issue.code, issue.path) for issue in selection.issues]
    assert found == [("same-region", region.path) for region in selection.regions]


def test_only_the_same_in_several_instances_is_one_region() -> None:
    """What one instance has twice are two regions, and so it is where all of them have it twice."""
    ring, other = solid("polygon", RING), solid("polygon", [*RING[:-1], 4.0])
    line = solid("polyline", RING)
    moved = solid("polygon", [v + (i % 3 == 2) for i, v in enumerate(RING)])
    in_both = [[ring, other, line, ring], [moved, ring, line]]
    named = [{"uid": f"1.2.3.{i}", "imageRegion3D": x} for i, x in enumerate(in_both)]
    resource = deep(instance=named)
    del resource["imageRegion3D"]
    selection = ir.read_selection(resource)
    first, second = (
        [f"ImagingSelection.instance[{i}].imageRegion3D[{j}]" for j in range(4)] for i in range(2)
    )
    assert selection.merged == {second[1]: first[0], second[2]: first[2]}
    assert [(r.type, r.target.instance) for r in selection.regions] == [
        ("polygon", ""),
        ("polygon", "1.2.3.0"),
        ("polyline", ""),
        ("polygon", "1.2.3.0"),
        ("polygon", "1.2.3.1"),
    ]
    twice = [issue.path for issue in ir.check(selection) if issue.code == "duplicate-region"]
    assert twice == [first[1], first[3]]


def test_the_path_of_a_copy_leads_to_the_region() -> None:
    resource = as_form(deep(), "r5")
    path = "ImagingSelection.instance[1].imageRegion3D[1]"
    url = "https://example.org/StructureDefinition/region-path"
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Area"},
        "derivedFrom": [
            {
                "reference": "ImagingSelection/rings",
                "extension": [{"url": url, "valueString": path}],
            }
        ],
        "valueQuantity": {"value": 30.25, "unit": "mm2"},
    }
    (found,) = link([{**resource, "id": "rings"}, observation]).links
    assert [one.path for one in found.regions] == [path.replace("instance[1]", "instance[0]")]
