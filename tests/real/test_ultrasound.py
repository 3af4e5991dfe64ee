"""Ultrasound: the ruler of the scanner against ours, on real images."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import imageregion as ir
from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.shapes import Ellipse, Polygon, Polyline
from imageregion.sizing import scale_of, shape_sizes


def about(value: Any, **tolerance: Any) -> Any:
    return pytest.approx(value, **tolerance)


def open_one(path: Path) -> Frame:
    return ir.open_images(path).frames[0]


def line_on(frame: Frame, coords: list[list[float]]) -> dict[str, Any]:
    """Resource with one line on one image."""
    return {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "caliper"},
        "instance": [
            {
                "uid": frame.instance,
                "imageRegion2D": [
                    {"regionType": "polyline", "coordinate": [v for xy in coords for v in xy]}
                ],
            }
        ],
    }


def calipers(shared_data: Path) -> list[tuple[Path, list[list[float]], float, float]]:
    """File, ends of the line in pixel coordinates, burned-in length in mm, and its rounding."""
    place = shared_data / "us_calipers"
    found = []
    for case in json.loads((place / "expected.json").read_text())["cases"]:
        value, unit = case["burned_in"].split()
        assert unit == "cm"
        coords = [[column + 0.5, row + 0.5] for column, row in case["points_px_centre"]]
        decimals = len(value.partition(".")[2])
        found.append((place / case["file"], coords, 10 * float(value), 5.0 * 10**-decimals))
    return found


def test_the_length_is_the_one_burned_in_by_the_scanner(shared_data: Path) -> None:
    for path, coords, burned_in, rounding in calipers(shared_data):
        line = Polyline(coords)
        sizes, _ = shape_sizes(line, scale := scale_of(line, open_one(path)))
        length, unit = sizes["length"]
        assert unit == "mm"
        assert length is not None
        assert abs(length - burned_in) <= rounding
        assert scale.source == "ultrasound"


def test_measure_gives_the_burned_in_length(shared_data: Path) -> None:
    """Also though the values of this image are palette colours, which are no measurements."""
    for path, coords, burned_in, rounding in calipers(shared_data):
        images = ir.open_images(path)
        report = ir.measure(line_on(images.frames[0], coords), images)
        record = report.results[0].to_dict()
        assert abs(record["length_mm"] - burned_in) <= rounding
        assert record["spacing"] == "ultrasound"
        assert record["length_px"] is None
        assert "no-spacing" not in record["flags"]
        assert record["mean"] is None


def test_the_trace_of_the_heart_is_no_length(shared_data: Path) -> None:
    frame = open_one(shared_data / "us_calipers" / "OBXXXX1A.dcm")
    picture, trace = frame.ultrasound
    assert (picture.left, picture.top, picture.right, picture.bottom) == (120, 60, 800, 519)
    assert picture.spacing is not None
    assert (trace.spacing, trace.name) == (None, "waveform region 2")
    scale = scale_of(Polyline([[200, 530], [700, 560]]), frame)
    assert (scale.unit, scale.flags) == ("{pixels}", ("outside-calibration",))
    with pytest.raises(PlacementError, match=r"waveform region 2 .* and 2D region 1"):
        scale_of(Polyline([[200, 500], [200, 530]]), frame)  # out of one into the other


def test_a_disc_on_ultrasound_has_its_area_in_mm2(shared_data: Path) -> None:
    frame = open_one(shared_data / "us_calipers" / "OBXXXX1A.dcm")
    delta = 0.2622878766196998  # PhysicalDeltaX of the file, cm, times 10
    disc = Ellipse.circle((480.5, 297.5), 5 / delta)
    sizes, metrics = shape_sizes(disc, scale_of(disc, frame))
    assert sizes["area"] == (about(math.pi * 25, rel=1e-12), "mm2")
    assert sizes["max_diameter"] == (about(10, rel=1e-12), "mm")
    assert metrics.centroid == about((480.5, 297.5))


def test_two_pictures_side_by_side_are_two_rulers(shared_data: Path) -> None:
    frame = open_one(shared_data / "pydicom_data_sel" / "gdcm-US-ALOKA-16.dcm")
    left, right, bar = frame.ultrasound
    assert (left.right, right.left) == (336, 336)  # MaxX1 335 and MinX0 336
    assert bar.spacing is None
    delta = 0.3826530650258064
    for start in (100, 400):
        line = Polyline([[start, 200], [start + 30, 240]])
        sizes, _ = shape_sizes(line, scale_of(line, frame))
        assert sizes["length"] == (about(50 * delta, rel=1e-12), "mm")
    for shape in (
        Polyline([[300, 200], [400, 200]]),
        Polygon([[[300, 200], [400, 200], [350, 260]]]),
        Ellipse.circle((336, 200), 10),
    ):
        with pytest.raises(PlacementError, match=r"2D region 1 .* and 2D region 2 "):
            scale_of(shape, frame)
    # the grey bar beside the picture lies in its rectangle, and is none
    assert scale_of(Polyline([[40, 50], [50, 90]]), frame).unit == "{pixels}"


def test_a_crossing_is_reported_and_not_measured(shared_data: Path) -> None:
    path = shared_data / "pydicom_data_sel" / "gdcm-US-ALOKA-16.dcm"
    frame = open_one(path)
    crossing = line_on(frame, [[300, 200], [400, 200]])
    report = ir.measure(crossing, ir.open_images(path))
    assert "not-measured" in report.results[0].flags
    assert report.results[0].get("mean") is None
    (issue,) = [issue for issue in report.issues if issue.code == "not-measured"]
    assert "2D region 1 (columns 32 to 336" in issue.message
    assert "2D region 2 (columns 336 to 640" in issue.message


def test_only_the_proportion_of_pixels_is_known(shared_data: Path) -> None:
    frame = open_one(shared_data / "pydicom_data_sel" / "color-pl.dcm")
    assert frame.spacing == ir.Spacing(4 / 3, 1.0, "aspect")
    circle = Ellipse.circle((100, 60), 30)
    sizes, _ = shape_sizes(circle, scale := scale_of(circle, frame))
    assert sizes["max_diameter"] == (about(80), "{pixels}")
    assert sizes["area"] == (about(math.pi * 900 * 4 / 3), "{pixels}")
    assert scale.flags == ("no-spacing",)


def test_regions_stay_within_their_images(shared_data: Path) -> None:
    for path in sorted((shared_data / "pydicom_data_sel").glob("*US*.dcm")):
        frame = open_one(path)
        rows, columns = frame.shape
        for region in frame.ultrasound:
            assert np.array([region.left, region.top]).min() >= 0
            assert region.right <= columns
            assert region.bottom <= rows
