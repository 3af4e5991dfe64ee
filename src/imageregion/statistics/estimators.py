"""The mean of a region whose boundary runs through pixels, by four named estimators.

A pixel on the boundary shows a mixture of inside and outside. What it should count depends on the
question, so every estimator has a name and none is silently chosen:

==========  ====================================================================================
center      mean of the pixels whose centre lies inside
weighted    mean of all pixels touched, each weighted by the share of it that is covered
core        mean of the pixels that are covered wholly
unmixed     value of the inside in the model that a pixel of coverage c shows c * inside +
            (1 - c) * outside, fitted by least squares to all pixels touched
==========  ====================================================================================

`weighted` moves least when a region is shifted by parts of a pixel, but is biased towards the
outside, as `center` is; `core` and `unmixed` are not, as long as pixels do mix their contents by
area. `core` gives up the boundary; `unmixed` uses it, and works where no pixel is covered wholly.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray
from imageregion.errors import GeometryError
from imageregion.raster import rasterize
from imageregion.shapes import Ellipse, Polygon, Shape
from imageregion.spans import Spans
from imageregion.statistics.pixels import (
    IsPadding,
    MapValues,
    as_stored,
    check_options,
    flat_pixels,
    is_padding_of,
    pixels_under,
)
from imageregion.statistics.summary import moments

__all__ = ["Estimator", "estimate_mean"]

Estimator = Literal["center", "weighted", "core", "unmixed"]
"""How the mean of a region is estimated from pixels that are covered in part."""

_SAME = 1e-9  # coverages that differ by less tell nothing about the outside


def estimate_mean(
    region: Shape | Spans,
    pixels: NDArray[Any],
    estimator: Estimator,
    *,
    value_map: MapValues | None = None,
    is_padding: IsPadding | None = None,
) -> float | None:
    """Estimate the mean value inside a region.

    Parameters
    ----------
    region : Shape or Spans
        An area in pixels, (column, row); or the spans of one: by the rule "center" for the
        estimator of this name, by the rule "exact" for the others.
    pixels : ndarray of numbers, shape (rows, columns)
        Real values, or stored values together with `value_map` and `is_padding`; padding, NaN and
        infinities are left out.
    estimator : {"center", "weighted", "core", "unmixed"}
        See the module.
    value_map, is_padding : optional
        As for `summarize`.

    Returns
    -------
    float or None
        None where it is not determined: no pixels; for "core" no pixel covered wholly; for
        "unmixed" all pixels covered alike (to 1e-9) but not wholly. When all are covered wholly,
        "unmixed" is their mean.

    Raises
    ------
    GeometryError
        On an unknown estimator, shapes that are no areas, pixels that are no image, partial weights
        for "center", weights above 1 (lengths of lines) for the others, or what `rasterize` and
        `moments` raise.

    Examples
    --------
    A square of value 16 on a background of 0, its edges within pixels:

    >>> from imageregion import Polygon
    >>> square = Polygon([[[0.25, 0.25], [2.25, 0.25], [2.25, 2.25], [0.25, 2.25]]])
    >>> pixels = 16 * rasterize(square, (3, 3), "exact").to_coverage()
    >>> [estimate_mean(square, pixels, name) for name in ("center", "weighted", "core", "unmixed")]
    [12.25, 10.5625, 16.0, 16.0]
    """
    if estimator not in get_args(Estimator):
        raise GeometryError(
            f"estimator: expected one of {list(get_args(Estimator))}, got {estimator!r}"
        )
    check_options(value_map, is_padding)
    spans = _spans(region, pixels, estimator)
    if estimator == "unmixed":
        with np.errstate(over="ignore", invalid="ignore"):
            return _unmixed(spans, pixels, value_map, is_padding)
    if estimator == "core":
        spans = _only(spans, spans.weight == 1.0)
    return moments(spans, pixels, value_map=value_map, is_padding=is_padding).mean


def _spans(region: Shape | Spans, pixels: NDArray[Any], estimator: Estimator) -> Spans:
    rule: Literal["center", "exact"] = "center" if estimator == "center" else "exact"
    if isinstance(region, Spans):
        spans = region
    elif not isinstance(region, Polygon | Ellipse):
        raise GeometryError(
            f"estimate_mean: expected a Polygon, an Ellipse or Spans, got {type(region).__name__}"
        )
    else:
        image = np.asarray(pixels).shape
        if len(image) != 2:
            raise GeometryError(f"pixels: expected shape (rows, columns), got {image}")
        spans = rasterize(region, (image[0], image[1]), rule)
    if estimator == "center" and not spans.is_whole:
        raise GeometryError("estimator center: expected whole pixels, got partial weights")
    if estimator != "center" and (spans.weight > 1.0).any():
        raise GeometryError(
            f"estimator {estimator}: expected coverage of an area, got weights up to "
            f"{spans.weight.max()}"
        )
    return spans


def _only(spans: Spans, chosen: NDArray[np.bool_]) -> Spans:
    return Spans._trusted(
        spans.row[chosen],
        spans.start[chosen],
        spans.stop[chosen],
        spans.weight[chosen],
        spans.shape,
    )


def _unmixed(
    spans: Spans,
    pixels: NDArray[Any],
    value_map: MapValues | None,
    is_padding: IsPadding | None,
) -> float | None:
    """Fit value = inside + slope * uncovered; whole pixels enter by their number and mean."""
    cut = spans.weight != 1.0
    core = moments(_only(spans, ~cut), pixels, value_map=value_map, is_padding=is_padding)
    values, uncovered = _partial(spans, pixels, cut, value_map, is_padding)
    if not len(values):
        return core.mean
    n = core.count + len(values)
    whole = core.mean or 0.0
    origin = float(values[0])  # deviations are taken from it, so that large offsets cancel
    mean = (core.count * (whole - origin) + float((values - origin).sum())) / n
    bare = float(uncovered.sum()) / n
    across = uncovered - bare
    spread = float((across**2).sum()) + core.count * bare**2
    if spread <= n * _SAME**2:
        return None
    joint = float((across * (values - origin - mean)).sum())
    joint -= core.count * bare * (whole - origin - mean)
    inside = origin + mean - joint / spread * bare
    return inside if math.isfinite(inside) else None


def _partial(
    spans: Spans,
    pixels: NDArray[Any],
    cut: NDArray[np.bool_],
    value_map: MapValues | None,
    is_padding: IsPadding | None,
) -> tuple[FloatArray, FloatArray]:
    """Values of the pixels covered in part, and the share of each that is not covered."""
    stored = as_stored(pixels_under(spans, flat_pixels(pixels, spans.shape), cut))
    uncovered = np.repeat(1.0 - spans.weight[cut], (spans.stop - spans.start)[cut])
    values = np.asarray(stored if value_map is None else value_map(stored), dtype=np.float64)
    kept = np.isfinite(values) & ~is_padding_of(is_padding, stored)
    return values[kept], uncovered[kept]
