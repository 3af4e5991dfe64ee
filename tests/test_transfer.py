"""Regions taken from one image to another, against matrix algebra of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import imageregion as ir
from imageregion import Ellipse, Ellipsoid, Frame, Images, Plane, Points, Polygon, Polyline, Region
from imageregion.errors import GeometryError, InputError, PlacementError
from imageregion.region import Target
from imageregion.shapes import Shape
from imageregion.transfer import onto, to_patient

Floats = NDArray[np.float64]
FOR = "1.2.826.9"
CT, PET = "1.2.826.1", "1.2.826.2"

DOUBLE_OBLIQUE = np.array([(0.8, 0.36, -0.48), (0.0, 0.8, 0.6)])
RING = np.array([(5.3, 3.1), (30.7, 2.2), (39.4, 12.9), (22.2, 9.73), (18.8, 22.6), (3.9, 19.05)])
HOLE = np.array([(7.0, 6.0), (11.0, 6.5), (9.0, 9.0)])


def homogeneous(cosines: Floats, origin: Floats, rows: float, columns: float) -> Floats:
    """Matrix from (column, row, slice mm, 1) in outer-corner pixels to mm: PS3.3 C.7.6.2.1.1."""
    matrix = np.eye(4)
    matrix[:3, 0] = cosines[0] * columns
    matrix[:3, 1] = cosines[1] * rows
    matrix[:3, 2] = np.cross(cosines[0], cosines[1])
    matrix[:3, 3] = origin
    half = np.eye(4)
    half[:2, 3] = -0.5
    return matrix @ half


def frame_at(
    cosines: Floats,
    origin: Any,
    spacing: tuple[float, float],
    shape: tuple[int, int],
    **fields: Any,
) -> Frame:
    axes = np.stack([cosines[0] * spacing[1], cosines[1] * spacing[0]], axis=1)
    row, column = np.mgrid[: shape[0], : shape[1]]
    settings: dict[str, Any] = {"frame_of_reference": FOR, "plane": Plane(shape, origin, axes)}
    return Frame.from_array(1000 * row + column, **settings | fields)


def shapes() -> st.SearchStrategy[Shape]:
    """Every kind of 2-D shape; skewed axes make ellipses that are no circles."""
    number = st.floats(-60, 120).map(lambda v: round(v, 3))
    point = st.tuples(number, number)
    points = st.lists(point, min_size=1, max_size=6).map(Points)
    lines = st.lists(point, min_size=2, max_size=6).map(Polyline)
    rings = st.lists(point, min_size=3, max_size=7)
    polygons = st.lists(rings, min_size=1, max_size=3).map(Polygon)
    lengths = st.floats(0.5, 40)
    ellipses = st.tuples(point, lengths, lengths, st.floats(-0.9, 0.9)).map(
        lambda t: Ellipse(t[0], [[t[1], t[3] * t[2]], [0, t[2]]])
    )
    return st.one_of(points, lines, polygons, ellipses)


def numbers(shape: Shape | None) -> Floats:
    match shape:
        case Points() | Polyline():
            return shape.coords
        case Polygon():
            return np.concatenate(shape.rings)
        case Ellipse():
            return np.concatenate([[shape.center], shape.axes.T])
    raise AssertionError(shape)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Any orientation, anisotropic, far from the origin."""
    turn = np.linalg.qr(
        np.array(draw(st.lists(st.floats(0.1, 1), min_size=9, max_size=9))).reshape(3, 3)
        + np.diag([2, 3, 4])
    )[0]
    origin = draw(st.lists(st.floats(-900, 900), min_size=3, max_size=3))
    spacing = draw(st.floats(0.1, 5)), draw(st.floats(0.1, 5))
    return frame_at(turn.T[:2], origin, spacing, (40, 70), instance="1.5", series=CT)


