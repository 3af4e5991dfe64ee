"""Drawing: what is odd about the shapes of regions, before any image is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import shapely

from imageregion._arrays import FloatArray
from imageregion.errors import Issue
from imageregion.metrics import shape_metrics
from imageregion.region import Region
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape

__all__ = ["drawing_issues", "vertices"]

_MANY = 6  # whole numbers by chance, or by an outline along pixels, are likelier for fewer
_NEAR = 1.5  # of the usual distance between vertices
_LARGEST = 100_000  # vertices of lines that are tried for crossings


def drawing_issues(regions: Sequence[Region]) -> list[Issue]:
    """Find what is odd about regions.

    Examples
    --------
    >>> from imageregion.region import Target
    >>> bow = Polygon([[0, 0], [8, 8], [8, 0], [0, 8]])
    >>> print(drawing_issues([Region(bow, Target(), path="ImagingSelection.instance[0]")])[0].code)
    self-crossing
    """
    issues: list[Issue] = []
    known: dict[object, str] = {}
    for region in regions:
        if region.shape is None:
            continue
        issues += _of_shape(region, region.shape)
        target = region.target
        if region.shape.dimension == 3:  # lies where it lies, whatever it is written under
            target = replace(target, instance="", frames=())
        key = (region.type, target, _content(region.shape))
        first = known.setdefault(key, region.path)
        if first != region.path:
            message = f"the same region as {first}; combined, the two cancel each other"
            issues.append(Issue("warning", "duplicate-region", region.path, message))
    return issues


def vertices(region: Region) -> FloatArray | None:
    """Return the points a line or outline was drawn with; None for everything else."""
    if region.type == "interpolated":
        return None
    if isinstance(region.shape, Polygon):
        return region.shape.rings[0]
    return region.shape.coords if isinstance(region.shape, Polyline) else None


def _content(shape: Shape) -> tuple[bytes, ...]:
    match shape:
        case Points() | Polyline():
            return (shape.coords.tobytes(),)
        case Polygon():
            return tuple(ring.tobytes() for ring in shape.rings)
        case Ellipse() | Ellipsoid():
            return shape.center.tobytes(), shape.axes.tobytes()


def _of_shape(region: Region, shape: Shape) -> Iterator[Issue]:
    if shape.dimension == 2:
        yield from _in_pixels(region, shape)
    points = vertices(region)
    if points is not None:
        repeated = int((points[1:] == points[:-1]).all(axis=1).sum())
        if repeated:
            message = f"{repeated} point{'s' * (repeated > 1)} given twice in a row"
            yield Issue("information", "repeated-vertex", region.path, message)
    if isinstance(shape, Polygon) and shape_metrics(shape).self_crossing:
        message = "the outline crosses or touches itself: its area depends on the fill rule"
        yield Issue("warning", "self-crossing", region.path, message)


def _in_pixels(region: Region, shape: Shape) -> Iterator[Issue]:
    low, high = shape.bounds
    if (low >= 0).all() and (high <= 1).all():
        message = (
            "all coordinates lie between 0 and 1, as fractions of the image would; they count "
            "pixels, so the region lies within the first pixel"
        )
        yield Issue("warning", "looks-normalized", region.path, message)
    points = vertices(region)
    if points is None:
        return
    if _nearly_closed(points) and isinstance(shape, Polyline):
        gap = float(np.linalg.norm(points[-1] - points[0]))
        message = (
            f"the ends are {gap:.6g} px apart, no more than neighbours along the line: probably an "
            "area whose first point was not repeated at the end (see close=True, --close)"
        )
        yield Issue("information", "likely-outline", region.path, message)
    if _from_indices(points):
        message = (
            "all coordinates are whole numbers, as indices of pixels are; if they mean centres of "
            "pixels, the region is drawn half a pixel too far up and left"
        )
        yield Issue("information", "whole-numbers", region.path, message)


def _nearly_closed(points: FloatArray) -> bool:
    if not 4 <= len(points) <= _LARGEST:
        return False
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    gap = float(np.linalg.norm(points[-1] - points[0]))
    usual = float(np.median(steps))
    return 0 < gap <= _NEAR * usual and bool(shapely.is_simple(shapely.linearrings(points)))


def _from_indices(points: FloatArray) -> bool:
    """Whether points are whole numbers, and not just corners along the edges of pixels."""
    if len(points) < _MANY or not (points == np.rint(points)).all():
        return False
    steps = np.diff(points, axis=0)
    return bool((steps != 0).all(axis=1).any())
