"""Bounds on untrusted headers: what a file may ask of the reader before its pixels.

pydicom reads on for as long as bytes can be taken for elements. A file of zeros is then a header of
millions of empty elements, a sequence without end one of millions of items, and a few deflated
bytes may become any number. `read_bounded` looks at each element before pydicom does.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from pydicom.datadict import dictionary_VR
from pydicom.dataset import FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from imageregion.errors import DicomError

__all__ = ["check_inflated_size", "read_bounded"]

_MAX_ELEMENTS = 100_000  # outside of sequences
_MAX_NESTED = 2_000_000  # elements in a sequence that is passed over
_MAX_GROUPS = 2_000_000  # elements in functional groups, some 120 for each frame
_MAX_TABLES = 10_000  # elements in the other sequences that are read
_ITEM_COST = 5  # elements; items are the slowest to read
_MAX_DEPTH = 64  # sequences within sequences
_MAX_VALUE = 64 * 1024  # bytes of a value that is no sequence
_MAX_BYTES = 256 * 2**20  # of all values that are read
_MAX_INFLATED = 2**30  # of a deflated file, pixels and all
_START_READS, _START_BYTES = 10_000, 4 * 2**20  # before the first element of the dataset
_DISORDER = 256  # elements out of order that are let through; writers are sloppy

_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_GROUPS = frozenset({0x52009229, 0x52009230})  # long, and not looked into when a file is opened
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_UNDEFINED = 0xFFFFFFFF
_CHUNK = 2**20


class _DeflatedError(Exception):
    """The dataset that follows is deflated."""


def read_bounded(file: BinaryIO, name: str, tags: Iterable[BaseTag]) -> FileDataset:
    """Read the wanted elements of a file up to its pixels, within bounds.

    Elements that are not wanted are skipped, undefined-length sequences without being parsed.

    Parameters
    ----------
    file : binary file
        At its start; left at the pixel data, or where the header ends.
    name : str
        For messages.
    tags : iterable of BaseTag

    Raises
    ------
    DicomError
        When the header is longer than any real one, or its elements make no sense.
    Exception
        Whatever pydicom raises on a damaged file.
    """
    wanted = list(tags)
    try:
        return _read(_Bounded(file, name, wanted), wanted)
    except _DeflatedError:
        start = file.tell()
        inflated = _inflated_start(file)
        file.seek(0)
        meta = read_partial(BytesIO(file.read(start)), force=True).file_meta
        dataset = _read(_Bounded(BytesIO(inflated), name, wanted), wanted)
        dataset.file_meta = meta
        return dataset


def check_inflated_size(path: Path, name: str) -> None:
    """Refuse a deflated file that becomes too large, without keeping what comes out of it.

    Raises
    ------
    DicomError
        When it inflates to more than 1 GiB.
    """
    with path.open("rb") as file:
        try:
            _read(_Bounded(file, name, []), [])
        except _DeflatedError:
            size, inflate = 0, zlib.decompressobj(-zlib.MAX_WBITS)
            chunk = file.read(_CHUNK)
            while chunk and size <= _MAX_INFLATED and not inflate.eof:
                size += len(inflate.decompress(chunk, 16 * _CHUNK))
                chunk = inflate.unconsumed_tail or file.read(_CHUNK)
            if size > _MAX_INFLATED:
                message = f"the deflated dataset is larger than {_MAX_INFLATED} bytes"
                raise DicomError(name, message) from None


def _read(bounded: _Bounded, wanted: list[BaseTag]) -> FileDataset:
    tags = cast("list[BaseTag | int]", wanted)
    return read_partial(cast(BinaryIO, bounded), bounded.check, force=True, specific_tags=tags)


def _inflated_start(file: BinaryIO) -> bytes:
    """Inflate until a header of any size must have ended."""
    limit = _MAX_BYTES // 4
    inflate, parts, left = zlib.decompressobj(-zlib.MAX_WBITS), [], limit
    for _ in range(2 * limit // _CHUNK):
        chunk = file.read(_CHUNK)
        if not chunk or left <= 0 or inflate.eof:
            break
        parts.append(inflate.decompress(chunk, left))
        left -= len(parts[-1])
    return b"".join(parts)


class _Bounded:
    """A file that counts what is asked of it, and looks at elements before pydicom does."""

    def __init__(self, file: BinaryIO, name: str, wanted: Iterable[BaseTag]) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._file, self._name = file, name
        self._wanted = frozenset(wanted)
        self._sequences = frozenset(tag for tag in self._wanted if dictionary_VR(tag) == "SQ")
        self._started = False
        self._reads = self._bytes = 0
        self._elements = self._nested = self._disorder = 0
        self._last, self._limit = -1, 0

    def read(self, size: int = -1) -> bytes:
        """Read bytes; only a deflated dataset is asked for to its end."""
        if size < 0:
            raise _DeflatedError
        self._reads += 1
        self._bytes += size
        if self._bytes > _MAX_BYTES:
            raise self._error(f"its values have more than {_MAX_BYTES} bytes")
        if not self._started and (self._reads > _START_READS or self._bytes > _START_BYTES):
            raise self._error("it does not get from the file meta information to a dataset")
        return self._file.read(size)

    def check(self, tag: int, vr: str | None, length: int) -> bool:
        """Whether the pixels are reached; the file stands at the value of the element."""
        if tag in _PIXELS:
            return True
        self._started = True
        self._elements += 1
        self._disorder += tag <= self._last
        self._last = tag
        if self._elements > _MAX_ELEMENTS:
            raise self._error(f"it has more than {_MAX_ELEMENTS} elements")
        self._check_order()
        if length == _UNDEFINED:
            self._check_sequence(tag, vr is None)
        elif tag in self._sequences:
            if tag not in _GROUPS:
                self._check_sequence(tag, vr is None, length)
        elif tag in self._wanted and length > _MAX_VALUE:
            raise self._error(f"element {BaseTag(tag)} has {length} bytes")
        return False

    def _check_order(self) -> None:
        if self._disorder > _DISORDER + (self._elements + self._nested) // 2:
            raise self._error("its elements are out of order")

    def _check_sequence(self, tag: int, implicit: bool, length: int | None = None) -> None:
        """Walk through a sequence; one that is not wanted is left at its end, so that it is empty.

        That saves pydicom the work of parsing what is thrown away.
        """
        start, wanted = self.tell(), tag in self._wanted
        limit = _MAX_GROUPS if tag in _GROUPS else _MAX_TABLES if wanted else _MAX_NESTED
        self._limit = self._nested + limit
        end = None if length is None else start + length
        order = ">" if self._file.read(2) == b"\xff\xfe" else "<"
        self.seek(start)
        _Walk(self, self._file, order, deep=wanted).undefined(implicit, 0, end)
        self.seek(start if wanted else self.tell() - 8)

    def count(self, disorder: bool, cost: int = 1) -> None:
        """Count an item, or an element within one."""
        self._nested += cost
        self._disorder += disorder
        if self._nested > self._limit:
            raise self._error("a sequence has too many items or elements")
        self._check_order()

    def _error(self, message: str) -> DicomError:
        return DicomError(self._name, f"the header is damaged or too large: {message}")

    def fail(self, message: str) -> DicomError:
        """Make the error for a fault at the present place."""
        return self._error(f"{message} at byte {self.tell()}")


class _Walk:
    """Goes through a sequence without keeping anything of it.

    Items of a sequence that will be parsed are looked into (`deep`); else those of known length
    are passed over.
    """

    def __init__(self, bounded: _Bounded, file: BinaryIO, order: str, *, deep: bool) -> None:
        self._bounded, self._file, self._deep = bounded, file, deep
        self._implicit = struct.Struct(order + "HHL").unpack
        self._explicit = struct.Struct(order + "HH2sH").unpack
        self._length = struct.Struct(order + "L").unpack

    def undefined(self, implicit: bool, depth: int, end: int | None = None) -> None:
        """Pass a sequence, or another value that ends with a sequence delimiter."""
        if depth > _MAX_DEPTH:
            raise self._bounded.fail(f"sequences are nested deeper than {_MAX_DEPTH}")
        start, first = self._file.tell(), True
        while end is None or self._file.tell() < end:
            head = self._file.read(8)
            if len(head) < 8:
                raise self._bounded.fail("it ends within a sequence")
            group, element, length = self._implicit(head)
            tag = group << 16 | element
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM and first and end is None:
                self._file.seek(start)
                self._pass_bytes()
                return
            if tag != _ITEM:
                raise self._bounded.fail("expected an item of a sequence")
            first = False
            self._bounded.count(False, _ITEM_COST if self._deep else 1)
            self._item(implicit, depth, length)

    def _item(self, implicit: bool, depth: int, length: int) -> None:
        if length == _UNDEFINED:
            self._elements(implicit, depth, None)
        elif self._deep:
            self._elements(implicit, depth, self._file.tell() + length)
        else:
            self._file.seek(self._file.tell() + length)

    def _elements(self, implicit: bool, depth: int, end: int | None) -> None:
        file, last = self._file, -1
        if not implicit:
            peek = file.read(6)
            file.seek(file.tell() - len(peek))
            implicit = not (peek[4:6].isalpha() and peek[4:6].isupper())
        while end is None or file.tell() < end:
            head = file.read(8)
            if len(head) < 8:
                return
            group, element, length = self._implicit(head)
            if not implicit and b"AA" <= head[4:6] <= b"ZZ":
                length = self._explicit(head)[3]
                if head[4:6] in _LONG:
                    more = file.read(4)
                    length = self._length(more)[0] if len(more) == 4 else 0
            tag = group << 16 | element
            if tag == _ITEM_END:
                return
            self._bounded.count(tag <= last)
            last = tag
            if length == _UNDEFINED:
                self.undefined(implicit, depth + 1)
            else:
                file.seek(file.tell() + length)

    def _pass_bytes(self) -> None:
        """Go behind the next sequence delimiter."""
        delimiter = struct.pack("<HH", 0xFFFE, 0xE0DD)
        if self._implicit(b"\0\1" + bytes(6))[0] == 1:  # big endian
            delimiter = struct.pack(">HH", 0xFFFE, 0xE0DD)
        for _ in range(_MAX_BYTES // 16 // _CHUNK):
            start = self._file.tell()
            chunk = self._file.read(_CHUNK)
            found = chunk.find(delimiter)
            if found >= 0:
                self._file.seek(start + found + 8)
                return
            if len(chunk) < _CHUNK:
                break
            self._file.seek(start + len(chunk) - 3)
        raise self._bounded.fail("a value of undefined length does not end")
