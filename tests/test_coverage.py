"""By exactly how much pixels are covered: rational arithmetic, shapely, and what always holds."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests import fuzz
from tests.oracles import clipped_coverage, exact_coverage

from imageregion import Ellipse, GeometryError, Points, Polygon, Polyline, rasterize
from imageregion.shapes import FillRule, Shape

Floats = NDArray[np.float64]
Ring = list[tuple[float, float]]

ROUNDING = 1e-13
"""Pixels hold some dozen pieces of outline at coordinates below 100, each placed to 1e-14."""

FILL_RULES: tuple[FillRule, FillRule] = ("evenodd", "nonzero")

ROWS, COLUMNS = 6, 7


def covered(shape: Shape, size: tuple[int, int] = (ROWS, COLUMNS)) -> Floats:
    return rasterize(shape, size, "exact").to_coverage()


# Halves and quarters put vertices, edges, crossings, corners and borders on one another.
lattice = st.integers(-6, 32).map(lambda n: n / 4)
wild = st.one_of(st.floats(-3, 10), lattice, st.sampled_from([-1e6, 1e6, 3.0, 1e-9, 4 - 1e-9]))
thousandth = st.integers(-2_000, 9_000).map(lambda n: n / 1_000)
fills = st.sampled_from(FILL_RULES)


@st.composite
def rings_of(draw: st.DrawFn, number: st.SearchStrategy[float]) -> list[Ring]:
    """One to three rings; vertices may repeat, the path may turn back or run round twice."""
    rings = []
    for _ in range(draw(st.integers(1, 3))):
        ring = draw(st.lists(st.tuples(number, number), min_size=3, max_size=7))
        change = draw(st.sampled_from(["none", "double", "spike", "twice", "reversed twice"]))
        if change == "double":
            ring.insert(1, ring[0])
        elif change == "spike":
            ring[1:1] = [draw(st.tuples(number, number)), ring[0]]
        elif change == "twice":
            ring = ring + ring
        elif change == "reversed twice":
            ring = ring + ring[::-1]
        rings.append(ring)
    return rings


def arrays(rings: list[Ring]) -> list[Floats]:
    return [np.array(ring, dtype=float) for ring in rings]


@given(rings_of(lattice), fills)
def test_lattice_rings_agree_with_rational_arithmetic(rings: list[Ring], fill: FillRule) -> None:
    expected = exact_coverage(arrays(rings), ROWS, COLUMNS, fill)
    found = covered(Polygon(rings, fill))
    np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)
    # Nothing that is smaller than rounding, and nothing missing: the support is exact.
    np.testing.assert_array_equal(found > 0, expected > 0)
    np.testing.assert_array_equal(
        rasterize(Polygon(rings, fill), (ROWS, COLUMNS), "touched").to_mask(), expected > 0
    )


@given(rings_of(wild), fills)
def test_wild_rings_agree_with_rational_arithmetic(rings: list[Ring], fill: FillRule) -> None:
    """A vertex at 1e6 is placed to 1e-10, and so is what its edges cut off."""
    far = max(abs(x) for ring in rings for vertex in ring for x in vertex) > 1e3
    expected = exact_coverage(arrays(rings), ROWS, COLUMNS, fill)
    found = covered(Polygon(rings, fill))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8 if far else ROUNDING)


@given(
    st.lists(
        st.lists(st.tuples(thousandth, thousandth), min_size=3, max_size=8),
        min_size=1,
        max_size=4,
    ),
    fills,
)
def test_rings_agree_with_shapely(rings: list[Ring], fill: FillRule) -> None:
    """Faces by polygonize, each filled or not by its winding number, clipped pixel by pixel."""
    expected = clipped_coverage(arrays(rings), ROWS, COLUMNS, fill)
    # shapely snaps crossings to doubles before it builds faces.
    np.testing.assert_allclose(covered(Polygon(rings, fill)), expected, rtol=0, atol=1e-9)


def test_the_bow_tie_covers_half_of_its_square() -> None:
    bow_tie = [(0, 0), (8, 8), (8, 0), (0, 8)]
    for fill in FILL_RULES:
        assert rasterize(Polygon(bow_tie, fill), (8, 8), "exact").area == 32
        diagonal = covered(Polygon(bow_tie, fill), (8, 8)).diagonal()
        assert diagonal.tolist() == [0.5] * 8


def test_a_ring_wound_twice_is_nothing_evenodd_and_itself_nonzero() -> None:
    ring = [(0.5, 0.5), (5.25, 0.5), (5.25, 3.5), (0.5, 3.5)]
    assert rasterize(Polygon(ring * 2), (5, 6), "touched").count == 0
    once = covered(Polygon(ring), (5, 6))
    np.testing.assert_array_equal(covered(Polygon(ring * 2, "nonzero"), (5, 6)), once)


def test_a_keyhole_covers_what_ring_in_ring_covers() -> None:
    outer = [(0.5, 0.5), (10, 0.5), (10, 10), (0.5, 10)]
    hole = [(3.25, 3.25), (3.25, 7), (7, 7), (7, 3.25)]
    keyhole = Polygon([*outer, outer[0], *hole, hole[0]])
    for rule in ("touched", "exact"):
        found = rasterize(keyhole, (11, 11), rule).to_coverage()
        expected = rasterize(Polygon([outer, hole]), (11, 11), rule).to_coverage()
        np.testing.assert_allclose(found, expected, rtol=0, atol=ROUNDING)


def test_a_bridge_of_no_width_between_islands_touches_nothing() -> None:
    """Rounding left behind by an island's edges is no coverage of the pixels under the bridge."""
    rng = np.random.default_rng(4)
    for _ in range(200):
        x, y = np.sort(rng.uniform(1, 5, 2)), np.sort(rng.uniform(1, 3, 2))
        a = (x[1], rng.uniform(*y))
        b = (a[0] + 20.0, a[1] + 1e-4 * rng.uniform(-1, 1))
        ring = [(x[0], y[0]), (x[1], y[0]), a, b, (b[0] + 2, 0.5), (b[0] + 2, 3.5), b, a]
        ring += [(x[1], y[1]), (x[0], y[1])]
        touched = rasterize(Polygon(ring), (5, 40), "touched").to_mask()
        assert not touched[:, int(x[1]) + 1 : int(b[0])].any()


