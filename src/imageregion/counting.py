"""Counting: the pixels of a region on its frames, their values, and how far they reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray
from imageregion.blocks import blocks_under, read_ahead
from imageregion.codes import FIRST_ORDER, PIXEL_COUNTS, STATISTICS
from imageregion.frame import Frame
from imageregion.locate import Part, Space
from imageregion.measurement import Slice
from imageregion.quantities import RealWorldMap, TableMap
from imageregion.raster import Rule, rasterize, weighed_line
from imageregion.settings import Settings
from imageregion.shapes import Polyline, Shape
from imageregion.sizing import Values, scale_of
from imageregion.spans import Spans
from imageregion.statistics.summary import Statistics, summarize

__all__ = [
    "Counted",
    "Values",
    "by_channel",
    "count_pixels",
    "counted_extent",
    "has_lengths",
    "merged_spans",
    "pixel_values",
    "rasterized",
]


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Pixel values of a region on all its frames.

    Parameters
    ----------
    statistics : Statistics
        What is left after re-segmentation and without outliers, when these were asked for.
    saturated : bool
        Whether a pixel has the highest value its image can store.
    missing : int
        Pixels that lie in tiles which are not stored; they count as excluded.
    """

    statistics: Statistics
    saturated: bool
    missing: int = 0


def rasterized(parts: Sequence[Part | Slice], settings: Settings) -> tuple[Slice, ...]:
    """Find the pixels of a region on each of its frames, which are read as the wanted quantity.

    Raises
    ------
    DicomError
        When an image does not have that quantity.
    PlacementError
        When a region crosses two ultrasound regions; see `scale_of`.
    """
    slices = []
    for part in parts:
        frame = part.frame.as_value(settings.value)
        if isinstance(part, Slice):
            scale = part.scale
        else:
            scale = scale_of(part.shape, part.frame, settings.uncalibrated)
        lengths = part.lengths
        if lengths is None and isinstance(part.shape, Polyline):
            lengths = scale.lengths(part.shape.coords)
        spans = _spans(part.shape, frame.shape, lengths, settings.rule)
        slices.append(Slice(frame, part.shape, spans, part.distance, lengths, scale))
    return tuple(slices)


def by_channel(slices: Sequence[Slice]) -> dict[str, tuple[Slice, ...]]:
    """Return the slices once for each channel of their images, under "" for one without."""
    channels = slices[0].frame.channels
    if not channels:
        return {"": tuple(slices)}
    return {
        name: tuple(replace(part, frame=part.frame.as_channel(name)) for part in slices)
        for name in channels
    }


def _spans(
    shape: Shape | None, size: tuple[int, int], lengths: FloatArray | None, rule: Rule
) -> Spans:
    """Pixels of one part; lines are weighed by the lengths of their segments."""
    if shape is None:
        return Spans.full(size)
    if rule == "exact" and isinstance(shape, Polyline) and lengths is not None and lengths.any():
        return weighed_line(shape.coords, size, lengths)  # without length it counts as a point
    return rasterize(shape, size, rule)


def merged_spans(parts: Sequence[Spans], *, add: bool = False) -> Spans:
    """Take spans on one image together: whole pixels once, partial weights added up.

    With `add` weights of 1 are added up, too: a length may happen to be 1.
    """
    if len(parts) == 1:
        return parts[0]
    runs = [np.concatenate([getattr(p, name) for p in parts]) for name in ("row", "start", "stop")]
    if not add and all(part.is_whole for part in parts):
        return Spans.from_runs(runs[0], runs[1], runs[2], parts[0].shape)
    length = runs[2] - runs[1]
    columns = parts[0].shape[-1]
    first = np.repeat(np.cumsum(length) - length, length)
    pixel = np.repeat(runs[0] * columns + runs[1], length) + np.arange(length.sum()) - first
    weight = np.repeat(np.concatenate([part.weight for part in parts]), length)
    distinct, place = np.unique(pixel, return_inverse=True)
    row, column = np.divmod(distinct, columns)
    total = np.bincount(place, weight, len(distinct))
    return Spans(row, column, column + 1, total, parts[0].shape)


