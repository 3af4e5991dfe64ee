"""Grid: whether a stack of planes is a regular grid of voxels, and if not, why.

The Gantry/Detector Tilt of a header is "not intended for mathematical computations" (DICOM PS3.3
C.8.2.1): the origins of the planes tell how they really lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.plane import Plane
from imageregion.stack import ROUNDING, Stack, pixel_size

__all__ = ["crowded", "image_sizes", "obstacles", "shear", "tilt"]

_EVEN = 0.01  # of the spacing: positions may be so far from even
_TILTED = 1e-3  # mm sideways for each mm along the normal, 0.06 degrees
_LISTED = 5


def shear(stack: Stack) -> tuple[float, float]:
    """Return the shift of the origins for each mm along the normal: along rows, along columns.

    Examples
    --------
    >>> across = [[1, 0], [0, 1], [0, 0]]
    >>> planes = [Plane((4, 4), [0, z / 4, z], across) for z in (0, 4, 8)]
    >>> shear(Stack(planes))
    (0.0, 0.25)
    """
    position = stack.positions - stack.positions[0]
    if len(stack.first) < 2:
        return 0.0, 0.0
    across, down = (position @ _shifts(stack) / (position @ position)).tolist()
    return float(across), float(down)


def tilt(stack: Stack) -> float:
    """Return the angle between the normal and the line through the origins, degrees, signed."""
    across, down = shear(stack)
    return float(np.copysign(np.degrees(np.arctan(np.hypot(across, down))), down or across))


def _shifts(stack: Stack) -> FloatArray:
    """Shift of every origin against the first, mm along rows and along columns."""
    origins = np.array([plane.origin for plane in stack.planes])
    axes = stack.planes[0].axes / np.linalg.norm(stack.planes[0].axes, axis=0)
    return np.asarray((origins - origins[0]) @ axes)


def obstacles(stack: Stack, names: Sequence[str]) -> Iterator[str]:
    """Say what stands against a regular grid, the root of it first.

    Parameters
    ----------
    stack : Stack
    names : sequence of str
        Of each plane, for messages.
    """
    if len(stack.planes) == 1:
        yield "not a volume: a single image has no distance to the next"
        return
    if len(stack.first) == 1:
        yield f"not a volume: {crowded(stack, names, 0)}"
    elif len(stack.first) < len(stack.planes):
        yield crowded(stack, names, int(np.argmax(np.bincount(stack.number) > 1)))
    directions = np.array([p.axes / np.linalg.norm(p.axes, axis=0) for p in stack.planes])
    if np.abs(directions - directions[0]).max() > _TILTED:
        yield "images of several orientations: they are turned against each other in their plane"
    if len(sizes := image_sizes(stack.planes)) > 1:
        yield f"images of several sizes: {', '.join(sizes)}"
    yield from _leaning(stack)
    yield from _uneven(stack)


def _leaning(stack: Stack) -> Iterator[str]:
    across, down = shear(stack)
    shifts = _shifts(stack)
    drift = shifts - np.outer(stack.positions - stack.positions[0], (across, down))
    if np.abs(drift).max() > ROUNDING + _EVEN * min(stack.planes[0].spacing):
        far = float(np.ptp(shifts, axis=0).max())
        yield f"the images are shifted against each other by up to {far:.3g} mm"
    if abs(across) > _TILTED or abs(down) > _TILTED:
        kind = "gantry tilt" if abs(across) <= _TILTED else "shear"
        yield f"{kind} of {abs(tilt(stack)):.1f} degrees"


def _uneven(stack: Stack) -> Iterator[str]:
    position, gaps = stack.positions[stack.first], stack.gaps
    wrong = np.abs(position - np.linspace(position[0], position[-1], len(position))).max()
    if wrong > max(ROUNDING, _EVEN * float(np.median(gaps))):
        where = np.flatnonzero(stack.missing)[:_LISTED]
        absent = ", ".join(f"{position[i]:.6g} and {position[i + 1]:.6g} mm" for i in where)
        yield f"uneven spacing: gaps from {gaps.min():.4g} to {gaps.max():.4g} mm" + (
            f"; slices are missing between {absent}" if absent else ""
        )


def crowded(stack: Stack, names: Sequence[str], number: int) -> str:
    """Say which planes share a position, by its number."""
    here = np.flatnonzero(stack.number == number)
    listed = ", ".join(names[i] for i in here[:_LISTED])
    more = f" and {len(here) - _LISTED} more" if len(here) > _LISTED else ""
    return f"several images at one position, {stack.positions[here[0]]:.6g} mm: {listed}{more}"


def image_sizes(planes: Sequence[Plane]) -> tuple[str, ...]:
    """Say which sizes the images have, each once."""
    each = (f"{p.shape[0]} x {p.shape[1]} pixels of {pixel_size(p)}" for p in planes)
    return tuple(dict.fromkeys(each))
