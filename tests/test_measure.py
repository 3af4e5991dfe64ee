"""The main job on phantoms whose answers are known."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pytest
from fhir.resources.bundle import Bundle

import imageregion as ir
from imageregion import Frame, Images, LinearMap, Plane, Report

FOR = "1.2.826.0.1.1"
SERIES = "1.2.826.0.1.2"


def selection(*regions: dict[str, Any], instance: str = "1.9.0", **fields: Any) -> dict[str, Any]:
    """Make an ImagingSelection; regions of three coordinates per point go to imageRegion3D."""
    flat = [r for r in regions if not r.pop("in_patient", False)]
    solid = [r for r in regions if r not in flat]
    element: dict[str, Any] = {"uid": instance}
    if flat:
        element["imageRegion2D"] = flat
    if solid:
        element["imageRegion3D"] = solid
    return {
        "resourceType": "ImagingSelection",
        "id": "phantom",
        "status": "available",
        "subject": {"reference": "Patient/p"},
        "code": {"text": "test"},
        "frameOfReferenceUid": FOR,
        "instance": [element],
    } | fields


def flat(kind: str, *coordinate: float) -> dict[str, Any]:
    return {"regionType": kind, "coordinate": list(coordinate)}


def solid(kind: str, coordinate: Any) -> dict[str, Any]:
    numbers = [float(v) for v in np.ravel(coordinate)]
    return {"regionType": kind, "coordinate": numbers, "in_patient": True}


def stack(plane: Plane, /, heights: tuple[float, ...] = (0, 3, 6, 10), **fields: Any) -> Images:
    """Slices whose pixel values are 1000 * slice + row + column / 100."""
    row, column = np.mgrid[: plane.shape[0], : plane.shape[1]]
    frames = []
    for i, height in enumerate(heights):
        moved = Plane(plane.shape, plane.origin + height * plane.normal, plane.axes)
        settings: dict[str, Any] = {
            "plane": moved,
            "series": SERIES,
            "instance": f"1.9.{i}",
            "frame_of_reference": FOR,
            "modality": "CT",
            "unit": "[hnsf'U]",
        }
        pixels = 1000.0 * i + row + column / 100
        frames.append(Frame.from_array(pixels, **settings | fields))
    return Images(tuple(frames))


def ellipse_corners(plane: Plane) -> list[float]:
    return [float(v) for v in plane.to_patient([[10, 20], [50, 20], [30, 12], [30, 28]]).ravel()]


SQUARE = flat("polyline", 10, 10, 30, 10, 30, 25, 10, 25, 10, 10)


def only(report: Report) -> ir.RegionResult:
    (result,) = report.results
    return result


@pytest.mark.parametrize(
    ("region", "pixels", "perimeter"),
    [
        (SQUARE, 300.0, None),
        (flat("circle", 30, 20, 42, 20), np.pi * 144, None),
        (flat("ellipse", 10, 20, 50, 20, 30, 12, 30, 28), np.pi * 160, None),
    ],
)
def test_areas_are_those_of_the_geometry_on_any_plane(
    plane: Plane, region: dict[str, Any], pixels: float, perimeter: None
) -> None:
    result = only(ir.measure(selection(region), stack(plane)))
    assert result.get("area") == pytest.approx(pixels * 2.0 * 0.5)
    assert result.get("counted_area") == pytest.approx(result.get("count"))
    # centre rule: off by less than the outline, here a few percent of these areas
    assert result.get("count") == pytest.approx(pixels, rel=0.05)


def test_statistics_are_those_of_the_pixels_under_the_region(plane: Plane) -> None:
    images = stack(plane)
    result = only(ir.measure(selection(SQUARE, instance="1.9.2"), images))
    values = images.frames[2].pixels[10:25, 10:30]
    assert result.get("count") == 300
    for code, expected in {
        "mean": values.mean(),
        "std": values.std(),
        "min": values.min(),
        "max": values.max(),
        "median": np.median(values),
        "p10": np.quantile(values, 0.1),
        "p25": np.quantile(values, 0.25),
        "p75": np.quantile(values, 0.75),
        "p90": np.quantile(values, 0.9),
        "sum": values.sum(),
    }.items():
        assert result.get(code) == pytest.approx(expected, rel=1e-12), code


def test_the_same_region_in_pixels_and_in_the_patient(plane: Plane) -> None:
    images = stack(plane)
    corners = plane.to_patient([[10, 10], [30, 10], [30, 25], [10, 25], [10, 10]])
    report = ir.measure(selection(SQUARE, solid("polygon", corners)), images)
    here, there = (result.to_dict() for result in report.results)
    for key in ("count", "mean", "std", "area_mm2", "perimeter_mm", "centroid_mm", "instance"):
        assert here[key] == pytest.approx(there[key]) if key != "instance" else True, key
    assert there["distance_mm"] == pytest.approx(0, abs=1e-9)


def test_lines_and_points(plane: Plane) -> None:
    report = ir.measure(
        selection(
            flat("point", 5.5, 7.5),
            flat("polyline", 5, 5, 5, 15, 25, 15),
            solid("multipoint", plane.to_patient([[3.2, 3.2], [8.1, 9.9]])),
            solid("polyline", plane.to_patient([[5, 5], [5, 15]])),
        ),
        stack(plane),
    )
    point, line, points, solid_line = report.results
    assert point.get("count") == 1
    assert point.get("mean") == pytest.approx(7.05)
    assert line.get("length") == pytest.approx(10 * 2.0 + 20 * 0.5)
    assert "unclosed" in line.flags
    assert points.get("count") == 2
    assert solid_line.get("length") == pytest.approx(20.0)
    assert line.get("area") is None


def test_an_unclosed_outline_is_a_line_unless_closing_is_asked_for(plane: Plane) -> None:
    outline = flat("polyline", 10, 10, 30, 10, 30, 25, 10, 25)
    open_line = only(ir.measure(selection(dict(outline)), stack(plane)))
    closed = only(ir.measure(selection(dict(outline)), stack(plane), close=True))
    assert "unclosed" in open_line.flags
    assert open_line.get("area") is None
    assert "closed-on-request" in closed.flags
    assert closed.get("area") == pytest.approx(300.0)
    assert any("closed on request" in note for note in closed.measurements[0].method.notes)


def test_a_spline_records_how_it_was_drawn(plane: Plane) -> None:
    angle = np.radians(np.arange(0, 361, 30))
    circle = np.round(np.stack([35 + 12 * np.cos(angle), 20 + 12 * np.sin(angle)], axis=1), 9)
    result = only(ir.measure(selection(flat("interpolated", *circle.ravel())), stack(plane)))
    assert "spline" in str(result.measurements[0].method)
    # twelve knots on a circle: the periodic cubic spline keeps to it within 0.1 percent
    assert result.get("area") == pytest.approx(np.pi * 144, rel=2e-3)


def test_an_ellipsoid_is_measured_on_every_plane_it_meets(plane: Plane) -> None:
    centre = plane.to_patient([[35, 20]])[0] + 4 * plane.normal
    axes = np.stack([plane.axes[:, 0] * 16, plane.axes[:, 1] * 5, plane.normal * 5], axis=1)
    ends = [centre + s * axes[:, k] for k in range(3) for s in (-1, 1)]
    result = only(ir.measure(selection(solid("ellipsoid", ends)), stack(plane)))
    assert result.get("volume") == pytest.approx(4 / 3 * np.pi * 8 * 10 * 5)
    assert [part.frame.instance for part in result.slices] == ["1.9.0", "1.9.1", "1.9.2"]
    assert result.to_dict()["images"] == 3
    assert result.get("count") == sum(part.spans.count for part in result.slices)
    thickness = (3.0, 3.0, 3.5)  # half the way to each neighbour; the first owns 1.5 outwards
    volume = sum(p.spans.count * t for p, t in zip(result.slices, thickness, strict=True))
    assert result.get("counted_volume") == pytest.approx(volume)
    assert "partly-off-planes" not in result.flags


def test_without_a_plane_nothing_is_in_mm(plane: Plane) -> None:
    bare = stack(plane, plane=None)
    result = only(ir.measure(selection(SQUARE), bare))
    record = result.to_dict()
    assert "no-spacing" in result.flags
    assert (record["area_px2"], record["perimeter_px"]) == (300.0, 70.0)
    assert {record[key] for key in record if key.endswith(("_mm", "_mm2", "_mm3"))} == {None}
    assert record["centroid_px"] == [20.0, 17.5]


def test_one_bad_region_never_stops_the_others(plane: Plane) -> None:
    document = selection(SQUARE, flat("banana", 1, 2), flat("circle", 1, 1, 1, 1))
    document["instance"].append({"uid": "1.9.77", "imageRegion2D": [flat("point", 3, 3)]})
    report = ir.measure(document, stack(plane))
    assert [bool(result.slices) for result in report.results] == [True, False]
    assert not report.complete
    named = " ".join(str(issue) for issue in report.errors)
    assert "imageRegion2D[1]" in named
    assert "imageRegion2D[2]" in named
    assert "1.9.77" in named
    assert "not-measured" in report.results[1].flags
    assert report.results[1].to_dict()["count"] is None


def test_entered_in_error_is_measured_only_on_request(plane: Plane) -> None:
    document = selection(SQUARE, status="entered-in-error")
    with pytest.raises(ir.FhirError, match=r"ImagingSelection\.status"):
        ir.measure(document, stack(plane))
    report = ir.measure(document, stack(plane), entered_in_error=True)
    assert only(report).get("count") == 300
    (observation,) = observations_of(report)
    assert observation["status"] == "entered-in-error"


def test_another_frame_of_reference_is_named_with_both_uids(plane: Plane) -> None:
    corners = plane.to_patient([[10, 10], [30, 10], [30, 25], [10, 10]])
    document = selection(solid("polygon", corners), frameOfReferenceUid="1.2.3.4")
    report = ir.measure(document, stack(plane))
    assert only(report).slices == ()
    assert only(report).get("area") is not None
    assert "1.2.3.4" in str(report.errors[0])
    assert FOR in str(report.errors[0])


def test_padding_is_left_out_and_counted(plane: Plane) -> None:
    pixels = np.full(plane.shape, -2000, dtype=np.int16)
    pixels[:, 20:] = 40
    images = Images(
        (
            Frame.from_array(
                pixels, plane=plane, instance="1.9.0", padding=(-2000, -2000),
                value_map=LinearMap(2, -10), frame_of_reference=FOR, series=SERIES,
            ),
        )
    )  # fmt: skip
    result = only(ir.measure(selection(SQUARE), images))
    assert (result.get("count"), result.get("excluded")) == (150, 150)
    assert (result.get("mean"), result.get("std")) == (70.0, 0.0)
    assert "padding-inside" in result.flags


def test_every_slice_keeps_its_own_rescale(plane: Plane) -> None:
    """PET slopes differ per slice; a stack must not use the first one's for all."""
    frames = []
    for i, slope in enumerate((0.5, 4.0)):
        moved = Plane(plane.shape, plane.origin + 3 * i * plane.normal, plane.axes)
        frames.append(
            Frame.from_array(
                np.full(plane.shape, 10), plane=moved, instance=f"1.9.{i}", series=SERIES,
                frame_of_reference=FOR, value_map=LinearMap(slope, 0), unit="g/ml{SUVbw}",
            )
        )  # fmt: skip
    document = selection(dict(SQUARE))
    document["instance"].append({"uid": "1.9.1", "imageRegion2D": [dict(SQUARE)]})
    report = ir.measure(document, Images(tuple(frames)), combine=True)
    assert [result.get("mean") for result in report.results] == [5.0, 40.0]
    assert report.combined is not None
    assert report.combined.get("mean") == 22.5
    assert "rescale per image" in str(report.combined.measurements[0].method)


