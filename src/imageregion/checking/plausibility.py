"""Plausibility: how well a region in pixels fits its image, as written and by other conventions.

Three figures are looked at. How much of the region lies on the image, and whether it is larger
than two pixels, make the score. How much of its outline lies on edges of the picture only orders
readings of equal score, because edges are weak evidence: a region may be drawn anywhere.

Shifts by half a pixel or one leave all three figures as they are; such readings stay undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from imageregion._arrays import FloatArray
from imageregion.checking.picture_edges import Edges
from imageregion.conventions import CONVENTIONS
from imageregion.errors import GeometryError
from imageregion.frame import Frame
from imageregion.outside import outside_fraction
from imageregion.plane import Plane
from imageregion.shapes import Points, Polygon, Polyline, Shape

__all__ = ["AS_WRITTEN", "SMALL", "Ranking", "Reading", "in_order", "rank"]

AS_WRITTEN = "as-written"
_SAME = 0.01  # scores that differ by less say nothing
SMALL = 2.0
"""Pixels; a region smaller than that is the less plausible the smaller it is."""

_STEEP = 1e-3  # a plane that is seen edge-on has no (x, y) of its own


@dataclass(frozen=True, slots=True)
class Reading:
    """A region read by one convention, and how well it fits the image then.

    Parameters
    ----------
    name : str
        "as-written", or the name of the convention.
    sentence : str
        What is assumed of the coordinates.
    inside : float
        Fraction of the region on the image, from 0 to 1.
    width, height : float
        Extent in pixels.
    edges : float, optional
        Fraction of the outline that lies on the strongest quarter of the edges of the picture;
        by chance 0.25. None where there is no outline, or the pixels were not looked at.
    score : float
        From 0, impossible, to 1, plausible: `inside`, times half the larger extent where that is
        below 2 pixels. One for a single point on the image.
    """

    name: str
    sentence: str
    inside: float
    width: float
    height: float
    edges: float | None
    score: float

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return name and figures as text."""
        edges = "" if self.edges is None else f"{self.edges:.0%}"
        size = f"{self.width:.4g} px", f"{self.height:.4g} px"
        return self.name, f"{self.inside:.0%}", *size, edges


@dataclass(frozen=True, slots=True)
class Ranking:
    """The readings of one region, the most plausible first.

    Parameters
    ----------
    path : str
        FHIRPath of the region.
    instance : str
        SOP Instance UID of the image.
    frame : int
        Frame number; 0 for the total pixel matrix.
    readings : tuple of Reading
        By score, then as written before the others, then by edges.
    """

    path: str
    instance: str
    frame: int
    readings: tuple[Reading, ...]

    @property
    def likeliest(self) -> tuple[Reading, ...]:
        """Every reading whose score is as good as the best."""
        best = self.readings[0].score
        return tuple(one for one in self.readings if one.score >= best - _SAME)

    @property
    def is_decided(self) -> bool:
        """Whether the evidence leaves one reading alone."""
        return len(self.likeliest) == 1

    @property
    def as_written(self) -> Reading:
        """The region as FHIR reads it."""
        return next(one for one in self.readings if one.name == AS_WRITTEN)


def rank(shape: Shape, frame: Frame, edges: Edges | None = None, path: str = "") -> Ranking:
    """Rank the conventions by which a region may have been written.

    Parameters
    ----------
    shape : Shape
        In pixels.
    frame : Frame
    edges : Edges, optional
        Of the picture; without it pixels are not looked at.
    path : str
        FHIRPath of the region.

    Examples
    --------
    >>> frame = Frame.from_array(np.zeros((200, 100)))
    >>> ranking = rank(Polygon([[0.2, 0.2], [0.6, 0.2], [0.4, 0.5]]), frame)
    >>> [one.name for one in ranking.likeliest], ranking.is_decided
    (['normalized'], True)
    """
    readings = [
        _reading(name, sentence, read, frame, edges)
        for name, sentence, read in _candidates(shape, frame)
    ]
    return Ranking(path, frame.instance, frame.number, in_order(readings))


def in_order(readings: list[Reading]) -> tuple[Reading, ...]:
    """Sort readings: by score, then as written before the others, then by edges."""
    return tuple(
        sorted(
            readings,
            key=lambda one: (
                -round(one.score / _SAME),
                one.name != AS_WRITTEN,
                -(one.edges or 0.0),
            ),
        )
    )


def _candidates(shape: Shape, frame: Frame) -> Iterator[tuple[str, str, Shape]]:
    yield AS_WRITTEN, "they count pixels from the corner of the image", shape
    for convention in CONVENTIONS:
        yield convention.name, convention.sentence, convention.read(shape, frame.shape)
    for name, sentence, read in (
        ("image-mm", "they were millimetres from the corner of the image", _image_mm),
        ("patient-mm", "they were x and y in the patient, in millimetres", _patient_mm),
    ):
        other = read(shape, frame)
        if other is not None:
            yield name, sentence, other


def _image_mm(shape: Shape, frame: Frame) -> Shape | None:
    spacing = frame.spacing
    if spacing is None or spacing.source == "aspect":
        return None
    return shape.transform(np.diag([1 / spacing.columns, 1 / spacing.rows]), np.zeros(2))


def _patient_mm(shape: Shape, frame: Frame) -> Shape | None:
    plane: Plane | None = frame.plane
    if plane is None or frame.tiles is not None:
        return None
    seen = plane.axes[:2]
    if abs(float(np.linalg.det(seen))) < _STEEP * plane.pixel_area:
        return None
    inverse: FloatArray = np.asarray(np.linalg.inv(seen), dtype=np.float64)
    corner = plane.to_patient([[0.0, 0.0]])[0, :2]
    return shape.transform(inverse, np.asarray(-inverse @ corner, dtype=np.float64))


def _reading(name: str, sentence: str, shape: Shape, frame: Frame, edges: Edges | None) -> Reading:
    low, high = shape.bounds
    width, height = (float(v) for v in high - low)
    inside = _inside(shape, frame.shape)
    single = isinstance(shape, Points) and len(shape.coords) == 1
    size = 1.0 if single else min(1.0, max(width, height) / SMALL)
    on_edges = edges.share(shape) if edges is not None and inside > 1 - _SAME else None
    return Reading(name, sentence, inside, width, height, on_edges, inside * size)


def _inside(shape: Shape, size: tuple[int, int]) -> float:
    low, high = shape.bounds
    end = np.array(size[::-1], dtype=np.float64)
    if (low >= 0).all() and (high <= end).all() and not isinstance(shape, Points | Polyline):
        return 1.0
    if (high < 0).any() or (low > end).any():
        return 0.0
    try:
        outside = outside_fraction(shape, size)
    except GeometryError:
        outside = None
    if outside is not None:
        return 1.0 - outside
    vertices = _VERTICES[type(shape)](shape) if type(shape) in _VERTICES else np.stack([low, high])
    return float(((vertices >= 0) & (vertices <= end)).all(axis=1).mean())


_VERTICES: dict[type, Callable[..., np.ndarray]] = {
    Polygon: lambda shape: np.concatenate(shape.rings),
    Polyline: lambda shape: shape.coords,
    Points: lambda shape: shape.coords,
}
