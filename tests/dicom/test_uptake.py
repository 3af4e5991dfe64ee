"""Uptake values of whole PET images, written and read again; numbers by an oracle of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset

from imageregion.dicom import open_images
from imageregion.dicom.files.headers import read_dataset
from imageregion.dicom.suv.decay import Clock
from imageregion.dicom.suv.evidence import evidence_of
from imageregion.errors import DicomError

Make = Callable[..., Dataset]
F18 = 6586.2
START = datetime(2020, 3, 4, 10, 0, 0)


def suvbw_factor(weight: float, dose: float, seconds: float, half_life: float) -> float:
    """The oracle: grams of the patient over the becquerels that are left."""
    return weight * 1000.0 / (dose * math.exp(-math.log(2.0) * seconds / half_life))


def pet(make_slice: Make, cells: Any = None, **changes: Any) -> Dataset:
    """A PET slice: injected with 350 MBq at 9:00, 80 kg, started at 10:00, slope 2.5."""
    injection = Dataset()
    for name, value in {
        "RadiopharmaceuticalStartTime": "090000.00",
        "RadiopharmaceuticalStartDateTime": "20200304090000.00",
        "RadionuclideTotalDose": "350000000",
        "RadionuclideHalfLife": "6586.2",
        **changes.pop("injection", {}),
    }.items():
        if value is not None:
            setattr(injection, name, value)
    fields = {
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.128",
        "Modality": "PT",
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["DECY", "ATTN", "SCAT"],
        "PatientWeight": "80",
        "PatientSize": "1.8",
        "PatientSex": "M",
        "SeriesDate": "20200304",
        "SeriesTime": "100000",
        "AcquisitionDate": "20200304",
        "AcquisitionTime": "100600",
        "ActualFrameDuration": "180000",
        "FrameReferenceTime": "449600",
        "RescaleSlope": 2.5,
        "RescaleIntercept": 0,
        "RadiopharmaceuticalInformationSequence": [injection],
    }
    return make_slice(cells, **(fields | changes))


def philips(dataset: Dataset, block: int, **values: str) -> Dataset:
    """Put the factors into a block that is not the first one."""
    dataset.add_new((0x7053, 0x0010), "LO", "Somebody Else")
    dataset.add_new((0x7053, block), "LO", "Philips PET Private Group")
    for name, value in values.items():
        dataset.add_new((0x7053, block << 8 | int(name[1:], 16)), "DS", value)
    return dataset


def test_a_series_has_uptake_values(make_slice: Make) -> None:
    slices = [
        pet(
            make_slice,
            SOPInstanceUID=f"1.2.3.1.{n}",
            RescaleSlope=slope,
            ImagePositionPatient=[0, 0, n],
        )
        for n, slope in enumerate((2.5, 4.0))
    ]
    images = open_images(slices)
    grams = suvbw_factor(80, 350e6, 3600, F18)
    stored = np.arange(24).reshape(4, 6)
    for frame, slope in zip(images.frames, (2.5, 4.0), strict=True):
        assert (frame.value, frame.unit) == ("suvbw", "g/ml{SUVbw}")
        np.testing.assert_allclose(frame.pixels, stored * slope * grams, rtol=1e-12)
        np.testing.assert_array_equal(frame.as_value("rescaled").pixels, stored * slope)
        assert frame.as_value("rescaled").unit == "Bq/ml"
        np.testing.assert_array_equal(frame.as_value("stored").pixels, stored)
        lean = frame.as_value("suvlbmjanma")
        expected = stored * slope * grams * 61.7312 / 80
        np.testing.assert_allclose(lean.pixels, expected, rtol=1e-5)
        surface = frame.as_value("suvbsa")
        assert surface.unit == "cm2/ml{SUVbsa}"
    assert [issue for issue in images.issues if issue.code == "no-suv"] == []


def test_one_slice_without_weight_leaves_the_series_in_becquerels(make_slice: Make) -> None:
    slices = [
        pet(
            make_slice,
            SOPInstanceUID=f"1.2.3.1.{n}",
            PatientWeight=w,
            ImagePositionPatient=[0, 0, n],
        )
        for n, w in enumerate(("80", None))
    ]
    images = open_images(slices)
    assert {(frame.value, frame.unit) for frame in images.frames} == {("rescaled", "Bq/ml")}
    (issue,) = [issue for issue in images.issues if issue.code == "no-suv"]
    assert issue.path == "1.2.3.1" and "different patient's weights" in issue.message
    with pytest.raises(DicomError, match="no suvbw values: its images state different"):
        images.frames[0].as_value("suvbw")


def test_the_earliest_slice_counts_even_when_its_pixels_are_elsewhere(make_slice: Make) -> None:
    """One slice was acquired before the series time: all slices lose it."""
    slices = [
        pet(make_slice, SOPInstanceUID=f"1.2.3.1.{n}", AcquisitionTime=t, FrameReferenceTime=None)
        for n, t in enumerate(("100600", "095000"))
    ]
    frames = open_images(slices).frames
    assert {frame.value for frame in frames} == {"rescaled"}


@pytest.mark.parametrize(
    ("suv_type", "units", "value", "unit"),
    [
        (None, "GML", "suvbw", "g/ml{SUVbw}"),
        ("BW", "GML", "suvbw", "g/ml{SUVbw}"),
        ("LBM", "GML", "suvlbm", "g/ml{SUVlbm}"),
        ("LBMJAMES128", "GML", "suvlbmjames128", "g/ml{SUVlbm(James128)}"),
        ("LBMJANMA", "GML", "suvlbmjanma", "g/ml{SUVlbm(Janma)}"),
        ("IBW", "GML", "suvibw", "g/ml{SUVibw}"),
        ("BSA", "CM2ML", "suvbsa", "cm2/ml{SUVbsa}"),
        ("???", "GML", "rescaled", "g/ml"),
    ],
)
def test_uptake_values_of_the_scanner_are_taken_as_they_are(
    make_slice: Make, suv_type: str | None, units: str, value: str, unit: str
) -> None:
    dataset = pet(make_slice, Units=units, SUVType=suv_type, PatientWeight=None)
    (frame,) = open_images(dataset).frames
    assert (frame.value, frame.unit) == (value, unit)
    np.testing.assert_array_equal(frame.pixels, np.arange(24).reshape(4, 6) * 2.5)


@pytest.mark.parametrize("in_file", [False, True])
def test_philips_factors(make_slice: Make, tmp_path: Any, in_file: bool) -> None:
    cases = [
        ({"e00": "0.0005", "e09": "1.5"}, 0.0005),
        ({"e00": "0", "e09": "1.5"}, 1.5 * suvbw_factor(80, 350e6, 3600, F18)),
        ({"e09": "1.5"}, 1.5 * suvbw_factor(80, 350e6, 3600, F18)),
    ]
    for n, (values, expected) in enumerate(cases):
        dataset = philips(pet(make_slice, Units="CNTS"), 0x12, **values)
        source: Any = dataset
        if in_file:
            source = tmp_path / f"{n}.dcm"
            dataset.save_as(source, enforce_file_format=True)
        (frame,) = open_images(source).frames
        assert frame.value == "suvbw"
        assert frame.pixels[0, 4] == pytest.approx(4 * 2.5 * expected, rel=1e-12)
        assert frame.as_value("rescaled").unit == "{counts}"


def test_factors_of_somebody_else_do_not_count(make_slice: Make) -> None:
    dataset = pet(make_slice, Units="CNTS")
    dataset.add_new((0x7053, 0x0010), "LO", "Somebody Else")
    dataset.add_new((0x7053, 0x1000), "DS", "0.0005")
    frame = open_images(dataset).frames[0]
    assert frame.value == "rescaled"
    assert "no factor of the scanner" in dict(frame.unavailable)["suvbw"]


@pytest.mark.parametrize("in_file", [False, True])
def test_scan_start_of_ge(make_slice: Make, tmp_path: Any, in_file: bool) -> None:
    dataset = pet(make_slice, SeriesTime="170000", FrameReferenceTime=None)
    dataset.add_new((0x0009, 0x0011), "LO", "GEMS_PETD_01")
    dataset.add_new((0x0009, 0x110D), "DT", "20200304100000.00")
    source: Any = dataset
    if in_file:
        source = tmp_path / "ge.dcm"
        dataset.save_as(source, enforce_file_format=True)
    images = open_images(source)
    expected = 2.5 * suvbw_factor(80, 350e6, 3600, F18)
    assert images.frames[0].pixels[0, 1] == pytest.approx(expected, rel=1e-12)
    assert [issue.code for issue in images.issues] == ["suv-time"]


def test_evidence_is_made_of_what_files_say(make_slice: Make) -> None:
    evidence = evidence_of(read_dataset(pet(make_slice), "slice"))
    assert evidence is not None and evidence.pet is not None
    assert evidence.pet.clocks == (
        Clock(
            series=START,
            acquired=START + timedelta(minutes=6),
            frame_reference=449.6,
            duration=180.0,
            injected=START - timedelta(hours=1),
            injected_at=time(9, 0),
        ),
    )
    assert evidence_of(read_dataset(make_slice(), "a CT")) is None
    odd = pet(make_slice, PatientWeight=None, injection={"RadionuclideTotalDose": None})
    found = evidence_of(read_dataset(odd, "slice"))
    assert found is not None and found.pet is not None and found.pet.dose is None


def item(**fields: Any) -> Dataset:
    dataset = Dataset()
    for name, value in fields.items():
        setattr(dataset, name, value)
    return dataset


def bq_mapping(slope: float) -> Dataset:
    units = item(CodeValue="Bq/ml", CodingSchemeDesignator="UCUM", CodeMeaning="Bq/ml")
    mapped = item(
        MeasurementUnitsCodeSequence=[units],
        RealWorldValueSlope=slope,
        RealWorldValueIntercept=0.0,
    )
    mapped.add_new("RealWorldValueFirstValueMapped", "SS", 0)
    mapped.add_new("RealWorldValueLastValueMapped", "SS", 20)
    return mapped


def enhanced_pet(make_slice: Make, sop_class: str, **changes: Any) -> Dataset:
    """Two frames of 4 x 6 pixels, slopes 2 and 8."""
    groups = [
        item(
            FrameContentSequence=[item(FrameAcquisitionDateTime=f"202003041{n:02d}000")],
            PlanePositionSequence=[item(ImagePositionPatient=[0, 0, 3 * n])],
            RealWorldValueMappingSequence=[bq_mapping(slope)],
            **changes.pop(f"frame_{n}", {}),
        )
        for n, slope in enumerate((2.0, 8.0))
    ]
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[2.0, 0.5], SliceThickness=3.0)],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        **changes.pop("shared", {}),
    )
    fields = dict.fromkeys(
        ("Units", "DecayCorrection", "CorrectedImage", "AcquisitionDate", "AcquisitionTime")
    )
    fields |= dict.fromkeys(("ActualFrameDuration", "FrameReferenceTime"))
    fields |= dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
    fields |= dict.fromkeys(("RescaleSlope", "RescaleIntercept"))
    cells = np.stack([np.arange(24, dtype=np.int16).reshape(4, 6)] * 2)
    return pet(
        make_slice,
        cells,
        SOPClassUID=sop_class,
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=groups,
        **(fields | changes),
    )


def test_enhanced_pet(make_slice: Make) -> None:
    """The activity is a real world value; the time it is corrected to stands in the header."""
    dataset = enhanced_pet(
        make_slice,
        "1.2.840.10008.5.1.4.1.1.130",
        AttenuationCorrected="YES",
        DecayCorrected="YES",
        DecayCorrectionDateTime="20200304103000",
        SeriesTime="170000",
    )
    frames = open_images(dataset).frames
    grams = suvbw_factor(80, 350e6, 5400, F18)
    for frame, slope in zip(frames, (2.0, 8.0), strict=True):
        assert (frame.value, frame.unit) == ("suvbw", "g/ml{SUVbw}")
        np.testing.assert_allclose(frame.pixels[1], np.arange(6, 12) * slope * grams, rtol=1e-12)
        assert np.isnan(frame.pixels[3, 3:]).all()  # 21 to 23 have no real value
    dataset.DecayCorrected = "NO"
    frame = open_images(dataset).frames[0]
    assert (frame.value, frame.unit) == ("rwv:Bq/ml", "Bq/ml")
    assert "decay correction is NONE" in dict(frame.unavailable)["suvbw"]


def test_pet_converted_to_multi_frame(make_slice: Make) -> None:
    """What has no functional group stands among unassigned attributes."""
    kept = item(Units="BQML", DecayCorrection="START", CorrectedImage=["DECY", "ATTN"])
    times = [item(FrameReferenceTime="89700", ActualFrameDuration="180000") for _ in range(2)]
    rescale = item(RescaleSlope=2.5, RescaleIntercept=0, RescaleType="US")
    dataset = enhanced_pet(
        make_slice,
        "1.2.840.10008.5.1.4.1.1.128.1",
        shared={
            "UnassignedSharedConvertedAttributesSequence": [kept],
            "PixelValueTransformationSequence": [rescale],
        },
        **{
            f"frame_{n}": {"UnassignedPerFrameConvertedAttributesSequence": [one]}
            for n, one in enumerate(times)
        },
    )
    frames = open_images(dataset).frames
    expected = 2.5 * suvbw_factor(80, 350e6, 3600, F18)
    assert {frame.value for frame in frames} == {"suvbw"}
    assert frames[0].pixels[0, 1] == pytest.approx(expected, rel=1e-12)


def test_a_header_that_cannot_be_read_costs_the_uptake_only(make_slice: Make) -> None:
    dataset = pet(make_slice)
    injection = dataset.RadiopharmaceuticalInformationSequence[0]
    del injection.RadionuclideTotalDose
    injection.add_new("RadionuclideTotalDose", "LO", "a lot")
    frame = open_images(dataset).frames[0]
    assert (frame.value, frame.unit) == ("rescaled", "Bq/ml")
    assert "the dose is missing" in dict(frame.unavailable)["suvbw"]


def test_stored_uptake_that_differs_is_said(make_slice: Make) -> None:
    """The mapping is 2 % above the computed value, then 0.1 %."""
    computed = 2.5 * suvbw_factor(80, 350e6, 3600, F18)
    for factor, codes in ((1.02, ["suv-differs"]), (1.001, [])):
        mapped = bq_mapping(computed * factor)
        mapped.MeasurementUnitsCodeSequence[0].CodeValue = "{SUVbw}g/ml"
        mapped.RealWorldValueLastValueMapped = 32767
        images = open_images(pet(make_slice, RealWorldValueMappingSequence=[mapped]))
        assert images.frames[0].pixels[0, 1] == pytest.approx(computed, rel=1e-12)
        assert [issue.code for issue in images.issues] == codes


def test_values_that_are_not_scaled_have_no_uptake(make_slice: Make) -> None:
    frame = open_images(pet(make_slice, RescaleSlope=None)).frames[0]
    assert "rescale slope is missing" in dict(frame.unavailable)["suvbw"]


def test_images_without_series_are_each_on_their_own(make_slice: Make) -> None:
    slices = [
        pet(make_slice, SOPInstanceUID=f"1.2.3.{n}", SeriesInstanceUID=None, PatientWeight=weight)
        for n, weight in enumerate(("80", "40"))
    ]
    one, two = open_images(slices).frames
    np.testing.assert_allclose(one.pixels, 2 * two.pixels, rtol=1e-12)
