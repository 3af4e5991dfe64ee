"""Areas, lengths and volumes against analytic values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ellipe

from imageregion import (
    Ellipse,
    Ellipsoid,
    GeometryError,
    Plane,
    Points,
    Polygon,
    Polyline,
    rasterize,
    shape_metrics,
)
from imageregion.metrics import ShapeMetrics, combined_area
from imageregion.shapes import Shape

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]
KEYHOLE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 3]]
KEYHOLE += [[3, 3], [3, 7], [7, 7], [7, 3], [3, 3], [0, 3]]
HOLE = [[3, 3], [7, 3], [7, 7], [3, 7]]


def area(*rings: list[list[float]]) -> float | None:
    return shape_metrics(Polygon(rings)).area


@pytest.mark.parametrize(
    ("rings", "expected"),
    [
        ([SQUARE], 100),
        ([SQUARE[::-1]], 100),
        ([SQUARE, HOLE], 84),
        ([SQUARE, HOLE[::-1]], 84),
        ([SQUARE, [[20, 0], [22, 0], [22, 3], [20, 3]]], 106),
        ([SQUARE, [[5, 0], [15, 0], [15, 10], [5, 10]]], 100),
        ([SQUARE, SQUARE], 0),
        ([SQUARE + SQUARE], 0),
        ([SQUARE * 3], 100),
        ([[[0, 0], [8, 8], [8, 0], [0, 8]]], 32),
        ([KEYHOLE], 84),
        ([[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0], [1, 1], [5, 1], [5, 5], [1, 5], [1, 1]]], 14),
        ([[[0, 0], [5, 0], [9, 0]]], 0),
        ([[[0, 0], [0, 0], [4, 0], [4, 4], [4, 4], [0, 4]]], 16),
        ([[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]], 0.25),
    ],
)  # fmt: skip
def test_even_odd_areas(rings: list[list[list[float]]], expected: float) -> None:
    assert area(*rings) == pytest.approx(expected, abs=1e-12)


def test_a_pentagram_has_no_middle() -> None:
    turn = 4 * np.pi * np.arange(5) / 5
    star = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    # ten triangles between the five tips and the inner pentagon: 5/4 tan(36 deg) (3 - sqrt 5) ...
    inner = (3 - np.sqrt(5)) / 2
    pentagon = 5 / 2 * inner**2 * np.sin(2 * np.pi / 5)
    outline = 5 * inner * np.sin(np.pi / 5)
    assert shape_metrics(Polygon(star)).area == pytest.approx(outline - pentagon)
    assert shape_metrics(Polygon(star)).self_crossing


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=3, max_size=8))
def test_area_is_what_a_fine_raster_counts(points: list[tuple[int, int]]) -> None:
    """Odd denominators keep vertices off pixel centres; the error is bounded by the outline."""
    found = shape_metrics(Polygon(points))
    fine = rasterize(Polygon(np.array(points) * 25.0), (1000, 1000)).count / 625
    assert found.area is not None
    assert found.perimeter is not None
    # A row of height 1/25 misjudges each of its crossings by at most half a pixel of 1/25.
    assert abs(found.area - fine) <= found.perimeter / 25 + 1e-9


def test_known_ellipse_measures() -> None:
    metrics = shape_metrics(Ellipse((5, 5), [[3, 0], [0, 1]]))
    assert metrics.area == pytest.approx(3 * np.pi)
    assert metrics.perimeter == pytest.approx(4 * 3 * ellipe(1 - 1 / 9), rel=1e-13)
    assert shape_metrics(Ellipse.circle((10, 10), 3)).perimeter == pytest.approx(18.849555921538759)
    assert metrics.centroid == (5.0, 5.0)


def test_official_3d_ellipse() -> None:
    """The ellipse of the HL7 R5 3-D example: semi-axes 86.6025 and 35.3553 mm."""
    u, v = np.array([50, 50, 50.0]), np.array([-25, 25, 0.0])
    metrics = shape_metrics(Ellipse(np.zeros(3), np.array([u, v]).T))
    assert metrics.area == pytest.approx(9619.124, abs=1e-3)


def test_a_flat_thin_ellipse_has_twice_its_length_as_perimeter() -> None:
    assert shape_metrics(Ellipse((0, 0), np.diag([5, 1e-7]))).perimeter == pytest.approx(20)


def test_volume_of_an_ellipsoid() -> None:
    assert shape_metrics(Ellipsoid([1, 2, 3], np.diag([2, 3, 4]))).volume == pytest.approx(
        32 * np.pi
    )


def test_length_and_centroid_of_a_line() -> None:
    metrics = shape_metrics(Polyline([[0, 0], [3, 4], [3, 14]]))
    assert metrics.length == 15
    assert metrics.centroid == pytest.approx(((1.5 * 5 + 3 * 10) / 15, (2 * 5 + 9 * 10) / 15))
    assert metrics.area is None


def test_centroid_of_points_and_holes() -> None:
    assert shape_metrics(Points([[0, 0], [4, 8]])).centroid == (2.0, 4.0)
    off_centre = shape_metrics(Polygon([SQUARE, [[0, 0], [5, 0], [5, 10], [0, 10]]]))
    assert off_centre.centroid == pytest.approx((7.5, 5.0))


def test_anisotropic_pixels(axial_plane: Plane) -> None:
    """10 columns of 0.5 mm and 20 rows of 2 mm: 5 mm x 40 mm."""
    rectangle = Polygon([[2, 3], [12, 3], [12, 23], [2, 23]])
    metrics = shape_metrics(axial_plane.to_patient(rectangle))
    assert metrics.area == pytest.approx(200)
    assert metrics.perimeter == pytest.approx(90)


def test_measures_do_not_depend_on_the_plane(plane: Plane, axial_plane: Plane) -> None:
    shapes: list[Polygon | Ellipse | Polyline] = [
        Polygon([SQUARE, HOLE]),
        Polygon([[0, 0], [8, 8], [8, 0], [0, 8]]),
        Ellipse((9, 9), [[4, 1], [-2, 6]]),
        Polyline([[0, 0], [5, 1], [9, 9]]),
    ]
    for shape in shapes:
        here = shape_metrics(plane.to_patient(shape))
        there = shape_metrics(axial_plane.to_patient(shape))
        for name in ("area", "perimeter", "length"):
            mine, other = getattr(here, name), getattr(there, name)
            assert mine == (other if other is None else pytest.approx(other, rel=1e-9)), name
        np.testing.assert_allclose(
            plane.to_pixel([here.centroid]), axial_plane.to_pixel([there.centroid]), atol=1e-9
        )


def test_an_outline_that_crosses_itself_a_million_times_has_no_area_but_ends() -> None:
    noise = np.random.default_rng(1).uniform(0, 500, (20_000, 2))
    metrics = shape_metrics(Polygon(noise))
    assert metrics.area is None
    assert metrics.self_crossing
    assert metrics.perimeter is not None


def test_combined_area_is_even_odd() -> None:
    square = Polygon(SQUARE)
    assert combined_area([square, Polygon(HOLE)]) == pytest.approx(84)
    inside = combined_area([square, Ellipse.circle((5, 5), 2)])
    # vertices within 1e-4 of the circle: at most perimeter x 1e-4
    assert inside == pytest.approx(100 - 4 * np.pi, abs=4 * np.pi * 1e-4)
    apart = combined_area([square, Ellipse.circle((50, 5), 2)])
    assert apart == pytest.approx(100 + 4 * np.pi, rel=1e-14)


def test_combined_area_in_the_patient(plane: Plane) -> None:
    shapes = [plane.to_patient(Polygon(SQUARE)), plane.to_patient(Polygon(HOLE))]
    assert combined_area(shapes) == pytest.approx(84)


@pytest.mark.parametrize(
    "shape",
    [
        Points([[1e200, 0]]),
        Polyline([[0.0, 0.0], [1e200, 1e200]]),
        Polygon([[0, 0], [1e200, 0], [1e200, 1e200]]),
        Polygon([[0, 0, 0], [1e200, 0, 0], [1e200, 1e200, 0]]),
        Ellipse.circle((0, 0), 1e200),
        Ellipsoid((0, 0, 0), np.eye(3) * 1e200),
    ],
)
def test_shapes_beyond_the_range_of_float64_have_no_measures(shape: Shape) -> None:
    assert shape_metrics(shape) == ShapeMetrics()
    if isinstance(shape, Polygon | Ellipse):
        assert combined_area([shape, shape]) is None


def test_the_farthest_shapes_are_measured() -> None:
    square = Polygon(np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * 1e75)
    assert shape_metrics(square).area == pytest.approx(1e150, rel=1e-12)
    ball = Ellipsoid((0, 0, 0), np.eye(3) * 1e75)
    assert shape_metrics(ball).volume == pytest.approx(4 / 3 * np.pi * 1e225, rel=1e-12)


def test_only_shapes_are_measured() -> None:
    with pytest.raises(GeometryError, match="expected a shape, got NoneType"):
        shape_metrics(None)  # type: ignore[arg-type]


def test_diameters_and_circularity() -> None:
    found = shape_metrics(Polygon([[0, 0], [4, 0], [4, 3], [0, 3]]))
    assert found.max_diameter == 5.0
    assert found.equivalent_diameter == pytest.approx(2 * np.sqrt(12 / np.pi))
    assert found.circularity == pytest.approx(4 * np.pi * 12 / 14**2)
    lean = Ellipse((5, 5, 5), [[3, 1], [0, 2], [1, 1]])
    ends = lean.outline(1e-9)
    # the outline is within 1e-9 of the curve, its vertices 1e-4 apart or less
    farthest = np.linalg.norm(ends - lean.center, axis=1).max() * 2
    assert shape_metrics(lean).max_diameter == pytest.approx(farthest, rel=1e-7)
    circle = shape_metrics(Ellipse.circle((0, 0), 2.5))
    assert (circle.circularity, circle.equivalent_diameter) == pytest.approx((1, 5))
    assert shape_metrics(Polyline([[0, 0], [3, 4]])).max_diameter is None
    flat = shape_metrics(Polygon([[0, 0], [4, 0], [2, 0]]))
    assert (flat.equivalent_diameter, flat.circularity, flat.max_diameter) == (0.0, None, 4.0)


@given(st.integers(0, 1000), st.sampled_from([3, 40, 400]), st.booleans())
def test_the_largest_diameter_is_between_two_vertices(seed: int, size: int, round_: bool) -> None:
    rng = np.random.default_rng(seed)
    ring = rng.normal(0, 9, (size, 3))
    if round_:  # nearly all vertices are on the hull
        angle = np.sort(rng.uniform(0, 2 * np.pi, size))
        ring[:, :2] = np.stack([rng.uniform(1, 9) * np.cos(angle), 5 * np.sin(angle)], axis=1)
        ring[:, :2] *= rng.uniform(0.999, 1, (size, 1))
    ring[:, 2] = ring[:, 0] - ring[:, 1]  # a flat ring in the patient
    apart = np.linalg.norm(ring[:, None] - ring, axis=2).max()
    assert shape_metrics(Polygon([ring])).max_diameter == pytest.approx(apart, rel=1e-9)


def test_a_regular_polygon_has_opposite_corners() -> None:
    for size in (40, 41, 360, 1001):
        angle = 2 * np.pi * np.arange(size) / size
        ring = 3 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        found = shape_metrics(Polygon([ring])).max_diameter
        expected = 6.0 if size % 2 == 0 else 6.0 * np.cos(np.pi / (2 * size))
        assert found == pytest.approx(expected, rel=1e-12)
