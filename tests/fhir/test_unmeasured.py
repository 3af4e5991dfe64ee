"""Regions that could not be measured: what is known of them is said, and why there is no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fhir.resources.bundle import Bundle
from fhir.resources.R4B.bundle import Bundle as BundleR4B

import imageregion as ir
from imageregion.auditing import audit
from imageregion.errors import DicomError
from imageregion.fhir.linking import link

Make = Callable[..., dict[str, Any]]
FORMS = ["r5", "dicom-sr", "r4b"]
PALETTE = "palette colours: the values are no measurements"


def unreadable() -> np.ndarray[Any, Any]:
    raise DicomError("1.2.3.4", PALETTE)


def images() -> ir.Images:
    """One image of known size whose values mean nothing."""
    plane = ir.Plane((16, 16), [0, 0, 0], np.eye(3, 2))
    known = {"instance": "1.2.3.4", "series": "1.2.3", "frame_of_reference": "1.2.9"}
    frame = ir.Frame.from_array(np.zeros((16, 16)), plane=plane, **known)
    return ir.Images([replace(frame, load=unreadable)])


def written(report: ir.Report, form: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return a Bundle and its issues."""
    bundle = report.to_observations(form)
    model = BundleR4B if form == "r4b" else Bundle
    model.model_validate(json.loads(json.dumps(bundle, allow_nan=False)))
    outcome = bundle["entry"][-1]["resource"] if form == "r4b" else bundle["issues"]
    assert outcome["resourceType"] == "OperationOutcome"
    return bundle, outcome["issue"]


def observations(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [one for one in found if one["resourceType"] == "Observation"]


@pytest.mark.parametrize("form", FORMS)
def test_sizes_are_given_where_pixels_cannot_be_read(make: Make, form: Any) -> None:
    report = ir.measure(make(("polyline", [2, 2, 8, 2, 8, 6, 2, 6, 2, 2])), images())
    bundle, issues = written(report, form)
    errors = [(one["code"], one["details"]["text"]) for one in issues if one["severity"] == "error"]
    assert errors == [("processing", "not-measured")]
    assert PALETTE in issues[0]["diagnostics"]
    found = audit(bundle, images())
    matching = {one.number.name: one.recomputed for one in found.numbers if not one.reason}
    assert {one.status for one in found.numbers if not one.reason} == {"matches"}
    assert matching["area"] == 24.0
    absent = [one for one in found.numbers if one.reason]
    assert all(one.reason == "absent" and PALETTE in one.message for one in absent)
    if form == "dicom-sr":
        return
    assert "mean" in {one.number.name for one in absent}
    (observation,) = observations(bundle)
    assert "dataAbsentReason" not in observation
    assert any(PALETTE in note["text"] for note in observation["note"])


@pytest.mark.parametrize("form", FORMS)
def test_a_region_without_image_is_there_with_the_reason(make: Make, form: Any) -> None:
    """Its sizes count pixels that may be of any size, so they are not given."""
    report = ir.measure(make(("circle", [8, 8, 11, 8]), instance={"uid": "9.9"}), images())
    assert report.results[0].get("area") == pytest.approx(np.pi * 9)
    bundle, issues = written(report, form)
    (error,) = (one for one in issues if one["severity"] == "error")
    (observation,) = observations(bundle)
    reason = observation["dataAbsentReason"]
    assert reason["coding"][0]["code"] == "not-performed"
    assert reason["text"] == error["diagnostics"]
    assert "9.9" in reason["text"]
    assert not any("valueQuantity" in one for one in observation.get("component", []))
    (found,) = link(bundle).links
    assert found.regions[0].path == "ImagingSelection.instance[0].imageRegion2D[0]"
    assert not found.is_dangling
    assert all(one.reason == "absent" for one in audit(bundle, images()).numbers)


@pytest.mark.parametrize("form", FORMS)
def test_every_error_is_in_the_outcome(make: Make, form: Any) -> None:
    """Of a region that cannot be read there is no Observation, but there is the error."""
    resource = make(("circle", [8, 8]), ("circle", [8, 8, 11, 8]), instance={"uid": "9.9"})
    report = ir.measure(resource, images(), combine=True)
    _, issues = written(report, form)
    told = {one["details"]["text"] for one in issues if one["severity"] == "error"}
    assert told == {issue.code for issue in report.errors}
    assert told == {"coordinate-count", "not-measured", "not-combined"}


def test_a_3d_region_off_the_images_keeps_its_sizes(make: Make) -> None:
    ring = [2, 2, 90, 8, 2, 90, 8, 6, 90, 2, 6, 90, 2, 2, 90]
    report = ir.measure(make(("polygon", ring), dimension=3), images())
    bundle, _ = written(report, "r5")
    numbers = {one.number.name: one for one in audit(bundle, images()).numbers}
    assert numbers["area"].number.value == 24.0
    assert numbers["area"].reason == "not-measured"
    assert numbers["area"].message
