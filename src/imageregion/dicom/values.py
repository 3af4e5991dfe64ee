"""What stored values mean: rescale and lookup tables, units, padding, and display windows."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydicom.uid import ExplicitVRBigEndian

from imageregion._arrays import FloatArray
from imageregion.dicom.headers import Header, integer, items, numbers, text
from imageregion.errors import DicomError
from imageregion.frame import Window
from imageregion.quantities import LinearMap, TableMap, ValueMap

__all__ = [
    "highest_of",
    "padding_of",
    "stored_value",
    "unit_of",
    "value_map_of",
    "values_of",
    "window_of",
]

_RESCALE_TYPES = {"HU": "[hnsf'U]", "MGML": "mg/ml", "PCT": "%"}
_PET_UNITS = {
    "BQML": "Bq/ml",
    "CNTS": "{counts}",
    "CPS": "{counts}/s",
    "GML": "g/ml",
    "PCNT": "%",
    "MGMINML": "mg/min/ml",
    "UMOLMINML": "umol/min/ml",
    "UMOLML": "umol/ml",
    "MLMING": "ml/min/g",
    "MLMINML": "ml/min/ml",
    "MLG": "ml/g",
    "MLML": "ml/ml",
    "1CM": "/cm",
    "CM2": "cm2",
    "CM2ML": "cm2/ml",
}
_SUV_UNITS = {  # by (Units, SUVType); DICOM PS3.16 CID 85
    ("GML", ""): "g/ml{SUVbw}",
    ("GML", "BW"): "g/ml{SUVbw}",
    ("GML", "LBM"): "g/ml{SUVlbm}",
    ("GML", "LBMJAMES128"): "g/ml{SUVlbm(James128)}",
    ("GML", "LBMJANMA"): "g/ml{SUVlbm(Janma)}",
    ("GML", "IBW"): "g/ml{SUVibw}",
    ("CM2ML", ""): "cm2/ml{SUVbsa}",
    ("CM2ML", "BSA"): "cm2/ml{SUVbsa}",
}
_VOI_FUNCTIONS: dict[str, Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]] = {
    "LINEAR_EXACT": "LINEAR_EXACT",
    "SIGMOID": "SIGMOID",
}


def values_of(header: Header) -> dict[str, Any]:
    """Return the fields of `Frame` that say what its stored values mean.

    Raises
    ------
    DicomError
        When no real value would be right.
    """
    return {
        "value_map": value_map_of(header),
        "unit": unit_of(header),
        "value": "rescaled",
        "padding": padding_of(header),
        "highest": highest_of(header),
        "window": window_of(header),
        "inverted": text(header.dataset, "PhotometricInterpretation") == "MONOCHROME1",
    }


def value_map_of(header: Header) -> ValueMap:
    """Return how stored values of an image become real ones (DICOM PS3.3 C.11.1).

    A modality LUT goes before rescale slope and intercept; RT doses have their own factor.

    Raises
    ------
    DicomError
        When the numbers are malformed or the slope is 0: no real value would be right.
    """
    dataset, uid = header.dataset, header.uid
    tables = items(dataset, "ModalityLUTSequence")
    if tables:
        first, table, _ = _lookup_table(header, tables[0], _is_signed(header))
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


def unit_of(header: Header) -> str:
    """Return the UCUM unit of the real values; "1" when the image does not say."""
    dataset = header.dataset
    modality, rescale = text(dataset, "Modality"), text(dataset, "RescaleType").upper()
    if modality == "PT":
        units = text(dataset, "Units").upper()
        suv = text(dataset, "SUVType").upper()
        return _SUV_UNITS.get((units, suv), _PET_UNITS.get(units, "1"))
    if modality == "RTDOSE":
        return "Gy" if text(dataset, "DoseUnits").upper() == "GY" else "1"
    if rescale:
        return _RESCALE_TYPES.get(rescale, "1")
    is_localizer = "LOCALIZER" in (str(v).upper() for v in items(dataset, "ImageType"))
    is_rescaled = items(dataset, "RescaleSlope") or items(dataset, "RescaleIntercept")
    return "[hnsf'U]" if modality == "CT" and is_rescaled and not is_localizer else "1"


def padding_of(header: Header) -> tuple[float, float] | None:
    """Return the lowest and highest stored value that mark padding, both inclusive.

    Values written with the wrong sign are read as the bits they stand for: 63536 in a signed
    16-bit image is -2000 (DICOM PS3.3 C.7.5.1.1.2).
    """
    if header.pixel_keyword not in ("", "PixelData"):
        limits = [
            value
            for word in ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")
            for value in numbers(header.dataset, word, header.uid)[:1]
        ]
        return (min(limits), max(limits)) if limits else None
    if not items(header.dataset, "PixelPaddingValue"):
        return None
    first = _padding_value(header, "PixelPaddingValue")
    has_limit = bool(items(header.dataset, "PixelPaddingRangeLimit"))
    last = _padding_value(header, "PixelPaddingRangeLimit") if has_limit else first
    return float(min(first, last)), float(max(first, last))


def highest_of(header: Header) -> float | None:
    """Return the highest stored value that an image can hold; None for floating point pixels."""
    bits = integer(header.dataset, "BitsStored", header.uid, default=0)
    if header.pixel_keyword not in ("", "PixelData") or not 1 <= bits <= 64:
        return None
    return float(2 ** (bits - _is_signed(header)) - 1)


def stored_value(value: int, bits: int, signed: bool) -> int:
    """Return the number that the lowest `bits` of `value` stand for.

    Examples
    --------
    >>> stored_value(63536, 16, signed=True), stored_value(-2000, 16, signed=False)
    (-2000, 63536)
    """
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


def window_of(header: Header) -> Window | None:
    """Return the display window of an image; None when absent or unusable.

    A VOI LUT goes before window center and width; of several windows the first is taken.
    """
    try:
        return _voi_table(header) or _center_and_width(header)
    except DicomError:
        return None


def _voi_table(header: Header) -> Window | None:
    tables = items(header.dataset, "VOILUTSequence")
    if not tables:
        return None
    intercept = numbers(header.dataset, "RescaleIntercept", header.uid)
    signed = _is_signed(header) or any(value < 0 for value in intercept)
    first, table, bits = _lookup_table(header, tables[0], signed)
    return Window(table=TableMap(first, np.minimum(table / (2.0**bits - 1), 1.0)))


def _center_and_width(header: Header) -> Window | None:
    centers = numbers(header.dataset, "WindowCenter", header.uid)
    widths = numbers(header.dataset, "WindowWidth", header.uid)
    stated = text(header.dataset, "VOILUTFunction").upper()
    function = _VOI_FUNCTIONS.get(stated, "LINEAR")
    if not centers or not widths or widths[0] <= 0 or (widths[0] < 1 and function == "LINEAR"):
        return None
    return Window(centers[0], widths[0], function)


def _lookup_table(header: Header, item: Any, signed: bool) -> tuple[int, FloatArray, int]:
    """Return the first value mapped, the entries, and the bits of an entry."""
    uid = header.uid
    descriptor = [int(value) for value in numbers(item, "LUTDescriptor", uid)]
    if len(descriptor) != 3 or not 1 <= descriptor[2] <= 16:
        raise DicomError(uid, f"LUTDescriptor: expected entries\\first\\bits, got {descriptor}")
    count, first, bits = descriptor[0] % 65536 or 65536, descriptor[1], descriptor[2]
    if signed and first >= 32768:
        first -= 65536
    entries = _lut_entries(header, item, count, bits)
    if len(entries) < count:
        raise DicomError(uid, f"LUTData: expected {count} entries, got {len(entries)}")
    return first, entries[:count], bits


def _lut_entries(header: Header, item: Any, count: int, bits: int) -> FloatArray:
    data = item.get("LUTData")
    if not isinstance(data, bytes):
        values = np.array(numbers(item, "LUTData", header.uid), dtype=np.int64) & 0xFFFF
        if bits <= 8 and len(values) < count <= 2 * len(values):  # two entries in every word
            values = values.astype("<u2").view(np.uint8).astype(np.int64)
        return values.astype(np.float64)
    if bits <= 8 and len(data) < 2 * count:
        return np.frombuffer(data, dtype=np.uint8).astype(np.float64)
    order = ">" if header.syntax == ExplicitVRBigEndian else "<"
    return np.frombuffer(data[: len(data) // 2 * 2], dtype=f"{order}u2").astype(np.float64)


def _padding_value(header: Header, keyword: str) -> int:
    value = header.dataset.get(keyword)
    if isinstance(value, bytes):  # its value representation could not be told
        value = int.from_bytes(value[:2], "little")
    else:
        value = integer(header.dataset, keyword, header.uid)
    bits = integer(header.dataset, "BitsStored", header.uid, default=16)
    return stored_value(value, bits, _is_signed(header)) if 1 <= bits <= 64 else value


def _is_signed(header: Header) -> bool:
    return integer(header.dataset, "PixelRepresentation", header.uid, default=0) == 1


def _one(header: Header, keyword: str, default: float) -> float:
    values = numbers(header.dataset, keyword, header.uid)
    if len(values) > 1:
        raise DicomError(header.uid, f"{keyword}: expected one number, got {values}")
    return values[0] if values else default
