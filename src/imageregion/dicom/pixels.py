"""Pixels: decode one frame to stored values, whatever its encoding, and keep recent ones."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import as_pixel_options, pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, RLELossless

from imageregion._arrays import read_only
from imageregion.dicom._quiet import quiet
from imageregion.dicom.bounds import check_inflated_size
from imageregion.errors import DicomError

__all__ = ["PixelCache", "PixelLoader", "Refusal", "Samples", "unpack_samples"]

CACHE_BYTES = 256 * 2**20


class PixelCache:
    """Keeps recently decoded frames, up to a number of bytes; safe for threads.

    Parameters
    ----------
    limit : int
        Bytes; a frame larger than this is not kept.
    """

    def __init__(self, limit: int = CACHE_BYTES) -> None:
        self.limit = limit
        self.used = 0
        self._frames: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> NDArray[Any] | None:
        """Return the frame kept under `key`, or None."""
        with self._lock:
            if key not in self._frames:
                return None
            self._frames.move_to_end(key)
            return self._frames[key]

    def put(self, key: Hashable, frame: NDArray[Any]) -> None:
        """Keep a frame and drop the least recently used ones beyond the limit."""
        with self._lock:
            if frame.nbytes > self.limit or key in self._frames:
                return
            self._frames[key] = frame
            self.used += frame.nbytes
            while self.used > self.limit:
                self.used -= self._frames.popitem(last=False)[1].nbytes

    def __reduce__(self) -> tuple[type[PixelCache], tuple[int]]:
        return PixelCache, (self.limit,)


@dataclass(frozen=True, slots=True)
class Samples:
    """Which bits of a cell hold the stored value (DICOM PS3.5 8.1.1).

    Parameters
    ----------
    stored : int
        Bits of a stored value.
    high : int
        Position of its highest bit, from 0.
    """

    stored: int
    high: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Stands for pixels that must not be used: asking for them tells why."""

    uid: str
    reason: str

    def __call__(self) -> NoReturn:
        """Raise a `DicomError` with the reason."""
        raise DicomError(self.uid, self.reason)


@dataclass(frozen=True, slots=True, eq=False)
class PixelLoader:
    """Decodes one frame when called.

    Parameters
    ----------
    source : Path or pydicom.Dataset
    uid : str
        SOP Instance UID, for messages.
    syntax : UID
        Transfer syntax.
    index : int
        Frame, from 0.
    shape : tuple of int
        (rows, columns) that the header promised.
    samples : Samples, optional
        Where the stored value sits in its cell; None for floating point pixels.
    cache : PixelCache
    """

    source: Path | Dataset
    uid: str
    syntax: UID
    index: int
    shape: tuple[int, int]
    samples: Samples | None
    cache: PixelCache

    def __call__(self) -> NDArray[Any]:
        """Return the stored values, read-only, shape (rows, columns).

        Raises
        ------
        DicomError
            When the pixel data is truncated, damaged, or no decoder for it is installed.
        """
        frame = self.cache.get(self)
        if frame is None:
            frame = read_only(self._decode())
            self.cache.put(self, frame)
        return frame

    def _decode(self) -> NDArray[Any]:
        try:
            with quiet():
                cells = self._cells()
                if self.samples is not None and self._has_raw_cells:
                    cells = unpack_samples(cells, self.samples)
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DicomError(self.uid, f"the pixel data cannot be decoded: {reason}") from error
        if cells.shape != self.shape or cells.dtype.kind not in "iuf":
            raise DicomError(
                self.uid,
                f"the pixel data has shape {cells.shape}, expected {self.shape} from the header",
            )
        return cells

    @property
    def _has_raw_cells(self) -> bool:
        """Whether cells are as the scanner wrote them; other codecs deliver values."""
        return self.syntax == RLELossless or not self.syntax.is_encapsulated

    def _cells(self) -> NDArray[Any]:
        options: dict[str, Any] = {"correct_unused_bits": False} if self._has_raw_cells else {}
        dataset = self.source
        if isinstance(dataset, Path):
            if self.syntax != DeflatedExplicitVRLittleEndian:
                return pixel_array(
                    dataset,
                    index=self.index,
                    raw=True,
                    transfer_syntax_uid=self.syntax,
                    **options,
                )
            check_inflated_size(dataset, self.uid)
            dataset = dcmread(dataset, force=True)
        options = as_pixel_options(dataset, **options)
        decoder = get_decoder(self.syntax)
        cells: NDArray[Any] = decoder.as_array(dataset, index=self.index, raw=True, **options)[0]
        return cells


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
    return (cells << (width - 1 - samples.high)) >> (width - samples.stored)