def count_pixels(slices: Sequence[Slice], settings: Settings) -> Counted:
    """Summarize the pixels of all slices; those a region meets twice on one frame count once."""
    total, saturated = Statistics.of([]), False
    merged = _merged(slices, settings)
    blocks = (block for frame, spans in merged for block in blocks_under(frame, spans))
    read = 0
    for block, stored in read_ahead(blocks):
        frame = block.frame
        found = summarize(
            block.spans, stored, value_map=frame.value_map, is_padding=frame.is_padding
        )
        saturated = saturated or _is_saturated(found, frame, block.spans, stored)
        total += found
        read += block.spans.count
    missing = sum(spans.count for _, spans in merged) - read
    if missing:
        total += Statistics.of([], excluded=missing)
    if settings.resegment is not None:
        total = total.resegmented(*settings.resegment)
    if settings.outliers is not None:
        total = total.without_outliers(settings.outliers)
    return Counted(total, saturated, missing)


def _merged(slices: Sequence[Slice], settings: Settings) -> list[tuple[Frame, Spans]]:
    """Return every frame once, with all pixels of the region on it."""
    by_frame: dict[object, list[Slice]] = {}
    for part in slices:
        by_frame.setdefault(part.frame.key, []).append(part)
    return [
        (
            parts[0].frame,
            merged_spans([p.spans for p in parts], add=has_lengths(parts, settings)),
        )
        for parts in by_frame.values()
    ]


def has_lengths(parts: Sequence[Slice], settings: Settings) -> bool:
    """Whether weights are lengths of lines."""
    return settings.rule == "exact" and any(isinstance(part.shape, Polyline) for part in parts)


def _is_saturated(found: Statistics, frame: Frame, spans: Spans, stored: NDArray[Any]) -> bool:
    if frame.highest is None or not found.count:
        return False
    value_map = frame.value_map
    inner = value_map.inner if isinstance(value_map, RealWorldMap) else value_map
    if isinstance(inner, TableMap):  # several stored values may share the top one
        return summarize(spans, stored, is_padding=frame.is_padding).max == frame.highest
    top = float(np.asarray(value_map(np.array([frame.highest])))[0])
    return top in (found.values[0], found.values[-1])


def pixel_values(statistics: Statistics, unit: str, settings: Settings) -> Values:
    """Read the reported statistics out of the distribution of pixel values."""
    names = STATISTICS if settings.features == "basic" else (*STATISTICS, *FIRST_ORDER)
    values: Values = {}
    for code in names:
        values[code] = (getattr(statistics, code), _unit(code, unit))
    if not statistics.count:
        values["sum"] = (None, unit)
    if settings.resegment is not None or settings.outliers is not None:
        values["outside_range"] = (statistics.outside, "{pixels}")
    return values


def _unit(code: str, unit: str) -> str:
    if code in PIXEL_COUNTS:
        return "{pixels}"
    power = FIRST_ORDER[code].power if code in FIRST_ORDER else 1
    if power == 0 or unit == "1":
        return "1"
    return unit if power == 1 else f"({unit}){power}"


def counted_extent(slices: Sequence[Slice], space: Space | None, solid: bool) -> Values:
    """Area or volume of the pixels themselves, to be read beside those of the shape.

    One slice of something flat has an area; several slices, or those of a solid, have a volume
    when the space they own is known. Partly covered pixels count by their coverage.
    """
    if len(slices) == 1 and not solid:
        scale = slices[0].scale
        area = slices[0].spans.area * scale.pixel_area
        return {"counted_area": (area, scale.power("2"))}
    if space is None:
        return {}
    areas = [part.spans.area * part.frame.plane.pixel_area for part in slices if part.frame.plane]
    volume = sum(area * thick for area, thick in zip(areas, space.thickness, strict=True))
    return {"counted_volume": (volume, "mm3")}
