"""The plane of an image: check vectors, round trips, and the order of PixelSpacing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from imageregion import (
    DicomError,
    Ellipse,
    Ellipsoid,
    GeometryError,
    Plane,
    Points,
    Polygon,
    Polyline,
    shape_metrics,
)

# Millimetre coordinates reach 1e3; a double there has steps of 1e-13, and a map uses about ten.
MM = 1e-9


def image_header(**changes: object) -> Dataset:
    header = Dataset()
    header.SOPInstanceUID = "1.2.3"
    header.Rows, header.Columns = 20, 30
    header.ImagePositionPatient = [56.0, 34.2, 1.0]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    header.PixelSpacing = [0.5, 0.5]
    for keyword, value in changes.items():
        if value is None:
            del header[keyword]
        else:
            setattr(header, keyword, value)
    return header


@pytest.mark.parametrize(
    ("pixel", "patient"),
    [((0, 10), (55.75, 38.95, 1.0)), ((5, 5), (58.25, 36.45, 1.0))],
)
def test_check_vectors_of_the_corner_convention(
    pixel: tuple[float, float], patient: tuple[float, float, float]
) -> None:
    plane = Plane.from_dicom(image_header())
    np.testing.assert_allclose(plane.to_patient([pixel])[0], patient, atol=MM)
    np.testing.assert_allclose(plane.to_pixel([patient])[0], pixel, atol=MM)


@pytest.mark.parametrize(
    ("index", "patient"), [((0, 10), (56.0, 39.2, 1.0)), ((5, 5), (58.5, 36.7, 1.0))]
)
def test_pixel_centres_are_half_a_pixel_further(
    index: tuple[int, int], patient: tuple[float, float, float]
) -> None:
    plane = Plane.from_dicom(image_header())
    centre = np.array([index]) + 0.5
    np.testing.assert_allclose(plane.to_patient(centre)[0], patient, atol=MM)


def test_first_value_of_pixel_spacing_is_between_rows() -> None:
    plane = Plane.from_dicom(image_header(PixelSpacing=[2.0, 0.5]))
    assert plane.spacing == (2.0, 0.5)
    step = plane.to_patient([[1, 0], [0, 1]]) - plane.to_patient([[0, 0]])
    np.testing.assert_allclose(step, [[0.5, 0, 0], [0, 2.0, 0]], atol=MM)
    assert plane.pixel_area == pytest.approx(1.0)


def test_image_position_is_the_centre_of_the_first_pixel(plane: Plane) -> None:
    np.testing.assert_allclose(plane.to_patient([[0.5, 0.5]])[0], plane.origin, atol=MM)


coordinate = st.floats(-500, 500)


@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=20), st.data())
def test_round_trip_through_the_patient(
    points: list[tuple[float, float]], data: st.DataObject
) -> None:
    angles = data.draw(st.tuples(*[st.floats(-3.2, 3.2)] * 3))
    row_spacing, column_spacing = data.draw(st.tuples(st.floats(0.05, 9), st.floats(0.05, 9)))
    rotation = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        rotation = rotation @ turn
    axes = rotation[:, :2] * [column_spacing, row_spacing]
    plane = Plane((8, 9), data.draw(st.tuples(*[st.floats(-2000, 2000)] * 3)), axes)
    # mm errors of 1e-12 divided by the smallest spacing of 0.05 mm, with room for ten operations
    np.testing.assert_allclose(plane.to_pixel(plane.to_patient(points)), points, atol=1e-9)
    np.testing.assert_allclose(plane.distance(plane.to_patient(points)), 0, atol=1e-9)


@pytest.mark.parametrize(
    "shape",
    [
        Points([[3.0, 4.0], [50.5, 20.0]]),
        Polyline([[0, 0], [10, 3], [12, 30]]),
        Polygon([[[1, 1], [9, 1], [9, 8]], [[2, 2], [4, 2], [4, 3]]]),
        Ellipse.circle((20, 10), 6),
        Ellipse((20, 10), [[3, 1], [-2, 5]]),
    ],
    ids=lambda shape: type(shape).__name__,
)
def test_every_flat_shape_goes_there_and_back(plane: Plane, shape: Points) -> None:
    there = plane.to_patient(shape)
    assert there.dimension == 3
    assert type(there) is type(shape)
    back = plane.to_pixel(there)
    np.testing.assert_allclose(back.bounds, shape.bounds, atol=MM)


def test_a_circle_on_anisotropic_pixels_becomes_the_right_ellipse(plane: Plane) -> None:
    there = plane.to_patient(Ellipse.circle((30, 20), 10))
    lengths = np.linalg.svd(there.axes, compute_uv=False)
    np.testing.assert_allclose(lengths, [20.0, 5.0], atol=MM)
    assert shape_metrics(there).area == pytest.approx(np.pi * 100)


def test_distance_is_signed_along_the_normal(plane: Plane) -> None:
    point = plane.to_patient([[7, 9]]) + 3.5 * plane.normal
    assert plane.distance(point)[0] == pytest.approx(3.5)
    np.testing.assert_allclose(plane.to_pixel(point), [[7, 9]], atol=MM)


def test_an_ellipsoid_has_no_projection(plane: Plane) -> None:
    with pytest.raises(GeometryError, match="cut it"):
        plane.to_pixel(Ellipsoid([0, 0, 0], np.eye(3)))


def test_dimensions_are_not_mixed_up(plane: Plane) -> None:
    with pytest.raises(GeometryError, match="expected 3-D"):
        plane.to_pixel(Points([[1, 2]]))
    with pytest.raises(GeometryError, match=r"expected shape \(N, 2\)"):
        plane.to_patient([[1, 2, 3]])


def test_direction_cosines_of_few_digits_are_taken_as_directions() -> None:
    """Their length is rounding, the spacing is exact."""
    tilted = [0.9992, 0, 0, 0, 1, 0]
    plane = Plane.from_dicom(image_header(ImageOrientationPatient=tilted, PixelSpacing=[2, 0.5]))
    assert plane.spacing == pytest.approx((2.0, 0.5), rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PixelSpacing": None}, "PixelSpacing: expected 2 numbers, the attribute is absent"),
        ({"PixelSpacing": [0.0, 1.0]}, "PixelSpacing: expected positive"),
        ({"ImagePositionPatient": [1, 2]}, "ImagePositionPatient: expected 3"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "perpendicular"),
        ({"ImageOrientationPatient": [2, 0, 0, 0, 1, 0]}, "unit vectors"),
        ({"Rows": 0}, "Rows, Columns"),
        ({"Columns": None}, "Rows, Columns"),
    ],
)
def test_malformed_headers_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DicomError, match=rf"^1\.2\.3: .*{message}"):
        Plane.from_dicom(image_header(**changes))
