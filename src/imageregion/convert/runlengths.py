"""Run lengths: regions as COCO annotations store them, and as label images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import IntArray
from imageregion._runs import Runs, as_shape, label_runs
from imageregion.errors import GeometryError
from imageregion.spans import Spans

__all__ = ["from_coco", "from_labels", "to_coco", "to_labels"]

_LONGEST_SIDE = 1 << 20  # pixels; whole slides stay below, and a run per column is still small
_MOST_RUNS = 1 << 26  # runs of one region, about 2 GB
_LONGEST_NUMBER = 10  # characters of 5 bits; side x side pixels need nine


def to_coco(spans: Spans, *, compressed: bool = True) -> dict[str, Any]:
    """Write a region as COCO run lengths.

    Parameters
    ----------
    spans : Spans
        Whole pixels of one image.
    compressed : bool
        Whether the counts become the ASCII text that pycocotools writes, or a list of integers.

    Returns
    -------
    dict
        ``{"size": [rows, columns], "counts": str or list of int}``, ready for JSON: lengths of
        runs down the columns, one column after the other, in turn outside and inside, beginning
        with outside.

    Raises
    ------
    GeometryError
        On partial weights, volumes, a side longer than 2**20 pixels, or more than 2**26 runs down
        the columns.

    Notes
    -----
    The format of the COCO annotations and of ``pycocotools.mask``: a count is written as the
    difference from the count two places before (from the fourth count on), five bits per character,
    lowest first, with a bit that says whether more follow and a sign, as ASCII from 48 on.

    Examples
    --------
    >>> spans = Spans.from_mask([[False, True], [True, True]])
    >>> to_coco(spans, compressed=False)
    {'size': [2, 2], 'counts': [1, 3]}
    >>> to_coco(spans)["counts"]
    '13'
    """
    rows, columns = _size(spans.shape)
    if not spans.is_whole:
        raise GeometryError(
            "to_coco: expected whole pixels, got partial weights; rasterize by rule 'center'"
        )
    column, start, stop = _transposed((spans.row, spans.start, spans.stop), columns)
    begin, end = _joined(column * rows + start, column * rows + stop)
    ends = np.stack([begin, end], axis=1).reshape(-1)
    if not len(ends) or ends[-1] != rows * columns:
        ends = np.append(ends, rows * columns)
    counts = np.diff(ends, prepend=0)
    return {"size": [rows, columns], "counts": _pack(counts) if compressed else counts.tolist()}


def from_coco(run_lengths: Mapping[str, Any]) -> Spans:
    """Read a region from COCO run lengths.

    Parameters
    ----------
    run_lengths : mapping
        ``{"size": [rows, columns], "counts": ...}`` with counts as text, bytes or a list of
        integers.

    Returns
    -------
    Spans
        Whole pixels.

    Raises
    ------
    GeometryError
        When the counts are negative, do not add up to the size, or are no run lengths at all; when
        a side is longer than 2**20 pixels or the region has more than 2**26 runs.

    Examples
    --------
    >>> from_coco({"size": [2, 2], "counts": "13"}).to_mask().astype(int).tolist()
    [[0, 1], [1, 1]]
    """
    try:
        size, counts = run_lengths["size"], run_lengths["counts"]
    except (KeyError, TypeError, IndexError):
        raise GeometryError(
            f"COCO run lengths: expected a mapping with size and counts, got "
            f"{type(run_lengths).__name__} {str(run_lengths)[:60]}"
        ) from None
    rows, columns = _size(size)
    lengths = _unpack(counts) if isinstance(counts, str | bytes) else _listed(counts)
    ends = _ends(lengths, rows * columns)
    begin, end = ends[:-1:2], ends[1::2]
    solid = begin < end
    runs = _split(*_joined(begin[solid], end[solid]), rows)
    return Spans._of(_transposed(runs, rows), (rows, columns))


def from_labels(image: ArrayLike, *, background: int = 0) -> dict[int, Spans]:
    """Read the regions of a label image.

    Parameters
    ----------
    image : array_like of int, shape (..., rows, columns)
        The label of every pixel.
    background : int
        The label that is no region.

    Returns
    -------
    dict
        From label, ascending, to the pixels that carry it.

    Raises
    ------
    GeometryError
        On anything but integers, or fewer than two axes.

    Examples
    --------
    >>> regions = from_labels([[0, 7, 7], [3, 3, 7]])
    >>> {label: spans.count for label, spans in regions.items()}
    {3: 2, 7: 3}
    """
    array = np.asarray(image)
    if array.ndim < 2 or array.dtype.kind not in "iu":
        raise GeometryError(
            f"label image: expected integers of shape (..., rows, columns), got dtype "
            f"{array.dtype} of shape {array.shape}"
        )
    runs, labels = label_runs(array.reshape(math.prod(array.shape[:-1]), array.shape[-1]))
    kept = np.flatnonzero(labels != background)
    order = kept[np.argsort(labels[kept], kind="stable")]
    names, first = np.unique(labels[order], return_index=True)
    ends = np.append(first, len(order))
    row, start, stop = (field[order] for field in runs)
    return {
        int(name): Spans._of((row[i:j], start[i:j], stop[i:j]), array.shape)
        for name, i, j in zip(names, ends[:-1], ends[1:], strict=True)
    }


def to_labels(regions: Mapping[int, Spans] | Sequence[Spans]) -> NDArray[np.int64]:
    """Paint regions into one label image.

    Parameters
    ----------
    regions : mapping of int to Spans, or sequence of Spans
        At least one, all of one image. In a sequence, region i gets the label i + 1.

    Returns
    -------
    ndarray of int64
        Of the shape of the image; 0 where no region is. Where regions overlap, the last one counts;
        pixels that are partly covered count as covered.

    Raises
    ------
    GeometryError
        On no regions, differing shapes, or a label that is 0 or no 64-bit integer.

    Examples
    --------
    >>> a, b = Spans([0], [0], [3], [1], (1, 5)), Spans([0], [2], [4], [1], (1, 5))
    >>> to_labels([a, b]).tolist()
    [[1, 1, 2, 2, 0]]
    """
    from imageregion._kernels.runs import paint

    named = regions if isinstance(regions, Mapping) else dict(enumerate(regions, start=1))
    shapes = {spans.shape for spans in named.values()}
    if len(shapes) != 1:
        raise GeometryError(f"to_labels: expected spans of one image, got shapes {sorted(shapes)}")
    shape = shapes.pop()
    image = np.zeros(shape, dtype=np.int64)
    tall = image.reshape(math.prod(shape[:-1]), shape[-1])
    for label, spans in named.items():
        if not isinstance(label, int | np.integer) or not label or not -(2**63) <= label < 2**63:
            raise GeometryError(f"to_labels: expected integers other than 0, got {label!r}")
        values = np.full(len(spans.row), label, dtype=np.int64)
        paint(tall, spans.row, spans.start, spans.stop, values)
    return image


def _size(size: Any) -> tuple[int, int]:
    shape = as_shape(size, "COCO size")
    if len(shape) != 2 or max(shape) > _LONGEST_SIDE:
        raise GeometryError(
            f"COCO size: expected [rows, columns] of at most 2**20 each, got {str(shape)[:60]}"
        )
    return shape[0], shape[1]


def _transposed(runs: Runs, columns: int) -> Runs:
    """Turn runs along the rows into runs down the columns."""
    from imageregion._kernels.edges import count_edges, horizontal_edges, transpose_runs

    line, left, right, _ = horizontal_edges(*runs)
    place = count_edges(left, right, columns)
    if place[-1] > 2 * _MOST_RUNS:
        raise GeometryError(
            f"COCO run lengths: expected at most {_MOST_RUNS} runs, got {place[-1] // 2}"
        )
    return transpose_runs(line, left, right, place)  # type: ignore[no-any-return]


def _joined(begin: IntArray, end: IntArray) -> tuple[IntArray, IntArray]:
    """Join runs of a flat image that touch."""
    apart = begin[1:] != end[:-1]
    size = len(begin)
    return begin[np.append(True, apart)[:size]], end[np.append(apart, True)[:size]]


def _split(begin: IntArray, end: IntArray, length: int) -> Runs:
    """Cut runs of a flat image into runs of its lines."""
    if not len(begin):
        return begin, begin, begin
    first, last = begin // length, (end - 1) // length
    pieces = last - first + 1
    line = np.repeat(first, pieces)
    line += np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = np.maximum(np.repeat(begin, pieces) - line * length, 0)
    stop = np.minimum(np.repeat(end, pieces) - line * length, length)
    return line, start, stop


def _ends(lengths: IntArray, total: int) -> IntArray:
    """Where each run ends, with an end added when the last run lies outside."""
    wrong = np.flatnonzero((lengths < 0) | (lengths > total))
    if len(wrong):
        i = int(wrong[0])
        raise GeometryError(
            f"COCO counts: expected lengths from 0 to {total}, got {lengths[i]} at {i}"
        )
    ends = np.cumsum(lengths)
    if not len(ends) or ends[-1] != total or ends.max() != total:
        got = int(ends.max()) if len(ends) else 0
        raise GeometryError(f"COCO counts: expected a sum of {total} pixels, got {got}")
    return np.append(ends, total) if len(ends) % 2 else ends


def _listed(counts: Any) -> IntArray:
    try:
        array = np.asarray(counts)
    except (ValueError, TypeError, OverflowError):
        array = np.asarray(None)
    if array.ndim != 1 or (array.dtype.kind not in "iu" and array.size):
        raise GeometryError(
            f"COCO counts: expected text, bytes or a list of integers, got {str(counts)[:60]}"
        )
    return array.astype(np.int64)


def _pack(counts: IntArray) -> str:
    """Compress counts to text."""
    numbers = counts.copy()
    numbers[3:] -= counts[1:-2]
    rest, at = numbers, np.arange(len(numbers)) * _LONGEST_NUMBER
    characters, places = [], []
    while len(at):
        low, rest = rest & 31, rest >> 5
        more = np.where(low & 16, rest != -1, rest != 0)
        characters.append(48 + low + 32 * more)
        places.append(at)
        rest, at = rest[more], at[more] + 1
    order = np.argsort(np.concatenate(places))
    return np.concatenate(characters)[order].astype(np.uint8).tobytes().decode("ascii")


def _unpack(text: str | bytes) -> IntArray:
    """Read counts from compressed text."""
    try:
        raw = text.encode("ascii") if isinstance(text, str) else text
    except UnicodeEncodeError as error:
        raise GeometryError(
            f"COCO counts: expected ASCII text, got {text[error.start]!r}"
        ) from None
    code = np.frombuffer(raw, dtype=np.uint8).astype(np.int64) - 48
    if len(code) and (code.min() < 0 or code.max() > 63):
        at = int(np.flatnonzero((code < 0) | (code > 63))[0])
        raise GeometryError(f"COCO counts: expected ASCII 48 to 111, got {code[at] + 48} at {at}")
    ends = np.flatnonzero(code < 32)
    if len(code) and code[-1] >= 32:
        raise GeometryError("COCO counts: expected whole numbers, got text that breaks off")
    first = np.append(0, ends[:-1] + 1)[: len(ends)]
    width = ends - first + 1
    if len(width) and width.max() > _LONGEST_NUMBER:
        raise GeometryError(
            f"COCO counts: expected at most {_LONGEST_NUMBER} characters per number, got "
            f"{width.max()}"
        )
    step = np.arange(len(code)) - np.repeat(first, width)
    numbers = np.add.reduceat((code & 31) << (5 * step), first) if len(code) else code
    numbers = np.where(code[ends] & 16, numbers - (1 << (5 * width)), numbers)
    if len(numbers) and np.abs(numbers).max() > _LONGEST_SIDE**2:
        raise GeometryError(f"COCO counts: expected lengths below 2**40, got {numbers.max()}")
    counts = numbers.copy()
    counts[1::2], counts[2::2] = np.cumsum(numbers[1::2]), np.cumsum(numbers[2::2])
    return counts
