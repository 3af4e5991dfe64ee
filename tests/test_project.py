"""Placing 3-D shapes on stacks of planes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageregion import (
    Ellipse,
    Ellipsoid,
    GeometryError,
    PlacementError,
    Plane,
    Points,
    Polygon,
    Polyline,
    cut,
    place,
    rasterize,
    shape_metrics,
)
from imageregion.share import share_between
from imageregion.stack import parallel_groups, slabs


def stack(plane: Plane, heights: list[float]) -> list[Plane]:
    """Planes shifted along the normal, each also a little in its plane (as by gantry tilt)."""
    shear = plane.axes[:, 1] * 0.25
    return [
        Plane(plane.shape, plane.origin + h * plane.normal + h * shear, plane.axes) for h in heights
    ]


@pytest.fixture
def planes(plane: Plane) -> list[Plane]:
    """Unevenly spaced: gaps of 3, 3, 4 and 2 mm."""
    return stack(plane, [0.0, 3.0, 6.0, 10.0, 12.0])


@given(
    st.floats(0.3, 30), st.floats(0.3, 30), st.floats(0.3, 30),
    st.tuples(*[st.floats(-3, 3)] * 3), st.floats(-1.2, 1.2),
)  # fmt: skip
def test_a_cut_lies_on_the_ellipsoid_and_on_the_plane(
    a: float, b: float, c: float, lean: tuple[float, float, float], height: float
) -> None:
    cosines = np.linalg.qr(np.array([[1, *lean[:2]], [0.3, 1, lean[2]], [0, 0.2, 1]]).T)[0]
    plane = Plane((40, 70), (5, -7, height * 5), cosines[:, :2] * [0.5, 2.0])
    ball = Ellipsoid(
        (6.0, -6.5, 0.5), np.diag([a, b, c]) + np.array([[0, 0.1, 0], [0, 0, 0], [0, 0, 0]])
    )
    ellipse = cut(ball, plane)
    if ellipse is None:
        m = ball.axes.T @ plane.normal
        assert abs((plane.origin - ball.center) @ plane.normal) >= np.linalg.norm(m) * (1 - 1e-9)
        return
    angle = np.linspace(0, 6.2, 9)
    rim = ellipse.center + np.stack([np.cos(angle), np.sin(angle)], axis=1) @ ellipse.axes.T
    u = np.linalg.solve(ball.axes, (plane.to_patient(rim) - ball.center).T)
    np.testing.assert_allclose(np.linalg.norm(u, axis=0), 1.0, atol=1e-9)


def test_ellipsoid_voxels_are_those_whose_centre_is_inside(planes: list[Plane]) -> None:
    middle = planes[2].to_patient([[35, 20]])[0]
    ball = Ellipsoid(middle, [[9, 1, 0], [0, 8, 2], [1, 0, 5]])
    found = {
        p.index: rasterize(p.shape, planes[p.index].shape).to_mask() for p in place(ball, planes)
    }
    rows, columns = planes[0].shape
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    for i, plane in enumerate(planes):
        centres = plane.to_patient(np.stack([x.ravel(), y.ravel()], axis=1))
        u = np.linalg.solve(ball.axes, (centres - ball.center).T)
        inside = ((u**2).sum(axis=0) < 1).reshape(rows, columns)
        mask = found.get(i, np.zeros((rows, columns), dtype=bool))
        np.testing.assert_array_equal(mask, inside)
    assert len(found) >= 3


def test_a_flat_shape_belongs_to_the_plane_it_lies_in(planes: list[Plane]) -> None:
    drawn = Polygon([[10, 10], [40, 12], [30, 30]])
    for i, plane in enumerate(planes):
        (placement,) = place(plane.to_patient(drawn), planes)
        assert placement.index == i
        assert placement.distance == pytest.approx(0, abs=1e-9)
        assert isinstance(placement.shape, Polygon)
        np.testing.assert_allclose(placement.shape.rings[0], drawn.rings[0], atol=1e-9)


def test_a_flat_shape_off_the_planes_goes_to_the_nearest_and_says_how_far(
    planes: list[Plane],
) -> None:
    circle = planes[1].to_patient(Ellipse.circle((30, 20), 4))
    moved = circle.transform(np.eye(3), 1.4 * planes[0].normal)
    (placement,) = place(moved, planes)
    assert placement.index == 1
    assert placement.distance == pytest.approx(1.4)


@pytest.mark.parametrize("height", [-1.6, 13.1, 40.0])
def test_a_flat_shape_outside_the_stack_is_refused(planes: list[Plane], height: float) -> None:
    circle = planes[0].to_patient(Ellipse.circle((30, 20), 4))
    with pytest.raises(PlacementError, match="mm from the nearest image plane"):
        place(circle.transform(np.eye(3), height * planes[0].normal), planes)


def test_nothing_drawn_on_a_missing_slice_lands_on_another(plane: Plane) -> None:
    heights = [0.0, 3.0, 6.0, 15.0, 18.0]  # the slices at 9 and 12 are missing
    planes = stack(plane, heights)
    assert slabs(planes)[2].tolist() == pytest.approx([1.5, 1.5])
    circle = planes[0].to_patient(Ellipse.circle((30, 20), 4))
    for height in (7.6, 9.0, 12.0, 13.4):
        with pytest.raises(PlacementError):
            place(circle.transform(np.eye(3), height * plane.normal), planes)


def test_two_far_slices_trust_their_stated_thickness(plane: Plane) -> None:
    planes = stack(plane, [0.0, 90.0])
    assert slabs(planes, 3.0).tolist() == [[1.5, 1.5], [1.5, 1.5]]
    assert slabs(planes).max() == pytest.approx(45.0)
    np.testing.assert_allclose(slabs(stack(plane, [0.0, 5.2, 10.4]), 4.0), 2.6)
    assert slabs(stack(plane, [0.0]), 3.0).tolist() == [[1.5, 1.5]]
    assert slabs(stack(plane, [0.0])).tolist() == [[0.0, 0.0]]


def test_a_tilted_flat_shape_is_refused(planes: list[Plane]) -> None:
    across = planes[0].normal
    along = planes[0].axes[:, 0] / np.linalg.norm(planes[0].axes[:, 0])
    middle = planes[2].to_patient([[30, 20]])[0]
    square = [middle + a * along + b * across for a, b in [(0, 0), (1, 0), (1, 1), (0, 1)]]
    with pytest.raises(PlacementError, match="not parallel"):
        place(Polygon([square]), planes)


def test_points_go_to_the_slab_that_holds_them(planes: list[Plane]) -> None:
    at = planes[0].to_patient([[10.2, 20.7]])[0]
    heights = [0.2, 4.4, 4.6, 7.9, 8.1, 12.9]
    points = Points([at + h * planes[0].normal for h in heights])
    placed = {
        p.index: len(p.shape.coords) for p in place(points, planes) if isinstance(p.shape, Points)
    }
    assert placed == {0: 1, 1: 1, 2: 2, 3: 1, 4: 1}
    assert share_between(points, planes) == 1.0


def test_points_beyond_the_stack_are_counted_as_missed(planes: list[Plane]) -> None:
    at = planes[0].to_patient([[10, 20]])[0]
    points = Points([at, at + 40 * planes[0].normal])
    assert len(place(points, planes)) == 1
    assert share_between(points, planes) == 0.5
    assert place(Points([at + 40 * planes[0].normal]), planes) == ()


def test_a_line_is_divided_among_the_slabs_it_passes(planes: list[Plane]) -> None:
    start, end = planes[0].to_patient([[5, 5]])[0], planes[4].to_patient([[60, 30]])[0]
    line = Polyline([start, end])
    placements = place(line, planes)
    assert [p.index for p in placements] == [0, 1, 2, 3, 4]
    assert share_between(line, planes) == pytest.approx(1)
    ends = [p.shape.coords for p in placements if isinstance(p.shape, Polyline)]
    for before, after, plane_before, plane_after in zip(
        ends, ends[1:], planes, planes[1:], strict=False
    ):
        gap = plane_before.to_patient(before[-1:]) - plane_after.to_patient(after[:1])
        across = gap - (gap @ plane_before.normal)[:, None] * plane_before.normal
        np.testing.assert_allclose(across, 0, atol=1e-6)


def test_a_line_that_leaves_and_returns_comes_in_pieces(planes: list[Plane]) -> None:
    at, n = planes[0].to_patient([[10, 10], [20, 10], [30, 10]]), planes[0].normal
    line = Polyline([at[0], at[1] - 10 * n, at[2]])
    placements = [p for p in place(line, planes) if p.index == 0]
    assert len(placements) == 2
    share = share_between(line, planes)
    assert 0 < share < 1
    length = shape_metrics(line).length
    assert length is not None


def test_share_of_an_ellipsoid_is_its_volume_between_the_slabs(axial_plane: Plane) -> None:
    planes = stack(axial_plane, [0.0, 2.0, 4.0])
    low = planes[0].to_patient([[30, 20]])[0] - 1.0 * axial_plane.normal  # bottom of the stack
    assert share_between(Ellipsoid(low, np.eye(3) * 2), planes) == pytest.approx(0.5)
    assert share_between(
        Ellipsoid(low + np.array([0, 0, 3]), np.eye(3) * 2.5), planes
    ) == pytest.approx(1.0)


def test_images_at_one_position_need_a_name(planes: list[Plane]) -> None:
    doubled = sorted([*planes, *planes], key=lambda p: float(p.origin @ planes[0].normal))
    drawn = planes[2].to_patient(Polygon([[10, 10], [40, 12], [30, 30]]))
    with pytest.raises(PlacementError, match="several images"):
        place(drawn, doubled)
    (placement,) = place(drawn, doubled, prefer=5)
    assert placement.index == 5


def test_planes_are_grouped_by_orientation_and_sorted() -> None:
    across, upright = [[1, 0], [0, 1], [0, 0]], [[0, 0], [1, 0], [0, -1]]
    planes = [
        Plane((4, 4), [0, 0, 9], across),
        Plane((4, 4), [3, 0, 0], upright),
        Plane((4, 4), [0, 0, 1], across),
        Plane((4, 4), [1, 0, 0], upright),
    ]
    assert parallel_groups(planes) == ((2, 0), (1, 3)) or parallel_groups(planes) == (
        (2, 0),
        (3, 1),
    )


def test_only_3d_shapes_are_placed(planes: list[Plane]) -> None:
    with pytest.raises(GeometryError, match="expected 3-D"):
        place(Points([[1, 2]]), planes)


def test_evenly_spaced_thin_slices_own_their_spacing(plane: Plane) -> None:
    planes = stack(plane, [3.0 * i for i in range(6)])
    np.testing.assert_allclose(slabs(planes, 1.0).sum(axis=1), 3.0)


def test_images_at_one_position_own_the_same_space(plane: Plane) -> None:
    for shift in (0.0, 0.002):
        heights = sorted([0.0, 3.0, 6.0, shift, 3.0 + shift, 6.0 + shift])
        np.testing.assert_allclose(slabs(stack(plane, heights), 3.0).sum(axis=1), 3.0, atol=0.01)


def test_half_way_between_two_planes_the_lower_one_is_taken_despite_rounding(plane: Plane) -> None:
    planes = stack(plane, [0.7 * i for i in range(12)])
    disc = planes[0].to_patient(Ellipse.circle((30, 20), 4))
    for i in range(11):
        height = (i + 0.5) * 0.7
        (placement,) = place(disc.transform(np.eye(3), height * plane.normal), planes)
        assert placement.index == i
        points = Points([disc.center + height * plane.normal])
        assert [p.index for p in place(points, planes)] == [i]


def test_shares_of_a_ball_follow_its_volume(axial_plane: Plane) -> None:
    """A quarter of the way up, 5/32 of a unit ball lies below."""
    planes = stack(axial_plane, [0.0, 2.0, 4.0, 6.0])
    bottom = planes[0].to_patient([[30, 20]])[0] - 1.0 * axial_plane.normal
    ball = Ellipsoid(bottom + 0.5 * axial_plane.normal, np.eye(3))
    assert share_between(ball, planes) == pytest.approx(1 - 5 / 32)


def test_a_level_line_on_a_slab_edge_counts_once(axial_plane: Plane) -> None:
    planes = stack(axial_plane, [0.0, 2.0, 4.0])
    line = planes[0].to_patient(Polyline([[5, 5], [9, 5]])).transform(np.eye(3), axial_plane.normal)
    assert [placement.index for placement in place(line, planes)] == [0]  # the lower, as for points
    assert share_between(line, planes) == pytest.approx(1)


@pytest.mark.parametrize(
    "shape",
    [Ellipse.circle((4, 4), 2), Points([[1, 2]]), Polyline([[0, 0, 0], [1, 1, 1]])],
)
def test_only_ellipsoids_are_cut(shape: Ellipse | Points | Polyline, plane: Plane) -> None:
    with pytest.raises(GeometryError, match="cut: expected an Ellipsoid in mm, got "):
        cut(shape, plane)  # type: ignore[arg-type]


def test_pieces_of_a_long_line_are_those_of_its_segments(planes: list[Plane]) -> None:
    """Each segment alone, cut at the slab borders: the same length on every plane."""
    rng = np.random.default_rng(3)
    corners = planes[0].to_patient(rng.uniform(0, 30, (200, 2)))
    coords = corners + rng.uniform(-4, 18, (200, 1)) * planes[0].normal
    placements = place(Polyline(coords), planes)
    expected = np.zeros(len(planes))
    for start, stop in pairwise(coords):
        for part in place(Polyline([start, stop]), planes):
            expected[part.index] += _length(part.shape)
            assert part.distance <= max(p.distance for p in placements if p.index == part.index)
    found = np.zeros(len(planes))
    for part in placements:
        found[part.index] += _length(part.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    whole = shape_metrics(Polyline(coords)).length
    assert whole is not None
    pieces = sum(
        share_between(Polyline([a, b]), planes) * float(np.linalg.norm(b - a))
        for a, b in pairwise(coords)
    )
    assert share_between(Polyline(coords), planes) == pytest.approx(pieces / whole, rel=1e-9)


def _length(shape: object) -> float:
    assert isinstance(shape, Polyline)
    return float(np.linalg.norm(np.diff(shape.coords, axis=0), axis=1).sum())