def test_partly_and_wholly_outside_is_reported_not_fatal(plane: Plane) -> None:
    report = ir.measure(
        selection(flat("circle", 2, 20, 8, 20), flat("circle", 300, 20, 305, 20)), stack(plane)
    )
    partly, wholly = report.results
    assert "partly-outside-image" in partly.flags
    assert partly.get("area") == pytest.approx(36 * np.pi)
    assert {"outside-image", "no-pixels"} <= set(wholly.flags)
    assert (wholly.get("count"), wholly.get("mean"), wholly.get("sum")) == (0, None, None)


def test_combined_regions_are_even_odd_in_a_plane(plane: Plane) -> None:
    hole = flat("polyline", 15, 12, 20, 12, 20, 20, 15, 20, 15, 12)
    report = ir.measure(selection(SQUARE, hole), stack(plane), combine=True)
    assert report.combined is not None
    assert report.combined.get("count") == 300 - 40
    assert report.combined.get("area") == pytest.approx(260)
    assert "overlapping-regions" in report.combined.flags


def test_combined_regions_are_stacked_over_planes(plane: Plane) -> None:
    corners = np.array([[10, 10], [30, 10], [30, 25], [10, 25], [10, 10]])
    regions = [
        solid("polygon", plane.to_patient(corners) + height * plane.normal) for height in (10, 3, 0)
    ]
    report = ir.measure(selection(*regions), stack(plane), combine=True)
    assert report.combined is not None
    assert report.combined.get("count") == 900
    assert report.combined.instances == ("1.9.0", "1.9.1", "1.9.3")
    # slabs of 3, 3 and 4 mm: half the way to each neighbour, as much outwards as inwards
    assert report.combined.get("volume") == pytest.approx(300 * (3 + 3 + 4))
    assert report.combined.get("counted_volume") == pytest.approx(300 * (3 + 3 + 4))


