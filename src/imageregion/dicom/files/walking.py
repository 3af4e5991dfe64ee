"""Walking through sequences in a file without keeping anything of them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import BinaryIO

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from imageregion.errors import DicomError

__all__ = ["Walk", "is_sequence"]

_MAX_DEPTH = 64  # sequences within sequences
_MAX_UNPARSED = 16 * 2**20  # bytes of a value of undefined length that is no sequence
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_UNDEFINED = 0xFFFFFFFF
_CHUNK = 2**20


@lru_cache(10_000)
def is_sequence(tag: int) -> bool:
    """Tell whether an element is a sequence where its value representation does not say it."""
    return dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ"


class Walk:
    """Goes through a sequence; every step is counted, so that the caller can stop it.

    Parameters
    ----------
    file : binary file
        At the first item.
    order : {"<", ">"}
        Byte order.
    count : callable
        Told of each item (True) and element (False), and whether it is out of order.
    fail : callable
        Makes the error for a fault.
    deep : bool
        Look into everything that a parser would; else what has a known length is passed over.
    """

    def __init__(
        self,
        file: BinaryIO,
        order: str,
        count: Callable[[bool, bool], None],
        fail: Callable[[str], DicomError],
        *,
        deep: bool,
    ) -> None:
        self._file, self._count, self._fail, self._deep = file, count, fail, deep
        self._implicit = struct.Struct(order + "HHL").unpack
        self._explicit = struct.Struct(order + "HH2sH").unpack
        self._length = struct.Struct(order + "L").unpack

    def sequence(self, implicit: bool, depth: int = 0, end: int | None = None) -> None:
        """Pass a sequence, or another value that ends with a sequence delimiter."""
        if depth > _MAX_DEPTH:
            raise self._fail(f"sequences are nested deeper than {_MAX_DEPTH}")
        start, first = self._file.tell(), True
        while end is None or self._file.tell() < end:
            head = self._file.read(8)
            if len(head) < 8:
                raise self._fail("it ends within a sequence")
            group, element, length = self._implicit(head)
            tag = group << 16 | element
            if tag == _SEQUENCE_END:
                return
            if tag != _ITEM and first and end is None:
                self._file.seek(start)
                self._pass_bytes()
                return
            if tag != _ITEM:
                raise self._fail("expected an item of a sequence")
            first = False
            self._count(True, False)
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
            vr = b"" if implicit or not b"AA" <= head[4:6] <= b"ZZ" else head[4:6]
            if vr:
                length = self._explicit(head)[3]
                if vr in _LONG:
                    more = file.read(4)
                    length = self._length(more)[0] if len(more) == 4 else 0
            tag = group << 16 | element
            if tag == _ITEM_END:
                return
            self._count(False, tag <= last)
            last = tag
            bare = vr in (b"", b"UN")
            if length == _UNDEFINED:
                self.sequence(implicit, depth + 1)
            elif self._deep and (vr == b"SQ" or (bare and is_sequence(tag))):
                self.sequence(implicit, depth + 1, file.tell() + length)
            else:
                file.seek(file.tell() + length)

    def _pass_bytes(self) -> None:
        """Go behind the next sequence delimiter."""
        delimiter = struct.pack("<HH", 0xFFFE, 0xE0DD)
        if self._implicit(b"\0\1" + bytes(6))[0] == 1:  # big endian
            delimiter = struct.pack(">HH", 0xFFFE, 0xE0DD)
        for _ in range(_MAX_UNPARSED // _CHUNK):
            start = self._file.tell()
            chunk = self._file.read(_CHUNK)
            found = chunk.find(delimiter)
            if found >= 0:
                self._file.seek(start + found + 8)
                return
            if len(chunk) < _CHUNK:
                break
            self._file.seek(start + len(chunk) - 3)
        raise self._fail("a value of undefined length does not end")
