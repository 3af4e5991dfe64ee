"""Combine: all regions of a selection as one region of interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.locate import owned_thickness
from imageregion.measurement import RegionResult, Slice
from imageregion.metrics import combined_area
from imageregion.raster import Rule
from imageregion.region import Region, Target
from imageregion.results import Values, assembled_result, counted_extent
from imageregion.shapes import Ellipse, Polygon
from imageregion.spans import Spans, combine_spans

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["combined_result"]

_SHARED_FLAGS = ("closed-on-request", "partly-off-planes", "off-plane", "no-spacing", "unclosed")


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """What all regions together cover of one frame."""

    slice: Slice
    areas: tuple[Polygon | Ellipse, ...]
    overlap: bool


def combined_result(results: Sequence[RegionResult], images: Images, rule: Rule) -> RegionResult:
    """Measure all regions that have pixels as one: even-odd within a plane, stacked over planes.

    Points and lines are added to the areas. The volume of flat areas on several planes is the sum
    of area times the thickness that each plane owns.

    Raises
    ------
    PlacementError
        When nothing was measured, or the regions lie on several series.
    """
    slices = [part for result in results for part in result.slices]
    series = sorted({part.frame.series for part in slices})
    if not slices:
        raise PlacementError("expected at least one region that could be measured, got none")
    if len(series) > 1:
        raise PlacementError(f"expected regions on images of one series, got {series}")
    layers = [_layer(parts) for parts in _by_frame(slices)]
    merged = tuple(layer.slice for layer in layers)
    values = _extent(layers, images) | counted_extent(None, merged, images)
    flags = [flag for flag in _SHARED_FLAGS if any(flag in result.flags for result in results)]
    if any(layer.overlap for layer in layers):
        flags.append("overlapping-regions")
    if any(not result.slices for result in results):
        flags.append("regions-missing")
    notes = tuple(dict.fromkeys(note for r in results for note in r.region.notes))
    first = slices[0].frame
    target = Target(first.study, first.series, frame_of_reference=first.frame_of_reference)
    region = Region(None, target, "combined", "ImagingSelection", "combined", notes)
    return assembled_result(region, merged, values, None, flags, rule)


def _by_frame(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Group slices by frame, frames in order along the normal of the first plane."""
    groups: dict[tuple[str, int], list[Slice]] = {}
    for part in slices:
        groups.setdefault((part.frame.instance, part.frame.number), []).append(part)
    planes = [parts[0].frame.plane for parts in groups.values()]
    if planes[0] is None:
        return list(groups.values())
    normal = planes[0].normal
    height = [0.0 if plane is None else float(plane.origin @ normal) for plane in planes]
    ordered = sorted(zip(height, groups.values(), strict=True), key=lambda pair: pair[0])
    return [parts for _, parts in ordered]


def _layer(parts: Sequence[Slice]) -> _Layer:
    frame = parts[0].frame
    areas = [part for part in parts if isinstance(part.shape, Polygon | Ellipse | None)]
    others = [part.spans for part in parts if not isinstance(part.shape, Polygon | Ellipse | None)]
    filled = Spans.empty(frame.shape)
    if areas:
        filled = combine_spans([part.spans for part in areas], "xor")
    spans = combine_spans([filled, *others], "union")
    overlap = filled.count != sum(part.spans.count for part in areas)
    shapes = tuple(p.shape for p in areas if isinstance(p.shape, Polygon | Ellipse))
    distance = max((p.distance for p in parts if p.distance is not None), default=None)
    return _Layer(Slice(frame, None, spans, distance), shapes, overlap)


def _extent(layers: Sequence[_Layer], images: Images) -> Values:
    """Area on a single plane, volume over several."""
    areas = [_area(layer) for layer in layers if layer.areas]
    if not areas:
        return {}
    if len(layers) == 1:
        in_patient = layers[0].slice.frame.plane is not None
        return {"area": (areas[0], "mm2" if in_patient else "{pixels}")}
    frames: list[Frame] = [layer.slice.frame for layer in layers if layer.areas]
    owned = owned_thickness(frames, images)
    if owned is None:
        return {}
    known = [area * thick for area, thick in zip(areas, owned, strict=True) if area is not None]
    return {"volume": (sum(known) if len(known) == len(areas) else None, "mm3")}


def _area(layer: _Layer) -> float | None:
    plane = layer.slice.frame.plane
    if plane is None:
        return combined_area(layer.areas)
    return combined_area([plane.to_patient(shape) for shape in layer.areas])
