"""Headers: everything a DICOM object says besides its pixels, read without touching them."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from pydicom import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imageregion.dicom.files.bounds import read_bounded
from imageregion.dicom.files.elements import integer, items, numbers, text
from imageregion.dicom.files.members import ZipMember
from imageregion.dicom.files.scanning import scan_file
from imageregion.dicom.files.wanted import WANTED

if TYPE_CHECKING:
    from imageregion.dicom.files.byte_source import ByteSource, FrameSource

__all__ = [
    "Head",
    "Header",
    "Place",
    "integer",
    "items",
    "numbers",
    "open_place",
    "read_dataset",
    "read_head",
    "read_header",
    "text",
]

_PIXEL_ELEMENTS = {0x0008: "FloatPixelData", 0x0009: "DoubleFloatPixelData", 0x0010: "PixelData"}
_NATIVE = {
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
}
_LATER_CLASSES = {"1.2.840.10008.5.1.4.1.1.66.7": "Label Map Segmentation Storage"}
_PREAMBLE = 128
_HEAD_BYTES = 64 * 1024
_UNDEFINED = 0xFFFFFFFF


Place: TypeAlias = "Path | ByteSource"
"""Where the bytes of a DICOM file are: a file, or something that can be opened like one."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of a file, and its size."""

    start: bytes
    size: int


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What one DICOM object says, and where its pixels are.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Read only; of a file, without its pixels.
    source : Path, ByteSource, FrameSource or pydicom.Dataset
        Where the pixels can be decoded from.
    name : str
        How messages call the source.
    uid, sop_class : str
        SOP Instance and SOP Class UID; empty where absent.
    syntax : UID
        Transfer syntax, guessed from the encoding where the object does not state it.
    pixel_keyword : str
        "PixelData", "FloatPixelData", "DoubleFloatPixelData", or "" when there are no pixels.
    pixel_bytes : int, optional
        Bytes of pixel data at hand; None when unknown (deflated files, objects on a server).
    pixel_start : int, optional
        Byte of the tag of the pixel data element in the source; None when unknown (datasets,
        deflated files).
    elements : bytes, optional
        The elements of `dataset` as they stand in the file; None when they must be written anew.
    """

    dataset: Dataset
    source: Path | ByteSource | FrameSource | Dataset
    name: str
    uid: str
    sop_class: str
    syntax: UID
    pixel_keyword: str
    pixel_bytes: int | None
    pixel_start: int | None = None
    elements: bytes | None = None

    @property
    def is_native(self) -> bool:
        """Whether pixels are stored as they are, neither compressed nor encapsulated."""
        return self.syntax in _NATIVE

    @property
    def kind(self) -> str:
        """Name of the SOP class, e.g. "RT Structure Set Storage"."""
        return _class_name(self.sop_class)


@lru_cache(1_000)
def _class_name(uid: str) -> str:
    if not uid:
        return "object without SOP Class UID"
    return _LATER_CLASSES.get(uid) or UID(uid).name


@lru_cache(1_000)
def _as_uid(uid: str) -> UID:
    """Return a UID that pydicom has looked at once."""
    return UID(uid)


def open_place(place: Place) -> BinaryIO:
    """Open a file, or what is like one, at its first byte, to read forward a little."""
    if isinstance(place, ZipMember):
        return place.stream()
    return place.open("rb") if isinstance(place, Path) else place.open()


def read_head(place: Place) -> Head:
    """Read the first bytes of a file; the only part of reading that waits for a disk.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    if isinstance(place, Path):
        with open(place, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            return Head(file.read(_HEAD_BYTES), size)
    with open_place(place) as member:
        start = member.read(_HEAD_BYTES)
        if isinstance(place, ZipMember):
            return Head(start, place.size)
        return Head(start, member.seek(0, os.SEEK_END))


def read_header(place: Place, name: str, head: Head) -> Header | None:
    """Read the header of a file; None when the file is not DICOM.

    Files without the DICOM preamble count when they begin like a dataset and turn out to have a
    SOP Instance UID. The file itself is opened only when the header is longer than `head`, or
    needs a closer look.

    Raises
    ------
    OSError
        When the file cannot be read.
    DicomError
        When the header is longer than any real one, or its elements make no sense.
    Exception
        Whatever pydicom raises on a damaged file.
    """
    has_preamble = head.start[_PREAMBLE : _PREAMBLE + 4] == b"DICM"
    if not has_preamble and not _begins_like_dataset(head.start):
        return None
    try:
        header = _scan(place, name, head) or _read_with_care(place, name, head)
    except Exception:
        if has_preamble:
            raise
        return None
    return header if has_preamble or header.uid else None


def _scan(place: Place, name: str, head: Head) -> Header | None:
    """Take the header from the first bytes; None when they do not hold it, or not in order."""
    found = scan_file(head.start, WANTED)
    if found is None or not (found.at_pixels or head.size == len(head.start)):
        return None
    syntax = _syntax(found.dataset)
    identity = _identity(found.dataset)
    if not found.at_pixels:
        return Header(found.dataset, place, name, *identity, syntax, "", 0, None, found.elements)
    first = head.start[found.stop : found.stop + 12]
    if len(first) < 12:
        return None
    pixels = _pixel_element(first, head.size - found.stop, syntax)
    return Header(
        found.dataset, place, name, *identity, syntax, *pixels, found.stop, found.elements
    )


def _read_with_care(place: Place, name: str, head: Head) -> Header:
    if head.size <= len(head.start):
        return _parse(BytesIO(head.start), place, name, head.size)
    header = None
    with suppress(Exception):
        header = _parse(BytesIO(head.start), place, name, head.size)
    if header is None or not header.pixel_keyword or header.pixel_bytes is None:
        with open_place(place) as file:
            header = _parse(file, place, name, head.size)
    return header


def _parse(file: BinaryIO, place: Place, name: str, size: int) -> Header:
    dataset = read_bounded(file, name, WANTED.values())
    syntax, identity = _syntax(dataset), _identity(dataset)
    if syntax == DeflatedExplicitVRLittleEndian:
        return Header(dataset, place, name, *identity, syntax, "PixelData", None)
    start = file.tell()
    keyword, length = _pixel_element(file.read(12), size - start, syntax)
    return Header(
        dataset, place, name, *identity, syntax, keyword, length, start if keyword else None
    )


def read_dataset(dataset: Dataset, name: str) -> Header:
    """Take a dataset in memory for a header; nothing in it is changed."""
    present = [word for word in _PIXEL_ELEMENTS.values() if word in dataset]
    return Header(
        dataset,
        dataset,
        name,
        *_identity(dataset),
        _syntax(dataset),
        present[0] if present else "",
        len(dataset[present[0]].value or b"") if present else 0,
    )


def _begins_like_dataset(start: bytes) -> bool:
    """Tell whether bytes look like the first element of a dataset without preamble.

    That is a short element of group 0002 or 0008: with a value representation in capitals, or
    implicit with a length that fits.
    """
    if len(start) < 12:
        return False
    if start[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return False
    if start[4:6].isalpha() and start[4:6].isupper():
        return True
    return bool(struct.unpack("<L", start[4:8])[0] < 1024)


def _identity(dataset: Dataset) -> tuple[str, str]:
    """Return SOP Instance and SOP Class UID, those of the file meta information at need."""
    meta = getattr(dataset, "file_meta", None) or Dataset()
    return (
        text(dataset, "SOPInstanceUID") or text(meta, "MediaStorageSOPInstanceUID"),
        text(dataset, "SOPClassUID") or text(meta, "MediaStorageSOPClassUID"),
    )


def _syntax(dataset: Dataset) -> UID:
    meta = getattr(dataset, "file_meta", None)
    stated = text(meta, "TransferSyntaxUID") if meta is not None else ""
    if stated:
        return _as_uid(stated)
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRBigEndian if little is False else ExplicitVRLittleEndian


def _pixel_element(head: bytes, remaining: int, syntax: UID) -> tuple[str, int]:
    """Return keyword of the element that begins with `head`, and the bytes it really has."""
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    if len(head) < 8:
        return "", 0
    group, element = struct.unpack(order + "HH", head[:4])
    if group != 0x7FE0:
        return "", 0
    keyword = _PIXEL_ELEMENTS.get(element, "")
    if syntax == ImplicitVRLittleEndian:
        remaining -= 8
        length = struct.unpack("<L", head[4:8])[0]
    else:
        remaining -= len(head)
        length = struct.unpack(order + "L", head[8:12])[0] if len(head) == 12 else 0
    return keyword, max(remaining if length == _UNDEFINED else min(length, remaining), 0)
