"""Quantities: what stored values mean, and the different real values they can be read as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from imageregion._arrays import FloatArray, as_floats
from imageregion.errors import GeometryError

__all__ = ["LinearMap", "Quantity", "TableMap", "ValueMap"]


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
class Quantity:
    """One way to read the stored values of an image.

    Parameters
    ----------
    name : str
        How users choose it: "stored", "rescaled", "hu", "suvbw", "suvlbm", "suvbsa", "suvibw",
        "rwv:<UCUM unit>".
    value_map : ValueMap
        From stored to real values.
    unit : str
        UCUM unit of the real values.
    label : str
        What the image calls it.

    Examples
    --------
    >>> Quantity("stored", LinearMap(), "1").value_map([3]).tolist()
    [3.0]
    """

    name: str
    value_map: ValueMap
    unit: str
    label: str = ""
