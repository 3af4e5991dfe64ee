"""How large pixels are without a place in the patient: projections, ultrasound, captures."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from imageregion.dicom.files.headers import read_dataset
from imageregion.dicom.placement.calibration import Calibration, spacing_of
from imageregion.plane import Plane
from imageregion.spacing import Spacing

PLANE = Plane((480, 640), [0, 0, 0], [[0.5, 0.0], [0.0, 2.0], [0.0, 0.0]])
REGION = {
    "RegionSpatialFormat": 1,
    "RegionDataType": 1,
    "RegionFlags": 2,
    "RegionLocationMinX0": 100,
    "RegionLocationMinY0": 50,
    "RegionLocationMaxX1": 599,
    "RegionLocationMaxY1": 449,
    "PhysicalUnitsXDirection": 3,
    "PhysicalUnitsYDirection": 3,
    "PhysicalDeltaX": 0.02,
    "PhysicalDeltaY": 0.05,
}


def image(**fields: Any) -> Dataset:
    dataset = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some values are wrong on purpose
        for name, value in {"Rows": 480, "Columns": 640, "SOPInstanceUID": "1.2", **fields}.items():
            setattr(dataset, name, value)
    return dataset


def calibrated(plane: Plane | None = None, **fields: Any) -> Calibration:
    return spacing_of(read_dataset(image(**fields), "image"), plane)


def sequence(*regions: dict[str, Any]) -> list[Dataset]:
    made = []
    for changes in regions:
        item = Dataset()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, value in {**REGION, **changes}.items():
                if value is not None:
                    setattr(item, name, value)
        made.append(item)
    return made


def codes(found: Calibration) -> list[tuple[str, str]]:
    return [(issue.severity, issue.code) for issue in found.issues]


# --- projections ---------------------------------------------------------------------------------

GOLDEN: list[tuple[dict[str, Any], Spacing | None]] = [
    ({}, None),
    ({"ImagerPixelSpacing": [0.2, 0.1]}, Spacing(0.2, 0.1, "detector")),
    ({"NominalScannedPixelSpacing": [0.2, 0.1]}, Spacing(0.2, 0.1, "detector")),
    (
        {"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.2, 0.1]},
        Spacing(0.2, 0.1, "detector"),
    ),
    (  # rounded differently
        {"PixelSpacing": [0.1435, 0.1435], "ImagerPixelSpacing": [0.143489, 0.143489]},
        Spacing(0.143489, 0.143489, "detector"),
    ),
    (
        {"PixelSpacing": [0.16, 0.08], "ImagerPixelSpacing": [0.2, 0.1]},
        Spacing(0.16, 0.08, "calibrated"),
    ),
    (
        {"PixelSpacing": [0.16, 0.08], "NominalScannedPixelSpacing": [0.2, 0.1]},
        Spacing(0.16, 0.08, "calibrated"),
    ),
    (  # only one axis differs
        {"PixelSpacing": [0.2, 0.08], "ImagerPixelSpacing": [0.2, 0.1]},
        Spacing(0.2, 0.08, "calibrated"),
    ),
    *(
        (
            {
                "PixelSpacing": [0.2, 0.1],
                "ImagerPixelSpacing": [0.2, 0.1],
                "PixelSpacingCalibrationType": kind,
            },
            Spacing(0.2, 0.1, "calibrated"),
        )
        for kind in ("GEOMETRY", "FIDUCIAL", "fiducial ")
    ),
    (
        {"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
        Spacing(0.2, 0.1, "calibrated"),
    ),
    (
        {"ImagerPixelSpacing": [0.2, 0.1], "EstimatedRadiographicMagnificationFactor": 1.25},
        Spacing(0.16, 0.08, "estimated"),
    ),
    (  # the stated factor goes before the distances
        {
            "ImagerPixelSpacing": [0.2, 0.1],
            "EstimatedRadiographicMagnificationFactor": 1.25,
            "DistanceSourceToDetector": 1000,
            "DistanceSourceToPatient": 500,
        },
        Spacing(0.16, 0.08, "estimated"),
    ),
    (
        {
            "PixelSpacing": [0.2, 0.1],
            "ImagerPixelSpacing": [0.2, 0.1],
            "DistanceSourceToDetector": 1000,
            "DistanceSourceToPatient": 800,
        },
        Spacing(0.2 / 1.25, 0.1 / 1.25, "estimated"),
    ),
    (  # a calibrated image is not corrected twice
        {
            "PixelSpacing": [0.16, 0.08],
            "ImagerPixelSpacing": [0.2, 0.1],
            "EstimatedRadiographicMagnificationFactor": 1.25,
        },
        Spacing(0.16, 0.08, "calibrated"),
    ),
    (  # equal distances are no measurement
        {
            "ImagerPixelSpacing": [0.2, 0.1],
            "DistanceSourceToDetector": 660,
            "DistanceSourceToPatient": 660,
        },
        Spacing(0.2, 0.1, "detector"),
    ),
    (
        {"ImagerPixelSpacing": [0.2, 0.1], "EstimatedRadiographicMagnificationFactor": 1},
        Spacing(0.2, 0.1, "estimated"),
    ),
    (
        {"ImagerPixelSpacing": [0.2, 0.1], "DistanceSourceToPatient": 800},
        Spacing(0.2, 0.1, "detector"),
    ),
    (
        {"ImagerPixelSpacing": [0.2, 0.1], "ObjectPixelSpacingInCenterOfBeam": [0.125, 0.0625]},
        Spacing(0.125, 0.0625, "estimated"),
    ),
    ({"PixelAspectRatio": ["4", "3"]}, Spacing(4 / 3, 1.0, "aspect")),
    ({"PixelAspectRatio": ["1", "1"]}, Spacing(1.0, 1.0, "aspect")),
    (
        {"PixelAspectRatio": ["4", "3"], "ImagerPixelSpacing": [0.2, 0.1]},
        Spacing(0.2, 0.1, "detector"),
    ),
]


@pytest.mark.parametrize(("fields", "expected"), GOLDEN)
@pytest.mark.parametrize("modality", ["DX", "CR", "XA", "OT", "MG"])
def test_spacing_of_projections(
    fields: dict[str, Any], expected: Spacing | None, modality: str
) -> None:
    found = calibrated(Modality=modality, **fields)
    assert found == Calibration(expected)


@pytest.mark.parametrize("modality", ["DX", "CR", "OT", "XC", "OP", ""])
def test_pixel_spacing_with_nothing_to_compare_it_with_may_be_magnified(modality: str) -> None:
    found = calibrated(Modality=modality, PixelSpacing=[0.2, 0.1])
    assert found.spacing == Spacing(0.2, 0.1, "detector")
    assert codes(found) == [("information", "unknown-calibration")]


@pytest.mark.parametrize("modality", ["CT", "MR", "PT", "NM", "US"])
def test_slices_without_a_position_are_in_the_patient_still(modality: str) -> None:
    found = calibrated(Modality=modality, PixelSpacing=[2.0, 0.5])
    assert found == Calibration(Spacing(2.0, 0.5, "patient"))


def test_a_localizer_of_ct_is_a_projection() -> None:
    kind = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    found = calibrated(Modality="CT", ImageType=kind, PixelSpacing=[2.0, 0.5])
    assert found.spacing == Spacing(2.0, 0.5, "detector")


def test_a_plane_decides_alone() -> None:
    found = calibrated(PLANE, Modality="MR", PixelSpacing=[9, 9], ImagerPixelSpacing=[1, 1])
    assert found == Calibration(Spacing(2.0, 0.5, "patient"))


def test_pixels_larger_in_the_body_than_at_the_detector_are_a_warning() -> None:
    found = calibrated(Modality="DX", PixelSpacing=[0.4, 0.4], ImagerPixelSpacing=[0.2, 0.2])
    assert found.spacing == Spacing(0.4, 0.4, "calibrated")
    assert codes(found) == [("warning", "spacing-differs")]


BAD = [[0.2], [0.2, 0.2, 0.2], [0.0, 0.2], [-0.2, 0.2], [1e9, 0.2], [1e-12, 0.2]]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("keyword", ["PixelSpacing", "ImagerPixelSpacing"])
def test_a_bad_spacing_is_said_and_not_used(keyword: str, bad: list[float]) -> None:
    fields: dict[str, Any] = {keyword: bad}
    found = calibrated(Modality="DX", **fields)
    assert found.spacing is None
    assert codes(found) == [("warning", "bad-spacing")]
    assert found.issues[0].path == "1.2"
    assert keyword in found.issues[0].message
    other = {"PixelSpacing": "ImagerPixelSpacing"}.get(keyword, "PixelSpacing")
    fields[other] = [0.2, 0.1]
    found = calibrated(Modality="DX", **fields)
    assert found.spacing == Spacing(0.2, 0.1, "detector")


@pytest.mark.parametrize(
    "fields",
    [
        {"EstimatedRadiographicMagnificationFactor": 0.5},
        {"EstimatedRadiographicMagnificationFactor": 500},
        {"DistanceSourceToDetector": 800, "DistanceSourceToPatient": 1000},
        {"DistanceSourceToDetector": 1000, "DistanceSourceToPatient": 1},
        {"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "GUESS"},
    ],
)
def test_impossible_geometry_is_said_and_not_used(fields: dict[str, Any]) -> None:
    found = calibrated(Modality="DX", ImagerPixelSpacing=[0.2, 0.1], **fields)
    assert found.spacing == Spacing(0.2, 0.1, "detector")
    assert codes(found) == [("warning", "bad-spacing")]


@given(st.floats(0.01, 2), st.floats(0.01, 2), st.floats(1, 20))
def test_magnification_shrinks_both_directions(rows: float, columns: float, by: float) -> None:
    found = calibrated(
        Modality="DX",
        ImagerPixelSpacing=[f"{rows:.10g}", f"{columns:.10g}"],
        EstimatedRadiographicMagnificationFactor=f"{by:.10g}",
    ).spacing
    assert found is not None
    # ten digits are written
    assert found.rows == pytest.approx(rows / by, rel=1e-9)
    assert found.columns == pytest.approx(columns / by, rel=1e-9)


# --- ultrasound ----------------------------------------------------------------------------------


def test_a_region_reaches_from_corner_to_corner_and_counts_mm() -> None:
    found = calibrated(Modality="US", SequenceOfUltrasoundRegions=sequence({}))
    (region,) = found.ultrasound
    assert (region.left, region.top, region.right, region.bottom) == (100, 50, 600, 450)
    assert region.shape == (400, 500)
    assert region.spacing == Spacing(0.5, 0.2, "ultrasound")
    assert region.high_priority
    assert found.spacing is None
    assert found.issues == ()
    assert str(region) == "2D region 1 (columns 100 to 600, rows 50 to 450)"


def test_negative_deltas_are_directions() -> None:
    changes = {"PhysicalDeltaX": -0.02, "PhysicalDeltaY": -0.05}
    (region,) = calibrated(SequenceOfUltrasoundRegions=sequence(changes)).ultrasound
    assert region.spacing == Spacing(0.5, 0.2, "ultrasound")


@pytest.mark.parametrize(("flags", "high"), [(0, True), (1, False), (2, True), (3, False)])
def test_bit_0_of_the_flags_is_the_priority(flags: int, high: bool) -> None:
    (region,) = calibrated(SequenceOfUltrasoundRegions=sequence({"RegionFlags": flags})).ultrasound
    assert region.high_priority is high


@pytest.mark.parametrize("units", [(4, 7), (4, 3), (3, 4), (0, 0), (3, 0), (8, 8), (12, 3)])
def test_only_centimetres_along_both_axes_are_lengths(units: tuple[int, int]) -> None:
    changes = {"PhysicalUnitsXDirection": units[0], "PhysicalUnitsYDirection": units[1]}
    found = calibrated(SequenceOfUltrasoundRegions=sequence(changes))
    assert [region.spacing for region in found.ultrasound] == [None]
    assert found.issues == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"PhysicalDeltaX": 0.0}, "two lengths in cm, got 0"),
        ({"PhysicalDeltaX": None}, "two lengths in cm, got 0.05"),
        ({"PhysicalDeltaY": math.nan}, "finite"),
        ({"PhysicalDeltaY": 1e30}, "two lengths in cm"),
        ({"PhysicalUnitsXDirection": None}, "one whole number"),
        ({"RegionSpatialFormat": 3}, "spectral region cannot have cm along both axes"),
        ({"RegionSpatialFormat": 2}, "M-mode region cannot"),
    ],
)
def test_a_region_without_a_usable_scale_stays_to_keep_lengths_out(
    changes: dict[str, Any], message: str
) -> None:
    found = calibrated(SequenceOfUltrasoundRegions=sequence(changes, {}))
    assert [region.spacing is None for region in found.ultrasound] == [True, False]
    assert codes(found) == [("warning", "bad-ultrasound-region")]
    assert message in found.issues[0].message
    assert "SequenceOfUltrasoundRegions[1]" in found.issues[0].message


@pytest.mark.parametrize(
    "changes",
    [
        {"RegionLocationMinX0": None},
        {"RegionLocationMinX0": 600},
        {"RegionLocationMinX0": 640, "RegionLocationMaxX1": 700},
        {"RegionLocationMaxY1": 49},
        {"RegionLocationMinY0": 480, "RegionLocationMaxY1": 4_000_000_000},
    ],
)
def test_a_region_without_a_place_is_left_out(changes: dict[str, Any]) -> None:
    found = calibrated(SequenceOfUltrasoundRegions=sequence({}, changes))
    assert [region.name for region in found.ultrasound] == ["2D region 1"]
    assert codes(found) == [("warning", "bad-ultrasound-region")]
    assert "left out" in found.issues[0].message


def test_a_region_beyond_the_image_is_cut() -> None:
    """Scanners write the width itself where the last column is meant."""
    changes = {"RegionLocationMaxX1": 640, "RegionLocationMaxY1": 4_000_000_000}
    found = calibrated(SequenceOfUltrasoundRegions=sequence(changes))
    (region,) = found.ultrasound
    assert (region.right, region.bottom) == (640, 480)
    assert "beyond 640 columns and 480 rows; cut" in found.issues[0].message


def test_a_flood_of_regions_is_not_read() -> None:
    found = calibrated(SequenceOfUltrasoundRegions=sequence(*[{}] * 257))
    assert found.ultrasound == ()
    assert "at most 256" in found.issues[0].message
    assert len(calibrated(SequenceOfUltrasoundRegions=sequence(*[{}] * 256)).ultrasound) == 256


def test_an_empty_sequence_is_none() -> None:
    assert calibrated(SequenceOfUltrasoundRegions=[]) == Calibration()


def test_pixel_spacing_beside_regions_is_kept_for_pictures() -> None:
    regions = sequence({})
    found = calibrated(Modality="US", PixelSpacing=[2, 1], SequenceOfUltrasoundRegions=regions)
    assert found.spacing == Spacing(2.0, 1.0, "patient")
    assert len(found.ultrasound) == 1


def test_a_plane_with_regions_of_the_same_size_needs_none() -> None:
    regions = sequence({"PhysicalDeltaX": 0.05, "PhysicalDeltaY": 0.2})
    found = calibrated(PLANE, Modality="US", SequenceOfUltrasoundRegions=regions)
    assert found == Calibration(Spacing(2.0, 0.5, "patient"))


def test_a_plane_with_regions_of_another_size_is_a_warning() -> None:
    regions = sequence({})
    found = calibrated(PLANE, Modality="US", SequenceOfUltrasoundRegions=regions)
    assert found.spacing == Spacing(2.0, 0.5, "patient")
    assert len(found.ultrasound) == 1
    assert codes(found) == [("warning", "spacing-differs")]
    other = calibrated(PLANE, Modality="MR", SequenceOfUltrasoundRegions=regions)
    assert other == Calibration(Spacing(2.0, 0.5, "patient"))


VALUES = st.tuples(
    st.binary(max_size=24) | st.from_regex(rb"[-+0-9.eE\\ ]{0,16}", fullmatch=True),
    st.sampled_from(["", "UN", "LO", "DS", "UL"]),
)
"""Bytes as they may stand in a damaged file, under their own or a wrong value representation."""


def raw(dataset: Dataset, values: dict[str, tuple[bytes, str]]) -> Dataset:
    for name, (value, vr) in values.items():
        tag = tag_for_keyword(name)
        assert tag is not None
        kind = vr or dictionary_VR(tag)
        dataset[tag] = RawDataElement(Tag(tag), kind, len(value), value, 0, False, True)
    return dataset


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # pydicom about values that are wrong
@given(st.dictionaries(st.sampled_from(sorted(REGION)), VALUES))
def test_no_region_is_so_broken_that_it_raises(changes: dict[str, tuple[bytes, str]]) -> None:
    item = raw(sequence({})[0], changes)
    found = calibrated(SequenceOfUltrasoundRegions=[item])
    for region in found.ultrasound:
        assert 0 <= region.left < region.right <= 640
        assert 0 <= region.top < region.bottom <= 480
        if region.spacing is not None:
            assert 0 < region.spacing.rows < math.inf
            assert 0 < region.spacing.columns < math.inf


PROJECTION = [
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NominalScannedPixelSpacing",
    "PixelSpacingCalibrationType",
    "EstimatedRadiographicMagnificationFactor",
    "DistanceSourceToDetector",
    "DistanceSourceToPatient",
    "PixelAspectRatio",
    "ObjectPixelSpacingInCenterOfBeam",
]


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@given(st.dictionaries(st.sampled_from(PROJECTION), VALUES), st.sampled_from(["DX", "CT", "US"]))
def test_no_header_is_so_broken_that_it_raises(
    fields: dict[str, tuple[bytes, str]], modality: str
) -> None:
    dataset = raw(image(Modality=modality), fields)
    found = spacing_of(read_dataset(dataset, "image"), None)
    if found.spacing is not None:
        assert 0 < found.spacing.rows < math.inf
        assert 0 < found.spacing.columns < math.inf


@pytest.mark.parametrize("value", [b"", b"abc", b"1\\2"])
def test_a_sequence_that_is_none_is_said(value: bytes) -> None:
    dataset = raw(image(), {"SequenceOfUltrasoundRegions": (value, "LO")})
    found = spacing_of(read_dataset(dataset, "image"), None)
    assert found.ultrasound == ()
    assert set(codes(found)) <= {("warning", "bad-ultrasound-region")}
    assert bool(found.issues) == bool(value)
