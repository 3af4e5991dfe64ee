"""What regions ask of images: one frame, all frames of an instance, stacks for 3-D."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pydicom import Dataset

from imageregion.dicom import Images, open_images
from imageregion.errors import PlacementError
from imageregion.frame import Frame
from imageregion.region import Target

Make = Callable[..., Dataset]

AXIAL = [1, 0, 0, 0, 1, 0]
CORONAL = [1, 0, 0, 0, 0, -1]
OTHER = {
    "SeriesInstanceUID": "1.2.3.2",
    "FrameOfReferenceUID": "1.2.3.8",
    "SOPInstanceUID": "1.2.3.2.1",
}


@pytest.fixture
def images(make_slice: Make) -> Images:
    """Eleven irregular axial slices and one coronal one, shuffled; a second, single image."""
    positions = [0.0, 1.0, 2.5, 3.0, 10.0, -4.0, -7.5, 20.0, 21.0, 33.0, 5.0]
    slices = [
        make_slice(
            SOPInstanceUID=f"1.2.3.1.{number}",
            InstanceNumber=100 - number,
            ImagePositionPatient=[-10, 20, z],
            ImageOrientationPatient=AXIAL,
        )
        for number, z in enumerate(positions, start=1)
    ]
    slices.insert(3, make_slice(SOPInstanceUID="1.2.3.1.50", ImageOrientationPatient=CORONAL))
    return open_images([make_slice(**OTHER), *slices])


def test_frames_are_sorted_by_place_and_never_by_number(images: Images) -> None:
    stack = images.stacks("1.2.3.9")["1.2.3.1"]
    axial = [frame for frame in stack if frame.plane and abs(frame.plane.normal[2]) > 0.9]
    heights = [frame.plane.origin[2] for frame in axial if frame.plane]
    assert heights == sorted(heights)
    assert len(heights) == 11
    assert len(stack) == 12
    assert [id(f) for f in images.frames if f.series == "1.2.3.1"] == [id(f) for f in stack]


def test_order_survives_small_differences_of_orientation(make_slice: Make) -> None:
    rng = np.random.default_rng(3)
    slices = []
    for z in rng.permutation(20):
        tilt = rng.normal(scale=1e-5)
        slices.append(
            make_slice(
                SOPInstanceUID=f"1.2.{z}",
                ImagePositionPatient=[0, 0, int(z)],
                ImageOrientationPatient=[1, 0, 0, 0, np.cos(tilt), np.sin(tilt)],
            )
        )
    frames = open_images(slices).frames
    assert [frame.instance for frame in frames] == [f"1.2.{z}" for z in range(20)]


def test_one_frame(images: Images) -> None:
    frame = images.frame(Target(instance="1.2.3.1.3"))
    assert frame.instance == "1.2.3.1.3"
    assert images.frame(Target(series="1.2.3.2")).instance == "1.2.3.2.1"
    with pytest.raises(PlacementError, match=r"series 1\.2\.3\.1: .* names 12"):
        images.frame(Target(series="1.2.3.1"))


def test_frames_of_an_instance(make_slice: Make) -> None:
    cine = np.arange(3 * 4 * 6, dtype=np.int16).reshape(3, 4, 6)
    images = open_images(make_slice(cine, NumberOfFrames=3))
    assert [frame.number for frame in images.find(Target(instance="1.2.3.1.1"))] == [1, 2, 3]
    found = images.find(Target(instance="1.2.3.1.1", frames=(3, 1, 3)))
    assert [frame.number for frame in found] == [3, 1]
    assert found[0].stored.tolist() == cine[2].tolist()
    assert found[0].plane is None
    for number in (0, 4):
        with pytest.raises(PlacementError, match=rf"no frame {number}, the image has 3 frames"):
            images.find(Target(instance="1.2.3.1.1", frames=(number,)))


def test_what_is_not_there(images: Images) -> None:
    with pytest.raises(
        PlacementError, match=r"SOP Instance UID 9\.9 among 13 instances in 2 series"
    ):
        images.find(Target(instance="9.9"))
    with pytest.raises(PlacementError, match=r"no image of series 9\.9 .*1\.2\.3\.1, 1\.2\.3\.2"):
        images.find(Target(series="9.9"))
    with pytest.raises(PlacementError, match="neither an instance nor a series"):
        images.find(Target(study="1.2.3"))
    with pytest.raises(PlacementError, match="frame numbers need a SOP Instance UID"):
        images.find(Target(series="1.2.3.1", frames=(1,)))


def test_stacks_of_a_frame_of_reference(images: Images) -> None:
    assert list(images.stacks("1.2.3.8")) == ["1.2.3.2"]
    assert list(images.stacks("1.2.3.9", "1.2.3.1")) == ["1.2.3.1"]
    with pytest.raises(PlacementError, match=r"frame of reference 9\.9 .*1\.2\.3\.[89], 1\.2"):
        images.stacks("9.9")
    with pytest.raises(PlacementError, match=r"no image of series 9\.9 .*1\.2\.3\.9: .*1\.2\.3\.1"):
        images.stacks("1.2.3.9", "9.9")
    with pytest.raises(
        PlacementError,
        match=r"series 1\.2\.3\.2 has frame of reference 1\.2\.3\.8, the region has 1\.2\.3\.9",
    ):
        images.stacks("1.2.3.9", "1.2.3.2")
    with pytest.raises(PlacementError, match="needs a Frame of Reference UID"):
        images.stacks("")


def test_stacks_need_planes(make_slice: Make) -> None:
    images = open_images(make_slice(ImagePositionPatient=None))
    with pytest.raises(PlacementError, match="none of its 1 frame has a plane"):
        images.stacks("1.2.3.9")
    with pytest.raises(PlacementError, match="none of its images has a plane"):
        images.stacks("1.2.3.9", "1.2.3.1")


def test_mismatches_are_warnings(images: Images) -> None:
    right = Target("1.2.3", "1.2.3.2", "1.2.3.2.1", frame_of_reference="1.2.3.8")
    assert images.mismatches(right) == ()
    assert images.mismatches(Target(instance="9.9", series="8.8")) == ()
    wrong = Target("7", "1.2.3.1", "1.2.3.2.1", frame_of_reference="1.2.3.9")
    found = images.mismatches(wrong)
    assert [(issue.severity, issue.code) for issue in found] == [
        ("warning", "study-mismatch"),
        ("warning", "series-mismatch"),
        ("warning", "frame-of-reference-mismatch"),
    ]
    assert "1.2.3.8" in found[2].message
    assert "1.2.3.9" in found[2].message
    assert [i.code for i in images.mismatches(Target("7", "1.2.3.1"))] == ["study-mismatch"]


def test_images_show_what_they_are(images: Images) -> None:
    assert repr(images) == "Images(13 frames of 13 instances in 2 series)"
    assert "CT 1.2.3.1: 12 frames of 4 x 6 pixels, 12 with a plane" in str(images)


def test_images_from_frames_in_memory() -> None:
    frames = [Frame.from_array(np.full((2, 3), n), instance=f"1.{n}", series="1") for n in (2, 1)]
    images = Images(frames)
    assert [frame.instance for frame in images.frames] == ["1.1", "1.2"]
    assert images.frame(Target(instance="1.2")).pixels.max() == 2
    assert len(Images([])) == 0
