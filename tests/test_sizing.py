"""In which unit a shape is measured, and how large it is; ultrasound regions above all."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import imageregion as ir
from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.locate import Located, Part
from imageregion.measurement import RegionResult
from imageregion.plane import Plane
from imageregion.region import Region, Target
from imageregion.results import region_result
from imageregion.settings import Settings
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape
from imageregion.sizing import Scale, common_scale, scale_of, shape_sizes
from imageregion.spacing import Spacing, SpacingSource, UltrasoundRegion

SIZE = (60, 80)
LINE = Polyline([[10, 10], [14, 11]])  # 4 columns, 1 row

# Sums and products of a few doubles of ordinary size.
ROUNDING = 1e-12


def about(value: Any, **tolerance: Any) -> Any:
    return pytest.approx(value, **tolerance)


def frame_with(spacing: Spacing | None = None, **fields: Any) -> Frame:
    return Frame.from_array(np.arange(4800.0).reshape(SIZE), spacing=spacing, **fields)


def us(*regions: UltrasoundRegion, **fields: Any) -> Frame:
    return frame_with(ultrasound=regions, modality="US", **fields)


def region(
    box: tuple[int, int, int, int], rows: float = 0.0, columns: float = 0.0, **fields: Any
) -> UltrasoundRegion:
    spacing = Spacing(rows, columns, "ultrasound") if rows else None
    return UltrasoundRegion(*box, spacing, **fields)


def measured(shape: Shape | None, frame: Frame, **chosen: Any) -> RegionResult:
    settings = Settings(**chosen)
    where = Region(shape, Target(instance="1.2"), "region", "path", "polygon", ())
    images: Any = None  # only several frames ask for it
    return region_result(where, Located((Part(frame, shape),)), images, settings)


def square(left: float, top: float, side: float) -> Polygon:
    corners = [[0.0, 0.0], [side, 0.0], [side, side], [0.0, side]]
    return Polygon([np.add(corners, (left, top))])


# --- which unit ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "uncalibrated", "length", "unit", "flag"),
    [
        ("patient", False, math.hypot(2.0, 2.0), "mm", None),
        ("calibrated", False, math.hypot(2.0, 2.0), "mm", None),
        ("estimated", False, math.hypot(2.0, 2.0), "mm", "estimated-spacing"),
        ("detector", False, math.hypot(4.0, 4.0), "{pixels}", "uncalibrated"),
        ("detector", True, math.hypot(2.0, 2.0), "mm", "detector-spacing"),
        ("aspect", False, math.hypot(4.0, 4.0), "{pixels}", "no-spacing"),
        ("aspect", True, math.hypot(4.0, 4.0), "{pixels}", "no-spacing"),
    ],
)
def test_the_source_of_the_spacing_decides(
    source: SpacingSource, uncalibrated: bool, length: float, unit: str, flag: str | None
) -> None:
    """Pixels 2.0 high and 0.5 wide: 4 columns are 2 mm, a row is 2 mm, or 4 columns."""
    scale = scale_of(LINE, frame_with(Spacing(2.0, 0.5, source)), uncalibrated)
    sizes, _ = shape_sizes(LINE, scale)
    assert sizes == {"length": (about(length, rel=ROUNDING), unit)}
    assert scale.source == source
    assert scale.flags == (() if flag is None else (flag,))
    assert scale.is_anisotropic


def test_nothing_known_is_pixels() -> None:
    scale = scale_of(LINE, frame_with())
    assert (scale.unit, scale.rows, scale.columns, scale.source) == ("{pixels}", 1.0, 1.0, None)
    assert scale.flags == ("no-spacing",)
    assert scale_of(LINE, None) == Scale()


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
def test_a_spacing_that_is_no_distance_is_none(bad: float) -> None:
    scale = scale_of(LINE, frame_with(Spacing(bad, 1.0, "calibrated")))
    assert (scale.unit, scale.flags) == ("{pixels}", ("no-spacing",))


def test_a_plane_measures_in_the_patient(plane: Plane) -> None:
    frame = Frame.from_array(np.zeros(plane.shape), plane=plane)
    scale = scale_of(LINE, frame)
    sizes, metrics = shape_sizes(LINE, scale)
    assert sizes["length"] == (about(math.hypot(2, 2), rel=1e-9), "mm")
    assert len(metrics.centroid) == 3
    assert scale.pixel_area == about(1.0, rel=1e-12)
    np.testing.assert_allclose(scale.lengths(LINE.coords), math.hypot(2, 2), rtol=1e-9)


def test_a_plane_with_slanted_axes_is_taken_as_it_is() -> None:
    plane = Plane(SIZE, [0, 0, 0], [[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    frame = Frame.from_array(np.zeros(SIZE), plane=plane)
    down = Polyline([[0, 0], [0, 3]])
    scale = scale_of(down, frame)
    assert scale.lengths(down.coords).tolist() == about([3 * math.sqrt(2)])
    assert shape_sizes(square(1, 1, 2), scale)[0]["area"] == (about(4.0), "mm2")


@pytest.mark.parametrize(
    "shape",
    [
        Polygon([[[0, 0, 5], [4, 0, 5], [4, 3, 5]]]),
        Ellipsoid([0, 0, 0], np.diag([1.0, 2.0, 3.0])),
        Polyline([[0, 0, 0], [2, 3, 6]]),
    ],
)
def test_shapes_in_the_patient_need_no_image(shape: Shape) -> None:
    expected = {"area": (6.0, "mm2"), "length": (7.0, "mm"), "volume": (8 * math.pi, "mm3")}
    for frame in (None, us(region((0, 0, 80, 60), 0.3, 0.3))):
        sizes, metrics = shape_sizes(shape, scale_of(shape, frame))
        for code, value in expected.items():
            if code in sizes:
                assert sizes[code] == (about(value[0], rel=1e-9), value[1])
        assert len(metrics.centroid) == 3
    assert shape_sizes(None, Scale()) == ({}, ir.ShapeMetrics())


# --- pixels that are not square ------------------------------------------------------------------


@given(st.floats(0.05, 20), st.floats(0.05, 20), st.floats(1, 20))
def test_a_circle_is_the_ellipse_it_really_is(rows: float, columns: float, radius: float) -> None:
    circle = Ellipse.circle((40, 30), radius)
    sizes, metrics = shape_sizes(circle, Scale("mm", rows, columns, "calibrated"))
    area, long = math.pi * radius**2 * rows * columns, 2 * radius * max(rows, columns)
    assert sizes["area"] == (about(area, rel=1e-9), "mm2")
    assert sizes["max_diameter"] == (about(long, rel=1e-9), "mm")
    assert sizes["equivalent_diameter"][0] == about(2 * math.sqrt(area / math.pi), rel=1e-9)
    assert sizes["circularity"][0] == about(1.0) or rows != columns
    assert metrics.centroid == about((40, 30))


@given(
    st.floats(0.05, 20),
    st.floats(0.05, 20),
    st.lists(st.tuples(st.floats(0, 80), st.floats(0, 60)), min_size=2, max_size=9),
)
def test_lengths_are_sums_of_pythagoras(
    rows: float, columns: float, coords: list[tuple[float, float]]
) -> None:
    line = Polyline(coords)
    scale = scale_of(line, frame_with(Spacing(rows, columns, "calibrated")))
    expected = [
        math.hypot((b[0] - a[0]) * columns, (b[1] - a[1]) * rows) for a, b in pairwise(coords)
    ]
    np.testing.assert_allclose(scale.lengths(line.coords), expected, rtol=1e-9, atol=1e-12)
    assert shape_sizes(line, scale)[0]["length"][0] == about(sum(expected), abs=1e-9)


def test_the_centre_of_a_line_goes_by_its_length_in_mm() -> None:
    """10 columns of 0.5 mm, then 10 rows of 2 mm: the middle lies on the second part."""
    bent = Polyline([[0, 0], [10, 0], [10, 10]])
    _, metrics = shape_sizes(bent, Scale("mm", 2.0, 0.5))
    # 5 mm around column 5, 20 mm around column 10; 20 of 25 mm around row 5
    assert metrics.centroid == about((9.0, 4.0))


@pytest.mark.parametrize("rule", ["center", "touched", "exact"])
def test_results_use_one_scale_for_everything(rule: Any) -> None:
    frame = frame_with(Spacing(2.0, 0.5, "calibrated"))
    result = measured(square(10, 20, 6), frame, rule=rule)
    assert result.get("area") == about(36.0)
    assert result.get("perimeter") == about(2 * (3.0 + 12.0))
    assert result.get("counted_area") == about(result.slices[0].spans.area * 1.0)
    assert result.get("max_diameter") == about(math.hypot(3, 12))
    assert result.centroid == about((13, 23))
    record = result.to_dict()
    assert record["spacing"] == "calibrated"
    assert record["area_mm2"] == about(36.0)
    assert record["area_px2"] is None
    assert record["centroid_px"] == about([13, 23])
    assert "anisotropic" in result.flags


def test_uncalibrated_results_are_in_pixels_unless_asked() -> None:
    frame = frame_with(Spacing(0.2, 0.2, "detector"))
    record = measured(square(10, 20, 6), frame).to_dict()
    assert (record["area_px2"], record["area_mm2"]) == (36.0, None)
    assert record["counted_area_px2"] == 36.0
    assert (record["spacing"], "uncalibrated" in record["flags"]) == ("detector", True)
    record = measured(square(10, 20, 6), frame, uncalibrated=True).to_dict()
    assert record["area_mm2"] == about(1.44)
    assert record["counted_area_mm2"] == about(1.44)
    assert "detector-spacing" in record["flags"]
    assert "uncalibrated" not in record["flags"]


def test_weights_of_lines_are_lengths_in_the_same_unit() -> None:
    line = Polyline([[10.5, 20.5], [10.5, 30.5], [18.5, 30.5]])
    for scale in (Spacing(2.0, 0.5, "calibrated"), Spacing(2.0, 0.5, "aspect"), None):
        result = measured(line, frame_with(scale), rule="exact")
        assert result.slices[0].spans.area == about(result.get("length"))
    assert measured(line, frame_with(Spacing(2.0, 0.5, "calibrated"))).get("length") == 24.0


# --- ultrasound ----------------------------------------------------------------------------------

LEFT = region((5, 5, 35, 55), 0.3, 0.2, name="2D region 1")
RIGHT = region((35, 5, 75, 55), 0.3, 0.2, name="2D region 2")
DOPPLER = region((5, 40, 75, 55), name="spectral region 3")


def test_the_region_around_a_shape_gives_its_spacing() -> None:
    sizes, _ = shape_sizes(LINE, scale := scale_of(LINE, us(LEFT, RIGHT)))
    assert sizes["length"] == (about(math.hypot(0.8, 0.3), rel=ROUNDING), "mm")
    assert (scale.source, scale.flags) == ("ultrasound", ())


@pytest.mark.parametrize(
    "shape",
    [
        Polyline([[30, 20], [40, 20]]),
        Polyline([[10, 10], [70, 50]]),
        square(30, 20, 10),
        Ellipse.circle((35, 20), 3),
    ],
)
def test_what_crosses_two_regions_is_refused_with_both_names(shape: Shape) -> None:
    """Also where they have the same spacing: they are two pictures side by side."""
    with pytest.raises(PlacementError, match=r"2D region 1 .*2D region 2 \(columns 35 to 75"):
        scale_of(shape, us(LEFT, RIGHT))
    with pytest.raises(PlacementError, match="crosses two"):
        measured(shape, us(LEFT, RIGHT))


def test_points_on_two_regions_have_no_size_to_refuse() -> None:
    result = measured(Points([[10, 10], [60, 30]]), us(LEFT, RIGHT))
    assert result.get("count") == 2


def test_a_box_may_meet_a_region_that_its_shape_does_not() -> None:
    """An L that reaches around the second region, and leaves the first."""
    corner = Polygon([[[6, 6], [12, 6], [12, 50], [78, 50], [78, 58], [6, 58]]])
    small = region((40, 10, 70, 40), 0.5, 0.5, name="inset")
    scale = scale_of(corner, us(region((5, 5, 35, 55), 0.3, 0.2), small))
    assert (scale.unit, scale.flags) == ("{pixels}", ("outside-calibration",))


@pytest.mark.parametrize(
    ("shape", "unit"),
    [
        (square(5, 5, 30), "mm"),  # from corner to corner
        (square(4.999, 5, 10), "{pixels}"),
        (square(5, 45, 10), "mm"),
        (square(5, 45.001, 10), "{pixels}"),
        (Ellipse.circle((20, 20), 15), "mm"),
        (Ellipse.circle((20, 20), 15.001), "{pixels}"),
        (Polyline([[5, 5], [35, 55]]), "mm"),
        (Polyline([[1, 1], [3, 3]]), "{pixels}"),
    ],
)
def test_a_shape_must_lie_wholly_inside(shape: Shape, unit: str) -> None:
    scale = scale_of(shape, us(LEFT))
    assert scale.unit == unit
    assert scale.flags == (() if unit == "mm" else ("outside-calibration",))


def test_time_and_velocity_are_no_lengths() -> None:
    scale = scale_of(Polyline([[10, 45], [30, 50]]), us(DOPPLER, LEFT))
    assert (scale.unit, scale.flags, scale.source) == ("{pixels}", ("outside-calibration",), None)


def test_a_line_that_runs_into_a_doppler_strip_is_no_length() -> None:
    """The strip lies over the picture, whose rectangle holds the line."""
    picture = region((5, 5, 75, 55), 0.3, 0.2, high_priority=False)
    scale = scale_of(Polyline([[10, 30], [30, 50]]), us(picture, DOPPLER))
    assert (scale.unit, scale.flags) == ("{pixels}", ("outside-calibration",))
    assert scale_of(Polyline([[10, 30], [30, 39]]), us(picture, DOPPLER)).unit == "mm"


def test_high_priority_goes_first_where_regions_overlap() -> None:
    low = region((5, 5, 75, 55), 0.4, 0.4, high_priority=False)
    high = region((20, 10, 60, 40), 0.1, 0.1)
    inside, beside = Polyline([[30, 20], [40, 20]]), Polyline([[10, 50], [18, 50]])
    for regions in ((low, high), (high, low)):
        assert shape_sizes(inside, scale_of(inside, us(*regions)))[0]["length"][0] == 1.0
        assert shape_sizes(beside, scale_of(beside, us(*regions)))[0]["length"][0] == 3.2
        with pytest.raises(PlacementError, match="crosses two"):
            scale_of(Polyline([[10, 20], [40, 20]]), us(*regions))
    large = replace(low, high_priority=True)
    small = replace(high, high_priority=False)
    assert scale_of(inside, us(small, large)).rows == 0.4


def test_a_colour_box_of_the_same_scale_may_be_crossed() -> None:
    """The example of PS3.3 figure C.8-6: both ends in the large region, a colour box between."""
    tissue = region((5, 5, 75, 55), 0.3, 0.3, high_priority=False)
    colour = region((30, 10, 50, 40), 0.3, 0.3)
    line = Polyline([[10, 20], [70, 20]])
    assert shape_sizes(line, scale_of(line, us(tissue, colour)))[0]["length"][0] == 18.0


def test_an_inset_of_the_same_priority_counts_within_itself() -> None:
    picture, inset = region((0, 0, 80, 60), 0.4, 0.4), region((50, 5, 75, 30), 0.1, 0.1)
    line = Polyline([[55, 10], [65, 10]])
    for regions in ((picture, inset), (inset, picture)):
        assert shape_sizes(line, scale_of(line, us(*regions)))[0]["length"][0] == 1.0


def test_two_calibrations_of_one_place_are_refused() -> None:
    twice = us(region((0, 0, 80, 60), 0.4, 0.4), region((0, 0, 80, 60), 0.2, 0.2))
    with pytest.raises(PlacementError, match="crosses two"):
        scale_of(LINE, twice)


def test_a_line_on_the_border_belongs_to_the_pixels_it_passes() -> None:
    """Pixels own their left edge: a line along column 35 lies in the region that begins there."""
    border = Polyline([[35, 10], [35, 20]])
    other = replace(RIGHT, spacing=Spacing(0.6, 0.2, "ultrasound"))
    for regions in ((LEFT, other), (other, LEFT)):
        assert scale_of(border, us(*regions)).rows == 0.6
    assert scale_of(border, us(LEFT)).rows == 0.3
    with pytest.raises(PlacementError, match="crosses two"):
        scale_of(border, us(replace(LEFT, right=45, left=5), replace(other, right=75, left=35)))


def test_regions_go_before_the_plane_and_the_plane_before_nothing(axial_plane: Plane) -> None:
    pixels = np.zeros(axial_plane.shape)
    frame = Frame.from_array(pixels, plane=axial_plane, ultrasound=(region((0, 0, 9, 9), 3, 3),))
    assert scale_of(Polyline([[1, 1], [2, 1]]), frame).source == "ultrasound"
    assert scale_of(Polyline([[11, 1], [12, 1]]), frame).source == "patient"


def test_the_whole_image_of_several_regions_has_no_scale() -> None:
    result = measured(None, us(LEFT, RIGHT))
    assert result.get("counted_area") == SIZE[0] * SIZE[1]
    assert "outside-calibration" in result.flags


def test_intervals_keep_the_scale_of_the_region_as_drawn() -> None:
    """Shifted by half a pixel the square would leave its ultrasound region."""
    result = measured(square(5, 5, 6), us(LEFT), bounds=True)
    (found,) = [m for m in result.measurements if m.code == "counted_area"]
    assert found.unit == "mm2"
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 36 * 0.06 <= found.high < 100 * 0.06


# --- several together ----------------------------------------------------------------------------


def test_regions_of_different_scales_do_not_add_up() -> None:
    one, other = Scale("mm", 0.3, 0.3, "ultrasound"), Scale("mm", 0.2, 0.2, "ultrasound")
    assert common_scale([one, one]) is one
    with pytest.raises(PlacementError, match=r"0\.3 x 0\.3 mm and of 0\.2 x 0\.2 mm"):
        common_scale([one, other])
    with pytest.raises(PlacementError, match="pixels"):
        common_scale([one, Scale()])


@given(
    st.floats(0, 70), st.floats(0, 50), st.floats(0.5, 30), st.sampled_from(["square", "circle"])
)
def test_mm_only_when_one_region_holds_it_all(
    left: float, top: float, size: float, kind: str
) -> None:
    """Against the slow way: every pixel the shape touches must belong to the same region."""
    frame = us(LEFT, RIGHT)
    shape: Shape = square(left, top, size)
    if kind == "circle":
        shape = Ellipse.circle((left + size / 2, top + size / 2), size / 2)
    owner = np.zeros((120, 120), dtype=int)
    owner[5:55, 5:35], owner[5:55, 35:75] = 1, 2
    weight = ir.rasterize(shape, owner.shape, "exact").to_coverage()
    owners = set(owner[weight > 1e-6].tolist())
    try:
        unit: str = scale_of(shape, frame).unit
    except PlacementError:
        unit = "refused"
    border = (
        min(
            abs(edge - line)
            for edge, lines in ((left, (5, 35, 75)), (top, (5, 55)))
            for line in lines
            for edge in (edge, edge + size)
        )
        < 1e-6
    )
    if not border:
        expected = "refused" if {1, 2} <= owners else "mm" if owners in ({1}, {2}) else "{pixels}"
        assert unit == expected
