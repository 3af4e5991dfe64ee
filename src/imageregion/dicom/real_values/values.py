"""What stored values mean: the quantities an image can be read as, padding, and highest values.

What an image is read as unless the user chooses (`Frame.value`):

=========================  ==========================================================
CT with Hounsfield units   "hu"
CT of something else       its real world value when there is exactly one, else "rescaled"
parametric map             its first real world value
PET                        an uptake value (SUV) the image holds already, else "rescaled"; once all
                           images of its series are known, "suvbw" where that is certain
any other                  "rescaled": after the modality LUT
without modality LUT       "stored": the transformation is the identity
=========================  ==========================================================
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from imageregion.dicom.files.headers import Header, integer, items, numbers, text
from imageregion.dicom.real_values.luts import is_signed, lookup_table
from imageregion.dicom.real_values.mappings import Unavailable, mappings_of, named, quantity_of
from imageregion.dicom.real_values.units import suv_name, unit_of
from imageregion.dicom.real_values.windows import window_of
from imageregion.errors import DicomError
from imageregion.quantities import LinearMap, Quantity, TableMap, ValueMap

__all__ = [
    "highest_of",
    "odd_padding_of",
    "padding_of",
    "stored_number",
    "value_map_of",
    "values_of",
]

_PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
_HOUNSFIELD = "[hnsf'U]"
_MODALITY_LUT = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence")
_STORED = Quantity("stored", LinearMap(), "1", "stored value")


def values_of(header: Header) -> dict[str, Any]:
    """Return the fields of `Frame` that say what its stored values mean.

    Parameters
    ----------
    header : Header
        Of a single-frame image, or of one frame written like one.

    Returns
    -------
    dict
        value_map, unit, value, quantities, unavailable, padding, highest, window, inverted.

    Raises
    ------
    DicomError
        When no real value would be right.

    Examples
    --------
    >>> from imageregion.dicom.files.headers import read_dataset
    >>> from pydicom import Dataset
    >>> dataset = Dataset()
    >>> dataset.Modality, dataset.RescaleSlope, dataset.RescaleIntercept = "CT", 1, -1024
    >>> fields = values_of(read_dataset(dataset, "slice"))
    >>> fields["value"], fields["unit"], [one.name for one in fields["quantities"]]
    ('hu', "[hnsf'U]", ['stored', 'rescaled', 'hu'])
    """
    quantities, unavailable = _quantities(header)
    default = _default(header, quantities)
    return {
        "value_map": default.value_map,
        "unit": default.unit,
        "value": default.name,
        "quantities": quantities,
        "unavailable": unavailable,
        "padding": padding_of(header),
        "highest": highest_of(header),
        "window": window_of(header),
        "inverted": text(header.dataset, "PhotometricInterpretation") == "MONOCHROME1",
    }


def _quantities(header: Header) -> tuple[tuple[Quantity, ...], tuple[Unavailable, ...]]:
    if integer(header.dataset, "SamplesPerPixel", header.uid, default=1) > 1:
        reason = "it is a colour image"
        return (_STORED,), (("rescaled", reason), ("hu", reason))
    value_map, unit = value_map_of(header), unit_of(header)
    rescaled = Quantity("rescaled", value_map, unit, text(header.dataset, "RescaleType"))
    quantities, unavailable = [_STORED, rescaled], []
    if unit == _HOUNSFIELD:
        quantities.append(Quantity("hu", value_map, unit, "Hounsfield unit"))
    elif text(header.dataset, "Modality") == "CT":
        unavailable.append(("hu", _no_hounsfield(header)))
    suv = suv_name(header)
    if suv:
        quantities.append(Quantity(suv, value_map, unit, "as the image holds it"))
    mapped, problems = _mapped(header)
    for quantity in mapped:
        if quantity.name == f"rwv:{_HOUNSFIELD}" and unit != _HOUNSFIELD:
            quantities.append(replace(quantity, name="hu"))
            unavailable.clear()
    return (*quantities, *mapped), (*unavailable, *problems)


def _no_hounsfield(header: Header) -> str:
    kind = text(header.dataset, "RescaleType")
    if kind:
        return f"its rescale type is {kind}"
    is_localizer = "LOCALIZER" in (str(v).upper() for v in items(header.dataset, "ImageType"))
    return "it is a localizer" if is_localizer else "it has no rescale slope and intercept"


def _mapped(header: Header) -> tuple[tuple[Quantity, ...], tuple[Unavailable, ...]]:
    """Return the real world values of an image by name."""
    mappings = mappings_of(header.dataset, header.uid)
    if not mappings:
        return (), ()
    highest, signed = highest_of(header), is_signed(header)
    found: list[Quantity] = []
    problems: list[Unavailable] = []
    for mapping in mappings:
        one = quantity_of(mapping, highest, signed)
        if isinstance(one, Quantity):
            found.append(one)
        else:
            problems.append(one)
    quantities, ambiguous = named(found)
    return quantities, (*problems, *ambiguous)


def _default(header: Header, quantities: tuple[Quantity, ...]) -> Quantity:
    """Return what a reader of the modality expects; see the module."""
    by_name = {quantity.name: quantity for quantity in quantities}
    mapped = [quantity for quantity in quantities if quantity.name.startswith("rwv:")]
    if "rescaled" not in by_name:
        return _STORED
    if header.sop_class == _PARAMETRIC_MAP and mapped:
        return mapped[0]
    modality = text(header.dataset, "Modality")
    if modality == "CT" and len(mapped) == 1 and "hu" not in by_name:
        return mapped[0]
    expected = {"CT": "hu", "PT": suv_name(header)}.get(modality, "")
    if expected in by_name:
        return by_name[expected]
    is_rescaled = modality == "RTDOSE" or any(items(header.dataset, w) for w in _MODALITY_LUT)
    return by_name["rescaled" if is_rescaled or modality == "PT" else "stored"]


def value_map_of(header: Header) -> ValueMap:
    """Return how stored values of an image become rescaled ones (DICOM PS3.3 C.11.1).

    A modality LUT goes before rescale slope and intercept; RT doses have their own factor.

    Raises
    ------
    DicomError
        When the numbers are malformed or the slope is 0: no real value would be right.
    """
    dataset, uid = header.dataset, header.uid
    tables = items(dataset, "ModalityLUTSequence")
    if tables:
        first, table, _ = lookup_table(header, tables[0], is_signed(header))
        return TableMap(first, table)
    slope = _one(header, "RescaleSlope", 1.0)
    intercept = _one(header, "RescaleIntercept", 0.0)
    if text(dataset, "Modality") == "RTDOSE":
        if not items(dataset, "DoseGridScaling"):
            raise DicomError(uid, "DoseGridScaling: expected a number, the attribute is absent")
        slope, intercept = _one(header, "DoseGridScaling", 1.0), 0.0
    if slope == 0:
        raise DicomError(uid, "RescaleSlope: expected a number other than 0, got 0")
    return LinearMap(slope, intercept)


def padding_of(header: Header) -> tuple[float, float] | None:
    """Return the lowest and highest stored value that mark padding, both inclusive.

    Padding is compared with stored values (DICOM PS3.3 C.7.5.1.1.2); see `stored_number` for
    numbers that no pixel of the image can hold.
    """
    if header.pixel_keyword not in ("", "PixelData"):
        prefix = "Double" if header.pixel_keyword.startswith("Double") else ""
        words = (f"{prefix}FloatPixelPaddingValue", f"{prefix}FloatPixelPaddingRangeLimit")
        limits = [v for word in words for v in numbers(header.dataset, word, header.uid)[:1]]
        return (min(limits), max(limits)) if limits else None
    samples = integer(header.dataset, "SamplesPerPixel", header.uid, default=1)
    if samples > 1 or not items(header.dataset, "PixelPaddingValue"):
        return None
    first = _padding_value(header, "PixelPaddingValue")
    has_limit = bool(items(header.dataset, "PixelPaddingRangeLimit"))
    last = _padding_value(header, "PixelPaddingRangeLimit") if has_limit else first
    return float(min(first, last)), float(max(first, last))


def odd_padding_of(header: Header) -> tuple[int, int] | None:
    """Return the limits of padding that the stored bits of an image cannot hold; else None.

    Whoever takes stored values out of their cells has to leave cells in these limits as they are.
    """
    padding, highest = padding_of(header), highest_of(header)
    if padding is None or highest is None:
        return None
    lowest = -highest - 1 if is_signed(header) else 0.0
    is_odd = padding[0] > highest or padding[1] < lowest
    return (int(padding[0]), int(padding[1])) if is_odd else None


def _padding_value(header: Header, keyword: str) -> int:
    value = items(header.dataset, keyword)[0]
    if isinstance(value, bytes):  # its value representation could not be told
        value = int.from_bytes(value[:2], "little")
    else:
        value = integer(header.dataset, keyword, header.uid)
    allocated = integer(header.dataset, "BitsAllocated", header.uid, default=16)
    bits = integer(header.dataset, "BitsStored", header.uid, default=allocated)
    if not 1 <= bits <= allocated <= 64:
        return value
    return stored_number(value, bits, allocated, signed=is_signed(header))


def stored_number(value: int, bits: int, allocated: int, *, signed: bool) -> int:
    """Return the stored value that a number in a header stands for.

    The number shall be one that the stored bits can hold (DICOM PS3.3 C.7.5.1.1.2), but its sign
    is often lost: 63536 in a signed 16-bit image is -2000. It is read, in this order, as it is; as
    the bits of a whole cell; as the stored bits. A number that is none of these equals no stored
    value, and is returned as a cell would hold it: dropping its upper bits would take real pixels
    for padding (2096 in an unsigned 12-bit image padded with 63536).

    Parameters
    ----------
    value : int
    bits, allocated : int
        Of a stored value, and of the cell it is stored in.
    signed : bool

    Examples
    --------
    >>> stored_number(63536, 16, 16, signed=True), stored_number(-2000, 16, 16, signed=False)
    (-2000, 63536)
    >>> stored_number(2096, 12, 16, signed=True), stored_number(63536, 12, 16, signed=False)
    (-2000, 63536)
    """
    cell = _twos_complement(value, allocated, signed)
    readings = [value, cell]
    if 0 <= value < 1 << bits:
        readings.append(_twos_complement(value, bits, signed))
    lowest = -(1 << (bits - 1)) if signed else 0
    possible = [reading for reading in readings if lowest <= reading < lowest + (1 << bits)]
    return possible[0] if possible else cell


def _twos_complement(value: int, bits: int, signed: bool) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def highest_of(header: Header) -> float | None:
    """Return the highest stored value that an image can hold; None for floating point pixels."""
    bits = integer(header.dataset, "BitsStored", header.uid, default=0)
    if header.pixel_keyword not in ("", "PixelData") or not 1 <= bits <= 64:
        return None
    return float(2 ** (bits - is_signed(header)) - 1)


def _one(header: Header, keyword: str, default: float) -> float:
    values = numbers(header.dataset, keyword, header.uid)
    if len(values) > 1:
        raise DicomError(header.uid, f"{keyword}: expected one number, got {values}")
    return values[0] if values else default
