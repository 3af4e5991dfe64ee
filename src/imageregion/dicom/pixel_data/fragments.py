"""Fragments: where the bytes of each encoded frame are, found without reading the others.

Compressed pixel data is a row of items: first the Basic Offset Table, then the fragments, one or
more for each frame (DICOM PS3.5 A.4). Which fragments make up a frame is told by the Extended
Offset Table, by the Basic Offset Table, or by going once from item to item. Tables are believed
only as far as they fit to each other and to the items they point at.
"""

from __future__ import annotations

import struct
import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from pydicom import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imageregion.dicom.files.bounds import read_bounded
from imageregion.dicom.files.byte_source import ByteSource, FrameSource, open_source
from imageregion.dicom.pixel_data.offsets import Table, from_basic, from_extended
from imageregion.errors import DicomError

__all__ = ["FrameBytes", "is_compressed"]

_ITEM, _DELIMITER = 0xFFFEE000, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_MAX_FRAGMENTS = 4_000_000
_MAX_VALUE_BYTES = 2**30  # of one encoded frame
_NATIVE = {
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
}
_VRS = (b"OB", b"OW", b"OF", b"OD", b"UN")
_EXTENDED = struct.pack("<HH2sHL", 0x7FE0, 0x0001, b"OV", 0, 0)[:8]
_EXTENDED_LENGTHS = struct.pack("<HH2sHL", 0x7FE0, 0x0002, b"OV", 0, 0)[:8]
_TOTAL_LENGTH = struct.pack("<HH2sH", 0x7FE0, 0x0003, b"UV", 8)
_JPEG_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff")  # SOI, or SOC of JPEG 2000, and a marker


