"""Values of real images by others: uptake, real world values, modality LUTs."""

from __future__ import annotations

import math
import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut

from imageregion import Frame
from imageregion.dicom import Images, open_images
from imageregion.dicom.files.headers import read_dataset
from imageregion.dicom.suv.evidence import evidence_of
from imageregion.errors import DicomError


def only(images: Images) -> Frame:
    (frame,) = images.frames
    return frame


def read(path: Path) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return dcmread(path)


def seconds(later: str, earlier: str) -> float:
    """Between two times of one day, read by the standard library."""
    one, two = (datetime.strptime(text[:6], "%H%M%S") for text in (later, earlier))
    return (one - two).total_seconds()


@pytest.mark.parametrize(
    ("name", "weight", "dose", "half_life", "start", "injected", "slope"),
    [
        ("GH184.dcm", 90, 474592928, 6588, "110036", "093200", 0.234542),
        (
            "2020-11-16-SalimKanounAnonymization.dcm",
            *(82, 290000000, 6586.2, "111218", "100000", 9.1475195822016),
        ),
    ],
)
def test_uptake_of_real_slices(
    shared_data: Path,
    name: str,
    weight: float,
    dose: float,
    half_life: float,
    start: str,
    injected: str,
    slope: float,
) -> None:
    """Numbers are copied from a dump of the headers, by hand."""
    path = shared_data / "pet_slices" / name
    images = open_images(path)
    frame = only(images)
    left = dose * math.exp(-math.log(2) / half_life * seconds(start, injected))
    expected = read(path).pixel_array * slope * weight * 1000 / left
    assert (frame.value, frame.unit) == ("suvbw", "g/ml{SUVbw}")
    np.testing.assert_allclose(frame.pixels, expected, rtol=1e-12)
    np.testing.assert_allclose(
        frame.as_value("rescaled").pixels, expected * left / weight / 1000, rtol=1e-12
    )
    # nothing is put out for bodies of which the header does not say enough
    assert "suvlbm" in dict(frame.unavailable)
    assert not [issue for issue in images.issues if issue.code == "no-suv"]


def test_decay_factors_of_real_slices_confirm_the_series_time(shared_data: Path) -> None:
    """The factor in the header counts from the series time to the middle of the frame."""
    for path in sorted((shared_data / "pet_slices").glob("*.dcm"))[:2]:
        dataset = read(path)
        evidence = evidence_of(read_dataset(dataset, path.name))
        assert evidence is not None and evidence.pet is not None
        (clock,) = evidence.pet.clocks
        assert clock.acquired is not None and clock.series is not None
        assert clock.decay_factor is not None and clock.duration is not None
        passed = math.log2(clock.decay_factor) * (evidence.pet.half_life or 0.0)
        middle = (clock.acquired - clock.series).total_seconds() + clock.duration / 2
        assert passed == pytest.approx(middle, abs=1.5)  # the activity at the mean count rate


def test_a_slice_without_weight_in_proportional_counts_has_no_uptake(shared_data: Path) -> None:
    images = open_images(shared_data / "pet_slices" / "GH610.dcm")
    frame = only(images)
    assert (frame.value, frame.unit) == ("rescaled", "{propcounts}/s")
    with pytest.raises(DicomError, match=r"no suvbw values: values in \{propcounts\}"):
        frame.as_value("suvbw")
    assert [issue.code for issue in images.issues if "SUV" in issue.message] == ["no-suv"]


def test_the_same_slice_in_becquerels_lacks_a_weight(shared_data: Path) -> None:
    dataset = read(shared_data / "pet_slices" / "GH610.dcm")
    dataset.Units = "BQML"
    assert "not corrected for attenuation" in dict(only(open_images(dataset)).unavailable)["suvbw"]
    dataset.CorrectedImage = ["DECY", "ATTN"]
    assert "weight is missing" in dict(only(open_images(dataset)).unavailable)["suvbw"]
    dataset.PatientWeight = "70"  # its dates were shifted, that of the injection was not
    reason = dict(only(open_images(dataset)).unavailable)["suvbw"]
    assert "433 half-lives before the scan" in reason


