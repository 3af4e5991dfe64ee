"""Codestreams: what a compressed frame says about itself, before anything is allocated for it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

__all__ = ["Codestream", "bare_codestream", "codestream_of"]

_SOI, _SOC_SIZ = b"\xff\xd8", b"\xff\x4f\xff\x51"
_JP2 = b"\0\0\0\x0cjP  "  # a file around the codestream, which DICOM does not allow
_BOXES = 64 * 1024
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # SOF; not DHT, JPG, DAC
_ALONE = frozenset({0x01, 0xFF, *range(0xD0, 0xD9)})  # markers without a segment
_MAX_MARKERS = 1000


@dataclass(frozen=True, slots=True)
class Codestream:
    """The size of a compressed frame, and how it says its colours are to be read.

    Parameters
    ----------
    rows, columns, samples : int
    precision : int
        Bits of a sample.
    adobe : int, optional
        Colour transform of the Adobe marker: 0 for none, 1 for YCbCr.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    adobe: int | None = None


def bare_codestream(data: bytes) -> bytes:
    """Take a JPEG 2000 codestream out of a JP2 file, which DICOM does not allow around it.

    Decoders would read the boxes of the file, and those of some never come to an end.
    """
    if data[:8] != _JP2:
        return data
    return data[max(data.find(_SOC_SIZ, 0, _BOXES), 0) :]


def codestream_of(data: bytes) -> Codestream | None:
    """Read the size out of a JPEG, JPEG-LS or JPEG 2000 frame; None when there is none.

    JPEG and JPEG-LS: the frame header (ISO/IEC 10918-1 B.2.2, ISO/IEC 14495-1 C.2.2); rows of 0
    are given later in the stream and not looked for. JPEG 2000 and HTJ2K: the SIZ segment
    (ISO/IEC 15444-1 A.5.1).

    Examples
    --------
    >>> start = bytes.fromhex("ffd8 ffc0 000b 08 0004 0006 01 01 11 00")
    >>> codestream_of(start)
    Codestream(rows=4, columns=6, samples=1, precision=8, adobe=None)
    """
    try:
        if data[:4] == _SOC_SIZ:
            return _jpeg2000(data)
        return _jpeg(data) if data[:2] == _SOI else None
    except (struct.error, IndexError):
        return None


def _jpeg2000(data: bytes) -> Codestream:
    right, bottom, left, top = struct.unpack(">4L", data[8:24])
    samples, precision = struct.unpack(">HB", data[40:43])
    return Codestream(bottom - top, right - left, samples, (precision & 0x7F) + 1)


def _jpeg(data: bytes) -> Codestream | None:
    position, adobe = 2, None
    for _ in range(_MAX_MARKERS):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker in _ALONE:
            position += 1 if marker == 0xFF else 2  # a fill byte
            continue
        (length,) = struct.unpack(">H", data[position + 2 : position + 4])
        segment = data[position + 4 : position + 2 + length]
        if marker in _FRAMES:
            precision, rows, columns, samples = struct.unpack(">BHHB", segment[:6])
            return Codestream(rows, columns, samples, precision, adobe)
        if marker == 0xEE and segment[:5] == b"Adobe":
            adobe = segment[11]
        position += 2 + length
    return None
