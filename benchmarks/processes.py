"""What only a process of its own can tell: peak memory, and how long the first answer takes.

Run: python -m benchmarks.processes peak moments
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import imageregion as ir
from benchmarks.inputs import Image, Outline, star

__all__ = ["memory", "starts"]

ROOT = Path(__file__).parents[1]
SIZE = 8_192
SMALL = 256
MASK = SIZE * SIZE  # bytes of a boolean mask

Statistic = Callable[[ir.Spans, Image], object]


def by_moments(spans: ir.Spans, pixels: Image) -> object:

    return ir.moments(spans, pixels).std


def by_distribution(spans: ir.Spans, pixels: Image) -> object:
    found = ir.summarize(spans, pixels)
    return found.std, found.median


def by_mask(spans: ir.Spans, pixels: Image) -> object:
    values = pixels[spans.to_mask()]
    return values.mean(), values.std(), values.min(), values.max()


def by_opencv(spans: ir.Spans, pixels: Image) -> object:
    import cv2

    mask = spans.to_mask().view(np.uint8)
    return cv2.meanStdDev(pixels, mask=mask), cv2.minMaxLoc(pixels, mask=mask)


WAYS: dict[str, tuple[Statistic, str]] = {
    "moments": (by_moments, "imageregion: count, mean, spread and range"),
    "distribution": (by_distribution, "imageregion: the whole distribution"),
    "mask": (by_mask, "numpy: a mask, then the values under it"),
    "opencv": (by_opencv, "OpenCV: a mask, then meanStdDev and minMaxLoc"),
}


def peak(way: str) -> int:
    """Return by how many bytes a process grows at most from a polygon to its statistics."""
    statistic = WAYS[way][0]
    pixels = np.empty((SIZE, SIZE), dtype=np.int16)
    for line, row in enumerate(pixels):  # little by little, so that the peak is not made here
        row[:] = np.random.default_rng(line).integers(-1_000, 1_000, SIZE, dtype=np.int16)

    def work(outline: Outline, image: Image) -> object:
        spans = ir.rasterize(ir.Polygon([outline.xy]), outline.shape)
        return statistic(spans, image)

    work(star(2_000, SMALL), np.ascontiguousarray(pixels[:SMALL, :SMALL]))  # code is loaded
    outline = star(2_000, SIZE)
    before = memory_held("VmRSS")
    work(outline, pixels)
    return memory_held("VmHWM") - before


def memory_held(what: str) -> int:
    """Return how many bytes this process holds (VmRSS) or has held at most (VmHWM, on any system).

    On Linux `getrusage` counts what the parent held, too, before it became this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition(f"{what}:")[2].split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def first_measurement() -> int:
    """Measure the selection of the demo, and return how many regions there were."""
    from imageregion.demo import demo_image, demo_selection

    report = ir.measure(ir.read_selection(demo_selection()), ir.open_images(demo_image()))
    return len(report.results)


def of_child(*arguments: str, cache: str | None = None) -> tuple[float, int]:
    """Run this module in a process of its own; return its seconds and what it prints."""
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.processes", *arguments],
        cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return time.perf_counter() - begin, json.loads(done.stdout)


def memory() -> str:
    """Say how much memory statistics of a large region need; Markdown."""
    lines = [
        "| way | peak extra memory | share of a boolean mask |",
        "|---|---:|---:|",
    ]
    for way, (_, name) in WAYS.items():
        try:
            _, size = of_child("peak", way)
        except subprocess.CalledProcessError as error:
            lines.append(f"| {name} | | failed: {error.stderr.strip().splitlines()[-1]} |")
            continue
        lines.append(f"| {name} | {size / 2**20:.1f} MiB | {size / MASK:.1%} |")
    return (
        f"**Memory.** From a polygon of 2,000 vertices to statistics of its "
        f"{0.295 * MASK / 1e6:.0f} million pixels on a 16-bit image of {SIZE} x {SIZE}: by how "
        "much the process grows at most, after the same on a small image.\n\n" + "\n".join(lines)
    )


def starts() -> str:
    """Say how long a new process takes to its first measurement; Markdown."""
    with tempfile.TemporaryDirectory() as cache:
        cold, count = of_child("first", cache=cache)
        warm = min(of_child("first", cache=cache)[0] for _ in range(3))
    return (
        f"**First answer.** A new process that reads the demo's selection and image and measures "
        f"its {count} regions, from the start of Python to the end, imports included.\n\n"
        "| process | time |\n|---|---:|\n"
        f"| the very first: every kernel it needs is compiled | {cold:.1f} s |\n"
        f"| any later one: kernels come from the cache | {warm:.2f} s |"
    )


def main() -> None:
    """Do one thing in this process and print a number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["peak", "first"])
    parser.add_argument("way", nargs="?", choices=list(WAYS))
    wanted = parser.parse_args()
    print(first_measurement() if wanted.what == "first" else peak(wanted.way))


if __name__ == "__main__":
    main()
