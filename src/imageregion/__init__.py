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
    from imageregion.access import open_images
    from imageregion.auditing import audit
    from imageregion.auditing.findings import Audit, AuditedNumber, Explanation
    from imageregion.boolean import combine
    from imageregion.checking import RULES, Findings, Ranking, Rule, check
    from imageregion.convert.interchange import from_geojson, from_shapely, to_geojson, to_shapely
    from imageregion.convert.outlines import contour, outline
    from imageregion.convert.runlengths import from_coco, from_labels, to_coco, to_labels
    from imageregion.converting import Converted, convert_selection
    from imageregion.dicom.images import Images
    from imageregion.dicom.web.settings import WebSettings
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
    from imageregion.fhir.linking import link
    from imageregion.fhir.links.values import Link, Links
    from imageregion.fhir.selection import Selection, write_selection
    from imageregion.fhir.studies import (
        Endpoint,
        Study,
        effective_endpoints,
        read_endpoint,
        read_study,
    )
    from imageregion.fhir.urls import RegionUrls, region_urls
    from imageregion.frame import Frame, Window
    from imageregion.many import rasterize_many
    from imageregion.measurement import Measurement, Method, RegionResult
    from imageregion.measuring import measure
    from imageregion.metrics import ShapeMetrics, shape_metrics
    from imageregion.outside import outside_fraction
    from imageregion.plane import Plane
    from imageregion.project import cut, place
    from imageregion.quantities import LinearMap, Quantity, TableMap
    from imageregion.ragged import EllipseArray, PolygonArray, RaggedSpans
    from imageregion.raster import rasterize
    from imageregion.region import Region, Target
    from imageregion.rendering import render
    from imageregion.report import Report
    from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline
    from imageregion.similarity import Agreement, agreement
    from imageregion.spacing import Spacing, UltrasoundRegion
    from imageregion.spans import Spans, combine_spans
    from imageregion.statistics.distribution import Statistics
    from imageregion.statistics.estimators import estimate_mean
    from imageregion.statistics.histogram import Histogram
    from imageregion.statistics.moments import Moments
    from imageregion.statistics.summary import moments, summarize
    from imageregion.statistics.table import summarize_many
    from imageregion.transfer import onto, to_patient
    from imageregion.volume import Volume

_HOMES = {
    "Agreement": "similarity",
    "agreement": "similarity",
    "audit": "auditing",
    "Audit": "auditing.findings",
    "AuditedNumber": "auditing.findings",
    "Explanation": "auditing.findings",
    "Link": "fhir.links.values",
    "check": "checking",
    "combine": "boolean",
    "combine_spans": "spans",
    "contour": "convert.outlines",
    "convert_selection": "converting",
    "Converted": "converting",
    "cut": "project",
    "DicomError": "errors",
    "effective_endpoints": "fhir.studies",
    "Ellipse": "shapes",
    "EllipseArray": "ragged",
    "Ellipsoid": "shapes",
    "Endpoint": "fhir.studies",
    "estimate_mean": "statistics.estimators",
    "FhirError": "errors",
    "Findings": "checking",
    "Frame": "frame",
    "from_coco": "convert.runlengths",
    "from_geojson": "convert.interchange",
    "from_labels": "convert.runlengths",
    "from_shapely": "convert.interchange",
    "GeometryError": "errors",
    "Histogram": "statistics.histogram",
    "ImageRegionError": "errors",
    "Images": "dicom.images",
    "InputError": "errors",
    "Issue": "errors",
    "LinearMap": "quantities",
    "link": "fhir.linking",
    "Links": "fhir.links.values",
    "measure": "measuring",
    "Measurement": "measurement",
    "Method": "measurement",
    "Moments": "statistics.moments",
    "moments": "statistics.summary",
    "onto": "transfer",
    "open_images": "access",
    "outline": "convert.outlines",
    "outside_fraction": "outside",
    "place": "project",
    "PlacementError": "errors",
    "Plane": "plane",
    "Points": "shapes",
    "Polygon": "shapes",
    "PolygonArray": "ragged",
    "Polyline": "shapes",
    "Quantity": "quantities",
    "RaggedSpans": "ragged",
    "Ranking": "checking",
    "rasterize": "raster",
    "rasterize_many": "many",
    "read_endpoint": "fhir.studies",
    "read_selection": "fhir.document",
    "read_selections": "fhir.document",
    "read_study": "fhir.studies",
    "Region": "region",
    "region_urls": "fhir.urls",
    "RegionResult": "measurement",
    "RegionUrls": "fhir.urls",
    "render": "rendering",
    "Report": "report",
    "Rule": "checking",
    "RULES": "checking",
    "Selection": "fhir.selection",
    "shape_metrics": "metrics",
    "ShapeMetrics": "metrics",
    "Spacing": "spacing",
    "Spans": "spans",
    "Statistics": "statistics.distribution",
    "Study": "fhir.studies",
    "summarize": "statistics.summary",
    "summarize_many": "statistics.table",
    "TableMap": "quantities",
    "Target": "region",
    "to_coco": "convert.runlengths",
    "to_geojson": "convert.interchange",
    "to_labels": "convert.runlengths",
    "to_patient": "transfer",
    "to_shapely": "convert.interchange",
    "UltrasoundRegion": "spacing",
    "Volume": "volume",
    "WebSettings": "dicom.web.settings",
    "Window": "frame",
    "write_selection": "fhir.selection",
}

__all__ = [
    "RULES",
    "Agreement",
    "Audit",
    "AuditedNumber",
    "Converted",
    "DicomError",
    "Ellipse",
    "EllipseArray",
    "Ellipsoid",
    "Endpoint",
    "Explanation",
    "FhirError",
    "Findings",
    "Frame",
    "GeometryError",
    "Histogram",
    "ImageRegionError",
    "Images",
    "InputError",
    "Issue",
    "LinearMap",
    "Link",
    "Links",
    "Measurement",
    "Method",
    "Moments",
    "PlacementError",
    "Plane",
    "Points",
    "Polygon",
    "PolygonArray",
    "Polyline",
    "Quantity",
    "RaggedSpans",
    "Ranking",
    "Region",
    "RegionResult",
    "RegionUrls",
    "Report",
    "Rule",
    "Selection",
    "ShapeMetrics",
    "Spacing",
    "Spans",
    "Statistics",
    "Study",
    "TableMap",
    "Target",
    "UltrasoundRegion",
    "Volume",
    "WebSettings",
    "Window",
    "__version__",
    "agreement",
    "audit",
    "check",
    "combine",
    "combine_spans",
    "contour",
    "convert_selection",
    "cut",
    "effective_endpoints",
    "estimate_mean",
    "from_coco",
    "from_geojson",
    "from_labels",
    "from_shapely",
    "link",
    "measure",
    "moments",
    "onto",
    "open_images",
    "outline",
    "outside_fraction",
    "place",
    "rasterize",
    "rasterize_many",
    "read_endpoint",
    "read_selection",
    "read_selections",
    "read_study",
    "region_urls",
    "render",
    "shape_metrics",
    "summarize",
    "summarize_many",
    "to_coco",
    "to_geojson",
    "to_labels",
    "to_patient",
    "to_shapely",
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
