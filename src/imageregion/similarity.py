"""Agreement: how well two regions on one grid of pixels match, by overlap and by distance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray, IntArray
from imageregion.errors import GeometryError
from imageregion.spans import Spans

__all__ = ["Agreement", "agreement"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two regions match.

    Parameters
    ----------
    dice : float, optional
        2 |A and B| / (|A| + |B|), in [0, 1].
    jaccard : float, optional
        |A and B| / |A or B|, in [0, 1].
    hausdorff : float, optional
        Largest distance from a surface pixel of one region to the surface of the other.
    hausdorff_95 : float, optional
        The larger of the two 95th percentiles of the distances from one surface to the other.
    mean_surface_distance : float, optional
        Mean of the distances from all surface pixels of both regions to the surface of the other.
    """

    dice: float | None
    jaccard: float | None
    hausdorff: float | None
    hausdorff_95: float | None
    mean_surface_distance: float | None


def agreement(a: Spans, b: Spans, spacing: Sequence[float] | None = None) -> Agreement:
    """Compare two regions on one grid of pixels or voxels.

    Parameters
    ----------
    a, b : Spans
        Of one shape, (rows, columns) or (planes, rows, columns). The order does not matter.
    spacing : sequence of float, optional
        Distance between the centres of neighbours along each axis, in the order of the shape:
        (between rows, between columns), for volumes (between planes, between rows, between
        columns), in mm. Without it distances are in pixels.

    Returns
    -------
    Agreement
        Overlap without unit, distances in mm or pixels. Without a pixel in either region all are
        None. With pixels in one only, the overlap is 0 by its definition and the distances are
        None.

    Raises
    ------
    GeometryError
        On anything but spans, differing shapes, or a spacing that is not one finite number above 0
        per axis.

    Notes
    -----
    Overlap counts pixels by their weight: "A and B" is the sum of the smaller of the two weights of
    each pixel, "A or B" that of the larger, |A| the sum of the weights; for whole pixels these are
    the usual numbers (Taha and Hanbury 2015, doi:10.1186/s12880-015-0068-x, who define all of this
    for fuzzy segmentations too).

    For distances a region is its pixels of weight 0.5 and above. Its surface is those of them that
    have a neighbour outside along some axis (4 neighbours in an image, 6 in a volume); what lies
    outside the image is outside the region. Distances run between the centres of surface pixels,
    each to the nearest of the other surface, and are exact. With d(A, B) the distances from the
    surface of A to that of B, ``hausdorff`` is max(max d(A, B), max d(B, A)), ``hausdorff_95`` is
    max(p95 d(A, B), p95 d(B, A)) with percentiles interpolated linearly, and
    ``mean_surface_distance`` is the mean of d(A, B) and d(B, A) taken together. Libraries differ in
    all of these: some pool the distances before the percentile, some average the two means or take
    the larger, some measure between meshes.

    Examples
    --------
    >>> a, b = Spans([0], [0], [5], [1], (1, 9)), Spans([0], [3], [8], [1], (1, 9))
    >>> found = agreement(a, b, spacing=(2.0, 0.5))
    >>> found.dice, found.jaccard, found.hausdorff, found.mean_surface_distance
    (0.4, 0.25, 1.5, 0.6)
    """
    for spans in (a, b):
        if not isinstance(spans, Spans):
            raise GeometryError(f"agreement: expected Spans, got {type(spans).__name__}")
    if a.shape != b.shape:
        raise GeometryError(f"agreement: expected spans of one shape, got {a.shape} and {b.shape}")
    step = _spacing(spacing, len(a.shape))
    dice, jaccard = _overlap(a, b)
    surface_a, surface_b = _surface(a), _surface(b)
    if not surface_a.count or not surface_b.count:
        return Agreement(dice, jaccard, None, None, None)
    there = _distances(surface_a, surface_b, step)
    back = _distances(surface_b, surface_a, step)
    return Agreement(
        dice,
        jaccard,
        float(max(there.max(), back.max())),
        float(max(np.percentile(there, 95), np.percentile(back, 95))),
        float((there.sum() + back.sum()) / (len(there) + len(back))),
    )


def _spacing(spacing: Sequence[float] | None, axes: int) -> FloatArray:
    try:
        step = np.ones(axes) if spacing is None else np.asarray(spacing, dtype=np.float64)
    except (ValueError, TypeError):
        step = np.zeros(0)
    if step.shape != (axes,) or not (np.isfinite(step) & (step > 0)).all():
        raise GeometryError(
            f"spacing: expected {axes} finite numbers above 0, one per axis, got {spacing!r}"
        )
    return step


def _overlap(a: Spans, b: Spans) -> tuple[float | None, float | None]:
    from imageregion._kernels.sweep import shared_weight

    total = a.area + b.area
    if not total:
        return None, None
    both = shared_weight(a.row, a.start, a.stop, a.weight, b.row, b.start, b.stop, b.weight)
    return float(2 * both / total), float(both / (total - both))


def _surface(spans: Spans) -> Spans:
    """Return the pixels of a region that have a neighbour outside."""
    solid = spans.weight >= 0.5
    row, start, stop = (field[solid] for field in (spans.row, spans.start, spans.stop))
    inner = region = Spans.from_runs(row, start, stop, spans.shape)
    for axis in range(len(region.shape)):
        for way in (-1, 1):
            inner &= region.shift(*(way * (k == axis) for k in range(len(region.shape))))
    return region - inner


def _distances(surface: Spans, other: Spans, step: FloatArray) -> FloatArray:
    """Distance from the centre of each pixel to that of the nearest of the other surface."""
    from scipy.spatial import cKDTree

    found = np.zeros(surface.count)
    apart = surface - other
    if apart.count:
        tree = cKDTree(_centres(other, step))
        found[: apart.count] = tree.query(_centres(apart, step))[0]
    return found


def _centres(spans: Spans, step: FloatArray) -> FloatArray:
    """Places of all pixels, shape (pixels, axes), counted from the centre of the first."""
    length: IntArray = spans.stop - spans.start
    first = np.cumsum(length) - length
    column = np.arange(spans.count) + np.repeat(spans.start - first, length)
    leading = np.unravel_index(np.repeat(spans.row, length), spans.shape[:-1])
    places: NDArray[np.int64] = np.stack([*leading, column], axis=1)
    return places * step
