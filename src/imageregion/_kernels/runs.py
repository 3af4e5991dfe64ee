"""Pixels under runs: copied out of an image, or painted into one."""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["gather", "paint", "paint_mask"]


@kernel
def gather(pixels: Any, row: Any, start: Any, stop: Any) -> Any:
    """Copy pixels[row[i], start[i]:stop[i]] of every run, in order; pixels (rows, columns)."""
    total = 0
    for i in range(len(row)):
        total += stop[i] - start[i]
    values = np.empty(total, dtype=pixels.dtype)
    n = 0
    for i in range(len(row)):
        for k in range(start[i], stop[i]):
            values[n] = pixels[row[i], k]
            n += 1
    return values


@kernel
def paint(image: Any, row: Any, start: Any, stop: Any, values: Any) -> None:
    """Set image[row[i], start[i]:stop[i]] = values[i] of every run; image (rows, columns)."""
    for i in range(len(row)):
        image[row[i], start[i] : stop[i]] = values[i]


@kernel
def paint_mask(image: Any, row: Any, start: Any, stop: Any) -> None:
    """Set image[row[i], start[i]:stop[i]] = 1 of every run; image uint8 (rows, columns)."""
    for i in range(len(row)):
        image[row[i], start[i] : stop[i]] = 1
