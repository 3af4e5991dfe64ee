"""Mistakes planted one by one: the likeliest explanation is the mistake that was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.auditing.planted import (
    CIRCLE,
    COLUMNS,
    OPEN,
    OTHER,
    OVAL,
    ROWS,
    STAR,
    as_text,
    measured,
    observation,
    pet,
    phantom,
    selection,
    stated,
)

import imageregion as ir
from imageregion.auditing import audit
from imageregion.auditing.findings import Audit
from imageregion.dicom.images import Images

HU = "[hnsf'U]"
POINTS = np.array(OVAL[1]).reshape(-1, 2)
SIZES = ("area", "perimeter", "max_diameter")
Numbers = dict[str, tuple[float, str]]


@dataclass
class Planted:
    """A selection, the numbers stated of it, and the images they are audited on."""

    drawn: dict[str, Any]
    numbers: Numbers
    images: Images
    wrong: tuple[str, ...]
    name: str
    digits: int = 6

    def audited(self) -> Audit:
        texts = {code: (stated(v, self.digits), u) for code, (v, u) in self.numbers.items()}
        return audit(as_text(self.drawn, observation(texts)), self.images)


def picked(numbers: Numbers, *codes: str) -> Numbers:
    return {code: numbers[code] for code in codes}


def moved(by: Callable[[np.ndarray], np.ndarray]) -> dict[str, Any]:
    return selection((OVAL[0], by(POINTS.copy()).ravel().tolist()))


BASE = selection(OVAL, OTHER)
RIGHT = ("median", "min", "max", "perimeter")


def right(images: Images | None = None, drawn: dict[str, Any] = BASE) -> Numbers:
    return picked(measured(drawn, images or phantom()), *RIGHT)


def case(name: str, wrong: Numbers, **more: Any) -> Planted:
    """Numbers that are right but for some."""
    drawn, images = more.pop("drawn", BASE), more.pop("images", phantom())
    base = more.pop("base", None)
    numbers = (right(images, drawn) if base is None else base) | wrong
    return Planted(drawn, numbers, images, tuple(wrong), name, **more)


def another_rule() -> Planted:
    return case("rule:exact", picked(measured(BASE, phantom(), rule="exact"), "mean", "std"))


def touched_pixels() -> Planted:
    return case("rule:touched", picked(measured(BASE, phantom(), rule="touched"), "mean", "count"))


def sample_deviation() -> Planted:
    frame = phantom().frames[0]
    spans = ir.rasterize(ir.Polygon([POINTS]), frame.shape)
    values = frame.pixels[spans.to_mask()]
    return case("deviation:sample", {"std": (float(values.std(ddof=1)), HU)}, digits=7)


def half_pixel() -> Planted:
    """A program that counts from the centre of the first pixel, as arrays do."""
    found = measured(moved(lambda p: p + 0.5), phantom())
    return case("convention:pixel-centers", picked(found, "mean", "std"))


def one_based() -> Planted:
    found = measured(moved(lambda p: p - 0.5), phantom())
    return case("convention:one-based", picked(found, "mean", "std"))


def swapped_axes() -> Planted:
    found = measured(moved(lambda p: p[:, ::-1]), phantom())
    codes = ("mean", "std", "perimeter", "max_diameter", "median", "min", "max")
    return case("convention:swapped", picked(found, *codes))


def area_is_perimeter() -> Planted:
    found = measured(BASE, phantom())
    return case("quantity:perimeter", {"area": (found["perimeter"][0], "mm2")})


def median_for_mean() -> Planted:
    found = measured(BASE, phantom())
    return case("quantity:median", {"mean": found["median"]}, digits=7)


def centimetres() -> Planted:
    found = measured(BASE, phantom())
    return case("unit:cm", {"max_diameter": (found["max_diameter"][0] / 10, "mm")})


def square_centimetres() -> Planted:
    found = measured(BASE, phantom())
    return case("unit:cm", {"area": (found["area"][0] / 100, "mm2")})


def normalized() -> Planted:
    drawn = moved(lambda p: p / (COLUMNS, ROWS))
    found = measured(BASE, phantom())
    numbers = picked(found, "mean", "std", *SIZES)
    return case("convention:normalized", numbers, drawn=drawn, base={})


def percent() -> Planted:
    drawn = moved(lambda p: p / (COLUMNS, ROWS) * 100)
    numbers = picked(measured(BASE, phantom()), "mean", "std", "area")
    return case("convention:percent", numbers, drawn=drawn, base={})


def activity_for_uptake() -> Planted:
    found = measured(BASE, pet(), value="rescaled")
    wrong = {code: (found[code][0], "g/ml{SUVbw}") for code in ("mean", "max")}
    base = picked(measured(BASE, pet()), "median", "min", "area")
    return case("value:rescaled", wrong, images=pet(), base=base)


def uptake_for_activity() -> Planted:
    found = measured(BASE, pet())
    wrong = {code: (found[code][0], "Bq/ml") for code in ("mean", "max")}
    return case("value:suvbw", wrong, images=pet(), base={})


def stored_for_hounsfield() -> Planted:
    found = measured(BASE, phantom(), value="stored")
    return case("value:stored", {"mean": (found["mean"][0], HU)})


def unclosed_outline() -> Planted:
    drawn = selection(OPEN)
    found = measured(drawn, phantom(), close=True)
    base = picked(measured(drawn, phantom()), "length", "median")
    return case("outline:closed", picked(found, "mean", "area"), drawn=drawn, base=base)


def last_side_left_out() -> Planted:
    length = ir.shape_metrics(ir.Polyline(POINTS[:-1] * [0.5, 2.0])).length
    base = picked(measured(BASE, phantom()), "mean", "area")
    return case("outline:open", {"perimeter": (float(length or 0), "mm")}, base=base)


def neighbouring_slice() -> Planted:
    images, drawn = phantom(5), selection(OVAL, instance=3)
    found = measured(selection(OVAL, instance=4), images)
    base = picked(measured(drawn, images), *SIZES)
    return case(
        "frame:1.2.3.4", picked(found, "mean", "std"), images=images, drawn=drawn, base=base
    )


def another_region() -> Planted:
    found = measured(BASE, phantom(), 1)
    name = "region:ImagingSelection.instance[0].imageRegion2D[1]"
    return case(name, picked(found, "mean", "area"))


def bounding_box() -> Planted:
    low, high = POINTS.min(axis=0), POINTS.max(axis=0)
    area = float(np.prod((high - low) * [0.5, 2.0]))
    return case("shape:bounding-box", {"area": (area, "mm2")})


def crossing_filled() -> Planted:
    drawn = selection(STAR)
    found = measured(drawn, phantom(), fill_rule="nonzero")
    return case("fill:nonzero", picked(found, "area", "mean"), drawn=drawn)


def pixels_for_mm() -> Planted:
    perimeter = ir.shape_metrics(ir.Polygon([POINTS])).perimeter
    return case("spacing:ignored", {"perimeter": (float(perimeter or 0), "mm")})


def spacing_swapped() -> Planted:
    found = ir.shape_metrics(ir.Polygon([POINTS * [2.0, 0.5]]))
    wrong = {"perimeter": (found.perimeter, "mm"), "max_diameter": (found.max_diameter, "mm")}
    base = picked(measured(BASE, phantom()), "mean", "std", "area")
    return case("spacing:swapped", wrong, base=base)  # type: ignore[arg-type]


def radius_for_diameter() -> Planted:
    drawn = selection(CIRCLE)
    found = measured(drawn, phantom())
    wrong = {"equivalent_diameter": (found["equivalent_diameter"][0] / 2, "mm")}
    return case("quantity:radius", wrong, drawn=drawn)


def lost_sign() -> Planted:
    return case("sign", {"mean": (-measured(BASE, phantom())["mean"][0], HU)})


def padding_counted() -> Planted:
    images = phantom(padding=(430.0, 460.0))
    found = measured(BASE, phantom())
    base = picked(measured(BASE, images), *SIZES)
    return case("padding", picked(found, "mean", "count"), images=images, base=base)


MISTAKES = [
    another_rule,
    touched_pixels,
    sample_deviation,
    half_pixel,
    one_based,
    swapped_axes,
    area_is_perimeter,
    median_for_mean,
    centimetres,
    square_centimetres,
    normalized,
    percent,
    activity_for_uptake,
    uptake_for_activity,
    stored_for_hounsfield,
    unclosed_outline,
    last_side_left_out,
    neighbouring_slice,
    another_region,
    bounding_box,
    crossing_filled,
    pixels_for_mm,
    spacing_swapped,
    radius_for_diameter,
    lost_sign,
    padding_counted,
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_likeliest_explanation_is_the_mistake(mistake: Callable[[], Planted]) -> None:
    planted = mistake()
    found = {one.number.name: one for one in planted.audited().numbers}
    assert set(found) == set(planted.numbers)
    for code, one in found.items():
        if code not in planted.wrong:
            assert one.status == "matches", str(one)
            continue
        assert one.status == "explained", str(one)
        best = one.explanations[0]
        assert best.name == planted.name, [str(e) for e in one.explanations]
        assert "as if " in best.sentence and best.chance < 0.01
        # What comes out under the mistake is the stated number, to the digits that are stated.
        assert abs(best.residual) <= one.number.half_unit * 1.0001
        assert best.explains == len(planted.wrong)


def test_what_is_explained_does_not_depend_on_the_order_of_observations() -> None:
    """Numbers of all of first order and the usual ones, one Observation each, by another rule."""
    other = measured(selection(STAR), phantom(), rule="exact")
    names = ("mean", "std", "skewness", "energy", "variance")
    parts = [
        observation({name: (stated(other[name][0]), other[name][1])}, name=name) for name in names
    ]
    found = [
        {
            one.number.name: one.summary
            for one in audit(as_text(selection(STAR), *some), phantom()).numbers
        }
        for some in (parts, parts[::-1])
    ]
    assert found[0] == found[1]
    assert all("share" in sentence or "cover" in sentence for sentence in found[0].values()), found