def test_points_and_lines_are_added_to_combined_areas(plane: Plane) -> None:
    inside, across = flat("point", 20.5, 20.5), flat("polyline", 25, 20.5, 39.5, 20.5)
    report = ir.measure(selection(SQUARE, inside, across), stack(plane), combine=True)
    assert report.combined is not None
    assert report.combined.get("count") == 300 + 10


def test_a_line_adds_pixels_but_no_volume(plane: Plane) -> None:
    corners = np.array([[10, 10], [30, 10], [30, 25], [10, 25], [10, 10]])
    contour = solid("polygon", plane.to_patient(corners))
    mark = solid("point", plane.to_patient([[5, 5]]) + 3 * plane.normal)
    report = ir.measure(selection(contour, mark), stack(plane), combine=True)
    assert report.combined is not None
    assert report.combined.get("count") == 301
    assert report.combined.get("area") == pytest.approx(300)
    assert report.combined.get("counted_area") == pytest.approx(300)
    assert report.combined.get("volume") is None


def test_a_combined_ellipsoid_has_only_the_volume_of_its_pixels(plane: Plane) -> None:
    centre = plane.to_patient([[35, 20]])[0] + 3 * plane.normal
    ends = [centre + s * axis for axis in 2.0 * np.eye(3) for s in (-1, 1)]
    report = ir.measure(selection(solid("ellipsoid", ends)), stack(plane), combine=True)
    assert report.combined is not None
    assert (report.combined.get("area"), report.combined.get("volume")) == (None, None)
    counted = report.results[0].get("counted_volume")
    assert report.combined.get("counted_volume") == counted is not None