def test_uptake_that_the_scanner_computed(shared_data: Path) -> None:
    """Slopes differ from slice to slice."""
    folder = shared_data / "ibsi_sts" / "dicom" / "STS_025" / "PET" / "image"
    images = open_images(folder)
    assert {(frame.value, frame.unit) for frame in images.frames} == {("suvbw", "g/ml{SUVbw}")}
    slopes = set()
    for path in sorted(folder.iterdir()):
        dataset = read(path)
        (frame,) = (f for f in images.frames if f.instance == dataset.SOPInstanceUID)
        expected = dataset.pixel_array * float(dataset.RescaleSlope)
        np.testing.assert_array_equal(frame.pixels, expected)
        slopes.add(float(dataset.RescaleSlope))
    assert len(slopes) > 1


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("eCT_Supplemental.dcm", "ml/100ml/s"),
        ("parametric_map_float.dcm", "1"),
        ("parametric_map_double_float.dcm", "1"),
    ],
)
def test_real_world_values(shared_data: Path, name: str, unit: str) -> None:
    """By hand from the header: slope 1; the limits are 0 and 4095, or 0 and 1."""
    path = shared_data / "pydicom_data_sel" / name
    dataset = read(path)
    intercept, last = (-1024.0, 4095) if name.startswith("eCT") else (0.0, 1)
    stored = np.atleast_3d(dataset.pixel_array)
    stored = stored if stored.shape[-1] != 1 else stored[None, ..., 0]
    frames = open_images(path).frames
    assert len(frames) == len(stored)
    for frame in frames:
        array = stored[frame.number - 1]
        assert (frame.value, frame.unit) == (f"rwv:{unit}", unit)
        values = array.astype(np.float64)
        expected = np.where((values >= 0) & (values <= last), values + intercept, np.nan)
        np.testing.assert_array_equal(frame.pixels, expected)
        np.testing.assert_array_equal(frame.as_value("stored").pixels, values)
        assert np.isfinite(frame.pixels).any()


def test_real_world_values_are_those_of_highdicom(shared_data: Path) -> None:
    highdicom = pytest.importorskip("highdicom")
    path = shared_data / "pydicom_data_sel" / "eCT_Supplemental.dcm"
    other: Any = highdicom.imread(path)
    for frame in open_images(path).frames:
        expected = other.get_frame(frame.number, apply_real_world_transform=True)
        np.testing.assert_array_equal(frame.pixels, expected)


def test_mapping_object_about_real_images(shared_data: Path) -> None:
    """A table of uptake factors for 191 slices that are not here; made up slices stand in."""
    path = shared_data / "dcmqi_sr_petsegrwvm" / "rwvm.dcm"
    item = read(path).ReferencedImageRealWorldValueMappingSequence[0]
    uid = item.ReferencedImageSequence[190].ReferencedSOPInstanceUID
    dataset = read(shared_data / "pet_slices" / "GH610.dcm")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    images = open_images([dataset, path])
    frame = only(images)
    assert (frame.value, frame.unit) == ("suvbw", "g/ml{SUVbw}")
    stored = dataset.pixel_array.astype(np.float64)
    expected = np.where((stored >= 0) & (stored <= 32761), stored * 0.000375125, np.nan)
    np.testing.assert_allclose(frame.pixels, expected, rtol=1e-15)
    assert np.isnan(expected).any()  # the slice uses the highest values
    label = next(q.label for q in frame.quantities if q.name == "rwv:g/ml{SUVbw}")
    assert label == "Standardized Uptake Value body weight"


@pytest.mark.parametrize(
    "name", ["pydicom_data_sel/mlut_18.dcm", "projection/CR-ModalitySequenceLUT.dcm"]
)
def test_modality_luts(shared_data: Path, name: str) -> None:
    dataset = read(shared_data / name)
    frame = only(open_images(shared_data / name))
    assert frame.value == "rescaled"
    np.testing.assert_array_equal(frame.stored, dataset.pixel_array)
    expected = apply_modality_lut(dataset.pixel_array, dataset)
    np.testing.assert_array_equal(frame.pixels, expected)
