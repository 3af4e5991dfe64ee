"""Pixels as kernels want them: one flat, native, read-only array per image, padding as a range."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, is_number
from imageregion.errors import GeometryError
from imageregion.spans import Spans

__all__ = [
    "IsPadding",
    "MapValues",
    "as_stored",
    "check_options",
    "flat_pixels",
    "is_padding_of",
    "padding_bounds",
    "pixels_under",
]

MapValues: TypeAlias = Callable[[NDArray[Any]], FloatArray]
"""From an array of stored values to real values."""

IsPadding: TypeAlias = Callable[[NDArray[Any]], NDArray[np.bool_]] | tuple[float, float]
"""From an array of stored values to booleans; or the lowest and highest stored value that marks
padding, both inclusive."""

_INT64 = (-(2**63), 2**63 - 1)


def check_options(value_map: MapValues | None, is_padding: IsPadding | None) -> None:
    """Raise GeometryError for a map or a padding of the wrong type.

    Examples
    --------
    >>> check_options(None, (-2000, -1024))
    """
    if value_map is not None and not callable(value_map):
        raise GeometryError(f"value_map: expected a function, got {value_map!r}")
    if is_padding is None or callable(is_padding):
        return
    pair = isinstance(is_padding, tuple) and len(is_padding) == 2
    if not pair or not all(map(is_number, is_padding)):
        raise GeometryError(
            "is_padding: expected a function or a tuple of the lowest and highest stored value, "
            f"got {is_padding!r}"
        )


def flat_pixels(pixels: ArrayLike, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return pixels row by row as a read-only array of a type that kernels are compiled for.

    Parameters
    ----------
    pixels : ndarray of numbers, shape `shape`
        Copied only where it is not contiguous, not in native byte order, or of a float type other
        than 32 and 64 bits.
    shape : tuple of int
        What the pixels must have.

    Raises
    ------
    GeometryError
        On another shape or no numbers.

    Examples
    --------
    >>> flat_pixels(np.array([[1, 2], [3, 4]], dtype=">i2"), (2, 2))
    array([1, 2, 3, 4], dtype=int16)
    """
    array = np.asarray(pixels)
    kind = array.dtype.kind
    if array.shape != shape or kind not in "iuf":
        raise GeometryError(
            f"pixels: expected numbers of shape {shape}, got dtype {array.dtype} of shape "
            f"{array.shape}"
        )
    dtype = array.dtype if array.dtype.isnative else array.dtype.newbyteorder("=")
    if kind == "f" and dtype.itemsize not in (4, 8):
        dtype = np.dtype(np.float32 if dtype.itemsize < 4 else np.float64)
    if dtype is not array.dtype or not array.flags.c_contiguous:
        array = np.ascontiguousarray(array, dtype=dtype)
    flat = array.reshape(-1)
    flat.flags.writeable = False
    return flat


def padding_bounds(
    padding: tuple[float, float] | None, dtype: np.dtype[Any]
) -> tuple[float, float]:
    """Return the lowest and highest stored value to leave out, as numbers to compare pixels with.

    Without padding the lowest is above the highest, so that no value lies between.

    Examples
    --------
    >>> padding_bounds((-2000.5, -1999.5), np.dtype(np.int16))
    (-2000, -2000)
    """
    if dtype.kind == "f":
        if padding is None:
            return math.inf, -math.inf
        with np.errstate(over="ignore"):
            return float(dtype.type(padding[0])), float(dtype.type(padding[1]))
    lowest, highest = _INT64
    if padding is None or any(math.isnan(bound) for bound in padding):
        return highest, lowest
    low = lowest if padding[0] < lowest else math.ceil(min(padding[0], highest))
    high = highest if padding[1] > highest else math.floor(max(padding[1], lowest))
    return low, min(high, highest)


def is_padding_of(padding: IsPadding | None, stored: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell for stored values which are padding.

    Examples
    --------
    >>> is_padding_of((-1, 0), np.array([-2, -1, 0, 1])).tolist()
    [False, True, True, False]
    """
    if padding is None:
        return np.zeros(stored.shape, dtype=np.bool_)
    if isinstance(padding, tuple):
        low, high = padding_bounds(padding, stored.dtype)
        return np.asarray((stored >= low) & (stored <= high), dtype=np.bool_)
    return np.asarray(padding(stored), dtype=np.bool_)


def as_stored(values: NDArray[Any]) -> NDArray[Any]:
    """Return distinct pixel values as maps get them: integers, where they fit, as int64.

    So a map does not have to think of overflow.

    Examples
    --------
    >>> as_stored(np.array([255], dtype=np.uint8)) * 2
    array([510])
    """
    fits = values.dtype.kind in "iu" and values.dtype != np.uint64
    return values.astype(np.int64) if fits else values


def pixels_under(
    spans: Spans, flat: NDArray[Any], chosen: NDArray[np.bool_] | None = None
) -> NDArray[Any]:
    """Copy the pixels under spans, or those under chosen runs, in order; minus zero as zero.

    Examples
    --------
    >>> pixels_under(Spans([0, 1], [1, 0], [2, 2], [1, 1], (2, 2)), np.array([1, 2, 3, 4]))
    array([2, 3, 4])
    """
    from imageregion._kernels.runs import gather

    runs = (spans.row, spans.start, spans.stop)
    if chosen is not None:
        runs = (spans.row[chosen], spans.start[chosen], spans.stop[chosen])
    values = np.asarray(gather(flat.reshape(-1, spans.shape[-1]), *runs))
    if values.dtype.kind == "f":
        values += 0.0
    return values
