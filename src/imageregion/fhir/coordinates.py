"""Coordinates of one region element, from an untrusted JSON list to an array."""

from __future__ import annotations

import numpy as np

from imageregion._arrays import FloatArray, read_only
from imageregion.errors import FhirError
from imageregion.fhir.plain import brief

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
    if not {int, float}.issuperset(map(type, value)):
        place = next(i for i, item in enumerate(value) if type(item) not in (int, float))
        got = brief(value[place])
        raise RegionError("coordinate", f"{path}[{place}]", f"expected a number, got {got}")
    numbers = _numbers(value, path)
    if len(numbers) % dimension:
        order = "column, row" if dimension == 2 else "x, y, z"
        raise RegionError(
            "coordinate-count",
            path,
            f"expected {expected}, a multiple of {dimension} ({order}), got {len(numbers)}",
        )
    return read_only(numbers.reshape(-1, dimension))


def _numbers(value: list[int | float], path: str) -> FloatArray:
    try:
        numbers = np.array(value, dtype=np.float64)
    except OverflowError:
        limit = 10.0 * MAX_MAGNITUDE  # integers too large for a float; refused just below
        numbers = np.array([limit if abs(item) > limit else float(item) for item in value])
    bad = np.flatnonzero(~(np.abs(numbers) <= MAX_MAGNITUDE))
    if len(bad):
        item = float(numbers[bad[0]])
        wanted = f"a number within +-{MAX_MAGNITUDE:g}" if np.isfinite(item) else "a finite number"
        raise RegionError("coordinate", f"{path}[{bad[0]}]", f"expected {wanted}, got {item:g}")
    return numbers
