"""Units: what the unit of a stated number means, and numbers of one unit in another."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imageregion.quantities import canonical_unit

__all__ = ["Unit", "converted", "other_units", "read_unit"]

_LENGTHS = {"um": 1e-3, "mm": 1.0, "cm": 10.0, "dm": 100.0, "m": 1000.0, "[in_i]": 25.4}
_VOLUMES = {"uL": 1.0, "mL": 1e3, "cL": 1e4, "dL": 1e5, "L": 1e6}
_ACTIVITY = {"Bq/ml": 1.0, "kBq/ml": 1e3, "MBq/ml": 1e6}
_KINDS = {1: "length", 2: "area", 3: "volume"}

_WORDS = {
    "millimeter": "mm",
    "millimetre": "mm",
    "centimeter": "cm",
    "centimetre": "cm",
    "micrometer": "um",
    "micrometre": "um",
    "meter": "m",
    "metre": "m",
    "inch": "[in_i]",
    "in": "[in_i]",
    "milliliter": "mL",
    "millilitre": "mL",
    "liter": "L",
    "litre": "L",
}
_SYNONYMS = {
    "hu": "[hnsf'U]",
    "hounsfield unit": "[hnsf'U]",
    "hounsfield units": "[hnsf'U]",
    "hounsfield": "[hnsf'U]",
    "cc": "cm3",
    "ccm": "cm3",
    "ml": "mL",
    "ul": "uL",
    "dl": "dL",
    "cl": "cL",
    "l": "L",
    "g/ml": "g/ml",
    "bq/ml": "Bq/ml",
    "kbq/ml": "kBq/ml",
    "mbq/ml": "MBq/ml",
    "px": "{pixels}",
    "pixel": "{pixels}",
    "pixels": "{pixels}",
    "{pixel}": "{pixels}",
    "{voxels}": "{pixels}",
    "{voxel}": "{pixels}",
    "voxels": "{pixels}",
    "no units": "1",
    "{ratio}": "1",
    "ratio": "1",
    "percent": "%",
}
_POWERED = re.compile(r"(.+?)\s*(?:\*\*|\^)?\s*([23])")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit measures, and how many of ours it is.

    Parameters
    ----------
    kind : str
        "length", "area", "volume", "activity", or the UCUM unit itself; empty where none is
        stated.
    factor : float
        In mm, mm2, mm3, Bq/ml; 1 for others.
    name : str
        UCUM, as far as it is known.
    """

    kind: str
    factor: float
    name: str

    @property
    def power(self) -> int:
        """1 for lengths, 2 for areas, 3 for volumes, 0 for all others."""
        return next((power for power, kind in _KINDS.items() if kind == self.kind), 0)


def read_unit(text: str) -> Unit:
    """Return the meaning of a UCUM code, or of what people write in its place.

    Examples
    --------
    >>> read_unit("mL"), read_unit("cubic millimeter").kind, read_unit("HU").name
    (Unit(kind='volume', factor=1000.0, name='mL'), 'volume', "[hnsf'U]")
    """
    name = _spelled(text)
    if name in _LENGTHS:
        return Unit("length", _LENGTHS[name], name)
    if name in _VOLUMES:
        return Unit("volume", _VOLUMES[name], name)
    if name in _ACTIVITY:
        return Unit("activity", _ACTIVITY[name], name)
    if name == "%":
        return Unit("1", 0.01, name)
    if found := _POWERED.fullmatch(name):
        length, power = found[1].strip(), int(found[2])
        if length in _LENGTHS:
            return Unit(_KINDS[power], _LENGTHS[length] ** power, f"{length}{power}")
    return Unit(name, 1.0, name)


def _spelled(text: str) -> str:
    """Bring a unit to the spelling of UCUM."""
    name = canonical_unit(text.strip().replace("²", "2").replace("³", "3").replace("µ", "u"))
    lower = name.lower()
    if lower in _SYNONYMS:
        return _SYNONYMS[lower]
    for word, power in (("square ", "2"), ("sq ", "2"), ("cubic ", "3")):
        if lower.startswith(word):
            length = lower[len(word) :].removesuffix("s")
            return f"{_WORDS.get(length, length)}{power}"
    return _WORDS.get(lower.removesuffix("s"), _WORDS.get(lower, name))


def converted(value: float, unit: str, stated: Unit) -> float | None:
    """Return a value of ours in the unit of a stated number; None where they do not compare.

    Where no unit is stated, or none at all ("1"), the number itself is compared.

    Examples
    --------
    >>> converted(250.0, "mm2", read_unit("cm2")), converted(3.0, "mm", read_unit("{pixels}"))
    (2.5, None)
    """
    ours = read_unit(unit)
    if ours.kind == stated.kind:
        return value * ours.factor / stated.factor
    if stated.kind in ("", "1") or ours.name.partition("{")[0] == stated.name:
        return value
    return None


def other_units(stated: Unit, ours: str) -> dict[str, float]:
    """Return factors to numbers as they would be had they been given in other units.

    Examples
    --------
    >>> other_units(read_unit("mm"), "mm")["cm"], other_units(read_unit("%"), "1")
    (0.1, {'1': 0.01})
    """
    unit = stated if stated.kind not in ("", "1") or stated.factor != 1 else read_unit(ours)
    if unit.power:
        table = {
            f"{name}{unit.power if unit.power > 1 else ''}": factor**unit.power
            for name, factor in _LENGTHS.items()
            if name != "dm"
        }
        if unit.kind == "volume":
            table |= {"mL": 1e3, "L": 1e6}
    elif unit.kind == "activity":
        table = dict(_ACTIVITY)
    elif unit.kind == "1" or unit.name == "1":
        return {"%": 100.0} if unit.factor == 1 else {"1": 0.01}
    else:
        return {}
    known: dict[float, str] = {}
    for name, factor in table.items():
        known.setdefault(unit.factor / factor, name)
    return {name: factor for factor, name in known.items() if factor != 1}
