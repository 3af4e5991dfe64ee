"""Ragged arrays: many regions of one image as flat arrays, without an object per region."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imageregion._arrays import FloatArray, IntArray, as_floats, read_only
from imageregion.errors import GeometryError
from imageregion.shapes import Ellipse, FillRule, Polygon, check_fill_rule
from imageregion.spans import Spans

__all__ = ["EllipseArray", "PolygonArray", "RaggedSpans"]


@dataclass(frozen=True, slots=True, eq=False)
class PolygonArray:
    """Many polygons in pixels of one image.

    Parameters
    ----------
    coords : array_like, shape (N, 2)
        Vertices (column, row) of all rings, one ring after the other. A ring need not repeat its
        first vertex; a repeated one is dropped, as by `Polygon`.
    ring_offsets : array_like of int, shape (rings + 1,)
        Ring r has the vertices ``ring_offsets[r]`` up to but not including ``ring_offsets[r + 1]``.
    polygon_offsets : array_like of int, shape (polygons + 1,), optional
        Polygon p has the rings ``polygon_offsets[p]`` up to ``polygon_offsets[p + 1]``. Without it
        every ring is a polygon of its own. These are the offsets of `shapely.to_ragged_array`.
    fill_rule : {"evenodd", "nonzero"}
        As for `Polygon`.

    Raises
    ------
    GeometryError
        On a wrong shape, numbers that are not finite, offsets that do not start at 0, descend or
        do not end at the last vertex or ring, and rings of fewer than three vertices.

    Examples
    --------
    >>> triangles = PolygonArray([[0, 0], [4, 0], [0, 4], [9, 9], [9, 7], [7, 9]], [0, 3, 6])
    >>> len(triangles), triangles[1].rings[0].tolist()
    (2, [[9.0, 9.0], [9.0, 7.0], [7.0, 9.0]])
    """

    coords: FloatArray
    ring_offsets: IntArray
    polygon_offsets: IntArray
    fill_rule: FillRule

    def __init__(
        self,
        coords: ArrayLike,
        ring_offsets: ArrayLike,
        polygon_offsets: ArrayLike | None = None,
        fill_rule: FillRule = "evenodd",
    ) -> None:
        check_fill_rule(fill_rule)
        xy = as_floats(coords, (None, 2), "PolygonArray coords")
        rings = _offsets(ring_offsets, len(xy), "PolygonArray ring_offsets")
        if (np.diff(rings) < 3).any():
            ring = int(np.flatnonzero(np.diff(rings) < 3)[0])
            raise GeometryError(
                f"PolygonArray ring {ring}: expected at least 3 vertices, got "
                f"{rings[ring + 1] - rings[ring]}"
            )
        xy, rings = _without_repeated(xy, rings)
        if polygon_offsets is None:
            polygon_offsets = np.arange(len(rings))
        polygons = _offsets(polygon_offsets, len(rings) - 1, "PolygonArray polygon_offsets")
        object.__setattr__(self, "coords", xy)
        object.__setattr__(self, "ring_offsets", rings)
        object.__setattr__(self, "polygon_offsets", polygons)
        object.__setattr__(self, "fill_rule", fill_rule)

    def __len__(self) -> int:
        """Return the number of polygons."""
        return len(self.polygon_offsets) - 1

    def __getitem__(self, polygon: int) -> Polygon:
        """Return one polygon."""
        number = _index(polygon, len(self))
        first, last = self.polygon_offsets[number : number + 2]
        if first == last:
            raise GeometryError(f"PolygonArray polygon {number}: expected a ring, got none")
        ends = self.ring_offsets[first : last + 1]
        rings = [self.coords[a:b] for a, b in itertools.pairwise(ends)]
        return Polygon(rings, self.fill_rule)


@dataclass(frozen=True, slots=True, eq=False)
class EllipseArray:
    """Many ellipses in pixels of one image.

    Parameters
    ----------
    centers : array_like, shape (N, 2)
        (column, row).
    axes : array_like, shape (N, 2, 2)
        Columns of each matrix are conjugate semi-axis vectors, as for `Ellipse`.

    Raises
    ------
    GeometryError
        On a wrong shape, numbers that are not finite, or axes that span no area.

    Examples
    --------
    >>> len(EllipseArray.circles([[3, 3], [8, 8]], 2.5))
    2
    """

    centers: FloatArray
    axes: FloatArray

    def __init__(self, centers: ArrayLike, axes: ArrayLike) -> None:
        middles = as_floats(centers, (None, 2), "EllipseArray centers")
        matrices = as_floats(axes, (len(middles), 2, 2), "EllipseArray axes")
        area = np.abs(np.linalg.det(matrices)) if len(matrices) else np.zeros(0)
        flat = ~(area > 1e-12 * (matrices**2).sum(axis=(1, 2)))
        if flat.any():
            first = int(np.flatnonzero(flat)[0])
            raise GeometryError(
                f"EllipseArray ellipse {first}: expected semi-axes that span an area, got "
                f"{matrices[first].tolist()}"
            )
        object.__setattr__(self, "centers", middles)
        object.__setattr__(self, "axes", matrices)

    @classmethod
    def circles(cls, centers: ArrayLike, radii: ArrayLike) -> EllipseArray:
        """Make circles from centres (N, 2) and radii, one each or one for all, in pixels."""
        middles = as_floats(centers, (None, 2), "EllipseArray centers")
        given = np.full(len(middles), radii) if np.ndim(radii) == 0 else radii
        radius = as_floats(given, (len(middles),), "EllipseArray radii")
        return cls(middles, radius[:, None, None] * np.eye(2))

    def __len__(self) -> int:
        """Return the number of ellipses."""
        return len(self.centers)

    def __getitem__(self, ellipse: int) -> Ellipse:
        """Return one ellipse."""
        number = _index(ellipse, len(self))
        return Ellipse(self.centers[number], self.axes[number])


@dataclass(frozen=True, slots=True, eq=False)
class RaggedSpans:
    """The pixels of many regions on one image; regions may overlap.

    Parameters
    ----------
    row, start, stop, weight : ndarray, shape (N,)
        Runs as in `Spans`, sorted within each region.
    offsets : ndarray of int64, shape (regions + 1,)
        Region i owns the runs ``offsets[i]`` up to but not including ``offsets[i + 1]``.
    shape : tuple of int
        (rows, columns).

    Examples
    --------
    >>> from imageregion import Spans
    >>> both = RaggedSpans.of([Spans.full((2, 3)), Spans([1], [0], [2], [1], (2, 3))])
    >>> both.to_labels().tolist()
    [[1, 1, 1], [2, 2, 1]]
    """

    row: IntArray
    start: IntArray
    stop: IntArray
    weight: FloatArray
    offsets: IntArray
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        for name in ("row", "start", "stop", "weight"):
            kind = np.float64 if name == "weight" else np.int64
            object.__setattr__(self, name, read_only(np.asarray(getattr(self, name), dtype=kind)))
        offsets = _offsets(self.offsets, len(self.row), "RaggedSpans offsets")
        object.__setattr__(self, "offsets", offsets)
        if not len(self.row) == len(self.start) == len(self.stop) == len(self.weight):
            raise GeometryError("RaggedSpans: expected row, start, stop and weight of one length")

    @classmethod
    def of(cls, regions: list[Spans]) -> RaggedSpans:
        """Put spans on one image next to each other."""
        if not regions or len({spans.shape for spans in regions}) != 1:
            raise GeometryError(
                f"RaggedSpans: expected spans of one image, got {[s.shape for s in regions]}"
            )
        shape = regions[0].shape
        if len(shape) != 2:
            raise GeometryError(f"RaggedSpans: expected a shape (rows, columns), got {shape}")
        row, start, stop, weight = (
            np.concatenate([getattr(spans, name) for spans in regions])
            for name in ("row", "start", "stop", "weight")
        )
        offsets = np.cumsum([0, *(len(spans.row) for spans in regions)])
        return cls(row, start, stop, weight, offsets, (shape[0], shape[1]))

    def __len__(self) -> int:
        """Return the number of regions."""
        return len(self.offsets) - 1

    def __getitem__(self, region: int) -> Spans:
        """Return the spans of one region."""
        number = _index(region, len(self))
        one = slice(self.offsets[number], self.offsets[number + 1])
        runs = (self.row[one], self.start[one], self.stop[one], self.weight[one])
        return Spans._trusted(*runs, self.shape)

    def __iter__(self) -> Iterator[Spans]:
        """Yield the spans of every region."""
        return (self[region] for region in range(len(self)))

    def to_labels(self) -> NDArray[np.int32]:
        """Return an int32 image of `shape`: region i as i + 1, 0 outside.

        Where regions overlap, the last one counts; partly covered pixels count as covered.
        """
        from imageregion._kernels.runs import paint

        labels = np.zeros(self.shape, dtype=np.int32)
        number = np.repeat(np.arange(1, len(self) + 1, dtype=np.int32), np.diff(self.offsets))
        paint(labels, self.row, self.start, self.stop, number)
        return labels

    def __repr__(self) -> str:
        return f"RaggedSpans({len(self)} regions, {len(self.row)} runs on {self.shape})"


def _offsets(value: ArrayLike, end: int, what: str) -> IntArray:
    array = np.asarray(value)
    if array.ndim != 1 or array.dtype.kind not in "iu" or not len(array):
        raise GeometryError(
            f"{what}: expected integers of shape (N + 1,), got dtype {array.dtype} of shape "
            f"{array.shape}"
        )
    offsets = np.array(array, dtype=np.int64)
    if offsets[0] != 0 or offsets[-1] != end or (np.diff(offsets) < 0).any():
        raise GeometryError(
            f"{what}: expected ascending from 0 to {end}, got {offsets.tolist()!s:.80}"
        )
    return read_only(offsets)


def _without_repeated(xy: FloatArray, rings: IntArray) -> tuple[FloatArray, IntArray]:
    """Drop the last vertex of rings of more than three vertices that end where they begin."""
    ends = rings[1:] - 1
    closed = (xy[rings[:-1]] == xy[ends]).all(axis=1) & (np.diff(rings) > 3)
    if not closed.any():
        return xy, rings
    kept = np.delete(xy, ends[closed], axis=0)
    return read_only(kept), read_only(rings - np.append(0, np.cumsum(closed)))


def _index(number: int, length: int) -> int:
    if not -length <= number < length:
        raise IndexError(f"index {number}: expected below {length}")
    return number % length
