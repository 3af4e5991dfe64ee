"""The DICOM JSON Model (PS3.18 F.2) as elements of Explicit VR Little Endian.

Numbers keep every digit; pixels of icons, and bulk data nobody needs, are left out.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR

__all__ = ["PIXELS", "JsonModelError", "Resolve", "element_of", "encode_element", "tagged"]

Resolve = Callable[[str], bytes]
"""Fetches bulk data by its URI."""

_MAX_DEPTH = 32
_TEXTS = frozenset(
    [
        *("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO"),
        *("LT", "SH", "ST", "TM", "UC", "UI", "UR", "UT"),
    ]
)
_ASCII = frozenset(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI"])
_YEN = "\u00a5"  # where JIS X 0201 has the backslash, which servers do not see as one
_LONG = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"])
_NUMBERS = {
    "US": ("H", 16),
    "UL": ("L", 32),
    "UV": ("Q", 64),
    "SS": ("h", 16),
    "SL": ("l", 32),
    "SV": ("q", 64),
}
_FLOATS = {"FL": "f", "FD": "d"}
_BULK = frozenset({0x00283006, 0x00409212})  # LUT Data, Real World Value LUT Data
PIXELS = {
    0x7FE00008: "FloatPixelData",
    0x7FE00009: "DoubleFloatPixelData",
    0x7FE00010: "PixelData",
}


class JsonModelError(Exception):
    """An element that is not as the DICOM JSON Model says."""


def tagged(metadata: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """Return tags and elements, without keys that are no tags; servers add some."""
    found = []
    for key, element in metadata.items():
        try:
            tag = int(key, 16) if len(key) == 8 and key.isalnum() else -1
        except ValueError:
            tag = -1
        if tag >= 0 and isinstance(element, Mapping):
            found.append((tag, element))
    return sorted(dict(found).items())


def encode_element(
    tag: int, element: Mapping[str, Any], resolve: Resolve | None, depth: int = 0
) -> bytes:
    """Encode an element, and all within it.

    Parameters
    ----------
    tag : int
    element : mapping
        "vr", and one of "Value", "InlineBinary", "BulkDataURI" or none.
    resolve : callable, optional
        Fetches lookup tables, and of what stands at the top level everything but pixels.
    depth : int
        Sequences around it.

    Raises
    ------
    JsonModelError, struct.error, OverflowError, TypeError, ValueError
        When it is not as the model says.

    Examples
    --------
    >>> encode_element(0x00280010, {"vr": "US", "Value": [512]}, None).hex(" ")
    '28 00 10 00 55 53 02 00 00 02'
    """
    vr = element.get("vr") or (dictionary_VR(tag) if dictionary_has_tag(tag) else "UN")
    if not isinstance(vr, str):
        raise JsonModelError("vr: expected text")
    if " or " in vr:  # of servers that do not decide
        vr = vr[:2] if "Value" in element else vr[-2:]
    if vr == "SQ":
        return element_of(tag, "SQ", _sequence(element.get("Value"), resolve, depth))
    data = _bulk(tag, element, resolve, depth)
    if vr == "UN":  # so that nobody has to guess
        known = dictionary_VR(tag)[:2] if dictionary_has_tag(tag) else "OB"
        vr = "OB" if known == "SQ" else known
    if data is None:
        data = _value(vr, element.get("Value"))
    return element_of(tag, vr, data)


def _bulk(
    tag: int, element: Mapping[str, Any], resolve: Resolve | None, depth: int
) -> bytes | None:
    """Return the bytes of an element that does not come as values; None where it does."""
    inline, uri = element.get("InlineBinary"), element.get("BulkDataURI")
    if isinstance(inline, list) and len(inline) == 1:  # of some servers
        inline = inline[0]
    if isinstance(inline, str):
        try:
            return b64decode(inline)
        except (Base64Error, ValueError):
            raise JsonModelError("InlineBinary: expected base64") from None
    if not isinstance(uri, str):
        return None
    wanted = tag in _BULK or (depth == 0 and tag not in PIXELS)
    return resolve(uri) if wanted and resolve is not None else b""


def _sequence(value: Any, resolve: Resolve | None, depth: int) -> bytes:
    if depth >= _MAX_DEPTH:
        raise JsonModelError(f"more than {_MAX_DEPTH} sequences within each other")
    if value is None:
        return b""
    if not isinstance(value, list):
        raise JsonModelError("Value: expected a list of items")
    parts = []
    for item in value:
        if not isinstance(item, Mapping):
            raise JsonModelError("Value: expected items that are JSON objects")
        inner = b"".join(
            encode_element(tag, element, resolve, depth + 1)
            for tag, element in tagged(item)
            if tag not in PIXELS  # of icons
        )
        parts.append(struct.pack("<HHL", 0xFFFE, 0xE000, len(inner)) + inner)
    return b"".join(parts)


def _value(vr: str, value: Any) -> bytes:
    values = value if isinstance(value, list) else [] if value is None else [value]
    if vr in _NUMBERS:
        kind, bits = _NUMBERS[vr]
        unsigned = [_word(one, bits) for one in values if one is not None]
        return struct.pack(f"<{len(unsigned)}{kind.upper()}", *unsigned)
    if vr in _FLOATS:
        floats = [float(one) for one in values if one is not None]
        return struct.pack(f"<{len(floats)}{_FLOATS[vr]}", *floats)
    if vr == "AT":
        tags = [int(str(one), 16) for one in values]
        return b"".join(struct.pack("<HH", tag >> 16, tag & 0xFFFF) for tag in tags)
    if vr == "PN":
        names = [one.get("Alphabetic") if isinstance(one, Mapping) else one for one in values]
        return "\\".join(str(name or "") for name in names).encode()
    if vr in _TEXTS:
        if vr == "IS":
            values = [_whole(one) if isinstance(one, float) else one for one in values]
        joined = "\\".join(_written(one) for one in values)
        return (joined.replace(_YEN, "\\") if vr in _ASCII else joined).encode()
    if values:
        raise JsonModelError(f"values of {vr[:2]!r} come as InlineBinary or BulkDataURI")
    return b""


def _word(value: Any, bits: int) -> int:
    """Return a whole number as so many bits; servers confuse those with and without sign."""
    number = _whole(value)
    if not -(1 << (bits - 1)) <= number < 1 << bits:
        raise JsonModelError(f"{number} is no number of {bits} bits")
    return number & ((1 << bits) - 1)


def _whole(value: Any) -> int:
    """Return a whole number, which may be written as text or with a point."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise JsonModelError(f"expected a whole number, got {type(value).__name__}")
    if isinstance(value, str) and len(value) > 40:
        raise JsonModelError("expected a whole number")
    number = int(value)
    if isinstance(value, float) and number != value:
        raise JsonModelError(f"expected a whole number, got {value}")
    return number


def _written(value: Any) -> str:
    """Write a value as it stands in a file; of a number all digits that tell it from others."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise JsonModelError(f"expected text or a number, got {type(value).__name__}")
    return repr(value)


def element_of(tag: int, vr: str, value: bytes) -> bytes:
    """Return an element with its value, padded to an even length (DICOM PS3.5 7.1).

    Raises
    ------
    JsonModelError, struct.error
        When there is no such value representation, or the value is too long for it.
    """
    if len(vr) != 2 or not (vr.isascii() and vr.isupper()):
        raise JsonModelError(f"vr: expected two capitals, got {vr[:20]!r}")
    if len(value) % 2:
        value += b" " if vr in _TEXTS and vr != "UI" else b"\0"
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in _LONG:
        return head + struct.pack("<HL", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value
