"""From a polygon to exact coverage and the mean weighted by it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

import imageregion as ir
from benchmarks.agreement import same_coverage, same_weighted_mean
from benchmarks.inputs import FloatArray, Organ
from benchmarks.task import REFERENCE, Library

__all__ = ["COVERAGE", "features", "upside_down"]


def weighted_imageregion(given: Organ) -> dict[str, float]:
    found = ir.moments(coverage_imageregion(given), given.pixels)
    assert found.mean is not None
    return {"weight": found.weight, "mean": found.mean}


def coverage_imageregion(given: Organ) -> ir.Spans:
    return ir.rasterize(ir.Polygon([given.outline.xy]), given.outline.shape, "exact")


def upside_down(xy: FloatArray, rows: int) -> FloatArray:
    """Let rows count upwards, as on a map."""
    return np.stack([xy[..., 0], rows - xy[..., 1]], axis=-1)


@cache
def feature_source() -> Any:
    """Make the class that hands outlines to exactextract as WKB, which it reads fastest."""
    api: Any = import_module("exactextract.feature")

    class Outlined(api.Feature):  # type: ignore[misc]
        def __init__(self, outline: bytes) -> None:
            super().__init__()
            self.outline = outline

        def geometry(self) -> bytes:
            return self.outline

    class Outlines(api.FeatureSource):  # type: ignore[misc]
        def __init__(self, outlines: list[bytes]) -> None:
            super().__init__()
            self.outlines = outlines

        def count(self) -> int:
            return len(self.outlines)

        def __iter__(self) -> Any:
            return map(Outlined, self.outlines)

        def srs_wkt(self) -> None:
            return None

    return Outlines


def features(xy: FloatArray, rows: int) -> Any:
    """Make a source of outlines; xy has shape (outlines, vertices, 2)."""
    import shapely

    return feature_source()(list(shapely.to_wkb(shapely.polygons(upside_down(xy, rows)))))


def raster(given: Any) -> Any:
    return import_module("exactextract.raster").NumPyRasterSource(given.pixels)


def raster_and_wkb(given: Organ) -> tuple[Any, Any]:
    return raster(given), features(given.outline.xy[None], len(given.pixels))


def raster_and_geojson(given: Organ) -> tuple[Any, Any]:
    import shapely

    polygon = shapely.Polygon(upside_down(given.outline.xy, len(given.pixels)))
    geometry = shapely.geometry.mapping(polygon)
    return raster(given), {"type": "Feature", "properties": {}, "geometry": geometry}


def weighted_exactextract(prepared: tuple[Any, Any]) -> Any:
    extract: Any = import_module("exactextract").exact_extract
    return extract(*prepared, ["mean", "count"])[0]["properties"]


def coverage_exactextract(prepared: tuple[Any, Any]) -> Any:
    extract: Any = import_module("exactextract").exact_extract
    return extract(*prepared, ["coverage", "cell_id"])[0]["properties"]


def named_as_here(found: Any) -> dict[str, float]:
    return {"weight": found["count"], "mean": found["mean"]}


def cells(found: Any) -> tuple[Any, Any]:
    return found["cell_id"], found["coverage"]


ONLY = "imageregion, coverage only"

COVERAGE = {
    REFERENCE: Library(weighted_imageregion, "imageregion", same_weighted_mean),
    ONLY: Library(
        coverage_imageregion,
        "imageregion",
        same_coverage,
        finish=lambda spans: spans.to_coverage(),
        against="imageregion, coverage only",
    ),
    "exactextract mean": Library(
        weighted_exactextract,
        "exactextract",
        same_weighted_mean,
        prepare=raster_and_wkb,
        finish=named_as_here,
    ),
    "exactextract mean, from GeoJSON": Library(
        weighted_exactextract,
        "exactextract",
        same_weighted_mean,
        prepare=raster_and_geojson,
        finish=named_as_here,
    ),
    "exactextract coverage": Library(
        coverage_exactextract,
        "exactextract",
        same_coverage,
        prepare=raster_and_wkb,
        finish=cells,
        against=ONLY,
    ),
}
