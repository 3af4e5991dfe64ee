"""Outlines: nothing is lost along pixel edges, and contours are where the level is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from imageregion import Ellipse, GeometryError, Polygon, Spans, rasterize
from imageregion._arrays import FloatArray
from imageregion.convert.outlines import Connectivity, contour, outline

Mask = NDArray[np.bool_]
masks = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9)).filter(np.any)
connectivities: list[Connectivity] = [4, 8]


def area(ring: FloatArray) -> float:
    """Shoelace formula."""
    x, y = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def traced(mask: Mask, connectivity: Connectivity = 4) -> Polygon:
    found = outline(mask, connectivity)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("connectivity", "expected"),
    [
        (4, [[[0, 0], [1, 0], [1, 1], [0, 1]], [[1, 1], [2, 1], [2, 2], [1, 2]]]),
        (8, [[[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [1, 2], [1, 1], [0, 1]]]),
    ],
)
def test_two_pixels_that_share_a_corner(
    connectivity: Connectivity, expected: list[list[list[float]]]
) -> None:
    rings = traced(np.eye(2, dtype=bool), connectivity).rings
    assert [ring.tolist() for ring in rings] == expected


def test_a_ring_with_a_hole() -> None:
    mask = np.ones((3, 4), dtype=bool)
    mask[1, 1:3] = False
    outer, hole = traced(mask).rings
    assert outer.tolist() == [[0, 0], [4, 0], [4, 3], [0, 3]]
    assert hole.tolist() == [[3, 1], [1, 1], [1, 2], [3, 2]]
    assert (area(outer), area(hole)) == (12, -2)


@pytest.mark.parametrize("connectivity", connectivities)
@pytest.mark.parametrize("fill_rule", ["evenodd", "nonzero"])
@given(mask=masks)
def test_nothing_is_lost(connectivity: Connectivity, fill_rule: Any, mask: Mask) -> None:
    polygon = Polygon(traced(mask, connectivity).rings, fill_rule)
    spans = Spans.from_mask(mask)
    rows, columns = mask.shape
    for rule in ("center", "touched", "exact"):
        assert rasterize(polygon, (rows, columns), rule) == spans


@pytest.mark.parametrize("connectivity", connectivities)
@given(mask=masks)
def test_rings_are_the_parts_and_the_holes(connectivity: Connectivity, mask: Mask) -> None:
    edges, corners = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]), np.ones((3, 3))
    near, far = (edges, corners) if connectivity == 4 else (corners, edges)
    parts = ndimage.label(mask, near)[1]
    holes = ndimage.label(np.pad(~mask, 1, constant_values=True), far)[1] - 1
    areas = [area(ring) for ring in traced(mask, connectivity).rings]
    assert (sum(a > 0 for a in areas), sum(a < 0 for a in areas)) == (parts, holes)
    assert sum(areas) == mask.sum()


@pytest.mark.parametrize("connectivity", connectivities)
@given(mask=masks)
def test_every_vertex_is_a_corner_and_every_edge_a_border(
    connectivity: Connectivity, mask: Mask
) -> None:
    wide = np.pad(mask, 1)
    length = 0.0
    for ring in traced(mask, connectivity).rings:
        steps = np.roll(ring, -1, axis=0) - ring
        assert ((steps != 0).sum(axis=1) == 1).all()
        assert ((steps != 0) != (np.roll(steps, 1, axis=0) != 0)).all()
        length += np.abs(steps).sum()
    borders = (wide[1:] != wide[:-1]).sum() + (wide[:, 1:] != wide[:, :-1]).sum()
    assert length == borders


def test_regions_without_pixels_have_no_outline() -> None:
    assert outline(np.zeros((3, 4), dtype=bool)) is None
    assert outline(Spans.empty((0, 0))) is None
    assert contour(Spans.empty((3, 4))) is None
    assert contour(np.zeros((3, 4))) is None
    assert contour(np.full((3, 4), 0.25)) is None


def test_what_has_no_outline() -> None:
    for trace in (outline, contour):
        with pytest.raises(GeometryError, match="connectivity: expected 4 or 8"):
            trace(np.ones((2, 2), dtype=bool), connectivity=6)  # type: ignore[arg-type]
        with pytest.raises(GeometryError, match="one plane at a time"):
            trace(Spans.full((2, 3, 4)))
    with pytest.raises(GeometryError, match=r"imageregion\.contour"):
        outline(Spans([0], [0], [1], [0.5], (1, 1)))
    with pytest.raises(GeometryError, match="expected booleans"):
        outline(np.ones((2, 2)))
    for image in (np.ones(3), np.full((2, 2), np.nan), np.full((2, 2), "a")):
        with pytest.raises(GeometryError, match="contour: expected finite numbers"):
            contour(image)
    for level in (0, -1, np.nan, np.inf):
        with pytest.raises(GeometryError, match="level: expected a finite number above 0"):
            contour(np.ones((2, 2)), level)


@given(masks, st.sampled_from(connectivities))
def test_contours_of_masks_run_half_way_between_centres(
    mask: Mask, connectivity: Connectivity
) -> None:
    """Each vertex lies on the line between the centres of a pixel inside and one outside."""
    polygon = contour(mask, connectivity=connectivity)
    assert polygon is not None
    wide = np.pad(mask, 1)
    vertices = np.concatenate(polygon.rings)
    for column, row in vertices:
        low = np.floor([row + 0.5, column + 0.5]).astype(int)  # centres around it, padded by one
        high = np.ceil([row + 0.5, column + 0.5]).astype(int)
        assert wide[tuple(low)] != wide[tuple(high)]
        assert sorted((high - low).tolist()) == [0, 1]
    borders = (wide[1:] != wide[:-1]).sum() + (wide[:, 1:] != wide[:, :-1]).sum()
    assert len(np.unique(vertices, axis=0)) == borders


@given(masks)
def test_contours_know_spans_and_arrays_alike(mask: Mask) -> None:
    for region in (Spans.from_mask(mask), mask.astype(np.uint8), mask * 1.0):
        mine, theirs = contour(region), contour(mask)
        assert mine is not None and theirs is not None
        for a, b in zip(mine.rings, theirs.rings, strict=True):
            np.testing.assert_array_equal(a, b)


def test_contours_of_coverage_find_the_circle_again() -> None:
    """Linear interpolation of exact coverage is off by a small part of a pixel.

    Coverage of a pixel whose centre is d outside a straight edge is 0.5 - d for an edge along the
    pixels and less than 0.1 pixels from that for any direction; curvature adds 1 / (8 r).
    """
    center, radius = np.array([20.3, 17.8]), 12.0
    spans = rasterize(Ellipse.circle(center, radius), (40, 45), "exact")
    polygon = contour(spans)
    assert polygon is not None
    (ring,) = polygon.rings
    off = np.linalg.norm(ring - center, axis=1) - radius
    assert np.abs(off).max() < 0.1
    assert abs(off.mean()) < 0.02


def test_contours_exactly_at_the_level_of_a_pixel_are_rings() -> None:
    image = np.array([[0.5, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 0.5]])
    polygon = contour(image)
    assert polygon is not None
    for ring in polygon.rings:
        assert (ring != np.roll(ring, 1, axis=0)).any(axis=1).all()
