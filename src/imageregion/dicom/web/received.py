"""Received: whether an answer is the object or frame that was asked for, and all of it.

A server, or what stands between, may give something else with status 200: the object beside it, a
login page, the part that came before a connection broke. Nothing of that may stay in a cache.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from typing import Any, BinaryIO

from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian

from imageregion.dicom._quiet import quiet
from imageregion.dicom.files.headers import Head, Header, read_header
from imageregion.dicom.web.failures import FetchError
from imageregion.dicom.web.keys import Key
from imageregion.dicom.web.metadata import first_value

__all__ = ["BytesPlace", "check_object", "is_asked_for", "is_whole_frame", "is_whole_object"]

_HEAD_BYTES = 64 * 1024
_UNDEFINED = 0xFFFFFFFF
_SEQUENCE_END = b"\xfe\xff\xdd\xe0"
_IMAGE_END = b"\xff\xd9"
_STARTS = {"5": b"\xff\xd8", "7": b"\xff\xd8", "8": b"\xff\xd8", "9": b"\xff\x4f", "2": b"\xff\x4f"}
_FAMILY = "1.2.840.10008.1.2.4."  # JPEG and those that came after it
_RLE, _RLE_HEAD, _MOST_SEGMENTS = "1.2.840.10008.1.2.5", 64, 15


class BytesPlace:
    """Bytes that can be opened like a file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self) -> BinaryIO:
        """Return a handle at the first byte."""
        return BytesIO(self._content)


def check_object(content: bytes, key: Key, url: str) -> None:
    """Refuse the object of another instance; what cannot be read is told where it is decoded.

    Raises
    ------
    FetchError
    """
    header = _header(content, key)
    if header is not None and header.uid != key.instance:
        other = header.uid[:64] or "one without SOP Instance UID"
        raise FetchError(url, f"the server gives another object, {other}")


def is_whole_object(content: bytes, key: Key) -> bool:
    """Tell whether bytes are the DICOM file of an image, down to the end of its pixels."""
    header = _header(content, key)
    if header is None or header.uid != key.instance:
        return False
    if header.pixel_start is None or not header.pixel_keyword:  # then nothing tells its end
        return False
    start = header.pixel_start + (8 if header.syntax == ImplicitVRLittleEndian else 12)
    order = ">" if header.syntax == ExplicitVRBigEndian else "<"
    if len(content) < start:
        return False
    length: int = struct.unpack(f"{order}L", content[start - 4 : start])[0]
    if length == _UNDEFINED:
        return content.find(_SEQUENCE_END, max(start, len(content) - _HEAD_BYTES)) >= 0
    return start + length <= len(content)


def _header(content: bytes, key: Key) -> Header | None:
    with suppress(Exception), quiet():  # of pydicom, on anything that is no DICOM
        head = Head(content[:_HEAD_BYTES], len(content))
        return read_header(BytesPlace(content), key.instance, head)
    return None


def is_whole_frame(content: bytes, syntax: str, size: int) -> bool:
    r"""Tell whether bytes can be a frame in a transfer syntax, down to its end.

    Parameters
    ----------
    content : bytes
    syntax : str
        UID of the transfer syntax.
    size : int
        Bytes of the frame when it is not compressed.

    Examples
    --------
    >>> is_whole_frame(b"\0" * 6, "1.2.840.10008.1.2.1", 6)
    True
    >>> is_whole_frame(b"\xff\xd8\xff\xc3 and no end", "1.2.840.10008.1.2.4.70", 6)
    False
    """
    if syntax == _RLE:
        count = int.from_bytes(content[:4], "little")
        return len(content) > _RLE_HEAD and 1 <= count <= _MOST_SEGMENTS
    if syntax.startswith(_FAMILY):
        start = _STARTS.get(syntax[len(_FAMILY) :][:1])
        ends = content[-64:].rstrip(b"\0").endswith(_IMAGE_END)
        return start is None or (content.startswith(start) and ends)
    if UID(syntax).is_private:
        return True
    return len(content) in (size, size + size % 2)


def is_asked_for(metadata: Any, study: str, series: str = "", instance: str = "") -> bool:
    """Tell whether metadata are of the instances that were asked for; what they omit is.

    Examples
    --------
    >>> is_asked_for([{"0020000D": {"vr": "UI", "Value": ["1.2"]}}], "1.2", "1.2.3")
    True
    >>> is_asked_for([{"0020000D": {"vr": "UI", "Value": ["9.9"]}}], "1.2")
    False
    """
    found = metadata if isinstance(metadata, list) else [metadata]
    asked = {"0020000D": study, "0020000E": series, "00080018": instance}
    return all(
        isinstance(one, Mapping) and first_value(one, tag) in ("", uid)
        for one in found
        for tag, uid in asked.items()
        if uid
    )
