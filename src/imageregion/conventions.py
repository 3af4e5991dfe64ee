"""Conventions: other ways in which pixel coordinates are written, and how to read them as ours.

FHIR and DICOM count (column, row) from the outer corner of the first pixel (PS3.3 C.18.6). Programs
that write otherwise make mistakes of a few kinds, each of which is an affine map of the plane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from imageregion._arrays import FloatArray
from imageregion._pixel import CENTER
from imageregion.errors import GeometryError
from imageregion.shapes import Shape

__all__ = ["CONVENTIONS", "Convention", "convention"]

_Size = tuple[int, int]
_Map = tuple[FloatArray, FloatArray]


@dataclass(frozen=True, slots=True)
class Convention:
    """A way of writing pixel coordinates that is not that of FHIR and DICOM.

    Parameters
    ----------
    name : str
        Stable, kebab-case.
    sentence : str
        What is assumed of the coordinates, to be read by a person after "as if".
    maps : callable
        From (rows, columns) of the image to the matrix, shape (2, 2), and the offset, shape (2,),
        that turn coordinates written so into (column, row) from the corner of the first pixel.
    """

    name: str
    sentence: str
    maps: Callable[[_Size], _Map]

    def read(self, shape: Shape, image_shape: tuple[int, int]) -> Shape:
        """Return a 2-D shape whose coordinates were written by this convention, in pixels.

        Parameters
        ----------
        shape : Shape
            In 2-D.
        image_shape : (int, int)
            Rows and columns of the image.

        Raises
        ------
        GeometryError
            On shapes in 3-D.

        Examples
        --------
        >>> from imageregion.shapes import Points
        >>> convention("normalized").read(Points([[0.5, 0.25]]), (200, 100)).coords.tolist()
        [[50.0, 50.0]]
        """
        if shape.dimension != 2:
            raise GeometryError("expected a shape in pixels, got one in mm")
        return shape.transform(*self.maps(image_shape))


def _moved(by: float) -> Callable[[_Size], _Map]:
    return lambda _: (np.eye(2), np.full(2, by))


def _scaled(whole: float) -> Callable[[_Size], _Map]:
    return lambda size: (np.diag([size[1] / whole, size[0] / whole]), np.zeros(2))


def _swapped(_: _Size) -> _Map:
    return np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2)


def _upwards(size: _Size) -> _Map:
    return np.diag([1.0, -1.0]), np.array([0.0, float(size[0])])


CONVENTIONS: tuple[Convention, ...] = (
    Convention("swapped", "rows and columns were swapped: (row, column)", _swapped),
    Convention("pixel-centers", "(0, 0) were the centre of the first pixel", _moved(CENTER)),
    Convention("one-based", "(1, 1) were the centre of the first pixel", _moved(-CENTER)),
    Convention("one-based-corners", "(1, 1) were the corner of the first pixel", _moved(-1.0)),
    Convention("normalized", "they were fractions of the image, from 0 to 1", _scaled(1.0)),
    Convention("percent", "they were percentages of the image, from 0 to 100", _scaled(100.0)),
    Convention("upwards", "rows were counted from the bottom of the image", _upwards),
)
"""Every convention that is looked for, the most common mistakes first."""


def convention(name: str) -> Convention:
    """Return the convention of a name.

    Raises
    ------
    GeometryError
        When there is none of that name.

    Examples
    --------
    >>> convention("swapped").sentence
    'rows and columns were swapped: (row, column)'
    """
    for one in CONVENTIONS:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in CONVENTIONS)
    raise GeometryError(f"expected one of {names}, got {name!r:.60}")
