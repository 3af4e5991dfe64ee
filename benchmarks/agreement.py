"""When two libraries agree. Each tolerance says what it allows for."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.inputs import FloatArray, Mask, Outline

Statistics = dict[str, float]

ON_AN_EDGE = 1e-6
"""Pixels. Rounding may put a centre that lies on an edge to within this on either side of it."""

BOUNDARY_INCLUSIVE = np.sqrt(0.5) + 0.5
"""Pixels. Rounding a vertex to a pixel centre moves it by up to sqrt(0.5); the drawn edge then
owns every pixel whose centre it passes at up to 0.5."""


def same_centres(given: Outline, mask: Mask, other: Mask) -> None:
    """Masks by the centre rule: equal, except where a centre lies exactly on an edge."""
    _differ_only_near_outline(given, mask, other, ON_AN_EDGE)


def same_up_to_the_boundary(given: Outline, mask: Mask, other: Mask) -> None:
    """Masks of rounded vertices with the boundary: every pixel that differs is on the outline."""
    _differ_only_near_outline(given, mask, other, BOUNDARY_INCLUSIVE)


def same_statistics(given: object, numbers: Statistics, other: Statistics) -> None:
    """Equal to rounding: 77,000 values summed in another order differ by a few parts in 1e16."""
    for name, value in other.items():
        assert np.isclose(value, numbers[name], rtol=1e-12, atol=0), (name, value, numbers[name])


def same_coordinates(given: object, ring: FloatArray, other: FloatArray) -> None:
    """Every coordinate is the double nearest to the decimal number in the text: no tolerance."""
    assert np.array_equal(ring, other), "coordinates differ"


def _differ_only_near_outline(given: Outline, mask: Mask, other: Mask, within: float) -> None:
    assert mask.shape == other.shape, (mask.shape, other.shape)
    row, column = np.nonzero(mask != other)
    centres = np.stack([column, row], axis=1).astype(np.float64) + 0.5
    distance = _distance_to_outline(given, centres)
    assert (distance <= within).all(), (
        f"{len(row)} pixels differ, the farthest {distance.max():.3f} pixels from the outline; "
        f"expected at most {within:.3g}"
    )


def _distance_to_outline(given: Outline, points: FloatArray) -> FloatArray:
    import shapely

    edges: Any = np.stack([given.xy, np.roll(given.xy, -1, axis=0)], axis=1)
    tree = shapely.STRtree(shapely.linestrings(edges))
    _, distance = tree.query_nearest(
        shapely.points(points), return_distance=True, all_matches=False
    )
    return np.asarray(distance, dtype=np.float64)
