"""Volumes: anisotropic, oblique, uneven, tilted and repeated planes, against slow computations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from imageregion import Ellipsoid, Frame, Images, Plane, Points, Polygon, Region, Target
from imageregion.errors import DicomError, PlacementError
from imageregion.locate import Located, locate, owned_space
from imageregion.stack import parallel_groups
from imageregion.volume import Volume, volumes_by_orientation

Floats = NDArray[np.float64]
FOR = "1.2.826.9"
SERIES = "1.2.826.1"
UNEVEN = (0.0, 2.5, 5.6, 8.1, 11.2, 23.0, 25.9)  # slices are missing after 11.2


def stack(
    plane: Plane,
    heights: tuple[float, ...] = (0, 3, 6, 9),
    shift: tuple[float, float, float] = (0, 0, 0),
    **fields: Any,
) -> list[Frame]:
    """Frames in disorder; the value of pixel (row, column) of slice k is 10000 k + 100 r + c."""
    row, column = np.mgrid[: plane.shape[0], : plane.shape[1]]
    frames = []
    for k, height in enumerate(heights):
        origin = plane.origin + height * plane.normal + height * np.array(shift)
        settings: dict[str, Any] = {
            "plane": Plane(plane.shape, origin, plane.axes),
            "series": SERIES,
            "instance": f"{SERIES}.{k}",
            "frame_of_reference": FOR,
        }
        frames.append(Frame.from_array(10000 * k + 100 * row + column, **settings | fields))
    order = np.random.default_rng(len(heights)).permutation(len(frames))
    return [frames[i] for i in order]


def nearest_voxel(frames: list[Frame], point: Floats) -> float:
    """Value at the image plane that owns the point, pixel by pixel, by PS3.3 C.7.6.2.1.1."""
    planes = [frame.plane for frame in frames if frame.plane is not None]
    along = [float(np.cross(*p.axes.T) @ (point - p.origin)) for p in planes]
    area = [float(np.linalg.norm(np.cross(*p.axes.T))) for p in planes]
    away = [abs(a / s) for a, s in zip(along, area, strict=True)]
    k = int(np.argmin(away))
    heights = sorted(float(p.origin @ np.cross(*p.axes.T)) / area[0] for p in planes)
    gaps = np.diff(heights)
    usual = float(np.median(gaps))
    mine = float(planes[k].origin @ np.cross(*planes[k].axes.T)) / area[0]
    rank = int(np.argmin(np.abs(np.array(heights) - mine)))
    above = along[k] > 0
    gap = gaps[min(max(rank if above else rank - 1, 0), len(gaps) - 1)]
    if away[k] > (usual if gap > 1.5 * usual else gap) / 2 + 0.01:  # room for few digits
        return float("nan")
    rows, columns = planes[k].shape
    u, v = planes[k].axes.T
    i = round(float((point - planes[k].origin) @ u / (u @ u)))
    j = round(float((point - planes[k].origin) @ v / (v @ v)))
    if not (0 <= i < columns and 0 <= j < rows):
        return float("nan")
    return float(frames[k].pixels[j, i])


@pytest.mark.parametrize("heights", [(0, 3, 6, 9), UNEVEN, (9, 6, 3, 0), (4.0, 0.5)])
@pytest.mark.parametrize("shift", [(0, 0, 0), (0.21, -0.3, 0.1)])
def test_samples_are_those_of_the_nearest_voxel(
    plane: Plane, heights: tuple[float, ...], shift: tuple[float, float, float]
) -> None:
    frames = stack(plane, heights, shift)
    volume = Volume.from_frames(frames)
    random = np.random.default_rng(11)
    corner = plane.to_patient([[-3.0, -3.0]])[0]
    reach = plane.axes @ (np.array([[76.0], [46.0]]) * random.random((2, 150)))
    points = corner + reach.T + plane.normal * random.uniform(-4, 30, (150, 1))
    found = volume.sample(points)
    expected = [nearest_voxel(frames, point) for point in points]
    np.testing.assert_array_equal(found, expected)
    assert 20 < np.isnan(found).sum() < 145
    column, row, number = volume.locate_points(points)[~np.isnan(found)].T
    assert (volume.to_array()[number, row, column] == found[~np.isnan(found)]).all()


def test_frames_are_in_order_and_gaps_as_they_are(plane: Plane) -> None:
    volume = Volume.from_frames(stack(plane, UNEVEN))
    assert [frame.instance for frame in volume.frames] == [f"{SERIES}.{k}" for k in range(7)]
    start = float(plane.origin @ plane.normal)
    assert volume.positions == pytest.approx(np.array(UNEVEN) + start)
    assert volume.gaps == pytest.approx(np.diff(UNEVEN))
    assert np.array(volume.missing) == pytest.approx(np.array([[start + 11.2, start + 23.0]]))
    # half a usual gap (3.0, the median) into the hole, half of each gap elsewhere
    assert volume.slabs[4] == pytest.approx([1.55, 1.5])
    assert volume.slabs[5] == pytest.approx([1.5, 1.45])


def test_affine_goes_to_the_centres_of_voxels(plane: Plane) -> None:
    volume = Volume.from_frames(stack(plane))
    for column, row, number in ((0, 0, 0), (69, 0, 3), (7, 39, 1)):
        frame = volume.frames[number]
        assert frame.plane is not None
        center = frame.plane.origin + frame.plane.axes @ (column, row)
        assert volume.affine @ (column, row, number, 1) == pytest.approx([*center, 1])
    assert np.linalg.det(volume.affine[:3, :3]) == pytest.approx(2.0 * 0.5 * 3)


@given(
    angle=st.floats(0.1, 44.0),
    upwards=st.booleans(),
    thick=st.floats(0.4, 12.0),
    count=st.integers(2, 9),
)
def test_gantry_tilt_is_found(angle: float, upwards: bool, thick: float, count: int) -> None:
    """The table moves along z while the images lean: PS3.3 C.8.2.1."""
    lean = np.radians(angle if upwards else -angle)
    across, down = np.array([0.7, 0, 0]), 1.3 * np.array([0, np.cos(lean), np.sin(lean)])
    frames = [
        Frame.from_array(
            np.zeros((4, 5)), plane=Plane((4, 5), [0, 0, k * thick], np.stack([across, down], 1))
        )
        for k in range(count)
    ]
    volume = Volume.from_frames(frames)
    assert volume.tilt == pytest.approx(np.degrees(lean), abs=1e-9)
    assert volume.shear == pytest.approx((0, np.tan(lean)), abs=1e-9)
    assert volume.gaps == pytest.approx([thick * np.cos(lean)] * (count - 1))
    with pytest.raises(PlacementError, match=rf"^gantry tilt of {angle:.1f} degrees$"):
        _ = volume.affine


@pytest.mark.parametrize(
    ("reason", "frames"),
    [
        ("uneven spacing: gaps from 2.5 to 11.8 mm; slices are missing between 11.2 and 23 mm", 0),
        ("uneven spacing: gaps from 2.8 to 3.2 mm", 1),
        (f"several images at one position, 3 mm: {SERIES}.1 frame 1, {SERIES}.2 frame 1", 2),
        ("not a volume: a single image has no distance to the next", 3),
        (f"not a volume: several images at one position, 0 mm: {SERIES}.", 4),
        ("shear of 14.0 degrees", 5),
        ("images of several orientations: they are turned against each other in their plane", 6),
        ("images of several sizes: 4 x 6 pixels of 2 x 0.5 mm, 4 x 6 pixels of 2 x 0.6 mm", 7),
        ("the images are shifted against each other by up to 0.3 mm", 8),
    ],
)
def test_why_it_is_no_regular_grid(reason: str, frames: int) -> None:
    axes = np.array([[0.5, 0], [0, 2.0], [0, 0]])
    flat = Plane((4, 6), [0, 0, 0], axes)
    turned = Plane((4, 6), [0, 0, 3], np.array([[0, 2.0], [-0.5, 0], [0, 0]]))
    larger = Plane((4, 6), [0, 0, 3], axes * [1.2, 1.0])
    drifting = [Plane((4, 6), [0.3 * (k == 1), 0, 3.0 * k], axes) for k in range(4)]
    pixels = np.zeros((4, 6))
    made = [
        stack(flat, UNEVEN),
        stack(flat, (0, 3, 6.2, 9.0)),
        stack(flat, (0, 3, 3, 6)),
        stack(flat, (0,)),
        stack(flat, (0, 0, 0)),
        stack(flat, shift=(0.25, 0, 0)),
        [*stack(flat, (0,)), Frame.from_array(pixels, plane=turned, frame_of_reference=FOR)],
        [*stack(flat, (0,)), Frame.from_array(pixels, plane=larger, frame_of_reference=FOR)],
        [Frame.from_array(pixels, plane=plane) for plane in drifting],
    ][frames]
    volume = Volume.from_frames(made)
    assert volume.why_not is not None
    assert volume.why_not.startswith(reason)
    assert not volume.is_regular
    with pytest.raises(PlacementError) as raised:
        _ = volume.affine
    assert str(raised.value) == volume.why_not


def test_rounding_of_headers_is_not_uneven() -> None:
    """Positions of 1.25 mm slices written with two digits."""
    plane = Plane((4, 6), [0, 0, 0], np.array([[0.5, 0], [0, 2.0], [0, 0]]))
    heights = tuple(np.round(np.arange(60) * 1.2543, 2))
    volume = Volume.from_frames(stack(plane, heights))
    assert volume.is_regular
    # 60 slices, the ends are off by at most 0.005 mm each
    assert volume.affine[2, 2] == pytest.approx(1.2543, abs=0.01 / 59)


def test_duplicates_are_named_and_not_sampled(plane: Plane) -> None:
    volume = Volume.from_frames(stack(plane, (0, 3, 3, 6, 9)))
    (pair,) = volume.duplicates
    assert {frame.instance for frame in pair} == {f"{SERIES}.1", f"{SERIES}.2"}
    assert volume.gaps == pytest.approx([3, 3, 3])
    middle = plane.to_patient([[20.2, 10.3]])
    assert volume.sample(middle + 6 * plane.normal).tolist() == [30000 + 1000 + 20]
    with pytest.raises(
        PlacementError, match=rf"{SERIES}\.1 frame 1, {SERIES}\.2 frame 1|\.2 .*\.1"
    ):
        volume.sample(middle + 3 * plane.normal)


def test_what_makes_no_volume() -> None:
    with pytest.raises(PlacementError, match="there are no images"):
        Volume.from_frames([])
    axes = [[1, 0], [0, 1], [0, 0]]
    flat = Plane((2, 2), [0, 0, 0], axes)
    with pytest.raises(PlacementError, match=r"image 1\.5 has no plane"):
        Volume.from_frames([*stack(flat), Frame.from_array(np.zeros((2, 2)), instance="1.5")])
    other = stack(flat, frame_of_reference="1.7")
    with pytest.raises(PlacementError, match=rf"several frames of reference: {FOR}, 1\.7"):
        Volume.from_frames([*stack(flat), *other])
    upright = Plane((2, 2), [0, 0, 0], np.array([[1, 0], [0, 0], [0, -1]]))
    mixed = [*stack(flat), *stack(upright, (0, 3))]
    with pytest.raises(
        PlacementError, match=r"several orientations: 4 with normal \(0, 0, 1\); 2 "
    ):
        Volume.from_frames(mixed)
    assert [len(volume) for volume in Volume.split(mixed)] == [4, 2]
    assert Volume.split([Frame.from_array(np.zeros((2, 2)))]) == ()


def test_a_volume_too_large_is_refused_before_it_is_made() -> None:
    shape = (1 << 14, 1 << 14)
    frames = [
        Frame(lambda: pytest.fail("decoded"), shape, Plane(shape, [0, 0, z], np.eye(3)[:, :2]))
        for z in (0, 1)
    ]
    with pytest.raises(PlacementError, match="2 x 16384 x 16384 values are too many"):
        Volume.from_frames(frames).to_array()


def test_arrays_of_several_sizes_and_of_colour() -> None:
    small, wide = (Plane((2, n), [0, 0, n], np.eye(3)[:, :2]) for n in (2, 3))
    frames = [Frame.from_array(np.zeros(plane.shape), plane=plane) for plane in (small, wide)]
    with pytest.raises(PlacementError, match="expected images of one size, got 2 x 2 pixels"):
        Volume.from_frames(frames).to_array()
    cells = np.arange(12).reshape(2, 2, 3)
    colours = ("red", "green", "blue")
    frames = [
        Frame.from_array(
            cells + 100 * k, plane=Plane((2, 2), [0, 0, k], small.axes), channels=colours
        )
        for k in (1, 0)
    ]
    volume = Volume.from_frames(frames)
    assert volume.to_array().shape == (2, 2, 2, 3)
    assert volume.sample(np.array([[1.2, 0.1, 1.1], [5, 5, 0]])).tolist()[0] == [103, 104, 105]


def test_padding_has_no_value() -> None:
    plane = Plane((2, 2), [0, 0, 0], np.eye(3)[:, :2])
    frame = Frame.from_array(
        [[-2000, 5], [6, 7]], plane=plane, padding=(-2000, -2000), thickness=2.0
    )
    assert np.isnan(Volume.from_frames([frame]).sample([[0, 0, 0.9]])).all()
    assert Volume.from_frames([frame]).sample([[1, 0, 0.9]]).tolist() == [5]


# Time points, echoes, b-values: beside each other, not one behind the other.


def series_4d(plane: Plane, *, enhanced: bool = False) -> list[Frame]:
    """Three time points of four slices and two echoes each, in disorder.

    InstanceNumber is of no use as a dimension: every image has its own. A second keyword says the
    same as the first.
    """
    frames: list[Frame] = []
    for time in (1, 2, 3):
        for echo in (20, 80):
            for k in range(4):
                number = len(frames) + 1
                origin = plane.origin + 3 * k * plane.normal
                frames.append(
                    Frame.from_array(
                        np.full(plane.shape, 100 * time + echo + 1000 * k),
                        plane=Plane(plane.shape, origin, plane.axes),
                        series=SERIES,
                        instance=SERIES + ".1" if enhanced else f"{SERIES}.{number}",
                        number=number if enhanced else 1,
                        frame_of_reference=FOR,
                        dimensions=(
                            ("StackID", "1"),
                            ("TemporalPositionIndex", str(time)),
                            ("TriggerTime", str(30 * time)),
                            ("EchoTime", str(echo)),
                            ("AcquisitionTime", str(number)),
                        ),
                    )
                )
    order = np.random.default_rng(5).permutation(len(frames))
    return [frames[i] for i in order]


def test_a_series_of_several_dimensions_has_to_be_chosen_from(plane: Plane) -> None:
    frames = series_4d(plane)
    with pytest.raises(PlacementError) as raised:
        Images(frames).volume(SERIES)
    message = str(raised.value)
    assert message.startswith("several images at one position, 6 stacks told apart by ")
    assert "TemporalPositionIndex 1, 2, 3" in message
    assert "EchoTime 20, 80" in message
    assert "AcquisitionTime" not in message
    volumes = Images(frames).volumes(SERIES)
    assert len(volumes) == 6
    seen = set()
    for volume in volumes:
        about = dict(volume.dimensions)
        value = 100 * int(about["TemporalPositionIndex"]) + int(about["EchoTime"])
        seen.add(value)
        assert [frame.pixels[0, 0] for frame in volume.frames] == [
            value + 1000 * k for k in range(4)
        ]
        assert volume.is_regular
    assert len(seen) == 6
    one = [
        f
        for f in frames
        if {("TemporalPositionIndex", "2"), ("EchoTime", "80")} < set(f.dimensions)
    ]
    assert Images(one).volume().sample(plane.to_patient([[3.3, 3.3]])).tolist() == [280]


def values_of(found: tuple[Located, ...]) -> list[list[float]]:
    return sorted([float(part.frame.pixels[0, 0]) for part in one.parts] for one in found)


@pytest.mark.parametrize("enhanced", [False, True])
def test_a_region_in_the_patient_lies_once_on_every_time_point(
    plane: Plane, enhanced: bool
) -> None:
    frames = series_4d(plane, enhanced=enhanced)
    images = Images(frames)
    corners = plane.to_patient([[5, 5], [30, 5], [30, 20]]) + 3.2 * plane.normal
    polygon = Region(Polygon(corners), Target(frame_of_reference=FOR))
    every = [100 * t + e for t in (1, 2, 3) for e in (20, 80)]
    assert values_of(locate(polygon, images)) == [[1000.0 + v] for v in sorted(every)]
    center = plane.to_patient([[30, 20]])[0] + 4 * plane.normal
    ball = Region(Ellipsoid(center, np.eye(3) * 3.5), Target(frame_of_reference=FOR))
    found = locate(ball, images)
    assert values_of(found) == [[1000.0 + v, 2000.0 + v] for v in sorted(every)]
    for one in found:
        space = owned_space([part.frame for part in one.parts], images)
        assert space is not None
        assert space.thickness == pytest.approx((3.0, 3.0))
    mixed = [found[0].parts[0].frame, found[1].parts[1].frame]
    assert owned_space(mixed, images) is None


def test_the_image_a_region_names_decides_about_the_time_point(plane: Plane) -> None:
    corners = plane.to_patient([[5, 5], [30, 5], [30, 20]]) + 3.2 * plane.normal
    classic = series_4d(plane)
    chosen = next(f for f in classic if f.pixels[0, 0] == 3280)  # time 2, echo 80, slice 3
    target = Target(instance=chosen.instance, frame_of_reference=FOR)
    assert values_of(locate(Region(Polygon(corners), target), Images(classic))) == [[1280.0]]
    enhanced = series_4d(plane, enhanced=True)
    chosen = next(f for f in enhanced if f.pixels[0, 0] == 3280)
    target = Target(instance=chosen.instance, frames=(chosen.number,), frame_of_reference=FOR)
    assert values_of(locate(Region(Polygon(corners), target), Images(enhanced))) == [[1280.0]]
    everything = Target(instance=chosen.instance, frame_of_reference=FOR)
    assert len(locate(Region(Polygon(corners), everything), Images(enhanced))) == 6


def test_a_time_point_with_a_slice_less(plane: Plane) -> None:
    frames = [f for f in series_4d(plane) if f.pixels[0, 0] not in (1120, 2180)]
    corners = plane.to_patient([[5, 5], [30, 5], [30, 20]]) + 3.2 * plane.normal
    found = locate(Region(Polygon(corners), Target(frame_of_reference=FOR)), Images(frames))
    assert values_of(found) == [[1180.0], [1220.0], [1280.0], [1320.0], [1380.0]]


def test_images_that_nothing_tells_apart_are_refused(plane: Plane) -> None:
    """A number of its own for each image is no dimension: it would make stacks of one slice."""
    numbered = [
        Frame.from_array(
            np.full(plane.shape, k),
            plane=frame.plane,
            series=SERIES,
            instance=f"1.3.{k}",
            frame_of_reference=FOR,
            dimensions=(("AcquisitionTime", str(k)),),
        )
        for k, frame in enumerate([*stack(plane), *stack(plane)])
    ]
    images = Images(numbered)
    points = Points(plane.to_patient([[5, 5]]))
    with pytest.raises(PlacementError, match="several images of the series lie at one position"):
        locate(Region(points, Target(frame_of_reference=FOR)), images)
    here = [f for f in images.frames if f.plane and abs(f.plane.distance(points.coords)[0]) < 1e-6]
    assert len(here) == 2
    for frame in here:
        named = Target(instance=frame.instance, frame_of_reference=FOR)
        assert values_of(locate(Region(points, named), images)) == [[float(frame.pixels[0, 0])]]


# Whole slides.


class Grid:
    """Tiles of 16 x 16 pixels in a total pixel matrix whose values are 1000 r + c."""

    def __init__(self, rows: int, columns: int, instance: str) -> None:
        self.shape = (16, 16)
        self.instance = instance
        top, left = np.mgrid[0:rows:16, 0:columns:16]
        self.corners = np.stack([top.ravel(), left.ravel()], axis=1)
        self.loaded: list[int] = []

    def load(self, index: int) -> NDArray[Any]:
        self.loaded.append(index)
        row, column = np.mgrid[:16, :16]
        top, left = self.corners[index]
        return np.asarray(1000 * (row + top) + column + left)

    def frame(self, number: int) -> Frame:
        if not 1 <= number <= len(self.corners):
            raise PlacementError(f"image {self.instance}: there is no frame {number}")
        return Frame(
            lambda: self.load(number - 1), self.shape, instance=self.instance, number=number
        )


def level(rows: int, columns: int, pixel: float, instance: str, path: str = "1") -> Frame:
    axes = np.array([[0.0, -pixel], [-pixel, 0.0], [0.0, 0.0]])  # slides are often upside down
    origin = np.array([20.0, 40.0, 0.0]) + axes @ (0.5, 0.5)
    return Frame(
        lambda: pytest.fail("the whole matrix is never loaded"),
        (rows, columns),
        Plane((rows, columns), origin, axes),
        series=SERIES,
        instance=instance,
        number=0,
        frame_of_reference=FOR,
        modality="SM",
        dimensions=(("OpticalPathIdentifier", path),),
        tiles=Grid(rows, columns, instance),
    )


@pytest.fixture
def slide() -> Images:
    """Two levels; the finer one with two optical paths."""
    return Images(
        [
            level(50, 100, 0.002, "1.4.2"),
            level(100, 200, 0.001, "1.4.1", "2"),
            level(100, 200, 0.001, "1.4.1"),
        ]
    )


def test_coordinates_count_from_the_tile_when_frames_are_named(slide: Images) -> None:
    whole = slide.find(Target(instance="1.4.1"))
    assert [(frame.number, frame.shape) for frame in whole] == [(0, (100, 200))] * 2
    tiles = slide.find(Target(instance="1.4.1", frames=(15, 3, 15)))
    assert [(frame.number, frame.shape) for frame in tiles] == [(15, (16, 16)), (3, (16, 16))]
    assert tiles[0].pixels[2, 3] == 1000 * 18 + 19  # second row of 13 tiles, second tile
    with pytest.raises(PlacementError, match="there is no frame 99"):
        slide.find(Target(instance="1.4.1", frames=(99,)))
    with pytest.raises(PlacementError, match=r"it names 2 \(OpticalPathIdentifier 1, 2\)"):
        slide.frame(Target(instance="1.4.1"))
    assert "SM 1.2.826.1: 3 frames (total pixel matrix) of 100 x 200, 50 x 100 pixels" in str(slide)
    assert slide.mismatches(Target("", SERIES, "1.4.1", (3,))) == ()


def test_levels_of_a_slide_are_told_apart(slide: Images) -> None:
    fine = next(frame for frame in slide.frames if frame.instance == "1.4.1")
    assert fine.plane is not None
    shape = fine.plane.to_patient(Polygon([[10, 10], [30, 10], [30, 40]]))
    with pytest.raises(PlacementError) as raised:
        locate(Region(shape, Target(frame_of_reference=FOR)), slide)
    message = str(raised.value)
    assert "1.4.1, 100 x 200 pixels of 0.001 x 0.001 mm" in message
    assert "1.4.2, 50 x 100 pixels of 0.002 x 0.002 mm" in message
    found = locate(Region(shape, Target(instance="1.4.2", frame_of_reference=FOR)), slide)
    (part,) = found[0].parts
    assert part.frame.instance == "1.4.2"
    assert part.shape is not None
    assert part.shape.bounds[1] == pytest.approx([15.0, 20.0])
    fine_parts = locate(Region(shape, Target(instance="1.4.1", frame_of_reference=FOR)), slide)
    assert [one.parts[0].frame.dimensions[0][1] for one in fine_parts] == ["1", "2"]


def test_samples_of_a_slide_load_only_their_tiles() -> None:
    frame = level(100, 200, 0.001, "1.4.1")
    assert frame.plane is not None
    assert isinstance(frame.tiles, Grid)
    pixels = np.array([[3.5, 2.5], [199.5, 99.5], [15.9, 0.1], [16.1, 0.1], [250, 3]])
    volume = Volume.from_frames([frame])
    points = frame.plane.to_patient(pixels)
    found = volume.sample(points)
    assert found[:4].tolist() == [2003, 99199, 15, 16]
    assert np.isnan(found[4])
    assert sorted(frame.tiles.loaded) == [0, 1, 90]
    with pytest.raises(DicomError):  # sanity of the fixture: the whole is refused, not loaded
        Frame.read(level(1 << 15, 1 << 15, 0.001, "1.4"), (0, 1 << 15), (0, 1 << 15))


# Access.


def test_a_volume_is_asked_for_by_uid(plane: Plane) -> None:
    other = stack(plane, (0, 2), series="1.8")
    images = Images([*stack(plane), *other])
    assert len(images.volume(SERIES)) == 4
    assert len(images.volume("1.8")) == 2
    with pytest.raises(PlacementError, match=r"the UID of one series; .*1\.2\.826\.1, 1\.8"):
        images.volume()
    with pytest.raises(PlacementError, match=r"no image of series 9\.9"):
        images.volume("9.9")
    with pytest.raises(PlacementError, match="none of its 1 frame has a plane"):
        Images([Frame.from_array([[1]], series="1", instance="1.1")]).volume("1")
    assert repr(images.volume("1.8")).startswith(
        "Volume(2 frames of 40 x 70 pixels of 2 x 0.5 mm, "
    )


def test_an_instance_with_several_frames_is_a_volume(plane: Plane) -> None:
    frames = [
        Frame.from_array(f.stored, plane=f.plane, instance="1.6", number=10 - k, series="1")
        for k, f in enumerate(stack(plane))
    ]
    volume = Images(frames).volume(instance="1.6")
    assert [frame.pixels[0, 0] for frame in volume.frames] == [0, 10000, 20000, 30000]


def test_many_regions_ask_for_the_order_of_a_series_once(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def counted(frames: tuple[Frame, ...]) -> tuple[tuple[Volume, ...], ...]:
        made.append(len(frames))
        return volumes_by_orientation(frames)

    monkeypatch.setattr("imageregion.dicom.images.volumes_by_orientation", counted)
    images = Images(stack(plane))
    for _ in range(20):
        points = Points(plane.to_patient([[5, 5]]))
        (found,) = locate(Region(points, Target(frame_of_reference=FOR)), images)
        owned_space([found.parts[0].frame], images)
    assert len(made) <= 2  # once for all series of the frame of reference, once for the one series


def test_many_orientations_take_no_time_by_their_square() -> None:
    """Radial slices of a damaged or very long acquisition: each its own direction."""
    angle = np.linspace(0, np.pi, 3000, endpoint=False)
    planes = [
        Plane((2, 2), [0, 0, 0], np.array([[0, np.cos(a)], [0, np.sin(a)], [1, 0]])) for a in angle
    ]
    groups = parallel_groups(planes)
    assert len(groups) > 256
    assert sorted(i for group in groups for i in group) == list(range(3000))
