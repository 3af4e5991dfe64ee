"""Offsets: the tables of where compressed frames are, believed only where they can be true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imageregion._arrays import IntArray

__all__ = ["Table", "from_basic", "from_extended"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """First byte of the items of each frame, and one past their last; -1 up to the delimiter."""

    starts: IntArray
    stops: IntArray


def from_extended(tables: tuple[bytes, bytes], first: int, end: int) -> Table | None:
    """Take the Extended Offset Table (DICOM PS3.3 C.7.6.3.1.8); None when it makes no sense.

    Each frame is one fragment, of an even number of bytes; its stated length may be odd.
    """
    if len(tables[0]) != len(tables[1]) or len(tables[0]) % 8 or not tables[0]:
        return None
    offsets, lengths = (np.frombuffer(table, "<u8") for table in tables)
    limit = max(end - first, 0)
    if offsets[0] != 0 or offsets.max() > limit or lengths.max() > limit:
        return None
    starts = offsets.astype(np.int64)
    stops = starts + 8 + lengths.astype(np.int64) + (lengths & 1).astype(np.int64)
    if (stops[:-1] != starts[1:]).any() or stops[-1] > limit:
        return None
    return Table(first + starts, first + stops)


def from_basic(data: bytes, first: int, end: int) -> Table | None:
    """Take the Basic Offset Table (DICOM PS3.5 A.4); None when it makes no sense.

    Its numbers have 32 bits: behind 4 GiB they start from 0 again.
    """
    offsets = np.frombuffer(data, "<u4").astype(np.int64)
    if offsets[0] != 0:
        return None
    offsets[1:] += 2**32 * np.cumsum(np.diff(offsets) < 0)
    if (np.diff(offsets) < 8).any() or first + offsets[-1] + 8 > end:
        return None
    starts = first + offsets
    return Table(starts, np.append(starts[1:], -1))
