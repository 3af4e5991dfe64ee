"""What stored values can be read as: modality LUTs, real world values, units and padding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from imageregion import Frame, Spans, summarize
from imageregion.dicom import open_images
from imageregion.dicom.real_values.units import code_unit, is_unknown_unit
from imageregion.dicom.real_values.values import stored_number
from imageregion.errors import DicomError, GeometryError
from imageregion.quantities import (
    LinearMap,
    RealWorldMap,
    TableMap,
    ValueMap,
    canonical_unit,
    quantity_name,
    scaled,
)

Make = Callable[..., Dataset]
STORED = np.arange(24, dtype=np.int16).reshape(4, 6)


def code(value: str, scheme: str = "UCUM", meaning: str = "") -> Dataset:
    item = Dataset()
    setattr(item, "LongCodeValue" if len(value) > 16 else "CodeValue", value)
    item.CodingSchemeDesignator, item.CodeMeaning = scheme, meaning
    return item


def mapping(
    first: int | float, last: int | float, unit: Dataset | None = None, **fields: Any
) -> Dataset:
    """Make an item of Real World Value Mapping Sequence."""
    item = Dataset()
    item.MeasurementUnitsCodeSequence = [unit or code("mm2/s")]
    if isinstance(first, float):
        item.add_new("DoubleFloatRealWorldValueFirstValueMapped", "FD", first)
        item.add_new("DoubleFloatRealWorldValueLastValueMapped", "FD", last)
    else:
        for word, value in (("First", first), ("Last", last)):
            vr = "SS" if value < 0 else "US"
            item.add_new(f"RealWorldValue{word}ValueMapped", vr, value)
    if "RealWorldValueLUTData" not in fields:
        fields = {"RealWorldValueSlope": 1.0, "RealWorldValueIntercept": 0.0} | fields
    for name, value in fields.items():
        if value is not None:
            setattr(item, name, value)
    return item


def frame_of(dataset: Dataset) -> Frame:
    (frame,) = open_images(dataset).frames
    return frame


def names(frame: Frame) -> list[str]:
    return [quantity.name for quantity in frame.quantities]


def slowly(stored: Any, first: float, last: float, inner: ValueMap) -> list[float]:
    """One value at a time."""
    return [float(inner([one])[0]) if first <= one <= last else np.nan for one in stored]


@given(
    st.lists(st.integers(-40_000, 40_000), min_size=1),
    st.integers(-33_000, 33_000),
    st.integers(0, 500),
    st.booleans(),
)
def test_stored_values_outside_of_a_mapping_have_no_real_value(
    stored: list[int], first: int, length: int, table: bool
) -> None:
    last = first + length
    entries = np.linspace(-3, 7, length + 1) ** 3
    inner = TableMap(first, entries) if table else LinearMap(0.1, -7.0)
    real = RealWorldMap(first, last, inner)
    expected = slowly(stored, first, last, inner)
    for kind in (np.int32, np.int64, np.float32, np.float64):
        found = real(np.array(stored, dtype=kind))
        assert found.dtype == np.float64
        np.testing.assert_array_equal(found, expected)
    assert real(np.array(stored)[:, None]).shape == (len(stored), 1)


def test_mappings_of_unsigned_and_floating_point_values() -> None:
    real = RealWorldMap(-5, 10, LinearMap(2.0, 1.0))
    assert real(np.array([0, 10, 11], dtype=np.uint8)).tolist() == pytest.approx(
        [1, 21, np.nan], nan_ok=True
    )
    real = RealWorldMap(0.25, 0.5, LinearMap(10.0))
    found = real(np.array([0.2, 0.25, 0.5, 0.51, np.nan, np.inf, -np.inf], dtype=np.float32))
    np.testing.assert_array_equal(found, [np.nan, 2.5, 5.0, *[np.nan] * 4])


def test_statistics_leave_out_what_has_no_real_value() -> None:
    """Of 0..23 only 3..6 are mapped, to 30..60."""
    real = RealWorldMap(3, 6, LinearMap(10.0))
    found = summarize(Spans.full((4, 6)), STORED, value_map=real)
    assert (found.count, found.mean, found.min, found.max) == (4, 45.0, 30.0, 60.0)
    assert found.excluded == 20


@pytest.mark.parametrize("limits", [(1, 0), (np.nan, 1), (0, np.inf)])
def test_mappings_of_nothing_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(GeometryError, match="first <= last"):
        RealWorldMap(*limits, LinearMap())


def test_maps_name_themselves() -> None:
    linear = RealWorldMap(0, 4095, LinearMap(0.1, -3))
    text = "real world value slope 0.10000000000000001 intercept -3 of stored 0 to 4095"
    assert str(linear) == text
    table = RealWorldMap(2, 4, TableMap(2, [1, 2, 3]))
    assert str(table) == "real world value LUT 3 entries from 2 of stored 2 to 4"
    # a mapping that changes nothing is still named: outside of it there is no value
    assert "slope 1 intercept 0" in str(RealWorldMap(0, 1, LinearMap()))


@pytest.mark.parametrize(
    "value_map",
    [
        LinearMap(2.0, -5.0),
        TableMap(3, [1.0, 9.0, -4.0]),
        RealWorldMap(2, 9, LinearMap(2.0, -5.0)),
        RealWorldMap(3, 5, TableMap(3, [1.0, 9.0, -4.0])),
    ],
)
def test_scaled_maps(value_map: ValueMap) -> None:
    stored = np.arange(12)
    expected = value_map(stored) * 0.3
    np.testing.assert_allclose(scaled(value_map, 0.3)(stored), expected, rtol=1e-15)
    assert type(scaled(value_map, 0.3)) is type(value_map)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HU", "hu"),
        ("hounsfield", "hu"),
        ("suv", "suvbw"),
        ("SUVbw", "suvbw"),
        ("SUV-lbm (Janma)", "suvlbmjanma"),
        ("SUVlbm(James128)", "suvlbmjames128"),
        (" Stored ", "stored"),
        ("default", "default"),
        ("RWV:g/ml", "rwv:g/ml"),
        ("rwv: {SUVbw}g/ml", "rwv:g/ml{SUVbw}"),
        ("rwv:10-6.mm2/s#Mean ADC", "rwv:10-6.mm2/s#Mean ADC"),
        ("rwv:Mm", "rwv:Mm"),
    ],
)
def test_names_as_users_write_them(text: str, name: str) -> None:
    assert quantity_name(text) == name
    assert quantity_name(name) == name


def test_annotations_of_units_stand_behind() -> None:
    assert canonical_unit("{SUVlbm(Janma)}g/ml") == "g/ml{SUVlbm(Janma)}"
    assert canonical_unit("{SUVbsa}cm2/ml") == "cm2/ml{SUVbsa}"
    assert canonical_unit("{counts}/s") == "{counts}/s"


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (code("mm2/s"), "mm2/s"),
        (code("hnsf'U"), "[hnsf'U]"),
        (code("[hnsf'U]"), "[hnsf'U]"),
        (code("HU", "99ACME"), "[hnsf'U]"),
        (code("1", "99ACME", "Hounsfield Unit"), "[hnsf'U]"),
        (code("{SUVbw}g/ml"), "g/ml{SUVbw}"),
        (code("BQML", "DCM"), "Bq/ml"),
        (code("ml/100ml/s"), "ml/100ml/s"),
        (code("1"), "1"),
        (code("no units", "UCUM"), "1"),
        (code("R-00001", "SRT", "furlongs"), None),
        (code("a b c"), None),
        (code("x" * 65), None),
        (Dataset(), None),
    ],
)
def test_unit_codes(unit: Dataset, expected: str | None) -> None:
    assert code_unit(unit) == expected


@pytest.mark.parametrize(
    ("changes", "value", "unit", "known"),
    [
        ({}, "hu", "[hnsf'U]", ["stored", "rescaled", "hu"]),
        ({"RescaleType": "US"}, "rescaled", "1", ["stored", "rescaled"]),
        ({"RescaleType": "Z_EFF"}, "rescaled", "{Z_EFF}", ["stored", "rescaled"]),
        ({"RescaleType": "ED"}, "rescaled", "10*23/ml", ["stored", "rescaled"]),
        ({"RescaleType": "OD", "Modality": "OT"}, "rescaled", "10*-3{OD}", ["stored", "rescaled"]),
        ({"Modality": "MR"}, "rescaled", "1", ["stored", "rescaled"]),
        (
            {"Modality": "MR", "RescaleType": "normalized"},
            *("rescaled", "{NORMALIZED}", ["stored", "rescaled"]),
        ),
        (
            {"Modality": "DX", "RescaleSlope": None, "RescaleIntercept": None},
            *("stored", "1", ["stored", "rescaled"]),
        ),
        (
            {"Modality": "RTDOSE", "DoseGridScaling": "0.25", "DoseUnits": "GY"},
            *("rescaled", "Gy", ["stored", "rescaled"]),
        ),
        (
            {"Modality": "RTDOSE", "DoseGridScaling": "0.25", "DoseUnits": "RELATIVE"},
            *("rescaled", "{relative}", ["stored", "rescaled"]),
        ),
        ({"Modality": "PT", "Units": "PROPCPS"}, "rescaled", "{propcounts}/s", None),
        ({"Modality": "PT", "Units": "FURLONGS"}, "rescaled", "{FURLONGS}", None),
        ({"Modality": "PT", "RescaleType": "BQML"}, "rescaled", "Bq/ml", None),
    ],
)
def test_what_an_image_is_read_as(
    make_slice: Make, changes: dict[str, Any], value: str, unit: str, known: list[str] | None
) -> None:
    frame = frame_of(make_slice(**changes))
    assert (frame.value, frame.unit) == (value, unit)
    assert known is None or names(frame) == known
    np.testing.assert_array_equal(frame.as_value("stored").pixels, STORED)
    assert frame.as_value("stored").unit == "1"
    np.testing.assert_array_equal(frame.as_value("default").pixels, frame.pixels)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"RescaleType": "US"}, "its rescale type is US"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "it is a localizer"),
        ({"RescaleSlope": None, "RescaleIntercept": None}, "it has no rescale slope and intercept"),
        ({"Modality": "MR"}, "the image does not state it"),
    ],
)
def test_no_hounsfield_units(make_slice: Make, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DicomError, match=f"no hu values: {reason}"):
        frame_of(make_slice(**changes)).as_value("hu")


def test_units_of_vendors_are_said(make_slice: Make) -> None:
    slices = [make_slice(RescaleType="normalized", SOPInstanceUID=f"1.2.{n}") for n in range(3)]
    (issue,) = [i for i in open_images(slices).issues if i.code == "unknown-unit"]
    assert (issue.severity, issue.path) == ("information", "1.2.3.1")
    assert is_unknown_unit("{NORMALIZED}") and not is_unknown_unit("{counts}")


def test_a_mapping_is_independent_of_the_modality_lut(make_slice: Make) -> None:
    item = mapping(3, 20, RealWorldValueSlope=0.5, RealWorldValueIntercept=10.0)
    frame = frame_of(make_slice(Modality="MR", RealWorldValueMappingSequence=[item]))
    assert names(frame) == ["stored", "rescaled", "rwv:mm2/s"]
    assert frame.value == "rescaled"
    real = frame.as_value("rwv:mm2/s")
    expected = slowly(range(24), 3, 20, LinearMap(0.5, 10.0))
    np.testing.assert_array_equal(real.pixels.ravel(), expected)
    assert (real.unit, real.value) == ("mm2/s", "rwv:mm2/s")


def test_a_mapping_by_table(make_slice: Make) -> None:
    item = mapping(2, 5, code("ms"), RealWorldValueLUTData=[20.0, 3.5, -1.0, 1e9])
    frame = frame_of(make_slice(RealWorldValueMappingSequence=[item])).as_value("rwv:ms")
    expected = [np.nan, np.nan, 20.0, 3.5, -1.0, 1e9, *[np.nan] * 18]
    np.testing.assert_array_equal(frame.pixels.ravel(), expected)


@pytest.mark.parametrize(
    ("entries", "syntax"), [(8000, ExplicitVRLittleEndian), (65536, ImplicitVRLittleEndian)]
)
def test_long_tables_in_files(make_slice: Make, tmp_path: Path, entries: int, syntax: UID) -> None:
    """More than 8191 entries do not fit in a value of explicit representation."""
    table = (np.arange(entries) * 0.5).tolist()
    item = mapping(0, entries - 1, RealWorldValueLUTData=table)
    changes: dict[str, Any] = {"RealWorldValueMappingSequence": [item]}
    dataset = make_slice(STORED.astype(np.uint16), PixelRepresentation=0, **changes)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(tmp_path / "table.dcm", enforce_file_format=True)
    (frame,) = open_images(tmp_path / "table.dcm").frames
    np.testing.assert_array_equal(frame.as_value("rwv:mm2/s").pixels, STORED * 0.5)


def test_hounsfield_units_by_a_mapping(make_slice: Make) -> None:
    item = mapping(0, 20, code("hnsf'U"), RealWorldValueIntercept=-1024.0)
    frame = frame_of(make_slice(RescaleType="US", RealWorldValueMappingSequence=[item]))
    assert (frame.value, frame.unit, frame.unavailable) == ("hu", "[hnsf'U]", ())
    assert names(frame) == ["stored", "rescaled", "hu", "rwv:[hnsf'U]"]
    assert frame.pixels[0, 3] == -1021 and np.isnan(frame.pixels[3, 5])


def test_a_ct_of_something_else(make_slice: Make) -> None:
    item = mapping(0, 20, code("ml/100ml/s"))
    frame = frame_of(make_slice(RescaleType="US", RealWorldValueMappingSequence=[item]))
    assert (frame.value, frame.unit) == ("rwv:ml/100ml/s", "ml/100ml/s")
    two = [item, mapping(0, 20, code("s"))]
    frame = frame_of(make_slice(RescaleType="US", RealWorldValueMappingSequence=two))
    assert (frame.value, frame.unit) == ("rescaled", "1")


def test_several_mappings_are_told_apart(make_slice: Make) -> None:
    items = [
        mapping(0, 9, LUTLabel="LOW", RealWorldValueSlope=2.0),
        mapping(5, 23, LUTLabel="HIGH", RealWorldValueSlope=3.0),
        mapping(0, 23, code("1"), LUTLabel="LOW"),
    ]
    frame = frame_of(make_slice(RealWorldValueMappingSequence=items))
    assert names(frame)[3:] == ["rwv:mm2/s#LOW", "rwv:mm2/s#HIGH", "rwv:1"]
    assert frame.as_value("rwv:mm2/s#HIGH").pixels[1, 1] == 21
    with pytest.raises(DicomError, match="several, choose among rwv:mm2/s#LOW, rwv:mm2/s#HIGH"):
        frame.as_value("rwv:mm2/s")
    items[1].LUTLabel = "LOW"
    frame = frame_of(make_slice(RealWorldValueMappingSequence=items))
    assert names(frame)[3:] == ["rwv:mm2/s#1", "rwv:mm2/s#2", "rwv:1"]
    same = [mapping(0, 9, LUTLabel="A"), mapping(0, 9, LUTLabel="B")]
    assert names(frame_of(make_slice(RealWorldValueMappingSequence=same)))[3:] == ["rwv:mm2/s"]


@pytest.mark.parametrize(
    ("item", "name", "reason"),
    [
        (mapping(0, 9, code("U-1", "99X")), "rwv:U-1", "'U-1' of the coding scheme '99X'"),
        (mapping(0, 9, RealWorldValueSlope=None), "rwv:mm2/s", "neither slope and intercept"),
        (mapping(0, 9, RealWorldValueLUTData=[1.0, 2.0]), "rwv:mm2/s", "2 values for stored"),
        (mapping(9, 0), "rwv:mm2/s", "stored values 9 to 0"),
    ],
)
def test_mappings_that_cannot_be_used_say_why(
    make_slice: Make, item: Dataset, name: str, reason: str
) -> None:
    frame = frame_of(make_slice(RealWorldValueMappingSequence=[item]))
    assert names(frame) == ["stored", "rescaled", "hu"]
    with pytest.raises(DicomError, match=reason):
        frame.as_value(name)


def test_mappings_without_unit_or_range(make_slice: Make) -> None:
    bare = mapping(0, 9)
    del bare.MeasurementUnitsCodeSequence
    endless = mapping(0, 9)
    del endless.RealWorldValueLastValueMapped
    frame = frame_of(make_slice(RealWorldValueMappingSequence=[bare, endless]))
    assert dict(frame.unavailable) == {
        "rwv:": "its unit is missing",
        "rwv:mm2/s": "the first and the last stored value it is for are missing",
    }


@pytest.mark.parametrize("limits", [(-1000, 20), (64536, 20)])
def test_limits_of_signed_images(make_slice: Make, limits: tuple[int, int]) -> None:
    """64536 stands for -1000 when its sign was lost."""
    cells = np.array([[-1001, -1000, 0, 20, 21]], dtype=np.int16)
    item = mapping(*limits, RealWorldValueSlope=2.0)
    frame = frame_of(make_slice(cells, RealWorldValueMappingSequence=[item]))
    expected = [[np.nan, -2000, 0, 40, np.nan]]
    np.testing.assert_array_equal(frame.as_value("rwv:mm2/s").pixels, expected)


def float_slice(make_slice: Make, values: NDArray[Any], **changes: Any) -> Dataset:
    keyword, vr = {4: ("FloatPixelData", "OF"), 8: ("DoubleFloatPixelData", "OD")}[values.itemsize]
    dataset = make_slice(
        values,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.30",
        Modality="MR",
        BitsAllocated=8 * values.itemsize,
        **dict.fromkeys(("BitsStored", "HighBit", "RescaleSlope", "RescaleIntercept")),
        **changes,
    )
    del dataset.PixelData
    dataset.add_new(keyword, vr, values.tobytes())
    return dataset


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floating_point_images_are_read_as_real_values(make_slice: Make, kind: Any) -> None:
    values = np.array([[-0.5, 0.0, 0.25], [1.5, 2.0, 2.5]], dtype=kind)
    item = mapping(0.0, 2.0, RealWorldValueSlope=4.0, RealWorldValueIntercept=1.0)
    frame = frame_of(float_slice(make_slice, values, RealWorldValueMappingSequence=[item]))
    assert (frame.value, frame.unit) == ("rwv:mm2/s", "mm2/s")
    np.testing.assert_array_equal(frame.pixels, [[np.nan, 1, 2], [7, 9, np.nan]])
    np.testing.assert_array_equal(frame.as_value("stored").pixels, values)


def test_floating_point_images_have_no_tables(make_slice: Make) -> None:
    values = np.zeros((2, 3), dtype=np.float32)
    item = mapping(0, 1, RealWorldValueLUTData=[1.0, 2.0])
    frame = frame_of(float_slice(make_slice, values, RealWorldValueMappingSequence=[item]))
    with pytest.raises(DicomError, match="floating point pixel data has no table"):
        frame.as_value("rwv:mm2/s")


def mapping_object(items: list[tuple[list[Dataset], list[tuple[str, list[int]]]]]) -> Dataset:
    """Make a Real World Value Mapping object about other images."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.67"
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = "1.2.9.1", "1.2.9"
    dataset.Modality = "RWV"
    groups = []
    for mappings, frames in items:
        group = Dataset()
        group.RealWorldValueMappingSequence = mappings
        group.ReferencedImageSequence = []
        for uid, numbers in frames:
            reference = Dataset()
            reference.ReferencedSOPInstanceUID = uid
            if numbers:
                reference.ReferencedFrameNumber = numbers
            group.ReferencedImageSequence.append(reference)
        groups.append(group)
    dataset.ReferencedImageRealWorldValueMappingSequence = groups
    return dataset


