"""Concatenations: frames of parts under the numbers of the object they were cut from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset

from imageregion import PlacementError, Target, open_images
from imageregion.dicom.files.headers import read_dataset
from imageregion.dicom.placement.concatenations import Part, joined, part_of
from imageregion.frame import Frame

MakeSlice = Callable[..., Dataset]


def frames(uid: str, count: int) -> list[Frame]:
    """Frames whose one pixel holds their number within the part."""
    return [Frame.from_array([[n]], instance=uid, number=n) for n in range(1, count + 1)]


PARTS = [
    (Part("9", "1.0", 5, 3), frames("1.3", 1)),
    (Part("9", "1.0", 0, 3), frames("1.1", 2)),
    (Part("9", "1.0", 2, 3), frames("1.2", 3)),
]


def test_frames_get_the_numbers_of_the_uncut_object() -> None:
    found, issues = joined(PARTS)
    assert issues == ()
    assert list(found) == ["1.0"]
    assert [frame.number for frame in found["1.0"]] == [1, 2, 3, 4, 5, 6]
    assert {frame.instance for frame in found["1.0"]} == {"1.0"}
    assert [int(frame.stored[0, 0]) for frame in found["1.0"]] == [1, 2, 1, 2, 3, 1]
    assert PARTS[0][1][0].instance == "1.3"


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        (PARTS[:2], "frames 3 to 5 are missing"),
        (PARTS[::2], "frames 1 to 2 are missing"),
        (PARTS[1:], "there are 2 of 3 parts"),
        ([*PARTS, PARTS[1]], "are there twice"),
        ([*PARTS, (Part("9", "1.0", 4, 3), frames("1.4", 1))], "frames 5 to 5 are there twice"),
        ([*PARTS, (Part("9", "1.0", -1), frames("1.4", 1))], "does not say"),
    ],
)
def test_gaps_and_duplicates_are_refused(
    parts: list[tuple[Part, list[Frame]]], reason: str
) -> None:
    found, issues = joined(parts)
    assert found == {}
    (issue,) = issues
    assert (issue.severity, issue.code, issue.path) == ("warning", "concatenation", "1.0")
    assert reason in issue.message


def test_another_way_of_cutting_the_same_object() -> None:
    whole = [(Part("8", "1.0", 0, 1), frames("1.9", 6))]
    found, issues = joined([*PARTS, *whole])
    assert [frame.number for frame in found["1.0"]] == [1, 2, 3, 4, 5, 6]
    assert issues == ()


def test_what_a_part_says() -> None:
    dataset = Dataset()
    assert part_of(read_dataset(dataset, "memory")) is None
    dataset.ConcatenationUID = "9"
    dataset.SOPInstanceUIDOfConcatenationSource = "1.0"
    assert part_of(read_dataset(dataset, "memory")) == Part("9", "1.0", -1, 0)
    dataset.ConcatenationFrameOffsetNumber = 4
    dataset.InConcatenationTotalNumber = 3
    assert part_of(read_dataset(dataset, "memory")) == Part("9", "1.0", 4, 3)


def test_total_pixel_matrices_are_left_out() -> None:
    class Tiles:
        shape = (1, 1)
        corners = np.zeros((1, 2), dtype=np.int64)

        def load(self, index: int) -> np.ndarray:
            raise AssertionError(index)

        def frame(self, number: int) -> Frame:
            raise AssertionError(number)

    tiled = [Frame.from_array([[1]], number=0, tiles=Tiles())]
    assert joined([(Part("9", "1.0", 0), tiled)]) == ({}, ())


def test_a_region_may_name_the_uncut_object_or_a_part(make_slice: MakeSlice) -> None:
    parts = [
        make_slice(
            np.full((count, 4, 6), first, np.int16)
            + np.arange(count, dtype=np.int16)[:, None, None],
            SOPInstanceUID=f"1.2.3.1.{first + 1}",
            NumberOfFrames=count,
            ConcatenationUID="1.2.3.8",
            SOPInstanceUIDOfConcatenationSource="1.2.3.7",
            ConcatenationFrameOffsetNumber=first,
            RescaleSlope=1,
            RescaleIntercept=0,
        )
        for first, count in ((2, 3), (0, 2))
    ]
    images = open_images(parts)
    assert len(images) == 5  # the uncut object adds no images of its own
    for number in range(1, 6):
        frame = images.frame(Target(instance="1.2.3.7", frames=(number,)))
        assert frame.pixels[0, 0] == number - 1
    assert images.frame(Target(instance="1.2.3.1.3", frames=(2,))).pixels[0, 0] == 3
    with pytest.raises(PlacementError, match="no frame 6"):
        images.frame(Target(instance="1.2.3.7", frames=(6,)))


def test_parts_that_became_a_slide_are_not_missed() -> None:
    assert joined([(Part("9", "1.0", 0, 2), ()), (Part("9", "1.0", 5, 2), ())]) == ({}, ())
