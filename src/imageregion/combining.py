"""Combine: all regions of a selection as one region of interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from imageregion.boolean import combine
from imageregion.counting import Values, counted_extent, has_lengths, merged_spans
from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.locate import Space, owned_space
from imageregion.measurement import RegionResult, Slice
from imageregion.metrics import combined_area
from imageregion.plane import Plane
from imageregion.raster import rasterize
from imageregion.region import Region, Target
from imageregion.results import assembled_result
from imageregion.settings import Settings
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline
from imageregion.sizing import common_scale
from imageregion.spans import Spans, combine_spans
from imageregion.stack import ROUNDING, Stack, parallel_groups
from imageregion.transfer import image_outline

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["combined_result"]

_SHARED_EDGE = 1e-6
"""Share of the area by which covered parts may differ from the whole by rounding alone."""

_CORNER = 1e-3
"""Pixels by which neighbouring images may seem to overlap by rounding alone."""

_SHARED_FLAGS = (
    "unclosed",
    "closed-on-request",
    "self-crossing",
    "outside-image",
    "partly-outside-image",
    "partly-off-planes",
    "off-plane",
    "no-spacing",
    "outside-calibration",
    "uncalibrated",
    "estimated-spacing",
    "detector-spacing",
    "anisotropic",
)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """What all regions together cover of one frame.

    `covered` is every pixel, `filled` those of areas, `areas` the shapes that fill them.
    """

    covered: Slice
    filled: Slice
    areas: tuple[Polygon | Ellipse, ...]
    overlap: bool


def combined_result(
    results: Sequence[RegionResult], images: Images, settings: Settings, *, moved: bool = False
) -> RegionResult:
    """Measure all regions that have pixels as one: even-odd within a plane, stacked over planes.

    Points and lines are added to the pixels of the areas, and have no extent of their own. Flat
    areas on several planes have as volume the sum of area times the thickness that each plane owns.
    Where an ellipsoid is among the regions only the volume of the pixels is given, because its
    cuts times their thickness would not be its volume. Regions drawn on several planes of other
    images (`moved`) have no volume here: what they stand for between their planes is decided by the
    images they were drawn on.

    Raises
    ------
    PlacementError
        When nothing was measured, or the regions lie on several series.
    """
    used = [result for result in results if result.slices]
    slices = [part for result in used for part in result.slices]
    series = sorted({part.frame.series for part in slices})
    if not slices:
        raise PlacementError("expected at least one region that could be measured, got none")
    if len(series) > 1:
        raise PlacementError(f"expected regions on images of one series, got {series}")
    _check_positions(slices)
    heights = {id(part): _height(result.region, part) for result in used for part in result.slices}
    layers = [_layer(parts, heights, settings) for parts in _by_frame(slices)]
    if has_lengths(slices, settings) and len({layer.covered.scale.unit for layer in layers}) > 1:
        raise PlacementError("expected lines measured in one unit, got mm and pixels")
    flags = [flag for flag in _SHARED_FLAGS if any(flag in result.flags for result in used)]
    flags += ["overlapping-regions"] if any(layer.overlap for layer in layers) else []
    flags += ["regions-missing"] if len(used) < len(results) else []
    values: Values = {}
    if filled := [layer for layer in layers if layer.areas]:
        solid = any(isinstance(result.region.shape, Ellipsoid) for result in used)
        space = owned_space([layer.filled.frame for layer in filled], images)
        values = {} if solid else _extent(filled, space)
        values |= counted_extent([layer.filled for layer in filled], space, solid)
        flags += ["missing-slices"] if space and space.missing else []
        flags += ["skipped-slices"] if space and space.skipped and not solid else []
    if moved and len(layers) > 1:
        values = {code: size for code, size in values.items() if not code.endswith("volume")}
        flags.append("drawn-elsewhere")
    covered = tuple(layer.covered for layer in layers)
    return assembled_result(_region(used), covered, values, None, flags, settings)


def _check_positions(slices: Sequence[Slice]) -> None:
    """Refuse to mix time points, echoes and the like in one region."""
    planes = [p for p in {s.frame.key: s.frame.plane for s in slices}.values() if p is not None]
    for group in parallel_groups(planes):
        stack = Stack([planes[i] for i in group], slices[0].frame.thickness)
        sharing = np.split(np.array(stack.planes, dtype=object), stack.first[1:])
        if any(_overlap_in_plane(*pair) for some in sharing for pair in combinations(some, 2)):
            raise PlacementError(
                "expected one image at each position, got several (time points, echoes or "
                "b-values?); name those of one by instance.uid"
            )


def _overlap_in_plane(one: Plane, other: Plane) -> bool:
    """Whether two images at one position show the same place; tiles of a slide do not."""
    rows, columns = other.shape
    corners = other.to_patient([[0, 0], [columns, 0], [columns, rows], [0, rows]])
    found = one.to_pixel(corners)
    low, high = found.min(axis=0) + _CORNER, found.max(axis=0) - _CORNER
    return bool((low < one.shape[::-1]).all() and (high > 0).all())


def _region(results: Sequence[RegionResult]) -> Region:
    first = results[0].slices[0].frame
    target = Target(first.study, first.series, frame_of_reference=first.frame_of_reference)
    notes = tuple(dict.fromkeys(note for result in results for note in result.region.notes))
    return Region(None, target, "combined", "ImagingSelection", "combined", notes)


def _by_frame(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Group slices by frame, frames in order along the normal of the first plane."""
    groups: dict[object, list[Slice]] = {}
    for part in slices:
        groups.setdefault(part.frame.key, []).append(part)
    planes = [parts[0].frame.plane for parts in groups.values()]
    if planes[0] is None:
        return list(groups.values())
    normal = planes[0].normal
    height = [0.0 if plane is None else float(plane.origin @ normal) for plane in planes]
    ordered = sorted(zip(height, groups.values(), strict=True), key=lambda pair: pair[0])
    return [parts for _, parts in ordered]


