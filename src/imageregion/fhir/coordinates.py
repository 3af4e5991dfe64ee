"""Coordinates of one region element, from an untrusted JSON list to an array."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from imageregion._arrays import FloatArray, read_only
from imageregion.errors import FhirError
from imageregion.fhir.text.plain import brief

__all__ = ["MAX_COORDINATES", "MAX_MAGNITUDE", "RegionError", "read_coordinates"]

MAX_COORDINATES = 4_194_304
"""Most numbers one region may have, so that one hostile region cannot eat the memory."""

MAX_MAGNITUDE = 1e9
"""Largest coordinate: far beyond any image or patient, and safe to square."""


class RegionError(FhirError):
    """A region element that cannot be read; costs that region and nothing else.

    Parameters
    ----------
    code : str
        Name of the finding, as in `Issue.code`.
    path, message : str
        As in `FhirError`.
    """

    def __init__(self, code: str, path: str, message: str) -> None:
        super().__init__(path, message)
        self.code = code


def read_coordinates(value: object, path: str, dimension: int, expected: str) -> FloatArray:
    """Read the ``coordinate`` list of a region.

    Parameters
    ----------
    value : object
        What the JSON holds.
    path : str
        FHIRPath of the coordinate element.
    dimension : {2, 3}
        Numbers per point.
    expected : str
        What the region type asks for, for the error message.

    Returns
    -------
    ndarray of float64, shape (N, dimension), read-only
        Pixels (column, row) or mm (x, y, z).

    Raises
    ------
    RegionError
        When it is not a list, is too long, or holds anything but finite numbers in whole points.

    Examples
    --------
    >>> read_coordinates([1, 2.5], "coordinate", 2, "2 numbers").tolist()
    [[1.0, 2.5]]
    """
    if type(value) is not list:
        got = "nothing" if value is None else brief(value)
        raise RegionError("coordinate", path, f"expected {expected}, got {got}")
    if len(value) > MAX_COORDINATES:
        raise RegionError(
            "too-many-coordinates",
            path,
            f"expected at most {MAX_COORDINATES} numbers in one region, got {len(value)}",
        )
    numbers = _numbers(value, path)
    if len(numbers) % dimension:
        order = "column, row" if dimension == 2 else "x, y, z"
        raise RegionError(
            "coordinate-count",
            path,
            f"expected {expected}, a multiple of {dimension} ({order}), got {len(numbers)}",
        )
    return read_only(numbers.reshape(-1, dimension))


def _numbers(value: list[Any], path: str) -> FloatArray:
    try:
        numbers = np.frombuffer(array("d", value)) if value else np.empty(0)
    except (TypeError, OverflowError):
        _check_types(value, range(len(value)), path)
        limit = 10.0 * MAX_MAGNITUDE  # integers too large for a float; refused just below
        numbers = np.array([limit if abs(item) > limit else float(item) for item in value])
    else:  # truth values became 0 and 1
        _check_types(value, np.flatnonzero((numbers == 0) | (numbers == 1)).tolist(), path)
    good = np.abs(numbers) <= MAX_MAGNITUDE
    if not good.all():
        place = int(np.argmin(good))
        number = float(numbers[place])
        wanted = (
            f"a number within +-{MAX_MAGNITUDE:g}" if np.isfinite(number) else "a finite number"
        )
        raise RegionError("coordinate", f"{path}[{place}]", f"expected {wanted}, got {number:g}")
    return numbers


def _check_types(value: list[Any], places: Iterable[int], path: str) -> None:
    for place in places:
        if type(value[place]) not in (int, float):
            got = brief(value[place])
            raise RegionError("coordinate", f"{path}[{place}]", f"expected a number, got {got}")
