"""Matrices: total pixel matrices, of which only the tiles that are asked for are decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import IntArray
from imageregion.dicom.pixel_data.pixels import PixelLoader, Pixels
from imageregion.dicom.placement.concatenations import Part
from imageregion.dicom.slides.tiling import Layer
from imageregion.errors import DicomError, PlacementError
from imageregion.frame import Frame, Tiles
from imageregion.plane import Plane

__all__ = ["MatrixLoader", "Slide", "SlideTiles"]

_MAX_SAMPLES = 1 << 28  # of a matrix that is put together at once


@dataclass(frozen=True, slots=True, eq=False)
class Slide:
    """A tiled image: its encoded frames, and where they belong.

    Parameters
    ----------
    pixels : Pixels
        Of the encoded frames.
    part : Part
        With an empty concatenation when it is whole.
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

        Of a tile that sticks out of the matrix only the part within it is an image; what an encoder
        filled the rest with is not said (DICOM PS3.3 C.7.6.17.3).

        Raises
        ------
        PlacementError
            When there is no such frame.
        """
        layer, index = self.find(number)
        return self._tile(self.layers[layer].corners[index], number, self.fields[layer])

    def find(self, number: int) -> tuple[int, int]:
        """Return the layer of an encoded frame, and its index there.

        Raises
        ------
        PlacementError
            When there is no such frame.
        """
        for place, layer in enumerate(self.layers):
            found = np.flatnonzero(layer.frames == number - 1)
            if len(found):
                return place, int(found[0])
        raise PlacementError(
            f"image {self.pixels.uid}: there is no frame {number}, "
            f"the image has {self.pixels.frames.count} frames"
        )

    def _tile(self, corner: IntArray, number: int, fields: dict[str, Any]) -> Frame:
        plane: Plane | None = fields["plane"]
        size = self.visible(corner)
        if plane is not None:
            plane = Plane(size, plane.origin + plane.axes @ corner[::-1], plane.axes)
        load = _Within(self.pixels.loader(number - 1, size), size)
        return Frame(load, **(fields | {"shape": size, "number": number, "plane": plane}))

    def visible(self, corner: IntArray) -> tuple[int, int]:
        """Return how many rows and columns of a tile lie within the matrix."""
        size = self.pixels.form.shape
        return (
            min(size[0], self.shape[0] - int(corner[0])),
            min(size[1], self.shape[1] - int(corner[1])),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Within:
    """The part of a tile that lies within the matrix."""

    tile: PixelLoader
    shape: tuple[int, int]

    @property
    def lossy(self) -> bool:
        """See `imageregion.dicom.pixel_data.pixels.Pixels.lossy`."""
        return self.tile.lossy

    def __call__(self) -> NDArray[Any]:
        return self.tile()[: self.shape[0], : self.shape[1]]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SlideTiles:
    """The encoded frames of one layer; see `imageregion.frame.Tiles`.

    Parameters
    ----------
    slide : Slide
    layer : int
    """

    slide: Slide
    layer: int

    def __repr__(self) -> str:
        return f"SlideTiles({len(self.corners)} tiles of {self.shape[0]} x {self.shape[1]})"

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

    @property
    def lossy(self) -> bool:
        """See `imageregion.dicom.pixel_data.pixels.Pixels.lossy`."""
        return isinstance(self.tiles, SlideTiles) and self.tiles.slide.pixels.lossy

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