def test_flags_of_the_parts_are_carried_by_the_whole(plane: Plane) -> None:
    bow_tie = flat("polyline", 10, 10, 20, 20, 20, 10, 10, 20, 10, 10)
    report = ir.measure(
        selection(bow_tie, flat("circle", 2, 30, 8, 30)), stack(plane), combine=True
    )
    assert report.combined is not None
    assert {"self-crossing", "partly-outside-image"} <= set(report.combined.flags)


def test_missing_slices_inside_a_volume_are_flagged(plane: Plane) -> None:
    images = stack(plane, (0, 3, 6, 15, 18))
    corners = np.array([[10, 10], [30, 10], [30, 25], [10, 25], [10, 10]])
    regions = [solid("polygon", plane.to_patient(corners) + h * plane.normal) for h in (3, 6, 15)]
    combined = ir.measure(selection(*regions), images, combine=True).combined
    assert combined is not None
    assert "missing-slices" in combined.flags
    assert combined.get("volume") == pytest.approx(300 * 9)


def test_a_region_written_under_another_image_is_measured_where_it_lies(plane: Plane) -> None:
    corners = plane.to_patient([[10, 10], [30, 10], [30, 25], [10, 10]])
    report = ir.measure(selection(solid("polygon", corners), instance="1.9.2"), stack(plane))
    assert only(report).instances == ("1.9.0",)
    (issue,) = [issue for issue in report.issues if issue.code == "other-instance"]
    assert "1.9.2" in issue.message
    assert "1.9.0" in issue.message


