from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline

from imageregion import spline
from imageregion._arrays import FloatArray
from imageregion.errors import GeometryError
from imageregion.spline import interpolate

coordinate = st.integers(-2000, 2000).map(lambda n: n / 16)
points = st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=12)


def area(ring: FloatArray) -> float:
    following = np.roll(ring, -1, axis=0)
    cross = ring[:, 0] * following[:, 1] - ring[:, 1] * following[:, 0]
    return float(cross.sum()) / 2


def distinct(values: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [v for i, v in enumerate(values) if i == 0 or v != values[i - 1]]


def circle(count: int, radius: float = 20.0) -> FloatArray:
    angle = np.append(2 * np.pi * np.arange(count) / count, 0)
    return np.stack([50 + radius * np.cos(angle), 50 + radius * np.sin(angle)], axis=1)


@given(points, st.booleans())
def test_passes_exactly_through_every_point_in_order(
    values: list[tuple[float, float]], closed: bool
) -> None:
    given_points = [*values, values[0]] if closed else values
    kept = distinct(given_points)
    assume(len(kept) >= 2)
    vertices = [tuple(v) for v in interpolate(given_points, tolerance=0.1).tolist()]
    at = 0
    for point in kept[:-1] if kept[0] == kept[-1] else kept:
        at = vertices.index(point, at) + 1


@given(points, st.booleans())
def test_is_the_c2_spline_of_scipy(values: list[tuple[float, float]], closed: bool) -> None:
    kept = np.array(distinct([*values, values[0]] if closed else values))
    assume(len(kept) > 3)
    ring = bool((kept[0] == kept[-1]).all())
    place = np.append(0, np.cumsum(np.hypot(*np.diff(kept, axis=0).T)))
    reference = CubicSpline(place, kept, bc_type="periodic" if ring else "natural")
    dense = reference(np.linspace(0, place[-1], 20_000))
    scale = 1 + float(np.abs(dense).max())
    for vertex in interpolate(kept, tolerance=0.5)[:40]:
        assert np.hypot(*(dense - vertex).T).min() < 2e-3 * scale
    before, after = reference(place[1:-1] - 1e-9, 2), reference(place[1:-1] + 1e-9, 2)
    assert np.allclose(before, after, atol=1e-4 * (1 + np.abs(after).max()))


@given(points, st.sampled_from([1e-3, 1e-2, 0.1]))
@settings(deadline=None)
def test_chords_stay_within_the_tolerance(
    values: list[tuple[float, float]], tolerance: float
) -> None:
    kept = np.array(distinct(values))
    assume(len(kept) > 3)
    assume(not (kept[0] == kept[-1]).all())
    place = np.append(0, np.cumsum(np.hypot(*np.diff(kept, axis=0).T)))
    curve = CubicSpline(place, kept, bc_type="natural")
    line = interpolate(kept, tolerance=tolerance)
    # Vertices are evenly spaced in the parameter between given points, so chords can be paired.
    at = [0]
    for point in kept[1:]:
        at.append(at[-1] + 1 + int(np.flatnonzero((line[at[-1] + 1 :] == point).all(axis=1))[0]))
    part = np.linspace(0, 1, 9)[:, None]
    for i in range(len(kept) - 1):
        number = at[i + 1] - at[i]
        for j in range(min(number, 50)):
            start = place[i] + (place[i + 1] - place[i]) * j / number
            stop = place[i] + (place[i + 1] - place[i]) * (j + 1) / number
            a, b = line[at[i] + j], line[at[i] + j + 1]
            exact = curve(start + (stop - start) * part[:, 0])
            assert (
                np.hypot(*(exact - (a + (b - a) * part)).T).max() <= tolerance * (1 + 1e-6) + 1e-9
            )


@pytest.mark.parametrize(("count", "error"), [(8, 2e-3), (16, 1e-4), (64, 1e-6)])
def test_points_on_a_circle_give_a_circle(count: int, error: float) -> None:
    ring = interpolate(circle(count), tolerance=1e-7)
    assert abs(area(ring)) == pytest.approx(math.pi * 400, rel=error)
    assert np.hypot(*(ring - 50).T) == pytest.approx(np.full(len(ring), 20.0), rel=error)


@given(points.filter(lambda v: len(set(v)) == len(v)), st.integers(0, 20))
def test_area_of_a_ring_depends_on_neither_start_nor_direction(
    values: list[tuple[float, float]], start: int
) -> None:
    turned = values[start % len(values) :] + values[: start % len(values)]
    first = area(interpolate([*values, values[0]], tolerance=0.01))
    scale = 1 + max(abs(c) for v in values for c in v) ** 2
    same = area(interpolate([*turned, turned[0]], tolerance=0.01))
    back = area(interpolate([*turned[::-1], turned[-1]], tolerance=0.01))
    # A rounding error may cut one piece in one more: that is worth a tolerance of outline.
    assert same == pytest.approx(first, abs=0.01 * math.sqrt(scale) * len(values))
    assert back == pytest.approx(-first, abs=0.01 * math.sqrt(scale) * len(values))


def test_duplicates_count_once() -> None:
    once = interpolate([[0, 0], [4, 1], [9, 0]])
    twice = interpolate([[0, 0], [0, 0], [4, 1], [4, 1], [4, 1], [9, 0], [9, 0]])
    assert np.array_equal(once, twice)
    ring = interpolate([[0, 0], [4, 0], [4, 4], [0, 0]])
    assert np.array_equal(ring, interpolate([[0, 0], [0, 0], [4, 0], [4, 4], [0, 0], [0, 0]]))


def test_points_equal_up_to_rounding_count_once() -> None:
    step = float(np.nextafter(9.0, 10.0))
    line = interpolate([[0.0, 0.0], [1e6, 5.0], [9.0, 0.0], [step, 0.0]])
    assert np.isfinite(line).all()
    ring = interpolate([[9.0, 0.0], [1e6, 5.0], [0.0, 7.0], [step, 0.0], [9.0, 0.0]])
    assert ring[0].tolist() == [9, 0]
    assert not np.array_equal(ring[0], ring[-1])


@pytest.mark.parametrize("values", [[[0, 0], [3, 4]], [[0, 0], [3, 4], [0, 0]]])
def test_two_points_are_a_straight_line(values: list[list[float]]) -> None:
    assert interpolate(values).tolist() == [[0, 0], [3, 4]]


def test_the_result_is_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        interpolate(circle(8))[0, 0] = 1


@pytest.mark.parametrize("values", [np.zeros((0, 2)), [[1, 2]], [[1, 2], [1, 2], [1, 2]]])
def test_refuses_fewer_than_two_distinct_points(values: list[list[float]]) -> None:
    with pytest.raises(GeometryError, match="at least 2 distinct points"):
        interpolate(values)


@pytest.mark.parametrize("tolerance", [0, -1, math.nan])
def test_refuses_a_tolerance_that_is_not_positive(tolerance: float) -> None:
    with pytest.raises(GeometryError, match="positive tolerance"):
        interpolate([[0, 0], [1, 1]], tolerance=tolerance)


def test_refuses_an_absurd_number_of_vertices() -> None:
    with pytest.raises(GeometryError, match=f"at most {spline.MAX_VERTICES} vertices"):
        interpolate([[0.0, 0.0], [1e9, 1e9], [2e9, 0.0]], tolerance=1e-9)


def test_refuses_3d_points() -> None:
    with pytest.raises(GeometryError, match="shape"):
        interpolate([[0, 0, 0], [1, 1, 1]])
