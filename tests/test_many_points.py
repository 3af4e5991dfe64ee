"""A million points between image and patient go through compiled code: the same answers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from benchmarks.planes import BACK, FORTH, PLANES, oblique
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from imageregion import GeometryError, Plane
from imageregion import plane as planes

# Coordinates reach 1e3 and are sums of three products: float64 rounds them to 1e-12, in any order.
ROUNDING = 1e-10

MANY = 200


@pytest.fixture(autouse=True)
def _soon_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take few points for many, so that all tests run without compiling, too."""
    monkeypatch.setattr(planes, "_MANY", MANY)
    monkeypatch.setattr(planes, "_BLOCK", 32)


def one_by_one(plane: Plane, points: NDArray[Any], back: bool) -> NDArray[np.float64]:
    """The equation of the standard (PS3.3 C.7.6.2.1.1), written with loops."""
    column, row = plane.axes.T
    inverse = np.linalg.inv(np.stack([column, row, plane.normal], axis=1))
    found = []
    for point in np.asarray(points, dtype=np.float64):
        if back:
            found.append((inverse @ (point - plane.origin))[:2] + 0.5)
        else:
            found.append(plane.origin + (point[0] - 0.5) * column + (point[1] - 0.5) * row)
    return np.array(found)


def spread(count: int, width: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).uniform(-500, 900, (count, width))


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("count", [MANY - 1, MANY, MANY + 1, 3 * MANY + 7])
def test_many_points_land_where_each_of_them_does(plane: Plane, count: int, back: bool) -> None:
    points = spread(count, 3 if back else 2)
    found = plane.to_pixel(points) if back else plane.to_patient(points)
    some = np.unique(np.r_[0, 1, count // 2 - 1, count // 2, count - 1, np.arange(0, count, 7)])
    expected = one_by_one(plane, points[some], back)
    np.testing.assert_allclose(found[some], expected, rtol=0, atol=ROUNDING)
    few = np.concatenate(
        [
            plane.to_pixel(part) if back else plane.to_patient(part)
            for part in np.array_split(points, 8)
        ]
    )
    np.testing.assert_allclose(found, few, rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        lambda points: np.repeat(points, 2, axis=0)[::2],
        lambda points: np.repeat(points, 2, axis=1)[:, ::2],
        lambda points: points[::-1].copy()[::-1],
        lambda points: points.astype(">f8"),
        lambda points: points.astype(np.longdouble),
    ],
    ids=["by columns", "every other row", "every other column", "backwards", "big end", "long"],
)
def test_any_arrangement_in_memory(plane: Plane, form: Any, back: bool) -> None:
    points = spread(MANY + 11, 3 if back else 2)
    run = plane.to_pixel if back else plane.to_patient
    np.testing.assert_array_equal(run(form(points)), run(points))


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int16, np.uint8, np.int64])
def test_other_numbers_become_float64_first(plane: Plane, kind: Any) -> None:
    points = np.random.default_rng(3).integers(0, 200, (MANY, 2)).astype(kind)
    found = plane.to_patient(points)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, plane.to_patient(points.astype(np.float64)))


def test_points_are_read_only_and_stay_as_they_are(plane: Plane) -> None:
    points = spread(MANY, 2)
    before = points.copy()
    points.setflags(write=False)
    found = plane.to_patient(points)
    np.testing.assert_array_equal(points, before)
    found[0] = 0.0  # the result belongs to the caller
    np.testing.assert_array_equal(points, before)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy, where nothing is compiled
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 1, MANY // 2, MANY + 4])
@pytest.mark.parametrize("back", [False, True])
def test_numbers_that_are_not_finite_are_refused(
    axial_plane: Plane, bad: float, place: int, back: bool
) -> None:
    """Also where their factor is 0: the axial plane has zeros in its matrix."""
    points = spread(MANY + 5, 3 if back else 2)
    for axis in range(points.shape[1]):
        wrong = points.copy()
        wrong[place, axis] = bad
        with pytest.raises(GeometryError, match=rf"finite numbers, got {bad} at \[{place}, {axis}"):
            _ = axial_plane.to_pixel(wrong) if back else axial_plane.to_patient(wrong)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_too_large_for_a_double_is_infinite_as_with_few_points() -> None:
    plane = Plane((4, 4), [0, 0, 0], [[1e10, 0.0], [0.0, 1.0], [0.0, 0.0]])
    points = np.full((MANY, 2), 1e300)
    assert np.isinf(plane.to_patient(points)[:, 0]).all()


@pytest.mark.parametrize(
    "value",
    [np.zeros((MANY, 3)), np.zeros((MANY, 2), dtype=bool), np.zeros((MANY, 2), dtype=complex)],
)
def test_what_is_no_list_of_points_is_refused(axial_plane: Plane, value: Any) -> None:
    with pytest.raises(GeometryError):
        axial_plane.to_patient(value)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.01, 50), st.floats(0.01, 50))
def test_there_and_back(seed: int, between_rows: float, between_columns: float) -> None:
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0][:, :2]
    plane = Plane((9, 9), random.uniform(-500, 500, 3), turn * (between_columns, between_rows))
    points = random.uniform(-100, 100, (MANY, 2))
    again = plane.to_pixel(plane.to_patient(points))
    # mm are rounded to 1e-12 of 5e3; a pixel is at least 0.01 mm
    np.testing.assert_allclose(again, points, rtol=0, atol=1e-9)


@pytest.mark.parametrize("library", [name for name in PLANES if name != "imageregion"])
@pytest.mark.parametrize("back", [False, True])
def test_other_libraries_agree(library: str, back: bool) -> None:
    if missing := PLANES[library].missing:
        pytest.skip(missing)
    for count in (1, 5 * MANY):
        task = replace(BACK if back else FORTH, given=partial(oblique, count, back))
        task.check(library)


@pytest.mark.parametrize("back", [False, True])
def test_compiled_code_is_really_used(monkeypatch: pytest.MonkeyPatch, back: bool) -> None:
    used = []
    real = planes._map_many

    def counted(*args: Any) -> Any:
        used.append(args)
        return real(*args)

    monkeypatch.setattr(planes, "_map_many", counted)
    for count in (MANY - 1, MANY):
        given = oblique(count, back)
        PLANES["imageregion"].run(given)
    assert len(used) == 1


def test_an_error_in_the_other_thread_is_raised(
    axial_plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when memory runs out: never a result with a half that nobody has written."""
    from imageregion._kernels import affine

    def fails(points: Any, *_: Any) -> bool:
        raise MemoryError

    monkeypatch.setattr(affine, "map_into_space", fails)
    monkeypatch.setattr(threading, "excepthook", lambda *_: None)
    with pytest.raises(MemoryError):
        axial_plane.to_patient(spread(MANY, 2))


def test_few_points_do_not_load_the_compiler() -> None:
    code = (
        "import sys, numpy as np, imageregion as ir;"
        "plane = ir.Plane((4, 4), [0, 0, 0], [[1, 0], [0, 1], [0, 0]]);"
        "plane.to_pixel(plane.to_patient(np.zeros((1000, 2)))); print('numba' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=dict(os.environ),
    )
    assert done.stdout.strip() == "False"
