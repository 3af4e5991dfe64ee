"""Formats: how a header says its pixels are encoded, refused where they cannot be as it says."""

from __future__ import annotations

from imageregion.dicom.files.headers import Header, integer, text
from imageregion.dicom.pixel_data.decoding import PixelFormat, Samples
from imageregion.dicom.pixel_data.fragments import is_compressed
from imageregion.dicom.real_values.values import odd_padding_of
from imageregion.errors import DicomError

__all__ = ["format_of", "frame_count", "is_lossy", "loses"]

_MAX_FRAMES = 2_000_000
_MAX_FRAME_BYTES = 256 * 2**20  # beyond this a compressed frame must look plausible
_MAX_RATIO = 1000
_MAX_SIDE = 65535  # Rows and Columns are unsigned 16-bit numbers
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
_MONOCHROME = {"MONOCHROME1", "MONOCHROME2"}
_ALWAYS_LOSSY = {
    *("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"),  # JPEG baseline and extended
    *("1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.112"),  # JPEG-LS near-lossless, JPEG XL
    *(f"1.2.840.10008.1.2.4.{n}" for n in range(100, 109)),  # MPEG-2, MPEG-4, HEVC
}
_MAYBE_LOSSY = {
    *("1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.93"),  # JPEG 2000
    "1.2.840.10008.1.2.4.203",  # high-throughput JPEG 2000
}
_COLOURS = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}


def frame_count(header: Header, most: int = _MAX_FRAMES) -> int:
    """Return the number of frames after checking that the object can hold them.

    Raises
    ------
    DicomError
        When it is no number from 1 to `most`, or more than there are bytes for.
    """
    uid = header.uid
    count = integer(header.dataset, "NumberOfFrames", uid, default=1) or 1
    if count < 1:
        raise DicomError(uid, f"NumberOfFrames: expected at least 1, got {count}")
    if count > most:
        raise DicomError(uid, f"NumberOfFrames: {count} is more than {most}")
    available = header.pixel_bytes
    bounded = count > 1 and available is not None and is_compressed(header.syntax)
    if bounded and available is not None and available < 8 * count:
        raise _truncated(uid, f"{count} frames need at least {8 * count}", available)
    return count


def format_of(header: Header) -> PixelFormat:
    """Read how each frame is encoded (DICOM PS3.3 C.7.6.3).

    Raises
    ------
    DicomError
        When the pixels cannot be there, their description makes no sense, or they are colours
        of a palette, which are no measurements.
    """
    dataset, uid = header.dataset, header.uid
    if not header.pixel_keyword or header.pixel_bytes == 0:
        raise DicomError(uid, "there is no pixel data")
    rows, columns = (_side(header, keyword) for keyword in ("Rows", "Columns"))
    bits = _FLOATS.get(header.pixel_keyword)
    allocated = bits or integer(dataset, "BitsAllocated", uid)
    if bits is None and allocated != 1 and allocated not in (8, 16, 32, 64):
        raise DicomError(uid, f"BitsAllocated: expected 1, 8, 16, 32 or 64, got {allocated}")
    channels, photometric = _colour(header)
    form = PixelFormat(
        syntax=header.syntax,
        keyword=header.pixel_keyword,
        shape=(rows, columns),
        channels=channels,
        allocated=allocated,
        samples=_samples(header, allocated) if bits is None else None,
        signed=integer(dataset, "PixelRepresentation", uid, default=0) == 1,
        photometric=photometric,
        planar=integer(dataset, "PlanarConfiguration", uid, default=0) if channels > 1 else 0,
    )
    _check_colour(form, uid)
    _check_bytes(header, form)
    return form


def is_lossy(header: Header) -> bool:
    """Whether pixels went through lossy compression, now or ever (DICOM PS3.3 C.7.6.1.1.5).

    The header says so, the transfer syntax has no other way, or it may and the header is silent.
    """
    stated = text(header.dataset, "LossyImageCompression")
    return stated == "01" or loses(header.syntax, stated)


def loses(syntax: str, stated: str) -> bool:
    """Whether a transfer syntax loses something, given what the header states about that."""
    return syntax in _ALWAYS_LOSSY or (syntax in _MAYBE_LOSSY and stated != "00")


def _side(header: Header, keyword: str) -> int:
    side = integer(header.dataset, keyword, header.uid)
    if not 1 <= side <= _MAX_SIDE:
        raise DicomError(header.uid, f"{keyword}: expected 1 to {_MAX_SIDE}, got {side}")
    return side


def _samples(header: Header, allocated: int) -> Samples:
    stored = integer(header.dataset, "BitsStored", header.uid)
    high = integer(header.dataset, "HighBit", header.uid, default=stored - 1)
    if not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        raise DicomError(
            header.uid,
            f"HighBit {high} and BitsStored {stored} do not fit in {allocated} bits",
        )
    return Samples(stored, high, odd_padding_of(header))


def _colour(header: Header) -> tuple[int, str]:
    """Return the samples of a pixel and what they are."""
    channels = integer(header.dataset, "SamplesPerPixel", header.uid, default=1)
    photometric = text(header.dataset, "PhotometricInterpretation").upper()
    if photometric == "PALETTE COLOR":
        raise DicomError(
            header.uid,
            "palette colours: the values are places in a table of colours, not measurements",
        )
    if channels == 1 and photometric in {*_MONOCHROME, ""}:
        return 1, photometric or "MONOCHROME2"
    if channels == 3 and photometric in _COLOURS:
        return 3, photometric
    raise DicomError(
        header.uid,
        f"PhotometricInterpretation {photometric or '(none)'} with {channels} samples per pixel "
        "is not supported",
    )


def _check_colour(form: PixelFormat, uid: str) -> None:
    if form.channels == 1:
        return
    if form.allocated == 1 or form.samples is None or form.signed:
        raise DicomError(uid, "colours must be unsigned whole numbers of 8 bits or more")
    if form.planar not in (0, 1):
        raise DicomError(uid, f"PlanarConfiguration: expected 0 or 1, got {form.planar}")
    if form.photometric.startswith("YBR_FULL") and (form.allocated, form.samples.stored) != (8, 8):
        raise DicomError(uid, f"{form.photometric} is defined for 8 bits only")
    native = not is_compressed(form.syntax)
    if native and form.photometric in ("YBR_ICT", "YBR_RCT"):
        raise DicomError(uid, f"{form.photometric} without JPEG 2000 is not defined")
    if native and form.photometric == "YBR_FULL_422" and (form.planar or form.shape[1] % 2):
        raise DicomError(uid, "YBR_FULL_422 needs pairs of pixels side by side")


def _check_bytes(header: Header, form: PixelFormat) -> None:
    """Refuse pixels that cannot be there before anything is allocated for them."""
    available, needed = header.pixel_bytes, form.frame_bytes
    if available is None:
        return
    rows, columns = form.shape
    if not is_compressed(form.syntax):
        least = -(-form.frame_bits * frame_count(header) // 8)
        if available < least:
            raise _truncated(header.uid, f"its frames need {least}", available)
    elif needed > _MAX_FRAME_BYTES and needed > _MAX_RATIO * available:
        raise DicomError(
            header.uid,
            f"Rows, Columns: {rows} x {columns} pixels cannot come from {available} bytes",
        )


def _truncated(uid: str, need: str, available: int) -> DicomError:
    return DicomError(uid, f"the pixel data is truncated: {need} bytes, there are {available}")
