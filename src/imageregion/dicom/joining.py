"""Joining: the parts of a slide that was split into several instances, as the one it was.

A large slide may be stored as a concatenation (DICOM PS3.3 C.7.6.16.1): each part has some of the
frames, and all of them together are the frames of the source instance, whose UID they state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imageregion._arrays import IntArray, read_only
from imageregion.dicom.reading import Outcome
from imageregion.dicom.slides.matrices import MatrixLoader, Slide, SlideTiles
from imageregion.dicom.slides.overlaps import find_overlap, raster_order
from imageregion.dicom.slides.slides import dimensions_of_layers
from imageregion.dicom.slides.tiling import Layer
from imageregion.errors import Issue, PlacementError
from imageregion.frame import Frame

__all__ = ["JoinedTiles", "join_slides"]


def join_slides(outcomes: Sequence[Outcome]) -> tuple[list[Outcome], list[Issue]]:
    """Replace the parts of concatenated slides by the slides they were.

    Parameters
    ----------
    outcomes : sequence of Outcome
        What became of each source.

    Returns
    -------
    list of Outcome
        Parts that were joined give no frames any more but say where these are; the whole comes
        behind them, under SOPInstanceUIDOfConcatenationSource. All else is left as it was.
    list of Issue
        Parts that are missing or do not fit together; these stay for themselves.
    """
    families: dict[tuple[str, str], dict[str, Outcome]] = defaultdict(dict)
    for outcome in outcomes:
        slide = _slide_of(outcome)
        if slide is not None and slide.part.source and slide.part.offset >= 0:
            key = slide.part.concatenation, slide.part.source
            families[key].setdefault(outcome.uid, outcome)
    wholes: list[Outcome] = []
    issues: list[Issue] = []
    joined: dict[str, str] = {}
    for (_, source), family in families.items():
        parts = sorted(family.values(), key=lambda outcome: _sure(outcome).part.offset)
        problem, gaps = _check(parts)
        frames = None if problem else _joined(source, [_sure(part) for part in parts])
        if frames is None:
            reason = problem or "its parts overlap"
            message = f"the concatenation cannot be put together: {reason}"
            issues.append(Issue("warning", "concatenation", source, message))
            continue
        issues += [Issue("warning", "concatenation", source, gap) for gap in gaps]
        wholes.append(replace(parts[0], uid=source, frames=frames, issues=()))
        joined |= dict.fromkeys(family, source)
    left = [_moved(outcome, joined) for outcome in outcomes]
    return [*left, *wholes], issues


def _slide_of(outcome: Outcome) -> Slide | None:
    tiles = outcome.frames[0].tiles if outcome.frames else None
    return tiles.slide if isinstance(tiles, SlideTiles) else None


def _sure(outcome: Outcome) -> Slide:
    slide = _slide_of(outcome)
    assert slide is not None  # noqa: S101 - only those are asked for
    return slide


def _moved(outcome: Outcome, joined: dict[str, str]) -> Outcome:
    source = joined.get(outcome.uid)
    if source is None or _slide_of(outcome) is None:
        return outcome
    reason = f"is a part of a concatenation: its frames are those of image {source}"
    return replace(outcome, frames=(), reason=reason)


def _check(parts: Sequence[Outcome]) -> tuple[str, list[str]]:
    """Return why parts do not fit together, and which frames are missing."""
    slides = [_sure(part) for part in parts]
    kinds = {(s.shape, s.pixels.form.shape, s.pixels.channels) for s in slides}
    if len(kinds) > 1:
        return "the sizes or colours of its parts differ", []
    gaps, stop = [], 0
    for slide in slides:
        if slide.part.offset < stop:
            return "two of its parts have the same frames", []
        if slide.part.offset > stop:
            gaps.append(f"frames {stop + 1} to {slide.part.offset} are in a part that is missing")
        stop = slide.part.offset + slide.pixels.frames.count
    return "", gaps


_Key = tuple[str, float | None]
_Names = dict[_Key, tuple[tuple[str, str], ...]]


def _key(layer: Layer) -> _Key:
    """Return what layers of different parts have in common that belong together."""
    return layer.path, None if layer.follows else layer.height


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    """A layer of one part."""

    part: int
    layer: int


def _joined(source: str, slides: Sequence[Slide]) -> tuple[Frame, ...] | None:
    """Join the layers of one optical path and focal plane; None where their tiles overlap."""
    members: dict[_Key, list[_Member]] = defaultdict(list)
    for part, slide in enumerate(slides):
        for number, layer in enumerate(slide.layers):
            members[_key(layer)].append(_Member(part, number))
    firsts = [slides[group[0].part].layers[group[0].layer] for group in members.values()]
    names = dict(zip(members, dimensions_of_layers(firsts), strict=True))
    frames = []
    for key, group in members.items():
        tiles, dimensions = _tiles(source, slides, group, names), names[key]
        if find_overlap(tiles.corners, tiles.shape) is not None:
            return None
        first = slides[group[0].part].matrix(group[0].layer)
        load = MatrixLoader(tiles, first.shape, first.channels, source)
        frames.append(
            replace(first, load=load, tiles=tiles, instance=source, dimensions=dimensions)
        )
    return tuple(frames)


def _tiles(
    source: str,
    slides: Sequence[Slide],
    group: Iterable[_Member],
    names: _Names,
) -> JoinedTiles:
    parts = [SlideTiles(slides[member.part], member.layer) for member in group]
    corners = np.concatenate([part.corners for part in parts])
    which = np.repeat(np.arange(len(parts)), [len(part.corners) for part in parts])
    local = np.concatenate([np.arange(len(part.corners)) for part in parts])
    order = raster_order(corners)
    arrays = (read_only(array[order]) for array in (corners, which, local))
    return JoinedTiles(source, tuple(slides), tuple(parts), names, *arrays)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JoinedTiles:
    """The tiles of one layer of all parts of a slide; see `imageregion.frame.Tiles`.

    Parameters
    ----------
    source : str
        SOP Instance UID of the whole.
    slides : tuple of Slide
        All parts, by their first frame.
    parts : tuple of SlideTiles
        Those of this layer.
    names : dict
        Dimensions of the layers of the whole.
    corners : ndarray of int, shape (N, 2)
        Of all tiles of the layer, in raster order.
    which, local : ndarray of int, shape (N,)
        The part of each tile, and its index there.
    """

    source: str
    slides: tuple[Slide, ...]
    parts: tuple[SlideTiles, ...]
    names: _Names
    corners: IntArray
    which: IntArray
    local: IntArray

    def __repr__(self) -> str:
        size = f"{self.shape[0]} x {self.shape[1]}"
        return f"JoinedTiles({len(self.corners)} tiles of {size} in {len(self.parts)} parts)"

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of every tile."""
        return self.parts[0].shape

    def load(self, index: int) -> NDArray[Any]:
        """Return the stored values of the tile at ``corners[index]``."""
        part = self.parts[int(self.which[index])]
        return part.load(int(self.local[index]))

    def frame(self, number: int) -> Frame:
        """Return an encoded frame by its number in the whole, from 1.

        Raises
        ------
        PlacementError
            When there is no such frame, or its part is missing.
        """
        for slide in self.slides:
            inner = number - slide.part.offset
            if 1 <= inner <= slide.pixels.frames.count:
                names = self.names[_key(slide.layers[slide.find(inner)[0]])]
                found = slide.encoded(inner)
                return replace(found, number=number, instance=self.source, dimensions=names)
        raise PlacementError(f"image {self.source}: frame {number} is not among its parts at hand")