def is_compressed(syntax: UID) -> bool:
    """Whether a transfer syntax puts each frame into items of its own (DICOM PS3.5 A.4)."""
    return syntax not in _NATIVE


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where the value of the pixel data element lies.

    Parameters
    ----------
    start, end : int
        First byte of the value and one past its last; `end` at most that of the file.
    swapped : bool
        Whether bytes are stored in pairs, the second one first.
    extended : tuple of bytes, optional
        The Extended Offset Table and its lengths.
    """

    start: int
    end: int
    swapped: bool = False
    extended: tuple[bytes, bytes] | None = None


class FrameBytes:
    """The bytes of each frame of one object; safe for threads.

    Parameters
    ----------
    source : Path, ByteSource, FrameSource or pydicom.Dataset
        Of a FrameSource nothing can be read here.
    uid : str
        SOP Instance UID, for messages.
    keyword : str
        "PixelData", "FloatPixelData" or "DoubleFloatPixelData".
    syntax : UID
        Transfer syntax; not deflated.
    count : int
        Number of frames.
    frame_bits : int
        Bits of an uncompressed frame, which need not end at a whole byte.
    cell_bits : int
        Bits of one uncompressed sample.
    start : int, optional
        Byte of the tag of the pixel data element; looked for when not given.
    """

    def __init__(
        self,
        source: Path | ByteSource | FrameSource | Dataset,
        uid: str,
        keyword: str,
        syntax: UID,
        count: int,
        frame_bits: int,
        cell_bits: int = 16,
        start: int | None = None,
    ) -> None:
        self.source, self.uid, self.keyword, self.syntax = source, uid, keyword, syntax
        self.count, self.frame_bits, self.cell_bits = count, frame_bits, cell_bits
        self.start = start
        self._place: _Place | None = None
        self._table: Table | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[FrameBytes], tuple[object, ...]]:
        fields = (self.source, self.uid, self.keyword, self.syntax, self.count)
        return FrameBytes, (*fields, self.frame_bits, self.cell_bits, self.start)

    def read(self, index: int) -> bytes:
        """Return the bytes of a frame, fragments joined.

        An uncompressed frame that begins or ends within a byte comes with the whole byte.

        Parameters
        ----------
        index : int
            From 0.

        Raises
        ------
        DicomError
            When there is no such frame, or its bytes cannot be told from others.
        OSError
            When the file cannot be read.
        """
        if not 0 <= index < self.count:
            raise DicomError(self.uid, f"there is no frame {index + 1}, there are {self.count}")
        with self._opened() as file:
            with self._lock:
                if self._place is None:
                    self._place = self._find(file)
                place = self._place
            if not is_compressed(self.syntax):
                return self._native(file, place, index)
            return self._encapsulated(file, place, index)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        if isinstance(self.source, FrameSource):
            raise DicomError(self.uid, "its frames come from a server, one by one")
        if isinstance(self.source, Dataset):
            with BytesIO(self.source[self.keyword].value or b"") as file:
                yield file
        else:
            with open_source(self.source) as file:
                yield file

    def _find(self, file: BinaryIO) -> _Place:
        """Find the value of the pixel data element and the tables in front of it."""
        size = file.seek(0, 2)
        if isinstance(self.source, Dataset):
            element = self.source[self.keyword]
            return _Place(0, size, self._is_swapped(element.VR), _dataset_tables(self.source))
        start = self.start
        if start is None:
            file.seek(0)
            read_bounded(file, self.uid, ())
            start = file.tell()
        file.seek(start)
        head = file.read(12)
        order = ">" if self.syntax == ExplicitVRBigEndian else "<"
        if len(head) < 12 or struct.unpack(order + "H", head[:2])[0] != 0x7FE0:
            raise DicomError(self.uid, "the pixel data is not where it was when the file was read")
        explicit = head[4:6] in _VRS and self.syntax != ImplicitVRLittleEndian
        at, first = (8, start + 12) if explicit else (4, start + 8)
        length = struct.unpack(order + "L", head[at : at + 4])[0]
        end = size if length == _UNDEFINED else min(first + length, size)
        swapped = explicit and self._is_swapped(head[4:6].decode())
        extended = self._extended(file, start) if is_compressed(self.syntax) else None
        return _Place(first, end, swapped, extended)

    def _is_swapped(self, vr: str) -> bool:
        """Whether single bytes are kept in words of the opposite order (DICOM PS3.5 8.1.1)."""
        return self.syntax == ExplicitVRBigEndian and vr == "OW" and self.cell_bits == 8

    def _extended(self, file: BinaryIO, start: int) -> tuple[bytes, bytes] | None:
        """Read the Extended Offset Table, which can only lie right before the pixel data."""
        length = 8 * self.count
        file.seek(max(start - 20, 0))
        if file.read(12)[:8] == _TOTAL_LENGTH:
            start -= 20
        if start < 2 * (length + 12):
            return None
        tables = []
        for place, tag in ((2, _EXTENDED), (1, _EXTENDED_LENGTHS)):
            file.seek(start - place * (length + 12))
            if file.read(12) != tag + struct.pack("<L", length):
                return None
            tables.append(file.read(length))
        return tables[0], tables[1]

    # --- uncompressed ----------------------------------------------------------------------------

    def _native(self, file: BinaryIO, place: _Place, index: int) -> bytes:
        first, last = index * self.frame_bits, (index + 1) * self.frame_bits
        start, stop = first // 8, -(-last // 8)
        skip = start % 2 if place.swapped else 0
        file.seek(place.start + start - skip)
        length = stop - start + skip
        length += length % 2 if place.swapped else 0
        if place.start + stop > place.end:
            raise DicomError(
                self.uid,
                f"the pixel data is truncated: frame {index + 1} ends at byte {stop}, "
                f"there are {place.end - place.start}",
            )
        data = file.read(length)
        if place.swapped:
            data = np.frombuffer(data + b"\0" * (len(data) % 2), "<u2").byteswap().tobytes()
        return data[skip : skip + stop - start]

    # --- compressed ------------------------------------------------------------------------------

    def _encapsulated(self, file: BinaryIO, place: _Place, index: int) -> bytes:
        with self._lock:
            if self._table is None:
                self._table = self._find_table(file, place)
            table = self._table
        start, stop = int(table.starts[index]), int(table.stops[index])
        data = self._join(file, place, start, stop, index)
        if data is None:  # the table is wrong: the items themselves tell
            with self._lock:
                self._table = table = self._walk(file, place)
            start, stop = int(table.starts[index]), int(table.stops[index])
            data = self._join(file, place, start, stop, index)
        if not data:
            raise DicomError(self.uid, f"frame {index + 1} has no pixel data, or a part of it")
        return data

    def _find_table(self, file: BinaryIO, place: _Place) -> Table:
        """Find which items belong to which frame."""
        file.seek(place.start)
        tag, length = _item(file, place.end)
        if tag != _ITEM or place.start + 8 + length > place.end:
            raise DicomError(self.uid, "the compressed pixel data does not begin with an item")
        first = place.start + 8 + length
        table = None
        if place.extended is not None and len(place.extended[0]) == 8 * self.count:
            table = from_extended(place.extended, first, place.end)
        if table is None and length == 4 * self.count:
            table = from_basic(file.read(length), first, place.end)
        if table is None and self.count == 1:
            table = Table(np.array([first]), np.array([-1]))
        return table or self._walk(file, place)

    def _join(
        self, file: BinaryIO, place: _Place, start: int, stop: int, index: int
    ) -> bytes | None:
        """Join the fragments from `start` to `stop`; None when there are not just whole ones."""
        parts, total, position = [], 0, start
        for _ in range(_MAX_FRAGMENTS):
            if position == stop:
                break
            file.seek(position)
            tag, length = _item(file, place.end)
            if tag != _ITEM and stop < 0 and (tag == _DELIMITER or position == place.end):
                break
            position += 8 + length
            if tag != _ITEM or position > (place.end if stop < 0 else stop):
                return None
            total += length
            if total > _MAX_VALUE_BYTES:
                raise DicomError(self.uid, f"frame {index + 1} has more than {total} bytes")
            parts.append(file.read(length))
        return b"".join(parts)

    def _walk(self, file: BinaryIO, place: _Place) -> Table:
        """Go from item to item, and tell the frames by the number of fragments or their starts."""
        starts, begins, position = array("q"), array("b"), place.start
        while True:
            file.seek(position)
            tag, length = _item(file, place.end)
            if tag != _ITEM:
                break
            if position + 8 + length > place.end:
                raise DicomError(self.uid, "the pixel data is truncated within a fragment")
            starts.append(position)
            begins.append(file.read(3) in _JPEG_STARTS)
            position += 8 + length
            if len(starts) > _MAX_FRAGMENTS:
                message = f"the pixel data has more than {_MAX_FRAGMENTS} fragments"
                raise DicomError(self.uid, message)
        starts.append(position)
        places = np.array(starts, dtype=np.int64)[1:]  # the first item is the table
        first = np.array(begins, dtype=np.bool_)[1:]
        fragments = len(places) - 1
        if fragments != self.count:
            places = places[np.append(first, True)]
        if len(places) - 1 != self.count or (fragments != self.count and not first[:1].all()):
            raise DicomError(
                self.uid,
                f"the pixel data is truncated, or its frames cannot be told apart: it has "
                f"{fragments} fragments for {self.count} frames",
            )
        return Table(places[:-1], places[1:])


def _item(file: BinaryIO, end: int) -> tuple[int, int]:
    """Read the tag and length of an item; (0, 0) where there is none."""
    head = file.read(8) if file.tell() + 8 <= end else b""
    if len(head) < 8:
        return 0, 0
    group, element, length = struct.unpack("<HHL", head)
    return group << 16 | element, length


def _dataset_tables(dataset: Dataset) -> tuple[bytes, bytes] | None:
    tables = [dataset.get(f"ExtendedOffsetTable{word}") for word in ("", "Lengths")]
    if isinstance(tables[0], bytes) and isinstance(tables[1], bytes):
        return tables[0], tables[1]
    return None
