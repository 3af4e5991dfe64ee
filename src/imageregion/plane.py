"""The plane of one image in the patient.

Pixel coordinates count from the outer corner of the first pixel; ImagePositionPatient is its
centre. `Plane` ties the two together (DICOM PS3.3 C.7.6.2.1.1): nothing else in the library goes
from the image to the patient or back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from threading import Thread
from typing import Any, Protocol, TypeVar, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, as_floats, read_only
from imageregion._pixel import CENTER
from imageregion.errors import DicomError, GeometryError

__all__ = ["Plane"]

_MANY = 1 << 17  # points from which on it pays to load compiled code
_BLOCK = (
    1 << 15
)  # points copied at once where they are not float64 side by side; they stay in the cache
_COSINE_TOLERANCE = 1e-3  # direction cosines are written with few digits; more is not a rotation


class _Mappable(Protocol):
    @property
    def dimension(self) -> int: ...
    def transform(self, matrix: FloatArray, offset: FloatArray) -> Any: ...


_S = TypeVar("_S", bound=_Mappable)


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Where the pixels of one image lie in the patient.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns).
    origin : array_like, shape (3,)
        Patient position of the *centre* of the first pixel, mm, LPS (ImagePositionPatient).
    axes : array_like, shape (3, 2)
        First column: step of one column (along a row), second: step of one row; mm per pixel.
        These are the direction cosines of ImageOrientationPatient times PixelSpacing, whose first
        value is the distance between *rows*.

    Raises
    ------
    GeometryError
        On wrong shapes, numbers that are not finite, or axes that span no area.

    Examples
    --------
    A pixel 0.5 mm wide and 2 mm high; pixel coordinates start at the corner of the first pixel:

    >>> plane = Plane((4, 6), [10, 20, 30], [[0.5, 0], [0, 2.0], [0, 0]])
    >>> plane.to_patient([[0.5, 0.5], [0.0, 0.0]]).tolist()
    [[10.0, 20.0, 30.0], [9.75, 19.0, 30.0]]
    """

    shape: tuple[int, int]
    origin: FloatArray
    axes: FloatArray

    def __init__(self, shape: tuple[int, int], origin: ArrayLike, axes: ArrayLike) -> None:
        rows, columns = (int(n) for n in shape)
        if rows < 1 or columns < 1:
            raise GeometryError(f"Plane shape: expected (rows, columns) >= 1, got {shape}")
        object.__setattr__(self, "shape", (rows, columns))
        object.__setattr__(self, "origin", as_floats(origin, (3,), "Plane origin"))
        object.__setattr__(self, "axes", as_floats(axes, (3, 2), "Plane axes"))
        with np.errstate(over="ignore", invalid="ignore"):
            area = float(np.linalg.norm(np.cross(self.axes[:, 0], self.axes[:, 1])))
        if not 0 < area < math.inf:
            raise GeometryError("Plane axes: expected two directions that span an area")

    @classmethod
    def from_dicom(cls, dataset: Any) -> Plane:
        """Read the plane of a classic single-frame image.

        Parameters
        ----------
        dataset : pydicom.Dataset
            With Rows, Columns, ImagePositionPatient, ImageOrientationPatient and PixelSpacing.

        Raises
        ------
        DicomError
            When an attribute is missing, malformed, or the direction cosines are not unit and
            perpendicular within 1e-3.

        Examples
        --------
        >>> from pydicom import Dataset
        >>> ds = Dataset()
        >>> ds.Rows, ds.Columns, ds.PixelSpacing = 64, 64, [0.5, 0.5]
        >>> ds.ImagePositionPatient = [56.0, 34.2, 1.0]
        >>> ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        >>> Plane.from_dicom(ds).to_patient([[0, 10], [5, 5]]).round(9).tolist()
        [[55.75, 38.95, 1.0], [58.25, 36.45, 1.0]]
        """
        uid = str(dataset.get("SOPInstanceUID", "") or "dataset without SOP Instance UID")
        position = _numbers(dataset, "ImagePositionPatient", 3, uid)
        cosines = _numbers(dataset, "ImageOrientationPatient", 6, uid).reshape(2, 3)
        between_rows, between_columns = _numbers(dataset, "PixelSpacing", 2, uid)
        if not (between_rows > 0 and between_columns > 0):
            raise DicomError(
                uid,
                f"PixelSpacing: expected positive mm, got {between_rows:g}\\{between_columns:g}",
            )
        lengths = np.linalg.norm(cosines, axis=1)
        lean = abs(float(cosines[0] @ cosines[1]))
        if np.abs(lengths - 1).max() > _COSINE_TOLERANCE or lean > _COSINE_TOLERANCE:
            raise DicomError(
                uid,
                "ImageOrientationPatient: expected two perpendicular unit vectors, got lengths "
                f"{lengths[0]:.6g} and {lengths[1]:.6g} with scalar product {lean:.6g}",
            )
        rows, columns = _size(dataset, uid)
        cosines /= lengths[:, None]
        axes = np.stack([cosines[0] * between_columns, cosines[1] * between_rows], axis=1)
        return cls((rows, columns), position, axes)

    @property
    def normal(self) -> FloatArray:
        """Unit vector perpendicular to the plane, column direction x row direction."""
        cross = np.cross(self.axes[:, 0], self.axes[:, 1])
        return read_only(cross / np.linalg.norm(cross))

    @property
    def spacing(self) -> tuple[float, float]:
        """Millimetres (between rows, between columns), the order of DICOM PixelSpacing."""
        column, row = np.linalg.norm(self.axes, axis=0)
        return float(row), float(column)

    @property
    def pixel_area(self) -> float:
        """Area of one pixel, mm2."""
        return float(np.linalg.norm(np.cross(self.axes[:, 0], self.axes[:, 1])))

    def distance(self, points: ArrayLike) -> FloatArray:
        """Signed distance of patient points of shape (N, 3) from the plane along `normal`, mm."""
        offsets = as_floats(points, (None, 3), "points") - self.origin
        return np.asarray(offsets @ self.normal, dtype=np.float64)

    @overload
    def to_patient(self, value: _S) -> _S: ...
    @overload
    def to_patient(self, value: ArrayLike) -> FloatArray: ...
    def to_patient(self, value: Any) -> Any:
        """Map a 2-D shape, or points of shape (N, 2), from pixels to patient mm.

        Parameters
        ----------
        value : shape or array_like
            (column, row), origin at the outer corner of the first pixel.

        Returns
        -------
        The same kind of shape in 3-D, or an array of shape (N, 3).
        """
        corner = self.origin - self.axes @ (CENTER, CENTER)
        return _apply(value, self.axes, corner, 2)

    @overload
    def to_pixel(self, value: _S) -> _S: ...
    @overload
    def to_pixel(self, value: ArrayLike) -> FloatArray: ...
    def to_pixel(self, value: Any) -> Any:
        """Project a 3-D shape, or points of shape (N, 3), along the normal to pixels.

        Parameters
        ----------
        value : shape or array_like
            (x, y, z) mm, LPS. The distance from the plane is dropped; `distance` tells it.

        Returns
        -------
        The same kind of shape in 2-D, or an array of shape (N, 2).

        Raises
        ------
        GeometryError
            For an `Ellipsoid`, which has no projection of its own kind: `imageregion.cut` it.
        """
        inverse: FloatArray = np.linalg.pinv(self.axes).astype(np.float64)
        return _apply(value, inverse, CENTER - inverse @ self.origin, 3)


