"""Places of dose grids and nuclear medicine slices, in both forms and any orientation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from imageregion.dicom import Images, open_images
from imageregion.quantities import LinearMap

Make = Callable[..., Dataset]
Wheel = Callable[[str], Path]

A, B = np.radians(20), np.radians(35)
ROW = np.array([np.cos(A), np.sin(A), 0])
COLUMN = np.array([-np.sin(A) * np.cos(B), np.cos(A) * np.cos(B), np.sin(B)])
NORMAL = np.cross(ROW, COLUMN)
OBLIQUE = [*ROW, *COLUMN]
FIRST = np.array([-10.0, 20.0, 30.0])  # ImagePositionPatient of the phantom
CELLS = np.arange(72, dtype=np.uint16).reshape(3, 4, 6)


def origins(images: Images) -> list[list[float]]:
    """Origins in the order of frame numbers."""
    frames = sorted(images.frames, key=lambda frame: frame.number)
    return [frame.plane.origin.tolist() for frame in frames if frame.plane is not None]


# --- RT Dose -------------------------------------------------------------------------------------


def dose(make_slice: Make, offsets: list[float] | None, **changes: Any) -> Images:
    fields = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.2",
        "Modality": "RTDOSE",
        "PixelRepresentation": 0,
        "RescaleSlope": None,
        "RescaleIntercept": None,
        "SliceThickness": None,
        "DoseGridScaling": "0.25",
        "DoseUnits": "GY",
        "NumberOfFrames": 3,
        "GridFrameOffsetVector": offsets,
    }
    return open_images(make_slice(CELLS, **(fields | changes)))


@pytest.mark.parametrize("offsets", [[0, 2.5, 7], [0, -2.5, -7]])
def test_offsets_from_the_first_plane_follow_its_normal(
    make_slice: Make, offsets: list[float]
) -> None:
    images = dose(make_slice, offsets, ImageOrientationPatient=OBLIQUE)
    expected = [FIRST + offset * NORMAL for offset in offsets]
    np.testing.assert_allclose(origins(images), expected, atol=1e-9)
    for frame in images.frames:
        assert frame.plane is not None
        assert frame.plane.spacing == pytest.approx((2.0, 0.5), rel=1e-12)
        assert (frame.value_map, frame.unit) == (LinearMap(0.25, 0), "Gy")
        np.testing.assert_array_equal(frame.pixels, CELLS[frame.number - 1] * 0.25)
        assert frame.thickness == pytest.approx(3.5)  # the median of 2.5 and 4.5


def test_offsets_may_be_z_coordinates(make_slice: Make) -> None:
    images = dose(make_slice, [30.0, 27.5, 23.0])
    assert origins(images) == [[-10, 20, 30], [-10, 20, 27.5], [-10, 20, 23]]


def test_offsets_from_zero_at_z_zero_mean_the_same_either_way(make_slice: Make) -> None:
    images = dose(make_slice, [0, 2, 4], ImagePositionPatient=[1, 2, 0])
    assert origins(images) == [[1, 2, 0], [1, 2, 2], [1, 2, 4]]


@pytest.mark.parametrize(
    ("offsets", "changes", "reason"),
    [
        (None, {}, "expected 3 values"),
        ([0, 1], {}, "expected 3 values"),
        ([0, 1, 2, 3], {}, "expected 3 values"),
        ([0, 2, 2], {}, "only rise or only fall"),
        ([0, 2, 1], {}, "only rise or only fall"),
        ([5, 6, 7], {}, "expected to start with 0"),
        ([30, 31, 32], {"ImageOrientationPatient": OBLIQUE}, "expected to start with 0"),
        ([30, 31, 32], {"ImageOrientationPatient": [1, 0, 0, 0, -1, 0]}, "start with 0"),
        ([0, 1, 2], {"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "perpendicular"),
    ],
)
def test_offsets_that_make_no_sense_place_nothing(
    make_slice: Make, offsets: list[float] | None, changes: dict[str, Any], reason: str
) -> None:
    images = dose(make_slice, offsets, **changes)
    assert [frame.plane for frame in images.frames] == [None] * 3
    assert [issue.code for issue in images.issues] == ["no-plane"]
    assert reason in images.issues[0].message
    assert images.frames[1].pixels[0, 0] == 24 * 0.25


def test_a_dose_of_one_frame_needs_no_offsets(make_slice: Make) -> None:
    for offsets in (None, [0.0], [0.0, 2.0, 4.0]):
        images = dose(
            make_slice, offsets, NumberOfFrames=1, PixelSpacing=[2.0, 0.5], Rows=4, Columns=6
        )
        assert origins(images) == [[-10, 20, 30]]


def test_real_dose_of_one_frame(wheel: Wheel) -> None:
    images = open_images(wheel("rtdose_1frame.dcm"))
    assert images.issues == ()
    assert origins(images) == [[189.43125, 199.43125, -761.87]]


@pytest.mark.parametrize("name", ["rtdose.dcm", "rtdose_expb.dcm", "rtdose_rle.dcm"])
def test_real_dose(wheel: Wheel, name: str) -> None:
    images = open_images(wheel(name))
    dataset = dcmread(wheel(name))
    assert images.issues == ()
    z = [float(dataset.ImagePositionPatient[2]) + offset for offset in range(0, 75, 5)]
    assert [origin[2] for origin in origins(images)] == pytest.approx(z, abs=1e-9)
    for frame in images.frames:
        stored = dataset.pixel_array[frame.number - 1]
        expected = stored.astype(np.float64) * float(dataset.DoseGridScaling)
        np.testing.assert_array_equal(frame.pixels, expected)


# --- NM ------------------------------------------------------------------------------------------


def detector(**attributes: Any) -> Dataset:
    item = Dataset()
    fields = {"ImagePositionPatient": FIRST.tolist(), "ImageOrientationPatient": OBLIQUE}
    for name, value in (fields | attributes).items():
        if value is not None:
            setattr(item, name, value)
    return item


def nuclear(make_slice: Make, kind: str = "RECON TOMO", **changes: Any) -> Images:
    fields = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.20",
        "Modality": "NM",
        "ImageType": ["ORIGINAL", "PRIMARY", kind, "EMISSION"],
        "ImagePositionPatient": None,
        "ImageOrientationPatient": None,
        "PixelRepresentation": 0,
        "RescaleSlope": None,
        "RescaleIntercept": None,
        "NumberOfFrames": 3,
        "NumberOfSlices": 3,
        "SliceVector": [1, 2, 3],
        "SpacingBetweenSlices": -4.5,
        "DetectorInformationSequence": [detector()],
    }
    return open_images(make_slice(CELLS, **(fields | changes)))


@pytest.mark.parametrize("spacing", [4.5, -4.5])
def test_slices_are_stacked_along_the_normal_by_the_sign(make_slice: Make, spacing: float) -> None:
    images = nuclear(make_slice, SpacingBetweenSlices=spacing)
    assert images.issues == ()
    expected = [FIRST + n * spacing * NORMAL for n in range(3)]
    np.testing.assert_allclose(origins(images), expected, atol=1e-9)
    assert {frame.thickness for frame in images.frames} == {4.5}


def test_frames_follow_the_slice_vector(make_slice: Make) -> None:
    images = nuclear(make_slice, SliceVector=[3, 1, 2])
    expected = [FIRST - 4.5 * n * NORMAL for n in (2, 0, 1)]
    np.testing.assert_allclose(origins(images), expected, atol=1e-9)
    assert len(origins(nuclear(make_slice, SliceVector=None))) == 3  # in order, all slices


def test_gates_of_one_slice_lie_at_one_place(make_slice: Make) -> None:
    images = nuclear(
        make_slice,
        "RECON GATED TOMO",
        SliceVector=[1, 1, 2],
        TimeSlotVector=[1, 2, 1],
        RRIntervalVector=[1, 1, 1],
    )
    expected = [FIRST - 4.5 * n * NORMAL for n in (0, 0, 1)]
    np.testing.assert_allclose(origins(images), expected, atol=1e-9)
    frames = sorted(images.frames, key=lambda frame: frame.number)
    assert [dict(frame.dimensions)["TimeSlotVector"] for frame in frames] == ["1", "2", "1"]


@pytest.mark.parametrize("kind", ["STATIC", "WHOLE BODY", "DYNAMIC", "GATED", "TOMO"])
def test_planar_images_have_no_plane(make_slice: Make, kind: str) -> None:
    images = nuclear(make_slice, kind, DetectorVector=[1, 2, 1])
    assert origins(images) == []
    assert "no-plane" not in [issue.code for issue in images.issues]
    assert dict(images.frames[1].dimensions)["DetectorVector"] == "2"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SpacingBetweenSlices": None}, "SpacingBetweenSlices"),
        ({"SpacingBetweenSlices": 0}, "SpacingBetweenSlices"),
        ({"SliceVector": [1, 2]}, "SliceVector: expected 3 values"),
        ({"SliceVector": [0, 1, 2]}, "from 1"),
        ({"SliceVector": None, "NumberOfSlices": 5}, "SliceVector"),
        ({"DetectorInformationSequence": []}, "there is no position"),
        ({"DetectorInformationSequence": [detector(ImagePositionPatient=None)]}, "no position"),
        (
            {"DetectorInformationSequence": [detector(), detector(ImagePositionPatient=[0, 0, 0])]},
            "no position",
        ),
    ],
)
def test_reconstructions_without_a_sure_place_say_why(
    make_slice: Make, changes: dict[str, Any], reason: str
) -> None:
    images = nuclear(make_slice, **changes)
    assert origins(images) == []
    assert [issue.code for issue in images.issues if issue.code == "no-plane"] == ["no-plane"]
    assert reason in "".join(issue.message for issue in images.issues)


def test_a_vector_is_needed_where_gates_and_slices_mix(make_slice: Make) -> None:
    images = nuclear(make_slice, "RECON GATED TOMO", SliceVector=None)
    assert origins(images) == []
    assert "SliceVector" in images.issues[0].message


@pytest.mark.parametrize(
    "changes",
    [
        {"PixelSpacing": [1e300, 1e300]},
        {"PixelSpacing": [1e150, 1e150]},
        {"PixelSpacing": [1e-8, 1e-8]},
        {"PixelSpacing": [1e-300, 1e-300]},
        {"ImagePositionPatient": [0, 0, 1e300]},
    ],
)
def test_absurd_geometry_costs_its_image_the_plane_and_nothing_else(
    make_slice: Make, changes: dict[str, Any]
) -> None:
    good, bad = make_slice(), make_slice(SOPInstanceUID="1.2.3.1.2", **changes)
    images = open_images([good, bad])
    planes = {frame.instance: frame.plane for frame in images.frames}
    assert planes["1.2.3.1.1"] is not None
    assert planes["1.2.3.1.2"] is None
    assert "no-plane" in [issue.code for issue in images.issues]


def test_absurd_offsets_of_a_dose_cost_their_frames_only(make_slice: Make) -> None:
    images = dose(make_slice, [0, 2.5, 1e9])
    frames = sorted(images.frames, key=lambda frame: frame.number)
    assert [frame.plane is None for frame in frames] == [False, False, True]
    assert "no-plane" in [issue.code for issue in images.issues]