@given(shape=shapes(), frame=frames())
def test_to_the_patient_and_back(shape: Shape, frame: Frame) -> None:
    region = Region(shape, Target(instance="1.5"), "label", "path", "polyline", ("a note",))
    there = to_patient(region, frame)
    back = onto(there, frame)
    # Millimetres up to 2000 from the origin in float64, divided by pixels of 0.1 mm: a few times
    # 2e-16 * 2e4 pixels; 1e-9 of the extent leaves room for sums and the pseudo-inverse.
    scale = np.abs(numbers(shape)).max() + 1.0
    assert np.abs(numbers(back.shape) - numbers(shape)).max() <= 1e-9 * scale
    assert type(back.shape) is type(shape)
    assert (back.label, back.path, back.type) == ("label", "path", "polyline")
    assert there.target == Target(frame_of_reference=FOR)
    assert back.target == Target("", CT, "1.5", (1,), FOR)
    assert back.notes[:2] == ("a note", "drawn on image 1.5 frame 1")
    assert back.notes[2].startswith("taken onto image 1.5 frame 1, ")


@pytest.mark.parametrize("shape", [Polygon([RING, HOLE]), Points(RING), Polyline(RING)])
@pytest.mark.parametrize("cosines", [np.eye(3)[:2], DOUBLE_OBLIQUE])
def test_from_ct_to_pet_by_matrix_algebra(shape: Shape, cosines: Floats) -> None:
    normal = np.cross(*cosines)
    ct_origin, pet_origin = np.array((-158.1, 34.25, 1001.7)), np.array((-170.3, 20.0, 990.0))
    lift = 2.4 - (pet_origin - ct_origin) @ normal
    pet_origin = pet_origin + lift * normal  # the PET slice lies 2.4 mm above
    ct = frame_at(cosines, ct_origin, (2.0, 0.5), (40, 70), instance="1.5")
    pet = frame_at(cosines, pet_origin, (4.1, 4.07), (30, 31), instance="1.6")
    to_pet = np.linalg.inv(homogeneous(cosines, pet_origin, 4.1, 4.07)) @ homogeneous(
        cosines, ct_origin, 2.0, 0.5
    )
    coords = numbers(shape)
    expected = to_pet @ np.column_stack([coords, np.zeros(len(coords)), np.ones(len(coords))]).T
    moved = onto(Region(shape, Target(instance="1.5")), pet, ct)
    assert numbers(moved.shape) == pytest.approx(expected[:2].T, abs=1e-9)  # pixels, see above
    assert np.abs(expected[2] + 2.4).max() < 1e-9
    assert moved.notes[-1] == "taken onto image 1.6 frame 1, 2.4 mm from its plane"


def test_an_ellipse_is_the_same_set_on_both_images() -> None:
    ct = frame_at(DOUBLE_OBLIQUE, (10, 20, 30), (2.0, 0.5), (40, 70))
    # turned by 30 degrees within the plane, so that axes are not perpendicular afterwards
    turn = np.array([[np.cos(0.5), np.sin(0.5)], [-np.sin(0.5), np.cos(0.5)]])
    pet = frame_at(turn @ DOUBLE_OBLIQUE, (11, 18, 30), (4.1, 3.07), (30, 31))
    disc = Ellipse.circle((20.3, 11.2), 6.5)
    moved = onto(Region(disc, Target()), pet, ct).shape
    assert isinstance(moved, Ellipse)
    assert ct.plane is not None
    assert pet.plane is not None
    angle = np.linspace(0, 2 * np.pi, 50)
    edge = disc.center + 6.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    there = pet.plane.to_pixel(ct.plane.to_patient(edge))
    inside = np.linalg.solve(moved.axes, (there - moved.center).T)
    assert np.linalg.norm(inside, axis=0) == pytest.approx(np.ones(50), abs=1e-9)
    area = abs(np.linalg.det(moved.axes)) * np.pi * 4.1 * 3.07
    assert area == pytest.approx(np.pi * 6.5**2 * 2.0 * 0.5)


def test_a_whole_image_becomes_its_outline() -> None:
    ct = frame_at(np.eye(3)[:2], (10, 20, 30), (2.0, 0.5), (4, 6), instance="1.5", modality="CT")
    moved = to_patient(Region(None, Target(instance="1.5"), type="image"), ct)
    assert isinstance(moved.shape, Polygon)
    corners = [(9.75, 19, 30), (12.75, 19, 30), (12.75, 27, 30), (9.75, 27, 30)]
    assert moved.shape.rings[0].tolist() == [list(map(float, c)) for c in corners]
    assert moved.notes == ("drawn on CT image 1.5 frame 1",)


