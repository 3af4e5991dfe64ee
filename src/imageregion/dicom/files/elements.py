"""Elements: the values of a dataset as text and numbers, without what pydicom would do about them.

Every file of a study is asked some fifty questions when it is opened. pydicom answers with objects
of its own, which takes longer than reading the file; here the usual kinds of values are taken from
their bytes. Anything else, and datasets in memory, go through pydicom.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from imageregion.errors import DicomError

__all__ = ["integer", "items", "numbers", "text"]

_FORMATS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}
_TEXTS = frozenset(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM", "UI"])
_PADDING = " \0"


def text(dataset: Dataset, keyword: str) -> str:
    r"""Return an attribute as text without padding; empty when absent.

    Several values are separated by backslashes, as in files.

    Examples
    --------
    >>> dataset = Dataset()
    >>> dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    >>> print(text(dataset, "ImageType"))
    ORIGINAL\PRIMARY
    """
    value = _value(dataset, keyword, as_text=True)
    if value is None:
        return ""
    if type(value) is list or (isinstance(value, Sequence) and not isinstance(value, (str, bytes))):
        return "\\".join(str(part).strip(_PADDING) for part in value)
    return str(value).strip(_PADDING)


def items(dataset: Dataset, keyword: str) -> list[Any]:
    """Return the values or sequence items of an attribute; empty when absent.

    Examples
    --------
    >>> dataset = Dataset()
    >>> dataset.PixelSpacing = [2.0, 0.5]
    >>> len(items(dataset, "PixelSpacing")), len(items(dataset, "Rows"))
    (2, 0)
    """
    value = _value(dataset, keyword)
    if value is None or (isinstance(value, (str, bytes)) and not value):
        return []
    if type(value) is list:
        return value
    multiple = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    parts = value if multiple else [value]
    return [part.strip(_PADDING) if isinstance(part, str) else part for part in parts]


def numbers(dataset: Dataset, keyword: str, uid: str) -> list[float]:
    """Return the values of a numeric attribute; empty when absent.

    Raises
    ------
    DicomError
        When a value is no finite number.

    Examples
    --------
    >>> dataset = Dataset()
    >>> dataset.PixelSpacing = [2.0, 0.5]
    >>> numbers(dataset, "PixelSpacing", "1.2.3")
    [2.0, 0.5]
    """
    try:
        result = [float(value) for value in items(dataset, keyword)]
    except (TypeError, ValueError, ArithmeticError) as error:
        raise DicomError(uid, f"{keyword}: expected numbers: {error}") from None
    if not all(map(math.isfinite, result)):
        raise DicomError(uid, f"{keyword}: expected finite numbers, got {result}")
    return result


def integer(dataset: Dataset, keyword: str, uid: str, default: int | None = None) -> int:
    """Return the single whole number of an attribute.

    Raises
    ------
    DicomError
        When it is no whole number, or absent and there is no default.

    Examples
    --------
    >>> integer(Dataset(), "NumberOfFrames", "1.2.3", default=1)
    1
    """
    values = numbers(dataset, keyword, uid)
    if not values and default is not None:
        return default
    if len(values) != 1 or values[0] != int(values[0]):
        got = values if values else "nothing"
        raise DicomError(uid, f"{keyword}: expected one whole number, got {got}")
    return int(values[0])


@lru_cache(10_000)
def _entry(keyword: str) -> tuple[BaseTag, str]:
    """Return tag and value representation; the tag is the same object for every caller.

    That saves comparing tags, which pydicom does in Python.
    """
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return BaseTag(tag), dictionary_VR(tag)


def _value(dataset: Dataset, keyword: str, *, as_text: bool = False) -> Any:
    """Return the value of an attribute or None, quickly where it can be."""
    tag, vr = _entry(keyword)
    element = dataset._dict.get(tag)
    if element is None:
        return None
    if isinstance(element, RawDataElement):
        if not element.value:
            return None
        try:
            return _decoded(element, element.VR or vr, as_text)
        except (_OtherError, ValueError, struct.error):
            pass
    return dataset[tag].value


class _OtherError(Exception):
    """The value is of a kind that is left to pydicom."""


def _decoded(element: RawDataElement, vr: str, as_text: bool) -> Any:
    value = element.value or b""
    if vr in _TEXTS and value.isascii():
        content = value.decode("ascii").strip(_PADDING)
        parts = content.split("\\") if "\\" in content else [content]
        if as_text:
            return parts
        if vr == "DS":
            result: list[Any] = [float(part) for part in parts]
        elif vr == "IS":
            result = [int(part) for part in parts]
        else:
            result = [part.strip(_PADDING) for part in parts]
        return result if len(result) > 1 else result[0]
    if vr in _FORMATS:
        order = "<" if element.is_little_endian else ">"
        kind = order + _FORMATS[vr]
        if len(value) == struct.calcsize(kind):
            return struct.unpack(kind, value)[0]
        return [one for (one,) in struct.iter_unpack(kind, value)]
    raise _OtherError
