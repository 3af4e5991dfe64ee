"""Tiling: which encoded frame of a slide holds which part of the total pixel matrix.

A total pixel matrix is cut into tiles of one size, once for each optical path and focal plane
(DICOM PS3.3 C.8.12.4 and C.8.12.14). The frames lie in a fixed order (TILED_FULL), or each one says
where it is (TILED_SPARSE, and all that do not say how they are organized; C.7.6.17.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.tag import BaseTag

from imageregion._arrays import FloatArray, IntArray, read_only
from imageregion.dicom.files.headers import Header, integer, items, numbers, text
from imageregion.dicom.placement.groups import Groups
from imageregion.dicom.slides.overlaps import find_overlap, raster_order
from imageregion.errors import DicomError

__all__ = ["Layer", "like", "matrix_of", "slide_groups", "tile_layers"]

_MAX_SIDE = 2**31 - 1
_MAX_LAYERS = 10_000
_GROUPS = (BaseTag(0x52009229), BaseTag(0x52009230))  # shared, per frame
_POSITION, _PATH = "PlanePositionSlideSequence", "OpticalPathIdentificationSequence"
_COLUMN, _ROW = (f"{axis}PositionInTotalImagePixelMatrix" for axis in ("Column", "Row"))
_HEIGHT = "ZOffsetInSlideCoordinateSystem"


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The tiles of one optical path and focal plane.

    Parameters
    ----------
    path : str
        Optical Path Identifier.
    height : float
        Of the focal plane above the slide, mm.
    corners : ndarray of int, shape (N, 2)
        (row, column) of the first pixel of each tile in the matrix, from 0, in raster order.
    frames : ndarray of int, shape (N,)
        Index of the encoded frame of each tile, from 0.
    follows : bool
        Whether the focal plane follows the specimen from tile to tile; `height` is the median.
    """

    path: str
    height: float
    corners: IntArray
    frames: IntArray
    follows: bool = False


def matrix_of(header: Header) -> tuple[int, int]:
    """Return (rows, columns) of the total pixel matrix.

    Raises
    ------
    DicomError
        When they are no numbers from 1 to 2^31 - 1.
    """
    sides = []
    for keyword in ("TotalPixelMatrixRows", "TotalPixelMatrixColumns"):
        side = integer(header.dataset, keyword, header.uid)
        if not 1 <= side <= _MAX_SIDE:
            raise DicomError(header.uid, f"{keyword}: expected 1 to {_MAX_SIDE}, got {side}")
        sides.append(side)
    return sides[0], sides[1]


def slide_groups(header: Header, count: int) -> Groups:
    """Return the functional groups of a slide, apart from all else the header says.

    Raises
    ------
    DicomError
        When they are damaged, or not one for each frame.
    """
    dataset = header.dataset
    alone = like(dataset, {tag: dataset.get_item(tag) for tag in _GROUPS if tag in dataset.keys()})  # noqa: SIM118
    return Groups(replace(header, dataset=alone), count)


def like(dataset: Dataset, elements: dict[BaseTag, Any]) -> Dataset:
    """Make a dataset of elements that are encoded as those of another one."""
    made = Dataset(elements)
    implicit, little = dataset.original_encoding
    made.set_original_encoding(implicit, little, dataset.original_character_set)
    return made


def tile_layers(
    header: Header, groups: Groups, tile: tuple[int, int], count: int
) -> tuple[Layer, ...]:
    """Find the place of each encoded frame, by optical path and focal plane.

    Parameters
    ----------
    header : Header
    groups : Groups
        From `slide_groups`.
    tile : tuple of int
        (rows, columns) of an encoded frame.
    count : int
        Number of frames.

    Raises
    ------
    DicomError
        When places are not stated, do not fit the matrix or the number of frames, or overlap.
    """
    matrix = matrix_of(header)
    if text(header.dataset, "DimensionOrganizationType").upper() == "TILED_FULL":
        return _full(header, groups, matrix, tile, count)
    if count == 1 and matrix == tile and not groups.has(0, _POSITION):
        corners = read_only(np.zeros((1, 2), dtype=np.int64))
        return (Layer(_paths(header)[0], _base_height(header), corners, _range(0, 1)),)
    return _sparse(header, groups, matrix, tile, count)


