"""Means: the mean of a region on its frames by every named estimator at partial volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray
from imageregion.blocks import Block, blocks_under, read_ahead
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
    blocks = (block for part in slices for block in blocks_under(part.frame, part.spans))
    read = [(block.spans, _values(block, stored, settings)) for block, stored in read_ahead(blocks)]
    length = np.concatenate([spans.stop - spans.start for spans, _ in read] or [np.empty(0, int)])
    weight = np.concatenate([spans.weight for spans, _ in read] or [np.empty(0)])
    stop = np.cumsum(length)
    values = np.concatenate([found for _, found in read] or [np.empty(0)])
    row = np.zeros(len(stop), dtype=np.int64)
    spans = Spans(row, stop - length, stop, weight, (1, len(values)))
    return spans, values[None]


def _values(block: Block, pixels: NDArray[Any], settings: Settings) -> FloatArray:
    frame = block.frame
    stored = pixels_under(block.spans, flat_pixels(pixels, block.spans.shape))
    values = np.array(frame.value_map(stored), dtype=np.float64)
    values[frame.is_padding(stored)] = np.nan
    low, high = settings.resegment or (None, None)
    if low is not None:
        values[values < low] = np.nan
    if high is not None:
        values[values > high] = np.nan
    return values
