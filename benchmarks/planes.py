"""From pixels of an image to millimetres of the patient, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import imageregion as ir
from benchmarks.inputs import FloatArray
from benchmarks.task import REFERENCE, Library, Task

__all__ = ["BACK", "FORTH", "PLANES", "Placed", "oblique"]

SERIES = "points between image and patient"
POSITION = (-110.0, 84.5, 35.25)
SPACING = (2.0, 0.5)  # between rows, between columns

ROUNDING = 1e-9
"""mm and pixels. Coordinates reach 2,000 and are sums of few products, which float64 rounds to
within 1e-12 of each other in whatever order; highdicom inverts a 4 x 4 matrix on top of that."""


@dataclass(frozen=True)
class Placed:
    """Points on one oblique image: (column, row) in pixels, and (x, y, z) in mm."""

    position: tuple[float, ...]
    orientation: tuple[float, ...]
    points: FloatArray
    in_patient: bool

    @property
    def axes(self) -> FloatArray:
        along = np.reshape(self.orientation, (2, 3)).T
        return np.asarray(along * (SPACING[1], SPACING[0]))

    @property
    def plane(self) -> ir.Plane:
        return ir.Plane((2_048, 2_048), self.position, self.axes)


def oblique(count: int = 1_000_000, in_patient: bool = False) -> Placed:
    """Points all over an image turned about two axes, pixels 2.0 mm high and 0.5 mm wide."""
    a, b = np.radians(20), np.radians(35)
    row = (np.cos(a), np.sin(a), 0.0)
    column = (-np.sin(a) * np.cos(b), np.cos(a) * np.cos(b), np.sin(b))
    points = np.random.default_rng(1).uniform(0, 2_048, (count, 2))
    if in_patient:
        corner = np.array(POSITION) - 0.5 * SPACING[1] * np.array(row)
        corner -= 0.5 * SPACING[0] * np.array(column)
        steps = np.array([np.multiply(row, SPACING[1]), np.multiply(column, SPACING[0])])
        points = points @ steps + corner
    return Placed(POSITION, (*row, *column), points, in_patient)


def map_imageregion(given: Placed) -> FloatArray:
    plane = given.plane
    return plane.to_pixel(given.points) if given.in_patient else plane.to_patient(given.points)


def transformer(given: Placed) -> tuple[Callable[[Any], Any], FloatArray]:
    from highdicom import spatial

    kind = (
        spatial.ReferenceToImageTransformer
        if given.in_patient
        else spatial.ImageToReferenceTransformer
    )
    made: Any = kind(
        image_position=given.position,
        image_orientation=given.orientation,
        pixel_spacing=SPACING,
    )
    return made, given.points


def map_highdicom(prepared: tuple[Callable[[Any], Any], FloatArray]) -> Any:
    apply, points = prepared
    return apply(points)


def map_numpy(given: Placed) -> Any:
    """What one line of numpy takes, without a look at what it is given."""
    if given.in_patient:
        inverse = np.linalg.pinv(given.axes)
        return (given.points - given.position) @ inverse.T + 0.5
    return (given.points - 0.5) @ given.axes.T + given.position


def same_points(given: Placed, mine: Any, theirs: Any) -> None:
    width = 2 if given.in_patient else 3  # highdicom adds how far a point is from the plane
    np.testing.assert_allclose(np.asarray(theirs)[:, :width], mine, rtol=0, atol=ROUNDING)


PLANES: dict[str, Library] = {
    REFERENCE: Library(map_imageregion, "imageregion", same_points),
    "highdicom": Library(map_highdicom, "highdicom", same_points, prepare=transformer),
    "numpy, one line": Library(map_numpy, "numpy", same_points),
}

ABOUT = (
    "A million points between pixels and millimetres of the patient, on an oblique image. "
    "imageregion refuses numbers that are not finite, the others pass them on; highdicom tells "
    "the distance from the plane along with the pixels."
)

FORTH = Task(oblique, PLANES, ABOUT, series=SERIES)
BACK = Task(partial(oblique, in_patient=True), PLANES, ABOUT, series=SERIES)
