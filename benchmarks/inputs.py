"""What the tasks work on: made from formulas and a fixed seed, so that everybody gets the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import imageregion as ir
from imageregion._arrays import FloatArray

__all__ = [
    "Circles",
    "FloatArray",
    "Image",
    "Mask",
    "Nuclei",
    "Organ",
    "Outline",
    "circles",
    "nuclei",
    "organ",
    "scan",
    "selection_json",
    "star",
]

Mask = NDArray[np.bool_]
Image = NDArray[np.int16]


@dataclass(frozen=True)
class Outline:
    """A closed outline in pixels, (column, row), origin at the outer corner of the first pixel."""

    xy: FloatArray
    shape: tuple[int, int]


@dataclass(frozen=True)
class Organ:
    """An outline, the image under it, and its mask for libraries that start from one."""

    outline: Outline
    pixels: Image
    mask: Mask


@dataclass(frozen=True)
class Circles:
    """Circles of one radius on an image."""

    centers: FloatArray
    radius: float
    shapes: ir.EllipseArray
    pixels: Image


@dataclass(frozen=True)
class Nuclei:
    """Many small outlines on an image; `xy` has shape (outlines, vertices, 2)."""

    xy: FloatArray
    shapes: ir.PolygonArray
    pixels: Image


@cache
def star(vertices: int, size: int) -> Outline:
    """Draw a smooth, non-convex star with a wavy edge over 29.5 % of a square image."""
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    radius = 0.3 * size * (1 + 0.3 * np.cos(5 * angle) + 0.02 * np.cos(37 * angle))
    column = 0.503 * size + radius * np.cos(angle)
    row = 0.498 * size + radius * np.sin(angle)
    return Outline(np.stack([column, row], axis=1), (size, size))


@cache
def scan(size: int) -> Image:
    """Make a square 16-bit image with values as spread as those of a CT."""
    return np.random.default_rng(1).normal(40, 120, (size, size)).astype(np.int16)


@cache
def organ(vertices: int = 1_000, size: int = 512) -> Organ:
    """Lay a star on an image; 77,466 pixels as it comes."""
    outline = star(vertices, size)
    mask = ir.rasterize(ir.Polygon([outline.xy]), outline.shape).to_mask()
    return Organ(outline, scan(size), mask)


@cache
def circles(count: int = 10_000, radius: float = 5.0, size: int = 4096) -> Circles:
    """Scatter circles over an image; they may overlap but do not leave it."""
    centers = np.random.default_rng(2).uniform(2 * radius, size - 2 * radius, (count, 2))
    return Circles(centers, radius, ir.EllipseArray.circles(centers, radius), scan(size))


@cache
def nuclei(count: int = 100_000, vertices: int = 20, size: int = 4096) -> Nuclei:
    """Scatter outlines like those of cell nuclei, some 10 pixels wide; they may overlap."""
    random = np.random.default_rng(3)
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    radius = random.uniform(3.5, 6.5, (count, 1)) * random.normal(1, 0.08, (count, vertices))
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    xy = random.uniform(12, size - 12, (count, 1, 2)) + radius[:, :, None] * way
    offsets = np.arange(0, (count + 1) * vertices, vertices)
    return Nuclei(xy, ir.PolygonArray(xy.reshape(-1, 2), offsets), scan(size))


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
