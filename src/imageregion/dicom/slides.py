"""Slides: tiled images as one frame for each optical path and focal plane of the whole matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.tag import BaseTag

from imageregion._arrays import FloatArray, IntArray
from imageregion.dicom.formats import frame_count, is_lossy
from imageregion.dicom.groups import Groups
from imageregion.dicom.headers import Header, integer, items, numbers, text
from imageregion.dicom.pixels import PixelCache, Pixels, Refusal, pixels_of
from imageregion.dicom.places import thickness_of
from imageregion.dicom.tiling import Layer, like, matrix_of, slide_groups, tile_layers
from imageregion.dicom.values import highest_of, values_of
from imageregion.errors import DicomError, ImageRegionError, Issue, PlacementError
from imageregion.frame import Frame, Tiles
from imageregion.plane import Plane
from imageregion.spacing import Spacing

__all__ = [
    "MatrixLoader",
    "Part",
    "Slide",
    "SlideTiles",
    "dimensions_of_layers",
    "is_tiled",
    "slide_frames",
]

_MAX_SAMPLES = 1 << 28  # of a matrix that is put together at once
_PER_FRAME = BaseTag(0x52009230)
_LARGEST_SLIDE = 300.0  # mm; glass slides for whole organs are about 200 mm long
_COSINE_TOLERANCE = 1e-3  # as written by scanners, with few digits
_MACROS = (
    *("PixelMeasuresSequence", "PixelValueTransformationSequence", "FrameVOILUTSequence"),
    "RealWorldValueMappingSequence",
)


def is_tiled(header: Header) -> bool:
    """Whether the frames of an image are tiles of a total pixel matrix (DICOM PS3.3 C.8.12.14)."""
    return bool(items(header.dataset, "TotalPixelMatrixColumns"))


def slide_frames(header: Header, cache: PixelCache) -> tuple[tuple[Frame, ...], tuple[Issue, ...]]:
    """Make the frames of a tiled image: its total pixel matrix in each path and focal plane.

    Parameters
    ----------
    header : Header
    cache : PixelCache

    Returns
    -------
    tuple of Frame
        With number 0 and `tiles`. The plane is that of the matrix in slide coordinates, mm:
        TotalPixelMatrixOriginSequence is the centre of its first pixel, offsets along z are in
        micrometres (C.8.12.14). OpticalPathIdentifier and ZOffsetInSlideCoordinateSystem (as
        text, micrometres) are dimensions where there are several.
    tuple of Issue

    Raises
    ------
    DicomError
        When the header is too damaged to know the matrix.
    """
    matrix = matrix_of(header)
    common: dict[str, Any] = {
        "shape": matrix,
        "number": 0,
        "study": text(header.dataset, "StudyInstanceUID"),
        "series": text(header.dataset, "SeriesInstanceUID"),
        "instance": header.uid,
        "frame_of_reference": text(header.dataset, "FrameOfReferenceUID"),
        "modality": text(header.dataset, "Modality"),
        "lossy": is_lossy(header),
    }
    issues: tuple[Issue, ...] = ()
    try:
        count = frame_count(header)
        groups = slide_groups(header, count)
        place, issues = _place(header, groups, matrix)
        pixels = pixels_of(header, cache)
        layers = tile_layers(header, groups, pixels.form.shape, count)
        fields = [_fields(header, groups, pixels, layer, place) for layer in layers]
    except DicomError as error:
        issue = Issue("warning", "no-pixels", header.uid, error.message)
        return (Frame(Refusal(header.uid, error.message), **common),), (*issues, issue)
    issues += _implausible(header, fields[0]["spacing"], matrix)
    apart = dimensions_of_layers(layers)
    slide = Slide(
        pixels,
        _part(header),
        matrix,
        layers,
        tuple(
            common | own | {"dimensions": names} for own, names in zip(fields, apart, strict=True)
        ),
    )
    return tuple(slide.matrix(index) for index in range(len(layers))), issues


def dimensions_of_layers(layers: Sequence[Layer]) -> list[tuple[tuple[str, str], ...]]:
    """Tell layers apart by what differs among them."""
    several = len({layer.path for layer in layers}) > 1, len({la.height for la in layers}) > 1
    names = []
    for layer in layers:
        height = ("ZOffsetInSlideCoordinateSystem", f"{round(layer.height * 1000, 6):g}")
        both = ("OpticalPathIdentifier", layer.path), height
        names.append(tuple(name for name, differ in zip(both, several, strict=True) if differ))
    return names


# --- where the matrix lies -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Origin, and direction cosines of a row and a column, of the total pixel matrix."""

    origin: FloatArray
    cosines: FloatArray


