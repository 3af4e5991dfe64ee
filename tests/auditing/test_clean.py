"""Bundles without mistakes: every number matches, and nothing is explained."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from tests.auditing.planted import (
    OPEN,
    OTHER,
    OVAL,
    STAR,
    as_text,
    measured,
    observation,
    pet,
    phantom,
    selection,
    stated,
)

import imageregion as ir
from imageregion.auditing import audit
from imageregion.auditing.findings import Audit
from imageregion.demo import demo_image, demo_selection

FORMS = ["r5", "dicom-sr", "r4b"]


def check_clean(found: Audit) -> None:
    wrong = [str(one) for one in found.numbers if one.status not in ("matches", "not-audited")]
    assert not wrong
    assert all(not one.explanations and not one.possible for one in found.numbers)
    assert {one.reason for one in found.numbers if one.status == "not-audited"} <= {"absent"}
    assert found.counts["matches"] > 10


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rule": "exact", "combine": True},
        {"rule": "touched", "bounds": True, "close": True},
        {"fill_rule": "nonzero", "value": "stored"},
        {"resegment": (-200.0, None), "outliers": 2.5, "estimators": True},
        {"features": "first-order"},
    ],
)
def test_our_own_bundles_match_however_measured(form: Any, options: dict[str, Any]) -> None:
    report = ir.measure(demo_selection(), demo_image(), **options)
    check_clean(audit(report.to_observations(form), demo_image()))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("digits", [3, 4, 5, 6])
@pytest.mark.parametrize("as_float", [False, True])
def test_rounding_is_no_mistake(form: Any, digits: int, as_float: bool) -> None:
    """Written with all digits, or as programs do that know only floats: 219000.0 for 218927."""

    def rounded(text: str) -> str:
        exact = stated(float(text), digits)
        return repr(float(exact)) if as_float else exact

    bundle = ir.measure(demo_selection(), demo_image()).to_observations(form)
    text = re.sub(
        r'("valueQuantity": \{"value": )(-?[0-9.e+-]+)',
        lambda found: found[1] + rounded(found[2]),
        json.dumps(bundle),
    )
    assert text != json.dumps(bundle)
    check_clean(audit(text, demo_image()))


@pytest.mark.parametrize("images", [phantom, pet])
@pytest.mark.parametrize("outline", [OVAL, OPEN, STAR])
def test_a_program_that_names_no_method(images: Any, outline: Any) -> None:
    drawn, given = selection(outline, OTHER), images()
    numbers = measured(drawn, given)
    texts = {
        code: (stated(v, 4), u) for code, (v, u) in numbers.items() if not code.startswith("co")
    }
    check_clean(audit(as_text(drawn, observation(texts)), given))


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("cm2", 100.0), ("mm2", 1.0), ("m2", 1e6), ("square millimeter", 1.0), ("mm²", 1.0)],
)
def test_units_of_one_kind_are_converted(unit: str, factor: float) -> None:
    drawn, images = selection(OVAL), phantom()
    area = measured(drawn, images)["area"][0] / factor
    found = audit(as_text(drawn, observation({"area": (stated(area, 5), unit)})), images)
    assert found.counts == {"matches": 1}


def test_a_number_on_other_images_than_it_was_drawn_on() -> None:
    ct, images = phantom(3), phantom(3)
    moved = phantom(3, modality="PT").frames
    other = [
        ir.Frame.from_array(
            frame.stored,
            plane=frame.plane,
            instance=f"1.2.4.{k}",
            series="1.2.4",
            frame_of_reference=frame.frame_of_reference,
            modality="PT",
        )
        for k, frame in enumerate(moved, 1)
    ]
    both = type(images)([*ct.frames, *other])
    report = ir.measure(selection(OVAL, instance=2), both, on="PT")
    assert report.results[0].instances == ("1.2.4.2",)
    check_clean(audit(report.to_observations(), both))


def test_an_ellipsoid_over_slices() -> None:
    images = phantom(12)
    center, half = (0.0, 60.0, 15.0), (9.0, 20.0, 8.0)
    ends: list[float] = []
    for axis in range(3):
        for sign in (-1, 1):
            end = list(center)
            end[axis] += sign * half[axis]
            ends += end
    drawn = {
        "resourceType": "ImagingSelection",
        "id": "drawn",
        "status": "available",
        "code": {"text": "Test"},
        "seriesUid": "1.2.3",
        "frameOfReferenceUid": "1.2.9",
        "instance": [
            {"uid": "1.2.3.5", "imageRegion3D": [{"regionType": "ellipsoid", "coordinate": ends}]}
        ],
    }
    bundle = ir.measure(drawn, images).to_observations()
    check_clean(audit(bundle, images))
    # The volume of the shape instead of that of its voxels, and the other way round.
    path = "ImagingSelection.instance[0].imageRegion3D[0]"
    numbers = measured(drawn, images)
    volume, counted = numbers["volume"][0], numbers["counted_volume"][0]
    assert abs(volume - counted) > 1
    text = {
        "counted_volume": (stated(volume, 7), "mm3"),
        "mean": (stated(numbers["mean"][0]), "[hnsf'U]"),
    }
    found = audit(as_text(drawn, observation(text, path)), images)
    by_name = {one.number.name: one for one in found.numbers}
    assert by_name["mean"].status == "matches"
    assert by_name["counted_volume"].explanations[0].name == "quantity:volume"
    millilitres = {"volume": (stated(volume / 1000, 5), "mL")}
    assert audit(as_text(drawn, observation(millilitres, path)), images).is_clean
