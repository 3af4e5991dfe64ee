"""Numbers that metadata state wrongly: found by what the objects say, and told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid
from tests.orthanc import Orthanc
from tests.pacs import Handler, Pacs, metadata, slices
from tests.sameness import assert_same_images, assert_same_measurement, selection_of

from imageregion import measure
from imageregion.access import open_images
from imageregion.dicom.opening import open_images as open_files
from imageregion.dicom.web.confirming import differences, has_doubtful_numbers
from imageregion.dicom.web.settings import WebSettings

WRAPPED = 5_000_000_000 % 2**32


def pet(count: int = 3, dose: str = "5000000000", rows: int = 64) -> list[Dataset]:
    """Return PET slices of one injection, decay-corrected to the start of the series."""
    made = slices(count)
    for number, dataset in enumerate(made):
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
        dataset.Modality, dataset.Units, dataset.PatientID = "PT", "BQML", "phantom"
        dataset.CorrectedImage, dataset.DecayCorrection = ["DECY", "ATTN"], "START"
        dataset.PatientWeight, dataset.RescaleIntercept = "70", "0"
        dataset.RescaleSlope = f"{1.5 + number / 8}"
        dataset.SeriesDate = dataset.AcquisitionDate = "20240102"
        dataset.SeriesTime, dataset.AcquisitionTime = "120000", f"12{number:02d}00"
        dataset.ActualFrameDuration, dataset.FrameReferenceTime = "60000", "30000"
        injection = Dataset()
        injection.RadiopharmaceuticalStartTime = "110000"
        injection.RadionuclideTotalDose, injection.RadionuclideHalfLife = dose, "6586.2"
        dataset.RadiopharmaceuticalInformationSequence = Sequence([injection])
        dataset.Rows = rows
        dataset.PixelData = dataset.PixelData * (rows // 8)
    return made


def saved(datasets: list[Dataset], folder: Path) -> list[Path]:
    """Write images with UIDs of this test alone."""
    study, series, reference = (generate_uid(entropy_srcs=[str(folder), n]) for n in "abc")
    paths = []
    for number, dataset in enumerate(datasets):
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.FrameOfReferenceUID = reference
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(folder), str(number)])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        paths.append(folder / f"{number}.dcm")
        dataset.save_as(paths[-1], enforce_file_format=True)
    return paths


def wrap(found: Any) -> Any:
    """Write decimals that are whole numbers with 32 bits, as Orthanc 1.10 does."""
    if isinstance(found, list):
        return [wrap(one) for one in found]
    if not isinstance(found, dict):
        return found
    if found.get("vr") in ("DS", "FD"):
        values = found.get("Value", [])
        whole = [v if float(v) % 1 or abs(v) > 1e18 else int(v) % 2**32 for v in values]
        return found | {"Value": whole}
    return {key: wrap(one) for key, one in found.items()}


def wrapping(pacs: Pacs) -> None:
    def rule(handler: Handler) -> bool:
        told = wrap([metadata(one) for one in pacs.datasets.values()])
        return handler.give(200, json.dumps(told).encode(), "application/dicom+json")

    pacs.rule("/metadata$", rule)


@pytest.fixture
def scanner() -> Any:
    with Pacs() as server:
        server.add(*pet())
        yield server


def codes(images: Any) -> list[tuple[str, str, str]]:
    return [(one.severity, one.code, one.path) for one in images.issues]


def test_a_large_dose_is_read_from_objects(orthanc: Orthanc, tmp_path: Path) -> None:
    paths = saved(pet(4), tmp_path)
    orthanc.store(paths)
    by_folder = open_files(tmp_path)
    first = by_folder.frames[1]
    selection = selection_of(_named(pet(1)[0], first))
    images = open_images(orthanc.url, selection=selection)
    assert_same_images(by_folder, images)
    assert_same_measurement(selection, by_folder, images, value="suvbw")
    told = [one for one in images.issues if one.code == "metadata-differ"]
    if told:  # versions of Orthanc that keep all digits need no objects
        assert [(one.severity, one.path) for one in told] == [("warning", first.series)]
        assert "RadionuclideTotalDose is 705032704 instead of 5000000000" in told[0].message
    else:
        assert images.traffic is not None
        assert images.traffic.requests == 1 + 1 + 4


def _named(dataset: Dataset, frame: Any) -> Dataset:
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = frame.study, frame.series
    dataset.SOPInstanceUID = frame.instance
    return dataset


def test_a_usual_dose_costs_one_request_more(orthanc: Orthanc, tmp_path: Path) -> None:
    paths = saved(pet(8, "370000000", rows=4096), tmp_path)
    orthanc.store(paths)
    by_folder = open_files(tmp_path)
    selection = selection_of(_named(pet(1, rows=4096)[0], by_folder.frames[5]))
    images = assert_same_measurement(selection, by_folder, orthanc.url, value="suvbw")
    assert not codes(images)
    assert images.traffic is not None
    assert images.traffic.requests == 1 + 1 + 1  # metadata, start of an object, one frame
    size = paths[0].stat().st_size
    # the start, one frame, and metadata of some thousand bytes for each slice
    assert images.traffic.received < size + 64 * 1024 + 8 * 4096


def test_right_numbers_stay_lazy(scanner: Pacs) -> None:
    images = open_images(f"{scanner.url}/studies/1.2")
    assert not codes(images)
    assert len(scanner.requests) == 2  # for the whole series one object
    assert suv(images) == suv(open_files(list(scanner.datasets.values())))


def suv(images: Any) -> list[float]:
    return [float(frame.as_value("suvbw").pixels.max()) for frame in images.frames]


def test_wrapped_numbers_of_a_server(scanner: Pacs) -> None:
    wrapping(scanner)
    images = open_images(f"{scanner.url}/studies/1.2")
    assert codes(images) == [("warning", "metadata-differ", "1.2.3")]
    assert f"is {WRAPPED} instead of 5000000000" in images.issues[0].message
    assert suv(images) == suv(open_files(list(scanner.datasets.values())))
    report = measure(selection_of(scanner.datasets["1.2.3.2"]), images)
    assert "metadata-differ" in [one.code for one in report.issues]


def test_a_dose_that_only_some_slices_state_wrongly(scanner: Pacs) -> None:
    """Every dose that metadata state is compared, not that of the first slice alone."""
    injections = scanner.datasets["1.2.3.1"].RadiopharmaceuticalInformationSequence
    injections[0].RadionuclideTotalDose = "370000000"
    wrapping(scanner)
    images = open_images(f"{scanner.url}/studies/1.2")
    assert ("warning", "metadata-differ", "1.2.3") in codes(images)
    assert_same_images(open_files(list(scanner.datasets.values())), images)


def test_each_slice_another_dose(scanner: Pacs) -> None:
    scanner.add(*pet(8))
    for number, dataset in enumerate(scanner.datasets.values()):
        dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = f"{4e8 + number}"
    images = open_images(f"{scanner.url}/studies/1.2")
    assert ("warning", "metadata-differ", "1.2.3") in codes(images)
    assert len(scanner.requests) == 1 + 4 + 4  # metadata, four starts, the other objects whole


@pytest.mark.parametrize("status", [403, 404])
def test_objects_that_are_not_to_be_had(scanner: Pacs, status: int) -> None:
    scanner.rule(r"/instances/[0-9.]+$", lambda handler: handler.give(status))
    images = open_images(f"{scanner.url}/studies/1.2")
    assert codes(images) == [("warning", "metadata-unconfirmed", "1.2.3")]
    assert f"HTTP {status}" in images.issues[0].message
    assert suv(images) == suv(open_files(list(scanner.datasets.values())))


def test_what_is_no_object(scanner: Pacs) -> None:
    scanner.rule(
        r"/instances/[0-9.]+$", lambda handler: handler.give(200, b"no", "application/dicom")
    )
    assert codes(open_images(f"{scanner.url}/studies/1.2")) == [
        ("warning", "metadata-unconfirmed", "1.2.3")
    ]


def test_a_header_longer_than_the_first_bytes(scanner: Pacs) -> None:
    for dataset in scanner.datasets.values():
        dataset.add_new(0x00091001, "OB", b"x" * 100_000)
    assert not codes(open_images(f"{scanner.url}/studies/1.2"))
    assert len(scanner.requests) == 3


def test_the_start_of_an_object_is_kept_in_the_cache(scanner: Pacs, tmp_path: Path) -> None:
    web = WebSettings(cache=tmp_path / "cache")
    for _ in range(2):
        assert not codes(open_images(f"{scanner.url}/studies/1.2", web=web))
        assert len(scanner.requests) == 2
    exact = WebSettings(cache=tmp_path / "cache", whole_objects=True)
    whole = open_images(f"{scanner.url}/studies/1.2", web=exact)  # never the start alone
    assert suv(whole) == suv(open_files(list(scanner.datasets.values())))


@pytest.mark.parametrize("slope", ["5000000000", "4294967296"])
def test_slopes_beyond_32_bits(pacs: Pacs, slope: str) -> None:
    pacs.datasets["1.2.3.2"].RescaleSlope = slope
    wrapping(pacs)
    images = open_images(f"{pacs.url}/studies/1.2")
    folder = open_files(list(pacs.datasets.values()))
    assert_same_images(folder, images)
    assert sum(path.endswith("/instances/1.2.3.2") for path in pacs.paths()) == 1
    assert not pacs.paths("1.2.3.1/instances/1.2.3.1")


def test_deep_metadata_are_an_issue(scanner: Pacs) -> None:
    deep: Any = {"vr": "DS", "Value": [1]}
    for _ in range(300):
        deep = {"vr": "SQ", "Value": [{"00540016": deep}]}
    told = [metadata(one) for one in scanner.datasets.values()]
    told[0]["00540016"] = deep
    body = json.dumps(told).encode()
    scanner.rule("/metadata$", lambda handler: handler.give(200, body, "application/dicom+json"))
    images = open_images(f"{scanner.url}/studies/1.2")
    assert [one.code for one in images.issues] == ["unreadable"]
    assert len(images) == 2


# --- the parts -----------------------------------------------------------------------------------


@given(st.integers(2**32, 2**62))
def test_wrapped_factors_are_doubtful_unless_next_to_nothing_is_left(value: int) -> None:
    wrapped = value % 2**32
    found = has_doubtful_numbers({"00281053": {"vr": "DS", "Value": [wrapped]}})
    assert found == (wrapped == 0 or wrapped >= 2**16)
    text = {"00281053": {"vr": "DS", "Value": [str(value)]}}
    assert not has_doubtful_numbers(text)


@pytest.mark.parametrize(
    ("tag", "value", "doubtful"),
    [
        ("00281052", 0, False),
        ("00281052", -1024, False),
        ("00281052", 1294967296, True),
        ("00281053", 0, True),
        ("00281053", 0.5, False),
        ("00281053", 70000.5, False),
        ("3004000E", 0, True),
        ("00186060", 1 << 20, False),
    ],
)
def test_doubtful_numbers(tag: str, value: float, doubtful: bool) -> None:
    element = {tag: {"vr": "DS", "Value": [value]}}
    assert has_doubtful_numbers(element) is doubtful
    assert has_doubtful_numbers({"00289145": {"vr": "SQ", "Value": [element]}}) is doubtful
    assert not has_doubtful_numbers([element])


def test_what_is_a_difference() -> None:
    one, two = pet(1)[0], pet(1)[0]
    assert not list(differences(one, two))
    two.ImageOrientationPatient = ["1", "6e-17", "0", "0", "1", "0"]  # less than any rounding
    two.RescaleSlope = "1.50000000000001"
    assert not list(differences(one, two))
    two.RescaleSlope, two.SeriesTime = "1.500001", "120001"
    two.RadiopharmaceuticalInformationSequence.append(Dataset())
    del one.PatientWeight
    assert list(differences(one, two)) == [
        "SeriesTime is 120000 instead of 120001",
        "PatientWeight is absent instead of 70",
        "RescaleSlope is 1.5 instead of 1.500001",
        "RadiopharmaceuticalInformationSequence has 1 items instead of 2",
    ]