def _apply(value: Any, matrix: FloatArray, offset: FloatArray, dimension: int) -> Any:
    if hasattr(value, "transform"):
        if value.dimension != dimension:
            raise GeometryError(
                f"{type(value).__name__}: expected {dimension}-D coordinates, "
                f"got {value.dimension}-D"
            )
        return value.transform(matrix, offset)
    if _are_many(value, dimension):
        return _map_many(value, matrix, offset)
    return as_floats(value, (None, dimension), "points") @ matrix.T + offset


def _are_many(value: Any, dimension: int) -> bool:
    """Whether a value is a large array of numbers of shape (N, dimension)."""
    if not isinstance(value, np.ndarray) or value.ndim != 2 or value.dtype.kind not in "iuf":
        return False
    return value.shape[1] == dimension and len(value) >= _MANY


def _map_many(points: NDArray[Any], matrix: FloatArray, offset: FloatArray) -> FloatArray:
    """Map points in compiled code, one half beside the other; they are not copied as a whole."""
    from imageregion._kernels.affine import map_into_plane, map_into_space

    run = map_into_space if len(offset) == 3 else map_into_plane
    fixed = read_only(np.ascontiguousarray(matrix)), read_only(np.ascontiguousarray(offset))
    result = np.empty((len(points), len(offset)))
    ready = points.dtype == np.float64 and points.flags.c_contiguous
    done: list[bool] = []

    def half(first: int, last: int) -> bool:
        step, finite = last - first if ready else _BLOCK, True
        for begin in range(first, last, step):
            place = slice(begin, min(begin + step, last))
            block = np.ascontiguousarray(points[place], dtype=np.float64).reshape(-1)
            finite &= run(read_only(block), *fixed, result[place].reshape(-1))
        return finite

    middle = len(points) // 2
    other = Thread(target=lambda: done.append(half(0, middle)))
    other.start()
    finite = half(middle, len(points))
    other.join()
    finite &= done[0] if done else half(0, middle)  # what stopped the thread is raised here
    if not finite:  # the points may be finite still, and only the result too large
        as_floats(points, points.shape, "points")
    return result


def _numbers(dataset: Any, keyword: str, count: int, uid: str) -> FloatArray:
    value = dataset.get(keyword)
    if value is None or value == "":
        raise DicomError(uid, f"{keyword}: expected {count} numbers, the attribute is absent")
    try:
        numbers = np.array([float(v) for v in value], dtype=np.float64)
    except (TypeError, ValueError):
        raise DicomError(uid, f"{keyword}: expected {count} numbers, got {value!r}") from None
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise DicomError(uid, f"{keyword}: expected {count} finite numbers, got {value!r}")
    return numbers


def _size(dataset: Any, uid: str) -> tuple[int, int]:
    rows, columns = dataset.get("Rows"), dataset.get("Columns")
    if not (isinstance(rows, int) and isinstance(columns, int) and rows > 0 and columns > 0):
        raise DicomError(
            uid, f"Rows, Columns: expected positive integers, got {rows!r}, {columns!r}"
        )
    return rows, columns
