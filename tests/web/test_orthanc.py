"""The same images by folder and by a real server: files that ship with pydicom."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid
from tests.orthanc import Orthanc
from tests.sameness import assert_same_images, assert_same_measurement, selection_of

from imageregion import DicomError, InputError, Target, measure, read_selection
from imageregion.access import open_images
from imageregion.dicom.opening import open_images as open_files
from imageregion.dicom.web.settings import WebSettings

FILES = (
    *("CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm"),
    *("MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm"),
    *("SC_rgb_rle_2frame.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_small_odd.dcm"),
    *("SC_rgb_small_odd_big_endian.dcm", "SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_jpeg_gdcm.dcm"),
    *("SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_jls_lossy_line.dcm"),
    *("SC_ybr_full_422_uncompressed.dcm", "SC_rgb_gdcm_KY.dcm", "examples_jpeg2k.dcm"),
    *("examples_rgb_color.dcm", "examples_ybr_color.dcm", "examples_overlay.dcm"),
    *("examples_palette.dcm", "image_dfl.dcm", "JPEG2000.dcm", "J2K_pixelrep_mismatch.dcm"),
    *("JPEGLSNearLossless_16.dcm", "rtdose.dcm", "rtdose_expb.dcm"),
    *("liver_1frame.dcm", "693_J2KI.dcm"),
)


def copied(name: str, folder: Path) -> Path:
    """Write a file with UIDs of its own: many of these files share them."""
    source = get_testdata_file(name, download=False)
    assert isinstance(source, str), name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = dcmread(source)
        for word in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(dataset, word, generate_uid(entropy_srcs=[name, word]))
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        path = folder / name
        dataset.save_as(path)
    return path


@pytest.fixture(scope="module")
def stored(orthanc: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wheel")
    paths = {name: copied(name, folder) for name in FILES}
    for path in paths.values():
        orthanc.store([path])
    return paths


def header(path: Path) -> Dataset:
    return dcmread(path, stop_before_pixels=True)


@pytest.mark.parametrize("name", FILES)
def test_every_field_and_pixel_is_the_same(
    name: str, stored: dict[str, Path], orthanc: Orthanc
) -> None:
    dataset = header(stored[name])
    url = f"{orthanc.url}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/"
    assert_same_images(open_files(stored[name]), open_images(url))


@pytest.mark.parametrize(
    ("name", "frame"), [("CT_small.dcm", 0), ("rtdose.dcm", 7), ("examples_ybr_color.dcm", 3)]
)
def test_the_same_measurement_with_the_frames_it_needs_alone(
    name: str, frame: int, stored: dict[str, Path], orthanc: Orthanc
) -> None:
    selection = selection_of(header(stored[name]), frame)
    images = assert_same_measurement(selection, stored[name], orthanc.url, rule="exact")
    assert images.traffic is not None
    assert images.traffic.requests == 2  # metadata of the series, one frame
    assert images.traffic.received < stored[name].stat().st_size


@pytest.mark.parametrize("slash", ["", "/", "/studies", "/studies/", "//"])
def test_the_base_may_end_in_many_ways(
    slash: str, stored: dict[str, Path], orthanc: Orthanc
) -> None:
    selection = selection_of(header(stored["CT_small.dcm"]))
    assert len(open_images(orthanc.url + slash, selection=selection)) == 1


def test_lenient_about_what_follows_the_base(stored: dict[str, Path], orthanc: Orthanc) -> None:
    dataset = header(stored["CT_small.dcm"])
    study, series = dataset.StudyInstanceUID, dataset.SeriesInstanceUID
    for path in (
        f"/studies/{study}",
        f"/study/{study}/",
        f"/studies/{study}/series",
        f"/studies/{study}/series/{series}/metadata",
        f"/studies/{study}/series/{series}/instances/{dataset.SOPInstanceUID}/frames/1",
    ):
        assert len(open_images(orthanc.url + path)) == 1


def test_an_instance_is_found_without_its_series_or_study(
    stored: dict[str, Path], orthanc: Orthanc
) -> None:
    dataset = header(stored["CT_small.dcm"])
    for missing in (["seriesUid"], ["seriesUid", "studyUid"]):
        selection = selection_of(dataset, 0, **dict.fromkeys(missing))
        report = measure(selection, orthanc.url)
        assert report.complete
        assert report.results[0].get("count")


def test_by_the_older_uri_service(stored: dict[str, Path], orthanc: Orthanc) -> None:
    selection = selection_of(header(stored["MR_small.dcm"]))
    endpoint = {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": [{"coding": [{"code": "dicom-wado-uri"}]}],
        "address": orthanc.wado_uri,
    }
    web = WebSettings(allow_hosts=("127.0.0.1",))
    images = open_images(endpoint, selection=selection, web=web)
    assert_same_measurement(selection, stored["MR_small.dcm"], images)


def test_by_an_imaging_study(stored: dict[str, Path], orthanc: Orthanc) -> None:
    dataset = header(stored["CT_small.dcm"])
    study = {
        "resourceType": "ImagingStudy",
        "status": "available",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{dataset.StudyInstanceUID}"}],
        "contained": [
            {
                "resourceType": "Endpoint",
                "id": "rs",
                "status": "active",
                "connectionType": [{"coding": [{"code": "dicom-wado-rs"}]}],
                "address": orthanc.url + "/",
            }
        ],
        "endpoint": [{"reference": "#rs"}],
    }
    web = WebSettings(allow_hosts=("127.0.0.1",))
    assert_same_images(open_files(stored["CT_small.dcm"]), open_images(study, web=web))
    with pytest.raises(InputError, match=r"loopback address 127\.0\.0\.1.*--allow-host"):
        open_images(study)


def test_folder_and_server_together(stored: dict[str, Path], orthanc: Orthanc) -> None:
    dataset = header(stored["CT_small.dcm"])
    url = f"{orthanc.url}/studies/{dataset.StudyInstanceUID}"
    images = open_images([stored["MR_small.dcm"], url])
    assert {frame.modality for frame in images.frames} == {"CT", "MR"}


def test_what_is_not_there(stored: dict[str, Path], orthanc: Orthanc) -> None:
    with pytest.raises(InputError, match=r"the server does not have it \(HTTP 404\)"):
        open_images(f"{orthanc.url}/studies/1.2.3.4.5")
    dataset = header(stored["CT_small.dcm"])
    images = open_images(f"{orthanc.url}/studies/{dataset.StudyInstanceUID}")
    with pytest.raises(InputError, match="which study"):
        open_images(orthanc.url)
    loader = images.frame(Target(instance=dataset.SOPInstanceUID)).load
    service = loader.pixels.source.service  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="HTTP 404"):
        service.fetch_metadata("1.2", "1.3", "1.4")


def test_a_cache_answers_instead_of_the_server(
    stored: dict[str, Path], orthanc: Orthanc, tmp_path: Path
) -> None:
    selection = selection_of(header(stored["rtdose.dcm"]), 2)
    web = WebSettings(cache=tmp_path / "cache")
    reports = []
    for requests in (2, 0):
        images = open_images(orthanc.url, selection=selection, web=web)
        reports.append(measure(selection, images).to_dict()["measurements"])
        assert images.traffic is not None
        assert images.traffic.requests == requests
    assert reports[0] == reports[1]


def test_whole_objects_where_metadata_lack_digits(orthanc: Orthanc, tmp_path: Path) -> None:
    """Orthanc 1.10 writes 6e-17 as 0 and takes 5000000000 for a number of 32 bits."""
    dataset = dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    for word in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(dataset, word, generate_uid(entropy_srcs=["digits", word]))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "6.123031769e-17"]
    dataset.RescaleSlope = "5000000000"
    path = tmp_path / "digits.dcm"
    dataset.save_as(path)
    orthanc.store([path])
    selection, by_folder = selection_of(dataset), open_files(path)
    exact = WebSettings(whole_objects=True)
    images = open_images(orthanc.url, selection=selection, web=exact)
    assert_same_images(by_folder, images)
    assert_same_measurement(selection, by_folder, images)
    assert images.traffic is not None
    assert images.traffic.requests == 2


def test_slices_of_a_server_in_a_volume(orthanc: Orthanc, tmp_path: Path) -> None:
    """A sphere over nine slices: all of them, and no others, are fetched."""
    dataset = dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    study, series, reference = (generate_uid(entropy_srcs=["volume", n]) for n in "abc")
    for number in range(15):
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.FrameOfReferenceUID = reference
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=["volume", str(number)])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.ImagePositionPatient = [-158.1, -179.0, 5.0 * number]
        dataset.save_as(tmp_path / f"{number}.dcm")
    orthanc.store(sorted(tmp_path.glob("*.dcm")))
    selection = read_selection(
        {
            "resourceType": "ImagingSelection",
            "status": "available",
            "code": {"text": "ball"},
            "studyUid": study,
            "seriesUid": series,
            "frameOfReferenceUid": reference,
            "instance": [
                {
                    "uid": dataset.SOPInstanceUID,
                    "imageRegion3D": [
                        {
                            "regionType": "ellipsoid",
                            "coordinate": [
                                *(-130, -140, 35, -100, -140, 35),
                                *(-115, -155, 35, -115, -125, 35),
                                *(-115, -140, 14, -115, -140, 56),
                            ],
                        }
                    ],
                }
            ],
        }
    )
    images = assert_same_measurement(selection, tmp_path, orthanc.url)
    assert images.traffic is not None
    assert images.traffic.requests == 1 + 9


def test_images_keep_working_in_another_process(stored: dict[str, Path], orthanc: Orthanc) -> None:
    import pickle

    dataset = header(stored["CT_small.dcm"])
    images = open_images(f"{orthanc.url}/studies/{dataset.StudyInstanceUID}")
    loader = pickle.loads(pickle.dumps(images.frames[0].load))
    assert loader().tobytes() == images.frames[0].stored.tobytes()


def test_a_frame_that_is_not_there(stored: dict[str, Path], orthanc: Orthanc) -> None:
    """The object disappears between metadata and pixels: that image alone cannot be measured."""
    dataset = header(stored["CT_small.dcm"])
    images = open_images(f"{orthanc.url}/studies/{dataset.StudyInstanceUID}")
    source = images.frames[0].load.pixels.source  # type: ignore[attr-defined]
    lost = type(source)(source.service, type(source.key)("1.2", "1.3", "1.4"))
    with pytest.raises(DicomError, match=r"1\.4: .*HTTP 404"):
        lost.fetch_object().open()
