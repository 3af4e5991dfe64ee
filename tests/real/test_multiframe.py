"""Real multi-frame objects: places and values against answers by others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file

from imageregion.dicom import Images, open_images
from imageregion.frame import Frame


def by_number(images: Images) -> list[Frame]:
    return sorted(images.frames, key=lambda frame: frame.number)


def test_values_at_patient_positions_are_those_of_the_nifti(shared_data: Path) -> None:
    folder = shared_data / "geometry_nifti" / "philips_enhanced" / "anatomical"
    images = open_images(folder / "001")
    truth: Any = nibabel.load(folder / "001_ground_truth.nii.gz")
    values = np.asarray(truth.dataobj)[..., 0]
    to_voxel = np.linalg.inv(truth.affine)
    random = np.random.default_rng(4)
    assert images.issues == ()
    for _ in range(1000):
        frame = images.frames[random.integers(len(images.frames))]
        row, column = random.integers(frame.shape[0]), random.integers(frame.shape[1])
        assert frame.plane is not None
        x, y, z = frame.plane.to_patient([[column + 0.5, row + 0.5]])[0]
        voxel = (to_voxel @ [-x, -y, z, 1])[:3]
        np.testing.assert_allclose(voxel, np.rint(voxel), atol=1e-3)  # the NIfTI is float32
        found = values[tuple(np.rint(voxel).astype(int))]
        assert frame.pixels[row, column] == pytest.approx(found, rel=1e-6)


def test_anisotropic_frames_stand_in_order_of_position(shared_data: Path) -> None:
    images = open_images(shared_data / "multiframe_misc" / "mr_brucker.dcm")
    assert images.issues == ()
    for index, frame in enumerate(by_number(images)):
        assert frame.plane is not None
        np.testing.assert_allclose(frame.plane.origin, [-14, -9.6, -6.2 + index], atol=1e-9)
        assert frame.plane.spacing == pytest.approx((0.2, 0.1))
        dimensions = dict(frame.dimensions)
        assert (dimensions["TemporalPositionIndex"], dimensions["EffectiveEchoTime"]) == (
            *("1", "2.3652"),
        )


def test_frames_stored_from_top_to_bottom(shared_data: Path) -> None:
    images = open_images(shared_data / "pydicom_data_sel" / "eCT_Supplemental.dcm")
    frames = by_number(images)
    origins = [frame.plane.origin.tolist() for frame in frames if frame.plane is not None]
    assert origins == [[99.5, -301.5, -159], [99.5, -301.5, -149]]
    assert {frame.unit for frame in frames} == {"ml/100ml/s"}


def test_enhanced_image_whose_groups_were_removed(shared_data: Path) -> None:
    images = open_images(shared_data / "pydicom_data_sel" / "emri_small.dcm")
    assert [frame.plane for frame in images.frames] == [None] * 10
    assert [issue.code for issue in images.issues] == ["functional-groups"]


@pytest.mark.parametrize("name", ["parametric_map_float.dcm", "parametric_map_double_float.dcm"])
def test_parametric_maps(shared_data: Path, name: str) -> None:
    path = shared_data / "pydicom_data_sel" / name
    (frame,) = open_images(path).frames
    dataset = dcmread(path)
    assert frame.plane is not None
    assert frame.plane.origin.tolist() == [-158.135803, -179.035797, -75.699997]
    assert frame.plane.spacing == pytest.approx((0.661468, 0.661468))
    np.testing.assert_array_equal(frame.stored, dataset.pixel_array)


@pytest.mark.parametrize("size", ["23x38x3", "24x38x3"])
def test_legacy_converted(shared_data: Path, size: str) -> None:
    path = shared_data / "liver_ct3" / f"bitpack_{size}" / "multiframe" / "mf.dcm"
    frames = by_number(open_images(path))
    z = [frame.plane.origin[2] for frame in frames if frame.plane is not None]
    assert z == [-177.75, -175.25, -172.75]
    stored = dcmread(path).pixel_array
    for frame in frames:
        np.testing.assert_array_equal(frame.stored, stored[frame.number - 1])


def test_planes_are_those_of_highdicom(shared_data: Path) -> None:
    highdicom = pytest.importorskip("highdicom")
    paths = [
        shared_data / "multiframe_misc" / "mr_brucker.dcm",
        shared_data / "pydicom_data_sel" / "eCT_Supplemental.dcm",
        shared_data / "pydicom_data_sel" / "parametric_map_float.dcm",
    ]
    for path in paths:
        dataset = dcmread(path)
        for frame in open_images(path).frames:
            transform = highdicom.spatial.ImageToReferenceTransformer.for_image(
                dataset, frame_number=frame.number
            )
            points = np.array([[0.0, 0.0], [3.25, 100.5], [128.0, 7.0]])
            assert frame.plane is not None
            np.testing.assert_allclose(frame.plane.to_patient(points), transform(points), atol=1e-6)


def test_real_cine_has_neither_planes_nor_grey_values() -> None:
    path = get_testdata_file("examples_ybr_color.dcm", download=False)
    assert isinstance(path, str)
    images = open_images(path)
    assert len(images) == 30
    assert {(frame.plane, frame.channels, frame.lossy) for frame in images.frames} == {
        (None, ("red", "green", "blue"), True)
    }
