"""Quantities: what stored values mean, and the different real values they can be read as."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from imageregion._arrays import FloatArray, as_floats
from imageregion.errors import GeometryError

__all__ = [
    "LinearMap",
    "Quantity",
    "RealWorldMap",
    "TableMap",
    "ValueMap",
    "canonical_unit",
    "quantity_name",
    "scaled",
]

_NAMES = {
    "bqml": "rescaled",
    "hounsfield": "hu",
    "raw": "stored",
    "suv": "suvbw",
    "suvlbmjames": "suvlbm",
}
_LEADING_SUV = re.compile(r"\{(SUV[A-Za-z0-9()]+)\}(g/ml|cm2/ml)")


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


@dataclass(frozen=True, slots=True)
class RealWorldMap:
    """Real value of the stored values that have one (DICOM PS3.3 C.7.6.16.2.11, real world value).

    Stored values below the first or above the last value mapped have no real value: NaN.

    Parameters
    ----------
    first, last : float
        Lowest and highest stored value that has a real value, both inclusive.
    inner : LinearMap or TableMap
        From those stored values to real values; the slope and intercept of a mapping are its own
        and independent of the modality LUT.

    Raises
    ------
    GeometryError
        When the range is empty or not made of finite numbers.

    Examples
    --------
    >>> RealWorldMap(0, 4095, LinearMap(0.5, -10.0))([-1, 0, 4095, 4096]).tolist()
    [nan, -10.0, 2037.5, nan]
    """

    first: float
    last: float
    inner: LinearMap | TableMap

    def __post_init__(self) -> None:
        if not -math.inf < self.first <= self.last < math.inf:
            raise GeometryError(
                f"RealWorldMap: expected first <= last, got {self.first}, {self.last}"
            )

    def __call__(self, stored: ArrayLike) -> FloatArray:
        """Map stored values of any shape to real values, float64; NaN where there is none."""
        values = np.asarray(stored, dtype=np.float64)
        has_value = (values >= self.first) & (values <= self.last)
        inside = np.where(has_value, values, self.first)  # no NaN or infinity goes further
        return np.where(has_value, self.inner(inside), np.nan)

    def __str__(self) -> str:
        if isinstance(self.inner, TableMap):
            how = f"LUT {len(self.inner.table)} entries from {self.inner.first}"
        else:
            how = f"slope {self.inner.slope:.17g} intercept {self.inner.intercept:.17g}"
        return f"real world value {how} of stored {self.first:.17g} to {self.last:.17g}"


ValueMap: TypeAlias = LinearMap | TableMap | RealWorldMap
"""How stored values become real values."""


def scaled(value_map: ValueMap, factor: float) -> ValueMap:
    """Return a map to real values that are `factor` times those of another.

    Examples
    --------
    >>> scaled(LinearMap(2.0, -10.0), 0.5)
    LinearMap(slope=1.0, intercept=-5.0)
    """
    if isinstance(value_map, RealWorldMap):
        return RealWorldMap(value_map.first, value_map.last, _scaled(value_map.inner, factor))
    return _scaled(value_map, factor)


def _scaled(value_map: LinearMap | TableMap, factor: float) -> LinearMap | TableMap:
    if isinstance(value_map, TableMap):
        return TableMap(value_map.first, value_map.table * factor)
    return LinearMap(value_map.slope * factor, value_map.intercept * factor)


def canonical_unit(unit: str) -> str:
    """Return a UCUM unit in the one spelling used here: annotations behind the unit.

    DICOM has written units of uptake both ways (PS3.16 CID 85).

    Examples
    --------
    >>> canonical_unit("{SUVbw}g/ml"), canonical_unit("Bq/ml")
    ('g/ml{SUVbw}', 'Bq/ml')
    """
    found = _LEADING_SUV.fullmatch(unit)
    return f"{found[2]}{{{found[1]}}}" if found else unit


def quantity_name(text: str) -> str:
    """Return the name of a quantity as `Quantity.name` spells it, from what a user wrote.

    Capitals do not matter, except in units of real world values, which UCUM tells apart by them;
    "suv" is the one by body weight.

    Parameters
    ----------
    text : str
        E.g. "HU", "SUVbw", "default", "rwv:g/ml".

    Examples
    --------
    >>> quantity_name(" HU "), quantity_name("SUV"), quantity_name("RWV: {SUVbw}g/ml")
    ('hu', 'suvbw', 'rwv:g/ml{SUVbw}')
    """
    name = text.strip()
    if name[:4].lower() == "rwv:":
        unit, mark, label = name[4:].partition("#")
        return f"rwv:{canonical_unit(unit.strip())}{mark}{label.strip()}"
    name = re.sub(r"[\s_\-()]", "", name.lower())
    return _NAMES.get(name, name)


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """One way to read the stored values of an image.

    Parameters
    ----------
    name : str
        How users choose it: "stored", "rescaled", "hu", "suvbw", "suvlbm" (also "suvlbmjames128",
        "suvlbmjanma"), "suvbsa", "suvibw", "rwv:<UCUM unit>", and "rwv:<UCUM unit>#<label>" where
        an image has several mappings to one unit. See `quantity_name`.
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
