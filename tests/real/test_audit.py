"""Links and audits of Bundles by others, and mistakes planted on real slices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.auditing.planted import PATH, as_text, measured, observation, stated

import imageregion as ir
from imageregion.auditing import audit
from imageregion.demo import demo_image
from imageregion.dicom.images import Images
from imageregion.fhir.linking import link


def resources(folder: Path) -> list[dict[str, Any]]:
    if not folder.is_dir():
        pytest.skip(f"{folder.name} absent")
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]


def test_the_examples_of_dicom_sr_measure_a_segment(shared_data: Path) -> None:
    found = link(resources(shared_data / "fhir" / "dicom-sr"))
    assert len(found.links) == 8 and not found.dangling
    by_name = {one.observation.partition("/")[2]: one for one in found.links}
    member = by_name["imaging-measurement-001"]
    assert member.groups == ("Observation/imaging-measurement-group",)
    assert [issue.code for issue in member.issues] == ["no-image"]
    assert by_name["imaging-observation"].regions[0].path.endswith("imageRegion2D[0]")
    audited = audit(found, demo_image())
    assert {one.reason for one in audited.numbers} == {"no-region", "unknown-code"}


def test_the_example_of_ihe_ira(shared_data: Path) -> None:
    found = link(resources(shared_data / "fhir" / "ihe-ira"))
    one = found.links[0]
    assert one.basis == "only-region" and one.regions[0].region is not None
    assert [(n.comparator, n.text, n.unit) for n in one.numbers] == [
        ("<=", "1.2", "cm"),
        ("<=", "0.8", "cm"),
    ]
    assert audit(found, demo_image()).numbers[0].reason == "not-measured"


@pytest.mark.parametrize("name", ["dcmqi", "rsna2018_dataset1"])
def test_expected_bundles_without_any_selection_dangle(shared_data: Path, name: str) -> None:
    path = shared_data / "fhir" / "PeterOpp_tid1500-fhir" / "examples" / name / "expected.json"
    if not path.is_file():
        pytest.skip(f"{name} absent")
    found = link(path)
    assert [issue.code for one in found.dangling for issue in one.issues] == ["no-derived-from"] * 2
    assert all(one.reports == ("Bundle.entry[0].resource",) for one in found.links)
    assert [number.name for number in found.links[0].numbers] == ["mean", "min", "max", "std"]


@pytest.fixture
def ct(shared_data: Path) -> Images:
    path = shared_data / "ct_transfer_syntaxes" / "CTImage.dcm"
    if not path.is_file():
        pytest.skip("CT slice absent")
    return ir.open_images(path)


def drawn(images: Images, *coordinate: float) -> dict[str, Any]:
    frame = images.frames[0]
    return {
        "resourceType": "ImagingSelection",
        "id": "drawn",
        "status": "available",
        "code": {"text": "Test"},
        "seriesUid": frame.series,
        "instance": [
            {
                "uid": frame.instance,
                "imageRegion2D": [{"regionType": "polyline", "coordinate": list(coordinate)}],
            }
        ],
    }


OUTLINE = (211.3, 240.2, 262.8, 233.1, 290.4, 268.9, 255.2, 301.7, 219.6, 284.0, 211.3, 240.2)


@pytest.mark.parametrize(
    ("name", "change", "codes"),
    [
        ("rule:exact", {"rule": "exact"}, ("mean", "std")),
        ("rule:touched", {"rule": "touched"}, ("mean", "std")),
        ("value:stored", {"value": "stored"}, ("mean",)),
        ("convention:pixel-centers", 0.5, ("mean", "std")),
        ("convention:one-based", -0.5, ("mean", "std")),
        ("convention:swapped", "swap", ("mean", "std", "min")),
        ("quantity:perimeter", "area", ("area",)),
    ],
)
def test_mistakes_on_a_real_ct_slice(
    ct: Images, name: str, change: Any, codes: tuple[str, ...]
) -> None:
    selection = drawn(ct, *OUTLINE)
    right = measured(selection, ct)
    if isinstance(change, dict):
        wrong = measured(selection, ct, **change)
    elif change == "swap":
        pairs = zip(OUTLINE[1::2], OUTLINE[::2], strict=True)
        wrong = measured(drawn(ct, *(number for pair in pairs for number in pair)), ct)
    elif change == "area":
        wrong = {"area": right["perimeter"]}
    else:
        wrong = measured(drawn(ct, *(number + change for number in OUTLINE)), ct)
    unit = {code: right[code][1] for code in codes}
    numbers = {c: (stated(right[c][0]), right[c][1]) for c in ("median", "perimeter")}
    numbers |= {code: (stated(wrong[code][0], 7), unit[code]) for code in codes}
    for one in audit(as_text(selection, observation(numbers, PATH.format(0, 0))), ct).numbers:
        if one.number.name in codes:
            assert one.explanations and one.explanations[0].name == name, str(one)
        else:
            assert one.status == "matches"


def test_activity_given_as_uptake_on_real_pet(shared_data: Path) -> None:
    folder = shared_data / "pet_slices"
    if not folder.is_dir():
        pytest.skip("PET slices absent")
    images = ir.open_images(folder)
    frames = [f for f in images.frames if {"suvbw", "rescaled"} <= {q.name for q in f.quantities}]
    if not frames:
        pytest.skip("no PET slice with SUV")
    frame = frames[0]
    row, column = (size * 0.55 for size in frame.shape)
    coordinate = (column, row, column + frame.shape[1] * 0.1, row)
    selection = drawn(images, *coordinate)
    selection["seriesUid"] = frame.series
    selection["instance"][0]["uid"] = frame.instance
    selection["instance"][0]["imageRegion2D"][0]["regionType"] = "circle"
    activity, uptake = (measured(selection, images, value=v) for v in ("rescaled", "suvbw"))
    assert activity["mean"][0] > 0
    unit = "g/ml{SUVbw}"
    numbers = {
        "mean": (stated(activity["mean"][0]), unit),
        "max": (stated(activity["max"][0]), unit),
        "area": (stated(uptake["area"][0]), uptake["area"][1]),
    }
    found = {
        o.number.name: o for o in audit(as_text(selection, observation(numbers)), images).numbers
    }
    assert found["area"].status == "matches"
    assert found["mean"].explanations[0].name == "value:rescaled"
    assert found["max"].explanations[0].name == "value:rescaled"
