"""Measuring again: regions on their images under many settings, nothing measured twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from imageregion.auditing.assumptions import double_assumptions, single_assumptions
from imageregion.auditing.hypothesis import Assumption, measured_numbers
from imageregion.auditing.quantities import more_numbers
from imageregion.auditing.subjects import FrameCache, Numbers, Subject, find_subjects
from imageregion.auditing.units import Unit, read_unit
from imageregion.auditing.wholes import Whole
from imageregion.errors import ImageRegionError
from imageregion.fhir.links.values import LinkedRegion
from imageregion.settings import Settings
from imageregion.shapes import Points, Polygon, Polyline, Shape

if TYPE_CHECKING:
    from imageregion.dicom.images import Images

__all__ = ["MOST_VERTICES", "Measured", "Measurer"]

MOST_VERTICES = 50_000
"""Of shapes with more vertices only what needs no further measuring is tried."""

_Place: TypeAlias = tuple[int, str, tuple[str, ...], int | None, bool, str]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A region, or all regions of a selection, ready to be measured.

    Parameters
    ----------
    subject : Subject or Whole
    place : tuple
        What tells it from others: selection, region, images.
    index : int
        Which of several stacks of images.
    """

    subject: Subject | Whole
    place: _Place
    index: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """What it is and how it is measured; what else is reported of it makes no difference."""
        settings = replace(self.subject.settings, features="basic", estimators=False)
        return (*self.place, self.index, settings)

    @property
    def is_large(self) -> bool:
        """Whether it has so many vertices that it is not measured again and again."""
        if isinstance(self.subject, Whole):
            regions = self.subject.selection.regions
        else:
            regions = (self.subject.region,)
        return sum(_vertices(region.shape) for region in regions) > MOST_VERTICES

    def with_settings(self, settings: Settings) -> Measured:
        """Return the same under other settings."""
        return replace(self, subject=replace(self.subject, settings=settings))

    def reading(self, value: str, units: Sequence[Unit]) -> Measured:
        """Return the same with pixel values read as is stated, by name or else by unit."""
        if isinstance(self.subject, Whole):
            return self._valued(value) if value else self
        frame = self.subject.frame
        if value:
            known = {frame.value, *(quantity.name for quantity in frame.quantities)}
            return self._valued(value) if value in known and value != frame.value else self
        kinds = [unit.kind for unit in units if unit.kind not in ("", "1")]
        if not kinds or read_unit(frame.unit).kind in kinds:
            return self
        for quantity in frame.quantities:
            if read_unit(quantity.unit).kind in kinds:
                return self._valued(quantity.name)
        return self

    def _valued(self, name: str) -> Measured:
        return self.with_settings(replace(self.subject.settings, value=name))

    def full(self) -> Measured:
        """Return the same with everything that is ever reported."""
        settings = replace(self.subject.settings, features="first-order", estimators=True)
        return self.with_settings(settings)

    def more(self, numbers: Numbers) -> Numbers:
        """Return simple measures beyond those that are reported."""
        if isinstance(self.subject, Whole):
            return {}
        return more_numbers(self.subject, numbers)

    def assumptions(self) -> Iterator[Assumption]:
        """Yield every assumption that can be tried on it."""
        if isinstance(self.subject, Whole):
            return self.subject.assumptions()
        return single_assumptions(self.subject)

    def double_assumptions(self) -> Iterator[Assumption]:
        """Yield two assumptions at once."""
        if isinstance(self.subject, Whole):
            return iter(())
        return double_assumptions(self.subject)


@dataclass(slots=True)
class Measurer:
    """The images, and everything measured on them so far.

    Parameters
    ----------
    images : Images
    """

    images: Images
    cache: FrameCache = field(default_factory=FrameCache)
    _found: dict[_Place, tuple[Subject, ...] | str] = field(default_factory=dict)
    _numbers: dict[object, tuple[Numbers, str]] = field(default_factory=dict)

    def find(
        self,
        region: LinkedRegion,
        settings: Settings,
        instances: tuple[str, ...] = (),
        frame: int | None = None,
        *,
        closed: bool = False,
    ) -> list[Measured] | str:
        """Find a region on the images that were measured, one for each stack; or say why not."""
        place = (id(region.selection), region.path, instances, frame, closed, settings.fill_rule)
        if region.region is None:
            whole = Whole(region.selection, self.images, settings, self.cache, closed)
            return [Measured(whole, place)]
        if place not in self._found:
            read = region.region.closed() if closed else region.region
            found = find_subjects(
                read.filled(settings.fill_rule),
                self.images,
                settings,
                self.cache,
                instances=instances,
                frame=frame,
            )
            self._found[place] = found.subjects or found.reason
        known = self._found[place]
        if isinstance(known, str):
            return known
        return [
            Measured(replace(subject, settings=settings), place, index)
            for index, subject in enumerate(known)
        ]

    def numbers(self, measured: Measured) -> tuple[Numbers, str]:
        """Return what is measured, and why there are no pixel values; empty where there are."""
        key = (*measured.place, measured.index, measured.subject.settings)
        if key not in self._numbers:
            self._numbers[key] = _numbers(measured.subject)
        return self._numbers[key]


def _vertices(shape: Shape | None) -> int:
    if isinstance(shape, Polygon):
        return sum(map(len, shape.rings))
    return len(shape.coords) if isinstance(shape, Points | Polyline) else 0


def _numbers(subject: Subject | Whole) -> tuple[Numbers, str]:
    try:
        if isinstance(subject, Whole):
            return subject.numbers(), ""
        return measured_numbers(subject), ""
    except ImageRegionError as error:
        reason = str(error)
    if isinstance(subject, Whole):
        return {}, reason
    try:
        return measured_numbers(subject, pixels=False), reason
    except ImageRegionError:
        return {}, reason