def _place(
    header: Header, groups: Groups, matrix: tuple[int, int]
) -> tuple[_Place | None, tuple[Issue, ...]]:
    """Return where the matrix lies on the slide; None with the reason where that is not stated."""
    origins = items(header.dataset, "TotalPixelMatrixOriginSequence")
    cosines = numbers(header.dataset, "ImageOrientationSlide", header.uid)
    origin = [
        value
        for axis in "XY"
        for value in (
            numbers(origins[0], f"{axis}OffsetInSlideCoordinateSystem", header.uid)[:1]
            if origins
            else []
        )
    ]
    reason = ""
    if len(origin) != 2 or len(cosines) != 6:
        reason = "TotalPixelMatrixOriginSequence or ImageOrientationSlide is not stated"
    else:
        axes = np.array(cosines).reshape(2, 3)
        lengths = np.linalg.norm(axes, axis=1)
        lean = float(axes[0] @ axes[1])
        if max(abs(lengths - 1).max(), abs(lean)) > _COSINE_TOLERANCE:
            reason = (
                "ImageOrientationSlide: expected two perpendicular unit vectors, got lengths "
                f"{lengths[0]:.6g} and {lengths[1]:.6g} with scalar product {lean:.6g}"
            )
    if reason:
        return None, (Issue("warning", "no-plane", header.uid, reason),)
    return _Place(np.array([*origin, 0.0]), axes / lengths[:, None]), ()


def _spacing(header: Header) -> Spacing | None:
    """Return the mm between pixels on the slide; None where they are not stated."""
    spacing = numbers(header.dataset, "PixelSpacing", header.uid)
    if len(spacing) != 2 or min(spacing) <= 0:
        return None
    return Spacing(spacing[0], spacing[1], "patient")


def _plane(
    header: Header, place: _Place | None, matrix: tuple[int, int], height: float
) -> Plane | None:
    spacing = _spacing(header)
    if place is None or spacing is None:
        return None
    sides = place.cosines[0] * spacing.columns, place.cosines[1] * spacing.rows
    axes = np.stack(sides, axis=1)
    try:
        return Plane(matrix, place.origin + np.array([0.0, 0.0, height]), axes)
    except ImageRegionError as error:
        raise DicomError(header.uid, str(error)) from None


def _implausible(
    header: Header, spacing: Spacing | None, matrix: tuple[int, int]
) -> tuple[Issue, ...]:
    """Say that no glass slide is as large as this one: its unit may be wrong."""
    if spacing is None:
        return ()
    sides = matrix[0] * spacing.rows, matrix[1] * spacing.columns
    if max(sides) <= _LARGEST_SLIDE:
        return ()
    message = f"PixelSpacing: the slide is {sides[0]:.6g} x {sides[1]:.6g} mm large by it"
    return (Issue("warning", "implausible-spacing", header.uid, message),)


# --- what the pixels of a layer mean -------------------------------------------------------------


def _fields(
    header: Header, groups: Groups, pixels: Pixels, layer: Layer, place: _Place | None
) -> dict[str, Any]:
    """Return the fields that the frames of one layer have in common."""
    classic = _classic(header, groups, layer)
    plane = _plane(classic, place, matrix_of(header), layer.height)
    fields: dict[str, Any] = {
        "plane": plane,
        "spacing": _spacing(classic),
        "channels": pixels.channels,
        "thickness": thickness_of(classic),
    }
    if pixels.channels:
        return fields | {"highest": highest_of(header)}
    return fields | values_of(classic)


def _classic(header: Header, groups: Groups, layer: Layer) -> Header:
    """Return the header with the functional groups of a layer at its top level."""
    flat = groups.header(int(layer.frames[0]), *_MACROS)
    own = _PER_FRAME in header.dataset.keys()  # noqa: SIM118 - does not parse it
    for index in layer.frames if own else ():
        if groups.header(int(index), *_MACROS) is not flat:
            raise DicomError(
                header.uid,
                f"frames {layer.frames[0] + 1} and {index + 1} are tiles of one matrix, but their "
                "pixel spacing or the meaning of their values differs",
            )
    elements = {
        tag: dataset.get_item(tag)
        for dataset in (header.dataset, flat.dataset)
        for tag in dataset.keys()  # noqa: SIM118
    }
    return replace(header, dataset=like(header.dataset, elements))


