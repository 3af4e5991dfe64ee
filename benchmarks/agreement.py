"""When two libraries agree. Each tolerance says what it allows for."""

from __future__ import annotations

from typing import Any

import numpy as np

import imageregion as ir
from benchmarks.inputs import Circles, FloatArray, Mask, Outline

__all__ = [
    "Statistics",
    "same_apertures",
    "same_centres",
    "same_coordinates",
    "same_coverage",
    "same_statistics",
    "same_sum",
    "same_sums",
    "same_tables",
    "same_up_to_the_boundary",
    "same_weighted_mean",
]

Statistics = dict[str, float]

ON_AN_EDGE = 1e-6
"""Pixels. Rounding may put a centre that lies on an edge to within this on either side of it."""

BOUNDARY_INCLUSIVE = np.sqrt(0.5) + 0.5
"""Pixels. Rounding a vertex to a pixel centre moves it by up to sqrt(0.5); the drawn edge then
owns every pixel whose centre it passes at up to 0.5."""

SINGLE = 2e-7
"""Share of a pixel. exactextract keeps coverage as a 32-bit float, which is half this off."""

MEAN = 1e-6
"""Of the value unit, relative above 1. What 32-bit coverage does to means and sums."""


def same_centres(given: Outline, mask: Mask, other: Mask) -> None:
    """Masks by the centre rule: equal, except where a centre lies exactly on an edge."""
    _differ_only_near_outline(given, mask, other, ON_AN_EDGE)


def same_up_to_the_boundary(given: Outline, mask: Mask, other: Mask) -> None:
    """Masks of rounded vertices with the boundary: every pixel that differs is on the outline."""
    _differ_only_near_outline(given, mask, other, BOUNDARY_INCLUSIVE)


def same_statistics(given: object, numbers: Statistics, other: Statistics) -> None:
    """Equal to rounding: millions of values summed in another order differ by parts in 1e13."""
    for name, value in other.items():
        assert np.isclose(value, numbers[name], rtol=1e-12, atol=0), (name, value, numbers[name])


def same_sum(given: object, numbers: Statistics, other: float) -> None:
    """The sum of integers is exact; it comes back as count x mean, rounded twice."""
    assert np.isclose(other, numbers["count"] * numbers["mean"], rtol=1e-14, atol=0)


def same_weighted_mean(given: object, numbers: Statistics, other: Statistics) -> None:
    """Equal up to coverage of 32 bits."""
    for name, value in other.items():
        assert np.isclose(value, numbers[name], rtol=MEAN, atol=MEAN), (name, value, numbers[name])


def same_coverage(given: object, coverage: FloatArray, other: Any) -> None:
    """The same image, given whole or as (index of pixel, coverage); equal up to 32 bits."""
    if isinstance(other, tuple):
        index, covered = other
        other = np.zeros(coverage.size)
        other[index] = covered
    off = np.abs(coverage.reshape(-1) - other.reshape(-1)).max()
    assert off <= SINGLE, off


def same_tables(given: object, table: dict[str, Any], other: dict[str, Any]) -> None:
    """Region by region, as many as `other` has; equal up to coverage of 32 bits."""
    for name, theirs in other.items():
        mine = np.asarray(table[name])[: len(theirs)]
        np.testing.assert_allclose(theirs, mine, rtol=MEAN, atol=MEAN, err_msg=name)


def same_sums(given: object, table: dict[str, Any], other: FloatArray) -> None:
    """Sums of integers by exact coverage: the areas agree to a few parts in 1e12."""
    np.testing.assert_allclose(other, table["sum"], rtol=1e-9, atol=1e-6)


def same_apertures(given: Circles, table: dict[str, Any], other: dict[str, Any]) -> None:
    """Sum and area are exact; everything else is of pixel centres, so that is asked for, too."""

    np.testing.assert_allclose(np.asarray(other["sum_aper_area"]), table["weight"], rtol=1e-9)
    same_sums(given, table, other["sum"])
    centres = ir.summarize_many(ir.rasterize_many(given.shapes, given.pixels.shape), given.pixels)
    for name in ("mean", "std", "min", "max", "median"):
        np.testing.assert_allclose(other[name], centres[name], rtol=1e-12, err_msg=name)


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
