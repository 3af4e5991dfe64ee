"""Blocks: the parts of images that have to be read for a region, decoded ahead in threads.

An ordinary frame is one block. A total pixel matrix is read tile by tile, and only the tiles that
the region touches. What stays on a server is fetched for several regions at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from imageregion.frame import Frame
from imageregion.spans import Spans

__all__ = ["Block", "blocks_under", "load_ahead", "read_ahead"]

_Item = TypeVar("_Item")

_THREADS = 4
_FETCHERS = 8  # they mostly wait
_AHEAD_BYTES = 128 * 2**20  # decoded and not yet used
_FETCHED_BLOCKS = 64  # on their way for the next items
_FETCHED_BYTES = 64 * 2**20  # of them, at most half of what is kept decoded
_FETCHED_ITEMS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Pixels of one frame, or of one tile, that a region covers.

    Parameters
    ----------
    frame : Frame
        The frame, or the total pixel matrix that the tile belongs to.
    spans : Spans
        On the block.
    load : callable
        Returns the stored values; those of a tile may reach beyond the shape of `spans`.
    bytes : int
        About how large they are.
    """

    frame: Frame
    spans: Spans
    load: Callable[[], NDArray[Any]]
    bytes: int

    def stored(self) -> NDArray[Any]:
        """Decode the block, shape of `spans`."""
        rows, columns = self.spans.shape
        return self.load()[:rows, :columns]


def blocks_under(frame: Frame, spans: Spans) -> Iterator[Block]:
    """Find the parts of a frame that hold pixels of a region; nothing is read.

    Parameters
    ----------
    frame : Frame
    spans : Spans
        On the whole frame.

    Examples
    --------
    >>> frame = Frame.from_array([[1, 2], [3, 4]])
    >>> [block.stored().tolist() for block in blocks_under(frame, Spans.full((2, 2)))]
    [[[1, 2], [3, 4]]]
    """
    if not len(spans.row):
        return
    if frame.tiles is None:
        yield Block(frame, spans, frame.load, 8 * spans.shape[0] * spans.shape[1])
        return
    tiles, (rows, columns) = frame.tiles, frame.tiles.shape
    size = np.array([rows, columns])
    low = np.array([spans.row[0], spans.start.min()])
    high = np.array([spans.row[-1] + 1, spans.stop.max()])
    near = ((tiles.corners < high) & (tiles.corners + size > low)).all(axis=1)
    found = np.flatnonzero(near)
    tops = tiles.corners[found, 0]
    for top in np.unique(tops):
        band = spans.crop(slice(top, top + rows), slice(None))
        for index in found[tops == top]:
            left = int(tiles.corners[index, 1])
            part = band.crop(slice(None), slice(left, left + columns))
            if part.count:
                load = partial(tiles.load, int(index))
                yield Block(frame, part, load, 8 * rows * columns)


def read_ahead(blocks: Iterable[Block]) -> Iterator[tuple[Block, NDArray[Any]]]:
    """Decode blocks in threads, a bounded number of bytes ahead; they come in their order.

    Raises
    ------
    DicomError
        When one cannot be decoded, as it is reached.
    """
    waiting = iter(blocks)
    first, second = next(waiting, None), next(waiting, None)
    if first is None:
        return
    if second is None:  # threads would only cost time
        yield first, first.stored()
        return
    pending: deque[tuple[Block, Future[NDArray[Any]]]] = deque()
    ahead = 0
    with ThreadPoolExecutor(_THREADS, "imageregion-decode") as pool:
        try:
            for block in chain((first, second), waiting):
                while pending and (ahead + block.bytes > _AHEAD_BYTES or pending[0][1].done()):
                    done, stored = pending.popleft()
                    ahead -= done.bytes
                    yield done, stored.result()
                pending.append((block, pool.submit(block.stored)))
                ahead += block.bytes
            for done, stored in pending:
                yield done, stored.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def load_ahead(
    items: Iterable[_Item], blocks_of: Callable[[_Item], Iterable[Block]]
) -> Generator[_Item, None, None]:
    """Pass items on, and meanwhile load in threads what the next ones need.

    Frames that are loaded stay for a while where they were decoded, so that whoever needs one finds
    it there or waits for it. One that cannot be loaded is an error of whoever needs it.

    Parameters
    ----------
    items : iterable
        Regions, say.
    blocks_of : callable
        Returns the blocks that an item needs; of many only the first are loaded ahead.

    Examples
    --------
    >>> frame = Frame.from_array([[1, 2], [3, 4]])
    >>> full = Spans.full((2, 2))
    >>> list(load_ahead(["a", "b"], lambda name: blocks_under(frame, full)))
    ['a', 'b']
    """
    coming: deque[tuple[_Item, int, int]] = deque()
    count = size = 0
    with ThreadPoolExecutor(_FETCHERS, "imageregion-fetch") as pool:
        try:
            for item in items:
                number = used = 0
                for block in blocks_of(item):
                    if count + number >= _FETCHED_BLOCKS or size + used > _FETCHED_BYTES:
                        break
                    if block.bytes <= _FETCHED_BYTES // 2:
                        pool.submit(block.load)
                        number, used = number + 1, used + block.bytes
                coming.append((item, number, used))
                count, size = count + number, size + used
                while coming and (
                    count >= _FETCHED_BLOCKS
                    or size >= _FETCHED_BYTES
                    or len(coming) > _FETCHED_ITEMS
                ):
                    first, number, used = coming.popleft()
                    count, size = count - number, size - used
                    yield first
            for first, _, _ in coming:
                yield first
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
