"""Real world value mappings: in an image, or in an object of their own about other images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from imageregion.dicom.files.headers import items, numbers, text
from imageregion.dicom.real_values.units import code_unit
from imageregion.errors import DicomError
from imageregion.quantities import LinearMap, Quantity, RealWorldMap, TableMap

__all__ = [
    "MAPPING_STORAGE",
    "MAX_MAPPINGS",
    "Mapping",
    "ReferencedMapping",
    "Unavailable",
    "mappings_of",
    "named",
    "quantity_of",
    "referenced_mappings_of",
]

MAPPING_STORAGE = "1.2.840.10008.5.1.4.1.1.67"
Unavailable = tuple[str, str]
"""Name of a quantity, and why it is not to be had."""

_INTEGER_RANGE = ("RealWorldValueFirstValueMapped", "RealWorldValueLastValueMapped")
_FLOAT_RANGE = (
    "DoubleFloatRealWorldValueFirstValueMapped",
    "DoubleFloatRealWorldValueLastValueMapped",
)
MAX_MAPPINGS = 100  # of one image; real ones have a few
_MAX_GROUPS = 10_000
_MAX_REFERENCES = 200_000


@dataclass(frozen=True, slots=True)
class Mapping:
    """One item of Real World Value Mapping Sequence, as it was written.

    Parameters
    ----------
    unit : str
        UCUM; of a mapping that cannot be used, the code that was written.
    label, explanation : str
    limits : tuple of float
        First and last value mapped, as integers are written: perhaps without their sign.
    double_limits : tuple of float
        The same of floating point pixel data.
    line : tuple of float
        Slope and intercept.
    table : tuple of float
        One real value for each stored value mapped; empty when the mapping is linear.
    reason : str
        Why the mapping cannot be used; empty when it can.
    """

    unit: str
    label: str = ""
    explanation: str = ""
    limits: tuple[float, ...] = ()
    double_limits: tuple[float, ...] = ()
    line: tuple[float, ...] = ()
    table: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReferencedMapping:
    """Mappings, and the frames they are for.

    Parameters
    ----------
    mappings : tuple of Mapping
    frames : tuple of (str, set of int)
        SOP Instance UID and frame numbers, none for all frames.
    """

    mappings: tuple[Mapping, ...]
    frames: tuple[tuple[str, frozenset[int]], ...]


def mappings_of(dataset: Any, uid: str) -> tuple[Mapping, ...]:
    """Read the real world value mappings of an image or an item (PS3.3 C.7.6.16.2.11)."""
    found = items(dataset, "RealWorldValueMappingSequence")[:MAX_MAPPINGS]
    return tuple(_mapping(item, uid) for item in found)


def _mapping(item: Any, uid: str) -> Mapping:
    codes = items(item, "MeasurementUnitsCodeSequence")
    unit = code_unit(codes[0]) if codes else None
    if unit is None:
        written = text(codes[0], "CodeValue") if codes else ""
        scheme = text(codes[0], "CodingSchemeDesignator") if codes else ""
        reason = f"its unit {written!r} of the coding scheme {scheme!r} is not known"
        return Mapping(written, reason=reason if codes else "its unit is missing")
    try:
        slope, intercept = (
            tuple(numbers(item, f"RealWorldValue{word}", uid)) for word in ("Slope", "Intercept")
        )
        return Mapping(
            unit,
            text(item, "LUTLabel"),
            text(item, "LUTExplanation"),
            limits=_both(item, _INTEGER_RANGE, uid),
            double_limits=_both(item, _FLOAT_RANGE, uid),
            line=(*slope, *intercept),
            table=tuple(numbers(item, "RealWorldValueLUTData", uid)),
        )
    except DicomError as error:
        return Mapping(unit, reason=error.message)


def _both(item: Any, keywords: tuple[str, str], uid: str) -> tuple[float, ...]:
    return tuple(value for word in keywords for value in numbers(item, word, uid))


def referenced_mappings_of(dataset: Any, uid: str) -> tuple[ReferencedMapping, ...]:
    """Read an object of real world value mappings (PS3.3 C.7.6.16.2.11.1, A.46)."""
    found, count = [], 0
    for item in items(dataset, "ReferencedImageRealWorldValueMappingSequence")[:_MAX_GROUPS]:
        frames = []
        for reference in items(item, "ReferencedImageSequence"):
            numbered = frozenset(int(n) for n in numbers(reference, "ReferencedFrameNumber", uid))
            frames.append((text(reference, "ReferencedSOPInstanceUID"), numbered))
        count += len(frames)
        if count > _MAX_REFERENCES:
            raise DicomError(uid, f"mappings for more than {_MAX_REFERENCES} images")
        found.append(ReferencedMapping(mappings_of(item, uid), tuple(frames)))
    return tuple(found)


class _UnusableError(Exception):
    """A mapping that says nothing about the stored values of an image."""


def quantity_of(
    mapping: Mapping, highest: float | None, signed: bool | None
) -> Quantity | Unavailable:
    """Make the quantity of a mapping for an image; its name lacks what tells it from others.

    Parameters
    ----------
    mapping : Mapping
    highest : float or None
        Highest stored value of the image; None for floating point pixel data, for which a table
        has no meaning.
    signed : bool, optional
        Whether stored values are signed; None when only `highest` is known.

    Returns
    -------
    Quantity, or (str, str)
        Of a mapping that cannot be used its name, and why.
    """
    name = f"rwv:{mapping.unit}"
    if mapping.reason:
        return name, mapping.reason
    try:
        first, last = _limits(mapping, highest, signed)
        inner = _inner(mapping, first, last, highest)
    except _UnusableError as error:
        return name, str(error)
    label = mapping.explanation or mapping.label
    return Quantity(name, RealWorldMap(first, last, inner), mapping.unit, label)


def _inner(
    mapping: Mapping, first: float, last: float, highest: float | None
) -> LinearMap | TableMap:
    if mapping.table:
        if highest is None:
            raise _UnusableError("floating point pixel data has no table of real values")
        if len(mapping.table) != last - first + 1:
            raise _UnusableError(
                f"it has {len(mapping.table)} values for stored values {first:g} to {last:g}"
            )
        return TableMap(int(first), np.array(mapping.table, dtype=np.float64))
    if len(mapping.line) != 2:
        raise _UnusableError("it has neither slope and intercept nor a table")
    return LinearMap(*mapping.line)


def _limits(mapping: Mapping, highest: float | None, signed: bool | None) -> tuple[float, float]:
    limits = mapping.limits
    if len(mapping.double_limits) == 2 and (highest is None or len(limits) != 2):
        limits = mapping.double_limits
    elif highest is not None and len(limits) == 2 and _lost_sign(limits, highest, signed):
        limits = tuple(value - 65536 if value > 32767 else value for value in limits)
    if len(limits) != 2:
        raise _UnusableError("the first and the last stored value it is for are missing")
    if limits[0] > limits[1]:
        raise _UnusableError(f"it is for stored values {limits[0]:g} to {limits[1]:g}")
    return limits[0], limits[1]


def _lost_sign(limits: tuple[float, ...], highest: float, signed: bool | None) -> bool:
    """Whether signed 16-bit values were written or read without their sign."""
    if signed is not None:
        return signed and max(limits) > highest
    return limits[0] > limits[1] or (highest == 32767 and min(limits) > highest)


def named(found: Sequence[Quantity]) -> tuple[tuple[Quantity, ...], tuple[Unavailable, ...]]:
    """Name real world quantities so that each can be told from the others.

    A unit that occurs once is a name; of several mappings to one unit each is followed by its
    label, or by its number where labels do not tell them apart. The same mapping counts once.

    Returns
    -------
    quantities : tuple of Quantity
    unavailable : tuple of (str, str)
        Names that would be ambiguous.

    Examples
    --------
    >>> a = Quantity("", LinearMap(2.0), "Bq/ml", "early")
    >>> b = Quantity("", LinearMap(3.0), "Bq/ml", "late")
    >>> [quantity.name for quantity in named([a, b])[0]], named([b])[0][0].name
    (['rwv:Bq/ml#early', 'rwv:Bq/ml#late'], 'rwv:Bq/ml')
    """
    by_unit: dict[str, list[Quantity]] = {}
    for quantity in found[:MAX_MAPPINGS]:
        same_unit = by_unit.setdefault(quantity.unit, [])
        if not any(_is_same(quantity, other) for other in same_unit):
            same_unit.append(quantity)
    quantities: list[Quantity] = []
    ambiguous = []
    for unit, same_unit in by_unit.items():
        name = f"rwv:{unit}"
        if len(same_unit) == 1:
            quantities.append(replace(same_unit[0], name=name))
            continue
        labels = [" ".join(quantity.label.split()) for quantity in same_unit]
        if len(set(labels)) < len(labels) or not all(labels):
            labels = [str(number) for number in range(1, len(labels) + 1)]
        names = [f"{name}#{label}" for label in labels]
        quantities += [replace(q, name=n) for q, n in zip(same_unit, names, strict=True)]
        ambiguous.append((name, f"there are several, choose among {', '.join(names)}"))
    return tuple(quantities), tuple(ambiguous)


def _is_same(one: Quantity, two: Quantity) -> bool:
    a, b = one.value_map, two.value_map
    if not isinstance(a, RealWorldMap) or not isinstance(b, RealWorldMap):
        return a == b
    if isinstance(a.inner, TableMap) and isinstance(b.inner, TableMap):
        same = np.array_equal(a.inner.table, b.inner.table)
        return same and (a.first, a.last) == (b.first, b.last)
    return a == b
