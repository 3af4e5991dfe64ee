"""Decoding: the bytes of one encoded frame to stored values, by whichever decoder is installed."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.uid import (
    UID,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

from imageregion.dicom.pixel_data.codestreams import Codestream, bare_codestream, codestream_of
from imageregion.dicom.pixel_data.fragments import is_compressed
from imageregion.errors import DicomError

__all__ = ["PixelFormat", "Samples", "decode_frame", "unpack_samples"]

EXTRA = 'pip install "imageregion[codecs]"'
_ORDER = ("pyjpegls", "pylibjpeg", "gdcm", "pillow")
_BASELINE_ORDER = ("pillow", "gdcm", "pylibjpeg")  # pillow is always there: one result everywhere
_BASELINE = {JPEGBaseline8Bit, JPEGExtended12Bit}
_JPEG = {*_BASELINE, JPEGLossless, JPEGLosslessSV1, *JPEGLSTransferSyntaxes}
_END_OF_IMAGE = b"\xff\xd9"  # cannot occur in compressed samples
_ITEM_TAG, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


@dataclass(frozen=True, slots=True)
class Samples:
    """Which bits of a cell hold the stored value (DICOM PS3.5 8.1.1).

    Parameters
    ----------
    stored : int
        Bits of a stored value.
    high : int
        Position of its highest bit, from 0.
    padding : tuple of int, optional
        Lowest and highest cell that is padding, when the stored bits cannot hold it; such cells
        stay as they are, for their lower bits may be those of a real value.
    """

    stored: int
    high: int
    padding: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How each frame of an object is encoded (DICOM PS3.3 C.7.6.3).

    Parameters
    ----------
    syntax : UID
        Transfer syntax.
    keyword : str
        "PixelData", "FloatPixelData" or "DoubleFloatPixelData".
    shape : tuple of int
        (rows, columns).
    channels : int
        Samples per pixel: 1 or 3.
    allocated : int
        Bits of a cell.
    samples : Samples, optional
        Where the stored value sits in its cell; None for floating point pixels.
    signed : bool
    photometric : str
        Photometric Interpretation.
    planar : int
        Planar Configuration: 1 when each colour has a plane of its own.
    """

    syntax: UID
    keyword: str
    shape: tuple[int, int]
    channels: int
    allocated: int
    samples: Samples | None
    signed: bool
    photometric: str
    planar: int

    @property
    def frame_bits(self) -> int:
        """Bits of an uncompressed frame; without padding, it may end within a byte."""
        samples = self.shape[0] * self.shape[1] * self.channels
        if self.photometric == "YBR_FULL_422":  # two pixels share their colour
            samples = samples // 3 * 2
        return samples * self.allocated

    @property
    def frame_bytes(self) -> int:
        """Bytes of a decoded frame."""
        return self.shape[0] * self.shape[1] * self.channels * max(self.allocated // 8, 1)

    @property
    def array_shape(self) -> tuple[int, ...]:
        """Shape of a decoded frame."""
        return self.shape if self.channels == 1 else (*self.shape, self.channels)

    @property
    def is_compressed(self) -> bool:
        """Whether each frame is compressed."""
        return is_compressed(self.syntax)

    @property
    def has_raw_cells(self) -> bool:
        """Whether cells are as the scanner wrote them; other codecs deliver values."""
        return self.syntax == RLELossless or not is_compressed(self.syntax)

    def options(self) -> dict[str, Any]:
        """Say it in the words of pydicom's decoders."""
        options: dict[str, Any] = {
            "rows": self.shape[0],
            "columns": self.shape[1],
            "number_of_frames": 1,
            "samples_per_pixel": self.channels,
            "bits_allocated": self.allocated,
            "photometric_interpretation": self.photometric,
            "pixel_keyword": self.keyword,
            "allow_excess_frames": False,
        }
        if self.channels > 1:
            options["planar_configuration"] = self.planar
        if self.samples is not None:
            options["bits_stored"] = self.samples.stored
            options["pixel_representation"] = int(self.signed)
        if self.has_raw_cells:
            options["correct_unused_bits"] = False
        return options


def decode_frame(
    data: bytes,
    form: PixelFormat,
    uid: str,
    *,
    bit: int = 0,
    least: tuple[int, int] | None = None,
) -> NDArray[Any]:
    """Decode one frame.

    Parameters
    ----------
    data : bytes
        Of this frame alone, fragments joined, as `FrameBytes.read` returns them.
    form : PixelFormat
    uid : str
        SOP Instance UID, for messages.
    bit : int
        Where an uncompressed frame of single bits begins within its first byte.
    least : tuple of int, optional
        (rows, columns) that a compressed frame must have; the rest may be missing and becomes 0.

    Returns
    -------
    ndarray
        Stored values, shape (rows, columns) or, red, green and blue, (rows, columns, 3).

    Raises
    ------
    DicomError
        When the data is damaged or no decoder for it is installed.
    """
    cells: NDArray[Any]
    if is_compressed(form.syntax):
        cells = _decompressed(data, form, uid, least or form.shape)
    elif form.allocated == 1:
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        cells = bits[bit : bit + form.frame_bits].reshape(form.shape)
    else:
        decoder = get_decoder(form.syntax)
        cells = decoder.as_array(data, index=0, **form.options())[0]
        cells = cells.astype(cells.dtype.newbyteorder("="), copy=False)
    if form.samples is not None and form.has_raw_cells:
        cells = unpack_samples(cells, form.samples)
    if cells.shape != form.array_shape or cells.dtype.kind not in "iuf":
        raise DicomError(
            uid,
            f"the pixel data has shape {cells.shape}, expected {form.array_shape} from the header",
        )
    return cells


def _decompressed(data: bytes, form: PixelFormat, uid: str, least: tuple[int, int]) -> NDArray[Any]:
    decoder = _decoder(form, uid)
    data = bare_codestream(data)
    stream = codestream_of(data)
    _check_codestream(stream, form, uid, least)
    if form.syntax in _JPEG and _END_OF_IMAGE not in data:
        raise DicomError(uid, "the pixel data is truncated: the compressed frame has no end")
    size = form.shape if stream is None else (stream.rows or form.shape[0], stream.columns)
    cells = _by_plugin(data, decoder, replace(form, shape=size), uid, stream)
    if size == form.shape:
        return cells
    whole = np.zeros(form.array_shape, dtype=cells.dtype)
    whole[: size[0], : size[1]] = cells
    return whole


def _by_plugin(
    data: bytes, decoder: Decoder, form: PixelFormat, uid: str, stream: Codestream | None
) -> NDArray[Any]:
    """Try the installed decoders one by one, on an element that holds this frame alone."""
    length = struct.pack("<L", len(data) + len(data) % 2)
    item = _ITEM_TAG + length + data + b"\0" * (len(data) % 2)
    buffer = _ITEM_TAG + b"\0\0\0\0" + item + _END
    reasons = []
    for plugin in _plugins(decoder, form):
        options = form.options()
        if plugin == "pillow" and stream is not None and stream.adobe:
            options["photometric_interpretation"] = "RGB"  # it converts such frames by itself
        try:
            return decoder.as_array(buffer, index=0, decoding_plugin=plugin, **options)[0]
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # panics of decoders in other languages are no Exception
            text = " ".join(str(error).split()) or type(error).__name__
            text = text.removeprefix(_ALL_FAILED).strip().removeprefix(f"{plugin}: ")
            reasons.append(f"{plugin}: {text}")
        if plugin == "pillow" and form.syntax not in _BASELINE:
            reasons.append(f"another decoder may do better: {EXTRA}")
    raise DicomError(uid, f"the pixel data cannot be decoded: {'; '.join(reasons)}")


_ALL_FAILED = "Unable to decode as exceptions were raised by all available plugins:"


def _check_codestream(
    stream: Codestream | None, form: PixelFormat, uid: str, least: tuple[int, int]
) -> None:
    """Refuse a frame that is not what the header says, before a decoder allocates for it."""
    if stream is None:
        if form.syntax != RLELossless:
            raise DicomError(uid, f"the pixel data is not what {form.syntax.name} begins with")
        return
    rows = stream.rows or form.shape[0]
    fits = least[0] <= rows <= form.shape[0] and least[1] <= stream.columns <= form.shape[1]
    if not fits or stream.samples != form.channels:
        raise DicomError(
            uid,
            f"the compressed frame has {rows} x {stream.columns} pixels of {stream.samples} "
            f"samples, the header says {form.shape[0]} x {form.shape[1]} of {form.channels}",
        )
    if stream.precision > form.allocated:
        raise DicomError(
            uid,
            f"the compressed frame has {stream.precision} bits per sample, "
            f"BitsAllocated is {form.allocated}",
        )


def _decoder(form: PixelFormat, uid: str) -> Decoder:
    try:
        decoder = get_decoder(form.syntax)
    except NotImplementedError:
        reason = f"there is no decoder for transfer syntax {form.syntax.name}"
        raise DicomError(uid, reason) from None
    if _has_12_bits(form) and "pylibjpeg" not in decoder.available_plugins:
        raise DicomError(
            uid,
            "JPEG Extended of 12 bits needs pylibjpeg-libjpeg; no decoder of the codecs extra "
            "reads it",
        )
    if not decoder.is_available:
        raise DicomError(uid, f"{form.syntax.name} needs a decoder that is not installed: {EXTRA}")
    return decoder


def _plugins(decoder: Decoder, form: PixelFormat) -> tuple[str, ...]:
    """Choose the decoder, in a fixed order, so that the same ones give the same values everywhere.

    If it fails, no other one is tried: some take damaged data for whole, or never come to an end.
    Only RLE has no such decoder, and strict ones that refuse what is right.
    """
    available = decoder.available_plugins
    if form.syntax == RLELossless:
        return tuple(name for name in ("pylibjpeg", "pydicom") if name in available)
    order: tuple[str, ...] = _BASELINE_ORDER if form.syntax in _BASELINE else _ORDER
    if _has_12_bits(form):
        order = ("pylibjpeg",)
    return tuple(name for name in (*order, *available) if name in available)[:1]


def _has_12_bits(form: PixelFormat) -> bool:
    return form.syntax == JPEGExtended12Bit and form.samples is not None and form.samples.stored > 8


def unpack_samples(cells: NDArray[Any], samples: Samples) -> NDArray[Any]:
    """Take stored values out of their cells: drop bits above and below, extend the sign.

    Bits outside may hold overlays, which are not pixel values.

    Parameters
    ----------
    cells : array of a signed or unsigned integer type
        The type tells whether stored values are signed.
    samples : Samples

    Examples
    --------
    >>> import numpy as np
    >>> unpack_samples(np.array([0x1FFF], dtype=np.int16), Samples(stored=12, high=11)).tolist()
    [-1]
    """
    width = 8 * cells.dtype.itemsize
    if cells.dtype.kind not in "iu" or samples.stored >= width:
        return cells
    if not samples.stored - 1 <= samples.high < width:
        raise ValueError(
            f"HighBit {samples.high} and BitsStored {samples.stored} do not fit in {width} bits"
        )
    values = (cells << (width - 1 - samples.high)) >> (width - samples.stored)
    if samples.padding is None:
        return values
    low, high = samples.padding
    return np.where((cells >= low) & (cells <= high), cells, values)
