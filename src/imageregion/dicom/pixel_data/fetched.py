"""Fetched frames: what a single frame from a server is encoded in, and whether that is certain.

A server may give a frame as it is stored, or decoded, or compressed anew, and the header describes
the stored one alone. Where the two may differ in meaning the frame is not used.
"""

from __future__ import annotations

from dataclasses import replace

from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)

from imageregion.dicom.pixel_data.decoding import PixelFormat
from imageregion.dicom.pixel_data.fragments import is_compressed

__all__ = ["form_of_fetched"]

_NOT_ALONE = {ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian}


def form_of_fetched(form: PixelFormat, data: bytes, syntax: str) -> PixelFormat | None:
    """Return how a frame that came alone is encoded; None where that is not certain.

    Parameters
    ----------
    form : PixelFormat
        As the header says; its transfer syntax may be unknown, that is empty.
    data : bytes
        The frame.
    syntax : str
        UID of the transfer syntax that it came in.
    """
    stored, came = form.syntax, UID(syntax)
    if came in _NOT_ALONE or form.allocated == 1:  # bytes may be swapped, bits not begin at a byte
        return None
    if form.channels > 1 and came != stored and not _is_plain(form, came):
        return None
    if is_compressed(came):
        return replace(form, syntax=came)
    size = -(-form.frame_bits // 8)
    return replace(form, syntax=came) if len(data) in (size, size + size % 2) else None


def _is_plain(form: PixelFormat, came: UID) -> bool:
    """Whether colours mean the same in every encoding, or come as they are stored."""
    if is_compressed(came):
        return not form.syntax  # nobody compresses what was asked for as it is
    return form.photometric == "RGB" and form.planar == 0
