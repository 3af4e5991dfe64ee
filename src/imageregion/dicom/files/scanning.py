"""Scanning: the elements that are wanted, straight from the first bytes of a well-formed file.

Most files are in order, and for them nothing more than one pass over their elements is needed.
Whatever is out of the ordinary is left to `bounds.read_bounded`, which is slower and knows more.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, MutableMapping, MutableSequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from pydicom import Dataset
from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

__all__ = ["Scan", "scan_elements", "scan_file"]

_MAX_VALUE = 64 * 1024  # bytes of a value that is no sequence
_MAX_NESTED = 10_000  # elements within the sequences of a dataset
_MAX_LONG = 2_000_000  # elements within those that are long by nature
_ITEM_COST = 5  # elements; items are the slowest to read
_MAX_DEPTH = 32  # sequences within sequences
_PREAMBLE = 132
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_NAMES = {vr: vr.decode() for vr in _LONG | _SHORT}
_ITEM, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE0DD
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
_ITEM_DELIMITER = (0xFFFE, 0xE00D, 0)
_FIRST, _LAST = 0x00040000, 0xFFFC0000  # where a dataset may begin, and where padding does
_UNDEFINED = 0xFFFFFFFF
_DEFAULT_ENCODING = "iso8859"
_CHARACTERS = BaseTag(0x00080005)
_LONG_SEQUENCES = frozenset(
    {0x00041220, 0x00409094, 0x52009229, 0x52009230}  # records, images of a map, functional groups
)
_OTHER_SYNTAXES = frozenset(
    {str(DeflatedExplicitVRLittleEndian), str(ExplicitVRBigEndian), "1.2.840.113619.5.2"}
)
_META_TAGS = {tag: BaseTag(tag) for tag in (0x00020002, 0x00020003, 0x00020010)}

_Elements: TypeAlias = MutableMapping[BaseTag, DataElement | RawDataElement]

_explicit = struct.Struct("<HH2sH").unpack_from
_implicit = struct.Struct("<HHL").unpack_from
_length = struct.Struct("<L").unpack_from


class _UnusualError(Exception):
    """Something is not as in most files."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a scan found.

    Parameters
    ----------
    dataset : pydicom.Dataset
        The wanted elements, their values as they are in the file.
    stop : int
        Offset of the pixel element, or of the end.
    at_pixels : bool
        Whether there is a pixel element at `stop`.
    elements : bytes
        The wanted elements, as they are in the file.
    """

    dataset: Dataset
    stop: int
    at_pixels: bool
    elements: bytes


def scan_file(start: bytes, wanted: Mapping[int, BaseTag]) -> Scan | None:
    """Find the wanted elements in the first bytes of a file with preamble.

    Parameters
    ----------
    start : bytes
    wanted : mapping of int to BaseTag
        In any order; keys and values are the same tags.

    Returns
    -------
    Scan or None
        None when the file must be read with more care.
    """
    if start[128:_PREAMBLE] != b"DICM":
        return None
    try:
        meta, at = _scan_meta(start)
        syntax = meta.get(_META_TAGS[0x00020010])
        uid = "" if syntax is None else (syntax.value or b"").decode("ascii").strip(" \0")
        if not uid or uid in _OTHER_SYNTAXES:
            return None
        found = scan_elements(start, at, wanted, implicit=uid == ImplicitVRLittleEndian)
    except (_UnusualError, struct.error, UnicodeDecodeError):
        return None
    if found is not None:
        found.dataset.file_meta = FileMetaDataset(meta)
    return found


def _scan_meta(data: bytes) -> tuple[_Elements, int]:
    """Return what is needed of the file meta information, and where it ends."""
    found: _Elements = {}
    at = _PREAMBLE
    while data[at : at + 2] == b"\x02\x00":
        group, element, vr, length = _explicit(data, at)
        if vr in _LONG:
            length = _length(data, at + 8)[0]
            at += 4
        elif vr not in _SHORT:
            raise _UnusualError
        at += 8
        if length > len(data) - at:
            raise _UnusualError
        tag = _META_TAGS.get(group << 16 | element)
        if tag is not None:
            value = data[at : at + length]
            found[tag] = RawDataElement(tag, _NAMES[vr], length, value, at, False, True)
        at += length
    return found, at


def scan_elements(
    data: bytes, at: int, wanted: Mapping[int, BaseTag], *, implicit: bool
) -> Scan | None:
    """Find the wanted elements of a little-endian dataset.

    Parameters
    ----------
    data : bytes
    at : int
        Where the dataset begins.
    wanted : mapping of int to BaseTag
    implicit : bool
        Whether elements have no value representation.

    Returns
    -------
    Scan or None
        None when the dataset must be read with more care.
    """
    try:
        return _scan(data, at, wanted, implicit)
    except (_UnusualError, struct.error, UnicodeDecodeError, LookupError):
        return None


def _scan(data: bytes, at: int, wanted: Mapping[int, BaseTag], implicit: bool) -> Scan:
    found: _Elements = {}
    parts: list[bytes] = []
    nested, last, end, at_pixels = _Nested(data), -1, len(data), False
    while at < end:
        start = at
        if implicit:  # what `_element` does, without the time for a call
            group, element, length = _implicit(data, at)
            vr, at = b"", at + 8
        else:
            group, element, vr, length = _explicit(data, at)
            at += 8
            if vr not in _SHORT:
                if vr not in _LONG:
                    raise _UnusualError
                length = _length(data, at)[0]
                at += 4
        tag = group << 16 | element
        if tag <= last or tag < _FIRST or tag >= _LAST:
            raise _UnusualError
        last = tag
        if tag in _PIXELS:
            at, at_pixels = start, True
            break
        if length == _UNDEFINED:
            stop = nested.items(at, None, implicit or vr != b"SQ")
        elif at + length > end:
            raise _UnusualError
        else:
            stop = at + length
        name = wanted.get(tag)
        if name is not None:
            found[name] = _raw(data, (name, vr, length), (at, stop), implicit, nested)
            parts.append(data[start:stop])
        at = stop
    dataset = Dataset(found)
    dataset.set_original_encoding(implicit, True, _encodings(found))
    return Scan(dataset, at, at_pixels, b"".join(parts))


def _raw(
    data: bytes,
    head: tuple[BaseTag, bytes, int],
    place: tuple[int, int],
    implicit: bool,
    nested: _Nested,
) -> RawDataElement:
    """Take an element as it is, after a look into sequences of known length."""
    (tag, vr, length), (at, stop) = head, place
    is_sequence = vr == b"SQ" or (implicit and _is_sequence(tag))
    if is_sequence and length != _UNDEFINED:
        nested.items(at, stop, implicit)
    if vr == b"UN" or (length > _MAX_VALUE and not is_sequence):
        raise _UnusualError
    nested.check(_MAX_LONG if tag in _LONG_SEQUENCES else _MAX_NESTED)
    value = data[at : stop - 8 if length == _UNDEFINED else stop]
    kind = "SQ" if is_sequence else _NAMES.get(vr)
    return RawDataElement(tag, kind, len(value), value, at, implicit, True)


def _element(data: bytes, at: int, implicit: bool) -> tuple[int, bytes, int, int]:
    """Return tag, value representation, length and place of the value of an element."""
    if implicit:
        group, element, length = _implicit(data, at)
        return group << 16 | element, b"", length, at + 8
    group, element, vr, length = _explicit(data, at)
    if vr in _SHORT:
        return group << 16 | element, vr, length, at + 8
    if vr not in _LONG:
        raise _UnusualError
    return group << 16 | element, vr, _length(data, at + 8)[0], at + 12


class _Nested:
    """Passes sequences, and counts what is in them."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._count = 0

    def check(self, limit: int) -> None:
        """Refuse more elements than so many."""
        if self._count > limit:
            raise _UnusualError
        self._count = 0

    def items(self, at: int, end: int | None, implicit: bool, depth: int = 0) -> int:
        """Pass the items of a sequence, which ends somewhere or has a delimiter."""
        if depth > _MAX_DEPTH:
            raise _UnusualError
        while end is None or at < end:
            group, element, length = _implicit(self._data, at)
            tag, at = group << 16 | element, at + 8
            if tag == _SEQUENCE_END and end is None and length == 0:
                return at
            if tag != _ITEM:
                raise _UnusualError
            self._count += _ITEM_COST
            stop = None if length == _UNDEFINED else at + length
            at = self._elements(at, stop, implicit, depth)
        if at != end:
            raise _UnusualError
        return at

    def _elements(self, at: int, end: int | None, implicit: bool, depth: int) -> int:
        """Pass the elements of an item."""
        data = self._data
        if end is not None and end > len(data):
            raise _UnusualError
        while end is None or at < end:
            if end is None and _implicit(data, at) == _ITEM_DELIMITER:
                return at + 8
            tag, vr, length, at = _element(data, at, implicit)
            self._count += 1
            if length == _UNDEFINED:
                at = self.items(at, None, implicit or vr != b"SQ", depth + 1)
                continue
            stop = at + length
            if vr == b"SQ" or (implicit and _is_sequence(tag)):
                self.items(at, stop, implicit, depth + 1)
            at = stop
        if at != end:
            raise _UnusualError
        return at


@lru_cache(10_000)
def _is_sequence(tag: int) -> bool:
    return dictionary_has_tag(tag) and dictionary_VR(tag) == "SQ"


def _encodings(found: _Elements) -> str | MutableSequence[str]:
    stated = found.get(_CHARACTERS)
    return _encodings_of(bytes(stated.value or b"")) if stated is not None else _DEFAULT_ENCODING


@lru_cache(64)
def _encodings_of(value: bytes) -> MutableSequence[str]:
    return convert_encodings([name.strip(" ") for name in value.decode("ascii").split("\\")])
