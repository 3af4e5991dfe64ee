"""Pixels: the stored values of single frames, decoded when asked for, and recent ones kept."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from imageregion._arrays import read_only
from imageregion.dicom._quiet import quiet
from imageregion.dicom.files.bounds import check_inflated_size
from imageregion.dicom.files.byte_source import FrameSource, open_source
from imageregion.dicom.files.headers import Header, read_head, read_header, text
from imageregion.dicom.pixel_data.decoding import PixelFormat, Samples, decode_frame, unpack_samples
from imageregion.dicom.pixel_data.fetched import form_of_fetched
from imageregion.dicom.pixel_data.formats import format_of, frame_count, loses
from imageregion.dicom.pixel_data.fragments import FrameBytes
from imageregion.errors import DicomError

__all__ = [
    "PixelCache",
    "PixelLoader",
    "Pixels",
    "Refusal",
    "Samples",
    "pixels_of",
    "unpack_samples",
]

CACHE_BYTES = 128 * 2**20
_SURE_BITS = 16  # of a cell; servers swap the bytes of larger ones wrongly when they decode
_CHANNELS = ("red", "green", "blue")


class PixelCache:
    """Keeps recently decoded frames, up to a number of bytes; safe for threads.

    Parameters
    ----------
    limit : int
        Bytes; a frame larger than this is not kept. As many bytes again may be in the making at
        the same time, by different threads; a single larger frame is made while no other is.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.limit = limit
        self.used = 0
        self._frames: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._changed = threading.Condition(threading.RLock())
        self._making: set[Hashable] = set()
        self._made = 0

    def get(self, key: Hashable) -> NDArray[Any] | None:
        """Return the frame kept under `key`, or None."""
        with self._changed:
            if key not in self._frames:
                return None
            self._frames.move_to_end(key)
            return self._frames[key]

    def put(self, key: Hashable, frame: NDArray[Any]) -> None:
        """Keep a frame and drop the least recently used ones beyond the limit."""
        with self._changed:
            if frame.nbytes > self.limit or key in self._frames:
                return
            self._frames[key] = frame
            self.used += frame.nbytes
            while self.used > self.limit:
                self.used -= self._frames.popitem(last=False)[1].nbytes

    def load(self, key: Hashable, size: int, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """Return the frame kept under `key`, made by one thread only while others wait.

        Parameters
        ----------
        key : hashable
        size : int
            Bytes of the frame.
        make : callable
            Makes the frame; must not load another one.
        """
        with self._changed:
            while (frame := self.get(key)) is None:
                if key not in self._making and (
                    not self._making or self._made + size <= self.limit
                ):
                    break
                self._changed.wait()
            else:
                return frame
            self._making.add(key)
            self._made += size
        try:
            frame = read_only(make())
            self.put(key, frame)
            return frame
        finally:
            with self._changed:
                self._making.discard(key)
                self._made -= size
                self._changed.notify_all()

    def __reduce__(self) -> tuple[type[PixelCache], tuple[int]]:
        return PixelCache, (self.limit,)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Stands for pixels that must not be used: asking for them tells why."""

    uid: str
    reason: str

    def __call__(self) -> NoReturn:
        """Raise a `DicomError` with the reason."""
        raise DicomError(self.uid, self.reason)


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """The pixels of all frames of one object.

    Parameters
    ----------
    source : Path, ByteSource, FrameSource or pydicom.Dataset
    uid : str
        SOP Instance UID, for messages.
    form : PixelFormat
    frames : FrameBytes
    cache : PixelCache
    stated : str
        LossyImageCompression.
    syntaxes : set of str
        Transfer syntaxes of frames that came from a server, which metadata need not tell.
    whole : list of Pixels
        Of the whole object, once it had to be fetched.
    """

    source: Any
    uid: str
    form: PixelFormat
    frames: FrameBytes
    cache: PixelCache
    stated: str = ""
    syntaxes: set[str] = field(default_factory=set, repr=False)
    whole: list[Pixels] = field(default_factory=list, repr=False)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the samples of a pixel; empty for one number."""
        return _CHANNELS if self.form.channels == 3 else ()

    @property
    def lossy(self) -> bool:
        """Whether frames that came from a server turned out to be compressed with loss."""
        return any(loses(syntax, self.stated) for syntax in tuple(self.syntaxes))

    def loader(self, index: int, least: tuple[int, int] | None = None) -> PixelLoader:
        """Return what decodes the frame at `index`, from 0, when called; see `load`."""
        return PixelLoader(self, index, least)

    def load(self, index: int, least: tuple[int, int] | None = None) -> NDArray[Any]:
        """Return the stored values of the frame at `index`, from 0, read-only.

        Shape (rows, columns), or (rows, columns, 3) for red, green and blue.

        Parameters
        ----------
        index : int
        least : tuple of int, optional
            (rows, columns) that the frame must have; what is missing beyond is filled with 0.
            Tiles at the edge of a slide are often cut off there, against the standard.

        Raises
        ------
        DicomError
            When the pixel data is truncated, damaged, or no decoder for it is installed.
        """
        size = self.form.frame_bytes
        return self.cache.load((self, index), size, lambda: self._decode(index, least))

    def _decode(self, index: int, least: tuple[int, int] | None) -> NDArray[Any]:
        try:
            with quiet():
                if isinstance(self.source, FrameSource):
                    return self._fetched(index, least)
                data = self._inflated() if self._is_deflated else self.frames
                bit = index * self.form.frame_bits % 8
                return decode_frame(data.read(index), self.form, self.uid, bit=bit, least=least)
        except DicomError:
            raise
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DicomError(self.uid, f"the pixel data cannot be decoded: {reason}") from error

    def _fetched(self, index: int, least: tuple[int, int] | None) -> NDArray[Any]:
        """Decode a frame that comes alone, or else take it out of the whole object."""
        as_stored = self.form.allocated > _SURE_BITS
        size = -(-self.form.frame_bits // 8)
        found = None if self.whole else self.source.fetch_frame(index, as_stored, size)
        if found is not None:
            form = form_of_fetched(self.form, *found)
            if form is not None:
                self.syntaxes.add(form.syntax)
                data = found[0] if form.is_compressed else found[0][: -(-form.frame_bits // 8)]
                return decode_frame(data, form, self.uid, least=least)
        if not self.whole:
            self.whole.append(self._whole())
        return self.whole[0]._decode(index, least)

    def _whole(self) -> Pixels:
        place = self.source.fetch_object()
        header = read_header(place, self.uid, read_head(place))
        if header is None:
            raise DicomError(self.uid, "what the server gives for it is no DICOM")
        if header.uid != self.uid:
            other = header.uid or "one without SOP Instance UID"
            raise DicomError(self.uid, f"the server gives another object, {other}")
        pixels = pixels_of(header, self.cache)
        known = self.form.shape, self.form.channels, self.frames.count
        if (pixels.form.shape, pixels.form.channels, pixels.frames.count) != known:
            raise DicomError(self.uid, "the server gives an object that is not as its metadata say")
        self.syntaxes.add(header.syntax)
        return pixels

    @property
    def _is_deflated(self) -> bool:
        return self.frames.syntax == DeflatedExplicitVRLittleEndian and not isinstance(
            self.source, Dataset
        )

    def _inflated(self) -> FrameBytes:
        """Read the whole file anew: nothing in it can be found without what is before."""
        check_inflated_size(self.source, self.uid)
        with open_source(self.source) as file:
            dataset = dcmread(file, force=True)
        keyword, count = self.frames.keyword, self.frames.count
        bits = self.form.frame_bits
        return FrameBytes(dataset, self.uid, keyword, ExplicitVRLittleEndian, count, bits)


@dataclass(frozen=True, slots=True, eq=False)
class PixelLoader:
    """Decodes one frame when called.

    Parameters
    ----------
    pixels : Pixels
    index : int
        Frame, from 0.
    least : tuple of int, optional
        (rows, columns) that the frame must have, if not all.
    """

    pixels: Pixels
    index: int
    least: tuple[int, int] | None = None

    @property
    def lossy(self) -> bool:
        """Whether frames turned out to be compressed with loss, see `Pixels.lossy`."""
        return self.pixels.lossy

    def __call__(self) -> NDArray[Any]:
        """Return the stored values, see `Pixels.load`."""
        return self.pixels.load(self.index, self.least)


def pixels_of(header: Header, cache: PixelCache) -> Pixels:
    """Make ready to decode the frames of an object; nothing is read yet.

    Raises
    ------
    DicomError
        When the pixels cannot be used: there are none or not enough, their description makes no
        sense, or their values are no measurements (palette colours).
    """
    form, count = format_of(header), frame_count(header)
    frames = FrameBytes(
        header.source,
        header.uid,
        form.keyword,
        header.syntax,
        count,
        form.frame_bits,
        form.allocated,
        header.pixel_start,
    )
    stated = text(header.dataset, "LossyImageCompression")
    return Pixels(header.source, header.uid, form, frames, cache, stated)
