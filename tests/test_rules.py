"""The main job under every rule: what counts, by how much, and how far the numbers move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.test_measure import SQUARE, flat, only, selection, solid, stack

import imageregion as ir
from imageregion import Frame, Images, Plane
from imageregion.counting import rasterized
from imageregion.locate import Part
from imageregion.settings import Settings

# A square from the middle of pixel 10 to the middle of pixel 30, rows 10 to 25: half of every pixel
# on its sides is covered, a quarter at its corners.
HALF_SQUARE = flat("polyline", 10.5, 10.5, 30.5, 10.5, 30.5, 25.5, 10.5, 25.5, 10.5, 10.5)
BOW_TIE = flat("polyline", 8, 8, 24, 24, 24, 8, 8, 24, 8, 8)


def test_each_rule_counts_its_pixels(plane: Plane) -> None:
    found = {
        rule: only(ir.measure(selection(dict(HALF_SQUARE)), stack(plane), rule=rule))
        for rule in ("center", "touched", "exact")
    }
    assert {rule: r.get("count") for rule, r in found.items()} == {
        "center": 20 * 15,
        "touched": 21 * 16,
        "exact": 21 * 16,
    }
    # a pixel is 1 mm2 on this plane; corners are binary fractions there up to rounding in mm
    areas = [found[rule].get("counted_area") for rule in ("center", "touched", "exact")]
    assert areas == pytest.approx([300, 336, 300], rel=1e-12)
    assert {rule: r.measurements[0].method.estimator for rule, r in found.items()} == {
        "center": "center",
        "touched": "touched",
        "exact": "weighted",
    }


def test_exact_weighs_every_pixel_by_its_coverage(plane: Plane) -> None:
    images = stack(plane)
    result = only(ir.measure(selection(dict(HALF_SQUARE)), images, rule="exact"))
    along = np.r_[0.5, np.ones(19), 0.5]
    down = np.r_[0.5, np.ones(14), 0.5]
    weight = np.outer(down, along)
    pixels = images.frames[0].pixels[10:26, 10:31]
    mean = (weight * pixels).sum() / 300
    assert result.get("mean") == pytest.approx(mean, rel=1e-12)
    spread = (weight * (pixels - mean) ** 2).sum() / 300
    assert result.get("std") == pytest.approx(np.sqrt(spread), rel=1e-9)
    assert result.get("sum") == pytest.approx((weight * pixels).sum(), rel=1e-12)


def test_lines_are_weighed_by_their_length_in_mm(axial_plane: Plane) -> None:
    images = stack(axial_plane)  # 2.0 mm between rows, 0.5 mm between columns
    line = flat("polyline", 5.5, 5.5, 15.5, 5.5, 15.5, 15.5)
    result = only(ir.measure(selection(line), images, rule="exact"))
    pixels = images.frames[0].pixels
    across = np.r_[0.5, np.ones(9), 0.5] * 0.5
    down = np.r_[0.5, np.ones(9), 0.5] * 2.0
    total = (across * pixels[5, 5:16]).sum() + (down * pixels[5:16, 15]).sum()
    assert result.get("mean") == pytest.approx(total / (across.sum() + down.sum()), rel=1e-12)
    assert result.get("length") == pytest.approx(25.0)


def test_the_fill_rule_decides_about_what_is_wound_twice(axial_plane: Plane) -> None:
    twice = flat("polyline", *[10, 10, 20, 10, 20, 20, 10, 20] * 2, 10, 10)
    images = stack(axial_plane)
    for rule in ("center", "touched", "exact"):
        even = only(ir.measure(selection(dict(twice)), images, rule=rule))
        any_turn = only(ir.measure(selection(dict(twice)), images, rule=rule, fill_rule="nonzero"))
        assert (even.get("count"), any_turn.get("count")) == (0, 100)
        assert (even.get("area"), any_turn.get("area")) == pytest.approx((0, 100))
        assert any_turn.measurements[0].method.fill_rule == "nonzero"


def test_a_bow_tie_covers_its_two_halves_by_every_rule(axial_plane: Plane) -> None:
    images = stack(axial_plane)
    result = only(ir.measure(selection(dict(BOW_TIE)), images, rule="exact"))
    assert result.get("counted_area") == pytest.approx(128, rel=1e-12)
    assert result.get("area") == pytest.approx(128, rel=1e-12)
    assert "self-crossing" in result.flags


@pytest.mark.parametrize("rule", ["center", "touched", "exact"])
def test_combined_regions_follow_the_rule(axial_plane: Plane, rule: Any) -> None:
    hole = flat("polyline", 14.5, 14.5, 20.5, 14.5, 20.5, 20.5, 14.5, 20.5, 14.5, 14.5)
    both = selection(dict(HALF_SQUARE), hole)
    combined = ir.measure(both, stack(axial_plane), rule=rule, combine=True).combined
    assert combined is not None
    touched = 21 * 16 - 5 * 5  # the sides of the hole are half covered
    expected = {"center": 300 - 36, "touched": touched, "exact": 300 - 36}[rule]
    assert combined.get("counted_area") == pytest.approx(expected, rel=1e-9)
    assert combined.get("area") == pytest.approx(300 - 36, rel=1e-9)


def test_exact_does_not_add_lengths_to_areas(axial_plane: Plane) -> None:
    both = selection(dict(SQUARE), flat("polyline", 5, 5, 5, 15))
    report = ir.measure(both, stack(axial_plane), rule="exact", combine=True)
    assert report.combined is None
    assert any("both" in issue.message for issue in report.errors)
    assert not report.complete
    assert ir.measure(both, stack(axial_plane), combine=True).combined is not None


def test_bounds_hold_what_the_rules_and_shifts_give(axial_plane: Plane) -> None:
    images = stack(axial_plane)
    region = flat("circle", 20, 20, 24, 20)
    result = only(ir.measure(selection(dict(region)), images, bounds=True))
    disc = ir.Ellipse.circle((20, 20), 4)
    means, areas = [], []
    for rule in ("center", "touched", "exact"):
        for right in (-0.5, 0, 0.5):
            for down in (-0.5, 0, 0.5):
                moved = disc.transform(np.eye(2), np.array([right, down]))
                weight = ir.rasterize(moved, (40, 70), rule).to_coverage()
                means.append((weight * images.frames[0].pixels).sum() / weight.sum())
                areas.append(weight.sum())
    by_code = {m.code: m for m in result.measurements}
    assert by_code["mean"].low == pytest.approx(min(means), rel=1e-12)
    assert by_code["mean"].high == pytest.approx(max(means), rel=1e-12)
    assert by_code["counted_area"].high == pytest.approx(max(areas), rel=1e-12)
    assert by_code["area"].low is None
    record = result.to_dict()
    assert record["mean_low"] <= record["mean"] <= record["mean_high"]
    assert "mean_low" not in only(ir.measure(selection(dict(region)), images)).to_dict()


def test_small_regions_are_sensitive_to_the_rule_and_large_ones_are_not(plane: Plane) -> None:
    noise = np.random.default_rng(1).normal(0, 1, (40, 70))
    frame = stack(plane).frames[0]
    images = Images((Frame.from_array(noise, plane=frame.plane, instance="1.9.0"),))
    small = only(ir.measure(selection(flat("circle", 20, 20, 22, 20)), images, bounds=True))
    large = only(ir.measure(selection(flat("circle", 35, 20, 53, 20)), images, bounds=True))
    assert "rule-sensitive" in small.flags
    assert "rule-sensitive" not in large.flags


def test_values_out_of_range_and_outliers_are_left_out_and_counted(axial_plane: Plane) -> None:
    pixels = np.zeros((40, 70))
    pixels[10:25, 10:30] = np.arange(300).reshape(15, 20)
    pixels[10, 10], pixels[11, 10] = 5000.0, -1000.0
    images = Images((Frame.from_array(pixels, plane=axial_plane, instance="1.9.0"),))
    result = only(ir.measure(selection(dict(SQUARE)), images, resegment=(-500, None)))
    assert (result.get("count"), result.get("outside_range")) == (299, 1)
    assert result.get("counted_area") == pytest.approx(300)  # sizes stay as they are
    result = only(ir.measure(selection(dict(SQUARE)), images, resegment=(-500, None), outliers=3))
    assert (result.get("count"), result.get("outside_range")) == (298, 2)
    assert result.get("max") == 299
    assert "values from -500 to open" in str(result.measurements[0].method)


def test_first_order_features_are_reported_with_their_units(axial_plane: Plane) -> None:
    result = only(ir.measure(selection(dict(SQUARE)), stack(axial_plane), features="first-order"))
    units = {m.code: m.unit for m in result.measurements}
    assert units["variance"] == "([hnsf'U])2"
    assert units["skewness"] == "1"
    values = stack(axial_plane).frames[0].pixels[10:25, 10:30]
    assert result.get("variance") == pytest.approx(values.var(), rel=1e-9)
    assert result.get("energy") == pytest.approx((values**2).sum(), rel=1e-12)
    basic = only(ir.measure(selection(dict(SQUARE)), stack(axial_plane)))
    assert basic.get("variance") is None


def test_the_mean_by_every_estimator_of_a_region_on_mixed_pixels(axial_plane: Plane) -> None:
    disc = ir.Ellipse.circle((30.2, 20.3), 4.0)
    cover = ir.rasterize(disc, (40, 70), "exact").to_coverage()
    images = stack(axial_plane)
    frame = Frame.from_array(-800 + 840 * cover, plane=axial_plane, instance="1.9.0")
    region = flat("circle", 30.2, 20.3, 34.2, 20.3)
    result = only(ir.measure(selection(region), Images((frame,)), estimators=True))
    center, weighted, core, unmixed = (
        result.get(f"mean_{name}") for name in ("center", "weighted", "core", "unmixed")
    )
    assert core == pytest.approx(40, abs=1e-9)  # every pixel is exactly its mixture
    assert unmixed == pytest.approx(40, abs=1e-9)
    assert weighted is not None and center is not None
    assert weighted < center < 0
    assert center == pytest.approx(result.get("mean"), rel=1e-12)
    line = flat("polyline", 5, 5, 5, 15)
    assert only(ir.measure(selection(line), images, estimators=True)).get("mean_core") is None


def test_regions_that_leave_the_image_say_by_how_much(axial_plane: Plane) -> None:
    images = stack(axial_plane)
    quarter = flat("circle", 0, 0, 6, 0)
    result = only(ir.measure(selection(quarter), images))
    assert result.get("outside_fraction") == pytest.approx(0.75, rel=1e-9)
    assert {"partly-outside-image", "touches-border"} <= set(result.flags)
    inside = only(ir.measure(selection(dict(SQUARE)), images))
    assert inside.get("outside_fraction") == 0
    assert "touches-border" not in inside.flags
    line = only(ir.measure(selection(flat("polyline", -5, 5, 15, 5)), images, rule="exact"))
    assert line.get("outside_fraction") == pytest.approx(0.25, rel=1e-12)
    gone = only(ir.measure(selection(flat("circle", -20, 5, -15, 5)), images))
    assert gone.get("outside_fraction") == 1
    assert "outside-image" in gone.flags


def test_flags_of_pixels_that_deserve_a_second_look(axial_plane: Plane) -> None:
    stored = np.full((40, 70), 100, dtype=np.int16)
    stored[12, 12] = 4095
    frame = Frame.from_array(stored, plane=axial_plane, instance="1.9.0", highest=4095.0)
    result = only(ir.measure(selection(dict(SQUARE)), Images((frame,))))
    assert {"saturated", "anisotropic"} <= set(result.flags)
    tiny = only(ir.measure(selection(flat("circle", 40, 20, 41, 20)), Images((frame,))))
    assert "few-pixels" in tiny.flags
    assert "saturated" not in tiny.flags
    point = only(ir.measure(selection(flat("point", 40, 20)), Images((frame,))))
    assert "few-pixels" not in point.flags


def test_a_solid_is_measured_by_every_rule(plane: Plane) -> None:
    images = stack(plane, heights=tuple(np.arange(0.0, 40.0, 2.0)))
    middle = plane.to_patient([[35.0, 20.0]])[0] + 20 * plane.normal
    axes = [plane.axes[:, 0] / 0.5 * 8, plane.axes[:, 1] / 2.0 * 9, plane.normal * 7]
    ends = [point for axis in axes for point in (middle - axis, middle + axis)]
    volumes = []
    for rule in ("center", "exact", "touched"):
        result = only(ir.measure(selection(solid("ellipsoid", ends)), images, rule=rule))
        volumes.append(result.get("counted_volume"))
        assert result.get("volume") == pytest.approx(4 / 3 * np.pi * 8 * 9 * 7)
    center, exact, touched = volumes
    assert center is not None and exact is not None and touched is not None
    # cuts through slabs of 2 mm stand for a solid of 14 mm: the sum is off by (2 / 14)^2 / 2
    assert exact == pytest.approx(4 / 3 * np.pi * 8 * 9 * 7, rel=0.02)
    assert center == pytest.approx(exact, rel=0.05)  # the cuts are at most nine rows high
    assert touched > exact


@pytest.mark.parametrize(
    "choice",
    [
        {"rule": "centre"},
        {"fill_rule": "odd"},
        {"features": "all"},
        {"resegment": (400, -500)},
        {"resegment": (float("nan"), None)},
        {"outliers": 0},
    ],
)
def test_choices_that_do_not_exist_are_refused_at_once(
    axial_plane: Plane, choice: dict[str, Any]
) -> None:
    with pytest.raises(ir.GeometryError, match=next(iter(choice))):
        ir.measure(selection(dict(SQUARE)), stack(axial_plane), **choice)


def test_a_tilted_line_is_weighed_by_its_length_in_the_patient(axial_plane: Plane) -> None:
    images = stack(axial_plane, heights=(0.0, 2.0, 4.0, 6.0))
    start = axial_plane.to_patient([[10.5, 10.5]])[0]
    up = axial_plane.normal
    along = axial_plane.axes[:, 0] * 2  # 0.5 mm columns: 1 mm, two pixels
    points = [start, start + 6 * up, start + 6 * up + 20 * along]
    report = ir.measure(selection(solid("polyline", points)), images, rule="exact")
    result = only(report)
    assert result.get("length") == pytest.approx(26)
    assert sum(part.spans.area for part in result.slices) == pytest.approx(26)
    pixels = [frame.pixels for frame in images.frames]
    risen = sum(w * p[10, 10] for w, p in zip((1, 2, 2, 1), pixels, strict=True))
    weight = np.r_[0.25, np.full(39, 0.5), 0.25]
    level = (weight * pixels[3][10, 10:51]).sum()
    assert result.get("mean") == pytest.approx((risen + level) / 26, rel=1e-12)


@pytest.mark.parametrize(
    ("region", "outside", "flag"),
    [
        (flat("polyline", -6, 3, 3, -6, -6, -6, -6, 3), 1.0, "outside-image"),
        (flat("polyline", 70, 5, 74, 5, 74, 9, 70, 9, 70, 5), 1.0, "outside-image"),
        (flat("point", 70, 5), 1.0, "outside-image"),
        (flat("polyline", 5, 40, 9, 40), 1.0, "outside-image"),
        # 5 mm across and 20 mm down inside, 20 mm down outside: 0.5 and 2.0 mm per pixel
        (flat("polyline", 50, 30, 60, 30, 60, 50), 20 / 45, "partly-outside-image"),
    ],
)
def test_flags_and_fraction_agree_about_what_is_outside(
    axial_plane: Plane, region: dict[str, Any], outside: float, flag: str
) -> None:
    result = only(ir.measure(selection(dict(region)), stack(axial_plane)))
    assert result.get("outside_fraction") == pytest.approx(outside, rel=1e-12)
    assert {f for f in result.flags if f.endswith("outside-image") or f == flag} == {flag}


def test_a_region_without_pixels_has_no_estimates(axial_plane: Plane) -> None:
    both = selection(flat("circle", -20, -20, -15, -20), dict(SQUARE))
    gone, there = ir.measure(both, stack(axial_plane), estimators=True, bounds=True).results
    assert [gone.get(f"mean_{name}") for name in ("center", "core", "unmixed")] == [None] * 3
    assert "no-pixels" in gone.flags
    assert there.get("mean_core") is not None


@pytest.mark.parametrize("rule", ["center", "touched", "exact"])
@pytest.mark.parametrize(("start", "overlap"), [(14.6, False), (14.5, False), (13.0, True)])
def test_neighbours_do_not_overlap_by_any_rule(
    axial_plane: Plane, rule: Any, start: float, overlap: bool
) -> None:
    squares = [
        flat("polyline", low, 5, high, 5, high, 9, low, 9, low, 5)
        for low, high in ((10.2, 14.5 if start == 14.5 else 14.4), (start, 18.6))
    ]
    combined = ir.measure(selection(*squares), stack(axial_plane), rule=rule, combine=True).combined
    assert combined is not None
    assert ("overlapping-regions" in combined.flags) is overlap


def test_settings_enter_the_method_with_all_their_digits(axial_plane: Plane) -> None:
    notes = {
        str(
            only(ir.measure(selection(dict(SQUARE)), stack(axial_plane), resegment=(low, None)))
            .measurements[0]
            .method
        )
        for low in (1234567.0, 1234568.0, float(np.float32(5)), int(np.int64(3)))
    }
    assert len(notes) == 4


@pytest.mark.parametrize("choice", [5, (1, 2, 3), (True, 5), ("1", 2), (None, 10**400)])
def test_a_range_is_two_numbers(axial_plane: Plane, choice: Any) -> None:
    with pytest.raises(ir.GeometryError, match="resegment"):
        ir.measure(selection(dict(SQUARE)), stack(axial_plane), resegment=choice)


def test_lengths_that_happen_to_be_one_add_up(axial_plane: Plane) -> None:
    unit = Plane((40, 70), axial_plane.origin, axial_plane.axes / (0.5, 2.0))  # 1 mm pixels
    twice = [flat("polyline", 4, 5, 12, 5), flat("polyline", 8, 5, 16, 5)]  # eighths are exact
    combined = ir.measure(selection(*twice), stack(unit), rule="exact", combine=True).combined
    assert combined is not None
    pixels = stack(unit).frames[0].pixels[5]
    weight = np.r_[np.ones(4), np.full(4, 2.0), np.ones(4)]
    assert combined.get("mean") == pytest.approx((weight * pixels[4:16]).sum() / 16, rel=1e-12)
    sums = [r.get("sum") for r in ir.measure(selection(*twice), stack(unit), rule="exact").results]
    assert combined.get("sum") == pytest.approx(sum(v for v in sums if v is not None), rel=1e-12)


def test_a_line_without_length_counts_as_a_point_on_every_way(axial_plane: Plane) -> None:
    frame = stack(axial_plane).frames[0]
    line = ir.Polyline([[10.5, 10.5], [10.5, 10.5]])
    for lengths in (None, np.zeros(1)):
        (found,) = rasterized([Part(frame, line, None, lengths)], Settings(rule="exact"))
        assert (found.spans.row.tolist(), found.spans.weight.tolist()) == ([10], [1.0])


def test_one_shared_pixel_of_millions_is_an_overlap(axial_plane: Plane) -> None:
    plane = Plane((2400, 2000), axial_plane.origin, axial_plane.axes)
    images = stack(plane, heights=(0.0,))
    squares = [
        flat("polyline", low, top, high, top, high, end, low, end, low, top)
        for low, high, top, end in ((0, 1001, 0, 2300), (1000, 2000, 2299, 2400))
    ]
    combined = ir.measure(selection(*squares), images, combine=True).combined
    assert combined is not None
    assert "overlapping-regions" in combined.flags
