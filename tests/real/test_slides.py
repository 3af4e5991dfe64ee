"""Real slides and encodings, against highdicom, pydicom and the raw slice."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array

from imageregion import Ellipse, Frame, open_images, rasterize
from imageregion.dicom._quiet import quiet
from imageregion.dicom.files.headers import read_head, read_header
from imageregion.dicom.pixel_data.pixels import PixelCache, Pixels, pixels_of
from imageregion.dicom.slides.matrices import SlideTiles
from imageregion.errors import DicomError

TOYS = [
    *("sm_image", "sm_image_control", "sm_image_dots", "sm_image_grayscale", "sm_image_numbers"),
    *("sm_image_grayscale_reversed", "sm_image_jpegls", "sm_image_jpegls_nobot"),
]


def only_frame(path: Path) -> Frame:
    (frame,) = open_images(path).frames
    return frame


@pytest.mark.parametrize("name", TOYS)
def test_the_total_pixel_matrix_equals_highdicom(shared_data: Path, name: str) -> None:
    highdicom = pytest.importorskip("highdicom")
    path = shared_data / "highdicom_test_files" / f"{name}.dcm"
    image = highdicom.imread(path)
    frame = only_frame(path)
    expected = image.get_total_pixel_matrix(dtype=np.float64, apply_icc_profile=False)
    np.testing.assert_array_equal(frame.pixels, expected)
    np.testing.assert_array_equal(frame.stored, expected)
    rng = np.random.default_rng(1)
    for _ in range(20):
        top, left = rng.integers(0, 50, 2)
        bottom, right = rng.integers(top + 1, 51), rng.integers(left + 1, 51)
        part = frame.read((top, bottom), (left, right))
        np.testing.assert_array_equal(part, expected[top:bottom, left:right])


@pytest.mark.parametrize("name", TOYS)
def test_places_on_the_slide_equal_highdicom(shared_data: Path, name: str) -> None:
    """Of the matrix and of each encoded frame; highdicom counts from pixel centres."""
    highdicom = pytest.importorskip("highdicom")
    path = shared_data / "highdicom_test_files" / f"{name}.dcm"
    image = dcmread(path)
    frame = only_frame(path)
    assert frame.plane is not None and frame.tiles is not None
    indices = np.array([[0, 0], [49, 0], [3, 17], [49, 49]])
    transform = highdicom.spatial.PixelToReferenceTransformer
    expected = transform.for_image(image, for_total_pixel_matrix=True)(indices)
    # coordinates of 25 mm, written with nine digits
    np.testing.assert_allclose(frame.plane.to_patient(indices + 0.5), expected, atol=1e-9)
    np.testing.assert_allclose(frame.plane.to_pixel(expected) - 0.5, indices, atol=1e-5)
    for number in range(1, 26):
        tile = frame.tiles.frame(number)
        assert tile.plane is not None
        expected = transform.for_image(image, frame_number=number)(indices)
        np.testing.assert_allclose(tile.plane.to_patient(indices + 0.5), expected, atol=1e-9)


# --- a whole level of a slide, 140 tiles of 240 x 240, JPEG --------------------------------------


@pytest.fixture
def real(shared_data: Path) -> Frame:
    return only_frame(shared_data / "multiframe_misc" / "multiframe.dcm")


def test_a_real_slide_equals_its_tiles_put_together(shared_data: Path, real: Frame) -> None:
    """Against pillow, which decodes the tiles and converts their colours by itself.

    pillow converts in whole numbers and smooths shared colours alike: one step at most.
    """
    dataset = dcmread(shared_data / "multiframe_misc" / "multiframe.dcm")
    whole = np.zeros((10 * 240, 14 * 240, 3))
    for index, data in enumerate(generate_frames(dataset.PixelData, number_of_frames=140)):
        tile = np.asarray(Image.open(BytesIO(data)).convert("RGB"))
        row, column = divmod(index, 14)
        part = whole[240 * row :, 240 * column :][: tile.shape[0], : tile.shape[1]]
        part[...] = tile
    assert real.shape == (2281, 3175)
    assert real.channels == ("red", "green", "blue")
    assert real.lossy
    assert np.abs(real.pixels - whole[:2281, :3175]).max() <= 1


def test_a_circle_of_known_size_reads_only_its_tiles(
    real: Frame, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    decode = Pixels._decode

    def counting(self: Pixels, index: int, least: tuple[int, int] | None) -> NDArray[np.generic]:
        seen.append(index)
        return decode(self, index, least)

    monkeypatch.setattr(Pixels, "_decode", counting)
    assert real.spacing is not None
    radius, center = 155.136, (1700.25, 960.5)  # mm; 150 pixels
    pixels = radius / real.spacing.columns
    circle = Ellipse(center, np.eye(2) * pixels)
    spans = rasterize(circle, real.shape, rule="exact")
    area = spans.area * real.spacing.rows * real.spacing.columns
    assert area == pytest.approx(np.pi * radius**2, rel=1e-9)
    first, last = np.floor(np.array(center) - pixels), np.ceil(np.array(center) + pixels)
    rows, columns = (int(first[1]), int(last[1])), (int(first[0]), int(last[0]))
    assert real.read(rows, columns).shape == (301, 301, 3)
    expected = [
        14 * row + column
        for row in range(rows[0] // 240, (rows[1] - 1) // 240 + 1)
        for column in range(columns[0] // 240, (columns[1] - 1) // 240 + 1)
    ]
    assert seen == expected and len(seen) < 140


def test_edge_tiles_that_are_cut_off_can_be_read(real: Frame) -> None:
    """Tiles at the right and lower edge of this file are smaller than its header says."""
    assert isinstance(real.tiles, SlideTiles)
    corner = real.tiles.frame(140)
    assert corner.shape == (121, 55)
    np.testing.assert_array_equal(corner.pixels, real.read((2160, 2281), (3120, 3175)))


# --- encodings ------------------------------------------------------------------------------------


def load(path: Path) -> Pixels:
    header = read_header(path, path.name, read_head(path))
    assert header is not None
    return pixels_of(header, PixelCache())


def test_all_encodings_equal_the_raw_slice(shared_data: Path) -> None:
    paths = sorted((shared_data / "ct_transfer_syntaxes").glob("*.dcm"))
    assert len(paths) >= 5
    raw = load(next(path for path in paths if "ExplicitTransfer" in path.name)).load(0)
    for path in paths:
        pixels = load(path)
        np.testing.assert_array_equal(pixels.load(0), raw, err_msg=path.name)


@pytest.mark.parametrize("folder", ["pydicom_data_sel", "projection", "multiframe_misc"])
def test_every_frame_equals_pydicom(shared_data: Path, folder: str) -> None:
    compared, reasons = 0, []
    for path in sorted((shared_data / folder).rglob("*.dcm")):
        header = read_header(path, path.name, read_head(path))
        if header is None or not header.pixel_keyword or path.name == "multiframe.dcm":
            continue
        try:
            pixels = pixels_of(header, PixelCache())
            frames = [pixels.load(index) for index in range(pixels.frames.count)]
        except DicomError as error:
            reasons.append(error.message)
            continue
        with quiet():
            expected = pixel_array(path)
        expected = expected if len(frames) > 1 else expected[None]
        np.testing.assert_array_equal(np.stack(frames), expected, err_msg=path.name)
        compared += 1
    assert compared >= 2
    known = ("palette", "cannot be decoded", "no decoder for transfer syntax")
    assert [why for why in reasons if not any(word in why for word in known)] == []
