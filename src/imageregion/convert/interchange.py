"""Interchange: shapes in pixels as shapely geometry and as GeoJSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely

from imageregion._arrays import FloatArray, as_floats
from imageregion.boolean import oriented_rings, resolve
from imageregion.errors import GeometryError
from imageregion.shapes import Points, Polygon, Polyline, Shape

__all__ = ["from_geojson", "from_shapely", "to_geojson", "to_shapely"]


def to_shapely(shape: Shape, *, tolerance: float = 1e-4) -> shapely.Geometry:
    """Turn a shape into valid shapely geometry.

    Parameters
    ----------
    shape : Shape
        2-D, in pixels as (column, row).
    tolerance : float
        An ellipse becomes a polygon on its outline whose edges stay within this distance of it,
        in pixels.

    Returns
    -------
    shapely.Geometry
        Point or MultiPoint, LineString, Polygon or MultiPolygon. Rings that cross are cut into
        parts that cover what the fill rule of the polygon covers; other rings stay as they are.

    Raises
    ------
    GeometryError
        For 3-D shapes, a tolerance that is not above 0, and rings that cross too often; see
        `imageregion.combine`.

    Examples
    --------
    >>> to_shapely(Polygon([[0, 0], [8, 8], [8, 0], [0, 8]])).geom_type
    'MultiPolygon'
    """
    if isinstance(shape, Points | Polyline) and shape.dimension == 2:
        if isinstance(shape, Polyline):
            return shapely.LineString(shape.coords)
        return shapely.MultiPoint(shape.coords) if len(shape.coords) > 1 else _point(shape)
    area = resolve(shape, tolerance=tolerance)
    return area.geoms[0] if len(area.geoms) == 1 else area


def from_shapely(geometry: shapely.Geometry) -> Points | Polyline | Polygon:
    """Turn shapely geometry into a shape in pixels.

    Parameters
    ----------
    geometry : shapely.Geometry
        Point, MultiPoint, LineString, LinearRing, Polygon or MultiPolygon; (column, row) from the
        outer corner of the first pixel.

    Returns
    -------
    Points, Polyline or Polygon
        A LinearRing is a line that returns to its beginning. All rings of a MultiPolygon make one
        polygon; both fill rules fill the same.

    Raises
    ------
    GeometryError
        For collections, several lines, empty or invalid geometry, coordinates of more than two
        numbers, or that are not finite.

    Examples
    --------
    >>> from_shapely(shapely.box(1, 2, 3, 5)).bounds[1].tolist()
    [3.0, 5.0]
    """
    if not isinstance(geometry, shapely.Geometry):
        raise GeometryError(
            f"shapely: expected a geometry, got {type(geometry).__name__}; arrays of geometries "
            "are read one by one"
        )
    kind = geometry.geom_type
    if kind not in _READABLE:
        raise GeometryError(f"shapely: expected one of {_READABLE}, got {kind}; {_SINGLY}")
    if geometry.is_empty:
        raise GeometryError(f"shapely {kind}: expected coordinates, got an empty geometry")
    if geometry.has_z or getattr(geometry, "has_m", False):
        raise GeometryError(f"shapely {kind}: {_FLAT}; shapely.force_2d drops the others")
    if kind in ("Point", "MultiPoint"):
        return Points(shapely.get_coordinates(geometry))
    if kind in ("LineString", "LinearRing"):
        return Polyline(shapely.get_coordinates(geometry))
    if not np.isfinite(shapely.get_coordinates(geometry)).all():
        raise GeometryError(f"shapely {kind}: expected finite numbers")
    if not geometry.is_valid:
        raise GeometryError(f"shapely {kind}: {_invalid(geometry)}")
    return Polygon([r for part in shapely.get_parts(geometry) for r in oriented_rings(part)])


def to_geojson(shape: Shape, *, tolerance: float = 1e-4) -> dict[str, Any]:
    """Write a shape as a GeoJSON geometry, which is also what ``__geo_interface__`` is made of.

    Parameters
    ----------
    shape : Shape
        2-D, in pixels as (column, row).
    tolerance : float
        For ellipses, as in `to_shapely`.

    Returns
    -------
    dict
        ``{"type": ..., "coordinates": ...}``, ready for JSON. Coordinates stay pixels. Rings are
        closed, outer rings have a positive area by the shoelace formula (RFC 7946, 3.1.6). A
        polygon that encloses no area becomes a MultiPolygon without coordinates.

    Raises
    ------
    GeometryError
        As `to_shapely`.

    Notes
    -----
    RFC 7946 means degrees on the Earth; viewers of images read the same form in pixels. With
    libraries that take ``__geo_interface__``, pass the dict itself:
    ``shapely.geometry.shape(to_geojson(shape))``.

    Examples
    --------
    >>> to_geojson(Polygon([[0, 0], [0, 2], [2, 0]]))["coordinates"]
    [[[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]]
    """
    geometry = to_shapely(shape, tolerance=tolerance)
    kind = geometry.geom_type
    coordinates: Any = shapely.get_coordinates(geometry).tolist()
    if kind == "Point":
        coordinates = coordinates[0]
    if kind in ("Polygon", "MultiPolygon"):
        parts = [_closed(oriented_rings(part)) for part in shapely.get_parts(geometry)]
        coordinates = parts if kind == "MultiPolygon" else parts[0]
    return {"type": kind, "coordinates": coordinates}


def from_geojson(geometry: Any) -> Points | Polyline | Polygon:
    """Read a GeoJSON geometry as a shape in pixels.

    Parameters
    ----------
    geometry : mapping or object
        A geometry of type Point, MultiPoint, LineString, Polygon or MultiPolygon, a Feature with
        one, or any object that has ``__geo_interface__``; positions are (column, row) from the
        outer corner of the first pixel.

    Returns
    -------
    Points, Polyline or Polygon
        As `from_shapely`. The properties of a Feature are not read.

    Raises
    ------
    GeometryError
        For other types, collections, empty or invalid geometry, positions of more than two numbers,
        or that are not finite.

    Examples
    --------
    >>> feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 4.5]}}
    >>> from_geojson(feature).coords.tolist()
    [[3.0, 4.5]]
    """
    found = getattr(geometry, "__geo_interface__", geometry)
    if isinstance(found, Mapping) and found.get("type") == "Feature":
        found = found.get("geometry")
    if not isinstance(found, Mapping):
        raise GeometryError(
            f"GeoJSON: expected a geometry or a Feature, got {type(found).__name__} "
            f"{str(found)[:60]}"
        )
    kind, coordinates = found.get("type"), found.get("coordinates")
    if kind not in _READABLE:
        raise GeometryError(f"GeoJSON: expected one of {_READABLE}, got {kind!r:.60}; {_SINGLY}")
    what = f"GeoJSON {kind}"
    if kind == "Point":
        return Points(_positions([coordinates], what))
    if kind == "MultiPoint":
        return Points(_positions(coordinates, what))
    if kind in ("LineString", "LinearRing"):
        return Polyline(_positions(coordinates, what))
    parts = [coordinates] if kind == "Polygon" else _listed(coordinates, what)
    areas = [[_positions(ring, what) for ring in _listed(part, what)] for part in parts]
    polygons = [shapely.Polygon(rings[0], rings[1:]) for rings in map(_rings, areas)]
    area = polygons[0] if kind == "Polygon" else shapely.MultiPolygon(polygons)
    if not area.is_valid:
        raise GeometryError(f"{what}: {_invalid(area)}")
    return from_shapely(area)


_READABLE = ("Point", "MultiPoint", "LineString", "LinearRing", "Polygon", "MultiPolygon")
_SINGLY = "the parts of a collection are read one by one"
_FLAT = "expected positions of two numbers (column, row), without height or measure"


def _point(shape: Points) -> shapely.Point:
    return shapely.Point(shape.coords[0])


def _invalid(geometry: shapely.Geometry) -> str:
    return (
        f"expected valid geometry, got {shapely.is_valid_reason(geometry)}; "
        "imageregion.Polygon(rings, fill_rule) takes rings that cross"
    )


def _closed(rings: list[FloatArray]) -> list[list[list[float]]]:
    return [np.append(ring, ring[:1], axis=0).tolist() for ring in rings]


def _listed(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise GeometryError(f"{what}: expected coordinates, got {str(value)[:60]}")
    return list(value)


def _positions(value: Any, what: str) -> FloatArray:
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.ndim == 2 and array.shape[1] > 2:
        raise GeometryError(f"{what}: {_FLAT}, got {array.shape[1]}")
    if array.ndim and not array.size:
        raise GeometryError(f"{what}: expected coordinates, got an empty geometry")
    return as_floats(array, (None, 2), what)


def _rings(rings: list[FloatArray]) -> tuple[FloatArray, ...]:
    """Check the number of vertices, and drop the repeated one."""
    return Polygon(rings).rings
