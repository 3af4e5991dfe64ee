"""Affine maps of many points between the plane of an image and the patient.

Points and results are flat, so that the step from one to the next is known when this is compiled;
that makes it twice as fast. Each coordinate of a result is a sum over all coordinates of the point,
so it is finite only when all of them are: infinity times 0 is nan. One look at the result therefore
checks the input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from imageregion._kernels.compiled import kernel

__all__ = ["map_into_plane", "map_into_space"]


@kernel
def map_into_space(points: Any, matrix: Any, offset: Any, result: Any) -> bool:
    """Write matrix @ (u, v) + offset for u, v, u, v, ...; tell whether all of it is finite."""
    a, b, x = matrix[0, 0], matrix[0, 1], offset[0]
    c, d, y = matrix[1, 0], matrix[1, 1], offset[1]
    e, f, z = matrix[2, 0], matrix[2, 1], offset[2]
    finite = True
    for i in range(len(points) // 2):
        u, v = points[2 * i], points[2 * i + 1]
        first = a * u + b * v + x
        finite &= abs(first) < np.inf
        result[3 * i] = first
        result[3 * i + 1] = c * u + d * v + y
        result[3 * i + 2] = e * u + f * v + z
    return finite


@kernel
def map_into_plane(points: Any, matrix: Any, offset: Any, result: Any) -> bool:
    """Write matrix @ (u, v, w) + offset for u, v, w, u, ...; tell whether all of it is finite."""
    a, b, c, x = matrix[0, 0], matrix[0, 1], matrix[0, 2], offset[0]
    d, e, f, y = matrix[1, 0], matrix[1, 1], matrix[1, 2], offset[1]
    finite = True
    for i in range(len(points) // 3):
        u, v, w = points[3 * i], points[3 * i + 1], points[3 * i + 2]
        first = a * u + b * v + c * w + x
        finite &= abs(first) < np.inf
        result[2 * i] = first
        result[2 * i + 1] = d * u + e * v + f * w + y
    return finite
