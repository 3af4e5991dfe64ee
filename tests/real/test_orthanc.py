"""The same measurement by folder and by a real server: series, PET, ultrasound and slides."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from tests.orthanc import Orthanc
from tests.sameness import assert_same_images, assert_same_measurement, selection_of
from tests.servers import orthanc

from imageregion import Images, Selection, Target, measure, read_selection
from imageregion.access import open_images
from imageregion.dicom.opening import open_images as open_files

__all__ = ["orthanc"]

SMALL_FRACTION = 0.15  # of the series: metadata of all slices, and the pixels of one


def stored(orthanc: Orthanc, paths: list[Path]) -> int:
    """Send files, and return how many bytes they have."""
    assert paths
    orthanc.store(paths)
    return sum(path.stat().st_size for path in paths)


def headers(paths: list[Path]) -> list[Dataset]:
    return [dcmread(path, stop_before_pixels=True) for path in paths]


@pytest.fixture(scope="module")
def phantom(shared_data: Path, orthanc: Orthanc) -> tuple[list[Path], int]:
    """The CT phantom of IBSI: 60 slices."""
    paths = sorted((shared_data / "ibsi_phantoms").rglob("*.dcm"))
    paths = [path for path in paths if headers([path])[0].Modality == "CT"]
    return paths, stored(orthanc, paths)


def test_one_slice_costs_a_small_fraction_of_the_series(
    phantom: tuple[list[Path], int], orthanc: Orthanc
) -> None:
    paths, size = phantom
    slice_ = headers(paths[30:31])[0]
    selection = selection_of(slice_)
    images = assert_same_measurement(selection, paths, orthanc.url, rule="exact")
    assert len(images) == len(paths)
    traffic = images.traffic
    assert traffic is not None
    assert traffic.requests == 2
    assert 0 < traffic.received < SMALL_FRACTION * size
    assert traffic.pixels == len(paths) * slice_.Rows * slice_.Columns * 2


def test_a_volume_of_many_slices(phantom: tuple[list[Path], int], orthanc: Orthanc) -> None:
    paths, size = phantom
    first = headers(paths[30:31])[0]
    x, y, z = (float(value) for value in first.ImagePositionPatient)
    x, y = x + 100, y + 100
    ball = [x - 20, y, z, x + 20, y, z, x, y - 20, z, x, y + 20, z, x, y, z - 12, x, y, z + 12]
    instance = {
        "uid": first.SOPInstanceUID,
        "imageRegion3D": [{"regionType": "ellipsoid", "coordinate": ball}],
    }
    frame = {"frameOfReferenceUid": first.FrameOfReferenceUID}
    selection = selection_of(first, 0, instance=[instance], **frame)
    images = assert_same_measurement(selection, paths, orthanc.url, rule="exact")
    assert images.traffic is not None
    assert images.traffic.received < size / 2


def test_uptake_of_pet(shared_data: Path, orthanc: Orthanc) -> None:
    for path in sorted((shared_data / "pet_slices").glob("*.dcm")):
        stored(orthanc, [path])
        dataset = headers([path])[0]
        by_folder = open_files(path)
        by_server = open_images(
            f"{orthanc.url}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
            f"/instances/{dataset.SOPInstanceUID}"
        )
        assert_same_images(by_folder, by_server)
        assert_same_measurement(selection_of(dataset), by_folder, by_server)


FILES = {
    "pydicom_data_sel/eCT_Supplemental.dcm": 2,
    "pydicom_data_sel/emri_small.dcm": 4,
    "pydicom_data_sel/parametric_map_float.dcm": 1,
    "pydicom_data_sel/parametric_map_double_float.dcm": 1,
    "pydicom_data_sel/mlut_18.dcm": 0,
    "pydicom_data_sel/vlut_04.dcm": 0,
    "pydicom_data_sel/US1_J2KR.dcm": 0,
    "us_calipers/OBXXXX1A.dcm": 0,
    "highdicom_test_files/sm_image.dcm": 0,
    "highdicom_test_files/sm_image_jpegls.dcm": 7,
    "highdicom_test_files/dx_image.dcm": 0,
}


@pytest.mark.parametrize("name", FILES)
def test_files_of_many_kinds(name: str, shared_data: Path, orthanc: Orthanc) -> None:
    path = shared_data / name
    stored(orthanc, [path])
    dataset = headers([path])[0]
    by_folder = open_files(path)
    url = (
        f"{orthanc.url}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
        f"/instances/{dataset.SOPInstanceUID}"
    )
    assert_same_images(by_folder, open_images(url))
    assert_same_measurement(selection_of(dataset, FILES[name]), by_folder, open_images(url))


@pytest.fixture(scope="module")
def slide(shared_data: Path, orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real level of a whole slide: 140 tiles, JPEG; the server wants it to have a study."""
    dataset = dcmread(shared_data / "multiframe_misc" / "multiframe.dcm")
    if not dataset.get("StudyInstanceUID"):
        dataset.StudyInstanceUID = "1.2.826.0.1.3680043.10.296.1"
    dataset.PatientID = dataset.get("PatientID") or "slide"
    path = tmp_path_factory.mktemp("slide") / "slide.dcm"
    dataset.save_as(path)
    stored(orthanc, [path])
    return path


