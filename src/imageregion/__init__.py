"""Exact pixels, measurements and FHIR Observations from FHIR ImagingSelection regions on DICOM.

>>> import imageregion as ir
>>> disc = ir.Ellipse.circle((4.0, 4.0), 3.0)
>>> spans = ir.rasterize(disc, (8, 8))
>>> spans.count, round(ir.shape_metrics(disc).area, 4)
(32, 28.2743)

Coordinates of two numbers are (column, row) in pixels from the outer corner of the first pixel;
of three numbers (x, y, z) in patient millimetres, DICOM LPS. Every public name is loaded when it is
first used, so that importing the package stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from imageregion._version import __version__

if TYPE_CHECKING:
    from imageregion.checking import check
    from imageregion.dicom.images import Images
    from imageregion.dicom.opening import open_images
    from imageregion.errors import (
        DicomError,
        FhirError,
        GeometryError,
        ImageRegionError,
        InputError,
        Issue,
        PlacementError,
    )
    from imageregion.fhir.document import read_selection, read_selections
    from imageregion.fhir.selection import Selection, write_selection
    from imageregion.frame import Frame, LinearMap, Spacing, TableMap, Window
    from imageregion.measurement import Measurement, Method, RegionResult
    from imageregion.measuring import measure
    from imageregion.metrics import ShapeMetrics, shape_metrics
    from imageregion.plane import Plane
    from imageregion.project import cut, place
    from imageregion.raster import rasterize
    from imageregion.region import Region, Target
    from imageregion.rendering import render
    from imageregion.report import Report
    from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline
    from imageregion.spans import Spans, combine_spans
    from imageregion.stats import Statistics, summarize

_HOMES = {
    "check": "checking",
    "combine_spans": "spans",
    "cut": "project",
    "DicomError": "errors",
    "Ellipse": "shapes",
    "Ellipsoid": "shapes",
    "FhirError": "errors",
    "Frame": "frame",
    "GeometryError": "errors",
    "ImageRegionError": "errors",
    "Images": "dicom.images",
    "InputError": "errors",
    "Issue": "errors",
    "LinearMap": "frame",
    "measure": "measuring",
    "Measurement": "measurement",
    "Method": "measurement",
    "open_images": "dicom.opening",
    "place": "project",
    "PlacementError": "errors",
    "Plane": "plane",
    "Points": "shapes",
    "Polygon": "shapes",
    "Polyline": "shapes",
    "rasterize": "raster",
    "read_selection": "fhir.document",
    "read_selections": "fhir.document",
    "Region": "region",
    "RegionResult": "measurement",
    "render": "rendering",
    "Report": "report",
    "Selection": "fhir.selection",
    "shape_metrics": "metrics",
    "ShapeMetrics": "metrics",
    "Spacing": "frame",
    "Spans": "spans",
    "Statistics": "stats",
    "summarize": "stats",
    "TableMap": "frame",
    "Target": "region",
    "Window": "frame",
    "write_selection": "fhir.selection",
}

__all__ = [
    "DicomError",
    "Ellipse",
    "Ellipsoid",
    "FhirError",
    "Frame",
    "GeometryError",
    "ImageRegionError",
    "Images",
    "InputError",
    "Issue",
    "LinearMap",
    "Measurement",
    "Method",
    "PlacementError",
    "Plane",
    "Points",
    "Polygon",
    "Polyline",
    "Region",
    "RegionResult",
    "Report",
    "Selection",
    "ShapeMetrics",
    "Spacing",
    "Spans",
    "Statistics",
    "TableMap",
    "Target",
    "Window",
    "__version__",
    "check",
    "combine_spans",
    "cut",
    "measure",
    "open_images",
    "place",
    "rasterize",
    "read_selection",
    "read_selections",
    "render",
    "shape_metrics",
    "summarize",
    "write_selection",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
