"""Rasterize: from shapes in pixels to the pixels that belong to them, and by how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import numpy as np

from imageregion._arrays import FloatArray, IntArray
from imageregion.errors import GeometryError
from imageregion.shapes import Ellipse, Points, Polygon, Polyline, Shape
from imageregion.spans import Spans

__all__ = [
    "Rule",
    "check_rule",
    "checked_image_shape",
    "filled_ellipses",
    "filled_polygons",
    "rasterize",
    "segment_lengths",
    "weighed_line",
    "within_reach",
]

Rule = Literal["center", "touched", "exact"]
"""Which pixels belong to a shape, and by how much."""

_RULES = get_args(Rule)

Runs: TypeAlias = tuple[IntArray, IntArray, IntArray, FloatArray, IntArray]
"""Row, start, stop and weight of runs, and where those of each region begin."""

_ONE = np.array([0, 1])
_FARTHEST = 1e15  # pixels; beyond it a double no longer tells one pixel from the next
_BEYOND_REACH = -2  # what the kernels answer to coordinates beyond it
_BAND = 1 << 20  # pieces of outline worked on at once, so that memory stays bounded
_MOST = 1 << 28  # pieces of one outline that are still an outline rather than an attack
_MOST_IN_ROW = 1 << 24  # of them in one row of pixels, which is worked on at once
_MOST_IN_LINE = 1 << 26  # pieces of one open line


def rasterize(
    shape: Shape,
    image_shape: tuple[int, int],
    rule: Rule = "center",
    *,
    spacing: tuple[float, float] = (1.0, 1.0),
) -> Spans:
    """Return the pixels of an image that belong to a shape, and by how much.

    ========  ==============================  ======================  ============================
    rule      polygons and ellipses           lines                   weight
    ========  ==============================  ======================  ============================
    center    pixels whose centre is inside   pixels they pass        1
    touched   pixels covered at all           pixels they pass        1
    exact     pixels covered at all           pixels they run inside  share of the pixel's area
                                                                      covered; length of the line
                                                                      inside the pixel
    ========  ==============================  ======================  ============================

    Points belong to the pixel that contains them, with weight 1, by every rule.

    Parameters
    ----------
    shape : Shape
        In pixels, (column, row), origin at the outer corner of the first pixel. It may lie partly
        or wholly outside the image.
    image_shape : tuple of int
        (rows, columns).
    rule : {"center", "touched", "exact"}
        A centre exactly on an edge belongs by the half-open rule (left and top in), so regions
        that share an edge never share or lose a pixel. A pixel owns its left and top edge, which
        decides about points and lines. Areas that only touch a pixel's border do not touch it.
        Coverage is the exact area, by the fill rule of the polygon where rings cross; it is the
        same for `touched`, where what is covered by less than rounding is not touched.
    spacing : tuple of float
        Distance between rows and between columns, for the length of lines by the rule `exact`;
        pixels unless given. A line without length counts as a point.

    Returns
    -------
    Spans

    Raises
    ------
    GeometryError
        For 3-D shapes, coordinates beyond 1e15 pixels, an unknown rule, an image without pixels, or
        an outline that crosses pixel borders or itself some 2**28 times or more, one row of
        pixels 2**24 times, or a line that crosses pixel borders more than 2**26 times.

    Examples
    --------
    >>> disc = Ellipse.circle((2.0, 2.0), 1.6)
    >>> rasterize(disc, (4, 4)).to_mask().astype(int).tolist()
    [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]]
    >>> rasterize(disc, (4, 4), "exact").to_coverage().round(2)[0].tolist()
    [0.03, 0.49, 0.49, 0.03]
    """
    check_rule(rule)
    size = checked_image_shape(image_shape)
    if getattr(shape, "dimension", None) not in (2, 3):
        raise GeometryError(f"shape: expected a Shape, got {type(shape).__name__}")
    if shape.dimension != 2:
        raise GeometryError(
            f"{type(shape).__name__}: expected 2-D pixel coordinates, got {shape.dimension}-D; "
            "place it on an image plane first"
        )
    match shape:
        case Polygon():
            return _polygon(shape, size, rule)
        case Ellipse():
            return _ellipse(shape, size, rule)
        case Polyline():
            return _polyline(shape, size, rule, spacing)
        case Points():
            return _points(shape, size)
    raise GeometryError(f"shape: expected a 2-D shape, got {type(shape).__name__}")


def check_rule(rule: str) -> None:
    """Raise GeometryError for a rule that does not exist."""
    if rule not in _RULES:
        raise GeometryError(f"rule: expected one of {list(_RULES)}, got {rule!r}")


def checked_image_shape(image_shape: tuple[int, int]) -> tuple[int, int]:
    """Return (rows, columns) as plain numbers, or raise GeometryError."""
    try:
        rows, columns = image_shape
        rows, columns = int(rows), int(columns)
    except (TypeError, ValueError):
        rows, columns = -1, -1
    if not (0 <= rows < 2**31 and 0 <= columns < 2**31):
        raise GeometryError(f"image_shape: expected (rows, columns) below 2**31, got {image_shape}")
    return rows, columns


def within_reach(xy: FloatArray) -> None:
    """Raise GeometryError for coordinates so large that pixels cannot be told apart."""
    if xy.size and not -_FARTHEST <= xy.min() <= xy.max() <= _FARTHEST:
        raise GeometryError("shape: expected coordinates within 1e15 pixels")


def _polygon(shape: Polygon, image_shape: tuple[int, int], rule: Rule) -> Spans:
    rings = shape.rings
    if len(rings) == 1:
        xy, offsets, regions = rings[0], np.array([0, len(rings[0])]), _ONE
    else:
        xy, offsets = np.concatenate(rings), np.cumsum([0, *map(len, rings)])
        regions = np.array([0, len(rings)])
    nonzero = shape.fill_rule == "nonzero"
    row, start, stop, weight, _ = filled_polygons(xy, offsets, regions, image_shape, rule, nonzero)
    return Spans._trusted(row, start, stop, weight, image_shape)


def filled_polygons(
    xy: FloatArray,
    rings: IntArray,
    regions: IntArray,
    image_shape: tuple[int, int],
    rule: Rule,
    nonzero: bool,
) -> Runs:
    """Rasterize polygons given as flat arrays; see `_kernels.fill` for their layout.

    Work is halved, by regions and then by rows, until it fits into memory set aside for it.

    Raises
    ------
    GeometryError
        When a polygon crosses pixels or itself too often.
    """
    rows, columns = image_shape
    work: Callable[[int, int, int], tuple[int, Runs]]
    if rule == "center":
        from imageregion._kernels.fill import fill_polygons

        def work(first: int, last: int, limit: int) -> tuple[int, Runs]:
            total, row, start, stop, offsets = fill_polygons(
                xy, rings, regions, first, last, columns, nonzero, limit
            )
            return total, (row, start, stop, np.ones(len(row)), offsets)
    else:
        from imageregion._kernels.coverage import cover_polygons

        spent = np.zeros(1, dtype=np.int64)

        def work(first: int, last: int, limit: int) -> tuple[int, Runs]:
            total, *runs = cover_polygons(
                xy, rings, regions, first, last, columns, nonzero, rule == "touched", limit, spent
            )
            return total, (runs[0], runs[1], runs[2], runs[3], runs[4])

    total, runs = work(0, rows, _BAND)
    if total == _BEYOND_REACH:
        within_reach(xy)
    if 0 <= total <= min(_BAND, _MOST):
        return runs
    if len(regions) == 2:
        return _by_rows(work, 0, rows, total)
    half = len(regions) // 2
    first = filled_polygons(xy, rings, regions[: half + 1], image_shape, rule, nonzero)
    second = filled_polygons(xy, rings, regions[half:], image_shape, rule, nonzero)
    return _joined(first, second, np.append(first[4], first[4][-1] + second[4][1:]))


def _by_rows(
    work: Callable[[int, int, int], tuple[int, Runs]], first: int, last: int, total: int
) -> Runs:
    """Work on the upper and the lower half of the rows of one region, and join the runs."""
    if total < 0 or total > _MOST:
        raise GeometryError(
            f"outline: expected at most {_MOST} crossings with pixel borders, {_MOST_IN_ROW} in a "
            "row of pixels, and not so many with itself that they cannot be told apart; got more"
        )
    middle = (first + last) // 2
    parts = []
    for begin, end in ((first, middle), (middle, last)):
        alone = end - begin < 2
        limit = _MOST_IN_ROW if alone else _BAND
        total, runs = work(begin, end, limit)
        fits = 0 <= total <= limit
        if alone and not fits:
            total = -1
        parts.append(runs if fits else _by_rows(work, begin, end, total))
    upper, lower = parts
    return _joined(upper, lower, upper[4] + lower[4])


def _joined(first: Runs, second: Runs, offsets: IntArray) -> Runs:
    row, start, stop, weight = (
        np.concatenate(pair) for pair in zip(first[:4], second[:4], strict=True)
    )
    return row, start, stop, weight, offsets


def _ellipse(shape: Ellipse, image_shape: tuple[int, int], rule: Rule) -> Spans:
    within_reach(shape.center)
    within_reach(shape.axes)
    row, start, stop, weight, _ = filled_ellipses(
        shape.center[None], shape.axes[None], image_shape, rule
    )
    return Spans._trusted(row, start, stop, weight, image_shape)


def filled_ellipses(
    centers: FloatArray, axes: FloatArray, image_shape: tuple[int, int], rule: Rule
) -> Runs:
    """Rasterize ellipses; centers (N, 2), axes (N, 2, 2)."""
    from imageregion._kernels.ellipse import cover_ellipses, fill_ellipses

    rows, columns = image_shape
    if rule == "center":
        row, start, stop, offsets = fill_ellipses(centers, axes, rows, columns)
        return row, start, stop, np.ones(len(row)), offsets
    total, row, start, stop, weight, offsets = cover_ellipses(
        centers, axes, rows, columns, rule == "touched", _BAND if len(centers) > 1 else _MOST
    )
    if len(row) or total <= _BAND:
        return row, start, stop, weight, offsets
    half = len(centers) // 2
    first = filled_ellipses(centers[:half], axes[:half], image_shape, rule)
    second = filled_ellipses(centers[half:], axes[half:], image_shape, rule)
    return _joined(first, second, np.append(first[4], first[4][-1] + second[4][1:]))


def _polyline(
    shape: Polyline, image_shape: tuple[int, int], rule: Rule, spacing: tuple[float, float]
) -> Spans:
    within_reach(shape.coords)
    if rule == "exact":
        lengths = segment_lengths(shape.coords, spacing)
        if lengths.any():
            return weighed_line(shape.coords, image_shape, lengths)
    from imageregion._kernels.trace import count_visits, trace_lines

    rows, columns = image_shape
    counts = count_visits(shape.coords, rows)
    total = np.append(0, np.cumsum(counts))
    if total[-1] > _MOST_IN_LINE:
        raise GeometryError(
            f"line: expected at most {_MOST_IN_LINE} crossings with pixel rows, got {total[-1]}"
        )
    bands = []
    first = 0
    while first < rows:
        last = int(np.searchsorted(total, total[first] + _BAND, side="right")) - 1
        last = min(max(last, first + 1), rows)
        row, start, stop = trace_lines(shape.coords, counts[first:last], first, columns)
        bands.append(Spans.from_runs(row, start, stop, image_shape))
        first = last
    if len(bands) == 1:
        return bands[0]
    joined = [
        np.concatenate([getattr(band, name) for band in bands] or [[]])
        for name in ("row", "start", "stop", "weight")
    ]
    return Spans(joined[0], joined[1], joined[2], joined[3], image_shape)


def segment_lengths(coords: FloatArray, spacing: tuple[float, float]) -> FloatArray:
    """Return the lengths of the segments of a line, given (between rows, between columns)."""
    try:
        scale = np.array([spacing[1], spacing[0]], dtype=np.float64)
    except (TypeError, ValueError, IndexError):
        scale = np.zeros(2)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise GeometryError(f"spacing: expected two distances above 0, got {spacing!r}")
    steps = np.diff(coords, axis=0) * scale
    return np.asarray(np.hypot(steps[:, 0], steps[:, 1]))  # squares of tiny steps would be 0


def weighed_line(coords: FloatArray, image_shape: tuple[int, int], lengths: FloatArray) -> Spans:
    """Weigh every pixel by the length of a line inside it, given the length of its segments."""
    from imageregion._kernels.trace import measure_lines

    within_reach(coords)
    rows, columns = image_shape
    pixels = np.floor(np.clip(coords, -1, (columns, rows)))
    bound = np.append(0, np.cumsum(np.abs(np.diff(pixels, axis=0)).sum(axis=1) + 4)).astype(
        np.int64
    )
    if bound[-1] > _MOST_IN_LINE:
        raise GeometryError(
            f"line: expected at most {_MOST_IN_LINE} crossings with pixel borders, got {bound[-1]}"
        )
    pixel: IntArray = np.zeros(0, dtype=np.int64)
    length: FloatArray = np.zeros(0)
    first = 0
    while first < len(coords) - 1:
        last = max(int(np.searchsorted(bound, bound[first] + _BAND, side="right")) - 1, first + 1)
        part, most = coords[first : last + 1], int(bound[last] - bound[first])
        found = measure_lines(part, rows, columns, lengths[first:last], most)
        pixels_met, place = np.unique(np.append(pixel, found[0]), return_inverse=True)
        added = np.bincount(place, np.append(length, found[1]), len(pixels_met))
        length = added.astype(np.float64)
        pixel = pixels_met.astype(np.int64)
        first = last
    row, column = np.divmod(pixel[length > 0], columns)
    return _pixel_runs(row, column, length[length > 0], image_shape)


def _pixel_runs(
    row: IntArray, column: IntArray, weight: FloatArray, image_shape: tuple[int, int]
) -> Spans:
    """Join neighbouring pixels of equal weight; pixels are sorted and distinct."""
    joins = (np.diff(row) == 0) & (np.diff(column) == 1) & (np.diff(weight) == 0)
    begins = np.append(True, ~joins)[: len(row)]
    ends = np.append(~joins, True)[: len(row)]
    return Spans(row[begins], column[begins], column[ends] + 1, weight[begins], image_shape)


def _points(shape: Points, image_shape: tuple[int, int]) -> Spans:
    rows, columns = image_shape
    within_reach(shape.coords)
    pixel = np.floor(shape.coords)
    inside = ((pixel >= 0) & (pixel < (columns, rows))).all(axis=1)
    column, row = pixel[inside].astype(np.int64).T
    return Spans.from_runs(row, column, column + 1, image_shape)
