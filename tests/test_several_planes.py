"""Regions of several planes: on slices micrometres apart, on fewer or more slices, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from imageregion import Frame, Images, Plane, Report, measure

SQUARE = np.eye(3, 2)


def image(
    z: float,
    value: float = 0.0,
    axes: Any = SQUARE,
    shape: tuple[int, int] = (20, 24),
    **fields: Any,
) -> Frame:
    plane = Plane(shape, fields.pop("origin", (0.0, 0.0, z)), axes)
    known = {"series": "1.2.3.1", "study": "1.2.3", "modality": "CT", "frame_of_reference": "1.9"}
    pixels = np.full(shape, value)
    return Frame.from_array(pixels, plane=plane, **(known | fields))


def in_patient(kind: str, *coordinates: list[float], uid: str = "1.2.3.1.1") -> dict[str, Any]:
    regions = [{"regionType": kind, "coordinate": c} for c in coordinates]
    return {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "x"},
        "frameOfReferenceUid": "1.9",
        "instance": [{"uid": uid, "imageRegion3D": regions}],
    }


def square(z: float, low: float = 1.5, high: float = 11.5) -> list[float]:
    return [low, low, z, high, low, z, high, high, z, low, high, z, low, low, z]


@pytest.mark.parametrize("gap", [0.0005, 0.003, 0.01, 3.0])
def test_planes_micrometres_apart_are_not_mistaken_for_one_another(gap: float) -> None:
    images = Images(
        [image(n * gap, 10.0 * n, instance=f"1.2.{n}", thickness=gap) for n in range(1, 5)]
    )
    heights = [n * gap for n in range(1, 5)]
    points = in_patient("point", *([4.0, 4.0, z] for z in heights))
    outlines = in_patient("polygon", *(square(z) for z in heights))
    for selection in (points, outlines):
        means = [result.get("mean") for result in measure(selection, images).results]
        assert means == [10.0, 20.0, 30.0, 40.0]


def test_an_outline_that_rises_over_planes_micrometres_apart_is_not_flat() -> None:
    images = Images([image(n * 0.003, instance=f"1.2.{n}", thickness=0.003) for n in range(4)])
    rising = [2, 2, 0, 2.02, 2, 0, 2.02, 2.02, 0.009, 2, 2.02, 0.009, 2, 2, 0]
    report = measure(in_patient("polygon", rising), images)
    assert "not parallel" in report.errors[0].message


def combined(report: Report) -> Any:
    assert report.combined is not None, report.issues
    return report.combined


def test_outlines_of_two_planes_that_fall_on_one_slice_do_not_cancel() -> None:
    images = Images([image(3.0 * n, instance=f"1.2.3.1.{n}") for n in range(3)])
    report = measure(in_patient("polygon", square(2.6), square(3.4)), images, combine=True)
    assert combined(report).get("count") == 100
    # A hole belongs to the plane it was drawn on, coordinates rounded or not.
    hole = in_patient("polygon", square(2.6), square(2.604, 3.5, 5.5), square(3.4, 1.5, 6.5))
    assert combined(measure(hole, images, combine=True)).get("count") == 100
    alone = in_patient("polygon", square(2.6), square(2.604, 3.5, 5.5))
    assert combined(measure(alone, images, combine=True)).get("count") == 96


def outlines_on(count: int) -> dict[str, Any]:
    circle = {"regionType": "circle", "coordinate": [8, 8, 13, 8]}
    return {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "x"},
        "instance": [{"uid": f"1.2.3.1.{n}", "imageRegion2D": [circle]} for n in range(count)],
    }


@pytest.mark.parametrize("spacing", [2.0, 6.0])
def test_a_volume_is_not_told_by_the_slices_of_other_images(spacing: float) -> None:
    """Outlines every 3 mm; the slices measured on are closer together, or further apart."""
    drawn = [image(3.0 * n, instance=f"1.2.3.1.{n}") for n in range(4)]
    others = [
        image(spacing * n, 7.0, instance=f"1.2.4.{n}", series="1.2.4", modality="MR")
        for n in range(round(9 / spacing) + 1)
    ]
    images = Images([*drawn, *others])
    here = combined(measure(outlines_on(4), images, combine=True))
    assert here.get("volume") == pytest.approx(np.pi * 25 * 12)
    there = combined(measure(outlines_on(4), images, on="MR", combine=True))
    assert there.get("mean") == 7.0
    assert there.get("volume") is None
    assert there.get("counted_volume") is None
    assert "drawn-elsewhere" in there.flags


def test_slices_passed_over_by_the_outlines_are_flagged() -> None:
    images = Images([image(3.0 * n, instance=f"1.2.3.1.{n}") for n in range(5)])
    some = in_patient("polygon", square(0.0), square(6.0))
    assert "skipped-slices" in combined(measure(some, images, combine=True)).flags
    all_of_them = in_patient("polygon", square(0.0), square(3.0), square(6.0))
    assert "skipped-slices" not in combined(measure(all_of_them, images, combine=True)).flags


def test_what_lies_along_pixel_edges_touches_no_further_pixels_on_the_way_through_mm() -> None:
    """Positions of 25 mm over pixels of 0.5 um are off by 1e-11 pixels, which once counted."""
    fine, coarse = SQUARE * 0.0005, SQUARE * 0.001
    corner = (25.0, 17.123456, 0.0)
    images = Images(
        [
            image(0, axes=fine, shape=(64, 48), instance="1.2.3.1.0", origin=corner),
            image(
                0,
                axes=coarse,
                shape=(32, 24),
                instance="1.2.4.0",
                series="1.2.4",
                modality="SM",
                origin=(corner[0] + 0.00025, corner[1] + 0.00025, 0.0),
            ),
        ]
    )
    box = {"regionType": "polyline", "coordinate": [4, 6, 28, 6, 28, 44, 4, 44, 4, 6]}
    selection = outlines_on(1)
    selection["instance"][0]["imageRegion2D"] = [box]
    result = measure(selection, images, on="SM", rule="touched").results[0]
    assert result.get("count") == 12 * 19


def test_images_side_by_side_at_one_position_can_be_combined() -> None:
    left = image(0, 1.0, instance="1.2.3.1.0")
    right = image(0, 3.0, instance="1.2.3.1.1", origin=(24.0, 0.0, 0.0))
    report = measure(outlines_on(2), Images([left, right]), combine=True)
    assert combined(report).get("mean") == 2.0
    above = image(0, 3.0, instance="1.2.3.1.1")
    report = measure(outlines_on(2), Images([left, above]), combine=True)
    assert report.combined is None
    assert "one image at each position" in report.errors[-1].message
