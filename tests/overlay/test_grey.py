"""Shades of grey against the formulas of DICOM PS3.3 C.11.2.1, computed by hand."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from imageregion.frame import Frame, Window
from imageregion.overlay import display_values
from imageregion.quantities import LinearMap, TableMap

VALUES = np.arange(-300, 501, 7, dtype=np.int16)


def grey(window: Window | None, values: Any = VALUES, **fields: Any) -> list[int]:
    frame = Frame.from_array([values], window=window, **fields)
    return [int(value) for value in display_values(frame)[0]]


def linear(x: float, c: float, w: float) -> float:
    if x <= c - 0.5 - (w - 1) / 2:
        return 0.0
    if x > c - 0.5 + (w - 1) / 2:
        return 255.0
    return ((x - (c - 0.5)) / (w - 1) + 0.5) * 255.0


def linear_exact(x: float, c: float, w: float) -> float:
    if x <= c - w / 2:
        return 0.0
    return 255.0 if x > c + w / 2 else ((x - c) / w + 0.5) * 255.0


def sigmoid(x: float, c: float, w: float) -> float:
    return 255.0 / (1 + math.exp(min(-4 * (x - c) / w, 700.0)))


@pytest.mark.parametrize(("center", "width"), [(40, 400), (50, 100.5), (0, 2), (100, 1)])
@pytest.mark.parametrize(
    ("name", "formula"),
    [("LINEAR", linear), ("LINEAR_EXACT", linear_exact), ("SIGMOID", sigmoid)],
)
def test_window_functions(
    name: Any, formula: Callable[[float, float, float], float], center: float, width: float
) -> None:
    if name == "LINEAR" and width == 1:
        want = [0.0 if x <= center - 0.5 else 255.0 for x in VALUES.tolist()]
    else:
        want = [formula(float(x), center, width) for x in VALUES]
    got = grey(Window(center, width, name))
    assert np.abs(np.array(got) - want).max() <= 0.5 + 1e-9


def test_window_applies_to_real_values() -> None:
    window = Window(0, 100, "LINEAR_EXACT")
    assert grey(window, [0, 25, 50], value_map=LinearMap(2, -50)) == [0, 128, 255]


def test_standard_example_of_ct_window() -> None:
    # PS3.3 C.11.2.1.2.1: c=2048, w=4096 on 0..4095 is the identity scaled to the output range.
    assert grey(Window(2048, 4096), [0, 4095]) == [0, 255]


def test_voi_table_takes_the_place_of_the_window() -> None:
    table = TableMap(0, np.array([0.0, 0.2, 1.0]))
    assert grey(Window(table=table), [-5, 0, 1, 2, 9]) == [0, 0, 51, 255, 255]


@pytest.mark.parametrize(
    "window", [None, Window(0, 0), Window(0, -5), Window(math.nan, 10), Window(0, math.inf)]
)
def test_without_usable_window_percentiles_are_used(window: Window | None) -> None:
    values = np.arange(10001.0)
    values[-1] = 1e9
    got = np.array(grey(window, values))
    assert got[100] == 0
    assert got[9900] == 255
    assert abs(int(got[5000]) - 128) <= 1


def test_rare_values_are_still_seen() -> None:
    values = np.zeros(10000)
    values[7] = 3
    got = grey(None, values)
    assert got[7] == 255
    assert got[0] == 0


@pytest.mark.parametrize("value", [0, 7, -1000])
def test_constant_image(value: int) -> None:
    assert set(grey(None, [value] * 5)) == {0}
    assert set(grey(None, [value] * 5, inverted=True)) == {255}


def test_monochrome1_shows_low_values_white() -> None:
    window = Window(50, 100, "LINEAR_EXACT")
    assert grey(window, [0, 50, 100], inverted=True) == [255, 128, 0]


@pytest.mark.parametrize("inverted", [False, True])
def test_padding_and_nan_are_black_and_do_not_stretch(inverted: bool) -> None:
    got = grey(None, [-2000, 0, 50, 100], padding=(-2000, -2000), inverted=inverted)
    assert got[0] == 0
    assert got[1:] == ([255, 128, 0] if inverted else [0, 128, 255])
    got = grey(None, [math.nan, 0.0, 50.0, 100.0], inverted=inverted)
    assert got[0] == 0
    assert sorted({got[1], got[3]}) == [0, 255]


def test_nothing_known_is_black() -> None:
    assert grey(None, [math.nan, math.nan]) == [0, 0]


def test_infinities_are_black_and_white() -> None:
    assert grey(None, [-math.inf, 0.0, 10.0, math.inf]) == [0, 0, 255, 255]
