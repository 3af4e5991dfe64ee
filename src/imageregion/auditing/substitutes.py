"""Substitutes: another shape or another frame that was measured in place of the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from imageregion.auditing.hypothesis import Assumption, again, with_frames, with_shape
from imageregion.auditing.subjects import Subject
from imageregion.frame import Frame
from imageregion.shapes import Ellipse, Ellipsoid, Polygon

__all__ = ["other_frames", "other_shapes"]

_NEIGHBOURS = 10  # frames before and after


def other_shapes(subject: Subject) -> Iterator[Assumption]:
    """Yield other sizes, the bounding box and the whole image."""
    shape = subject.region.shape
    if isinstance(shape, Ellipse | Ellipsoid):
        for name, sentence, factor in (
            ("doubled", "the diameters were the radii", 2.0),
            ("halved", "the radii were the diameters", 0.5),
        ):
            scaled = type(shape)(shape.center, shape.axes * factor)
            change = with_shape(subject, scaled)
            yield Assumption(f"size:{name}", sentence, 1, again(change))
    if shape is not None and shape.dimension == 2 and isinstance(shape, Ellipse | Polygon):
        low, high = shape.bounds
        box = Polygon([low, [high[0], low[1]], high, [low[0], high[1]]])
        change = with_shape(subject, box)
        sentence = "its bounding box were the region"
        yield Assumption("shape:bounding-box", sentence, 1, again(change))
    if shape is not None and shape.dimension == 2:
        change = with_shape(subject, None)
        sentence = "the whole image were the region"
        yield Assumption("shape:image", sentence, 1, again(change), True)


def other_frames(subject: Subject) -> Iterator[Assumption]:
    """Yield the frames before and after, of the instance or of the series."""
    parts = subject.located.parts
    if len(parts) != 1 or parts[0].frame.tiles is not None:
        return
    here = parts[0].frame
    frames = [f for f in subject.images.of_series(here.series) if f.shape == here.shape]
    place = next((i for i, frame in enumerate(frames) if frame.key == here.key), None)
    if place is None:
        return
    near = sorted(range(len(frames)), key=lambda i: (abs(i - place), i))
    for i in near[1 : 2 * _NEIGHBOURS + 1]:
        frame = frames[i]
        other = frame.instance if frame.instance != here.instance else ""
        where = f"image {other}" if other else f"frame {frame.number}"
        name = f"frame:{other or frame.number}"
        change = with_frames(subject, _replaced(frame))
        yield Assumption(name, f"{where} had been measured", 1, again(change), True)


def _replaced(frame: Frame) -> Callable[[Frame], Frame]:
    return lambda _: frame
