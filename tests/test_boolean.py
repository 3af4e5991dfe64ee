"""Boolean operations: exact before any pixel is asked, and in agreement with the pixels after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imageregion import Ellipse, Ellipsoid, GeometryError, Points, Polygon, Polyline, rasterize
from imageregion._arrays import FloatArray
from imageregion._kernels.winding import winding_numbers
from imageregion.boolean import combine, resolve
from imageregion.spans import SetOperation, combine_spans

SIZE = (9, 10)
OPERATIONS: list[SetOperation] = ["union", "intersection", "difference", "xor"]
on_grid = st.lists(
    st.tuples(st.integers(-1, 8), st.integers(-1, 8)), min_size=3, max_size=9
)  # crossings, touching corners, edges drawn twice and rings without area are all likely here
off_grid = st.lists(st.tuples(*[st.floats(-1, 11, width=32)] * 2), min_size=3, max_size=9)
polygons = st.builds(
    Polygon,
    st.lists(on_grid | off_grid, min_size=1, max_size=3),
    st.sampled_from(["evenodd", "nonzero"]),
)
# Away from every line through two corners of the grid, whose sides are multiples of 1e-4.
BETWEEN = np.argwhere(np.ones((10, 10))) - 1 + np.array([0.3719, 0.4177])


def winding(point: FloatArray, rings: Sequence[FloatArray]) -> int:
    """Whole turns of the direction from the point to a vertex that goes around all rings."""
    turns = 0.0
    for ring in rings:
        x, y = (np.append(ring, ring[:1], axis=0) - point).T
        step = np.diff(np.arctan2(y, x))
        turns += ((step + np.pi) % (2 * np.pi) - np.pi).sum()
    return round(turns / (2 * np.pi))


def is_inside(polygon: Polygon, point: FloatArray) -> bool:
    turns = winding(point, polygon.rings)
    return turns % 2 == 1 if polygon.fill_rule == "evenodd" else turns != 0


@given(st.lists(on_grid, min_size=1, max_size=3))
def test_the_kernel_counts_turns(rings: list[list[tuple[int, int]]]) -> None:
    parts = Polygon(rings).rings
    offsets = np.cumsum([0, *map(len, parts)])
    found = winding_numbers(BETWEEN, np.concatenate(parts), offsets)
    assert found.tolist() == [winding(point, parts) for point in BETWEEN]


@given(st.lists(on_grid, min_size=1, max_size=3), st.sampled_from(["evenodd", "nonzero"]))
def test_resolved_areas_hold_the_points_of_the_fill_rule(rings: Any, fill_rule: Any) -> None:
    polygon = Polygon(rings, fill_rule)
    area = resolve(polygon)
    assert area.is_valid
    inside = shapely.contains_xy(area, BETWEEN)
    assert inside.tolist() == [is_inside(polygon, point) for point in BETWEEN]


@given(polygons)
def test_resolved_areas_are_the_area_of_the_pixels(polygon: Polygon) -> None:
    """Exact coverage on an image that holds the shape; sums of about 150 pixels, rounded."""
    area = resolve(polygon)
    assert area.is_valid
    moved = polygon.transform(np.eye(2), np.array([1.0, 1.0]))
    assert abs(rasterize(moved, (13, 13), "exact").area - area.area) < 1e-6


@pytest.mark.parametrize(
    ("rings", "evenodd", "nonzero"),
    [
        ([[[0, 0], [8, 8], [8, 0], [0, 8]]], 32, 32),  # bow-tie
        ([[[0, 0], [4, 0], [4, 4], [0, 4]] * 2], 0, 16),  # wound twice
        ([[[0, 0], [6, 0], [6, 6], [0, 6]], [[2, 2], [4, 2], [4, 4], [2, 4]]], 32, 36),
        ([[[0, 0], [6, 0], [6, 6], [0, 6]], [[2, 2], [2, 4], [4, 4], [4, 2]]], 32, 32),
        ([[[0, 0], [4, 0], [4, 4], [0, 4]], [[2, 0], [6, 0], [6, 4], [2, 4]]], 16, 24),
        ([[[0, 0], [4, 0], [8, 0]]], 0, 0),  # on one line
        ([[[3, 3], [3, 3], [3, 3]]], 0, 0),
        # A keyhole: the hole hangs on a slit that is drawn both ways.
        ([[[0, 0], [9, 0], [9, 9], [3, 3], [3, 6], [6, 6], [3, 3], [9, 9], [0, 9]]], 76.5, 76.5),
    ],
)
def test_areas_to_check_by_eye(rings: Any, evenodd: float, nonzero: float) -> None:
    assert resolve(Polygon(rings)).area == evenodd
    assert resolve(Polygon(rings, "nonzero")).area == nonzero


def near_an_edge(shapes: Sequence[Polygon]) -> NDArray[np.bool_]:
    """Centres so near an edge that the rounding of a crossing may move them across."""
    lines = shapely.union_all(
        [shapely.LineString(np.append(r, r[:1], axis=0)) for s in shapes for r in s.rings]
    )
    row, column = np.indices(SIZE) + 0.5
    near: NDArray[np.bool_] = shapely.dwithin(lines, shapely.points(column, row), 1e-9)
    return near


@pytest.mark.parametrize("operation", OPERATIONS)
@given(shapes=st.lists(polygons, min_size=1, max_size=3))
def test_shapes_first_or_pixels_first(operation: SetOperation, shapes: list[Polygon]) -> None:
    pixels = combine_spans([rasterize(shape, SIZE) for shape in shapes], operation).to_mask()
    both = combine(shapes, operation)
    mask = np.zeros(SIZE, bool) if both is None else rasterize(both, SIZE).to_mask()
    assert not ((mask != pixels) & ~near_an_edge(shapes)).any()
    if both is not None:
        assert shapely.MultiPolygon([resolve(both).geoms[0]]).is_valid
        assert rasterize(Polygon(both.rings, "nonzero"), SIZE) == rasterize(both, SIZE)


@given(polygons, polygons)
def test_areas_add_up(a: Polygon, b: Polygon) -> None:
    """Areas of a few hundred pixels, off by the rounding of crossings."""
    size = dict.fromkeys(OPERATIONS, 0.0)
    for operation in OPERATIONS:
        both = combine([a, b], operation)
        size[operation] = 0.0 if both is None else resolve(both).area
    first, second = resolve(a).area, resolve(b).area
    assert abs(size["union"] + size["intersection"] - first - second) < 1e-9
    assert abs(size["xor"] + size["intersection"] - size["union"]) < 1e-9
    assert abs(size["difference"] + size["intersection"] - first) < 1e-9


def test_ellipses_are_flattened_within_the_tolerance() -> None:
    disc, ring = Ellipse.circle((5, 5), 4), Ellipse.circle((5, 5), 2)
    for tolerance in (1e-2, 1e-4, 1e-6):
        both = combine([disc, ring], "difference", tolerance=tolerance)
        assert both is not None and len(both.rings) == 2
        # Within the tolerance all along: at most the tolerance times both circumferences.
        assert abs(resolve(both).area - 12 * np.pi) < tolerance * 12 * np.pi
        radius = np.linalg.norm(both.rings[0] - 5, axis=1)
        np.testing.assert_allclose(radius, 4, rtol=1e-12)


def test_touching_shapes_have_no_area_in_common() -> None:
    a = Polygon([[0, 0], [4, 0], [4, 4], [0, 4]])
    b = Polygon([[4, 0], [8, 0], [8, 4], [4, 4]])
    assert combine([a, b], "intersection") is None
    assert combine([a, b, a], "intersection") is None
    assert combine([a, a], "xor") is None
    whole = combine([a, b], "union")
    assert whole is not None
    assert resolve(whole).equals(shapely.box(0, 0, 8, 4))


def test_one_shape_is_resolved() -> None:
    bow_tie = Polygon([[0, 0], [8, 8], [8, 0], [0, 8]])
    for operation in OPERATIONS:
        both = combine([bow_tie], operation)
        assert both is not None and len(both.rings) == 2


def test_what_cannot_be_combined() -> None:
    square = Polygon([[0, 0], [4, 0], [4, 4], [0, 4]])
    with pytest.raises(GeometryError, match="at least one shape"):
        combine([], "union")
    with pytest.raises(GeometryError, match="operation: expected one of"):
        combine([square], "minus")  # type: ignore[arg-type]
    for shape in (Points([[0, 0]]), Polyline([[0, 0], [1, 1]])):
        with pytest.raises(GeometryError, match="expected an area"):
            combine([square, shape], "union")
    for flat in (Ellipsoid([0, 0, 0], np.eye(3)), Polygon(np.eye(3))):
        with pytest.raises(GeometryError, match="expected 2-D pixel coordinates"):
            combine([square, flat], "union")
    with pytest.raises(GeometryError, match="within 1e15 pixels"):
        combine([Polygon([[0, 0], [1e16, 0], [0, 1]])], "union")
    for wrong in (None, Ellipse.circle((0, 0), 1), 3):
        with pytest.raises(GeometryError, match="expected a sequence of shapes"):
            combine(wrong, "union")  # type: ignore[arg-type]
    with pytest.raises(GeometryError, match="expected a Polygon or an Ellipse, got int"):
        combine([1, 2], "union")  # type: ignore[list-item]
    with pytest.raises(GeometryError, match="tolerance: expected above 0"):
        combine([square], "union", tolerance="x")  # type: ignore[arg-type]
    for tolerance in (0, -1, np.nan, np.inf, 1e-13):
        with pytest.raises(GeometryError, match="tolerance: expected above"):
            combine([Ellipse.circle((0, 0), 1)], "union", tolerance=tolerance)


def test_rings_that_cross_without_end_are_refused() -> None:
    wild = np.random.default_rng(3).random((4000, 2)) * 100
    with pytest.raises(GeometryError, match="cross too often"):
        resolve(Polygon(wild))
    assert resolve(Polygon(wild[:300])).is_valid