def test_an_ellipsoid_is_cut() -> None:
    frame = frame_at(np.eye(3)[:2], (0, 0, 3), (1.0, 1.0), (9, 9))
    ball = Region(Ellipsoid([4, 4, 0], np.eye(3) * 5), Target(frame_of_reference=FOR))
    moved = onto(ball, frame).shape
    assert isinstance(moved, Ellipse)
    assert moved.axes @ moved.axes.T == pytest.approx(np.eye(2) * 16)
    far = frame_at(np.eye(3)[:2], (0, 0, 6), (1.0, 1.0), (9, 9))
    with pytest.raises(PlacementError, match="does not reach the plane"):
        onto(ball, far)


@pytest.mark.parametrize("shape", [Polygon(RING), Polyline(RING), Ellipse.circle((20, 10), 6.0)])
def test_a_tilted_image_is_refused_with_the_angle(shape: Shape) -> None:
    lean = np.radians(25)
    tilted = np.array([(1, 0, 0), (0, np.cos(lean), np.sin(lean))])
    drawn_on = frame_at(np.eye(3)[:2], (0, 0, 0), (2.0, 0.5), (40, 70))
    frame = frame_at(tilted, (0, 0, 0), (2.0, 0.5), (40, 70))
    with pytest.raises(
        PlacementError, match=r"tilted by 25\.0 degrees, .* cannot be moved exactly"
    ):
        onto(Region(shape, Target()), frame, drawn_on)
    points = onto(Region(Points([[10.0, 8.0]]), Target()), frame, drawn_on)
    assert points.notes[-1].endswith(f"{15 * np.sin(lean):.4g} mm from its plane")


def test_a_straight_line_is_refused_with_its_own_angle() -> None:
    frame = frame_at(np.eye(3)[:2], (0, 0, 0), (1.0, 1.0), (40, 70))
    line = Region(Polyline([[0, 0, 0], [10, 0, 10]]), Target(frame_of_reference=FOR))
    with pytest.raises(PlacementError, match=r"tilted by 45\.0 degrees, 10 mm from end to end"):
        onto(line, frame)


def test_across_frames_of_reference_nothing_is_moved() -> None:
    one = frame_at(np.eye(3)[:2], (0, 0, 0), (1.0, 1.0), (9, 9))
    other = frame_at(
        np.eye(3)[:2], (0, 0, 0), (1.0, 1.0), (9, 9), frame_of_reference="1.7", instance="1.6"
    )
    unknown = frame_at(np.eye(3)[:2], (0, 0, 0), (1.0, 1.0), (9, 9), frame_of_reference="")
    unplaced = Frame.from_array(np.zeros((9, 9)), instance="1.8", frame_of_reference=FOR)
    region = Region(Points([[3.0, 3.0]]), Target())
    with pytest.raises(PlacementError) as raised:
        onto(region, other, one)
    assert FOR in str(raised.value)
    assert "1.7" in str(raised.value)
    with pytest.raises(PlacementError, match="states no Frame of Reference UID"):
        to_patient(region, unknown)
    with pytest.raises(PlacementError, match=r"image 1\.8 frame 1 has no plane"):
        onto(region, unplaced, one)


def test_what_cannot_be_taken() -> None:
    frame = frame_at(np.eye(3)[:2], (0, 0, 0), (1.0, 1.0), (9, 9), instance="1.5", number=2)
    points = Points([[3.0, 3.0]])
    with pytest.raises(GeometryError, match="needs the frame it was drawn on"):
        onto(Region(points, Target()), frame)
    with pytest.raises(GeometryError, match="got one in the patient"):
        to_patient(Region(Points([[3.0, 3.0, 3.0]]), Target()), frame)
    with pytest.raises(PlacementError, match=r"drawn on image 1\.4, not on 1\.5 frame 2"):
        to_patient(Region(points, Target(instance="1.4")), frame)
    with pytest.raises(PlacementError, match=r"drawn on frame 1, 3, not on 1\.5 frame 2"):
        to_patient(Region(points, Target(instance="1.5", frames=(1, 3))), frame)


