"""Interchange: shapes come back the same, and what is no shape is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from imageregion import Ellipse, Ellipsoid, GeometryError, Points, Polygon, Polyline, rasterize
from imageregion.boolean import resolve
from imageregion.convert.interchange import from_geojson, from_shapely, to_geojson, to_shapely
from imageregion.shapes import Shape

SQUARE = [[0.0, 0.0], [6.0, 0.0], [6.0, 6.0], [0.0, 6.0]]
HOLE = [[2.0, 2.0], [4.0, 2.0], [4.0, 4.0], [2.0, 4.0]]
vertices = st.lists(st.tuples(*[st.integers(-1, 9)] * 2), min_size=3, max_size=8)
polygons = st.builds(
    Polygon, st.lists(vertices, min_size=1, max_size=2), st.sampled_from(["evenodd", "nonzero"])
)


def closed(ring: list[list[float]]) -> list[list[float]]:
    return [*ring, ring[0]]


@given(polygons)
def test_polygons_cover_the_same_area_after_the_journey(polygon: Polygon) -> None:
    area = resolve(polygon)
    assert to_shapely(polygon).equals(area)
    data = json.loads(json.dumps(to_geojson(polygon)))
    assert shapely.geometry.shape(data).equals(area)
    if area.is_empty:
        assert data == {"type": "MultiPolygon", "coordinates": []}
        return
    for back in (from_shapely(to_shapely(polygon)), from_geojson(data)):
        assert isinstance(back, Polygon)
        assert resolve(back).equals(area)
        assert resolve(Polygon(back.rings, "nonzero")).equals(area)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (Points([[1.5, 2.0]]), "Point"),
        (Points([[1.5, 2.0], [3.0, 4.0]]), "MultiPoint"),
        (Polyline([[0, 0], [1, 5], [0, 0]]), "LineString"),
    ],
)
def test_points_and_lines_come_back(shape: Points | Polyline, kind: str) -> None:
    assert to_shapely(shape).geom_type == kind
    data = to_geojson(shape)
    assert data["type"] == kind
    assert shapely.geometry.shape(data).equals(to_shapely(shape))
    for back in (from_shapely(to_shapely(shape)), from_geojson(data)):
        assert type(back) is type(shape)
        np.testing.assert_array_equal(back.coords, shape.coords)


def test_rings_are_closed_and_outer_ones_turn_the_right_way() -> None:
    for ring in (SQUARE, SQUARE[::-1]):
        for hole in (HOLE, HOLE[::-1]):
            data = to_geojson(Polygon([ring, hole]))
            assert data["type"] == "Polygon"
            for k, coordinates in enumerate(data["coordinates"]):
                assert coordinates[0] == coordinates[-1]
                assert shapely.LinearRing(coordinates).is_ccw == (k == 0)


def test_rings_that_keep_apart_stay_as_they_are() -> None:
    polygon = Polygon([SQUARE, HOLE])
    rings = to_geojson(polygon)["coordinates"]
    assert rings[0] == closed(SQUARE)
    assert rings[1] == closed(HOLE)[::-1]


def test_ellipses_become_polygons_within_the_tolerance() -> None:
    disc = Ellipse.circle((5, 5), 4)
    coarse, fine = (to_shapely(disc, tolerance=t) for t in (1e-2, 1e-5))
    assert 0 < 16 * np.pi - coarse.area < 1e-2 * 8 * np.pi
    assert 0 < 16 * np.pi - fine.area < 1e-5 * 8 * np.pi
    assert len(to_geojson(disc, tolerance=1e-2)["coordinates"][0]) < 100


def test_multi_polygons_with_an_island_in_the_hole() -> None:
    island = shapely.box(2.5, 2.5, 3.5, 3.5)
    both = shapely.MultiPolygon([shapely.Polygon(SQUARE, [HOLE]), island])
    polygon = from_shapely(both)
    assert isinstance(polygon, Polygon)
    assert len(polygon.rings) == 3
    assert rasterize(polygon, (6, 6), "exact").area == 33
    assert resolve(polygon).equals(both)


def test_features_and_objects_with_the_interface() -> None:
    geometry = {"type": "Polygon", "coordinates": [SQUARE]}  # not closed: read all the same
    feature = {"type": "Feature", "geometry": geometry, "properties": {"name": "a"}}

    class Thing:
        __geo_interface__ = feature

    for given_as in (geometry, feature, Thing(), shapely.Polygon(SQUARE)):
        polygon = from_geojson(given_as)
        assert isinstance(polygon, Polygon)
        assert polygon.rings[0].tolist() == SQUARE


BROKEN: list[tuple[Any, str]] = [
    (None, "expected a geometry or a Feature, got NoneType"),
    ("POINT (1 2)", "got str"),
    ({"type": "Feature", "geometry": None}, "expected a geometry or a Feature, got NoneType"),
    ({"type": "FeatureCollection", "features": []}, "got 'FeatureCollection'; the parts"),
    ({"type": "GeometryCollection", "geometries": []}, "read one by one"),
    ({"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]]]}, "read one by one"),
    ({"type": ["Point"], "coordinates": [0, 0]}, "expected one of"),
    ({"coordinates": [0, 0]}, "expected one of"),
    ({"type": "Point", "coordinates": []}, "empty"),
    ({"type": "Point"}, "expected"),
    ({"type": "Point", "coordinates": [1]}, "expected shape"),
    ({"type": "Point", "coordinates": [1, 2, 3]}, "two numbers .*, got 3"),
    ({"type": "Point", "coordinates": ["1", "2"]}, "expected numbers"),
    ({"type": "Point", "coordinates": [1, float("nan")]}, "finite"),
    ({"type": "MultiPoint", "coordinates": []}, "empty"),
    ({"type": "LineString", "coordinates": [[0, 0]]}, "at least 2 points"),
    ({"type": "LineString", "coordinates": [[0, 0, 5], [1, 1, 5]]}, "two numbers .*, got 3"),
    ({"type": "LineString", "coordinates": [[0, 0], [1, 1, 5]]}, "expected"),
    ({"type": "Polygon", "coordinates": []}, "expected coordinates"),
    ({"type": "Polygon", "coordinates": [[]]}, "empty"),
    ({"type": "Polygon", "coordinates": SQUARE}, "expected shape"),
    ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, "at least 3"),
    ({"type": "Polygon", "coordinates": [[[0, 0], [8, 8], [8, 0], [0, 8]]]}, "Self-intersection"),
    ({"type": "Polygon", "coordinates": [HOLE, SQUARE]}, "Hole lies outside shell"),
    ({"type": "MultiPolygon", "coordinates": []}, "expected coordinates"),
    ({"type": "MultiPolygon", "coordinates": [[]]}, "expected coordinates"),
    ({"type": "MultiPolygon", "coordinates": [[SQUARE], [HOLE]]}, "Nested shells"),
    ({"type": "MultiPolygon", "coordinates": {"a": 1}}, "expected coordinates"),
]


@pytest.mark.parametrize(("data", "message"), BROKEN)
def test_broken_geojson_is_refused(data: Any, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        from_geojson(data)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (shapely.Polygon(), "empty"),
        (shapely.MultiPolygon(), "empty"),
        (shapely.Point(1, 2, 3), "two numbers"),
        (shapely.Polygon([(0, 0, 1), (1, 0, 1), (1, 1, 1)]), "two numbers"),
        (shapely.Polygon([(0, 0), (8, 8), (8, 0), (0, 8)]), "Self-intersection.*fill_rule"),
        (shapely.GeometryCollection([shapely.Point(0, 0)]), "read one by one"),
        (shapely.MultiLineString([[(0, 0), (1, 1)]]), "read one by one"),
        (shapely.Point(np.nan, 1), "empty|finite"),
        (shapely.LineString([(0, 0), (np.inf, 1)]), "finite"),
        (shapely.Polygon([(0, 0), (np.inf, 0), (1, 1)]), "finite"),
        (None, "expected a geometry, got NoneType"),
        (np.array([shapely.Point(0, 0)]), "one by one"),
    ],
)
def test_broken_geometry_is_refused(geometry: Any, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        from_shapely(geometry)


def test_rings_of_shapely_are_lines() -> None:
    line = from_shapely(shapely.LinearRing(SQUARE))
    assert isinstance(line, Polyline)
    assert line.coords.tolist() == closed(SQUARE)


@pytest.mark.parametrize(
    "shape",
    [
        Points([[0, 0, 0]]),
        Polyline([[0, 0, 0], [1, 1, 1]]),
        Polygon([[0, 0, 0], [1, 0, 0], [0, 1, 0]]),
        Ellipse([0, 0, 0], [[1, 0], [0, 1], [0, 0]]),
        Ellipsoid([0, 0, 0], np.eye(3)),
    ],
)
def test_millimetres_are_refused(shape: Shape) -> None:
    for write in (to_shapely, to_geojson):
        with pytest.raises(GeometryError, match="expected 2-D pixel coordinates"):
            write(shape)
