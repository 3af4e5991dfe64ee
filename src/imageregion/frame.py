"""Frame: one image frame, its place in the patient, and what its stored values mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, as_floats, read_only
from imageregion.errors import GeometryError
from imageregion.plane import Plane

__all__ = ["Frame", "LinearMap", "Spacing", "TableMap", "ValueMap", "Window"]

SpacingSource = Literal["patient", "detector", "calibrated", "estimated", "ultrasound"]


@dataclass(frozen=True, slots=True)
class Spacing:
    """Millimetres between pixel centres, and where they come from.

    Parameters
    ----------
    rows : float
        Distance between neighbouring rows, mm (first value of DICOM PixelSpacing).
    columns : float
        Distance between neighbouring columns, mm (second value of DICOM PixelSpacing).
    source : {"patient", "detector", "calibrated", "estimated", "ultrasound"}
        "patient": the image has a plane in the patient.

    Examples
    --------
    >>> Spacing(2.0, 0.5, "patient").columns
    0.5
    """

    rows: float
    columns: float
    source: SpacingSource


@dataclass(frozen=True, slots=True)
class LinearMap:
    """Real value = slope * stored value + intercept (DICOM PS3.3 C.11.1, rescale).

    Examples
    --------
    >>> LinearMap(2.0, -1024.0)([0, 512]).tolist()
    [-1024.0, 0.0]
    """

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, stored: ArrayLike) -> FloatArray:
        """Map stored values to real values, float64."""
        values = np.asarray(stored, dtype=np.float64)
        return values if self == _IDENTITY else values * self.slope + self.intercept

    def __str__(self) -> str:
        return "stored" if self == _IDENTITY else f"rescale {self.slope:.17g} {self.intercept:.17g}"


_IDENTITY = LinearMap()


@dataclass(frozen=True, slots=True, eq=False)
class TableMap:
    """Real value looked up by stored value (DICOM PS3.3 C.11.1, modality LUT sequence).

    Parameters
    ----------
    first : int
        Stored value that maps to ``table[0]``; lower ones map there too, those beyond the end
        map to the last entry.
    table : array_like, shape (N,)

    Examples
    --------
    >>> TableMap(10, [0.0, 1.5, 9.0])([0, 11, 99]).tolist()
    [0.0, 1.5, 9.0]
    """

    first: int
    table: FloatArray

    def __init__(self, first: int, table: ArrayLike) -> None:
        object.__setattr__(self, "first", int(first))
        object.__setattr__(self, "table", as_floats(table, (None,), "TableMap table"))
        if not len(self.table):
            raise GeometryError("TableMap table: expected at least one entry, got none")

    def __call__(self, stored: ArrayLike) -> FloatArray:
        """Map stored values to real values, float64."""
        index = np.asarray(stored).astype(np.int64) - self.first
        return np.asarray(self.table[np.clip(index, 0, len(self.table) - 1)])

    def __str__(self) -> str:
        return f"modality LUT {len(self.table)} entries from {self.first}"


ValueMap: TypeAlias = LinearMap | TableMap
"""How stored values become real values."""


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


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One frame of an image; its pixels are decoded only when asked for.

    Parameters
    ----------
    load : callable
        Returns the stored values, shape (rows, columns), one real number per pixel.
    shape : tuple of int
        (rows, columns).
    plane : Plane, optional
        Where the pixels lie in the patient; None when the image does not say.
    spacing : Spacing, optional
        None when no trustworthy spacing exists: then nothing is measured in mm.
    value_map : LinearMap or TableMap
        From stored to real values.
    unit : str
        UCUM unit of the real values; "1" when unknown.
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
        Frame number within the instance, from 1.
    frame_of_reference : str
        UID; empty where unknown.
    modality : str
        DICOM Modality; empty where unknown.
    thickness : float, optional
        Spacing between slices, or slice thickness, that the image itself states, mm.

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
    value_map: ValueMap = _IDENTITY
    unit: str = "1"
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
        if array.ndim != 2 or array.dtype.kind not in "iuf":
            raise GeometryError(
                f"Frame pixels: expected numbers of shape (rows, columns), got dtype "
                f"{array.dtype} of shape {array.shape}"
            )
        plane = fields.get("plane")
        if plane is not None and plane.shape != array.shape:
            raise GeometryError(f"Frame plane: expected shape {array.shape}, got {plane.shape}")
        if plane is not None and fields.get("spacing") is None:
            rows, columns = plane.spacing
            fields["spacing"] = Spacing(rows, columns, "patient")
        stored = read_only(array)
        return cls(load=lambda: stored, shape=(array.shape[0], array.shape[1]), **fields)

    @property
    def stored(self) -> NDArray[Any]:
        """Stored values as the image holds them, shape (rows, columns)."""
        return self.load()

    @property
    def pixels(self) -> FloatArray:
        """Real values, float64, shape (rows, columns); NaN where a pixel is padding."""
        stored = self.stored
        values = np.array(self.value_map(stored), dtype=np.float64)
        values[self.is_padding(stored)] = np.nan
        return values

    def is_padding(self, stored: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell for stored values of any shape which are padding (DICOM PS3.3 C.7.5.1.1.2)."""
        if self.padding is None:
            return np.zeros(stored.shape, dtype=np.bool_)
        low, high = self.padding
        return np.asarray((stored >= low) & (stored <= high), dtype=np.bool_)
