"""Shapes: what they accept, refuse and keep."""

from __future__ import annotations

import numpy as np
import pytest

from imageregion import Ellipse, Ellipsoid, Frame, GeometryError, Points, Polygon, Polyline

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4]]


def test_rings_need_not_repeat_the_first_vertex() -> None:
    assert len(Polygon([SQUARE]).rings[0]) == len(Polygon([[*SQUARE, SQUARE[0]]]).rings[0]) == 4


def test_one_ring_may_be_given_bare() -> None:
    assert len(Polygon(SQUARE).rings) == len(Polygon(np.array(SQUARE)).rings) == 1


def test_coordinates_are_copied_and_read_only() -> None:
    source = np.array(SQUARE, dtype=float)
    shape = Polygon(source)
    source[0] = 99
    assert shape.rings[0][0].tolist() == [0, 0]
    with pytest.raises(ValueError, match="read-only"):
        shape.rings[0][0, 0] = 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Points([]), "expected shape"),
        (lambda: Points([[1, 2, 3, 4]]), "expected shape"),
        (lambda: Points([["a", "b"]]), "expected numbers"),
        (lambda: Points([[True, False]]), "expected numbers"),
        (lambda: Points([[1, np.nan]]), r"expected finite numbers, got nan at \[0, 1\]"),
        (lambda: Polyline([[1, 2]]), "at least 2 points, got 1"),
        (lambda: Polygon([]), "at least one ring"),
        (lambda: Polygon([[[0, 0], [1, 1]]]), "at least 3 points, got 2"),
        (lambda: Polygon([SQUARE, [[0, 0, 0], [1, 0, 0], [0, 1, 0]]]), "one dimension"),
        (lambda: Polygon(SQUARE, fill_rule="odd"), "fill_rule"),  # type: ignore[arg-type]
        (lambda: Ellipse((0, 0), [[1, 2], [2, 4]]), "span an area"),
        (lambda: Polygon([[0, 0], [1, 1, 1]]), r"expected rings of shape \(N, 2\)"),
        (lambda: Polygon([[[0, 0], [1, 1, 1], [2, 0]]]), "Polygon: expected rings"),
        (lambda: Polygon(None), "expected rings .* got NoneType"),  # type: ignore[arg-type]
        (lambda: Points([[1], [2, 3]]), r"Points: expected numbers of shape \(N, 2\)"),
        (lambda: Ellipse.circle((0, 0), 0), "span an area"),
        (lambda: Ellipse.circle((0, 0), -1), "expected above 0 .* got -1"),
        (lambda: Ellipse.circle((0, 0), np.nan), "circle radius: expected finite"),
        (lambda: Ellipse.circle((1, 1), "x"), "circle radius: expected numbers"),  # type: ignore[arg-type]
        (lambda: Ellipse([[1], [2, 3]], np.eye(2)), "Ellipse center"),
        (lambda: Frame.from_array([[1, 2], [3]]), "Frame pixels: expected numbers of shape"),
        (lambda: Ellipse((0, 0, 0), np.eye(2)), r"expected shape \(3, 2\)"),
        (lambda: Ellipsoid((0, 0, 0), np.diag([1, 1, 0])), "span a volume"),
        (lambda: Ellipsoid((0, 0), np.eye(3)), r"expected shape \(3\)"),
    ],
)
def test_bad_coordinates_say_what_came(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(GeometryError, match=message):
        make()


def test_ellipse_bounds_touch_its_outline() -> None:
    ellipse = Ellipse((3, -2), [[4, 1], [-2, 3]])
    low, high = ellipse.bounds
    outline = ellipse.outline(1e-6)
    np.testing.assert_allclose(outline.min(axis=0), low, atol=1e-5)
    np.testing.assert_allclose(outline.max(axis=0), high, atol=1e-5)


def test_outline_keeps_its_tolerance() -> None:
    circle = Ellipse.circle((0, 0), 50)
    outline = circle.outline(1e-3)
    middles = (outline + np.roll(outline, 1, axis=0)) / 2
    assert 0 < 50 - np.linalg.norm(middles, axis=1).min() <= 1e-3
