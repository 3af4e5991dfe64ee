"""Other libraries measure the same coverage where they are right: simple polygons, round shapes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from imageregion import Ellipse, Polygon, rasterize

SIZE = (30, 40)


def outlines() -> list[np.ndarray[tuple[int, int], np.dtype[np.float64]]]:
    """Star-shaped rings inside the image, some with vertices and edges on pixel borders."""
    rng = np.random.default_rng(0)
    rings = []
    for count in (3, 4, 7, 30, 300):
        angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
        radius = rng.uniform(2, 12) * rng.uniform(0.6, 1, count)
        ring = np.stack([20 + radius * np.cos(angle), 15 + radius * np.sin(angle)], axis=1)
        rings += [ring, np.round(ring * 2) / 2] if count < 20 else [ring]
    return rings


def test_exactextract_agrees_on_simple_polygons() -> None:
    exactextract = pytest.importorskip("exactextract")
    rows, columns = SIZE
    raster = exactextract.raster.NumPyRasterSource(
        np.zeros(SIZE), xmin=0, ymin=-rows, xmax=columns, ymax=0
    )
    for ring in outlines():
        outline = [*(ring * (1, -1)).tolist(), (ring[0] * (1, -1)).tolist()]
        feature = {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [outline]},
        }
        found = exactextract.exact_extract(raster, feature, ["cell_id", "coverage"])[0]
        expected = np.zeros(rows * columns)
        expected[found["properties"]["cell_id"]] = found["properties"]["coverage"]
        coverage = rasterize(Polygon(ring), SIZE, "exact").to_coverage()
        # exactextract keeps coverage in single precision.
        np.testing.assert_allclose(coverage, expected.reshape(SIZE), rtol=0, atol=1e-6)


def test_regions_agrees_on_circles_and_ellipses() -> None:
    regions = pytest.importorskip("regions")
    units = pytest.importorskip("astropy.units")
    rng = np.random.default_rng(1)
    for _ in range(30):
        center, (a, b) = rng.uniform(8, 22, 2), rng.uniform(0.3, 9, 2)
        angle = rng.uniform(0, math.pi)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        # The centre of the first pixel is (0, 0) there and (0.5, 0.5) here.
        place = regions.PixCoord(*(center - 0.5))
        pairs = [
            (regions.CirclePixelRegion(place, a), Ellipse.circle(center, a)),
            (
                regions.EllipsePixelRegion(place, 2 * a, 2 * b, angle * units.rad),
                Ellipse(center, turn @ np.diag([a, b])),
            ),
        ]
        for region, ellipse in pairs:
            expected = region.to_mask(mode="exact").to_image(SIZE)
            coverage = rasterize(ellipse, SIZE, "exact").to_coverage()
            np.testing.assert_allclose(coverage, expected, rtol=0, atol=1e-9)