def test_regions_on_two_series_are_not_combined(plane: Plane) -> None:
    other = stack(plane, series="1.2.826.0.1.3")
    renamed = [
        Frame.from_array(f.stored, plane=f.plane, series=f.series, instance="5" + f.instance,
                         frame_of_reference=FOR)
        for f in other.frames
    ]  # fmt: skip
    images = Images((*stack(plane).frames, *renamed))
    corners = plane.to_patient([[10, 10], [30, 10], [30, 25], [10, 10]])
    report = ir.measure(selection(solid("polygon", corners)), images, combine=True)
    assert len(report.results) == 2
    assert report.combined is None
    assert "one series" in str(report.errors)
    named = selection(solid("polygon", corners), studyUid="1.2", seriesUid=SERIES)
    assert len(ir.measure(named, images, combine=True).results) == 1


def test_whole_images_and_whole_series(plane: Plane) -> None:
    image = only(ir.measure(selection(instance="1.9.1"), stack(plane)))
    assert (image.get("count"), image.region.type) == (40 * 70, "image")
    document = selection(studyUid="1.2", seriesUid=SERIES)
    del document["instance"]
    series = only(ir.measure(document, stack(plane)))
    assert series.get("count") == 4 * 40 * 70
    assert series.to_dict()["images"] == 4


def test_frames_of_a_subset_are_measured_one_by_one(plane: Plane) -> None:
    frames = [
        Frame.from_array(np.full((40, 70), 10 * n), instance="1.9.0", number=n) for n in (1, 2, 3)
    ]
    document = selection(dict(SQUARE))
    document["instance"][0]["subset"] = ["3", "1"]
    report = ir.measure(document, Images(tuple(frames)))
    found = {r.to_dict()["frame"]: r.get("mean") for r in report.results}
    assert found == {1: 10.0, 3: 30.0}


CONTRACT = {"region", "type", "instance", "frame", "rule", "unit", "count", "mean", "std", "min"}
CONTRACT |= {"max", "median", "p10", "p90", "area_mm2", "perimeter_mm", "length_mm"}
CONTRACT |= {"volume_mm3", "flags"}


def test_json_and_csv_hold_the_contract_and_no_nan(plane: Plane) -> None:
    report = ir.measure(selection(SQUARE, flat("point", 900, 900)), stack(plane), combine=True)
    record = json.loads(report.to_json())
    assert list(record)[:3] == ["selection", "combined", "measurements"]
    assert record["selection"] == "phantom"
    for measured in (*record["measurements"], record["combined"]):
        assert set(measured) >= CONTRACT
    assert record["measurements"][0]["region"] == "ImagingSelection.instance[0].imageRegion2D[0]"
    assert record["measurements"][1]["mean"] is None
    rows = list(csv.DictReader(io.StringIO(report.to_csv())))
    assert len(rows) == 3
    assert float(rows[0]["mean"]) == record["measurements"][0]["mean"]
    assert "nan" not in report.to_csv().lower()


def observations_of(report: Report) -> list[dict[str, Any]]:
    entries = report.to_observations()["entry"]
    return [e["resource"] for e in entries if e["resource"]["resourceType"] == "Observation"]


