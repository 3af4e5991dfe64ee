"""Frame: one image frame, its place in the patient, and what its stored values mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, IntArray, read_only
from imageregion.errors import DicomError, GeometryError
from imageregion.plane import Plane
from imageregion.quantities import LinearMap, Quantity, TableMap, ValueMap, quantity_name
from imageregion.spacing import Spacing, UltrasoundRegion

__all__ = ["Frame", "Tiles", "Window"]

_IDENTITY = LinearMap()
_LARGEST = 1 << 26  # pixels of a tiled image that are put together at once


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """How real values become shades of grey for display only; statistics never pass through it.

    Parameters
    ----------
    center, width : float
        VOI window in real values (DICOM PS3.3 C.11.2.1.2).
    function : {"LINEAR", "LINEAR_EXACT", "SIGMOID"}
    table : TableMap, optional
        A VOI LUT with outputs scaled to 0..1; takes the place of center and width.
    """

    center: float = 0.0
    width: float = 1.0
    function: Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"] = "LINEAR"
    table: TableMap | None = None


class Tiles(Protocol):
    """The encoded frames that make up one total pixel matrix (DICOM PS3.3 C.8.12.4)."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of every tile, also of those that stick out of the matrix."""

    @property
    def corners(self) -> IntArray:
        """(row, column) of the first pixel of each stored tile in the matrix, from 0, shape (N, 2).

        Tiles do not overlap; pixels in no tile are not stored.
        """

    def load(self, index: int) -> NDArray[Any]:
        """Return the stored values of the tile at ``corners[index]``, all of `shape`."""

    def frame(self, number: int) -> Frame:
        """Return an encoded frame of the instance by its number, from 1.

        Raises
        ------
        PlacementError
            When there is no such frame.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of an image; its pixels are decoded only when asked for.

    Parameters
    ----------
    load : callable
        Returns the stored values, shape (rows, columns), one real number per pixel; of an image
        with channels shape (rows, columns, channels).
    shape : tuple of int
        (rows, columns).
    plane : Plane, optional
        Where the pixels lie in the patient; None when the image does not say.
    spacing : Spacing, optional
        None when nothing is known about the size of pixels; see `Spacing.source` for the rest.
    ultrasound : tuple of UltrasoundRegion
        Parts of the image with a calibration of their own.
    value_map : ValueMap
        From stored to real values.
    unit : str
        UCUM unit of the real values; "1" when unknown.
    value : str
        Name of the quantity that `value_map` and `unit` belong to; see `Quantity`.
    quantities : tuple of Quantity
        Everything the stored values can be read as; `as_value` chooses one.
    unavailable : tuple of (str, str)
        Quantities one may look for in vain, and why they are not to be had.
    padding : tuple of float, optional
        Lowest and highest *stored* value that marks padding, both inclusive.
    highest : float, optional
        Highest *stored* value that the image can hold; pixels that have it are saturated.
    window : Window, optional
        Display window the image asks for.
    inverted : bool
        MONOCHROME1: display shows low values white. Values are never inverted.
    study, series, instance : str
        DICOM UIDs; empty where unknown.
    number : int
        Frame number within the instance, from 1; 0 for the total pixel matrix of a tiled image.
    frame_of_reference : str
        UID; empty where unknown.
    modality : str
        DICOM Modality; empty where unknown.
    thickness : float, optional
        Spacing between slices, or slice thickness, that the image itself states, mm.
    channels : tuple of str
        Names of the samples of a pixel, e.g. ("red", "green", "blue"); empty for one number.
    dimensions : tuple of (str, str)
        What else but space tells frames apart: DICOM keyword and value of temporal position,
        echo, b-value, optical path, focal plane, ...
    lossy : bool
        Whether the header says that the pixels went through lossy compression; see `is_lossy`.
    tiles : Tiles, optional
        Of a total pixel matrix.

    Examples
    --------
    >>> frame = Frame.from_array([[1, 2], [3, 4]], value_map=LinearMap(10, 0))
    >>> frame.pixels.tolist()
    [[10.0, 20.0], [30.0, 40.0]]
    """

    load: Callable[[], NDArray[Any]] = field(repr=False)
    shape: tuple[int, int]
    plane: Plane | None = None
    spacing: Spacing | None = None
    ultrasound: tuple[UltrasoundRegion, ...] = ()
    value_map: ValueMap = _IDENTITY
    unit: str = "1"
    value: str = "stored"
    quantities: tuple[Quantity, ...] = ()
    unavailable: tuple[tuple[str, str], ...] = ()
    padding: tuple[float, float] | None = None
    highest: float | None = None
    window: Window | None = None
    inverted: bool = False
    study: str = ""
    series: str = ""
    instance: str = ""
    number: int = 1
    frame_of_reference: str = ""
    modality: str = ""
    thickness: float | None = None
    channels: tuple[str, ...] = ()
    dimensions: tuple[tuple[str, str], ...] = ()
    lossy: bool = False
    tiles: Tiles | None = None

    @classmethod
    def from_array(cls, pixels: ArrayLike, **fields: Any) -> Frame:
        """Make a frame from stored values already in memory, shape (rows, columns).

        A `plane` without a `spacing` brings its own spacing.
        """
        try:
            array = np.array(pixels)
        except ValueError as error:
            raise GeometryError(
                f"Frame pixels: expected numbers of shape (rows, columns): {error}"
            ) from None
        samples = len(fields.get("channels", ()))
        if array.ndim != (3 if samples else 2) or array.dtype.kind not in "iuf":
            raise GeometryError(
                f"Frame pixels: expected numbers of shape (rows, columns), got dtype "
                f"{array.dtype} of shape {array.shape}"
            )
        if samples and array.shape[2] != samples:
            raise GeometryError(f"Frame pixels: expected {samples} channels, got {array.shape[2]}")
        plane = fields.get("plane")
        if plane is not None and plane.shape != array.shape[:2]:
            raise GeometryError(f"Frame plane: expected shape {array.shape[:2]}, got {plane.shape}")
        if plane is not None and fields.get("spacing") is None:
            rows, columns = plane.spacing
            fields["spacing"] = Spacing(rows, columns, "patient")
        stored = read_only(array)
        return cls(load=lambda: stored, shape=(array.shape[0], array.shape[1]), **fields)

    @property
    def key(self) -> tuple[str, int, tuple[tuple[str, str], ...]]:
        """What tells this frame from all others."""
        return self.instance, self.number, self.dimensions

    def as_value(self, name: str) -> Frame:
        """Return the frame with its stored values read as another quantity.

        Parameters
        ----------
        name : str
            "default" for the frame as it is, or the name of one of `quantities`, spelled as
            `quantity_name` allows.

        Raises
        ------
        DicomError
            When the image does not have it; the message says why.
        """
        name = quantity_name(name)
        if name in ("default", self.value):
            return self
        for quantity in self.quantities:
            if quantity.name == name:
                return replace(
                    self,
                    value_map=quantity.value_map,
                    unit=quantity.unit,
                    value=quantity.name,
                    window=_converted(self.window, self.value_map, quantity.value_map),
                )
        reason = dict(self.unavailable).get(name, "the image does not state it")
        known = ", ".join(quantity.name for quantity in self.quantities) or self.value
        raise DicomError(self.instance, f"no {name} values: {reason}; there is {known}")

    def as_channel(self, name: str) -> Frame:
        """Return one channel as a frame of its own, one number per pixel.

        Raises
        ------
        GeometryError
            When there is no such channel.

        Examples
        --------
        >>> frame = Frame.from_array([[[1, 2, 3]]], channels=("red", "green", "blue"))
        >>> frame.as_channel("blue").pixels.tolist()
        [[3.0]]
        """
        if name not in self.channels:
            raise GeometryError(f"channel: expected one of {list(self.channels)}, got {name!r}")
        index = self.channels.index(name)
        tiles = None if self.tiles is None else _ChannelTiles(self.tiles, index)
        return replace(self, load=_ChannelLoader(self.load, index), tiles=tiles, channels=())

    @property
    def is_lossy(self) -> bool:
        """Whether the pixels went through lossy compression, as far as that is known by now.

        Of an image on a server it may be known only when its pixels have come.
        """
        return self.lossy or bool(getattr(self.load, "lossy", False))

    @property
    def stored(self) -> NDArray[Any]:
        """Stored values as the image holds them, shape (rows, columns), or with channels."""
        return self.load()

    @property
    def pixels(self) -> FloatArray:
        """Real values, float64, shape (rows, columns), or with channels; NaN where there is none.

        Raises
        ------
        DicomError
            Of a total pixel matrix that is too large to be put together; see `read`.
        """
        if self.tiles is not None:
            return self.read((0, self.shape[0]), (0, self.shape[1]))
        return self._real(self.stored)

    def read(self, rows: tuple[int, int], columns: tuple[int, int]) -> FloatArray:
        """Return the real values of a part of the image; of a tiled image only its tiles are read.

        Parameters
        ----------
        rows, columns : tuple of int
            First and one past the last, from 0, within the image.

        Returns
        -------
        ndarray of float64
            Shape (rows, columns), or with channels; NaN for padding and for tiles not stored.

        Raises
        ------
        DicomError
            When the part is too large to be held at once, or its pixels cannot be decoded.

        Examples
        --------
        >>> Frame.from_array([[1, 2, 3], [4, 5, 6]]).read((1, 2), (0, 2)).tolist()
        [[4.0, 5.0]]
        """
        if self.tiles is None:
            return self._real(self.stored[slice(*rows), slice(*columns)])
        size = (rows[1] - rows[0], columns[1] - columns[0])
        if size[0] * size[1] * max(1, len(self.channels)) > _LARGEST:
            raise DicomError(
                self.instance, f"{size[0]} x {size[1]} pixels are too many to be held at once"
            )
        values = np.full((*size, len(self.channels)) if self.channels else size, np.nan)
        near = self.tiles.corners + self.tiles.shape > (rows[0], columns[0])
        near &= self.tiles.corners < (rows[1], columns[1])
        for index in np.flatnonzero(near.all(axis=1)):
            tile = self._real(self.tiles.load(int(index)))
            top, left = self.tiles.corners[index] - (rows[0], columns[0])
            part = values[max(top, 0) : top + tile.shape[0], max(left, 0) : left + tile.shape[1]]
            first = max(-top, 0), max(-left, 0)
            part[...] = tile[first[0] :, first[1] :][: part.shape[0], : part.shape[1]]
        return values

    def _real(self, stored: NDArray[Any]) -> FloatArray:
        values = np.array(self.value_map(stored), dtype=np.float64)
        values[self.is_padding(stored)] = np.nan
        return values

    def is_padding(self, stored: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell for stored values of any shape which are padding (DICOM PS3.3 C.7.5.1.1.2)."""
        if self.padding is None:
            return np.zeros(stored.shape, dtype=np.bool_)
        low, high = self.padding
        return np.asarray((stored >= low) & (stored <= high), dtype=np.bool_)


@dataclass(frozen=True, slots=True, eq=False)
class _ChannelLoader:
    """One channel of a frame."""

    load: Callable[[], NDArray[Any]]
    channel: int

    @property
    def lossy(self) -> bool:
        return bool(getattr(self.load, "lossy", False))

    def __call__(self) -> NDArray[Any]:
        return self.load()[..., self.channel]


@dataclass(frozen=True, slots=True, eq=False)
class _ChannelTiles:
    """One channel of tiles."""

    tiles: Tiles
    channel: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.tiles.shape

    @property
    def corners(self) -> IntArray:
        return self.tiles.corners

    def load(self, index: int) -> NDArray[Any]:
        return self.tiles.load(index)[..., self.channel]

    def frame(self, number: int) -> Frame:
        whole = self.tiles.frame(number)
        return whole.as_channel(whole.channels[self.channel])


def _converted(window: Window | None, before: ValueMap, after: ValueMap) -> Window | None:
    """Move a display window to another quantity; None where that cannot be done."""
    if window is None or window.table is not None:
        return None
    if not (isinstance(before, LinearMap) and isinstance(after, LinearMap)):
        return None
    ratio = after.slope / before.slope if before.slope else 0.0
    if not ratio > 0:
        return None
    center = (window.center - before.intercept) * ratio + after.intercept
    return replace(window, center=center, width=window.width * ratio)