# Draw on CT, measure on PET.


def pet_ct(cosines: Floats = DOUBLE_OBLIQUE) -> Images:
    """CT of 1.5 mm, PET of 4 mm slices with other pixels; pixel values 1e6 k + 1000 r + c."""
    normal = np.cross(*cosines)
    made = []
    for series, modality, spacing, shape, step, count in (
        (CT, "CT", (2.0, 0.5), (40, 70), 1.5, 16),
        (PET, "PT", (4.1, 3.07), (24, 20), 4.0, 6),
    ):
        start = np.array((-158.1, 34.25, 1001.7))
        start = start - (cosines[0] * 7.3 + cosines[1] * 5.1) * (series == PET)
        for k in range(count):
            frame = frame_at(
                cosines,
                start + k * step * normal,
                spacing,
                shape,
                series=series,
                instance=f"{series}.{k}",
                modality=modality,
            )
            made.append(
                Frame.from_array(
                    frame.stored + 1_000_000 * k,
                    **{
                        name: getattr(frame, name)
                        for name in (
                            "plane",
                            "series",
                            "instance",
                            "modality",
                            "frame_of_reference",
                        )
                    },
                )
            )
    order = np.random.default_rng(3).permutation(len(made))
    return Images([made[i] for i in order])


def selection(instance: str, *regions: dict[str, Any], solid: bool = False) -> dict[str, Any]:
    name = "imageRegion3D" if solid else "imageRegion2D"
    return {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "test"},
        "frameOfReferenceUid": FOR,
        "instance": [{"uid": instance, name: list(regions)}],
    }


def flat(kind: str, coordinate: Any) -> dict[str, Any]:
    return {"regionType": kind, "coordinate": [float(v) for v in np.ravel(coordinate)]}


def test_a_polygon_of_the_ct_is_measured_on_the_pet() -> None:
    images = pet_ct()
    k = 7  # at 10.5 mm: the PET slice at 12 mm (k = 3) owns 10 to 14 mm
    closed = np.concatenate([RING, RING[:1]])
    report = ir.measure(
        selection(f"{CT}.{k}", flat("polyline", closed), flat("polyline", RING)), images, on="PT"
    )
    assert not report.errors
    result, line = report.results
    assert result.instances == (f"{PET}.3",)
    start = np.array((-158.1, 34.25, 1001.7))
    normal = np.cross(*DOUBLE_OBLIQUE)
    to_patient_mm = homogeneous(DOUBLE_OBLIQUE, start + 10.5 * normal, 2.0, 0.5)
    pet_start = start - DOUBLE_OBLIQUE[0] * 7.3 - DOUBLE_OBLIQUE[1] * 5.1
    to_pet = np.linalg.inv(homogeneous(DOUBLE_OBLIQUE, pet_start + 12 * normal, 4.1, 3.07))
    column, row, away, _ = (
        to_pet @ to_patient_mm @ np.column_stack([RING, np.zeros(6), np.ones(6)]).T
    )
    assert result.distance == pytest.approx(1.5)
    assert away == pytest.approx([-1.5] * 6)
    mask = np.zeros((24, 20), dtype=bool)
    for r in range(24):
        for c in range(20):
            crossings = 0
            for a, b in zip(range(6), [*range(1, 6), 0], strict=True):
                if (row[a] > r + 0.5) != (row[b] > r + 0.5):
                    t = (r + 0.5 - row[a]) / (row[b] - row[a])
                    crossings += column[a] + t * (column[b] - column[a]) > c + 0.5
            mask[r, c] = crossings % 2
    values = next(f for f in images.frames if f.instance == f"{PET}.3").pixels[mask]
    assert result.get("count") == mask.sum() > 20
    assert result.get("mean") == pytest.approx(float(values.mean()))
    here = ir.measure(selection(f"{CT}.{k}", flat("polyline", closed)), images).results[0]
    assert result.get("area") == pytest.approx(here.get("area"))
    assert "off-plane" in result.flags
    assert "drawn on CT image 1.2.826.1.7 frame 1" in str(result.measurements[0].method)
    assert "unclosed" in line.flags
    assert line.instances == (f"{PET}.3",)


