"""What a frame says: its place, its real values, its unit, its window, and what is refused."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import UID

from imageregion.dicom import open_images
from imageregion.dicom.pixel_data.pixels import PixelCache, Samples, unpack_samples
from imageregion.errors import DicomError
from imageregion.frame import Frame
from imageregion.plane import Plane
from imageregion.quantities import LinearMap, TableMap
from imageregion.spacing import Spacing

Make = Callable[..., Dataset]
Wheel = Callable[[str], Path]


def frame_of(dataset: Dataset) -> Frame:
    (frame,) = open_images(dataset).frames
    return frame


# --- place ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixel", "patient"),
    [
        ((0.0, 10.0), (55.75, 38.95, 1.0)),
        ((5.0, 5.0), (58.25, 36.45, 1.0)),
        ((0.5, 10.5), (56.0, 39.2, 1.0)),
        ((5.5, 5.5), (58.5, 36.7, 1.0)),
    ],
)
def test_check_vectors_of_the_standard(
    make_slice: Make, pixel: tuple[float, float], patient: tuple[float, float, float]
) -> None:
    dataset = make_slice(ImagePositionPatient=[56.0, 34.2, 1.0], PixelSpacing=[0.5, 0.5])
    plane = frame_of(dataset).plane
    assert plane is not None
    np.testing.assert_allclose(plane.to_patient([pixel]), [patient], atol=1e-12)
    np.testing.assert_allclose(plane.to_pixel([patient]), [pixel], atol=1e-12)


def test_pixel_spacing_is_rows_then_columns(make_slice: Make) -> None:
    frame = frame_of(make_slice())  # PixelSpacing 2.0\0.5
    assert frame.plane is not None
    assert frame.spacing == Spacing(rows=2.0, columns=0.5, source="patient")
    step = np.diff(frame.plane.to_patient([[0, 0], [1, 0], [1, 1]]), axis=0)
    np.testing.assert_allclose(step, [[0.5, 0, 0], [0, 2.0, 0]], atol=1e-12)


def test_oblique_planes_put_pixels_where_the_equation_says(make_slice: Make) -> None:
    a, b = np.radians(20), np.radians(35)
    x = np.array([np.cos(a), np.sin(a), 0])
    y = np.array([-np.sin(a) * np.cos(b), np.cos(a) * np.cos(b), np.sin(b)])
    frame = frame_of(make_slice(ImageOrientationPatient=[*x, *y]))
    assert frame.plane is not None
    column, row = 4, 3
    expected = np.array([-10.0, 20.0, 30.0]) + x * 0.5 * column + y * 2.0 * row
    centre = frame.plane.to_patient([[column + 0.5, row + 0.5]])
    np.testing.assert_allclose(centre, [expected], atol=1e-9)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "perpendicular"),
        ({"ImageOrientationPatient": [1, 0, 0]}, "ImageOrientationPatient"),
        ({"PixelSpacing": [0, 0.5]}, "PixelSpacing"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]}, "mosaic"),
    ],
)
def test_malformed_geometry_gives_no_plane_and_says_why(
    make_slice: Make, changes: dict[str, Any], reason: str
) -> None:
    images = open_images(make_slice(**changes))
    (frame,) = images.frames
    assert frame.plane is None
    assert frame.pixels.shape == (4, 6)
    (issue,) = (issue for issue in images.issues if issue.code == "no-plane")
    assert issue.severity == "warning"
    assert reason in issue.message


@pytest.mark.parametrize(
    "changes",
    [
        {"ImagePositionPatient": None},
        {"ImageOrientationPatient": None},
        {"PixelSpacing": None},
        {"Modality": "DX"},  # a projection has no plane in the patient, whatever it says
    ],
)
def test_images_without_a_place_in_the_patient(make_slice: Make, changes: dict[str, Any]) -> None:
    images = open_images(make_slice(**changes))
    assert images.frames[0].plane is None
    assert images.frames[0].pixels.shape == (4, 6)
    assert "no-plane" not in [issue.code for issue in images.issues]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 3.0),
        ({"SpacingBetweenSlices": -2.5}, 2.5),
        ({"SpacingBetweenSlices": 0}, 3.0),
        ({"SliceThickness": 0}, None),
        ({"SliceThickness": None}, None),
    ],
)
def test_thickness(make_slice: Make, changes: dict[str, Any], expected: float | None) -> None:
    assert frame_of(make_slice(**changes)).thickness == expected


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small.dcm",
        "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm",
        "MR_small_expb.dcm",
        "MR_small_implicit.dcm",
        "MR_small_jp2klossless.dcm",
        "MR_small_padded.dcm",
        "693_J2KI.dcm",
        "J2K_pixelrep_mismatch.dcm",
        "examples_overlay.dcm",
        "image_dfl.dcm",
    ],
)
def test_values_of_real_files_are_those_of_pydicom(wheel: Wheel, name: str) -> None:
    (frame,) = open_images(wheel(name)).frames
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)
        dataset = dcmread(wheel(name))
        stored = dataset.pixel_array
        expected = apply_modality_lut(stored, dataset)
    np.testing.assert_array_equal(frame.stored, stored)
    np.testing.assert_array_equal(frame.value_map(frame.stored), expected)
    assert not frame.stored.flags.writeable
    assert frame.shape == stored.shape
    in_memory = frame_of(dataset)
    np.testing.assert_array_equal(in_memory.stored, stored)


def test_overlay_bits_and_high_bit(make_slice: Make) -> None:
    values = np.array([[-2048, -1, 0], [1, 5, 2047]], dtype=np.int16)
    cells = ((values.astype(np.int32) & 0x0FFF) | 0xA000).astype(np.uint16)
    frame = frame_of(make_slice(cells, BitsStored=12))
    assert frame.stored.tolist() == values.tolist()
    shifted = (((values.astype(np.int32) & 0x0FFF) << 4) | 0x5).astype(np.uint16)
    frame = frame_of(make_slice(shifted, BitsStored=12, HighBit=15))
    assert frame.stored.tolist() == values.tolist()
    unsigned = frame_of(make_slice(cells, BitsStored=12, PixelRepresentation=0))
    assert unsigned.stored.tolist() == (values.astype(int) % 4096).tolist()


def test_unpacking_leaves_whole_cells_alone() -> None:
    cells = np.array([65535], dtype=np.uint16)
    assert unpack_samples(cells, Samples(16, 15)) is cells
    with pytest.raises(ValueError, match="HighBit"):
        unpack_samples(cells, Samples(12, 10))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, LinearMap(2, -1000)),
        ({"RescaleSlope": None, "RescaleIntercept": None}, LinearMap()),
        ({"RescaleSlope": None}, LinearMap(1, -1000)),
        ({"RescaleIntercept": None}, LinearMap(2, 0)),
        ({"Modality": "RTDOSE", "DoseGridScaling": "0.25"}, LinearMap(0.25, 0)),
    ],
)
def test_rescale(make_slice: Make, changes: dict[str, Any], expected: LinearMap) -> None:
    assert frame_of(make_slice(**changes)).value_map == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"RescaleSlope": 0}, "RescaleSlope"),
        ({"RescaleSlope": [1, 2]}, "RescaleSlope"),
        ({"Modality": "RTDOSE"}, "DoseGridScaling"),
    ],
)
def test_values_without_meaning_are_refused(
    make_slice: Make, changes: dict[str, Any], reason: str
) -> None:
    images = open_images(make_slice(**changes))
    assert [issue.code for issue in images.issues] == ["no-pixels"]
    with pytest.raises(DicomError, match=rf"^1\.2\.3\.1\.1: {reason}"):
        _ = images.frames[0].pixels


def lut(descriptor: list[int], data: Any, vr: str = "US") -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", descriptor)
    item.add_new("LUTData", vr, data)
    return item


def test_modality_lut(make_slice: Make, tmp_path: Path) -> None:
    table = lut([4, 10, 16], [5, 60, 700, 65535])
    dataset = make_slice(ModalityLUTSequence=[table], RescaleSlope=None, RescaleIntercept=None)
    dataset.save_as(tmp_path / "lut.dcm", enforce_file_format=True)
    for source in (dataset, tmp_path / "lut.dcm"):
        (frame,) = open_images(source).frames
        assert isinstance(frame.value_map, TableMap)
        assert frame.pixels.ravel()[[0, 10, 11, 12, 13, 23]].tolist() == [
            5,
            5,
            60,
            700,
            65535,
            65535,
        ]


@pytest.mark.parametrize(
    ("item", "first", "table"),
    [
        (lut([3, 65534, 16], [1, 2, 3]), -2, [1, 2, 3]),
        (lut([3, 0, 16], b"\x01\x00\x00\x01\x03\x00", "OW"), 0, [1, 256, 3]),
        (lut([4, 0, 8], b"\x01\x02\x03\x04", "OW"), 0, [1, 2, 3, 4]),
        (lut([3, 0, 8], b"\x01\x02\x03\x00", "OW"), 0, [1, 2, 3]),
        (lut([4, 0, 8], b"\x01\x00\x02\x00\x03\x00\x04\x00", "OW"), 0, [1, 2, 3, 4]),
        (lut([4, 0, 8], [0x0201, 0x0403]), 0, [1, 2, 3, 4]),
        (lut([0, 0, 16], [7] * 65536), 0, [7.0] * 65536),
    ],
)
def test_packings_of_lookup_tables(
    make_slice: Make, item: Dataset, first: int, table: list[float]
) -> None:
    value_map = frame_of(make_slice(ModalityLUTSequence=[item])).value_map
    assert isinstance(value_map, TableMap)
    assert (value_map.first, value_map.table.tolist()) == (first, table)


def test_short_lookup_table_is_refused(make_slice: Make) -> None:
    images = open_images(make_slice(ModalityLUTSequence=[lut([4, 0, 16], [1, 2])]))
    with pytest.raises(DicomError, match="LUTData: expected 4 entries, got 2"):
        _ = images.frames[0].pixels


@pytest.mark.parametrize(
    ("changes", "unit"),
    [
        ({}, "[hnsf'U]"),
        ({"RescaleType": "HU"}, "[hnsf'U]"),
        ({"RescaleType": "US"}, "1"),
        ({"RescaleSlope": None, "RescaleIntercept": None}, "1"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "1"),
        ({"Modality": "MR"}, "1"),
        ({"Modality": "OT", "RescaleType": "HU"}, "[hnsf'U]"),
        ({"Modality": "PT", "Units": "GML"}, "g/ml{SUVbw}"),
        ({"Modality": "PT", "Units": "GML", "SUVType": "BW"}, "g/ml{SUVbw}"),
        ({"Modality": "PT", "Units": "GML", "SUVType": "LBM"}, "g/ml{SUVlbm}"),
        ({"Modality": "PT", "Units": "GML", "SUVType": "???"}, "g/ml"),
        ({"Modality": "PT", "Units": "BQML"}, "Bq/ml"),
        ({"Modality": "PT", "Units": "CNTS"}, "{counts}"),
        ({"Modality": "PT", "Units": "PROPCPS"}, "{propcounts}/s"),
    ],
)
def test_units(make_slice: Make, changes: dict[str, Any], unit: str) -> None:
    assert frame_of(make_slice(**changes)).unit == unit


@pytest.mark.parametrize(
    ("padding", "limit", "expected"),
    [
        (-2000, None, (-2000, -2000)),
        (63536, None, (-2000, -2000)),
        (-2000, -1990, (-2000, -1990)),
        (-1990, -2000, (-2000, -1990)),
    ],
)
def test_padding_in_signed_images(
    make_slice: Make, padding: int, limit: int | None, expected: tuple[float, float]
) -> None:
    dataset = make_slice()
    for name, value in (("PixelPaddingValue", padding), ("PixelPaddingRangeLimit", limit)):
        if value is not None:
            dataset.add_new(name, "US" if value > 32767 else "SS", value)
    assert frame_of(dataset).padding == expected


def test_padding_pixels_are_nan(make_slice: Make) -> None:
    cells = np.array([[-2000, 0], [7, -2000]], dtype=np.int16)
    dataset = make_slice(cells)
    dataset.add_new("PixelPaddingValue", "US", 63536)
    pixels = frame_of(dataset).pixels
    assert np.isnan(pixels).tolist() == [[True, False], [False, True]]
    assert pixels[1, 0] == -986


def test_padding_follows_the_bits_that_are_stored(make_slice: Make) -> None:
    cells = np.array([[0xF830, 1]], dtype=np.uint16)
    dataset = make_slice(cells, BitsStored=12, PixelRepresentation=1)
    dataset.add_new("PixelPaddingValue", "US", 0xF830)
    assert np.isnan(frame_of(dataset).pixels).tolist() == [[True, False]]


def test_floating_point_pixels(make_slice: Make) -> None:
    values = np.array([[0.5, -1e30], [3.25, 7.0]], dtype=np.float32)
    dataset = make_slice(values, BitsAllocated=32, BitsStored=None, HighBit=None)
    del dataset.PixelData
    dataset.add_new("FloatPixelData", "OF", values.tobytes())
    dataset.add_new("FloatPixelPaddingValue", "FL", -1e30)
    frame = frame_of(dataset)
    assert frame.stored.tolist() == values.tolist()
    assert np.isnan(frame.pixels).tolist() == [[False, True], [False, False]]


# --- display -------------------------------------------------------------------------------------


def test_windows(make_slice: Make) -> None:
    window = frame_of(make_slice(WindowCenter=[40, 300], WindowWidth=[400, 1500])).window
    assert window is not None
    assert (window.center, window.width, window.function) == (40, 400, "LINEAR")
    changes = {"WindowCenter": 0.5, "WindowWidth": 0.2, "VOILUTFunction": "SIGMOID"}
    window = frame_of(make_slice(**changes)).window
    assert window is not None
    assert window.function == "SIGMOID"
    assert frame_of(make_slice(WindowCenter=1, WindowWidth=0.5)).window is None
    assert frame_of(make_slice(WindowCenter=1)).window is None
    assert frame_of(make_slice()).window is None


def test_voi_lut_goes_first(make_slice: Make) -> None:
    dataset = make_slice(
        VOILUTSequence=[lut([3, 64536, 12], [0, 2048, 4095])], WindowCenter=1, WindowWidth=2
    )
    window = frame_of(dataset).window
    assert window is not None
    assert window.table is not None
    assert window.table.first == -1000
    np.testing.assert_allclose(window.table.table, [0, 2048 / 4095, 1])


def test_monochrome1_is_inverted_for_display_only(make_slice: Make) -> None:
    plain, inverted = make_slice(), make_slice(PhotometricInterpretation="MONOCHROME1")
    assert frame_of(inverted).inverted
    np.testing.assert_array_equal(frame_of(inverted).pixels, frame_of(plain).pixels)


# --- what is not measured -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [("liver_1frame.dcm", "Segmentation"), ("examples_palette.dcm", "palette colours")],
)
def test_real_files_out_of_scope_say_so(wheel: Wheel, name: str, reason: str) -> None:
    images = open_images(wheel(name))
    assert images.frames[0].plane is None
    with pytest.raises(DicomError, match=reason) as caught:
        _ = images.frames[0].pixels
    assert str(caught.value).startswith(images.frames[0].instance)
    assert reason in "".join(issue.message for issue in images.issues)


def test_colour_images_have_channels(wheel: Wheel) -> None:
    (frame,) = open_images(wheel("SC_rgb_small_odd.dcm")).frames
    assert (frame.shape, frame.channels) == ((3, 3), ("red", "green", "blue"))
    np.testing.assert_array_equal(frame.stored, dcmread(wheel("SC_rgb_small_odd.dcm")).pixel_array)


@pytest.mark.parametrize(
    ("syntax", "stated", "lossy"),
    [
        ("1.2.840.10008.1.2.1", None, False),
        ("1.2.840.10008.1.2.1", "00", False),
        ("1.2.840.10008.1.2.1", "01", True),  # once compressed, whatever it is now
        ("1.2.840.10008.1.2.4.50", "00", True),
        ("1.2.840.10008.1.2.4.57", None, False),
        ("1.2.840.10008.1.2.4.80", None, False),
        ("1.2.840.10008.1.2.4.81", None, True),
        ("1.2.840.10008.1.2.4.90", None, False),
        ("1.2.840.10008.1.2.4.91", None, True),
        ("1.2.840.10008.1.2.4.91", "00", False),
        ("1.2.840.10008.1.2.5", None, False),
    ],
)
def test_lossy_compression_is_flagged(
    make_slice: Make, syntax: str, stated: str | None, lossy: bool
) -> None:
    dataset = make_slice(LossyImageCompression=stated)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    assert frame_of(dataset).lossy is lossy


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ()),
        ({"EchoTime": "4.6", "EchoNumbers": 2}, (("EchoTime", "4.6"), ("EchoNumbers", "2"))),
        ({"TemporalPositionIdentifier": 3}, (("TemporalPositionIdentifier", "3"),)),
        ({"DiffusionBValue": 1000.0}, (("DiffusionBValue", "1000.0"),)),
        (
            {"DiffusionGradientOrientation": [0.0, 0.6, 0.8]},
            (("DiffusionGradientOrientation", "0.0\\0.6\\0.8"),),
        ),
        ({"InstanceNumber": 7, "SliceLocation": 3.0}, ()),  # vary with place
    ],
)
def test_dimensions_of_single_frames(
    make_slice: Make, changes: dict[str, Any], expected: tuple[tuple[str, str], ...]
) -> None:
    assert frame_of(make_slice(**changes)).dimensions == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"VolumetricProperties": "DISTORTED"},
        {"VolumeBasedCalculationTechnique": "CURVED_MPR"},
        {"VolumeBasedCalculationTechnique": "VOLUME_RENDER"},
    ],
)
def test_bent_and_rendered_views_have_no_plane(make_slice: Make, changes: dict[str, Any]) -> None:
    images = open_images(make_slice(**changes))
    assert images.frames[0].plane is None
    assert "do not lie in a plane" in images.issues[0].message


def test_cine_frames_have_no_plane(make_slice: Make) -> None:
    cells = np.arange(48, dtype=np.int16).reshape(2, 4, 6)
    images = open_images(make_slice(cells, NumberOfFrames=2, FrameTime=40))
    assert [(frame.number, frame.plane) for frame in images.frames] == [(1, None), (2, None)]
    np.testing.assert_array_equal(images.frames[1].stored, cells[1])


def test_unknown_transfer_syntax(make_slice: Make) -> None:
    dataset = make_slice()
    dataset.file_meta.TransferSyntaxUID = UID("1.2.3.4")
    with pytest.raises(DicomError, match=r"^1\.2\.3\.1\.1: "):
        _ = frame_of(dataset).pixels


def test_header_without_pixels(make_slice: Make) -> None:
    dataset = make_slice()
    del dataset.PixelData
    frame = frame_of(dataset)
    assert frame.plane is not None
    with pytest.raises(DicomError, match="there is no pixel data"):
        _ = frame.pixels


def test_datasets_are_left_unchanged(make_slice: Make) -> None:
    dataset, same = make_slice(), make_slice()
    _ = frame_of(dataset).pixels
    assert dataset == same
    del dataset.file_meta
    assert frame_of(dataset).stored[0, 5] == 5
    assert not hasattr(dataset, "file_meta")


# --- cache ---------------------------------------------------------------------------------------


def test_cache_keeps_recent_frames_within_its_limit() -> None:
    def block(size: int) -> NDArray[np.uint8]:
        return np.zeros(size, dtype=np.uint8)

    cache = PixelCache(limit=100)
    for name in "abc":
        cache.put(name, block(40))
    assert [cache.get(name) is not None for name in "abc"] == [False, True, True]
    cache.get("b")
    cache.put("d", block(40))
    assert [cache.get(name) is not None for name in "bcd"] == [True, False, True]
    cache.put("large", block(101))
    assert cache.get("large") is None
    assert cache.used == 80


def test_frames_are_decoded_once_and_from_many_threads(wheel: Wheel) -> None:
    (frame,) = open_images(wheel("CT_small.dcm")).frames
    results: list[NDArray[Any]] = []
    threads = [threading.Thread(target=lambda: results.append(frame.stored)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(result, results[0]) for result in results)
    assert frame.stored is frame.stored


def test_frames_travel_to_other_processes(wheel: Wheel) -> None:
    (frame,) = open_images(wheel("CT_small.dcm")).frames
    copy = pickle.loads(pickle.dumps(frame))
    np.testing.assert_array_equal(copy.stored, frame.stored)


def test_plane_of_a_real_slice(wheel: Wheel) -> None:
    (frame,) = open_images(wheel("CT_small.dcm")).frames
    expected = Plane.from_dicom(dcmread(wheel("CT_small.dcm")))
    assert frame.plane is not None
    np.testing.assert_array_equal(frame.plane.origin, expected.origin)
    assert frame.unit == "[hnsf'U]"
