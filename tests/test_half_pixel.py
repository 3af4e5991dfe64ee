"""The shift between the centre and the corner of a pixel has one home: `imageregion._pixel`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import imageregion as ir
from imageregion._pixel import CENTER

SOURCE = Path(__file__).parents[1] / "src" / "imageregion"

HOME = ("_pixel.py", "")

OTHER_HALVES = {
    ("_kernels/coverage.py", "_share"): "rounding to the nearest whole number",
    ("_kernels/coverage.py", "_stand"): "the middle between two ends",
    ("_kernels/coverage.py", "_untangle"): "the middle between two cuts",
    ("_kernels/coverage.py", "_dissect"): "rounding, and the middle between two ends",
    ("_kernels/coverage.py", "_cover_rows"): "area of a trapezium, rounding",
    ("_kernels/describe.py", "_between"): "which of two values a share is nearer to",
    ("_kernels/ellipse.py", "_add_piece"): "half a chord, area of a trapezium",
    ("auditing/agreement.py", "_rounded_away"): "half a unit in the last place",
    ("auditing/explaining.py", "_short"): "half a unit in the last place",
    ("auditing/quantities.py", "sample_numbers"): "a square root",
    ("auditing/substitutes.py", "other_shapes"): "half the radius",
    ("checking/placing.py", ""): "a score",
    ("convert/outlines.py", "contour"): "weight at which a pixel is half covered",
    ("dicom/web/settings.py", "WebSettings"): "seconds",
    ("fhir/links/stated.py", "StatedNumber.half_unit"): "half a unit in the last place",
    ("intervals.py", ""): "how far regions are shifted to try them out; share of the deviation",
    ("metrics.py", "_ellipse_perimeter"): "factor of a series",
    ("overlay/captions.py", ""): "opacity",
    ("overlay/captions.py", "_draw_leader"): "opacity",
    ("overlay/grey.py", "apply_window"): "grey levels (DICOM PS3.3 C.11.2.1.2.1)",
    ("overlay/labels.py", "_nearest"): "cells of the layout of labels",
    ("similarity.py", "_surface"): "weight at which a pixel is half covered",
    ("stack.py", ""): "share of the stacks",
    ("statistics/first_order.py", "FirstOrder.median"): "quantile",
    ("statistics/histogram.py", "Histogram.levels"): "centre of a bin of values",
    ("statistics/histogram.py", "Histogram.intensity_at_volume_fraction"): "centre of a bin",
    ("statistics/table.py", "_columns"): "quantile",
    ("statistics/table.py", "summarize_many"): "quantile",
}
"""Halves that are no positions of pixels: (file, function) and what they are."""


def is_half(node: ast.AST) -> bool:
    """Whether a part of a syntax tree is a half: 0.5, -0.5, "0.5" in a call, or 1 / 2.

    >>> [is_half(ast.parse(text, mode="eval").body) for text in ("0.5", "5e-1", "1 / 2", "2 / 1")]
    [True, True, True, False]
    """
    match node:
        case ast.Constant(value=float() as number):
            return number == CENTER
        case ast.BinOp(ast.Constant(value=1 | 1.0), ast.Div(), ast.Constant(value=2 | 2.0)):
            return True
        case ast.Call(args=[ast.Constant(value="0.5" | ".5" | "1/2")]):
            return True
        case ast.Call(ast.Name("Fraction"), [ast.Constant(value=1), ast.Constant(value=2)]):
            return True
        case _:
            return False


def halves(tree: ast.AST, function: str = "") -> Iterator[str]:
    """Yield the name of the function around every half, "" outside of functions."""
    for node in ast.iter_child_nodes(tree):
        name = function
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            name = f"{function}.{node.name}" if function else node.name
        if is_half(node):
            yield function
        yield from halves(node, name)


def found() -> set[tuple[str, str]]:
    return {
        (path.relative_to(SOURCE).as_posix(), function)
        for path in SOURCE.rglob("*.py")
        for function in halves(ast.parse(path.read_text(encoding="utf-8")))
    }


def test_the_centre_of_a_pixel_is_written_down_once() -> None:
    """Whoever needs it imports CENTER; what is no position of a pixel is listed with its reason."""
    assert found() - set(OTHER_HALVES) == {HOME}


def test_the_list_of_other_halves_is_current() -> None:
    assert set(OTHER_HALVES) - found() == set()


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    return x - 0.5",
        "class A:\n    def f(self):\n        return self.x + .5",
        "HALF = -0.5",
        "shift = 1 / 2",
        "def f(x=0.5):\n    return x",
        "from fractions import Fraction\nshift = float(Fraction(1, 2))",
        "shift = float('0.5')",
    ],
)
def test_a_half_is_found_wherever_it_stands(text: str) -> None:
    assert len(list(halves(ast.parse(text)))) == 1


def test_everybody_means_the_same_centre() -> None:
    """A disc smaller than a pixel counts it only from its centre; plane and contour agree."""
    inside = ir.Ellipse.circle((3 + CENTER, 5 + CENTER), 0.01)
    beside = ir.Ellipse.circle((3 + CENTER + 0.02, 5 + CENTER), 0.01)
    triangle = ir.Polygon([inside.center + 0.01 * np.array(s) for s in ([1, 1], [-1, 1], [0, -1])])
    (pixel,) = np.argwhere(ir.rasterize(inside, (9, 9)).to_mask())
    assert pixel.tolist() == [5, 3]
    assert ir.rasterize(triangle, (9, 9)).count == 1
    assert ir.rasterize(beside, (9, 9)).count == 0
    plane = ir.Plane((9, 9), [10, 20, 30], [[0.5, 0.0], [0.0, 2.0], [0.0, 0.0]])
    np.testing.assert_array_equal(plane.to_patient([[CENTER, CENTER]]), [[10, 20, 30]])
