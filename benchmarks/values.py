"""From a polygon or a ready mask to statistics of the pixels."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

import imageregion as ir
from benchmarks.agreement import Statistics, same_statistics, same_sum
from benchmarks.inputs import Image, Organ
from benchmarks.task import REFERENCE, Library, Seconds

__all__ = ["DISTRIBUTION", "MOMENTS", "ON_COPIES", "mean_alone", "of_copying"]

SpansOnImage = tuple[ir.Spans, Image]

LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Quantiles asked of a distribution."""


def named(count: Any, mean: Any, std: Any, low: Any, high: Any) -> Statistics:
    names = ("count", "mean", "std", "min", "max")
    return dict(zip(names, map(float, (count, mean, std, low, high)), strict=True))


def ready_spans(given: Organ) -> SpansOnImage:
    return ir.rasterize(ir.Polygon([given.outline.xy]), given.outline.shape), given.pixels


def under_mask(given: Organ) -> Image:
    return given.pixels[given.mask]


# Count, mean, spread and range -------------------------------------------------------------------


def moments_of_spans(prepared: SpansOnImage) -> Statistics:
    found = ir.moments(*prepared)
    return named(found.count, found.mean, found.std, found.min, found.max)


def moments_imageregion(given: Organ) -> Statistics:
    return moments_of_spans(ready_spans(given))


def moments_numpy(given: Organ) -> Statistics:
    values = under_mask(given)
    return named(values.size, values.mean(), values.std(), values.min(), values.max())


def bytes_mask(given: Organ) -> tuple[Image, NDArray[np.uint8]]:
    return given.pixels, given.mask.astype(np.uint8)


def moments_opencv(prepared: tuple[Image, NDArray[np.uint8]]) -> Statistics:
    import cv2

    pixels, mask = prepared
    mean, std = cv2.meanStdDev(pixels, mask=mask)
    low, high, _, _ = cv2.minMaxLoc(pixels, mask=mask)
    return named(cv2.countNonZero(mask), mean[0, 0], std[0, 0], low, high)


def itk_images(given: Organ) -> tuple[Any, Any]:
    make: Any = import_module("SimpleITK").GetImageFromArray
    pixels, mask = bytes_mask(given)
    return make(pixels), make(mask)


def moments_itk(prepared: tuple[Any, Any]) -> Statistics:
    found: Any = import_module("SimpleITK").LabelStatisticsImageFilter()
    found.UseHistogramsOff()
    found.Execute(*prepared)
    count = found.GetCount(1)
    population = found.GetSigma(1) * np.sqrt((count - 1) / count)  # ITK divides by count - 1
    return named(count, found.GetMean(1), population, found.GetMinimum(1), found.GetMaximum(1))


MOMENTS = {
    REFERENCE: Library(
        moments_imageregion,
        "imageregion",
        same_statistics,
        note="starts from the polygon; the others below start from a ready mask",
    ),
    "imageregion, spans ready": Library(
        moments_of_spans, "imageregion", same_statistics, prepare=ready_spans
    ),
    "numpy on a mask": Library(moments_numpy, "numpy", same_statistics),
    "OpenCV meanStdDev, minMaxLoc": Library(
        moments_opencv, "cv2", same_statistics, prepare=bytes_mask
    ),
    "SimpleITK LabelStatistics": Library(
        moments_itk, "SimpleITK", same_statistics, prepare=itk_images
    ),
}


# The same, beside the least that reading these pixels can cost -----------------------------------


def two_copies(given: Organ) -> tuple[Image, Image]:
    values = under_mask(given)
    return np.zeros_like(values), values


def copied(prepared: tuple[Image, Image]) -> Image:
    target, values = prepared
    np.copyto(target, values)
    return target


SUM, COPY = "numpy.sum alone", "numpy.copyto alone"

ON_COPIES = {
    SUM: Library(
        lambda values: values.sum(),
        "numpy",
        same_sum,
        prepare=under_mask,
        finish=float,
        note="the sum, nothing else, of the same pixels laid out contiguously beforehand",
    ),
    COPY: Library(
        copied,
        "numpy",
        same_sum,
        prepare=two_copies,
        finish=lambda values: float(values.sum()),
        note="computes nothing: copies the same pixels, laid out contiguously beforehand",
    ),
}


def of_copying(seconds: Seconds) -> str:
    """Say which share of the speed of copying is reached."""
    full, ready = (seconds[COPY] / seconds[mine] for mine in list(MOMENTS)[:2])
    return (
        f"From the polygon to all five numbers the pixels are read at {full:.0%} of the rate at "
        f"which they can be copied, with the spans ready at {ready:.0%}."
    )


# All quantiles and moments -----------------------------------------------------------------------


def with_quantiles(numbers: Statistics, quantiles: Any) -> Statistics:
    return numbers | {f"q{level}": float(q) for level, q in zip(LEVELS, quantiles, strict=True)}


def distribution_of_spans(prepared: SpansOnImage) -> Statistics:
    found = ir.summarize(*prepared)
    numbers = named(found.count, found.mean, found.std, found.min, found.max)
    return with_quantiles(numbers, [found.quantile(level) for level in LEVELS])


def distribution_imageregion(given: Organ) -> Statistics:
    return distribution_of_spans(ready_spans(given))


def mean_of_spans(prepared: SpansOnImage) -> Statistics:
    found = ir.moments(*prepared)
    assert found.mean is not None
    return {"mean": found.mean}


def distribution_numpy(values: Image) -> Statistics:
    numbers = named(values.size, values.mean(), values.std(), values.min(), values.max())
    return with_quantiles(numbers, np.quantile(values, LEVELS))


READY, MEAN = "imageregion, spans ready", "imageregion, mean alone, spans ready"

DISTRIBUTION = {
    REFERENCE: Library(distribution_imageregion, "imageregion", same_statistics),
    READY: Library(distribution_of_spans, "imageregion", same_statistics, prepare=ready_spans),
    MEAN: Library(mean_of_spans, "imageregion", same_statistics, prepare=ready_spans),
    "numpy on the values": Library(
        distribution_numpy,
        "numpy",
        same_statistics,
        prepare=under_mask,
        note="the values under the mask laid out contiguously beforehand",
    ),
}


def mean_alone(seconds: Seconds) -> str:
    """Say what the whole distribution costs."""
    return f"The whole distribution takes {seconds[READY] / seconds[MEAN]:.1f}x the mean alone."
