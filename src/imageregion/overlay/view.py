"""The part of a total pixel matrix that a picture shows: the regions and some way around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import FloatArray
from imageregion.frame import Frame
from imageregion.plane import Plane
from imageregion.quantities import LinearMap
from imageregion.shapes import Shape
from imageregion.spacing import Spacing
from imageregion.spans import Spans

__all__ = ["Box", "box_around", "is_too_large", "reduced_frame", "reduced_shape", "reduced_spans"]

Box = tuple[int, int, int, int]
"""First row, one past the last row, first column, one past the last column."""

_AROUND = 0.2  # of the size of the regions, on each side
_LEAST = 64  # pixels
_SIDE = 2048  # pixels of a picture before it is reduced
_UNSEEN = 1e-12  # share of a pixel
_READ = 1 << 26  # pixels that are decoded for a picture; larger ones have an empty background


def box_around(frame: Frame, shapes: Sequence[Shape]) -> tuple[Box, int]:
    """Choose the part of an image to show, and by how much to reduce it.

    Returns
    -------
    tuple of Box and int
        The sides of the box are multiples of the factor, but for what reaches beyond the image.
    """
    rows, columns = frame.shape
    if not shapes:
        return (0, rows, 0, columns), -(-max(rows, columns) // _SIDE)
    ends = [shape.bounds for shape in shapes]
    low = np.min([low for low, _ in ends], axis=0)
    high = np.max([high for _, high in ends], axis=0)
    around = np.maximum((high - low) * _AROUND, _LEAST)
    left, top = (int(v) for v in np.clip(np.floor(low - around), 0, (columns - 1, rows - 1)))
    right, bottom = (int(v) for v in np.clip(np.ceil(high + around), (1, 1), (columns, rows)))
    box = (top, max(bottom, top + 1), left, max(right, left + 1))
    return box, -(-max(box[1] - box[0], box[3] - box[2]) // _SIDE)


def is_too_large(box: Box) -> bool:
    """Whether so many pixels would have to be decoded that the background stays empty."""
    return (box[1] - box[0]) * (box[3] - box[2]) > _READ


def reduced_frame(frame: Frame, box: Box, factor: int) -> Frame:
    """Return a part of a frame as a frame of its own, each pixel the mean of factor x factor."""
    top, bottom, left, right = box
    shape = (-(-(bottom - top) // factor), -(-(right - left) // factor))
    if is_too_large(box):
        values = np.full((*shape, len(frame.channels)) if frame.channels else shape, np.nan)
    else:
        bands = [
            _mean(frame.read((row, min(row + step, bottom)), (left, right)), factor)
            for step in (factor * max(1, _SIDE // (4 * factor)),)
            for row in range(top, bottom, step)
        ]
        values = np.concatenate(bands)
    plane, spacing = frame.plane, frame.spacing
    if plane is not None:
        first = plane.to_patient([[left + factor / 2, top + factor / 2]])[0]
        plane = Plane(shape, first, plane.axes * factor)
    if spacing is not None:
        spacing = Spacing(spacing.rows * factor, spacing.columns * factor, spacing.source)
    return replace(
        frame,
        load=lambda: values,
        shape=shape,
        plane=plane,
        spacing=spacing,
        value_map=LinearMap(),
        padding=None,
        tiles=None,
    )


def reduced_shape(shape: Shape, box: Box, factor: int) -> Shape:
    """Move a shape onto a part of the frame."""
    moved: Shape = shape.transform(np.eye(2) / factor, -np.array([box[2], box[0]]) / factor)
    return moved


def reduced_spans(spans: Spans, box: Box, factor: int) -> Spans:
    """Move pixels onto a part of the frame; the weight is the share of the factor x factor."""
    top, bottom, left, right = box
    part = spans.crop(slice(top, bottom), slice(left, right))
    if factor == 1:
        return part
    total = _summed(part, factor)
    size = np.outer(
        np.minimum(factor, bottom - top - np.arange(total.shape[0]) * factor),
        np.minimum(factor, right - left - np.arange(total.shape[1]) * factor),
    )
    weight = total / size
    row, column = np.nonzero(weight > _UNSEEN)
    return Spans(row, column, column + 1, weight[row, column], total.shape)


def _summed(part: Spans, factor: int) -> FloatArray:
    """Add up the weight in every block of factor x factor pixels, run by run."""
    rows, columns = (-(-length // factor) for length in part.shape)
    total, rises = np.zeros((rows, columns)), np.zeros((rows, columns + 1))
    weight, row = np.minimum(part.weight, 1.0), part.row // factor
    first, last = part.start // factor, (part.stop - 1) // factor
    short = first == last
    ends = np.where(short, part.stop, (first + 1) * factor)
    np.add.at(total, (row, first), weight * (ends - part.start))
    row, first, last, weight = (values[~short] for values in (row, first, last, weight))
    np.add.at(total, (row, last), weight * (part.stop[~short] - last * factor))
    np.add.at(rises, (row, first + 1), weight * factor)  # whole blocks between the ends
    np.add.at(rises, (row, last), -weight * factor)
    return np.asarray(total + np.cumsum(rises, axis=1)[:, :columns])


def _mean(values: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Mean of blocks; those cut off by the edge are the mean of what they have, NaN spreads."""
    if factor == 1:
        return values
    rows, columns = values.shape[:2]
    down, across = np.arange(0, rows, factor), np.arange(0, columns, factor)
    total = np.add.reduceat(np.add.reduceat(values, down, axis=0), across, axis=1)
    size = np.outer(np.diff(np.append(down, rows)), np.diff(np.append(across, columns)))
    return np.asarray(total / size.reshape(*size.shape, *[1] * (values.ndim - 2)))
