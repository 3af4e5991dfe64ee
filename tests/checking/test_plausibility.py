"""Which convention a region was written by, said only where the evidence tells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.checking.cases import box, line, picture, selection, stack

from imageregion import Ellipse, Plane, Points, Polygon
from imageregion.checking import check
from imageregion.checking.picture_edges import Edges
from imageregion.checking.plausibility import AS_WRITTEN, rank
from imageregion.conventions import CONVENTIONS
from imageregion.frame import Frame
from imageregion.shapes import Shape

ROWS, COLUMNS = 100, 300
WIDE = Frame.from_array(
    np.zeros((ROWS, COLUMNS)),
    plane=Plane((ROWS, COLUMNS), (-150, -50, 7), [[0.25, 0.0], [0.0, 2.0], [0.0, 0.0]]),
)
TRUE = Polygon([[210.3, 40.1], [260.2, 45.7], [233.9, 90.4]])
UNWRITE = {
    # What a program that errs would have written for TRUE.
    "swapped": (np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2)),
    "normalized": (np.diag([1 / COLUMNS, 1 / ROWS]), np.zeros(2)),
    "patient-mm": (WIDE.plane.axes[:2] if WIDE.plane else np.eye(2), np.array([-150.125, -51.0])),
}


@pytest.mark.parametrize("name", UNWRITE)
def test_the_mistake_is_named_and_undone(name: str) -> None:
    ranking = rank(TRUE.transform(*UNWRITE[name]), WIDE)
    assert ranking.readings[0].name == name
    assert ranking.as_written.score < 0.5
    low, high = TRUE.bounds
    width, height = high - low
    assert ranking.readings[0].width == pytest.approx(width)
    assert ranking.readings[0].height == pytest.approx(height)
    assert ranking.readings[0].inside == 1


def test_millimetres_are_named() -> None:
    drawn = TRUE.transform(np.diag([0.25, 2.0]), np.zeros(2))  # up to 181 in 100 rows
    ranking = rank(drawn, WIDE)
    assert "image-mm" in {one.name for one in ranking.likeliest}
    assert ranking.as_written.score < 0.9


def test_a_region_that_fits_as_written_comes_first_and_is_not_decided() -> None:
    ranking = rank(TRUE, WIDE)
    assert ranking.readings[0].name == AS_WRITTEN
    assert {one.name for one in ranking.likeliest} >= {"pixel-centers", "one-based", "upwards"}
    assert not ranking.is_decided


def test_all_conventions_are_ranked_once_from_best_to_worst() -> None:
    names = [one.name for one in rank(TRUE, WIDE).readings]
    expected = {AS_WRITTEN, "image-mm", "patient-mm", *(one.name for one in CONVENTIONS)}
    assert set(names) == expected
    assert len(names) == len(expected)
    scores = [one.score for one in rank(TRUE, WIDE).readings]
    assert scores == sorted(scores, reverse=True)


def test_without_a_place_millimetres_are_not_tried() -> None:
    names = {one.name for one in rank(TRUE, Frame.from_array(np.zeros((ROWS, COLUMNS)))).readings}
    assert not names & {"image-mm", "patient-mm"}


def test_edge_on_planes_have_no_x_and_y() -> None:
    plane = Plane((ROWS, COLUMNS), (0, 0, 0), [[0, 0], [1, 0], [0, -1]])
    frame = Frame.from_array(np.zeros((ROWS, COLUMNS)), plane=plane)
    assert "patient-mm" not in {one.name for one in rank(TRUE, frame).readings}


def test_a_point_says_only_whether_it_is_on_the_image() -> None:
    assert rank(Points([[5, 5]]), WIDE).as_written.score == 1
    assert rank(Points([[500, 5]]), WIDE).as_written.score == 0
    assert rank(Points([[5, 5], [500, 5]]), WIDE).as_written.inside == 0.5


def test_figures_are_those_of_the_region() -> None:
    half_off = Polygon([[290, 10], [310, 10], [310, 20], [290, 20]])
    reading = rank(half_off, WIDE).as_written
    assert reading.inside == pytest.approx(0.5)
    assert (reading.width, reading.height) == (20, 10)
    assert reading.score == pytest.approx(0.5)
    bow = Polygon([[280, 10], [320, 30], [320, 10], [280, 30]])  # its area depends on the fill rule
    assert 0 < rank(bow, WIDE).as_written.inside < 1


coordinates = st.floats(-2e9, 2e9, allow_nan=False)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=8, unique=True))
def test_scores_stay_between_0_and_1(points: list[tuple[float, float]]) -> None:
    shape: Shape = Points(points)
    for one in rank(shape, WIDE).readings:
        assert 0 <= one.inside <= 1
        assert 0 <= one.score <= one.inside


def test_edges_are_where_the_picture_changes() -> None:
    edges = Edges(Frame.from_array(picture()))
    on = edges.share(Ellipse.circle((44, 20), 10))
    off = edges.share(Ellipse.circle((20, 44), 10))
    assert on is not None
    assert on > 0.9
    assert off == 0
    assert edges.share(Ellipse.circle((44, 20), 2)) is None  # too short to tell
    assert edges.share(Points([[44, 20]])) is None
    assert Edges(Frame.from_array(np.zeros((40, 40)))).share(Ellipse.circle((20, 20), 9)) is None


def test_pixels_that_cannot_be_decoded_are_no_evidence() -> None:
    def fail() -> np.ndarray:
        raise ir_error

    from dataclasses import replace

    from imageregion import DicomError

    ir_error = DicomError("1.2", "cannot be decoded")
    frame = replace(Frame.from_array(picture()), load=fail)
    assert Edges(frame).share(Ellipse.circle((44, 20), 10)) is None


def test_check_says_so_when_it_cannot_be_decided() -> None:
    """Swapped and millimetres both fit: both are named, and none is chosen."""
    findings = check(selection(box(2, 42, 6, 58)), stack())
    issue = next(i for i in findings if i.code == "other-convention")
    (ranking,) = findings.conventions
    assert not ranking.is_decided
    assert "cannot be decided" in issue.message
    assert "rows and columns were swapped" in issue.message
    assert issue.severity == "warning"


def test_check_ranks_every_flat_region_on_an_image() -> None:
    resource = selection(box(0.2, 0.3, 0.6, 0.7), box(10, 10, 20, 20))
    findings = check(resource, stack())
    assert [ranking.path[-16:] for ranking in findings.conventions] == [
        "imageRegion2D[0]",
        "imageRegion2D[1]",
    ]
    assert findings.conventions[0].readings[0].name == "normalized"
    assert findings.conventions[1].readings[0].name == AS_WRITTEN
    assert "normalized" in findings._repr_html_()
    assert check(resource).conventions == ()


def test_of_very_many_regions_those_that_fit_are_not_ranked() -> None:
    fitting = [box(10 + i / 1000, 10, 20, 20) for i in range(1005)]
    off = box(70, 10, 80, 20)
    findings = check(selection(*fitting, off), stack(), pixels=False)
    assert len(findings.conventions) == 1001
    assert findings.conventions[-1].path.endswith("imageRegion2D[1005]")


def test_pixels_are_looked_at_only_on_request() -> None:
    disc = {"regionType": "circle", "coordinate": [44, 20, 54, 20]}
    images = stack(pixels=picture())
    assert check(selection(disc), images).conventions[0].as_written.edges is not None
    assert check(selection(disc), images, pixels=False).conventions[0].as_written.edges is None


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ((-0.5, -0.5), (59.5, 39.5), "centre of the first pixel"),
        ((-0.5, 3.3), (20.1, 30.2), "centre of the first pixel"),
        ((0, 0), (59, 39), "counted from 0"),
        ((1, 1), (60, 40), "counted from 1"),
        ((0.5, 0.5), (60.5, 40.5), "(1, 1) is the centre"),
        ((0, 0), (60, 40), ""),
        ((3.2, 4.1), (20.5, 30.5), ""),
    ],
)
def test_bounds_that_other_conventions_give_the_image(
    low: tuple[float, float], high: tuple[float, float], expected: str
) -> None:
    findings = check(selection(box(*low, *high)), stack())
    said = [issue for issue in findings if issue.code == "image-bounds"]
    assert bool(said) == bool(expected)
    assert all(expected in issue.message and issue.severity == "information" for issue in said)


def test_shifts_by_half_a_pixel_stay_undecided() -> None:
    outline = line(10.5, 10.5, 20.5, 11.5, 18.5, 19.5, 10.5, 10.5)
    findings = check(selection(outline), stack())
    assert not findings.errors
    assert "other-convention" not in {issue.code for issue in findings}
    names = {one.name for one in findings.conventions[0].likeliest}
    assert {"as-written", "pixel-centers", "one-based"} <= names


SOLID = np.array([[2.0, 30.0, 3.0], [14.0, 55.0, 3.0], [18.0, 35.0, 3.0], [2.0, 30.0, 3.0]])
"""On the second slice of `stack`, which reaches from -10 to 20 and from -5 to 75 mm."""


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("ras", SOLID * (-1, -1, 1)),
        ("centimetres", SOLID / 10),
        ("metres", SOLID / 1000),
        ("indices", (SOLID - (-10, -5, 0)) / (0.5, 2, 3)),
    ],
)
def test_mistakes_in_the_patient_are_named(name: str, written: np.ndarray) -> None:
    region = {"regionType": "polyline", "coordinate": written.ravel().tolist()}
    findings = check(selection(solid=(region,)), stack(count=3))
    (ranking,) = findings.conventions
    assert name in {one.name for one in ranking.likeliest}
    good = {"regionType": "polyline", "coordinate": SOLID.ravel().tolist()}
    (ranking,) = check(selection(solid=(good,)), stack(count=3)).conventions
    assert ranking.readings[0].name == AS_WRITTEN
    assert ranking.as_written.score == 1


def test_a_region_on_the_wrong_side_of_the_patient_is_explained() -> None:
    region = {"regionType": "polyline", "coordinate": (SOLID * (-1, -1, 1)).ravel().tolist()}
    findings = check(selection(solid=(region,)), stack(count=3))
    (issue,) = [issue for issue in findings if issue.code == "other-convention"]
    assert "RAS" in issue.message
    assert findings.conventions[0].is_decided
    far = {"regionType": "polyline", "coordinate": (SOLID + 5000).ravel().tolist()}
    findings = check(selection(solid=(far,)), stack(count=3))
    assert "other-convention" not in {issue.code for issue in findings}