def _range(first: int, stop: int) -> IntArray:
    return read_only(np.arange(first, stop, dtype=np.int64))


# --- TILED_FULL ----------------------------------------------------------------------------------


def _full(
    header: Header, groups: Groups, matrix: tuple[int, int], tile: tuple[int, int], count: int
) -> tuple[Layer, ...]:
    """Count frames by column, row, focal plane and optical path (DICOM PS3.3 C.7.6.17.3)."""
    down, across = (-(-side // step) for side, step in zip(matrix, tile, strict=True))
    paths, planes = _paths(header), _plane_count(header, default=1)
    each = down * across
    offset = _check_count(header, (down, across), planes, len(paths), count)
    heights = _heights(header, groups, planes)
    grid = np.empty((down, across, 2), dtype=np.int64)
    grid[..., 0] = (np.arange(down) * tile[0])[:, None]
    grid[..., 1] = np.arange(across) * tile[1]
    corners = read_only(grid.reshape(-1, 2))
    layers = []
    for number, (path, height) in enumerate((p, h) for p in paths for h in heights):
        first = number * each - offset  # frame of the first tile of the layer
        low, high = max(0, -first), min(each, count - first)
        if low < high:
            frames = _range(first + low, first + high)
            layers.append(Layer(path, height, corners[low:high], frames))
    return tuple(layers)


def _check_count(
    header: Header, tiles: tuple[int, int], planes: int, paths: int, count: int
) -> int:
    """Return the number of frames in parts before this one, after checking that all fit."""
    dataset, uid = header.dataset, header.uid
    is_part = bool(text(dataset, "ConcatenationUID"))
    offset = integer(dataset, "ConcatenationFrameOffsetNumber", uid, default=0) if is_part else 0
    total = tiles[0] * tiles[1] * planes * paths
    if not 0 <= offset <= total - count or (not is_part and count != total):
        raise DicomError(
            uid,
            f"TILED_FULL: expected {total} frames, {tiles[0]} x {tiles[1]} tiles in {planes} focal "
            f"planes and {paths} optical paths, got {count}"
            + (f" behind the first {offset}" if is_part else ""),
        )
    return offset


def _plane_count(header: Header, default: int) -> int:
    planes = integer(header.dataset, "TotalPixelMatrixFocalPlanes", header.uid, default=default)
    if not 0 <= planes <= _MAX_LAYERS:
        raise DicomError(
            header.uid, f"TotalPixelMatrixFocalPlanes: expected 1 to {_MAX_LAYERS}, got {planes}"
        )
    return planes or default


def _paths(header: Header) -> list[str]:
    """Return the identifiers of the optical paths in their order, at least one."""
    sequence = items(header.dataset, "OpticalPathSequence")
    stated = integer(header.dataset, "NumberOfOpticalPaths", header.uid, default=len(sequence) or 1)
    if not 1 <= stated <= _MAX_LAYERS or (sequence and stated != len(sequence)):
        raise DicomError(
            header.uid,
            f"NumberOfOpticalPaths: {stated}, but OpticalPathSequence has {len(sequence)} items",
        )
    names = [text(item, "OpticalPathIdentifier") for item in sequence]
    return [name or str(number) for number, name in enumerate(names or [""] * stated, start=1)]


def _heights(header: Header, groups: Groups, planes: int) -> list[float]:
    """Return the heights of focal planes, from the slide up, mm."""
    base = _base_height(header)
    if planes == 1:
        return [base]
    measures = groups.header(0, "PixelMeasuresSequence").dataset
    step = numbers(measures, "SpacingBetweenSlices", header.uid)
    if len(step) != 1 or step[0] <= 0:
        raise DicomError(
            header.uid,
            f"SpacingBetweenSlices: expected the mm between the {planes} focal planes, got {step}",
        )
    return [base + number * step[0] for number in range(planes)]


def _base_height(header: Header) -> float:
    """Return the height of the origin, mm; DICOM states it in micrometres (C.8.12.14)."""
    for item in items(header.dataset, "TotalPixelMatrixOriginSequence")[:1]:
        for value in numbers(item, _HEIGHT, header.uid)[:1]:
            return value / 1000
    return 0.0


# --- TILED_SPARSE --------------------------------------------------------------------------------


def _sparse(
    header: Header, groups: Groups, matrix: tuple[int, int], tile: tuple[int, int], count: int
) -> tuple[Layer, ...]:
    """Take the place of each frame from its own functional groups (C.8.12.6.1)."""
    corners, heights, paths = _stated_places(header, groups, count)
    outside = ((corners < 0) | (corners >= matrix)).any(axis=1)
    if outside.any():
        index = int(np.argmax(outside))
        row, column = corners[index] + 1
        raise DicomError(
            header.uid,
            f"frame {index + 1} begins at row {row}, column {column}, outside of the total pixel "
            f"matrix of {matrix[0]} x {matrix[1]}",
        )
    stated = _plane_count(header, default=1)
    layers: list[Layer] = []
    for path in dict.fromkeys([*_known_paths(header), *sorted(set(paths))]):
        frames = np.flatnonzero(paths == path)
        frames = frames[raster_order(corners[frames])]
        overlap = find_overlap(corners[frames], tile)
        follows = overlap is None and stated == 1
        if follows:
            groups_of_frames = [frames] if len(frames) else []
        else:
            planes = np.unique(heights[frames])
            if len(planes) + len(layers) > _MAX_LAYERS:
                message = f"there are more than {_MAX_LAYERS} focal planes and optical paths"
                raise DicomError(header.uid, message)
            groups_of_frames = [frames[heights[frames] == plane] for plane in planes]
        for members in groups_of_frames:
            _check_overlap(header, corners, members, tile)
            height = float(np.median(heights[members])) / 1000
            place, frame = read_only(corners[members]), read_only(members.astype(np.int64))
            layers.append(Layer(path, height, place, frame, follows))
    return tuple(layers)


def _known_paths(header: Header) -> list[str]:
    sequence = items(header.dataset, "OpticalPathSequence")
    return [text(item, "OpticalPathIdentifier") for item in sequence]


def _stated_places(
    header: Header, groups: Groups, count: int
) -> tuple[IntArray, FloatArray, NDArray[np.object_]]:
    """Return corners from 0, heights in micrometres and optical paths of all frames."""
    corners = np.empty((count, 2), dtype=np.int64)
    heights = np.zeros(count)
    paths = np.empty(count, dtype=np.object_)
    known = _known_paths(header)
    default = path = known[0] if len(known) == 1 else ""
    last: Header | None = None
    for index in range(count):
        place = groups.header(index, _POSITION).dataset
        corners[index, 0] = integer(place, _ROW, header.uid) - 1
        corners[index, 1] = integer(place, _COLUMN, header.uid) - 1
        for height in numbers(place, _HEIGHT, header.uid)[:1]:
            heights[index] = height
        named = groups.header(index, _PATH)  # the same for all frames of a path
        if named is not last:
            last, path = named, text(named.dataset, "OpticalPathIdentifier") or default
        paths[index] = path
    return corners, heights, paths


def _check_overlap(
    header: Header, corners: IntArray, frames: IntArray, tile: tuple[int, int]
) -> None:
    overlap = find_overlap(corners[frames], tile)
    if overlap is not None:
        first, second = sorted(int(frames[index]) + 1 for index in overlap)
        raise DicomError(
            header.uid,
            f"frames {first} and {second} overlap in the total pixel matrix, in the same optical "
            "path and focal plane",
        )