def test_mappings_in_an_object_of_their_own(make_slice: Make, tmp_path: Path) -> None:
    """The first slice has a mapping of its own, the second none, the third is not named."""
    own = mapping(0, 23, RealWorldValueSlope=2.0, LUTLabel="own")
    other = mapping(0, 9, RealWorldValueSlope=5.0, LUTLabel="other")
    slices = [make_slice(SOPInstanceUID=f"1.2.3.{n}") for n in (1, 2, 3)]
    slices[0].RealWorldValueMappingSequence = [own]
    about = mapping_object([([other], [("1.2.3.1", []), ("1.2.3.2", [1]), ("1.2.3.77", [])])])
    for source in ([about, *slices], [*slices, about]):
        images = open_images(source)
        first, second, third = images.frames
        assert names(first)[3:] == ["rwv:mm2/s#own", "rwv:mm2/s#other"]
        assert names(second)[3:] == ["rwv:mm2/s"]
        assert names(third)[3:] == []
        assert first.as_value("rwv:mm2/s#other").pixels[0, 4] == 20
        assert second.as_value("rwv:mm2/s").pixels[0, 4] == 20
        assert np.isnan(second.as_value("rwv:mm2/s").pixels[2, 3])
        assert first.value == second.value == "hu"


def test_mappings_for_a_frame_that_is_not_there(make_slice: Make) -> None:
    about = mapping_object([([mapping(0, 9)], [("1.2.3.1.1", [2])])])
    assert names(open_images([make_slice(), about]).frames[0])[3:] == []