@pytest.mark.parametrize(
    "ring",
    [
        [(1, 1), (5, 1), (9, 1)],
        [(1, 1), (1, 5), (1, 3)],
        [(1.1, 1.3), (5.2, 4.7), (1.1, 1.3), (5.2, 4.7)],
        [(0.3, 0.7), (6.1, 5.9), (3.7, 0.2), (6.1, 5.9)],
        [(2.5, 2.5)] * 5,
    ],
)
@pytest.mark.parametrize("fill", FILL_RULES)
def test_rings_without_area_cover_nothing(ring: Ring, fill: FillRule) -> None:
    for rule in ("center", "touched", "exact"):
        assert not len(rasterize(Polygon(ring, fill), (8, 10), rule).row)


def test_a_shape_smaller_than_a_pixel_covers_its_area() -> None:
    for width in (0.5, 1e-3, 1e-6, 1e-9):
        ring = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * width + (3.25, 2.125)
        spans = rasterize(Polygon(ring), (5, 6), "exact")
        assert (spans.row.tolist(), spans.start.tolist()) == ([2], [3])
        # Vertices near 3 are placed to 4e-16, so the width of the square is.
        assert spans.area == pytest.approx(width**2, rel=1e-15 / width + 1e-15)


def geometric_area(rings: list[Floats]) -> float:
    """Shoelace formula, from differences and summed without rounding."""
    total = 0.0
    for ring in rings:
        x, y = (ring - ring.mean(axis=0)).T
        total += 0.5 * math.fsum(x * (np.roll(y, -1) - np.roll(y, 1)))
    return abs(total)


