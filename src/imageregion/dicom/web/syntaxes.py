"""Transfer syntaxes of frames, told by media types and by the frames themselves (PS3.18 8.7.3)."""

from __future__ import annotations

import re

__all__ = ["syntax_of"]

_STATED = re.compile(r"transfer-syntax\s*=\s*\"?\s*([0-9]+(?:\.[0-9]+)+)", re.IGNORECASE)
_NATIVE = "1.2.840.10008.1.2.1"
_DEFAULTS = {
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/x-jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/j2c": "1.2.840.10008.1.2.4.90",
    "image/jpx": "1.2.840.10008.1.2.4.92",
    "image/jphc": "1.2.840.10008.1.2.4.201",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    "image/x-dicom-rle": "1.2.840.10008.1.2.5",
}
_JPEG = {0xC0: "50", 0xC1: "51", 0xC3: "70", 0xF7: "80"}  # by the frame header
_START_OF_IMAGE, _START_OF_CODESTREAM = b"\xff\xd8\xff", b"\xff\x4f\xff\x51"
_MAX_MARKERS = 200


def syntax_of(part_type: str, whole_type: str, content: bytes) -> str:
    """Return the UID of the transfer syntax of a frame.

    Parameters
    ----------
    part_type, whole_type : str
        Content types of the frame, and of the message it came in.
    content : bytes
        The frame.

    Examples
    --------
    >>> syntax_of("image/jls", 'multipart/related; type="image/jls"', b"")
    '1.2.840.10008.1.2.4.80'
    >>> syntax_of("", "multipart/related; transfer-syntax=1.2.840.10008.1.2.5", b"")
    '1.2.840.10008.1.2.5'
    """
    for kind in (part_type, whole_type):
        stated = _STATED.search(kind)
        if stated:
            return stated[1]
    media = part_type.partition(";")[0].strip().lower()
    if media in _DEFAULTS:
        return _DEFAULTS[media]
    return _recognized(content) or _NATIVE


def _recognized(content: bytes) -> str:
    """Tell JPEG, JPEG-LS and JPEG 2000 by what they begin with; empty for anything else."""
    if content.startswith(_START_OF_CODESTREAM):
        return _DEFAULTS["image/jp2"]
    if not content.startswith(_START_OF_IMAGE):
        return ""
    at = 2
    for _ in range(_MAX_MARKERS):
        if content[at : at + 1] != b"\xff" or len(content) < at + 4:
            break
        marker = content[at + 1]
        if marker in _JPEG:
            return f"1.2.840.10008.1.2.4.{_JPEG[marker]}"
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return ""