def test_mapping_objects_about_many_images(make_slice: Make, tmp_path: Path) -> None:
    """One mapping, and a reference to each image of a long series."""
    group: list[tuple[str, list[int]]] = [(f"1.2.3.{n}", []) for n in range(1200)]
    about = mapping_object([([mapping(0, 9)], group)])
    about.file_meta = make_slice().file_meta
    about.save_as(tmp_path / "about.dcm", enforce_file_format=True)
    images = open_images([make_slice(SOPInstanceUID="1.2.3.1199"), tmp_path / "about.dcm"])
    assert images.issues == ()
    assert names(images.frames[0])[3:] == ["rwv:mm2/s"]


def test_broken_mapping_objects_leave_images_as_they_are(make_slice: Make) -> None:
    about = mapping_object([([mapping(0, 9)], [("1.2.3.1.1", [])])])
    group = about.ReferencedImageRealWorldValueMappingSequence[0]
    group.ReferencedImageSequence[0].add_new("ReferencedFrameNumber", "LO", "one")
    images = open_images([make_slice(), about])
    assert [issue.code for issue in images.issues] == ["mapping"]
    assert names(images.frames[0]) == ["stored", "rescaled", "hu"]


def test_uptake_values_that_somebody_stored(make_slice: Make) -> None:
    """No weight, no SUV of our own; the mapping says what it is."""
    suv = mapping(0, 23, code("{SUVbw}g/ml"), RealWorldValueSlope=0.25)
    dataset = make_slice(Modality="PT", Units="BQML", RealWorldValueMappingSequence=[suv])
    images = open_images(dataset)
    (frame,) = images.frames
    assert (frame.value, frame.unit) == ("suvbw", "g/ml{SUVbw}")
    np.testing.assert_array_equal(frame.pixels, STORED * 0.25)
    assert "rwv:g/ml{SUVbw}" in names(frame)
    assert not [issue for issue in images.issues if issue.code == "no-suv"]