# --- frames --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """What an instance says about the concatenation it is part of (DICOM PS3.3 C.7.6.16.1).

    Parameters
    ----------
    concatenation : str
        UID; empty for an instance that is whole.
    source : str
        SOP Instance UID of the whole, as it was before it was split.
    offset : int
        Frames in the parts before.
    """

    concatenation: str = ""
    source: str = ""
    offset: int = 0


def _part(header: Header) -> Part:
    uid = text(header.dataset, "ConcatenationUID")
    if not uid:
        return Part()
    offset = integer(header.dataset, "ConcatenationFrameOffsetNumber", header.uid, default=-1)
    return Part(uid, text(header.dataset, "SOPInstanceUIDOfConcatenationSource"), offset)


@dataclass(frozen=True, slots=True, eq=False)
class Slide:
    """A tiled image: its encoded frames, and where they belong.

    Parameters
    ----------
    pixels : Pixels
        Of the encoded frames.
    part : Part
    shape : tuple of int
        (rows, columns) of the total pixel matrix.
    layers : tuple of Layer
    fields : tuple of mapping
        Fields that the frames of each layer have in common.
    """

    pixels: Pixels
    part: Part
    shape: tuple[int, int]
    layers: tuple[Layer, ...]
    fields: tuple[dict[str, Any], ...]

    def matrix(self, layer: int) -> Frame:
        """Return the total pixel matrix of a layer."""
        tiles = SlideTiles(self, layer)
        fields = self.fields[layer]
        load = MatrixLoader(tiles, self.shape, self.pixels.channels, self.pixels.uid)
        return Frame(load, **(fields | {"tiles": tiles}))

    def encoded(self, number: int) -> Frame:
        """Return an encoded frame by its number, from 1.

        Raises
        ------
        PlacementError
            When there is no such frame.
        """
        for layer, fields in zip(self.layers, self.fields, strict=True):
            found = np.flatnonzero(layer.frames == number - 1)
            if len(found):
                return self._tile(layer.corners[found[0]], number, fields)
        raise PlacementError(
            f"image {self.pixels.uid}: there is no frame {number}, "
            f"the image has {self.pixels.frames.count} frames"
        )

    def _tile(self, corner: IntArray, number: int, fields: dict[str, Any]) -> Frame:
        plane: Plane | None = fields["plane"]
        size = self.pixels.form.shape
        if plane is not None:
            plane = Plane(size, plane.origin + plane.axes @ corner[::-1], plane.axes)
        load = self.pixels.loader(number - 1, self.visible(corner))
        return Frame(load, **(fields | {"shape": size, "number": number, "plane": plane}))

    def visible(self, corner: IntArray) -> tuple[int, int]:
        """Return how many rows and columns of a tile lie within the matrix."""
        size = self.pixels.form.shape
        return (
            min(size[0], self.shape[0] - int(corner[0])),
            min(size[1], self.shape[1] - int(corner[1])),
        )


@dataclass(frozen=True, slots=True, eq=False)
class SlideTiles:
    """The encoded frames of one layer; see `imageregion.frame.Tiles`.

    Parameters
    ----------
    slide : Slide
    layer : int
    """

    slide: Slide
    layer: int

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of every tile, also of those that stick out of the matrix."""
        return self.slide.pixels.form.shape

    @property
    def corners(self) -> IntArray:
        """(row, column) of the first pixel of each tile in the matrix, from 0, shape (N, 2)."""
        return self.slide.layers[self.layer].corners

    def load(self, index: int) -> NDArray[Any]:
        """Return the stored values of the tile at ``corners[index]``.

        Raises
        ------
        DicomError
            When it cannot be decoded.
        """
        layer = self.slide.layers[self.layer]
        visible = self.slide.visible(layer.corners[index])
        return self.slide.pixels.load(int(layer.frames[index]), visible)

    def frame(self, number: int) -> Frame:
        """Return an encoded frame of the instance, of this layer or another, by its number."""
        return self.slide.encoded(number)


@dataclass(frozen=True, slots=True, eq=False)
class MatrixLoader:
    """Puts the tiles of a matrix together when called, if that is no waste of memory.

    Parameters
    ----------
    tiles : Tiles
    shape : tuple of int
        (rows, columns) of the matrix.
    channels : tuple of str
    uid : str
        For messages.
    """

    tiles: Tiles
    shape: tuple[int, int]
    channels: tuple[str, ...]
    uid: str

    def __call__(self) -> NDArray[Any]:
        """Return the stored values of the whole matrix.

        Raises
        ------
        DicomError
            When it is too large, or tiles are missing: there is no stored value for a gap.
        """
        samples = self.shape[0] * self.shape[1] * max(1, len(self.channels))
        if samples > _MAX_SAMPLES:
            raise DicomError(
                self.uid,
                f"the total pixel matrix of {self.shape[0]} x {self.shape[1]} pixels is too large "
                "to be held at once; read a part of it",
            )
        size, corners = self.tiles.shape, self.tiles.corners
        covered = np.minimum(np.array(self.shape) - corners, size).prod(axis=1).sum()
        if covered != self.shape[0] * self.shape[1]:
            raise DicomError(
                self.uid, "tiles of the total pixel matrix are missing; read a part of it"
            )
        whole: NDArray[Any] | None = None
        for index, (top, left) in enumerate(corners):
            tile = self.tiles.load(index)
            if whole is None:
                whole = np.empty((*self.shape, *tile.shape[2:]), dtype=tile.dtype)
            part = whole[top : top + size[0], left : left + size[1]]
            part[...] = tile[: part.shape[0], : part.shape[1]]
        assert whole is not None  # noqa: S101 - all of the matrix is covered
        return whole
