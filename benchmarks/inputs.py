"""What the tasks work on: made from formulas and a fixed seed, so that everybody gets the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import imageregion as ir

FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Outline:
    """A closed outline in pixels, (column, row), origin at the outer corner of the first pixel."""

    xy: FloatArray
    shape: tuple[int, int]


@dataclass(frozen=True)
class Organ:
    """An outline, the image under it, and its mask for libraries that start from one."""

    outline: Outline
    pixels: NDArray[np.int16]
    mask: Mask


@cache
def star(vertices: int, size: int) -> Outline:
    """Draw a smooth, non-convex star with a wavy edge over 29.5 % of a square image."""
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    radius = 0.3 * size * (1 + 0.3 * np.cos(5 * angle) + 0.02 * np.cos(37 * angle))
    column = 0.503 * size + radius * np.cos(angle)
    row = 0.498 * size + radius * np.sin(angle)
    return Outline(np.stack([column, row], axis=1), (size, size))


@cache
def organ() -> Organ:
    """A star of 77,466 pixels on a 16-bit image with values as spread as those of a CT."""
    outline = star(1_000, 512)
    noise = np.random.default_rng(1).normal(40, 120, outline.shape)
    mask = ir.rasterize(ir.Polygon([outline.xy]), outline.shape).to_mask()
    return Organ(outline, noise.astype(np.int16), mask)


@cache
def selection_json() -> bytes:
    """An R5 ImagingSelection with one closed outline of 5,000 vertices, three decimals each."""
    xy = star(5_000, 512).xy.round(3)
    closed = np.concatenate([xy, xy[:1]])
    region = {"regionType": "polyline", "coordinate": closed.reshape(-1).tolist()}
    resource: dict[str, Any] = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "Organ"},
        "studyUid": "1.2.3",
        "seriesUid": "1.2.3.4",
        "instance": [{"uid": "1.2.3.4.5", "imageRegion2D": [region]}],
    }
    return json.dumps(resource).encode()