@pytest.mark.parametrize(
    ("value", "bits", "allocated", "signed", "expected"),
    [
        (-2000, 16, 16, True, -2000),
        (63536, 16, 16, True, -2000),
        (63536, 16, 16, False, 63536),
        (-2000, 16, 16, False, 63536),
        (63536, 12, 16, True, -2000),
        (2096, 12, 16, True, -2000),
        (2047, 12, 16, True, 2047),
        (-1, 8, 8, True, -1),
        (255, 8, 8, True, -1),
        (4095, 12, 16, False, 4095),
        # no stored value can be these
        (63536, 12, 16, False, 63536),
        (-2000, 12, 16, False, 63536),
        (-32768, 12, 16, True, -32768),
        (-32768, 12, 16, False, 32768),
    ],
)
def test_padding_numbers(
    value: int, bits: int, allocated: int, signed: bool, expected: int
) -> None:
    assert stored_number(value, bits, allocated, signed=signed) == expected


def test_a_padding_value_that_bits_cannot_hold_costs_no_real_pixel(make_slice: Make) -> None:
    """The lower 12 bits of 63536 are 2096, and -32768 has the lower bits of 0."""
    cells = np.array([[2096, 1], [0, 4095]], dtype=np.uint16)
    for padding in (63536, 32768):
        dataset = make_slice(cells, BitsStored=12, PixelRepresentation=0)
        dataset.add_new("PixelPaddingValue", "US", padding)
        images = open_images(dataset)
        assert not np.isnan(images.frames[0].pixels).any()
        assert "padding-value" in [issue.code for issue in images.issues]
    usual = make_slice(cells, BitsStored=12, PixelRepresentation=0)
    usual.add_new("PixelPaddingValue", "US", 4095)
    images = open_images(usual)
    assert np.isnan(images.frames[0].pixels).tolist() == [[False, False], [False, True]]
    assert "padding-value" not in [issue.code for issue in images.issues]


