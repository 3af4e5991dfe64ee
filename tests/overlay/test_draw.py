"""The line goes exactly where the geometry says; the tint covers exactly the pixels that count."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from imageregion.errors import GeometryError
from imageregion.frame import Frame
from imageregion.overlay import PALETTE, CanvasMap, OverlayItem, canvas_map, draw_overlay
from imageregion.overlay.stroke import canvas_segments, stroke
from imageregion.raster import rasterize
from imageregion.shapes import Ellipse, Ellipsoid, Points, Polygon, Polyline, Shape
from imageregion.spacing import Spacing
from imageregion.spans import Spans

BOX = Polygon([[2, 3], [6, 3], [6, 9], [2, 9]])
WHITE = (255, 255, 255)


def black(rows: int = 12, columns: int = 12, **fields: Any) -> Frame:
    return Frame.from_array(np.zeros((rows, columns)), **fields)


def alpha(
    shape: Shape, frame: Frame, width: float = 2.0, scale: int | None = None
) -> tuple[NDArray[np.float64], CanvasMap]:
    """Alpha of a line on the whole canvas."""
    where = canvas_map(frame, scale)
    full = np.zeros(where.shape)
    patch = stroke(canvas_segments(shape, where), width, where)
    if patch is not None:
        height, wide = patch.alpha.shape
        full[patch.top : patch.top + height, patch.left : patch.left + wide] = patch.alpha
    return full, where


def middle(profile: NDArray[Any]) -> float:
    """Centre of a line across it, canvas px from the outer corner."""
    return float((profile * (np.arange(len(profile)) + 0.5)).sum() / profile.sum())


@pytest.mark.parametrize(
    "spacing", [None, Spacing(2.0, 0.5, "patient"), Spacing(1, 1.37, "patient")]
)
@pytest.mark.parametrize("scale", [None, 1, 5])
def test_edges_lie_on_pixel_corners(spacing: Any, scale: int | None) -> None:
    frame = black(16, 16, spacing=spacing)
    full, where = alpha(Polygon([[2, 3], [12, 3], [12, 13], [2, 13]]), frame, scale=scale)
    corners = where.to_canvas([[2, 3], [12, 13], [7, 8]])
    x, y = int(corners[2, 0]), int(corners[2, 1])
    for profile, low, high in (
        (full[y], corners[0, 0], corners[1, 0]),
        (full[:, x], corners[0, 1], corners[1, 1]),
    ):
        cut = round((low + high) / 2)
        assert middle(profile[:cut]) == pytest.approx(low, abs=0.1)
        assert cut + middle(profile[cut:]) == pytest.approx(high, abs=0.1)
        assert profile[:cut].sum() == pytest.approx(2.0, abs=0.05)


def test_line_is_symmetric_about_an_edge() -> None:
    full, where = alpha(BOX, black())
    x, y = (int(v) for v in where.to_canvas([[2, 6]])[0])
    np.testing.assert_allclose(full[y, x - 4 : x], full[y, x : x + 4][::-1], atol=1e-6)
    assert full[y, x - 1] == full[y, x] == 1


def test_line_in_the_picture_lies_where_its_alpha_says() -> None:
    frame = black()
    picture = draw_overlay(frame, [OverlayItem(BOX, None, color=WHITE)])
    where = canvas_map(frame)
    low, high = where.to_canvas([[2, 3], [6, 9]])
    row = picture[int((low[1] + high[1]) / 2), :, 0].astype(float)
    line = row[int(low[0]) - 9 : int(low[0]) + 9]
    assert int(low[0]) - 9 + middle(line) == pytest.approx(low[0], abs=0.1)


def test_sub_pixel_and_diagonal_lines() -> None:
    line = Polyline(np.array([[1.3, 1.7], [9.9, 10.3]]))
    full, where = alpha(line, black())
    ys, xs = np.nonzero(full)
    weights = full[ys, xs]
    start, stop = where.to_canvas(line.coords)
    mean = np.array([np.average(xs + 0.5, weights=weights), np.average(ys + 0.5, weights=weights)])
    np.testing.assert_allclose(mean, (start + stop) / 2, atol=0.1)
    assert weights.sum() == pytest.approx(2 * np.hypot(*(stop - start)) + np.pi, rel=0.02)


def test_ellipse_line_follows_the_ellipse() -> None:
    ellipse = Ellipse(np.array([6.25, 5.5]), np.array([[4, -1], [0.5, 2]]))
    full, where = alpha(ellipse, black())
    ys, xs = np.nonzero(full > 0.5)
    centres = np.stack([xs + 0.5 - where.left, ys + 0.5 - where.top], axis=1) / (where.sx, where.sy)
    unit = np.linalg.solve(ellipse.axes, (centres - ellipse.center).T)
    apart = np.abs(np.hypot(*unit) - 1)
    assert apart.max() < 1.5 / where.sx / np.linalg.svd(ellipse.axes, compute_uv=False)[-1]


def test_point_marker_is_centred() -> None:
    full, where = alpha(Points(np.array([[4.37, 7.81]])), black())
    ys, xs = np.nonzero(full)
    weights = full[ys, xs]
    mean = [np.average(xs + 0.5, weights=weights), np.average(ys + 0.5, weights=weights)]
    np.testing.assert_allclose(mean, where.to_canvas([[4.37, 7.81]])[0], atol=0.05)


def test_tint_covers_exactly_the_pixels_that_count() -> None:
    frame = Frame.from_array(np.zeros((12, 15)), spacing=Spacing(1.0, 0.4, "patient"))
    mask = np.random.default_rng(0).random((12, 15)) < 0.3
    item = OverlayItem(None, Spans.from_mask(mask), color=WHITE)
    picture = draw_overlay(frame, [item], scale_bar=False)
    where = canvas_map(frame, scale_bar=False)
    image = picture[where.top : where.top + where.height, where.left : where.left + where.width]
    row = ((np.arange(where.height) + 0.5) / where.sy).astype(int)
    column = ((np.arange(where.width) + 0.5) / where.sx).astype(int)
    np.testing.assert_array_equal(image[:, :, 0] > 0, mask[np.ix_(row, column)])
    outside = picture.copy()
    outside[where.top : where.top + where.height, where.left : where.left + where.width] = 16
    assert (outside == 16).all()


def test_tint_follows_the_weight() -> None:
    row, start, stop = np.array([[0, 0], [0, 1], [1, 2]])
    spans = Spans(row, start, stop, np.array([0.5, 1.0]), (1, 3))
    picture = draw_overlay(black(1, 3), [OverlayItem(None, spans, color=(200, 100, 0))])
    where = canvas_map(black(1, 3))
    x = where.to_canvas([[0.5, 0.5], [1.5, 0.5], [2.5, 0.5]]).astype(int)
    half, whole, none = (picture[y, c].astype(int) for c, y in x)
    np.testing.assert_allclose(half * 2, whole, atol=1)
    assert whole[0] > whole[1] > whole[2] == 0
    assert not none.any()


def test_tint_of_a_reduced_image_keeps_its_area() -> None:
    frame = black(4500, 4100)
    spans = rasterize(Ellipse.circle((2000.3, 2100.9), 700.0), frame.shape)
    picture = draw_overlay(frame, [OverlayItem(None, spans, color=WHITE)])
    where = canvas_map(frame)
    image = picture[where.top : where.top + where.height, where.left : where.left + where.width, 0]
    whole = image.max()
    area = image.sum() / whole / (where.sx * where.sy)
    assert area == pytest.approx(spans.count, rel=0.005)
    ys, xs = np.nonzero(image)
    weights = image[ys, xs].astype(float)
    assert np.average(xs + 0.5, weights=weights) / where.sx == pytest.approx(2000.3, abs=0.5)
    assert np.average(ys + 0.5, weights=weights) / where.sy == pytest.approx(2100.9, abs=0.5)


def test_grey_pixels_are_blocks() -> None:
    values = np.arange(12).reshape(3, 4) % 5
    frame = Frame.from_array(values)
    where = canvas_map(frame)
    picture = draw_overlay(frame, [])
    size = int(where.sx)
    image = picture[where.top : where.top + where.height, where.left : where.left + where.width, 0]
    blocks = image.reshape(3, size, 4, size)
    assert (blocks == blocks[:, :1, :, :1]).all()
    assert blocks[0, 0, :, 0].tolist() == sorted(blocks[0, 0, :, 0].tolist())


@pytest.mark.parametrize(
    "shape",
    [
        Points(np.array([[-50.0, 4.0], [500.0, 1e200]])),
        Points(np.random.default_rng(1).uniform(-5, 20, (5000, 2))),
        Polyline(np.array([[-1e300, -1e300], [1e300, 1e300]])),
        Polyline(np.array([[3, 3], [3, 3]])),
        Polygon([[100, 100], [110, 100], [105, 110]]),
        Polygon([[-1e9, -1e9], [1e9, -1e9], [0, 1e9]]),
        Polygon([[5, 5], [5, 5], [5, 5]]),
        Polygon([[1, 1], [9, 9], [1, 9], [9, 1]]),
        Polygon([[[1, 1], [9, 1], [9, 9]], [[3, 2], [8, 2], [8, 7]]]),
        Ellipse.circle((6, 6), 1e-9),
        Ellipse.circle((6, 6), 1e12),
        Ellipse.circle((6, 6), 1e300),
        Ellipse(np.array([6, 6]), np.diag([1e6, 1e-3])),
        Ellipse.circle((-30, 6), 3),
        Ellipse.circle((0, 0), 4),
    ],
)
@pytest.mark.parametrize("frame", [black(), black(1, 1), black(1, 40)], ids=lambda f: str(f.shape))
def test_any_valid_shape_can_be_drawn(shape: Any, frame: Frame) -> None:
    item = OverlayItem(shape, None, "label")
    assert draw_overlay(frame, [item]).shape == (*canvas_map(frame).shape, 3)


def test_a_line_across_the_image_from_far_away() -> None:
    full, where = alpha(Polyline(np.array([[-1e12, 5.5], [1e12, 5.5]])), black())
    y = int(where.to_canvas([[0, 5.5]])[0, 1])
    assert (full[y - 1 : y + 1, where.left : where.left + where.width] == 1).all()


@pytest.mark.parametrize("noise", [0.0, 0.3, 60.0])
def test_outlines_of_very_many_vertices(noise: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 100_000, endpoint=False)
    circle = 64 + 40 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    shift = np.random.default_rng(2).normal(0, noise, circle.shape) if noise else 0.0
    full, where = alpha(Polygon(circle + shift), black(128, 128))
    if not noise:
        want, _ = alpha(Ellipse.circle((64, 64), 40), black(128, 128))
        assert np.abs(full - want).max() < 0.2
        assert full.sum() == pytest.approx(2 * 2 * np.pi * 40 * where.sx, rel=0.01)
    assert full.max() == 1


def test_dense_and_sparse_union_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    from imageregion.overlay import stroke as module

    star = Polygon(np.random.default_rng(3).uniform(0, 12, (60, 2)))
    want, _ = alpha(star, black())
    monkeypatch.setattr(module, "_CHUNK", 40_000)
    got, _ = alpha(star, black())
    np.testing.assert_array_equal(got, want)


def test_nothing_to_draw_is_the_plain_image() -> None:
    plain = draw_overlay(black(), [])
    for item in (
        OverlayItem(None, None, "nothing"),
        OverlayItem(None, Spans.empty((12, 12)), "empty"),
        OverlayItem(Ellipse.circle((99, 99), 3), None),
    ):
        np.testing.assert_array_equal(draw_overlay(black(), [item]), plain)


def test_colours_cycle() -> None:
    items = [OverlayItem(BOX, None) for _ in PALETTE] + [OverlayItem(BOX, None)]
    picture = draw_overlay(black(), items)
    x, y = (int(v) for v in canvas_map(black()).to_canvas([[2, 6]])[0])
    assert tuple(picture[y, x].tolist()) == PALETTE[0]


def test_misuse_is_named() -> None:
    with pytest.raises(GeometryError, match="2-D"):
        OverlayItem(Ellipsoid(np.zeros(3), np.eye(3)), None)
    with pytest.raises(GeometryError, match="color"):
        OverlayItem(BOX, None, color=(0, 0, 256))
    with pytest.raises(GeometryError, match="spans"):
        draw_overlay(black(), [OverlayItem(None, Spans.full((3, 3)))])


def test_many_pieces_are_one_item() -> None:
    """Its line is the line of each piece, and one label stands beside them all."""
    frame = black(40, 40)
    lines = [Polyline([[4 + 8 * i, 3], [9 + 8 * i, 30]]) for i in range(4)]
    together = draw_overlay(frame, [OverlayItem(lines, None, color=WHITE)])
    alone = [draw_overlay(frame, [OverlayItem(line, None, color=WHITE)]) for line in lines]
    np.testing.assert_array_equal(together > 200, np.max(alone, axis=0) > 200)
    assert OverlayItem([], None).shapes == ()
    draw_overlay(frame, [OverlayItem([], None, "nothing"), OverlayItem(lines, None, "lines")])
    with pytest.raises(GeometryError, match="2-D pixel coordinates"):
        OverlayItem([lines[0], Ellipsoid(np.zeros(3), np.eye(3))], None)


def test_lengths_above_one_tint_no_more_than_whole_pixels() -> None:
    frame = Frame.from_array(np.full((6, 9), 50.0))
    row, start, stop = [2, 3], [1, 1], [5, 5]
    tinted = [
        draw_overlay(frame, [OverlayItem(Ellipse.circle((40, 40), 1), spans, "", (0, 114, 178))])
        for spans in (
            Spans(row, start, stop, [12.0, 6.0], (6, 9)),
            Spans(row, start, stop, [1.0, 0.5], (6, 9)),
        )
    ]
    np.testing.assert_array_equal(tinted[0], tinted[1])
