"""Numbers that other people's software wrote into structured reports, from their pixels."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread

import imageregion as ir


def folder(shared_data: Path, name: str) -> Path:
    place = shared_data / name
    if not place.is_dir():
        pytest.skip(f"{name} is absent from the real data")
    return place


def liver_masks(path: Path) -> dict[float, NDArray[np.bool_]]:
    """Read the frames of segment 1 by their position along z."""
    dataset = dcmread(path)
    masks = {}
    groups = dataset.PerFrameFunctionalGroupsSequence
    for group, mask in zip(groups, dataset.pixel_array, strict=True):
        if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == 1:
            z = float(group.PlanePositionSequence[0].ImagePositionPatient[2])
            masks[z] = mask.astype(bool)
    return masks


def test_the_liver_of_the_report_has_its_mean_range_spread_and_volume(shared_data: Path) -> None:
    place = folder(shared_data, "liver_ct3")
    stated: dict[str, float] = {}
    for one in json.loads((place / "sr" / "expected_from_sr.json").read_text())[0]["measurements"]:
        stated[one["derivation"] or f"Volume {one['unit']}"] = one["value"]
    images = ir.open_images(place / "ct-3slice")
    volume = images.volume()
    masks = liver_masks(place / "seg" / "liver.dcm")
    total = ir.Statistics.of([])
    size = 0.0
    for frame, (below, above) in zip(volume.frames, volume.slabs, strict=True):
        assert frame.plane is not None
        near = min(masks, key=lambda z: abs(z - frame.plane.origin[2]))  # type: ignore[union-attr]
        if abs(near - frame.plane.origin[2]) > 0.01:
            continue
        spans = ir.Spans.from_mask(masks[near])
        total += ir.summarize(
            spans, frame.stored, value_map=frame.value_map, is_padding=frame.is_padding
        )
        size += spans.area * frame.plane.pixel_area * (below + above)
    assert frame.value == "hu"
    # Tolerances are half a unit in the last digit that the report prints.
    assert total.mean == pytest.approx(stated["Mean"], abs=5e-5)
    assert total.min == stated["Minimum"]
    assert total.max == stated["Maximum"]
    assert total.std is not None
    sample = total.std * math.sqrt(total.count / (total.count - 1))  # the report divides by n - 1
    assert sample == pytest.approx(stated["Standard Deviation"], abs=5e-5)
    assert size == pytest.approx(stated["Volume mm3"], abs=0.05)


def scoord_cases(path: Path) -> list[tuple[str, list[float], str, float]]:
    """Return (graphic type, coordinates, measured quantity, stored value) of every outline."""
    found = []
    for group in json.loads(path.read_text()):
        values = {m["name"]: m["value"] for m in group["measurements"]}
        for one in group.get("scoord", []):
            if one["for_measure"] in values and one["type"] in ("ELLIPSE", "POLYLINE"):
                name = one["for_measure"]
                found.append((one["type"], one["data"], name, values[name]))
    return found


SPACING = 0.9765625
"""PixelSpacing of the images of these reports, which are absent; mm in both directions."""

REGION_TYPES = {"ELLIPSE": "ellipse", "POLYLINE": "polyline"}


def measured(kind: str, data: list[float]) -> ir.RegionResult:
    """Measure one outline on an image made up to have the stated spacing."""
    region = {"regionType": REGION_TYPES[kind], "coordinate": data}
    selection = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "outline"},
        "instance": [{"uid": "1.2.3", "imageRegion2D": [region]}],
    }
    plane = ir.Plane((512, 512), [-250, -250, 10], np.eye(3, 2) * SPACING)
    frame = ir.Frame.from_array(np.zeros((512, 512)), plane=plane, instance="1.2.3")
    return ir.measure(selection, ir.Images([frame])).results[0]


def test_stored_lengths_and_areas_of_outlines(shared_data: Path) -> None:
    place = folder(shared_data, "sr_scoord")
    cases = scoord_cases(place / "dcmjs_structured_report_expected.json")
    assert {name for _, _, name, _ in cases} >= {"AREA", "Long Axis", "Short Axis"}
    for kind, data, name, stored in cases:
        result = measured(kind, data)
        got = result.get("area") if name == "AREA" else result.get("length")
        assert got is not None, (kind, name)
        # 1e-6 of the value, or half a unit in the last digit that was stored
        digits = len(str(stored).partition(".")[2])
        assert got == pytest.approx(stored, rel=1e-6, abs=0.5 * 10.0**-digits), (kind, name)
