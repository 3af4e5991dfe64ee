"""Metadata: DICOM JSON as the bytes of a DICOM file, so that it is read like any other header.

The DICOM JSON Model (PS3.18 F.2) is turned into Explicit VR Little Endian. Numbers keep every
digit; of what is not wanted, and of bulk data nobody needs, nothing is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any, BinaryIO

from pydicom.uid import UID

from imageregion.dicom.files.headers import Head, Header, items, read_header, text
from imageregion.dicom.files.wanted import WANTED
from imageregion.dicom.web.json_model import (
    PIXELS,
    JsonModelError,
    Resolve,
    element_of,
    encode_element,
    tagged,
)
from imageregion.errors import DicomError

__all__ = ["UNKNOWN_SYNTAX", "first_value", "has_lost_values", "header_of"]

UNKNOWN_SYNTAX = UID("")
"""Stands for a transfer syntax that metadata do not tell; frames say it when they come."""

_CHARACTERS = 0x00080005
_SYNTAXES = ("00020010", "00083002")  # of the file meta information; Available Transfer Syntax UID
_META = (
    struct.pack("<HH2sH4s", 2, 0, b"UL", 4, struct.pack("<L", 28))
    + struct.pack("<HH2sH", 2, 0x10, b"UI", 20)
    + b"1.2.840.10008.1.2.1\0"
)


def header_of(metadata: Any, name: str, source: Any, resolve: Resolve | None = None) -> Header:
    """Read the metadata of one instance.

    Parameters
    ----------
    metadata : dict
        Of DICOM JSON.
    name : str
        For messages.
    source : FrameSource
        Where its frames come from.
    resolve : callable, optional
        Fetches lookup tables that are bulk data; without it they count as absent.

    Returns
    -------
    Header
        Its `pixel_bytes` are unknown; so may be its transfer syntax, see `UNKNOWN_SYNTAX`.

    Raises
    ------
    DicomError
        When it is no DICOM JSON, or makes no sense.

    Examples
    --------
    >>> header = header_of(
    ...     {"00080018": {"vr": "UI", "Value": ["1.2.3"]}, "00280010": {"vr": "US", "Value": [4]},
    ...      "00280030": {"vr": "DS", "Value": [0.5, "2.50"]}}, "1.2.3", None)
    >>> header.uid, header.dataset.Rows, header.dataset.PixelSpacing, header.pixel_keyword
    ('1.2.3', 4, [0.5, 2.50], 'PixelData')
    """
    if not isinstance(metadata, Mapping):
        raise DicomError(name, "expected the metadata of an instance as a JSON object")
    content = b"\0" * 128 + b"DICM" + _META + _dataset(metadata, name, resolve)
    header = read_header(_Bytes(content), name, Head(content, len(content)))
    if header is None:
        raise DicomError(name, "the metadata are no DICOM")
    return replace(
        header,
        source=source,
        syntax=_syntax(metadata),
        pixel_keyword=_pixel_keyword(metadata, header),
        pixel_bytes=None,
        pixel_start=None,
        elements=None,
    )


def first_value(metadata: Any, tag: str) -> str:
    """Return the first value of an element of DICOM JSON as text; empty where there is none.

    Examples
    --------
    >>> first_value({"00080018": {"vr": "UI", "Value": ["1.2.3"]}}, "00080018")
    '1.2.3'
    """
    element = metadata.get(tag) if isinstance(metadata, Mapping) else None
    values = element.get("Value") if isinstance(element, Mapping) else None
    first = values[0] if isinstance(values, list) and values else ""
    return first.strip(" \0") if isinstance(first, str) else ""


def has_lost_values(metadata: Any) -> bool:
    """Tell whether a server lost the numbers of an instance: only the object itself has them.

    In JIS X 0201 the yen sign has the place of the backslash, which separates values. Servers that
    convert all text to Unicode, numbers included, then find no number where there are several.
    """
    if not isinstance(metadata, Mapping):
        return False
    characters = metadata.get("00080005")
    stated = characters.get("Value") if isinstance(characters, Mapping) else None
    names = stated if isinstance(stated, list) else []
    if not any("IR 13" in str(name)[-6:] for name in names):
        return False
    return any(
        isinstance(element, Mapping) and element.get("vr") == "DS" and element.get("Value") == []
        for element in metadata.values()
    )


class _Bytes:
    """Bytes that can be opened like a file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self) -> BinaryIO:
        return BytesIO(self._content)


def _dataset(metadata: Mapping[str, Any], name: str, resolve: Resolve | None) -> bytes:
    """Encode the wanted elements; one that is malformed is an error of the instance."""
    parts = [element_of(_CHARACTERS, "CS", b"ISO_IR 192")]
    for tag, element in sorted(tagged(metadata)):
        if tag not in WANTED or tag == _CHARACTERS:
            continue
        try:
            parts.append(encode_element(tag, element, resolve))
        except (JsonModelError, struct.error, OverflowError, TypeError, ValueError) as error:
            if isinstance(error, DicomError):
                raise
            message = f"metadata: element {tag:08X} is not as DICOM JSON says: {error}"
            raise DicomError(name, message) from None
    return b"".join(parts)


def _syntax(metadata: Mapping[str, Any]) -> UID:
    for tag in _SYNTAXES:
        found = first_value(metadata, tag)
        if found:
            return UID(found[:64])
    return UNKNOWN_SYNTAX


def _pixel_keyword(metadata: Mapping[str, Any], header: Header) -> str:
    """Tell which pixel data there is; many servers do not mention it in metadata."""
    present = {key.upper() for key in metadata}
    stated = [word for tag, word in PIXELS.items() if f"{tag:08X}" in present]
    if stated:
        return stated[0]
    if not items(header.dataset, "Rows"):
        return ""
    if not items(header.dataset, "BitsStored") and text(header.dataset, "BitsAllocated") == "32":
        return "FloatPixelData"
    if not items(header.dataset, "BitsStored") and text(header.dataset, "BitsAllocated") == "64":
        return "DoubleFloatPixelData"
    return "PixelData"
