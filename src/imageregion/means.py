"""Means: the mean of a region on its frames by every named estimator at partial volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.codes import ESTIMATORS
from imageregion.counting import Values, rasterized
from imageregion.measurement import Slice
from imageregion.raster import Rule
from imageregion.settings import Settings
from imageregion.spans import Spans
from imageregion.statistics.estimators import estimate_mean
from imageregion.statistics.pixels import flat_pixels, pixels_under

__all__ = ["estimated_means"]

_RULES: tuple[Rule, Rule] = ("center", "exact")


def estimated_means(slices: Sequence[Slice], settings: Settings) -> Values:
    """Return ``mean_center``, ``mean_weighted``, ``mean_core`` and ``mean_unmixed`` of an area.

    All frames are fitted together. Values outside a range that was asked for are left out; the
    outlier filter, which is about single pixels and not about mixtures, does not apply.
    """
    center, exact = (
        _gathered(
            slices if settings.rule == rule else rasterized(slices, replace(settings, rule=rule)),
            settings,
        )
        for rule in _RULES
    )
    unit = slices[0].frame.unit
    values: Values = {}
    for name in ESTIMATORS:
        spans, pixels = center if name == "center" else exact
        mean = estimate_mean(spans, pixels, name) if spans.count else None
        values[f"mean_{name}"] = (mean, unit)
    return values


def _gathered(slices: Sequence[Slice], settings: Settings) -> tuple[Spans, FloatArray]:
    """Lay the pixels of all slices out in one row, NaN where they do not count."""
    length = np.concatenate([part.spans.stop - part.spans.start for part in slices])
    weight = np.concatenate([part.spans.weight for part in slices])
    stop = np.cumsum(length)
    values = np.concatenate([_values(part, settings) for part in slices])
    row = np.zeros(len(stop), dtype=np.int64)
    spans = Spans(row, stop - length, stop, weight, (1, len(values)))
    return spans, values[None]


def _values(part: Slice, settings: Settings) -> FloatArray:
    frame = part.frame
    stored = pixels_under(part.spans, flat_pixels(frame.stored, frame.shape))
    values = np.array(frame.value_map(stored), dtype=np.float64)
    values[frame.is_padding(stored)] = np.nan
    low, high = settings.resegment or (None, None)
    if low is not None:
        values[values < low] = np.nan
    if high is not None:
        values[values > high] = np.nan
    return values
