"""Bounds on untrusted headers: what a file may ask of the reader before its pixels.

pydicom reads on for as long as bytes can be taken for elements. A file of zeros is then a header of
millions of empty elements, a sequence without end one of millions of items, and a few deflated
bytes may become any number. `read_bounded` looks at each element before pydicom does.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import nullcontext
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from imageregion.dicom.files.walking import Walk
from imageregion.errors import DicomError

__all__ = ["GROUPS", "Budget", "check_inflated_size", "read_bounded"]

_MAX_ELEMENTS = 100_000  # outside of sequences
_MAX_NESTED = 2_000_000  # elements in a sequence that is passed over
_MAX_GROUPS = 4_000_000  # elements in functional groups; some writers have 200 for each frame
_MAX_TABLES = 10_000  # elements in the other sequences that are read
_ITEM_COST = 5  # elements; items are the slowest to read
_BYTES_COST = 16  # bytes of a table that count as an element
_MAX_VALUE = 64 * 1024  # bytes of a value that is no sequence
_MAX_BYTES = 256 * 2**20  # of all values that are read
_MAX_INFLATED = 2**30  # of a deflated file, pixels and all
_START_READS, _START_BYTES = 10_000, 4 * 2**20  # before the first element of the dataset
_DISORDER = 256  # elements out of order that are let through; writers are sloppy

_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
GROUPS = frozenset({0x52009229, 0x52009230})
"""Tags of functional groups, which are long: they are kept as bytes and parsed where needed."""
_UNDEFINED = 0xFFFFFFFF
_CHUNK = 2**20


@lru_cache(8)
def _sequences(wanted: frozenset[BaseTag]) -> frozenset[BaseTag]:
    return frozenset(tag for tag in wanted if not tag.is_private and dictionary_VR(tag) == "SQ")


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


def check_inflated_size(source: Path | BinaryIO, name: str) -> None:
    """Refuse a deflated file that becomes too large, without keeping what comes out of it.

    Parameters
    ----------
    source : Path or binary file
        At its start.
    name : str
        For messages.

    Raises
    ------
    DicomError
        When it inflates to more than 1 GiB.
    """
    with source.open("rb") if isinstance(source, Path) else nullcontext(source) as file:
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
    file = cast(BinaryIO, bounded)
    dataset = read_partial(file, bounded.check, force=True, specific_tags=tags)
    for element in bounded.kept:
        dataset[element.tag] = element
    return dataset


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


class Budget:
    """Counts what is in sequences that will be parsed, and stops what is too much.

    Parameters
    ----------
    name : str
        For messages.
    limit : int
        Elements; an item counts as five.
    """

    def __init__(self, name: str, limit: int) -> None:
        self._name, self._left = name, limit

    def fail(self, message: str) -> DicomError:
        """Make the error for a fault."""
        return DicomError(self._name, f"the header is damaged or too large: {message}")

    def count(self, is_item: bool, _disorder: bool = False) -> None:
        """Count an item or an element.

        Raises
        ------
        DicomError
            When it is one too many.
        """
        self.spend(_ITEM_COST if is_item else 1)

    def weigh(self, value: bytes, *, little: bool, implicit: bool) -> int:
        """Count everything in the bytes of a sequence, and return how much it is.

        Long values count as well, since somebody will unpack them.

        Raises
        ------
        DicomError
            When it is too much, or nested too deep.
        """
        before, order = self._left, "<" if little else ">"
        walk = Walk(BytesIO(value), order, self.count, self.fail, deep=True)
        walk.sequence(implicit, end=len(value))
        return before - self._left + self.cost(value)

    @staticmethod
    def cost(value: bytes) -> int:
        """Return the elements that a value counts for when somebody unpacks it."""
        return len(value) // _BYTES_COST

    def spend(self, cost: int) -> None:
        """Count so many elements.

        Raises
        ------
        DicomError
            When they are too many.
        """
        self._left -= cost
        if self._left < 0:
            raise self.fail("a sequence has too many items or elements")


class _Bounded:
    """A file that counts what is asked of it, and looks at elements before pydicom does."""

    def __init__(self, file: BinaryIO, name: str, wanted: Iterable[BaseTag]) -> None:
        self.seek, self.tell = file.seek, file.tell
        self._file, self._name = file, name
        self._wanted = frozenset(wanted)
        self._sequences = _sequences(self._wanted)
        self._started = False
        self._reads = self._bytes = 0
        self._elements = self._nested = self._disorder = 0
        self._last, self._limit = -1, 0
        self._cost = 1
        self.kept: list[RawDataElement] = []

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
            if tag not in GROUPS:
                self._check_sequence(tag, vr is None, length)
        elif tag in self._wanted and length > _MAX_VALUE:
            raise self._error(f"element {BaseTag(tag)} has {length} bytes")
        return False

    def _check_order(self) -> None:
        if self._disorder > _DISORDER + (self._elements + self._nested) // 2:
            raise self._error("its elements are out of order")

    def _check_sequence(self, tag: int, implicit: bool, length: int | None = None) -> None:
        """Walk through a sequence; one that is not wanted is left at its end, so that it is empty.

        That saves pydicom the work of parsing what is thrown away. Functional groups are left at
        their end, too, but kept as bytes.
        """
        start, wanted, is_groups = self.tell(), tag in self._wanted, tag in GROUPS
        deep = wanted and not is_groups
        self._cost = _ITEM_COST if deep else 1
        limit = _MAX_GROUPS if is_groups else _MAX_TABLES if wanted else _MAX_NESTED
        self._limit = self._nested + limit
        end = None if length is None else start + length
        order = ">" if self._file.read(2) == b"\xff\xfe" else "<"
        self.seek(start)
        Walk(self._file, order, self.count, self.fail, deep=deep).sequence(implicit, end=end)
        stop = self.tell() - 8
        if wanted and is_groups:
            self.seek(start)
            self._keep(tag, self.read(stop - start), implicit, order == "<")
        self.seek(start if deep else stop)

    def _keep(self, tag: int, value: bytes, implicit: bool, little: bool) -> None:
        element = RawDataElement(BaseTag(tag), "SQ", len(value), value, 0, implicit, little)
        self.kept.append(element)

    def count(self, is_item: bool, disorder: bool) -> None:
        """Count an item, or an element within one."""
        self._nested += self._cost if is_item else 1
        self._disorder += disorder
        if self._nested > self._limit:
            raise self._error("a sequence has too many items or elements")
        self._check_order()

    def _error(self, message: str) -> DicomError:
        return DicomError(self._name, f"the header is damaged or too large: {message}")

    def fail(self, message: str) -> DicomError:
        """Make the error for a fault at the present place."""
        return self._error(f"{message} at byte {self.tell()}")
