"""How cost grows: with the perimeter for rasterizing, with the area only for reading pixels.

Run: python -m benchmarks.report --plot
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inputs import Organ, Outline, organ, star
from benchmarks.masks import geojson, mask_opencv, mask_rasterio, rounded_vertices
from benchmarks.masks import spans_imageregion as spans
from benchmarks.task import Library, one_thread
from benchmarks.timing import interleaved
from benchmarks.values import MOMENTS

__all__ = ["PICTURE", "plot"]

PICTURE = Path(__file__).with_name("scaling.png")
SIZES = [2**k for k in range(7, 14)]
VERTICES = 1_000
Times = dict[str, list[float]]
"""Library -> milliseconds at every size."""

COLORS = {"imageregion": "#0b6e4f", "OpenCV": "#c8553d", "rasterio": "#3d5a80", "numpy": "#8d6a9f"}


def rasterizers(given: Outline) -> dict[str, Callable[[], Any]]:
    rounded, polygon = rounded_vertices(given), geojson(given)
    return {
        "imageregion": lambda: spans(given),
        "OpenCV": lambda: mask_opencv(rounded),
        "rasterio": lambda: mask_rasterio(polygon),
    }


def readers(given: Organ) -> dict[str, Callable[[], Any]]:
    names = {
        "imageregion": "imageregion, spans ready",
        "OpenCV": "OpenCV meanStdDev, minMaxLoc",
        "numpy": "numpy on a mask",
    }

    def call(library: Library) -> Callable[[], Any]:
        prepared = library.prepare(given)
        return lambda: library.run(prepared)

    return {name: call(MOMENTS[its]) for name, its in names.items()}


def measured(make: Callable[[int], dict[str, Callable[[], Any]]]) -> Times:
    """Time everything at every size."""
    times: Times = {}
    for size in SIZES:
        calls = make(size)
        for call in calls.values():
            call()
        for name, seconds in interleaved(calls).items():
            times.setdefault(name, []).append(seconds * 1e3)
    return times


def plot(to: Path = PICTURE) -> None:
    """Time, and draw both against the size of the image, on logarithmic axes."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    one_thread()
    left = measured(lambda size: rasterizers(star(VERTICES, size)))
    right = measured(lambda size: readers(organ(VERTICES, size)))
    pixels = [float(organ(VERTICES, size).mask.sum()) for size in SIZES]
    style: Any = {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    with plt.rc_context(style):
        figure, (one, two) = plt.subplots(1, 2, figsize=(9.6, 4.0), dpi=110, layout="constrained")
        perimeter = (1, "perimeter", left["imageregion"][-1] / 2.5)
        area = (2, "area", left["rasterio"][-1] * 2.5)
        _panel(one, [float(n) for n in SIZES], left, perimeter, area)
        one.set_title(f"Polygon of {VERTICES:,} vertices to pixels", loc="left", fontsize=11)
        one.set_xlabel("rows and columns of the image")
        one.set_xticks(SIZES, [str(n) for n in SIZES])
        one.minorticks_off()
        one.set_ylabel("milliseconds")
        _panel(two, pixels, right, (1, "area", right["imageregion"][-1] / 2.5))
        two.set_title("Count, mean, spread and range of the pixels", loc="left", fontsize=11)
        two.set_xlabel("pixels of the region")
        figure.savefig(to)
        plt.close(figure)


def _panel(axes: Any, x: list[float], times: Times, *guides: tuple[int, str, float]) -> None:
    """Draw times against x, and lines of (slope, name, height at the right end)."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(visible=True, which="major", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    labels = [(height, f"~ {name}", "#8a8a8a", "normal") for _, name, height in guides]
    for slope, _, height in guides:
        span = np.array([x[-1] / 8, x[-1]])
        axes.plot(span, (span / span[-1]) ** slope * height, color="#9a9a9a", linestyle="--", lw=1)
    for name, y in times.items():
        axes.plot(x, y, marker="o", markersize=4, linewidth=2, color=COLORS[name])
        labels.append((y[-1], name, COLORS[name], "bold"))
    axes.set_xlim(x[0] / 1.25, x[-1] * (x[-1] / x[0]) ** 0.28)
    low, high = axes.get_ylim()
    least = 0.055 * np.log(high / low)  # a line of text
    above = -np.inf
    for height, name, color, weight in sorted(labels):
        above = max(np.log(height), above + least)
        axes.annotate(name, (x[-1], np.exp(above)), (8, 0), textcoords="offset points",
                      color=color, fontweight=weight, va="center")  # fmt: skip