def _height(region: Region, part: Slice) -> float:
    """Where a flat region was drawn, mm above the plane it is counted on."""
    shape, plane = region.shape, part.frame.plane
    if plane is None or not isinstance(shape, Polygon | Ellipse) or shape.dimension == 2:
        return 0.0
    points = shape.center[None] if isinstance(shape, Ellipse) else np.concatenate(shape.rings)
    return float(plane.distance(points).mean())


def _layer(parts: Sequence[Slice], heights: dict[int, float], settings: Settings) -> _Layer:
    frame = parts[0].frame
    shapes: list[Polygon | Ellipse] = []
    fills: list[Spans] = []
    others: list[Spans] = []
    levels: list[float] = []
    lengths = has_lengths(parts, settings)
    for part in parts:
        shape = image_outline(frame) if part.shape is None else part.shape
        if isinstance(shape, Polygon | Ellipse):
            shapes.append(shape)
            fills.append(part.spans)
            levels.append(heights[id(part)])
        else:
            others.append(part.spans)
    drawn = list(zip(shapes, fills, strict=True))
    planes = _by_height(drawn, levels)
    if len(planes) > 1:
        shapes, fills = _united(planes, frame, settings)
    filled = _filled(shapes, fills, frame, settings) if fills else Spans.empty(frame.shape)
    if fills and others and settings.rule == "exact":
        raise PlacementError(
            'rule "exact": expected areas or lines and points, got both; a length cannot be added '
            "to a share of area"
        )
    covered = merged_spans([filled, *others], add=lengths) if others else filled
    distance = max((p.distance for p in parts if p.distance is not None), default=None)
    sized = [p.scale for p in parts if lengths or not isinstance(p.shape, Points | Polyline)]
    scale = common_scale(sized) if sized else parts[0].scale
    return _Layer(
        covered=Slice(frame, None, covered, distance, scale=scale),
        filled=Slice(frame, None, filled, distance, scale=scale),
        areas=tuple(shapes),
        overlap=len(fills) > 1 and _overlap(shapes, frame, filled, fills, settings),
    )


def _filled(
    shapes: Sequence[Polygon | Ellipse],
    fills: Sequence[Spans],
    frame: Frame,
    settings: Settings,
) -> Spans:
    """Pixels inside an odd number of areas."""
    if len(fills) == 1:
        return fills[0]
    if settings.rule == "center":
        return combine_spans(fills, "xor")
    odd = combine(shapes, "xor")
    return Spans.empty(frame.shape) if odd is None else rasterize(odd, frame.shape, settings.rule)


def _by_height(
    drawn: Sequence[tuple[Polygon | Ellipse, Spans]], heights: Sequence[float]
) -> list[list[tuple[Polygon | Ellipse, Spans]]]:
    """Group areas by the plane they were drawn on; written heights differ by rounding."""
    order = np.argsort(heights, kind="stable").tolist()
    groups: list[list[tuple[Polygon | Ellipse, Spans]]] = []
    for before, i in zip([None, *order], order, strict=False):
        if before is None or heights[i] - heights[before] > ROUNDING:
            groups.append([])
        groups[-1].append(drawn[i])
    return groups


def _united(
    planes: Sequence[Sequence[tuple[Polygon | Ellipse, Spans]]], frame: Frame, settings: Settings
) -> tuple[list[Polygon | Ellipse], list[Spans]]:
    """Take areas drawn on several planes and counted on one: even-odd in each, then together."""
    shapes: list[Polygon | Ellipse] = []
    spans: list[Spans] = []
    for drawn in planes:
        here = [shape for shape, _ in drawn]
        one = here[0] if len(here) == 1 else combine(here, "xor")
        if one is not None:
            shapes.append(one)
            spans.append(_filled(here, [fill for _, fill in drawn], frame, settings))
    whole = combine(shapes, "union") if shapes else None
    if whole is None:
        return [], []
    if settings.rule == "center":
        return [whole], [combine_spans(spans, "union")]
    return [whole], [rasterize(whole, frame.shape, settings.rule)]


def _overlap(
    shapes: Sequence[Polygon | Ellipse],
    frame: Frame,
    filled: Spans,
    fills: Sequence[Spans],
    settings: Settings,
) -> bool:
    """Whether areas have more in common than neighbours that share an edge."""
    if settings.rule == "touched":  # neighbours touch the same pixels: coverage tells
        exact = replace(settings, rule="exact")
        fills = [rasterize(shape, frame.shape, "exact") for shape in shapes]
        filled = _filled(shapes, fills, frame, exact)
    total = sum(spans.area for spans in fills)
    rounding = 0.0 if settings.rule == "center" else _SHARED_EDGE * total
    return abs(filled.area - total) > rounding


def _extent(layers: Sequence[_Layer], space: Space | None) -> Values:
    """Area on a single plane, volume over several."""
    areas = [_area(layer) for layer in layers]
    if len(layers) == 1:
        return {"area": (areas[0], layers[0].filled.scale.power("2"))}
    if space is None:
        return {}
    parts = [
        area * thick for area, thick in zip(areas, space.thickness, strict=True) if area is not None
    ]
    return {"volume": (sum(parts) if len(parts) == len(areas) else None, "mm3")}


def _area(layer: _Layer) -> float | None:
    scale = layer.filled.scale
    return combined_area([scale.measured(shape) for shape in layer.areas])