@pytest.mark.parametrize("name", ["PT", "pt", PET])
def test_images_to_measure_on_have_several_names(name: str) -> None:
    region = flat("point", (20, 10))
    (result,) = ir.measure(selection(f"{CT}.8", region), pet_ct(), on=name).results
    assert result.instances == (f"{PET}.3",)
    assert result.modality == "PT"


def test_the_images_a_region_was_drawn_on_may_be_named() -> None:
    images = pet_ct()
    region = flat("circle", (20, 10, 26, 10))
    usual = ir.measure(selection(f"{CT}.8", region), images).results[0].to_dict()
    assert ir.measure(selection(f"{CT}.8", region), images, on="CT").results[0].to_dict() == usual


def test_one_instance_may_be_named() -> None:
    images = pet_ct()
    region = flat("point", (20, 10))
    (result,) = ir.measure(selection(f"{CT}.8", region), images, on=f"{PET}.3").results
    assert result.instances == (f"{PET}.3",)
    report = ir.measure(selection(f"{CT}.8", region), images, on=f"{PET}.1")
    assert [issue.message for issue in report.errors] == [
        f"the region does not lie on image {PET}.1"
    ]


def test_regions_in_the_patient_are_measured_on_one_series() -> None:
    images = pet_ct()
    ct = next(f for f in images.frames if f.instance == f"{CT}.8")
    assert ct.plane is not None
    middle = ct.plane.to_patient([[35.0, 20.0]])[0]
    ends = [middle + s * 6 * np.eye(3)[n] for n in range(3) for s in (1, -1)]
    drawn = selection(f"{CT}.8", flat("ellipsoid", ends), solid=True)
    both = {result.modality: result for result in ir.measure(drawn, images).results}
    assert both.keys() == {"CT", "PT"}
    (only,) = ir.measure(drawn, images, on="PT").results
    assert only.to_dict() == both["PT"].to_dict()
    issues = ir.measure(drawn, images, on="PT").issues
    assert "other-instance" not in [issue.code for issue in issues]


def test_what_cannot_be_moved_is_said_and_the_rest_is_measured() -> None:
    images = pet_ct()
    other = frame_at(
        DOUBLE_OBLIQUE,
        (0, 0, 0),
        (1.0, 1.0),
        (9, 9),
        instance="1.9.1",
        series="1.9",
        modality="CT",
        frame_of_reference="1.7",
    )
    more = Images([*images.frames, other])
    drawn = selection(f"{CT}.8", flat("point", (20, 10)))
    drawn["instance"].append({"uid": "1.9.1", "imageRegion2D": [flat("point", (3, 3))]})
    report = ir.measure(drawn, more, on="PT")
    assert [bool(result.slices) for result in report.results] == [True, False]
    (issue,) = report.errors
    assert issue.code == "not-measured"
    assert "1.7" in issue.message
    assert FOR in issue.message


def test_a_tilted_series_is_not_measured_on() -> None:
    images = pet_ct()
    sagittal = [
        frame_at(
            np.array([(0, 1.0, 0), (0, 0, -1.0)]),
            (-158.1 + 2 * k, 0, 1060),
            (1.0, 1.0),
            (90, 90),
            instance=f"1.9.{k}",
            series="1.9",
            modality="MR",
        )
        for k in range(20)
    ]
    both = Images([*images.frames, *sagittal])
    drawn = selection(f"{CT}.8", flat("circle", (20, 10, 26, 10)))
    report = ir.measure(drawn, both, on="MR")
    assert "not parallel to the image planes" in report.errors[0].message