def on_slide(dataset: Dataset, size: int) -> Selection:
    coordinates = [700, 700, 700 + size, 700, 700 + size, 700 + size, 700, 700 + size, 700, 700]
    region = {"regionType": "polyline", "coordinate": coordinates}
    instance = {"uid": str(dataset.SOPInstanceUID), "imageRegion2D": [region]}
    return selection_of(dataset, 0, instance=[instance])


def test_of_a_slide_only_the_tiles_that_are_needed(slide: Path, orthanc: Orthanc) -> None:
    dataset = headers([slide])[0]
    selection = on_slide(dataset, 100)  # from 700 to 800: tiles of 240 begin at 480 and 720
    images = assert_same_measurement(selection, slide, orthanc.url)
    assert images.traffic is not None
    assert images.traffic.requests == 1 + 4
    assert images.traffic.received < SMALL_FRACTION * slide.stat().st_size


def test_regions_of_one_series_on_another(shared_data: Path, orthanc: Orthanc) -> None:
    """With `on` the whole study is asked for, since that is where the other series is."""
    found: dict[str, list[Path]] = {}
    for path in sorted((shared_data / "ibsi_sts").rglob("*.dcm")):
        told = dcmread(path, stop_before_pixels=True, specific_tags=["Modality", "PatientID"])
        if told.get("Modality") in ("CT", "PT"):
            found.setdefault(str(told.PatientID), []).append(path)
    paths = next(iter(found.values()), [])
    kinds = {dataset.Modality for dataset in headers(paths)}
    studies = {dataset.StudyInstanceUID for dataset in headers(paths)}
    if kinds != {"CT", "PT"} or len(studies) != 1:
        pytest.skip("no CT and PET of one study")
    stored(orthanc, paths)
    dataset = next(one for one in headers(paths) if one.Modality == "CT")
    selection = selection_of(dataset)
    by_folder = measure(selection, open_files(paths), on="PT")
    by_server = measure(selection, orthanc.url, on="PT")
    assert by_folder.to_dict()["measurements"] == by_server.to_dict()["measurements"]


def test_a_region_of_a_whole_instance(phantom: tuple[list[Path], int], orthanc: Orthanc) -> None:
    """An instance without regions is measured as a whole, from one frame."""
    paths, _ = phantom
    dataset = headers(paths[:1])[0]
    selection = read_selection(
        {
            "resourceType": "ImagingSelection",
            "status": "available",
            "code": {"text": "slice"},
            "studyUid": dataset.StudyInstanceUID,
            "seriesUid": dataset.SeriesInstanceUID,
            "instance": [{"uid": dataset.SOPInstanceUID}],
        }
    )
    images = open_images(orthanc.url, selection=selection)
    assert isinstance(images, Images)
    pixels = images.frame(Target(instance=dataset.SOPInstanceUID)).pixels
    folder = open_files(paths[0]).frames[0].pixels
    assert pixels.tobytes() == folder.tobytes()
    assert measure(selection, images).results[0].get("count") == pixels.size
