"""Labels hide no region and no other label."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imageregion.frame import Frame
from imageregion.overlay import CanvasMap, OverlayItem, canvas_map, draw_overlay
from imageregion.overlay.captions import Caption, place_captions
from imageregion.overlay.labels import Board
from imageregion.overlay.text import clean_text, fit_text, text_patch, text_width
from imageregion.raster import rasterize
from imageregion.shapes import Ellipse

Mask = NDArray[np.bool_]
FRAME = Frame.from_array(np.zeros((128, 128)))


def arrange(
    boxes: Any, labels: list[str] | None = None, fill: bool = True
) -> tuple[list[Any], Mask, CanvasMap]:
    """Place labels for boxes (left, top, right, bottom) in pixels; returns them and a mask."""
    where = canvas_map(FRAME)
    image = (where.top, where.left, where.top + where.height, where.left + where.width)
    board = Board(where.shape, image)
    taken = np.zeros(where.shape, dtype=bool)
    captions = []
    for i, (left, top, right, bottom) in enumerate(boxes):
        (x0, y0), (x1, y1) = where.to_canvas([[left, top], [right, bottom]]).astype(int)
        mask = np.zeros(where.shape, dtype=bool)
        mask[y0:y1, x0:x1] = True
        if not fill:
            mask[y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] = False
        near = board.add_line(*np.nonzero(mask))
        taken |= mask
        captions.append(Caption(labels[i] if labels else f"region {i}", (9, 9, 9), near, None))
    return place_captions(captions, where, board), taken, where


def assert_clear(placed: list[Any], taken: Mask) -> None:
    for _, patch, place in placed:
        height, width = patch.shape
        area = (slice(place.top, place.top + height), slice(place.left, place.left + width))
        assert taken[area].shape == (height, width), "the label leaves the canvas"
        assert not taken[area].any(), "the label hides something"
        taken[area] = True


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("fill", [True, False])
def test_eleven_regions(seed: int, fill: bool) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 100, (11, 2))
    boxes = np.hstack([corner, corner + rng.uniform(3, 28, (11, 2))])
    placed, taken, _ = arrange(boxes, fill=fill)
    assert len(placed) == 11
    assert_clear(placed, taken)
    assert all(place.hidden == 0 for _, _, place in placed)


def test_many_regions_keep_apart() -> None:
    rng = np.random.default_rng(5)
    corner = rng.uniform(0, 120, (120, 2))
    placed, taken, _ = arrange(np.hstack([corner, corner + 5]))
    assert 40 < len(placed) <= 120
    assert_clear(placed, taken)


def test_label_stays_near_a_lone_region() -> None:
    (only,), _, where = arrange([(60, 60, 70, 70)])
    _, patch, place = only
    assert place.anchor is None
    bottom = place.top + patch.shape[0]
    assert 0 <= where.to_canvas([[60, 60]])[0, 1] - bottom <= 8


def test_far_labels_get_a_leader_line() -> None:
    crowd = [(x, y, x + 12, y + 12) for x in range(20, 100, 12) for y in range(20, 100, 12)]
    placed, _, _ = arrange(crowd[:40], labels=[""] * 17 + ["inner"] + [""] * 22)
    ((_, _, place),) = placed
    assert place.anchor is not None
    assert place.distance > 12


def test_region_that_fills_the_image_still_gets_its_label() -> None:
    placed, _, _ = arrange([(0, 0, 128, 128)], labels=["everything there is"])
    assert len(placed) == 1


def test_region_outside_the_image_is_named() -> None:
    away = OverlayItem(Ellipse.circle((500, 64), 5), None, "gone")
    silent = OverlayItem(Ellipse.circle((500, 64), 5), None)
    assert (draw_overlay(FRAME, [away]) != draw_overlay(FRAME, [silent])).any()


def test_labels_can_be_switched_off() -> None:
    shape = Ellipse.circle((64, 64), 20)
    item = OverlayItem(shape, rasterize(shape, FRAME.shape), "name")
    bare = OverlayItem(shape, rasterize(shape, FRAME.shape))
    off = draw_overlay(FRAME, [item], labels=False)
    np.testing.assert_array_equal(off, draw_overlay(FRAME, [bare]))
    assert (draw_overlay(FRAME, [item]) != off).any()


@pytest.mark.parametrize(
    "text", ["a\nb\tc", "", "   ", "\ud800", "\x00", "x" * 10000, "größe 漢字"]
)
def test_any_text(text: str) -> None:
    item = OverlayItem(Ellipse.circle((64, 64), 20), None, text)
    assert draw_overlay(FRAME, [item], title=text).dtype == np.uint8
    assert "\n" not in clean_text(text)
    assert len(clean_text(text)) <= 80


def test_text_fits() -> None:
    assert fit_text("a long name of a region", 14, 80).endswith("...")
    assert text_width(fit_text("a long name of a region", 14, 80), 14) <= 80
    assert fit_text("a", 14, 1) == ""
    patch = text_patch("name", 14)
    assert (patch.halo >= patch.core - 1e-6).all()
    assert patch.core.max() == 1
