"""Many regions at once: bit for bit what they are one by one; and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imageregion import Ellipse, GeometryError, Polygon, Spans, rasterize, rasterize_many
from imageregion.ragged import EllipseArray, PolygonArray, RaggedSpans
from imageregion.raster import Rule
from imageregion.shapes import FillRule

SIZE = (40, 50)
RULES: tuple[Rule, ...] = ("center", "touched", "exact")


def same(one: Spans, other: Spans) -> None:
    """Bit for bit, run for run."""
    for name in ("row", "start", "stop", "weight"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.shape == other.shape


def crowd(seed: int, count: int) -> tuple[Any, Any, Any]:
    """Polygons of one to three rings: blobs with holes, scribbles, some off the image."""
    rng = np.random.default_rng(seed)
    coords, rings, polygons = [], [0], [0]
    for _ in range(count):
        center, radius = rng.uniform(-5, 55, 2), rng.uniform(0.1, 12)
        for ring in range(rng.integers(1, 4)):
            n = int(rng.integers(3, 25))
            angle = np.sort(rng.uniform(0, 2 * np.pi, n)) * rng.choice([-1, 1])
            if rng.uniform() < 0.3:
                rng.shuffle(angle)
            xy = np.stack([np.cos(angle), np.sin(angle)], axis=1)
            coords.append(center + radius / (1 + ring) * xy)
            if rng.uniform() < 0.3:
                coords[-1] = np.round(coords[-1] * 4) / 4
            rings.append(rings[-1] + n)
        polygons.append(len(rings) - 1)
    return np.concatenate(coords), rings, polygons


@given(st.integers(0, 10_000), st.sampled_from(["evenodd", "nonzero"]), st.sampled_from(RULES))
def test_polygons_are_the_same_one_by_one(seed: int, fill: FillRule, rule: Rule) -> None:
    shapes = PolygonArray(*crowd(seed, 30), fill)
    many = rasterize_many(shapes, SIZE, rule)
    assert len(many) == len(shapes) == 30
    for number, spans in enumerate(many):
        same(spans, rasterize(shapes[number], SIZE, rule))


@pytest.mark.parametrize("rule", RULES)
def test_ellipses_are_the_same_one_by_one(rule: Rule) -> None:
    rng = np.random.default_rng(1)
    shapes = EllipseArray(rng.uniform(-5, 55, (200, 2)), rng.normal(0, 6, (200, 2, 2)))
    many = rasterize_many(shapes, SIZE, rule)
    for number, spans in enumerate(many):
        same(spans, rasterize(shapes[number], SIZE, rule))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("fill", ["evenodd", "nonzero"])
def test_threads_blocks_and_bands_change_nothing(
    rule: Rule, fill: FillRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    polygons = PolygonArray(*crowd(2, 100), fill)
    rng = np.random.default_rng(3)
    circles = EllipseArray.circles(rng.uniform(0, 50, (100, 2)), rng.uniform(0.1, 9, 100))
    both: tuple[PolygonArray | EllipseArray, ...] = (polygons, circles)
    whole = [rasterize_many(shapes, SIZE, rule) for shapes in both]
    monkeypatch.setattr("imageregion.many._BLOCK", 7)
    monkeypatch.setattr("imageregion.raster._BAND", 150)
    for shapes, expected in zip(both, whole, strict=True):
        for threads in (1, 2):
            found = rasterize_many(shapes, SIZE, rule, threads=threads)
            for name in ("row", "start", "stop", "weight", "offsets"):
                np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_no_regions_and_polygons_without_rings_give_no_runs() -> None:
    nothing = PolygonArray(np.zeros((0, 2)), np.array([0]))
    assert len(rasterize_many(nothing, SIZE)) == 0
    assert len(rasterize_many(EllipseArray(np.zeros((0, 2)), np.zeros((0, 2, 2))), SIZE)) == 0
    hollow = PolygonArray([[1, 1], [4, 1], [1, 4]], [0, 3], [0, 0, 1, 1])
    for rule in RULES:
        assert [len(spans.row) > 0 for spans in rasterize_many(hollow, SIZE, rule)] == [
            False,
            True,
            False,
        ]
    with pytest.raises(GeometryError, match="expected a ring"):
        hollow[0]


def test_one_bad_region_does_not_pass_unseen() -> None:
    far = PolygonArray(np.array([[0, 0], [1e16, 0], [0, 5], [0, 0], [3, 0], [0, 3]]), [0, 3, 6])
    for rule in RULES:
        with pytest.raises(GeometryError, match="within 1e15"):
            rasterize_many(far, SIZE, rule)


TRIANGLE = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TRIANGLE, [0, 2, 3]), "ring 0: expected at least 3 vertices, got 2"),
        ((TRIANGLE, [0, 4]), "ascending from 0 to 3"),
        ((TRIANGLE, [1, 3]), "ascending from 0 to 3"),
        ((TRIANGLE, []), "expected integers"),
        ((TRIANGLE, [0.0, 3.0]), "expected integers"),
        ((TRIANGLE, [[0, 3]]), "expected integers"),
        (([*TRIANGLE, *TRIANGLE], [0, 3, 6], [0, 2, 1, 2]), "ascending from 0 to 2"),
        ((TRIANGLE, [0, 3], [0, 2]), "ascending from 0 to 1"),
        ((TRIANGLE, [0, 3], None, "odd"), "fill_rule"),
        (([[0, 0, 0]] * 3, [0, 3]), "coords"),
        (([[0, 0], [np.nan, 0], [0, 4]], [0, 3]), "finite"),
    ],
)
def test_polygon_arrays_say_what_is_wrong(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        PolygonArray(*arguments)


@pytest.mark.parametrize(
    ("centers", "axes", "message"),
    [
        ([[0, 0]], [[[1, 1], [1, 1]]], "ellipse 0: expected semi-axes that span an area"),
        ([[0, 0], [1, 1]], [np.eye(2), np.zeros((2, 2))], "ellipse 1"),
        ([[0, 0]], np.zeros((2, 2, 2)), "axes"),
        ([[0, 0, 0]], [np.eye(2)], "centers"),
        ([[0, np.inf]], [np.eye(2)], "finite"),
    ],
)
def test_ellipse_arrays_say_what_is_wrong(centers: Any, axes: Any, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        EllipseArray(centers, axes)


def test_an_ellipse_is_refused_alone_when_it_is_refused_in_an_array() -> None:
    thin = np.array([[[5.0, 0.0], [0.0, 5e-11]], [[5.0, 0.0], [0.0, 5e-14]]])
    assert len(EllipseArray([[0, 0]], thin[:1])) == 1
    assert Ellipse([0, 0], thin[0]).dimension == 2
    for make in (lambda: EllipseArray([[0, 0]], thin[1:]), lambda: Ellipse([0, 0], thin[1])):
        with pytest.raises(GeometryError):
            make()


def test_ragged_spans_say_what_is_wrong_and_count_from_both_ends() -> None:
    a, b = Spans.full((2, 3)), Spans.empty((2, 3))
    both = RaggedSpans.of([a, b])
    assert (len(both), both[-1], both[0]) == (2, b, a)
    for number in (2, -3):
        with pytest.raises(IndexError, match="index"):
            both[number]
    with pytest.raises(GeometryError, match="one image"):
        RaggedSpans.of([a, Spans.full((3, 3))])
    with pytest.raises(GeometryError, match="one image"):
        RaggedSpans.of([])
    with pytest.raises(GeometryError, match="rows, columns"):
        RaggedSpans.of([Spans.full((2, 2, 3))])


def test_what_cannot_be_rasterized_is_said() -> None:
    circles: Any = EllipseArray.circles([[3, 3]], 2)
    with pytest.raises(GeometryError, match="threads"):
        rasterize_many(circles, SIZE, threads=0)
    with pytest.raises(GeometryError, match="rule"):
        rasterize_many(circles, SIZE, "centre")  # type: ignore[arg-type]
    with pytest.raises(GeometryError, match="PolygonArray or EllipseArray"):
        rasterize_many(Polygon(TRIANGLE), SIZE)  # type: ignore[arg-type]


def test_a_repeated_first_vertex_is_dropped() -> None:
    rings = PolygonArray(
        [[0, 0], [4, 0], [4, 4], [0, 0], [1, 1], [5, 1], [1, 5], [7, 7], [9, 7], [7, 9], [7, 7]],
        [0, 4, 7, 11],
        [0, 1, 3],
    )
    assert rings.ring_offsets.tolist() == [0, 3, 6, 9]
    assert [len(ring) for polygon in (rings[0], rings[1]) for ring in polygon.rings] == [3, 3, 3]


def test_ragged_spans_of_plain_lists() -> None:
    spans = RaggedSpans([0, 1], [0, 1], [2, 2], [1, 1], [0, 2], (2, 2))  # type: ignore[arg-type]
    assert spans[0].count == 3
    with pytest.raises(GeometryError, match="one length"):
        RaggedSpans([0, 1], [0], [2, 2], [1, 1], [0, 2], (2, 2))  # type: ignore[arg-type]
    with pytest.raises(GeometryError, match="RaggedSpans offsets"):
        RaggedSpans([0, 1], [0, 1], [2, 2], [1, 1], [0, 3], (2, 2))  # type: ignore[arg-type]
