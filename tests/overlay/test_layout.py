"""Scale, margins, orientation letters and scale bar."""

import math
from typing import Any

import numpy as np
import pytest

from imageregion.errors import GeometryError
from imageregion.frame import Frame
from imageregion.overlay import canvas_map, draw_overlay, orientation_letters
from imageregion.overlay.layout import scale_bar_of
from imageregion.plane import Plane
from imageregion.spacing import Spacing

Vector = tuple[float, float, float]


def blank(rows: int, columns: int, **fields: Any) -> Frame:
    return Frame.from_array(np.zeros((rows, columns)), **fields)


@pytest.mark.parametrize(
    ("shape", "scale"),
    [((128, 128), 6), ((64, 32), 12), ((500, 500), 2), ((512, 512), 2), ((1024, 700), 1)],
)
def test_small_images_are_enlarged_by_whole_numbers(shape: Any, scale: int | None) -> None:
    where = canvas_map(blank(*shape))
    assert (where.sx, where.sy) == (scale, scale)


def test_large_images_are_reduced() -> None:
    where = canvas_map(blank(4096, 4096))
    assert max(where.width, where.height) <= 2000
    assert where.to_canvas([[4096, 4096]]).tolist() == [
        [where.left + where.width, where.top + where.height]
    ]


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (1, 100000), (3, 2)])
def test_odd_sizes(shape: Any) -> None:
    frame = blank(*shape)
    where = canvas_map(frame)
    picture = draw_overlay(frame, [])
    assert picture.shape == (*where.shape, 3)
    assert where.width <= 2000


@pytest.mark.parametrize(("rows", "columns"), [(2.0, 0.5), (0.5, 2.0), (1.3, 1.0)])
def test_true_proportion(rows: float, columns: float) -> None:
    frame = blank(100, 120, spacing=Spacing(rows, columns, "patient"))
    where = canvas_map(frame)
    assert where.sy / where.sx == pytest.approx(rows / columns, rel=0.005)
    assert min(where.sx, where.sy) >= 1


@pytest.mark.parametrize("spacing", [(0.0, 1.0), (1.0, 0.0), (math.nan, 1.0), (-1.0, 1.0)])
def test_nonsense_spacing_is_ignored(spacing: Any) -> None:
    where = canvas_map(blank(10, 10, spacing=Spacing(spacing[0], spacing[1], "detector")))
    assert where.sx == where.sy


def test_scale_asked_for() -> None:
    assert canvas_map(blank(10, 10), 5).sx == 5
    for wrong in (0, -1, 1.5, True, 10**6):
        with pytest.raises(GeometryError, match="scale"):
            canvas_map(blank(10, 10), wrong)  # type: ignore[arg-type]


def axes(column: Vector, row: Vector) -> Plane:
    return Plane((4, 4), np.zeros(3), np.array([column, row], dtype=float).T)


@pytest.mark.parametrize(
    ("column", "row", "left", "top", "right", "bottom"),
    [
        ((1, 0, 0), (0, 1, 0), "R", "A", "L", "P"),  # axial
        ((0, 1, 0), (0, 0, -1), "A", "H", "P", "F"),  # sagittal
        ((1, 0, 0), (0, 0, -1), "R", "H", "L", "F"),  # coronal
        ((-1, 0, 0), (0, -1, 0), "L", "P", "R", "A"),  # prone
        ((0.8, 0.6, 0), (0, 0, -2), "RA", "H", "LP", "F"),  # oblique, anisotropic
        ((0.6, 0.64, 0.48), (0.8, -0.48, -0.36), "ARF", "RPH", "PLH", "LAF"),
        ((0.99, 0.1, 0.1), (-0.1, 0.99, 0), "R", "A", "L", "P"),  # lean too small to name
    ],
)
def test_orientation_letters(
    column: Vector, row: Vector, left: str, top: str, right: str, bottom: str
) -> None:
    assert orientation_letters(axes(column, row)) == (left, top, right, bottom)


@pytest.mark.parametrize("mm", [0.001, 0.01, 0.3125, 0.66, 1.0, 7.0])
@pytest.mark.parametrize("columns", [3, 64, 512, 3000])
def test_bar_length(mm: float, columns: int) -> None:
    frame = blank(20, columns, spacing=Spacing(mm, mm, "patient"))
    where = canvas_map(frame)
    bar = scale_bar_of(frame, where.sx)
    assert bar is not None
    assert bar.pixels == pytest.approx(bar.length / mm * where.sx)
    assert 0.1 < bar.pixels / where.width < 0.4
    digits = bar.length / 10.0 ** math.floor(math.log10(bar.length * 1.0001))
    assert round(digits, 6) in (1, 2, 5)
    number, unit = bar.text.split()
    assert float(number) * {"mm": 1, "µm": 1e-3}[unit] == pytest.approx(bar.length)


def test_bar_is_drawn_as_long_as_it_says() -> None:
    frame = blank(64, 128, spacing=Spacing(0.7, 0.7, "patient"))
    where = canvas_map(frame)
    bar = scale_bar_of(frame, where.sx)
    assert bar is not None
    with_bar, without = (draw_overlay(frame, [], scale_bar=on) for on in (True, False))
    below = with_bar[where.top + where.height :, :, 0] > 200
    line = below[below.sum(axis=1).argmax()]
    first = int(np.argmax(line))
    length = int(np.argmin(line[first:]))
    assert first == where.left
    assert abs(length - bar.length / 0.7 * where.sx) <= 1
    assert without.shape[0] < with_bar.shape[0]


def test_bar_names_an_untrusted_source() -> None:
    bar = scale_bar_of(blank(9, 99, spacing=Spacing(1, 1, "detector")), 1.0)
    assert bar is not None
    assert bar.text.endswith("(detector)")


def test_no_spacing_no_bar() -> None:
    assert scale_bar_of(blank(9, 9), 1.0) is None
    assert (draw_overlay(blank(64, 64), []) <= 20).all()


def test_letters_are_written_in_the_margin_only() -> None:
    plane = axes((0.6, 0.64, 0.48), (0.8, -0.48, -0.36))
    frame = Frame.from_array(np.zeros((4, 4)), plane=plane)
    where = canvas_map(frame, scale_bar=False)
    picture = draw_overlay(frame, [], scale_bar=False)
    bright = picture[:, :, 0] > 100
    bottom, right = where.top + where.height, where.left + where.width
    assert not bright[where.top : bottom, where.left : right].any()
    sides = bright[:, : where.left], bright[: where.top], bright[:, right:], bright[bottom:]
    assert all(side.any() for side in sides)


def test_title_has_room() -> None:
    frame = blank(64, 64)
    plain, titled = canvas_map(frame), canvas_map(frame, title="a title")
    assert titled.top > plain.top
    picture = draw_overlay(frame, [], title="a very long title " * 50)
    assert (picture[: titled.top] > 100).any()
    assert not (picture[titled.top :] > 100).any()
