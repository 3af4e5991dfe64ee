"""Region codes and coordinates: each rule with a case that triggers it and one that does not."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageregion.fhir.coordinates import MAX_COORDINATES, RegionError
from imageregion.fhir.reading.geometry import Geometry, read_geometry
from imageregion.fhir.text.plain import plain
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline

PATH = "ImagingSelection.instance[0].imageRegion2D[1]"
SQUARE = [1, 1, 5, 1, 5, 5, 1, 5, 1, 1]
SQUARE_3D = [0, 0, 7, 10, 0, 7, 10, 10, 7, 0, 10, 7, 0, 0, 7]


def read(kind: Any, coordinate: Any, dimension: Literal[2, 3] = 2) -> Geometry:
    element = {"regionType": kind, "coordinate": coordinate}
    return read_geometry(plain(element), PATH, dimension)


def refusal(kind: Any, coordinate: Any, dimension: Literal[2, 3] = 2) -> RegionError:
    with pytest.raises(RegionError) as caught:
        read(kind, coordinate, dimension)
    assert str(caught.value).startswith(PATH)
    return caught.value


def codes(geometry: Geometry) -> list[str]:
    return [issue.code for issue in geometry.issues]


def area(ring: np.ndarray[Any, Any]) -> float:
    following = np.roll(ring, -1, axis=0)
    return abs(float((ring[:, 0] * following[:, 1] - ring[:, 1] * following[:, 0]).sum())) / 2


def test_every_2d_code() -> None:
    point = read("point", [3.5, 2]).shape
    assert isinstance(point, Points)
    assert point.coords.tolist() == [[3.5, 2]]
    line = read("polyline", [0, 0, 3, 4]).shape
    assert isinstance(line, Polyline)
    polygon = read("polyline", SQUARE).shape
    assert isinstance(polygon, Polygon)
    assert polygon.rings[0].tolist() == [[1, 1], [5, 1], [5, 5], [1, 5]]
    circle = read("circle", [10, 10, 13, 14]).shape
    assert isinstance(circle, Ellipse)
    assert circle.axes.tolist() == [[5, 0], [0, 5]]
    ellipse = read("ellipse", [2, 8, 14, 8, 8, 5, 8, 11]).shape
    assert isinstance(ellipse, Ellipse)
    assert ellipse.center.tolist() == [8, 8]
    assert ellipse.axes.tolist() == [[6, 0], [0, 3]]


def test_every_3d_code() -> None:
    assert isinstance(read("point", [1, 2, 3], 3).shape, Points)
    several = read("multipoint", [1, 2, 3, 4, 5, 6], 3).shape
    assert isinstance(several, Points)
    assert several.coords.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert isinstance(read("polyline", [0, 0, 0, 1, 2, 3], 3).shape, Polyline)
    polygon = read("polygon", SQUARE_3D, 3).shape
    assert isinstance(polygon, Polygon)
    assert len(polygon.rings[0]) == 4
    ellipse = read("ellipse", [-3, 0, 1, 3, 0, 1, 0, -2, 1, 0, 2, 1], 3).shape
    assert isinstance(ellipse, Ellipse)
    assert ellipse.axes.tolist() == [[3, 0], [0, 2], [0, 0]]
    axes = [-3, 0, 0, 3, 0, 0, 0, -4, 0, 0, 4, 0, 0, 0, -5, 0, 0, 5]
    ellipsoid = read("ellipsoid", axes, 3).shape
    assert isinstance(ellipsoid, Ellipsoid)
    assert ellipsoid.axes.tolist() == [[3, 0, 0], [0, 4, 0], [0, 0, 5]]


def test_a_closed_3d_polyline_stays_a_line() -> None:
    geometry = read("polyline", SQUARE_3D, 3)
    assert isinstance(geometry.shape, Polyline)
    assert not geometry.issues


@pytest.mark.parametrize(
    ("kind", "dimension", "numbers", "message"),
    [
        ("point", 2, 4, "expected 2 numbers (one point), got 4"),
        ("polyline", 2, 2, "expected at least 4 numbers (2 points), got 2"),
        ("interpolated", 2, 2, "expected at least 4 numbers (2 points), got 2"),
        ("circle", 2, 6, "expected 4 numbers (centre, point on the circle), got 6"),
        ("ellipse", 2, 6, "expected 8 numbers (both ends of the major axis, "),
        ("point", 3, 6, "expected 3 numbers (one point), got 6"),
        ("multipoint", 3, 0, "expected at least 3 numbers (1 point), got 0"),
        ("polyline", 3, 3, "expected at least 6 numbers (2 points), got 3"),
        ("polygon", 3, 9, "expected at least 12 numbers (3 points and the first again), got 9"),
        ("ellipse", 3, 15, "expected 12 numbers (both ends of the major axis, "),
        ("ellipsoid", 3, 12, "expected 18 numbers (both ends of each of three axes), got 12"),
    ],
)
def test_counts(kind: str, dimension: Literal[2, 3], numbers: int, message: str) -> None:
    error = refusal(kind, list(range(numbers)), dimension)
    assert error.code == "coordinate-count"
    assert f"{PATH}.coordinate: {message}" in str(error)


@pytest.mark.parametrize(("dimension", "text"), [(2, "a multiple of 2"), (3, "a multiple of 3")])
def test_whole_points(dimension: Literal[2, 3], text: str) -> None:
    assert text in str(refusal("polyline", [0, 1, 2, 3, 4, 5, 7], dimension))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, "2"], "coordinate[1]: expected a number, got '2'"),
        ([True, 2], "coordinate[0]: expected a number, got true"),
        ([None, 2], "coordinate[0]: expected a number, got null"),
        ([[1, 2], 2], "coordinate[0]: expected a number, got a list"),
        ([{"value": 1}, 2], "coordinate[0]: expected a number, got an object"),
        ([1, math.nan], "coordinate[1]: expected a finite number, got nan"),
        ([1, -math.inf], "coordinate[1]: expected a finite number, got -inf"),
        ([Decimal("NaN"), 1], "coordinate[0]: expected a finite number, got nan"),
        ([Decimal("sNaN"), 1], "coordinate[0]: expected a finite number, got nan"),
        ([1, 10**400], "coordinate[1]: expected a number within +-1e+09"),
        ([1, -2e9], "coordinate[1]: expected a number within +-1e+09, got -2e+09"),
        ("1,2", "coordinate: expected 2 numbers (one point), got '1,2'"),
        (None, "coordinate: expected 2 numbers (one point), got nothing"),
        (5, "coordinate: expected 2 numbers (one point), got 5"),
        ({}, "coordinate: expected 2 numbers (one point), got an object"),
    ],
)
def test_coordinates_are_finite_numbers(value: Any, text: str) -> None:
    error = refusal("point", value)
    assert error.code == "coordinate"
    assert text in str(error)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2.5],
        (1, 2.5),
        [Decimal(1), Decimal("2.50")],
        np.array([1, 2.5]),
        list(np.array([1, 2.5])),
    ],
)
def test_numbers_in_any_python_form(value: Any) -> None:
    shape = read("point", value).shape
    assert isinstance(shape, Points)
    assert shape.coords.tolist() == [[1, 2.5]]


def test_ten_million_coordinates_are_refused() -> None:
    error = refusal("polyline", [1.0] * 10_000_000)
    assert error.code == "too-many-coordinates"
    assert f"at most {MAX_COORDINATES} numbers in one region, got 10000000" in str(error)


@pytest.mark.parametrize(
    ("kind", "dimension", "hint"),
    [
        ("unknown", 2, "stated to be one that cannot be computed"),
        ("unknown", 3, "stated to be one that cannot be computed"),
        ("ellipsoid", 2, "imageRegion3D"),
        ("circle", 3, "an ellipse with equal axes"),
        ("interpolated", 3, "imageRegion2D"),
        ("banana", 2, "expected one of point, polyline, interpolated, circle, ellipse"),
        ("banana", 3, "point, multipoint, polyline, polygon, ellipse, ellipsoid"),
        (None, 2, "got null"),
        (7, 2, "got 7"),
    ],
)
def test_unknown_codes(kind: Any, dimension: Literal[2, 3], hint: str) -> None:
    error = refusal(kind, [1, 2], dimension)
    assert error.code == "region-type"
    assert error.path == f"{PATH}.regionType"
    assert hint in str(error)


def test_codes_in_capitals_are_read_and_noted() -> None:
    geometry = read("POINT", [1, 2])
    assert geometry.type == "point"
    assert codes(geometry) == ["code-case"]
    assert not read("point", [1, 2]).issues


def test_circle_of_no_radius() -> None:
    assert refusal("circle", [5, 5, 5, 5]).code == "no-extent"
    assert not read("circle", [5, 5, 5, 9]).issues


@pytest.mark.parametrize(
    ("kind", "dimension"), [("polyline", 2), ("interpolated", 2), ("polyline", 3)]
)
def test_line_of_no_length(kind: str, dimension: Literal[2, 3]) -> None:
    assert refusal(kind, [4] * 12, dimension).code == "no-extent"


def ends(center: Any, *axes: Any) -> list[float]:
    points = [np.add(center, sign * np.array(axis)) for axis in axes for sign in (-1, 1)]
    return [float(v) for v in np.concatenate(points)]


def shifted(coordinate: list[float], index: int, by: float) -> list[float]:
    return [*coordinate[:index], coordinate[index] + by, *coordinate[index + 1 :]]


def test_axes_must_share_a_midpoint() -> None:
    small, large = ends([50, 50], [6, 0], [0, 3]), ends([5000, 5000], [2000, 0], [0, 900])
    for coordinate, tolerance in ((small, 0.01), (large, 2.0)):
        read("ellipse", shifted(shifted(coordinate, 4, 0.9 * tolerance), 6, 0.9 * tolerance))
        moved = shifted(shifted(coordinate, 4, 1.1 * tolerance), 6, 1.1 * tolerance)
        assert refusal("ellipse", moved).code == "axes-midpoint"


def test_axes_must_be_perpendicular() -> None:
    for size, tolerance in ((6.0, 0.01), (2000.0, 2.0)):
        good = ends([5000, 5000], [size, 0], [0.9 * tolerance, size / 2])
        bad = ends([5000, 5000], [size, 0], [1.1 * tolerance, size / 2])
        assert not read("ellipse", good).issues
        assert refusal("ellipse", bad).code == "axes-angle"
    cube = ends([0, 0, 0], [5, 0, 0], [0, 5, 0], [0, 0.05, 5])
    assert refusal("ellipsoid", cube, 3).code == "axes-angle"
    assert refusal("ellipsoid", shifted(shifted(cube, 12, 1), 15, 1), 3).code == "axes-midpoint"


def test_axes_must_have_a_length() -> None:
    assert refusal("ellipse", ends([9, 9], [6, 0], [0, 0])).code == "no-extent"
    assert (
        refusal("ellipsoid", ends([0, 0, 0], [6, 0, 0], [0, 0, 0], [0, 0, 3]), 3).code
        == "no-extent"
    )
    assert refusal("ellipse", ends([9, 9], [0.004, 0], [0.004, 0])).code == "geometry"


def test_major_axis_comes_first() -> None:
    geometry = read("ellipse", ends([9, 9], [3, 0], [0, 6]))
    assert codes(geometry) == ["axes-order"]
    assert isinstance(geometry.shape, Ellipse)
    assert geometry.shape.axes.tolist() == [[3, 0], [0, 6]]
    assert not read("ellipse", ends([9, 9], [3, 0], [0, 3.005])).issues
    assert not read("ellipsoid", ends([9, 9, 9], [3, 0, 0], [0, 6, 0], [0, 0, 9]), 3).issues


def test_unclosed_outline_is_a_line() -> None:
    geometry = read("polyline", SQUARE[:-2])
    assert isinstance(geometry.shape, Polyline)
    assert [(i.severity, i.code, i.path) for i in geometry.issues] == [
        ("warning", "unclosed", PATH)
    ]
    assert "close=True (--close)" in geometry.issues[0].message
    assert not read("polyline", SQUARE).issues


@pytest.mark.parametrize(
    ("gap", "start", "closed"),
    [(5e-7, 1.0, True), (2e-6, 1.0, False), (3e-3, 100_000.0, True), (8e-3, 100_000.0, False)],
)
def test_closure_is_float32_equality_or_a_millionth(gap: float, start: float, closed: bool) -> None:
    outline = [start, start, start + 9, start, start, start + 9, start + gap, start]
    shape = read("polyline", outline).shape
    assert isinstance(shape, Polygon if closed else Polyline)
    if isinstance(shape, Polygon):
        assert len(shape.rings[0]) == 3


def test_there_and_back_is_a_line() -> None:
    geometry = read("polyline", [1, 1, 9, 9, 1, 1])
    assert isinstance(geometry.shape, Polyline)
    assert codes(geometry) == ["no-area"]
    flat = read("polyline", [1, 1, 5, 5, 9, 9, 1, 1])
    assert isinstance(flat.shape, Polygon)
    assert codes(flat) == ["no-area"]


def test_interpolated_ring_and_line() -> None:
    ring = read("interpolated", [14, 10, 10, 14, 6, 10, 10, 6, 14, 10])
    assert isinstance(ring.shape, Polygon)
    assert ring.notes == (
        "C2 cubic spline over chord length, periodic ends, flattened to 0.0001 px",
    )
    assert area(ring.shape.rings[0]) == pytest.approx(math.pi * 16, rel=0.03)
    line = read("interpolated", [14, 10, 10, 14, 6, 10])
    assert isinstance(line.shape, Polyline)
    assert "natural ends" in line.notes[0]
    assert codes(line) == ["unclosed"]
    back = read("interpolated", [14, 10, 10, 14, 14, 10])
    assert isinstance(back.shape, Polyline)


def test_interpolated_ring_closed_up_to_rounding() -> None:
    ring = read("interpolated", [14, 10, 10, 14, 6, 10, 10, 6, 14.0000001, 10])
    assert isinstance(ring.shape, Polygon)
    assert ring.shape.rings[0][0].tolist() == [14, 10]
    assert len(np.unique(ring.shape.rings[0], axis=0)) == len(ring.shape.rings[0])


def test_3d_polygon_must_be_closed() -> None:
    assert refusal("polygon", [*SQUARE_3D[:-1], 7.1], 3).code == "unclosed"
    assert refusal("polygon", SQUARE_3D[:-3], 3).code == "unclosed"
    shape = read("polygon", [*SQUARE_3D[:-1], 7.00005], 3).shape
    assert isinstance(shape, Polygon)
    assert len(shape.rings[0]) == 4


def test_3d_polygon_must_be_planar() -> None:
    def bent(size: float, by: float) -> list[float]:
        return [0, 0, 0, size, 0, by, size, size, 0, 0, size, by, 0, 0, 0]

    # All four corners are half of `by` off the best plane.
    assert not read("polygon", bent(10, 0.018), 3).issues
    assert refusal("polygon", bent(10, 0.022), 3).code == "not-planar"
    assert not read("polygon", bent(1000, 0.18), 3).issues
    assert refusal("polygon", bent(1000, 0.22), 3).code == "not-planar"


def test_3d_polygon_must_span_an_area() -> None:
    assert refusal("polygon", [0, 0, 0, 9, 9, 9, 0, 0, 0, 0, 0, 0], 3).code == "no-area"
    line = [0, 0, 0, 1, 1, 1, 2, 2, 2, 5, 5, 5, 0, 0, 0]
    assert refusal("polygon", line, 3).code == "no-area"


def test_sub_pixel_regions_are_noted() -> None:
    normalised = read("circle", [0.5, 0.5, 0.75, 0.5])
    assert [(i.severity, i.code) for i in normalised.issues] == [("information", "sub-pixel")]
    assert (
        "0.5 px wide, 0.5 px high; the coordinates look normalised" in normalised.issues[0].message
    )
    tiny = read("circle", [50, 50, 50.25, 50])
    assert "normalised" not in tiny.issues[0].message
    assert not read("point", [0.5, 0.5]).issues
    assert not read("polyline", [0.5, 0, 1.5, 0, 1.5, 0.2, 0.5, 0]).issues


def test_negative_pixels_are_noted() -> None:
    geometry = read("point", [3, -1])
    assert codes(geometry) == ["outside-image"]
    assert "(3, -1)" in geometry.issues[0].message
    assert not read("point", [-3, -1, -5], 3).issues


@given(
    st.floats(-1000, 1000),
    st.floats(-1000, 1000),
    st.floats(0.5, 500),
    st.floats(0.5, 500),
    st.floats(0, math.pi),
)
def test_an_ellipse_is_the_one_it_was_made_from(
    x: float, y: float, a: float, b: float, angle: float
) -> None:
    cos, sin = math.cos(angle), math.sin(angle)
    coordinate = ends([x, y], [a * cos, a * sin], [-b * sin, b * cos])
    shape = read("ellipse", coordinate).shape
    assert isinstance(shape, Ellipse)
    assert abs(np.linalg.det(shape.axes)) == pytest.approx(a * b)
    assert shape.center.tolist() == pytest.approx([x, y], abs=1e-9)


number = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.lists(st.tuples(number, number), min_size=3, max_size=30, unique=True))
def test_a_polygon_has_the_area_of_its_coordinates(points: list[tuple[float, float]]) -> None:
    flat = [value for point in [*points, points[0]] for value in point]
    shape = read("polyline", flat).shape
    assert isinstance(shape, Polygon)
    assert np.array_equal(shape.rings[0], points)
    assert area(shape.rings[0]) == pytest.approx(area(np.array(points)))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


@given(
    st.sampled_from(
        ["point", "polyline", "interpolated", "circle", "ellipse", "polygon", "ellipsoid"]
    ),
    anything | st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20),
    st.sampled_from([2, 3]),
)
def test_whatever_comes_is_a_shape_or_a_refusal(
    kind: str, coordinate: Any, dimension: Literal[2, 3]
) -> None:
    try:
        shape = read(kind, coordinate, dimension).shape
    except RegionError:
        return
    assert all(np.isfinite(bound).all() for bound in shape.bounds)


CORNERS = [1, 1, 5, 1, 5, 5, 1, 5]


def test_a_2d_polygon_is_an_area_closed_or_not() -> None:
    (open_, closed) = (
        read_geometry({"regionType": "polygon", "coordinate": c}, "r", 2)
        for c in (CORNERS, CORNERS + CORNERS[:2])
    )
    for geometry in (open_, closed):
        assert isinstance(geometry.shape, Polygon)
        assert geometry.shape.rings[0].tolist() == [[1, 1], [5, 1], [5, 5], [1, 5]]
    assert [issue.code for issue in open_.issues] == ["implicitly-closed"]
    assert len(open_.notes) == 1
    assert (closed.issues, closed.notes) == ((), ())


@pytest.mark.parametrize("coordinate", [[1, 1, 5, 1, 1, 1], [1, 1, 2, 2, 3, 3], [1, 1, 2, 2]])
def test_a_2d_polygon_without_area_is_refused(coordinate: list[float]) -> None:
    assert refusal("polygon", coordinate).code in ("no-area", "coordinate-count")


def test_2d_multipoint_is_points() -> None:
    geometry = read_geometry({"regionType": "multipoint", "coordinate": CORNERS}, "r", 2)
    assert isinstance(geometry.shape, Points)
    assert geometry.shape.coords.tolist() == [[1, 1], [5, 1], [5, 5], [1, 5]]


def test_faults_name_the_coordinates_as_the_document_does() -> None:
    element = {"regionType": "point", "coordinate": [1, "x"]}
    with pytest.raises(RegionError) as caught:
        read_geometry(element, "ImagingSelection.imageRegion", 2, "ImagingSelection.imageRegion.c")
    assert caught.value.path == "ImagingSelection.imageRegion.c[1]"