@given(
    st.integers(3, 400),
    st.floats(0.01, 30),
    st.floats(0, 0.3),
    st.tuples(st.floats(40, 41), st.floats(40, 41)),
    st.integers(0, 99),
)
def test_covered_area_is_geometric_area(
    count: int, radius: float, noise: float, center: tuple[float, float], seed: int
) -> None:
    """Star-shaped rings do not cross themselves, so the shoelace formula is right."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    length = radius * (1 + noise * np.random.default_rng(seed).uniform(-1, 1, count))
    ring = center + length[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    area = rasterize(Polygon(ring), (81, 81), "exact").area
    # Some thousand pixels, each right to 1e-14 times the outline in it.
    assert area == pytest.approx(geometric_area([ring]), rel=1e-12, abs=1e-12 * radius)


@given(rings_of(wild), fills, st.integers(1, 6), st.booleans())
def test_direction_and_first_vertex_change_nothing_but_last_bits(
    rings: list[Ring], fill: FillRule, turn: int, backward: bool
) -> None:
    others = [np.roll(ring[::-1] if backward else ring, turn, axis=0) for ring in arrays(rings)]
    here, there = Polygon(rings, fill), Polygon(others[::-1], fill)
    for rule in ("center", "touched"):
        assert rasterize(here, (ROWS, COLUMNS), rule) == rasterize(there, (ROWS, COLUMNS), rule)
    # The sums over the pieces of a pixel run in another order; the pieces are the same.
    np.testing.assert_allclose(covered(here), covered(there), rtol=0, atol=1e-14)


def test_what_is_touched_by_next_to_nothing_does_not_depend_on_direction() -> None:
    """A corner that reaches a pixel by 1e-12 covers 2.5e-25 of it."""
    corner = [(0.0, 1e-12), (0.0, -1.0), (1.0, -1.0)]
    for ring in (corner, corner[::-1]):
        spans = rasterize(Polygon(ring), (2, 2), "exact")
        assert spans.weight.tolist() == pytest.approx([2.5e-25], rel=1e-3)


@given(rings_of(lattice), fills, st.integers(-3, 5), st.integers(-3, 5))
def test_a_shift_by_whole_pixels_shifts_the_coverage(
    rings: list[Ring], fill: FillRule, right: int, down: int
) -> None:
    """Quarter pixels are moved without rounding."""
    moved = [ring + np.array([right, down]) for ring in arrays(rings)]
    here = covered(Polygon([ring + 4 for ring in arrays(rings)], fill), (20, 20))
    there = covered(Polygon([ring + 4 for ring in moved], fill), (20, 20))
    shifted = np.zeros((20, 20))
    a = slice(max(down, 0), 20 + min(down, 0)), slice(max(right, 0), 20 + min(right, 0))
    b = slice(max(-down, 0), 20 + min(-down, 0)), slice(max(-right, 0), 20 + min(-right, 0))
    shifted[a] = here[b]
    np.testing.assert_allclose(there[a], shifted[a], rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(there[a] > 0, shifted[a] > 0)


@given(rings_of(wild), fills)
@example([[(0.5, 0.5), (1.5, 0.5), (1.5, 1.5), (0.5, 1.5)]], "evenodd")
def test_rules_agree_with_one_another(rings: list[Ring], fill: FillRule) -> None:
    polygon = Polygon(rings, fill)
    exact = rasterize(polygon, (ROWS, COLUMNS), "exact")
    assert ((exact.weight > 0) & (exact.weight <= 1)).all()
    touched = rasterize(polygon, (ROWS, COLUMNS), "touched").to_mask()
    np.testing.assert_array_equal(touched, exact.to_coverage() > 0)
    center = rasterize(polygon, (ROWS, COLUMNS)).to_mask()
    x, y = np.meshgrid(np.arange(COLUMNS) + 0.5, np.arange(ROWS) + 0.5)
    away = distance_to_edges(arrays(rings), np.stack([x, y], axis=-1)) > 1e-6
    assert (touched | ~center | ~away).all()
    assert (center | ~(exact.to_coverage() == 1) | ~away).all()


def distance_to_edges(rings: list[Floats], points: Floats) -> Floats:
    least = np.full(points.shape[:-1], np.inf)
    for ring in rings:
        for a, b in pairwise([*ring, ring[0]]):
            along, length = b - a, float((b - a) @ (b - a))
            t = np.clip((points - a) @ along / length, 0, 1) if length else np.zeros(least.shape)
            least = np.minimum(
                least, np.hypot(*np.moveaxis(points - a - t[..., None] * along, -1, 0))
            )
    return least


@given(
    st.lists(st.floats(0.01, 6.9), min_size=1, max_size=4, unique=True),
    st.lists(st.floats(0.01, 5.9), min_size=1, max_size=4, unique=True),
    st.floats(-1.5, 1.5),
    st.floats(-1.5, 1.5),
)
def test_a_partition_covers_each_pixel_by_one_in_all(
    xs: list[float], ys: list[float], lean: float, bend: float
) -> None:
    """Cells share their edges bit for bit; what one gains by rounding, its neighbour loses."""
    columns, rows = [-90, *sorted(xs), 90], [-40, *sorted(ys), 40]
    corner = [[(x + lean * y + bend * (k % 2), y) for k, x in enumerate(columns)] for y in rows]
    center, exact = np.zeros((ROWS, COLUMNS)), np.zeros((ROWS, COLUMNS))
    for j in range(len(rows) - 1):
        for i in range(len(columns) - 1):
            cell = [corner[j][i], corner[j][i + 1], corner[j + 1][i + 1], corner[j + 1][i]]
            # A cell folded over by the bend has parts that count backwards.
            if all(a[0] <= b[0] for a, b in ((cell[0], cell[1]), (cell[3], cell[2]))):
                center += rasterize(Polygon(cell), (ROWS, COLUMNS)).to_mask()
                exact += covered(Polygon(cell))
            else:
                return
    assert (center == 1).all()
    np.testing.assert_allclose(exact, 1, rtol=0, atol=1e-12)


@given(
    st.tuples(st.floats(40, 60), st.floats(40, 60)),
    st.floats(-6, 1.5),
    st.floats(-6, 1.5),
    st.floats(0, 7),
    st.floats(-3, 3),
)
def test_ellipses_inside_the_image_cover_pi_a_b(
    center: tuple[float, float], a: float, b: float, angle: float, shear: float
) -> None:
    """Semi-axes from 1e-6 to 30 pixels, turned and sheared."""
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    axes = turn @ np.array([[10**a, 0], [0, 10**b]]) @ np.array([[1, shear], [0, 1]])
    while np.hypot(axes[:, 0], axes[:, 1]).max() > 38:
        axes = axes / 4
    area = rasterize(Ellipse(center, axes), (100, 100), "exact").area
    # What is asked for is 1e-9; a centre near 50 is placed to 7e-15, which is much of a small b.
    least = float(np.linalg.svd(axes, compute_uv=False)[-1])
    expected = math.pi * abs(float(np.linalg.det(axes)))
    assert area == pytest.approx(expected, rel=max(1e-9, 1e-13 / least))


@pytest.mark.parametrize("radius", [0.3, 1.0, 5.0, 180.0, 1900.0])
def test_circles_cover_pi_r_squared(radius: float) -> None:
    size = int(2 * radius) + 4
    area = rasterize(Ellipse.circle((size / 2 + 0.1, size / 2), radius), (size, size), "exact").area
    assert area == pytest.approx(math.pi * radius**2, rel=1e-12)


@given(
    st.tuples(st.floats(-2, 9), st.floats(-2, 8)),
    st.floats(-1.5, 1.3),
    st.floats(-1.5, 1.3),
    st.floats(0, 7),
    st.floats(-2, 2),
)
def test_ellipses_agree_with_fine_polygons(
    center: tuple[float, float], a: float, b: float, angle: float, shear: float
) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    ellipse = Ellipse(center, turn @ np.array([[10**a, shear * 10**a], [0, 10**b]]))
    around = 2 * np.pi * np.arange(30_000) / 30_000
    outline = ellipse.center + np.stack([np.cos(around), np.sin(around)], 1) @ ellipse.axes.T
    expected = covered(Polygon(outline))
    # Chords stay within a (pi / n)^2 / 2 = 5.5e-9 a of the ellipse, whose a is below 50.
    np.testing.assert_allclose(covered(ellipse), expected, rtol=0, atol=1e-6)
    touched = rasterize(ellipse, (ROWS, COLUMNS), "touched").to_mask()
    np.testing.assert_array_equal(touched, covered(ellipse) > 0)
    assert (touched | ~rasterize(ellipse, (ROWS, COLUMNS)).to_mask()).all()


def clipped_length(a: Floats, b: Floats, rows: int, columns: int, spacing: Floats) -> float:
    low, high = 0.0, 1.0
    for axis, end in ((0, columns), (1, rows)):
        step = float(b[axis] - a[axis])
        if step == 0:
            if not 0 <= a[axis] < end:
                return 0.0
            continue
        t = sorted([-float(a[axis]) / step, (end - float(a[axis])) / step])
        low, high = max(low, t[0]), min(high, t[1])
    return max(high - low, 0.0) * float(np.hypot(*((b - a) * spacing)))


@given(
    st.lists(st.tuples(wild, wild), min_size=2, max_size=9),
    st.tuples(st.floats(0.2, 5), st.floats(0.2, 5)),
)
def test_lines_weigh_their_length_inside_the_image(
    points: Ring, spacing: tuple[float, float]
) -> None:
    line = np.array(points)
    spans = rasterize(Polyline(line), (ROWS, COLUMNS), "exact", spacing=spacing)
    step = np.array(spacing[::-1])
    if not (np.ptp(line, axis=0) * step).any():  # 5e-324 pixels of 0.5 mm are no length
        return
    expected = sum(clipped_length(a, b, ROWS, COLUMNS, step) for a, b in pairwise(line))
    # A line of 1e6 pixels is cut to 1e-16 of its length.
    assert spans.area == pytest.approx(
        expected, rel=1e-9, abs=1e-8 if np.abs(line).max() > 99 else 1e-12
    )
    passed = rasterize(Polyline(line), (ROWS, COLUMNS), "touched").to_mask()
    away = spans.to_coverage() > 1e-8
    assert (passed | ~away).all()


def test_lines_of_one_step_and_points_weigh_as_expected() -> None:
    line = Polyline([(0.5, 0.5), (3.5, 0.5), (3.5, 2.5)])
    found = rasterize(line, (3, 4), "exact", spacing=(2.0, 0.5)).to_coverage()
    assert found.tolist() == [[0.25, 0.5, 0.5, 1.25], [0, 0, 0, 2.0], [0, 0, 0, 1.0]]
    for rule in ("center", "touched", "exact"):
        points = rasterize(Points([(0.5, 0.5), (0.7, 0.9), (9, 9), (3, 2)]), (3, 4), rule)
        assert points.area == points.count == 2


def round_ring(count: int, radius: float, noise: float, center: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    length = radius * (1 + noise * np.random.default_rng(0).uniform(-1, 1, count))
    return np.stack([center + length * np.cos(angle), center + length * np.sin(angle)], axis=1)


@pytest.mark.parametrize(
    ("count", "radius", "noise"),
    [
        (1_000_000, 200.0, 0.0),
        (1_000_000, 0.4, 0.0),
        (100_000, 200.0, 1e-4),
        (10_000, 20.0, 0.3),
        (2_000, 0.4, 0.5),
    ],
)
@pytest.mark.skipif("os.environ.get('NUMBA_DISABLE_JIT')", reason="a million steps, uncompiled")
def test_rings_of_very_many_vertices_cover_their_area(
    count: int, radius: float, noise: float
) -> None:
    ring = round_ring(count, radius, noise, 256.5)
    spans = rasterize(Polygon(ring), (513, 513), "exact")
    # A million vertices near 256, each placed to 3e-14, around the whole outline.
    assert spans.area == pytest.approx(geometric_area([ring]), rel=1e-11, abs=1e-12)


@pytest.mark.skipif("os.environ.get('NUMBA_DISABLE_JIT')", reason="too much, uncompiled")
def test_scribbles_come_to_an_end() -> None:
    """Some dozen lines in every pixel, checked; a thousand in one; hundreds through one point."""
    rng = np.random.default_rng(5)
    scribble = rng.uniform(0, 8, (40, 2))
    for fill in FILL_RULES:
        expected = exact_coverage([scribble], 8, 8, fill)
        found = covered(Polygon(scribble, fill), (8, 8))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    dense = Polygon(rng.uniform(0, 1, (1_000, 2)))
    assert 0.4 < rasterize(dense, (2, 2), "exact").area < 0.5
    pencil = np.arange(501)[:, None] * np.pi / 501 + np.array([0, np.pi / 2])
    lines = 2 * np.sin(pencil) * np.where(np.arange(501) % 2, 1, -1)[:, None] + 1.3
    assert 0 < rasterize(Polygon(lines), (4, 4), "exact").area < 13


def test_steps_spent_on_crossings_add_up_over_bands() -> None:
    from imageregion._kernels.coverage import cover_polygons

    xy = np.random.default_rng(6).uniform(0, 12, (60, 2))
    one = (xy, np.array([0, 60]), np.array([0, 1]))
    whole, parts = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    cover_polygons(*one, 0, 12, 12, False, False, 10_000, whole)
    for first, last in ((0, 5), (5, 12)):
        cover_polygons(*one, first, last, 12, False, False, 10_000, parts)
    assert whole[0] == parts[0] > 1_000
    parts[0] = 1 << 40
    assert cover_polygons(*one, 0, 12, 12, False, False, 10_000, parts)[0] == -1


def test_work_in_bands_changes_nothing_and_a_crowded_row_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import imageregion.raster as raster

    scribble = Polygon(np.random.default_rng(6).uniform(0, 12, (60, 2)))
    whole = rasterize(scribble, (12, 12), "exact")
    monkeypatch.setattr(raster, "_BAND", 300)
    assert rasterize(scribble, (12, 12), "exact") == whole
    monkeypatch.setattr(raster, "_BAND", 5)
    monkeypatch.setattr(raster, "_MOST_IN_ROW", 5)
    with pytest.raises(GeometryError, match="crossings"):
        rasterize(scribble, (12, 12), "exact")


def test_a_short_run_of_the_fuzz_finds_nothing() -> None:
    assert fuzz.run(80, seed=1, progress=False)["cases"] > 40
