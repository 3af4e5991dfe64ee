"""Sequences as bytes: split into items and elements without parsing what nobody asks for."""

from __future__ import annotations

import struct
from collections.abc import Container, Hashable, Mapping

from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import BaseTag

from imageregion.dicom.files.bounds import Budget
from imageregion.dicom.files.walking import is_sequence

__all__ = ["Element", "Elements", "Item", "elements_of", "fingerprint", "split_items"]

Element = DataElement | RawDataElement
"""An element as pydicom keeps it: understood, or as it is in the file."""

Item = Mapping[BaseTag, Element]
"""The elements of an item by tag."""

Elements = dict[BaseTag, RawDataElement]
"""The elements of an item by tag, their values as they are in the file."""

_MAX_DEPTH = 64
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_UNDEFINED = 0xFFFFFFFF


def split_items(
    sequence: RawDataElement, budget: Budget, most: int, wanted: Container[int] | None = None
) -> list[Elements]:
    """Split a sequence into its items, and those into their elements.

    Elements within elements stay bytes, those of undefined length without their delimiter.

    Parameters
    ----------
    sequence : RawDataElement
        With bytes as value.
    budget : Budget
        Counts what is passed.
    most : int
        Items to return; those that follow are not looked at.
    wanted : container of int, optional
        Tags to keep; all where not given.

    Raises
    ------
    DicomError
        When there is too much to pass, or lengths do not fit into each other.

    Examples
    --------
    >>> data = bytes.fromhex("feff00e0 0a000000 28005310 4453 0200 3220".replace(" ", ""))
    >>> sequence = RawDataElement(BaseTag(0x00289145), "SQ", len(data), data, 0, False, True)
    >>> [item[BaseTag(0x00281053)].value for item in split_items(sequence, Budget("", 99), 1)]
    [b'2 ']
    """
    return _Splitter(sequence, budget, wanted).items(most)


class _Splitter:
    def __init__(
        self, sequence: RawDataElement, budget: Budget, wanted: Container[int] | None
    ) -> None:
        order = "<" if sequence.is_little_endian else ">"
        self._data = sequence.value or b""
        self._little, self._given = sequence.is_little_endian, sequence.is_implicit_VR
        self._budget, self._wanted = budget, wanted
        self._implicit = struct.Struct(order + "HHL").unpack_from
        self._explicit = struct.Struct(order + "HH2sH").unpack_from
        self._length = struct.Struct(order + "L").unpack_from

    def items(self, most: int) -> list[Elements]:
        """Return the elements of each item."""
        found: list[Elements] = []
        at, end = 0, len(self._data)
        while at + 8 <= end and len(found) < most:
            group, element, length = self._implicit(self._data, at)
            tag = group << 16 | element
            if tag == _SEQUENCE_END:
                break
            if tag != _ITEM:
                raise self._budget.fail("expected an item of a sequence")
            self._budget.count(True)
            elements: Elements = {}
            at = self._item(at + 8, length, self._given, 0, elements)
            found.append(elements)
        return found

    def _item(self, at: int, length: int, implicit: bool, depth: int, keep: Elements | None) -> int:
        """Pass an item, and keep its elements; return where it ends."""
        data = self._data
        stop = len(data) if length == _UNDEFINED else at + length
        if stop > len(data):
            raise self._budget.fail("an item is longer than its sequence")
        if not implicit:
            vr = data[at + 4 : at + 6]
            implicit = not (vr.isalpha() and vr.isupper())
        while at + 8 <= stop:
            tag, kind, size, at = self._head(at, implicit)
            if tag == _ITEM_END and length == _UNDEFINED:
                return at
            self._budget.count(False)
            start = at
            if size == _UNDEFINED:
                at = self._delimited(at, implicit, depth + 1)
                last = at - 8
            else:
                at = last = at + size
            if at > stop:
                raise self._budget.fail("an element is longer than its item")
            if keep is not None and (self._wanted is None or tag in self._wanted):
                self._keep(keep, tag, kind, start, last, implicit)
        if length == _UNDEFINED:
            raise self._budget.fail("it ends within an item")
        return stop

    def _head(self, at: int, implicit: bool) -> tuple[int, str | None, int, int]:
        """Return tag, value representation, length and place of the value of an element."""
        group, element, length = self._implicit(self._data, at)
        tag = group << 16 | element
        vr = self._data[at + 4 : at + 6]
        if implicit or group == 0xFFFE or not b"AA" <= vr <= b"ZZ":
            return tag, None, length, at + 8
        if vr in _LONG:
            if at + 12 > len(self._data):
                raise self._budget.fail("it ends within an element")
            return tag, vr.decode(), self._length(self._data, at + 8)[0], at + 12
        return tag, vr.decode("latin-1"), self._explicit(self._data, at)[3], at + 8

    def _delimited(self, at: int, implicit: bool, depth: int) -> int:
        """Pass a value of undefined length; return where its delimiter ends."""
        if depth > _MAX_DEPTH:
            raise self._budget.fail(f"sequences are nested deeper than {_MAX_DEPTH}")
        while at + 8 <= len(self._data):
            group, element, length = self._implicit(self._data, at)
            tag, at = group << 16 | element, at + 8
            if tag == _SEQUENCE_END:
                return at
            if tag != _ITEM:
                raise self._budget.fail("expected an item of a sequence")
            self._budget.count(True)
            if length == _UNDEFINED:
                at = self._item(at, length, implicit, depth, None)
            else:
                at += length
        raise self._budget.fail("it ends within a sequence")

    def _keep(
        self, keep: Elements, number: int, kind: str | None, start: int, stop: int, implicit: bool
    ) -> None:
        tag = BaseTag(number)
        if kind in (None, "UN") and is_sequence(number):
            implicit, kind = implicit or kind == "UN", "SQ"
        value = self._data[start:stop]
        keep[tag] = RawDataElement(tag, kind, len(value), value, 0, implicit, self._little)


def fingerprint(element: Element) -> Hashable:
    """Return what is equal for equal elements, and differs for others.

    Elements that are understood already are compared by their values.

    Examples
    --------
    >>> one, two = DataElement(0x00280010, "US", 4), DataElement(0x00280010, "US", 5)
    >>> fingerprint(one) == fingerprint(two)
    False
    """
    if isinstance(element, RawDataElement):
        return element.VR, element.value, element.is_implicit_VR
    if element.VR == "SQ":
        return tuple(
            tuple((int(tag), fingerprint(inner)) for tag, inner in elements_of(item).items())
            for item in element.value or ()
        )
    value = element.value
    return element.VR, value if isinstance(value, bytes) else str(value)


def elements_of(item: Dataset) -> Item:
    """Return the elements of an item without understanding them."""
    return {tag: item.get_item(tag) for tag in item.keys()}  # noqa: SIM118
