"""Many regions of one image at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

import imageregion as ir
from benchmarks.agreement import same_apertures, same_sums, same_tables
from benchmarks.coverage import features, raster
from benchmarks.inputs import Circles, FloatArray, Image, Nuclei
from benchmarks.task import REFERENCE, Library, Seconds

__all__ = ["CIRCLES", "NUCLEI", "SAMPLE", "per_region"]

Table = dict[str, Any]

SAMPLE = 1_000
"""Regions that libraries work on which would need minutes for all."""


# Circles -----------------------------------------------------------------------------------------


def circles_imageregion(given: Circles) -> Table:
    return ir.summarize_many(
        ir.rasterize_many(given.shapes, given.pixels.shape, "exact"), given.pixels
    )


def on_integers(given: Circles) -> tuple[Any, ...]:
    column, row = (given.centers - 0.5).T.copy()
    return given.pixels.astype(np.int32), column, row, given.radius


def sums_sep(prepared: tuple[Any, ...]) -> Any:
    return import_module("sep").sum_circle(*prepared, subpix=0)[0]


def on_apertures(given: Circles) -> tuple[Any, Any]:
    apertures: Any = import_module("photutils.aperture")
    return given.pixels.astype(np.float64), apertures.CircularAperture(
        given.centers - 0.5, given.radius
    )


TEN = ("sum", "sum_aper_area", "mean", "std", "var", "min", "max", "median", "mad_std", "mode")


def apertures_photutils(prepared: tuple[Any, Any]) -> Table:
    statistics: Any = import_module("photutils.aperture").ApertureStats
    found = statistics(*prepared, sum_method="exact")
    return {name: getattr(found, name) for name in TEN}


CIRCLES = {
    REFERENCE: Library(
        circles_imageregion,
        "imageregion",
        same_tables,
        note="every statistic weighted by exact coverage",
    ),
    "sep sum_circle": Library(
        sums_sep, "sep", same_sums, prepare=on_integers, note="the exact sum, nothing else"
    ),
    "photutils ApertureStats": Library(
        apertures_photutils,
        "photutils",
        same_apertures,
        prepare=on_apertures,
        note="sum and area by exact coverage, the other eight statistics of pixel centres",
    ),
}


# Small polygons ----------------------------------------------------------------------------------


def centres_imageregion(given: Nuclei) -> Table:
    return ir.summarize_many(ir.rasterize_many(given.shapes, given.pixels.shape), given.pixels)


def centres_on_two_threads(given: Nuclei) -> Table:
    spans = ir.rasterize_many(given.shapes, given.pixels.shape, threads=2)
    return ir.summarize_many(spans, given.pixels, threads=2)


def exact_imageregion(given: Nuclei) -> Table:
    return ir.summarize_many(
        ir.rasterize_many(given.shapes, given.pixels.shape, "exact"), given.pixels
    )


def polygons_and_bounds(given: Nuclei) -> tuple[list[Any], FloatArray, Image]:
    xy = given.xy[:SAMPLE]
    closed = np.concatenate([xy, xy[:, :1]], axis=1)
    polygons = [{"type": "Polygon", "coordinates": [ring.tolist()]} for ring in closed]
    return polygons, np.concatenate([xy.min(axis=1), xy.max(axis=1)], axis=1), given.pixels


def loop_rasterio(prepared: tuple[list[Any], FloatArray, Image]) -> FloatArray:
    from affine import Affine
    from rasterio.features import rasterize

    polygons, bounds, pixels = prepared
    table = np.empty((len(polygons), 5))
    for i, (polygon, bound) in enumerate(zip(polygons, bounds.tolist(), strict=True)):
        left, top, right, bottom = int(bound[0]), int(bound[1]), int(bound[2]), int(bound[3])
        window = pixels[top : bottom + 1, left : right + 1]
        place = Affine.translation(left, top)
        mask = rasterize([(polygon, 1)], out_shape=window.shape, transform=place, dtype="uint8")
        values = window[mask.view(np.bool_)]
        table[i] = values.size, values.mean(), values.std(), values.min(), values.max()
    return table


def raster_and_outlines(given: Nuclei) -> tuple[Any, Any]:
    return raster(given), features(given.xy[:SAMPLE], len(given.pixels))


WANTED = {"count": "weight", "mean": "mean", "stdev": "std", "min": "min", "max": "max"}


def all_exactextract(prepared: tuple[Any, Any]) -> Any:
    extract: Any = import_module("exactextract").exact_extract
    return extract(*prepared, list(WANTED))


def columns(found: Any) -> Table:
    rows = [feature["properties"] for feature in found]
    return {name: np.array([row[its] for row in rows]) for its, name in WANTED.items()}


def moments_table(table: FloatArray) -> Table:
    return dict(zip(("count", "mean", "std", "min", "max"), table.T, strict=True))


EXACT, THREADS = "imageregion, exact coverage", "imageregion, two threads"

NUCLEI = {
    REFERENCE: Library(
        centres_imageregion, "imageregion", same_tables, note="pixel centres; median included"
    ),
    THREADS: Library(centres_on_two_threads, "imageregion", same_tables),
    EXACT: Library(
        exact_imageregion,
        "imageregion",
        same_tables,
        against=EXACT,
        note="every statistic weighted by exact coverage",
    ),
    "rasterio, one by one": Library(
        loop_rasterio,
        "rasterio",
        same_tables,
        prepare=polygons_and_bounds,
        finish=moments_table,
        share=0.01,
        note="each on the window of its bounds; five statistics by numpy",
    ),
    "exactextract": Library(
        all_exactextract,
        "exactextract",
        same_tables,
        prepare=raster_and_outlines,
        finish=columns,
        against=EXACT,
        share=0.01,
        note="five statistics; compared to exact coverage",
    ),
}


def per_region(seconds: Seconds) -> str:
    """Say what one region costs."""
    each = ", ".join(f"{name} {s / 100_000 * 1e6:.2f}" for name, s in seconds.items())
    return f"Microseconds per polygon: {each}."
