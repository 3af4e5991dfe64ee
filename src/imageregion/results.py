"""Results: the numbers of one region on the frames it lies on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imageregion._version import __version__
from imageregion.codes import STATISTICS
from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.locate import Located, Part, Space, outside_image, owned_space
from imageregion.measurement import Measurement, Method, RegionResult, Slice
from imageregion.metrics import ShapeMetrics, shape_metrics
from imageregion.raster import Rule, rasterize
from imageregion.region import Region
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape
from imageregion.spans import Spans, combine_spans
from imageregion.stats import Statistics, summarize

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["Values", "assembled_result", "counted_extent", "region_result", "unmeasured_result"]

Values = dict[str, tuple[float | None, str]]
"""Measurement code -> (value, UCUM unit)."""

_QUANTILES = {"p10": 0.10, "p25": 0.25, "p75": 0.75, "p90": 0.90}
_OFF_PLANE = 0.01  # mm; a flat shape further from its plane than rounding is flagged
_MISSED = 1e-9


def region_result(region: Region, located: Located, images: Images, rule: Rule) -> RegionResult:
    """Rasterize a located region on its frames and measure it."""
    slices = _rasterized(located.parts, rule)
    frames = [part.frame for part in slices]
    metrics, unit = _metrics(region.shape, frames[0])
    values = _geometry(metrics, unit)
    flags = _flags(region, slices, metrics, located.share)
    if not isinstance(region.shape, Points | Polyline):
        solid = isinstance(region.shape, Ellipsoid)
        space = owned_space(frames, images) if solid or len(slices) > 1 else None
        values |= counted_extent(slices, space, solid)
        flags += ["missing-slices"] if space and space.missing else []
    return assembled_result(region, slices, values, metrics.centroid or None, flags, rule)


def unmeasured_result(region: Region, rule: Rule) -> RegionResult:
    """Measure only the geometry, so that nothing known about the region is lost."""
    metrics, unit = _metrics(region.shape, None)
    values = dict.fromkeys(STATISTICS, (None, "1")) | _geometry(metrics, unit)
    method = _method(region, rule, "none")
    flags = ["not-measured", *(["unclosed"] if region.is_open else [])]
    return RegionResult(
        region=region,
        slices=(),
        measurements=_measurements(region, values, method),
        centroid=metrics.centroid or None,
        unit="",
        flags=tuple(flags),
    )


def assembled_result(
    region: Region,
    slices: tuple[Slice, ...],
    geometry: Values,
    centroid: tuple[float, ...] | None,
    flags: list[str],
    rule: Rule,
) -> RegionResult:
    """Add the pixel statistics of the slices to what the geometry says."""
    units = {part.frame.unit for part in slices}
    if len(units) > 1:
        raise PlacementError(f"expected images of one unit, got {sorted(units)}")
    statistics = _statistics(slices)
    if not statistics.count:
        flags = [*flags, "no-pixels"]
    if statistics.excluded:
        flags = [*flags, "padding-inside"]
    frame = slices[0].frame
    maps = {str(part.frame.value_map) for part in slices}
    method = _method(region, rule, maps.pop() if len(maps) == 1 else "rescale per image")
    values = _pixel_values(statistics, frame.unit) | geometry
    return RegionResult(
        region=region,
        slices=slices,
        measurements=_measurements(region, values, method),
        centroid=centroid,
        unit=frame.unit,
        modality=frame.modality,
        flags=tuple(flags),
    )


def _method(region: Region, rule: Rule, value_map: str) -> Method:
    return Method(rule, "evenodd", "center", value_map, __version__, region.notes)


def _measurements(region: Region, values: Values, method: Method) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(region.path, code, value, unit, method)
        for code, (value, unit) in values.items()
    )


def _rasterized(parts: Sequence[Part], rule: Rule) -> tuple[Slice, ...]:
    slices = []
    for part in parts:
        size = part.frame.shape
        spans = Spans.full(size) if part.shape is None else rasterize(part.shape, size, rule)
        slices.append(Slice(part.frame, part.shape, spans, part.distance))
    return tuple(slices)


def _statistics(slices: Sequence[Slice]) -> Statistics:
    """Pixels of all slices together; those a region meets twice on one frame count once."""
    by_frame: dict[tuple[str, int], list[Slice]] = {}
    for part in slices:
        by_frame.setdefault((part.frame.instance, part.frame.number), []).append(part)
    total = Statistics.of([])
    for parts in by_frame.values():
        frame = parts[0].frame
        spans = combine_spans([part.spans for part in parts], "union")
        if spans.count:
            total += summarize(
                spans, frame.stored, value_map=frame.value_map, is_padding=frame.is_padding
            )
    return total


def _pixel_values(statistics: Statistics, unit: str) -> Values:
    values: Values = {}
    for code in STATISTICS:
        if code in _QUANTILES:
            values[code] = (statistics.quantile(_QUANTILES[code]), unit)
        elif code in ("count", "excluded"):
            values[code] = (getattr(statistics, code), "{pixels}")
        else:
            values[code] = (getattr(statistics, code), unit)
    if not statistics.count:
        values["sum"] = (None, unit)
    return values


def _metrics(shape: Shape | None, frame: Frame | None) -> tuple[ShapeMetrics, str]:
    """Measure a shape in mm where its place in the patient is known, else in pixels."""
    if shape is None:
        return ShapeMetrics(), "{pixels}"
    if shape.dimension == 3:
        return shape_metrics(shape), "mm"
    if frame is not None and frame.plane is not None:
        return shape_metrics(frame.plane.to_patient(shape)), "mm"
    return shape_metrics(shape), "{pixels}"


def _geometry(metrics: ShapeMetrics, unit: str) -> Values:
    powers = {"area": "2", "perimeter": "", "length": "", "volume": "3"}
    return {
        code: (getattr(metrics, code), unit + power if unit == "mm" else unit)
        for code, power in powers.items()
        if getattr(metrics, code) is not None
    }


def counted_extent(slices: Sequence[Slice], space: Space | None, solid: bool) -> Values:
    """Area or volume of the pixels themselves, to be read beside those of the shape.

    One slice of something flat has an area; several slices, or those of a solid, have a volume
    when the space they own is known.
    """
    planes = [part.frame.plane for part in slices]
    if len(slices) == 1 and not solid:
        plane = planes[0]
        count = slices[0].spans.count
        return {"counted_area": (count * plane.pixel_area, "mm2") if plane else (count, "{pixels}")}
    if space is None:
        return {}
    areas = [part.spans.count * part.frame.plane.pixel_area for part in slices if part.frame.plane]
    volume = sum(area * thick for area, thick in zip(areas, space.thickness, strict=True))
    return {"counted_volume": (volume, "mm3")}


def _flags(
    region: Region, slices: Sequence[Slice], metrics: ShapeMetrics, share: float
) -> list[str]:
    flags = []
    if region.is_open:
        flags.append("unclosed")
    if any(note.startswith("closed on request") for note in region.notes):
        flags.append("closed-on-request")
    if metrics.self_crossing:
        flags.append("self-crossing")
    outside = [outside_image(p.shape, p.frame) for p in slices if p.shape is not None]
    if outside and all(side == "wholly" for side in outside):
        flags.append("outside-image")
    elif any(outside):
        flags.append("partly-outside-image")
    if share < 1 - _MISSED:
        flags.append("partly-off-planes")
    flat = isinstance(region.shape, Polygon | Ellipse)
    if flat and any((part.distance or 0.0) > _OFF_PLANE for part in slices):
        flags.append("off-plane")
    if any(part.frame.spacing is None for part in slices):
        flags.append("no-spacing")
    return flags
