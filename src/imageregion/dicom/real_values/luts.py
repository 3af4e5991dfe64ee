"""Lookup tables: their entries, however they are packed, and signs that were lost on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydicom.uid import ExplicitVRBigEndian

from imageregion._arrays import FloatArray
from imageregion.dicom.files.headers import Header, integer, numbers
from imageregion.errors import DicomError

__all__ = ["is_signed", "lookup_table"]


def is_signed(header: Header) -> bool:
    """Whether stored values of an image are signed (DICOM PS3.5 8.1.1)."""
    return integer(header.dataset, "PixelRepresentation", header.uid, default=0) == 1


def lookup_table(header: Header, item: Any, signed: bool) -> tuple[int, FloatArray, int]:
    """Return the first value mapped, the entries, and the bits of an entry of a LUT item.

    DICOM PS3.3 C.11.1.1.1: 0 entries stand for 65536, and the first value mapped has the sign of
    the values that go in, whatever its value representation.

    Raises
    ------
    DicomError
        When the descriptor makes no sense or there are fewer entries than it says.
    """
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
