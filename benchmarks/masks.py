"""From a polygon to its pixels."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

import imageregion as ir
from benchmarks.agreement import same_centres, same_up_to_the_boundary
from benchmarks.inputs import FloatArray, Mask, Outline
from benchmarks.task import REFERENCE, Library

__all__ = ["MASKS", "SKIMAGE", "geojson", "mask_opencv", "mask_rasterio", "rounded_vertices"]


def spans_imageregion(given: Outline) -> ir.Spans:
    return ir.rasterize(ir.Polygon([given.xy]), given.shape)


def mask_imageregion(given: Outline) -> Mask:
    return spans_imageregion(given).to_mask()


def rounded_vertices(given: Outline) -> tuple[NDArray[np.int32], tuple[int, int]]:
    return np.rint(given.xy - 0.5).astype(np.int32), given.shape


def mask_opencv(prepared: tuple[NDArray[np.int32], tuple[int, int]]) -> NDArray[np.uint8]:
    import cv2

    vertices, shape = prepared
    mask = np.zeros(shape, dtype=np.uint8)
    cv2.fillPoly(mask, [vertices], 1)
    return mask


def geojson(given: Outline) -> tuple[dict[str, Any], tuple[int, int]]:
    closed = np.concatenate([given.xy, given.xy[:1]])
    return {"type": "Polygon", "coordinates": [closed.tolist()]}, given.shape


def mask_rasterio(prepared: tuple[dict[str, Any], tuple[int, int]]) -> Any:
    from rasterio.features import rasterize

    geometry, shape = prepared
    return rasterize([(geometry, 1)], out_shape=shape, dtype="uint8")


def row_column_centres(given: Outline) -> tuple[FloatArray, tuple[int, int]]:
    return given.xy[:, ::-1] - 0.5, given.shape


def mask_skimage(prepared: tuple[FloatArray, tuple[int, int]]) -> Any:
    draw: Any = import_module("skimage.draw")
    vertices, shape = prepared
    return draw.polygon2mask(shape, vertices)


def as_mask(result: Any) -> Mask:
    return np.asarray(result).astype(np.bool_)


MASKS = {
    REFERENCE: Library(mask_imageregion, "imageregion", same_centres),
    "imageregion, spans only": Library(
        spans_imageregion,
        "imageregion",
        same_centres,
        finish=lambda spans: spans.to_mask(),
        note="the pixels as runs, which is all that statistics and overlays need",
    ),
    "OpenCV fillPoly": Library(
        mask_opencv,
        "cv2",
        same_up_to_the_boundary,
        prepare=rounded_vertices,
        finish=as_mask,
        note="another rule: vertices rounded to whole pixels, boundary pixels included",
    ),
    "rasterio rasterize": Library(
        mask_rasterio, "rasterio", same_centres, prepare=geojson, finish=as_mask
    ),
}
SKIMAGE = Library(mask_skimage, "skimage", same_centres, prepare=row_column_centres, finish=as_mask)
