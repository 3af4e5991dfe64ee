"""Region: one shape, the images it was drawn on, and where in the document it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imageregion.shapes import FillRule, Polygon, Polyline, Shape

__all__ = ["Region", "Target"]


@dataclass(frozen=True, slots=True)
class Target:
    """Which images a region is meant for; empty fields leave it open.

    Parameters
    ----------
    study, series, instance : str
        DICOM UIDs without prefix; empty where not stated.
    frames : tuple of int
        Frame numbers within the instance, from 1; empty for all frames.
    frame_of_reference : str
        UID; needed for 3-D shapes.

    Examples
    --------
    >>> Target(instance="1.2.3", frames=(2,)).series
    ''
    """

    study: str = ""
    series: str = ""
    instance: str = ""
    frames: tuple[int, ...] = ()
    frame_of_reference: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One region of interest.

    Parameters
    ----------
    shape : Shape or None
        2-D shapes are in pixels of the target images, 3-D shapes in mm of its frame of reference;
        None stands for the whole of each target image.
    target : Target
    label : str
        Name shown to people.
    path : str
        FHIRPath of the element it was read from. A 2-D region of a whole resource (R5 snapshot 1)
        has one Region for each instance, all with the same path.
    type : str
        The region type as the document names it: "point", "polyline", "circle", ...; "image" for
        the whole image.
    notes : tuple of str
        Choices made while reading, e.g. how a spline was drawn.

    Examples
    --------
    >>> from imageregion.shapes import Ellipse
    >>> Region(Ellipse.circle((8, 8), 3), Target(instance="1.2.3"), label="cyst").is_open
    False
    """

    shape: Shape | None
    target: Target
    label: str = ""
    path: str = ""
    type: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the region is a 2-D line that `closed` could turn into an area."""
        return isinstance(self.shape, Polyline) and self.shape.dimension == 2

    def closed(self) -> Region:
        """Return the area that an unclosed 2-D outline bounds when its ends are joined.

        Other regions, and lines of fewer than three vertices, come back unchanged.
        """
        if not isinstance(self.shape, Polyline) or not self.is_open or len(self.shape.coords) < 3:
            return self
        note = "closed on request by a straight line from the last vertex to the first"
        return replace(self, shape=Polygon([self.shape.coords]), notes=(*self.notes, note))

    def filled(self, fill_rule: FillRule) -> Region:
        """Return the region with its outline filled by another rule."""
        if not isinstance(self.shape, Polygon) or self.shape.fill_rule == fill_rule:
            return self
        return replace(self, shape=Polygon(self.shape.rings, fill_rule))
