"""Volumes of real series: values against NIfTI made by others, and series that are no volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

import imageregion as ir
from imageregion.errors import PlacementError

nibabel = pytest.importorskip("nibabel")

GOOD = [
    "generic/anatomical/001",
    "generic/anatomical/002_non_isotropic",
    "generic/compressed_jpegls/001",
    "generic/compressed_rle/001",
    "philips_enhanced/anatomical/001",
    "siemens/anatomical/001",
]


@pytest.mark.parametrize("name", GOOD)
def test_values_at_patient_positions_equal_the_nifti(shared_data: Path, name: str) -> None:
    """NIfTI is x to the right and y to the front (RAS), DICOM to the left and to the back."""
    folder = shared_data / "geometry_nifti" / name
    truth = nibabel.load(f"{folder}_ground_truth.nii.gz")
    values = np.asarray(truth.dataobj, dtype=np.float64)
    values = values.reshape(values.shape[:3])  # one has a time axis of length 1
    volume = ir.open_images(folder).volume()

    assert volume.why_not is None
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    inverse = np.linalg.inv(flip @ truth.affine)
    random = np.random.default_rng(7)
    # Positions inside the voxels as the NIfTI has them, a little away from the borders between
    # them: the two affines agree to 1e-4 mm only, because NIfTI stores float32.
    voxel = np.array(values.shape) * random.random((1000, 3)) - 0.5
    voxel += np.where(np.abs(voxel % 1 - 0.5) < 1e-3, 2e-3, 0)
    points = (flip @ truth.affine @ np.column_stack([voxel, np.ones(1000)]).T).T[:, :3]

    index = np.rint((inverse @ np.column_stack([points, np.ones(1000)]).T).T[:, :3]).astype(int)
    index = np.clip(index, 0, np.array(values.shape) - 1)
    expected = values[tuple(index.T)]
    assert len(np.unique(expected)) > 30
    # One NIfTI was written with values rounded to float32, all others hold the values themselves.
    rounding = 2.0**-23 if truth.get_data_dtype() == np.float32 else 0.0
    np.testing.assert_allclose(volume.sample(points), expected, rtol=rounding)

    # The affine and the array tell the same, voxel by voxel.
    column, row, number = volume.locate_points(points).T
    np.testing.assert_allclose(volume.to_array()[number, row, column], expected, rtol=rounding)
    inside = np.linalg.inv(volume.affine) @ np.column_stack([points, np.ones(1000)]).T
    assert np.abs(inside[:3] - np.stack([column, row, number])).max() < 0.5 + 1e-3
    far = volume.affine @ [-1.0, 0, 0, 1]
    assert np.isnan(volume.sample(far[None, :3])).all()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gantrytilting", r"^gantry tilt of 14\.0 degrees$"),
        (
            "sliceincrement",
            r"^uneven spacing: gaps from 5 to 10 mm; slices are missing between 28\.1075 and "
            r"38\.1075 mm$",
        ),
    ],
)
def test_what_is_no_regular_volume_says_why(shared_data: Path, name: str, reason: str) -> None:
    volume = ir.open_images(shared_data / "geometry_nifti" / "failing" / name).volume()
    assert not volume.is_regular
    with pytest.raises(PlacementError, match=reason):
        _ = volume.affine
    assert len(volume) == 4  # it is still there, as it is


def test_a_tilted_gantry_is_sampled_where_its_images_are(shared_data: Path) -> None:
    images = ir.open_images(shared_data / "geometry_nifti" / "failing" / "gantrytilting")
    volume = images.volume()
    # (0, sin 14, cos 14) is the normal; the table moved along z by 5 mm.
    assert volume.tilt == pytest.approx(-14.0, abs=0.01)  # 0.2419218955997 is sin 14 to 1e-13
    assert volume.gaps == pytest.approx([5 * 0.970295726276] * 3)
    for index, frame in enumerate(volume.frames):
        assert frame.plane is not None
        pixels = [[100.5, 200.5], [400.2, 7.9]]
        points = frame.plane.to_patient(pixels)
        assert volume.sample(points).tolist() == [frame.pixels[200, 100], frame.pixels[7, 400]]
        assert volume.locate_points(points)[:, 2].tolist() == [index, index]


def test_images_of_one_position_are_no_volume(shared_data: Path) -> None:
    """Contrast monitoring: four acquisitions of one slice."""
    images = ir.open_images(shared_data / "geometry_nifti" / "failing" / "notavolume")
    reason = r"^not a volume: several images at one position, .* AcquisitionNumber 12, 13, 14, 15;"
    with pytest.raises(PlacementError, match=reason):
        images.volume()
    volumes = images.volumes()
    assert len(volumes) == 4
    for volume in volumes:
        with pytest.raises(PlacementError, match="not a volume: a single image"):
            _ = volume.affine


def test_draw_on_ct_measure_on_pet(shared_data: Path) -> None:
    """A disc on every CT slice of a PET/CT, against pydicom and the equation of PS3.3 C.7.6.2.1.1.

    The PET of this patient is in SUV (Units GML), axial like the CT, with pixels 4 times as wide.
    """
    folder = shared_data / "ibsi_sts" / "dicom" / "STS_025"
    images = ir.open_images([folder / "CT" / "image", folder / "PET" / "image"])
    (ct,) = (uid for uid in images.series if images.of_series(uid)[0].modality == "CT")
    slices = images.of_series(ct)[5:-5:9]
    selection = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "disc"},
        "instance": [
            {
                "uid": frame.instance,
                "imageRegion2D": [{"regionType": "circle", "coordinate": [70, 60, 95, 60]}],
            }
            for frame in slices
        ],
    }
    report = ir.measure(selection, images, on="PT", value="rescaled")
    assert not report.errors
    assert len(report.results) == len(slices) > 3

    files = [pydicom.dcmread(path) for path in sorted((folder / "PET" / "image").iterdir())]
    heights = np.array([float(file.ImagePositionPatient[2]) for file in files])
    for frame, result in zip(slices, report.results, strict=True):
        assert frame.plane is not None
        origin, (row_step, column_step) = frame.plane.origin, frame.plane.spacing
        pet = files[int(np.abs(heights - origin[2]).argmin())]
        start, spacing = pet.ImagePositionPatient, pet.PixelSpacing
        row, column = np.mgrid[: pet.Rows, : pet.Columns]
        x = float(start[0]) + column * float(spacing[1])
        y = float(start[1]) + row * float(spacing[0])
        across = (x - origin[0]) / column_step + 0.5 - 70
        down = (y - origin[1]) / row_step + 0.5 - 60
        inside = across**2 + down**2 < 25**2
        values = pet.pixel_array[inside] * float(pet.RescaleSlope) + float(pet.RescaleIntercept)
        assert result.instances == (pet.SOPInstanceUID,)
        assert result.get("count") == inside.sum() > 80
        assert result.get("mean") == pytest.approx(values.mean())
        assert result.get("max") == pytest.approx(values.max())
        assert result.get("area") == pytest.approx(np.pi * 625 * row_step * column_step)
        assert result.distance == pytest.approx(np.abs(heights - origin[2]).min())