def test_names_that_do_not_decide() -> None:
    images = pet_ct()
    with pytest.raises(InputError, match=rf"got 'MR'; there is series {CT} \(CT\), {PET} \(PT\)"):
        ir.measure(selection(f"{CT}.8", flat("point", (1, 1))), images, on="MR")
    uncorrected = [
        Frame.from_array(
            f.stored,
            plane=f.plane,
            series="1.2.826.3",
            instance=f.instance + ".9",
            modality="PT",
            frame_of_reference=FOR,
        )
        for f in images.frames
        if f.modality == "PT"
    ]
    both = Images([*images.frames, *uncorrected])
    with pytest.raises(
        InputError, match=rf"one series of modality PT .*{PET} .*1\.2\.826\.3 \(PT\)"
    ):
        ir.measure(selection(f"{CT}.8", flat("point", (1, 1))), both, on="PT")
    (result,) = ir.measure(
        selection(f"{CT}.8", flat("point", (20, 10))), both, on="1.2.826.3"
    ).results
    assert result.series == "1.2.826.3"


def test_a_modality_is_that_of_the_frame_of_reference() -> None:
    """Two visits, each with its own PET: the region decides which."""
    images = pet_ct()
    later = [
        frame_at(
            DOUBLE_OBLIQUE,
            (0, 0, 0),
            (1.0, 1.0),
            (30, 70),
            instance=f"1.9.{modality}",
            series=f"1.9.{modality}",
            modality=modality,
            frame_of_reference="1.7",
        )
        for modality in ("CT", "PT")
    ]
    drawn = selection(f"{CT}.8", flat("point", (20, 10)))
    drawn["instance"].append({"uid": "1.9.CT", "imageRegion2D": [flat("point", (3, 3))]})
    report = ir.measure(drawn, Images([*images.frames, *later]), on="PT")
    assert [result.instances for result in report.results] == [(f"{PET}.3",), ("1.9.PT",)]


def test_a_whole_series_stays_where_it_is() -> None:
    images = pet_ct()
    whole = {
        "resourceType": "ImagingSelection",
        "status": "available",
        "code": {"text": "test"},
        "seriesUid": CT,
    }
    report = ir.measure(whole, images, on="PT")
    assert "stands for a whole series" in report.errors[0].message


def test_a_region_of_one_level_is_measured_on_another() -> None:
    """Levels of a pyramid share the slide; their pixels differ in size."""
    fields = {"series": "1.4", "modality": "SM", "number": 0, "thickness": 0.001}
    cosines = np.array([(0, -1.0, 0), (-1.0, 0, 0)])
    corner = np.array([20.0, 40.0, 0.0])
    levels = [
        frame_at(
            cosines,
            corner + size / 2 * (cosines[0] + cosines[1]),
            (size, size),
            (int(0.2 / size), int(0.4 / size)),
            instance=f"1.4.{n}",
            **fields,
        )
        for n, size in ((1, 0.002), (2, 0.008))
    ]
    drawn = selection("1.4.1", flat("circle", (100, 50, 140, 50)))
    (result,) = ir.measure(drawn, Images(levels), on="1.4.2").results
    assert result.instances == ("1.4.2",)
    (part,) = result.slices
    assert part.shape is not None
    assert np.array(part.shape.bounds) == pytest.approx(np.array([[15, 2.5], [35, 22.5]]))
    assert result.get("area") == pytest.approx(np.pi * 0.08**2)
    # the rule takes pixels by their centres: off by a part of the outline of 63 pixels
    assert result.get("count") == pytest.approx(np.pi * 10**2, rel=0.05)


def test_several_paths_of_light_are_moved_once() -> None:
    paths = [
        frame_at(
            np.eye(3)[:2],
            (0, 0, 0),
            (1.0, 1.0),
            (9, 9),
            instance="1.5",
            series="1.4",
            modality="SM",
            dimensions=(("OpticalPathIdentifier", name),),
        )
        for name in "ab"
    ]
    there = frame_at(
        np.eye(3)[:2], (0, 0, 0), (1.0, 1.0), (9, 9), instance="1.6", series="1.8", modality="OT"
    )
    drawn = selection("1.5", flat("point", (3, 3)))
    report = ir.measure(drawn, Images([*paths, there]), on="OT")
    assert [result.instances for result in report.results] == [("1.6",)]
