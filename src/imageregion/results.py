"""Results: the numbers of one region on the frames it lies on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from imageregion._version import __version__
from imageregion.codes import PIXEL_COUNTS, STATISTICS
from imageregion.counting import (
    Values,
    by_channel,
    count_pixels,
    counted_extent,
    pixel_values,
    rasterized,
)
from imageregion.errors import PlacementError
from imageregion.intervals import Interval, intervals, is_rule_sensitive
from imageregion.locate import Located, Space, owned_space
from imageregion.means import estimated_means
from imageregion.measurement import Measurement, Method, RegionResult, Slice
from imageregion.metrics import ShapeMetrics
from imageregion.outside import inside_and_whole, leaves_image
from imageregion.region import Region
from imageregion.settings import Settings
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline
from imageregion.sizing import Scale, scale_of, shape_sizes

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["assembled_result", "region_result", "unmeasured_result"]

Extent = tuple[Space | None, bool, bool]
"""The space that the slices own, whether the region is solid, and whether it is an area."""

_OFF_PLANE = 0.01  # mm; a flat shape further from its plane than rounding is flagged
_MISSED = 1e-9
_FEW_PIXELS = 10  # fewer than these are flagged


def region_result(
    region: Region, located: Located, images: Images, settings: Settings
) -> RegionResult:
    """Rasterize a located region on its frames and measure it."""
    slices = rasterized(located.parts, settings)
    frames = [part.frame for part in slices]
    values, metrics = shape_sizes(region.shape, slices[0].scale)
    areal = not isinstance(region.shape, Points | Polyline)
    solid = isinstance(region.shape, Ellipsoid)
    space = owned_space(frames, images) if solid or (areal and len(slices) > 1) else None
    outside = _outside(slices, space)
    values["outside_fraction"] = (outside, "1")
    flags = _flags(region, slices, metrics, located.share, outside)
    if areal:
        values |= counted_extent(slices, space, solid)
        flags += ["missing-slices"] if space and space.missing else []
    result = assembled_result(
        region, slices, values, metrics.centroid or None, flags, settings, (space, solid, areal)
    )
    return replace(result, dimensions=located.dimensions)


def unmeasured_result(
    region: Region, settings: Settings, located: Located | None = None
) -> RegionResult:
    """Measure only the geometry, so that nothing known about the region is lost.

    Where it was located, but its pixels cannot be read, its sizes are in mm as ever.
    """
    scale = Scale()
    if located is not None:
        with suppress(PlacementError):
            scale = scale_of(region.shape, located.parts[0].frame, settings.uncalibrated)
    sizes, metrics = shape_sizes(region.shape, scale)
    values = dict.fromkeys(STATISTICS, (None, "1")) | sizes
    method = _method(region, settings, "none")
    flags = ["not-measured", *(["unclosed"] if region.is_open else []), *scale.flags]
    return RegionResult(
        region=region,
        slices=(),
        measurements=_measurements(region, values, method, {}),
        centroid=metrics.centroid or None,
        unit="",
        flags=tuple(flags),
        spacing=scale.source,
    )


def assembled_result(
    region: Region,
    slices: tuple[Slice, ...],
    geometry: Values,
    centroid: tuple[float, ...] | None,
    flags: list[str],
    settings: Settings,
    extent: Extent | None = None,
) -> RegionResult:
    """Add the pixel statistics of the slices, for each channel, to what the geometry says.

    With `extent` also what is about one region alone: estimators and intervals.
    """
    units = {part.frame.unit for part in slices}
    if len(units) > 1:
        raise PlacementError(f"expected images of one unit, got {sorted(units)}")
    if len({part.frame.channels for part in slices}) > 1:
        raise PlacementError("expected images with the same channels, got grey and colour images")
    frame = slices[0].frame
    maps = {str(part.frame.value_map) for part in slices}
    value_map = maps.pop() if len(maps) == 1 else "rescale per image"
    method = _method(region, settings, f"{frame.value} ({value_map})")
    sources = {part.scale.source for part in slices}
    measurements: list[Measurement] = []
    found: set[str] = set()
    for channel, parts in by_channel(slices).items():
        values, between, seen = _channel_values(region, parts, geometry, settings, extent)
        if channel:
            counts = {code: values.pop(code) for code in PIXEL_COUNTS if code in values}
            geometry = counts | geometry
        else:
            values |= geometry
        found |= seen
        measurements += _measurements(region, values, method, between, channel)
    if frame.channels:  # pixels are the same in every channel
        measurements = [*_measurements(region, geometry, method, between), *measurements]
    return RegionResult(
        region=region,
        slices=slices,
        measurements=tuple(measurements),
        centroid=centroid,
        unit=frame.unit,
        modality=frame.modality,
        flags=(*flags, *(flag for flag in _PIXEL_FLAGS if flag in found)),
        spacing=sources.pop() if len(sources) == 1 else None,
    )


_PIXEL_FLAGS = (
    "no-pixels",
    "few-pixels",
    "padding-inside",
    "missing-tiles",
    "saturated",
    "lossy",
    "touches-border",
    "rule-sensitive",
)


def _channel_values(
    region: Region,
    slices: tuple[Slice, ...],
    geometry: Values,
    settings: Settings,
    extent: Extent | None,
) -> tuple[Values, dict[str, Interval], set[str]]:
    """Return the statistics of one channel, their intervals, and the flags they raise."""
    counted = count_pixels(slices, settings)
    statistics, unit = counted.statistics, slices[0].frame.unit
    values = pixel_values(statistics, unit, settings)
    between: dict[str, Interval] = {}
    size, _ = geometry.get("counted_area") or geometry.get("counted_volume") or (None, "")
    if extent is not None:
        space, solid, areal = extent
        if areal and settings.estimators:
            values |= estimated_means(slices, settings)
        if settings.bounds:
            between = intervals(slices, settings, unit, space, solid, areal)
    drawn = not isinstance(region.shape, Points)  # points are few by nature
    found = {
        "no-pixels": not statistics.count,
        "few-pixels": drawn and 0 < statistics.count < _FEW_PIXELS,
        "padding-inside": statistics.excluded > counted.missing,
        "missing-tiles": counted.missing,
        "saturated": counted.saturated,
        "lossy": any(part.frame.is_lossy for part in slices),
        "touches-border": any(_touches_border(part) for part in slices),
        "rule-sensitive": drawn and is_rule_sensitive(between, statistics.std, size),
    }
    return values, between, {flag for flag, holds in found.items() if holds}


def _method(region: Region, settings: Settings, value_map: str) -> Method:
    shape = region.shape
    fill = shape.fill_rule if isinstance(shape, Polygon) else settings.fill_rule
    notes = (*settings.notes, *region.notes)
    return Method(settings.rule, fill, settings.estimator, value_map, __version__, notes)


def _measurements(
    region: Region,
    values: Values,
    method: Method,
    between: dict[str, Interval],
    channel: str = "",
) -> tuple[Measurement, ...]:
    found = []
    for code, (value, unit) in values.items():
        low, high = between.get(code, (None, None))
        found.append(Measurement(region.path, code, value, unit, method, low, high, channel))
    return tuple(found)


def _outside(slices: Sequence[Slice], space: Space | None) -> float | None:
    """Fraction of the region, on all its frames together, that lies off the images.

    Areas on several frames count by the thickness that each frame owns, where it is known.
    """
    drawn = [(i, part, part.shape) for i, part in enumerate(slices) if part.shape is not None]
    if not any(leaves_image(shape, part.frame.shape) for _, part, shape in drawn):
        return 0.0
    inside = whole = 0.0
    for i, part, shape in drawn:
        thick = 1.0 if space is None else space.thickness[i]
        found = inside_and_whole(shape, part.frame.shape, part.lengths)
        inside, whole = inside + thick * found[0], whole + thick * found[1]
    return min(max(1.0 - inside / whole, 0.0), 1.0) if whole else None


def _touches_border(part: Slice) -> bool:
    spans, (rows, columns) = part.spans, part.frame.shape
    if part.shape is None or not len(spans.row):
        return False
    return bool(
        spans.row[0] == 0
        or spans.row[-1] == rows - 1
        or spans.start.min() == 0
        or spans.stop.max() == columns
    )


def _flags(
    region: Region,
    slices: Sequence[Slice],
    metrics: ShapeMetrics,
    share: float,
    outside: float | None,
) -> list[str]:
    wholly = outside is not None and outside > 1 - _MISSED
    flat = isinstance(region.shape, Polygon | Ellipse)
    found = {
        "unclosed": region.is_open,
        "closed-on-request": any(note.startswith("closed on request") for note in region.notes),
        "self-crossing": metrics.self_crossing,
        "outside-image": wholly,
        "partly-outside-image": not wholly and (outside is None or outside > _MISSED),
        "partly-off-planes": share < 1 - _MISSED,
        "off-plane": flat and any((part.distance or 0.0) > _OFF_PLANE for part in slices),
        **dict.fromkeys((flag for part in slices for flag in part.scale.flags), True),
        "anisotropic": any(part.scale.is_anisotropic for part in slices),
    }
    return [flag for flag, holds in found.items() if holds]
