"""Functional groups: every frame has its own place, values and dimensions, whatever their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imageregion import measure
from imageregion.dicom import Images, open_images
from imageregion.dicom.files.headers import read_dataset
from imageregion.dicom.placement.groups import Groups
from imageregion.errors import DicomError
from imageregion.frame import Frame
from imageregion.quantities import LinearMap

Make = Callable[..., Dataset]

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
ENHANCED_XA = "1.2.840.10008.5.1.4.1.1.12.1.1"
A, B = np.radians(20), np.radians(35)
ROW = np.array([np.cos(A), np.sin(A), 0])
COLUMN = np.array([-np.sin(A) * np.cos(B), np.cos(A) * np.cos(B), np.sin(B)])
NORMAL = np.cross(ROW, COLUMN)
FIRST = np.array([-10.0, 20.0, 30.0])

POSITION, ORIENTATION = "PlanePositionSequence", "PlaneOrientationSequence"
MEASURES, VALUES = "PixelMeasuresSequence", "PixelValueTransformationSequence"
CONTENT = "FrameContentSequence"


def item(**attributes: Any) -> Dataset:
    dataset = Dataset()
    for name, value in attributes.items():
        setattr(dataset, name, value)
    return dataset


def group(**macros: Dataset | list[Dataset] | None) -> Dataset:
    return item(
        **{
            name: macro if isinstance(macro, list) else [macro]
            for name, macro in macros.items()
            if macro is not None
        }
    )


def position(step: float) -> Dataset:
    return item(ImagePositionPatient=[round(v, 9) for v in (FIRST + step * NORMAL).tolist()])


ORIENTED = item(ImageOrientationPatient=[round(v, 12) for v in (*ROW, *COLUMN)])
MEASURED = item(PixelSpacing=[2.0, 0.5], SliceThickness=3, SpacingBetweenSlices=2.5)


def rescale(slope: float, intercept: float = -1000) -> Dataset:
    return item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="US")


def make_enhanced(
    make_slice: Make, shared: Dataset | None, frames: Sequence[Dataset] | None, **changes: Any
) -> Dataset:
    """Frame n holds n * 100 + 0..23, unless `frames` is None: then there are three frames."""
    count = changes.get("NumberOfFrames", 3 if frames is None else len(frames))
    cells = (
        np.arange(24, dtype=np.int16).reshape(4, 6)
        + 100 * np.arange(count, dtype=np.int16)[:, None, None]
    )
    fields: dict[str, Any] = {
        "SOPClassUID": ENHANCED_MR,
        "Modality": "MR",
        "NumberOfFrames": count,
        **dict.fromkeys(
            ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness")
        ),
        **dict.fromkeys(("RescaleSlope", "RescaleIntercept")),
        "SharedFunctionalGroupsSequence": None if shared is None else [shared],
        "PerFrameFunctionalGroupsSequence": None if frames is None else list(frames),
    }
    return make_slice(cells, **(fields | changes))


SHARED = group(**{ORIENTATION: ORIENTED, MEASURES: MEASURED, VALUES: rescale(2)})
STEPS = [5.0, 0.0, 7.5, 2.5]  # frames in no order


@pytest.fixture
def shuffled(make_slice: Make) -> Dataset:
    frames = [
        group(**{POSITION: position(step), VALUES: rescale(2 + n), CONTENT: item(StackID="1")})
        for n, step in enumerate(STEPS)
    ]
    shared = group(**{ORIENTATION: ORIENTED, MEASURES: MEASURED})
    return make_enhanced(make_slice, shared, frames)


def by_number(images: Images) -> list[Frame]:
    return sorted(images.frames, key=lambda frame: frame.number)


def check_shuffled(images: Images) -> None:
    assert images.issues == ()
    for n, (frame, step) in enumerate(zip(by_number(images), STEPS, strict=True)):
        assert frame.number == n + 1
        assert frame.plane is not None
        column, row = 4, 3
        expected = FIRST + step * NORMAL + ROW * 0.5 * column + COLUMN * 2.0 * row
        centre = frame.plane.to_patient([[column + 0.5, row + 0.5]])
        np.testing.assert_allclose(centre, [expected], atol=1e-8)  # positions have 9 decimals
        assert frame.value_map == LinearMap(2 + n, -1000)
        assert frame.pixels[row, column] == (2 + n) * (100 * n + 22) - 1000
        assert frame.thickness == 2.5
        assert frame.spacing is not None
        assert (frame.spacing.rows, frame.spacing.columns) == pytest.approx((2.0, 0.5), rel=1e-12)
    assert [frame.number for frame in images.frames] == [2, 4, 1, 3]  # along the normal


def test_each_frame_has_its_own_place_and_values(shuffled: Dataset) -> None:
    check_shuffled(open_images(shuffled))


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize(
    "syntax",
    [
        *(ExplicitVRLittleEndian, ImplicitVRLittleEndian),
        *(ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian),
    ],
)
@pytest.mark.parametrize("padding", [0, 100_000])  # more than what is read of a file at first
def test_every_encoding(
    shuffled: Dataset, tmp_path: Path, syntax: UID, undefined: bool, padding: int
) -> None:
    if syntax == ExplicitVRBigEndian:
        cells = np.frombuffer(shuffled.PixelData, dtype="<i2").astype(">i2")
        shuffled.PixelData = cells.tobytes()
    shuffled.file_meta.TransferSyntaxUID = syntax
    for frame in shuffled.PerFrameFunctionalGroupsSequence:
        frame.is_undefined_length_sequence_item = undefined
        for element in frame:
            element.is_undefined_length = undefined
            element.value[0].is_undefined_length_sequence_item = undefined
    for name in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        shuffled[name].is_undefined_length = undefined
    if padding:
        block = shuffled.private_block(0x0029, "MAKER", create=True)
        block.add_new(0x01, "OB", bytes(padding))
    path = tmp_path / "1.dcm"
    shuffled.save_as(path, enforce_file_format=True)
    check_shuffled(open_images(path))
    check_shuffled(open_images(dcmread(path)))


def test_a_shared_macro_counts_for_every_frame(make_slice: Make) -> None:
    frames = [group(**{POSITION: position(step)}) for step in STEPS]
    images = open_images(make_enhanced(make_slice, SHARED, frames))
    assert {frame.value_map for frame in images.frames} == {LinearMap(2, -1000)}
    assert all(frame.plane is not None for frame in images.frames)


def test_the_macro_of_the_frame_goes_first_and_a_conflict_is_told(make_slice: Make) -> None:
    frames = [
        group(**{POSITION: position(0), VALUES: rescale(5)}),
        group(**{POSITION: position(2)}),
    ]
    images = open_images(make_enhanced(make_slice, SHARED, frames))
    assert [frame.value_map for frame in by_number(images)] == [
        LinearMap(5, -1000),
        LinearMap(2, -1000),
    ]
    assert [issue.code for issue in images.issues] == ["functional-groups"]
    assert "(0028,9145)" in images.issues[0].message
    frames[0][VALUES].value[0].RescaleSlope = 2  # the same in both places is no conflict
    assert open_images(make_enhanced(make_slice, SHARED, frames)).issues == ()


def test_top_level_attributes_count_when_there_is_no_macro(make_slice: Make) -> None:
    frames = [group(**{POSITION: position(step)}) for step in STEPS]
    top = {"PixelSpacing": [2.0, 0.5], "RescaleSlope": 3, "RescaleIntercept": 1}
    dataset = make_enhanced(make_slice, group(**{ORIENTATION: ORIENTED}), frames, **top)
    for frame in open_images(dataset).frames:
        assert frame.plane is not None
        assert frame.value_map == LinearMap(3, 1)


def test_one_position_at_the_top_is_not_that_of_several_frames(make_slice: Make) -> None:
    frames = [group(**{CONTENT: item(StackID="1")}) for _ in STEPS]
    dataset = make_enhanced(make_slice, SHARED, frames, ImagePositionPatient=[1, 2, 3])
    images = open_images(dataset)
    assert [frame.plane for frame in images.frames] == [None] * 4
    assert "there is no ImagePositionPatient" in images.issues[0].message
    one = make_enhanced(make_slice, SHARED, frames[:1], ImagePositionPatient=[1, 2, 3])
    assert open_images(one).frames[0].plane is not None


BAD = {
    "absent": (None, "ImagePositionPatient"),
    "empty": ([], "ImagePositionPatient"),
    "without its attribute": (item(SliceThickness=3), "ImagePositionPatient"),
    "too short": (item(ImagePositionPatient=[1, 2]), "expected 3"),
    "twice": ([position(0), position(1)], "expected a single item"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_place_costs_its_frame_only(make_slice: Make, name: str) -> None:
    macro, reason = BAD[name]
    frames = [group(**{POSITION: position(step)}) for step in STEPS]
    frames[2] = group(**{POSITION: macro, CONTENT: item(StackID="1")})
    images = open_images(make_enhanced(make_slice, SHARED, frames))
    found = by_number(images)
    assert [frame.plane is None for frame in found] == [False, False, True, False]
    (issue,) = images.issues
    assert (issue.severity, issue.code) == ("warning", "no-plane")
    assert issue.message.startswith("frame 3: ")
    assert reason in issue.message
    assert found[2].pixels[0, 0] == 2 * 200 - 1000


def test_malformed_values_cost_their_frame_only(make_slice: Make) -> None:
    frames = [group(**{POSITION: position(step), VALUES: rescale(2)}) for step in STEPS]
    frames[1][VALUES].value[0].RescaleSlope = 0
    frames[3][VALUES].value = [rescale(1), rescale(2)]
    shared = group(**{ORIENTATION: ORIENTED, MEASURES: MEASURED})
    images = open_images(make_enhanced(make_slice, shared, frames))
    found = by_number(images)
    assert found[0].pixels[0, 1] == 2 * 1 - 1000
    for index in (1, 3):
        assert found[index].plane is not None
        with pytest.raises(DicomError, match=r"RescaleSlope|single item"):
            _ = found[index].pixels
    messages = [issue.message for issue in images.issues if issue.code == "no-pixels"]
    assert [message[:8] for message in messages] == ["frame 2:", "frame 4:"]


@pytest.mark.parametrize("items", [2, 4])
def test_items_that_do_not_match_the_frames_are_refused(make_slice: Make, items: int) -> None:
    frames = [group(**{POSITION: position(step)}) for step in STEPS[:items]]
    images = open_images(make_enhanced(make_slice, SHARED, frames, NumberOfFrames=3))
    assert [(frame.number, frame.plane) for frame in images.frames] == [
        *((1, None), (2, None), (3, None))
    ]
    with pytest.raises(DicomError, match="expected 3 items, one for each frame"):
        _ = images.frames[0].pixels
    assert [issue.severity for issue in images.issues] == ["error"]


def test_all_groups_may_be_shared(make_slice: Make) -> None:
    shared = group(**{POSITION: position(4), ORIENTATION: ORIENTED, MEASURES: MEASURED})
    images = open_images(make_enhanced(make_slice, shared, None))
    origins = [frame.plane.origin for frame in images.frames if frame.plane is not None]
    assert len(origins) == 3
    np.testing.assert_allclose(origins, [FIRST + 4 * NORMAL] * 3, atol=1e-8)


def test_an_enhanced_image_without_groups_says_so(make_slice: Make) -> None:
    images = open_images(make_enhanced(make_slice, None, None))
    assert [frame.plane for frame in images.frames] == [None] * 3
    assert [issue.code for issue in images.issues] == ["functional-groups"]
    assert images.frames[2].stored[0, 0] == 200


def test_projections_have_no_plane(make_slice: Make) -> None:
    frames = [group(**{POSITION: position(step)}) for step in STEPS]
    dataset = make_enhanced(make_slice, SHARED, frames, SOPClassUID=ENHANCED_XA, Modality="XA")
    assert [frame.plane for frame in open_images(dataset).frames] == [None] * 4
    tomosynthesis = "1.2.840.10008.5.1.4.1.1.13.1.3"
    dataset = make_enhanced(make_slice, SHARED, frames, SOPClassUID=tomosynthesis, Modality="MG")
    assert all(frame.plane is not None for frame in open_images(dataset).frames)


def test_localizers_among_other_frames_have_no_plane(make_slice: Make) -> None:
    kinds = ("AXIAL", "LOCALIZER")
    frames = [
        group(
            PlanePositionSequence=position(n),
            CTImageFrameTypeSequence=item(FrameType=["ORIGINAL", "PRIMARY", kind, "NONE"]),
        )
        for n, kind in enumerate(kinds)
    ]
    images = open_images(make_enhanced(make_slice, SHARED, frames, Modality="CT"))
    assert [frame.plane is None for frame in by_number(images)] == [False, True]
    assert ("ImageType", "ORIGINAL\\PRIMARY\\LOCALIZER\\NONE") in by_number(images)[1].dimensions


def test_windows_are_those_of_the_frame(make_slice: Make) -> None:
    frames = [
        group(
            PlanePositionSequence=position(n),
            FrameVOILUTSequence=item(WindowCenter=10 * n, WindowWidth=100 + n),
        )
        for n in range(3)
    ]
    found = by_number(open_images(make_enhanced(make_slice, SHARED, frames)))
    windows = [frame.window for frame in found]
    assert [(w.center, w.width) for w in windows if w is not None] == [
        *((0, 100), (10, 101), (20, 102))
    ]


# --- dimensions ----------------------------------------------------------------------------------


def test_time_points_are_not_slices(make_slice: Make) -> None:
    """Three slices at two times, b-values and echoes, the times outermost."""
    frames = [
        group(
            PlanePositionSequence=position(2.5 * z),
            FrameContentSequence=item(TemporalPositionIndex=t + 1, InStackPositionNumber=z + 1),
            MREchoSequence=item(EffectiveEchoTime=2.5 + t),
            MRDiffusionSequence=item(
                DiffusionBValue=1000.0 * t,
                DiffusionGradientDirectionSequence=[
                    item(DiffusionGradientOrientation=[0.0, 0.6, 0.8])
                ],
            ),
            CardiacSynchronizationSequence=item(NominalCardiacTriggerDelayTime=40.0 * t),
        )
        for t in range(2)
        for z in range(3)
    ]
    found = by_number(open_images(make_enhanced(make_slice, SHARED, frames)))
    for index, frame in enumerate(found):
        t = index // 3
        assert dict(frame.dimensions) == {
            "TemporalPositionIndex": str(t + 1),
            "EffectiveEchoTime": str(2.5 + t),
            "DiffusionBValue": str(1000.0 * t),
            "DiffusionGradientOrientation": "0.0\\0.6\\0.8",
            "NominalCardiacTriggerDelayTime": str(40.0 * t),
        }
    assert len({frame.dimensions for frame in found}) == 2


def test_dimension_indices_of_other_attributes_are_kept(make_slice: Make) -> None:
    pointers: list[str | int] = ["ImagePositionPatient", "MetaboliteMapDescription", 0x20051030]
    frames = [
        group(
            PlanePositionSequence=position(z),
            FrameContentSequence=item(DimensionIndexValues=[z + 1, m, 7]),
        )
        for m in (1, 2)
        for z in range(2)
    ]
    index = [item(DimensionIndexPointer=Tag(pointer)) for pointer in pointers]
    dataset = make_enhanced(make_slice, SHARED, frames, DimensionIndexSequence=index)
    assert [dict(frame.dimensions) for frame in by_number(open_images(dataset))] == [
        {"MetaboliteMapDescription": str(m), "(2005,1030)": "7"} for m in (1, 1, 2, 2)
    ]


def test_legacy_converted_attributes(make_slice: Make) -> None:
    shared = group(
        PlaneOrientationSequence=ORIENTED,
        PixelMeasuresSequence=MEASURED,
        UnassignedSharedConvertedAttributesSequence=item(
            Units="BQML", SOPInstanceUID="9.9", SpacingBetweenSlices=99
        ),
    )
    frames = [
        group(
            PlanePositionSequence=position(n),
            PixelValueTransformationSequence=rescale(n + 1, 0),
            UnassignedPerFrameConvertedAttributesSequence=item(
                TemporalPositionIdentifier=n + 1, InstanceNumber=n + 1
            ),
        )
        for n in range(2)
    ]
    legacy = "1.2.840.10008.5.1.4.1.1.128.1"
    dataset = make_enhanced(make_slice, shared, frames, SOPClassUID=legacy, Modality="PT")
    found = by_number(open_images(dataset))
    assert [frame.unit for frame in found] == ["Bq/ml"] * 2
    assert [frame.instance for frame in found] == ["1.2.3.1.1"] * 2
    assert [frame.thickness for frame in found] == [2.5] * 2
    assert [dict(frame.dimensions)["TemporalPositionIdentifier"] for frame in found] == ["1", "2"]


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "vr", "dtype", "bits"),
    [("FloatPixelData", "OF", np.float32, 32), ("DoubleFloatPixelData", "OD", np.float64, 64)],
)
def test_parametric_maps(
    make_slice: Make, keyword: str, vr: str, dtype: type[np.floating[Any]], bits: int
) -> None:
    values = np.linspace(-1, 1, 48).astype(dtype).reshape(2, 4, 6)
    frames = [group(**{POSITION: position(n)}) for n in (3, 1)]
    mapping = item(
        LUTLabel="ADC",
        RealWorldValueSlope=2.0,
        RealWorldValueIntercept=0.5,
        DoubleFloatRealWorldValueFirstValueMapped=-5.0,
        DoubleFloatRealWorldValueLastValueMapped=5.0,
        MeasurementUnitsCodeSequence=[
            item(CodeValue="um2/s", CodingSchemeDesignator="UCUM", CodeMeaning="um2/s")
        ],
    )
    shared = group(
        PlaneOrientationSequence=ORIENTED,
        PixelMeasuresSequence=MEASURED,
        RealWorldValueMappingSequence=[mapping],
    )
    dataset = make_enhanced(
        make_slice,
        shared,
        frames,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.30",
        Modality="OT",
        BitsAllocated=bits,
        BitsStored=None,
        PixelRepresentation=None,
    )
    del dataset.PixelData
    dataset.add_new(keyword, vr, values.tobytes())
    found = by_number(open_images(dataset))
    for index, frame in enumerate(found):
        assert frame.plane is not None
        assert frame.unit == "um2/s"
        np.testing.assert_array_equal(frame.stored, values[index])
        np.testing.assert_allclose(frame.pixels, values[index].astype(float) * 2 + 0.5, rtol=1e-12)


# --- work ----------------------------------------------------------------------------------------


def test_equal_macros_are_worked_out_once(make_slice: Make) -> None:
    frames = [group(**{POSITION: position(n), VALUES: rescale(2 + n % 2)}) for n in range(8)]
    header = read_dataset(make_enhanced(make_slice, SHARED, frames), "memory")
    groups = Groups(header, 8)
    assert len({id(groups.header(n, MEASURES, ORIENTATION)) for n in range(8)}) == 1
    assert len({id(groups.header(n, VALUES)) for n in range(8)}) == 2
    assert len({id(groups.header(n, POSITION)) for n in range(8)}) == 8


def test_groups_leave_datasets_alone(make_slice: Make) -> None:
    frames = [group(**{POSITION: position(n)}) for n in range(2)]
    dataset, same = (make_enhanced(make_slice, SHARED, frames) for _ in range(2))
    open_images(dataset)
    assert dataset == same


@pytest.mark.parametrize("undefined", [False, True])
def test_many_frames_open_in_seconds(make_slice: Make, tmp_path: Path, undefined: bool) -> None:
    frames = [
        group(
            PlanePositionSequence=position(n),
            PlaneOrientationSequence=ORIENTED,
            PixelMeasuresSequence=MEASURED,
            PixelValueTransformationSequence=rescale(1 + n % 7),
            FrameContentSequence=item(InStackPositionNumber=n + 1, TemporalPositionIndex=1),
        )
        for n in range(2000)
    ]
    dataset = make_enhanced(make_slice, Dataset(), frames)
    for frame in frames:
        frame.is_undefined_length_sequence_item = undefined
        for element in frame:
            element.is_undefined_length = undefined
    dataset["PerFrameFunctionalGroupsSequence"].is_undefined_length = undefined
    dataset.save_as(tmp_path / "1.dcm", enforce_file_format=True)
    start = time.process_time()
    images = open_images(tmp_path / "1.dcm")
    # 0.6 s on one core; pydicom alone needs 3 s for sequences of undefined length
    assert time.process_time() - start < 6
    assert sum(frame.plane is not None for frame in images.frames) == 2000


@given(
    steps=st.lists(st.integers(-500, 500), min_size=1, max_size=6, unique=True),
    shared=st.sets(st.sampled_from([ORIENTATION, MEASURES, VALUES])),
    spacing=st.tuples(st.sampled_from([0.25, 1, 2.0]), st.sampled_from([0.5, 0.75])),
)
def test_where_macros_stand_does_not_matter(
    steps: list[int], shared: set[str], spacing: tuple[float, float]
) -> None:
    from tests.dicom.conftest import _make_slice

    macros = {
        ORIENTATION: ORIENTED,
        MEASURES: item(PixelSpacing=list(spacing)),
        VALUES: rescale(3, 7),
    }
    own = {name: macro for name, macro in macros.items() if name not in shared}
    frames = [group(**{POSITION: position(step)}, **own) for step in steps]
    dataset = make_enhanced(_make_slice, group(**{name: macros[name] for name in shared}), frames)
    images = open_images(dataset)
    assert images.issues == ()
    for frame, step in zip(by_number(images), steps, strict=True):
        assert frame.plane is not None
        np.testing.assert_allclose(frame.plane.origin, FIRST + step * NORMAL, atol=1e-8)
        assert frame.plane.spacing == pytest.approx(spacing, rel=1e-12)
        assert frame.value_map == LinearMap(3, 7)


def test_observations_say_which_frame_was_measured(make_slice: Make) -> None:
    cells = np.arange(3 * 24, dtype=np.int16).reshape(3, 4, 6)
    dataset = make_slice(cells, NumberOfFrames=3)
    point = {"regionType": "point", "coordinate": [2.5, 1.5]}
    instance = {"uid": "1.2.3.1.1", "subset": ["1", "3"], "imageRegion2D": [point]}
    selection = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "x"},
        "instance": [instance],
    }
    bundle = measure(selection, dataset).to_observations()
    found = [
        extension["valuePositiveInt"]
        for entry in bundle["entry"][1:]
        for extension in entry["resource"]["extension"]
        if extension["url"].endswith("measured-frame")
    ]
    assert found == [1, 3]


@pytest.mark.parametrize("absurd", [0, 1, 2])
def test_an_absurd_position_costs_its_frame_only(make_slice: Make, absurd: int) -> None:
    places = [position(step) for step in (0.0, 2.5, 5.0)]
    places[absurd] = item(ImagePositionPatient=[0, 0, 1e9])
    frames = [group(**{POSITION: place}) for place in places]
    images = open_images(make_enhanced(make_slice, SHARED, frames))
    assert [frame.plane is None for frame in by_number(images)] == [n == absurd for n in range(3)]
    (issue,) = [issue for issue in images.issues if issue.code == "no-plane"]
    assert f"frame {absurd + 1}: ImagePositionPatient" in issue.message
