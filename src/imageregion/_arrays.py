"""Array types and the one way untrusted coordinates become arrays."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion.errors import GeometryError

__all__ = [
    "FloatArray",
    "IntArray",
    "as_counts",
    "as_floats",
    "as_numbers",
    "is_number",
    "is_whole",
    "read_only",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_Scalar = TypeVar("_Scalar", bound=np.generic)


def read_only(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """Return a read-only view of `array`; the caller must hold no writable reference to it."""
    view = array.view()
    view.setflags(write=False)
    return view


def as_floats(value: ArrayLike, shape: tuple[int | None, ...], what: str) -> FloatArray:
    """Copy `value` into a read-only float64 array of the wanted shape.

    Parameters
    ----------
    value : array_like
        Numbers; strings, booleans and complex numbers are refused.
    shape : tuple of int or None
        Wanted shape; ``None`` accepts any length along that axis.
    what : str
        How the error message names the value.

    Raises
    ------
    GeometryError
        When the shape or type differs or a number is not finite.
    """
    try:
        array: NDArray[Any] = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise GeometryError(f"{what}: expected numbers of shape {_text(shape)}: {error}") from None
    if array.dtype.kind not in "iuf":
        raise GeometryError(f"{what}: expected numbers, got dtype {array.dtype}")
    if array.ndim != len(shape) or any(
        want is not None and want != have for want, have in zip(shape, array.shape, strict=True)
    ):
        raise GeometryError(f"{what}: expected shape {_text(shape)}, got {array.shape}")
    result = np.array(array, dtype=np.float64, order="C")
    if not np.isfinite(result).all():
        first = np.argwhere(~np.isfinite(result))[0]
        raise GeometryError(
            f"{what}: expected finite numbers, got {result[tuple(first)]} at {first.tolist()}"
        )
    return read_only(result)


def as_numbers(value: ArrayLike, what: str) -> NDArray[Any]:
    """Return an array of integers or floats of any shape; all else raises GeometryError."""
    try:
        array: NDArray[Any] = np.asarray(value)
    except (ValueError, TypeError, OverflowError) as error:
        raise GeometryError(f"{what}: expected numbers: {error}") from None
    if array.dtype.kind not in "iuf":
        raise GeometryError(f"{what}: expected numbers, got dtype {array.dtype}")
    return array


def as_counts(value: ArrayLike, what: str) -> IntArray:
    """Copy whole numbers into an int64 array; all else, fractions too, raises GeometryError."""
    given = as_numbers(value, what)
    bad = ~(np.abs(given) < 2.0**63) | (given != np.floor(given))
    if bad.any():
        raise GeometryError(f"{what}: expected whole numbers, got {given[bad][0]}")
    return given.astype(np.int64)


def is_whole(value: object) -> bool:
    """Tell whether a value is one integer."""
    return isinstance(value, Integral)


def is_number(value: object) -> bool:
    """Tell whether a value is one real number, be it infinite or nan; text is none."""
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "iuf"
    return isinstance(value, Real)


def _text(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("N" if n is None else str(n) for n in shape) + ")"
