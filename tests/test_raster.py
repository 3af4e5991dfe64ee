"""Which pixels belong to a shape: golden masks, a slow obvious oracle, and properties."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imageregion import Ellipse, Ellipsoid, GeometryError, Points, Polygon, Polyline, rasterize
from imageregion.shapes import Shape

Point = tuple[Fraction, Fraction]


def mask_of(shape: Shape, size: tuple[int, int]) -> NDArray[np.bool_]:
    return rasterize(shape, size).to_mask()


def golden(text: str) -> NDArray[np.bool_]:
    return np.array([[c == "#" for c in line.strip()] for line in text.strip().splitlines()])


def crossings_left_of(x: Fraction, y: Fraction, ring: list[Point]) -> int:
    """Edges that cross the row of (x, y) at or left of it; top ends count, bottom ends do not."""
    count = 0
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (ay <= y < by) or (by <= y < ay):
            crossing = ax + (y - ay) * (bx - ax) / (by - ay)
            count += crossing <= x
    return count


def even_odd_oracle(rings: list[list[Point]], rows: int, columns: int) -> NDArray[np.bool_]:
    """Exact rational arithmetic, one pixel at a time."""
    half = Fraction(1, 2)
    return np.array(
        [
            [
                sum(crossings_left_of(k + half, row + half, ring) for ring in rings) % 2 == 1
                for k in range(columns)
            ]
            for row in range(rows)
        ]
    )


# Quarter pixels put many vertices, edges and centres exactly on one another.
quarter = st.integers(-12, 60).map(lambda n: Fraction(n, 4))
ring = st.lists(st.tuples(quarter, quarter), min_size=3, max_size=9)


@given(st.lists(ring, min_size=1, max_size=3))
def test_polygons_agree_with_exact_arithmetic(rings: list[list[Point]]) -> None:
    floats = [[(float(x), float(y)) for x, y in r] for r in rings]
    np.testing.assert_array_equal(mask_of(Polygon(floats), (9, 13)), even_odd_oracle(rings, 9, 13))


@given(ring, st.integers(0, 8), st.booleans())
def test_ring_order_does_not_matter(points: list[Point], turn: int, backward: bool) -> None:
    floats = np.array(points, dtype=float)
    other = np.roll(floats[::-1] if backward else floats, turn, axis=0)
    np.testing.assert_array_equal(
        mask_of(Polygon(floats), (9, 13)), mask_of(Polygon(other), (9, 13))
    )


@given(ring, st.integers(-3, 6), st.integers(-3, 6))
def test_a_shift_by_whole_pixels_shifts_the_mask(
    points: list[Point], right: int, down: int
) -> None:
    floats = np.array(points, dtype=float) + 8
    here = mask_of(Polygon(floats), (40, 44))
    there = mask_of(Polygon(floats + np.array([right, down])), (40, 44))
    inner = (slice(10, 30), slice(10, 34))
    moved = np.roll(here, (down, right), axis=(0, 1))
    np.testing.assert_array_equal(there[inner], moved[inner])


@given(
    st.lists(st.integers(1, 51).map(lambda n: n / 4), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 31).map(lambda n: n / 4), min_size=1, max_size=4, unique=True),
    st.floats(-1.5, 1.5),
)
def test_a_partition_covers_every_pixel_once(xs: list[float], ys: list[float], lean: float) -> None:
    """Cut the plane into leaning cells; neighbours share their edges bit for bit."""
    columns, rows = [-40, *sorted(xs), 60], [-40, *sorted(ys), 60]
    corner = [[(x + lean * y, y) for x in columns] for y in rows]
    total = np.zeros((8, 13), dtype=int)
    for j in range(len(rows) - 1):
        for i in range(len(columns) - 1):
            cell = [corner[j][i], corner[j][i + 1], corner[j + 1][i + 1], corner[j + 1][i]]
            total += mask_of(Polygon(cell), (8, 13))
    inside = np.ones((8, 13), dtype=bool)
    outer = [corner[0][0], corner[0][-1], corner[-1][-1], corner[-1][0]]
    inside &= mask_of(Polygon(outer), (8, 13))
    np.testing.assert_array_equal(total, inside.astype(int))


def test_a_centre_on_the_left_or_top_edge_is_in_on_the_right_or_bottom_edge_out() -> None:
    square = Polygon([[1.5, 1.5], [3.5, 1.5], [3.5, 3.5], [1.5, 3.5]])
    np.testing.assert_array_equal(
        mask_of(square, (5, 6)),
        golden(
            """
            ......
            .##...
            .##...
            ......
            ......
            """
        ),
    )


def test_ring_in_ring_is_a_hole() -> None:
    shape = Polygon([[[1, 1], [6, 1], [6, 5], [1, 5]], [[2, 2], [4, 2], [4, 4], [2, 4]]])
    np.testing.assert_array_equal(
        mask_of(shape, (6, 7)),
        golden(
            """
            .......
            .#####.
            .#..##.
            .#..##.
            .#####.
            .......
            """
        ),
    )


def test_a_keyhole_leaves_no_trace_of_its_channel() -> None:
    ring_in_ring = Polygon([[[0, 0], [10, 0], [10, 10], [0, 10]], [[3, 3], [7, 3], [7, 7], [3, 7]]])
    keyhole = Polygon(
        [[0, 0], [10, 0], [10, 10], [0, 10], [0, 3], [3, 3], [3, 7], [7, 7], [7, 3], [3, 3], [0, 3]]
    )
    mask = mask_of(keyhole, (11, 11))
    assert mask.sum() == 84
    np.testing.assert_array_equal(mask, mask_of(ring_in_ring, (11, 11)))


def test_the_bow_tie_is_filled_on_both_sides() -> None:
    bow_tie = Polygon([[0, 0], [8, 8], [8, 0], [0, 8]])
    mask = mask_of(bow_tie, (8, 8))
    np.testing.assert_array_equal(mask[:, ::-1][::-1].sum(), mask.sum())
    assert mask[4, 0] and mask[4, 7] and not mask[0, 4] and not mask[7, 4]


def test_a_square_smaller_than_a_pixel_around_its_centre_counts_one() -> None:
    square = Polygon([[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]])
    assert rasterize(square, (4, 4)).count == 1


def ellipse_oracle(ellipse: Ellipse, rows: int, columns: int) -> tuple[NDArray, NDArray]:  # type: ignore[type-arg]
    """Squared radius of every pixel centre in the frame where the ellipse is the unit circle."""
    x, y = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
    u = np.linalg.solve(ellipse.axes, np.stack([x.ravel(), y.ravel()]) - ellipse.center[:, None])
    radius = (u**2).sum(axis=0).reshape(rows, columns)
    return radius < 1, np.abs(radius - 1) < 1e-9


@given(
    st.tuples(st.floats(-5, 30), st.floats(-5, 25)),
    st.floats(0.05, 20),
    st.floats(0.05, 20),
    st.floats(-4, 4),
    st.floats(-0.8, 0.8),
)
def test_ellipses_agree_with_their_equation(
    center: tuple[float, float], a: float, b: float, angle: float, lean: float
) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    ellipse = Ellipse(center, turn @ np.array([[a, lean * a], [0, b]]))
    inside, edge = ellipse_oracle(ellipse, 20, 27)
    np.testing.assert_array_equal(mask_of(ellipse, (20, 27))[~edge], inside[~edge])


def test_pythagorean_centres_on_a_circle_follow_the_half_open_rule() -> None:
    mask = mask_of(Ellipse.circle((10.5, 10.5), 5), (21, 21))
    assert mask[10 + 3, 10 - 4] and not mask[10 + 3, 10 + 4]
    assert mask[10 - 4, 10 - 3] and not mask[10 - 4, 10 + 3]
    assert mask[10, 5] and not mask[10, 15]


def test_a_circle_counts_the_pixels_one_expects() -> None:
    np.testing.assert_array_equal(
        mask_of(Ellipse.circle((3, 3), 2.2), (6, 6)),
        golden(
            """
            ......
            .####.
            .####.
            .####.
            .####.
            ......
            """
        ),
    )


@pytest.mark.parametrize("ends", [((0.2, 0.2), (5.7, 3.9)), ((5.7, 0.2), (0.2, 3.9))])
def test_a_line_visits_what_dense_sampling_visits(ends: tuple[tuple[float, float], ...]) -> None:
    a, b = np.array(ends)
    samples = np.floor(a + np.linspace(0, 1, 100_001)[:, None] * (b - a)).astype(int)
    expected = np.zeros((5, 7), dtype=bool)
    expected[samples[:, 1], samples[:, 0]] = True
    np.testing.assert_array_equal(mask_of(Polyline(ends), (5, 7)), expected)


def line_oracle(points: list[Point], rows: int, columns: int) -> NDArray[np.bool_]:
    """Pixels [k, k + 1) x [l, l + 1) that hold a point of the line, by exact interval clipping."""
    mask = np.zeros((rows, columns), dtype=bool)
    for a, b in pairwise(points):
        for row in range(rows):
            for k in range(columns):
                mask[row, k] |= _meets(a, b, (Fraction(k), Fraction(row)))
    return mask


def _meets(a: Point, b: Point, corner: Point) -> bool:
    low, high = Fraction(0), Fraction(1)
    low_open = high_open = False
    for axis in range(2):
        step, near, far = b[axis] - a[axis], corner[axis] - a[axis], corner[axis] + 1 - a[axis]
        if step == 0:
            if not near <= 0 < far:
                return False
            continue
        t0, t1, open0, open1 = near / step, far / step, False, True
        if step < 0:
            t0, t1, open0, open1 = t1, t0, True, False
        if t0 > low:
            low, low_open = t0, open0
        elif t0 == low:
            low_open |= open0
        if t1 < high:
            high, high_open = t1, open1
        elif t1 == high:
            high_open |= open1
    return low < high or (low == high and not low_open and not high_open)


# Lines between multiples of 1/4 with slopes that are powers of two stay exact in doubles too.
@given(
    st.tuples(quarter, quarter),
    st.lists(
        st.tuples(
            st.integers(-8, 8), st.sampled_from([(1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, -4)])
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_lines_agree_with_exact_arithmetic(
    start: Point, moves: list[tuple[int, tuple[int, int]]]
) -> None:
    points = [start]
    for length, (dx, dy) in moves:
        points.append(
            (points[-1][0] + Fraction(length * dx, 4), points[-1][1] + Fraction(length * dy, 4))
        )
    floats = [(float(x), float(y)) for x, y in points]
    np.testing.assert_array_equal(mask_of(Polyline(floats), (7, 9)), line_oracle(points, 7, 9))


def test_points_belong_to_the_pixel_that_contains_them() -> None:
    points = Points(
        [[0.0, 0.0], [0.99, 0.99], [3.0, 2.0], [2.5, -0.1], [4.0, 1.0], [1e12, 1.0], [3.2, 2.7]]
    )
    spans = rasterize(points, (3, 4))
    assert spans.count == 2
    assert spans.to_mask()[0, 0] and spans.to_mask()[2, 3]


@pytest.mark.parametrize(
    "shape",
    [
        Polygon([[-1e6, -1e6], [1e6, -1e6], [1e6, 1e6], [-1e6, 1e6]]),
        Ellipse.circle((10, 5), 1e6),
        Ellipse((10, 5), [[1e9, 0], [0, 1e3]]),
    ],
)
def test_vertices_far_away_still_fill_the_image(shape: Shape) -> None:
    assert rasterize(shape, (11, 21)).count == 11 * 21


@pytest.mark.parametrize(
    "shape",
    [
        Polygon([[100, 0], [120, 0], [110, 9]]),
        Polygon([[0, -9], [5, -1], [9, -9]]),
        Ellipse.circle((-10, 5), 9.9),
        Polyline([[-5, 5], [-1, 50]]),
        Points([[-0.1, 0]]),
        Polygon([[1, 1], [5, 1], [9, 1]]),
        Polygon([[1, 1], [5, 5], [1, 1], [5, 5]]),
    ],
)
def test_shapes_off_the_image_or_without_area_cover_nothing(shape: Shape) -> None:
    spans = rasterize(shape, (11, 21))
    assert spans.count == 0
    assert spans.to_mask().shape == (11, 21)


def test_work_in_bands_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    shapes: list[Shape] = [
        Polygon(rng.uniform(-5, 45, (60, 2))),
        Polyline(rng.uniform(-5, 45, (60, 2))),
    ]
    whole = [mask_of(shape, (40, 40)) for shape in shapes]
    monkeypatch.setattr("imageregion.raster._BAND", 7)
    for shape, mask in zip(shapes, whole, strict=True):
        np.testing.assert_array_equal(mask_of(shape, (40, 40)), mask)


@pytest.mark.parametrize(
    ("shape", "rule", "message"),
    [
        (Ellipsoid([0, 0, 0], np.eye(3)), "center", "place it on an image plane"),
        (Points([[1, 2, 3]]), "center", "expected 2-D"),
        (Points([[1, 2]]), "centre", "expected one of"),
        (Points([[1, 1e16]]), "center", "within 1e15"),
    ],
)
def test_what_cannot_be_rasterized_is_said(shape: Shape, rule: str, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        rasterize(shape, (4, 4), rule)  # type: ignore[arg-type]


def test_an_outline_made_to_exhaust_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imageregion.raster._MOST", 1000)
    zigzag = Polygon([(k % 2 * 1.0, k % 2 * 40.0) for k in range(100)])
    with pytest.raises(GeometryError, match="at most 1000 crossings"):
        rasterize(zigzag, (40, 40))