def test_cells_that_are_padding_beyond_the_stored_bits_are_excluded(make_slice: Make) -> None:
    cells = np.array([[2096, 63536], [0xF001, 4095]], dtype=np.uint16)  # 0xF001: overlay above 1
    dataset = make_slice(cells, BitsStored=12, PixelRepresentation=0, RescaleIntercept=0)
    dataset.RescaleSlope = 1
    dataset.add_new("PixelPaddingValue", "US", 63536)
    pixels = open_images(dataset).frames[0].pixels
    np.testing.assert_array_equal(pixels, [[2096, np.nan], [1, 4095]])


def test_padding_stays_padding_in_every_quantity(make_slice: Make) -> None:
    cells = np.array([[0, 5], [7, 9]], dtype=np.int16)
    item = mapping(0, 100, RealWorldValueSlope=2.0)
    dataset = make_slice(cells, PixelPaddingValue=5, RealWorldValueMappingSequence=[item])
    frame = frame_of(dataset)
    for name in names(frame):
        assert np.isnan(frame.as_value(name).pixels).tolist() == [[False, True], [False, False]]


def test_padding_of_double_floats(make_slice: Make) -> None:
    values = np.array([[0.1, -1e300], [3.25, 7.0]])
    dataset = float_slice(make_slice, values)
    dataset.add_new("DoubleFloatPixelPaddingValue", "FD", -1e300)
    dataset.add_new("DoubleFloatPixelPaddingRangeLimit", "FD", 0.1)
    assert np.isnan(frame_of(dataset).pixels).tolist() == [[True, True], [False, False]]


def test_monochrome1_does_not_invert_any_quantity(make_slice: Make) -> None:
    item = mapping(0, 23)
    changes = {"RealWorldValueMappingSequence": [item]}
    light = frame_of(make_slice(**changes))
    dark = frame_of(make_slice(PhotometricInterpretation="MONOCHROME1", **changes))
    assert dark.inverted and not light.inverted
    for name in names(light):
        np.testing.assert_array_equal(dark.as_value(name).pixels, light.as_value(name).pixels)


@pytest.mark.parametrize("absent", ["RescaleIntercept", "RescaleSlope"])
def test_ct_without_both_of_slope_and_intercept_is_not_called_hounsfield(
    make_slice: Make, absent: str
) -> None:
    frame = frame_of(make_slice(**{absent: None}))
    assert frame.unit == "1"
    assert "hu" not in names(frame)
