"""Placing: what is wrong with regions on the images at hand, and which convention would fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from imageregion._pixel import CENTER
from imageregion.checking.drawing import vertices
from imageregion.checking.missing import why_not_located
from imageregion.checking.picture_edges import Edges
from imageregion.checking.plausibility import AS_WRITTEN, SMALL, Ranking, Reading, rank
from imageregion.checking.solid_plausibility import rank_solid
from imageregion.errors import ImageRegionError, Issue
from imageregion.frame import Frame
from imageregion.locate import Located, Part, instance_issues, locate
from imageregion.outside import leaves_image, outside_fraction
from imageregion.region import Region
from imageregion.shapes import Shape

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["Placing"]

_ROUNDING = 1e-9
_MANY = 1000  # regions that are ranked though they fit as written; of more it would take long
_STACKS = 100  # orientations and series that a region in 3-D is looked for on
_DOUBTFUL = 0.5  # a score up to which another convention is proposed
_PLAUSIBLE = 0.95
_ON_EDGES, _MORE_EDGES = 0.75, 0.4  # of 46 contours on CT by others none has as much by mistake
_BOUNDS = (
    (-CENTER, -CENTER, "(0, 0) is the centre of the first pixel, as of arrays and contours"),
    (0.0, -1.0, "pixels are counted from 0 to one less than their number"),
    (1.0, 0.0, "pixels are counted from 1"),
    (CENTER, CENTER, "(1, 1) is the centre of the first pixel"),
)
"""Where other conventions end an image: its first bound, its last beyond the number of pixels."""


@dataclass(slots=True)
class Placing:
    """Regions under check on images.

    Parameters
    ----------
    images : Images
    pixels : bool
        Whether pixels may be decoded to look for edges.
    """

    images: Images
    pixels: bool = True
    rankings: list[Ranking] = field(default_factory=list)
    near: set[str] = field(default_factory=set)
    _edges: dict[object, Edges] = field(default_factory=dict)

    def issues(self, region: Region) -> list[Issue]:
        """Find what is wrong with one region; notes its ranking, and the images it lies on."""
        self.near |= {region.target.instance, region.target.series}
        found = list(self.images.mismatches(region.target))
        if region.shape is not None and region.shape.dimension == 3:
            found += self._in_patient(region, region.shape)
        try:
            located = locate(region, self.images)
        except ImageRegionError as error:
            return [*found, why_not_located(region, self.images, error)]
        self.near |= {part.frame.instance for one in located for part in one.parts}
        found += instance_issues(region, located, self.images)
        found += self._parts(region, located)
        if any(one.share < 1 - _ROUNDING for one in located):
            message = "lies partly outside the space between the image planes"
            found.append(Issue("warning", "partly-off-planes", region.path, message))
        return found

    def image_issues(self) -> list[Issue]:
        """What was found about the images that regions name or lie on, and what cannot be read."""
        return [
            Issue(issue.severity, "image-issue", issue.path, f"{issue.message} [{issue.code}]")
            for issue in self.images.issues
            if issue.path in self.near or issue.severity == "error"
        ]

    def _parts(self, region: Region, located: Sequence[Located]) -> Iterator[Issue]:
        parts = [part for one in located for part in one.parts]
        for part in parts:
            if part.shape is not None:
                yield from self._on_frame(region, part, part.shape)
        if region.shape is not None and region.shape.dimension == 2:
            yield from self._conventions(region, region.shape, parts[0].frame)

    def _on_frame(self, region: Region, part: Part, shape: Shape) -> Iterator[Issue]:
        rows, columns = part.frame.shape
        side = _side(shape, part.frame.shape)
        where = f"image {part.frame.instance}"
        where += f" frame {part.frame.number}" if part.frame.number else ""
        tiled = [f for f in self.images.of_instance(part.frame.instance) if f.tiles is not None]
        if side and tiled and part.frame.tiles is None and not _side(shape, tiled[0].shape):
            size = f"{tiled[0].shape[1]} columns and {tiled[0].shape[0]} rows"
            message = (
                f"lies {side} outside {where}, a tile of {columns} columns and {rows} rows, but on "
                f"the whole image of {size}: with a frame named, coordinates count from its corner"
            )
            yield Issue("warning", "matrix-coordinates", region.path, message)
        elif side:
            message = f"lies {side} outside {where} of {columns} columns and {rows} rows"
            yield Issue("warning", "outside-image", region.path, message)
        elif part.frame.tiles is not None and _fits_one_tile(shape, part.frame):
            tile = part.frame.tiles.shape
            message = (
                f"lies within the first tile of {where} ({tile[1]} columns and {tile[0]} rows) and "
                "names no frame: counted from the corner of the whole image, not of a tile"
            )
            yield Issue("information", "tile-coordinates", region.path, message)

    def _in_patient(self, region: Region, shape: Shape) -> Iterator[Issue]:
        target = region.target
        try:
            groups = self.images.volumes_in(target.frame_of_reference, target.series)
        except ImageRegionError:
            return
        volumes = [volume for parts in groups.values() for group in parts for volume in group]
        stacks = {id(volume.stack): volume for volume in volumes}  # time points share their planes
        ranked = [rank_solid(shape, one, region.path) for one in list(stacks.values())[:_STACKS]]
        yield from self._ranked(max(ranked, key=lambda one: one.as_written.score))

    def _ranked(self, ranking: Ranking) -> Iterator[Issue]:
        """Note a ranking; say so when the region is implausible as written, and else plausible."""
        self.rankings.append(ranking)
        if ranking.as_written.score <= _DOUBTFUL and ranking.readings[0].score >= _PLAUSIBLE:
            yield Issue("warning", "other-convention", ranking.path, _proposal(ranking))

    def _conventions(self, region: Region, shape: Shape, frame: Frame) -> Iterator[Issue]:
        pattern = _bounds_pattern(region, frame.shape)
        if pattern:
            message = f"ends exactly where the image ends if {pattern}; FHIR counts from corners"
            yield Issue("information", "image-bounds", region.path, message)
        if len(self.rankings) >= _MANY and _fits(shape, frame.shape):
            return
        ranking = rank(shape, frame, self._edges_of(frame), region.path)
        yield from self._ranked(ranking)
        written = ranking.as_written
        for one in ranking.likeliest if written in ranking.likeliest else ():
            if one.name != AS_WRITTEN and _is_on_more_edges(one, written):
                message = (
                    f"{_share(written.edges)} of the outline lies on edges of the picture, but "
                    f"{_share(one.edges)} if {one.sentence}: weak evidence"
                )
                yield Issue("information", "edges-elsewhere", region.path, message)
                return

    def _edges_of(self, frame: Frame) -> Edges | None:
        if not self.pixels:
            return None
        if frame.key not in self._edges:
            self._edges = {frame.key: Edges(frame)}  # regions come image by image: one is enough
        return self._edges[frame.key]


def _side(shape: Shape, image_shape: tuple[int, int]) -> str:
    """Tell how a shape in pixels lies outside an image."""
    if not leaves_image(shape, image_shape):
        return ""
    share = outside_fraction(shape, image_shape)
    if share is None:
        return "partly"
    return "wholly" if share > 1 - _ROUNDING else "partly" if share > _ROUNDING else ""


def _fits(shape: Shape, size: tuple[int, int]) -> bool:
    low, high = shape.bounds
    return not leaves_image(shape, size) and float((high - low).max()) >= SMALL


def _fits_one_tile(shape: Shape, frame: Frame) -> bool:
    if frame.tiles is None or len(frame.tiles.corners) < 2:
        return False
    return not leaves_image(shape, frame.tiles.shape)


def _bounds_pattern(region: Region, size: tuple[int, int]) -> str:
    points = vertices(region)
    if points is None:
        return ""
    low, high = points.min(axis=0), points.max(axis=0)
    end = np.array(size[::-1], dtype=np.float64)
    for first, beyond, meaning in _BOUNDS:
        if ((low == first) & (high == end + beyond)).any():
            return meaning
    return _BOUNDS[0][2] if (low == -CENTER).any() else ""


def _proposal(ranking: Ranking) -> str:
    written = ranking.as_written
    what = f"{written.inside:.0%} on the image and {written.width:.4g} x {written.height:.4g} px"
    others = " or ".join(
        f"if {one.sentence} ({one.inside:.0%}, {one.width:.4g} x {one.height:.4g} px)"
        for one in ranking.likeliest
    )
    end = "" if ranking.is_decided else "; which of these cannot be decided"
    return f"{what} as written, plausible {others}{end}"


def _is_on_more_edges(one: Reading, written: Reading) -> bool:
    if one.edges is None or written.edges is None:
        return False
    return one.edges >= _ON_EDGES and one.edges - written.edges >= _MORE_EDGES


def _share(value: float | None) -> str:
    return f"{value or 0.0:.0%}"