def test_observations_link_back_and_validate(plane: Plane) -> None:
    report = ir.measure(selection(SQUARE, flat("point", 900, 900)), stack(plane))
    bundle = report.to_observations()
    Bundle.model_validate(json.loads(json.dumps(bundle, allow_nan=False)))
    first, empty = observations_of(report)
    address = bundle["entry"][0]["fullUrl"]
    assert bundle["entry"][0]["resource"]["resourceType"] == "ImagingSelection"
    assert first["derivedFrom"][0]["reference"] == address
    paths = [e["valueString"] for e in first["derivedFrom"][0]["extension"]]
    assert paths == ["ImagingSelection.instance[0].imageRegion2D[0]"]
    assert first["subject"] == {"reference": "Patient/p"}
    assert first["code"]["coding"][0]["code"] == "110850"
    quantities = {
        c["code"]["coding"][0]["code"]: c.get("valueQuantity") for c in first["component"]
    }
    assert quantities["373098007"]["code"] == "[hnsf'U]"
    assert quantities["42798000"] == {
        "value": pytest.approx(300.0), "unit": "mm2", "code": "mm2",
        "system": "http://unitsofmeasure.org",
    }  # fmt: skip
    assert ir.__version__ in first["method"]["text"]
    mean = next(c for c in empty["component"] if c["code"]["coding"][0]["code"] == "373098007")
    assert "valueQuantity" not in mean
    assert mean["dataAbsentReason"]["coding"]


def test_a_leniently_read_selection_still_gives_a_valid_bundle(plane: Plane) -> None:
    document = selection(dict(SQUARE), instance="urn:oid:1.9.0")
    document["studyUid"] = " urn:oid:1.2"
    document["instance"].append({"uid": "1.9.1", "imageRegion2D": [flat("point", np.nan, 3)]})
    report = ir.measure(document, stack(plane))
    bundle = json.loads(json.dumps(report.to_observations(), allow_nan=False))
    carried = bundle["entry"][0]["resource"]
    assert (carried["studyUid"], carried["instance"][0]["uid"]) == ("1.2", "1.9.0")
    del carried["instance"][1]
    Bundle.model_validate(bundle)
    assert report.selection.to_dict()["studyUid"] == " urn:oid:1.2"


def test_the_report_shows_itself(plane: Plane) -> None:
    report = ir.measure(selection(SQUARE), stack(plane))
    html = report._repr_html_()
    assert "data:image/png;base64," in html
    assert "<table>" in html
    assert "1 of 1" in repr(report)


def test_check_finds_what_measure_would_meet(plane: Plane) -> None:
    document = selection(SQUARE, flat("circle", 2, 20, 8, 20), flat("polyline", 1, 1, 5, 5))
    document["instance"].append({"uid": "1.9.77", "imageRegion2D": [flat("point", 3, 3)]})
    codes = {(issue.severity, issue.code) for issue in ir.check(document, stack(plane))}
    assert ("warning", "outside-image") in codes
    assert ("warning", "unclosed") in codes
    assert ("error", "instance-missing") in codes
    found = ir.check(selection(dict(SQUARE)), stack(plane))
    assert [issue.code for issue in found] == ["isl-4"]


def test_check_turns_an_unreadable_resource_into_an_issue() -> None:
    (issue,) = ir.check({"resourceType": "Patient"})
    assert issue.severity == "error"
    assert "Patient" in issue.message


def test_render_draws_regions_of_both_spaces(plane: Plane) -> None:
    frame = stack(plane).frames[0]
    disc = ir.Ellipse.circle((30, 20), 8)
    here, there = ir.render(frame, disc), ir.render(frame, plane.to_patient(disc))
    np.testing.assert_array_equal(here, there)
    assert (here != ir.render(frame, [])).any()
    far = plane.to_patient(disc).transform(np.eye(3), 99 * plane.normal)
    with pytest.raises(ir.PlacementError):
        ir.render(frame, far)
    with pytest.raises(ir.PlacementError, match="got none"):
        ir.render(Frame.from_array(np.zeros((4, 4))), plane.to_patient(disc))
